#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Run the cases: compile each tests/cases/NAME.dts and compare what the profile
# linux-6.12 makes of it with every answer NAME.json, NAME.LABEL.json there.
#
# usage: run-cases.sh WEIR-CONFORM [NAME...]      NAME may be NAME.LABEL
#
# Prints one line a case in the test anything protocol; what differs stands
# below. Exit status 0 only if all are equal.
set -eu

usage() { sed -n '3,/^set -eu/{/^set -eu/d;s/^# \{0,1\}//;p}' "$0" >&2; exit 2; }
[ $# -ge 1 ] || usage
conform=$1
shift
cases=$(cd "$(dirname "$0")/../tests/cases" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# All answers, or those asked for.
if [ $# -gt 0 ]; then
	for name; do
		for answer in "$cases/$name.json" "$cases/$name".*.json; do
			[ ! -f "$answer" ] || echo "$answer"
		done
	done
else
	for answer in "$cases"/*.json; do
		[ ! -f "$answer" ] || echo "$answer"
	done
fi > "$work/answers"
[ -s "$work/answers" ] || { echo "Bail out! no answers in tests/cases"; exit 2; }

echo "1..$(wc -l < "$work/answers")"
number=0
failed=0
while read -r answer; do
	number=$((number + 1))
	label=$(basename "$answer" .json)
	board=${label%%.*}
	dtb=$work/$board.dtb
	if [ ! -f "$dtb" ] &&
	   ! dtc -q -q -f -I dts -O dtb -o "$dtb" "$cases/$board.dts" > "$work/out" 2>&1; then
		rm -f "$dtb"
		ok=no
	elif timeout 60 "$conform" "$dtb" "$answer" > "$work/out" 2>&1; then
		ok=yes
	else
		echo "weir-conform: exit status $?" >> "$work/out"
		ok=no
	fi
	if [ $ok = yes ]; then
		echo "ok $number - $label"
	else
		failed=$((failed + 1))
		echo "not ok $number - $label"
		sed 's/^/# /' "$work/out"
	fi
done < "$work/answers"
[ $failed = 0 ]
