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

[ -x "$build/tests/groups" ] || { echo "$me: $build/tests/groups is not built" >&2; exit 2; }
command -v qemu-system-aarch64 > /dev/null || skip "no qemu-system-aarch64 (Debian: package qemu-system-arm)"

kernel=${WEIR_KERNEL:-$work/dtbs/kernel-arm64}
if [ -z "${WEIR_KERNEL:-}" ] && [ ! -d "$kernel" ]; then
	"$here/../../scripts/fetch-dtbs.sh" --kernel "$work/dtbs" arm64 > "$work/fetch.log" 2>&1 ||
		skip "the kernel package cannot be fetched: $(tail -n 1 "$work/fetch.log")"
fi
image=$(find "$kernel/boot" -name 'vmlinuz-*' 2> /dev/null | sort -V | tail -n 1)
[ -n "$image" ] || { echo "$me: no kernel in $kernel" >&2; exit 2; }

busybox=${WEIR_BUSYBOX:-$work/busybox}
if [ ! -f "$busybox" ]; then
	apt=$work/apt
	mkdir -p "$apt/state/lists/partial" "$apt/cache/archives/partial" "$apt/log"
	: > "$apt/status"
	get() {
		apt-get -q -o APT::Architecture=arm64 -o APT::Architectures=arm64 \
			-o Dir::State="$apt/state" -o Dir::State::status="$apt/status" \
			-o Dir::Cache="$apt/cache" -o Dir::Log="$apt/log" \
			-o Acquire::Languages=none -o APT::Sandbox::User="$(id -un)" "$@"
	}
	# A third-party source without this architecture fails the update; the package counts.
	(cd "$apt" && { get update || true; get download busybox-static; } > "$work/busybox.log" 2>&1) ||
		skip "busybox-static for arm64 cannot be fetched: $(grep -m 1 '^E:' "$work/busybox.log")"
	dpkg-deb --fsys-tarfile "$apt"/busybox-static_*.deb | tar -x -O ./bin/busybox > "$busybox.new"
	mv "$busybox.new" "$busybox"
	rm -rf "$apt"
fi

status=0
python3 "$here/compare.py" "$image" "$busybox" "$kernel/lib/modules/${image##*/vmlinuz-}" \
	"$build/tests/groups" "$work/run" "$@" > "$work/log" 2>&1 || status=$?
cat "$work/log"
[ ! -f "$work/run/report" ] || mv "$work/run/report" "$work/report"
awk '/^ok / { ok++ } /^not ok / { bad++ } END { print ok + 0, bad + 0, 0 }' "$work/log" \
	> "$build/results/groups"
exit $status
