// SPDX-License-Identifier: MIT
/*
 * Fuzzes captures: any bytes as an archive (the first byte is even), or as the pieces of one,
 * which a fuzzer would hardly get behind checksums: a byte for the piece, two for its size,
 * and what is in it, and so on; and the same bytes as ACPI tables, or a dump of them, and as what
 * lspci prints. What is read is bounded, has no control characters, and every chain of suppliers ends;
 * groups of PCI functions do not depend on what a capture leaves out of their configuration space.
 */
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "acpi/acpi.h"
#include "capture.h"
#include "pci/view.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

/* of opts.c: no error without words */
int complain(const char *fmt, ...)
{
	char line[2048];
	va_list args;

	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	if (!*line)
		abort();
	return EXIT_USAGE;
}

int read_plain(const char *path, struct weir_bytes *out_bytes, char *out_what, size_t bytes)
{
	(void)out_bytes;
	snprintf(out_what, bytes, "%s: files are not read here", path);
	return EXIT_USAGE;
}

static void check_text(const char *text)
{
	for (; text && *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			abort();
}

static void check_tables(struct acpi_tables *t)
{
	if (!t->n)
		abort();
	for (size_t i = 0; i < t->n; i++) {
		volatile uint8_t last = t->items[i].bytes ? t->items[i].data[t->items[i].bytes - 1] : 0;

		(void)last;
		check_text(t->items[i].name);
	}
	acpi_tables_free(t);
}

/* ---- PCI ---- */

/* The same functions with what a capture has of them. */
static void pack(const struct pcidump *dump, struct pcidump *out_packed)
{
	*out_packed = (struct pcidump){ .fns = calloc(dump->n, sizeof(*dump->fns)), .n = dump->n };
	for (size_t i = 0; i < dump->n; i++) {
		out_packed->fns[i] = dump->fns[i];
		if (!dump->fns[i].space)
			continue;
		out_packed->fns[i].space = malloc(PCI_SPACE_BYTES);
		/* what a capture takes for all: a machine has no less */
		pcidump_pack(dump->fns[i].space, PCI_SPACE_BYTES, out_packed->fns[i].space);
		if (dump->fns[i].extent >= PCI_HEADER_BYTES)
			out_packed->fns[i].extent = PCI_SPACE_BYTES;
	}
}

/* What is told of a dump: sets and indices are in range, words are words. */
static bool check_view(const struct pciview *v)
{
	json_t *doc = pciview_json(v);
	bool faults = false;

	if (!doc)
		abort();
	json_decref(doc);
	for (size_t i = 0; i < v->n; i++) {
		for (unsigned int set = 0; set < PCISETS; set++)
			if (v->fns[i].set[set] != PCISET_NONE && v->fns[i].set[set] > i)
				abort();
		faults = faults || v->fns[i].fault;
	}
	for (size_t i = 0; i < v->nr_slots; i++)
		if (v->slots[i].alone && v->slots[i].with != PCISET_NONE)
			abort();
	check_text(v->override);
	return faults;
}

static void check_dump(const char *text, size_t bytes, const struct seen *seen, const char *cmdline)
{
	struct pciview_input in = { .source = "capture", .what = "fuzz", .seen = seen, .cmdline = cmdline };
	struct pcidump dump, packed;
	struct pciview v, w;
	char what[300];
	int err = pcidump_parse(text, bytes, &dump, what, sizeof(what));

	if (err) {
		check_text(what);
		return;
	}
	in.dump = &dump;
	if (dump.n > 64 || pciview_open(&v, &in)) {
		pcidump_free(&dump);
		return;
	}
	pack(&dump, &packed);
	in.dump = &packed;
	if (!check_view(&v) && !pciview_open(&w, &in)) {
		check_view(&w);
		for (size_t i = 0; i < v.n; i++)
			if (memcmp(v.fns[i].set, w.fns[i].set, sizeof(v.fns[i].set)))
				abort();
		pciview_close(&w);
	}
	pciview_close(&v);
	pcidump_free(&packed);
	pcidump_free(&dump);
}

static void use_pci(const struct capture *c, const struct seen *s)
{
	const struct capture_entry *piece = capture_find(c, "pci"), *cmdline = capture_find(c, "cmdline");

	if (piece)
		check_dump(piece->data, piece->bytes, s, cmdline ? cmdline->data : NULL);
}

/* ---- all of it ---- */

static void use(struct capture *c)
{
	struct weir_bytes dtb = { 0 };
	struct acpi_tables t;
	struct seen s;

	if (!acpi_of_capture(c, &t))
		check_tables(&t);

	if (!capture_dtb(c, &dtb))
		weir_bytes_fini(&dtb);
	if (seen_open(&s, c))
		return;
	for (size_t i = 0; i < s.n && i < 500; i++) {
		size_t root = seen_root(&s, i);

		if (root >= s.n)
			abort();
		seen_waits(&s, i);
		check_text(s.devices[i].name);
		check_text(s.devices[i].deferred);
	}
	check_text(s.kernel);
	use_pci(c, &s);
	seen_close(&s);
}

static void add_pieces(struct capture *c, const uint8_t *data, size_t bytes)
{
	static const char *const names[] = { "devices", "links", "deferred", "kernel", "fdt", "dt/compatible",
					     "dt/a/reg", "dt/a/b/phandle", "acpi/IORT", "pci", "cmdline" };

	while (bytes >= 3) {
		size_t n = (size_t)data[1] << 8 | data[2];
		const char *name = names[data[0] >= 254 ? data[0] - 245 : data[0] % 9];

		data += 3;
		bytes -= 3;
		n = n < bytes ? n : bytes;
		if (capture_add(c, name, data, n))
			return;
		data += n;
		bytes -= n;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct capture c = { 0 };
	struct acpi_tables t;

	if (!bytes)
		return 0;
	if (!acpi_read_bytes(data + 1, bytes - 1, &t))
		check_tables(&t);
	check_dump((const char *)data + 1, bytes - 1, NULL, NULL);
	if (*data % 2) {
		add_pieces(&c, data + 1, bytes - 1);
		capture_sort(&c);
	} else if (capture_read_bytes(&c, "fuzz", data + 1, bytes - 1)) {
		return 0;
	}
	if (c.bytes > CAPTURE_MAX_BYTES || c.n > CAPTURE_MAX_ENTRIES)
		abort();
	use(&c);
	capture_free(&c);
	return 0;
}
