# SPDX-License-Identifier: Apache-2.0
"""The crafted files: {host} and {written} in them name files that nobody may read, and that nobody may make."""
import dataclasses
from collections.abc import Iterator

from .files import Entry, archive, module, module_code, module_pickle, tensor, text, tuple_of, whole


@dataclasses.dataclass
class Attack:
    name: str
    rule: str  # that refuses it
    content: bytes


def in_body(name: str, rule: str, body: str) -> Attack:
    return Attack(name, rule, archive(module(module_code(body))))


def in_members(name: str, rule: str, members: str) -> Attack:
    return Attack(name, rule, archive(module(module_code(members=members))))


def beside(name: str, rule: str, code: str, file: str = "more") -> Attack:
    return Attack(name, rule, archive(module(more={f"code/__torch__/{file}.py": code.encode()})))


def held_twice(name: str, first: str, second: str, value: bytes) -> Attack:
    """A module of two attributes, both of which hold what the pickle makes once."""
    code = module_code(attributes=f"  a : {first}\n  b : {second}\n")
    return Attack(name, "pickle-type", archive(module(code, module_pickle(text("a") + value + b"q\0" + text("b") + b"h\0"))))


def named_chain(size: int, head: str, field: str) -> str:
    """Classes that have the next one as the type of an attribute."""
    return "".join(f"class C{i}{head}:\n  a : {field.format(f'__torch__.more.C{i + 1}')}\n" for i in range(size)) + \
        f"class C{size}{head}:\n  n : int\n"


def held(name: str, rule: str, kind: str, value: bytes, **more: bytes) -> Attack:
    """A module with an attribute of this type and value."""
    code = module_code(attributes=f"  held : {kind}\n")
    return Attack(name, rule, archive(module(code, module_pickle(text("held") + value), more={"data/0": b"\1" * 24} | more)))


def changed(name: str, rule: str, *parts: Entry, **options) -> Attack:
    return Attack(name, rule, archive(module() + list(parts), **options))


def at_load(host: str, written: str) -> Iterator[Attack]:
    state = "  def __setstate__(self: __torch__.Net, state: int) -> NoneType:\n    {}\n    return None\n"
    yield in_members("setstate-save", "code-setstate", state.format(f'torch.save(1, "{written}")'))
    yield in_members("setstate-from-file", "code-setstate", state.format(f'y = torch.from_file("{written}", True, 6)'))
    yield in_members("setstate-for-ever", "code-word", state.format("while True:\n      pass"))
    default = "  def f(self: __torch__.Net, x: Tensor={}) -> Tensor:\n    return x\n"
    yield in_members("default-from-file", "code-literal", default.format(f'torch.from_file("{written}", True, 6)'))
    yield in_members("default-call", "code-literal", default.format("torch.ones([3])"))
    yield in_members("constant-expression", "code-literal", f'  n : Final[Tensor] = torch.from_file("{host}", False, 6)\n')
    yield in_members("forward-hook", "code-hook", '  __forward_hooks__ = ["forward", ]\n')
    yield beside("statement-of-a-file", "code-form", f'torch.save(1, "{written}")\n')
    yield beside("import-of-a-file", "code-word", "import os\n")
    yield beside("interface", "code-class", "class A(ModuleInterface):\n  def f(self, x: Tensor) -> Tensor:\n    pass\n")


def operators(host: str, written: str) -> Iterator[Attack]:
    for name, body in {
            "save": f'torch.save(numbers, "{written}")',
            "save-as-method": f'numbers.save("{written}")',
            "save-in-ops": f'ops.aten.save(numbers, "{written}")',
            "from-file": f'y = torch.from_file("{host}", False, 6)',
            "from-file-shared": f'y = torch.from_file("{written}", True, 6)',
            "from-file-in-branch": f'if bool(torch.sum(numbers)):\n  y = torch.from_file("{host}", False, 6)\nelse:\n  pass',
            "print": "print(numbers)",
            "print-in-ops": "ops.prim.Print(numbers)",
            "fork": "y = fork(numbers)",
            "wait": "y = torch.wait(numbers)",
            "rpc": 'y = rpc_async("worker", numbers)',
            "collective": 'y = ops._c10d_functional.all_reduce(numbers, "sum", "0")',
            "c10d": "y = ops.c10d.broadcast_(numbers)",
            "symmetric-memory": "y = ops.symm_mem.one_shot_all_reduce(numbers)",
            "manual-seed": "torch.manual_seed(7)",
            "profiler": 'y = ops.profiler._record_function_enter("a", "b")',
            "address": "y = ops.mkldnn.data_ptr(numbers)",
            "sparse-unsafe": "y = torch._sparse_coo_tensor_unsafe(torch.tensor([[100000]]), torch.ones([1]), [6])",
            "sparse-csr-unsafe": "y = torch._sparse_csr_tensor_unsafe(numbers, numbers, numbers, [6, 6])",
            "as-strided": "y = torch.as_strided(numbers, [1], [1], 100000000)",
            "resize": "y = torch.resize_(numbers, [100000])",
            "quantized": 'y = ops.quantized.linear_prepack(numbers, None)',
            "prepacked": "y = ops.prepacked.linear_clamp_prepack(numbers, None)",
            "backward": "torch.backward(numbers)",
            "grad-mode": "torch.set_grad_enabled(True)",
            "unknown": "y = torch.some_operator_of_a_later_version(numbers)",
            "reshape-alias": "y = torch.sum(torch._reshape_alias(numbers, [2], [1099511627776]))",
            "ctc-loss": "y = torch.ctc_loss(torch.zeros([5, 2, 3]), torch.tensor([[100000, 2], [1, 100000]]), [5, 5], [2, 2])",
            "count-of-nothing": 'y = torch.count("abc", "", 0, 100)',
            "tuple-unpack": "ops.prim.TupleUnpack((1, 2, 3))",
            "breakpoint": "ops.prim.Breakpoint()",
    }.items():
        yield in_body(f"operator-{name}", "operator", body)
    for name, body in {
            "given-away": f'f = torch.save\nf(numbers, "{written}")',
            "bound-method": f'f = numbers.save\nf("{written}")',
            "of-a-group": f'(numbers.save)("{written}")',
            "of-getattr": f'getattr(numbers, "save")("{written}")',
            "in-a-list": f'[torch.save][0](numbers, "{written}")',
            "of-a-builtin": 'y = open("/etc/passwd")',
    }.items():
        yield in_body(f"call-{name}", "code-call", body)
    yield in_body("shadowed-root", "code-shadow", "torch = numbers")
    yield in_body("torch-classes", "torch-classes", "y = __torch__.torch.classes.quantized.LinearPackedParamsBase(numbers)")
    save = "  def save(self: __torch__.Net, name: str) -> str:\n    return name\n"
    yield Attack("method-of-another", "code-receiver", archive(module(module_code(f'numbers.save("{written}")', save))))
    yield in_body("tuple-cast", "code-cast", "y = (1, 2)\nz = unchecked_cast(Tuple[int, int, int], y)\na, b, c, = z")
    yield beside("custom-class", "torch-classes", "class Holder(Module):\n  n : int\n",
                 "torch/classes/other")
    yield beside("mangled-quantized", "code-class", "class Linear(Module):\n  _packed_params : Tensor\n",
                 "torch/nn/qu/___torch_mangle_0antized/modules/linear")
    yield Attack("unchecked-cast", "code-cast", archive(module(module_code("y = unchecked_cast(__torch__.Net, numbers)"))))


def parser(host: str, written: str) -> Iterator[Attack]:
    for depth in (700, 7000, 100_000):
        yield in_body(f"brackets-{depth}", "code-nesting", "y = " + "(" * depth + "1" + ")" * depth)
        calls = min(depth, 20_000)  # more would inflate too far first
        yield in_body(f"calls-{depth}", "code-nesting", "y = " + "torch.neg(" * calls + "numbers" + ")" * calls)
        yield in_members(f"types-{depth}", "code-nesting", "  n : " + "List[" * depth + "int" + "]" * depth + "\n")
    yield in_body("not-not", "code-nesting", "y = " + "not " * 100_000 + "True")
    yield in_body("minus-minus", "code-nesting", "y = " + "- " * 100_000 + "1")
    yield in_body("powers", "code-nesting", "y = " + "2 ** " * 100_000 + "1")
    yield in_body("ternaries", "code-nesting", "y = " + "1 if True else " * 50_000 + "1")
    yield in_body("points", "code-nesting", "y = numbers" + ".a" * 100_000)
    yield in_body("places", "code-nesting", "y = numbers" + "[0]" * 100_000)
    yield in_body("blocks", "code-nesting", "\n".join("  " * i + "if True:" for i in range(1000)))
    yield in_body("elif-chain", "code-word", "if True:\n  pass\n" + "elif True:\n  pass\n" * 20_000)
    yield in_body("while", "code-word", "while True:\n  pass")
    yield in_body("loop-of-2-63", "code-loop", "for i in range(9223372036854775807):\n  y = torch.neg(numbers)")
    yield in_body("loops-in-loops", "code-loop",
                  "for i in range(100000):\n  for j in range(100000):\n    y = torch.neg(numbers)")
    yield in_body("with", "code-word", "with numbers:\n  pass")
    yield in_body("nested-function", "code-word", "def f():\n  return 1")
    yield in_body("comment-type", "code-comment", "y = 1  # type: int")
    yield in_body("not-ascii", "code-byte", "y = \xe9")
    chain = "".join(f"def f{i}(x: Tensor) -> Tensor:\n  y = __torch__.more.f{i + 1}(x, )\n"
                    f"  return __torch__.more.f{i + 1}(y, )\n" for i in range(40))
    yield beside("call-chain", "code-fan-out", chain + "def f40(x: Tensor) -> Tensor:\n  return x\n")
    yield beside("types-in-each-other", "code-nesting", named_chain(5000, "", "{}"))
    yield beside("named-tuples-in-each-other", "code-nesting", named_chain(5000, "(NamedTuple)", "{0}"))
    yield beside("named-tuples-that-double", "code-nesting", named_chain(14, "(NamedTuple)", "Tuple[{0}, {0}]"))
    yield in_members("union-of-many", "code-type", f"  n : Union[{'int, ' * 100_000}str]\n")
    for name, over in {"down": "range(100000000, 0, -1)", "product": "range(torch.mul(10000, 10000))",
                       "sign": "range(10000 * 10000)", "power": "range(10 ** 9)", "list": "torch.mul([0], 100000000)",
                       "branch": "range(100000000 if bool(torch.sum(numbers)) else 1)"}.items():
        yield in_body(f"loop-{name}", "code-loop", f"for i in {over}:\n  y = torch.neg(numbers)")
    for name, line in {"text": '7 % torch.len("")', "difference": "7 % (1 - 1)", "cast": 'torch.remainder(7, int("0"))',
                       "least": "(-9223372036854775807 - 1) // -1", "branch": "7 % (0 if True else 1)"}.items():
        yield in_body(f"division-{name}", "code-division", f"if bool(torch.sum(numbers)):\n  y = {line}")
    nested = "1 % (" * 60 + "y" + ")" * 60
    yield in_body("divisions-in-each-other", "code-division", "y = 1\n" + f"y = {nested}\n" * 10_000)
    nested = nested.replace("y", "torch.size(numbers, 0)")
    yield in_body("divisions-of-data", "code-division", f"y = {nested}\n" * 10_000 + "y = 1 % 0\n")
    names = ", ".join(f"a{i}" for i in range(100_000))
    yield in_body("many-unknown-operators", "operator", "".join(f"torch.z{i * 7919 % 1_000_003}()\n" for i in range(100_000)))
    yield in_body("words-of-a-long-line", "code-word", f"for ({names}) in [{'1 in a0, ' * 100_000}]:\n  pass")
    yield beside("recursion", "code-recursion", "def f(x: Tensor) -> Tensor:\n  return __torch__.more.f(x, )\n")


def pickles(host: str, written: str) -> Iterator[Attack]:
    yield held("pickle-deep", "pickle-depth", "Any", b"N" + b"\x85" * 3_000_000)
    yield held("pickle-marks", "pickle-depth", "Any", b"(" * 1_000_000)
    yield held("pickle-long-text", "pickle-length", "str", b"X\0\0\0\xc0short")
    yield held("pickle-system", "pickle-global", "int", b"cos\nsystem\n" + text(f"touch {written}") + b"\x85R")
    yield held("pickle-eval", "pickle-global", "int", b"cbuiltins\neval\n" + text("1") + b"\x85R")
    yield held("pickle-qtensor", "pickle-global", "Tensor", b"ctorch._utils\n_rebuild_qtensor\n)R")
    yield held("pickle-sparse", "pickle-global", "Tensor", b"ctorch._utils\n_rebuild_sparse_tensor\n)R")
    yield held("pickle-packed-params", "pickle-global", "int", b"c__torch__.torch.classes.quantized\nLinearPackedParamsBase\n)R")
    yield held("pickle-rref", "pickle-global", "int", b"ctorch.distributed.rpc\nrref\n)R")
    yield held("pickle-tensor-id", "pickle-global", "int", b"c__main__\nTensorID\n" + whole(5) + b"b")
    yield held("pickle-call-by-number", "pickle-form", "int", whole(3) + b")R")
    yield held("pickle-memo", "pickle-form", "int", whole(1) + b"r\xff\xff\xff\x7f")
    yield held("pickle-own-list", "pickle-form", "Any", b"]q\0(h\0e")
    yield held("pickle-protocol-4", "pickle-opcode", "int", b"\x95\0\0\0\0\0\0\0\0" + whole(1))
    yield held("pickle-type-text", "pickle-type", "Any",
               b"ctorch.jit._pickle\nrestore_type_tag\n(]" + text("List[" * 100_000) + b"tR")
    yield held("pickle-typed-list", "pickle-type", "List[int]", b"ctorch.jit._pickle\nbuild_intlist\n(](" + text("a") + b"etR")
    yield held("pickle-wrong-type", "pickle-type", "Tensor", whole(12345678))
    yield held("pickle-attribute", "pickle-attribute", "int", whole(1) + text("other") + whole(1))
    yield held("tensor-beyond", "tensor-extent", "Tensor", tensor(6, 0, [1 << 20], [1]))
    yield held("tensor-offset", "tensor-extent", "Tensor", tensor(6, 1 << 40, [1], [1]))
    yield held("tensor-negative", "tensor-extent", "Tensor", tensor(6, 0, [2], [-(1 << 40)]))
    yield held("tensor-storage", "tensor-storage", "Tensor", tensor(1 << 30, 0, [1 << 30], [1]))
    yield held("tensor-wild-bools", "tensor-storage", "Tensor", tensor(24, 0, [24], [1], kind="BoolStorage"),
               **{"data/0": b"\xc8" * 24})
    yield held("tensor-no-entry", "tensor-storage", "Tensor", tensor(6, 0, [6], [1], key="../../etc/passwd"))
    yield Attack("constants-beyond", "tensor-extent",
                 archive(module(constants=b"\x80\x02" + tensor(6, 0, [1000], [1]) + b"\x85.", more={"constants/0": b"\1" * 24})))
    yield held_twice("pickle-shared-list", "List[int]", "List[Tensor]", b"](e")
    yield held_twice("pickle-shared-dict", "Dict[str, int]", "Dict[str, __torch__.Net]", b"}(u")
    yield held_twice("pickle-shared-tag", "List[str]", "List[str]",
                     b"ctorch.jit._pickle\nrestore_type_tag\n(]" + text("List[int]") + b"tR")
    yield held_twice("pickle-shared-any", "Any", "Tuple[List[int], int]", b"]" + whole(1) + b"\x86")
    inner = {"code/__torch__/more.py": b'class Inner(Module):\n  n : int\nclass Colour(Enum):\n  red = "\\x41"\n'}
    yield held("pickle-memo-of-a-number", "pickle-form", "__torch__.more.Inner",
               b"c__torch__.more\nInner\n)\x81q\0}(" + text("n") + whole(1) + b"ub", **inner)
    yield held("pickle-enum-escape", "pickle-form", "__torch__.more.Colour",
               b"c__torch__.more\nColour\n" + text("\\x41") + b"R", **inner)
    yield held("pickle-dotted-name", "pickle-global", "List[int]",
               b"ctorch\njit._pickle.build_intlist\n(](" + whole(1) + b"etR")
    yield held("pickle-long-type", "pickle-type", f"List[Optional[Tuple[{'int, ' * 700}int]]]", b"](" + b"N" * 1_900_000 + b"e")
    shared = tuple_of(b"](" + whole(0) * 600_000 + b"eq\0", whole(0), whole(0))
    records = tuple_of(*[tuple_of(whole(0), tuple_of(one, whole(0), whole(1)), whole(1))
                         for one in [shared] + [tuple_of(b"h\0", whole(0), whole(0))] * 50_000])
    places = text("FORMAT_WITH_STRING_TABLE") + tuple_of(text("")) + records
    yield Attack("debug-shared-texts", "debug-form", archive(
        module() + [Entry("code/__torch__.py.debug_pkl", b"\x80\x02" + tuple_of(places) + b".")]))
    debug = tuple_of(tuple_of(whole(0), tuple_of(tuple_of(text("x"), b"N", whole(0)), whole(0), whole(1 << 30)), whole(1)))
    yield Attack("debug-places", "debug-form",
                 archive(module(more={"code/__torch__.py.debug_pkl": b"\x80\x02" + debug + b"."})))


def archives(host: str, written: str) -> Iterator[Attack]:
    evil = module_code(f'torch.save(numbers, "{written}")').encode()
    yield changed("zip-twice", "entry-twice", Entry("code/__torch__.py", evil))
    yield changed("zip-other-case", "entry-name", Entry("CODE/__torch__.py", evil))
    yield changed("zip-other-case-of-a-name", "entry-twice", Entry("code/__torch__/A.py", evil), Entry("code/__torch__/a.py", b""))
    yield changed("zip-code-of-another-root", "entry-name",
                  Entry("code/torch/_utils.py", b"class _rebuild_tensor_v2(Enum):\n  a = 1\n"))
    yield changed("zip-parent", "entry-name", Entry("../../written", b"x"))
    yield changed("zip-absolute", "entry-name", Entry(f"/{written}".encode(), b"x"))
    yield changed("zip-other-folder", "entry-folder", Entry(b"other/data.pkl", b"x"))
    yield changed("zip-backslash", "entry-name", Entry("code\\x.py", b"x"))
    yield changed("zip-legacy", "entry-name", Entry("model.json", b"{}"))
    yield changed("zip-bytecode", "entry-name", Entry("bytecode.pkl", b"\x80\x02)."))
    yield changed("zip-comment", "archive-end", comment=b"PK\1\2" + b"\0" * 30)
    yield changed("zip-behind", "archive-end", behind=b"junk")
    yield changed("zip-gap", "archive-gap", Entry("data/0", b"x", gap=b"hidden"))
    yield changed("zip-local-name", "entry-header", Entry("data/0", b"x", local_name=b"net/code/__torch__.py"))
    yield changed("zip-local-crc", "entry-header", Entry("data/0", b"x", flags=0x800, local_crc=1))
    yield changed("zip-extra", "entry-header", Entry("data/0", b"x", extra=b"UX\1\0y"))
    yield changed("zip-encrypted", "entry-header", Entry("data/0", b"x", flags=0x809))
    yield changed("zip-method", "entry-method", Entry("data/0", b"x", method=12))
    yield changed("zip-packed-tensor", "entry-method", Entry("data/0", b"x" * 1000, deflated=True))
    yield changed("zip-crc", "entry-crc", Entry("data/0", b"x", crc=1))
    yield changed("zip-bomb", "entry-ratio", Entry("code/__torch__/more.py", b"\n" * (65 << 20), deflated=True))
    yield changed("zip-bomb-of-size", "entry-ratio", Entry("code/__torch__/more.py", b"\n", deflated=True, size=3 << 30))
    yield changed("zip-size", "entry-data", Entry("code/__torch__/more.py", b"\n" * 100, deflated=True, size=99))
    yield Attack("zip-in-front", "archive-start", b"#!/bin/sh\n" + archive(module()))
    parts = module()
    parts[0].data = b"99\n"
    yield Attack("other-version", "version", archive(parts))
    parts = module()
    parts[1].data = b"big"
    yield Attack("other-byte-order", "byteorder", archive(parts))
    yield Attack("many-entries", "archive-entries", archive(module() + [Entry(f"data/{i}", b"") for i in range(30_000)]))
    yield Attack("no-zip", "archive-start", b"\x7fELF" + b"\0" * 4096)
    yield Attack("nothing", "archive-start", b"")


def all_attacks(host: str, written: str) -> list[Attack]:
    made = [one for family in (at_load, operators, parser, pickles, archives) for one in family(host, written)]
    names = [one.name for one in made]
    assert len(set(names)) == len(names) >= 60, [name for name in names if names.count(name) > 1]
    return made
