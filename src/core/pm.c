// SPDX-License-Identifier: MIT
/*
 * The machine's power: suspend, resume and shutdown, in an order that links and
 * parents give. Runtime power of single devices is in rpm.c.
 *
 * The order is a walk from each device to its parent and its suppliers, all of
 * which come before it; devices are taken in order of addition, or of binding. It
 * costs O(devices + links), needs no memory and does not recurse: the way back is
 * kept in the devices, as is the list that comes of it. One change is made at a
 * time. Driver calls run without the machine lock, so each device of the list is
 * referenced and looked at again when its turn comes.
 */
#include "core/core.h"

/* A walk, and its result: the bound devices, each before those that it needs. */
struct order {
	uint64_t mark;
	struct weir_device *path; /* the last first, by pm_next */
	struct weir_device *list; /* by pm_next, each referenced */
};

static bool enter(struct order *o, struct weir_device *dev)
{
	if (!dev || dev->mark == o->mark)
		return false;
	dev->mark = o->mark;
	dev->pm_at = &dev->suppliers;
	dev->pm_next = o->path;
	o->path = dev;
	return true;
}

/* Goes on to the next supplier that was not met. False when there is none. */
static bool enter_supplier(struct order *o, struct weir_device *dev)
{
	while (dev->pm_at->next != &dev->suppliers) {
		struct weir_link *link;

		dev->pm_at = dev->pm_at->next;
		link = weir_container_of(dev->pm_at, struct weir_link, c_node);
		if (!weir_link_sync_only_(link) && enter(o, link->supplier))
			return true;
	}
	return false;
}

static void leave(struct order *o, struct weir_device *dev)
{
	o->path = dev->pm_next;
	if (dev->status != WEIR_DEVICE_BOUND)
		return;
	dev->refs++;
	dev->pm_next = o->list;
	o->list = dev;
}

static void walk_from(struct order *o, struct weir_device *dev)
{
	enter(o, dev);
	while ((dev = o->path))
		if (!enter(o, dev->parent) && !enter_supplier(o, dev))
			leave(o, dev);
}

static struct weir_device *order_by_addition(struct weir_machine *m)
{
	struct order o = { .mark = ++m->mark };
	struct weir_device *dev;

	weir_list_each(dev, &m->devices, struct weir_device, all_node)
		walk_from(&o, dev);
	return o.list;
}

static struct weir_device *order_by_binding(struct weir_machine *m)
{
	struct order o = { .mark = ++m->mark };
	struct weir_device *dev;

	weir_list_each(dev, &m->bound, struct weir_device, bound_node)
		walk_from(&o, dev);
	return o.list;
}

static struct weir_device *reversed(struct weir_device *list)
{
	struct weir_device *result = NULL;

	while (list) {
		struct weir_device *dev = list;

		list = dev->pm_next;
		dev->pm_next = result;
		result = dev;
	}
	return result;
}

static void drop_list(struct weir_device *list)
{
	while (list) {
		struct weir_device *dev = list;

		list = dev->pm_next;
		weir_device_unref_(dev);
	}
}

/* ---- one device ---- */

static int call_driver(struct weir_device *dev, enum weir_event_type type)
{
	struct weir_machine *m = dev->m;
	const struct weir_driver_ops *ops = dev->reg->drv->ops;
	struct weir_reg *reg = dev->reg;
	int (*call)(struct weir_device *dev) = NULL;
	uint32_t cause = m->cause;
	int err = 0;

	if (ops)
		call = type == WEIR_EVENT_RESUME ? ops->resume : ops->suspend;
	if (call) {
		struct weir_work work;

		reg->users++;
		weir_work_begin_(m, dev, &work);
		weir_unlock_(m);
		err = call(dev);
		weir_lock_(m);
		weir_work_end_(m, &work);
		weir_reg_put_(reg);
		m->cause = cause;
	}
	if (err > 0)
		err = WEIR_EINVAL;
	weir_event_dev_(type, dev, NULL, err);
	return err;
}

static int suspend_one(struct weir_device *dev)
{
	struct weir_reg *reg = dev->reg;
	int err = 0;

	if (dev->status != WEIR_DEVICE_BOUND)
		return 0;
	if (!dev->rpm_asleep)
		err = call_driver(dev, WEIR_EVENT_SUSPEND);
	if (!err && dev->reg == reg)
		dev->suspended = true;
	return err;
}

static int resume_one(struct weir_device *dev)
{
	int err = 0;

	if (!dev->suspended || dev->status != WEIR_DEVICE_BOUND)
		return 0;
	if (!dev->rpm_asleep)
		err = call_driver(dev, WEIR_EVENT_RESUME);
	dev->suspended = false;
	return err;
}

static void shutdown_one(struct weir_device *dev)
{
	struct weir_machine *m = dev->m;
	struct weir_reg *reg = dev->reg;
	struct weir_work work;
	int err;

	if (dev->status != WEIR_DEVICE_BOUND)
		return;
	if (!reg->drv->ops || !reg->drv->ops->shutdown) {
		weir_event_dev_(WEIR_EVENT_SHUTDOWN, dev, NULL, 0);
		return;
	}
	reg->users++;
	weir_work_begin_(m, dev, &work);
	err = weir_rpm_begin_(dev);
	if (!err) {
		weir_unlock_(m);
		reg->drv->ops->shutdown(dev);
		weir_lock_(m);
	}
	weir_event_dev_(WEIR_EVENT_SHUTDOWN, dev, NULL, err);
	dev->rpm_users--; /* without weir_rpm_end_: it is not put to sleep behind its shutdown */
	weir_work_end_(m, &work);
	weir_reg_put_(reg);
}

/* ---- all of them ---- */

/* Takes the references of the list. Return: 0, or the first error. */
static int resume_list(struct weir_device *list)
{
	int first = 0;

	while (list) {
		struct weir_device *dev = list;
		int err = resume_one(dev);

		list = dev->pm_next;
		weir_device_unref_(dev);
		if (!first)
			first = err;
	}
	return first;
}

static int suspend_all(struct weir_machine *m)
{
	struct weir_device *list = order_by_addition(m), *done = NULL;

	while (list) {
		struct weir_device *dev = list;
		int err = suspend_one(dev);

		list = dev->pm_next;
		if (err) {
			weir_device_unref_(dev);
			drop_list(list);
			resume_list(done);
			return err;
		}
		dev->pm_next = done;
		done = dev;
	}
	drop_list(done);
	return 0;
}

/* Does a change, alone. */
static int change(struct weir_machine *m, int (*todo)(struct weir_machine *m))
{
	uint32_t outer = m->cause;
	int err;

	m->pm_busy = true;
	err = todo(m);
	m->pm_busy = false;
	m->cause = outer;
	return err;
}

static void awake_again(struct weir_machine *m)
{
	m->suspended = false;
	weir_rpm_unpause_(m);
}

/* Also inside weir_step() of some thread. */
static bool is_probing(const struct weir_machine *m)
{
	struct weir_work *work;

	weir_list_each(work, &m->works, struct weir_work, node)
		if (work->dev && work->dev->busy)
			return true;
	return m->nr_async > 0;
}

int weir_pm_suspend(struct weir_machine *m)
{
	int err = WEIR_EBUSY;

	weir_lock_(m);
	if (!m->suspended && !m->pm_busy && !is_probing(m)) {
		m->suspended = true;
		weir_rpm_pause_(m);
		err = change(m, suspend_all);
		if (err)
			awake_again(m);
	}
	weir_unlock_(m);
	return err;
}

static int resume_all(struct weir_machine *m)
{
	return resume_list(reversed(order_by_addition(m)));
}

int weir_pm_resume(struct weir_machine *m)
{
	int err = WEIR_EINVAL;

	weir_lock_(m);
	if (m->pm_busy) {
		err = WEIR_EBUSY;
	} else if (m->suspended) {
		err = change(m, resume_all);
		awake_again(m);
	}
	weir_unlock_(m);
	return err;
}

static int shutdown_all(struct weir_machine *m)
{
	struct weir_device *list = order_by_binding(m);

	while (list) {
		struct weir_device *dev = list;

		list = dev->pm_next;
		shutdown_one(dev);
		weir_device_unref_(dev);
	}
	return 0;
}

void weir_pm_shutdown(struct weir_machine *m)
{
	weir_lock_(m);
	weir_assert_(m, !m->pm_busy);
	if (!m->pm_busy)
		(void)change(m, shutdown_all);
	weir_unlock_(m);
}
