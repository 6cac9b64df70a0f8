// SPDX-License-Identifier: Apache-2.0
// Where an engine reads TorchScript: compilations, loads of bundles without a plan, golden vectors in the making.
#include "bundle/bundle_directory.hpp"
#include "compile/bundle_import.hpp"
#include "engine/engine.hpp"
#include "isolation/import_cache.hpp"
#include "plan/plan_file.hpp"

namespace weighbridge::lib {
namespace {

// A load's precision, behind the one that a plan must begin with.
Expected<Precisions> precisions_of(const LoadOptions &options) {
    if (options.precision.empty()) return Precisions{WB_PRECISION_FP32};
    const auto asked = precision_of(options.precision);
    if (!asked) return asked.status();
    if (*asked == WB_PRECISION_FP32 || *asked == WB_PRECISION_INT8) return Precisions{*asked};
    return Precisions{WB_PRECISION_FP32, *asked};
}

// A failure to import a bundle's module, which is no failure of a bundle that is compiled.
Status unplanned(const Status &failure) {
    if (failure.code != WB_BACKEND_UNAVAILABLE) return failure;
    return Status::failure(failure.code, "the bundle has no model.plan, and {}", failure.message);
}

}  // namespace

Importer *Engine::importer() const {
    if (importing_ == Importing::none) return nullptr;
    if (importing_ == Importing::in_process) return parts_.torchscript.get();
    return parts_.importer.get();
}

Status Engine::no_importer() const {
    return Status::failure(
        WB_BACKEND_UNAVAILABLE,
        "the engine's option importer is none: no module is read here; compile the bundle elsewhere");
}

Expected<std::shared_ptr<const Bundle>> Engine::planned(const std::shared_ptr<const Bundle> &bundle,
                                                        const LoadOptions &options, const StopSource &stop) {
    Importer *const direct = importer();
    if (!direct) return unplanned(no_importer());
    auto precisions = precisions_of(options);
    if (!precisions) return precisions.status();
    CachedImporter cached(*direct, options.import_cache);
    std::string report;
    auto plan = import_plan(cached, bundle, plugin_.scan, *precisions, {}, report, stop);
    if (!plan) return unplanned(plan.status());
    auto bytes = write_plan(**plan, stop);
    if (!bytes) return bytes.status();
    return bundle->with_plan(*std::move(bytes));
}

Status Engine::compile(const std::string &path, const CompileOptions &options, const LoadOptions &load,
                       JsonValue &report) {
    if (Status status = usable(); !status.ok()) return status;
    Importer *const direct = importer();
    if (!direct) return no_importer();
    auto source = DirectorySource::open_path(path);
    if (!source) return source.status();
    CachedImporter cached(*direct, load.import_cache);
    const Status status =
        Compiler(runtime_, level_, cached, plugin_.scan, stop_of(load)).compile(*source, options, report);
    runtime_->reap();  // the models that ran the golden vectors
    return status;
}

namespace {

Expected<std::string> compute_lines(const Ref<Runtime> &runtime, const std::shared_ptr<const Bundle> &bundle,
                                    std::shared_ptr<const Program> program, int64_t count) {
    auto model = Model::make(runtime, bundle, std::move(program));
    if (!model) return model.status();
    return compute_golden(**model, count);
}

}  // namespace

Expected<std::string> Engine::compute_golden(const std::shared_ptr<const Bundle> &bundle, int64_t count) {
    if (Status status = usable(); !status.ok()) return status;
    if (importing_ == Importing::none) return no_importer();
    const auto isolated = make_isolated_backend(isolation_);
    Backend &backend = importing_ == Importing::in_process ? static_cast<Backend &>(*parts_.torchscript) : *isolated;
    auto program = backend.prepare(bundle, "");
    if (!program) return program.status();
    Expected<std::string> lines = compute_lines(runtime_, bundle, *std::move(program), count);
    runtime_->reap();  // ends the importer's process
    return lines;
}

Status Engine::try_shortest(const std::shared_ptr<const Bundle> &bundle) {
    if (importing_ == Importing::none) return no_importer();
    if (importing_ == Importing::in_process) return lib::try_shortest(plugin_, bundle);
    const auto isolated = make_isolated_backend(isolation_);
    return score_shortest(*isolated, bundle);
}

}  // namespace weighbridge::lib
