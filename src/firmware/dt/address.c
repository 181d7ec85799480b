// SPDX-License-Identifier: MIT
/*
 * Addresses: from a node's reg through the ranges of all buses above to what the
 * CPU sees (Devicetree Specification 0.4, 2.3.5 to 2.3.8; PCI Bus Binding to Open
 * Firmware 2.1, 2.2.1.1; ISA binding). Failures are those Linux 6.12 was observed
 * to have: they decide how devices are named.
 */
#include "firmware/dt/dt.h"

enum bus_kind { BUS_PLAIN, BUS_FLAGS, BUS_PCI, BUS_ISA };

struct bus {
	enum bus_kind kind;
	uint32_t na, ns; /* address and size cells of its children */
	bool valid;
};

static uint32_t count_at(const struct weir_dt *dt, const struct weir_dt_node *bus, const char *name)
{
	uint32_t cells;

	for (; bus; bus = weir_dt_parent_(bus))
		if (weir_dt_u32_(dt, bus, name, &cells))
			return cells;
	return 1;
}

static bool has_type(const struct weir_dt *dt, const struct weir_dt_node *node, const char *type)
{
	const struct weir_dt_prop *prop = weir_dt_prop_(dt, node, "device_type");
	uint32_t n = 0;

	while (type[n])
		n++;
	if (!prop || prop->bytes <= n)
		return false;
	for (uint32_t i = 0; i <= n; i++)
		if (prop->value[i] != (uint8_t)type[i])
			return false;
	return true;
}

static struct bus describe(const struct weir_dt *dt, const struct weir_dt_node *node)
{
	struct bus b = { .kind = BUS_PLAIN };

	if (has_type(dt, node, "pci") || has_type(dt, node, "pciex") || has_type(dt, node, "vci") ||
	    has_type(dt, node, "ht") || weir_dt_named_(node, "pcie")) {
		b = (struct bus){ .kind = BUS_PCI, .na = 3, .ns = 2 };
	} else if (weir_dt_named_(node, "isa")) {
		b = (struct bus){ .kind = BUS_ISA, .na = 2, .ns = 1 };
	} else {
		b.na = count_at(dt, node, "#address-cells");
		b.ns = count_at(dt, node, "#size-cells");
		if (b.na == 3)
			b.kind = BUS_FLAGS;
	}
	b.valid = b.na >= 1 && b.na <= 4 && b.ns > 0 && b.ns <= INT32_MAX;
	return b;
}

static uint32_t flag_cells(const struct bus *b)
{
	return b->kind == BUS_PLAIN ? 0 : 1;
}

static uint64_t number(const struct weir_dt *dt, const uint8_t *p, uint32_t from, uint32_t n)
{
	uint64_t v = 0;

	for (uint32_t i = 0; i < n; i++)
		v = v << 32 | weir_dt_cell_(dt, p, from + i);
	return v;
}

/* Which address space a PCI address is in; configuration space counts as none. */
static unsigned int pci_space(uint32_t hi)
{
	switch (hi >> 24 & 3) {
	case 1:
		return 1;
	case 2:
	case 3:
		return 2;
	default:
		return 0;
	}
}

struct address {
	uint32_t flags; /* first cell, on buses that have one */
	uint64_t value;
	uint64_t bytes; /* how many from it on go the same way */
};

static bool same_space(const struct bus *b, uint32_t a, uint32_t r)
{
	switch (b->kind) {
	case BUS_PCI:
		return pci_space(a) == pci_space(r);
	case BUS_ISA:
		return !((a ^ r) & 1);
	case BUS_FLAGS:
		return a == r;
	default:
		return true;
	}
}

static void shorten(struct address *addr, uint64_t bytes)
{
	if (addr->bytes > bytes)
		addr->bytes = bytes;
}

/* An address on a bus has no more bits than the cells it is written in. */
static void fit(const struct bus *b, struct address *addr)
{
	if (b->na - flag_cells(b) != 1)
		return;
	addr->value &= 0xffffffffu;
	shorten(addr, ((uint64_t)1 << 32) - addr->value);
}

/*
 * One level up, by @name: "ranges" for the CPU's way down, "dma-ranges" for a device's
 * way up. False when the bus above does not see the address, nor those behind it, as many as
 * @addr says then. Where dma-ranges is missing, addresses are the same on both sides.
 */
static bool step_up(const struct weir_dt *dt, const struct weir_dt_node *bus_node,
		    const struct bus *bus, const struct bus *above, const char *name,
		    struct address *addr)
{
	const struct weir_dt_prop *ranges = weir_dt_prop_(dt, bus_node, name);
	bool dma = name[0] == 'd';
	uint32_t entry = bus->na + above->na + bus->ns; /* below 2^32: ns is below 2^31 */
	uint32_t f = flag_cells(bus), af = flag_cells(above);

	if (!ranges && !dma)
		return false;
	if (!ranges || !ranges->bytes) {
		fit(above, addr);
		return true;
	}
	for (uint32_t at = 0; entry <= ranges->bytes / 4 - at; at += entry) {
		uint32_t first = weir_dt_cell_(dt, ranges->value, at);
		uint64_t start = number(dt, ranges->value, at + f, bus->na - f);
		uint64_t size = number(dt, ranges->value, at + bus->na + above->na, bus->ns);

		if (!same_space(bus, addr->flags, first) || !size)
			continue;
		if (addr->value < start) /* but what comes later may be in it */
			shorten(addr, start - addr->value);
		if (addr->value < start || addr->value - start >= size)
			continue;
		shorten(addr, size - (addr->value - start));
		addr->value = addr->value - start +
			      number(dt, ranges->value, at + bus->na + af, above->na - af);
		addr->flags = weir_dt_cell_(dt, ranges->value, at + bus->na);
		fit(above, addr);
		return true;
	}
	return false;
}

/* From a bus up to the root. */
static bool climb(const struct weir_dt *dt, const struct weir_dt_node *bus_node, struct bus bus,
		  const char *name, struct address addr, uint64_t *out_addr, uint64_t *out_bytes)
{
	for (;;) {
		const struct weir_dt_node *above_node = weir_dt_parent_(bus_node);
		struct bus above;

		*out_bytes = addr.bytes;
		if (!above_node) {
			*out_addr = addr.value;
			return true;
		}
		above = describe(dt, above_node);
		if (!above.valid || !step_up(dt, bus_node, &bus, &above, name, &addr)) {
			*out_bytes = addr.bytes;
			return false;
		}
		bus_node = above_node;
		bus = above;
	}
}

bool weir_dt_translate_(const struct weir_dt *dt, const struct weir_dt_node *node,
			uint64_t *out_addr)
{
	const struct weir_dt_prop *reg = weir_dt_prop_(dt, node, "reg");
	const struct weir_dt_node *bus_node = weir_dt_parent_(node);
	struct address addr = { .bytes = UINT64_MAX };
	struct bus bus;
	uint64_t bytes;

	if (!reg || !bus_node)
		return false;
	bus = describe(dt, bus_node);
	if (!bus.valid)
		return false;
	addr.flags = weir_dt_cell_(dt, reg->value, 0);
	addr.value = number(dt, reg->value, flag_cells(&bus), bus.na - flag_cells(&bus));
	return climb(dt, bus_node, bus, "ranges", addr, out_addr, &bytes);
}

bool weir_dt_cpu_address_(const struct weir_dt *dt, const struct weir_dt_node *bus_node,
			  uint32_t flags, uint64_t addr, uint64_t *out_addr)
{
	const struct address at = { flags, addr, UINT64_MAX };
	struct bus bus = describe(dt, bus_node);
	uint64_t bytes;

	return bus.valid && climb(dt, bus_node, bus, "ranges", at, out_addr, &bytes);
}

bool weir_dt_memory_address_(const struct weir_dt *dt, const struct weir_dt_node *bus_node,
			     uint32_t flags, uint64_t addr, uint64_t *out_addr)
{
	uint64_t bytes = UINT64_MAX;

	return weir_dt_memory_range_(dt, bus_node, flags, addr, &bytes, out_addr);
}

bool weir_dt_memory_range_(const struct weir_dt *dt, const struct weir_dt_node *bus_node,
			   uint32_t flags, uint64_t addr, uint64_t *bytes, uint64_t *out_addr)
{
	const struct address at = { flags, addr, *bytes };
	struct bus bus = describe(dt, bus_node);

	return bus.valid && climb(dt, bus_node, bus, "dma-ranges", at, out_addr, bytes);
}

bool weir_dt_bus_cells_(const struct weir_dt *dt, const struct weir_dt_node *bus_node,
			uint32_t *out_address, uint32_t *out_size)
{
	struct bus bus = describe(dt, bus_node);

	*out_address = bus.na;
	*out_size = bus.ns;
	return bus.valid;
}

/*
 * Whether an address on a bus is one of memory. On a bus of three cells that is none
 * of the known ones, Linux takes the first cell for resource flags, of which 0x200
 * is memory and 0x100 ports.
 */
static bool is_memory(const struct bus *b, uint32_t first)
{
	switch (b->kind) {
	case BUS_PCI:
		return pci_space(first) == 2;
	case BUS_ISA:
		return !(first & 1);
	case BUS_FLAGS:
		return (first & 0x300) == 0x200;
	default:
		return true;
	}
}

bool weir_dt_region_(const struct weir_dt *dt, const struct weir_dt_node *node,
		     uint64_t *out_start, uint64_t *out_end)
{
	const struct weir_dt_prop *reg = weir_dt_prop_(dt, node, "reg");
	const struct weir_dt_node *bus_node = weir_dt_parent_(node);
	uint64_t start, size;
	struct bus bus;

	if (!reg || !bus_node)
		return false;
	bus = describe(dt, bus_node);
	if (!bus.valid || reg->bytes / 4 < bus.na + bus.ns ||
	    !is_memory(&bus, weir_be32_(reg->value)))
		return false;
	if (!weir_dt_translate_(dt, node, &start))
		return false;
	size = number(dt, reg->value, bus.na, bus.ns);
	*out_start = start;
	*out_end = start + size - 1;
	return true;
}

bool weir_dt_reg_is_short_(const struct weir_dt *dt, const struct weir_dt_node *node)
{
	const struct weir_dt_prop *reg = weir_dt_prop_(dt, node, "reg");
	const struct weir_dt_node *bus_node = weir_dt_parent_(node);
	struct bus bus;

	if (!reg || !bus_node)
		return false;
	bus = describe(dt, bus_node);
	return bus.valid && reg->bytes / 4 < bus.na;
}
