// SPDX-License-Identifier: MIT
/* Module files; see ko.h. */
#include "ko.h"

#include <stdlib.h>
#include <string.h>

#include "cache.h"
#include "le.h"
#include "weir/err.h"

#define KIND "modinfo-1"
#define SHT_SYMTAB 2
#define SHT_NOBITS 8

static bool inside(const struct weir_ko *ko, uint64_t offset, uint64_t bytes)
{
	return offset <= ko->size && bytes <= ko->size - offset;
}

bool weir_ko_open(struct weir_ko *ko, const uint8_t *data, size_t size)
{
	*ko = (struct weir_ko){ .data = data, .size = size };
	if (size < 64 || memcmp(data, "\177ELF", 4) || data[5] != 1 || weir_get_le16(data + 16) != 1)
		return false;
	ko->wide = data[4] == 2;
	ko->table = ko->wide ? weir_get_le64(data + 40) : weir_get_le32(data + 32);
	ko->entry_bytes = weir_get_le16(data + (ko->wide ? 58 : 46));
	ko->count = weir_get_le16(data + (ko->wide ? 60 : 48));
	ko->names = weir_get_le16(data + (ko->wide ? 62 : 50));
	return ko->entry_bytes >= (ko->wide ? 64 : 40) &&
	       inside(ko, ko->table, (uint64_t)ko->entry_bytes * ko->count);
}

bool weir_ko_section(const struct weir_ko *ko, uint32_t i, struct weir_ko_section *out)
{
	const uint8_t *p = ko->data + ko->table + (uint64_t)ko->entry_bytes * i;

	if (i >= ko->count)
		return false;
	out->name = weir_get_le32(p);
	out->type = weir_get_le32(p + 4);
	out->flags = ko->wide ? weir_get_le64(p + 8) : weir_get_le32(p + 8);
	out->offset = ko->wide ? weir_get_le64(p + 24) : weir_get_le32(p + 16);
	out->bytes = ko->wide ? weir_get_le64(p + 32) : weir_get_le32(p + 20);
	out->link = weir_get_le32(p + (ko->wide ? 40 : 24));
	out->info = weir_get_le32(p + (ko->wide ? 44 : 28));
	return inside(ko, out->offset, out->bytes);
}

/* ---- what it says of itself ---- */

static bool text_add(struct weir_bytes *text, size_t *room, const char *key, const char *s, size_t n)
{
	size_t k = strlen(key), want = text->size + k + n + 2;
	uint8_t *more;

	if (want > *room) {
		more = realloc(text->data, want * 2);
		if (!more)
			return false;
		text->data = more;
		*room = want * 2;
	}
	memcpy(text->data + text->size, key, k);
	memcpy(text->data + text->size + k, s, n);
	text->size += k + n;
	text->data[text->size++] = 0;
	text->data[text->size] = 0;
	return true;
}

/* The string at an offset of a section, when it ends there; else NULL. */
static const char *string_at(const struct weir_ko *ko, const struct weir_ko_section *strings,
			     uint64_t at)
{
	const char *s = (const char *)ko->data + strings->offset + at;

	if (strings->type == SHT_NOBITS || at >= strings->bytes ||
	    !memchr(s, 0, (size_t)(strings->bytes - at)))
		return NULL;
	return s;
}

static int take_modinfo(const struct weir_ko *ko, const struct weir_ko_section *s,
			struct weir_bytes *text, size_t *room)
{
	const char *p = (const char *)ko->data + s->offset;
	size_t left = (size_t)s->bytes, n;

	for (; left; p += n, left -= n) {
		n = strnlen(p, left);
		if (n == left)
			break; /* without its end */
		if (n && !text_add(text, room, "", p, n))
			return WEIR_ENOMEM;
		n++;
	}
	return 0;
}

/* By what drivers ask for firmware: Documentation/driver-api/firmware, remoteproc. */
static bool asks_firmware(const char *symbol)
{
	static const char *const names[] = {
		"request_firmware", "request_firmware_direct", "request_firmware_into_buf",
		"request_partial_firmware_into_buf", "request_firmware_nowait",
		"firmware_request_nowarn", "firmware_request_platform",
		"firmware_request_nowait_nowarn", "rproc_add", "devm_rproc_add",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(symbol, names[i]))
			return true;
	return false;
}

static int take_imports(const struct weir_ko *ko, const struct weir_ko_section *symbols,
			struct weir_bytes *text, size_t *room)
{
	const uint64_t bytes = ko->wide ? 24 : 16;
	struct weir_ko_section strings;

	if (symbols->type == SHT_NOBITS || !weir_ko_section(ko, symbols->link, &strings))
		return 0;
	for (uint64_t at = 0; at + bytes <= symbols->bytes; at += bytes) {
		const uint8_t *p = ko->data + symbols->offset + at;
		const char *name;

		if (weir_get_le16(p + (ko->wide ? 6 : 14))) /* defined here */
			continue;
		name = string_at(ko, &strings, weir_get_le32(p));
		if (name && asks_firmware(name) &&
		    !text_add(text, room, "import=", name, strlen(name)))
			return WEIR_ENOMEM;
	}
	return 0;
}

int weir_ko_info(const uint8_t *data, size_t size, struct weir_bytes *out_text)
{
	struct weir_bytes text = { calloc(1, 1024), 0 };
	struct weir_ko_section names, s;
	struct weir_ko ko;
	size_t room = 1024;
	int err = 0;

	if (!text.data)
		return WEIR_ENOMEM;
	if (!weir_ko_open(&ko, data, size) || !weir_ko_section(&ko, ko.names, &names))
		err = WEIR_ENOEXEC;
	for (uint32_t i = 0; !err && i < ko.count; i++) {
		const char *name;

		if (!weir_ko_section(&ko, i, &s))
			continue;
		name = string_at(&ko, &names, s.name);
		if (name && !strcmp(name, ".modinfo") && s.type != SHT_NOBITS)
			err = take_modinfo(&ko, &s, &text, &room);
		else if (s.type == SHT_SYMTAB)
			err = take_imports(&ko, &s, &text, &room);
	}
	if (err) {
		weir_bytes_fini(&text);
		return err;
	}
	*out_text = text;
	return 0;
}

int weir_ko_info_file(const char *path, struct weir_bytes *out_text)
{
	struct weir_bytes raw, plain;
	int err;

	if (weir_cache_get(KIND, path, out_text)) {
		if (!out_text->size || !out_text->data[out_text->size - 1])
			return 0;
		weir_bytes_fini(out_text); /* not ours after all */
	}
	err = weir_bytes_read(path, NULL, &raw);
	if (err)
		return err;
	if (weir_unpack_compression(raw.data, raw.size)) {
		err = weir_unpack_stream(raw.data, raw.size, NULL, &plain);
		weir_bytes_fini(&raw);
		if (err)
			return err;
		raw = plain;
	}
	err = weir_ko_info(raw.data, raw.size, out_text);
	weir_bytes_fini(&raw);
	if (!err)
		weir_cache_put(KIND, path, out_text->data, out_text->size);
	return err;
}

const char *weir_ko_info_next(const struct weir_bytes *text, const char *key, size_t *pos)
{
	size_t n = strlen(key);

	while (*pos < text->size) {
		const char *s = (const char *)text->data + *pos;

		*pos += strlen(s) + 1;
		if (!strncmp(s, key, n) && s[n] == '=')
			return s + n + 1;
	}
	return NULL;
}
