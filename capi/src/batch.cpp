// SPDX-License-Identifier: Apache-2.0
#include "objects.hpp"
#include "weighbridge.h"

using namespace weighbridge;
using capi::Kind;
using lib::Status;

namespace {

template <class Body>
int32_t with_batch(wb_batch *batch, wb_error *err, Body &&body) {
    return capi::barrier(err, [&] {
        capi::Pinned<lib::Batch> object(Kind::batch, batch);
        if (!object) return object.status();
        lib::Batch::Use mine(*object);
        return mine.status().ok() ? body(*object) : mine.status();
    });
}

}  // namespace

extern "C" {

int32_t wb_batch_create(wb_batch **out, wb_schema *schema, wb_error *err) {
    return capi::barrier(err, [&] {
        if (!out) return capi::null_argument("out");
        *out = nullptr;
        capi::Pinned<capi::SchemaObject> object(Kind::schema, schema);
        if (!object) return object.status();
        return capi::give(out, Kind::batch, new lib::Batch(object->bundle));
    });
}

void wb_batch_free(wb_batch *batch) { capi::free_of(Kind::batch, batch); }

int32_t wb_batch_reset(wb_batch *batch, int64_t rows, wb_error *err) {
    return with_batch(batch, err, [&](lib::Batch &of) { return of.reset(rows); });
}

int32_t wb_batch_set_rows(wb_batch *batch, void *rows, int64_t stride, wb_error *err) {
    return with_batch(batch, err, [&](lib::Batch &of) {
        return rows || of.rows() == 0 ? of.set_rows(rows, stride) : capi::null_argument("rows");
    });
}

int32_t wb_batch_set_column(wb_batch *batch, uint32_t feature, const void *data, int64_t stride,
                            const uint8_t *validity, wb_error *err) {
    return with_batch(batch, err, [&](lib::Batch &of) {
        return data || of.rows() == 0 ? of.set_column(feature, data, stride, validity) : capi::null_argument("data");
    });
}

int32_t wb_batch_set_arrow(wb_batch *batch, uint32_t feature, const struct ArrowSchema *type,
                           const struct ArrowArray *array, wb_error *err) {
    return with_batch(batch, err, [&](lib::Batch &of) {
        if (!type) return capi::null_argument("type");
        if (!array) return capi::null_argument("array");
        return of.set_arrow(feature, *type, *array);
    });
}

int32_t wb_batch_set_result(wb_batch *batch, int32_t column, void *data, int64_t stride, wb_error *err) {
    return with_batch(batch, err, [&](lib::Batch &of) { return of.set_result(column, data, stride); });
}

int32_t wb_batch_set_output(wb_batch *batch, uint32_t index, float *data, int64_t stride, wb_error *err) {
    return with_batch(batch, err, [&](lib::Batch &of) { return of.set_output(index, data, stride); });
}

int32_t wb_batch_check(wb_batch *batch, int64_t row, wb_error *err) {
    return with_batch(batch, err, [&](lib::Batch &of) { return of.check(row); });
}

}  // extern "C"
