// SPDX-License-Identifier: MIT
/*
 * What the policy "weir" decides of devices and their IOMMUs: whether one may go
 * without, and what happens when the IOMMU comes late. Machine lock held.
 */
#ifndef WEIR_POLICY_IOMMU_H
#define WEIR_POLICY_IOMMU_H

#include "core/core.h"

/* The policy's dma_configure. */
int weir_need_iommu_(struct weir_device *dev);
/* ... and dma_cleanup. */
void weir_lost_driver_(struct weir_device *dev);
/* A link was made: one to an IOMMU that its consumer can do without is marked so. */
void weir_mark_iommu_link_(struct weir_link *link);
/* An IOMMU is to be probed: devices that run without it give way. May drop the lock. */
void weir_before_iommu_(struct weir_device *dev);
/* A device that runs without the IOMMU @dev and does not give way, or NULL. */
struct weir_device *weir_iommu_refuser_(struct weir_device *dev);
/* An instance came: devices that run without it are put behind it, where that is their rule. */
void weir_iommu_came_(struct weir_device *dev);

#endif
