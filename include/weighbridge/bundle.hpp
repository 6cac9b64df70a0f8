// SPDX-License-Identifier: Apache-2.0
/// @file
/// Bundles on disk: pack, inspect, verify. All thread-safe.
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
};

/// Compiles a bundle's TorchScript to model.plan, in place, and gives the report as JSON. Needs the LibTorch plug-in.
inline Expected<std::string> compile(const Engine &engine, const std::string &path,
                                     const CompileOptions &options = {}) {
    std::string report(options.dump_passes ? size_t{64} << 20 : size_t{1} << 20, '\0');
    size_t needed = 0;
    auto done = detail::done([&](wb_error *err) {
        return wb_bundle_compile(report.data(), report.size(), &needed, engine.get(), path.c_str(),
                                 options.precisions.c_str(), options.dump_passes, err);
    });
    if (!done) return std::move(done).error();
    report.resize(needed ? needed - 1 : 0);
    return report;
}

/// What a bundle says of itself, as JSON, after its manifest and digests were checked. No model is run.
inline Expected<std::string> inspect(const std::string &path) {
    return detail::text_of([&](char *out, size_t capacity, size_t *needed, wb_error *err) {
        return wb_bundle_inspect(out, capacity, needed, path.c_str(), err);
    });
}

/// What verification found: the report as JSON, and the error where it failed (the report may then be empty).
struct Verification {
    std::string report;
    Expected<void> outcome;
};

/// Checks digests and manifest, loads the model and reproduces the golden vectors.
inline Verification verify(const Engine &engine, const std::string &path, const LoadOptions &options = {}) {
    Verification found;
    auto load = detail::load_handle(options);
    if (!load) {
        found.outcome = std::move(load).error();
        return found;
    }
    found.report.assign(16384, '\0');
    size_t needed = 0;
    auto run = [&] {
        found.outcome = detail::done([&](wb_error *err) {
            return wb_bundle_verify(found.report.data(), found.report.size(), &needed, engine.get(), path.c_str(),
                                    load->get(), err);
        });
    };
    run();
    if (needed > found.report.size()) {
        found.report.assign(needed, '\0');
        run();
    }
    found.report.resize(needed && needed <= found.report.size() ? needed - 1 : 0);
    return found;
}

}  // namespace v0
}  // namespace weighbridge
