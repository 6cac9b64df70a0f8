// SPDX-License-Identifier: Apache-2.0
#include <optional>

#include "objects.hpp"
#include "weighbridge.h"

using namespace weighbridge;
using capi::Kind;
using lib::Status;

namespace {

using Use = lib::Batch::Use;

template <class Body>
int32_t with_batch(wb_batch *batch, wb_error *err, Body &&body, Use::As as = Use::As::owner) {
    return capi::barrier(err, [&] {
        capi::Pinned<lib::Batch> object(Kind::batch, batch);
        if (!object) return object.status();
        const Use mine(*object, as);
        return mine.status().ok() ? body(*object) : mine.status();
    });
}

}  // namespace

extern "C" {

int32_t wb_batch_create(wb_batch **out, wb_schema *schema, wb_error *err) {
    return capi::barrier(out, err, [&] {
        capi::Pinned<capi::SchemaObject> object(Kind::schema, schema);
        if (!object) return object.status();
        return capi::give(out, Kind::batch, new lib::Batch(object->bundle));
    });
}

int32_t wb_batch_copy(wb_batch **out, wb_batch *batch, wb_error *err) {
    if (out) *out = nullptr;
    const auto copy = [&](lib::Batch &of) {
        return out ? capi::give(out, Kind::batch, new lib::Batch(of)) : capi::null_argument("out");
    };
    return with_batch(batch, err, copy, Use::As::reader);
}

void wb_batch_free(wb_batch *batch) { capi::free_of(Kind::batch, batch); }

int32_t wb_batch_reset(wb_batch *batch, int64_t rows, wb_error *err) {
    return with_batch(batch, err, [&](lib::Batch &of) { return of.reset(rows); });
}

int32_t wb_batch_set_window(wb_batch *batch, int64_t first, int64_t rows, wb_error *err) {
    return with_batch(batch, err, [&](lib::Batch &of) { return of.set_window(first, rows); });
}

int32_t wb_batch_set_rows(wb_batch *batch, void *rows, int64_t stride, wb_error *err) {
    return with_batch(batch, err, [&](lib::Batch &of) {
        return rows || of.rows() == 0 ? of.set_rows(rows, stride) : capi::null_argument("rows");
    });
}

int32_t wb_batch_set_column(wb_batch *batch, uint32_t feature, const void *data, int64_t stride,
                            const uint8_t *validity, wb_error *err) {
    return wb_batch_set_column_as(batch, feature, WB_ELEMENT_STORED, data, stride, validity, 0, err);
}

int32_t wb_batch_set_column_as(wb_batch *batch, uint32_t feature, int32_t element_type, const void *data,
                               int64_t stride, const uint8_t *validity, int64_t validity_offset, wb_error *err) {
    return with_batch(batch, err, [&](lib::Batch &of) {
        if (!data && of.rows() > 0) return capi::null_argument("data");
        return of.set_column(feature, data, stride, validity, validity_offset, element_type);
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

int32_t wb_batch_set_arrow_rows(wb_batch *batch, const struct ArrowSchema *type, const struct ArrowArray *array,
                                wb_error *err) {
    return with_batch(batch, err, [&](lib::Batch &of) {
        if (!type) return capi::null_argument("type");
        if (!array) return capi::null_argument("array");
        return of.set_arrow_rows(*type, *array);
    });
}

int32_t wb_batch_set_result(wb_batch *batch, int32_t column, void *data, int64_t stride, wb_error *err) {
    return with_batch(batch, err, [&](lib::Batch &of) { return of.set_result(column, data, stride); });
}

int32_t wb_batch_set_output(wb_batch *batch, uint32_t index, float *data, int64_t stride, wb_error *err) {
    return with_batch(batch, err, [&](lib::Batch &of) { return of.set_output(index, data, stride); });
}

int32_t wb_batch_set_tensor(wb_batch *batch, uint32_t index, void *buffer, size_t capacity, uint8_t *mask,
                            size_t mask_capacity, wb_error *err) {
    return with_batch(batch, err, [&](lib::Batch &of) {
        return of.set_tensor(index, {static_cast<std::byte *>(buffer), capacity, mask, mask_capacity});
    });
}

int32_t wb_batch_encode(wb_batch_encoding *out, wb_batch *batch, int64_t length, int64_t tokens, wb_error *err) {
    return with_batch(batch, err, [&](lib::Batch &of) {
        if (Status status = capi::check_optional(out, WB_BATCH_ENCODING_SIZE_V1); !status.ok()) return status;
        std::optional<wb_batch_encoding> made;
        Status status = of.encode(length, tokens, made);
        if (out && made) capi::write_struct(out, *made);
        return status;
    });
}

int32_t wb_batch_check(wb_batch *batch, int64_t row, wb_error *err) {
    return with_batch(batch, err, [&](lib::Batch &of) { return of.check(row); });
}

}  // extern "C"
