// SPDX-License-Identifier: Apache-2.0
#include "feature/vocabulary.hpp"

#include <string>
#include <vector>

#include "feature/hash.hpp"
#include "support/catch.hpp"

namespace {

using namespace weighbridge::lib;

TEST_CASE("keys have their places, others none", "[vocabulary]") {
    auto made = Vocabulary::make(std::vector<std::string>{"FR", "", "DE", "\xC3\xA9"});
    REQUIRE(made.ok());
    REQUIRE((*made)->size() == 4);
    REQUIRE((*made)->find("FR") == 0);
    REQUIRE((*made)->find("") == 1);
    REQUIRE((*made)->find("\xC3\xA9") == 3);
    REQUIRE_FALSE((*made)->find("F"));
    REQUIRE_FALSE((*made)->find("FRD"));
    REQUIRE_FALSE((*made)->find(int64_t{0}));
}

TEST_CASE("codes have their places, negative ones too", "[vocabulary]") {
    auto made = Vocabulary::make(std::vector<int64_t>{5411, -1, INT64_MIN});
    REQUIRE(made.ok());
    REQUIRE((*made)->find(int64_t{-1}) == 1);
    REQUIRE((*made)->find(INT64_MIN) == 2);
    REQUIRE_FALSE((*made)->find(int64_t{0}));
    REQUIRE_FALSE((*made)->find("5411"));
}

TEST_CASE("many keys are all found", "[vocabulary]") {
    std::vector<std::string> keys;
    for (int i = 0; i < 20000; ++i) keys.push_back("merchant-" + std::to_string(i));
    auto made = Vocabulary::make(keys);
    REQUIRE(made.ok());
    bool all = true;
    for (size_t i = 0; i < keys.size(); ++i) all &= (*made)->find(keys[i]) == static_cast<int64_t>(i);
    REQUIRE(all);
    REQUIRE_FALSE((*made)->find("merchant-20000"));
}

TEST_CASE("a duplicate key is named with both its places", "[vocabulary]") {
    auto keys = Vocabulary::make(std::vector<std::string>{"a", "b", "a"});
    REQUIRE(keys.status().code == WB_INVALID_BUNDLE);
    REQUIRE(std::string(keys.status().message) == "vocabulary: expected distinct keys, got 'a' at 0 and 2");
    auto codes = Vocabulary::make(std::vector<int64_t>{1, 7, 7});
    REQUIRE(std::string(codes.status().message) == "vocabulary: expected distinct keys, got '7' at 1 and 2");
}

TEST_CASE("an empty list and a key that is not UTF-8 are refused", "[vocabulary]") {
    REQUIRE(Vocabulary::make(std::vector<std::string>{}).status().code == WB_INVALID_BUNDLE);
    REQUIRE(Vocabulary::make(std::vector<int64_t>{}).status().code == WB_INVALID_BUNDLE);
    auto bad = Vocabulary::make(std::vector<std::string>{"ok", "x\xFF"});
    REQUIRE(std::string(bad.status().message) == "vocabulary: expected UTF-8, got a bad byte at 1 of key 1");
}

TEST_CASE("the hash of a key is the published one", "[vocabulary]") {
    // From the formula in lib/feature/README.md, computed with Python's integers.
    STATIC_REQUIRE(hash_key("", 0) == 0xEFD01F60BA992926);
    STATIC_REQUIRE(hash_key("FR", 0) == 0xB8B11DFF547C30B8);
    STATIC_REQUIRE(hash_key("FR", 7) == 0x529EE1D7585470E6);
    STATIC_REQUIRE(hash_key("\xC3\xA9", 7) == 0xDE048EF25BF58960);
    STATIC_REQUIRE(hash_key(int64_t{42}, 7) == 0xED19A1AF0FCEBF63);
    STATIC_REQUIRE(hash_key(int64_t{-1}, 0) == 0x6A92C0228678C02E);
    STATIC_REQUIRE(hash_key(int64_t{0}, 0) == 0x7BD3144F29C0CC9E);
}

}  // namespace
