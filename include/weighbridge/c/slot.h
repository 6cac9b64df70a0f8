/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  Slots: named deployments (champion, shadow, canary) that point at models. */
#ifndef WEIGHBRIDGE_C_SLOT_H
#define WEIGHBRIDGE_C_SLOT_H

#include "model.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct wb_slot wb_slot; /**< @since 0.1, stable */

/** @name Whether wb_slot_open makes a slot
 *  @since 0.2, stable
 *  @{ */
#define WB_SLOT_EXISTING 0 /**< no: a name that no slot has is WB_NOT_FOUND */
#define WB_SLOT_CREATE 1   /**< yes, an empty one, where no slot has the name */
/** @} */

/** The engine's slot called `name`. Each handle is freed with wb_slot_free; the slot lives as long as the engine.
 *  @param name    1 to 63 bytes of [A-Za-z0-9_.-]
 *  @param create  WB_SLOT_CREATE where models are deployed; WB_SLOT_EXISTING elsewhere, so that a misspelt name is told
 *                 at once, not by an empty slot at the first payment
 *  @return WB_OK; WB_NOT_FOUND (the message has the nearest names); WB_INVALID_ARGUMENT; WB_INVALID_HANDLE; WB_CLOSED;
 *          WB_FORKED; WB_OUT_OF_MEMORY. Thread-safe. @since 0.2 in this form, stable */
WB_API int32_t wb_slot_open(wb_slot **out, wb_engine *engine, const char *name, int32_t create, wb_error *err);

/** Ends the caller's use of the handle; NULL does nothing. Thread-safe. @since 0.1, stable */
WB_API void wb_slot_free(wb_slot *slot);

/** A slot, and what its serving version has done in it. Figures are of all calls that the slot served with a model of
 *  that bundle, since it first came into the slot as one of its two; another bundle of the same version has its own. They
 *  mean what those of wb_snapshot do.
 *  Layout grows at the end. @since 0.2, stable */
typedef struct wb_slot_info {
    uint32_t struct_size;      /**< sizeof(wb_slot_info) */
    uint32_t reserved;         /**< zero */
    uint64_t generation;       /**< swaps and rollbacks of the slot */
    int64_t since_ns;          /**< of the last of them, as wb_now_ns(); 0 where the slot is empty */
    uint64_t bundle;           /**< as wb_result.bundle, of the serving model; 0 where the slot is empty */
    uint64_t previous_bundle;  /**< of the model that wb_slot_rollback would bring back; 0 where there is none */
    uint64_t requests;         /**< calls that were answered, failed, or were cancelled */
    uint64_t rows;             /**< rows scored by the model */
    uint64_t fallbacks;        /**< rows answered by its fallback, another slot's model included */
    uint64_t overloaded;       /**< calls shed, and submits that a full completion queue refused */
    uint64_t expired;          /**< calls that met their deadline without a model's answer */
    uint64_t invalid;          /**< rows refused with WB_INVALID_INPUT */
    uint64_t failed;           /**< calls that failed otherwise; not those that their caller cancelled */
    int64_t latency_p50_ns;    /**< median */
    int64_t latency_p90_ns;    /**< 90th percentile */
    int64_t latency_p99_ns;    /**< 99th percentile */
    int64_t latency_p999_ns;   /**< 99.9th percentile */
    int64_t latency_max_ns;    /**< longest */
    char name[64];             /**< the slot's */
    char version[32];          /**< of the serving bundle; "" where the slot is empty */
    char previous_version[32]; /**< of the bundle that wb_slot_rollback would bring back; "" where there is none */
} wb_slot_info;

/** The size of wb_slot_info in its first version, the least that is taken. @since 0.2, stable */
#define WB_SLOT_INFO_SIZE_V1 264

/** An empty wb_slot_info with its size set. @since 0.2, stable */
#define WB_SLOT_INFO_INIT                                                                            \
    {                                                                                                \
        sizeof(wb_slot_info), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, { 0 }, { 0 }, { 0 } \
    }

/** What the slot serves and has done. @param out struct_size set. @return WB_OK, for an empty slot too;
 *  WB_INVALID_ARGUMENT; WB_INVALID_HANDLE; WB_OUT_OF_MEMORY. Thread-safe, never waits for a request or a load.
 *  @since 0.2, stable */
WB_API int32_t wb_slot_describe(wb_slot_info *out, wb_slot *slot, wb_error *err);

/** Lists the engine's slots, in the order in which they were made.
 *  @param out       caller's array; may be NULL with capacity 0. Nothing in it needs setting
 *  @param stride    sizeof(wb_slot_info), which becomes each element's struct_size
 *  @param capacity  elements that it has room for
 *  @param count     receives the number of slots, with WB_BUFFER_TOO_SMALL too
 *  @return WB_OK; WB_BUFFER_TOO_SMALL (nothing is written to out); WB_INVALID_ARGUMENT; WB_INVALID_HANDLE;
 *          WB_OUT_OF_MEMORY. Thread-safe, never waits for a request or a load. @since 0.2, stable */
WB_API int32_t wb_engine_slots(wb_slot_info *out, size_t stride, size_t capacity, size_t *count, wb_engine *engine,
                               wb_error *err);

/** Loads a bundle beside the serving model (as wb_model_load), then swaps it in. The previous model is kept for
 *  rollback. On error, deadline and token of the options included, the slot serves what it served before.
 *  @return as wb_model_load, and as wb_slot_swap. Thread-safe. @since 0.1, stable */
WB_API int32_t wb_slot_load(wb_slot *slot, const char *path, wb_load_options *options, wb_error *err);

/** wb_slot_load, for a bundle in memory. Thread-safe. @since 0.2, stable */
WB_API int32_t wb_slot_load_source(wb_slot *slot, wb_source *source, wb_load_options *options, wb_error *err);

/** Points the slot at a loaded model of the same engine; each request is answered by one version, whole. What callers
 *  of the slot rely on must be kept: features with their types, units, currencies, keys, ranges, lengths and privacy
 *  classes; that a feature has a default, whose value is the model's own; the least length, and who answers shorter
 *  rows; outputs by place, name and shape; bands by name and place. What only widens is allowed, and WB_LOG_SWAPPED
 *  tells it (lib/slot/README.md). A bundle that breaks with its callers goes into a slot of its own.
 *  @return WB_OK; WB_SCHEMA_CHANGED (callers would not survive it; the message names the first difference);
 *          WB_INVALID_ARGUMENT (a model of another engine); WB_CLOSED. Thread-safe. @since 0.1, stable */
WB_API int32_t wb_slot_swap(wb_slot *slot, wb_model *model, wb_error *err);

/** Points the slot back at the model before the last swap; a second call swaps forward again. What that swap gave to
 *  callers is taken back, and WB_LOG_SWAPPED tells it; rows with features that the model does not know go on fitting.
 *  @return WB_OK; WB_NOT_LOADED (there is none). Thread-safe. @since 0.1, stable */
WB_API int32_t wb_slot_rollback(wb_slot *slot, wb_error *err);

/** Lets go of the model before the last swap, and of its memory, once nobody else uses it: there is nothing to roll
 *  back to until the next swap. What callers of the slot rely on stays as it is. Does nothing where there is none.
 *  @return WB_OK; WB_CLOSED; WB_INVALID_HANDLE. Thread-safe; may take milliseconds, so not on a scoring thread.
 *  @since 0.2, stable */
WB_API int32_t wb_slot_forget_previous(wb_slot *slot, wb_error *err);

/** The serving model, to be freed with wb_model_free. @return WB_OK; WB_NOT_LOADED (the slot is empty).
 *  Thread-safe. @since 0.1, stable */
WB_API int32_t wb_slot_model(wb_model **out, wb_slot *slot, wb_error *err);

/** Scores one payment with the serving model; as wb_model_score. Rows made for any schema that the slot has served
 *  without WB_SCHEMA_CHANGED fit: features added since take their defaults. WB_NOT_LOADED for an empty slot,
 *  WB_SCHEMA_MISMATCH for other rows. Thread-safe. @since 0.1, stable */
WB_API int32_t wb_slot_score(wb_result *out, wb_slot *slot, void *row, int64_t deadline_ns, wb_call *call,
                             wb_error *err);

/** Scores a batch with the serving model; as wb_model_score_batch. Thread-safe. @since 0.1, with `out` since 0.2,
 *  stable */
WB_API int32_t wb_slot_score_batch(wb_batch_result *out, wb_slot *slot, wb_batch *batch, int64_t deadline_ns,
                                   wb_call *call, wb_error *err);

#ifdef __cplusplus
}
#endif
#endif
