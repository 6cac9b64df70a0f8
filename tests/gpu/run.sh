#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Holds the CUDA backend on this machine's GPU against the reference, bit for bit, and times it; DIR gets report.json and
# log.txt. Prints "skipped: no CUDA device" where there is none. Uses build/gpu where it is there (gpu_check and
# weighbridge_cuda.fatbin, which need nothing that is not in them but libc and the driver), else builds it, which needs
# nvcc of CUDA 13, CMake and ninja.
# usage: tests/gpu/run.sh [DIR]    default build/gpu-report
set -euo pipefail
[ "${1:-}" != --help ] || { sed -n '3,7p' "$0" | cut -c3-; exit 0; }
root=$(cd "$(dirname "$0")/../.." && pwd)
out=$(realpath -m -- "${1:-$root/build/gpu-report}")
driver=${WB_CUDA_DRIVER:-libcuda.so.1} kernels=${WB_CUDA_KERNELS:-$root/build/gpu/weighbridge/weighbridge_cuda.fatbin}
if [ "$driver" = libcuda.so.1 ] && ! ls /dev/nvidia[0-9]* >/dev/null 2>&1; then
    echo "skipped: no CUDA device (/dev/nvidia*)"
    exit 0
fi
check=$root/build/gpu/tests/gpu_check
if [ ! -x "$check" ] || [ ! -f "$kernels" ]; then
    cmake -G Ninja -S "$root" -B "$root/build/gpu" -DCMAKE_BUILD_TYPE=Release -DWEIGHBRIDGE_BUILD_CUDA=ON \
        -DWEIGHBRIDGE_BUILD_TORCH=OFF -DWEIGHBRIDGE_BUILD_PYTHON=OFF >/dev/null
    cmake --build "$root/build/gpu" --target gpu_check weighbridge_fatbin
fi
mkdir -p "$out"
"$check" "$driver" "$kernels" "$out/report.json" "${WB_GRAPHS:-300}" 2>&1 | tee "$out/log.txt"
exit "${PIPESTATUS[0]}"
