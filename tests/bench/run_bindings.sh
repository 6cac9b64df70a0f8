#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Times what Java, Ruby and Python put on top of a C call, on the MLP of 330 k weights, fp32, 80 features: C and each
# language take turns, and the table has their medians beside the C call's and what is allowed. Installs what it needs
# (Debian packages as root, PyTorch into .venv), builds build/release, prints a table and writes FILE.
# A language whose program or toolchain is missing is listed as not run, with the reason.
# Exit code 0; 1 where a program fails, prints something else than it should, or --strict finds a time beyond its limit.
# tests/bench/README.md says what each program prints.
# usage: tests/bench/run_bindings.sh --json FILE [--quick] [--only LANGUAGE[,LANGUAGE]] [--strict]
arguments=() json=
while [ $# -gt 0 ]; do
    case $1 in
        --help) sed -n '3,9p' "$0" | cut -c3-; exit 0 ;;
        --quick | --strict) arguments+=("$1"); shift ;;
        --json | --only)
            [ $# -ge 2 ] || { echo "run_bindings.sh: $1: expected a value" >&2; exit 2; }
            if [ "$1" = --json ]; then json=$(realpath -m -- "$2"); else arguments+=("$1" "$2"); fi
            shift 2 ;;
        *) echo "run_bindings.sh: unknown argument '$1'; --help tells" >&2; exit 2 ;;
    esac
done
[ -n "$json" ] || { echo "run_bindings.sh: expected --json FILE; --help tells" >&2; exit 2; }
. "$(dirname "$0")/../../cmake/setup.sh"

wb_system_build
wb_system catch2 pkg-config binutils
wb_libtorch
"$WB_VENV/bin/python" -c 'import numpy' 2>/dev/null || wb_pip numpy
wb_build release weighbridge weighbridge_command weighbridge_torch bench_bindings_c bench_calls

export OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE=1
export PYTHONPATH=$WB_ROOT/tests/bench
exec "$WB_VENV/bin/python" -m bindings --root "$WB_ROOT" --build "$WB_ROOT/build/release" --json "$json" \
    ${arguments[@]+"${arguments[@]}"}
