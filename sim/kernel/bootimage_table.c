// SPDX-License-Identifier: MIT
/*
 * Tables of device trees, and trees behind a kernel; see bootimage.h.
 *   dt_table, of dtb and dtbo partitions: "DTB and DTBO partitions" (source.android.com,
 *   Core topics, Device tree overlays), versions 0 and 1: big-endian; an entry has an id and a
 *   revision, and of version 1 how it is packed;
 *   QCDT, of Qualcomm's dt.img: "Android - Table of Device Tree" (dtbtool.txt of Code Aurora's
 *   dtbtool), versions 1 to 3: little-endian; many entries may share a tree;
 *   a kernel image with trees behind it: one behind another up to the end of the file, with
 *   nothing but zeroes between. Others that are in a kernel are its own.
 */
#include <stdio.h>
#include <string.h>

#include "bootimage.h"
#include "le.h"
#include "weir/err.h"

enum {
	/* dt_table: its head, and an entry */
	TOTAL_SIZE = 4, ENTRY_BYTES = 12, ENTRIES = 16, ENTRIES_AT = 20, VERSION = 28, HEAD_BYTES = 32,
	ENTRY_SIZE = 0, ENTRY_AT = 4, ENTRY_ID = 8, ENTRY_REV = 12, ENTRY_FLAGS = 16,
	MIN_ENTRY_BYTES = 32, PACKED_MASK = 0xf, PACKED_ZLIB = 1, PACKED_GZIP = 2,
	/* QCDT: the rest of an entry is before its place and size, which are last */
	QC_VERSION = 4, QC_ENTRIES = 8, QC_HEAD_BYTES = 12,
	/* Documentation/arch/arm64/booting.rst; the zImage's magic: unpack.h reads them too */
	ZIMAGE_AT = 36, IMAGE_AT = 56,
};

/* ---- dt_table ---- */

bool weir_table_is_(const uint8_t *data, size_t size)
{
	return size >= HEAD_BYTES && (weir_get_be32(data) == 0xd7b7ab1eu || !memcmp(data, "QCDT", 4));
}

static int read_entry(struct weir_bootimage *image, const uint8_t *entry, uint32_t number,
		      uint32_t version, struct weir_errtext *et)
{
	uint32_t flags = version ? weir_get_be32(entry + ENTRY_FLAGS) & PACKED_MASK : 0;
	uint32_t id = weir_get_be32(entry + ENTRY_ID), rev = weir_get_be32(entry + ENTRY_REV);
	char name[40], label[40];
	int err;

	snprintf(name, sizeof(name), "table entry %u", number);
	if (flags > PACKED_GZIP)
		return weir_errtext_set(et, WEIR_EBADMSG, "%s: packed in the unknown way %u", name, flags);
	err = weir_bootimage_add_(image, WEIR_BOOTPART_TREE, name, weir_get_be32(entry + ENTRY_AT),
				  weir_get_be32(entry + ENTRY_SIZE), et);
	if (err)
		return err;
	snprintf(label, sizeof(label), "id=0x%x,rev=0x%x", id, rev);
	image->parts[image->part_count - 1].zlib = flags == PACKED_ZLIB;
	return weir_bootimage_label_(image, label);
}

static int read_dt_table(struct weir_bootimage *image, struct weir_errtext *et)
{
	const uint8_t *head = image->file.data;
	uint32_t bytes = weir_get_be32(head + ENTRY_BYTES), n = weir_get_be32(head + ENTRIES);
	uint32_t at = weir_get_be32(head + ENTRIES_AT), version = weir_get_be32(head + VERSION);
	uint32_t total = weir_get_be32(head + TOTAL_SIZE);
	int err = 0;

	image->kind = "device tree table image";
	if (version > 1)
		return weir_errtext_set(et, WEIR_EBADMSG, "%s of version %u, and 1 is the last that is known",
					image->kind, version);
	if (total > image->file.size)
		return weir_errtext_set(et, WEIR_EBADMSG, "%s of %u bytes cut short at offset %zu", image->kind,
					total, image->file.size);
	if (bytes < MIN_ENTRY_BYTES || n > WEIR_BOOTIMAGE_MAX_PARTS || at > image->file.size ||
	    (uint64_t)n * bytes > image->file.size - at)
		return weir_errtext_set(et, WEIR_EBADMSG, "table at offset %u: %u entries of %u bytes do not fit",
					at, n, bytes);
	for (uint32_t i = 0; i < n && !err; i++)
		err = read_entry(image, head + at + (size_t)i * bytes, i, version, et);
	return err;
}

/* ---- QCDT ---- */

/* Each tree once. */
static bool is_known(const struct weir_bootimage *image, const uint8_t *data)
{
	for (size_t i = 0; i < image->part_count; i++)
		if (image->parts[i].kind == WEIR_BOOTPART_TREE && image->parts[i].data == data)
			return true;
	return false;
}

static int add_qc_entry(struct weir_bootimage *image, const uint8_t *entry, uint32_t number,
			uint32_t version, uint64_t base, struct weir_errtext *et)
{
	static const uint8_t place[] = { 12, 16, 32 };
	uint64_t at = base + weir_get_le32(entry + place[version - 1]);
	uint32_t size = weir_get_le32(entry + place[version - 1] + 4);
	char name[40], label[64];
	int err;

	if (at < image->file.size && is_known(image, image->file.data + at))
		return 0;
	snprintf(name, sizeof(name), "table entry %u", number);
	err = weir_bootimage_add_(image, WEIR_BOOTPART_TREE, name, at, size, et);
	if (err)
		return err;
	snprintf(label, sizeof(label), "platform=%u,variant=%u", weir_get_le32(entry),
		 weir_get_le32(entry + 4));
	return weir_bootimage_label_(image, label);
}

int weir_qcdt_read_(struct weir_bootimage *image, uint64_t base, struct weir_errtext *et)
{
	static const uint8_t entry_bytes[] = { 20, 24, 40 };
	const uint8_t *head = image->file.data + base;
	size_t left = image->file.size - (size_t)base;
	uint32_t version = left < QC_HEAD_BYTES ? 0 : weir_get_le32(head + QC_VERSION), n;
	int err = 0;

	if (version < 1 || version > 3)
		return weir_errtext_set(et, WEIR_EBADMSG, "QCDT at offset %llu: version %u, and 1 to 3 are known",
					(unsigned long long)base, version);
	n = weir_get_le32(head + QC_ENTRIES);
	if ((uint64_t)n * entry_bytes[version - 1] > left - QC_HEAD_BYTES)
		return weir_errtext_set(et, WEIR_EBADMSG, "QCDT at offset %llu: %u entries do not fit into %zu bytes",
					(unsigned long long)base, n, left);
	for (uint32_t i = 0; i < n && !err; i++)
		err = add_qc_entry(image, head + QC_HEAD_BYTES + (size_t)i * entry_bytes[version - 1], i,
				   version, base, et);
	return err;
}

int weir_table_read_(struct weir_bootimage *image, struct weir_errtext *et)
{
	if (memcmp(image->file.data, "QCDT", 4))
		return read_dt_table(image, et);
	image->kind = "QCDT image";
	return weir_qcdt_read_(image, 0, et);
}

/* ---- behind a kernel ---- */

static bool is_kernel(const uint8_t *data, size_t size)
{
	return (size > ZIMAGE_AT + 4 && weir_get_le32(data + ZIMAGE_AT) == 0x016f2818u) ||
	       (size > IMAGE_AT + 4 && !memcmp(data + IMAGE_AT, "ARM\x64", 4)) ||
	       weir_unpack_compression(data, size);
}

/* Whether trees, and zeroes between them, go from here to the end. */
static bool reaches_end(const uint8_t *at, const uint8_t *end, size_t *left)
{
	while (at < end) {
		size_t bytes = weir_bootimage_tree_at_(at, (size_t)(end - at), left);

		if (!bytes)
			return false;
		for (at += bytes; at < end && !*at;)
			at++;
	}
	return true;
}

/* Return: the offset of the first of them, or 0. */
static size_t appended_at(const uint8_t *data, size_t size)
{
	static const uint8_t magic[] = { 0xd0, 0x0d, 0xfe, 0xed };
	const uint8_t *at = data, *end = data + size;
	size_t left = 4 * size;

	while ((at = memmem(at, (size_t)(end - at), magic, sizeof(magic)))) {
		if (at > data && reaches_end(at, end, &left))
			return (size_t)(at - data);
		at += sizeof(magic);
	}
	return 0;
}

bool weir_appended_is_(const uint8_t *data, size_t size)
{
	return is_kernel(data, size) && appended_at(data, size);
}

int weir_appended_read_(struct weir_bootimage *image, struct weir_errtext *et)
{
	size_t at = appended_at(image->file.data, image->file.size);
	int err;

	image->kind = "kernel with device trees behind it";
	err = weir_bootimage_add_(image, WEIR_BOOTPART_KERNEL, "kernel", 0, at, et);
	return err ? err : weir_bootimage_add_trees_(image, "tree behind the kernel", at,
						     image->file.size - at, et);
}
