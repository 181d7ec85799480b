// SPDX-License-Identifier: MIT
/*
 * An SMMU of version 1 or 2 on a host of models, with the hardware layer of its driver, for tests of it.
 */
#ifndef WEIR_TESTS_SMMUV2BED_H
#define WEIR_TESTS_SMMUV2BED_H

#include <stdio.h>
#include <string.h>

#include "cm.h"
#include "hw/host.h"
#include "hw/smmuv2.h"
#include "testhost.h"
#include "weir/arm_smmu.h"

#define BASE 0x12e00000ull
#define LINE 64u
#define SID 5u
#define OTHER 0x421u
#define IOVA 0x70000000ull
#define NR_TOLD 256u

struct bed {
	struct hwhost *h;
	struct smmu2 *s;
	struct testhost *t;
	struct weir_host_ops ops;      /* of t; a test may take calls out */
	struct weir_smmu_v2_config config;
	uint32_t lines[SMMU2_BANKS + 1];
	struct weir_smmu_v2 *smmu;
	struct weir_fault faults[NR_TOLD];
	unsigned int nr_faults;
	const char *told;              /* the first thing it said of itself */
	unsigned int nr_told;
};

static inline void on_fault(void *arg, const struct weir_fault *fault)
{
	struct bed *bed = arg;

	if (fault->what) {
		if (!bed->nr_told++)
			bed->told = fault->what;
		return;
	}
	if (bed->nr_faults < NR_TOLD)
		bed->faults[bed->nr_faults] = *fault;
	bed->nr_faults++;
}

static inline void bed_init(struct bed *bed, const struct smmu2_config *config)
{
	uint32_t banks = config->idr1 & 0xff;

	memset(bed, 0, sizeof(*bed));
	bed->h = hwhost_create(4 << 20, config->seed);
	bed->s = smmu2_attach(bed->h, BASE, config, LINE, false);
	bed->t = testhost_create(hwhost_ops(bed->h), bed->h);
	bed->h->around_irq = testhost_interrupt;
	bed->ops = *testhost_ops(bed->t);
	for (uint32_t i = 0; i <= SMMU2_BANKS; i++)
		bed->lines[i] = LINE + i;
	bed->config = (struct weir_smmu_v2_config){
		.name = "smmu", .base_pa = BASE, .bytes = smmu2_bytes(config), .lines = bed->lines,
		.nr_lines = 1 + (banks < SMMU2_BANKS ? banks : SMMU2_BANKS), .nr_global_lines = 1,
		.flags = (config->version == 1 ? WEIR_SMMU_V2_ARCH_1 : 0) |
			 (config->mmu500 ? WEIR_SMMU_V2_MMU500 : 0),
		.timeout_ns = 10000000, .fault = on_fault, .arg = bed,
	};
	smmu2_master(bed->s, SID, 1);
	smmu2_master(bed->s, OTHER, 2);
}

static inline int bed_create(struct bed *bed)
{
	return weir_smmu_v2_create(&bed->ops, bed->t, &bed->config, &bed->smmu);
}

static inline void bed_open(struct bed *bed, uint64_t seed)
{
	struct smmu2_config config;

	smmu2_config_usual(&config);
	config.seed = seed;
	bed_init(bed, &config);
	assert_int_equal(bed_create(bed), 0);
}

static inline void no_findings(struct bed *bed)
{
	if (smmu2_findings(bed->s, SMMU2_FINDINGS))
		fail_msg("%s", smmu2_first_finding(bed->s));
}

static inline void bed_close(struct bed *bed)
{
	bed->smmu = weir_smmu_v2_destroy(bed->smmu);
	no_findings(bed);
	testhost_destroy(bed->t);
	hwhost_destroy(bed->h);
}

/* ---- memory and tables ---- */

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
	bed->ops.pages_free(bed->t, hwram_va(bed->h->ram, pa, 4096), pa, 4096);
}

static inline struct weir_table *make_table(struct bed *bed, enum weir_table_format format)
{
	struct weir_table_config config;
	struct weir_table *table;

	weir_smmu_v2_tables_get(bed->smmu, &config);
	config.format = format;
	config.unlink_shared = true; /* tables go with their last page */
	if (format == WEIR_TABLE_ARM_S2)
		config.iova_bits = config.iova_bits < 39 ? 32 : 39;
	if (format == WEIR_TABLE_ARM_SHORT) {
		config.kind = &weir_table_short;
		config.iova_bits = config.pa_bits = 32;
	}
	assert_int_equal(weir_table_create(&bed->ops, bed->t, &config, &table), 0);
	return table;
}

static inline void map(struct weir_table *table, uint64_t iova, uint64_t pa)
{
	assert_int_equal(weir_table_map(table, iova, pa, 4096, WEIR_MAP_READ | WEIR_MAP_WRITE), 0);
}

/* The mapping goes; what was cached of it with it. */
static inline void unmap(struct weir_table *table, struct weir_smmu_v2_domain *domain, uint64_t iova)
{
	struct weir_table_gather gather = { .unlink = true };

	assert_int_equal(weir_table_unmap(table, iova, 4096, &gather), 0);
	assert_int_equal(weir_smmu_v2_invalidate(domain, &gather.what), 0);
	assert_int_equal(weir_smmu_v2_sync(domain), 0);
	weir_table_release(table, &gather);
}

static inline struct weir_smmu_v2_domain *domain_of(struct bed *bed, const struct weir_table *table)
{
	struct weir_smmu_v2_domain *domain;
	struct weir_tables tables;

	weir_table_describe(table, &tables);
	assert_int_equal(weir_smmu_v2_domain_create(bed->smmu, &tables, 0, &domain), 0);
	return domain;
}

static inline enum smmu2_outcome touch(struct bed *bed, uint32_t sid, uint64_t iova)
{
	uint64_t data = 1;

	return smmu2_dma(bed->s, sid, iova, &data, 8, SMMU2_WRITE);
}

#endif
