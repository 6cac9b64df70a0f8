# SPDX-License-Identifier: Apache-2.0
"""Called by tests/bench/run_rivals.sh, which says what it does."""
import argparse
import fnmatch
import json
import logging
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import warnings

for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_name] = "1"  # before anything reads them
os.environ["OPENVINO_TELEMETRY"] = "0"
warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)

import numpy as np  # noqa: E402
import torch  # noqa: E402

from . import bundles, c_side, cases, cpu, limits, ours, peers, report, timing  # noqa: E402

FASTER_THAN_THE_LIMIT = 0.95  # a kernel cannot be: then the floor was measured wrongly, and the run fails


class Run:
    def __init__(self, options, folder: pathlib.Path):
        self.options = options
        self.maker = bundles.Maker(folder, options.build / "bin" / "weighbridge", options.engine)
        self.weighbridge = ours.Weighbridge(options.build, options.module, self.maker, options.amx)
        self.peers = [] if options.no_peers else peers.make(folder)
        self.floor = limits.Limits(options.limits)
        self.c_side = c_side.CSide(folder, options.c_program, options.build / "libweighbridge.so", self.maker,
                                   self.floor, options.quick)
        self.rows, self.failures, self.notes = [], [], []

    def wanted(self, name: str) -> bool:
        only = self.options.only
        return not only or any(fnmatch.fnmatch(name, f"*{pattern}*") for pattern in only.split(","))

    def prepare(self, case) -> dict:
        """Every engine's calls by name, after their answers were found to be LibTorch's."""
        reference = peers.LibTorch()
        expected = np.concatenate([reference.output(call()) for call in reference.calls(case, False)])
        scale = float(np.abs(expected).max())
        ready, said = {}, []

        def add(name: str, precision: str, engine, make, padded: bool) -> None:
            try:
                calls = make()
            except peers.Refused as refusal:
                self.notes.append(f"not run: {refusal}")
                return
            found = np.concatenate([np.array(engine.output(call())) for call in calls])
            if padded:
                found = found[np.argsort(case.order)]
            off = float(np.abs(found - expected).max()) / scale
            said.append(f"{name} {off:.1e}")
            most = timing.EXACT if precision == "fp32" else timing.LOSSY
            if not off <= most:
                self.failures.append(f"{case.name}: {name} differs from LibTorch by {off:.2g} of the largest |logit| "
                                     f"({scale:.3g}), at most {most}")
            ready[name] = calls

        for precision in self.weighbridge.precisions(case):
            add(precision, precision, self.weighbridge, lambda: self.weighbridge.calls(case, precision), False)
        for peer in self.peers:
            add(peer.name, peer.precision, peer, lambda: peer.calls(case, False), False)
            if case.padded:
                add(peer.name + report.SORTED, peer.precision, peer, lambda: peer.calls(case, True), True)
        timing.say(f"  largest difference from LibTorch, of the largest |logit| {scale:.3g}: {', '.join(said)}")
        return ready

    def time_case(self, case) -> None:
        timing.say(f"{case.name}: preparing")
        samplers = {name: timing.Sampler(calls) for name, calls in self.prepare(case).items()}
        quick = self.options.quick
        begin = time.monotonic()
        least = 2 if quick and not case.of_rows else 5
        done = timing.rounds(samplers, case.seconds * (0.1 if quick else 1.0), least)
        timing.say(f"  {done} rounds in {time.monotonic() - begin:.0f} s")
        for peer in self.peers:
            if note := getattr(peer, "note", lambda _: "")(case):
                self.notes.append(f"{case.name}: {peer.name} quantised by {note}")
        precisions = self.weighbridge.precisions(case)
        by_name = {name: sampler.median_us(case.by_call) for name, sampler in samplers.items()}
        rivals = {name: us for name, us in by_name.items() if name not in precisions}
        p99 = {name: sampler.p99_us() for name, sampler in samplers.items()}
        for precision in precisions:
            tiles = self.options.amx and precision != "fp32"  # the limits are measured without them
            self.rows.append({
                "case": case.name, "precision": precision, "call": "python",
                "cpu_level": "amx" if tiles else cpu.level(),
                "weighbridge_us": by_name[precision], "peers_us": rivals,
                "limit_us": None if tiles else self.floor.case_us(case, precision), "p99_us": p99[precision],
                "peers_p99_us": {name: p99[name] for name in rivals}, "rounds": done, "tokens": case.tokens})

    def time_all_c(self) -> None:
        for verb, precision in self.c_side.todo(self.wanted):
            self.attempt(self.time_c, verb, precision)

    def time_c(self, verb: str, precision: str) -> None:
        timing.say(f"C: {verb} {precision}")
        self.rows += self.c_side.run(verb, precision)

    def attempt(self, step, *arguments) -> None:
        """A case that fails is told at the end; the others are measured all the same."""
        try:
            step(*arguments)
        except (RuntimeError, OSError, subprocess.CalledProcessError) as error:
            self.failures.append(str(error))
            timing.say(f"  FAILED: {error}")

    def all(self) -> int:
        for case in cases.make(self.options.quick):
            if self.wanted(case.name):
                with torch.inference_mode():
                    self.attempt(self.time_case, case)
        if self.options.amx:
            self.notes.append("not run: C, which is timed without --amx")
        else:
            self.attempt(self.time_all_c)
        for row in self.rows:
            if row.get("limit_us") and row["weighbridge_us"] < FASTER_THAN_THE_LIMIT * row["limit_us"]:
                which = f"{row['case']} {row['precision']} {row['call']}"
                self.failures.append(f"{which}: {row['weighbridge_us']:.2f} us is below the limit of "
                                     f"{row['limit_us']:.2f} us, which was measured wrongly")
        for bundle in self.maker.made.values():
            self.notes += [f"not run: {bundle.path.name} {p}: {why}" for p, why in bundle.refused.items()]
        for precision in ("bf16", "int8bf16"):
            if why := cpu.refusal(precision):
                self.notes.append(f"not run: {precision} ({why})")
        self.print()
        return 1 if self.failures else 0

    def print(self) -> None:
        print(f"{cpu.name()}, {'amx' if self.options.amx else cpu.level()}; one thread each{'; quick' if self.options.quick else ''}"
              f"{'' if self.maker.engine == 'native' else '; engine ' + self.maker.engine}")
        self.failures = list(dict.fromkeys(self.failures))
        lines = report.python_lines(self.rows) + report.c_lines(self.rows)
        lines += report.limit_lines(self.floor.peak, self.floor.streams) + [""] + sorted(set(self.notes))
        print("\n".join(lines))
        for failure in self.failures:
            print(f"FAILED: {failure}")


def main() -> int:
    parser = argparse.ArgumentParser(prog="rivals", description="Weighbridge beside its peers, one thread each.")
    parser.add_argument("--json", type=pathlib.Path, required=True, help="the file to write")
    parser.add_argument("--quick", action="store_true", help="few rounds, a quarter of the sequences")
    parser.add_argument("--only", default="", help="cases whose name holds one of these patterns, comma-separated")
    parser.add_argument("--no-peers", action="store_true", help="only Weighbridge, its limits, and LibTorch's answers")
    parser.add_argument("--engine", default="native", choices=("native", "reference", "torchscript"))
    parser.add_argument("--amx", action="store_true", help="ours on AMX tiles, where the CPU has them")
    parser.add_argument("--build", type=pathlib.Path, required=True, help="a release build")
    parser.add_argument("--module", type=pathlib.Path, help="the folder of the Python module (default: BUILD/python)")
    parser.add_argument("--limits", type=pathlib.Path, help="the program (default: BUILD/tests/bench_limits)")
    parser.add_argument("--c-program", type=pathlib.Path, help="the program (default: BUILD/tests/bench_rivals_c)")
    options = parser.parse_args()
    if options.amx and not cpu.has("amx_int8"):
        parser.error("--amx: this CPU has no AMX tiles")
    options.build = options.build.resolve()
    options.module = options.module or options.build / "python"
    options.limits = options.limits or options.build / "tests" / "bench_limits"
    options.c_program = options.c_program or options.build / "tests" / "bench_rivals_c"
    torch.set_num_threads(1)
    torch.set_num_interop_threads(1)
    with tempfile.TemporaryDirectory(prefix="wb-rivals-") as folder:
        run = Run(options, pathlib.Path(folder))
        try:
            return run.all()
        finally:
            options.json.write_text(json.dumps(run.rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (RuntimeError, FileNotFoundError) as error:
        sys.exit(f"rivals: {error}")
