// SPDX-License-Identifier: MIT
/*
 * A static hypervisor's use of Weir: which master belongs to which guest, and which memory each
 * guest has, is a constant. No devices, firmware, PCI or DMA calls: an SMMUv3 by its
 * registers, tables of the guests' own, streams by their ids.
 */
#ifndef EXAMPLES_STATIC_SMMU_H
#define EXAMPLES_STATIC_SMMU_H

#include "weir/arm_smmu_v3.h"

#define STATIC_GUESTS 4u

struct static_window {
	uint64_t iova, pa, bytes;
	uint32_t prot; /* WEIR_MAP_* */
};

struct static_guest {
	uint32_t id; /* VMID of stage 2, ASID of stage 1 */
	const uint32_t *streams;
	unsigned int nr_streams;
	const struct static_window *windows;
	unsigned int nr_windows;
};

struct static_board {
	uint64_t smmu_pa;
	uint32_t nr_lines;            /* its interrupts, as of struct weir_smmu_v3_config */
	uint32_t lines[2];
	enum weir_table_format stage; /* WEIR_TABLE_ARM_S2 for guests; S1 where hardware has no other */
	const struct static_guest *guests;
	unsigned int nr_guests;       /* at most STATIC_GUESTS */
	/* What the SMMU reports, see struct weir_smmu_v3_config. NULL: it is dropped. */
	void (*event)(void *arg, const struct weir_fault *fault);
	/*
	 * Memory for its stream table: it stays with an SMMU that cannot abort without. NULL: the
	 * host's pages.
	 */
	int (*table_alloc)(void *arg, size_t bytes, size_t align_bytes, void **out_va,
			   uint64_t *out_pa);
	void (*table_free)(void *arg, void *va, uint64_t pa, size_t bytes);
};

struct static_smmu {
	const struct static_board *board;
	struct weir_smmu_v3 *smmu;
	struct weir_table *tables[STATIC_GUESTS];
	struct weir_smmu_v3_domain *domains[STATIC_GUESTS];
};

/*
 * Everything is blocked but what the board says, whose calls get @arg.
 * Return: 0; as weir_smmu_v3_create(), weir_table_map() and weir_smmu_v3_domain_create().
 */
int static_smmu_start(const struct weir_host_ops *ops, void *host,
		      const struct static_board *board, void *arg, struct static_smmu *out);
/*
 * Takes memory away from a guest: when it returns 0, none of its masters reaches it any more.
 * Return: 0; as weir_table_unmap(); WEIR_EIO.
 */
int static_smmu_revoke(struct static_smmu *s, unsigned int guest, uint64_t iova, uint64_t bytes);
/* Blocks all, and gives everything back. */
void static_smmu_stop(struct static_smmu *s);

#endif
