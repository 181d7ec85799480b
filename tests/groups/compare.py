#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compare the groups of PCI functions with those of a Linux kernel booted in the same QEMU.

usage: compare.py KERNEL BUSYBOX MODULES PROGRAM WORK [NAME...]

KERNEL is an arm64 image, BUSYBOX a static arm64 program, MODULES its kernel's directory
of modules (pci-stub.ko and virtio-iommu.ko are taken from it), PROGRAM tests/groups/groups. WORK is a
directory for the initramfs, the consoles and the report. NAMEs of topologies.txt limit
what is compared.

Linux makes a group of a function when a driver is tried on it; so pci-stub is bound to
each that has no other driver, in the order of the buses. Functions are compared by
their path, for bus numbers may differ. Each topology is booted as it is (rules
linux-6.12-dt), and, when it has ports with ACS, once more with ACS switched on while
buses are walked, as on machines without device tree (linux-6.12). Exit status 0 when all
partitions are equal.
"""
import lzma
import os
import re
import stat
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
MACHINE = 'virt,gic-version=3'
# Linux's driver of SMMUv3 takes no two functions with one id, so none behind these.
TAKES_OVER = ('pci-bridge', 'pcie-pci-bridge', 'i82801b11-bridge')
BOOT_SECONDS = 120
# ACS of QEMU's root ports: UF, CR, RR and SV on, the others as they are (bits 6 to 0).
ACS_ON = 'pci=config_acs=xx111x1@pci:1b36:000c'

INIT = '''#!/bin/sh
/bin/busybox mkdir -p /proc /sys
/bin/busybox mount -t proc none /proc
/bin/busybox mount -t sysfs none /sys
for module in virtio-iommu pci-stub; do
	/bin/busybox insmod /$module.ko || echo WEIR no $module
done
for dev in /sys/bus/pci/devices/*; do
	[ -e $dev/driver ] && continue
	[ -e $dev/iommu_group ] && continue
	echo pci-stub > $dev/driver_override
	echo ${dev##*/} > /sys/bus/pci/drivers_probe
done
for dev in /sys/bus/pci/devices/*; do
	group=none
	[ -e $dev/iommu_group ] && group=$(/bin/busybox readlink -f $dev/iommu_group)
	echo "WEIR group $(/bin/busybox readlink -f $dev) ${group##*/}"
done
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
    regular = stat.S_IFREG | 0o755
    entries = [
        ('bin', stat.S_IFDIR | 0o755, b''),
        ('dev', stat.S_IFDIR | 0o755, b''),
        ('bin/busybox', regular, program),
        ('bin/sh', stat.S_IFLNK | 0o777, b'busybox'),
        ('pci-stub.ko', regular, find_module(modules, 'pci-stub.ko')),
        ('virtio-iommu.ko', regular, find_module(modules, 'virtio-iommu.ko')),
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


def with_iommu(args):
    """The machine's arguments, with the IOMMU that Linux can group these functions on."""
    if any(arg.split(',')[0] in TAKES_OVER for arg in args):
        return [MACHINE, '-device', 'virtio-iommu-pci,addr=01.0'] + args
    return [MACHINE + ',iommu=smmuv3'] + args


def linux_groups(kernel, initramfs, args, console, append):
    command = ['qemu-system-aarch64', '-nodefaults', '-display', 'none', '-serial', 'stdio',
               '-cpu', 'max', '-m', '512', '-no-reboot',
               '-kernel', kernel, '-initrd', initramfs,
               '-append', 'console=ttyAMA0 quiet panic=-1 ' + append,
               '-machine'] + with_iommu(args)
    with open(console, 'wb') as out:
        subprocess.run(command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
                       timeout=BOOT_SECONDS, check=False)
    with open(console, encoding='latin-1') as file:
        text = file.read()
    if 'WEIR end' not in text:
        raise RuntimeError(f'Linux did not come to the end: {console}')
    groups = {}
    for path, group in re.findall(r'WEIR group (\S+) (\S+)', text):
        functions = re.findall(r'/[0-9a-f]{4}:[0-9a-f]{2}:([0-9a-f]{2}\.[0-7])', path)
        groups[''.join('/' + function for function in functions)] = group
    return groups


def weir_groups(program, args):
    done = subprocess.run([program] + with_iommu(args), stdout=subprocess.PIPE, check=True,
                          universal_newlines=True)
    rows = [line.split('\t') for line in done.stdout.splitlines()]
    return [{row[0]: row[column] for row in rows} for column in (1, 2, 3, 4)]


def partition(groups):
    sets = {}
    for member, group in groups.items():
        sets.setdefault(group, set()).add(member)
    return sorted(sorted(members) for members in sets.values())


def named(groups):
    """The partition, and who is in no group."""
    return partition(groups), sorted(member for member in groups if groups[member] == 'none')


def show(groups):
    return ' '.join('{' + ' '.join(members) + '}' for members in partition(groups))


def compare(name, args, early, paths, report):
    """True when Linux's groups and ours by its rules are the same partition."""
    kernel, initramfs, program, work = paths
    theirs = linux_groups(kernel, initramfs, args, os.path.join(work, name + '.console'),
                          ACS_ON if early else '')
    with_acs, with_dt, own, why = weir_groups(program, args)
    ours = with_acs if early else with_dt
    same = named(theirs) == named(ours)
    report.append(f'{name}: {len(theirs)} functions, {len(partition(theirs))} groups')
    report.append('  linux       ' + show(theirs))
    if not same:
        report.append('  linux-6.12  ' + show(ours))
    if partition(own) != partition(ours):
        report.append('  weir        ' + show(own))
        report += sorted({f'              {text}' for text in why.values()
                          if ' is alone' not in text})
    return same


def main():
    if len(sys.argv) < 6:
        print(__doc__, file=sys.stderr)
        return 2
    kernel, busybox, modules, program, work = sys.argv[1:6]
    os.makedirs(work, exist_ok=True)
    initramfs = os.path.join(work, 'initramfs')
    make_initramfs(initramfs, busybox, modules)
    plan = []
    for name, args in topologies(sys.argv[6:]):
        plan.append((name, args, False))
        if any(arg.startswith('pcie-root-port') for arg in args):
            plan.append((name + '+acs', args, True))
    print(f'1..{len(plan)}')
    failed, report = 0, []
    for number, (name, args, early) in enumerate(plan, 1):
        try:
            same = compare(name, args, early, (kernel, initramfs, program, work), report)
        except (RuntimeError, subprocess.SubprocessError) as error:
            report.append(f'{name}: {error}')
            same = False
        failed += not same
        print(f'{"ok" if same else "not ok"} {number} - {name}', flush=True)
        if not same:
            print('\n'.join('# ' + line for line in report[-8:]))
    with open(os.path.join(work, 'report'), 'w', encoding='utf-8') as file:
        file.write('\n'.join(report) + '\n')
    return 1 if failed else 0


sys.exit(main())
