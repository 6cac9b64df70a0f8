// SPDX-License-Identifier: Apache-2.0
// One step of a recurrence, sixteen units at a time: gates, then the new state. The products are linear layers.
#pragma once

namespace weighbridge::lib::native::WB_LEVEL {

// Sixteen units of one row, or what is left of them.
struct Units {
    const float *x, *a, *before;  // a and before may be null: 0
    float *y;
    int64_t width, here;

    WB_INLINE F take(const float *from, int64_t part) const {
        if (!from) return set(0.0f);
        return here >= 16 ? load(from + part * width) : load_n(from + part * width, here);
    }
    WB_INLINE F input(int64_t part) const { return take(x, part); }
    WB_INLINE F product(int64_t part) const { return take(a, part); }
    WB_INLINE F gate(int64_t part) const { return add(input(part), product(part)); }
    WB_INLINE F state(int64_t part) const { return take(before, part); }
    WB_INLINE void give(int64_t part, F value) const {
        here >= 16 ? store(y + part * width, value) : store_n(y + part * width, value, here);
    }
};

template <class Step>
WB_INLINE void each_unit(const Gates &g, Step step) {
    for (int64_t row = 0; row < g.rows; ++row)
        for (int64_t i = 0; i < g.width; i += 16)
            step(Units{g.x + row * g.x_stride + i, g.a ? g.a + row * g.a_stride + i : nullptr,
                       g.before ? g.before + row * g.before_stride + i : nullptr, g.y + row * g.y_stride + i, g.width,
                       g.width - i});
}

static void gates(const Gates &g) noexcept {
    switch (g.cell) {
        case Recurrence::lstm:
            return each_unit(g, [](const Units &u) WB_LAMBDA {
                const F c = fma(sigmoid(u.gate(1)), u.state(1), mul(sigmoid(u.gate(0)), tanh(u.gate(2))));
                u.give(1, c);
                u.give(0, mul(sigmoid(u.gate(3)), tanh(c)));
            });
        case Recurrence::gru:
            return each_unit(g, [](const Units &u) WB_LAMBDA {
                const F n = tanh(fma(sigmoid(u.gate(0)), u.product(2), u.input(2)));
                u.give(0, fma(sigmoid(u.gate(1)), sub(u.state(0), n), n));
            });
        case Recurrence::tanh:
            return each_unit(g, [](const Units &u) WB_LAMBDA { u.give(0, tanh(u.gate(0))); });
        case Recurrence::relu:
            return each_unit(g, [](const Units &u) WB_LAMBDA { u.give(0, relu(u.gate(0))); });
    }
}

}  // namespace weighbridge::lib::native::WB_LEVEL
