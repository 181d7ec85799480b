// SPDX-License-Identifier: MIT
/*
 * Match tables in a relocatable ELF file. A driver is a writable structure that
 * points at its table; so each relocation of a writable section is followed, and
 * what it leads to is taken if it reads as a table of struct of_device_id records
 * (include/linux/mod_devicetable.h: name, type, compatible of 32, 32 and 128 bytes,
 * and a pointer). Tables that only code looks at have no such relocation: they
 * belong to no driver. ELF: System V gABI, chapter 4. No state.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "ko.h"
#include "le.h"
#include "modscan.h"
#include "weir/err.h"

#define SHT_PROGBITS 1
#define SHT_RELA 4
#define SHT_REL 9
#define SHF_WRITE 1
#define SHF_ALLOC 2

#define NAME_BYTES 64 /* name and type */
#define COMPAT_BYTES 128

struct elf {
	struct weir_ko ko;
	char *text;
	size_t text_bytes, text_room;
};

/* ---- tables ---- */

/* A string in a field of fixed size, with nothing behind its end. */
static bool is_field(const uint8_t *p, size_t bytes)
{
	size_t n = 0;

	while (n < bytes && p[n] > ' ' && p[n] < 0x7f)
		n++;
	if (n == bytes)
		return false;
	for (size_t i = n; i < bytes; i++)
		if (p[i])
			return false;
	return true;
}

static int keep(struct elf *e, const char *s)
{
	size_t n = strlen(s) + 1;

	if (e->text_bytes + n > e->text_room) {
		size_t room = (e->text_bytes + n) * 2;
		char *more = realloc(e->text, room);

		if (!more)
			return WEIR_ENOMEM;
		e->text = more;
		e->text_room = room;
	}
	memcpy(e->text + e->text_bytes, s, n);
	e->text_bytes += n;
	return 0;
}

/* The records at @at, up to the blank one; it is no table without that. */
static int take_table(struct elf *e, const struct weir_ko_section *s, uint64_t at)
{
	const size_t stride = NAME_BYTES + COMPAT_BYTES + (e->ko.wide ? 8 : 4);
	const uint8_t *start, *p;
	uint64_t left;
	int err = 0;

	if (at > s->bytes || s->bytes - at < stride)
		return 0;
	start = e->ko.data + s->offset + at;
	left = s->bytes - at;
	for (p = start; left >= stride; p += stride, left -= stride) {
		if (!is_field(p, 32) || !is_field(p + 32, 32) ||
		    !is_field(p + NAME_BYTES, COMPAT_BYTES))
			return 0;
		if (!p[0] && !p[32] && !p[NAME_BYTES])
			break;
	}
	if (left < stride)
		return 0;
	for (; start < p && !err; start += stride)
		if (start[NAME_BYTES])
			err = keep(e, (const char *)start + NAME_BYTES);
	return err;
}

/* ---- relocations ---- */

static int follow(struct elf *e, const struct weir_ko_section *symbols, uint32_t symbol, uint64_t addend)
{
	const uint64_t bytes = e->ko.wide ? 24 : 16;
	const uint8_t *p = e->ko.data + symbols->offset + bytes * symbol;
	struct weir_ko_section s;

	if (bytes * symbol + bytes > symbols->bytes ||
	    !weir_ko_section(&e->ko, weir_get_le16(p + (e->ko.wide ? 6 : 14)), &s) ||
	    s.type != SHT_PROGBITS || !(s.flags & SHF_ALLOC))
		return 0;
	return take_table(e, &s, (e->ko.wide ? weir_get_le64(p + 8) : weir_get_le32(p + 4)) + addend);
}

static int follow_all(struct elf *e, const struct weir_ko_section *rel, const struct weir_ko_section *target,
		      const struct weir_ko_section *symbols)
{
	const bool rela = rel->type == SHT_RELA;
	const uint64_t bytes = (e->ko.wide ? 16 : 8) + (rela ? (e->ko.wide ? 8 : 4) : 0);
	int err = 0;

	for (uint64_t at = 0; at + bytes <= rel->bytes && !err; at += bytes) {
		const uint8_t *p = e->ko.data + rel->offset + at;
		uint64_t place = e->ko.wide ? weir_get_le64(p) : weir_get_le32(p);
		uint32_t symbol = e->ko.wide ? weir_get_le32(p + 12) : weir_get_le32(p + 4) >> 8;
		uint64_t addend = 0;

		if (rela)
			addend = e->ko.wide ? weir_get_le64(p + 16) : weir_get_le32(p + 8);
		else if (place <= target->bytes && target->bytes - place >= 4)
			addend = weir_get_le32(e->ko.data + target->offset + place);
		err = follow(e, symbols, symbol, addend);
	}
	return err;
}

int weir_modscan_elf_(const uint8_t *data, size_t size, char **out_text, size_t *out_bytes)
{
	struct weir_ko_section rel, target, symbols;
	struct elf e = { 0 };
	int err = 0;

	if (!weir_ko_open(&e.ko, data, size))
		return WEIR_ENOEXEC;
	for (uint32_t i = 0; i < e.ko.count && !err; i++) {
		if (!weir_ko_section(&e.ko, i, &rel) || (rel.type != SHT_RELA && rel.type != SHT_REL) ||
		    !weir_ko_section(&e.ko, rel.info, &target) || target.type != SHT_PROGBITS ||
		    !(target.flags & SHF_WRITE) || !weir_ko_section(&e.ko, rel.link, &symbols))
			continue;
		err = follow_all(&e, &rel, &target, &symbols);
	}
	if (err) {
		free(e.text);
		return err;
	}
	*out_text = e.text;
	*out_bytes = e.text_bytes;
	return 0;
}
