# SPDX-License-Identifier: MIT
"""A capture of a booted Linux, made there by weir-capture.sh, against what that Linux did.

The guest sends the archive over its console (GUEST), `receive` takes it out of what was
said. `check` asks `weir live`, `weir boot`, `weir explain` and `weir groups` of it and
compares with lines that the guest wrote by other means: which devices are bound to what,
in which IOMMU group, and which are deferred.
"""
import base64
import hashlib
import json
import os
import re
import subprocess

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../tool/capture/weir-capture.sh')

# Kernel messages must not get between the lines.
GUEST = '''
$bb dmesg -n 1
$bb --install -s /bin
PATH=/bin sh /weir-capture.sh /capture.tar.gz
echo WEIR sum $($bb md5sum < /capture.tar.gz)
echo WEIRCAP begin
$bb base64 /capture.tar.gz
echo WEIRCAP end
'''


def receive(console, said, path):
    """Write the archive that is in a console's text; an error when it is damaged."""
    found = re.search(r'WEIRCAP begin\r?\n(.*?)WEIRCAP end', console, re.S)
    data = base64.b64decode(found.group(1)) if found else b''
    sums = [words[1] for words in said if words[0] == 'sum']
    if sums != [hashlib.md5(data).hexdigest()]:
        raise RuntimeError(f'the capture did not come whole: {len(data)} bytes')
    with open(path, 'wb') as file:
        file.write(data)


def ask(weir, *args):
    done = subprocess.run([weir, *args, '--json'], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          check=False)
    if done.returncode > 1:
        raise RuntimeError(f'weir {args}: {done.stderr.decode()}')
    return json.loads(done.stdout)


def observed(live, said):
    """What `weir live` saw otherwise than the guest's own lines, as lines."""
    deferred = {words[1] for words in said if words[0] == 'deferred'}
    seen = {dev['name']: dev for dev in live['devices'] if dev['bus'] in ('platform', 'amba', 'pci')}
    lines = []
    for words in said:
        if words[0] != 'device':
            continue
        name, driver, group = words[1:4]
        dev = seen.pop(name, None)
        if not dev:
            lines.append(f'{name}: not in the capture')
            continue
        node = words[4][len('/sys/firmware/devicetree/base'):] or '/' if words[4] != '-' else None
        for what, linux, weir in (('driver', None if driver == '-' else driver, dev['driver']),
                                  ('group', None if group == '-' else int(group), dev['group']),
                                  ('node', node, dev['node'])):
            if linux != weir:
                lines.append(f'{name}: {what} is {linux}, and {weir} in the capture')
        if (name in deferred) != (dev['reason'] is not None):
            lines.append(f'{name}: deferred {"only in Linux" if name in deferred else "only in the capture"}')
        if name in deferred and not dev['waits']:
            lines.append(f'{name}: deferred, and weir live says: {dev["words"]}')
    return lines + [f'{name}: only in the capture' for name in seen]


def groups_of(answer, said):
    """Groups that `weir groups` saw otherwise than Linux, as lines."""
    linux, weir = {}, {}
    for words in said:
        if words[0] == 'device' and words[3] != '-':
            linux.setdefault(int(words[3]), set()).add(words[1])
    for group in answer['seen']:
        weir[group['group']] = {dev['name'] for dev in group['devices']}
    lines = [f'group {number}: {linux.get(number)}, and weir groups says {weir.get(number)}'
             for number in sorted(set(linux) | set(weir)) if linux.get(number) != weir.get(number)]
    if not answer['pci'] or not answer['pci']['functions']:
        return lines + ['weir groups has no configuration space']
    return lines + [f'weir groups: {json.dumps(other)}' for other in answer['pci']['differences']]


def predicted(weir, capture, kernel, script, live):
    """Where `weir live` and `weir explain` find that its own prediction was otherwise, as lines."""
    lines, compared = [], 0
    for dev in live['devices']:
        if dev['match'] == 'alone':
            continue
        compared += 1
        if dev['match'] != 'agrees':
            lines.append(f'{dev["node"]}: {dev["words"]}; predicted: {dev["predicted"]}')
    for dev in live['devices']:
        if dev['match'] == 'agrees' and dev['driver'] and 'pcie' in (dev['node'] or ''):
            answer = ask(weir, 'explain', capture, dev['node'], '--kernel', kernel, '--load', script,
                         '--until', '1')
            if not answer['up']:
                lines.append(f'{dev["node"]}: bound, and weir explain says {answer["chain"]}')
    return lines, compared


def check(weir, capture, kernel, script, said):
    """Return differences as lines, and how many devices were looked at and predicted."""
    live = ask(weir, 'live', capture, '--kernel', kernel, '--load', script, '--until', '1')
    lines = observed(live, said)
    lines += groups_of(ask(weir, 'groups', capture), said)
    differ, compared = predicted(weir, capture, kernel, script, live)
    return lines + differ, len([w for w in said if w[0] == 'device']), compared


def check_log(weir, board, path, kernel, script, text):
    """Return how many probes a console measured, and what `weir explain --log` makes otherwise of them.

    initcall_debug writes "probe of DEVICE returned RESULT after N usecs" for each.
    """
    longest, last = {}, {}
    for name, result, usecs in re.findall(r'probe of (\S+) returned (-?\d+) after (\d+) usecs', text):
        longest[name] = max(longest.get(name, 0), int(usecs))
        last[name] = int(result)
    answer = ask(weir, 'explain', board, '--log', path, '--kernel', kernel, '--load', script, '--until', '1')
    logged = {dev['name']: dev for dev in answer['devices']}
    lines = []
    for name, usecs in longest.items():
        dev = logged.get(name)
        if not dev:
            lines.append(f'{name}: its probe is not seen')
        elif dev['probe_us'] != usecs:
            lines.append(f'{name}: {usecs} us, and weir explain says {dev["probe_us"]}')
        elif last[name] == 0 and dev['state'] != 'bound':
            lines.append(f'{name}: bound, and weir explain says {dev["state"]}')
    if len(longest) < 10:
        lines.append(f'the console has {len(longest)} measured probes only')
    lines += [f'{d["device"]}: predicted {d["predicted"]}, logged {d["logged"]}' for d in answer['differ']]
    return len(longest), lines
