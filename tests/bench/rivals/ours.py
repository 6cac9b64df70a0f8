# SPDX-License-Identifier: Apache-2.0
"""Weighbridge through its Python module: numpy rows in, a score out, validation and encoding included."""
import functools
import importlib
import pathlib
import sys

import numpy as np

from . import bundles


class Weighbridge:
    def __init__(self, build: pathlib.Path, module: pathlib.Path, maker: bundles.Maker, amx: bool):
        sys.path.insert(0, str(module))
        self.module, self.maker = importlib.import_module("weighbridge"), maker
        plugin = sorted((build / "weighbridge").glob("libweighbridge_torch-*.so"))
        self.engine = self.module.Engine(contexts=1, allow_amx=amx,
                                         torch_plugin=plugin[0] if plugin else "")

    def precisions(self, case) -> list[str]:
        return self.maker.bundle(case.model).precisions

    def load(self, model: str, precision: str):
        plan = self.maker.engine != "torchscript"
        return self.engine.load(self.maker.bundle(model).path, engines=self.maker.engine,
                                precision=precision if plan else "")

    def calls(self, case, precision: str) -> list:
        model = self.load(case.model, precision)
        if case.of_rows:
            arrays, inputs = model.arrays(bundles.NUMBERS, bundles.CODES), case.inputs
        else:
            arrays = model.arrays(bundles.STEPS, ["kind"])
            inputs = [(numbers, kinds[..., None]) for numbers, kinds in case.inputs]
        if all(len(numbers) == 1 for numbers, _ in inputs):
            return [functools.partial(arrays.score_one, numbers[0], codes[0]) for numbers, codes in inputs]
        return [functools.partial(arrays.score, numbers, codes) for numbers, codes in inputs]

    @staticmethod
    def output(result) -> np.ndarray:
        return np.atleast_1d(result)
