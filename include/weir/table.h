// SPDX-License-Identifier: MIT
/*
 * Translation tables: what an IOMMU that walks tables in memory is shown.
 *
 * Usable alone, without machine or devices: by a hypervisor for its guests, or by firmware.
 * The domains of domain.h keep theirs with it. docs/tables.md says by which rules tables change.
 *
 * Threads: map, unmap, translate and reserve may run at the same time, in any number, when
 * their ranges of I/O virtual addresses are disjoint; they take no lock but where a table
 * comes or goes. release, trim and destroy: see each.
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
	WEIR_TABLE_ARM_SHORT,   /* Arm VMSAv7 short descriptors, stage 1 */
	WEIR_TABLE_EXYNOS,      /* Exynos SysMMU before version 5: physical addresses of 32 bits */
	WEIR_TABLE_EXYNOS_V5,   /* ... from version 5 on: of 36 bits */
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

/*
 * The code that keeps tables of some formats. Who names a kind has it linked, and no other:
 * weir_table_arm64 for ARM_S1 and ARM_S2, weir_table_short for ARM_SHORT, EXYNOS and EXYNOS_V5.
 * weir_table_arm64_ds is ARM_S1 and ARM_S2 with pages of 4 or 16 KiB and addresses, in or out, of
 * 49 to 52 bits, for walkers with FEAT_LPA2 (TCR.DS; SMMU_IDR5.DS): tables of small pages and so long
 * addresses are laid out so, and others never.
 */
struct weir_table_kind;
extern const struct weir_table_kind weir_table_arm64, weir_table_arm64_ds, weir_table_short;

/* What tables are to be made, and for what kind of walker. */
struct weir_table_config {
	enum weir_table_format format;
	const struct weir_table_kind *kind; /* that has this format */
	uint32_t granule_lg2;   /* of the smallest page: 12, 14, 16 */
	uint32_t iova_bits;     /* of addresses that go in */
	uint32_t pa_bits;       /* ... and come out */
	/*
	 * What the walker stands when a live entry changes between a table and a block
	 * (Arm: FEAT_BBM levels 0, 1, 2; SMMU_IDR3.BBML).
	 */
	uint32_t bbm_level;
	bool coherent;          /* the walker sees the CPU's caches */
	/*
	 * Sizes of pages that may be used, as a mask; those that hints make (Arm: the
	 * contiguous bit) are sizes too. 0: all there are.
	 */
	uint64_t page_sizes;
	/*
	 * Last-level tables may be unlinked while other threads map and unmap beside in them, so that
	 * they go with their last page. It costs each call an atomic operation; without, they
	 * are unlinked by who has all that they map.
	 */
	bool unlink_shared;
};

/*
 * Memory attributes that stage 1 entries of Arm formats refer to, as the walker's MAIR
 * (SMMUv3: in the CD) must have them: 0 normal non-cacheable, 1 normal write-back, 2 device nGnRE.
 */
#define WEIR_TABLE_ARM_MAIR UINT64_C(0x04ff44)

/*
 * The same for short descriptors: PRRR and NMRR, for a walker with TEX remap (SCTLR.TRE). Without
 * it entries mean the same. AP[0] is an access flag (SCTLR.AFE), which is set.
 * The root is one table of 16 KiB, aligned to that, for addresses of 32 bits (TTBCR.N is 0).
 */
#define WEIR_TABLE_ARM_PRRR UINT32_C(0x800b8204)
#define WEIR_TABLE_ARM_NMRR UINT32_C(0x40004000)

/* What is to be dropped from the caches of those who walk tables. */
struct weir_invalidation {
	uint64_t iova, bytes;
	uint64_t page_bytes;    /* all pages there were of that size; 0: of any */
	bool tables;            /* entries that lead to tables changed too, not only pages */
};

/*
 * What unmapping leaves to be done; begins as all zero, and collects what any number of calls
 * did. It is the caller's, and may be copied. Then @what is invalidated, and when no walker uses
 * it any more, weir_table_release() takes the rest. One that is not released goes with
 * its table.
 */
struct weir_table_gather {
	struct weir_invalidation what; /* all of it in one range; no bytes: nothing */
	uint64_t unmapped_bytes;       /* of what was mapped */
	void *unlinked;                /* the library's: tables */
	/*
	 * The caller's: last-level tables that get empty are unlinked; without
	 * config.unlink_shared only those that a call's range covers.
	 */
	bool unlink;
};

/* Memory that gets a part of a range. */
struct weir_table_piece {
	uint64_t pa, bytes;
};

/* What is mapped in one piece: as long as memory and rights go on, within one table. */
struct weir_table_mapping {
	uint64_t iova, pa, bytes;
	uint32_t prot; /* WEIR_MAP_*, as the entries say */
};

struct weir_table;

/**
 * weir_table_create - make tables that map nothing.
 * Context: thread. Owner: the caller; @ops is borrowed until weir_table_destroy().
 * Return: 0; WEIR_EOPNOTSUPP without a kind, for a format that is not of it, for a granule or
 * sizes that there are no tables for, on a host without pages_alloc, or without cache_sync for a
 * walker that is not coherent; WEIR_EINVAL for a host of another ABI; WEIR_ENOMEM.
 */
int weir_table_create(const struct weir_host_ops *ops, void *host,
		      const struct weir_table_config *config, struct weir_table **out_table);
/**
 * weir_table_destroy - free them, with all that is mapped and what waits in gathers. No walker
 * uses them any more. NULL is fine. Context: thread; any, where pages_free can be called so.
 */
void weir_table_destroy(struct weir_table *table);
/** weir_table_describe - what a walker is told; the id is 0. It never changes. Context: any. */
void weir_table_describe(const struct weir_table *table, struct weir_tables *out_tables);
/** weir_table_page_sizes - the sizes of pages that are used, as a mask. Context: any. */
uint64_t weir_table_page_sizes(const struct weir_table *table);
/** weir_table_memory - bytes of memory that the tables and their books take. Context: any. */
uint64_t weir_table_memory(const struct weir_table *table);

/**
 * weir_table_map - let [iova, iova + bytes) reach [pa, pa + bytes), by the largest pages
 * that fit where there is no table yet.
 * @prot: WEIR_MAP_*, at least one of READ and WRITE. Stage 1 of Arm cannot withhold reads.
 *
 * All of it or nothing. When it returns, walkers see it. Nothing was mapped there that is not
 * invalidated yet. Context: any.
 * Return: 0; WEIR_EINVAL when an address or @bytes is no multiple of the smallest page,
 * @bytes is 0, or for rights that mean nothing; WEIR_ERANGE past the last address of either
 * side; WEIR_EEXIST when a part is mapped; WEIR_ENOMEM.
 */
int weir_table_map(struct weir_table *table, uint64_t iova, uint64_t pa, uint64_t bytes,
		   uint32_t prot);
/**
 * weir_table_map_pieces - the same for scattered memory, one piece behind the other.
 * Context: any. Return: as weir_table_map().
 */
int weir_table_map_pieces(struct weir_table *table, uint64_t iova,
			  const struct weir_table_piece *pieces, unsigned int n, uint32_t prot);
/**
 * weir_table_unmap - take away what is mapped in [iova, iova + bytes).
 *
 * Any part of what was mapped, as far as the format can split a live page without breaking
 * it. Holes are allowed; but with config.unlink_shared, where a last-level table has nothing of
 * the range, no other thread may unlink it meanwhile. Walkers may use what was there until @gather is dealt with.
 * Context: any.
 * Return: 0; WEIR_EINVAL when an address or @bytes is no multiple of the smallest page, or
 * @bytes is 0; WEIR_ERANGE past the last address; WEIR_EBUSY when a larger page would have to be
 * split that this walker cannot stand (config.bbm_level); WEIR_EAGAIN when it can, once what
 * @gather tells is invalidated: do it and call again; WEIR_ENOMEM when a split found no memory.
 * With an error everything is mapped as before.
 */
int weir_table_unmap(struct weir_table *table, uint64_t iova, uint64_t bytes,
		     struct weir_table_gather *gather);
/**
 * weir_table_release - what @gather tells is invalidated: free the tables it has, but those that
 * are in use again. It is all zero afterwards, but for @unlink.
 * Context: any; not at the same time as another release or a trim of the same tables.
 */
void weir_table_release(struct weir_table *table, struct weir_table_gather *gather);
/**
 * weir_table_trim - unlink last-level tables in [iova, iova + bytes) that map nothing. Nobody
 * maps or unmaps in the range meanwhile; with config.unlink_shared they may.
 * Context: any; see weir_table_release().
 */
void weir_table_trim(struct weir_table *table, uint64_t iova, uint64_t bytes,
		     struct weir_table_gather *gather);
/**
 * weir_table_reserve - make the tables that pages of @page_bytes (0: the smallest) need in
 * [iova, iova + bytes), for good: mapping and unmapping pages of that size and larger there makes no
 * call of the host that allocates. Larger pages are used where no table stands.
 * Context: thread. Return: 0; WEIR_EINVAL for a range that is empty or cuts a page, or no size
 * of pages; WEIR_ERANGE; WEIR_EEXIST when a larger page is mapped; WEIR_ENOMEM: what was made
 * stays.
 */
int weir_table_reserve(struct weir_table *table, uint64_t iova, uint64_t bytes,
		       uint64_t page_bytes);
/**
 * weir_table_translate - what an IOVA reaches. Nobody unmaps it meanwhile; where it may be
 * unmapped, nobody releases tables meanwhile. Context: any. Return: 0; WEIR_ENOENT.
 */
int weir_table_translate(struct weir_table *table, uint64_t iova, uint64_t *out_pa);
/**
 * weir_table_next - what is mapped at @iova, from there on, or next behind it. Nobody releases
 * tables meanwhile. Context: any. Return: 0; WEIR_ENOENT when there is nothing.
 */
int weir_table_next(const struct weir_table *table, uint64_t iova,
		    struct weir_table_mapping *out_mapping);

#ifdef __cplusplus
}
#endif
#endif
