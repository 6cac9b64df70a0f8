// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pthread.h>

#include <memory>
#include <string>
#include <vector>

#include "engine/backlog.hpp"

namespace weighbridge::lib {

// Thread pool of an engine's asynchronous calls: workers wb:async-0, -1, ..., and wb:async-timer, which ends what waits
// too long. Signals are blocked, the floating-point environment is the library's. The threads share ownership of the
// backlog, and of the engine only during maintenance, when they are out of work. Of one process, as Backlog.
// Thread-safe.
class Crew {
  public:
    // `threads`: 0 where the host's threads call work().
    Crew(Engine &engine, Ref<Runtime> runtime, int threads);
    ~Crew() { end(Busy::leave); }
    Crew(const Crew &) = delete;
    Crew &operator=(const Crew &) = delete;

    bool is_current() const { return born_.current(); }  // whether this process made it
    const Ref<Backlog> &backlog() const { return backlog_; }

    // Starts all threads, or the timer alone, unless they run. Fewer workers than asked for are enough;
    // WB_OUT_OF_MEMORY where the system gives no timer thread or no worker at all.
    Status start();
    Status start_timer();

    // What end() does with a busy thread: detach it, to end after its work, or join it. Idle threads are joined.
    enum class Busy { leave, join };
    void end(Busy busy);

  private:
    struct Hand {
        Ref<Backlog> backlog;
        void (Backlog::*job)(bool &running) = nullptr;
        pthread_t thread{};
        bool running = false;  // guarded by the backlog's mutex
    };
    static void *main(void *hand);
    Status hire(const std::string &name, void (Backlog::*job)(bool &running)) WB_REQUIRES(mutex_);
    Status hire_timer() WB_REQUIRES(mutex_);

    const ForkGuard born_;
    const Ref<Backlog> backlog_;
    const int threads_;
    ForkMutex mutex_;
    std::vector<std::shared_ptr<Hand>> hands_ WB_GUARDED_BY(mutex_);  // shared with their threads
    int hired_ WB_GUARDED_BY(mutex_) = 0;                             // besides the timer
    bool has_timer_ WB_GUARDED_BY(mutex_) = false;
};

}  // namespace weighbridge::lib
