// SPDX-License-Identifier: Apache-2.0
// libFuzzer's targets of the data wing, one program each (WB_FUZZ_INPUT names it): tests/fuzz/run.sh builds and runs
// them.
#include "fuzz/data_inputs.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    weighbridge::test::WB_FUZZ_INPUT({reinterpret_cast<const std::byte *>(data), size});
    return 0;
}
