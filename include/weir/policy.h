// SPDX-License-Identifier: MIT
/*
 * The decision points of the engine. One implementation of devices, links and
 * probing asks a policy; the library ships the policy "weir", the kernel model
 * under sim/ has "linux-6.12". All are called with the machine lock held.
 */
#ifndef WEIR_POLICY_H
#define WEIR_POLICY_H

#include "weir/driver.h"
#include "weir/firmware.h"
#include "weir/link.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How firmware is read. */
#define WEIR_RULE_OPTIONAL_BINDINGS 0x1u /* iommus, iommu-map and dmas make links too */
#define WEIR_RULE_HOLE_ENDS_LIST    0x2u /* an empty entry hides the suppliers behind it */
#define WEIR_RULE_NO_LINKS          0x4u /* firmware makes no links at all */
#define WEIR_RULE_LINKS_RETURN      0x8u /* a device is deleted, and what firmware says of its node stays said */

struct weir_policy_ops {
	struct weir_abi abi;
	const char *name;

	/* Life of the policy's own state, weir_policy_state(). NULL: none. */
	int (*init)(struct weir_machine *m, const void *args);
	void (*fini)(struct weir_machine *m);

	/* WEIR_RULE_*. */
	uint32_t (*firmware_rules)(struct weir_machine *m);
	/*
	 * By which rules devices share groups: an enum weir_pci_rules for those that can
	 * have a topology; @out_by_ids: whether the others do when their ids overlap, which
	 * is then found out when they are added. NULL: the library's rules, and yes.
	 */
	unsigned int (*group_rules)(struct weir_machine *m, bool *out_by_ids);
	/* A tree was loaded, or nodes changed, or suppliers were named. NULL: nothing. */
	int (*firmware_changed)(struct weir_machine *m);

	/*
	 * A device can be found on its bus, and is not complete: it owns no node yet and has no
	 * links. For models of kernels that let drivers at it so early: may drop the machine lock
	 * for a while, in which the device must not be deleted. NULL: nothing.
	 */
	void (*device_visible)(struct weir_device *dev);

	/* ---- a device was added and owns its node: make its links ---- */
	/* Return: 0; WEIR_ENOMEM. */
	int (*link_device)(struct weir_device *dev);
	/*
	 * A device was added and has the links that firmware asks for: those that its bus
	 * asks for (order_after). Return: 0; WEIR_ENOMEM. NULL: none.
	 */
	int (*order_device)(struct weir_device *dev);
	/* Flags of the link that a firmware-node link turns into. */
	uint32_t (*link_flags)(const struct weir_fwlink *fwlink, struct weir_device *consumer,
			       bool proxy);
	/*
	 * Does making @consumer need @supplier close a cycle? Marks what gives
	 * way. 0, or WEIR_ENOMEM. NULL: cycles are known from firmware_changed.
	 */
	int (*check_cycle)(struct weir_fwlink *fwlink, struct weir_fwnode *supplier);

	/* A link was made, or holds back more than before. NULL: nothing. */
	void (*link_added)(struct weir_link *link);

	/* ---- when things are tried ---- */
	/* A device is complete. It is tried now, or queued. */
	void (*device_ready)(struct weir_device *dev);
	/* A driver is complete: its devices are tried now, or queued. */
	void (*driver_ready)(struct weir_machine *m, const struct weir_driver *drv);
	/*
	 * May this device be probed now? 0, or WEIR_EDEFER. May store a reason.
	 * Moves the supplier links to WEIR_LINK_CONSUMER_PROBE when it may.
	 */
	int (*may_probe)(struct weir_device *dev);
	/* After may_probe, before the driver: DMA set-up. 0 or WEIR_EDEFER. NULL: 0. */
	int (*dma_configure)(struct weir_device *dev);
	/* ... and undone when the probe failed or the device is unbound. NULL: nothing. */
	void (*dma_cleanup)(struct weir_device *dev);

	/* ---- whom does what wake ---- */
	/* The supplier of a managed link is bound. */
	void (*supplier_ready)(struct weir_link *link);
	/* A device is bound, deferred (@positive: by its driver), or failed. */
	void (*bound)(struct weir_device *dev);
	void (*deferred)(struct weir_device *dev, bool positive);
	void (*failed)(struct weir_device *dev, int err);
	/* A link or firmware-node link of it was made, dropped or relaxed. NULL: nothing. */
	void (*unblocked)(struct weir_device *dev);
	/* A device was unbound; goes away. NULL: nothing. */
	void (*unbound)(struct weir_device *dev);
	void (*deleted)(struct weir_device *dev);

	/* An IOMMU instance came. NULL: nothing. */
	void (*iommu_added)(struct weir_device *dev);
	/* The catalogue changed: @sealed when it was sealed. NULL: nothing. */
	void (*catalogue_changed)(struct weir_machine *m, bool sealed);

	/* Work: returns as weir_step(). */
	int (*step)(struct weir_machine *m, unsigned int budget);

	/*
	 * Consumers of a device that is unbound go in the reverse order of their binds (beyond the first
	 * 1024 of its links in the order of these). False: oldest link first.
	 */
	bool newest_first;
};

/** weir_policy_state / weir_policy_set_state - the policy's own data of a machine. */
void *weir_policy_state(const struct weir_machine *m);
void weir_policy_set_state(struct weir_machine *m, void *state);

#ifdef __cplusplus
}
#endif
#endif
