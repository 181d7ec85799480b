// SPDX-License-Identifier: MIT
/*
 * The fuzzer of ACPI tables. The first byte of the input says how: bit 0 host bridges are
 * given, bit 1 sums are left as they are, bit 2 what follows is memory that begins with a
 * root pointer; otherwise tables follow one another, each as long as it says.
 *
 * What must hold: an error names a table and leaves nothing; what was loaded answers every
 * question; nothing is left in the end.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weir/weir.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

#define GIVE_HOSTS 0x1u
#define KEEP_SUMS  0x2u
#define BY_POINTER 0x4u
#define MAX_TABLES 8u
#define MEMORY_PA  0x1000u

#define CHECK(cond) ((cond) ? (void)0 : die(#cond, __LINE__))

static _Noreturn void die(const char *what, int line)
{
	fprintf(stderr, "fuzz_acpi.c:%d: does not hold: %s\n", line, what);
	abort();
}

/* ---- the host ---- */

struct run {
	size_t live;
	uint8_t *memory;
	size_t bytes;
};

static void *run_alloc(void *host, size_t bytes)
{
	((struct run *)host)->live++;
	return calloc(1, bytes);
}

static void run_free(void *host, void *mem, size_t bytes)
{
	(void)bytes;
	((struct run *)host)->live--;
	free(mem);
}

static struct weir_lock *run_lock_create(void *host, unsigned int rank)
{
	(void)rank;
	return run_alloc(host, 1);
}

static void run_lock_destroy(void *host, struct weir_lock *lock)
{
	run_free(host, lock, 1);
}

static void run_lock(void *host, struct weir_lock *lock)
{
	(void)host;
	(void)lock;
}

static void run_assert_failed(void *host, const char *what, const char *file, int line)
{
	(void)host;
	(void)file;
	die(what, line);
}

static void run_log(void *host, enum weir_log_level level, const char *line)
{
	(void)host;
	(void)level;
	for (; *line; line++)
		CHECK((unsigned char)*line >= ' ' && *line != 0x7f);
}

static void *run_pa_to_va(void *host, uint64_t pa, size_t bytes)
{
	struct run *r = host;

	if (pa < MEMORY_PA || pa - MEMORY_PA > r->bytes || bytes > r->bytes - (pa - MEMORY_PA))
		return NULL;
	return r->memory + (pa - MEMORY_PA);
}

static const struct weir_host_ops run_ops = {
	.abi = WEIR_ABI(struct weir_host_ops),
	.alloc = run_alloc,
	.free = run_free,
	.lock_create = run_lock_create,
	.lock_destroy = run_lock_destroy,
	.lock = run_lock,
	.unlock = run_lock,
	.assert_failed = run_assert_failed,
	.log = run_log,
	.pa_to_va = run_pa_to_va,
};

/* ---- the input ---- */

static uint32_t le32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void fix_sum(uint8_t *at, size_t bytes, size_t sum_at)
{
	uint8_t sum = 0;

	at[sum_at] = 0;
	for (size_t i = 0; i < bytes; i++)
		sum = (uint8_t)(sum + at[i]);
	at[sum_at] = (uint8_t)-sum;
}

/* Each table is a block of its own, so that a read past its end is seen. */
static unsigned int split(const uint8_t *data, size_t bytes, bool fix,
			  struct weir_acpi_table tables[MAX_TABLES])
{
	unsigned int n = 0;

	while (bytes && n < MAX_TABLES) {
		size_t length = bytes >= 8 ? le32(data + 4) : bytes;
		uint8_t *copy;

		if (length > bytes || length < 8)
			length = bytes;
		copy = malloc(length);
		if (!copy)
			abort();
		memcpy(copy, data, length);
		if (fix && length >= 36)
			fix_sum(copy, length, 9);
		tables[n++] = (struct weir_acpi_table){ copy, length };
		data += length;
		bytes -= length;
	}
	return n;
}

/* The root pointer is put right, and the list behind it. */
static void fix_memory(struct run *r)
{
	uint64_t at;

	if (r->bytes < 36 + 36)
		return;
	memcpy(r->memory, "RSD PTR ", 8);
	at = r->memory[15] < 2 ? le32(r->memory + 16)
			       : le32(r->memory + 24) | (uint64_t)le32(r->memory + 28) << 32;
	if (at >= MEMORY_PA + 36 && at - MEMORY_PA + 36 <= r->bytes &&
	    le32(r->memory + (at - MEMORY_PA) + 4) <= r->bytes - (at - MEMORY_PA) &&
	    le32(r->memory + (at - MEMORY_PA) + 4) >= 36)
		fix_sum(r->memory + (at - MEMORY_PA), le32(r->memory + (at - MEMORY_PA) + 4), 9);
	fix_sum(r->memory, 20, 8);
	fix_sum(r->memory, 36, 32);
}

/* ---- questions ---- */

static void ask(struct weir_fwnode *node)
{
	struct weir_fwnode *target;
	struct weir_fwregion region;
	struct weir_pci_host host;
	struct weir_fwdma range;
	struct weir_fwspec spec;
	uint64_t pa, bytes;
	uint32_t id, line;

	for (uint32_t rid = 0; rid <= 0x10000; rid += 0x3f) {
		for (int what = WEIR_FWMAP_IOMMU; what <= WEIR_FWMAP_MSI; what++)
			if (!weir_firmware_map_id(node, (enum weir_fwmap)what, rid, &target, &id))
				CHECK(target && target != node);
		(void)weir_firmware_pci_function(node, (uint16_t)rid);
		for (unsigned int i = 0; !weir_firmware_stream_region(node, rid, i, &region); i++)
			CHECK(region.first <= region.last);
	}
	for (unsigned int i = 0; !weir_firmware_spec(node, i, &spec); i++)
		CHECK(spec.target && spec.nr_cells == 1);
	for (unsigned int i = 0; weir_firmware_line(node, i, &line) != WEIR_ENOENT; i++)
		;
	if (!weir_firmware_registers(node, 0, &pa, &bytes))
		CHECK(bytes && pa + (bytes - 1) >= pa);
	if (!weir_firmware_pci_host(node, &host))
		CHECK(host.first_bus <= host.last_bus && host.ecam_bytes);
	if (!weir_firmware_dma_range(node, false, 0, &range))
		CHECK(range.bytes);
	(void)weir_firmware_dma_coherent(node);
}

static void check(struct weir_machine *m, const struct weir_acpi *acpi)
{
	int err = weir_firmware_load_acpi(m, acpi);
	const char *text = weir_firmware_error(m);

	if (err) {
		CHECK(err == WEIR_EBADMSG || err == WEIR_EINVAL);
		CHECK(text[0] && !weir_fwnode_root(m));
		for (; *text; text++)
			CHECK((unsigned char)*text >= ' ' && (unsigned char)*text < 0x7f);
		return;
	}
	for (struct weir_fwnode *node = weir_fwnode_root(m); node; node = weir_fwnode_next(node))
		ask(node);
	CHECK(!weir_firmware_populate(m));
	CHECK(!weir_settle(m));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	static const struct weir_pci_host hosts[] = {
		{ .last_bus = 255, .ecam_pa = 0x40000000, .ecam_bytes = 0x10000000 },
		{ .segment = 1, .first_bus = 4, .last_bus = 7 },
	};
	struct weir_acpi_table tables[MAX_TABLES];
	struct weir_acpi acpi = { .tables = tables, .rsdp_pa = MEMORY_PA };
	struct run r = { 0 };
	struct weir_machine *m;
	uint8_t how;

	if (!bytes || bytes > 65536)
		return 0;
	how = *data++;
	bytes--;
	CHECK(!weir_machine_create(&run_ops, &r, &m));
	if (how & GIVE_HOSTS) {
		acpi.hosts = hosts;
		acpi.nr_hosts = 2;
	}
	if (how & BY_POINTER) {
		acpi.tables = NULL;
		r.bytes = bytes;
		r.memory = malloc(bytes ? bytes : 1);
		CHECK(r.memory);
		memcpy(r.memory, data, bytes);
		if (!(how & KEEP_SUMS))
			fix_memory(&r);
	} else {
		acpi.nr_tables = split(data, bytes, !(how & KEEP_SUMS), tables);
	}
	check(m, &acpi);
	weir_machine_destroy(m);
	CHECK(r.live == 0);
	for (unsigned int i = 0; i < acpi.nr_tables; i++)
		free((void *)(uintptr_t)tables[i].data);
	free(r.memory);
	return 0;
}
