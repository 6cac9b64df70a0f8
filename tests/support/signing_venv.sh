#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# build/signing: a virtual environment with model-signing of PyPI, for the tests that sign and verify across; apart from
# .venv, as its 30 packages have nothing to do with the others (95 MB). Where it cannot be had, a line says so.
set -uo pipefail
cd "$(dirname "$0")/../.."
pinned="model-signing==1.1.1 pyOpenSSL==26.4.0" # 1.1.1 imports OpenSSL without asking for it
build/signing/bin/python -m model_signing --version >/dev/null 2>&1 && exit 0
# shellcheck disable=SC2086
python3 -m venv --clear build/signing && build/signing/bin/python -m pip install --quiet --disable-pip-version-check $pinned &&
    build/signing/bin/python -m model_signing --version >/dev/null && exit 0
rm -rf build/signing
echo "skipped: signing and verifying across with model-signing: pip could not install $pinned"
