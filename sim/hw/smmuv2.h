// SPDX-License-Identifier: MIT
/*
 * A hostile SMMUv2, written from the architecture (Arm IHI 0062, issue D.c; of the MMU-500, DDI 0517):
 * what the architecture lets one do, it does at some time, decided by a seed; and what a driver must
 * not do is reported as a finding. docs/testing.md says what it has and lacks.
 *
 * Time goes on at points: every access to registers, every store of the CPU that becomes
 * visible, and what else calls smmu2_point(). At a point the SMMU may do invalidations that were asked
 * for, confirm a sync, walk tables ahead of any access, forget what is cached, and a rogue
 * master may fire.
 *
 * Owned by the test, which also sees to locking: one call at a time.
 */
#ifndef WEIR_SIM_HW_SMMUV2_H
#define WEIR_SIM_HW_SMMUV2_H

#include "hw/host.h"
#include "hw/master.h"

#define SMMU2_BANKS 32u
#define SMMU2_SMRS 128u
#define SMMU2_MASTERS 256u
#define SMMU2_ROGUES 8u

/* Fields of SMMU_IDR0, IDR1 and IDR2, for struct smmu2_config. */
#define SMMU2_IDR0_SMRS(n)  ((uint32_t)(n))
#define SMMU2_IDR0_EXIDS    (1u << 8)
#define SMMU2_IDR0_SIDB(n)  ((uint32_t)(n) << 9)
#define SMMU2_IDR0_CTTW     (1u << 14)
#define SMMU2_IDR0_IRPT(n)  ((uint32_t)(n) << 16)
#define SMMU2_IDR0_NO_SHORT (1u << 24)
#define SMMU2_IDR0_NO_A32   (2u << 24)
#define SMMU2_IDR0_ATOSNS   (1u << 26)
#define SMMU2_IDR0_SMS      (1u << 27)
#define SMMU2_IDR0_NTS      (1u << 28)
#define SMMU2_IDR0_S2TS     (1u << 29)
#define SMMU2_IDR0_S1TS     (1u << 30)
#define SMMU2_IDR1(banks, s2banks, pages_lg2, page64k) \
	((uint32_t)(banks) | (uint32_t)(s2banks) << 16 | ((uint32_t)(pages_lg2) - 1) << 28 | \
	 (uint32_t)(page64k) << 31)
#define SMMU2_IDR2(ias, oas, ubs) ((uint32_t)(ias) | (uint32_t)(oas) << 4 | (uint32_t)(ubs) << 8)
#define SMMU2_IDR2_4K       (1u << 12)
#define SMMU2_IDR2_16K      (1u << 13)
#define SMMU2_IDR2_64K      (1u << 14)
#define SMMU2_IDR2_VMID16   (1u << 15)
/* IAS and OAS of IDR2: 32, 36, 40, 42, 44, 48 bits */
enum smmu2_size { SMMU2_32, SMMU2_36, SMMU2_40, SMMU2_42, SMMU2_44, SMMU2_48 };

struct smmu2_config {
	uint64_t seed;
	uint32_t idr0, idr1, idr2;
	unsigned int version;      /* of the architecture, 1 or 2; no register tells */
	bool masters_incoherent;   /* masters do not snoop the CPU's caches */
	/* How restless it is: times in 256 of each thing that it may do at a point. */
	unsigned int unrest;
	bool mmu500;               /* SMMU_sACR and SMMU_CBn_ACTLR as the MMU-500 has them (DDI 0517) */
	/*
	 * Firmware stands between: a stream that is told to bypass is told to fault, as many
	 * hypervisors of Qualcomm do (U-Boot, drivers/iommu/Kconfig, QCOM_HYP_SMMU).
	 */
	bool bypass_faults;
};

/* What the driver did wrong. */
enum smmu2_finding {
	SMMU2_STRAY,            /* an access landed where the test did not allow it */
	SMMU2_MATCH_CONFLICT,   /* a stream id that two stream match registers match */
	SMMU2_TLB_CONFLICT,     /* break before make: another translation of the same input */
	SMMU2_BAD_TABLE,        /* tables that the architecture does not define */
	SMMU2_BAD_CONTEXT,      /* a context bank in use that makes no sense */
	SMMU2_BAD_REGISTER,     /* an access that the register does not allow, or not so */
	SMMU2_UNINITIALISED,    /* a TLB used that was never invalidated since reset */
	SMMU2_FREED,            /* memory is used, or can be, that was given back */
	SMMU2_LOST,             /* an access that had to land was aborted */
	SMMU2_OFF,              /* registers are accessed without power or clock */
	SMMU2_FINDINGS,
};

/* What it does on request. */
enum smmu2_mischief {
	SMMU2_SYNC_STUCK,       /* no sync is completed any more */
	SMMU2_SYNC_LATE,        /* each sync takes @n points more */
	SMMU2_IRQ_SPURIOUS,     /* an interrupt of a fault that there is not, @n times */
	SMMU2_FAULT_STORM,      /* the last fault of a context is there again as soon as it is cleared, @n times */
	SMMU2_IRQ_LOST,         /* interrupts do not arrive */
	SMMU2_DEAD,             /* registers read as all ones and swallow writes */
	SMMU2_DIES,             /* ... from the @n-th access on */
	SMMU2_GONE,             /* it was pulled out: registers likewise, no way to memory, no walks */
	SMMU2_MISCHIEFS,
};

/* Interrupt lines: of global faults, of context fault n (of bank n, or with version 1 CBAR.IRPTNDX). */
#define SMMU2_LINE_GLOBAL 0u
#define SMMU2_LINE_CONTEXT(n) (1u + (n))

/* What comes of an access. */
enum smmu2_outcome {
	SMMU2_LANDED,
	SMMU2_ABORTED,
	SMMU2_STALLED,          /* it waits for CBn_RESUME */
	SMMU2_NOTHING,          /* it was translated to an address that is no memory */
	SMMU2_NOBODY,           /* it has no power or clock, or is gone: there is no way to memory */
};

#define SMMU2_READ  0x1u
#define SMMU2_WRITE 0x2u
#define SMMU2_PRIV  0x4u
#define SMMU2_QUIET 0x8u   /* where it lands is not compared with what the test allows */
#define SMMU2_MUST  0x10u  /* it has to land */

struct smmu2_stats {
	unsigned long reads, writes;
	unsigned long walks, fetches;
	unsigned long invalidations, syncs;
	unsigned long global_faults, context_faults;
	unsigned long landed, aborted;       /* of the rogue masters */
	unsigned long retried, terminated;   /* accesses that were stalled */
};

struct smmu2;

/* NULL without memory. @ram must outlive it. It has power and a clock. */
struct smmu2 *smmu2_create(struct hwram *ram, const struct smmu2_config *config);
struct smmu2 *smmu2_destroy(struct smmu2 *s);

/* One that real hardware could be: both stages, nested, 48 bits, 32 SMRs, 8 banks, 4 KiB registers. */
void smmu2_config_usual(struct smmu2_config *out_config);
/* How many bytes of registers it has. */
uint64_t smmu2_bytes(const struct smmu2_config *config);

/* The interrupt lines that are up, a bit each: they are levels. */
uint64_t smmu2_lines(const struct smmu2 *s);

/*
 * One of a host: its registers at @base, line SMMU2_LINE_* n at first_line + n, or all at @first_line
 * when @combined. Aborts without memory.
 */
struct smmu2 *smmu2_attach(struct hwhost *h, uint64_t base, const struct smmu2_config *config,
			   uint32_t first_line, bool combined);
/* The way to memory of a master with that stream id (master.h); @out_way must outlive its use. */
struct smmu2_way {
	struct smmu2 *s;
	uint32_t sid;
};
struct hwport smmu2_port(struct smmu2 *s, uint32_t sid, struct smmu2_way *out_way);

uint64_t smmu2_mmio_read(struct smmu2 *s, uint64_t offset, unsigned int width);
void smmu2_mmio_write(struct smmu2 *s, uint64_t offset, unsigned int width, uint64_t value);

/* A point: time goes on. */
void smmu2_point(struct smmu2 *s);
/* Power goes, with all registers; what comes back after it is reset, its caches hold anything. */
void smmu2_power(struct smmu2 *s, bool on);
/* Its clock stops: registers keep what they have, and nothing is done. */
void smmu2_clock(struct smmu2 *s, bool on);
void smmu2_misbehave(struct smmu2 *s, enum smmu2_mischief what, unsigned int n);
/* Whether its registers answer. */
bool smmu2_alive(const struct smmu2 *s);
/* Its identification registers say what those of @config do, whatever it can. */
void smmu2_identify(struct smmu2 *s, const struct smmu2_config *config);
/* Told before pages are given back: what caches lead to there is a finding. */
void smmu2_memory_goes(struct smmu2 *s, uint64_t pa, uint64_t bytes);

/* A master is there: @who is its bit in what hwram_allow() says; masters not told of have bit 0. */
void smmu2_master(struct smmu2 *s, uint32_t sid, uint8_t who);
/* A rogue master that does this access at any point. Return: its number. */
unsigned int smmu2_rogue(struct smmu2 *s, uint32_t sid, uint64_t iova, unsigned int flags);
void smmu2_rogue_stop(struct smmu2 *s, unsigned int rogue);
/* Tells a rogue another address. */
void smmu2_rogue_aim(struct smmu2 *s, unsigned int rogue, uint64_t iova);

/*
 * DMA, page by page: @bytes of @buf. Return: what came of the first page where something
 * else than SMMU2_LANDED did; what comes before it was done.
 */
enum smmu2_outcome smmu2_dma(struct smmu2 *s, uint32_t sid, uint64_t iova, void *buf, size_t bytes,
			     unsigned int flags);
/* Where an access would go, with no effect but that on caches and faults. */
enum smmu2_outcome smmu2_translate(struct smmu2 *s, uint32_t sid, uint64_t iova,
				   unsigned int flags, uint64_t *out_pa);

/* From now on it does nothing by chance. */
void smmu2_still(struct smmu2 *s);
/* Power, clock, registers and what it is doing, as a number; not what its caches hold. */
uint64_t smmu2_state(const struct smmu2 *s);

/* How many findings there were of a kind, SMMU2_FINDINGS: of all; the text of the first. */
unsigned int smmu2_findings(const struct smmu2 *s, enum smmu2_finding what);
const char *smmu2_first_finding(const struct smmu2 *s);
/* Forgets them; returns how many there were. */
unsigned int smmu2_findings_take(struct smmu2 *s);
const struct smmu2_stats *smmu2_stats_get(const struct smmu2 *s);

#endif
