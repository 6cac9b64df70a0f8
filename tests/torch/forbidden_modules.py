# SPDX-License-Identifier: Apache-2.0
"""Modules that leave the sandbox, one a family, made of code that torch.jit.script would not write.

write(directory) leaves forbidden_<name>.ts and forbidden.txt, with a line "name operator" for each. Paths in them name
files of the directory: 'host' exists, 'written' must never.
"""
import itertools
import pathlib

import torch

HEAD = "def forward(self, numbers: Tensor) -> Tensor:\n"
COUNT = itertools.count()

# By name: the operator that the refusal must name, and forward's lines ({host}, {written}: paths). What is unused and has
# no side effect by LibTorch's own account is gone once the code is parsed.
FAMILIES = {
    "save": ("aten::save", 'torch.save(numbers, "{written}")'),
    "save_constant": ("aten::save", 'torch.save(torch.ones(3), "{written}")'),
    # Freezing itself would run these two: their arguments are constants.
    "from_file": ("aten::from_file", 'numbers = numbers + torch.from_file("{host}", False, 6, dtype=torch.uint8)'),
    "from_file_shared": ("aten::from_file", 'numbers = numbers + torch.from_file("{written}", True, 6)'),
    "manual_seed": ("aten::manual_seed", "torch.manual_seed(7)"),
    "print": ("prim::Print", "print(numbers)"),
    "fork": ("prim::fork", "numbers = torch.jit.wait(torch.jit.fork(self.other, numbers))"),
    "profiler": ("profiler::_record_function_enter", 'h = torch.ops.profiler._record_function_enter("a", "b")'),
    "collective": ("_c10d_functional::all_reduce",
                   'numbers = torch.ops._c10d_functional.all_reduce(numbers, "sum", "0")'),
    "address": ("mkldnn::data_ptr", "numbers = numbers + torch.ops.mkldnn.data_ptr(torch.ones(2))"),
    "sparse": ("aten::_sparse_coo_tensor_unsafe",
               "numbers = numbers + torch.ops.aten._sparse_coo_tensor_unsafe("
               "torch.tensor([[100000]]), torch.ones(1), [6]).to_dense()"),
    # Out of forward's own lines.
    "in_helper": ("aten::save", "numbers = self.save(numbers)"),
    "in_branch": ("aten::from_file",
                  'if bool(numbers.sum() > 0):\n        numbers = torch.from_file("{host}", False, 6)'),
    "in_loop": ("aten::save", 'for i in range(3):\n        torch.save(numbers, "{written}")'),
}
METHODS = {
    "other": "def other(self, numbers: Tensor) -> Tensor:\n    return numbers * 2\n",
    "save": 'def save(self, numbers: Tensor) -> Tensor:\n    torch.save(numbers, "{written}")\n    return numbers\n',
}


def module(code: str) -> torch.jit.ScriptModule:
    """A class of its own for each, as `define` adds to the class."""
    unit = torch._C.CompilationUnit()
    made = torch.jit._recursive.wrap_cpp_module(torch._C.ScriptModule(f"__torch__.Forbidden{next(COUNT)}", unit, True))
    made.define(code)
    return made


def write(directory: pathlib.Path) -> None:
    paths = {"{host}": str(directory / "host"), "{written}": str(directory / "written")}
    (directory / "host").write_bytes(bytes(range(64, 128)))
    (directory / "written").unlink(missing_ok=True)
    lines = []
    for name, (operator, body) in FAMILIES.items():
        code = HEAD + "    " + body + "\n    return numbers.sum(dim=1)\n"
        code = "".join(text for method, text in METHODS.items() if f"self.{method}" in body) + code
        for key, path in paths.items():
            code = code.replace(key, path)
        module(code).save(str(directory / f"forbidden_{name}.ts"))
        lines.append(f"{name} {operator}\n")
    (directory / "forbidden.txt").write_text("".join(lines))
