#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Record what Linux answers to the cases in tests/cases.
#
# usage: record-cases.sh [-j N] [--check] [NAME...]       (default: all)
#
# Each NAME.dts begins with a comment that holds
#	name: NAME
#	rule: the sections of ../shared/linux-semantics.md it is about
#	shows: what is to be seen in the answer
#	drivers: LINE		a line of the driver list, for all runs
#	drivers LABEL: LINE	the same for one run
#	run: LABEL OPTIONS	one answer: NAME.LABEL.json, NAME.json if LABEL is -
# OPTIONS are those of oracle-run.py beside this script.  A run without driver
# lines gets the list of its scenario.  An answer is only ever written here.
# With --check nothing is written, and the exit status is 1 when an answer in
# the tree is not what Linux says now.
#
# The oracle is that of oracle-build.sh in build/oracle, or WEIR_ORACLE=DIR.
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
env=${WEIR_ORACLE:-$top/build/oracle}/env.sh
if [ -f "$env" ]; then
	# shellcheck source=/dev/null
	. "$env"
elif [ -z "${ORACLE_LINUX:-}" ]; then
	echo "record-cases.sh: no oracle in ${env%/env.sh}; scripts/oracle-build.sh makes it" >&2
	exit 2
fi
export ORACLE_KIT="${ORACLE_KIT:-${WEIR_ORACLE_KIT:-$top/../shared/oracle}}"
exec python3 "$top/scripts/record-cases.py" "$@"
