#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The oracle kit's run.py with one option more: --script 'COMMANDS'.

Its scenarios wait for the deferred probe timeout before anything of --then is
done.  With --script the commands are the whole script ({wait} stands for the
time until after the timeout); the result names its scenario `script`.  The log
lines that repeat the kernel command line are left out, for they name temporary
files, and so are addresses of code, which differ from build to build.  The kit is that of the environment variable ORACLE_KIT.
"""
import os
import sys

kit = os.environ.get('ORACLE_KIT')
if not kit or not os.path.isfile(os.path.join(kit, 'run.py')):
    sys.exit('oracle-run.py: ORACLE_KIT does not name the oracle kit')
sys.dont_write_bytecode = True
sys.path.insert(0, kit)
import run  # noqa: E402

collect = run.collect


def collect_without_paths(text, debug):
    phases, events, log, complete = collect(text, debug)
    log = [s for s in log if 'ommand line: ' not in s and not s.startswith(' [<')]
    return phases, events, log, complete


run.collect = collect_without_paths
if '--script' in sys.argv:
    at = sys.argv.index('--script')
    if at + 1 == len(sys.argv):
        sys.exit('oracle-run.py: --script needs the commands')
    run.SCRIPTS['script'] = sys.argv[at + 1]
    sys.argv[at:at + 2] = ['--scenario', 'script']
sys.exit(run.main())
