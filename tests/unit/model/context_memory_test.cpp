// SPDX-License-Identifier: Apache-2.0
// Models share the memory of contexts: it is as large as the largest of them needs, and grows at a load, whatever the
// contexts are doing.
#include <algorithm>
#include <array>
#include <atomic>
#include <new>
#include <thread>

#include "support/fake_engine.hpp"
#include "support/fixture.hpp"

using namespace weighbridge::lib;
using namespace weighbridge::test;

namespace {

constexpr int64_t kSmall = 64, kLarge = 64 << 10;  // scratch bytes a row

std::shared_ptr<const Bundle> made_bundle() {
    return module_bundle("fake", R"("features": [{"name": "x", "type": "float32"}],
        "tensors": [{"name": "x", "dtype": "float32", "shape": ["batch", 1], "features": ["x"]}],
        "outputs": [{"name": "fraud", "shape": ["batch"]}], "limits": {"rows": 64})");
}

std::atomic<bool> memory_is_short{false};
AlignedBuffer allocate_unless_short(size_t bytes) {
    if (memory_is_short) throw std::bad_alloc();
    return AlignedBuffer(bytes);
}

struct Served {
    explicit Served(int contexts = 2) : hall(contexts, 16, allocate_unless_short) {}
    Ref<Model> load(FakeControl &of, int64_t row_bytes, Traits traits = kInlineTraits) {
        return hall.model(of, bundle, traits, row_bytes);
    }
    double score(const Ref<Model> &model, CallOptions options = {}) {
        const Target target{model, {}};
        auto row = row_of(*bundle->schema(), R"({"x": 1})");
        wb_result result = WB_RESULT_INIT;
        options.accept_fallback = false;
        const Status status = hall.engine->score(target, row.data(), options, {}, result);
        return status.ok() ? result.score : status.code;
    }
    int64_t arena_bytes() const { return hall.pool().arena_bytes(); }

    FakeControl control, large_control;
    FakeEngine hall;
    std::shared_ptr<const Bundle> bundle = made_bundle();
};

}  // namespace

TEST_CASE("a second model of the same size adds no memory to contexts, a larger one its surplus", "[arena]") {
    Served served;
    const auto first = served.load(served.control, kSmall);
    CHECK(served.arena_bytes() == 2 * first->context_bytes());
    const auto second = served.load(served.control, kSmall);
    CHECK(served.arena_bytes() == 2 * first->context_bytes());
    auto large = served.load(served.large_control, kLarge);
    CHECK(large->context_bytes() > 16 * kLarge);
    CHECK(served.arena_bytes() == 2 * large->context_bytes());
    const auto third = served.load(served.control, kSmall);
    const int64_t most = 2 * large->context_bytes();
    for (const auto &model : {first, second, large, third}) CHECK(served.score(model) == 0.25);
    large = Ref<Model>();
    served.hall.engine->maintain();
    CHECK(served.arena_bytes() == most);  // contexts keep what they have
}

TEST_CASE("a load that needs more memory does not wait for busy contexts, which have it when they come back",
          "[arena]") {
    Served served;
    const auto small = served.load(served.control, kSmall);
    served.control.block();
    std::array<double, 2> scores{};
    std::vector<std::thread> calls;
    for (double &score : scores) calls.emplace_back([&] { score = served.score(small); });
    served.control.wait_for_running(2);
    const auto large = served.load(served.large_control, kLarge);
    CHECK(served.arena_bytes() == 2 * (small->context_bytes() + large->context_bytes()));
    served.control.release();
    for (auto &call : calls) call.join();
    CHECK((scores[0] == 0.25 && scores[1] == 0.25));
    for (int i = 0; i < 4; ++i) CHECK(served.score(i % 2 == 0 ? large : small) == 0.25);
    served.hall.engine->maintain();
    CHECK(served.arena_bytes() == 2 * large->context_bytes());
}

TEST_CASE("a context whose run was abandoned has grown when it comes back", "[arena]") {
    Served served(1);
    served.control.abandon_on_stop(true);
    served.control.block();
    const auto small = served.load(served.control, kSmall, kThreadTraits);
    CancelToken token;
    CallOptions options;
    options.cancel = &token;
    double score = 0;
    std::thread call([&] { score = served.score(small, options); });
    served.control.wait_for_running(1);
    token.set(true);
    call.join();
    CHECK(score == WB_CANCELLED);
    const auto large = served.load(served.large_control, kLarge);
    served.hall.engine->maintain();
    CHECK(served.arena_bytes() == small->context_bytes() + large->context_bytes());  // the run's is still there
    served.control.release();
    CHECK(served.score(large) == 0.25);
    CHECK(served.score(small) == 0.25);
    served.hall.engine->maintain();
    CHECK(served.arena_bytes() == large->context_bytes());
}

TEST_CASE("a load for which there is no memory fails, and what is loaded serves on", "[arena]") {
    Served served;
    const auto small = served.load(served.control, kSmall);
    memory_is_short = true;
    const auto failed = served.hall.load(served.large_control, served.bundle, kInlineTraits, kLarge);
    const auto same = served.hall.load(served.control, served.bundle, kInlineTraits, kSmall);
    memory_is_short = false;
    REQUIRE_FALSE(failed);
    CHECK(failed.status().code == WB_OUT_OF_MEMORY);
    CHECK(same);  // needs nothing
    CHECK(served.arena_bytes() == 2 * small->context_bytes());
    CHECK(served.score(small) == 0.25);
    CHECK(served.score(served.load(served.large_control, kLarge)) == 0.25);
}

TEST_CASE("scores have the bits that they have alone, whatever other models leave in the context", "[arena]") {
    const ScratchDirectory directory;
    const std::string path = directory.path() + "/mlp";
    write_fixture(path);
    EngineOptions options;
    options.cpu_contexts = 1;
    const auto engine = *Engine::make(options);
    LoadOptions load;
    load.engines = {"native"};
    const auto native = *engine->load(path, load);
    load.engines = {"reference"};
    const auto reference = *engine->load(path, load);
    FakeControl control;
    const auto fake = *Model::make(Ref<Runtime>(&engine->runtime()), made_bundle(),
                                   std::make_shared<const FakeProgram>(control, std::vector<int64_t>{1}, 16));
    const Schema &schema = *native->bundle().schema();
    auto row = row_of(schema, R"({"amount_minor": 1234, "age_days": 3.5, "country": "DE", "online": true})");
    auto fake_row = row_of(*fake->bundle().schema(), R"({"x": 1})");
    double alone = 0;
    for (int i = 0; i < 6; ++i) {
        wb_result result = WB_RESULT_INIT;
        REQUIRE(engine->score({i % 2 == 0 ? native : reference, {}}, row.data(), {}, {}, result).code == WB_OK);
        if (i == 0) alone = result.score;
        CHECK(result.score == alone);
        REQUIRE(engine->score({fake, {}}, fake_row.data(), {}, {}, result).code ==
                WB_OK);  // scribbles over its scratch
    }
    CHECK(engine->runtime().pools.cpu().arena_bytes() ==
          std::max({native->context_bytes(), reference->context_bytes(), fake->context_bytes()}));
}
