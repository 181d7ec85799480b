// SPDX-License-Identifier: MIT
/*
 * An SMMUv3 on a host of models, with the hardware layer of its driver and tables made by hand, for tests
 * of it.
 */
#ifndef WEIR_TESTS_SMMUV3BED_H
#define WEIR_TESTS_SMMUV3BED_H

#include <stdio.h>
#include <string.h>

#include "cm.h"
#include "hw/host.h"
#include "testhost.h"
#include "weir/arm_smmu_v3.h"

#define BASE 0x09050000ull
#define LINE 74u
#define SID 5u
#define OTHER 0x421u
#define IOVA 0x7f0000000000ull
#define NR_TOLD 64u

struct bed {
	struct hwhost *h;
	struct smmu3 *s;
	struct testhost *t;
	struct weir_host_ops ops;      /* of t; a test may take calls out */
	struct weir_smmu_v3_config config;
	struct weir_smmu_v3 *smmu;
	struct weir_fault faults[NR_TOLD];
	unsigned int nr_faults;
	const char *told;              /* the first thing it said of itself */
	unsigned int nr_told;
	unsigned int nr_left_out;      /* ... of commands that failed */
};

static inline void on_fault(void *arg, const struct weir_fault *fault)
{
	struct bed *bed = arg;

	if (fault->what) {
		if (!bed->nr_told++)
			bed->told = fault->what;
		bed->nr_left_out += !!strstr(fault->what, "left out");
		return;
	}
	if (bed->nr_faults < NR_TOLD)
		bed->faults[bed->nr_faults] = *fault;
	bed->nr_faults++;
}

static inline void bed_init(struct bed *bed, const struct smmu3_config *config)
{
	memset(bed, 0, sizeof(*bed));
	bed->h = hwhost_create(4 << 20, config->seed);
	bed->s = hwhost_smmu(bed->h, BASE, config, LINE);
	bed->t = testhost_create(hwhost_ops(bed->h), bed->h);
	bed->h->around_irq = testhost_interrupt;
	bed->ops = *testhost_ops(bed->t);
	bed->config = (struct weir_smmu_v3_config){
		.name = "smmu", .base_pa = BASE, .nr_lines = 2, .lines = { LINE, LINE + 2 },
		.timeout_ns = 10000000, .stream_bits = 11,
		.fault = on_fault, .arg = bed,
	};
	smmu3_master(bed->s, SID, 1);
	smmu3_master(bed->s, OTHER, 2);
}

static inline int bed_create(struct bed *bed)
{
	return weir_smmu_v3_create(&bed->ops, bed->t, &bed->config, &bed->smmu);
}

static inline void bed_open(struct bed *bed, uint64_t seed)
{
	struct smmu3_config config;

	smmu3_config_usual(&config);
	config.seed = seed;
	bed_init(bed, &config);
	assert_int_equal(bed_create(bed), 0);
}

static inline void no_findings(struct bed *bed)
{
	if (smmu3_findings(bed->s, SMMU3_FINDINGS))
		fail_msg("%s", smmu3_first_finding(bed->s));
}

static inline void bed_close(struct bed *bed)
{
	bed->smmu = weir_smmu_v3_destroy(bed->smmu);
	no_findings(bed);
	testhost_destroy(bed->t);
	hwhost_destroy(bed->h);
}

/* ---- tables: 4 KiB pages, stage 1 of 48 bits or stage 2 of 40 (Arm DDI 0487, D8.3) ---- */

struct table {
	struct bed *bed;
	bool stage2;
	uint64_t pages[24];
	unsigned int used;
	struct weir_tables tables;
};

static inline uint64_t *at_pa(struct bed *bed, uint64_t pa)
{
	return hwram_va(bed->h->ram, pa, 8);
}

static inline void seen(struct table *table, uint64_t *entry)
{
	uint64_t pa;

	assert_true(hwram_pa(table->bed->h->ram, entry, 8, &pa));
	if (table->tables.coherent)
		table->bed->ops.dma_barrier(table->bed->t);
	else
		table->bed->ops.cache_sync(table->bed->t, pa, 8, WEIR_CACHE_CLEAN);
}

static inline uint64_t new_page(struct table *table)
{
	void *va;
	uint64_t pa;

	assert_true(table->used < 24);
	assert_int_equal(table->bed->ops.pages_alloc(table->bed->t, 4096, 4096, &va, &pa), 0);
	table->pages[table->used++] = pa;
	return pa;
}

static inline void table_init(struct table *table, struct bed *bed, bool stage2)
{
	struct weir_table_config config;

	weir_smmu_v3_tables_get(bed->smmu, &config);
	*table = (struct table){ .bed = bed, .stage2 = stage2 };
	table->tables = (struct weir_tables){
		.format = stage2 ? WEIR_TABLE_ARM_S2 : WEIR_TABLE_ARM_S1,
		.granule_lg2 = 12, .iova_bits = stage2 ? 39 : 48, .pa_bits = 40,
		.levels = stage2 ? 3 : 4, .coherent = config.coherent,
	};
	table->tables.root_pa = new_page(table);
}

static inline void table_fini(struct table *table)
{
	for (unsigned int i = 0; i < table->used; i++)
		table->bed->ops.pages_free(table->bed->t, at_pa(table->bed, table->pages[i]),
					   table->pages[i], 4096);
}

static inline void table_set(struct table *table, uint64_t iova, uint64_t pa)
{
	uint64_t at = table->tables.root_pa, *entry;

	if (table->stage2)
		iova &= (1ull << 39) - 1;
	for (unsigned int shift = table->stage2 ? 30 : 39; shift > 12; shift -= 9) {
		entry = at_pa(table->bed, at) + (iova >> shift & 511);
		if (!*entry) {
			*entry = new_page(table) | 3;
			seen(table, entry);
		}
		at = *entry & 0xfffffffff000ull;
	}
	entry = at_pa(table->bed, at) + (iova >> 12 & 511);
	*entry = !pa ? 0 : table->stage2 ? pa | 0x7ff : pa | 0xf47;
	seen(table, entry);
}

static inline uint64_t in(const struct table *table, uint64_t iova)
{
	return table->stage2 ? iova & ((1ull << 39) - 1) : iova;
}

/* A page that DMA of masters @who may reach. */
static inline uint64_t buffer(struct bed *bed, uint8_t who)
{
	uint64_t pa;
	void *va;

	assert_int_equal(bed->ops.pages_alloc(bed->t, 4096, 4096, &va, &pa), 0);
	hwram_allow(bed->h->ram, pa, 4096, who, who);
	return pa;
}

static inline void buffer_free(struct bed *bed, uint64_t pa)
{
	hwram_allow(bed->h->ram, pa, 4096, 0, 0);
	bed->ops.pages_free(bed->t, at_pa(bed, pa), pa, 4096);
}

static inline enum smmu3_outcome touch(struct bed *bed, uint32_t sid, uint64_t iova)
{
	uint64_t data = 1;

	return smmu3_dma(bed->s, sid, iova, &data, 8, SMMU3_WRITE);
}

static inline struct weir_smmu_v3_domain *domain_of(struct bed *bed, const struct table *table)
{
	struct weir_smmu_v3_domain *domain;

	assert_int_equal(weir_smmu_v3_domain_create(bed->smmu, &table->tables, 0, &domain), 0);
	return domain;
}

static inline void unmap(struct table *table, struct weir_smmu_v3_domain *domain, uint64_t iova)
{
	const struct weir_invalidation what = {
		.iova = in(table, iova), .bytes = 4096, .page_bytes = 4096,
	};

	table_set(table, iova, 0);
	assert_int_equal(weir_smmu_v3_invalidate(domain, &what), 0);
	assert_int_equal(weir_smmu_v3_sync(domain), 0);
}

#endif
