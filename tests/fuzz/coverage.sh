#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Which lines of what reads strangers' bytes (archives, pickles, code, manifests, signatures, plans, importers' replies)
# are run by the unit tests and by the fuzzers' corpora, by file, with the lines that are not. Counted by gcov.
# usage: tests/fuzz/coverage.sh [--least PERCENT]    ends with an error where a file is below it, default 95
least=95
case ${1:-} in
    --help) sed -n '3,5p' "$0" | cut -c3-; exit 0 ;;
    --least) least=$2 ;;
    '') ;;
    *) echo "coverage.sh: unknown argument '$1'; usage: tests/fuzz/coverage.sh [--least PERCENT]" >&2; exit 2 ;;
esac
. "$(dirname "$0")/../../cmake/setup.sh"
wb_system_build
wb_system catch2
build=$WB_ROOT/build/coverage
mkdir -p "$build"
cmake -S "$WB_ROOT" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DWEIGHBRIDGE_BUILD_TESTS=ON -DWEIGHBRIDGE_COVERAGE=ON -DWEIGHBRIDGE_WERROR=ON \
    -DWEIGHBRIDGE_BUILD_COMMAND=OFF >"$build.configure.log" 2>&1 ||
    { cat "$build.configure.log" >&2; wb_fail "it could not be configured"; }
cmake --build "$build" --parallel "${WB_JOBS:-2}" --target unit_tests run_inputs run_corpus >"$build.log" 2>&1 ||
    { tail -40 "$build.log" >&2; wb_fail "it could not be built"; }
find "$build" -name '*.gcda' -delete
cd "$WB_ROOT/tests" || exit 1
WB_BUILD_DIR=$build "$build/tests/unit_tests" --order decl >"$build.log" 2>&1 || { tail -40 "$build.log" >&2; wb_fail "unit tests fail"; }
"$build/tests/run_inputs" fuzz/corpus 0 || wb_fail "a corpus is refused"
"$build/tests/run_corpus" fuzz/corpus/plan 10 || wb_fail "the corpus of plans is refused"
exec python3 "$WB_ROOT/tests/fuzz/coverage.py" "$build" "$WB_ROOT" "$least"
