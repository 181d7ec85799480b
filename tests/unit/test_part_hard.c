// SPDX-License-Identifier: MIT
/*
 * Domains and their parts in interrupt context, with tables of an embedder, when host calls fail,
 * and while threads map and unmap.
 */
#include "partbed.h"

static void test_part_in_interrupt_context(void **state)
{
	static const struct weir_span spans[2] = {
		{ .iova = 1 * PAGE, .pa = 70 * PAGE, .bytes = PAGE },
		{ .iova = 2 * PAGE, .pa = 50 * PAGE, .bytes = PAGE },
	};
	struct weir_domain_limits l;
	struct weir_domain *d;
	struct world w;
	uint64_t pa;

	(void)state;
	setup(&w);
	d = make_domain(&w);
	assert_int_equal(join(d, 0), 0);
	testhost_interrupt(true);
	assert_int_equal(weir_domain_map_spans_(d, spans, 2, WEIR_MAP_READ), 0);
	for (uint64_t page = 10; page < 500; page++) /* more than what is kept spare */
		assert_int_equal(map_page(d, page), 0);
	assert_int_equal(weir_domain_translate(d, PAGE, &pa), 0);
	weir_domain_limits_get(d, &l);
	assert_int_equal(weir_domain_unmap_whole_(d, PAGE, PAGE, false), 0);
	assert_int_equal(weir_domain_sync_(d), 0);
	assert_int_equal(weir_domain_unmap(d, 2 * PAGE, 400 * PAGE), 0);
	fail_in = 1;
	assert_int_equal(map_page(d, 1), WEIR_EIO);
	fail_in = 1;
	assert_int_equal(weir_domain_unmap(d, 450 * PAGE, PAGE), WEIR_EIO);
	testhost_interrupt(false);
	testhost_check(w.host);
	leave(d, 0);
	weir_domain_unref(d);
	teardown(&w);
}

static void test_part_external_tables(void **state)
{
	static const struct weir_tables s2 = {
		.format = WEIR_TABLE_ARM_S2, .root_pa = 0x80000, .granule_lg2 = 12,
		.iova_bits = 40, .pa_bits = 40, .levels = 3, .id = 7,
	};
	struct weir_tables e = s2;
	struct weir_domain *d, *plain;
	struct world w;
	uint64_t pa;

	(void)state;
	setup(&w);
	e.root_pa = 0x80001;
	assert_int_equal(weir_domain_create_external(w.m, &e, &d), WEIR_EINVAL);
	e = s2;
	e.iova_bits = 65;
	assert_int_equal(weir_domain_create_external(w.m, &e, &d), WEIR_EINVAL);
	assert_int_equal(weir_domain_create(w.m, WEIR_DOMAIN_EXTERNAL, &d), WEIR_EINVAL);
	assert_int_equal(weir_domain_create_external(w.m, &s2, &d), 0);
	assert_int_equal(weir_domain_tables(d)->id, 7);
	assert_int_equal(join(d, 0), WEIR_EOPNOTSUPP); /* it takes none */
	models[0].tables = true;
	assert_int_equal(join(d, 0), 0);
	assert_int_equal(weir_domain_map(d, PAGE, PAGE, PAGE, WEIR_MAP_READ), WEIR_EINVAL);
	assert_int_equal(weir_domain_unmap(d, PAGE, PAGE), WEIR_EINVAL);
	assert_int_equal(weir_domain_translate(d, PAGE, &pa), WEIR_ENOENT);
	assert_int_equal(weir_domain_invalidate(d, PAGE, 0), WEIR_EINVAL);
	assert_int_equal(weir_domain_invalidate(d, UINT64_MAX, 2), WEIR_EINVAL);
	models[0].syncs = 0;
	assert_int_equal(weir_domain_invalidate(d, PAGE, PAGE), 0);
	assert_int_equal(models[0].invalidations, 1);
	assert_int_equal(models[0].syncs, 1);
	assert_int_equal(models[0].maps, 0);
	fail_in = 2;
	assert_int_equal(weir_domain_invalidate(d, PAGE, PAGE), WEIR_EIO);
	assert_int_equal(join(d, 0), WEIR_EIO);
	leave(d, 0);
	plain = make_domain(&w);
	assert_null(weir_domain_tables(plain));
	assert_int_equal(weir_domain_invalidate(plain, PAGE, PAGE), WEIR_EINVAL);
	weir_domain_unref(plain);
	weir_domain_unref(d);
	teardown(&w);
}

/* ---- host calls fail ---- */

static void scenario(struct testhost *host, void *arg)
{
	struct weir_domain *d = NULL;
	struct world w = { 0 };
	struct weir_device *dev = NULL;
	struct world_driver *drv;
	int err;

	(void)arg;
	memset(models, 0, sizeof(models));
	models[0].limits = weir_default_limits_;
	err = world_try_open(&w, host, NULL);
	if (err)
		goto out;
	w.quiet = true;
	w.on_probe = iommu_probe;
	drv = world_driver(&w, "iommu", "t,iommu", NULL, NULL);
	drv->ops.remove = iommu_remove;
	err = weir_driver_register(w.m, &drv->drv);
	if (!err)
		err = world_try_device(&w, "a", NULL, "t,iommu", &dev);
	if (!err)
		err = weir_settle(w.m);
	if (!err)
		err = weir_domain_create(w.m, WEIR_DOMAIN_DMA, &d);
	for (uint64_t page = 1; !err && page < 5; page++)
		err = map_page(d, page);
	if (!err && !dev->iommu)
		err = WEIR_ENOMEM;
	if (!err)
		err = weir_part_get_(d, dev->iommu);
	if (!err) {
		models[0].iommu = dev->iommu;
		assert_same(d, 0);
		weir_part_put_(d, dev->iommu);
	}
	weir_domain_unref(d);
out:
	if (!testhost_fault_hit(host))
		assert_int_equal(err, 0);
	weir_machine_destroy(w.m);
}

static void test_part_host_calls_fail(void **state)
{
	(void)state;
	assert_in_range(testhost_sweep(NULL, NULL, scenario, NULL), 10, 100);
	assert_int_equal(models[0].parts, 0);
}

/* ---- threads ---- */

struct worker {
	pthread_t thread;
	struct weir_domain *d;
	uint64_t first, pages; /* its own, so what it maps is what it finds */
	unsigned int seed;
	_Atomic bool *stop;
};

static void *work(void *arg)
{
	struct worker *wk = arg;
	uint64_t pa;

	while (!atomic_load(wk->stop)) {
		uint64_t page = wk->first + (uint64_t)rand_r(&wk->seed) % wk->pages;

		if (map_page(wk->d, page) == 0)
			continue;
		if (weir_domain_translate(wk->d, page * PAGE, &pa) || pa != (page + 100000) * PAGE ||
		    weir_domain_unmap(wk->d, page * PAGE, PAGE))
			abort();
	}
	return NULL;
}

/* Two threads map and unmap while parts come and go, several hundred times. */
static void test_part_threads(void **state)
{
	struct worker workers[2];
	_Atomic bool stop = false;
	struct weir_domain *d;
	struct world w;

	(void)state;
	world_open_threads(&w, NULL, 1);
	bring_up(&w);
	d = make_domain(&w);
	for (unsigned int i = 0; i < 2; i++) {
		workers[i] = (struct worker){ .d = d, .first = 1 + i * (N_PAGES / 2),
					      .pages = N_PAGES / 2, .seed = i, .stop = &stop };
		assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
	}
	for (unsigned int round = 0; round < 300; round++) {
		assert_int_equal(join(d, round & 1), 0);
		assert_true(weir_part_find_(d, models[round & 1].iommu)->full);
		if (round % 3)
			assert_int_equal(join(d, ~round & 1), 0);
		leave(d, round & 1);
		if (round % 3)
			leave(d, ~round & 1);
	}
	assert_int_equal(join(d, 0), 0);
	atomic_store(&stop, true);
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
	assert_same(d, 0);
	leave(d, 0);
	weir_domain_unref(d);
	teardown(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_part_in_interrupt_context),
		cmocka_unit_test(test_part_external_tables),
		cmocka_unit_test(test_part_host_calls_fail),
		cmocka_unit_test(test_part_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
