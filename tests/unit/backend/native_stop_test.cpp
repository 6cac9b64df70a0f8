// SPDX-License-Identifier: Apache-2.0
// Deadlines and cancellation: a run ends with the right code at whichever poll they are seen, and never with a result.
#include <atomic>
#include <thread>

#include "backend/native/native.hpp"
#include "support/catch.hpp"
#include "support/levels.hpp"
#include "support/plans.hpp"
#include "support/random_graph.hpp"

namespace {

namespace lib = weighbridge::lib;
namespace test = weighbridge::test;
using lib::DType, lib::Extent, lib::Op;

// Each look at it is a nanosecond later: a deadline of n is seen by the nth poll.
class CountingClock final : public lib::Clock {
  public:
    int64_t now_ns() const override { return ++count_; }

  private:
    mutable int64_t count_ = 0;
};

std::unique_ptr<lib::Executor> executor(const test::GraphBuilder &build, lib::native::Level level,
                                        int32_t precision = WB_PRECISION_FP32, int64_t max_rows = 64) {
    auto program = lib::make_native_program(build.plan({precision}), precision, level, test::input_names(build.graph));
    REQUIRE(program);
    return *lib::make_lone_executor(**program, 0, max_rows);
}

// Products of every kind, wide enough to be asked about in the middle.
test::GraphBuilder busy() {
    test::GraphBuilder build;
    const auto x = build.input(0, DType::float32, {Extent::rows(), Extent::of(1), Extent::of(40), Extent::of(64)});
    const auto turned = build.add(Op::permute, {x}, {.order = {0, 1, 3, 2}});
    const auto product = build.add(Op::softmax, {build.add(Op::matmul, {x, turned})});
    const auto y = build.add(Op::attention, {x, x, build.add(Op::matmul, {product, x})}, {});
    const auto z = build.linear(y, 96, test::fixed_numbers(96 * 64, 1, 0.1f));
    build.output(build.add(Op::reduce_max, {build.add(Op::tanh, {z})}, {.axis = 2}));
    return build;
}

// A recurrence that is asked about between its steps.
test::GraphBuilder recurring() {
    test::GraphBuilder build;
    const auto x = build.input(0, DType::float32, {Extent::rows(), Extent::of(64), Extent::of(24)});
    const auto gates = build.linear(x, 4 * 160, test::fixed_numbers(4 * 160 * 24, 1, 0.1f));
    build.output(build.add(Op::recurrent, {gates, build.floats({4 * 160, 160}, test::fixed_numbers(4 * 160 * 160, 2))},
                           {.cell = lib::Recurrence::lstm}));
    return build;
}

// Operators that are one step, too much of one to be asked about before and after it alone.
std::vector<test::GraphBuilder> long_steps() {
    constexpr int64_t kPlaces = 2 << 20;
    const auto make = [](auto &&finish) {
        test::GraphBuilder build;
        const auto x = build.input(0, DType::float32, {Extent::rows(), Extent::of(3), Extent::of(1)});
        const auto wide = build.add(Op::expand, {x}, {.shape = {Extent::rows(), Extent::of(3), Extent::of(kPlaces)}});
        build.output(build.add(Op::slice, {finish(build, wide)}, {.axis = 2, .size = Extent::of(1)}));
        return build;
    };
    std::vector<test::GraphBuilder> made;
    made.push_back(make([](auto &build, auto wide) { return build.add(Op::tanh, {wide}); }));
    made.push_back(make([](auto &build, auto wide) { return build.add(Op::add, {wide, wide}); }));
    made.push_back(make([](auto &build, auto wide) { return build.add(Op::softmax, {wide}); }));
    made.push_back(make([](auto &build, auto wide) { return build.add(Op::cumsum, {wide}, {.axis = 1}); }));
    made.push_back(make([](auto &build, auto wide) { return build.add(Op::concat, {wide, wide}, {.axis = 1}); }));
    made.push_back(make([](auto &build, auto wide) { return build.add(Op::reduce_max, {wide}, {.axis = 1}); }));
    made.push_back(make([](auto &build, auto wide) {
        const auto whole = build.add(Op::cast, {wide}, {.dtype = DType::int64});
        return build.add(Op::cast, {build.add(Op::argmax, {whole}, {.axis = 1})}, {.dtype = DType::float32});
    }));
    return made;
}

}  // namespace

TEST_CASE("a step of much work is asked about within it", "[one-thread]") {
    for (const auto &build : long_steps()) {
        auto run = executor(build, test::cpu_levels().back(), WB_PRECISION_FP32, 1);
        const auto inputs = test::random_inputs(build.graph, 1, 0, 1);
        const auto right = *test::run(*run, build.graph, inputs.views, 1, 0);
        CAPTURE(lib::name_of(build.graph.node(static_cast<lib::ValueId>(build.graph.nodes().size() - 2)).op));
        // One poll before the step, one behind it, and more.
        CountingClock clock;
        CHECK(test::run(*run, build.graph, inputs.views, 1, 0, {&clock, nullptr, 3}).status().code ==
              WB_DEADLINE_EXCEEDED);
        CHECK(test::same_bits(*test::run(*run, build.graph, inputs.views, 1, 0), right));
    }
}

TEST_CASE("the largest of a place that is repeated is that place, however often it is") {
    constexpr int64_t kOften = int64_t{1} << 31;
    test::GraphBuilder build;
    const auto x = build.input(0, DType::float32, {Extent::rows(), Extent::of(1)});
    const auto wide = build.add(Op::expand, {x}, {.shape = {Extent::rows(), Extent::of(kOften)}});
    build.output(build.add(Op::cast, {build.add(Op::argmax, {wide}, {.axis = 1})}, {.dtype = DType::float32}));
    auto run = executor(build, lib::native::Level::portable);
    const auto inputs = test::random_inputs(build.graph, 3, 0, 1);
    CountingClock clock;
    CHECK(test::run(*run, build.graph, inputs.views, 3, 0, {&clock, nullptr, 10}));
}

TEST_CASE("a deadline at any poll ends the run with its code, and later ones change no bit", "[one-thread]") {
    for (const auto &build : {busy(), recurring(), test::mlp_graph(), test::transformer_graph()})
        for (lib::native::Level level : test::cpu_levels()) {
            auto run = executor(build, level);
            const int64_t rows = 3, length = 4;
            const auto inputs = test::random_inputs(build.graph, rows, length, 1);
            const auto right = *test::run(*run, build.graph, inputs.views, rows, length);
            int64_t polls = 1;
            for (; polls < 10000; ++polls) {
                CountingClock clock;
                auto found = test::run(*run, build.graph, inputs.views, rows, length, {&clock, nullptr, polls});
                if (found) {
                    REQUIRE(test::same_bits(*found, right));
                    break;
                }
                REQUIRE(found.status().code == WB_DEADLINE_EXCEEDED);
                REQUIRE(std::string_view(found.status().message) == "the deadline passed while the model ran");
            }
            REQUIRE(polls < 10000);
            REQUIRE(test::same_bits(*test::run(*run, build.graph, inputs.views, rows, length), right));
        }
}

TEST_CASE("a small product that sees a cancelled call does not pass for a result") {
    test::GraphBuilder build;
    const auto x = build.input(0, DType::float32, {Extent::rows(), Extent::of(3), Extent::of(3)});
    build.output(build.add(Op::matmul, {x, x}));
    auto run = executor(build, lib::native::Level::portable);
    const auto inputs = test::random_inputs(build.graph, 4, 0, 1);
    lib::CancelToken cancel;
    cancel.set(true);
    REQUIRE(test::run(*run, build.graph, inputs.views, 4, 0, {&lib::steady_clock(), &cancel, WB_NO_DEADLINE})
                .status()
                .code == WB_CANCELLED);
}

TEST_CASE("cancelled while it runs, and past its deadline, a large model leaves soon") {
    test::GraphBuilder build;
    auto x = build.input(0, DType::float32, {Extent::rows(), Extent::of(1024)});
    const auto weights = test::fixed_numbers(1024 * 1024, 1, 0.05f);
    for (int layer = 0; layer < 4; ++layer) x = build.linear(x, 1024, weights);
    build.output(x);
    const auto inputs = test::random_inputs(build.graph, 64, 0, 1);
    const lib::Clock &clock = lib::steady_clock();
    for (int32_t precision : {WB_PRECISION_FP32, WB_PRECISION_INT8}) {
        auto run = executor(build, test::cpu_levels().back(), precision);
        const int64_t began = clock.now_ns();
        const auto right = *test::run(*run, build.graph, inputs.views, 64, 0);
        const int64_t whole = clock.now_ns() - began;
        // Generous: machines that run tests are busy.
        const int64_t bound = 2'000'000'000 + whole;
        const int64_t deadline = clock.now_ns() + whole / 100;
        auto late = test::run(*run, build.graph, inputs.views, 64, 0, {&clock, nullptr, deadline});
        REQUIRE(late.status().code == WB_DEADLINE_EXCEEDED);
        REQUIRE(clock.now_ns() - deadline < bound);
        lib::CancelToken cancel;
        std::atomic<int64_t> set_at{0};
        std::thread other([&, from = clock.now_ns()] {
            while (clock.now_ns() < from + whole / 20) std::this_thread::yield();
            set_at = clock.now_ns();
            cancel.set(true);
        });
        lib::Status status;
        // A busy machine may let a run end before the other thread gets to its turn.
        while (status.ok())
            status = test::run(*run, build.graph, inputs.views, 64, 0, {&clock, &cancel, WB_NO_DEADLINE}).status();
        const int64_t left = clock.now_ns();
        other.join();
        REQUIRE(status.code == WB_CANCELLED);
        REQUIRE(left - set_at < bound);
        REQUIRE(test::same_bits(*test::run(*run, build.graph, inputs.views, 64, 0), right));
    }
}
