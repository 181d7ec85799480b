// SPDX-License-Identifier: MIT
/*
 * DMA: giving a device access to memory, and taking it back.
 *
 * A device's driver maps memory, tells the device the address it got, and unmaps when
 * the device is done. Whether an IOMMU translates, memory has to be copied, or caches be
 * written back, is the library's affair. How it is done is settled when the device is
 * probed and stays so as long as the driver is bound.
 *
 * The base form of memory is a physical range; forms that take a virtual address look
 * the physical one up. Addresses that devices use are called IOVAs, translated or not.
 *
 * Only the driver that is bound to the device, or probing it, may call; from any context,
 * also interrupt, unless something else is said; but the first call for a device without IOMMU makes
 * what is kept of it, in thread context: weir_dma_mask_set() in the probe, say. What it leaves mapped
 * when it is unbound is reported with the device's name and taken away.
 *
 * With WEIR_DMA_DEBUG defined before this file is included, reports of leaks and of wrong
 * unmaps name the file and line of the caller.
 */
#ifndef WEIR_DMA_H
#define WEIR_DMA_H

#include "weir/device.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How memory is mapped: a direction, as memory sees it, and flags. */
#define WEIR_DMA_TO_DEVICE     0x01u /* the device reads it */
#define WEIR_DMA_FROM_DEVICE   0x02u /* the device writes it */
#define WEIR_DMA_BIDIRECTIONAL 0x03u
#define WEIR_DMA_NO_SYNC       0x10u /* the caller calls weir_dma_sync_* where it is needed */
#define WEIR_DMA_MMIO          0x20u /* registers of another device (peer, doorbell), not memory */
#define WEIR_DMA_SYNCED        0x40u /* weir_dma_alloc: need not be coherent, the caller syncs */

/* The mask of a device that drives that many address bits, 1 to 64. */
#define WEIR_DMA_MASK(bits) (UINT64_MAX >> (64 - (bits)))

/* A physical range. */
struct weir_dma_range {
	uint64_t pa, bytes;
};

/* What a device is told of a scatter list. */
struct weir_dma_segment {
	uint64_t iova, bytes;
};

/**
 * weir_dma_map_phys - let a device reach [pa, pa + bytes).
 * @how: WEIR_DMA_*, with a direction.
 *
 * Nobody but the device touches the memory until weir_dma_unmap(), or between
 * weir_dma_sync_for_cpu() and weir_dma_sync_for_device(). The first mapping of a machine
 * that has to be copied makes the memory for that, unless weir_dma_bounce_reserve() did:
 * that one must be in thread context.
 * Return: 0; WEIR_EINVAL for no bytes, no direction, or a range past the end of the
 * address space; WEIR_ENODEV when no driver is bound or probing; WEIR_ERANGE when the
 * device cannot reach it and it cannot be copied; WEIR_ENOSPC when no address or no
 * memory for copies is free, which may pass; WEIR_EOPNOTSUPP when the host lacks a call
 * that is needed (the log says which), or the machine has no weir_part_dma (parts.h);
 * WEIR_EIO when the IOMMU failed, and when it did not confirm
 * either that nothing was left (which is logged, and counted in weir_dma_stats.retired) the device
 * may reach the memory: it is not to be used for anything else; WEIR_ENOMEM.
 */
int weir_dma_map_phys(struct weir_device *dev, uint64_t pa, uint64_t bytes, uint32_t how,
		      uint64_t *out_iova);

/**
 * weir_dma_map - the same for memory at a virtual address, which is contiguous.
 * Return: as weir_dma_map_phys(); WEIR_EINVAL when the host knows no such memory;
 * WEIR_EOPNOTSUPP when it cannot tell.
 */
int weir_dma_map(struct weir_device *dev, const void *va, size_t bytes, uint32_t how,
		 uint64_t *out_iova);

/**
 * weir_dma_unmap - the device is done; what it wrote can be read now.
 * @iova, @bytes, @how: as mapped.
 * Return: 0; WEIR_EINVAL when that is not mapped, which is reported; WEIR_EIO when the
 * IOMMU did not confirm: the memory must not be used for anything else.
 */
int weir_dma_unmap(struct weir_device *dev, uint64_t iova, uint64_t bytes, uint32_t how);

/**
 * weir_dma_map_sg - let a device reach a list of ranges, in as few segments as its
 * limits allow: neighbours become one, behind an IOMMU also those that are none.
 * @max_segments: room in @out_segments. Ranges of no bytes are passed over.
 * Return: 0, with all mapped and at least one segment; WEIR_E2BIG when more segments are
 * needed; WEIR_EINVAL for a list without bytes; otherwise as weir_dma_map_phys().
 */
int weir_dma_map_sg(struct weir_device *dev, const struct weir_dma_range *ranges,
		    uint32_t nr_ranges, uint32_t how, uint32_t max_segments,
		    struct weir_dma_segment *out_segments, uint32_t *out_nr_segments);

/**
 * weir_dma_unmap_sg - the same for all segments that weir_dma_map_sg() gave.
 * Return: as weir_dma_unmap(); the rest is unmapped even so.
 */
int weir_dma_unmap_sg(struct weir_device *dev, const struct weir_dma_segment *segments,
		      uint32_t nr_segments, uint32_t how);

/**
 * weir_dma_sync_for_cpu - what the device wrote so far can be read; the memory stays mapped.
 * @iova, @bytes: a part of a mapping, or all of it, in bytes. @how: as mapped.
 * Nothing happens where nothing is mapped; with the option debug that is reported.
 */
void weir_dma_sync_for_cpu(struct weir_device *dev, uint64_t iova, uint64_t bytes, uint32_t how);
/** weir_dma_sync_for_device - the device gets what the CPU wrote since. */
void weir_dma_sync_for_device(struct weir_device *dev, uint64_t iova, uint64_t bytes,
			      uint32_t how);
/** weir_dma_sync_sg_for_cpu / weir_dma_sync_sg_for_device - the same for a list. */
void weir_dma_sync_sg_for_cpu(struct weir_device *dev, const struct weir_dma_segment *segments,
			      uint32_t nr_segments, uint32_t how);
void weir_dma_sync_sg_for_device(struct weir_device *dev,
				 const struct weir_dma_segment *segments, uint32_t nr_segments,
				 uint32_t how);

/**
 * weir_dma_alloc - zeroed memory that CPU and device use at the same time, in whole pages
 * of 4 KiB, aligned to them: rings, queues, descriptors.
 * @how: 0, or WEIR_DMA_SYNCED: the caller calls weir_dma_sync_* (bidirectional) around
 * its accesses, which a device that is not coherent needs.
 * Context: thread. Owner: the caller, until weir_dma_free(); when the device is unbound
 * it goes, and is reported.
 * Return: 0; WEIR_EINVAL for no bytes; WEIR_EOPNOTSUPP when the device is not coherent and
 * WEIR_DMA_SYNCED is missing, or the host has no pages; otherwise as weir_dma_map_phys().
 */
int weir_dma_alloc(struct weir_device *dev, size_t bytes, uint32_t how, void **out_va,
		   uint64_t *out_iova);
/**
 * weir_dma_free - give it back, @bytes as then. Context: thread.
 * Return: 0; WEIR_EINVAL when it is not there, which is reported; WEIR_EIO when the IOMMU did not
 * confirm: the memory is kept.
 */
int weir_dma_free(struct weir_device *dev, size_t bytes, void *va, uint64_t iova);

/**
 * weir_dma_mask_set - the highest address a device can drive, for both kinds of memory:
 * mapped and allocated. 32 bits until it is called.
 * Context: thread, in the probe. Return: 0; WEIR_EINVAL when @mask is not of the form 2^n - 1 with
 * at least 12 bits; WEIR_ENODEV, WEIR_EOPNOTSUPP, WEIR_ENOMEM as weir_dma_map_phys().
 */
int weir_dma_mask_set(struct weir_device *dev, uint64_t mask);
/** weir_dma_coherent_mask_set - the same for allocated memory alone. Return: as weir_dma_mask_set(). */
int weir_dma_coherent_mask_set(struct weir_device *dev, uint64_t mask);
/** weir_dma_mask_get - Return: the mask for mapped memory. */
uint64_t weir_dma_mask_get(struct weir_device *dev);

/* What a device can do with one segment of a list. */
struct weir_dma_limits {
	uint64_t max_segment_bytes; /* 0: any */
	uint64_t boundary_mask;     /* no segment crosses a multiple of this plus 1; 0: any */
};
/**
 * weir_dma_limits_set - Context: thread, in the probe. Return: 0; WEIR_EINVAL when the boundary is
 * not of the form 2^n - 1, or one of the two leaves less than a page of 4 KiB; WEIR_ENODEV,
 * WEIR_EOPNOTSUPP, WEIR_ENOMEM as weir_dma_map_phys().
 */
int weir_dma_limits_set(struct weir_device *dev, const struct weir_dma_limits *limits);
/**
 * weir_dma_max_map_bytes - so many bytes one mapping can have when nothing else is mapped, wherever they
 * begin: by the mask, the buses and the IOMMU; otherwise by the memory for copies, whether or not it has to be copied.
 * Context: any, with a driver. Return: bytes.
 */
uint64_t weir_dma_max_map_bytes(struct weir_device *dev);

/** weir_dma_is_coherent - the device sees the CPU's caches: weir_dma_sync_* write nothing back. */
bool weir_dma_is_coherent(struct weir_device *dev);
/** weir_dma_is_translated - an IOMMU stands before it, with mappings of its own. */
bool weir_dma_is_translated(struct weir_device *dev);

/**
 * weir_dma_set_untrusted - a device that somebody else may have brought along: it reaches
 * what is mapped and nothing beside it in the same page, and unmaps are strict.
 * Context: thread, in the probe. Return: 0; WEIR_EBUSY when something is mapped; WEIR_ENODEV,
 * WEIR_EOPNOTSUPP, WEIR_ENOMEM as weir_dma_map_phys().
 */
int weir_dma_set_untrusted(struct weir_device *dev, bool on);
/**
 * weir_dma_set_lazy - unmapped ranges may stay in reach of the device for a short time,
 * and are taken away many at once. Otherwise (strict) they are out of reach when
 * weir_dma_unmap() returns. Not for untrusted devices.
 * Context: thread, in the probe. Return: 0; WEIR_EBUSY when something is mapped; WEIR_EPERM for
 * an untrusted device; WEIR_ENODEV, WEIR_EOPNOTSUPP, WEIR_ENOMEM as weir_dma_map_phys().
 */
int weir_dma_set_lazy(struct weir_device *dev, bool on);

/* Of a machine. */
struct weir_dma_options {
	bool lazy;          /* what devices are until told otherwise; false: strict */
	bool debug;         /* every mapping is kept in mind: wrong unmaps are caught, leaks named */
	bool iova_32_first; /* IOVAs below 4 GiB while there are any, whatever the mask */
	bool coherent;      /* devices of whose coherence the device tree says nothing see the
			       CPU's caches; on Arm they do not */
	uint32_t flush_ranges; /* lazy: so many ranges of a domain are kept back at the most; for
				  each CPU, where the host gives CPUs away (cpu_enter) */
	uint64_t flush_ns;     /* lazy: and so long */
	uint64_t bounce_bytes; /* memory for copies */
};
/** weir_dma_options_get - the options as they are; at first all false, 256, 10 ms, 4 MiB. */
void weir_dma_options_get(struct weir_machine *m, struct weir_dma_options *out_options);
/**
 * weir_dma_options_set - Context: thread. Return: 0; WEIR_EINVAL for no ranges, no time or no bytes;
 * WEIR_EBUSY when a driver used the DMA calls already; WEIR_EOPNOTSUPP without weir_part_dma; WEIR_ENOMEM.
 */
int weir_dma_options_set(struct weir_machine *m, const struct weir_dma_options *options);
/**
 * weir_dma_bounce_reserve - make the memory for copies now. Context: thread.
 * Return: 0, also when it is there; WEIR_EOPNOTSUPP when the host has no pages or no CPU
 * view of them, or without weir_part_dma; WEIR_ENOMEM.
 */
int weir_dma_bounce_reserve(struct weir_machine *m);

struct weir_dma_stats {
	uint64_t mappings;     /* now: calls of map and allocations that wait for their counterpart */
	uint64_t bounced;      /* mappings that were copied, ever */
	uint64_t flushes;      /* lazy: of its domain, ever */
	uint64_t retired;      /* bytes of addresses that are not used again: an IOMMU did not confirm
				* that it had let go of them */
};
/** weir_dma_stats_get - all 0 when the device never did DMA. */
void weir_dma_stats_get(struct weir_device *dev, struct weir_dma_stats *out_stats);

/*
 * The same calls with the place of the caller, "file.c:12", a string that stays valid; what
 * the calls above turn into with WEIR_DMA_DEBUG.
 */
/** weir_dma_map_phys_at - Return: as weir_dma_map_phys(), 0 or WEIR_EINVAL and the others. */
int weir_dma_map_phys_at(const char *where, struct weir_device *dev, uint64_t pa, uint64_t bytes,
			 uint32_t how, uint64_t *out_iova);
/** weir_dma_map_at - Return: as weir_dma_map(), 0 or WEIR_EINVAL and the others. */
int weir_dma_map_at(const char *where, struct weir_device *dev, const void *va, size_t bytes,
		    uint32_t how, uint64_t *out_iova);
/** weir_dma_unmap_at - Return: as weir_dma_unmap(), 0, WEIR_EINVAL or WEIR_EIO. */
int weir_dma_unmap_at(const char *where, struct weir_device *dev, uint64_t iova, uint64_t bytes,
		      uint32_t how);
/** weir_dma_map_sg_at - Return: as weir_dma_map_sg(), 0 or WEIR_E2BIG and the others. */
int weir_dma_map_sg_at(const char *where, struct weir_device *dev,
		       const struct weir_dma_range *ranges, uint32_t nr_ranges, uint32_t how,
		       uint32_t max_segments, struct weir_dma_segment *out_segments,
		       uint32_t *out_nr_segments);
/** weir_dma_unmap_sg_at - Return: as weir_dma_unmap_sg(), 0, WEIR_EINVAL or WEIR_EIO. */
int weir_dma_unmap_sg_at(const char *where, struct weir_device *dev,
			 const struct weir_dma_segment *segments, uint32_t nr_segments,
			 uint32_t how);
/** weir_dma_alloc_at - Return: as weir_dma_alloc(), 0 or WEIR_EOPNOTSUPP and the others. */
int weir_dma_alloc_at(const char *where, struct weir_device *dev, size_t bytes, uint32_t how,
		      void **out_va, uint64_t *out_iova);
/** weir_dma_free_at - Return: as weir_dma_free(), 0, WEIR_EINVAL or WEIR_EIO. */
int weir_dma_free_at(const char *where, struct weir_device *dev, size_t bytes, void *va,
		     uint64_t iova);

#ifdef WEIR_DMA_DEBUG
#define WEIR_DMA_TEXT2_(x) #x
#define WEIR_DMA_TEXT_(x) WEIR_DMA_TEXT2_(x)
#define WEIR_DMA_HERE_ __FILE__ ":" WEIR_DMA_TEXT_(__LINE__)
#define weir_dma_map_phys(...) weir_dma_map_phys_at(WEIR_DMA_HERE_, __VA_ARGS__)
#define weir_dma_map(...) weir_dma_map_at(WEIR_DMA_HERE_, __VA_ARGS__)
#define weir_dma_unmap(...) weir_dma_unmap_at(WEIR_DMA_HERE_, __VA_ARGS__)
#define weir_dma_map_sg(...) weir_dma_map_sg_at(WEIR_DMA_HERE_, __VA_ARGS__)
#define weir_dma_unmap_sg(...) weir_dma_unmap_sg_at(WEIR_DMA_HERE_, __VA_ARGS__)
#define weir_dma_alloc(...) weir_dma_alloc_at(WEIR_DMA_HERE_, __VA_ARGS__)
#define weir_dma_free(...) weir_dma_free_at(WEIR_DMA_HERE_, __VA_ARGS__)
#endif

#ifdef __cplusplus
}
#endif
#endif
