// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace weighbridge::lib {

// A size that is known up to the rows of a run and the length L of their sequences:
// (batch ? rows : 1) * (terms[0] + terms[1] L + terms[2] L^2). Strides, offsets and element counts are extents too.
struct Extent {
    bool batch = false;
    std::array<int64_t, 3> terms{};

    static Extent of(int64_t number) { return {false, {number, 0, 0}}; }
    static Extent rows(int64_t times = 1) { return {true, {times, 0, 0}}; }
    static Extent length(int64_t times = 1, int64_t plus = 0) { return {false, {plus, times, 0}}; }

    bool known() const { return !batch && terms[1] == 0 && terms[2] == 0; }
    bool is(int64_t number) const { return known() && terms[0] == number; }
    // Modulo 2^64, so that crafted terms overflow nothing: graphs are checked to have sizes below kMaxElements.
    int64_t at(int64_t rows, int64_t length) const {
        const auto l = static_cast<uint64_t>(length);
        const auto t = [&](size_t i) { return static_cast<uint64_t>(terms[i]); };
        return static_cast<int64_t>(static_cast<uint64_t>(batch ? rows : 1) * (t(0) + (t(1) + t(2) * l) * l));
    }
    bool operator==(const Extent &) const = default;
};

// nullopt where the result is no extent (the square of rows, a cube of L, a sum of unlike terms) or overflows.
std::optional<Extent> operator*(const Extent &a, const Extent &b);
std::optional<Extent> operator+(const Extent &a, const Extent &b);
std::optional<Extent> operator-(const Extent &a, const Extent &b);
// a / b where it leaves no remainder for any rows and length.
std::optional<Extent> exact_quotient(const Extent &a, const Extent &b);

using Extents = std::vector<Extent>;
std::optional<Extent> product(const Extents &sizes);

std::string to_string(const Extent &extent);  // "batch", "2*length+1", "batch*12"
std::string to_string(const Extents &sizes);  // "[batch, length, 12]"

}  // namespace weighbridge::lib
