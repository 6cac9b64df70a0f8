// SPDX-License-Identifier: Apache-2.0
// What tests of the CUDA backend start from: the simulated driver, fresh.
#pragma once

#include <dlfcn.h>

#include <string>

#include "backend/cuda/driver.hpp"
#include "base/bytes.hpp"
#include "support/catch.hpp"
#include "support/cuda_sim/control.hpp"
#include "support/cuda_sim/kernels.hpp"

namespace weighbridge::test {

// The path of libcuda_sim.so, which the tests are linked with.
inline std::string simulated_driver() {
    Dl_info info{};
    void *function = dlsym(RTLD_DEFAULT, "cuLaunchKernelEx");
    return function && dladdr(function, &info) && info.dli_fname ? info.dli_fname : "";
}

// The part, where a message has it, else the message, which a failed comparison then shows.
inline std::string part_of(const std::string &message, const std::string &part) {
    return message.find(part) != std::string::npos ? part : message;
}

// What the simulated driver takes for a fatbin.
inline constexpr uint32_t kSimulatedImage[4] = {0xba55ed50u, 0, 0, 0};

inline lib::ByteView simulated_image() {
    return {reinterpret_cast<const std::byte *>(kSimulatedImage), sizeof kSimulatedImage};
}

// A machine of its own for a test, and none left behind.
struct SimulatedMachine {
    SimulatedMachine() { cuda_sim::reset(); }
    ~SimulatedMachine() { cuda_sim::reset(); }

    std::shared_ptr<const lib::cuda::Driver> driver() const {
        auto opened = lib::cuda::Driver::open(simulated_driver());
        INFO(opened.status().message);
        REQUIRE(opened);
        return *opened;
    }
    std::shared_ptr<const lib::cuda::DeviceContext> device(int ordinal = 0) const {
        auto made = lib::cuda::DeviceContext::make(driver(), ordinal);
        INFO(made.status().message);
        REQUIRE(made);
        return *made;
    }
};

}  // namespace weighbridge::test
