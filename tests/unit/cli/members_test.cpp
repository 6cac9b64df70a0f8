// SPDX-License-Identifier: Apache-2.0
#include "cli/members.hpp"

#include <nlohmann/json.hpp>

#include "support/catch.hpp"

using namespace weighbridge::cli;

namespace {

// "key=value" of each member, or the byte that is wrong.
std::vector<std::string> split(std::string_view text) {
    std::vector<Member> members;
    if (size_t byte = split_object(text, members)) return {"!" + std::to_string(byte)};
    std::vector<std::string> out;
    for (const Member &member : members) out.push_back(std::string(member.key) + "=" + std::string(member.value));
    return out;
}

using Strings = std::vector<std::string>;

}  // namespace

TEST_CASE("members: values are as they were written") {
    CHECK(split("{}").empty());
    CHECK(split(" { \"a\" : 12345678901234567890123 , \"b\":1e400,\"a\":-0.0E+1 } ") ==
          Strings{"\"a\"=12345678901234567890123", "\"b\"=1e400", "\"a\"=-0.0E+1"});
    CHECK(split(R"({"a":[1, {"b":[]}, "]}"],"c":{"d":{}},"e":null,"f":true,"g":false})") ==
          Strings{R"("a"=[1, {"b":[]}, "]}"])", R"("c"={"d":{}})", "\"e\"=null", "\"f\"=true", "\"g\"=false"});
    CHECK(split(R"({"\u00e9\"\\":"\n"})") == Strings{R"("\u00e9\"\\"="\n")"});
}

TEST_CASE("members: what is no JSON object is refused where it is wrong") {
    for (const char *text : {"",
                             "[1]",
                             "1",
                             "{",
                             "{\"a\"}",
                             "{\"a\":}",
                             "{\"a\":1,}",
                             "{\"a\":1}}",
                             "{\"a\":1} x",
                             "{\"a\":01}",
                             "{\"a\":+1}",
                             "{\"a\":1.}",
                             "{\"a\":.5}",
                             "{\"a\":1e}",
                             "{\"a\":-}",
                             "{\"a\":tru}",
                             "{\"a\":NaN}",
                             "{\"a\":\"open}",
                             "{\"a\":\"\\x\"}",
                             "{\"a\":\"\\u12g4\"}",
                             "{\"a\":\"\t\"}",
                             "{a:1}",
                             "{\"a\":[1,]}",
                             "{\"a\":[1}",
                             "{\"a\":{\"b\"}}",
                             "{\"a\":[1]]}",
                             "{\"a\":1 2}"}) {
        INFO(text);
        CHECK(split(text).front().starts_with("!"));
    }
    CHECK(split("{\"a\":1,}") == Strings{"!8"});
    CHECK(split("{\"a\":tru}") == Strings{"!6"});
}

TEST_CASE("members: accepts what the JSON library accepts, whatever is done to a text") {
    const std::string whole = R"({"a":[1,-2.5e3,{"b":"\u00e9\\"}],"c":true,"d":{"e":null},"f":"x y"})";
    const std::string replacements = "{}[]\",:\\0e-.tu x";
    size_t accepted = 0;
    for (size_t at = 0; at < whole.size(); ++at)
        for (char c : replacements) {
            std::string text = whole;
            text[at] = c;
            INFO(text);
            bool is_object = nlohmann::json::parse(text, nullptr, false).is_object();
            CHECK((split(text).empty() || split(text).front()[0] != '!') == is_object);
            accepted += is_object;
        }
    CHECK(accepted > 100);
}

TEST_CASE("members: no depth costs stack") {
    std::string deep = "{\"a\":" + std::string(500000, '[') + std::string(500000, ']') + "}";
    CHECK(split(deep).size() == 1);
    deep.pop_back();
    CHECK(split(deep).front().starts_with("!"));
}

TEST_CASE("members: a string is its text, another value its bytes") {
    CHECK(text_of("12345678901234567890123") == "12345678901234567890123");
    CHECK(text_of("1e400") == "1e400");
    CHECK(text_of("{\"a\": 1}") == "{\"a\": 1}");
    CHECK(text_of(R"("a\u00e9\"b")") == "a\u00e9\"b");
    CHECK(text_of("\"\xFF\"") == std::nullopt);
    CHECK(text_of(R"("\ud800")") == std::nullopt);
}
