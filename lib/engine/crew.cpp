// SPDX-License-Identifier: Apache-2.0
#include "engine/crew.hpp"

#include <utility>

#include "base/format.hpp"
#include "base/fp_env.hpp"
#include "base/lock.hpp"
#include "base/thread.hpp"

namespace weighbridge::lib {

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
    if (Status status = start_thread(hand->thread, name, kStackBytes, &Crew::main, own.get()); !status.ok())
        return status;
    (void)own.release();  // owned by the new thread
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
