// SPDX-License-Identifier: Apache-2.0
#include "base/status_name.hpp"

#include "weighbridge/c/base.h"

namespace weighbridge::lib {
namespace {

struct Named {
    int32_t code;
    const char *name;
};

#define WB_NAME(code) \
    { code, #code }
constexpr Named kNames[] = {
    WB_NAME(WB_OK),
    WB_NAME(WB_OK_FALLBACK),
    WB_NAME(WB_OK_PARTIAL),
    WB_NAME(WB_INVALID_INPUT),
    WB_NAME(WB_INVALID_ARGUMENT),
    WB_NAME(WB_INVALID_HANDLE),
    WB_NAME(WB_BUSY),
    WB_NAME(WB_OVERLOADED),
    WB_NAME(WB_DEADLINE_EXCEEDED),
    WB_NAME(WB_CANCELLED),
    WB_NAME(WB_CLOSED),
    WB_NAME(WB_FORKED),
    WB_NAME(WB_INVALID_BUNDLE),
    WB_NAME(WB_IO_ERROR),
    WB_NAME(WB_SCHEMA_CHANGED),
    WB_NAME(WB_BACKEND_UNAVAILABLE),
    WB_NAME(WB_BACKEND_FAILED),
    WB_NAME(WB_OUT_OF_MEMORY),
    WB_NAME(WB_INTERNAL),
    WB_NAME(WB_BUFFER_TOO_SMALL),
    WB_NAME(WB_VERIFY_FAILED),
    WB_NAME(WB_NOT_LOADED),
    WB_NAME(WB_SCHEMA_MISMATCH),
    WB_NAME(WB_WOULD_WAIT),
    WB_NAME(WB_NOT_FOUND),
};
#undef WB_NAME

}  // namespace

const char *status_name(int32_t code) {
    for (const Named &named : kNames)
        if (named.code == code) return named.name;
    return "WB_UNKNOWN";
}

std::optional<int32_t> status_of(std::string_view name) {
    for (const Named &named : kNames)
        if (named.name == name) return named.code;
    return {};
}

}  // namespace weighbridge::lib
