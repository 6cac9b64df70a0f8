# SPDX-License-Identifier: Apache-2.0
"""What this CPU can run."""
import functools
import pathlib
import platform


def _field(name: str) -> str:
    for line in pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return ""


@functools.cache
def flags() -> frozenset:
    return frozenset(_field("flags").split())


def has(*any_of: str) -> bool:
    return any(flag in flags() for flag in any_of)


def name() -> str:
    return _field("model name") or platform.machine()


def level() -> str:
    """The best instructions that the library's kernels may use here, without AMX, which --amx asks for."""
    for flag in ("avx512_bf16", "avx512_vnni", "avx512f", "avx2"):
        if has(flag):
            return flag
    return platform.machine()


def refusal(precision: str) -> str | None:
    """Why this CPU cannot run the precision; None where it can."""
    if precision in ("bf16", "int8bf16") and not has("avx512_bf16"):
        return "this CPU lacks avx512_bf16"
    return None


def precisions() -> list[str]:
    return [precision for precision in ("fp32", "bf16", "int8", "int8bf16") if refusal(precision) is None]
