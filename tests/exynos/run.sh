#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The stories of boards of the Exynos family (scenarios.c) on all of their device trees that Debian
# ships, for arm64 and armhf; and their drivers on several threads (interleave.c): every order within
# bounds on the smallest board, orders by chance on the others.
#
# usage: run.sh BUILD [DIR]      DIR has device trees already; otherwise they are fetched
#
# DEPARTURES: how far an order may be from the plain one (2); SEEDS: how many orders by chance, of each
# story (2). What cannot be fetched is said, and is a skip. The count goes to BUILD/results/exynos.
set -eu

me=${0##*/}
[ $# -ge 1 ] || { sed -n '3,/^set -eu/{/^set -eu/d;s/^# \{0,1\}//;p}' "$0" >&2; exit 2; }
top=$(cd "$(dirname "$0")/../.." && pwd)
mkdir -p "$1/exynos" "$1/results"
build=$(cd "$1" && pwd)
work=$build/exynos
dtbs=${2:-$work/dtbs}
rm -f "$build/results/exynos"

if [ $# -lt 2 ]; then
	for arch in arm64 armhf; do
		"$top/scripts/fetch-dtbs.sh" "$dtbs" $arch > "$work/fetch-$arch.log" 2>&1 ||
			echo "$me: no device trees of $arch: $(tail -n 1 "$work/fetch-$arch.log")" >&2
	done
fi
find "$dtbs" -name '*exynos*.dtb' 2> /dev/null | sort > "$work/boards"
if [ ! -s "$work/boards" ]; then
	echo "$me: skipped: no device trees of the Exynos family" >&2
	echo 0 0 1 > "$build/results/exynos"
	exit 0
fi
status=0

# The smallest tree that has a master behind several System MMUs.
smallest() {
	xargs wc -c < "$work/boards" | sort -n | while read -r _ board; do
		if [ -f "$board" ] && "$build/tests/exynos-interleave" --departures 0 "$board" |
				grep -q '^ok'; then
			echo "$board"
			return
		fi
	done
}

xargs "$build/tests/exynos-scenarios" < "$work/boards" > "$work/log" || status=$?
board=$(smallest)
if [ -n "$board" ]; then
	"$build/tests/exynos-interleave" --departures "${DEPARTURES:-2}" "$board" > "$work/orders" ||
		status=$?
	xargs "$build/tests/exynos-interleave" --seeds "${SEEDS:-2}" < "$work/boards" > "$work/chance" ||
		status=$?
	cat "$work/orders" "$work/chance" >> "$work/log"
fi
grep -v '^ok ' "$work/log" | grep -v '^# [0-9]* orders' || true
awk '/^ok .*# SKIP/ { s++; next } /^ok / { p++ } /^not ok / { f++ }
	END { print p + 0, f + 0, s + 0 }' "$work/log" > "$build/results/exynos"
awk '/^# .*: [0-9]+ masters/ && $3 > 0 { n++; m += $3; s += $5 }
	END { print n + 0 " boards, " m + 0 " masters, " s + 0 " System MMUs" }' "$work/log"
if [ -n "$board" ]; then
	for log in orders chance; do
		awk -v of="$([ $log = orders ] && echo "${board##*/}, ${DEPARTURES:-2} departures at most" ||
			echo "all boards, by chance")" '
			/^# [0-9]+ orders/ { n += $2; if (most < $6) most = $6 }
			END { print "interleaved, " of ": " n + 0 " orders of up to " most + 0 " steps" }' \
			"$work/$log"
	done
fi
read -r passed failed skipped < "$build/results/exynos"
echo "$passed passed, $failed failed, $skipped skipped"
exit $status
