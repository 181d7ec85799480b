// SPDX-License-Identifier: MIT
/* The device tree of a capture as a blob, and what of a machine is nobody else's business. */
#include "capture.h"

#include <fnmatch.h>
#include <libfdt.h>
#include <stdlib.h>
#include <string.h>

bool capture_is_private(const char *property)
{
	static const char *const patterns[] = {
		"serial-number", "*mac-address*", "*bd-address*", "*-seed", "bootargs*", "*uuid*",
		"*password*", "*secret*", "*private-key*", "asset-tag*",
	};

	for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++)
		if (!fnmatch(patterns[i], property, 0))
			return true;
	return false;
}

static bool word_is_private(const char *word, size_t n)
{
	static const char *const parts[] = {
		"serial", "mac", "uuid", "ethaddr", "ip=", "password", "secret", "key", "token",
	};
	char low[256];

	if (n >= sizeof(low))
		return true;
	for (size_t i = 0; i < n; i++)
		low[i] = word[i] >= 'A' && word[i] <= 'Z' ? (char)(word[i] + 32) : word[i];
	low[n] = '\0';
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (strstr(low, parts[i]))
			return true;
	return false;
}

char *capture_cmdline(const char *text)
{
	char *out = malloc(strlen(text) + 1);
	size_t n = 0;

	if (!out)
		return NULL;
	while (*text) {
		size_t word = strcspn(text, " \t\n");

		if (word && !word_is_private(text, word)) {
			if (n)
				out[n++] = ' ';
			memcpy(out + n, text, word);
			n += word;
		}
		text += word + (text[word] != '\0');
	}
	out[n] = '\0';
	return out;
}

/* ---- entries "dt/..." to a blob ---- */

struct build {
	char *blob;
	int bytes;
	char open[1024]; /* the node that is open, "dt" or below */
};

static int grow(struct build *b)
{
	int bytes = b->bytes * 2;
	char *blob = bytes > 0 && (unsigned int)bytes <= CAPTURE_MAX_BYTES ? malloc((size_t)bytes) : NULL;

	if (!blob)
		return -FDT_ERR_NOSPACE;
	if (fdt_resize(b->blob, blob, bytes)) {
		free(blob);
		return -FDT_ERR_NOSPACE;
	}
	free(b->blob);
	b->blob = blob;
	b->bytes = bytes;
	return 0;
}

static int begin(struct build *b, const char *name)
{
	int r;

	while ((r = fdt_begin_node(b->blob, name)) == -FDT_ERR_NOSPACE && !(r = grow(b)))
		;
	return r;
}

static int end(struct build *b)
{
	int r;

	while ((r = fdt_end_node(b->blob)) == -FDT_ERR_NOSPACE && !(r = grow(b)))
		;
	return r;
}

static int property(struct build *b, const char *name, const void *value, size_t bytes)
{
	int r;

	if (!strcmp(name, "name")) /* Linux makes that up */
		return 0;
	while ((r = fdt_property(b->blob, name, value, (int)bytes)) == -FDT_ERR_NOSPACE &&
	       !(r = grow(b)))
		;
	return r;
}

/* A directory: its files are properties and come first, then its directories. */
static int directory(struct build *b, const struct capture *c, size_t from, size_t to, size_t depth)
{
	size_t prefix = strlen(b->open) + 1;
	int r = 0;

	for (size_t i = from; i < to && !r; i++) {
		const struct capture_entry *e = &c->entries[i];

		if (!strchr(e->name + prefix, '/'))
			r = property(b, e->name + prefix, e->data, e->bytes);
	}
	for (size_t i = from; i < to && !r;) {
		const char *rest = c->entries[i].name + prefix, *slash = strchr(rest, '/');
		size_t part = slash ? (size_t)(slash - rest) : 0, next = i + 1, open = strlen(b->open);

		if (!slash) {
			i++;
			continue;
		}
		while (next < to && !strncmp(c->entries[next].name + prefix, rest, part + 1))
			next++;
		if (!part || depth > 60 || open + part + 2 > sizeof(b->open))
			return -FDT_ERR_BADSTRUCTURE;
		snprintf(b->open + open, sizeof(b->open) - open, "/%.*s", (int)part, rest);
		r = begin(b, b->open + open + 1);
		if (!r)
			r = directory(b, c, i, next, depth + 1);
		if (!r)
			r = end(b);
		b->open[open] = '\0';
		i = next;
	}
	return r;
}

static int build(struct build *b, const struct capture *c, size_t from, size_t to)
{
	int r = fdt_create(b->blob, b->bytes);

	if (!r)
		r = fdt_finish_reservemap(b->blob);
	if (!r)
		r = begin(b, "");
	if (!r)
		r = directory(b, c, from, to, 0);
	if (!r)
		r = end(b);
	while (!r && (r = fdt_finish(b->blob)) == -FDT_ERR_NOSPACE && !(r = grow(b)))
		;
	return r;
}

/* As the boot loader gave it, in its order; the kernel shows it to root. */
static int from_blob(const struct capture_entry *e, struct weir_bytes *out_dtb)
{
	uint8_t *copy;

	if (e->bytes < FDT_V1_SIZE || fdt_check_header(e->data) || fdt_totalsize(e->data) > e->bytes)
		return WEIR_EBADMSG;
	copy = malloc(e->bytes);
	if (!copy)
		return WEIR_ENOMEM;
	memcpy(copy, e->data, e->bytes);
	out_dtb->data = copy;
	out_dtb->size = e->bytes;
	return 0;
}

static void blank_private(void *blob, int node)
{
	const char *name;
	int at, next;

	for (at = fdt_first_property_offset(blob, node); at >= 0; at = next) {
		next = fdt_next_property_offset(blob, at);
		if (!fdt_getprop_by_offset(blob, at, &name, NULL) || !capture_is_private(name))
			continue;
		/* the name may be what the call reads the tree by: a copy */
		char copy[256];

		snprintf(copy, sizeof(copy), "%s", name);
		fdt_nop_property(blob, node, copy);
	}
}

int capture_blank(void *blob, size_t bytes)
{
	if (bytes < FDT_V1_SIZE || weir_dt_check(blob, bytes))
		return WEIR_EBADMSG;
	for (int node = 0; node >= 0; node = fdt_next_node(blob, node, NULL))
		blank_private(blob, node);
	return 0;
}

int capture_dtb(const struct capture *c, struct weir_bytes *out_dtb)
{
	const struct capture_entry *blob = capture_find(c, "fdt");
	struct build b = { .bytes = 1 << 20, .open = "dt" };
	size_t from = 0, to;
	int r;

	if (blob)
		return from_blob(blob, out_dtb);
	while (from < c->n && strncmp(c->entries[from].name, "dt/", 3))
		from++;
	for (to = from; to < c->n && !strncmp(c->entries[to].name, "dt/", 3); to++)
		;
	if (from == to)
		return WEIR_ENOENT;
	b.blob = malloc((size_t)b.bytes);
	if (!b.blob)
		return WEIR_ENOMEM;
	r = build(&b, c, from, to);
	if (r) {
		free(b.blob);
		return r == -FDT_ERR_NOSPACE ? WEIR_ENOMEM : WEIR_EBADMSG;
	}
	out_dtb->data = (uint8_t *)b.blob;
	out_dtb->size = fdt_totalsize(b.blob);
	return 0;
}
