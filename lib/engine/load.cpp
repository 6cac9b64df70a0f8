// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/own_directory.hpp"
#include "bundle/bundle_directory.hpp"
#include "bundle/golden.hpp"
#include "compile/bundle_import.hpp"
#include "engine/engine.hpp"
#include "fake/fake.hpp"

namespace weighbridge::lib {
namespace {

constexpr std::string_view kFake = "fake";

// The fake engine, whose script answers instead of a model, is used only where the caller names no other.
bool is_faked(const LoadOptions &options) { return options.engines.size() == 1 && options.engines[0] == kFake; }

// Which of the bundle's files the allowed engines need.
Bundle::Mode mode_of(const LoadOptions &options, std::string_view torchscript) {
    if (is_faked(options)) return Bundle::Mode::scripted;
    const auto &engines = options.engines;
    const bool runs_module = std::find(engines.begin(), engines.end(), torchscript) != engines.end();
    return runs_module || options.check_module ? Bundle::Mode::full : Bundle::Mode::serving;
}

Status check_fake(const LoadOptions &options) {
    if (is_faked(options) && options.check_module)
        return Status::failure(WB_INVALID_ARGUMENT, "engines: expected one that computes scores, got fake");
    if (is_faked(options) && options.trust.asks_signatures())
        return Status::failure(WB_INVALID_ARGUMENT, "engines: expected one that looks at signatures, got fake");
    if (options.fake_script.empty() || is_faked(options)) return Status();
    return Status::failure(WB_INVALID_ARGUMENT, "fake_script: expected the engine fake, got {}", options.engines[0]);
}

}  // namespace

// A program of the first allowed engine that can run the bundle; else a failure with each engine's reason. A bundle
// without a plan gets one where an engine needs it; a module that does not lower is left to the engines behind.
Expected<std::shared_ptr<const Program>> Engine::prepare(std::shared_ptr<const Bundle> &bundle,
                                                         const LoadOptions &options, const StopSource &stop) {
    if (is_faked(options)) return make_fake_program(bundle, options.fake_script, stop);
    std::optional<Expected<std::shared_ptr<const Bundle>>> made;
    int32_t code = WB_BACKEND_UNAVAILABLE;
    std::string reasons;
    for (const std::string &name : options.engines) {
        Backend *backend = name == parts_.native->name()      ? parts_.native.get()
                           : name == parts_.reference->name() ? parts_.reference.get()
                                                              : parts_.torchscript.get();
        auto program = backend->prepare(bundle, options.precision, stop);
        const bool unplanned = bundle->file(kModuleFile) && !bundle->file("model.plan");
        const bool needs_plan = backend != parts_.torchscript.get() && unplanned;
        if (needs_plan && program.status().code == WB_BACKEND_UNAVAILABLE) {
            if (!made) made = planned(bundle, options, stop);
            program = *made ? backend->prepare(**made, options.precision, stop) : made->status();
            if (program) bundle = **made;
            if (made->status().code == WB_INVALID_BUNDLE) code = WB_INVALID_BUNDLE;
        }
        const Status &reason = program.status();
        if (program || (reason.code != WB_BACKEND_UNAVAILABLE && reason.code != code)) return program;
        if (reasons.find(reason.message) == std::string::npos)
            reasons += formatted("{}{}: {}", reasons.empty() ? "" : "; ", name, reason.message);
    }
    return Status::failure(code, "{}", reasons);
}

StopSource Engine::stop_of(const LoadOptions &options) const {
    return {&runtime_->clock, options.cancel, due(options.deadline_ns)};
}

Expected<Ref<Model>> Engine::make_model(std::shared_ptr<const Bundle> bundle, const LoadOptions &options,
                                        const StopSource &stop) {
    auto program = prepare(bundle, options, stop);
    if (!program) return program.status();
    if (Status status = stop.check("preparing contexts"); !status.ok()) return status;
    return Model::make(runtime_, std::move(bundle), *std::move(program));
}

// Warm-up: runs the first golden row in every context. Not for the fake engine, which has no golden rows.
Status Engine::warm(Model &model, const StopSource &stop) {
    if (model.program().backend() == WB_BACKEND_FAKE) return Status();
    auto golden = read_golden(model.bundle(), stop);
    if (!golden || !model.program().traits().inline_safe) return golden.status();
    CallOptions options;
    options.deadline_ns = stop.deadline_ns;
    options.cancel = stop.cancel;
    const StridedRows row(*model.bundle().schema(), (*golden)[0].row.data(), 0);
    const Status status = model.warm(row, options);
    return is_stop(status.code) ? ended_while(status.code, "warming contexts") : status;
}

// The model on another device, tried and measured there. WB_BACKEND_UNAVAILABLE, WB_OUT_OF_MEMORY where it does not fit
// there.
Expected<Ref<Model>> Engine::make_replica(Model &model, Backend &backend, const StopSource &stop) {
    const Program &program = model.program();
    auto made = backend.prepare(model.shared_bundle(), precision_name(program.precision()), stop);
    if (!made) return made.status();
    // bf16 is the one precision that a GPU may round otherwise in.
    const bool rounds_otherwise = (*made)->numerics() != program.numerics();
    if (rounds_otherwise && !needs_bf16_instructions(program.precision()))
        return Status::failure(WB_BACKEND_UNAVAILABLE, "expected numerics {} as the CPU's, got {}", program.numerics(),
                               (*made)->numerics());
    auto replica = Model::make(runtime_, model.shared_bundle(), *std::move(made));
    if (!replica) return replica;
    auto report = verify(**replica, stop);
    Status verdict = report ? report->verdict(model.bundle().manifest()) : report.status();
    if (verdict.ok()) verdict = verify_together(model, **replica, stop);
    if (!verdict.ok()) return verdict;
    return replica;
}

// Replicas on the engine's other devices, for models of a plan. One that cannot be had is told, and is no failure.
Status Engine::add_replicas(Model &model, const StopSource &stop) {
    if (parts_.devices.empty() || model.program().numerics() == 0) return {};
    auto golden = read_golden(model.bundle(), stop);
    if (!golden) return golden.status();
    const StridedRows row(*model.bundle().schema(), (*golden)[0].row.data(), 0);
    CallOptions options;
    options.deadline_ns = stop.deadline_ns;
    options.cancel = stop.cancel;
    std::vector<std::pair<Ref<Model>, bool>> replicas;  // added at the end: until then the model is the CPU's alone
    const auto measure = [&](Model &one) {
        Status status = one.measure(row, 1, options);
        return status.ok() ? one.measure(row, one.tile_rows(), options) : status;
    };
    for (const DevicePart &part : parts_.devices) {
        auto replica = make_replica(model, *part.backend, stop);
        Status status = replica ? measure(**replica) : replica.status();
        if (status.ok() && replicas.empty()) status = measure(model);
        if (is_stop(status.code)) return ended_while(status.code, "preparing devices");
        if (status.ok()) {
            replicas.emplace_back(*std::move(replica), part.preferred);
            continue;
        }
        const BundleIdentity &identity = model.bundle().manifest().identity;
        runtime_->events.tell({WB_LOG_WARNING, {}, identity.version}, "model '{}' {} stays on the CPU, not on {}: {}",
                              identity.name, identity.version, name_of(part.contexts.device), status.message);
    }
    for (auto &[replica, preferred] : replicas) model.add_replica(std::move(replica), preferred);
    return {};
}

Expected<Ref<Model>> Engine::load_source(const Source &source, const LoadOptions &options, std::string &version) {
    if (Status status = usable(); !status.ok()) return status;
    if (Status status = check_fake(options); !status.ok()) return status;
    const StopSource stop = stop_of(options);
    if (Status status = stop.check("opening the bundle"); !status.ok()) return status;
    const auto mode = mode_of(options, parts_.torchscript->name());
    const auto trust = TrustPolicy::read(options.trust, own_directory());
    if (!trust) return trust.status();
    auto bundle = Bundle::open(source, mode, Bundle::wall_clock_s(), stop, &*trust);
    if (!bundle) return bundle.status();
    version = (*bundle)->manifest().identity.version;
    if (options.check_module)
        if (const auto checked = checked_module(**bundle, plugin_.scan, stop); !checked) return checked.status();
    auto model = make_model(*bundle, options, stop);
    if (!model) return model.status();
    if (Status status = warm(**model, stop); !status.ok()) return status;
    if (options.verify && !is_faked(options)) {
        auto report = verify(**model, stop);
        Status verdict = report ? report->verdict((*bundle)->manifest()) : report.status();
        if (!verdict.ok()) return verdict;
    }
    if (Status status = add_replicas(**model, stop); !status.ok()) return status;
    if (Status status = stop.check("finishing the load"); !status.ok()) return status;
    return model;
}

Expected<Ref<Model>> Engine::load(const std::string &path, const LoadOptions &options, std::string_view slot) {
    runtime_->reap();  // first, so that its memory can be used
    std::string version;
    auto source = DirectorySource::open_path(path);
    auto model = source ? load_source(*source, options, version) : source.status();
    tell_load(path, model, slot, version);
    return model;
}

Expected<Ref<Model>> Engine::load(const Source &source, const LoadOptions &options, std::string_view slot) {
    runtime_->reap();
    std::string version;
    auto model = load_source(source, options, version);
    tell_load(source.label(), model, slot, version);
    return model;
}

void Engine::tell_load(const std::string &bundle, const Expected<Ref<Model>> &model, std::string_view slot,
                       const std::string &version) {
    if (!model) {
        const std::string where = slot.empty() ? std::string() : formatted(" for slot '{}'", slot);
        runtime_->events.tell({WB_LOG_REFUSED, slot, version}, "bundle '{}' was refused{}: {}", bundle, where,
                              model.status().message);
    } else {
        const BundleIdentity &identity = (*model)->bundle().manifest().identity;
        runtime_->events.tell({WB_LOG_LOADED, {}, identity.version}, "model '{}' {} was loaded{}", identity.name,
                              identity.version, signed_by((*model)->bundle()));
        if ((*model)->bundle().imported())
            warn(**model, "it has no model.plan, so that its module was imported, in seconds: compile it ahead");
        for (const std::string &warning : (*model)->bundle().manifest().warnings) warn(**model, warning);
        if ((*model)->program().backend() == WB_BACKEND_FAKE)
            warn(**model, "its scores are a script's, of the engine fake, which is for tests");
        warn(**model, registry_.fallback_problem(**model, nullptr));
    }
    maintain();
}

}  // namespace weighbridge::lib
