// SPDX-License-Identifier: MIT
/*
 * Drivers: a constant table of calls plus the keys of the devices it takes.
 */
#ifndef WEIR_DRIVER_H
#define WEIR_DRIVER_H

#include "weir/device.h"

#ifdef __cplusplus
extern "C" {
#endif

struct weir_module;

struct weir_match {
	const char *key;  /* compatible string or other bus key; NULL ends the table */
	const void *data; /* the driver's own */
};

struct weir_driver_ops {
	struct weir_abi abi;
	/*
	 * Take the device. All its suppliers, its parent and its IOMMU are ready.
	 * 0: bound. WEIR_EDEFER: not yet (say what with weir_dev_fail).
	 * WEIR_ENODEV or WEIR_ENXIO: not mine after all. Others: it failed.
	 * Context: thread, no locks held. NULL: binds at once.
	 */
	int (*probe)(struct weir_device *dev);
	/* Let go; cannot fail. Consumers are unbound already. NULL: nothing to do. */
	void (*remove)(struct weir_device *dev);
	/*
	 * All consumers that firmware names are bound: what was left running for
	 * them can be switched off now. Called once. NULL: not interested.
	 */
	void (*sync_state)(struct weir_device *dev);
	/* An optional supplier of @dev became ready after @dev was bound. */
	void (*supplier_arrived)(struct weir_device *dev, struct weir_device *supplier);
	/* Power, called in link order (pm.h). NULL: nothing to do. */
	int (*suspend)(struct weir_device *dev);
	int (*resume)(struct weir_device *dev);
	void (*shutdown)(struct weir_device *dev);
	int (*runtime_suspend)(struct weir_device *dev);
	int (*runtime_resume)(struct weir_device *dev);
};

/* Flags of struct weir_driver. */
#define WEIR_DRIVER_SYNC 0x1u /* probe inside weir_step(), never on a host thread */
#define WEIR_DRIVER_OWNER 0xffff0000u /* these bits mean what who registers it wants */

struct weir_driver {
	const char *name;
	const char *bus;                 /* name of its bus */
	const struct weir_match *match;  /* ends with a NULL key; NULL for none */
	const struct weir_driver_ops *ops;
	/* Firmware properties whose suppliers it can do without; NULL-ended, or NULL. */
	const char *const *optional_suppliers;
	uint32_t flags;
	void *context;                   /* the owner's; weir_driver_context() */
};

/**
 * weir_driver_register - offer a driver to the devices of its bus.
 * @drv: kept by pointer; must stay valid until it is unregistered.
 *
 * Context: thread, not in a probe of the same bus under a policy that probes at
 * once. Return: 0; WEIR_ENOENT when the bus does not exist; WEIR_EEXIST when the
 * bus has a driver of that name; WEIR_EINVAL for ops of another ABI; WEIR_ENOMEM.
 */
int weir_driver_register(struct weir_machine *m, const struct weir_driver *drv);

/**
 * weir_driver_unregister - unbind all devices of a driver, the last bound first
 * and their consumers before them, and forget it.
 * Probes of it that run on host threads are waited for, but not in a probe on such a thread.
 * Context: thread. Return: 0; WEIR_ENOENT when it is not registered; WEIR_EBUSY when it is being
 * called by who asks or by another thread's weir_step(), or when it would have to be waited for.
 */
int weir_driver_unregister(struct weir_machine *m, const struct weir_driver *drv);

/**
 * weir_driver_unbind - take a device from its driver, consumers first.
 * What other threads do with them meanwhile is waited for, as in weir_device_del(); a consumer
 * that cannot be waited for, since its probe asks, is unbound when that is over.
 * Context: thread. Return: 0; WEIR_ENODEV when not bound.
 */
int weir_driver_unbind(struct weir_device *dev);

/**
 * weir_driver_bind - have a device tried again that was unbound, or whose probe failed.
 * Context: thread. Return: 0: it is tried as soon as what it needs is ready; WEIR_EBUSY
 * when it is bound or being probed; WEIR_ENOENT when no registered driver fits.
 */
int weir_driver_bind(struct weir_device *dev);

/**
 * weir_dev_wait_for - say what a probe that can not go on yet waits for.
 * @dev: being probed.
 * @supplier: the firmware node of what is missing; it need not be a device yet.
 * @property: what names it, such as "clocks"; a string that stays valid, or NULL.
 *
 * For needs that firmware did not tell, or that the driver finds out by itself:
 *
 *	if (!clock_is_there(node))
 *		return weir_dev_wait_for(dev, node, "clocks");
 *
 * The device is probed again when the supplier is bound, and not before; without this
 * call a probe that returns WEIR_EDEFER has another turn whenever something was bound.
 * The need stays, as if firmware had named it: a link, once @supplier is a device.
 * Context: in the probe of @dev. Return: WEIR_EDEFER, for the probe to return, also
 * when the supplier was bound meanwhile; WEIR_EINVAL when there is nothing to wait for:
 * @supplier is of another machine, is the device itself, needs it, or works without
 * driver; WEIR_ENOMEM.
 */
int weir_dev_wait_for(struct weir_device *dev, struct weir_fwnode *supplier,
		      const char *property);

/** weir_driver_match_entry - the entry of the driver's table for the device's first key that it has, or NULL. */
const struct weir_match *weir_driver_match_entry(const struct weir_device *dev,
						 const struct weir_driver *drv);

#ifdef __cplusplus
}
#endif
#endif
