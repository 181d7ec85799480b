// SPDX-License-Identifier: MIT
/*
 * cpio archives of the kind "newc", the only ones that the kernel takes:
 * Documentation/driver-api/early-userspace/buffer-format.rst. A header is 110
 * characters, 13 fields of 8 hexadecimal digits behind the magic; names and contents
 * are padded to 4 bytes. No state of its own.
 */
#include <stdio.h>
#include <string.h>

#include "initramfs.h"
#include "weir/err.h"

#define HEADER_BYTES 110u
#define MODE_TYPE 0170000u
#define MODE_LINK 0120000u

enum field {
	F_INO, F_MODE, F_UID, F_GID, F_NLINK, F_MTIME, F_SIZE, F_MAJOR, F_MINOR, F_RMAJOR,
	F_RMINOR, F_NAME_BYTES, F_CHECK, F_COUNT,
};

struct stream {
	struct weir_initramfs *image;
	const uint8_t *data;
	size_t size, base;
	const char *packing;
	struct weir_errtext *et;
};

/* "at offset 512 (gzip data at 120, 512 bytes into it): ..." */
static int damaged(const struct stream *s, size_t at, int err, const char *what, const char *name)
{
	const char *colon = name ? ": " : "";

	if (s->packing)
		return weir_errtext_set(s->et, err, "%s, %zu bytes into the %s data at offset %zu%s%.200s",
					what, at, s->packing, s->base, colon, name ? name : "");
	return weir_errtext_set(s->et, err, "%s at offset %zu%s%.200s", what, s->base + at, colon,
				name ? name : "");
}

static bool take_fields(const uint8_t *p, uint32_t *fields)
{
	for (unsigned int i = 0; i < F_COUNT; i++) {
		fields[i] = 0;
		for (unsigned int k = 0; k < 8; k++) {
			uint8_t c = p[6 + i * 8 + k];
			uint32_t digit;

			if (c >= '0' && c <= '9')
				digit = c - '0';
			else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
				digit = (c | 0x20) - 'a' + 10u;
			else
				return false;
			fields[i] = fields[i] << 4 | digit;
		}
	}
	return true;
}

static uint32_t sum_of(const uint8_t *data, size_t size)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < size; i++)
		sum += data[i];
	return sum;
}

static size_t padded(size_t n)
{
	return (n + 3) & ~(size_t)3;
}

static int check_magic(const struct stream *s, size_t at)
{
	const uint8_t *p = s->data + at;

	if (s->size - at < HEADER_BYTES)
		return damaged(s, at, WEIR_EBADMSG, "the archive is cut short", NULL);
	if (!memcmp(p, "070707", 6))
		return damaged(s, at, WEIR_EBADMSG,
			       "an archive of cpio's old kind, which the kernel does not take "
			       "(cpio -H newc)", NULL);
	if (memcmp(p, "070701", 6) && memcmp(p, "070702", 6))
		return damaged(s, at, WEIR_EBADMSG, "no cpio magic", NULL);
	return 0;
}

/* One file. Return: 0; 1 at the archive's last; an error. */
static int take_file(const struct stream *s, size_t *pos)
{
	struct weir_initramfs_entry entry;
	uint32_t f[F_COUNT];
	size_t at = *pos, left;
	char inode[32];
	int err = check_magic(s, at);

	if (err)
		return err;
	if (!take_fields(s->data + at, f))
		return damaged(s, at, WEIR_EBADMSG, "a header that is no hexadecimal number", NULL);
	left = s->size - at - HEADER_BYTES;
	if (!f[F_NAME_BYTES] || f[F_NAME_BYTES] > WEIR_INITRAMFS_MAX_PATH)
		return damaged(s, at, WEIR_EBADMSG, "a name of no or of over 4096 bytes", NULL);
	entry.name = (const char *)s->data + at + HEADER_BYTES;
	if (f[F_NAME_BYTES] > left)
		return damaged(s, at, WEIR_EBADMSG, "the archive is cut short within a name", NULL);
	if (entry.name[f[F_NAME_BYTES] - 1])
		return damaged(s, at, WEIR_EBADMSG, "a name without end", NULL);
	*pos = at + padded(HEADER_BYTES + f[F_NAME_BYTES]);
	if (!strcmp(entry.name, "TRAILER!!!")) {
		*pos = *pos < s->size ? *pos : s->size;
		return 1;
	}
	if (*pos > s->size || f[F_SIZE] > s->size - *pos)
		return damaged(s, at, WEIR_EBADMSG, "the archive is cut short within a file",
			       entry.name);
	entry.data = s->data + *pos;
	entry.size = f[F_SIZE];
	entry.mode = f[F_MODE];
	entry.links = f[F_NLINK];
	if ((entry.mode & MODE_TYPE) == MODE_LINK && entry.size > WEIR_INITRAMFS_MAX_PATH)
		return damaged(s, at, WEIR_EBADMSG, "a link of over 4096 bytes", entry.name);
	if (s->data[at + 5] == '2' && sum_of(entry.data, entry.size) != f[F_CHECK])
		return damaged(s, at, WEIR_EBADMSG, "a wrong checksum", entry.name);
	snprintf(inode, sizeof(inode), "%x:%x:%x", f[F_INO], f[F_MAJOR], f[F_MINOR]);
	entry.inode = inode;
	*pos += entry.size;
	*pos = padded(*pos) < s->size ? padded(*pos) : s->size;
	err = weir_initramfs_add_(s->image, &entry);
	return err ? damaged(s, at, err, err == WEIR_E2BIG ? "too many files or too long a path"
							   : "no memory", entry.name) : 0;
}

static int take_archive(const struct stream *s, size_t *pos)
{
	int got;

	do {
		if (*pos == s->size)
			return damaged(s, *pos, WEIR_EBADMSG,
				       "the archive ends without its last entry (TRAILER!!!)", NULL);
		got = take_file(s, pos);
	} while (!got);
	/* hard links do not go from one archive to another */
	weir_strtable_fini(&s->image->inodes);
	return got < 0 ? got : 0;
}

int weir_initramfs_stream_(struct weir_initramfs *image, const uint8_t *data, size_t size,
			   size_t base, const char *packing, struct weir_errtext *et,
			   size_t *out_end)
{
	struct stream s = { image, data, size, base, packing, et };
	size_t pos = 0, start;
	int err = 0;

	while (!err && pos < size) {
		start = pos;
		while (pos < size && !data[pos])
			pos++;
		if (pos == size || data[pos] != '0') {
			pos = packing ? pos : start;
			break;
		}
		if ((base + pos) % 4 && !packing)
			return damaged(&s, pos, WEIR_EBADMSG, "an archive that is not at a multiple of 4",
				       NULL);
		if (packing && pos % 4)
			return damaged(&s, pos, WEIR_EBADMSG, "an archive that is not at a multiple of 4",
				       NULL);
		err = take_archive(&s, &pos);
	}
	if (err)
		return err;
	if (packing && pos < size)
		return damaged(&s, pos, WEIR_EBADMSG, "something else than archives", NULL);
	*out_end = pos;
	return 0;
}
