/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  Rows: caller memory in the layout that the schema publishes. A setter is a write at an offset: the inline functions
 *  here are that write, in C; other languages do the same without a call. They are for one thread at a time. A row's
 *  memory is aligned to 4 bytes (its busy mark is accessed atomically); nothing in it needs more. */
#ifndef WEIGHBRIDGE_C_ROW_H
#define WEIGHBRIDGE_C_ROW_H

#include <string.h>

#include "schema.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Makes `row` an empty row of the schema: header written, every feature missing, tail empty. Also empties a used row.
 *  @param row       caller's memory, aligned to 4 bytes
 *  @param capacity  its size: wb_schema_info.fixed_bytes plus room for texts and sequences; at most UINT32_MAX
 *  @return WB_OK; WB_INVALID_ARGUMENT (capacity below fixed_bytes, alignment); WB_INVALID_HANDLE
 *  Thread-safe for distinct rows. @since 0.1, unstable */
WB_API int32_t wb_row_init(wb_schema *schema, void *row, size_t capacity, wb_error *err);

/** Sets features of a row from a JSON object: {"amount_minor": 1250, "country": "FR", "history_amount": [1, 2]}.
 *  Names that the object lacks, or whose value is null, stay as they were. Numbers for numbers, booleans for bool,
 *  strings for categories and texts, arrays for sequences, whole numbers of the feature's unit (or RFC 3339 strings
 *  with an offset, no finer than that unit) for timestamps. Numbers count as what they mean: 1e3 and 1000.0 are the
 *  integer 1000; a bool takes 0 and 1 too; floats are rounded once, to nearest, and also take the strings "NaN",
 *  "Infinity" and "-Infinity" (and "inf", in any case). Elements that truncation drops are not looked at. No locale is
 *  asked. All or nothing: on failure the row is as before.
 *  @param json  `size` bytes of UTF-8
 *  @return WB_OK; WB_INVALID_INPUT (bad JSON, unknown or repeated name, wrong type); WB_BUFFER_TOO_SMALL (the tail is
 *          full); WB_BUSY; WB_SCHEMA_MISMATCH (a row of another schema); WB_INVALID_ARGUMENT (not a row);
 *          WB_INVALID_HANDLE
 *  Thread-safe for distinct rows. @since 0.1, unstable */
WB_API int32_t wb_row_set_json(wb_schema *schema, void *row, const char *json, size_t size, wb_error *err);

/** Marks feature `index` as missing (missing != 0) or present. `missing_offset` is from wb_schema_info.
 *  @since 0.1, stable */
static inline void wb_row_mark(void *row, uint32_t missing_offset, uint32_t index, int missing) {
    unsigned char *byte = (unsigned char *)row + missing_offset + index / 8u;
    unsigned char bit = (unsigned char)(1u << (index % 8u));
    *byte = (unsigned char)(missing ? (*byte | bit) : (*byte & (unsigned char)~bit));
}

/** Writes a fixed field of `size` bytes at `offset`. @since 0.1, stable */
static inline void wb_row_put(void *row, uint32_t offset, const void *value, size_t size) {
    memcpy((unsigned char *)row + offset, value, size);
}

/** Sets a float32 feature. @since 0.1, stable */
static inline void wb_row_set_float32(void *row, const wb_schema_info *s, const wb_feature_info *f, uint32_t index,
                                      float value) {
    wb_row_put(row, f->offset, &value, sizeof value);
    wb_row_mark(row, s->missing_offset, index, 0);
}

/** Sets a float64 feature. @since 0.1, stable */
static inline void wb_row_set_float64(void *row, const wb_schema_info *s, const wb_feature_info *f, uint32_t index,
                                      double value) {
    wb_row_put(row, f->offset, &value, sizeof value);
    wb_row_mark(row, s->missing_offset, index, 0);
}

/** Sets an int64, code or timestamp feature. @since 0.1, stable */
static inline void wb_row_set_int64(void *row, const wb_schema_info *s, const wb_feature_info *f, uint32_t index,
                                    int64_t value) {
    wb_row_put(row, f->offset, &value, sizeof value);
    wb_row_mark(row, s->missing_offset, index, 0);
}

/** Sets a bool feature. @since 0.1, stable */
static inline void wb_row_set_bool(void *row, const wb_schema_info *s, const wb_feature_info *f, uint32_t index,
                                   int value) {
    unsigned char byte = (unsigned char)(value ? 1 : 0);
    wb_row_put(row, f->offset, &byte, 1);
    wb_row_mark(row, s->missing_offset, index, 0);
}

/** Appends `bytes` bytes to the tail, which begins 8-aligned to the row.
 *  @return the offset from the row's first byte, or 0 where the tail has no room. @since 0.1, stable */
static inline uint32_t wb_row_append(void *row, const void *data, size_t bytes) {
    wb_row_header header;
    size_t at;
    memcpy(&header, row, sizeof header);
    at = ((size_t)header.used + 7u) & ~(size_t)7u;
    if (at > header.capacity || bytes > header.capacity - at) return 0;
    if (bytes) memcpy((unsigned char *)row + at, data, bytes);
    header.used = (uint32_t)(at + bytes);
    memcpy((unsigned char *)row + offsetof(wb_row_header, used), &header.used, sizeof header.used);
    return (uint32_t)at;
}

/** Sets a text or category feature, or a sequence (`size` elements of `element_bytes`; 1 for text), by copying into the
 *  tail. @return WB_OK; WB_BUFFER_TOO_SMALL (the row is unchanged). @since 0.1, stable */
static inline int32_t wb_row_set_span(void *row, const wb_schema_info *s, const wb_feature_info *f, uint32_t index,
                                      const void *data, uint32_t size, size_t element_bytes) {
    wb_span span;
    span.offset = wb_row_append(row, data, (size_t)size * element_bytes);
    span.size = size;
    if (span.offset == 0) return WB_BUFFER_TOO_SMALL;
    wb_row_put(row, f->offset, &span, sizeof span);
    wb_row_mark(row, s->missing_offset, index, 0);
    return WB_OK;
}

#ifdef __cplusplus
}
#endif
#endif
