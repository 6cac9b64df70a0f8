// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "engine/rows.hpp"
#include "engine/sinks.hpp"
#include "engine/target.hpp"

namespace weighbridge::lib {

// One scoring call for a row or a batch, from entry to return, on the caller's thread and stack: resolves the rows'
// schema, locks the rows, has the target's model score them and the fallback answer what it may of the rest, and counts
// the call.
class Request {
  public:
    // `spare`: the deployment of the bundle's fallback slot; its model is null where there is none. Everything passed
    // outlives the request. `entered_ns`: when the call began, by the runtime's clock; `waited_ns`: how long of that it
    // was queued.
    Request(Runtime &runtime, const Target &target, Target spare, const CallOptions &options, RequestRows &rows,
            Sink &sink, int64_t entered_ns, int64_t waited_ns = 0);

    // Returns the status that the caller gets: wb_model_score, wb_model_score_batch.
    Status serve();

    // serve() in steps, for a thread that may not block for long: resolve(), then serve_part() for each part of the
    // rows, which the caller has locked, then conclude() with the first part's failure, if any.
    Status resolve();
    Status serve_part(std::span<int64_t> rows);
    Status conclude(Status status);

    // The same of a single row that another's run scores, resolved and locked: what that takes along, or null where no
    // model is to score it; then, once it is served, what the caller is told.
    Rider *ride();
    Status arrive();

  private:
    // Of ride().
    struct Journey {
        explicit Journey(Request &of);
        TargetSource source;
        CallOptions options;
        Rider rider;
    };
    Status score();
    CallOptions target_options() const;
    bool spares_short_rows() const;
    void split_short_rows(const RowSource &source);
    void fall_back(Status &status);
    void answer_by_fallback(std::span<int64_t> rows, int32_t reason);
    void fail(std::span<const int64_t> rows, const Status &why);
    void report(const Status &status);
    bool is_cancelled() const { return options_.cancel && options_.cancel->is_set(); }

    Runtime &runtime_;
    const Target &target_;
    Target spare_;  // without a model where it cannot answer for these rows
    const CallOptions &options_;
    RequestRows &rows_;
    Sink &sink_;
    const int64_t entered_ns_, waited_ns_;
    // Set by resolve():
    uint64_t digest_ = 0;
    Target::Layout layout_{};
    // Set by serve_part(): indices of the rows that are too short for the model, which the fallback answers, and of the
    // others.
    std::span<int64_t> short_rows_, model_rows_;
    // Set by score():
    Progress progress_;
    Timing timing_;
    int32_t reason_ = WB_REASON_NONE;  // that the call is counted under
    bool spare_would_wait_ = false;    // and the call may not
    std::optional<Journey> journey_;
};

}  // namespace weighbridge::lib
