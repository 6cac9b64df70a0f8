// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <bit>
#include <thread>

#include "cli/bundle_file.hpp"
#include "cli/command.hpp"
#include "cli/input.hpp"
#include "cli/interrupt.hpp"
#include "cli/metrics.hpp"
#include "cli/options.hpp"
#include "cli/report.hpp"

namespace weighbridge::cli {

namespace {

constexpr size_t most_rows = 4096;  // of the input; enough variety, little memory

// Elements of the row's sequences, which all have one length; 1 where the schema has none.
uint64_t tokens_of(const Row &row) {
    std::span<const wb_feature_info> features = row.schema().features();
    uint64_t tokens = 1;
    for (uint32_t i = 0; i < features.size(); ++i) {
        if (!features[i].is_sequence) continue;
        wb_span span = {};
        if (!row.is_missing(i)) std::memcpy(&span, row.data() + features[i].offset, sizeof span);
        tokens = span.size;
        if (tokens) break;
    }
    return tokens;
}

// What one thread measured.
struct Lap {
    Latencies latencies;
    uint64_t rows = 0, tokens = 0, fallbacks = 0, differing = 0;
    std::exception_ptr error;
};

class Bench final : public Verb {
  public:
    void declare(Options &options) override {
        choice_.declare_directory(options);
        input_.declare_optional(options, "payments to score in turn (default: the golden rows), at most 4096");
        options.count("--threads", threads_, 1, 256, "threads, each in a closed loop (default 1)");
        options.count("--contexts", choice_.contexts, 1, 256, "contexts (default: as many as threads)");
        options.count("--batch", batch_, 1, 1 << 20, "rows in one call (default 1)");
        options.number("--seconds", seconds_, 0.01, 86400.0, "measured time (default 3)");
        options.number("--warm-up", warm_up_, 0.0, 3600.0, "time before it, in seconds (default 0.5)");
        choice_.declare_load(options);
        choice_.declare_no_verify(options);
        options.flag("--json", json_, "print JSON");
    }

    int run() override {
        if (!choice_.contexts) choice_.contexts = threads_;
        Engine engine = choice_.engine();
        Model model = Model::load(engine, choice_.directory, choice_.load()).value();
        std::vector<Row> rows = read_rows(model.schema());
        std::vector<double> expected;
        Result first;
        for (Row &row : rows) expected.push_back((first = model.score(row).value()).score);

        watch_interrupt();
        std::vector<Lap> laps(threads_);
        {
            std::vector<std::jthread> threads;
            int64_t start = wb_now_ns() + static_cast<int64_t>(warm_up_ * 1e9);
            int64_t end = start + static_cast<int64_t>(seconds_ * 1e9);
            for (unsigned i = 0; i < threads_; ++i)
                threads.emplace_back([&, i] {
                    try {
                        measure(model, rows, expected, i, start, end, laps[i]);
                    } catch (...) {
                        laps[i].error = std::current_exception();
                    }
                });
        }
        if (interrupted()) throw Failure(interrupt_exit(), "ended by " + interrupt_name() + " before its time");
        return report(laps, rows.size(), first);
    }

  private:
    std::vector<Row> read_rows(const Schema &schema) const {
        std::vector<Row> rows;
        if (input_.path.empty()) {
            for (const std::string &json : golden_rows(choice_.directory))
                rows.emplace_back(schema).set_json(json).value();
        } else {
            InputFile file = input_.open(schema);
            Payment payment;
            for (Record record; rows.size() < most_rows && file.reader->next(record);) {
                auto read = file.payments->read(record, rows.emplace_back(schema), payment);
                if (!read)
                    throw Failure(exit_failed, "line " + std::to_string(record.line) + ": " + read.error().message);
            }
        }
        if (rows.empty()) throw Failure(exit_failed, "there are no rows to score");
        return rows;
    }

    // Scores the rows in turn, each thread from another one on, until `end`; what began before `start` is not counted.
    void measure(const Model &model, const std::vector<Row> &rows, const std::vector<double> &expected, unsigned thread,
                 int64_t start, int64_t end, Lap &lap) const {
        Batch batch = Batch::create(model.schema()).value();
        Rows block(model.schema());
        size_t next = thread * rows.size() / threads_;
        for (;;) {
            block.clear();
            size_t from = next;
            uint64_t tokens = 0;
            for (size_t i = 0; i < batch_; ++i, next = (next + 1) % rows.size()) {
                block.push_back(rows[next]);
                tokens += tokens_of(rows[next]);
            }
            int64_t begin = wb_now_ns();
            if (begin >= end || interrupted()) return;
            uint64_t fallbacks = 0, differing = 0;
            int64_t took = 0;
            if (batch_ == 1) {
                Result result = score_one(model, block);
                took = wb_now_ns() - begin;
                fallbacks = result.is_fallback();
                differing = !same(result.score, expected[from]);
            } else {
                batch.rows(block).value();
                begin = wb_now_ns();
                model.score(batch).value();
                took = wb_now_ns() - begin;
                for (size_t i = 0; i < batch_; ++i) {
                    fallbacks += batch.statuses()[i] == WB_OK_FALLBACK;
                    differing += !same(batch.scores()[i], expected[(from + i) % rows.size()]);
                }
            }
            if (begin < start) continue;
            lap.latencies.add(took);
            lap.rows += batch_;
            lap.tokens += tokens;
            lap.fallbacks += fallbacks;
            lap.differing += differing;
        }
    }

    static Result score_one(const Model &model, Rows &block) {
        Result result;
        detail::done([&](wb_error *err) {
            return wb_model_score(&result, model.get(), block.data(), WB_NO_DEADLINE, nullptr, err);
        }).value();
        return result;
    }

    static bool same(double a, double b) { return std::bit_cast<uint64_t>(a) == std::bit_cast<uint64_t>(b); }

    int report(const std::vector<Lap> &laps, size_t rows, const Result &first) const {
        Latencies latencies;
        uint64_t scored = 0, tokens = 0, fallbacks = 0, differing = 0;
        for (const Lap &lap : laps) {
            if (lap.error) std::rethrow_exception(lap.error);
            latencies.add(lap.latencies);
            scored += lap.rows;
            tokens += lap.tokens;
            fallbacks += lap.fallbacks;
            differing += lap.differing;
        }
        if (!latencies.count()) throw Failure(exit_failed, "no call ended within --seconds");
        auto us = [&](double share) { return static_cast<double>(latencies.quantile_ns(share)) / 1000.0; };
        Report latency = {{"p50", us(0.5)},
                          {"p90", us(0.9)},
                          {"p99", us(0.99)},
                          {"p99.9", us(0.999)},
                          {"max", static_cast<double>(latencies.max_ns()) / 1000.0}};
        print_report({{"bundle", choice_.directory},
                      {"version", std::string(first.bundle_version())},
                      {"backend", backend_name(first.backend)},
                      {"threads", threads_},
                      {"contexts", choice_.contexts},
                      {"batch", batch_},
                      {"distinct_rows", rows},
                      {"calls", latencies.count()},
                      {"rows", scored},
                      {"fallbacks", fallbacks},
                      {"differing", differing},
                      {"latency_us", latency},
                      {"rows_per_second", static_cast<double>(scored) / seconds_},
                      {"tokens_per_second", static_cast<double>(tokens) / seconds_}},
                     json_);
        // A plan gives the same bits each time; a score that changed would make the times worthless.
        if (differing && first.numerics) throw Failure(exit_failed, "scores changed between calls of the same rows");
        return exit_ok;
    }

    ModelChoice choice_;
    Input input_;
    uint32_t threads_ = 1, batch_ = 1;
    double seconds_ = 3.0, warm_up_ = 0.5;
    bool json_ = false;
};

}  // namespace

std::unique_ptr<Verb> make_bench() { return std::make_unique<Bench>(); }

}  // namespace weighbridge::cli
