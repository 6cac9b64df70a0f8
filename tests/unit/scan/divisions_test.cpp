// SPDX-License-Identifier: Apache-2.0
// Divisions that LibTorch computes while it loads a module.
#include "unit/scan/scan_support.hpp"

using namespace weighbridge::lib;
using namespace weighbridge::test;

namespace {

std::string rule_of(const std::string &lines) { return rule_of_body(lines + "\nreturn torch.add(x, n)"); }

}  // namespace

TEST_CASE("constants are divided by nothing that may be 0 or -1", "[scan]") {
    const char *const least = "k = -9223372036854775807 - 1\n";
    for (const std::string &lines : {std::string("n = 7 % torch.len(\"\")"),
                                     std::string("n = 7 % (1 - 1)"),
                                     std::string("n = 7 % int(\"0\")"),
                                     std::string("n = 7 % torch.ord(\"a\")"),
                                     std::string("n = 7 % 0"),
                                     std::string("n = torch.size(x, 0) + 7 % (1 - 1)"),
                                     std::string("n = [7 % -0][0]"),
                                     std::string("n = torch.remainder(7, 0)"),
                                     std::string("n = torch.remainder(b=0, a=7)"),
                                     std::string("n = ops.aten.remainder(7, 0)"),
                                     std::string("k = 0\nn = 7 % k"),
                                     std::string("n = 7\nn %= 0"),
                                     std::string("k, m = 0, x\nn = 7 % k"),
                                     std::string("k = (x, 0)[1]\nn = 7 % k"),
                                     std::string("k, m = torch.divmod(7, 2)\nn = 7 % m"),
                                     std::string("m, k = (x, 0)\nn = 7 % k"),
                                     std::string("n = 7 % (0 if True else torch.size(x, 0))"),
                                     std::string("n = 7 % int(x is None)"),
                                     std::string("n = 7 % int(isinstance(x, int))"),
                                     std::string("n = 7 % (2 ** 3)"),
                                     std::string("if bool(x):\n  n = 7 % (1 - 1)\nelse:\n  n = 1"),
                                     std::string("if bool(x):\n  k = 0\nelse:\n  k = torch.size(x, 0)\nn = 7 % k"),
                                     least + std::string("n = k // -1"),
                                     least + std::string("n = torch.floordiv(k, -1)"),
                                     least + std::string("n, m = torch.divmod(k, -1)"),
                                     least + std::string("n = torch.gcd(k, -1)"),
                                     least + std::string("n = torch.gcd(-1, k)")}) {
        INFO(lines);
        CHECK(rule_of(lines) == "code-division");
    }
}

TEST_CASE("data, and divisors that are certain, divide as models do", "[scan]") {
    for (const char *lines :
         {"n = (8 - torch.size(x, 1) % 8) % 8", "n = 7 % torch.size(x, 0)", "n = torch.size(x, 0) % 0", "n = 7 % 8",
          "n = torch.remainder(7, 8)", "n = 7 // -2", "n = torch.gcd(12, 18)",
          "n = torch.floordiv(torch.add(torch.size(x, 1), 3), 4)", "k = 4\nn = 7 % k",
          "if bool(x):\n  k = 4\nelse:\n  k = 8\nn = 12 // k", "for i in range(3):\n  n = 7 % torch.add(i, 1)",
          "a, b = torch.max(x, 0)\nn = torch.remainder(7, int(b))", "n = 7\nn %= torch.size(x, 0)",
          "n = 7 % torch.len(torch.size(x))", "n = torch.remainder(x, torch.neg(x))",
          "n = torch.len(torch.format(\"{}\", 3))"}) {
        INFO(lines);
        CHECK(rule_of(lines).empty());
    }
}
