#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Check the library's own groups, and what it says of them, on the models of QEMU.

usage: check.py PROGRAM [WEIR]

PROGRAM is tests/groups/groups. For each of topologies.txt the partition and the causes must
be those of weir.txt. With the command WEIR, `weir groups` must find the groups that Linux's rules make, of the
configuration space alone. Writes TAP; without QEMU all is skipped.
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import compare  # noqa: E402


def expected():
    """Return {topology: lines}."""
    found, lines = {}, None
    with open(os.path.join(HERE, 'weir.txt'), encoding='ascii') as file:
        for line in file.read().split('\n'):
            if line.startswith('\t'):
                lines.append(line[1:])
            elif line and not line.startswith('#'):
                lines = found[line] = []
    return found


def ways(functions):
    """Return {name: path}, as compare.py has paths, of what the tool says of functions."""
    above = {fn['name']: fn['above'] for fn in functions}

    def way(name):
        return (way(above[name]) if above[name] else '') + '/' + name.split(':')[-1]
    return {name: way(name) for name in above}


def of_dump(weir, dump, theirs):
    """What the tool makes of a dump that differs from the groups by Linux's rules."""
    done = subprocess.run([weir, 'groups', dump, '--json'], stdout=subprocess.PIPE, check=True)
    pci = json.loads(done.stdout)['pci']
    paths = ways(pci['functions'])
    found = sorted(sorted(paths[name] for name in group['functions']) for group in pci['groups'])
    wrong = [] if found == compare.partition(theirs) else [f'weir groups: {compare.show(found)}']
    wrong += [f'no cause of {group["functions"]}' for group in pci['groups']
              if bool(group['causes']) != (len(group['functions']) > 1)]
    return wrong


def main():
    if len(sys.argv) not in (2, 3):
        print(__doc__, file=sys.stderr)
        return 2
    if not shutil.which('qemu-system-aarch64'):
        print('1..0 # SKIP no qemu-system-aarch64')
        return 0
    want, failed, number = expected(), 0, 0
    weir, work = sys.argv[2] if len(sys.argv) > 2 else None, tempfile.TemporaryDirectory()
    dump = os.path.join(work.name, 'dump') if weir else None
    for number, (name, args) in enumerate(compare.topologies([]), 1):
        try:
            theirs, _, own, why = compare.weir_groups(sys.argv[1], args, dump)
            lines = [compare.show(compare.partition(own))]
            lines += sorted({text for texts in why.values() for text in texts
                             if text != 'it is alone'})
            lines += of_dump(weir, dump, theirs) if weir else []
        except subprocess.CalledProcessError as error:
            lines = [str(error)]
        same = lines == want.pop(name, None)
        failed += not same
        print(f'{"ok" if same else "not ok"} {number} - groups of {name}', flush=True)
        if not same:
            print('\n'.join('# ' + line for line in lines))
    print(f'{"not ok" if want else "ok"} {number + 1} - nothing else is expected')
    print(f'1..{number + 1}')
    return 1 if failed or want else 0


sys.exit(main())
