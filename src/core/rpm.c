// SPDX-License-Identifier: MIT
/*
 * Runtime power: who is awake, and who keeps whom awake.
 *
 * A device is up when it is awake and all that it needs is: its parent and its
 * suppliers over runtime links, each of which it holds one use of. It has to be up
 * while it has users, and as long as it has a driver that did not enable runtime
 * power. A probe and a removal count as users, so what a driver needs is awake in
 * both. Devices without driver are up or not like all others; they pass on to their
 * own parents and suppliers what those above them need.
 *
 * Counts change under the machine lock. What a changed count asks for is done in
 * one of two places: weir_rpm_run_() for whatever can wait, and bring_up() for who
 * needs it now. Driver calls run without the machine lock, but under the power
 * lock, which has the lower rank: one at a time, so that no device is asked to sleep
 * and to wake at once. While such a call runs its device counts as asleep.
 *
 * While many devices are removed, or the machine is suspended, nothing is put to sleep:
 * what one removal lets sleep the next would wake again.
 *
 * Nothing here recurses: chains of suppliers may be as long as there are devices.
 */
#include "core/core.h"

static bool carries(const struct weir_link *link)
{
	return (link->flags & WEIR_LINK_PM_RUNTIME) && !weir_link_sync_only_(link);
}

/* Deleted: it holds nothing, whoever still uses it. */
static bool is_gone(const struct weir_device *dev)
{
	return dev->dead && !dev->added;
}

static bool needed(const struct weir_device *dev)
{
	if (is_gone(dev))
		return false;
	return dev->rpm_users || (dev->reg && !dev->rpm_enabled);
}

/* ---- the list of devices to look at again ---- */

static void queue(struct weir_device *dev)
{
	if (!weir_list_empty(&dev->rpm_node))
		return;
	dev->refs++;
	weir_list_add_tail(&dev->m->rpm_todo, &dev->rpm_node);
}

static void queue_if_idle(struct weir_device *dev)
{
	if (dev->rpm_up && !needed(dev))
		queue(dev);
}

static void drop_use(struct weir_device *dev)
{
	weir_assert_(dev->m, dev->rpm_users > 0);
	if (dev->rpm_users)
		dev->rpm_users--;
	queue_if_idle(dev);
}

/* ---- holding what a device needs ---- */

static void hold_link(struct weir_link *link)
{
	if (link->rpm_held)
		return;
	link->rpm_held = true;
	link->supplier->rpm_users++;
}

/* Gives back what a device holds, in the reverse of the order in which it was woken. */
static void release_needs(struct weir_device *dev)
{
	struct weir_list *at;

	for (at = dev->suppliers.prev; at != &dev->suppliers; at = at->prev)
		weir_rpm_link_gone_(weir_container_of(at, struct weir_link, c_node));
	if (dev->rpm_parent_held) {
		dev->rpm_parent_held = false;
		drop_use(dev->parent);
	}
}

static void push(struct weir_list *stack, struct weir_device *dev)
{
	if (weir_list_empty(&dev->rpm_node))
		dev->refs++;
	weir_list_del(&dev->rpm_node); /* also out of another list: its reference comes along */
	weir_list_add_head(stack, &dev->rpm_node);
}

static struct weir_device *pop(struct weir_list *stack)
{
	struct weir_device *dev = weir_container_of(stack->next, struct weir_device, rpm_node);

	weir_list_del(&dev->rpm_node);
	return dev;
}

/*
 * Holds all that a device needs and puts what of it is not up on the stack, so that
 * the parent comes off first, then the suppliers, the oldest link first.
 * Return: whether all of it is up.
 */
static bool hold_needs(struct weir_device *dev, struct weir_list *stack)
{
	struct weir_list *at;
	bool all = true;

	for (at = dev->suppliers.prev; at != &dev->suppliers; at = at->prev) {
		struct weir_link *link = weir_container_of(at, struct weir_link, c_node);

		if (!carries(link))
			continue;
		hold_link(link);
		if (!link->supplier->rpm_up) {
			push(stack, link->supplier);
			all = false;
		}
	}
	if (!dev->parent)
		return all;
	if (!dev->rpm_parent_held) {
		dev->rpm_parent_held = true;
		dev->parent->rpm_users++;
	}
	if (!dev->parent->rpm_up) {
		push(stack, dev->parent);
		all = false;
	}
	return all;
}

/* ---- driver calls; power lock held ---- */

static int call_driver(struct weir_device *dev, enum weir_event_type type)
{
	struct weir_machine *m = dev->m;
	struct weir_reg *reg = dev->reg;
	const struct weir_driver_ops *ops = reg ? reg->drv->ops : NULL;
	int (*call)(struct weir_device *dev) = NULL;
	uint32_t cause = m->cause;
	int err = 0;

	if (ops)
		call = type == WEIR_EVENT_RPM_RESUME ? ops->runtime_resume : ops->runtime_suspend;
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

static int wake(struct weir_device *dev)
{
	bool removed = dev->status == WEIR_DEVICE_UNBINDING && dev->consumer_at;
	int err;

	if (dev->suspended || (dev->rpm_asleep && removed)) /* its remove was begun without */
		return WEIR_EBUSY;
	if (dev->rpm_asleep) {
		err = call_driver(dev, WEIR_EVENT_RPM_RESUME);
		if (err && dev->rpm_asleep)
			return err;
		dev->rpm_asleep = false;
	}
	dev->rpm_up = true;
	(void)hold_needs(dev, &dev->m->rpm_todo); /* links made while the driver was called */
	return 0;
}

static void let_sleep(struct weir_device *dev)
{
	struct weir_reg *reg = dev->reg;
	int err;

	dev->rpm_up = false;
	if (reg) {
		dev->rpm_asleep = true;
		err = call_driver(dev, WEIR_EVENT_RPM_SUSPEND);
		if (dev->reg == reg && dev->rpm_asleep && err) {
			dev->rpm_asleep = false;
			dev->rpm_up = true;
		}
	}
	/* it may have lost its driver meanwhile, and even be up again for another */
	if (!dev->rpm_up)
		release_needs(dev);
}

/* ---- the two places where things are done ---- */

static void begin(struct weir_machine *m)
{
	weir_unlock_(m);
	m->ops->lock(m->host, m->power_lock);
	weir_lock_(m);
	m->rpm_running = true;
}

static int bring_up(struct weir_device *target, bool running);

static void drain(struct weir_machine *m)
{
	while (!m->rpm_paused && !weir_list_empty(&m->rpm_todo)) {
		struct weir_device *dev = pop(&m->rpm_todo);

		if (needed(dev) && !dev->rpm_up)
			(void)bring_up(dev, true); /* the event tells; the next user tries again */
		else if (dev->rpm_up && !needed(dev))
			let_sleep(dev);
		weir_device_unref_(dev);
	}
}

static void end(struct weir_machine *m)
{
	drain(m);
	m->rpm_running = false;
	m->ops->unlock(m->host, m->power_lock);
}

static void unwind(struct weir_list *stack)
{
	while (!weir_list_empty(stack)) {
		struct weir_device *dev = pop(stack);

		if (!dev->rpm_up)
			release_needs(dev);
		weir_device_unref_(dev);
	}
}

/*
 * Wakes a device with all that it needs. The stack holds who is to be woken, each
 * above those that need it; as nothing on it need stay there while the locks change
 * hands, every turn looks at the needs anew. @running: the caller has the power lock.
 * Return: 0; what a driver returned, then nothing is held for it.
 */
static int bring_up(struct weir_device *target, bool running)
{
	struct weir_machine *m = target->m;
	struct weir_list stack;
	bool mine = false;
	int err = 0;

	weir_list_init(&stack);
	while (!target->rpm_up && !err) {
		struct weir_device *dev;

		if (is_gone(target)) {
			err = WEIR_ENODEV;
			break;
		}
		if (weir_list_empty(&stack))
			push(&stack, target);
		dev = weir_container_of(stack.next, struct weir_device, rpm_node);
		if (is_gone(dev)) {
			weir_device_unref_(pop(&stack));
			continue;
		}
		if (!dev->rpm_up && !hold_needs(dev, &stack))
			continue;
		if (!dev->rpm_up && dev->rpm_asleep && !running && !mine) {
			begin(m);
			mine = true;
			continue;
		}
		pop(&stack);
		if (!dev->rpm_up)
			err = wake(dev);
		if (err)
			release_needs(dev);
		queue_if_idle(dev);
		weir_device_unref_(dev);
	}
	unwind(&stack);
	if (mine)
		end(m);
	return err;
}

void weir_rpm_run_(struct weir_machine *m)
{
	/* who runs already, on another thread, does this too before it ends */
	if (m->rpm_running || m->rpm_paused || weir_list_empty(&m->rpm_todo))
		return;
	begin(m);
	end(m);
}

void weir_rpm_pause_(struct weir_machine *m)
{
	m->rpm_paused++;
}

void weir_rpm_unpause_(struct weir_machine *m)
{
	if (!--m->rpm_paused)
		weir_rpm_run_(m);
}

/* ---- what the rest of the engine says ---- */

int weir_rpm_begin_(struct weir_device *dev)
{
	dev->rpm_users++;
	return dev->rpm_up ? 0 : bring_up(dev, false);
}

void weir_rpm_end_(struct weir_device *dev)
{
	drop_use(dev);
	weir_rpm_run_(dev->m);
}

void weir_rpm_bound_(struct weir_device *dev)
{
	weir_list_add_tail(&dev->m->bound, &dev->bound_node);
	weir_rpm_end_(dev);
}

void weir_rpm_unbound_(struct weir_device *dev)
{
	weir_list_del(&dev->bound_node);
	dev->rpm_enabled = false;
	dev->rpm_asleep = false;
	dev->suspended = false;
	drop_use(dev);
	if (needed(dev) && !dev->rpm_up) /* asleep, and could not be woken for its removal */
		queue(dev);
}

void weir_rpm_deleted_(struct weir_device *dev)
{
	dev->rpm_up = false;
	release_needs(dev);
}

void weir_rpm_use_(struct weir_device *dev)
{
	dev->rpm_users++;
}

void weir_rpm_unuse_(struct weir_device *dev)
{
	drop_use(dev);
}

void weir_rpm_link_gone_(struct weir_link *link)
{
	if (!link->rpm_held)
		return;
	link->rpm_held = false;
	drop_use(link->supplier);
}

void weir_rpm_link_made_(struct weir_link *link)
{
	if (!link->consumer->rpm_up || !carries(link))
		return;
	hold_link(link);
	if (!link->supplier->rpm_up)
		queue(link->supplier);
}

/* ---- public ---- */

void weir_pm_runtime_enable(struct weir_device *dev)
{
	weir_lock_(dev->m);
	dev->rpm_enabled = true;
	queue_if_idle(dev);
	weir_rpm_run_(dev->m);
	weir_unlock_(dev->m);
}

int weir_pm_runtime_disable(struct weir_device *dev)
{
	int err;

	weir_lock_(dev->m);
	err = weir_rpm_begin_(dev);
	if (!err)
		dev->rpm_enabled = false;
	weir_rpm_end_(dev);
	weir_unlock_(dev->m);
	return err;
}

int weir_pm_runtime_get(struct weir_device *dev)
{
	int err = WEIR_EBUSY;

	weir_lock_(dev->m);
	if (!dev->suspended) {
		err = weir_rpm_begin_(dev);
		if (err)
			weir_rpm_end_(dev);
	}
	weir_unlock_(dev->m);
	return err;
}

void weir_pm_runtime_put(struct weir_device *dev)
{
	weir_lock_(dev->m);
	weir_rpm_end_(dev);
	weir_unlock_(dev->m);
}

bool weir_pm_runtime_active(const struct weir_device *dev)
{
	bool active;

	weir_lock_(dev->m);
	active = !dev->rpm_asleep;
	weir_unlock_(dev->m);
	return active;
}
