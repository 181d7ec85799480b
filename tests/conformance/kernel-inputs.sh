#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Compare what Weir reads from a kernel with the recorded answers: the list of
# built-in drivers of the image, and the driver list of every board.
#
# usage: kernel-inputs.sh BUILD
#
# WEIR_TRUTH: where the answers are (../shared/truth beside the checkout); when
# there are none, says so and ends with status 0. Without the cache, so that the
# files are read.
set -eu

[ $# = 1 ] || { echo "usage: kernel-inputs.sh BUILD" >&2; exit 2; }
top=$(cd "$(dirname "$0")/../.." && pwd)
truth=${WEIR_TRUTH:-$top/../shared/truth}
program=$1/tests/conformance/kernel-inputs
if [ ! -d "$truth/kernel" ]; then
	echo "skipped: no recorded kernel in $truth"
	exit 0
fi
[ -x "$program" ] || { echo "$program is not built" >&2; exit 2; }
WEIR_NO_CACHE=1
export WEIR_NO_CACHE
status=0
"$program" "$truth/kernel" list "$truth/kernel/builtin.txt" || status=1
for set in debian debian-strict debian-notimeout; do
	[ -d "$truth/$set" ] || continue
	echo "$set:"
	"$program" "$truth/kernel" drivers "$truth/dtb" "$truth/$set" || status=1
done
exit $status
