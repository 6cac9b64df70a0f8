// SPDX-License-Identifier: Apache-2.0
// A device with little memory: contexts for smaller runs, then none, with both figures.
#include "unit/backend/cuda/beside.hpp"

namespace {

namespace lib = weighbridge::lib;
namespace test = weighbridge::test;
using test::gpu, test::kTile;

// A plan's context on a device with so many bytes, and what a run of it gives; the failure where there is no room.
lib::Expected<test::Outputs> run_with(size_t bytes, const test::GraphBuilder &build, const test::PackedRows &rows,
                                      size_t *used = nullptr) {
    const test::SimulatedMachine machine;
    const auto device = gpu(machine);
    cuda_sim::set_memory(0, bytes);
    auto program = lib::make_cuda_program(build.plan(), WB_PRECISION_FP32, device, test::input_names(build.graph));
    if (!program) return program.status();
    auto executor = lib::make_lone_executor(**program, 0, kTile);
    if (!executor) return executor.status();
    if (used) *used = cuda_sim::device_bytes(0);
    test::Outputs outputs;
    if (lib::Status status = rows.run(**executor, outputs); !status.ok()) return status;
    return outputs;
}

void require_fewer_buckets(const test::GraphBuilder &build, const std::vector<int64_t> &lengths) {
    const test::PackedRows rows(build.graph, lengths, 1);
    size_t all = 0;
    const auto expected = run_with(size_t{1} << 32, build, rows, &all);
    REQUIRE(expected);
    int smaller = 0;
    size_t least = all;
    for (size_t bytes = all - 1;; bytes = bytes * 3 / 4) {
        CAPTURE(bytes, all);
        size_t used = 0;
        const auto found = run_with(bytes, build, rows, &used);
        if (!found) {
            const std::string free = " of " + std::to_string(bytes) + " are free";
            INFO(found.status().message);
            REQUIRE(found.status().code == WB_OUT_OF_MEMORY);
            REQUIRE(test::part_of(found.status().message, free) == free);
            break;
        }
        ++smaller;
        REQUIRE(used <= bytes);
        REQUIRE(test::same_bits(*expected, *found));
        least = used;
    }
    REQUIRE(smaller >= 2);
    REQUIRE(least < all * 4 / 5);
}

}  // namespace

TEST_CASE("where a device has no memory for the largest runs, they go in smaller ones", "[cuda]") {
    require_fewer_buckets(test::mlp_graph(40, 8), std::vector<int64_t>(kTile, 0));
    require_fewer_buckets(test::transformer_graph(16, 70), {70, 1, 64, 33, 7, 7, 70, 2, 5, 19, 70});
}

TEST_CASE("memory that a device has not is refused at load with both figures", "[cuda]") {
    const test::SimulatedMachine machine;
    const auto build = test::mlp_graph(70, 96);
    const auto device = gpu(machine);
    cuda_sim::set_memory(0, 4096);
    auto program = lib::make_cuda_program(build.plan(), WB_PRECISION_FP32, device, test::input_names(build.graph));
    REQUIRE(program.status().code == WB_OUT_OF_MEMORY);
    REQUIRE(test::part_of(program.status().message, "4096 of 4096 are free") == "4096 of 4096 are free");
}
