// SPDX-License-Identifier: MIT
/*
 * Fuzzes captures: any bytes as an archive (the first byte is even), or as the pieces of one,
 * which a fuzzer would hardly get behind checksums: a byte for the piece, two for its size,
 * and what is in it, and so on; and the same bytes as ACPI tables, or a dump of them. What is
 * read is bounded, has no control characters, and every chain of suppliers ends.
 */
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "acpi/acpi.h"
#include "capture.h"

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
	seen_close(&s);
}

static void add_pieces(struct capture *c, const uint8_t *data, size_t bytes)
{
	static const char *const names[] = { "devices", "links", "deferred", "kernel", "fdt", "dt/compatible",
					     "dt/a/reg", "dt/a/b/phandle", "acpi/IORT" };

	while (bytes >= 3) {
		size_t n = (size_t)data[1] << 8 | data[2];
		const char *name = names[data[0] % 9];

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
