#!/bin/sh
# SPDX-License-Identifier: MIT
#
# How much code those get who embed a part: examples/static-smmu (the SMMUv3's hardware layer,
# translation tables, and what these use of the library), aarch64, optimised for size, linked
# with only what it uses.
#
# usage: size.sh BUILD
#
# Speaks the test anything protocol; fails when it is larger than it was allowed to get.
set -u

here=$(cd "$(dirname "$0")" && pwd)
out=$1/size
cd "$here/.." || exit 1
out=$(mkdir -p "$out" && cd "$out" && pwd) || exit 1
cc=aarch64-linux-gnu-gcc
goal=24576
limit=28672

command -v $cc > /dev/null || { echo "ok 1 - size # SKIP no $cc (package gcc-aarch64-linux-gnu)"; echo 1..1; exit 0; }
rm -f "$out"/*.o
flags='-std=c11 -Os -ffreestanding -nostdinc -fno-pie -fno-stack-protector -ffunction-sections
	-fdata-sections -fno-asynchronous-unwind-tables -fno-unwind-tables -mgeneral-regs-only -mno-outline-atomics
	-Isrc/freestanding/include -Iinclude -Isrc'
flags="$flags -isystem $($cc -print-file-name=include)"
for file in $(grep -hv '^#' src/sources.txt src/freestanding/sources.txt) examples/static-smmu/static_smmu.c; do
	case $file in src/firmware/dt/*) continue ;; esac # takes libfdt
	# shellcheck disable=SC2086
	$cc $flags -c "$file" -o "$out/$(echo "$file" | tr / _).o" || exit 1
done
$cc -nostdlib -static -no-pie -Wl,--gc-sections,-z,separate-code,-e,static_smmu_start,-u,static_smmu_stop \
	-o "$out/static-smmu" "$out"/*.o || exit 1
text=$(aarch64-linux-gnu-size "$out/static-smmu" | awk 'NR == 2 { print $1 }')
said="size.static-smmu $text bytes"
[ "$text" -le $goal ] || said="$said; the goal of $goal is missed"
if [ "$text" -le $limit ]; then
	echo "ok 1 - $said"
else
	echo "not ok 1 - $said; more than $limit"
fi
echo 1..1
[ "$text" -le $limit ]
