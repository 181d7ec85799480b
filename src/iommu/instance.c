// SPDX-License-Identifier: MIT
/*
 * IOMMU instances: published in one step at the end of their driver's probe and found
 * through their firmware node; taken back when it lets go. Guarded by the machine lock.
 */
#include "iommu/priv.h"

static const struct weir_iommu_ops no_ops = { .abi = WEIR_ABI(struct weir_iommu_ops) };

struct weir_iommu *weir_iommu_find_(const struct weir_fwnode *node)
{
	struct weir_iommu *iommu = node->owner ? node->owner->iommu : NULL;

	return iommu && !iommu->going ? iommu : NULL;
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
	if (!dev->m->parts.iommu)
		return WEIR_EOPNOTSUPP;
	if (ops && (ops->abi.version != WEIR_ABI_VERSION || ops->abi.size < sizeof(*ops)))
		return WEIR_EINVAL;
	weir_lock_(dev->m);
	err = publish(dev, ops, instance);
	if (!err && dev->iommu->hardware)
		weir_iommu_keep_running_(dev);
	weir_unlock_(dev->m);
	if (!err && ops && ops->enforce) {
		err = ops->enforce(instance);
		if (err)
			weir_iommu_unregister(dev);
	}
	if (!err) {
		weir_lock_(dev->m);
		weir_left_forget_(dev->m, dev->fwnode);
		weir_unlock_(dev->m);
	}
	return err;
}

/* ---- taking back ---- */

struct weir_device *weir_iommu_claimed_(struct weir_device *dev, unsigned int index)
{
	struct weir_device *user;

	if (!dev->iommu)
		return NULL;
	weir_list_each(user, &dev->m->devices, struct weir_device, all_node)
		if (user->master && user->master->group->owner &&
		    weir_master_is_at_(user->master, dev->iommu) && !index--)
			return user;
	return NULL;
}

/* A master at the instance that is nobody else's to take out, or NULL. */
static struct weir_master *any_master(const struct weir_iommu *iommu, const struct weir_group *group)
{
	struct weir_master *master;

	weir_list_each(master, &group->masters, struct weir_master, group_node)
		if (master->dev->master == master && weir_master_is_at_(master, iommu))
			return master;
	return NULL;
}

/* Some group with streams or masters at the instance, also of those that come or leave; NULL: none. */
static struct weir_group *any_group(const struct weir_iommu *iommu)
{
	struct weir_stream *stream = weir_list_first(&iommu->streams, struct weir_stream, at_iommu);
	struct weir_master *master;

	if (stream)
		return stream->group;
	weir_list_each(master, &iommu->dev->m->moving, struct weir_master, moving)
		if (weir_master_is_at_(master, iommu))
			return master->group;
	return NULL;
}

static void retract(struct weir_device *dev)
{
	struct weir_iommu *iommu = dev->iommu;
	struct weir_master *master;
	struct weir_group *group;

	if (!iommu)
		return;
	iommu->going = true;
	while ((group = any_group(iommu))) {
		master = any_master(iommu, group);
		if (master)
			weir_iommu_detach_from_(master->dev, iommu);
		else
			weir_group_wait_(group);
	}
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
	weir_left_forget_(m, NULL);
	weir_domains_reap_(m);
	weir_domain_unref(m->blocked);
	weir_domain_unref(m->identity);
	weir_identities_free_(m);
	weir_msi_free_(m);
}
