#!/bin/sh
# SPDX-License-Identifier: MIT
#
# To be sourced: Debian's arm64 kernel and a static busybox for it, for tests that boot
# them in QEMU. Wants $work, where they are kept, $top, and a function skip; sets $kernel (with
# boot/ and lib/modules/), $image and $busybox. See compare.sh for what may be given.

kernel=${WEIR_KERNEL:-$work/dtbs/kernel-arm64}
if [ -z "${WEIR_KERNEL:-}" ] && [ ! -d "$kernel" ]; then
	"$top/scripts/fetch-dtbs.sh" --kernel "$work/dtbs" arm64 > "$work/fetch.log" 2>&1 ||
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
