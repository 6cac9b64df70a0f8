// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pthread.h>

#include <memory>
#include <string>
#include <vector>

#include "engine/backlog.hpp"

namespace weighbridge::lib {

// The threads that run an engine's asynchronous calls: wb:async-0 and on, and wb:async-timer, which keeps deadlines.
// Named, all signals blocked, in the library's floating-point environment. They own the backlog, and the engine only
// while they maintain it, out of work. One process's: see Backlog. Thread-safe.
class Crew {
  public:
    // `threads`: 0 where the host lends its own.
    Crew(Engine &engine, Ref<Runtime> runtime, int threads);
    ~Crew() { end(Busy::leave); }
    Crew(const Crew &) = delete;
    Crew &operator=(const Crew &) = delete;

    bool is_current() const { return born_.current(); }  // whether this process made it
    const Ref<Backlog> &backlog() const { return backlog_; }

    // Starts all threads, or the timer alone; no effect where they are there. WB_OUT_OF_MEMORY where the system has no
    // timer, or no other thread at all; fewer than wanted will do.
    Status start();
    Status start_timer();

    // What becomes of a thread that runs something: it is left to end by itself, or waited for. Idle ones are joined.
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
