// SPDX-License-Identifier: Apache-2.0
#include <vector>

#include "feature/row.hpp"
#include "objects.hpp"
#include "weighbridge.h"

using namespace weighbridge;
using capi::Kind;
using lib::Status;

namespace weighbridge::capi {
namespace {

wb_tensor_info describe(const std::string &name, lib::DType dtype, const lib::Shape &shape) {
    wb_tensor_info info{};
    info.dtype = static_cast<int32_t>(dtype);
    info.rank = shape.rank;
    for (int i = 0; i < shape.rank; ++i) info.shape[i] = shape.size[static_cast<size_t>(i)];
    copy_text(info.name, name);
    return info;
}

// A tensor of one row.
Status encode_row(const lib::Bundle &bundle, void *row, uint32_t index, wb_tensor_info *out, void *buffer,
                  size_t capacity) {
    const lib::Encoder &encoder = bundle.encoder();
    if (!out) return null_argument("out");
    if (!row) return null_argument("row");
    if (index >= encoder.tensors().size()) return out_of_range("tensor", encoder.tensors().size(), index);
    lib::RowLock lock;
    if (Status status = lock.take(*bundle.schema(), row); !status.ok()) return status;
    lib::Tile tile = encoder.make_tile(1);
    lib::RowNotes notes;
    lib::Encoder::Append appended;
    lib::StridedRows rows(*bundle.schema(), row, 0);
    if (Status status = encoder.append(tile, rows, 0, notes, appended); !status.ok()) return status.at_row(0);
    const lib::TensorView &view = tile.views()[index];
    wb_tensor_info info = describe(encoder.tensors()[index].name, view.dtype, view.shape);
    info.bytes = static_cast<uint64_t>(view.shape.elements()) * lib::size_of(view.dtype);
    if (Status status = fill_struct(out, info, WB_TENSOR_INFO_SIZE_V1); !status.ok()) return status;
    if (capacity < info.bytes)
        return Status::failure(WB_BUFFER_TOO_SMALL, "tensor '{}': expected room for {} bytes, got {}", info.name,
                               info.bytes, capacity);
    if (!buffer && info.bytes) return null_argument("buffer");
    if (info.bytes) std::memcpy(buffer, view.data, info.bytes);
    return Status();
}

}  // namespace
}  // namespace weighbridge::capi

extern "C" {

int32_t wb_schema_load(wb_schema **out, const char *path, wb_error *err) {
    return capi::barrier(out, err, [&] {
        if (!path) return capi::null_argument("path");
        auto bundle = lib::Bundle::open(path, lib::Bundle::Mode::draft);
        if (!bundle) return bundle.status();
        return capi::give(out, Kind::schema, new capi::SchemaObject(*std::move(bundle)));
    });
}

int32_t wb_schema_load_source(wb_schema **out, wb_source *source, wb_error *err) {
    return capi::barrier(out, err, [&] {
        auto read = capi::read_source(source);
        if (!read) return read.status();
        auto bundle = lib::Bundle::open(*read, lib::Bundle::Mode::draft);
        if (!bundle) return bundle.status();
        return capi::give(out, Kind::schema, new capi::SchemaObject(*std::move(bundle)));
    });
}

void wb_schema_free(wb_schema *schema) { capi::free_of(Kind::schema, schema); }

int32_t wb_schema_describe(wb_schema_info *out, wb_schema *schema, wb_error *err) {
    return capi::barrier(err, [&] {
        capi::Pinned<capi::SchemaObject> object(Kind::schema, schema);
        if (!object) return object.status();
        const lib::Bundle &bundle = *object->bundle;
        wb_schema_info info{};
        info.feature_count = static_cast<uint32_t>(bundle.schema()->features().size());
        info.digest = bundle.schema()->digest();
        info.fixed_bytes = bundle.schema()->fixed_bytes();
        info.missing_offset = bundle.schema()->missing_offset();
        info.tensor_count = static_cast<uint32_t>(bundle.encoder().tensors().size());
        info.output_count = static_cast<uint32_t>(bundle.manifest().outputs.size());
        info.max_length = static_cast<uint32_t>(bundle.encoder().limits().length);
        info.least_length = static_cast<uint32_t>(bundle.encoder().limits().least_length);
        info.shorter_is_error = bundle.encoder().limits().shorter == lib::Shorter::error;
        info.max_rows = static_cast<uint32_t>(bundle.encoder().limits().rows);
        info.band_count = static_cast<uint32_t>(bundle.primary().bands.size());
        info.primary_output = static_cast<uint32_t>(&bundle.primary() - bundle.manifest().outputs.data());
        info.primary_class = static_cast<uint32_t>(bundle.primary().class_index);
        return capi::fill_struct(out, info, WB_SCHEMA_INFO_SIZE_V1);
    });
}

int32_t wb_schema_find(uint32_t *out, wb_schema *schema, const char *name, wb_error *err) {
    return capi::barrier(err, [&] {
        if (!out) return capi::null_argument("out");
        if (!name) return capi::null_argument("name");
        capi::Pinned<capi::SchemaObject> object(Kind::schema, schema);
        if (!object) return object.status();
        auto found = object->bundle->schema()->find(name);
        if (!found)
            return Status::failure(WB_NOT_FOUND, "feature '{:.64}': expected one of the schema; near: {}", name,
                                   object->bundle->schema()->nearest(name));
        *out = *found;
        return Status();
    });
}

int32_t wb_schema_tensor(wb_tensor_info *out, wb_schema *schema, uint32_t index, wb_error *err) {
    return capi::barrier(err, [&] {
        capi::Pinned<capi::SchemaObject> object(Kind::schema, schema);
        if (!object) return object.status();
        const auto &tensors = object->bundle->encoder().tensors();
        if (index >= tensors.size()) return capi::out_of_range("tensor", tensors.size(), index);
        return capi::fill_struct(out, capi::describe(tensors[index].name, tensors[index].dtype, tensors[index].shape),
                                 WB_TENSOR_INFO_SIZE_V1);
    });
}

int32_t wb_schema_output(wb_tensor_info *out, wb_schema *schema, uint32_t index, wb_error *err) {
    return capi::barrier(err, [&] {
        capi::Pinned<capi::SchemaObject> object(Kind::schema, schema);
        if (!object) return object.status();
        const auto &outputs = object->bundle->manifest().outputs;
        if (index >= outputs.size()) return capi::out_of_range("output", outputs.size(), index);
        return capi::fill_struct(out, capi::describe(outputs[index].name, lib::DType::float32, outputs[index].shape),
                                 WB_TENSOR_INFO_SIZE_V1);
    });
}

int32_t wb_schema_encode(wb_tensor_info *out, wb_schema *schema, void *row, uint32_t index, void *buffer,
                         size_t capacity, wb_error *err) {
    return capi::barrier(err, [&] {
        capi::Pinned<capi::SchemaObject> object(Kind::schema, schema);
        if (!object) return object.status();
        return capi::encode_row(*object->bundle, row, index, out, buffer, capacity);
    });
}

int32_t wb_row_init(wb_schema *schema, void *row, size_t capacity, wb_error *err) {
    return capi::barrier(err, [&] {
        capi::Pinned<capi::SchemaObject> object(Kind::schema, schema);
        if (!object) return object.status();
        if (!row) return capi::null_argument("row");
        return lib::init_row(*object->bundle->schema(), row, capacity);
    });
}

int32_t wb_row_set_json(wb_schema *schema, void *row, const char *json, size_t size, wb_error *err) {
    return capi::barrier(err, [&] {
        capi::Pinned<capi::SchemaObject> object(Kind::schema, schema);
        if (!object) return object.status();
        if (!row) return capi::null_argument("row");
        if (!json) return capi::null_argument("json");
        return lib::set_row_json(*object->bundle->schema(), row, std::string_view(json, size),
                                 object->bundle->manifest().limits.length);
    });
}

int32_t wb_row_get_json(wb_text **out, wb_schema *schema, void *row, wb_error *err) {
    if (out) *out = nullptr;
    return capi::barrier(err, [&] {
        capi::Pinned<capi::SchemaObject> object(Kind::schema, schema);
        if (!object) return object.status();
        if (!out) return capi::null_argument("out");
        if (!row) return capi::null_argument("row");
        auto shown = lib::row_as_json(*object->bundle->schema(), row);
        return shown ? capi::give_text(out, shown->text()) : shown.status();
    });
}

}  // extern "C"
