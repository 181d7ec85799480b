#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Images that distributions' own tools make, of Debian's arm64 kernel and of what `weir plan`
# names: initramfs-tools' mkinitramfs and dracut. `weir` must find in them what these tools'
# own lists name, and say rightly whether a board comes up.
#
# usage: run.sh BUILD [--full]
#
# The tools come from Debian's packages, fetched once to BUILD/initramfs with state of their
# own, and run in a mount namespace in which they, the kernel's modules and its configuration
# lie where the tools look for them: nothing on the system changes. --full: also with all
# modules that the tools take by default, which takes minutes.
#
# Not covered: programs in the image are those of this machine, so that it could not be booted
# on the board (the plan's proof boots images); hooks of other packages; host-only mode.
set -eu

me=${0##*/}
[ $# -ge 1 ] || { sed -n '3,/^set -eu/{/^set -eu/d;s/^# \{0,1\}//;p}' "$0" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
mkdir -p "$1/groups" "$1/initramfs" "$1/results"
build=$(cd "$1" && pwd)
full=${2:-}
weir=$build/weir
work=$build/groups
dir=$build/initramfs
rm -f "$build/results/initramfs"
number=0
failed=0

skip() {
	echo "$me: skipped: $*" >&2
	echo 0 0 1 > "$build/results/initramfs"
	exit 0
}

[ -x "$weir" ] || { echo "$me: $weir is not built" >&2; exit 2; }
for program in unshare apt-get dpkg-deb kmod cpio ldd zstd; do
	command -v "$program" > /dev/null || skip "no $program"
done
# shellcheck disable=SC1091
. "$top/tests/groups/guest.sh"
kernel=$(cd "$kernel" && pwd)
board=$kernel/../arm64/rockchip/rk3399-rockpro64.dtb
[ -f "$board" ] || skip "no $board"
version=$(ls "$kernel/lib/modules")

# ---- the tools ----

if [ ! -d "$dir/root" ]; then
	mkdir -p "$dir/state/lists/partial" "$dir/cache/archives/partial" "$dir/log" "$dir/new/usr"
	: > "$dir/status"
	fetch() {
		apt-get -q -o Dir::State="$dir/state" -o Dir::State::status="$dir/status" -o Dir::Cache="$dir/cache" \
			-o Dir::Log="$dir/log" -o Acquire::Languages=none -o APT::Sandbox::User="$(id -un)" "$@"
	}
	(cd "$dir" && { fetch update || true; fetch download initramfs-tools-core dracut-core udev; } > fetch.log 2>&1) ||
		skip "the tools' packages cannot be fetched: $(grep -m 1 '^E:' "$dir/fetch.log")"
	for deb in "$dir"/*.deb; do dpkg-deb -x "$deb" "$dir/new"; done
	# as on a system with merged /usr
	for part in bin sbin lib; do
		[ ! -d "$dir/new/$part" ] || { cp -a "$dir/new/$part" "$dir/new/usr"; rm -rf "$dir/new/$part"; }
	done
	rm -rf "$dir"/*.deb "$dir/state" "$dir/cache" "$dir/log"
	mv "$dir/new" "$dir/root"
fi
rm -rf "$dir/tmp"
mkdir -p "$dir/tmp" "$dir/empty"

# inside COMMAND...: with the tools in /usr and /etc, and the kernel's files where they belong.
cat > "$dir/inside.sh" <<END
set -e
mount --make-rprivate /
mount -t overlay overlay -o "ro,lowerdir=$dir/root/usr:$kernel:/usr" /usr
mount -t overlay overlay -o "ro,lowerdir=$dir/root/etc:/etc" /etc
mount -t overlay overlay -o "ro,lowerdir=$kernel/boot:/boot" /boot
export TMPDIR="$dir/tmp" LC_ALL=C PATH=/usr/bin:/usr/sbin:/bin:/sbin
exec "\$@"
END
map=
[ "$(id -u)" = 0 ] || map=-r
inside() {
	# shellcheck disable=SC2086
	unshare $map -m sh "$dir/inside.sh" "$@"
}
inside test -d /usr/share/initramfs-tools 2> "$dir/mount.log" ||
	skip "no mount namespace with overlays here: $(head -n 1 "$dir/mount.log")"

# ---- what is said of an image ----

: > "$dir/wrong"
wrong() { echo "$*" >> "$dir/wrong"; }
result() {
	number=$((number + 1))
	if [ -s "$dir/wrong" ]; then
		failed=$((failed + 1))
		echo "not ok $number - $1"
		head -n 20 "$dir/wrong" | sed 's/^/# /'
	else
		echo "ok $number - $1"
	fi
	: > "$dir/wrong"
}

# names: of a list of files, the modules, as the kernel names them.
names() { sed -n 's,.*/\([^/]*\)\.ko[.a-z0-9]*$,\1,p' | tr - _ | sort -u; }

# holds IMAGE: the modules that weir finds in it.
holds() {
	: > "$dir/none.list"
	"$weir" diff "$board" --kernel "$kernel" --json --initramfs "$dir/none.list" -- --initramfs "$1" > "$dir/diff.json" ||
		[ $? = 1 ] || wrong "weir diff: no answer"
	python3 -c 'import json, sys; print(*json.load(open(sys.argv[1]))["initramfs"]["modules_b"], sep="\n")' "$dir/diff.json"
}

# check IMAGE LISTER...: weir finds in it the modules that the tool's own program lists.
check() {
	image=$1
	shift
	"$@" "$image" 2> "$dir/list.log" | names > "$dir/listed"
	holds "$image" > "$dir/held"
	[ -s "$dir/listed" ] || wrong "$1 lists no module: $(head -n 2 "$dir/list.log")"
	cmp -s "$dir/listed" "$dir/held" || wrong "modules: $(diff "$dir/listed" "$dir/held" | head -n 20)"
}

# boots STATUS REGEX IMAGE
boots() {
	status=0
	"$weir" boot "$board" --kernel "$kernel" --root mmcblk1 --initramfs "$3" > "$dir/said" 2>&1 || status=$?
	[ $status = "$1" ] || wrong "weir boot: exit status $status, not $1: $(cat "$dir/said")"
	grep -Eq -e "$2" "$dir/said" || wrong "weir boot: nothing like '$2': $(cat "$dir/said")"
}

# ---- initramfs-tools ----

conf=$dir/conf
rm -rf "$conf"
cp -r "$dir/root/etc/initramfs-tools" "$conf"
mkdir -p "$conf/hooks" "$conf/conf.d" "$conf/scripts"
sed -i 's/^MODULES=.*/MODULES=list/' "$conf/initramfs.conf"
"$weir" plan "$board" --kernel "$kernel" --root mmcblk1 --format initramfs-tools > "$conf/modules" ||
	wrong "weir plan: exit status $?"
# what packages of processor microcode do
cat > "$conf/hooks/early" <<'END'
#!/bin/sh
[ "$1" != prereqs ] || exit 0
. /usr/share/initramfs-tools/hook-functions
early=$(mktemp -d)
mkdir -p "$early/kernel/x86/microcode"
head -c 5000 /dev/zero > "$early/kernel/x86/microcode/AuthenticAMD.bin"
(cd "$early" && find . | cpio --quiet -o -H newc) > "$early.cpio"
prepend_earlyinitramfs "$early.cpio"
rm -rf "$early" "$early.cpio"
END
chmod +x "$conf/hooks/early"
make_image() { # make_image NAME COMPRESSION
	inside mkinitramfs -d "$conf" -c "$2" -o "$dir/$1" "$version" > "$dir/$1.log" 2>&1 ||
		wrong "mkinitramfs: exit status $?: $(tail -n 3 "$dir/$1.log")"
}
make_image planned.img zstd
check "$dir/planned.img" inside lsinitramfs
boots 0 "^mmcblk1 from the initramfs alone: YES" "$dir/planned.img"
grep -q "^initramfs planned.img (plain + zstd): [0-9]* modules of $version, loaded by systemd-udevd" "$dir/said" ||
	wrong "an early archive, and the main one behind it: $(cat "$dir/said")"
result "mkinitramfs with what weir plan names: its modules, an early archive, and the board comes up"

last=$(grep -v '^#' "$conf/modules" | tail -n 1)
sed -i '$d' "$conf/modules"
rm "$conf/hooks/early"
make_image less.img gzip
check "$dir/less.img" inside lsinitramfs
boots 1 "^  module $last is not in the initramfs" "$dir/less.img"
grep -q "^initramfs less.img (gzip)" "$dir/said" || wrong "packing: $(cat "$dir/said")"
"$weir" diff "$board" --kernel "$kernel" --initramfs "$dir/planned.img" -- --initramfs "$dir/less.img" > "$dir/said" ||
	[ $? = 1 ] || wrong "weir diff: $(cat "$dir/said")"
grep -q "because of 1: .*module $last is not loaded (it is not in the initramfs)" "$dir/said" || wrong "weir diff: $(cat "$dir/said")"
grep -q "^only on A, modules in the initramfs: .*\\<$last\\>" "$dir/said" || wrong "weir diff: $(cat "$dir/said")"
result "mkinitramfs without $last: it is named, by boot and by diff"

# ---- dracut ----

"$weir" plan "$board" --kernel "$kernel" --root mmcblk1 --format dracut > "$dir/dracut.conf" || wrong "weir plan: exit status $?"
run_dracut() { # run_dracut NAME OPTION...
	name=$1
	shift
	# which drivers dracut takes by itself goes by the processor
	inside env DRACUT_ARCH=aarch64 dracut --no-hostonly --force --tmpdir "$dir/tmp" --confdir "$dir/empty" "$@" --kver "$version" "$dir/$name" \
		> "$dir/$name.log" 2>&1 || wrong "dracut: exit status $?: $(tail -n 3 "$dir/$name.log")"
}
run_dracut dracut.img --conf "$dir/dracut.conf" --compress "zstd -q -3" -m "base kernel-modules udev-rules" --drivers mmc_block --nohardlink --nostrip
check "$dir/dracut.img" inside lsinitrd
boots 0 "^mmcblk1 from the initramfs alone: YES" "$dir/dracut.img"
grep -q "^initramfs dracut.img (zstd): [0-9]* modules of $version, loaded by systemd-udevd" "$dir/said" || wrong "$(cat "$dir/said")"
result "dracut with what weir plan names: its modules, and the board comes up"

# ---- what the tools take by default ----

if [ "$full" = --full ]; then
	sed -i 's/^MODULES=.*/MODULES=most/' "$conf/initramfs.conf"
	: > "$conf/modules"
	make_image most.img lz4
	check "$dir/most.img" inside lsinitramfs
	boots 0 "^mmcblk1 from the initramfs alone: YES" "$dir/most.img"
	result "mkinitramfs with MODULES=most: its modules, and the board comes up"
	run_dracut dracut-most.img --conf /dev/null --compress "zstd -q -3" -m "base kernel-modules udev-rules"
	check "$dir/dracut-most.img" inside lsinitrd
	boots 0 "^mmcblk1 from the initramfs alone: YES" "$dir/dracut-most.img"
	result "dracut with the modules that it takes by itself"
fi
rm -rf "$dir/tmp"
echo "1..$number"
echo "$((number - failed)) $failed 0" > "$build/results/initramfs"
[ $failed = 0 ]
