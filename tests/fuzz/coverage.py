# SPDX-License-Identifier: Apache-2.0
"""coverage.sh's table: python3 coverage.py BUILD ROOT LEAST reads gcov's counts of each source that was instrumented."""
import json
import pathlib
import subprocess
import sys


def counts(build: pathlib.Path, root: pathlib.Path) -> dict[str, dict[int, int]]:
    """How often each line of a source of lib/ ran, over all programs that link it."""
    lines: dict[str, dict[int, int]] = {}
    for notes in sorted(build.rglob("*.gcno")):
        done = subprocess.run(["gcov", "--stdout", "--json-format", str(notes)], capture_output=True, check=True, cwd=build)
        for text in done.stdout.splitlines():
            found = json.loads(text)
            for one in found["files"]:
                path = pathlib.Path(found["current_working_directory"], one["file"]).resolve()
                if path.suffix != ".cpp" or (root / "lib") not in path.parents:
                    continue
                of = lines.setdefault(str(path.relative_to(root)), {})
                for line in one["lines"]:
                    of[line["line_number"]] = of.get(line["line_number"], 0) + line["count"]
    return lines


def main() -> int:
    build, root, least = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]).resolve(), float(sys.argv[3])
    below, run, whole = [], 0, 0
    for name, of in sorted(counts(build, root).items()):
        missed = [line for line, count in of.items() if count == 0]
        share = 100 * (len(of) - len(missed)) / len(of)
        run, whole = run + len(of) - len(missed), whole + len(of)
        print(f"{share:6.1f} % of {len(of):4} {name}" + (f"  not {', '.join(map(str, sorted(missed)))}" if missed else ""))
        if share < least:
            below.append(name)
    if not whole:
        sys.exit("coverage.py: expected counts of gcov, found none")
    print(f"{100 * run / whole:6.1f} % of {whole:4} in all; below {least} %: {', '.join(below) or 'none'}")
    return bool(below)


if __name__ == "__main__":
    sys.exit(main())
