// SPDX-License-Identifier: Apache-2.0
// What scoring threads leave undone is done by the engine's own threads once they are out of work.
#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "unit/engine/queue_support.hpp"

using namespace weighbridge::lib;
using namespace weighbridge::test;

namespace {

// A log callback that may be held up, and says which threads it ran on.
class Log {
  public:
    static void tell(int32_t event, const char *, void *payload) {
        auto &log = *static_cast<Log *>(payload);
        char name[16] = "";
        pthread_getname_np(pthread_self(), name, sizeof name);
        std::unique_lock lock(log.mutex_);
        log.told_.push_back({event, name});
        log.changed_.notify_all();
        log.changed_.wait(lock, [&] { return !log.held_; });
    }
    void hold(bool held) {
        const std::lock_guard lock(mutex_);
        held_ = held;
        changed_.notify_all();
    }
    // Waits until the event was told on that thread.
    void wait_for(int32_t event, const std::string &thread) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] {
            return std::any_of(told_.begin(), told_.end(),
                               [&](const Told &one) { return one.event == event && one.thread == thread; });
        });
    }
    size_t count() {
        const std::lock_guard lock(mutex_);
        return told_.size();
    }

  private:
    struct Told {
        int32_t event;
        std::string thread;
    };
    std::mutex mutex_;
    std::condition_variable changed_;
    bool held_ = false;
    std::vector<Told> told_;
};

// An engine with threads and a log of its own, and the steady clock, which outlives whichever thread destroys it.
struct Threaded {
    explicit Threaded(int threads) {
        EngineOptions options;
        options.cpu_contexts = 2;
        options.async_threads = threads;
        options.log = Log::tell;
        options.log_payload = &log;
        EngineParts parts;
        parts.native = std::make_unique<FakeBackend>(control, "native");
        engine = *Engine::make(options, std::move(parts));
        queue = *engine->make_queue(8);
        target.model = model();
    }
    Ref<Model> model() const {
        return *Model::make(Ref<Runtime>(&engine->runtime()), bundle,
                            std::make_shared<const FakeProgram>(unused, widths_of(*bundle)));
    }
    // Runs one row on a thread of the engine's own.
    void run_one() {
        auto row = row_of(*bundle->schema(), R"({"x": 1})");
        REQUIRE(engine->submit(*queue, 1, {target, row.data(), {}, {}, {}}).ok());
        const auto done = queue->next(1, WB_NO_DEADLINE);
        REQUIRE(done);
        CHECK(done->first()->outcome.ok());
    }
    uint32_t models() const { return engine->runtime().models.load(); }

    Log log;
    FakeControl control;
    mutable FakeControl unused;
    std::shared_ptr<const Bundle> bundle = queue_bundle("one");
    Ref<Engine> engine;
    Ref<Queue> queue;
    Target target;
};

}  // namespace

TEST_CASE("a thread of the engine's own that is out of work frees models and calls the log callback", "[upkeep]") {
    Threaded hall(1);
    auto second = hall.model();
    second = {};  // retired, and nobody has freed it: a scoring thread must not
    CHECK(hall.models() == 2);
    CHECK(hall.log.count() == 0);
    hall.run_one();
    hall.log.wait_for(WB_LOG_UNLOADED, "wb:async-0");
    CHECK(hall.models() == 1);
    CHECK(hall.engine->close(WB_NO_DEADLINE).ok());
}

TEST_CASE("memory that a load has replaced under a run goes once its thread is out of work", "[upkeep]") {
    Threaded hall(1);
    Pool &pool = hall.engine->runtime().pools.cpu();
    auto first = *pool.acquire(Priority::normal, WB_NO_DEADLINE, nullptr);
    REQUIRE(pool.reserve(1 << 20).ok());
    CHECK(pool.has_replaced());
    first.reset();
    hall.run_one();
    while (pool.has_replaced()) std::this_thread::yield();
    CHECK(pool.arena_bytes() == 2 << 20);
    CHECK(hall.engine->close(WB_NO_DEADLINE).ok());
}

TEST_CASE("the callback holds up one of the engine's threads alone, and close for no longer than it may", "[upkeep]") {
    Threaded hall(2);
    hall.log.hold(true);
    hall.engine->runtime().events.tell({WB_LOG_WARNING, {}, {}}, "something happened");
    hall.run_one();
    while (hall.log.count() == 0) std::this_thread::yield();
    for (int i = 0; i < 10; ++i) hall.run_one();  // by the other one: no lock is held meanwhile
    CHECK(hall.log.count() == 1);
    const Status late = hall.engine->close(steady_clock().now_ns());
    CHECK(late.code == WB_DEADLINE_EXCEEDED);
    CHECK(std::string(late.message) ==
          "the deadline passed while a thread of the engine's own freed models or was in the log callback");
    hall.log.hold(false);
    CHECK(hall.engine->close(WB_NO_DEADLINE).ok());
}

TEST_CASE("an engine may go while one of its threads is in the log callback: that thread destroys it", "[upkeep]") {
    Threaded hall(1);
    const Ref<Runtime> runtime(&hall.engine->runtime());
    hall.log.hold(true);
    hall.engine->runtime().events.tell({WB_LOG_WARNING, {}, {}}, "something happened");
    hall.run_one();
    while (hall.log.count() == 0) std::this_thread::yield();
    hall.queue->shut();
    hall.queue = {};
    hall.target = {};
    hall.engine->shutdown();  // as wb_engine_free does
    hall.engine = {};
    CHECK(runtime->models == 1);
    hall.log.hold(false);
    while (runtime->models > 0) std::this_thread::yield();
    while (!runtime->has_one_owner()) std::this_thread::yield();
    CHECK(hall.log.count() == 1);
}
