// SPDX-License-Identifier: MIT
/*
 * The hostile SMMUv2 itself: that its registers, streams, stages, descriptors and faults are as the
 * architecture has them (Arm IHI 0062, DDI 0487, DDI 0406), and that each finding is one. Registers are
 * written here by their numbers, tables by their bits.
 */
#include <string.h>

#include "cm.h"
#include "hw/smmuv2.h"

#define PAGES 0x10000ull          /* registers: 4 KiB pages, 16 global ones */
#define SMR(n) (0x800ull + 4 * (n))
#define S2CR(n) (0xc00ull + 4 * (n))
#define CBAR(n) (0x1000ull + 4 * (n))
#define CBFRSYNRA(n) (0x1400ull + 4 * (n))
#define CBA2R(n) (0x1800ull + 4 * (n))
#define CB(n, at) (PAGES + 0x1000ull * (n) + (at))
#define VALID (1u << 31)
#define RAM_AT 0x80000000ull
#define TARGET (RAM_AT + 0x80000)  /* what DMA may reach */
#define SID 3u

struct model {
	struct hwram *ram;
	struct smmu2 *s;
	struct smmu2_config config;
	uint64_t next;             /* of pages for tables */
};

static void w32(struct model *m, uint64_t at, uint32_t value)
{
	smmu2_mmio_write(m->s, at, 4, value);
}

static uint32_t r32(struct model *m, uint64_t at)
{
	return (uint32_t)smmu2_mmio_read(m->s, at, 4);
}

static void sync_all(struct model *m)
{
	w32(m, 0x68, 0);
	w32(m, 0x70, 0);
	for (unsigned int i = 0; i < 1000 && r32(m, 0x74); i++)
		;
}

static void usual(struct model *m)
{
	memset(m, 0, sizeof(*m));
	smmu2_config_usual(&m->config);
	m->config.unrest = 0; /* it does nothing by itself */
}

/* On: what nothing matches faults. */
static void open_model(struct model *m)
{
	void *va;
	uint64_t pa;

	m->ram = hwram_create(RAM_AT, 1 << 20, 1);
	assert_true(hwram_alloc(m->ram, 1 << 20, 4096, &va, &pa));
	assert_true(pa == RAM_AT);
	hwram_allow(m->ram, TARGET, 0x10000, 1, 1);
	m->s = smmu2_create(m->ram, &m->config);
	m->next = RAM_AT;
	sync_all(m);
	w32(m, 0, 1u << 10);
}

static void close_model(struct model *m)
{
	if (smmu2_findings(m->s, SMMU2_FINDINGS))
		fail_msg("%s", smmu2_first_finding(m->s));
	smmu2_destroy(m->s);
	hwram_destroy(m->ram);
}

static void store(struct model *m, uint64_t pa, const void *value, size_t bytes)
{
	memcpy(hwram_va(m->ram, pa, bytes), value, bytes);
	hwram_publish(m->ram, true);
}

static void put64(struct model *m, uint64_t table, unsigned int index, uint64_t entry)
{
	store(m, table + 8 * index, &entry, 8);
}

static void put32(struct model *m, uint64_t table, unsigned int index, uint32_t entry)
{
	store(m, table + 4 * index, &entry, 4);
}

static uint64_t page(struct model *m, uint64_t bytes)
{
	uint64_t at = (m->next + bytes - 1) & ~(bytes - 1);

	m->next = at + bytes;
	return at;
}

static void stream(struct model *m, unsigned int n, uint32_t smr, uint32_t s2cr)
{
	w32(m, S2CR(n), s2cr);
	w32(m, SMR(n), smr | VALID);
}

/* Where a read lands; 0: nowhere. */
static uint64_t lands(struct model *m, uint32_t sid, uint64_t iova)
{
	uint64_t pa = 0;

	return smmu2_translate(m->s, sid, iova, SMMU2_READ | SMMU2_QUIET, &pa) == SMMU2_LANDED ? pa : 0;
}

/* A bank of stage 1, 39 bits, pages of 4 KiB: the first table of three levels. */
static uint64_t stage1(struct model *m, unsigned int bank, uint32_t cbar, uint32_t asid)
{
	uint64_t root = page(m, 4096);

	w32(m, CBA2R(bank), 1);
	w32(m, CBAR(bank), cbar);
	w32(m, CB(bank, 0x10), 5 | 1u << 4);
	w32(m, CB(bank, 0x30), 25 | 1u << 23);
	smmu2_mmio_write(m->s, CB(bank, 0x20), 8, root | (uint64_t)asid << 48);
	w32(m, CB(bank, 0), 0x1);
	return root;
}

/* Leads to the page @out from table @root of three levels. @attr: of the last entry. */
static uint64_t map_page(struct model *m, uint64_t root, uint64_t in, uint64_t out, uint64_t attr)
{
	uint64_t second = page(m, 4096), third = page(m, 4096);

	put64(m, root, in >> 30 & 511, second | 3);
	put64(m, second, in >> 21 & 511, third | 3);
	put64(m, third, in >> 12 & 511, out | attr);
	return third;
}

#define S1_PAGE 0xf43ull           /* nG, AF, inner shareable, AP read-write for all */
#define S1_RDONLY 0xfc3ull
#define S2_PAGE 0x7ffull           /* AF, S2AP read-write, write-back */

/* ---- streams ---- */

static void test_smmuv2_model_reset(void **state)
{
	struct model m;

	(void)state;
	usual(&m);
	open_model(&m);
	assert_int_equal(r32(&m, 0x20), m.config.idr0);
	assert_int_equal(r32(&m, 0x24), m.config.idr1);
	assert_int_equal(r32(&m, 0x28), m.config.idr2);
	assert_true(lands(&m, SID, TARGET) == 0);
	smmu2_power(m.s, false);
	smmu2_power(m.s, true);
	/* off it lets everything pass */
	assert_int_equal(r32(&m, 0), 1);
	assert_true(lands(&m, SID, TARGET) == TARGET);
	close_model(&m);
}

static void test_smmuv2_model_streams(void **state)
{
	struct model m;

	(void)state;
	usual(&m);
	open_model(&m);
	stream(&m, 4, 0x10 | 0x7u << 16, 1u << 16);
	assert_true(lands(&m, 0x10, TARGET) && lands(&m, 0x17, TARGET));
	assert_false(lands(&m, 0x18, TARGET) || lands(&m, 0x0f, TARGET));
	assert_int_equal(r32(&m, 0x48), 0x80000002); /* MULTI, USF */
	assert_int_equal(r32(&m, 0x54), 0x18);
	assert_true(smmu2_mmio_read(m.s, 0x40, 8) == TARGET);
	w32(&m, 0x48, 0x80000002);
	w32(&m, S2CR(4), 2u << 16);
	assert_false(lands(&m, 0x10, TARGET));
	assert_int_equal(r32(&m, 0x48), 0x1); /* ICF */
	w32(&m, 0x48, 1);
	w32(&m, S2CR(4), 9); /* there are 8 banks */
	assert_false(lands(&m, 0x10, TARGET));
	assert_int_equal(r32(&m, 0x48), 0x8); /* UCBF */
	w32(&m, 0x48, 8);
	w32(&m, SMR(4), 0x10);
	w32(&m, 0, 0); /* USFCFG is 0: what nothing matches passes */
	assert_true(lands(&m, 0x10, TARGET));
	close_model(&m);
}

static void test_smmuv2_model_match_conflict(void **state)
{
	struct model m;

	(void)state;
	usual(&m);
	open_model(&m);
	stream(&m, 0, 0x10, 1u << 16);
	stream(&m, 1, 0x30 | 0x20u << 16, 1u << 16);
	assert_int_equal(smmu2_findings(m.s, SMMU2_MATCH_CONFLICT), 1);
	assert_false(lands(&m, 0x10, TARGET));
	assert_int_equal(r32(&m, 0x48), 0x4); /* SMCF */
	assert_int_equal(smmu2_findings_take(m.s), 2);
	close_model(&m);
}

static void test_smmuv2_model_extended_ids(void **state)
{
	struct model m;

	(void)state;
	usual(&m);
	m.config.idr0 |= SMMU2_IDR0_EXIDS;
	open_model(&m);
	w32(&m, 0, 1u << 10 | 1u << 3);
	w32(&m, SMR(0), 0x8001 | 0x2u << 16);
	assert_false(lands(&m, 0x8001, TARGET));
	w32(&m, S2CR(0), 1u << 16 | 1u << 10);
	assert_true(lands(&m, 0x8001, TARGET) && lands(&m, 0x8003, TARGET));
	assert_false(lands(&m, 0x0001, TARGET));
	close_model(&m);
}

static void test_smmuv2_model_indexing(void **state)
{
	struct model m;

	(void)state;
	usual(&m);
	m.config.idr0 = SMMU2_IDR0_SIDB(5) | SMMU2_IDR0_S1TS | SMMU2_IDR0_CTTW;
	open_model(&m);
	w32(&m, S2CR(7), 1u << 16);
	w32(&m, S2CR(8), 2u << 16);
	assert_true(lands(&m, 7, TARGET));
	assert_false(lands(&m, 8, TARGET) || lands(&m, 32, TARGET));
	w32(&m, SMR(0), VALID);
	assert_int_equal(smmu2_findings_take(m.s), 1);
	close_model(&m);
}

/* ---- stages ---- */

static void test_smmuv2_model_stage1(void **state)
{
	struct model m;
	uint64_t root, third;

	(void)state;
	usual(&m);
	open_model(&m);
	root = stage1(&m, 1, 1u << 16, 7);
	stream(&m, 0, SID, 1);
	third = map_page(&m, root, 0x12345000, TARGET, S1_PAGE);
	assert_true(lands(&m, SID, 0x12345678) == TARGET + 0x678);
	assert_false(lands(&m, SID, 0x12346000));
	assert_int_equal(r32(&m, CB(1, 0x58)), 0x2); /* TF */
	assert_int_equal(r32(&m, CB(1, 0x60)), 0x12346000);
	assert_int_equal(r32(&m, CBFRSYNRA(1)), SID);
	w32(&m, CB(1, 0x58), 0x2);
	assert_int_equal(r32(&m, CB(1, 0x58)), 0);
	put64(&m, third, 0x147, TARGET | S1_RDONLY);
	assert_int_equal(smmu2_dma(m.s, SID, 0x12347000, &(uint64_t){ 0 }, 8, SMMU2_WRITE), SMMU2_ABORTED);
	assert_int_equal(r32(&m, CB(1, 0x58)), 0x8); /* PF */
	assert_int_equal(r32(&m, CB(1, 0x68)) & 0x13, 0x13); /* level 3, a write */
	w32(&m, CB(1, 0x58), 0x8);
	assert_true(lands(&m, SID, 0x12347000) == TARGET);
	/* a block of 2 MiB */
	put64(&m, root, 1, (page(&m, 4096)) | 3);
	put64(&m, m.next - 4096, 3, (RAM_AT & ~0x1fffffull) | (S1_PAGE & ~2ull));
	assert_true(lands(&m, SID, 0x40000000 + 3 * 0x200000 + 0x81000) == RAM_AT + 0x81000);
	/* without SCTLR.M the bank lets pass */
	w32(&m, CB(1, 0), 0);
	assert_true(lands(&m, SID, TARGET) == TARGET);
	close_model(&m);
}

/* A translation that was used stays until it is invalidated and that is synced. */
static void test_smmuv2_model_stale(void **state)
{
	struct model m;
	uint64_t root, third;

	(void)state;
	usual(&m);
	open_model(&m);
	root = stage1(&m, 1, 1u << 16, 7);
	stream(&m, 0, SID, 1);
	third = map_page(&m, root, 0x5000, TARGET, S1_PAGE);
	assert_true(lands(&m, SID, 0x5000) == TARGET);
	put64(&m, third, 5, 0);
	assert_true(lands(&m, SID, 0x5000) == TARGET);
	smmu2_mmio_write(m.s, CB(1, 0x620), 8, 0x5 | 8ull << 48); /* another ASID */
	w32(&m, CB(1, 0x7f0), 0);
	while (r32(&m, CB(1, 0x7f4)))
		;
	assert_true(lands(&m, SID, 0x5000) == TARGET);
	smmu2_mmio_write(m.s, CB(1, 0x620), 8, 0x5 | 7ull << 48);
	w32(&m, CB(1, 0x7f0), 0);
	while (r32(&m, CB(1, 0x7f4)))
		;
	assert_false(lands(&m, SID, 0x5000));
	/* the table above is remembered until TLBIVA */
	put64(&m, third, 6, TARGET | S1_PAGE);
	put64(&m, root, 0, 0);
	assert_true(lands(&m, SID, 0x6000) == TARGET);
	/* another page in its place, before that: break before make */
	put64(&m, third, 6, (TARGET + 0x1000) | S1_PAGE);
	w32(&m, CB(1, 0x610), 7);
	w32(&m, CB(1, 0x7f0), 0);
	while (r32(&m, CB(1, 0x7f4)))
		;
	assert_false(lands(&m, SID, 0x6000));
	close_model(&m);
}

static void test_smmuv2_model_stage2(void **state)
{
	struct model m;
	uint64_t root, third;

	(void)state;
	usual(&m);
	open_model(&m);
	root = page(&m, 4096);
	w32(&m, CBA2R(0), 1);
	w32(&m, CBAR(0), 9); /* stage 2, VMID 9 */
	w32(&m, CB(0, 0x30), 25 | 1u << 6 | 5u << 16);
	smmu2_mmio_write(m.s, CB(0, 0x20), 8, root);
	w32(&m, CB(0, 0), 1);
	stream(&m, 0, SID, 0);
	third = map_page(&m, root, 0x7000, TARGET, S2_PAGE);
	assert_true(lands(&m, SID, 0x7008) == TARGET + 8);
	put64(&m, third, 7, 0);
	w32(&m, 0x64, 8); /* TLBIVMID of another */
	w32(&m, 0x70, 0);
	while (r32(&m, 0x74))
		;
	assert_true(lands(&m, SID, 0x7000) == TARGET);
	smmu2_mmio_write(m.s, CB(0, 0x638), 8, 7); /* TLBIIPAS2L */
	w32(&m, CB(0, 0x7f0), 0);
	while (r32(&m, CB(0, 0x7f4)))
		;
	assert_false(lands(&m, SID, 0x7000));
	w32(&m, CB(0, 0x58), 0xffffffff);
	/* invalidation of stage 1 is none of that bank's */
	w32(&m, CB(0, 0x610), 0);
	assert_int_equal(smmu2_findings_take(m.s), 1);
	close_model(&m);
}

/* Stage 1 whose tables, too, are at addresses that stage 2 translates. */
static void test_smmuv2_model_nested(void **state)
{
	struct model m;
	uint64_t root2, root1, ipa = 0x40000000;

	(void)state;
	usual(&m);
	open_model(&m);
	root2 = page(&m, 4096);
	w32(&m, CBA2R(0), 1);
	w32(&m, CBAR(0), 9);
	w32(&m, CB(0, 0x30), 25 | 1u << 6 | 5u << 16);
	smmu2_mmio_write(m.s, CB(0, 0x20), 8, root2);
	w32(&m, CB(0, 0), 1);
	root1 = stage1(&m, 2, 3u << 16 | 0u << 8, 4);
	map_page(&m, root1, 0x9000, ipa + 0x100000, S1_PAGE);
	smmu2_mmio_write(m.s, CB(2, 0x20), 8, ipa | 4ull << 48);
	stream(&m, 0, SID, 2);
	assert_false(lands(&m, SID, 0x9000));
	assert_int_equal(r32(&m, CB(0, 0x58)), 0x2);
	assert_true(r32(&m, CB(0, 0x68)) & 1u << 10); /* PTWF: on a walk of stage 1 */
	w32(&m, CB(0, 0x58), 0xffffffff);
	/* stage 2: the tables' pages where stage 1 says they are, and the page that comes out */
	put64(&m, root1, 0, (ipa + 4096) | 3);
	put64(&m, root1 + 4096, 0, (ipa + 8192) | 3);
	map_page(&m, root2, ipa, root1, S2_PAGE);
	put64(&m, m.next - 4096, 1, (root1 + 4096) | S2_PAGE);
	put64(&m, m.next - 4096, 2, (root1 + 8192) | S2_PAGE);
	put64(&m, m.next - 4096, 0x100, TARGET | S2_PAGE);
	sync_all(&m);
	assert_true(lands(&m, SID, 0x9010) == TARGET + 0x10);
	/* what both make of it is remembered: stage 2's invalidation alone does not reach it */
	put64(&m, m.next - 4096, 0x100, 0);
	smmu2_mmio_write(m.s, CB(0, 0x638), 8, (ipa + 0x100000) >> 12);
	w32(&m, CB(0, 0x7f0), 0);
	while (r32(&m, CB(0, 0x7f4)))
		;
	assert_true(lands(&m, SID, 0x9010) == TARGET + 0x10);
	w32(&m, 0x64, 9);
	w32(&m, 0x70, 0);
	while (r32(&m, 0x74))
		;
	assert_false(lands(&m, SID, 0x9010));
	close_model(&m);
}

static void test_smmuv2_model_short(void **state)
{
	struct model m;
	uint64_t root, second;

	(void)state;
	usual(&m);
	open_model(&m);
	root = page(&m, 0x4000);
	second = page(&m, 0x400);
	w32(&m, CBAR(3), 1u << 16);
	w32(&m, CB(3, 0x34), 5);
	smmu2_mmio_write(m.s, CB(3, 0x20), 8, root);
	w32(&m, CB(3, 0), 0x7); /* M, TRE, AFE */
	stream(&m, 0, SID, 3);
	put32(&m, root, 0x801, (uint32_t)second | 1);
	put32(&m, second, 0x23, (uint32_t)TARGET | 0x832); /* small, nG, AP read-write for all */
	put32(&m, root, 0x802, (uint32_t)RAM_AT | 0x20c02);
	assert_true(lands(&m, SID, 0x80123004) == TARGET + 4);
	assert_true(lands(&m, SID, 0x80281234) == RAM_AT + 0x81234);
	assert_false(lands(&m, SID, 0x80124000));
	assert_int_equal(r32(&m, CB(3, 0x58)), 0x2);
	w32(&m, CB(3, 0x58), 0xffffffff);
	for (unsigned int i = 0; i < 16; i++) /* a large page */
		put32(&m, second, 0x40 + i, (uint32_t)TARGET | 0x831);
	assert_true(lands(&m, SID, 0x8014b00c) == TARGET + 0xb00c);
	put32(&m, second, 0x23, 0);
	w32(&m, CB(3, 0x600), 0x80123000 | 5);
	w32(&m, CB(3, 0x7f0), 0);
	while (r32(&m, CB(3, 0x7f4)))
		;
	assert_false(lands(&m, SID, 0x80123004));
	close_model(&m);
}

/* ---- faults ---- */

static void test_smmuv2_model_stall(void **state)
{
	struct model m;
	uint64_t root;

	(void)state;
	usual(&m);
	open_model(&m);
	root = stage1(&m, 1, 1u << 16, 7);
	stream(&m, 0, SID, 1);
	w32(&m, CB(1, 0), 0x1 | 1u << 6 | 1u << 7);
	assert_int_equal(smmu2_dma(m.s, SID, 0x5000, &(uint64_t){ 0 }, 8, SMMU2_READ), SMMU2_STALLED);
	assert_true(smmu2_lines(m.s) == 1ull << SMMU2_LINE_CONTEXT(1));
	assert_int_equal(r32(&m, CB(1, 0x58)), 0x2 | 1u << 30);
	assert_int_equal(smmu2_dma(m.s, SID, 0x6000, &(uint64_t){ 0 }, 8, SMMU2_READ), SMMU2_STALLED);
	map_page(&m, root, 0x5000, TARGET, S1_PAGE);
	w32(&m, CB(1, 0x08), 0); /* again */
	assert_int_equal(smmu2_stats_get(m.s)->retried, 1);
	assert_true(smmu2_lines(m.s) == 0);
	assert_int_equal(smmu2_dma(m.s, SID, 0x6000, &(uint64_t){ 0 }, 8, SMMU2_READ), SMMU2_STALLED);
	w32(&m, CB(1, 0x58), 0x2);
	w32(&m, CB(1, 0x08), 1); /* enough */
	assert_int_equal(smmu2_stats_get(m.s)->terminated, 1);
	assert_true(smmu2_lines(m.s) == 0);
	w32(&m, CB(1, 0x08), 1);
	assert_int_equal(smmu2_findings_take(m.s), 1);
	close_model(&m);
}

/* ---- findings ---- */

static void test_smmuv2_model_off(void **state)
{
	struct model m;

	(void)state;
	usual(&m);
	open_model(&m);
	stream(&m, 0, SID, 1u << 16);
	smmu2_clock(m.s, false);
	assert_int_equal(r32(&m, 0), 0xffffffff);
	assert_int_equal(smmu2_dma(m.s, SID, TARGET, &(uint64_t){ 0 }, 8, SMMU2_READ), SMMU2_NOBODY);
	smmu2_clock(m.s, true);
	assert_int_equal(smmu2_findings(m.s, SMMU2_OFF), 1);
	assert_int_equal(smmu2_dma(m.s, SID, TARGET, &(uint64_t){ 0 }, 8, SMMU2_READ), SMMU2_LANDED);
	smmu2_power(m.s, false);
	w32(&m, 0, 0);
	assert_int_equal(smmu2_findings(m.s, SMMU2_OFF), 2);
	smmu2_findings_take(m.s);
	close_model(&m);
}

static void test_smmuv2_model_findings(void **state)
{
	struct model m;
	uint64_t root, third;

	(void)state;
	usual(&m);
	open_model(&m);
	w32(&m, 0x30, 0);
	smmu2_mmio_read(m.s, 0x21, 2);
	w32(&m, CBAR(8), 0);
	w32(&m, SMR(32), 0);
	assert_int_equal(smmu2_findings(m.s, SMMU2_BAD_REGISTER), 4);
	smmu2_findings_take(m.s);
	root = stage1(&m, 1, 1u << 16, 7);
	stream(&m, 0, SID, 1);
	third = map_page(&m, root, 0x5000, RAM_AT, S1_PAGE);
	assert_int_equal(smmu2_dma(m.s, SID, 0x5000, &(uint64_t){ 0 }, 8, SMMU2_READ), SMMU2_LANDED);
	assert_int_equal(smmu2_findings(m.s, SMMU2_STRAY), 1);
	put64(&m, third, 6, TARGET | S1_PAGE | 1ull << 52);
	assert_true(lands(&m, SID, 0x6000) == TARGET);
	assert_int_equal(smmu2_findings(m.s, SMMU2_BAD_TABLE), 1);
	/* a bank of the same ids that says otherwise */
	root = stage1(&m, 2, 1u << 16, 7);
	map_page(&m, root, 0x8000, TARGET, S1_PAGE);
	stream(&m, 1, SID + 1, 2);
	sync_all(&m);
	assert_true(lands(&m, SID, 0x5000) == RAM_AT);
	smmu2_memory_goes(m.s, third, 4096);
	assert_int_equal(smmu2_findings(m.s, SMMU2_FREED), 1);
	w32(&m, CB(1, 0x10), 7);
	sync_all(&m);
	assert_false(lands(&m, SID, 0x5000));
	assert_int_equal(smmu2_findings(m.s, SMMU2_BAD_CONTEXT), 1);
	smmu2_findings_take(m.s);
	smmu2_power(m.s, false);
	smmu2_power(m.s, true);
	w32(&m, 0, 0);
	assert_int_equal(smmu2_findings(m.s, SMMU2_UNINITIALISED), 1);
	smmu2_findings_take(m.s);
	close_model(&m);
}

static void test_smmuv2_model_bypass_faults(void **state)
{
	struct model m;

	(void)state;
	usual(&m);
	m.config.bypass_faults = true;
	open_model(&m);
	stream(&m, 0, SID, 1u << 16);
	assert_int_equal(r32(&m, S2CR(0)), 2u << 16);
	assert_false(lands(&m, SID, TARGET));
	close_model(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_smmuv2_model_reset),
		cmocka_unit_test(test_smmuv2_model_streams),
		cmocka_unit_test(test_smmuv2_model_match_conflict),
		cmocka_unit_test(test_smmuv2_model_extended_ids),
		cmocka_unit_test(test_smmuv2_model_indexing),
		cmocka_unit_test(test_smmuv2_model_stage1),
		cmocka_unit_test(test_smmuv2_model_stale),
		cmocka_unit_test(test_smmuv2_model_stage2),
		cmocka_unit_test(test_smmuv2_model_nested),
		cmocka_unit_test(test_smmuv2_model_short),
		cmocka_unit_test(test_smmuv2_model_stall),
		cmocka_unit_test(test_smmuv2_model_off),
		cmocka_unit_test(test_smmuv2_model_findings),
		cmocka_unit_test(test_smmuv2_model_bypass_faults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
