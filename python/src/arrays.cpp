// SPDX-License-Identifier: Apache-2.0
// Payments that come as numpy matrices: each column of a matrix is one feature. The rows are the library's own layout,
// written in place and kept between calls, so that a call costs what writing its values costs.
#include "arrays.hpp"

#include <pybind11/numpy.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "call.hpp"
#include "gil.hpp"
#include "in_use.hpp"
#include "target.hpp"
#include "values.hpp"

namespace weighbridge::python {
namespace {

class Arrays {
  public:
    // groups[g][k] is the feature in column k of the g-th matrix. weighbridge/_arrays.py sees to it that the features
    // of a group are numbers of one stored type, and all sequences or none. `target` must outlive this.
    Arrays(const Target &target, const std::shared_ptr<BoundSchema> &bound,
           const std::vector<std::vector<uint32_t>> &groups)
        : target_(target),
          bound_(bound),
          fixed_(schema().info().fixed_bytes),
          empty_(schema().empty_row().begin(), schema().empty_row().end()) {
        for (const std::vector<uint32_t> &features : groups) {
            Group &group = groups_.emplace_back();
            for (uint32_t feature : features) {
                const wb_feature_info &info = schema().features()[feature];
                group.type = info.type;
                group.sequence = info.is_sequence != 0;
                group.offsets.push_back(info.offset);
                wb_row_mark(empty_.data(), schema().info().missing_offset, feature, 0);
            }
            group.size = size_of(group.type);
            for (size_t k = 1; k < group.offsets.size(); ++k)
                group.adjacent &= group.offsets[k] == group.offsets[k - 1] + group.size;
        }
    }

    // One payment; a matrix [columns], or [length, columns] of sequences, for each group.
    double score_one(const py::args &arrays, const py::kwargs &options) {
        const InUse use(mark_, kArrays);
        std::byte *row = fill(arrays, 1, 0);
        const int64_t deadline = deadline_of(options);
        wb_result result = WB_RESULT_INIT;
        wb_error err = WB_ERROR_INIT;
        int32_t status = 0;
        {
            const Released released;
            status = target_.score(&result, row, deadline, nullptr, &err);
        }
        check(status, err);
        return result.score;
    }

    // Several payments; the same matrices with the rows in front. NaN for a row that cannot be scored.
    py::array_t<double> score(const py::args &arrays, const py::kwargs &options) {
        const InUse use(mark_, kArrays);
        if (arrays.empty()) fail(WB_INVALID_ARGUMENT, "expected at least one matrix");
        const py::ssize_t rows = array_of(arrays, 0).nd ? array_of(arrays, 0).dimensions[0] : 0;
        std::byte *first = fill(arrays, rows, 1);
        const int64_t deadline = deadline_of(options);
        py::array_t<double> scores(rows);
        wb_error err = WB_ERROR_INIT;
        describe(first, rows, scores.mutable_data(), &err);
        int32_t status = 0;
        {
            const Released released;
            status = target_.score_batch(nullptr, batch_.get(), deadline, nullptr, &err);
        }
        check(status, err);
        return scores;
    }

  private:
    struct Group {
        int32_t type = WB_TYPE_FLOAT32;
        bool sequence = false;
        bool adjacent = true;  // fields lie side by side in the row
        size_t size = 4;       // of an element
        py::object known;      // the dtype that the last matrix had
        std::vector<uint32_t> offsets;
    };

    static constexpr const char *kArrays = "arrays";

    const wb::Schema &schema() const { return bound_->schema; }

    // The batch of the rows, made once for as long as they lie where they lay.
    void describe(std::byte *first, py::ssize_t rows, double *scores, wb_error *err) {
        if (!batch_) {
            wb_batch *made = nullptr;
            check(wb_batch_create(&made, schema().get(), err), *err);
            batch_.reset(made);
        }
        if (rows != bound_rows_) {
            bound_rows_ = -1;
            check(wb_batch_reset(batch_.get(), rows, err), *err);
            if (rows > 0) check(wb_batch_set_rows(batch_.get(), first, static_cast<int64_t>(stride_), err), *err);
            bound_rows_ = rows;
        }
        check(wb_batch_set_result(batch_.get(), WB_COLUMN_SCORE, scores, sizeof *scores, err), *err);
    }

    static size_t size_of(int32_t type) { return type == WB_TYPE_FLOAT32 ? 4 : type == WB_TYPE_BOOL ? 1 : 8; }

    static char kind_of(int32_t type) {
        return type == WB_TYPE_BOOL ? 'b' : type == WB_TYPE_FLOAT32 || type == WB_TYPE_FLOAT64 ? 'f' : 'i';
    }

    // The argument's own array, without a count of its own: the arguments live as long as the call.
    using Array = py::detail::PyArray_Proxy;
    static const Array &array_of(const py::args &arrays, size_t at) {
        PyObject *item = PyTuple_GET_ITEM(arrays.ptr(), static_cast<py::ssize_t>(at));
        if (!py::isinstance<py::array>(item))
            fail(WB_INVALID_ARGUMENT,
                 "matrix " + std::to_string(at) + ": expected a numpy array, got " + type_of(item));
        if (!is_plain(item) && PyObject_HasAttrString(item, "mask"))
            fail(WB_INVALID_ARGUMENT, "matrix " + std::to_string(at) + ": expected a plain array, got a masked one");
        return *py::detail::array_proxy(item);
    }

    void check_matrix(const Array &array, size_t at, py::ssize_t rows, int rows_dim) {
        Group &group = groups_[at];
        auto refuse = [&](const std::string &expected, const std::string &got) {
            fail(WB_INVALID_ARGUMENT, "matrix " + std::to_string(at) + ": expected " + expected + ", got " + got);
        };
        if (array.nd != rows_dim + group.sequence + 1)
            refuse(std::to_string(rows_dim + group.sequence + 1) + " dimensions", std::to_string(array.nd));
        if (rows_dim && array.dimensions[0] != rows)
            refuse(std::to_string(rows) + " rows", std::to_string(array.dimensions[0]));
        auto columns = static_cast<size_t>(array.dimensions[array.nd - 1]);
        if (columns != group.offsets.size())
            refuse(std::to_string(group.offsets.size()) + " columns", std::to_string(columns));
        if (array.descr == group.known.ptr()) return;
        auto type = py::reinterpret_borrow<py::dtype>(array.descr);
        if (type.kind() != kind_of(group.type) || static_cast<size_t>(type.itemsize()) != group.size ||
            type.byteorder() == '>')
            refuse(std::string(wb::type_name(group.type)) + " elements", py::str(type));
        group.known = std::move(type);
    }

    // Writes the rows. @return the first
    std::byte *fill(const py::args &arrays, py::ssize_t rows, int rows_dim) {
        if (arrays.size() != groups_.size())
            fail(WB_INVALID_ARGUMENT,
                 "expected " + std::to_string(groups_.size()) + " matrices, got " + std::to_string(arrays.size()));
        size_t used = fixed_;
        for (size_t g = 0; g < groups_.size(); ++g) {
            const Array &array = array_of(arrays, g);
            check_matrix(array, g, rows, rows_dim);
            if (groups_[g].sequence)
                used += groups_[g].offsets.size() *
                        padded(static_cast<size_t>(array.dimensions[rows_dim]) * groups_[g].size);
        }
        if (used > UINT32_MAX) fail(WB_INVALID_INPUT, "sequences: expected less than 4 GiB a row");
        make_room(static_cast<size_t>(rows), used);
        for (py::ssize_t i = 0; i < rows; ++i) {
            std::byte *row = at(static_cast<size_t>(i));
            size_t tail = fixed_;
            for (size_t g = 0; g < groups_.size(); ++g) {
                const Array &array = array_of(arrays, g);
                auto *data = reinterpret_cast<const std::byte *>(array.data) + (rows_dim ? i * array.strides[0] : 0);
                if (groups_[g].sequence)
                    put_sequences(groups_[g], row, tail, data, array.dimensions[rows_dim], array.strides[rows_dim],
                                  array.strides[rows_dim + 1]);
                else
                    put_scalars(groups_[g], row, data, array.strides[rows_dim]);
            }
            auto end = static_cast<uint32_t>(tail);
            wb_row_put(row, offsetof(wb_row_header, used), &end, sizeof end);
        }
        return at(0);
    }

    static size_t padded(size_t bytes) { return (bytes + 7) / 8 * 8; }

    // Rows of at least `bytes` bytes each, whose fixed part is ready.
    void make_room(size_t rows, size_t bytes) {
        const size_t stride = std::max(padded(bytes), stride_);
        if (rows > PTRDIFF_MAX / stride) throw std::bad_alloc();
        if (stride == stride_ && rows * stride <= words_.size() * 8) return;
        words_.assign(std::max<size_t>(rows, 1) * stride / 8, 0);
        stride_ = stride;
        auto capacity = static_cast<uint32_t>(stride_);
        wb_row_put(empty_.data(), offsetof(wb_row_header, capacity), &capacity, sizeof capacity);
        for (size_t i = 0; (i + 1) * stride_ <= words_.size() * 8; ++i)
            std::memcpy(at(i), empty_.data(), empty_.size());
        bound_rows_ = -1;
    }

    std::byte *at(size_t row) { return reinterpret_cast<std::byte *>(words_.data()) + row * stride_; }

    static void put_scalars(const Group &group, std::byte *row, const std::byte *data, py::ssize_t step) {
        if (group.adjacent && static_cast<size_t>(step) == group.size) {
            std::memcpy(row + group.offsets[0], data, group.offsets.size() * group.size);
            return;
        }
        for (size_t k = 0; k < group.offsets.size(); ++k)
            std::memcpy(row + group.offsets[k], data + static_cast<py::ssize_t>(k) * step, group.size);
    }

    static void put_sequences(const Group &group, std::byte *row, size_t &tail, const std::byte *data,
                              py::ssize_t length, py::ssize_t step, py::ssize_t column) {
        for (size_t k = 0; k < group.offsets.size(); ++k) {
            wb_span span = {static_cast<uint32_t>(tail), static_cast<uint32_t>(length)};
            wb_row_put(row, group.offsets[k], &span, sizeof span);
            const std::byte *from = data + static_cast<py::ssize_t>(k) * column;
            if (group.size == 4)
                gather<uint32_t>(row + tail, from, length, step);
            else if (group.size == 8)
                gather<uint64_t>(row + tail, from, length, step);
            else
                gather<uint8_t>(row + tail, from, length, step);
            tail += padded(static_cast<size_t>(length) * group.size);
        }
    }

    template <class T>
    static void gather(std::byte *to, const std::byte *from, py::ssize_t length, py::ssize_t step) {
        for (py::ssize_t i = 0; i < length; ++i) std::memcpy(to + i * sizeof(T), from + i * step, sizeof(T));
    }

    const Target &target_;
    SchemaPtr bound_;
    size_t fixed_;
    std::vector<std::byte> empty_;  // a row's fixed part, with the groups' features present
    std::vector<Group> groups_;
    std::vector<uint64_t> words_;  // the rows
    size_t stride_ = 0;
    wb::detail::Handle<wb_batch, wb_batch_free> batch_;
    py::ssize_t bound_rows_ = -1;  // what the batch is set to
    Mark mark_;
};

}  // namespace

void register_arrays(py::module_ &module) {
    py::class_<Arrays>(module, "Arrays")
        .def(py::init<const Target &, const std::shared_ptr<BoundSchema> &,
                      const std::vector<std::vector<uint32_t>> &>(),
             py::arg("target"), py::arg("schema"), py::arg("groups"), py::keep_alive<1, 2>())
        .def("score_one", &Arrays::score_one)
        .def("score", &Arrays::score);
}

}  // namespace weighbridge::python
