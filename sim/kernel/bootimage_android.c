// SPDX-License-Identifier: MIT
/*
 * Android's boot and vendor_boot images; see bootimage.h. From "Boot image header" and
 * "Vendor boot partitions" (source.android.com, Core topics, Bootloader and Partitions):
 * the offsets of the fields below, little-endian, and the order of the sections, each
 * of whole pages. Ramdisks of the type for recovery are left out, as in a normal boot.
 */
#include <stdio.h>
#include <string.h>

#include "bootimage.h"
#include "le.h"
#include "weir/err.h"

enum {
	/* boot, versions 0 to 2 */
	KERNEL_SIZE = 8, RAMDISK_SIZE = 16, SECOND_SIZE = 24, PAGE_SIZE = 36, HEADER_VERSION = 40,
	RECOVERY_DTBO_SIZE = 1632, DTB_SIZE = 1648,
	/* boot, versions 3 and 4: pages have 4096 bytes */
	RAMDISK_SIZE_3 = 12,
	/* vendor_boot */
	VENDOR_VERSION = 8, VENDOR_PAGE_SIZE = 12, VENDOR_RAMDISK_SIZE = 24, VENDOR_HEADER_SIZE = 2096,
	VENDOR_DTB_SIZE = 2100, TABLE_SIZE = 2112, TABLE_ENTRIES = 2116, TABLE_ENTRY_SIZE = 2120,
	/* an entry of the vendor ramdisk table */
	ENTRY_SIZE = 0, ENTRY_OFFSET = 4, ENTRY_TYPE = 8, ENTRY_NAME = 12, ENTRY_NAME_BYTES = 32,
	ENTRY_BYTES = 108, TYPE_RECOVERY = 2,
};

#define HEAD_0_BYTES 1632u
#define HEAD_2_BYTES 1660u
#define HEAD_3_BYTES 1580u
#define VENDOR_3_BYTES 2112u
#define VENDOR_4_BYTES 2128u

bool weir_android_is_(const uint8_t *data, size_t size)
{
	return size >= 8 && (!memcmp(data, "ANDROID!", 8) || !memcmp(data, "VNDRBOOT", 8));
}

static uint64_t pages(uint64_t bytes, uint32_t page)
{
	return (bytes + page - 1) / page * page;
}

static uint32_t field(const struct weir_bootimage *image, size_t off)
{
	return weir_get_le32(image->file.data + off);
}

static int short_header(const struct weir_bootimage *image, size_t bytes, struct weir_errtext *et)
{
	if (image->file.size >= bytes)
		return 0;
	return weir_errtext_set(et, WEIR_EBADMSG, "%s: header of %zu bytes cut short at offset %zu",
				image->kind, bytes, image->file.size);
}

static int page_size(uint32_t page, size_t off, struct weir_errtext *et)
{
	if (page >= 512 && page <= 1u << 20 && !(page & (page - 1)))
		return 0;
	return weir_errtext_set(et, WEIR_EBADMSG, "offset %zu: pages of %u bytes", off, page);
}

/* A section of @size bytes; *@at goes to the next one. */
static int section(struct weir_bootimage *image, int kind, const char *name, uint32_t size,
		   uint32_t page, uint64_t *at, struct weir_errtext *et)
{
	uint64_t off = *at;
	int err = 0;

	*at += pages(size, page);
	if (!size)
		return 0;
	if (kind == WEIR_BOOTPART_TREE) {
		size_t had = image->part_count;

		/* checked like a part, which it is not: it may hold several trees */
		err = weir_bootimage_add_(image, WEIR_BOOTPART_TREE, name, off, size, et);
		if (err)
			return err;
		image->part_count = had;
		return weir_bootimage_add_trees_(image, name, off, size, et);
	}
	return weir_bootimage_add_(image, (enum weir_bootpart_kind)kind, name, off, size, et);
}

/* Old kernels come with trees behind them, inside their section. */
static int add_appended(struct weir_bootimage *image, struct weir_errtext *et)
{
	const struct weir_bootpart *kernel = weir_bootimage_part(image, WEIR_BOOTPART_KERNEL);

	if (!kernel || weir_bootimage_part(image, WEIR_BOOTPART_TREE))
		return 0;
	return weir_bootimage_add_trees_(image, "tree behind the kernel",
					 (uint64_t)(kernel->data - image->file.data), kernel->size, et);
}

/* Trees of Qualcomm's own section, where other sections of the field's size have none. */
static int read_vendor_table(struct weir_bootimage *image, uint64_t at, uint32_t bytes,
			     struct weir_errtext *et)
{
	if (at > image->file.size || bytes > image->file.size - at || bytes < 4)
		return weir_errtext_set(et, WEIR_EBADMSG, "vendor's section: at offset %llu, %u bytes, is outside "
					"the file of %zu bytes", (unsigned long long)at, bytes, image->file.size);
	return memcmp(image->file.data + at, "QCDT", 4) ? add_appended(image, et)
							: weir_qcdt_read_(image, at, et);
}

static int read_old(struct weir_bootimage *image, uint32_t version, struct weir_errtext *et)
{
	uint32_t table = field(image, HEADER_VERSION) >= 512 ? field(image, HEADER_VERSION) : 0;
	int err = short_header(image, version == 2 ? HEAD_2_BYTES : HEAD_0_BYTES + 16, et);
	uint32_t page = err ? 0 : field(image, PAGE_SIZE);
	uint64_t at = page;

	if (!err)
		err = page_size(page, PAGE_SIZE, et);
	if (!err)
		err = section(image, WEIR_BOOTPART_KERNEL, "kernel", field(image, KERNEL_SIZE), page, &at,
			      et);
	if (!err)
		err = section(image, WEIR_BOOTPART_RAMDISK, "ramdisk", field(image, RAMDISK_SIZE), page,
			      &at, et);
	if (err)
		return err;
	at += pages(field(image, SECOND_SIZE), page);
	if (table)
		return read_vendor_table(image, at, table, et);
	if (version >= 1)
		at += pages(field(image, RECOVERY_DTBO_SIZE), page);
	if (version >= 2)
		err = section(image, WEIR_BOOTPART_TREE, "dtb", field(image, DTB_SIZE), page, &at, et);
	return err ? err : add_appended(image, et);
}

static int read_boot(struct weir_bootimage *image, struct weir_errtext *et)
{
	uint64_t at = 4096;
	uint32_t version;
	int err;

	image->kind = "Android boot image";
	err = short_header(image, HEAD_3_BYTES, et);
	if (err)
		return err;
	version = field(image, HEADER_VERSION);
	/* before there were versions, the size of a vendor's own section was there */
	if (version <= 2 || version >= 512)
		return read_old(image, version <= 2 ? version : 0, et);
	if (version > 4)
		return weir_errtext_set(et, WEIR_EBADMSG, "%s of version %u, and 4 is the last that is known",
					image->kind, version);
	err = section(image, WEIR_BOOTPART_KERNEL, "kernel", field(image, KERNEL_SIZE), 4096, &at, et);
	if (!err)
		err = section(image, WEIR_BOOTPART_RAMDISK, "ramdisk", field(image, RAMDISK_SIZE_3), 4096,
			      &at, et);
	return err ? err : add_appended(image, et);
}

/* The fragments that the table names, in its order. */
static int read_table(struct weir_bootimage *image, uint64_t ramdisks, uint64_t table,
		      struct weir_errtext *et)
{
	uint32_t n = field(image, TABLE_ENTRIES), bytes = field(image, TABLE_ENTRY_SIZE);
	uint32_t section_bytes = field(image, VENDOR_RAMDISK_SIZE);
	int err = 0;

	if (bytes < ENTRY_BYTES || n > WEIR_BOOTIMAGE_MAX_PARTS || table > image->file.size ||
	    (uint64_t)n * bytes > field(image, TABLE_SIZE) ||
	    (uint64_t)n * bytes > image->file.size - table)
		return weir_errtext_set(et, WEIR_EBADMSG,
					"vendor ramdisk table at offset %llu: %u entries of %u bytes do not fit",
					(unsigned long long)table, n, bytes);
	for (uint32_t i = 0; !err && i < n; i++) {
		const uint8_t *entry = image->file.data + table + (uint64_t)i * bytes;
		uint32_t size = weir_get_le32(entry + ENTRY_SIZE);
		uint32_t off = weir_get_le32(entry + ENTRY_OFFSET);
		char name[64];

		if (off > section_bytes || size > section_bytes - off)
			return weir_errtext_set(et, WEIR_EBADMSG,
						"vendor ramdisk table, entry %u: %u bytes at %u, in a section of %u",
						i, size, off, section_bytes);
		snprintf(name, sizeof(name), "vendor ramdisk %.*s", ENTRY_NAME_BYTES,
			 (const char *)entry + ENTRY_NAME);
		if (weir_get_le32(entry + ENTRY_TYPE) != TYPE_RECOVERY && size)
			err = weir_bootimage_add_(image, WEIR_BOOTPART_RAMDISK, name, ramdisks + off, size,
						  et);
	}
	return err;
}

static int read_vendor(struct weir_bootimage *image, struct weir_errtext *et)
{
	uint32_t version, page;
	uint64_t at, ramdisks;
	int err;

	image->kind = "Android vendor_boot image";
	err = short_header(image, VENDOR_3_BYTES, et);
	if (err)
		return err;
	version = field(image, VENDOR_VERSION);
	page = field(image, VENDOR_PAGE_SIZE);
	if (version != 3 && version != 4)
		return weir_errtext_set(et, WEIR_EBADMSG, "%s of version %u, and 3 and 4 are known",
					image->kind, version);
	err = version == 4 ? short_header(image, VENDOR_4_BYTES, et) : 0;
	if (!err)
		err = page_size(page, VENDOR_PAGE_SIZE, et);
	if (err)
		return err;
	at = ramdisks = pages(field(image, VENDOR_HEADER_SIZE), page);
	if (version == 3)
		err = section(image, WEIR_BOOTPART_RAMDISK, "vendor ramdisk",
			      field(image, VENDOR_RAMDISK_SIZE), page, &at, et);
	else
		at += pages(field(image, VENDOR_RAMDISK_SIZE), page);
	if (!err)
		err = section(image, WEIR_BOOTPART_TREE, "dtb", field(image, VENDOR_DTB_SIZE), page, &at, et);
	return err || version == 3 ? err : read_table(image, ramdisks, at, et);
}

int weir_android_read_(struct weir_bootimage *image, struct weir_errtext *et)
{
	return image->file.data[0] == 'V' ? read_vendor(image, et) : read_boot(image, et);
}
