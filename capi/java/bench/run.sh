#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Times a score from Java, in one process with the same in C: the program of Java's for tests/bench/run_bindings.sh,
# which says what it is given and prints. Through JNI on the default JDK, and through java.lang.foreign where a JDK of
# 22 or later is installed; beside them, where Maven has brought them, DJL's PyTorch engine and ONNX Runtime's Java API,
# whose model is --onnx FILE, or exported from the bundle's module by the PyTorch in .venv. With --allocations it prints
# the bytes that a call allocates instead (JMH's gc profiler).
# usage: capi/java/bench/run.sh --library FILE --bundle DIR --payments FILE --tolerance T --seconds S [--calls FILE]
#            [--onnx FILE] [--allocations]
library= bundle= payments= tolerance= seconds= onnx= allocations=0
while [ $# -gt 0 ]; do
    case $1 in
        --help) sed -n '3,9p' "$0" | cut -c3-; exit 0 ;;
        --allocations) allocations=1; shift ;;
        --library | --bundle | --payments | --onnx) printf -v "${1#--}" %s "$(realpath -- "$2")"; shift 2 ;;
        --tolerance | --seconds) printf -v "${1#--}" %s "$2"; shift 2 ;;
        --calls) shift 2 ;; # the same loops of C are in libjava_bench.so, and fill rows too
        *) echo "run.sh: unknown argument '$1'; --help tells" >&2; exit 2 ;;
    esac
done
[ -n "$library" ] && [ -n "$bundle" ] && [ -n "$payments" ] && [ -n "$tolerance" ] && [ -n "$seconds" ] ||
    { echo "run.sh: expected --library, --bundle, --payments, --tolerance and --seconds; --help tells" >&2; exit 2; }
command -v javac >/dev/null && command -v mvn >/dev/null ||
    [ "$(id -u)" -eq 0 ] || { echo "no JDK or no Maven (Debian: default-jdk-headless, maven)" >&2; exit 77; }
. "$(dirname "${BASH_SOURCE[0]}")/../../../cmake/setup.sh"
{
    wb_system default-jdk-headless maven
    . "$WB_ROOT/capi/java/jdks.sh"
    build=$(dirname "$library")
    java=$WB_ROOT/capi/java
    classpath=$build/java/bench/classpath
    cmake -S "$WB_ROOT" -B "$build" >/dev/null # a build from before the JDK was there has no such targets
    cmake --build "$build" --parallel "${WB_JOBS:-2}" --target weighbridge_jni java_bench || wb_fail "the build failed"
    "${WB_MAVEN[@]}" -f "$java/pom.xml" install -Dweighbridge.natives="$build/java/natives" ||
        wb_fail "mvn install failed"
    "${WB_MAVEN[@]}" -f "$java/bench/pom.xml" package dependency:build-classpath -Dmdep.outputFile="$classpath" ||
        wb_fail "the benchmarks, or their peers, are not to be had from Maven"
} >&2
classes=$java/bench/target/weighbridge-bench-0.2.0.jar:$(cat "$classpath")
options=("-Dbench.bundle=$bundle" "-Dbench.payments=$payments" "-Dbench.c=$build/java/bench/libjava_bench.so"
    "-Dbench.tolerance=$tolerance" "-Dweighbridge.library=$build/java/natives" -Xmx1g)
export OMP_NUM_THREADS=1

if [ "$allocations" = 1 ]; then
    "$WB_JDK/bin/java" -cp "$classes" org.openjdk.jmh.Main \
        'ScoreBenchmark.(cFilled|java(Filled|Setters|SettersByName))$' \
        -prof gc -wi 3 -i 1 -w 2 -r 20 -rf json -rff "$build/java/bench/jmh.json" -jvmArgs "${options[*]}" >&2 || exit 1
    exec python3 -c '
# What JMH itself allocates in an iteration counts as well: so cFilled, which allocates nothing in Java, is beside it.
import json, sys
for one in json.load(open(sys.argv[1])):
    print(json.dumps({"case": one["benchmark"].rsplit(".", 1)[1], "language": "java",
                      "us": one["primaryMetric"]["score"],
                      "bytes": one["secondaryMetrics"]["gc.alloc.rate.norm"]["score"]}))' "$build/java/bench/jmh.json"
fi
if [ -z "$onnx" ] && [ -x "$WB_VENV/bin/python" ]; then
    onnx=$build/java/bench/mlp.onnx
    { "$WB_VENV/bin/python" -c 'import onnx' 2>/dev/null ||
        wb_pip "$(grep '^onnx==' "$WB_ROOT/tests/bench/requirements.txt")"
        "$WB_VENV/bin/python" "$java/bench/export_onnx.py" "$bundle/model.ts" "$onnx"; } >&2 || onnx=
fi
timed() {
    timeout 800 "$@" "-Dbench.seconds=$seconds" "${options[@]}" -cp "$classes" io.weighbridge.BindingCost || exit 1
}
timed "$WB_JDK/bin/java" -Dweighbridge.native.access=jni -Dbench.peers=true "-Dbench.onnx=$onnx" \
    "-Dbench.torchscript=$bundle/model.ts"
[ -z "$WB_JDK_NEW" ] || timed "$WB_JDK_NEW/bin/java" --enable-native-access=ALL-UNNAMED
