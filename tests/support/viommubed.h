// SPDX-License-Identifier: MIT
/* A virtio-iommu in memory with two endpoints, and the hardware layer of its driver, for tests of it. */
#ifndef WEIR_TESTS_VIOMMUBED_H
#define WEIR_TESTS_VIOMMUBED_H

#include <string.h>

#include "viommumodel.h"
#include "weir/virtio_iommu.h"

#define RW (WEIR_MAP_READ | WEIR_MAP_WRITE)
#define MAX_FAULTS 200u

struct bed {
	struct viommu iommu;
	struct weir_virtio *v;
	struct weir_viommu *vi;
	struct weir_fault faults[MAX_FAULTS];
	unsigned int nr_faults;
	unsigned int again;   /* so many more as soon as one is told */
};

static inline void on_fault(void *arg, const struct weir_fault *fault)
{
	struct bed *bed = arg;

	if (bed->nr_faults < MAX_FAULTS)
		bed->faults[bed->nr_faults] = *fault;
	bed->nr_faults++;
	if (bed->again) {
		uint64_t to;

		bed->again--;
		(void)viommu_access(&bed->iommu, 0x30, 0x1000, true, &to);
	}
}

static inline int try_create(struct bed *bed)
{
	const struct weir_viommu_options options = {
		.timeout_ns = 1000000, .fault = on_fault, .arg = bed,
	};
	int err = vmodel_virtio(&bed->iommu.v, &bed->v);

	return err ? err : weir_viommu_create(bed->v, &options, &bed->vi);
}

static inline void bed_init(struct bed *bed, bool pci)
{
	memset(bed, 0, sizeof(*bed));
	viommu_init(&bed->iommu, pci);
	viommu_endpoint(&bed->iommu, 0x28);
	viommu_endpoint(&bed->iommu, 0x30);
}

static inline void bed_open(struct bed *bed, bool pci)
{
	bed_init(bed, pci);
	vmodel_open(&bed->iommu.v);
	assert_int_equal(try_create(bed), 0);
}

static inline void bed_close(struct bed *bed)
{
	bed->vi = weir_viommu_destroy(bed->vi);
	bed->v = weir_virtio_close(bed->v);
	vmodel_close(&bed->iommu.v);
	assert_int_equal(viommu_nr_mappings(&bed->iommu), 0);
	assert_int_equal(bed->iommu.bypass_on_reset, 0);
}

static inline bool passes(struct bed *bed, uint32_t endpoint, uint64_t iova, uint64_t pa)
{
	uint64_t to;

	if (!viommu_access(&bed->iommu, endpoint, iova, true, &to))
		return false;
	assert_true(to == pa);
	return true;
}

static inline struct weir_viommu_domain *new_domain(struct bed *bed)
{
	struct weir_viommu_domain *domain;

	assert_int_equal(weir_viommu_domain_create(bed->vi, &domain), 0);
	return domain;
}

static inline void map(struct weir_viommu_domain *domain, uint64_t iova, uint64_t pa)
{
	assert_int_equal(weir_viommu_map(domain, iova, pa, 4096, RW), 0);
	assert_int_equal(weir_viommu_sync_map(domain), 0);
}

static inline bool logged(const struct bed *bed, const char *words)
{
	return strstr(bed->iommu.v.log, words);
}

#endif
