# SPDX-License-Identifier: Apache-2.0
"""One name, one type: no class, struct or enum of lib/ and capi/src is defined in two files under one name.

usage: one_definition.py TREE

Two types of one name in the same namespace would be one to the linker (the one-definition rule), and two of one name in
sister namespaces are one to a reader. A file's own, in an unnamed namespace or inside another type, are not looked at. The
command (lib/cli) is a program of its own, each CPU level has vectors of its own (vec_*.hpp), and device kernels take what
kernel_arguments.hpp names with addresses and sizes of their own (cuda/arguments.hpp). Prints each name with its files.
"""
import collections
import pathlib
import re
import sys

from sizes import blanked, closing

FOLDERS = ("lib", "capi/src")
APART = ("lib/cli/", "lib/backend/native/vec_", "lib/backend/cuda/arguments.hpp")
OPENING = re.compile(r"\b(namespace)\b\s*([\w:]*)\s*\{|\b(?:class|struct|union|enum(?:\s+class)?)\s+"
                     r"(?:alignas\([^)]*\)\s*|\[\[\w+\]\]\s*)*(\w+)\s*(?:final\s*)?(?::(?!:)[^;{()]*)?\{|\{")


def types(text, unnamed=False):
    """Names of the types that a file defines for others."""
    at = 0
    while found := OPENING.search(text, at):
        end = closing(text, found.end() - 1)
        if found[1]:
            if found[2] and not unnamed:
                yield from types(text[found.end():end])
        elif found[3]:
            yield found[3]
        at = end + 1


def doubles(root):
    places = collections.defaultdict(list)
    for folder in FOLDERS:
        for source in sorted((root / folder).rglob("*")):
            path = source.relative_to(root).as_posix()
            if source.suffix in {".h", ".hpp", ".cpp"} and not path.startswith(APART):
                for name in types(blanked(source.read_text(encoding="utf-8"))):
                    places[name].append(path)
    return {name: files for name, files in places.items() if len(files) > 1}


if __name__ == "__main__":
    found = doubles(pathlib.Path(sys.argv[1]))
    print("\n".join(f"{name}: {', '.join(files)}" for name, files in sorted(found.items())) or "one name, one type")
    sys.exit(bool(found))
