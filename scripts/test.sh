#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Run all tests of a build directory, and count them.
#
# usage: test.sh BUILD [meson test options or names]
#
# The count of single tests goes to BUILD/results/test, for .ci/run.
set -eu

[ $# -ge 1 ] || { sed -n '3,/^set -eu/{/^set -eu/d;s/^# \{0,1\}//;p}' "$0" >&2; exit 2; }
build=$1
shift
here=$(dirname "$0")

# A build directory that was set up without cmocka (by `make run`) has no unit tests.
if ! grep -q '"unit"' "$build/meson-info/intro-tests.json"; then
	meson setup --reconfigure "$build" > "$build/setup.log" 2>&1 || { cat "$build/setup.log"; exit 1; }
	ninja -C "$build" --quiet
fi
mkdir -p "$build/results"
rm -f "$build/results/test" "$build/meson-logs/testlog.json"
status=0
meson test -C "$build" --no-rebuild --print-errorlogs "$@" || status=$?
python3 "$here/summary.py" "$build/meson-logs/testlog.json" "$build/results/test" || status=1
exit $status
