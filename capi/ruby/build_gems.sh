#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds the gems into OUT: one for any platform, which finds an installed library; one for this platform, which carries
# LIBRARY, and what checks signatures beside it, stripped; and weighbridge-fake, which needs none.
# usage: capi/ruby/build_gems.sh LIBRARY OUT
[ $# -eq 2 ] && [ "$1" != --help ] || { sed -n '3,5p' "$0" | cut -c3- >&2; exit 2; }
set -euo pipefail
library=$(realpath -- "$1")
mkdir -p "$2"
out=$(realpath -- "$2")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
here=$(cd "$(dirname "$0")" && pwd)
for kind in plain carrying fake; do
    name=weighbridge$([ "$kind" != fake ] || echo -fake)
    mkdir "$work/$kind"
    cp -R "$here"/{lib,sig,"$name.gemspec",README.md,.yardopts} "$work/$kind"
    if [ "$kind" = carrying ]; then
        mkdir -p "$work/$kind/lib/weighbridge/native/weighbridge"
        strip -o "$work/$kind/lib/weighbridge/native/weighbridge/libweighbridge_verify.so" \
            "$(dirname -- "$library")/weighbridge/libweighbridge_verify.so"
        strip -o "$work/$kind/lib/weighbridge/native/libweighbridge.so.1" "$library"
    fi
    (cd "$work/$kind" && gem build --strict --silent "$name.gemspec" && mv -- *.gem "$out")
done
