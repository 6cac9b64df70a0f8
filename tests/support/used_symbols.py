# SPDX-License-Identifier: Apache-2.0
"""used_symbols.py ROOT: every function of capi/symbols.txt is used by a binding, or stands in capi/unused.txt with a
reason; one that two bindings use is marked stable in its header. What a comment or a binding's test names is not used.
Prints each breach."""
import pathlib
import re
import sys

# The Python module is built on the C++ headers.
BINDINGS = {
    "Java": ("capi/java",),
    "Ruby": ("capi/ruby",),
    "Python": ("python", "include/weighbridge"),
}
SUFFIXES = {".java", ".c", ".h", ".rb", ".py", ".cpp", ".hpp"}
# Of bindings: what a build makes, tests, and Java's generator, which lists what Java has no use for. C headers declare
# functions and use none.
SKIPPED = {"target", "build", "pkg", "vendor", "tmp", "test", "tests", "generate.py", "include/weighbridge/c"}
COMMENTS = {".rb": r"(?m)^\s*#.*$", ".py": r"(?m)^\s*#.*$"}
C_COMMENTS = r"(?s)/\*.*?\*/|//[^\n]*"


def is_skipped(inside):
    return any(inside.startswith(f"{name}/") if "/" in name else name in inside.split("/") for name in SKIPPED)


def names_in(root, folder):
    for path in sorted((root / folder).rglob("*")):
        if path.suffix not in SUFFIXES or is_skipped(path.relative_to(root).as_posix()):
            continue
        text = re.sub(COMMENTS.get(path.suffix, C_COMMENTS), "", path.read_text(encoding="utf-8"))
        yield from re.findall(r"\bwb_\w+", text)


def read_list(path):
    """{function: reason}."""
    reasons = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        name, _, reason = line.partition(": ")
        if not reason:
            raise SystemExit(f"{path}:{number}: expected `function: reason`, got {line!r}")
        reasons[name] = reason
    return reasons


def stable_functions(root):
    """Those whose comment, right before the declaration, says so."""
    declared = re.compile(r"/\*\*((?:(?!\*/).)*?)\*/\s*[^;/]*?\b(wb_\w+)\s*\([^;]*;", re.S)
    for header in sorted((root / "include/weighbridge/c").glob("*.h")):
        for comment, name in declared.findall(header.read_text(encoding="utf-8")):
            if re.search(r"@since [^@]*,\s+(\*\s+)?stable\b", comment):
                yield name


def breaches(root):
    functions = [line.split()[-1] for line in (root / "capi/symbols.txt").read_text(encoding="utf-8").splitlines()]
    exported = {name for name in functions if name.startswith("wb_")}
    by_binding = [{name for folder in folders for name in names_in(root, folder)} for folders in BINDINGS.values()]
    used = set().union(*by_binding)
    stable = set(stable_functions(root))
    for name in sorted(exported - stable):
        users = sum(name in names for names in by_binding)
        if users >= 2:
            yield f"{name}: expected stable in its header, since {users} bindings use it"
    unused = read_list(root / "capi/unused.txt")
    for name in sorted(exported - used - set(unused)):
        yield f"{name}: expected a use in a binding ({', '.join(BINDINGS)}), or a reason in capi/unused.txt, got none"
    for name in sorted(set(unused) & used):
        yield f"{name}: expected no use, as capi/unused.txt says, got one: take it out of the list"
    for name in sorted(set(unused) - exported):
        yield f"{name}: in capi/unused.txt, and no function of capi/symbols.txt"


def main():
    found = list(breaches(pathlib.Path(sys.argv[1])))
    print("\n".join(found) or "every function of the C ABI is used by a binding, or says why not")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
