#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Seeds for the fuzzers bootimage and capture, made of small trees of our own.

usage: archive_seeds.py bootimage|capture DIR
"""
import gzip
import io
import os
import struct
import subprocess
import sys
import tarfile
import zlib

FIT = '''/dts-v1/; / { images {
k { data = "Linux version 6.12"; }; a { data = [%s]; }; o { data = [%s]; };
e { data-size = <4>; data-offset = <0>; }; p { data-size = <4>; data-position = <8>; }; r { data = [%s]; }; };
configurations { %s conf-a { kernel = "k"; fdt = "a", "o"; ramdisk = "r"; };
conf-b { kernel = "e"; fdt = "p"; ramdisk = "e"; }; }; };'''
BASE = '/dts-v1/; / { compatible = "a", "b"; x: x { compatible = "c"; }; };'
OVER = '/dts-v1/; /plugin/; &x { y { compatible = "d"; }; };'


def dtc(source):
    return subprocess.run(['dtc', '-q', '-q', '-@', '-I', 'dts', '-O', 'dtb'], input=source.encode(), check=True,
                          stdout=subprocess.PIPE).stdout


def cpio():
    def one(name, mode, data):
        head = '070701' + ''.join(f'{v:08x}' for v in (1, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0))
        text = head.encode() + name.encode() + b'\0'
        return text + b'\0' * (-len(text) % 4) + data + b'\0' * (-len(data) % 4)
    return one('lib', 0o40755, b'') + one('lib/a.ko', 0o100644, b'x') + one('TRAILER!!!', 0, b'')


def pad(data, page):
    return data + b'\0' * (-len(data) % page)


def boot(version, kernel, ramdisk, dtb):
    if version < 3:
        page = 512
        head = struct.pack('<8s10I', b'ANDROID!', len(kernel), 0, len(ramdisk), 0, 0, 0, 0, page, version, 0)
        head = head.ljust(1632, b'\0') + struct.pack('<IQIIQ', 0, 0, 1660, len(dtb) if version == 2 else 0, 0)
        return b''.join(pad(part, page) for part in (head[:512], kernel, ramdisk, dtb))
    head = struct.pack('<8s4I16sI', b'ANDROID!', len(kernel), len(ramdisk), 0, 1584, b'', version)
    return b''.join(pad(part, 4096) for part in (head.ljust(1584, b'\0'), kernel, ramdisk))


def vendor(version, ramdisk, dtb):
    page = 2048
    table = struct.pack('<3I32s64x', len(ramdisk), 0, 1, b'a') + struct.pack('<3I32s64x', 8, 4, 2, b'b')
    head = struct.pack('<8s5I2048sI16sIIQ', b'VNDRBOOT', version, page, 0, 0, len(ramdisk), b'', 0, b'', 2128,
                       len(dtb), 0) + struct.pack('<4I', len(table), 2, 108, 0)
    return b''.join(pad(part, page) for part in (head, ramdisk, dtb, table))


def dt_table(version, blobs):
    at, entries = 32 + 32 * len(blobs), b''
    for number, (packed, blob) in enumerate(blobs):
        entries += struct.pack('>8I', len(blob), at, 16 + number, 1, packed, 0, 0, 0)
        at += len(blob)
    head = struct.pack('>8I', 0xd7b7ab1e, at, 32, 32, len(blobs), 32, 2048, version)
    return head + entries + b''.join(blob for _, blob in blobs)


def qcdt(version, blob):
    ids = (3, 4, 8)[version - 1]
    entry = struct.pack(f'<{ids + 2}I', *range(ids), 128, len(blob))
    return (struct.pack('<4s2I', b'QCDT', version, 2) + entry * 2).ljust(128, b'\0') + blob


def bootimages():
    base, over, ramdisk = dtc(BASE), dtc(OVER), gzip.compress(cpio(), mtime=0)
    for default in ('', 'default = "conf-a";'):
        yield dtc(FIT % (base.hex(), over.hex(), ramdisk.hex(), default)) + b'1234'
    for version in range(5):
        yield boot(version, b'Linux version 6.12 ' + (base * 2 if version < 2 else b''), ramdisk, base)
    for version in (3, 4):
        yield vendor(version, ramdisk, base * 2)
    for version in (0, 1):
        yield dt_table(version, [(0, over), (0, base)] + [(1, zlib.compress(over)), (2, ramdisk)] * version)
    for version in (1, 2, 3):
        yield qcdt(version, base)
    yield b'\0' * 56 + b'ARM\x64' + base + b'\0' * 8 + over
    yield ramdisk + base * 2


def archive(mode, members):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode, format=tarfile.USTAR_FORMAT) as tar:
        for name, data in members:
            entry = tarfile.TarInfo('weir-capture/' + name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return out.getvalue()


def lspci():
    """A root port without ACS, a switch with some, a bridge to conventional PCI, and a virtual function."""
    def fn(name, kind, buses=None, acs=None, at=0x100):
        space = bytearray(0x120)
        space[0:8] = bytes([0x34, 0x12, 0x78, 0x56, 0, 0, 0x10, 0])
        space[0x34:0x35], space[0x40:0x44] = b'\x40', bytes([0x10, 0, kind << 4 | 2, 0])
        if buses:
            space[0x0e], space[0x18:0x1b] = 1, bytes(buses)
        if acs:
            space[at:at + 8] = bytes([0x0d, 0, 1, 0, acs[0], 0, acs[1], 0])
            if at != 0x100:
                space[0x100:0x104] = struct.pack('<I', at << 20 | 0x10000)
        rows = (f'{at:02x}: ' + ' '.join(f'{b:02x}' for b in space[at:at + 16])
                for at in range(0, len(space), 16) if at in (0, 0x110) or any(space[at:at + 16]))
        return f'0000:{name} function\n' + '\n'.join(rows) + '\n'
    return (fn('00:01.0', 4, (0, 1, 1)) + fn('01:00.0', 0) + '0000:01:00.2 virtual function of 0000:01:00.0\n' +
            fn('00:02.0', 4, (0, 2, 4), (0x1f, 0x1d)) + fn('02:00.0', 5, (2, 3, 4)) +
            fn('03:00.0', 6, (3, 4, 4), (0x1d, 0x11), 0x110) + fn('04:00.0', 7, (4, 0, 0))).encode()


def captures():
    functions = b''.join(b'pci0000:00/0000:%s\tpci\tdrv\t%d\t-\t-\n' % (name, group) for group, name in enumerate(
        (b'00:01.0', b'00:01.0/0000:01:00.0', b'00:01.0/0000:01:00.2', b'00:02.0')))
    yield b'\0' + lspci()
    yield b'\1' + b''.join(struct.pack('>BH', i, len(data)) + data for i, data in (
        (0, functions), (254, lspci()), (255, b'quiet pcie_acs_override=downstream')))
    pieces = [('devices', b'p/a\tplatform\tdrv\t3\t/a\t0\np/b\tplatform\t-\t3\t/b\t1\n'),
              ('links', b'p/b\tp/a\tactive\t0\n'), ('deferred', b'b\twait\n'), ('kernel', b'6.12\n'),
              ('fdt', dtc(BASE)), ('dt/compatible', b'a\0'), ('dt/a/reg', b'\0\0\0\1'), ('dt/a/b/phandle', b'\0\0\0\2')]
    yield b'\0' + archive('w', pieces)
    yield b'\0' + archive('w:gz', pieces[:5])
    yield b'\1' + b''.join(struct.pack('>BH', i, len(data)) + data for i, (_, data) in enumerate(pieces))
    yield b'\1' + b''.join(struct.pack('>BH', i, len(data)) + data for i, (_, data) in enumerate(pieces) if i != 4)
    table = b'IORT' + struct.pack('<I', 48) + bytes(40)
    yield b'\0' + table
    yield b'\1' + struct.pack('>BH', 8, len(table)) + table
    rows = [table[at:at + 16] for at in range(0, len(table), 16)]
    dump = ''.join(f'    {n * 16:04X}: ' + ' '.join(f'{b:02X}' for b in row) + '  ....\n' for n, row in enumerate(rows))
    yield b'\0' + ('IORT @ 0x0000000000000000\n' + dump + '\n').encode() * 2


def main():
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    os.makedirs(sys.argv[2], exist_ok=True)
    found = captures() if sys.argv[1] == 'capture' else (bytes([n % 5]) + image for n, image in enumerate(bootimages()))
    for number, data in enumerate(found):
        with open(os.path.join(sys.argv[2], f'seed-{number}'), 'wb') as file:
            file.write(data)


if __name__ == '__main__':
    main()
