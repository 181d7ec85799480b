// SPDX-License-Identifier: MIT
/*
 * What is public of the Exynos System MMU, and where from. There is no manual that describes
 * all of it; these are descriptions and register definitions sent to public mailing lists, as
 * found in Linux's history by the titles given here, and the device-tree binding.
 *
 * [B]   Documentation/devicetree/bindings/iommu/samsung,sysmmu.yaml: one master, several System
 *       MMUs; #iommu-cells 0; clocks; "identical translation table format to ARMv7" (so Arm
 *       DDI 0406C, B3.5, short descriptors, where nothing else is said).
 * [P]   "ARM: S5P: Add Support System MMU" (2011), "iommu/exynos: Add iommu driver for EXYNOS
 *       Platforms" (2012): registers of versions 1 to 3, values of MMU_CTRL, the block handshake,
 *       faults by interrupt bit and their address registers; blocked while a fault is pending.
 * [O]   "iommu/exynos: Turn on useful configuration options" (2014): bits of MMU_CFG, by version.
 * [W]   "iommu/exynos: Apply workaround of caching fault page table entries" (2014): what 3.2 and 3.3
 *       cache of first-level entries, and that 3.3 does so ahead of accesses, faults included.
 * [2]   "iommu/exynos: Change tlb invalidation" (2012 to 2014): what one entry flush of version 2
 *       reaches, which has a set-associative TLB of 64 sets.
 * [5]   "iommu/exynos: add support for v5 SYSMMU" (2016): registers and interrupt bits of version
 *       5, entries shifted by 4 bits for physical addresses of 36 bits, access rights.
 * [7]   "iommu/exynos: Check if SysMMU v7 has VM registers", "... Add SysMMU v7 register set", "...
 *       Enable default VM instance on SysMMU v7" (2022), "... Implement fault handling on SysMMU
 *       v7" (2023): registers of version 7, tried on Exynos850 (7.4).
 */
#ifndef WEIR_SIM_HW_SYSMMU_SPEC_H
#define WEIR_SIM_HW_SYSMMU_SPEC_H

/* Of all versions [P, 5, 7]. */
#define R_CTRL        0x000u
#define   CTRL_OFF    0x0u
#define   CTRL_ON     0x5u
#define   CTRL_BLOCK  0x7u
#define R_CFG         0x004u
#define   CFG_LRU     (1u << 0)  /* up to 3.2 [O] */
#define   CFG_EAP     (1u << 2)  /* access rights are checked */
#define   CFG_QOS     (15u << 7)
#define   CFG_FLPD    (1u << 20) /* 3.2, 3.3: first-level entries are cached [O] */
#define   CFG_SYSSEL  (1u << 22) /* 3.2 */
#define   CFG_ACGEN   (1u << 24) /* from 3.3 on */
#define R_STATUS      0x008u
#define   STATUS_BLOCKED 1u
#define R_VERSION     0x034u     /* major in bits 31 to 28, minor in 27 to 21 */
#define   NO_VERSION  0x80000001u

/* Where the versions differ. */
enum reg {
	REG_NONE, REG_CTRL, REG_CFG, REG_STATUS, REG_VERSION, REG_FLUSH_ALL, REG_FLUSH_ENTRY,
	REG_FLUSH_RANGE, REG_FLUSH_START, REG_FLUSH_END, REG_BASE, REG_INT_STATUS, REG_INT_CLEAR,
	REG_PAGE_FAULT, REG_AW_FAULT, REG_AR_FAULT, REG_DEFAULT_SLAVE, REG_FAULT_INFO,
	REG_CAPA0, REG_CAPA1, REG_CTRL_VM,
};

#define CAPA0_CAPA1       (1u << 11) /* 7: CAPA1 is there */
#define CAPA1_VM          (1u << 14) /* ... and so are VM registers */
#define CTRL_VM_ENABLE    (1u << 0)
#define CTRL_VM_STALL     (1u << 3)  /* a fault blocks */
#define FAULT_INFO_WRITE  (1u << 20) /* 7 */

/* Kinds of faults; the bit of each is the version's affair. */
enum fault {
	FAULT_PAGE, FAULT_ACCESS, FAULT_BUS, FAULT_MULTIHIT, FAULTS,
};

#define MAPS_LG2  20u  /* by a first-level entry */
#define LARGE_LG2 16u
#define SMALL_LG2 12u
#define L1_BYTES  0x4000u
#define L2_BYTES  0x400u

#endif
