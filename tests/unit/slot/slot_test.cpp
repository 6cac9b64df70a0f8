// SPDX-License-Identifier: Apache-2.0
// A slot while rows are scored: swaps, and rows of schemas that it served before.
#include <atomic>
#include <thread>

#include "support/fake_engine.hpp"

using namespace weighbridge::lib;
using namespace weighbridge::test;

namespace {

std::shared_ptr<const Bundle> made_bundle(const std::string &version, const std::string &features,
                                          const std::string &names, int count) {
    return module_bundle("fake",
                         R"("features": [)" + features + R"(],
        "tensors": [{"name": "x", "dtype": "float32", "shape": ["batch", )" +
                             std::to_string(count) + R"(], "features": [)" + names + R"(]}],
        "outputs": [{"name": "fraud", "shape": ["batch"]}], "limits": {"rows": 64})",
                         {}, {version, R"({"score": 0.5})"});
}

std::shared_ptr<const Bundle> first_bundle() {
    return made_bundle("first", R"({"name": "a", "type": "float32"}, {"name": "b", "type": "float32"})", R"("a", "b")",
                       2);
}

// Other places for the same features, and one more.
std::shared_ptr<const Bundle> second_bundle() {
    return made_bundle("second",
                       R"({"name": "new", "type": "float32", "missing": {"default": 7}},
                          {"name": "b", "type": "float32"}, {"name": "a", "type": "float32"})",
                       R"("new", "b", "a")", 3);
}

// What the model read, digit by digit: a score of 721 is [7, 2, 1].
float digits(const Run &run, int64_t row) {
    const int64_t width = run.inputs[0].shape.size[1];
    float number = 0;
    for (int64_t i = 0; i < width; ++i)
        number = number * 10 + static_cast<const float *>(run.inputs[0].data)[row * width + i];
    return number;
}

struct Served {
    Served() {
        first_control.set_score(digits);
        second_control.set_score(digits);
        slot = hall.serve("champion", hall.model(first_control, first));
    }
    void swap_to_second() { hall.serve("champion", hall.model(second_control, second)); }

    Status score(const Schema &schema, const std::string &json = R"({"a": 1, "b": 2})") {
        auto row = row_of(schema, json);
        result = WB_RESULT_INIT;
        return hall.engine->score(*hall.engine->target(*slot), row.data(), {}, {}, result);
    }
    Status score_batch(const std::shared_ptr<const Bundle> &made_for, double *scores) {
        Batch batch(made_for);
        const float a[2] = {1, 3}, b[2] = {2, 4};
        REQUIRE(batch.reset(2).ok());
        for (const auto &[name, column] : {std::pair{"a", a}, std::pair{"b", b}})
            REQUIRE(batch.set_column(*made_for->schema()->find(name), column, sizeof(float), nullptr).ok());
        REQUIRE(batch.set_result(WB_COLUMN_SCORE, scores, sizeof *scores).ok());
        std::optional<wb_batch_result> counted;
        return hall.engine->score_batch(*hall.engine->target(*slot), batch, {}, counted);
    }

    FakeControl first_control, second_control;
    FakeEngine hall{2};
    std::shared_ptr<const Bundle> first = first_bundle(), second = second_bundle();
    Ref<Slot> slot;
    wb_result result = WB_RESULT_INIT;
};

}  // namespace

TEST_CASE("rows and batches of a schema that a slot served before are read by name, with defaults for what is new") {
    Served served;
    double scores[2] = {};
    REQUIRE(served.score(*served.first->schema()).code == WB_OK);
    CHECK(served.result.score == 12);

    served.swap_to_second();
    REQUIRE(served.score(*served.first->schema()).code == WB_OK);
    CHECK(served.result.score == 721);
    CHECK(served.result.defaulted == 1);
    REQUIRE(served.score(*served.second->schema()).code == WB_OK);
    CHECK(served.result.score == 721);
    REQUIRE(served.score_batch(served.first, scores).code == WB_OK);
    CHECK((scores[0] == 721 && scores[1] == 743));
    REQUIRE(served.score_batch(served.second, scores).code == WB_OK);
    CHECK((scores[0] == 721 && scores[1] == 743));

    REQUIRE(served.hall.engine->rollback(*served.slot).ok());
    REQUIRE(served.score(*served.second->schema(), R"({"new": 5, "a": 1, "b": 2})").code == WB_OK);
    CHECK(served.result.score == 12);
    REQUIRE(served.score_batch(served.second, scores).code == WB_OK);
    CHECK((scores[0] == 12 && scores[1] == 34));
}

TEST_CASE("rows of a schema that a slot never served are refused") {
    Served served;
    const auto other = made_bundle("other", R"({"name": "c", "type": "float32"})", R"("c")", 1);
    CHECK(served.score(*other->schema(), R"({"c": 1})").code == WB_SCHEMA_MISMATCH);
    double scores[2] = {};
    CHECK(served.score_batch(served.second, scores).code == WB_SCHEMA_MISMATCH);
    CHECK(served.hall.counters().rows == 0);
}

TEST_CASE("a fallback slot reads a champion's rows through its own map") {
    Served served;
    served.hall.serve("spare", served.hall.model(served.first_control, served.first));
    served.hall.serve("spare", served.hall.model(served.second_control, served.second));
    FakeControl failing;
    failing.fail(Status::failure(WB_BACKEND_FAILED, "as told"));
    const auto bundle = module_bundle("fake", R"("features": [{"name": "a", "type": "float32"},
                                                              {"name": "b", "type": "float32"}],
        "tensors": [{"name": "x", "dtype": "float32", "shape": ["batch", 2], "features": ["a", "b"]}],
        "outputs": [{"name": "fraud", "shape": ["batch"]}], "limits": {"rows": 64})",
                                      {}, {"1", R"({"score": 0.5, "slot": "spare", "reserve_us": 1})"});
    Target target;
    target.model = served.hall.model(failing, bundle);
    auto row = row_of(*bundle->schema(), R"({"a": 1, "b": 2})");
    CHECK(served.hall.engine->score(target, row.data(), {}, {}, served.result).code == WB_OK_FALLBACK);
    CHECK(served.result.score == 721);
}

TEST_CASE("a row that is being scored keeps the model that it began with, and later rows have the new one") {
    Served served;
    served.first_control.block();
    Status status;
    std::thread call([&] { status = served.score(*served.first->schema()); });
    served.first_control.wait_for_running(1);
    served.swap_to_second();
    auto row = row_of(*served.second->schema(), R"({"a": 1, "b": 2})");
    wb_result later = WB_RESULT_INIT;
    REQUIRE(served.hall.engine->score(*served.hall.engine->target(*served.slot), row.data(), {}, {}, later).ok());
    CHECK(std::string(later.version) == "second");
    served.first_control.release();
    call.join();
    REQUIRE(status.code == WB_OK);
    CHECK(std::string(served.result.version) == "first");
    CHECK(served.result.score == 12);
}

TEST_CASE("every row that is scored while models are swapped is answered by one of them, whole") {
    Served served;
    std::atomic<bool> stop{false};
    std::atomic<int64_t> wrong{0}, answered{0};
    std::thread caller([&] {
        auto row = row_of(*served.first->schema(), R"({"a": 1, "b": 2})");
        while (!stop) {
            wb_result result = WB_RESULT_INIT;
            const bool ok =
                served.hall.engine->score(*served.hall.engine->target(*served.slot), row.data(), {}, {}, result).ok();
            const bool is_first = std::string(result.version) == "first";
            if (!ok || result.score != (is_first ? 12 : 721)) ++wrong;
            ++answered;
        }
    });
    const auto newer = served.hall.model(served.second_control, served.second);
    served.hall.serve("champion", newer);
    for (int i = 0; i < 200 || answered < 200; ++i) REQUIRE(served.hall.engine->rollback(*served.slot).ok());
    stop = true;
    caller.join();
    CHECK(wrong == 0);
}
