// SPDX-License-Identifier: Apache-2.0
#include "engine/expiry.hpp"

#include <algorithm>

#include "engine/queue.hpp"

namespace weighbridge::lib {
namespace {

// A step ends after so many rows (a fixed score takes 30 ns), or after so long where rows take longer, as those do
// whose lengths are read.
constexpr int64_t kStepRows = 4096;
constexpr int64_t kStepNs = 100'000;
constexpr int64_t kSliceRows = 64;  // between two reads of the clock

}  // namespace

Expiry::Expiry(Runtime &runtime, Ref<Queue> queue, const Target &target, Target spare, const CallOptions &options,
               Batch &batch, std::optional<wb_batch_result> &out, int64_t submitted_ns)
    : queue_(std::move(queue)),
      clock_(runtime.clock),
      batch_(batch),
      rows_(batch),
      schema_(*target.layout(rows_.schema_digest()).schema),
      sink_(*target.model, options.accept_fallback, batch, out),
      request_(runtime, target, std::move(spare), options, rows_, sink_, submitted_ns,
               runtime.clock.now_ns() - submitted_ns) {}

Expiry::~Expiry() = default;

bool Expiry::step() {
    const int64_t until_ns = clock_.now_ns() + kStepNs;
    for (int64_t rows = 0; rows < kStepRows; rows += kSliceRows) {
        if (do_some()) return true;
        if (clock_.now_ns() >= until_ns) break;
    }
    return false;
}

bool Expiry::do_some() {
    switch (stage_) {
        case Stage::opening:
            if (Status status = request_.resolve(); !status.ok()) return fail(std::move(status));
            if (Status status = rows_.check(schema_); !status.ok()) return fail(std::move(status));
            if (Status status = batch_.check_places(); !status.ok()) return fail(std::move(status));
            stage_ = Stage::locking;
            return false;
        case Stage::locking:
            return lock_some();
        case Stage::answering:
            return answer_some();
        case Stage::unlocking:
            break;
    }
    if (!locks_.empty()) locks_.pop_back();
    return locks_.empty();
}

// Ends the call as a whole, before any row has an answer.
bool Expiry::fail(Status why) {
    outcome_ = std::move(why);
    stage_ = Stage::unlocking;
    return locks_.empty();
}

Window Expiry::next(const Window &of, int64_t done, int64_t most) {
    return {of.first + done, std::min(of.rows - done, most)};
}

bool Expiry::lock_some() {
    const Window part = next(batch_.marked(), done_, kSliceRows);
    if (Status status = batch_.lock(locks_.emplace_back(), part); !status.ok()) return fail(std::move(status));
    done_ += part.rows;
    if (done_ < batch_.marked().rows) return false;
    done_ = 0;
    stage_ = Stage::answering;
    return false;
}

bool Expiry::answer_some() {
    const Window part = next(batch_.window(), done_, kSliceRows);
    Status status = request_.serve_part(rows_.order(part));
    if (outcome_.ok()) outcome_ = std::move(status);
    done_ += part.rows;
    if (done_ < batch_.window().rows) return false;
    outcome_ = request_.conclude(std::move(outcome_));
    stage_ = Stage::unlocking;
    return locks_.empty();
}

}  // namespace weighbridge::lib
