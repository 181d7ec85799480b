// SPDX-License-Identifier: MIT
/*
 * A hostile SMMUv3, written from the architecture (Arm IHI 0070): whatever the architecture
 * lets an SMMU do, it does at some time, decided by a seed; and what a driver must not
 * do is reported as a finding. docs/testing.md says what it has and lacks.
 *
 * Time goes on at points: every access to registers, every store of the CPU that becomes
 * visible, and what else calls smmu3_point(). At a point the SMMU may take commands, complete
 * them, acknowledge registers, fetch 64 bits more of an STE or CD, walk tables ahead of any
 * access, forget what is cached, write events, and a rogue master may fire.
 *
 * Owned by the test, which also sees to locking: one call at a time.
 */
#ifndef WEIR_SIM_HW_SMMUV3_H
#define WEIR_SIM_HW_SMMUV3_H

#include "hw/ram.h"

#define SMMU3_BYTES 0x20000u /* two pages of 64 KiB of registers */
#define SMMU3_MASTERS 16u
#define SMMU3_ROGUES 8u

/* Fields of IDR0, IDR1, IDR3 and IDR5 (6.3.1 to 6.3.6), for struct smmu3_config. */
#define SMMU3_IDR0_S2P      0x1u
#define SMMU3_IDR0_S1P      0x2u
#define SMMU3_IDR0_TTF64    (2u << 2)
#define SMMU3_IDR0_COHACC   (1u << 4)
#define SMMU3_IDR0_HYP      (1u << 9)
#define SMMU3_IDR0_ASID16   (1u << 12)
#define SMMU3_IDR0_MSI      (1u << 13)
#define SMMU3_IDR0_SEV      (1u << 14)
#define SMMU3_IDR0_VMID16   (1u << 18)
#define SMMU3_IDR0_CD2L     (1u << 19)
#define SMMU3_IDR0_LE       (2u << 21)
#define SMMU3_IDR0_NO_STALL (1u << 24)
#define SMMU3_IDR0_TERM     (1u << 26)
#define SMMU3_IDR0_ST2L     (1u << 27)
#define SMMU3_IDR1(sid, ssid, eventq_lg2, cmdq_lg2) \
	((uint32_t)(sid) | (uint32_t)(ssid) << 6 | (uint32_t)(eventq_lg2) << 16 | \
	 (uint32_t)(cmdq_lg2) << 21)
#define SMMU3_IDR3_RIL      (1u << 10)
#define SMMU3_IDR3_BBML(n)  ((uint32_t)(n) << 11)
#define SMMU3_IDR5_4K       (1u << 4)
#define SMMU3_IDR5_16K      (1u << 5)
#define SMMU3_IDR5_64K      (1u << 6)
#define SMMU3_IDR5_DS       (1u << 7)
#define SMMU3_IDR5_VA52     (1u << 10)
/* OAS of IDR5: 32, 36, 40, 42, 44, 48, 52 bits */
enum smmu3_oas { SMMU3_OAS_32, SMMU3_OAS_36, SMMU3_OAS_40, SMMU3_OAS_42, SMMU3_OAS_44,
		 SMMU3_OAS_48, SMMU3_OAS_52 };

struct smmu3_config {
	uint64_t seed;
	uint32_t idr[6];
	uint32_t gbpa;             /* what GBPA is after reset */
	bool no_abort;             /* GBPA.ABORT cannot be set */
	bool masters_incoherent;   /* masters do not snoop the CPU's caches */
	/* How restless it is: times in 256 of each thing that it may do at a point. */
	unsigned int unrest;
	/* CMD_CFGI_STE leaves CDs of the stream in their cache. */
	bool cfgi_ste_keeps_cds;
};

/* What the driver did wrong. */
enum smmu3_finding {
	SMMU3_TLB_CONFLICT,     /* break before make: another translation of the same input */
	SMMU3_STRAY,            /* an access landed where the test did not allow it */
	SMMU3_BAD_ENTRY,        /* a valid STE or CD that is illegal, or half of one and half of another */
	SMMU3_BAD_TABLE,        /* tables that the architecture does not define */
	SMMU3_BAD_COMMAND,      /* reserved or wrong fields; queue overrun */
	SMMU3_BAD_REGISTER,     /* an access that the register does not allow, or not now */
	SMMU3_UNINITIALISED,    /* caches used that were never invalidated since reset */
	SMMU3_FREED,            /* memory is used, or can be, that was given back */
	SMMU3_LOST,             /* an access that had to land was aborted */
	SMMU3_OFF,              /* registers are accessed while there is no power */
	SMMU3_FINDINGS,
};

/* What it does on request. */
enum smmu3_mischief {
	SMMU3_CMDQ_STUCK,       /* no command is consumed any more */
	SMMU3_SYNC_STUCK,       /* the next @n CMD_SYNC are never completed, until told otherwise */
	SMMU3_SYNC_LATE,        /* each CMD_SYNC takes @n points more */
	SMMU3_COMMAND_FAILS,    /* @n commands, but no CMD_SYNC, fail at once; the last of them some time */
	SMMU3_CMDQ_WILD,        /* CMDQ_CONS reads as an index out of range */
	SMMU3_EVENTQ_WILD,      /* EVENTQ_PROD reads as an index out of range */
	SMMU3_EVENT_UNKNOWN,    /* an event of a type that does not exist is recorded, @n times */
	SMMU3_GERROR_STORM,     /* an error becomes active again as soon as it is acknowledged, @n times */
	SMMU3_GERROR_SFM,       /* service failure mode */
	SMMU3_IRQ_LOST,         /* interrupts do not arrive */
	SMMU3_ACK_STUCK,        /* CR0ACK and IRQ_CTRLACK do not follow */
	SMMU3_GBPA_STUCK,       /* GBPA.UPDATE does not go */
	SMMU3_DEAD,             /* registers read as all ones and swallow writes */
	SMMU3_MISCHIEFS,
};

enum smmu3_line { SMMU3_LINE_EVENTQ, SMMU3_LINE_CMD_SYNC, SMMU3_LINE_GERROR };

/* What comes of an access. */
enum smmu3_outcome {
	SMMU3_LANDED,
	SMMU3_ABORTED,
	SMMU3_NOTHING,          /* it was translated to an address that is no memory */
};

#define SMMU3_READ  0x1u
#define SMMU3_WRITE 0x2u
#define SMMU3_PRIV  0x4u
#define SMMU3_MUST  0x10u  /* of a rogue master: all of its accesses have to land */
#define SMMU3_QUIET 0x8u   /* where it lands is not compared with what the test allows */

struct smmu3_stats {
	unsigned long commands, syncs;
	unsigned long by_opcode[256];
	unsigned long events;      /* recorded in the queue */
	unsigned long by_event[256]; /* ... or lost; by type */
	unsigned long walks, fetches, reads, writes;
	unsigned long landed, aborted; /* of the rogue masters */
};

struct smmu3;

/* NULL without memory. @ram must outlive it. It has power. */
struct smmu3 *smmu3_create(struct hwram *ram, const struct smmu3_config *config);
struct smmu3 *smmu3_destroy(struct smmu3 *s);

/* A config that real hardware could have: both stages, 48 bits, all granules, 2-level tables, RIL. */
void smmu3_config_usual(struct smmu3_config *out_config);

/* Wires: @irq for interrupt lines, @msi for messages to what is no memory. Either may be NULL. */
void smmu3_wire(struct smmu3 *s, void (*irq)(void *arg, enum smmu3_line line),
		void (*msi)(void *arg, uint64_t pa, uint32_t data), void *arg);

uint64_t smmu3_mmio_read(struct smmu3 *s, uint64_t offset, unsigned int width);
void smmu3_mmio_write(struct smmu3 *s, uint64_t offset, unsigned int width, uint64_t value);

/* A point: time goes on. */
void smmu3_point(struct smmu3 *s);
/* Power goes, with all registers; what comes back after it is reset, its caches hold anything. */
void smmu3_power(struct smmu3 *s, bool on);
void smmu3_misbehave(struct smmu3 *s, enum smmu3_mischief what, unsigned int n);
/* Told before pages are given back: what caches lead to there is a finding. */
void smmu3_memory_goes(struct smmu3 *s, uint64_t pa, uint64_t bytes);

/*
 * A master is there: its stream may be fetched and walked ahead of accesses. @who: its bit
 * in what hwram_allow() says; masters that were not told of have bit 0.
 */
void smmu3_master(struct smmu3 *s, uint32_t sid, uint8_t who);
/* A rogue master that does this access at any point. Return: its number. */
unsigned int smmu3_rogue(struct smmu3 *s, uint32_t sid, uint64_t iova, unsigned int flags);
/* All of them are quiet now. */
void smmu3_rogues_stop(struct smmu3 *s);
/* One of them is gone. */
void smmu3_rogue_stop(struct smmu3 *s, unsigned int rogue);
/* Tells a rogue another address. */
void smmu3_rogue_aim(struct smmu3 *s, unsigned int rogue, uint64_t iova);

/*
 * DMA, page by page: @bytes of @buf. Return: what came of the first page where something
 * else than SMMU3_LANDED did; what comes before it was done.
 */
enum smmu3_outcome smmu3_dma(struct smmu3 *s, uint32_t sid, uint64_t iova, void *buf, size_t bytes,
			     unsigned int flags);
/* Where an access would go, with no effect but that on caches and the event queue. */
enum smmu3_outcome smmu3_translate(struct smmu3 *s, uint32_t sid, uint64_t iova,
				   unsigned int flags, uint64_t *out_pa);
/* The memory attributes of the last translation: MAIR byte or stage 2's MemAttr, shareability. */
uint32_t smmu3_attributes(const struct smmu3 *s);

/* How many findings there were of a kind, SMMU3_FINDINGS: of all; the text of the first. */
unsigned int smmu3_findings(const struct smmu3 *s, enum smmu3_finding what);
const char *smmu3_first_finding(const struct smmu3 *s);
/* Forgets them; returns how many there were. */
unsigned int smmu3_findings_take(struct smmu3 *s);
const struct smmu3_stats *smmu3_stats_get(const struct smmu3 *s);

#endif
