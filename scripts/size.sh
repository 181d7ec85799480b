#!/bin/sh
# SPDX-License-Identifier: MIT
#
# How much code those get who embed a part, for aarch64, optimised for size, also when it is linked,
# with only what it uses:
# - examples/static-smmu: the SMMUv3's hardware layer and translation tables; as it is, and with
#   taking memory away from guests and reserving besides;
# - examples/core-smmu: the driver model with the SMMUv3's hardware layer, and why a device is not up;
# - examples/one-driver: the driver model and the IOMMU stack with the SMMUv3's driver, firmware a constant;
#   and the same without the DMA calls.
# And how much memory the library takes for a device, an instance, a domain and its tables.
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
static=24576 static_unmap=26880 core_smmu=57344 domains=95232 one_driver=115712
examples='examples/static-smmu/static_smmu.c examples/core-smmu/core_smmu.c examples/one-driver/one_driver.c'

command -v $cc > /dev/null || { echo "ok 1 - size # SKIP no $cc (package gcc-aarch64-linux-gnu)"; echo 1..1; exit 0; }
rm -f "$out"/*.o
flags='-std=c11 -Os -fomit-frame-pointer -ffreestanding -nostdinc -fno-pie -fno-stack-protector -ffunction-sections
	-fdata-sections -fno-asynchronous-unwind-tables -fno-unwind-tables -mgeneral-regs-only -mno-outline-atomics
	-Isrc/freestanding/include -Iinclude -Isrc'
flags="$flags -isystem $($cc -print-file-name=include)"
for file in $(grep -hv '^#' src/sources.txt src/freestanding/sources.txt) $examples; do
	case $file in src/firmware/dt/*) continue ;; esac # takes libfdt
	# what the compiler itself calls (memcpy) has to be there as it is
	case $file in src/freestanding/*) lto= ;; *) lto=-flto ;; esac
	# shellcheck disable=SC2086
	$cc $flags $lto -c "$file" -o "$out/$(echo "$file" | tr / _).o" || exit 1
done
failed=0
nr=0
# NAME GOAL LIMIT START LINK-FLAGS: links it from START on, says how large it is
size() {
	name=$1
	goal=$2
	limit=$3
	start=$4
	shift 4
	nr=$((nr + 1))
	# shellcheck disable=SC2086
	$cc $flags -flto -flto-partition=one -nostdlib -static -no-pie "$@" \
		-Wl,--gc-sections,-z,separate-code,-e,"$start" -o "$out/$name" "$out"/*.o || exit 1
	text=$(aarch64-linux-gnu-size "$out/$name" | awk 'NR == 2 { print $1 }')
	said="size.$name $text bytes"
	[ "$text" -le "$goal" ] || said="$said; above the goal of $goal"
	if [ "$text" -le "$limit" ]; then
		echo "ok $nr - $said"
	else
		echo "not ok $nr - $said; more than $limit"
		failed=1
	fi
}
size static-smmu 24576 $static static_smmu_start -Wl,-u,static_smmu_stop
size static-smmu-unmap 24576 $static_unmap static_smmu_start \
	-Wl,-u,static_smmu_stop,-u,static_smmu_revoke,-u,weir_table_reserve
size core-smmu 65536 $core_smmu core_smmu_start \
	-Wl,-u,core_smmu_load,-u,core_smmu_unload,-u,core_smmu_stop,-u,weir_device_root_cause \
	-Wl,-u,weir_pm_suspend,-u,weir_pm_resume
size one-driver-domains 65536 $domains one_driver_start_domains \
	-Wl,-u,one_driver_stop,-u,weir_domain_map,-u,weir_domain_unmap
size one-driver 65536 $one_driver one_driver_start \
	-Wl,-u,one_driver_stop,-u,weir_dma_map_phys,-u,weir_dma_unmap,-u,weir_domain_map,-u,weir_domain_unmap

# Who embeds the driver model with it has nothing of groups, domains, DMA, PCI and libfdt.
nr=$((nr + 1))
more=$(aarch64-linux-gnu-nm "$out/core-smmu" |
	grep -oE ' (weir_(group|domain|dma|iommu|iova|pci|identity|master|acpi|dt)_|fdt_)[a-z0-9_]*' | sort -u)
if [ -z "$more" ]; then
	echo "ok $nr - core-smmu takes no groups, domains and DMA calls"
else
	echo "not ok $nr - core-smmu takes" $more
	failed=1
fi

# Who embeds the SMMUv3 alone has nothing of devices, firmware, PCI, DMA and libfdt.
nr=$((nr + 1))
more=$(aarch64-linux-gnu-nm "$out/static-smmu-unmap" |
	grep -oE ' (weir_(machine|device|driver|fwnode|firmware|pci|dma|group|iommu)_|fdt_)[a-z0-9_]*' | sort -u)
if [ -z "$more" ]; then
	echo "ok $nr - static-smmu takes the hardware layer and tables alone"
else
	echo "not ok $nr - static-smmu takes" $more
	failed=1
fi

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
ram device 1184
ram smmuv3.instance 19456
ram smmuv3.domain 12288
ram smmuv3.domain.first_page 29696
ram table.lpae_s1_48.empty 9728
ram table.lpae_s1_48.one_page 38912
ram table.short.empty 18944
ram table.short.one_page 24576
ram table.short.pages_of_64m 87040
echo 1..$nr
exit $failed
