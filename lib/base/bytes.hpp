// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

namespace weighbridge::lib {

using Bytes = std::vector<std::byte>;
using ByteView = std::span<const std::byte>;

inline std::string_view as_text(ByteView bytes) { return {reinterpret_cast<const char *>(bytes.data()), bytes.size()}; }
inline ByteView as_bytes(std::string_view text) {
    return {reinterpret_cast<const std::byte *>(text.data()), text.size()};
}

// Reads a T from memory of any alignment.
template <class T>
T load_unaligned(const void *from) {
    T value;
    std::memcpy(&value, from, sizeof value);
    return value;
}

}  // namespace weighbridge::lib
