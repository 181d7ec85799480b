// SPDX-License-Identifier: MIT
/*
 * The order alone: for a program that has devices and drivers of its own and only
 * asks Weir "may this be probed now?". It is told what was probed, failed or was
 * removed, and answers from the same engine: suppliers, order and optional links,
 * loops refused, verdicts with their root cause, events.
 *
 *	1. weir_order_add() each device, weir_order_need() what it needs;
 *	2. weir_order_offer() a device when there is a driver for it;
 *	3. weir_order_next() gives the devices that may be probed now; each is answered
 *	   with weir_order_done(), at once or later, from any thread;
 *	4. weir_order_complete() when no more drivers will come.
 *
 * A device is a struct weir_device like any other: weir_device_verdict() and
 * weir_device_root_cause() say why it waits.
 */
#ifndef WEIR_ORDER_H
#define WEIR_ORDER_H

#include "weir/device.h"
#include "weir/link.h"

#ifdef __cplusplus
extern "C" {
#endif

struct weir_order;
struct weir_why; /* verdict.h */

/**
 * weir_order_create - begin a book of devices on a machine.
 * @m: a machine under the library's own policy; it should hold nothing else.
 *
 * Context: thread. Owner: the caller, until weir_order_destroy().
 * Return: 0; WEIR_EEXIST when the machine has one; WEIR_ENOMEM.
 */
int weir_order_create(struct weir_machine *m, struct weir_order **out_order);

/**
 * weir_order_destroy - forget all devices, whatever state they are in.
 * @order: the book, or NULL. Before weir_machine_destroy(). Context: thread.
 */
void weir_order_destroy(struct weir_order *order);

/**
 * weir_order_add - name a device.
 * @name: copied; unique in the book.
 * @out_dev: valid until weir_order_del().
 * Context: thread. Return: 0; WEIR_EEXIST; WEIR_ENOMEM.
 */
int weir_order_add(struct weir_order *order, const char *name, struct weir_device **out_dev);

/**
 * weir_order_find - the device of that name. Context: thread. Return: 0; WEIR_ENOENT.
 */
int weir_order_find(struct weir_order *order, const char *name, struct weir_device **out_dev);

/**
 * weir_order_del - forget a device, and what needs it or is needed by it. A probe of
 * it that is under way counts as failed; so what the program still does for it is
 * its own affair. Consumers that are bound are not told: remove them before.
 * Context: thread.
 */
void weir_order_del(struct weir_device *dev);

/**
 * weir_order_need - say that @consumer needs @supplier.
 * @property: what for, such as "clocks"; kept by pointer; or NULL.
 * @flags: 0; WEIR_LINK_ORDER: only after the supplier's probe has settled, however;
 *	WEIR_LINK_OPTIONAL: do without when it can never come.
 * Context: thread. Return: as weir_link_add().
 */
int weir_order_need(struct weir_device *consumer, struct weir_device *supplier,
		    const char *property, uint32_t flags);

/**
 * weir_order_offer - there is a driver for the device now.
 * Context: thread. Return: 0; WEIR_EEXIST when there was one; WEIR_ENOMEM.
 */
int weir_order_offer(struct weir_device *dev);

/**
 * weir_order_withdraw - the driver goes away again.
 * Context: thread. Return: 0; WEIR_ENOENT when there is none; WEIR_EBUSY when it is
 * bound (weir_order_removed() first) or being probed.
 */
int weir_order_withdraw(struct weir_device *dev);

/**
 * weir_order_complete - no more drivers will come: what was not offered one never has
 * one. Lets order and optional links go. Context: thread.
 */
void weir_order_complete(struct weir_order *order);

/**
 * weir_order_next - the next device that may be probed now.
 * @out_dev: all it needs is ready, and stays so until the answer, weir_order_done().
 * Context: thread. Return: 0; WEIR_ENOENT when there is none at the moment.
 */
int weir_order_next(struct weir_order *order, struct weir_device **out_dev);

/**
 * weir_order_may_probe - the same question about one device.
 * @out_why: why not, down to the root cause; or NULL. Written when not 0.
 * Context: thread. Return: 0: probe it now, weir_order_done() is due; WEIR_EDEFER;
 * WEIR_EBUSY when it is being probed or bound.
 */
int weir_order_may_probe(struct weir_device *dev, struct weir_why *out_why);

/**
 * weir_order_done - how the probe went.
 * @err: 0: bound. WEIR_EDEFER: not yet, it is offered again after something else was
 *	bound. Others: it failed, for good.
 * Context: thread. Return: 0; WEIR_EINVAL when it was not being probed; WEIR_ENOMEM
 * when it is not bound for lack of memory: undo the probe, it counts as failed.
 */
int weir_order_done(struct weir_device *dev, int err);

/**
 * weir_order_removed - the device is not bound any more. It is handed out again once
 * its driver was withdrawn and offered anew.
 * @out_user: the first consumer in the way, when WEIR_EBUSY; or NULL.
 * Context: thread. Return: 0; WEIR_EINVAL when it was not bound; WEIR_EBUSY, with
 * nothing changed, while a consumer is bound or being probed.
 */
int weir_order_removed(struct weir_device *dev, struct weir_device **out_user);

#ifdef __cplusplus
}
#endif
#endif
