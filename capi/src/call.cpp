// SPDX-License-Identifier: Apache-2.0
#include "objects.hpp"
#include "weighbridge.h"

using namespace weighbridge;
using capi::Kind;
using lib::Status;

namespace weighbridge::capi {

CallUse::CallUse(wb_call *handle, int64_t deadline_ns) {
    if (handle) {
        token_ = reinterpret_cast<uintptr_t>(handle);
        object_ = static_cast<CallObject *>(pin_handle(Kind::call, token_));
        if (!object_) {
            status_ = Status::failure(
                WB_INVALID_HANDLE, "call: expected a live handle, got one that was freed, forged or of another kind");
            return;
        }
        if (object_->busy.exchange(true, std::memory_order_acquire)) {
            unpin_handle(token_);
            object_ = nullptr;
            status_ = Status::failure(WB_BUSY, "call: it is in use by another thread");
            return;
        }
        options_ = object_->options;
        options_.cancel = object_->cancel ? &object_->cancel->token : nullptr;
        outputs_ = object_->outputs;
    }
    options_.deadline_ns = deadline_ns;
}

CallUse::~CallUse() {
    if (!object_) return;
    object_->busy.store(false, std::memory_order_release);
    unpin_handle(token_);
}

lib::Ref<lib::RefCounted> CallUse::cancel_owner() const {
    return object_ ? lib::Ref<lib::RefCounted>(object_->cancel.get()) : lib::Ref<lib::RefCounted>();
}

namespace {

// A setter: for a call that no other thread uses.
template <class Body>
int32_t with_call(wb_call *call, wb_error *err, Body &&body) {
    return barrier(err, [&] {
        Pinned<CallObject> object(Kind::call, call);
        if (!object) return object.status();
        if (object->busy.exchange(true, std::memory_order_acquire))
            return Status::failure(WB_BUSY, "call: it is in use by another thread");
        Status status = body(*object);
        object->busy.store(false, std::memory_order_release);
        return status;
    });
}

constexpr uint32_t kMostOutputs = 1024;

}  // namespace
}  // namespace weighbridge::capi

extern "C" {

int32_t wb_cancel_create(wb_cancel **out, wb_error *err) {
    return capi::barrier(out, err, [&] { return capi::give(out, Kind::cancel, new capi::CancelObject); });
}

int32_t wb_cancel_set(wb_cancel *cancel, int32_t set, wb_error *err) {
    return capi::barrier(err, [&] {
        capi::Pinned<capi::CancelObject> object(Kind::cancel, cancel);
        if (!object) return object.status();
        object->token.set(set != 0);
        return Status();
    });
}

void wb_cancel_free(wb_cancel *cancel) { capi::free_of(Kind::cancel, cancel); }

int32_t wb_call_create(wb_call **out, wb_error *err) {
    return capi::barrier(out, err, [&] { return capi::give(out, Kind::call, new capi::CallObject); });
}

void wb_call_free(wb_call *call) { capi::free_of(Kind::call, call); }

int32_t wb_call_set_priority(wb_call *call, int32_t priority, wb_error *err) {
    return capi::with_call(call, err, [&](capi::CallObject &object) {
        if (priority != WB_PRIORITY_NORMAL && priority != WB_PRIORITY_HIGH)
            return Status::failure(WB_INVALID_ARGUMENT, "priority: expected 0 (normal) or 1 (high), got {}", priority);
        object.options.priority = static_cast<lib::Priority>(priority);
        return Status();
    });
}

int32_t wb_call_set_cancel(wb_call *call, wb_cancel *cancel, wb_error *err) {
    return capi::with_call(call, err, [&](capi::CallObject &object) {
        if (!cancel) {
            object.cancel = {};
            return Status();
        }
        capi::Pinned<capi::CancelObject> token(Kind::cancel, cancel);
        if (!token) return token.status();
        object.cancel = lib::Ref<capi::CancelObject>(&*token);
        return Status();
    });
}

int32_t wb_call_set_fallback(wb_call *call, int32_t accept, wb_error *err) {
    return capi::with_call(call, err, [&](capi::CallObject &object) {
        object.options.accept_fallback = accept != 0;
        return Status();
    });
}

int32_t wb_call_set_wait(wb_call *call, int32_t wait, wb_error *err) {
    return capi::with_call(call, err, [&](capi::CallObject &object) {
        if (wait != 0 && wait != 1) return Status::failure(WB_INVALID_ARGUMENT, "wait: expected 0 or 1, got {}", wait);
        object.options.patience = wait ? lib::Patience::queue : lib::Patience::none;
        return Status();
    });
}

int32_t wb_call_set_output(wb_call *call, uint32_t index, float *buffer, size_t capacity, wb_error *err) {
    return capi::with_call(call, err, [&](capi::CallObject &object) {
        if (index >= capi::kMostOutputs)
            return Status::failure(WB_INVALID_ARGUMENT, "output: expected an index below {}, got {}",
                                   capi::kMostOutputs, index);
        if (index >= object.outputs.size()) object.outputs.resize(index + 1);
        object.outputs[index] = {buffer, capacity};
        return Status();
    });
}

}  // extern "C"
