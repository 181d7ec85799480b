// SPDX-License-Identifier: MIT
/*
 * The SMMUv3 driver's hardware layer on QEMU's model, and edu's DMA through it: streams by
 * their ids, tables made by the test. IOVAs are outside of RAM, so that an access that is not
 * translated cannot look like one that is.
 */
#include <stdio.h>
#include <string.h>

#include "smmuv3.h"

static struct weir_smmu_v3_domain *domain_of(struct smmu_bed *bed, const struct test_table *table)
{
	struct weir_smmu_v3_domain *domain;

	assert_int_equal(weir_smmu_v3_domain_create(bed->smmu, &table->tables, 0, &domain), 0);
	return domain;
}

static void attach(struct smmu_bed *bed, struct weir_smmu_v3_domain *domain)
{
	assert_int_equal(weir_smmu_v3_attach(bed->smmu, bed->stream, domain), 0);
}

static void unmap(struct test_table *table, struct weir_smmu_v3_domain *domain, uint64_t iova)
{
	const struct weir_invalidation what = { .iova = iova, .bytes = 4096, .page_bytes = 4096 };

	test_table_set(table, iova, 0, false);
	assert_int_equal(weir_smmu_v3_invalidate(domain, &what), 0);
	assert_int_equal(weir_smmu_v3_sync(domain), 0);
}

/* The whole story of a stream. */
static void test_smmuv3_translates(void **state)
{
	struct weir_smmu_v3_domain *domain;
	struct test_table table;
	struct smmu_bed bed;

	(void)state;
	smmu_bed_prepare(&bed);
	/* QEMU starts switched off, and bypasses: the test can see what passes. */
	smmu_bed_read(&bed, bed.pa, 64);
	assert_true(smmu_bed_lands(&bed, bed.pa + 4096));
	smmu_bed_open(&bed);
	assert_false(smmu_bed_lands(&bed, bed.pa + 4096));
	smmu_bed_faults(&bed);
	test_table_init(&table, &bed);
	test_table_set(&table, SMMU_IOVA, bed.pa, true);
	test_table_set(&table, SMMU_IOVA + 4096, bed.pa + 4096, true);
	domain = domain_of(&bed, &table);
	attach(&bed, domain);
	smmu_bed_read(&bed, SMMU_IOVA, 64);
	assert_true(smmu_bed_lands(&bed, SMMU_IOVA + 4096));
	assert_memory_equal(bed.va, bed.va + 4096, 64);
	assert_int_equal(smmu_bed_faults(&bed), 0);
	assert_false(smmu_bed_lands(&bed, bed.pa + 4096));
	smmu_bed_assert_faults(&bed, bed.pa + 4096, 64, WEIR_FAULT_UNMAPPED, WEIR_FAULT_WRITE);
	/* After unmap nothing lands; without the commands it would, see below. */
	unmap(&table, domain, SMMU_IOVA + 4096);
	assert_false(smmu_bed_lands(&bed, SMMU_IOVA + 4096));
	smmu_bed_assert_faults(&bed, SMMU_IOVA + 4096, 64, WEIR_FAULT_UNMAPPED, WEIR_FAULT_WRITE);
	attach(&bed, NULL);
	test_table_set(&table, SMMU_IOVA + 4096, bed.pa + 4096, true);
	assert_false(smmu_bed_lands(&bed, SMMU_IOVA + 4096));
	smmu_bed_assert_faults(&bed, 0, 0, WEIR_FAULT_BLOCKED, WEIR_FAULT_NO_IOVA);
	weir_smmu_v3_domain_destroy(domain);
	smmu_bed_close(&bed);
	/* Left alone it lets nothing pass. */
	assert_false(smmu_bed_lands(&bed, bed.pa + 4096));
	assert_false(smmu_bed_lands(&bed, SMMU_IOVA + 4096));
	test_table_fini(&table);
	smmu_bed_clear(&bed);
}

/* QEMU's SMMU caches: what was taken away without a command is still there. Then the test can fail. */
static void test_smmuv3_needs_its_commands(void **state)
{
	const struct weir_invalidation all = { .iova = SMMU_IOVA, .bytes = 4096, .tables = true };
	struct weir_smmu_v3_domain *domain;
	struct test_table table;
	struct smmu_bed bed;

	(void)state;
	smmu_bed_prepare(&bed);
	smmu_bed_open(&bed);
	test_table_init(&table, &bed);
	test_table_set(&table, SMMU_IOVA, bed.pa + 4096, true);
	domain = domain_of(&bed, &table);
	attach(&bed, domain);
	assert_true(smmu_bed_lands(&bed, SMMU_IOVA));
	test_table_set(&table, SMMU_IOVA, 0, false);
	assert_true(smmu_bed_lands(&bed, SMMU_IOVA));
	assert_int_equal(weir_smmu_v3_invalidate(domain, &all), 0);
	assert_int_equal(weir_smmu_v3_sync(domain), 0);
	assert_false(smmu_bed_lands(&bed, SMMU_IOVA));
	attach(&bed, NULL);
	weir_smmu_v3_domain_destroy(domain);
	smmu_bed_close(&bed);
	test_table_fini(&table);
	smmu_bed_clear(&bed);
}

/* What is mapped for reading cannot be written; whose fault it was is told. */
static void test_smmuv3_permissions(void **state)
{
	struct weir_smmu_v3_domain *domain;
	struct test_table table;
	struct smmu_bed bed;

	(void)state;
	smmu_bed_prepare(&bed);
	smmu_bed_open(&bed);
	test_table_init(&table, &bed);
	test_table_set(&table, SMMU_IOVA, bed.pa, false);
	test_table_set(&table, SMMU_IOVA + 4096, bed.pa + 4096, true);
	domain = domain_of(&bed, &table);
	attach(&bed, domain);
	smmu_bed_read(&bed, SMMU_IOVA, 64);
	assert_true(smmu_bed_lands(&bed, SMMU_IOVA + 4096));
	assert_memory_equal(bed.va, bed.va + 4096, 64);
	assert_int_equal(smmu_bed_faults(&bed), 0);
	smmu_bed_write(&bed, SMMU_IOVA, 64);
	weir_smmu_v3_poll(bed.smmu);
	smmu_bed_assert_faults(&bed, SMMU_IOVA, 64, WEIR_FAULT_PERMISSION, WEIR_FAULT_WRITE);
	assert_int_equal(bed.va[0], 1);
	smmu_bed_read(&bed, SMMU_IOVA + 8192, 64);
	weir_smmu_v3_poll(bed.smmu);
	smmu_bed_assert_faults(&bed, SMMU_IOVA + 8192, 64, WEIR_FAULT_UNMAPPED, WEIR_FAULT_READ);
	attach(&bed, NULL);
	weir_smmu_v3_domain_destroy(domain);
	smmu_bed_close(&bed);
	test_table_fini(&table);
	smmu_bed_clear(&bed);
}

/* Replacing: edu's writes go to the old place, the new one, or nowhere. */
static void test_smmuv3_replaces(void **state)
{
	struct weir_smmu_v3_domain *one, *two;
	struct test_table table, other;
	struct smmu_bed bed;

	(void)state;
	smmu_bed_prepare(&bed);
	smmu_bed_open(&bed);
	test_table_init(&table, &bed);
	test_table_init(&other, &bed);
	test_table_set(&table, SMMU_IOVA, bed.pa + 4096, true);
	test_table_set(&other, SMMU_IOVA + 4096, bed.pa + 4096, true);
	one = domain_of(&bed, &table);
	two = domain_of(&bed, &other);
	for (unsigned int i = 0; i < 50; i++) {
		attach(&bed, one);
		assert_true(smmu_bed_lands(&bed, SMMU_IOVA));
		assert_false(smmu_bed_lands(&bed, bed.pa + 4096));
		attach(&bed, two);
		assert_false(smmu_bed_lands(&bed, SMMU_IOVA));
		assert_true(smmu_bed_lands(&bed, SMMU_IOVA + 4096));
		assert_int_equal(weir_smmu_v3_attach_identity(bed.smmu, bed.stream), 0);
		assert_true(smmu_bed_lands(&bed, bed.pa + 4096));
		assert_false(smmu_bed_lands(&bed, SMMU_IOVA + 4096));
	}
	attach(&bed, NULL);
	assert_false(smmu_bed_lands(&bed, bed.pa + 4096));
	assert_int_equal(weir_smmu_v3_attach(bed.smmu, 0x10000, one), WEIR_ERANGE);
	weir_smmu_v3_domain_destroy(one);
	weir_smmu_v3_domain_destroy(two);
	smmu_bed_close(&bed);
	test_table_fini(&table);
	test_table_fini(&other);
	smmu_bed_clear(&bed);
}

/* Ids that are the caller's, and tables that this SMMU cannot walk. */
static void test_smmuv3_checks_tables(void **state)
{
	struct weir_smmu_v3_domain *one, *two;
	struct weir_table_config config;
	struct weir_domain_limits limits;
	struct test_table table;
	struct weir_tables t;
	struct smmu_bed bed;

	(void)state;
	smmu_bed_prepare(&bed);
	smmu_bed_open(&bed);
	test_table_init(&table, &bed);
	t = table.tables;
	weir_smmu_v3_tables_get(bed.smmu, &config);
	assert_int_equal(config.format, WEIR_TABLE_ARM_S1);
	assert_int_equal(config.granule_lg2, 12);
	assert_int_equal(config.iova_bits, 48);
	assert_int_equal(config.pa_bits, 44);
	assert_true(config.coherent);
	weir_smmu_v3_limits_get(bed.smmu, &limits);
	assert_int_equal(limits.page_bytes, 4096);
	assert_true(limits.iova_min == 0 && limits.iova_max == 0xffffffffffff);
	assert_int_equal(weir_smmu_v3_stream_max(bed.smmu), 0xffff);
	t.id = 7;
	assert_int_equal(weir_smmu_v3_domain_create(bed.smmu, &t, WEIR_SMMU_V3_OWN_ID, &one), 0);
	assert_int_equal(weir_smmu_v3_domain_create(bed.smmu, &t, WEIR_SMMU_V3_OWN_ID, &two),
			 WEIR_EEXIST);
	t.id = 0x10000;
	assert_int_equal(weir_smmu_v3_domain_create(bed.smmu, &t, WEIR_SMMU_V3_OWN_ID, &two),
			 WEIR_EINVAL);
	t.id = 0xffff; /* where the library's begin */
	assert_int_equal(weir_smmu_v3_domain_create(bed.smmu, &t, WEIR_SMMU_V3_OWN_ID, &two), 0);
	weir_smmu_v3_domain_destroy(one);
	assert_int_equal(weir_smmu_v3_domain_create(bed.smmu, &t, 0, &one), 0);
	weir_smmu_v3_domain_destroy(one);
	weir_smmu_v3_domain_destroy(two);
	t.format = WEIR_TABLE_ARM_S2;
	assert_int_equal(weir_smmu_v3_walks(bed.smmu, &t), WEIR_EOPNOTSUPP);
	t.format = WEIR_TABLE_ARM_SHORT;
	assert_int_equal(weir_smmu_v3_walks(bed.smmu, &t), WEIR_EOPNOTSUPP);
	t = table.tables;
	t.iova_bits = 49;
	assert_int_equal(weir_smmu_v3_walks(bed.smmu, &t), WEIR_EOPNOTSUPP);
	t = table.tables;
	t.pa_bits = 48;
	assert_int_equal(weir_smmu_v3_walks(bed.smmu, &t), WEIR_EOPNOTSUPP);
	smmu_bed_close(&bed);
	test_table_fini(&table);
	smmu_bed_clear(&bed);
}

/* Closed and opened again with edu firing: all is as it was. */
static void test_smmuv3_1000_times(void **state)
{
	struct testhost_counts before = { 0 }, now;
	struct weir_qtest_stats stats = { 0 }, stats_now;
	struct test_table table;
	struct smmu_bed bed;

	(void)state;
	smmu_bed_prepare(&bed);
	test_table_init(&table, &bed);
	test_table_set(&table, SMMU_IOVA, bed.pa + 4096, true);
	for (unsigned int i = 0; i < 1000; i++) {
		struct weir_smmu_v3_domain *domain;

		smmu_bed_open(&bed);
		assert_false(smmu_bed_lands(&bed, bed.pa + 4096));
		domain = domain_of(&bed, &table);
		attach(&bed, domain);
		assert_true(smmu_bed_lands(&bed, SMMU_IOVA));
		assert_false(smmu_bed_lands(&bed, bed.pa + 4096));
		assert_true(smmu_bed_faults(&bed) > 0);
		/* Every second time it goes without a word to the stream. */
		if (i % 2)
			attach(&bed, NULL);
		else
			weir_smmu_v3_suspend(bed.smmu);
		weir_smmu_v3_domain_destroy(domain);
		assert_false(smmu_bed_lands(&bed, SMMU_IOVA));
		smmu_bed_close(&bed);
		assert_false(smmu_bed_lands(&bed, SMMU_IOVA));
		assert_false(smmu_bed_lands(&bed, bed.pa + 4096));
		testhost_counts_get(bed.b.host, &now);
		weir_qtest_stats_get(bed.b.qtest, &stats_now);
		if (!i) { /* the stream table stays in force */
			before = now;
			stats = stats_now;
		}
		assert_int_equal(now.blocks, before.blocks);
		assert_int_equal(now.bytes, before.bytes);
		assert_int_equal(now.locks, before.locks);
		assert_int_equal(stats_now.page_bytes, stats.page_bytes);
	}
	test_table_fini(&table);
	smmu_bed_clear(&bed);
}

static void test_smmuv3_suspends(void **state)
{
	struct weir_smmu_v3_domain *domain;
	struct test_table table;
	struct smmu_bed bed;

	(void)state;
	smmu_bed_prepare(&bed);
	smmu_bed_open(&bed);
	test_table_init(&table, &bed);
	test_table_set(&table, SMMU_IOVA, bed.pa + 4096, true);
	domain = domain_of(&bed, &table);
	for (unsigned int i = 0; i < 10; i++) {
		attach(&bed, domain);
		assert_true(smmu_bed_lands(&bed, SMMU_IOVA));
		weir_smmu_v3_suspend(bed.smmu);
		assert_false(smmu_bed_lands(&bed, SMMU_IOVA));
		assert_false(smmu_bed_lands(&bed, bed.pa + 4096));
		assert_int_equal(weir_smmu_v3_attach(bed.smmu, bed.stream, domain), WEIR_EIO);
		assert_int_equal(weir_smmu_v3_resume(bed.smmu), 0);
		assert_false(smmu_bed_lands(&bed, SMMU_IOVA));
	}
	weir_smmu_v3_domain_destroy(domain);
	smmu_bed_close(&bed);
	test_table_fini(&table);
	smmu_bed_clear(&bed);
}

/* Faults come by the SMMU's interrupt; more of them than its queue has room for are told as lost. */
static void test_smmuv3_interrupts(void **state)
{
	unsigned int n;
	struct smmu_bed bed;

	(void)state;
	smmu_bed_prepare(&bed);
	smmu_bed_open(&bed);
	for (unsigned int i = 0; i < 32; i++) {
		smmu_bed_write(&bed, SMMU_IOVA, 64);
		weir_qtest_poll(bed.b.qtest);
	}
	for (unsigned int i = 0; i < 10000 && smmu_bed_nr_faults(&bed) < 32 * 16; i++)
		bed.ops->delay_ns(bed.b.qtest, 100000);
	n = smmu_bed_faults(&bed);
	assert_int_equal(n, 32 * 16);
	smmu_bed_close(&bed);
	smmu_bed_clear(&bed);
}

/* Nobody looks for as long as it takes to fill the queue; then all is well again. */
static void test_smmuv3_overflow(void **state)
{
	struct weir_smmu_v3_config config;
	struct weir_host_ops ops;
	struct smmu_bed bed;
	unsigned int n;

	(void)state;
	smmu_bed_prepare(&bed);
	config = smmu_bed_config(&bed);
	config.nr_lines = 0;
	ops = *testhost_ops(bed.b.host);
	ops.timer_create = NULL;
	assert_int_equal(weir_smmu_v3_create(&ops, bed.b.host, &config, &bed.smmu), 0);
	for (unsigned int i = 0; i < 12; i++)
		smmu_bed_write(&bed, SMMU_IOVA, 64); /* 16 records each, 128 have room */
	n = weir_smmu_v3_poll(bed.smmu);
	assert_int_equal(n, 128);
	assert_int_equal(smmu_bed_faults(&bed), 128);
	assert_int_equal(bed.nr_told, 1);
	smmu_bed_write(&bed, SMMU_IOVA, 64);
	assert_int_equal(weir_smmu_v3_poll(bed.smmu), 16);
	smmu_bed_close(&bed);
	smmu_bed_clear(&bed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_smmuv3_translates),
		cmocka_unit_test(test_smmuv3_needs_its_commands),
		cmocka_unit_test(test_smmuv3_permissions),
		cmocka_unit_test(test_smmuv3_replaces),
		cmocka_unit_test(test_smmuv3_checks_tables),
		cmocka_unit_test(test_smmuv3_1000_times),
		cmocka_unit_test(test_smmuv3_suspends),
		cmocka_unit_test(test_smmuv3_interrupts),
		cmocka_unit_test(test_smmuv3_overflow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
