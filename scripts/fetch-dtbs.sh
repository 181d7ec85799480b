#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Fetch the device trees that Debian's kernel packages ship, for tests.
#
# usage: fetch-dtbs.sh [--kernel] [--series 6.12] DIR [arm64|armhf|all]
#
# Leaves DIR/arm64/VENDOR/BOARD.dtb (1,023 of them in 6.12) and
# DIR/armhf/BOARD.dtb (968).  With --kernel also DIR/kernel-ARCH, with the
# kernel image, its configuration and its module index; modules.alias and
# modules.dep are made by depmod.
#
# Works through apt with state and cache directories of its own below
# DIR/.apt, so that neither the system's package lists nor its architectures
# change; sources and keyrings are the system's; where these have no such kernel, or their
# lists do not verify, those of the release's backports.  Needs no root.  Run again it
# does only what is missing.  --keep-deb keeps the downloaded packages.
set -eu

me=${0##*/}
series=6.12
kernel=no
keep=no

say() { echo "$me: $*" >&2; }
die() { say "$*"; exit 2; }
usage() { sed -n '3,/^set -eu/{/^set -eu/d;s/^# \{0,1\}//;p}' "$0" >&2; exit 2; }

while [ $# -gt 0 ]; do
	case $1 in
	--kernel) kernel=yes ;;
	--keep-deb) keep=yes ;;
	--series) [ $# -gt 1 ] || usage; series=$2; shift ;;
	--series=*) series=${1#*=} ;;
	-h|--help|-*) usage ;;
	*) break ;;
	esac
	shift
done
[ $# -ge 1 ] && [ $# -le 2 ] || usage
case ${2:-all} in
all) archs='arm64 armhf' ;;
arm64|armhf) archs=$2 ;;
*) die "unknown architecture $2 (arm64, armhf or all)" ;;
esac
for tool in apt-get apt-cache dpkg-deb; do
	command -v $tool >/dev/null || die "$tool is needed: this fetches packages of Debian (or of a derivative) only"
done
mkdir -p "$1" || die "cannot make the directory $1"
dir=$(cd "$1" && pwd)

# shellcheck disable=SC1091
. "$(dirname "$0")/backports.sh"
backports= # apt's options for these

# apt TOOL ARGUMENTS...: with the private directories, for architecture $arch
apt() {
	tool=$1
	shift
	"$tool" -q -o APT::Architecture="$arch" -o APT::Architectures="$arch" \
		-o Dir::State="$apt/state" -o Dir::State::status="$apt/status" \
		-o Dir::Cache="$apt/cache" -o Dir::Log="$apt/log" \
		-o Acquire::Languages=none -o APT::Sandbox::User="$(id -un)" $backports "$@"
}

# The newest image package of the series that has device trees; its name
# differs between releases (-unsigned or not) and architectures.
find_package() {
	case $arch in
	arm64) flavour='arm64(-unsigned)?' ;;
	armhf) flavour=armmp ;;
	esac
	apt apt-cache pkgnames "linux-image-$series." |
		grep -Ex "linux-image-$series\.[0-9.]+[a-z0-9+~.]*-$flavour" |
		sort -V | tail -n 1
}

# A mirror in the middle of an update, or a third-party source without this
# architecture, fails the update; what counts is whether the package is known.
update() {
	for pause in 0 10 30; do
		[ $pause = 0 ] || say "$arch: apt-get update failed ($(grep -m 1 '^E:' "$apt/update.log")); again in $pause s"
		sleep $pause
		ok=yes
		apt apt-get update > "$apt/update.log" 2>&1 || ok=no
		pkg=$(find_package)
		[ -z "$pkg" ] && [ $ok = no ] || break
	done
}

fetch() {
	apt=$dir/.apt/$arch
	mkdir -p "$apt/state/lists/partial" "$apt/cache/archives/partial" "$apt/log" "$apt/deb"
	: > "$apt/status"
	say "$arch: reading the package lists (private copy in $apt)"
	backports=
	update
	if [ -z "$pkg" ]; then
		why=$([ $ok = yes ] && echo "no package linux-image-$series.*" || grep -m 1 '^E:' "$apt/update.log")
		line=$(backports_line) || die "$arch: $why, and $line"
		say "$arch: $why; looking in the backports"
		echo "$line" > "$apt/sources.list"
		backports="-o Dir::Etc::sourcelist=$apt/sources.list -o Dir::Etc::sourceparts=/dev/null"
		update
	fi
	[ -n "$pkg" ] || die "$arch: no package linux-image-$series.* in the configured sources, and not in the backports"
	if ! ls "$apt/deb/$pkg"_*.deb >/dev/null 2>&1; then
		say "$arch: downloading $pkg ($(apt apt-cache show "$pkg" | awk '$1 == "Size:" { printf "%d MiB", $2 / 1048576; exit }'))"
		rm -f "$apt/deb"/*
		(cd "$apt/deb" && apt apt-get download "$pkg") > "$apt/download.log" 2>&1 ||
			die "$arch: cannot download $pkg: $(grep -m 1 '^E:' "$apt/download.log")"
	fi
	deb=$(ls "$apt/deb/$pkg"_*.deb)
}

unpack_dtbs() {
	say "$arch: unpacking device trees"
	rm -rf "$dir/.new-$arch" && mkdir "$dir/.new-$arch"
	dpkg-deb --fsys-tarfile "$deb" |
		tar -x -C "$dir/.new-$arch" --wildcards './usr/lib/linux-image-*' ||
		die "$arch: cannot unpack $deb"
	set -- "$dir/.new-$arch"/usr/lib/linux-image-*
	[ -d "$1" ] || die "$arch: $pkg has no device trees"
	rm -rf "${dir:?}/$arch"
	mv "$1" "$dir/$arch"
	rm -rf "$dir/.new-$arch"
}

unpack_kernel() {
	say "$arch: unpacking the kernel"
	k=$dir/kernel-$arch
	rm -rf "$k.new" && mkdir "$k.new"
	dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$k.new" --wildcards './boot/*' './lib/modules/*' ||
		die "$arch: cannot unpack $deb"
	for d in "$k.new"/lib/modules/*; do
		version=${d##*/}
		if command -v depmod >/dev/null || [ -x /sbin/depmod ]; then
			say "$arch: depmod $version"
			PATH=$PATH:/sbin:/usr/sbin depmod -b "$k.new" "$version"
		else
			say "$arch: depmod (package kmod) is missing: no module index"
		fi
	done
	rm -rf "$k"
	mv "$k.new" "$k"
}

for arch in $archs; do
	want_dtbs=yes
	want_kernel=$kernel
	[ -f "$dir/.apt/$arch.dtbs-$series" ] && [ -d "$dir/$arch" ] && want_dtbs=no
	[ -f "$dir/.apt/$arch.kernel-$series" ] && [ -d "$dir/kernel-$arch" ] && want_kernel=no
	if [ $want_dtbs = yes ] || [ $want_kernel = yes ]; then
		fetch
		if [ $want_dtbs = yes ]; then
			rm -f "$dir/.apt/$arch.dtbs"-*
			unpack_dtbs
			echo "$pkg" > "$dir/.apt/$arch.dtbs-$series"
		fi
		if [ $want_kernel = yes ]; then
			rm -f "$dir/.apt/$arch.kernel"-*
			unpack_kernel
			echo "$pkg" > "$dir/.apt/$arch.kernel-$series"
		fi
		[ $keep = yes ] || rm -f "$apt/deb"/*.deb
	fi
	say "$arch: $(find "$dir/$arch" -name '*.dtb' | wc -l) device trees of $(cat "$dir/.apt/$arch.dtbs-$series") in $dir/$arch"
done
