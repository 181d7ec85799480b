#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Run the tests under sanitizers, in builds of their own below BUILD.
#
# usage: sanitize.sh BUILD [all]
#
# Unit tests, cases, the fuzzers' kept inputs and the tests on QEMU under AddressSanitizer and UBSan,
# and unit tests with threads under ThreadSanitizer.
# With `all` also the recorded answers of Linux (../shared/truth or WEIR_TRUTH), and
# all unit tests and those on QEMU under ThreadSanitizer. The count of single tests goes to
# BUILD/results/sanitize, for .ci/run.
set -eu

[ $# -ge 1 ] || { sed -n '3,/^set -eu/{/^set -eu/d;s/^# \{0,1\}//;p}' "$0" >&2; exit 2; }
build=$1
all=${2:-}
cd "$(dirname "$0")/.."
mkdir -p "$build/results"
status=0

# make_in NAME SANITIZERS TARGET: in BUILD/NAME. A compiler may warn of what a sanitizer does
# not see; the plain build is the one without warnings.
make_in() {
	make --no-print-directory "$3" BUILD="$build/$1" \
		MESON_FLAGS="-Db_sanitize=$2 -Dc_args=-fno-sanitize-recover=all -Dwerror=false"
}

# run NAME SANITIZERS TESTS...: builds all of it, and tests.
run() {
	make_in "$1" "$2" build
	name=$1
	shift 2
	scripts/test.sh "$build/$name" "$@" || status=1
}

run sanitize address,undefined --suite unit --suite cases --suite qtest
cp "$build/sanitize/results/test" "$build/results/sanitize"

# Of a build under ThreadSanitizer no more than its tests with threads need.
make_in sanitize-threads thread configure
ninja -C "$build/sanitize-threads" --quiet \
	$(sed -n 's/^\([a-z0-9_]*\) .*threads$/tests\/test_\1/p' tests/unit/tests.txt) \
	$(ninja -C "$build/sanitize-threads" -t targets all | sed -n 's/^\(tests\/[a-z]*\.so\): .*/\1/p')
scripts/test.sh "$build/sanitize-threads" --suite threads || status=1
paste -d' ' "$build/results/sanitize" "$build/sanitize-threads/results/test" |
	awk '{ print $1 + $4, $2 + $5, $3 + $6 }' > "$build/results/both"
mv "$build/results/both" "$build/results/sanitize"
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
