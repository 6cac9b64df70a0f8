#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Gives crafted TorchScript files to every door of the library (scan, pack, compile, verify, load), then mutants of modules
# and of bundles, signed and unsigned, overwrites bundles that serve, traces imports by strace, and writes counts by outcome.
# Ends with an error where anything crashed, hung, touched a file, was accepted, or was refused by another rule than its
# own. The files are made in a temporary directory.
# usage: tests/fault/run_attacks.sh [--full] [--json FILE]    --full: 20,000 mutants instead of 1,000
. "$(dirname "$0")/../../cmake/setup.sh"
mutants=1000 json=()
[ "${WB_FULL:-0}" != 1 ] || mutants=20000
while [ $# -gt 0 ]; do
    case $1 in
        --full) mutants=20000; export WB_FULL=1 ;;
        --json) json=(--json "$(realpath -m "$2")"); shift ;;
        --help) sed -n '3,7p' "$0" | cut -c3-; exit 0 ;;
        *) echo "run_attacks.sh: unknown argument '$1'; usage: tests/fault/run_attacks.sh [--full] [--json FILE]" >&2; exit 2 ;;
    esac
    shift
done
build=${WB_BUILD_DIR:-$WB_ROOT/build/release}
cd "$WB_ROOT/tests/fault" || exit 1
exec python3 -m attacks --command "$build/bin/weighbridge" --library "$build/libweighbridge.so" \
    --bundles "$WB_ROOT/examples/bundles" --overwritten "$build/tests/c_overwritten_test" --mutants "$mutants" "${json[@]}"
