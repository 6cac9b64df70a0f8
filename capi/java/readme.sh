#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# readme.sh COMMAND JAR NATIVES JDK: the Java programs of README.md and capi/java/README.md run as they are printed, from
# the repository's root, and the model answers.
set -euo pipefail
command=$1 jar=$2 natives=$3 jdk=$4
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# program README CLASS EXPECTED: on a busy machine the fallback may answer, then once more.
program() {
    awk '$0 == "```java" {on = 1; next} $0 == "```" {on = 0} on' "$1" >"$work/$2.java"
    [ -s "$work/$2.java" ]
    "$jdk/bin/javac" -Xlint:all -Werror -cp "$jar" -d "$work" -sourcepath "$work" "$work/$2.java"
    for _ in 1 2 3 4 5; do
        printed=$(timeout 60 "$jdk/bin/java" -Dweighbridge.library="$natives" -cp "$jar:$work" "$2")
        echo "$printed"
        ! [[ $printed =~ $3 ]] || return 0
    done
    return 1
}

"$command" codegen examples/bundles/card-mlp --java --output "$work/Payment.java"
program README.md Score '^score 0\.[0-9]+ band [a-z]+ from version 1$'
program capi/java/README.md Serve '^score 0\.[0-9]+ band [a-z]+ from version 1, p = 0\.[0-9]+
[a-z]+
1 scored; INVALID_INPUT amount_minor
2 swaps
[0-9]+ lines of metrics$'
