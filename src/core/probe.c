// SPDX-License-Identifier: MIT
/*
 * Probing: one attempt to bring a device and a driver together, and its undoing.
 *
 * The policy says whether and when; here is what happens then: suppliers are
 * claimed, DMA is set up, the driver's probe runs without the lock, and either
 * the device is bound and its links are made true, or everything is as before.
 *
 * In either the device is its thread's alone (dev->work, work.c).
 */
#include "core/core.h"

/* ---- what the device can reach ---- */

/* All that it needs is bound. The gate is the embedder's, and is called without the lock. */
static int open_memory(struct weir_device *dev)
{
	struct weir_machine *m = dev->m;
	const struct weir_gate *gate = m->parts.gate;
	uint32_t cause = m->cause;
	int err = m->policy->dma_configure ? m->policy->dma_configure(dev) : 0;

	if (err || !gate)
		return err;
	weir_unlock_(m);
	err = gate->open(m->parts.gate_arg, dev);
	weir_lock_(m);
	m->cause = cause;
	dev->gate_open = !err;
	return err > 0 ? WEIR_EINVAL : err;
}

/* What the driver may have started reaches no memory any more before that goes. */
static void close_memory(struct weir_device *dev)
{
	struct weir_machine *m = dev->m;
	uint32_t cause = m->cause;

	if (dev->bus->ops->unbound)
		dev->bus->ops->unbound(dev);
	if (dev->gate_open) {
		dev->gate_open = false;
		weir_unlock_(m);
		m->parts.gate->close(m->parts.gate_arg, dev);
		weir_lock_(m);
		m->cause = cause;
	}
	if (m->policy->dma_cleanup)
		m->policy->dma_cleanup(dev);
	weir_resources_release_(dev);
	if (m->parts.dma)
		m->parts.dma->end(dev);
}

/* ---- an attempt ---- */

/* Back to a device without driver, whatever was done of it. */
static void undo_attempt(struct weir_device *dev)
{
	close_memory(dev);
	weir_links_no_driver_(dev);
	dev->reg = NULL;
	dev->data = NULL;
	weir_rpm_unbound_(dev);
}

static int call_probe(struct weir_device *dev, const struct weir_driver *drv)
{
	struct weir_machine *m = dev->m;
	uint32_t cause;
	int err;

	m->stats.probes++;
	cause = m->cause = dev->cause = weir_event_dev_(WEIR_EVENT_PROBE, dev, drv->name, 0);
	if (!drv->ops || !drv->ops->probe)
		return 0;
	weir_unlock_(m);
	err = drv->ops->probe(dev);
	weir_lock_(m);
	m->cause = cause;
	return err;
}

/* The probe succeeded: publish it. May run out of memory, then nothing changed. */
static int bind(struct weir_device *dev)
{
	struct weir_machine *m = dev->m;
	struct weir_list sync;
	int err;

	weir_list_init(&sync);
	weir_list_add_tail(&dev->reg->devices, &dev->reg_node);
	err = weir_links_bound_(dev, &sync);
	if (err) {
		weir_list_del(&dev->reg_node);
		return err;
	}
	dev->was_bound = true;
	dev->bound_seq = ++m->bound_seq;
	dev->last_err = 0;
	m->cause = weir_event_dev_(WEIR_EVENT_BOUND, dev, dev->reg->drv->name, 0);
	dev->cause = m->cause;
	weir_rpm_bound_(dev);
	weir_sync_run_(m, &sync);
	m->policy->bound(dev);
	return 0;
}

/* What became of an attempt that did not bind. Return: for weir_attach_one_. */
static int fail(struct weir_device *dev, const char *driver, int err, bool soft)
{
	struct weir_machine *m = dev->m;

	if (err > 0)
		err = WEIR_EINVAL;
	if (soft)
		err = WEIR_EDEFER;
	if (err == WEIR_EDEFER) {
		weir_event_dev_(WEIR_EVENT_DEFERRED, dev, dev->reason, 0);
		m->policy->deferred(dev, true);
		return 0;
	}
	dev->last_err = err;
	m->cause = weir_event_dev_(WEIR_EVENT_PROBE_FAILED, dev, driver, err);
	m->policy->failed(dev, err);
	return 0;
}

static int defer_before_probe(struct weir_device *dev)
{
	weir_event_dev_(WEIR_EVENT_DEFERRED, dev, dev->reason, 1);
	dev->m->policy->deferred(dev, false);
	return WEIR_EDEFER;
}

/* The driver has said how it went. Return: for weir_attach_one_. */
static int conclude(struct weir_device *dev, int err)
{
	const char *driver = dev->reg->drv->name;
	bool soft = dev->soft_start;

	if (!err)
		err = bind(dev);
	if (!err)
		return 1;
	undo_attempt(dev);
	return fail(dev, driver, err, soft);
}

static int attempt(struct weir_device *dev, struct weir_reg *reg)
{
	struct weir_machine *m = dev->m;
	int err;

	err = m->policy->may_probe(dev);
	if (err)
		return defer_before_probe(dev);
	dev->reg = reg;
	err = weir_rpm_begin_(dev);
	if (err)
		return conclude(dev, err);
	err = open_memory(dev);
	if (err == WEIR_EDEFER) {
		undo_attempt(dev);
		return defer_before_probe(dev);
	}
	if (!err && m->parts.dma)
		err = m->parts.dma->begin(dev);
	if (!err)
		err = call_probe(dev, reg->drv);
	dev->parked = err == WEIR_LATER_;
	return dev->parked ? WEIR_LATER_ : conclude(dev, err);
}

/* It is bound, and a supplier has gone meanwhile that could not wait for that. */
static bool is_stranded(const struct weir_device *dev)
{
	return dev->lost_supplier && dev->status == WEIR_DEVICE_BOUND;
}

/* The attempt is over: gives back what it kept. */
static void let_be(struct weir_device *dev, struct weir_reg *reg, struct weir_work *work)
{
	struct weir_machine *m = dev->m;

	weir_reg_put_(reg);
	dev->busy = false;
	dev->work = NULL;
	weir_work_end_(m, work);
	weir_rpm_run_(m);
	if (is_stranded(dev))
		weir_release_(dev);
	weir_device_del_doomed_(dev);
	weir_device_unref_(dev);
}

int weir_attach_one_(struct weir_device *dev, struct weir_reg *reg)
{
	struct weir_machine *m = dev->m;
	uint32_t outer = m->cause;
	struct weir_work work;
	int r;

	if (dev->dead || !dev->added || dev->reg || dev->busy || dev->work || reg->going ||
	    reg->closed)
		return 0;
	dev->can_match = true;
	dev->busy = true;
	dev->lost_supplier = false;
	dev->refs++;
	reg->users++;
	weir_work_begin_(m, dev, &work);
	dev->work = &work;
	r = attempt(dev, reg);
	m->cause = outer;
	if (!dev->parked) {
		let_be(dev, reg, &work);
		return r;
	}
	dev->work = NULL;
	weir_work_end_(m, &work);
	return r;
}

void weir_probe_done_(struct weir_device *dev, int err)
{
	struct weir_machine *m = dev->m;
	struct weir_reg *reg = dev->reg;
	uint32_t outer = m->cause;
	struct weir_work work;

	dev->parked = false;
	weir_work_begin_(m, dev, &work);
	dev->work = &work;
	m->cause = dev->cause;
	(void)conclude(dev, err);
	m->cause = outer;
	let_be(dev, reg, &work);
}

int weir_attach_device_(struct weir_device *dev)
{
	uint32_t after = 0;
	struct weir_reg *reg;
	int r = 0;

	if (dev->reg)
		return dev->status == WEIR_DEVICE_BOUND;
	while (!r && (reg = weir_match_next_reg_(dev, after))) {
		after = reg->seq;
		r = weir_attach_one_(dev, reg);
	}
	return r;
}

/*
 * Begins to unbind a device, before what is on the stack. Consumers of consumers may
 * go on as far as there are devices, so the stack is kept in them.
 */
static void begin_release(struct weir_device *dev, struct weir_work *work,
			  struct weir_device **stack)
{
	if (dev->status != WEIR_DEVICE_BOUND)
		return;
	if (!dev->work) /* or it is this thread's already: it is being deleted */
		dev->work = work;
	dev->refs++;
	dev->reg->users++;
	dev->status = WEIR_DEVICE_UNBINDING;
	(void)weir_rpm_begin_(dev); /* awake for its remove, if it can be woken: not later */
	dev->consumer_at = dev->consumers.next;
	dev->release_up = *stack;
	*stack = dev;
}

/* No consumer is left. */
static void end_release(struct weir_device *dev, struct weir_work *work,
			struct weir_device **stack)
{
	struct weir_machine *m = dev->m;
	struct weir_reg *reg = dev->reg;

	while (weir_work_wait_(dev)) /* other calls of its driver */
		;
	m->cause = weir_event_dev_(WEIR_EVENT_REMOVE, dev, reg->drv->name, 0);
	if (reg->drv->ops && reg->drv->ops->remove) {
		weir_unlock_(m);
		reg->drv->ops->remove(dev);
		weir_lock_(m);
	}
	close_memory(dev);
	dev->consumer_at = NULL;
	dev->reg = NULL;
	dev->data = NULL;
	weir_rpm_unbound_(dev);
	weir_links_driver_gone_(dev);
	weir_list_del(&dev->reg_node);
	*stack = dev->release_up;
	if (m->policy->unbound)
		m->policy->unbound(dev);
	if (dev->work == work)
		dev->work = NULL;
	weir_reg_put_(reg);
	weir_work_changed_(m);
	weir_rpm_run_(m);
	weir_device_del_doomed_(dev);
	weir_device_unref_(dev);
}

void weir_release_(struct weir_device *dev)
{
	struct weir_machine *m = dev->m;
	uint32_t outer = m->cause;
	struct weir_device *stack = NULL;
	struct weir_work work;

	while (weir_work_wait_(dev))
		;
	weir_work_begin_(m, NULL, &work);
	begin_release(dev, &work, &stack);
	while (stack) {
		struct weir_device *con = weir_links_next_consumer_(stack);

		if (con) {
			begin_release(con, &work, &stack);
			continue;
		}
		end_release(stack, &work, &stack);
		m->cause = outer;
	}
	weir_work_end_(m, &work);
}
