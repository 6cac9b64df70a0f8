// SPDX-License-Identifier: Apache-2.0
// A batch of 64 texts of mixed lengths by a transformer of two layers on one thread:
//   bench_mixed_texts [ROUNDS]
// Cases take turns, and their answers have the same bits, which is checked before anything is timed. Prints medians:
//   batch        the rows as wb_model_score_batch runs them
//   arrival      the same, never sorted: rows run together where neighbours are alike, or where runs are packed
//   single       a call for each row
//   sort         ShapeSorter alone: the keys of all rows, for which their texts are tokenised, and their order
//   encode       all rows into tiles of one, which tokenises them as well
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <numeric>
#include <string>
#include <vector>

#include "backend/native/level.hpp"
#include "backend/native/native.hpp"
#include "bundle/bundle.hpp"
#include "bundle/memory_source.hpp"
#include "engine/engine.hpp"
#include "feature/row.hpp"
#include "feature/shape_sorter.hpp"
#include "support/plans.hpp"

namespace {

using namespace weighbridge::lib;
using weighbridge::test::fixed_numbers, weighbridge::test::GraphBuilder;

constexpr int64_t kRows = 64, kLongest = 64, kStride = 1024, kWords = 1000, kWidth = 128, kInner = 512, kHeads = 4;

[[noreturn]] void fail(const std::string &why) {
    std::fprintf(stderr, "bench_mixed_texts: %s\n", why.c_str());
    std::exit(1);
}
template <class T>
T value(Expected<T> of) {
    if (!of) fail(of.status().message);
    return *std::move(of);
}
void require(const Status &status) {
    if (!status.ok()) fail(status.message);
}

// ids [batch, length]: an embedding, two layers of attention and a feed-forward part, the mean of the tokens, one
// logit.
std::shared_ptr<const Plan> text_plan() {
    GraphBuilder build(kLongest);
    build.graph.least_length = 1;
    const Extent rows = Extent::rows(), length = Extent::length(), wide = Extent::of(kWidth);
    auto linear = [&, seed = 10u](GraphBuilder::Value x, int64_t n, Activation activation = Activation::none) mutable {
        const int64_t k = build.graph.type(x).shape.back().terms[0];
        ++seed;
        return build.linear(x, n, fixed_numbers(n * k, seed, 0.1f), fixed_numbers(n, seed, 0.1f), activation);
    };
    auto norm = [&](GraphBuilder::Value x) {
        return build.add(
            Op::layer_norm,
            {x, build.floats({kWidth}, fixed_numbers(kWidth, 1)), build.floats({kWidth}, fixed_numbers(kWidth, 2))},
            {.epsilon = 1e-5});
    };
    const auto ids = build.input(0, DType::int64, {rows, length});
    auto x =
        build.add(Op::embedding, {build.floats({kWords + 4, kWidth}, fixed_numbers((kWords + 4) * kWidth, 3)), ids});
    for (int layer = 0; layer < 2; ++layer) {
        const auto merged = linear(norm(x), 3 * kWidth);
        auto heads = [&](int64_t index) {
            const Extent start = Extent::of(index * kWidth);
            const auto own = build.add(Op::slice, {merged}, {.axis = 2, .start = start, .size = wide});
            const auto apart = build.add(Op::reshape, {own},
                                         {.shape = {rows, length, Extent::of(kHeads), Extent::of(kWidth / kHeads)}});
            return build.add(Op::permute, {apart}, {.order = {0, 2, 1, 3}});
        };
        Attributes attributes;
        attributes.scale = 0.17;
        const auto attended = build.add(Op::attention, {heads(0), heads(1), heads(2)}, attributes);
        const auto joined = build.add(Op::reshape, {build.add(Op::permute, {attended}, {.order = {0, 2, 1, 3}})},
                                      {.shape = {rows, length, wide}});
        x = build.add(Op::add, {x, linear(joined, kWidth)});
        x = build.add(Op::add, {x, linear(linear(norm(x), kInner, Activation::gelu), kWidth)});
    }
    const auto mean = build.add(Op::reduce_mean, {x}, {.axis = 1});
    build.output(build.add(Op::reshape, {linear(mean, 1)}, {.shape = {rows}}));
    return build.plan();
}

std::shared_ptr<const Bundle> text_bundle() {
    std::string words = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n";
    for (int64_t word = 0; word < kWords; ++word) words += "w" + std::to_string(word) + "\n";
    const std::string manifest = R"({"weighbridge": {"format": 1, "requires": "0.1.0"},
        "identity": {"name": "mixed-texts", "version": "1"}, "fallback": {"score": 0.5},
        "features": [{"name": "memo", "type": "text",
            "encoding": [{"op": "wordpiece", "file": "vocab.txt", "max_tokens": )" +
                                 std::to_string(kLongest) + R"(}]}],
        "tensors": [{"name": "ids", "dtype": "int64", "shape": ["batch", "tokens"], "features": ["memo"]}],
        "outputs": [{"name": "fraud", "shape": ["batch"]}], "limits": {"rows": 4096}})";
    auto bytes = [](const std::string &text) {
        const auto *from = reinterpret_cast<const std::byte *>(text.data());
        return std::make_shared<const Bytes>(from, from + text.size());
    };
    const MemorySource source({{"manifest.json", bytes(manifest)}, {"vocab.txt", bytes(words)}});
    return value(Bundle::open(source, Bundle::Mode::draft));
}

// How long the texts are: so many lengths, evenly from 2 tokens ([CLS] and [SEP]) to the most.
struct Mix {
    int64_t lengths, most_tokens;
};

// The lengths come in no order: 17 and the numbers of lengths have no common divisor.
std::vector<uint64_t> mixed_rows(const Schema &schema, const Mix &mix) {
    std::vector<uint64_t> memory(kRows * kStride / 8);
    for (int64_t row = 0; row < kRows; ++row) {
        std::string memo;
        const int64_t words = row * 17 % mix.lengths * (mix.most_tokens - 2) / (mix.lengths - 1);
        for (int64_t word = 0; word < words; ++word) memo += "w" + std::to_string((row * 31 + word * 7) % kWords) + " ";
        uint64_t *at = memory.data() + row * kStride / 8;
        require(init_row(schema, at, kStride));
        require(set_row_json(schema, at, R"({"memo": ")" + memo + R"("})", 1));
    }
    return memory;
}

struct Scores final : RowSink {
    void answered(int64_t row, const Answer &answer) override { of[static_cast<size_t>(row)] = answer.score; }
    void refused(int64_t, const Status &why) override { fail(why.message); }
    void failed(int64_t, const Status &why) override { fail(why.message); }
    std::vector<double> of = std::vector<double>(kRows);
};

struct Case {
    const char *name;
    std::function<void()> run;
    std::vector<double> us;
};

double median(std::vector<double> values) {
    std::nth_element(values.begin(), values.begin() + static_cast<ptrdiff_t>(values.size() / 2), values.end());
    return values[values.size() / 2];
}

void bench(const Ref<Model> &model, const Mix &mix, int rounds) {
    const auto &bundle = model->shared_bundle();
    const Encoder &encoder = bundle->encoder();
    const auto memory = mixed_rows(*bundle->schema(), mix);
    const StridedRows source(*bundle->schema(), memory.data(), kStride);

    ShapeSorter sorter;
    Scores scores;
    std::vector<int64_t> order(kRows);
    auto score = [&](std::span<int64_t> rows, ShapeSorter *with) {
        Progress progress;
        Timing timing;
        require(model->score(source, rows, {}, scores, progress, timing, with));
    };
    auto arrive = [&] { std::iota(order.begin(), order.end(), 0); };
    auto tile = encoder.make_tile(1);
    Case cases[] = {
        {"batch", [&] { arrive(), score(order, &sorter); }, {}},
        {"arrival", [&] { arrive(), score(order, nullptr); }, {}},
        {"single",
         [&] {
             arrive();
             for (int64_t &row : order) score({&row, 1}, nullptr);
         },
         {}},
        {"sort", [&] { arrive(), require(sorter.sort(encoder, source, order, {})); }, {}},
        {"encode",
         [&] {
             for (int64_t row = 0; row < kRows; ++row) {
                 RowNotes notes;
                 Encoder::Append appended;
                 tile.clear();
                 require(encoder.append(tile, source, row, notes, appended));
             }
         },
         {}},
    };
    std::vector<double> expected;
    for (Case &one : cases) {
        one.run();
        if (expected.empty()) expected = scores.of;
        if (scores.of != expected) fail(std::string(one.name) + ": expected the scores of the batch, found others");
    }
    for (int round = 0; round < rounds; ++round)
        for (Case &one : cases) {
            const auto before = std::chrono::steady_clock::now();
            one.run();
            one.us.push_back(
                std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - before).count());
        }
    std::printf("%lld lengths, 2 to %lld tokens\n", static_cast<long long>(mix.lengths),
                static_cast<long long>(mix.most_tokens));
    const double batch = median(cases[0].us);
    for (const Case &one : cases) {
        const double us = median(one.us);
        std::printf("%-8s %9.1f us a batch %9.0f rows/s %6.3f of batch\n", one.name, us, kRows * 1e6 / us, us / batch);
    }
}

}  // namespace

int main(int argc, char **argv) {
    const int rounds = argc > 1 ? std::atoi(argv[1]) : 200;
    if (rounds < 1) return std::fprintf(stderr, "usage: bench_mixed_texts [ROUNDS]\n"), 2;
    const auto level = native::best_level(false);
    const auto program = value(make_native_program(text_plan(), WB_PRECISION_FP32, level, {"ids"}));
    EngineOptions options;
    options.cpu_contexts = 1;
    const auto engine = value(Engine::make(options));
    const auto model = value(Model::make(Ref<Runtime>(&engine->runtime()), text_bundle(), program));
    std::printf("64 texts, %s, medians of %d rounds\n", native::name_of(level), rounds);
    for (const Mix &mix : {Mix{4, kLongest}, Mix{63, kLongest}, Mix{4, 17}, Mix{16, 17}}) bench(model, mix, rounds);
    return 0;
}
