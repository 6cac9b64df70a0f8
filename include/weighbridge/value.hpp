// SPDX-License-Identifier: Apache-2.0
/// @file
/// Which C++ types stand for which feature types, and how a value is stored. Used by rows, bindings and batches.
#pragma once

#include <charconv>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <optional>
#include <ranges>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "weighbridge/c/batch.h"
#include "weighbridge/schema.hpp"

namespace weighbridge {
inline namespace v0 {
namespace detail {

template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;

template <class T>
inline constexpr bool is_time = false;
template <class Rep, class Period>
inline constexpr bool is_time<std::chrono::time_point<std::chrono::system_clock, std::chrono::duration<Rep, Period>>> =
    std::integral<Rep>;

template <class T>
concept Text = std::convertible_to<const T &, std::string_view>;

template <class T>
concept Number = std::integral<T> || std::floating_point<T>;

/// A value of its own: a number, a bool, or a time of system_clock.
template <class T>
concept Scalar = Number<T> || is_time<T>;

template <class T>
concept Sequence = !Text<T> && std::ranges::sized_range<const T> &&
                   (Scalar<std::ranges::range_value_t<const T>> || Text<std::ranges::range_value_t<const T>>);

/// What may be given to a feature.
template <class T>
concept Settable = Scalar<T> || Text<T> || Sequence<T>;

/// How messages call a C++ type.
template <class T>
std::string cpp_type_name() {
    if constexpr (is_optional<T>) {
        return "optional " + cpp_type_name<typename T::value_type>();
    } else if constexpr (std::same_as<T, bool>) {
        return "bool";
    } else if constexpr (std::integral<T>) {
        return (std::is_signed_v<T> ? "int" : "uint") + std::to_string(8 * sizeof(T));
    } else if constexpr (std::floating_point<T>) {
        return "float" + std::to_string(8 * sizeof(T));
    } else if constexpr (is_time<T>) {
        return "time_point";
    } else if constexpr (Text<T>) {
        return "string";
    } else {
        return "sequence of " + cpp_type_name<std::ranges::range_value_t<const T>>();
    }
}

inline bool is_text_type(int32_t type) noexcept { return type == WB_TYPE_CATEGORY || type == WB_TYPE_TEXT; }

/// Whether every value of the C++ type has exactly one stored value: what a binding asks for.
template <class T>
bool binds(int32_t type) noexcept {
    bool whole = type == WB_TYPE_INT64 || type == WB_TYPE_CODE || type == WB_TYPE_TIMESTAMP;
    if constexpr (std::same_as<T, bool>) {
        return type == WB_TYPE_BOOL;
    } else if constexpr (std::integral<T>) {
        bool fits = std::is_signed_v<T> || sizeof(T) < sizeof(int64_t);
        return (whole && fits) || (type == WB_TYPE_FLOAT64 && sizeof(T) <= 4) ||
               (type == WB_TYPE_FLOAT32 && sizeof(T) <= 2);
    } else if constexpr (std::floating_point<T>) {
        return (type == WB_TYPE_FLOAT64 && sizeof(T) <= 8) || (type == WB_TYPE_FLOAT32 && sizeof(T) <= 4);
    } else if constexpr (is_time<T>) {
        return type == WB_TYPE_TIMESTAMP;
    } else {
        return Text<T> && is_text_type(type);
    }
}

/// Whether the member of a struct fits the feature.
template <class M>
bool binds(const wb_feature_info &feature) noexcept {
    if constexpr (is_optional<M>) {
        return binds<typename M::value_type>(feature);
    } else if constexpr (Sequence<M>) {
        return feature.is_sequence && binds<std::ranges::range_value_t<const M>>(feature.type);
    } else {
        return !feature.is_sequence && binds<M>(feature.type);
    }
}

/// How a number or bool lies in memory (WB_ELEMENT_*); WB_ELEMENT_STORED for another type.
template <class T>
constexpr int32_t element_type() noexcept {
    if constexpr (std::same_as<T, bool>) {
        return sizeof(bool) == 1 ? WB_ELEMENT_BOOL : WB_ELEMENT_STORED;
    } else if constexpr (std::floating_point<T>) {
        return sizeof(T) == 4 ? WB_ELEMENT_FLOAT32 : sizeof(T) == 8 ? WB_ELEMENT_FLOAT64 : WB_ELEMENT_STORED;
    } else if constexpr (std::integral<T> && sizeof(T) <= 8) {
        constexpr int32_t own[] = {WB_ELEMENT_INT8,  WB_ELEMENT_INT16,  WB_ELEMENT_INT32,  WB_ELEMENT_INT64,
                                   WB_ELEMENT_UINT8, WB_ELEMENT_UINT16, WB_ELEMENT_UINT32, WB_ELEMENT_UINT64};
        constexpr size_t width = sizeof(T) == 1 ? 0 : sizeof(T) == 2 ? 1 : sizeof(T) == 4 ? 2 : 3;
        return own[width + (std::is_signed_v<T> ? 0 : 4)];
    } else {
        return WB_ELEMENT_STORED;
    }
}

/// Ticks of the feature's unit since 1970, rounded down; none where they do not fit 64 bits.
template <class Duration>
std::optional<int64_t> ticks(std::chrono::time_point<std::chrono::system_clock, Duration> at, int64_t per_second) {
    __extension__ using Wide = __int128;
    Wide wide = static_cast<Wide>(at.time_since_epoch().count()) * Duration::period::num * per_second;
    Wide unit = Duration::period::den;
    Wide whole = wide / unit - (wide % unit < 0 ? 1 : 0);
    if (whole < INT64_MIN || whole > INT64_MAX) return std::nullopt;
    return static_cast<int64_t>(whole);
}

template <class S, class T>
size_t put(void *out, T value) noexcept {
    S stored = static_cast<S>(value);
    std::memcpy(out, &stored, sizeof stored);
    return sizeof stored;
}

/// A number as int64; none where it is not whole or does not fit.
template <Number T>
std::optional<int64_t> whole(T value) noexcept {
    if constexpr (std::integral<T>) {
        if (!std::is_signed_v<T> && static_cast<uint64_t>(value) > static_cast<uint64_t>(INT64_MAX))
            return std::nullopt;
    } else {
        if (!(value >= T(-0x1p63) && value < T(0x1p63)) || static_cast<T>(static_cast<int64_t>(value)) != value)
            return std::nullopt;
    }
    return static_cast<int64_t>(value);
}

/// Writes a scalar as the feature stores it, at most 8 bytes: numbers rounded once to a float, as they are to an
/// integer where they are whole, to a bool where they are 0 or 1. @return bytes written; 0 where type or value does not
/// fit.
template <Scalar T>
size_t store(void *out, const wb_feature_info &feature, T value) noexcept {
    if constexpr (std::same_as<T, bool>) {
        return feature.type == WB_TYPE_BOOL ? put<unsigned char>(out, value ? 1 : 0) : 0;
    } else if constexpr (is_time<T>) {
        if (feature.type != WB_TYPE_TIMESTAMP) return 0;
        std::optional<int64_t> count = ticks(value, feature.ticks_per_second);
        return count ? put<int64_t>(out, *count) : 0;
    } else {
        if (feature.type == WB_TYPE_FLOAT64) return put<double>(out, value);
        if (feature.type == WB_TYPE_FLOAT32) return put<float>(out, value);
        if (is_text_type(feature.type)) return 0;
        std::optional<int64_t> integer = whole(value);
        if (!integer) return 0;
        if (feature.type != WB_TYPE_BOOL) return put<int64_t>(out, *integer);
        return *integer == 0 || *integer == 1 ? put<unsigned char>(out, *integer) : 0;
    }
}

/// Bytes of one stored element: in a row (texts are wb_span) or, with `view_bytes`, in a column.
inline size_t element_bytes(int32_t type, size_t text_bytes) noexcept {
    if (type == WB_TYPE_FLOAT32) return 4;
    if (type == WB_TYPE_BOOL) return 1;
    return is_text_type(type) ? text_bytes : 8;
}

/// A number as a message shows it.
template <Number T>
std::string number_text(T value) {
    char text[32];
    const auto end = [&] {
        if constexpr (std::integral<T> && !std::same_as<T, bool>)
            return std::to_chars(text, text + sizeof text, +value);
        else
            return std::to_chars(text, text + sizeof text, static_cast<double>(value));
    }();
    return std::string(text, end.ptr);
}

/// What a feature was given that it does not take: the number, where it takes numbers and not this one; else the type.
template <class T>
std::string given(const wb_feature_info &feature, const T &value) {
    if constexpr (Number<T> && !std::same_as<T, bool>)
        if (!feature.is_sequence && !is_text_type(feature.type))
            return feature.is_private ? "a number that it does not hold" : number_text(value);
    return cpp_type_name<T>();
}

inline Error mismatch(const wb_feature_info &feature, uint32_t index, const std::string &found) {
    return {WB_INVALID_INPUT,
            "feature '" + std::string(feature.name) + "': expected " + type_name(feature) + ", got " + found,
            static_cast<int32_t>(index), 0};
}

}  // namespace detail
}  // namespace v0
}  // namespace weighbridge
