// SPDX-License-Identifier: Apache-2.0
// Requests of an engine whose GPUs fail at random: each has one answer, the right one, in time.
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <random>
#include <thread>

#include "support/sanitized.hpp"
#include "unit/backend/cuda/simulated_engine.hpp"

using namespace weighbridge::lib;
using namespace weighbridge::test;

namespace {

constexpr int kThreads = 4, kRows = 64, kMostOfBatch = 24;
constexpr int64_t kMs = 1'000'000;
constexpr int64_t kTimesAsFast = 1000;  // the engine's clock: a device that is left out is tried again after 1 ms
constexpr int64_t kDeadlineNs = 400 * kMs;
// What a machine with other work may keep a thread from running, and a simulated run takes.
constexpr int64_t kGraceNs = 2'000 * kMs;

// Breaks devices, a little before requests; each thread has its own.
class Saboteur {
  public:
    explicit Saboteur(uint32_t seed) : random_(seed) {}
    uint32_t below(uint32_t most) { return static_cast<uint32_t>(random_() % most); }

    void act() {
        const int device = static_cast<int>(below(2));
        switch (below(400)) {
            case 0:  // sticky, in the middle of a run
                cuda_sim::fail_work(device, 1 + below(30), cuda::kIllegalAddress);
                break;
            case 1:
                fail_call(cuda::kLaunchFailed);
                break;
            case 2:
                cuda_sim::set_hanging(device, true);
                break;
            case 3:
                cuda_sim::set_copy_us(below(1500));
                break;
            case 4:
                cuda_sim::set_copy_us(0);
                break;
            default:
                if (below(20) == 0) fail_call(cuda::kOutOfMemory);
        }
    }

  private:
    // Not one that gives something back: it would stay.
    void fail_call(cuda::Result result) {
        static constexpr const char *kCalls[] = {"cuGraphLaunch", "cuEventRecord",  "cuEventQuery",
                                                 "cuMemAlloc_v2", "cuMemHostAlloc", "cuLibraryLoadData"};
        cuda_sim::fail_call(kCalls[below(std::size(kCalls))], 1 + below(20), result);
    }
    std::mt19937 random_;
};

struct RowsAndScores {
    std::vector<std::vector<uint64_t>> rows;
    std::vector<double> scores;
};

struct Tally {
    std::atomic<int64_t> answered{0}, on_devices{0}, wrong{0}, late{0}, too_late{0}, other{0};
};

// One request after the other, of one row or several, against what the CPU gave for them.
class Caller {
  public:
    Caller(Engine &engine, const Ref<Model> &model, const Clock &clock, const RowsAndScores &expected, Tally &tally,
           uint32_t seed)
        : engine_(engine),
          model_(model),
          clock_(clock),
          rows_(expected.rows),
          right_(expected.scores),
          tally_(tally),
          saboteur_(seed),
          batch_(model->shared_bundle()) {}

    void call() {
        saboteur_.act();
        CallOptions options;
        options.accept_fallback = false;
        options.deadline_ns = clock_.now_ns() + (kDeadlineNs / 2 + saboteur_.below(kDeadlineNs / 2)) * kTimesAsFast;
        const int64_t before = on_devices_;
        const Status status = saboteur_.below(2) == 0 ? score_row(options) : score_batch(options);
        const int64_t behind_ns = (clock_.now_ns() - options.deadline_ns) / kTimesAsFast;
        if (behind_ns > kGraceNs) ++tally_.too_late;
        if (status.code == WB_DEADLINE_EXCEEDED && behind_ns >= 0)
            ++tally_.late;
        else
            ++(status.code == WB_OK ? tally_.answered : tally_.other);
        // The CPU is so much quicker with this model that it would answer all of them while a device comes back.
        if (on_devices_ == before) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    int64_t on_devices() const { return on_devices_; }  // rows

  private:
    Status score_row(const CallOptions &options) {
        const auto i = saboteur_.below(kRows);
        std::vector<uint64_t> row = rows_[i];  // one call at a time has a row
        wb_result result = WB_RESULT_INIT;
        const Status status = engine_.score({model_, {}}, row.data(), options, {}, result);
        if (status.code != WB_OK) return status;
        if (result.score != right_[i]) ++tally_.wrong;
        if (result.device > 0) ++on_devices_;
        return status;
    }
    Status score_batch(const CallOptions &options) {
        const auto count = 1 + saboteur_.below(kMostOfBatch), first = saboteur_.below(kRows);
        const size_t words = rows_[0].size();
        std::vector<uint64_t> memory(words * count);
        for (uint32_t k = 0; k < count; ++k)
            std::copy(rows_[(first + k) % kRows].begin(), rows_[(first + k) % kRows].end(),
                      memory.begin() + static_cast<ptrdiff_t>(k * words));
        std::vector<double> scores(count);
        std::vector<int32_t> devices(count);
        if (!batch_.reset(count).ok() || !batch_.set_rows(memory.data(), static_cast<int64_t>(words * 8)).ok() ||
            !batch_.set_result(WB_COLUMN_SCORE, scores.data(), sizeof(double)).ok() ||
            !batch_.set_result(WB_COLUMN_DEVICE, devices.data(), sizeof(int32_t)).ok())
            return Status::failure(WB_INTERNAL, "the batch");
        std::optional<wb_batch_result> result;
        const Status status = engine_.score_batch({model_, {}}, batch_, options, result);
        if (status.code != WB_OK) return status;
        for (uint32_t k = 0; k < count; ++k) {
            if (scores[k] != right_[(first + k) % kRows]) ++tally_.wrong;
            if (devices[k] > 0) ++on_devices_;
            if (devices[k] < 0) ++tally_.other;
        }
        return status;
    }

    Engine &engine_;
    const Ref<Model> &model_;
    const Clock &clock_;
    const std::vector<std::vector<uint64_t>> &rows_;
    const std::vector<double> &right_;
    Tally &tally_;
    Saboteur saboteur_;
    Batch batch_;
    int64_t on_devices_ = 0;
};

RowsAndScores by_cpu() {
    const SimulatedEngine on(0);
    const auto model = on.loaded();
    RowsAndScores made;
    for (int i = 0; i < kRows; ++i) {
        made.rows.push_back(SimulatedEngine::row(*model->bundle().schema(), i));
        made.scores.push_back(on.scored(model, i).score);
    }
    return made;
}

}  // namespace

TEST_CASE("requests of devices that fail at random: none lost, none wrong, none late", "[cuda]") {
    const int requests = std::getenv("WB_FULL") ? 100'000 : kSanitized ? 1'000 : 5'000;
    const RowsAndScores right = by_cpu();
    const FastClock clock(kTimesAsFast);
    SimulatedEngine on(2, {.longest_run_ns = 5'000 * kMs, .recovery_pause_ns = 2 * kMs}, clock);
    auto model = on.loaded();
    REQUIRE(model->replicas().size() == 2);
    Tally tally;
    std::atomic<int> calling{kThreads};
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t)
        threads.emplace_back([&, t] {
            Caller caller(*on.engine, model, clock, right, tally, static_cast<uint32_t>(t + 1));
            for (int i = 0; i < requests / kThreads; ++i) caller.call();
            tally.on_devices += caller.on_devices();
            --calling;
        });
    while (calling > 0) {  // devices that hang do so until the next look
        std::this_thread::sleep_for(std::chrono::milliseconds(300));
        for (int device : {0, 1}) cuda_sim::set_hanging(device, false);
    }
    for (auto &thread : threads) thread.join();
    const uint64_t contexts = cuda_sim::calls("cuDevicePrimaryCtxRetain");
    CAPTURE(tally.answered, tally.on_devices, tally.late, contexts);

    CHECK(tally.wrong == 0);
    CHECK(tally.other == 0);
    CHECK(tally.too_late == 0);
    CHECK(tally.answered + tally.late == requests);
    CHECK(tally.late <= requests / 50);  // where the machine ran other work when a device was given up
    CHECK(tally.on_devices > requests);  // rows, of 7 a request
    CHECK(contexts > 2);                 // two of them at first

    cuda_sim::clear_faults();
    for (int device : {0, 1}) cuda_sim::set_hanging(device, false);
    cuda_sim::set_copy_us(0);
    for (const Ref<Model> &replica : model->replicas()) {
        std::vector<uint64_t> row = right.rows[5];
        wb_result result = WB_RESULT_INIT;
        const auto answers = [&] { return on.engine->score({replica, {}}, row.data(), {}, {}, result).code == WB_OK; };
        for (int tries = 0; tries < 2000 && !answers(); ++tries)
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
        CHECK(answers());
        CHECK(result.score == right.scores[5]);
    }
    model = {};
    on.engine = {};
    CHECK(cuda_sim::objects() == 0);
    CHECK(cuda_sim::device_bytes(0) + cuda_sim::device_bytes(1) == 0);
}
