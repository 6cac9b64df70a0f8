#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Fuzzes plans: the reader, the binding, and runs of what it read by the native kernels and by their twins. libFuzzer with
# AddressSanitizer and UndefinedBehaviorSanitizer, one process. Findings are left in out/fuzz and end it with an error;
# what it learned is kept in out/fuzz/corpus. usage: tests/fuzz/run.sh [SECONDS]        default 300
seconds=${1:-300}
case $seconds in
    --help) sed -n '3,5p' "$0" | cut -c3-; exit 0 ;;
    *[!0-9]* | '') echo "run.sh: expected seconds, got '$seconds'" >&2; exit 2 ;;
esac
. "$(dirname "$0")/../../cmake/setup.sh"
wb_system_build
wb_system clang-14 llvm-14 libclang-rt-14-dev catch2
cmake -S "$WB_ROOT" -B "$WB_ROOT/build/fuzz" -G Ninja -DCMAKE_C_COMPILER=clang-14 -DCMAKE_CXX_COMPILER=clang++-14 \
    -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS_DEBUG="-O1 -g1" -DWEIGHBRIDGE_BUILD_COMMAND=OFF \
    -DWEIGHBRIDGE_BUILD_TESTS=ON -DWEIGHBRIDGE_BUILD_FUZZERS=ON >"$WB_ROOT/build/fuzz.configure.log" 2>&1 ||
    { cat "$WB_ROOT/build/fuzz.configure.log" >&2; wb_fail "the fuzzer could not be configured"; }
cmake --build "$WB_ROOT/build/fuzz" --parallel "${WB_JOBS:-2}" --target plan_fuzz || wb_fail "the fuzzer could not be built"
mkdir -p "$WB_ROOT/out/fuzz/corpus"
wb_say "fuzzing plans for $seconds s"
export ASAN_SYMBOLIZER_PATH=/usr/lib/llvm-14/bin/llvm-symbolizer UBSAN_OPTIONS=print_stacktrace=1
# A file of 16 KiB is read and run three times in a few milliseconds here; ten seconds or 2 GiB are a finding.
"$WB_ROOT/build/fuzz/tests/plan_fuzz" -max_total_time="$seconds" -max_len=16384 -timeout=10 -rss_limit_mb=2048 \
    -artifact_prefix="$WB_ROOT/out/fuzz/" -print_final_stats=1 "$WB_ROOT/out/fuzz/corpus" "$WB_ROOT/tests/fuzz/corpus/plan" ||
    wb_fail "a finding: see above and out/fuzz"
wb_say "no findings"
