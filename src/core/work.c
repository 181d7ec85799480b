// SPDX-License-Identifier: MIT
/*
 * Work on devices: who does what on which thread, and waiting for it.
 *
 * A piece of work is in the machine's list while it runs, on the stack of the thread that
 * does it: a probe, the unbinding of a device and its consumers, a deletion, any other call
 * of a driver, a function given to thread_run. A device says which of them has it for
 * itself (dev->work); besides, one can be a call of its driver (work->dev).
 *
 * Who needs a device for itself waits until the work of other threads on it is over. It is
 * not waited for where that would never end: when the thread that does it waits, maybe over
 * others, for something that the caller does. Guarded by the machine lock.
 */
#include "core/core.h"

static uint64_t self(const struct weir_machine *m)
{
	return m->ops->thread_self ? m->ops->thread_self(m->host) : 0;
}

void weir_work_begin_(struct weir_machine *m, struct weir_device *dev, struct weir_work *out_work)
{
	*out_work = (struct weir_work){ .thread = self(m), .dev = dev };
	weir_list_add_tail(&m->works, &out_work->node);
}

void weir_work_end_(struct weir_machine *m, struct weir_work *work)
{
	weir_list_del(&work->node);
	weir_work_changed_(m);
}

void weir_work_changed_(struct weir_machine *m)
{
	if (m->nr_waiting)
		m->ops->lock_wake(m->host, m->lock);
}

bool weir_async_inside_(const struct weir_machine *m)
{
	struct weir_work *work;
	uint64_t thread;

	if (weir_list_empty(&m->works))
		return false;
	thread = self(m);
	weir_list_each(work, &m->works, struct weir_work, node)
		if (work->async && work->thread == thread)
			return true;
	return false;
}

bool weir_async_wait_(struct weir_machine *m)
{
	if (!m->nr_async || !m->ops->thread_wait || weir_async_inside_(m))
		return false;
	weir_unlock_(m);
	m->ops->thread_wait(m->host);
	weir_lock_(m);
	return true;
}

static bool is_on(const struct weir_work *work, const struct weir_device *dev)
{
	return work->dev == dev || dev->work == work;
}

/* Marks what other threads do with a device. Return: whether there was any not marked before. */
static bool mark_on(struct weir_machine *m, const struct weir_device *dev, uint64_t thread)
{
	struct weir_work *work;
	bool any = false;

	weir_list_each(work, &m->works, struct weir_work, node) {
		if (work->marked || work->thread == thread || !is_on(work, dev))
			continue;
		work->marked = true;
		any = true;
	}
	return any;
}

/* Marks what the threads of marked work wait for. */
static bool mark_next(struct weir_machine *m)
{
	struct weir_work *work, *other;
	bool any = false;

	weir_list_each(work, &m->works, struct weir_work, node)
		weir_list_each(other, &m->works, struct weir_work, node)
			if (work->marked && other->waits && other->thread == work->thread)
				any = mark_on(m, other->waits, other->thread) || any;
	return any;
}

/* Whether some work would end only after the caller went on. */
static bool waits_for(struct weir_machine *m, struct weir_work *first, uint64_t thread)
{
	struct weir_work *work;
	bool found = false;

	weir_list_each(work, &m->works, struct weir_work, node)
		work->marked = work == first;
	while (mark_next(m))
		;
	weir_list_each(work, &m->works, struct weir_work, node)
		found = found || (work->marked && work->thread == thread);
	return found;
}

bool weir_work_wait_(struct weir_device *dev)
{
	struct weir_machine *m = dev->m;
	uint64_t thread = self(m);
	struct weir_work *work, mine;
	bool other = false;

	weir_list_each(work, &m->works, struct weir_work, node)
		other = other || (is_on(work, dev) && work->thread != thread &&
				  !waits_for(m, work, thread));
	if (!other)
		return false;
	if (!m->ops->lock_wait)
		return weir_async_wait_(m);
	dev->refs++;
	weir_work_begin_(m, NULL, &mine);
	mine.waits = dev;
	m->nr_waiting++;
	m->ops->lock_wait(m->host, m->lock);
	m->nr_waiting--;
	weir_list_del(&mine.node);
	weir_device_unref_(dev);
	return true;
}

bool weir_work_wait_driver_(struct weir_reg *reg)
{
	struct weir_machine *m = reg->bus->m;
	struct weir_device *dev;
	struct weir_work *work;

	weir_list_each(dev, &reg->devices, struct weir_device, reg_node)
		if (weir_work_wait_(dev))
			return true;
	weir_list_each(work, &m->works, struct weir_work, node)
		if (work->dev && work->dev->reg == reg && weir_work_wait_(work->dev))
			return true;
	return false;
}
