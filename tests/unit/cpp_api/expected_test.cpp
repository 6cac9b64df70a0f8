// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "weighbridge.hpp"

using namespace weighbridge;
using namespace std::chrono_literals;

TEST_CASE("Expected holds a value or an error") {
    Expected<int> right = 3, wrong = Error{WB_INVALID_INPUT, "why", 2, 7};
    REQUIRE(right);
    CHECK(*right == 3);
    CHECK(right.value() == 3);
    REQUIRE_FALSE(wrong);
    CHECK(wrong.error().feature == 2);
    CHECK(wrong.error().row == 7);
    CHECK(std::string(wrong.error().name()) == "WB_INVALID_INPUT");
    CHECK(std::move(wrong).value_or(5) == 5);
}

TEST_CASE("value() throws what went wrong") {
    Expected<std::unique_ptr<int>> wrong = Error{WB_IO_ERROR, "no such file"};
    try {
        (void)std::move(wrong).value();
        FAIL("nothing was thrown");
    } catch (const Exception &exception) {
        CHECK(exception.error().code == WB_IO_ERROR);
        CHECK(std::string(exception.what()) == "WB_IO_ERROR: no such file");
    }
    CHECK_THROWS_AS(Expected<void>(Error{}).value(), Exception);
    CHECK_NOTHROW(Expected<void>().value());
}

TEST_CASE("a loop over a member of a value that a call returns holds the value") {
    struct Drained {
        std::vector<std::string> taken;
    };
    const auto drain = [] { return Expected<Drained>(Drained{{"a text that no small string holds", "another"}}); };
    size_t length = 0;
    for (const auto &each : drain().value().taken) length += each.size();
    CHECK(length == 40);
}

TEST_CASE("Expected moves what cannot be copied") {
    Expected<std::unique_ptr<int>> right = std::make_unique<int>(4);
    std::unique_ptr<int> taken = *std::move(right);
    CHECK(*taken == 4);
}

TEST_CASE("deadlines are budgets, time points and nanoseconds") {
    CHECK(Deadline().ns() == WB_NO_DEADLINE);
    CHECK(Deadline::never().ns() == WB_NO_DEADLINE);
    CHECK(Deadline::at_ns(17).ns() == 17);
    int64_t before = wb_now_ns();
    int64_t at = Deadline(2ms).ns();
    CHECK(at >= before + 2'000'000);
    CHECK(at <= wb_now_ns() + 2'000'000);
    const int64_t past = Deadline(-1s).ns();
    CHECK(past <= wb_now_ns());
    CHECK(Deadline(std::chrono::hours::max()).ns() == WB_NO_DEADLINE);
}

TEST_CASE("a time point of steady_clock is the library's own time") {
    int64_t before = wb_now_ns();
    Deadline now = std::chrono::steady_clock::now();
    CHECK(now.ns() >= before);
    CHECK(now.ns() <= wb_now_ns());
}

TEST_CASE("timestamps are counted in the feature's unit, rounded down") {
    using namespace std::chrono;
    CHECK(detail::ticks(sys_time<milliseconds>(1500ms), 1) == 1);
    CHECK(detail::ticks(sys_time<milliseconds>(-1ms), 1) == -1);
    CHECK(detail::ticks(sys_time<milliseconds>(-1000ms), 1) == -1);
    CHECK(detail::ticks(sys_seconds(3s), 1'000'000'000) == 3'000'000'000);
    CHECK(detail::ticks(sys_days(days(1)), 1000) == 86'400'000);
    CHECK_FALSE(detail::ticks(sys_days(days(200'000)), 1'000'000'000));
}
