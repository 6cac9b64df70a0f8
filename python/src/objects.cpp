// SPDX-License-Identifier: Apache-2.0
// Columns of Python objects: each value is set in a scratch row, as a dict's would be, and what that stores is the
// column's element. So a value means the same in both, and is read exactly or refused.
#include <cstring>
#include <string_view>

#include "block.hpp"
#include "values.hpp"

namespace weighbridge::python {
namespace {

class ObjectColumn {
  public:
    ObjectColumn(Block &block, uint32_t feature)
        : block_(block),
          feature_(feature),
          info_(block.feature(feature)),
          row_(block.bound().schema),
          validity_(block.keep(Validity(static_cast<size_t>(block.rows())))),
          viewed_(info_.is_sequence || is_text(info_)),
          width_(viewed_ ? sizeof(wb_view) : wb::detail::element_bytes(info_.type, 0)),
          elements_(block.keep(std::vector<std::byte>(static_cast<size_t>(block.rows()) * width_))),
          pieces_(block.keep(std::deque<std::vector<std::byte>>())) {}

    void set(const py::tuple &values) {
        const bool texts = is_text(info_) && !info_.is_sequence;
        for (size_t i = 0; i < values.size(); ++i) {
            const py::handle value = values[i];
            if (texts && PyUnicode_Check(value.ptr()))
                put(i, view_of(utf8_of(value, kept_)));
            else
                set_by_row(i, value);
        }
        block_.keep(values);
        block_.keep(kept_);
        block_.set_column(feature_, WB_ELEMENT_STORED, elements_.data(), static_cast<int64_t>(width_),
                          validity_.bits());
    }

  private:
    static wb_view view_of(std::string_view text) { return {text.data(), static_cast<int64_t>(text.size())}; }

    // A NaN of a column is missing, of a float feature too.
    static bool is_nan(py::handle value) {
        return !PyLong_Check(value.ptr()) && !py::isinstance<py::array>(value) && says_missing(value);
    }

    void put(size_t i, const wb_view &view) { std::memcpy(&elements_[i * width_], &view, sizeof view); }

    void set_by_row(size_t i, py::handle value) {
        if (nan_is_missing(info_) && is_nan(value)) return validity_.clear(i);
        row_.clear();
        try {
            set_value(row_, block_.bound(), feature_, value);
        } catch (const wb::Exception &refused) {
            const wb::Error &error = refused.error();
            const auto row = static_cast<int64_t>(i);
            fail(error.code, "row " + std::to_string(row) + ": " + error.message, error.feature, row);
        }
        if (row_.is_missing(feature_)) return validity_.clear(i);
        const std::byte *field = row_.data() + info_.offset;
        if (!viewed_) {
            std::memcpy(&elements_[i * width_], field, width_);
            return;
        }
        wb_span span;
        std::memcpy(&span, field, sizeof span);
        put(i, !info_.is_sequence ? view_of(copy(span, 1)) : is_text(info_) ? texts_of(span) : numbers_of(span));
    }

    // The bytes of a span in the row, copied to where they stay.
    std::string_view copy(const wb_span &span, size_t element_bytes) {
        const size_t bytes = size_t{span.size} * element_bytes;
        const std::byte *from = row_.data() + span.offset;
        const auto &piece = pieces_.emplace_back(from, from + bytes);
        return {reinterpret_cast<const char *>(piece.data()), bytes};
    }

    wb_view numbers_of(const wb_span &span) {
        return {copy(span, wb::detail::element_bytes(info_.type, 0)).data(), span.size};
    }

    wb_view texts_of(const wb_span &spans) {
        std::vector<std::byte> views(size_t{spans.size} * sizeof(wb_view));
        for (uint32_t k = 0; k < spans.size; ++k) {
            wb_span text;
            std::memcpy(&text, row_.data() + spans.offset + k * sizeof text, sizeof text);
            const wb_view view = view_of(copy(text, 1));
            std::memcpy(&views[k * sizeof view], &view, sizeof view);
        }
        return {pieces_.emplace_back(std::move(views)).data(), spans.size};
    }

    Block &block_;
    uint32_t feature_;
    const wb_feature_info &info_;
    wb::Row row_;
    Validity &validity_;
    bool viewed_;
    size_t width_;
    std::vector<std::byte> &elements_;
    std::deque<std::vector<std::byte>> &pieces_;
    py::list kept_;
};

void set_objects(Block &block, uint32_t feature, const py::tuple &values) {
    if (static_cast<int64_t>(values.size()) != block.rows())
        fail(WB_INVALID_ARGUMENT,
             "column '" + std::string(block.feature(feature).name) + "': expected " + std::to_string(block.rows()) +
                 " rows, got " + std::to_string(values.size()),
             static_cast<int32_t>(feature));
    ObjectColumn(block, feature).set(values);
}

}  // namespace

void register_objects(py::module_ &module) {
    module.def("set_objects", &set_objects, py::arg("block"), py::arg("feature"), py::arg("values"));
}

}  // namespace weighbridge::python
