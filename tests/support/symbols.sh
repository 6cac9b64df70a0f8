#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# symbols.sh LIBRARY LIST: the library exports exactly the functions of LIST, and needs no heavy library.
set -euo pipefail
exported=$(nm -D --defined-only "$1" | awk '$2 != "A" {print $NF}' | sed 's/@.*//' | sort -u)
diff <(printf '%s\n' "$exported") "$2" || { echo "symbols.sh: exported symbols differ from $2 (left: found)"; exit 1; }
if ldd "$1" | grep -iE 'torch|c10|cuda|gomp|python'; then echo "symbols.sh: unexpected dependency"; exit 1; fi
stripped=$(mktemp)
trap 'rm -f "$stripped"' EXIT
strip -o "$stripped" "$1"
kb=$(($(stat -c %s "$stripped") / 1024))
echo "$(wc -l <"$2") symbols, $kb KB stripped"
[ "$kb" -le 5120 ]
