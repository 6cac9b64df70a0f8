// SPDX-License-Identifier: Apache-2.0
// libFuzzer's target for the plan reader: tests/fuzz/run.sh builds and runs it.
#include "fuzz/plan_input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    weighbridge::test::try_plan({reinterpret_cast<const std::byte *>(data), size});
    return 0;
}
