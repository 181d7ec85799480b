#!/bin/sh
# SPDX-License-Identifier: MIT
#
# See that the library needs nothing but its host seam: compile it without a C
# library for several machines, link it with libfdt and the small host of
# tests/freestanding, and run that.
#
# usage: freestanding.sh BUILD
#
# Speaks the test anything protocol. What cannot be done here - no cross
# compiler, no emulator, no source of libfdt - is a skip that says so. Sizes of
# code and constants are printed for each compiler.
set -eu

[ $# = 1 ] || { sed -n '3,/^set -eu/{/^set -eu/d;s/^# \{0,1\}//;p}' "$0" >&2; exit 2; }
mkdir -p "$1/freestanding"
out=$(cd "$1/freestanding" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/.."
jobs=${JOBS:-$(nproc 2>/dev/null || echo 2)}
number=0
failed=0

ok() { number=$((number + 1)); echo "ok $number - $*"; }
not_ok() {
	number=$((number + 1))
	failed=$((failed + 1))
	echo "not ok $number - $1"
	sed 's/^/# /' "$2"
}
skip() { number=$((number + 1)); echo "ok $number - $1 # SKIP $2"; }

# Code and constants of the bring-up, optimised for size: what it uses of the
# library, an IOMMU driver, its host and what it uses of libfdt.
# The goal is GOAL_TEXT; with the IOMMU stack it is missed. It gets no worse than MAX_TEXT, or
# MAX_TEXT_PLAIN by a compiler that does not optimise when it links.
GOAL_TEXT=65536
MAX_TEXT=109568
MAX_TEXT_PLAIN=126976

# Neither a C library's headers nor its functions, nor the compiler's runtime.
flags='-std=c11 -O2 -ffreestanding -nostdinc -fno-pie -fno-stack-protector
	-fno-asynchronous-unwind-tables -fno-unwind-tables -Isrc/freestanding/include'
sections='-Os -fomit-frame-pointer -ffunction-sections -fdata-sections'
strict='-pedantic -Wall -Wextra -Werror -Iinclude -Isrc'
sources=$(sed '/^#/d;/^$/d' src/sources.txt)
helpers=$(sed '/^#/d;/^$/d' src/freestanding/sources.txt)
tests='tests/freestanding/host.c tests/freestanding/bringup.c'

# compile DIR FLAGS FILES...: an object for each file, named by its whole path;
# all messages go to DIR/log.
compile() {
	objects=$1
	more=$2
	shift 2
	# shellcheck disable=SC2016
	printf '%s\n' "$@" | xargs -P "$jobs" -I FILE sh -c '
		cc=$1 dir=$2 file=$3
		$cc -c "$file" -o "$dir/$(echo "$file" | tr / _).o" > "$dir/$$.msg" 2>&1
		status=$?
		cat "$dir/$$.msg" >> "$dir/log"
		rm -f "$dir/$$.msg"
		exit $status' sh "$cc $arch_flags $flags $more" "$objects" FILE
}

# small: the bring-up again, with only what it uses. What compilers call by themselves stays as it is.
small() {
	case $cc in
	*gcc) lto='-flto -flto-partition=one' max=$MAX_TEXT ;;
	*) lto='' max=$MAX_TEXT_PLAIN ;; # takes another linker
	esac
	# shellcheck disable=SC2086
	compile "$dir/small" "$strict $sections $lto -isystem $fdt" $sources &&
		compile "$dir/small" "-w $sections $lto -I$fdt_src" "$fdt_src"/fdt*.c &&
		compile "$dir/small" "$strict $sections" $helpers &&
		compile "$dir/small" "$strict $sections $lto -Itests/freestanding" $tests &&
		$cc $arch_flags $flags $sections $lto -nostdlib -static -no-pie -Wl,--gc-sections,-z,separate-code \
			-o "$dir/small/bringup" "$dir"/small/*.o "$dir"/test/*start*.o >> "$dir/small/log" 2>&1 ||
		{ not_ok "$label: compiles and links for size" "$dir/small/log"; return; }
	text=$(text_bytes "$dir/small/bringup")
	echo "bring-up: $text bytes; the whole library: $(text_bytes "$dir"/lib/*.o) (-O2)" > "$dir/log"
	[ "$text" -le $GOAL_TEXT ] || echo "$(cat "$dir/log"); the goal of $GOAL_TEXT is missed" > "$dir/log"
	if [ "$text" -le "$max" ]; then
		ok "$label: $(cat "$dir/log")"
	else
		not_ok "$label: bring-up larger than $max bytes" "$dir/log"
	fi
}

text_bytes() { size "$@" | awk 'NR > 1 { sum += $1 } END { print sum + 0 }'; }

# check LABEL: everything for $cc, $arch and $arch_flags.
check() {
	label=$1
	dir=$out/$(echo "$label" | tr ' ' -)
	rm -rf "$dir"
	mkdir -p "$dir/lib" "$dir/small" "$dir/help" "$dir/fdt" "$dir/test"
	# shellcheck disable=SC2086
	if compile "$dir/lib" "$strict -isystem $fdt" $sources; then
		ok "$label: compiles"
	else
		not_ok "$label: compiles" "$dir/lib/log"
		return
	fi
	if [ -z "$fdt_src" ]; then
		skip "$label: links and runs" "$(cat "$out/fdt.log")"
		return
	fi
	# libfdt is not ours: its warnings are its own.
	# shellcheck disable=SC2086
	compile "$dir/fdt" "-w -I$fdt_src" "$fdt_src"/fdt*.c &&
		compile "$dir/help" "$strict" $helpers &&
		compile "$dir/test" "$strict -Itests/freestanding" $tests &&
		compile "$dir/test" "-DBOARD=\"$out/board.dtb\"" "tests/freestanding/start_$arch.S" &&
		ar rcs "$dir/libfdt.a" "$dir"/fdt/*.o "$dir"/help/*.o ||
		{ cat "$dir"/*/log > "$dir/log"; not_ok "$label: links" "$dir/log"; return; }
	# All of the library goes in, used or not, so that nothing it calls can be missing.
	# shellcheck disable=SC2086
	if ! $cc $arch_flags -nostdlib -static -no-pie -Wl,--fatal-warnings,-z,noexecstack,-z,separate-code \
		-o "$dir/bringup" "$dir"/test/*.o "$dir"/lib/*.o "$dir/libfdt.a" > "$dir/log" 2>&1; then
		not_ok "$label: links with nothing but the host seam" "$dir/log"
		return
	fi
	ok "$label: links with nothing but the host seam"
	small
	run=
	if [ "$arch" != "$(uname -m)" ]; then
		run=$(command -v "qemu-$arch-static" || command -v "qemu-$arch" || true)
		if [ -z "$run" ]; then
			skip "$label: bring-up" "no qemu-$arch (package qemu-user-static)"
			return
		fi
	fi
	status=0
	timeout 60 $run "$dir/bringup" > "$dir/log" 2>&1 || status=$?
	if [ $status = 0 ]; then
		ok "$label: $(tail -n 1 "$dir/log")"
	else
		echo "exit status $status (a step of tests/freestanding/bringup.c)" >> "$dir/log"
		not_ok "$label: bring-up" "$dir/log"
	fi
}

# have COMPILER LABEL: is it there, with the compiler's own headers?
have() {
	command -v "${1%% *}" > /dev/null && return
	skip "$2" "no ${1%% *}"
	return 1
}

fdt_src=$("$here/libfdt-source.sh" 2> "$out/fdt.log") || fdt_src=
sed -i -n '$p' "$out/fdt.log"
if [ -n "$fdt_src" ]; then
	# Only its public headers: the library sees what is installed elsewhere.
	fdt=$out/libfdt
	mkdir -p "$fdt"
	cp "$fdt_src/libfdt.h" "$fdt_src/libfdt_env.h" "$fdt_src/fdt.h" "$fdt"
else
	fdt=/usr/include
fi
dtc -q -I dts -O dtb -o "$out/board.dtb" tests/freestanding/board.dts

for row in 'x86_64|gcc|-mno-red-zone' 'x86_64|clang|--target=x86_64-linux-gnu -mno-red-zone' \
	'aarch64|gcc|-mno-outline-atomics' 'riscv64|gcc|-mcmodel=medany'; do
	arch=${row%%|*}
	rest=${row#*|}
	name=${rest%%|*}
	arch_flags=${rest#*|}
	case $name in
	gcc)
		cc=$arch-linux-gnu-gcc
		have "$cc" "$arch $name" || continue
		arch_flags="$arch_flags -isystem $($cc -print-file-name=include)"
		;;
	clang)
		cc=clang
		have $cc "$arch $name" || continue
		arch_flags="$arch_flags -isystem $($cc -print-resource-dir)/include"
		;;
	esac
	check "$arch $name"
done
echo "1..$number"
[ $failed = 0 ]
