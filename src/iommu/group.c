// SPDX-License-Identifier: MIT
/*
 * Groups: the masters of one identity, while they are behind their IOMMUs. Made with
 * the first master, gone with the last. Who has a group is guarded by its lock, who is
 * in it by the machine's as well.
 */
#include "iommu/priv.h"

static int create(struct weir_machine *m, struct weir_identity *identity)
{
	struct weir_group *group = weir_alloc_(m, sizeof(*group));

	if (!group)
		return WEIR_ENOMEM;
	group->lock = m->ops->lock_create(m->host, WEIR_LOCK_GROUP);
	if (!group->lock) {
		weir_free_(m, group, sizeof(*group));
		return WEIR_ENOMEM;
	}
	group->m = m;
	group->identity = identity;
	weir_list_init(&group->masters);
	weir_list_init(&group->streams);
	identity->group = group;
	m->stats.groups++;
	return 0;
}

int weir_group_get_(struct weir_machine *m, struct weir_identity *identity,
		    struct weir_group **out_group)
{
	int err = identity->group ? 0 : create(m, identity);

	if (err)
		return err;
	identity->group->users++;
	weir_group_ref_(identity->group);
	*out_group = identity->group;
	return 0;
}

void weir_group_put_(struct weir_group *group)
{
	if (!--group->users) {
		group->m->stats.groups--;
		group->identity->group = NULL; /* which may go before who still waits for the lock */
		weir_identity_split_(group->m, group->identity);
	}
	weir_group_unref_(group);
}

void weir_group_ref_(struct weir_group *group)
{
	group->refs++;
}

void weir_group_unref_(struct weir_group *group)
{
	struct weir_machine *m = group->m;

	if (--group->refs)
		return;
	m->ops->lock_destroy(m->host, group->lock);
	weir_free_(m, group, sizeof(*group));
}

void weir_group_wait_(struct weir_group *group)
{
	struct weir_machine *m = group->m;

	if (m->ops->lock_wait) {
		m->nr_waiting++;
		m->ops->lock_wait(m->host, m->lock);
		m->nr_waiting--;
		return;
	}
	weir_group_ref_(group);
	weir_unlock_(m);
	m->ops->lock(m->host, group->lock);
	m->ops->unlock(m->host, group->lock);
	weir_lock_(m);
	weir_group_unref_(group);
}

static void lock(struct weir_group *group)
{
	group->m->ops->lock(group->m->host, group->lock);
}

static void unlock(struct weir_group *group)
{
	group->m->ops->unlock(group->m->host, group->lock);
}

/* ---- public ---- */

int weir_group_of(const struct weir_device *dev, struct weir_group **out_group)
{
	if (!dev->master || !dev->master->whole)
		return WEIR_ENOENT;
	*out_group = dev->master->group;
	return 0;
}

int weir_device_group(const struct weir_device *dev)
{
	return dev->master && dev->master->whole ? dev->master->group->identity->number : WEIR_ENOENT;
}

int weir_group_number(const struct weir_group *group)
{
	return group->identity->number;
}

struct weir_domain *weir_group_domain(const struct weir_group *group)
{
	return group->domain;
}

int weir_group_attach(struct weir_group *group, struct weir_domain *domain)
{
	int err;

	lock(group);
	err = weir_group_attach_(group, domain);
	unlock(group);
	return err;
}

/* ---- ownership ---- */

static bool has_bound_device(struct weir_group *group)
{
	struct weir_master *master;
	bool bound = false;

	weir_lock_(group->m);
	weir_list_each(master, &group->masters, struct weir_master, group_node)
		bound = bound || master->dev->reg;
	weir_unlock_(group->m);
	return bound;
}

static int block(struct weir_group *group)
{
	struct weir_domain *blocked;
	int err = weir_domain_create(group->m, WEIR_DOMAIN_BLOCKED, &blocked);

	if (err)
		return err;
	err = weir_group_attach_(group, blocked);
	weir_domain_unref(blocked);
	return err;
}

int weir_group_claim(struct weir_group *group, const void *owner)
{
	int err = 0;

	if (!owner)
		return WEIR_EINVAL;
	lock(group);
	if (group->owner || has_bound_device(group))
		err = WEIR_EBUSY;
	if (!err)
		err = block(group);
	if (!err)
		group->owner = owner;
	unlock(group);
	return err;
}

int weir_group_release(struct weir_group *group, const void *owner)
{
	int err = 0;

	lock(group);
	if (!owner || group->owner != owner)
		err = WEIR_EPERM;
	else
		err = block(group);
	if (!err)
		group->owner = NULL;
	unlock(group);
	return err;
}
