// SPDX-License-Identifier: Apache-2.0
#include "unit/scan/scan_support.hpp"

using namespace weighbridge::lib;
using namespace weighbridge::test;

TEST_CASE("code as the printer of TorchScript writes it is accepted", "[scan]") {
    CHECK(rule_of_body("return x") == "");
    CHECK(rule_of_body("y = torch.add(x, torch.mul(x, 2.5e-05), alpha=1)\nreturn torch.relu_(y)") == "");
    CHECK(rule_of_body(
              "a, b, = torch.unbind(x)\nif torch.gt(torch.size(a, 0), -1):\n  c = a\nelse:\n  c = b\nreturn c") == "");
    CHECK(rule_of_body("_0 = \"a \\\"text\\\": {}\\n\"\nops.prim.RaiseException(torch.format(_0, 1))\nreturn x") == "");
    CHECK(rule_of_body("for i in range(torch.len([1, 2])):\n  x0 = torch.neg(x)\nreturn x") == "");
    CHECK(rule_of_body("y = annotate(List[Optional[Tensor]], [x, None])\nz = unchecked_cast(Tensor, y[0])\nreturn z") ==
          "");
    CHECK(rule_of_body("y = torch.tensor([-1, -2.5, inf, -nan])\nreturn y") == "");
    CHECK(rule_of_body("y = annotate(List[float], x.tolist())\nreturn torch.tensor(y)") == "");
    CHECK(rule_of_body("torch.warn(\"text\", 2)\nreturn x if torch.is_floating_point(x) else torch.float(x)") ==
          "operator");
    CHECK(rule_of_body("torch.warn(\"text\", 2)\nreturn x") == "");
    CHECK(
        rule_of_members("  scale : Final[float] = -2.5\n  names : Final[List[str]] = [\"a\", \"b\"]\n"
                        "  def half(self: __torch__.Net, x: Tensor, by: float=0.5, to: Optional[int]=None) -> Tensor:\n"
                        "    return torch.mul(x, by)\n"
                        "  def forward(self: __torch__.Net,\n    x: Tensor) -> Tensor:\n"
                        "    return (self).half(x, 0.5, )\n") == "");
    CHECK(rule_of_file("class Pair(NamedTuple):\n  a : Tensor\n  b : int\n"
                       "class Colour(Enum):\n  red = 1\n  blue = 2\n"
                       "def f(x: Tensor) -> Tensor:\n  _0 = __torch__.more.g\n  y = _0(x, )\n"
                       "  p = __torch__.more.Pair(y, 1)\n  return p.a\n"
                       "def g(x: Tensor) -> Tensor:\n  return x\n") == "");
}

TEST_CASE("calls in each other have a depth, and `in` calls nothing", "[scan]") {
    const auto chain = [](int depth) {
        std::string code;
        for (int i = 0; i < depth; ++i)
            code += "def f" + std::to_string(i) + "(x: Tensor) -> Tensor:\n  return __torch__.more.f" +
                    std::to_string(i + 1) + "(x, )\n";
        return code + "def f" + std::to_string(depth) + "(x: Tensor) -> Tensor:\n  return x\n";
    };
    CHECK(rule_of_file(chain(200)) == "");
    CHECK(rule_of_file(chain(300)) == "code-nesting");
    CHECK(rule_of_file(chain(20'000)) == "code-nesting");
    CHECK(rule_of_body("for i in range(3):\n  x = torch.neg(x)\nreturn x") == "");
    CHECK(rule_of_body("y = 1 in [1, 2]\nreturn x") == "code-word");
    CHECK(rule_of_body("for i in range(1 in [1]):\n  pass\nreturn x") == "code-word");
}

TEST_CASE("what would run while a module is loaded is refused", "[scan]") {
    const std::string self = "(self: __torch__.Net, x: Tensor) -> Tensor:\n    return x\n";
    CHECK(rule_of_members("  def __setstate__" + self) == "code-setstate");
    CHECK(rule_of_members("  def __getstate__" + self) == "code-setstate");
    CHECK(rule_of_members("  def __getitem__" + self) == "code-method");
    CHECK(rule_of_members("  def f(self: __torch__.Net, x: Tensor=torch.ones([1])) -> Tensor:\n    return x\n") ==
          "code-literal");
    CHECK(rule_of_members("  def f(self: __torch__.Net, n: int=int(2)) -> int:\n    return n\n") == "code-literal");
    CHECK(rule_of_members("  n : Final[int] = torch.len(torch.save(1, \"f\"))\n") == "code-literal");
    CHECK(rule_of_members("  n : Final[List[int]] = [1, 2][0]\n") == "code-literal");
    CHECK(rule_of_members("  __forward_hooks__ = [\"hook\"]\n") == "code-hook");
    CHECK(rule_of_members("  other = 1\n") == "code-form");
    CHECK(rule_of_members("  torch.save(1, \"f\")\n") == "code-form");
    CHECK(rule_of_file("torch.save(1, \"f\")\n") == "code-form");
    CHECK(rule_of_file("op_version_set = 1\n") == "code-form");
    CHECK(rule_of_file("import os\n") == "code-word");
    CHECK(rule_of_file("class A(Interface):\n  def f(self, x: Tensor) -> Tensor:\n    pass\n") == "code-class");
    CHECK(rule_of_file("class A(__torch__.Net):\n  n : int\n") == "code-class");
}

TEST_CASE("operators that leave the sandbox are refused by name, in each form of a call", "[scan]") {
    CHECK(rule_of_body("torch.save(x, \"f\")\nreturn x") == "operator");
    CHECK(rule_of_body("x.save(\"f\")\nreturn x") == "operator");
    CHECK(rule_of_body("(x).save(\"f\")\nreturn x") == "operator");
    CHECK(rule_of_body("return torch.add(x, torch.from_file(\"f\", True, 6))") == "operator");
    CHECK(rule_of_body("return ops.aten.from_file(\"f\", True, 6)") == "operator");
    CHECK(rule_of_body("print(x)\nreturn x") == "operator");
    CHECK(rule_of_body("ops.prim.Print(x)\nreturn x") == "operator");
    CHECK(rule_of_body("torch.manual_seed(7)\nreturn x") == "operator");
    CHECK(rule_of_body("y = ops.c10d.broadcast_(x)\nreturn x") == "operator");
    CHECK(rule_of_body("y = ops.mkldnn.data_ptr(x)\nreturn x") == "operator");
    CHECK(rule_of_body("y = torch._sparse_coo_tensor_unsafe(x, x, [1])\nreturn x") == "operator");
    CHECK(rule_of_body("y = fork(x)\nreturn x") == "operator");
    CHECK(rule_of_body("y = torch.autograd.grad([x], [x])\nreturn x") == "operator");
    CHECK(rule_of_body("y = torch.as_strided(x, [1], [1], 1000000)\nreturn x") == "operator");
    CHECK(rule_of_body("f = torch.save\nf(x, \"f\")\nreturn x") == "code-call");
    CHECK(rule_of_body("f = x.save\nf(\"f\")\nreturn x") == "code-call");
    CHECK(rule_of_body("(x.save)(\"f\")\nreturn x") == "code-call");
    CHECK(rule_of_body("getattr(x, \"save\")(\"f\")\nreturn x") == "code-call");
    CHECK(rule_of_body("y = getattr(torch, \"save\")\nreturn x") == "code-call");
    CHECK(rule_of_body("[torch.save][0](x, \"f\")\nreturn x") == "code-call");
    CHECK(rule_of_body("y = eval(\"1\")\nreturn x") == "code-call");
    CHECK(rule_of_body("y = ops.save\nreturn x") == "code-call");
    CHECK(rule_of_body("y = __torch__.torch.classes.quantized.LinearPackedParamsBase(x)\nreturn x") == "torch-classes");
    CHECK(rule_of_body("y = annotate(__torch__.torch.classes.a.B, x)\nreturn x") == "torch-classes");
    CHECK(rule_of_body("y = __torch__.unknown(x)\nreturn x") == "code-call");
}

TEST_CASE("a call of a method goes where the scan saw it go", "[scan]") {
    const std::string forward = "  def forward(self: __torch__.Net, x: Tensor) -> Tensor:\n";
    const std::string save = "  def save(self: __torch__.Net, name: str) -> str:\n    return name\n";
    CHECK(rule_of_members(save + forward + "    y = (self).save(\"f\", )\n    return x\n") == "");
    CHECK(rule_of_members(save + forward + "    me = self\n    y = (me).save(\"f\", )\n    return x\n") == "");
    CHECK(rule_of_members(save + forward + "    x.save(\"f\")\n    return x\n") == "code-receiver");
    CHECK(rule_of_members(save + forward + "    y = self\n    y = x\n    (y).save(\"f\")\n    return x\n") ==
          "code-receiver");
    CHECK(rule_of_members(save + forward + "    y = self\n    (y, z) = (x, 1)\n    (y).save(\"f\")\n    return x\n") ==
          "code-receiver");
    CHECK(rule_of_members(save + forward + "    y = self\n    [y, z] = [x, x]\n    (y).save(\"f\")\n    return x\n") ==
          "code-receiver");
    CHECK(rule_of_members(save + forward +
                          "    y = self\n    for y in x:\n      pass\n    (y).save(\"f\")\n    return x\n") ==
          "code-receiver");
    CHECK(rule_of_members(save + forward + "    a = y = self\n    return x\n") == "code-form");
    CHECK(rule_of_members(save + forward + "    y = unchecked_cast(__torch__.Net, x)\n    return x\n") == "code-cast");
    CHECK(rule_of_members(forward + "    y = (self).other(x, )\n    return x\n") == "code-call");
    CHECK(rule_of_members(forward + "    y = (x).forward(x, )\n    return x\n") == "code-receiver");
    CHECK(rule_of_body("torch = x\nreturn x") == "code-shadow");
    CHECK(rule_of_body("int = x\ny = int(x)\nreturn x") == "code-shadow");
    CHECK(rule_of_members("  def f(self: __torch__.Net, ops: Tensor) -> Tensor:\n    return ops\n") == "code-shadow");
}

TEST_CASE("forms that TorchScript's parser has and its printer does not are refused", "[scan]") {
    CHECK(rule_of_body("while True:\n  pass\nreturn x") == "code-word");
    CHECK(rule_of_body("with x:\n  pass\nreturn x") == "code-word");
    CHECK(rule_of_body("f = lambda a: a\nreturn x") == "code-word");
    CHECK(rule_of_body("def f():\n  return 1\nreturn x") == "code-word");
    CHECK(rule_of_body("y = [a for a in x]\nreturn x") == "code-word");
    CHECK(rule_of_body("assert x\nreturn x") == "code-word");
    CHECK(rule_of_body("y = 1 # type: (int) -> int\nreturn x") == "code-comment");
    CHECK(rule_of_body("y = 'a'\nreturn x") == "code-byte");
    CHECK(rule_of_body("y = \"\"\"a\"\"\"\nreturn x") == "code-text");
    CHECK(rule_of_body("y = f\"a\"\nreturn x") == "code-text");
    CHECK(rule_of_body("y = \"a\nreturn x") == "code-text");
    CHECK(rule_of_body("y = \"\xC3\xA4\"\nreturn x") == "code-text");
    CHECK(rule_of_body("y = \xC3\xA4\nreturn x") == "code-byte");
    CHECK(rule_of_body("y = 1; z = 2\nreturn x") == "code-byte");
    CHECK(rule_of_body("y = 1 + \\\n  2\nreturn x") == "code-byte");
    CHECK(rule_of_body("y = 0x10\nreturn x") == "code-number");
    CHECK(rule_of_body("y = 1.2.3\nreturn x") == "code-number");
    CHECK(rule_of_body("y = (1, 2\nreturn x") == "code-brackets");
    CHECK(rule_of_body("y = 1)\nreturn x") == "code-brackets");
    CHECK(rule_of_body("y = x...\nreturn x") == "code-form");
    CHECK(rule_of_body("/ = 1\nreturn x") == "code-form");
    CHECK(rule_of_body("= 1\nreturn x") == "code-form");
    CHECK(rule_of_body(",\nreturn x") == "code-form");
    CHECK(rule_of_body(".\nreturn x") == "code-form");
    CHECK(rule_of_members(" def f(self):\n    return 1\n") == "code-indent");
    CHECK(rule_of_file("def f(x: Tensor) -> Tensor:\n  return x\ndef f(x: Tensor) -> Tensor:\n  return x\n") ==
          "code-twice");
    CHECK(rule_of_members("  n : Future[int]\n") == "code-type");
    CHECK(rule_of_members("  n : __torch__.torch.classes.quantized.X\n") == "code-type");
    CHECK(rule_of_file("def f(*x) -> Tensor:\n  return x\n") == "code-form");
}

TEST_CASE("what nests so deep that a parser's stack would end is refused", "[scan]") {
    for (const int depth : {65, 600, 100'000}) {
        CHECK(rule_of_body("return " + repeated("(", depth) + "x" + repeated(")", depth)) == "code-nesting");
        CHECK(rule_of_body("return " + repeated("torch.neg(", depth) + "x" + repeated(")", depth)) == "code-nesting");
        CHECK(rule_of_members("  n : " + repeated("List[", depth) + "int" + repeated("]", depth) + "\n") ==
              "code-nesting");
        std::string blocks;
        for (int i = 0; i < std::min(depth, 200); ++i) blocks += repeated("  ", i) + "if True:\n";
        CHECK(rule_of_body(blocks + repeated("  ", std::min(depth, 200)) + "return x") == "code-nesting");
    }
    CHECK(rule_of_body("return " + repeated("(", 40) + "x" + repeated(")", 40)) == "");
    for (const char *chain : {"not ", "- ", "x + ", "x ** ", "x if x else ", "x.a.", "x and "})
        CHECK(rule_of_body("return " + repeated(chain, 1000) + "x") == "code-nesting");
    CHECK(rule_of_body("return x" + repeated("[0]", 1000)) == "code-nesting");
    CHECK(rule_of_body("return torch.tensor([" + repeated("-1, ", 10'000) + "])") == "");
}

TEST_CASE("calls that fan out, call themselves or loop for long are refused", "[scan]") {
    std::string chain;
    for (int i = 0; i < 40; ++i) {
        const std::string next = "__torch__.more.f" + std::to_string(i + 1);
        chain += "def f" + std::to_string(i) + "(x: Tensor) -> Tensor:\n  y = " + next + "(x, )\n  return " + next +
                 "(y, )\n";
    }
    CHECK(rule_of_file(chain + "def f40(x: Tensor) -> Tensor:\n  return x\n") == "code-fan-out");
    CHECK(rule_of_file("def f(x: Tensor) -> Tensor:\n  return __torch__.more.f(x, )\n") == "code-recursion");
    CHECK(rule_of_file("def f(x: Tensor) -> Tensor:\n  return __torch__.more.g(x, )\n"
                       "def g(x: Tensor) -> Tensor:\n  return __torch__.more.f(x, )\n") == "code-recursion");
    CHECK(rule_of_body("for i in range(9223372036854775807):\n  y = torch.neg(x)\nreturn x") == "code-loop");
    CHECK(rule_of_body("for i in range(99999999999999999999999):\n  y = torch.neg(x)\nreturn x") == "code-loop");
    CHECK(rule_of_body("n = 100000000\nfor i in range(n):\n  y = torch.neg(x)\nreturn x") == "code-loop");
    CHECK(rule_of_body("for i in range(10000):\n  for j in range(10000):\n    y = torch.neg(x)\nreturn x") ==
          "code-loop");
    CHECK(rule_of_body("for i in range(100):\n  for j in range(100):\n    y = torch.neg(x)\nreturn x") == "");
}

TEST_CASE("a cast to a tuple is of what is certain to be one, or None", "[scan]") {
    const auto cast = [](const std::string &from, const std::string &to) {
        return rule_of_members("  def forward(self: __torch__.Net, x: " + from + ") -> int:\n    y = unchecked_cast(" +
                               to + ", x)\n    return 1\n");
    };
    CHECK(cast("Optional[Tuple[int, Tensor]]", "Tuple[int, Tensor]") == "");
    CHECK(cast("Tuple[int, Tensor]", "Tuple[int, Tensor]") == "");
    CHECK(cast("Optional[List[Tuple[int, int]]]", "List[Tuple[int, int]]") == "");
    CHECK(cast("Optional[Tensor]", "Tensor") == "");
    CHECK(cast("Tuple[int, int]", "Tuple[int, int, int]") == "code-cast");
    CHECK(cast("List[Tuple[int, int]]", "List[Tuple[int]]") == "code-cast");
    CHECK(cast("Any", "Tuple[int, int]") == "code-cast");
    CHECK(cast("Any", "Future[int]") == "code-type");
    const auto joined = [](const std::string &first, const std::string &second) {
        return rule_of_members(
            "  def forward(self: __torch__.Net, x: Optional[Tuple[int, int]]) -> int:\n    if True:\n"
            "      a = unchecked_cast(Tuple[int, int], x)\n      y" +
            first + "\n    else:\n      y" + second + "\n    z = unchecked_cast(Tuple[int, int], y)\n    return 1\n");
    };
    CHECK(joined(" : Optional[Tuple[int, int]] = a", " = x") == "");
    CHECK(joined(" = a", " = a") == "");
    CHECK(joined(" : Optional[Tuple[int, int]] = a", " = (1, 2, 3)") == "code-cast");
    CHECK(joined(" : Optional[Tuple[int, int]] = a", ", b, = x") == "code-cast");
    CHECK(rule_of_body("y = (1, 2)\nz = unchecked_cast(Tuple[int, int, int], y)\na, b, c, = z\nreturn x") ==
          "code-cast");
}

TEST_CASE("types in a body are types, and not endless", "[scan]") {
    CHECK(rule_of_body("y = annotate(Future[int], 1)\nreturn x") == "code-type");
    CHECK(rule_of_body("y = isinstance(x, Tensor)\nz = isinstance(x, (Tensor, int))\nreturn x") == "");
    CHECK(rule_of_body("y = isinstance(x, eval)\nreturn x") == "code-type");
    CHECK(rule_of_body("y = isinstance(x)\nreturn x") == "code-type");
    CHECK(rule_of_body("y = annotate(Union[" + repeated("int, ", 3000) + "str], 1)\nreturn x") == "code-type");
    CHECK(rule_of_members("  n : Union[" + repeated("int, ", 3000) + "str]\n") == "code-type");
}

TEST_CASE("operators that crash or never end by their arguments are refused", "[scan]") {
    CHECK(rule_of_body("y = torch._reshape_alias(x, [2], [1099511627776])\nreturn y") == "operator");
    CHECK(rule_of_body("y = torch.ctc_loss(x, x, [1], [1])\nreturn y") == "operator");
    CHECK(rule_of_body("y = torch.native_batch_norm(x, x, x, x, x, False, 0., 0.)\nreturn x") == "operator");
    CHECK(rule_of_body("y = torch.special_legendre_polynomial_p(x, 1000000000000000000)\nreturn y") == "operator");
    CHECK(rule_of_body("y = torch.matrix_power(x, 2)\nreturn y") == "operator");
    CHECK(rule_of_body("y = \"a\".count(\"\")\nreturn x") == "operator");
    CHECK(rule_of_body("y = ops.prim.TupleUnpack((1, 2, 3))\nreturn x") == "operator");
}

TEST_CASE("operators that resample take lists, and no number as a factor", "[scan]") {
    const auto nearest = [](const std::string &before, const std::string &arguments) {
        return rule_of_body(before + "y = torch.upsample_nearest2d(x, " + arguments + ")\nreturn y");
    };
    CHECK(nearest("", "None, [2., 2.]") == "");
    CHECK(nearest("", "[5, 5], None") == "");
    CHECK(nearest("", "[5, 5], 1.e-30") == "operator");
    CHECK(nearest("", "[5, 5], None, 1.e-30") == "operator");
    CHECK(nearest("", "[5, 5]") == "operator");
    CHECK(nearest("", "[5, 5], [1.e-30][0]") == "operator");
    CHECK(nearest("z = 1.e-30\n", "[5, 5], z") == "operator");
    CHECK(nearest("z = annotate(List[float], [])\n", "None, z") == "");
    CHECK(nearest("z : Optional[List[float]] = None\n", "[5, 5], z") == "");
    CHECK(nearest("a, z = [5, 5], None\n", "a, z") == "");
    CHECK(nearest("a, z = [5, 5], 1.e-30\n", "a, z") == "operator");
    CHECK(nearest("a, z, = x\n", "[5, 5], z") == "operator");
    CHECK(nearest("", "scales_h=1.e-30, [5, 5]") == "operator");
    CHECK(nearest("z = unchecked_cast(NoneType, 1.e-30)\n", "[5, 5], z, None") == "operator");
    CHECK(rule_of_body("y = torch.upsample_nearest2d(*(x, [5, 5]), 1.e-30, None)\nreturn y") == "code-form");
    CHECK(nearest("", "scales_h=1.e-30, [5, 5], None") == "operator");
    CHECK(nearest("", "[5, 5], scale_factors=None") == "operator");
    CHECK(nearest("z = None\nif True:\n  z = 1.e-30\nelse:\n  pass\n", "[5, 5], z") == "operator");
    CHECK(nearest("z = w\nw = z\n", "[5, 5], z") == "operator");
    CHECK(nearest("for z in [1.e-30]:\n  pass\n", "[5, 5], z") == "operator");
    CHECK(rule_of_body("y = ops.aten.upsample_nearest1d(x, [2], 1.e-30)\nreturn y") == "operator");
    CHECK(rule_of_body("y = x.upsample_nearest1d([2], 1.e-30)\nreturn y") == "operator");
    CHECK(rule_of_body("y = torch._upsample_bilinear2d_aa(x, None, False, [2., 2.])\nreturn y") == "");
    CHECK(rule_of_body("y = torch._upsample_bilinear2d_aa(x, [5, 5], False, 1.e-30, None)\nreturn y") == "operator");
}

TEST_CASE("classes have no name that LibTorch takes for its own", "[scan]") {
    const auto in = [](const std::string &file) {
        auto files = module_files();
        files["code/__torch__/" + file] = "class Linear(Module):\n  _packed_params : Tensor\n";
        return broken_rule(module_archive(files));
    };
    CHECK(in("torch/nn/modules/linear.py") == "");
    CHECK(in("torch/nn/modules/___torch_mangle_12.py") == "");
    CHECK(in("torch/nn/quantized/modules/linear.py") == "code-class");
    CHECK(in("torch/nn/qu/___torch_mangle_0antized/modules/linear.py") == "code-class");
    CHECK(in("torch/nn/___torch_mangle_/linear.py") == "code-class");
    CHECK(in("torch/classes/quantized.py") == "torch-classes");
}

TEST_CASE("a host narrows and widens the list of operators", "[scan]") {
    ScanLimits limits;
    CHECK(rule_of_body("return torch.relu(x)", limits) == "");
    limits.not_allowed = {"aten::relu"};
    CHECK(rule_of_body("return torch.relu(x)", limits) == "operator");
    CHECK(rule_of_body("return torch.relu_(x)", limits) == "operator");
    CHECK(rule_of_body("return torch.neg(x)", limits) == "");
    limits.also_allowed = {"aten::relu", "mine::*"};
    CHECK(rule_of_body("return torch.relu(x)", limits) == "operator");
    CHECK(rule_of_body("return ops.mine.score(x)", limits) == "");
    CHECK(rule_of_body("return ops.other.score(x)", limits) == "operator");
}

TEST_CASE("findings say rule, file and line, and what would happen", "[scan]") {
    ModuleReport report;
    const auto file = module_archive(module_files("Net",
                                                  "  def forward(self: __torch__.Net, x: Tensor) -> Tensor:\n"
                                                  "    torch.save(x, \"f\")\n    print(x)\n    return x\n"));
    const auto checked = scan_module(file, {}, report);
    CHECK(std::string(checked.status().message) ==
          "model.ts: rule operator: code/__torch__.py:6: calls aten::save, which writes a file; and 1 more");
    REQUIRE(report.findings.list.size() == 2);
    CHECK(report.findings.list[1].line == 7);
    CHECK(report.findings.list[1].text.find("prints") != std::string::npos);
    std::string many;
    for (int i = 0; i < 500; ++i) many += "print(x)\n";
    ModuleReport full;
    (void)scan_module(module_archive(module_files("Net", "  def f(self: __torch__.Net, x: Tensor) -> Tensor:\n    " +
                                                             repeated("print(x)\n    ", 500) + "return x\n")),
                      {}, full);
    CHECK(full.findings.list.size() == ScanFindings::kMost);
    CHECK(full.findings.more == 400);
}
