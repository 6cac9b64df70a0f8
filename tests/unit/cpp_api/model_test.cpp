// SPDX-License-Identifier: Apache-2.0
#include <fstream>
#include <sstream>
#include <thread>

#include "unit/cpp_api/fixture.hpp"

using namespace weighbridge;
using namespace weighbridge::test;
using namespace std::chrono_literals;

namespace {

Model load(const Engine &engine, const std::string &name = "mlp") { return Model::load(engine, bundle(name)).value(); }

}  // namespace

TEST_CASE("a struct is scored") {
    Engine e = engine();
    Model model = load(e);
    auto binding = bind(model.schema());
    auto result = model.score(binding, Payment{}).value();
    CHECK(result.score == Approx(expected(1250, 2.5, france, true)).margin(1e-6));
    CHECK(result.status == WB_OK);
    CHECK_FALSE(result.is_fallback());
    CHECK(result.band == 1);
    CHECK(std::string(backend_name(result.backend)) == "native");
    const auto about = model.describe().value();
    CHECK(about.backend == result.backend);
    CHECK(std::string(precision_name(about.precision)) == "fp32");
    CHECK(std::string(about.version) == result.bundle_version());
    CHECK(!result.bundle_version().empty());
}

TEST_CASE("a call that names no deadline has the engine's own; one with never() has none") {
    const Engine e = Engine::create({.default_deadline = 1ms}).value();
    const auto scripted = [](const char *script) {
        return LoadOptions{.engines = "fake", .named = {{"fake_script", script}}};
    };
    const Model slow = Model::load(e, bundle("mlp"), scripted(R"({"latency_us": 3600000000})")).value();
    auto binding = bind(slow.schema());
    const auto late = slow.score(binding, Payment{});
    CHECK((late ? late->reason == WB_REASON_DEADLINE : late.error().code == WB_DEADLINE_EXCEEDED));
    const Model model = Model::load(e, bundle("mlp"), scripted(R"({"latency_us": 3000})")).value();
    const auto answered = model.score(binding, Payment{}, Deadline::never());
    CHECK((answered && !answered->is_fallback()));
}

TEST_CASE("a payment that is not acceptable names its feature and no private value") {
    Engine e = engine();
    Model model = load(e);
    auto binding = bind(model.schema());
    Payment wrong;
    wrong.amount_minor = -31337;
    auto result = model.score(binding, wrong);
    REQUIRE_FALSE(result);
    CHECK(result.error().code == WB_INVALID_INPUT);
    CHECK(result.error().feature == 0);
    CHECK(result.error().message.find("amount_minor") != std::string::npos);
    CHECK(result.error().message.find("31337") == std::string::npos);
}

TEST_CASE("a deadline in the past is answered by the fallback, unless that is declined") {
    Engine e = engine();
    Model model = load(e);
    auto binding = bind(model.schema());
    auto result = model.score(binding, Payment{}, -1ms).value();
    CHECK(result.is_fallback());
    CHECK(std::string(reason_name(result.reason)) == "deadline");
    CHECK(result.score == 0.75);
    Call call = Call::create().value();
    CHECK(call.accept_fallback(false));
    CHECK(call.wait(false));
    CHECK(call.wait(true));
    CHECK(model.score(binding, Payment{}, -1ms, &call).error().code == WB_DEADLINE_EXCEEDED);
}

TEST_CASE("a set token cancels, a cleared one does not") {
    Engine e = engine();
    Model model = load(e);
    auto binding = bind(model.schema());
    auto token = CancelToken::create().value();
    Call call = Call::create().value();
    CHECK(call.priority(Priority::high));
    CHECK(call.cancel(token));
    CHECK(token.set());
    CHECK(model.score(binding, Payment{}, {}, &call).error().code == WB_CANCELLED);
    CHECK(token.clear());
    CHECK(model.score(binding, Payment{}, {}, &call));
}

TEST_CASE("another output goes to the caller's buffer") {
    Engine e = engine();
    Model model = load(e);
    auto binding = bind(model.schema());
    Call call = Call::create().value();
    float logit[1] = {};
    CHECK(call.output(1, logit));
    auto result = model.score(binding, Payment{}, {}, &call).value();
    CHECK(1.0 / (1.0 + std::exp(-static_cast<double>(logit[0]))) == Approx(result.score).margin(1e-6));
}

TEST_CASE("what a load refuses says why") {
    Engine e = engine();
    CHECK(Model::load(e, "/does/not/exist").error().code == WB_IO_ERROR);
    CHECK(Model::load(e, bundle("mlp-wrong-golden")).error().code == WB_VERIFY_FAILED);
    CHECK(Model::load(e, bundle("mlp-wrong-golden"), {.verify = false}));
    CHECK(Model::load(e, bundle(), {.engines = "turbo"}).error().code == WB_INVALID_ARGUMENT);
    CHECK(Model::load(e, bundle(), {.precision = "fp7"}).error().code == WB_INVALID_ARGUMENT);
    CHECK(Engine::create({.devices = "quantum"}).error().code == WB_INVALID_ARGUMENT);
    CHECK(Engine::create({.named = {{"devices", "quantum"}}}).error().code == WB_INVALID_ARGUMENT);
    CHECK(Engine::create({.named = {{"device", "cpu"}}}).error().code == WB_NOT_FOUND);
    CHECK(Model::load(e, bundle(), {.named = {{"precision", "fp7"}}}).error().code == WB_INVALID_ARGUMENT);
    CHECK(engine_option_list().size() > load_option_list().size());
    auto own = Engine::create({.default_deadline = 3s, .named = {{"queue_limit", "0"}}});
    REQUIRE(own);
    CHECK(own->default_deadline().value() == 3s);
    CHECK(own->close(Deadline::by_engine()));
}

TEST_CASE("handles may be freed in any order") {
    std::optional<Engine> e = engine();
    std::optional<Model> model = load(*e);
    auto binding = bind(model->schema());
    e.reset();
    CHECK(model->score(binding, Payment{}).error().code == WB_CLOSED);
    model.reset();
    Row row(binding.schema());
    CHECK(binding.fill(row, Payment{}));
}

TEST_CASE("threads share a model, with a binding each") {
    Engine e = engine();
    Model model = load(e);
    auto shared = bind(model.schema());
    double want = model.score(shared, Payment{}).value().score;
    std::array<int, 4> equal = {};
    {
        std::vector<std::jthread> threads;
        for (int &mine : equal)
            threads.emplace_back([&, binding = shared]() mutable {
                for (int i = 0; i < 200; ++i) mine += model.score(binding, Payment{}).value().score == want ? 1 : 0;
            });
    }
    for (int mine : equal) CHECK(mine == 200);
}

TEST_CASE("a slot serves, swaps and rolls back") {
    Engine e = engine();
    CHECK(Slot::open(e, "champion").error().code == WB_NOT_FOUND);
    Slot slot = Slot::open_or_create(e, "champion").value();
    CHECK(Slot::open(e, "champion"));
    CHECK(slot.model().error().code == WB_NOT_LOADED);
    CHECK(slot.load(bundle()));
    auto binding = bind(slot.model().value().schema());
    double first = slot.score(binding, Payment{}).value().score;
    CHECK(slot.swap(load(e, "mlp-v2")));
    CHECK(slot.score(binding, Payment{}).value().score > first);
    CHECK(slot.rollback());
    CHECK(slot.score(binding, Payment{}).value().score == first);
    CHECK(slot.load(bundle("mlp-renamed")).error().code == WB_SCHEMA_CHANGED);
    CHECK(slot.load(bundle("mlp-extra")));
    CHECK(slot.score(binding, Payment{}));
    const wb_slot_info info = slot.describe().value();
    CHECK(std::string(info.version) == "3.0.0");
    CHECK(std::string(info.previous_version) == "1.0.0");
    CHECK(slot.forget_previous());
    CHECK(slot.rollback().error().code == WB_NOT_LOADED);
    Slot shadow = Slot::open_or_create(e, "shadow").value();
    const auto slots = Slot::list(e).value();
    REQUIRE(slots.size() == 2);
    CHECK(std::string(slots[1].name) == "shadow");
    CHECK(slots[0].generation == info.generation);
}

TEST_CASE("an engine's events are taken, however many there are") {
    EngineOptions options;
    options.named = {{"event_capacity", "256"}};
    Engine e = Engine::create(options).value();
    for (int i = 0; i < 300; ++i) CHECK_FALSE(Model::load(e, "/no/such"));
    const Events events = e.events().value();
    REQUIRE(events.taken.size() == 256);
    CHECK(events.dropped == 44);
    CHECK(events.taken.front().event == WB_LOG_REFUSED);
    CHECK(e.events().value().taken.empty());
}

TEST_CASE("an engine counts, closes, and says so") {
    Engine e = engine();
    Model model = load(e);
    auto binding = bind(model.schema());
    CHECK(model.score(binding, Payment{}));
    wb_snapshot snapshot = e.snapshot().value();
    CHECK(snapshot.contexts == 2);
    CHECK(snapshot.requests >= 1);
    CHECK(e.metrics().value().find("weighbridge_") != std::string::npos);
    CHECK(e.maintain());
    CHECK(e.close());
    CHECK(model.score(binding, Payment{}).error().code == WB_CLOSED);
}

TEST_CASE("texts of any length come whole") {
    Engine e = engine();
    CHECK(load(e).info().value().find("native") != std::string::npos);
    CHECK(system_info().value().find(version()) != std::string::npos);
    CHECK(inspect(bundle()).value().find("amount_minor") != std::string::npos);
    CHECK(inspect(bundle()).value().find("\"precisions\"") != std::string::npos);
    CHECK(abi_matches());
}

TEST_CASE("verification reports also where it fails") {
    Engine e = engine();
    auto right = verify(e, bundle());
    CHECK(right.outcome);
    CHECK(right.report.find("16") != std::string::npos);
    auto wrong = verify(e, bundle("mlp-wrong-golden"));
    REQUIRE_FALSE(wrong.outcome);
    CHECK(wrong.outcome.error().code == WB_VERIFY_FAILED);
    CHECK(!wrong.report.empty());
    auto missing = verify(e, "/does/not/exist");
    CHECK_FALSE(missing.outcome);
    CHECK(missing.report.empty());
}

TEST_CASE("a load's budget counts from its start, each time the options are used") {
    const LoadOptions options{.deadline = 1s};
    const int64_t before = wb_now_ns();
    const int64_t first = options.deadline.from_now().ns();
    CHECK(first >= before + 1'000'000'000);
    while (wb_now_ns() <= before + 1'000'000) {
    }
    CHECK(options.deadline.from_now().ns() > first);
    CHECK(LoadOptions().deadline.from_now().ns() == WB_NO_DEADLINE);
    CHECK(LoadOptions{.deadline = Deadline::at_ns(17)}.deadline.from_now().ns() == 17);
    CHECK(LoadOptions{.deadline = std::chrono::steady_clock::time_point(17ns)}.deadline.from_now().ns() == 17);
    CHECK(LoadOptions{.deadline = std::chrono::hours(1'000'000'000)}.deadline.from_now().ns() == WB_NO_DEADLINE);
}

TEST_CASE("loads end at their deadline or token, and a bundle from memory is the directory's") {
    Engine e = engine();
    CHECK(Model::load(e, bundle(), {.deadline = -1ms}).error().code == WB_DEADLINE_EXCEEDED);
    auto token = CancelToken::create().value();
    CHECK(token.set());
    CHECK(Model::load(e, bundle(), {.cancel = &token}).error().code == WB_CANCELLED);
    CHECK(verify(e, bundle(), {.cancel = &token}).outcome.error().code == WB_CANCELLED);
    const Reported compiled = compile(e, bundle(), {.deadline = -1ms});
    CHECK(compiled.outcome.error().code == WB_DEADLINE_EXCEEDED);
    CHECK(compiled.report.empty());

    Source source = Source::create().value();
    for (const char *name : {"manifest.json", "model.ts", "model.plan", "golden.jsonl"}) {
        std::ifstream file(bundle() + "/" + name, std::ios::binary);
        std::ostringstream bytes;
        bytes << file.rdbuf();
        CHECK(source.add(name, bytes.str()));
    }
    CHECK(inspect(source).value() == inspect(bundle()).value());
    CHECK(verify(e, source).report == verify(e, bundle()).report);
    CHECK(Schema::load(source).value().digest() == Schema::load(bundle()).value().digest());
    Model model = Model::load(e, source).value();
    auto binding = bind(model.schema());
    CHECK(model.score(binding, Payment{}).value().score == Approx(expected(1250, 2.5, france, true)).margin(1e-6));
    Slot slot = Slot::open_or_create(e, "from-memory").value();
    CHECK(slot.load(source));
    CHECK(slot.load(source, {.deadline = -1ms}).error().code == WB_DEADLINE_EXCEEDED);
    CHECK(slot.score(binding, Payment{}));
}
