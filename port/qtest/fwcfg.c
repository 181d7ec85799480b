// SPDX-License-Identifier: MIT
/*
 * fw_cfg: files that QEMU offers to firmware (QEMU, docs/specs/fw_cfg), read through
 * its DMA interface. All its numbers are big-endian. One reader at a time: the
 * device has one selected item, and a program reads its tables once.
 */
#include <stdlib.h>
#include <string.h>

#include "priv.h"

#define PAGE 4096u
#define KEY_DIRECTORY 0x19u
#define DMA_ERROR  0x1u
#define DMA_READ   0x2u
#define DMA_SELECT 0x8u
#define NAME_BYTES 56u
#define ENTRY_BYTES (8u + NAME_BYTES)
#define MAX_FILES 4096u

/* A buffer in RAM: the request, and from REQUEST_BYTES on what is read. */
struct transfer {
	struct weir_qtest *qtest;
	uint8_t *va;
	uint64_t pa;
	size_t bytes;
};
#define REQUEST_BYTES 16u

static void put32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int transfer_init(struct transfer *t, struct weir_qtest *qtest, size_t bytes)
{
	void *va;
	int err;

	t->qtest = qtest;
	t->bytes = (bytes + REQUEST_BYTES + PAGE - 1) / PAGE * PAGE;
	err = pages_take(&qtest->pages, t->bytes, PAGE, &va, &t->pa);
	if (!err)
		t->va = va;
	return err;
}

static void transfer_fini(struct transfer *t)
{
	pages_give(&t->qtest->pages, t->pa, t->bytes);
}

/* Reads the first @bytes of an item. */
static int transfer(struct transfer *t, uint32_t key, size_t bytes)
{
	struct wire *w = &t->qtest->wire;
	uint64_t port = t->qtest->machine->fw_cfg;
	int err;

	put32(t->va, key << 16 | DMA_SELECT | DMA_READ);
	put32(t->va + 4, (uint32_t)bytes);
	put32(t->va + 8, (uint32_t)((t->pa + REQUEST_BYTES) >> 32));
	put32(t->va + 12, (uint32_t)(t->pa + REQUEST_BYTES));
	if (port) {
		err = wire_ask(w, NULL, "writeq 0x%llx 0x%llx", (unsigned long long)port + 16,
			       (unsigned long long)__builtin_bswap64(t->pa));
	} else {
		err = wire_ask(w, NULL, "outl 0x514 0x%x",
			       __builtin_bswap32((uint32_t)(t->pa >> 32)));
		if (!err)
			err = wire_ask(w, NULL, "outl 0x518 0x%x",
				       __builtin_bswap32((uint32_t)t->pa));
	}
	if (err)
		return err;
	/* The transfer is over when the write is; an error leaves its bit. */
	return get32(t->va) & ~DMA_ERROR ? WEIR_ETIMEDOUT : get32(t->va) ? WEIR_EIO : 0;
}

/* Key and size of a file. */
static int find(struct weir_qtest *qtest, const char *name, uint32_t *out_key, uint32_t *out_bytes)
{
	struct transfer t;
	uint32_t n;
	int err = transfer_init(&t, qtest, 4 + MAX_FILES * ENTRY_BYTES);

	if (err)
		return err;
	err = transfer(&t, KEY_DIRECTORY, 4);
	n = get32(t.va + REQUEST_BYTES);
	if (!err && n > MAX_FILES)
		err = WEIR_EIO;
	if (!err)
		err = transfer(&t, KEY_DIRECTORY, 4 + n * (size_t)ENTRY_BYTES);
	if (err)
		goto out;
	err = WEIR_ENOENT;
	for (uint32_t i = 0; i < n; i++) {
		const uint8_t *entry = t.va + REQUEST_BYTES + 4 + i * (size_t)ENTRY_BYTES;

		if (strncmp((const char *)entry + 8, name, NAME_BYTES) != 0)
			continue;
		*out_bytes = get32(entry);
		*out_key = (uint32_t)entry[4] << 8 | entry[5];
		err = 0;
		break;
	}
out:
	transfer_fini(&t);
	return err;
}

int weir_qtest_firmware_file(struct weir_qtest *qtest, const char *name, void **out_data,
			     size_t *out_bytes)
{
	struct transfer t;
	uint32_t key = 0, bytes = 0;
	void *data;
	int err = find(qtest, name, &key, &bytes);

	if (err)
		return err;
	err = transfer_init(&t, qtest, bytes);
	if (err)
		return err;
	err = transfer(&t, key, bytes);
	if (err)
		goto out;
	err = WEIR_ENOMEM;
	data = malloc(bytes ? bytes : 1);
	if (!data)
		goto out;
	memcpy(data, t.va + REQUEST_BYTES, bytes);
	*out_data = data;
	*out_bytes = bytes;
	err = 0;
out:
	transfer_fini(&t);
	return err;
}
