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
    auto model = of.engine->load(where, use.options(), of.slot->name());
    if (!model) return model.status();
    return of.engine->swap(*of.slot, *std::move(model));
}

wb_slot_info info_of(lib::Slot &slot) {
    const auto reading = slot.ledger().read();
    wb_slot_info info{};
    info.generation = reading->generation;
    info.since_ns = reading->since_ns;
    info.bundle = reading->bundle;
    info.previous_bundle = reading->previous_bundle;
    lib::write_figures(info, reading->current);
    capi::copy_text(info.name, reading->slot);
    capi::copy_text(info.version, reading->version);
    capi::copy_text(info.previous_version, reading->previous_version);
    return info;
}

}  // namespace

extern "C" {

int32_t wb_slot_open(wb_slot **out, wb_engine *engine, const char *name, int32_t create, wb_error *err) {
    return capi::barrier(out, err, [&] {
        if (!name) return capi::null_argument("name");
        if (create != WB_SLOT_EXISTING && create != WB_SLOT_CREATE)
            return Status::failure(WB_INVALID_ARGUMENT, "create: expected WB_SLOT_EXISTING or WB_SLOT_CREATE, got {}",
                                   create);
        capi::Pinned<capi::EngineObject> object(Kind::engine, engine);
        if (!object) return object.status();
        lib::Engine &of = *object->engine;
        auto slot = create == WB_SLOT_CREATE ? of.slot(name) : of.existing_slot(name);
        if (!slot) return slot.status();
        return capi::give(out, Kind::slot, new capi::SlotObject(object->engine, *std::move(slot)));
    });
}

void wb_slot_free(wb_slot *slot) { capi::free_of(Kind::slot, slot); }

int32_t wb_slot_describe(wb_slot_info *out, wb_slot *slot, wb_error *err) {
    return with_slot(slot, err, [&](capi::SlotObject &of) {
        if (Status status = capi::check_struct(out, WB_SLOT_INFO_SIZE_V1); !status.ok()) return status;
        capi::write_struct(out, info_of(*of.slot));
        return Status();
    });
}

int32_t wb_engine_slots(wb_slot_info *out, size_t stride, size_t capacity, size_t *count, wb_engine *engine,
                        wb_error *err) {
    return capi::barrier(err, [&] {
        if (!count) return capi::null_argument("count");
        *count = 0;
        if (Status status = capi::check_array(out, stride, capacity, WB_SLOT_INFO_SIZE_V1); !status.ok()) return status;
        capi::Pinned<capi::EngineObject> object(Kind::engine, engine);
        if (!object) return object.status();
        const auto slots = object->engine->slots();
        *count = slots.size();
        if (capacity < slots.size())
            return Status::failure(WB_BUFFER_TOO_SMALL, "capacity: expected at least {} slots, got {}", slots.size(),
                                   capacity);
        for (size_t i = 0; i < slots.size(); ++i) capi::write_element(out, stride, i, info_of(*slots[i]));
        return Status();
    });
}

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

int32_t wb_slot_forget_previous(wb_slot *slot, wb_error *err) {
    return with_slot(slot, err, [](capi::SlotObject &of) { return of.engine->forget_previous(*of.slot); });
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

int32_t wb_slot_submit(wb_queue *queue, uint64_t tag, wb_slot *slot, void *row, int64_t deadline_ns, wb_call *call,
                       wb_error *err) {
    return with_slot(slot, err, [&](capi::SlotObject &of) {
        auto target = of.engine->target(*of.slot);
        if (!target) return target.status();
        return capi::submit_row(queue, tag, *of.engine, *target, row, deadline_ns, call);
    });
}

int32_t wb_slot_submit_batch(wb_batch_result *out, wb_queue *queue, uint64_t tag, wb_slot *slot, wb_batch *batch,
                             int64_t deadline_ns, wb_call *call, wb_error *err) {
    return with_slot(slot, err, [&](capi::SlotObject &of) {
        auto target = of.engine->target(*of.slot);
        if (!target) return target.status();
        return capi::submit_batch(out, queue, tag, *of.engine, *target, batch, deadline_ns, call);
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
