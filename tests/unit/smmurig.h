// SPDX-License-Identifier: MIT
/*
 * A driver of an SMMUv3 as small as can be, for tests of the hostile model: each step by itself,
 * so that a test can leave one out or do it in another order. All numbers are from the
 * architecture (Arm IHI 0070), and written here once more: nothing is shared with the model.
 */
#ifndef WEIR_TESTS_SMMURIG_H
#define WEIR_TESTS_SMMURIG_H

#include <string.h>

#include "cm.h"
#include "hw/host.h"

#define RIG_BASE   0x09050000ull
#define RIG_LINE   74u
#define RIG_STES   64u
#define RIG_SID    5u
#define RIG_ENTRIES 64u /* of the command queue */
#define RIG_EVENTS 16u

/* Descriptors of VMSAv8-64: a page that all may read and write, stage 1 (not global) and 2. */
#define S1_PAGE(pa)  ((uint64_t)(pa) | 0x0000000000000f43ull)
#define S1_BLOCK(pa) ((uint64_t)(pa) | 0x0000000000000f41ull)
#define S2_PAGE(pa)  ((uint64_t)(pa) | 0x00000000000007ffull)
#define S2_BLOCK(pa) ((uint64_t)(pa) | 0x00000000000007fdull)
#define TABLE(pa)    ((uint64_t)(pa) | 3)

struct rig {
	struct hwhost *h;
	struct smmu3 *s;
	const struct weir_host_ops *ops;
	bool clean;             /* the CPU cleans what the SMMU reads */
	uint64_t *ste, *cmdq, *evtq;
	uint64_t ste_pa, cmdq_pa, evtq_pa;
	uint32_t prod;
};

static inline uint32_t rig_read(struct rig *r, uint64_t offset)
{
	return (uint32_t)r->ops->mmio_read(r->h, RIG_BASE + offset, 4);
}

static inline void rig_write(struct rig *r, uint64_t offset, uint32_t value)
{
	r->ops->mmio_write(r->h, RIG_BASE + offset, 4, value);
}

static inline void rig_write64(struct rig *r, uint64_t offset, uint64_t value)
{
	r->ops->mmio_write(r->h, RIG_BASE + offset, 8, value);
}

static inline void rig_barrier(struct rig *r)
{
	r->ops->dma_barrier(r->h);
}

static inline void *rig_pages(struct rig *r, size_t bytes, uint64_t *out_pa)
{
	void *va;

	assert_int_equal(r->ops->pages_alloc(r->h, bytes, bytes, &va, out_pa), 0);
	if (r->clean) /* the zeros are there for all */
		r->ops->cache_sync(r->h, *out_pa, bytes, WEIR_CACHE_CLEAN);
	return va;
}

static inline uint64_t *rig_va(struct rig *r, uint64_t pa)
{
	return hwram_va(r->h->ram, pa, 8);
}

/* Stores are seen: by a barrier, and by cleaning where there is no coherence. */
static inline void rig_seen(struct rig *r, uint64_t pa, size_t bytes)
{
	rig_barrier(r);
	if (r->clean)
		r->ops->cache_sync(r->h, pa, bytes, WEIR_CACHE_CLEAN);
}

/* Polls until the bits are as wanted. */
static inline bool rig_poll(struct rig *r, uint64_t offset, uint32_t mask, uint32_t want)
{
	for (unsigned int i = 0; i < 1000; i++)
		if ((rig_read(r, offset) & mask) == want)
			return true;
	return false;
}

/* A command without CMD_SYNC. */
static inline void rig_command(struct rig *r, uint64_t word0, uint64_t word1)
{
	uint32_t i = r->prod % RIG_ENTRIES;

	r->cmdq[2 * i] = word0;
	r->cmdq[2 * i + 1] = word1;
	rig_seen(r, r->cmdq_pa + 16 * i, 16);
	r->prod = (r->prod + 1) % (2 * RIG_ENTRIES);
	rig_write(r, 0x98, r->prod);
}

/* CMD_SYNC: whether all was done. */
static inline bool rig_sync(struct rig *r)
{
	rig_command(r, 0x46, 0);
	return rig_poll(r, 0x9c, 0x7fffffff, r->prod);
}

static inline void rig_cfgi_ste(struct rig *r, uint32_t sid, bool leaf)
{
	rig_command(r, 0x03 | (uint64_t)sid << 32, leaf);
}

static inline void rig_cr0(struct rig *r, uint32_t value)
{
	rig_write(r, 0x20, value);
	assert_true(rig_poll(r, 0x24, 0x1df, value));
}

static inline void rig_gbpa(struct rig *r, bool abort_)
{
	rig_write(r, 0x44, 0x80000000u | (abort_ ? 1u << 20 : 0));
	assert_true(rig_poll(r, 0x44, 0x80000000u, 0));
}

/* Registers of all queues, and the queues on. */
static inline void rig_queues(struct rig *r)
{
	rig_write64(r, 0x90, r->cmdq_pa | 6);
	rig_write(r, 0x98, 0);
	rig_write(r, 0x9c, 0);
	r->prod = 0;
	rig_write64(r, 0xa0, r->evtq_pa | 4);
	rig_write(r, 0x100a8, 0);
	rig_write(r, 0x100ac, 0);
	rig_write64(r, 0x80, r->ste_pa);
	rig_write(r, 0x88, 6);
	rig_write(r, 0x2c, 2);
	rig_cr0(r, 0x8);
	rig_cr0(r, 0xc);
	rig_write(r, 0x50, 0x5);
	assert_true(rig_poll(r, 0x54, 0x5, 0x5));
}

static inline void rig_invalidate_all(struct rig *r)
{
	rig_command(r, 0x04, 0x1f);
	rig_command(r, 0x30, 0);
	assert_true(rig_sync(r));
}

static inline void rig_enable(struct rig *r)
{
	rig_gbpa(r, true);
	rig_queues(r);
	rig_invalidate_all(r);
	rig_cr0(r, 0xd);
}

/* The machine, with its memory; the SMMU is as after reset. */
static inline void rig_init(struct rig *r, const struct smmu3_config *config)
{
	memset(r, 0, sizeof(*r));
	r->h = hwhost_create(2 << 20, config->seed);
	r->s = hwhost_smmu(r->h, RIG_BASE, config, RIG_LINE);
	r->ops = hwhost_ops(r->h);
	assert_int_equal(r->ops->mmio_map(r->h, RIG_BASE, SMMU3_BYTES, &(uintptr_t){ 0 }), 0);
	r->clean = !(config->idr[0] & SMMU3_IDR0_COHACC);
	r->ste = rig_pages(r, 4096, &r->ste_pa);
	r->cmdq = rig_pages(r, 4096, &r->cmdq_pa);
	r->evtq = rig_pages(r, 4096, &r->evtq_pa);
	smmu3_master(r->s, RIG_SID, 1);
}

static inline void rig_open(struct rig *r, uint64_t seed)
{
	struct smmu3_config config;

	smmu3_config_usual(&config);
	config.seed = seed;
	rig_init(r, &config);
	rig_enable(r);
}

/* Ends it; there were no findings. */
static inline void rig_close(struct rig *r)
{
	if (smmu3_findings(r->s, SMMU3_FINDINGS))
		fail_msg("%s", smmu3_first_finding(r->s));
	r->h = hwhost_destroy(r->h);
}

/* Ends it. Return: how many findings of a kind there were; without one there was none at all. */
static inline unsigned int rig_close_with(struct rig *r, enum smmu3_finding what)
{
	unsigned int n = smmu3_findings(r->s, what);

	if (!n && smmu3_findings(r->s, SMMU3_FINDINGS))
		fail_msg("%s", smmu3_first_finding(r->s));
	r->h = hwhost_destroy(r->h);
	return n;
}

/* A page of a client, that DMA may reach. */
static inline uint64_t rig_buffer(struct rig *r, size_t bytes)
{
	uint64_t pa;

	rig_pages(r, bytes, &pa);
	hwram_allow(r->h->ram, pa, bytes, 1, 1);
	return pa;
}

/* ---- stream table entries and CDs, in the order that is safe ---- */

/* For what nothing leads to yet: word 0 becomes valid last. */
static inline void rig_entry(struct rig *r, uint64_t pa, const uint64_t words[8])
{
	uint64_t *at = rig_va(r, pa);

	for (unsigned int i = 1; i < 8; i++)
		at[i] = words[i];
	rig_seen(r, pa, 64);
	at[0] = words[0];
	rig_seen(r, pa, 64);
}

/*
 * What was fetched of an STE before it was complete is dropped before it becomes valid: it is
 * fetched 64 bits at a time, in any order (3.21.3).
 */
static inline void rig_ste_set(struct rig *r, uint32_t sid, const uint64_t words[8])
{
	uint64_t pa = r->ste_pa + 64ull * sid, *at = rig_va(r, pa);

	memcpy(at + 1, words + 1, 56);
	rig_seen(r, pa, 64);
	rig_cfgi_ste(r, sid, true);
	assert_true(rig_sync(r));
	at[0] = words[0];
	rig_seen(r, pa, 8);
	rig_cfgi_ste(r, sid, true);
	assert_true(rig_sync(r));
}

/* Stage 1 with a CD at @cd_pa; the VMID is 0. SHCFG: as incoming. */
static inline void rig_ste_s1(uint64_t words[8], uint64_t cd_pa)
{
	memset(words, 0, 64);
	words[0] = 1 | 5 << 1 | cd_pa;
	words[1] = 1ull << 44;
}

/* Stage 2 of @bits input bits, pages of 4 KiB, root at level @level. */
static inline void rig_ste_s2(uint64_t words[8], uint64_t ttb, unsigned int bits,
			      unsigned int level, uint32_t vmid)
{
	memset(words, 0, 64);
	words[0] = 1 | 6 << 1;
	words[1] = 1ull << 44;
	words[2] = vmid | (uint64_t)(64 - bits) << 32 | (uint64_t)(2 - level) << 38 |
		5ull << 48 | 1ull << 51 | 1ull << 58;
	words[3] = ttb;
}

/* A CD: 48 bits, TTB0 alone, pages of 4 KiB. MAIR: 0xff, 0x44, 0x04. */
static inline void rig_cd(uint64_t words[8], uint64_t ttb, uint32_t asid)
{
	memset(words, 0, 64);
	words[0] = 16 | 1ull << 30 | 1ull << 31 | 5ull << 32 | 1ull << 41 | 7ull << 45 |
		(uint64_t)asid << 48;
	words[1] = ttb;
	words[3] = 0x0444ff;
}

/* ---- tables, pages of 4 KiB ---- */

static inline uint64_t rig_table(struct rig *r)
{
	uint64_t pa;

	rig_pages(r, 4096, &pa);
	return pa;
}

static inline void rig_store(struct rig *r, uint64_t table, unsigned int index, uint64_t entry)
{
	rig_va(r, table)[index] = entry;
	rig_seen(r, table + 8ull * index, 8);
}

static inline unsigned int rig_index(uint64_t iova, unsigned int level)
{
	return (iova >> (12 + 9 * (3 - level))) & 511;
}

/* The table of @level for an address, made on the way from @root at level @from. */
static inline uint64_t rig_table_of(struct rig *r, uint64_t root, unsigned int from, uint64_t iova,
				    unsigned int level)
{
	for (; from < level; from++) {
		uint64_t *entry = &rig_va(r, root)[rig_index(iova, from)];

		if (!*entry)
			rig_store(r, root, rig_index(iova, from), TABLE(rig_table(r)));
		root = *entry & 0xfffffffff000ull;
	}
	return root;
}

static inline void rig_set(struct rig *r, uint64_t root, unsigned int from, uint64_t iova,
			   unsigned int level, uint64_t entry)
{
	rig_store(r, rig_table_of(r, root, from, iova, level), rig_index(iova, level), entry);
}

/* TLBI by address and ASID, of one page; @leaf: tables stay. */
static inline void rig_tlbi_va(struct rig *r, uint64_t iova, uint32_t asid, bool leaf)
{
	rig_command(r, 0x12 | (uint64_t)asid << 48, iova | leaf);
}

/* ---- a stream behind stage 1 ---- */

struct rig_s1 {
	uint64_t cd_pa, root;
};

static inline void rig_attach_s1(struct rig *r, uint32_t sid, uint32_t asid, struct rig_s1 *out)
{
	uint64_t words[8];

	rig_pages(r, 4096, &out->cd_pa);
	out->root = rig_table(r);
	rig_cd(words, out->root, asid);
	rig_entry(r, out->cd_pa, words);
	rig_ste_s1(words, out->cd_pa);
	rig_ste_set(r, sid, words);
}

static inline enum smmu3_outcome rig_touch(struct rig *r, uint32_t sid, uint64_t iova, bool write)
{
	uint64_t data = 0;

	return smmu3_dma(r->s, sid, iova, &data, 8, write ? SMMU3_WRITE : SMMU3_READ);
}

/* ---- wrong and right ---- */

/* A sequence, done @wrong or right. Return: whether the model showed that something is amiss. */
typedef bool rig_sequence(uint64_t seed, bool wrong);

static inline void rig_both_ways(rig_sequence *run, unsigned int seeds)
{
	unsigned int caught = 0;

	for (uint64_t seed = 1; seed <= seeds; seed++) {
		assert_false(run(seed, false));
		caught += run(seed, true);
	}
	assert_int_not_equal(caught, 0);
}

#endif
