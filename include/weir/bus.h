// SPDX-License-Identifier: MIT
/*
 * Buses. A bus holds devices and drivers and says which driver fits which
 * device. Matching goes by keys: a device offers strings, a driver lists strings
 * in its match table, and they match when one is equal. Looking one up costs
 * O(keys), however many devices and drivers there are.
 */
#ifndef WEIR_BUS_H
#define WEIR_BUS_H

#include "weir/machine.h"

#ifdef __cplusplus
extern "C" {
#endif

struct weir_bus;
struct weir_device;
struct weir_fwspec;

struct weir_bus_ops {
	struct weir_abi abi;
	/*
	 * The @index-th match key of a device, the most specific first; NULL
	 * after the last. NULL op: the compatible strings of the device's
	 * firmware node. Context: machine lock held; must not call the library.
	 */
	const char *(*match_key)(const struct weir_device *dev, unsigned int index);
	/*
	 * Whether a driver also matches a device by having its name.
	 */
	bool match_name;
	/*
	 * A driver has let go of a device, or failed to take it: what it may have
	 * switched on is switched off, before memory and translations go. NULL: nothing
	 * to do. Context: machine lock held; must not call the library.
	 */
	void (*unbound)(struct weir_device *dev);
	/*
	 * The @index-th IOMMU that a device is behind, and what firmware says of it there.
	 * 0; WEIR_ENOENT after the last; WEIR_EINVAL when firmware's words are damaged.
	 * NULL op: weir_firmware_spec() of the device's node. Machine lock held.
	 */
	int (*iommu_spec)(const struct weir_device *dev, unsigned int index,
			  struct weir_fwspec *out_spec);
	/*
	 * The group that the topology of the bus puts a device in: the same text for all
	 * devices that can reach each other or look the same. @rules: the policy's. NULL
	 * op, or NULL: whether two devices share a group is told by their ids at the IOMMU.
	 */
	const char *(*group_key)(const struct weir_device *dev, unsigned int rules);
	/*
	 * The device whose probe should have settled before that of @dev begins, where the
	 * policy makes order links; NULL: none. NULL op: none. Machine lock held.
	 */
	struct weir_device *(*order_after)(const struct weir_device *dev);
};

/**
 * weir_bus_create - add a bus to a machine.
 * @name: copied; unique in the machine.
 * @ops: NULL for all defaults (match by compatible, not by name).
 *
 * Context: thread. Owner: the machine; it goes with weir_machine_destroy().
 * Return: 0; WEIR_EEXIST; WEIR_EINVAL for a table of another ABI; WEIR_ENOMEM.
 */
int weir_bus_create(struct weir_machine *m, const char *name,
		    const struct weir_bus_ops *ops, struct weir_bus **out_bus);

/**
 * weir_bus_find - the bus of that name.
 * Return: 0, or WEIR_ENOENT.
 */
int weir_bus_find(struct weir_machine *m, const char *name, struct weir_bus **out_bus);

/** weir_bus_name - the name of a bus. */
const char *weir_bus_name(const struct weir_bus *bus);

#ifdef __cplusplus
}
#endif
#endif
