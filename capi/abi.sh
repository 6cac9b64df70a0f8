#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Compares the C ABI that the public headers describe (functions, structs, numbers) with the committed one in abi.xml.
# usage: capi/abi.sh [--renew]
#   --renew  writes symbols.txt from weighbridge.map, and abi.xml, and prints what changed: for who adds a function (to
#            the newest node of weighbridge.map), a struct member at the end, or a number. All else breaks callers.
set -euo pipefail
export LC_ALL=C
cd "$(dirname "${BASH_SOURCE[0]}")"
for tool in abidw abidiff; do
    command -v $tool >/dev/null || { echo "abi.sh: expected $tool (Debian, Ubuntu: abigail-tools)"; exit 1; }
done
renew=0
[ "${1:-}" != --renew ] || renew=1
cc=${CC:-cc} work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
symbols=$(awk '/^WEIGHBRIDGE/ {node = $1} /^ *wb_/ {print node, substr($1, 1, length($1) - 1)}' weighbridge.map | sort)
[ $renew = 0 ] || printf '%s\n' "$symbols" >symbols.txt
diff <(printf '%s\n' "$symbols") symbols.txt || { echo "abi.sh: weighbridge.map (left) and symbols.txt differ"; exit 1; }

# A library whose debug information has them all: a pointer to each function, an enumerator for each number.
{
    echo '#include <weighbridge.h>'
    sed -E 's/.* (wb_.*)/__typeof__(\1) *p_\1;/' symbols.txt
    echo 'enum numbers {'
    echo '#include <weighbridge.h>' | "$cc" -I ../include -dM -E -x c - |
        sed -nE 's/^#define (WB_[A-Z0-9_]+) \(?(-?[0-9]+)\)?$/NUMBER_\1 = \2,/p' | sort
    echo '} numbers;'
} >"$work/abi.c"
"$cc" -g -shared -fPIC -ffile-prefix-map="$work/=" -I ../include "$work/abi.c" -o "$work/abi.so"
abidw --no-architecture --no-corpus-path --no-comp-dir-path --no-show-locs \
    --type-id-style hash --out-file "$work/abi.xml" "$work/abi.so"

changed=0
abidiff --harmless --no-show-locs abi.xml "$work/abi.xml" || changed=$?
[ $renew = 0 ] || cp "$work/abi.xml" .
[ $renew = 1 ] || [ $changed = 0 ] || {
    echo "abi.sh: the headers are not what abi.xml says; where the change is one that callers survive: capi/abi.sh --renew"
    exit 1
}
