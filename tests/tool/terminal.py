#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""weir shell on a terminal of its own: completion, editing and history.

usage: terminal.py WEIR BOARD DRIVERS      77: built without libedit
"""
import os
import pty
import select
import shutil
import signal
import subprocess
import sys
import tempfile

weir, board, drivers = sys.argv[1:4]
if b'libedit' not in subprocess.run(['ldd', weir], capture_output=True).stdout:
    print('SKIP')
    sys.exit(77)


signal.alarm(200)  # whatever hangs


class Terminal:
    def __init__(self, home, *machine):
        self.pid, self.fd = pty.fork()
        if not self.pid:
            # libedit keeps the name of a function that was added to it
            os.environ.update(HOME=home, TERM='xterm', ASAN_OPTIONS='detect_leaks=0')
            os.execv(weir, [weir, 'shell', *(machine or (board, '--drivers', drivers))])
        self.text = ''
        self.wait('weir> ')

    def wait(self, what):
        """Everything up to and with @what, which must come."""
        while what not in self.text:
            ready, _, _ = select.select([self.fd], [], [], 40)
            data = os.read(self.fd, 4096) if ready else b''
            if not data:
                raise SystemExit(f'no {what!r} in {self.text!r}')
            self.text += data.decode()
        at = self.text.index(what) + len(what)
        got, self.text = self.text[:at], self.text[at:]
        return got

    def type(self, keys):
        os.write(self.fd, keys.encode())

    def end(self, again=''):
        """@again: typed until it ends; what comes while the terminal changes its mode is lost."""
        try:
            for _ in range(40):
                if not select.select([self.fd], [], [], 0.5)[0]:
                    self.type(again)
                elif not os.read(self.fd, 4096):
                    break
        except OSError:
            pass
        else:
            os.kill(self.pid, signal.SIGKILL)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


with tempfile.TemporaryDirectory() as home:
    t = Terminal(home)
    t.type('modp\tacme-m\tacme-p\tacme-i\t\n')
    t.wait('3000.mac: bound to acme-mac')
    t.wait('weir> ')
    t.type('un\t')                       # unbind, unplug: both are shown
    t.wait('unbind  unplug')
    t.type('b\t30\t\n')
    t.wait('3000.mac: removed from acme-mac')
    t.wait('weir> ')
    t.type('nonsense\x01\x0bbind 30\t\n')  # to the start, kill the line
    t.wait('3000.mac: bound to acme-mac')
    t.wait('weir> ')
    t.type('rmmod acme-m\t\n')           # only what is loaded is offered
    t.wait('3000.mac: removed from acme-mac')
    t.wait('weir> ')
    t.type('modprobe acme-m\t\n')
    t.wait('3000.mac: bound to acme-mac')
    t.wait('weir> ')
    t.type('\x10\x10\n')                 # two lines back
    t.wait('3000.mac: removed from acme-mac')
    t.wait('weir> ')
    t.type('quit\n')
    if t.end() != 0:
        raise SystemExit('status')
    with open(os.path.join(home, '.weir_history')) as f:
        if 'modprobe' not in f.read():
            raise SystemExit('no history')
    t = Terminal(home)                   # the history of the last time
    t.type('\x10\x10\x10\n')           # before quit and rmmod: modprobe
    t.wait('weir> ')
    t.type('lsmod\n')
    t.wait('acme-mac  -')
    t.wait('weir> ')
    t.type('\x04')                       # the end of the input
    if t.end('\x15\x04') != 0:      # nor does it end a line with something in it
        raise SystemExit('status at the end of the input')
    if shutil.which('qemu-system-aarch64'):
        t = Terminal(home, 'qemu:virt,dev=port,dev=edu')
        t.type('modprobe edu\n')
        t.wait('0000:00:02.0: bound to edu')
        t.wait('weir> ')
        t.type('plug ed\t\n')            # models
        t.wait('0000:01:00.0: bound to edu')
        t.wait('weir> ')
        t.type('dma 0000:01\tms\t\n')   # devices; tests of their drivers
        t.wait('edu msi: 1 transfers')
        t.wait('weir> ')
        t.type('quit\n')
        if t.end() != 0:
            raise SystemExit('status on a QEMU')
