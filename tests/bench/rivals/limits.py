# SPDX-License-Identifier: Apache-2.0
"""The machine's floor for a case: its weights have to be streamed once a call, those that multiply a state once a step,
and its arithmetic has to be done. All are measured by tests/bench/limits.cpp, with loops that do nothing else."""
import json
import pathlib
import subprocess

from . import models

GROUP = {"fp32": 1, "bf16": 2, "int8": 4, "int8bf16": 4}  # inputs in a 32-bit word
ARITHMETIC = {"fp32": "fp32", "bf16": "bf16", "int8": "int8", "int8bf16": "int8"}
ATTENTION = {"fp32": "fp32", "bf16": "bf16", "int8": "fp32", "int8bf16": "bf16"}


def panel_bytes(model: str, precision: str) -> int:
    """What a call has to read: the weights alone, without what panels are padded with."""
    return layers_bytes(models.shape_of(model).linears, precision)


def layers_bytes(layers: tuple, precision: str) -> int:
    return sum(-(-inputs // GROUP[precision]) * 4 * outputs for inputs, outputs in layers)


class Limits:
    def __init__(self, program: pathlib.Path):
        self.program, self.streams = program, {}
        self.peak = self.measure("--peak")  # operations a nanosecond, by precision; a product with its sum is two

    def measure(self, *arguments) -> dict:
        done = subprocess.run([self.program, *map(str, arguments)], capture_output=True, text=True, check=True)
        return json.loads(done.stdout)

    def stream_us(self, model: str, precision: str) -> float:
        """The quickest of the loops; the fastest of two looks, since what disturbs only ever adds."""
        return self.read_us(panel_bytes(model, precision))

    def step_us(self, model: str, precision: str) -> float:
        """Of one step of every recurrence, each as small as it is."""
        return sum(self.read_us(layers_bytes((one,), precision)) for one in models.shape_of(model).recurrents)

    def read_us(self, size: int) -> float:
        looks = [min(self.measure("--stream", size).values()) for _ in range(2)]
        self.streams[size] = min([*looks, self.streams.get(size, looks[0])])
        return self.streams[size]

    def call_us(self, model: str, precision: str, rows: int, length: int, stream_us: float) -> float:
        """One call of `rows` rows, or of `rows` sequences of `length`."""
        shape = models.shape_of(model)
        tokens = rows * max(length, 1)
        linear = 2 * tokens * sum(inputs * outputs for inputs, outputs in shape.linears + shape.recurrents)
        attention = 4 * rows * length * length * shape.width * shape.layers
        arithmetic = linear / self.peak[ARITHMETIC[precision]] + attention / self.peak[ATTENTION[precision]]
        return max(stream_us, arithmetic / 1000)

    def case_us(self, case, precision: str) -> float:
        stream = self.stream_us(case.model, precision)
        step = self.step_us(case.model, precision)
        calls = []
        for numbers, _ in case.inputs:
            rows, length = (len(numbers), 0) if case.of_rows else numbers.shape[:2]
            calls.append(self.call_us(case.model, precision, rows, length, stream + length * step))
        return sum(calls) / (len(calls) if case.by_call else 1)
