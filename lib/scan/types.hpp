// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>
#include <vector>

namespace weighbridge::lib {

// "List[Tuple[int,Tensor]]" as a head and its parts. Blanks were taken out.
struct TypeText {
    std::string_view head;
    std::vector<std::string_view> parts;
};

// Takes a type's text apart by one level. The head is empty where brackets do not fit.
TypeText split_type(std::string_view text);

// Whether a text, as pickles state types, is one: names, points, brackets that nest at most kScanDepth deep. Not
// whether the names are known.
bool is_type_text(std::string_view text);

}  // namespace weighbridge::lib
