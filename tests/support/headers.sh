#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# headers.sh CC CXX INCLUDE_DIR HEADER...: each public header compiles alone, C headers as strict C99 and as C++20, C++
# headers as C++20 with and without exceptions. An older standard ends weighbridge.hpp with one error that says so.
set -euo pipefail
cc=$1 cxx=$2 include=$3
shift 3
flags=(-Wall -Wextra -Wpedantic -Wshadow -Werror -I "$include" -fsyntax-only)
for header in "$@"; do
    line="#include <$header>"
    case $header in
        *.h)
            echo "$line" | "$cc" -std=c99 "${flags[@]}" -x c -
            echo "$line" | "$cxx" -std=c++20 "${flags[@]}" -x c++ - ;;
        *.hpp)
            echo "$line" | "$cxx" -std=c++20 "${flags[@]}" -x c++ -
            echo "$line" | "$cxx" -std=c++20 -fno-exceptions "${flags[@]}" -x c++ - ;;
    esac
done
errors=$(echo '#include <weighbridge.hpp>' | LC_ALL=C "$cxx" -std=c++17 -I "$include" -fsyntax-only -x c++ - 2>&1 |
    grep 'error:' || true)
case $errors in
    *$'\n'* | '') echo "weighbridge.hpp as C++17: expected one error, got: $errors" >&2; exit 1 ;;
    *'"weighbridge.hpp needs C++20: compile with -std=c++20 or newer"') ;;
    *) echo "weighbridge.hpp as C++17: expected an error that names C++20, got: $errors" >&2; exit 1 ;;
esac
echo "$# headers compile alone"
