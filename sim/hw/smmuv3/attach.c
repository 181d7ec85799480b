// SPDX-License-Identifier: MIT
/* The hostile SMMUv3 as a device of a host (host.h), which it goes with. */
#include <stdlib.h>

#include "hw/host.h"

static void smmu_message(void *arg, uint64_t pa, uint32_t data)
{
	hwhost_message(*(struct hwhost **)arg, pa, data);
}

static void smmu_line(void *arg, enum smmu3_line line)
{
	struct hwhost *h = *(struct hwhost **)arg;

	for (unsigned int i = 0; i < h->nr_smmus; i++)
		if (&h->smmus[i].host == arg)
			hwhost_line(h, h->smmus[i].first_line + (uint32_t)line);
}

static uint64_t smmu_read(void *dev, uint64_t offset, unsigned int width)
{
	return smmu3_mmio_read(dev, offset, width);
}

static void smmu_write(void *dev, uint64_t offset, unsigned int width, uint64_t value)
{
	smmu3_mmio_write(dev, offset, width, value);
}

static void smmu_point(void *dev)
{
	smmu3_point(dev);
}

static void smmu_memory_goes(void *dev, uint64_t pa, uint64_t bytes)
{
	smmu3_memory_goes(dev, pa, bytes);
}

static void smmu_destroy(void *dev)
{
	smmu3_destroy(dev);
}

struct smmu3 *hwhost_smmu(struct hwhost *h, uint64_t base, const struct smmu3_config *config,
			  uint32_t first_line)
{
	struct hwhost_device device = {
		.base = base, .bytes = SMMU3_BYTES, .read = smmu_read, .write = smmu_write,
		.point = smmu_point, .memory_goes = smmu_memory_goes, .destroy = smmu_destroy,
	};
	unsigned int i = h->nr_smmus;

	if (i == HWHOST_SMMUS)
		return NULL;
	device.dev = h->smmus[i].smmu = smmu3_create(h->ram, config);
	if (!device.dev)
		abort();
	h->smmus[i].host = h;
	h->smmus[i].first_line = first_line;
	h->nr_smmus++;
	smmu3_wire(h->smmus[i].smmu, smmu_line, smmu_message, &h->smmus[i].host);
	hwhost_attach(h, &device);
	return h->smmus[i].smmu;
}
