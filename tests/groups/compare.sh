#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Compare the groups of PCI functions with those of Debian's arm64 kernel in QEMU.
#
# usage: compare.sh BUILD [NAME...]      NAME: of tests/groups/topologies.txt
#
# The kernel and a static busybox for arm64 are fetched from Debian, through apt with
# state of its own below BUILD/groups, once. WEIR_KERNEL=DIR names a directory that
# `scripts/fetch-dtbs.sh --kernel` has left (DIR/boot, DIR/lib/modules), WEIR_BUSYBOX=FILE
# a busybox. What cannot be fetched is said, and is a skip. The count goes to
# BUILD/results/groups, what was compared to BUILD/groups/log and report.
set -eu

me=${0##*/}
[ $# -ge 1 ] || { sed -n '3,/^set -eu/{/^set -eu/d;s/^# \{0,1\}//;p}' "$0" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
mkdir -p "$1/groups" "$1/results"
build=$(cd "$1" && pwd)
work=$build/groups
shift
rm -f "$build/results/groups"

skip() {
	echo "$me: skipped: $*" >&2
	echo 0 0 1 > "$build/results/groups"
	exit 0
}

for program in tests/groups weir; do
	[ -x "$build/$program" ] || { echo "$me: $build/$program is not built" >&2; exit 2; }
done
command -v qemu-system-aarch64 > /dev/null || skip "no qemu-system-aarch64 (Debian: package qemu-system-arm)"

# shellcheck disable=SC1091
. "$here/guest.sh"

status=0
python3 "$here/compare.py" "$image" "$busybox" "$kernel/lib/modules/${image##*/vmlinuz-}" \
	"$build/tests/groups" "$build/weir" "$work/run" "$@" > "$work/log" 2>&1 || status=$?
cat "$work/log"
[ ! -f "$work/run/report" ] || mv "$work/run/report" "$work/report"
awk '/^ok / { ok++ } /^not ok / { bad++ } END { print ok + 0, bad + 0, 0 }' "$work/log" \
	> "$build/results/groups"
exit $status
