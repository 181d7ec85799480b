#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""CPU time of verbs of the command on one board with a kernel whose files are in the cache.

usage: bench-verbs.py WEIR BOARD.dtb KERNEL-DIR

Each verb is run once, which fills the cache, then seven times; the median is printed.
"""
import json
import resource
import statistics
import subprocess
import sys


def cpu(command):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode not in (0, 1):
        raise SystemExit(f'{command}: {done.stderr.decode()}')
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main():
    if len(sys.argv) != 4:
        raise SystemExit(__doc__)
    weir, board, kernel = sys.argv[1:]
    boot = json.loads(subprocess.run([weir, 'boot', board, '--kernel', kernel, '--json'], check=False,
                                     stdout=subprocess.PIPE).stdout)
    waiting = [dev for dev in boot['devices'] if dev['verdict'] != 'bound'] or boot['devices']
    verbs = {'plan': ['--root', 'usb'], 'lint': [], 'explain': [], 'diff': []}
    for verb, more in verbs.items():
        device = [waiting[0]['path']] if verb == 'explain' else []
        other = ['--', '--set', 'fw_devlink=permissive'] if verb == 'diff' else []
        command = [weir, verb, board, *device, '--kernel', kernel, *more, *other]
        cpu(command)
        print(f'{verb}.largest {statistics.median(cpu(command) for _ in range(7)) * 1e3:.1f} ms', flush=True)


if __name__ == '__main__':
    main()
