#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compare the groups of PCI functions with those of a Linux kernel booted in the same QEMU.

usage: compare.py KERNEL BUSYBOX MODULES PROGRAM WEIR WORK [NAME...]

KERNEL is an arm64 image, BUSYBOX a static arm64 program, MODULES its kernel's directory
of modules (pci-stub.ko is taken from it), PROGRAM tests/groups/groups, WEIR the command. WORK is a
directory for the initramfs, the consoles and the report. NAMEs of topologies.txt limit
what is compared. JOBS (2) machines run at a time.

Linux makes a group of a function when a driver is tried on it; so pci-stub is bound to
each that has no other driver, in the order of the buses. Functions are compared by
their path, for bus numbers may differ. Each topology is booted as it is (rules
linux-6.12-dt), and, when it has root ports, once more with ACS switched on while
buses are walked, as on machines without device tree (linux-6.12).

Linux's driver of SMMUv3 takes an id once: of the functions behind a bridge that puts in
its own, all but the first are refused and are in no group. So such a topology is booted
again with one of them bound first, until each was in a group. Those behind a conventional
bridge on the root bus never are, for the bridge has the id itself; they are counted as
not compared.

In the first boot of a topology of CAPTURED, weir-capture.sh packs what it sees, and `weir groups` must find in
the archive the groups that this kernel made, by ACS as it is there, and a cause for each that is shared.

Writes TAP, then a table. Exit status 0 when all partitions are equal.
"""
import concurrent.futures
import json
import lzma
import os
import re
import stat
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '../plan'))
import observe  # noqa: E402

CAPTURED = ('everything', 'root-slot-of-three')
MACHINE = 'virt,iommu=smmuv3,gic-version=3'
BOOT_SECONDS = 120
MAX_BOOTS = 6
# ACS of QEMU's root ports: UF, CR, RR and SV on, the others as they are (bits 6 to 0).
ACS_ON = 'pci=config_acs=xx111x1@pci:1b36:000c'

INIT = '''#!/bin/sh
/bin/busybox mkdir -p /proc /sys
/bin/busybox mount -t proc none /proc
/bin/busybox mount -t sysfs none /sys
/bin/busybox insmod /pci-stub.ko || echo WEIR no pci-stub
for word in $(/bin/busybox cat /proc/cmdline); do
	case $word in first=*) first=/sys/bus/pci/devices/${word#first=} ;; esac
done
for dev in $first /sys/bus/pci/devices/*; do
	[ -e $dev/driver ] && continue
	[ -e $dev/iommu_group ] && continue
	echo pci-stub > $dev/driver_override
	echo ${dev##*/} > /sys/bus/pci/drivers_probe
done
/bin/busybox dmesg | /bin/busybox sed -n 's/.* \\([0-9a-f:.]*\\): stream [0-9]* already in tree.*/WEIR refused \\1/p'
for dev in /sys/bus/pci/devices/*; do
	group=none
	[ -e $dev/iommu_group ] && group=$(/bin/busybox readlink -f $dev/iommu_group)
	echo "WEIR group $(/bin/busybox readlink -f $dev) ${group##*/}"
done
if /bin/busybox grep -q weir.capture /proc/cmdline; then
	bb=/bin/busybox
	$bb mkdir -p /tmp
''' + observe.GUEST + '''
fi
echo WEIR end
/bin/busybox poweroff -f
'''


def newc(entries):
    """An archive of (name, mode, contents) in the format "newc" that kernels unpack."""
    out = b''
    entries = entries + [('TRAILER!!!', 0, b'')]
    for number, (name, mode, data) in enumerate(entries, 1):
        path = name.encode() + b'\0'
        fields = [number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(path), 0]
        head = b'070701' + b''.join(b'%08x' % field for field in fields) + path
        out += head + b'\0' * (-len(head) % 4) + data + b'\0' * (-len(data) % 4)
    return out


def find_module(modules, module):
    for directory, _, names in os.walk(modules):
        for name in names:
            if name.startswith(module):
                with open(os.path.join(directory, name), 'rb') as file:
                    data = file.read()
                return lzma.decompress(data) if name.endswith('.xz') else data
    raise SystemExit(f'compare.py: no {module} in {modules}')


def make_initramfs(path, busybox, modules):
    with open(busybox, 'rb') as file:
        program = file.read()
    with open(observe.SCRIPT, 'rb') as file:
        script = file.read()
    regular = stat.S_IFREG | 0o755
    entries = [
        ('bin', stat.S_IFDIR | 0o755, b''),
        ('dev', stat.S_IFDIR | 0o755, b''),
        ('bin/busybox', regular, program),
        ('bin/sh', stat.S_IFLNK | 0o777, b'busybox'),
        ('pci-stub.ko', regular, find_module(modules, 'pci-stub.ko')),
        ('weir-capture.sh', regular, script),
        ('init', regular, INIT.encode()),
    ]
    with open(path, 'wb') as file:
        file.write(newc(entries))


def topologies(names):
    with open(os.path.join(HERE, 'topologies.txt'), encoding='ascii') as file:
        for line in file:
            words = line.split()
            if not words or words[0].startswith('#') or (names and words[0] not in names):
                continue
            args = []
            for disk in sorted(set(re.findall(r'@BLK\d', line))):
                args += ['-blockdev', f'null-co,node-name={disk[1:]},size=1048576']
            yield words[0], args + [word.replace('@BLK', 'BLK') for word in words[1:]]


def boot(kernel, initramfs, args, console, append):
    """Return {path: (group, Linux's name)}; the group of those that were refused is None."""
    command = ['qemu-system-aarch64', '-nodefaults', '-display', 'none', '-serial', 'stdio',
               '-cpu', 'max', '-m', '512', '-no-reboot',
               '-kernel', kernel, '-initrd', initramfs,
               '-append', 'console=ttyAMA0 quiet panic=-1 ' + append,
               '-machine', MACHINE] + args
    with open(console, 'wb') as out:
        subprocess.run(command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
                       timeout=BOOT_SECONDS, check=False)
    with open(console, encoding='latin-1') as file:
        text = file.read()
    if 'WEIR end' not in text:
        raise RuntimeError(f'Linux did not come to the end: {console}')
    refused = set(re.findall(r'WEIR refused (\S+)', text))
    groups = {}
    for path, group in re.findall(r'WEIR group (\S+) (\S+)', text):
        functions = re.findall(r'/[0-9a-f]{4}:[0-9a-f]{2}:([0-9a-f]{2}\.[0-7])', path)
        name = path.split('/')[-1]
        groups[''.join('/' + function for function in functions)] = (
            None if group == 'none' and name in refused else group, name)
    return groups


def check_capture(weir, console, groups):
    """What `weir groups` says of the capture on a console otherwise than this kernel did, as lines."""
    with open(console, encoding='latin-1') as file:
        text = file.read()
    path = console + '.tar.gz'
    observe.receive(text, [line.split() for line in re.findall(r'WEIR (sum .*)', text)], path)
    pci = observe.ask(weir, 'groups', path)['pci']
    linux = {name: group for group, name in groups.values() if group and group != 'none'}
    found = {name: str(group['group']) for group in pci['groups'] for name in group['functions']}
    lines = [f'{name}: group {group}, and weir groups says {found.get(name)}'
             for name, group in linux.items() if found.get(name) != group]
    lines += [f'{name}: no group, and weir groups says {found[name]}' for name in set(found) - set(linux)]
    lines += [f'weir groups: {json.dumps(other)}' for other in pci['differences']]
    lines += [f'no cause of {group["functions"]}' for group in pci['groups']
              if bool(group['causes']) != (len(group['functions']) > 1)]
    return lines if linux else ['no groups in the capture']


def linux_groups(paths, name, args, append):
    """Boots until each function was in a group. Return: a list of {path: group}, of those
    that were not refused; the functions that always were; and what is wrong with a capture."""
    kernel, initramfs, _, weir, work = paths
    console, wrong = os.path.join(work, name + '.console'), []
    boots, left, first, tried = [], None, '', set()
    while len(boots) < MAX_BOOTS:
        captured = not boots and name.replace('+acs', '') in CAPTURED
        groups = boot(kernel, initramfs, args, f'{console}.{len(boots)}',
                      f'{append} {first} {"weir.capture" if captured else ""}')
        if captured:
            wrong = check_capture(weir, f'{console}.0', groups)
        boots.append({path: group for path, (group, _) in groups.items() if group})
        refused = {path for path, (group, _) in groups.items() if not group}
        left = refused if left is None else left & refused
        more = sorted(left - tried)
        if not more:
            break
        tried.add(more[0])
        first = 'first=' + groups[more[0]][1]
    return boots, left, wrong


def weir_groups(program, args, dump=None):
    done = subprocess.run([program] + (['--dump', dump] if dump else []) + [MACHINE] + args, stdout=subprocess.PIPE, check=True,
                          universal_newlines=True)
    rows = [line.split('\t') for line in done.stdout.splitlines()]
    keys = [{row[0]: row[column] for row in rows} for column in (1, 2, 3)]
    return keys + [{row[0]: row[4:] for row in rows}]


def partition(groups):
    sets = {}
    for member, group in groups.items():
        sets.setdefault(group, set()).add(member)
    return sorted(sorted(members) for members in sets.values())


def named(groups, members):
    """The partition of some, and who of them is in no group."""
    groups = {member: groups[member] for member in members}
    return partition(groups), sorted(member for member in groups if groups[member] == 'none')


def show(sets):
    return ' '.join('{' + ' '.join(members) + '}' for members in sets)


def joined(boots):
    """The partition that several boots tell of together."""
    sets = []
    for groups in boots:
        for members in partition(groups):
            merged = set(members)
            for other in [other for other in sets if other & merged]:
                sets.remove(other)
                merged |= other
            sets.append(merged)
    return sorted(sorted(members) for members in sets)


def compare(name, args, early, paths):
    """Return: whether Linux's groups and ours by its rules are the same partition; words for
    the table; lines for the report."""
    with_acs, with_dt, own, why = weir_groups(paths[2], args)
    ours = with_acs if early else with_dt
    boots, left, wrong = linux_groups(paths, name, args, ACS_ON if early else '')
    same = all(set(theirs) <= set(ours) and named(theirs, theirs) == named(ours, theirs)
               for theirs in boots)
    seen = set().union(*boots)
    same = same and seen | left == set(ours) and len(seen) > 1 and not wrong
    theirs, ours = joined(boots), {path: ours[path] for path in ours if path in seen}
    own = {path: own[path] for path in own if path in seen}
    row = [name.replace('+acs', ''), 'linux-6.12' if early else 'linux-6.12-dt', str(len(seen)),
           str(len(left)), str(len(boots)), str(len(theirs)), 'equal' if same else 'DIFFERENT',
           'the same' if partition(own) == theirs else f'{len(partition(own))} groups']
    report = [f'{name}: {len(seen)} functions, {len(theirs)} groups'
              + (f'; not compared, for their ids are taken: {" ".join(sorted(left))}' if left else ''),
              '  linux       ' + show(theirs)]
    if not same:
        report.append('  linux-6.12  ' + show(partition(ours)))
        report += ['  capture     ' + line for line in wrong]
    if partition(own) != theirs:
        report.append('  weir        ' + show(partition(own)))
        report += sorted({f'              {text}' for texts in why.values() for text in texts
                          if ' is alone' not in text})
    return same, row, report


def attempt(job):
    try:
        return compare(*job)
    except (RuntimeError, subprocess.SubprocessError) as error:
        name, _, early, _ = job
        return (False, [name, 'linux-6.12' if early else 'linux-6.12-dt', '', '', '', '', 'FAILED', ''],
                [f'{name}: {error}'])


def switched_on(weir, work, names):
    """What `weir groups` said that ACS would make of the groups of a boot without it, and a boot with it made
    otherwise; as lines, and for how many topologies it was looked at."""
    lines, looked = [], 0
    for name in CAPTURED:
        answers = []
        if name not in names or name + '+acs' not in names:
            continue
        looked += 1
        for boot_name in (name, name + '+acs'):
            path = os.path.join(work, boot_name + '.console.0.tar.gz')
            answers.append(observe.ask(weir, 'groups', path)['pci']['groups'] if os.path.exists(path) else [])
        said = sorted(part for group in answers[0] for part in group['with_acs_on'])
        made = sorted(group['functions'] for group in answers[1])
        if said != made or not said:
            lines.append(f'{name}: with ACS on {show(made)}, and weir groups said {show(said)}')
    return lines, looked


def table(rows, seconds):
    rows = [['topology', 'rules', 'functions', 'not compared', 'boots', 'groups', 'linux', 'weir']] + rows
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print('# ' + '  '.join(word.ljust(width) for word, width in zip(row, widths)).rstrip())
    for rules in ('linux-6.12-dt', 'linux-6.12'):
        those = [row for row in rows if row[1] == rules]
        equal = sum(row[6] == 'equal' for row in those)
        whole = sum(row[6] == 'equal' and row[3] == '0' for row in those)
        print(f'# {rules}: {equal} of {len(those)} topologies equal, {whole} of them in all functions')
    print(f'# {seconds:.0f} s')


def main():
    if len(sys.argv) < 7:
        print(__doc__, file=sys.stderr)
        return 2
    began = time.monotonic()
    kernel, busybox, modules, program, weir, work = sys.argv[1:7]
    os.makedirs(work, exist_ok=True)
    initramfs = os.path.join(work, 'initramfs')
    make_initramfs(initramfs, busybox, modules)
    paths, plan = (kernel, initramfs, program, weir, work), []
    for name, args in topologies(sys.argv[7:]):
        plan.append((name, args, False, paths))
        if any(arg.startswith('pcie-root-port') for arg in args):
            plan.append((name + '+acs', args, True, paths))
    print(f'1..{len(plan) + 1}')
    failed, rows, lines = 0, [], []
    with concurrent.futures.ThreadPoolExecutor(int(os.environ.get('JOBS', '2'))) as pool:
        for number, (same, row, report) in enumerate(pool.map(attempt, plan), 1):
            failed += not same
            print(f'{"ok" if same else "not ok"} {number} - {plan[number - 1][0]}', flush=True)
            if not same:
                print('\n'.join('# ' + line for line in report))
            rows.append(row)
            lines += report
    wrong, looked = switched_on(weir, work, [name for name, _, _, _ in plan])
    failed += bool(wrong)
    print(f'{"not ok" if wrong else "ok"} {len(plan) + 1} - what ACS would make of groups, on {looked} topologies')
    print(''.join(f'# {line}\n' for line in wrong), end='')
    table(rows, time.monotonic() - began)
    with open(os.path.join(work, 'report'), 'w', encoding='utf-8') as file:
        file.write('\n'.join(lines) + '\n')
    return 1 if failed or not plan else 0


if __name__ == '__main__':
    sys.exit(main())
