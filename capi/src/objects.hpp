// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <vector>

#include "barrier.hpp"
#include "bundle/memory_source.hpp"
#include "engine/engine.hpp"
#include "handles.hpp"
#include "weighbridge/c/queue.h"

namespace weighbridge::capi {

// Objects behind handles, where a plain one of lib/ does not do.

struct EngineOptionsObject final : lib::RefCounted {
    lib::EngineOptions options;
};

// Shared by the handles of an engine and of its models and slots, which may outlive the engine's.
struct EngineObject final : lib::RefCounted {
    explicit EngineObject(lib::Ref<lib::Engine> of) : engine(std::move(of)) {}
    lib::Ref<lib::Engine> engine;
};

struct ModelObject final : lib::RefCounted {
    ModelObject(lib::Ref<lib::Engine> of, lib::Ref<lib::Model> loaded)
        : engine(std::move(of)), model(std::move(loaded)), target{model, {}} {}
    lib::Ref<lib::Engine> engine;  // outlives the model
    lib::Ref<lib::Model> model;
    const lib::Target target;  // made once, so that calls need not take references
};

struct SlotObject final : lib::RefCounted {
    SlotObject(lib::Ref<lib::Engine> of, lib::Ref<lib::Slot> opened) : engine(std::move(of)), slot(std::move(opened)) {}
    lib::Ref<lib::Engine> engine;
    lib::Ref<lib::Slot> slot;
};

struct QueueObject final : lib::RefCounted {
    QueueObject(lib::Ref<lib::Engine> of, lib::Ref<lib::Queue> made) : engine(std::move(of)), queue(std::move(made)) {}
    ~QueueObject() override { queue->shut(); }
    lib::Ref<lib::Engine> engine;
    lib::Ref<lib::Queue> queue;
};

struct SchemaObject final : lib::RefCounted {
    explicit SchemaObject(std::shared_ptr<const lib::Bundle> of) : bundle(std::move(of)) {}
    const std::shared_ptr<const lib::Bundle> bundle;
};

struct CancelObject final : lib::RefCounted {
    lib::CancelToken token;
};

struct LoadOptionsObject final : lib::RefCounted {
    lib::LoadOptions options;
    lib::Ref<CancelObject> cancel;
};

struct TextObject final : lib::RefCounted {
    explicit TextObject(std::string of) : text(std::move(of)) {}
    const std::string text;
};

struct SourceObject final : lib::RefCounted {
    lib::ForkMutex mutex;
    lib::FilesByName files WB_GUARDED_BY(mutex);
};

struct CallObject final : lib::RefCounted {
    std::atomic<bool> busy{false};
    lib::CallOptions options;
    lib::Ref<CancelObject> cancel;
    std::vector<lib::OutputBuffer> outputs;
};

// Registers a new object and gives its token to the caller.
template <class Handle>
lib::Status give(Handle **out, Kind kind, lib::RefCounted *object) {
    lib::Ref<lib::RefCounted> owner(object);
    uint64_t token = register_handle(kind, object);
    if (!token) return lib::Status::failure(WB_OUT_OF_MEMORY, "out of memory for a handle");
    *out = reinterpret_cast<Handle *>(static_cast<uintptr_t>(token));
    return lib::Status();
}

inline lib::Status give_text(wb_text **out, std::string text) {
    return give(out, Kind::text, new TextObject(std::move(text)));
}

template <class Handle>
void free_of(Kind kind, Handle *handle) noexcept {
    if (handle) free_handle(kind, reinterpret_cast<uintptr_t>(handle));
}

// Scoped use of a call object by one scoring call; defaults for NULL.
class CallUse {
  public:
    CallUse(wb_call *handle, int64_t deadline_ns);
    ~CallUse();
    CallUse(const CallUse &) = delete;
    CallUse &operator=(const CallUse &) = delete;
    const lib::Status &status() const { return status_; }
    const lib::CallOptions &options() const { return options_; }
    std::span<const lib::OutputBuffer> outputs() const { return outputs_; }
    // Shares ownership of the cancel token, for a submission that outlives this call.
    lib::Ref<lib::RefCounted> cancel_owner() const;

  private:
    CallObject *object_ = nullptr;
    uint64_t token_ = 0;
    lib::CallOptions options_;
    std::span<const lib::OutputBuffer> outputs_;
    lib::Status status_;
};

// wb_backend_name.
const char *backend_name(int32_t backend);

// Scoped use of load options by one load; defaults for NULL.
class LoadUse {
  public:
    explicit LoadUse(wb_load_options *handle);
    const lib::Status &status() const { return status_; }
    const lib::LoadOptions &options() const { return options_; }

  private:
    lib::LoadOptions options_;
    lib::Ref<CancelObject> cancel_;  // what options_ points to
    lib::Status status_;
};

// A snapshot of the source's files.
lib::Expected<lib::MemorySource> read_source(wb_source *source);

// wb_model_score and wb_slot_score, wb_model_score_batch and wb_slot_score_batch, once the target is known.
lib::Status score_row(lib::Engine &engine, const lib::Target &target, wb_result *out, void *row, int64_t deadline_ns,
                      wb_call *call);
lib::Status score_batch(lib::Engine &engine, const lib::Target &target, wb_batch_result *out, wb_batch *batch,
                        int64_t deadline_ns, wb_call *call);

// wb_model_submit and wb_slot_submit, wb_model_submit_batch and wb_slot_submit_batch, once the target is known.
lib::Status submit_row(wb_queue *queue, uint64_t tag, lib::Engine &engine, const lib::Target &target, void *row,
                       int64_t deadline_ns, wb_call *call);
lib::Status submit_batch(wb_batch_result *out, wb_queue *queue, uint64_t tag, lib::Engine &engine,
                         const lib::Target &target, wb_batch *batch, int64_t deadline_ns, wb_call *call);

}  // namespace weighbridge::capi
