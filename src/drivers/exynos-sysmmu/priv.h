// SPDX-License-Identifier: MIT
/*
 * The System MMU driver's private types. Letters at members: (c) constant after
 * weir_sysmmu_create(), (l) the lock, around registers and what they were told; (t) one thread at a
 * time: whatever is not marked "any context".
 */
#ifndef WEIR_EXYNOS_SYSMMU_PRIV_H
#define WEIR_EXYNOS_SYSMMU_PRIV_H

#include <stdatomic.h>

#include "drivers/exynos-sysmmu/regs.h"
#include "drivers/unit.h"
#include "weir/exynos_sysmmu.h"
#include "weir/spin.h"

/* What a bit of the interrupt status means. */
struct sysmmu_fault_kind {
	uint8_t reason;      /* enum weir_fault_reason */
	uint8_t flags;       /* WEIR_FAULT_* */
	uint16_t address;    /* the register with the IOVA; 0: none */
	bool known;
	bool multihit;       /* caches are inconsistent */
};

/* Where registers are, by version; 0: there is none. */
struct sysmmu_variant {
	uint16_t base, flush_all, flush_entry, flush_range, flush_start, flush_end;
	uint16_t int_status, int_clear;
	uint16_t fault_info;
	const struct sysmmu_fault_kind *kinds; /* by bit */
	uint8_t nr_kinds;
	bool wide;           /* entries and base for addresses of 36 bits */
	bool vm;
};

/* What it is behind. */
enum sysmmu_mode {
	SYSMMU_FOUND,        /* as it was found: nothing was done to it */
	SYSMMU_BLOCKED,      /* tables that map nothing */
	SYSMMU_IDENTITY,
	SYSMMU_DOMAIN,
};

struct weir_sysmmu_domain {
	struct weir_sysmmu *sysmmu; /* (c) */
	uint64_t root_pa;           /* (c) */
};

struct weir_sysmmu {
	const struct weir_host_ops *ops; /* (c) */
	void *host;                  /* (c) */
	struct weir_sysmmu_config config; /* (c) */
	const struct sysmmu_variant *variant; /* (c) */
	uint32_t version;            /* (c) 0x303 is 3.3 */
	uintptr_t regs;              /* (c) */
	bool mapped;                 /* (c) regs are */
	struct weir_spin lock;       /* (c) */
	void *empty_va;              /* (c) tables that map nothing; NULL: not there yet */
	uint64_t empty_pa;           /* (c) */
	enum sysmmu_mode mode;       /* (l) */
	uint64_t root_pa;            /* (l) of SYSMMU_BLOCKED and SYSMMU_DOMAIN */
	bool off;                    /* (l) registers are not touched */
	uint32_t burst;              /* (l) faults since the timer ran out last */
	bool resting;                /* (l) held back after a flood of them, until it runs out */
	bool kept;                   /* (t) it goes on without us */
	bool stuck;                  /* (t) it may go on using memory: that is not freed */
	struct weir_unit unit;
	_Atomic bool closing;        /* the timer is not set any more */
	struct weir_irq *irq;        /* (t) */
	struct weir_timer *timer;    /* (c) or NULL */
};

#define SYSMMU_POLL_NS 10000000u

/* variant.c: what version it is. Return: 0; WEIR_ENODEV, WEIR_EOPNOTSUPP, WEIR_EIO, logged. */
int weir_sysmmu_identify_(struct weir_sysmmu *s);
/* What it is to be configured as. */
uint32_t weir_sysmmu_cfg_(const struct weir_sysmmu *s);

/* sysmmu.c */
uint32_t weir_sysmmu_read_(const struct weir_sysmmu *s, uint32_t at);
void weir_sysmmu_write_(const struct weir_sysmmu *s, uint32_t at, uint32_t value);
/* See unit.h. */
static inline int weir_sysmmu_log_(const struct weir_sysmmu *s, int err, const char *text,
				   uint64_t value)
{
	return weir_unit_log_(&s->unit, WEIR_LOG_ERR, err, text, value);
}

static inline int weir_sysmmu_die_(struct weir_sysmmu *s, const char *text, uint64_t value)
{
	return weir_unit_die_(&s->unit, text, value);
}

/* block.c: lock held. */
/* Its master is held back, and what it began is done. Return: 0; WEIR_EIO, in quarantine then. */
int weir_sysmmu_block_(struct weir_sysmmu *s);
void weir_sysmmu_unblock_(struct weir_sysmmu *s);
/* It walks other tables from now on. Return: 0; WEIR_EIO. */
int weir_sysmmu_switch_(struct weir_sysmmu *s, uint64_t root_pa);
/* It lets everything pass. Return: 0; WEIR_EIO. */
int weir_sysmmu_bypass_(struct weir_sysmmu *s);
/* Drops what is cached of a range; it is blocked. */
void weir_sysmmu_flush_(struct weir_sysmmu *s, const struct weir_invalidation *what);

/* fault.c: who looks at faults. Return: 0; WEIR_ENOMEM. */
int weir_sysmmu_wakers_(struct weir_sysmmu *s);
void weir_sysmmu_wakers_free_(struct weir_sysmmu *s);
/* Somebody looks in a while, where nobody is told. Context: any. */
void weir_sysmmu_wake_later_(struct weir_sysmmu *s);

#endif
