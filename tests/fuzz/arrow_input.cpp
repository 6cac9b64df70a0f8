// SPDX-License-Identifier: Apache-2.0
// Arrow arrays by a description: the interface gives no sizes, so that pointers and lengths are the caller's promise,
// and everything that lies inside the buffers is not. Bytes of the input, in order: of a struct array its offset,
// validity and null count; then for each of up to ten columns feature, rows' offset, kind, what the kind takes, and
// null count. Buffers are as long as the format and the lengths ask, filled from the input, with zeros where it ends.
#include <algorithm>
#include <cstring>

#include "feature/columns.hpp"
#include "fuzz/data_inputs.hpp"
#include "fuzz/promise.hpp"
#include "unit/feature/arrow_support.hpp"

namespace weighbridge::test {
namespace {

using lib::test::Arrow;

constexpr int64_t kRows = 4;

class Description {
  public:
    explicit Description(lib::ByteView bytes) : bytes_(bytes) {}
    bool ended() const { return at_ >= bytes_.size(); }
    uint8_t byte() { return ended() ? uint8_t{0} : static_cast<uint8_t>(bytes_[at_++]); }
    std::string text(size_t size) {
        std::string made(size, '\0');
        const size_t have = std::min(size, bytes_.size() - std::min(at_, bytes_.size()));
        if (have > 0) std::memcpy(made.data(), bytes_.data() + at_, have);
        at_ += size;
        return made;
    }

  private:
    lib::ByteView bytes_;
    size_t at_ = 0;
};

struct Fixed {
    const char *format;
    size_t bytes;  // of a value; 0: a bit
};
constexpr Fixed kFixed[] = {{"c", 1},    {"C", 1},       {"s", 2},   {"S", 2},   {"i", 4}, {"I", 4},       {"l", 8},
                            {"L", 8},    {"e", 2},       {"f", 4},   {"g", 8},   {"b", 0}, {"tss:UTC", 8}, {"tsm:", 8},
                            {"tsu:", 8}, {"tsn:UTC", 8}, {"tdD", 4}, {"tdm", 8}, {"n", 8}, {"d:12,2", 16}, {"zz", 1}};

void add_validity(Arrow &array, Description &from, int64_t places) {
    if (from.byte() % 2)
        array.bytes(from.text(static_cast<size_t>(places + 7) / 8));
    else
        array.no_buffer();
}

std::unique_ptr<Arrow> fixed(Description &from, int64_t places) {
    const Fixed &kind = kFixed[from.byte() % std::size(kFixed)];
    auto made = std::make_unique<Arrow>(kind.format, places);
    add_validity(*made, from, places);
    const auto count = static_cast<size_t>(places);
    made->bytes(from.text(kind.bytes == 0 ? (count + 7) / 8 : count * kind.bytes));
    return made;
}

// Offsets as they come: between the first and the last, which the text's buffer holds, they may be anything.
template <class Offset>
std::unique_ptr<Arrow> texts(Description &from, const char *format, int64_t places) {
    auto made = std::make_unique<Arrow>(format, places);
    add_validity(*made, from, places);
    std::vector<Offset> offsets(static_cast<size_t>(places) + 1);
    for (Offset &offset : offsets) offset = static_cast<Offset>(static_cast<int8_t>(from.byte()));
    const auto size = static_cast<size_t>(std::max<int64_t>(offsets.back(), 0));
    made->buffer(offsets).bytes(from.text(size));
    return made;
}

std::unique_ptr<Arrow> views(Description &from, int64_t places) {
    auto made = std::make_unique<Arrow>("vu", places);
    add_validity(*made, from, places);
    made->bytes(from.text(static_cast<size_t>(places) * 16));
    const std::vector<int64_t> sizes = {from.byte() % 64, from.byte() % 64};
    for (const int64_t size : sizes) made->bytes(from.text(static_cast<size_t>(size)));
    made->buffer(sizes);
    return made;
}

std::unique_ptr<Arrow> any(Description &from, int64_t places, int depth) {
    switch (from.byte() % (depth > 0 ? 8 : 5)) {
        case 0:
        case 1:
            return fixed(from, places);
        case 2:
            return texts<int32_t>(from, "u", places);
        case 3:
            return texts<int64_t>(from, "U", places);
        case 4:
            return views(from, places);
        case 5: {
            auto indices = fixed(from, places);
            const int64_t values = from.byte() % 8;
            indices->dictionary(any(from, values, depth - 1));
            return indices;
        }
        default: {
            const bool large = from.byte() % 2;
            auto made = std::make_unique<Arrow>(large ? "+L" : "+l", places);
            add_validity(*made, from, places);
            std::vector<int64_t> offsets(static_cast<size_t>(places) + 1);
            for (int64_t &offset : offsets) offset = static_cast<int8_t>(from.byte());
            if (large)
                made->buffer(offsets);
            else
                made->buffer(std::vector<int32_t>(offsets.begin(), offsets.end()));
            const int64_t elements = from.byte() % 32;
            made->child(any(from, elements, depth - 1));
            return made;
        }
    }
}

// A column of so many rows from its offset on.
std::unique_ptr<Arrow> column(Description &from, int64_t rows) {
    const int64_t offset = from.byte() % 8;
    auto made = any(from, offset + rows, 2);
    made->slice(offset, rows).nulls(static_cast<int8_t>(from.byte()));
    return made;
}

// Whatever the columns hold, each row is encoded, or refused with a message.
void encode_all(const lib::Columns &columns) {
    const EveryType &every = every_type();
    lib::Tile tile = every.encoder->make_tile(kRows);
    for (int64_t row = 0; row < kRows; ++row) {
        lib::RowNotes notes;
        lib::Encoder::Append done;
        const lib::Status status = every.encoder->append(tile, columns, row, notes, done);
        if (!status.ok()) promise_message(status);
    }
}

}  // namespace

bool try_arrow_rows(lib::ByteView bytes) {
    const EveryType &every = every_type();
    const auto &features = every.schema->features();
    Description from(bytes);
    const int64_t offset = from.byte() % 8;
    lib::test::ArrowTable table(kRows);
    add_validity(table.rows, from, offset + kRows);
    table.rows.slice(offset, kRows).nulls(static_cast<int8_t>(from.byte()));
    for (int i = 0; i < 10 && !from.ended(); ++i) {
        // A feature's name, one that no feature has, or none.
        const size_t name = from.byte() % (features.size() + 2);
        table.column(name < features.size()    ? features[name].name.c_str()
                     : name == features.size() ? "f_32"
                                               : nullptr,
                     column(from, offset + kRows));
    }
    lib::Columns columns(every.schema);
    columns.reset(kRows);
    const lib::Status status = columns.set_arrow_rows(table.rows.type, table.rows.array);
    if (!status.ok()) promise_message(status);
    encode_all(columns);
    return status.ok();
}

bool try_arrow(lib::ByteView bytes) {
    const EveryType &every = every_type();
    Description from(bytes);
    std::vector<std::unique_ptr<Arrow>> arrays;  // outlive the columns, which point at them
    lib::Columns columns(every.schema);
    columns.reset(kRows);
    const auto features = static_cast<uint32_t>(every.schema->features().size());
    bool accepted = false;
    for (int i = 0; i < 10 && !from.ended(); ++i) {
        const uint32_t feature = from.byte() % features;
        arrays.push_back(column(from, kRows));
        const lib::Status status = columns.set_arrow(feature, arrays.back()->type, arrays.back()->array);
        if (!status.ok()) promise_message(status);
        accepted = accepted || status.ok();
    }
    encode_all(columns);
    return accepted;
}

}  // namespace weighbridge::test
