#!/bin/sh
# SPDX-License-Identifier: MIT
#
# For scripts that read it: where the backports of this Debian release are.

# backports_line: prints the line of a sources.list for them, from the place that the system's packages
# come from. Fails, and prints why instead, where there is none.
backports_line() {
	# shellcheck disable=SC1091
	release=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
	[ -n "$release" ] || { echo "no release in /etc/os-release"; return 1; }
	# shellcheck disable=SC2016
	uri=$(apt-get indextargets --format '$(SITE) $(CODENAME)' 2> /dev/null |
		awk -v r="$release" '$2 == r { print $1; exit }')
	[ -n "$uri" ] || { echo "the configured sources have no packages of $release"; return 1; }
	key=/usr/share/keyrings/debian-archive-keyring.gpg
	[ ! -f $key ] || signed=" [signed-by=$key]"
	echo "deb${signed:-} $uri $release-backports main"
}
