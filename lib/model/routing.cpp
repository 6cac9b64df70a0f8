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

// With a quarter more, for what the prediction does not know.
int64_t Model::spare_ns(int64_t rows) const { return finish_ns(rows) * 5 / 4; }

// From now on, on this device: what waits before, then tiles one after the other.
int64_t Model::finish_ns(int64_t rows) const {
    const int64_t tiles = rows / tile_rows_, rest = rows % tile_rows_;
    const int64_t work_ns = tiles * pace_.run_ns(tile_rows_ - 1) + (rest > 0 ? pace_.run_ns(rest - 1) : 0);
    const int64_t before = pool_.is_busy() ? int64_t{pool_.waiting()} + 1 : 0;
    return work_ns + before * pace_.run_ns(0) / pool_.runs();
}

// Null where it is this model itself: nothing is sooner done elsewhere, or with time left for the CPU if it is not
// done.
Model *Model::soonest(int64_t rows, const CallOptions &options, int64_t now_ns) const {
    Model *best = nullptr;
    const int64_t here_ns = finish_ns(rows);
    int64_t best_ns = here_ns;
    for (const Ref<Model> &replica : replicas_) {
        const int64_t there_ns = replica->finish_ns(rows);
        if (there_ns >= best_ns) continue;
        if (options.deadline_ns != WB_NO_DEADLINE && options.deadline_ns <= now_ns + there_ns + spare_ns(rows))
            continue;
        if (!runtime_->health[replica->named_.device].may_try(now_ns)) continue;
        best = replica.get();
        best_ns = there_ns;
    }
    return best;
}

// What a run says of this replica's device.
void Model::tell_health(const Status &ran) const {
    DeviceHealth &health = runtime_->health[named_.device];
    const std::string device = name_of(program_->device());
    if (ran.code != WB_BACKEND_UNAVAILABLE) {
        if (health.answered()) runtime_->events.tell({WB_LOG_WARNING, {}, {}}, "device {} answers again", device);
    } else if (health.failed(runtime_->clock.now_ns())) {
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
        // The CPU has time left for what the device does not do.
        CallOptions until = options;
        if (until.deadline_ns != WB_NO_DEADLINE)
            until.deadline_ns = std::max(until.deadline_ns, INT64_MIN + spare_ns(rows)) - spare_ns(rows);
        const int64_t run_ns = timing.run_ns;
        Status status = there->score_here(source, order, until, sink, progress, timing, sorter);
        const bool late = status.code == WB_DEADLINE_EXCEEDED && runtime_->clock.now_ns() < options.deadline_ns;
        const int64_t took_ns = timing.run_ns - run_ns;
        if (late && took_ns > kFarBeyond * there->finish_ns(rows))
            status = Status::failure(WB_BACKEND_UNAVAILABLE, "a run did not end in time");
        if (status.code == WB_BACKEND_UNAVAILABLE || (status.ok() && took_ns > 0)) there->tell_health(status);
        if (status.ok()) there->saw_rows(rows, took_ns);
        const bool elsewhere = late || status.code == WB_BACKEND_UNAVAILABLE || status.code == WB_OVERLOADED ||
                               status.code == WB_WOULD_WAIT;
        if (!elsewhere) return status;
        timing.entered_ns = 0;  // it is later now
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
