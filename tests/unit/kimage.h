// SPDX-License-Identifier: MIT
/*
 * Builds small kernel images for tests: a symbol table, initcalls with code,
 * drivers, match tables and relocations, laid out as each architecture's
 * kernels have them. The content is the same for all, so that one expected list
 * serves for all. A struct kimage owns its bytes; kimage_fini() frees them.
 */
#ifndef WEIR_TESTS_KIMAGE_H
#define WEIR_TESTS_KIMAGE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/image.h"
#include "kernel/le.h"

#define KIMAGE_BYTES 0x20000
#define KIMAGE_MAX_SYMS 700
#define KIMAGE_MAX_RELAS 400

enum kimage_flags {
	KIMAGE_OLD_ORDER = 1,	/* kallsyms as before 6.4 */
	KIMAGE_FUNCTIONS = 2,	/* symbols of functions alone */
	KIMAGE_NO_SYMS = 4,
	KIMAGE_PERCPU = 8,	/* offsets counted down, as x86 with absolute symbols has them */
};

struct kimage_sym {
	uint32_t off;
	char name[128];
};

struct kimage {
	enum weir_arch arch;
	unsigned int flags, ptr;
	uint64_t base;
	uint8_t *data;
	size_t size, used;
	uint32_t text, rodata;	/* where the next function, the next object goes */
	struct kimage_sym syms[KIMAGE_MAX_SYMS];
	size_t sym_count;
	uint64_t rela_at[KIMAGE_MAX_RELAS], rela_to[KIMAGE_MAX_RELAS];
	size_t rela_count;
	uint32_t calls[64];	/* functions */
	char call_names[64][120];
	size_t call_count;
};

static inline uint32_t kimage_align(uint32_t v, uint32_t to)
{
	return (v + to - 1) & ~(to - 1);
}

static inline void kimage_put_word(struct kimage *k, uint32_t off, uint64_t v)
{
	if (k->ptr == 8)
		weir_put_le64(k->data + off, v);
	else
		weir_put_le32(k->data + off, (uint32_t)v);
}

/* A pointer to offset @to, as a relocation where the architecture's images have those. */
static inline void kimage_put_pointer(struct kimage *k, uint32_t off, uint32_t to)
{
	if (k->arch == WEIR_ARCH_ARM64 || k->arch == WEIR_ARCH_RISCV64) {
		k->rela_at[k->rela_count] = k->base + off;
		k->rela_to[k->rela_count++] = k->base + to;
	} else {
		kimage_put_word(k, off, k->base + to);
	}
}

static inline void kimage_sym(struct kimage *k, uint32_t off, const char *name, bool function)
{
	struct kimage_sym *s = &k->syms[k->sym_count];

	if (!function && (k->flags & KIMAGE_FUNCTIONS))
		return;
	s->off = off;
	s->name[0] = function ? 't' : 'd';
	memcpy(s->name + 1, name, strlen(name) + 1);
	k->sym_count++;
}

static inline uint32_t kimage_object(struct kimage *k, const char *name, uint32_t bytes)
{
	uint32_t off = k->rodata;

	if (name)
		kimage_sym(k, off, name, false);
	k->rodata = kimage_align(off + bytes, 16);
	return off;
}

static inline uint32_t kimage_string(struct kimage *k, const char *s)
{
	uint32_t off = kimage_object(k, NULL, (uint32_t)strlen(s) + 1);

	memcpy(k->data + off, s, strlen(s) + 1);
	return off;
}

/* An of_device_id table of "a b c"; a word's leading ^ sets its data to 1. */
static inline uint32_t kimage_table(struct kimage *k, const char *name, const char *compats)
{
	uint32_t bytes = 192 + k->ptr, off, at;
	char copy[256], *word, *save = NULL;

	snprintf(copy, sizeof(copy), "%s", compats);
	/* 64 bytes that are not zero before it, as the plain search looks for zeros. */
	off = kimage_object(k, NULL, 64);
	memset(k->data + off, 0x5a, 64);
	off = kimage_object(k, name, bytes * 10);
	at = off;
	for (word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		bool one = *word == '^';

		memcpy(k->data + at + 64, word + one, strlen(word + one));
		if (one)
			kimage_put_word(k, at + 192, 1);
		at += bytes;
	}
	k->rodata = kimage_align(at + bytes, 16);
	return off;
}

/* A platform driver: five pointers, then struct device_driver. */
static inline uint32_t kimage_driver(struct kimage *k, const char *name, const char *compats)
{
	uint32_t table = kimage_table(k, NULL, compats), text = kimage_string(k, name), off;
	char sym[64];

	snprintf(sym, sizeof(sym), "%s_driver", name);
	off = kimage_object(k, sym, 30 * k->ptr);
	kimage_put_pointer(k, off + 5 * k->ptr, text);
	kimage_put_pointer(k, off + 5 * k->ptr + (k->ptr == 8 ? 40 : 24), table);
	return off;
}

/* An AMBA driver for peripheral id 0x00041011 (PL011). */
static inline uint32_t kimage_amba(struct kimage *k, const char *name)
{
	uint32_t ids = kimage_object(k, NULL, 64), text = kimage_string(k, name);
	uint32_t off = kimage_object(k, "amba_driver", 30 * k->ptr);

	weir_put_le32(k->data + ids, 0x00041011);
	weir_put_le32(k->data + ids + 4, 0x000fffff);
	kimage_put_pointer(k, off, text);
	kimage_put_pointer(k, off + 20 * k->ptr, ids);
	return off;
}

/* Code that makes the address of @to: the shortest form of each architecture. */
static inline uint32_t kimage_code(struct kimage *k, uint32_t at, uint32_t to)
{
	uint64_t pc = k->base + at, va = k->base + to;
	uint32_t d;

	switch (k->arch) {
	case WEIR_ARCH_ARM64:
		d = (uint32_t)((va >> 12) - (pc >> 12));
		weir_put_le32(k->data + at, 0x90000000 | (d & 3) << 29 | (d >> 2 & 0x7ffff) << 5);
		weir_put_le32(k->data + at + 4, 0x91000000 | (uint32_t)(va & 0xfff) << 10);
		return 8;
	case WEIR_ARCH_RISCV64:
		d = (uint32_t)(va - pc);
		weir_put_le32(k->data + at, 0x00000517 | ((d + 0x800) & 0xfffff000));
		weir_put_le32(k->data + at + 4, 0x00050513 | (d & 0xfff) << 20);
		return 8;
	case WEIR_ARCH_ARM:
		d = (uint32_t)va;
		weir_put_le32(k->data + at, 0xe3000000 | (d & 0xfff) | (d >> 12 & 15) << 16);
		weir_put_le32(k->data + at + 4, 0xe3400000 | (d >> 16 & 0xfff) | d >> 28 << 16);
		return 8;
	default:
		d = (uint32_t)(va - pc - 7);
		memcpy(k->data + at, "\x48\x8d\x3d", 3);
		weir_put_le32(k->data + at + 3, d);
		return 7;
	}
}

static inline uint32_t kimage_call(struct kimage *k, uint32_t at, uint32_t to)
{
	uint32_t d = to - at;

	switch (k->arch) {
	case WEIR_ARCH_ARM64:
		weir_put_le32(k->data + at, 0x94000000 | (d >> 2 & 0x3ffffff));
		return 4;
	case WEIR_ARCH_RISCV64:
		weir_put_le32(k->data + at, 0x000000ef | (d & 0xff000) | (d >> 11 & 1) << 20 |
						    (d >> 1 & 0x3ff) << 21 | (d >> 20 & 1) << 31);
		return 4;
	case WEIR_ARCH_ARM:
		weir_put_le32(k->data + at, 0xeb000000 | ((d - 8) >> 2 & 0xffffff));
		return 4;
	default:
		k->data[at] = 0xe8;
		weir_put_le32(k->data + at + 1, d - 5);
		return 5;
	}
}

/* A function of 64 bytes that takes one address, or calls one function. */
static inline uint32_t kimage_function(struct kimage *k, const char *name, uint32_t object, uint32_t callee)
{
	uint32_t off = k->text, at = off;

	kimage_sym(k, off, name, true);
	if (k->arch == WEIR_ARCH_ARM) {
		weir_put_le32(k->data + at, 0xe92d4010);
		at += 4;
	}
	if (object)
		at += kimage_code(k, at, object);
	if (callee)
		kimage_call(k, at, callee);
	k->text += 64;
	return off;
}

static inline void kimage_initcall(struct kimage *k, const char *module, const char *level, uint32_t func)
{
	snprintf(k->call_names[k->call_count], sizeof(k->call_names[0]),
		 "__initcall__kmod_%s__%zu_%d_%s_init%s", module, 100 + k->call_count, 7, module, level);
	k->calls[k->call_count++] = func;
}

/* The entries: relative words on arm64 and x86, pointers elsewhere; then the nine level marks. */
static inline void kimage_place_initcalls(struct kimage *k)
{
	bool relative = k->arch == WEIR_ARCH_ARM64 || k->arch == WEIR_ARCH_X86_64;
	uint32_t step = relative ? 4 : k->ptr, off, marks, i, level;

	off = kimage_object(k, NULL, step * 64);
	for (i = 0; i < k->call_count; i++) {
		kimage_sym(k, off + i * step, k->call_names[i], false);
		if (relative)
			weir_put_le32(k->data + off + 4 * i, k->calls[i] - (off + 4 * i));
		else
			kimage_put_pointer(k, off + i * step, k->calls[i]);
	}
	marks = kimage_object(k, "initcall_levels", 9 * k->ptr);
	/* The levels of kimage_fill(): 2 calls of level 2, then 6, then 7. */
	for (level = 0; level < 9; level++) {
		i = level <= 2 ? 0 : level <= 6 ? 2 :
		    level == 7 ? (uint32_t)k->call_count - 1 : (uint32_t)k->call_count;
		kimage_put_pointer(k, marks + level * k->ptr, off + i * step);
	}
}

/* What kimage_fill() puts in, as weir_image_write_list() prints it. */
static const char kimage_list[] =
	"# early set-up: what OF_DECLARE tables say\n"
	"!irq arm,gic-400\n"
	"!irq arm,cortex-a15-gic\n"
	"!early fixed-factor-clock\n"
	"!early fixed-clock\n"
	"!init acme,rtc\n"
	"# initcalls, in order\n"
	"alpha@2 acme,alpha acme,alpha-v2\n"
	"be_ta_x@2 acme,beta\n"
	"simple-pm-bus@6 simple-pm-bus ^simple-bus\n"
	"gamma@6 acme,gamma\n"
	"delta@6 acme,delta\n"
	"epsilon@6 acme,epsilon\n"
	"uart-pl011@7 arm,pl011 arm,sbsa-uart\n"
	"# 7 drivers\n";

static inline void kimage_fill(struct kimage *k)
{
	uint32_t obj[8], func, clk, array, i;
	char name[32];

	kimage_table(k, "__irqchip_of_table", "arm,gic-400 arm,cortex-a15-gic");
	clk = kimage_table(k, "__clk_of_table", "fixed-factor-clock fixed-clock acme,rtc");
	func = kimage_function(k, "rtc_of_clk_init_driver", 0, 0);
	kimage_put_pointer(k, clk + 2 * (192 + k->ptr) + 192, func);
	obj[0] = kimage_driver(k, "alpha", "acme,alpha acme,alpha-v2");
	obj[1] = kimage_driver(k, "be ta:x", "acme,beta");
	obj[2] = kimage_driver(k, "simple-pm-bus", "simple-pm-bus ^simple-bus");
	obj[3] = kimage_driver(k, "gamma", "acme,gamma");
	obj[4] = kimage_driver(k, "delta", "acme,delta");
	obj[5] = kimage_driver(k, "epsilon", "acme,epsilon");
	obj[6] = kimage_amba(k, "uart-pl011");
	array = kimage_object(k, "gamma_drivers", 2 * k->ptr);
	kimage_put_pointer(k, array, obj[3]);
	kimage_put_pointer(k, array + k->ptr, obj[4]);
	kimage_initcall(k, "alpha", "2", kimage_function(k, "alpha_init", obj[0], 0));
	kimage_initcall(k, "beta", "2", kimage_function(k, "beta_init", obj[1], 0));
	kimage_initcall(k, "bus", "6", kimage_function(k, "bus_init", obj[2], 0));
	kimage_initcall(k, "gamma", "6", kimage_function(k, "gamma_init", array, 0));
	func = kimage_function(k, "epsilon_helper", obj[5], 0);
	kimage_initcall(k, "epsilon", "6", kimage_function(k, "epsilon_init", 0, func));
	for (i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "none%u", (unsigned int)i);
		kimage_initcall(k, name, "6", kimage_function(k, name, 0, 0));
	}
	kimage_initcall(k, "pl011", "7", kimage_function(k, "pl011_init", obj[6], 0));
	kimage_place_initcalls(k);
}

static inline int kimage_by_off(const void *a, const void *b)
{
	const struct kimage_sym *x = a, *y = b;

	return x->off < y->off ? -1 : x->off > y->off;
}

static inline uint32_t kimage_names(struct kimage *k, uint32_t at, uint32_t *markers)
{
	uint32_t start = at, len;
	size_t i;

	for (i = 0; i < k->sym_count; i++) {
		if (i % 256 == 0)
			markers[i / 256] = at - start;
		len = (uint32_t)strlen(k->syms[i].name);
		k->data[at++] = (uint8_t)len;
		memcpy(k->data + at, k->syms[i].name, len);
		at += len;
	}
	return kimage_align(at, k->ptr);
}

/* Every printable character stands for itself, all other tokens are empty. */
static inline uint32_t kimage_tokens(struct kimage *k, uint32_t at)
{
	uint32_t start = at, index[256], i;

	for (i = 0; i < 256; i++) {
		index[i] = at - start;
		if (i > 32 && i < 127)
			k->data[at++] = (uint8_t)i;
		k->data[at++] = 0;
	}
	at = kimage_align(at, k->ptr);
	for (i = 0; i < 256; i++, at += 2) {
		k->data[at] = (uint8_t)index[i];
		k->data[at + 1] = (uint8_t)(index[i] >> 8);
	}
	return kimage_align(at, k->ptr);
}

static inline uint32_t kimage_offsets(struct kimage *k, uint32_t at)
{
	size_t i;

	for (i = 0; i < k->sym_count; i++, at += 4) {
		uint32_t v = k->syms[i].off - k->syms[0].off;

		weir_put_le32(k->data + at, k->flags & KIMAGE_PERCPU ? ~v : v);
	}
	at = kimage_align(at, k->ptr);
	kimage_put_pointer(k, at, k->syms[0].off);
	return at + k->ptr;
}

static inline void kimage_kallsyms(struct kimage *k)
{
	uint32_t at = kimage_align(k->rodata + 64, 16), markers[KIMAGE_MAX_SYMS / 256 + 1], i;

	qsort(k->syms, k->sym_count, sizeof(k->syms[0]), kimage_by_off);
	if (k->flags & KIMAGE_OLD_ORDER)
		at = kimage_offsets(k, at);
	weir_put_le32(k->data + at, (uint32_t)k->sym_count);
	at = kimage_names(k, at + k->ptr, markers);
	for (i = 0; i < (k->sym_count + 255) / 256; i++, at += 4)
		weir_put_le32(k->data + at, markers[i]);
	at = kimage_align(at, k->ptr);
	if (k->flags & KIMAGE_OLD_ORDER) {
		/* The order of the names, three bytes a symbol. */
		memset(k->data + at, 0, 3 * k->sym_count);
		for (i = 0; i < k->sym_count; i++)
			k->data[at + 3 * i + 2] = (uint8_t)(i * 7);
		at = kimage_align(at + 3 * (uint32_t)k->sym_count, k->ptr);
	}
	at = kimage_tokens(k, at);
	if (!(k->flags & KIMAGE_OLD_ORDER))
		at = kimage_offsets(k, at);
	k->rodata = kimage_align(at, 16);
}

static inline void kimage_relocations(struct kimage *k)
{
	uint32_t at = kimage_align(k->rodata, 8), pad = k->rodata + 0x8000;
	size_t i;

	/* A real image has many thousands of them. */
	while (k->rela_count < 150)
		kimage_put_pointer(k, pad += 8, 0x1000);
	for (i = 0; i < k->rela_count; i++, at += 24) {
		weir_put_le64(k->data + at, k->rela_at[i]);
		weir_put_le64(k->data + at + 8, k->arch == WEIR_ARCH_ARM64 ? 0x403 : 3);
		weir_put_le64(k->data + at + 16, k->rela_to[i]);
	}
	k->rodata = at;
}

static inline void kimage_header(struct kimage *k)
{
	uint8_t *d = k->data;

	if (k->arch == WEIR_ARCH_ARM64)
		memcpy(d + 0x38, "ARM\x64", 4);
	if (k->arch == WEIR_ARCH_RISCV64)
		memcpy(d + 0x38, "RSC\x05", 4);
	if (k->arch != WEIR_ARCH_X86_64)
		return;
	/* An ELF file of one segment, at file offset 0. */
	memcpy(d, "\x7f" "ELF\2\1\1", 7);
	d[18] = 62;
	weir_put_le64(d + 32, 64);
	d[54] = 56;
	d[56] = 1;
	weir_put_le32(d + 64, 1);
	weir_put_le64(d + 64 + 16, k->base);
	weir_put_le64(d + 64 + 32, KIMAGE_BYTES);
}

static inline void kimage_init(struct kimage *k, enum weir_arch arch, unsigned int flags)
{
	static const char banner[] = "Linux version 6.12.99-test (nobody@nowhere) #1 SMP\n";
	char name[32];
	uint32_t off;
	int i;

	memset(k, 0, sizeof(*k));
	k->arch = arch;
	k->flags = flags;
	k->ptr = arch == WEIR_ARCH_ARM ? 4 : 8;
	k->base = arch == WEIR_ARCH_ARM64 ? 0xffff800080000000 :
		  arch == WEIR_ARCH_ARM	  ? 0xc0208000 :
		  arch == WEIR_ARCH_X86_64 ? 0xffffffff81000000 : 0xffffffff80000000;
	k->data = calloc(1, KIMAGE_BYTES);
	k->size = KIMAGE_BYTES;
	k->text = 0x1000;
	k->rodata = 0xa000;
	if (!(flags & KIMAGE_FUNCTIONS))
		kimage_sym(k, 0, "_text", true);
	/* More functions than a group of names has. */
	for (i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "filler_%d", i);
		kimage_function(k, name, 0, 0);
	}
	kimage_fill(k);
	off = kimage_object(k, "linux_banner", sizeof(banner));
	memcpy(k->data + off, banner, sizeof(banner));
	if (!(flags & KIMAGE_NO_SYMS))
		kimage_kallsyms(k);
	if (k->rela_count)
		kimage_relocations(k);
	kimage_header(k);
}

static inline void kimage_fini(struct kimage *k)
{
	free(k->data);
	k->data = NULL;
}

#endif
