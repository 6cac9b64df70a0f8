# SPDX-License-Identifier: Apache-2.0
"""Reads the device kernels' PTX: every operation on floats must round to nearest and be written as such, because ptxas
contracts nothing that is .rn; nothing may flush denormals or be approximate. Tensor cores multiply bf16 in the one way
that backend/tensor_sums.hpp has a model of, in the kernels that say so. Every kernel of kernels.def must be there.

usage: check_ptx.py KERNELS.PTX KERNELS.DEF
"""
import collections
import pathlib
import re
import sys

FLOATS = re.compile(r"\.(f16|bf16|f32|f64|tf32)(x2)?\b")
INSTRUCTION = re.compile(r"^\s*(?:@!?%\w+\s+)?([a-z][a-z0-9_]*(?:\.\w+(?:::\w+)*)*)\s", re.M)
ROUNDED = {"add", "sub", "mul", "fma", "div", "rcp", "sqrt"}
# Exact whatever the rounding; cvt is looked at on its own.
EXACT = {"mov", "ld", "st", "setp", "selp", "neg", "abs", "copysign", "min", "max", "set", "testp"}
WIDTH = {"f16": 16, "bf16": 16, "f32": 32, "f64": 64}
BF16 = "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32"
BF16_KERNELS = {"wb_linear_bf16", "wb_linear_bf16_few", "wb_attention_bf16", "wb_recurrent", "wb_check_tensor"}
ENTRY = re.compile(r"\.entry\s+(\w+)")
WHOLE = (".rni", ".rzi", ".rmi", ".rpi")  # to an integer's value


def fault(operation):
    """What is wrong with an operation on floats; None where nothing is."""
    if operation == BF16:
        return None
    name, *parts = operation.split(".")
    if "ftz" in parts or "approx" in parts or "full" in parts:
        return "flushes denormals or is approximate"
    if name in EXACT:
        return None
    if name in ROUNDED:
        return None if "rn" in parts else "does not say .rn"
    if name == "cvt":
        to, source = parts[-2], parts[-1]
        widens = WIDTH.get(to, 0) > WIDTH.get(source, 0) > 0
        exact = widens or any(part in operation for part in WHOLE)
        return None if exact or "rn" in parts else "does not say .rn"
    return "is not known to be exact or rounded to nearest"


def main(ptx, kernels):
    text = re.sub(r"//[^\n]*", "", ptx)
    counts = collections.Counter(o for o in INSTRUCTION.findall(text) if FLOATS.search(o))
    faults = [f"{o} ({n} times): {wrong}" for o, n in sorted(counts.items()) if (wrong := fault(o))]
    if counts["fma.rn.f32"] == 0:
        faults.append("no fma.rn.f32: this is not the kernels' PTX")
    entries = set(ENTRY.findall(text))
    used = {ENTRY.match(part)[1] for part in re.split(r"(?=\.entry\s)", text) if BF16 in part and ENTRY.match(part)}
    faults += [f"kernel {name} multiplies bf16 {'unawares' if name in used else 'without tensor cores'}"
               for name in sorted(used ^ BF16_KERNELS)]
    for name in re.findall(r"^WB_KERNEL\((\w+)", kernels, re.M):
        if name not in entries:
            faults.append(f"kernel {name} is missing")
    if ".u8.s8." not in text:
        faults.append("no mma.sync of bytes: int8 layers do not use tensor cores")
    said = f"{sum(counts.values())} instructions on floats in {len(entries)} kernels: all exact or .rn"
    print("\n".join(faults) or said)
    return bool(faults)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(main(*(pathlib.Path(path).read_text(encoding="utf-8") for path in sys.argv[1:])))
