# SPDX-License-Identifier: Apache-2.0
"""Reads the #include lines of a source tree and keeps the arrows of the house: which room may look into which.

usage: layering.py TREE

Prints each breach: an arrow that the table lacks, an include that no room holds, product code that includes tests, a
LibTorch or CUDA header outside the plug-in. CONTRIBUTING.md tells the rooms' story.
"""
import pathlib
import re
import sys

GROUND = {"base", "tensor"}
DATA = GROUND | {"feature", "bundle"}  # a row becomes tensors
MATHS = GROUND | {"graph", "plan", "backend"}  # tensors become a score
RUNNERS = {"backend/native", "backend/reference", "backend/cuda"}
MODEL = DATA | MATHS | RUNNERS | {"telemetry", "pool"}
COMPILE = MODEL | {"model", "graph/passes", "scan"}

# A folder of lib/ and those that it may include, besides itself. The two wings meet in the hall only.
ARROWS = {
    "base": set(),
    "tensor": {"base"},
    "telemetry": {"base"},
    # the data wing
    "feature": GROUND,
    "bundle": GROUND | {"feature"},
    "sign": DATA,
    "scan": {"base"},  # of modules that nobody trusts
    # the maths wing
    "graph": GROUND,
    "graph/passes": GROUND | {"graph"},
    "plan": GROUND | {"graph"},
    "backend": GROUND | {"graph", "plan"},
    "backend/native": MATHS,
    "backend/reference": MATHS,
    "backend/cuda": MATHS,
    # the hall
    "pool": GROUND,
    "batch": DATA,
    "model": MODEL,
    "compile": COMPILE,
    "torchscript": COMPILE | {"compile"},
    "isolation": COMPILE | {"compile", "torchscript"},
    "fake": DATA | {"backend"},
    "slot": MODEL | {"model"},
    "registry": MODEL | {"model", "slot"},
    "engine": COMPILE | {"batch", "compile", "torchscript", "isolation", "fake", "sign", "slot", "registry"},
    # beside the house: the plug-in and what checks signatures are libraries of their own, the importer
    # a program, the command a caller
    "verify": {"sign"},
    "torch/lower": GROUND | {"graph", "graph/passes"},
    "torch": GROUND | {"graph", "graph/passes", "compile", "torchscript", "torch/lower"},
    "importer": GROUND | {"graph", "torchscript", "isolation"},
    "cli": set(),
}
CAPI = set(ARROWS) - {"torch", "torch/lower", "verify", "importer", "cli", "slot", "registry", "batch", "telemetry"}

# What else a tree includes by a path that names no file of it.
LIBRARIES = re.compile(r"(fmt|nlohmann|openssl|CLI|pybind11|sys|linux|sanitizer|simde|arpa|netinet)/")
LIBTORCH = re.compile(r"(torch|ATen|c10|caffe2|cuda\w*)[/.]")
OF_LIBRARIES = {"openssl": {"base", "verify"}, "nlohmann": {"cli"}, "CLI": {"cli"}, "fmt": {"base", "cli"}}
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)
SOURCES = {".h", ".hpp", ".c", ".cpp", ".cu", ".inc"}
TESTS = ("support/", "unit/", "tests/", "fuzz/", "fault/")


def room_of(path):
    """The longest room that holds `path` (relative to lib/); None where no room does."""
    folder = path.rpartition("/")[0]
    while folder and folder not in ARROWS:
        folder = folder.rpartition("/")[0]
    return folder or None


def may_include(source):
    """Names of the rooms that a product file may look into, besides its own; None for a file that is no product."""
    if source.startswith("lib/"):
        room = room_of(source[4:])
        return None if room is None else ARROWS[room] | {room}
    if source.startswith("capi/src/"):
        return CAPI
    if source.startswith(("include/", "capi/java/jni/", "capi/java/bench/", "python/src/")):
        return set()
    return None


def breach(root, source, quote, name):
    """What is wrong with an include; None where nothing is."""
    room = room_of(source[4:]) if source.startswith("lib/") else None
    allowed = may_include(source)
    if (root / "lib" / name).is_file():
        target = room_of(name)
        if target in allowed:
            return None
        who = f"lib/{room}" if room else source.rpartition("/")[0]
        return f"{who} may not look into lib/{target}" if target else f"lib/{name} is in no room"
    if LIBTORCH.match(name):
        return None if room == "torch" else "only lib/torch may include LibTorch or CUDA headers"
    if name.startswith(TESTS):
        return "product code includes no tests"
    beside = (root / source).parent / name
    if (root / "include" / name).is_file() or beside.is_file():
        return None
    library = LIBRARIES.match(name)
    if library:
        rooms = OF_LIBRARIES.get(library[1])
        if rooms is None or room in rooms or not source.startswith(("lib/", "include/")):
            return None
        return f"only {', '.join('lib/' + of for of in sorted(rooms))} may include {library[1]}"
    if quote == "<" and "/" not in name:
        return None  # of the languages or the system
    return "this is no file of the tree, and no library that it is known to use"


def breaches(root):
    for source in sorted(p for p in root.rglob("*") if p.suffix in SOURCES):
        inside = source.relative_to(root).as_posix()
        if inside.startswith("lib/") and may_include(inside) is None:
            yield f"{inside}: lies in no room: give its folder a row in ARROWS"
        elif may_include(inside) is not None:
            for quote, name in INCLUDE.findall(source.read_text(encoding="utf-8")):
                if said := breach(root, inside, quote, name):
                    yield f"{inside}: includes {name}: {said}"


if __name__ == "__main__":
    found = list(breaches(pathlib.Path(sys.argv[1])))
    print("\n".join(found) or "the layers hold")
    sys.exit(bool(found))
