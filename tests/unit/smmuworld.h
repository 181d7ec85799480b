// SPDX-License-Identifier: MIT
/*
 * The SMMUv3 driver's hardware layer and the library's translation tables on the hostile model,
 * behind the checking host.
 *
 * Each stream has a bit; a page of memory may be reached by the streams whose domain maps
 * it, from before it is mapped until its invalidation is confirmed. Rogue masters fire at
 * all points, so that what is reached otherwise is a finding. Each slot of a domain is
 * mapped to one of two places in turn, so that what is stale shows.
 */
#ifndef WEIR_TESTS_SMMUWORLD_H
#define WEIR_TESTS_SMMUWORLD_H

#include <stdio.h>
#include <string.h>

#include "cm.h"
#include "hw/host.h"
#include "testhost.h"
#include "weir/arm_smmu_v3.h"
#include "weir/err.h"
#include "weir/table.h"

#define SW_BASE    0x2b400000ull
#define SW_LINE    100u
#define SW_STREAMS 4u
#define SW_DOMAINS 3u
#define SW_SLOTS   8u
#define SW_PLACE   0x400000ull /* memory for each place of a slot */
#define SW_PLACES  (8ull << 20) /* behind what the driver and the tables may have */
#define SW_LONG     0xd000000000000ull /* bits 51, 50 and 48 */
#define SW_LONG_RAM 0xe000080000000ull /* ... and 49 */
#define SW_RAM     (SW_PLACES + SW_DOMAINS * SW_SLOTS * 2 * SW_PLACE)

struct sw_slot {
	uint64_t pa;             /* 0: not mapped */
	uint64_t bytes;
	bool second;             /* of its two places, the one that was used last */
};

struct sw_domain {
	uint64_t iova_base;      /* of all slots */
	struct weir_smmu_v3_domain *domain;
	struct weir_table *table;
	struct weir_tables tables;
	struct sw_slot slots[SW_SLOTS];
	uint8_t who;             /* streams behind it */
};

struct sw {
	struct hwhost *hw;
	struct testhost *host;
	struct smmu3 *model;
	struct weir_smmu_v3 *smmu;
	const struct weir_host_ops *ops;
	struct smmu3_config config;
	struct weir_smmu_v3_config driver;
	uint32_t granule_lg2;
	bool is_long;            /* memory and addresses have 52 bits (FEAT_LPA2) */
	struct sw_domain domains[SW_DOMAINS];
	int behind[SW_STREAMS];  /* a domain; -1: nothing */
	unsigned int faults;
	unsigned int strange;    /* faults of streams that are not, or of no reason */
	void *left_va;           /* a stream table that stays with the hardware */
	uint64_t left_pa;
};

/* Pages on both sides of tables, with hints, blocks, and some of each. */
static inline uint64_t sw_iova(const struct sw_domain *d, unsigned int slot)
{
	static const uint64_t at[SW_SLOTS] = {
		0x10000, 0x20000, 0x1f0000, 0x200000, 0x40000000, 0x40400000, 0x7f80000000, 0x7fffff0000,
	};

	return d->iova_base + at[slot];
}

static inline uint64_t sw_bytes(const struct sw *w, unsigned int slot)
{
	static const uint64_t of_4k[SW_SLOTS] = {
		0x1000, 0x10000, 0x2000, 0x200000, 0x10000, 0x211000, 0x201000, 0x1000,
	};
	uint64_t page = 1ull << w->granule_lg2;

	return (of_4k[slot] + page - 1) & ~(page - 1);
}

static inline uint32_t sw_sid(unsigned int stream)
{
	static const uint32_t ids[SW_STREAMS] = { 0, 5, 0x41, 0x1f33 };

	return ids[stream];
}

static inline bool sw_is_ro(unsigned int slot)
{
	return slot == 1 || slot == 3;
}

/* ---- mappings ---- */

/* Who may reach what a domain maps there. */
static inline void sw_allow(struct sw *w, const struct sw_domain *d, unsigned int slot)
{
	if (d->slots[slot].pa)
		hwram_allow(w->hw->ram, d->slots[slot].pa, d->slots[slot].bytes, d->who,
			    sw_is_ro(slot) ? 0 : d->who);
}

static inline void sw_allow_all(struct sw *w, const struct sw_domain *d)
{
	for (unsigned int i = 0; i < SW_SLOTS; i++)
		sw_allow(w, d, i);
}

static inline void sw_map(struct sw *w, struct sw_domain *d, unsigned int slot)
{
	struct sw_slot *at = &d->slots[slot];
	unsigned int place = ((unsigned int)(d - w->domains) * SW_SLOTS + slot) * 2 + at->second;

	at->second = !at->second;
	at->pa = w->hw->ram->base + SW_PLACES + place * SW_PLACE;
	at->bytes = sw_bytes(w, slot);
	/* 2 MiB blocks, or not: as the slot's number is */
	at->pa += slot == 6 ? 0x10000 : 0;
	sw_allow(w, d, slot);
	assert_int_equal(weir_table_map(d->table, sw_iova(d, slot), at->pa, at->bytes,
					WEIR_MAP_READ | (sw_is_ro(slot) ? 0 : WEIR_MAP_WRITE) |
					WEIR_MAP_CACHED), 0);
}

static inline void sw_flush(struct sw_domain *d, struct weir_table_gather *gather)
{
	if (gather->what.bytes) {
		assert_int_equal(weir_smmu_v3_invalidate(d->domain, &gather->what), 0);
		assert_int_equal(weir_smmu_v3_sync(d->domain), 0);
	}
	weir_table_release(d->table, gather);
}

/* Not in force before sw_flush() and sw_unmapped(). */
static inline void sw_unmap_begin(struct sw_domain *d, unsigned int slot,
				  struct weir_table_gather *gather)
{
	assert_int_equal(weir_table_unmap(d->table, sw_iova(d, slot), d->slots[slot].bytes, gather), 0);
}

static inline void sw_unmapped(struct sw *w, struct sw_domain *d, unsigned int slot)
{
	hwram_allow(w->hw->ram, d->slots[slot].pa, d->slots[slot].bytes, 0, 0);
	d->slots[slot].pa = 0;
}

static inline void sw_unmap(struct sw *w, struct sw_domain *d, unsigned int slot, bool unlink)
{
	struct weir_table_gather gather = { .unlink = unlink };

	sw_unmap_begin(d, slot, &gather);
	sw_flush(d, &gather);
	sw_unmapped(w, d, slot);
}

/* Takes the end of a slot away, where the walker stands it. */
static inline void sw_cut(struct sw *w, struct sw_domain *d, unsigned int slot)
{
	struct weir_table_gather gather = { 0 };
	struct sw_slot *at = &d->slots[slot];
	uint64_t page = 1ull << w->granule_lg2, keep = at->bytes / 2 & ~(page - 1);
	unsigned int must = SMMU3_ROGUES;
	int err;

	if (!keep)
		return;
	/* What stays is reached all the time. */
	for (unsigned int i = 0; i < SW_STREAMS && must == SMMU3_ROGUES; i++)
		if (w->behind[i] == (int)(d - w->domains))
			must = smmu3_rogue(w->model, sw_sid(i), sw_iova(d, slot) + keep - 8,
					   SMMU3_READ | SMMU3_MUST);
	do {
		err = weir_table_unmap(d->table, sw_iova(d, slot) + keep, at->bytes - keep, &gather);
		sw_flush(d, &gather);
	} while (err == WEIR_EAGAIN);
	hwhost_points(w->hw, 3);
	smmu3_rogue_stop(w->model, must);
	if (err) {
		assert_int_equal(err, WEIR_EBUSY);
		return;
	}
	hwram_allow(w->hw->ram, at->pa + keep, at->bytes - keep, 0, 0);
	at->bytes = keep;
}

/* ---- domains and streams ---- */

static inline void sw_domain_open(struct sw *w, struct sw_domain *d, enum weir_table_format format)
{
	bool s2 = format == WEIR_TABLE_ARM_S2;
	const struct weir_table_config config = {
		.format = format, .kind = w->is_long ? &weir_table_arm64_ds : &weir_table_arm64,
		.granule_lg2 = w->granule_lg2, .iova_bits = w->is_long ? 52 : s2 ? 39 : 48,
		.pa_bits = w->is_long ? 52 : 40, .bbm_level = w->config.idr[3] >> 11 & 3,
		.coherent = w->config.idr[0] & SMMU3_IDR0_COHACC,
	};

	memset(d, 0, sizeof(*d));
	d->iova_base = w->is_long ? SW_LONG : 0;
	assert_int_equal(weir_table_create(w->ops, w->host, &config, &d->table), 0);
	weir_table_describe(d->table, &d->tables);
	assert_int_equal(weir_smmu_v3_domain_create(w->smmu, &d->tables, 0, &d->domain), 0);
}

/* @to: a domain; -1: nothing. */
static inline void sw_attach(struct sw *w, unsigned int stream, int to)
{
	struct sw_domain *d = to < 0 ? NULL : &w->domains[to];
	struct sw_domain *old = w->behind[stream] < 0 ? NULL : &w->domains[w->behind[stream]];

	if (d) {
		d->who |= (uint8_t)(1u << stream);
		sw_allow_all(w, d);
	}
	assert_int_equal(weir_smmu_v3_attach(w->smmu, sw_sid(stream), d ? d->domain : NULL), 0);
	w->behind[stream] = to;
	if (old && old != d) {
		old->who &= (uint8_t)~(1u << stream);
		sw_allow_all(w, old);
	}
}

static inline void sw_domain_close(struct sw *w, struct sw_domain *d)
{
	d->domain = weir_smmu_v3_domain_destroy(d->domain);
	weir_table_destroy(d->table);
	for (unsigned int i = 0; i < SW_SLOTS; i++)
		if (d->slots[i].pa)
			sw_unmapped(w, d, i);
	memset(d, 0, sizeof(*d));
}

/* ---- the whole ---- */

static inline void sw_fault(void *arg, const struct weir_fault *fault)
{
	struct sw *w = arg;

	if (fault->what)
		return;
	w->faults++;
	for (unsigned int i = 0; i < SW_STREAMS; i++)
		if (fault->stream == sw_sid(i) && fault->reason != WEIR_FAULT_UNKNOWN)
			return;
	w->strange++;
}

static inline int sw_table_alloc(void *arg, size_t bytes, size_t align_bytes, void **out_va,
				 uint64_t *out_pa)
{
	struct sw *w = arg;

	if (!w->left_va && !hwram_alloc(w->hw->ram, bytes, align_bytes, &w->left_va, &w->left_pa))
		return WEIR_ENOMEM;
	memset(w->left_va, 0, bytes);
	*out_va = w->left_va;
	*out_pa = w->left_pa;
	return 0;
}

static inline void sw_table_free(void *arg, void *va, uint64_t pa, size_t bytes)
{
	struct sw *w = arg;

	assert_ptr_equal(va, w->left_va);
	smmu3_memory_goes(w->model, pa, bytes);
	assert_true(hwram_free(w->hw->ram, pa, bytes));
	w->left_va = NULL;
}

/* The machine, before the driver; @w->config may be changed, as may what the driver is told. */
static inline void sw_init(struct sw *w, uint64_t seed)
{
	memset(w, 0, sizeof(*w));
	smmu3_config_usual(&w->config);
	w->config.seed = seed;
	w->config.cfgi_ste_keeps_cds = seed & 1;
	w->granule_lg2 = 12;
	w->driver = (struct weir_smmu_v3_config){
		.name = "smmu@2b400000", .base_pa = SW_BASE, .nr_lines = 2,
		.lines = { SW_LINE, SW_LINE + 2 }, .timeout_ns = 20000000, .fault = sw_fault,
		.table_alloc = sw_table_alloc, .table_free = sw_table_free, .arg = w,
	};
}

static inline void sw_machine(struct sw *w)
{
	w->hw = hwhost_create_at(w->is_long ? SW_LONG_RAM : 0x80000000, SW_RAM, w->config.seed);
	w->hw->around_irq = testhost_interrupt;
	w->model = hwhost_smmu(w->hw, SW_BASE, &w->config, SW_LINE);
	w->host = testhost_create(hwhost_ops(w->hw), w->hw);
	w->ops = testhost_ops(w->host);
	for (unsigned int i = 0; i < SW_STREAMS; i++) {
		smmu3_master(w->model, sw_sid(i), (uint8_t)(1u << i));
		w->behind[i] = -1;
	}
}

static inline int sw_try_create(struct sw *w)
{
	return weir_smmu_v3_create(w->ops, w->host, &w->driver, &w->smmu);
}

/* Each stream has a rogue master, aimed anew by sw_aim(). */
static inline void sw_rogues(struct sw *w)
{
	for (unsigned int i = 0; i < SW_STREAMS; i++)
		smmu3_rogue(w->model, sw_sid(i), sw_iova(&w->domains[0], i), i & 1 ? SMMU3_WRITE : SMMU3_READ);
}

static inline void sw_aim(struct sw *w, struct hwrng *rng)
{
	for (unsigned int i = 0; i < SW_STREAMS; i++) {
		unsigned int slot = hwrng_below(rng, SW_SLOTS);
		uint64_t at = hwrng_below(rng, (uint32_t)sw_bytes(w, slot)) & ~7u;

		smmu3_rogue_aim(w->model, i, sw_iova(&w->domains[0], slot) + at);
	}
}

static inline void sw_check(struct sw *w)
{
	testhost_check(w->host);
	if (smmu3_findings(w->model, SMMU3_FINDINGS))
		fail_msg("seed %llu: %s", (unsigned long long)w->config.seed,
			 smmu3_first_finding(w->model));
}

/* What a stream reaches; 0: nothing. */
static inline uint64_t sw_reach(struct sw *w, unsigned int stream, uint64_t iova)
{
	uint64_t pa = 0;

	return smmu3_translate(w->model, sw_sid(stream), iova, SMMU3_READ, &pa) == SMMU3_LANDED ? pa
												: 0;
}

static inline void sw_expect(struct sw *w, unsigned int stream, uint64_t iova, uint64_t want)
{
	uint64_t got = sw_reach(w, stream, iova);

	if (got != want)
		fail_msg("seed %llu: stream 0x%x at 0x%llx reaches 0x%llx, not 0x%llx",
			 (unsigned long long)w->config.seed, sw_sid(stream),
			 (unsigned long long)iova, (unsigned long long)got,
			 (unsigned long long)want);
}

/* Every stream sees what its domain maps, and nothing else. */
static inline void sw_verify(struct sw *w)
{
	for (unsigned int s = 0; s < SW_STREAMS; s++)
		for (unsigned int i = 0; i < SW_SLOTS; i++) {
			const struct sw_slot *at = w->behind[s] < 0 ? NULL :
				&w->domains[w->behind[s]].slots[i];
			uint64_t last = sw_bytes(w, i) - 8;

			sw_expect(w, s, sw_iova(&w->domains[0], i), at && at->pa ? at->pa : 0);
			sw_expect(w, s, sw_iova(&w->domains[0], i) + last,
				  at && at->pa && last < at->bytes ? at->pa + last : 0);
		}
	sw_check(w);
}

/* The driver is gone, the model goes on for a while: nothing lands. */
static inline void sw_close(struct sw *w)
{
	sw_check(w);
	hwhost_points(w->hw, 50);
	sw_check(w);
	w->host = testhost_destroy(w->host);
	w->hw = hwhost_destroy(w->hw);
}

#endif
