// SPDX-License-Identifier: MIT
/*
 * How links change when a device is bound, fails, is unbound or goes away.
 *
 *	DORMANT -> AVAILABLE -> CONSUMER_PROBE -> ACTIVE
 *	   ^----------- SUPPLIER_UNBIND <------------'
 *
 * An order link is available, too, when the supplier's probe failed or it can have no
 * driver; and it lets go for good: what becomes of the supplier does not touch a consumer
 * that is past waiting.
 */
#include "core/core.h"

static void set_state(struct weir_link *link, enum weir_link_state state)
{
	weir_link_set_(link, link->flags, state);
}

static bool managed(const struct weir_link *link)
{
	return link->flags & WEIR_LINK_MANAGED;
}

bool weir_link_settled_(const struct weir_link *link)
{
	const struct weir_device *sup = link->supplier;

	return (link->flags & WEIR_LINK_ORDER) && (sup->no_driver_ever || sup->last_err);
}

static enum weir_link_state rest_state(const struct weir_link *link)
{
	bool available = link->supplier->status == WEIR_DEVICE_BOUND || weir_link_settled_(link);

	return available ? WEIR_LINK_AVAILABLE : WEIR_LINK_DORMANT;
}

/* An order link whose consumer waits no more. */
static bool has_let_go(const struct weir_link *link)
{
	return (link->flags & WEIR_LINK_ORDER) &&
	       (link->state == WEIR_LINK_CONSUMER_PROBE || link->state == WEIR_LINK_ACTIVE);
}

/* What firmware still said it waits for is moot; who hangs below it may have it. */
static int adopt_firmware(struct weir_device *dev)
{
	if (!dev->fwnode || dev->fwnode->owner != dev)
		return 0;
	weir_fwlinks_drop_suppliers_(dev->fwnode);
	weir_fw_adopt_dangling_(dev);
	return weir_fw_link_consumers_(dev);
}

/* Consumers' drivers may be called: the place in the list is kept as weir_link_drop_ wants it. */
static void tell_consumers(struct weir_device *dev)
{
	dev->consumer_at = dev->consumers.next;
	while (dev->consumer_at != &dev->consumers) {
		struct weir_link *link =
			weir_container_of(dev->consumer_at, struct weir_link, s_node);

		dev->consumer_at = link->s_node.next;
		if (dev->consumer_at != &dev->consumers)
			__builtin_prefetch(weir_container_of(dev->consumer_at, struct weir_link,
							     s_node)->consumer);
		if (!managed(link) || link->state == WEIR_LINK_CONSUMER_PROBE ||
		    link->state == WEIR_LINK_ACTIVE)
			continue;
		set_state(link, WEIR_LINK_AVAILABLE);
		if (dev->m->policy->supplier_ready)
			dev->m->policy->supplier_ready(link);
	}
	dev->consumer_at = NULL;
}

/* A best-effort device that was started without this one goes on without it. */
static bool done_without(const struct weir_device *dev, const struct weir_link *link)
{
	bool best_effort = dev->best_effort || dev->soft_start ||
			   (dev->fwnode && (dev->fwnode->flags & WEIR_FWNODE_BEST_EFFORT));

	return best_effort && (link->flags & WEIR_LINK_INFERRED) &&
	       link->state != WEIR_LINK_CONSUMER_PROBE && !link->supplier->can_match;
}

static void settle_suppliers(struct weir_device *dev, struct weir_list *sync)
{
	struct weir_link *link, *tmp;

	weir_list_each_safe(link, tmp, &dev->suppliers, struct weir_link, c_node) {
		struct weir_device *sup = link->supplier;

		if (!managed(link))
			continue;
		sup->refs++;
		if (weir_link_sync_only_(link) && !(link->flags & WEIR_LINK_OPTIONAL))
			weir_link_drop_(link);
		else if (done_without(dev, link))
			weir_link_drop_(link);
		else if (!weir_link_sync_only_(link))
			set_state(link, WEIR_LINK_ACTIVE);
		weir_sync_consider_(sup, sync);
		weir_device_unref_(sup);
	}
}

int weir_links_bound_(struct weir_device *dev, struct weir_list *sync)
{
	int err = adopt_firmware(dev);

	if (err)
		return err;
	tell_consumers(dev);
	weir_sync_consider_(dev, sync);
	settle_suppliers(dev, sync);
	dev->status = WEIR_DEVICE_BOUND;
	return 0;
}

/* Newest supplier link first. */
static void release_suppliers(struct weir_device *dev)
{
	struct weir_list *at, *prev;

	for (at = dev->suppliers.prev; at != &dev->suppliers; at = prev) {
		struct weir_link *link = weir_container_of(at, struct weir_link, c_node);

		prev = at->prev;
		if (!managed(link))
			continue;
		if (link->flags & WEIR_LINK_AUTOREMOVE_CONSUMER)
			weir_link_drop_(link);
		else if (link->state == WEIR_LINK_CONSUMER_PROBE || link->state == WEIR_LINK_ACTIVE)
			set_state(link, rest_state(link));
	}
	dev->status = WEIR_DEVICE_NO_DRIVER;
}

void weir_links_no_driver_(struct weir_device *dev)
{
	struct weir_link *link;

	weir_list_each(link, &dev->consumers, struct weir_link, s_node)
		if (managed(link) && !has_let_go(link) &&
		    (link->state == WEIR_LINK_CONSUMER_PROBE || link->state == WEIR_LINK_ACTIVE))
			set_state(link, WEIR_LINK_DORMANT);
	release_suppliers(dev);
}

void weir_links_unprobe_(struct weir_device *dev)
{
	struct weir_link *link;

	weir_list_each(link, &dev->suppliers, struct weir_link, c_node)
		if (managed(link) && link->state == WEIR_LINK_CONSUMER_PROBE)
			set_state(link, rest_state(link));
}

#define NEWEST_OF 1024u /* links; so that who has many waits no longer for each */

/* The one whose consumer was bound last, or NULL. */
static struct weir_link *newest(const struct weir_device *dev)
{
	struct weir_link *link, *best = NULL;
	unsigned int n = 0;

	weir_list_each(link, &dev->consumers, struct weir_link, s_node) {
		if (n++ == NEWEST_OF)
			break;
		if (managed(link) && !has_let_go(link) && link->state == WEIR_LINK_ACTIVE &&
		    (!best || link->consumer->bound_seq > best->consumer->bound_seq))
			best = link;
	}
	return best;
}

/*
 * The place in the list is kept in the device, and moved on by weir_link_drop_: so
 * whatever happens while a consumer is unbound, no link is looked at twice. Nor need
 * it be: a link of a device that is unbinding does not become active again.
 */
struct weir_device *weir_links_next_consumer_(struct weir_device *dev)
{
	struct weir_link *last;

	while (dev->m->policy->newest_first && (last = newest(dev))) {
		if (weir_work_wait_(last->consumer))
			continue;
		set_state(last, WEIR_LINK_SUPPLIER_UNBIND);
		return last->consumer;
	}
	while (dev->consumer_at != &dev->consumers) {
		struct weir_link *link =
			weir_container_of(dev->consumer_at, struct weir_link, s_node);
		bool active = link->state == WEIR_LINK_ACTIVE;
		bool probed = link->state == WEIR_LINK_CONSUMER_PROBE && !weir_link_sync_only_(link);
		bool holds = managed(link) && !has_let_go(link);

		/* it is unbound or deleted elsewhere, or becomes active */
		if (holds && (active || probed) && weir_work_wait_(link->consumer))
			continue;
		dev->consumer_at = link->s_node.next;
		if (!holds)
			continue;
		if (probed && link->consumer->work)
			link->consumer->lost_supplier = true;
		set_state(link, WEIR_LINK_SUPPLIER_UNBIND);
		if (active)
			return link->consumer;
	}
	return NULL;
}

void weir_links_driver_gone_(struct weir_device *dev)
{
	struct weir_link *link, *tmp;

	weir_list_each_safe(link, tmp, &dev->consumers, struct weir_link, s_node) {
		if (!managed(link))
			continue;
		if (link->flags & WEIR_LINK_AUTOREMOVE_SUPPLIER)
			weir_link_drop_(link);
		else if (!has_let_go(link))
			set_state(link, WEIR_LINK_DORMANT);
	}
	release_suppliers(dev);
}

/* Whether it is what became of a firmware-node link of the two devices' own nodes. */
static bool is_firmwares(const struct weir_link *link)
{
	const struct weir_device *con = link->consumer;

	return (link->flags & WEIR_LINK_INFERRED) && con->fwnode && link->supplier->fwnode &&
	       (!weir_link_sync_only_(link) || (link->flags & WEIR_LINK_CYCLE)) &&
	       (!con->fwnode->owner || con->fwnode->owner == con);
}

/*
 * One of the link's devices is going. What firmware said of their nodes is as true as before: the
 * consumer, or who comes in its place, waits for the supplier's node again. Both kinds of
 * links share a slab, so the one becomes the other where it is: this cannot fail.
 */
static void purge(struct weir_link *link)
{
	struct weir_device *con = link->consumer;
	struct weir_fwnode *node = con->fwnode, *sup = link->supplier->fwnode;
	uint32_t flags = link->flags & WEIR_LINK_CYCLE ? WEIR_FWLINK_CYCLE : 0;
	const char *property = link->property;

	if (!(con->m->policy->firmware_rules(con->m) & WEIR_RULE_LINKS_RETURN) ||
	    !is_firmwares(link)) {
		weir_link_drop_(link);
		return;
	}
	con->refs++;
	con->nr_blocking++; /* nobody is let go between the two */
	weir_fwlink_make_(weir_link_take_out_(link), node, sup, flags, property);
	con->nr_blocking--;
	weir_device_unref_(con);
}

void weir_links_purge_(struct weir_device *dev)
{
	while (!weir_list_empty(&dev->suppliers))
		purge(weir_container_of(dev->suppliers.prev, struct weir_link, c_node));
	while (!weir_list_empty(&dev->consumers))
		purge(weir_container_of(dev->consumers.prev, struct weir_link, s_node));
}
