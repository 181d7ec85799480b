// SPDX-License-Identifier: MIT
/*
 * IOMMU instances and groups, as far as the order of bring-up needs them: an
 * IOMMU driver publishes an instance as the last step of its probe, masters are
 * let go when all their instances are there, and get a group.
 */
#ifndef WEIR_IOMMU_H
#define WEIR_IOMMU_H

#include "weir/device.h"

#ifdef __cplusplus
extern "C" {
#endif

struct weir_iommu;

struct weir_iommu_ops {
	struct weir_abi abi;
	/*
	 * Checks the ids that firmware gives a master for this instance
	 * (@cells: the specifier). 0, or WEIR_EINVAL when it rejects them.
	 * NULL: every specifier is fine.
	 */
	int (*translate_ids)(void *instance, struct weir_device *dev, const uint32_t *cells,
			     unsigned int n);
};

/**
 * weir_iommu_register - publish an instance for the node of @dev.
 * Context: in the probe of @dev, last step. Return: 0; WEIR_EEXIST when @dev has
 * one, or is itself a master in a group; WEIR_EINVAL without node or for ops of
 * another ABI; WEIR_ENOMEM.
 */
int weir_iommu_register(struct weir_device *dev, const struct weir_iommu_ops *ops,
			void *instance);

/** weir_iommu_unregister - take it back; its masters leave their groups. */
void weir_iommu_unregister(struct weir_device *dev);

/** weir_device_group - the number of the device's group. Return: 0 or more; WEIR_ENOENT when it has none. */
int weir_device_group(const struct weir_device *dev);

#ifdef __cplusplus
}
#endif
#endif
