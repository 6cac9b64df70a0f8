# SPDX-License-Identifier: Apache-2.0
"""TorchScript files byte by byte: the zip that torch.jit.save writes, and what is wrong with one that it does not."""
import dataclasses
import struct
import zlib

FORWARD = """  def forward(self: __torch__.Net,
    numbers: Tensor) -> Tensor:
{body}    return torch.sum(numbers, [1])
"""


@dataclasses.dataclass
class Entry:
    """A part of an archive; fields that are not None stand in place of what is right."""
    name: str | bytes
    data: bytes
    deflated: bool = False
    crc: int | None = None
    size: int | None = None
    local_name: bytes | None = None
    local_crc: int | None = None
    extra: bytes = b""
    flags: int = 0x808
    method: int | None = None
    gap: bytes = b""


def packed(data: bytes) -> bytes:
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
    return squeeze.compress(data) + squeeze.flush()


def archive(entries: list[Entry], root: str = "net", comment: bytes = b"", behind: bytes = b"") -> bytes:
    out, directory = bytearray(), bytearray()
    for one in entries:
        name = one.name if isinstance(one.name, bytes) else f"{root}/{one.name}".encode()
        data = packed(one.data) if one.deflated else one.data
        crc = zlib.crc32(one.data) if one.crc is None else one.crc
        size = len(one.data) if one.size is None else one.size
        method = (8 if one.deflated else 0) if one.method is None else one.method
        local = name if one.local_name is None else one.local_name
        place, late = len(out), one.flags & 8
        sizes = (0, 0, 0) if late else (crc if one.local_crc is None else one.local_crc, len(data), size)
        pad = -(place + 30 + len(local) + 4 + len(one.extra)) % 64
        extra = one.extra + b"FB" + struct.pack("<H", pad) + b"Z" * pad
        out += struct.pack("<IHHHHHIIIHH", 0x04034B50, 0, one.flags, method, 0, 0, *sizes, len(local), len(extra))
        out += local + extra + data
        if late:
            out += struct.pack("<IIII", 0x08074B50, crc, len(data), size)
        out += one.gap
        directory += struct.pack("<IHHHHHHIIIHHHHHII", 0x02014B50, 0, 0, one.flags, method, 0, 0, crc, len(data), size,
                                 len(name), 0, 0, 0, 0, 0, place) + name
    start = len(out)
    out += directory
    out += struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, len(entries), len(entries), len(directory), start, len(comment))
    return bytes(out + comment + behind)


def text(value: str | bytes) -> bytes:
    raw = value if isinstance(value, bytes) else value.encode()
    return b"X" + struct.pack("<I", len(raw)) + raw


def whole(value: int) -> bytes:
    return b"\x8a\x08" + struct.pack("<q", value)


def tuple_of(*values: bytes) -> bytes:
    return b"(" + b"".join(values) + b"t"


def tensor(elements: int, offset: int, sizes: list[int], strides: list[int], key: str = "0",
           kind: str = "FloatStorage") -> bytes:
    storage = tuple_of(text("storage"), b"ctorch\n" + kind.encode() + b"\n", text(key), text("cpu"), whole(elements)) + b"Q"
    return (b"ctorch._utils\n_rebuild_tensor_v2\n"
            + tuple_of(storage, whole(offset), tuple_of(*map(whole, sizes)), tuple_of(*map(whole, strides)), b"\x89",
                       b"ccollections\nOrderedDict\n)R") + b"R")


def module_code(body: str = "", members: str = "", attributes: str = "") -> str:
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    return ("class Net(Module):\n  __parameters__ = []\n  __buffers__ = []\n  training : bool\n" + attributes + members
            + FORWARD.format(body=lines))


def module_pickle(attributes: bytes = b"") -> bytes:
    return b"\x80\x02c__torch__\nNet\n)\x81}(" + text("training") + b"\x89" + attributes + b"ub."


def module(code: str | None = None, pickle: bytes | None = None, constants: bytes = b"\x80\x02).",
           more: dict[str, bytes] | None = None) -> list[Entry]:
    """The entries of a module, which a caller may change before archive()."""
    code = module_code() if code is None else code
    parts = {"version": b"3\n", "byteorder": b"little", "data.pkl": module_pickle() if pickle is None else pickle,
             "constants.pkl": constants, "code/__torch__.py": code.encode("latin-1"), **(more or {})}
    return [Entry(name, data, deflated=name.startswith("code/")) for name, data in parts.items()]
