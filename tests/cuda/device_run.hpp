// SPDX-License-Identifier: Apache-2.0
// What the tests of the device kernels share: packed runs in memory, random views of rows, launches in three orders.
#pragma once

#include <cstdint>
#include <numeric>
#include <vector>

#include "backend/cuda/arguments.hpp"
#include "support/catch.hpp"
#include "support/cuda_sim/kernels.hpp"
#include "unit/backend/native_kernels.hpp"

namespace cuda_kernels {

using namespace weighbridge::lib::cuda;
using native_kernels::first_difference;
using native_kernels::Guarded;
using native_kernels::Random;
using native_kernels::same;
namespace kernel = weighbridge::lib::kernel;
using weighbridge::lib::Activation;
using weighbridge::lib::Range;

// In guarded memory, so that nothing is read past the last sequence.
class Packed {
  public:
    explicit Packed(std::vector<int64_t> of)
        : lengths(std::move(of)), count_(1), offsets_(size() + 1), squares_(size() + 1), faults(size()) {
        count_[0] = size();
        offsets_[0] = squares_[0] = 0;
        for (int64_t i = 0; i < size(); ++i) {
            const int64_t length = lengths[static_cast<size_t>(i)];
            offsets_[i + 1] = offsets_[i] + length;
            squares_[i + 1] = squares_[i] + length * length;
            faults[i] = 0;
        }
    }

    int64_t size() const { return static_cast<int64_t>(lengths.size()); }
    int64_t length(int64_t i) const { return lengths[static_cast<size_t>(i)]; }
    // Of all sequences before i, or of all.
    int64_t sum(const Terms &terms, int64_t i) { return terms.a * i + terms.b * offsets_[i] + terms.c * squares_[i]; }
    int64_t sum(const Terms &terms) { return sum(terms, size()); }
    Sequences run() { return {count_.data(), offsets_.data(), squares_.data(), faults.data()}; }

    const std::vector<int64_t> lengths;

  private:
    Guarded<int64_t> count_, offsets_, squares_;

  public:
    Guarded<int32_t> faults;
};

inline std::vector<int64_t> some_lengths(Random &random, int64_t most_sequences, int64_t most) {
    std::vector<int64_t> lengths(static_cast<size_t>(random.between(1, most_sequences)));
    for (int64_t &length : lengths) length = random.between(0, 9) == 0 ? 0 : random.between(1, most);
    return lengths;
}

inline int64_t value(const Terms &terms, int64_t length) {
    return terms.a + terms.b * length + terms.c * length * length;
}

// Rows of a run by a random view: merged, or with gaps, offsets and strides that depend on the length.
struct RowsOf {
    RowView view;
    std::vector<int64_t> at;  // where each row begins, in elements
    int64_t elements = 0;

    // `count` is a number of rows or L of them.
    RowsOf(Random &random, Packed &run, const Terms &count, const Terms &width, bool merged, int64_t gap = 3) {
        view.merged = merged;
        view.view.offset = {random.between(0, gap), merged ? 0 : random.between(0, 1), 0};
        view.stride = {width.a + random.between(0, gap), merged ? 0 : width.b + random.between(0, 1), 0};
        Terms &piece = view.view.piece;
        piece = view.view.offset;
        piece.a += count.a * view.stride.a;
        piece.b += count.a * view.stride.b + count.b * view.stride.a;
        piece.c += count.b * view.stride.b;
        if (merged) piece = {0, 0, 0};
        for (int64_t i = 0, row = 0; i < run.size(); ++i)
            for (int64_t r = 0; r < value(count, run.length(i)); ++r, ++row) {
                const int64_t l = run.length(i), stride = value(view.stride, l), offset = value(view.view.offset, l);
                at.push_back(merged ? offset + row * stride : run.sum(piece, i) + offset + r * stride);
                elements = std::max(elements, at.back() + value(width, l));
            }
    }
    RowView on(const void *base) const {
        RowView there = view;
        there.view.base = const_cast<void *>(base);
        return there;
    }
};

// Elements that are specials now and then.
inline void fill(Random &random, Guarded<float> &x, int64_t one_special_in = 0) {
    const float specials[] = {NAN, INFINITY, -INFINITY, 0.0f, -0.0f, 1e-40f, -1e-44f, 3e38f};
    for (int64_t i = 0; i < x.size(); ++i)
        x[i] =
            one_special_in && random.between(0, one_special_in) == 0 ? specials[random.between(0, 7)] : random.normal();
}

inline cuda_sim::Dim some_blocks(Random &random) {
    return {static_cast<unsigned>(random.between(1, 5)), static_cast<unsigned>(random.between(1, 3)),
            static_cast<unsigned>(random.between(1, 3))};
}

// Launches by name, in an order of the threads that turns with each call.
template <class Arguments>
void launch(const char *name, const Arguments &arguments, cuda_sim::Dim blocks, int64_t shared_bytes,
            cuda_sim::Order order, uint64_t seed = 1) {
    const cuda_sim::Kernel *found = cuda_sim::find_kernel(name);
    REQUIRE(found);
    REQUIRE(found->argument_bytes == sizeof(Arguments));
    found->launch(&arguments, {blocks, {found->threads, 1, 1}, static_cast<size_t>(shared_bytes), order, seed});
}

// Runs a kernel in each order of threads, on a random grid, and holds what it wrote to y with what its twin gave. y is
// -7 before, so that what must not be written shows too.
template <class Arguments>
void check(Random &random, const char *name, const Arguments &arguments, int64_t shared_bytes, Guarded<float> &expected,
           Guarded<float> &found) {
    for (auto order : {cuda_sim::Order::ascending, cuda_sim::Order::descending, cuda_sim::Order::shuffled}) {
        found.fill(-7.0f);
        const cuda_sim::Dim blocks = some_blocks(random);
        launch(name, arguments, blocks, shared_bytes, order, random.bits());
        const int64_t at = first_difference(expected.data(), found.data(), found.size());
        if (at < 0) continue;
        CAPTURE(name, static_cast<int>(order), at, expected[at], found[at], blocks.x);
        FAIL("bits differ from the twin's");
    }
}

}  // namespace cuda_kernels
