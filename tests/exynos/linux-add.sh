#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# What `weir race --add` finds, on Linux itself: the driver of a device is registered while
# another driver's probe adds the device, after it is on its bus and before its links are made.
#
# usage: linux-add.sh BUILD BOARD.dtb DEVICE
#
# Builds the oracle (scripts/oracle-build.sh) from a copy of its kit, in BUILD/oracle-add; that takes
# some minutes. The copy registers the driver where the bus tells that the device was added,
# which is inside device_add(); and it can leave out the check of the fix of April 2026. DEVICE is a
# path. Prints who is deferred at the end and was not without that, first with the check left
# out, then with it. Exit status 0: someone waits without the check and nobody with it; 1: not so.
set -eu

me=${0##*/}
[ $# = 3 ] || { sed -n '3,/^set -eu/{/^set -eu/d;s/^# \{0,1\}//;p}' "$0" >&2; exit 2; }
top=$(cd "$(dirname "$0")/../.." && pwd)
mkdir -p "$1"
build=$(cd "$1" && pwd)
kit=${WEIR_ORACLE_KIT:-$top/../shared/oracle}
[ -f "$kit/oracle.c" ] || { echo "$me: no oracle kit in $kit (WEIR_ORACLE_KIT=DIR)" >&2; exit 2; }
copy=$build/oracle-add-kit
rm -rf "$copy"
cp -r "$kit" "$copy"
chmod -R u+w "$copy"
python3 - "$copy" << 'END'
import sys

path = sys.argv[1] + '/oracle.c'
text = open(path).read()
for after, more in (
        ('module_param(sync_state, bool, 0444);\n',
         'static char *race;\nmodule_param(race, charp, 0444);\n'
         'bool oracle_unready;\nmodule_param_named(unready, oracle_unready, bool, 0444);\n'),
        ('/* ---- device notifications --------------------------------------------- */\n', '''
static void race_with(struct device *dev)
{
	char *path = race ? kasprintf(GFP_KERNEL, "%pOF", dev->of_node) : NULL;
	struct oracle_driver *d;

	list_for_each_entry(d, &all_drivers, list)
		if (path && !strcmp(path, race) && d->when == WHEN_EXTERNAL && !d->loaded &&
		    of_match_node(d->table, dev->of_node))
			register_driver(d);
	kfree(path);
}
'''),
        ('\t\tevent("add", dev, dev_name(dev));\n', '\t\trace_with(dev);\n')):
    if text.count(after) != 1:
        sys.exit(f'{path}: not the kit that this was written for: {after.strip()!r}')
    text = text.replace(after, after + more)
open(path, 'w').write(text)
open(sys.argv[1] + '/apply.sh', 'a').write(r'''
grep -q oracle_unready "$src/drivers/base/dd.c" || {
	grep -q 'if (!dev_ready_to_probe(dev))' "$src/drivers/base/dd.c"
	sed -i -e 's/if (!dev_ready_to_probe(dev))/if (!oracle_unready \&\& !dev_ready_to_probe(dev))/' \
		-e '0,/^static/s//extern bool oracle_unready;\nstatic/' "$src/drivers/base/dd.c"
}
''')
END
WEIR_ORACLE_KIT=$copy "$top/scripts/oracle-build.sh" "$build/oracle-add"
# shellcheck disable=SC1091
. "$build/oracle-add/env.sh"
python3 - "$copy" "$build/oracle-add" "$2" "$3" << 'END'
import json
import subprocess
import sys

kit, build, board, device = sys.argv[1:]
sys.path.insert(0, kit)
import run

nodes = run.read_dtb(board)
by_path = {node.path: node for node in nodes}
if device not in by_path:
    sys.exit(f'{device}: not on this board')
above = device.rsplit('/', 1)[0]
while above and 'compatible' not in by_path[above].props:
    above = above.rsplit('/', 1)[0]
late = [c for path in (above, device) if path for c in run.compatibles(by_path[path])]
lines = run.list_all(nodes, set(late))
# the maker's drivers come first
lines.sort(key=lambda line: late.index(line.split()[1]) if '@x ' in line else -1)
early = [' '.join(w) for w in map(str.split, open(build + '/builtin.txt')) if w and w[0][0] == '!']
open(build + '/drivers', 'w').write('\n'.join(early + lines) + '\n')


def waiting(parameters):
    subprocess.run([sys.executable, kit + '/run.py', board, '--scenario', 'iommu-last', '--drivers',
                    build + '/drivers', '--cmdline', parameters, '--out', build + '/answer.json'],
                   check=True)
    answer = json.load(open(build + '/answer.json'))
    bound = {d['path'] for d in answer['devices'] if d.get('driver')}
    return {d['path']: d['reason'] for d in answer['devices'] if d.get('deferred')}, device in bound


plain, _ = waiting('')
found = []
for words, parameters in (('without the check', 'oracle.unready=1 '), ('with the check', '')):
    late, up = waiting(f'{parameters}oracle.race={device}')
    more = sorted(set(late) - set(plain))
    found.append(len(more))
    print(f'{words}: {device} is {"bound" if up else "not bound"}, {len(more)} wait for ever more')
    for path in more:
        print(f'  {path}: {late[path]}')
sys.exit(0 if found[0] and not found[1] else 1)
END
