// SPDX-License-Identifier: Apache-2.0
// Whole plans on the simulated device: the reference's bits, alone and packed, and nothing left behind.

#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <random>

#include "base/file.hpp"
#include "plan/panels.hpp"
#include "support/manual_clock.hpp"
#include "support/random_trees.hpp"
#include "support/sanitized.hpp"
#include "unit/backend/cuda/beside.hpp"

namespace {

namespace lib = weighbridge::lib;
namespace cuda = weighbridge::lib::cuda;
namespace test = weighbridge::test;
using lib::DType, lib::Extent, lib::Op;
using test::Beside, test::gpu, test::kTile, test::plan_of;

}  // namespace

TEST_CASE("an MLP on a device has the reference's bits", "[cuda]") {
    const test::SimulatedMachine machine;
    for (int32_t precision : test::kAllPrecisions) {
        CAPTURE(precision);
        Beside beside(test::mlp_graph(70, 96).plan(test::plan_precisions(precision)), precision, gpu(machine));
        INFO(beside.why_not());
        REQUIRE(beside.on_device());
        for (int64_t rows : {1, 2, 7, 24}) beside.require_rows(rows, 0, static_cast<uint32_t>(rows));
    }
}

TEST_CASE("a transformer on a device has the reference's bits, alone and packed", "[cuda]") {
    const test::SimulatedMachine machine;
    for (int32_t precision : test::kAllPrecisions) {
        CAPTURE(precision);
        Beside beside(test::transformer_graph(test::kSanitized ? 16 : 80, 140).plan(test::plan_precisions(precision)),
                      precision, gpu(machine));
        INFO(beside.why_not());
        REQUIRE(beside.on_device());
        beside.require_rows(1, 7, 1);
        beside.require_rows(5, 12, 2);
        beside.require_packed({7}, 1);
        beside.require_packed({3, 3, 3}, 2);
        beside.require_packed({1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, 3);
        beside.require_packed({140, 1, 139, 1, 40}, 4);
        beside.require_packed(std::vector<int64_t>(kTile, 1), 5);
    }
}

namespace {

// A read plan in every precision: weights that it has as panels of fp32 only are constants again.
std::shared_ptr<const lib::Plan> in_every_precision(const lib::Plan &plan) {
    lib::Graph graph = plan.graph();
    for (size_t i = 0; i < graph.constants().size(); ++i) {
        auto &constant = const_cast<lib::Constant &>(graph.constants()[i]);  // of this copy
        const float *panels = plan.weights(i).f32;
        if (!panels || constant.data) continue;
        const int64_t n = constant.shape[0], k = constant.shape[1];
        std::vector<float> weights(static_cast<size_t>(n * k));
        lib::unpack_f32(panels, n, k, weights.data(), k);
        constant = lib::Constant::copy(constant.dtype, constant.shape, weights.data());
    }
    auto made = lib::Plan::make(graph, {}, {std::begin(test::kAllPrecisions), std::end(test::kAllPrecisions)});
    INFO(made.status().message);
    REQUIRE(made);
    return *made;
}

}  // namespace

TEST_CASE("the examples' plans on a device have the reference's bits, alone and packed", "[cuda]") {
    const test::SimulatedMachine machine;
    for (const char *name : {"card-mlp", "card-transformer"}) {
        CAPTURE(name);
        auto file = lib::read_file(std::string(WB_EXAMPLES "/") + name + "/model.plan", 64 << 20);
        INFO(file.status().message);
        REQUIRE(file);
        auto plan = test::read_copy(*file);
        INFO(plan.status().message);
        REQUIRE(plan);
        for (int32_t precision : test::kAllPrecisions) {
            CAPTURE(precision);
            const bool own = (*plan)->has(precision);
            Beside beside(own ? *plan : in_every_precision(**plan), precision, gpu(machine));
            INFO(beside.why_not());
            REQUIRE(beside.on_device());
            beside.small_tables = true;
            const lib::Graph &graph = (*plan)->graph();
            beside.require_rows(1, graph.least_length, 1);
            if (lib::packed_input(graph) < 0)
                beside.require_rows(17, 0, 2);
            else
                beside.require_packed({graph.largest_length, graph.least_length, 3, 9, 3}, 2);
        }
    }
}

TEST_CASE("random graphs on a device have the reference's bits, alone and packed", "[cuda][one-thread]") {
    const test::SimulatedMachine machine;
    const int graphs = std::getenv("WB_FULL") ? 1000 : test::kSanitized ? 12 : 60;
    int on_device = 0;
    for (int seed = 0; seed < graphs; ++seed) {
        test::RandomGraphOptions options;
        options.all = false;
        options.sequences = seed % 2 == 1;
        options.least_length = seed % 3;
        const lib::Graph graph = test::random_graph(static_cast<uint32_t>(seed), options);
        CAPTURE(seed);
        INFO(graph.text());
        std::mt19937 random(static_cast<uint32_t>(seed));
        for (int32_t precision : test::kAllPrecisions) {
            cuda_sim::set_order(seed % 3);
            Beside beside(plan_of(graph, precision), precision, gpu(machine));
            if (!beside.on_device()) {
                WARN("seed " << seed << " stays on the CPU: " << beside.why_not());
                continue;
            }
            ++on_device;
            beside.require_rows(3, graph.largest_length > 0 ? graph.least_length + 2 : 0, 1);
            if (lib::packed_input(graph) < 0) continue;
            std::vector<int64_t> lengths{graph.largest_length, graph.least_length};
            const int64_t span = graph.largest_length - graph.least_length + 1;
            for (int i = 0; i < 3; ++i) lengths.push_back(graph.least_length + static_cast<int64_t>(random()) % span);
            beside.require_packed(lengths, 2);
        }
    }
    REQUIRE(on_device >= graphs * 39 / 10);
}

TEST_CASE("a plan with trees stays on the CPU, and says so", "[cuda]") {
    const test::SimulatedMachine machine;
    test::GraphBuilder build;
    const auto x = build.input(0, DType::float32, {Extent::rows(), Extent::of(5)});
    build.output(test::RandomTrees(1, 5, 3, 3, 1).operation(build, x));
    auto program =
        lib::make_cuda_program(build.plan(), WB_PRECISION_FP32, gpu(machine), test::input_names(build.graph));
    REQUIRE_FALSE(program);
    REQUIRE(program.status().code == WB_BACKEND_UNAVAILABLE);
    REQUIRE(std::string(program.status().message) == "trees: no device kernel, such a model runs on the CPU");
}

TEST_CASE("a plan that computes in float64 stays on the CPU, and one that casts an argument does not", "[cuda]") {
    const test::SimulatedMachine machine;
    for (bool computes : {true, false}) {
        CAPTURE(computes);
        test::GraphBuilder build;
        auto x = build.input(0, DType::float64, {Extent::rows(), Extent::of(5)});
        if (computes) x = build.add(Op::square, {x});
        build.output(build.add(Op::cast, {x}, {.dtype = DType::float32}));
        auto program =
            lib::make_cuda_program(build.plan(), WB_PRECISION_FP32, gpu(machine), test::input_names(build.graph));
        REQUIRE(program.ok() == !computes);
        if (computes)
            REQUIRE(std::string(program.status().message) ==
                    "square of float64: no device kernel, such a model runs on the CPU");
    }
}

TEST_CASE("an index outside its table fails a device's run by name, and the next run is right again", "[cuda]") {
    const test::SimulatedMachine machine;
    test::GraphBuilder build;
    const auto ids = build.input(0, DType::int64, {Extent::rows(), Extent::of(2)});
    const auto rows = build.add(Op::embedding, {build.floats({3, 2}, {1, 2, 3, 4, 5, 6}), ids});
    build.output(build.add(Op::reshape, {rows}, {.shape = {Extent::rows(), Extent::of(4)}}));
    auto program =
        lib::make_cuda_program(build.plan(), WB_PRECISION_FP32, gpu(machine), test::input_names(build.graph));
    REQUIRE(program);
    auto executor = *lib::make_lone_executor(**program, 0, kTile);
    std::vector<int64_t> chosen{0, 2, 1, 1};
    const std::vector<lib::TensorView> views{{DType::int64, {2, {2, 2}}, chosen.data()}};
    const test::Outputs right{{1, 2, 5, 6, 3, 4, 3, 4}};
    for (int64_t bad : {int64_t{3}, int64_t{-1}, INT64_MAX, INT64_MIN}) {
        REQUIRE(*test::run(*executor, build.graph, views, 2, 0) == right);
        chosen[3] = bad;
        auto failed = test::run(*executor, build.graph, views, 2, 0);
        REQUIRE(failed.status().code == WB_BACKEND_FAILED);
        REQUIRE(test::part_of(failed.status().message, "[0, 3)") == "[0, 3)");
        chosen[3] = 1;
    }
    REQUIRE(*test::run(*executor, build.graph, views, 2, 0) == right);
}

TEST_CASE("recurrences on a device have the reference's bits, alone and packed", "[cuda]") {
    const test::SimulatedMachine machine;
    for (lib::Recurrence cell :
         {lib::Recurrence::lstm, lib::Recurrence::gru, lib::Recurrence::tanh, lib::Recurrence::relu})
        for (int turn = 0; turn < 4; ++turn) {
            const bool heads = turn == 3, state = turn >= 2;
            const int64_t h = turn == 0 ? 5 : 70, gates = lib::gates_of(cell) * h, states = lib::states_of(cell) * h;
            test::GraphBuilder build(20);
            lib::Extents x{Extent::rows(), Extent::length(), Extent::of(gates)},
                first{Extent::rows(), Extent::of(states)};
            if (heads) {
                x.insert(x.begin() + 1, Extent::of(2));
                first.insert(first.begin() + 1, Extent::of(2));
            }
            std::vector<lib::ValueId> operands{build.input(0, DType::float32, x),
                                               build.floats({gates, h}, test::fixed_numbers(gates * h, 1, 0.2f))};
            if (turn % 2 == 1) operands.push_back(build.floats({gates}, test::fixed_numbers(gates, 2)));
            if (state) operands.push_back(build.input(1, DType::float32, first));
            const auto y = build.add(Op::recurrent, operands,
                                     {.bias = turn % 2 == 1, .cell = cell, .reverse = turn % 2 == 0, .state = state});
            build.output(build.add(Op::reduce_sum, {y}, {.axis = heads ? 2 : 1}));
            for (int32_t precision : test::kAllPrecisions) {
                CAPTURE(static_cast<int>(cell), turn, precision);
                Beside beside(build.plan(test::plan_precisions(precision)), precision, gpu(machine));
                INFO(beside.why_not());
                REQUIRE(beside.on_device());
                beside.require_rows(3, 7, 1);
                beside.require_packed({4, 0, 20, 1}, 2);
            }
        }
}

TEST_CASE("windows whose rows overlap have the reference's bits on a device", "[cuda]") {
    const test::SimulatedMachine machine;
    for (int64_t channels : {5, 64}) {
        test::GraphBuilder build(20);
        const auto x = build.input(0, DType::float32, {Extent::rows(), Extent::length(), Extent::of(channels)});
        const auto zeros = build.add(
            Op::full, {},
            {.dtype = DType::float32, .value = 0.0, .shape = {Extent::rows(), Extent::of(2), Extent::of(channels)}});
        const auto padded = build.add(Op::concat, {zeros, build.add(Op::tanh, {x})}, {.axis = 1});
        std::vector<lib::ValueId> parts;
        for (int64_t tap = 0; tap < 3; ++tap)
            parts.push_back(
                build.add(Op::slice, {padded}, {.axis = 1, .start = Extent::of(tap), .size = Extent::length()}));
        const auto weights = test::fixed_numbers(72 * 3 * channels, 1, 0.2f);
        const auto y = build.linear(build.add(Op::concat, parts, {.axis = 2}), 72, weights);
        build.output(build.add(Op::reduce_sum, {y}, {.axis = 1}));
        for (int32_t precision : {WB_PRECISION_FP32, WB_PRECISION_INT8}) {
            CAPTURE(channels, precision);
            Beside beside(build.plan({precision}), precision, gpu(machine));
            INFO(beside.why_not());
            REQUIRE(beside.on_device());
            beside.require_rows(3, 7, 1);
            beside.require_packed({4, 0, 20, 1}, 2);
        }
    }
}

TEST_CASE("a thousand loads leave nothing on the device", "[cuda]") {
    const test::SimulatedMachine machine;
    const auto device = gpu(machine);
    const auto build = test::mlp_graph();
    const auto plan = build.plan();
    const size_t objects = cuda_sim::objects(), bytes = cuda_sim::device_bytes(0);
    for (int i = 0; i < (test::kSanitized ? 50 : 1000); ++i) {
        auto program = lib::make_cuda_program(plan, WB_PRECISION_FP32, device, test::input_names(build.graph));
        REQUIRE(program);
        REQUIRE(lib::make_lone_executor(**program, 0, 4));
    }
    REQUIRE(cuda_sim::objects() == objects);
    REQUIRE(cuda_sim::device_bytes(0) == bytes);
}

namespace {

// As on a device that has no room for graphs: work is started piece by piece.
void refuse_graphs() {
    for (uint64_t call = 1; call <= 64; ++call)
        cuda_sim::fail_call("cuGraphInstantiateWithFlags", call, cuda::kOutOfMemory);
}

// An MLP on both devices of a fresh machine, and the call or the work of the first that fails.
struct TwoDevices {
    explicit TwoDevices(bool graphs) : build(test::mlp_graph()), inputs(test::random_inputs(build.graph, 3, 0, 1)) {
        if (!graphs) refuse_graphs();
        first = on(0);
        second = on(1);
    }
    std::unique_ptr<lib::Executor> on(int ordinal) const {
        auto program = lib::make_cuda_program(build.plan(), WB_PRECISION_FP32, gpu(machine, ordinal),
                                              test::input_names(build.graph));
        REQUIRE(program);
        auto executor = lib::make_lone_executor(**program, 0, kTile);
        REQUIRE(executor);
        return *std::move(executor);
    }
    lib::Expected<test::Outputs> run(lib::Executor &executor, const lib::StopSource &stop = {}) const {
        return test::run(executor, build.graph, inputs.views, 3, 0, stop);
    }

    test::SimulatedMachine machine;
    test::GraphBuilder build;
    test::Inputs inputs;
    std::unique_ptr<lib::Executor> first, second;
};

}  // namespace

TEST_CASE("whatever call fails, a device's run says so, and the next device answers", "[cuda]") {
    for (bool graphs : {true, false}) {
        CAPTURE(graphs);
        test::Outputs expected;
        uint64_t failures = 0;
        for (uint64_t call = 1, reached = 1; reached > 0; ++call) {
            CAPTURE(call);
            const TwoDevices devices(graphs);
            if (call == 1) expected = *devices.run(*devices.second);
            const uint64_t before = cuda_sim::calls(nullptr);
            cuda_sim::fail_call(nullptr, call, cuda::kLaunchFailed);
            auto found = devices.run(*devices.first);
            reached = cuda_sim::calls(nullptr) - before >= call;
            if (found) {
                REQUIRE(test::same_bits(*found, expected));
            } else {
                ++failures;
                REQUIRE(found.status().code == WB_BACKEND_UNAVAILABLE);
                REQUIRE(test::part_of(found.status().message, "cuda:0") == "cuda:0");
            }
            if (reached > 0) REQUIRE(test::same_bits(*devices.run(*devices.second), expected));
        }
        REQUIRE(failures >= (graphs ? 3 : 12));
    }
}

TEST_CASE("whatever a device fails at, its run says so, and so does each one after", "[cuda]") {
    uint64_t work = 1;
    for (bool failed = true; failed; ++work) {
        CAPTURE(work);
        const TwoDevices devices(true);
        const auto expected = *devices.run(*devices.second);
        cuda_sim::fail_work(0, work, cuda::kIllegalAddress);
        auto found = devices.run(*devices.first);
        failed = !found;
        if (failed) {
            REQUIRE(test::part_of(found.status().message, "CUDA_ERROR_ILLEGAL_ADDRESS") ==
                    "CUDA_ERROR_ILLEGAL_ADDRESS");
            REQUIRE_FALSE(devices.run(*devices.first));
        } else {
            REQUIRE(test::same_bits(*found, expected));
        }
        REQUIRE(test::same_bits(*devices.run(*devices.second), expected));
    }
    REQUIRE(work > 10);
}

TEST_CASE("a device without room for graphs gives the same bits", "[cuda]") {
    const test::SimulatedMachine machine;
    const auto device = gpu(machine);
    refuse_graphs();
    Beside beside(test::transformer_graph(16, 40).plan(), WB_PRECISION_FP32, device);
    REQUIRE(cuda_sim::calls("cuGraphInstantiateWithFlags") > 0);
    beside.require_packed({3, 40, 1, 17}, 1);
    beside.require_rows(2, 9, 2);
    REQUIRE(cuda_sim::calls("cuGraphLaunch") == 0);
}

TEST_CASE("a run larger than a device takes at once goes in blocks", "[cuda]") {
    const test::SimulatedMachine machine;
    test::GraphBuilder build(3000);
    const auto x = build.input(0, DType::float32, {Extent::rows(), Extent::length(), Extent::of(2)});
    const auto wide = build.linear(x, 4, test::fixed_numbers(8, 1), test::fixed_numbers(4, 2), lib::Activation::relu);
    build.output(build.add(Op::reshape, {build.add(Op::reduce_mean, {wide}, {.axis = 1})},
                           {.shape = {Extent::rows(), Extent::of(4)}}));
    Beside beside(build.plan(), WB_PRECISION_FP32, gpu(machine));
    INFO(beside.why_not());
    REQUIRE(beside.on_device());
    const uint64_t before = cuda_sim::calls("cuGraphLaunch");
    beside.require_packed({3000, 1, 3000, 2999, 0, 5, 3000}, 1);
    REQUIRE(cuda_sim::calls("cuGraphLaunch") - before == 2);
}

TEST_CASE("a device's run that is late already does not begin", "[cuda]") {
    const TwoDevices devices(true);
    test::ManualClock clock(1000);
    const auto late = devices.run(*devices.first, {&clock, nullptr, 1000});
    REQUIRE(late.status().code == WB_DEADLINE_EXCEEDED);
    REQUIRE(cuda_sim::work(0) == cuda_sim::work(1));
    REQUIRE(devices.run(*devices.first, {&clock, nullptr, 1001}));
}

TEST_CASE("a run of a device that hangs ends at its deadline, and the next ones until the device is through",
          "[cuda]") {
    const TwoDevices devices(true);
    const auto expected = devices.run(*devices.second);
    REQUIRE(expected);
    cuda_sim::set_hanging(0, true);
    const lib::Clock &clock = lib::steady_clock();
    const auto late = devices.run(*devices.first, {&clock, nullptr, clock.now_ns() + 20'000'000});
    REQUIRE(late.status().code == WB_DEADLINE_EXCEEDED);
    REQUIRE(devices.run(*devices.first).status().code == WB_BACKEND_UNAVAILABLE);
    REQUIRE(test::same_bits(*devices.run(*devices.second), *expected));
    cuda_sim::set_hanging(0, false);
    const auto again = devices.run(*devices.first);
    INFO(again.status().message);
    REQUIRE(again);
    REQUIRE(test::same_bits(*again, *expected));
}

TEST_CASE("a forked child touches no device", "[cuda]") {
    const TwoDevices devices(true);
    REQUIRE(devices.run(*devices.first));
    const uint64_t calls = cuda_sim::calls(nullptr);
    const pid_t child = fork();
    if (child == 0) {
        const auto refused = devices.run(*devices.first);
        _exit(refused.status().code == WB_BACKEND_UNAVAILABLE && cuda_sim::calls(nullptr) == calls ? 0 : 1);
    }
    int status = 1;
    REQUIRE(waitpid(child, &status, 0) == child);
    REQUIRE(status == 0);
    REQUIRE(devices.run(*devices.first));
}
