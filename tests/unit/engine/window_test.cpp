// SPDX-License-Identifier: Apache-2.0
// Batches of any size on a model that runs few rows together: limits.rows bounds a run, not a batch or its window.
#include <algorithm>
#include <vector>

#include "engine/engine.hpp"
#include "support/catch.hpp"
#include "support/fake_backend.hpp"
#include "support/module_bundle.hpp"

using namespace weighbridge::lib;
using namespace weighbridge::test;

namespace {

constexpr int64_t kMost = 8, kTogether = 3, kRows = 10000;

// A model whose score is the length of a row's sequence.
struct Lengths {
    Lengths()
        : bundle(module_bundle("none", R"("features": [{"name": "past", "type": "sequence", "of": "float32",
                                                         "missing": {"default": []}}],
              "tensors": [{"name": "past", "dtype": "float32", "shape": ["batch", "length"], "features": ["past"]}],
              "outputs": [{"name": "fraud", "shape": ["batch"]}], "limits": {"length": 8, "rows": 3})")),
          views(kRows),
          score(kRows, -1),
          batch(bundle) {
        EngineOptions options;
        options.cpu_contexts = 1;
        engine = *Engine::make(options);
        control.set_score([this](const Run &run, int64_t) {
            most_together = std::max(most_together, run.rows);
            return static_cast<float>(run.inputs[0].shape.size[1]);
        });
        target.model = *Model::make(Ref<Runtime>(&engine->runtime()), bundle,
                                    std::make_shared<const FakeProgram>(control, std::vector<int64_t>{1}, 16));
        for (int64_t i = 0; i < kRows; ++i) views[static_cast<size_t>(i)] = {ones, i * 5 % (kMost + 1)};
        REQUIRE(batch.reset(kRows).ok());
        REQUIRE(batch.set_column(0, views.data(), sizeof(wb_view), nullptr).ok());
        REQUIRE(batch.set_result(WB_COLUMN_SCORE, score.data(), sizeof(double)).ok());
    }

    const float ones[kMost + 1] = {1, 1, 1, 1, 1, 1, 1, 1, 1};
    FakeControl control;
    int64_t most_together = 0;
    std::shared_ptr<const Bundle> bundle;
    Ref<Engine> engine;
    Target target;
    std::vector<wb_view> views;
    std::vector<double> score;
    Batch batch;
    std::optional<wb_batch_result> result;
};

}  // namespace

TEST_CASE("a window larger than limits.rows is scored whole, few rows together, and no row outside it") {
    Lengths served;
    for (auto [from, rows] :
         {std::pair<int64_t, int64_t>{7, 9000}, {0, kRows}, {kRows - 1, 1}, {50, 0}, {3, kTogether}}) {
        CAPTURE(from, rows);
        std::fill(served.score.begin(), served.score.end(), -1.0);
        served.most_together = 0;
        REQUIRE(served.batch.set_window(from, rows).ok());
        CHECK(served.engine->score_batch(served.target, served.batch, {}, served.result).code == WB_OK);
        CHECK(served.most_together <= kTogether);
        if (rows > 20) CHECK(served.most_together == kTogether);
        int64_t wrong = 0;
        for (int64_t i = 0; i < kRows; ++i) {
            const bool inside = i >= from && i < from + rows;
            wrong += served.score[static_cast<size_t>(i)] != (inside ? static_cast<double>(i * 5 % (kMost + 1)) : -1.0);
        }
        CHECK(wrong == 0);
    }
}

TEST_CASE("bad rows in every slice of a window cost themselves only") {
    Lengths served;
    for (size_t i = 10; i < 9000; i += 4) served.views[i].size = kMost + 1;  // too long
    REQUIRE(served.batch.set_window(8, 8992).ok());
    const Status status = served.engine->score_batch(served.target, served.batch, {}, served.result);
    CHECK(status.code == WB_OK_PARTIAL);
    CHECK(status.row == 10);
    size_t wrong = 0;
    for (size_t i = 8; i < 9000; ++i)
        wrong +=
            i % 4 == 2 ? !std::isnan(served.score[i]) : served.score[i] != static_cast<double>(i * 5 % (kMost + 1));
    CHECK(wrong == 0);
}
