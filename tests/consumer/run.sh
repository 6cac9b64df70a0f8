#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# run.sh CMAKE BUILD_DIR SOURCE_DIR: installs the build, builds the consumer against it by find_package and by
# pkg-config, and has the loader refuse a library of the same soname that is older than the consumer.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$1" --install "$2" --prefix "$work/installed" >/dev/null
"$1" -S "$3" -B "$work/build" -DCMAKE_PREFIX_PATH="$work/installed" >/dev/null
"$1" --build "$work/build" >/dev/null
"$work/installed/bin/weighbridge" --version >/dev/null
"$work/build/consumer_c"
"$work/build/consumer_cpp"
pc=$(dirname "$(find "$work/installed" -name weighbridge.pc)")
PKG_CONFIG_PATH=$pc cc "$3/main.c" -o "$work/by_pkg_config" $(PKG_CONFIG_PATH=$pc pkg-config --cflags --libs weighbridge)
LD_LIBRARY_PATH=$(dirname "$pc") "$work/by_pkg_config"
mkdir "$work/older"
printf 'WEIGHBRIDGE_0.1 { global: wb_*; local: *; };\n' >"$work/older.map"
printf 'const char *wb_version(void) { return "0.1.0"; }\nint wb_abi_version(void) { return 1; }\n' |
    cc -shared -fPIC -x c - -o "$work/older/libweighbridge.so.1" -Wl,-soname,libweighbridge.so.1 \
        -Wl,--version-script="$work/older.map"
said=$(LD_LIBRARY_PATH=$work/older "$work/by_pkg_config" 2>&1) && { echo "run.sh: an older library was taken"; exit 1; }
grep -q "version .WEIGHBRIDGE_0.2. not found" <<<"$said" || { echo "run.sh: the loader said: $said"; exit 1; }
