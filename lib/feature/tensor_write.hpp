// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "feature/encoder_plan.hpp"

namespace weighbridge::lib {

// Elements of tensors that are being filled.

inline int64_t bytes_of(DType dtype) { return static_cast<int64_t>(size_of(dtype)); }

template <class T>
void put(std::byte *at, T value) {
    std::memcpy(at, &value, sizeof value);
}

inline void put_number(DType dtype, std::byte *at, double value) {
    if (dtype == DType::float32)
        put(at, static_cast<float>(value));
    else
        put(at, value);
}

inline void put_index(DType dtype, std::byte *at, int64_t index) {
    switch (dtype) {
        case DType::float32:
            return put(at, static_cast<float>(index));
        case DType::float64:
            return put(at, static_cast<double>(index));
        case DType::int64:
            return put(at, index);
        case DType::int32:
            return put(at, static_cast<int32_t>(index));
        case DType::boolean:
            return put(at, static_cast<uint8_t>(index));
    }
}

inline void put_value(const ValuePlan &plan, const ValuePlace &target, std::byte *at, const Encoded &value) {
    switch (plan.result) {
        case ValuePlan::Result::number:
            return put_number(target.dtype, at, value.number[0]);
        case ValuePlan::Result::cyclic:
            put_number(target.dtype, at, value.number[0]);
            return put_number(target.dtype, at + bytes_of(target.dtype), value.number[1]);
        case ValuePlan::Result::index:
        case ValuePlan::Result::tokens:
            return put_index(target.dtype, at, value.index);
    }
}

inline Status absent(const Feature &feature, uint32_t index) {
    return Status::failure(WB_INVALID_INPUT, "feature '{}': expected a value, got none", feature.name)
        .with_feature(static_cast<int32_t>(index));
}

}  // namespace weighbridge::lib
