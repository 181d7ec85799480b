// SPDX-License-Identifier: MIT
/*
 * A hostile Exynos System MMU, written from what is public of it (sources: sim/hw/sysmmu/spec.h):
 * versions 1 to 3, 5, and 7 with and without VM registers. What hardware may do it does at some
 * time, decided by a seed, and what a driver must not do is a finding. docs/drivers/exynos-sysmmu.md
 * says what is known, and what is assumed.
 *
 * It is behind a clock and a power domain, both on at first: the test switches them. Time goes on
 * at points: accesses to registers, and sysmmu_point(). At a point it may acknowledge a block,
 * walk tables ahead of any access, and forget what is cached.
 *
 * Owned by the test, which also sees to locking: one call at a time. One that hwhost_sysmmu() made
 * belongs to the host.
 */
#ifndef WEIR_SIM_HW_SYSMMU_H
#define WEIR_SIM_HW_SYSMMU_H

#include "hw/master.h"
#include "hw/ram.h"

#define SYSMMU_BYTES 0x1000u    /* of registers, up to version 7 without VM registers */
#define SYSMMU_VM_BYTES 0x9000u /* ... with them */

struct sysmmu_config {
	uint64_t seed;
	unsigned int major, minor; /* 1.x, 2.x, 3.x, 5.x, 7.x */
	bool vm;                   /* 7: it has VM registers */
	bool no_version;           /* its version register has no version: it counts as 1.0 */
	/* An access that faults is aborted; otherwise it waits, and is tried again when let on. */
	bool fault_aborts;
	unsigned int unrest;       /* times in 256 of each thing that it may do at a point */
	uint8_t who;               /* the bit of its master in what hwram_allow() says */
};

/* What was done wrong. */
enum sysmmu_finding {
	SYSMMU_STRAY,           /* an access landed where the test did not allow it */
	SYSMMU_CONFLICT,        /* two translations of one address would be cached */
	SYSMMU_BAD_TABLE,       /* entries or a base that nothing public describes */
	SYSMMU_BAD_REGISTER,    /* an access that the register does not allow, or not now */
	SYSMMU_UNINITIALISED,   /* enabled with caches that were not emptied since power came */
	SYSMMU_FREED,           /* memory is used, or can be, that was given back */
	SYSMMU_OFF,             /* registers are accessed without power or clock */
	SYSMMU_OFF_DMA,         /* ... its master does DMA without */
	SYSMMU_FINDINGS,
};

/* What it does on request: @n times, or while @n is not 0. */
enum sysmmu_mischief {
	SYSMMU_BLOCK_LATE,      /* a block is acknowledged only @n points later */
	SYSMMU_BLOCK_STUCK,     /* the next @n blocks are never acknowledged */
	SYSMMU_SPURIOUS,        /* @n interrupts for which no fault is pending */
	SYSMMU_STORM,           /* a fault is pending again as soon as it is cleared, @n times */
	SYSMMU_IRQ_LOST,        /* while it is set, interrupts do not arrive */
	SYSMMU_TWICE,           /* up to 5: @n times it has a translation twice, a fault until all is flushed */
	SYSMMU_ODD_FAULT,       /* the next @n faults are of a kind that does not exist */
	SYSMMU_DEAD,            /* while it is set, it is gone: registers are all ones, DMA is lost */
	SYSMMU_MISCHIEFS,
};

struct sysmmu_stats {
	unsigned long walks, fetches, faults, interrupts;
	unsigned long blocks, flushes_all, flushes_entry, flushes_range;
	unsigned long landed, bypassed, stalled, aborted, lost;
	unsigned long accesses; /* to registers */
};

struct sysmmu;

/* NULL without memory. @ram must outlive it. It is reset, and has power and clock. */
struct sysmmu *sysmmu_create(struct hwram *ram, const struct sysmmu_config *config);
struct sysmmu *sysmmu_destroy(struct sysmmu *s);
/* @irq is called when its line rises, and at each point as long as it is up. */
void sysmmu_wire(struct sysmmu *s, void (*irq)(void *arg), void *arg);

struct hwhost;
/* One at @base of a host, its interrupt at that line; it is the host's. Aborts without memory. */
struct sysmmu *hwhost_sysmmu(struct hwhost *h, uint64_t base, const struct sysmmu_config *config,
			     uint32_t line);

uint64_t sysmmu_mmio_read(struct sysmmu *s, uint64_t offset, unsigned int width);
void sysmmu_mmio_write(struct sysmmu *s, uint64_t offset, unsigned int width, uint64_t value);
void sysmmu_point(struct sysmmu *s);

/* Registers are reset when power comes, and caches hold anything. */
void sysmmu_power(struct sysmmu *s, bool on);
/* Registers stay; nothing happens without it. */
void sysmmu_clock(struct sysmmu *s, bool on);
void sysmmu_misbehave(struct sysmmu *s, enum sysmmu_mischief what, unsigned int n);
/* What a boot loader does: it runs, with that first table. 0: it lets everything pass. */
void sysmmu_boot_loader(struct sysmmu *s, uint64_t root_pa);
/* Told before pages are given back: what is in use of them is a finding. */
void sysmmu_memory_goes(struct sysmmu *s, uint64_t pa, uint64_t bytes);

/* DMA of its master, within a page. */
enum hwaccess sysmmu_dma(struct sysmmu *s, uint64_t iova, void *buf, size_t bytes, bool write);
struct hwport sysmmu_port(struct sysmmu *s);
/* Whether an access would land, and where; with no effect but that on caches. */
bool sysmmu_translate(struct sysmmu *s, uint64_t iova, bool write, uint64_t *out_pa);

/* From now on it does nothing by chance. */
void sysmmu_still(struct sysmmu *s);
/* Power, clock, registers and what it is doing, as a number; not what its caches hold. */
uint64_t sysmmu_state(const struct sysmmu *s);

/* How many findings there were of a kind, SYSMMU_FINDINGS: of all; the text of the first. */
unsigned int sysmmu_findings(const struct sysmmu *s, enum sysmmu_finding what);
const char *sysmmu_first_finding(const struct sysmmu *s);
/* Forgets them; returns how many there were. */
unsigned int sysmmu_findings_take(struct sysmmu *s);
const struct sysmmu_stats *sysmmu_stats_get(const struct sysmmu *s);

#endif
