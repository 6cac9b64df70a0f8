// SPDX-License-Identifier: Apache-2.0
// Linear layers of random sizes, views and epilogues, for the tests of their device kernels.
#pragma once

#include <vector>

#include "cuda/device_run.hpp"
#include "plan/panels.hpp"

namespace cuda_kernels {

using weighbridge::lib::panel_columns;

struct Size {
    int64_t most_sequences, most_length, k, n;
};

inline std::vector<Size> layer_sizes(uint64_t seed) {
    Random random(seed);
    std::vector<Size> all = {{1, 1, 1, 1}, {3, 40, 33, 65}, {5, 9, 16, 32}, {2, 70, 100, 130}, {4, 30, 64, 128}};
    for (int64_t i = 1; i <= 36; ++i) all.push_back({4, 12, i, random.between(1, 140)});
    for (int64_t i = 1; i <= 36; i += 5) all.push_back({4, 12, random.between(1, 60), i});
    all.push_back({2, 5, 1030, 33});
    return all;
}

// The rows, views and epilogue of a layer, and where its twin finds them.
struct Layer {
    Packed run;
    Terms count;
    RowsOf x, y, residual;
    Guarded<float> residual_data, expected, found, bias;
    Epilogue epilogue;
    bool has_bias;

    Layer(Random &random, Size s)
        : run(some_lengths(random, s.most_sequences, s.most_length)),
          count(random.between(0, 3) ? Terms{0, 1, 0} : Terms{random.between(1, 3), 0, 0}),
          x(random, run, count, {s.k, 0, 0}, random.between(0, 1) == 0, random.between(0, 1) * 3),
          y(random, run, count, {s.n, 0, 0}, random.between(0, 1) == 0),
          residual(random, run, count, {s.n, 0, 0}, random.between(0, 1) == 0),
          residual_data(residual.elements),
          expected(y.elements),
          found(y.elements),
          bias(panel_columns(s.n)),
          has_bias(random.between(0, 3) != 0) {
        fill(random, residual_data);
        fill(random, bias);
        expected.fill(-7.0f);
        epilogue.activation = static_cast<Activation>(random.between(0, 7));
        epilogue.slope = 0.1f;
        epilogue.adds = random.between(0, 1) == 0;
        if (epilogue.adds) epilogue.residual = residual.on(residual_data.data());
    }
    Rows rows(int64_t width) { return {run.run(), count, {width, 0, 0}}; }
    kernel::Epilogue of(size_t row) {
        return {epilogue.activation, epilogue.slope, epilogue.adds ? residual_data.data() + residual.at[row] : nullptr,
                0};
    }
};

}  // namespace cuda_kernels
