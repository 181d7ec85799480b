// SPDX-License-Identifier: MIT
/*
 * QEMU's ACPI tables, put into RAM by the script that comes with them, as firmware does
 * (fw_cfg: etc/table-loader; records of 128 bytes, all numbers little-endian). The
 * tables stay where they are until the host is destroyed.
 */
#include <stdlib.h>
#include <string.h>

#include "priv.h"

#define PAGE 4096u
#define RECORD_BYTES 128u
#define NAME_BYTES 56u
#define MAX_FILES 16u
#define RSDP "etc/acpi/rsdp"

enum command {
	ALLOCATE = 1,      /* file, alignment, zone */
	ADD_POINTER = 2,   /* file, file pointed to, offset, size of the pointer */
	ADD_CHECKSUM = 3,  /* file, offset of the sum, start, length */
	WRITE_POINTER = 4, /* tells a device where a file is; none here has to know */
};

struct file {
	char name[NAME_BYTES + 1];
	uint8_t *va;
	uint64_t pa;
	size_t bytes, taken_bytes;
};

struct loader {
	struct weir_qtest *qtest;
	struct file files[MAX_FILES];
	unsigned int nr_files;
};

static uint32_t le32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static struct file *find(struct loader *l, const uint8_t *name)
{
	for (unsigned int i = 0; i < l->nr_files; i++)
		if (!strncmp(l->files[i].name, (const char *)name, NAME_BYTES))
			return &l->files[i];
	return NULL;
}

static int allocate(struct loader *l, const uint8_t *record)
{
	struct file *f = &l->files[l->nr_files];
	uint32_t align = le32(record + 4 + NAME_BYTES);
	void *data, *va;
	int err;

	if (l->nr_files == MAX_FILES || find(l, record + 4) || (align & (align - 1)))
		return WEIR_EIO;
	memcpy(f->name, record + 4, NAME_BYTES);
	err = weir_qtest_firmware_file(l->qtest, f->name, &data, &f->bytes);
	if (err)
		return err == WEIR_ENOENT ? WEIR_EIO : err;
	f->taken_bytes = (f->bytes + PAGE - 1) / PAGE * PAGE;
	err = f->bytes ? pages_take(&l->qtest->pages, f->taken_bytes, align < PAGE ? PAGE : align,
				    &va, &f->pa)
		       : WEIR_EIO;
	if (!err) {
		f->va = va;
		memcpy(f->va, data, f->bytes);
		l->nr_files++;
	}
	free(data);
	return err;
}

/* The file's address is added to the pointer, which holds an offset into it. */
static int add_pointer(struct loader *l, const uint8_t *record)
{
	struct file *in = find(l, record + 4), *to = find(l, record + 4 + NAME_BYTES);
	uint32_t offset = le32(record + 4 + 2 * NAME_BYTES);
	unsigned int width = record[8 + 2 * NAME_BYTES];
	uint64_t value = 0;

	if (!in || !to || (width != 1 && width != 2 && width != 4 && width != 8) ||
	    offset > in->bytes || width > in->bytes - offset)
		return WEIR_EIO;
	for (unsigned int i = 0; i < width; i++)
		value |= (uint64_t)in->va[offset + i] << 8 * i;
	value += to->pa;
	if (width < 8 && value >> 8 * width)
		return WEIR_EIO;
	for (unsigned int i = 0; i < width; i++)
		in->va[offset + i] = (uint8_t)(value >> 8 * i);
	return 0;
}

static int add_checksum(struct loader *l, const uint8_t *record)
{
	struct file *in = find(l, record + 4);
	uint32_t offset = le32(record + 4 + NAME_BYTES);
	uint32_t start = le32(record + 8 + NAME_BYTES);
	uint32_t bytes = le32(record + 12 + NAME_BYTES);
	uint8_t sum = 0;

	if (!in || offset >= in->bytes || start > in->bytes || bytes > in->bytes - start)
		return WEIR_EIO;
	for (uint32_t i = 0; i < bytes; i++)
		sum = (uint8_t)(sum + in->va[start + i]);
	in->va[offset] = (uint8_t)(in->va[offset] - sum);
	return 0;
}

static int run(struct loader *l, const uint8_t *script, size_t bytes)
{
	int err = bytes % RECORD_BYTES ? WEIR_EIO : 0;

	for (size_t at = 0; at < bytes && !err; at += RECORD_BYTES) {
		switch (le32(script + at)) {
		case ALLOCATE:
			err = allocate(l, script + at);
			break;
		case ADD_POINTER:
			err = add_pointer(l, script + at);
			break;
		case ADD_CHECKSUM:
			err = add_checksum(l, script + at);
			break;
		case WRITE_POINTER:
			break;
		default: /* the script's format lets unknown commands be ignored */
			break;
		}
	}
	return err;
}

int weir_qtest_acpi(struct weir_qtest *qtest, uint64_t *out_rsdp_pa)
{
	struct loader l = { .qtest = qtest };
	struct file *rsdp;
	void *script;
	size_t bytes;
	int err = weir_qtest_firmware_file(qtest, "etc/table-loader", &script, &bytes);

	if (err)
		return err;
	err = run(&l, script, bytes);
	free(script);
	rsdp = find(&l, (const uint8_t *)RSDP);
	if (!err && !rsdp)
		err = WEIR_EIO;
	if (!err) {
		*out_rsdp_pa = rsdp->pa;
		return 0;
	}
	while (l.nr_files--)
		pages_give(&qtest->pages, l.files[l.nr_files].pa,
			   l.files[l.nr_files].taken_bytes);
	return err;
}
