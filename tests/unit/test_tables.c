// SPDX-License-Identifier: MIT
/*
 * Domains on tables, without groups: instances that walk them cache every translation they meet, and
 * drop one only when it was invalidated and synced, so what the library forgets to tell stays in
 * reach. Which instances may share tables, how mappings move into them, and what the host is asked.
 */
#include <stdlib.h>
#include <string.h>

#include "armwalk.h"
#include "dmaworld.h"
#include "iommu/priv.h"
#include "tablehost.h"
#include "world.h"

#define PAGE 4096u
#define BLOCK (UINT64_C(2) << 20)
#define N_PAGES 2048u /* of the address space that the tests use, from page 1 */
#define N_MODELS 2u

struct part {
	struct weir_tables tables;
	uint64_t cached[N_PAGES + 1]; /* what is behind each page; 0: not known */
	bool invalid[N_PAGES + 1];    /* to be dropped by the next sync */
};

struct model {
	struct weir_device *dev;
	struct weir_iommu *iommu;
	struct weir_iommu_ops ops;
	struct weir_domain_limits limits;
	struct weir_table_config config;
	unsigned int parts, maps, invalidations, syncs;
	struct weir_invalidation last;
	bool takes_none;  /* of others' tables */
	bool off;
	bool fail_sync;
};

static struct model models[N_MODELS];
static struct tablehost *memory;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

/* ---- the instances ---- */

static void tables(void *instance, struct weir_table_config *out_config)
{
	*out_config = ((struct model *)instance)->config;
}

static int walks(void *instance, const struct weir_tables *t)
{
	const struct model *m = instance;

	return m->takes_none || t->format != WEIR_TABLE_ARM_S2 ? WEIR_EOPNOTSUPP : 0;
}

static void limits(void *instance, struct weir_domain_limits *out_limits)
{
	*out_limits = ((struct model *)instance)->limits;
}

static int part_create(void *instance, struct weir_domain *domain, void **out_part)
{
	struct part *part = calloc(1, sizeof(*part));

	assert_non_null(part);
	if (weir_domain_tables(domain))
		part->tables = *weir_domain_tables(domain);
	((struct model *)instance)->parts++;
	*out_part = part;
	return 0;
}

static void part_destroy(void *instance, void *part)
{
	((struct model *)instance)->parts--;
	free(part);
}

static int invalidate(void *instance, void *driver, const struct weir_invalidation *what)
{
	struct model *m = instance;
	struct part *part = driver;

	pthread_mutex_lock(&mutex);
	if (m->off)
		abort(); /* nothing is asked of what has no power */
	m->invalidations++;
	m->last = *what;
	for (uint64_t page = 1; page <= N_PAGES; page++)
		if (page * PAGE - what->iova < what->bytes)
			part->invalid[page] = true;
	pthread_mutex_unlock(&mutex);
	return 0;
}

static int sync(void *instance, void *driver)
{
	struct model *m = instance;
	struct part *part = driver;

	pthread_mutex_lock(&mutex);
	m->syncs++;
	for (uint64_t page = 1; page <= N_PAGES && !m->fail_sync; page++) {
		if (part->invalid[page])
			part->cached[page] = 0;
		part->invalid[page] = false;
	}
	pthread_mutex_unlock(&mutex);
	return m->fail_sync ? WEIR_EIO : 0;
}

static int map(void *instance, void *part, uint64_t iova, uint64_t pa, uint64_t bytes, uint32_t prot)
{
	(void)part;
	(void)iova;
	(void)pa;
	(void)bytes;
	(void)prot;
	((struct model *)instance)->maps++;
	return 0;
}

/* What an access to a page reaches; 0: nothing. */
static uint64_t reach(struct weir_domain *d, unsigned int model, uint64_t page)
{
	struct part *part = weir_part_find_(d, models[model].iommu)->driver;
	struct armwalk w;
	uint64_t pa;

	pthread_mutex_lock(&mutex);
	if (!part->cached[page]) {
		assert_null(armwalk(&part->tables, 0, tablehost_read, memory, page * PAGE, &w));
		if (w.page_bytes && w.read)
			part->cached[page] = w.pa;
	}
	pa = part->cached[page];
	pthread_mutex_unlock(&mutex);
	return pa;
}

/* ---- the machine ---- */

static int iommu_probe(struct world *w, struct weir_device *dev)
{
	unsigned int i = (unsigned int)(weir_device_name(dev)[0] - 'a');

	(void)w;
	models[i].dev = dev;
	return weir_iommu_register(dev, &models[i].ops, &models[i]);
}

static void iommu_remove(struct weir_device *dev)
{
	weir_iommu_unregister(dev);
}

static void be_models(void)
{
	memset(models, 0, sizeof(models));
	for (unsigned int i = 0; i < N_MODELS; i++) {
		models[i].limits = weir_default_limits_;
		models[i].config = (struct weir_table_config){
			.format = WEIR_TABLE_ARM_S2, .kind = &weir_table_arm64,
			.granule_lg2 = 12, .iova_bits = 40,
			.pa_bits = 40, .bbm_level = 2, .coherent = true,
		};
		models[i].ops = (struct weir_iommu_ops){
			.abi = WEIR_ABI(struct weir_iommu_ops), .limits = limits,
			.part_create = part_create, .part_destroy = part_destroy,
			.tables = tables, .walks = walks, .invalidate = invalidate, .sync = sync,
		};
	}
}

/* The second one wants to be told. */
static void be_told(struct model *m)
{
	m->ops.map = map;
	m->ops.tables = NULL;
	m->ops.walks = NULL;
	m->ops.invalidate = NULL;
}

static int bring_up(struct world *w)
{
	static const char *const names[N_MODELS] = { "a", "b" };
	struct world_driver *d;
	int err;

	w->quiet = true;
	w->on_probe = iommu_probe;
	d = world_driver(w, "iommu", "t,iommu", NULL, NULL);
	d->ops.remove = iommu_remove;
	err = weir_driver_register(w->m, &d->drv);
	for (unsigned int i = 0; i < N_MODELS && !err; i++)
		err = world_try_device(w, names[i], NULL, "t,iommu", &models[i].dev);
	if (!err)
		err = weir_settle(w->m);
	for (unsigned int i = 0; i < N_MODELS && !err; i++) {
		models[i].iommu = models[i].dev->iommu;
		err = models[i].iommu ? 0 : WEIR_ENODEV;
	}
	return err;
}

/* Models that a test changes are changed before. */
static struct weir_domain *setup(struct world *w)
{
	struct weir_domain *d;

	memory = tablehost_create(true, 40);
	w->posix = NULL;
	assert_int_equal(world_try_open(w, testhost_create(tablehost_ops(memory), memory), NULL), 0);
	assert_int_equal(bring_up(w), 0);
	assert_int_equal(weir_domain_create(w->m, WEIR_DOMAIN_UNMANAGED, &d), 0);
	return d;
}

static void teardown(struct world *w, struct weir_domain *d)
{
	weir_domain_unref(d);
	world_close(w);
	memory = tablehost_destroy(memory);
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

static int map_page(struct weir_domain *d, uint64_t page)
{
	return weir_domain_map(d, page * PAGE, (page + 100000) * PAGE, PAGE, WEIR_MAP_READ);
}

static int map_pages(struct weir_domain *d, uint64_t n)
{
	int err = 0;

	for (uint64_t page = 1; page <= n && !err; page++)
		err = map_page(d, page);
	return err;
}

static void assert_reach(struct weir_domain *d, unsigned int model, uint64_t first, uint64_t last,
			 bool yes)
{
	for (uint64_t page = first; page <= last; page++)
		assert_int_equal(reach(d, model, page), yes ? (page + 100000) * PAGE : 0);
}

/* ---- tests ---- */

static void test_tables_get_what_was_mapped(void **state)
{
	struct weir_domain_mapping mapping;
	struct weir_domain *d;
	struct world w;
	uint64_t pa;

	(void)state;
	be_models();
	d = setup(&w);
	assert_null(weir_domain_tables(d));
	assert_int_equal(map_pages(d, 300), 0); /* several batches */
	assert_int_equal(join(d, 0), 0);
	assert_int_equal(weir_domain_tables(d)->format, WEIR_TABLE_ARM_S2);
	assert_null(d->mappings.root); /* no double books */
	assert_reach(d, 0, 1, 300, true);
	assert_reach(d, 0, 301, 310, false);
	assert_int_equal(weir_domain_translate(d, 7 * PAGE + 5, &pa), 0);
	assert_int_equal(pa, 100007 * PAGE + 5);
	assert_int_equal(weir_domain_translate(d, 301 * PAGE, &pa), WEIR_ENOENT);
	assert_int_equal(weir_domain_mapping_get(d, 0, &mapping), 0);
	assert_int_equal(mapping.iova, PAGE);
	assert_int_equal(mapping.prot & WEIR_MAP_READ, WEIR_MAP_READ);
	assert_int_equal(weir_domain_mapping_get(d, 301 * PAGE, &mapping), WEIR_ENOENT);
	assert_int_equal(map_page(d, 300), WEIR_EEXIST);
	assert_int_equal(map_page(d, 301), 0);
	assert_int_equal(weir_domain_map(d, UINT64_C(1) << 40, PAGE, PAGE, WEIR_MAP_READ), WEIR_ERANGE);
	leave(d, 0);
	teardown(&w, d);
}

static void test_tables_map_asks_nobody(void **state)
{
	static const struct weir_span spans[3] = {
		{ .iova = 600 * PAGE, .pa = 70 * PAGE, .bytes = PAGE },
		{ .iova = 601 * PAGE, .pa = 50 * PAGE, .bytes = 3 * PAGE },
		{ .iova = 800 * PAGE, .pa = 90 * PAGE, .bytes = PAGE },
	};
	static const struct weir_span bad[2] = {
		{ .iova = 900 * PAGE, .pa = 70 * PAGE, .bytes = PAGE },
		{ .iova = 602 * PAGE, .pa = 50 * PAGE, .bytes = PAGE }, /* is mapped */
	};
	struct weir_domain *d;
	unsigned long before;
	struct world w;

	(void)state;
	be_models();
	d = setup(&w);
	assert_int_equal(join(d, 0), 0);
	before = weir_spin_lock(&d->spin); /* to take it twice is a fault that the host sees */
	assert_int_equal(map_pages(d, 600 - 1), 0);
	assert_int_equal(weir_domain_map_spans_(d, spans, 3, WEIR_MAP_READ), 0);
	weir_spin_unlock(&d->spin, before);
	assert_int_equal(models[0].invalidations + models[0].syncs, 0);
	assert_reach(d, 0, 1, 599, true);
	assert_int_equal(reach(d, 0, 603), 52 * PAGE);
	assert_int_equal(reach(d, 0, 800), 90 * PAGE);
	assert_int_equal(weir_domain_map_spans_(d, bad, 2, WEIR_MAP_READ), WEIR_EEXIST);
	assert_int_equal(reach(d, 0, 900), 0);
	leave(d, 0);
	teardown(&w, d);
}

/* Both are told once of an unmap, however many pages it has. */
static void test_tables_are_shared(void **state)
{
	struct weir_domain *d;
	struct world w;
	uint64_t bytes;

	(void)state;
	be_models();
	d = setup(&w);
	assert_int_equal(join(d, 0), 0);
	assert_int_equal(map_pages(d, 600), 0);
	assert_int_equal(join(d, 1), 0);
	for (unsigned int i = 0; i < 2; i++)
		assert_reach(d, i, 1, 600, true);
	assert_int_equal(weir_domain_unmap(d, 100 * PAGE, 200 * PAGE), 0);
	for (unsigned int i = 0; i < 2; i++) {
		assert_reach(d, i, 1, 99, true);
		assert_reach(d, i, 100, 299, false);
		assert_reach(d, i, 300, 600, true);
		assert_int_equal(models[i].invalidations, 1);
		assert_int_equal(models[i].syncs, 1);
		assert_false(models[i].last.tables);
	}
	/* a table that is all the caller's goes with what it had */
	bytes = weir_table_memory(weir_domain_table_(d));
	assert_int_equal(weir_domain_unmap(d, PAGE, (N_PAGES - 1) * PAGE), 0);
	assert_true(models[1].last.tables);
	assert_true(weir_table_memory(weir_domain_table_(d)) < bytes);
	assert_reach(d, 1, 1, N_PAGES, false);
	assert_int_equal(models[1].syncs, 2);
	/* and nothing is told of nothing */
	assert_int_equal(weir_domain_unmap(d, PAGE, 100 * PAGE), 0);
	assert_int_equal(models[1].syncs, 2);
	leave(d, 0);
	assert_int_equal(map_page(d, 5), 0);
	assert_reach(d, 1, 5, 5, true);
	leave(d, 1);
	teardown(&w, d);
}

static void misfit_format(struct model *m) { m->config.format = WEIR_TABLE_ARM_S1; }
static void misfit_granule(struct model *m) { m->config.granule_lg2 = 16; }
static void misfit_bits(struct model *m) { m->config.iova_bits = 39; }
static void misfit_caches(struct model *m) { m->config.coherent = false; }
static void misfit_bbm(struct model *m) { m->config.bbm_level = 1; }
static void misfit_sizes(struct model *m) { m->config.page_sizes = PAGE | BLOCK; }
static void misfit_refuses(struct model *m) { m->takes_none = true; }
static void misfit_walks_none(struct model *m)
{
	m->ops.tables = NULL;
	m->ops.walks = NULL;
}

static void test_tables_are_refused(void **state)
{
	static void (*const misfits[])(struct model *) = {
		misfit_format, misfit_granule, misfit_bits, misfit_caches, misfit_bbm, misfit_sizes,
		misfit_refuses, misfit_walks_none, be_told,
	};
	struct weir_domain *d;
	struct world w;

	(void)state;
	for (unsigned int i = 0; i < sizeof(misfits) / sizeof(misfits[0]); i++) {
		be_models();
		misfits[i](&models[1]);
		d = setup(&w);
		assert_int_equal(join(d, 0), 0);
		assert_int_equal(map_pages(d, 5), 0);
		assert_int_equal(join(d, 1), WEIR_EOPNOTSUPP);
		assert_reach(d, 0, 1, 5, true);
		assert_int_equal(models[1].parts, 0);
		leave(d, 0);
		/* also when nobody walks them any more: they are the domain's */
		assert_int_equal(join(d, 1), WEIR_EOPNOTSUPP);
		teardown(&w, d);
	}
	be_models();
	be_told(&models[1]);
	d = setup(&w);
	assert_int_equal(join(d, 1), 0);
	assert_int_equal(map_pages(d, 5), 0);
	assert_int_equal(join(d, 0), WEIR_EOPNOTSUPP);
	assert_null(weir_domain_tables(d));
	assert_int_equal(map_page(d, 6), 0);
	assert_int_equal(models[1].maps, 6);
	leave(d, 1);
	assert_int_equal(join(d, 0), 0); /* nobody is told now */
	assert_reach(d, 0, 1, 6, true);
	leave(d, 0);
	teardown(&w, d);
}

/* What is mapped must fit the instance that brings tables, and then who comes later. */
static void test_tables_and_limits(void **state)
{
	struct weir_domain_limits l;
	struct weir_domain *d;
	struct world w;

	(void)state;
	be_models();
	models[1].limits.iova_min = 0x10000;
	models[1].limits.iova_max = 0xffffff;
	d = setup(&w);
	assert_int_equal(weir_domain_map(d, UINT64_C(1) << 40, PAGE, PAGE, WEIR_MAP_READ), 0);
	assert_int_equal(join(d, 0), WEIR_EINVAL);
	assert_null(weir_domain_tables(d));
	assert_int_equal(weir_domain_unmap(d, UINT64_C(1) << 40, PAGE), 0);
	assert_int_equal(join(d, 0), 0);
	weir_domain_limits_get(d, &l);
	assert_int_equal(l.iova_max, (UINT64_C(1) << 40) - 1);
	assert_int_equal(map_page(d, 1), 0);
	assert_int_equal(join(d, 1), WEIR_EINVAL);
	assert_int_equal(weir_domain_unmap(d, PAGE, PAGE), 0);
	assert_int_equal(weir_domain_map(d, 0x1000000, PAGE, PAGE, WEIR_MAP_READ), 0);
	assert_int_equal(join(d, 1), WEIR_EINVAL);
	assert_int_equal(weir_domain_unmap(d, 0x1000000, PAGE), 0);
	assert_int_equal(join(d, 1), 0);
	assert_int_equal(map_page(d, 1), WEIR_ERANGE);
	leave(d, 1);
	leave(d, 0);
	teardown(&w, d);
}

/* By a caller who says that it is a whole mapping, too: that is tried first, and costs no invalidation. */
static int unmap_one(struct weir_domain *d, uint64_t page, bool whole)
{
	return whole ? weir_domain_unmap_whole_(d, page * PAGE, PAGE, true)
		     : weir_domain_unmap(d, page * PAGE, PAGE);
}

static void test_tables_pages_are_split(void **state)
{
	struct weir_domain *d;
	struct world w;
	uint64_t pa;

	(void)state;
	for (unsigned int i = 0; i < 6; i++) {
		unsigned int level = i / 2;
		bool whole = i % 2;

		be_models();
		models[0].config.bbm_level = level;
		d = setup(&w);
		assert_int_equal(join(d, 0), 0);
		assert_int_equal(weir_domain_map(d, BLOCK, 4 * BLOCK, BLOCK, WEIR_MAP_READ), 0);
		assert_int_equal(reach(d, 0, 515), 4 * BLOCK + 3 * PAGE);
		if (level == 0) {
			assert_int_equal(unmap_one(d, 515, whole), WEIR_EBUSY);
			assert_int_equal(reach(d, 0, 515), 4 * BLOCK + 3 * PAGE);
		} else {
			assert_int_equal(unmap_one(d, 515, whole), 0);
			assert_int_equal(reach(d, 0, 515), 0);
			assert_int_equal(weir_domain_translate(d, 515 * PAGE, &pa), WEIR_ENOENT);
			assert_int_equal(models[0].syncs, level == 1 ? 2 : 1);
		}
		assert_int_equal(reach(d, 0, 514), 4 * BLOCK + 2 * PAGE);
		assert_int_equal(reach(d, 0, 516), 4 * BLOCK + 4 * PAGE);
		leave(d, 0);
		teardown(&w, d);
	}
}

/* What was unmapped without power is told before it is used again, all at once. */
static void test_tables_and_power(void **state)
{
	struct weir_domain *d;
	struct world w;

	(void)state;
	be_models();
	d = setup(&w);
	assert_int_equal(join(d, 0), 0);
	assert_int_equal(map_pages(d, 20), 0);
	assert_reach(d, 0, 1, 20, true);
	assert_int_equal(weir_iommu_power(models[0].dev, false), 0);
	models[0].off = true;
	assert_int_equal(weir_domain_unmap(d, PAGE, 10 * PAGE), 0);
	assert_int_equal(map_page(d, 21), 0);
	assert_int_equal(join(d, 1), 0); /* one more comes meanwhile */
	models[0].off = false;
	assert_int_equal(weir_iommu_power(models[0].dev, true), 0);
	assert_int_equal(models[0].invalidations, 1);
	assert_reach(d, 0, 1, 10, false);
	assert_reach(d, 0, 11, 21, true);
	assert_reach(d, 1, 11, 21, true);
	assert_int_equal(weir_domain_unmap(d, 11 * PAGE, PAGE), 0);
	assert_int_equal(models[0].invalidations, 2);
	/* made without power: told nothing, then all */
	leave(d, 0);
	assert_int_equal(weir_iommu_power(models[0].dev, false), 0);
	assert_int_equal(join(d, 0), 0);
	assert_int_equal(weir_domain_unmap(d, 12 * PAGE, PAGE), 0);
	assert_int_equal(weir_iommu_power(models[0].dev, true), 0);
	assert_reach(d, 0, 11, 12, false);
	assert_reach(d, 0, 13, 21, true);
	leave(d, 0);
	leave(d, 1);
	teardown(&w, d);
}

static void test_tables_not_confirmed(void **state)
{
	struct weir_domain *d;
	struct world w;
	uint64_t bytes;

	(void)state;
	be_models();
	d = setup(&w);
	assert_int_equal(join(d, 0), 0);
	assert_int_equal(map_pages(d, 1000), 0);
	bytes = weir_table_memory(weir_domain_table_(d));
	assert_reach(d, 0, 1, 1000, true);
	models[0].fail_sync = true;
	/* tables that it may yet walk are not freed: it does */
	assert_int_equal(weir_domain_unmap(d, PAGE, 1023 * PAGE), WEIR_EIO);
	assert_reach(d, 0, 1, 1000, true);
	assert_int_equal(weir_table_memory(weir_domain_table_(d)), bytes);
	models[0].fail_sync = false;
	assert_int_equal(join(d, 0), WEIR_EIO);
	leave(d, 0);
	assert_int_equal(join(d, 0), 0);
	assert_reach(d, 0, 1, 1000, false);
	leave(d, 0);
	teardown(&w, d);
}

static void test_tables_outlive_instances(void **state)
{
	struct weir_domain *d;
	struct world w;

	(void)state;
	be_models();
	models[0].ops.walks = NULL; /* takes none but what it made, and such again */
	d = setup(&w);
	assert_int_equal(join(d, 0), 0);
	assert_int_equal(map_pages(d, 20), 0);
	leave(d, 0);
	assert_int_equal(map_page(d, 21), 0);
	assert_int_equal(weir_domain_unmap(d, PAGE, PAGE), 0);
	assert_int_equal(join(d, 0), 0);
	assert_reach(d, 0, 1, 1, false);
	assert_reach(d, 0, 2, 21, true);
	leave(d, 0);
	assert_int_equal(join(d, 1), 0);
	assert_reach(d, 1, 2, 21, true);
	leave(d, 1);
	teardown(&w, d);
}

/* ---- the host ---- */

static void scenario(struct testhost *host, void *arg)
{
	struct weir_domain *d = NULL;
	struct world w = { 0 };
	bool joined = false;
	int err;

	(void)arg;
	be_models();
	err = world_try_open(&w, host, NULL);
	if (!err)
		err = bring_up(&w);
	if (!err)
		err = weir_domain_create(w.m, WEIR_DOMAIN_UNMANAGED, &d);
	if (!err)
		err = map_pages(d, 70);
	if (!err) {
		err = join(d, 0);
		joined = !err;
		if (err) { /* as before: it can be tried again */
			assert_null(weir_domain_tables(d));
			assert_int_equal(map_page(d, 71), 0);
			assert_int_equal(join(d, 0), 0);
			assert_reach(d, 0, 1, 71, true);
			leave(d, 0);
		}
	}
	if (joined) {
		assert_reach(d, 0, 1, 70, true);
		err = weir_domain_map(d, BLOCK, BLOCK, BLOCK, WEIR_MAP_READ);
		if (!err)
			err = weir_domain_unmap(d, BLOCK + PAGE, PAGE);
		assert_int_equal(weir_domain_unmap(d, PAGE, 70 * PAGE), 0);
		assert_reach(d, 0, 1, 70, false);
		leave(d, 0);
	}
	weir_domain_unref(d);
	if (!testhost_fault_hit(host))
		assert_int_equal(err, 0);
	if (w.m)
		weir_machine_destroy(w.m);
}

static void test_tables_host_calls_fail(void **state)
{
	(void)state;
	memory = tablehost_create(true, 40);
	assert_in_range(testhost_sweep(tablehost_ops(memory), memory, scenario, NULL), 40, 200);
	memory = tablehost_destroy(memory);
	assert_int_equal(models[0].parts, 0);
}

/* ---- threads ---- */

struct worker {
	pthread_t thread;
	struct weir_domain *d;
	uint64_t first, pages; /* its own, so what it maps is what it finds */
	unsigned int seed;
	bool walks;            /* model 1 stays, and the tables are there */
	_Atomic bool *stop;
};

static void *work(void *arg)
{
	struct worker *wk = arg;
	uint64_t pa;

	while (!atomic_load(wk->stop)) {
		uint64_t page = wk->first + (uint64_t)rand_r(&wk->seed) % wk->pages;

		if (map_page(wk->d, page) == 0) {
			if (wk->walks && reach(wk->d, 1, page) != (page + 100000) * PAGE)
				abort();
			continue;
		}
		if (weir_domain_translate(wk->d, page * PAGE, &pa) || pa != (page + 100000) * PAGE ||
		    weir_domain_unmap(wk->d, page * PAGE, PAGE) ||
		    (wk->walks && reach(wk->d, 1, page)))
			abort();
	}
	return NULL;
}

static void start(struct worker *workers, struct weir_domain *d, bool may_walk, _Atomic bool *stop)
{
	for (unsigned int i = 0; i < 2; i++) {
		workers[i] = (struct worker){ .d = d, .first = 1 + i * (N_PAGES / 2),
					      .pages = N_PAGES / 2, .seed = i, .walks = may_walk,
					      .stop = stop };
		assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
	}
}

static void join_threads(struct worker *workers, _Atomic bool *stop)
{
	atomic_store(stop, true);
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
}

/* Domains move from books to tables while two threads map and unmap in them. */
static void test_tables_threads_move(void **state)
{
	struct worker workers[2];
	struct weir_domain *d;
	struct world w;

	(void)state;
	be_models();
	d = setup(&w);
	for (unsigned int round = 0; round < 30; round++) {
		_Atomic bool stop = false;
		struct weir_domain *one;

		assert_int_equal(weir_domain_create(w.m, WEIR_DOMAIN_UNMANAGED, &one), 0);
		assert_int_equal(map_pages(one, N_PAGES), 0);
		start(workers, one, false, &stop);
		assert_int_equal(join(one, 0), 0);
		assert_non_null(weir_domain_tables(one));
		join_threads(workers, &stop);
		for (uint64_t page = 1; page <= N_PAGES; page++) {
			uint64_t pa = 0;

			(void)weir_domain_translate(one, page * PAGE, &pa);
			assert_int_equal(reach(one, 0, page), pa);
		}
		leave(one, 0);
		weir_domain_unref(one);
	}
	teardown(&w, d);
}

/* Instances come and go, and sleep, while two threads map and unmap. */
static void test_tables_threads(void **state)
{
	_Atomic bool stop = false;
	struct worker workers[2];
	struct weir_domain *d;
	struct world w;

	(void)state;
	be_models();
	d = setup(&w);
	assert_int_equal(join(d, 1), 0);
	assert_int_equal(weir_domain_reserve(d, 0, (N_PAGES + 1) * PAGE), 0);
	start(workers, d, true, &stop);
	for (unsigned int round = 0; round < 200; round++) {
		assert_int_equal(join(d, 0), 0);
		if (round % 3 == 0) {
			assert_int_equal(weir_iommu_power(models[0].dev, false), 0);
			assert_int_equal(weir_iommu_power(models[0].dev, true), 0);
		}
		leave(d, 0);
	}
	join_threads(workers, &stop);
	for (uint64_t page = 1; page <= N_PAGES; page++) {
		uint64_t pa = 0;

		(void)weir_domain_translate(d, page * PAGE, &pa);
		assert_int_equal(reach(d, 1, page), pa);
	}
	leave(d, 1);
	teardown(&w, d);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tables_get_what_was_mapped),
		cmocka_unit_test(test_tables_map_asks_nobody),
		cmocka_unit_test(test_tables_are_shared),
		cmocka_unit_test(test_tables_are_refused),
		cmocka_unit_test(test_tables_and_limits),
		cmocka_unit_test(test_tables_pages_are_split),
		cmocka_unit_test(test_tables_and_power),
		cmocka_unit_test(test_tables_not_confirmed),
		cmocka_unit_test(test_tables_outlive_instances),
		cmocka_unit_test(test_tables_host_calls_fail),
		cmocka_unit_test(test_tables_threads_move),
		cmocka_unit_test(test_tables_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
