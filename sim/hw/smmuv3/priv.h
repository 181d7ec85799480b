// SPDX-License-Identifier: MIT
/* What the parts of the hostile SMMUv3 share. */
#ifndef WEIR_SIM_HW_SMMUV3_PRIV_H
#define WEIR_SIM_HW_SMMUV3_PRIV_H

#include "hw/smmuv3.h"
#include "hw/smmuv3/spec.h"

#define CFG_ENTRIES 64u
#define FETCHES 8u
#define TLB_ENTRIES 256u
#define INVALIDATIONS 1024u
#define EVENT_WORDS 4u
#define EVENTS_HELD 64u
#define RECENT 32u

/* What a cache of configuration holds: copies of words of memory. */
enum cfg_kind { CFG_NONE, CFG_L1STD, CFG_STE, CFG_L1CD, CFG_CD };
struct cfg_entry {
	enum cfg_kind kind;
	uint32_t key;       /* STE, CD: the stream; L1STD: its index */
	uint64_t pa;        /* where it was fetched */
	bool ipa;           /* a CD whose tables are at IPAs */
	uint64_t words[8];
};

/*
 * An STE or CD of which some words were fetched, and what memory said meanwhile: a valid entry
 * that was never there as a whole is torn.
 */
#define FETCH_STATES 16u
struct fetch {
	struct cfg_entry entry;
	unsigned int done;  /* a bit for each word */
	unsigned int nr_states;
	uint64_t states[FETCH_STATES][8];
};

/* What a translation is tagged with in the TLB (3.17). */
struct tag {
	bool stage2;        /* of stage 2 alone: input is an IPA */
	bool el2;
	bool global;
	uint32_t vmid, asid;
};
enum tlb_kind { TLB_NONE, TLB_LEAF, TLB_TABLE };
struct tlb_entry {
	enum tlb_kind kind;
	struct tag tag;
	uint64_t in, bytes; /* the input it is for */
	uint64_t out;       /* where that starts; of a table: its address */
	int level;
	uint32_t granule_lg2;
	uint32_t perms;     /* PERM_* */
	uint32_t attributes;
	bool ipa;           /* of a table: its address is translated by stage 2 */
};
#define PERM_R  0x1u
#define PERM_W  0x2u
#define PERM_PR 0x4u /* privileged */
#define PERM_PW 0x8u

/* An invalidation that is to be completed. */
struct invalidation {
	uint8_t opcode;
	uint32_t sid, asid, vmid;
	unsigned int range_lg2;       /* of CFGI_STE_RANGE */
	uint64_t first, last;         /* addresses */
	bool leaf;
	unsigned int ttl, tg_lg2;     /* 0: not told */
};

/* One stage of a walk, from STE or CD. */
struct walk {
	struct tag tag;
	bool two_levels_priv;         /* privileged and not: EL1 */
	unsigned int granule_lg2, input_bits;
	int start_level;              /* -1 to 3 */
	bool ds;                      /* small pages have addresses of 52 bits (FEAT_LPA2) */
	unsigned int sh;              /* then, of memory: that of tables */
	uint64_t base;
	unsigned int output_bits;
	bool no_access_fault;
	uint64_t mair;
};

/* Why a translation did not succeed, as the event record tells. */
struct fault {
	uint32_t event;               /* EVT_*; 0: aborted without one */
	bool silent;                  /* not recorded: the context says so */
	bool stage2;
	unsigned int class;
	uint64_t ipa, fetch_pa;
};

struct access {
	uint32_t sid;
	uint64_t iova;
	unsigned int flags;
	bool speculative;             /* leaves no event */
};

struct rogue {
	bool on;
	uint32_t sid;
	uint64_t iova;
	unsigned int flags;
};

struct smmu3 {
	struct hwram *ram;
	struct smmu3_config config;
	struct hwrng rng;
	bool power;
	bool in_point;
	/* registers */
	uint32_t cr0, cr0ack, cr1, cr2, gbpa, gbpa_next, irq_ctrl, irq_ctrlack, gerror, gerrorn;
	uint64_t strtab_base, cmdq_base, eventq_base;
	uint32_t strtab_cfg, cmdq_prod, cmdq_cons, eventq_prod, eventq_cons;
	uint64_t refused[2];          /* the command at refused_at, which failed; 0: none */
	uint32_t refused_at;
	uint64_t msi_cfg0[2];         /* GERROR, EVENTQ */
	uint32_t msi_cfg1[2], msi_cfg2[2];
	/* caches */
	struct cfg_entry cfg[CFG_ENTRIES];
	struct fetch fetches[FETCHES];
	struct tlb_entry tlb[TLB_ENTRIES];
	bool cfg_unknown, tlb_unknown; /* nobody invalidated all since reset */
	struct invalidation pending[INVALIDATIONS];
	unsigned int nr_pending;
	unsigned int sync_wait;
	/* events that are not written yet */
	uint64_t events[EVENTS_HELD][EVENT_WORDS];
	unsigned int nr_events;
	/* masters */
	struct { uint32_t sid; uint8_t who; } masters[SMMU3_MASTERS];
	unsigned int nr_masters;
	struct rogue rogues[SMMU3_ROGUES];
	struct { uint32_t sid; uint64_t iova; } recent[RECENT];
	unsigned int nr_recent;
	uint32_t attributes;
	/* wires */
	void (*irq)(void *arg, enum smmu3_line line);
	void (*msi)(void *arg, uint64_t pa, uint32_t data);
	void *wire_arg;
	unsigned int mischief[SMMU3_MISCHIEFS];
	struct smmu3_stats stats;
	unsigned int findings[SMMU3_FINDINGS + 1]; /* the last: of all */
	char first_finding[200];
};

/* smmuv3.c */
__attribute__((format(printf, 3, 4)))
void smmu3_find_(struct smmu3 *s, enum smmu3_finding what, const char *fmt, ...);
bool smmu3_chance_(struct smmu3 *s, unsigned int n);
bool smmu3_coherent_(const struct smmu3 *s);
unsigned int smmu3_oas_(const struct smmu3 *s);
/* 64 bits for the SMMU itself. False: no memory there. */
bool smmu3_fetch_(struct smmu3 *s, uint64_t pa, const char *what, uint64_t *out_word);

/* regs.c */
void smmu3_regs_reset_(struct smmu3 *s);
/* Registers that follow in their own time do. */
void smmu3_regs_settle_(struct smmu3 *s);

/* queues.c */
void smmu3_commands_(struct smmu3 *s);
void smmu3_event_(struct smmu3 *s, const struct access *a, const struct fault *f);
void smmu3_event_raw_(struct smmu3 *s, const uint64_t words[EVENT_WORDS]);
void smmu3_events_write_(struct smmu3 *s);
void smmu3_gerror_(struct smmu3 *s, uint32_t bits);

/* command.c */
/* Takes one command. Return: CERROR_*. CMD_SYNC is not among them. */
unsigned int smmu3_command_(struct smmu3 *s, const uint64_t words[2]);
/* Completes one of the invalidations that are under way, or all. */
void smmu3_complete_(struct smmu3 *s, bool all);

/* config.c */
/* The words of the STE, CD of a stream. False: @out_fault. */
bool smmu3_ste_(struct smmu3 *s, const struct access *a, uint64_t out_ste[8],
		struct fault *out_fault);
bool smmu3_cd_(struct smmu3 *s, const struct access *a, const uint64_t ste[8],
	       uint64_t out_cd[8], struct fault *out_fault);
/* Some word of an entry is fetched, or a fetch begun. */
void smmu3_prefetch_(struct smmu3 *s);
/* Drops what an invalidation is about. */
void smmu3_cfg_invalidate_(struct smmu3 *s, const struct invalidation *inv);
/* Stage 2 was invalidated: CDs that are being fetched through it are fetched anew. */
void smmu3_cfg_walks_(struct smmu3 *s, const struct invalidation *inv);
void smmu3_cfg_evict_(struct smmu3 *s);
void smmu3_cfg_goes_(struct smmu3 *s, uint64_t pa, uint64_t bytes);

/* format.c: what an entry must not be; NULL: it is legal. */
const char *smmu3_ste_illegal_(const struct smmu3 *s, const uint64_t ste[8]);
const char *smmu3_cd_illegal_(const struct smmu3 *s, const uint64_t cd[8]);
/* The bits of a word that matter in an entry as it is. */
uint64_t smmu3_ste_used_(const uint64_t ste[8], unsigned int word);
uint64_t smmu3_cd_used_(const uint64_t cd[8], unsigned int word);
/* How stages are walked. */
void smmu3_walk_of_ste_(const struct smmu3 *s, const uint64_t ste[8], struct walk *out_walk);
/* False: no table is for that address. */
bool smmu3_walk_of_cd_(const struct smmu3 *s, const uint64_t ste[8], const uint64_t cd[8],
		       uint64_t iova, struct walk *out_walk);

/* tlb.c */
const struct tlb_entry *smmu3_tlb_find_(struct smmu3 *s, const struct tag *tag, uint64_t in);
/* The cached table nearest to the leaf. */
const struct tlb_entry *smmu3_tlb_table_(struct smmu3 *s, const struct tag *tag, uint64_t in,
					 unsigned int granule_lg2);
void smmu3_tlb_insert_(struct smmu3 *s, const struct tlb_entry *entry);
void smmu3_tlb_invalidate_(struct smmu3 *s, const struct invalidation *inv);
void smmu3_tlb_evict_(struct smmu3 *s);
/* There is no room for what translates an input, of whatever context. */
void smmu3_tlb_forget_(struct smmu3 *s, uint64_t in);
void smmu3_tlb_goes_(struct smmu3 *s, uint64_t pa, uint64_t bytes);

/* walk.c */
/*
 * One stage. @stage2: what translates the tables' addresses, NULL: they are physical.
 * @fresh: not from a cached leaf. False: @out_fault.
 */
bool smmu3_walk_(struct smmu3 *s, const struct walk *walk, const struct walk *stage2, uint64_t in,
		 bool fresh, struct tlb_entry *out_leaf, struct fault *out_fault);

/* access.c */
bool smmu3_access_(struct smmu3 *s, const struct access *a, bool fresh, uint64_t *out_pa,
		   struct fault *out_fault);
enum smmu3_outcome smmu3_page_(struct smmu3 *s, const struct access *a, void *buf, size_t bytes);
void smmu3_speculate_(struct smmu3 *s);
void smmu3_rogues_(struct smmu3 *s);

#endif
