/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  Asynchronous calls: a submit returns at once, and its completion is drained from a completion queue. No callback. A
 *  call that finds a free context is answered sooner where it began: try wb_model_score with wb_call_set_wait(call, 0)
 *  first, and submit on WB_WOULD_WAIT.
 *
 *  Who runs submits is the engine's option async_threads (engine.h): threads of its own, wb:async-N, or those that the
 *  host lends with wb_engine_work. Over all queues of an engine they run in the order of their priority, and in the
 *  order of submitting within one.
 *
 *  A process that forks leaves its queues to the parent: in the child they answer WB_FORKED, freeing them lets go of
 *  nothing that the parent has, and a new queue works, with threads of the child's own. */
#ifndef WEIGHBRIDGE_C_QUEUE_H
#define WEIGHBRIDGE_C_QUEUE_H

#include "slot.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A completion queue. Every function on it is thread-safe. @since 0.2, stable */
typedef struct wb_queue wb_queue;

/** The most that a queue may hold. @since 0.2, stable */
#define WB_QUEUE_CAPACITY_LIMIT 65536

/** What became of one submit. No pointers. `result` stays the last member, so that the struct grows where that does.
 *  @since 0.2, stable */
typedef struct wb_completion {
    uint32_t struct_size; /**< as written by wb_queue_next: its stride */
    int32_t status;       /**< what the call that waits would have returned: WB_OK, WB_OK_FALLBACK, or an error */
    uint64_t tag;         /**< the submit's */
    wb_error error;       /**< of a failure, and of the first row of WB_OK_PARTIAL; otherwise code 0, no message */
    wb_result result;     /**< of a row's WB_OK and WB_OK_FALLBACK; empty otherwise. queue_ns counts from the submit */
} wb_completion;

/** The size of wb_completion in its first version, the least that is taken as stride. @since 0.2, stable */
#define WB_COMPLETION_SIZE_V1 408

/** Creates a queue for submits to the engine's models and slots. No thread is started.
 *  @param out       receives the queue; NULL on error
 *  @param capacity  in [1, WB_QUEUE_CAPACITY_LIMIT]: the most that may be under way or undelivered at a time; about
 *                   1 KB each, and the copies of their rows
 *  @return WB_OK; WB_INVALID_ARGUMENT; WB_INVALID_HANDLE; WB_CLOSED (the engine); WB_FORKED (as wb_model_score);
 *          WB_OUT_OF_MEMORY
 *  Thread-safe. @since 0.2, stable */
WB_API int32_t wb_queue_create(wb_queue **out, wb_engine *engine, uint32_t capacity, wb_error *err);

/** Closes the queue without waiting, and ends the caller's use of it; its descriptor (wb_queue_fd) is closed as soon as
 *  nothing runs for it. Completions that were not drained are dropped; buffers that submits named are written no more
 *  once what ran has ended: where they are to be freed too, wb_queue_close comes first. NULL does nothing; never blocks.
 *  Thread-safe. @since 0.2, stable */
WB_API void wb_queue_free(wb_queue *queue);

/** Refuses submits from now on, completes what waits with WB_CLOSED, and waits until what runs is complete too.
 *  Completions stay to be drained by wb_queue_next, which then answers WB_CLOSED. To have everything answered, drain
 *  first.
 *  @param deadline_ns  until when to wait; absolute, the past does not wait
 *  @return WB_OK; WB_DEADLINE_EXCEEDED (something runs still; may be called again); WB_FORKED; WB_INVALID_HANDLE
 *  Thread-safe. @since 0.2, stable */
WB_API int32_t wb_queue_close(wb_queue *queue, int64_t deadline_ns, wb_error *err);

/** Submits one payment: what wb_model_score would do, without waiting for it. The row is copied, and the caller's again
 *  on return. Once accepted (WB_OK) it completes exactly once, by its deadline: where that passes before its turn, with
 *  what wb_model_score returns then, WB_OK_FALLBACK for WB_REASON_DEADLINE, or WB_DEADLINE_EXCEEDED where fallbacks are
 *  declined; no reserve is kept for a fallback slot while it waits, so that the fixed score answers. What only running it tells (WB_INVALID_INPUT, WB_BACKEND_FAILED) is in its completion.
 *  @param queue        of the model's engine; where the completion goes
 *  @param tag          comes back in the completion; any number, also one that is under way
 *  @param row          a row of the model's schema; busy during the call
 *  @param deadline_ns  absolute; WB_NO_DEADLINE for none; the past counts as expired; WB_DEFAULT_DEADLINE for the
 *                      engine's own
 *  @param call         priority, fallback, cancel token, output buffers; NULL for defaults. Copied, wb_call_set_wait
 *                      apart, which does not matter here. The buffers stay the library's until the completion
 *  @return WB_OK; WB_OVERLOADED (the queue is full: drain it, or shed); WB_BUSY (row or call in use by another thread);
 *          WB_SCHEMA_MISMATCH (a row of another schema); WB_INVALID_ARGUMENT; WB_BUFFER_TOO_SMALL; WB_INVALID_HANDLE;
 *          WB_CLOSED (engine or queue); WB_FORKED (engine or queue); WB_OUT_OF_MEMORY (also where no thread can be
 *          started). Where it is not WB_OK there will be no completion.
 *  Thread-safe. Not callable from inside this library's callbacks. @since 0.2, stable */
WB_API int32_t wb_model_submit(wb_queue *queue, uint64_t tag, wb_model *model, void *row, int64_t deadline_ns,
                               wb_call *call, wb_error *err);

/** Submits one payment to the model that the slot serves now; a swap does not change what was submitted before it. As
 *  wb_model_submit; WB_NOT_LOADED for an empty slot. Thread-safe. @since 0.2, stable */
WB_API int32_t wb_slot_submit(wb_queue *queue, uint64_t tag, wb_slot *slot, void *row, int64_t deadline_ns,
                              wb_call *call, wb_error *err);

/** Submits the window of a batch: what wb_model_score_batch would do, without waiting for it. The description is copied,
 *  window included, and the batch is the caller's again on return, to submit its next window from. What it describes,
 *  values and places of results, stays as it is until the completion. Where the submit is cancelled or closed before it
 *  runs, results are not written. A window of some thousand rows lets other submits in between.
 *  @param out  with struct_size set; written by the wb_queue_next that gives the completion, and not where it did not
 *              run; must stay until then. May be NULL
 *  @return as wb_model_submit. Rows that are strided are busy during the call, and again while the submit runs; the
 *          completion's status is WB_BUSY where another call has one then
 *  Thread-safe, one thread at a time per batch. @since 0.2, stable */
WB_API int32_t wb_model_submit_batch(wb_batch_result *out, wb_queue *queue, uint64_t tag, wb_model *model,
                                     wb_batch *batch, int64_t deadline_ns, wb_call *call, wb_error *err);

/** Submits the window of a batch to the model that the slot serves now; as wb_model_submit_batch. Thread-safe.
 *  @since 0.2, stable */
WB_API int32_t wb_slot_submit_batch(wb_batch_result *out, wb_queue *queue, uint64_t tag, wb_slot *slot,
                                    wb_batch *batch, int64_t deadline_ns, wb_call *call, wb_error *err);

/** Drains completions, in the order in which they came; waits for the first where there is none.
 *  @param out          `capacity` structs, the next one `stride` bytes behind each; struct_size need not be set
 *  @param stride       sizeof(wb_completion), as the caller knows it
 *  @param capacity     at least 1
 *  @param count        receives how many were written; 0 where the deadline passed without one
 *  @param deadline_ns  until when to wait for the first; absolute, the past does not wait
 *  @return WB_OK; WB_CLOSED (closed, and nothing is left: the end of a drainer's loop); WB_FORKED; WB_INVALID_ARGUMENT;
 *          WB_INVALID_HANDLE
 *  Thread-safe: each completion goes to one caller. @since 0.2, stable */
WB_API int32_t wb_queue_next(wb_completion *out, size_t stride, size_t capacity, size_t *count, wb_queue *queue,
                             int64_t deadline_ns, wb_error *err);

/** Ends what is under way with this tag, all of it where there are several: what waits completes with WB_CANCELLED at
 *  once, what runs soon after, or with its answer where that comes first.
 *  @return WB_OK; WB_NOT_FOUND (nothing with this tag is under way: complete, or never submitted); WB_FORKED;
 *          WB_INVALID_HANDLE
 *  Thread-safe; looks through the whole queue. @since 0.2, stable */
WB_API int32_t wb_queue_cancel(wb_queue *queue, uint64_t tag, wb_error *err);

/** A descriptor for event loops (poll, epoll, io_uring, asyncio, libuv): readable exactly while completions wait for
 *  wb_queue_next. An eventfd, non-blocking, close-on-exec, made at the first call; the queue's own: not to be read,
 *  written or closed. Where the engine has no threads of its own, it starts one, wb:async-timer, for deadlines.
 *  @param out  receives the descriptor
 *  @return WB_OK; WB_INVALID_ARGUMENT; WB_IO_ERROR (the system gives none); WB_OUT_OF_MEMORY (no thread); WB_CLOSED;
 *          WB_FORKED; WB_INVALID_HANDLE
 *  Thread-safe. @since 0.2, stable */
WB_API int32_t wb_queue_fd(int32_t *out, wb_queue *queue, wb_error *err);

/** Lends the calling thread: runs what waits, of every queue, one after another, until nothing does, or until the
 *  deadline has passed before the next begins (one that runs has a deadline of its own). It does not wait for more: who
 *  submits to an engine with async_threads 0 has its executor make this call once for each submit, or now and then.
 *  @param out          receives how many it ran; NULL where that is not wanted
 *  @param deadline_ns  absolute; WB_NO_DEADLINE for none
 *  @return WB_OK; WB_CLOSED; WB_FORKED (as wb_model_score); WB_INVALID_HANDLE
 *  Thread-safe. Not callable from inside this library's callbacks. @since 0.2, stable */
WB_API int32_t wb_engine_work(uint64_t *out, wb_engine *engine, int64_t deadline_ns, wb_error *err);

#ifdef __cplusplus
}
#endif
#endif
