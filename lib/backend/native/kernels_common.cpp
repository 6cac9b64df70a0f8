// SPDX-License-Identifier: Apache-2.0
// What all levels share, compiled for any CPU.
#include <algorithm>

#include "backend/native/tables.hpp"

namespace weighbridge::lib::native {
namespace {

// The most scores of a block of queries over so many keys or fewer. attention_rows() falls as keys grow, so that the
// scores of one number of keys may be fewer than those of a smaller one; this never falls.
constexpr int64_t most_scores(int64_t padded) {
    constexpr int64_t kMost = 4096;
    return std::max(kMostTileRows * padded, std::min(kAttentionRows * padded, kMost));
}
static_assert([] {
    for (int64_t padded = 0; padded <= 1024; ++padded)
        if (attention_rows(padded) * padded > most_scores(padded)) return false;
    return true;
}());

}  // namespace

int64_t attention_scratch_bytes(int64_t queries, int64_t keys, int64_t dim, int64_t value_dim) {
    static_cast<void>(queries);  // a block of them at a time
    const int64_t padded = panel_columns(keys), values = (value_dim + 15) / 16 * 16, scores = most_scores(padded);
    auto block = [](int64_t bytes) { return (bytes + 63) / 64 * 64; };
    return block(kAttentionRows * dim * 4) + block(padded * (dim + 1) * 4) + block(scores * 4) + block(scores * 2) +
           block((keys + 1) * (values > 16 ? values : 16) * 4) + block(16 * (dim + 1) * 4);
}

}  // namespace weighbridge::lib::native
