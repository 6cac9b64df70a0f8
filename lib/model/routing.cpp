// SPDX-License-Identifier: Apache-2.0
// Requests of a model that has replicas on other devices: each goes where it is predicted to be done first, and what a
// device fails on is answered by the CPU.
#include <algorithm>
#include <limits>
#include <numeric>

#include "model/model.hpp"

namespace weighbridge::lib {
namespace {

constexpr int64_t kFarBeyond = 2;  // what was predicted: a device that takes so many times as long is not well
constexpr int64_t kPatience = 8;  // times what was predicted, with a second: the longest that a call without a deadline
constexpr int64_t kLeastPatienceNs = 1'000'000'000;  // waits for a device
constexpr int64_t kPartToWake = 16;

// Drops answers.
struct NoSink final : RowSink {
    void answered(int64_t, const Answer &) override {}
    void refused(int64_t, const Status &why) override { failed(0, why); }
    void failed(int64_t, const Status &why) override {
        if (first.ok()) first = why;
    }
    Status first;
};

}  // namespace

// What the CPU needs for rows that a device did not do: with a quarter more, for what the prediction does not know, and
// with a part of the time that is left, in which the caller's thread wakes up.
int64_t Model::spare_ns(int64_t rows, int64_t left_ns) const {
    return finish_ns(rows) * 5 / 4 + std::max<int64_t>(left_ns, 0) / kPartToWake;
}

// From now on, on this device: what waits before, then tiles one after the other.
int64_t Model::finish_ns(int64_t rows) const {
    const int64_t tiles = rows / tile_rows_, rest = rows % tile_rows_;
    const int64_t work_ns = tiles * pace_.run_ns(tile_rows_ - 1) + (rest > 0 ? pace_.run_ns(rest - 1) : 0);
    const int64_t before = pool_.is_busy() ? int64_t{pool_.waiting()} + 1 : 0;
    return work_ns + before * pace_.run_ns(0) / pool_.runs();
}

// Null where it is this model itself: nothing is sooner done elsewhere, or with time left for the CPU if it is not
// done. A preferred replica goes before those that are not, however long it takes.
Model *Model::soonest(int64_t rows, const CallOptions &options, int64_t now_ns) const {
    constexpr int64_t kBefore = std::numeric_limits<int64_t>::max() / 2;
    for (;;) {
        Model *best = nullptr;
        int64_t best_ns = finish_ns(rows);
        for (const Ref<Model> &replica : replicas_) {
            const int64_t there_ns = replica->finish_ns(rows);
            const int64_t rank_ns = replica->preferred_ ? there_ns - kBefore : there_ns;
            if (rank_ns >= best_ns || !replica->health().is_due(now_ns)) continue;
            if (now_ns + there_ns >= leave_ns(rows, *replica, options, now_ns)) continue;
            best = replica.get();
            best_ns = rank_ns;
        }
        if (!best || best->health().may_try(now_ns)) return best;
    }
}

// When a device is left to itself: the CPU has time for what it did not do. Where the caller gives all the time, a
// device that hangs shall not take it.
int64_t Model::leave_ns(int64_t rows, const Model &there, const CallOptions &options, int64_t now_ns) const {
    if (options.deadline_ns == WB_NO_DEADLINE) return now_ns + kLeastPatienceNs + kPatience * there.finish_ns(rows);
    if (options.deadline_ns <= now_ns) return now_ns;
    return options.deadline_ns - spare_ns(rows, options.deadline_ns - now_ns);
}

// What a run says of this replica's device.
void Model::tell_health(const Status &ran) const {
    const std::string device = name_of(program_->device());
    if (ran.code != WB_BACKEND_UNAVAILABLE) {
        if (health().answered()) runtime_->events.tell({WB_LOG_WARNING, {}, {}}, "device {} answers again", device);
    } else if (health().failed(runtime_->clock.now_ns())) {
        runtime_->events.tell({WB_LOG_WARNING, {}, {}}, "device {} is left out, and the CPU answers for it: {}", device,
                              ran.message);
    }
}

// What several rows took, in tiles.
void Model::saw_rows(int64_t rows, int64_t took_ns) {
    if (rows < 2 || tile_rows_ < 2) return;
    pace_.saw(std::min(rows, tile_rows_), took_ns / ((rows + tile_rows_ - 1) / tile_rows_));
}

Status Model::score_routed(const RowSource &source, std::span<int64_t> order, const CallOptions &options, RowSink &sink,
                           Progress &progress, Timing &timing, ShapeSorter *sorter) {
    const int64_t entered_ns = timing.entered_ns;
    for (size_t tries = 0; tries < replicas_.size(); ++tries) {
        const int64_t now_ns = runtime_->clock.now_ns();
        const auto rows = static_cast<int64_t>(order.size() - progress.done);
        Model *there = soonest(rows, options, now_ns);
        if (!there) break;
        CallOptions until = options;
        until.deadline_ns = leave_ns(rows, *there, options, now_ns);
        const int64_t run_ns = timing.run_ns;
        Status status = there->score_here(source, order, until, sink, progress, timing, sorter);
        const bool late = status.code == WB_DEADLINE_EXCEEDED && runtime_->clock.now_ns() < options.deadline_ns;
        const int64_t took_ns = timing.run_ns - run_ns;
        const bool joins = rows == 1 && there->joining() != Joining::none;  // it may have run with others
        const int64_t most_ns = std::max(there->finish_ns(rows), joins ? there->tile_run_ns(INT64_MAX) : 0);
        if (late && took_ns > kFarBeyond * most_ns)
            status = Status::failure(WB_BACKEND_UNAVAILABLE, "a run did not end in time");
        if (status.code == WB_BACKEND_UNAVAILABLE || (status.ok() && took_ns > 0)) there->tell_health(status);
        if (status.ok()) there->saw_rows(rows, took_ns);
        const bool elsewhere = late || status.code == WB_BACKEND_UNAVAILABLE || status.code == WB_OVERLOADED ||
                               status.code == WB_WOULD_WAIT;
        if (!elsewhere) return status;
        timing.entered_ns = 0;  // it is later now
        if (late) break;        // the time that is left is the CPU's
    }
    const auto rows = static_cast<int64_t>(order.size() - progress.done);
    const int64_t run_ns = timing.run_ns;
    const Status status = score_here(source, order, options, sink, progress, timing, sorter);
    if (status.ok()) saw_rows(rows, timing.run_ns - run_ns);
    timing.entered_ns = entered_ns;
    return status;
}

Status Model::measure(const RowSource &source, int64_t rows, const CallOptions &options) {
    std::vector<int64_t> order(static_cast<size_t>(std::min(rows, tile_rows_)));
    NoSink none;
    int64_t least_ns = std::numeric_limits<int64_t>::max();
    for (int turn = 0; turn < 3; ++turn) {
        std::iota(order.begin(), order.end(), 0);
        Progress progress;
        Timing timing;
        if (Status status = score_here(source, order, options, none, progress, timing, nullptr); !status.ok())
            return status;
        if (!none.first.ok()) return none.first;
        least_ns = std::min(least_ns, timing.run_ns);
    }
    const auto measured = static_cast<int64_t>(order.size());
    measured > 1 ? pace_.measured(measured, least_ns) : pace_.saw_one(least_ns);
    return {};
}

}  // namespace weighbridge::lib
