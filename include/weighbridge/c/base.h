/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  Version, status codes, errors, time. Everything else in the C ABI builds on this file. */
#ifndef WEIGHBRIDGE_C_BASE_H
#define WEIGHBRIDGE_C_BASE_H

#include <stddef.h>
#include <stdint.h>

/** Marks the exported functions. @since 0.1, stable */
#if defined(__GNUC__)
#define WB_API __attribute__((visibility("default")))
#else
#define WB_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/** The library's version, major.minor.patch. @since 0.1, stable */
#define WB_VERSION_STRING "0.2.0"

/** The major number of this C ABI, which is the soname's: it changes where a caller would have to be built again.
 *  A binding compares both numbers when it loads the library: it takes one whose wb_abi_version() is its own
 *  WB_ABI_VERSION and whose wb_abi_minor() is at least its own WB_ABI_MINOR. @since 0.1, stable */
#define WB_ABI_VERSION 1

/** The minor number of this C ABI: it grows with each release that adds a function, a member or a number. Version 0.2
 *  has 2. @since 0.2, stable */
#define WB_ABI_MINOR 2

/** @name Status codes
 *  Every function that can fail returns one of these. Zero and above is an answer, below zero is an error. Numbers are
 *  never reused. The lines below say what happened, a likely cause, and what to do next.
 *  @since 0.1, stable
 *  @{ */
/** The model answered. */
#define WB_OK 0
/** The bundle's fallback answered (wb_result.reason says why). Cause: deadline, overload, a failing backend,
 *  or sequences shorter than the model takes. Use the score; alert on the rate. */
#define WB_OK_FALLBACK 1
/** A batch was scored, but some rows were not: the codes column says which. Fix those rows; the others are answered. */
#define WB_OK_PARTIAL 2
/** A value of a payment is not acceptable (missing, out of range, not finite, unknown category, bad UTF-8, too long,
 *  too short). wb_error names feature and row. Fix the input; a retry gives the same answer. */
#define WB_INVALID_INPUT (-1)
/** The call itself is wrong: NULL pointer, struct_size, index, value of an option. Fix the calling code. */
#define WB_INVALID_ARGUMENT (-2)
/** A handle is not one of this library, is of another kind, or was freed. Fix the calling code. */
#define WB_INVALID_HANDLE (-3)
/** The row, batch or call object is in use by another thread. Give each thread its own. */
#define WB_BUSY (-4)
/** All contexts are taken and the queue is full: the request was shed. Retry later, add contexts, or shed upstream. */
#define WB_OVERLOADED (-5)
/** The deadline passed before an answer, and fallback answers were declined. Retrying is safe. */
#define WB_DEADLINE_EXCEEDED (-6)
/** The call's cancel token was set. */
#define WB_CANCELLED (-7)
/** The engine, model or slot is closed or closing. */
#define WB_CLOSED (-8)
/** The process forked after this engine had started threads (LibTorch). Create a new engine in the child. */
#define WB_FORKED (-9)
/** A file of the bundle is missing, damaged, or says something that this version does not accept. Fix the deployment.
 */
#define WB_INVALID_BUNDLE (-10)
/** A file could not be read or written. The message has the path and the system's reason. */
#define WB_IO_ERROR (-11)
/** A swap would change the schema that callers fill in. Deploy to a new slot, or add features with defaults only. */
#define WB_SCHEMA_CHANGED (-12)
/** No allowed engine can run this model: plug-in missing, of another LibTorch version, broken, or not allowed. */
#define WB_BACKEND_UNAVAILABLE (-13)
/** The model failed while it ran, or gave a tensor other than the manifest says. Fix the model or its manifest. */
#define WB_BACKEND_FAILED (-14)
/** Memory could not be had. The process is intact. */
#define WB_OUT_OF_MEMORY (-15)
/** A defect of this library. Please report the message. */
#define WB_INTERNAL (-16)
/** The caller's buffer is too small. The needed size is in the function's count or size output where it has one, else in
 *  the message; what the function says it leaves is left. Call again with a larger one. */
#define WB_BUFFER_TOO_SMALL (-17)
/** The golden vectors do not reproduce within the manifest's tolerance. Do not deploy this bundle on this machine. */
#define WB_VERIFY_FAILED (-18)
/** No model is there: the slot is empty, or has none to roll back to. Example: wb_slot_score before the first
 *  wb_slot_load. Cause: traffic came before the deployment, or the slot's name is misspelt. Load a bundle into the
 *  slot; until then answer without the model. @since 0.2 */
#define WB_NOT_LOADED (-19)
/** A row or batch was made for another schema than the one that is asked. Example: a row that was bound before the slot
 *  was swapped, rolled back and swapped again to bundles that no longer take it; a row of one model given to another.
 *  Get the schema again, bind to it, fill the row anew; nothing of the old row fits. @since 0.2 */
#define WB_SCHEMA_MISMATCH (-20)
/** The call would have had to wait for a context, and was told not to (wb_call_set_wait). Nothing was queued or scored.
 *  Cause: every context is busy, or others wait. Call again with waiting allowed, from where that is harmless.
 *  @since 0.2 */
#define WB_WOULD_WAIT (-21)
/** There is nothing of that name. Example: wb_schema_find of "amount" where the feature is "amount_minor". Cause: a
 *  spelling, or another version of the bundle or library; the message has the nearest names. @since 0.2 */
#define WB_NOT_FOUND (-22)
/** @} */

/** The largest struct_size that a function takes, of any struct: a larger one was never set. @since 0.2, stable */
#define WB_STRUCT_SIZE_LIMIT 4096

/** Details of a failure, in the caller's memory: nothing is allocated, nothing is to be freed.
 *  Set struct_size (or use WB_ERROR_INIT); the rest is written by a failing call and left alone by a succeeding one,
 *  and by every call where struct_size is not in [WB_ERROR_SIZE_V1, WB_STRUCT_SIZE_LIMIT]. Layout frozen.
 *  @since 0.1, stable */
typedef struct wb_error {
    uint32_t struct_size; /**< sizeof(wb_error) */
    int32_t code;         /**< the status code that the call returned */
    int32_t feature;      /**< index of the feature, -1 where none is to blame */
    int32_t reserved;     /**< zero */
    int64_t row;          /**< index of the row in its batch, 0 for a single row, -1 where none is to blame */
    char message[256];    /**< one line of UTF-8, ends with NUL, holds no value of a feature with a privacy class */
} wb_error;

/** The size of wb_error in its first version, the least that is taken. @since 0.2, stable */
#define WB_ERROR_SIZE_V1 280

/** An empty wb_error with its size set. @since 0.1, stable */
#define WB_ERROR_INIT                         \
    {                                         \
        sizeof(wb_error), 0, -1, 0, -1, { 0 } \
    }

/** No deadline: wait as long as it takes. @since 0.1, stable */
#define WB_NO_DEADLINE INT64_MAX

/** The engine's own deadline: now plus its option default_deadline_us, or none where that is 0. What a binding passes
 *  where its caller names no deadline, so that no language's thread waits for ever in a call that it cannot interrupt.
 *  Every function with a deadline_ns takes it. @since 0.2, stable */
#define WB_DEFAULT_DEADLINE INT64_MIN

/** Now, in nanoseconds of CLOCK_MONOTONIC: what every deadline_ns is measured against. It stays that clock, which is
 *  also std::chrono::steady_clock, Java's System.nanoTime(), Python's time.monotonic_ns() and Ruby's
 *  Process.clock_gettime(Process::CLOCK_MONOTONIC, :nanosecond) on Linux: a binding takes its own and spares the call.
 *  Thread-safe, never fails. @since 0.1, stable */
WB_API int64_t wb_now_ns(void);

/** The library's version, such as "0.2.0". Static memory. Thread-safe. @since 0.1, stable */
WB_API const char *wb_version(void);

/** The library's WB_ABI_VERSION. Thread-safe. @since 0.1, stable */
WB_API int32_t wb_abi_version(void);

/** The library's WB_ABI_MINOR. Thread-safe. @since 0.2, stable */
WB_API int32_t wb_abi_minor(void);

/** A status code's name, such as "WB_INVALID_INPUT"; "WB_UNKNOWN" for another number. Static memory. Thread-safe.
 *  @since 0.1, stable */
WB_API const char *wb_status_name(int32_t status);

/** Text of any length that a call made, a report for one: immutable, freed with wb_text_free. @since 0.2, stable */
typedef struct wb_text wb_text;

/** The text's bytes, UTF-8, with a NUL behind them. @return memory of the text, valid until wb_text_free; NULL for what
 *  is no live text. Thread-safe. @since 0.2, stable */
WB_API const char *wb_text_data(wb_text *text);

/** How many bytes the text has, without the NUL; 0 for what is no live text. Thread-safe. @since 0.2, stable */
WB_API size_t wb_text_size(wb_text *text);

/** NULL does nothing; never blocks. Thread-safe. @since 0.2, stable */
WB_API void wb_text_free(wb_text *text);

/** What this machine and build offer, as JSON: version, abi, CPU level and features, backends found.
 *  @param out  receives the text; NULL on error
 *  @return WB_OK; WB_INVALID_ARGUMENT; WB_OUT_OF_MEMORY. Thread-safe. @since 0.2 in this form, stable */
WB_API int32_t wb_system_info(wb_text **out, wb_error *err);

#ifdef __cplusplus
}
#endif
#endif
