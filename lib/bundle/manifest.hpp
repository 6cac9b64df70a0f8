// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/expected.hpp"
#include "bundle/calibration.hpp"
#include "feature/encoder.hpp"
#include "feature/schema.hpp"

namespace weighbridge::lib {

inline constexpr const char *kModuleFile = "model.ts";

struct BundleIdentity {
    std::string name, version, created, owner, purpose, risk_tier, training_data_sha256, framework, not_after;
};

struct Output {
    enum class Activation { none, sigmoid, softmax };
    std::string name;
    struct Source {
        int64_t place = 0;  // in forward's tuple
        std::string key;    // in its dict, where it is not empty
        auto operator<=>(const Source &) const = default;
    } source;
    Shape shape;        // per batch: first size is kBatch, the others are known
    int64_t width = 1;  // floats a row
    Activation activation = Activation::none;
    bool activation_applied = false;  // forward has done it already
    bool primary = false;
    int64_t class_index = 0;  // which of a wide primary output is the score
    Calibration calibration;
    std::vector<Band> bands;  // of the primary output
};

struct Fallback {
    double score = 0.0;
    std::string slot;        // "" for none
    int64_t reserve_us = 0;  // time kept for that slot before the deadline
};

struct Tolerance {
    double absolute = 1e-5;
};

struct FileEntry {
    std::string sha256;  // 64 hex digits
    uint64_t bytes = 0;
};

// manifest.json as read: checked on its own, not yet against the other files. Its form is in lib/bundle/README.md.
struct Manifest {
    std::string requires_version;
    BundleIdentity identity;
    std::vector<Feature> features;
    std::vector<TensorSpec> tensors;
    std::vector<Output> outputs;
    Limits limits;
    Fallback fallback;
    std::map<std::string, Tolerance> tolerances;  // by precision
    std::map<std::string, FileEntry> files;       // by name
    std::string annotations;                      // the object's JSON text
    std::vector<std::string> warnings;            // of what can be meant, but hardly is; one line each
};

}  // namespace weighbridge::lib
