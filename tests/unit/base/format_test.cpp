// SPDX-License-Identifier: Apache-2.0
#include "base/format.hpp"

#include <cstring>
#include <limits>

#include "support/catch.hpp"

using namespace weighbridge::lib;

namespace {

template <size_t Room, class... Values>
std::string in_place(TextFormat<Values...> format, const Values &...values) {
    Line<Room> line;
    line.add(format, values...);
    return std::string(line.view());
}

}  // namespace

TEST_CASE("a value of each type is written as fmt writes it") {
    const char array[8] = "array";
    CHECK(formatted("{} {} {} {}", true, false, 'c', array) == "true false c array");
    CHECK(formatted("{} {} {}", "text", std::string("string"), std::string_view("view")) == "text string view");
    CHECK(formatted("{} {} {}", int8_t(-5), uint8_t(200), int16_t(-300)) == "-5 200 -300");
    CHECK(formatted("{} {}", std::numeric_limits<int64_t>::min(), std::numeric_limits<uint64_t>::max()) ==
          "-9223372036854775808 18446744073709551615");
    CHECK(formatted("{} {} {}", 0.1f, 0.1, 1e300) == "0.1 0.1 1e+300");
    CHECK(formatted("{} {}", -std::numeric_limits<double>::infinity(), -0.0) == "-inf -0");
    CHECK(formatted("no field") == "no field");
    CHECK(formatted("") == "");
}

TEST_CASE("fields take width, precision and base") {
    CHECK(formatted("{:016x} {:#04x} {:02} {:09}", uint64_t(0xABC), 7, 3, 12) == "0000000000000abc 0x07 03 000000012");
    CHECK(formatted("{:.3} {:g}", "abcdef", 0.00001) == "abc 1e-05");
    CHECK(formatted("{{}} {{{}}}", 1) == "{} {1}");
    CHECK(formatted("{}", "{} {{") == "{} {{");
}

TEST_CASE("a line in place escapes what a log may not show, and is cut at a whole character") {
    CHECK(in_place<40>("a{}b", "\x1b[2J\n") == "a\\x1B[2J\\x0Ab");
    CHECK(in_place<40>("a{}b", "\xff") == "a\\xFFb");
    CHECK(in_place<4>("{}{}", "abc", "\xc3\xa4") == "abc");
    CHECK(in_place<5>("{}{}", "abc", "\xc3\xa4") == "abc\xc3\xa4");
    CHECK(in_place<5>("{}", 123456789) == "12345");
    CHECK(in_place<5>("123456{}", 7) == "12345");
}
