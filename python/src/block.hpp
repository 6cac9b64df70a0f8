// SPDX-License-Identifier: Apache-2.0
// Many payments: what a batch describes, and all memory that it reads, kept until the block goes.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <type_traits>
#include <vector>

#include "schema.hpp"

namespace weighbridge::python {

// Made and filled by one thread; then read by those that score copies of its batch.
class Block {
  public:
    Block(SchemaPtr bound, int64_t rows);

    int64_t rows() const { return rows_; }
    wb_batch *batch() const { return batch_.get(); }
    const BoundSchema &bound() const { return *bound_; }
    const wb_feature_info &feature(uint32_t index) const;

    // Keeps what the batch points at.
    void keep(py::object object) { kept_.append(std::move(object)); }
    py::tuple kept() const { return py::tuple(kept_); }
    template <class T>
    requires(!std::is_base_of_v<py::object, T>) T &keep(T value) {
        auto kept = std::make_shared<T>(std::move(value));
        T &out = *kept;
        owned_.push_back(std::move(kept));
        return out;
    }

    void set_column(uint32_t feature, int32_t element_type, const void *data, int64_t stride, const uint8_t *validity);
    void set_arrow(uint32_t feature, const ArrowSchema &type, const ArrowArray &array);
    void set_rows(std::unique_ptr<wb::Rows> rows);

  private:
    SchemaPtr bound_;
    int64_t rows_;
    wb::detail::Handle<wb_batch, wb_batch_free> batch_;
    py::list kept_;
    std::deque<std::shared_ptr<void>> owned_;
    std::unique_ptr<wb::Rows> dict_rows_;
};

// A bit for each row, 1 where it has a value, as the C API reads it.
class Validity {
  public:
    explicit Validity(size_t rows) : bits_(rows / 8 + 1, 0xff) {}
    void clear(size_t row) {
        bits_[row / 8] = static_cast<uint8_t>(bits_[row / 8] & ~(1u << (row % 8)));
        any_ = true;
    }
    // NULL where every row has a value: the C API reads that faster.
    const uint8_t *bits() const { return any_ ? bits_.data() : nullptr; }

  private:
    std::vector<uint8_t> bits_;
    bool any_ = false;
};

// One file for each kind of source.
void register_block(py::module_ &module);
void register_columns(py::module_ &module);
void register_objects(py::module_ &module);
void register_arrow(py::module_ &module);

}  // namespace weighbridge::python
