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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_smmuv3_translates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
