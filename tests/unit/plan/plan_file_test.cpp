// SPDX-License-Identifier: Apache-2.0
#include "plan/plan_file.hpp"

#include "support/catch.hpp"
#include "unit/plan/plans.hpp"

using namespace weighbridge::lib;
using namespace weighbridge::test;

namespace {

// Offsets in the file: lib/plan/README.md.
constexpr size_t kVersionAt = 8, kNumericsAt = 12, kTotalAt = 16, kPrecisionAt = 24, kInputsAt = 28, kConstantsAt = 32,
                 kOpsAt = 36, kOutputsAt = 40, kReservedAt = 44, kCodeBytesAt = 48, kWeightBytesAt = 56,
                 kFirstInputAt = 64;

Bytes small_file() {
    auto file = write_plan(*small_mlp());
    REQUIRE(file);
    return *std::move(file);
}

std::string refusal(ByteView bytes) {
    auto plan = read_plan(bytes);
    REQUIRE_FALSE(plan);
    REQUIRE(plan.status().code == WB_INVALID_BUNDLE);
    std::string message = plan.status().message;
    REQUIRE(message.find("model.plan: ") == 0);
    return message;
}

size_t first_constant_at() { return kFirstInputAt + 2 * 16; }
size_t first_op_at() { return first_constant_at() + 5 * 16; }

}  // namespace

TEST_CASE("a plan is read back as it was written, to the same bytes") {
    auto plan = small_mlp();
    Bytes file = small_file();
    auto back = read_plan(file);
    REQUIRE(back);
    const PlanData &a = plan->data(), &b = (*back)->data();
    REQUIRE(a.inputs == b.inputs);
    REQUIRE(a.constants == b.constants);
    REQUIRE(a.ops == b.ops);
    REQUIRE(a.outputs == b.outputs);
    REQUIRE(a.weights.size() == b.weights.size());
    REQUIRE(std::memcmp(a.weights.data(), b.weights.data(), a.weights.size()) == 0);
    REQUIRE(*write_plan(**back) == file);
}

TEST_CASE("two builds of one plan give the same bytes") { REQUIRE(small_file() == small_file()); }

TEST_CASE("weights are copied: the file's bytes may go") {
    Bytes file = small_file();
    auto plan = read_plan(file);
    std::fill(file.begin(), file.end(), std::byte{0xFF});
    REQUIRE((*plan)->constant(0)[3] == 2.0f);
}

TEST_CASE("a plan is read from memory of any alignment") {
    Bytes file = small_file();
    file.insert(file.begin(), std::byte{0});
    REQUIRE(read_plan(ByteView(file).subspan(1)));
}

TEST_CASE("every kind of operation goes through the file, and a plan without weights too") {
    PlanBuilder builder;
    auto x = builder.input(DType::float32, 2), indices = builder.input(DType::int32, 2),
         flags = builder.input(DType::boolean, 2), doubles = builder.input(DType::float64, 2);
    std::vector<float> two{1.0f, 2.0f}, four(4, 0.5f);
    auto sum = builder.add(builder.cast(flags), builder.cast(doubles));
    auto norm = builder.layer_norm(builder.gelu(builder.tanh(builder.sigmoid(builder.relu(sum)))), two, two, 1e-5f);
    auto all = builder.concat(
        {builder.linear(x, four, two), builder.affine(norm, two, two), builder.embedding(indices, four, 2)});
    builder.output(builder.slice(all, 1, 6));
    auto plan = builder.build();
    REQUIRE(plan);
    auto file = write_plan(**plan);
    auto back = read_plan(*file);
    REQUIRE(back);
    REQUIRE((*back)->data().ops == (*plan)->data().ops);

    PlanBuilder bare;
    bare.output(bare.input(DType::float32, 1, 1));
    auto bare_file = write_plan(**bare.build());
    REQUIRE(bare_file->size() == 64 + 64 + 32);
    REQUIRE(read_plan(*bare_file));
}

TEST_CASE("a file cut at any byte is refused, so is one with bytes behind it") {
    Bytes file = small_file();
    for (size_t size = 0; size < file.size(); ++size) refusal(ByteView(file).first(size));
    REQUIRE(refusal(ByteView(file).first(95)) == "model.plan: expected at least 96 bytes, found 95");
    size_t whole = file.size();
    REQUIRE(refusal(ByteView(file).first(whole - 1)) ==
            fmt::format("model.plan: expected {} bytes as its header says, found {}", whole, whole - 1));
    file.push_back(std::byte{0});
    refusal(file);
}

TEST_CASE("a file with any bit flipped is refused") {
    Bytes file = small_file();
    for (size_t bit = 0; bit < file.size() * 8; ++bit) {
        file[bit / 8] ^= std::byte{1} << (bit % 8);
        REQUIRE_FALSE(read_plan(file));
        file[bit / 8] ^= std::byte{1} << (bit % 8);
    }
    REQUIRE(read_plan(file));
}

TEST_CASE("a file with any bit flipped and a checksum that fits is refused or a sound plan of the same bytes") {
    Bytes file = small_file();
    size_t accepted = 0;
    for (size_t bit = 0; bit < (file.size() - 32) * 8; ++bit) {
        Bytes damaged = file;
        damaged[bit / 8] ^= std::byte{1} << (bit % 8);
        damaged = resealed(std::move(damaged));
        auto plan = read_plan(damaged);
        if (!plan) continue;
        ++accepted;
        REQUIRE(*write_plan(**plan) == damaged);
    }
    REQUIRE(accepted > 0);
}

TEST_CASE("magic, version and checksum are told apart") {
    Bytes file = small_file();
    REQUIRE(refusal(patched<uint8_t>(file, 0, 'X')) == "model.plan: expected the magic bytes of a plan, found others");
    REQUIRE(refusal(patched<uint32_t>(file, kVersionAt, 1)) == "model.plan: expected plan version 0, found 1");
    Bytes changed = file;
    changed[200] ^= std::byte{1};
    REQUIRE(refusal(changed).find("model.plan: sha256: expected ") == 0);
}

TEST_CASE("the header's fields are checked") {
    Bytes file = small_file();
    REQUIRE(refusal(patched<uint32_t>(file, kNumericsAt, 7)) == "model.plan: numerics: expected 1, found 7");
    REQUIRE(refusal(patched<uint32_t>(file, kPrecisionAt, 9)) == "model.plan: precision: expected 1 (fp32), found 9");
    REQUIRE(refusal(patched<uint32_t>(file, kReservedAt, 1)) == "model.plan: reserved: expected 0, found 1");
    REQUIRE(refusal(patched<uint32_t>(file, kInputsAt, 4097)) ==
            "model.plan: inputs: expected at most 4096, found 4097");
    REQUIRE(refusal(patched<uint32_t>(file, kConstantsAt, 0xFFFFFFFF)) ==
            "model.plan: constants: expected at most 131072, found 4294967295");
    REQUIRE(refusal(patched<uint32_t>(file, kOpsAt, 65537)) ==
            "model.plan: operations: expected at most 65536, found 65537");
    REQUIRE(refusal(patched<uint32_t>(file, kOutputsAt, 5000)) ==
            "model.plan: outputs: expected at most 4096, found 5000");
    REQUIRE(refusal(patched<uint32_t>(file, kOutputsAt, 4000)) ==
            "model.plan: outputs: expected 4000, found the end of the section after 0");
    for (uint64_t size : {uint64_t{0}, uint64_t{64}, UINT64_MAX, UINT64_MAX - 63, uint64_t{1} << 63}) {
        refusal(patched<uint64_t>(file, kTotalAt, size));
        refusal(patched<uint64_t>(file, kCodeBytesAt, size));
        refusal(patched<uint64_t>(file, kWeightBytesAt, size));
    }
}

TEST_CASE("sections that are shorter than their counts are refused") {
    Bytes file = small_file();
    REQUIRE(refusal(patched<uint32_t>(file, kOpsAt, 60)).find("model.plan: operations: expected 60, found the end") ==
            0);
    refusal(patched<uint32_t>(file, kInputsAt, 3));
    refusal(patched<uint32_t>(file, kInputsAt, 4096));
    refusal(patched<uint32_t>(file, kConstantsAt, 4));
    refusal(patched<uint32_t>(file, kOutputsAt, 1));
    refusal(patched<uint32_t>(file, first_op_at() + 4, 0xFFFFFFFF));
    refusal(patched<uint32_t>(file, first_op_at() + 8, 0x40000000));
}

TEST_CASE("records with crafted sizes are refused") {
    Bytes file = small_file();
    REQUIRE(refusal(patched<int32_t>(file, kFirstInputAt + 4, 3)) ==
            "model.plan: input 0: expected rank 1 or 2 (plan version 0 has no sequences), found 3");
    for (int64_t size : {int64_t{0}, int64_t{-1}, INT64_MIN, INT64_MAX, int64_t{1} << 31, int64_t{1} << 33}) {
        refusal(patched<int64_t>(file, kFirstInputAt + 8, size));
        refusal(patched<int64_t>(file, first_constant_at(), size));
        refusal(patched<int64_t>(file, first_constant_at() + 8, size));
        refusal(patched<int64_t>(file, first_op_at() + 24, size));
    }
    REQUIRE(refusal(patched<int64_t>(file, first_constant_at(), 1000)).find("model.plan: weights: expected ") == 0);
}

TEST_CASE("bytes between constants are zero") {
    Bytes file = small_file();
    size_t weights_at = kFirstInputAt + static_cast<size_t>(load_unaligned<uint64_t>(file.data() + kCodeBytesAt));
    REQUIRE(refusal(patched<uint8_t>(file, weights_at + 6 * 4, 1)) ==
            "model.plan: constant 0: expected zeros behind it, found others");
    REQUIRE(refusal(patched<uint8_t>(file, weights_at - 1, 1)).find("model.plan: expected zeros up to the weights") ==
            0);
}
