// SPDX-License-Identifier: MIT
/*
 * Devices. A device is made, added to its bus, probed by a driver when all that
 * it needs is ready, and at some time deleted. Devices are reference counted.
 */
#ifndef WEIR_DEVICE_H
#define WEIR_DEVICE_H

#include "weir/bus.h"

#ifdef __cplusplus
extern "C" {
#endif

struct weir_driver;
struct weir_fwnode;

/* Where a device is between its driver and its links. */
enum weir_device_status {
	WEIR_DEVICE_NO_DRIVER,
	WEIR_DEVICE_PROBING,
	WEIR_DEVICE_BOUND,
	WEIR_DEVICE_UNBINDING,
};

/**
 * weir_device_create - make a device, not yet on its bus.
 * @bus: its bus.
 * @name: copied; unique among the added devices of the bus, and among those of its
 *	parent whatever their bus.
 * @parent: the device it hangs below, or NULL; a reference is taken.
 * @fwnode: what firmware says of it, or NULL.
 *
 * Context: thread. Owner: the caller holds the one reference.
 * Return: 0; WEIR_ENOMEM.
 */
int weir_device_create(struct weir_bus *bus, const char *name, struct weir_device *parent,
		       struct weir_fwnode *fwnode, struct weir_device **out_dev);

/**
 * weir_device_add - put a device on its bus; it may be probed from now on.
 *
 * 1. the name is claimed, 2. the device owns its firmware node if that has no
 * owner, 3. links to its suppliers and consumers are made, 4. it is probed or
 * queued for it. Context: thread, also inside a probe (children).
 * Owner: the machine takes a reference, until weir_device_del().
 * Return: 0; WEIR_EEXIST when the name is taken; WEIR_EINVAL when it was added
 * before; WEIR_ENODEV when its parent is being deleted; WEIR_ENOMEM.
 */
int weir_device_add(struct weir_device *dev);

/**
 * weir_device_del - take a device away: its consumers and children first, then
 * its driver, its links, its name. It can not be added again.
 *
 * What other threads do with them meanwhile, probes, removals, other calls of drivers, is
 * waited for. Where that would never end, since it is the caller that is inside the probe or
 * removal of one of them, or another that waits for the caller, the device goes
 * as soon as that is over. Context: thread.
 */
void weir_device_del(struct weir_device *dev);

/** weir_device_ref - take a reference. Return: @dev. */
struct weir_device *weir_device_ref(struct weir_device *dev);
/** weir_device_unref - drop a reference; accepts NULL. Return: NULL. */
struct weir_device *weir_device_unref(struct weir_device *dev);

/** weir_device_find - the added device of that name on a bus; no reference is taken. Return: 0; WEIR_ENOENT. */
int weir_device_find(struct weir_bus *bus, const char *name, struct weir_device **out_dev);

const char *weir_device_name(const struct weir_device *dev);
struct weir_bus *weir_device_bus(const struct weir_device *dev);
struct weir_machine *weir_device_machine(const struct weir_device *dev);
struct weir_device *weir_device_parent(const struct weir_device *dev);
struct weir_fwnode *weir_device_fwnode(const struct weir_device *dev);
/** weir_device_driver - the driver that is bound or probing, or NULL. */
const struct weir_driver *weir_device_driver(const struct weir_device *dev);
enum weir_device_status weir_device_status_get(const struct weir_device *dev);

/** weir_device_set_data / weir_device_data - a pointer for the device's driver. */
void weir_device_set_data(struct weir_device *dev, void *data);
void *weir_device_data(const struct weir_device *dev);

/**
 * weir_device_set_best_effort - let a device be probed although suppliers are
 * missing that have no driver (a console). Its errors count as "not yet".
 */
void weir_device_set_best_effort(struct weir_device *dev, bool on);

/**
 * weir_dev_fail - say why a probe fails, and return the error.
 * @err: what the probe is about to return; WEIR_EDEFER stores the text as the
 *	reason the device waits, any other error logs it.
 * @fmt: like printf, of %s %d %u %x %lx %llu %llx %c %p %%.
 * Context: in the probe of @dev. Return: @err.
 */
int weir_dev_fail(struct weir_device *dev, int err, const char *fmt, ...)
#if defined(__GNUC__)
	__attribute__((format(printf, 3, 4)))
#endif
	;

/** weir_device_reason - the stored reason for waiting, or NULL. */
const char *weir_device_reason(const struct weir_device *dev);

/**
 * weir_devm_add - have @release(data) called when the device is unbound, or its
 * probe fails; the last added is released first.
 * Context: in the probe of @dev. Return: 0; WEIR_ENOMEM (then @release was called).
 */
int weir_devm_add(struct weir_device *dev, void (*release)(void *data), void *data);

/**
 * weir_devm_alloc - zeroed memory that goes when the device is unbound.
 * Context: in the probe of @dev. Return: 0; WEIR_ENOMEM.
 */
int weir_devm_alloc(struct weir_device *dev, size_t bytes, void **out_mem);

/** weir_device_first / weir_device_next - all added devices, in order of addition; NULL at the end. */
struct weir_device *weir_device_first(struct weir_machine *m);
struct weir_device *weir_device_next(struct weir_device *dev);

#ifdef __cplusplus
}
#endif
#endif
