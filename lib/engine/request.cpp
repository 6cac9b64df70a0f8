// SPDX-License-Identifier: Apache-2.0
#include "engine/request.hpp"

#include <algorithm>
#include <functional>
#include <optional>

namespace weighbridge::lib {
namespace {

// The WB_REASON_* under which the fallback answers for a failure; WB_REASON_NONE where it may not.
int32_t reason_of(int32_t code) {
    switch (code) {
        case WB_DEADLINE_EXCEEDED:
            return WB_REASON_DEADLINE;
        case WB_OVERLOADED:
            return WB_REASON_OVERLOAD;
        case WB_BACKEND_FAILED:
        case WB_INTERNAL:
        case WB_OUT_OF_MEMORY:
            return WB_REASON_BACKEND;
        default:
            return WB_REASON_NONE;
    }
}

// Whether a row is refused for its length alone.
class IsShort {
  public:
    IsShort(const Encoder &encoder, const RowSource &source) : encoder_(encoder), source_(source) {}
    bool operator()(int64_t row) {
        if (!encoder_.is_short(source_, row)) return false;
        if (!tile_) tile_.emplace(encoder_.make_tile(1));
        return encoder_.is_valid(*tile_, source_, row);
    }

  private:
    const Encoder &encoder_;
    const RowSource &source_;
    std::optional<Tile> tile_;
};

}  // namespace

Request::Request(Runtime &runtime, const Target &target, Target spare, const CallOptions &options, RequestRows &rows,
                 Sink &sink, int64_t entered_ns, int64_t waited_ns)
    : runtime_(runtime),
      target_(target),
      spare_(std::move(spare)),
      options_(options),
      rows_(rows),
      sink_(sink),
      entered_ns_(entered_ns),
      waited_ns_(waited_ns) {}

Status Request::serve() {
    if (Status status = resolve(); !status.ok()) return status;
    if (Status status = rows_.lock(*layout_.schema); !status.ok()) return status;
    Status status = serve_part(rows_.order());
    if (status.code == WB_WOULD_WAIT) return status;
    if (spare_would_wait_) return Status::failure(WB_WOULD_WAIT, "expected a free context for the fallback slot");
    return conclude(std::move(status));
}

Status Request::serve_part(std::span<int64_t> rows) {
    short_rows_ = {};
    model_rows_ = rows;
    progress_ = {};
    Status status = score();
    if (status.code == WB_WOULD_WAIT) return status;
    if (!status.ok() || progress_.failed > 0 || !short_rows_.empty()) [[unlikely]]
        fall_back(status);
    return status;
}

Status Request::conclude(Status status) {
    timing_.queue_ns += waited_ns_;
    sink_.conclude(status, timing_);
    report(status);
    return status;
}

Request::Journey::Journey(Request &of)
    : source(of.rows_.source(), of.layout_),
      options(of.target_options()),
      rider(*source, of.model_rows_, options, of.sink_, of.progress_) {
    rider.deadline_ns = options.deadline_ns;
}

Rider *Request::ride() {
    if (spares_short_rows()) return nullptr;
    model_rows_ = rows_.order();
    return &journey_.emplace(*this).rider;
}

Status Request::arrive() {
    const Rider &rider = journey_->rider;
    const int64_t began_ns = std::max(rider.began_ns, entered_ns_);  // the run may have begun before the row came
    timing_.queue_ns = began_ns - entered_ns_;
    timing_.run_ns = rider.ended_ns - began_ns;
    timing_.ended_ns = rider.ended_ns;
    Status status = rider.status;
    if (!status.ok() || progress_.failed > 0) [[unlikely]]
        fall_back(status);
    return conclude(std::move(status));
}

// Finds the row layout by which the target's model reads these rows, and whether the spare can read them too.
Status Request::resolve() {
    if (Status status = sink_.check(); !status.ok()) return status;
    digest_ = rows_.schema_digest();
    layout_ = target_.layout(digest_);
    if (spare_.model && (spare_.model.get() == target_.model.get() || !spare_.deployment->layout(digest_)))
        spare_ = Target();
    return {};
}

Status Request::score() {
    const TargetSource source(rows_.source(), layout_);
    if (spares_short_rows()) split_short_rows(*source);
    timing_.entered_ns = entered_ns_ + waited_ns_;
    return target_.model->score(*source, model_rows_, target_options(), sink_, progress_, timing_, rows_.sorter());
}

// The target's deadline is earlier than the caller's by the reserve that the bundle keeps for the fallback.
CallOptions Request::target_options() const {
    CallOptions options = options_;
    const int64_t reserve_ns = target_.model->bundle().manifest().fallback.reserve_us * 1000;
    if (spare_.model && options.deadline_ns != WB_NO_DEADLINE)
        options.deadline_ns = std::max(options.deadline_ns, INT64_MIN + reserve_ns) - reserve_ns;
    return options;
}

// Whether the manifest gives rows that are too short for the model to the fallback, and the call accepts one.
bool Request::spares_short_rows() const {
    const Limits &limits = target_.model->bundle().encoder().limits();
    return options_.accept_fallback && limits.least_length > 0 && limits.shorter == Shorter::fallback;
}

// Too short rows need no context: unless the call is cancelled, their answer depends on neither queue nor deadline. A
// row with another fault as well is refused as any row is.
void Request::split_short_rows(const RowSource &source) {
    const Encoder &encoder = target_.model->bundle().encoder();
    IsShort is_short(encoder, source);
    const auto others = std::partition(model_rows_.begin(), model_rows_.end(), std::ref(is_short));
    short_rows_ = model_rows_.first(static_cast<size_t>(others - model_rows_.begin()));
    model_rows_ = model_rows_.subspan(short_rows_.size());
}

// Answers what the model left: rows that it failed on, too short ones, and all others where `status` ended the call
// early for a reason that the fallback covers. `status` becomes the call's.
void Request::fall_back(Status &status) {
    const std::span<int64_t> failed = model_rows_.first(progress_.failed), left = model_rows_.subspan(progress_.done);
    const int32_t reason = options_.accept_fallback ? reason_of(status.code) : int32_t{WB_REASON_NONE};
    if (options_.accept_fallback) answer_by_fallback(failed, WB_REASON_BACKEND);
    if (!short_rows_.empty() && status.ok() && is_cancelled())
        status = Status::failure(WB_CANCELLED, "cancelled before the fallback answered for short rows");
    if (status.ok() || reason != WB_REASON_NONE)
        answer_by_fallback(short_rows_, WB_REASON_SHORT);
    else
        fail(short_rows_, status);
    if (reason != WB_REASON_NONE) {
        answer_by_fallback(left, reason);
        status = Status();
    } else if (!status.ok()) {
        fail(left, status);
    }
    reason_ = reason != WB_REASON_NONE ? reason : !failed.empty() ? WB_REASON_BACKEND : WB_REASON_NONE;
    if (reason_ == WB_REASON_NONE && !short_rows_.empty()) reason_ = WB_REASON_SHORT;
}

// The spare's model answers first; rows that it fails on, or does not reach, get the fixed score.
void Request::answer_by_fallback(std::span<int64_t> rows, int32_t reason) {
    if (rows.empty()) return;
    Progress progress;
    sink_.serve_fallback(reason, spare_.model ? *spare_.model : *target_.model);
    if (spare_.model) {
        const TargetSource source(rows_.source(), spare_.layout(digest_));
        timing_.entered_ns = timing_.ended_ns = 0;  // time has passed
        const Status status = spare_.model->score(*source, rows, options_, sink_, progress, timing_, rows_.sorter());
        spare_would_wait_ |= status.code == WB_WOULD_WAIT;
    }
    for (const int64_t row : rows.subspan(progress.done)) sink_.answer_fixed(row);
}

void Request::fail(std::span<const int64_t> rows, const Status &why) {
    for (const int64_t row : rows) sink_.fail(row, why);
}

// `status`: what the caller is told.
void Request::report(const Status &status) {
    const Sink::Tally &tally = sink_.tally();
    CallRecord record;
    record.status = status.code;
    record.reason = reason_;
    record.rows = tally.scored;
    record.fallbacks = tally.fallbacks;
    record.invalid = tally.invalid;
    record.model_failed = reason_of(tally.failure.code) == WB_REASON_BACKEND;
    const int64_t ended_ns = timing_.ended_ns != 0 ? timing_.ended_ns : runtime_.clock.now_ns();
    record.latency_ns = ended_ns - entered_ns_;
    Account &account = target_.account(runtime_);
    account.counters.record(record);
    EventLog &events = runtime_.events;
    if (record.model_failed) events.tell_counted(account, Counted::model_failures, ended_ns, tally.failure.message);
    if (record.fallbacks > 0) events.tell_counted(account, Counted::fallbacks, ended_ns);
    if (record.status == WB_OVERLOADED || record.reason == WB_REASON_OVERLOAD)
        events.tell_counted(account, Counted::overloaded, ended_ns);
}

}  // namespace weighbridge::lib
