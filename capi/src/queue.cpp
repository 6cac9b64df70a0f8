// SPDX-License-Identifier: Apache-2.0
#include "objects.hpp"
#include "weighbridge.h"

using namespace weighbridge;
using capi::Kind;
using lib::Status;

namespace {

template <class Body>
int32_t with_queue(wb_queue *queue, wb_error *err, Body &&body) {
    return capi::barrier(err, [&] {
        capi::Pinned<capi::QueueObject> object(Kind::queue, queue);
        return object ? body(*object) : object.status();
    });
}

// Writes one element of the caller's array, of `size` bytes: what both versions know, then zeros. Embedded structs have
// struct sizes of their own.
void write(std::byte *at, uint32_t size, const lib::Submission &one) {
    wb_completion made{};
    made.status = one.outcome.code;
    made.tag = one.tag;
    made.error = WB_ERROR_INIT;
    made.result = one.result;
    made.result.struct_size = size - static_cast<uint32_t>(offsetof(wb_completion, result));
    capi::report(one.outcome, &made.error);
    reinterpret_cast<wb_completion *>(at)->struct_size = size;
    capi::write_struct(reinterpret_cast<wb_completion *>(at), made);
    if (one.batch_out && one.batch_result && capi::is_struct_size(one.batch_out->struct_size, WB_BATCH_RESULT_SIZE_V1))
        capi::write_struct(one.batch_out, *one.batch_result);
}

Status check_array(const wb_completion *out, size_t stride, size_t capacity, const size_t *count) {
    if (!out) return capi::null_argument("out");
    if (!count) return capi::null_argument("count");
    if (capacity == 0) return Status::failure(WB_INVALID_ARGUMENT, "capacity: expected at least 1, got 0");
    return capi::check_array(out, stride, capacity, WB_COMPLETION_SIZE_V1);
}

}  // namespace

extern "C" {

int32_t wb_queue_create(wb_queue **out, wb_engine *engine, uint32_t capacity, wb_error *err) {
    return capi::barrier(out, err, [&] {
        capi::Pinned<capi::EngineObject> object(Kind::engine, engine);
        if (!object) return object.status();
        auto queue = object->engine->make_queue(capacity);
        if (!queue) return queue.status();
        return capi::give(out, Kind::queue, new capi::QueueObject(object->engine, *std::move(queue)));
    });
}

void wb_queue_free(wb_queue *queue) {
    if (!queue) return;
    with_queue(queue, nullptr, [](capi::QueueObject &of) {
        of.queue->shut();  // wakes threads that sleep in wb_queue_next
        return Status();
    });
    capi::free_of(Kind::queue, queue);
}

int32_t wb_queue_close(wb_queue *queue, int64_t deadline_ns, wb_error *err) {
    return with_queue(queue, err, [&](capi::QueueObject &of) { return of.queue->close(of.engine->due(deadline_ns)); });
}

int32_t wb_queue_next(wb_completion *out, size_t stride, size_t capacity, size_t *count, wb_queue *queue,
                      int64_t deadline_ns, wb_error *err) {
    return with_queue(queue, err, [&](capi::QueueObject &of) {
        if (Status status = check_array(out, stride, capacity, count); !status.ok()) return status;
        *count = 0;
        const auto done = of.queue->next(capacity, of.engine->due(deadline_ns));
        if (!done) return done.status();
        auto *at = reinterpret_cast<std::byte *>(out);
        for (const lib::Submission *one = done->first(); one; one = one->next, at += stride)
            write(at, static_cast<uint32_t>(stride), *one);
        *count = done->size();
        return Status();
    });
}

int32_t wb_queue_cancel(wb_queue *queue, uint64_t tag, wb_error *err) {
    return with_queue(queue, err, [&](capi::QueueObject &of) { return of.queue->cancel(tag); });
}

int32_t wb_queue_fd(int32_t *out, wb_queue *queue, wb_error *err) {
    return with_queue(queue, err, [&](capi::QueueObject &of) {
        if (!out) return capi::null_argument("out");
        auto descriptor = of.engine->descriptor(*of.queue);
        if (descriptor) *out = *descriptor;
        return descriptor.status();
    });
}

}  // extern "C"
