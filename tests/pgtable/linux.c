// SPDX-License-Identifier: GPL-2.0-only
/* Linux's tables behind calls that compare.c makes. Compiled with the kernel's own file in it. */
#include "io-pgtable-arm.c"

#include "linux.h"
#include "linux_short.h"

static void flush_all(void *cookie)
{
	(void)cookie;
}

static void flush_walk(unsigned long iova, size_t bytes, size_t granule, void *cookie)
{
	(void)iova;
	(void)bytes;
	(void)granule;
	(void)cookie;
}

static void add_page(struct iommu_iotlb_gather *gather, unsigned long iova, size_t granule,
		     void *cookie)
{
	(void)gather;
	(void)iova;
	(void)granule;
	(void)cookie;
}

static const struct iommu_flush_ops flush_ops = {
	.tlb_flush_all = flush_all,
	.tlb_flush_walk = flush_walk,
	.tlb_add_page = add_page,
};

struct linux_table {
	struct io_pgtable *iop;
	unsigned long sizes;
	bool is_short;
};

struct linux_table *linux_create(bool stage2, unsigned int granule_lg2, unsigned int iova_bits,
				 unsigned int pa_bits)
{
	struct linux_table *lt = calloc(1, sizeof(*lt));
	const struct io_pgtable_init_fns *fns = stage2 ? &io_pgtable_arm_64_lpae_s2_init_fns
						       : &io_pgtable_arm_64_lpae_s1_init_fns;
	struct io_pgtable_cfg cfg = {
		.pgsize_bitmap = granule_lg2 == 12 ? SZ_4K | SZ_2M | SZ_1G
				 : granule_lg2 == 14 ? SZ_16K | SZ_32M : SZ_64K | SZ_512M,
		.ias = iova_bits,
		.oas = pa_bits,
		.coherent_walk = true,
		.tlb = &flush_ops,
	};

	lt->iop = fns->alloc(&cfg, NULL);
	if (!lt->iop)
		abort();
	lt->iop->fmt = stage2 ? ARM_64_LPAE_S2 : ARM_64_LPAE_S1;
	lt->iop->cfg = cfg;
	lt->sizes = cfg.pgsize_bitmap;
	return lt;
}

struct linux_table *linux_create_short(uint32_t *out_prrr, uint32_t *out_nmrr)
{
	struct linux_table *lt = calloc(1, sizeof(*lt));
	struct io_pgtable_cfg cfg = {
		.pgsize_bitmap = SZ_4K | SZ_64K | SZ_1M | SZ_16M,
		.ias = 32,
		.oas = 32,
		.coherent_walk = true,
		.tlb = &flush_ops,
	};

	lt->iop = linux_short_alloc(&cfg);
	if (!lt->iop)
		abort();
	lt->iop->fmt = ARM_V7S;
	lt->iop->cfg = cfg;
	lt->sizes = cfg.pgsize_bitmap;
	lt->is_short = true;
	*out_prrr = cfg.arm_v7s_cfg.prrr;
	*out_nmrr = cfg.arm_v7s_cfg.nmrr;
	return lt;
}

void linux_destroy(struct linux_table *lt)
{
	if (lt->is_short)
		linux_short_free(lt->iop);
	else
		arm_lpae_free_pgtable(lt->iop);
	free(lt);
}

unsigned long linux_sizes(const struct linux_table *lt)
{
	return lt->sizes;
}

const uint32_t *linux_root_short(const struct linux_table *lt)
{
	return linux_short_root(lt->iop);
}

const uint64_t *linux_root(const struct linux_table *lt, unsigned int *out_levels)
{
	struct arm_lpae_io_pgtable *data = io_pgtable_to_data(lt->iop);

	*out_levels = 4 - (unsigned int)data->start_level;
	return data->pgd;
}

/* The largest page that fits, as iommu_map() calls for it. */
static size_t page_for(const struct linux_table *lt, uint64_t iova, uint64_t pa, size_t bytes)
{
	size_t best = 0;

	for (unsigned int bit = 0; bit < 48; bit++) {
		size_t size = 1ul << bit;

		if ((lt->sizes & size) && size <= bytes && !((iova | pa) & (size - 1)))
			best = size;
	}
	return best;
}

int linux_map(struct linux_table *lt, uint64_t iova, uint64_t pa, uint64_t bytes, unsigned int prot)
{
	while (bytes) {
		size_t size = page_for(lt, iova, pa, bytes), mapped = 0;
		int err = lt->iop->ops.map_pages(&lt->iop->ops, iova, pa, size, 1, (int)prot,
						 GFP_KERNEL, &mapped);

		if (err || mapped != size)
			return err ? err : -EIO;
		iova += mapped;
		pa += mapped;
		bytes -= mapped;
	}
	return 0;
}

int linux_unmap(struct linux_table *lt, uint64_t iova, uint64_t bytes)
{
	struct iommu_iotlb_gather gather = { 0 };

	while (bytes) {
		size_t size = page_for(lt, iova, iova, bytes);
		size_t unmapped = lt->iop->ops.unmap_pages(&lt->iop->ops, iova, size, 1, &gather);

		if (!unmapped)
			return -EINVAL;
		iova += unmapped;
		bytes -= unmapped;
	}
	return 0;
}

uint64_t linux_translate(struct linux_table *lt, uint64_t iova)
{
	return lt->iop->ops.iova_to_phys(&lt->iop->ops, iova);
}
