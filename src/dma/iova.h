// SPDX-License-Identifier: MIT
/*
 * A space of I/O virtual addresses: who has which.
 *
 * Ranges in use are in an ordered tree (ranges.h). Before it stand magazines of freed
 * ranges (Bonwick and Adams, 2001), for each CPU and each small size, so that the usual
 * pair of free and alloc touches no tree and no lock: a CPU's magazines are owned by who
 * has the CPU for himself (cpu_enter), or else by whoever sets their flag. Who cannot own them
 * goes to the tree, so nobody waits. What is in magazines counts as in use; when space runs
 * out they are emptied, those of other CPUs when these allocate or free next.
 *
 * Addresses are handed out from the top, aligned to their size rounded up to a power of
 * two. Any context but init, fini and reserve: thread.
 */
#ifndef WEIR_DMA_IOVA_H
#define WEIR_DMA_IOVA_H

#include <stdatomic.h>

#include "dma/ranges.h"
#include "weir/spin.h"

#define WEIR_IOVA_CLASSES 6u /* 1, 2, 4, ... 32 pages are cached, other sizes rounded up to these */
#define WEIR_IOVA_MAGAZINE 127u

#define WEIR_IOVA_USERS 4u   /* whose ranges can be counted without an atomic operation */
#define WEIR_IOVA_NOBODY WEIR_IOVA_USERS

struct weir_iova_magazine {
	struct weir_iova_magazine *next; /* in the depot */
	uint64_t at[WEIR_IOVA_MAGAZINE]; /* addresses */
};

/* Of one size at one CPU. */
struct weir_iova_cache {
	struct weir_iova_magazine *loaded; /* with n ranges; may be NULL */
	struct weir_iova_magazine *other;  /* full or empty; may be NULL */
	uint32_t n;
	bool other_full;
};

struct weir_iova_cpu {
	_Atomic unsigned int busy; /* somebody owns what follows; where the host has no cpu_enter */
	uint32_t drains;   /* of the space's, so many are done here */
	_Atomic size_t live[WEIR_IOVA_USERS + 1]; /* may wrap: only all together count */
	struct weir_iova_cache caches[WEIR_IOVA_CLASSES];
};

struct weir_iova_space {
	struct weir_machine *m;      /* (c) */
	unsigned int page_lg2;       /* (c) */
	uint32_t nr_cpus;            /* (c) */
	struct weir_iova_cpu *cpus;  /* (c) */
	/* (c) of the host; enter: NULL, a flag does instead */
	unsigned int (*enter)(void *host, unsigned long *out_before);
	void (*leave)(void *host, unsigned long before);
	void *host;
	_Atomic uint32_t drains;     /* times that all magazines were to be emptied */
	_Atomic size_t live[WEIR_IOVA_USERS + 1]; /* by who owned no CPU */
	struct weir_spin spin;       /* guards the rest; rank WEIR_LOCK_IOVA */
	struct weir_ranges ranges;
	struct weir_iova_magazine *full[WEIR_IOVA_CLASSES], *empty; /* the depot */
};

/*
 * @iova_min, @iova_max: first and last address; @page_bytes: a power of two, from 4096.
 * Return: 0; WEIR_EINVAL for limits without a page between them; WEIR_ENOMEM.
 */
int weir_iova_init_(struct weir_machine *m, struct weir_iova_space *space, uint64_t iova_min,
		    uint64_t iova_max, uint64_t page_bytes);
/* Accepts a space that was zeroed but not initialised. */
void weir_iova_fini_(struct weir_iova_space *space);

/*
 * Takes a range of @bytes (rounded up to pages) whose last byte is not above @limit.
 * Return: 0; WEIR_EINVAL for 0 bytes; WEIR_ENOSPC; WEIR_ENOMEM.
 */
int weir_iova_alloc_(struct weir_iova_space *space, uint64_t bytes, uint64_t limit,
		     uint64_t *out_iova);
/*
 * Gives a range back, as it was taken. Return: 0; WEIR_ENOENT when it was not taken, which
 * is found out for large ranges only.
 */
int weir_iova_free_(struct weir_iova_space *space, uint64_t iova, uint64_t bytes);
/*
 * Keeps [first, last] from being handed out, for good: reserved regions, MSI windows.
 * What lies outside the space or is reserved already does not matter.
 * Return: 0; WEIR_EBUSY when a part is in use, or in a magazine of a CPU that only its owner can
 * empty and that nobody came to since: then it is emptied when somebody does; WEIR_ENOMEM.
 */
int weir_iova_reserve_(struct weir_iova_space *space, uint64_t first, uint64_t last);
/* The next stretch from @iova on that is not reserved. False at the end. */
bool weir_iova_next_open_(struct weir_iova_space *space, uint64_t iova, uint64_t *out_first,
			  uint64_t *out_last);
/*
 * The same for one of several users of the space, below WEIR_IOVA_USERS, whose ranges are counted;
 * WEIR_IOVA_NOBODY: not counted.
 */
int weir_iova_alloc_for_(struct weir_iova_space *space, unsigned int user, uint64_t bytes,
			 uint64_t limit, uint64_t *out_iova);
int weir_iova_free_for_(struct weir_iova_space *space, unsigned int user, uint64_t iova,
			uint64_t bytes);
/* How many a user has. Exact when nobody takes or gives back meanwhile. */
size_t weir_iova_live_(const struct weir_iova_space *space, unsigned int user);

/* It has none any more, whatever was counted. */
void weir_iova_forget_(struct weir_iova_space *space, unsigned int user);

/*
 * This CPU's magazines and counts, for the caller alone until it leaves them. NULL: they are
 * somebody else's, and there is nothing to leave.
 */
struct weir_iova_cpu *weir_iova_enter_slow_(struct weir_iova_space *space, unsigned int id,
					    unsigned long *out_before);
/* Of a CPU that the caller has. NULL: there is none, or it was to be emptied. */
static inline struct weir_iova_cpu *weir_iova_ready_(const struct weir_iova_space *space,
						     unsigned int id)
{
	struct weir_iova_cpu *cpu = id < space->nr_cpus ? &space->cpus[id] : NULL;

	return cpu && cpu->drains == atomic_load_explicit(&space->drains, memory_order_relaxed)
		       ? cpu : NULL;
}

static inline struct weir_iova_cpu *weir_iova_enter_(struct weir_iova_space *space,
						     unsigned long *out_before)
{
	struct weir_iova_cpu *cpu;
	unsigned int id = 0;

	if (space->enter) {
		id = space->enter(space->host, out_before);
		cpu = weir_iova_ready_(space, id);
		if (cpu)
			return cpu;
	}
	return weir_iova_enter_slow_(space, id, out_before);
}

static inline void weir_iova_leave_(struct weir_iova_space *space, struct weir_iova_cpu *cpu,
				    unsigned long before)
{
	if (space->leave)
		space->leave(space->host, before);
	else if (!space->enter)
		atomic_store_explicit(&cpu->busy, false, memory_order_release);
}

/* A range more or less of a user, by who entered a CPU (or NULL). */
static inline void weir_iova_count_(struct weir_iova_space *space, struct weir_iova_cpu *cpu,
				    unsigned int user, size_t change)
{
	size_t n;

	if (cpu) {
		n = atomic_load_explicit(&cpu->live[user], memory_order_relaxed);
		atomic_store_explicit(&cpu->live[user], n + change, memory_order_relaxed);
	} else {
		atomic_fetch_add_explicit(&space->live[user], change, memory_order_relaxed);
	}
}

/* The class whose ranges have @bytes or a little more; WEIR_IOVA_CLASSES: none, also for 0 bytes. */
static inline unsigned int weir_iova_class_(const struct weir_iova_space *space, uint64_t bytes)
{
	uint64_t last = (bytes - 1) >> space->page_lg2; /* page */

	if (last >= 1u << (WEIR_IOVA_CLASSES - 1))
		return WEIR_IOVA_CLASSES;
	return 31 - (unsigned int)__builtin_clz(2 * (unsigned int)last + 1);
}

/*
 * The usual way of the two above: on a host that gives CPUs away, with what the magazine at hand has, or has
 * room for. False: nothing happened.
 */
static inline bool weir_iova_take_(struct weir_iova_space *space, unsigned int user, uint64_t bytes,
				   uint64_t limit, uint64_t *out_iova)
{
	unsigned int class = weir_iova_class_(space, bytes);
	struct weir_iova_cpu *cpu;
	struct weir_iova_cache *cache;
	unsigned long before = 0;
	bool taken = false;
	uint64_t iova;

	if (!space->enter || class == WEIR_IOVA_CLASSES)
		return false;
	cpu = weir_iova_ready_(space, space->enter(space->host, &before));
	cache = cpu ? &cpu->caches[class] : NULL;
	if (cache && cache->n) {
		iova = cache->loaded->at[cache->n - 1];
		taken = iova + (bytes - 1) <= limit;
		if (taken) {
			cache->n--;
			weir_iova_count_(space, cpu, user, 1);
			*out_iova = iova;
		}
	}
	if (space->leave)
		space->leave(space->host, before);
	return taken;
}

static inline bool weir_iova_put_(struct weir_iova_space *space, unsigned int user, uint64_t iova,
				  uint64_t bytes)
{
	unsigned int class = weir_iova_class_(space, bytes);
	struct weir_iova_cpu *cpu;
	struct weir_iova_cache *cache;
	unsigned long before = 0;
	bool put = false;

	if (!space->enter || class == WEIR_IOVA_CLASSES)
		return false;
	cpu = weir_iova_ready_(space, space->enter(space->host, &before));
	cache = cpu ? &cpu->caches[class] : NULL;
	if (cache && cache->loaded && cache->n < WEIR_IOVA_MAGAZINE) {
		cache->loaded->at[cache->n++] = iova;
		weir_iova_count_(space, cpu, user, (size_t)-1);
		put = true;
	}
	if (space->leave)
		space->leave(space->host, before);
	return put;
}

/* Empties the magazines that can be emptied now into the tree. */
void weir_iova_drain_(struct weir_iova_space *space);
/* Empties all magazines into the tree. Nobody else uses the space meanwhile. */
void weir_iova_trim_(struct weir_iova_space *space);

#endif
