#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# readme.sh README JAR NATIVES JDK: the README's Java program runs as it is printed, from the repository's root, and the
# model answers.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
awk '$0 == "```java" {on = 1; next} $0 == "```" {on = 0} on' "$1" >"$work/Score.java"
[ -s "$work/Score.java" ]
"$4/bin/javac" -Xlint:all -Werror -cp "$2" -d "$work" "$work/Score.java"
cd "$(dirname "$1")"
# On a busy machine the fallback may answer: then once more.
for _ in 1 2 3 4 5; do
    printed=$(timeout 60 "$4/bin/java" -Dweighbridge.library="$3" -cp "$2:$work" Score)
    echo "$printed"
    [[ $printed =~ ^score\ 0\.[0-9]+\ band\ [a-z]+\ from\ version\ 1$ ]] && exit 0
done
exit 1
