# SPDX-License-Identifier: Apache-2.0
"""The table of operators in lib/torch/README.md is what the importer has: which lower, which do not, and why.

    python operators_table.py README LOWERED_OPERATORS [--renew]
"""
import pathlib
import subprocess
import sys
import textwrap

BEGIN, END = "<!-- made by tests/import/operators_table.py --renew -->", "<!-- end of the table of operators -->"


def table(program: str) -> tuple[str, list[str]]:
    lowered, rows, refused = [], [], []
    for line in subprocess.run([program], check=True, capture_output=True, text=True).stdout.splitlines():
        kind, name, *parts = line.split("\t")
        if kind == "operator":
            lowered.append(name.removeprefix("aten::"))
        elif kind == "refused":
            rows.append(f"| {name} | {parts[0]} | {parts[1]} |")
            refused += name.split()
    faults = [f"{name}: both lowers and is refused" for name in refused if name in lowered]
    faults += [f"{name}: refused twice" for name in sorted(set(refused)) if refused.count(name) > 1]
    names = textwrap.fill(" ".join(sorted(lowered)), 118, break_long_words=False, break_on_hyphens=False)
    text = [f"{len(lowered)} operators lower:", "```", names, "```", "", "Refused:", "",
            "| operators | what they are | what to write instead |", "|---|---|---|", *rows]
    return "\n".join(text), faults


def main() -> int:
    readme = pathlib.Path(sys.argv[1])
    text = readme.read_text(encoding="utf-8")
    made, faults = table(sys.argv[2])
    before, _, rest = text.partition(BEGIN)
    found, end, after = rest.partition(END)
    if not end:
        faults.append(f"{readme}: expected the lines '{BEGIN}' and '{END}'")
    elif "--renew" in sys.argv:
        readme.write_text(f"{before}{BEGIN}\n{made}\n{END}{after}", encoding="utf-8")
    elif found.strip() != made:
        faults.append(f"{readme}: the table of operators is not the importer's; run this with --renew")
    print("\n".join(faults) or "the table of operators holds")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
