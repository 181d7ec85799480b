// SPDX-License-Identifier: MIT
/*
 * Domains and their parts at two modelled instances, without groups, for tests of them: what an
 * instance was told of is compared with the books.
 */
#ifndef WEIR_TESTS_PARTBED_H
#define WEIR_TESTS_PARTBED_H

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

static inline int fault(void)
{
	return fail_in && --fail_in == 0 ? WEIR_EIO : 0;
}

static inline int part_create(void *instance, struct weir_domain *domain, void **out_part)
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

static inline void part_destroy(void *instance, void *part)
{
	struct model *m = instance;

	m->parts--;
	if (m->last == part)
		m->last = NULL;
	free(part);
}

static inline int map(void *instance, void *driver, uint64_t iova, uint64_t pa, uint64_t bytes,
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

static inline int unmap(void *instance, void *driver, uint64_t iova, uint64_t bytes)
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

static inline int sync(void *instance, void *driver)
{
	struct part *part = driver;

	((struct model *)instance)->syncs++;
	if (fault())
		return WEIR_EIO;
	part->waiting = 0;
	return 0;
}

static inline void limits(void *instance, struct weir_domain_limits *out_limits)
{
	*out_limits = ((struct model *)instance)->limits;
}

static inline int walks(void *instance, const struct weir_tables *tables)
{
	if (fault())
		return WEIR_EIO;
	return ((struct model *)instance)->tables && tables->format == WEIR_TABLE_ARM_S2
		       ? 0
		       : WEIR_EOPNOTSUPP;
}

static inline int invalidate(void *instance, void *part, const struct weir_invalidation *what)
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

static inline int iommu_probe(struct world *w, struct weir_device *dev)
{
	unsigned int i = (unsigned int)(weir_device_name(dev)[0] - 'a');

	(void)w;
	models[i].dev = dev;
	return weir_iommu_register(dev, &model_ops, &models[i]);
}

static inline void iommu_remove(struct weir_device *dev)
{
	weir_iommu_unregister(dev);
}

static inline void bring_up(struct world *w)
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

static inline void setup(struct world *w)
{
	world_open(w, NULL);
	bring_up(w);
}

static inline void teardown(struct world *w)
{
	fail_in = 0;
	world_close(w);
	for (unsigned int i = 0; i < N_MODELS; i++)
		assert_int_equal(models[i].parts, 0);
}

static inline int join(struct weir_domain *d, unsigned int model)
{
	return weir_part_get_(d, models[model].iommu);
}

static inline void leave(struct weir_domain *d, unsigned int model)
{
	weir_part_put_(d, models[model].iommu);
}

static inline struct part *part_of(struct weir_domain *d, unsigned int model)
{
	return weir_part_find_(d, models[model].iommu)->driver;
}

/* The part says what the books say. */
static inline void assert_same(struct weir_domain *d, unsigned int model)
{
	const struct part *part = part_of(d, model);

	assert_int_equal(part->waiting, 0);
	for (uint64_t page = 1; page <= N_PAGES; page++) {
		uint64_t pa = 0;

		(void)weir_domain_translate(d, page * PAGE, &pa);
		assert_int_equal(part->pa[page], pa);
	}
}

static inline struct weir_domain *make_domain(struct world *w)
{
	struct weir_domain *d;

	assert_int_equal(weir_domain_create(w->m, WEIR_DOMAIN_UNMANAGED, &d), 0);
	return d;
}

/* Page @page to some memory of its own. */
static inline int map_page(struct weir_domain *d, uint64_t page)
{
	return weir_domain_map(d, page * PAGE, (page + 100000) * PAGE, PAGE, WEIR_MAP_READ);
}

static inline void map_pages(struct weir_domain *d, uint64_t n)
{
	for (uint64_t page = 1; page <= n; page++)
		assert_int_equal(map_page(d, page), 0);
}

#endif
