// SPDX-License-Identifier: Apache-2.0
#include "block.hpp"

#include "values.hpp"

namespace weighbridge::python {

Block::Block(SchemaPtr bound, int64_t rows) : bound_(std::move(bound)), rows_(rows) {
    wb_error err = WB_ERROR_INIT;
    wb_batch *made = nullptr;
    check(wb_batch_create(&made, bound_->schema.get(), &err), err);
    batch_.reset(made);
    check(wb_batch_reset(made, rows, &err), err);
}

const wb_feature_info &Block::feature(uint32_t index) const {
    const auto features = bound_->schema.features();
    if (index < features.size()) return features[index];
    fail(WB_INVALID_ARGUMENT,
         "feature index: expected below " + std::to_string(features.size()) + ", got " + std::to_string(index));
}

void Block::set_column(uint32_t feature, int32_t element_type, const void *data, int64_t stride,
                       const uint8_t *validity) {
    wb_error err = WB_ERROR_INIT;
    check(wb_batch_set_column_as(batch(), feature, element_type, data, stride, validity, 0, &err), err);
}

void Block::set_arrow(uint32_t feature, const ArrowSchema &type, const ArrowArray &array) {
    wb_error err = WB_ERROR_INIT;
    check(wb_batch_set_arrow(batch(), feature, &type, &array, &err), err);
}

void Block::set_rows(std::unique_ptr<wb::Rows> rows) {
    dict_rows_ = std::move(rows);
    wb_error err = WB_ERROR_INIT;
    if (rows_ > 0) check(wb_batch_set_rows(batch(), dict_rows_->data(), dict_rows_->stride(), &err), err);
}

namespace {

std::unique_ptr<Block> block_of_dicts(const std::shared_ptr<BoundSchema> &bound, const py::list &dicts) {
    auto rows = std::make_unique<wb::Rows>(bound->schema);
    wb::Row row(bound->schema);
    int64_t i = 0;
    for (py::handle item : dicts) {
        row.clear();
        try {
            if (!PyDict_Check(item.ptr())) fail(WB_INVALID_INPUT, "expected a dict of features, got " + type_of(item));
            set_dict(row, *bound, py::reinterpret_borrow<py::dict>(item));
        } catch (const wb::Exception &refused) {
            wb::Error error = refused.error();
            fail(error.code, "row " + std::to_string(i) + ": " + error.message, error.feature, i);
        }
        rows->push_back(row);
        ++i;
    }
    auto block = std::make_unique<Block>(bound, i);
    block->set_rows(std::move(rows));
    return block;
}

}  // namespace

void register_block(py::module_ &module) {
    py::class_<Block>(module, "Block")
        .def(py::init([](const std::shared_ptr<BoundSchema> &schema, int64_t rows) {
                 return std::make_unique<Block>(schema, rows);
             }),
             py::arg("schema"), py::arg("rows"))
        .def_property_readonly("rows", &Block::rows)
        .def_property_readonly("kept", &Block::kept, "Whose memory is read: arrays among them.");
    module.def("block_of_dicts", &block_of_dicts, py::arg("schema"), py::arg("dicts"));
}

}  // namespace weighbridge::python
