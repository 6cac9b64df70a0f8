#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# symbols.sh LIBRARY LIST: the library exports exactly the functions of LIST, needs no libraries but those that every image
# with C++ programs has, and is at most 5 MB stripped.
set -euo pipefail
exported=$(nm -D --defined-only "$1" | awk '$2 != "A" {print $NF}' | sed 's/@.*//' | sort -u)
diff <(printf '%s\n' "$exported") "$2" || { echo "symbols.sh: exported symbols differ from $2 (left: found)"; exit 1; }
needed=$(readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
if grep -vE '^(libstdc\+\+|libgcc_s|libc|libm|libdl|libpthread|ld-linux[a-z0-9-]*)[.]so' <<<"$needed"; then
    echo "symbols.sh: unexpected dependency"
    exit 1
fi
stripped=$(mktemp)
trap 'rm -f "$stripped"' EXIT
strip -o "$stripped" "$1"
kb=$(($(stat -c %s "$stripped") / 1024))
echo "$(wc -l <"$2") symbols, $kb KB stripped"
[ "$kb" -le 5120 ]
