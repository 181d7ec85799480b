// SPDX-License-Identifier: MIT
/*
 * What a device tree says of special parts of a device's I/O virtual address space:
 * the property iommu-addresses of the reserved memory that its memory-region names
 * (dt-schema, reserved-memory/reserved-memory.yaml). Where the memory itself is at the
 * same address, the device may be using it since firmware; otherwise it is a hole.
 */
#include "firmware/dt/dt.h"

static uint64_t cells(const uint8_t *p, uint32_t n)
{
	uint64_t v = 0;

	for (; n; n--, p += 4)
		v = v << 32 | weir_be32_(p);
	return v;
}

/* The entries of one iommu-addresses: a phandle, then an address and a size on that device's bus. */
struct entries {
	const struct weir_dt *dt;
	const uint8_t *at, *end;
};

/* Return: whether there was one more; @out_dev NULL: of nobody. */
static bool next_entry(struct entries *e, const struct weir_dt_node **out_dev, uint64_t *out_first,
		       uint64_t *out_bytes)
{
	const struct weir_dt_node *dev, *bus;
	uint32_t na, ns, f;

	if (e->end - e->at < 4)
		return false;
	dev = weir_dt_by_phandle_(e->dt, weir_be32_(e->at));
	bus = dev ? weir_dt_parent_(dev) : NULL;
	/* without the cell counts nothing behind it can be read */
	if (!bus || !weir_dt_bus_cells_(e->dt, bus, &na, &ns) ||
	    (size_t)(e->end - e->at) < 4 * (1 + (size_t)na + ns))
		return false;
	f = na == 3 ? 1 : 0;
	*out_first = cells(e->at + 4 * (1 + f), na - f);
	*out_bytes = cells(e->at + 4 * (1 + na), ns);
	if (!weir_dt_memory_address_(e->dt, bus, na ? weir_be32_(e->at + 4) : 0, *out_first, out_first))
		dev = NULL;
	e->at += 4 * (1 + (size_t)na + ns);
	*out_dev = dev;
	return true;
}

/* Those of one piece of reserved memory for one device. @index counts down. */
static bool find_in(const struct weir_dt *dt, const struct weir_dt_node *memory,
		    const struct weir_dt_node *dev, unsigned int *index,
		    struct weir_fwregion *out_region)
{
	const struct weir_dt_prop *prop = weir_dt_prop_(dt, memory, "iommu-addresses");
	const struct weir_dt_node *whose;
	uint64_t first, bytes, start, end;
	struct entries e;

	if (!prop)
		return false;
	e = (struct entries){ .dt = dt, .at = prop->value, .end = prop->value + prop->bytes };
	while (next_entry(&e, &whose, &first, &bytes)) {
		if (whose != dev || !bytes || first + (bytes - 1) < first || (*index)--)
			continue;
		out_region->first = first;
		out_region->last = first + (bytes - 1);
		out_region->direct = weir_dt_region_(dt, memory, &start, &end) &&
				     start == first && end == out_region->last;
		return true;
	}
	return false;
}

int weir_dt_iommu_region_(const struct weir_fwnode *fw, unsigned int index,
			  struct weir_fwregion *out_region)
{
	const struct weir_dt *dt = fw->m->dt;
	const struct weir_dt_node *dev = weir_dt_node_(fw);
	const struct weir_dt_prop *prop = weir_dt_prop_(dt, dev, "memory-region");

	for (uint32_t at = 0; prop && at + 4 <= prop->bytes; at += 4) {
		const struct weir_dt_node *memory =
			weir_dt_by_phandle_(dt, weir_be32_(prop->value + at));

		if (memory && find_in(dt, memory, dev, &index, out_region))
			return 0;
	}
	return WEIR_ENOENT;
}
