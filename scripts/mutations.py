#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Shows that tests find mistakes: builds each mutant of tests/mutations/list, out of the tree, and runs
# the test that it names.
#
# usage: mutations.py BUILD [WORD...]
#        mutations.py --check       only whether all still apply, for lint.sh
#
# Only the changed file is compiled, with the command that BUILD has for it, and linked with the test
# in front of BUILD's libraries; a test that passes is asked once more, with more seeds (WEIR_SEEDS).
# The same is done without any change first: that must pass. With words: mutants that have one of them in
# their name. A mutant that no longer applies, does not compile, or survives is a failure. The
# counts go to BUILD/results/mutations, for .ci/run. JOBS: how many at a time.
import concurrent.futures
import json
import os
import re
import shlex
import subprocess
import sys

LIST = "tests/mutations/list"
LIMIT_S = 200  # a mutant that hangs is found, too
MORE_SEEDS = 100
MORE_LIMIT_S = 900


def records(path):
    mutant = None
    with open(path, encoding="utf-8") as f:
        for number, line in enumerate(f, 1):
            line = line.rstrip("\n")
            if not line or line.startswith("#"):
                continue
            key, _, value = line.partition(":")
            value = value[1:] if value.startswith(" ") else value
            if key == "name":
                mutant = {"name": value, "line": number, "changes": []}
                yield mutant
            elif key == "from":
                mutant["changes"].append([unescape(value), ""])
            elif key == "to":
                mutant["changes"][-1][1] = unescape(value)
            elif key in ("file", "compile", "test", "program"):
                mutant[key] = value
            else:
                sys.exit(f"{path}:{number}: what is \"{key}\"?")


def unescape(text):
    return re.sub(r"\\(.)", lambda m: {"n": "\n", "t": "\t"}.get(m[1], m[1]), text)


class Mistake(Exception):
    pass


def mutated(mutant):
    with open(mutant["file"], encoding="utf-8") as f:
        text = f.read()
    for old, new in mutant["changes"]:
        if text.count(old) != 1:
            raise Mistake(f"no longer applies: {text.count(old)} times {old!r} in {mutant['file']}")
        text = text.replace(old, new)
    return text


def compile_command(build, source, changed, work):
    """The build's own command for the library's object, for a source elsewhere."""
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as f:
        commands = json.load(f)
    wanted = os.path.realpath(source)
    for c in commands:
        if os.path.realpath(os.path.join(c["directory"], c["file"])) != wanted:
            continue
        if "libweir.a.p" not in c["command"]:
            continue
        args = shlex.split(c["command"])
        if os.path.basename(args[0]) == "ccache":
            args = args[1:]
        for flag in ("-o", "-MF", "-MQ"):
            at = args.index(flag)
            args[at + 1] = os.path.join(work, "mutant.d" if flag == "-MF" else "mutant.o")
        args[args.index("-c") + 1] = changed
        return args, c["directory"]
    raise Mistake(f"{build} does not compile {source}")


def link_command(build, target, work):
    out = subprocess.run(["ninja", "-C", build, "-t", "commands", "-s", target],
                         capture_output=True, text=True, check=True).stdout
    args = shlex.split(out.strip().splitlines()[-1])
    at = args.index("-o")
    args[at + 1] = os.path.join(work, "test")
    # before the libraries: then the library's own object is not taken
    args.insert(at + 2, os.path.join(work, "mutant.o"))
    return args


def run(args, cwd, what):
    done = subprocess.run(args, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Mistake(f"{what}:\n{done.stdout}{done.stderr}")


def place(work, mutant, text):
    """The mutant's file with its own name, where it is included before the original."""
    path = os.path.join(work, "include", os.path.relpath(mutant["file"], "src"))
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    return path


def program_of(mutant):
    """What is built, and its arguments."""
    target, *args = mutant.get("program", f"tests/test_{mutant.get('test')}").split()
    return target, args


def passes(build, work, args, seeds):
    env = dict(os.environ, **({"WEIR_SEEDS": str(seeds)} if seeds else {}))
    try:
        done = subprocess.run([os.path.join(work, "test"), *args], cwd=build,
                              capture_output=True, env=env,
                              timeout=MORE_LIMIT_S if seeds else LIMIT_S, check=False)
    except subprocess.TimeoutExpired:
        return bool(seeds)  # many seeds may take long: that shows nothing
    return done.returncode == 0


def judge(build, number, mutant):
    """Nothing when it was found, or was none and passed; otherwise what is wrong."""
    work = os.path.join(build, "mutations", str(number))
    os.makedirs(work, exist_ok=True)
    try:
        changed = place(work, mutant, mutated(mutant))
        source = mutant.get("compile", mutant["file"])
        if source != mutant["file"]:
            changed = os.path.realpath(source)
        args, cwd = compile_command(build, source, changed, work)
        options = next(i for i, arg in enumerate(args) if arg.startswith("-"))  # behind "ccache cc"
        args.insert(options, "-I" + os.path.join(work, "include"))
        args += ["-Wno-error", "-w"]
        run(args, cwd, "does not compile")
        target, test_args = program_of(mutant)
        run(link_command(build, target, work), build, "does not link")
    except Mistake as why:
        return str(why)
    passed = passes(build, work, test_args, None)
    if passed and mutant["changes"]:
        passed = passes(build, work, test_args, MORE_SEEDS)
    os.unlink(os.path.join(work, "test"))
    if mutant["changes"]:
        return f"survives {target}" if passed else None
    return None if passed else f"{target} fails"


def controls(mutants):
    """Each file and test once, without a change."""
    seen = set()
    for m in mutants:
        what = (m["file"], *program_of(m)[0:1])
        if what not in seen:
            seen.add(what)
            yield dict(m, name=f"no mistake in {m['file']}", line=f"none-{m['line']}", changes=[])


def check():
    for mutant in list(records(LIST)):
        try:
            mutated(mutant)
        except (Mistake, OSError) as why:
            print(f"{LIST}:{mutant['line']}: {why}")


def main():
    if len(sys.argv) < 2:
        sys.exit("usage: mutations.py BUILD [WORD...]")
    build = os.path.realpath(sys.argv[1])
    os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
    if sys.argv[1] == "--check":
        check()
        return 0
    if not os.path.exists(os.path.join(build, "compile_commands.json")):
        sys.exit(f"mutations.py: {sys.argv[1]} is no build directory\nusage: mutations.py BUILD [WORD...]")
    mutants = [m for m in records(LIST)
               if not sys.argv[2:] or any(w in m["name"] for w in sys.argv[2:])]
    failed = 0
    mutants = list(controls(mutants)) + mutants
    jobs = int(os.environ.get("JOBS", os.cpu_count() or 1))
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        verdicts = pool.map(lambda m: judge(build, m["line"], m), mutants)
        for mutant, wrong in zip(mutants, verdicts):
            print(f"{'not ' if wrong else ''}ok - {mutant['name']}", flush=True)
            if wrong:
                failed += 1
                print("#   " + wrong.replace("\n", "\n#   "))
    os.makedirs(os.path.join(build, "results"), exist_ok=True)
    with open(os.path.join(build, "results", "mutations"), "w", encoding="utf-8") as f:
        f.write(f"{len(mutants) - failed} {failed} 0\n")
    mistakes = sum(1 for m in mutants if m["changes"])
    print(f"{mistakes} mistakes, {failed} not found" if failed else f"{mistakes} mistakes, all found")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
