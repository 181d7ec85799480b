#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Check the library's own groups, and what it says of them, on the models of QEMU.

usage: check.py PROGRAM

PROGRAM is tests/groups/groups. For each of topologies.txt the partition and the causes must
be those of weir.txt. Writes TAP; without QEMU all is skipped.
"""
import os
import shutil
import subprocess
import sys

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


def main():
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    if not shutil.which('qemu-system-aarch64'):
        print('1..0 # SKIP no qemu-system-aarch64')
        return 0
    want, failed, number = expected(), 0, 0
    for number, (name, args) in enumerate(compare.topologies([]), 1):
        try:
            _, _, own, why = compare.weir_groups(sys.argv[1], args)
            lines = [compare.show(compare.partition(own))]
            lines += sorted({text for texts in why.values() for text in texts
                             if text != 'it is alone'})
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
