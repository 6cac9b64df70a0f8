// SPDX-License-Identifier: Apache-2.0
#include "feature/columns.hpp"

#include <cstring>
#include <limits>

#include "base/bytes.hpp"
#include "feature/arrow_rows.hpp"
#include "feature/cell_value.hpp"
#include "feature/type_name.hpp"

namespace weighbridge::lib {

namespace {

// By WB_ELEMENT_*, whose first has no type of its own.
constexpr CellType kElements[] = {CellType::bytes,   CellType::f32, CellType::f64, CellType::i64,  CellType::i32,
                                  CellType::boolean, CellType::i8,  CellType::i16, CellType::u8,   CellType::u16,
                                  CellType::u32,     CellType::u64, CellType::f16, CellType::views};
static_assert(std::size(kElements) == WB_ELEMENT_VIEW + 1);

// What a view of a feature's column points at.
CellType behind_view(const Feature &feature, CellType type) {
    if (type != CellType::bytes && type != CellType::views) return type;
    return feature.sequence ? CellType::views : CellType::bytes;
}

}  // namespace

struct Columns::Column {
    const std::byte *data = nullptr;  // of row 0; null where there is no strided column
    int64_t stride = 0;
    const uint8_t *validity = nullptr;
    int64_t validity_offset = 0;    // in bits, of row 0
    CellType type = CellType::f64;  // of a value, or of what a view points at
    bool through_view = false;
    bool arrow = false;

    bool is_null(int64_t row) const {
        const int64_t bit = row + validity_offset;
        return validity && !((validity[bit / 8] >> (bit % 8)) & 1);
    }
    bool missing(int64_t row) const { return !data || is_null(row); }
};

Columns::Columns(std::shared_ptr<const Schema> schema) : schema_(std::move(schema)) {
    columns_.resize(schema_->features().size());
    arrows_.resize(columns_.size());
    for (size_t i = 0; i < columns_.size(); ++i) {
        const Feature &feature = schema_->features()[i];
        Column &column = columns_[i];
        column.type = behind_view(feature, cell_type_of(feature.type));
        column.through_view = feature.sequence || column.type == CellType::bytes;
    }
}

Columns::Columns(const Columns &other) = default;

Columns::~Columns() = default;

void Columns::reset(int64_t rows) {
    rows_ = rows;
    for (Column &column : columns_) {
        column.data = nullptr;
        column.arrow = false;
    }
    for (auto &arrow : arrows_) arrow.reset();
}

Status Columns::check_feature(uint32_t feature) const {
    if (feature < columns_.size()) return {};
    return Status::failure(WB_INVALID_ARGUMENT, "feature index: expected below {}, got {}", columns_.size(), feature);
}

// What elements of the type are to the feature.
Status Columns::check_type(uint32_t index, int32_t element_type, CellType &type) const {
    const Feature &feature = schema_->features()[index];
    if (element_type < WB_ELEMENT_STORED || element_type > WB_ELEMENT_VIEW)
        return Status::failure(WB_INVALID_ARGUMENT, "element type: expected {} to {} (WB_ELEMENT_*), got {}",
                               WB_ELEMENT_STORED, WB_ELEMENT_VIEW, element_type);
    const bool stored = element_type == WB_ELEMENT_STORED;
    const CellType given = stored ? cell_type_of(feature.type) : kElements[element_type];
    if (!takes(feature.type, given))
        return Status::failure(WB_INVALID_ARGUMENT, "feature '{}': expected {}, got elements of {}", feature.name,
                               describe_type(feature), name_of(given))
            .with_feature(static_cast<int32_t>(index));
    type = behind_view(feature, given);
    return {};
}

Status Columns::set_column(uint32_t feature, const void *data, int64_t stride, const uint8_t *validity,
                           int64_t validity_offset, int32_t element_type) {
    if (Status known = check_feature(feature); !known.ok()) return known;
    CellType type{};
    if (Status fits = check_type(feature, element_type, type); !fits.ok()) return fits;
    const std::string &name = schema_->features()[feature].name;
    if (!data && rows_ > 0)
        return Status::failure(WB_INVALID_ARGUMENT, "feature '{}': expected column data for {} rows, got NULL", name,
                               rows_)
            .with_feature(static_cast<int32_t>(feature));
    int64_t reach = 0;
    if (rows_ > 0 && __builtin_mul_overflow(stride, rows_ - 1, &reach))
        return Status::failure(WB_INVALID_ARGUMENT, "feature '{}': a stride of {} overflows for {} rows", name, stride,
                               rows_)
            .with_feature(static_cast<int32_t>(feature));
    if (validity_offset < 0 || validity_offset > std::numeric_limits<int64_t>::max() - rows_)
        return Status::failure(WB_INVALID_ARGUMENT, "feature '{}': expected a validity offset in [0, {}], got {}", name,
                               std::numeric_limits<int64_t>::max() - rows_, validity_offset)
            .with_feature(static_cast<int32_t>(feature));
    Column &column = columns_[feature];
    column.arrow = false;
    arrows_[feature].reset();
    column.data = static_cast<const std::byte *>(data);
    column.stride = stride;
    column.validity = validity;
    column.validity_offset = validity_offset;
    column.type = type;
    return {};
}

Status Columns::set_arrow(uint32_t feature, const ArrowSchema &type, const ArrowArray &array) {
    if (Status known = check_feature(feature); !known.ok()) return known;
    Expected<ArrowColumn> made = ArrowColumn::make(schema_->features()[feature], feature, type, array, rows_);
    if (!made) return made.status();
    arrows_[feature] = std::make_shared<const ArrowColumn>(*std::move(made));
    columns_[feature].data = nullptr;
    columns_[feature].validity = nullptr;
    columns_[feature].arrow = true;
    return {};
}

Status Columns::set_arrow_rows(const ArrowSchema &type, const ArrowArray &array) {
    Expected<ArrowRows> made = ArrowRows::make(*schema_, type, array, rows_);
    if (!made) return made.status();
    arrows_ = std::move(made->columns);
    for (size_t i = 0; i < columns_.size(); ++i) {
        columns_[i].data = nullptr;
        columns_[i].validity = made->validity;
        columns_[i].validity_offset = made->offset;
        columns_[i].arrow = arrows_[i] != nullptr;
    }
    return {};
}

Status Columns::cell(uint32_t feature, int64_t row, Cell &out) const {
    if (feature >= columns_.size()) [[unlikely]]
        return check_feature(feature);
    if (row < 0 || row >= rows_) [[unlikely]]
        return Status::failure(WB_INVALID_ARGUMENT, "row: expected in [0, {}), got {}", rows_, row);
    const Column &column = columns_[feature];
    out.missing = column.arrow ? column.is_null(row) : column.missing(row);
    if (out.missing) return {};
    if (column.arrow) return arrows_[feature]->cell(0, row, out);
    const std::byte *at = column.data + row * column.stride;
    out.type = column.type;
    out.data = at;
    out.count = 1;
    if (!column.through_view) return {};

    auto view = load_unaligned<wb_view>(at);
    auto blame = [&](Status status) { return status.with_feature(static_cast<int32_t>(feature)); };
    const std::string &name = schema_->features()[feature].name;
    if (view.size < 0 || view.size > std::numeric_limits<int64_t>::max() / size_of(column.type)) [[unlikely]]
        return blame(Status::failure(WB_INVALID_INPUT, "feature '{}': expected a view of size in [0, {}], got {}", name,
                                     std::numeric_limits<int64_t>::max() / size_of(column.type), view.size));
    if (!view.data && view.size) [[unlikely]]
        return blame(Status::failure(WB_INVALID_INPUT, "feature '{}': view of size {} has NULL data", name, view.size));
    out.data = static_cast<const std::byte *>(view.data);
    out.count = view.size;
    return {};
}

namespace {

template <class Word>
void copy_word(std::byte *out, uint32_t index, const std::byte *from) {
    std::memcpy(out + index * sizeof(Word), from, sizeof(Word));
}

}  // namespace

uint64_t Columns::copy(CellType type, uint32_t first, uint32_t count, int64_t row, std::byte *out) const {
    if (row < 0 || row >= rows_) return ~uint64_t{0};
    uint64_t others = 0;
    const bool wide = size_of(type) == 8;
    for (uint32_t i = 0; i < count; ++i) {
        const Column &column = columns_[first + i];
        if (column.missing(row) || column.type != type || column.through_view) {
            others |= uint64_t{1} << i;
            continue;
        }
        const std::byte *from = column.data + row * column.stride;
        if (wide)
            copy_word<uint64_t>(out, i, from);
        else
            copy_word<uint32_t>(out, i, from);
    }
    return others;
}

bool Columns::shared(uint32_t feature) const {
    const Column &column = columns_[feature];
    return !column.arrow && (!column.data || (column.stride == 0 && !column.validity));
}

}  // namespace weighbridge::lib
