// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <vector>

#include "engine/deadline_heap.hpp"
#include "engine/sleepers.hpp"
#include "engine/submission.hpp"
#include "model/runtime.hpp"

namespace weighbridge::lib {

class Engine;

// Submissions one behind the other. Each is in one list at most.
class SubmissionList {
  public:
    Submission *first() const { return first_; }
    void push(Submission &last);
    void push_first(Submission &first);
    void remove(Submission &one);

  private:
    Submission *first_ = nullptr;
    Submission *last_ = nullptr;
};

// What was submitted to an engine's queues and has not run: high before normal, first come first served within each.
// Its one mutex guards the state of every submission and what the queues hold, so that each completes once; nothing is
// copied, run or waited for under it, and what concerns many submissions gives way after each kSlice of them. One
// process's: a forked child's engine makes another.
//
// Deadlines of what waits are kept by the timer thread, where there is one, else by who sleeps in Queue::next().
class Backlog final : public RefCounted {
  public:
    static constexpr size_t kSlice = 64;  // some 30 us of cancelling or refusing (Zen 3)

    // `engine`: what its threads maintain until close(), which its destructor calls.
    Backlog(Engine &engine, Ref<Runtime> runtime) : engine_(engine), runtime_(std::move(runtime)) {}

    // Whether somebody runs what is submitted: threads of the engine's own, or the host by its own word.
    bool is_staffed() const { return staffed_.load(std::memory_order_acquire); }
    void set_staffed() { staffed_.store(true, std::memory_order_release); }

    // Runs what waits on this thread, until nothing does or the deadline passes between two. How many it ran.
    uint64_t work(int64_t deadline_ns);

    // What threads of the engine's own do until dismiss(). `running`: whether more than the mutex may keep it; guarded
    // by the mutex.
    void serve(bool &running);
    void keep_time(bool &running);
    // Sends them home; `inspect` is called under the mutex, when all of them have been told.
    template <class Inspect>
    void dismiss(Inspect &&inspect) {
        const Hold hold(*this);
        dismissed_ = true;
        idle_.wake_all();
        timer_.wake_all();
        inspect();
    }

    // Completes everything that waits with WB_CLOSED, and takes no more.
    void close();
    // Behind close(): waits until no thread maintains the engine any more. False where the deadline comes before.
    bool await_maintenance(int64_t deadline_ns);

    Runtime &runtime() const { return *runtime_; }
    uint32_t waiting() const { return waiting_.load(std::memory_order_relaxed); }

  private:
    friend class Queue;
    class Rides;
    static constexpr int kLooks = 256;  // submissions that a search looks at, at most

    // The mutex, held. Those who are told something meanwhile are woken when it is free.
    class Hold {
      public:
        explicit Hold(Backlog &of) : of_(of) { acquire(); }
        ~Hold() { release(); }
        Hold(const Hold &) = delete;
        Hold &operator=(const Hold &) = delete;
        void acquire();
        void release();                 // no effect where it is not held
        void give_way();                // to one who waits for the mutex: between two slices of what takes long
        bool tell(Sleepers &sleepers);  // false where nobody sleeps untold
        void sleep(Sleepers &sleepers, int64_t until_ns);
        void wake_now();  // those who were told, before the mutex is free

      private:
        Backlog &of_;
        bool held_ = false;
        std::array<Sleepers *, 2> told_{};
    };

    // All under the mutex; run() lets go of it meanwhile, and of `last`, the queue of the submission before; so does
    // maintain().
    bool accept(Hold &hold, Submission &one);
    void take(Submission &one);
    uint64_t run(Hold &hold, Submission &one, Ref<Queue> &last, Rides &rides);
    Submission *next_of(const SubmissionList &waiting) const;
    uint64_t run_next(Hold &hold, Ref<Queue> &last, Rides &rides);  // how many it ran
    void put_back(Hold &hold, Submission &one);
    void maintain(Hold &hold);
    // Answers what has passed its deadline: `most` of them, and all of what was begun.
    void expire(Hold &hold, size_t most);
    Submission *next_expired(bool prefer_begun);
    void refuse(Hold &hold, Submission &one, const Status &why);
    void complete(Hold &hold, Submission &one);
    SubmissionList &list(const Submission &one) { return one.priority() == Priority::high ? high_ : normal_; }
    int64_t now_ns() const { return runtime_->clock.now_ns(); }

    Engine &engine_;
    const Ref<Runtime> runtime_;
    std::atomic<bool> staffed_{false};
    std::atomic<uint32_t> waiting_{0};  // written under mutex_
    std::atomic<uint32_t> wanting_{0};  // threads that wait for mutex_
    std::atomic<uint32_t> granted_{0};  // how many of those have got it; written under it
    ForkMutex mutex_;
    // All below: guarded by mutex_.
    SubmissionList high_, normal_;
    SubmissionList expiring_;             // answered in part, between two parts
    DeadlineHeap<Submission> deadlines_;  // of all that wait and have one
    size_t capacity_ = 0;                 // of all queues together: room of the heap
    std::vector<Queue *> queues_;
    Sleepers idle_;  // threads of the engine's own without work
    Sleepers timer_;
    bool has_timer_ = false;
    int64_t timer_ns_ = 0;  // when the timer looks by itself; past where it is about to
    int maintaining_ = 0;   // threads that do
    Condition maintained_;
    bool closed_ = false;
    bool dismissed_ = false;
};

}  // namespace weighbridge::lib
