#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Use the library as others will: installed and found by pkg-config (C and C++,
# shared and static), as a Meson subproject, and from the plain source lists.
#
# usage: run.sh BUILD
#
# Speaks the test anything protocol. Everything happens in a temporary directory.
set -u

build=$(cd "$1" && pwd) || exit 2
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
number=0
failed=0

# expect NAME COMMAND...: succeeds, and hello says the name of the policy.
expect() {
	name=$1
	shift
	number=$((number + 1))
	if ("$@") > "$work/log" 2>&1 && [ "$(tail -n 1 "$work/log")" = weir ]; then
		echo "ok $number - $name"
	else
		failed=$((failed + 1))
		echo "not ok $number - $name"
		tail -n 20 "$work/log" | sed 's/^/# /'
	fi
}

installed() {
	DESTDIR=$work/root meson install -C "$build" --no-rebuild > "$work/install.log" 2>&1 ||
		{ cat "$work/install.log"; return 1; }
	echo weir
}

# The flags of the installed library, below the temporary root.
flags() {
	libs=$(find "$work/root" -name pkgconfig | tr '\n' ':')
	PKG_CONFIG_PATH=$libs PKG_CONFIG_SYSROOT_DIR=$work/root pkg-config "$@" weir-posix
}

libdir() { dirname "$(find "$work/root" -name libweir.a)"; }

# shared COMPILER FLAGS...
shared() {
	# shellcheck disable=SC2046
	"$@" "$here/hello.c" -o "$work/hello" $(flags --cflags --libs) &&
		LD_LIBRARY_PATH=$(libdir) "$work/hello"
}

static() {
	# shellcheck disable=SC2046
	cc "$here/hello.c" -o "$work/hello-static" $(flags --cflags) \
		"$(libdir)/libweir-posix.a" "$(libdir)/libweir.a" -lfdt -lpthread &&
		"$work/hello-static"
}

# The installed command finds the installed modules, wherever they were moved.
modules() {
	weir=$(find "$work/root" -name weir -path '*/bin/*')
	command -v qemu-system-aarch64 || { echo "no QEMU"; echo weir; return; }
	"$weir" shell qemu:virt,dev=edu -c 'modprobe edu; dma 0000:00:01.0; rmmod edu' && echo weir
}

# A module of somebody else, built against what is installed; its host has the shared library.
own_module() {
	# shellcheck disable=SC2046
	cc -std=c11 -Wall -Wextra -Werror -shared -fPIC "$here/own.c" -o "$work/own.so" $(flags --cflags) &&
		cc "$here/opener.c" -o "$work/opener" $(flags --cflags --libs) &&
		LD_LIBRARY_PATH=$(libdir) "$work/opener" "$work" own
}

# What the modules need, the shared library has: none needs what is private to it.
public() {
	libs=$(find "$(libdir)" -name 'libweir.so.*.*')
	nm -D --defined-only "$libs" | awk '{ print $3 }' | sort > "$work/has"
	for module in "$(libdir)"/weir/modules/*.so; do
		nm -D --undefined-only "$module" | awk '/weir_/ { print $NF }' | sort > "$work/needs"
		comm -23 "$work/needs" "$work/has" > "$work/lacks"
		[ ! -s "$work/lacks" ] || { echo "$module lacks:"; cat "$work/lacks"; return 1; }
		[ "$(nm -D --defined-only "$module" | awk '{ print $3 }')" = weir_module_entry ] ||
			{ echo "$module exports more than its entry"; return 1; }
	done
	echo weir
}

exported() {
	so=$(find "$(libdir)" -name 'libweir.so.*.*')
	nm -D --defined-only "$so" | awk '{ print $3 }' > "$work/symbols"
	grep -q '^weir_machine_create$' "$work/symbols" || { echo "not exported: weir_machine_create"; return 1; }
	grep -v '^weir_.*[a-z0-9]$' "$work/symbols" && return 1
	echo weir
}

subproject() {
	mkdir -p "$work/user/subprojects" && cd "$work/user" || return 1
	ln -s "$top" subprojects/weir
	cp "$here/hello.c" .
	cat > meson.build <<-'END'
		project('user', 'c')
		weir = dependency('weir-posix', fallback: ['weir', 'weir_posix_dep'])
		executable('hello', 'hello.c', dependencies: weir)
	END
	meson setup --wrap-mode=forcefallback build && ninja -C build hello && build/hello
}

plain() { make -s -C "$work" -f "$here/Makefile" TOP="$top" hello && "$work/hello"; }

expect "meson install" installed
expect "installed, shared, C" shared cc -std=c11 -Wall -Wextra -Werror
expect "installed, shared, C++" shared g++ -x c++ -std=c++17 -Wall -Wextra -Werror
expect "installed, static" static
expect "the shared library exports what is public, and nothing else" exported
if [ -d "$(libdir)/weir/modules" ]; then
	expect "installed modules are found and work" modules
	expect "modules need what is public, and export their entry alone" public
fi
expect "a module of one's own, with the shared library" own_module
expect "Meson subproject" subproject
rm -f "$work/hello"
expect "plain source lists" plain
echo "1..$number"
[ $failed = 0 ]
