#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Compare the library's translation tables with Linux's, bit by bit, for the same
# random calls: Linux's own drivers/iommu/io-pgtable-arm.c and io-pgtable-arm-v7s.c, compiled into a program.
#
# usage: compare.sh BUILD [SEQUENCES [SEED]]
#
# The source is the archive of Debian's package linux-source-6.12 in /usr/src, or
# WEIR_LINUX_SOURCE; failing both the package is fetched through apt, once, into
# BUILD/pgtable, and only unpacked. The count goes to BUILD/results/tables, for .ci/run.
set -eu

me=tests/pgtable/compare.sh
cd "$(dirname "$0")/../.."
build=${1:?usage: compare.sh BUILD [SEQUENCES [SEED]]}
shift
series=6.12
dir=$build/pgtable
mkdir -p "$dir/linux" "$dir/asm" "$build/results"
rm -f "$build/results/tables"

skip() {
	echo "ok - tables # SKIP $*"
	echo 0 0 1 > "$build/results/tables"
	exit 0
}

# The archive of the kernel's source, in $source.
find_source() {
	source=${WEIR_LINUX_SOURCE:-/usr/src/linux-source-$series.tar.xz}
	[ ! -f "$source" ] || return 0
	[ -z "${WEIR_LINUX_SOURCE:-}" ] || skip "WEIR_LINUX_SOURCE: no file $source"
	source=$dir/linux-source-$series.tar.xz
	[ ! -f "$source" ] || return 0
	command -v apt-get > /dev/null || skip "no archive of Debian's linux-source-$series"
	echo "$me: downloading the package linux-source-$series" >&2
	(cd "$dir" && apt-get -q -o APT::Sandbox::User="$(id -un)" download "linux-source-$series") \
		> "$dir/download.log" 2>&1 || skip "cannot download linux-source-$series"
	dpkg-deb --fsys-tarfile "$dir"/linux-source-*.deb |
		tar -x -O --wildcards './usr/src/linux-source-*.tar.xz' > "$source.part"
	mv "$source.part" "$source"
	rm -f "$dir"/linux-source-*.deb
}

if [ ! -f "$dir/complete" ] || [ ! -f "$dir/io-pgtable-arm-v7s.c" ]; then
	find_source
	tar -x -f "$source" -C "$dir" --strip-components=1 --wildcards \
		'*/drivers/iommu/io-pgtable-arm.[ch]' '*/drivers/iommu/io-pgtable-arm-v7s.c' \
		'*/include/linux/io-pgtable.h' ||
		skip "cannot unpack $source"
	mv "$dir"/drivers/iommu/io-pgtable-arm*.[ch] "$dir/"
	mv "$dir/include/linux/io-pgtable.h" "$dir/linux/"
	# what they include besides is in shim.h
	for header in linux/atomic linux/bitops linux/kernel linux/sizes linux/slab linux/types \
		linux/dma-mapping linux/iommu linux/gfp linux/kmemleak linux/spinlock asm/barrier \
		iommu-pages; do
		: > "$dir/$header.h"
	done
	touch "$dir/complete"
fi
for file in linux linux_short; do
	gcc -std=gnu11 -D_GNU_SOURCE -O2 -w -DCONFIG_64BIT -include tests/pgtable/shim.h -I"$dir" \
		-Itests/pgtable -c "tests/pgtable/$file.c" -o "$dir/$file.o"
done
gcc -std=c11 -D_GNU_SOURCE -O2 -Wall -Wextra -Werror -Iinclude -Itests/pgtable \
	tests/pgtable/compare.c "$dir/linux.o" "$dir/linux_short.o" "$build/libweir.a" -lfdt -o "$dir/compare"
status=0
"$dir/compare" "$@" > "$dir/log" 2>&1 || status=$?
cat "$dir/log"
awk '/^ok /{ p++ } /^not ok /{ f++ } END { print p + 0, f + 0, 0 }' "$dir/log" > "$build/results/tables"
exit $status
