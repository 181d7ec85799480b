// SPDX-License-Identifier: MIT
/*
 * IOMMU instances and their masters.
 *
 * An instance is published in one step at the end of its driver's probe and found
 * through its firmware node. A device becomes a master when all its instances are
 * there: it gets a group, which gets its default domain. It stays one until it is
 * deleted or an instance goes. Guarded by the machine lock.
 */
#include "iommu/priv.h"

static const struct weir_iommu_ops no_ops = { .abi = WEIR_ABI(struct weir_iommu_ops) };

struct weir_iommu *weir_iommu_find_(const struct weir_fwnode *node)
{
	return node->owner ? node->owner->iommu : NULL;
}

/* ---- publishing ---- */

static int publish(struct weir_device *dev, const struct weir_iommu_ops *ops, void *instance)
{
	struct weir_machine *m = dev->m;
	struct weir_iommu *iommu;
	int err;

	if (dev->iommu || dev->master)
		return WEIR_EEXIST;
	iommu = weir_alloc_(m, sizeof(*iommu));
	if (!iommu)
		return WEIR_ENOMEM;
	iommu->dev = dev;
	iommu->ops = ops ? ops : &no_ops;
	iommu->hardware = ops && ops->attach;
	iommu->instance = instance;
	weir_list_init(&iommu->streams);
	err = weir_iommu_init_(iommu);
	if (err) {
		weir_free_(m, iommu, sizeof(*iommu));
		return err;
	}
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
	while (!weir_list_empty(&iommu->streams))
		weir_iommu_detach_(weir_container_of(iommu->streams.next, struct weir_stream,
						     at_iommu)->master->dev);
	dev->iommu = NULL;
	weir_list_del(&iommu->node);
	weir_event_dev_(WEIR_EVENT_IOMMU_DEL, dev, NULL, 0);
	weir_unlock_(dev->m);
	weir_iommu_fini_(iommu);
	weir_lock_(dev->m);
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
	if (m->blocked)
		weir_domain_unref_(m->blocked);
	if (m->identity)
		weir_domain_unref_(m->identity);
	weir_free_(m, m->group_numbers, m->nr_group_words * sizeof(*m->group_numbers));
}

/* ---- what firmware says of a master ---- */

static int translate(struct weir_iommu *iommu, struct weir_device *dev,
		     const struct weir_fwspec *spec, uint32_t *out_stream)
{
	if (iommu->ops->translate_ids)
		return iommu->ops->translate_ids(iommu->instance, dev, spec->cells, spec->nr_cells,
						 out_stream);
	*out_stream = spec->nr_cells ? spec->cells[0] : 0;
	return 0;
}

/*
 * The stream of a device's @index-th specifier; see weir_iommu_configure_ for errors.
 * Return: 1 with a stream; 0 at the end; negative.
 */
static int stream_at(struct weir_device *dev, unsigned int index, struct weir_stream *out_stream,
		     struct weir_fwnode **out_missing)
{
	struct weir_fwspec spec;
	int err = dev->fwnode ? weir_firmware_spec(dev->fwnode, index, &spec) : WEIR_ENOENT;

	if (err)
		return err == WEIR_ENOENT ? 0 : err;
	if (spec.target->flags & WEIR_FWNODE_DISABLED)
		return WEIR_ENODEV;
	out_stream->iommu = weir_iommu_find_(spec.target);
	if (!out_stream->iommu) {
		*out_missing = spec.target;
		return WEIR_EDEFER;
	}
	return translate(out_stream->iommu, dev, &spec, &out_stream->id) ? WEIR_EINVAL : 1;
}

/* ---- masters ---- */

static size_t master_bytes(uint32_t nr_streams)
{
	return sizeof(struct weir_master) + nr_streams * sizeof(struct weir_stream);
}

static void free_master(struct weir_master *master)
{
	struct weir_machine *m = master->dev->m;

	for (uint32_t i = 0; i < master->nr_streams; i++)
		weir_list_del(&master->streams[i].at_iommu);
	master->dev->master = NULL;
	weir_free_(m, master, master_bytes(master->nr_streams));
}

static int make_master(struct weir_device *dev, uint32_t nr_streams, struct weir_master **out_master)
{
	struct weir_master *master = weir_alloc_(dev->m, master_bytes(nr_streams));
	int err;

	if (!master)
		return WEIR_ENOMEM;
	master->dev = dev;
	master->nr_streams = nr_streams;
	weir_list_init(&master->group_node);
	for (uint32_t i = 0; i < nr_streams; i++) {
		master->streams[i].master = master;
		weir_list_init(&master->streams[i].at_iommu);
	}
	err = weir_group_create_(dev->m, &master->group);
	if (err) {
		weir_free_(dev->m, master, master_bytes(nr_streams));
		return err;
	}
	weir_list_add_tail(&master->group->masters, &master->group_node);
	*out_master = master;
	return 0;
}

static int collect(struct weir_device *dev, uint32_t nr_streams, struct weir_master **out_master)
{
	struct weir_fwnode *missing;
	struct weir_master *master;
	int err = make_master(dev, nr_streams, &master);

	if (err)
		return err;
	for (uint32_t i = 0; i < nr_streams; i++) {
		struct weir_stream *stream = &master->streams[i];

		stream_at(dev, i, stream, &missing);
		weir_list_add_tail(&stream->iommu->streams, &stream->at_iommu);
	}
	dev->master = master;
	*out_master = master;
	return 0;
}

/* Blocked first, and out of everything then. The lock is dropped while hardware is told. */
void weir_iommu_detach_(struct weir_device *dev)
{
	struct weir_machine *m = dev->m;
	struct weir_master *master = dev->master;
	struct weir_group *group;

	if (!master)
		return;
	group = master->group;
	if (group->domain) {
		weir_unlock_(m);
		weir_group_leave_(group);
		weir_lock_(m);
		if (dev->master != master)
			return;
	}
	weir_list_del(&master->group_node);
	if (weir_list_empty(&group->masters))
		weir_group_destroy_(group);
	free_master(master);
}

/* Masters of real hardware translate from the start; a model's have nothing to translate. */
static enum weir_domain_type default_type(const struct weir_master *master)
{
	for (uint32_t i = 0; i < master->nr_streams; i++)
		if (master->streams[i].iommu->hardware)
			return WEIR_DOMAIN_DMA;
	return WEIR_DOMAIN_IDENTITY;
}

static int attach_default(struct weir_device *dev, struct weir_master *master)
{
	struct weir_machine *m = dev->m;
	enum weir_domain_type type = default_type(master);
	struct weir_domain *domain;
	int err;

	weir_unlock_(m);
	err = weir_domain_create(m, type, &domain);
	if (!err) {
		err = weir_group_attach(master->group, domain);
		weir_domain_unref(domain);
	}
	weir_lock_(m);
	return err;
}

int weir_iommu_configure_(struct weir_device *dev, struct weir_fwnode **out_missing)
{
	struct weir_stream stream;
	struct weir_master *master;
	uint32_t nr_streams = 0;
	int err;

	if (dev->master)
		return dev->master->group->owner ? WEIR_EBUSY : 0;
	while ((err = stream_at(dev, nr_streams, &stream, out_missing)) > 0)
		nr_streams++;
	if (err || !nr_streams)
		return err;
	err = collect(dev, nr_streams, &master);
	if (err)
		return err;
	err = attach_default(dev, master);
	if (err) {
		weir_iommu_detach_(dev);
		return err;
	}
	weir_event_dev_(WEIR_EVENT_GROUP, dev, NULL, master->group->number);
	return 0;
}
