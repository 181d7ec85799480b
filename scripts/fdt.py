# SPDX-License-Identifier: MIT
"""Flattened device trees (version 17) as Python objects, read and written.

Only for tests: it keeps whatever bytes a property has, so that trees can be
made which no compiler would accept.
"""
import struct

MAGIC = 0xd00dfeed
BEGIN, END, PROP, NOP, FINISH = 1, 2, 3, 4, 9


class Node:
    def __init__(self, name, parent=None):
        self.name = name
        self.parent = parent
        self.props = {}
        self.children = []
        if parent is not None:
            parent.children.append(self)

    @property
    def path(self):
        if self.parent is None:
            return '/'
        return self.parent.path.rstrip('/') + '/' + self.name

    def walk(self):
        """All nodes from here on, in tree order."""
        yield self
        for child in self.children:
            yield from child.walk()

    def depth(self):
        return 0 if self.parent is None else 1 + self.parent.depth()

    def remove(self):
        self.parent.children.remove(self)

    def cells(self, name):
        value = self.props.get(name, b'')
        return list(struct.unpack(f'>{len(value) // 4}I', value[:len(value) & ~3]))

    def strings(self, name):
        return [s.decode(errors='replace')
                for s in self.props.get(name, b'').split(b'\0') if s]


def cells(*values):
    return struct.pack(f'>{len(values)}I', *(v & 0xffffffff for v in values))


def strings(*values):
    return b''.join(v.encode() + b'\0' for v in values)


def read(data):
    """The root node of a blob."""
    magic, _, off_struct, off_strings = struct.unpack_from('>4I', data)
    if magic != MAGIC:
        raise ValueError('not a device tree blob')
    pos, node, root = off_struct, None, None
    while True:
        token, = struct.unpack_from('>I', data, pos)
        pos += 4
        if token == BEGIN:
            end = data.index(b'\0', pos)
            node = Node(data[pos:end].decode(), node)
            root = root or node
            pos = (end + 4) & ~3
        elif token == END:
            node = node.parent
        elif token == PROP:
            size, name = struct.unpack_from('>2I', data, pos)
            pos += 8
            end = data.index(b'\0', off_strings + name)
            node.props[data[off_strings + name:end].decode()] = data[pos:pos + size]
            pos = (pos + size + 3) & ~3
        elif token == FINISH:
            return root
        elif token != NOP:
            raise ValueError(f'token {token} at {pos - 4}')


def write(root):
    """The blob of a tree."""
    body, names, offsets = bytearray(), bytearray(), {}

    def pad():
        body.extend(b'\0' * (-len(body) % 4))

    def put(node):
        body.extend(struct.pack('>I', BEGIN) + node.name.encode() + b'\0')
        pad()
        for key, value in node.props.items():
            if key not in offsets:
                offsets[key] = len(names)
                names.extend(key.encode() + b'\0')
            body.extend(struct.pack('>3I', PROP, len(value), offsets[key]) + value)
            pad()
        for child in node.children:
            put(child)
        body.extend(struct.pack('>I', END))

    put(root)
    body.extend(struct.pack('>I', FINISH))
    off_rsv, off_struct = 40, 56
    off_strings = off_struct + len(body)
    head = struct.pack('>10I', MAGIC, off_strings + len(names), off_struct, off_strings,
                       off_rsv, 17, 16, 0, len(names), len(body))
    return head + b'\0' * 16 + bytes(body) + bytes(names)
