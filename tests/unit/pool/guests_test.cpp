// SPDX-License-Identifier: Apache-2.0
// Guests of a run: who waits may be served by the run of another that asks for the same.
#include <atomic>
#include <optional>
#include <thread>
#include <vector>

#include "pool/pool.hpp"
#include "support/catch.hpp"
#include "support/manual_clock.hpp"
#include "unit/pool/pool_support.hpp"

using namespace weighbridge::lib;
using namespace weighbridge::test;

namespace {

const int kin = 0, other_kin = 0;

// A thread that acquires with a guest; what it got is read after join().
struct Waiting {
    explicit Waiting(Pool &pool, Priority priority = Priority::normal, int64_t deadline_ns = WB_NO_DEADLINE,
                     CancelToken *cancel = nullptr, const void *of = &kin) {
        guest.kin = of;
        guest.deadline_ns = deadline_ns;
        const uint32_t before = pool.waiting();
        thread = std::thread([this, &pool, priority, deadline_ns, cancel] {
            int64_t now_ns = 0;
            auto got = pool.acquire(priority, deadline_ns, cancel, now_ns, Patience::queue, &guest);
            status = got.status();
            if (got) lease = *std::move(got);
            back = true;
        });
        wait_for_waiters(pool, before + 1);
    }
    ~Waiting() {
        if (thread.joinable()) thread.join();
    }
    bool was_served() {
        thread.join();
        return status.ok() && !lease;
    }
    Guest guest;
    Pool::Lease lease;
    Status status;
    std::atomic<bool> back{false};
    std::thread thread;
};

Seats seats_of(int64_t left) {
    Seats seats;
    seats.left = left;
    return seats;
}

std::vector<const Guest *> guests_of(const Pool::Party &party) {
    std::vector<const Guest *> guests;
    for (const Guest *guest = party.first(); guest; guest = guest->next) guests.push_back(guest);
    return guests;
}

void serve_all(const Pool::Party &party) {
    for (Guest *guest = party.first(); guest; guest = guest->next) guest->served = true;
}

Pool::Lease taken(Pool &pool) { return *pool.acquire(Priority::normal, WB_NO_DEADLINE, nullptr); }

}  // namespace

TEST_CASE("a guest that was served returns without a context, once he is let go") {
    Pool pool(1, 16, steady_clock());
    Pool::Lease lease = taken(pool);
    Waiting one(pool), two(pool);
    {
        Pool::Party party;
        Seats seats = seats_of(8);
        party.claim(lease, &kin, seats);
        CHECK(guests_of(party) == std::vector<const Guest *>{&one.guest, &two.guest});
        CHECK(seats.taken == 2);
        CHECK(pool.waiting() == 0);
        lease.reset();
        CHECK_FALSE(one.back);
        serve_all(party);
    }
    CHECK(one.was_served());
    CHECK(two.was_served());
    CHECK(pool.drain(0).ok());
}

TEST_CASE("a guest that was not served is the first again, and nobody's guest any more") {
    Pool pool(1, 16, steady_clock(), 0);
    Pool::Lease lease = taken(pool);
    Waiting first(pool);
    Pool::Party party;
    Seats seats = seats_of(8);
    party.claim(lease, &kin, seats);
    Waiting second(pool);
    party.let_go();
    CHECK(pool.waiting() == 2);
    Pool::Party again;
    seats = seats_of(8);
    again.claim(lease, &kin, seats);
    CHECK(guests_of(again) == std::vector<const Guest *>{&second.guest});
    again.let_go();
    CHECK(pool.waiting() == 2);
    lease.reset();
    second.thread.join();  // put back before the first, as what is claimed and let go last
    REQUIRE(second.lease);
    CHECK_FALSE(first.back);
    second.lease.reset();
    first.thread.join();
    CHECK(first.lease);
}

TEST_CASE("a guest that found no place waits on by himself, and one that is served already returns") {
    ManualClock clock;
    Pool pool(1, 16, clock, 0);
    Pool::Lease lease = taken(pool);
    Waiting boarded(pool), refused(pool), late(pool, Priority::normal, clock.now_ns() + 1000);
    {
        Pool::Party party;
        Seats seats = seats_of(8);
        seats.end_ns = clock.now_ns();
        party.claim(lease, &kin, seats);
        REQUIRE(seats.taken == 3);
        boarded.guest.boarded = refused.guest.served = true;
        party.keep_boarded();
        CHECK(guests_of(party) == std::vector<const Guest *>{&boarded.guest});
        CHECK(refused.was_served());
        clock.advance(2000);
        late.thread.join();  // its deadline ends its wait, while the run goes on
        CHECK(late.status.code == WB_DEADLINE_EXCEEDED);
        CHECK_FALSE(boarded.back);
        serve_all(party);
    }
    CHECK(boarded.was_served());
}

TEST_CASE("neither token, deadline nor close ends a guest's wait while another has him; they do afterwards") {
    for (int how = 0; how < 4; ++how) {
        CAPTURE(how);
        for (const bool served : {true, false}) {
            CAPTURE(served);
            ManualClock clock;
            Pool pool(1, 16, clock);
            Pool::Lease lease = taken(pool);
            CancelToken token;
            Waiting one(pool, Priority::normal, clock.now_ns() + 1000, &token);
            Pool::Party party;
            Seats seats = seats_of(8);
            seats.end_ns = clock.now_ns();
            party.claim(lease, &kin, seats);
            REQUIRE(party.first());
            if (how == 0) token.set(true);
            if (how == 1) clock.advance(2000);
            if (how == 2) pool.refuse();
            if (how == 3) token.set(true), token.set(false);
            std::this_thread::yield();
            CHECK_FALSE(one.back);
            if (served) serve_all(party);
            party.let_go();
            if (served) {
                CHECK(one.was_served());
            } else {
                one.thread.join();
                CHECK(one.status.code == (how == 1 ? WB_DEADLINE_EXCEEDED : how == 2 ? WB_CLOSED : WB_CANCELLED));
            }
            CHECK(pool.waiting() == 0);
        }
    }
}

TEST_CASE("guests are of one kin, high before normal, and no more than there are seats") {
    Pool pool(1, 16, steady_clock());
    Pool::Lease lease = taken(pool);
    Waiting normal(pool), stranger(pool, Priority::normal, WB_NO_DEADLINE, nullptr, &other_kin);
    Waiting none(pool, Priority::normal, WB_NO_DEADLINE, nullptr, nullptr), last(pool), high(pool, Priority::high);
    Seats seats = seats_of(2);
    {
        Pool::Party party;
        party.claim(lease, &kin, seats);
        CHECK(guests_of(party) == std::vector<const Guest *>{&high.guest, &normal.guest});
        serve_all(party);
    }
    CHECK(pool.waiting() == 3);
    lease.reset();
    stranger.thread.join();
    stranger.lease.reset();
    none.thread.join();
    none.lease.reset();
    last.thread.join();
}

TEST_CASE("where one of high priority stays, none of normal priority is taken") {
    Pool pool(1, 16, steady_clock());
    Pool::Lease lease = taken(pool);
    Waiting normal(pool), high(pool, Priority::high),
        stranger(pool, Priority::high, WB_NO_DEADLINE, nullptr, &other_kin);
    Seats seats = seats_of(8);
    {
        Pool::Party party;
        party.claim(lease, &kin, seats);
        CHECK(guests_of(party) == std::vector<const Guest *>{&high.guest});
        serve_all(party);
    }
    lease.reset();
    stranger.thread.join();
    stranger.lease.reset();
    normal.thread.join();
}

TEST_CASE("who has a seat has a deadline behind the end of the run") {
    Seats seats = seats_of(2);
    seats.end_ns = 115;
    CHECK_FALSE(seats.take(115));
    CHECK(seats.take(116));
    CHECK(seats.take(WB_NO_DEADLINE));
    CHECK_FALSE(seats.take(WB_NO_DEADLINE));
    CHECK(seats.taken == 2);
}

TEST_CASE("where the one who was called is claimed, another is called for what is free") {
    struct Slow final : Clock {
        int64_t now_ns() const override { return 0; }
        void wait_until(Condition &condition, ForkMutex &mutex, int64_t) const override {
            condition.wait_until(mutex, WB_NO_DEADLINE);
            while (!may_come) {
                mutex.unlock();
                std::this_thread::yield();
                mutex.lock();
            }
        }
        std::atomic<bool> may_come{false};
    } clock;
    Pool pool(2, 16, clock, 1000);
    Pool::Lease lease = taken(pool), free = taken(pool);
    Waiting called(pool), next(pool, Priority::normal, WB_NO_DEADLINE, nullptr, &other_kin);
    free.reset();
    Seats seats = seats_of(8);
    Pool::Party party;
    party.claim(lease, &kin, seats);
    serve_all(party);
    clock.may_come = true;
    next.thread.join();
    CHECK(next.lease);
    party.let_go();
    CHECK(called.was_served());
}

// Every call ends once: by a context of its own, or as somebody's guest.
TEST_CASE("claims, cancels, deadlines and hand-overs that race lose nobody") {
    for (const int64_t fairness_ns : {int64_t{0}, int64_t{20'000}}) {
        Pool pool(2, 64, steady_clock(), fairness_ns);
        constexpr int kThreads = 6, kRounds = 3000;
        CancelToken token;
        std::atomic<int> ran{0}, guests{0}, gave_up{0}, others{0}, unserved{0};
        std::atomic<bool> stop{false};
        std::vector<std::thread> threads;
        for (int t = 0; t < kThreads; ++t)
            threads.emplace_back([&, t] {
                for (int i = 0; i < kRounds; ++i) {
                    const bool hurried = (i + t) % 5 == 0;
                    Guest guest;
                    guest.kin = t % 3 == 0 ? &other_kin : &kin;
                    int64_t now_ns = steady_clock().now_ns();
                    guest.deadline_ns = hurried ? now_ns + 20'000 : WB_NO_DEADLINE;
                    Pool::Party party;
                    auto got = pool.acquire(i % 7 == 0 ? Priority::high : Priority::normal, guest.deadline_ns,
                                            t % 2 == 0 ? &token : nullptr, now_ns, Patience::queue, &guest);
                    if (!got) {
                        ++gave_up;
                        continue;
                    }
                    if (!*got) {
                        ++guests;
                        if (!guest.served) ++unserved;
                        continue;
                    }
                    ++ran;
                    Pool::Lease lease = *std::move(got);
                    Seats seats = seats_of(4);
                    party.claim(lease, guest.kin, seats);
                    for (Guest *one = party.first(); one; one = one->next) {
                        if (i % 3 == 0) continue;
                        one->served = true;
                        ++others;
                    }
                    if (i % 16 == 0) std::this_thread::yield();
                }
            });
        std::thread canceller([&] {
            while (!stop) {
                token.set(true);
                token.set(false);
                std::this_thread::yield();
            }
        });
        for (auto &thread : threads) thread.join();
        stop = true;
        canceller.join();
        CHECK(ran + guests + gave_up == kThreads * kRounds);
        CHECK(guests == others);
        CHECK(unserved == 0);
        CHECK(pool.waiting() == 0);
        CHECK(pool.drain(0).ok());
    }
}

TEST_CASE("who gathers sleeps until enough wait, the time comes, or the pool is closed") {
    ManualClock clock;
    Pool pool(1, 16, clock);
    Pool::Lease lease = taken(pool);
    for (int how = 0; how < 3; ++how) {
        CAPTURE(how);
        std::atomic<bool> through{false};
        const int64_t until_ns = clock.now_ns() + 1000;
        std::thread leader([&, until_ns] {
            lease.gather(2, until_ns);
            through = true;
        });
        std::optional<Waiting> one, two;
        one.emplace(pool);
        CHECK_FALSE(through);
        if (how == 0) two.emplace(pool);
        if (how == 1) clock.advance(1000);
        if (how == 2) pool.refuse();
        leader.join();
        Pool::Party party;
        Seats seats = seats_of(2);
        party.claim(lease, &kin, seats);
        CHECK(seats.taken == (how == 0 ? 2 : how == 1 ? 1 : 0));
        serve_all(party);
    }
}
