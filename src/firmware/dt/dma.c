// SPDX-License-Identifier: MIT
/*
 * What a device tree says of a device's way to memory: where its bus shows it, and
 * whether it sees the CPU's caches (Devicetree Specification 0.4, 2.3.9 dma-ranges,
 * 2.3.10 dma-coherent, 2.3.11 dma-noncoherent).
 */
#include "firmware/dt/dt.h"

static const struct weir_dt *tree_of(const struct weir_fwnode *fw)
{
	return fw->m->dt;
}

static uint64_t cells(const uint8_t *p, uint32_t n)
{
	uint64_t v = 0;

	for (; n; n--, p += 4)
		v = v << 32 | weir_be32_(p);
	return v;
}

/* Of an entry of dma-ranges, as the buses above pass it on: more are none. */
#define MAX_PIECES 64u

/*
 * One entry: child address, parent address, size. The buses above may pass on pieces of it, to
 * different places. @index: which of them; less those of this entry when it has not so many.
 */
static bool read_entry(const struct weir_dt *dt, const struct weir_dt_node *bus,
		       const uint8_t *entry, uint32_t na, uint32_t ns, unsigned int *index,
		       bool *any, struct weir_fwdma *out_range)
{
	const struct weir_dt_node *above = weir_dt_parent_(bus);
	uint32_t above_na, above_ns, f = na == 3 ? 1 : 0, af;
	uint64_t iova, pa, bytes, at, n;

	if (!weir_dt_bus_cells_(dt, above, &above_na, &above_ns))
		return false;
	af = above_na == 3 ? 1 : 0;
	iova = cells(entry + 4 * f, na - f);
	pa = cells(entry + 4 * (na + af), above_na - af);
	bytes = cells(entry + 4 * (na + above_na), ns);
	at = 0;
	for (unsigned int i = 0; i < MAX_PIECES && at < bytes; i++, at += n) {
		uint64_t there;

		n = bytes - at;
		if (!weir_dt_memory_range_(dt, above, weir_be32_(entry + 4 * na), pa + at, &n, &there))
			continue;
		*any = true;
		if ((*index)--)
			continue;
		*out_range = (struct weir_fwdma){ .iova = iova + at, .pa = there, .bytes = n };
		return true;
	}
	return false;
}

/* The nearest bus from @fw up that has the property. */
static const struct weir_dt_prop *find_ranges(const struct weir_fwnode *fw,
					      const struct weir_dt_node **out_bus)
{
	for (; fw; fw = fw->parent) {
		const struct weir_dt_prop *prop =
			weir_dt_prop_(tree_of(fw), weir_dt_node_(fw), "dma-ranges");

		/* an empty one: the same on both sides */
		if (!prop || !prop->bytes)
			continue;
		*out_bus = weir_dt_node_(fw);
		return prop;
	}
	return NULL;
}

int weir_dt_dma_range_(const struct weir_fwnode *fw, bool below, unsigned int index,
		       struct weir_fwdma *out_range)
{
	const struct weir_dt *dt = tree_of(fw);
	uint32_t na, ns, above_na, above_ns;
	const struct weir_dt_prop *prop;
	const struct weir_dt_node *bus;
	bool any = false;
	size_t entry;

	prop = find_ranges(below ? fw : fw->parent, &bus);
	if (!prop || !weir_dt_parent_(bus))
		return WEIR_ENOENT;
	if (!weir_dt_bus_cells_(dt, bus, &na, &ns) ||
	    !weir_dt_bus_cells_(dt, weir_dt_parent_(bus), &above_na, &above_ns) || ns > 4)
		return WEIR_EINVAL;
	entry = 4 * ((size_t)na + above_na + ns);
	for (size_t at = 0; at + entry <= prop->bytes; at += entry) {
		struct weir_fwdma range;

		if (!read_entry(dt, bus, prop->value + at, na, ns, &index, &any, &range))
			continue;
		*out_range = range;
		return 0;
	}
	return any ? WEIR_ENOENT : WEIR_EINVAL;
}

int weir_dt_dma_coherent_(const struct weir_fwnode *fw)
{
	for (; fw; fw = fw->parent) {
		const struct weir_dt_node *node = weir_dt_node_(fw);

		if (weir_dt_prop_(tree_of(fw), node, "dma-coherent"))
			return 1;
		if (weir_dt_prop_(tree_of(fw), node, "dma-noncoherent"))
			return 0;
	}
	return WEIR_ENOENT;
}
