// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pybind11/pybind11.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "errors.hpp"

namespace weighbridge::python {

// A schema with its features' indices by name, for rows that come as dicts. Immutable.
struct BoundSchema {
    explicit BoundSchema(wb::Schema of);
    // The index of a feature; WB_NOT_FOUND with the nearest names.
    uint32_t find(py::handle name) const;

    wb::Schema schema;
    py::dict index;

    // What filling a row from an array needs of each feature: a tenth of wb_feature_info, which the model's weights
    // push out of the nearest caches between two payments.
    struct Field {
        uint32_t offset;
        uint8_t type;
        bool is_sequence;
        bool nan_is_missing;  // as values.hpp has it
    };
    std::vector<Field> fields;
};

using SchemaPtr = std::shared_ptr<const BoundSchema>;

// A bundle in memory: its files' bytes by name.
using Files = std::map<std::string, py::bytes>;
wb::Source source_of(const Files &files);

void register_schema(py::module_ &module);

}  // namespace weighbridge::python
