#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Sets everything up and runs the main job: two trained fraud models score 200,000 generated payments in this process,
# from their compiled plans, without LibTorch. Installs Debian packages (as root, where they are missing) and, into
# .venv, numpy.
# usage: examples/quickstart.sh [ROWS]        ROWS: payments to score, default 200000
rows=${1:-200000}
case $rows in
    --help) sed -n '3,6p' "$0" | cut -c3-; exit 0 ;;
    *[!0-9]* | '') echo "quickstart.sh: expected a number of payments, got '$rows'" >&2; exit 2 ;;
esac
. "$(dirname "$0")/../cmake/setup.sh"

wb_system_build
wb_python
"$WB_VENV/bin/python" tests/support/have_requirements.py tests/support/requirements-payments.txt 2>/dev/null ||
    wb_pip -r tests/support/requirements-payments.txt
wb_build quickstart

weighbridge=$WB_ROOT/build/quickstart/bin/weighbridge
work=$WB_ROOT/out/quickstart
mkdir -p "$work"
begin=$SECONDS
wb_say "making $rows payments"
"$WB_VENV/bin/python" examples/train/payments.py --rows "$rows" --seed 7 --start 2026-06-01 \
    --csv "$work/payments.csv" --ndjson "$work/payments.ndjson" || wb_fail "the payments could not be made"

score() { # BUNDLE INPUT
    wb_say "$1: verify, then score $rows payments one by one, two threads on two contexts"
    "$weighbridge" verify "examples/bundles/$1" || wb_fail "$1 does not verify"
    "$weighbridge" score "examples/bundles/$1" --input "$work/$2" --output "$work/$1.scores.csv" \
        --contexts 2 --threads 2 --id payment_id --label is_fraud --json >"$work/$1.json" || wb_fail "$1 did not score"
}
score card-mlp payments.csv
score card-transformer payments.ndjson
wb_say "the scores are in out/quickstart; the bundles in examples/bundles; after the build it took $((SECONDS - begin)) s"
"$WB_VENV/bin/python" examples/compare.py "$work/card-mlp.json" "$work/card-transformer.json" || wb_fail "no table"
