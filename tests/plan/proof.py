#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Boot Linux in QEMU with an initramfs that holds only what `weir plan` names.

usage: proof.py [--sample] WEIR KERNEL-DIR BUSYBOX WORK [MACHINE...]

KERNEL-DIR is an unpacked kernel package (boot/, lib/modules/VERSION), BUSYBOX a static
arm64 program. For each machine: its device tree is taken from QEMU, a plan is made for
its root on NVMe behind the IOMMU, and the kernel is booted with these modules alone: it
must mount the root file system and find a file there. Without any one of them it must
not; --sample leaves out only those of devices, and not those that disks are known by. A
module that only a soft dependency asks for is left out too, and what happens is told.

The first boot of a machine also says which devices are bound and which wait, and that is
compared with what `weir boot` predicts for the same modules: on the tree that QEMU gives,
and on the one in a capture that weir-capture.sh makes in there. `weir live` and `weir groups`
must see in that capture what the kernel did; also where the IOMMU's module is missing and
devices are deferred.

Writes TAP. Exit status 0 when all is as planned. JOBS (2) machines run at a time.
"""
import concurrent.futures
import json
import lzma
import os
import re
import stat
import subprocess
import sys

import observe

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'groups'))
from compare import newc  # noqa: E402

MACHINES = {
    'smmuv3': ['-machine', 'virt,iommu=smmuv3,gic-version=3'],
    'virtio-iommu': ['-machine', 'virt,gic-version=3', '-device', 'virtio-iommu-pci'],
}
QEMU = ['qemu-system-aarch64', '-nodefaults', '-display', 'none', '-cpu', 'max', '-m', '512']
BOOT_SECONDS = 300
# Seconds without a disk, after the last module, that count as never: a boot takes one.
# The kernel would give up waiting for an IOMMU after deferred_probe_timeout.
NEVER = 4
TIMEOUT = 120

INIT = '''#!/bin/sh
bb=/bin/busybox
$bb mkdir -p /proc /sys /dev /new
$bb mount -t proc none /proc
$bb mount -t sysfs none /sys
$bb mount -t devtmpfs none /dev
$bb mount -t debugfs none /sys/kernel/debug
for module in $($bb cat /modules); do $bb insmod /$module.ko || echo WEIR refused $module; done
never=%d
$bb grep -q weir.patient /proc/cmdline && never=60
now() { $bb cut -d. -f1 /proc/uptime; }
end=$(($(now) + never))
while [ "$(now)" -lt $end ]; do
	[ -b /dev/nvme0n1 ] && $bb mount -t ext4 -o ro /dev/nvme0n1 /new && break
	$bb sleep 0.2
done
if [ "$($bb cat /new/marker 2>&1)" = "root of weir" ]; then echo WEIR mounted; else echo WEIR no root; fi
for dev in /sys/bus/platform/devices/* /sys/bus/amba/devices/* /sys/bus/pci/devices/*; do
	[ -e $dev ] || continue
	node=- driver=- group=-
	[ -e $dev/of_node ] && node=$($bb readlink -f $dev/of_node)
	[ -e $dev/driver ] && driver=$($bb readlink $dev/driver)
	[ -e $dev/iommu_group ] && group=$($bb readlink $dev/iommu_group)
	echo WEIR device ${dev##*/} ${driver##*/} ${group##*/} $node
done
while read -r line; do echo WEIR deferred $line; done < /sys/kernel/debug/devices_deferred
if $bb grep -q weir.capture /proc/cmdline; then%s
fi
echo WEIR end
$bb poweroff -f
''' % (NEVER, observe.GUEST)


def run(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          universal_newlines=True).stdout


def module_bytes(modules, path):
    with open(os.path.join(modules, path), 'rb') as file:
        data = file.read()
    return lzma.decompress(data) if path.endswith('.xz') else data


class Machine:
    def __init__(self, name, tools, work):
        self.name = name
        self.weir, self.kernel, self.busybox = tools
        self.work = os.path.join(work, name)
        os.makedirs(self.work, exist_ok=True)
        self.image = os.path.join(self.work, 'root.img')
        self.dtb = os.path.join(self.work, 'machine.dtb')
        modules = os.path.join(self.kernel, 'lib/modules')
        self.version = os.listdir(modules)[0]
        self.modules = os.path.join(modules, self.version)
        self.make_root()
        args = MACHINES[name]
        run(*QEMU, args[0], args[1] + ',dumpdtb=' + self.dtb, *args[2:])
        self.plan = json.loads(run(self.weir, 'plan', self.dtb, '--kernel', self.kernel, '--root',
                                   'nvme0n1', '--also', 'ext4', '--json'))

    def make_root(self):
        root = os.path.join(self.work, 'root')
        os.makedirs(root, exist_ok=True)
        with open(os.path.join(root, 'marker'), 'w', encoding='ascii') as file:
            file.write('root of weir\n')
        if os.path.exists(self.image):
            os.remove(self.image)
        run('/sbin/mke2fs', '-q', '-t', 'ext4', '-d', root, self.image, '8M')

    def initramfs(self, without):
        entries = [(d, stat.S_IFDIR | 0o755, b'') for d in ('bin', 'dev', 'tmp')]
        with open(self.busybox, 'rb') as file:
            entries.append(('bin/busybox', stat.S_IFREG | 0o755, file.read()))
        entries += [('bin/sh', stat.S_IFLNK | 0o777, b'busybox'),
                    ('init', stat.S_IFREG | 0o755, INIT.encode())]
        with open(observe.SCRIPT, 'rb') as file:
            entries.append(('weir-capture.sh', stat.S_IFREG | 0o755, file.read()))
        names = []
        for module in self.plan['modules']:
            if module['module'] == without:
                continue
            names.append(module['module'])
            entries.append((module['module'] + '.ko', stat.S_IFREG | 0o644,
                            module_bytes(self.modules, module['path'])))
        entries.append(('modules', stat.S_IFREG | 0o644, ' '.join(names).encode()))
        path = os.path.join(self.work, f'initramfs.{without}')
        with open(path, 'wb') as file:
            file.write(newc(entries))
        return path

    def boot(self, without=None):
        """Return what the console said of weir, as lists of words."""
        initramfs = self.initramfs(without)
        console = self.console(without)
        append = f'console=ttyAMA0 panic=-1 deferred_probe_timeout={TIMEOUT}'
        if not without:
            append += ' weir.patient'
        if self.captures(without):
            append += ' weir.capture initcall_debug loglevel=8'
        command = QEMU + MACHINES[self.name] + [
            '-serial', 'stdio', '-no-reboot', '-kernel',
            os.path.join(self.kernel, 'boot', 'vmlinuz-' + self.version), '-initrd', initramfs,
            '-append', append, '-drive', f'file={self.image},format=raw,if=none,id=d,readonly=on',
            '-device', 'nvme,drive=d,serial=weir']
        with open(console, 'wb') as out:
            subprocess.run(command, stdin=subprocess.DEVNULL, stdout=out, timeout=BOOT_SECONDS,
                           stderr=subprocess.STDOUT, check=False)
        os.remove(initramfs)
        with open(console, encoding='latin-1') as file:
            text = file.read()
        lines = re.findall(r'WEIR (.*?)\r?$', text, re.M)
        if 'end' not in lines:
            raise RuntimeError(f'Linux did not come to the end: {console}')
        said = [line.split() for line in lines]
        if self.captures(without):
            observe.receive(text, said, self.capture(without))
        return said

    def console(self, without):
        return os.path.join(self.work, f'console.{without}')

    def captures(self, without):
        """Whether a boot is captured: with all modules, and without the IOMMU's."""
        return not without or any(m['module'] == without and 'iommu' in without
                                  for m in self.plan['modules'])

    def capture(self, without):
        return os.path.join(self.work, f'capture.{without}.tar.gz')

    def script(self, without):
        script = os.path.join(self.work, f'modules.{without}.script')
        # what the tree has no node for is in no list of drivers either
        with open(script, 'w', encoding='ascii') as file:
            for module in self.plan['modules']:
                if module['kind'] == 'device' and module['module'] != without:
                    file.write(f'modprobe {module["module"]}\n')
        return script

    def predicted(self, board):
        return observe.ask(self.weir, 'boot', board, '--kernel', self.kernel, '--load',
                           self.script(None), '--until', '1')['devices']


def plain(name):
    return name.replace('-', '_')


def compare(machine, board, said):
    """Differences between what the kernel did and what was predicted, as lines."""
    prefix = '/sys/firmware/devicetree/base'
    linux = {words[4][len(prefix):]: words for words in said
             if words[0] == 'device' and words[4].startswith(prefix)}
    deferred = {words[1] for words in said if words[0] == 'deferred'}
    weir = {dev['path']: dev for dev in machine.predicted(board)}
    lines = []
    for path in sorted(set(linux) | set(weir)):
        words, dev = linux.get(path), weir.get(path)
        if words and re.match(r'[0-9a-f]{4}:', words[1]):
            continue  # a PCI function: it is in no bring-up of the tree
        if not words or not dev:
            lines.append(f'{path}: {"only Linux" if words else "only weir"} has a device')
            continue
        driver = None if words[2] == '-' else words[2]
        if bool(driver) != (dev['verdict'] == 'bound'):
            lines.append(f'{path}: Linux {driver or "unbound"}, weir {dev["verdict"]}')
        elif driver and plain(driver) != plain(dev['driver']):
            lines.append(f'{path}: Linux {driver}, weir {dev["driver"]}')
        waits = dev['verdict'].startswith('waits') or dev['verdict'] == 'driver-defers'
        if (words[1] in deferred) != waits:
            lines.append(f'{path}: deferred in {"Linux" if not waits else "weir"} alone')
    return lines, len(set(linux) & set(weir)), len(deferred)


def comparisons(machine, without, said):
    """Yield what is compared after a boot, and the differences."""
    if not without:
        for board, what in ((machine.dtb, "QEMU's tree"), (machine.capture(None), 'the captured tree')):
            lines, both, waiting = compare(machine, board, said)
            yield f'{both} devices as predicted on {what}, {waiting} deferred', lines
    if machine.captures(without):
        lines, looked, compared = observe.check(machine.weir, machine.capture(without), machine.kernel,
                                                machine.script(without), said)
        waiting = sum(words[0] == 'deferred' for words in said)
        with open(machine.console(without), encoding='latin-1') as file:
            probes, wrong = observe.check_log(machine.weir, machine.dtb, machine.console(without), machine.kernel,
                                              machine.script(without), file.read())
        yield (f'{"" if not without else "without " + without + " "}explain --log reads {probes} measured probes '
               'of its console'), wrong
        yield (f'{"" if not without else "without " + without + " "}weir live and groups see {looked} devices '
               f'as Linux has them, {waiting} deferred; {compared} are as weir boot predicts'), lines


def main():
    args = sys.argv[1:]
    sample = args[:1] == ['--sample']
    args = args[sample:]
    if len(args) < 4:
        raise SystemExit(__doc__)
    machines = [Machine(name, args[:3], args[3]) for name in args[4:] or MACHINES]
    work, number, failed = [], 0, 0
    with concurrent.futures.ThreadPoolExecutor(int(os.environ.get('JOBS', '2'))) as pool:
        for machine in machines:
            work.append((machine, None, pool.submit(machine.boot)))
        for machine in machines:
            for module in machine.plan['modules']:
                if not sample or module['kind'] in ('helper', 'device'):
                    work.append((machine, module, pool.submit(machine.boot, module['module'])))
        for machine, module, future in work:
            said = future.result()
            mounted = ['mounted'] in said
            if module and module['kind'] == 'softdep':
                print(f'# {machine.name}: without {module["module"]}, which {module["of"]} asks for '
                      f'and does not depend on, the root is {"" if mounted else "not "}mounted')
                continue
            number += 1
            ok = mounted == (module is None)
            failed += not ok
            names = ' '.join(m['module'] for m in machine.plan['modules'])
            print(f'{"ok" if ok else "not ok"} {number} - {machine.name}: '
                  + (f'without {module["module"]} the root is not mounted' if module
                     else f'root mounted with {names}'), flush=True)
            for title, lines in comparisons(machine, module and module['module'], said):
                number += 1
                failed += bool(lines)
                print(f'{"not ok" if lines else "ok"} {number} - {machine.name}: {title}', flush=True)
                for line in lines:
                    print('# ' + line)
    print(f'1..{number}')
    sys.exit(failed != 0)


if __name__ == '__main__':
    main()
