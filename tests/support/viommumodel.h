// SPDX-License-Identifier: MIT
/*
 * A virtio-iommu on the virtio model, written from Virtio 1.2, 5.13: domains, endpoints,
 * mappings, and what the driver says at the wrong time is an error of the test. Its
 * numbers are its own.
 */
#ifndef WEIR_TESTS_VIOMMUMODEL_H
#define WEIR_TESTS_VIOMMUMODEL_H

#include "virtiomodel.h"

#define VIOMMU_MAPPINGS 4096u
#define VIOMMU_ENDPOINTS 64u

/* Features, and all that the model has. */
#define VIOMMU_BYPASS_CONFIG 0x40u
#define VIOMMU_PROBE         0x10u
#define VIOMMU_ALL           0x77u

enum viommu_request {
	VIOMMU_ATTACH = 1, VIOMMU_DETACH, VIOMMU_MAP, VIOMMU_UNMAP, VIOMMU_PROBE_REQUEST,
};

struct viommu {
	struct vmodel v;             /* the first member */
	struct { uint32_t domain; uint64_t first, last, pa; uint32_t flags; bool used; }
		mappings[VIOMMU_MAPPINGS];
	struct { uint32_t id, domain; bool there, attached, bypass; } endpoints[VIOMMU_ENDPOINTS];
	unsigned int requests[6];    /* by type */
	/* The @fail_nth-th request of a type gets a status; 0: none. */
	unsigned int fail_type, fail_nth;
	uint8_t fail_status;         /* 0xff: returned unread; 0xfe: not returned */
	bool no_replace;             /* ATTACH of what is attached elsewhere is refused (UNSUPP) */
	bool forgets_nothing;        /* a reset leaves endpoints and mappings as they are (QEMU 10.0) */
	uint8_t properties[256];
	uint32_t nr_properties;      /* bytes; the rest are 0 */
	unsigned int bypass_on_reset; /* resets while bypass was on and the driver had been there */
};

void viommu_init(struct viommu *iommu, bool pci);
void viommu_endpoint(struct viommu *iommu, uint32_t id);
/* Whether an access passes, and where to. A refused one is reported as a fault. */
bool viommu_access(struct viommu *iommu, uint32_t endpoint, uint64_t address, bool write,
		   uint64_t *out_pa);
/* Whether a write would pass, were it made. */
bool viommu_would_pass(const struct viommu *iommu, uint32_t endpoint, uint64_t address);
bool viommu_attached(const struct viommu *iommu, uint32_t endpoint);
/* As another driver left it that died: @endpoint in @domain, where a page at @address reaches @pa. */
void viommu_leave(struct viommu *iommu, uint32_t endpoint, uint32_t domain, uint64_t address,
		  uint64_t pa);
/* A RESV_MEM property more, for all endpoints. */
void viommu_property(struct viommu *iommu, uint8_t subtype, uint64_t first, uint64_t last);
unsigned int viommu_nr_mappings(const struct viommu *iommu);

#endif
