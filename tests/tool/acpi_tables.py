#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The ACPI tables that QEMU makes for a machine, without firmware: read from its fw_cfg by
the qtest protocol, taken apart, with the sums that firmware would write (the script
etc/table-loader asks it to; pointers stay 0, and only the FADT, RSDT and XSDT have such).

usage: acpi_tables.py DIR QEMU ARG...
"""
import os
import subprocess
import sys

BASE = 0x9020000  # fw_cfg of the machine virt: docs/specs/fw_cfg, and its device tree
DIRECTORY = 0x19


class FwCfg:
    def __init__(self, args):
        self.qemu = subprocess.Popen(args + ['-display', 'none', '-qtest', 'stdio', '-S'],
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

    def command(self, text):
        self.qemu.stdin.write(text.encode() + b'\n')
        self.qemu.stdin.flush()
        while True:
            line = self.qemu.stdout.readline().decode()
            if not line:
                raise SystemExit('QEMU is gone')
            if line.startswith('OK'):
                return line[2:].strip()

    def read(self, key, size):
        self.command(f'writew {BASE + 8:#x} {(key & 0xff) << 8 | key >> 8:#x}')
        data = b''
        while len(data) < size:
            data += bytes.fromhex(self.command(f'read {BASE:#x} 0x8')[2:])
        return data[:size]

    def files(self):
        count = int.from_bytes(self.read(DIRECTORY, 4), 'big')
        data = self.read(DIRECTORY, 4 + 64 * count)[4:]
        for at in range(0, len(data), 64):
            entry = data[at:at + 64]
            yield (entry[8:].split(b'\0')[0].decode(), int.from_bytes(entry[4:6], 'big'),
                   int.from_bytes(entry[:4], 'big'))

    def end(self):
        self.qemu.kill()
        self.qemu.wait()


def main():
    out, args = sys.argv[1], sys.argv[2:]
    fw_cfg = FwCfg(args)
    try:
        found = [(key, size) for name, key, size in fw_cfg.files() if name == 'etc/acpi/tables']
        if not found:
            raise SystemExit('this machine has no ACPI tables')
        data = bytearray(fw_cfg.read(*found[0]))
    finally:
        fw_cfg.end()
    os.makedirs(out, exist_ok=True)
    at = 0
    while at + 36 <= len(data):
        name, size = data[at:at + 4], int.from_bytes(data[at + 4:at + 8], 'little')
        if not name.isalnum() or size < 36:
            at += 1  # between tables there are zeroes, and in front of them the FACS
            continue
        table = data[at:at + size]
        table[9] = 0
        table[9] = -sum(table) & 0xff
        with open(os.path.join(out, name.decode().lower() + '.dat'), 'wb') as file:
            file.write(table)
        at += size


main()
