#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Run the tests under sanitizers, in builds of their own below BUILD.
#
# usage: sanitize.sh BUILD [all]
#
# Unit tests, cases, the fuzzers' kept inputs and the tests on QEMU under AddressSanitizer and UBSan.
# With `all` also the recorded answers of Linux (../shared/truth or WEIR_TRUTH), and
# the unit tests and those on QEMU under ThreadSanitizer. The count of single tests goes to
# BUILD/results/sanitize, for .ci/run.
set -eu

[ $# -ge 1 ] || { sed -n '3,/^set -eu/{/^set -eu/d;s/^# \{0,1\}//;p}' "$0" >&2; exit 2; }
build=$1
all=${2:-}
cd "$(dirname "$0")/.."
mkdir -p "$build/results"
status=0

# run NAME SANITIZERS TESTS...: builds and tests in BUILD/NAME. A compiler may warn of
# what a sanitizer does not see; the plain build is the one without warnings.
run() {
	name=$1
	sanitizers=$2
	shift 2
	make --no-print-directory build BUILD="$build/$name" \
		MESON_FLAGS="-Db_sanitize=$sanitizers -Dc_args=-fno-sanitize-recover=all -Dwerror=false"
	scripts/test.sh "$build/$name" "$@" || status=1
}

run sanitize address,undefined --suite unit --suite cases --suite qtest
cp "$build/sanitize/results/test" "$build/results/sanitize"
[ "$all" = all ] || exit $status

truth=${WEIR_TRUTH:-../shared/truth}
if [ -d "$truth/dtb" ]; then
	for set in "$truth"/*/; do
		case $set in
		*/dtb/ | */kernel/) continue ;;
		esac
		"$build/sanitize/weir-conform" -j2 "$truth/dtb" "${set%/}" || status=1
	done
else
	echo "sanitize.sh: no recorded answers in $truth"
fi
run sanitize-threads thread --suite unit --suite qtest
exit $status
