// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>

#include "engine/backlog.hpp"
#include "engine/queue.hpp"
#include "engine/request.hpp"

namespace weighbridge::lib {

// A submitted row in a run that another thread's, or another submission's, call began.
class Submission::Ride {
  public:
    Ride(Runtime &runtime, Submission &of);

    // What the run takes along; null where the submission has its outcome without one.
    Rider *begin();
    // Once the run is through. False where it did not serve this one, whose order is as it was.
    bool arrive();

  private:
    void came_to(Status status);

    Submission &of_;
    SingleRow row_;
    ResultSink sink_;
    Request request_;
    Rider *rider_ = nullptr;
    bool done_ = false;
};

// The submissions that a thread takes along while it runs one of them. One thread's; its memory is made when it is
// first needed and used again.
class Backlog::Rides final : public Company {
  public:
    explicit Rides(Backlog &of) : backlog_(of) {}

    uint32_t waiting() const override { return backlog_.waiting(); }
    Rider *claim(const Model &model, Seats &seats) override;

    // Behind the run, with no lock held: makes the outcomes.
    void arrive();
    // Then, under the mutex, of which it lets go meanwhile: completes them. How many there were.
    uint64_t end(Hold &hold);

  private:
    static constexpr size_t kMostRides = 64;
    struct Place {
        Submission *one = nullptr;
        Ref<Queue> queue;  // of it, which may go once all of its submissions are complete
        bool done = false;
        std::optional<Submission::Ride> ride;
    };
    void take(const Model &model, Seats &seats);
    bool take_of(const SubmissionList &from, const Model &model, Seats &seats, int &looks);

    Backlog &backlog_;
    std::unique_ptr<Place[]> places_;  // kMostRides; null before the first claim
    size_t count_ = 0;
};

}  // namespace weighbridge::lib
