# SPDX-License-Identifier: Apache-2.0
"""export_onnx.py MODEL.ts OUT.onnx: the MLP of the benchmarks for ONNX Runtime, through TorchScript's exporter, as
tests/bench/rivals does."""
import sys
import warnings

import torch

warnings.simplefilter("ignore")
torch.onnx.export(torch.jit.load(sys.argv[1]), (torch.zeros(1, 64), torch.zeros(1, 16, dtype=torch.int64)), sys.argv[2],
                  input_names=["numbers", "codes"], output_names=["logit"], opset_version=17, dynamo=False)
