// SPDX-License-Identifier: Apache-2.0
// The same payment, the same bits: many rows alone, in batches of any size, on four threads and at every CPU level.
#include <cstdlib>
#include <cstring>
#include <thread>

#include "backend/native/native.hpp"
#include "support/catch.hpp"
#include "support/levels.hpp"
#include "support/plans.hpp"
#include "support/random_graph.hpp"
#include "support/sanitized.hpp"

using namespace weighbridge;
using namespace weighbridge::lib;

namespace {

int64_t all_rows() { return std::getenv("WB_FULL") ? 10000 : test::kSanitized ? 200 : 1000; }

// Scores of all rows of a plan with one output a row, in runs of `batch` rows at most, on four threads.
std::vector<float> score(const std::shared_ptr<const Plan> &plan, int32_t precision, native::Level level,
                         const std::vector<float> &numbers, int64_t width, int64_t batch) {
    const int64_t rows = static_cast<int64_t>(numbers.size()) / width;
    auto program = make_native_program(plan, precision, level, {"numbers"});
    REQUIRE(program);
    std::vector<float> scores(static_cast<size_t>(rows));
    std::vector<std::thread> threads;
    std::atomic<int64_t> next{0};
    std::atomic<bool> failed{false};
    for (int thread = 0; thread < 4; ++thread)
        threads.emplace_back([&, thread] {
            auto executor =
                lib::make_lone_executor(**program, thread, std::min<int64_t>(batch, (*program)->tile_rows()));
            for (;;) {
                const int64_t begin = next.fetch_add(batch), end = std::min(rows, begin + batch);
                if (begin >= rows) return;
                // A batch larger than the tile goes in tiles, as Model::score has it.
                for (int64_t row = begin; row < end;) {
                    const int64_t count = std::min((*program)->tile_rows(), end - row);
                    const TensorView view{DType::float32, {2, {count, width}}, numbers.data() + row * width};
                    float *out = scores.data() + row;
                    Run run;
                    run.inputs = {&view, 1};
                    run.outputs = {&out, 1};
                    run.rows = count;
                    if (!(*executor)->run(run).ok()) failed = true;
                    row += count;
                }
            }
        });
    for (std::thread &thread : threads) thread.join();
    REQUIRE_FALSE(failed);
    return scores;
}

}  // namespace

TEST_CASE("many rows have the same bits in batches of 1, 2, 7, 64 and 513, on four threads, at each level") {
    constexpr int64_t kWidth = 67;
    test::GraphBuilder build;
    auto x = build.input(0, DType::float32, {Extent::rows(), Extent::of(kWidth)});
    x = build.linear(x, 130, test::fixed_numbers(130 * kWidth, 1, 0.2f), test::fixed_numbers(130, 2), Activation::gelu);
    x = build.linear(x, 65, test::fixed_numbers(65 * 130, 3, 0.2f), test::fixed_numbers(65, 4), Activation::relu);
    x = build.add(Op::layer_norm,
                  {x, build.floats({65}, test::fixed_numbers(65, 5)), build.floats({65}, test::fixed_numbers(65, 6))},
                  {.epsilon = 1e-5});
    x = build.linear(x, 1, test::fixed_numbers(65, 7), {0.25f}, Activation::sigmoid);
    build.output(build.add(Op::reshape, {x}, {.shape = {Extent::rows()}}));
    const auto plan = build.plan({WB_PRECISION_FP32, WB_PRECISION_INT8});
    const std::vector<float> numbers = test::fixed_numbers(all_rows() * kWidth, 8, 3.0f);
    for (int32_t precision : plan->precisions()) {
        std::vector<float> expected;
        for (native::Level level : test::cpu_levels())
            for (int64_t batch : {1, 2, 7, 64, 513}) {
                CAPTURE(precision, native::name_of(level), batch);
                const auto found = score(plan, precision, level, numbers, kWidth, batch);
                if (expected.empty()) expected = found;
                REQUIRE(std::memcmp(found.data(), expected.data(), found.size() * sizeof(float)) == 0);
            }
    }
}
