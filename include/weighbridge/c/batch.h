/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  Batches: many rows scored by one call, as strided rows or as columns, with results as columns. */
#ifndef WEIGHBRIDGE_C_BATCH_H
#define WEIGHBRIDGE_C_BATCH_H

#include "call.h"
#include "schema.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A description of caller memory, of any number of rows, with a window on the rows that the next call works on. Holds
 *  no data of its own. For one thread at a time (WB_BUSY otherwise); wb_batch_copy makes one for each thread. Rows have
 *  the same numbers in every window: those of the whole batch. One that another thread uses while the process forks
 *  stays busy in the child, which makes a new one. @since 0.1, stable */
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
 *  @since 0.1, stable */
WB_API int32_t wb_batch_create(wb_batch **out, wb_schema *schema, wb_error *err);

/** Makes another batch that describes the same memory: rows or columns, places of results, window. Values are not
 *  copied. Any number of threads may copy one batch at once, while none changes or scores it. Threads that each take a copy, and of it a window, score one batch in all contexts at once: their windows
 *  must not share rows where results are written, or where rows are strided (a row takes one call at a time, the one
 *  row of stride 0 too). The copy's memory must stay as long as the batch's.
 *  @param out  receives the copy, to be freed with wb_batch_free; NULL on error
 *  @return WB_OK; WB_BUSY (another thread changes, scores or submits `batch`); WB_INVALID_HANDLE; WB_OUT_OF_MEMORY
 *  @since 0.2, stable */
WB_API int32_t wb_batch_copy(wb_batch **out, wb_batch *batch, wb_error *err);

/** NULL does nothing. @since 0.1, stable */
WB_API void wb_batch_free(wb_batch *batch);

/** Forgets columns and rows and sets the number of rows, in [0, 2^48]; the window is all of them. Places of results are
 *  kept. @return WB_OK; WB_INVALID_ARGUMENT (both numbers); WB_BUSY. @since 0.1, stable */
WB_API int32_t wb_batch_reset(wb_batch *batch, int64_t rows, wb_error *err);

/** Sets which rows the next calls work on: [first, first + rows). A window may be empty, and of any size: a model runs
 *  at most `max_rows` of the schema together, and a call lets others have the context in between. A call needs 8 bytes
 *  for each row of its window.
 *  @param first  in [0, rows of the batch]
 *  @param rows   in [0, rows of the batch - first]
 *  @return WB_OK; WB_INVALID_ARGUMENT (all three numbers; the window is as before); WB_BUSY. @since 0.2, stable */
WB_API int32_t wb_batch_set_window(wb_batch *batch, int64_t first, int64_t rows, wb_error *err);

/** The batch's rows lie at rows + i * stride, each a row of the schema. Replaces every column. The memory must stay
 *  until the batch is reset or freed.
 *  @param stride  bytes, at least the schema's fixed_bytes or, backwards, its negative; 0: all are the one row
 *  @return WB_OK; WB_INVALID_ARGUMENT; WB_BUSY. @since 0.1, stable */
WB_API int32_t wb_batch_set_rows(wb_batch *batch, void *rows, int64_t stride, wb_error *err);

/** Sets one feature's values. The memory must stay until the batch is reset or freed.
 *  @param feature   index in the schema
 *  @param data      element i lies at data + i * stride, of the feature's stored type (wb_view for texts, categories
 *                   and sequences); need not be aligned
 *  @param stride    bytes; 0 shares one value among all rows
 *  @param validity  bit i%8 of byte i/8 is 1 where row i has a value; NULL: all have
 *  @return WB_OK; WB_INVALID_ARGUMENT; WB_BUSY. Features without a column are missing. @since 0.1, stable */
WB_API int32_t wb_batch_set_column(wb_batch *batch, uint32_t feature, const void *data, int64_t stride,
                                   const uint8_t *validity, wb_error *err);

/** @name Types of a column's elements
 *  What wb_batch_set_column_as reads; 1 to 5 are WB_DTYPE_* too. @since 0.2, stable
 *  @{ */
#define WB_ELEMENT_STORED 0   /**< as the feature is stored: what wb_batch_set_column reads */
#define WB_ELEMENT_FLOAT32 1  /**< 4 bytes, IEEE 754 */
#define WB_ELEMENT_FLOAT64 2  /**< 8 bytes, IEEE 754 */
#define WB_ELEMENT_INT64 3    /**< 8 bytes */
#define WB_ELEMENT_INT32 4    /**< 4 bytes */
#define WB_ELEMENT_BOOL 5     /**< 1 byte, 0 or 1 */
#define WB_ELEMENT_INT8 6     /**< 1 byte */
#define WB_ELEMENT_INT16 7    /**< 2 bytes */
#define WB_ELEMENT_UINT8 8    /**< 1 byte */
#define WB_ELEMENT_UINT16 9   /**< 2 bytes */
#define WB_ELEMENT_UINT32 10  /**< 4 bytes */
#define WB_ELEMENT_UINT64 11  /**< 8 bytes */
#define WB_ELEMENT_FLOAT16 12 /**< 2 bytes, IEEE 754 */
#define WB_ELEMENT_VIEW 13    /**< wb_view of UTF-8 bytes */
/** @} */

/** wb_batch_set_column for memory that holds other types than the feature is stored as; nothing is copied. Values are
 *  converted when they are read, by the rule of JSON, CSV and Arrow: any number becomes a float by one rounding, to
 *  nearest; an integer, a code or a time in the feature's unit takes a number that is whole and fits; a bool takes 0
 *  and 1. Another value is WB_INVALID_INPUT for its row. Texts are no numbers, and bools go to bools only.
 *  @param element_type      WB_ELEMENT_*: of the values; of a sequence of what its wb_view points at
 *  @param validity          as there, counted from bit validity_offset on; NULL: all rows have a value
 *  @param validity_offset   of row 0's bit, in bits, at least 0
 *  @return WB_OK; WB_INVALID_ARGUMENT (names feature and both types; the column is as before); WB_BUSY
 *  @since 0.2, stable */
WB_API int32_t wb_batch_set_column_as(wb_batch *batch, uint32_t feature, int32_t element_type, const void *data,
                                      int64_t stride, const uint8_t *validity, int64_t validity_offset,
                                      wb_error *err);

/** Sets one feature's values from an Arrow array of the batch's number of rows: all integer and floating types,
 *  bit booleans, utf8, large_utf8 and utf8_view, dictionaries of those, lists, large lists and fixed-size lists of those,
 *  timestamps in s, ms, us and ns with any zone or none (of an instant the zone says nothing; another unit than the
 *  feature's is converted where that is exact), nulls. Dates, times of day and durations are refused. `release` of both
 *  structs must not be NULL, which says that they were released. Nothing is copied; neither struct is released; both must stay until the batch is reset or freed.
 *  @return WB_OK; WB_INVALID_ARGUMENT (names feature, expected type and Arrow format found); WB_BUSY.
 *  @since 0.1, stable */
WB_API int32_t wb_batch_set_arrow(wb_batch *batch, uint32_t feature, const struct ArrowSchema *type,
                                  const struct ArrowArray *array, wb_error *err);

/** Sets every column from an Arrow struct array of the batch's number of rows, such as a record batch: its children are
 *  matched with the features by name, and each is read as by wb_batch_set_arrow. Features with a default need no child.
 *  A row that is null in the struct has no values. Offsets of the struct and of its children count. Nothing is copied;
 *  neither struct is released; both must stay until the batch is reset or freed.
 *  @return WB_OK; WB_INVALID_ARGUMENT (names the columns that are missing and those that are unknown, else a feature
 *          with expected type and Arrow format found; the batch is as before); WB_BUSY. @since 0.2, stable */
WB_API int32_t wb_batch_set_arrow_rows(wb_batch *batch, const struct ArrowSchema *type,
                                       const struct ArrowArray *array, wb_error *err);

/** What became of the rows of a scoring call: rows is the sum of scored, fallbacks, invalid and failed. Flat, no
 *  pointers; grows at the end. @since 0.2, stable */
typedef struct wb_batch_result {
    uint32_t struct_size;     /**< sizeof(wb_batch_result) */
    int32_t status;           /**< as returned */
    int64_t rows;             /**< of the window */
    int64_t scored;           /**< answered by the model */
    int64_t fallbacks;        /**< answered by the fallback; also beside WB_OK_PARTIAL */
    int64_t invalid;          /**< refused for their values, WB_INVALID_INPUT */
    int64_t failed;           /**< with another error code, where fallbacks were declined or the call was cancelled */
    int64_t first_error;      /**< the lowest row with an error code, which err tells of; -1 for none */
    int32_t reason;           /**< WB_REASON_*, why fallbacks answered: the call's own reason (deadline, overload)
                               *   before those of single rows, which WB_COLUMN_REASON has */
    int32_t backend;          /**< WB_BACKEND_*, as the next three of the row that the model answered last: where two
                               *   devices answered, WB_COLUMN_DEVICE has each row's */
    int32_t precision;        /**< WB_PRECISION_*; 0 for none */
    int32_t numerics;         /**< as in wb_result; 0 for none */
    int32_t device;           /**< index of the device that ran, 0 for the CPU; -1 for none */
    uint32_t reserved;        /**< zero */
    uint64_t bundle;          /**< first eight bytes, big-endian, of the manifest's sha256: the model's bundle */
    uint64_t fallback_bundle; /**< the same of the fallback slot's; 0 where it answered no row */
    int64_t queue_ns;         /**< waited for contexts */
    int64_t run_ns;           /**< encoded and ran */
    char version[32];         /**< the model's bundle's version, NUL-terminated */
} wb_batch_result;

/** The size of wb_batch_result in its first version, the least that is taken. @since 0.2, stable */
#define WB_BATCH_RESULT_SIZE_V1 144

/** An empty wb_batch_result with its size set. @since 0.2, stable */
#define WB_BATCH_RESULT_INIT                                                                \
    {                                                                                       \
        sizeof(wb_batch_result), 0, 0, 0, 0, 0, 0, -1, 0, 0, 0, 0, -1, 0, 0, 0, 0, 0, { 0 } \
    }

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
#define WB_COLUMN_DEVICE 9      /**< int32_t: index of the device that ran, 0 for the CPU; -1 where none did. @since 0.2 */
/** @} */

/** Where a result column goes: row i's is written at data + i * stride. NULL ends it.
 *  @param stride  in bytes, at least an element's, forwards or backwards
 *  @return WB_OK; WB_INVALID_ARGUMENT (column, stride); WB_BUSY. Kept by wb_batch_reset. @since 0.1, stable */
WB_API int32_t wb_batch_set_result(wb_batch *batch, int32_t column, void *data, int64_t stride, wb_error *err);

/** Where output `index` (as in wb_schema_output) goes: its floats for row i are written at data + i * stride bytes; NaN
 *  for a row without a model's answer. NULL ends it. The stride is at least that of its floats, forwards or backwards;
 *  WB_INVALID_ARGUMENT otherwise. Kept by wb_batch_reset. @since 0.1, stable */
WB_API int32_t wb_batch_set_output(wb_batch *batch, uint32_t index, float *data, int64_t stride, wb_error *err);

/** What became of the rows of wb_batch_encode: rows is the sum of encoded and invalid. Flat, no pointers; grows at the
 *  end. @since 0.2, stable */
typedef struct wb_batch_encoding {
    uint32_t struct_size; /**< sizeof(wb_batch_encoding) */
    int32_t status;       /**< as returned */
    int64_t rows;         /**< of the window */
    int64_t encoded;      /**< rows that became tensors */
    int64_t invalid;      /**< refused, WB_INVALID_INPUT */
    int64_t first_error;  /**< the lowest row that was refused, which err tells of; -1 for none */
    int64_t length;       /**< of the longest row's sequences in tensors of size -2; 0 where there are none */
    int64_t tokens;       /**< of the longest row's texts in tensors of size -3; 0 where there are none */
} wb_batch_encoding;

/** The size of wb_batch_encoding in its first version, the least that is taken. @since 0.2, stable */
#define WB_BATCH_ENCODING_SIZE_V1 56

/** An empty wb_batch_encoding with its size set. @since 0.2, stable */
#define WB_BATCH_ENCODING_INIT                          \
    {                                                   \
        sizeof(wb_batch_encoding), 0, 0, 0, 0, -1, 0, 0 \
    }

/** Where wb_batch_encode writes tensor `index` (as in wb_schema_tensor): row-major, row i of the window as its i-th.
 *  Kept by wb_batch_reset, not taken over by wb_batch_copy.
 *  @param buffer         receives the tensor; NULL ends it, and its mask
 *  @param capacity       its size in bytes
 *  @param mask           of a tensor with a symbolic second size: [rows of the window, length or tokens] bytes, 1 where
 *                        the row has an element, 0 behind it and in refused rows; NULL for none
 *  @param mask_capacity  its size in bytes
 *  @return WB_OK; WB_INVALID_ARGUMENT (index; a mask for a tensor whose rows are of one size); WB_BUSY
 *  @since 0.2, stable */
WB_API int32_t wb_batch_set_tensor(wb_batch *batch, uint32_t index, void *buffer, size_t capacity, uint8_t *mask,
                                   size_t mask_capacity, wb_error *err);

/** Encodes the window's rows into the tensors that were placed, exactly as scoring does: training and serving share
 *  this code. Each row is encoded once. A row that scoring would refuse is zeros in every tensor, those below the
 *  schema's least_length too; WB_COLUMN_STATUS, FEATURE, DEFAULTED and CLIPPED are written where they were set. Takes
 *  no context, waits for nothing.
 *  @param out     struct_size set, or NULL. Written once the rows were looked at, with WB_BUFFER_TOO_SMALL too
 *  @param length  the size -2 of tensors, at least 0: shorter rows are followed by zeros. Without a tensor of that size
 *                 it does not count, so that a call with no tensors and 0 finds out->length and out->tokens
 *  @param tokens  the size -3, at least 0: shorter rows are followed by their text's [PAD]
 *  @return WB_OK; WB_OK_PARTIAL (some rows were refused, err tells of the first); WB_BUFFER_TOO_SMALL (a capacity,
 *          before anything is written; or a row is longer than `length` or `tokens`: out has the need, the tensors are
 *          unspecified); WB_INVALID_ARGUMENT; WB_INVALID_HANDLE; WB_BUSY; WB_OUT_OF_MEMORY
 *  Thread-safe, one thread at a time per batch. @since 0.2, stable */
WB_API int32_t wb_batch_encode(wb_batch_encoding *out, wb_batch *batch, int64_t length, int64_t tokens, wb_error *err);

/** Checks and encodes one row as scoring would, and says what is wrong with it. Any row of the batch, whatever its
 *  window.
 *  @return WB_OK; WB_INVALID_INPUT (err names feature and both values); WB_BUSY; WB_INVALID_ARGUMENT.
 *  @since 0.1, stable */
WB_API int32_t wb_batch_check(wb_batch *batch, int64_t row, wb_error *err);

#ifdef __cplusplus
}
#endif
#endif
