# SPDX-License-Identifier: MIT
#
# The front of the build: each target sees to its own set-up, then calls Meson
# and Ninja. `make help` prints the targets.
#
#   BUILD=DIR      build directory (build)
#   NO_INSTALL=1   never install packages; name what is missing instead
#   MESON_FLAGS=   more arguments for `meson setup`
#   SAMPLE=1       of plan-proof, only some boots
#   V=1            show the compiler's command lines

BUILD ?= build
JOBS ?= $(shell nproc 2>/dev/null || echo 2)
MESON_FLAGS ?=
DEMO = $(BUILD)/weir boot -v $(BUILD)/boards/demo.dtb --drivers boards/demo.drivers
NINJA = ninja -C $(BUILD) -j $(JOBS) $(if $(V),-v,--quiet)

# Meson reads these; one that appears later makes it look again.
LISTS = $(wildcard meson_options.txt */sources.txt */*/sources.txt */meson.build tests/*/*.txt)

.DEFAULT_GOAL = help
.PHONY: help build run test mutations sanitize sanitize-all bench conformance groups plan-proof initramfs exynos qemu tables fuzz format lint freestanding size install clean
.PHONY: setup-build setup-test setup-conformance setup-fuzz setup-format configure

# Set-up runs before the build, not beside it; Ninja does the parallel part.
.NOTPARALLEL:

export NO_INSTALL

help:		## this list
	@echo "make TARGET:"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' Makefile
	@awk '/^# +[A-Z_]+=/ { sub(/^# +/, "  "); print }' Makefile

run: build	## build, then show the main job on the board in boards/
	@$(DEMO) || test $$? = 1 # 1: something waits, which is what it shows

test: setup-test build	## build, then run all tests
	@scripts/test.sh $(BUILD)

mutations: setup-test build	## build mutants of drivers and tables (tests/mutations/list): each must make a test fail
	@scripts/mutations.py $(BUILD)

sanitize: setup-test	## tests under AddressSanitizer and UBSan, those with threads under ThreadSanitizer
	@scripts/sanitize.sh $(BUILD)

sanitize-all: setup-test setup-conformance	## the same; all recorded answers; unit tests under ThreadSanitizer
	@scripts/sanitize.sh $(BUILD) all

bench: build	## measure; `name value unit` lines, and JSON in the build directory
	@scripts/bench.sh $(BUILD)

conformance: setup-conformance build	## compare with Linux's recorded answers (WEIR_TRUTH=DIR), or record and compare: DTBS=DIR
	@scripts/conformance.sh $(BUILD) $(DTBS)

groups: setup-test build	## compare groups of PCI functions with a booted Linux (WEIR_KERNEL=DIR)
	@tests/groups/compare.sh $(BUILD)

plan-proof: setup-test build	## boot a Linux with what weir plan names, and without each of it (WEIR_KERNEL=DIR)
	@tests/plan/proof.sh $(BUILD) $(if $(SAMPLE),--sample)

initramfs: setup-test build	## images made by initramfs-tools and dracut, of what weir plan names (WEIR_KERNEL=DIR)
	@tests/initramfs/run.sh $(BUILD)

exynos: setup-test build	## boards of the Exynos family, and with an SMMUv2, on models, on Debian's device trees (DTBS=DIR)
	@tests/exynos/run.sh $(BUILD) $(DTBS)

tables: setup-test build	## compare translation tables with Linux's, bit by bit
	@tests/pgtable/compare.sh $(BUILD)

qemu: setup-test build	## the tests on device models once more, on the newest QEMU of Debian's backports (WEIR_QEMU=DIR)
	@scripts/qemu.sh $(BUILD)

fuzz: setup-fuzz	## fuzz device trees, overlays, images, texts, PCI (FUZZ_SECONDS=600)
	@scripts/fuzz.sh $(BUILD)

lint: setup-test	## house style: includes, sizes, headers, words
	@scripts/lint.sh

freestanding: setup-test	## the library without an operating system, on three architectures
	@scripts/freestanding.sh $(BUILD)

size: setup-test build	## code size for those who embed a part, aarch64; memory
	@$(NINJA) bench/weir-bench
	@scripts/size.sh $(BUILD)

format: setup-format	## lay out the C sources as .clang-format says
	git ls-files '*.c' '*.h' | xargs clang-format -i

install: build	## install under PREFIX (/usr/local), below DESTDIR
	meson configure $(BUILD) --prefix $(or $(PREFIX),/usr/local)
	meson install -C $(BUILD)

clean:		## remove the build directory
	rm -rf $(BUILD)

build: configure	## build the library, the tool and the tests
	@$(NINJA)

configure: $(BUILD)/build.ninja

$(BUILD)/build.ninja: $(LISTS) | setup-build
	@meson setup $(if $(wildcard $(BUILD)/meson-private/coredata.dat),--reconfigure) $(BUILD) -Dwerror=true $(MESON_FLAGS) > $(BUILD).log 2>&1 || \
		{ cat $(BUILD).log; exit 1; }
	@mv $(BUILD).log $(BUILD)/setup.log; touch $@

setup-build:
	@scripts/setup.sh build

setup-test:
	@scripts/setup.sh build test

setup-conformance:
	@scripts/setup.sh build conformance

setup-fuzz:
	@scripts/setup.sh build fuzz

setup-format:
	@scripts/setup.sh format
