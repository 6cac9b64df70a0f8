/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  Rows: caller memory in the layout that the schema publishes. A setter is a write at an offset: the inline functions
 *  here are that write, in C; other languages do the same without a call, by the rules below. They are for one thread at
 *  a time. A row's memory is aligned to 4 bytes (its busy mark is accessed atomically); nothing in it needs more, so
 *  that fields may be written byte by byte. Numbers lie in the machine's byte order, as the library's own.
 *
 *  @par The layout
 *  `s` is the wb_schema_info of the row's schema, `f` the wb_feature_info of feature `i`; offsets count bytes from the
 *  row's first.
 *
 *  | bytes | what |
 *  |---|---|
 *  | 0 | uint32 capacity: size of the row's memory, tail included |
 *  | 4 | uint32 used: end of what is in use, s.fixed_bytes to capacity; the tail grows from here |
 *  | 8 | uint64 s.digest |
 *  | 16 | uint32 busy: 0 in a row that no call is reading; else the library's |
 *  | 20 | uint32 0 |
 *  | s.missing_offset (24) | bitmap: feature i is missing where bit i % 8 (1 << i % 8) of byte s.missing_offset + i / 8 is set; bits behind the last feature are 0 |
 *  | f.offset | the fixed field of feature i, by its type (below); what lies between fields is 0 and never read |
 *  | s.fixed_bytes | the tail: texts and elements, each from the next multiple of 8 on |
 *
 *  | type | field of a scalar | element of a sequence |
 *  |---|---|---|
 *  | WB_TYPE_FLOAT32 | 4 bytes, IEEE 754 | the same |
 *  | WB_TYPE_FLOAT64 | 8 bytes, IEEE 754 | the same |
 *  | WB_TYPE_INT64, _CODE, _TIMESTAMP | 8 bytes, signed | the same |
 *  | WB_TYPE_BOOL | 1 byte, 0 or 1 | the same |
 *  | WB_TYPE_CATEGORY | wb_span of its UTF-8 bytes | wb_span of its UTF-8 bytes |
 *  | WB_TYPE_TEXT | wb_span of its UTF-8 bytes | none |
 *
 *  The field of a sequence of any type is a wb_span of its elements, which lie side by side in the tail. A wb_span is two
 *  uint32: offset from the row's first byte, and size in bytes of a text, in elements of a sequence. No text ends in a
 *  NUL. An empty text or sequence is a span of size 0, whose offset is any from 0 to used.
 *
 *  @par How a row is made empty
 *  wb_row_init does it. Without a call: its first s.fixed_bytes bytes are copied from a row that wb_row_init made for the
 *  schema, kept for that, and capacity is written. So a binding calls wb_row_init once for each schema. A reset writes
 *  the busy mark too: not while a call reads the row.
 *
 *  @par How a feature is set
 *  A scalar: its bytes are written at f.offset, then bit i of the bitmap is cleared. A text or a sequence: `at` is used,
 *  rounded up to a multiple of 8; where at + bytes is beyond capacity the row is full, and nothing has changed; else the
 *  bytes are copied to `at`, used becomes at + bytes, the span is written at f.offset, and bit i is cleared. Of a
 *  sequence of categories each text goes to the tail in the same way, and so does the array of their spans, before or
 *  behind them. Missing: bit i is set;
 *  the field is not read then. What was set before keeps its bytes in the tail until the row is made empty. A row may
 *  move to other memory, and grow: its bytes up to used are copied, and capacity is written.
 *
 *  tests/conformance/cases/rows.json has the bytes of rows of every type.
 *
 *  @par The busy mark
 *  A call takes it before it reads the row and gives it back; another call that finds it is told WB_BUSY. It names the
 *  process: a row that was in use at a fork is free in the child, with what was in it. (One that wb_row_set_json was
 *  writing at that moment may have some of the values: make it empty.) Memory that processes share is not protected. */
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
 *  Thread-safe for distinct rows. @since 0.1, stable */
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
 *  Thread-safe for distinct rows. @since 0.1, stable */
WB_API int32_t wb_row_set_json(wb_schema *schema, void *row, const char *json, size_t size, wb_error *err);

/** A row's features as a JSON object in the schema's order, for logs and a language's inspect or repr: {"amount_minor":
 *  1250, "country": "FR", "history_amount": [1, 2], "age_days": null}. Values of features with a privacy class are
 *  "<redacted>"; missing ones are null, those with a privacy class too. Numbers are the shortest that read back as the
 *  same; floats that are no numbers are "NaN", "Infinity" and "-Infinity"; timestamps are integers of the feature's
 *  unit; bytes that are not UTF-8 become U+FFFD. No locale is asked. But for what is redacted, wb_row_set_json reads it.
 *  @param out  receives the text; NULL on error
 *  @return WB_OK; WB_BUSY; WB_INVALID_INPUT (a text or a sequence outside the row; names the
 *          feature); WB_SCHEMA_MISMATCH (a row of another schema); WB_INVALID_ARGUMENT (not a row); WB_INVALID_HANDLE;
 *          WB_OUT_OF_MEMORY
 *  Thread-safe, one thread at a time per row. @since 0.2, stable */
WB_API int32_t wb_row_get_json(wb_text **out, wb_schema *schema, void *row, wb_error *err);

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
