# SPDX-License-Identifier: Apache-2.0
"""The JSON Schema and the reader judge manifests alike.

manifest_cases.json edits the example of lib/bundle/README.md: `set` and `remove` are JSON pointers, `at` is what the
reader's message holds where the result is invalid, and `"schema": false` marks what a JSON Schema cannot express.
tests/unit/bundle/manifest_cases_test.cpp asks the reader about the same file.
"""
import copy
import json
import pathlib

import jsonschema
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / "lib/bundle/manifest.schema.json").read_text(encoding="utf-8"))
CASES = json.loads((ROOT / "tests/parity/manifest_cases.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def example():
    readme = (ROOT / "lib/bundle/README.md").read_text(encoding="utf-8")
    text = readme.split("```json\n", 1)[1].split("```", 1)[0]
    return json.loads(text.replace("64 hex digits", "0" * 64))


def split(pointer):
    return [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]


def parent_of(document, parts):
    for part in parts[:-1]:
        document = document[int(part)] if isinstance(document, list) else document[part]
    return document


def edited(case):
    document = example()
    for pointer, value in case.get("set", {}).items():
        parts = split(pointer)
        parent, value = parent_of(document, parts), copy.deepcopy(value)
        if not isinstance(parent, list):
            parent[parts[-1]] = value
        elif int(parts[-1]) == len(parent):
            parent.append(value)
        else:
            parent[int(parts[-1])] = value
    for pointer in case.get("remove", []):
        parts = split(pointer)
        parent = parent_of(document, parts)
        del parent[int(parts[-1]) if isinstance(parent, list) else parts[-1]]
    return document


def test_schema_is_a_schema():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_case_names_are_unique():
    names = [case["name"] for case in CASES]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_case(case):
    valid = "at" not in case
    errors = list(VALIDATOR.iter_errors(edited(case)))
    if valid or case.get("schema") is False:
        assert not errors, errors[0].message
    else:
        assert errors


def test_draft_needs_neither_files_nor_version():
    draft = edited({"remove": ["/files", "/weighbridge/requires"]})
    assert not VALIDATOR.is_valid(draft)
    assert VALIDATOR.evolve(schema={**SCHEMA, "$ref": "#/$defs/draft", "required": [], "properties": {}}).is_valid(draft)


@pytest.mark.parametrize("path", sorted(ROOT.glob("examples/**/manifest.json")), ids=str)
def test_example_bundles(path):
    manifest = json.loads(path.read_text(encoding="utf-8"))
    schema = SCHEMA if "files" in manifest else {**SCHEMA, "required": [], "properties": {}}
    VALIDATOR.evolve(schema=schema).validate(manifest)
