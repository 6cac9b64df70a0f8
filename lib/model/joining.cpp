// SPDX-License-Identifier: Apache-2.0
#include "model/joining.hpp"

#include <algorithm>
#include <array>

#include "model/model.hpp"
#include "model/place.hpp"

namespace weighbridge::lib {
namespace {

constexpr int64_t kMostRiders = 64;    // of a run: where rows fill a tile, more gain nothing and end later
constexpr int64_t kMostPlaces = 8192;  // of their sequences, but for the first's: as many as a GPU's largest bucket has

int32_t stop_of(const CallOptions &options, int64_t now_ns) {
    if (options.cancel && options.cancel->is_set()) return WB_CANCELLED;
    return options.deadline_ns != WB_NO_DEADLINE && now_ns >= options.deadline_ns ? WB_DEADLINE_EXCEEDED : WB_OK;
}

}  // namespace

// Before anything was seen of several rows, each costs as much as one by itself.
void Pace::saw_one(int64_t took_ns) {
    const int64_t before = first_ns_.load(std::memory_order_relaxed);
    if (before != 0 && before <= took_ns) return;
    first_ns_.store(took_ns, std::memory_order_relaxed);
    each_ns_.store(took_ns, std::memory_order_relaxed);
}

// Races lose an update, no more. One run that the system kept waiting counts as twice as long as usual.
void Pace::saw(int64_t rows, int64_t took_ns) {
    constexpr int64_t kShare = 8;  // of one run in what is known
    const int64_t before = each_ns();
    const int64_t now = std::max<int64_t>(0, took_ns - run_ns(0)) / (rows - 1);
    const int64_t next = before == 0 ? now : before + (std::min(now, 2 * before + kShare) - before) / kShare;
    each_ns_.store(next, std::memory_order_relaxed);
}

void Pace::measured(int64_t rows, int64_t took_ns) {
    each_ns_.store(std::max<int64_t>(0, took_ns - run_ns(0)) / (rows - 1), std::memory_order_relaxed);
}

int64_t Pace::others_before(int64_t left_ns) const {
    const int64_t each = each_ns(), left = left_ns - 1 - first_ns_.load(std::memory_order_relaxed);
    return each == 0 ? INT64_MAX : std::max<int64_t>(0, left / each);
}

// The riders of a run, in the order of its tile.
struct Model::Ride {
    std::array<Rider *, kMostRiders> riders;
    size_t count = 0;
    int64_t first_ns = WB_NO_DEADLINE, until_ns = 0;  // when the first and the last of them has to be answered

    void board(Rider &rider) {
        riders[count++] = &rider;
        rider.boarded = true;
        first_ns = std::min(first_ns, rider.options.deadline_ns);
        until_ns = std::max(until_ns, rider.options.deadline_ns);
    }
};

Status Model::score_row(const Rows &rows, Timing &timing) {
    const CallOptions &options = rows.options;
    int64_t now_ns = timing.entered_ns != 0 ? timing.entered_ns : runtime_->clock.now_ns();
    const int64_t asked_ns = now_ns;
    Rider own(rows.source, rows.order, options, rows.sink, rows.progress);
    own.kin = this;
    own.deadline_ns = options.deadline_ns;
    Pool::Party party;  // lets go of its guests when the context is given back
    Pool::Lease lease;
    auto acquired = pool_.acquire(options.priority, options.deadline_ns, options.cancel, now_ns, options.patience,
                                  joining_ == Joining::calls ? &own : nullptr);
    if (!acquired) {
        timing.queue_ns += now_ns - asked_ns;
        return acquired.status();
    }
    if (*acquired) {
        own.began_ns = now_ns;
        lease = *std::move(acquired);
        Place &place = *places_[static_cast<size_t>(lease.run())];
        settle_in(place, *lease.arena().block());
        Rider *company = claim(own, lease, party);
        own.status =
            party.first() || company ? score_joined(place, lease, own, party, company) : score_tile(place, lease, rows);
        own.ended_ns = runtime_->clock.now_ns();
    }
    own.began_ns = std::max(own.began_ns, asked_ns);  // the run that took it along may have begun before
    timing.queue_ns += own.began_ns - asked_ns;
    timing.run_ns += own.ended_ns - own.began_ns;
    timing.ended_ns = own.ended_ns;
    return std::move(own.status);
}

int64_t Model::tile_run_ns(int64_t others) const {
    return pace_.run_ns(std::min({others, tile_rows_ - 1, kMostRiders - 1}));
}

// Those who wait and can be run with a row whose context is here.
Rider *Model::claim(Rider &own, const Pool::Lease &lease, Pool::Party &party) const {
    Company *company = own.options.company;
    const bool calls = joining_ == Joining::calls && pool_.waiting() > 0;
    const bool submits = company && company->waiting() > 0;
    if (!calls && !submits) [[likely]]
        return nullptr;
    if (runtime_->joining.wait_ns > 0 && calls && !pool_.high_waits() && own.options.patience != Patience::none)
        gather(own, lease);
    Seats seats;
    seats.left = std::min(tile_rows_, kMostRiders) - 1;
    seats.left = std::min<int64_t>(seats.left, (calls ? pool_.waiting() : 0) + (submits ? company->waiting() : 0));
    seats.left = std::min(seats.left, pace_.others_before(own.deadline_ns - own.began_ns));
    seats.end_ns = own.began_ns + pace_.run_ns(seats.left);
    if (calls) party.claim(lease, this, seats);
    seats.high_only = pool_.high_waits();
    return submits && seats.left > 0 ? company->claim(*this, seats) : nullptr;
}

// Where some wait, more are waited for, as long as the row's own deadline lets the largest run begin later.
void Model::gather(Rider &own, const Pool::Lease &lease) const {
    const int64_t others = std::min(tile_rows_, kMostRiders) - 1;
    int64_t until_ns = own.began_ns + runtime_->joining.wait_ns;
    if (own.deadline_ns != WB_NO_DEADLINE) until_ns = std::min(until_ns, own.deadline_ns - pace_.run_ns(others));
    if (until_ns <= own.began_ns) return;
    lease.gather(static_cast<uint32_t>(others), until_ns);
    own.began_ns = runtime_->clock.now_ns();
}

// Encodes a rider's row behind those that the tile holds. One that is refused is served with that; one that does not
// fit, or comes when the tile has many places, is left to itself.
void Model::board(Place &place, Ride &ride, Rider &rider) const {
    const auto offsets = place.tile.offsets();
    if (!offsets.empty() && offsets.back() >= kMostPlaces) return;
    const int64_t row = rider.order[0];
    Encoder::Append appended{};
    Status status = guarded(
        [&] { return bundle_->encoder().append(place.tile, rider.source, row, place.notes[ride.count], appended); });
    if (status.ok() && appended == Encoder::Append::added) return ride.board(rider);
    if (status.code != WB_INVALID_INPUT) return;
    rider.sink.refused(row, status.at_row(row));
    rider.progress.done = 1;
    rider.began_ns = rider.ended_ns = runtime_->clock.now_ns();
    rider.served = true;
}

// Runs a row together with those that were claimed. Where that fails, each is run alone, this one here.
Status Model::score_joined(Place &place, Pool::Lease &lease, Rider &own, Pool::Party &party, Rider *company) {
    const int64_t began_ns = own.began_ns;
    Ride ride;
    place.tile.clear();
    board(place, ride, own);
    for (Guest *guest = party.first(); guest; guest = guest->next) board(place, ride, static_cast<Rider &>(*guest));
    for (Guest *guest = company; guest; guest = guest->next) board(place, ride, static_cast<Rider &>(*guest));
    party.keep_boarded();
    if (ride.count > 0) run_joined(place, lease, ride, began_ns);
    own.began_ns = began_ns;
    if (own.served) return std::move(own.status);
    party.let_go();
    return score_tile(place, lease, {own.source, own.order, own.options, own.sink, own.progress});
}

void Model::run_joined(Place &place, Pool::Lease &lease, const Ride &ride, int64_t began_ns) {
    CallOptions until;  // a token of one of them ends nobody else's run
    // A device may hang: when the first has to leave it, the CPU has time for all.
    until.deadline_ns = program_->device().kind == Device::Kind::cpu ? ride.until_ns : ride.first_ns;
    const Status ran = run(place, lease, until);
    if (!ran.ok() && !ends_call(ran.code) && ride.count > 1) return;
    const int64_t ended_ns = runtime_->clock.now_ns();
    if (ran.ok() && ride.count > 1) {
        pace_.saw(static_cast<int64_t>(ride.count), ended_ns - began_ns);
        runtime_->joined_rows.fetch_add(ride.count, std::memory_order_relaxed);
    }
    for (size_t i = 0; i < ride.count; ++i) {
        Rider &rider = *ride.riders[i];
        rider.began_ns = began_ns;
        rider.ended_ns = ended_ns;
        const int32_t stop = stop_of(rider.options, ended_ns);
        if (stop != WB_OK || ends_call(ran.code)) {
            rider.status = stop != WB_OK ? ended_while(stop, "the model ran") : ran;
            rider.served = true;
            continue;
        }
        const Status status = ran.ok() ? answer(place, i, rider.order[0], rider.sink) : ran;
        if (!status.ok()) fail_next({rider.source, rider.order, rider.options, rider.sink, rider.progress}, status);
        rider.progress.done = 1;
        rider.served = true;
    }
}

}  // namespace weighbridge::lib
