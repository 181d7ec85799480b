#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Compare the profile linux-6.12 with what Linux answered.
#
# usage: conformance.sh BUILD [DTB-DIR]
#
# Without DTB-DIR: with the recorded answers in WEIR_TRUTH (../shared/truth
# beside the checkout): device trees in its directory dtb, a set of answers in
# each other directory.  WEIR_SETS names the sets to compare, default all.
#
# With DTB-DIR: builds the oracle if need be, has it answer for every tree below
# DTB-DIR, and compares.  WEIR_SETS is then out of: all all-early
# all-early-strict all-early-permissive all-early-off sync-state iommu-last
# iommu-last-strict iommu-never iommu-never-strict debian debian-strict
# debian-notimeout; default "all-early iommu-last debian".
#
# WEIR_ORACLE: where the oracle is built (build/oracle).
# JOBS: threads (number of processors).  The count of answers goes to
# BUILD/results/conformance, for .ci/run.  Exit status 0 only if all are equal.
set -eu

me=${0##*/}
say() { echo "$me: $*" >&2; }
die() { say "$*"; exit 2; }
[ $# -ge 1 ] && [ $# -le 2 ] ||
	{ sed -n '3,/^set -eu/{/^set -eu/d;s/^# \{0,1\}//;p}' "$0" >&2; exit 2; }
build=$1
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/.." && pwd)
jobs=${JOBS:-$(nproc 2>/dev/null || echo 2)}
[ -x "$build/weir-conform" ] || die "$build/weir-conform is not built"
mkdir -p "$build/results"
rm -f "$build/results/conformance"

# The options of the oracle for a set.
set_options() {
	case $1 in
	all) echo "--scenario all" ;;
	all-early) echo "--scenario all --early" ;;
	all-early-strict) echo "--scenario all --early --cmdline fw_devlink.strict=1" ;;
	all-early-permissive) echo "--scenario all --early --cmdline fw_devlink=permissive" ;;
	all-early-off) echo "--scenario all --early --cmdline fw_devlink=off" ;;
	sync-state) echo "--scenario all --early --cmdline oracle.sync_state=1" ;;
	iommu-last|iommu-never) echo "--scenario $1 --early" ;;
	iommu-last-strict|iommu-never-strict)
		echo "--scenario ${1%-strict} --early --cmdline fw_devlink.strict=1" ;;
	debian) echo "--scenario debian" ;;
	debian-strict) echo "--scenario debian --cmdline fw_devlink.strict=1" ;;
	debian-notimeout) echo "--scenario debian --cmdline deferred_probe_timeout=0" ;;
	*) die "unknown set $1" ;;
	esac
}

if [ $# = 2 ]; then
	[ -d "$2" ] || die "$2 is no directory"
	in=$(cd "$2" && pwd)
	truth=$build/conformance
	rm -rf "$truth/dtb"
	mkdir -p "$truth/dtb"
	# Answers are named by the path of their tree, with __ for each /.
	find -L "$in" -name '*.dtb' | while read -r dtb; do
		name=${dtb#"$in"/}
		ln -s "$dtb" "$truth/dtb/$(echo "$name" | sed 's,/,__,g')"
	done
	export WEIR_ORACLE="${WEIR_ORACLE:-$top/build/oracle}"
	"$here/oracle-build.sh" -j "$jobs" "$WEIR_ORACLE"
	sets=${WEIR_SETS:-all-early iommu-last debian}
	for set in $sets; do
		# shellcheck disable=SC2046
		"$here/oracle-record.sh" -j "$jobs" --missing "$in" "$truth/$set" $(set_options "$set")
	done
else
	truth=${WEIR_TRUTH:-$top/../shared/truth}
	[ -d "$truth/dtb" ] || die "no recorded answers in $truth; WEIR_TRUTH=DIR says where they are"
	sets=${WEIR_SETS:-$(cd "$truth" && for set in */; do
		case $set in dtb/|kernel/) ;; *) echo "${set%/}" ;; esac; done)}
fi

dirs=
for set in $sets; do
	[ -d "$truth/$set" ] || die "no set $set in $truth"
	dirs="$dirs $truth/$set"
done
status=0
# shellcheck disable=SC2086
"$build/weir-conform" -j "$jobs" "$truth/dtb" $dirs > "$build/results/conformance.log" 2>&1 || status=$?
cat "$build/results/conformance.log"

# The table ends with a line for all sets, "NAME EQUAL COMPARED"; an answer that
# is not in it was not compared, which counts as different.
expected=0
for dir in $dirs; do
	expected=$((expected + $(find "$dir" -name '*.json' -o -name '*.json.xz' | wc -l)))
done
awk -v expected=$expected '
	NF == 3 && $2 ~ /^[0-9]+$/ && $3 ~ /^[0-9]+$/ { equal = $2; compared = $3 }
	END {
		print equal + 0, expected - equal, 0
		printf "conformance: %d of %d answers equal", equal, expected
		print compared == expected ? "" : ", " expected - compared " not compared"
	} ' "$build/results/conformance.log" > "$build/results/conformance.sum"
head -n 1 "$build/results/conformance.sum" > "$build/results/conformance"
tail -n +2 "$build/results/conformance.sum"
rm "$build/results/conformance.sum"
read -r equal different _ < "$build/results/conformance"
[ "$different" = 0 ] && [ "$equal" != 0 ] || [ $status != 0 ] || status=1
exit $status
