// SPDX-License-Identifier: MIT
/*
 * IOMMU instances, their masters, and group numbers.
 *
 * An instance is published in one step at the end of its driver's probe and found
 * through its firmware node. A master is attached to the instance of its first
 * specifier once all its instances are there, and keeps its group until it is
 * deleted or the instance goes. Guarded by the machine lock.
 */
#include "iommu/instance.h"

#include "firmware/dt/dt.h"

struct weir_iommu *weir_iommu_find_(struct weir_machine *m, const struct weir_fwnode *node)
{
	(void)m;
	return node->owner ? node->owner->iommu : NULL;
}

static int publish(struct weir_device *dev, const struct weir_iommu_ops *ops, void *instance)
{
	struct weir_machine *m = dev->m;
	struct weir_iommu *iommu;

	if (dev->iommu || dev->master_of)
		return WEIR_EEXIST;
	iommu = weir_alloc_(m, sizeof(*iommu));
	if (!iommu)
		return WEIR_ENOMEM;
	iommu->dev = dev;
	iommu->ops = ops;
	iommu->instance = instance;
	weir_list_init(&iommu->masters);
	weir_list_add_tail(&m->iommus, &iommu->node);
	dev->iommu = iommu;
	weir_event_dev_(WEIR_EVENT_IOMMU_ADD, dev, NULL, 0);
	if (m->policy->iommu_added)
		m->policy->iommu_added(dev);
	return 0;
}

int weir_iommu_register(struct weir_device *dev, const struct weir_iommu_ops *ops, void *instance)
{
	int err;

	if (!dev->fwnode)
		return WEIR_EINVAL;
	if (ops && (ops->abi.version != WEIR_ABI_VERSION || ops->abi.size < sizeof(*ops)))
		return WEIR_EINVAL;
	weir_lock_(dev->m);
	err = publish(dev, ops, instance);
	weir_unlock_(dev->m);
	return err;
}

static void retract(struct weir_device *dev)
{
	struct weir_iommu *iommu = dev->iommu;

	if (!iommu)
		return;
	while (!weir_list_empty(&iommu->masters))
		weir_iommu_detach_(weir_container_of(iommu->masters.next, struct weir_device,
						     master_node));
	dev->iommu = NULL;
	weir_list_del(&iommu->node);
	weir_event_dev_(WEIR_EVENT_IOMMU_DEL, dev, NULL, 0);
	weir_free_(dev->m, iommu, sizeof(*iommu));
}

void weir_iommu_unregister(struct weir_device *dev)
{
	weir_lock_(dev->m);
	retract(dev);
	weir_unlock_(dev->m);
}

void weir_iommus_free_(struct weir_machine *m)
{
	struct weir_iommu *iommu, *tmp;

	weir_list_each_safe(iommu, tmp, &m->iommus, struct weir_iommu, node)
		retract(iommu->dev);
	weir_free_(m, m->groups, m->nr_group_words * sizeof(*m->groups));
	m->groups = NULL;
}

/* ---- groups ---- */

/* The lowest number that is free. */
static int take_group(struct weir_machine *m, int *out_group)
{
	unsigned int bit;
	uint32_t w;

	for (w = 0; w < m->nr_group_words && m->groups[w] == ~0u; w++)
		;
	if (w == m->nr_group_words) {
		int err = weir_grow_(m, (void **)&m->groups, &m->nr_group_words, w,
				     sizeof(*m->groups));

		if (err)
			return err;
	}
	for (bit = 0; m->groups[w] >> bit & 1; bit++)
		;
	m->groups[w] |= 1u << bit;
	*out_group = (int)(w * 32 + bit);
	return 0;
}

static void give_group(struct weir_machine *m, int group)
{
	m->groups[group / 32] &= ~(1u << (group % 32));
}

int weir_iommu_attach_(struct weir_device *dev, struct weir_iommu *iommu)
{
	int group = 0, err;

	if (dev->master_of)
		return 0;
	err = take_group(dev->m, &group);
	if (err)
		return err;
	dev->group = group + 1;
	dev->master_of = iommu;
	weir_list_add_tail(&iommu->masters, &dev->master_node);
	weir_event_dev_(WEIR_EVENT_GROUP, dev, NULL, group);
	return 0;
}

void weir_iommu_detach_(struct weir_device *dev)
{
	if (!dev->master_of)
		return;
	give_group(dev->m, dev->group - 1);
	weir_list_del(&dev->master_node);
	dev->master_of = NULL;
	dev->group = 0;
}

int weir_device_group(const struct weir_device *dev)
{
	return dev->group ? dev->group - 1 : WEIR_ENOENT;
}

/* ---- what firmware says of a master ---- */

static int check_ids(struct weir_iommu *iommu, struct weir_device *dev, const uint8_t *args,
		     uint32_t nr_args)
{
	uint32_t cells[16];

	if (!iommu->ops || !iommu->ops->translate_ids)
		return 0;
	if (nr_args > 16)
		return WEIR_EINVAL;
	for (uint32_t i = 0; i < nr_args; i++)
		cells[i] = weir_be32_(args + 4 * (size_t)i);
	return iommu->ops->translate_ids(iommu->instance, dev, cells, nr_args);
}

int weir_iommu_configure_(struct weir_device *dev, struct weir_fwnode **out_missing)
{
	struct weir_fwnode *fw = dev->fwnode;
	const struct weir_dt_prop *prop;
	struct weir_iommu *first = NULL;
	struct weir_dt_cells cells;
	struct weir_dt_node *node;
	const uint8_t *args;
	uint32_t nr_args;

	if (dev->master_of || !fw || fw->ops != &weir_dt_ops_)
		return 0;
	prop = weir_dt_prop_(dev->m->dt, weir_dt_node_(fw), "iommus");
	if (!prop)
		return 0;
	cells = (struct weir_dt_cells){
		.dt = dev->m->dt, .at = prop->value, .end = prop->value + (prop->bytes & ~3u),
		.count_name = "#iommu-cells", .count_required = true,
	};
	while (weir_dt_cells_next_(&cells, &node, &args, &nr_args) == WEIR_DT_NODE) {
		struct weir_iommu *iommu;
		int err;

		if (node->fw.flags & WEIR_FWNODE_DISABLED)
			return WEIR_ENODEV;
		iommu = weir_iommu_find_(dev->m, &node->fw);
		if (!iommu) {
			*out_missing = &node->fw;
			return WEIR_EDEFER;
		}
		err = check_ids(iommu, dev, args, nr_args);
		if (err)
			return WEIR_EINVAL;
		first = first ? first : iommu;
	}
	return first ? weir_iommu_attach_(dev, first) : 0;
}
