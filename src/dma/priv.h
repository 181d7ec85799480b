// SPDX-License-Identifier: MIT
/*
 * The DMA API's private types. Letters at members: (c) constant after creation,
 * (m) machine lock, (s) the spin lock beside it, (p) set in the probe by the driver, which
 * does not map meanwhile; atomic ones need none.
 */
#ifndef WEIR_DMA_PRIV_H
#define WEIR_DMA_PRIV_H

#include <stdatomic.h>

#include "core/tree.h"
#include "dma/iova.h"
#include "iommu/priv.h"
#include "weir/dma.h"

#define WEIR_DMA_PAGE_BYTES 4096u
#define WEIR_DMA_NO_COPY_ 0x80000000u /* beside the public flags: rather fail */
#define WEIR_DMA_DIRECTION (WEIR_DMA_TO_DEVICE | WEIR_DMA_FROM_DEVICE)

struct weir_dma_space;
struct weir_dma_tracking;

/* Memory for copies: bounce.c. */
struct weir_dma_bounce {
	void *va;                       /* (c) */
	uint64_t pa, bytes;             /* (c) */
	struct weir_iova_space slots;   /* which pages of it are in use, by physical address */
	uint64_t *origin;               /* of each page: the physical address it stands for, plus 1; 0: free */
};

/* Of a machine: m->dma. */
struct weir_dma_machine {
	struct weir_dma_options options; /* (c) once used */
	_Atomic bool used;               /* a device did DMA */
	_Atomic(struct weir_dma_bounce *) bounce;
	_Atomic(struct weir_dma_pages *) kept; /* that a device may still reach, by next_kept */
	/*
	 * (c) once used: what options ask for. NULL without such an option, so that a program which sets
	 * none is linked without it.
	 */
	int (*flush_open)(struct weir_dma_space *space, const struct weir_dma_options *options);
	const struct weir_dma_tracking *tracking;
};

/* Filled by one at a time, emptied by the one who flushes. Positions count on for ever. */
struct weir_dma_ring {
	_Atomic uint32_t head, tail;
	uint32_t end;                   /* the flusher's: up to here this time */
	struct weir_dma_segment *at;    /* (c) */
	uint64_t apart[5];              /* keeps two CPUs off one cache line */
};

/* Ranges that are unmapped, but not known to be out of use: flush.c. */
struct weir_dma_flush {
	struct weir_timer *timer;       /* (c) NULL: there is no queue */
	uint32_t max, mask;             /* (c) ranges in a ring; its room less 1 */
	uint64_t ns;                    /* (c) */
	uint32_t nr_rings;              /* (c) */
	struct weir_dma_ring *rings;    /* (c) the last one is everybody's, under the spin lock */
	struct weir_spin spin;
	_Atomic uint32_t running; /* somebody flushes */
	_Atomic uint32_t armed; /* the timer runs */
	_Atomic uint64_t nr_flushes;
	/* (c) Of flush.c, which a program that has no lazy devices is linked without. */
	void (*add)(struct weir_dma_space *space, unsigned int user, uint64_t iova, uint64_t bytes);
	void (*close)(struct weir_dma_space *space); /* nobody adds any more */
};

/* The addresses of a domain, while devices use it for their DMA: domain->dma. */
struct weir_dma_space {
	struct weir_machine *m;         /* (c) */
	struct weir_domain *domain;     /* (c) referenced */
	uint64_t page_bytes;            /* (c) */
	_Atomic uint64_t iova_max;      /* goes down when a device of another instance comes */
	uint32_t users;                 /* (m) devices */
	uint32_t counted;               /* (m) mask of those whose mappings the addresses' users are */
	struct weir_iova_space iova;
	struct weir_dma_flush flush;
};

/* Of a device as long as a driver has it and uses it for DMA: dev->dma. */
struct weir_dma {
	struct weir_device *dev;        /* (c) */
	struct weir_machine *m;         /* (c) */
	struct weir_dma_machine *of_m;  /* (c) */
	struct weir_dma_space *space;   /* (c) NULL: not translated */
	struct weir_dma_mirror *mirror; /* (c) NULL: what is mapped directly is not kept track of */
	bool coherent;                  /* (c) */
	bool refused;                   /* (c) the host cannot serve it */
	_Atomic unsigned int refusal_said;
	bool debug;                     /* (c) */
	bool untrusted, lazy;           /* (p) */
	bool plain;                     /* (p) translated, and nothing else to be done */
	uint64_t quick_limit;           /* (p) addresses that are tried first are not above it */
	unsigned int user;              /* (c) of the space: WEIR_IOVA_NOBODY: counted in nr_mappings */
	uint64_t mask, coherent_mask;   /* (p) */
	uint64_t bus_max;               /* (c) the highest address the buses above pass on */
	uint64_t max_segment_bytes;     /* (p) a multiple of 4 KiB, or all ones */
	uint64_t boundary_mask;         /* (p) all ones: none */
	struct weir_fwdma *windows;     /* (c) to memory; none: bus addresses are physical ones */
	uint32_t nr_windows;            /* (c) */
	bool blind;                     /* (c) firmware tells of windows, and none leads to memory */
	struct weir_spin spin;
	struct weir_list pages;         /* (s) struct weir_dma_pages */
	struct weir_tree tracked;       /* (s) every mapping, with debug: track.c */
	_Atomic uint64_t nr_mappings;   /* where nobody else counts */
	_Atomic uint64_t nr_bounced;
	_Atomic uint64_t retired;    /* bytes */
};

/* Who calls. */
struct weir_dma_where {
	const char *text; /* "file.c:12", or NULL: */
	const void *pc;
};
#define WEIR_DMA_CALLER_ ((struct weir_dma_where){ NULL, __builtin_return_address(0) })
#define WEIR_DMA_AT_(where) ((struct weir_dma_where){ (where), NULL })

/* An allocation. */
struct weir_dma_pages {
	struct weir_list node;
	void *va;
	uint64_t pa, iova;
	size_t bytes;
	struct weir_dma_where where;      /* it was allocated */
	struct weir_dma_pages *next_kept;
};

/* state.c */
/*
 * What a device does DMA by; made when there is none. Return: 0; WEIR_ENODEV without
 * driver; WEIR_EOPNOTSUPP when the host cannot serve the device, or the machine does no DMA; WEIR_ENOMEM.
 */
int weir_dma_get_(struct weir_device *dev, struct weir_dma **out_dma);
/* For those who cannot wait: NULL, unless it is there and all there is to do is to translate. */
static inline struct weir_dma *weir_dma_plain_(const struct weir_device *dev)
{
	struct weir_dma *dma = atomic_load_explicit(&dev->dma, memory_order_acquire);

	return dma && dma->plain ? dma : NULL;
}
/* The machine's state, made when missing. NULL without memory. */
struct weir_dma_machine *weir_dma_machine_(struct weir_machine *m);

/* How many mappings a device has. */
uint64_t weir_dma_live_(const struct weir_dma *dma);

/* dma.c: one piece of memory; @mask: what the device can address. Errors as in dma.h. */
int weir_dma_map_piece_(struct weir_dma *dma, uint64_t pa, uint64_t bytes, uint32_t how,
			uint64_t mask, uint64_t *out_iova);
int weir_dma_unmap_piece_(struct weir_dma *dma, uint64_t iova, uint64_t bytes, uint32_t how);
/* What the device or the CPU wrote gets to the other one: caches and copies. */
void weir_dma_sync_(struct weir_dma *dma, uint64_t iova, uint64_t bytes, uint32_t how,
		    bool to_device);
/* Cache maintenance before the device gets memory. */
void weir_dma_clean_(struct weir_dma *dma, uint64_t pa, uint64_t bytes, uint32_t how);

/* alloc.c: frees what the driver left allocated, and says so. */
void weir_dma_pages_drop_(struct weir_dma *dma);
/* Frees what could not be freed before: the IOMMUs are gone. */
void weir_dma_kept_free_(struct weir_machine *m, struct weir_dma_machine *of_m);

/* direct.c */
/* Reads the windows that firmware describes. Return: 0; WEIR_ENOMEM. */
int weir_dma_windows_read_(struct weir_dma *dma);
void weir_dma_windows_free_(struct weir_dma *dma);
/*
 * What the device calls [pa, pa + bytes). False when its buses do not pass that on or
 * it has not enough address bits.
 */
bool weir_dma_bus_address_(const struct weir_dma *dma, uint64_t pa, uint64_t bytes, uint64_t mask,
			   uint64_t *out_bus);
/* How many of these bytes it reaches in one piece from the first on, and what it calls that; 0: none. */
uint64_t weir_dma_bus_run_(const struct weir_dma *dma, uint64_t pa, uint64_t bytes, uint64_t mask,
			   uint64_t *out_bus);
/*
 * The next stretch on the bus, from *@at on, that lies below a window and in none. @at is where to
 * go on, 0 at first; 0 afterwards: there is no more. False: there was none.
 */
bool weir_dma_next_gap_(const struct weir_dma *dma, uint64_t *at, uint64_t *out_first,
			uint64_t *out_last);
/* The way back; the address came from the above. */
uint64_t weir_dma_bus_to_pa_(const struct weir_dma *dma, uint64_t bus);

/* mirror.c, where the machine has m->late */
struct weir_dma_mirroring {
	/* Machine lock held. Return: 0; WEIR_ENOMEM. */
	int (*create)(struct weir_machine *m, struct weir_dma_mirror **out_mirror);
	/* Machine lock held. */
	void (*destroy)(struct weir_dma_mirror *mirror);
	/*
	 * A piece that the device reaches directly, at an address on its bus. Return: 0; WEIR_ENOMEM;
	 * as weir_domain_map().
	 */
	int (*add)(struct weir_dma_mirror *mirror, uint64_t bus, uint64_t pa, uint64_t bytes);
	/* Return: 0; WEIR_EIO when an IOMMU did not confirm it. */
	int (*del)(struct weir_dma_mirror *mirror, uint64_t bus, uint64_t bytes);
};
extern const struct weir_dma_mirroring weir_dma_mirroring_;
/* What the device has mapped directly, as a domain, where that is kept track of; NULL. */
struct weir_domain *weir_dma_mirror_domain_(const struct weir_device *dev);

/* space.c */
/*
 * The space of the domain that a device is behind, with one more user. Machine lock held.
 * Return: 0; WEIR_EBUSY when the domain's limits or the device's windows leave out what others use;
 * WEIR_ENOMEM.
 */
int weir_dma_space_get_(const struct weir_dma *dma, struct weir_dma_space **out_space);
/* The last one takes everything away that is still mapped. */
void weir_dma_space_put_(struct weir_dma_space *space);
/* Has the space count a device's mappings, if it has room for one more. Machine lock held. */
void weir_dma_space_count_(struct weir_dma *dma, bool on);
int weir_dma_space_map_(struct weir_dma *dma, uint64_t pa, uint64_t bytes, uint32_t how,
			uint64_t mask, uint64_t *out_iova);
/* Return: 0; WEIR_EINVAL not mapped; WEIR_EIO not confirmed: the addresses are not used again. */
int weir_dma_space_unmap_(struct weir_dma *dma, uint64_t iova, uint64_t bytes);
/* A map failed that was to have these pages; an unmap of so many. Return: the error for the caller. */
int weir_dma_space_take_back_(struct weir_dma *dma, uint64_t iova, uint64_t bytes, int err);
int weir_dma_space_unmap_failed_(struct weir_dma *dma, uint64_t bytes, int err);
/* trim.c: when memory ran out. Return: whether tables were given back, so that it can be tried again. */
bool weir_dma_space_trim_(struct weir_dma_space *space);
/* A whole list at consecutive addresses. */
int weir_dma_space_map_list_(struct weir_dma *dma, const struct weir_dma_range *ranges,
			     uint32_t nr_ranges, uint32_t how, uint32_t max_segments,
			     struct weir_dma_segment *out_segments, uint32_t *out_nr);

/* sg.c: so many of the bytes at @addr the device's limits allow in one segment. */
uint64_t weir_dma_cut_(const struct weir_dma *dma, uint64_t addr, uint64_t bytes);

/* flush.c */
/* Makes the queue when there is none and the host has timers. Return: 0; WEIR_ENOMEM. */
int weir_dma_flush_open_(struct weir_dma_space *space, const struct weir_dma_options *options);
/* A user's range that was unmapped lazily; gives its addresses back when nobody can use them. */
void weir_dma_flush_add_(struct weir_dma_space *space, unsigned int user, uint64_t iova,
			 uint64_t bytes);
/* Built for speed, it is called as what it is. */
#ifdef __OPTIMIZE_SIZE__
#define WEIR_DMA_FLUSH_ADD(space) ((space)->flush.add)
#else
#define WEIR_DMA_FLUSH_ADD(space) weir_dma_flush_add_
#endif

/* bounce.c */
void weir_dma_bounce_destroy_(struct weir_machine *m, struct weir_dma_bounce *bounce);
bool weir_dma_bounce_has_(const struct weir_dma *dma, uint64_t pa);
/* All of it is a copy that somebody has; @pa is in the memory for copies. */
bool weir_dma_bounce_is_(const struct weir_dma *dma, uint64_t pa, uint64_t bytes);
/*
 * A copy of [pa, pa + bytes) in memory that ends at or below @limit; the rest of its pages
 * of @page_bytes is zero. @out_pa: as @pa within the page.
 * Return: 0; WEIR_ENOSPC; WEIR_ERANGE; WEIR_EOPNOTSUPP; WEIR_ENOMEM.
 */
int weir_dma_bounce_take_(struct weir_dma *dma, uint64_t pa, uint64_t bytes, uint64_t page_bytes,
			  uint64_t limit, uint64_t *out_pa);
void weir_dma_bounce_give_(struct weir_dma *dma, uint64_t pa, uint64_t bytes,
			   uint64_t page_bytes);
/* Copies a part of it from (true) or to the memory it stands for. */
void weir_dma_bounce_copy_(struct weir_dma *dma, uint64_t pa, uint64_t bytes, bool from_memory);

/* track.c: with debug. What is wrong is reported there. */
struct weir_dma_tracking {
	/* Return: 0; WEIR_ENOMEM. */
	int (*add)(struct weir_dma *dma, uint64_t iova, uint64_t bytes, uint32_t how,
		   struct weir_dma_where where);
	/* Return: 0; WEIR_EINVAL: no such mapping. */
	int (*del)(struct weir_dma *dma, uint64_t iova, uint64_t bytes, uint32_t how,
		   struct weir_dma_where where);
	void (*check_sync)(struct weir_dma *dma, uint64_t iova, uint64_t bytes,
			   struct weir_dma_where where);
	/* Takes away what is still mapped, and names it. */
	void (*drop)(struct weir_dma *dma);
};
extern const struct weir_dma_tracking weir_dma_tracking_;

static inline int weir_dma_track(struct weir_dma *dma, uint64_t iova, uint64_t bytes, uint32_t how,
				 struct weir_dma_where where)
{
	return dma->debug ? dma->of_m->tracking->add(dma, iova, bytes, how, where) : 0;
}

static inline int weir_dma_untrack(struct weir_dma *dma, uint64_t iova, uint64_t bytes,
				   uint32_t how, struct weir_dma_where where)
{
	return dma->debug ? dma->of_m->tracking->del(dma, iova, bytes, how, where) : 0;
}

/* Something a caller did wrong; track.c as well. */
void weir_dma_report_(struct weir_dma *dma, const char *what, uint64_t iova, uint64_t bytes,
		      struct weir_dma_where where);

#endif
