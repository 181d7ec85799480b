#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The stories of boards of the Exynos family (scenarios.c) on all of their device trees that Debian
# ships, for arm64 and armhf; and their drivers on several threads (interleave.c): on the smallest board every
# order within bounds, and every order there is of drivers that come; orders by chance on the others. And the
# stories on boards with SMMUs of versions 1 and 2.
#
# usage: run.sh BUILD [DIR]      DIR has device trees already; otherwise they are fetched
#
# DEPARTURES: how far an order may be from the plain one (2); SEEDS: how many orders by chance, of each
# story (2); EVERY=all: every order there is also of instances that come one by one, and of SMMUs: minutes more;
# SMMU=all: all boards with such SMMUs, not only one or two of a family. What cannot be
# fetched is said, and is a skip. The count goes to BUILD/results/exynos.
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

# Trees with SMMUs that the driver takes and masters at them; by default some of each maker.
smmu_boards() {
	if [ "${SMMU:-}" = all ]; then
		find -L "$dtbs" -name '*.dtb' -exec grep -lE 'arm,mmu-(400|401|500)|(arm|qcom),smmu-' {} +
		return
	fi
	for name in amd-overdrive-rev-b1 juno-r1-scmi juno-r2 imx8qm-mek msm8998-mtp sc7180-idp \
		    sc8280xp-crd sdm845-db845c sm8250-mtp; do
		find "$dtbs" -name "*$name.dtb"
	done
}

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

# Every order of the scenes that are named so: what it says, and how many. every BOARD WORDS [--smmu]
every() {
	"$build/tests/exynos-interleave" ${3:-} --every own --only "$2" "$1" > "$work/every-one" || status=$?
	cat "$work/every-one" >> "$work/every"
	awk '/^# every order: / { sub(/^# every order: /, ""); all = $0 }
		/^ok / { sub(/^ok [0-9]+ - /, ""); print "every order, of " $0 ": " all }' "$work/every-one"
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
: > "$work/every"
if [ -n "$board" ]; then
	every "$board" "drivers come at"
	[ "${EVERY:-}" != all ] || every "$board" "instances come"
fi
[ "${EVERY:-}" != all ] || every "$build/boards/smmu.dtb" "drivers come at" --smmu
cat "$work/every" >> "$work/log"
smmu_boards | sort > "$work/smmu-boards"
: > "$work/smmu"
if [ -s "$work/smmu-boards" ]; then
	xargs "$build/tests/exynos-scenarios" --smmu < "$work/smmu-boards" > "$work/smmu" || status=$?
	# a tree without masters at such an SMMU is not one of these boards
	grep -v '# SKIP no masters' "$work/smmu" >> "$work/log"
fi
grep -v '^ok ' "$work/log" | grep -vE '^# [0-9]* (orders|runs)|^# every order|^#   without .* no device of a bus|^1\.\.' || true
awk '/^ok .*# SKIP/ { s++; next } /^ok / { p++ } /^not ok / { f++ }
	END { print p + 0, f + 0, s + 0 }' "$work/log" > "$build/results/exynos"
awk '/^# .*: [0-9]+ masters/ && $3 > 0 { k = $6 == "System"; n[k]++; m[k] += $3; s[k] += $5 }
	END { for (k in n) print n[k] " boards, " m[k] " masters, " s[k] (k ? " System MMUs" : " SMMUs") }
	' "$work/log" | sort -r
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
