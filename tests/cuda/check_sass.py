# SPDX-License-Identifier: Apache-2.0
"""Reads the device kernels' machine code: innermost loops that multiply must not touch the stack, int8 and bf16 kernels
must use tensor cores, others none, and every kernel of kernels.def must be there for each architecture.

usage: check_sass.py CUOBJDUMP WEIGHBRIDGE_CUDA.FATBIN KERNELS.DEF
"""
import collections
import pathlib
import re
import subprocess
import sys

SECTION = re.compile(r"^\s*(?:arch = (sm_\w+)|Function : (\w+))", re.M)
INSTRUCTION = re.compile(r"/\*([0-9a-f]{4,6})\*/\s+(?:@!?\w+\s+)?([A-Z][A-Z0-9_]*)((?:\.\w+)*)\s*([^;]*);")
MULTIPLIES = {"FFMA", "FFMA2", "IMMA", "HMMA", "IDP", "DFMA"}
STACK = {"LDL", "STL"}
TENSOR_CORES = {"wb_linear_i8": {"IMMA"}, "wb_linear_bf16": {"HMMA"}, "wb_linear_bf16_few": {"HMMA"},
                "wb_attention_bf16": {"HMMA"}, "wb_recurrent": {"HMMA"}, "wb_check_tensor": {"HMMA"}}


def functions(text):
    """(architecture, kernel) and the text of its instructions."""
    arch, marks = None, list(SECTION.finditer(text))
    for mark, after in zip(marks, marks[1:] + [None]):
        arch = mark[1] or arch
        if mark[2]:
            yield arch, mark[2], text[mark.end() : after.start() if after else None]


def innermost(code):
    """Loops, as the instructions from a branch's target to the branch, that have no other loop inside."""
    spans = []
    for place, (address, name, operands) in enumerate(code):
        target = re.search(r"0x([0-9a-f]+)\s*$", operands) if name == "BRA" else None
        if target and int(target[1], 16) < address:  # one that branches to itself ends the function
            spans.append((int(target[1], 16), address, place))
    for begin, end, _ in spans:
        if not any(begin <= b and e <= end and (b, e) != (begin, end) for b, e, _ in spans):
            yield [name for address, name, _ in code if begin <= address <= end]


def main(cuobjdump, fatbin, kernels):
    sass = subprocess.run([cuobjdump, "-sass", fatbin], check=True, capture_output=True, text=True).stdout
    expected = set(re.findall(r"^WB_KERNEL\((\w+)", pathlib.Path(kernels).read_text(encoding="utf-8"), re.M))
    found, faults, loops = collections.defaultdict(set), [], collections.Counter()
    for arch, name, text in functions(sass):
        found[arch].add(name)
        code = [(int(a, 16), o, operands) for a, o, _, operands in INSTRUCTION.findall(text)]
        if not code:
            faults.append(f"{arch} {name}: no instruction was read")
        meant, used = TENSOR_CORES.get(name, set()), {o for _, o, _ in code} & {"IMMA", "HMMA"}
        if used != meant:
            faults.append(f"{arch} {name}: expected {sorted(meant)} of tensor cores, found {sorted(used)}")
        for loop in innermost(code):
            if not MULTIPLIES & set(loop):
                continue
            loops[arch] += 1
            if STACK & set(loop):
                faults.append(f"{arch} {name}: a loop of {len(loop)} instructions that multiplies touches the stack")
    for arch, names in found.items():
        faults += [f"{arch}: kernel {name} is missing" for name in sorted(expected - names)]
        if loops[arch] == 0:
            faults.append(f"{arch}: no loop that multiplies was found")
    if not found:
        faults.append("no machine code was found")
    print("\n".join(faults) or "machine code of " + ", ".join(
        f"{arch}: {loops[arch]} innermost loops that multiply, none on the stack" for arch in sorted(found)))
    return bool(faults)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
