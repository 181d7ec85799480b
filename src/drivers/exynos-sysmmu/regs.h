// SPDX-License-Identifier: MIT
/*
 * Numbers of the Exynos System MMU. No manual of it is public; what is used here was published on
 * linux-arm-kernel with these patches, by title: "iommu/exynos: Add iommu driver for EXYNOS Platforms"
 * (versions 1 to 3), "iommu/exynos: Turn on useful configuration options" (MMU_CFG), "iommu/exynos:
 * add support for v5 SYSMMU", "iommu/exynos: Add SysMMU v7 register set", "... Enable default VM
 * instance on SysMMU v7", "... Implement fault handling on SysMMU v7".
 */
#ifndef WEIR_EXYNOS_SYSMMU_REGS_H
#define WEIR_EXYNOS_SYSMMU_REGS_H

#include <stdint.h>

#define REG_CTRL          0x000u
#define   CTRL_OFF        0x0u /* everything passes */
#define   CTRL_ON         0x5u /* with interrupts for faults */
#define   CTRL_BLOCK      0x7u
#define REG_CFG           0x004u
#define   CFG_LRU         (UINT32_C(1) << 0)  /* up to 3.2 */
#define   CFG_EAP         (UINT32_C(1) << 2)  /* access rights are checked */
#define   CFG_QOS_MAX     (UINT32_C(15) << 7) /* of walks */
#define   CFG_SYSSEL      (UINT32_C(1) << 22) /* 3.2: the newer of two in one place */
#define   CFG_ACGEN       (UINT32_C(1) << 24) /* from 3.3 on: it gates its own clock */
#define REG_STATUS        0x008u
#define   STATUS_BLOCKED  (UINT32_C(1) << 0)
#define REG_VERSION       0x034u
#define   VERSION_MAJOR(x) ((x) >> 28)
#define   VERSION_MINOR(x) ((x) >> 21 & 0x7f)
#define   VERSION_NONE    UINT32_C(0x80000001) /* of some of version 1.0 */

/* Of version 7: whether there are VM registers. */
#define REG_CAPA0         0x870u
#define   CAPA0_CAPA1     (UINT32_C(1) << 11)
#define REG_CAPA1         0x874u
#define   CAPA1_VM        (UINT32_C(1) << 14)
#define REG_CTRL_VM       0x8000u
#define   CTRL_VM_ENABLE  (UINT32_C(1) << 0)
#define   CTRL_VM_STALL   (UINT32_C(1) << 3) /* faults hold the master back, as in other versions */

#define FLUSH_GO          UINT32_C(1)        /* bit 0 of what is written to flush */
#define INFO_WRITE        (UINT32_C(1) << 20) /* of version 7's fault information */

#define ROOT_BYTES        0x4000u
#define PAGE              0x1000u
#define REGS_BYTES_MIN    0x1000u
#define REGS_BYTES_VM     0x9000u

#endif
