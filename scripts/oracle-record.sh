#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Ask Linux: record the oracle's answer for one device tree or a directory.
#
# usage: oracle-record.sh [-j N] [--missing] DTB-OR-DIR OUTDIR [run.py options]
#
# The options are those of the kit's run.py, for example
#	oracle-record.sh -j2 boards answers/all --scenario all --early
#	oracle-record.sh boards answers/last --scenario iommu-last --cmdline fw_devlink.strict=1
# Writes OUTDIR/NAME.json for each tree, NAME being its path below DIR with
# __ for each /.  --missing skips those that are there already.  The oracle is
# that of oracle-build.sh in build/oracle, or WEIR_ORACLE=DIR.
# Exit status 1 when Linux did not get to the end of a run; those are listed.
set -eu

me=${0##*/}
top=$(cd "$(dirname "$0")/.." && pwd)
jobs=$(nproc 2>/dev/null || echo 2)
missing=no

say() { echo "$me: $*" >&2; }
die() { say "$*"; exit 2; }
usage() { sed -n '3,/^set -eu/{/^set -eu/d;s/^# \{0,1\}//;p}' "$0" >&2; exit 2; }

while [ $# -gt 0 ]; do
	case $1 in
	-j) [ $# -gt 1 ] || usage; jobs=$2; shift ;;
	-j*) jobs=${1#-j} ;;
	--missing) missing=yes ;;
	-*) usage ;;
	*) break ;;
	esac
	shift
done
[ $# -ge 2 ] || usage
in=$1
out=$2
shift 2

env=${WEIR_ORACLE:-$top/build/oracle}/env.sh
if [ -f "$env" ]; then
	# shellcheck source=/dev/null
	. "$env"
elif [ -z "${ORACLE_LINUX:-}" ]; then
	die "no oracle in ${env%/env.sh}; scripts/oracle-build.sh makes it"
fi
ORACLE_KIT=${ORACLE_KIT:-${WEIR_ORACLE_KIT:-$top/../shared/oracle}}
[ -f "$ORACLE_KIT/run.py" ] || die "no run.py in $ORACLE_KIT"
export ORACLE_KIT ORACLE_LINUX ORACLE_ROOT
mkdir -p "$out" || die "cannot make the directory $out"

if [ -d "$in" ]; then
	in=${in%/}
	list=$(find -L "$in" -name "*.dtb" | LC_ALL=C sort)
	[ -n "$list" ] || die "no device trees (*.dtb) below $in"
elif [ -f "$in" ]; then
	list=$in
	in=$(dirname "$in")
else
	die "no such file or directory: $in"
fi
failed=$out/.failed
: > "$failed"
total=$(printf '%s\n' "$list" | wc -l)
say "$total device trees, -j$jobs, options: $*"
export in out missing failed

# One line of output for each tree done, for the progress count.
printf '%s\n' "$list" | tr '\n' '\0' | xargs -0 -P "$jobs" -I%DTB% sh -c '
	dtb=$1; shift
	name=${dtb#"$in"/}; name=$(printf "%s" "${name%.dtb}" | sed "s,/,__,g")
	if [ $missing = no ] || [ ! -s "$out/$name.json" ]; then
		status=0
		python3 "$ORACLE_KIT/run.py" "$dtb" --out "$out/$name.json.new" "$@" || status=$?
		# 255 makes xargs stop: wrong options are wrong for every tree
		[ $status != 2 ] || exit 255
		[ $status = 0 ] || echo "$name" >> "$failed"
		[ ! -f "$out/$name.json.new" ] || mv "$out/$name.json.new" "$out/$name.json"
	fi
	echo' _ %DTB% "$@" |
	awk -v n="$total" -v me="$me" -v tty="$([ -t 2 ] && echo 1)" '
	{ if (tty) printf "\r%s: %d/%d", me, NR, n > "/dev/stderr"
	  else if (NR % 100 == 0) printf "%s: %d/%d\n", me, NR, n > "/dev/stderr" }
	END { if (NR < n) exit 1
	      if (tty) printf "\n" > "/dev/stderr" }' || die "stopped"
if [ -s "$failed" ]; then
	say "Linux did not get to the end of $(wc -l < "$failed") runs:"
	LC_ALL=C sort "$failed" | sed 's/^/  /' >&2
	exit 1
fi
rm -f "$failed"
say "$total answers in $out"
