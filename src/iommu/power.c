// SPDX-License-Identifier: MIT
/*
 * An instance's own state: its lock, and its power. While it is off nothing is asked of
 * the hardware and the books go on; before it is on again, everything is brought to where
 * the books say it is.
 */
#include "iommu/priv.h"

void weir_iommu_lock_(struct weir_iommu *iommu)
{
	iommu->dev->m->ops->lock(iommu->dev->m->host, iommu->lock);
}

void weir_iommu_unlock_(struct weir_iommu *iommu)
{
	iommu->dev->m->ops->unlock(iommu->dev->m->host, iommu->lock);
}

int weir_iommu_init_(struct weir_iommu *iommu)
{
	struct weir_machine *m = iommu->dev->m;
	int err;

	iommu->lock = m->ops->lock_create(m->host, WEIR_LOCK_INSTANCE);
	if (!iommu->lock)
		return WEIR_ENOMEM;
	weir_list_init(&iommu->parts);
	weir_list_init(&iommu->dead_parts);
	weir_list_init(&iommu->joined);
	err = weir_faults_init_(iommu);
	if (err)
		m->ops->lock_destroy(m->host, iommu->lock);
	return err;
}

void weir_iommu_fini_(struct weir_iommu *iommu)
{
	weir_faults_fini_(iommu);
	weir_parts_end_(iommu);
	iommu->dev->m->ops->lock_destroy(iommu->dev->m->host, iommu->lock);
}

/* ---- power ---- */

/* Everything is brought to where the books say it is. Instance lock held. */
static int replay(struct weir_iommu *iommu)
{
	struct weir_stream *stream;
	struct weir_part *part;
	int err = 0;

	weir_parts_bury_(iommu);
	weir_list_each(part, &iommu->parts, struct weir_part, at_iommu) {
		part->unseen = false;
		err = weir_part_fill_(part);
		if (err)
			return err;
	}
	if (!iommu->ops->attach)
		return 0;
	weir_list_each(stream, &iommu->joined, struct weir_stream, joined) {
		err = iommu->ops->attach(iommu->instance, stream->id, stream->type,
					 stream->part ? stream->part->driver : NULL);
		if (err)
			return err;
	}
	return 0;
}

int weir_iommu_power(struct weir_device *dev, bool on)
{
	struct weir_iommu *iommu = dev->iommu;
	struct weir_part *part;
	int err = 0;

	if (!iommu)
		return WEIR_ENOENT;
	weir_iommu_lock_(iommu);
	if (on && iommu->off)
		err = replay(iommu);
	if (!on || err)
		weir_list_each(part, &iommu->parts, struct weir_part, at_iommu)
			weir_part_empty_(part);
	if (!err)
		iommu->off = !on;
	weir_iommu_unlock_(iommu);
	return err;
}
