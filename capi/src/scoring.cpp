// SPDX-License-Identifier: Apache-2.0
#include <optional>

#include "objects.hpp"
#include "weighbridge.h"

namespace weighbridge::capi {

using lib::Status;

Status score_row(lib::Engine &engine, const lib::Target &target, wb_result *out, void *row, int64_t deadline_ns,
                 wb_call *call) {
    if (Status status = check_struct(out, WB_RESULT_SIZE_V1); !status.ok()) return status;
    if (!row) return null_argument("row");
    CallUse use(call, engine.due(deadline_ns));
    if (!use.status().ok()) return use.status();
    wb_result made{};
    Status status = engine.score(target, row, use.options(), use.outputs(), made);
    if (status.ok()) write_struct(out, made);
    return status;
}

Status submit_row(wb_queue *queue, uint64_t tag, lib::Engine &engine, const lib::Target &target, void *row,
                  int64_t deadline_ns, wb_call *call) {
    Pinned<QueueObject> object(Kind::queue, queue);
    if (!object) return object.status();
    if (!row) return null_argument("row");
    CallUse use(call, engine.due(deadline_ns));
    if (!use.status().ok()) return use.status();
    return engine.submit(*object->queue, tag, {target, row, use.options(), use.cancel_owner(), use.outputs()});
}

namespace {

// Takes the batch for this thread, and calls body(batch, use of `call`).
template <class Body>
Status with_batch(wb_batch_result *out, wb_batch *batch, int64_t due_ns, wb_call *call, Body &&body) {
    if (Status status = check_optional(out, WB_BATCH_RESULT_SIZE_V1); !status.ok()) return status;
    Pinned<lib::Batch> object(Kind::batch, batch);
    if (!object) return object.status();
    lib::Batch::Use mine(*object);
    if (!mine.status().ok()) return mine.status();
    CallUse use(call, due_ns);
    return use.status().ok() ? body(*object, use) : use.status();
}

}  // namespace

Status submit_batch(wb_batch_result *out, wb_queue *queue, uint64_t tag, lib::Engine &engine, const lib::Target &target,
                    wb_batch *batch, int64_t deadline_ns, wb_call *call) {
    Pinned<QueueObject> object(Kind::queue, queue);
    if (!object) return object.status();
    return with_batch(out, batch, engine.due(deadline_ns), call, [&](lib::Batch &of, const CallUse &use) {
        return engine.submit(*object->queue, tag, {target, nullptr, use.options(), use.cancel_owner(), {}, &of, out});
    });
}

Status score_batch(lib::Engine &engine, const lib::Target &target, wb_batch_result *out, wb_batch *batch,
                   int64_t deadline_ns, wb_call *call) {
    return with_batch(out, batch, engine.due(deadline_ns), call, [&](lib::Batch &of, const CallUse &use) {
        std::optional<wb_batch_result> made;
        Status status = engine.score_batch(target, of, use.options(), made);
        if (out && made) write_struct(out, *made);
        return status;
    });
}

}  // namespace weighbridge::capi
