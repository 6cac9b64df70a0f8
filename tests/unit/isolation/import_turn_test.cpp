// SPDX-License-Identifier: Apache-2.0
#include "isolation/import_turn.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <thread>
#include <vector>

#include "support/catch.hpp"

namespace lib = weighbridge::lib;
using lib::ImportTurn;

namespace {

std::vector<ImportTurn> all_turns() {
    std::vector<ImportTurn> taken;
    for (int i = 0; i < ImportTurn::kAtOnce; ++i) taken.push_back(*ImportTurn::take({}));
    return taken;
}

lib::StopSource at_once() { return {&lib::steady_clock(), nullptr, lib::steady_clock().now_ns()}; }

}  // namespace

TEST_CASE("as many imports as may be go on at once, and the next one leaves at its deadline or when it is cancelled") {
    auto taken = all_turns();
    const auto late = ImportTurn::take(at_once());
    CHECK(late.status().code == WB_DEADLINE_EXCEEDED);
    CHECK(std::string_view(late.status().message) ==
          "the deadline passed while the load waited for other imports to end");
    lib::CancelToken cancel;
    std::thread other([&] { cancel.set(true); });
    CHECK(ImportTurn::take({nullptr, &cancel, WB_NO_DEADLINE}).status().code == WB_CANCELLED);
    other.join();
    taken.pop_back();
    CHECK(ImportTurn::take(at_once()));
}

TEST_CASE("an import that ends lets each that waits for it go on") {
    auto taken = all_turns();
    std::atomic<int> ran{0};
    std::vector<std::thread> waiting;
    for (int i = 0; i < 3 * ImportTurn::kAtOnce; ++i)
        waiting.emplace_back([&] {
            const auto turn = ImportTurn::take({});
            ran += turn ? 1 : 0;
        });
    CHECK(ran == 0);
    taken.clear();
    for (std::thread &one : waiting) one.join();
    CHECK(ran == 3 * ImportTurn::kAtOnce);
}

TEST_CASE("a forked child waits for none of its parent's imports, and gives none of them back") {
    auto taken = all_turns();
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        {
            const auto own = all_turns();
            taken.clear();
            if (ImportTurn::take(at_once())) ::_exit(2);
        }
        ::_exit(ImportTurn::take(at_once()) ? 0 : 3);
    }
    int how = 0;
    REQUIRE(::waitpid(child, &how, 0) == child);
    CHECK(how == 0);
    CHECK_FALSE(ImportTurn::take(at_once()));
}
