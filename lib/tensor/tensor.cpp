// SPDX-License-Identifier: Apache-2.0
#include "tensor/tensor.hpp"

#include <cstring>
#include <new>
#include <utility>

namespace weighbridge::lib {
namespace {

// A cache line of every CPU that is supported, and the width of an AVX-512 register.
constexpr std::align_val_t kAlignment{64};

}  // namespace

size_t size_of(DType dtype) {
    switch (dtype) {
        case DType::float32:
        case DType::int32:
            return 4;
        case DType::float64:
        case DType::int64:
            return 8;
        case DType::boolean:
            return 1;
    }
    return 0;
}

std::string_view name_of(DType dtype) {
    switch (dtype) {
        case DType::float32:
            return "float32";
        case DType::float64:
            return "float64";
        case DType::int64:
            return "int64";
        case DType::int32:
            return "int32";
        case DType::boolean:
            return "bool";
    }
    return "unknown";
}

int64_t Shape::elements() const {
    int64_t product = 1;
    for (int32_t i = 0; i < rank; ++i) product *= size[static_cast<size_t>(i)];
    return product;
}

AlignedBuffer::AlignedBuffer(size_t bytes) : size_(bytes) {
    if (bytes == 0) return;
    data_ = static_cast<std::byte *>(::operator new(bytes, kAlignment));
    std::memset(data_, 0, bytes);
}

AlignedBuffer::~AlignedBuffer() { ::operator delete(data_, kAlignment); }

AlignedBuffer::AlignedBuffer(AlignedBuffer &&other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

AlignedBuffer &AlignedBuffer::operator=(AlignedBuffer &&other) noexcept {
    if (this == &other) return *this;
    ::operator delete(data_, kAlignment);
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
    return *this;
}

}  // namespace weighbridge::lib
