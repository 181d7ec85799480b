// SPDX-License-Identifier: MIT
/*
 * Doorbells of message-signalled interrupts: a device writes to them as to memory, so where
 * an instance does not let them through they are mapped, to themselves, before a device is
 * put behind a domain (region.c). The machine keeps all that were ever told, guarded by its lock.
 */
#include "iommu/priv.h"

static bool is_known(const struct weir_machine *m, uint64_t page)
{
	for (uint32_t i = 0; i < m->nr_doorbells; i++)
		if (m->doorbells[i] == page)
			return true;
	return false;
}

int weir_msi_doorbell_add(struct weir_machine *m, uint64_t pa)
{
	uint64_t page = pa & ~UINT64_C(4095);
	int err = 0;

	if (!m->parts.iommu)
		return 0; /* nothing that it would have to be mapped in */
	weir_lock_(m);
	if (!is_known(m, page)) {
		err = weir_grow_(m, (void **)&m->doorbells, &m->max_doorbells, m->nr_doorbells,
				 sizeof(*m->doorbells));
		if (!err)
			m->doorbells[m->nr_doorbells++] = page;
	}
	weir_unlock_(m);
	return err;
}

void weir_msi_free_(struct weir_machine *m)
{
	weir_free_(m, m->doorbells, m->max_doorbells * sizeof(*m->doorbells));
}

int weir_msi_map(struct weir_device *dev, const struct weir_msi *msi, struct weir_msi *out_msi)
{
	struct weir_machine *m = dev->m;
	struct weir_group *group = NULL;
	/* also for a device without IOMMU so far: one may come late, and find it bound */
	int err = weir_msi_doorbell_add(m, msi->pa);

	if (err)
		return err;
	weir_lock_(m);
	if (dev->master) {
		group = dev->master->group;
		weir_group_ref_(group);
	}
	weir_unlock_(m);
	if (group) {
		m->ops->lock(m->host, group->lock);
		if (group->usual) /* it still has masters */
			err = weir_regions_doorbell_(group, msi->pa);
		m->ops->unlock(m->host, group->lock);
		weir_lock_(m);
		weir_group_unref_(group);
		weir_unlock_(m);
	}
	if (!err)
		*out_msi = *msi;
	return err;
}
