// SPDX-License-Identifier: MIT
/*
 * IOMMU instances: an IOMMU driver publishes one as the last step of its probe.
 * Masters are let go when all their instances are there.
 *
 * Ops belong to the instance, never to a bus: instances of different drivers live
 * side by side.
 */
#ifndef WEIR_IOMMU_H
#define WEIR_IOMMU_H

#include "weir/domain.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * What an instance can do. The library calls attach, part_create and part_destroy
 * with the lock of the group or domain held, and map, unmap and sync with that of
 * the domain; none of them with the machine lock. All may sleep.
 */
struct weir_iommu_ops {
	struct weir_abi abi;
	/*
	 * Turns a specifier of a device tree (or what stands for it) into a stream
	 * id. 0, or WEIR_EINVAL when the instance rejects it. Machine lock held.
	 * NULL: the first cell, or 0 when there is none.
	 */
	int (*translate_ids)(void *instance, struct weir_device *dev, const uint32_t *cells,
			     unsigned int n, uint32_t *out_stream);
	/* Limits of this instance. NULL: 4 KiB pages, IOVAs from 0 to 2^48 - 1. */
	void (*limits)(void *instance, struct weir_domain_limits *out_limits);
	/*
	 * A domain with mappings comes to this instance, or has no masters at it any
	 * more. The part is what the instance keeps for it. NULL: needs nothing.
	 */
	int (*part_create)(void *instance, struct weir_domain *domain, void **out_part);
	void (*part_destroy)(void *instance, void *part);
	/*
	 * Puts a stream behind a domain, instead of whatever it is behind: @part is
	 * that of part_create, NULL for blocked and identity. On failure the stream
	 * is behind what it was behind, or blocked. NULL op: streams need no setting.
	 */
	int (*attach)(void *instance, uint32_t stream, enum weir_domain_type type, void *part);
	/* One mapping more or less. NULL: the instance walks the domain's tables. */
	int (*map)(void *instance, void *part, uint64_t iova, uint64_t pa, uint64_t bytes,
		   uint32_t prot);
	int (*unmap)(void *instance, void *part, uint64_t iova, uint64_t bytes);
	/* When it returns 0, nothing that was unmapped is used any more. NULL: unmap saw to it. */
	int (*sync)(void *instance, void *part);
};

/**
 * weir_iommu_register - publish an instance for the node of @dev.
 * @ops: NULL for an instance that only takes part in the order of bring-up.
 * Context: in the probe of @dev, last step. Return: 0; WEIR_EEXIST when @dev has
 * one, or is itself a master in a group; WEIR_EINVAL without node or for ops of
 * another ABI; WEIR_ENOMEM.
 */
int weir_iommu_register(struct weir_device *dev, const struct weir_iommu_ops *ops,
			void *instance);

/** weir_iommu_unregister - take it back; its masters are blocked and leave their groups. */
void weir_iommu_unregister(struct weir_device *dev);

/** weir_device_group - the number of the device's group. Return: 0 or more; WEIR_ENOENT when it has none. */
int weir_device_group(const struct weir_device *dev);

#ifdef __cplusplus
}
#endif
#endif
