// SPDX-License-Identifier: MIT
/*
 * Reads configuration space from text; see dump.h. A line that begins with the address of a function
 * begins that function; rows of sixteen bytes with their offset belong to it (lspci(8), -x).
 * Nothing in it is trusted: what is no such row though it begins as one is an error with its line.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "dump.h"
#include "weir.h"

#define ROW 16u

/* ---- addresses ---- */

/* Digits of a number up to @max of them. Return: how many; 0: there is none, or there are more. */
static size_t hex_of(const char *text, size_t max, uint32_t *out)
{
	uint32_t value = 0;
	size_t n = 0;

	for (; n <= max && isxdigit((unsigned char)text[n]); n++) {
		unsigned char c = (unsigned char)text[n];

		value = value << 4 | (uint32_t)(isdigit(c) ? c - '0' : tolower(c) - 'a' + 10);
	}
	if (!n || n > max)
		return 0;
	*out = value;
	return n;
}

bool pci_name_parse(const char *text, uint32_t *out_segment, uint16_t *out_rid, size_t *out_bytes)
{
	uint32_t segment = 0, bus, device, function;
	size_t at = 0, n = hex_of(text, 8, &bus);

	if (n >= 4 && text[n] == ':') {
		segment = bus;
		at = n + 1;
		n = hex_of(text + at, 2, &bus);
	}
	if (n != 2 || text[at + 2] != ':' || hex_of(text + at + 3, 2, &device) != 2 || text[at + 5] != '.' ||
	    hex_of(text + at + 6, 1, &function) != 1 || device > 31 || function > 7)
		return false;
	*out_segment = segment;
	*out_rid = (uint16_t)(bus << 8 | device << 3 | function);
	*out_bytes = at + 7;
	return true;
}

const char *pci_name(uint32_t segment, uint16_t rid, char buf[PCI_NAME_BYTES])
{
	snprintf(buf, PCI_NAME_BYTES, "%04x:%02x:%02x.%x", segment, rid >> 8, rid >> 3 & 31u, rid & 7u);
	return buf;
}

/* ---- lines ---- */

struct reader {
	struct pcidump dump;
	struct pcidump_fn *fn;  /* of the rows that come; NULL: none yet */
	unsigned int line;
	bool any_row;
	char *what;
	size_t what_bytes;
};

static int bad(struct reader *r, const char *fmt, const char *text)
{
	char copy[80];
	int n = snprintf(r->what, r->what_bytes, "line %u: ", r->line);

	snprintf(copy, sizeof(copy), "%.60s", text);
	text_clean(copy, strlen(copy), "");
	if (n > 0 && (size_t)n < r->what_bytes)
		snprintf(r->what + n, r->what_bytes - (size_t)n, fmt, copy);
	return WEIR_EBADMSG;
}

static int begin(struct reader *r, uint32_t segment, uint16_t rid, const char *rest)
{
	static const char mark[] = " virtual function of ";
	struct pcidump_fn fn = { .segment = segment, .rid = rid, .line = r->line }, *more;
	size_t n = strlen(mark);
	uint32_t above;

	if (r->dump.n == PCIDUMP_MAX_FNS) {
		bad(r, "more functions than %s are read", "8192");
		return WEIR_E2BIG;
	}
	if (!strncmp(rest, mark, n) && pci_name_parse(rest + n, &above, &fn.physical, &n) && above == segment)
		fn.is_virtual = true;
	if (r->dump.n == r->dump.room) {
		r->dump.room = r->dump.room ? 2 * r->dump.room : 64;
		more = realloc(r->dump.fns, r->dump.room * sizeof(*more));
		if (!more)
			return WEIR_ENOMEM;
		r->dump.fns = more;
	}
	r->fn = &r->dump.fns[r->dump.n++];
	*r->fn = fn;
	return 0;
}

/* "10: 00 00 ...", of which the offset was read. */
static int take_row(struct reader *r, uint32_t offset, const char *line, const char *bytes)
{
	uint8_t row[ROW];

	r->any_row = true;
	if (!r->fn)
		return bad(r, "bytes before the first function: '%s'", line);
	if (offset % ROW || offset >= PCI_SPACE_BYTES)
		return bad(r, "no offset in configuration space: '%s'", line);
	if (offset < r->fn->extent)
		return bad(r, "bytes of this function a second time, or out of order: '%s'", line);
	for (size_t i = 0; i < ROW; i++) {
		uint32_t byte;

		if (*bytes != ' ' || hex_of(bytes + 1, 2, &byte) != 2)
			return bad(r, "not sixteen bytes: '%s'", line);
		row[i] = (uint8_t)byte;
		bytes += 3;
	}
	if (bytes[strspn(bytes, " \t")])
		return bad(r, "not sixteen bytes: '%s'", line);
	if (!r->fn->space)
		r->fn->space = calloc(1, PCI_SPACE_BYTES);
	if (!r->fn->space)
		return WEIR_ENOMEM;
	memcpy(r->fn->space + offset, row, ROW);
	r->fn->extent = offset + ROW;
	return 0;
}

/* Begins as an address, whatever the numbers are. */
static bool is_address(const char *line)
{
	uint32_t any;
	size_t n = hex_of(line, 8, &any);

	if (n >= 4 && line[n] == ':') {
		line += n + 1;
		n = hex_of(line, 2, &any);
	}
	return n == 2 && line[2] == ':' && hex_of(line + 3, 8, &any) && line[3 + hex_of(line + 3, 8, &any)] == '.';
}

static int take_line(struct reader *r, const char *line)
{
	uint32_t segment, offset;
	uint16_t rid;
	size_t n;

	r->line++;
	if (pci_name_parse(line, &segment, &rid, &n) && (!line[n] || line[n] == ' '))
		return begin(r, segment, rid, line + n);
	if (is_address(line))
		return bad(r, "no address that a PCI function can have: '%s'", line);
	n = hex_of(line, 3, &offset);
	if (n >= 2 && line[n] == ':')
		return take_row(r, offset, line, line + n + 1);
	return 0;
}

/* ---- a whole text ---- */

static int by_rid(const void *a, const void *b)
{
	const struct pcidump_fn *x = a, *y = b;

	if (x->segment != y->segment)
		return x->segment < y->segment ? -1 : 1;
	return x->rid < y->rid ? -1 : x->rid > y->rid;
}

static int finish(struct reader *r)
{
	char name[PCI_NAME_BYTES];

	if (!r->dump.n) {
		snprintf(r->what, r->what_bytes, "no PCI functions in it");
		return WEIR_EBADMSG;
	}
	if (!r->any_row) {
		snprintf(r->what, r->what_bytes, "lspci's words, without the bytes of configuration space: give what "
			 "`sudo lspci -xxxx` prints");
		return WEIR_EBADMSG;
	}
	qsort(r->dump.fns, r->dump.n, sizeof(*r->dump.fns), by_rid);
	for (size_t i = 1; i < r->dump.n; i++) {
		const struct pcidump_fn *a = &r->dump.fns[i - 1], *b = &r->dump.fns[i];

		if (by_rid(a, b))
			continue;
		r->line = a->line > b->line ? a->line : b->line;
		return bad(r, "%s a second time", pci_name(b->segment, b->rid, name));
	}
	return 0;
}

int pcidump_parse(const char *text, size_t bytes, struct pcidump *out_dump, char *out_what, size_t what_bytes)
{
	struct reader r = { .what = out_what, .what_bytes = what_bytes };
	char line[256];
	int err = 0;

	for (size_t at = 0, n; at < bytes && !err; at += n + 1) {
		const char *end = memchr(text + at, '\n', bytes - at);

		n = end ? (size_t)(end - text) - at : bytes - at;
		/* longer ones are lspci's words; an address and bytes are in front */
		snprintf(line, sizeof(line), "%.*s", (int)(n < sizeof(line) ? n : sizeof(line) - 1), text + at);
		line[strcspn(line, "\r")] = '\0';
		err = take_line(&r, line);
	}
	if (!err)
		err = finish(&r);
	if (err)
		pcidump_free(&r.dump);
	else
		*out_dump = r.dump;
	return err;
}

void pcidump_free(struct pcidump *dump)
{
	for (size_t i = 0; i < dump->n; i++)
		free(dump->fns[i].space);
	free(dump->fns);
	*dump = (struct pcidump){ 0 };
}

const struct pcidump_fn *pcidump_find(const struct pcidump *dump, uint32_t segment, uint16_t rid)
{
	const struct pcidump_fn key = { .segment = segment, .rid = rid };

	return dump->n ? bsearch(&key, dump->fns, dump->n, sizeof(key), by_rid) : NULL;
}

bool pcidump_answers(const struct pcidump_fn *fn)
{
	unsigned int vendor, device;

	if (!fn->space || fn->extent < PCI_HEADER_BYTES || fn->is_virtual)
		return false;
	vendor = fn->space[0] | (unsigned int)fn->space[1] << 8;
	device = fn->space[2] | (unsigned int)fn->space[3] << 8;
	/* 0x0001 with 0xffff: it is still starting (PCI Express Base Specification 5.0, 2.3.2) */
	return vendor && vendor != 0xffff && !(vendor == 1 && device == 0xffff);
}

/* ---- files ---- */

bool pcidump_is(const void *data, size_t bytes)
{
	const char *text = data;
	uint32_t segment;
	char line[32];
	uint16_t rid;
	size_t n = 0;

	while (n < bytes && (text[n] == '\n' || text[n] == '\r'))
		n++;
	snprintf(line, sizeof(line), "%.*s", (int)(bytes - n < 31 ? bytes - n : 31), text + n);
	return pci_name_parse(line, &segment, &rid, &n) && line[n] == ' ';
}

bool pcidump_is_file(const char *path)
{
	struct weir_bytes file = { 0 };
	bool is = !weir_bytes_read(path, NULL, &file) && pcidump_is(file.data, file.size);

	weir_bytes_fini(&file);
	return is;
}

int pcidump_read(const char *path, struct pcidump *out_dump)
{
	struct weir_bytes file = { 0 };
	char what[300];
	int err;

	if (read_plain(path, &file, what, sizeof(what)))
		return complain("%s", what);
	err = pcidump_parse((const char *)file.data, file.size, out_dump, what, sizeof(what));
	weir_bytes_fini(&file);
	return err ? complain("%s: %s", path, err == WEIR_ENOMEM ? "out of memory" : what) : 0;
}
