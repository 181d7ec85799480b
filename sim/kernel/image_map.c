// SPDX-License-Identifier: MIT
/*
 * The unpacked kernel as a map of link addresses: a raw Image is one segment
 * whose address is found later (image_syms.c), an ELF vmlinux says where its
 * segments are. Relocations are applied in place, once, so that afterwards a
 * pointer is read like any other word. Borrows the file's bytes for the scan;
 * one thread. Formats: Documentation/arch/arm64/booting.rst ("ARM\x64" at 56),
 * Documentation/arch/riscv/boot-image-header.rst ("RSC\x05" at 56), the ELF
 * specification (program headers), the ELF supplements of AArch64
 * (R_AARCH64_RELATIVE is 0x403) and RISC-V (R_RISCV_RELATIVE is 3).
 */
#include "image_priv.h"

#include <string.h>

#include "le.h"
#include "weir/err.h"

#define RELA_BYTES 24
/* Shortest run of relocations that counts, and how densely runs are looked for. */
#define RELA_RUN 100
#define RELA_STEP 1024
#define PT_LOAD 1
/* The first symbol is at most this far into a raw Image. */
#define TEXT_BYTES 0x400000

static int map_elf_seg(struct weir_map *map, const uint8_t *ph, struct weir_errtext *et)
{
	bool wide = map->ptr_bytes == 8;
	uint64_t off = wide ? weir_get_le64(ph + 8) : weir_get_le32(ph + 4);
	uint64_t va = wide ? weir_get_le64(ph + 16) : weir_get_le32(ph + 8);
	uint64_t size = wide ? weir_get_le64(ph + 32) : weir_get_le32(ph + 16);

	if (weir_get_le32(ph) != PT_LOAD || !size)
		return 0;
	if (off > map->file_size || size > map->file_size - off || va + size < va)
		return weir_errtext_set(et, WEIR_EBADMSG,
					"ELF segment at 0x%llx, 0x%llx bytes, is outside the file of 0x%zx bytes",
					(unsigned long long)off, (unsigned long long)size, map->file_size);
	/* The per-CPU segment of x86 is linked at 0: nothing points there. */
	if (!va || map->seg_count == WEIR_MAP_SEGS)
		return 0;
	map->segs[map->seg_count++] = (struct weir_map_seg){ va, size, map->file + off };
	if (map->seg_count == 1 || va < map->va_lo)
		map->va_lo = va;
	if (map->seg_count == 1 || va + size > map->va_hi)
		map->va_hi = va + size;
	return 0;
}

static int map_elf(struct weir_map *map, struct weir_errtext *et)
{
	const uint8_t *d = map->file;
	unsigned int machine, count, bytes, i;
	uint64_t off;

	if (map->file_size < 64 || d[5] != 1 || (d[4] != 1 && d[4] != 2))
		return weir_errtext_set(et, WEIR_ENOEXEC, "ELF file of an unknown class or byte order");
	map->ptr_bytes = d[4] == 2 ? 8 : 4;
	machine = weir_get_le16(d + 18);
	if (machine == 62 && d[4] == 2)
		map->arch = WEIR_ARCH_X86_64;
	else if (machine == 183)
		map->arch = WEIR_ARCH_ARM64;
	else if (machine == 243 && d[4] == 2)
		map->arch = WEIR_ARCH_RISCV64;
	else if (machine == 40 && d[4] == 1)
		map->arch = WEIR_ARCH_ARM;
	else
		return weir_errtext_set(et, WEIR_ENOEXEC, "ELF file for machine %u, not a kernel known here", machine);
	off = d[4] == 2 ? weir_get_le64(d + 32) : weir_get_le32(d + 28);
	bytes = weir_get_le16(d + (d[4] == 2 ? 54 : 42));
	count = weir_get_le16(d + (d[4] == 2 ? 56 : 44));
	if (bytes < (d[4] == 2 ? 56u : 32u) || off > map->file_size ||
	    (uint64_t)bytes * count > map->file_size - off)
		return weir_errtext_set(et, WEIR_EBADMSG, "ELF program headers at offset 0x%llx are outside the file",
					(unsigned long long)off);
	for (i = 0; i < count; i++) {
		int err = map_elf_seg(map, d + off + (uint64_t)bytes * i, et);

		if (err)
			return err;
	}
	if (!map->seg_count)
		return weir_errtext_set(et, WEIR_ENOEXEC, "ELF file without loaded segments");
	return 0;
}

int weir_map_init_(struct weir_map *map, uint8_t *data, size_t size, bool arm_raw,
		   struct weir_errtext *et)
{
	*map = (struct weir_map){ .file = data, .file_size = size, .ptr_bytes = 8 };
	if (size >= 4 && !memcmp(data, "\x7f" "ELF", 4))
		return map_elf(map, et);
	if (size >= 64 && !memcmp(data + 0x38, "ARM\x64", 4)) {
		map->arch = WEIR_ARCH_ARM64;
	} else if (size >= 64 && !memcmp(data + 0x38, "RSC\x05", 4)) {
		map->arch = WEIR_ARCH_RISCV64;
	} else if (arm_raw) {
		map->arch = WEIR_ARCH_ARM;
		map->ptr_bytes = 4;
	} else {
		return weir_errtext_set(et, WEIR_ENOEXEC, "not a kernel image of a known kind");
	}
	map->flat = true;
	weir_map_rebase_(map, 0);
	return 0;
}

void weir_map_rebase_(struct weir_map *map, uint64_t va)
{
	map->segs[0] = (struct weir_map_seg){ va, map->file_size, map->file };
	map->seg_count = 1;
	map->va_lo = va;
	map->va_hi = va + map->file_size;
}

static bool is_rela(const struct weir_map *map, const uint8_t *p, bool relative)
{
	uint64_t info = weir_get_le64(p + 8);

	if (map->arch == WEIR_ARCH_ARM64)
		return info == 0x403 || (!relative && (uint32_t)info == 0x101);
	return info == 3 || (!relative && (uint32_t)info == 2);
}

/*
 * The next run of relocation entries at or behind file offset @from: probe every
 * RELA_STEP bytes whether a few entries follow each other, then walk both ways.
 */
static bool next_run(const struct weir_map *map, size_t from, size_t *out_start, size_t *out_end)
{
	const uint8_t *d = map->file;
	size_t pos, k, start, end;

	for (pos = (from + 7) & ~(size_t)7; pos + 6 * RELA_BYTES <= map->file_size; pos += RELA_STEP) {
		for (k = 0; k < RELA_BYTES; k += 8) {
			start = pos + k;
			if (!is_rela(map, d + start, true) ||
			    !is_rela(map, d + start + RELA_BYTES, true) ||
			    !is_rela(map, d + start + 2 * RELA_BYTES, true))
				continue;
			end = start;
			while (start >= from + RELA_BYTES && is_rela(map, d + start - RELA_BYTES, false))
				start -= RELA_BYTES;
			while (end + RELA_BYTES <= map->file_size && is_rela(map, d + end, false))
				end += RELA_BYTES;
			if (end - start < (size_t)RELA_RUN * RELA_BYTES)
				continue;
			*out_start = start;
			*out_end = end;
			return true;
		}
	}
	return false;
}

static void apply_run(struct weir_map *map, size_t start, size_t end)
{
	size_t pos;

	for (pos = start; pos < end; pos += RELA_BYTES) {
		const uint8_t *p = map->file + pos;
		const uint8_t *at;
		uint64_t off = weir_get_le64(p);

		if (!is_rela(map, p, true))
			continue;
		at = weir_map_at_(map, off, 8);
		/* Not into the entries themselves: they are still being read. */
		if (at && (at + 8 <= map->file + start || at >= map->file + end))
			weir_put_le64(map->file + (at - map->file), weir_get_le64(p + 16));
	}
}

/* Is this the entry of the word at file offset @anchor, @delta bytes above the base? */
static bool is_anchor(const struct weir_map *map, uint64_t off, uint64_t addend, uint64_t anchor,
		      uint64_t delta)
{
	uint64_t base = off - anchor;

	if (off < anchor || base + map->file_size < base)
		return false;
	if (delta != WEIR_DELTA_UNKNOWN)
		return addend == base - delta && !(base & 0xfff);
	return !(base & 0xffff) && !(addend & 0xfff) && addend >= base && addend - base < TEXT_BYTES;
}

bool weir_map_relocate_(struct weir_map *map, uint64_t anchor, uint64_t delta)
{
	size_t start = 0, end = 0, pos;
	bool based = !map->flat;

	if (map->arch != WEIR_ARCH_ARM64 && map->arch != WEIR_ARCH_RISCV64)
		return based;
	for (end = 0; !based && next_run(map, end, &start, &end);) {
		for (pos = start; pos < end && !based; pos += RELA_BYTES) {
			uint64_t off = weir_get_le64(map->file + pos);
			uint64_t addend = weir_get_le64(map->file + pos + 16);

			if (!is_anchor(map, off, addend, anchor, delta))
				continue;
			weir_map_rebase_(map, off - anchor);
			based = true;
		}
	}
	if (!based)
		return false;
	for (end = 0; next_run(map, end, &start, &end);)
		apply_run(map, start, end);
	return true;
}

const uint8_t *weir_map_at_(const struct weir_map *map, uint64_t va, uint64_t len)
{
	unsigned int i;

	for (i = 0; i < map->seg_count; i++) {
		const struct weir_map_seg *seg = &map->segs[i];
		uint64_t off = va - seg->va;

		if (off < seg->size && len <= seg->size - off)
			return seg->data + off;
	}
	return NULL;
}

bool weir_map_pointer_(const struct weir_map *map, uint64_t va, uint64_t *out_target)
{
	const uint8_t *p = weir_map_at_(map, va, map->ptr_bytes);
	uint64_t target;

	if (!p)
		return false;
	target = map->ptr_bytes == 8 ? weir_get_le64(p) : weir_get_le32(p);
	if (target < map->va_lo || target >= map->va_hi)
		return false;
	*out_target = target;
	return true;
}

const char *weir_map_string_(const struct weir_map *map, uint64_t va, size_t max, size_t *out_len)
{
	unsigned int i;

	for (i = 0; i < map->seg_count; i++) {
		const struct weir_map_seg *seg = &map->segs[i];
		uint64_t off = va - seg->va;
		const uint8_t *end;
		size_t room;

		if (off >= seg->size)
			continue;
		room = seg->size - off < max + 1 ? (size_t)(seg->size - off) : max + 1;
		end = memchr(seg->data + off, 0, room);
		if (!end)
			return NULL;
		*out_len = (size_t)(end - (seg->data + off));
		return (const char *)seg->data + off;
	}
	return NULL;
}
