#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""check_cases.py: holds what README.md promises of the cases: their number, their keys, and what they cover."""
import json
import re
import sys
from pathlib import Path

LEAST_CASES = 460
FOLDER = Path(__file__).parent
BUNDLES = (FOLDER / "drafts", FOLDER.parents[1] / "examples" / "bundles")
CHECKS = {"name", "type", "required", "value", "syntax"}
NUMBER = re.compile(r"-?0x[01](\.[0-9a-f]+)?p[+-]\d+")
TYPES = {"float32", "float64", "int64", "bool", "category", "code", "timestamp", "text"}


def wrong(document, case):
    """What is wrong with one case; None where nothing is."""
    expect = case["expect"]
    error = expect.get("status", "WB_OK") not in ("WB_OK", "WB_OK_FALLBACK")
    if ("row" in case) == ("json" in case):
        return "expected one of row and json"
    if case.get("check", "type") not in CHECKS:
        return f"expected a check of {sorted(CHECKS)}, got {case['check']}"
    needs_no_model = error and expect["status"] in ("WB_INVALID_INPUT", "WB_NOT_FOUND") and "call" not in case
    if ("check" in case) != needs_no_model:
        return "expected a check where, and only where, a row is refused without a model"
    if case.get("check") == "name" and "row" in case and len(case["row"]) != 1:
        return "expected an unknown name to stand alone"
    if document.get("schema_only") and set(expect) != {"bytes"}:
        return "expected bytes alone of a draft"
    if error and set(expect) - {"status", "feature"}:
        return "expected an error to have status and feature alone"
    if not error and not document.get("schema_only") and "score_hex" not in expect and "score" not in expect:
        return "expected a score"
    if "score" in expect and document.get("options", {}).get("precision") != "bf16":
        return "expected score_hex: a tolerance is for bf16 alone"
    if any(not NUMBER.fullmatch(expect[key]) for key in expect if key.endswith("_hex")):
        return "expected hex as %a writes it"
    return None


def manifest(bundle):
    for folder in BUNDLES:
        path = folder / bundle / "manifest.json"
        if path.exists():
            return json.loads(path.read_text(encoding="utf-8"))
    return {"features": []}  # a fixture of the build


def kind(feature):
    """The feature's type as wb_type_name calls it, with [] behind it where it is a sequence."""
    element = feature.get("of", feature["type"])
    name = "code" if element == "category" and feature.get("keys") == "int64" else element
    return name + ("[]" if feature["type"] == "sequence" else "")


def main():
    problems, count, checks, refused, answered = [], 0, set(), set(), set()
    for path in sorted((FOLDER / "cases").glob("*.json")):
        document = json.loads(path.read_text(encoding="utf-8"))
        kinds = {feature["name"]: kind(feature) for feature in manifest(document["bundle"])["features"]}
        names = set()
        for case in document["cases"]:
            count += 1
            problem = wrong(document, case) or ("expected another name: it is taken" if case["name"] in names else None)
            if problem:
                problems.append(f"{path.name}: {case['name']}: {problem}")
            names.add(case["name"])
            checks.add(case.get("check"))
            if "check" in case and case["expect"].get("feature") in kinds:
                refused.add(kinds[case["expect"]["feature"]])
            elif "check" not in case:
                answered |= {kinds[name] for name in case.get("row", {}) if name in kinds}
    if count < LEAST_CASES:
        problems.append(f"expected at least {LEAST_CASES} cases, got {count}")
    wanted = TYPES | {name + "[]" for name in TYPES - {"bool", "text"}}
    problems += [f"no case has check {one}" for one in sorted(CHECKS - checks)]
    problems += [f"no case is answered with a {one}" for one in sorted(wanted - answered)]
    problems += [f"no case is refused for a {one}" for one in sorted(wanted - refused)]
    print("\n".join(problems + [f"{count} cases, {len(problems)} problems"]))
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
