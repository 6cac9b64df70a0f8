// SPDX-License-Identifier: Apache-2.0
// Rows of a batch share tiles by the shape of their tensors, texts too, in whatever order they come.
#include <set>
#include <string>
#include <vector>

#include "feature/shape_sorter.hpp"
#include "support/fake_engine.hpp"

using namespace weighbridge::lib;
using namespace weighbridge::test;

namespace {

constexpr int64_t kRows = 64, kStride = 1024;

std::shared_ptr<const Bundle> text_bundle() {
    return module_bundle("fake", R"("features": [{"name": "memo", "type": "text",
            "encoding": [{"op": "wordpiece", "file": "vocab.txt", "max_tokens": 64}]}],
        "tensors": [{"name": "ids", "dtype": "int64", "shape": ["batch", "tokens"], "features": ["memo"]}],
        "outputs": [{"name": "fraud", "shape": ["batch"]}], "limits": {"rows": 4096})",
                         {{"vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\ncoffee\n"}});
}

// 64 texts of 1, 2, 3, 4 words in turn.
std::vector<uint64_t> mixed_texts(const Schema &schema) {
    std::vector<uint64_t> memory(kRows * kStride / 8);
    for (int64_t row = 0; row < kRows; ++row) {
        std::string memo = "coffee";
        for (int64_t word = 0; word < row % 4; ++word) memo += " coffee";
        const auto one = row_of(schema, R"({"memo": ")" + memo + R"("})");
        std::copy(one.begin(), one.end(), memory.begin() + row * kStride / 8);
    }
    return memory;
}

}  // namespace

TEST_CASE("64 texts of four lengths in turn run in four tiles, and each row has its own answer") {
    FakeControl control;
    FakeEngine hall;
    const auto bundle = text_bundle();
    const Target target{hall.model(control, bundle), {}};
    control.set_score([](const Run &run, int64_t) { return static_cast<float>(run.inputs[0].shape.size[1]) / 64; });
    auto memory = mixed_texts(*bundle->schema());
    Batch batch(bundle);
    REQUIRE(batch.reset(kRows).ok());
    REQUIRE(batch.set_rows(memory.data(), kStride).ok());
    std::vector<double> scores(kRows);
    REQUIRE(batch.set_result(WB_COLUMN_SCORE, scores.data(), sizeof(double)).ok());
    std::optional<wb_batch_result> result;
    const Status status = hall.engine->score_batch(target, batch, {}, result);
    INFO(status.message);
    REQUIRE(status.ok());
    CHECK(control.runs() == 4);
    std::set<double> by_length[4];
    for (int64_t row = 0; row < kRows; ++row) by_length[row % 4].insert(scores[static_cast<size_t>(row)]);
    for (int64_t words = 0; words < 4; ++words) {  // [CLS] and [SEP] besides
        REQUIRE(by_length[words].size() == 1);
        CHECK(*by_length[words].begin() == static_cast<double>(words + 3) / 64);
    }
}

TEST_CASE("rows are sorted by shape and then by index, unless the call is to stop") {
    const auto bundle = text_bundle();
    auto memory = mixed_texts(*bundle->schema());
    const StridedRows rows(*bundle->schema(), memory.data(), kStride);
    std::vector<int64_t> order(kRows);
    for (int64_t row = 0; row < kRows; ++row) order[static_cast<size_t>(row)] = kRows - 1 - row;
    const auto before = order;
    ShapeSorter sorter;
    CancelToken token;
    token.set(true);
    CHECK(sorter.sort(bundle->encoder(), rows, order, {.cancel = &token}).code == WB_CANCELLED);
    CHECK(order == before);
    REQUIRE(sorter.sort(bundle->encoder(), rows, order, {}).ok());
    for (int64_t i = 0; i < kRows; ++i) CHECK(order[static_cast<size_t>(i)] == i % 16 * 4 + i / 16);
}
