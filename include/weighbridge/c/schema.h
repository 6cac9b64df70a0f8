/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  The schema: the ordered, typed list of a payment's features, and the row layout that it publishes. */
#ifndef WEIGHBRIDGE_C_SCHEMA_H
#define WEIGHBRIDGE_C_SCHEMA_H

#include "source.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A schema. Shared and immutable; made by wb_model_schema or wb_schema_load, freed by wb_schema_free.
 *  @since 0.1, stable */
typedef struct wb_schema wb_schema;

/** @name Types of stored values
 *  What lies at a feature's offset in a row, or in the elements of a sequence, and in a column of a batch.
 *  @since 0.1, stable
 *  @{ */
#define WB_TYPE_FLOAT32 1   /**< 4 bytes, IEEE 754 */
#define WB_TYPE_FLOAT64 2   /**< 8 bytes, IEEE 754 */
#define WB_TYPE_INT64 3     /**< 8 bytes; also money in minor units */
#define WB_TYPE_BOOL 4      /**< 1 byte, 0 or 1 */
#define WB_TYPE_CATEGORY 5  /**< UTF-8 bytes: a wb_span in a row, a wb_view in a column */
#define WB_TYPE_CODE 6      /**< a category whose keys are integers: 8 bytes, int64 */
#define WB_TYPE_TIMESTAMP 7 /**< 8 bytes, int64 since 1970-01-01 UTC in the feature's unit */
#define WB_TYPE_TEXT 8      /**< UTF-8 bytes: a wb_span in a row, a wb_view in a column */
/** @} */

/** Where a text or a sequence lies inside a row: counted from the row's first byte. For a text or category the size is
 *  in bytes, for a sequence in elements; a sequence of categories has wb_span elements. @since 0.1, stable */
typedef struct wb_span {
    uint32_t offset; /**< bytes from the row's first byte */
    uint32_t size;   /**< bytes of a text or category, elements of a sequence */
} wb_span;

/** Every row starts with this header, written by wb_row_init. Layout frozen. @since 0.1, stable */
typedef struct wb_row_header {
    uint32_t capacity; /**< bytes of the row's memory, tail included */
    uint32_t used;     /**< bytes in use: fixed part plus the tail so far; setters of texts and sequences add to it */
    uint64_t schema_digest; /**< wb_schema_info.digest of the schema that the row was made for */
    uint32_t busy;          /**< the library's mark while a call of this process reads the row; leave it alone */
    uint32_t reserved;      /**< zero */
} wb_row_header;

/** The row layout. After the header comes a bitmap of missing features (bit i%8 of byte missing_offset + i/8 is 1 while
 *  feature i is missing), then the fixed fields at their offsets, then the tail. Layout frozen. @since 0.1, stable */
typedef struct wb_schema_info {
    uint32_t struct_size;      /**< sizeof(wb_schema_info) */
    uint32_t feature_count;    /**< number of features */
    uint64_t digest;           /**< of names, types, units, currencies, layout; the same number means the same rows */
    uint32_t fixed_bytes;      /**< size of header, bitmap and fixed fields; a multiple of 8 */
    uint32_t missing_offset;   /**< of the bitmap of missing features */
    uint32_t tensor_count;     /**< number of forward's arguments */
    uint32_t output_count;     /**< number of outputs */
    uint32_t max_length;       /**< longest sequence accepted, 0 where there are none */
    uint32_t max_rows;         /**< most rows of a batch that the model runs together */
    uint32_t least_length;     /**< shortest sequence that the model takes; a row of a shorter one gets the bundle's
                                *   fallback (WB_REASON_SHORT), or WB_INVALID_INPUT where shorter_is_error is 1 */
    uint32_t shorter_is_error; /**< 0 or 1 */
    uint32_t band_count;       /**< number of decision bands, 0 where the bundle has none. @since 0.2 */
    uint32_t primary_output;   /**< index of the output that gives the score. @since 0.2 */
    uint32_t primary_class;    /**< which of that output's values is the score. @since 0.2 */
    uint32_t reserved;         /**< zero */
} wb_schema_info;

/** The size of wb_schema_info in its first version (up to max_rows), the least that is taken. @since 0.2, stable */
#define WB_SCHEMA_INFO_SIZE_V1 40

/** An empty wb_schema_info with its size set. @since 0.2, stable */
#define WB_SCHEMA_INFO_INIT                                              \
    {                                                                    \
        sizeof(wb_schema_info), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 \
    }

/** @name Keys that a category does not list
 *  @since 0.2, stable
 *  @{ */
#define WB_UNKNOWN_ERROR 1 /**< refused: WB_INVALID_INPUT */
#define WB_UNKNOWN_TAKEN 2 /**< taken: as the one index for unknown keys, or as any key where all are hashed */
/** @} */

/** One feature. Layout frozen. @since 0.1, stable */
typedef struct wb_feature_info {
    uint32_t struct_size;     /**< sizeof(wb_feature_info) */
    int32_t type;             /**< WB_TYPE_*, of the value or of a sequence's elements */
    int32_t is_sequence;      /**< 0 or 1 */
    int32_t required;         /**< 1 where a missing value is an error, 0 where there is a default */
    int32_t is_private;       /**< 1 where it has a privacy class: its values never appear in a message */
    uint32_t offset;          /**< of the fixed field in a row: the value, or a wb_span */
    int32_t money_exponent;   /**< ISO 4217 exponent of money in minor units, -1 where it is not money */
    int64_t ticks_per_second; /**< of a timestamp's unit: 1, 1000, 1000000 or 1000000000; else 0 */
    char name[64];            /**< NUL-terminated */
    int32_t nan_is_missing;   /**< 1 where a NaN counts as missing, else an error. This and all below @since 0.2 */
    int32_t has_range;        /**< 1 where values outside [minimum, maximum] are an error */
    double minimum;           /**< of the raw value (minor units, ticks); -infinity where there is none */
    double maximum;           /**< infinity where there is none */
    double default_number;    /**< what a missing float32, float64 or bool becomes, where required is 0 */
    int64_t default_integer;  /**< what a missing int64, code or timestamp becomes; texts: wb_schema_default_text */
    int64_t vocabulary_size;  /**< keys of a vocabulary, codes of an identity, pieces of a tokeniser; 0 for others */
    int32_t unknown_keys;     /**< WB_UNKNOWN_*; 0 where the feature is no category */
    uint32_t max_tokens;      /**< most tokens of a text, 0 for other features */
    char currency[8];         /**< ISO 4217, such as "EUR"; "" where it is not money */
    char privacy[32];         /**< the privacy class, such as "payment"; "" for none */
    char zone[64];            /**< of a timestamp's calendar: "UTC", "+05:30", "Europe/Paris"; "" for other features */
} wb_feature_info;

/** The size of wb_feature_info in its first version, the least that is taken. @since 0.2, stable */
#define WB_FEATURE_INFO_SIZE_V1 104

/** An empty wb_feature_info with its size set. @since 0.2, stable */
#define WB_FEATURE_INFO_INIT                                                                                \
    {                                                                                                       \
        sizeof(wb_feature_info), 0, 0, 0, 0, 0, 0, 0, { 0 }, 0, 0, 0, 0, 0, 0, 0, 0, 0, { 0 }, { 0 }, { 0 } \
    }

/** A decision band: the probabilities from the band before it up to its own end. Layout frozen. @since 0.2, stable */
typedef struct wb_band_info {
    uint32_t struct_size; /**< sizeof(wb_band_info) */
    uint32_t reserved;    /**< zero */
    double below;         /**< its end: probabilities below it; infinity for the last band */
    char name[64];        /**< such as "review", NUL-terminated */
} wb_band_info;

/** The size of wb_band_info in its first version, the least that is taken. @since 0.2, stable */
#define WB_BAND_INFO_SIZE_V1 80

/** An empty wb_band_info with its size set. @since 0.2, stable */
#define WB_BAND_INFO_INIT                 \
    {                                     \
        sizeof(wb_band_info), 0, 0, { 0 } \
    }

/** One tensor that the encoder makes for `forward`, or one output. Symbolic sizes are -1 (batch), -2 (length of the
 *  row's sequences), -3 (tokens of its text). Layout frozen. @since 0.1, stable */
typedef struct wb_tensor_info {
    uint32_t struct_size; /**< sizeof(wb_tensor_info) */
    int32_t dtype;        /**< WB_DTYPE_* */
    int32_t rank;         /**< how many sizes are in use */
    int32_t reserved;     /**< zero */
    int64_t shape[8];     /**< sizes, symbolic ones negative */
    uint64_t bytes;       /**< of the encoded tensor; 0 in a description */
    char name[64];        /**< NUL-terminated */
} wb_tensor_info;

/** The size of wb_tensor_info in its first version, the least that is taken. @since 0.2, stable */
#define WB_TENSOR_INFO_SIZE_V1 152

/** An empty wb_tensor_info with its size set. @since 0.2, stable */
#define WB_TENSOR_INFO_INIT                              \
    {                                                    \
        sizeof(wb_tensor_info), 0, 0, 0, { 0 }, 0, { 0 } \
    }

/** @name Element types of tensors
 *  @since 0.1, stable
 *  @{ */
#define WB_DTYPE_FLOAT32 1 /**< 4 bytes */
#define WB_DTYPE_FLOAT64 2 /**< 8 bytes */
#define WB_DTYPE_INT64 3   /**< 8 bytes */
#define WB_DTYPE_INT32 4   /**< 4 bytes */
#define WB_DTYPE_BOOL 5    /**< 1 byte, 0 or 1 */
/** @} */

/** Reads the schema of a bundle directory, without its model: enough to fill rows and to encode.
 *  The directory may be a draft that holds only manifest.json and the vocabularies that it names.
 *  @param out   receives the schema; NULL on error
 *  @param path  the directory, UTF-8
 *  @return WB_OK; WB_INVALID_BUNDLE; WB_IO_ERROR; WB_INVALID_ARGUMENT; WB_OUT_OF_MEMORY
 *  Thread-safe. @since 0.1, stable */
WB_API int32_t wb_schema_load(wb_schema **out, const char *path, wb_error *err);

/** wb_schema_load, for a bundle in memory. Thread-safe. @since 0.2, stable */
WB_API int32_t wb_schema_load_source(wb_schema **out, wb_source *source, wb_error *err);

/** Ends the caller's use of the schema; NULL does nothing; never blocks. Thread-safe. @since 0.1, stable */
WB_API void wb_schema_free(wb_schema *schema);

/** Sizes and digest. @param out struct_size set. @return WB_OK; WB_INVALID_HANDLE; WB_INVALID_ARGUMENT. Thread-safe.
 *  @since 0.1, stable */
WB_API int32_t wb_schema_describe(wb_schema_info *out, wb_schema *schema, wb_error *err);

/** Feature `index` in [0, feature_count). @return as wb_schema_describe. Thread-safe. @since 0.1, stable */
WB_API int32_t wb_schema_feature(wb_feature_info *out, wb_schema *schema, uint32_t index, wb_error *err);

/** The index of the feature called `name`.
 *  @return WB_OK; WB_NOT_FOUND (no such feature; the message lists near names). Thread-safe. @since 0.1, stable */
WB_API int32_t wb_schema_find(uint32_t *out, wb_schema *schema, const char *name, wb_error *err);

/** Tensor `index` in [0, tensor_count), with symbolic sizes. Thread-safe. @since 0.1, stable */
WB_API int32_t wb_schema_tensor(wb_tensor_info *out, wb_schema *schema, uint32_t index, wb_error *err);

/** Output `index` in [0, output_count): dtype float32, shape [-1, ...]. Thread-safe. @since 0.1, stable */
WB_API int32_t wb_schema_output(wb_tensor_info *out, wb_schema *schema, uint32_t index, wb_error *err);

/** The index of the output called `name`.
 *  @return WB_OK; WB_NOT_FOUND (no such output; the message lists near names). Thread-safe. @since 0.2, stable */
WB_API int32_t wb_schema_find_output(uint32_t *out, wb_schema *schema, const char *name, wb_error *err);

/** Decision band `index` in [0, band_count), from the least probabilities on: wb_result.band is this index.
 *  @return as wb_schema_describe. Thread-safe. @since 0.2, stable */
WB_API int32_t wb_schema_band(wb_band_info *out, wb_schema *schema, uint32_t index, wb_error *err);

/** What a missing text or category becomes; numbers are in wb_feature_info.
 *  @param out    receives the text; NULL on error
 *  @param index  of the feature
 *  @return WB_OK; WB_NOT_FOUND (the feature has no default, or one that is no text); WB_INVALID_ARGUMENT;
 *          WB_INVALID_HANDLE; WB_OUT_OF_MEMORY. Thread-safe. @since 0.2, stable */
WB_API int32_t wb_schema_default_text(wb_text **out, wb_schema *schema, uint32_t index, wb_error *err);

/** A WB_TYPE_*'s name, such as "float32" or "code"; "?" for another number. Static memory. Thread-safe.
 *  @since 0.2, stable */
WB_API const char *wb_type_name(int32_t type);

/** Encodes one row into tensor `index`, exactly as scoring does. For many rows or tensors wb_batch_encode encodes each
 *  row once.
 *  @param out       receives dtype, actual shape (batch is 1) and bytes; struct_size set
 *  @param row       a row of this schema; see row.h
 *  @param buffer    receives the tensor, row-major; may be NULL with capacity 0
 *  @param capacity  its size in bytes
 *  @return WB_OK; WB_BUFFER_TOO_SMALL (out->bytes is the need); WB_INVALID_INPUT (names the feature); WB_BUSY;
 *          WB_SCHEMA_MISMATCH (a row of another schema); WB_INVALID_ARGUMENT; WB_INVALID_HANDLE
 *  Thread-safe, one thread at a time per row. @since 0.1, stable */
WB_API int32_t wb_schema_encode(wb_tensor_info *out, wb_schema *schema, void *row, uint32_t index, void *buffer,
                                size_t capacity, wb_error *err);

#ifdef __cplusplus
}
#endif
#endif
