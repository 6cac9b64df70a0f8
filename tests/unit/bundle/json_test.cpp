// SPDX-License-Identifier: Apache-2.0
#include "unit/bundle/bundle_support.hpp"

using namespace weighbridge::lib;
using namespace weighbridge::lib::test;

namespace {

std::string problem(std::string_view text, size_t limit = 1 << 16) {
    auto document = parse_json("f.json", text, limit);
    if (document) return "accepted";
    CHECK(document.status().code == WB_INVALID_BUNDLE);
    return document.status().message;
}

}  // namespace

TEST_CASE("parse_json keeps order, integers and numbers") {
    auto document =
        parse_json("f", R"({"b": 18446744073709551615, "a": [-9223372036854775808, 0.1, true, null, "ä"]})", 99);
    REQUIRE(document);
    CHECK(document->text() == R"({"b":18446744073709551615,"a":[-9223372036854775808,0.1,true,null,"ä"]})");
}

TEST_CASE("parse_json names line and column of what is no JSON") {
    CHECK(problem("{\n  \"a\": 1,,\n}") == "f.json: line 2, column 10: expected JSON, got ',?}'");
    CHECK(problem("") == "f.json: line 1, column 1: expected JSON, got the end");
    CHECK(problem("{\"a\": [1, 2") == "f.json: line 1, column 12: expected JSON, got the end");
    CHECK(problem("{} {}") == "f.json: line 1, column 4: expected JSON, got '{}'");
    CHECK(problem("{\"a\": 1e999}") == "f.json: a: expected a number that float64 holds, got a larger one");
    CHECK(cut(problem("{\"a\": NaN}"), "expected JSON") == "expected JSON");
    CHECK(cut(problem("{/**/}"), "expected JSON") == "expected JSON");
    CHECK(cut(problem("\"\xFF\""), "expected JSON") == "expected JSON");
    CHECK(cut(problem(std::string_view("\0", 1)), "expected JSON, got '?'") == "expected JSON, got '?'");
}

TEST_CASE("parse_json refuses a byte order mark, a text too large, a key twice") {
    CHECK(problem("\xEF\xBB\xBF{}") == "f.json: expected UTF-8 without a byte order mark, got one");
    CHECK(problem("[1, 2]", 5) == "f.json: expected at most 5 bytes, got 6");
    CHECK(problem(R"({"a": [{}, {"b": 1, "b": 1}]})") == "f.json: a[1].b: expected each key once, got it twice");
    CHECK(problem(R"({"a": 1, "\u0061": 2})") == "f.json: a: expected each key once, got it twice");
}

TEST_CASE("parse_json limits depth, not size") {
    auto nested = [](size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
    CHECK(problem(nested(16)) == "accepted");
    CHECK(cut(problem(nested(17)), "expected at most 16 levels, got more") == "expected at most 16 levels, got more");
    CHECK(cut(problem(std::string(100000, '['), 1 << 20), "16 levels") == "16 levels");
    std::string objects;
    for (int i = 0; i < 10000; ++i) objects += "{\"a\":";
    CHECK(cut(problem(objects, 1 << 20), "16 levels") == "16 levels");
}

TEST_CASE("many keys are read in reasonable time") {
    std::string text = "{";
    for (int i = 0; i < 50000; ++i) text += (i ? ",\"k" : "\"k") + std::to_string(i) + "\":0";
    auto document = parse_json("f", text + "}", 1 << 20);
    REQUIRE(document);
    CHECK(document->get<JsonValue::Members>()->size() == 50000);
}

TEST_CASE("a message shows long names and values shortened, on one line") {
    const JsonValue document = {{std::string(500, 'n'), std::string(500, 'v')}};
    JsonReport report("f.json");
    const JsonCursor root(report, document);
    const std::string name(500, 'n');
    const JsonCursor field = root.field(name);
    field.expected("something else");
    CHECK(report.failed());
    CHECK(std::strlen(report.status().message) < 160);
    CHECK(shown_text("a\nb\x7F", 9) == "a?b?");
    CHECK(shown_text("ääää", 6) == "ä...");
    const JsonValue text = "x\ny";
    CHECK(shown_value(&text) == "\"x?y\"");
    CHECK(shown_value(nullptr) == "nothing");
}

TEST_CASE("a report keeps the first problem") {
    const JsonValue document = {{"a", 1}};
    JsonReport report("f.json");
    const JsonCursor root(report, document);
    const JsonCursor a = root.field("a"), b = root.field("b");
    a.boolean();
    b.number();
    CHECK(std::string(report.status().message) == "f.json: a: expected true or false, got 1");
}

TEST_CASE("integers are exact at both ends of their ranges") {
    JsonValue document;
    for (const JsonValue &one : {JsonValue(INT64_MAX), JsonValue(9223372036854775808U), JsonValue(INT64_MIN)})
        document.push_back(one);
    JsonReport report("f.json");
    const JsonCursor root(report, document);
    const JsonCursor largest = root.element(0), beyond = root.element(1), least = root.element(2);
    CHECK(largest.integer(INT64_MIN, INT64_MAX) == INT64_MAX);
    CHECK(least.integer(INT64_MIN, INT64_MAX) == INT64_MIN);
    CHECK_FALSE(report.failed());
    beyond.integer(INT64_MIN, INT64_MAX);
    CHECK(std::string(report.status().message) == "f.json: [1]: expected a 64-bit integer, got 9223372036854775808");
}

TEST_CASE("nearest_name finds slips, not strangers") {
    CHECK(nearest_name("encodng", {"name", "encoding"}) == "encoding");
    CHECK(nearest_name("nmae", {"name", "encoding"}) == "name");
    CHECK(nearest_name("colour", {"name", "encoding"}).empty());
    CHECK(nearest_name("ab", {"of"}).empty());
    CHECK(nearest_name(std::string(100000, 'x'), {"name"}).empty());
}
