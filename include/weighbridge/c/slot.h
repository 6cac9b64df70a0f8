/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  Slots: named deployments (champion, shadow, canary) that point at models. */
#ifndef WEIGHBRIDGE_C_SLOT_H
#define WEIGHBRIDGE_C_SLOT_H

#include "model.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct wb_slot wb_slot; /**< @since 0.1, unstable */

/** The engine's slot called `name` (1 to 63 bytes of [A-Za-z0-9_.-]); made, empty, where there is none. Each handle is
 *  freed with wb_slot_free; the slot lives as long as the engine. Thread-safe. @since 0.1, unstable */
WB_API int32_t wb_slot_open(wb_slot **out, wb_engine *engine, const char *name, wb_error *err);

/** Ends the caller's use of the handle; NULL does nothing. Thread-safe. @since 0.1, unstable */
WB_API void wb_slot_free(wb_slot *slot);

/** Loads a bundle beside the serving model (as wb_model_load), then swaps it in. The previous model is kept for
 *  rollback. On error, deadline and token of the options included, the slot serves what it served before.
 *  @return as wb_model_load, and as wb_slot_swap. Thread-safe. @since 0.1, unstable */
WB_API int32_t wb_slot_load(wb_slot *slot, const char *path, wb_load_options *options, wb_error *err);

/** wb_slot_load, for a bundle in memory. Thread-safe. @since 0.2, unstable */
WB_API int32_t wb_slot_load_source(wb_slot *slot, wb_source *source, wb_load_options *options, wb_error *err);

/** Points the slot at a loaded model of the same engine; each request is answered by one version, whole. What callers
 *  of the slot rely on must be kept: features with their types, units, currencies, keys, ranges, lengths and privacy
 *  classes; that a feature has a default, whose value is the model's own; the least length, and who answers shorter
 *  rows; outputs by place, name and shape; bands by name and place. What only widens is allowed, and WB_LOG_SWAPPED
 *  tells it (lib/slot/README.md). A bundle that breaks with its callers goes into a slot of its own.
 *  @return WB_OK; WB_SCHEMA_CHANGED (callers would not survive it; the message names the first difference);
 *          WB_INVALID_ARGUMENT (a model of another engine); WB_CLOSED. Thread-safe. @since 0.1, unstable */
WB_API int32_t wb_slot_swap(wb_slot *slot, wb_model *model, wb_error *err);

/** Points the slot back at the model before the last swap; a second call swaps forward again. What that swap gave to
 *  callers is taken back, and WB_LOG_SWAPPED tells it; rows with features that the model does not know go on fitting.
 *  @return WB_OK; WB_NOT_LOADED (there is none). Thread-safe. @since 0.1, unstable */
WB_API int32_t wb_slot_rollback(wb_slot *slot, wb_error *err);

/** The serving model, to be freed with wb_model_free. @return WB_OK; WB_NOT_LOADED (the slot is empty).
 *  Thread-safe. @since 0.1, unstable */
WB_API int32_t wb_slot_model(wb_model **out, wb_slot *slot, wb_error *err);

/** Scores one payment with the serving model; as wb_model_score. Rows made for any schema that the slot has served
 *  without WB_SCHEMA_CHANGED fit: features added since take their defaults. WB_NOT_LOADED for an empty slot,
 *  WB_SCHEMA_MISMATCH for other rows. Thread-safe. @since 0.1, unstable */
WB_API int32_t wb_slot_score(wb_result *out, wb_slot *slot, void *row, int64_t deadline_ns, wb_call *call,
                             wb_error *err);

/** Scores a batch with the serving model; as wb_model_score_batch. Thread-safe. @since 0.1, with `out` since 0.2,
 *  unstable */
WB_API int32_t wb_slot_score_batch(wb_batch_result *out, wb_slot *slot, wb_batch *batch, int64_t deadline_ns,
                                   wb_call *call, wb_error *err);

#ifdef __cplusplus
}
#endif
#endif
