// SPDX-License-Identifier: MIT
/*
 * sync_state: telling a supplier once that all its consumers are bound.
 *
 * While the machine is paused (firmware is being made into devices) suppliers are
 * parked, in the order in which they were considered, and looked at again later.
 */
#include "core/core.h"

static bool wants_sync(const struct weir_device *dev)
{
	return dev->reg && dev->reg->drv->ops && dev->reg->drv->ops->sync_state &&
	       !dev->state_synced;
}

static bool all_consumers_active(const struct weir_device *dev)
{
	struct weir_link *link;

	weir_list_each(link, &dev->consumers, struct weir_link, s_node)
		if ((link->flags & WEIR_LINK_MANAGED) && link->state != WEIR_LINK_ACTIVE)
			return false;
	return true;
}

static void queue(struct weir_device *dev, struct weir_list *sync)
{
	dev->state_synced = true;
	if (dev->sync_queued) /* another thread is about to tell it, or another driver of it */
		return;
	dev->sync_queued = true;
	weir_list_del(&dev->sync_node);
	dev->refs++;
	weir_list_add_tail(sync, &dev->sync_node);
}

static void queue_if_done(struct weir_device *dev, struct weir_list *sync)
{
	if (wants_sync(dev) && all_consumers_active(dev))
		queue(dev, sync);
}

void weir_sync_consider_(struct weir_device *dev, struct weir_list *sync)
{
	struct weir_machine *m = dev->m;

	if (!m->sync_pause) {
		queue_if_done(dev, sync);
		return;
	}
	if (wants_sync(dev) && weir_list_empty(&dev->sync_node))
		weir_list_add_tail(&m->sync_parked, &dev->sync_node);
}

static void run_one(struct weir_device *dev)
{
	struct weir_machine *m = dev->m;
	struct weir_reg *reg = dev->reg;
	struct weir_work work;

	if (dev->status != WEIR_DEVICE_BOUND || !reg->drv->ops || !reg->drv->ops->sync_state)
		return;
	weir_event_dev_(WEIR_EVENT_SYNC_STATE, dev, reg->drv->name, 0);
	reg->users++;
	weir_work_begin_(m, dev, &work);
	weir_unlock_(m);
	reg->drv->ops->sync_state(dev);
	weir_lock_(m);
	weir_work_end_(m, &work);
	weir_reg_put_(reg);
}

void weir_sync_run_(struct weir_machine *m, struct weir_list *sync)
{
	(void)m;
	while (!weir_list_empty(sync)) {
		struct weir_device *dev =
			weir_container_of(sync->next, struct weir_device, sync_node);

		weir_list_del(&dev->sync_node);
		dev->sync_queued = false;
		run_one(dev);
		weir_device_unref_(dev);
	}
}

void weir_sync_pause_(struct weir_machine *m)
{
	m->sync_pause++;
}

void weir_sync_resume_(struct weir_machine *m)
{
	struct weir_device *dev, *tmp;
	struct weir_list sync;

	weir_assert_(m, m->sync_pause > 0);
	if (--m->sync_pause)
		return;
	weir_list_init(&sync);
	weir_list_each_safe(dev, tmp, &m->sync_parked, struct weir_device, sync_node) {
		weir_list_del(&dev->sync_node);
		queue_if_done(dev, &sync);
	}
	weir_sync_run_(m, &sync);
}

void weir_sync_probing_done_(struct weir_machine *m, bool forced)
{
	struct weir_link *link;
	struct weir_list sync;
	uint32_t at = 0;

	weir_list_init(&sync);
	while ((link = weir_link_each_(m, &at))) {
		if (!(link->flags & WEIR_LINK_MANAGED) || link->state == WEIR_LINK_ACTIVE ||
		    !wants_sync(link->supplier))
			continue;
		if (forced)
			queue(link->supplier, &sync);
		else
			weir_event_link_(WEIR_EVENT_SYNC_STATE_PENDING, link, 0);
	}
	weir_sync_run_(m, &sync);
}
