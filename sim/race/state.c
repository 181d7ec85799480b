// SPDX-License-Identifier: MIT
/* See state.h. */
#include "race/state.h"

#include "core/core.h"

#define MAX_WAITING 4096

static uint64_t of_device(uint64_t hash, const struct weir_device *dev)
{
	const struct weir_link *link;

	hash = race_mix(hash, dev->seq);
	hash = race_mix(hash, (uint64_t)dev->status << 8 | (uint64_t)dev->busy << 4 |
			      (uint64_t)dev->can_match << 3 | (uint64_t)dev->was_bound << 2 |
			      (uint64_t)(dev->iommu != NULL) << 1 | (dev->master != NULL));
	hash = race_mix(hash, dev->reg ? dev->reg->seq : 0);
	hash = race_mix(hash, (uint64_t)(uint32_t)dev->iommu_err << 32 | dev->wait_word);
	hash = race_mix(hash, dev->nr_blocking);
	weir_list_each(link, &dev->suppliers, struct weir_link, c_node)
		hash = race_mix(hash, (uint64_t)link->supplier->seq << 32 |
				      (uint64_t)link->state << 24 | (link->flags & 0xffffffu));
	return hash;
}

/* Who comes after whom: a list that holds two devices in another order is another state. */
static uint64_t of_lists(uint64_t hash, const struct weir_device **waiting, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint32_t next = 0;

		for (size_t j = 0; j < n && !next; j++)
			if (waiting[i]->wait_node.next == &waiting[j]->wait_node)
				next = waiting[j]->seq;
		hash = race_mix(hash, (uint64_t)waiting[i]->seq << 32 | next);
	}
	return hash;
}

uint64_t race_state(const struct weir_machine *m)
{
	const struct weir_device *dev, *waiting[MAX_WAITING];
	uint64_t hash = 1;
	size_t n = 0;

	weir_list_each(dev, &m->devices, struct weir_device, all_node) {
		hash = of_device(hash, dev);
		if (!weir_list_empty(&dev->wait_node) && n < MAX_WAITING)
			waiting[n++] = dev;
	}
	return of_lists(hash, waiting, n);
}
