// SPDX-License-Identifier: MIT
/*
 * Tables of domains that are made beforehand, kept, and given back, behind an IOMMU that walks them:
 * what the host is asked for meanwhile.
 */
#include <stdlib.h>
#include <string.h>

#include "dmaworld.h"
#include "iommu/priv.h"

#define PAGE 4096u
#define BLOCK (UINT64_C(2) << 20)

/* After prepare and reserve nothing that allocates is asked of the host. */
static void test_tables_reserve(void **state)
{
	struct testhost_counts before, after;
	struct weir_domain *d, *old;
	struct weir_group *group;
	uint64_t first = 0x40000000, bytes = 8 * BLOCK;
	struct dw dw;

	(void)state;
	dw_open(&dw, DW_WALKS, NULL);
	assert_int_equal(weir_group_of(dw_dev(&dw, "m0"), &group), 0);
	old = weir_domain_ref(weir_group_domain(group));
	assert_int_equal(weir_domain_create(dw.w.m, WEIR_DOMAIN_UNMANAGED, &d), 0);
	assert_int_equal(weir_domain_reserve(d, first, bytes), WEIR_EOPNOTSUPP);
	assert_int_equal(weir_domain_prepare(d, group), 0);
	assert_int_equal(weir_domain_prepare(old, group), 0);
	assert_int_equal(weir_domain_prepare(d, group), 0); /* twice is once */
	assert_int_equal(weir_domain_reserve(d, first + 1, bytes), WEIR_EINVAL);
	assert_int_equal(weir_domain_reserve(d, first, bytes), 0);
	testhost_counts_get(dw.w.host, &before);
	for (unsigned int round = 0; round < 3; round++) {
		assert_int_equal(weir_group_attach(group, d), 0);
		for (uint64_t at = 0; at < bytes; at += BLOCK) {
			unsigned char byte;

			assert_int_equal(weir_domain_map(d, first + at, DW_RAM, BLOCK, WEIR_MAP_READ), 0);
			assert_int_equal(dw_read(&dw, "m0", first + at + 5 * PAGE, &byte, 1), 1);
			assert_int_equal(weir_domain_unmap(d, first + at + PAGE, PAGE), 0);
		}
		assert_int_equal(weir_domain_unmap(d, first, bytes), 0);
		assert_int_equal(weir_group_attach(group, old), 0);
	}
	testhost_counts_get(dw.w.host, &after);
	assert_int_equal(after.calls, before.calls);
	weir_domain_unprepare(d);
	weir_domain_unprepare(old);
	weir_domain_unref(old);
	weir_domain_unref(d);
	dw_close(&dw);
}

/* Tables that single pages leave are given back on demand, and larger pages fit again. */
static void trim(bool lazy)
{
	struct testhost_counts before, full, after;
	struct weir_domain *d, *old;
	struct weir_group *group;
	uint64_t first = 0x40000000;
	unsigned char byte;
	struct dw dw;

	dw_open(&dw, DW_WALKS, NULL);
	assert_int_equal(weir_group_of(dw_dev(&dw, "m0"), &group), 0);
	old = weir_domain_ref(weir_group_domain(group));
	assert_int_equal(weir_domain_create(dw.w.m, WEIR_DOMAIN_UNMANAGED, &d), 0);
	assert_int_equal(weir_domain_trim(d), 0);
	assert_int_equal(weir_group_attach(group, d), 0);
	assert_int_equal(weir_domain_map(d, first, DW_RAM, PAGE, WEIR_MAP_READ), 0);
	assert_int_equal(weir_domain_reserve(d, first + 7 * BLOCK, PAGE), 0);
	testhost_counts_get(dw.w.host, &before);
	for (uint64_t i = 1; i < 5; i++) {
		assert_int_equal(weir_domain_map(d, first + i * BLOCK, DW_RAM, 2 * PAGE, WEIR_MAP_READ), 0);
		assert_int_equal(dw_read(&dw, "m0", first + i * BLOCK, &byte, 1), 1);
		if (lazy) {
			uint64_t unmapped;

			assert_int_equal(weir_tables_unmap_(d, first + i * BLOCK, 2 * PAGE, false,
							    &unmapped), 0);
		} else {
			assert_int_equal(weir_domain_unmap(d, first + i * BLOCK, 2 * PAGE), 0);
		}
	}
	testhost_counts_get(dw.w.host, &full);
	assert_int_equal(full.page_bytes, before.page_bytes + 4 * PAGE);
	assert_int_equal(weir_domain_trim(d), 0);
	testhost_counts_get(dw.w.host, &after);
	assert_int_equal(after.page_bytes, before.page_bytes);
	assert_int_equal(dw_read(&dw, "m0", first, &byte, 1), 1);
	if (lazy)
		assert_int_equal(weir_tables_flush_(d), 0);
	assert_int_equal(weir_domain_map(d, first + BLOCK, DW_RAM, BLOCK, WEIR_MAP_READ), 0);
	assert_int_equal(dw_read(&dw, "m0", first + BLOCK + 5 * PAGE, &byte, 1), 1);
	testhost_counts_get(dw.w.host, &after);
	assert_int_equal(after.page_bytes, before.page_bytes);
	assert_int_equal(weir_group_attach(group, old), 0);
	weir_domain_unref(old);
	weir_domain_unref(d);
	dw_close(&dw);
}

static void test_tables_trim(void **state)
{
	(void)state;
	trim(false);
	trim(true);
}

/* An instance that goes takes what was prepared at it along. */
static void test_tables_prepared_instance_goes(void **state)
{
	struct weir_group *group;
	struct weir_domain *d;
	struct dw dw;

	(void)state;
	dw_open(&dw, DW_WALKS, NULL);
	assert_int_equal(weir_group_of(dw_dev(&dw, "m0"), &group), 0);
	assert_int_equal(weir_domain_create(dw.w.m, WEIR_DOMAIN_UNMANAGED, &d), 0);
	assert_int_equal(weir_domain_prepare(d, group), 0);
	weir_domain_unref(d);
	dw_close(&dw);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tables_reserve),
		cmocka_unit_test(test_tables_trim),
		cmocka_unit_test(test_tables_prepared_instance_goes),
	};

	return cmocka_run_group_tests_name("tables_kept", tests, NULL, NULL);
}
