// SPDX-License-Identifier: Apache-2.0
// zone_offsets TZIF: reads instants from stdin, one a line, in seconds since 1970-01-01 UTC; writes the offset at each,
// in seconds east of UTC. With no instant it only reads the file. Ends with 2 and a line on stderr where it cannot.
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

#include "feature/zone.hpp"

using namespace weighbridge::lib;

int main(int argc, char **argv) {
    if (argc != 2) {
        std::cerr << "expected TZIF\n";
        return 2;
    }
    std::ifstream file(argv[1], std::ios::binary);
    const std::string content{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    const auto zone = Zone::from_tzif(as_bytes(content));
    if (!zone) {
        std::cerr << zone.status().message << "\n";
        return 2;
    }
    for (int64_t at = 0; std::cin >> at;) std::cout << (*zone)->offset_at(at) << "\n";
    return 0;
}
