# SPDX-License-Identifier: Apache-2.0
"""Random changes of module files and of bundles' files: bits, cuts, zeroed blocks, and edits that know the format."""
import random
import zipfile
import zlib
from io import BytesIO

from .files import Entry, archive

WORDS = ["torch.save", "torch.from_file", "__setstate__", "while", "self", "(", ")", "[", "]", ".", ",", ":", "=", "\n",
         "  ", '"', "__torch__", "ops.prim.Print", "getattr", "def", "class", "None", "for", "range", "9223372036854775807"]
OPCODES = b"\x80\x81\x85\x86\x87\x88\x89\x8a()]}.GJKMNQRXbcehjqrtu"


def flip(data: bytearray, rng: random.Random) -> None:
    for _ in range(rng.choice((1, 1, 1, 4))):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def cut(data: bytearray, rng: random.Random) -> None:
    del data[rng.randrange(len(data)):]


def zero(data: bytearray, rng: random.Random) -> None:
    at, size = rng.randrange(len(data)), rng.choice((4, 64, 512, 4096))
    size = min(size, len(data) - at)
    data[at:at + size] = bytes(size)


def number(data: bytearray, rng: random.Random) -> None:
    """Another number where a format keeps lengths and places."""
    size = rng.choice((1, 2, 4, 8))
    if len(data) < size:
        return
    at = rng.randrange(len(data) - size + 1)
    value = rng.choice((0, 1, (1 << 8 * size) - 1, (1 << 8 * size - 1), (1 << 8 * size - 1) - 1, rng.getrandbits(8 * size)))
    data[at:at + size] = value.to_bytes(size, "little")


RAW = (flip, cut, zero, number)
zipfile.MAX_EXTRACT_VERSION = 0xffff  # neither the scan nor LibTorch looks at the version that an entry asks for


def parts_of(module: bytes) -> list[Entry]:
    with zipfile.ZipFile(BytesIO(module)) as file:
        return [Entry(info.filename.partition("/")[2], file.read(info), deflated=info.compress_type == 8)
                for info in file.infolist()]


def change_code(text: str, rng: random.Random) -> str:
    words, places = list(text), rng.randrange(1, 4)
    for _ in range(places):
        at = rng.randrange(len(words) + 1)
        words[at:at + rng.choice((0, 0, 1, 8))] = rng.choice(WORDS)
    return "".join(words)


def change_pickle(data: bytes, rng: random.Random) -> bytes:
    made = bytearray(data)
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(len(made))
        if rng.random() < 0.3:
            made[at:at] = bytes([rng.choice(OPCODES)])
        elif rng.random() < 0.5:
            made[at] = rng.choice(OPCODES)
        else:
            number(made, rng)
    return bytes(made)


def change_zip(parts: list[Entry], rng: random.Random) -> bool:
    """Whether a field of a header is wrong then, and not the list of files another."""
    one = rng.choice(parts)
    kind = rng.randrange(7)
    if kind == 0:
        parts.append(Entry(one.name, rng.randbytes(8)))
    elif kind == 1:
        one.name = "".join(rng.choice((letter, letter.upper(), "/", ".")) for letter in str(one.name))
    elif kind == 2:
        one.crc = rng.choice((0, zlib.crc32(one.data) ^ 1))
    elif kind == 3:
        one.size = rng.getrandbits(32)
    elif kind == 4:
        one.flags = rng.getrandbits(16)
    elif kind == 5:
        one.method = rng.choice((0, 1, 8, 9, 12, 99))
    else:
        parts.remove(one)
    return 2 <= kind <= 5


def read_by_loader(module: bytes) -> dict[str, bytes]:
    """What LibTorch is given of a file that the scan accepts: the canonical form is made of this alone."""
    return {part.name: part.data for part in parts_of(module) if not str(part.name).startswith(("extra/", "traced_inputs"))}


def changed_module(module: bytes, rng: random.Random) -> tuple[bytes, bool]:
    """A changed module file, and whether it is damaged: elsewhere CRCs are right, as code or pickles changed with them."""
    if rng.random() < 0.4:
        data = bytearray(module)
        rng.choice(RAW)(data, rng)
        return bytes(data), True
    parts = parts_of(module)
    kind, damaged = rng.randrange(3), False
    if kind == 0:
        damaged = change_zip(parts, rng)
    else:
        wanted = ".py" if kind == 1 else ".pkl"
        one = rng.choice([part for part in parts if str(part.name).endswith(wanted)])
        one.data = (change_code(one.data.decode("latin-1"), rng).encode("latin-1") if kind == 1
                    else change_pickle(one.data, rng))
    return archive(parts), damaged
