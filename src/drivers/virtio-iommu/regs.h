// SPDX-License-Identifier: MIT
/* Numbers of the virtio-iommu device (Virtio 1.2, 5.13). All fields are little-endian. */
#ifndef WEIR_VIRTIO_IOMMU_REGS_H
#define WEIR_VIRTIO_IOMMU_REGS_H

#define VIOMMU_TYPE             23u /* 5.13.1 */
#define VIOMMU_QUEUE_REQUEST    0u  /* 5.13.2 */
#define VIOMMU_QUEUE_EVENT      1u

/* 5.13.3: features. */
#define VIOMMU_F_INPUT_RANGE    (UINT64_C(1) << 0)
#define VIOMMU_F_DOMAIN_RANGE   (UINT64_C(1) << 1)
#define VIOMMU_F_MAP_UNMAP      (UINT64_C(1) << 2)
#define VIOMMU_F_BYPASS         (UINT64_C(1) << 3)
#define VIOMMU_F_PROBE          (UINT64_C(1) << 4)
#define VIOMMU_F_MMIO           (UINT64_C(1) << 5)
#define VIOMMU_F_BYPASS_CONFIG  (UINT64_C(1) << 6)

/* 5.13.4: configuration. */
#define CONFIG_PAGE_SIZE_MASK   0u  /* 8 bytes */
#define CONFIG_INPUT_START      8u  /* 8 */
#define CONFIG_INPUT_END        16u /* 8 */
#define CONFIG_DOMAIN_START     24u /* 4 */
#define CONFIG_DOMAIN_END       28u /* 4 */
#define CONFIG_PROBE_SIZE       32u /* 4 */
#define CONFIG_BYPASS           36u /* 1 */

/* 5.13.6: requests; the type is the first byte, three reserved ones follow. */
#define REQ_ATTACH              1u
#define REQ_DETACH              2u
#define REQ_MAP                 3u
#define REQ_UNMAP               4u
#define REQ_PROBE               5u
#define REQ_DOMAIN              4u  /* of ATTACH, DETACH, MAP and UNMAP */
#define ATTACH_ENDPOINT         8u
#define ATTACH_FLAGS            12u
#define   ATTACH_BYPASS         0x1u
#define ATTACH_BYTES            20u /* also of DETACH */
#define MAP_START               8u
#define MAP_END                 16u
#define MAP_PA                  24u
#define MAP_FLAGS               32u
#define   MAP_READ              0x1u
#define   MAP_WRITE             0x2u
#define   MAP_MMIO              0x4u
#define MAP_BYTES               36u
#define UNMAP_BYTES             28u
#define PROBE_ENDPOINT          4u
#define PROBE_BYTES             72u
/* The status is the first byte of what the device writes last; three follow. */
#define TAIL_BYTES              4u
#define STATUS_OK               0u
#define STATUS_IOERR            1u
#define STATUS_UNSUPP           2u
#define STATUS_DEVERR           3u
#define STATUS_INVAL            4u
#define STATUS_RANGE            5u
#define STATUS_NOENT            6u
#define STATUS_FAULT            7u
#define STATUS_NOMEM            8u

/* 5.13.6.5 and 5.13.6.6: properties that PROBE returns. */
#define PROP_HEAD_BYTES         4u
#define PROP_TYPE               0xfffu
#define PROP_RESERVED           0xf000u
#define PROP_NONE               0u
#define PROP_RESV_MEM           1u
#define RESV_SUBTYPE            4u
#define   RESV_MSI              1u
#define RESV_START              8u
#define RESV_END                16u
#define RESV_BYTES              24u

/* 5.13.6.7: faults. */
#define EVENT_REASON            0u
#define   REASON_DOMAIN         1u
#define   REASON_MAPPING        2u
#define EVENT_RESERVED          1u  /* 3 bytes */
#define EVENT_FLAGS             4u
#define   EVENT_READ            0x001u
#define   EVENT_WRITE           0x002u
#define   EVENT_ADDRESS_VALID   0x100u
#define EVENT_ENDPOINT          8u
#define EVENT_ADDRESS           16u
#define EVENT_BYTES             24u

#endif
