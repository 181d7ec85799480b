#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Make a C source of a file: embed.py INPUT OUTPUT NAME."""
import sys

data = open(sys.argv[1], 'rb').read()
with open(sys.argv[2], 'w', encoding='ascii') as out:
    out.write(f'const char {sys.argv[3]}[] = {{\n')
    for at in range(0, len(data), 16):
        out.write(' '.join(f'{byte:#04x},' for byte in data[at:at + 16]) + '\n')
    out.write('0 };\n')
