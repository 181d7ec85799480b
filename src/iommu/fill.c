// SPDX-License-Identifier: MIT
/*
 * What is in a part: how an instance is told of mappings.
 *
 * A part that comes is published empty and filled in batches, so that the spin lock is
 * held only for a moment at a time. Mappings made and taken away meanwhile go to it when
 * they begin below filled_to; the filling brings the rest. An instance that loses its
 * power empties its parts in the same way, and has them filled again before it is used.
 * What goes wrong at a part that is being filled fails the filling, never the mapping.
 *
 * Locks: the instance's around its calls, the domain's spin lock for what is in the part.
 */
#include "iommu/priv.h"

#define FILL_BATCH 64u /* mappings given to a part under the spin lock at a time */

/* ---- calls of the instance; the domain's spin lock is held ---- */

static bool carries(const struct weir_part *part, const struct weir_mapping *mapping)
{
	return part->full || mapping->iova < part->filled_to;
}

/* Nothing is in it, so nothing has to be told: it was just made, or has no power, and caches nothing. */
static bool is_empty(const struct weir_part *part)
{
	return !part->full && !part->filled_to;
}

static int call_map(struct weir_part *part, const struct weir_mapping *mapping)
{
	const struct weir_iommu_ops *ops = part->iommu->ops;

	return ops->map ? ops->map(part->iommu->instance, part->driver, mapping->iova, mapping->pa,
				   mapping->bytes, mapping->prot)
			: 0;
}

static int call_unmap(struct weir_part *part, const struct weir_mapping *mapping)
{
	const struct weir_iommu_ops *ops = part->iommu->ops;

	return ops->unmap ? ops->unmap(part->iommu->instance, part->driver, mapping->iova,
				       mapping->bytes)
			  : 0;
}

static int call_sync_map(struct weir_part *part)
{
	const struct weir_iommu_ops *ops = part->iommu->ops;

	return ops->sync_map ? ops->sync_map(part->iommu->instance, part->driver) : 0;
}

static int call_sync(struct weir_part *part)
{
	const struct weir_iommu_ops *ops = part->iommu->ops;

	return ops->sync ? ops->sync(part->iommu->instance, part->driver) : 0;
}

/* A failure of an instance. Return: what the one who maps or unmaps is told. */
static int fail(struct weir_part *part)
{
	part->broken = true;
	return part->full ? WEIR_EIO : 0;
}

int weir_part_unmap_(struct weir_part *part, const struct weir_mapping *batch,
		     const struct weir_mapping *end, bool wait)
{
	int err = 0;

	if (is_empty(part))
		return 0;
	for (; batch != end && !err; batch = batch->next)
		if (carries(part, batch))
			err = call_unmap(part, batch);
	if (!err && wait)
		err = call_sync(part);
	return err ? fail(part) : 0;
}

int weir_part_map_(struct weir_part *part, struct weir_mapping *batch)
{
	struct weir_mapping *mapping;
	int err = 0;

	if (is_empty(part) || (part->broken && !part->full))
		return 0;
	for (mapping = batch; mapping && !err; mapping = err ? mapping : mapping->next)
		if (carries(part, mapping))
			err = call_map(part, mapping);
	if (!err)
		err = call_sync_map(part);
	if (!err)
		return 0;
	if (!part->full)
		return fail(part);
	return weir_part_unmap_(part, batch, mapping, true) ? WEIR_UNCONFIRMED_ : err;
}

/*
 * An instance tells of an unmapping that failed once, to whoever syncs next: that may be somebody
 * else than those who wait for it. So what is broken confirms nothing to anybody any more.
 */
int weir_part_sync_(struct weir_part *part)
{
	if (is_empty(part))
		return 0;
	return call_sync(part) || part->broken ? fail(part) : 0;
}

int weir_part_invalidate_(struct weir_part *part, const struct weir_invalidation *what)
{
	const struct weir_iommu_ops *ops = part->iommu->ops;
	int err = 0;

	if (is_empty(part)) /* without power nothing is cached */
		return 0;
	if (ops->invalidate)
		err = ops->invalidate(part->iommu->instance, part->driver, what);
	if (!err)
		err = call_sync(part);
	return err ? fail(part) : 0;
}

/* ---- filling ---- */

/* It has power again. There is nothing to give, but what was unmapped meanwhile was not told. */
static int walk_again(struct weir_part *part)
{
	struct weir_invalidation all;

	weir_tables_everything_(part->domain, &all);
	part->full = true;
	return weir_part_invalidate_(part, &all);
}

/* Return: 1 there is more to do; 0 it is full; negative. */
static int fill_some(struct weir_part *part)
{
	struct weir_mapping *mapping = weir_mapping_from_(part->domain, part->filled_to);
	unsigned int n;
	int err;

	if (part->broken)
		return WEIR_EIO;
	if (mapping && carries(part, mapping)) /* it came meanwhile and reaches beyond */
		mapping = weir_mapping_next_(mapping);
	for (n = 0; mapping && n < FILL_BATCH; n++) {
		err = call_map(part, mapping);
		if (err)
			return err;
		/* wraps to 0 only behind the last address, and then it is full */
		part->filled_to = mapping->iova + mapping->bytes;
		mapping = weir_mapping_next_(mapping);
	}
	err = n ? call_sync_map(part) : 0;
	if (err)
		return err;
	part->full = !mapping;
	return mapping ? 1 : 0;
}

int weir_part_fill_(struct weir_part *part)
{
	struct weir_domain *domain = part->domain;
	int r;

	do {
		unsigned long before = weir_spin_lock(&domain->spin);

		r = part->walks ? walk_again(part) : fill_some(part);
		weir_spin_unlock(&domain->spin, before);
	} while (r > 0);
	return r;
}

void weir_part_empty_(struct weir_part *part)
{
	unsigned long before = weir_spin_lock(&part->domain->spin);

	part->full = false;
	part->filled_to = 0;
	part->broken = false;
	weir_spin_unlock(&part->domain->spin, before);
}
