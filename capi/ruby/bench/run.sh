#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The Ruby part of tests/bench/run_bindings.sh: checks the scores, then prints a line of JSON for each case. Exit code 77
# where there is no Ruby with ffi.
# usage: capi/ruby/bench/run.sh --library SO --bundle DIR --payments FILE --tolerance T --seconds S [--calls SO]
here=$(cd "$(dirname "$0")" && pwd)
[ "${1:-}" != --help ] || { sed -n '3,5p' "$0" | cut -c3-; exit 0; }
ruby -e 'require "ffi"; exit RUBY_VERSION.to_f >= 3.1' 2>/dev/null ||
    { echo "run.sh: expected Ruby 3.1 or later with ffi: apt-get install ruby ruby-ffi" >&2; exit 77; }
exec ruby -I "$here/../lib" "$here/one_row.rb" "$@"
