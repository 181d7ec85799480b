// SPDX-License-Identifier: MIT
/*
 * The kernel's own symbol table (kallsyms), found by its shape, as nothing
 * points at it. Names are stored as tokens: a length (one byte, or two with bit
 * 7 set in the first), then so many bytes, each an index of a string in
 * token_table; the first character is the type. markers has the offset of every
 * 256th name. Addresses are 32-bit offsets from relative_base, or on x86 also
 * absolute (positive) or counted down from -1 (relative). Orders known:
 *   since 6.4: num_syms names markers token_table token_index offsets relative_base seqs
 *   before:    offsets relative_base num_syms names markers [seqs] token_table token_index
 * with the gaps that an alignment to pointer size leaves. Lives for one scan.
 */
#include "image_priv.h"

#include <stdlib.h>
#include <string.h>

#include "le.h"
#include "weir/err.h"

#define MAX_NAME_BYTES 1024
#define GROUP 256
/* The code before the first symbol of an ARM kernel is at most so large. */
#define ARM_HEAD_BYTES 0x400000
/* Places that look like a token table before giving up. */
#define MAX_TRIES 64
/* A group's names are between 2 and this many bytes each, on average. */
#define MAX_STEP ((uint32_t)GROUP * 600)

/* File offsets of the tables. */
struct layout {
	size_t tokens, index, markers, names, num, offsets, base;
	uint32_t count, groups;
};

static size_t align_up(size_t v, size_t to)
{
	return (v + to - 1) & ~(to - 1);
}

static bool index_fits(const uint8_t *idx)
{
	int i;

	if (weir_get_le16(idx))
		return false;
	for (i = '0'; i < '9'; i++)
		if (weir_get_le16(idx + 2 * i + 2) - weir_get_le16(idx + 2 * i) != 2)
			return false;
	for (i = 0; i < 255; i++)
		if (weir_get_le16(idx + 2 * i) >= weir_get_le16(idx + 2 * i + 2))
			return false;
	return true;
}

static bool tokens_fit(struct weir_syms *s, const uint8_t *table, const uint8_t *idx)
{
	int i;

	for (i = 0; i < 256; i++) {
		const uint8_t *t = table + weir_get_le16(idx + 2 * i);
		const uint8_t *end = memchr(t, 0, (size_t)(idx - t));

		if (!end || end - t > 255)
			return false;
		if (i < 255 && end + 1 != table + weir_get_le16(idx + 2 * i + 2))
			return false;
		s->tokens[i] = t;
		s->token_len[i] = (uint8_t)(end - t);
	}
	return true;
}

/* The digits stand for themselves in every kernel: "0\0" "1\0" ... "9\0". */
static bool find_tokens(const struct weir_map *map, size_t *from, struct weir_syms *s,
			struct layout *lay)
{
	static const char digits[20] = "0\0" "1\0" "2\0" "3\0" "4\0" "5\0" "6\0" "7\0" "8\0" "9";
	const uint8_t *d = map->file, *at;

	int tries;

	for (tries = 0; tries < MAX_TRIES && *from < map->file_size; tries++) {
		size_t pos, q;

		at = memmem(d + *from, map->file_size - *from, digits, sizeof(digits));
		if (!at)
			return false;
		pos = (size_t)(at - d);
		*from = pos + 1;
		for (q = align_up(pos + 20, 4); q < pos + 16384 && q + 512 <= map->file_size; q += 4) {
			size_t digit0;

			if (!index_fits(d + q))
				continue;
			digit0 = weir_get_le16(d + q + 2 * '0');
			if (digit0 > pos || weir_get_le16(d + q + 2 * 255) >= q - (pos - digit0))
				continue;
			if (!tokens_fit(s, d + pos - digit0, d + q))
				continue;
			lay->tokens = pos - digit0;
			lay->index = q;
			return true;
		}
	}
	return false;
}

/*
 * The markers: a word of 0, then increasing ones up to token_table, or up to
 * three bytes a symbol before it. Looked for from *@from backwards; that is
 * updated, to go on when these are not the ones.
 */
static bool find_markers(const struct weir_map *map, struct layout *lay, size_t *from)
{
	const uint8_t *d = map->file;
	size_t stop = lay->tokens > ((size_t)8 << 20) ? lay->tokens - ((size_t)8 << 20) : 0;
	size_t pos;

	for (pos = *from; pos >= 8 && pos > stop; pos -= 4) {
		uint32_t last = 0, groups = 1;
		size_t end = pos + 4, gap;

		if (weir_get_le32(d + pos))
			continue;
		while (end + 4 <= lay->tokens) {
			uint32_t v = weir_get_le32(d + end);

			if (v < last + 2 * GROUP || v - last > MAX_STEP)
				break;
			last = v;
			groups++;
			end += 4;
		}
		gap = lay->tokens - end;
		if (groups < 2 || last > pos)
			continue;
		if (gap >= 8 && (gap < (size_t)3 * GROUP * (groups - 1) ||
				 gap > (size_t)3 * GROUP * groups + 16))
			continue;
		lay->markers = pos;
		lay->groups = groups;
		*from = pos - 4;
		return true;
	}
	return false;
}

/* Where the name behind @p ends, or NULL. */
static const uint8_t *name_end(const uint8_t *p, const uint8_t *end, size_t *out_tokens)
{
	size_t len;

	if (p >= end)
		return NULL;
	len = *p++;
	if (len & 0x80) {
		if (p >= end)
			return NULL;
		len = (len & 0x7f) | (size_t)*p++ << 7;
	}
	if (!len || len > (size_t)(end - p))
		return NULL;
	*out_tokens = len;
	return p + len;
}

static bool names_fit(const struct weir_map *map, const struct layout *lay)
{
	const uint8_t *start = map->file + lay->names, *p = start;
	const uint8_t *end = map->file + lay->markers;
	size_t tokens;
	uint32_t i;

	for (i = 0; i < lay->count; i++) {
		if (i % GROUP == 0 &&
		    (size_t)(p - start) != weir_get_le32(end + (size_t)4 * (i / GROUP)))
			return false;
		p = name_end(p, end, &tokens);
		if (!p)
			return false;
	}
	return end - p < 16;
}

static bool find_names(const struct weir_map *map, struct layout *lay)
{
	uint32_t last = weir_get_le32(map->file + lay->markers + (size_t)4 * (lay->groups - 1));
	size_t top = (lay->markers - last) & ~(size_t)3, pos;

	for (pos = top; pos >= 4 && top - pos < MAX_STEP; pos -= 4) {
		lay->count = weir_get_le32(map->file + pos - 4);
		if (lay->count > (uint32_t)lay->groups * GROUP || (lay->count + GROUP - 1) / GROUP != lay->groups)
			continue;
		lay->num = pos - 4;
		for (lay->names = pos; lay->names <= pos + 4; lay->names += 4)
			if (lay->names <= top && names_fit(map, lay))
				return true;
	}
	return false;
}

/* Addresses without the base; false when they are not sorted in this reading. */
static bool read_offsets(const uint8_t *p, struct weir_syms *s, bool percpu, uint64_t base)
{
	uint64_t last = 0;
	uint32_t i;

	for (i = 0; i < s->count; i++) {
		uint32_t v = weir_get_le32(p + (size_t)4 * i);

		if (!percpu)
			s->addr[i] = base + v;
		else if (v & 0x80000000)
			s->addr[i] = base + ~v;
		else
			s->addr[i] = v;
		if (s->addr[i] < last)
			return false;
		last = s->addr[i];
	}
	return true;
}

/* Are there offsets at lay->offsets, with relative_base at lay->base? */
static bool offsets_fit(struct weir_map *map, struct weir_syms *s, const struct layout *lay)
{
	const uint8_t *p = map->file + lay->offsets;
	unsigned int bytes = map->ptr_bytes;
	uint64_t base;

	if (lay->offsets + (uint64_t)4 * s->count > map->file_size ||
	    lay->base + bytes > map->file_size)
		return false;
	/* A flat image's base is not known yet, and it has no absolute ones. */
	if (map->flat)
		return read_offsets(p, s, false, 0) && s->addr[0] != s->addr[s->count - 1];
	weir_map_relocate_(map, 0, 0);
	base = bytes == 8 ? weir_get_le64(map->file + lay->base) : weir_get_le32(map->file + lay->base);
	return base && (read_offsets(p, s, false, base) || read_offsets(p, s, true, base)) &&
	       s->addr[0] != s->addr[s->count - 1];
}

static bool find_offsets(struct weir_map *map, struct weir_syms *s, struct layout *lay)
{
	size_t bytes = map->ptr_bytes, table = align_up((size_t)4 * s->count, bytes);

	lay->offsets = align_up(lay->index + 512, bytes);
	lay->base = lay->offsets + table;
	if (offsets_fit(map, s, lay))
		return true;
	if (lay->num < bytes + table)
		return false;
	lay->base = (lay->num & ~(bytes - 1)) - bytes;
	lay->offsets = lay->base - table;
	return offsets_fit(map, s, lay);
}

struct text_search {
	const struct weir_syms *syms;
	uint64_t rel;
	bool found;
};

static int is_text(void *ctx, uint32_t sym, const char *name, size_t len)
{
	struct text_search *t = ctx;

	if (len != 5 || memcmp(name, "_text", 5))
		return 0;
	t->rel = t->syms->addr[sym];
	t->found = true;
	return 1;
}

/* Do the bytes at @p begin a function of 32-bit ARM (A32 or Thumb)? */
static bool is_prologue(const uint8_t *p, bool thumb)
{
	uint32_t insn = weir_get_le32(p);

	if (thumb)
		return (insn & 0xff00) == 0xb500 || (insn & 0xffff) == 0xe92d;
	/* push {...}; push {lr}; mov ip, sp */
	return (insn & 0xffff0000) == 0xe92d0000 || insn == 0xe52de004 || insn == 0xe1a0c00d;
}

/*
 * 32-bit ARM without the symbol _text: of all places that the image can be at,
 * the one where most functions begin as functions do.
 */
static uint64_t guess_arm_base(const struct weir_map *map, const struct weir_syms *s, uint64_t first)
{
	uint64_t best = 0, base, low = first > ARM_HEAD_BYTES ? first - ARM_HEAD_BYTES : 0;
	uint32_t step = s->count / 2048 + 1, best_hits = s->count / step / 8, i;

	for (base = first & ~0xfffull; base > low; base -= 0x1000) {
		uint32_t hits[2] = { 0, 0 };

		for (i = 0; i < s->count; i += step) {
			uint64_t off = first + s->addr[i] - base;

			if ((off & 1) || map->file_size < 4 || off > map->file_size - 4)
				continue;
			hits[0] += is_prologue(map->file + off, false);
			hits[1] += is_prologue(map->file + off, true);
		}
		if (hits[1] > hits[0])
			hits[0] = hits[1];
		if (hits[0] > best_hits) {
			best_hits = hits[0];
			best = base;
		}
	}
	return best;
}

/* A raw Image starts at _text; its address is relative_base plus _text's offset. */
static bool find_base(struct weir_map *map, struct weir_syms *s, const struct layout *lay)
{
	struct text_search text = { .syms = s };
	const uint8_t *at = map->file + lay->base;
	uint64_t first, base;
	uint32_t i;

	if (!map->flat)
		return true;
	weir_syms_each_(s, is_text, &text);
	if (!weir_map_relocate_(map, lay->base, text.found ? text.rel : WEIR_DELTA_UNKNOWN)) {
		first = map->ptr_bytes == 8 ? weir_get_le64(at) : weir_get_le32(at);
		base = text.found ? first + text.rel : 0;
		if (!text.found && map->arch == WEIR_ARCH_ARM)
			base = guess_arm_base(map, s, first);
		if (!base || (base & 0xfff) || base + map->file_size < base)
			return false;
		weir_map_rebase_(map, base);
	}
	first = map->ptr_bytes == 8 ? weir_get_le64(at) : weir_get_le32(at);
	for (i = 0; i < s->count; i++)
		s->addr[i] += first;
	return true;
}

/* The other tables of a token table: 1 when all fit, else 0, or WEIR_ENOMEM. */
static int find_tables(struct weir_map *map, struct weir_syms *s, struct layout *lay)
{
	size_t from = lay->tokens < 16 ? 0 : (lay->tokens - 8) & ~(size_t)3;
	int tries = 0;

	while (tries++ < MAX_TRIES && find_markers(map, lay, &from)) {
		if (!find_names(map, lay))
			continue;
		s->count = lay->count;
		s->names = map->file + lay->names;
		s->names_end = map->file + lay->markers;
		s->addr = malloc(sizeof(*s->addr) * s->count);
		if (!s->addr)
			return WEIR_ENOMEM;
		if (find_offsets(map, s, lay) && find_base(map, s, lay))
			return 1;
		free(s->addr);
		s->addr = NULL;
	}
	return 0;
}

int weir_syms_find_(struct weir_map *map, struct weir_syms *out_syms, const char **out_why)
{
	struct weir_syms s = { 0 };
	struct layout lay = { 0 };
	size_t from = 0;
	int tries = 0, got;

	*out_why = "no symbol table (kallsyms) found";
	while (tries++ < MAX_TRIES && find_tokens(map, &from, &s, &lay)) {
		*out_why = "the symbol table (kallsyms) has an unknown layout";
		got = find_tables(map, &s, &lay);
		if (got > 0)
			*out_syms = s;
		if (got)
			return got > 0 ? 0 : got;
	}
	return WEIR_ENOENT;
}

void weir_syms_fini_(struct weir_syms *syms)
{
	free(syms->addr);
	*syms = (struct weir_syms){ 0 };
}

/* The number of symbols at addresses up to @va. */
static uint32_t syms_upto(const struct weir_syms *syms, uint64_t va)
{
	uint32_t lo = 0, hi = syms->count;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (syms->addr[mid] <= va)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

uint64_t weir_syms_next_(const struct weir_syms *syms, uint64_t va)
{
	uint32_t i = syms_upto(syms, va);

	return i < syms->count ? syms->addr[i] : va + 4096;
}

bool weir_syms_exact_(const struct weir_syms *syms, uint64_t va)
{
	uint32_t i = syms_upto(syms, va);

	return i && syms->addr[i - 1] == va;
}

/* Expand one name without its type; false when it is too long. */
static bool expand(const struct weir_syms *syms, const uint8_t *p, size_t tokens, char *buf,
		   size_t *out_len)
{
	size_t len = 0, i;

	for (i = 0; i < tokens; i++) {
		uint8_t n = syms->token_len[p[i]];

		if (len + n >= MAX_NAME_BYTES)
			return false;
		memcpy(buf + len, syms->tokens[p[i]], n);
		len += n;
	}
	buf[len] = 0;
	*out_len = len;
	return len > 0;
}

bool weir_syms_name_ends_(const struct weir_syms *syms, uint64_t va, const char *suffix)
{
	uint32_t i = syms_upto(syms, va), k;
	size_t tokens, len, want = strlen(suffix);
	char buf[MAX_NAME_BYTES];

	for (; i && syms->addr[i - 1] == va; i--) {
		const uint8_t *p = syms->names + weir_get_le32(syms->names_end + (size_t)4 * ((i - 1) / GROUP));
		const uint8_t *end = p;

		for (k = 0; end && k <= (i - 1) % GROUP; k++) {
			p = end;
			end = name_end(p, syms->names_end, &tokens);
		}
		if (end && expand(syms, end - tokens, tokens, buf, &len) && len > want &&
		    !strcmp(buf + len - want, suffix))
			return true;
	}
	return false;
}

int weir_syms_each_(const struct weir_syms *syms,
		    int (*fn)(void *ctx, uint32_t sym, const char *name, size_t len), void *ctx)
{
	const uint8_t *p = syms->names;
	char buf[MAX_NAME_BYTES];
	uint32_t i;

	for (i = 0; i < syms->count; i++) {
		size_t tokens, len;
		int ret;

		p = name_end(p, syms->names_end, &tokens);
		if (!p)
			return 0;
		if (!expand(syms, p - tokens, tokens, buf, &len))
			continue;
		ret = fn(ctx, i, buf + 1, len - 1);
		if (ret)
			return ret;
	}
	return 0;
}
