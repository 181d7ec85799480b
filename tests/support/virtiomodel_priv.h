// SPDX-License-Identifier: MIT
/* What the two halves of the virtio model share: the device, and the host around it. */
#ifndef WEIR_TESTS_VIRTIOMODEL_PRIV_H
#define WEIR_TESTS_VIRTIOMODEL_PRIV_H

#include "virtiomodel.h"

/* Parts of the function's registers, and of those of the MMIO layout. */
#define BAR_COMMON 0x0000u
#define BAR_ISR    0x1000u
#define BAR_CONFIG 0x2000u
#define BAR_NOTIFY 0x3000u
#define BAR_MSIX   0x4000u
#define BAR_BYTES  0x8000u
#define NOTIFY_MULTIPLIER 4u

#define F_EVENT_IDX (1ull << 29)
#define F_VERSION_1 (1ull << 32)

void vmodel_reset_(struct vmodel *model);
/* Accesses to registers, by the offset in them. */
uint64_t vmodel_read_(struct vmodel *model, uint64_t at, unsigned int width);
void vmodel_write_(struct vmodel *model, uint64_t at, unsigned int width, uint64_t value);

#endif
