// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/expected.hpp"

namespace weighbridge::lib {

// Offsets from UTC over time: fixed, or a table of transitions that the bundle carries. The host's tzdata decides no
// score. Immutable and thread-safe.
class Zone {
  public:
    struct Transition {
        int64_t at;      // seconds since 1970-01-01 UTC
        int32_t offset;  // seconds east of UTC from then on
        bool operator==(const Transition &) const = default;
    };

    static std::shared_ptr<const Zone> fixed(int32_t offset_seconds);
    // WB_INVALID_BUNDLE where transitions do not ascend or an offset is beyond +-26 h.
    static Expected<std::shared_ptr<const Zone>> table(int32_t initial_offset, std::vector<Transition> transitions);

    // Reads a TZif file (RFC 8536, version 2 and later; its footer rule is expanded to the end of 2099, and the last
    // offset holds from then on). For `pack`. Files that count leap seconds ("right/...") are refused.
    static Expected<std::shared_ptr<const Zone>> from_tzif(ByteView file);
    // "", "UTC", "+05:30", "-03:00": a fixed zone, hours 00 to 23; null where the text is no such form.
    static std::shared_ptr<const Zone> from_text(std::string_view text);

    int32_t offset_at(int64_t utc_seconds) const;
    int32_t initial_offset() const { return initial_; }
    const std::vector<Transition> &transitions() const { return transitions_; }

  private:
    int32_t initial_ = 0;
    std::vector<Transition> transitions_;
};

}  // namespace weighbridge::lib
