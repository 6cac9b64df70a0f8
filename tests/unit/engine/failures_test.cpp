// SPDX-License-Identifier: Apache-2.0
// What a model's failures cost: its own row, which the fallback answers, and nobody else's.
#include <array>
#include <cmath>
#include <limits>
#include <new>
#include <stdexcept>

#include "engine/engine.hpp"
#include "support/batch_counts.hpp"
#include "support/catch.hpp"
#include "support/fake_backend.hpp"
#include "support/fixture.hpp"
#include "support/module_archive.hpp"
#include "support/module_bundle.hpp"

using namespace weighbridge::lib;
using namespace weighbridge::test;

namespace {

constexpr int64_t kRows = 40, kTileRows = 16;
constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

// One number in, which is the row's index; three outputs, the second five floats wide.
std::shared_ptr<const Bundle> made_bundle(const std::string &primary = R"("activation": {"kind": "none"})") {
    return module_bundle("fake", R"("features": [{"name": "x", "type": "float32"}],
        "tensors": [{"name": "x", "dtype": "float32", "shape": ["batch", 1], "features": ["x"]}],
        "outputs": [{"name": "fraud", "source": 0, "shape": ["batch"], "primary": true, )" +
                                     primary + R"(,
                     "bands": [{"name": "low", "below": 0.5}, {"name": "high"}]},
                    {"name": "embedding", "source": 1, "shape": ["batch", 5]},
                    {"name": "odds", "source": 2, "shape": ["batch", 2],
                     "activation": {"kind": "softmax", "applied": false}}],
        "limits": {"rows": 64})");
}

float x_of(const Run &run, int64_t row) { return static_cast<const float *>(run.inputs[0].data)[row]; }

struct Events {
    int failed = 0;
    std::string last;
    static void told(int32_t event, const char *message, void *self) {
        if (event != WB_LOG_FAILED) return;
        ++static_cast<Events *>(self)->failed;
        static_cast<Events *>(self)->last = message;
    }
};

// An engine, a fake model of the bundle, and a batch of rows 0..39.
struct Served {
    explicit Served(std::shared_ptr<const Bundle> of = made_bundle()) : bundle(std::move(of)), batch(bundle) {
        EngineOptions options;
        options.cpu_contexts = 1;
        options.log = Events::told;
        options.log_payload = &events;
        engine = *Engine::make(options);
        control.set_score([](const Run &run, int64_t row) { return x_of(run, row) / 64; });
        std::vector<int64_t> widths;
        for (const Output &output : bundle->manifest().outputs) widths.push_back(output.width);
        auto program = std::make_shared<const FakeProgram>(control, widths, kTileRows);
        target.model = *Model::make(Ref<Runtime>(&engine->runtime()), bundle, program);
        for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i);
        REQUIRE(batch.reset(kRows).ok());
        REQUIRE(batch.set_column(0, x.data(), sizeof(float), nullptr).ok());
        REQUIRE(batch.set_result(WB_COLUMN_SCORE, score.data(), sizeof(double)).ok());
        REQUIRE(batch.set_result(WB_COLUMN_STATUS, status.data(), sizeof(int32_t)).ok());
        REQUIRE(batch.set_result(WB_COLUMN_REASON, reason.data(), sizeof(int32_t)).ok());
    }

    Status score_batch(bool accept_fallback) {
        CallOptions options;
        options.accept_fallback = accept_fallback;
        std::optional<wb_batch_result> counted;
        whole = engine->score_batch(target, batch, options, counted);
        REQUIRE(counted);
        CHECK(counted->status == whole.code);
        require_counts(*counted, status);
        return whole;
    }

    Status score_row(float value, bool accept_fallback) {
        std::array<uint64_t, 8> row{};
        const Schema &schema = *bundle->schema();
        REQUIRE(init_row(schema, row.data(), sizeof row).ok());
        auto *bytes = reinterpret_cast<std::byte *>(row.data());
        std::memcpy(bytes + schema.features()[0].offset, &value, sizeof value);
        bytes[schema.missing_offset()] = std::byte{0};
        CallOptions options;
        options.accept_fallback = accept_fallback;
        result = WB_RESULT_INIT;
        return engine->score(target, row.data(), options, {}, result);
    }

    wb_snapshot counters() const {
        wb_snapshot snapshot{};
        engine->read(snapshot);
        return snapshot;
    }

    FakeControl control;
    Events events;
    std::shared_ptr<const Bundle> bundle;
    Ref<Engine> engine;
    Target target;
    Batch batch;
    std::array<float, kRows> x{};
    std::array<double, kRows> score{};
    std::array<int32_t, kRows> status{}, reason{};
    Status whole;  // of the latest batch
    wb_result result = WB_RESULT_INIT;
};

bool is_bad(int64_t row) { return row == 3 || row == 17 || row == 39; }

// Ways in which a run fails where one of its rows is bad, and what the caller is told of it.
struct Way {
    const char *name;
    void (*fail)();
    Status status;
    int32_t code;
    const char *message;
};

const Way kWays[] = {
    {"failed", nullptr, Status::failure(WB_BACKEND_FAILED, "forward failed"), WB_BACKEND_FAILED, "forward failed"},
    {"internal", nullptr, Status::failure(WB_INTERNAL, "a defect"), WB_INTERNAL, "a defect"},
    {"memory", nullptr, Status::failure(WB_OUT_OF_MEMORY, "no room"), WB_OUT_OF_MEMORY, "no room"},
    {"bad_alloc", [] { throw std::bad_alloc(); }, {}, WB_OUT_OF_MEMORY, "out of memory"},
    {"exception", [] { throw std::runtime_error("thrown"); }, {}, WB_INTERNAL, "internal error: thrown"},
    {"odd exception", [] { throw 7; }, {}, WB_INTERNAL, "internal error of an unknown kind"},
};

std::function<Status(const Run &)> failing(const Way &way) {
    return [&way](const Run &run) {
        for (int64_t row = 0; row < run.rows; ++row) {
            if (!is_bad(static_cast<int64_t>(x_of(run, row)))) continue;
            if (way.fail) way.fail();
            return way.status;
        }
        return Status();
    };
}

void check_columns(const Served &served, int32_t bad_status, int32_t bad_reason, double bad_score) {
    for (size_t i = 0; i < kRows; ++i) {
        INFO("row " << i);
        const bool bad = is_bad(static_cast<int64_t>(i));
        CHECK(served.status[i] == (bad ? bad_status : WB_OK));
        CHECK(served.reason[i] == (bad ? bad_reason : WB_REASON_NONE));
        if (bad && std::isnan(bad_score))
            CHECK(std::isnan(served.score[i]));
        else
            CHECK(served.score[i] == (bad ? bad_score : static_cast<double>(i) / 64));
    }
}

}  // namespace

TEST_CASE("a run that fails in any way is answered by the fallback, for its row alone", "[failures]") {
    for (const Way &way : kWays) {
        INFO(way.name);
        Served served;
        served.control.fail_where(failing(way));
        CHECK(served.score_batch(true).code == WB_OK_FALLBACK);
        check_columns(served, WB_OK_FALLBACK, WB_REASON_BACKEND, 0.5);
        CHECK(served.counters().fallbacks == 3);
        CHECK(served.counters().failed == 1);
        CHECK(served.counters().rows == kRows - 3);
        CHECK(served.events.failed == 0);  // a scoring thread calls no callback
        served.engine->maintain();
        CHECK(served.events.failed == 1);
        CHECK(served.events.last == std::string("1 calls on which a model failed: ") + way.message);

        CHECK(served.score_row(3.0F, true).code == WB_OK_FALLBACK);
        CHECK(served.result.score == 0.5);
        CHECK(served.result.reason == WB_REASON_BACKEND);
        CHECK(served.counters().failed == 2);
        CHECK(served.score_row(4.0F, true).code == WB_OK);
    }
}

TEST_CASE("where fallbacks are declined, a failing run costs its row alone and says why", "[failures]") {
    for (const Way &way : kWays) {
        INFO(way.name);
        Served served;
        served.control.fail_where(failing(way));
        CHECK(served.score_batch(false).code == WB_OK_PARTIAL);
        check_columns(served, way.code, WB_REASON_NONE, kNaN);
        CHECK(served.whole.row == 3);
        CHECK(std::string(served.whole.message) == way.message);
        CHECK(served.counters().fallbacks == 0);
        CHECK(served.counters().failed == 1);
        CHECK(served.events.failed == 0);  // a scoring thread calls no callback
        served.engine->maintain();
        CHECK(served.events.failed == 1);
        CHECK(served.score_row(17.0F, false).code == way.code);
    }
}

TEST_CASE("a model that fails on every row leaves them all to the fallback", "[failures]") {
    Served served;
    served.control.fail(Status::failure(WB_INTERNAL, "a defect"));
    CHECK(served.score_batch(true).code == WB_OK_FALLBACK);
    for (double score : served.score) CHECK(score == 0.5);
    CHECK(served.counters().fallbacks == kRows);
}

TEST_CASE("a deadline after a failed row: each row's reason is its own", "[failures]") {
    Served served;
    served.control.fail_where([](const Run &run) {
        if (x_of(run, 0) >= kTileRows) return Status::failure(WB_DEADLINE_EXCEEDED, "late");
        if (run.rows > 1 || x_of(run, 0) == 3.0F) return Status::failure(WB_INTERNAL, "a defect");
        return Status();
    });
    CHECK(served.score_batch(true).code == WB_OK_FALLBACK);
    for (size_t i = 0; i < kRows; ++i) {
        INFO("row " << i);
        CHECK(served.reason[i] == (i == 3 ? WB_REASON_BACKEND : i >= kTileRows ? WB_REASON_DEADLINE : WB_REASON_NONE));
    }
    CHECK(served.score_batch(false).code == WB_DEADLINE_EXCEEDED);
    CHECK(served.status[3] == WB_INTERNAL);
    CHECK(served.status[2] == WB_OK);
    CHECK(served.status[kTileRows] == WB_DEADLINE_EXCEEDED);
}

TEST_CASE("a row that the model does not take is refused, not answered", "[failures]") {
    Served served;
    const Way refusing{"", nullptr, Status::failure(WB_INVALID_INPUT, "too long"), 0, ""};
    served.control.fail_where(failing(refusing));
    CHECK(served.score_batch(true).code == WB_OK_PARTIAL);
    check_columns(served, WB_INVALID_INPUT, WB_REASON_NONE, kNaN);
    CHECK(served.counters().invalid == 3);
}

TEST_CASE("every number of every output is looked at, alone and in a batch", "[failures][finite]") {
    for (float value : {kNaN, -kNaN, kInfinity, -kInfinity}) {
        for (size_t output = 0; output < 3; ++output) {
            Served served;
            const int64_t width = served.bundle->manifest().outputs[output].width;
            for (int64_t at = 0; at < width; ++at) {
                INFO("output " << output << " at " << at << ": " << value);
                served.control.spoil([&](const Run &run, int64_t row) {
                    if (is_bad(static_cast<int64_t>(x_of(run, row)))) run.outputs[output][row * width + at] = value;
                });
                CHECK(served.score_batch(true).code == WB_OK_FALLBACK);
                check_columns(served, WB_OK_FALLBACK, WB_REASON_BACKEND, 0.5);
                CHECK(served.score_batch(false).code == WB_OK_PARTIAL);
                check_columns(served, WB_BACKEND_FAILED, WB_REASON_NONE, kNaN);
                const std::string named = served.bundle->manifest().outputs[output].name;
                CHECK(std::string(served.whole.message).find("output '" + named + "': expected") == 0);
                CHECK(served.score_row(17.0F, true).code == WB_OK_FALLBACK);
                CHECK(served.result.score == 0.5);
                CHECK(served.score_row(17.0F, false).code == WB_BACKEND_FAILED);
                CHECK(served.score_row(18.0F, false).code == WB_OK);
            }
        }
    }
}

TEST_CASE("the message has the place of the number", "[failures][finite]") {
    Served served;
    served.control.spoil([](const Run &run, int64_t row) { run.outputs[1][row * 5 + 4] = -kInfinity; });
    CHECK(std::string(served.score_row(1.0F, false).message) ==
          "output 'embedding': expected finite numbers from the model, found -infinity at 4 of 5");
}

TEST_CASE("a probability that calibration makes of a number outside its domain fails too", "[failures][finite]") {
    Served served(made_bundle(R"("activation": {"kind": "sigmoid", "applied": true},
                                 "calibration": {"kind": "platt", "a": 1, "b": 0})"));
    served.control.spoil([](const Run &run, int64_t row) { run.outputs[0][row] = 1.5F; });
    CHECK(served.score_row(1.0F, true).code == WB_OK_FALLBACK);
    const Status declined = served.score_row(1.0F, false);
    CHECK(declined.code == WB_BACKEND_FAILED);
    CHECK(std::string(declined.message) ==
          "output 'fraud': expected a finite probability after calibration, found NaN");
}

TEST_CASE("pack says which generated row and which output is not finite", "[failures][finite]") {
    // The plug-in adds the row's numbers: at either end of the range their sum overflows.
    auto bundle = module_bundle(as_text(module_archive()), R"("features": [
        {"name": "a", "type": "float32", "range": [-3.4e38, 3.4e38]},
        {"name": "b", "type": "float32", "range": [-3.4e38, 3.4e38]}],
        "tensors": [{"name": "x", "dtype": "float32", "shape": ["batch", 2], "features": ["a", "b"]}],
        "outputs": [{"name": "fraud", "source": 0, "shape": ["batch"]}])");
    EngineOptions options;
    options.cpu_contexts = 1;
    options.importer = Importing::in_process;
    options.torch_plugin =
        std::filesystem::read_symlink("/proc/self/exe").parent_path().string() + "/fake_plugins/libfake_good.so";
    auto lines = (*Engine::make(options))->compute_golden(bundle, 64);
    REQUIRE(!lines);
    CHECK(lines.status().code == WB_BACKEND_FAILED);
    const std::string message = lines.status().message;
    INFO(message);
    CHECK(message.starts_with("generated golden row "));
    CHECK(message.find(" of 64: output 'fraud': expected a finite number from the model, found ") != std::string::npos);
}

TEST_CASE("verification, as load and compile run it, names the golden row and the output", "[failures][finite]") {
    const ScratchDirectory directory;
    write_fixture(directory.path() + "/mlp");
    auto bundle = Bundle::open(directory.path() + "/mlp", Bundle::Mode::serving);
    REQUIRE(bundle);
    FakeControl control;
    EngineOptions options;
    options.cpu_contexts = 1;
    auto engine = *Engine::make(options);
    auto program = std::make_shared<const FakeProgram>(control, std::vector<int64_t>{1, 1});
    auto model = *Model::make(Ref<Runtime>(&engine->runtime()), *bundle, program);
    int line = 0;
    control.spoil([&](const Run &run, int64_t) {
        if (++line == 5) run.outputs[1][0] = kNaN;
    });
    auto report = verify(*model);
    REQUIRE(!report);
    CHECK(report.status().code == WB_BACKEND_FAILED);
    CHECK(std::string(report.status().message) ==
          "golden.jsonl: line 5: output 'logit': expected a finite number from the model, found NaN");
}
