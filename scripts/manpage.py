#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Manual pages of weir's verbs, made of what `weir VERB --help` says, and a check of the rest.

usage: manpage.py WEIR VERB OUTPUT     write weir-VERB.1
       manpage.py --check WEIR TOP     is docs/man/weir.1 and each completion as weir's own help?

The table of options in tool/opts_table.c is the one source: help is printed from it, pages are
made of help, and what is written by hand - the overview weir.1, the words that bash
completes - is compared with it. Prints what differs; exit status 0 if nothing does.
"""
import re
import subprocess
import sys

WORDS = ('profile', 'scenario', 'severity', 'color', 'format')  # options that take one of a few words


def run(*args):
    return subprocess.run(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, text=True)


class Help:
    """`weir VERB --help`, taken apart."""

    def __init__(self, weir, verb):
        done = run(weir, verb, '--help')
        if done.returncode or not done.stdout.startswith('usage: '):
            sys.exit(f'manpage.py: {weir} {verb} --help: {done.stderr or "no usage"}')
        self.text = done.stdout
        lines = done.stdout.split('\n')
        end = lines.index('')
        self.usage = [line.replace('usage:', '').strip() for line in lines[:end]]
        self.what, self.sections, self.example, self.status = [], [], '', ''
        self.options = {}  # name: (letter, value, words)
        self.take(lines[end + 1:])

    def take(self, lines):
        name = None
        for line in lines:
            option = re.match(r'  (?:-(\w), )?--([\w-]+)(?: (\S+))?(?:  +(.*))?$', line)
            if line.startswith('example: '):
                self.example = line[9:]
            elif line.startswith('Exit status: '):
                self.status, name = line[13:], None
            elif self.status and line:
                self.status += ' ' + line
            elif option:
                letter, name, value, words = option.groups()
                self.options[name] = (letter, value, words or '')
                self.sections[-1][1].append(name)
            elif name and line.startswith('   '):
                letter, value, words = self.options[name]
                self.options[name] = (letter, value, f'{words} {line.strip()}'.strip())
            elif line and not self.example and self.what and not self.what[-1] and re.match(r'\w[\w ]*$', line):
                self.sections.append((line, []))
            elif not self.sections and not self.example:
                self.what.append(line)
            else:
                self.what.append('') if not line else None


def verbs_of(weir):
    text = run(weir, '--help').stdout
    return dict(re.findall(r'^  ([a-z]+) +(\S.*)$', text, re.M))


# ---- pages ----

def plain(text):
    text = text.replace('\\', '\\e').replace('-', '\\-')
    return '\\&' + text if text[:1] in ".'" else text


def token(word):
    """A word of a synopsis: options bold, what stands for something else in italics."""
    lead, core, tail = re.match(r'([\[(]*)(.*?)([\])]*\.*)$', word).groups()
    if core.startswith('-'):
        core = f'\\fB{plain(core)}\\fR'
    elif re.match(r'[A-Z][A-Z0-9]*([.=][\w.]+)?$', core):
        core = f'\\fI{plain(core)}\\fR'
    else:
        core = plain(core)
    return lead + core + tail


def synopsis(line):
    words = line.split()
    return f'.B {words[0]} {words[1]}\n' + ' '.join(token(word) for word in words[2:])


def page(weir, verb):
    info, what = Help(weir, verb), verbs_of(weir)[verb]
    version = run(weir, '--version').stdout.split()[-1]
    out = ['.\\" Made by scripts/manpage.py of `weir %s --help`; SPDX-License-Identifier: MIT' % verb,
           f'.TH WEIR\\-{verb.upper()} 1 "" "weir {version}" "User Commands"',
           '.nh', '.ad l', '.SH NAME', f'weir\\-{verb} \\- {plain(what)}', '.SH SYNOPSIS']
    for i, line in enumerate(info.usage):
        out += (['.br'] if i else []) + [synopsis(line)]
    out += ['.SH DESCRIPTION']
    out += [plain(line) if line else '.PP' for line in '\n'.join(info.what).strip().split('\n')]
    out += ['.PP', 'What all verbs have in common, the environment and the formats of files are in', '.BR weir (1).',
            '.SH OPTIONS']
    for heading, names in info.sections:
        out.append(f'.SS {heading}')
        for name in names:
            letter, value, words = info.options[name]
            head = (f'\\fB\\-{letter}\\fR, ' if letter else '') + f'\\fB{plain("--" + name)}\\fR'
            out += ['.TP', head + (f' \\fI{plain(value)}\\fR' if value else ''), plain(words)]
    out += ['.SH EXIT STATUS', plain(info.status), '.SH EXAMPLE', '.EX', plain(info.example), '.EE',
            '.SH SEE ALSO', '.BR weir (1)']
    return '\n'.join(out) + '\n'


# ---- the check ----

def check_overview(helps, text, wrong):
    every = {name: option[1] for info in helps.values() for name, option in info.options.items()}
    for verb in helps:
        if not re.search(rf'^\.Nm\n\.Cm {verb}$', text, re.M):
            wrong.append(f'weir.1: {verb} is not in the synopsis')
        if not re.search(rf'^\.It Cm {verb}$', text, re.M):
            wrong.append(f'weir.1: {verb} is not described')
    section = text[text.index('.Ss Verbs'):]
    for verb in re.findall(r'^\.It Cm ([a-z]+)$', section[:section.index('\n.Ss The board')], re.M):
        if verb not in helps:
            wrong.append(f'weir.1: {verb} is no verb')
    pages = set(re.findall(r'^\.Xr weir-([a-z]+) 1', text, re.M)) - {'conform'}
    if pages != helps.keys():
        wrong.append(f'weir.1: pages under SEE ALSO: {sorted(pages ^ helps.keys())}')
    named = set(re.findall(r'(?:Fl|,) -([a-z][\w-]*)', text))
    letters = {option[0]: name for info in helps.values() for name, option in info.options.items() if option[0]}
    named |= {letters[letter] for letter in re.findall(r'Fl ([a-z])\b', text) if letter in letters}
    wrong += [f'weir.1: --{name} is missing' for name in sorted(every.keys() - named)]
    wrong += [f'weir.1: --{name} is no option of any verb' for name in sorted(named - every.keys() - {'version'})]
    for name, value in re.findall(r'^\.It Fl (?:\w , )?-([\w-]+)(?: Ns = Ns)?(?: Ar (\S+))?', text, re.M):
        if name in every and (every[name] or '').split('=')[0] != value:
            wrong.append(f'weir.1: --{name} takes {every[name]}, not {value or "nothing"}')


def complete(top, weir, *words):
    """What bash offers behind these words."""
    script = '''
compopt() { :; }
weir() { "$WEIR" "$@"; }
. "$1"; shift
COMP_WORDS=(weir "$@"); COMP_CWORD=$#
_weir
printf '%s\\n' "${COMPREPLY[@]}"
'''
    done = subprocess.run(['bash', '-c', script, 'bash', f'{top}/tool/completion/weir.bash', *words],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={'WEIR': weir, 'PATH': '/usr/bin:/bin'},
                          check=False, text=True)
    return set(done.stdout.split()) if not done.stderr else {done.stderr}


def one_of(weir, verb, name):
    """The words that an option takes, by the complaint about another one."""
    found = re.search(r'not one of (.*)', run(weir, verb, 'x', f'--{name}', '?').stderr)
    return set(re.sub(r' \([^)]*\)', '', found.group(1)).split(', ')) if found else set()


def check_bash(helps, top, weir, wrong):
    verbs = complete(top, weir, '')
    if verbs != helps.keys() | {'--help', '--version'}:
        wrong.append(f'bash: verbs: {sorted(verbs ^ (helps.keys() | {"--help", "--version"}))}')
    for verb, info in helps.items():
        offered = complete(top, weir, verb, '--')
        if offered != {'--' + name for name in info.options}:
            wrong.append(f'bash: {verb}: {sorted(offered ^ {"--" + name for name in info.options})}')
        for name in WORDS:
            if name not in info.options:
                continue
            takes, offered = one_of(weir, verb, name), complete(top, weir, verb, '--' + name, '')
            if not takes or takes != offered:
                wrong.append(f'bash: {verb} --{name}: takes {sorted(takes)}, offered are {sorted(offered)}')
    every = {'--' + name for info in helps.values() for name in info.options}
    with open(f'{top}/tool/completion/weir.bash', encoding='utf-8') as file:
        for name in re.findall(r'--[a-z][a-z-]+', file.read().split('_weir_conform()')[0]):
            if name not in every | {'--version'}:
                wrong.append(f'bash: {name} is no option of any verb')


def check_others(helps, top, wrong):
    """zsh and fish take lines of help apart; the same expressions must find every option."""
    with open(f'{top}/tool/completion/weir.fish', encoding='utf-8') as file:
        fish = re.search(r"-rf '(\^  \(\?:[^']*)'", file.read()).group(1)
    with open(f'{top}/tool/completion/_weir', encoding='utf-8') as file:
        zsh = re.search(r"sed -n '(s/\^  \\\(-\[a-z\][^']*)'", file.read()).group(1)
    for verb, info in helps.items():
        found = {match[0]: match[1] for match in re.findall(fish, info.text, re.M)}
        done = subprocess.run(['sed', '-n', zsh], input=info.text, stdout=subprocess.PIPE, check=True, text=True)
        colons = dict(line.split(':', 1) for line in done.stdout.splitlines())
        for shell, options in (('fish', found), ('zsh', colons)):
            if options.keys() != {'--' + name for name in info.options}:
                wrong.append(f'{shell}: {verb}: {sorted(options.keys() ^ {"--" + name for name in info.options})}')
            for name, option in info.options.items():
                if not option[2].startswith(options.get('--' + name, '').strip() or '?'):
                    wrong.append(f'{shell}: {verb} --{name}: words: {options.get("--" + name)!r}')


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    if sys.argv[1] != '--check':
        with open(sys.argv[3], 'w', encoding='utf-8') as file:
            file.write(page(sys.argv[1], sys.argv[2]))
        return
    weir, top, wrong = sys.argv[2], sys.argv[3], []
    helps = {verb: Help(weir, verb) for verb in verbs_of(weir)}
    with open(f'{top}/docs/man/weir.1', encoding='utf-8') as file:
        check_overview(helps, file.read(), wrong)
    check_bash(helps, top, weir, wrong)
    check_others(helps, top, wrong)
    print('\n'.join(wrong))
    sys.exit(1 if wrong else 0)


main()
