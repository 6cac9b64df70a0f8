// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <span>
#include <string_view>
#include <vector>

namespace weighbridge::lib {

// Memory at a multiple of 64 bytes, so that what a file keeps at such a place can be used where it lies.
template <class T>
struct LineAllocator {
    using value_type = T;
    static constexpr std::align_val_t kAlignment{64};
    LineAllocator() = default;
    template <class U>
    LineAllocator(const LineAllocator<U> &) {}
    T *allocate(size_t count) { return static_cast<T *>(::operator new(count * sizeof(T), kAlignment)); }
    void deallocate(T *memory, size_t) noexcept { ::operator delete(memory, kAlignment); }
    bool operator==(const LineAllocator &) const = default;
};

using Bytes = std::vector<std::byte, LineAllocator<std::byte>>;
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
