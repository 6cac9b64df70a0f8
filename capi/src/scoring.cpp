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
    Status status = engine.score(target, row, use.service(), use.outputs(), made);
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
    return engine.submit(*object->queue, tag, {target, row, use.service(), use.cancel_owner(), use.outputs()});
}

Status submit_batch(wb_batch_result *out, wb_queue *queue, uint64_t tag, lib::Engine &engine, const lib::Target &target,
                    wb_batch *batch, int64_t deadline_ns, wb_call *call) {
    if (out)
        if (Status status = check_struct(out, WB_BATCH_RESULT_SIZE_V1); !status.ok()) return status;
    Pinned<QueueObject> object(Kind::queue, queue);
    if (!object) return object.status();
    Pinned<lib::Batch> described(Kind::batch, batch);
    if (!described) return described.status();
    lib::Batch::Use mine(*described);
    if (!mine.status().ok()) return mine.status();
    CallUse use(call, engine.due(deadline_ns));
    if (!use.status().ok()) return use.status();
    return engine.submit(*object->queue, tag,
                         {target, nullptr, use.service(), use.cancel_owner(), {}, &*described, out});
}

Status score_batch(lib::Engine &engine, const lib::Target &target, wb_batch_result *out, wb_batch *batch,
                   int64_t deadline_ns, wb_call *call) {
    if (out)
        if (Status status = check_struct(out, WB_BATCH_RESULT_SIZE_V1); !status.ok()) return status;
    Pinned<lib::Batch> object(Kind::batch, batch);
    if (!object) return object.status();
    lib::Batch::Use mine(*object);
    if (!mine.status().ok()) return mine.status();
    CallUse use(call, engine.due(deadline_ns));
    if (!use.status().ok()) return use.status();
    Status first;
    std::optional<wb_batch_result> made;
    Status status = engine.score_batch(target, *object, use.service(), first, made);
    if (out && made)
        if (Status filled = fill_struct(out, *made, WB_BATCH_RESULT_SIZE_V1); !filled.ok()) return filled;
    return with_first(status, first);
}

Status with_first(const Status &status, const Status &first) {
    if (status.code != WB_OK_PARTIAL) return status;
    Status told = first;
    told.code = WB_OK_PARTIAL;
    return told;
}

}  // namespace weighbridge::capi
