// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "weighbridge/c/schema.h"

namespace weighbridge::lib {

enum class DType : int32_t {
    float32 = WB_DTYPE_FLOAT32,
    float64 = WB_DTYPE_FLOAT64,
    int64 = WB_DTYPE_INT64,
    int32 = WB_DTYPE_INT32,
    boolean = WB_DTYPE_BOOL,
};

size_t size_of(DType dtype);
std::string_view name_of(DType dtype);  // "float32", ... as in the manifest

inline constexpr int kMaxRank = 8;
inline constexpr int64_t kBatch = -1;  // symbolic sizes, as wb_tensor_info documents them
inline constexpr int64_t kLength = -2;
inline constexpr int64_t kTokens = -3;

struct Shape {
    int32_t rank = 0;
    std::array<int64_t, kMaxRank> size{};

    // Product of the sizes; all must be known (not symbolic). 1 for rank 0.
    int64_t elements() const;
    bool operator==(const Shape &) const = default;
};

// A dense row-major tensor in somebody else's memory.
struct TensorView {
    DType dtype = DType::float32;
    Shape shape;
    const void *data = nullptr;
};

// Zeroed memory aligned to 64 bytes, freed with the object. Empty after a failed allocation (std::bad_alloc is thrown).
class AlignedBuffer {
  public:
    AlignedBuffer() = default;
    explicit AlignedBuffer(size_t bytes);
    ~AlignedBuffer();
    AlignedBuffer(AlignedBuffer &&other) noexcept;
    AlignedBuffer &operator=(AlignedBuffer &&other) noexcept;

    std::byte *data() { return data_; }
    const std::byte *data() const { return data_; }
    size_t size() const { return size_; }

  private:
    std::byte *data_ = nullptr;
    size_t size_ = 0;
};

}  // namespace weighbridge::lib
