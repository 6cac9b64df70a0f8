// SPDX-License-Identifier: Apache-2.0
#include "torchscript/worker.hpp"

#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <semaphore>
#include <stdexcept>
#include <string>
#include <thread>

#include "support/catch.hpp"

using namespace weighbridge::lib;

namespace {

Status nothing() { return {}; }

StopSource never() { return {.clock = &steady_clock()}; }

// Does what a test says; may be held until the test lets it go on.
struct TestJob : Worker::Job {
    explicit TestJob(std::function<Status()> what = nothing) : work(std::move(what)) {}
    Status perform() override { return work(); }
    std::function<Status()> work;
};

struct HeldJob : Worker::Job {
    Status perform() override {
        has_entered = true;
        entered.release();
        go_on.acquire();
        return {};
    }
    std::atomic<bool> has_entered{false};
    std::binary_semaphore entered{0};
    std::binary_semaphore go_on{0};
};

// Reaches the deadline of stop() once the job has begun.
struct JobClock : Clock {
    explicit JobClock(const HeldJob &held) : job(held) {}
    int64_t now_ns() const override { return job.has_entered ? 2'000'000 : 1'000'000; }
    StopSource stop() const { return {.clock = this, .deadline_ns = 1'500'000}; }
    const HeldJob &job;
};

struct Done {
    static void call(void *self) { static_cast<Done *>(self)->semaphore.release(); }
    std::binary_semaphore semaphore{0};
};

std::shared_ptr<Worker> worker(const std::string &name = "wb:test-0") {
    auto made = Worker::start(name, nothing);
    REQUIRE(made);
    return *made;
}

}  // namespace

TEST_CASE("a worker runs jobs on its own named thread, one after another") {
    const auto w = worker("wb:test-7");
    std::string name;
    pthread_t thread{};
    const auto job = std::make_shared<TestJob>([&] {
        char text[16];
        pthread_getname_np(pthread_self(), text, sizeof text);
        name = text;
        thread = pthread_self();
        return Status();
    });
    bool left = true;
    for (int i = 0; i < 3; ++i) {
        CHECK(w->run(job, never(), {}, left).ok());
        CHECK_FALSE(left);
    }
    CHECK(name == "wb:test-7");
    CHECK_FALSE(pthread_equal(thread, pthread_self()));
    CHECK(job.use_count() == 1);
}

TEST_CASE("a worker has 64 MB of stack and takes no signal") {
    const auto w = worker();
    size_t stack = 0;
    bool blocked = true;
    bool left = false;
    const auto job = std::make_shared<TestJob>([&] {
        pthread_attr_t attributes;
        pthread_getattr_np(pthread_self(), &attributes);
        pthread_attr_getstacksize(&attributes, &stack);
        pthread_attr_destroy(&attributes);
        sigset_t mask;
        pthread_sigmask(SIG_SETMASK, nullptr, &mask);
        for (const int signal : {SIGTERM, SIGINT, SIGUSR1, SIGCHLD, SIGPROF})
            blocked = blocked && sigismember(&mask, signal) == 1;
        return Status();
    });
    REQUIRE(w->run(job, never(), {}, left).ok());
    CHECK(stack >= size_t{64} << 20);
    CHECK(blocked);
    sigset_t mine;
    pthread_sigmask(SIG_SETMASK, nullptr, &mine);
    CHECK(sigismember(&mine, SIGTERM) == 0);
}

TEST_CASE("a job's failure is the run's, and an exception is a failure") {
    const auto w = worker();
    bool left = true;
    const auto fails = std::make_shared<TestJob>([] { return Status::failure(WB_BACKEND_FAILED, "no"); });
    const Status failed = w->run(fails, never(), {}, left);
    CHECK(failed.code == WB_BACKEND_FAILED);
    CHECK(std::string(failed.message) == "no");
    const auto throws = std::make_shared<TestJob>([]() -> Status { throw std::runtime_error("x"); });
    CHECK(w->run(throws, never(), {}, left).code == WB_INTERNAL);
    const auto starves = std::make_shared<TestJob>([]() -> Status { throw std::bad_alloc(); });
    CHECK(w->run(starves, never(), {}, left).code == WB_OUT_OF_MEMORY);
    CHECK_FALSE(left);
}

TEST_CASE("a failing preparation ends the start") {
    const auto refused = Worker::start("wb:test-0", [] { return Status::failure(WB_BACKEND_UNAVAILABLE, "why"); });
    CHECK_FALSE(refused);
    CHECK(refused.status().code == WB_BACKEND_UNAVAILABLE);
    const auto thrown = Worker::start("wb:test-0", []() -> Status { throw 1; });
    CHECK(thrown.status().code == WB_INTERNAL);
}

TEST_CASE("a past deadline or a set token keeps a job from starting") {
    const auto w = worker();
    bool left = true;
    std::atomic<int> runs{0};
    const auto job = std::make_shared<TestJob>([&] {
        ++runs;
        return Status();
    });
    CHECK(w->run(job, {.clock = &steady_clock(), .deadline_ns = 0}, {}, left).code == WB_DEADLINE_EXCEEDED);
    CHECK_FALSE(left);
    CancelToken token;
    token.set(true);
    CHECK(w->run(job, {.clock = &steady_clock(), .cancel = &token}, {}, left).code == WB_CANCELLED);
    CHECK_FALSE(left);
    CHECK(runs == 0);
    token.set(false);
    CHECK(w->run(job, {.clock = &steady_clock(), .cancel = &token}, {}, left).ok());
    CHECK(runs == 1);
}

TEST_CASE("a caller leaves at its deadline, and done follows once the job has ended") {
    const auto w = worker();
    auto job = std::make_shared<HeldJob>();
    const std::weak_ptr<HeldJob> watch = job;
    const JobClock clock(*job);
    Done done;
    bool left = false;
    const Status status = w->run(job, clock.stop(), {&Done::call, &done}, left);
    CHECK(status.code == WB_DEADLINE_EXCEEDED);
    REQUIRE(left);
    CHECK_FALSE(done.semaphore.try_acquire());

    bool other = true;
    CHECK(w->run(std::make_shared<TestJob>(), never(), {}, other).code == WB_INTERNAL);
    CHECK_FALSE(other);

    HeldJob &held = *job;
    job.reset();  // as an executor that is destroyed while its run is abandoned
    CHECK_FALSE(watch.expired());
    held.go_on.release();
    done.semaphore.acquire();
    CHECK(watch.expired());
    CHECK(w->run(std::make_shared<TestJob>(), never(), {}, left).ok());
}

TEST_CASE("a token that is set wakes a waiting caller") {
    const auto w = worker();
    const auto job = std::make_shared<HeldJob>();
    CancelToken token;
    Done done;
    std::thread canceller([&] {
        job->entered.acquire();
        token.set(true);
    });
    bool left = false;
    CHECK(w->run(job, {.clock = &steady_clock(), .cancel = &token}, {&Done::call, &done}, left).code == WB_CANCELLED);
    CHECK(left);
    canceller.join();
    job->go_on.release();
    done.semaphore.acquire();
}

TEST_CASE("a deadline is the caller's clock's") {
    struct Manual : Clock {
        int64_t now_ns() const override { return now; }
        std::atomic<int64_t> now{100};
    } clock;
    const auto w = worker();
    bool left = false;
    CHECK(w->run(std::make_shared<TestJob>(), {.clock = &clock, .deadline_ns = 99}, {}, left).code ==
          WB_DEADLINE_EXCEEDED);
    // Far ahead on this clock, although CLOCK_MONOTONIC may have passed the number long ago.
    CHECK(w->run(std::make_shared<TestJob>(), {.clock = &clock, .deadline_ns = 60'000'000'100}, {}, left).ok());
}

TEST_CASE("a worker may be dropped by the job's own done") {
    struct Owner {
        static void call(void *self) {
            auto *owner = static_cast<Owner *>(self);
            owner->worker.reset();
            owner->semaphore.release();
        }
        std::shared_ptr<Worker> worker;
        std::binary_semaphore semaphore{0};
    } owner;
    owner.worker = worker();
    const auto job = std::make_shared<HeldJob>();
    const JobClock clock(*job);
    bool left = false;
    CHECK(owner.worker->run(job, clock.stop(), {&Owner::call, &owner}, left).code == WB_DEADLINE_EXCEEDED);
    REQUIRE(left);
    job->go_on.release();
    owner.semaphore.acquire();
    CHECK(owner.worker == nullptr);
}

TEST_CASE("dropping a worker does not wait for the job at hand, which ends all the same") {
    auto w = worker();
    const auto job = std::make_shared<HeldJob>();
    const JobClock clock(*job);
    Done done;
    bool left = false;
    CHECK_FALSE(w->run(job, clock.stop(), {&Done::call, &done}, left).ok());
    w.reset();
    CHECK_FALSE(done.semaphore.try_acquire());
    job->go_on.release();
    done.semaphore.acquire();
}

TEST_CASE("a forked child never touches the thread") {
    auto w = worker();
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        bool left = true;
        const bool forked = w->run(std::make_shared<TestJob>(), never(), {}, left).code == WB_FORKED && !left;
        w.reset();  // must not wait for a thread that is not there
        _exit(forked ? 0 : 1);
    }
    int how = 0;
    REQUIRE(waitpid(child, &how, 0) == child);
    CHECK(WIFEXITED(how));
    CHECK(WEXITSTATUS(how) == 0);
    bool left = false;
    CHECK(w->run(std::make_shared<TestJob>(), never(), {}, left).ok());
}
