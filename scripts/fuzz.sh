#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Fuzz with libFuzzer, under AddressSanitizer and UBSan.
#
# usage: fuzz.sh BUILD [NAME...]      NAME: acpi, dtb, overlay, script ... (fuzz/fuzz_NAME.c)
#
# Without a NAME all take turns. FUZZ_SECONDS (600) in all, in JOBS (1)
# processes. Each starts from its kept inputs in fuzz/corpus/NAME and from seeds made
# of tests/cases and boards, works in BUILD/fuzz/NAME, and in the end adds to the kept
# inputs as few as reach what these do not, of at most 2 KiB. A crash, hang or leak is left
# in BUILD/fuzz/NAME and makes the exit status non-zero.
set -eu

[ $# -ge 1 ] || { sed -n '3,/^set -eu/{/^set -eu/d;s/^# \{0,1\}//;p}' "$0" >&2; exit 2; }
mkdir -p "$1/fuzz"
work=$(cd "$1/fuzz" && pwd)
shift
cd "$(dirname "$0")/.."
if [ $# = 0 ]; then
	for source in fuzz/fuzz_*.c; do
		name=${source#fuzz/fuzz_}
		set -- "$@" "${name%.c}"
	done
fi
seconds=$((${FUZZ_SECONDS:-600} / $#))
jobs=${JOBS:-1}

echo "building the fuzzers"
if [ ! -f "$work/build/build.ninja" ]; then
	meson setup "$work/build" --native-file=scripts/clang.ini -Dfuzzers=true \
		-Dc_args='-fsanitize=fuzzer-no-link -fno-sanitize-recover=all' \
		-Db_sanitize=address,undefined -Db_lundef=false > "$work/setup.log" 2>&1 ||
		{ cat "$work/setup.log"; exit 1; }
fi
ninja -C "$work/build" --quiet

# Device trees of our own, small; options or an overlay may follow one.
seeds() {
	mkdir -p "$work/$1/seeds"
	for dts in tests/cases/*.dts tests/cases/broken/*.dts boards/*.dts; do
		to=$work/$1/seeds/$(basename "$dts" .dts)
		[ ! -f "$dts" ] || [ -f "$to" ] ||
			dtc -q -q -f -W no-graph_nodes -W no-graph_port -W no-graph_endpoint \
				-W no-graph_child_address -I dts -O dtb -o "$to" "$dts" || true
	done
}

# Runs one and merges what it found.
fuzz() {
	name=$1
	dir=$work/$name
	kept=$PWD/fuzz/corpus/$name
	dict=
	mkdir -p "$dir/found" "$dir/seeds" "$kept"
	case $name in
	dtb | overlay) seeds "$name"; dict="-dict=$PWD/fuzz/dtb.dict" ;;
	bootimage | capture) fuzz/archive_seeds.py "$name" "$dir/seeds" ;;
	script) dict="-dict=$PWD/fuzz/script.dict" ;;
	esac
	echo "fuzz_$name: $seconds s in $jobs processes"
	status=0
	# shellcheck disable=SC2086
	(cd "$dir" && rm -f fuzz-*.log && nice "$work/build/fuzz/fuzz_$name" -max_total_time="$seconds" \
		-jobs="$jobs" -workers="$jobs" -max_len=16384 -rss_limit_mb=2048 -timeout=20 \
		-print_final_stats=1 $dict found "$kept" seeds) > "$dir/log" 2>&1 || status=$?
	grep -hE 'stat::number_of_executed_units|cov:.*DONE|ERROR|SUMMARY|Test unit written' \
		"$dir"/fuzz-*.log || true
	if [ $status != 0 ] || ls "$dir"/crash-* "$dir"/timeout-* "$dir"/oom-* "$dir"/leak-* > /dev/null 2>&1; then
		tail -n 30 "$dir/log"
		echo "fuzz.sh: fuzz_$name failed; see $dir"
		return 1
	fi
	"$work/build/fuzz/fuzz_$name" -set_cover_merge=1 -use_counters=0 -max_len=2048 "$kept" "$dir/found" "$dir/seeds" \
		> "$dir/merge.log" 2>&1 || { tail -n 20 "$dir/merge.log"; return 1; }
	echo "$(find "$kept" -type f | wc -l) inputs kept in fuzz/corpus/$name"
}

failed=0
for each; do
	fuzz "$each" || failed=1
done
exit $failed
