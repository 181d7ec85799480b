#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""story.script in weir shell, on a QEMU with an IOMMU, a network card and a disk: every
answer is checked, and the capture of what QEMU saw on the wire.

usage: story.py WEIR SCRIPT IOMMU  prints what is not as it must be; 0 if nothing is. IOMMU is
                                   virtio or smmuv3
"""
import json
import struct
import subprocess
import sys
import tempfile

KIND = sys.argv[3]
# Behind the SMMUv3, which is no function of the bus, the whole bus waits for it.
BRIDGE = '4010000000.pcie' if KIND == 'smmuv3' else None
MODULE = {'virtio': 'virtio-iommu', 'smmuv3': 'arm-smmu-v3'}[KIND]
IOMMU = {'virtio': '0000:00:01.0', 'smmuv3': '9050000.smmuv3'}[KIND]
NET, DISK = ('0000:00:01.0', '0000:00:02.0') if BRIDGE else ('0000:00:02.0', '0000:00:03.0')
NETMOD, DISKMOD = 'e1000e', 'nvme' if BRIDGE else 'virtio-blk'
CLIENTS = [NET, DISK]
WAITERS = [BRIDGE] if BRIDGE else CLIENTS
NAMES = {'IOMMU': MODULE, 'NET': NET, 'DISK': DISK, 'NETMOD': NETMOD, 'DISKMOD': DISKMOD,
         'WAITER': WAITERS[0]}
RAM = range(0x40000000, 0x40000000 + (128 << 20))  # of QEMU's machine "virt"

wrong = []


def must(true, what):
    if not true:
        wrong.append(what)


def packets(path):
    """The packets of a capture (pcap), each from its Ethernet header on."""
    with open(path, 'rb') as f:
        data = f.read()
    order = '<' if data[:4] == b'\xd4\xc3\xb2\xa1' else '>'
    at = 24
    while at + 16 <= len(data):
        size = struct.unpack(order + 'I', data[at + 8:at + 12])[0]
        yield data[at + 16:at + 16 + size]
        at += 16 + size


def echoes(path):
    """How many requests to the gateway and answers from it; the address was resolved before."""
    gateway, requests, answers, arp = bytes([10, 0, 2, 2]), [], [], set()
    for p in packets(path):
        kind = p[12:14]
        if kind == b'\x08\x06':
            arp.add((p[20:22], p[28:32] == gateway))
        if kind == b'\x08\x00' and p[23] == 1:
            icmp = p[14 + 4 * (p[14] & 15):]
            if icmp[0] == 8 and p[30:34] == gateway:
                requests.append(icmp[4:])
            if icmp[0] == 0 and p[26:30] == gateway:
                answers.append(icmp[4:])
    must((b'\x00\x02', True) in arp, 'the capture: the gateway was not resolved')
    must(requests == answers, f'the capture: {len(requests)} requests, {len(answers)} answers')
    return len(answers)


class Story:
    def __init__(self, text):
        self.answers = [json.loads(line) for line in text.splitlines()]
        self.at = 0

    def next(self, command, status=0):
        a = self.answers[self.at] if self.at < len(self.answers) else None
        self.at += 1
        if not a or ' '.join(a['command']) != command:
            raise SystemExit(f'answer {self.at}: not one to `{command}`: {a}')
        if a['status'] != status:
            raise SystemExit('\n'.join(wrong + [f'answer {self.at}, `{command}`: status '
                                                f'{a["status"]}: {a["error"]}']))
        return a

    def devices(self):
        return {row['device']: row for row in self.next('ls')['result']}


def subjects(events, kind):
    return [e['subject'] for e in events if e['event'] == kind]


def place(events, kind, subject):
    """Where an event is among them; it must be there once."""
    at = [i for i, e in enumerate(events) if e['event'] == kind and e['subject'] == subject]
    must(len(at) == 1, f'{kind} of {subject}: {len(at)} times')
    return at[0] if at else -1


def check_waiting(s):
    """The drivers are there, their IOMMU's is not."""
    rows = s.devices()
    for dev in WAITERS:
        must(rows[dev]['verdict'] == 'waits-supplier', f'{dev} is {rows[dev]["verdict"]}')
        must(rows[dev]['group'] is None, f'{dev} is in group {rows[dev]["group"]}')
    must(not BRIDGE or not set(CLIENTS) & set(rows), f'devices of a bus that is not up: {rows}')
    must(rows[IOMMU]['driver'] == MODULE, f'{IOMMU}: {rows[IOMMU]}')
    return rows


def check_up(s, iommu):
    """Both up, in groups of their own that are translated; the IOMMU in none."""
    a = s.next('modprobe ' + MODULE)
    events = a['events']
    ready = place(events, 'iommu-add', iommu)
    for dev in CLIENTS:
        must(ready < place(events, 'group', dev) < place(events, 'bound', dev),
             f'{dev} does not come up behind its IOMMU')
    rows = s.devices()
    for dev in CLIENTS + [IOMMU]:
        must(rows[dev]['verdict'] == 'bound', f'{dev} is {rows[dev]["verdict"]}')
    must(rows[IOMMU]['group'] is None, f'the IOMMU is in group {rows[IOMMU]["group"]}')
    groups = check_groups(s, rows)
    for dev in CLIENTS:
        check_maps(s.next('maps ' + dev)['result'], dev)
    ping = s.next('ping')['result']
    must(ping and ping['device'] == NET and ping['sent'] == ping['received'] > 0, f'ping: {ping}')
    must('MiB/s' in s.next('dma ' + DISK)['result']['report'], 'no DMA by the disk')
    return groups, ping['sent'] if ping else 0


def check_groups(s, rows):
    groups = s.next('groups')['result']
    must(len(groups) == 2, f'{len(groups)} groups')
    for g, dev in zip(groups, CLIENTS):
        must(g['devices'] == [dev] and rows[dev]['group'] == g['group'], f'a group: {g}')
        must(g['domain'] == 'dma' and g['mappings'] > 0, f'it is not translated: {g}')
    return [(g['group'], g['devices']) for g in groups]


def check_maps(maps, dev):
    """What reaches RAM has addresses that are none of RAM: untranslated it would go nowhere."""
    buffers = 0
    for m in maps:
        iova, pa = int(m['iova'], 16), int(m['pa'], 16)
        if pa in RAM:
            buffers += 1
            must(iova not in RAM and iova + m['bytes'] - 1 not in RAM, f'{dev}: in RAM: {m}')
    must(buffers > 0, f'{dev} reaches no memory: {maps}')


def check_refused(s, groups):
    a = s.next('rmmod ' + MODULE, 1)
    for dev in CLIENTS:
        must(f'{dev} needs {IOMMU}' in a['error'], f'{dev} is not named: {a["error"]}')
    must(a['events'] == [], f'something happened: {a["events"]}')
    now = s.next('groups')['result']
    must([(g['group'], g['devices']) for g in now] == groups, f'groups: {now}')


def check_forced(s, iommu):
    """Consumers before their supplier; out of the groups; then the instance goes."""
    events = s.next('rmmod -f ' + MODULE)['events']
    gone = place(events, 'iommu-del', iommu)
    last = place(events, 'remove', iommu)
    for dev in CLIENTS:
        must(place(events, 'remove', dev) < last, f'{dev} is stopped after its IOMMU')
        must(place(events, 'remove', dev) < place(events, 'group-leave', dev) < gone,
             f'{dev} is in its group for too long')
    notes = ' '.join(e['text'] for e in events if e['event'] == 'note')
    must('link down' in notes, f'the link does not go down: {notes}')
    must(subjects(events, 'fault') == [], 'DMA went on')


def tell(s, capture):
    first = s.next('stats')['result']
    a = s.next(f'modprobe {NETMOD} {DISKMOD}')
    must(subjects(a['events'], 'bound') == [], 'a client does not wait')
    chain = s.next('why ' + WAITERS[0])['result']
    must([c['verdict'] for c in chain] == ['waits-supplier', 'loadable'], f'why: {chain}')
    must(chain[0]['property'] == 'iommu-map' and chain[-1]['driver'] == MODULE,
         f'why: {chain}')
    rows = check_waiting(s)
    must(rows[IOMMU]['verdict'] == 'loadable', f'the IOMMU: {rows[IOMMU]}')
    iommu = (subjects(s.answers[s.at]['events'], 'iommu-add') + [None])[0] # its node
    groups, sent = check_up(s, iommu)
    check_refused(s, groups)
    check_forced(s, iommu)
    check_waiting(s)
    must(s.next('groups')['result'] == [], 'groups are left')
    loaded = {m['module']: m['devices'] for m in s.next('lsmod')['result']}
    must(loaded == {NETMOD: [], DISKMOD: []}, f'modules: {loaded}')
    stopped = s.next('stats')['result']
    must(stopped['groups'] == 0, f'stats: {stopped}')
    again, sent_again = check_up(s, iommu)
    must(again == groups, f'other groups: {again}, then {groups}')
    check_forced(s, iommu)
    now = s.next('stats')['result']
    for stats in [now, stopped] if BRIDGE else []:
        # the shell's record of events keeps the devices of a bus that went, with it
        del stats['allocations'], stats['bytes']
    must(now == stopped, f'leaked: {now}, before {stopped}')
    s.next(f'rmmod {NETMOD} {DISKMOD}')
    last = s.next('stats')['result']
    must((last['devices'], last['drivers'], last['groups']) ==
         (first['devices'], first['drivers'], 0), f'left: {last}, first {first}')
    must(s.at == len(s.answers), 'more answers than commands')
    must(echoes(capture) == sent + sent_again, f'the capture has not {sent + sent_again} pings')


def main():
    weir, template = sys.argv[1:3]
    with tempfile.TemporaryDirectory() as work:
        capture, script = work + '/capture', work + '/script'
        with open(template) as f:
            text = f.read()
        for name, value in NAMES.items():
            text = text.replace(f'@{name}@', value)
        with open(script, 'w') as f:
            f.write(text)
        run = subprocess.run(
            [weir, 'shell',
             f'qemu:virt,iommu={KIND},dev={NETMOD},dev={DISKMOD},pcap={capture}',
             '--json', '-k', '--script', script], capture_output=True, text=True, timeout=100)
        must(run.stderr == '', f'standard error: {run.stderr}')
        must(run.returncode == 1, f'exit status {run.returncode}: one command is refused')
        tell(Story(run.stdout), capture)
    if wrong:
        sys.exit('\n'.join(wrong))


main()
