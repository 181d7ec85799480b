#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compare `weir boot` with what Linux does on boards that QEMU models, with their own device trees.

usage: machines.py WEIR KERNEL-DIR BUSYBOX DTB-DIR WORK [MACHINE...]

Boots the kernel with the device tree of its own package and no module, takes from its
console which devices have which driver and which are deferred, and the tree that it was
really given (QEMU disables what it has no firmware for), and compares with the prediction
for that tree with built-in drivers alone. What is known to differ stands below with its
reason; anything else, and anything of that list that does not differ, is a failure.

Writes TAP. Exit status 0 when nothing else differs.
"""
import base64
import json
import os
import re
import stat
import subprocess
import sys
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
from proof import BOOT_SECONDS, INIT, compare, newc  # noqa: E402

# name: tree, arguments of QEMU, of the kernel, and what differs.
MACHINES = {
    'raspi3b': (
        'broadcom/bcm2837-rpi-3-b.dtb',
        ['-machine', 'raspi3b', '-serial', 'null', '-serial', 'stdio'],
        'console=ttyS1,115200',
        {
            # it is on the bus of its UART, not on the platform bus
            '/soc/serial@7e201000/bluetooth: only weir has a device',
            # QEMU's firmware has no GPIOs, so its driver's probe fails
            '/wifi-pwrseq: Linux unbound, weir bound',
        }),
    'xlnx-zcu102': (
        'xilinx/zynqmp-zcu102-rev1.0.dtb',
        ['-machine', 'xlnx-zcu102', '-m', '1G', '-serial', 'stdio'],
        'console=ttyPS0,115200 earlycon keep_bootcon printk.devkmsg=on',
        {
            # the clock controller is disabled: no link, and a driver that waits for ever
            '/axi/serial@ff000000: Linux unbound, weir bound',
            '/axi/serial@ff000000: deferred in Linux alone',
            '/axi/serial@ff010000: Linux unbound, weir bound',
            '/axi/serial@ff010000: deferred in Linux alone',
            # its driver makes a device of it that is on no bus
            '/zynqmp-ipi/mailbox@ff9905c0: only weir has a device',
        }),
}


def init():
    """No disk is looked for; all goes to the kernel's log, as the UART may have no driver."""
    text = re.sub(r'end=\$.*?\ndone\nif .*?\n', '', INIT, flags=re.S)
    text = text.replace('for module in', 'exec > /dev/kmsg 2>&1\nfor module in', 1)
    return text.replace('echo WEIR end', '$bb base64 /sys/firmware/fdt | while read -r line; do '
                                         'echo WEIR fdt $line; done\necho WEIR end')


def boot(kernel, busybox, dtb, args, append, work):
    """Return what the console said of weir, as lists of words."""
    initramfs = os.path.join(work, 'initramfs')
    with open(busybox, 'rb') as file:
        program = file.read()
    with open(initramfs, 'wb') as file:
        file.write(newc([('bin', stat.S_IFDIR | 0o755, b''), ('dev', stat.S_IFDIR | 0o755, b''),
                         ('bin/busybox', stat.S_IFREG | 0o755, program),
                         ('bin/sh', stat.S_IFLNK | 0o777, b'busybox'),
                         ('modules', stat.S_IFREG | 0o644, b''),
                         ('init', stat.S_IFREG | 0o755, init().encode())]))
    image = [name for name in os.listdir(os.path.join(kernel, 'boot')) if 'vmlinuz' in name][0]
    command = ['qemu-system-aarch64', '-nodefaults', '-display', 'none', '-no-reboot',
               '-kernel', os.path.join(kernel, 'boot', image), '-initrd', initramfs,
               '-dtb', dtb, '-append', append + ' panic=-1 deferred_probe_timeout=120 '
               'printk.devkmsg=on'] + args
    lines = []
    with open(os.path.join(work, 'console'), 'w', encoding='latin-1') as console, \
            subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, encoding='latin-1') as qemu:
        watch = threading.Timer(BOOT_SECONDS, qemu.kill)
        watch.start()
        for line in qemu.stdout:
            console.write(line)
            found = re.search(r'WEIR (.*?)\r?$', line)
            if found:
                lines.append(found.group(1).split())
            if lines and lines[-1] == ['end']:
                break  # not every machine can switch itself off
        watch.cancel()
        qemu.kill()
    if not lines or lines[-1] != ['end']:
        raise RuntimeError(f'Linux did not come to the end: {work}/console')
    return lines


class Board:
    def __init__(self, weir, kernel, tree):
        self.command = [weir, 'boot', tree, '--kernel', kernel, '--scenario', 'builtin',
                        '--until', '1', '--json']

    def predicted(self):
        done = subprocess.run(self.command, stdout=subprocess.PIPE, check=False)
        return json.loads(done.stdout)['devices']


def main():
    if len(sys.argv) < 6:
        raise SystemExit(__doc__)
    weir, kernel, busybox, dtbs, work = sys.argv[1:6]
    names = sys.argv[6:] or list(MACHINES)
    failed = 0
    for number, name in enumerate(names, 1):
        dtb, args, append, known = MACHINES[name]
        place = os.path.join(work, name)
        os.makedirs(place, exist_ok=True)
        said = boot(kernel, busybox, os.path.join(dtbs, dtb), args, append, place)
        tree = os.path.join(place, 'given.dtb')
        with open(tree, 'wb') as file:
            file.write(b''.join(base64.b64decode(w[1]) for w in said if w[0] == 'fdt'))
        lines, both, waiting = compare(Board(weir, kernel, tree), said)
        wrong = sorted(set(lines) ^ known)
        failed += bool(wrong)
        print(f'{"not ok" if wrong else "ok"} {number} - {name}: {both} devices, {waiting} '
              f'deferred, {len(known)} known differences', flush=True)
        for line in wrong:
            print('# ' + ('' if line in lines else 'does not differ any more: ') + line)
    print(f'1..{len(names)}')
    sys.exit(failed != 0)


if __name__ == '__main__':
    main()
