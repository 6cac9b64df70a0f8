# SPDX-License-Identifier: Apache-2.0
"""Weighbridge beside LibTorch, ONNX Runtime and OpenVINO, from Python and from C. See ../README.md."""
