#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# doxygen.sh DOXYGEN DOXYFILE INCLUDE_DIR: the public headers give no warning, and the C headers leave nothing
# undocumented.
set -euo pipefail
"$1" "$2"
{
    cat "$2"
    printf '%s\n' "INPUT = $3/weighbridge.h $3/weighbridge/c" "EXTRACT_ALL = NO" "WARN_IF_UNDOCUMENTED = YES" "GENERATE_HTML = NO" "GENERATE_XML = NO" "GENERATE_MAN = YES"
} | "$1" -
