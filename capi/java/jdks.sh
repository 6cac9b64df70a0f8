# SPDX-License-Identifier: Apache-2.0
# Sourced: WB_JDK and WB_JDK_VERSION, the oldest JDK of 17 or later; WB_JDK_NEW and WB_JDK_NEW_VERSION, the newest of 22
# or later, or empty; WB_MAVEN, Maven on the newest. Looked for in JAVA_HOME, on the PATH and in /usr/lib/jvm.
wb_jdk_version() {
    "$1/bin/java" -XshowSettings:properties -version 2>&1 | sed -n 's/^ *java.specification.version = //p'
}

WB_JDK= WB_JDK_VERSION= WB_JDK_NEW= WB_JDK_NEW_VERSION=
javac=$(readlink -f "$(command -v javac)") || wb_fail "expected a JDK (Debian: default-jdk-headless), found no javac"
for jdk in ${JAVA_HOME:+"$JAVA_HOME"} "${javac%/bin/javac}" /usr/lib/jvm/*; do
    [ -x "$jdk/bin/javac" ] && [ -x "$jdk/bin/java" ] && [ ! -L "$jdk" ] || continue
    version=$(wb_jdk_version "$jdk")
    [[ $version =~ ^[0-9]+$ ]] || continue # 1.8
    if [ "$version" -ge 17 ] && [ "$version" -lt "${WB_JDK_VERSION:-999}" ]; then
        WB_JDK=$jdk WB_JDK_VERSION=$version
    fi
    if [ "$version" -ge 22 ] && [ "$version" -gt "${WB_JDK_NEW_VERSION:-0}" ]; then
        WB_JDK_NEW=$jdk WB_JDK_NEW_VERSION=$version
    fi
done
# Maven on the newest JDK, which compiles for both; what it prints of Maven's own libraries is not ours.
WB_MAVEN=(env JAVA_HOME="${WB_JDK_NEW:-$WB_JDK}" MAVEN_OPTS="${WB_JDK_NEW:+--sun-misc-unsafe-memory-access=allow}"
    mvn -B -q -ntp -Dstyle.color=never)
[ -n "$WB_JDK" ] || wb_fail "expected a JDK of 17 or later, found none on the PATH or in /usr/lib/jvm"
