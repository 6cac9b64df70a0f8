/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  Batches: many rows scored by one call, as strided rows or as columns, with results as columns. */
#ifndef WEIGHBRIDGE_C_BATCH_H
#define WEIGHBRIDGE_C_BATCH_H

#include "schema.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A description of caller memory; holds no data of its own. For one thread at a time. @since 0.1, unstable */
typedef struct wb_batch wb_batch;

/** An element of a column of texts, categories or sequences: where the bytes or elements lie. A sequence of categories
 *  has wb_view elements. Layout frozen. @since 0.1, stable */
typedef struct wb_view {
    const void *data; /**< first byte or element; may be NULL where size is 0 */
    int64_t size;     /**< bytes of a text or category, elements of a sequence */
} wb_view;

/* Arrow's C data interface (https://arrow.apache.org/docs/format/CDataInterface.html), as it is published there. */
/** @cond */
#ifndef ARROW_C_DATA_INTERFACE
#define ARROW_C_DATA_INTERFACE
#define ARROW_FLAG_DICTIONARY_ORDERED 1
#define ARROW_FLAG_NULLABLE 2
#define ARROW_FLAG_MAP_KEYS_SORTED 4
struct ArrowSchema {
    const char *format;
    const char *name;
    const char *metadata;
    int64_t flags;
    int64_t n_children;
    struct ArrowSchema **children;
    struct ArrowSchema *dictionary;
    void (*release)(struct ArrowSchema *);
    void *private_data;
};
struct ArrowArray {
    int64_t length;
    int64_t null_count;
    int64_t offset;
    int64_t n_buffers;
    int64_t n_children;
    const void **buffers;
    struct ArrowArray **children;
    struct ArrowArray *dictionary;
    void (*release)(struct ArrowArray *);
    void *private_data;
};
#endif
/** @endcond */

/** Makes an empty batch for a schema. @return WB_OK; WB_INVALID_HANDLE; WB_OUT_OF_MEMORY. Thread-safe.
 *  @since 0.1, unstable */
WB_API int32_t wb_batch_create(wb_batch **out, wb_schema *schema, wb_error *err);

/** NULL does nothing. @since 0.1, unstable */
WB_API void wb_batch_free(wb_batch *batch);

/** Forgets columns and rows and sets the number of rows, in [0, max_rows of the schema].
 *  @return WB_OK; WB_INVALID_ARGUMENT (both numbers); WB_BUSY. @since 0.1, unstable */
WB_API int32_t wb_batch_reset(wb_batch *batch, int64_t rows, wb_error *err);

/** The batch's rows lie at rows + i * stride, each a row of the schema. Replaces every column. The memory must stay
 *  until the batch is reset or freed. @return WB_OK; WB_INVALID_ARGUMENT; WB_BUSY. @since 0.1, unstable */
WB_API int32_t wb_batch_set_rows(wb_batch *batch, void *rows, int64_t stride, wb_error *err);

/** Sets one feature's values. The memory must stay until the batch is reset or freed.
 *  @param feature   index in the schema
 *  @param data      element i lies at data + i * stride, of the feature's stored type (wb_view for texts, categories
 *                   and sequences); need not be aligned
 *  @param stride    bytes; 0 shares one value among all rows
 *  @param validity  bit i%8 of byte i/8 is 1 where row i has a value; NULL: all have
 *  @return WB_OK; WB_INVALID_ARGUMENT; WB_BUSY. Features without a column are missing. @since 0.1, unstable */
WB_API int32_t wb_batch_set_column(wb_batch *batch, uint32_t feature, const void *data, int64_t stride,
                                   const uint8_t *validity, wb_error *err);

/** Sets one feature's values from an Arrow array of the batch's number of rows: all integer and floating types,
 *  bit booleans, utf8, large_utf8 and utf8_view, dictionaries of those, lists and large lists of those, timestamps,
 *  nulls. Nothing is copied; neither struct is released; both must stay until the batch is reset or freed.
 *  @return WB_OK; WB_INVALID_ARGUMENT (names feature, expected type and Arrow format found); WB_BUSY.
 *  @since 0.1, unstable */
WB_API int32_t wb_batch_set_arrow(wb_batch *batch, uint32_t feature, const struct ArrowSchema *type,
                                  const struct ArrowArray *array, wb_error *err);

/** @name Result columns
 *  Element types of what wb_batch_set_result takes. @since 0.1, stable
 *  @{ */
#define WB_COLUMN_SCORE 1       /**< double; NaN for a row with an error */
#define WB_COLUMN_PROBABILITY 2 /**< double; NaN for a row with an error */
#define WB_COLUMN_BAND 3        /**< int32_t, -1 without bands or with an error */
#define WB_COLUMN_STATUS 4      /**< int32_t: WB_OK, WB_OK_FALLBACK, or the row's error code */
#define WB_COLUMN_REASON 5      /**< int32_t, WB_REASON_* */
#define WB_COLUMN_DEFAULTED 6   /**< uint32_t */
#define WB_COLUMN_CLIPPED 7     /**< uint32_t */
#define WB_COLUMN_FEATURE 8     /**< int32_t: the feature that an error is about, -1 for none */
/** @} */

/** Where a result column goes: element i is written at data + i * stride. NULL ends it.
 *  @return WB_OK; WB_INVALID_ARGUMENT; WB_BUSY. Kept by wb_batch_reset. @since 0.1, unstable */
WB_API int32_t wb_batch_set_result(wb_batch *batch, int32_t column, void *data, int64_t stride, wb_error *err);

/** Where output `index` (as in wb_schema_output) goes: its floats for row i are written at data + i * stride bytes; NaN
 *  for a row without a model's answer. NULL ends it. Kept by wb_batch_reset. @since 0.1, unstable */
WB_API int32_t wb_batch_set_output(wb_batch *batch, uint32_t index, float *data, int64_t stride, wb_error *err);

/** Checks and encodes one row as scoring would, and says what is wrong with it.
 *  @return WB_OK; WB_INVALID_INPUT (err names feature and both values); WB_BUSY; WB_INVALID_ARGUMENT.
 *  @since 0.1, unstable */
WB_API int32_t wb_batch_check(wb_batch *batch, int64_t row, wb_error *err);

#ifdef __cplusplus
}
#endif
#endif
