# SPDX-License-Identifier: Apache-2.0
"""The peers, each at its best: one thread, frozen or optimised graphs, inputs in the form that it likes most."""
import functools
import itertools
import os
import pathlib

import numpy as np
import onnxruntime
import openvino
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic

from . import cpu, models, timing


JUDGED, TIMED = 64, 16  # calls by which a way to quantise is judged


class Refused(Exception):
    """An engine that does not do what the case asks; the text says why."""


@functools.cache
def eager(model: str, padded: bool):
    inside = models.make(model)
    return models.PaddedTransformer(inside).eval() if padded else inside


def names_of(model: str, padded: bool) -> list[str]:
    return ["numbers", "codes"] if model in models.ROWS else ["numbers", "kinds", "mask"][: 3 if padded else 2]


class LibTorch:
    """Scripted and frozen, called under inference_mode with tensors made before."""

    name = "libtorch"
    precision = "fp32"

    def calls(self, case, padded: bool) -> list:
        module = torch.jit.freeze(torch.jit.script(eager(case.model, padded)))
        return [functools.partial(module, *map(torch.from_numpy, arrays)) for arrays in inputs_of(case, padded)]

    @staticmethod
    def output(result) -> np.ndarray:
        return result.numpy()


def inputs_of(case, padded: bool) -> list:
    return case.padded if padded else case.inputs


def session(path, intra: int = 1):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = intra
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


class OnnxRuntime:
    """fp32, or with weights and products in int8 by dynamic quantisation: of the ways to quantise (by channel or not,
    signed or unsigned) the quickest whose answers are within the tolerance."""

    def __init__(self, folder: pathlib.Path, precision: str):
        self.folder, self.precision, self.name = folder, precision, f"ort_{precision}"
        self.chosen = {}  # by model and padded: what was found quickest

    def calls(self, case, padded: bool) -> list:
        path = export(self.folder, case.model, padded)
        if self.precision == "int8":
            path = self.quantised(case, path, padded)
        return self.bound(session(path), case, padded)

    @staticmethod
    def bound(made, case, padded: bool) -> list:
        names = names_of(case.model, padded)
        return [functools.partial(made.run, ["logit"], dict(zip(names, arrays))) for arrays in inputs_of(case, padded)]

    def quantised(self, case, path: pathlib.Path, padded: bool) -> pathlib.Path:
        # The variants are judged on the case that asks, since the best one depends on the number of rows.
        if (case.name, padded) in self.chosen:
            return self.chosen[case.name, padded][0]
        found = []
        expected = [call().numpy() for call in LibTorch().calls(case, padded)[:JUDGED]]
        scale = max(np.abs(one).max() for one in expected)
        for by_channel, signed in itertools.product((False, True), (False, True)):
            # Without VNNI two u8 x s8 products may overflow their 16-bit sum: ORT's own advice is 7-bit weights then.
            seven_bits = signed and not cpu.has("avx512_vnni", "avx_vnni")
            kind = f"{'channel' if by_channel else 'tensor'}-{'s' if signed else 'u'}{7 if seven_bits else 8}"
            out = path.with_name(f"{path.stem}-{kind}.onnx")
            if not out.exists():
                quantize_dynamic(path, out, per_channel=by_channel, reduce_range=seven_bits,
                                 weight_type=QuantType.QInt8 if signed else QuantType.QUInt8,
                                 op_types_to_quantize=["MatMul", "LSTM"])
            calls = self.bound(session(out), case, padded)[:JUDGED]
            try:
                error = max(np.abs(call()[0] - one).max() for call, one in zip(calls, expected)) / scale
            except onnxruntime.capi.onnxruntime_pybind11_state.Fail:
                continue  # by channel it runs no product of a constant with three axes
            # The quickest of those that are well within the tolerance; where none is, the most exact.
            good = error <= 0.7 * timing.LOSSY
            found.append((not good, timing.quick_us(calls[:TIMED]) if good else error, out, kind))
        if not found:
            raise Refused(f"{case.name}: ort_int8 runs none of its own quantised models")
        best = min(found)
        self.chosen[case.name, padded] = best[2:]
        return best[2]

    def note(self, case) -> str:
        chosen = {of: kind for (name, of), (_, kind) in self.chosen.items() if name == case.name}
        return ", ".join(f"{kind}{' (sorted16)' if of else ''}" for of, kind in chosen.items())

    @staticmethod
    def output(result) -> np.ndarray:
        return result[0]


class OpenVino:
    """Latency hint, one stream of one thread; compiled for the case's one shape where it has one. Inputs and outputs
    are shared, not copied."""

    def __init__(self, folder: pathlib.Path, precision: str):
        self.folder, self.precision, self.name = folder, precision, f"openvino_{precision}"
        self.core = openvino.Core()

    def calls(self, case, padded: bool) -> list:
        model = self.core.read_model(str(export(self.folder, case.model, padded)))
        if case.fixed_shape and not padded:
            rest = {"numbers": [models.NUMBERS if case.of_rows else models.STEP_NUMBERS],
                    "codes": [models.CODES], "kinds": []}
            model.reshape({name: openvino.PartialShape([*case.fixed_shape, *rest[name]])
                           for name in names_of(case.model, False)})
        wanted = {"fp32": openvino.Type.f32, "bf16": openvino.Type.bf16}[self.precision]
        compiled = self.core.compile_model(model, "CPU", {
            "PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1,
            "INFERENCE_PRECISION_HINT": wanted})
        if self.precision == "bf16" and not runs_bf16(compiled):
            raise Refused("openvino_bf16: the compiled model runs fp32 all the same")
        request = compiled.create_infer_request()
        inputs = [dict(enumerate(arrays)) for arrays in inputs_of(case, padded)]
        return [functools.partial(request.infer, arrays, share_inputs=True, share_outputs=True) for arrays in inputs]

    @staticmethod
    def output(result) -> np.ndarray:
        return np.array(result[0])


def runs_bf16(compiled) -> bool:
    """Whether any matrix product of the compiled model says that it runs in bf16: the hint alone is no promise."""
    for node in compiled.get_runtime_model().get_ordered_ops():
        info = node.get_rt_info()
        kind = str(info["layerType"].value if hasattr(info["layerType"], "value") else info["layerType"])
        runs = str(info["runtimePrecision"].value if hasattr(info["runtimePrecision"], "value")
                   else info["runtimePrecision"])
        if kind in ("FullyConnected", "MatMul") and runs.lower() in ("bf16", "bfloat16"):
            return True
    return False


def export(folder: pathlib.Path, model: str, padded: bool) -> pathlib.Path:
    """The model's ONNX file. The exporter through TorchScript, since what the newer one writes cannot be quantised."""
    path = folder / f"{model}{'-padded' if padded else ''}.onnx"
    if path.exists():
        return path
    names = names_of(model, padded)
    if model in models.ROWS:
        sample = (torch.randn(2, models.NUMBERS), torch.zeros(2, models.CODES, dtype=torch.int64))
        free = {name: {0: "batch"} for name in (*names, "logit")}
    else:
        sample = (torch.randn(2, 40, models.STEP_NUMBERS), torch.zeros(2, 40, dtype=torch.int64),
                  torch.ones(2, 40, dtype=torch.bool))[: len(names)]
        free = {name: {0: "batch", 1: "length"} for name in names} | {"logit": {0: "batch"}}
    with open(os.devnull, "w", encoding="utf-8") as nowhere, timing.quiet(nowhere):
        torch.onnx.export(eager(model, padded), sample, str(path), input_names=names, output_names=["logit"],
                          dynamic_axes=free, opset_version=17, dynamo=False)
    return path


def make(folder: pathlib.Path) -> list:
    """LibTorch first: the others are checked against it."""
    peers = [LibTorch(), OnnxRuntime(folder, "fp32"), OnnxRuntime(folder, "int8"), OpenVino(folder, "fp32")]
    return peers + ([OpenVino(folder, "bf16")] if cpu.refusal("bf16") is None else [])
