#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Run the tests on QEMU's device models once more, on the newest QEMU of Debian's backports: it has
# what the release's has not (SMMUv3 with stage 2, nested, GBPA.ABORT), and does some things otherwise.
#
# usage: qemu.sh BUILD [meson test options or names]
#
# The packages are fetched through apt with state of its own below BUILD/qemu, once, and unpacked
# there: nothing is installed. `make test` needs the release's QEMU, and does not need this. WEIR_QEMU=DIR names a directory with qemu-system-aarch64 and others
# instead. What cannot be fetched, or does not run here, is said, and is a skip. The count goes to
# BUILD/results/qemu.
set -eu

me=${0##*/}
[ $# -ge 1 ] || { sed -n '3,/^set -eu/{/^set -eu/d;s/^# \{0,1\}//;p}' "$0" >&2; exit 2; }
mkdir -p "$1/qemu" "$1/results"
build=$(cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
work=$build/qemu
shift
rm -f "$build/results/qemu"
# shellcheck disable=SC1091
. "$here/backports.sh"
packages='qemu-system-arm qemu-system-x86 qemu-system-common qemu-system-data'

say() { echo "$me: $*" >&2; }
skip() {
	say "skipped: $*"
	echo 0 0 1 > "$build/results/qemu"
	exit 0
}

# apt TOOL ARGUMENTS...: with the private directories
apt() {
	tool=$1
	shift
	"$tool" -q -o Dir::State="$work/apt" -o Dir::State::status=/var/lib/dpkg/status \
		-o Dir::Cache="$work/apt/cache" -o Dir::Etc::sourcelist="$work/apt/sources.list" \
		-o Dir::Etc::sourceparts=/dev/null -o Acquire::Languages=none \
		-o APT::Sandbox::User="$(id -un)" "$@"
}

fetch() {
	command -v apt-get > /dev/null || skip "no apt-get: WEIR_QEMU=DIR names a QEMU"
	mkdir -p "$work/apt/lists/partial" "$work/apt/cache/archives/partial"
	sources=$(backports_line) || skip "$sources"
	echo "$sources" > "$work/apt/sources.list"
	suite=$(echo "$sources" | sed 's/ main$//; s/.* //')
	say "fetching QEMU of $suite (53 MB, once)"
	apt apt-get update > "$work/log" 2>&1 || skip "apt-get update failed: $(grep -m 1 '^[EW]:' "$work/log")"
	rm -rf "$work/deb" "$work/new"
	mkdir "$work/deb" "$work/new"
	for package in $packages; do
		(cd "$work/deb" && apt apt-get download "$package/$suite") >> "$work/log" 2>&1 ||
			skip "cannot download $package: $(grep -m 1 '^E:' "$work/log")"
	done
	for deb in "$work"/deb/*.deb; do
		dpkg-deb -x "$deb" "$work/new" || skip "cannot unpack ${deb##*/}"
	done
	rm -rf "$work/root" "$work/deb" "$work/apt/cache"
	mv "$work/new" "$work/root"
}

bin=${WEIR_QEMU:-$work/root/usr/bin}
[ -x "$bin/qemu-system-aarch64" ] || [ -n "${WEIR_QEMU:-}" ] || fetch
version=$("$bin/qemu-system-aarch64" --version 2> "$work/log" | sed -n 's/^QEMU emulator version //p') || true
[ -n "$version" ] || skip "$bin/qemu-system-aarch64 does not run: $(head -n 1 "$work/log")"
say "QEMU $version"
# The longest two run once, behind the SMMUv3.
[ $# != 0 ] || set -- $(meson test -C "$build" --list --suite qtest 2> /dev/null |
	sed -n 's/.* \/ \(qtest_.*\)$/\1/p' | grep -vxE 'qtest_(cycles|sweep)')
status=0
PATH=$bin:$PATH meson test -C "$build" --no-rebuild --print-errorlogs --logbase qemulog \
	"$@" || status=$?
python3 "$here/summary.py" "$build/meson-logs/qemulog.json" "$build/results/qemu" || status=1
exit $status
