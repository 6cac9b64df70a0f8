// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/json.hpp"
#include "bundle/bundle_directory.hpp"
#include "bundle/pack.hpp"
#include "objects.hpp"
#include "plan/plan_file.hpp"
#include "scan/module.hpp"
#include "weighbridge.h"

using namespace weighbridge;
using capi::Kind;
using lib::Status;

namespace {

constexpr int64_t kGoldenVectors = 64;
constexpr uint64_t kMostModuleBytes = uint64_t{4} << 30;  // that wb_module_scan reads

// The bundle's metadata and its plan's. A plan that is refused is told with its reason, and the rest shown.
lib::JsonValue describe(const std::shared_ptr<const lib::Bundle> &bundle) {
    lib::JsonValue info = bundle->describe();
    const lib::Bytes *file = bundle->file("model.plan");
    if (!file) return info;
    auto plan = lib::read_plan(*file, bundle, lib::Checksum::compared);  // with the manifest's
    if (plan)
        for (const int32_t precision : (*plan)->precisions())
            info["plan"]["precisions"].push_back(lib::precision_name(precision));
    else
        info["plan"]["refused"] = plan.status().message;
    return info;
}

Status inspect(wb_text **out, const lib::Source &source) {
    auto bundle = lib::Bundle::open(source, lib::Bundle::Mode::full, lib::Bundle::kAnyTime);
    return bundle ? capi::give_text(out, describe(*bundle).lines()) : bundle.status();
}

lib::JsonValue describe(const lib::Model &model, const lib::VerifyReport &report, const Status &verdict) {
    const lib::Manifest &manifest = model.bundle().manifest();
    lib::JsonValue info;
    info["name"] = manifest.identity.name;
    info["version"] = manifest.identity.version;
    info["verified"] = verdict.ok();
    info["backend"] = capi::backend_name(model.program().backend());
    if (const std::string names = lib::signer_names(model.bundle()); !names.empty()) info["signed_by"] = names;
    info["vectors"] = report.vectors;
    info["tolerance"] = report.tolerance;
    for (size_t i = 0; i < manifest.outputs.size(); ++i)
        info["largest_difference"][manifest.outputs[i].name] = report.largest_difference[i];
    info["probabilities"] = report.probabilities;
    info["bands"] = report.bands;
    info["largest_probability_difference"] = report.largest_probability_difference;
    if (!report.mismatches.empty()) info["mismatches"] = lib::JsonValue::array(report.mismatches);
    info["warnings"] = lib::JsonValue::array(manifest.warnings);
    return info;
}

// From a path or a source.
template <class Where>
Status verify(wb_text **out, wb_engine *engine, const Where &where, wb_load_options *options) {
    capi::Pinned<capi::EngineObject> object(Kind::engine, engine);
    if (!object) return object.status();
    const capi::LoadUse use(options);
    if (!use.status().ok()) return use.status();
    lib::LoadOptions chosen = use.options();
    chosen.deadline_ns = object->engine->due(chosen.deadline_ns);  // of load and verification together
    chosen.verify = false;
    chosen.check_module = true;
    auto model = object->engine->load(where, chosen);
    if (!model) return model.status();
    auto report = lib::verify(**model, object->engine->stop_of(chosen), lib::Mismatches::told);
    if (!report) return report.status();
    const Status verdict = report->verdict((*model)->bundle().manifest());
    const Status given = capi::give_text(out, describe(**model, *report, verdict).lines());
    return given.ok() ? verdict : given;
}

// "fp32,int8" or one of them, each once.
Status read_precisions(std::string_view text, lib::Precisions &out) {
    out.clear();
    for (bool more = true; more;) {
        const size_t comma = text.find(',');
        more = comma != std::string_view::npos;
        auto precision = lib::precision_of(text.substr(0, comma));
        if (!precision) return precision.status();
        if (std::find(out.begin(), out.end(), *precision) != out.end())
            return Status::failure(WB_INVALID_ARGUMENT, "precisions: expected each once, got {} twice",
                                   lib::precision_name(*precision));
        out.push_back(*precision);
        if (more) text.remove_prefix(comma + 1);
    }
    return Status();
}

}  // namespace

extern "C" {

int32_t wb_bundle_pack(wb_engine *engine, const char *module, const char *manifest, const char *golden,
                       const char *out_dir, wb_error *err) {
    return capi::barrier(err, [&] {
        capi::Pinned<capi::EngineObject> object(Kind::engine, engine);
        if (!object) return object.status();
        if (!module) return capi::null_argument("module");
        if (!manifest) return capi::null_argument("manifest");
        if (!out_dir) return capi::null_argument("out_dir");
        lib::PackRequest request;
        request.module = module;
        request.manifest = manifest;
        request.golden = golden ? golden : "";
        request.out_dir = out_dir;
        using BundleRef = std::shared_ptr<const lib::Bundle>;
        lib::Engine &made = *object->engine;
        request.check_module = [&](lib::ByteView bytes) {
            lib::ModuleReport report;
            report.label = lib::shown_path(request.module);
            return lib::scan_module(bytes, made.plugin().scan, report).status();
        };
        return lib::pack_bundle(
            request, [&](const BundleRef &bundle) { return made.compute_golden(bundle, kGoldenVectors); },
            [&](const BundleRef &bundle) { return made.try_shortest(bundle); });
    });
}

int32_t wb_bundle_compile(wb_text **out, wb_engine *engine, const char *path, const char *precisions,
                          int32_t dump_passes, wb_load_options *options, wb_error *err) {
    return capi::barrier(out, err, [&] {
        capi::Pinned<capi::EngineObject> object(Kind::engine, engine);
        if (!object) return object.status();
        if (!path) return capi::null_argument("path");
        lib::CompileOptions chosen;
        if (precisions)
            if (Status status = read_precisions(precisions, chosen.precisions); !status.ok()) return status;
        if (dump_passes != 0 && dump_passes != 1)
            return Status::failure(WB_INVALID_ARGUMENT, "dump_passes: expected 0 or 1, got {}", dump_passes);
        chosen.dump_passes = dump_passes == 1;
        const capi::LoadUse use(options);
        if (!use.status().ok()) return use.status();
        lib::JsonValue report;
        const Status status = object->engine->compile(path, chosen, use.options(), report);
        if (report.is_null()) return status;
        const Status given = capi::give_text(out, report.lines());
        return given.ok() ? status : given;
    });
}

int32_t wb_bundle_inspect(wb_text **out, const char *path, wb_error *err) {
    return capi::barrier(out, err, [&] {
        if (!path) return capi::null_argument("path");
        auto source = lib::DirectorySource::open_path(path);
        return source ? inspect(out, *source) : source.status();
    });
}

int32_t wb_bundle_inspect_source(wb_text **out, wb_source *source, wb_error *err) {
    return capi::barrier(out, err, [&] {
        auto read = capi::read_source(source);
        return read ? inspect(out, *read) : read.status();
    });
}

int32_t wb_bundle_verify(wb_text **out, wb_engine *engine, const char *path, wb_load_options *options, wb_error *err) {
    return capi::barrier(
        out, err, [&] { return path ? verify(out, engine, std::string(path), options) : capi::null_argument("path"); });
}

int32_t wb_bundle_verify_source(wb_text **out, wb_engine *engine, wb_source *source, wb_load_options *options,
                                wb_error *err) {
    return capi::barrier(out, err, [&] {
        auto read = capi::read_source(source);
        return read ? verify(out, engine, *read, options) : read.status();
    });
}

int32_t wb_module_scan(wb_text **out, wb_engine *engine, const char *path, wb_error *err) {
    return capi::barrier(out, err, [&] {
        capi::Pinned<capi::EngineObject> object(Kind::engine, engine);
        if (!object) return object.status();
        if (!path) return capi::null_argument("path");
        auto file = lib::read_file(path, kMostModuleBytes);
        if (!file) return file.status();
        lib::ModuleReport report;
        report.label = lib::shown_path(path);
        const Status verdict = lib::scan_module(*file, object->engine->plugin().scan, report).status();
        if (!verdict.ok() && report.findings.none()) return verdict;
        const Status given = capi::give_text(out, report.json().lines());
        return given.ok() ? verdict : given;
    });
}

}  // extern "C"
