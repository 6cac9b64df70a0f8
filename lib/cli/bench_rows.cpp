// SPDX-License-Identifier: Apache-2.0
#include "cli/bench_rows.hpp"

#include <bit>

#include "cli/bundle_file.hpp"
#include "cli/command.hpp"
#include "cli/text.hpp"

namespace weighbridge::cli {

namespace {

constexpr size_t most_rows = 4096;  // of the input; enough variety, little memory

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

std::vector<Row> read_golden(const Schema &schema, const std::string &directory) {
    std::vector<Row> rows;
    for (const std::string &json : golden_rows(directory)) rows.emplace_back(schema).set_json(json).value();
    return rows;
}

std::vector<Row> read_input(const Schema &schema, const Input &input) {
    std::vector<Row> rows;
    InputFile file = input.open(schema);
    Payment payment;
    for (Record record; rows.size() < most_rows && file.reader->next(record);)
        if (auto read = file.payments->read(record, rows.emplace_back(schema), payment); !read)
            throw Failure(exit_failed, formatted("line {}: {}", record.line, read.error().message));
    return rows;
}

bool same(double a, double b) { return std::bit_cast<uint64_t>(a) == std::bit_cast<uint64_t>(b); }

}  // namespace

BenchRows::BenchRows(const Model &model, const Input &input, const std::string &directory)
    : rows(input.path.empty() ? read_golden(model.schema(), directory) : read_input(model.schema(), input)) {
    if (rows.empty()) throw Failure(exit_failed, "there are no rows to score");
    for (Row &row : rows) {
        const Result result = model.score(row).value();
        if (expected.empty()) first = result;
        expected.push_back(result.score);
        tokens.push_back(tokens_of(row));
    }
}

void Scored::add(const Scored &other) {
    rows += other.rows;
    tokens += other.tokens;
    fallbacks += other.fallbacks;
    expired += other.expired;
    overloaded += other.overloaded;
    on_gpus += other.on_gpus;
    differing += other.differing;
}

BenchCaller::BenchCaller(const Model &model, const BenchRows &rows, const BenchCalls &calls, size_t from)
    : model_(model),
      rows_(rows),
      budget_ns_(int64_t{calls.deadline_us} * 1000),
      call_(Call::create().value()),
      size_(calls.batch),
      next_(from),
      block_(model.schema()),
      batch_(Batch::create(model.schema()).value()) {
    call_.priority(calls.priority).value();
}

int64_t BenchCaller::deadline_ns() const { return budget_ns_ == 0 ? WB_NO_DEADLINE : wb_now_ns() + budget_ns_; }

void BenchCaller::prepare() {
    block_.clear();
    from_ = next_;
    for (size_t i = 0; i < size_; ++i, next_ = (next_ + 1) % rows_.rows.size()) block_.push_back(rows_.rows[next_]);
    if (size_ > 1) batch_.rows(block_).value();
}

void BenchCaller::call() {
    if (size_ > 1) {
        model_.score(batch_, Deadline::at_ns(deadline_ns()), &call_).value();
        return;
    }
    detail::done([&](wb_error *err) {
        return wb_model_score(&result_, model_.get(), block_.data(), deadline_ns(), call_.get(), err);
    }).value();
}

void BenchCaller::count() {
    if (size_ == 1) count_row(from_, result_.score, result_.reason, result_.device);
    for (size_t i = 0; size_ > 1 && i < size_; ++i)
        count_row((from_ + i) % rows_.rows.size(), batch_.scores()[i], batch_.reasons()[i], batch_.devices()[i]);
    scored_.rows += size_;
}

void BenchCaller::count_row(size_t row, double score, int32_t reason, int32_t device) {
    scored_.tokens += rows_.tokens[row];
    scored_.fallbacks += reason != WB_REASON_NONE;
    scored_.expired += reason == WB_REASON_DEADLINE;
    scored_.overloaded += reason == WB_REASON_OVERLOAD;
    scored_.on_gpus += device > 0;
    const bool by_load = reason == WB_REASON_DEADLINE || reason == WB_REASON_OVERLOAD;  // not by the row
    scored_.differing += !by_load && !same(score, rows_.expected[row]);
}

}  // namespace weighbridge::cli
