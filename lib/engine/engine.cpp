// SPDX-License-Identifier: Apache-2.0
#include "engine/engine.hpp"

#include <algorithm>
#include <new>

#include "backend/reference/reference.hpp"
#include "base/lock.hpp"
#include "base/spelling.hpp"
#include "engine/devices.hpp"
#include "engine/request.hpp"
#include "scan/operators.hpp"

namespace weighbridge::lib {

namespace {

// Devices on which the engine has contexts, the CPU first.
std::vector<DeviceContexts> devices_of(const EngineOptions &options, const EngineParts &parts) {
    const int cpu = options.cpu_contexts > 0 ? options.cpu_contexts : automatic_cpu_contexts();
    std::vector<DeviceContexts> devices{{cpu, Device{}, 1, parts.allocate}};
    for (const DevicePart &part : parts.devices) devices.push_back(part.contexts);
    return devices;
}

// The parts, with real ones in place of those that are null.
EngineParts completed(EngineParts parts, native::Level level, const PluginOptions &plugin,
                      const IsolationOptions &isolation) {
    if (!parts.native) parts.native = make_native_backend(level);
    if (!parts.reference) parts.reference = make_reference_backend();
    if (!parts.torchscript) parts.torchscript = make_torchscript_backend(plugin);
    if (!parts.importer) parts.importer = make_isolated_importer(isolation);
    return parts;
}

IsolationOptions isolation_of(const EngineOptions &options) {
    IsolationOptions isolation = options.isolation;
    isolation.plugin = options.torch_plugin;
    isolation.libtorch = options.libtorch;
    isolation.scan = options.scan;
    isolation.strict = options.importer == Importing::isolated;
    return isolation;
}

}  // namespace

Engine::Engine(const EngineOptions &options, native::Level level, EngineParts parts)
    : epoch_(fork_epoch()),
      level_(level),
      default_deadline_us_(options.default_deadline_us),
      runtime_(make_ref<Runtime>(devices_of(options, parts), options.queue_limit, options.fairness_us * 1000,
                                 *parts.clock, options.event_capacity, options.log, options.log_payload,
                                 JoiningOptions{options.join, options.join_wait_us * 1000})),
      plugin_{options.torch_plugin, options.libtorch, options.scan, runtime_->pools.cpu().contexts()},
      importing_(options.importer),
      isolation_(isolation_of(options)),
      parts_(completed(std::move(parts), level, plugin_, isolation_)),
      async_threads_(options.async_threads == WB_ASYNC_THREADS_AUTOMATIC ? runtime_->pools.cpu().contexts()
                                                                         : options.async_threads) {}

Engine::~Engine() {
    shutdown();
    delete present_crew();
    registry_.clear();
    runtime_->close();
}

namespace {

// The highest instruction-set level that the options allow and this CPU has.
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
    EngineParts parts;
    std::vector<std::string> missing;
    auto devices = open_devices(options, missing);
    if (!devices) return devices.status();
    parts.devices = *std::move(devices);
    auto engine = make(options, std::move(parts));
    for (const std::string &line : missing)
        if (engine) (*engine)->runtime().events.tell({WB_LOG_WARNING, {}, {}}, "the CPU serves alone: {}", line);
    return engine;
}

Expected<Ref<Engine>> Engine::make(const EngineOptions &options, EngineParts parts) {
    if (Status status = check_refusals(options.scan); !status.ok()) return status;
    auto level = choose_level(options);
    if (!level) return level.status();
    return Ref<Engine>(new Engine(options, *level, std::move(parts)));
}

Status Engine::usable() const {
    if (closed_.load(std::memory_order_acquire)) return Status::failure(WB_CLOSED, "the engine is closed");
    if (fork_epoch() != epoch_ && parts_.torchscript->started())
        return Status::failure(WB_FORKED,
                               "this process was forked from one whose engine had started LibTorch's threads: create a "
                               "new engine here");
    return Status();
}

Expected<Ref<Slot>> Engine::existing_slot(const std::string &name) const {
    if (Status status = usable(); !status.ok()) return status;
    return registry_.existing(name);
}

Expected<Ref<Slot>> Engine::slot(const std::string &name) {
    if (Status status = usable(); !status.ok()) return status;
    return registry_.open(name);
}

Status Engine::swap(Slot &slot, Ref<Model> model) {
    if (Status status = usable(); !status.ok()) return status;
    if (&model->runtime() != runtime_.get())
        return Status::failure(WB_INVALID_ARGUMENT, "slot '{}': expected a model of the same engine", slot.name());
    auto deployed = slot.swap(model);
    const BundleIdentity &identity = model->bundle().manifest().identity;
    if (deployed)
        tell_swap(slot, **deployed, "serves");
    else
        runtime_->events.tell({WB_LOG_REFUSED, slot.name(), identity.version}, "slot '{}' refused model '{}' {}: {}",
                              slot.name(), identity.name, identity.version, deployed.status().message);
    maintain();
    return deployed.status();
}

Status Engine::rollback(Slot &slot) {
    if (Status status = usable(); !status.ok()) return status;
    auto deployed = slot.rollback();
    if (deployed) tell_swap(slot, **deployed, "was rolled back to");
    maintain();
    return deployed.status();
}

Status Engine::forget_previous(Slot &slot) {
    if (Status status = usable(); !status.ok()) return status;
    slot.forget_previous();
    maintain();
    return {};
}

void Engine::tell_swap(const Slot &slot, const Deployment &deployed, std::string_view verb) {
    const BundleIdentity &identity = deployed.model().bundle().manifest().identity;
    runtime_->events.tell({WB_LOG_SWAPPED, slot.name(), identity.version}, "slot '{}' {} model '{}' {}{}{}{}",
                          slot.name(), verb, identity.name, identity.version, signed_by(deployed.model().bundle()),
                          deployed.news().empty() ? "" : "; ", deployed.news());
    try {
        warn_of_fallbacks(slot);
    } catch (const std::bad_alloc &) {  // the swap is done: no warning undoes it
    }
}

void Engine::warn(const Model &model, const std::string &of) const {
    if (of.empty()) return;
    const BundleIdentity &identity = model.bundle().manifest().identity;
    runtime_->events.tell({WB_LOG_WARNING, {}, identity.version}, "model '{}' {}: {}", identity.name, identity.version,
                          of);
}

// Warns where the slot's own fallback cannot answer for it, and where it cannot answer for those that fall back on it.
void Engine::warn_of_fallbacks(const Slot &changed) const {
    registry_.for_each([&](const Ref<Slot> &slot) {
        const auto deployed = slot->current();
        if (!deployed) return;
        const Model &model = deployed->model();
        if (slot.get() == &changed || model.bundle().manifest().fallback.slot == changed.name())
            warn(model, registry_.fallback_problem(model, slot.get()));
    });
}

Expected<Target> Engine::target(Slot &slot) {
    Target target;
    target.deployment = slot.current();
    if (!target.deployment) {
        if (Status status = usable(); !status.ok()) return status;
        return Status::failure(WB_NOT_LOADED, "slot '{}': it is empty: load a bundle into it first", slot.name());
    }
    target.model = target.deployment->model_ref();
    return target;
}

Target Engine::spare_of(const Model &model, const CallOptions &options) const {
    Target spare;
    if (options.accept_fallback) spare.deployment = registry_.fallback_of(model);
    if (spare.deployment) spare.model = spare.deployment->model_ref();
    return spare;
}

Status Engine::score(const Target &target, void *row, const CallOptions &options, std::span<const OutputBuffer> outputs,
                     wb_result &result) {
    const int64_t entered_ns = runtime_->clock.now_ns();
    if (Status status = usable(); !status.ok()) return status;
    SingleRow rows(row);
    ResultSink sink(*target.model, options.accept_fallback, outputs, result);
    return Request(*runtime_, target, spare_of(*target.model, options), options, rows, sink, entered_ns).serve();
}

Status Engine::score_batch(const Target &target, Batch &batch, const CallOptions &options,
                           std::optional<wb_batch_result> &result) {
    const int64_t entered_ns = runtime_->clock.now_ns();
    if (Status status = usable(); !status.ok()) return status;
    BatchRows rows(batch);
    ColumnSink sink(*target.model, options.accept_fallback, batch, result);
    return Request(*runtime_, target, spare_of(*target.model, options), options, rows, sink, entered_ns).serve();
}

Crew *Engine::present_crew() const {
    Crew *found = crew_.load(std::memory_order_acquire);
    return found && found->is_current() ? found : nullptr;
}

// Makes the crew at the first use in this process. A forked child leaks its parent's, whose threads may have been
// writing it.
Crew &Engine::crew() {
    if (Crew *found = present_crew()) return *found;
    const Lock lock(crew_mutex_);
    if (Crew *found = present_crew()) return *found;
    auto *fresh = new Crew(*this, runtime_, async_threads_);
    crew_.store(fresh, std::memory_order_release);
    return *fresh;
}

Expected<Ref<Queue>> Engine::make_queue(uint32_t capacity) {
    if (capacity < 1 || capacity > WB_QUEUE_CAPACITY_LIMIT)
        return Status::failure(WB_INVALID_ARGUMENT, "capacity: expected 1 to {}, got {}", WB_QUEUE_CAPACITY_LIMIT,
                               capacity);
    if (Status status = usable(); !status.ok()) return status;
    return Queue::make(crew().backlog(), capacity);
}

Status Engine::submit(Queue &queue, uint64_t tag, SubmitOrder order) {
    if (Status status = queue.usable(); !status.ok()) return status;
    if (Status status = usable(); !status.ok()) return status;
    if (&queue.backlog().runtime() != runtime_.get())
        return Status::failure(WB_INVALID_ARGUMENT, "queue: expected one of the engine that is asked to score");
    if (!queue.backlog().is_staffed()) [[unlikely]]
        if (Status status = crew().start(); !status.ok()) return status;
    order.spare = spare_of(*order.target.model, order.options);
    return queue.submit(tag, order);
}

Expected<int> Engine::descriptor(Queue &queue) {
    if (Status status = queue.usable(); !status.ok()) return status;
    if (Status status = usable(); !status.ok()) return status;
    if (Status status = crew().start_timer(); !status.ok()) return status;
    return queue.descriptor();
}

Expected<uint64_t> Engine::work(int64_t deadline_ns) {
    if (Status status = usable(); !status.ok()) return status;
    return crew().backlog()->work(deadline_ns);
}

int64_t Engine::due(int64_t deadline_ns) const {
    if (deadline_ns != WB_DEFAULT_DEADLINE) [[likely]]
        return deadline_ns;
    return default_deadline_us_ == 0 ? WB_NO_DEADLINE : runtime_->clock.now_ns() + default_deadline_us_ * 1000;
}

Status Engine::close(int64_t deadline_ns) {
    closed_.store(true, std::memory_order_release);
    runtime_->pools.refuse();
    Crew *crew = present_crew();
    if (crew) crew->backlog()->close();
    if (Status status = runtime_->pools.drain(deadline_ns); !status.ok()) return status;
    if (crew && !crew->backlog()->await_maintenance(deadline_ns))
        return Status::failure(WB_DEADLINE_EXCEEDED,
                               "the deadline passed while a thread of the engine's own freed models or was in the log "
                               "callback");
    if (crew) crew->end(Crew::Busy::join);  // all contexts are back, so this is short
    tell_counted();
    let_go();
    maintain();
    if (runtime_->events.end(deadline_ns)) return {};
    return Status::failure(WB_DEADLINE_EXCEEDED, "the deadline passed while the log callback ran in another thread");
}

void Engine::let_go() {
    closed_.store(true, std::memory_order_release);
    runtime_->pools.refuse();
    if (Crew *crew = present_crew()) {
        crew->backlog()->close();
        crew->end(Crew::Busy::leave);
    }
    registry_.for_each([](const Ref<Slot> &slot) { slot->clear(); });
}

void Engine::shutdown() {
    let_go();
    runtime_->events.silence();
}

void Engine::tell_counted() {
    const int64_t now_ns = runtime_->clock.now_ns();
    runtime_->events.tell_all_counted(runtime_->account, now_ns);
    registry_.for_each([&](const Ref<Slot> &slot) { slot->ledger().tell_counted(runtime_->events, now_ns); });
}

void Engine::maintain_if_due() {
    if (runtime_->has_upkeep()) maintain();
}

void Engine::maintain() {
    runtime_->reap();
    tell_counted();
    runtime_->events.deliver();
}

}  // namespace weighbridge::lib
