#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes what the Java binding says about each C function, from the C headers: the interface Functions, its two
implementations (JniFunctions, FfmFunctions), the C side of the first (functions.inc), and where the members of structs
lie (Layout). So no signature or offset is written by hand, and none can differ. With --check it writes nothing and fails where a file is not what it would write.
usage: capi/java/jni/generate.py [--check]"""
import pathlib
import re
import sys

JAVA = pathlib.Path(__file__).resolve().parent.parent
ROOT = JAVA.parent.parent
NATIVE_DATA = "core/src/main/resources/META-INF/native-image/io.weighbridge/weighbridge/reachability-metadata.json"

# Functions that Java has no use for, each with its reason.
NOT_BOUND = {
    "wb_batch_encode": "tensors for training are Python's business",
    "wb_batch_set_arrow": "wb_batch_set_arrow_rows takes the whole record batch",
    "wb_batch_set_column": "wb_batch_set_column_as with WB_ELEMENT_STORED is the same",
    "wb_batch_set_tensor": "as wb_batch_encode",
    "wb_bundle_attach_signature": "bundles are signed by the command",
    "wb_bundle_sign": "as wb_bundle_attach_signature",
    "wb_bundle_signed_bytes": "as wb_bundle_attach_signature",
    "wb_engine_options_set_allow_amx": "wb_engine_options_set sets each option by its name",
    "wb_engine_options_set_async_threads": "as wb_engine_options_set_allow_amx",
    "wb_engine_options_set_cpu_level": "as wb_engine_options_set_allow_amx",
    "wb_engine_options_set_default_deadline_us": "as wb_engine_options_set_allow_amx",
    "wb_engine_options_set_devices": "as wb_engine_options_set_allow_amx",
    "wb_engine_options_set_fairness_us": "as wb_engine_options_set_allow_amx",
    "wb_engine_options_set_libtorch": "as wb_engine_options_set_allow_amx",
    "wb_engine_options_set_log": "no callback of the library runs in the JVM; events are polled",
    "wb_engine_options_set_queue_limit": "as wb_engine_options_set_allow_amx",
    "wb_engine_options_set_torch_plugin": "as wb_engine_options_set_allow_amx",
    "wb_key_generate": "as wb_bundle_attach_signature",
    "wb_module_scan": "modules are scanned by the command, and by each load",
    "wb_load_options_set_engines": "wb_load_options_set sets each option by its name",
    "wb_load_options_set_precision": "as wb_load_options_set_engines",
    "wb_load_options_set_verify": "as wb_load_options_set_engines",
    "wb_queue_fd": "the JDK cannot wait for a descriptor; one thread drains a queue",
}

KINDS = {"I": ("int", "jint", "JAVA_INT"), "J": ("long", "jlong", "JAVA_LONG"), "V": ("void", "void", None)}
LICENCE = "SPDX-License-Identifier: Apache-2.0"
BY = "Written by capi/java/jni/generate.py from include/weighbridge/c; do not edit."


class Function:
    def __init__(self, returned, name, arguments):
        self.name = name
        self.returned = returned
        self.arguments = arguments  # (C type, name, kind)
        words = name.removeprefix("wb_").split("_")
        self.java = words[0] + "".join(word.capitalize() for word in words[1:])
        self.constant = name.removeprefix("wb_").upper()

    @property
    def kind(self):
        return kind_of(self.returned)

    @property
    def descriptor(self):
        return self.kind + "".join(kind for _, _, kind in self.arguments)

    def parameters(self, typed):
        return ", ".join(f"{typed(kind)} {camel(name)}" for _, name, kind in self.arguments)

    def names(self):
        return ", ".join(camel(name) for _, name, _ in self.arguments)


def camel(name):
    words = name.split("_")
    return words[0] + "".join(word.capitalize() for word in words[1:])


def kind_of(c_type):
    if "*" in c_type or c_type in ("int64_t", "uint64_t", "size_t"):
        return "J"
    return {"int32_t": "I", "uint32_t": "I", "void": "V"}[c_type]


def headers():
    """The C headers, without comments."""
    return "".join(re.sub(r"/\*.*?\*/", "", header.read_text(), flags=re.S)
                   for header in sorted((ROOT / "include/weighbridge/c").glob("*.h")))


def functions():
    text = headers()
    found, names = [], set()
    for returned, name, inside in re.findall(r"WB_API\s+([\w\s]+?[\s*]+)(wb_\w+)\(([^)]*)\);", text):
        names.add(name)
        if name in NOT_BOUND:
            continue
        arguments = []
        for argument in inside.replace("\n", " ").split(","):
            argument = " ".join(argument.split())
            if argument == "void":
                continue
            c_type, argument_name = re.fullmatch(r"(.*?[\s*])(\w+)", argument).groups()
            arguments.append((c_type.strip(), argument_name, kind_of(c_type.strip())))
        found.append(Function(returned.strip(), name, arguments))
    unknown = set(NOT_BOUND) - names
    if unknown:
        sys.exit(f"generate.py: not in the headers: {', '.join(sorted(unknown))}")
    return sorted(found, key=lambda f: f.name)


STRUCTS = ["wb_error", "wb_row_header", "wb_schema_info", "wb_feature_info", "wb_band_info", "wb_tensor_info",
           "wb_event", "wb_option_info", "wb_snapshot", "wb_model_description", "wb_slot_info", "wb_result",
           "wb_batch_result", "wb_completion"]
SIZES = {"int32_t": 4, "uint32_t": 4, "int64_t": 8, "uint64_t": 8, "double": 8, "char": 1}


def layouts():
    """(constant, value, comment) of every member and size of STRUCTS: every member is aligned to its own size."""
    text, found, sizes = headers(), [], {}
    for name in STRUCTS:
        body = re.search(r"typedef struct " + name + r" \{(.*?)\} " + name + ";", text, flags=re.S).group(1)
        at, prefix = 0, name.removeprefix("wb_").upper()
        for c_type, member, count in re.findall(r"(\w+)\s+(\w+)(?:\[(\d+)\])?;", body):
            unit = sizes.get(c_type) or SIZES[c_type]
            align = 8 if c_type in sizes else SIZES[c_type]
            at = (at + align - 1) // align * align
            found.append((f"{prefix}_{member.upper()}", at))
            at += unit * int(count or 1)
        sizes[name] = (at + 7) // 8 * 8
        found.append((f"{prefix}_SIZEOF", sizes[name]))
    abi = [(f"ABI_{word}", int(re.search(rf"#define WB_ABI_{word} (\d+)", text).group(1)))
           for word in ("VERSION", "MINOR")]
    return found + abi


def layout_class():
    lines = [f"// {LICENCE}", f"// {BY}", "package io.weighbridge;", "",
             "/** Where the members of the C ABI's structs lie, in bytes, and the ABI that this binding was built for. */",
             "final class Layout {"]
    lines += [f"    static final int {name} = {value};" for name, value in layouts()]
    return "\n".join(lines + ["", "    private Layout() {}", "}"]) + "\n"


def wrapped(head, parts, tail, indent):
    """One line of at most 120 characters, or several."""
    line = head
    lines = []
    for i, part in enumerate(parts):
        piece = part + (", " if i + 1 < len(parts) else tail)
        if len(line) + len(piece.rstrip()) > 120:
            lines.append(line.rstrip())
            line = " " * indent
        line += piece
    lines.append((line if parts else head + tail).rstrip())
    return "\n".join(lines)


def interface(all_functions):
    lines = [f"// {LICENCE}", f"// {BY}", "package io.weighbridge;", "",
             "/** The functions of libweighbridge that this binding calls; pointers are longs. */",
             "interface Functions {"]
    for f in all_functions:
        parts = [f"{KINDS[kind][0]} {camel(name)}" for _, name, kind in f.arguments]
        lines.append(wrapped(f"    {KINDS[f.kind][0]} {f.java}(", parts, ");", 12))
    return "\n".join(lines) + "\n}\n"


def jni_class(all_functions):
    lines = [f"// {LICENCE}", f"// {BY}", "package io.weighbridge;", "",
             "/** Calls through JNI; capi/java/jni/functions.inc has the other side. */",
             "abstract class JniFunctions implements Functions {"]
    for f in all_functions:
        parts = [f"{KINDS[kind][0]} {camel(name)}" for _, name, kind in f.arguments]
        lines += ["    @Override", wrapped(f"    public native {KINDS[f.kind][0]} {f.java}(", parts, ");", 12)]
    return "\n".join(lines) + "\n}\n"


def ffm_class(all_functions):
    lines = [f"// {LICENCE}", f"// {BY}", "package io.weighbridge;", "", "import java.lang.invoke.MethodHandle;", "",
             "/** Calls through java.lang.foreign. */",
             "abstract class FfmFunctions implements Functions {"]
    for f in all_functions:
        lines.append(wrapped(f"    private static final MethodHandle {f.constant} = FfmLibrary.bind(",
                             [f'"{f.name}"', f'"{f.descriptor}"'], ");", 12))
    for f in all_functions:
        parts = [f"{KINDS[kind][0]} {camel(name)}" for _, name, kind in f.arguments]
        result = "" if f.kind == "V" else f"return ({KINDS[f.kind][0]}) "
        lines += ["", "    @Override", wrapped(f"    public {KINDS[f.kind][0]} {f.java}(", parts, ") {", 12),
                  "        try {",
                  wrapped(f"            {result}{f.constant}.invokeExact(", [camel(n) for _, n, _ in f.arguments],
                          ");", 20),
                  "        } catch (Throwable thrown) {",
                  "            throw FfmLibrary.unexpected(thrown);", "        }", "    }"]
    return "\n".join(lines) + "\n}\n"


def c_side(all_functions):
    lines = [f"/* {LICENCE} */", f"/* {BY} */", "", "static struct wb_functions {"]
    for f in all_functions:
        lines.append(f"    __typeof__(&{f.name}) {f.name};")
    lines += ["} wb;", "", "static const struct {", "    const char *name;", "    size_t offset;", "} symbols[] = {"]
    for f in all_functions:
        lines.append(f'    {{"{f.name}", offsetof(struct wb_functions, {f.name})}},')
    lines.append("};")
    for f in all_functions:
        parts = ["JNIEnv *env", "jobject self"] + [f"{KINDS[kind][1]} {name}" for _, name, kind in f.arguments]
        cast = [f"({c_type})(intptr_t){name}" if "*" in c_type else f"({c_type}){name}"
                for c_type, name, _ in f.arguments]
        call = f"wb.{f.name}("
        result = {"I": "(jint)", "J": "(jlong)(intptr_t)" if "*" in f.returned else "(jlong)", "V": ""}[f.kind]
        lines += ["", wrapped(f"JNIEXPORT {KINDS[f.kind][1]} JNICALL Java_io_weighbridge_JniFunctions_{f.java}(",
                              parts, ") {", 8),
                  "    (void)env;", "    (void)self;",
                  wrapped(f"    {'' if f.kind == 'V' else 'return '}{result}{call}", cast, ");", 8), "}"]
    text = "\n".join(lines) + "\n"
    return text


def graal(all_functions):
    shapes = sorted({f.descriptor for f in all_functions} | {"JJ"})
    c_name = {"I": "int", "J": "long", "V": "void"}
    lines = ["{",
             '  "comment": "Generated by capi/java/jni/generate.py after GraalVM\'s manual; not run.",',
             '  "jni": [{"type": "io.weighbridge.Jni"}, {"type": "io.weighbridge.JniFunctions"}],',
             '  "foreign": {', '    "downcalls": [']
    for i, shape in enumerate(shapes):
        parameters = ", ".join(f'"{c_name[kind]}"' for kind in shape[1:])
        comma = "," if i + 1 < len(shapes) else ""
        lines.append(f'      {{"returnType": "{c_name[shape[0]]}", "parameterTypes": [{parameters}]}}{comma}')
    return "\n".join(lines + ["    ]", "  }", "}"]) + "\n"


def main():
    all_functions = functions()
    written = {
        "core/src/main/java/io/weighbridge/Functions.java": interface(all_functions),
        "core/src/main/java/io/weighbridge/JniFunctions.java": jni_class(all_functions),
        "core/src/main/java22/io/weighbridge/FfmFunctions.java": ffm_class(all_functions),
        "core/src/main/java/io/weighbridge/Layout.java": layout_class(),
        "jni/functions.inc": c_side(all_functions),
        NATIVE_DATA: graal(all_functions),
    }
    stale = []
    for name, text in written.items():
        path = JAVA / name
        if "--check" in sys.argv:
            if not path.exists() or path.read_text() != text:
                stale.append(name)
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    if stale:
        sys.exit(f"generate.py: not current, run it: {', '.join(stale)}")
    print(f"{len(all_functions)} functions bound, {len(NOT_BOUND)} not: each has its reason in generate.py")


main()
