// SPDX-License-Identifier: Apache-2.0
#include "engine/crew.hpp"

#include <signal.h>
#include <string.h>

#include <utility>

#include "base/format.hpp"
#include "base/fp_env.hpp"
#include "base/lock.hpp"

namespace weighbridge::lib {
namespace {

// What a JVM gives a Java thread, on which the same code scores. The system's default of 8 MB would count where a host
// limits address space.
constexpr size_t kStackBytes = size_t{1} << 20;

// Starts a thread with all signals blocked. Returns pthread_create's error number, 0 for none.
int start_thread(pthread_t &thread, void *(*main)(void *), void *argument) {
    pthread_attr_t attributes;
    int code = pthread_attr_init(&attributes);
    if (code != 0) return code;
    sigset_t all, before;
    sigfillset(&all);
    code = pthread_attr_setstacksize(&attributes, kStackBytes);
    if (code == 0 && (code = pthread_sigmask(SIG_SETMASK, &all, &before)) == 0) {
        code = pthread_create(&thread, &attributes, main, argument);
        pthread_sigmask(SIG_SETMASK, &before, nullptr);
    }
    pthread_attr_destroy(&attributes);
    return code;
}

}  // namespace

Crew::Crew(Engine &engine, Ref<Runtime> runtime, int threads)
    : backlog_(make_ref<Backlog>(engine, std::move(runtime))), threads_(threads) {
    if (threads == 0) backlog_->set_staffed();
}

void *Crew::main(void *argument) {
    const std::unique_ptr<std::shared_ptr<Hand>> own(static_cast<std::shared_ptr<Hand> *>(argument));
    Hand &hand = **own;
    const FpEnvironment environment;
    ((*hand.backlog).*hand.job)(hand.running);
    return nullptr;
}

Status Crew::hire(const std::string &name, void (Backlog::*job)(bool &running)) {
    auto hand = std::make_shared<Hand>();
    hand->backlog = backlog_;
    hand->job = job;
    hands_.reserve(hands_.size() + 1);
    auto own = std::make_unique<std::shared_ptr<Hand>>(hand);
    if (const int code = start_thread(hand->thread, &Crew::main, own.get()); code != 0)
        return Status::failure(WB_OUT_OF_MEMORY, "thread '{}' could not be started: {}", name, strerrordesc_np(code));
    (void)own.release();  // owned by the new thread
    pthread_setname_np(hand->thread, name.c_str());
    hands_.push_back(std::move(hand));
    return {};
}

Status Crew::hire_timer() {
    if (has_timer_) return {};
    Status status = hire("wb:async-timer", &Backlog::keep_time);
    has_timer_ = status.ok();
    return status;
}

Status Crew::start_timer() {
    const Lock lock(mutex_);
    return hire_timer();
}

Status Crew::start() {
    const Lock lock(mutex_);
    if (backlog_->is_staffed()) return {};
    if (Status status = hire_timer(); !status.ok()) return status;
    for (; hired_ < threads_; ++hired_) {
        Status status = hire(formatted("wb:async-{}", hired_), &Backlog::serve);
        if (!status.ok() && hired_ == 0) return status;
        if (!status.ok()) break;
    }
    backlog_->set_staffed();
    return {};
}

void Crew::end(Busy busy) {
    std::vector<std::shared_ptr<Hand>> hands;
    {
        const Lock lock(mutex_);
        hands.swap(hands_);
    }
    std::vector<bool> left(hands.size());
    backlog_->dismiss([&] {
        for (size_t i = 0; i < hands.size(); ++i) left[i] = busy == Busy::leave && hands[i]->running;
    });
    for (size_t i = 0; i < hands.size(); ++i) {
        if (left[i])
            pthread_detach(hands[i]->thread);
        else
            pthread_join(hands[i]->thread, nullptr);
    }
}

}  // namespace weighbridge::lib
