#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# readme.sh README BUILD_DIR INCLUDE_DIR CC CXX: the README's programs run as they are printed, from the repository's root,
# on the bundle of examples/bundles that they name. The model answers, in both languages with the same score; the engine
# fake with what the README says; a slot with its events and metrics; the commands that sign a bundle verify it.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
snippet() { awk -v fence="\`\`\`$2" '$0 == fence {on = 1; next} $0 == "```" {on = 0} on' "$1"; }
snippet "$1" cpp >"$work/score.cpp"
snippet "$1" c >"$work/score.c"
snippet "$1" c++ >"$work/fake.cpp"
snippet "$1" C++ >"$work/slot.cpp"
link=(-I "$3" -L "$2" -lweighbridge -Wl,-rpath,"$2")
"$5" -std=c++20 -Wall -Wextra "$work/score.cpp" -o "$work/cpp" "${link[@]}"
"$5" -std=c++20 -Wall -Wextra "$work/fake.cpp" -o "$work/fake" "${link[@]}"
"$5" -std=c++20 -Wall -Wextra "$work/slot.cpp" -o "$work/slot" "${link[@]}"
"$4" -std=c99 -Wall -Wextra "$work/score.c" -o "$work/c" "${link[@]}"
cd "$(dirname "$1")"
fallback=$(sed -n 's/.*"fallback": *{ *"score": *\([0-9.]*\).*/\1/p' <(tr -d '\n' <examples/bundles/card-transformer/manifest.json))
[ -n "$fallback" ]
fake=$("$work/fake")
grep -qF "// ${fake%, }" "$1" || { echo "the fake: expected what the README says, got $fake"; exit 1; }
slot=$("$work/slot")
for line in '^band [012]$' '^swapped: slot .card. serves ' '^weighbridge_slot_info{slot="card",.*} 1$'; do
    grep -q "$line" <<<"$slot" || { echo "the slot: expected a line $line, got $slot"; exit 1; }
done
snippet README.md bash >"$work/sign.sh"
ln -s "$PWD/examples" "$work/examples"
(cd "$work" && PATH=$2/bin:$PATH bash -euo pipefail sign.sh) >"$work/signed" 2>&1 ||
    { echo "signing: expected that the README's commands work, got"; cat "$work/signed"; exit 1; }
grep -q 'WB_INVALID_BUNDLE: golden.jsonl: expected ' "$work/signed" || { cat "$work/signed"; exit 1; }
# On a busy machine the fallback may answer: then once more.
for _ in 1 2 3 4 5; do
    cpp=$("$work/cpp") c=$("$work/c")
    printf '%s\n' "C++: $cpp" "C: $c"
    if [ "$cpp" = "$c" ] && [[ $c =~ ^score\ 0\.[0-9]{6}\ band\ [0-2]$ && $c != "score $fallback"* ]]; then exit 0; fi
done
exit 1
