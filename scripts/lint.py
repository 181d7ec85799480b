#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The house style, as far as text tells: one line a rule in the test anything protocol.

usage: lint.py LIST

LIST names the files to look at, one path a line from here. A rule that only warns prints
comments and is no test. Exit status 0 when every rule holds.
"""
import os
import re
import sys

MAX_LINES, WARN_LINES = 900, 600
WARN_FUNCTION = 60
MAX_COLUMNS = 120  # the layout aims at 100; a word that does not fit may stand out

# Who may include whom: the arrows of the design. A part may include itself.
BELOW = {
    'core': [],
    'firmware': ['core'],
    'pci': ['core'],
    'virtio': ['pci', 'firmware', 'core'],
    'iommu': ['pci', 'firmware', 'core'],
    'dma': ['iommu', 'pci', 'firmware', 'core'],
    'drivers': ['virtio', 'dma', 'iommu', 'pci', 'firmware', 'core'],
    'policy': ['dma', 'iommu', 'pci', 'firmware', 'core'],
}
SRC_SYSTEM = {'stdarg.h', 'stdatomic.h', 'stdbool.h', 'stddef.h', 'stdint.h'}
PUBLIC_SYSTEM = {'stdbool.h', 'stddef.h', 'stdint.h'}

GPL_FILES = ('tests/pgtable/linux.c', 'tests/pgtable/linux_short.c', 'tests/pgtable/shim.h',
             'tests/exynos/linux-race.sh', 'tests/exynos/linux-add.sh')

# Written so that this file does not contain them.
UNFINISHED = re.compile(r'\b(TO' r'DO|FIX' r'ME|X' r'XX|HA' r'CK)\b|not impl' r'emented')
FOREIGN_PATH = re.compile(r'(?<![\w.$}*/)])/(home|root|work|farm|tmp(?!/[\w.-]*XXXXXX))/')
URL = re.compile(r'\b(?:https?|ftp)' r'://')
SVG_NAME = 'http://www.w3.org/2000/svg'

COMMENT = re.compile(r'/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|//[^\n]*', re.S)


def read(path):
    with open(path, encoding='utf-8', errors='replace') as file:
        return file.read()


def code_only(text):
    """Comments and string contents become blanks; lines keep their numbers."""
    def blank(match):
        found = match.group(0)
        if found[0] in '"\'':
            return found[0] + ' ' * (len(found) - 2) + found[0]
        return re.sub(r'[^\n]', ' ', found)
    return COMMENT.sub(blank, text)


def line_of(text, offset):
    return text.count('\n', 0, offset) + 1


class Tree:
    """All texts, read once."""

    def __init__(self, paths):
        self.text = {p: read(p) for p in paths
                     if p.endswith(('.c', '.h', '.S', '.dts', '.py', '.sh', '.txt', '.md', '.map'))
                     or os.path.basename(p) in ('meson.build', 'Makefile', 'run')}
        self.c = [p for p in self.text if p.endswith(('.c', '.h'))]
        self.code = {p: code_only(self.text[p]) for p in self.c}


def includes(tree, path):
    for match in re.finditer(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', tree.text[path], re.M):
        yield match.group(1) == '<', match.group(2), line_of(tree.text[path], match.start())


def part_of(path):
    parts = path.split('/')
    return parts[1] if parts[0] == 'src' and len(parts) > 2 else parts[0]


def check_direction(tree):
    """includes go down the house"""
    for path in tree.c:
        top, part = path.split('/')[0], part_of(path)
        for system, name, line in includes(tree, path):
            first = name.split('/')[0]
            where = f'{path}:{line}: '
            if top == 'include' and (name not in PUBLIC_SYSTEM if system else first != 'weir'):
                yield where + f'a public header includes {name}'
            if top == 'src' and part != 'freestanding':
                libfdt = name == 'libfdt.h' and path.startswith('src/firmware/dt/')
                if system and name not in SRC_SYSTEM and not libfdt:
                    yield where + f'the library includes <{name}>'
                if not system and first in BELOW and first != part and first not in BELOW[part]:
                    yield where + f'{part} includes {name}'
            if top in ('src', 'sim') and not system and first in ('tool', 'port', 'tests'):
                yield where + f'{top} includes {name}'
            if top == 'port' and not system and first in BELOW:
                yield where + f'a port includes {name}, which is private'


def check_cycles(tree):
    """no header includes itself by way of others"""
    prefixes = ['include/', 'src/', 'sim/', 'tool/', 'tests/support/', 'port/posix/include/',
                'port/qtest/include/']
    graph = {}
    for path in tree.c:
        if path.endswith('.h'):
            near = [os.path.dirname(path) + '/'] + prefixes
            graph[path] = [next((p + n for p in near if p + n in tree.text), None)
                           for system, n, _ in includes(tree, path) if not system]
    state = {}

    def walk(path, trail):
        state[path] = 'open'
        for name in graph.get(path, []):
            if state.get(name) == 'open':
                yield ' -> '.join(trail[trail.index(name):] + [name])
            elif name and name not in state:
                yield from walk(name, trail + [name])
        state[path] = 'done'
    for path in graph:
        if path not in state:
            yield from walk(path, [path])


def check_size(tree):
    """no file is longer than 900 lines"""
    for path, text in tree.text.items():
        lines = text.count('\n')
        if path.endswith(('.c', '.h', '.py', '.sh')) and lines > MAX_LINES:
            yield f'{path}: {lines} lines'


def check_spdx(tree):
    """the first line names the licence"""
    for path, text in tree.text.items():
        first = text.split('\n')[:2]
        # what is compiled into Linux's own files, for a test
        licence = 'GPL-2.0-only' if path in GPL_FILES else 'MIT'
        if path.endswith(('.c', '.h', '.S', '.dts')):
            if first[0] != f'// SPDX-License-Identifier: {licence}':
                yield f'{path}:1: no licence line'
        elif not path.endswith(('.md', '.txt', '.map')):
            at = 1 if first[0].startswith('#!') else 0
            if first[at:at + 1] != [f'# SPDX-License-Identifier: {licence}']:
                yield f'{path}:{at + 1}: no licence line'


def check_comments(tree):
    """comments are /* */"""
    for path in tree.c:
        for match in COMMENT.finditer(tree.text[path]):
            if match.group(0).startswith('//') and match.start() > 0:
                yield f'{path}:{line_of(tree.text[path], match.start())}: // comment'


def check_words(tree):
    """nothing unfinished, and no path or host of somebody's machine"""
    for path, text in tree.text.items():
        for number, line in enumerate(text.split('\n'), 1):
            if UNFINISHED.search(line):
                yield f'{path}:{number}: left for later: {line.strip()[:60]}'
            if FOREIGN_PATH.search(line):
                yield f'{path}:{number}: path of one machine: {line.strip()[:60]}'
            # the name of a format is an address that nothing fetches
            if URL.search(line.replace(SVG_NAME, '')) and not path.endswith('.md'):
                yield f'{path}:{number}: names a host: {line.strip()[:60]}'


def check_layout(tree):
    """lines fit in 120 columns, are indented with tabs and have no blanks at the end"""
    for path in tree.c:
        for number, line in enumerate(tree.text[path].split('\n'), 1):
            where = f'{path}:{number}: '
            # A message stays in one piece, so that it can be searched for.
            if len(line.expandtabs(8)) > MAX_COLUMNS and not line.lstrip().startswith('"'):
                yield where + f'{len(line.expandtabs(8))} columns'
            if line != line.rstrip():
                yield where + 'blanks at the end'
            if re.match(r'\t* {8}', line):
                yield where + 'indented with blanks'
        if not tree.text[path].endswith('\n') or tree.text[path].endswith('\n\n'):
            yield f'{path}: does not end with one newline'


def check_lists(tree):
    """every source is in exactly one list, and every listed source exists"""
    seen = {}
    for path, text in tree.text.items():
        if os.path.basename(path) != 'sources.txt':
            continue
        for number, line in enumerate(text.split('\n'), 1):
            name = line.strip()
            if not name or name.startswith('#'):
                continue
            if name not in tree.text:
                yield f'{path}:{number}: {name} does not exist'
            if name in seen:
                yield f'{path}:{number}: {name} is also in {seen[name]}'
            seen[name] = path
    for path in tree.c:
        parts = ('src/', 'sim/', 'tool/', 'port/')
        if path.endswith('.c') and path.startswith(parts) and path not in seen:
            yield f'{path}: in no sources.txt'


PROTOTYPE = re.compile(
    r'^(?!typedef\b|struct \w+ \{|enum\b[^;(]*\{|#)'
    r'((?:const |unsigned |struct |enum )*\w+[ \t*]*(?:const)?[ \t*]*)(weir_\w+)\(([^;{]*?)\)'
    r'[^;{()]*(?:#if.*?#endif[^;]*)?;', re.M | re.S)


def check_returns(tree):
    """public headers: `Return:` is there for each int, not for void, with codes that exist"""
    codes = set(re.findall(r'\b(WEIR_E\w+|WEIR_OK)\b', tree.code.get('include/weir/err.h', '')))
    for path in tree.c:
        if not path.startswith('include/weir/'):
            continue
        text, code = tree.text[path], tree.code[path]
        docs = [(m.start(), m.end(), m.group(0)) for m in re.finditer(r'/\*\*.*?\*/', text, re.S)]
        prototypes = {m.group(2): m for m in PROTOTYPE.finditer(code)}
        named = {}
        for start, end, doc in docs:
            heading = re.match(r'/\*\*\s*\*?\s*([\w\s/*]*?)\s+-\s', doc)
            where = f'{path}:{line_of(text, start)}: '
            if not heading:
                yield where + 'a documenting comment without "NAME - "'
                continue
            for name in re.findall(r'weir_\w+', heading.group(1)):
                named[name] = doc
                if name not in prototypes:
                    yield where + f'documents {name}, which the header does not declare'
            body = doc.split('Return:', 1)[1] if 'Return:' in doc else ''
            for error in re.findall(r'\bWEIR_E[A-Z0-9]+\b(?!_)', body):
                if error not in codes and not error.startswith('WEIR_EVENT'):
                    yield where + f'{error} is not in err.h'
        for name, match in prototypes.items():
            kind, where = match.group(1).strip(), f'{path}:{line_of(code, match.start())}: '
            doc = named.get(name)
            if kind == 'void' and doc and 'Return:' in doc and ' / ' not in doc.split(' - ')[0]:
                yield where + f'{name} returns nothing, its comment says Return:'
            if kind == 'int' and (not doc or 'Return:' not in doc):
                yield where + f'{name} returns int, its comment does not say what'


def function_lengths(tree):
    for path in tree.c:
        start = None
        lines = tree.code[path].split('\n')
        for number, line in enumerate(lines):
            if line == '{':
                start = number
            elif line == '}' and start is not None:
                if number - start - 1 > WARN_FUNCTION:
                    yield f'{path}:{start + 1}: a function of {number - start - 1} lines'
                start = None


def warnings(tree):
    for path, text in tree.text.items():
        if path.endswith(('.c', '.h')) and WARN_LINES < text.count('\n') <= MAX_LINES:
            yield f'{path}: {text.count(chr(10))} lines, split at {WARN_LINES}'
    yield from function_lengths(tree)


CHECKS = [check_direction, check_cycles, check_size, check_spdx, check_comments, check_words,
          check_layout, check_lists, check_returns]


def main():
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    tree = Tree(read(sys.argv[1]).split())
    failed = False
    for check in CHECKS:
        found = list(check(tree))
        failed = failed or bool(found)
        print(f'{"not ok" if found else "ok"} - {check.__doc__}')
        for text in found:
            print('#   ' + text)
    for text in warnings(tree):
        print('# warning: ' + text)
    return 1 if failed else 0


sys.exit(main())
