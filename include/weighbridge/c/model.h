/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  Models: one loaded version of a bundle. */
#ifndef WEIGHBRIDGE_C_MODEL_H
#define WEIGHBRIDGE_C_MODEL_H

#include "batch.h"
#include "call.h"
#include "engine.h"
#include "schema.h"
#include "source.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct wb_model wb_model;               /**< @since 0.1, stable */
typedef struct wb_load_options wb_load_options; /**< @since 0.1, stable */

/** Options with their defaults: plans only (no LibTorch in the process), precision as the plan's first, golden vectors
 *  verified, no deadline, no token. For one thread at a time. @since 0.1, stable */
WB_API int32_t wb_load_options_create(wb_load_options **out, wb_error *err);

/** NULL does nothing. @since 0.1, stable */
WB_API void wb_load_options_free(wb_load_options *options);

/** Which engines may run the model, best first: a comma-separated list of "native", "reference", "torchscript".
 *  The first that can run it does. TorchScript is code: name "torchscript" only for bundles that you trust. A bundle
 *  without model.plan is compiled in memory for "native" and "reference", where the engine's option "importer" allows,
 *  which takes seconds: compile it ahead.
 *  Default "native,reference". "fake", alone, is for tests of services (since 0.2), below.
 *
 *  @par The engine fake
 *  It loads a bundle, or a draft (manifest.json and the vocabularies that it names): no module, plan, golden vectors or
 *  digests are looked at, nor the options precision and verify. Rows are checked and encoded as for any engine; slots,
 *  swaps, fallbacks, deadlines and figures are the real ones. What runs instead of a model is the option "fake_script"
 *  (wb_load_options_set), a JSON object. Without it each row's score is by a hash of its encoded values: the same row,
 *  the same score, in [0, 1).
 *
 *  | field | what |
 *  |---|---|
 *  | score | the score of every row; or an array of scores, given in turn, from the first again behind the last; or "hash" |
 *  | latency_us | how long a run of one row takes, by the engine's clock; or an array, in turn. Deadlines and cancel tokens end it |
 *  | rows | an array of {"row": {...}, "score": s, "latency_us": n, "status": "WB_...", "message": "..."}: what a run comes to whose row is encoded as this one, which has all required features. A score or a status, a latency_us, or both |
 *  | failures | an array of {"status": "WB_...", "message": "...", "every": n, "times": m}: every n-th run (each, without it) ends so, at most m times. The first that is due counts. Not of rows with a score or status of their own |
 *  | load | {"status": "WB_...", "message": "...", "latency_us": n}: how the load ends, and how long it takes |
 *
 *  A status is the name of any error. WB_BACKEND_FAILED, WB_INTERNAL, WB_OUT_OF_MEMORY, WB_OVERLOADED and
 *  WB_DEADLINE_EXCEEDED meet the bundle's fallback, as from any engine; WB_INVALID_INPUT is the row's; the others end
 *  the call, of a batch too. Every element of every output is the row's score, after the activation, as float32; where
 *  the score is a probability, it lies in [0, 1]. Runs are counted from 1, over all threads; rows of a batch run one by
 *  one. What is wrong in a script is WB_INVALID_ARGUMENT of the load, with its place. A load tells WB_LOG_WARNING, and
 *  results say WB_BACKEND_FAKE.
 *  @return WB_OK; WB_INVALID_ARGUMENT (expected and found). @since 0.1, stable */
WB_API int32_t wb_load_options_set_engines(wb_load_options *options, const char *engines_allowed, wb_error *err);

/** The precision that serves: "fp32", "bf16", "int8", "int8bf16", or "" for the plan's first. @since 0.1, stable */
WB_API int32_t wb_load_options_set_precision(wb_load_options *options, const char *precision, wb_error *err);

/** Whether the bundle's golden vectors must reproduce before the model serves. Default 1. @since 0.1, stable */
WB_API int32_t wb_load_options_set_verify(wb_load_options *options, int32_t verify, wb_error *err);

/** The token that ends a load early, or NULL for none, which is the default: what it ends returns WB_CANCELLED and is
 *  told apart as wb_load_options_set_deadline says. The options keep the token alive. Has no text form.
 *  @return WB_OK; WB_INVALID_HANDLE. @since 0.2, stable */
WB_API int32_t wb_load_options_set_cancel(wb_load_options *options, wb_cancel *cancel, wb_error *err);

/** When a load has to be done; also its waits for contexts and its golden vectors. What is not done by then returns
 *  WB_DEADLINE_EXCEEDED, names the step (reading or hashing a file, preparing, warming, verifying line N of M), leaves
 *  everything as it was, and may be called again. Deadline and token are looked at after each 4 MiB of a file, before
 *  each layer, context and golden vector and between tiles, and while LibTorch works, which goes on by itself and keeps
 *  the bundle until its next step: within some 100 ms, where the file system answers and the machine is not swapping.
 *  Has no text form.
 *  @param deadline_ns  absolute, CLOCK_MONOTONIC as wb_now_ns(); WB_NO_DEADLINE, the default, for none; the past counts
 *                      as expired; WB_DEFAULT_DEADLINE for the engine's own, from the start of the load
 *  @return WB_OK; WB_INVALID_HANDLE. @since 0.2, stable */
WB_API int32_t wb_load_options_set_deadline(wb_load_options *options, int64_t deadline_ns, wb_error *err);

/** Sets an option by name, as a configuration file has it. The typed setters above do the same, with the same checks.
 *  Without a setter: "import_cache", the absolute path of a directory of the effective user with mode 0700, no link,
 *  that keeps what modules were imported as in a process of their own; it is made where its parent is there. Entries
 *  are found by module, manifest and importer, and checked when they are read. Default: nothing is kept.
 *  @param name  one that wb_load_options_describe lists
 *  @param text  its value in the form that is listed with it
 *  @return WB_OK; WB_NOT_FOUND (no such option; the message has the nearest); WB_INVALID_ARGUMENT (names the option,
 *          what was expected and what was given); WB_INVALID_HANDLE. @since 0.2, stable */
WB_API int32_t wb_load_options_set(wb_load_options *options, const char *name, const char *text, wb_error *err);

/** Lists the options of a load; as wb_engine_options_describe. @since 0.2, stable */
WB_API int32_t wb_load_options_describe(wb_option_info *out, uint32_t index, wb_error *err);

/** Loads a bundle: reads and hashes its files, checks signatures, where the options name trusted_keys, and the manifest,
 *  prepares and warms every context, reproduces the golden vectors. Blocks for as long as that takes; scoring of other
 *  models goes on.
 *  @param out      receives the model; NULL on error
 *  @param path     the bundle's directory, UTF-8
 *  @param options  read during the call; NULL for defaults
 *  @return WB_OK; WB_INVALID_BUNDLE (names file, path in the JSON, expected and found); WB_IO_ERROR;
 *          WB_BACKEND_UNAVAILABLE; WB_BACKEND_FAILED; WB_VERIFY_FAILED; WB_CANCELLED and WB_DEADLINE_EXCEEDED (name the
 *          step that was not done); WB_OVERLOADED (golden vectors found the queue full); WB_CLOSED; WB_FORKED;
 *          WB_OUT_OF_MEMORY
 *  Thread-safe. @since 0.1, stable */
WB_API int32_t wb_model_load(wb_model **out, wb_engine *engine, const char *path, wb_load_options *options,
                             wb_error *err);

/** wb_model_load, for a bundle in memory. Thread-safe. @since 0.2, stable */
WB_API int32_t wb_model_load_source(wb_model **out, wb_engine *engine, wb_source *source, wb_load_options *options,
                                    wb_error *err);

/** Ends the caller's use; requests in progress and slots keep the model. NULL does nothing; never blocks. Thread-safe.
 *  @since 0.1, stable */
WB_API void wb_model_free(wb_model *model);

/** The model's schema, to be freed with wb_schema_free. Thread-safe. @since 0.1, stable */
WB_API int32_t wb_model_schema(wb_schema **out, wb_model *model, wb_error *err);

/** What was loaded, as JSON: identity, digests, backend, traits, precision, decision bands, limits, memory.
 *  @param out  receives the text; NULL on error. Thread-safe. @since 0.2 in this form, stable */
WB_API int32_t wb_model_info(wb_text **out, wb_model *model, wb_error *err);

/** What was loaded and what runs it. Grows at the end. @since 0.2, stable */
typedef struct wb_model_description {
    uint32_t struct_size;   /**< sizeof(wb_model_description) */
    int32_t backend;        /**< WB_BACKEND_* */
    int32_t precision;      /**< WB_PRECISION_* */
    int32_t numerics;       /**< as wb_result.numerics */
    uint32_t contexts;      /**< contexts of the engine, each with memory of its own for the model */
    uint32_t signers;       /**< signatures that were checked; 0 where none were, or no keys were trusted */
    int64_t weight_bytes;   /**< weights and tables, shared by the contexts; where LibTorch runs, the module's file */
    int64_t context_bytes;  /**< memory of one context */
    int64_t not_after_s;    /**< end of its approval, in seconds since 1970-01-01 UTC; 0 where the bundle states none */
    char name[64];          /**< the bundle's name, NUL-terminated */
    char version[32];       /**< the bundle's version, as wb_result.version */
    char bundle_sha256[72]; /**< of manifest.json, which has the digests of all other files: 64 hex digits */
    char plan_sha256[72];   /**< of model.plan; "" where no plan runs */
    char signed_by[256];    /**< the signers: role, where the key has one, and first 12 digits of the key's fingerprint,
                                 as "owner 1f2e3d4c5b6a, risk 0123456789ab"; "" for none */
} wb_model_description;

/** The size of wb_model_description in its first version, the least that is taken. @since 0.2, stable */
#define WB_MODEL_DESCRIPTION_SIZE_V1 288

/** An empty wb_model_description with its size set. @since 0.2, stable */
#define WB_MODEL_DESCRIPTION_INIT                                                        \
    {                                                                                    \
        sizeof(wb_model_description), 0, 0, 0, 0, 0, 0, 0, 0, { 0 }, { 0 }, { 0 }, { 0 }, { 0 } \
    }

/** What was loaded and what runs it. @param out struct_size set. @return WB_OK; WB_INVALID_ARGUMENT;
 *  WB_INVALID_HANDLE. Thread-safe. @since 0.2, stable */
WB_API int32_t wb_model_describe(wb_model_description *out, wb_model *model, wb_error *err);

/** Scores one payment and waits for the result.
 *  @param out          caller's struct with struct_size set; untouched on error
 *  @param row          a row of the model's schema; busy during the call
 *  @param deadline_ns  absolute, CLOCK_MONOTONIC as wb_now_ns(); WB_NO_DEADLINE for none; the past counts as expired;
 *                      WB_DEFAULT_DEADLINE for the engine's own. Where the bundle names a fallback slot with a
 *                      reserve_us, the first model is left that long before it. The reserve keeps time, not a context:
 *                      the slot's model waits for one as any, and where none is free until the deadline, the fixed
 *                      score answers
 *  @param call         priority, cancel token, output buffers; NULL for defaults
 *  @return WB_OK; WB_OK_FALLBACK (the bundle's fallback answered, out->reason says why); WB_INVALID_INPUT (names the
 *          feature); WB_BUSY (row or call in use by another thread); WB_SCHEMA_MISMATCH (a row of another schema);
 *          WB_INVALID_ARGUMENT; WB_WOULD_WAIT (wb_call_set_wait); WB_CANCELLED; WB_CLOSED; WB_FORKED;
 *          WB_BUFFER_TOO_SMALL; and where fallback answers were declined,
 *          WB_DEADLINE_EXCEEDED, WB_OVERLOADED, WB_BACKEND_FAILED (the model failed, or an output, which the message
 *          names, is a NaN or an infinity), WB_OUT_OF_MEMORY, WB_INTERNAL
 *  Thread-safe. Not callable from inside this library's callbacks. @since 0.1, stable */
WB_API int32_t wb_model_score(wb_result *out, wb_model *model, void *row, int64_t deadline_ns, wb_call *call,
                              wb_error *err);

/** Scores the rows of a batch's window and writes the columns that were set on it (batch.h). A row that cannot be
 *  scored gets its own code; the others are answered all the same.
 *  @param out    what became of them; struct_size set, or NULL. Written once the call works on the rows, also where it
 *                ends with an error; untouched before
 *  @param batch  made for the model's schema; busy during the call
 *  @param call   priority, cancel token, whether fallbacks are accepted; its output buffers are not used
 *  @return WB_OK (also for an empty window); WB_OK_FALLBACK (some rows were answered by the fallback); WB_OK_PARTIAL
 *          (some rows have an error code; err, if given, tells of the first, and out of fallbacks); else as
 *          wb_model_score
 *  Thread-safe, one thread at a time per batch. @since 0.1, with `out` since 0.2, stable */
WB_API int32_t wb_model_score_batch(wb_batch_result *out, wb_model *model, wb_batch *batch, int64_t deadline_ns,
                                    wb_call *call, wb_error *err);

#ifdef __cplusplus
}
#endif
#endif
