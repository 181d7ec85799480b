// SPDX-License-Identifier: MIT
/*
 * The System MMU driver's hardware layer on its hostile model, with tables of the library's, which
 * the model decodes by itself. The master is a rogue on request: it accesses at every point.
 */
#ifndef WEIR_TESTS_SYSMMUBED_H
#define WEIR_TESTS_SYSMMUBED_H

#include <string.h>

#include "cm.h"
#include "hw/host.h"
#include "hw/sysmmu.h"
#include "testhost.h"
#include "weir/exynos_sysmmu.h"

#define SB_BASE 0x11e20000ull
#define SB_LINE 40u
#define SB_IOVA 0x40000000u
#define SB_TOLD 64u

struct sysmmu_bed {
	struct hwhost *h;
	struct sysmmu *s;
	struct hwmulti *rogue;
	struct testhost *t;
	struct weir_host_ops ops;      /* of t; a test may take calls out */
	struct weir_sysmmu_config config;
	struct weir_sysmmu *sysmmu;
	struct weir_fault faults[SB_TOLD];
	unsigned int nr_faults;
	const char *told;              /* the first thing it said of itself */
	unsigned int nr_told;
	unsigned int kept;             /* tables that were taken, and not given back */
	void *kept_va;
	uint64_t kept_pa;
};

#define SB_VERSIONS 9u

/* Tables, and a domain that shows them. */
struct sb_domain {
	struct weir_table *table;
	struct weir_sysmmu_domain *domain;
};

static const struct {
	unsigned int major, minor;
	bool none, vm;
} sb_versions[SB_VERSIONS] = {
	{ 1, 0, true, false }, { 1, 1, false, false }, { 2, 0, false, false },
	{ 3, 1, false, false }, { 3, 2, false, false }, { 3, 3, false, false },
	{ 5, 1, false, false }, { 7, 1, false, false }, { 7, 4, false, true },
};

/* A version that the model has: 0 to SB_VERSIONS - 1. */
static inline void sb_version(unsigned int i, uint64_t seed, struct sysmmu_config *out_config)
{
	*out_config = (struct sysmmu_config){
		.seed = seed + 1, .major = sb_versions[i].major, .minor = sb_versions[i].minor,
		.vm = sb_versions[i].vm, .no_version = sb_versions[i].none,
		.fault_aborts = seed & 1, .unrest = 64, .who = 1,
	};
}

static inline void sb_on_fault(void *arg, const struct weir_fault *fault)
{
	struct sysmmu_bed *bed = arg;

	if (fault->what) {
		if (!bed->nr_told++)
			bed->told = fault->what;
		return;
	}
	if (bed->nr_faults < SB_TOLD)
		bed->faults[bed->nr_faults] = *fault;
	bed->nr_faults++;
}

static inline int sb_table_alloc(void *arg, size_t bytes, size_t align_bytes, void **out_va, uint64_t *out_pa)
{
	struct sysmmu_bed *bed = arg;
	int err = bed->ops.pages_alloc(bed->t, bytes, align_bytes, &bed->kept_va, &bed->kept_pa);

	if (err)
		return err;
	bed->kept++;
	*out_va = bed->kept_va;
	*out_pa = bed->kept_pa;
	return 0;
}

static inline void sb_table_free(void *arg, void *va, uint64_t pa, size_t bytes)
{
	struct sysmmu_bed *bed = arg;

	bed->kept--;
	bed->ops.pages_free(bed->t, va, pa, bytes);
}

static inline void sb_init(struct sysmmu_bed *bed, const struct sysmmu_config *config)
{
	struct hwport port;

	memset(bed, 0, sizeof(*bed));
	bed->h = hwhost_create(4 << 20, config->seed);
	bed->s = hwhost_sysmmu(bed->h, SB_BASE, config, SB_LINE);
	port = sysmmu_port(bed->s);
	bed->rogue = hwmulti_create(&port, 1, config->seed);
	assert_non_null(bed->rogue);
	hwhost_multi(bed->h, bed->rogue);
	bed->t = testhost_create(hwhost_ops(bed->h), bed->h);
	bed->h->around_irq = testhost_interrupt;
	bed->ops = *testhost_ops(bed->t);
	bed->config = (struct weir_sysmmu_config){
		.name = "sysmmu", .base_pa = SB_BASE,
		.bytes = config->vm ? SYSMMU_VM_BYTES : SYSMMU_BYTES,
		.has_line = true, .line = SB_LINE, .timeout_ns = 10000000,
		.fault = sb_on_fault, .table_alloc = sb_table_alloc, .table_free = sb_table_free, .arg = bed,
	};
}

static inline int sb_create(struct sysmmu_bed *bed)
{
	return weir_sysmmu_create(&bed->ops, bed->t, &bed->config, &bed->sysmmu);
}

static inline void sb_no_findings(struct sysmmu_bed *bed)
{
	if (sysmmu_findings(bed->s, SYSMMU_FINDINGS))
		fail_msg("%s", sysmmu_first_finding(bed->s));
}

/* Destroys what there is, and gives back what stayed with it: nothing may be left then. */
static inline void sb_close(struct sysmmu_bed *bed)
{
	bed->sysmmu = weir_sysmmu_destroy(bed->sysmmu);
	if (bed->kept) { /* power goes first */
		sysmmu_power(bed->s, false);
		hwmulti_stop(bed->rogue);
		sb_table_free(bed, bed->kept_va, bed->kept_pa, 0x4000);
	}
	sb_no_findings(bed);
	testhost_destroy(bed->t);
	hwhost_destroy(bed->h);
	hwmulti_destroy(bed->rogue);
}

/* ---- memory ---- */

static inline void sb_allow(struct sysmmu_bed *bed, uint64_t pa, size_t bytes, bool on)
{
	hwram_allow(bed->h->ram, pa, bytes, on, on);
}

/* Memory that DMA may reach. */
static inline uint64_t sb_buffer(struct sysmmu_bed *bed, size_t bytes)
{
	uint64_t pa;
	void *va;

	assert_int_equal(bed->ops.pages_alloc(bed->t, bytes, bytes, &va, &pa), 0);
	sb_allow(bed, pa, bytes, true);
	return pa;
}

static inline void sb_buffer_free(struct sysmmu_bed *bed, uint64_t pa, size_t bytes)
{
	sb_allow(bed, pa, bytes, false);
	bed->ops.pages_free(bed->t, hwram_va(bed->h->ram, pa, bytes), pa, bytes);
}

/* ---- tables ---- */

static inline void sb_domain(struct sysmmu_bed *bed, struct sb_domain *out_domain)
{
	struct weir_table_config config;
	struct weir_tables tables;

	weir_sysmmu_tables_get(bed->sysmmu, &config);
	assert_int_equal(weir_table_create(&bed->ops, bed->t, &config, &out_domain->table), 0);
	weir_table_describe(out_domain->table, &tables);
	assert_int_equal(weir_sysmmu_domain_create(bed->sysmmu, &tables, &out_domain->domain), 0);
}

static inline void sb_domain_free(struct sb_domain *d)
{
	d->domain = weir_sysmmu_domain_destroy(d->domain);
	weir_table_destroy(d->table);
}

static inline void sb_map(struct sb_domain *d, uint32_t iova, uint64_t pa, uint64_t bytes, uint32_t prot)
{
	assert_int_equal(weir_table_map(d->table, iova, pa, bytes, prot), 0);
}

/* Unmaps, invalidates, frees tables. Return: what weir_sysmmu_invalidate() did. */
static inline int sb_unmap(struct sb_domain *d, uint32_t iova, uint64_t bytes)
{
	struct weir_table_gather gather = { .unlink = true };
	int err;

	assert_int_equal(weir_table_unmap(d->table, iova, bytes, &gather), 0);
	err = weir_sysmmu_invalidate(d->domain, &gather.what);
	if (!err)
		weir_table_release(d->table, &gather);
	return err;
}

/* ---- accesses ---- */

/* Whether an access lands in the end, whatever holds it back meanwhile. */
static inline bool sb_lands(struct sysmmu_bed *bed, uint64_t iova, bool write)
{
	uint64_t data = 1;

	for (unsigned int i = 0; i < 60; i++) {
		switch (sysmmu_dma(bed->s, iova, &data, 8, write)) {
		case HWACCESS_LANDED: return true;
		case HWACCESS_STALLED: break;
		default: return false;
		}
		hwhost_points(bed->h, 1);
	}
	return false;
}

#endif
