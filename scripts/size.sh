#!/bin/sh
# SPDX-License-Identifier: MIT
#
# How much code those get who embed a part: examples/static-smmu (the SMMUv3's hardware layer,
# translation tables, and what these use of the library), aarch64, optimised for size, also when it is
# linked, with only what it uses: as it is, and with taking memory away from guests and reserving besides. And how much
# memory the library takes for a device, an instance, a domain and its tables.
#
# usage: size.sh BUILD
#
# Speaks the test anything protocol; fails when it is larger than it was allowed to get.
set -u

here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "$1" && pwd) || exit 1
out=$build/size
cd "$here/.." || exit 1
out=$(mkdir -p "$out" && cd "$out" && pwd) || exit 1
cc=aarch64-linux-gnu-gcc
goal=24576
limit=24576
limit_unmap=26624

command -v $cc > /dev/null || { echo "ok 1 - size # SKIP no $cc (package gcc-aarch64-linux-gnu)"; echo 1..1; exit 0; }
rm -f "$out"/*.o
flags='-std=c11 -Os -ffreestanding -nostdinc -fno-pie -fno-stack-protector -ffunction-sections
	-fdata-sections -fno-asynchronous-unwind-tables -fno-unwind-tables -mgeneral-regs-only -mno-outline-atomics
	-Isrc/freestanding/include -Iinclude -Isrc'
flags="$flags -isystem $($cc -print-file-name=include)"
for file in $(grep -hv '^#' src/sources.txt src/freestanding/sources.txt) examples/static-smmu/static_smmu.c; do
	case $file in src/firmware/dt/*) continue ;; esac # takes libfdt
	# what the compiler itself calls (memcpy) has to be there as it is
	case $file in src/freestanding/*) lto= ;; *) lto=-flto ;; esac
	# shellcheck disable=SC2086
	$cc $flags $lto -c "$file" -o "$out/$(echo "$file" | tr / _).o" || exit 1
done
failed=0
nr=0
# NAME LIMIT LINK-FLAGS: links it, says how large it is
size() {
	name=$1
	limit=$2
	shift 2
	nr=$((nr + 1))
	# shellcheck disable=SC2086
	$cc $flags -flto -nostdlib -static -no-pie "$@" \
		-Wl,--gc-sections,-z,separate-code,-e,static_smmu_start,-u,static_smmu_stop \
		-o "$out/$name" "$out"/*.o || exit 1
	text=$(aarch64-linux-gnu-size "$out/$name" | awk 'NR == 2 { print $1 }')
	said="size.$name $text bytes"
	[ "$text" -le $goal ] || said="$said; above the goal of $goal"
	if [ "$text" -le "$limit" ]; then
		echo "ok $nr - $said"
	else
		echo "not ok $nr - $said; more than $limit"
		failed=1
	fi
}
size static-smmu $limit
size static-smmu-unmap $limit_unmap -Wl,-u,static_smmu_revoke,-u,weir_table_reserve

# RAM: what the library takes from the host, counted by the benchmark's ram
ram() {
	name=$1
	bytes=$(awk -v name="ram.$1" '$1 == name { print int($2) }' "$out/ram")
	nr=$((nr + 1))
	if [ -n "$bytes" ] && [ "$bytes" -le "$2" ]; then
		echo "ok $nr - ram.$name $bytes bytes"
	else
		echo "not ok $nr - ram.$name ${bytes:-unknown} bytes; more than $2"
		failed=1
	fi
}
"$build/bench/weir-bench" --only ram > "$out/ram"
ram device 1280
ram smmuv3.instance 20480
ram smmuv3.domain 13312
ram smmuv3.domain.first_page 31744
ram table.lpae_s1_48.empty 10240
ram table.lpae_s1_48.one_page 40960
ram table.short.empty 20480
ram table.short.one_page 26624
ram table.short.pages_of_64m 90112
echo 1..$nr
exit $failed
