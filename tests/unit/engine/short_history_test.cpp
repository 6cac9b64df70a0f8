// SPDX-License-Identifier: Apache-2.0
// Rows whose sequences are shorter than limits.least_length (new cards): the same answer on every engine, single and in
// a batch, and no model ever sees one.
#include <algorithm>
#include <vector>

#include "backend/native/native.hpp"
#include "backend/reference/reference.hpp"
#include "engine/engine.hpp"
#include "feature/row.hpp"
#include "support/batch_counts.hpp"
#include "support/catch.hpp"
#include "support/fake_backend.hpp"
#include "support/graphs.hpp"
#include "support/levels.hpp"
#include "support/module_bundle.hpp"

using namespace weighbridge::lib;
using namespace weighbridge::test;

namespace {

constexpr int64_t kLeast = 2, kMost = 8;
constexpr size_t kRowWords = 32;

std::shared_ptr<const Bundle> bundle_of(const std::string &limits) {
    return module_bundle("none", R"("features": [{"name": "past", "type": "sequence", "of": "float32",
                                                  "missing": {"default": []}}],
        "tensors": [{"name": "past", "dtype": "float32", "shape": ["batch", "length"], "features": ["past"]}],
        "outputs": [{"name": "fraud", "shape": ["batch"]}], "limits": {"length": 8)" +
                                     limits + "}");
}

// The sum of a sequence, which the graph allows from `least` elements on.
std::shared_ptr<const Plan> plan_from(int64_t least) {
    GraphBuilder build(kMost);
    build.graph.least_length = least;
    const auto past = build.input(0, DType::float32, {Extent::rows(), Extent::length()});
    build.output(build.add(Op::reduce_sum, {past}, {.axis = 1}));
    return build.plan();
}

// What a batch's columns hold.
struct BatchAnswer {
    explicit BatchAnswer(size_t rows) : score(rows), status(rows), reason(rows), feature(rows) {}
    std::vector<double> score;
    std::vector<int32_t> status, reason, feature;
    Status whole;
    std::optional<wb_batch_result> result;
};

struct Served {
    Served(const std::string &engine_name, std::shared_ptr<const Bundle> of, int64_t plan_least)
        : name(engine_name), bundle(std::move(of)) {
        EngineOptions options;
        options.cpu_contexts = 1;
        options.queue_limit = 0;
        engine = *Engine::make(options);
        control.set_score([this](const Run &run, int64_t row) {
            const int64_t length = run.inputs[0].shape.size[1];
            shortest_run = std::min(shortest_run, length);
            const auto *values = static_cast<const float *>(run.inputs[0].data) + row * length;
            float sum = 0;
            for (int64_t i = 0; i < length; ++i) sum += values[i];
            return sum;
        });
        std::shared_ptr<const Program> program;
        if (name == "native")
            program = *make_native_program(plan_from(plan_least), WB_PRECISION_FP32, cpu_levels().back(), {"past"});
        else if (name == "reference")
            program = make_reference_program(plan_from(plan_least), WB_PRECISION_FP32, {"past"});
        else  // as the torchscript engine, which takes what the module takes
            program = std::make_shared<const FakeProgram>(control, std::vector<int64_t>{1}, 16);
        target.model = *Model::make(Ref<Runtime>(&engine->runtime()), bundle, program);
    }

    std::vector<uint64_t> row(int64_t length) const {
        std::vector<uint64_t> memory(kRowWords);
        std::string json = R"({"past": [)";
        for (int64_t i = 0; i < length; ++i) json += i == 0 ? "1" : ", 1";
        REQUIRE(init_row(*bundle->schema(), memory.data(), memory.size() * 8).ok());
        REQUIRE(set_row_json(*bundle->schema(), memory.data(), json + "]}", 8).ok());
        return memory;
    }
    Status score(int64_t length, bool accept_fallback) {
        CallOptions options;
        options.accept_fallback = accept_fallback;
        return score(length, options);
    }
    Status score(int64_t length, const CallOptions &options) {
        auto memory = row(length);
        result = WB_RESULT_INIT;
        return engine->score(target, memory.data(), options, {}, result);
    }
    BatchAnswer score_batch(const std::vector<int64_t> &lengths, const CallOptions &options) {
        std::vector<uint64_t> memory;
        for (int64_t length : lengths) {
            const auto one = row(length);
            memory.insert(memory.end(), one.begin(), one.end());
        }
        BatchAnswer answer(lengths.size());
        Batch batch(bundle);
        REQUIRE(batch.reset(static_cast<int64_t>(lengths.size())).ok());
        REQUIRE(batch.set_rows(memory.data(), kRowWords * 8).ok());
        REQUIRE(batch.set_result(WB_COLUMN_SCORE, answer.score.data(), 8).ok());
        REQUIRE(batch.set_result(WB_COLUMN_STATUS, answer.status.data(), 4).ok());
        REQUIRE(batch.set_result(WB_COLUMN_REASON, answer.reason.data(), 4).ok());
        REQUIRE(batch.set_result(WB_COLUMN_FEATURE, answer.feature.data(), 4).ok());
        answer.whole = engine->score_batch(target, batch, options, answer.result);
        REQUIRE(answer.result);
        CHECK(answer.result->status == answer.whole.code);
        require_counts(*answer.result, answer.status);
        return answer;
    }

    const std::string name;
    FakeControl control;
    int64_t shortest_run = kMost + 1;
    std::shared_ptr<const Bundle> bundle;
    Ref<Engine> engine;
    Target target;
    wb_result result = WB_RESULT_INIT;
};

const char *const kEngines[] = {"native", "reference", "fake"};
const char *const kFallback = R"(, "least_length": 2)";
const char *const kError = R"(, "least_length": 2, "shorter": "error")";

void require_columns(Served &served, bool accept_fallback, bool answered) {
    const std::vector<int64_t> lengths{3, 0, 2, 1, 8, 0, 2};
    CallOptions options;
    options.accept_fallback = accept_fallback;
    const BatchAnswer batch = served.score_batch(lengths, options);
    CHECK(batch.whole.code == (answered ? WB_OK_FALLBACK : WB_OK_PARTIAL));
    if (!answered) CHECK(batch.whole.row == 1);
    for (size_t i = 0; i < lengths.size(); ++i) {
        CAPTURE(i, lengths[i]);
        const bool is_short = lengths[i] < kLeast;
        CHECK(batch.status[i] == (!is_short ? WB_OK : answered ? WB_OK_FALLBACK : WB_INVALID_INPUT));
        CHECK(batch.reason[i] == (is_short && answered ? WB_REASON_SHORT : WB_REASON_NONE));
        CHECK(batch.feature[i] == (is_short && !answered ? 0 : -1));
        if (!is_short) CHECK(batch.score[i] == static_cast<double>(lengths[i]));
        if (is_short && answered) CHECK(batch.score[i] == 0.5);
    }
}

}  // namespace

TEST_CASE("a row below limits.least_length gets the fallback, with its reason, on every engine") {
    for (const char *name : kEngines)
        for (int64_t plan_least : {0, 2}) {
            CAPTURE(name, plan_least);
            Served served(name, bundle_of(kFallback), plan_least);
            for (int64_t length = 0; length <= kMost; ++length) {
                CAPTURE(length);
                const Status status = served.score(length, true);
                CHECK(status.code == (length < kLeast ? WB_OK_FALLBACK : WB_OK));
                CHECK(served.result.reason == (length < kLeast ? WB_REASON_SHORT : WB_REASON_NONE));
                CHECK(served.result.score == (length < kLeast ? 0.5 : static_cast<double>(length)));
                const Status declined = served.score(length, false);
                CHECK(declined.code == (length < kLeast ? WB_INVALID_INPUT : WB_OK));
                if (length < kLeast)
                    CHECK(std::string(declined.message) ==
                          "feature 'past': expected at least 2 elements, got " + std::to_string(length));
            }
            require_columns(served, true, true);
            require_columns(served, false, false);
            CHECK(served.shortest_run >= kLeast);
        }
}

TEST_CASE("a row that is short and wrong besides is refused for what is wrong, and costs itself only") {
    for (const char *name : kEngines) {
        CAPTURE(name);
        Served served(name, bundle_of(kFallback), 0);
        std::vector<uint64_t> memory;
        for (int i = 0; i < 3; ++i) {
            auto one = served.row(i == 2 ? 3 : 1);
            if (i == 1) REQUIRE(set_row_json(*served.bundle->schema(), one.data(), R"({"past": ["NaN"]})", 8).ok());
            memory.insert(memory.end(), one.begin(), one.end());
        }
        const Status alone = served.engine->score(served.target, memory.data() + kRowWords, {}, {}, served.result);
        CHECK(alone.code == WB_INVALID_INPUT);
        CHECK(std::string(alone.message).find("got NaN") != std::string::npos);

        int32_t status[3] = {}, feature[3] = {};
        Batch batch(served.bundle);
        REQUIRE(batch.reset(3).ok());
        REQUIRE(batch.set_rows(memory.data(), kRowWords * 8).ok());
        REQUIRE(batch.set_result(WB_COLUMN_STATUS, status, 4).ok());
        REQUIRE(batch.set_result(WB_COLUMN_FEATURE, feature, 4).ok());
        std::optional<wb_batch_result> result;
        const Status whole = served.engine->score_batch(served.target, batch, {}, result);
        CHECK(whole.code == WB_OK_PARTIAL);
        CHECK(whole.row == 1);
        CHECK((status[0] == WB_OK_FALLBACK && status[1] == WB_INVALID_INPUT && status[2] == WB_OK));
        CHECK((feature[0] == -1 && feature[1] == 0 && feature[2] == -1));
    }
}

TEST_CASE("where limits.shorter says error, a row below limits.least_length is refused on every engine") {
    for (const char *name : kEngines) {
        CAPTURE(name);
        Served served(name, bundle_of(kError), 0);
        for (int64_t length = 0; length < kLeast; ++length) {
            const Status status = served.score(length, true);
            CHECK(status.code == WB_INVALID_INPUT);
            CHECK(status.feature == 0);
            CHECK(status.row == 0);
        }
        CHECK(served.score(kLeast, true).ok());
        require_columns(served, true, false);
        CHECK(served.shortest_run >= kLeast);
    }
}

TEST_CASE("without limits.least_length empty sequences are scored, and what a plan cannot run gets the fallback") {
    for (const char *name : kEngines) {
        CAPTURE(name);
        Served served(name, bundle_of(""), 0);
        CHECK(served.score(0, true).code == WB_OK);
        CHECK(served.result.score == 0.0);
    }
    for (const char *name : {"native", "reference"}) {
        CAPTURE(name);
        Served served(name, bundle_of(""), 2);
        CHECK(served.score(1, true).code == WB_OK_FALLBACK);
        CHECK(served.result.reason == WB_REASON_BACKEND);
        CHECK(served.score(1, false).code == WB_BACKEND_FAILED);
        CHECK(served.score(2, true).code == WB_OK);
    }
}

TEST_CASE("a short row's answer is one, alone or in a batch, whatever else the call meets") {
    enum class Meets { nothing, expired, shed, cancelled };
    const struct {
        const char *limits;
        bool accept_fallback;
        Meets meets;
        int32_t short_code, short_reason;  // of a row that is too short
        int32_t other_code, other_reason;  // of others
    } table[] = {
        {kFallback, true, Meets::nothing, WB_OK_FALLBACK, WB_REASON_SHORT, WB_OK, WB_REASON_NONE},
        {kFallback, true, Meets::expired, WB_OK_FALLBACK, WB_REASON_SHORT, WB_OK_FALLBACK, WB_REASON_DEADLINE},
        {kFallback, true, Meets::shed, WB_OK_FALLBACK, WB_REASON_SHORT, WB_OK_FALLBACK, WB_REASON_OVERLOAD},
        {kFallback, true, Meets::cancelled, WB_CANCELLED, WB_REASON_NONE, WB_CANCELLED, WB_REASON_NONE},
        {kError, true, Meets::nothing, WB_INVALID_INPUT, WB_REASON_NONE, WB_OK, WB_REASON_NONE},
        {kError, true, Meets::expired, WB_OK_FALLBACK, WB_REASON_DEADLINE, WB_OK_FALLBACK, WB_REASON_DEADLINE},
        {kError, true, Meets::shed, WB_OK_FALLBACK, WB_REASON_OVERLOAD, WB_OK_FALLBACK, WB_REASON_OVERLOAD},
        {kError, true, Meets::cancelled, WB_CANCELLED, WB_REASON_NONE, WB_CANCELLED, WB_REASON_NONE},
        {kFallback, false, Meets::nothing, WB_INVALID_INPUT, WB_REASON_NONE, WB_OK, WB_REASON_NONE},
        {kFallback, false, Meets::expired, WB_DEADLINE_EXCEEDED, WB_REASON_NONE, WB_DEADLINE_EXCEEDED, WB_REASON_NONE},
        {kFallback, false, Meets::shed, WB_OVERLOADED, WB_REASON_NONE, WB_OVERLOADED, WB_REASON_NONE},
        {kFallback, false, Meets::cancelled, WB_CANCELLED, WB_REASON_NONE, WB_CANCELLED, WB_REASON_NONE},
    };
    for (const auto &one : table) {
        CAPTURE(one.limits, one.accept_fallback, static_cast<int>(one.meets));
        Served served("native", bundle_of(one.limits), 0);
        CancelToken cancel;
        CallOptions options;
        options.accept_fallback = one.accept_fallback;
        options.cancel = &cancel;
        if (one.meets == Meets::expired) options.deadline_ns = 1;
        if (one.meets == Meets::cancelled) cancel.set(true);
        Pool::Lease taken;
        if (one.meets == Meets::shed)
            taken = *served.engine->runtime().pools.cpu().acquire(Priority::normal, WB_NO_DEADLINE, nullptr);

        for (int64_t length : {int64_t{0}, kLeast - 1, kLeast}) {
            CAPTURE(length);
            const int32_t code = length < kLeast ? one.short_code : one.other_code;
            const int32_t reason = length < kLeast ? one.short_reason : one.other_reason;
            const Status alone = served.score(length, options);
            CHECK(alone.code == code);
            CHECK(served.result.reason == (alone.ok() ? reason : WB_REASON_NONE));
            // By itself, and beside rows of both kinds.
            for (const std::vector<int64_t> &lengths :
                 {std::vector<int64_t>{length}, std::vector<int64_t>{length, 0, kMost, kLeast - 1}}) {
                const BatchAnswer batch = served.score_batch(lengths, options);
                CAPTURE(lengths.size());
                CHECK(batch.status[0] == code);
                CHECK(batch.reason[0] == reason);
                if (code >= 0) CHECK(batch.score[0] == served.result.score);
                if (lengths.size() == 1 && code == WB_CANCELLED) CHECK(batch.whole.code == WB_CANCELLED);
            }
        }
    }
}
