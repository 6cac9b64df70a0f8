#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Tests of the Python package, after the build whose folder WB_BUILD_DIR names (build/release): its own tests, then a wheel
# that is built, confirmed by auditwheel, and used in a clean environment without a compiler and without torch.
# --full builds the wheel for every CPython from 3.11 to 3.13 that is found, and runs all tests on the installed wheel.
# usage: python/test.sh [--full] [PYTEST ARGUMENTS]
full=${WB_FULL:-0}
if [ "${1:-}" = --full ]; then full=1; shift; fi
. "$(dirname "$0")/../cmake/setup.sh"
export WB_BUILD_DIR=${WB_BUILD_DIR:-$WB_ROOT/build/release}
python=$WB_VENV/bin/python
[ -x "$python" ] || wb_fail "expected the virtual environment .venv, which tests/run.sh makes"
[ -x "$WB_BUILD_DIR/tests/make_fixture" ] || wb_fail "expected a build with tests in $WB_BUILD_DIR (WB_BUILD_DIR)"
"$python" tests/support/have_requirements.py python/requirements.txt 2>/dev/null || {
    wb_say "installing Python packages into .venv (python/requirements.txt)"
    wb_pip -r python/requirements.txt
}

status=0
wb_say "tests of the Python package"
"$python" -m pytest -q -rs -p no:cacheprovider python/tests "$@" || status=1

# wheel INTERPRETER FOLDER [PIP ARGUMENTS]: builds the wheel into FOLDER and tags it as auditwheel confirms.
wheel() {
    local made tag
    rm -rf "$2" && mkdir -p "$2"
    CC=cc CXX=c++ "$1" -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir "$2" "${@:3}" ./python || return 1
    made=$(echo "$2"/*.whl)
    tag=$("$python" -m auditwheel show "$made" | tr -d '\n' | sed -n 's/.*platform tag: "\([a-z0-9_]*\)".*/\1/p')
    [[ $tag == manylinux_* ]] || { echo "auditwheel: expected a manylinux tag, got '$tag' for $made" >&2; return 1; }
    "$python" -m wheel tags --remove --platform-tag "$tag" "$made" >/dev/null || return 1
    echo "$2"/*.whl
}

# used INTERPRETER WHEEL FOLDER: a clean environment in FOLDER, whose PATH has no compiler.
used() {
    rm -rf "$3" && "$1" -m venv "$3" && "$3/bin/python" -m pip install --quiet --disable-pip-version-check "$2" || return 1
    env -i HOME="$HOME" PATH="$3/bin" "$3/bin/python" -I python/tests/installed.py "$WB_ROOT/examples/bundles/card-mlp"
}

wb_say "the package weighbridge-fake"
rm -rf build/wheels/fake && "$python" -m venv build/wheels/fake/env &&
    build/wheels/fake/env/bin/python -m pip install --quiet --disable-pip-version-check ./python/fake &&
    build/wheels/fake/env/bin/python -I -c 'import weighbridge_fake as fake
fake.install()
import weighbridge
assert weighbridge is fake and "site-packages" in fake.__file__ and issubclass(fake.Overloaded, weighbridge.Error)' || status=1

tried=
for version in 3.11 3.12 3.13; do
    interpreter=
    for found in "$("$python" -c 'import sys; print(sys._base_executable)')" "python$version" \
        "$HOME"/.pyenv/versions/"$version".*/bin/python; do
        "$found" -c "import sys, sysconfig, os; sys.exit('%d.%d' % sys.version_info[:2] != '$version' or
            not os.path.exists(sysconfig.get_path('include') + '/Python.h'))" 2>/dev/null && interpreter=$found && break
    done
    [ -n "$interpreter" ] || { echo "not run: no CPython $version with its headers is installed"; continue; }
    [ "$full" = 1 ] || [ -z "$tried" ] || { echo "not run without --full: the wheel on CPython $version"; continue; }
    tried=${tried:-$version}
    wb_say "the wheel on CPython $version"
    # --full builds the library too, once, as `pip install ./python` does; other wheels carry that of the tested build.
    settings=(--config-settings "cmake.define.WEIGHBRIDGE_PREBUILT=$WB_BUILD_DIR/libweighbridge.so")
    [ "$full" = 0 ] || [ "$tried" != "$version" ] || settings=()
    # Without --full by the tools of .venv and the flags of build/release, whose objects ccache has.
    [ "$full" = 1 ] || { interpreter=$python
        settings+=(--no-build-isolation --config-settings cmake.define.WEIGHBRIDGE_WERROR=ON); }
    made=$(wheel "$interpreter" "build/wheels/$version" ${settings[@]+"${settings[@]}"}) && echo "$(basename "$made")" &&
        used "$interpreter" "$WB_ROOT/$made" "$WB_ROOT/build/wheels/$version/env" || { status=1; continue; }
    [ "$full" = 1 ] || continue
    "$WB_ROOT/build/wheels/$version/env/bin/python" -m pip install --quiet --disable-pip-version-check \
        -r python/requirements.txt pyarrow pytest || { status=1; continue; }
    WB_INSTALLED=1 "$WB_ROOT/build/wheels/$version/env/bin/python" -m pytest -q -rs -p no:cacheprovider python/tests || status=1
done
echo "not run: a free-threaded CPython (none is installed); the module says that it needs no GIL"
exit $status
