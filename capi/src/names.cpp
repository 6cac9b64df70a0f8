// SPDX-License-Identifier: Apache-2.0
#include <iterator>

#include "objects.hpp"
#include "weighbridge.h"

using namespace weighbridge;

namespace {

template <size_t N>
const char *name_in(const char *const (&names)[N], int32_t number) {
    return number >= 0 && number < static_cast<int32_t>(N) ? names[number] : "?";
}

constexpr const char *kReasons[] = {"none", "deadline", "overload", "backend", "short"};
constexpr const char *kBackends[] = {"none", "reference", "native", "torch", "torchscript", "cuda", "fake"};
constexpr const char *kPrecisions[] = {"none", "fp32", "bf16", "int8", "int8bf16", "fp16", "fake"};
constexpr const char *kTypes[] = {"?", "float32", "float64", "int64", "bool", "category", "code", "timestamp", "text"};
constexpr const char *kEvents[] = {"?",        "loaded",   "swapped", "refused", "fallback",
                                   "unloaded", "overload", "failed",  "warning", "closed"};
static_assert(std::size(kReasons) == WB_REASON_SHORT + 1 && std::size(kBackends) == WB_BACKEND_FAKE + 1);
static_assert(std::size(kPrecisions) == WB_PRECISION_FAKE + 1 && std::size(kTypes) == WB_TYPE_TEXT + 1);
static_assert(std::size(kEvents) == WB_LOG_CLOSED + 1);

}  // namespace

namespace weighbridge::capi {

const char *backend_name(int32_t backend) { return name_in(kBackends, backend); }

}  // namespace weighbridge::capi

extern "C" {

const char *wb_reason_name(int32_t reason) { return name_in(kReasons, reason); }

const char *wb_backend_name(int32_t backend) { return name_in(kBackends, backend); }

const char *wb_precision_name(int32_t precision) { return name_in(kPrecisions, precision); }

const char *wb_type_name(int32_t type) { return name_in(kTypes, type); }

const char *wb_event_name(int32_t event) { return name_in(kEvents, event); }

}  // extern "C"
