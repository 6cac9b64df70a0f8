#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs the tests of the Ruby binding, of the fake in pure Ruby and of examples/ruby, on the library and the fixtures of
# WB_BUILD_DIR (default build/release, built where it is missing). Installs Debian packages (as root, where they are missing). --full serves
# 10,000 requests a server. Arguments behind -- go to minitest, as -n /fork/.
# usage: capi/ruby/test.sh [--full] [-- ARGUMENTS]
for argument in "$@"; do
    case $argument in
        --full) export WB_FULL=1; shift ;;
        --) shift; break ;;
        --help) sed -n '3,7p' "$0" | cut -c3-; exit 0 ;;
        *) echo "test.sh: unknown argument '$argument'; usage: capi/ruby/test.sh [--full] [-- ARGUMENTS]" >&2; exit 2 ;;
    esac
done
. "$(dirname "$0")/../../cmake/setup.sh"

if ! (wb_system ruby ruby-ffi puma unicorn ruby-async ruby-minitest ruby-rack yard g++ binutils); then
    wb_say "SKIPPED: the tests of the Ruby binding, for want of the packages above"
    exit 0
fi
if ! ruby -e 'exit RUBY_VERSION.to_f >= 3.1'; then
    wb_say "SKIPPED: the tests of the Ruby binding: expected Ruby 3.1 or later, got $(ruby -e 'print RUBY_VERSION')"
    exit 0
fi

build=$(realpath -m -- "${WB_BUILD_DIR:-$WB_ROOT/build/release}")
if [ ! -e "$build/libweighbridge.so.1" ] || [ ! -x "$build/bin/weighbridge" ] ||
    [ ! -x "$build/tests/make_fixture" ]; then
    [ "$build" = "$WB_ROOT/build/release" ] ||
        wb_fail "$build: expected libweighbridge.so.1, bin/weighbridge and tests/make_fixture"
    wb_system_build
    wb_build release weighbridge weighbridge_command make_fixture
fi
status=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$build/tests/make_fixture" "$work/fixtures" || wb_fail "the fixtures could not be made"
mkdir "$work/schemas"
for bundle in "$work"/fixtures/{mlp,mlp-v2,mlp-extra,mlp-renamed,mlp-usd} examples/bundles/* \
    tests/conformance/drafts/*; do
    "$build/bin/weighbridge" codegen "$bundle" --json --output "$work/schemas/$(basename "$bundle").json" ||
        wb_fail "codegen failed"
done

wb_say "the fake in pure Ruby"
WB_SCHEMAS=$work/schemas ruby -w -I capi/ruby/lib \
    -e 'Dir["./capi/ruby/test/fake/*_test.rb"].sort.each { |it| require it }' -- "$@" || status=1

wb_say "examples/ruby, without the library and on its engine fake"
cmp "$work/schemas/card-transformer.json" examples/ruby/card-transformer.json ||
    { echo "examples/ruby/card-transformer.json: expected what codegen --json writes" >&2; status=1; }
ruby -w -I capi/ruby/lib -r weighbridge/fake examples/ruby/payment_service_test.rb || status=1
export WEIGHBRIDGE_LIBRARY=$build/libweighbridge.so.1 WB_FIXTURES=$work/fixtures
ruby -w -I capi/ruby/lib examples/ruby/payment_service_test.rb || status=1

wb_say "tests of the Ruby binding"
ruby -w -I capi/ruby/lib -e 'Dir["./capi/ruby/test/*_test.rb"].sort.each { |it| require it }' -- "$@" || status=1
exit $status
