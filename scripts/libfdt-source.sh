#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Find the source of libfdt, to compile it without an operating system, and
# print the directory it is in.
#
# usage: libfdt-source.sh
#
# The first of these that is there:
#   LIBFDT_SRC          a directory given by the caller
#   the cache           $XDG_CACHE_HOME/weir/libfdt, from an earlier run
#   linux-source-*      the copy in the kernel source in /usr/src
#   device-tree-compiler  Debian's source package, through apt
#   linux-source-N      the package, downloaded through apt and unpacked in part
#
# apt works with state directories of its own, on the system's sources; nothing
# is installed. NO_INSTALL=1 downloads nothing. Exit status 1, with a reason on
# the standard error, when there is none.
set -eu

me=${0##*/}
say() { echo "$me: $*" >&2; }
cache=${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/weir/libfdt

# Makes the unpacked directory $1 the cache and prints it.
keep() {
	[ -f "$1/fdt_ro.c" ] || return 1
	mkdir -p "${cache%/*}"
	rm -rf "$cache.new"
	cp -r "$1" "$cache.new"
	rm -rf "$cache"
	mv "$cache.new" "$cache"
	echo "$cache"
}

# Takes libfdt out of a kernel source archive; takes some ten seconds.
from_kernel() {
	top=$(basename "$1" .tar.xz)
	xz -dc "$1" 2>/dev/null |
		tar -x -C "$work" --wildcards "$top/scripts/dtc/libfdt/*" 2>/dev/null || true
	keep "$work/$top/scripts/dtc/libfdt"
}

# The system's package sources as sources of source packages, in a private place.
private_sources() {
	mkdir -p "$work/apt/lists/partial" "$work/apt/cache/archives/partial" "$work/apt/sources"
	for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources; do
		[ ! -f "$file" ] ||
			sed -E 's/^deb([[:space:]])/deb-src\1/; s/^Types:.*/Types: deb-src/' \
				"$file" > "$work/apt/sources/${file##*/}"
	done
}

apt_private() {
	tool=$1
	shift
	"$tool" -q -o Dir::State::lists="$work/apt/lists" -o Dir::Cache="$work/apt/cache" \
		-o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$work/apt/sources" \
		-o APT::Sandbox::User="$(id -un)" -o Acquire::Languages=none "$@"
}

from_source_package() {
	private_sources
	apt_private apt-get update > "$work/log" 2>&1 || true
	(cd "$work" && apt_private apt-get source --download-only --only-source \
		device-tree-compiler) >> "$work/log" 2>&1 || return 1
	mkdir "$work/dtc"
	tar -x -C "$work/dtc" --strip-components=1 -f "$work"/device-tree-compiler_*.orig.tar.* || return 1
	keep "$work/dtc/libfdt"
}

# The newest kernel source that the configured sources have; any will do.
kernel_package() {
	apt-cache pkgnames linux-source- | grep -Ex 'linux-source-[0-9.]+' | sort -V | tail -n 1
}

from_kernel_package() {
	(cd "$work" && apt-get -q download "$1") >> "$work/log" 2>&1 || return 1
	mkdir "$work/deb"
	dpkg-deb --fsys-tarfile "$work/$1"_*.deb |
		tar -x -C "$work/deb" --wildcards "./usr/src/$1.tar.xz" || return 1
	from_kernel "$work/deb/usr/src/$1.tar.xz"
}

if [ -n "${LIBFDT_SRC:-}" ]; then
	[ -f "$LIBFDT_SRC/fdt_ro.c" ] || { say "no fdt_ro.c in LIBFDT_SRC=$LIBFDT_SRC"; exit 1; }
	echo "$LIBFDT_SRC"
	exit 0
fi
if [ -f "$cache/fdt_ro.c" ]; then
	echo "$cache"
	exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for archive in /usr/src/linux-source-*.tar.xz; do
	[ ! -f "$archive" ] || ! from_kernel "$archive" || exit 0
done
if [ "${NO_INSTALL:-0}" != 0 ]; then
	say "the source of libfdt is not here (LIBFDT_SRC=DIR says where), and NO_INSTALL is set"
	exit 1
fi
if ! command -v apt-get >/dev/null; then
	say "the source of libfdt is not here (LIBFDT_SRC=DIR says where), and there is no apt to get it"
	exit 1
fi
say "fetching the source package device-tree-compiler"
from_source_package && exit 0
package=$(kernel_package)
if [ -n "$package" ]; then
	say "not to be had; fetching the package $package ($(apt-cache show "$package" |
		awk '$1 == "Size:" { printf "%d MB", $2 / 1000000; exit }'))"
	from_kernel_package "$package" && exit 0
fi
say "cannot fetch the source of libfdt: $(grep '^E:' "$work/log" | tail -n 1)"
exit 1
