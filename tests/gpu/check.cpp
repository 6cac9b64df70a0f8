// SPDX-License-Identifier: Apache-2.0
// The CUDA backend on a device: plans in every precision held against the reference with ==, alone and packed, then
// times.
//   gpu_check DRIVER KERNELS REPORT.json [GRAPHS [RUNS]]
// Prints what it does, a line for each plan that differs, and "skipped: ..." with exit code 0 where there is no driver
// or no device. Exit code 1 where a bit differs. No network, no other file; models are made from seeds.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "backend/cuda/program.hpp"
#include "backend/plan_run.hpp"
#include "backend/reference/reference.hpp"
#include "base/file.hpp"
#include "support/all_precisions.hpp"
#include "support/packed_rows.hpp"
#include "support/plans.hpp"

namespace {

namespace lib = weighbridge::lib;
namespace cuda = weighbridge::lib::cuda;
namespace test = weighbridge::test;

constexpr int64_t kTile = 64;

struct Device {
    std::shared_ptr<const cuda::GpuDevice> gpu;
    int compared = 0, refused = 0, different = 0;
    std::string report;  // JSON objects
};

[[noreturn]] void stop(const std::string &why) {
    std::fprintf(stderr, "gpu_check: %s\n", why.c_str());
    std::exit(1);
}

std::unique_ptr<lib::Executor> executor(const std::shared_ptr<const lib::Program> &program) {
    auto made = lib::make_lone_executor(*program, 0, kTile);
    if (!made) stop(made.status().message);
    return *std::move(made);
}

// A plan's rows of the lengths given, packed on the device and alone in the reference.
void compare(Device &device, const std::shared_ptr<const lib::Plan> &plan, int32_t precision,
             const std::vector<std::vector<int64_t>> &runs, const std::string &what) {
    const auto names = test::input_names(plan->graph());
    auto program = lib::make_cuda_program(plan, precision, device.gpu, names);
    if (!program) {
        if (program.status().code != WB_BACKEND_UNAVAILABLE) stop(what + ": " + program.status().message);
        ++device.refused;
        return;
    }
    const auto on_device = executor(*program);
    const auto *family = lib::tensor_family(device.gpu->capability());
    const auto reference = executor(lib::make_reference_program(plan, precision, names, family));
    uint32_t seed = 1;
    for (const auto &lengths : runs) {
        const test::PackedRows rows(plan->graph(), lengths, seed++);
        test::Outputs expected, found;
        if (lib::Status status = rows.run_alone(*reference, expected); !status.ok()) stop(what + ": " + status.message);
        if (lib::Status status = rows.run(*on_device, found); !status.ok()) stop(what + ": " + status.message);
        ++device.compared;
        if (test::same_bits(expected, found)) continue;
        ++device.different;
        std::printf("DIFFERENT: %s\n", what.c_str());
    }
}

void compare_random(Device &device, int graphs) {
    for (int seed = 0; seed < graphs; ++seed) {
        test::RandomGraphOptions options;
        options.all = false;
        options.sequences = seed % 2 == 0;
        options.least_length = seed % 3;
        const lib::Graph graph = test::random_graph(static_cast<uint32_t>(seed), options);
        std::mt19937 random(static_cast<uint32_t>(seed));
        std::vector<int64_t> lengths(1 + random() % 31);
        const auto span = static_cast<uint64_t>(graph.largest_length - graph.least_length + 1);
        for (int64_t &length : lengths) length = graph.least_length + static_cast<int64_t>(random() % span);
        for (int32_t precision : test::kAllPrecisions) {
            auto plan = lib::Plan::make(graph, {}, test::plan_precisions(precision));
            if (!plan) stop(plan.status().message);
            compare(device, *plan, precision, {lengths, {lengths[0]}}, "random graph " + std::to_string(seed));
        }
    }
}

// Whether the tensor cores sum as one of the models, which the first run on a new GPU is about.
void say_bf16(const cuda::GpuDevice &gpu) {
    auto kernels = gpu.kernels();
    if (!kernels) stop(kernels.status().message);
    const auto family = (*kernels)->tensor_family();
    std::printf("bf16: %s\n", family ? (*family)->name : std::string(family.status().message).c_str());
}

// The median of a run from host memory to host memory, in microseconds.
double time_us(lib::Executor &executor, const test::PackedRows &rows, int timed) {
    std::vector<double> took;
    test::Outputs outputs;
    for (int i = 0; i < timed; ++i) {
        const auto begin = std::chrono::steady_clock::now();
        if (lib::Status status = rows.run(executor, outputs); !status.ok()) stop(status.message);
        took.push_back(std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin).count());
    }
    std::nth_element(took.begin(), took.begin() + timed / 2, took.end());
    return took[static_cast<size_t>(timed / 2)];
}

void time_plan(Device &device, const test::GraphBuilder &build, int32_t precision, const std::string &name,
               const std::vector<std::vector<int64_t>> &runs, int timed) {
    const auto plan = build.plan(test::plan_precisions(precision));
    auto program = lib::make_cuda_program(plan, precision, device.gpu, test::input_names(plan->graph()));
    if (!program && lib::needs_bf16_instructions(precision)) return;  // said before
    if (!program) stop(name + ": " + program.status().message);
    const auto on_device = executor(*program);
    for (const auto &lengths : runs) {
        const test::PackedRows rows(plan->graph(), lengths, 1);
        const double us = time_us(*on_device, rows, timed);
        std::printf("%-24s %-8s %4zu rows %6lld tokens %10.1f us\n", name.c_str(),
                    std::string(lib::precision_name(precision)).c_str(), lengths.size(),
                    static_cast<long long>(rows.offsets.back()), us);
        device.report +=
            (device.report.empty() ? "" : ",\n") + std::string("  {\"plan\": \"") + name + "\", \"precision\": \"" +
            std::string(lib::precision_name(precision)) + "\", \"rows\": " + std::to_string(lengths.size()) +
            ", \"tokens\": " + std::to_string(rows.offsets.back()) + ", \"us\": " + std::to_string(us) + "}";
    }
}

}  // namespace

int main(int argc, char **argv) {
    if (argc < 4 || argc > 6) stop("usage: gpu_check DRIVER KERNELS REPORT.json [GRAPHS [RUNS]]");
    const int graphs = argc > 4 ? std::atoi(argv[4]) : 300;  // random ones
    const int timed = argc > 5 ? std::atoi(argv[5]) : 200;   // runs, of which the median is taken; 0 for no times
    auto driver = cuda::Driver::open(argv[1]);
    if (!driver) {
        std::printf("skipped: no CUDA device: %s\n", driver.status().message);
        return 0;
    }
    auto kernels = lib::read_file(argv[2], uint64_t{64} << 20);
    if (!kernels) stop(kernels.status().message);
    auto gpu = cuda::GpuDevice::open(*driver, 0, *kernels);
    if (!gpu) stop(gpu.status().message);
    Device device{*gpu, 0, 0, 0, {}};
    std::printf("device: %s, compute capability %d, driver %d\n", (*gpu)->name().c_str(), (*gpu)->capability(),
                (*driver)->version());
    say_bf16(**gpu);

    const std::vector<std::vector<int64_t>> sequences{{34}, {1, 2, 3, 34, 128, 5}, std::vector<int64_t>(kTile, 17)};
    const std::vector<std::vector<int64_t>> few_sequences{sequences[0], sequences[1]};
    const std::vector<std::vector<int64_t>> rows{{0}, std::vector<int64_t>(7, 0), std::vector<int64_t>(kTile, 0)};
    for (int32_t precision : test::kAllPrecisions) {
        const auto precisions = test::plan_precisions(precision);
        const bool slow = lib::needs_bf16_instructions(precision);  // in the reference
        for (int64_t width : {128, 256})
            compare(device, test::transformer_graph(width, 128).plan(precisions), precision,
                    slow && width == 256 ? few_sequences : sequences, "transformer of width " + std::to_string(width));
        compare(device, test::mlp_graph(320, 512).plan(precisions), precision, rows, "MLP");
    }
    compare_random(device, graphs);
    std::printf("%d runs compared, %d different; %d plans stay on the CPU\n", device.compared, device.different,
                device.refused);
    for (int32_t precision : test::kAllPrecisions) {
        if (timed < 1) break;
        time_plan(device, test::transformer_graph(256, 128), precision, "transformer 256 x 1", sequences, timed);
        time_plan(device, test::mlp_graph(320, 512), precision, "mlp 320-512-512", rows, timed);
    }
    std::ofstream(argv[3]) << "{\"device\": \"" << (*gpu)->name() << "\", \"compared\": " << device.compared
                           << ", \"different\": " << device.different << ", \"refused\": " << device.refused
                           << ", \"times\": [\n"
                           << device.report << "\n]}\n";
    return device.different == 0 ? 0 : 1;
}
