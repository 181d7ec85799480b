#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The command weir from outside: what it prints, how it ends, and that nothing that it
# is given makes it crash or keep silent.
#
# usage: run.sh BUILD [PART...]      a part is a file beside this one, without .sh
#
# Speaks the test anything protocol. Each part has a temporary directory of its own, $work; what it
# has from another one it names first (uses PART).
set -u

build=$(cd "$1" && pwd) || exit 2
shift
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
weir=$build/weir
demo=$build/boards/demo.dtb
drivers=$top/boards/demo.drivers
cases=$top/tests/cases
parts_dir=$(mktemp -d)
trap 'chmod -R u+rwx "$parts_dir"; rm -rf "$parts_dir"' EXIT
number=0
failed=0
unset NO_COLOR

# result NAME: what stands in $work/wrong is what is wrong.
result() {
	number=$((number + 1))
	if [ -s wrong ]; then
		failed=$((failed + 1))
		echo "not ok $number - $1"
		head -n 30 wrong | sed 's/^/# /'
	else
		echo "ok $number - $1"
	fi
	: > wrong
}

wrong() { echo "$*" >> wrong; }

# run ARGS...: weir, its output in out and err, its exit status in $status.
run() {
	timeout 120 "$weir" "$@" > out 2> err
	status=$?
	[ $status -lt 100 ] || wrong "weir $*: exit status $status: $(tail -n 3 err)"
}

# expect STATUS REGEX ARGS...: the status, and a line of either stream that fits.
expect() {
	want=$1
	regex=$2
	shift 2
	run "$@"
	[ $status = "$want" ] || wrong "weir $*: exit status $status, not $want: $(cat err)"
	cat out err | grep -Eq -e "$regex" || wrong "weir $*: nothing like '$regex': $(cat out err)"
}

# refuses REGEX ARGS...: one line on standard error that fits, nothing else, status 2.
refuses() {
	regex=$1
	shift
	run "$@"
	[ $status = 2 ] || wrong "weir $*: exit status $status, not 2"
	[ "$(wc -l < err)" = 1 ] || wrong "weir $*: $(wc -l < err) lines, not 1: $(cat err)"
	grep -Eq -e "^weir: .*($regex)" err || wrong "weir $*: not like '$regex': $(cat err)"
	[ ! -s out ] || wrong "weir $*: something on standard output: $(head -n 2 out)"
}

# compile SOURCE OUTPUT
compile() { dtc -q -q -f -@ -I dts -O dtb -o "$2" "$1" 2> dtc.log || wrong "dtc $1: $(cat dtc.log)"; }

# run_part PART
run_part() {
	work=$parts_dir/$1
	mkdir "$work" && cd "$work" || exit 2
	: > wrong
	# shellcheck disable=SC1090
	. "$here/$1.sh"
}

# uses PART: the files that it leaves, and its variables. It is run now if it was not.
uses() {
	set -- "$1" "$work"
	[ -d "$parts_dir/$1" ] || run_part "$1"
	work=$2
	cd "$work" || exit 2
	cp -R "$parts_dir/$1/." . || wrong "the files of $1"
	: > wrong
}

[ $# -gt 0 ] || set -- options man input overlay output verdict script replay kernel package images initramfs log iommulog lint diff diffimage plan show live groups pci acpi race shell speed
for part; do
	[ -d "$parts_dir/$part" ] || run_part "$part"
done
echo "1..$number"
[ $failed = 0 ]
