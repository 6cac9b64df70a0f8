// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstring>
#include <string>
#include <vector>

#include "base/sha256.hpp"
#include "plan/builder.hpp"
#include "plan/plan_file.hpp"

namespace weighbridge::test {

// Two numbers and one category of three: concat, a hidden layer of two with ReLU, one output with a sigmoid.
inline std::shared_ptr<const lib::Plan> small_mlp() {
    lib::PlanBuilder builder;
    auto numbers = builder.input(lib::DType::float32, 2);
    auto category = builder.input(lib::DType::int64, 1, 1);
    auto looked_up = builder.embedding(category, std::vector<float>{0.5f, -0.5f, 1.0f, 2.0f, -1.0f, 0.25f}, 2);
    auto joined = builder.concat({numbers, looked_up});
    auto hidden = builder.relu(
        builder.linear(joined, std::vector<float>{1, 2, 3, 4, -1, 0.5f, -2, 1}, std::vector<float>{0.5f, -1}));
    auto last = builder.sigmoid(builder.linear(hidden, std::vector<float>{0.25f, -0.5f}, std::vector<float>{0.125f}));
    builder.output(last);
    builder.output(hidden);
    return *builder.build();
}

// The file's bytes with a checksum that fits again.
inline lib::Bytes resealed(lib::Bytes file) {
    auto digest = *lib::sha256(lib::ByteView(file).first(file.size() - 32));
    std::memcpy(file.data() + file.size() - 32, digest.data(), 32);
    return file;
}

template <class T>
lib::Bytes patched(lib::Bytes file, size_t offset, T value) {
    std::memcpy(file.data() + offset, &value, sizeof value);
    return resealed(std::move(file));
}

}  // namespace weighbridge::test
