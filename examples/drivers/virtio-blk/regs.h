// SPDX-License-Identifier: MIT
/* Block devices of Virtio 1.2: section 5.2. All little-endian. */
#ifndef WEIR_VIRTIO_BLK_REGS_H
#define WEIR_VIRTIO_BLK_REGS_H

#include <stdint.h>

#define VBLK_TYPE 2u
#define VBLK_KEY  "pci:1af4:1042"
#define VBLK_TRANSITIONAL_KEY "pci:1af4:1001"

/* Features, 5.2.3. */
#define VBLK_F_SEG_MAX (UINT64_C(1) << 2)
#define VBLK_F_RO      (UINT64_C(1) << 5)

/* Configuration, 5.2.4. */
#define VBLK_CAPACITY 0u /* 8 bytes: sectors */
#define VBLK_SEG_MAX 12u /* 4 bytes: segments of data in a request */

#define VBLK_SECTOR 512u

/* Requests, 5.2.6: this, then data, then a byte of status. */
struct vblk_header {
	uint32_t type;
	uint32_t reserved;
	uint64_t sector;
};
_Static_assert(sizeof(struct vblk_header) == 16, "a header has 16 bytes");

#define VBLK_IN  0u /* from the disk */
#define VBLK_OUT 1u
#define VBLK_OK    0u
#define VBLK_IOERR 1u
#define VBLK_UNSUPPORTED 2u

#endif
