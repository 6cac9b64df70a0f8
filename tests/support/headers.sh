#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# headers.sh CC CXX INCLUDE_DIR HEADER...: each public header compiles alone, C headers as strict C99 and as C++20, C++
# headers as C++20 with and without exceptions.
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
echo "$# headers compile alone"
