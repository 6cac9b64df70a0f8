// SPDX-License-Identifier: Apache-2.0
#include "feature/zone.hpp"

#include <algorithm>

namespace weighbridge::lib {
namespace {

// RFC 8536, section 3.2: an offset lies between -25 h and +26 h; one bound serves both sides.
constexpr int32_t kMostOffset = 26 * 3600;

bool is_offset(int32_t seconds) { return seconds >= -kMostOffset && seconds <= kMostOffset; }

}  // namespace

std::shared_ptr<const Zone> Zone::fixed(int32_t offset_seconds) {
    auto zone = std::make_shared<Zone>();
    zone->initial_ = offset_seconds;
    return zone;
}

Expected<std::shared_ptr<const Zone>> Zone::table(int32_t initial_offset, std::vector<Transition> transitions) {
    if (!is_offset(initial_offset))
        return Status::failure(WB_INVALID_BUNDLE, "zone: expected an initial offset in [{}, {}] seconds, got {}",
                               -kMostOffset, kMostOffset, initial_offset);
    for (size_t i = 0; i < transitions.size(); ++i) {
        if (!is_offset(transitions[i].offset))
            return Status::failure(WB_INVALID_BUNDLE,
                                   "zone: transition {}: expected an offset in [{}, {}] seconds, got {}", i,
                                   -kMostOffset, kMostOffset, transitions[i].offset);
        if (i > 0 && transitions[i].at <= transitions[i - 1].at)
            return Status::failure(WB_INVALID_BUNDLE, "zone: transition {}: expected a time after {}, got {}", i,
                                   transitions[i - 1].at, transitions[i].at);
    }
    auto zone = std::make_shared<Zone>();
    zone->initial_ = initial_offset;
    zone->transitions_ = std::move(transitions);
    return std::shared_ptr<const Zone>(std::move(zone));
}

std::shared_ptr<const Zone> Zone::from_text(std::string_view text) {
    if (text.empty() || text == "UTC") return fixed(0);
    if (text.size() != 6 || (text[0] != '+' && text[0] != '-') || text[3] != ':') return nullptr;
    const auto two_digits = [text](size_t at) {
        const bool digits = text[at] >= '0' && text[at] <= '9' && text[at + 1] >= '0' && text[at + 1] <= '9';
        return digits ? (text[at] - '0') * 10 + (text[at + 1] - '0') : 99;
    };
    const int32_t hours = two_digits(1), minutes = two_digits(4);
    if (hours > 23 || minutes > 59) return nullptr;
    const int32_t seconds = hours * 3600 + minutes * 60;
    return fixed(text[0] == '-' ? -seconds : seconds);
}

int32_t Zone::offset_at(int64_t utc_seconds) const {
    const auto after = std::upper_bound(transitions_.begin(), transitions_.end(), utc_seconds,
                                        [](int64_t wanted, const Transition &t) { return wanted < t.at; });
    return after == transitions_.begin() ? initial_ : after[-1].offset;
}

}  // namespace weighbridge::lib
