// SPDX-License-Identifier: MIT
/*
 * The System MMU driver's hardware layer where things go wrong in ways that test_sysmmu.c has not: hosts
 * without interrupts, timers or low memory, faults of the hardware itself, and what it does to go on after them.
 */
#include "sysmmubed.h"

#define PROT (WEIR_MAP_READ | WEIR_MAP_WRITE)
#define V5 6u              /* the first version with wide entries, by sb_versions */
#define V7 7u
#define VM 8u
#define NOWHERE 0x10000000u /* no memory is there */

/* @seed: even: accesses that fault are tried again when it is let on; odd: aborted. */
static void open_bed(struct sysmmu_bed *bed, unsigned int version, uint64_t seed)
{
	struct sysmmu_config config;

	sb_version(version, seed, &config);
	sb_init(bed, &config);
	assert_int_equal(sb_create(bed), 0);
}

/* Behind a domain with one page, at SB_IOVA. */
static uint64_t attach_page(struct sysmmu_bed *bed, struct sb_domain *out_domain)
{
	uint64_t pa = sb_buffer(bed, 4096);

	sb_domain(bed, out_domain);
	sb_map(out_domain, SB_IOVA, pa, 4096, PROT);
	assert_int_equal(weir_sysmmu_attach(bed->sysmmu, out_domain->domain), 0);
	return pa;
}

static void close_page(struct sysmmu_bed *bed, struct sb_domain *d, uint64_t pa)
{
	(void)weir_sysmmu_attach(bed->sysmmu, NULL);
	sb_domain_free(d);
	sb_buffer_free(bed, pa, 4096);
	sb_close(bed);
}

/* ---- faults of the hardware itself ---- */

/* A translation that it has twice is a fault until caches are emptied; then the access passes. */
static void test_sysmmu_hard_several_hits(void **state)
{
	struct sysmmu_bed bed;
	struct sb_domain d;
	uint64_t pa;

	(void)state;
	for (unsigned int v = 0; v < V7; v++)
		for (unsigned int write = 0; write < 2; write++) {
			open_bed(&bed, v, 0);
			pa = attach_page(&bed, &d);
			assert_true(sb_lands(&bed, SB_IOVA, write));
			sysmmu_misbehave(bed.s, SYSMMU_TWICE, 1);
			assert_true(sb_lands(&bed, SB_IOVA, write));
			assert_int_equal(bed.nr_faults, 1);
			assert_int_equal(bed.faults[0].reason, WEIR_FAULT_UNKNOWN);
			assert_int_equal(bed.faults[0].iova, SB_IOVA);
			assert_int_equal(bed.faults[0].flags, write ? WEIR_FAULT_WRITE : WEIR_FAULT_READ);
			close_page(&bed, &d, pa);
		}
}

/* Tables where no memory is: a fault of the walk, with what the version tells of it. */
static void test_sysmmu_hard_walk_fails(void **state)
{
	struct weir_sysmmu_domain *domain;
	struct weir_table_config config;
	struct weir_tables tables;
	struct sysmmu_bed bed;

	(void)state;
	for (unsigned int v = 0; v < SB_VERSIONS; v++) {
		open_bed(&bed, v, 1);
		weir_sysmmu_tables_get(bed.sysmmu, &config);
		tables = (struct weir_tables){
			.format = config.format, .root_pa = NOWHERE, .granule_lg2 = 12,
			.iova_bits = 32, .pa_bits = config.pa_bits, .levels = 2,
		};
		assert_int_equal(weir_sysmmu_domain_create(bed.sysmmu, &tables, &domain), 0);
		assert_int_equal(weir_sysmmu_attach(bed.sysmmu, domain), 0);
		assert_false(sb_lands(&bed, SB_IOVA, v & 1));
		hwhost_points(bed.h, 5);
		assert_int_equal(bed.nr_faults, 1);
		assert_int_equal(bed.faults[0].reason, WEIR_FAULT_EXTERNAL);
		assert_int_equal(bed.faults[0].flags, v < V5 ? WEIR_FAULT_NO_IOVA : v & 1
						      ? WEIR_FAULT_WRITE : WEIR_FAULT_READ);
		if (v >= V5)
			assert_int_equal(bed.faults[0].iova, SB_IOVA);
		assert_int_equal(weir_sysmmu_attach(bed.sysmmu, NULL), 0);
		weir_sysmmu_domain_destroy(domain);
		sb_close(&bed);
	}
}

/* A fault holds the master back also where that has to be chosen: nothing is lost before it is told. */
static void test_sysmmu_hard_faults_stall(void **state)
{
	struct sysmmu_bed bed;
	struct sb_domain d;
	uint64_t pa, word = 0;

	(void)state;
	for (unsigned int v = 0; v < SB_VERSIONS; v++) {
		open_bed(&bed, v, 0);
		pa = attach_page(&bed, &d);
		assert_int_equal(sysmmu_dma(bed.s, SB_IOVA + 4096, &word, 8, false), HWACCESS_STALLED);
		hwhost_points(bed.h, 5);
		assert_int_equal(bed.nr_faults, 1);
		close_page(&bed, &d, pa);
	}
}

/* ---- who looks at faults ---- */

static int busy(void *host, uint32_t line, void (*fn)(void *arg), void *arg, struct weir_irq **out_irq)
{
	(void)host;
	(void)line;
	(void)fn;
	(void)arg;
	(void)out_irq;
	return WEIR_EBUSY;
}

/* An interrupt that is not to be had: a timer looks, time and again, also after sleep; else a failure. */
static void test_sysmmu_hard_line_is_taken(void **state)
{
	struct sysmmu_config config;
	struct sysmmu_bed bed;

	(void)state;
	sb_version(3, 1, &config);
	sb_init(&bed, &config);
	bed.ops.irq_request = busy;
	assert_int_equal(sb_create(&bed), 0);
	for (unsigned int i = 1; i <= 4; i++) {
		hwhost_points(bed.h, 3000);
		assert_false(sb_lands(&bed, SB_IOVA, true));
		hwhost_points(bed.h, 3000);
		assert_int_equal(bed.nr_faults, i);
		if (i != 2)
			continue;
		weir_sysmmu_suspend(bed.sysmmu);
		hwhost_points(bed.h, 3000); /* the timer runs out meanwhile */
		assert_int_equal(weir_sysmmu_resume(bed.sysmmu), 0);
	}
	bed.sysmmu = weir_sysmmu_destroy(bed.sysmmu);
	bed.ops.timer_create = NULL;
	assert_int_equal(sb_create(&bed), WEIR_EBUSY);
	sb_close(&bed);
}

/* An interrupt gets lost when no timer is set: the next invalidation finds out. */
static void test_sysmmu_hard_interrupt_lost(void **state)
{
	struct sysmmu_bed bed;
	struct sb_domain d;
	uint64_t pa;

	(void)state;
	open_bed(&bed, 5, 1);
	pa = attach_page(&bed, &d);
	hwhost_points(bed.h, 3000);
	sysmmu_misbehave(bed.s, SYSMMU_IRQ_LOST, 1);
	assert_false(sb_lands(&bed, 0, true));
	hwhost_points(bed.h, 3000);
	assert_int_equal(bed.nr_faults, 0);
	assert_int_equal(sb_unmap(&d, SB_IOVA, 4096), 0);
	hwhost_points(bed.h, 3000);
	assert_int_equal(bed.nr_faults, 1);
	close_page(&bed, &d, pa);
}

/* Without timers nobody can wait for a storm to pass; a look takes so many faults, and no more. */
static void test_sysmmu_hard_storm_without_timers(void **state)
{
	struct sysmmu_config config;
	struct sysmmu_bed bed;

	(void)state;
	sb_version(3, 1, &config);
	sb_init(&bed, &config);
	bed.config.has_line = false;
	bed.ops.timer_create = NULL;
	assert_int_equal(sb_create(&bed), 0);
	sysmmu_misbehave(bed.s, SYSMMU_STORM, 1000);
	assert_false(sb_lands(&bed, SB_IOVA, true));
	assert_int_equal(weir_sysmmu_poll(bed.sysmmu), 64);
	assert_int_equal(weir_sysmmu_poll(bed.sysmmu), 64);
	sysmmu_misbehave(bed.s, SYSMMU_STORM, 0);
	sb_close(&bed);
}

/* What rests after a storm and is let pass everything stays so when the time of rest is over. */
static void test_sysmmu_hard_storm_and_identity(void **state)
{
	static const unsigned int storms[] = { 63, 1000 }; /* it ends with the rest, or goes on */
	struct sysmmu_bed bed;
	uint64_t pa;

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		open_bed(&bed, 4, 1);
		pa = sb_buffer(&bed, 4096);
		sysmmu_misbehave(bed.s, SYSMMU_STORM, storms[i]);
		assert_false(sb_lands(&bed, SB_IOVA, true));
		for (unsigned int n = 0; n < 20; n++)
			hwhost_points(bed.h, 1);
		assert_int_equal(bed.nr_faults, 64);
		sysmmu_misbehave(bed.s, SYSMMU_STORM, 0);
		assert_int_equal(weir_sysmmu_attach_identity(bed.sysmmu), 0);
		hwhost_points(bed.h, 3000);
		assert_true(sb_lands(&bed, pa, true));
		assert_int_equal(weir_sysmmu_attach(bed.sysmmu, NULL), 0);
		sb_buffer_free(&bed, pa, 4096);
		sb_close(&bed);
	}
}

/* ---- what is refused ---- */

static uint64_t (*real_read)(void *host, uintptr_t at, unsigned int width);

static uint64_t read_as_5(void *host, uintptr_t at, unsigned int width)
{
	return (at & 0xfff) == 0x34 ? 0x50000000 : real_read(host, at, width);
}

/* It comes back from sleep as another one. */
static void test_sysmmu_hard_another_one(void **state)
{
	struct sysmmu_bed bed;

	(void)state;
	open_bed(&bed, 3, 0);
	weir_sysmmu_suspend(bed.sysmmu);
	real_read = bed.ops.mmio_read;
	bed.ops.mmio_read = read_as_5;
	assert_int_equal(weir_sysmmu_resume(bed.sysmmu), WEIR_EIO);
	assert_non_null(strstr(hwhost_log_take(bed.h), "it has another version than before"));
	bed.ops.mmio_read = real_read;
	assert_int_equal(weir_sysmmu_resume(bed.sysmmu), 0);
	sb_close(&bed);
}

static int high_alloc(void *arg, size_t bytes, size_t align_bytes, void **out_va, uint64_t *out_pa)
{
	int err = sb_table_alloc(arg, bytes, align_bytes, out_va, out_pa);

	*out_pa |= UINT64_C(1) << 36;
	return err;
}

static void high_free(void *arg, void *va, uint64_t pa, size_t bytes)
{
	sb_table_free(arg, va, pa & ~(UINT64_C(1) << 36), bytes);
}

/* Memory that its entries have no bits for. */
static void test_sysmmu_hard_memory_too_high(void **state)
{
	struct sysmmu_config config;
	struct sysmmu_bed bed;

	(void)state;
	for (unsigned int v = 0; v < SB_VERSIONS; v++) {
		sb_version(v, 0, &config);
		sb_init(&bed, &config);
		bed.config.table_alloc = high_alloc;
		bed.config.table_free = high_free;
		assert_int_equal(sb_create(&bed), WEIR_EOPNOTSUPP);
		assert_non_null(strstr(hwhost_log_take(bed.h), "it does not reach memory"));
		assert_int_equal(bed.kept, 0);
		sb_close(&bed);
	}
}

static void test_sysmmu_hard_other_tables(void **state)
{
	static const struct weir_tables good = {
		.format = WEIR_TABLE_EXYNOS, .root_pa = 0x80004000, .granule_lg2 = 12,
		.iova_bits = 32, .pa_bits = 32, .levels = 2,
	};
	struct weir_tables bad[3] = { good, good, good };
	struct sysmmu_bed bed;

	(void)state;
	open_bed(&bed, 3, 0);
	bad[0].granule_lg2 = 16;
	bad[1].iova_bits = 31;
	bad[2].levels = 3;
	assert_int_equal(weir_sysmmu_walks(bed.sysmmu, &good), 0);
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(weir_sysmmu_walks(bed.sysmmu, &bad[i]), WEIR_EOPNOTSUPP);
	sb_close(&bed);
}

/* What does not answer, or sleeps, cannot be left to go on. */
static void test_sysmmu_hard_keep(void **state)
{
	struct sysmmu_bed bed;
	struct sb_domain d;
	uint64_t pa;

	(void)state;
	open_bed(&bed, 3, 0);
	pa = attach_page(&bed, &d);
	weir_sysmmu_suspend(bed.sysmmu);
	assert_int_equal(weir_sysmmu_keep(bed.sysmmu, d.domain), WEIR_EIO);
	assert_int_equal(weir_sysmmu_resume(bed.sysmmu), 0);
	assert_int_equal(weir_sysmmu_keep(bed.sysmmu, d.domain), WEIR_ENOENT);
	assert_int_equal(weir_sysmmu_attach(bed.sysmmu, d.domain), 0);
	sysmmu_misbehave(bed.s, SYSMMU_BLOCK_STUCK, 1);
	assert_int_equal(sb_unmap(&d, SB_IOVA, 4096), WEIR_EIO);
	assert_int_equal(weir_sysmmu_keep(bed.sysmmu, d.domain), WEIR_EIO);
	d.domain = weir_sysmmu_domain_destroy(d.domain);
	bed.sysmmu = weir_sysmmu_destroy(bed.sysmmu);
	sysmmu_power(bed.s, false);
	weir_table_destroy(d.table);
	sb_buffer_free(&bed, pa, 4096);
	sb_close(&bed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sysmmu_hard_several_hits),
		cmocka_unit_test(test_sysmmu_hard_walk_fails),
		cmocka_unit_test(test_sysmmu_hard_faults_stall),
		cmocka_unit_test(test_sysmmu_hard_line_is_taken),
		cmocka_unit_test(test_sysmmu_hard_interrupt_lost),
		cmocka_unit_test(test_sysmmu_hard_storm_without_timers),
		cmocka_unit_test(test_sysmmu_hard_storm_and_identity),
		cmocka_unit_test(test_sysmmu_hard_another_one),
		cmocka_unit_test(test_sysmmu_hard_memory_too_high),
		cmocka_unit_test(test_sysmmu_hard_other_tables),
		cmocka_unit_test(test_sysmmu_hard_keep),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
