#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# other_version.sh: builds the plug-in with the oldest LibTorch that is supported, and verifies both example bundles
# through it. Part of tests/run.sh --full (1.3 GB from PyPI, into .venv-2.11).
. "$(dirname "$0")/../../cmake/setup.sh"
WB_VENV=$WB_ROOT/.venv-2.11
WB_TORCH=2.11.0
WB_TORCH_CUDA="nvidia-cuda-runtime==13.0.96 nvidia-cuda-cupti==13.0.85"
wb_system_build
wb_libtorch
build=$WB_ROOT/build/torch-2.11
command=${WB_BUILD_DIR:-$WB_ROOT/build/release}/bin/weighbridge
cmake -S "$WB_ROOT" -B "$build" -G Ninja -DWEIGHBRIDGE_BUILD_TORCH=ON -DWEIGHBRIDGE_BUILD_COMMAND=OFF \
    -DWEIGHBRIDGE_WERROR=ON -DWEIGHBRIDGE_PYTHON="$WB_VENV/bin/python" >/dev/null ||
    wb_fail "cmake failed with LibTorch $WB_TORCH"
cmake --build "$build" --target weighbridge_torch || wb_fail "the plug-in does not build with LibTorch $WB_TORCH"
for bundle in card-mlp card-transformer; do
    "$command" verify "examples/bundles/$bundle" --backend torchscript \
        --torch-plugin "$build/weighbridge/libweighbridge_torch-2.11.so" ||
        wb_fail "$bundle does not verify with LibTorch $WB_TORCH"
done
