// SPDX-License-Identifier: Apache-2.0
// GPUs that this process may not use, or not all of: MIG instances, compute modes, licences, a fabric that is not up.
#include <fstream>

#include "engine/devices.hpp"
#include "support/cuda_sim/simulated.hpp"
#include "support/module_bundle.hpp"

namespace {

using namespace weighbridge::lib;
using namespace weighbridge::test;

// What an engine that asks for these devices is told: by make() where they have to be there, else as a warning.
struct Asked {
    explicit Asked(const std::string &devices) {
        const std::string kernels = directory.path() + "/kernels";
        std::ofstream(kernels, std::ios::binary)
            .write(reinterpret_cast<const char *>(kSimulatedImage), sizeof kSimulatedImage);
        EngineOptions options;
        REQUIRE(parse_devices(options, devices));
        options.cuda_driver = simulated_driver();
        options.cuda_kernels = kernels;
        auto parts = open_devices(options, missing);
        status = parts.status();
        if (parts) opened = parts->size();
    }
    ScratchDirectory directory;
    std::vector<std::string> missing;
    Status status;
    size_t opened = 0;
};

void require_refused(const std::string &device, const std::string &why) {
    CAPTURE(device);
    const Asked must("cuda:" + device);
    REQUIRE(must.status.code == WB_BACKEND_UNAVAILABLE);
    REQUIRE(part_of(std::string(must.status.message), why) == why);
    const Asked may("cuda:" + device + "?,cpu=1");
    REQUIRE(may.status.ok());
    REQUIRE(may.opened == 0);
    REQUIRE(may.missing.size() == 1);
    REQUIRE(part_of(may.missing[0], why) == why);
    REQUIRE(may.missing[0].starts_with("cuda:" + device));
}

}  // namespace

TEST_CASE("a GPU in a compute mode that keeps this process out says so, and the CPU serves where it may be missing",
          "[cuda]") {
    const SimulatedMachine machine;
    cuda_sim::set_compute_mode(0, cuda::kComputeProhibited);
    require_refused("0", "its compute mode is prohibited: nobody may use it");
    cuda_sim::set_compute_mode(0, cuda::kComputeExclusiveProcess);
    require_refused("0",
                    "another process has it, and its compute mode lets only one have it: "
                    "CUDA_ERROR_DEVICE_UNAVAILABLE (46)");
    const Asked both("cuda:0?,cuda:1,cpu=1");
    REQUIRE(both.opened == 1);
    REQUIRE(both.missing.size() == 1);
}

TEST_CASE("a process that has a GPU for itself takes it", "[cuda]") {
    const SimulatedMachine machine;
    cuda_sim::set_compute_mode(0, cuda::kComputeExclusiveProcess);
    cuda_sim::set_taken(0, false);
    const Asked asked("cuda:0");
    INFO(asked.status.message);
    REQUIRE(asked.opened == 1);
}

TEST_CASE("of MIG instances a process sees one, and without any instance no device", "[cuda]") {
    const SimulatedMachine machine;
    cuda_sim::set_devices(1);
    cuda_sim::set_name(0, "NVIDIA H200 MIG 1g.18gb");
    REQUIRE(Asked("cuda:0").opened == 1);
    require_refused("1", "no such device: the driver has cuda:0 alone (of MIG instances a process sees one)");
    cuda_sim::set_memory(0, 1000);  // an instance has its own
    const auto small = machine.device();
    REQUIRE(small->name() == "NVIDIA H200 MIG 1g.18gb");
    auto memory = cuda::allocate_on_device(small, 2000, "weights");
    REQUIRE(part_of(std::string(memory.status().message), "2000 bytes are needed, 1000 of 1000 are free") ==
            "2000 bytes are needed, 1000 of 1000 are free");
    cuda_sim::set_devices(0);
    require_refused("0",
                    "finds no device that this process may use: none is there, CUDA_VISIBLE_DEVICES names none, or "
                    "one is in MIG mode and has no instance");
}

TEST_CASE("what else keeps a driver from its devices is named with the driver's own words", "[cuda]") {
    for (auto [result, name] : {std::pair(cuda::kSystemNotReady, "CUDA_ERROR_SYSTEM_NOT_READY (802)"),
                                std::pair(cuda::kNotLicensed, "CUDA_ERROR_DEVICE_NOT_LICENSED (102)"),
                                std::pair(cuda::kMpsConnectionFailed, "CUDA_ERROR_MPS_CONNECTION_FAILED (805)")}) {
        CAPTURE(name);
        for (const char *call : {"cuInit", "cuDevicePrimaryCtxRetain"}) {
            const SimulatedMachine machine;
            for (uint64_t nth = 1; nth <= 2; ++nth) cuda_sim::fail_call(call, nth, result);
            require_refused("0", name);
        }
    }
}
