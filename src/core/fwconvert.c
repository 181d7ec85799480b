// SPDX-License-Identifier: MIT
/*
 * From firmware-node links to device links: the one place where links that
 * firmware names are made, whatever kind of firmware named them.
 *
 * A link is made when both ends have devices. A consumer node without a device is
 * stood for by the nearest device above it (a proxy), whose link delays the
 * supplier's sync_state and blocks nothing. A supplier node that turned out not to
 * be a device is stood for by the device above it, once that is bound.
 */
#include "core/core.h"

static bool works_without_driver(const struct weir_fwnode *node)
{
	return (node->flags & WEIR_FWNODE_INITIALIZED) &&
	       (!node->owner || node->owner->status == WEIR_DEVICE_NO_DRIVER);
}

static struct weir_device *supplier_device(struct weir_fwnode *sup)
{
	struct weir_fwnode *above;

	if (!(sup->flags & WEIR_FWNODE_NOT_DEVICE))
		return sup->owner;
	above = weir_fwnode_owner_above_(sup);
	return above ? above->owner : NULL;
}

static bool is_at_or_above(const struct weir_fwnode *node, const struct weir_fwnode *below)
{
	for (; below; below = below->parent)
		if (below == node)
			return true;
	return false;
}

static int report_refused(struct weir_device *con, struct weir_device *sup, uint32_t flags, int err)
{
	struct weir_event e = {
		.type = WEIR_EVENT_LINK_REFUSED, .device = con, .other = sup, .value = flags,
	};

	if (err == WEIR_ENOMEM)
		return err;
	weir_event_(con->m, &e);
	return WEIR_EINVAL;
}

/*
 * Tries to turn a firmware-node link into a device link.
 * Return: 0 done, or nothing to do; WEIR_EAGAIN not yet possible; WEIR_EINVAL
 * never possible; WEIR_ENOMEM.
 */
static int convert(struct weir_device *con, struct weir_fwlink *fwlink)
{
	struct weir_machine *m = con->m;
	struct weir_fwnode *sup = fwlink->supplier, *above;
	struct weir_device *sup_dev;
	struct weir_link *link;
	uint32_t flags;
	int err;

	if (fwlink->flags & WEIR_FWLINK_IGNORE)
		return 0;
	if ((sup->flags & WEIR_FWNODE_NEEDS_CHILD) && is_at_or_above(sup, con->fwnode))
		return WEIR_EINVAL;
	err = m->policy->check_cycle ? m->policy->check_cycle(fwlink, sup) : 0;
	if (err)
		return err;
	flags = m->policy->link_flags(fwlink, con, con->fwnode != fwlink->consumer);
	sup_dev = supplier_device(sup);
	if (sup_dev) {
		if (sup_dev->status == WEIR_DEVICE_NO_DRIVER &&
		    (sup->flags & WEIR_FWNODE_INITIALIZED))
			return WEIR_EINVAL;
		if (sup_dev == con)
			return 0;
		err = weir_link_add_(con, sup_dev, flags, fwlink->property, &link);
		return err ? report_refused(con, sup_dev, flags, err) : 0;
	}
	for (above = sup; above; above = above->parent)
		if (works_without_driver(above))
			return WEIR_EINVAL;
	return WEIR_EAGAIN;
}

/* The device that stands for a consumer node without one, or NULL. */
static struct weir_device *proxy_for(struct weir_fwlink *fwlink)
{
	struct weir_fwnode *above = weir_fwnode_owner_above_(fwlink->consumer);

	if (!above || is_at_or_above(above, fwlink->supplier))
		return NULL;
	return above->owner;
}

int weir_fw_link_consumers_(struct weir_device *dev)
{
	struct weir_fwlink *fwlink, *tmp;

	if (!(dev->fwnode->flags & WEIR_FWNODE_SOUGHT_))
		return 0;
	weir_list_each_safe(fwlink, tmp, &dev->fwnode->consumers, struct weir_fwlink, s_node) {
		struct weir_device *own = fwlink->consumer->owner;
		struct weir_device *con = own ? own : proxy_for(fwlink);
		int err;

		if (!con)
			continue;
		err = convert(con, fwlink);
		if (err == WEIR_ENOMEM)
			return err;
		if (own && err != WEIR_EAGAIN)
			weir_fwlink_drop_(fwlink);
	}
	return 0;
}

/* What the links of a node lead to is wanted soon, and comes from memory all at once. */
static void foresee(const struct weir_fwnode *node)
{
	struct weir_fwlink *fwlink;

	weir_list_each(fwlink, &node->suppliers, struct weir_fwlink, c_node) {
		__builtin_prefetch(fwlink->supplier);
		__builtin_prefetch(fwlink->s_node.next);
		__builtin_prefetch(fwlink->s_node.prev);
	}
	weir_list_each(fwlink, &node->suppliers, struct weir_fwlink, c_node)
		__builtin_prefetch(fwlink->supplier->owner);
}

int weir_fw_link_suppliers_(struct weir_device *dev)
{
	struct weir_fwnode *top = dev->fwnode, *node;
	struct weir_fwlink *fwlink, *tmp;

	foresee(top);
	for (node = top; node; node = weir_fwnode_next_below_(node, top, true)) {
		weir_list_each_safe(fwlink, tmp, &node->suppliers, struct weir_fwlink, c_node) {
			int err = convert(dev, fwlink);

			if (err == WEIR_ENOMEM)
				return err;
			if (node == top && err != WEIR_EAGAIN)
				weir_fwlink_drop_(fwlink);
			else
				fwlink->supplier->flags |= WEIR_FWNODE_SOUGHT_;
		}
	}
	return 0;
}

void weir_fw_adopt_dangling_(struct weir_device *dev)
{
	struct weir_fwnode *top = dev->fwnode, *node;
	bool descend = true;

	for (node = weir_fwnode_next_below_(top, top, true); node;
	     node = weir_fwnode_next_below_(node, top, descend)) {
		descend = !node->owner;
		if (!descend)
			continue;
		node->flags |= WEIR_FWNODE_NOT_DEVICE;
		weir_fwlinks_move_consumers_(node, top);
	}
}

/* ---- what a driver finds missing ---- */

/* A device that is not its node's owner waits for a device, or for anything at all. */
static int wait_without_node(struct weir_device *dev, struct weir_fwnode *sup, const char *property)
{
	struct weir_device *sup_dev = supplier_device(sup);
	struct weir_link *link;
	int err;

	if (!sup_dev)
		return 0;
	err = weir_link_add_(dev, sup_dev, WEIR_LINK_INFERRED, property, &link);
	return err == WEIR_ELOOP ? WEIR_EINVAL : err;
}

static int wait_for(struct weir_device *dev, struct weir_fwnode *sup, const char *property)
{
	struct weir_fwlink *fwlink;
	int err;

	if (!dev->fwnode || dev->fwnode->owner != dev)
		return wait_without_node(dev, sup, property);
	err = weir_fwlink_name_(dev->fwnode, sup, 0, property);
	if (err)
		return err;
	fwlink = weir_fwlink_find_(dev->fwnode, sup);
	err = convert(dev, fwlink);
	if (err == WEIR_EAGAIN)
		return 0;
	weir_fwlink_drop_(fwlink);
	return err;
}

int weir_dev_wait_for(struct weir_device *dev, struct weir_fwnode *supplier, const char *property)
{
	struct weir_machine *m = dev->m;
	int err = WEIR_EINVAL;

	if (supplier->m != m)
		return err;
	weir_lock_(m);
	if (dev->status == WEIR_DEVICE_PROBING && supplier != dev->fwnode &&
	    supplier_device(supplier) != dev)
		err = wait_for(dev, supplier, property);
	weir_unlock_(m);
	return err ? err : WEIR_EDEFER;
}
