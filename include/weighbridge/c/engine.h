/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  The engine: owns contexts, models, slots and telemetry. Usually one in a process. */
#ifndef WEIGHBRIDGE_C_ENGINE_H
#define WEIGHBRIDGE_C_ENGINE_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct wb_engine wb_engine;                 /**< @since 0.1, stable */
typedef struct wb_engine_options wb_engine_options; /**< @since 0.1, stable */

/** @name Log events
 *  @since 0.1, stable
 *  @{ */
#define WB_LOG_LOADED 1   /**< a model was loaded and warmed */
#define WB_LOG_SWAPPED 2  /**< a slot points at another model */
#define WB_LOG_REFUSED 3  /**< a load or a swap was refused; the message says why, slot and version whose, as far as known */
#define WB_LOG_FALLBACK 4 /**< fallback answers were given; rate-limited, with their count */
#define WB_LOG_UNLOADED 5 /**< a retired model was freed */
#define WB_LOG_OVERLOAD 6 /**< requests were shed; rate-limited, with their count */
#define WB_LOG_FAILED 7   /**< a model failed on rows; rate-limited, with the count of calls, and one's reason */
#define WB_LOG_WARNING 8  /**< what was accepted is hardly meant so, as a fallback slot that is empty */
#define WB_LOG_CLOSED 9   /**< the engine was closed: the last event that a log callback is called for. @since 0.2 */
/** @} */

/** A WB_LOG_*'s name, such as "swapped"; "?" for another number. Static memory. Thread-safe. @since 0.2, stable */
WB_API const char *wb_event_name(int32_t event);

/** @name Levels of events
 *  @since 0.2, stable
 *  @{ */
#define WB_LEVEL_INFO 1    /**< loaded, swapped, unloaded, closed */
#define WB_LEVEL_WARNING 2 /**< fallback, overload, warning */
#define WB_LEVEL_ERROR 3   /**< refused, failed */
/** @} */

/** An event, all of it inline. A rate-limited one is told at most once a second for each version in each slot, and for
 *  models that are scored by themselves; its count is then of what was not told yet. Layout grows at the end.
 *  @since 0.2, stable */
typedef struct wb_event {
    uint32_t struct_size; /**< sizeof(wb_event) */
    int32_t event;        /**< WB_LOG_* */
    int32_t level;        /**< WB_LEVEL_* */
    uint32_t reserved;    /**< zero */
    int64_t time_ns;      /**< when it was told, as wb_now_ns() */
    uint64_t count;       /**< of a rate-limited event: rows of FALLBACK, calls of OVERLOAD and FAILED; else 1 */
    char slot[64];        /**< the slot that it is about; "" where it is about none */
    char version[32];     /**< of the bundle that it is about; "" where it is about none */
    char message[384];    /**< one line of UTF-8, cut where it is longer; holds no value of a feature with a privacy
                           *   class */
} wb_event;

/** The size of wb_event in its first version, the least that is taken. @since 0.2, stable */
#define WB_EVENT_SIZE_V1 512

/** Receives one line about an event, of which wb_engine_events tells more: for C and C++. Called by loads, swaps,
 *  rollbacks, wb_slot_forget_previous, wb_engine_close and wb_engine_maintain, on their threads, and by the threads of
 *  the option async_threads once they are out of work: never by a call that scores or submits, nor by one that frees.
 *  Events of scoring wait for the next of those, or are overwritten as wb_engine_events says. One thread at a time is in
 *  it, with no lock of the library held, and events come in their order: where a thread is in it already, it is called
 *  for the events of others too.
 *
 *  Its last call is for WB_LOG_CLOSED, before wb_engine_close returns WB_OK: what `payload` points at may go then. No
 *  call begins after wb_engine_free has returned, and one that another thread is in then goes on; where that can be,
 *  close first. It must not call into this library and must not throw or jump. It runs in the library's floating-point
 *  state (to nearest, no traps), and what it changes of that ends with the call.
 *  @param event    WB_LOG_*
 *  @param message  one line of UTF-8, valid during the call, holds no value of a feature with a privacy class
 *  @since 0.1, stable */
typedef void (*wb_log_fn)(int32_t event, const char *message, void *payload);

/** Options with their defaults: contexts automatic, 1024 waiters, no log.
 *  @return WB_OK; WB_OUT_OF_MEMORY. Thread-safe; an options object is for one thread at a time. @since 0.1, stable */
WB_API int32_t wb_engine_options_create(wb_engine_options **out, wb_error *err);

/** NULL does nothing. @since 0.1, stable */
WB_API void wb_engine_options_free(wb_engine_options *options);

/** Where requests run: "cpu=2" is two CPU contexts; "cpu" alone means automatic: the smaller of the affinity mask and
 *  the cgroup quota. "cuda:0=4,cpu=2" has four contexts on GPU 0 besides (2 where none are given): models of a plan in
 *  fp32 and int8 are then loaded to both, with the same bits, and each request goes where it is predicted to be done
 *  first; what a GPU fails on is answered by the CPU. There is always a CPU. "cuda:0?" may be missing: the engine serves
 *  from the CPU then, and tells WB_LOG_WARNING; without "?" wb_engine_create says WB_BACKEND_UNAVAILABLE. "cuda:0!" is
 *  preferred: it takes what its deadline leaves it time for, whatever is predicted, so that the host's own work has the
 *  CPU; "?!" is both. The option cuda_driver names the driver's library, cuda_kernels the file of GPU kernels. An engine
 *  has a thread for each of its GPUs, wb:cuda-0, which sleeps while nothing runs there.
 *  @return WB_OK; WB_INVALID_ARGUMENT (says what was expected); WB_INVALID_HANDLE. @since 0.1, stable; cuda 0.2, unstable */
WB_API int32_t wb_engine_options_set_devices(wb_engine_options *options, const char *devices, wb_error *err);

/** Most requests that wait for a context, over both priority classes; more are shed with WB_OVERLOADED. 0 sheds at once
 *  where no context is free. Accepted submits do not count: their queue's capacity bounds them. Range [0, 1000000],
 *  default 1024. @since 0.1, stable */
WB_API int32_t wb_engine_options_set_queue_limit(wb_engine_options *options, uint32_t waiters, wb_error *err);

/** How long a request waits before a context is kept for it, in microseconds: until then a thread that is running may take
 *  a free context past it, for many threads on few contexts get several times as much done that way. From then on it is
 *  handed over, to the first who waits; where more wait than that leaves time for, each is first for an eighth of the
 *  bound. High priority never waits behind normal priority. 0 serves strictly in order. Range [0, 1000000], default 500.
 *  @return WB_OK; WB_INVALID_ARGUMENT; WB_INVALID_HANDLE. @since 0.2, stable */
WB_API int32_t wb_engine_options_set_fairness_us(wb_engine_options *options, int64_t microseconds, wb_error *err);

/** The log callback, or NULL for none. `payload` must live until the callback's last call (wb_log_fn).
 *  @since 0.1, stable */
WB_API int32_t wb_engine_options_set_log(wb_engine_options *options, wb_log_fn fn, void *payload, wb_error *err);

/** The LibTorch plug-in: the absolute path of libweighbridge_torch-MINOR.so. Default: beside the core, in
 *  LIBDIR/weighbridge/. Loaded when a model first needs it. @since 0.1, stable */
WB_API int32_t wb_engine_options_set_torch_plugin(wb_engine_options *options, const char *path, wb_error *err);

/** The absolute path of LibTorch's lib directory. Default: the copy that is mapped in this process, else
 *  WEIGHBRIDGE_LIBTORCH, else what the plug-in was built with. A mapped copy of another version is refused.
 *  @since 0.1, stable */
WB_API int32_t wb_engine_options_set_libtorch(wb_engine_options *options, const char *directory, wb_error *err);

/** The highest CPU level that the native backend may use: "portable", "avx2", "avx512", "avx512_vnni", "avx512_bf16" or
 *  "amx"; "" for the best that this CPU has, which is the default. A level beyond this CPU's means the best it has.
 *  fp32 and int8 scores are the same bits at every level; bf16 needs avx512_bf16 at least, and rounds otherwise at amx
 *  (wb_result.numerics is 2 there): where its bits must not depend on the machine, choose "avx512_bf16".
 *  @return WB_OK; WB_INVALID_HANDLE. An unknown name is refused by wb_engine_create. @since 0.1, stable */
WB_API int32_t wb_engine_options_set_cpu_level(wb_engine_options *options, const char *level, wb_error *err);

/** Whether the engine asks Linux for AMX tiles (arch_prctl ARCH_REQ_XCOMP_PERM), a permission of the whole process that
 *  cannot be given back and that makes its threads' signal frames 8 KB larger. 0 (the default) or 1. Where it is set
 *  and granted, level "amx" is the best: int8 gives the same bits, bf16 and attention in int8bf16 others
 *  (wb_engine_options_set_cpu_level).
 *  @since 0.1, stable */
WB_API int32_t wb_engine_options_set_allow_amx(wb_engine_options *options, int32_t allow, wb_error *err);

/** The deadline of calls that are given WB_DEFAULT_DEADLINE, in microseconds from their start; 0, the default, for
 *  none. Range [0, 3600000000]. @since 0.2, stable */
WB_API int32_t wb_engine_options_set_default_deadline_us(wb_engine_options *options, int64_t microseconds,
                                                         wb_error *err);

/** As many threads as there are CPU contexts. @since 0.2, stable */
#define WB_ASYNC_THREADS_AUTOMATIC (-1)

/** Who runs what was submitted to queues (queue.h): so many threads of the engine's own, called wb:async-0 and on, which
 *  start at the first submit, sleep while there is nothing to run, and end when the engine is closed or freed (one that
 *  runs then as soon as it is done); wb:async-timer beside them keeps deadlines. 0: none; the host lends its own with
 *  wb_engine_work. Their signals are blocked, their stacks 1 MB. By name "auto" stands for WB_ASYNC_THREADS_AUTOMATIC,
 *  the default. More than there are contexts wait for one. Range [0, 1024]. @since 0.2, stable */
WB_API int32_t wb_engine_options_set_async_threads(wb_engine_options *options, int32_t threads, wb_error *err);

/** Sets an option by name, as a configuration file has it: what a service need not be built again for. The typed
 *  setters above do the same, with the same checks; wb_engine_options_set_log has no text form. Without a setter:
 *  "join" (0 or 1, the default): whether single rows that wait for one model are run together where its layers gain by
 *  that; scores are the same bits, and a call's deadline is kept by what such runs took, not by stopping one.
 *  "join_wait_us" (0 to 10000, default 0): how long who runs some of them waits for more.
 *  "importer" (isolated, process, in_process, none): where TorchScript is imported, for wb_bundle_pack,
 *  wb_bundle_compile and loads of bundles without model.plan. isolated, the default: in a process of the program
 *  weighbridge-importer, behind a sandbox (seccomp, limits); a system that forbids a part of it is told by
 *  WB_BACKEND_UNAVAILABLE. process: the same with what of the sandbox the system allows. in_process: by LibTorch in this
 *  process, only for bundles that are trusted. none: nowhere; no process is ever started.
 *  "importer_program": its absolute path; default LIBDIR/weighbridge/weighbridge-importer, beside the library.
 *  "importer_seconds" (1 to 86400, default 60), "importer_memory_mb" (default 0: 2048, or eight times the module where
 *  that is more): what it may take; a process runs four at once, and a load that needs another waits until its deadline.
 *  The engine torchscript of a load (wb_load_options_set_engines) is another matter: it runs modules in this process.
 *  @param name  one that wb_engine_options_describe lists
 *  @param text  its value in the form that is listed with it
 *  @return WB_OK; WB_NOT_FOUND (no such option; the message has the nearest); WB_INVALID_ARGUMENT (names the option,
 *          what was expected and what was given); WB_INVALID_HANDLE. @since 0.2, stable */
WB_API int32_t wb_engine_options_set(wb_engine_options *options, const char *name, const char *text, wb_error *err);

/** An option that is set by name. Layout frozen; grows at the end. @since 0.2, stable */
typedef struct wb_option_info {
    uint32_t struct_size; /**< sizeof(wb_option_info) */
    uint32_t reserved;    /**< zero */
    char name[64];        /**< such as "queue_limit" */
    char form[128];       /**< what its text is, such as "a whole number in [0, 1000000]" */
    char initial[64];     /**< the text that sets its default */
    char help[256];       /**< one line: what it does */
} wb_option_info;

/** The size of wb_option_info in its first version, the least that is taken. @since 0.2, stable */
#define WB_OPTION_INFO_SIZE_V1 520

/** An empty wb_option_info with its size set. @since 0.2, stable */
#define WB_OPTION_INFO_INIT                                   \
    {                                                         \
        sizeof(wb_option_info), 0, { 0 }, { 0 }, { 0 }, { 0 } \
    }

/** Lists the options of an engine.
 *  @param out    struct_size set
 *  @param index  from 0
 *  @return WB_OK; WB_NOT_FOUND (the index is behind the last option); WB_INVALID_ARGUMENT. Thread-safe.
 *  @since 0.2, stable */
WB_API int32_t wb_engine_options_describe(wb_option_info *out, uint32_t index, wb_error *err);

/** Creates an engine. No thread is started, no model is loaded.
 *  @param options  read during the call; NULL for defaults
 *  @return WB_OK; WB_INVALID_ARGUMENT; WB_INVALID_HANDLE; WB_OUT_OF_MEMORY. Thread-safe. @since 0.1, stable */
WB_API int32_t wb_engine_create(wb_engine **out, wb_engine_options *options, wb_error *err);

/** Refuses new requests with WB_CLOSED, completes with it what was submitted and waits, then waits until the deadline for
 *  requests in progress and for the end of the engine's threads, lets go of every slot's models, and tells the log
 *  callback that it is not called any more (WB_LOG_CLOSED), waiting for a call of it that another thread is in.
 *  @return WB_OK; WB_DEADLINE_EXCEEDED (still closing; may be called again); WB_INVALID_HANDLE
 *  Thread-safe; not from a callback. @since 0.1, stable */
WB_API int32_t wb_engine_close(wb_engine *engine, int64_t deadline_ns, wb_error *err);

/** The option default_deadline_us as the engine was created with it; 0 for none.
 *  @return WB_OK; WB_INVALID_ARGUMENT; WB_INVALID_HANDLE. Thread-safe. @since 0.2, stable */
WB_API int32_t wb_engine_default_deadline_us(int64_t *out, wb_engine *engine, wb_error *err);

/** Ends the caller's use: the handle is invalid from now on. Never blocks, never calls a callback. Models, slots and
 *  queues stay valid handles that answer WB_CLOSED, queues once they are drained; any order of freeing is safe. Memory
 *  of models that wb_engine_close has not freed goes with the last handle of the engine, its models, slots and queues.
 *  NULL does nothing. Thread-safe. @since 0.1, stable */
WB_API void wb_engine_free(wb_engine *engine);

/** Frees the memory of models that were freed or swapped out, and memory of contexts that a load has replaced, and
 *  calls the log callback for what waits. Optional: every load, swap and rollback does the same, and so does a thread of
 *  the option async_threads that is out of work.
 *  @return WB_OK; WB_INVALID_HANDLE. Thread-safe; may take milliseconds, so not on a scoring thread.
 *  @since 0.1, stable */
WB_API int32_t wb_engine_maintain(wb_engine *engine, wb_error *err);

/** Takes the oldest events that were not taken yet: what a logger's thread calls every second or so. Events are kept in
 *  a ring of the option event_capacity, which scoring threads too write to, without waiting; where it is full, the
 *  newest take the place of the oldest. Each event goes to one caller; the log callback gets it besides. A forked
 *  child's ring begins empty, and its events are its own.
 *  @param out       caller's array; may be NULL with capacity 0. Nothing in it needs setting
 *  @param stride    sizeof(wb_event), which becomes each element's struct_size
 *  @param capacity  elements that it has room for
 *  @param count     receives how many were written; as many as the capacity: more may be there
 *  @param dropped   receives how many events nobody took in time, since this was last asked; NULL: not asked
 *  @return WB_OK; WB_INVALID_ARGUMENT; WB_INVALID_HANDLE. Thread-safe, never waits for a request, a load or a callback;
 *          allocates nothing. @since 0.2, stable */
WB_API int32_t wb_engine_events(wb_event *out, size_t stride, size_t capacity, size_t *count, uint64_t *dropped,
                                wb_engine *engine, wb_error *err);

/** @name Kinds of handles
 *  Indices of wb_snapshot.handles. @since 0.2, stable
 *  @{ */
#define WB_HANDLE_ENGINE 1         /**< wb_engine */
#define WB_HANDLE_ENGINE_OPTIONS 2 /**< wb_engine_options */
#define WB_HANDLE_LOAD_OPTIONS 3   /**< wb_load_options */
#define WB_HANDLE_MODEL 4          /**< wb_model */
#define WB_HANDLE_SLOT 5           /**< wb_slot */
#define WB_HANDLE_SCHEMA 6         /**< wb_schema */
#define WB_HANDLE_BATCH 7          /**< wb_batch */
#define WB_HANDLE_CALL 8           /**< wb_call */
#define WB_HANDLE_CANCEL 9         /**< wb_cancel */
#define WB_HANDLE_TEXT 10          /**< wb_text */
#define WB_HANDLE_SOURCE 11        /**< wb_source */
#define WB_HANDLE_QUEUE 12         /**< wb_queue */
/** @} */

/** Counters since the engine was created. Latencies are of single rows and of batches as whole calls, from entry to
 *  return, from histograms of at most 3 % relative error. Layout grows at the end. @since 0.1, stable */
typedef struct wb_snapshot {
    uint32_t struct_size;    /**< sizeof(wb_snapshot) */
    uint32_t contexts;       /**< contexts of the pool */
    uint32_t waiting;        /**< requests waiting now, submits included */
    uint32_t models;         /**< models loaded now */
    uint64_t requests;       /**< calls that were answered, failed, or were cancelled */
    uint64_t rows;           /**< rows scored by a model */
    uint64_t fallbacks;      /**< rows answered by a fallback */
    uint64_t overloaded;     /**< calls shed, and submits that a full completion queue refused */
    uint64_t expired;        /**< calls that met their deadline without a model's answer */
    uint64_t invalid;        /**< rows refused with WB_INVALID_INPUT */
    uint64_t failed;         /**< calls that failed otherwise; not those that their caller cancelled */
    uint64_t swaps;          /**< swaps and rollbacks of slots */
    int64_t latency_p50_ns;  /**< median */
    int64_t latency_p90_ns;  /**< 90th percentile */
    int64_t latency_p99_ns;  /**< 99th percentile */
    int64_t latency_p999_ns; /**< 99.9th percentile */
    int64_t latency_max_ns;  /**< longest */
    uint32_t handles[32];    /**< live handles of this process, by WB_HANDLE_*: what a binding's leak test compares.
                              *   @since 0.2 */
} wb_snapshot;

/** The size of wb_snapshot in its first version, the least that is taken. @since 0.2, stable */
#define WB_SNAPSHOT_SIZE_V1 120

/** An empty wb_snapshot with its size set. @since 0.2, stable */
#define WB_SNAPSHOT_INIT                                                           \
    {                                                                              \
        sizeof(wb_snapshot), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, { 0 } \
    }

/** Reads the counters. @param out struct_size set. @return WB_OK; WB_INVALID_ARGUMENT; WB_INVALID_HANDLE. Thread-safe,
 *  never waits for a request. @since 0.1, stable */
WB_API int32_t wb_engine_snapshot(wb_snapshot *out, wb_engine *engine, wb_error *err);

/** The same as Prometheus text (exposition format 0.0.4), names weighbridge_*; and of each slot:
 *  - weighbridge_slot_*, labelled {slot="..."}: all that it has done, whatever it served; never goes back.
 *  - weighbridge_slot_version_*, labelled {slot="...",version="...",bundle="..."}: the bundles of its two models, each in
 *    16 hexadecimal digits of wb_result.bundle: two bundles of one version are two series. A series ends where its bundle
 *    is neither any more, and begins at 0 should that be loaded again.
 *  - weighbridge_slot_info, labelled alike: 1 for what it serves now.
 *  A call to a slot is in weighbridge_* too.
 *  @param out  receives the text; NULL on error
 *  @return WB_OK; WB_INVALID_ARGUMENT; WB_INVALID_HANDLE; WB_OUT_OF_MEMORY. Thread-safe.
 *  @since 0.2 in this form, stable */
WB_API int32_t wb_engine_metrics(wb_text **out, wb_engine *engine, wb_error *err);

#ifdef __cplusplus
}
#endif
#endif
