// SPDX-License-Identifier: Apache-2.0
// The device's kernels on rows against their twins, bit for bit: merged, by sequence, and of widths that follow
// lengths.
#include "backend/reference/twins.hpp"
#include "cuda/device_run.hpp"

namespace {

using namespace cuda_kernels;
namespace twins = weighbridge::lib::reference::twins;

// A run with rows of x and y; y's rows have `y_width` elements.
struct Case {
    Packed run;
    Terms count, width;
    RowsOf x, y;
    Guarded<float> x_data, expected, found;

    Case(Random &random, const Terms &of_width, const Terms &y_width, int64_t one_special_in)
        : run(some_lengths(random, 6, 12)),
          count(random.between(0, 2) ? Terms{0, random.between(1, 2), 0} : Terms{random.between(1, 3), 0, 0}),
          width(of_width),
          x(random, run, count, width, width.b == 0 && random.between(0, 1) == 0),
          y(random, run, count, y_width, y_width.b == 0 && random.between(0, 1) == 0),
          x_data(x.elements),
          expected(y.elements),
          found(y.elements) {
        fill(random, x_data, one_special_in);
        expected.fill(-7.0f);
    }
    Rows rows() { return {run.run(), count, width}; }
    size_t size() const { return x.at.size(); }
    const float *x_of(size_t row) { return x_data.data() + x.at[row]; }
    float *y_of(size_t row) { return expected.data() + y.at[row]; }
    int64_t width_of(size_t row) {
        int64_t i = 0;
        while (run.sum(count, i + 1) <= static_cast<int64_t>(row)) ++i;
        return value(width, run.length(i));
    }
};

// Fixed widths, and now and then one that grows with the length.
std::vector<Terms> widths() {
    std::vector<Terms> all = {{128, 0, 0}, {256, 0, 0}, {1000, 0, 0}, {0, 1, 0}, {3, 2, 0}, {1, 1, 0}};
    for (int64_t i = 1; i <= 40; ++i) all.push_back({i, 0, 0});
    return all;
}

}  // namespace

TEST_CASE("a device's layer_norm gives its twin's bits") {
    Random random(21);
    for (const Terms &width : widths()) {
        if (width.b != 0) continue;  // gamma and beta have one size
        Case c(random, width, width, random.between(0, 1) * 200);
        Guarded<float> gamma(width.a), beta(width.a);
        fill(random, gamma), fill(random, beta);
        const float *g = random.between(0, 2) ? gamma.data() : nullptr,
                    *b = random.between(0, 2) ? beta.data() : nullptr;
        for (size_t row = 0; row < c.size(); ++row)
            twins::layer_norm({c.x_of(row), 0, 1, width.a, g, b, 1e-5f, c.y_of(row), 0});
        CAPTURE(width.a, c.size(), c.x.view.merged, c.y.view.merged);
        check(random, "wb_layer_norm",
              LayerNorm{c.rows(), c.x.on(c.x_data.data()), g, b, 1e-5f, c.y.on(c.found.data())}, 0, c.expected,
              c.found);
    }
}

TEST_CASE("a device's softmax gives its twin's bits") {
    Random random(22);
    for (const Terms &width : widths()) {
        Case c(random, width, width, random.between(0, 1) * 200);
        for (size_t row = 0; row < c.size(); ++row)
            twins::softmax_last({c.x_of(row), 0, 1, c.width_of(row), c.y_of(row), 0});
        CAPTURE(width.a, width.b, c.size());
        check(random, "wb_softmax", Softmax{c.rows(), c.x.on(c.x_data.data()), c.y.on(c.found.data())}, 0, c.expected,
              c.found);
    }
}

TEST_CASE("a device's reductions along the last axis give their twins' bits") {
    Random random(23);
    for (const Terms &width : widths())
        for (auto reduction : {Reduction::sum, Reduction::mean, Reduction::max, Reduction::min}) {
            Case c(random, width, {1, 0, 0}, random.between(0, 1) * 50);
            for (size_t row = 0; row < c.size(); ++row) {
                const kernel::Reduce twin{c.x_of(row), 0, 1, c.width_of(row), c.y_of(row)};
                reduction == Reduction::max   ? twins::max_last(twin)
                : reduction == Reduction::min ? twins::min_last(twin)
                                              : twins::sum_last(twin);
                if (reduction == Reduction::mean) *c.y_of(row) = *c.y_of(row) / static_cast<float>(c.width_of(row));
            }
            CAPTURE(width.a, width.b, c.size(), static_cast<int>(reduction));
            check(random, "wb_reduce_last",
                  ReduceLast{c.rows(), reduction, c.x.on(c.x_data.data()), c.y.on(c.found.data())}, 0, c.expected,
                  c.found);
        }
}

TEST_CASE("a device's norms work in place") {
    Random random(24);
    const int64_t width = 37;
    Packed run({3, 0, 6, 4});
    const Rows rows{run.run(), {0, 1, 0}, {width, 0, 0}};
    Guarded<float> x(13 * width), expected(13 * width);
    const RowView view{{x.data(), {}, {}}, {width, 0, 0}, true};
    for (bool norm : {true, false}) {
        fill(random, x);
        norm ? twins::layer_norm({x.data(), width, 13, width, nullptr, nullptr, 1e-5f, expected.data(), width})
             : twins::softmax_last({x.data(), width, 13, width, expected.data(), width});
        norm ? launch("wb_layer_norm", LayerNorm{rows, view, nullptr, nullptr, 1e-5f, view}, {2, 1, 1}, 0,
                      cuda_sim::Order::descending)
             : launch("wb_softmax", Softmax{rows, view, view}, {2, 1, 1}, 0, cuda_sim::Order::descending);
        CAPTURE(norm);
        REQUIRE(first_difference(expected.data(), x.data(), x.size()) < 0);
    }
}

TEST_CASE("every operator of floats gives its twin's bits on a device") {
    Random random(25);
    for (auto op : kernel::kUnaries)
        for (const Terms &width : {Terms{1, 0, 0}, Terms{random.between(2, 40), 0, 0}, Terms{1, 2, 0}}) {
            Case c(random, width, width, 3);
            for (int64_t i = 0; i < c.x_data.size(); ++i)  // every size of numbers
                if (random.between(0, 1)) c.x_data[i] *= std::ldexp(1.0f, static_cast<int>(random.between(-40, 40)));
            const kernel::UnaryParams params{op == kernel::Unary::clamp ? -0.5f : 1.5f,
                                             op == kernel::Unary::clamp ? 0.75f : 20.0f};
            for (size_t row = 0; row < c.size(); ++row)
                twins::unary(op, params, c.x_of(row), c.y_of(row), c.width_of(row));
            CAPTURE(static_cast<int>(op), width.a, width.b);
            check(random, "wb_unary_rows",
                  UnaryRows{c.rows(), op, params, c.x.on(c.x_data.data()), c.y.on(c.found.data())}, 0, c.expected,
                  c.found);
        }
    for (auto op : kernel::kBinaries)
        for (int which = 0; which < 3; ++which) {
            const Terms width = which == 0 ? Terms{1, 1, 0} : Terms{random.between(1, 40), 0, 0};
            Case c(random, width, width, 4);
            const int64_t a_step = which == 1 ? 0 : 1, b_step = which == 2 ? 0 : 1;
            // The right operand: one row for all where the width is fixed, else the left one's rows.
            Guarded<float> row_of_all(64);
            fill(random, row_of_all, 6);
            const RowView shared{{row_of_all.data(), {}, {}}, {0, 0, 0}, true};
            for (size_t row = 0; row < c.size(); ++row)
                twins::binary(op, c.x_of(row), a_step, which ? row_of_all.data() : c.x_of(row), b_step, c.y_of(row),
                              c.width_of(row));
            CAPTURE(static_cast<int>(op), which);
            check(random, "wb_binary_rows",
                  BinaryRows{c.rows(), op, c.x.on(c.x_data.data()), which ? shared : c.x.on(c.x_data.data()),
                             c.y.on(c.found.data()), a_step, b_step},
                  0, c.expected, c.found);
        }
}

TEST_CASE("a device's embedding copies rows, and an id outside the table is its own sequence's fault") {
    Random random(26);
    for (int round = 0; round < 40; ++round) {
        const int64_t width = random.between(1, 70), entries = random.between(1, 9),
                      stride = width + random.between(0, 3);
        Case c(random, {width, 0, 0}, {width, 0, 0}, 0);
        RowsOf ids(random, c.run, c.count, {1, 0, 0}, round % 2 == 0);
        Guarded<float> table((entries - 1) * stride + width);
        fill(random, table, 50);
        Guarded<int64_t> id(ids.elements);
        id.fill(0);
        std::vector<int32_t> faults(static_cast<size_t>(c.run.size()), 0);
        for (int64_t i = 0, row = 0; i < c.run.size(); ++i)
            for (int64_t r = 0; r < value(c.count, c.run.length(i)); ++r, ++row) {
                int64_t &at = id[ids.at[static_cast<size_t>(row)]];
                at = random.between(0, 15) ? random.between(0, entries - 1) : random.between(0, 1) ? -1 : entries;
                if (at < 0 || at >= entries)
                    faults[static_cast<size_t>(i)] = 5;
                else
                    std::memcpy(c.y_of(static_cast<size_t>(row)), table.data() + at * stride,
                                static_cast<size_t>(width) * 4);
            }
        CAPTURE(round, width, entries, c.size());
        check(random, "wb_embedding",
              Embedding{c.rows(), table.data(), entries, stride, ids.on(id.data()), 5, c.y.on(c.found.data())}, 0,
              c.expected, c.found);
        for (int64_t i = 0; i < c.run.size(); ++i) REQUIRE(c.run.faults[i] == faults[static_cast<size_t>(i)]);
        // An earlier fault is kept.
        for (int64_t i = 0; i < c.run.size(); ++i) c.run.faults[i] = 3;
        launch("wb_embedding",
               Embedding{c.rows(), table.data(), entries, stride, ids.on(id.data()), 5, c.y.on(c.found.data())},
               {1, 1, 1}, 0, cuda_sim::Order::ascending);
        for (int64_t i = 0; i < c.run.size(); ++i) REQUIRE(c.run.faults[i] == 3);
    }
}
