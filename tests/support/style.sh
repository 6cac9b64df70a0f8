#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Compiles library and command with clang, whose thread-safety analysis sees which mutex guards what (preset clang), and
# holds the C and C++ sources against .clang-format (14, of .venv) and, file by file, lib/ and capi/src against the checks
# of .clang-tidy. Installs clang and clang-tidy (as root, where they are missing); four minutes on two cores.
# usage: tests/support/style.sh [--mend]    --mend: formats instead
. "$(dirname "$0")/../../cmake/setup.sh"

# The C headers keep the line breaks that their readers want.
mapfile -t sources < <(git ls-files '*.c' '*.h' '*.cpp' '*.hpp' '*.cu' | grep -vE '^include/weighbridge(\.h|/c/)')
if [ "${1:-}" = --mend ]; then
    exec "$WB_VENV/bin/clang-format" -i "${sources[@]}"
fi
wb_system clang clang-tidy
status=0
wb_say "formatting of ${#sources[@]} files"
"$WB_VENV/bin/clang-format" --dry-run -Werror "${sources[@]}" || status=1
wb_build clang
wb_say "clang-tidy"
git ls-files 'lib/*.cpp' 'capi/src/*.cpp' | grep -vE '^lib/(torch/|backend/native/kernels_)' |
    xargs -P "${WB_JOBS:-2}" -n 8 clang-tidy -p build/clang --quiet 2>/dev/null || status=1
exit $status
