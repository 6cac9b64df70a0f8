// SPDX-License-Identifier: Apache-2.0
// A request's stages: what its deadline leaves to a fallback slot, and who answers for which reason.
#include <cmath>
#include <limits>
#include <thread>

#include "support/batch_counts.hpp"
#include "support/fake_engine.hpp"
#include "support/fixture.hpp"

using namespace weighbridge::lib;
using namespace weighbridge::test;

namespace {

constexpr int64_t kReserve_us = 1000, kReserve_ns = kReserve_us * 1000;
constexpr float kChampionScore = 0.25F, kSpareScore = 0.75F;
constexpr double kFixedScore = 0.5;

std::shared_ptr<const Bundle> made_bundle(const std::string &version, const std::string &fallback) {
    return module_bundle("fake", R"("features": [{"name": "x", "type": "float32", "range": [0, 100]}],
        "tensors": [{"name": "x", "dtype": "float32", "shape": ["batch", 1], "features": ["x"]}],
        "outputs": [{"name": "fraud", "shape": ["batch"],
                     "bands": [{"name": "low", "below": 0.5}, {"name": "high"}]}], "limits": {"rows": 64})",
                         {}, {version, fallback});
}

// A champion whose bundle names a fallback slot, and that slot's model.
struct Served {
    explicit Served(uint32_t queue_limit = 16) : hall(1, queue_limit) {
        champion.set_score([this](const Run &run, int64_t) {
            champion_deadline_ns = run.stop.deadline_ns;
            return kChampionScore;
        });
        spare.set_score([this](const Run &run, int64_t) {
            spare_deadline_ns = run.stop.deadline_ns;
            return kSpareScore;
        });
        target.model = hall.model(champion, bundle);
    }
    void open_spare() { hall.serve("spare", hall.model(spare, made_bundle("spare", R"({"score": 0.5})"))); }

    Status score(CallOptions options = {}, const std::string &json = R"({"x": 1})") {
        auto row = row_of(*bundle->schema(), json);
        result = WB_RESULT_INIT;
        return hall.engine->score(target, row.data(), options, {}, result);
    }
    // The same row twice, as a batch.
    Status score_batch(CallOptions options = {}) {
        Batch batch(bundle);
        const float x[2] = {1.0F, 1.0F};
        REQUIRE(batch.reset(2).ok());
        REQUIRE(batch.set_column(0, x, sizeof *x, nullptr).ok());
        REQUIRE(batch.set_result(WB_COLUMN_SCORE, scores, sizeof *scores).ok());
        REQUIRE(batch.set_result(WB_COLUMN_REASON, reasons, sizeof *reasons).ok());
        REQUIRE(batch.set_result(WB_COLUMN_STATUS, codes, sizeof *codes).ok());
        counted.reset();
        Status status = hall.engine->score_batch(target, batch, options, counted);
        if (counted) weighbridge::test::require_counts(*counted, codes);
        return status;
    }
    std::string version() const { return result.version; }

    FakeControl champion, spare;
    int64_t champion_deadline_ns = 0, spare_deadline_ns = 0;
    FakeEngine hall;
    std::shared_ptr<const Bundle> bundle =
        made_bundle("champion", R"({"score": 0.5, "slot": "spare", "reserve_us": 1000})");
    Target target;
    wb_result result = WB_RESULT_INIT;
    double scores[2] = {};
    int32_t reasons[2] = {}, codes[2] = {};
    std::optional<wb_batch_result> counted;  // of the latest batch
};

}  // namespace

TEST_CASE("a fallback slot that can answer has its reserve before the deadline, and one that cannot has none") {
    Served served;
    CallOptions options;
    options.deadline_ns = served.hall.clock.now_ns() + 5 * kReserve_ns;
    REQUIRE(served.score(options).code == WB_OK);
    CHECK(served.champion_deadline_ns == options.deadline_ns);
    CHECK(served.version() == "champion");

    served.open_spare();
    REQUIRE(served.score(options).code == WB_OK);
    CHECK(served.champion_deadline_ns == options.deadline_ns - kReserve_ns);
    REQUIRE(served.score_batch(options).code == WB_OK);
    CHECK(served.champion_deadline_ns == options.deadline_ns - kReserve_ns);

    options.accept_fallback = false;
    REQUIRE(served.score(options).code == WB_OK);
    CHECK(served.champion_deadline_ns == options.deadline_ns);
    REQUIRE(served.score().code == WB_OK);
    CHECK(served.champion_deadline_ns == WB_NO_DEADLINE);
}

TEST_CASE("the call leaves its model when only the reserve is left, and the fallback slot has that") {
    for (const bool batch : {false, true}) {
        CAPTURE(batch);
        Served served;
        served.open_spare();
        served.champion.block();
        CallOptions options;
        options.deadline_ns = served.hall.clock.now_ns() + 5 * kReserve_ns;
        Status status;
        std::thread call([&] { status = batch ? served.score_batch(options) : served.score(options); });
        served.champion.wait_for_running(1);
        served.hall.clock.advance(4 * kReserve_ns);
        call.join();
        CHECK(status.code == WB_OK_FALLBACK);
        CHECK(served.spare_deadline_ns == options.deadline_ns);
        CHECK((batch ? served.scores[1] : served.result.score) == kSpareScore);
        CHECK((batch ? served.reasons[1] : served.result.reason) == WB_REASON_DEADLINE);
        if (!batch) CHECK(served.version() == "spare");
        CHECK(served.hall.counters().expired == 1);
    }
}

TEST_CASE("a deadline that lies in the past by centuries is past, though the fallback slot's reserve is taken off it") {
    Served served;
    served.open_spare();
    CallOptions options;
    options.deadline_ns = std::numeric_limits<int64_t>::min() + 1;
    CHECK(served.score(options).code == WB_OK_FALLBACK);
    CHECK(served.score_batch(options).code == WB_OK_FALLBACK);
}

TEST_CASE("where the fallback slot's time is up too, the fixed score answers") {
    Served served;
    served.open_spare();
    CallOptions options;
    options.deadline_ns = served.hall.clock.now_ns();
    CHECK(served.score(options).code == WB_OK_FALLBACK);
    CHECK(served.result.score == kFixedScore);
    CHECK(served.result.band == 1);
    CHECK(served.result.reason == WB_REASON_DEADLINE);
    CHECK(served.version() == "champion");
    CHECK(served.champion.runs() + served.spare.runs() == 0);
}

TEST_CASE("who answers for which reason, alone and in a batch, and what is counted") {
    enum class Meets { expired, shed, failed, both_failed };
    const struct {
        Meets meets;
        int32_t reason, code;
        double score;  // of the fallback, with a slot that can answer
    } table[] = {
        {Meets::expired, WB_REASON_DEADLINE, WB_DEADLINE_EXCEEDED, kFixedScore},
        {Meets::shed, WB_REASON_OVERLOAD, WB_OVERLOADED, kFixedScore},
        {Meets::failed, WB_REASON_BACKEND, WB_BACKEND_FAILED, kSpareScore},
        {Meets::both_failed, WB_REASON_BACKEND, WB_BACKEND_FAILED, kFixedScore},
    };
    for (const auto &one : table) {
        CAPTURE(static_cast<int>(one.meets));
        Served served(0);
        served.open_spare();
        CallOptions options;
        Pool::Lease taken;
        if (one.meets == Meets::expired) options.deadline_ns = served.hall.clock.now_ns();
        if (one.meets == Meets::shed) taken = *served.hall.pool().acquire(Priority::normal, WB_NO_DEADLINE, nullptr);
        if (one.meets >= Meets::failed) served.champion.fail(Status::failure(WB_BACKEND_FAILED, "as told"));
        if (one.meets == Meets::both_failed) served.spare.fail(Status::failure(WB_INTERNAL, "as told"));

        CHECK(served.score(options).code == WB_OK_FALLBACK);
        CHECK(served.result.score == one.score);
        CHECK(served.result.reason == one.reason);
        CHECK(served.result.status == WB_OK_FALLBACK);
        CHECK(served.score_batch(options).code == WB_OK_FALLBACK);
        for (int i = 0; i < 2; ++i) {
            CHECK(served.scores[i] == one.score);
            CHECK(served.reasons[i] == one.reason);
            CHECK(served.codes[i] == WB_OK_FALLBACK);
        }
        const wb_snapshot counted = served.hall.counters();
        CHECK(counted.fallbacks == 3);
        CHECK(counted.overloaded == (one.meets == Meets::shed ? 2 : 0));
        CHECK(counted.expired == (one.meets == Meets::expired ? 2 : 0));
        CHECK(counted.failed == (one.meets >= Meets::failed ? 2 : 0));

        options.accept_fallback = false;
        CHECK(served.score(options).code == one.code);
        CHECK(served.result.status == WB_OK);
        CHECK(served.score_batch(options).code == (one.meets >= Meets::failed ? WB_OK_PARTIAL : one.code));
        for (int i = 0; i < 2; ++i) {
            CHECK(std::isnan(served.scores[i]));
            CHECK(served.reasons[i] == WB_REASON_NONE);
            CHECK(served.codes[i] == one.code);
        }
        CHECK(served.counted->first_error == 0);
    }
}

TEST_CASE("a row that is refused or a call that is cancelled is nobody's to answer") {
    Served served;
    served.open_spare();
    const Status refused = served.score({}, R"({"x": 101})");
    CHECK(refused.code == WB_INVALID_INPUT);
    CHECK(refused.feature == 0);
    CHECK(refused.row == 0);
    CancelToken token;
    token.set(true);
    CallOptions options;
    options.cancel = &token;
    CHECK(served.score(options).code == WB_CANCELLED);
    CHECK(served.score_batch(options).code == WB_CANCELLED);
    CHECK(served.codes[1] == WB_CANCELLED);
    CHECK(served.spare.runs() == 0);
    CHECK(served.hall.counters().invalid == 1);
    CHECK(served.hall.counters().fallbacks == 0);
}

TEST_CASE("a batch that is ended between its rows says how far it came") {
    for (const bool cancels : {false, true}) {
        CAPTURE(cancels);
        Served served;
        CancelToken token;
        CallOptions options;
        options.accept_fallback = false;
        options.cancel = &token;
        options.deadline_ns = served.hall.clock.now_ns() + 1000;
        served.champion.set_score([&](const Run &, int64_t) {
            if (cancels) token.set(true);
            served.hall.clock.advance(cancels ? 0 : 1000);
            return kChampionScore;
        });
        constexpr int64_t kRows = 100;
        const std::vector<float> x(kRows, 1.0F);
        Batch batch(served.bundle);
        REQUIRE(batch.reset(kRows).ok());
        REQUIRE(batch.set_column(0, x.data(), sizeof x[0], nullptr).ok());
        const Status status = served.hall.engine->score_batch(served.target, batch, options, served.counted);
        CHECK(status.code == (cancels ? WB_CANCELLED : WB_DEADLINE_EXCEEDED));
        CHECK(served.counted->scored > 0);
        CHECK(std::string(status.message) == formatted("{} after {} of 100 rows",
                                                       cancels ? "cancelled" : "the deadline passed",
                                                       served.counted->scored));
    }
}

TEST_CASE("a result says how long its row waited and ran") {
    Served served;
    served.champion.set_score([&](const Run &, int64_t) {
        served.hall.clock.advance(700);
        return kChampionScore;
    });
    auto held = served.hall.pool().acquire(Priority::normal, WB_NO_DEADLINE, nullptr);
    Status status;
    std::thread call([&] { status = served.score(); });
    while (served.hall.pool().waiting() == 0) std::this_thread::yield();
    served.hall.clock.advance(300);
    held->reset();
    call.join();
    REQUIRE(status.code == WB_OK);
    CHECK(served.result.queue_ns == 300);
    CHECK(served.result.run_ns == 700);
    CHECK(served.hall.counters().latency_max_ns == 1000);
}

TEST_CASE("an engine loads with the backends and by the clock that it was made of") {
    FakeEngine hall;
    hall.control.set_score([](const Run &, int64_t) { return kSpareScore; });
    const ScratchDirectory directory;
    write_fixture(directory.path() + "/mlp");
    LoadOptions options;
    options.verify = false;
    auto model = hall.engine->load(directory.path() + "/mlp", options);
    REQUIRE(model);
    CHECK(hall.control.runs() == 1);  // the first golden row, in the one context
}
