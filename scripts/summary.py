#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Count the single tests of a run.

usage: summary.py TESTLOG.json OUT

Reads what `meson test` left: programs that speak the test anything protocol
count each line, others count as one. Names what failed and what was skipped,
and writes "PASSED FAILED SKIPPED" to OUT. Exit status 0 when nothing failed.
"""
import json
import re
import sys

MAX_SAID = 25
LINE = re.compile(r'^(ok|not ok)\b\s*\d*\s*-?\s*([^#]*)(#\s*(?:skip|SKIP)\S*\s*(.*))?')


def count(test):
    """Return the (passed, failed, skipped) names of one program; what is said below a failure
    goes with it."""
    passed, failed, skipped = [], [], []
    said_of_failure = 0
    for line in test.get('stdout', '').split('\n'):
        match = LINE.match(line)
        if not match:
            if line.startswith('#') and said_of_failure:
                failed[-1] += '\n' + line
                said_of_failure -= 1
            continue
        said_of_failure = 0
        name = match.group(2).strip()
        if match.group(3):
            skipped.append(': '.join(filter(None, (name, match.group(4).strip()))))
        elif match.group(1) == 'ok':
            passed.append(name)
        else:
            failed.append(name)
            said_of_failure = MAX_SAID
    result = test['result']
    if not passed and not failed and not skipped:
        {'OK': passed, 'SKIP': skipped}.get(result, failed).append(result.lower())
    elif result not in ('OK', 'SKIP') and not failed:
        # It died or did not finish, whatever its lines say.
        failed.append(f'ended with {result}')
    if failed and test.get('stderr'):
        failed[-1] += '\n# ' + '\n# '.join(test['stderr'].strip().split('\n')[-MAX_SAID:])
    return passed, failed, skipped


def main():
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    with open(sys.argv[1], encoding='utf-8') as file:
        tests = [json.loads(line) for line in file if line.strip()]
    totals = [0, 0, 0]
    for test in tests:
        counts = count(test)
        name = test['name'].split(' / ')[-1]
        for i, names in enumerate(counts):
            totals[i] += len(names)
        for text in counts[1]:
            print(f'failed: {name}: {text}')
        for text in counts[2]:
            print(f'skipped: {name}: {text}')
    print(f'tests: {totals[0]} passed, {totals[1]} failed, {totals[2]} skipped')
    with open(sys.argv[2], 'w', encoding='utf-8') as file:
        print(*totals, file=file)
    return 1 if totals[1] or not totals[0] else 0


sys.exit(main())
