// SPDX-License-Identifier: Apache-2.0
#include "plan/binding.hpp"

#include "support/catch.hpp"
#include "unit/plan/plans.hpp"

using namespace weighbridge::lib;

namespace {

TensorSpec tensor(std::string name, DType dtype, std::vector<int64_t> sizes) {
    TensorSpec spec;
    spec.name = std::move(name);
    spec.dtype = dtype;
    for (int64_t size : sizes) spec.shape.size[static_cast<size_t>(spec.shape.rank++)] = size;
    return spec;
}

// A manifest for small_mlp().
Manifest fitting() {
    Manifest manifest;
    manifest.tensors = {tensor("numbers", DType::float32, {kBatch, 2}), tensor("country", DType::int64, {kBatch})};
    manifest.outputs.resize(2);
    manifest.outputs[0].name = "fraud";
    manifest.outputs[1].name = "hidden";
    manifest.outputs[1].width = 2;
    return manifest;
}

std::string refusal(const Manifest &manifest) {
    Status status = check_binding(*weighbridge::test::small_mlp(), manifest);
    REQUIRE(status.code == WB_INVALID_BUNDLE);
    return status.message;
}

}  // namespace

TEST_CASE("a plan binds to the manifest that it was made for") {
    REQUIRE(check_binding(*weighbridge::test::small_mlp(), fitting()).ok());
}

TEST_CASE("a tensor of another dtype, rank or width is named with both sides") {
    Manifest manifest = fitting();
    manifest.tensors[0].shape.size[1] = 3;
    REQUIRE(
        refusal(manifest) ==
        "model.plan: tensor 'numbers': expected float32 of rank 2 and width 3 as in manifest.json, found float32 of "
        "rank 2 and width 2");
    manifest = fitting();
    manifest.tensors[1] = tensor("country", DType::int64, {kBatch, 1});
    REQUIRE(
        refusal(manifest) ==
        "model.plan: tensor 'country': expected int64 of rank 2 and width 1 as in manifest.json, found int64 of rank 1 "
        "and width 1");
    manifest = fitting();
    manifest.tensors[1].dtype = DType::int32;
    REQUIRE(refusal(manifest).find("expected int32 of rank 1") != std::string::npos);
}

TEST_CASE("sequences are refused by name") {
    Manifest manifest = fitting();
    manifest.tensors[0] = tensor("past", DType::float32, {kBatch, kLength, 2});
    REQUIRE(
        refusal(manifest).find("tensor 'past': expected [batch] or [batch, width] in manifest.json (plan version 0") !=
        std::string::npos);
    manifest.tensors[0] = tensor("words", DType::float32, {kBatch, kTokens});
    REQUIRE(refusal(manifest).find("tensor 'words'") != std::string::npos);
}

TEST_CASE("counts and output widths are compared") {
    Manifest manifest = fitting();
    manifest.tensors.pop_back();
    REQUIRE(refusal(manifest) == "model.plan: expected 1 inputs as in manifest.json, found 2");
    manifest = fitting();
    manifest.outputs.pop_back();
    REQUIRE(refusal(manifest) == "model.plan: expected 1 outputs as in manifest.json, found 2");
    manifest = fitting();
    manifest.outputs[1].width = 3;
    REQUIRE(refusal(manifest) == "model.plan: output 'hidden': expected width 3 as in manifest.json, found 2");
}
