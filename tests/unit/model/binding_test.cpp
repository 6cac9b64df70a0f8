// SPDX-License-Identifier: Apache-2.0
#include "model/binding.hpp"

#include "support/catch.hpp"
#include "support/plans.hpp"

namespace {

using namespace weighbridge::lib;
namespace test = weighbridge::test;

TensorSpec tensor(std::string name, DType dtype, std::vector<int64_t> sizes) {
    TensorSpec spec;
    spec.name = std::move(name);
    spec.dtype = dtype;
    for (int64_t size : sizes) spec.shape.size[static_cast<size_t>(spec.shape.rank++)] = size;
    return spec;
}

Output output(std::string name, std::vector<int64_t> sizes) {
    Output made;
    made.name = std::move(name);
    for (int64_t size : sizes) made.shape.size[static_cast<size_t>(made.shape.rank++)] = size;
    return made;
}

Manifest for_mlp() {
    Manifest manifest;
    manifest.tensors = {tensor("numbers", DType::float32, {kBatch, 6}), tensor("country", DType::int64, {kBatch})};
    manifest.outputs = {output("fraud", {kBatch, 1}), output("kinds", {kBatch, 2})};
    return manifest;
}
Manifest for_transformer(int64_t symbol) {
    Manifest manifest;
    manifest.tensors = {tensor("merchants", DType::int64, {kBatch, symbol}),
                        tensor("past", DType::float32, {kBatch, symbol, 3})};
    manifest.outputs = {output("fraud", {kBatch, 1})};
    manifest.limits.length = 12;
    if (symbol == kTokens) {
        manifest.features.resize(2);
        for (Feature &text : manifest.features) text.encoding = {Tokenise{nullptr, 12}};
        for (TensorSpec &spec : manifest.tensors) spec.features = {0};
    }
    return manifest;
}

std::string refusal(const test::GraphBuilder &build, const Manifest &manifest, const Digest &module = {}) {
    const Status status = check_binding(*build.plan({WB_PRECISION_FP32}, module), manifest);
    REQUIRE(status.code == WB_INVALID_BUNDLE);
    return status.message;
}

}  // namespace

TEST_CASE("a plan binds to the manifest that it was made for") {
    REQUIRE(check_binding(*test::mlp_graph().plan(), for_mlp()).ok());
    REQUIRE(check_binding(*test::transformer_graph().plan(), for_transformer(kLength)).ok());
    REQUIRE(check_binding(*test::transformer_graph().plan(), for_transformer(kTokens)).ok());
    Manifest more = for_mlp();  // an argument that forward does not use
    more.tensors.push_back(tensor("note", DType::float32, {kBatch, 3}));
    REQUIRE(check_binding(*test::mlp_graph().plan(), more).ok());
}

TEST_CASE("a tensor of another dtype, rank or width is named with both sides") {
    Manifest manifest = for_mlp();
    manifest.tensors[0].shape.size[1] = 3;
    REQUIRE(refusal(test::mlp_graph(), manifest) ==
            "model.plan: tensor 'numbers': expected float32 [batch, 3] as in manifest.json, found float32 [batch, 6]");
    manifest = for_mlp();
    manifest.tensors[1] = tensor("country", DType::int64, {kBatch, 1});
    REQUIRE(refusal(test::mlp_graph(), manifest) ==
            "model.plan: tensor 'country': expected int64 [batch, 1] as in manifest.json, found int64 [batch]");
    manifest = for_mlp();
    manifest.tensors[1].dtype = DType::int32;
    REQUIRE(refusal(test::mlp_graph(), manifest).find("expected int32 [batch]") != std::string::npos);
    manifest.tensors.pop_back();
    REQUIRE(refusal(test::mlp_graph(), manifest) ==
            "model.plan: expected 1 inputs at most as in manifest.json, found 2");
}

TEST_CASE("outputs are compared by count, rank and width") {
    Manifest manifest = for_mlp();
    manifest.outputs[1].shape.size[1] = 3;
    REQUIRE(refusal(test::mlp_graph(), manifest) ==
            "model.plan: output 'kinds': expected float32 [batch, 3] as in manifest.json, found float32 [batch, 2]");
    manifest.outputs.pop_back();
    REQUIRE(refusal(test::mlp_graph(), manifest) == "model.plan: expected 1 outputs as in manifest.json, found 2");
    manifest = for_mlp();
    manifest.outputs[0].shape.rank = 1;
    REQUIRE(refusal(test::mlp_graph(), manifest).find("output 'fraud': expected float32 [batch] as") !=
            std::string::npos);
}

TEST_CASE("lengths of a manifest beyond the plan's are refused, and two symbols in one model") {
    Manifest manifest = for_transformer(kLength);
    manifest.limits.length = 13;
    REQUIRE(refusal(test::transformer_graph(), manifest) ==
            "model.plan: expected lengths up to 13 as limits.length or max_tokens in manifest.json, found 12: compile "
            "the bundle again");
    manifest = for_transformer(kLength);
    manifest.tensors[0] = tensor("words", DType::int64, {kBatch, kTokens});
    REQUIRE(refusal(test::transformer_graph(), manifest) ==
            "model.plan: tensors 'words' and 'past': expected one symbolic size, found length and tokens; give the "
            "text a fixed size");
}

TEST_CASE("a text's own max_tokens bounds the plan's length, whatever limits.length says") {
    for (const int64_t most : {2, 11, 12}) {
        Manifest manifest = for_transformer(kTokens);
        manifest.limits.length = 4096;
        for (Feature &text : manifest.features) text.encoding = {Tokenise{nullptr, most}};
        REQUIRE(check_binding(*test::transformer_graph().plan(), manifest).ok());
        const std::vector<const TensorSpec *> tensors{&manifest.tensors[0], &manifest.tensors[1]};
        REQUIRE(*largest_size(manifest, tensors) == most);
    }
    Manifest manifest = for_transformer(kTokens);
    for (Feature &text : manifest.features) text.encoding = {Tokenise{nullptr, 600}};
    REQUIRE(refusal(test::transformer_graph(), manifest).find("expected lengths up to 600") != std::string::npos);
}

TEST_CASE("tokens of two texts are refused by both tensors' names") {
    Manifest manifest = for_transformer(kTokens);
    manifest.tensors[1].features = {1};
    REQUIRE(refusal(test::transformer_graph(), manifest) ==
            "model.plan: tensors 'merchants' and 'past': expected tokens of one text, found two texts; give one of "
            "them a fixed size");
}

TEST_CASE("a plan of another bundle's module is refused by both digests") {
    Manifest manifest = for_mlp();
    Digest own{}, other{};
    own[0] = 1;
    other[0] = 2;
    manifest.files["model.ts"].sha256 = hex(own);
    REQUIRE(check_binding(*test::mlp_graph().plan({WB_PRECISION_FP32}, own), manifest).ok());
    const std::string message = refusal(test::mlp_graph(), manifest, other);
    REQUIRE(message.find(hex(own)) != std::string::npos);
    REQUIRE(message.find(hex(other)) != std::string::npos);
    REQUIRE(message.find("compile the bundle again") != std::string::npos);
}
