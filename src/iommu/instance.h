// SPDX-License-Identifier: MIT
/* IOMMU instances inside the library. See instance.c. */
#ifndef WEIR_IOMMU_INSTANCE_H
#define WEIR_IOMMU_INSTANCE_H

#include "core/core.h"

struct weir_iommu {
	struct weir_device *dev;          /* (c) that published it */
	const struct weir_iommu_ops *ops; /* (c) may be NULL */
	void *instance;                   /* (c) the driver's */
	struct weir_list node;            /* (m) in m->iommus */
	struct weir_list masters;         /* (m) attached devices */
};

/*
 * Puts a master behind the IOMMUs that firmware names for it.
 * Return: 0 it is, or it has none; WEIR_EDEFER an instance is not there, whose node
 * is stored; WEIR_ENODEV an IOMMU is disabled; WEIR_EINVAL ids rejected; WEIR_ENOMEM.
 */
int weir_iommu_configure_(struct weir_device *dev, struct weir_fwnode **out_missing);

#endif
