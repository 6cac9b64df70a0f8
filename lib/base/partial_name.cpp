// SPDX-License-Identifier: Apache-2.0
#include "base/partial_name.hpp"

#include <time.h>
#include <unistd.h>

#include "base/format.hpp"

namespace weighbridge::lib {
namespace {

constexpr std::string_view kMark = ".partial-";

}  // namespace

std::string partial_name(std::string_view name) {
    struct timespec now {};
    ::clock_gettime(CLOCK_REALTIME, &now);
    return formatted("{}{}{}-{}", name, kMark, ::getpid(), int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec);
}

std::string_view partial_of(std::string_view name) {
    const size_t at = name.rfind(kMark);
    if (at == name.npos) return {};
    const std::string_view numbers = name.substr(at + kMark.size());
    const bool counted = !numbers.empty() && numbers.find_first_not_of("0123456789-") == numbers.npos;
    return counted ? name.substr(0, at) : std::string_view();
}

}  // namespace weighbridge::lib
