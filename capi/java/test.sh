#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Tests the Java binding on every way and JDK: JNI on the oldest JDK (17 or later) under -Xcheck:jni; where a JDK of 22
# or later is installed, java.lang.foreign with --illegal-native-access=deny, and JNI forced; a service that uses the
# installed artefacts, offline; the READMEs' examples. Installs Debian packages (default-jdk-headless, maven, as root,
# where they are missing) and what Maven needs. Uses WB_BUILD_DIR (default build/release), which is built before; under
# five minutes on two cores.
# usage: capi/java/test.sh [--full]    --full: every way ten times over, Javadoc and source jars
full=${WB_FULL:-0}
for argument in "$@"; do
    case $argument in
        --full) full=1 ;;
        --help) sed -n '3,9p' "$0" | cut -c3-; exit 0 ;;
        *) echo "test.sh: unknown argument '$argument'; usage: capi/java/test.sh [--full]" >&2; exit 2 ;;
    esac
done
. "$(dirname "${BASH_SOURCE[0]}")/../../cmake/setup.sh"

wb_system default-jdk-headless maven
. "$WB_ROOT/capi/java/jdks.sh"
build=$(realpath -m "${WB_BUILD_DIR:-$WB_ROOT/build/release}")
java=$WB_ROOT/capi/java
status=0

wb_say "Java: building with JDK ${WB_JDK_NEW:-$WB_JDK}"
cmake -S "$WB_ROOT" -B "$build" >"$build.configure.log" 2>&1 ||
    { cat "$build.configure.log" >&2; wb_fail "cmake failed"; }
cmake --build "$build" --parallel "${WB_JOBS:-2}" \
    --target weighbridge_jni java_stubs make_fixture weighbridge_command >/dev/null || wb_fail "the build failed"
timeout 60 "$build/tests/make_fixture" "$build/tests/fixtures" || wb_fail "make_fixture failed"
python3 "$java/jni/generate.py" --check || status=1
maven=("${WB_MAVEN[@]}" -f "$java/pom.xml")
"${maven[@]}" install -Dweighbridge.natives="$build/java/natives" \
    $([ "$full" = 0 ] || echo -Pdocs) || wb_fail "mvn install failed"

# tested NAME JDK OPTION...: JUnit and the conformance cases, in virtual machines of that JDK with these options.
tested() {
    local name=$1 jdk=$2 log=$build/java/$1.log rounds=1 round
    shift 2
    wb_say "Java: $name"
    [ "$full" = 0 ] || rounds=10
    for ((round = 1; round <= rounds; ++round)); do
        timeout 900 "${maven[@]}" -pl tests surefire:test -DskipTests=false \
            -Djvm="$jdk/bin/java" -DargLine="-Xmx512m -Dweighbridge.library=$build/java/natives
                -Dwb.fixtures=$build/tests/fixtures -Dwb.stubs=$build/java/stubs -Dwb.command=$build/bin/weighbridge
                -Dwb.natives.jar=$java/core/target/weighbridge-0.2.0-linux-x86_64.jar $*" >"$log" 2>&1 ||
            { cat "$log" >&2; status=1; return; }
        # What -Xcheck:jni has to say goes to stdout.
        if grep -E 'WARNING in native method|FATAL ERROR in native method' "$log" >&2; then status=1; fi
    done
    sed -n 's/^.*Tests run/Tests run/p' "$java"/tests/target/surefire-reports/*.txt | awk -F'[:,]' \
        '{run += $2; failed += $4 + $6; skipped += $8} END {print run " tests, " failed " failed, " skipped " skipped"}'
    grep -E 'cases, .* failed|has no virtual threads' "$log" || true
}

tested "JDK $WB_JDK_VERSION, JNI" "$WB_JDK" -Xcheck:jni -Dweighbridge.native.access=jni \
    $([ "$WB_JDK_VERSION" -lt 22 ] || echo --enable-native-access=ALL-UNNAMED)
if [ -n "$WB_JDK_NEW" ]; then
    tested "JDK $WB_JDK_NEW_VERSION, java.lang.foreign" "$WB_JDK_NEW" \
        --enable-native-access=ALL-UNNAMED --illegal-native-access=deny
    tested "JDK $WB_JDK_NEW_VERSION, JNI forced" "$WB_JDK_NEW" \
        --enable-native-access=ALL-UNNAMED -Dweighbridge.native.access=jni
else
    echo "skipped: java.lang.foreign, and JNI beside it: no JDK of 22 or later in /usr/lib/jvm, and none is JAVA_HOME"
fi

wb_say "Java: the fake in pure Java"
mkdir -p "$build/java/schemas"
for bundle in "$build"/tests/fixtures/{mlp,mlp-extra,mlp-renamed,mlp-usd} "$WB_ROOT"/examples/bundles/* \
    "$WB_ROOT"/tests/conformance/drafts/*; do
    "$build/bin/weighbridge" codegen "$bundle" --json --output "$build/java/schemas/$(basename "$bundle").json" ||
        wb_fail "codegen failed"
done
for jdk in "$WB_JDK" $WB_JDK_NEW; do
    timeout 300 "${maven[@]}" -pl fake surefire:test -DskipTests=false -Djvm="$jdk/bin/java" \
        -Dwb.schemas="$build/java/schemas" || status=1
done

wb_say "Java: a service with the installed artefacts"
# Once to download its plugins, then offline, as the artefacts have to be found where they were installed.
service=(env JAVA_HOME="$WB_JDK" mvn -B -q -ntp -Dstyle.color=never -f "$WB_ROOT/examples/java/pom.xml"
    -Dwb.fixtures="$build/tests/fixtures")
"${service[@]}" test -DskipTests >/dev/null || wb_fail "examples/java does not compile"
timeout 600 "${service[@]}" -o test || status=1

wb_say "Java: the READMEs' examples"
"$java/readme.sh" "$build/bin/weighbridge" "$java/core/target/weighbridge-0.2.0.jar" "$build/java/natives" "$WB_JDK" ||
    status=1
exit $status
