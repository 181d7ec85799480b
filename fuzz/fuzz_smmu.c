// SPDX-License-Identifier: MIT
/*
 * The fuzzer of the SMMUv3 driver: registers, the stream table that firmware left, its memory
 * and event records come from the input. Every call returns in bounded time, nothing is written
 * outside of what was given, nothing that was not attached passes once it is enforced, and
 * nothing is left in the end.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/arm-smmu-v3/priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

#define RAM_PA    0x40000000u
#define RAM_BYTES 0x20000u
#define LIVE_MAX  512u

#define CHECK(true) do { \
	if (!(true)) { \
		fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #true); \
		abort(); \
	} \
} while (0)

struct book {
	const uint8_t *data;
	size_t bytes, at;
	uint8_t *ram;              /* firmware's; what the driver makes is elsewhere */
	uint32_t regs[64];         /* of page 0, from the input */
	uint64_t table_base, now;
	uint32_t cr0, irq_ctrl, gbpa, prod, cons, event_prod, gerrorn, noise;
	bool has_gbpa;
	void *live[LIVE_MAX];      /* what was given and not given back */
	unsigned int blocks;
};

static uint32_t take(struct book *b, unsigned int bytes)
{
	uint32_t x = 0;

	while (bytes-- && b->at < b->bytes)
		x = x << 8 | b->data[b->at++];
	return x;
}

/* ---- the host ---- */

static void *keep(struct book *b, void *mem)
{
	CHECK(mem && b->blocks < LIVE_MAX);
	b->live[b->blocks++] = mem;
	return mem;
}

static void *host_alloc(void *host, size_t bytes)
{
	return keep(host, calloc(1, bytes));
}

static void host_free(void *host, void *mem, size_t bytes)
{
	struct book *b = host;
	unsigned int i = 0;

	(void)bytes;
	while (i < b->blocks && b->live[i] != mem)
		i++;
	CHECK(i < b->blocks);
	b->live[i] = b->live[--b->blocks];
	free(mem);
}

static struct weir_lock *host_lock_create(void *host, unsigned int rank)
{
	(void)rank;
	return host_alloc(host, 1);
}

static void host_lock_destroy(void *host, struct weir_lock *lock)
{
	host_free(host, lock, 1);
}

static void host_lock(void *host, struct weir_lock *lock)
{
	(void)host;
	(void)lock;
}

static void host_assert(void *host, const char *what, const char *file, int line)
{
	(void)host;
	fprintf(stderr, "%s:%d: %s\n", file, line, what);
	abort();
}

static int host_pages_alloc(void *host, size_t bytes, size_t align, void **out_va, uint64_t *out_pa)
{
	void *mem = NULL;

	if (posix_memalign(&mem, align, bytes))
		return WEIR_ENOMEM;
	memset(mem, 0, bytes);
	*out_va = keep(host, mem);
	*out_pa = (uintptr_t)mem;
	return 0;
}

static void host_pages_free(void *host, void *va, uint64_t pa, size_t bytes)
{
	(void)pa;
	host_free(host, va, bytes);
}

static void *host_pa_to_va(void *host, uint64_t pa, size_t bytes)
{
	struct book *b = host;

	return pa < RAM_PA || bytes > RAM_BYTES || pa - RAM_PA > RAM_BYTES - bytes
		       ? NULL
		       : b->ram + (pa - RAM_PA);
}

static uint64_t host_time(void *host)
{
	return ((struct book *)host)->now += 1000000;
}

static int host_map(void *host, uint64_t pa, uint64_t bytes, uintptr_t *out_at)
{
	(void)host;
	(void)bytes;
	*out_at = (uintptr_t)pa;
	return 0;
}

static void host_unmap(void *host, uintptr_t at, uint64_t bytes)
{
	(void)host;
	(void)at;
	(void)bytes;
}

static uint64_t host_read(void *host, uintptr_t at, unsigned int width)
{
	struct book *b = host;

	(void)width;
	switch (at) {
	case REG_CR0:
	case REG_CR0ACK:
		return b->cr0;
	case REG_IRQ_CTRLACK:
		return b->irq_ctrl;
	case REG_GBPA:
		return b->gbpa;
	case REG_STRTAB_BASE:
		return b->table_base;
	case REG_CMDQ_CONS: /* does what it is told, or says what the input says */
		return b->noise & 1 && take(b, 1) & 1 ? take(b, 4) : b->prod;
	case REG_GERROR:
		return b->noise & 2 ? take(b, 2) : b->gerrorn;
	case REG_GERRORN:
		return b->gerrorn;
	case REG_EVENTQ_PROD:
		return b->event_prod;
	default:
		return at / 4 < 64 ? b->regs[at / 4] : 0;
	}
}

static void host_write(void *host, uintptr_t at, unsigned int width, uint64_t value)
{
	struct book *b = host;

	(void)width;
	if (at == REG_CR0)
		b->cr0 = (uint32_t)value;
	else if (at == REG_IRQ_CTRL)
		b->irq_ctrl = (uint32_t)value;
	else if (at == REG_GBPA && b->has_gbpa)
		b->gbpa = (uint32_t)value & ~(uint32_t)GBPA_UPDATE;
	else if (at == REG_CMDQ_PROD)
		b->prod = (uint32_t)value;
	else if (at == REG_GERRORN)
		b->gerrorn = (uint32_t)value;
	else if (at == REG_STRTAB_BASE)
		b->table_base = value;
	else if (at == REG_STRTAB_BASE_CFG)
		b->regs[at / 4] = (uint32_t)value;
}

static const struct weir_host_ops ops = {
	.abi = WEIR_ABI(struct weir_host_ops),
	.alloc = host_alloc, .free = host_free,
	.lock_create = host_lock_create, .lock_destroy = host_lock_destroy,
	.lock = host_lock, .unlock = host_lock, .assert_failed = host_assert,
	.pages_alloc = host_pages_alloc, .pages_free = host_pages_free,
	.pa_to_va = host_pa_to_va, .time_ns = host_time,
	.mmio_map = host_map, .mmio_unmap = host_unmap,
	.mmio_read = host_read, .mmio_write = host_write,
};

/* ---- what must hold ---- */

static void on_fault(void *arg, const struct weir_fault *fault)
{
	(void)arg;
	CHECK(fault->reason <= WEIR_FAULT_STREAM && !(fault->flags & ~0x7fu));
	CHECK(!fault->what || fault->flags == (WEIR_FAULT_NO_IOVA | WEIR_FAULT_NO_STREAM));
	CHECK(fault->what || fault->record <= 0xff);
}

/* Only @stream passes, in the table that is in force. */
static void check_blocked(const struct book *b, const struct weir_smmu_v3 *smmu, uint32_t stream)
{
	const struct smmu_table *table = &smmu->table;
	const uint64_t *words = table->pages.va;

	CHECK((b->table_base & STRTAB_ADDR & ~(uint64_t)(table->pages.bytes - 1)) == table->pages.pa);
	for (uint32_t i = 0; table->fmt == FMT_LINEAR && i < 1u << table->lg2; i++)
		CHECK(i == stream || !(words[i * 8] & STE0_V));
	for (uint32_t i = 0; table->fmt == FMT_2LEVEL && i < 1u << (table->lg2 - table->split); i++) {
		const uint64_t *entries = (const uint64_t *)(uintptr_t)(words[i] & L1STD_L2PTR);

		if (!words[i])
			continue;
		CHECK(L1STD_SPAN(words[i]) == table->split + 1); /* one of ours */
		for (uint32_t j = 0; j < 1u << table->split; j++)
			CHECK((i << table->split | j) == stream || !(entries[j * 8] & STE0_V));
	}
}

static void use(struct book *b, struct weir_smmu_v3 *smmu)
{
	uint32_t stream = take(b, 1) % (weir_smmu_v3_stream_max(smmu) + 1);

	(void)weir_smmu_v3_attach(smmu, take(b, 2), NULL);
	if (!weir_smmu_v3_attach_identity(smmu, stream) && !weir_smmu_v3_enforce(smmu))
		check_blocked(b, smmu, stream);
	b->event_prod = b->noise & 4 ? take(b, 4) : take(b, 1) % 32;
	for (size_t i = 0; i < smmu->eventq.bytes && b->at < b->bytes; i++)
		((uint8_t *)smmu->eventq.va)[i] = (uint8_t)take(b, 1);
	CHECK(weir_smmu_v3_poll(smmu) <= 16 * 256 + 8);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct book b = { .data = data, .bytes = bytes };
	struct weir_smmu_v3_config config = {
		.name = "smmu", .keep = true, .timeout_ns = 1, .fault = on_fault,
		.coherency = WEIR_SMMU_V3_COHERENT,
	};
	struct weir_smmu_v3 *smmu;
	bool stays, stuck, leaves;

	if (bytes < 40)
		return 0;
	b.ram = calloc(1, RAM_BYTES);
	b.noise = take(&b, 1);
	b.has_gbpa = b.noise & 8;
	config.seamless = b.noise & 16;
	b.cr0 = take(&b, 1) & 0xf;
	b.regs[REG_IDR0 / 4] = take(&b, 4);
	b.regs[REG_IDR1 / 4] = take(&b, 4);
	b.regs[REG_IDR3 / 4] = take(&b, 4);
	b.regs[REG_IDR5 / 4] = take(&b, 4);
	b.regs[REG_STRTAB_BASE_CFG / 4] = take(&b, 4);
	b.table_base = RAM_PA + take(&b, 3);
	config.stream_bits = take(&b, 1) % 13;
	for (size_t i = 0, n = take(&b, 2); i < n && b.at < bytes; i++)
		b.ram[i * 8 % RAM_BYTES + i / 8 % 8] = (uint8_t)take(&b, 1);
	if (!weir_smmu_v3_create(&ops, &b, &config, &smmu)) {
		use(&b, smmu);
		weir_smmu_v3_suspend(smmu);
		stuck = smmu->stuck;
		leaves = smmu->leaves; /* never enforced: what firmware left on goes on */
		CHECK(!leaves || (config.seamless && smmu->table.foreign && !smmu->enforced));
		/* its table stays in force where it cannot be switched off */
		stays = smmu->enforced && smmu->cr0 & CR0_SMMUEN && !smmu->table.foreign;
		smmu = weir_smmu_v3_destroy(smmu);
		CHECK(stuck || leaves || b.blocks == stays);
	} else {
		CHECK(b.noise & 3 || !b.blocks);
	}
	while (b.blocks)
		free(b.live[--b.blocks]);
	free(b.ram);
	return 0;
}
