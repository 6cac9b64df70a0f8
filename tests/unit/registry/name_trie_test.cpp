// SPDX-License-Identifier: Apache-2.0
// Things by name: look-ups of one among very many, beside a thread that adds.
#include "registry/name_trie.hpp"

#include <atomic>
#include <string>
#include <thread>

#include "support/catch.hpp"

using namespace weighbridge::lib;

namespace {

// Counts how often its name is looked at.
class Thing final : public RefCounted {
  public:
    explicit Thing(int number) : name_("thing-" + std::to_string(number)) {}
    const std::string &name() const {
        looks.fetch_add(1, std::memory_order_relaxed);
        return name_;
    }
    static inline std::atomic<int64_t> looks{0};

  private:
    const std::string name_;
};

constexpr int kMany = 100'000;

}  // namespace

TEST_CASE("one of 100,000 is found by looking at a few names, and added so", "[name-trie]") {
    Thing::looks = 0;
    NameTrie<Thing> things;
    for (int i = 0; i < kMany; ++i) {
        REQUIRE(!things.find("thing-" + std::to_string(i)));
        things.add(make_ref<Thing>(i));
    }
    for (int i = 0; i < kMany; ++i) {
        const auto found = things.find("thing-" + std::to_string(i));
        REQUIRE(found);
        REQUIRE(found->name() == "thing-" + std::to_string(i));
    }
    CHECK(Thing::looks.load() < int64_t{kMany} * 3 * 40);  // three look-ups of each; a list takes 100,000 looks
    CHECK(!things.find("thing"));
    CHECK(!things.find(""));
}

TEST_CASE("a trie lists what it has in the order in which that was added", "[name-trie]") {
    NameTrie<Thing> things;
    CHECK(things.list().empty());
    for (int i = 0; i < 100; ++i) things.add(make_ref<Thing>(i));
    const auto all = things.list();
    REQUIRE(all.size() == 100);
    for (size_t i = 0; i < all.size(); ++i) CHECK(all[i]->name() == "thing-" + std::to_string(i));
}

TEST_CASE("what was added is found by other threads", "[name-trie]") {
    NameTrie<Thing> things;
    std::atomic<int> added{0};
    std::atomic<bool> lost{false};
    std::thread reader([&] {
        while (added.load() < 1000)
            if (const int last = added.load(); last > 0 && !things.find("thing-" + std::to_string(last - 1)))
                lost = true;
    });
    for (int i = 0; i < 1000; ++i) {
        things.add(make_ref<Thing>(i));
        added.store(i + 1);
    }
    reader.join();
    CHECK(!lost.load());
}
