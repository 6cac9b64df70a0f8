#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Compares two builds of the library in processes that take turns: wb_model_score with single rows of the bundle's golden
# vectors, or wb_model_score_batch with all of them together. Prints each build's medians, the median of the medians and
# their ratio. Exit code 1 where the scores are not the same bits. Build bench_one_row first:
# cmake --build build/release --target bench_one_row
# usage: tests/bench/two_libraries.sh OLD.so NEW.so [BUNDLE] [TURNS] [SECONDS] [batch]
# default: examples/bundles/card-mlp, 9, 2, single rows
case ${1:-} in
    --help) sed -n '3,8p' "$0" | cut -c3-; exit 0 ;;
esac
[ $# -ge 2 ] || { echo "two_libraries.sh: expected OLD.so and NEW.so; --help tells" >&2; exit 2; }
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
old=$(realpath -- "$1") new=$(realpath -- "$2") bundle=${3:-$root/examples/bundles/card-mlp} turns=${4:-9} seconds=${5:-2} what=${6:-}
rows=$(mktemp)
trap 'rm -f "$rows"' EXIT
python3 -c 'import json, sys
for line in open(sys.argv[1]): print(json.dumps(json.loads(line)["row"]))' "$bundle/golden.jsonl" >"$rows"
bench=${WB_BUILD_DIR:-$root/build/release}/tests/bench_one_row
for ((turn = 0; turn < turns; ++turn)); do
    for which in old new; do
        read -r median bits < <("$bench" "${!which}" "$bundle" "$rows" "$seconds" $what)
        [ "${expected:=$bits}" = "$bits" ] || { echo "two_libraries.sh: the scores are not the same bits" >&2; exit 1; }
        echo "$which $median"
    done
done | python3 -c 'import statistics, sys
found = {"old": [], "new": []}
for line in sys.stdin: found[line.split()[0]].append(int(line.split()[1]))
for name, medians in found.items(): print(f"{name}: {statistics.median(medians):.0f} ns a call at the median; turns: {medians}")
print("new / old: {:.4f}".format(statistics.median(found["new"]) / statistics.median(found["old"])))'
