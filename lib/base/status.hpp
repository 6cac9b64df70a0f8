// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstring>

#include "base/format.hpp"
#include "weighbridge/c/base.h"

namespace weighbridge::lib {

// How a call ended. Holds its message inline, so that making, moving and dropping one never allocates: the path that
// sheds load and the path that refuses a bad row stay free of the allocator.
class [[nodiscard]] Status {
  public:
    Status() noexcept { message[0] = 0; }
    Status(const Status &other) noexcept { *this = other; }
    Status &operator=(const Status &other) noexcept {
        code = other.code;
        feature = other.feature;
        row = other.row;
        std::memmove(message, other.message, std::strlen(other.message) + 1);
        return *this;
    }

    // A failure with a formatted message, cut at 255 bytes (never inside a UTF-8 sequence).
    template <class... Values>
    static Status failure(int32_t code, TextFormat<Values...> format, const Values &...values) {
        const TextValue list[] = {values..., 0};
        Status status;
        status.code = code;
        status.message[write_text(status.message, sizeof status.message - 1, format.text, list)] = 0;
        return status;
    }

    bool ok() const { return code >= 0; }

    Status &with_feature(int32_t index) {
        feature = index;
        return *this;
    }
    Status &at_row(int64_t index) {
        row = index;
        return *this;
    }

    int32_t code = WB_OK;
    int32_t feature = -1;  // index of the feature to blame, -1 for none
    int64_t row = -1;      // index of the row to blame, -1 for none
    char message[256];     // ends with NUL; what follows is not written, as clearing it would cost more than reading a
                           // feature
};

}  // namespace weighbridge::lib
