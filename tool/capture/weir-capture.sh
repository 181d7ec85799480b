#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Pack what `weir live` looks at, on a board without weir: needs only busybox.
#
# usage: weir-capture.sh FILE.tar.gz [ROOT]
#
# Run it as root, with debugfs mounted on /sys/kernel/debug, to see what is deferred and why.
# Serial numbers, MAC addresses, seeds and boot arguments of the device tree stay out, and so
# do words of the command line that look like them.
set -u

if [ $# -lt 1 ]; then
	sed -n '3,/^set -u/{/^set -u/d;s/^# \{0,1\}//;p}' "$0" >&2
	exit 2
fi
out=$1
root=${2:-}
work=$(mktemp -d) || exit 2
top=$work/weir-capture
trap 'rm -rf "$work"' EXIT
mkdir "$top" || exit 2
tab=$(printf '\t')

say() { echo "weir-capture.sh: $*" >&2; }

# value FILE: its first line, or -.
value() {
	v=-
	[ -r "$1" ] && read -r v < "$1"
	echo "$v"
}

# below DIR MARK: the real path of DIR behind MARK; nothing when it is not there.
below() {
	real=$(cd "$1" 2> /dev/null && pwd -P) || return 1
	case $real in
	*"$2"*) echo "${real#*"$2"}" ;;
	*) return 1 ;;
	esac
}

# last LINK: the last part of what it leads to, or -.
last() {
	if [ -L "$1" ]; then
		to=$(readlink "$1")
		echo "${to##*/}"
	else
		echo -
	fi
}

echo 1 > "$top/version"
for bus in "$root"/sys/bus/*; do
	for dev in "$bus"/devices/*; do
		path=$(below "$dev" /sys/devices/) || continue
		node=-
		if [ -e "$dev/of_node" ]; then
			node=$(below "$dev/of_node" /firmware/devicetree/base) || node=-
			[ -n "$node" ] || node=/
		fi
		echo "$path$tab${bus##*/}$tab$(last "$dev/driver")$tab$(last "$dev/iommu_group")$tab$node$tab$(value "$dev/waiting_for_supplier")"
	done
done > "$top/devices"
if [ ! -s "$top/devices" ]; then
	say "$root/sys/bus has no devices: /sys is not mounted"
	exit 2
fi
for link in "$root"/sys/class/devlink/*; do
	con=$(below "$link/consumer" /sys/devices/) || continue
	sup=$(below "$link/supplier" /sys/devices/) || continue
	echo "$con$tab$sup$tab$(value "$link/status")$tab$(value "$link/sync_state_only")"
done > "$top/links"
# pack SIZE: bytes in hexadecimal, of a configuration space of that size, to the rows that grouping
# needs, all else being zero: ids, class, type of header, buses, type of port, slot, ACS.
# shellcheck disable=SC2016
pack='
BEGIN { for (i = 0; i < 256; i++) value[sprintf("%02x", i)] = i }
{ for (i = 1; i <= NF; i++) b[n++] = value[$i] }
function keep(from, to) { for (; from <= to; from++) o[from] = b[from] }
function put(at, half) { o[at] = half % 256; o[at + 1] = int(half / 256) }
END {
	if (n < 64) exit
	whole = n >= 256 && n == size
	if (!whole) n = 64
	keep(0, 3); keep(8, 11); keep(14, 14)
	if (b[14] % 128 == 1) keep(24, 26)
	caps = int(b[6] / 16) % 2
	if (!whole && caps) o[6] = 16
	at = caps ? b[52] - b[52] % 4 : 0
	for (i = 0; i < 48 && at >= 64 && at < n && b[at] != 16; i++) at = b[at + 1] - b[at + 1] % 4
	if (i < 48 && at >= 64 && at < n) {
		o[6] = 16; o[52] = at; o[at] = 16; keep(at + 2, at + 3)
		if (at + 20 < 256) o[at + 20] = int(b[at + 20] / 2) % 2 * 2 + int(b[at + 20] / 64) % 2 * 64
		at = b[256] + b[257] + b[258] + b[259] == 1020 ? 0 : 256
		for (i = 0; i < 960 && at >= 256 && at < n; i++) {
			if (b[at] + 256 * b[at + 1] == 13) break
			at = int((b[at + 2] + 256 * b[at + 3]) / 16); at -= at % 4
		}
		if (i < 960 && at >= 256 && at < n) {
			if (at != 256) put(258, at * 16 + 1)
			put(at, 13); put(at + 2, 1); keep(at + 4, at + 7)
		}
	}
	end = whole ? 4096 : 64
	for (at = 0; at < end; at += 16) {
		row = ""; any = 0
		for (i = at; i < at + 16; i++) { row = row sprintf(" %02x", o[i]); any += o[i] != 0 }
		if (any || at == 0 || at + 16 == end) printf "%02x:%s\n", at, row
	}
}'

# space FILE: its bytes in hexadecimal
if od -An -v -tx1 /dev/null > /dev/null 2>&1; then
	space() { od -An -v -tx1 "$1"; }
else
	space() { hexdump -v -e '16/1 " %02x" "\n"' "$1"; }
fi

for dev in "$root"/sys/bus/pci/devices/*; do
	[ -e "$dev/config" ] || continue
	if [ -L "$dev/physfn" ]; then
		echo "${dev##*/} virtual function of $(last "$dev/physfn")"
	else
		echo "${dev##*/} function"
	fi
	# shellcheck disable=SC2012
	size=$(ls -ln "$dev/config" | { read -r _ _ _ _ size _; echo "$size"; })
	space "$dev/config" 2> /dev/null | awk -v size="$size" "$pack"
done > "$top/pci"
grep -q '^00:' "$top/pci" || rm -f "$top/pci"
if [ "$(grep -c '^ff0:' "$top/pci" 2> /dev/null)" = 0 ]; then
	say "note: only root can read all of PCI configuration space: why functions share an IOMMU group will not be known"
fi
cat "$root/sys/kernel/debug/devices_deferred" > "$top/deferred" 2> /dev/null || {
	rm -f "$top/deferred"
	say "note: devices_deferred could not be read: run it as root, with debugfs mounted"
}
cat "$root/proc/modules" > "$top/modules" 2> /dev/null
cat "$root/proc/sys/kernel/osrelease" > "$top/kernel" 2> /dev/null
[ -s "$top/kernel" ] || [ -n "$root" ] || uname -r > "$top/kernel"
[ ! -r "$root/proc/config.gz" ] || cat "$root/proc/config.gz" > "$top/config.gz"
if [ -r "$root/proc/cmdline" ]; then
	# shellcheck disable=SC2046
	for word in $(cat "$root/proc/cmdline"); do
		case $(echo "$word" | tr 'A-Z' 'a-z') in
		*serial* | *mac* | *uuid* | *ethaddr* | *ip=* | *password* | *secret* | *key* | *token*) ;;
		*) echo "$word" ;;
		esac
	done | tr '\n' ' ' | sed 's/ $//' > "$top/cmdline"
fi
tree=$root/sys/firmware/devicetree/base
if [ -d "$tree" ]; then
	cp -r "$tree" "$top/dt" 2> /dev/null
	chmod -R u+w "$top/dt"
	find "$top/dt" -type f \( -name serial-number -o -name '*mac-address*' -o -name '*bd-address*' -o -name '*-seed' \
		-o -name 'bootargs*' -o -name '*uuid*' -o -name '*password*' -o -name '*secret*' -o -name '*private-key*' \
		-o -name 'asset-tag*' \) -exec rm -f {} +
fi
for table in MCFG IORT VIOT DMAR IVRS APIC RIMT; do
	[ -r "$root/sys/firmware/acpi/tables/$table" ] || continue
	mkdir -p "$top/acpi"
	cat "$root/sys/firmware/acpi/tables/$table" > "$top/acpi/$table"
done
if [ -n "$root" ]; then
	cat "$root/var/log/dmesg" 2> /dev/null
else
	dmesg 2> /dev/null
fi | grep -e 'probe of ' -e 'eferred probe' -e 'Added to deferred list' -e 'probe with driver ' -e 'iommu group ' \
	-e 'late IOMMU probe' -e 'ignoring dependency' -e 'iommu: Default domain type' -e '1:1 IOMMU mapping' \
	-e 'FW requested direct mapping' -e 'Failed to set up IOMMU' -e 'Blocked unknown Stream ID' \
	-e 'Unhandled context fault' -e 'arm-smmu-v3 ' > "$top/log" || rm -f "$top/log"
find "$top" -type f -size 0 -path '*/acpi/*' -exec rm -f {} +
(cd "$work" && tar cf - weir-capture) | gzip > "$out" || exit 2
say "$out: $(wc -l < "$top/devices") devices"
