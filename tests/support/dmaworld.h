// SPDX-License-Identifier: MIT
/*
 * A machine with memory, for tests of the DMA calls: a host with RAM at chosen physical
 * addresses, cache maintenance, CPU numbers and timers that run out when the test says so;
 * one modelled IOMMU, which keeps using what was unmapped until it is told to sync, as
 * hardware does; and devices that read and write memory as their IOMMU or bus lets them.
 *
 * Devices: "m0" to "m3" behind the IOMMU, m2 and m3 with one stream, so one group; "d0" with
 * no IOMMU; "d1" on a bus that shows memory at other addresses (dma-ranges), and "m5" behind the
 * IOMMU there; "n0" behind the IOMMU and "n1" without, which do not see the CPU's caches.
 */
#ifndef WEIR_TESTS_DMAWORLD_H
#define WEIR_TESTS_DMAWORLD_H

#include "weir/dma.h"
#include "world.h"

#define DW_PAGE 4096u
#define DW_RAM UINT64_C(0x80000000)         /* the lower part of memory ... */
#define DW_HIGH UINT64_C(0x900000000)       /* ... and the upper one, above 4 GiB */
#define DW_PART_BYTES (8u << 20)            /* the size of each */
#define DW_BUS_OFFSET UINT64_C(0x40000000)  /* d1: memory below 2 GiB + 64 MiB appears so much lower */
#define DW_DEVICES 9u
#define DW_NR_CPUS 2u
#define DW_LOG 4096u

enum {
	DW_NO_CACHE_SYNC = 1, /* the host lacks these calls */
	DW_NO_TIMERS = 2,
	DW_NO_PA_TO_VA = 4,
	DW_SMALL_IOMMU = 8,   /* IOVAs end at 16 MiB */
	DW_BIG_PAGES = 16,    /* of 64 KiB */
	DW_WALKS = 32,        /* the IOMMU walks tables; see dmawalk.c */
	DW_CPUS = 64,         /* the host gives CPUs away (cpu_enter) */
};

struct dw_entry {
	void *part;        /* whose it is */
	uint64_t iova, pa; /* of a page; iova 1: empty */
	uint32_t prot;
	bool stale;        /* unmapped, and not synced */
};

#define DW_ENTRIES 32768u
#define DW_MAX_MAP (64u << 20) /* what is larger is mapped, but not kept in mind */

struct weir_timer {
	void (*fn)(void *arg);
	void *arg;
	uint64_t at; /* 0: not set */
	struct weir_timer *next;
};

struct dw {
	struct world w;
	struct weir_host_ops ops;
	unsigned int flags;
	bool up;                 /* all of it came up */
	pthread_mutex_t mutex;   /* of the host */
	pthread_mutex_t cpus[DW_NR_CPUS];
	unsigned char *ram[2];
	bool *used[2];           /* pages given out */
	uint64_t now;
	struct weir_timer *timers;
	char log[DW_LOG];
	size_t log_bytes;
	unsigned int cleans, invalidates;
	uint64_t clean_bytes, invalidate_bytes;
	/* the IOMMU */
	struct dw_entry *entries; /* hashed by part and page */
	void *streams[8];         /* which part each is behind */
	unsigned int nr_entries, nr_stale, maps, unmaps, syncs;
	bool fail_map, fail_sync_map, fail_unmap, fail_sync; /* the calls of the driver fail */
	bool fail_block;          /* it takes no stream off */
	unsigned int fail_map_in; /* the @n-th map from now on fails */
	bool no_stale;            /* it is told once a page, and forgets at once: for many threads */
	struct weir_iommu_ops iommu_ops;
	_Alignas(8) unsigned char blob[4096];
	/* Called in every probe of a device that is no IOMMU; may be NULL. */
	int (*on_probe)(struct dw *dw, struct weir_device *dev);
};

/* Flags that all tests have from now on, beside their own: to run them with an IOMMU of another kind. */
void dw_always(unsigned int flags);
/* The dma-ranges of the bus of d1 and m5 in worlds opened from now on; none: as it is. */
void dw_bus(const uint32_t *cells, unsigned int n);
/* Everything up and bound. @options: of the machine, NULL: as they are. */
void dw_open(struct dw *dw, unsigned int flags, const struct weir_dma_options *options);
/* On @host, whose inner host is dw_host(): whatever fails is told. Return: 0; negative. */
int dw_try_open(struct dw *dw, struct testhost *host, const struct weir_dma_options *options);
/* Prepares the host alone. */
const struct weir_host_ops *dw_host(struct dw *dw, unsigned int flags);
void dw_host_free(struct dw *dw);
void dw_close(struct dw *dw);

struct weir_device *dw_dev(struct dw *dw, const char *name);
/* Memory of the test: @n bytes at a physical address. */
unsigned char *dw_at(struct dw *dw, uint64_t pa);
void dw_fill(struct dw *dw, uint64_t pa, size_t n, unsigned char first);
/* The device accesses memory, a byte at a time. Return: how many bytes got through. */
size_t dw_read(struct dw *dw, const char *name, uint64_t iova, void *buf, size_t n);
size_t dw_write(struct dw *dw, const char *name, uint64_t iova, const void *buf, size_t n);
/* Time goes by; timers run out. */
void dw_advance(struct dw *dw, uint64_t ns);
/* Whether the log holds a text; and forgetting it all. */
bool dw_logged(const struct dw *dw, const char *text);
void dw_log_clear(struct dw *dw);
/* Its driver goes, and comes back. */
void dw_rebind(struct dw *dw, const char *name);
/* Nothing is mapped, and nobody maps. */
void dw_expect_unmapped(struct dw *dw);

/* dmatree.c */
void dw_blob_(struct dw *dw);
/* dmaworld.c and dmawalk.c, for each other. The mutex is held; or the domain's lock, when told. */
struct dw_entry *dw_entry_(struct dw *dw, void *part, uint64_t iova);
int dw_iommu_sync_(void *instance, void *part);
/* What the part's tables, or what was cached of them, let through. */
bool dw_walk_(struct dw *dw, void *part, uint64_t iova, uint32_t need, uint64_t *out_pa);
void dw_walker_ops_(struct weir_iommu_ops *ops);

#endif
