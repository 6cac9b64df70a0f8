// SPDX-License-Identifier: Apache-2.0
// Loads and compilations that are stopped: at every check point, while they wait for a context, while LibTorch works.
#include <future>
#include <set>

#include "base/json.hpp"
#include "bundle/bundle_directory.hpp"
#include "support/counting_clock.hpp"
#include "support/fake_engine.hpp"
#include "support/fixture.hpp"
#include "support/fixture_plan.hpp"

using namespace weighbridge::lib;
using namespace weighbridge::test;

namespace {

// LibTorch's place in a compilation: gives the fixture's model.
class FakeTorch final : public TorchscriptBackend {
  public:
    std::string_view name() const override { return "torchscript"; }
    bool started() const override { return false; }
    Expected<std::shared_ptr<const Program>> prepare(const std::shared_ptr<const Bundle> &, std::string_view,
                                                     const StopSource &) override {
        return Status::failure(WB_BACKEND_UNAVAILABLE, "a fake");
    }
    Expected<Graph> import(std::shared_ptr<const Bytes>, const ImportRequest &, std::string &report,
                           const StopSource &stop) override {
        if (Status status = stop.check("importing"); !status.ok()) return status;
        if (!refused.empty()) {
            report = refused;
            return Status::failure(WB_INVALID_BUNDLE, "model.ts: {}", refused.substr(0, refused.find('\n')));
        }
        const float by_country[] = {0.125f, 0.5f, -0.5f, 0.25f};
        return fixture_graph({0.5f, -0.25f, 1.0f}, 0.0f, by_country);
    }
    std::string refused;
};

struct Engines {
    explicit Engines(const std::string &refused = "") {
        EngineOptions options;
        options.cpu_contexts = 2;
        options.importer = Importing::in_process;
        EngineParts parts;
        auto torch = std::make_unique<FakeTorch>();
        torch->refused = refused;
        parts.torchscript = std::move(torch);
        parts.clock = &clock;
        engine = *Engine::make(options, std::move(parts));
    }
    uint32_t models() const {
        wb_snapshot snapshot{};
        engine->read(snapshot);
        return snapshot.models;
    }

    CountingClock clock;
    Ref<Engine> engine;
};

// "verifying line # of #": what was being done, numbers left out.
std::string step_of(const Status &status) {
    const std::string said = status.message;
    const std::string while_doing = "the deadline passed while ";
    const size_t at = said.find(while_doing);
    INFO(said);
    REQUIRE(at != std::string::npos);
    std::string step;
    for (char c : said.substr(at + while_doing.size()))
        if (c < '0' || c > '9') step += c;
    return step;
}

std::map<std::string, std::string> content_of(const std::string &directory) {
    std::map<std::string, std::string> content;
    const auto names = list_directory(directory);
    REQUIRE(names);
    for (const std::string &name : *names)
        content[name] = std::string(as_text(*read_file(directory + "/" + name, 1 << 20)));
    return content;
}

}  // namespace

TEST_CASE("a load ends at each of its check points, names it, and leaves nothing behind", "[stop]") {
    const ScratchDirectory directory;
    const std::string path = directory.path() + "/mlp";
    write_fixture(path);
    Engines engines;
    std::vector<std::string> steps;
    for (int64_t n = 1;; ++n) {
        REQUIRE(n < 10000);
        LoadOptions options;
        options.deadline_ns = engines.clock.reads() + n;
        auto model = engines.engine->load(path, options);
        if (model) break;
        CHECK(model.status().code == WB_DEADLINE_EXCEEDED);
        const std::string step = step_of(model.status());
        if (steps.empty() || steps.back() != step) steps.push_back(step);
        CHECK(engines.models() == 0);
    }
    const std::set<std::string> seen(steps.begin(), steps.end());
    for (const char *step : {"opening the bundle", "reading it", "hashing it", "reading vocabularies",
                             "preparing constant  of ", "preparing node  of ", "preparing contexts", "warming contexts",
                             "reading line  of golden.jsonl", "verifying line  of ", "finishing the load"}) {
        INFO(step);
        CHECK(seen.count(step) == 1);
    }
    CHECK(engines.engine->load(path, {}));
}

TEST_CASE("a load that waits for a context obeys deadline and token", "[stop]") {
    const ScratchDirectory directory;
    const std::string path = directory.path() + "/mlp";
    write_fixture(path);
    FakeEngine fake;
    auto held = fake.pool().acquire(Priority::normal, WB_NO_DEADLINE, nullptr);
    REQUIRE(held);
    CancelToken token;
    LoadOptions options;
    options.cancel = &token;
    options.deadline_ns = fake.clock.now_ns() + 1000;
    const auto waiting = [&] {
        while (fake.pool().waiting() == 0) std::this_thread::yield();
    };
    auto late = std::async(std::launch::async, [&] { return fake.engine->load(path, options).status(); });
    waiting();
    fake.clock.advance(1000);
    const Status expired = late.get();
    CHECK(expired.code == WB_DEADLINE_EXCEEDED);
    CHECK(std::string(expired.message) == "the deadline passed while verifying line 1 of 16");

    options.deadline_ns = WB_NO_DEADLINE;
    auto stopped = std::async(std::launch::async, [&] { return fake.engine->load(path, options).status(); });
    waiting();
    token.set(true);
    const Status cancelled = stopped.get();
    CHECK(cancelled.code == WB_CANCELLED);
    CHECK(std::string(cancelled.message) == "cancelled while verifying line 1 of 16");
    CHECK(fake.counters().models == 0);
    CHECK(fake.counters().waiting == 0);
}

TEST_CASE("a backend is given the load's stop, and a swap by load that it ends changes no slot", "[stop]") {
    const ScratchDirectory directory;
    const std::string path = directory.path() + "/mlp";
    write_fixture(path);
    FakeEngine fake;
    LoadOptions options;
    options.verify = false;
    auto serving = fake.engine->load(path, options);
    REQUIRE(serving);
    auto slot = fake.serve("champion", *serving);
    options.deadline_ns = fake.clock.now_ns() + 1000;
    fake.control.prepare_with([&](const StopSource &stop) {
        fake.clock.advance(1000);
        return stop.check("preparing the fake");
    });
    const auto late = fake.engine->load(path, options);
    CHECK(std::string(late.status().message) == "the deadline passed while preparing the fake");
    CHECK(&slot->current()->model() == serving->get());
    fake.control.prepare_with({});
    options.deadline_ns = WB_NO_DEADLINE;
    CHECK(fake.engine->load(path, options));
}

TEST_CASE("a compilation ends at each of its check points and leaves the bundle as it was", "[stop]") {
    const ScratchDirectory directory;
    const std::string path = directory.path() + "/mlp";
    write_fixture(path);
    const auto before = content_of(path);
    Engines engines;
    std::set<std::string> seen;
    JsonValue report;
    for (int64_t n = 1;; ++n) {
        REQUIRE(n < 10000);
        CompileOptions options;
        options.precisions = {WB_PRECISION_FP32, WB_PRECISION_INT8};
        LoadOptions load;
        load.deadline_ns = engines.clock.reads() + n;
        report = {};
        const Status status = engines.engine->compile(path, options, load, report);
        INFO(status.message);
        if (status.ok()) break;
        REQUIRE(status.code == WB_DEADLINE_EXCEEDED);
        seen.insert(step_of(status).substr(0, 8));
        REQUIRE(content_of(path) == before);
        CHECK(engines.models() == 0);
    }
    for (const char *step :
         {"reading ", "hashing ", "importin", "optimisi", "packing ", "preparin", "verifyin", "writing "}) {
        INFO(step);
        CHECK(seen.count(step) == 1);
    }
    CHECK(report.find("plan_sha256"));
    CHECK(engines.engine->load(path, {}));
}

TEST_CASE("a compilation reports every operator, and every precision beyond its tolerance", "[stop]") {
    const ScratchDirectory directory;
    const std::string path = directory.path() + "/mlp", wrong = directory.path() + "/wrong";
    write_fixture(path);
    Engines refusing("aten::sort, model.py:3: sorts\naten::topk, model.py:4: sorts\naten::lstm, model.py:5: loops");
    JsonValue report;
    const Status refused = refusing.engine->compile(path, {}, {}, report);
    CHECK(refused.code == WB_INVALID_BUNDLE);
    CHECK(std::string(refused.message) ==
          "model.ts: 3 operators do not lower, the first: aten::sort, model.py:3: sorts");
    CHECK(report.text() == R"({"refused":["aten::sort, model.py:3: sorts","aten::topk, model.py:4: sorts",)"
                           R"("aten::lstm, model.py:5: loops"]})");

    FixtureOptions options;
    options.wrong_golden = true;
    write_fixture(wrong, options);
    const auto before = content_of(wrong);
    Engines engines;
    report = {};
    CompileOptions both;
    both.precisions = {WB_PRECISION_FP32, WB_PRECISION_INT8};
    const Status beyond = engines.engine->compile(wrong, both, {}, report);
    CHECK(beyond.code == WB_VERIFY_FAILED);
    CHECK(std::string(beyond.message).starts_with("precision fp32: golden.jsonl: "));
    const auto *precisions = report.find("precisions")->get<JsonValue::Elements>();
    REQUIRE(precisions->size() == 2);
    for (const JsonValue &entry : *precisions) {
        CHECK_FALSE(*entry.find("accepted")->get<bool>());
        CHECK(!entry.find("mismatches")->get<JsonValue::Elements>()->empty());
    }
    CHECK(content_of(wrong) == before);
}
