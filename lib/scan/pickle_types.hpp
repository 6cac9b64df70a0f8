// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <set>
#include <string>

#include "scan/pickle.hpp"
#include "scan/types.hpp"

namespace weighbridge::lib {

// Compares values with types. LibTorch sets an attribute, and tags a list or a dict, without looking at what is in it.
class PickleTypes {
  public:
    PickleTypes(PickleValues &values, const ModuleCode &code, ScanFindings &findings)
        : values_(values), code_(code), findings_(findings) {}

    // Whether the value at a place is of the type. A list or a dict has one type, whoever holds it: another one later
    // is no match, for it could be filled as the one and read as the other. The value borrows the type's text. False as
    // well after some 10 million comparisons, which Unions can come to, and where the scan was ended.
    bool matches(uint32_t place, std::string_view type);
    // The same of a list or dict that is tagged with its type, which LibTorch then knows as well.
    bool tag(uint32_t place, std::string_view type);

  private:
    bool all_match(const PickleValue &value, size_t first, size_t step, std::string_view type);
    template <class Types>
    bool fields_match(const PickleValue &value, const Types &types);
    bool matches_any(uint32_t place);
    bool matches_one(uint32_t place, const std::vector<std::string_view> &types);
    bool matches_container(uint32_t place, std::string_view type, const TypeText &text);
    bool matches_class(const PickleValue &value, const TypeText &text);

    bool hold(uint32_t place, std::string_view type);
    const TypeText &taken_apart(std::string_view type);

    PickleValues &values_;
    const ModuleCode &code_;
    ScanFindings &findings_;  // is asked whether to go on
    uint64_t comparisons_ = 0;
    std::vector<uint32_t> held_;                        // the places of lists and dicts, as they got their types
    std::set<std::string, std::less<>> tags_;           // types that pickles state, which values borrow
    std::map<std::string_view, TypeText> taken_apart_;  // borrows from them and from the code
};

}  // namespace weighbridge::lib
