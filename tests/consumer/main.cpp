// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <weighbridge.hpp>

int main() {
    auto engine = weighbridge::Engine::create();
    std::printf("C++: weighbridge %s, engine %s\n", wb_version(), engine ? "created" : "failed");
    return engine && weighbridge::abi_matches() ? 0 : 1;
}
