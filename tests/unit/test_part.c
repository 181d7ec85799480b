// SPDX-License-Identifier: MIT
/*
 * Domains and their parts at instances, without groups: what an instance was told of
 * is compared with the books, also when everything fails once, with several mappings at
 * a time, with external tables, without power, and while threads map and unmap.
 */
#include <stdlib.h>
#include <string.h>

#include "iommu/priv.h"
#include "world.h"

#define PAGE 4096u
#define N_PAGES 1024u /* of the address space that the tests use, from page 1 */
#define N_MODELS 2u

/* What an instance was told: the memory behind each page; 0: nothing. */
struct part {
	uint64_t pa[N_PAGES + 1];
	unsigned int waiting; /* told, not synced */
};

struct model {
	struct weir_device *dev;
	struct weir_iommu *iommu;
	struct weir_domain_limits limits;
	unsigned int parts, syncs, maps, invalidations;
	bool tables;
	struct part *last; /* made last */
};

static struct model models[N_MODELS];
static unsigned int fail_in; /* the call that fails; 0: none */

static int fault(void)
{
	return fail_in && --fail_in == 0 ? WEIR_EIO : 0;
}

static int part_create(void *instance, struct weir_domain *domain, void **out_part)
{
	struct model *m = instance;
	struct part *part;

	(void)domain;
	if (fault())
		return WEIR_EIO;
	part = calloc(1, sizeof(*part));
	assert_non_null(part);
	m->parts++;
	m->last = part;
	*out_part = part;
	return 0;
}

static void part_destroy(void *instance, void *part)
{
	struct model *m = instance;

	m->parts--;
	if (m->last == part)
		m->last = NULL;
	free(part);
}

static int map(void *instance, void *driver, uint64_t iova, uint64_t pa, uint64_t bytes,
	       uint32_t prot)
{
	struct part *part = driver;

	(void)prot;
	((struct model *)instance)->maps++;
	if (fault())
		return WEIR_EIO;
	for (uint64_t at = 0; at < bytes; at += PAGE) {
		uint64_t *page = &part->pa[(iova + at) / PAGE];

		if (*page)
			abort(); /* on any thread: mapped twice */
		*page = pa + at;
	}
	part->waiting++;
	return 0;
}

static int unmap(void *instance, void *driver, uint64_t iova, uint64_t bytes)
{
	struct part *part = driver;

	(void)instance;
	if (fault())
		return WEIR_EIO;
	for (uint64_t at = 0; at < bytes; at += PAGE) {
		uint64_t *page = &part->pa[(iova + at) / PAGE];

		if (!*page)
			abort(); /* not mapped */
		*page = 0;
	}
	part->waiting++;
	return 0;
}

static int sync(void *instance, void *driver)
{
	struct part *part = driver;

	((struct model *)instance)->syncs++;
	if (fault())
		return WEIR_EIO;
	part->waiting = 0;
	return 0;
}

static void limits(void *instance, struct weir_domain_limits *out_limits)
{
	*out_limits = ((struct model *)instance)->limits;
}

static int walks(void *instance, const struct weir_tables *tables)
{
	if (fault())
		return WEIR_EIO;
	return ((struct model *)instance)->tables && tables->format == WEIR_TABLE_ARM_S2
		       ? 0
		       : WEIR_EOPNOTSUPP;
}

static int invalidate(void *instance, void *part, const struct weir_invalidation *what)
{
	(void)part;
	(void)what;
	((struct model *)instance)->invalidations++;
	return fault();
}

static const struct weir_iommu_ops model_ops = {
	.abi = WEIR_ABI(struct weir_iommu_ops),
	.limits = limits,
	.part_create = part_create,
	.part_destroy = part_destroy,
	.walks = walks,
	.invalidate = invalidate,
	.map = map,
	.sync_map = sync,
	.unmap = unmap,
	.sync = sync,
};

/* ---- the machine: two instances, and domains that come to them by hand ---- */

static int iommu_probe(struct world *w, struct weir_device *dev)
{
	unsigned int i = (unsigned int)(weir_device_name(dev)[0] - 'a');

	(void)w;
	models[i].dev = dev;
	return weir_iommu_register(dev, &model_ops, &models[i]);
}

static void iommu_remove(struct weir_device *dev)
{
	weir_iommu_unregister(dev);
}

static void bring_up(struct world *w)
{
	static const char *const names[N_MODELS] = { "a", "b" };
	struct world_driver *d;

	memset(models, 0, sizeof(models));
	fail_in = 0;
	w->quiet = true;
	w->on_probe = iommu_probe;
	d = world_driver(w, "iommu", "t,iommu", NULL, NULL);
	d->ops.remove = iommu_remove;
	assert_int_equal(weir_driver_register(w->m, &d->drv), 0);
	for (unsigned int i = 0; i < N_MODELS; i++) {
		models[i].limits = weir_default_limits_;
		world_device(w, names[i], NULL, "t,iommu");
	}
	assert_settles(w);
	for (unsigned int i = 0; i < N_MODELS; i++)
		models[i].iommu = models[i].dev->iommu;
}

static void setup(struct world *w)
{
	world_open(w, NULL);
	bring_up(w);
}

static void teardown(struct world *w)
{
	fail_in = 0;
	world_close(w);
	for (unsigned int i = 0; i < N_MODELS; i++)
		assert_int_equal(models[i].parts, 0);
}

static int join(struct weir_domain *d, unsigned int model)
{
	return weir_part_get_(d, models[model].iommu);
}

static void leave(struct weir_domain *d, unsigned int model)
{
	weir_part_put_(d, models[model].iommu);
}

static struct part *part_of(struct weir_domain *d, unsigned int model)
{
	return weir_part_find_(d, models[model].iommu)->driver;
}

/* The part says what the books say. */
static void assert_same(struct weir_domain *d, unsigned int model)
{
	const struct part *part = part_of(d, model);

	assert_int_equal(part->waiting, 0);
	for (uint64_t page = 1; page <= N_PAGES; page++) {
		uint64_t pa = 0;

		(void)weir_domain_translate(d, page * PAGE, &pa);
		assert_int_equal(part->pa[page], pa);
	}
}

static struct weir_domain *make_domain(struct world *w)
{
	struct weir_domain *d;

	assert_int_equal(weir_domain_create(w->m, WEIR_DOMAIN_UNMANAGED, &d), 0);
	return d;
}

/* Page @page to some memory of its own. */
static int map_page(struct weir_domain *d, uint64_t page)
{
	return weir_domain_map(d, page * PAGE, (page + 100000) * PAGE, PAGE, WEIR_MAP_READ);
}

static void map_pages(struct weir_domain *d, uint64_t n)
{
	for (uint64_t page = 1; page <= n; page++)
		assert_int_equal(map_page(d, page), 0);
}

/* ---- tests ---- */

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
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_part_is_filled_when_it_comes),
		cmocka_unit_test(test_part_that_cannot_be_filled_does_not_come),
		cmocka_unit_test(test_part_must_suit_the_mappings),
		cmocka_unit_test(test_part_spans_are_all_or_none),
		cmocka_unit_test(test_part_lazy_unmap_waits_for_sync),
		cmocka_unit_test(test_part_large_unmap),
		cmocka_unit_test(test_part_end_of_the_address_space),
		cmocka_unit_test(test_part_in_interrupt_context),
		cmocka_unit_test(test_part_external_tables),
		cmocka_unit_test(test_part_host_calls_fail),
		cmocka_unit_test(test_part_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
