// SPDX-License-Identifier: Apache-2.0
/// @file
/// Bundles: pack, compile, inspect, verify; modules: scan. All thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "weighbridge/c/bundle.h"
#include "weighbridge/model.hpp"

namespace weighbridge {
inline namespace v0 {

/// What a bundle is made from; paths in UTF-8.
struct PackRequest {
    std::string module;       ///< model.ts
    std::string manifest;     ///< manifest.json
    std::string golden = {};  ///< golden.jsonl; empty: generated through LibTorch
    std::string out_dir;      ///< must not exist or be empty
};

/// Makes a bundle directory, whole or not at all.
inline Expected<void> pack(const Engine &engine, const PackRequest &request) {
    return detail::done([&](wb_error *err) {
        return wb_bundle_pack(engine.get(), request.module.c_str(), request.manifest.c_str(),
                              request.golden.empty() ? nullptr : request.golden.c_str(), request.out_dir.c_str(), err);
    });
}

/// What compile() is to do.
struct CompileOptions {
    std::string precisions = "fp32";  ///< "fp32,bf16,int8,int8bf16" or some of them, the default one first
    bool dump_passes = false;         ///< each pass's graph as text in the report
    Due deadline = {};  ///< when it has to be done, as LoadOptions::deadline; else the bundle is as it was
    const CancelToken *cancel = nullptr;
    /// By name and text, as LoadOptions::named: "import_cache" is read.
    std::vector<std::pair<std::string, std::string>> named = {};
};

/// Compiles a bundle's TorchScript to model.plan, in place. Needs the LibTorch plug-in. The report tells operators,
/// precisions and passes, and where it fails what does not lower, or is beyond its tolerance.
inline Reported compile(const Engine &engine, const std::string &path, const CompileOptions &options = {}) {
    auto load = detail::load_handle({.named = options.named, .deadline = options.deadline, .cancel = options.cancel});
    if (!load) return {{}, std::move(load).error()};
    return detail::reported([&](wb_text **out, wb_error *err) {
        return wb_bundle_compile(out, engine.get(), path.c_str(), options.precisions.c_str(), options.dump_passes,
                                 load->get(), err);
    });
}

/// What a bundle says of itself, as JSON, after its manifest and digests were checked. No model is run.
inline Expected<std::string> inspect(const std::string &path) {
    return detail::text_of([&](wb_text **out, wb_error *err) { return wb_bundle_inspect(out, path.c_str(), err); });
}
inline Expected<std::string> inspect(const Source &source) {
    return detail::text_of(
        [&](wb_text **out, wb_error *err) { return wb_bundle_inspect_source(out, source.get(), err); });
}

/// Checks digests and manifest, loads the model and reproduces the golden vectors. The report is there where it could
/// compare them, also where they differ.
inline Reported verify(const Engine &engine, const std::string &path, const LoadOptions &options = {}) {
    auto load = detail::load_handle(options);
    if (!load) return {{}, std::move(load).error()};
    return detail::reported([&](wb_text **out, wb_error *err) {
        return wb_bundle_verify(out, engine.get(), path.c_str(), load->get(), err);
    });
}
inline Reported verify(const Engine &engine, const Source &source, const LoadOptions &options = {}) {
    auto load = detail::load_handle(options);
    if (!load) return {{}, std::move(load).error()};
    return detail::reported([&](wb_text **out, wb_error *err) {
        return wb_bundle_verify_source(out, engine.get(), source.get(), load->get(), err);
    });
}

/// Scans a TorchScript file before anything loads it. The report, as JSON, is there also where a rule refuses the file.
inline Reported scan(const Engine &engine, const std::string &path) {
    return detail::reported(
        [&](wb_text **out, wb_error *err) { return wb_module_scan(out, engine.get(), path.c_str(), err); });
}

}  // namespace v0
}  // namespace weighbridge
