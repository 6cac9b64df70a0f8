// SPDX-License-Identifier: Apache-2.0
#include "base/json.hpp"

#include <bit>
#include <cmath>
#include <iterator>
#include <nlohmann/json.hpp>
#include <random>

#include "support/catch.hpp"

using namespace weighbridge::lib;
using Peer = nlohmann::ordered_json;

namespace {

// The same document of ours and of nlohmann_json's.
struct Pair {
    JsonValue ours;
    Peer peers;
};

std::string random_string(std::mt19937_64 &random) {
    constexpr const char *parts[] = {"a", "\"", "\\", "\n", "\x01", "\x1f", "\x7f", "ä", "€", "😀", "/", "\t"};
    std::string text;
    for (auto i = random() % 6; i > 0; --i) text += parts[random() % std::size(parts)];
    return text;
}

Pair random_value(std::mt19937_64 &random, int depth) {
    auto both = [](auto value) { return Pair{value, value}; };
    switch (random() % (depth > 0 ? 8 : 6)) {
        case 0:
            return {{}, nullptr};
        case 1:
            return both(random() % 2 == 0);
        case 2:
            return both(static_cast<int64_t>(random() >> random() % 64) - 100);
        case 3:
            return both(random() >> random() % 64);
        case 4:
            // In eighths: both writers agree on where the exponent begins below 1e15.
            return both(static_cast<double>(static_cast<int64_t>(random() >> 16)) / 8.0 - 1e6);
        case 5:
            return both(random_string(random));
        case 6: {
            Pair list{JsonValue::array(), Peer::array()};
            for (auto i = random() % 4; i > 0; --i) {
                Pair one = random_value(random, depth - 1);
                list.ours.push_back(std::move(one.ours));
                list.peers.push_back(std::move(one.peers));
            }
            return list;
        }
        default: {
            Pair map{JsonValue::object(), Peer::object()};
            for (auto i = random() % 4; i > 0; --i) {
                const std::string name = random_string(random);
                Pair one = random_value(random, depth - 1);
                map.ours[name] = std::move(one.ours);
                map.peers[name] = std::move(one.peers);
            }
            return map;
        }
    }
}

}  // namespace

TEST_CASE("JSON is written as nlohmann_json writes it") {
    std::mt19937_64 random(1);
    for (int i = 0; i < 5000; ++i) {
        const Pair pair = random_value(random, 4);
        REQUIRE(pair.ours.text() == pair.peers.dump());
        REQUIRE(pair.ours.lines() == pair.peers.dump(2));
    }
}

TEST_CASE("a number is written so that it reads back as the same, and as a real number") {
    std::mt19937_64 random(2);
    for (int i = 0; i < 20000; ++i) {
        const auto value = std::bit_cast<double>(random());
        if (!std::isfinite(value)) continue;
        const Peer read = Peer::parse(JsonValue(value).text());
        REQUIRE(read.is_number_float());
        REQUIRE(std::bit_cast<uint64_t>(read.get<double>()) == std::bit_cast<uint64_t>(value));
    }
    CHECK(JsonValue(1.0).text() == "1.0");
    CHECK(JsonValue(-0.0).text() == "-0.0");
    CHECK(JsonValue(1e39).text() == "1e+39");
    CHECK(JsonValue(0.1).text() == "0.1");
    for (double value : {double{INFINITY}, -double{INFINITY}, std::nan("")}) CHECK(JsonValue(value).text() == "null");
}

TEST_CASE("bytes that are not UTF-8 are written as U+FFFD, one each") {
    CHECK(quoted_json("a\xFF\xC3z\xE2\x82") == "\"a\xEF\xBF\xBD\xEF\xBF\xBDz\xEF\xBF\xBD\xEF\xBF\xBD\"");
    CHECK(quoted_json(std::string_view("\0", 1)) == "\"\\u0000\"");
}

TEST_CASE("members keep their order, are found, replaced and erased") {
    JsonValue value = {{"b", 1}, {"a", "x"}};
    value["c"]["d"].push_back(true);
    value["b"] = JsonValue();
    CHECK(value.text() == R"({"b":null,"a":"x","c":{"d":[true]}})");
    REQUIRE(value.find("a"));
    CHECK(*value.find("a")->get<std::string>() == "x");
    CHECK_FALSE(value.find("d"));
    CHECK_FALSE(value.find("a")->find("x"));
    value.erase("a");
    CHECK(value.text() == R"({"b":null,"c":{"d":[true]}})");
    CHECK(JsonValue::array(std::vector<std::string>{"x", "y"}).text() == R"(["x","y"])");
    CHECK(JsonValue::array().lines() == "[]");
    CHECK(JsonValue::object().lines() == "{}");
}
