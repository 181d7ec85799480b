#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Build the judge: Linux 6.12 as a user-mode kernel, from the distribution's
# source package and the oracle kit.
#
# usage: oracle-build.sh [-j N] [--no-kernel] [DIR]       (DIR: build/oracle)
#
# The kit is ../shared/oracle beside the checkout, or WEIR_ORACLE_KIT.  The
# source is the archive in /usr/src, or WEIR_LINUX_SOURCE; failing both, the
# package is fetched through apt and only unpacked.  Packages with the tools
# for the build are installed when this runs as root and NO_INSTALL is not set.
#
# Leaves DIR/linux (the kernel), DIR/root (its root directory) and DIR/env.sh,
# which oracle-record.sh reads.  Unless --no-kernel is given also the arm64
# kernel package's module index and DIR/builtin.txt, which the scenario
# `debian` and the option --early need.  Does nothing when DIR is up to date.
set -eu

me=${0##*/}
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/.." && pwd)
series=6.12
jobs=$(nproc 2>/dev/null || echo 2)
kernel=yes

say() { echo "$me: $*" >&2; }
die() { say "$*"; exit 2; }
usage() { sed -n '3,/^set -eu/{/^set -eu/d;s/^# \{0,1\}//;p}' "$0" >&2; exit 2; }

while [ $# -gt 0 ]; do
	case $1 in
	-j) [ $# -gt 1 ] || usage; jobs=$2; shift ;;
	-j*) jobs=${1#-j} ;;
	--no-kernel) kernel=no ;;
	-*) usage ;;
	*) break ;;
	esac
	shift
done
[ $# -le 1 ] || usage
kit=${WEIR_ORACLE_KIT:-$top/../shared/oracle}
[ -f "$kit/build.sh" ] || die "no oracle kit in $kit (set WEIR_ORACLE_KIT to its directory)"
kit=$(cd "$kit" && pwd)
mkdir -p "${1:-$top/build/oracle}"
dir=$(cd "${1:-$top/build/oracle}" && pwd)
case $(uname -m) in
x86_64|i?86) ;;
*) die "user-mode Linux builds only on x86 (this is $(uname -m))" ;;
esac

need=
want() { PATH=$PATH:/sbin:/usr/sbin command -v "$1" >/dev/null || need="$need $2"; }
want gcc gcc; want make make; want flex flex; want bison bison; want bc bc
want dtc device-tree-compiler; want python3 python3; want xz xz-utils; want busybox busybox-static; want depmod kmod
if [ -n "$need" ]; then
	command -v apt-get >/dev/null || die "needed and missing:$need"
	if [ "$(id -u)" != 0 ] || [ -n "${NO_INSTALL:-}" ]; then
		die "needed and missing; install with: apt-get install$need"
	fi
	say "installing$need"
	# shellcheck disable=SC2086
	DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $need > "$dir/install.log" 2>&1 ||
		die "cannot install$need; see $dir/install.log"
fi
busybox=$(command -v busybox)
# The root directory has no C library: a dynamic busybox would not start.
if ldd "$busybox" >/dev/null 2>&1; then
	die "$busybox is not static; install with: apt-get install busybox-static"
fi

find_source() {
	source=${WEIR_LINUX_SOURCE:-/usr/src/linux-source-$series.tar.xz}
	[ -f "$source" ] && return
	[ -z "${WEIR_LINUX_SOURCE:-}" ] || die "WEIR_LINUX_SOURCE: no file $source"
	command -v apt-get >/dev/null || die "no $source; set WEIR_LINUX_SOURCE to the archive of Debian's linux-source-$series"
	say "downloading the package linux-source-$series"
	rm -rf "$dir/deb" && mkdir -p "$dir/deb"
	(cd "$dir/deb" && apt-get -q -o APT::Sandbox::User="$(id -un)" download linux-source-$series) > "$dir/download.log" 2>&1 ||
		die "cannot download linux-source-$series: $(grep -m 1 '^E:' "$dir/download.log")"
	source=$dir/deb/linux-source-$series.tar.xz
	dpkg-deb --fsys-tarfile "$dir/deb"/linux-source-*.deb |
		tar -x -O --wildcards './usr/src/linux-source-*.tar.xz' > "$source" ||
		die "cannot unpack the package linux-source-$series"
}

# What the result depends on: when it has not changed there is nothing to do.
stamp() { cat "$kit"/* | cksum; ls -l --time-style=+%s "$source" 2>/dev/null; }

if [ -x "$dir/linux" ] && [ -f "$dir/stamp" ] &&
   source=$(sed -n 's/^source //p' "$dir/stamp") &&
   [ "$(stamp)" = "$(sed '/^source /d' "$dir/stamp")" ]; then
	say "$dir/linux is up to date"
else
	find_source
	say "unpacking $source"
	rm -rf "$dir/src" "$dir/root" && mkdir -p "$dir/src"
	tar -x -f "$source" -C "$dir/src" --strip-components=1 || die "cannot unpack $source"
	say "building the user-mode kernel with -j$jobs, 1 to 5 minutes (log: $dir/build.log)"
	BUSYBOX=$busybox sh "$kit/build.sh" "$dir/src" "$dir/root" "$jobs" > "$dir/build.log" 2>&1 ||
		die "the build failed: $(grep -m 1 -E 'error:|Error' "$dir/build.log")"
	if grep '^not in .config' "$dir/build.log" >&2; then
		die "the source does not offer what the kit's configuration asks for"
	fi
	mv "$dir/src/linux" "$dir/linux"
	rm -rf "$dir/src"
	{ echo "source $source"; stamp; } > "$dir/stamp"
fi

cat > "$dir/env.sh" <<ENV
export ORACLE_KIT='$kit'
export ORACLE_LINUX='$dir/linux'
export ORACLE_ROOT='$dir/root'
ENV
if [ $kernel = yes ]; then
	sh "$here/fetch-dtbs.sh" --kernel --series $series "$dir/debian" arm64
	modules=$(ls -d "$dir"/debian/kernel-arm64/lib/modules/*)
	version=${modules##*/}
	if [ "$(cat "$dir/builtin.version" 2>/dev/null)" != "$version" ]; then
		say "reading the built-in drivers from the image of $version"
		python3 "$kit/builtin.py" "$dir/debian/kernel-arm64/boot/vmlinuz-$version" > "$dir/builtin.txt" ||
			die "cannot read the kernel image of $version"
		echo "$version" > "$dir/builtin.version"
	fi
	cat >> "$dir/env.sh" <<-ENV
	export ORACLE_MODULES='$modules'
	export ORACLE_BUILTIN='$dir/builtin.txt'
	ENV
fi
say "ready: $dir/env.sh"
