#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Fuzzes what the library reads of strangers: plans (the reader, the binding, runs of what was read by the native kernels
# and by their twins), manifests, signatures, rows of JSON, Arrow columns and structs, files of CSV, and TorchScript
# archives, their code and their pickles, and replies of an importer. libFuzzer with AddressSanitizer and UndefinedBehaviorSanitizer, two processes at
# a time. Findings are left in out/fuzz and end it with an error; what it learned is kept in out/fuzz/corpus.
# usage: tests/fuzz/run.sh [SECONDS [TARGET...]]
#   SECONDS for each target, default 300; TARGET: plan, manifest, row_json, arrow, arrow_rows, csv, signature, archive,
#   code, pickle or reply, default all
targets="plan manifest row_json arrow arrow_rows csv signature archive code pickle reply"
seconds=${1:-300}
case $seconds in
    --help) sed -n '3,9p' "$0" | cut -c3-; exit 0 ;;
    *[!0-9]* | '') echo "run.sh: expected seconds, got '$seconds'" >&2; exit 2 ;;
esac
[ $# -gt 1 ] && shift && for target in "$@"; do
    [[ " $targets " == *" $target "* ]] || { echo "run.sh: expected one of $targets, got '$target'" >&2; exit 2; }
    chosen="${chosen:-} $target"
done
targets=${chosen:-$targets}
. "$(dirname "$0")/../../cmake/setup.sh"
wb_system_build
wb_system clang-14 llvm-14 libclang-rt-14-dev catch2
cmake -S "$WB_ROOT" -B "$WB_ROOT/build/fuzz" -G Ninja -DCMAKE_C_COMPILER=clang-14 -DCMAKE_CXX_COMPILER=clang++-14 \
    -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS_DEBUG="-O1 -g1" -DWEIGHBRIDGE_BUILD_COMMAND=OFF \
    -DWEIGHBRIDGE_BUILD_TESTS=ON -DWEIGHBRIDGE_BUILD_FUZZERS=ON >"$WB_ROOT/build/fuzz.configure.log" 2>&1 ||
    { cat "$WB_ROOT/build/fuzz.configure.log" >&2; wb_fail "the fuzzers could not be configured"; }
# shellcheck disable=SC2046
cmake --build "$WB_ROOT/build/fuzz" --parallel "${WB_JOBS:-2}" --target $(printf '%s_fuzz ' $targets) ||
    wb_fail "the fuzzers could not be built"
export ASAN_SYMBOLIZER_PATH=/usr/lib/llvm-14/bin/llvm-symbolizer UBSAN_OPTIONS=print_stacktrace=1

# An input of 16 KiB is read, and a plan run three times, in a few milliseconds; ten seconds or 2 GiB are a finding.
fuzz() {
    mkdir -p "$WB_ROOT/out/fuzz/corpus/$1"
    "$WB_ROOT/build/fuzz/tests/$1_fuzz" -max_total_time="$seconds" -max_len=16384 -timeout=10 -rss_limit_mb=2048 \
        -artifact_prefix="$WB_ROOT/out/fuzz/$1-" -print_final_stats=1 "$WB_ROOT/out/fuzz/corpus/$1" \
        "$WB_ROOT/tests/fuzz/corpus/$1" >"$WB_ROOT/out/fuzz/$1.log" 2>&1 && return 0
    tail -40 "$WB_ROOT/out/fuzz/$1.log"
    return 1
}
wb_say "fuzzing for $seconds s each, two at a time: $targets"
export -f fuzz
export WB_ROOT seconds
# shellcheck disable=SC2086
printf '%s\n' $targets | xargs -P 2 -I{} bash -c 'fuzz {}' || wb_fail "a finding: see above and out/fuzz"
for target in $targets; do
    echo "$target: $(sed -n 's/^stat::number_of_executed_units: *//p' "$WB_ROOT/out/fuzz/$target.log") runs, peak" \
        "$(sed -n 's/^stat::peak_rss_mb: *//p' "$WB_ROOT/out/fuzz/$target.log") MB"
done
wb_say "no findings"
