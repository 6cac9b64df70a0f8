// SPDX-License-Identifier: Apache-2.0
#include "scan/operators.hpp"
#include "unit/scan/scan_support.hpp"

using namespace weighbridge::lib;
using namespace weighbridge::test;

TEST_CASE("what the host refuses is refused as a sign, an index and an attribute too", "[scan]") {
    struct Case {
        const char *name, *body;
    };
    const Case refused[] = {{"matmul", "return x @ x"},
                            {"matmul", "return torch.matmul(x, x)"},
                            {"add", "return x + 1"},
                            {"add", "x += 1\nreturn x"},
                            {"add_", "x += 1\nreturn x"},
                            {"sub", "return x - 1"},
                            {"neg", "return -x"},
                            {"mul", "return x * 2"},
                            {"div", "return x / 2"},
                            {"floordiv", "y = 3 // 2\nreturn x"},
                            {"remainder", "return x % 2"},
                            {"pow", "return x ** 2"},
                            {"__and__", "return x & x"},
                            {"__or__", "return x | x"},
                            {"__xor__", "return x ^ x"},
                            {"__lshift__", "return x << 1"},
                            {"__rshift__", "return x >> 1"},
                            {"bitwise_not", "return ~x"},
                            {"eq", "return x == 1"},
                            {"ne", "return x != 1"},
                            {"lt", "return x < 1"},
                            {"le", "return x <= 1"},
                            {"gt", "return x > 1"},
                            {"ge", "return x >= 1"},
                            {"__not__", "y = not True\nreturn x"},
                            {"__is__", "y = x is None\nreturn x"},
                            {"__isnot__", "y = x is not None\nreturn x"},
                            {"select", "return x[0]"},
                            {"slice", "return (x)[0:1]"},
                            {"index", "return x[0][x]"},
                            {"__getitem__", "return self.training[0]"},
                            {"index_put_", "x[0] = 1\nreturn x"},
                            {"copy_", "x[0] = 1\nreturn x"},
                            {"_set_item", "x[0] = 1\nreturn x"},
                            {"Int", "y = int(x)\nreturn x"},
                            {"Bool", "y = bool(x)\nreturn x"},
                            {"Float", "y = float(x)\nreturn x"},
                            {"str", "y = str(x)\nreturn x"},
                            {"sorted", "y = sorted([2, 1])\nreturn x"},
                            {"numpy_T", "return x.T"},
                            {"mT", "return x.mT"},
                            {"real", "return (x).real"}};
    for (const Case &one : refused) {
        CAPTURE(one.name, one.body);
        CHECK(rule_of_body(one.body) == "");
        ScanLimits limits;
        limits.not_allowed = {"aten::" + std::string(one.name)};
        CHECK(rule_of_body(one.body, limits) == "operator");
        limits.not_allowed = {"aten::relu", "prim::other"};
        CHECK(rule_of_body(one.body, limits) == "");
    }
    ScanLimits limits;
    limits.not_allowed = {"prim::shape"};
    CHECK(rule_of_body("y = x.shape\nreturn x", limits) == "operator");
    limits.not_allowed = {"aten::matmul", "aten::*_put_"};
    CHECK(rule_of_body("x[0] = 1\nreturn x", limits) == "operator");
}

TEST_CASE("what the host refuses is spelt as the lists have it", "[scan]") {
    const auto refusal = [](std::vector<std::string> refused, std::vector<std::string> allowed = {}) {
        ScanLimits limits;
        limits.not_allowed = std::move(refused);
        limits.also_allowed = std::move(allowed);
        const Status status = check_refusals(limits);
        CHECK(status.code == (std::string(status.message).empty() ? WB_OK : WB_INVALID_ARGUMENT));
        return std::string(status.message);
    };
    for (const char *known : {"aten::matmul", "aten::add_", "aten::__iand__", "prim::data", "prim::Print", "aten::*",
                              "*::*", "aten::*_put_", "aten::conv*", "c10d::all_reduce", "c10d::*", "c10d::all*",
                              "quantized::linear", "aten::upsample_nearest2d", "aten::__getitem__"})
        CHECK(refusal({"aten::relu", known}) == "");
    CHECK(refusal({"mine::score", "mine::*", "mine::s*"}, {"mine::*"}) == "");
    CHECK(
        refusal({"aten::relu", "aten::matmull"}) ==
        "scan_refuse: expected operators of the library's lists or of scan_allow, got 'aten::matmull', which no module "
        "may call anyway; near: 'aten::matmul', 'aten::maximum', 'aten::mul'");
    for (const char *unknown :
         {"aten::", "aten::relu__", "prim::relu", "mine::score", "mine::*", "aten::matmull*", "torch::add"})
        CHECK(refusal({unknown}) != "");
    CHECK(refusal({"mine::score"}, {"mine::other"}) != "");
}

TEST_CASE("attributes in each other are followed once", "[scan]") {
    ScanLimits limits;
    limits.not_allowed = {"aten::mT"};
    const auto chain = [](const std::string &end, int lines) {
        const std::string one = "    y = self" + repeated(".a", 240) + end + "\n";
        return "  a : __torch__.Net\n  b : Tensor\n  def forward(self: __torch__.Net, x: Tensor) -> Tensor:\n" +
               repeated(one, lines) + "    return x\n";
    };
    const auto rule = [&](const std::string &members) {
        return broken_rule(module_archive(module_files("Net", members)), limits);
    };
    CHECK(rule(chain(".b.mT", 1)) == "operator");
    CHECK(rule(chain(".b.b", 1)) == "pickle-attribute");
    CHECK(rule(chain("", 8000)) == "pickle-attribute");  // 3.9 MB, which took most of a minute
}

TEST_CASE("lists, types, texts and attributes of modules are no operators", "[scan]") {
    ScanLimits limits;
    limits.not_allowed = {"aten::select", "aten::slice",    "aten::index", "aten::training",
                          "aten::add",    "prim::training", "aten::torch", "aten::constant"};
    CHECK(rule_of_body("y = [1, 2]\nz = annotate(List[int], [3])\nt = \"a + b[0]\"\nreturn x", limits) == "");
    CHECK(rule_of_body("y = self.training\nz = [[1], [2]]\nreturn torch.neg(x)", limits) == "");
}
