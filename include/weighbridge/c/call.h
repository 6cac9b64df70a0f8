/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  What a call takes and gives: result, cancel token, per-call options. */
#ifndef WEIGHBRIDGE_C_CALL_H
#define WEIGHBRIDGE_C_CALL_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

/** @name Why a fallback answered
 *  @since 0.1, stable
 *  @{ */
#define WB_REASON_NONE 0     /**< a model answered */
#define WB_REASON_DEADLINE 1 /**< the deadline passed, while waiting or running */
#define WB_REASON_OVERLOAD 2 /**< the queue was full */
#define WB_REASON_BACKEND 3  /**< the model failed, or gave a number that is not finite */
#define WB_REASON_SHORT 4    /**< the row's sequences are shorter than the model takes (wb_schema_info.least_length) */
/** @} */

/** @name Backends
 *  @since 0.1, stable
 *  @{ */
#define WB_BACKEND_NONE 0        /**< no model ran */
#define WB_BACKEND_REFERENCE 1   /**< plan, plain loops */
#define WB_BACKEND_NATIVE 2      /**< plan, this CPU's kernels */
#define WB_BACKEND_TORCH 3       /**< plan, through LibTorch */
#define WB_BACKEND_TORCHSCRIPT 4 /**< the module itself, through LibTorch */
#define WB_BACKEND_CUDA 5        /**< plan, kernels of an NVIDIA GPU. @since 0.2 */
#define WB_BACKEND_FAKE 6        /**< scores that a test gave; never in a service. @since 0.2 */
/** @} */

/** @name Precisions
 *  @since 0.1, stable
 *  @{ */
#define WB_PRECISION_FP32 1     /**< float32 throughout */
#define WB_PRECISION_BF16 2     /**< bfloat16 products, float32 sums */
#define WB_PRECISION_INT8 3     /**< 8-bit products, exact integer sums */
#define WB_PRECISION_INT8BF16 4 /**< int8 weights with bfloat16 attention */
#define WB_PRECISION_FP16 5     /**< float16 products, float32 sums; for GPUs, reserved. @since 0.2 */
#define WB_PRECISION_FAKE 6     /**< scores that a test gave. @since 0.2 */
/** @} */

/** A payment's score and how it was made. Flat, no pointers; grows at the end. @since 0.1, stable */
typedef struct wb_result {
    uint32_t struct_size; /**< sizeof(wb_result) */
    int32_t status;       /**< WB_OK or WB_OK_FALLBACK, as returned */
    double score;         /**< primary output, activation applied; or the fallback's score */
    double probability;   /**< score after calibration, in [0, 1] where the output is a probability */
    int32_t band;         /**< index of the decision band, -1 where the bundle has none */
    int32_t reason;       /**< WB_REASON_* */
    int32_t backend;      /**< WB_BACKEND_* */
    int32_t precision;    /**< WB_PRECISION_* */
    int32_t numerics;     /**< how it rounded: 1; 2 where bf16 ran on AMX tiles; 16 and above are for GPUs that round
                           *   otherwise than a CPU; 0 where no plan ran. Scores of one id are the same bits */
    uint32_t defaulted;   /**< features that were missing and took their default */
    uint32_t clipped;     /**< features that an encoding's clip changed */
    int32_t device;       /**< index of the device that ran, 0 for the CPU; -1 where nothing ran. @since 0.2 */
    uint64_t bundle;      /**< first eight bytes, big-endian, of the manifest's sha256: which bundle answered */
    int64_t queue_ns;     /**< waited for a context */
    int64_t run_ns;       /**< encoded and ran */
    char version[32];     /**< the bundle's version, NUL-terminated */
} wb_result;

/** The size of wb_result in its first version, the least that is taken. @since 0.2, stable */
#define WB_RESULT_SIZE_V1 112

/** An empty wb_result with its size set. @since 0.1, stable */
#define WB_RESULT_INIT                                                           \
    {                                                                            \
        sizeof(wb_result), 0, 0.0, 0.0, -1, 0, 0, 0, 0, 0, 0, -1, 0, 0, 0, { 0 } \
    }

/** A WB_REASON_*'s name, such as "deadline"; "none" where a model answered, "?" for another number. Static memory.
 *  Thread-safe. @since 0.2, stable */
WB_API const char *wb_reason_name(int32_t reason);

/** A WB_BACKEND_*'s name, such as "native"; "none" where no model ran, "?" for another number. Static memory.
 *  Thread-safe. @since 0.2, stable */
WB_API const char *wb_backend_name(int32_t backend);

/** A WB_PRECISION_*'s name, such as "int8"; "none" for 0, where no model ran, "?" for another number. Static memory.
 *  Thread-safe. @since 0.2, stable */
WB_API const char *wb_precision_name(int32_t precision);

/** A flag that another thread may set to end a call early. @since 0.1, stable */
typedef struct wb_cancel wb_cancel;

/** @return WB_OK; WB_OUT_OF_MEMORY. Thread-safe. @since 0.1, stable */
WB_API int32_t wb_cancel_create(wb_cancel **out, wb_error *err);

/** Sets the flag, or clears it with set = 0. Calls that carry it return WB_CANCELLED soon after: at once while they
 *  wait, between tiles while a plan runs; a single row that runs in one run with others that waited ends with that.
 *  Thread-safe, async-signal-unsafe. @since 0.1, stable */
WB_API int32_t wb_cancel_set(wb_cancel *cancel, int32_t set, wb_error *err);

/** NULL does nothing; calls in progress keep it alive. Thread-safe. @since 0.1, stable */
WB_API void wb_cancel_free(wb_cancel *cancel);

/** Options of a call, reusable, for one thread at a time (WB_BUSY otherwise). Defaults: normal priority, no token,
 *  fallback answers accepted, may wait for a context, no output buffers. @since 0.1, stable */
typedef struct wb_call wb_call;

/** @return WB_OK; WB_OUT_OF_MEMORY. Thread-safe. @since 0.1, stable */
WB_API int32_t wb_call_create(wb_call **out, wb_error *err);

/** NULL does nothing. @since 0.1, stable */
WB_API void wb_call_free(wb_call *call);

#define WB_PRIORITY_NORMAL 0 /**< the default class */
#define WB_PRIORITY_HIGH 1   /**< served before every normal request that waits */

/** @param priority WB_PRIORITY_*. @return WB_OK; WB_INVALID_ARGUMENT. @since 0.1, stable */
WB_API int32_t wb_call_set_priority(wb_call *call, int32_t priority, wb_error *err);

/** @param cancel  token, or NULL for none. @return WB_OK; WB_INVALID_HANDLE. @since 0.1, stable */
WB_API int32_t wb_call_set_cancel(wb_call *call, wb_cancel *cancel, wb_error *err);

/** With accept = 0, errors are returned where the bundle's fallback would have answered. @since 0.1, stable */
WB_API int32_t wb_call_set_fallback(wb_call *call, int32_t accept, wb_error *err);

/** With wait = 0, a call that finds no free context returns WB_WOULD_WAIT at once: nothing is queued, no fallback
 *  answers, nothing is counted in wb_snapshot. A batch keeps the context that it found until its end, and its columns
 *  are unspecified after WB_WOULD_WAIT. For event loops, which try here and let another thread wait.
 *  @param wait  0 or 1. @return WB_OK; WB_INVALID_ARGUMENT. @since 0.2, stable */
WB_API int32_t wb_call_set_wait(wb_call *call, int32_t wait, wb_error *err);

/** Where output `index` (as in wb_schema_output) of a single row goes: `capacity` floats of the caller, written by a
 *  model's answer only. NULL ends it. wb_model_score returns WB_BUFFER_TOO_SMALL, before it runs, where the buffer is
 *  smaller than the output. @since 0.1, stable */
WB_API int32_t wb_call_set_output(wb_call *call, uint32_t index, float *buffer, size_t capacity, wb_error *err);

#ifdef __cplusplus
}
#endif
#endif
