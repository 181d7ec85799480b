// SPDX-License-Identifier: MIT
/* What the parts of the hostile SMMUv2 share. */
#ifndef WEIR_SIM_HW_SMMUV2_PRIV_H
#define WEIR_SIM_HW_SMMUV2_PRIV_H

#include "hw/smmuv2.h"
#include "hw/smmuv2/spec.h"

#define S2_TLB 128u
#define S2_INVALIDATIONS 64u
#define S2_RECENT 32u

struct s2_access {
	uint32_t sid;
	uint64_t iova;
	unsigned int flags;   /* SMMU2_* */
};

/* What a translation is tagged with. */
struct s2_tag {
	bool stage2;          /* of stage 2 alone: input is an IPA */
	bool global;
	uint32_t vmid, asid;
};
enum s2_kind { S2_NONE, S2_LEAF, S2_TABLE };
struct s2_entry {
	enum s2_kind kind;
	struct s2_tag tag;
	uint64_t in, bytes;   /* the input it is for */
	uint64_t out;         /* where that starts; of a table: its address */
	unsigned int level;
	uint32_t perms;       /* S2_* */
	bool ipa;             /* of a table: its address is translated by stage 2 */
};
#define S2_R  0x1u
#define S2_W  0x2u
#define S2_PR 0x4u /* privileged */
#define S2_PW 0x8u

/* An invalidation that was asked for. */
enum s2_inv { INV_ALL, INV_VMID, INV_CONTEXT, INV_ASID, INV_VA, INV_VAA, INV_IPA };
struct s2_invalidation {
	enum s2_inv what;
	int bank;             /* where it was asked for; -1: globally */
	uint32_t vmid, asid;
	uint64_t address;
	bool leaf;            /* of the last level alone */
};

struct s2_bank {
	uint32_t cbar, cba2r, cbfrsynra;
	uint32_t sctlr, actlr, tcr, tcr2, contextidr, mair0, mair1;
	uint64_t ttbr0, ttbr1;
	uint32_t fsr, fsynr0;
	uint64_t far, ipafar;
	bool sync;            /* SMMU_CBn_TLBSTATUS.SACTIVE */
	unsigned int sync_wait;
	struct s2_access stalled;
};

/* A stage of translation, as a context bank says it. */
struct s2_walk {
	struct s2_tag tag;
	unsigned int bank;
	bool shorts;          /* VMSAv7 short descriptors */
	uint64_t base;
	unsigned int input_bits, granule_lg2, start_level, output_bits;
	bool afe;             /* short descriptors: AP[0] is the access flag */
};

struct s2_fault {
	uint32_t global;      /* GFSR_*; 0: of a context */
	uint32_t fsr;         /* FSR_* */
	unsigned int bank, level;
	bool walk;            /* on a fetch of stage 1, by stage 2 */
	uint64_t ipa;
	bool stage2;
};

struct smmu2 {
	struct hwram *ram;
	struct smmu2_config config;
	uint32_t idr[3];      /* what the registers say */
	struct hwrng rng;
	bool power, clock, in_point;
	uint64_t lines;       /* levels, a bit each */
	/* global registers */
	uint32_t scr0, sacr, gfsr, gfsynr0, gfsynr1;
	uint64_t gfar;
	bool gsync;
	unsigned int gsync_wait;
	uint32_t smr[SMMU2_SMRS], s2cr[SMMU2_SMRS];
	struct s2_bank banks[SMMU2_BANKS];
	/* caches */
	struct s2_entry tlb[S2_TLB];
	bool tlb_unknown;
	struct s2_invalidation pending[S2_INVALIDATIONS];
	unsigned int nr_pending;
	/* masters */
	struct {
		uint32_t sid;
		uint8_t who;
	} masters[SMMU2_MASTERS];
	unsigned int nr_masters;
	struct {
		bool on;
		struct s2_access access;
	} rogues[SMMU2_ROGUES];
	struct s2_access recent[S2_RECENT];
	unsigned int nr_recent;
	/* misbehaviour and reports */
	unsigned int mischief[SMMU2_MISCHIEFS];
	uint32_t storm_fsr[SMMU2_BANKS];
	unsigned int findings[SMMU2_FINDINGS + 1];
	char first_finding[200];
	struct smmu2_stats stats;
};

/* smmuv2.c */
void smmu2_find_(struct smmu2 *s, enum smmu2_finding what, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
bool smmu2_chance_(struct smmu2 *s, unsigned int n);
/* It is there, with power and a clock. */
bool smmu2_there_(const struct smmu2 *s);
unsigned int smmu2_nr_banks_(const struct smmu2 *s);
unsigned int smmu2_nr_smrs_(const struct smmu2 *s);
unsigned int smmu2_oas_(const struct smmu2 *s);
/* Entries of tables are read by this. False: it is no memory. */
bool smmu2_fetch_(struct smmu2 *s, uint64_t pa, void *out, size_t bytes);
/* Interrupt lines follow the registers. */
void smmu2_lines_(struct smmu2 *s);

/* regs.c */
void smmu2_reset_(struct smmu2 *s);
uint32_t smmu2_vmid_(const struct smmu2 *s, const struct s2_bank *bank);
uint32_t smmu2_asid_(const struct s2_bank *bank);

/* stream.c */
bool smmu2_access_(struct smmu2 *s, const struct s2_access *a, bool fresh, uint64_t *out_pa,
		   struct s2_fault *out_fault);
enum smmu2_outcome smmu2_page_(struct smmu2 *s, const struct s2_access *a, void *buf, size_t bytes);
void smmu2_speculate_(struct smmu2 *s);
void smmu2_rogues_(struct smmu2 *s);
/* What the write of SMMU_CBn_RESUME does to the access that waits. */
void smmu2_resume_(struct smmu2 *s, unsigned int bank, bool terminate);

/* context.c: what a context bank says of a stage. False: a fault. */
bool smmu2_walk_of_(struct smmu2 *s, unsigned int bank, uint64_t in, struct s2_walk *out_walk);

/* walk_long.c and walk_short.c: @stage2 NULL: addresses that come out are physical. */
bool smmu2_walk_(struct smmu2 *s, const struct s2_walk *walk, const struct s2_walk *stage2,
		 uint64_t in, bool fresh, struct s2_entry *out_leaf, struct s2_fault *out_fault);
bool smmu2_walk_short_(struct smmu2 *s, const struct s2_walk *walk, const struct s2_walk *stage2,
		       uint64_t in, struct s2_entry *out_leaf, struct s2_fault *out_fault);
/* A fetch of a table's entry at an address that stage 2 may translate. */
bool smmu2_entry_(struct smmu2 *s, const struct s2_walk *walk, const struct s2_walk *stage2,
		  uint64_t address, unsigned int level, void *out, size_t bytes,
		  struct s2_fault *out_fault);
bool smmu2_fail_(const struct s2_walk *walk, uint32_t fsr, unsigned int level, uint64_t in,
		 struct s2_fault *out_fault);

/* tlb.c */
const struct s2_entry *smmu2_tlb_find_(struct smmu2 *s, const struct s2_tag *tag, uint64_t in);
const struct s2_entry *smmu2_tlb_table_(struct smmu2 *s, const struct s2_tag *tag, uint64_t in);
void smmu2_tlb_insert_(struct smmu2 *s, const struct s2_entry *entry);
void smmu2_tlb_evict_(struct smmu2 *s);
void smmu2_tlb_goes_(struct smmu2 *s, uint64_t pa, uint64_t bytes);
void smmu2_invalidate_(struct smmu2 *s, const struct s2_invalidation *inv);
/* Invalidations and syncs get on. */
void smmu2_settle_(struct smmu2 *s);

#endif
