#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# What `weir race` finds, on Linux itself: a probe that sleeps between publishing its IOMMU
# and returning, while the driver core tries again who waits.
#
# usage: linux-race.sh BUILD BOARD.dtb DEVICE
#
# Builds the oracle (scripts/oracle-build.sh) from a copy of its kit in which the dummy driver
# sleeps there, in BUILD/oracle-linger; that takes some minutes. Prints what happened to the device
# and its IOMMUs, in order. DEVICE is a path. Exit status 0: the device's probe began before one
# of its IOMMUs' had returned; 1: it did not.
set -eu

me=${0##*/}
[ $# = 3 ] || { sed -n '3,/^set -eu/{/^set -eu/d;s/^# \{0,1\}//;p}' "$0" >&2; exit 2; }
top=$(cd "$(dirname "$0")/../.." && pwd)
mkdir -p "$1"
build=$(cd "$1" && pwd)
kit=${WEIR_ORACLE_KIT:-$top/../shared/oracle}
[ -f "$kit/oracle.c" ] || { echo "$me: no oracle kit in $kit (WEIR_ORACLE_KIT=DIR)" >&2; exit 2; }
copy=$build/oracle-linger-kit
rm -rf "$copy"
cp -r "$kit" "$copy"
python3 - "$copy/oracle.c" << 'END'
import sys

path = sys.argv[1]
text = open(path).read()
for after, more in (
        ('#include <linux/iommu.h>\n', '#include <linux/delay.h>\n'),
        ('module_param(sync_state, bool, 0444);\n',
         'static unsigned int linger;\nmodule_param(linger, uint, 0444);\n'),
        ('\t\t\tdev_err(dev, "ORACLE iommu failed: %d\\n", ret);\n',
         '\t\tevent("published", dev, dev->driver->name);\n\t\tif (linger)\n\t\t\tmsleep(linger);\n'
         '\t\tevent("returns", dev, dev->driver->name);\n')):
    if text.count(after) != 1:
        sys.exit(f'{path}: not the kit that this was written for: {after.strip()!r}')
    text = text.replace(after, after + more)
open(path, 'w').write(text)
END
WEIR_ORACLE_KIT=$copy "$top/scripts/oracle-build.sh" "$build/oracle-linger"
# shellcheck disable=SC1091
. "$build/oracle-linger/env.sh"
python3 "$copy/run.py" "$2" --scenario iommu-last --early --cmdline oracle.linger=200 \
	--out "$build/oracle-linger/answer.json"
python3 - "$build/oracle-linger/answer.json" "$3" << 'END'
import json
import sys

answer = json.load(open(sys.argv[1]))
device = sys.argv[2]
inside, met = set(), None
for what, path, _ in answer['events']:
    if what == 'published':
        inside.add(path)
    elif what == 'returns':
        inside.discard(path)
    elif what == 'probe' and path == device:
        met = sorted(inside)
if met is None:
    print(f'{device}: never probed')
else:
    print(f'{device}: its probe began' +
          ''.join(f', that of {path} had not returned' for path in met))
name, _, address = device.rsplit('/', 1)[-1].partition('@')
print(*(line for line in answer['log'] if f' {address}.{name}: Adding to iommu group' in line), sep='\n')
sys.exit(0 if met else 1)
END
