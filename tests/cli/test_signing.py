# SPDX-License-Identifier: Apache-2.0
"""keygen, sign and verify, with model-signing from PyPI, openssl and a PKCS#11 token on the other side."""
import base64
import json
import os
import pathlib
import re
import shutil
import stat
import subprocess

import pytest

from test_cli import BUILD, bundles, pytestmark, run, write  # noqa: F401

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "bundles" / "card-mlp"
MODEL_SIGNING = pathlib.Path(os.environ.get("WB_MODEL_SIGNING", BUILD.parent / "signing" / "bin" / "python"))
SOFTHSM = "/usr/lib/softhsm/libsofthsm2.so"
CURVES = {"P-256": ("prime256v1", "sha256"), "P-384": ("secp384r1", "sha384"), "P-521": ("secp521r1", "sha512")}
needs_model_signing = pytest.mark.skipif(
    not MODEL_SIGNING.exists(), reason="model-signing is not installed (tests/support/signing_venv.sh)")
needs_openssl = pytest.mark.skipif(not shutil.which("openssl"), reason="there is no openssl command")
needs_token = pytest.mark.skipif(
    not all(map(shutil.which, ("softhsm2-util", "pkcs11-tool", "openssl"))) or not pathlib.Path(SOFTHSM).exists(),
    reason="there is no SoftHSM with pkcs11-tool (Debian: softhsm2, opensc)")


@pytest.fixture
def bundle(bundles, tmp_path):  # noqa: F811
    return pathlib.Path(shutil.copytree(bundles / "mlp", tmp_path / "mlp"))


@pytest.fixture
def key(tmp_path):
    def make(name, curve="P-256"):
        run("keygen", "--out", tmp_path / name, "--curve", curve)
        return tmp_path / f"{name}.key", tmp_path / f"{name}.pub"
    return make


def tool(*arguments, **more):
    done = subprocess.run(list(map(str, arguments)), capture_output=True, timeout=120, **more)
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    return done.stdout


def model_signing(*arguments, code=0):
    done = subprocess.run([MODEL_SIGNING, "-m", "model_signing", *map(str, arguments)], capture_output=True, text=True,
                          timeout=120)
    assert (done.returncode == 0) == (code == 0), done.stdout + done.stderr
    return done.stdout + done.stderr


def refused(bundle, *arguments):
    said = run("verify", bundle, *arguments, code=1).stderr
    assert "WB_INVALID_BUNDLE" in said
    return said


def test_a_bundle_is_signed_and_verified(bundle, key):
    secret, public = key("owner")
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert "found none: sign the bundle" in refused(bundle, "--public-key", public)
    assert run("sign", bundle, "--key", secret).stdout == f"{bundle}/model.sig\n"
    report = json.loads(run("verify", bundle, "--public-key", f"owner={public}", "--json").stdout)
    assert re.fullmatch("owner [0-9a-f]{12}", report["signed_by"])
    assert "signed_by" not in json.loads(run("verify", bundle, "--json").stdout)
    (inspected,) = json.loads(run("inspect", bundle, "--json").stdout)["signatures"]
    assert inspected["file"] == "model.sig" and inspected["checked"] is False
    _, other = key("other")
    assert "expected a signature by a trusted key" in refused(bundle, "--public-key", other)


def test_two_roles_sign_and_both_are_required(bundle, key):
    owner, owner_public = key("owner")
    risk, risk_public = key("risk", "P-384")
    trust = ("--public-key", f"owner={owner_public}", "--public-key", f"risk={risk_public}")
    run("sign", bundle, "--key", owner, "--role", "owner")
    assert "expected 1 by different keys of role risk" in refused(bundle, *trust)
    run("verify", bundle, *trust, "--required", "1")
    run("sign", bundle, "--key", risk, "--role", "risk")
    run("verify", bundle, *trust)
    run("verify", bundle, *trust, "--required", "2")
    assert "at most the 2 keys" in run("verify", bundle, *trust, "--required", "3", code=1).stderr


def test_the_bundle_of_another_model_by_the_same_key_is_refused_where_a_name_is_expected(bundle, key):
    secret, public = key("owner")
    run("sign", bundle, "--key", secret)
    name = json.loads((bundle / "manifest.json").read_text())["identity"]["name"]
    run("verify", bundle, "--public-key", public, "--expected-name", name)
    said = refused(bundle, "--public-key", public, "--expected-name", "merchant-risk")
    assert f"identity.name: expected merchant-risk (option expected_name), got {name}" in said


def test_scoring_takes_the_same_keys(bundle, key, tmp_path):
    secret, public = key("owner")
    rows = write(tmp_path / "in.csv", "amount_minor,age_days,country,online\n100,1,FR,1\n")
    arguments = ("score", bundle, "--input", rows, "--output", tmp_path / "out.csv", "--public-key", public)
    assert "WB_INVALID_BUNDLE" in run(*arguments, code=1).stderr
    run("sign", bundle, "--key", secret)
    run(*arguments)


def test_a_key_with_a_passphrase(bundle, tmp_path):
    secret = write(tmp_path / "passphrase", "correct horse\nnot this line\n")
    run("keygen", "--out", tmp_path / "k", "--passphrase-file", secret)
    assert (tmp_path / "k.key").read_text().startswith("-----BEGIN ENCRYPTED PRIVATE KEY-----")
    assert "expected the passphrase" in run("sign", bundle, "--key", tmp_path / "k.key", code=1).stderr
    run("sign", bundle, "--key", tmp_path / "k.key", "--passphrase-file", secret)
    run("verify", bundle, "--public-key", tmp_path / "k.pub")
    assert "cannot create" in run("keygen", "--out", tmp_path / "k", code=1).stderr
    empty = write(tmp_path / "empty", "\n")
    assert "expected a passphrase" in run("keygen", "--out", tmp_path / "l", "--passphrase-file", empty, code=1).stderr


def test_a_signed_bundle_is_not_compiled(bundle, key):
    secret, _ = key("owner")
    run("sign", bundle, "--key", secret)
    before = {path.name: path.read_bytes() for path in bundle.iterdir()}
    said = run("compile", bundle, code=1).stderr
    assert "a signed one is not changed" in said
    assert {path.name: path.read_bytes() for path in bundle.iterdir()} == before


def test_the_command_line_of_sign_says_what_belongs_together(bundle, key, tmp_path):
    secret, public = key("owner")
    for wrong in ((), ("--key", secret, "--detached", "-"), ("--attach", "x"), ("--public-key", public, "--key", secret),
                  ("--key", secret, "--with", "legal")):
        run("sign", bundle, *wrong, code=2)
    assert not list(bundle.glob("*.sig"))
    nothing = tmp_path / "nothing"
    assert "cannot open" in run("sign", bundle, "--key", nothing, code=1).stderr
    assert "none that can be read" in run("sign", bundle, "--attach", nothing, "--public-key", public, code=1).stderr


@pytest.mark.parametrize("curve", CURVES)
@needs_model_signing
def test_model_signing_verifies_what_is_signed_here(bundle, key, curve):
    owner, owner_public = key("owner", curve)
    risk, risk_public = key("risk", curve)
    run("sign", bundle, "--key", owner)
    run("sign", bundle, "--key", risk, "--role", "risk")
    model_signing("verify", "key", bundle, "--public_key", owner_public, "--signature", bundle / "model.sig")
    model_signing("verify", "key", bundle, "--public_key", risk_public, "--signature", bundle / "model.risk.sig")
    (bundle / "manifest.json").write_bytes((bundle / "manifest.json").read_bytes() + b"\n")
    said = model_signing("verify", "key", bundle, "--public_key", owner_public, "--signature", bundle / "model.sig",
                         code=1)
    assert "manifest.json" in said


@pytest.mark.parametrize("curve", CURVES)
@needs_model_signing
@needs_openssl
def test_what_model_signing_signs_is_verified_here(bundle, tmp_path, curve):
    secret, public = tmp_path / "k.pem", tmp_path / "k.pub"
    tool("openssl", "ecparam", "-name", CURVES[curve][0], "-genkey", "-noout", "-out", secret)
    tool("openssl", "pkey", "-in", secret, "-pubout", "-out", public)
    model_signing("sign", "key", bundle, "--private_key", secret, "--signature", bundle / "model.sig", "--ignore-paths",
                  bundle / "model.risk.sig")
    run("verify", bundle, "--public-key", public)
    run("sign", bundle, "--key", secret, "--role", "risk")  # SEC 1, beside it
    run("verify", bundle, "--public-key", public)
    model_signing("verify", "key", bundle, "--public_key", public, "--signature", bundle / "model.sig")
    sharded = bundle / "model.sig"
    document = json.loads(sharded.read_text())
    statement = json.loads(base64.b64decode(document["dsseEnvelope"]["payload"]))
    assert {entry["name"] for entry in statement["predicate"]["resources"]} == {
        path.name for path in bundle.iterdir() if path.suffix != ".sig"}


@pytest.mark.parametrize("curve", CURVES)
@needs_openssl
def test_a_signature_by_openssl_is_attached(bundle, key, tmp_path, curve):
    secret, public = key("k", curve)
    run("sign", bundle, "--detached", tmp_path / "bytes", "--role", "risk")
    tool("openssl", "dgst", f"-{CURVES[curve][1]}", "-sign", secret, "-out", tmp_path / "signature", tmp_path / "bytes")
    run("sign", bundle, "--attach", tmp_path / "signature", "--public-key", public, "--role", "risk")
    run("verify", bundle, "--public-key", public)
    said = run("sign", bundle, "--attach", tmp_path / "signature", "--public-key", public, code=0)
    assert said.stdout.endswith("/model.sig\n")  # owner and risk need not be named
    other = run("sign", bundle, "--attach", tmp_path / "signature", "--public-key", public, "--role", "legal", code=1)
    assert "expected one of this bundle's bytes" in other.stderr


@pytest.mark.parametrize("curve", ["P-256", "P-384"])
@needs_token
def test_a_key_that_stays_in_a_token_signs(bundle, tmp_path, monkeypatch, curve):
    (tmp_path / "tokens").mkdir()
    write(tmp_path / "softhsm2.conf", f"directories.tokendir = {tmp_path / 'tokens'}\nobjectstore.backend = file\n")
    monkeypatch.setenv("SOFTHSM2_CONF", str(tmp_path / "softhsm2.conf"))
    tool("softhsm2-util", "--init-token", "--free", "--label", "models", "--so-pin", "1234", "--pin", "1234")
    session = ("pkcs11-tool", "--module", SOFTHSM, "--token-label", "models", "--login", "--pin", "1234", "--id", "01")
    name, digest = CURVES[curve]
    told = tool(*session, "--keypairgen", "--key-type", f"EC:{name}").decode()
    point = bytes.fromhex(re.search(r"EC_POINT: +([0-9a-f]+)\n", told)[1])[2:]  # an octet string's content
    write(tmp_path / "k.pub", pem_of(curve, point))

    run("sign", bundle, "--detached", tmp_path / "bytes")
    tool("openssl", "dgst", f"-{digest}", "-binary", "-out", tmp_path / "digest", tmp_path / "bytes")
    tool(*session, "--sign", "--mechanism", "ECDSA", "-i", tmp_path / "digest", "-o", tmp_path / "signature")
    run("sign", bundle, "--attach", tmp_path / "signature", "--public-key", tmp_path / "k.pub")
    run("verify", bundle, "--public-key", tmp_path / "k.pub")


def pem_of(curve, point):
    """SubjectPublicKeyInfo, RFC 5480."""
    prefix = {"P-256": "3059301306072a8648ce3d020106082a8648ce3d030107034200",
              "P-384": "3076301006072a8648ce3d020106052b81040022036200"}[curve]
    text = base64.b64encode(bytes.fromhex(prefix) + point).decode()
    lines = [text[at:at + 64] for at in range(0, len(text), 64)]
    return "\n".join(["-----BEGIN PUBLIC KEY-----", *lines, "-----END PUBLIC KEY-----", ""])
