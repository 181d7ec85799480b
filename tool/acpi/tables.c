// SPDX-License-Identifier: MIT
/*
 * ACPI tables as they lie around; see acpi.h. A file with a table begins with its signature
 * and length (ACPI 6.6, 5.2.6); a dump has "IORT @ 0x..." before the lines of each table, and in
 * each line the offset, a colon, up to 16 bytes as hexadecimal numbers, and behind two blanks
 * the same as text (acpidump(8)). Nothing in it is trusted: sizes are limited, and the library checks
 * each table that it reads.
 */
#include <ctype.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "acpi.h"

#define HEADER_BYTES 36u
#define MAX_TABLES 512u
#define MAX_TABLE_BYTES (16u << 20)

/* ---- a list of tables ---- */

void acpi_tables_free(struct acpi_tables *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->items[i].data);
	free(t->items);
	*t = (struct acpi_tables){ 0 };
}

static bool is_signature(const uint8_t *at)
{
	for (int i = 0; i < 4; i++)
		if (!isupper(at[i]) && !isdigit(at[i]) && at[i] != '_')
			return false;
	return true;
}

static uint32_t length_of(const uint8_t *at)
{
	return at[4] | (uint32_t)at[5] << 8 | (uint32_t)at[6] << 16 | (uint32_t)at[7] << 24;
}

static bool is_table(const uint8_t *data, size_t bytes)
{
	return bytes >= HEADER_BYTES && is_signature(data) && length_of(data) >= HEADER_BYTES &&
	       length_of(data) <= MAX_TABLE_BYTES;
}

/* @name: of four characters. Return: 0; WEIR_ENOMEM; WEIR_E2BIG. */
static int add(struct acpi_tables *t, const char *name, const void *data, size_t bytes)
{
	struct acpi_blob *more, blob = { .bytes = bytes };

	if (t->n == MAX_TABLES || bytes > MAX_TABLE_BYTES)
		return WEIR_E2BIG;
	blob.data = malloc(bytes + 1);
	if (!blob.data)
		return WEIR_ENOMEM;
	memcpy(blob.data, data, bytes);
	snprintf(blob.name, sizeof(blob.name), "%.4s", name);
	more = realloc(t->items, (t->n + 1) * sizeof(*more));
	if (!more) {
		free(blob.data);
		return WEIR_ENOMEM;
	}
	t->items = more;
	t->items[t->n++] = blob;
	return 0;
}

/* ---- a dump ---- */

static bool is_head(const char *line)
{
	return is_signature((const uint8_t *)line) && !strncmp(line + 4, " @ 0x", 5);
}

/* The bytes of a line. Return: how many. */
static size_t bytes_of(const char *line, uint8_t *out)
{
	const char *at = strchr(line, ':');
	size_t n = 0;

	if (!at)
		return 0;
	for (at++; n < 16 && at[0] == ' ' && isxdigit((unsigned char)at[1]) &&
	     isxdigit((unsigned char)at[2]); at += 3)
		out[n++] = (uint8_t)strtoul((char[]){ at[1], at[2], 0 }, NULL, 16);
	return n;
}

static int read_dump(char *text, struct acpi_tables *t)
{
	char *line, *rest = text, name[5] = "";
	uint8_t *data = malloc(strlen(text) / 3 + 16);
	size_t bytes = 0;
	int err = data ? 0 : WEIR_ENOMEM;

	while (!err && (line = strsep(&rest, "\n"))) {
		bool head = strlen(line) >= 9 && is_head(line);

		if ((head || !*line) && bytes) {
			err = add(t, name, data, bytes);
			bytes = 0;
			*name = '\0';
		}
		if (head)
			snprintf(name, sizeof(name), "%.4s", line);
		else if (*name)
			bytes += bytes_of(line, data + bytes);
	}
	if (!err && bytes)
		err = add(t, name, data, bytes);
	free(data);
	return err;
}

/* Whether the first line that is not empty is that of a dump. */
static bool is_dump(const char *data, size_t bytes)
{
	size_t at = 0;

	while (at < bytes && (data[at] == '\n' || data[at] == '\r'))
		at++;
	return bytes - at >= 9 && is_head(data + at);
}

int acpi_read_bytes(const void *data, size_t bytes, struct acpi_tables *out_tables)
{
	struct acpi_tables t = { 0 };
	int err = WEIR_EBADMSG;

	if (is_dump(data, bytes)) {
		char *text = strndup(data, bytes);

		err = text ? read_dump(text, &t) : WEIR_ENOMEM;
		free(text);
	} else if (is_table(data, bytes)) {
		err = add(&t, data, data, bytes);
	}
	if (!err && !t.n)
		err = WEIR_EBADMSG;
	if (err)
		acpi_tables_free(&t);
	else
		*out_tables = t;
	return err;
}

/* ---- files ---- */

/* Whether a file begins as a table, or as a dump. Others may begin with four capitals too. */
static bool is_file(const char *path)
{
	uint8_t head[HEADER_BYTES] = { 0 };
	struct stat st;
	size_t n = 0;
	FILE *f = stat(path, &st) || !S_ISREG(st.st_mode) ? NULL : fopen(path, "r");

	if (!f)
		return false;
	n = fread(head, 1, sizeof(head), f);
	fclose(f);
	/* in /sys each table has its size; a file may be padded, but not to a multiple of itself */
	return is_dump((char *)head, n) ||
	       (is_table(head, n) && (uint64_t)st.st_size >= length_of(head) &&
		(uint64_t)st.st_size < length_of(head) + 4096ull);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* Of each file in turn. Return: of @visit, the first that is not 0; 0. */
static int each(const char *dir, int (*visit)(void *context, const char *path), void *context)
{
	struct dirent **list;
	char path[4096];
	int n = scandir(dir, &list, NULL, by_name), stop = 0;

	for (int i = 0; i < n; i++) {
		if (!stop && list[i]->d_name[0] != '.' &&
		    snprintf(path, sizeof(path), "%s/%s", dir, list[i]->d_name) < (int)sizeof(path))
			stop = visit(context, path);
		free(list[i]);
	}
	if (n >= 0)
		free(list);
	return stop;
}

static int is_one(void *context, const char *path)
{
	(void)context;
	return is_file(path);
}

bool acpi_is(const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return false;
	return S_ISDIR(st.st_mode) ? each(path, is_one, NULL) : is_file(path);
}

static int read_file(void *context, const char *path)
{
	struct acpi_tables *all = context, some = { 0 };
	struct weir_errtext et = { "" };
	struct weir_bytes file = { 0 };
	int err;

	if (!is_file(path))
		return 0;
	if (weir_bytes_read(path, &et, &file))
		return complain("%s", et.text);
	err = acpi_read_bytes(file.data, file.size, &some);
	weir_bytes_fini(&file);
	for (size_t i = 0; !err && i < some.n; i++)
		err = add(all, some.items[i].name, some.items[i].data, some.items[i].bytes);
	acpi_tables_free(&some);
	if (err == WEIR_E2BIG)
		return complain("%s: more than %u ACPI tables, or a larger one than %u bytes", path, MAX_TABLES,
				MAX_TABLE_BYTES);
	return err ? complain("%s: %s", path, err == WEIR_EBADMSG ? "no ACPI tables in it" : "out of memory") : 0;
}

int acpi_read(const char *path, struct acpi_tables *out_tables)
{
	struct acpi_tables t = { 0 };
	struct stat st;
	int status;

	if (stat(path, &st))
		return complain("%s: there is no such file", path);
	status = S_ISDIR(st.st_mode) ? each(path, read_file, &t) : read_file(&t, path);
	if (status)
		acpi_tables_free(&t);
	else
		*out_tables = t;
	return status;
}

int acpi_of_capture(const struct capture *c, struct acpi_tables *out_tables)
{
	struct acpi_tables t = { 0 };
	int err = 0;

	for (size_t i = 0; i < c->n && !err; i++) {
		const struct capture_entry *e = &c->entries[i];

		if (!strncmp(e->name, "acpi/", 5) && is_table((const uint8_t *)e->data, e->bytes))
			err = add(&t, e->data, e->data, e->bytes);
	}
	if (!err && !t.n)
		err = WEIR_ENOENT;
	if (err)
		acpi_tables_free(&t);
	else
		*out_tables = t;
	return err == WEIR_E2BIG ? WEIR_ENOENT : err;
}

static bool is_archive(const char *path)
{
	struct weir_bytes file = { 0 };
	uint8_t head[512];
	bool is = false;

	if (weir_bytes_read(path, NULL, &file))
		return false;
	if (file.size > 262 && !memcmp(file.data + 257, "ustar", 5))
		is = true;
	else if (weir_unpack_head(file.data, file.size, head, sizeof(head)) == sizeof(head))
		is = !memcmp(head + 257, "ustar", 5);
	weir_bytes_fini(&file);
	return is;
}

int acpi_is_capture(const char *path)
{
	struct capture c = { 0 };
	struct stat st;
	bool is;
	int err;

	if (stat(path, &st) || !S_ISREG(st.st_mode) || !is_archive(path))
		return 0;
	err = capture_read(&c, path);
	if (err)
		return err;
	is = false;
	for (size_t i = 0; i < c.n; i++) {
		is = is || !strncmp(c.entries[i].name, "acpi/", 5);
		if (!strcmp(c.entries[i].name, "fdt") || !strncmp(c.entries[i].name, "dt/", 3)) {
			is = false;
			break;
		}
	}
	capture_free(&c);
	return is;
}

int acpi_load(struct weir_machine *m, const struct acpi_tables *t)
{
	struct weir_acpi_table *tables = calloc(t->n + 1, sizeof(*tables));
	struct weir_acpi acpi = { .tables = tables, .nr_tables = (unsigned int)t->n };
	int err;

	if (!tables)
		return WEIR_ENOMEM;
	for (size_t i = 0; i < t->n; i++)
		tables[i] = (struct weir_acpi_table){ t->items[i].data, t->items[i].bytes };
	err = weir_firmware_load_acpi(m, &acpi);
	free(tables);
	return err;
}
