#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compare JSON with the tables of docs/json.md.

usage: schema.py JSON.MD KIND FILE

KIND is a heading of the document (boot, explain, check), `log` for an event log, or `shell`. Every
object must have exactly the fields of its table, with their types, and every word that stands for a kind
of event or verdict must be in the document. Prints what is not so; exit status 0 if nothing is.
"""
import json
import re
import sys

PLAIN = {'string': str, 'integer': int, 'boolean': bool, 'number': (int, float)}


def read_tables(path):
    tables, words, name, fields = {}, set(), None, None
    with open(path, encoding='utf-8') as file:
        for line in file:
            words.update(re.findall(r'`([a-z-]+)`', line))
            heading = re.match(r'#+ (.*)', line)
            if heading:
                name = heading.group(1)
            if not line.startswith('|'):
                fields = None
            elif line.startswith('| field |'):
                fields = tables.setdefault(name, {})
            row = re.match(r'\| `(\w+)` \| ([a-z ]+) \|', line)
            if row and fields is not None:
                fields[row.group(1)] = row.group(2)
    return tables, words


class Checker:
    def __init__(self, path):
        self.tables, self.words = read_tables(path)
        self.wrong = []

    def value(self, kind, value, where):
        if kind.endswith(' or null'):
            if value is not None:
                self.value(kind[:-8], value, where)
        elif kind.startswith('list of '):
            if not isinstance(value, list):
                self.wrong.append(f'{where}: no list')
                return
            for i, item in enumerate(value):
                self.value(kind[8:], item, f'{where}[{i}]')
        elif kind.startswith('map of '):
            if not isinstance(value, dict):
                self.wrong.append(f'{where}: no object')
                return
            for key, item in value.items():
                self.value(kind[7:], item, f'{where}.{key}')
        elif kind == 'anything':
            pass
        elif kind in PLAIN:
            if not isinstance(value, PLAIN[kind]) or (isinstance(value, bool) and kind != 'boolean'):
                self.wrong.append(f'{where}: {value!r} is no {kind}')
        elif kind in self.tables:
            self.object(kind, value, where)
        else:
            self.wrong.append(f'{where}: the document has no table {kind}')

    def object(self, kind, value, where):
        fields = self.tables[kind]
        if not isinstance(value, dict):
            self.wrong.append(f'{where}: no object')
            return
        for name in fields.keys() - value.keys():
            self.wrong.append(f'{where}: no {name}')
        for name in value.keys() - fields.keys():
            self.wrong.append(f'{where}: {name} is not in the document')
        for name in fields.keys() & value.keys():
            self.value(fields[name], value[name], f'{where}.{name}')
            if name in ('verdict', 'event', 'kind') and value[name] not in self.words:
                self.wrong.append(f'{where}.{name}: {value[name]!r} is not in the document')
        if value.get('version', 1) != 1:
            self.wrong.append(f'{where}: version {value["version"]}')

    def log(self, path):
        with open(path, encoding='utf-8') as file:
            lines = [json.loads(line) for line in file]
        self.object('header', lines[0], 'line 1')
        for i, line in enumerate(lines[1:-1]):
            self.object('event', line, f'line {i + 2}')
            if line['id'] != i + 1 or line['cause'] >= line['id']:
                self.wrong.append(f'line {i + 2}: id {line["id"]}, cause {line["cause"]}')
        self.object('verdicts', lines[-1], 'the last line')

    def shell(self, path):
        with open(path, encoding='utf-8') as file:
            lines = [json.loads(line) for line in file]
        for i, line in enumerate(lines):
            self.object('answer', line, f'line {i + 1}')
            kind = {'why': 'step'}.get(line['command'][0], line['command'][0])
            if line['result'] is not None:
                many = 'list of ' if isinstance(line['result'], list) else ''
                self.value(many + kind, line['result'], f'line {i + 1}: {kind}')


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    checker = Checker(sys.argv[1])
    if sys.argv[2] in ('log', 'shell'):
        getattr(checker, sys.argv[2])(sys.argv[3])
    else:
        with open(sys.argv[3], encoding='utf-8') as file:
            checker.object(sys.argv[2], json.load(file), sys.argv[2])
    for line in checker.wrong[:20]:
        print(line)
    sys.exit(1 if checker.wrong else 0)


main()
