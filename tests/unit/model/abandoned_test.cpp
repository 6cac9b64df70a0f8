// SPDX-License-Identifier: Apache-2.0
// Runs whose caller has left at its deadline while the backend is still at work: they keep context and model until the
// backend is through.
#include <thread>

#include "support/fake_engine.hpp"

using namespace weighbridge::lib;
using namespace weighbridge::test;

namespace {

std::shared_ptr<const Bundle> made_bundle() {
    return module_bundle("fake", R"("features": [{"name": "x", "type": "float32"}],
        "tensors": [{"name": "x", "dtype": "float32", "shape": ["batch", 1], "features": ["x"]}],
        "outputs": [{"name": "fraud", "shape": ["batch"]}], "limits": {"rows": 64})");
}

struct Served {
    explicit Served(int contexts = 1) : hall(contexts, 0) {  // who would have to wait is shed
        control.abandon_on_stop(true);
        target.model = hall.model(control, bundle, kThreadTraits);
    }
    // Has a run's caller leave it at its deadline.
    Status abandon(bool batch = false) {
        control.block();
        const int64_t deadline_ns = hall.clock.now_ns() + 100;
        Status status;
        std::thread call([&] { status = batch ? score_batch(deadline_ns) : score(deadline_ns); });
        control.wait_for_running(1);
        hall.clock.advance(100);
        call.join();
        return status;
    }
    Status score(int64_t deadline_ns = WB_NO_DEADLINE) {
        auto row = row_of(*bundle->schema(), R"({"x": 1})");
        CallOptions options;
        options.deadline_ns = deadline_ns;
        result = WB_RESULT_INIT;
        return hall.engine->score(target, row.data(), options, {}, result);
    }
    Status score_batch(int64_t deadline_ns) {
        Batch batch(bundle);
        const std::vector<float> x(40, 1.0F);
        REQUIRE(batch.reset(40).ok());
        REQUIRE(batch.set_column(0, x.data(), sizeof(float), nullptr).ok());
        CallOptions options;
        options.deadline_ns = deadline_ns;
        std::optional<wb_batch_result> counted;
        return hall.engine->score_batch(target, batch, options, counted);
    }

    FakeControl control;
    FakeEngine hall;
    std::shared_ptr<const Bundle> bundle = made_bundle();
    Target target;
    wb_result result = WB_RESULT_INIT;
};

}  // namespace

TEST_CASE("an abandoned run's caller has the fallback, and its context is busy until the backend is through") {
    for (const bool batch : {false, true}) {
        CAPTURE(batch);
        Served served;
        CHECK(served.abandon(batch).code == WB_OK_FALLBACK);
        CHECK(served.hall.pool().drain(0).code == WB_DEADLINE_EXCEEDED);
        CHECK(served.score().code == WB_OK_FALLBACK);
        CHECK(served.result.reason == WB_REASON_OVERLOAD);
        served.control.release();
        CHECK(served.hall.pool().drain(0).ok());
        CHECK(served.score().code == WB_OK);
    }
}

TEST_CASE("other contexts serve on beside an abandoned run") {
    Served served(2);
    CHECK(served.abandon().code == WB_OK_FALLBACK);
    FakeControl quick;
    Target other;
    other.model = served.hall.model(quick, served.bundle);
    auto row = row_of(*served.bundle->schema(), R"({"x": 1})");
    for (int i = 0; i < 3; ++i)
        CHECK(served.hall.engine->score(other, row.data(), {}, {}, served.result).code == WB_OK);
    served.control.release();
    CHECK(served.hall.pool().drain(0).ok());
}

TEST_CASE("an abandoned run keeps its model, whoever else lets go of it") {
    Served served;
    CHECK(served.abandon().code == WB_OK_FALLBACK);
    served.target.model = Ref<Model>();
    served.hall.engine->maintain();
    CHECK(served.hall.counters().models == 1);
    served.control.release();
    served.hall.engine->maintain();
    CHECK(served.hall.counters().models == 0);
}

TEST_CASE("an engine that goes while a run is abandoned leaves its memory to the run") {
    FakeControl control;
    FakeEngine hall;  // its clock outlives the engine
    {
        Target target;
        const auto bundle = made_bundle();
        target.model = hall.model(control, bundle, kThreadTraits);
        control.abandon_on_stop(true);
        control.block();
        CancelToken token;
        CallOptions options;
        options.cancel = &token;
        auto row = row_of(*bundle->schema(), R"({"x": 1})");
        wb_result result = WB_RESULT_INIT;
        Status status;
        std::thread call([&] { status = hall.engine->score(target, row.data(), options, {}, result); });
        control.wait_for_running(1);
        token.set(true);
        call.join();
        CHECK(status.code == WB_CANCELLED);
    }
    hall.engine = {};
    control.release();  // frees model, runtime and pool: AddressSanitizer sees to it that all are there until now
}
