# SPDX-License-Identifier: Apache-2.0
"""run_attacks.sh's campaign: every crafted file through every door, then mutants; counts by outcome as JSON.

    python -m attacks --command weighbridge --library libweighbridge.so --bundles DIR --mutants N [--json FILE]

Exit code 1 where anything crashed, hung, touched a file, took more memory than allowed, was accepted, or was refused by
another rule than the one that it was made for.
"""
import argparse
import collections
import hashlib
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time

from .bundles import Mutants
from .crafted import Attack, all_attacks
from .library import Library, in_process
from .mutants import changed_module, read_by_loader
from .traced import traced

DEADLINE_S = 60
MOST_MB = 1024  # resident, of any door
SECRET = b"what-no-model-may-read-" * 8
MANIFEST = {
    "weighbridge": {"format": 1, "requires": "0.1.0"},
    "identity": {"name": "attack", "version": "1"},
    "features": [{"name": f"n{i}", "type": "float32"} for i in range(6)],
    "tensors": [{"name": "numbers", "dtype": "float32", "shape": ["batch", 6], "features": [f"n{i}" for i in range(6)]}],
    "outputs": [{"name": "fraud", "shape": ["batch"]}],
    "fallback": {"score": 0.5},
}
ROW = {f"n{i}": 0.5 for i in range(6)}


def digests(folder: pathlib.Path) -> dict:
    return {path.name: {"sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "bytes": path.stat().st_size}
            for path in sorted(folder.iterdir()) if path.name != "manifest.json"}


class Doors:
    """The ways into the library that a file is given to, each by a command of its own."""

    def __init__(self, command: str, scratch: pathlib.Path):
        self.command, self.scratch = command, scratch
        (scratch / "manifest.json").write_text(json.dumps(MANIFEST))
        (scratch / "golden.jsonl").write_text(json.dumps({"row": ROW, "outputs": {"fraud": [3.0]}}) + "\n")
        (scratch / "rows.jsonl").write_text(json.dumps(ROW) + "\n")

    def commands(self, attack: Attack):
        module, bundle = self.scratch / "module.ts", self.scratch / "bundle"
        module.write_bytes(attack.content)
        for folder in (bundle, self.scratch / "packed"):
            shutil.rmtree(folder, ignore_errors=True)
        bundle.mkdir()
        (bundle / "model.ts").write_bytes(attack.content)
        shutil.copy(self.scratch / "golden.jsonl", bundle)
        (bundle / "manifest.json").write_text(json.dumps({**MANIFEST, "files": digests(bundle)}))
        yield "scan", ["scan", module, "--json"]
        yield "pack", ["pack", "--module", module, "--manifest", self.scratch / "manifest.json",
                       "--golden", self.scratch / "golden.jsonl", "--out", self.scratch / "packed"]
        yield "pack, golden vectors computed", ["pack", "--module", module, "--manifest", self.scratch / "manifest.json",
                                                "--out", self.scratch / "packed"]
        yield "compile", ["compile", bundle]
        yield "verify", ["verify", bundle]
        yield "verify, torchscript", ["verify", bundle, "--backend", "torchscript"]
        yield "load, torchscript", ["score", bundle, "--backend", "torchscript", "--no-verify", "--input",
                                    self.scratch / "rows.jsonl", "--output", self.scratch / "scores.jsonl"]

    def knock(self, arguments) -> tuple[str, str, int]:
        """What came of a command: an outcome, what it said, and its largest resident memory in MB."""
        process = subprocess.Popen([self.command, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                   stdin=subprocess.DEVNULL, cwd=self.scratch)
        late = threading.Timer(DEADLINE_S, process.kill)
        late.start()
        said = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        hung = not late.is_alive()
        late.cancel()
        process.returncode = 0
        text = said.decode(errors="replace")
        mb = usage.ru_maxrss // 1024
        if hung:
            return "hung", text, mb
        if os.WIFSIGNALED(status):
            return "crashed", text, mb
        if SECRET in said:
            return "files touched", text, mb
        if os.WEXITSTATUS(status) == 0:
            return "accepted", text, mb
        return "refused by rule" if "rule " in text else "refused in isolation", text, mb


def crafted(options, report: dict) -> list[str]:
    faults = []
    counts = collections.Counter()
    with tempfile.TemporaryDirectory(prefix="wb-attacks-") as name:
        scratch = pathlib.Path(name) / "doors"
        scratch.mkdir()
        host, written = pathlib.Path(name) / "host", pathlib.Path(name) / "written"
        host.write_bytes(SECRET)
        before = host.stat().st_mtime_ns
        doors = Doors(options.command, scratch)
        largest = 0
        for attack in all_attacks(str(host), str(written)):
            for door, arguments in doors.commands(attack):
                outcome, said, mb = doors.knock(arguments)
                largest = max(largest, mb)
                touched = written.exists() or host.read_bytes() != SECRET or host.stat().st_mtime_ns != before
                if touched:
                    outcome = "files touched"
                    written.unlink(missing_ok=True)
                counts[outcome] += 1
                named = f"rule {attack.rule}:" in said
                if outcome != "refused by rule" or not named or mb > MOST_MB:
                    faults.append(f"{attack.name}: {door}: {outcome}, {mb} MB, expected rule {attack.rule}: {said.strip()[-300:]}")
        report["crafted"] = {"files": len(all_attacks(str(host), str(written))), "outcomes": dict(counts),
                             "largest_resident_mb": largest}
    return faults


def module_mutants(options, report: dict, folder: pathlib.Path) -> list[str]:
    """Changed modules through the scan. What is accepted is equal in all that LibTorch is given, or another module with
    its own CRCs: never a damaged one, and never in the place of a bundle's own."""
    sources = sorted(pathlib.Path(options.bundles).glob("*/model.ts"))
    modules = [(path.parent, path.read_bytes()) for path in sources]
    equal = {bundle: read_by_loader(module) for bundle, module in modules}
    rng, counts, faults = random.Random(1), collections.Counter(), []
    others: list[tuple[pathlib.Path, bytes]] = []
    for start in range(0, options.mutants, 500):
        paths, made = [], []
        for i in range(min(500, options.mutants - start)):
            bundle, module = rng.choice(modules)
            made.append((bundle, *changed_module(module, rng)))
            paths.append(str(folder / f"{i}.ts"))
            pathlib.Path(paths[-1]).write_bytes(made[-1][1])
        for i, code in enumerate(in_process(Library(options.library), [lambda c, p=p: c.scan(p) for p in paths])):
            bundle, module, damaged = made[i]
            outcome = code if isinstance(code, str) else "refused by rule"
            if code == 0:
                outcome = "accepted equal" if read_by_loader(module) == equal[bundle] else "accepted changed"
            counts[outcome] += 1
            if outcome == "accepted changed":
                others.append((bundle, module))
            if isinstance(code, str) or (damaged and outcome == "accepted changed"):
                kept = pathlib.Path(tempfile.gettempdir()) / f"wb-mutant-{start + i}.ts"
                shutil.copy(paths[i], kept)
                faults.append(f"module mutant {start + i}: {outcome}; kept as {kept}")
    report["module_mutants"] = dict(counts)
    report["accepted_changed_in_bundles"] = in_bundles(options, folder, others, faults)
    return faults


def in_bundles(options, folder: pathlib.Path, files: list[tuple[pathlib.Path, bytes]], faults: list[str]) -> dict:
    """Copies of bundles with another module in the place of their own, through a load with verification."""
    counts = collections.Counter()
    for start in range(0, len(files), 50):
        paths = []
        for i, (source, module) in enumerate(files[start:start + 50]):
            copy = folder / str(i)
            shutil.rmtree(copy, ignore_errors=True)
            shutil.copytree(source, copy)
            (copy / "model.ts").write_bytes(module)
            paths.append(str(copy))
        for i, code in enumerate(in_process(Library(options.library), [lambda c, p=p: c.verify(p) for p in paths])):
            outcome = code if isinstance(code, str) else "accepted changed" if code == 0 else "refused by digest"
            counts[outcome] += 1
            if outcome != "refused by digest":
                faults.append(f"module mutant {start + i} in a bundle: {outcome}")
    return dict(counts)


def bundle_mutants(options, report: dict, folder: pathlib.Path) -> list[str]:
    mutants, faults = Mutants(options.command, options.library, pathlib.Path(options.bundles), folder), []
    for seed, (kind, part) in enumerate((("unsigned", 1), ("signed_by_two", 1), ("resealed", 2)), 2):
        report[f"bundle_mutants_{kind}"], found = mutants.run(kind, options.mutants // part, seed)
        faults += found
    return faults


def overwritten(options, report: dict) -> list[str]:
    """Bundles that are overwritten in place while they serve: the test's program, on the examples."""
    faults = []
    report["overwritten"] = {}
    for bundle in sorted(path.parent for path in pathlib.Path(options.bundles).glob("*/manifest.json")):
        row = json.dumps(json.loads((bundle / "golden.jsonl").open().readline())["row"])
        done = subprocess.run([options.overwritten, "-", "native", bundle, row], capture_output=True, text=True)
        report["overwritten"][bundle.name] = done.stdout.strip()
        if done.returncode != 0:
            faults.append(f"overwritten {bundle.name}: exit code {done.returncode}: {done.stderr.strip()}")
    return faults


def main() -> int:
    parser = argparse.ArgumentParser()
    for name in ("--command", "--library", "--bundles", "--overwritten"):
        parser.add_argument(name, required=True)
    parser.add_argument("--mutants", type=int, required=True)
    parser.add_argument("--json")
    options = parser.parse_args()
    report: dict = {}
    started = time.monotonic()
    faults = crafted(options, report)
    with tempfile.TemporaryDirectory(prefix="wb-mutants-") as name:
        folder = pathlib.Path(name)
        faults += module_mutants(options, report, folder)
        faults += bundle_mutants(options, report, folder)
    faults += overwritten(options, report)
    with tempfile.TemporaryDirectory(prefix="wb-traced-") as name:
        faults += traced(options, report, pathlib.Path(name))
    report["seconds"] = round(time.monotonic() - started, 1)
    report["faults"] = faults
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(report, indent=1) + "\n")
    print("\n".join(faults[:40]))
    print(json.dumps({key: value for key, value in report.items() if key != "faults"}))
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
