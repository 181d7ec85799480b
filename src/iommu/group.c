// SPDX-License-Identifier: MIT
/*
 * Groups: made with their first master, gone with the last. The number is the
 * lowest that is free; it labels the group and identifies nothing.
 */
#include "iommu/priv.h"

static int take_number(struct weir_machine *m, int *out_number)
{
	uint32_t w, bit = 0;

	for (w = 0; w < m->nr_group_words && m->group_numbers[w] == ~0u; w++)
		;
	if (w == m->nr_group_words) {
		int err = weir_grow_(m, (void **)&m->group_numbers, &m->nr_group_words, w,
				     sizeof(*m->group_numbers));

		if (err)
			return err;
	}
	while (m->group_numbers[w] >> bit & 1)
		bit++;
	m->group_numbers[w] |= 1u << bit;
	*out_number = (int)(w * 32 + bit);
	return 0;
}

int weir_group_create_(struct weir_machine *m, struct weir_group **out_group)
{
	struct weir_group *group = weir_alloc_(m, sizeof(*group));
	int err = WEIR_ENOMEM;

	if (!group)
		return err;
	group->m = m;
	weir_list_init(&group->masters);
	group->lock = m->ops->lock_create(m->host, WEIR_LOCK_GROUP);
	if (!group->lock)
		goto err_free;
	err = take_number(m, &group->number);
	if (err)
		goto err_lock;
	*out_group = group;
	return 0;

err_lock:
	m->ops->lock_destroy(m->host, group->lock);
err_free:
	weir_free_(m, group, sizeof(*group));
	return err;
}

void weir_group_destroy_(struct weir_group *group)
{
	struct weir_machine *m = group->m;

	m->group_numbers[group->number / 32] &= ~(1u << (group->number % 32));
	if (group->domain)
		weir_domain_unref_(group->domain);
	m->ops->lock_destroy(m->host, group->lock);
	weir_free_(m, group, sizeof(*group));
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
	if (!dev->master)
		return WEIR_ENOENT;
	*out_group = dev->master->group;
	return 0;
}

int weir_device_group(const struct weir_device *dev)
{
	return dev->master ? dev->master->group->number : WEIR_ENOENT;
}

int weir_group_number(const struct weir_group *group)
{
	return group->number;
}

struct weir_domain *weir_group_domain(const struct weir_group *group)
{
	return group->domain;
}

void weir_group_leave_(struct weir_group *group)
{
	struct weir_domain *blocked;

	if (weir_domain_create(group->m, WEIR_DOMAIN_BLOCKED, &blocked))
		return;
	lock(group);
	weir_group_abandon_(group, blocked);
	unlock(group);
	weir_domain_unref(blocked);
}

int weir_group_attach(struct weir_group *group, struct weir_domain *domain)
{
	int err;

	lock(group);
	err = weir_group_attach_(group, domain);
	unlock(group);
	return err;
}

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
