#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""CPU time of verbs of the command on one board with a kernel whose files are in the cache.

usage: bench-verbs.py [--limit MS] [--verbs VERB,...] WEIR BOARD.dtb KERNEL-DIR

Each verb is run once, which fills the cache, then seven times; the median is printed. With --limit,
exit status 1 when a verb needs more than that even in the best of fifteen runs: what else the machine
does makes times longer and never shorter.
"""
import argparse
import json
import resource
import statistics
import subprocess
import sys

RUNS = 7
MORE = 8


def cpu(command):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode not in (0, 1):
        raise SystemExit(f'{command}: {done.stderr.decode()}')
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1e3


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument('--limit', type=float)
    parser.add_argument('--verbs', default='plan,lint,explain,diff')
    parser.add_argument('weir')
    parser.add_argument('board')
    parser.add_argument('kernel')
    args = parser.parse_args()
    boot = json.loads(subprocess.run([args.weir, 'boot', args.board, '--kernel', args.kernel, '--json'],
                                     check=False, stdout=subprocess.PIPE).stdout)
    waiting = [dev for dev in boot['devices'] if dev['verdict'] != 'bound'] or boot['devices']
    slow = False
    for verb in args.verbs.split(','):
        device = [waiting[0]['path']] if verb == 'explain' else []
        more = {'plan': ['--root', 'usb'], 'diff': ['--', '--set', 'fw_devlink=permissive']}.get(verb, [])
        command = [args.weir, verb, args.board, *device, '--kernel', args.kernel, *more]
        cpu(command)
        times = [cpu(command) for _ in range(RUNS)]
        print(f'{verb}.largest {statistics.median(times):.1f} ms', flush=True)
        if args.limit is None or min(times) <= args.limit:
            continue
        best = min(times + [cpu(command) for _ in range(MORE)])
        if best > args.limit:
            print(f'{verb}: {best:.1f} ms of CPU time at best, and the limit is {args.limit:g} ms',
                  file=sys.stderr)
            slow = True
    sys.exit(slow)


if __name__ == '__main__':
    main()
