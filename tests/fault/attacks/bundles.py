# SPDX-License-Identifier: Apache-2.0
"""Bundles that were changed after they were made: signed by two keys, unsigned, and unsigned with digests made anew."""
import base64
import collections
import hashlib
import json
import os
import pathlib
import random
import shutil
import struct
import subprocess

from .library import Library, in_process
from .mutants import RAW, changed_module, number

AT_ONCE = 100
ROLES = {"owner": "P-256", "risk": "P-384"}
VALUES = (None, True, 0, -1, 1 << 63, 1e308, "", "x" * 300, "../manifest.json", [], {}, "model.ts", "\u202e")


def places(value, path=()):
    """Paths to everything in a JSON value."""
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield (*path, key)
        yield from places(child, (*path, key))


def changed_json(data: bytes, rng: random.Random) -> bytes:
    """One member taken away, given another value or another name, in text that is JSON."""
    value = json.loads(data)
    *above, last = rng.choice(list(places(value)))
    parent = value
    for key in above:
        parent = parent[key]
    kind = rng.randrange(4)
    if kind == 0:
        del parent[last]
    elif kind == 1 and isinstance(parent, dict):
        parent[rng.choice((str(last).upper(), f"{last} ", "more"))] = parent.pop(last)
    elif kind == 2 and isinstance(parent[last], str) and parent[last]:
        text = bytearray(parent[last].encode())
        text[rng.randrange(len(text))] ^= 1
        parent[last] = text.decode(errors="replace")
    else:
        parent[last] = rng.choice(VALUES)
    return json.dumps(value).encode()


def changed_signature(data: bytes, rng: random.Random) -> bytes:
    """What was signed, or the signature, with one bit flipped behind its base64."""
    value = json.loads(data)
    envelope = value["dsseEnvelope"]
    holder, key = rng.choice(((envelope, "payload"), (envelope["signatures"][0], "sig")))
    raw = bytearray(base64.b64decode(holder[key]))
    raw[rng.randrange(len(raw))] ^= 1 << rng.randrange(8)
    holder[key] = base64.b64encode(raw).decode()
    return json.dumps(value).encode()


def changed_plan(data: bytes, rng: random.Random) -> bytes:
    """Other numbers in the header or the graph of a plan, whose checksum is right."""
    graph_bytes, = struct.unpack_from("<Q", data, 24)
    body = bytearray(data[:-32])
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(0, min(128 + graph_bytes, len(body)) - 8, 4)
        part = body[at:at + 8]
        number(part, rng)
        body[at:at + 8] = part
    return bytes(body) + hashlib.sha256(body).digest()


def changed_content(name: str, data: bytes, rng: random.Random) -> bytes:
    """Never the same bytes."""
    while True:
        made = data
        if rng.random() < 0.5:
            raw = bytearray(data)
            rng.choice(RAW)(raw, rng)
            made = bytes(raw)
        elif name == "model.ts":
            made = changed_module(data, rng)[0]
        elif name == "model.plan":
            made = changed_plan(data, rng)
        elif name.endswith(".sig"):
            made = rng.choice((changed_json, changed_signature))(data, rng)
        elif name.endswith(".json"):
            made = changed_json(data, rng)
        if made != data:
            return made


def write_anew(path: pathlib.Path, data: bytes) -> None:
    """In place of a link to a file that others have too."""
    path.unlink(missing_ok=True)
    path.write_bytes(data)


def reseal(folder: pathlib.Path) -> None:
    """Gives the manifest the digests of the files as they are, as whoever changes an unsigned bundle can."""
    manifest = json.loads((folder / "manifest.json").read_text())
    for name, entry in manifest["files"].items():
        data = (folder / name).read_bytes()
        entry.update(sha256=hashlib.sha256(data).hexdigest(), bytes=len(data))
    write_anew(folder / "manifest.json", json.dumps(manifest).encode())


class Mutants:
    """Copies of bundles, each with one change, and what a verifying load makes of them."""

    def __init__(self, command: str, library: str, bundles: pathlib.Path, folder: pathlib.Path):
        self.library, self.folder = library, folder
        self.keys = ",".join(f"{role}={folder / role}.pub" for role in ROLES)
        self.plain, self.signed = [], []
        for role, curve in ROLES.items():
            subprocess.run([command, "keygen", "--out", folder / role, "--curve", curve], check=True,
                           stdout=subprocess.DEVNULL)
        for manifest in sorted(bundles.glob("*/manifest.json")):
            name = manifest.parent.name
            self.plain.append(pathlib.Path(shutil.copytree(manifest.parent, folder / "plain" / name)))
            self.signed.append(pathlib.Path(shutil.copytree(manifest.parent, folder / "signed" / name)))
            for role in ROLES:
                subprocess.run([command, "sign", self.signed[-1], "--key", folder / f"{role}.key", "--role", role],
                               check=True, stdout=subprocess.DEVNULL)

    def copy(self, source: pathlib.Path, index: int) -> pathlib.Path:
        made = self.folder / "mutants" / str(index)
        shutil.rmtree(made, ignore_errors=True)
        made.mkdir(parents=True)
        for file in source.iterdir():
            os.link(file, made / file.name)
        return made

    def unsigned(self, index: int, rng: random.Random) -> tuple[pathlib.Path, bool]:
        """One file that the manifest digests is another."""
        source = rng.choice(self.plain)
        made = self.copy(source, index)
        name = rng.choice(sorted(json.loads((made / "manifest.json").read_text())["files"]))
        write_anew(made / name, changed_content(name, (made / name).read_bytes(), rng))
        return made, False

    def resealed(self, index: int, rng: random.Random) -> tuple[pathlib.Path, bool]:
        """The same with digests that fit: another bundle, which may load."""
        made, _ = self.unsigned(index, rng)
        reseal(made)
        return made, True

    def signed_by_two(self, index: int, rng: random.Random) -> tuple[pathlib.Path, bool]:
        """Any file is another, signatures too; or one is added, taken away, renamed, or of the other bundle. True where
        the change is of what a signature file holds beside statement, signature and key."""
        source = rng.choice(self.signed)
        made = self.copy(source, index)
        names = sorted(path.name for path in made.iterdir())
        name, kind = rng.choice(names), rng.random()
        if kind < 0.05:
            (made / rng.choice(("model.ts.bak", "MODEL.TS", "model.extra.sig", ".hidden"))).write_bytes(b"x")
        elif kind < 0.1:
            (made / name).unlink()
        elif kind < 0.15:
            (made / name).rename(made / name.upper())
        elif kind < 0.2:
            other = rng.choice([one for one in self.signed if one != source])
            if not (other / name).exists() or (other / name).read_bytes() == (made / name).read_bytes():
                name = "model.plan"
            write_anew(made / name, (other / name).read_bytes())
        else:
            before = (made / name).read_bytes()
            write_anew(made / name, changed_content(name, before, rng))
            if name.endswith(".sig"):
                return made, same_signature(before, (made / name).read_bytes())
            if name != "manifest.json" and rng.random() < 0.5:
                reseal(made)
        return made, False

    def run(self, kind: str, count: int, seed: int) -> tuple[dict, list[str]]:
        make, trusted = getattr(self, kind), self.keys if kind == "signed_by_two" else ""
        rng, counts, faults = random.Random(seed), collections.Counter(), []
        unchanged = self.signed if trusted else self.plain
        if any(in_process(Library(self.library, trusted), [lambda c, p=str(path): c.verify(p) for path in unchanged])):
            faults.append(f"bundle mutants, {kind}: expected the bundles as they were made to be taken, found one refused")
        for start in range(0, count, AT_ONCE):
            made = [make(i, rng) for i in range(min(AT_ONCE, count - start))]
            calls = [lambda c, p=str(path): c.verify(p) for path, _ in made]
            for i, code in enumerate(in_process(Library(self.library, trusted), calls)):
                outcome = code if isinstance(code, str) else "refused" if code != 0 else "accepted"
                if outcome == "accepted":
                    outcome += {"resealed": " as another bundle", "signed_by_two": " of the same signature"}.get(
                        kind, "") if made[i][1] else " changed"
                counts[outcome] += 1
                if outcome in ("crashed", "hung", "accepted changed"):
                    kept = self.folder.parent / f"wb-bundle-{kind}-{start + i}"
                    shutil.copytree(made[i][0], kept, dirs_exist_ok=True)
                    faults.append(f"bundle mutant {kind} {start + i}: {outcome}; kept as {kept}")
        return dict(counts), faults


def same_signature(before: bytes, after: bytes) -> bool:
    """Whether two signature files have the same statement, signature and key: a Sigstore bundle holds more, such as
    empty lists, that nobody signs."""
    def said(data: bytes):
        value = json.loads(data)
        envelope = value["dsseEnvelope"]
        return (envelope["payload"], envelope["payloadType"], envelope["signatures"][0]["sig"],
                value["verificationMaterial"]["publicKey"]["hint"])
    try:
        return said(before) == said(after)
    except (ValueError, KeyError, TypeError, IndexError):
        return False
