// SPDX-License-Identifier: Apache-2.0
#include "engine/rides.hpp"

#include "base/exception.hpp"

namespace weighbridge::lib {
Submission::Ride::Ride(Runtime &runtime, Submission &of)
    : of_(of),
      row_(of.row_.data()),
      sink_(*of.target_.model, of.options_.accept_fallback, of.outputs_, of.result),
      request_(runtime, of.target_, of.spare_, of.options_, row_, sink_, of.submitted_ns_) {
    of.result = WB_RESULT_INIT;
    of.batch_result.reset();
    of.options_.company = nullptr;
}

void Submission::Ride::came_to(Status status) {
    of_.outcome = std::move(status);
    done_ = true;
}

Rider *Submission::Ride::begin() {
    try {
        Status status = request_.resolve();
        if (status.ok()) status = row_.lock(*of_.target_.layout(row_.schema_digest()).schema);
        if (status.ok()) return rider_ = request_.ride();
        came_to(std::move(status));
    } catch (...) {
        came_to(failure_of_exception());
    }
    return nullptr;
}

bool Submission::Ride::arrive() {
    if (!done_ && rider_ && rider_->served) {
        try {
            came_to(request_.arrive());
        } catch (...) {
            came_to(failure_of_exception());
        }
    }
    return done_;
}

// False where one of them stays: those of lower priority do not go before it.
bool Backlog::Rides::take_of(const SubmissionList &from, const Model &model, Seats &seats, int &looks) {
    bool all = true;
    for (Submission *one = from.first(), *after; one; one = after) {
        if (seats.left == 0 || count_ == kMostRides || looks-- == 0) return false;
        after = one->next;
        if (!one->may_ride(model) || !seats.take(one->ride_deadline_ns())) {
            all = false;
            continue;
        }
        backlog_.take(*one);
        Place &place = places_[count_++];
        place.one = one;
        place.queue = Ref<Queue>(one->queue);
        place.done = false;
    }
    return all;
}

void Backlog::Rides::take(const Model &model, Seats &seats) {
    int looks = kLooks;
    const Hold hold(backlog_);
    if (take_of(backlog_.high_, model, seats, looks) && !seats.high_only)
        take_of(backlog_.normal_, model, seats, looks);
}

Rider *Backlog::Rides::claim(const Model &model, Seats &seats) {
    if (count_ > 0) return nullptr;  // those of a run before are not through
    try {
        if (!places_) places_ = std::make_unique<Place[]>(kMostRides);
    } catch (...) {
        return nullptr;
    }
    take(model, seats);
    Rider *first = nullptr;
    Guest *last = nullptr;
    for (size_t i = 0; i < count_; ++i) {
        Place &place = places_[i];
        Rider *rider = place.ride.emplace(backlog_.runtime(), *place.one).begin();
        if (!rider) continue;
        if (last)
            last->next = rider;
        else
            first = rider;
        last = rider;
    }
    return first;
}

// A ride has the row's busy mark, in memory that is the drainer's once it is complete.
void Backlog::Rides::arrive() {
    for (size_t i = 0; i < count_; ++i) {
        Place &place = places_[i];
        place.done = place.ride->arrive();
        place.ride.reset();
        if (place.done) place.one->let_go_of_target();
    }
}

uint64_t Backlog::Rides::end(Hold &hold) {
    if (count_ == 0) return 0;
    const size_t count = count_;
    uint64_t done = 0;
    for (size_t i = count; i-- > 0;) {  // so that those which go back stand in their order
        Place &place = places_[i];
        if (place.done) continue;
        backlog_.put_back(hold, *place.one);
    }
    for (size_t i = 0; i < count; ++i) {
        if (!places_[i].done) continue;
        backlog_.complete(hold, *places_[i].one);
        ++done;
    }
    hold.release();
    for (size_t i = 0; i < count; ++i) places_[i].queue = {};
    count_ = 0;
    hold.acquire();
    return done;
}

}  // namespace weighbridge::lib
