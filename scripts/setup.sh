#!/bin/sh
# SPDX-License-Identifier: MIT
#
# See that everything needed is there; install what is missing where that can
# be done without a question.
#
# usage: setup.sh GROUP...     groups of packages-debian.txt: build test ...
#
# On Debian and its derivatives missing packages are installed with apt-get,
# as root or when sudo asks no password; otherwise the one command to give is
# printed. Elsewhere the missing tools and libraries are named. NO_INSTALL=1
# never installs. Exit status 0: all that must be there is there; 1: not.
set -eu

me=${0##*/}
list=${0%/*}/packages-debian.txt
PATH=$PATH:/usr/sbin:/sbin

say() { echo "$me: $*" >&2; }

present() {
	case $1 in
	cmd:*) command -v "${1#cmd:}" >/dev/null 2>&1 ;;
	hdr:*) echo "#include <${1#hdr:}>" | cc -E - >/dev/null 2>&1 ;;
	run:*) eval "$(echo "${1#run:}" | tr % ' ')" >/dev/null 2>&1 ;;
	*) say "$list: unknown check $1"; exit 1 ;;
	esac
}

# Sets missing (packages), must (those not to be done without) and what (in words).
look() {
	missing='' must='' what=''
	# The rows of the wanted groups, each package once.
	rows=$(awk -v groups=" $* " '!/^#/ && NF && index(groups, " " $1 " ") && !seen[$2]++' "$list")
	while read -r group package check need text; do
		[ -n "$group" ] || continue
		if ! present "$check"; then
			missing="$missing $package"
			what="$what
  $text (Debian: $package)"
			[ "$need" = should ] || must="$must $package"
		fi
	done <<END
$rows
END
}

# The end of a run that may not or cannot install.
stop() {
	if [ -n "$must" ]; then
		exit 1
	fi
	say "going on without:$missing; the checks that need them will be skipped"
	exit 0
}

[ $# -gt 0 ] || { sed -n '3,/^set -eu/{/^set -eu/d;s/^# \{0,1\}//;p}' "$0" >&2; exit 1; }
look "$@"
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null 2>&1; then
	say "missing:$what"
	say "install them with your system's package manager, then try again"
	stop
fi
command="apt-get install -y --no-install-recommends$missing"
if [ "${NO_INSTALL:-0}" != 0 ] && [ -n "${NO_INSTALL:-}" ]; then
	say "missing packages:$missing"
	say "NO_INSTALL is set; to install them: sudo $command"
	stop
fi
if [ "$(id -u)" = 0 ]; then
	sudo=
elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
	sudo='sudo -n'
else
	say "missing packages:$missing"
	say "give this command, then try again:"
	echo "  sudo $command"
	stop
fi

say "installing:$missing"
export DEBIAN_FRONTEND=noninteractive
# Package lists may be absent or old on a fresh system. A failed update is not
# the end: the lists at hand may do.
$sudo apt-get -q update || say "apt-get update failed; trying with the package lists at hand"
# shellcheck disable=SC2086
$sudo env DEBIAN_FRONTEND=noninteractive $command || {
	say "apt-get could not install them; the command was: $command"
	stop
}
look "$@"
[ -z "$missing" ] || { say "installed, but still not found:$what"; stop; }
