// SPDX-License-Identifier: Apache-2.0
#include "model/backend.hpp"

#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <functional>

#include "bundle/bundle.hpp"
#include "support/catch.hpp"
#include "support/fixture.hpp"
#include "support/plans.hpp"

namespace {

namespace lib = weighbridge::lib;
namespace test = weighbridge::test;
namespace fs = std::filesystem;

// How a load refuses a bundle whose plan somebody changed, digests and checksum and all.
lib::Status refusal(std::function<lib::Bytes(lib::Bytes)> change) {
    const fs::path folder = fs::temp_directory_path() / ("wb_plan_backend_" + std::to_string(getpid()));
    fs::remove_all(folder);
    test::FixtureOptions options;
    options.plan = std::move(change);
    test::write_fixture(folder.string(), options);
    auto bundle = lib::Bundle::open(folder.string(), lib::Bundle::Mode::full);
    fs::remove_all(folder);
    INFO(bundle.status().message);
    REQUIRE(bundle);
    return lib::make_reference_backend()->prepare(*bundle, "").status();
}

}  // namespace

TEST_CASE("a bundle's plan that is newer, cut or another bundle's is refused by what was expected and found") {
    REQUIRE(refusal([](lib::Bytes plan) { return plan; }).ok());
    lib::Status status = refusal([](lib::Bytes plan) {
        plan[8] = std::byte{2};
        return test::resealed(std::move(plan));
    });
    CHECK(status.code == WB_INVALID_BUNDLE);
    CHECK(std::string_view(status.message).find("model.plan: expected plan version 1, found 2: compile the bundle") ==
          0);
    status = refusal([](lib::Bytes plan) {
        plan.resize(plan.size() - 64);
        return test::resealed(std::move(plan));
    });
    CHECK(status.code == WB_INVALID_BUNDLE);
    CHECK(std::string_view(status.message).find("model.plan: expected ") == 0);
    status = refusal([](lib::Bytes plan) {
        plan[64] ^= std::byte{1};  // of the digest of model.ts
        return test::resealed(std::move(plan));
    });
    CHECK(status.code == WB_INVALID_BUNDLE);
    CHECK(std::string_view(status.message).find("model.plan: expected a plan of the bundle's model.ts (sha256 ") == 0);
    // A plan of another model, with this bundle's module in it.
    status = refusal([](const lib::Bytes &plan) {
        lib::Digest module;
        std::memcpy(module.data(), plan.data() + 64, sizeof module);
        return *lib::write_plan(*test::mlp_graph().plan({WB_PRECISION_FP32}, module));
    });
    CHECK(status.code == WB_INVALID_BUNDLE);
    CHECK(std::string_view(status.message) ==
          "model.plan: tensor 'numbers': expected float32 [batch, 3] as in manifest.json, found float32 [batch, 6]");
}
