// SPDX-License-Identifier: MIT
/*
 * What the device says: properties of endpoints, and faults. Nothing of it is believed
 * beyond the bytes that it is in.
 */
#include "drivers/virtio-iommu/priv.h"

#include "drivers/virtio-iommu/regs.h"

static void fetch(uint8_t *to, const volatile uint8_t *from, uint32_t bytes)
{
	for (uint32_t i = 0; i < bytes; i++)
		to[i] = from[i];
}

/* Return: false when it makes no sense. */
static bool decode_region(const uint8_t *property, struct weir_region *out_region)
{
	*out_region = (struct weir_region){
		/* What is not known is reserved, 5.13.6.6.1. */
		.kind = property[RESV_SUBTYPE] == RESV_MSI ? WEIR_REGION_MSI : WEIR_REGION_RESERVED,
		.first = get64_(property + RESV_START),
		.last = get64_(property + RESV_END),
	};
	return out_region->first <= out_region->last;
}

int weir_viommu_regions_(const volatile uint8_t *data, uint32_t bytes,
			 struct weir_region *out_regions, uint32_t max)
{
	uint8_t property[RESV_BYTES];
	uint32_t at = 0;
	int n = 0;

	while (bytes - at >= PROP_HEAD_BYTES) {
		uint32_t head, length;
		struct weir_region region;

		fetch(property, data + at, PROP_HEAD_BYTES);
		head = property[0] | (uint32_t)property[1] << 8;
		length = property[2] | (uint32_t)property[3] << 8;
		if ((head & PROP_TYPE) == PROP_NONE)
			return n;
		if (length > bytes - at - PROP_HEAD_BYTES)
			return WEIR_EIO;
		/* With reserved bits set it must be ignored, 5.13.6.5.1. */
		if (head == PROP_RESV_MEM) {
			if (length < RESV_BYTES - PROP_HEAD_BYTES)
				return WEIR_EIO;
			fetch(property + PROP_HEAD_BYTES, data + at + PROP_HEAD_BYTES,
			      RESV_BYTES - PROP_HEAD_BYTES);
			if (!decode_region(property, &region))
				return WEIR_EIO;
			if (out_regions && (uint32_t)n >= max)
				return WEIR_EIO; /* there were fewer a moment ago */
			if (out_regions)
				out_regions[n] = region;
			n++;
		}
		at += PROP_HEAD_BYTES + length;
	}
	return n;
}

bool weir_viommu_event_(const uint8_t *data, uint32_t bytes, struct weir_fault *out_fault)
{
	uint32_t flags;

	/* A report with reserved bytes set must be ignored, 5.13.6.7.1. */
	if (bytes < EVENT_BYTES || data[EVENT_RESERVED] || data[EVENT_RESERVED + 1] ||
	    data[EVENT_RESERVED + 2])
		return false;
	flags = get32_(data + EVENT_FLAGS);
	*out_fault = (struct weir_fault){
		.reason = data[EVENT_REASON] == REASON_DOMAIN ? WEIR_FAULT_BLOCKED :
			  data[EVENT_REASON] == REASON_MAPPING ? WEIR_FAULT_UNMAPPED :
								 WEIR_FAULT_UNKNOWN,
		.flags = (flags & EVENT_READ ? WEIR_FAULT_READ : 0) |
			 (flags & EVENT_WRITE ? WEIR_FAULT_WRITE : 0) |
			 (flags & EVENT_ADDRESS_VALID ? 0 : WEIR_FAULT_NO_IOVA),
		.stream = get32_(data + EVENT_ENDPOINT),
		.iova = flags & EVENT_ADDRESS_VALID ? get64_(data + EVENT_ADDRESS) : 0,
		.record = data[EVENT_REASON],
	};
	return true;
}
