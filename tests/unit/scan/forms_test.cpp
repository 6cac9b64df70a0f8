// SPDX-License-Identifier: Apache-2.0
// Forms that neither torch.jit.save nor an attack of the other tests writes.
#include "base/json.hpp"
#include "scan/archive.hpp"
#include "scan/operators.hpp"
#include "scan/token_cursor.hpp"
#include "support/counting_clock.hpp"
#include "unit/scan/scan_support.hpp"

using namespace weighbridge::lib;
using namespace weighbridge::test;
using namespace std::string_literals;

namespace {

// What the first finding says of a module with this pickle, the scan held to these limits.
std::string text_of_pickle(const std::string &values, const ScanLimits &limits = {}) {
    ModuleFiles files = module_files();
    files["data.pkl"] = "\x80\x02" + values + ".";
    ModuleReport report;
    REQUIRE_FALSE(scan_module(module_archive(files), limits, report).ok());
    return report.findings.list.front().rule + ": " + report.findings.list.front().text;
}

}  // namespace

TEST_CASE("declarations that are cut or doubled are refused", "[scan]") {
    CHECK(rule_of_file("class 1(Module):\n  n : int\n") == "code-form");
    CHECK(rule_of_file("class A(Module)\n") == "code-form");
    CHECK(rule_of_file("class A(Module):\n\nclass B(Module):\n  n : int\n") == "code-form");
    CHECK(rule_of_file("class A(Module, Module):\n  n : int\n") == "code-form");
    CHECK(rule_of_file("class A(Module):\n  n : int\nclass A(Module):\n  n : int\n") == "code-twice");
    CHECK(rule_of_file("class A(Module):\n  1 : int\n") == "code-form");
    CHECK(rule_of_file("class A(Module):\n  if : int\n") == "code-form");
    CHECK(rule_of_file("class A(Module):\n  n + 1\n") == "code-form");
    CHECK(rule_of_file("class A(Module):\n  n : int\n  n : float\n") == "code-twice");
    CHECK(rule_of_file("class A(Module):\n  __parameters__ = f(1)\n") == "code-literal");
    CHECK(rule_of_file("class A(Module):\n  __annotations__[1] = int\n") == "code-form");
    CHECK(rule_of_file("class A(Module):\n  __annotations__[\"n\" = int\n") == "code-brackets");
    CHECK(rule_of_file("class A(Module):\n  __annotations__[\"n.m\"] = int\n") == "");
    CHECK(rule_of_file("def 1(x: Tensor) -> Tensor:\n  return x\n") == "code-form");
    CHECK(rule_of_file("def f x: Tensor -> Tensor:\n  return x\n") == "code-form");
    CHECK(rule_of_file("def f(x: Tensor) -> eval:\n  return x\n") == "code-type");
    CHECK(rule_of_file("def f(x: Tensor) -> Tensor: return x\n") == "code-form");
    CHECK(rule_of_file("def f(x: eval) -> Tensor:\n  return x\n") == "code-type");
    CHECK(rule_of_file("def f(1: Tensor) -> Tensor:\n  return x\n") == "code-form");
    CHECK(rule_of_file("def f(x y: Tensor) -> Tensor:\n  return x\n") == "code-form");
    CHECK(rule_of_file("def f(n: int=CONSTANTS.c0) -> int:\n  return n\n") == "");
    CHECK(rule_of_file("def f(t: Tuple[()]) -> int:\n  return 1\n") == "");
    CHECK(rule_of_file("def f(t: Tuple[(int)]) -> int:\n  return 1\n") == "code-type");
    CHECK(rule_of_file("def f(t: List[1]) -> int:\n  return 1\n") == "code-type");
}

TEST_CASE("a bracket that nothing closes is closed by the end", "[scan]") {
    CodeToken open, name;
    open.kind = CodeToken::Kind::mark;
    open.text = "(";
    name.text = "x";
    const std::vector<CodeToken> tokens{open, name, name};
    CHECK(closing_of(tokens, 0) == tokens.size());
    CHECK(joined(tokens) == "(xx");
}

TEST_CASE("a constructor's type is its class", "[scan]") {
    const auto cast = [](const std::string &from, const std::string &to) {
        return rule_of_file(
            "class Pair(NamedTuple):\n  a : Tensor\n  b : int\n"
            "def f(x: Tensor) -> int:\n  p = " +
            from + "\n  q = unchecked_cast(" + to + ", p)\n  return 1\n");
    };
    CHECK(cast("__torch__.more.Pair(x, 1)", "__torch__.more.Pair") == "");
    CHECK(cast("(__torch__.more.Pair(x, 1))", "__torch__.more.Pair") == "");
    CHECK(cast("__torch__.more.Pair(x, 1)", "Tuple[Tensor, int]") == "code-cast");
    CHECK(cast("__torch__.more.Pair", "__torch__.more.Pair") == "code-cast");
    CHECK(cast("__torch__.more.Other(x, 1)", "__torch__.more.Other") != "");
    CHECK(cast("(x", "Tensor") != "");
}

TEST_CASE("what a pickle holds in a module's place is named", "[scan]") {
    for (const auto &[value, name] : std::initializer_list<std::pair<std::string, std::string>>{
             {"N", "None"},
             {"\x88", "a bool"},
             {"K\1", "an int"},
             {"G\0\0\0\0\0\0\0\0"s, "a float"},
             {"cbuiltins\ncomplex\nG\0\0\0\0\0\0\0\0G\0\0\0\0\0\0\0\0\x86R"s, "a complex number"},
             {"X\1\0\0\0a"s, "the text 'a'"},
             {"K\1\x85", "a tuple of 1"},
             {"]", "a list of 0"},
             {"}", "a dict of 0"},
             {"ctorch\nFloatStorage\n", "the global torch.FloatStorage"},
             {"ctorch\ndevice\nX\3\0\0\0cpu\x85R"s, "a device"}})
        CHECK(text_of_pickle(value) == "pickle-form: expected a module, found " + name);
    CHECK(text_of_pickle("]q\0K\1q\1]q\0j\1\0\0\0"s) == "pickle-form: expected one value at the end, found 4");
    CHECK(text_of_pickle("](e(K\1K\2u") ==
          "pickle-form: expected a new list or dict below what goes into it, found another value");
    CHECK(text_of_pickle("}(NK\1u") == "pickle-form: expected a text or a number as a key, found None");
    CHECK(text_of_pickle("ctorch._utils\n_rebuild_tensor_v2\nK\1R") ==
          "pickle-form: expected a tuple of arguments, found an int");
}

TEST_CASE("a pickle has bounded bytes and values", "[scan]") {
    ScanLimits limits;
    limits.pickle_bytes = 100;
    CHECK(text_of_pickle(std::string(200, 'N'), limits) == "pickle-size: expected at most 100 bytes, found 203");
    CHECK(text_of_pickle(std::string(2'000'001, 'N')) == "pickle-size: expected at most 2000000 values, found more");
    std::string shared = "Nq\0"s;  // values that are recalled are new on the stack alone
    for (int i = 0; i < 1000; ++i) shared += "h\0"s;
    std::string lists;
    for (int i = 0; i < 4100; ++i) lists += "](" + shared.substr(3) + "e";
    CHECK(text_of_pickle("Nq\0"s + lists) == "pickle-size: expected at most 2000000 values, found more");
}

TEST_CASE("a report says what a module holds, as JSON", "[scan]") {
    ModuleReport report;
    REQUIRE(scan_module(module_archive(module_files("Net",
                                                    "  def forward(self: __torch__.Net, x: Tensor) -> Tensor:\n"
                                                    "    return torch.neg(torch.neg(x))\n")),
                        {}, report)
                .ok());
    const JsonValue clean = report.json();
    CHECK(clean.text().find("\"accepted\":true") != std::string::npos);
    CHECK(clean.text().find("\"operators\":{\"aten::neg\":2}") != std::string::npos);
    CHECK(clean.text().find("\"functions\":1") != std::string::npos);
    ModuleReport refused;
    REQUIRE_FALSE(scan_module(module_archive(module_files("Net",
                                                          "  def forward(self: __torch__.Net, x: Tensor) -> Tensor:\n"
                                                          "    print(x)\n    return x\n")),
                              {}, refused)
                      .ok());
    const std::string text = refused.json().text();
    CHECK(text.find("\"accepted\":false") != std::string::npos);
    CHECK(text.find("\"rule\":\"operator\",\"file\":\"code/__torch__.py\",\"line\":6") != std::string::npos);
}

TEST_CASE("each listed operator is allowed, harmless and has its reason", "[scan]") {
    const OperatorRules rules{ScanLimits{}};
    const auto all = listed_operators();
    CHECK(all.size() > 400);
    for (const std::string &name : all) {
        INFO(name);
        CHECK((rules.allowed(name) && harm_of(name).empty() && !reason_of(name).empty()));
    }
}

TEST_CASE("inflating wants the exact size", "[scan]") {
    const auto bytes = [](std::string_view text) { return as_bytes(text); };
    Bytes four(4), three(3), none;
    CHECK(inflate_exactly(bytes("\x4b\x4c\x4a\x4e\x01\x00"s), four).ok());  // "abcd", deflated
    CHECK_FALSE(inflate_exactly(bytes("\x4b\x4c\x4a\x4e\x01\x00"s), three).ok());
    CHECK(inflate_exactly(bytes("\x03\x00"s), none).ok());
    CHECK_FALSE(inflate_exactly(bytes("\xff\xff"s), four).ok());
    const ByteView endless(four.data(), size_t{5} << 30);  // never read
    CHECK(std::string(inflate_exactly(endless, four).message).find("expected less than 4 GiB") != std::string::npos);
}

TEST_CASE("a deadline ends a scan wherever it is", "[scan]") {
    ModuleFiles files = module_files("Net",
                                     "  held : List[int]\n  def forward(self: __torch__.Net, x: Tensor) -> Tensor:\n"
                                     "    for i in range(1 + 2):\n      x = torch.neg(x)\n    return x\n");
    std::string list = "](";
    for (int i = 0; i < 3000; ++i) list += "K\1";
    files["data.pkl"] = "\x80\x02"s + "c__torch__\nNet\n)\x81}(X\x08\0\0\0training\x89X\4\0\0\0held"s + list + "eub.";
    const Bytes file = module_archive(files);
    const CountingClock counting;
    ModuleReport whole;
    REQUIRE(scan_module(file, {}, whole, counting.stop_at(1'000'000)).ok());
    const int64_t asked = counting.reads();
    CHECK(asked > 50);  // the archive's entries are six
    for (int64_t n = 1; n <= asked; ++n) {
        CAPTURE(n);
        const CountingClock clock;
        ModuleReport report;
        const auto checked = scan_module(file, {}, report, clock.stop_at(n));
        CHECK(checked.status().code == WB_DEADLINE_EXCEEDED);
        CHECK(report.findings.stop == nullptr);
    }
}

TEST_CASE("a scan that runs out of memory leaves no stop behind", "[scan]") {
    struct FullClock final : Clock {
        int64_t now_ns() const override {
            if (++reads > 7) throw std::bad_alloc();
            return 0;
        }
        mutable int reads = 0;
    };
    const FullClock clock;
    ModuleReport report;
    CHECK_THROWS_AS(scan_module(module_archive(module_files()), {}, report, StopSource{&clock, nullptr, 1}),
                    std::bad_alloc);
    CHECK(clock.reads == 8);  // the archive's entries are six
    CHECK(report.findings.stop == nullptr);
}

TEST_CASE("sums of many numbers are read in one pass each", "[scan]") {
    std::string sum = "-1";
    for (int i = 0; i < 120; ++i) sum += "+-1";
    std::string body;
    for (int i = 0; i < 3000; ++i) body += "for i in range(" + sum + "):\n  pass\n";
    CHECK(rule_of_body(body + "return x") == "");
    CHECK(rule_of_body("for i in range(" + sum + "*-100000000):\n  y = torch.neg(x)\nreturn x") == "code-loop");
}
