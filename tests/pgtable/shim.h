// SPDX-License-Identifier: GPL-2.0-only
/*
 * What Linux's drivers/iommu/io-pgtable-arm.c and -v7s.c need of a kernel, for a program: put before them with
 * -include. Physical addresses are virtual ones. The headers it names are made empty by
 * compare.sh, but for include/linux/io-pgtable.h, which is the kernel's own.
 */
#ifndef PGTABLE_SHIM_H
#define PGTABLE_SHIM_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int64_t s64;
typedef u64 phys_addr_t, dma_addr_t;
typedef unsigned int gfp_t, slab_flags_t;

struct device;
struct list_head {
	struct list_head *next, *prev;
};
struct iommu_iotlb_gather {
	unsigned long start, end;
	size_t pgsize;
	struct list_head freelist;
	bool queued;
};
struct iommu_dirty_bitmap {
	struct iommu_iotlb_gather *gather;
};

#define IOMMU_READ 1
#define IOMMU_WRITE 2
#define IOMMU_CACHE 4
#define IOMMU_NOEXEC 8
#define IOMMU_MMIO 16
#define IOMMU_PRIV 32
#define IOMMU_DIRTY_NO_CLEAR 1

#define GFP_KERNEL 0u
#define GFP_ATOMIC 0u
#define GFP_DMA 0u
#define __GFP_ZERO 0u
#define SLAB_CACHE_DMA 0u
#define IS_ENABLED(option) 0
#define __GFP_HIGHMEM 2u
#define DMA_TO_DEVICE 1
#define SZ_4K 0x1000ul
#define SZ_16K 0x4000ul
#define SZ_64K 0x10000ul
#define SZ_1M 0x100000ul
#define SZ_16M 0x1000000ul
#define SZ_2M 0x200000ul
#define SZ_32M 0x2000000ul
#define SZ_512M 0x20000000ul
#define SZ_1G 0x40000000ul
#define SZ_4G 0x100000000ul
#define SZ_1T 0x10000000000ul
#define PAGE_SIZE 4096ul
#define PAGE_SHIFT 12
#define PAGE_MASK (~(PAGE_SIZE - 1))

#define BIT(n) (1ul << (n))
#define BIT_ULL(n) (1ull << (n))
#define GENMASK_ULL(high, low) ((~0ull >> (63 - (high))) & (~0ull << (low)))
#define GENMASK(high, low) GENMASK_ULL(high, low)
#define READ_ONCE(x) (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, value) (*(volatile __typeof__(x) *)&(x) = (value))
#define container_of(at, type, member) ((type *)((char *)(at) - offsetof(type, member)))
#define ARRAY_SIZE(x) (sizeof(x) / sizeof((x)[0]))
#define min(a, b) ((a) < (b) ? (a) : (b))
#define max(a, b) ((a) > (b) ? (a) : (b))
#define min_t(type, a, b) min((type)(a), (type)(b))
#define max_t(type, a, b) max((type)(a), (type)(b))
#define DIV_ROUND_UP(a, b) (((a) + (b) - 1) / (b))
#define ALIGN(a, to) (((a) + (to) - 1) & ~((__typeof__(a))(to) - 1))
#define IS_ALIGNED(a, to) (!((a) & ((__typeof__(a))(to) - 1)))
#define likely(x) (x)
#define unlikely(x) (x)
#define fallthrough __attribute__((fallthrough))
#define __init
#define __maybe_unused __attribute__((unused))
#define __always_unused __attribute__((unused))
#define ilog2(x) (63 - __builtin_clzll(x))
#define __ffs(x) ((unsigned int)__builtin_ctzl(x))
#define __fls(x) ((unsigned int)(63 - __builtin_clzl(x)))
#define fls64(x) ((x) ? 64 - __builtin_clzll(x) : 0)
#define hweight_long(x) __builtin_popcountl(x)

/* what the kernel would complain of ends the comparison */
static inline int pgtable_warn(int wrong, const char *what, int line)
{
	if (wrong) {
		fprintf(stderr, "Linux warns: %s, line %d\n", what, line);
		abort();
	}
	return wrong;
}
#define WARN_ON(x) pgtable_warn(!!(x), #x, __LINE__)
#define WARN_ON_ONCE(x) WARN_ON(x)
#define WARN(x, ...) WARN_ON(x)
#define WARN_ONCE(x, ...) WARN_ON(x)
#define BUG_ON(x) WARN_ON(x)
#define VM_BUG_ON(x) WARN_ON(x)
#define pr_err(...) fprintf(stderr, __VA_ARGS__)
#define pr_warn(...) fprintf(stderr, __VA_ARGS__)
#define pr_info(...) fprintf(stderr, __VA_ARGS__)
#define pr_err_ratelimited(...) fprintf(stderr, __VA_ARGS__)
#define dev_err(dev, ...) fprintf(stderr, __VA_ARGS__)
#define dev_warn(dev, ...) fprintf(stderr, __VA_ARGS__)
#define dev_WARN_ONCE(dev, x, ...) WARN_ON(x)

#define cmpxchg64_relaxed(at, old, new) __sync_val_compare_and_swap(at, old, new)
#define cmpxchg_relaxed(at, old, new) __sync_val_compare_and_swap(at, old, new)
#define dma_wmb() __sync_synchronize()
#define wmb() __sync_synchronize()
#define smp_wmb() __sync_synchronize()

static inline void set_bit(int nr, volatile unsigned long *at)
{
	__sync_fetch_and_or(at, 1ul << nr);
}

static inline int get_order(size_t bytes)
{
	int order = 0;

	while ((PAGE_SIZE << order) < bytes)
		order++;
	return order;
}

static inline void *iommu_alloc_pages_node(int node, gfp_t gfp, int order)
{
	void *pages = aligned_alloc(PAGE_SIZE << order, PAGE_SIZE << order);

	(void)node;
	(void)gfp;
	if (!pages)
		abort();
	return memset(pages, 0, PAGE_SIZE << order);
}

static inline void iommu_free_pages(void *pages, int order)
{
	(void)order;
	free(pages);
}

/* Memory below 2 GiB, for tables that have 32 bits for an address. */
static inline void *pgtable_low(size_t bytes)
{
	void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

	if (at == MAP_FAILED)
		abort();
	return at;
}

/* ... aligned to its size, as pages of an order are */
static inline unsigned long __get_free_pages(gfp_t gfp, int order)
{
	size_t bytes = PAGE_SIZE << order;
	uintptr_t at = (uintptr_t)pgtable_low(2 * bytes), first = (at + bytes - 1) & -bytes;

	(void)gfp;
	if (first != at)
		munmap((void *)at, first - at);
	munmap((void *)(first + bytes), at + bytes - first);
	return first;
}

static inline void free_pages(unsigned long at, int order)
{
	munmap((void *)at, PAGE_SIZE << order);
}

struct kmem_cache;
#define kmem_cache_create(name, bytes, align, flags, ctor) ((struct kmem_cache *)(uintptr_t)(bytes))
#define kmem_cache_destroy(cache) ((void)(cache))
#define kmem_cache_zalloc(cache, gfp) pgtable_low(PAGE_SIZE)
#define kmem_cache_free(cache, at) munmap(at, PAGE_SIZE)
#define kmemleak_ignore(at) ((void)(at))

typedef int spinlock_t;
#define spin_lock_init(lock) ((void)(lock))
#define spin_lock_irqsave(lock, flags) ((void)(lock), (flags) = 0)
#define spin_unlock_irqrestore(lock, flags) ((void)(lock), (void)(flags))

#define kmalloc(bytes, gfp) malloc(bytes)
#define kzalloc(bytes, gfp) calloc(1, bytes)
#define kfree(at) free(at)
#define virt_to_phys(at) ((phys_addr_t)(uintptr_t)(at))
#define phys_to_virt(pa) ((void *)(uintptr_t)(pa))
#define __va(pa) phys_to_virt(pa)
#define __pa(at) virt_to_phys(at)
#define dev_to_node(dev) 0
#define dma_map_single(dev, at, bytes, way) virt_to_phys(at)
#define dma_mapping_error(dev, dma) 0
#define dma_unmap_single(dev, dma, bytes, way) ((void)(dma))
#define dma_sync_single_for_device(dev, dma, bytes, way) ((void)(dma))

static inline bool iommu_iotlb_gather_queued(struct iommu_iotlb_gather *gather)
{
	return gather && gather->queued;
}
static inline void iommu_dirty_bitmap_record(struct iommu_dirty_bitmap *dirty, unsigned long iova,
					     unsigned long bytes)
{
	(void)dirty;
	(void)iova;
	(void)bytes;
}

#endif
