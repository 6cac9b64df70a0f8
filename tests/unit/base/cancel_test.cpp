// SPDX-License-Identifier: Apache-2.0
#include "base/cancel.hpp"

#include <memory>
#include <thread>

#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/manual_clock.hpp"

using namespace weighbridge::lib;
using weighbridge::test::in_child;
using weighbridge::test::ManualClock;

namespace {

struct Counter final : CancelToken::Waker {
    void wake() override { ++woken; }
    int woken = 0;
};

}  // namespace

TEST_CASE("a cancel token is set and cleared") {
    CancelToken token;
    REQUIRE_FALSE(token.is_set());
    token.set(true);
    REQUIRE(token.is_set());
    token.set(false);
    REQUIRE_FALSE(token.is_set());
}

TEST_CASE("setting a token wakes every attached waker, clearing it none") {
    CancelToken token;
    Counter first, second, third;
    token.attach(first);
    token.attach(second);
    token.attach(third);
    token.set(false);
    REQUIRE(first.woken + second.woken + third.woken == 0);
    token.set(true);
    REQUIRE((first.woken == 1 && second.woken == 1 && third.woken == 1));
    token.detach(second);
    token.set(true);
    REQUIRE((first.woken == 2 && second.woken == 1 && third.woken == 2));
    token.detach(third);
    token.detach(first);
    token.set(true);
    REQUIRE((first.woken == 2 && third.woken == 2));
}

TEST_CASE("detaching a waker that is not attached does nothing") {
    CancelToken token;
    Counter inside, outside;
    token.attach(inside);
    token.detach(outside);
    token.set(true);
    REQUIRE(inside.woken == 1);
    token.detach(inside);
    token.detach(inside);
}

TEST_CASE("a child's token has forgotten the wakers of its parent's threads") {
    CancelToken token;
    Counter stale;
    token.attach(stale);
    int result = in_child([&] {
        Counter mine;
        token.attach(mine);
        token.set(true);
        token.detach(mine);
        return stale.woken == 0 && mine.woken == 1 ? 0 : 1;
    });
    REQUIRE(result == 0);
    token.set(true);
    REQUIRE(stale.woken == 1);
    token.detach(stale);
}

TEST_CASE("a stop source tells cancelled before expired, and the deadline's own instant is past") {
    ManualClock clock(100);
    CancelToken token;
    StopSource stop{&clock, &token, 200};
    REQUIRE(stop.poll() == WB_OK);
    clock.advance(99);
    REQUIRE(stop.poll() == WB_OK);
    clock.advance(1);
    REQUIRE(stop.poll() == WB_DEADLINE_EXCEEDED);
    token.set(true);
    REQUIRE(stop.poll() == WB_CANCELLED);
    StopSource none{&clock, nullptr, WB_NO_DEADLINE};
    REQUIRE(none.poll() == WB_OK);
}

TEST_CASE("the steady clock moves forward") {
    int64_t before = steady_clock().now_ns();
    REQUIRE(before > 0);
    REQUIRE(steady_clock().now_ns() >= before);
}

TEST_CASE("a sleep ends at its time, by its clock") {
    ManualClock clock(1000);
    const StopSource stop{&clock};
    REQUIRE(stop.sleep_until(1000) == WB_OK);
    std::thread sleeper([&] { CHECK(stop.sleep_until(5000) == WB_OK); });
    clock.advance(4000);
    sleeper.join();
}

TEST_CASE("a sleep ends at its deadline, and when its token is set") {
    ManualClock clock(1000);
    CancelToken token;
    std::thread late([&] { CHECK(StopSource{&clock, nullptr, 2000}.sleep_until(5000) == WB_DEADLINE_EXCEEDED); });
    clock.advance(1000);
    late.join();
    std::thread cancelled([&] { CHECK(StopSource{&clock, &token}.sleep_until(INT64_MAX - 1) == WB_CANCELLED); });
    token.set(true);
    cancelled.join();
    REQUIRE(StopSource{nullptr, &token}.sleep_until(0) == WB_CANCELLED);
}
