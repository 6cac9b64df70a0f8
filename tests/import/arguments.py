# SPDX-License-Identifier: Apache-2.0
"""Every argument of every overload of a lowered operator is in the table of operators: taken, refused unless default, or
without effect and why. And nothing stands in the table that LibTorch does not have.

    python arguments.py LOWERED_OPERATORS
"""
import collections
import subprocess
import sys

import torch



def read_table(program: str):
    operators, ignored = {}, collections.defaultdict(dict)
    for line in subprocess.run([program], check=True, capture_output=True, text=True).stdout.splitlines():
        kind, name, *parts = line.split("\t")
        if kind == "operator":
            operators[name] = parts[0].split()
        elif kind == "ignored":
            ignored[name][parts[0]] = parts[1]
    return operators, ignored


def is_of_objects(schema) -> bool:
    """Of Python's own lists, dicts and strings, which never reach the table."""
    first = schema.arguments[0]
    generic = any(str(argument.type) in ("t", "List[t]") for argument in schema.arguments)
    plain = ["Tensor", "number", "int", "float", "bool"] + (["List[int]"] if first.name == "a" else [])
    return generic or first.name in ("self", "a", "string") and str(first.type) not in plain


def arguments_of(schema):
    """Names as the importer gives them; numbers are called a and b."""
    for i, argument in enumerate(schema.arguments):
        yield "self" if argument.name == "a" and i == 0 else "other" if argument.name == "b" and i == 1 else argument.name


def faults_of(name: str, declared: list[str], ignored):
    plain = [word.rstrip("=") for word in declared]
    without_effect = ignored["*"] | ignored.get(name, {})
    seen = set()
    schemas = torch._C._jit_get_schemas_for_operator(name)
    if not schemas:
        yield f"{name}: LibTorch has no such operator"
    for schema in schemas:
        if is_of_objects(schema) or any(argument.is_out for argument in schema.arguments):
            continue  # what writes into out= is refused as a whole
        for argument in arguments_of(schema):
            seen.add(argument)
            if argument not in plain and argument not in without_effect:
                yield f"{name}: '{argument}' of {schema} is neither taken, nor refused, nor without effect"
    for argument in plain:
        if argument not in seen:
            yield f"{name}: '{argument}' is in no overload"
        if argument in without_effect and argument in plain:
            yield f"{name}: '{argument}' is both in the row and without effect"
    for argument in ignored.get(name, {}):
        if argument not in seen:
            yield f"{name}: '{argument}', without effect, is in no overload"


def main() -> int:
    operators, ignored = read_table(sys.argv[1])
    faults = [fault for name, declared in operators.items() for fault in faults_of(name, declared, ignored)]
    faults += [f"{name}: without effect, but not lowered" for name in ignored if name != "*" and name not in operators]
    faults += [f"{name}: '{argument}': no reason" for name, known in ignored.items() for argument, why in known.items()
               if not why]
    print("\n".join(faults) or f"{len(operators)} operators, every argument accounted for")
    return 1 if faults or len(operators) < 150 else 0


if __name__ == "__main__":
    sys.exit(main())
