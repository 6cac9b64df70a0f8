# SPDX-License-Identifier: Apache-2.0
"""Reads the #include lines of a source tree and keeps the arrows of the layout true. Prints each breach."""
import pathlib
import re
import sys

ORDER = ["base", "telemetry", "tensor", "feature", "bundle", "graph", "graph/passes", "plan", "backend",
         "backend/native", "backend/reference", "pool", "batcher", "registry", "slot", "engine"]
LIBTORCH = re.compile(r"(torch|ATen|c10|caffe2|cuda\w*)[/.]")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)


def layer_of(path):
    """The longest folder of ORDER that holds `path` (relative to lib/); None for another one."""
    folder = path.rsplit("/", 1)[0]
    while folder and folder not in ORDER:
        folder = folder.rpartition("/")[0]
    return folder or None


def breaches(root):
    lib = root / "lib"
    for source in sorted(p for p in root.rglob("*") if p.suffix in {".h", ".hpp", ".c", ".cpp", ".cu"}):
        inside = source.relative_to(root).as_posix()
        if not inside.startswith(("lib/", "include/", "capi/src/")):
            continue
        for _, name in INCLUDE.findall(source.read_text(encoding="utf-8")):
            own = layer_of(inside[4:]) if inside.startswith("lib/") else None
            target = layer_of(name) if (lib / name).exists() else None
            if LIBTORCH.match(name) and not inside.startswith("lib/torch/"):
                yield f"{inside}: includes {name}: only lib/torch may include LibTorch or CUDA headers"
            elif inside.startswith("include/") and re.match(r"(nlohmann|fmt|openssl|CLI)/", name):
                yield f"{inside}: includes {name}: a public header includes only its own and the standard's"
            elif inside.startswith("lib/cli/") and target:
                yield f"{inside}: includes {name}: the command uses public headers only"
            elif inside.startswith("include/") and target:
                yield f"{inside}: includes {name}: a public header includes nothing of lib/"
            elif own and target and ORDER.index(target) > ORDER.index(own):
                yield f"{inside}: includes {name}: lib/{own} comes before lib/{target}"


if __name__ == "__main__":
    found = list(breaches(pathlib.Path(sys.argv[1])))
    print("\n".join(found) or "the layers hold")
    sys.exit(bool(found))
