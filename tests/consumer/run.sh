#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# run.sh CMAKE BUILD_DIR SOURCE_DIR: installs the build, builds the consumer against it by find_package and by pkg-config.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$1" --install "$2" --prefix "$work/installed" >/dev/null
"$1" -S "$3" -B "$work/build" -DCMAKE_PREFIX_PATH="$work/installed" >/dev/null
"$1" --build "$work/build" >/dev/null
"$work/build/consumer_c"
"$work/build/consumer_cpp"
pc=$(dirname "$(find "$work/installed" -name weighbridge.pc)")
PKG_CONFIG_PATH=$pc cc "$3/main.c" -o "$work/by_pkg_config" $(PKG_CONFIG_PATH=$pc pkg-config --cflags --libs weighbridge)
LD_LIBRARY_PATH=$(dirname "$pc") "$work/by_pkg_config"
