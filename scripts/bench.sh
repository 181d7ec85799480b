#!/bin/sh
# SPDX-License-Identifier: MIT
# bench.sh BUILD: build and run the benchmarks. Exit status 1: a verb of the tool is slower than its goal. BENCH_DTBS: a directory of device trees
# (default ../shared/truth/dtb, when it is there); BENCH_KERNEL: a kernel directory;
# PEERS=DIR: built peers (linux-up and run.sh's kit), to set Linux beside it.
set -e
build=${1:?usage: bench.sh BUILD}
dtbs=${BENCH_DTBS:-../shared/truth/dtb}
kernel=${BENCH_KERNEL:-../shared/truth/kernel}
# what ships: -O2, as Linux is built, without sanitizers
if [ ! -d "$build-bench" ]; then
	meson setup "$build-bench" -Dbuildtype=release -Doptimization=2 -Dtests=true >/dev/null
else
	meson configure "$build-bench" -Doptimization=2
fi
ninja -C "$build-bench" bench/weir-bench >/dev/null
set -- --json "$build-bench/bench.json"
if [ -d "$dtbs" ]; then set -- "$@" --dtbs "$dtbs"; fi
if [ -d "$kernel" ]; then set -- "$@" --kernel "$kernel"; fi
"$build-bench/bench/weir-bench" "$@" | tee "$build-bench/bench.txt"
if [ -d "$dtbs" ] && [ -d "$kernel" ]; then
	# the tool itself, on the board with the largest tree; the first run fills the cache
	ninja -C "$build-bench" weir > /dev/null
	largest=$(find "$dtbs" -name '*.dtb*' ! -name '*.dtbo*' -printf '%s %p\n' | sort -n | tail -n 1 | cut -d' ' -f2-)
	slow=0
	scripts/bench-verbs.py --limit 200 "$build-bench/weir" "$largest" "$kernel" > "$build-bench/verbs.txt" || slow=1
	tee -a "$build-bench/bench.txt" < "$build-bench/verbs.txt"
fi
echo "JSON: $build-bench/bench.json" >&2
if [ -n "$PEERS" ]; then
	kit=${PEERS_KIT:-../shared/peers}
	# a uniprocessor, which has no locks; and the same that pays for them, for what locks here
	for linux in up smpcost; do
		[ -x "$PEERS/linux-$linux" ] || continue
		run=iova,dma,iopt
		[ $linux = smpcost ] || run=devcore,$run
		"$kit/run.sh" "$PEERS/linux-$linux" peers.run=$run > "$build-bench/peers-$linux.txt"
		echo "# linux-$linux"
		"$kit/compare.sh" "$build-bench/peers-$linux.txt" "$build-bench/bench.txt"
	done
fi
[ "${slow:-0}" = 0 ]
