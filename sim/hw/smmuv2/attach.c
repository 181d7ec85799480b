// SPDX-License-Identifier: MIT
/*
 * The hostile SMMUv2 as a device of a host (host.h), and as the way to memory of masters (master.h).
 * Its interrupt lines are levels: one that is up is told at each point, until it falls.
 */
#include <stdlib.h>

#include "hw/smmuv2/priv.h"

struct attached {
	struct hwhost *h;
	struct smmu2 *s;
	uint32_t first_line;
	bool combined;
};

static void tell(const struct attached *a)
{
	uint64_t up = smmu2_lines(a->s);

	for (uint32_t i = 0; i <= SMMU2_BANKS; i++)
		if (up >> i & 1)
			hwhost_line(a->h, a->first_line + (a->combined ? 0 : i));
}

static uint64_t dev_read(void *dev, uint64_t offset, unsigned int width)
{
	return smmu2_mmio_read(((const struct attached *)dev)->s, offset, width);
}

static void dev_write(void *dev, uint64_t offset, unsigned int width, uint64_t value)
{
	smmu2_mmio_write(((const struct attached *)dev)->s, offset, width, value);
}

static void dev_point(void *dev)
{
	const struct attached *a = dev;
	struct smmu2 *s = a->s;
	unsigned int *spurious = &s->mischief[SMMU2_IRQ_SPURIOUS];

	smmu2_point(s);
	tell(a);
	if (*spurious && !--*spurious)
		smmu2_lines_(s);
}

static void dev_memory_goes(void *dev, uint64_t pa, uint64_t bytes)
{
	smmu2_memory_goes(((const struct attached *)dev)->s, pa, bytes);
}

static void dev_destroy(void *dev)
{
	smmu2_destroy(((const struct attached *)dev)->s);
	free(dev);
}

struct smmu2 *smmu2_attach(struct hwhost *h, uint64_t base, const struct smmu2_config *config,
			   uint32_t first_line, bool combined)
{
	struct attached *a = calloc(1, sizeof(*a));
	struct hwhost_device device = {
		.base = base, .bytes = smmu2_bytes(config), .read = dev_read, .write = dev_write,
		.point = dev_point, .memory_goes = dev_memory_goes, .destroy = dev_destroy, .dev = a,
	};

	if (!a)
		abort();
	*a = (struct attached){ .h = h, .s = smmu2_create(h->ram, config), .first_line = first_line,
				.combined = combined };
	if (!a->s)
		abort();
	hwhost_attach(h, &device);
	return a->s;
}

/* ---- masters ---- */

static enum hwaccess port_dma(void *arg, uint64_t iova, void *buf, size_t bytes, bool write)
{
	const struct smmu2_way *way = arg;
	struct s2_access a = { .sid = way->sid, .iova = iova, .flags = write ? SMMU2_WRITE : SMMU2_READ };

	switch (smmu2_page_(way->s, &a, buf, bytes)) {
	case SMMU2_LANDED: return HWACCESS_LANDED;
	case SMMU2_STALLED: return HWACCESS_STALLED;
	case SMMU2_NOBODY: return HWACCESS_LOST;
	default: return HWACCESS_ABORTED;
	}
}

struct hwport smmu2_port(struct smmu2 *s, uint32_t sid, struct smmu2_way *out_way)
{
	*out_way = (struct smmu2_way){ s, sid };
	return (struct hwport){ .dma = port_dma, .arg = out_way };
}
