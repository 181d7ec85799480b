// SPDX-License-Identifier: MIT
/*
 * Domains and their parts at instances: filled when they come, all or none, lazily unmapped, large, and at the
 * end of the address space.
 */
#include "partbed.h"

static void test_part_is_filled_when_it_comes(void **state)
{
	struct weir_domain *d;
	struct world w;

	(void)state;
	setup(&w);
	d = make_domain(&w);
	map_pages(d, 300); /* several batches */
	assert_int_equal(join(d, 0), 0);
	assert_same(d, 0);
	assert_in_range(models[0].syncs, 4, 8); /* one a batch, not one a mapping */
	assert_int_equal(weir_domain_unmap(d, 100 * PAGE, 100 * PAGE), 0);
	assert_int_equal(join(d, 1), 0);
	assert_int_equal(map_page(d, 150), 0);
	assert_same(d, 0);
	assert_same(d, 1);
	leave(d, 0);
	leave(d, 1);
	weir_domain_unref(d);
	teardown(&w);
}

/* Every call of an instance fails once while a part comes: nothing of it is left. */
static void test_part_that_cannot_be_filled_does_not_come(void **state)
{
	struct weir_domain *d;
	struct world w;
	unsigned int n;
	int err = WEIR_EIO;

	(void)state;
	setup(&w);
	d = make_domain(&w);
	map_pages(d, 130);
	assert_int_equal(join(d, 1), 0);
	models[0].limits.page_bytes = 4096;
	models[0].limits.iova_max = 0xffffff;
	for (n = 1; err; n++) {
		struct weir_domain_limits l;

		fail_in = n;
		err = join(d, 0);
		fail_in = 0;
		weir_domain_limits_get(d, &l);
		assert_int_equal(l.iova_max, err ? weir_default_limits_.iova_max : 0xffffff);
		assert_same(d, 1);
		if (err)
			assert_int_equal(models[0].parts, 0);
	}
	assert_in_range(n, 130, 140);
	assert_same(d, 0);
	leave(d, 0);
	leave(d, 1);
	weir_domain_unref(d);
	teardown(&w);
}

static void test_part_must_suit_the_mappings(void **state)
{
	struct weir_domain *d;
	struct world w;

	(void)state;
	setup(&w);
	d = make_domain(&w);
	assert_int_equal(weir_domain_map(d, 0x10000, 0x40000, 0x10000, WEIR_MAP_READ), 0);
	assert_int_equal(weir_domain_map(d, 0x30000, 0x41000, 0x1000, WEIR_MAP_READ), 0);
	models[0].limits.page_bytes = 0x10000;
	assert_int_equal(join(d, 0), WEIR_EINVAL); /* the second is too small */
	assert_int_equal(weir_domain_unmap(d, 0x30000, 0x1000), 0);
	models[1].limits.iova_max = 0x1efff;
	assert_int_equal(join(d, 1), WEIR_EINVAL); /* the first ends behind it */
	models[1].limits.iova_max = 0x1ffff;
	models[1].limits.iova_min = 0x11000;
	assert_int_equal(join(d, 1), WEIR_EINVAL);
	models[1].limits.page_bytes = 0x3000;
	assert_int_equal(join(d, 1), WEIR_EINVAL); /* no such page size */
	assert_int_equal(join(d, 0), 0);
	assert_int_equal(weir_domain_map(d, 0x31000, 0x41000, 0x1000, WEIR_MAP_READ), WEIR_EINVAL);
	leave(d, 0);
	weir_domain_unref(d);
	teardown(&w);
}

/* Several at a time: all or none at both instances, whatever fails. */
static void test_part_spans_are_all_or_none(void **state)
{
	static const struct weir_span spans[3] = {
		{ .iova = 1 * PAGE, .pa = 70 * PAGE, .bytes = PAGE },
		{ .iova = 2 * PAGE, .pa = 50 * PAGE, .bytes = 3 * PAGE },
		{ .iova = 8 * PAGE, .pa = 90 * PAGE, .bytes = PAGE },
	};
	static const struct weir_span bad[2] = {
		{ .iova = 20 * PAGE, .pa = 70 * PAGE, .bytes = PAGE },
		{ .iova = 4 * PAGE, .pa = 50 * PAGE, .bytes = PAGE }, /* is mapped */
	};
	struct weir_domain *d;
	struct world w;
	unsigned int n;
	int err = WEIR_EIO;

	(void)state;
	for (n = 1; err; n++) {
		uint64_t pa;

		setup(&w);
		d = make_domain(&w);
		assert_int_equal(join(d, 0), 0);
		assert_int_equal(join(d, 1), 0);
		models[0].syncs = 0;
		fail_in = n;
		err = weir_domain_map_spans_(d, spans, 3, WEIR_MAP_WRITE);
		fail_in = 0;
		assert_same(d, 0);
		assert_same(d, 1);
		assert_int_equal(weir_domain_translate(d, 3 * PAGE, &pa), err ? WEIR_ENOENT : 0);
		if (!err) {
			assert_int_equal(models[0].syncs, 1);
			assert_int_equal(weir_domain_map_spans_(d, bad, 2, WEIR_MAP_READ),
					 WEIR_EEXIST);
			assert_int_equal(weir_domain_translate(d, 20 * PAGE, &pa), WEIR_ENOENT);
			assert_same(d, 0);
		}
		leave(d, 0);
		leave(d, 1);
		weir_domain_unref(d);
		teardown(&w);
	}
	assert_int_equal(n, 1 + 2 * 4 + 1); /* three maps and a sync at both, and the run that passed */
}

static void test_part_lazy_unmap_waits_for_sync(void **state)
{
	struct weir_domain *d;
	struct world w;
	uint64_t pa;

	(void)state;
	setup(&w);
	d = make_domain(&w);
	assert_int_equal(join(d, 0), 0);
	map_pages(d, 5);
	models[0].syncs = 0;
	assert_int_equal(weir_domain_unmap_whole_(d, PAGE, 2 * PAGE, false), 0);
	assert_int_equal(weir_domain_unmap_whole_(d, 4 * PAGE, PAGE, false), 0);
	assert_int_equal(models[0].syncs, 0);
	assert_int_equal(part_of(d, 0)->waiting, 3);
	assert_int_equal(weir_domain_translate(d, PAGE, &pa), WEIR_ENOENT);
	assert_int_equal(weir_domain_sync_(d), 0);
	assert_int_equal(models[0].syncs, 1);
	assert_same(d, 0);
	assert_int_equal(weir_domain_unmap_whole_(d, 3 * PAGE, PAGE, false), 0);
	fail_in = 1;
	assert_int_equal(weir_domain_sync_(d), WEIR_EIO);
	assert_int_equal(join(d, 0), WEIR_EIO); /* it did not confirm: nobody else comes */
	leave(d, 0);
	weir_domain_unref(d);
	teardown(&w);
}

/* A large range goes batch by batch; what was not confirmed stays in the books. */
static void test_part_large_unmap(void **state)
{
	struct weir_domain *d;
	struct world w;
	uint64_t pa;

	(void)state;
	setup(&w);
	d = make_domain(&w);
	assert_int_equal(join(d, 0), 0);
	map_pages(d, 1000);
	models[0].syncs = 0;
	fail_in = 500;
	assert_int_equal(weir_domain_unmap(d, PAGE, 1000 * PAGE), WEIR_EIO);
	assert_int_equal(weir_domain_translate(d, PAGE, &pa), WEIR_ENOENT);
	assert_int_equal(weir_domain_translate(d, 1000 * PAGE, &pa), 0);
	leave(d, 0);
	assert_int_equal(join(d, 1), 0);
	assert_int_equal(weir_domain_unmap(d, PAGE, 1000 * PAGE), 0);
	assert_in_range(models[1].syncs, 8, 20);
	assert_same(d, 1);
	leave(d, 1);
	weir_domain_unref(d);
	teardown(&w);
}

/* The last address there is: ranges end with it, and a part is full behind it. */
static void test_part_end_of_the_address_space(void **state)
{
	struct weir_domain_limits all = { .page_bytes = 4096, .iova_max = UINT64_MAX };
	struct weir_iommu_ops *ops;
	struct weir_domain *d;
	struct world w;
	uint64_t pa;

	(void)state;
	setup(&w);
	d = make_domain(&w);
	weir_domain_widen_(d, &all);
	models[0].limits = all;
	ops = malloc(sizeof(*ops));
	assert_non_null(ops);
	*ops = model_ops;
	ops->map = NULL; /* the model's table is small */
	ops->unmap = NULL;
	models[0].iommu->ops = ops;
	assert_int_equal(weir_domain_map(d, UINT64_MAX - 4095, 0x5000, 4096, WEIR_MAP_READ), 0);
	assert_int_equal(weir_domain_map(d, UINT64_MAX - 4095, 0x5000, 8192, WEIR_MAP_READ),
			 WEIR_ERANGE);
	assert_int_equal(join(d, 0), 0);
	assert_true(weir_part_find_(d, models[0].iommu)->full);
	assert_int_equal(weir_domain_translate(d, UINT64_MAX, &pa), 0);
	assert_int_equal(pa, 0x5fff);
	assert_int_equal(weir_domain_unmap(d, UINT64_MAX - 4095, 4096), 0);
	leave(d, 0);
	models[0].iommu->ops = &model_ops;
	free(ops);
	weir_domain_unref(d);
	teardown(&w);
}

/* Nothing of all this sleeps, takes the machine's lock, or logs. */

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_part_is_filled_when_it_comes),
		cmocka_unit_test(test_part_that_cannot_be_filled_does_not_come),
		cmocka_unit_test(test_part_must_suit_the_mappings),
		cmocka_unit_test(test_part_spans_are_all_or_none),
		cmocka_unit_test(test_part_lazy_unmap_waits_for_sync),
		cmocka_unit_test(test_part_large_unmap),
		cmocka_unit_test(test_part_end_of_the_address_space),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
