// SPDX-License-Identifier: Apache-2.0
#include "engine/engine.hpp"

#include <algorithm>
#include <mutex>

#include "backend/reference/reference.hpp"

namespace weighbridge::lib {

// Slots by name: pushed to the front of a list, never removed before the engine goes, so that look-ups take no lock.
struct Engine::Directory {
    struct Entry {
        Ref<Slot> slot;
        Entry *next;
    };
    std::atomic<Entry *> first{nullptr};
    ForkMutex writer;

    ~Directory() {
        for (Entry *entry = first.load(); entry;) {
            Entry *next = entry->next;
            delete entry;
            entry = next;
        }
    }
};

Engine::Engine(const EngineOptions &options, native::Level level)
    : epoch_(fork_epoch()),
      level_(level),
      runtime_(make_ref<Runtime>(options.cpu_contexts > 0 ? options.cpu_contexts : automatic_cpu_contexts(),
                                 options.queue_limit, steady_clock(), options.log, options.log_payload)),
      native_(make_native_backend(level)),
      reference_(make_reference_backend()),
      torchscript_(make_torchscript_backend({options.torch_plugin, options.libtorch, runtime_->pool.contexts()})),
      slots_(std::make_unique<Directory>()) {}

Engine::~Engine() {
    shutdown();
    slots_.reset();
    runtime_->close();
}

namespace {

// The level that the options allow and this CPU has.
Expected<native::Level> choose_level(const EngineOptions &options) {
    if (options.allow_amx) native::request_amx();  // where it is refused, the level is the best without it
    const native::Level best = native::best_level(options.allow_amx);
    if (options.cpu_level.empty()) return best;
    for (int i = 0; i < native::kLevels; ++i) {
        const auto level = static_cast<native::Level>(i);
        if (options.cpu_level == native::name_of(level)) return std::min(level, best);
    }
    return Status::failure(
        WB_INVALID_ARGUMENT,
        "cpu_level: expected portable, avx2, avx512, avx512_vnni, avx512_bf16 or amx, got \"{:.32}\"",
        options.cpu_level);
}

}  // namespace

Expected<Ref<Engine>> Engine::make(const EngineOptions &options) {
    auto level = choose_level(options);
    if (!level) return level.status();
    return Ref<Engine>(new Engine(options, *level));
}

Status Engine::usable() const {
    if (closed_.load(std::memory_order_acquire)) return Status::failure(WB_CLOSED, "the engine is closed");
    if (fork_epoch() != epoch_ && torchscript_->started())
        return Status::failure(WB_FORKED,
                               "this process was forked from one whose engine had started LibTorch's threads: create a "
                               "new engine here");
    return Status();
}

Ref<Slot> Engine::find_slot(const std::string &name) const {
    for (auto *entry = slots_->first.load(std::memory_order_acquire); entry; entry = entry->next)
        if (entry->slot->name() == name) return entry->slot;
    return Ref<Slot>();
}

Expected<Ref<Slot>> Engine::slot(const std::string &name) {
    auto good = [](unsigned char c) {
        return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' || c == '.' ||
               c == '-';
    };
    if (name.empty() || name.size() > 63 || !std::all_of(name.begin(), name.end(), good))
        return Status::failure(WB_INVALID_ARGUMENT, "slot name: expected 1 to 63 bytes of [A-Za-z0-9_.-], got {} bytes",
                               name.size());
    if (Status status = usable(); !status.ok()) return status;
    std::lock_guard lock(slots_->writer);
    if (auto found = find_slot(name)) return found;
    auto made = make_ref<Slot>(name);
    slots_->first.store(new Directory::Entry{made, slots_->first.load()}, std::memory_order_release);
    return made;
}

Status Engine::swap(Slot &slot, Ref<Model> model) {
    if (Status status = usable(); !status.ok()) return status;
    if (&model->runtime() != runtime_.get())
        return Status::failure(WB_INVALID_ARGUMENT, "slot '{}': expected a model of the same engine", slot.name());
    const BundleIdentity &identity = model->bundle().manifest().identity;
    Status status = slot.swap(model);
    if (status.ok()) runtime_->telemetry.count_swap();
    if (runtime_->logger.enabled()) {
        auto line = status.ok() ? Status::failure(WB_OK, "slot '{}' serves model '{}' {}", slot.name(), identity.name,
                                                  identity.version)
                                : Status::failure(WB_OK, "slot '{}' refused model '{}' {}: {}", slot.name(),
                                                  identity.name, identity.version, status.message);
        runtime_->logger.event(status.ok() ? WB_LOG_SWAPPED : WB_LOG_REFUSED, line.message);
    }
    runtime_->reap();
    return status;
}

Status Engine::rollback(Slot &slot) {
    if (Status status = usable(); !status.ok()) return status;
    Status status = slot.rollback();
    if (!status.ok()) return status;
    runtime_->telemetry.count_swap();
    if (runtime_->logger.enabled()) {
        auto line = Status::failure(WB_OK, "slot '{}' was rolled back", slot.name());
        runtime_->logger.event(WB_LOG_SWAPPED, line.message);
    }
    return status;
}

Expected<Target> Engine::target(Slot &slot) {
    Target target;
    target.deployment = slot.current();
    if (!target.deployment) {
        if (Status status = usable(); !status.ok()) return status;
        return Status::failure(WB_INVALID_ARGUMENT, "slot '{}': it is empty: load a bundle into it first", slot.name());
    }
    target.model = target.deployment->model_ref();
    return target;
}

Status Engine::close(int64_t deadline_ns) {
    closed_.store(true, std::memory_order_release);
    runtime_->pool.refuse();
    Status status = runtime_->pool.drain(deadline_ns);
    if (status.ok()) shutdown();
    return status;
}

void Engine::shutdown() {
    closed_.store(true, std::memory_order_release);
    runtime_->pool.refuse();
    for (auto *entry = slots_->first.load(std::memory_order_acquire); entry; entry = entry->next) entry->slot->clear();
    runtime_->reap();
}

void Engine::maintain() {
    runtime_->reap();
    runtime_->logger.flush(runtime_->clock.now_ns());
}

void Engine::read(wb_snapshot &out) const {
    runtime_->telemetry.read(out);
    out.contexts = static_cast<uint32_t>(runtime_->pool.contexts());
    out.waiting = runtime_->pool.waiting();
    out.models = runtime_->models.load(std::memory_order_relaxed);
}

std::string Engine::metrics() const {
    wb_snapshot snapshot{};
    snapshot.struct_size = sizeof snapshot;
    read(snapshot);
    return runtime_->telemetry.prometheus(snapshot);
}

}  // namespace weighbridge::lib
