// SPDX-License-Identifier: Apache-2.0
#include "objects.hpp"
#include "weighbridge.h"

using namespace weighbridge;
using capi::Kind;
using lib::Status;

namespace {

template <class Body>
int32_t with_slot(wb_slot *slot, wb_error *err, Body &&body) {
    return capi::barrier(err, [&] {
        capi::Pinned<capi::SlotObject> object(Kind::slot, slot);
        return object ? body(*object) : object.status();
    });
}

// From a path or a source.
template <class Where>
Status load(capi::SlotObject &of, const Where &where, wb_load_options *options) {
    const capi::LoadUse use(options);
    if (!use.status().ok()) return use.status();
    auto model = of.engine->load(where, use.options());
    if (!model) return model.status();
    return of.engine->swap(*of.slot, *std::move(model));
}

}  // namespace

extern "C" {

int32_t wb_slot_open(wb_slot **out, wb_engine *engine, const char *name, wb_error *err) {
    return capi::barrier(err, [&] {
        if (!out) return capi::null_argument("out");
        *out = nullptr;
        if (!name) return capi::null_argument("name");
        capi::Pinned<capi::EngineObject> object(Kind::engine, engine);
        if (!object) return object.status();
        auto slot = object->engine->slot(name);
        if (!slot) return slot.status();
        return capi::give(out, Kind::slot, new capi::SlotObject(object->engine, *std::move(slot)));
    });
}

void wb_slot_free(wb_slot *slot) { capi::free_of(Kind::slot, slot); }

int32_t wb_slot_load(wb_slot *slot, const char *path, wb_load_options *options, wb_error *err) {
    return with_slot(slot, err, [&](capi::SlotObject &of) {
        return path ? load(of, std::string(path), options) : capi::null_argument("path");
    });
}

int32_t wb_slot_load_source(wb_slot *slot, wb_source *source, wb_load_options *options, wb_error *err) {
    return with_slot(slot, err, [&](capi::SlotObject &of) {
        auto read = capi::read_source(source);
        return read ? load(of, *read, options) : read.status();
    });
}

int32_t wb_slot_swap(wb_slot *slot, wb_model *model, wb_error *err) {
    return with_slot(slot, err, [&](capi::SlotObject &of) {
        capi::Pinned<capi::ModelObject> loaded(Kind::model, model);
        if (!loaded) return loaded.status();
        return of.engine->swap(*of.slot, loaded->model);
    });
}

int32_t wb_slot_rollback(wb_slot *slot, wb_error *err) {
    return with_slot(slot, err, [](capi::SlotObject &of) { return of.engine->rollback(*of.slot); });
}

int32_t wb_slot_model(wb_model **out, wb_slot *slot, wb_error *err) {
    if (out) *out = nullptr;
    return with_slot(slot, err, [&](capi::SlotObject &of) {
        if (!out) return capi::null_argument("out");
        auto target = of.engine->target(*of.slot);
        if (!target) return target.status();
        return capi::give(out, Kind::model, new capi::ModelObject(of.engine, target->model));
    });
}

int32_t wb_slot_score(wb_result *out, wb_slot *slot, void *row, int64_t deadline_ns, wb_call *call, wb_error *err) {
    return with_slot(slot, err, [&](capi::SlotObject &of) {
        auto target = of.engine->target(*of.slot);
        if (!target) return target.status();
        return capi::score_row(*of.engine, *target, out, row, deadline_ns, call);
    });
}

int32_t wb_slot_score_batch(wb_batch_result *out, wb_slot *slot, wb_batch *batch, int64_t deadline_ns, wb_call *call,
                            wb_error *err) {
    return with_slot(slot, err, [&](capi::SlotObject &of) {
        auto target = of.engine->target(*of.slot);
        if (!target) return target.status();
        return capi::score_batch(*of.engine, *target, out, batch, deadline_ns, call);
    });
}

}  // extern "C"
