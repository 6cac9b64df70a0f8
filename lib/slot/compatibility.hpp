// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/expected.hpp"
#include "bundle/manifest.hpp"

namespace weighbridge::lib {

// What the callers of a slot rely on: what they may hand in and what they get back. README.md says what of it a swap
// must keep, and what it may widen.
class Promise {
  public:
    // What a model promises.
    explicit Promise(const Manifest &manifest);

    // Adds what `before` has and this one lacks, as withdrawn: a later model may go on without it, but whatever it has
    // under the same name or in the same place must be what those callers know.
    void remember(const Promise &before);

    // Whether callers who rely on this promise survive a swap to `next`. WB_SCHEMA_CHANGED names the first difference
    // that they would not. On success the list says in words what they gain: "feature 'extra'", "a default of 'age'".
    Expected<std::vector<std::string>> compare(const Promise &next) const;

    // Whether a fallback slot's model that promises `other` can answer for rows of this one: what they hold and their
    // bands are the same. WB_SCHEMA_CHANGED names the first difference.
    Status compare_fallback(const Promise &other) const;

  private:
    struct Input {
        Feature feature;
        bool withdrawn = false;
    };
    struct Result {
        std::string name;
        Shape shape;
        bool primary = false;
        int64_t class_index = 0;
        bool withdrawn = false;
    };

    const Input *find(std::string_view feature) const;
    Status compare_features(const Promise &next, std::vector<std::string> &gained) const;
    Status compare_outputs(const Promise &next, std::vector<std::string> &gained) const;
    Status compare_bands(const Promise &next, std::vector<std::string> &gained) const;
    Status compare_lengths(const Promise &next, std::vector<std::string> &gained) const;
    Status compare_texts(const Promise &next, std::vector<std::string> &gained) const;
    Status compare_shorter(const Promise &next, std::vector<std::string> &gained) const;

    std::vector<Input> features_;
    std::vector<Result> outputs_;     // by index
    std::vector<std::string> bands_;  // names, by index; empty where there are none
    bool bands_withdrawn_ = false;
    bool sequences_ = false;  // of the model itself
    bool texts_ = false;      // texts or category keys are text
    int64_t text_bytes_ = 0;  // of the longest that is taken
    int64_t least_ = 0;       // shortest sequence that the model takes
    int64_t longest_ = 0;     // sequence that is taken; INT64_MAX where longer ones are cut
    Shorter shorter_;         // who answers below least_
};

}  // namespace weighbridge::lib
