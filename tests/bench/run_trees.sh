#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Times single rows of gradient-boosted trees, one thread: LightGBM's own fast single-row call, a run of the plan that
# hummingbird-ml's export compiles to, and wb_model_score with its checks and encoding. Answers are compared first. Installs
# what it needs (requirements-trees.txt) into .venv-trees. A minute.
# usage: tests/bench/run_trees.sh [ROUNDS]      default: 200
case ${1:-} in
    --help) sed -n '3,6p' "$0" | cut -c3-; exit 0 ;;
esac
rounds=${1:-200}
. "$(dirname "$0")/../../cmake/setup.sh"
wb_system_build
WB_VENV=${WB_TREES_VENV:-$WB_ROOT/.venv-trees}
wb_python
"$WB_VENV/bin/python" -c 'import hummingbird.ml, lightgbm' 2>/dev/null || wb_pip -r "$WB_ROOT/tests/bench/requirements-trees.txt"
WB_VENV=$WB_ROOT/.venv
wb_build release weighbridge weighbridge_command weighbridge_torch bench_trees
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python=${WB_TREES_VENV:-$WB_ROOT/.venv-trees}/bin/python
export OMP_NUM_THREADS=1
"$python" "$WB_ROOT/tests/bench/make_trees.py" "$folder" "$WB_ROOT/build/release/bin/weighbridge"
library=$("$python" -c 'import glob, lightgbm, os; print(glob.glob(os.path.dirname(lightgbm.__file__) + "/**/lib_lightgbm.so", recursive=True)[0])')
"$WB_ROOT/build/release/tests/bench_trees" "$library" "$folder/model.txt" "$folder/bundle" "$folder/rows.bin" 30 "$rounds"
