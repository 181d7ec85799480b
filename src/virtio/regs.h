// SPDX-License-Identifier: MIT
/* Registers and memory formats of virtio devices (Virtio 1.2, sections 2.1, 2.7, 4.1 and 4.2). */
#ifndef WEIR_VIRTIO_REGS_H
#define WEIR_VIRTIO_REGS_H

/* Device status, 2.1. */
#define STATUS_ACKNOWLEDGE 0x01u
#define STATUS_DRIVER      0x02u
#define STATUS_DRIVER_OK   0x04u
#define STATUS_FEATURES_OK 0x08u
#define STATUS_NEEDS_RESET 0x40u
#define STATUS_FAILED      0x80u
#define STATUS_GONE        0xffu /* no device answers */

/* PCI, 4.1.2: device ids. */
#define PCI_VENDOR_VIRTIO      0x1af4u
#define PCI_DEVICE_FIRST       0x1000u /* transitional: the type is the subsystem's id */
#define PCI_DEVICE_MODERN      0x1040u /* plus the type */
#define PCI_DEVICE_LAST        0x107fu
/* 4.1.4: capabilities that say where the registers are. */
#define PCI_CAP_VENDOR         0x09u
#define PCI_CAP_MSIX           0x11u
#define VCAP_BYTES             2u
#define VCAP_TYPE              3u
#define   VCAP_COMMON          1u
#define   VCAP_NOTIFY          2u
#define   VCAP_ISR             3u
#define   VCAP_DEVICE          4u
#define   VCAP_TYPES           5u
#define VCAP_BAR               4u
#define VCAP_OFFSET            8u
#define VCAP_LENGTH            12u
#define VCAP_MULTIPLIER        16u /* of notify */
/* 4.1.4.3: common configuration. */
#define COMMON_DEVICE_SELECT   0u
#define COMMON_DEVICE_FEATURES 4u
#define COMMON_DRIVER_SELECT   8u
#define COMMON_DRIVER_FEATURES 12u
#define COMMON_CONFIG_VECTOR   16u
#define COMMON_NUM_QUEUES      18u
#define COMMON_STATUS          20u
#define COMMON_GENERATION      21u
#define COMMON_QUEUE_SELECT    22u
#define COMMON_QUEUE_SIZE      24u
#define COMMON_QUEUE_VECTOR    26u
#define COMMON_QUEUE_ENABLE    28u
#define COMMON_QUEUE_NOTIFY    30u
#define COMMON_QUEUE_DESC      32u
#define COMMON_QUEUE_DRIVER    40u
#define COMMON_QUEUE_DEVICE    48u
#define COMMON_BYTES           56u
#define NO_VECTOR              0xffffu

/* MMIO, 4.2.2. */
#define MMIO_MAGIC             0x000u
#define   MMIO_MAGIC_VALUE     0x74726976u
#define MMIO_VERSION           0x004u
#define MMIO_DEVICE_ID         0x008u
#define MMIO_DEVICE_FEATURES   0x010u
#define MMIO_DEVICE_SELECT     0x014u
#define MMIO_DRIVER_FEATURES   0x020u
#define MMIO_DRIVER_SELECT     0x024u
#define MMIO_QUEUE_SELECT      0x030u
#define MMIO_QUEUE_MAX         0x034u
#define MMIO_QUEUE_SIZE        0x038u
#define MMIO_QUEUE_READY       0x044u
#define MMIO_QUEUE_NOTIFY      0x050u
#define MMIO_INTERRUPT_STATUS  0x060u
#define MMIO_INTERRUPT_ACK     0x064u
#define MMIO_STATUS            0x070u
#define MMIO_QUEUE_DESC        0x080u
#define MMIO_QUEUE_DRIVER      0x090u
#define MMIO_QUEUE_DEVICE      0x0a0u
#define MMIO_GENERATION        0x0fcu
#define MMIO_CONFIG            0x100u

/* Split queues, 2.7. */
#define DESC_BYTES             16u
#define DESC_NEXT              0x1u
#define DESC_WRITE             0x2u
#define AVAIL_NO_INTERRUPT     0x1u
#define USED_NO_NOTIFY         0x1u
#define RING_HEAD_BYTES        4u  /* flags and index */
#define USED_ELEM_BYTES        8u
#define QUEUE_MAX_SIZE         32768u

#endif
