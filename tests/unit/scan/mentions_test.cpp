// SPDX-License-Identifier: Apache-2.0
#include "unit/scan/scan_support.hpp"

using namespace weighbridge::lib;
using namespace weighbridge::test;

namespace {

// Declarations that mention the next each: HEAD, their number, then TAIL with the next one's name for "NEXT".
std::string chain(int size, const std::string &head, const std::string &tail, const std::string &last) {
    std::string code;
    for (int i = 0; i < size; ++i) {
        std::string rest = tail;
        for (size_t at; (at = rest.find("NEXT")) != rest.npos;)
            rest.replace(at, 4, "__torch__.more.C" + std::to_string(i + 1));
        code += head + "C" + std::to_string(i) + rest;
    }
    return code + head + "C" + std::to_string(size) + last;
}

}  // namespace

TEST_CASE("declarations mention each other to a depth that an importer's stack holds", "[scan]") {
    const auto classes = [](int size) {
        return rule_of_file(chain(size, "class ", ":\n  next : NEXT\n", ":\n  n : int\n"));
    };
    CHECK(classes(200) == "");
    CHECK(classes(300) == "code-nesting");
    CHECK(classes(5000) == "code-nesting");
    const std::string optional = ":\n  next : Dict[str, Optional[NEXT]]\n";
    CHECK(rule_of_file(chain(300, "class ", optional, ":\n  n : int\n")) == "code-nesting");
    const std::string parameter = ":\n  def f(self, x: NEXT) -> int:\n    return 1\n";
    CHECK(rule_of_file(chain(300, "class ", parameter, ":\n  n : int\n")) == "code-nesting");
    const std::string result = ":\n  def f(self) -> Optional[NEXT]:\n    return None\n";
    CHECK(rule_of_file(chain(300, "class ", result, ":\n  n : int\n")) == "code-nesting");
    const std::string body = ":\n  def f(self) -> int:\n    x = annotate(Optional[NEXT], None)\n    return 1\n";
    CHECK(rule_of_file(chain(300, "class ", body, ":\n  n : int\n")) == "code-nesting");
    const std::string function = "(x: int) -> int:\n  y = annotate(Optional[__torch__.Net], None)\n  return 1\n";
    CHECK(rule_of_file(chain(300, "def ", function, function)) == "");
}

TEST_CASE("declarations in a circle count as a chain of all", "[scan]") {
    const std::string node =
        "class Node:\n  next : Optional[__torch__.more.Node]\n  def f(self, x: __torch__.more.Node) -> int:\n    "
        "return 1\n";
    CHECK(rule_of_file(node) == "");
    const std::string pair =
        "class A:\n  n : int\n  def f(self) -> int:\n    return __torch__.more.g(self, )\n"
        "def g(x: __torch__.more.A) -> int:\n  return x.n\n";
    CHECK(rule_of_file(pair) == "");
    const auto circle = [](int size) {
        return rule_of_file(
            chain(size, "class ", ":\n  next : Optional[NEXT]\n", ":\n  next : Optional[__torch__.more.C0]\n"));
    };
    CHECK(circle(100) == "");
    CHECK(circle(300) == "code-nesting");
}

TEST_CASE("NamedTuples in each other have a depth and a size", "[scan]") {
    const std::string last = "(NamedTuple):\n  n : int\n";
    const auto of = [&](int size, const std::string &tail) { return rule_of_file(chain(size, "class ", tail, last)); };
    CHECK(of(10, "(NamedTuple):\n  a : NEXT\n  n : int\n") == "");
    CHECK(of(20, "(NamedTuple):\n  a : NEXT\n  n : int\n") == "code-nesting");
    CHECK(of(8, "(NamedTuple):\n  a : NEXT\n  b : NEXT\n") == "");
    CHECK(of(14, "(NamedTuple):\n  a : NEXT\n  b : NEXT\n") == "code-nesting");
    CHECK(of(7, "(NamedTuple):\n  a : Tuple[NEXT, NEXT, List[NEXT], NEXT]\n") == "code-nesting");
    // Closed to a circle by a method's parameter, they are measured in any order.
    const std::string closing = ":\n  n : int\n  def f(self, x: __torch__.more.C0) -> int:\n    return 1\n";
    CHECK(rule_of_file(chain(14, "class ", "(NamedTuple):\n  a : NEXT\n  b : NEXT\n", closing)) == "code-nesting");
    CHECK(rule_of_file(chain(8, "class ", "(NamedTuple):\n  a : NEXT\n  b : NEXT\n", closing)) == "");
}
