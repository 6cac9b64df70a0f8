// SPDX-License-Identifier: Apache-2.0
// The reference backend with a bundle on disk: what it takes and what it refuses.
#include <stdlib.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "backend/reference/reference.hpp"
#include "base/file.hpp"
#include "base/sha256.hpp"
#include "support/catch.hpp"
#include "unit/plan/plans.hpp"

using namespace weighbridge::lib;

namespace {

namespace fs = std::filesystem;

// A bundle that fits small_mlp(), with `plan` as its model.plan where that is not empty.
std::shared_ptr<const Bundle> bundle_with(const Bytes &plan, int hidden_width = 2) {
    std::string name = (fs::temp_directory_path() / "wb-reference-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()));
    std::vector<std::pair<std::string, Bytes>> files;
    auto text = as_bytes("none");
    for (const char *file : {"model.ts", "golden.jsonl"}) files.emplace_back(file, Bytes(text.begin(), text.end()));
    if (!plan.empty()) files.emplace_back("model.plan", plan);
    std::string entries;
    for (const auto &[file, content] : files) {
        REQUIRE(write_file(name + "/" + file, content).ok());
        entries += fmt::format(R"({}"{}": {{"sha256": "{}", "bytes": {}}})", entries.empty() ? "" : ", ", file,
                               hex(*sha256(content)), content.size());
    }
    std::string manifest = R"({"weighbridge": {"format": 1, "requires": "0.1.0"},
        "identity": {"name": "small", "version": "1"},
        "features": [{"name": "a", "type": "float32"}, {"name": "b", "type": "float32"},
                     {"name": "country", "type": "category",
                      "encoding": [{"op": "vocabulary", "values": ["FR", "DE", "IT"]}]}],
        "tensors": [{"name": "numbers", "dtype": "float32", "shape": ["batch", 2], "features": ["a", "b"]},
                    {"name": "country", "dtype": "int64", "shape": ["batch"], "features": ["country"]}],
        "outputs": [{"name": "fraud", "shape": ["batch"], "primary": true},
                    {"name": "hidden", "shape": ["batch", )" +
                           std::to_string(hidden_width) + R"(]}],
        "fallback": {"score": 0.5}, "files": {)" +
                           entries + "}}";
    REQUIRE(write_file(name + "/manifest.json", as_bytes(manifest)).ok());
    auto bundle = Bundle::open(fs::canonical(name).string(), Bundle::Mode::full);
    fs::remove_all(name);
    INFO(bundle.status().message);
    REQUIRE(bundle);
    return *bundle;
}

Bytes small_file() { return *write_plan(*weighbridge::test::small_mlp()); }

Status refusal(const std::shared_ptr<const Bundle> &bundle, std::string_view precision = "") {
    auto program = make_reference_backend()->prepare(bundle, precision);
    REQUIRE_FALSE(program);
    return program.status();
}

}  // namespace

TEST_CASE("the reference backend makes a program of a bundle's plan") {
    auto backend = make_reference_backend();
    REQUIRE(backend->name() == "reference");
    auto bundle = bundle_with(small_file());
    for (std::string_view precision : {"", "fp32"}) {
        auto program = backend->prepare(bundle, precision);
        REQUIRE(program);
        REQUIRE((*program)->backend() == WB_BACKEND_REFERENCE);
        REQUIRE((*program)->make_executor(0, 8));
    }
}

TEST_CASE("a bundle without a plan is for another engine") {
    Status status = refusal(bundle_with({}));
    REQUIRE(status.code == WB_BACKEND_UNAVAILABLE);
    REQUIRE(std::string(status.message) ==
            "reference: the bundle has no model.plan: compile it first or allow torchscript");
}

TEST_CASE("a precision that the plan does not have is for another engine") {
    Status status = refusal(bundle_with(small_file()), "bf16");
    REQUIRE(status.code == WB_BACKEND_UNAVAILABLE);
    REQUIRE(std::string(status.message) == "reference: expected precision 'bf16' in model.plan, found fp32");
}

TEST_CASE("a damaged plan, and one of another model, end the load") {
    Bytes damaged = small_file();
    damaged[300] ^= std::byte{4};
    REQUIRE(refusal(bundle_with(damaged)).code == WB_INVALID_BUNDLE);
    Status other = refusal(bundle_with(small_file(), 3));
    REQUIRE(other.code == WB_INVALID_BUNDLE);
    REQUIRE(std::string(other.message) == "model.plan: output 'hidden': expected width 3 as in manifest.json, found 2");
}
