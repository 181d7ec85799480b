#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Random device trees, driver lists and options, with the answers that Linux gives.

usage: random-cases.py [-j N] [--seed S] [--count N] [--first N] [--boards DIR] OUT
       random-cases.py --print N [--seed S] [--boards DIR]

Writes OUT/dtb/K.dtb and OUT/answers/K.json for K = first ... first+count-1, which
weir-conform compares (weir-conform OUT/dtb OUT/answers).  Case K depends on the seed
and K alone (and on the boards).  With --boards DIR, one case in three is a real board
below DIR, mutated; the others are made from nothing.  Cases on which Linux hangs or
crashes are left out and listed in OUT/incomplete.  --print shows one case: driver list,
script and command line.

The oracle is found as by oracle-record.sh: its env.sh, or ORACLE_* in the environment.
"""
import argparse
import concurrent.futures
import glob
import json
import os
import random
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import fdt  # noqa: E402

# property, count property of the provider
LISTS = [('clocks', '#clock-cells'), ('resets', '#reset-cells'),
         ('power-domains', '#power-domain-cells'), ('phys', '#phy-cells'),
         ('interconnects', '#interconnect-cells'), ('mboxes', '#mbox-cells'),
         ('dmas', '#dma-cells'), ('iommus', '#iommu-cells'), ('pwms', '#pwm-cells'),
         ('nvmem-cells', '#nvmem-cell-cells'), ('msi-parent', '#msi-cells'),
         ('access-controllers', '#access-controller-cells'), ('gpios', '#gpio-cells'),
         ('gpio', '#gpio-cells'), ('reset-gpios', '#gpio-cells'),
         ('cs-gpio', '#gpio-cells'), ('snps,nr-gpios', '#gpio-cells'),
         ('hwlocks', '#hwlock-cells'), ('io-channels', '#io-channel-cells'),
         ('pses', '#pse-cells'), ('io-backends', '#io-backend-cells')]
PLAIN = ['pinctrl-0', 'pinctrl-0', 'pinctrl-1', 'pinctrl-8', 'pinctrl-9', 'vdd-supply',
         'vcc-supply', '-supply', 'extcon', 'leds', 'panel', 'backlight', 'wakeup-parent',
         'power-supplies', 'post-init-providers']
BUSES = ['simple-bus', 'simple-mfd', 'isa', 'arm,amba-bus']
RESERVED = ['phram', 'qcom,smem', 'ramoops', 'nvmem-rmem', 'google,open-dice']
STATUS = ['okay', 'ok', 'disabled', 'disabled', 'disabled', 'reserved', 'fail', '']


class Case:
    """One case in the making: the tree, the drivers, the script, the command line."""

    def __init__(self, rng):
        self.rng = rng
        self.odd = rng.random() < 0.6  # whether lists have holes and faults
        self.root = None
        self.drivers = []
        self.script = ''
        self.cmdline = ''

    def chance(self, p):
        return self.rng.random() < p

    # ---- command line and script -------------------------------------------

    def make_cmdline(self):
        rng, words = self.rng, []
        if self.chance(0.4):
            words.append('fw_devlink.strict=1')
        if self.chance(0.2):
            words.append('fw_devlink=' + rng.choice(['on', 'permissive', 'off', 'rpm',
                                                     'nonsense']))
        if self.chance(0.12):
            words.append('oracle.sync_state=1')
            if self.chance(0.5):
                words.append('fw_devlink.sync_state=' + rng.choice(['strict', 'timeout']))
        self.timeout = 10
        if self.chance(0.3):
            self.timeout = rng.choice([0, -1, 1, 3, 30])
            words.append(f'deferred_probe_timeout={self.timeout}')
        self.cmdline = ' '.join(words)

    def make_script(self, names):
        """names: drivers that can be loaded and unloaded."""
        rng = self.rng
        span = max(self.timeout, 1) * 1000
        after = span + 10000
        steps, dumps = ['settle', 'dump boot'], 0
        reload = self.chance(0.3)
        for _ in range(rng.choice([4, 8, 14] if reload else [0, 1, 2, 3, 5, 8])):
            what = rng.random() * (0.75 if reload else 1)
            name = rng.choice(names) if names else None
            if what < (0.30 if reload else 0.40) and name:
                steps.append(f'load {name}')
            elif what < 0.60 and name:
                steps.append(f'unload {name}')
            elif what < 0.68:
                steps.append('coldplug')
            elif what < 0.76:
                steps.append('load-external')
            elif what < 0.86:
                # Linux's timers are coarse, some 7 %: no sum of these comes
                # near the moment at which the timeout fires
                steps.append(f'wait {span * 22 // 100}')
            elif what < 0.92:
                steps.append(f'wait {after}')
            else:
                continue
            if self.chance(0.5):
                dumps += 1
                steps.append(f'dump step{dumps}')
        steps += ['settle', f'wait {after}', 'dump timeout']
        if names and self.chance(0.3):
            steps += [f'load {rng.choice(names)}', 'dump late']
        self.script = '; '.join(steps)

    # ---- drivers -----------------------------------------------------------

    def make_drivers(self, compatibles, paths, names_of_devices):
        rng, lines, modules = self.rng, [], []
        for kind in ('!irq', '!early', '!init'):
            if compatibles and self.chance(0.25):
                lines.append(' '.join([kind] + rng.sample(compatibles,
                                                          min(len(compatibles), 2))))
        plain = [p for p in paths if ' ' not in p]
        for kind in ('!fail', '!defer1', '!defer2', '!defer5'):
            if plain and self.chance(0.15):
                lines.append(' '.join([kind] + rng.sample(plain, min(len(plain), 2))))
        todo = [c for c in compatibles if self.chance(0.88)]
        rng.shuffle(todo) if self.chance(0.5) else None
        late = self.chance(0.5)
        number = 0
        while todo:
            own = [todo.pop(0)]
            while todo and self.chance(0.15):
                own.append(todo.pop(0))
            if self.chance(0.08):
                own.append(rng.choice(compatibles))
            own = ['^' + c if self.chance(0.08) else c for c in own]
            name = f'd{number}'
            number += 1
            if names_of_devices and self.chance(0.03):
                name = rng.choice(names_of_devices)
                names_of_devices.remove(name)
            what = rng.random()
            if what < (0.55 if late else 0.85):
                when = rng.choice(['6', '6', '6', '6', '4', '5', '3', '3s', '2', '4s',
                                   '6s', '7', '7s', '1'])
            elif what < 0.93:
                when = 'm'
            else:
                when = 'x'
            deps = ''
            if modules and self.chance(0.2):
                deps = ':' + ','.join(rng.sample(modules, min(len(modules), 2)))
            if when in 'mx' or self.chance(0.4):
                modules.append(name)
            lines.append(f'{name}@{when}{deps} ' + ' '.join(own))
        self.drivers = lines
        return modules

    # ---- a tree from nothing -----------------------------------------------

    def new_tree(self):
        rng = self.rng
        root = self.root = fdt.Node('')
        self.nodes = []
        if self.chance(0.8):
            root.props['#address-cells'] = fdt.cells(rng.choice([1, 1, 1, 2]))
            root.props['#size-cells'] = fdt.cells(rng.choice([1, 1, 2, 0]))
        size = rng.choice([3, 5, 8, 12, 20, 40])
        self.vocabulary = [f't,{i}' for i in range(max(2, int(size * rng.choice([0.4, 0.8]))))]
        parents = [root]
        for number in range(size):
            parent = rng.choice(parents if self.chance(0.5) else parents[-3:])
            self.new_node(parent, number)
            node = self.nodes[-1]
            parents += [node] * (3 if node.props.get('compatible', b'').split(b'\0')[0]
                                 .decode() in BUSES else 1)
        self.phandles = {}
        self.providers()
        for node in self.nodes:
            self.consumers(node)
        if self.chance(0.5):
            self.interrupts()
        if self.chance(0.3):
            self.endpoints()
        if self.chance(0.25):
            self.chosen()
        self.finish_phandles()
        self.break_interrupt_loops()
        for node in self.nodes:
            if self.chance(0.3):
                items = list(node.props.items())
                rng.shuffle(items)
                node.props = dict(items)

    def new_node(self, parent, number):
        rng = self.rng
        if parent is self.root and self.chance(0.04):
            name = 'firmware'
        else:
            name = rng.choice(['dev', 'bus', 'box', f'n{number}', f'n{number}'])
        address = rng.randrange(0, 16) * 0x10 if self.chance(0.5) else None
        full = name if address is None or name == 'firmware' else f'{name}@{address:x}'
        if any(c.name == full for c in parent.children):
            full = f'n{number}' if address is None else f'n{number}@{address:x}'
        node = fdt.Node(full, parent)
        self.nodes.append(node)
        what = rng.random()
        if name == 'firmware':
            return
        if what < 0.62:
            own = [rng.choice(self.vocabulary)]
            if self.chance(0.25):
                own.append(rng.choice(self.vocabulary))
            if self.chance(0.07):
                own.insert(rng.randrange(2), 'arm,primecell')
            if self.chance(0.02):
                own.append('operating-points-v2')
            if self.chance(0.03):
                own.append(rng.choice(RESERVED))
            node.props['compatible'] = fdt.strings(*own)
        elif what < 0.82:
            own = [rng.choice(BUSES)]
            if self.chance(0.3):
                own.insert(0, rng.choice(self.vocabulary))
            node.props['compatible'] = fdt.strings(*own)
            if self.chance(0.7):
                node.props['#address-cells'] = fdt.cells(rng.choice([1, 1, 1, 2, 3]))
                node.props['#size-cells'] = fdt.cells(rng.choice([1, 1, 1, 2, 0]))
            if self.chance(0.4):
                node.props['ranges'] = b''
            elif self.chance(0.3):
                na, _ = self.child_cells(node)
                pa, _ = self.child_cells(node.parent)
                _, ns = self.child_cells(node)
                node.props['ranges'] = fdt.cells(
                    *[0] * na, *[0] * (pa - 1), 0x1000 * rng.randrange(1, 4),
                    *[0] * (ns - 1), *([0x100] if ns else []))
        elif self.chance(0.1):
            node.props['compatible'] = b''
        if self.chance(0.14):
            node.props['status'] = fdt.strings(rng.choice(STATUS))
            if self.chance(0.05):
                node.props['status'] = b''
        if address is not None and self.chance(0.8):
            na, ns = self.child_cells(parent)
            node.props['reg'] = fdt.cells(*[0] * (na - 1), *([address] if na else []),
                                          *[0] * (ns - 1), *([0x10] if ns else []))
            if self.chance(0.02):
                node.props['mask'] = fdt.cells(rng.choice([0, 1, 8]))

    def child_cells(self, node):
        """Cells of an address and a size in the reg of a child."""
        if node.name.startswith('pci'):
            return 3, 2
        if node.name == 'isa':
            return 2, 1
        found = []
        for name in ('#address-cells', '#size-cells'):
            at = node
            while at is not None and name not in at.props:
                at = at.parent
            found.append(at.cells(name)[0] if at is not None else 1)
        return found

    def providers(self):
        for node in self.nodes:
            for _, count in LISTS:
                if self.chance(0.25):
                    node.props[count] = fdt.cells(self.rng.choice([0, 0, 0, 1, 2]))
            if self.chance(0.6):
                node.props.pop('#iommu-cells', None)

    def phandle(self, node):
        return self.phandles.setdefault(id(node), len(self.phandles) + 1)

    def finish_phandles(self):
        rng = self.rng
        for node in [self.root] + self.nodes:
            if id(node) in self.phandles:
                name = 'linux,phandle' if self.chance(0.03) else 'phandle'
                number = self.phandles[id(node)]
                if self.chance(0.01):
                    number = rng.randrange(1, len(self.phandles) + 2)
                node.props[name] = fdt.cells(number)

    def target(self):
        if self.chance(0.01):
            return self.root
        return self.rng.choice(self.nodes)

    def entries(self, count_name):
        """One to three references, now and then with a hole or a fault."""
        rng, values = self.rng, []
        able = [n for n in self.nodes if count_name in n.props] if count_name else []
        for _ in range(rng.choice([1, 1, 1, 2, 3])):
            odd = rng.random() if self.odd else 0.5
            if odd < 0.06:
                values.append(0)
                continue
            if odd < 0.08:
                values.append(rng.choice([0xdead, 0xffffffff]))
                continue
            node = rng.choice(able) if able and self.chance(0.85) else self.target()
            values.append(self.phandle(node))
            count = node.cells(count_name)[:1] if count_name else []
            args = count[0] if count else 0
            if odd > 0.96:
                args = max(0, args + rng.choice([-1, 1]))
            values += [rng.randrange(4) for _ in range(args)]
        return values

    def consumers(self, node):
        rng = self.rng
        for _ in range(rng.choice([0, 0, 1, 1, 1, 2, 4])):
            if self.chance(0.65):
                prop, count = rng.choice(LISTS[:8] if self.chance(0.6) else LISTS)
                node.props[prop] = fdt.cells(*self.entries(count))
            elif self.chance(0.9):
                node.props[rng.choice(PLAIN)] = fdt.cells(*self.entries(None))
            else:
                values = []
                for i in range(rng.choice([1, 2, 3])):
                    phandle = 0 if self.chance(0.1) else self.phandle(self.target())
                    values += [i, phandle, 0, 1]
                node.props['iommu-map'] = fdt.cells(*values)
        if self.chance(0.02):
            node.props['gpio-hog'] = b''

    def interrupts(self):
        rng = self.rng
        controllers = rng.sample(self.nodes, min(len(self.nodes), rng.choice([1, 2, 4])))
        for node in controllers:
            if self.chance(0.85):
                node.props['#interrupt-cells'] = fdt.cells(rng.choice([1, 1, 2]))
            if self.chance(0.75):
                node.props['interrupt-controller'] = b''
            if self.chance(0.3):
                node.props['#address-cells'] = fdt.cells(rng.choice([0, 1, 2]))
                for child in node.children:
                    child.props.pop('reg', None)
        order = {id(n): i for i, n in enumerate(self.nodes)}
        for node in controllers:
            # a map leads to a later controller or to itself: no endless walk
            if not self.chance(0.3) or '#interrupt-cells' not in node.props:
                continue
            later = [n for n in controllers if order[id(n)] > order[id(node)]]
            values = []
            na, ni = self.child_cells(node)[0], node.cells('#interrupt-cells')[0]
            for _ in range(rng.choice([1, 2, 3])):
                if not later:
                    break
                to = rng.choice(later)
                args = (to.cells('#address-cells')[:1] or [0])[0] + \
                    (to.cells('#interrupt-cells')[:1] or [0])[0]
                values += [rng.choice([0, 0x10]) if self.chance(0.5) else 0
                           for _ in range(na)]
                values += [rng.randrange(3) for _ in range(ni)]
                values += [self.phandle(to)] + [rng.randrange(3) for _ in range(args)]
            if self.chance(0.05):
                values = values[:-1]
            node.props['interrupt-map'] = fdt.cells(*values)
            if self.chance(0.6):
                node.props['interrupt-map-mask'] = fdt.cells(
                    *[rng.choice([0, 0xffffffff, 0x10]) for _ in range(na)],
                    *[rng.choice([0, 1, 3, 0xffffffff]) for _ in range(ni)])
            if self.chance(0.1):
                compat = node.props.get('compatible', b'')
                node.props['compatible'] = compat + fdt.strings('fsl,ls1088a-extirq')
        if self.chance(0.6):
            self.root.props['interrupt-parent'] = fdt.cells(
                self.phandle(rng.choice(controllers)))
        for node in self.nodes:
            if self.chance(0.1):
                node.props['interrupt-parent'] = fdt.cells(
                    self.phandle(rng.choice(controllers)))
            if self.chance(0.35):
                node.props['interrupts'] = fdt.cells(
                    *[rng.randrange(3) for _ in range(rng.choice([1, 2, 3]))])
            if self.chance(0.12):
                values = []
                for _ in range(rng.choice([1, 2])):
                    if self.chance(0.1):
                        values.append(0)
                        continue
                    to = rng.choice(controllers)
                    values.append(self.phandle(to))
                    values += [rng.randrange(3) for _ in
                               range((to.cells('#interrupt-cells')[:1] or [0])[0])]
                node.props['interrupts-extended'] = fdt.cells(*values)

    def break_interrupt_loops(self):
        """No interrupt-parent that leads in a circle: Linux does not come back."""
        break_interrupt_loops(self.root)

    def endpoints(self):
        rng, ends = self.rng, []
        for node in rng.sample(self.nodes, min(len(self.nodes), 6)):
            at = node
            box = rng.choice([None, None, 'ports', 'in-ports', 'out-ports', 'other'])
            if box and not any(c.name == box for c in at.children):
                at = fdt.Node(box, at)
                self.nodes.append(at)
            if any(c.name == 'port' for c in at.children):
                continue
            port = fdt.Node('port', at)
            end = fdt.Node('endpoint', port)
            self.nodes += [port, end]
            ends.append(end)
        for end in ends:
            if self.chance(0.8):
                to = rng.choice(ends)
                end.props['remote-endpoint'] = fdt.cells(self.phandle(to))
                if self.chance(0.6):
                    to.props['remote-endpoint'] = fdt.cells(self.phandle(end))

    def chosen(self):
        rng = self.rng
        chosen = fdt.Node('chosen', self.root)
        node = rng.choice(self.nodes)
        path, tail = node.path, rng.choice(['', ':115200'])
        if self.chance(0.4):
            aliases = fdt.Node('aliases', self.root)
            aliases.props['serial0'] = fdt.strings(path)
            path = 'serial0'
        chosen.props[rng.choice(['stdout-path'] * 4 + ['linux,stdout-path'])] = \
            fdt.strings(path + tail)
        for i in range(rng.choice([0, 0, 1, 2])):
            fb = fdt.Node(f'fb{i}', chosen)
            fb.props['compatible'] = fdt.strings(*(['t,fb'] if self.chance(0.2) else
                                                   ['simple-framebuffer']))
            if self.chance(0.3):
                fb.props['status'] = fdt.strings('disabled')

    # ---- a real board, changed ---------------------------------------------

    def mutate_board(self, path):
        rng = self.rng
        root = self.root = fdt.read(open(path, 'rb').read())

        def nodes():
            return [n for n in root.walk() if n.parent is not None] or [root]

        keep = rng.choice([1.0, 1.0, 0.9, 0.6, 0.3])
        if keep < 1.0:
            for node in nodes():
                if node.name in ('chosen', 'aliases', 'soc', 'soc@0') or not self.chance(
                        (1 - keep) * 0.6):
                    continue
                if node.parent is not None and node in node.parent.children:
                    node.remove()
        for _ in range(rng.choice([0, 1, 3, 10])):
            node = rng.choice(nodes())
            if node is not root:
                node.remove()
        for _ in range(rng.choice([0, 2, 5, 20])):
            node = rng.choice(nodes())
            if self.chance(0.5):
                node.props['status'] = fdt.strings('disabled')
            else:
                node.props.pop('status', None)
        handles = [n.cells('phandle')[0] for n in nodes() if 'phandle' in n.props]
        known = set(handles)
        for _ in range(rng.choice([0, 2, 5, 20])):
            node = rng.choice(nodes())
            names = [k for k in node.props if k != 'phandle' and len(node.props[k]) >= 4
                     and len(node.props[k]) % 4 == 0
                     and known.intersection(node.cells(k))]
            if not names or not handles:
                continue
            values, name = node.cells(names[0]), rng.choice(names)
            values = node.cells(name)
            at = rng.choice([i for i, v in enumerate(values) if v in known])
            values[at] = rng.choice(handles + [0])
            if name != 'interrupt-map':
                node.props[name] = fdt.cells(*values)
        for _ in range(rng.choice([0, 0, 2, 5])):
            node, other = rng.choice(nodes()), rng.choice(nodes())
            names = [k for k in other.props if k not in
                     ('phandle', 'reg', 'ranges', 'interrupt-map', '#address-cells',
                      '#size-cells', 'interrupt-parent', 'remote-endpoint')]
            if names:
                name = rng.choice(names)
                node.props[name] = other.props[name]
            if node.props and self.chance(0.3):
                # not what other nodes' reg is read with: see 17.17
                name = rng.choice(list(node.props))
                if name not in ('#address-cells', '#size-cells', 'phandle'):
                    del node.props[name]
        for _ in range(rng.choice([0, 0, 1, 4])):
            node = rng.choice(nodes())
            if handles:
                node.props['post-init-providers'] = fdt.cells(
                    *rng.sample(handles, min(len(handles), 2)))
        if self.chance(0.3):
            for node in nodes():
                if self.chance(0.1):
                    items = list(node.props.items())
                    rng.shuffle(items)
                    node.props = dict(items)
        drop_endpoints_at_root(root)
        break_interrupt_loops(root)


def drop_endpoints_at_root(root):
    for child in root.children:
        child.props.pop('remote-endpoint', None)


def break_interrupt_loops(root):
    """Take away each interrupt-parent that closes a circle."""
    by_phandle = {}
    for node in root.walk():
        for name in ('phandle', 'linux,phandle'):
            if node.cells(name):
                by_phandle.setdefault(node.cells(name)[0], node)
    for start in list(root.walk()):
        seen, node, last = set(), start, None
        while node is not None:
            if 'interrupt-controller' in node.props and '#interrupt-cells' in node.props \
                    and 'interrupt-map' not in node.props:
                break
            if id(node) in seen:
                # only up the tree from here on: the end is the root
                del last.props['interrupt-parent']
                seen, node = set(), start
                continue
            seen.add(id(node))
            own = node.cells('interrupt-parent')
            last = node if own and own[0] in by_phandle else last
            node = by_phandle.get(own[0], node.parent) if own else node.parent


def all_compatibles(root):
    seen = {}
    for node in root.walk():
        for c in node.strings('compatible'):
            if c and not any(s.isspace() for s in c):
                seen.setdefault(c)
    return list(seen)


def board_drivers(case):
    """Mostly one driver for each compatible, as the kit's scenarios have it."""
    rng, lines, modules = case.rng, [], []
    compatibles = all_compatibles(case.root)
    if rng.random() < 0.7:
        for word in map(str.split, open(os.environ['ORACLE_BUILTIN'])):
            if word and word[0][0] == '!' and word[1] in compatibles:
                lines.append(' '.join(word))
    paths = [n.path for n in case.root.walk()
             if 'compatible' in n.props and ' ' not in n.path]
    if paths and rng.random() < 0.3:
        lines.append(' '.join(['!fail'] + rng.sample(paths, min(3, len(paths)))))
        lines.append(' '.join(['!defer2'] + rng.sample(paths, min(6, len(paths)))))
    iommus = set()
    for node in case.root.walk():
        if '#iommu-cells' in node.props:
            iommus.update(node.strings('compatible'))
    how = rng.choice(['all', 'iommu', 'levels', 'modules', 'holes'])
    for number, c in enumerate(compatibles):
        when = '6'
        if how == 'iommu' and c in iommus:
            when = 'x'
        elif how == 'levels':
            when = rng.choice(['6', '6', '4', '5', '3', '3s', '2', '7', '7s', 'm', 'x'])
        elif how == 'modules':
            when = rng.choice(['6', 'm', 'm'])
        elif how == 'holes' and rng.random() < 0.2:
            continue
        if when in 'mx' or rng.random() < 0.1:
            modules.append(f'd{number}')
        lines.append(f'd{number}@{when} {c}')
    case.drivers = lines
    return modules


def make_case(seed, number, boards):
    case = Case(random.Random(f'{seed}:{number}'))
    case.make_cmdline()
    if boards and number % 3 == 0:
        case.mutate_board(case.rng.choice(boards))
        modules = board_drivers(case)
    else:
        case.new_tree()
        nodes = [n for n in case.root.walk() if 'compatible' in n.props]
        modules = case.make_drivers(all_compatibles(case.root), [n.path for n in nodes],
                                    [n.name for n in nodes if '@' not in n.name])
    case.make_script(modules)
    return case


def record(seed, number, boards, out):
    """Write one case and its answer; None, or what is wrong with it."""
    case = make_case(seed, number, boards)
    dtb = os.path.join(out, 'dtb', f'{number:05d}.dtb')
    answer = os.path.join(out, 'answers', f'{number:05d}.json')
    with open(dtb, 'wb') as f:
        f.write(fdt.write(case.root))
    with tempfile.NamedTemporaryFile('w', suffix='.drivers') as f:
        f.write('\n'.join(case.drivers) + '\n')
        f.flush()
        r = subprocess.run([sys.executable, os.path.join(HERE, 'oracle-run.py'), dtb,
                            '--drivers', f.name, '--script', case.script,
                            f'--cmdline={case.cmdline}', '--timeout', '10'],
                           capture_output=True, text=True)
    if not r.stdout:
        return f'{number:05d}: {r.stderr.strip()}'
    result = json.loads(r.stdout)
    if not result['complete']:
        os.rename(dtb, os.path.join(out, 'broken', f'{number:05d}.dtb'))
        return f'{number:05d}: {result["status"]} {case.cmdline}'
    with open(answer, 'w') as f:
        f.write(r.stdout)
    return None


def main():
    p = argparse.ArgumentParser()
    p.add_argument('-j', type=int, default=os.cpu_count())
    p.add_argument('--seed', default='1')
    p.add_argument('--count', type=int, default=100)
    p.add_argument('--first', type=int, default=0)
    p.add_argument('--boards', help='directory of real DTBs to mutate')
    p.add_argument('--print', type=int, metavar='N', dest='show')
    p.add_argument('out', nargs='?')
    a = p.parse_args()
    boards = sorted(glob.glob(os.path.join(a.boards, '**', '*.dtb'), recursive=True)) \
        if a.boards else []
    if a.boards and not boards:
        p.error(f'no device trees below {a.boards}')
    if a.show is not None:
        case = make_case(a.seed, a.show, boards)
        print('cmdline:', case.cmdline, '\nscript:', case.script)
        print('\n'.join(case.drivers))
        return 0
    if not a.out:
        p.error('where to?')
    for need in ('ORACLE_KIT', 'ORACLE_LINUX', 'ORACLE_ROOT', 'ORACLE_BUILTIN'):
        if need not in os.environ:
            p.error(f'{need} is not set; the oracle\'s env.sh sets it')
    for name in ('dtb', 'answers', 'broken'):
        os.makedirs(os.path.join(a.out, name), exist_ok=True)
    print(f'random-cases.py: seed {a.seed}, cases {a.first} to {a.first + a.count - 1}',
          file=sys.stderr)
    faults = []
    with concurrent.futures.ThreadPoolExecutor(a.j) as pool:
        numbers = range(a.first, a.first + a.count)
        for done, wrong in enumerate(pool.map(
                lambda n: record(a.seed, n, boards, a.out), numbers), 1):
            if wrong:
                faults.append(wrong)
            if done % 100 == 0:
                print(f'random-cases.py: {done}/{a.count}, {len(faults)} incomplete',
                      file=sys.stderr)
    with open(os.path.join(a.out, 'incomplete'), 'a') as f:
        f.writelines(line + '\n' for line in faults)
    print(f'random-cases.py: {a.count - len(faults)} answers in {a.out}, '
          f'{len(faults)} incomplete', file=sys.stderr)
    return 0


if __name__ == '__main__':
    sys.exit(main())
