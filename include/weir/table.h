// SPDX-License-Identifier: MIT
/*
 * Translation tables: what an IOMMU that walks tables in memory is shown.
 *
 * Usable alone, without machine or devices: by a hypervisor for its guests, or by firmware.
 * The domains of domain.h keep theirs with it.
 */
#ifndef WEIR_TABLE_H
#define WEIR_TABLE_H

#include "weir/host.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What a mapping allows, and how its memory is. */
#define WEIR_MAP_READ    0x01u
#define WEIR_MAP_WRITE   0x02u
#define WEIR_MAP_NOEXEC  0x04u
#define WEIR_MAP_CACHED  0x08u /* coherent with the CPU's caches */
#define WEIR_MAP_DEVICE  0x10u /* registers (MSI doorbells, peer devices), not memory */

/* The format of translation tables. */
enum weir_table_format {
	WEIR_TABLE_ARM_S1,      /* Arm VMSAv8-64, stage 1 */
	WEIR_TABLE_ARM_S2,      /* ... stage 2: what a hypervisor uses for a guest */
	WEIR_TABLE_ARM_SHORT,   /* Arm VMSAv7 short descriptors */
	WEIR_TABLE_EXYNOS,
	WEIR_TABLE_VTD_FIRST,
	WEIR_TABLE_VTD_SECOND,
	WEIR_TABLE_AMD_V1,
	WEIR_TABLE_RISCV_S1,    /* Sv39, Sv48, Sv57 */
	WEIR_TABLE_RISCV_S2,    /* Sv39x4 and so on */
};

/* Tables as those who walk them are told: who keeps them does not matter. */
struct weir_tables {
	enum weir_table_format format;
	uint64_t root_pa;
	uint32_t granule_lg2;   /* of the smallest page: 12, 14, 16 */
	uint32_t iova_bits;     /* of addresses that go in */
	uint32_t pa_bits;       /* ... and come out */
	uint32_t levels;        /* of tables, root included */
	uint32_t id;            /* external ones: the VMID or ASID its translations are tagged with */
	bool coherent;          /* the walker sees the CPU's caches */
};

/* What tables are to be made, and for what kind of walker. */
struct weir_table_config {
	enum weir_table_format format;
	uint32_t granule_lg2;   /* of the smallest page: 12, 14, 16 */
	uint32_t iova_bits;     /* of addresses that go in */
	uint32_t pa_bits;       /* ... and come out */
	/*
	 * What the walker stands when a live entry changes between a table and a block
	 * (Arm: FEAT_BBM levels 0, 1, 2; SMMU_IDR3.BBML).
	 */
	uint32_t bbm_level;
	bool coherent;          /* the walker sees the CPU's caches */
};

/* What is to be dropped from the caches of those who walk tables. */
struct weir_invalidation {
	uint64_t iova, bytes;
	uint64_t page_bytes;    /* all pages there were of that size; 0: of any */
	bool tables;            /* entries that lead to tables changed too, not only pages */
};

#ifdef __cplusplus
}
#endif
#endif
