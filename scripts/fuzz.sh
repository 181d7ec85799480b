#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Fuzz a parser with libFuzzer, under AddressSanitizer and UBSan.
#
# usage: fuzz.sh BUILD [NAME]      NAME: dt (fuzz/fuzz_NAME.c)
#
# FUZZ_SECONDS (60) in all, in JOBS (number of processors) processes. It starts
# from the kept inputs in fuzz/corpus/NAME and from the device trees of
# tests/cases, works in BUILD/fuzz, and in the end adds to the kept inputs those
# that reach something new, merged to the fewest. A crash is left in
# BUILD/fuzz/NAME and makes the exit status non-zero.
set -eu

[ $# -ge 1 ] || { sed -n '3,/^set -eu/{/^set -eu/d;s/^# \{0,1\}//;p}' "$0" >&2; exit 2; }
mkdir -p "$1/fuzz"
build=$(cd "$1" && pwd)
name=${2:-dt}
seconds=${FUZZ_SECONDS:-60}
jobs=${JOBS:-$(nproc 2>/dev/null || echo 2)}
cd "$(dirname "$0")/.."
work=$build/fuzz/$name
kept=fuzz/corpus/$name
mkdir -p "$work/found" "$work/seeds" "$kept"

echo "building the fuzzer"
# shellcheck disable=SC2046
clang -g -O1 -std=c11 -D_GNU_SOURCE -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined \
	-Iinclude -Isrc -Iport/posix/include \
	"fuzz/fuzz_$name.c" $(sed '/^#/d' src/sources.txt port/posix/sources.txt) \
	-o "$work/fuzz" -lfdt -lpthread

for dts in tests/cases/*.dts boards/*.dts; do
	[ ! -f "$dts" ] ||
		dtc -q -q -f -I dts -O dtb -o "$work/seeds/$(basename "$dts" .dts).dtb" "$dts" || true
done

echo "fuzzing for $seconds s in $jobs processes"
status=0
(cd "$work" && ./fuzz -max_total_time="$seconds" -jobs="$jobs" -workers="$jobs" -max_len=16384 \
	-rss_limit_mb=1024 -timeout=10 -print_final_stats=1 found "$OLDPWD/$kept" seeds) \
	> "$work/log" 2>&1 || status=$?
cat "$work"/fuzz-*.log 2>/dev/null | grep -E 'stat::number_of_executed_units|ERROR|SUMMARY|Test unit written' || true
if [ $status != 0 ] || ls "$work"/crash-* "$work"/timeout-* "$work"/oom-* "$work"/leak-* > /dev/null 2>&1; then
	tail -n 30 "$work/log"
	echo "fuzz.sh: failed; see $work"
	exit 1
fi
"$work/fuzz" -merge=1 -max_len=16384 "$kept" "$work/found" > "$work/merge.log" 2>&1 ||
	{ tail -n 20 "$work/merge.log"; exit 1; }
echo "$(find "$kept" -type f | wc -l) inputs kept in $kept"
