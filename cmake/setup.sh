# SPDX-License-Identifier: Apache-2.0
# Sourced by tests/run.sh and examples/quickstart.sh: installs what a build needs, says what it does, and ends with one
# clear line where it cannot. Everything it does can be done again.
set -euo pipefail

WB_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
WB_TORCH=${WB_TORCH:-2.15.0}
WB_TORCH_CUDA="nvidia-cuda-runtime==13.2.86 nvidia-cuda-cupti==13.2.86" # what libtorch_cpu.so links of CUDA
WB_VENV=$WB_ROOT/.venv

wb_say() { printf '\n== %s (after %d s)\n' "$*" "$SECONDS"; }
wb_fail() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; exit 1; }

# wb_system PACKAGE...: Debian and Ubuntu packages, installed where they are missing and we are root.
wb_system() {
    local package missing=()
    command -v dpkg-query >/dev/null || wb_fail "expected Debian or Ubuntu (dpkg-query); install by hand: $*"
    for package in "$@"; do
        dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
    done
    [ ${#missing[@]} -eq 0 ] && return 0
    [ "$(id -u)" -eq 0 ] || wb_fail "packages are missing; as root: apt-get install ${missing[*]}"
    wb_say "installing with apt-get: ${missing[*]}"
    apt-get update -qq || wb_fail "apt-get update failed"
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null ||
        wb_fail "apt-get could not install: ${missing[*]}"
}

wb_system_build() {
    wb_system g++ cmake ninja-build ccache libfmt-dev nlohmann-json3-dev libcli11-dev libssl-dev zlib1g-dev tzdata
}

# wb_python: the virtual environment .venv with this machine's python3 (3.11 or newer).
wb_python() {
    command -v python3 >/dev/null || wb_system python3
    python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || wb_fail "expected python3, 3.11 or newer"
    python3 -c 'import ensurepip, venv' 2>/dev/null || wb_system python3-venv
    [ -x "$WB_VENV/bin/python" ] && "$WB_VENV/bin/python" -m pip --version >/dev/null 2>&1 && return 0
    wb_say "making the virtual environment $(basename "$WB_VENV")"
    python3 -m venv --clear "$WB_VENV" || wb_fail "python3 -m venv could not make .venv"
}

wb_pip() {
    "$WB_VENV/bin/python" -m pip install --quiet --disable-pip-version-check "$@" || wb_fail "pip could not install: $*"
}

# wb_libtorch: LibTorch for C++ alone (1.3 GB): the wheel with the two CUDA libraries that it links, nothing else.
wb_libtorch() {
    wb_python
    local have
    have=$("$WB_VENV/bin/python" -c 'import importlib.metadata as m; print(m.version("torch"))' 2>/dev/null || true)
    [ "${have%%+*}" = "$WB_TORCH" ] && return 0
    wb_say "installing LibTorch $WB_TORCH into $(basename "$WB_VENV") (pip, 1.3 GB)"
    # shellcheck disable=SC2086
    wb_pip --no-deps "torch==$WB_TORCH" $WB_TORCH_CUDA
}

# wb_cuda: the compiler of the CUDA Toolkit in .venv/cuda, a folder of its own because LibTorch has other versions of
# the same packages; or the system's. False, with a line that says so, where neither can be had.
wb_cuda() {
    wb_python
    local folder=$WB_VENV/cuda
    # nvcc takes the newest of the others where they are not named, and its ptxas refuses their PTX.
    local packages="nvidia-cuda-nvcc==13.0.88 nvidia-nvvm==13.0.88 nvidia-cuda-crt==13.0.88"
    packages="$packages nvidia-cuda-runtime==13.0.96"
    # They read machine code of 13.0; PyPI has none before 13.2.
    packages="$packages nvidia-cuda-cuobjdump==13.2.86 nvidia-cuda-nvdisasm==13.2.86"
    [ -x "$folder/nvidia/cu13/bin/nvcc" ] && [ -x "$folder/nvidia/cu13/bin/cuobjdump" ] && return 0
    wb_say "installing nvcc 13.0.88 and cuobjdump into $(basename "$WB_VENV")/cuda (pip, 110 MB)"
    rm -rf "$folder"  # pip adds nothing to a folder that is there
    # shellcheck disable=SC2086
    "$WB_VENV/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --target "$folder" $packages &&
        return 0
    rm -rf "$folder"
    command -v nvcc >/dev/null && return 0
    printf 'skipped: the device kernels are not compiled: pip could not install %s\n' "$packages"
    return 1
}

# wb_cuobjdump: prints the path of what reads machine code, nothing where there is none.
wb_cuobjdump() {
    local own=$WB_VENV/cuda/nvidia/cu13/bin/cuobjdump
    if [ -x "$own" ]; then echo "$own"; else command -v cuobjdump; fi
}

# wb_build PRESET [TARGET...]
wb_build() {
    local preset=$1
    shift
    wb_say "building: $preset"
    cmake --preset "$preset" -S "$WB_ROOT" >"$WB_ROOT/build/$preset.configure.log" 2>&1 ||
        { cat "$WB_ROOT/build/$preset.configure.log" >&2; wb_fail "cmake --preset $preset failed"; }
    cmake --build "$WB_ROOT/build/$preset" --parallel "${WB_JOBS:-2}" ${1:+--target "$@"} ||
        wb_fail "the build of preset $preset failed"
}
# Precompiled headers may be cached (ccache's manual, "Precompiled headers").
export CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
mkdir -p "$WB_ROOT/build"
cd "$WB_ROOT"
