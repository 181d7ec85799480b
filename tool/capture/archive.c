// SPDX-License-Identifier: MIT
/*
 * Captures as archives: tar, with whatever compression libarchive knows. What an archive
 * says is data: nothing is unpacked to disk, links are passed over, names are checked.
 */
#include "capture.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TOP "weir-capture/"

bool capture_is(const void *data, size_t bytes)
{
	const uint8_t *p = data;
	bool gzip = bytes > 2 && p[0] == 0x1f && p[1] == 0x8b;
	bool xz = bytes > 6 && !memcmp(p, "\xfd" "7zXZ", 6);
	bool zstd = bytes > 4 && !memcmp(p, "\x28\xb5\x2f\xfd", 4);

	return gzip || xz || zstd || (bytes > 262 && !memcmp(p + 257, "ustar", 5));
}

/* Below the top directory, without a way out. */
static const char *checked_name(const char *name)
{
	const char *at = name;

	while (!strncmp(at, "./", 2))
		at += 2;
	if (strncmp(at, TOP, strlen(TOP)))
		return NULL;
	at += strlen(TOP);
	if (!*at || *at == '/' || strstr(at, "..") || strlen(at) >= 1024)
		return NULL;
	return at;
}

static int read_entry(struct capture *c, struct archive *a, struct archive_entry *e)
{
	const char *name = archive_entry_pathname(e);
	size_t bytes, room = CAPTURE_MAX_BYTES - c->bytes;
	char *data;
	la_ssize_t n = 0;
	int err;

	name = name ? checked_name(name) : NULL;
	if (!name || archive_entry_filetype(e) != AE_IFREG || archive_entry_hardlink(e))
		return 0;
	if (!archive_entry_size_is_set(e) || archive_entry_size(e) < 0 ||
	    (uint64_t)archive_entry_size(e) > room)
		return WEIR_E2BIG;
	bytes = (size_t)archive_entry_size(e);
	data = malloc(bytes + 1);
	if (!data)
		return WEIR_ENOMEM;
	if (bytes)
		n = archive_read_data(a, data, bytes);
	err = n == (la_ssize_t)bytes ? capture_add(c, name, data, bytes) : WEIR_EBADMSG;
	free(data);
	return err;
}

static struct archive *open_archive(const char *name, const void *data, size_t bytes)
{
	struct archive *a = archive_read_new();

	if (!a)
		return NULL;
	/* not all that there are: for some, libarchive starts programs */
	archive_read_support_filter_gzip(a);
	archive_read_support_filter_xz(a);
	archive_read_support_filter_zstd(a);
	archive_read_support_filter_bzip2(a);
	archive_read_support_filter_lz4(a);
	archive_read_support_format_tar(a);
	if (archive_read_open_memory(a, data, bytes) != ARCHIVE_OK) {
		complain("%s: %s", name, archive_error_string(a));
		archive_read_free(a);
		return NULL;
	}
	return a;
}

/* What is passed over must be unpacked too, and counts. */
static int check_size(struct archive *a, struct archive_entry *e, uint64_t *passed)
{
	*passed += archive_entry_size_is_set(e) && archive_entry_size(e) > 0
			? (uint64_t)archive_entry_size(e) : 0;
	return *passed > CAPTURE_MAX_BYTES || (uint64_t)archive_filter_bytes(a, 0) > 4 * (uint64_t)CAPTURE_MAX_BYTES
			? WEIR_E2BIG : 0;
}

int capture_read_bytes(struct capture *c, const char *path, const void *data, size_t bytes)
{
	struct archive *a = open_archive(path, data, bytes);
	struct archive_entry *e;
	int r = ARCHIVE_EOF, err = 0, status = 0;
	uint64_t passed = 0;

	*c = (struct capture){ 0 };
	if (!a)
		return EXIT_USAGE;
	while (!err && (r = archive_read_next_header(a, &e)) == ARCHIVE_OK) {
		err = check_size(a, e, &passed);
		if (!err)
			err = read_entry(c, a, e);
	}
	if (err)
		status = complain("%s: %s", path, err == WEIR_EBADMSG ? "it ends inside a file"
								       : weir_strerror(err));
	else if (r != ARCHIVE_EOF)
		status = complain("%s: %s", path, archive_error_string(a));
	archive_read_free(a);
	capture_sort(c);
	if (!status && !capture_find(c, "devices"))
		status = complain("%s: no capture: it has no " TOP "devices", path);
	if (status)
		capture_free(c);
	return status;
}

int capture_read(struct capture *c, const char *path)
{
	struct weir_bytes file = { 0 };
	struct weir_errtext et = { "" };
	int status;

	if (weir_bytes_read(path, &et, &file))
		return complain("%s", et.text);
	if (capture_is(file.data, file.size))
		status = capture_read_bytes(c, path, file.data, file.size);
	else
		status = complain("%s: no capture: weir capture makes one", path);
	weir_bytes_fini(&file);
	return status;
}

static int write_entry(struct archive *a, const struct capture_entry *from)
{
	struct archive_entry *e = archive_entry_new();
	char name[1200];
	int r;

	if (!e)
		return ARCHIVE_FATAL;
	snprintf(name, sizeof(name), TOP "%s", from->name);
	archive_entry_set_pathname(e, name);
	archive_entry_set_filetype(e, AE_IFREG);
	archive_entry_set_perm(e, 0644);
	archive_entry_set_size(e, (la_int64_t)from->bytes);
	r = archive_write_header(a, e);
	if (r == ARCHIVE_OK && from->bytes &&
	    archive_write_data(a, from->data, from->bytes) != (la_ssize_t)from->bytes)
		r = ARCHIVE_FATAL;
	archive_entry_free(e);
	return r;
}

int capture_write(const struct capture *c, const char *path)
{
	struct archive *a = archive_write_new();
	int r = a ? ARCHIVE_OK : ARCHIVE_FATAL, status = 0;

	if (r == ARCHIVE_OK)
		r = archive_write_add_filter_gzip(a);
	if (r == ARCHIVE_OK)
		r = archive_write_set_format_pax_restricted(a);
	if (r == ARCHIVE_OK)
		r = archive_write_open_filename(a, path);
	for (size_t i = 0; i < c->n && r == ARCHIVE_OK; i++)
		r = write_entry(a, &c->entries[i]);
	if (r == ARCHIVE_OK)
		r = archive_write_close(a);
	if (r != ARCHIVE_OK)
		status = complain("%s: %s", path, a && archive_errno(a) > 0 ? strerror(archive_errno(a)) :
						  "out of memory");
	if (a)
		archive_write_free(a);
	return status;
}
