#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# symbols.sh LIBRARY LIST VERIFY: the library exports exactly the functions of LIST (lines "node function"), and what checks
# signatures wb_verify_get alone. Both need no libraries but those that every image with C++ programs has, and are at
# most 5 MB stripped.
set -euo pipefail
stripped=$(mktemp)
trap 'rm -f "$stripped"' EXIT
# checked LIBRARY FUNCTIONS
checked() {
    local exported needed kb
    exported=$(nm -D --defined-only "$1" | awk '$2 != "A" {print $NF}' | sed 's/@.*//' | LC_ALL=C sort -u)
    diff <(printf '%s\n' "$exported") <(printf '%s\n' "$2") ||
        { echo "symbols.sh: $1: expected the functions on the right, found those on the left"; return 1; }
    needed=$(readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
    if grep -vE '^(libstdc\+\+|libgcc_s|libc|libm|libdl|libpthread|ld-linux[a-z0-9-]*)[.]so' <<<"$needed"; then
        echo "symbols.sh: $1: unexpected dependency"
        return 1
    fi
    strip -o "$stripped" "$1"
    kb=$(($(stat -c %s "$stripped") / 1024))
    echo "$(basename "$1"): $(wc -l <<<"$2") symbols, $kb KB stripped"
    [ "$kb" -le 5120 ]
}
checked "$1" "$(awk '{print $NF}' "$2" | LC_ALL=C sort -u)"
checked "$3" wb_verify_get
