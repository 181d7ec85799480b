#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Check the house style: what lint.py reads from the text, that every header
# compiles by itself, as C and (the public ones) as C++, that scripts parse, and that the mistakes of
# make mutations still apply.
#
# usage: lint.sh
#
# Speaks the test anything protocol. With clang-format there, says how many
# files it would lay out differently; that is no failure.
set -u

cd "$(dirname "$0")/.." || exit 2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
number=0
failed=0

# The files of the tree: what git has or would add; all, where git is not.
git ls-files -co --exclude-standard > "$work/all" 2>/dev/null ||
	find . -type f ! -path './build*' | sed 's,^\./,,' > "$work/all"
sort -u "$work/all" | while read -r f; do [ ! -f "$f" ] || echo "$f"; done > "$work/files"

# those REGEX: the files of that kind.
those() { grep -E "$1" "$work/files"; }

# result NAME: what stands in $work/out is what is wrong.
result() {
	number=$((number + 1))
	if [ -s "$work/out" ]; then
		failed=$((failed + 1))
		echo "not ok - $1"
		sed 's/^/#   /' "$work/out"
	else
		echo "ok - $1"
	fi
}

# headers COMPILER FLAGS FILES...: each alone, twice over for its include guard.
headers() {
	compiler=$1
	flags=$2
	shift 2
	for header; do
		printf '#include "%s"\n#include "%s"\nextern int not_empty;\n' "$PWD/$header" "$PWD/$header" > "$work/one"
		# shellcheck disable=SC2086
		$compiler $flags -fsyntax-only -Wall -Wextra -Wpedantic -Werror "$work/one" 2>&1 | head -n 5
	done > "$work/out"
}

python3 scripts/lint.py "$work/files" > "$work/text" || failed=$((failed + 1))
cat "$work/text"
number=$(grep -c '^\(not \)\{0,1\}ok ' "$work/text")

public=$(those '^(port/(posix|qtest)/)?include/.*\.h$')
private=$(those '^(src|sim|tool|port|tests|examples)/.*\.h$' | grep -v '/include/')
paths='-Iinclude -Iport/posix/include -Iport/qtest/include'
# shellcheck disable=SC2086
{
	headers gcc "-x c -std=c11 $paths" $public
	result "public headers compile by themselves as C11"
	headers g++ "-x c++ -std=c++17 $paths" $public
	result "public headers compile by themselves as C++17"
	headers clang "-x c -std=c11 $paths" $public
	result "public headers compile by themselves with clang"
	headers gcc "-x c -std=c11 -D_GNU_SOURCE $paths -I. -Isrc -Isim -Itool -Itests/support -Iexamples/drivers" $private
	result "private headers compile by themselves"
}

for script in $(those '^(scripts|tests)/.*\.sh$|^\.ci/run$'); do
	case $(head -n 1 "$script") in
	*bash) bash -n "$script" ;;
	*) sh -n "$script" ;;
	esac
	[ -x "$script" ] || echo "$script is not executable"
done > "$work/out" 2>&1
result "scripts parse and can be executed"

python3 scripts/mutations.py --check > "$work/out" 2>&1
result "mistakes of tests/mutations/list can be made"

if [ -f .clang-format ] && command -v clang-format > /dev/null; then
	for file in $(those '\.[ch]$'); do
		clang-format --dry-run -Werror "$file" > /dev/null 2>&1 || echo "$file"
	done > "$work/out"
	echo "# clang-format would lay out $(wc -l < "$work/out") file(s) differently"
fi
echo "1..$number"
[ $failed = 0 ]
