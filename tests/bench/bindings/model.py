# SPDX-License-Identifier: Apache-2.0
"""The bundle that every language scores, in fp32, and 64 payments with LibTorch's logits."""
import pathlib

from rivals import bundles, c_side, timing


class Model:
    def __init__(self, folder: pathlib.Path, command: pathlib.Path):
        maker = bundles.Maker(folder, command, "torchscript")  # packs; the one precision is compiled here
        self.bundle = maker.bundle(c_side.MODEL).path
        maker.run("compile", self.bundle, "--precision", "fp32")
        side = c_side.CSide(folder, None, None, maker, None, False)
        side.write_payments()
        self.payments = side.payments
        self.tolerance = timing.EXACT * side.scale
