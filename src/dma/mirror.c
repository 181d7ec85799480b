// SPDX-License-Identifier: MIT
/*
 * What a device that goes without its IOMMU has mapped: a domain that nobody is behind, until
 * the IOMMU comes late and adopts the device with it. The device's calls go on as
 * before, and the domain follows them: a page is in it while something in it is mapped.
 *
 * Made before the device's probe, gone with its driver. The spin lock guards the pages and
 * is held around the domain's calls, so that a page's count and its mapping agree.
 */
#include "dma/priv.h"

#include "core/tree.h"
#include "iommu/priv.h"

#define PAGE UINT64_C(4096)
#define BATCH 64u /* pages that are looked at with the lock held */

struct page {
	struct weir_tree_node node;
	uint64_t at;      /* on the bus */
	uint64_t users;   /* pieces that have something of it */
	bool others;      /* it is mapped for interrupts, or since firmware, as well: it stays */
};

struct weir_dma_mirror {
	struct weir_machine *m;      /* (c) */
	struct weir_domain *domain;  /* (c) referenced */
	struct weir_spin spin;
	struct weir_tree pages;      /* (s) struct page by at */
};

static struct page *of(struct weir_tree_node *node)
{
	return node ? weir_container_of(node, struct page, node) : NULL;
}

/* The first page from @at on. */
static struct page *page_from(struct weir_dma_mirror *mirror, uint64_t at)
{
	struct weir_tree_node *node = mirror->pages.root;
	struct page *best = NULL;

	while (node) {
		if (of(node)->at >= at) {
			best = of(node);
			node = node->left;
		} else {
			node = node->right;
		}
	}
	return best;
}

/* The device needs it, whatever its driver maps and unmaps. */
static int leave_mapped(struct weir_domain *domain, uint64_t first, uint64_t last)
{
	struct weir_dma_mirror *mirror = domain->mirror;
	unsigned long before = weir_spin_lock(&mirror->spin);
	struct page *page = page_from(mirror, first & ~(PAGE - 1));

	for (; page && page->at <= last; page = of(weir_tree_next_(&page->node)))
		page->others = true;
	weir_spin_unlock(&mirror->spin, before);
	return 0;
}

static void destroy(struct weir_dma_mirror *mirror)
{
	struct weir_tree_node *node;

	while ((node = mirror->pages.root)) {
		weir_tree_erase_(&mirror->pages, node);
		weir_atomic_free(mirror->m, of(node), sizeof(struct page));
	}
	if (mirror->domain) {
		mirror->domain->reserve = NULL;
		mirror->domain->mirror = NULL;
		weir_domain_unref(mirror->domain);
	}
	weir_spin_fini(&mirror->spin);
	weir_atomic_free(mirror->m, mirror, sizeof(*mirror));
}

static int create(struct weir_machine *m, struct weir_dma_mirror **out_mirror)
{
	struct weir_dma_mirror *mirror = weir_atomic_alloc(m, sizeof(*mirror));
	int err;

	if (!mirror)
		return WEIR_ENOMEM;
	mirror->m = m;
	err = weir_spin_init(&mirror->spin, m, WEIR_LOCK_MIRROR);
	if (!err)
		err = weir_domain_make_(m, WEIR_DOMAIN_UNMANAGED, &mirror->domain);
	if (err) {
		destroy(mirror);
		return err;
	}
	mirror->domain->mirror = mirror;
	mirror->domain->reserve = leave_mapped;
	*out_mirror = mirror;
	return 0;
}

struct weir_domain *weir_dma_mirror_domain_(const struct weir_device *dev)
{
	const struct weir_dma *dma = atomic_load(&dev->dma);

	return dma && dma->mirror ? dma->mirror->domain : NULL;
}

/* ---- one page; the lock is held ---- */

static int map_page(struct weir_dma_mirror *mirror, struct page *page, uint64_t pa)
{
	uint64_t there;
	int err = weir_domain_map(mirror->domain, page->at, pa, PAGE,
				  WEIR_MAP_READ | WEIR_MAP_WRITE);

	if (err != WEIR_EEXIST || weir_domain_translate(mirror->domain, page->at, &there) ||
	    there != pa)
		return err;
	page->others = true;
	return 0;
}

static int add_page(struct weir_dma_mirror *mirror, uint64_t at, uint64_t pa)
{
	struct weir_tree_node **link = &mirror->pages.root, *parent = NULL;
	struct page *page;
	int err;

	while (*link) {
		parent = *link;
		if (of(parent)->at == at) {
			of(parent)->users++;
			return 0;
		}
		link = at < of(parent)->at ? &parent->left : &parent->right;
	}
	page = weir_atomic_alloc(mirror->m, sizeof(*page));
	if (!page)
		return WEIR_ENOMEM;
	page->at = at;
	page->users = 1;
	err = map_page(mirror, page, pa);
	if (err)
		weir_atomic_free(mirror->m, page, sizeof(*page));
	else
		weir_tree_insert_(&mirror->pages, parent, link, &page->node);
	return err;
}

static int del_page(struct weir_dma_mirror *mirror, uint64_t at)
{
	struct weir_tree_node *node = mirror->pages.root;
	struct page *page;
	int err = 0;

	while (node && of(node)->at != at)
		node = at < of(node)->at ? node->left : node->right;
	page = of(node);
	if (!page || --page->users)
		return 0;
	if (!page->others)
		err = weir_domain_unmap(mirror->domain, at, PAGE);
	weir_tree_erase_(&mirror->pages, node);
	weir_atomic_free(mirror->m, page, sizeof(*page));
	return err;
}

/* ---- pieces ---- */

/*
 * A piece may be large, and each page of it is looked at: the lock is let go now and then. Others may then
 * have to do with the same pages, which are counted one by one.
 */
static unsigned long let_others(struct weir_dma_mirror *mirror, uint64_t i, unsigned long before)
{
	if (i % BATCH != BATCH - 1)
		return before;
	weir_spin_unlock(&mirror->spin, before);
	return weir_spin_lock(&mirror->spin);
}

static int del_pages(struct weir_dma_mirror *mirror, uint64_t first, uint64_t nr)
{
	unsigned long before = weir_spin_lock(&mirror->spin);
	int err = 0;

	for (uint64_t i = 0; i < nr; i++) {
		int e = del_page(mirror, first + i * PAGE);

		err = err ? err : e;
		before = let_others(mirror, i, before);
	}
	weir_spin_unlock(&mirror->spin, before);
	return err;
}

/* Of a range that does not wrap: so neither does this. */
static uint64_t count_pages(uint64_t at, uint64_t bytes)
{
	return (at + (bytes - 1)) / PAGE - at / PAGE + 1;
}

static int add(struct weir_dma_mirror *mirror, uint64_t bus, uint64_t pa, uint64_t bytes)
{
	uint64_t first = bus & ~(PAGE - 1), first_pa = pa & ~(PAGE - 1), nr, done;
	struct weir_domain_limits limits;
	unsigned long before;
	int err = 0;

	/* a bus whose addresses differ by less than a page cannot be mirrored */
	if (!bytes || bus + (bytes - 1) < bus || ((bus ^ pa) & (PAGE - 1)))
		return WEIR_ERANGE;
	/* found out before, not at the last of many pages */
	weir_domain_limits_get(mirror->domain, &limits);
	if (bus + (bytes - 1) > limits.iova_max)
		return WEIR_ERANGE;
	nr = count_pages(bus, bytes);
	before = weir_spin_lock(&mirror->spin);
	for (done = 0; done < nr; done++) {
		err = add_page(mirror, first + done * PAGE, first_pa + done * PAGE);
		if (err)
			break;
		before = let_others(mirror, done, before);
	}
	weir_spin_unlock(&mirror->spin, before);
	if (err)
		(void)del_pages(mirror, first, done);
	return err;
}

static int del(struct weir_dma_mirror *mirror, uint64_t bus, uint64_t bytes)
{
	if (!bytes || bus + (bytes - 1) < bus)
		return 0;
	return del_pages(mirror, bus & ~(PAGE - 1), count_pages(bus, bytes));
}

const struct weir_dma_mirroring weir_dma_mirroring_ = {
	.create = create,
	.destroy = destroy,
	.add = add,
	.del = del,
};
