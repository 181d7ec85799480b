#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The working half of record-cases.sh; the usage is there."""
import argparse
import concurrent.futures
import glob
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
CASES = os.path.join(os.path.dirname(HERE), 'tests', 'cases')


class CaseError(Exception):
    pass


def read_case(path):
    """The fields of the comment at the head of a case: (drivers, runs)."""
    name = os.path.basename(path)[:-4]
    text = open(path).read()
    head = re.search(r'/\*(.*?)\*/', text, re.S)
    if not head:
        raise CaseError(f'{path}: no comment with name:, rule: and run:')
    fields, drivers, runs = {}, {}, {}
    for line in head.group(1).splitlines():
        m = re.match(r'\s*\*?\s*(name|rule|shows|run|drivers(?: \S+)?):\s*(.*?)\s*$',
                     line)
        if not m:
            continue
        key, value = m.groups()
        if key == 'run':
            label, _, options = value.partition(' ')
            if label in runs:
                raise CaseError(f'{path}: two runs called {label}')
            runs[label] = shlex.split(options)
        elif key.startswith('drivers'):
            drivers.setdefault(key[8:], []).append(value)
        else:
            fields.setdefault(key, value)
    if fields.get('name') != name:
        raise CaseError(f'{path}: name: is not {name}')
    for key in ('rule', 'shows'):
        if not fields.get(key):
            raise CaseError(f'{path}: {key}: is missing')
    if not runs:
        raise CaseError(f'{path}: no run: line')
    for label in set(drivers) - set(runs) - {''}:
        raise CaseError(f'{path}: drivers for {label}, which is no run')
    return drivers, runs


def compile_case(path, out):
    """dtc's warnings are of no interest: some cases are odd on purpose."""
    r = subprocess.run(['dtc', '-q', '-q', '-I', 'dts', '-O', 'dtb', '-f', '-o', out,
                        path], capture_output=True, text=True)
    if r.returncode or not os.path.exists(out):
        raise CaseError(f'{path}: dtc: {r.stderr.strip()}')


def ask(dtb, options, lines, work):
    command = [sys.executable, os.path.join(HERE, 'oracle-run.py'), dtb,
               '--timeout', '60'] + options
    if lines is not None:
        with open(os.path.join(work, 'list'), 'w') as f:
            f.write('\n'.join(lines) + '\n')
        command += ['--drivers', f.name]
    r = subprocess.run(command, capture_output=True, text=True)
    if not r.stdout:
        raise CaseError(r.stderr.strip() or 'no answer')
    if not json.loads(r.stdout)['complete']:
        raise CaseError('Linux did not get to the end (a hang or a crash); '
                        'such a tree belongs in tests/cases/broken')
    if work in r.stdout:
        raise CaseError('the answer holds a temporary path')
    return r.stdout


def record(path, check):
    """Record all runs of a case; the list of what is wrong."""
    wrong, name = [], os.path.basename(path)[:-4]
    try:
        drivers, runs = read_case(path)
        with tempfile.TemporaryDirectory() as work:
            dtb = os.path.join(work, name + '.dtb')
            compile_case(path, dtb)
            for label, options in runs.items():
                out = os.path.join(CASES, name + ('' if label == '-' else '.' + label)
                                   + '.json')
                lines = drivers.get(label, drivers.get(''))
                try:
                    text = ask(dtb, options, lines, work)
                except CaseError as e:
                    wrong.append(f'{name}, run {label}: {e}')
                    continue
                if not check:
                    with open(out, 'w') as f:
                        f.write(text)
                elif not os.path.exists(out):
                    wrong.append(f'{out}: not recorded')
                elif open(out).read() != text:
                    wrong.append(f'{out}: Linux says something else now')
    except CaseError as e:
        wrong.append(str(e))
    return wrong


def expected_files(paths):
    names = set()
    for path in paths:
        name = os.path.basename(path)[:-4]
        names.update(name + ('' if label == '-' else '.' + label) + '.json'
                     for label in read_case(path)[1])
    return names


def main():
    p = argparse.ArgumentParser()
    p.add_argument('-j', type=int, default=os.cpu_count())
    p.add_argument('--check', action='store_true')
    p.add_argument('names', nargs='*')
    a = p.parse_args()
    everything = sorted(glob.glob(os.path.join(CASES, '*.dts')))
    paths = [os.path.join(CASES, n + '.dts') for n in a.names] or everything
    for path in paths:
        if not os.path.exists(path):
            sys.exit(f'record-cases.sh: no case {path}')
    with concurrent.futures.ThreadPoolExecutor(a.j) as pool:
        wrong = sum(pool.map(lambda path: record(path, a.check), paths), [])
    if not a.names and not wrong:
        known = expected_files(everything)
        for path in glob.glob(os.path.join(CASES, '*.json')):
            if os.path.basename(path) not in known:
                wrong.append(f'{path}: no case has such a run')
    for line in wrong:
        print('record-cases.sh:', line, file=sys.stderr)
    print(f'record-cases.sh: {len(paths)} cases, {len(wrong)} faults', file=sys.stderr)
    return 1 if wrong else 0


if __name__ == '__main__':
    sys.exit(main())
