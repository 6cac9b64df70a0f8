# SPDX-License-Identifier: Apache-2.0
"""C against C: what tests/bench/rivals_c.c measures of the MLP. The peers' C headers are not in their wheels."""
import json
import pathlib
import statistics
import struct
import subprocess

import numpy as np
import torch

from . import bundles, cases, cpu, limits, models, timing

MODEL = "mlp-330k"
SECONDS = {"rows": 4.0, "routes": 4.0, "threads": 6.0}
LOADS = 5


class CSide:
    def __init__(self, folder: pathlib.Path, program: pathlib.Path, library: pathlib.Path, maker: bundles.Maker,
                 floor: limits.Limits, quick: bool):
        self.folder, self.program, self.library = folder, program, library
        self.maker, self.floor, self.share = maker, floor, 0.25 if quick else 1.0
        self.payments, self.scale = folder / "payments.bin", 0.0

    def write_payments(self) -> None:
        """64 payments with LibTorch's logits, in the layout of rivals_c.c's `payment`."""
        numbers, codes = cases.payments(64, 99)
        with torch.inference_mode():
            logits = models.make(MODEL)(torch.from_numpy(numbers), torch.from_numpy(codes)).numpy().astype(np.float64)
        self.scale = float(np.abs(logits).max())
        with self.payments.open("wb") as file:
            file.write(struct.pack("<q", len(logits)))
            for one in zip(numbers, codes, logits):
                file.write(b"".join(part.tobytes() for part in one))

    def measure(self, verb: str, precision: str) -> dict:
        plan = self.maker.engine != "torchscript"
        tolerance = (timing.EXACT if precision == "fp32" else timing.LOSSY) * self.scale
        done = subprocess.run([self.program, verb, self.maker.bundle(MODEL).path, precision if plan else "-",
                               self.maker.engine, self.payments, str(tolerance),
                               str(SECONDS.get(verb, 0) * self.share)], capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"C {verb} {precision}: {done.stderr.strip()}")
        return json.loads(done.stdout)

    def todo(self, wanted) -> list[tuple]:
        """What to run, as (verb, precision); `wanted` says whether a case's name is asked for."""
        verbs = {"rows": f"{MODEL}/rows=1", "routes": f"routes32/{MODEL}", "threads": f"threads2/{MODEL}",
                 "load": f"load/{MODEL}"}
        chosen = [verb for verb, case in verbs.items() if wanted(case)]
        precisions = self.maker.bundle(MODEL).precisions if chosen else []
        found = [(verb, precision) for precision in precisions for verb in chosen]
        return found + ([("size", "")] if wanted("size") else [])

    def run(self, verb: str, precision: str) -> list[dict]:
        """The rows of the JSON."""
        if not self.payments.exists():
            self.write_payments()
        return getattr(self, verb)(precision)

    def row(self, case: str, precision: str, us: float, limit: float | None = None, peers=None, **more) -> dict:
        said = {"case": case, "precision": precision, "call": "c", "cpu_level": cpu.level(), "weighbridge_us": us,
                "peers_us": peers or {}, **more}
        return said if limit is None else {**said, "limit_us": limit}

    def limit(self, precision: str, rows: int) -> float:
        stream = self.floor.stream_us(MODEL, precision)
        return self.floor.call_us(MODEL, precision, rows, 0, stream)

    def rows(self, precision: str) -> list[dict]:
        before = self.limit(precision, 1)
        found = self.measure("rows", precision)
        limit = min(before, self.limit(precision, 1))
        tail = {key: found[key] for key in ("calls", "p50", "p99", "p99.9", "control_p50", "control_p99.9")}
        return [self.row(f"{MODEL}/rows=1", precision, found["us"], limit, p99_us=found["p99"]),
                self.row(f"tail/{MODEL}", precision, found["p99.9"], None, tail)]

    def routes(self, precision: str) -> list[dict]:
        found = self.measure("routes", precision)
        return [self.row(f"routes32/{MODEL}", precision, found.pop("us"), self.limit(precision, 32), found)]

    def threads(self, precision: str) -> list[dict]:
        found = self.measure("threads", precision)
        return [self.row(f"threads2/{MODEL}", precision, found.pop("us"), self.limit(precision, 1), found)]

    def load(self, precision: str) -> list[dict]:
        """The medians of some processes. Weights are those of the precision that runs; embedding tables count."""
        found = [self.measure("load", precision) for _ in range(LOADS)]
        grown = statistics.median(one["resident_kb"] - one["before_kb"] for one in found)
        tables = models.CODES * models.CODE_SIZE * models.CODE_WIDTH * 4
        weights = (limits.panel_bytes(MODEL, precision) + tables) / 1024
        path = self.maker.bundle(MODEL).path
        files = {file.name: file.stat().st_size // 1024 for file in sorted(path.glob("model.*"))}
        return [self.row(f"load/{MODEL}", precision, statistics.median(one["us"] for one in found)),
                {"case": f"memory/{MODEL}", "precision": precision, "call": "c", "resident_growth_kb": grown,
                 "weights_kb": round(weights), "beyond_weights_kb": round(grown - weights), "files_kb": files}]

    def size(self, _) -> list[dict]:
        out = self.folder / "stripped.so"
        subprocess.run(["strip", "-o", out, self.library], check=True)
        return [{"case": "size/libweighbridge.so", "precision": "", "call": "c",
                 "stripped_kb": out.stat().st_size // 1024}]
