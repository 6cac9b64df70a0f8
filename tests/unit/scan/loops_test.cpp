// SPDX-License-Identifier: Apache-2.0
// How often a loop may run, as far as its line says so.
#include "unit/scan/scan_support.hpp"

using namespace weighbridge::lib;
using namespace weighbridge::test;

TEST_CASE("a loop's count is read in each form that a number has", "[scan]") {
    const auto over = [](const std::string &what, const std::string &before = "") {
        return rule_of_body(before + "for i in " + what + ":\n  y = torch.neg(x)\nreturn x");
    };
    for (const char *large : {"range(100000000, 0, -1)",
                              "range(1, 100000000)",
                              "range(0, 100000000, 1)",
                              "range(10 * 10000000)",
                              "range(torch.mul(10000, 10000))",
                              "range(torch.pow(10, 9))",
                              "range(10 ** 9)",
                              "range(1 << 40)",
                              "range(2 * -3 * -100000000)",
                              "range(int(1e9))",
                              "range(-1 % 1000000000000)",
                              "range(torch.remainder(-1, 1000000000000))",
                              "range(((100000000)))",
                              "range(annotate(int, 100000000))",
                              "range(100000000 if bool(x) else 1)",
                              "range(1 if bool(x) else 100000000)",
                              "range(torch.sub(100000000, 1))",
                              "range(torch.__range_length(0, 100000000, 1))",
                              "range(ops.prim.max(1, 100000000))",
                              "torch.mul([0], 100000000)",
                              "[0] * 100000000",
                              "range(torch.len([0] * 100000000))",
                              "range(torch.neg(-100000000))",
                              "range(torch.len(\"ab\" * 100000000))",
                              "ops.prim.rangelist(100000000)",
                              "range(torch.floordiv(200000000, 2))",
                              "range(100000000 >> 1)",
                              "range(-(-100000000))",
                              "range(-(-4194305 & -4194303))",
                              "range(torch.__or__(100000000, 1))",
                              "range(torch.__xor__(100000000, 1))",
                              "range(torch.__and__(100000000, 100000000))",
                              "range(100000000 | 1)",
                              "range(1 ^ 100000000)",
                              "range(torch.__lshift__(1, 40))",
                              "range(torch.__rshift__(100000000, 1))",
                              "range(torch.__derive_index(100000000, 0, 1))",
                              "range(-int(~torch.tensor(100000000)))",
                              "range(int(torch.bitwise_or(torch.tensor(100000000), 1)))",
                              "range(torch.multiply(10000, 10000))",
                              "range(torch.factorial(12))",
                              "range(1 << -3)",
                              "range(1 << 1 - 4)",
                              "range(1 << torch.neg(3))",
                              "range(1 << torch.__or__(0, -3))",
                              "range(torch.__range_length(0, 100000000, torch.size(x, 0)))",
                              "range(torch.__range_length(100000000, 0, -1))",
                              "range(torch.size(x, 0), 100000000)"})
        CHECK(over(large) == "code-loop");
    CHECK(over("range(1 << b)", "a = -3\nb = a\n") == "code-loop");
    CHECK(over("range(c)", "a = 1000000\nb = a\nc = b * b\n") == "code-loop");
    std::string doubled = "a0 = 1 + 1\n";
    for (int i = 1; i < 60; ++i)
        doubled += "a" + std::to_string(i) + " = a" + std::to_string(i - 1) + " + a" + std::to_string(i - 1) + "\n";
    CHECK(over("range(a59)", doubled) == "code-loop");
    std::string list = "[";
    for (int i = 0; i < 300; ++i) list += "0, ";
    list += "]";
    CHECK(rule_of_body("for i in " + list + ":\n  for j in " + list + ":\n    for k in " + list +
                       ":\n      y = torch.neg(x)\nreturn x") == "code-loop");
    for (const char *small : {"range(3)",
                              "range(torch.len(torch.slice([1, 2], 0, 9223372036854775807, 1)))",
                              "range(torch.size(x, 0))",
                              "range(torch.sub(torch.size(x, 0), 1))",
                              "range(10 // 3)",
                              "range(torch.dim(x), 0, -1)",
                              "[1, 2, 3]",
                              "\"abc\"",
                              "range(7 % 1000)",
                              "x",
                              "(x)",
                              "range(CONSTANTS.c0)",
                              "range(64 << 10)",
                              "range(1 << torch.sub(5, 1))",
                              "range(1 << torch.sub(torch.size(x, 0), 2))",
                              "range(1 << 2 * torch.dim(x) - 1)",
                              "range(1 << torch.dim(x) // 2 - 1)",
                              "range(1 << torch.add(torch.dim(x), -1))",
                              "range(0, torch.size(x, 0), 2)",
                              "range(3 | 4 ^ 1)",
                              "range(torch.__range_length(0, torch.size(x, 0), 4))",
                              "range(torch.len(torch.list(\"abc\")) - 1)"})
        CHECK(over(small) == "");
}

TEST_CASE("loops are counted as LibTorch computes: signs by rank, arguments by name, no stars", "[scan]") {
    const auto over = [](const std::string &what) {
        return rule_of_body("for i in " + what + ":\n  y = torch.neg(x)\nreturn x");
    };
    for (const char *large : {"range(-1 // 1 % 1000000000000)", "range(int(-1 / 2 % 1000000000000))",
                              "range(torch.mul(a=1000000, b=1000000))", "range(torch.__lshift__(b=40, a=1))",
                              "range(int(torch.add(torch.tensor(1), torch.tensor(1), alpha=1000000000)))",
                              "range(int(torch.add(torch.tensor(1), torch.tensor(1000000), 1000000)))",
                              "range(1 << torch.rsub(3, 2))", "range(2 ** 2 ** 5)", "range(100 - 1 + 1000000000)"})
        CHECK(over(large) == "code-loop");
    for (const char *small :
         {"range(int(torch.add(torch.tensor(1), torch.tensor(1), alpha=1)))", "range(1 << torch.len(x) - 1)",
          "range(int(torch.tensor(3, dtype=4, device=None, requires_grad=False)))", "range(64 // 8 % 3)",
          "range(torch.add(torch.size(x, 0), 1, ))"})
        CHECK(over(small) == "");
    CHECK(over("range(*(0, 1000000000000))") == "code-form");
    CHECK(rule_of_body("y = torch.add(*[x, x])\nreturn y") == "code-form");
    CHECK(rule_of_body("y = x * x ** 2\nreturn (y) * x[0] * 2") == "");
}
