// SPDX-License-Identifier: MIT
/*
 * The driver's private types, for the SMMU of versions 1 and 2. Letters at members: (c) constant after
 * weir_smmu_v2_create(), (e) the lock of events, which also guards what interrupts look at, (t) one
 * thread at a time: whatever is not marked "any context".
 *
 * The hardware layer uses the host, spin locks and lists, which stand alone, and nothing else of the
 * library.
 */
#ifndef WEIR_ARM_SMMU_PRIV_H
#define WEIR_ARM_SMMU_PRIV_H

#include <stdatomic.h>

#include "core/list.h"
#include "drivers/arm-smmu/regs.h"
#include "drivers/unit.h"
#include "weir/arm_smmu.h"
#include "weir/spin.h"

/* How a context bank is told of tables. */
enum smmu2_format { FORMAT_64, FORMAT_32_LONG, FORMAT_32_SHORT };

struct weir_smmu_v2_domain {
	struct weir_smmu_v2 *smmu;   /* (c) */
	struct weir_list node;       /* (t) in smmu->domains */
	struct weir_tables tables;   /* (c) */
	bool stage2;                 /* (c) */
	enum smmu2_format format;    /* (c) */
	uint16_t id;                 /* (c) ASID or VMID */
	uint32_t bank;               /* (c) */
	/* nested: it has its parent's VMID, and no ASID of ours */
	struct weir_smmu_v2_domain *parent; /* (c) stage 2; NULL: it is not nested */
	struct weir_nested_smmu_v2 guest; /* (c) */
	_Atomic uint32_t nr_nested;  /* on this one */
	/* invalidations that the global sync alone covers: how many there were, and are waited for */
	_Atomic uint32_t asked, done;
};

/* What it can do. */
struct smmu2_features {
	bool s1, s2, nested, matching, coherent, exids, vmid16;
	uint32_t nr_streams;         /* of S2CR, and with matching of SMR */
	uint32_t id_bits;            /* ids that a stream can have */
	uint32_t id_mask, mask_mask; /* bits of SMR that there are */
	uint32_t nr_banks, nr_s2banks;
	uint32_t page_lg2, nr_pages; /* of registers; of the global half */
	uint32_t granules;           /* of AArch64: bits 1 << granule_lg2 */
	uint32_t ptfs;               /* AArch32: PTFS_* */
	uint32_t va_bits, ipa_bits, pa_bits;
};

/* What a stream match register, or with indexing a stream, is used for. */
enum smmu2_use {
	USE_NONE,
	USE_KEPT,                    /* firmware's */
	USE_OURS,
};
struct smmu2_entry {
	enum smmu2_use use;
	uint32_t stream;             /* id and mask, as WEIR_SMMU_V2_STREAM has them */
	uint32_t s2cr;               /* as written, or found */
};

/* What a context bank is used for. */
struct smmu2_bank {
	bool used;                   /* (e) by a domain, for identity, or by firmware */
	bool kept;                   /* (e) by firmware */
	bool stage2;                 /* (e) by a domain of stage 2 */
	bool quiet;                  /* (e) its interrupt is off, after a flood */
	uint32_t sctlr;              /* (e) as written */
	uint32_t burst;              /* (e) faults since the last look at the time */
	uint32_t vmid;               /* (e) of firmware's */
};

struct weir_smmu_v2 {
	const struct weir_host_ops *ops; /* (c) */
	void *host;                  /* (c) */
	struct weir_smmu_v2_config config; /* (c) but for lines, which are not kept */
	struct smmu2_features has;   /* (c) */
	uintptr_t regs;              /* (c) */
	bool mapped;                 /* (c) regs are */
	struct weir_spin lock;       /* (c) of events */
	struct weir_unit unit;
	/* interrupts */
	struct weir_irq **irqs;      /* (c) */
	uint32_t nr_irqs, irqs_room; /* (c) */
	bool polled;                 /* (c) the timer looks, since no interrupt may tell */
	uint32_t nr_context_lines;   /* (c) */
	struct weir_timer *timer;    /* (c) or NULL */
	_Atomic bool closing;        /* the timer is not set any more */
	bool listening;              /* (e) */
	bool quiet;                  /* (e) interrupts of global faults are off, after a flood */
	uint32_t burst;              /* (e) global faults since the last look at the time */
	/* streams and banks */
	struct smmu2_entry *entries; /* (e) */
	struct smmu2_bank *banks;    /* (e) */
	struct weir_list domains;    /* (t) */
	uint32_t cr0;                /* (e) as last written */
	uint32_t s1_vmid;            /* (t) of all that have stage 1 alone */
	int identity_bank;           /* (t) where bypass cannot be had: a bank that lets pass; -1 */
	bool no_bypass;              /* (t) */
	bool enforced;               /* (t) nothing passes but what is attached, or firmware's */
	bool off;                    /* (t) suspended, or not yet running */
};

#define SMMU2_POLL_NS 10000000u

/* ---- the host; smmu.c ---- */

uint32_t weir_smmu2_read_(const struct weir_smmu_v2 *smmu, uint32_t at);
void weir_smmu2_write_(const struct weir_smmu_v2 *smmu, uint32_t at, uint32_t value);
/* Registers of the second page, and of a context bank. */
uint32_t weir_smmu2_gr1_(const struct weir_smmu_v2 *smmu, uint32_t at);
uint32_t weir_smmu2_cb_(const struct weir_smmu_v2 *smmu, uint32_t bank, uint32_t at);
void weir_smmu2_write64_(const struct weir_smmu_v2 *smmu, uint32_t at, uint64_t value);

/* See unit.h. */
static inline int weir_smmu2_log_(const struct weir_smmu_v2 *smmu, enum weir_log_level level, int err,
				  const char *text, uint64_t value)
{
	return weir_unit_log_(&smmu->unit, level, err, text, value);
}

static inline int weir_smmu2_die_(struct weir_smmu_v2 *smmu, const char *text, uint64_t value)
{
	return weir_unit_die_(&smmu->unit, text, value);
}

/* Waits until a sync's status, at register @at, is no more active. Context: any. Return: 0; WEIR_EIO. */
int weir_smmu2_wait_(struct weir_smmu_v2 *smmu, uint32_t at);

/* ---- features.c ---- */

/* Reads the identification registers. Return: 0; WEIR_ENODEV; WEIR_EIO; WEIR_EOPNOTSUPP. */
int weir_smmu2_features_(struct weir_smmu_v2 *smmu);
/* How tables are told. Return: 0; WEIR_EOPNOTSUPP. */
int weir_smmu2_format_(const struct weir_smmu_v2 *smmu, const struct weir_tables *tables,
		       enum smmu2_format *out_format);

/* ---- stream.c ---- */

/* Learns what firmware has set up, when it runs; finds out what SMRs have. */
void weir_smmu2_scan_(struct weir_smmu_v2 *smmu, bool live);
/* All streams that are @use fault, and their registers are free. */
void weir_smmu2_block_(struct weir_smmu_v2 *smmu, enum smmu2_use use);
/* From now on what matches nothing faults: registers that were there for that are free. */
void weir_smmu2_tidy_(struct weir_smmu_v2 *smmu);
/* The stream that an id belongs to; itself when it is nobody's. Lock held. */
uint32_t weir_smmu2_stream_of_(const struct weir_smmu_v2 *smmu, uint32_t id);

/* ---- domain.c ---- */

/* A context bank for that stage. Return: its number; WEIR_ENOSPC. */
int weir_smmu2_bank_get_(struct weir_smmu_v2 *smmu, bool stage2);
void weir_smmu2_bank_put_(struct weir_smmu_v2 *smmu, uint32_t bank);
/* All that have stage 1 alone get a VMID that nobody else has. */
void weir_smmu2_choose_vmid_(struct weir_smmu_v2 *smmu);
/* Banks translate nothing any more; the streams that used them are blocked. */
void weir_smmu2_banks_off_(struct weir_smmu_v2 *smmu);
/* Says of a bank who it is: all but its tables. @cbar: SMMU_CBARn but for the VMID. */
void weir_smmu2_bank_begin_(struct weir_smmu_v2 *smmu, uint32_t bank, uint32_t cbar, uint32_t vmid,
			    bool va64);
/* From now on it translates. */
void weir_smmu2_bank_on_(struct weir_smmu_v2 *smmu, uint32_t bank, uint32_t sctlr);
void weir_smmu2_write_ttbr_(struct weir_smmu_v2 *smmu, uint32_t at, uint64_t value);
/* A bank that translates nothing: everything passes. */
void weir_smmu2_bank_open_(struct weir_smmu_v2 *smmu, uint32_t bank);
/* A bank of stage 1 that a stream is left behind when the instance goes. */
void weir_smmu2_mark_(struct weir_smmu_v2 *smmu, uint32_t bank, bool on);
bool weir_smmu2_is_marked_(const struct weir_smmu_v2 *smmu, uint32_t bank);
/* Writes all banks of domains anew. */
void weir_smmu2_banks_write_(struct weir_smmu_v2 *smmu);

/* ---- invalidate.c ---- */

/* Everything that is cached is dropped. Return: 0; WEIR_EIO. */
int weir_smmu2_flush_all_(struct weir_smmu_v2 *smmu);
/* Everything of a domain is dropped. Return: 0; WEIR_EIO. */
int weir_smmu2_flush_(struct weir_smmu_v2_domain *domain);
/* Waits for all that was asked for, and for accesses under way. Return: 0; WEIR_EIO. */
int weir_smmu2_global_sync_(struct weir_smmu_v2 *smmu);

/* ---- nested.c ---- */

/* The bank of a nested domain. */
void weir_smmu2_nested_write_(struct weir_smmu_v2_domain *domain);

/* ---- fault.c ---- */

/* Return: false when the registers tell of no refused access. */
bool weir_smmu2_context_fault_(uint32_t fsr, uint32_t fsynr0, uint64_t far, struct weir_fault *out_fault);
bool weir_smmu2_global_fault_(uint32_t gfsr, uint32_t gfsynr0, uint64_t gfar, struct weir_fault *out_fault);
/* Interrupts and timers that the host has; neither has to be. Return: 0; the host's error. */
int weir_smmu2_wakers_(struct weir_smmu_v2 *smmu);
void weir_smmu2_wakers_free_(struct weir_smmu_v2 *smmu);
void weir_smmu2_listen_(struct weir_smmu_v2 *smmu, bool on);
void weir_smmu2_timer_set_(struct weir_smmu_v2 *smmu);

#endif
