#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Make a case on which Linux and Weir differ as small as it goes.

usage: reduce-case.py [--same] WEIR-CONFORM DTB ANSWER.json OUT

Takes away nodes, properties, drivers and commands for as long as asking Linux again
gives a difference again, and leaves OUT.dtb, OUT.json (Linux's answer) and prints the
case. With --same only such a difference counts whose text (without names) is that of
the first. The oracle is found as by oracle-record.sh.
"""
import argparse
import json
import os
import re
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import fdt  # noqa: E402


# What happened is only told by a dump.
LAST = 'dump end'


class State:
    """A case; `script` is the list of commands before the last dump."""

    def __init__(self, blob, drivers, script, cmdline):
        self.blob, self.drivers, self.script, self.cmdline = blob, drivers, script, cmdline

    def but(self, **changes):
        return State(**{**self.__dict__, **changes})


def kind_of(text):
    """The text of a difference without what changes when a case gets smaller."""
    lines = [s for s in text.splitlines() if s.strip()]
    first = lines[0].split(': ', 1)[-1] if lines else ''
    return re.sub(r'\S*/\S*|[0-9]+', '', first.split('Linux has')[0])


class Judge:
    def __init__(self, conform, work):
        self.conform, self.work, self.asked = conform, work, 0
        self.answer = ''

    def ask(self, state):
        """Linux's answer, or None when it did not come to the end."""
        dtb, drivers = os.path.join(self.work, 'case.dtb'), os.path.join(self.work, 'list')
        with open(dtb, 'wb') as f:
            f.write(state.blob)
        with open(drivers, 'w') as f:
            f.write('\n'.join(state.drivers) + '\n')
        r = subprocess.run([sys.executable, os.path.join(HERE, 'oracle-run.py'), dtb,
                            '--drivers', drivers, '--script',
                            '; '.join(state.script + [LAST]),
                            f'--cmdline={state.cmdline}', '--timeout', '10'],
                           capture_output=True, text=True)
        if not r.stdout or not json.loads(r.stdout)['complete']:
            return None
        return r.stdout

    def difference(self, state):
        """The comparer's words, or None when both agree or there is no answer."""
        self.asked += 1
        text = self.ask(state)
        if text is None:
            return None
        answer = os.path.join(self.work, 'case.json')
        with open(answer, 'w') as f:
            f.write(text)
        try:
            r = subprocess.run([self.conform, os.path.join(self.work, 'case.dtb'), answer],
                               capture_output=True, text=True, timeout=20)
            status, out = r.returncode, r.stdout + r.stderr
        except subprocess.TimeoutExpired:
            status, out = 'timeout', 'weir-conform does not come to an end'
        if status == 0:
            return None
        self.answer = text
        return out


def halves(items):
    """Runs of items to leave out: from one half to single ones."""
    size = max(1, len(items) // 2)
    while size:
        for at in range(0, len(items), size):
            yield at, size
        size //= 2


def shrink_list(state, key, still):
    changed = True
    while changed:
        changed = False
        items = getattr(state, key)
        for at, size in halves(items):
            smaller = state.but(**{key: items[:at] + items[at + size:]})
            if still(smaller):
                state, changed = smaller, True
                break
    return state


def shrink_words(state, still):
    """Single words of driver lines and of the command line."""
    for number in range(len(state.drivers)):
        words = state.drivers[number].split()
        at = 1
        while at < len(words) and len(words) > 2:
            fewer = words[:at] + words[at + 1:]
            drivers = list(state.drivers)
            drivers[number] = ' '.join(fewer)
            if still(state.but(drivers=drivers)):
                state, words = state.but(drivers=drivers), fewer
            else:
                at += 1
    words = state.cmdline.split()
    for word in list(words):
        fewer = [w for w in words if w != word]
        if still(state.but(cmdline=' '.join(fewer))):
            words = fewer
            state = state.but(cmdline=' '.join(words))
    return state


def shrink_nodes(state, still):
    """Whole subtrees, the large ones first."""
    changed = True
    while changed:
        changed = False
        count = len(list(fdt.read(state.blob).walk()))
        size = max(1, count // 4)
        while size:
            number = count - 1
            while number > 0:
                root = fdt.read(state.blob)
                nodes = list(root.walk())
                for node in nodes[max(1, number - size + 1):number + 1]:
                    if node in node.parent.children:
                        node.remove()
                smaller = state.but(blob=fdt.write(root))
                if len(list(root.walk())) < len(nodes) and still(smaller):
                    state, changed = smaller, True
                    number = min(number, len(list(root.walk())))
                number -= size
            count = len(list(fdt.read(state.blob).walk()))
            size //= 2
    return state


def shrink_properties(state, still):
    number = 0
    while number < len(list(fdt.read(state.blob).walk())):
        for name in list(list(fdt.read(state.blob).walk())[number].props):
            root = fdt.read(state.blob)
            node = list(root.walk())[number]
            value = node.props.pop(name)
            if still(state.but(blob=fdt.write(root))):
                state = state.but(blob=fdt.write(root))
                continue
            while len(value) > 4 and len(value) % 4 == 0 and name != 'compatible':
                value = value[:-4]
                root = fdt.read(state.blob)
                list(root.walk())[number].props[name] = value
                if not still(state.but(blob=fdt.write(root))):
                    break
                state = state.but(blob=fdt.write(root))
        number += 1
    return state


def weight(state):
    return (len(state.blob), sum(map(len, state.drivers)), len(state.script),
            len(state.cmdline))


def main():
    p = argparse.ArgumentParser(usage=__doc__.split('\n\n')[1][7:])
    p.add_argument('--same', action='store_true')
    p.add_argument('conform')
    p.add_argument('dtb')
    p.add_argument('answer')
    p.add_argument('out')
    a = p.parse_args()
    given = json.load(open(a.answer))
    script = [s for s in given['script'] if s and s != 'log']
    with tempfile.TemporaryDirectory() as work:
        judge = Judge(a.conform, work)
        state = State(open(a.dtb, 'rb').read(), given['drivers'], script, given['cmdline'])
        first = judge.difference(state)
        if first is None:
            print('reduce-case.py: no difference here', file=sys.stderr)
            return 1

        def still(smaller):
            text = judge.difference(smaller)
            return text is not None and (not a.same or kind_of(text) == kind_of(first))

        before = None
        while before != weight(state):
            before = weight(state)
            state = shrink_nodes(state, still)
            state = shrink_list(state, 'drivers', still)
            state = shrink_list(state, 'script', still)
            state = shrink_words(state, still)
            state = shrink_properties(state, still)
            print(f'reduce-case.py: {len(list(fdt.read(state.blob).walk()))} nodes, '
                  f'{len(state.drivers)} drivers, asked {judge.asked} times', file=sys.stderr)
        text = judge.difference(state)
        with open(a.out + '.dtb', 'wb') as f:
            f.write(state.blob)
        with open(a.out + '.json', 'w') as f:
            f.write(judge.answer)
    print(text)
    print('cmdline:', state.cmdline, '\nscript:', '; '.join(state.script + [LAST]))
    print('\n'.join('drivers: ' + s for s in state.drivers))
    subprocess.run(['dtc', '-q', '-q', '-f', '-I', 'dtb', '-O', 'dts', a.out + '.dtb'])
    return 0


if __name__ == '__main__':
    sys.exit(main())
