// SPDX-License-Identifier: Apache-2.0
// Whoever lets go of a model last, before or behind the end of its engine, it is destroyed once, and the runtime then.
#include <array>
#include <atomic>
#include <thread>

#include "support/fake_engine.hpp"
#include "unit/engine/queue_support.hpp"

using namespace weighbridge::lib;
using namespace weighbridge::test;

namespace {

const std::array<DeviceContexts, 1> kOneContext = {DeviceContexts(1)};

}  // namespace

TEST_CASE("a model that its last owner leaves behind the engine's end is destroyed there", "[buried]") {
    FakeControl control;
    ManualClock clock;
    const auto bundle = queue_bundle("one");
    auto runtime = make_ref<Runtime>(kOneContext, 1, Pool::kFairnessNs, clock, 1, nullptr, nullptr);
    auto before = *Model::make(runtime, bundle, std::make_shared<const FakeProgram>(control, widths_of(*bundle)));
    auto behind = *Model::make(runtime, bundle, std::make_shared<const FakeProgram>(control, widths_of(*bundle)));
    before = {};
    CHECK(runtime->models == 2);
    runtime->close();
    CHECK(runtime->models == 1);
    behind = {};
    CHECK(runtime->models == 0);
    CHECK(runtime->has_one_owner());
}

// The one who buries a model must not look at the runtime once another has destroyed both: AddressSanitizer and
// ThreadSanitizer see that.
TEST_CASE("a model's last owner and the engine may leave at once", "[buried]") {
    FakeControl control;
    ManualClock clock;
    const auto bundle = queue_bundle("one");
    for (int round = 0; round < 2000; ++round) {
        auto runtime = make_ref<Runtime>(kOneContext, 1, Pool::kFairnessNs, clock, 1, nullptr, nullptr);
        auto model = *Model::make(runtime, bundle, std::make_shared<const FakeProgram>(control, widths_of(*bundle)));
        std::atomic<bool> go{false};
        std::thread owner([&] {
            while (!go) {
            }
            model = {};
        });
        go = true;
        runtime->close();
        runtime = {};
        owner.join();
    }
}
