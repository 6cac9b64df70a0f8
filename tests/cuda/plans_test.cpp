// SPDX-License-Identifier: Apache-2.0
// Whole plans as device kernels' launches, run on the CPU: packed rows have the bits that the reference gives each of
// them alone, in every order of a block's threads.
#include <algorithm>
#include <cstdlib>
#include <random>

#include "backend/cuda/launches.hpp"
#include "backend/plan_run.hpp"
#include "backend/reference/reference.hpp"
#include "support/all_precisions.hpp"
#include "support/catch.hpp"
#include "support/cuda_sim/control.hpp"
#include "support/cuda_sim/kernels.hpp"
#include "support/packed_rows.hpp"
#include "support/plans.hpp"
#include "support/sanitized.hpp"

namespace {

namespace lib = weighbridge::lib;
namespace cuda = weighbridge::lib::cuda;
namespace test = weighbridge::test;

// A run's memory, each storage by itself, as a device would have it; and the launches over it.
class DeviceRun {
  public:
    DeviceRun(const lib::Plan &plan, const lib::Schedule &schedule, int32_t precision, const test::PackedRows &rows)
        : plan_(plan), schedule_(schedule), rows_(rows), linears_(*lib::Linears::make(plan, precision)) {
        const auto count = static_cast<int64_t>(rows.rows.size());
        squares_.push_back(0);
        cuda::Bucket bucket{count, rows.offsets.back(), 0};
        for (size_t row = 0; row < rows.rows.size(); ++row) {
            all_ = all_.after(rows.length(row));
            squares_.push_back(all_.squares);
            bucket.longest = std::max(bucket.longest, rows.length(row));
        }
        sequences_ = count;
        faults_.assign(rows.rows.size(), 0);
        place_storages();
        places_.run = {&sequences_, rows.offsets.data(), squares_.data(), faults_.data()};
        for (lib::ValueId id = 0; id < plan.graph().nodes().size(); ++id) places_.linears.push_back(linears_.of(id));
        const cuda::Resources resources{4, 48 << 10};
        auto sized = cuda::make_launches(plan, schedule, precision, {}, bucket, resources);
        status = sized.status();
        if (!status.ok()) return;
        quantised_ = lib::AlignedBuffer(static_cast<size_t>(sized->quantised_bytes) + 64);
        scales_.resize(static_cast<size_t>(sized->scales));
        scores_.resize(static_cast<size_t>(sized->scores), NAN);
        places_.quantised = reinterpret_cast<uint8_t *>(quantised_.data());
        places_.scales = scales_.data();
        places_.scores = scores_.data();
        dense_ = lib::AlignedBuffer(static_cast<size_t>(sized->dense_bytes) + 64);
        places_.dense = reinterpret_cast<std::byte *>(dense_.data());
        launches_ = *cuda::make_launches(plan, schedule, precision, places_, bucket, resources);
    }

    test::Outputs run(cuda_sim::Order order, uint64_t seed) {
        for (auto &storage : memory_) std::fill_n(reinterpret_cast<uint8_t *>(storage.data()), storage.size(), 0xFF);
        for (const cuda::Launch &launch : launches_.list) {
            const cuda_sim::Kernel *kernel = cuda_sim::find_kernel(launch.kernel);
            INFO(launch.kernel);
            REQUIRE(kernel);
            REQUIRE(kernel->argument_bytes == launch.arguments.size());
            REQUIRE(kernel->threads == launch.threads);
            kernel->launch(launch.arguments.data(), {{launch.blocks_x, launch.blocks_y, launch.blocks_z},
                                                     {launch.threads, 1, 1},
                                                     static_cast<size_t>(launch.shared_bytes),
                                                     order,
                                                     seed});
        }
        test::Outputs outputs;
        for (size_t i = 0; i < schedule_.outputs.size(); ++i) {
            const auto *data = reinterpret_cast<const float *>(places_.storages[schedule_.outputs[i].storage]);
            outputs.emplace_back(data, data + rows_.floats(i));
        }
        return outputs;
    }
    const std::vector<int32_t> &faults() const { return faults_; }

    lib::Status status;  // of make_launches

  private:
    void place_storages() {
        for (const lib::Storage &storage : schedule_.storages) {
            std::byte *at = nullptr;
            if (storage.kind == lib::Storage::Kind::constant) {
                at = const_cast<std::byte *>(plan_.graph().constants()[storage.index].data.get());
            } else if (storage.kind == lib::Storage::Kind::input) {
                at = const_cast<std::byte *>(rows_.memory[storage.index].data());
            } else {
                const int64_t elements = storage.own ? lib::piece_begin(storage, all_) : storage.elements.terms[0];
                memory_.emplace_back(static_cast<size_t>(elements) * lib::size_of(storage.dtype) + 64);
                at = memory_.back().data();
            }
            places_.storages.push_back(at);
        }
    }

    const lib::Plan &plan_;
    const lib::Schedule &schedule_;
    const test::PackedRows &rows_;
    const lib::Linears linears_;
    lib::Before all_;
    int64_t sequences_ = 0;
    std::vector<int64_t> squares_;
    std::vector<int32_t> faults_;
    std::vector<lib::AlignedBuffer> memory_;
    lib::AlignedBuffer quantised_, dense_;
    std::vector<float> scales_, scores_;
    cuda::Places places_;
    cuda::Launches launches_;
};

// Runs rows of the lengths given as launches, in three orders. False where the kernels do not take the plan.
bool require_same(const lib::Plan &plan, int32_t precision, const std::vector<int64_t> &lengths, uint32_t seed) {
    CAPTURE(lengths, precision);
    const auto schedule = lib::Schedule::make(plan.graph());
    REQUIRE(schedule);
    const test::PackedRows rows(plan.graph(), lengths, seed);
    DeviceRun device(plan, *schedule, precision, rows);
    if (!device.status.ok()) {
        INFO(device.status.message);
        REQUIRE(device.status.code == WB_BACKEND_UNAVAILABLE);
        return false;
    }
    const lib::TensorFamily &family = lib::kTensorFamilies[seed % 2];
    cuda_sim::set_tensor_sums(family.sums.block, family.sums.fraction);
    const auto program = lib::make_reference_program(std::make_shared<const lib::Plan>(plan), precision,
                                                     test::input_names(plan.graph()), &family);
    auto reference = *lib::make_lone_executor(*program, 0, 64);
    test::Outputs expected;
    const lib::Status alone = rows.run_alone(*reference, expected);
    INFO(alone.message);
    REQUIRE(alone.ok());
    for (auto order : {cuda_sim::Order::ascending, cuda_sim::Order::descending, cuda_sim::Order::shuffled}) {
        const test::Outputs found = device.run(order, seed);
        REQUIRE(std::count(device.faults().begin(), device.faults().end(), 0) ==
                static_cast<int64_t>(device.faults().size()));
        REQUIRE(test::same_bits(expected, found));
    }
    return true;
}

std::shared_ptr<const lib::Plan> plan_of(const lib::Graph &graph, int32_t precision) {
    auto plan = lib::Plan::make(graph, {}, test::plan_precisions(precision));
    INFO(plan.status().message);
    REQUIRE(plan);
    return *plan;
}

}  // namespace

TEST_CASE("a transformer's launches give the reference's bits") {
    for (int32_t precision : test::kAllPrecisions) {
        const auto plan = test::transformer_graph(80, 140).plan(test::plan_precisions(precision));
        REQUIRE(require_same(*plan, precision, {7}, 1));
        REQUIRE(require_same(*plan, precision, {3, 40, 1, 17, 17}, 2));
        REQUIRE(require_same(*plan, precision, {140, 1, 99}, 3));
    }
}

TEST_CASE("an MLP's launches give the reference's bits") {
    for (int32_t precision : test::kAllPrecisions) {
        const auto plan = test::mlp_graph(70, 130).plan(test::plan_precisions(precision));
        REQUIRE(require_same(*plan, precision, {0}, 1));
        REQUIRE(require_same(*plan, precision, std::vector<int64_t>(70, 0), 2));
    }
}

TEST_CASE("a recurrence whose state does not fit in shared memory is refused by name") {
    test::GraphBuilder build(9);
    const auto x =
        build.input(0, lib::DType::float32, {lib::Extent::rows(), lib::Extent::length(), lib::Extent::of(60)});
    build.output(build.add(lib::Op::reduce_max,
                           {build.add(lib::Op::recurrent, {x, build.floats({60, 20}, test::fixed_numbers(1200, 1))},
                                      {.cell = lib::Recurrence::gru})},
                           {.axis = 1}));
    const auto plan = build.plan();
    const auto schedule = lib::Schedule::make(plan->graph());
    REQUIRE(schedule);
    for (int64_t bytes : {cuda::recurrent_shared_bytes(60, 20), cuda::recurrent_shared_bytes(60, 20) - 1}) {
        const lib::Status status =
            cuda::make_launches(*plan, *schedule, WB_PRECISION_FP32, {}, {1, 9, 9}, {4, bytes}).status();
        CAPTURE(bytes, status.message);
        const bool fits = bytes == cuda::recurrent_shared_bytes(60, 20);
        REQUIRE(status.code == (fits ? WB_OK : WB_BACKEND_UNAVAILABLE));
        if (!fits) REQUIRE(std::string_view(status.message).starts_with("recurrent of "));
    }
}

TEST_CASE("sizes that shrink as the sequence grows have room enough") {
    test::GraphBuilder build(30);
    build.graph.least_length = 1;
    const lib::Extent rows = lib::Extent::rows(), left = lib::Extent::length(-1, 31), wide = lib::Extent::of(80);
    const auto x = build.input(0, lib::DType::float32, {rows, lib::Extent::length(), wide});
    const auto query =
        build.add(lib::Op::slice, {x}, {.axis = 1, .start = lib::Extent::of(0), .size = lib::Extent::of(1)});
    const auto keys = build.add(lib::Op::expand, {query}, {.shape = {rows, left, wide}});
    const auto layer = build.linear(keys, 80, test::fixed_numbers(6400, 1), test::fixed_numbers(80, 2));
    const auto window = build.add(lib::Op::slice, {build.linear(x, 80, test::fixed_numbers(6400, 3))},
                                  {.axis = 1, .start = lib::Extent::of(0), .size = lib::Extent::length()});
    build.output(build.add(lib::Op::attention, {query, layer, layer}, {}));
    build.output(build.add(lib::Op::reduce_mean, {window}, {.axis = 1}));
    for (int32_t precision : test::kAllPrecisions)
        REQUIRE(require_same(*plan_of(build.graph, precision), precision, {1, 30, 2, 29}, 1));
}

TEST_CASE("random graphs' launches give the reference's bits") {
    const int graphs = std::getenv("WB_FULL") ? 3000 : test::kSanitized ? 30 : 200;
    int taken = 0, asked = 0;
    for (int seed = 0; seed < graphs; ++seed) {
        test::RandomGraphOptions options;
        options.all = false;
        options.sequences = seed % 2 == 0;
        options.least_length = seed % 3;
        options.largest_length = 20;
        const lib::Graph graph = test::random_graph(static_cast<uint32_t>(seed), options);
        CAPTURE(seed);
        INFO(graph.text());
        std::mt19937 random(static_cast<uint32_t>(seed));
        std::vector<int64_t> lengths(1 + random() % 9);
        for (int64_t &length : lengths)
            length =
                graph.least_length +
                static_cast<int64_t>(random() % static_cast<uint64_t>(graph.largest_length - graph.least_length + 1));
        const int32_t precision = test::kAllPrecisions[seed % 8 / 2];
        ++asked;
        if (require_same(*plan_of(graph, precision), precision, lengths, static_cast<uint32_t>(seed / 8))) ++taken;
    }
    std::printf("plans that device kernels take: %d of %d random graphs\n", taken, asked);
    REQUIRE(taken * 10 >= asked * 9);
}
