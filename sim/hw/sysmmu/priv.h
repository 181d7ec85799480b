// SPDX-License-Identifier: MIT
/* What the parts of the hostile System MMU share. */
#ifndef WEIR_SIM_HW_SYSMMU_PRIV_H
#define WEIR_SIM_HW_SYSMMU_PRIV_H

#include "hw/sysmmu.h"
#include "hw/sysmmu/spec.h"

#define CACHED 64u
#define RECENT 8u

enum kind {
	CACHED_NONE,
	CACHED_LEAF,
	CACHED_TABLE,  /* a first-level entry that leads to a table */
	CACHED_FAULT,  /* ... that leads nowhere: 3.3 [W] */
};
struct cached {
	enum kind kind;
	uint32_t in, bytes;     /* what it is for */
	uint32_t vpn;           /* the page that it was walked for */
	uint64_t out;
	bool read, write;
};

struct sysmmu {
	struct hwram *ram;
	struct sysmmu_config config;
	struct hwrng rng;
	bool power, clock;
	void (*irq)(void *arg);
	void *irq_arg;
	uint32_t line;          /* hwhost_sysmmu()'s */
	struct hwhost *host;
	/* registers */
	uint32_t ctrl, cfg, base, status, ctrl_vm;
	uint32_t flush_start, flush_end;
	uint32_t fault_at[4];   /* by register: page or VA, AW, AR, default slave */
	uint32_t fault_info;
	uint32_t last_fault;    /* the bit of the last one, for a storm */
	bool translating;       /* what is not blocked is; otherwise it passes */
	bool blocked;           /* acknowledged */
	unsigned int ack_in;    /* points until it is */
	bool stuck;             /* ... which never come */
	bool held;              /* by a fault */
	bool flushed;           /* since power came */
	bool twice;             /* what is cached is there twice */
	/* caches */
	struct cached cache[CACHED];
	uint32_t recent[RECENT]; /* pages that were accessed */
	unsigned int nr_recent;
	bool in_point;
	unsigned int mischief[SYSMMU_MISCHIEFS];
	unsigned int findings[SYSMMU_FINDINGS + 1];
	char first_finding[160];
	struct sysmmu_stats stats;
};

/* sysmmu.c */
__attribute__((format(printf, 3, 4)))
void sysmmu_find_(struct sysmmu *s, enum sysmmu_finding what, const char *fmt, ...);
/* One time more that something is to go wrong, or not. */
bool sysmmu_mischief_(struct sysmmu *s, enum sysmmu_mischief what);
/* It translates: it is on, and enabled. */
bool sysmmu_on_(const struct sysmmu *s);

/* regs.c */
void sysmmu_reset_(struct sysmmu *s);
void sysmmu_settle_(struct sysmmu *s);
void sysmmu_line_(struct sysmmu *s);
/* A fault is pending. Return: what comes of the access. */
enum hwaccess sysmmu_fault_(struct sysmmu *s, enum fault fault, uint32_t iova, uint64_t pa, bool write);

/* walk.c */
uint64_t sysmmu_root_(const struct sysmmu *s);
/* False: *out_fault says why; *out_pa is where nobody answered, of FAULT_BUS. */
bool sysmmu_walk_(struct sysmmu *s, uint32_t iova, bool write, uint64_t *out_pa,
		  enum fault *out_fault);
void sysmmu_speculate_(struct sysmmu *s);
/* Pages @first to @last are dropped from caches. @sets: only what is in the set of @first [2]. */
void sysmmu_drop_(struct sysmmu *s, uint32_t first, uint32_t last, bool sets);

#endif
