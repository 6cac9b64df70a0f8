// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace weighbridge::lib {

// What Directory::replace() calls a file that is not whole yet: "<name>.partial-<process>-<nanoseconds>". A container's
// processes have the same few numbers, so that the time tells one from what a killed one left.
std::string partial_name(std::string_view name);

// The name that it is a part of; "" where `name` is no such name. "<name>.partial-<process>" is one too, as older
// libraries have it.
std::string_view partial_of(std::string_view name);

}  // namespace weighbridge::lib
