// SPDX-License-Identifier: MIT
/*
 * The SMMUv3 driver's private types. Letters at members: (c) constant after
 * weir_smmu_v3_create(), (q) the lock of the command queue, (e) the lock of events, (t) one
 * thread at a time: whatever is not marked "any context".
 *
 * The hardware layer uses the host and the lists, which stand alone, and nothing else of the
 * library. Neither lock is taken under the other.
 */
#ifndef WEIR_ARM_SMMU_V3_PRIV_H
#define WEIR_ARM_SMMU_V3_PRIV_H

#include <stdatomic.h>

#include "core/list.h"
#include "drivers/arm-smmu-v3/regs.h"
#include "drivers/unit.h"
#include "weir/arm_smmu_v3.h"
#include "weir/spin.h"

/* Memory that the SMMU reaches. */
struct smmu_pages {
	void *va;                    /* NULL: none */
	uint64_t pa;
	size_t bytes;
	bool lasting;                /* of config.table_alloc: may outlive the instance */
};

/* Entries of consecutive streams: a linear stream table, or one at level 2. */
struct smmu_stes {
	struct weir_list node;       /* in smmu->stes */
	uint32_t first, count;       /* stream ids */
	volatile uint64_t *entries;
	uint64_t pa;
	struct smmu_pages pages;     /* none: the stream table itself */
	uint64_t *ours;              /* a bit for each that was attached before enforce(); or NULL */
	uint64_t *kept;              /* ... that is to go on without the instance; or NULL */
};

#define CDS_BYTES 4096u /* of 64 context descriptors */
struct smmu_cds {
	struct weir_list node;       /* in smmu->cds */
	struct smmu_pages pages;
	uint64_t used;               /* a bit for each */
};

struct weir_smmu_v3_domain {
	struct weir_smmu_v3 *smmu;   /* (c) */
	struct weir_list node;       /* (t) in smmu->domains: by stage, then falling id */
	struct weir_tables tables;   /* (c) */
	bool stage2;                 /* (c) */
	uint16_t id;                 /* (c) ASID or VMID */
	struct smmu_cds *cds;        /* (c) stage 1: where its context descriptor is */
	uint32_t cd;                 /* (c) which one there */
	/* nested: in no list, and it has its parent's id */
	struct weir_smmu_v3_domain *parent; /* (c) stage 2; NULL: it is not nested */
	uint64_t guest[2];           /* (c) its part of words 0 and 1 of the stream table entry */
	_Atomic uint32_t nr_nested;  /* on this one */
	bool left;                   /* (t) of an instance before, and not created here yet */
	bool kept;                   /* (t) streams stay behind it: its descriptor is not given back */
};

/* What it can do. */
struct smmu_features {
	bool s1, s2, level2, ril, coherent, msi, stalls, cd2l;
	bool ds;                     /* addresses of 52 bits with pages of 4 and 16 KiB */
	uint32_t stream_bits, substream_bits;
	uint32_t granules;           /* bits: 1 << granule_lg2 */
	uint32_t oas_bits, va_bits;
	uint32_t bbml;
	uint32_t asid_max, vmid_max;
	uint32_t cmdq_lg2, eventq_lg2;
};

/* The stream table that the hardware is told of. */
struct smmu_table {
	struct smmu_pages pages;
	uint32_t fmt, lg2, split;    /* FMT_* */
	bool foreign;                /* somebody else's memory: it was in use already */
};

struct weir_smmu_v3 {
	const struct weir_host_ops *ops; /* (c) */
	void *host;                  /* (c) */
	struct weir_smmu_v3_config config; /* (c) */
	struct smmu_features has;    /* (c) */
	uintptr_t regs;              /* (c) */
	bool mapped;                 /* (c) regs are */
	struct weir_spin lock;       /* (c) */
	struct weir_spin event_lock; /* (c) */
	/* commands: positions count on without wrapping; [cons, prod) are not done yet */
	struct smmu_pages cmdq;      /* (c) */
	uint64_t prod, cons;         /* (q) */
	uint64_t told;               /* (q) what the hardware knows of prod */
	uint64_t synced;             /* (q) behind the last CMD_SYNC */
	uint64_t heal_first, heal_end; /* (q) commands that stand for one that failed */
	uint32_t nr_logged;          /* (q) of failed commands */
	struct weir_unit unit;
	bool commands;               /* (q) the command queue runs */
	/* events */
	struct smmu_pages eventq;    /* (c) */
	uint32_t event_cons;         /* (e) with its wrap bit */
	uint32_t overflow;           /* (e) EVENTQ_OVERFLOW as acknowledged */
	uint32_t nr_lost;            /* (e) overflows that were logged */
	bool listening;              /* (e) */
	struct weir_irq *irqs[2];    /* (t) */
	bool messages;               /* (t) interrupts are these */
	struct weir_msi msi[2];      /* (t) */
	struct weir_timer *timer;    /* (c) or NULL */
	_Atomic bool closing;        /* the timer is not set any more */
	/* streams */
	struct smmu_table table;     /* (t) */
	struct weir_list stes;       /* (t) */
	struct weir_list cds;        /* (t) */
	struct weir_list domains;    /* (t) */
	uint32_t cr0;                /* (t) as last written */
	bool gbpa;                   /* (t) SMMU_GBPA.ABORT is there, and set */
	bool enforced;               /* (t) nothing passes but what is attached */
	bool off;                    /* (t) suspended, or not yet running */
	bool stuck;                  /* (t) it may go on using memory: nothing of it is freed */
	bool leaves;                 /* (t) it goes on for streams: what they are behind stays */
};

#define SMMU_POLL_NS 10000000u

/* ---- the host; smmu.c ---- */

uint32_t weir_smmu_read_(const struct weir_smmu_v3 *smmu, uint32_t at);
void weir_smmu_write_(const struct weir_smmu_v3 *smmu, uint32_t at, uint64_t value);
uint64_t weir_smmu_read64_(const struct weir_smmu_v3 *smmu, uint32_t at);
void weir_smmu_write64_(const struct weir_smmu_v3 *smmu, uint32_t at, uint64_t value);
/* The lock of the command queue, or of events. */
unsigned long weir_smmu_lock_(const struct weir_spin *spin);
void weir_smmu_unlock_(const struct weir_spin *spin, unsigned long before);

/* What the SMMU reads and writes is little-endian. */
static inline uint64_t smmu_le64(uint64_t x)
{
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	return __builtin_bswap64(x);
#else
	return x;
#endif
}

/* See unit.h. */
static inline int weir_smmu_log_(const struct weir_smmu_v3 *smmu, enum weir_log_level level, int err,
				 const char *text, uint64_t value)
{
	return weir_unit_log_(&smmu->unit, level, err, text, value);
}

static inline void weir_smmu_note_(const struct weir_smmu_v3 *smmu, const char *text, uint64_t value)
{
	weir_unit_note_(&smmu->unit, text, value);
}

static inline int weir_smmu_die_(struct weir_smmu_v3 *smmu, const char *text, uint64_t value)
{
	return weir_unit_die_(&smmu->unit, text, value);
}

/* How long something is waited for: by time, or by counting where the host has none that moves. */
struct smmu_wait {
	uint64_t since_ns, last_ns;
	uint32_t count, still;       /* looks, and those since the clock moved last */
};
void weir_smmu_wait_begin_(const struct weir_smmu_v3 *smmu, struct smmu_wait *out_wait);
bool weir_smmu_wait_over_(const struct weir_smmu_v3 *smmu, struct smmu_wait *wait);

int weir_smmu_pages_get_(struct weir_smmu_v3 *smmu, size_t bytes, size_t align_bytes,
			 struct smmu_pages *out_pages);
/* What a stream is behind: it can be left. */
int weir_smmu_lasting_get_(struct weir_smmu_v3 *smmu, size_t bytes, size_t align_bytes,
			   struct smmu_pages *out_pages);
/* Fine for none. What may be in use still is not freed. */
void weir_smmu_pages_put_(struct weir_smmu_v3 *smmu, struct smmu_pages *pages);
void *weir_smmu_alloc_(const struct weir_smmu_v3 *smmu, size_t bytes);
void weir_smmu_free_(const struct weir_smmu_v3 *smmu, void *mem, size_t bytes);

/* What the CPU stored there comes before what it does next, as the SMMU sees it. */
void weir_smmu_publish_(const struct weir_smmu_v3 *smmu, uint64_t pa, size_t bytes);

/* ---- features.c ---- */

/* Reads the identification registers. Return: 0; WEIR_ENODEV; WEIR_EIO; WEIR_EOPNOTSUPP. */
int weir_smmu_features_(struct weir_smmu_v3 *smmu);
/* Small pages and long addresses: descriptors as CD.DS and STE.S2DS have them. */
bool weir_smmu_is_ds_(const struct weir_tables *tables);
/* OAS and the like: 0 to 6. */
uint32_t weir_smmu_pa_code_(uint32_t bits);

/* ---- queue.c ---- */

struct smmu_cmd {
	uint64_t word[2];
};
/* Before it runs: empty. */
void weir_smmu_queue_reset_(struct weir_smmu_v3 *smmu);
/* Puts commands into the queue; waits for room. Context: any. Return: 0; WEIR_EIO. */
int weir_smmu_queue_(struct weir_smmu_v3 *smmu, const struct smmu_cmd *cmds, unsigned int n);
/* Waits until all that was in the queue is done. Context: any. Return: 0; WEIR_EIO. */
int weir_smmu_sync_(struct weir_smmu_v3 *smmu);
/* Drops all cached configuration, and translations, and waits. Return: 0; WEIR_EIO. */
int weir_smmu_flush_all_(struct weir_smmu_v3 *smmu);
/* Global errors are put right. Context: any, no locks. */
void weir_smmu_errors_(struct weir_smmu_v3 *smmu);

/* ---- invalidate.c ---- */

#define SMMU_RANGE_CMDS 16u
/*
 * The commands for an invalidation. @out_cmds: SMMU_RANGE_CMDS. Return: how many; 0: they
 * would be too many, everything of the domain is to be dropped.
 */
unsigned int weir_smmu_range_(const struct weir_smmu_v3_domain *domain,
			      const struct weir_invalidation *what, struct smmu_cmd *out_cmds);
void weir_smmu_all_of_(const struct weir_smmu_v3_domain *domain, struct smmu_cmd *out_cmd);
/* The same for any command by address, @opcode with its ids; pages of that size. */
unsigned int weir_smmu_range_by_(uint64_t opcode, uint32_t granule_lg2, bool ril,
				 const struct weir_invalidation *what, struct smmu_cmd *out_cmds);

/* ---- decode.c ---- */

/* Return: false when the record is of a kind that does not tell of a refused access. */
bool weir_smmu_event_(const uint64_t record[EVENT_WORDS], struct weir_fault *out_fault);

/* ---- event.c ---- */

void weir_smmu_events_start_(struct weir_smmu_v3 *smmu);
void weir_smmu_events_stop_(struct weir_smmu_v3 *smmu);
/* Interrupts and timers that the host has; neither has to be. Return: 0; the host's error. */
int weir_smmu_wakers_(struct weir_smmu_v3 *smmu);
void weir_smmu_wakers_free_(struct weir_smmu_v3 *smmu);
/* Their registers. Return: 0; WEIR_EIO. */
int weir_smmu_irqs_on_(struct weir_smmu_v3 *smmu, bool on);
void weir_smmu_timer_set_(struct weir_smmu_v3 *smmu);

/* ---- entry.c: nothing here touches hardware or host ---- */

/* The steps of a change to an entry that hardware may be reading: a recorder in tests. */
struct smmu_entry_ops {
	void (*store)(void *arg, unsigned int word, uint64_t value);
	int (*flush)(void *arg); /* 0 when the hardware has nothing of it cached any more */
};
/*
 * Changes a stream table entry so that at no instant hardware sees anything but the old entry,
 * the new one, or one that aborts, in whatever order it reads the words. @now: as it is.
 * Return: 0; what flush returned: it is the old one, the new one or invalid then.
 */
int weir_smmu_entry_write_(const struct smmu_entry_ops *ops, void *arg,
			   const uint64_t now[STE_WORDS], const uint64_t want[STE_WORDS]);
void weir_smmu_ste_bypass_(bool coherent, uint64_t out_ste[STE_WORDS]);
void weir_smmu_ste_domain_(const struct weir_smmu_v3_domain *domain, bool coherent, uint64_t cd_pa,
			   uint64_t out_ste[STE_WORDS]);
void weir_smmu_cd_(const struct weir_smmu_v3_domain *domain, uint64_t out_cd[STE_WORDS]);

/* ---- stream.c ---- */

/* A table of our own. Return: 0; WEIR_ENOMEM. */
int weir_smmu_table_make_(struct weir_smmu_v3 *smmu);
/* The entry of a stream, with the part of the table that it is in. Return: 0; WEIR_EIO; WEIR_ENOMEM. */
int weir_smmu_ste_find_(struct weir_smmu_v3 *smmu, uint32_t stream, struct smmu_stes **out_stes);
/* Entries that are looked after; @pages: none: part of the table. Return: 0; WEIR_ENOMEM. */
int weir_smmu_stes_add_(struct weir_smmu_v3 *smmu, uint32_t first, uint32_t count,
			const struct smmu_pages *pages, void *va, uint64_t pa);
/* Those that the stream's entry is among; NULL. */
struct smmu_stes *weir_smmu_stes_find_(const struct weir_smmu_v3 *smmu, uint32_t stream);
/* Of a bit for each of so many entries. */
static inline size_t smmu_bits_bytes(uint32_t count)
{
	return (count + 63) / 64 * sizeof(uint64_t);
}
enum smmu_block {
	SMMU_BLOCK_OTHERS, /* what was not attached */
	SMMU_BLOCK_ALL,    /* ... but what is kept */
	SMMU_BLOCK_OURS,   /* what was attached and is not kept: what was found stays */
};
/* @out_left: whether something still passes, on purpose; or NULL. Return: 0; WEIR_EIO. */
int weir_smmu_block_(struct weir_smmu_v3 *smmu, enum smmu_block what, bool *out_left);
/* Tables of the second level, which nothing refers to. */
void weir_smmu_level2_free_(struct weir_smmu_v3 *smmu);
/* Gives all memory back; the table itself only when nothing uses it. */
void weir_smmu_table_free_(struct weir_smmu_v3 *smmu, bool in_force);

/* ---- adopt.c ---- */

/*
 * Takes the table that the hardware uses as ours. Return: 0; WEIR_EIO when it makes no sense;
 * WEIR_EOPNOTSUPP when the CPU does not see it; WEIR_ENOMEM.
 */
int weir_smmu_adopt_(struct weir_smmu_v3 *smmu);
/*
 * A level 2 table of somebody else, for @index of level 1, is copied into @va. What cannot be
 * read is left blocked.
 */
void weir_smmu_adopt_level2_(struct weir_smmu_v3 *smmu, uint64_t descriptor, void *va);
/* ---- left.c ---- */

struct weir_smmu_v3_keeping {
	/* What an instance before left in the table that is taken over. Return: 0; WEIR_ENOMEM. */
	int (*find)(struct weir_smmu_v3 *smmu);
	/* A domain of that with such tables is this one's. NULL: there is none. */
	struct weir_smmu_v3_domain *(*claim)(struct weir_smmu_v3 *smmu,
					     const struct weir_tables *tables);
	/* Domains that were not claimed go. */
	void (*free)(struct weir_smmu_v3 *smmu);
};

/* ---- domain.c ---- */

/* The memory of context descriptors. */
void weir_smmu_cds_free_(struct weir_smmu_v3 *smmu);
uint64_t weir_smmu_cd_pa_(const struct weir_smmu_v3_domain *domain);
/* Where it goes in the list: before that. */
struct weir_list *weir_smmu_domain_place_(const struct weir_smmu_v3_domain *domain);

#endif
