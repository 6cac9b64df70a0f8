// SPDX-License-Identifier: Apache-2.0
#include "base/json_text.hpp"

#include <string>

#include "support/catch.hpp"

using namespace weighbridge::lib;

namespace {

// Writes down what it is told; stops at the string "stop".
struct Told final : JsonEvents {
    std::string all;

    bool add(std::string_view text) { return (all += text) += ' ', true; }
    bool null() override { return add("null"); }
    bool boolean(bool value) override { return add(value ? "true" : "false"); }
    bool number(std::string_view text) override { return add(text); }
    bool string(std::string_view text) override { return add("'" + std::string(text) + "'") && text != "stop"; }
    bool start_object() override { return add("{"); }
    bool key(std::string_view name) override { return add(std::string(name) + ":") && name != "stop"; }
    bool end_object() override { return add("}"); }
    bool start_array() override { return add("["); }
    bool end_array() override { return add("]"); }
};

[[gnu::noinline]] std::string told(std::string_view text) {
    Told events;
    const JsonRead read = read_json(text, events);
    INFO(text << " at " << read.position);
    REQUIRE(read.end == JsonRead::End::complete);
    events.all.pop_back();
    return events.all;
}

[[gnu::noinline]] void malformed(std::string_view text, size_t position) {
    Told events;
    const JsonRead read = read_json(text, events);
    INFO(text);
    CHECK(read.end == JsonRead::End::malformed);
    CHECK(read.position == position);
}

}  // namespace

TEST_CASE("a JSON text is told in its order", "[json_text]") {
    CHECK(told(R"( {"a" : [1, {"b":null}, [], {}] ,"c":true,"d":false, "": "x"} )") ==
          "{ a: [ 1 { b: null } [ ] { } ] c: true d: false : 'x' }");
    CHECK(told("7") == "7");
    CHECK(told("\t\r\n\"\"\n") == "''");
    CHECK(told("[[[[]]]]") == "[ [ [ [ ] ] ] ]");
}

TEST_CASE("numbers come as they are written", "[json_text]") {
    for (const char *number : {"0", "-0", "10", "1.50", "-0.0e-00", "1E+400", "123456789012345678901234567890", "1e5"})
        CHECK(told(number) == number);
}

TEST_CASE("escapes are undone", "[json_text]") {
    CHECK(told(R"("\"\\\/\b\f\n\r\t")") == "'\"\\/\b\f\n\r\t'");
    CHECK(told(R"("\u0041\u00e9\u20AC\ud83D\uDE00 end")") == "'A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80 end'");
    CHECK(told(R"({"\u0061\u0000b": 1})") == std::string("{ a\0b: 1 }", 10));
    CHECK(told("\"\xc3\xa9 and \\n, \x7f\"") == "'\xc3\xa9 and \n, \x7f'");
}

TEST_CASE("what is no JSON is refused where it stops being some", "[json_text]") {
    malformed("", 0);
    malformed("  ", 2);
    malformed("{", 1);
    malformed("[1, 2", 5);
    malformed("[1,]", 3);
    malformed("[,1]", 1);
    malformed("{,}", 1);
    malformed("{\"a\":1,}", 7);
    malformed("{\"a\" 1}", 5);
    malformed("{\"a\":}", 5);
    malformed("{1: 2}", 1);
    malformed("[1 2]", 3);
    malformed("[1}", 2);
    malformed("{\"a\":1]", 6);
    malformed("]", 0);
    malformed("{} {}", 3);
    malformed("nul", 3);
    malformed("nulL", 3);
    malformed("NaN", 0);
    malformed("Infinity", 0);
    malformed("/**/1", 0);
    malformed("\xEF\xBB\xBF{}", 0);
    for (const char *number : {"01", "-", "+1", ".5", "1.", "1.e5", "1e", "1e+", "0x10", "1_000", "--1", "1,5", "1d"}) {
        Told events;
        INFO(number);
        CHECK(read_json(number, events).end == JsonRead::End::malformed);
    }
    malformed("\"abc", 4);
    malformed("\"a\nb\"", 2);
    malformed("\"\\x\"", 2);
    malformed("\"\\", 2);
    malformed("\"\\u12g4\"", 5);
    malformed("\"\xff\"", 1);
    malformed("\"ab\xc3\"", 3);
    malformed("\"\\n\xed\xa0\x80\"", 3);
    malformed(std::string_view("{}\0", 3), 2);
    malformed(std::string_view("\"a\0\"", 4), 2);
    for (const char *text : {R"("\ud83d")", R"("\ud83dx")", R"("\ud83d\n")", R"("\ud83d\u0041")", R"("\ude00")"}) {
        Told events;
        INFO(text);
        CHECK(read_json(text, events).end == JsonRead::End::malformed);
    }
}

TEST_CASE("an event that answers false ends the reading", "[json_text]") {
    Told events;
    CHECK(read_json(R"(["a", "stop", not JSON)", events).end == JsonRead::End::stopped);
    CHECK(events.all == "[ 'a' 'stop' ");
    Told keys;
    CHECK(read_json(R"({"stop" no colon)", keys).end == JsonRead::End::stopped);
}

TEST_CASE("depth costs a byte a level and no stack", "[json_text]") {
    const size_t depth = 1000000;
    Told events;
    CHECK(read_json(std::string(depth, '[') + std::string(depth, ']'), events).end == JsonRead::End::complete);
}
