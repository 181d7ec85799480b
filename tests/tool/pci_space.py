#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Make configuration space of PCI functions, as lspci prints it and as /sys has it.

usage: pci_space.py lspci [BYTES] < SPEC > DUMP
       pci_space.py sysroot DIR [BYTES] < SPEC

A line of SPEC is a function: ADDRESS KIND and words of NAME=VALUE or NAME. KIND: root, up, down (ports of
PCI Express), endpoint, rciep, topci (a bridge), pci, pcibridge, virtual. Words: acs=CAN:ON (hexadecimal),
bus=FIRST-LAST, multi, class=CCSSPP, id=VVVV:DDDD, group=N, driver=NAME, of=ADDRESS (a virtual function's),
loop (its capabilities lead in a circle), slot (hot-plug). Every function has what is private besides: addresses, a
serial number, product data and a message, which all have the bytes "PRIV". BYTES (4096): how much can be read.
Numbers of the specification are written out here.
"""
import os
import sys

TYPES = {'endpoint': 0, 'root': 4, 'up': 5, 'down': 6, 'topci': 7, 'rciep': 9}
PRIVATE = b'PRIV'


def number(space, at, value, width):
    space[at:at + width] = value.to_bytes(width, 'little')


def space_of(kind, words):
    space = bytearray(4096)
    bridge = kind in ('root', 'up', 'down', 'topci', 'pcibridge')
    vendor, device = (int(part, 16) for part in words.get('id', '1234:5678').split(':'))
    if kind == 'virtual':
        vendor = device = 0xffff
    number(space, 0, vendor, 2)
    number(space, 2, device, 2)
    number(space, 6, 0x10, 2)
    space[8] = 3
    number(space, 9, int(words.get('class', '060400' if bridge else '020000'), 16), 3)
    space[14] = bridge | (0x80 if 'multi' in words else 0)
    space[0x20:0x24] = PRIVATE
    if bridge:
        first, last = (int(part, 16) for part in words.get('bus', '0-0').split('-'))
        space[0x18:0x1b] = bytes([0x77, first, last])
    space[0x34] = 0x40
    space[0x40:0x50] = bytes([0x05, 0x60, 0x80, 0]) + PRIVATE + b'\0' * 8  # MSI
    space[0x60:0x68] = bytes([0x03, 0x80, 0, 0]) + PRIVATE  # VPD
    space[0x80:0x82] = bytes([0x09, 0x00])
    if kind in TYPES:
        space[0x81] = 0xa0
        space[0xa0:0xa2] = bytes([0x10, 0x40 if 'loop' in words else 0])
        number(space, 0xa2, 2 | TYPES[kind] << 4 | (0x100 if 'slot' in words else 0), 2)
        space[0xb4] = 0x40 if 'slot' in words else 0
        number(space, 0x100, 0x0003 | 1 << 16 | 0x148 << 20, 4)  # the serial number
        space[0x104:0x10c] = PRIVATE * 2
        number(space, 0x148, 0x0001 | 1 << 16 | (0x200 if 'acs' in words else 0) << 20, 4)
    if 'acs' in words:
        can, on = (int(part, 16) for part in words['acs'].split(':'))
        number(space, 0x200, 0x000d | 1 << 16 | 0x300 << 20, 4)
        number(space, 0x204, can, 2)
        number(space, 0x206, on, 2)
        number(space, 0x300, 0x0019 | 1 << 16, 4)
    return space, 4096 if kind in TYPES else 256


def specs():
    for line in sys.stdin:
        address, kind, *words = line.split()
        yield address, kind, {word.split('=')[0]: word.partition('=')[2] for word in words}


def print_lspci(most):
    for address, kind, words in specs():
        space, size = space_of(kind, words)
        print(f'{address} {kind}: a device (rev 03)')
        for at in range(0, min(size, most), 16):
            print(f'{at:02x}: ' + ' '.join(f'{byte:02x}' for byte in space[at:at + 16]))
        print()


def make_sysroot(top, most):
    devices = {}
    for address, kind, words in specs():
        bus = int(address.split(':')[1], 16)
        above = next((path for path, first in devices.values() if first == bus and bus), 'pci0000:00')
        path = f'{above}/{address}'
        devices[address] = path, int(words['bus'].split('-')[0], 16) if 'bus' in words else None
        full = f'{top}/sys/devices/{path}'
        os.makedirs(full)
        space, size = space_of(kind, words)
        with open(f'{full}/config', 'wb') as file:
            file.write(space[:min(size, most)])
        for name, to in (('driver', words.get('driver')), ('iommu_group', words.get('group'))):
            if to:
                os.symlink(f'../{to}', f'{full}/{name}')
        if 'of' in words:
            os.symlink(f'../{words["of"]}', f'{full}/physfn')
        os.makedirs(f'{top}/sys/bus/pci/devices', exist_ok=True)
        os.symlink(f'../../../devices/{path}', f'{top}/sys/bus/pci/devices/{address}')


def main():
    if len(sys.argv) > 1 and sys.argv[1] == 'lspci':
        print_lspci(int(sys.argv[2]) if len(sys.argv) > 2 else 4096)
    elif len(sys.argv) > 2 and sys.argv[1] == 'sysroot':
        make_sysroot(sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 4096)
    else:
        print(__doc__, file=sys.stderr)
        return 2
    return 0


sys.exit(main())
