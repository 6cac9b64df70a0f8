// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <random>
#include <vector>

namespace weighbridge::test {

// Changes a few places: bits, bytes, words of interest, cuts.
inline void mutate(std::vector<char> &bytes, std::mt19937 &random) {
    static constexpr int64_t kWords[] = {0, 1, -1, 2, 64, 1 << 20, INT32_MAX, INT64_MAX, INT64_MIN, int64_t{1} << 31};
    for (uint32_t change = 0, changes = 1 + random() % 4; change < changes && bytes.size() > 8; ++change) {
        // Mostly in the first part, a header or what decides what is done with the rest.
        const size_t place = random() % (random() % 4 ? std::min<size_t>(bytes.size(), 4096) : bytes.size());
        switch (random() % 4) {
            case 0:
                bytes[place] = static_cast<char>(bytes[place] ^ (1 << random() % 8));
                break;
            case 1:
                bytes[place] = static_cast<char>(random());
                break;
            case 2: {
                const int64_t word = kWords[random() % (sizeof kWords / sizeof kWords[0])];
                if (place + 8 <= bytes.size()) std::memcpy(bytes.data() + place / 4 * 4, &word, random() % 2 ? 4 : 8);
                break;
            }
            default:
                if (random() % 16 == 0) bytes.resize(place);
        }
    }
}

}  // namespace weighbridge::test
