// SPDX-License-Identifier: MIT
/*
 * The DMA API's private types. Letters at members: (c) constant after creation,
 * (m) machine lock, (s) the spin lock beside it, (a) atomic, (p) set in the probe by the
 * driver, which does not map meanwhile.
 */
#ifndef WEIR_DMA_PRIV_H
#define WEIR_DMA_PRIV_H

#include <stdatomic.h>

#include "core/core.h"
#include "weir/dma.h"
#include "weir/spin.h"

#define WEIR_DMA_PAGE_BYTES 4096u
#define WEIR_DMA_DIRECTION (WEIR_DMA_TO_DEVICE | WEIR_DMA_FROM_DEVICE)

/* Of a machine: m->dma. */
struct weir_dma_machine {
	struct weir_dma_options options; /* (c) once used */
	_Atomic bool used;               /* a device did DMA */
};

/* Of a device as long as a driver has it and uses it for DMA: dev->dma. */
struct weir_dma {
	struct weir_device *dev;        /* (c) */
	struct weir_machine *m;         /* (c) */
	struct weir_dma_machine *of_m;  /* (c) */
	bool coherent;                  /* (c) */
	bool refused;                   /* (c) the host cannot serve it */
	bool untrusted, lazy;           /* (p) */
	uint64_t mask, coherent_mask;   /* (p) */
	uint64_t bus_max;               /* (c) the highest address the buses above pass on */
	uint64_t max_segment_bytes;     /* (p) a multiple of 4 KiB, or all ones */
	uint64_t boundary_mask;         /* (p) all ones: none */
	struct weir_fwdma *windows;     /* (c) to memory; none: bus addresses are physical ones */
	uint32_t nr_windows;            /* (c) */
	struct weir_spin spin;
	struct weir_list pages;         /* (s) struct weir_dma_pages */
	_Atomic uint64_t nr_mappings;   /* (a) */
	_Atomic uint64_t nr_bounced;    /* (a) */
};

/* An allocation. */
struct weir_dma_pages {
	struct weir_list node;
	void *va;
	uint64_t pa, iova;
	size_t bytes;
};

/* state.c */
/*
 * What a device does DMA by; made when there is none. Return: 0; WEIR_ENODEV without
 * driver; WEIR_EOPNOTSUPP when the host cannot serve the device; WEIR_ENOMEM.
 */
int weir_dma_get_(struct weir_device *dev, struct weir_dma **out_dma);

/* dma.c: one piece of memory; @mask: what the device can address. Errors as in dma.h. */
int weir_dma_map_piece_(struct weir_dma *dma, uint64_t pa, uint64_t bytes, uint32_t how,
			uint64_t mask, uint64_t *out_iova);
int weir_dma_unmap_piece_(struct weir_dma *dma, uint64_t iova, uint64_t bytes, uint32_t how);

/* alloc.c: frees what the driver left allocated, and says so. */
void weir_dma_pages_drop_(struct weir_dma *dma);

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
/* The way back; the address came from the above. */
uint64_t weir_dma_bus_to_pa_(const struct weir_dma *dma, uint64_t bus);

#endif
