#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Boot Debian's arm64 kernel in QEMU with what `weir plan` names, and without each of it;
# compare what was bound with the prediction, also on other machines that QEMU models.
#
# usage: proof.sh BUILD [--sample] [MACHINE...]      MACHINE: smmuv3, virtio-iommu
#
# The kernel and a static busybox are fetched from Debian, once, where the comparison of
# groups keeps them (BUILD/groups); WEIR_KERNEL=DIR and WEIR_BUSYBOX=FILE name others. What
# cannot be fetched is said, and is a skip. The count goes to BUILD/results/plan-proof, what
# consoles said to BUILD/plan.
set -eu

me=${0##*/}
[ $# -ge 1 ] || { sed -n '3,/^set -eu/{/^set -eu/d;s/^# \{0,1\}//;p}' "$0" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
mkdir -p "$1/groups" "$1/plan" "$1/results"
build=$(cd "$1" && pwd)
work=$build/groups
shift
rm -f "$build/results/plan-proof"
sample=
[ "${1:-}" != --sample ] || { sample=--sample; shift; }

skip() {
	echo "$me: skipped: $*" >&2
	echo 0 0 1 > "$build/results/plan-proof"
	exit 0
}

[ -x "$build/weir" ] || { echo "$me: $build/weir is not built" >&2; exit 2; }
command -v qemu-system-aarch64 > /dev/null || skip "no qemu-system-aarch64 (Debian: package qemu-system-arm)"
[ -x /sbin/mke2fs ] || skip "no mke2fs (Debian: package e2fsprogs)"
# shellcheck disable=SC1091
. "$here/../groups/guest.sh"

status=0
# shellcheck disable=SC2086
python3 "$here/proof.py" $sample "$build/weir" "$kernel" "$busybox" "$build/plan" "$@" \
	> "$build/plan/log" 2>&1 || status=$?
# boards that QEMU models, with the trees of the same package
if [ -z "$sample" ] && [ $# -eq 0 ] && [ -d "$kernel/../arm64" ]; then
	python3 "$here/machines.py" "$build/weir" "$kernel" "$busybox" "$kernel/../arm64" "$build/plan" \
		>> "$build/plan/log" 2>&1 || status=$?
fi
cat "$build/plan/log"
awk '/^ok / { ok++ } /^not ok / { bad++ } END { print ok + 0, bad + 0, 0 }' "$build/plan/log" \
	> "$build/results/plan-proof"
exit $status
