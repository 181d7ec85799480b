// SPDX-License-Identifier: MIT
/* Shared by iommuworld.c and iommumodel.c alone. */
#ifndef WEIR_TESTS_IOMMUWORLD_PRIV_H
#define WEIR_TESTS_IOMMUWORLD_PRIV_H

#include "iommuworld.h"

extern struct iommu_world *im_current_; /* of the test: drivers find their model here */
extern const struct weir_iommu_ops im_ops_;
/* Its driver is gone. */
void im_reset_(struct im_model *m);
/* A driver's probe runs: the device's stream is behind something. Any thread. */
void im_check_probed_(const struct im_model *m, uint32_t stream);

#endif
