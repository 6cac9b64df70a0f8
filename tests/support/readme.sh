#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# readme.sh README BUILD_DIR INCLUDE_DIR CC CXX: the README's programs compile, and score a bundle.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
snippet() { awk -v fence="\`\`\`$2" '$0 == fence {on = 1; next} $0 == "```" {on = 0} on' "$1"; }
snippet "$1" cpp >"$work/score.cpp"
snippet "$1" c >"$work/score.c"
link=(-I "$3" -L "$2" -lweighbridge -Wl,-rpath,"$2")
"$5" -std=c++20 -Wall -Wextra "$work/score.cpp" -o "$work/cpp" "${link[@]}"
"$4" -std=c99 -Wall -Wextra "$work/score.c" -o "$work/c" "${link[@]}"
ln -s "$2/tests/fixtures/mlp" "$work/bundle"
cd "$work"
[ "$(./cpp)" = "$(./c)" ] && ./c | grep -qE '^score 0\.[0-9]{6} band [0-2]$' && ./c
