#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Times Weighbridge beside LibTorch, ONNX Runtime and OpenVINO, one thread each, and against what the machine can do at
# all. Checks first that every engine gives LibTorch's answers. Installs what it needs (Debian packages as root, Python
# packages into .venv), builds build/release, prints a table and writes FILE. 10 to 15 minutes; --quick under 3.
# Exit code 0; 1 where an answer differs, a step fails, or a kernel beats its limit. tests/bench/README.md says more.
# usage: tests/bench/run_rivals.sh --json FILE [--quick] [--only PATTERN[,PATTERN]] [--no-peers] [--engine ENGINE] [--amx]
#   --only    cases whose name holds a pattern: mlp-330k, traffic, d256, lstm64, conv3, plr, minilm, routes32, threads2, load, size
#   --amx     ours on AMX tiles (the engine option allow_amx), without C and limits
#   --engine  native (default), reference, or torchscript, which needs no compiled plan
arguments=() json=
while [ $# -gt 0 ]; do
    case $1 in
        --help) sed -n '3,10p' "$0" | cut -c3-; exit 0 ;;
        --quick | --no-peers | --amx) arguments+=("$1"); shift ;;
        --json | --only | --engine)
            [ $# -ge 2 ] || { echo "run_rivals.sh: $1: expected a value" >&2; exit 2; }
            if [ "$1" = --json ]; then json=$(realpath -m -- "$2"); else arguments+=("$1" "$2"); fi
            shift 2 ;;
        *) echo "run_rivals.sh: unknown argument '$1'; --help tells" >&2; exit 2 ;;
    esac
done
[ -n "$json" ] || { echo "run_rivals.sh: expected --json FILE; --help tells" >&2; exit 2; }
. "$(dirname "$0")/../../cmake/setup.sh"

wb_system_build
wb_system catch2 pkg-config binutils
wb_python
# The Python module needs Python.h.
[ -e "$(python3 -c 'import sysconfig; print(sysconfig.get_path("include"))')/Python.h" ] || wb_system python3-dev
if ! "$WB_VENV/bin/python" tests/support/have_requirements.py tests/bench/requirements.txt 2>/dev/null; then
    wb_say "installing Python packages into .venv (tests/bench/requirements.txt, about 6 GB with PyTorch)"
    wb_pip -r tests/bench/requirements.txt
fi
wb_build release weighbridge weighbridge_command weighbridge_torch weighbridge_python bench_limits bench_rivals_c

# One thread each, also where a library reads it before it can be told.
export OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE=1
export PYTHONPATH=$WB_ROOT/tests/bench
exec "$WB_VENV/bin/python" -m rivals --build "$WB_ROOT/build/release" --json "$json" ${arguments[@]+"${arguments[@]}"}
