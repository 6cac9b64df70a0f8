// SPDX-License-Identifier: Apache-2.0
#include "base/json.hpp"
#include "bundle/pack.hpp"
#include "objects.hpp"
#include "plan/plan_file.hpp"
#include "weighbridge.h"

using namespace weighbridge;
using capi::Kind;
using lib::Status;

namespace {

constexpr int64_t kGoldenVectors = 64;

// What the bundle says of itself, and what its plan has. A plan that is refused is no reason not to look at the rest.
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
        return lib::pack_bundle(
            request, [&](const BundleRef &bundle) { return made.compute_golden(bundle, kGoldenVectors); },
            [&](const BundleRef &bundle) { return lib::try_shortest(made.plugin(), bundle); });
    });
}

int32_t wb_bundle_compile(char *out, size_t capacity, size_t *needed, wb_engine *engine, const char *path,
                          const char *precisions, int32_t dump_passes, wb_error *err) {
    return capi::barrier(err, [&] {
        capi::Pinned<capi::EngineObject> object(Kind::engine, engine);
        if (!object) return object.status();
        if (!path) return capi::null_argument("path");
        lib::CompileOptions options;
        if (precisions) {
            options.precisions.clear();
            std::string_view rest = precisions;
            for (bool more = true; more;) {
                const size_t comma = rest.find(',');
                more = comma != std::string_view::npos;
                auto precision = lib::precision_of(rest.substr(0, comma));
                if (!precision) return precision.status();
                options.precisions.push_back(*precision);
                if (more) rest.remove_prefix(comma + 1);
            }
        }
        if (dump_passes != 0 && dump_passes != 1)
            return Status::failure(WB_INVALID_ARGUMENT, "dump_passes: expected 0 or 1, got {}", dump_passes);
        options.dump_passes = dump_passes == 1;
        auto report = object->engine->compile(path, options);
        if (!report) return report.status();
        return capi::fill_text(out, capacity, needed, *report);
    });
}

int32_t wb_bundle_inspect(char *out, size_t capacity, size_t *needed, const char *path, wb_error *err) {
    return capi::barrier(err, [&] {
        if (!path) return capi::null_argument("path");
        auto bundle = lib::Bundle::open(path, lib::Bundle::Mode::full, lib::Bundle::kAnyTime);
        if (!bundle) return bundle.status();
        return capi::fill_text(out, capacity, needed, describe(*bundle).lines());
    });
}

int32_t wb_bundle_verify(char *out, size_t capacity, size_t *needed, wb_engine *engine, const char *path,
                         wb_load_options *options, wb_error *err) {
    return capi::barrier(err, [&] {
        if (!path) return capi::null_argument("path");
        capi::Pinned<capi::EngineObject> object(Kind::engine, engine);
        if (!object) return object.status();
        lib::LoadOptions chosen;
        if (Status status = capi::read_load_options(options, chosen); !status.ok()) return status;
        chosen.verify = false;
        chosen.check_module = true;
        auto model = object->engine->load(path, chosen);
        if (!model) return model.status();
        auto report = object->engine->verify(**model);
        if (!report) return report.status();
        Status verdict = report->verdict((*model)->bundle().manifest());
        lib::JsonValue info;
        const auto &manifest = (*model)->bundle().manifest();
        info["name"] = manifest.identity.name;
        info["version"] = manifest.identity.version;
        info["verified"] = verdict.ok();
        info["backend"] = capi::backend_name((*model)->program().backend());
        info["vectors"] = report->vectors;
        info["tolerance"] = report->tolerance;
        for (size_t i = 0; i < manifest.outputs.size(); ++i)
            info["largest_difference"][manifest.outputs[i].name] = report->largest_difference[i];
        info["probabilities"] = report->probabilities;
        info["bands"] = report->bands;
        info["largest_probability_difference"] = report->largest_probability_difference;
        info["warnings"] = lib::JsonValue::array(manifest.warnings);
        Status filled = capi::fill_text(out, capacity, needed, info.lines());
        return filled.ok() ? verdict : filled;
    });
}

}  // extern "C"
