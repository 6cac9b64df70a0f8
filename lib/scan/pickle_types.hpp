// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "scan/pickle.hpp"

namespace weighbridge::lib {

// Compares values with types. LibTorch sets an attribute, and tags a list or a dict, without looking at what is in it.
class PickleTypes {
  public:
    PickleTypes(const PickleValues &values, const ModuleCode &code) : values_(values), code_(code) {}

    // Whether the value is of the type; false as well after some 10 million comparisons, which shared lists can come
    // to.
    bool matches(const PickleValue &value, std::string_view type);

  private:
    bool all_match(const PickleValue &value, size_t first, size_t step, std::string_view type);

    const PickleValues &values_;
    const ModuleCode &code_;
    uint64_t comparisons_ = 0;
};

}  // namespace weighbridge::lib
