# SPDX-License-Identifier: Apache-2.0
"""Measures the C and C++ files of lib/ and capi/src: a file has 400 lines at most, a function 60 (tables apart). Prints
each breach."""
import pathlib
import re
import sys

FILE_LINES, FUNCTION_LINES = 400, 60
FOLDERS = ("lib", "capi/src")
SKIPPED = re.compile(r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'|^[ \t]*#(?:[^\n]*\\\n)*[^\n]*',
                     re.S | re.M)
NO_FUNCTION = re.compile(r"\b(namespace|class|struct|union|enum|extern)\b[^()]*$")
NAME = re.compile(r"([~\w:]+|operator\s*\S+|operator\s*\(\))\s*\(")


def blanked(text):
    """The text with comments, literals and preprocessor lines as spaces; line breaks stay."""
    return SKIPPED.sub(lambda found: re.sub(r"[^\n]", " ", found.group()), text)


def closing(text, at):
    """The place of the brace that closes the one at `at`."""
    depth = 0
    for place in range(at, len(text)):
        depth += {"{": 1, "}": -1}.get(text[place], 0)
        if depth == 0 and text[place] == "}":
            return place
    return len(text) - 1


def table_lines(body):
    """Lines of the initialisers in a function's body: `= {` or `= Type{` up to the closing brace."""
    lines, at = 0, 0
    while found := re.compile(r"=\s*[\w:<>, ]*\{").search(body, at):
        end = closing(body, found.end() - 1)
        lines += body.count("\n", found.end(), end)
        at = end
    return lines


def functions(text):
    """(name, first line, lines without tables) of each function."""
    text = blanked(text)
    start, at = 0, 0  # of the declaration that is being read
    while at < len(text):
        if text[at] in ";}":
            start = at + 1
        elif text[at] == "{":
            head = text[start:at]
            end = closing(text, at)
            if NO_FUNCTION.search(head) or not head.strip():
                start = at + 1  # a scope: what it holds is read next
            elif re.search(r"=\s*[\w:<>, ]*$", head) or not (name := NAME.search(head)):
                start = at = end  # an initialiser
            else:
                first = text.count("\n", 0, start + len(head) - len(head.lstrip())) + 1
                lines = text.count("\n", 0, end) + 2 - first
                yield name.group(1), first, lines - table_lines(text[at:end])
                start = at = end
                start += 1
        at += 1


def breaches(root):
    for folder in FOLDERS:
        for source in sorted((root / folder).rglob("*")):
            if source.suffix not in {".h", ".hpp", ".c", ".cpp", ".cu"}:
                continue
            path, text = source.relative_to(root).as_posix(), source.read_text(encoding="utf-8")
            lines = text.count("\n")
            if lines > FILE_LINES:
                yield f"{path}: expected at most {FILE_LINES} lines, found {lines}"
            for name, first, lines in functions(text):
                if lines > FUNCTION_LINES:
                    yield (f"{path}:{first}: {name}: expected a function of at most {FUNCTION_LINES} lines, "
                           f"found {lines}")


def main(root):
    messages = list(breaches(root))
    print("\n".join(messages) or "the sizes hold")
    return bool(messages)


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
