// SPDX-License-Identifier: MIT
/*
 * Interrupt parents: from a node's interrupts to the controller that gets them,
 * through nexus nodes with interrupt-map (Devicetree Specification 0.4, 2.4).
 * Where the specification leaves room, it goes the way Linux 6.12 was observed
 * to go. A walk that does not end (a node that is its own interrupt parent) is
 * cut off and reported.
 */
#include "firmware/dt/dt.h"

#include "core/text.h"

#define MAX_HOPS 64

/* Controllers whose interrupt-map is not for translation; known by name only. */
static const char *const own_map[] = {
	"CBEA,platform-spider-pic", "sti,platform-spider-pic", "realtek,rtl-intc",
	"fsl,ls1021a-extirq", "fsl,ls1043a-extirq", "fsl,ls1088a-extirq",
	"renesas,rza1-irqc", "pasemi,rootbus",
};

static bool keeps_own_map(const struct weir_dt_node *node)
{
	for (unsigned int i = 0; i < sizeof(own_map) / sizeof(own_map[0]); i++)
		if (weir_dt_is_compatible_(node, own_map[i]))
			return true;
	return false;
}

static void report_loop(const struct weir_dt *dt, const struct weir_dt_node *node)
{
	char path[120];

	weir_logf_(dt->m, WEIR_LOG_WARN, "broken tree: %s: interrupt-parent goes round in a circle",
		   weir_dt_path_(node, path, sizeof(path)));
}

struct weir_dt_node *weir_dt_irq_parent_(const struct weir_dt *dt, struct weir_dt_node *node)
{
	struct weir_dt_node *from = node;

	for (unsigned int hops = 0; hops < MAX_HOPS; hops++) {
		uint32_t phandle;

		if (weir_dt_u32_(dt, node, "interrupt-parent", &phandle))
			node = weir_dt_by_phandle_(dt, phandle);
		else
			node = weir_dt_parent_(node);
		if (!node || weir_dt_prop_(dt, node, "#interrupt-cells"))
			return node;
	}
	report_loop(dt, from);
	return NULL;
}

/* An interrupt on its way up: where it is, and its key there. */
struct specifier {
	const struct weir_dt *dt;
	struct weir_dt_node *at;
	uint32_t address_cells, interrupt_cells;
	uint32_t key[WEIR_DT_MAX_IRQ_CELLS]; /* unit address, then interrupt specifier */
};

/* The first node at or above that says how interrupts are written. */
static struct weir_dt_node *with_cells(const struct weir_dt *dt, struct weir_dt_node *node,
				       uint32_t *out_cells)
{
	for (unsigned int hops = 0; node && hops < MAX_HOPS; hops++) {
		if (weir_dt_u32_(dt, node, "#interrupt-cells", out_cells))
			return node;
		node = weir_dt_irq_parent_(dt, node);
	}
	return NULL;
}

static uint32_t address_cells_at(const struct weir_dt *dt, const struct weir_dt_node *node,
				 uint32_t none)
{
	for (; node; node = weir_dt_parent_(node)) {
		const struct weir_dt_prop *prop = weir_dt_prop_(dt, node, "#address-cells");

		if (prop)
			return prop->bytes >= 4 ? weir_be32_(prop->value) : 0;
	}
	return none;
}

/* The key at the first node: the consumer's unit address and the specifier. */
static bool first_key(struct specifier *s, const struct weir_dt_node *consumer,
		      const uint8_t *args, uint32_t nr_args)
{
	const struct weir_dt_prop *reg = weir_dt_prop_(s->dt, consumer, "reg");

	s->at = with_cells(s->dt, s->at, &s->interrupt_cells);
	if (!s->at || s->interrupt_cells != nr_args)
		return false;
	s->address_cells = address_cells_at(s->dt, s->at, 2);
	if (s->address_cells > WEIR_DT_MAX_IRQ_CELLS || s->interrupt_cells > WEIR_DT_MAX_IRQ_CELLS - s->address_cells)
		return false;
	for (uint32_t i = 0; i < s->address_cells; i++)
		s->key[i] = i < 3 && reg && reg->bytes >= 4 * (i + 1)
				    ? weir_be32_(reg->value + 4 * (size_t)i)
				    : 0;
	for (uint32_t i = 0; i < nr_args; i++)
		s->key[s->address_cells + i] = weir_be32_(args + 4 * (size_t)i);
	return true;
}

static bool key_matches(const struct specifier *s, const uint8_t *entry,
			const struct weir_dt_prop *mask)
{
	for (uint32_t i = 0; i < s->address_cells + s->interrupt_cells; i++) {
		uint32_t m = ~0u;

		if (mask)
			m = weir_dt_cell_(s->dt, mask->value, i);
		if ((s->key[i] ^ weir_be32_(entry + 4 * (size_t)i)) & m)
			return false;
	}
	return true;
}

enum map_result { MAP_TO, MAP_NOTHING, MAP_DAMAGED };

/* Translates the key through the map of s->at. */
static enum map_result translate(struct specifier *s, const struct weir_dt_prop *map,
				 struct weir_dt_node **out_parent)
{
	const struct weir_dt_prop *mask = weir_dt_prop_(s->dt, s->at, "interrupt-map-mask");
	const uint8_t *at = map->value;
	uint32_t left = map->bytes / 4;
	uint32_t child = s->address_cells + s->interrupt_cells;

	while (left > child + 1) {
		bool match = key_matches(s, at, mask);
		struct weir_dt_node *parent =
			weir_dt_by_phandle_(s->dt, weir_be32_(at + 4 * (size_t)child));
		uint32_t cells, address = 0;

		at += 4 * (size_t)(child + 1);
		left -= child + 1;
		if (!parent || !weir_dt_u32_(s->dt, parent, "#interrupt-cells", &cells))
			return MAP_DAMAGED;
		weir_dt_u32_(s->dt, parent, "#address-cells", &address);
		if (cells > WEIR_DT_MAX_IRQ_CELLS || address > WEIR_DT_MAX_IRQ_CELLS - cells || left < cells + address)
			return MAP_DAMAGED;
		if (match && !(parent->fw.flags & WEIR_FWNODE_DISABLED)) {
			s->address_cells = address;
			s->interrupt_cells = cells;
			for (uint32_t i = 0; i < cells + address; i++)
				s->key[i] = weir_be32_(at + 4 * (size_t)i);
			*out_parent = parent;
			return MAP_TO;
		}
		at += 4 * (size_t)(cells + address);
		left -= cells + address;
	}
	return MAP_NOTHING;
}

/* Follows an interrupt from the parent that was named first to its controller. */
static struct weir_dt_node *controller(const struct weir_dt *dt, struct weir_dt_node *consumer,
				       struct weir_dt_node *parent, const uint8_t *args,
				       uint32_t nr_args)
{
	struct specifier s = { .dt = dt, .at = parent };
	struct weir_dt_node *named = parent;

	if (!first_key(&s, consumer, args, nr_args))
		return NULL;
	for (unsigned int hops = 0; s.at && hops < MAX_HOPS; hops++) {
		const struct weir_dt_prop *map = weir_dt_prop_(dt, s.at, "interrupt-map");
		bool is_controller = weir_dt_prop_(dt, s.at, "interrupt-controller") != NULL;
		struct weir_dt_node *next;

		if (is_controller && (!map || keeps_own_map(s.at)))
			return named;
		if (!map) {
			s.at = weir_dt_irq_parent_(dt, s.at);
			continue;
		}
		switch (translate(&s, map, &next)) {
		case MAP_DAMAGED:
		case MAP_NOTHING:
			return NULL;
		case MAP_TO:
			named = next;
			if (next == s.at)
				return named;
			s.at = next;
			break;
		}
	}
	if (s.at)
		report_loop(dt, consumer);
	return NULL;
}

/* ---- interrupts and interrupts-extended ---- */

void weir_dt_irq_init_(struct weir_dt_irq *irq, const struct weir_dt *dt,
		       struct weir_dt_node *node)
{
	const struct weir_dt_prop *prop = weir_dt_prop_(dt, node, "interrupts-extended");

	*irq = (struct weir_dt_irq){
		.dt = dt,
		.node = node,
		.extended = {
			.dt = dt,
			.at = prop ? prop->value : NULL,
			.end = prop ? prop->value + (prop->bytes & ~3u) : NULL,
			.count_name = "#interrupt-cells",
			.count_required = true,
			.dead = !prop,
		},
	};
}

static struct weir_dt_node *from_interrupts(const struct weir_dt_irq *irq, uint32_t index)
{
	const struct weir_dt_prop *prop = weir_dt_prop_(irq->dt, irq->node, "interrupts");
	struct weir_dt_node *parent = weir_dt_irq_parent_(irq->dt, irq->node);
	uint32_t cells;

	if (!parent || !weir_dt_u32_(irq->dt, parent, "#interrupt-cells", &cells))
		return NULL;
	if (cells > WEIR_DT_MAX_IRQ_CELLS)
		return NULL;
	if (cells && (!prop || prop->bytes / 4 / cells <= index))
		return NULL;
	if (!cells) /* nothing to read: every index would be there */
		return index ? NULL : controller(irq->dt, irq->node, parent, NULL, 0);
	return controller(irq->dt, irq->node, parent,
			  prop->value + (size_t)index * cells * 4, cells);
}

struct weir_dt_node *weir_dt_irq_next_(struct weir_dt_irq *irq)
{
	struct weir_dt_node *parent;
	const uint8_t *args;
	uint32_t nr_args;

	if (weir_dt_cells_next_(&irq->extended, &parent, &args, &nr_args) == WEIR_DT_NODE) {
		irq->index++;
		return controller(irq->dt, irq->node, parent, args, nr_args);
	}
	return from_interrupts(irq, irq->index++);
}

/* ---- interrupt-map as a list of suppliers ---- */

struct weir_dt_node *weir_dt_irq_map_next_(const struct weir_dt *dt, struct weir_dt_node *node,
					   uint32_t *at)
{
	const struct weir_dt_prop *map = weir_dt_prop_(dt, node, "interrupt-map");
	uint32_t cells, address, left, parent_cells, parent_address = 0;
	struct weir_dt_node *parent;
	const uint8_t *entry;

	if (!map || !weir_dt_u32_(dt, node, "#interrupt-cells", &cells))
		return NULL;
	address = address_cells_at(dt, node, 1);
	left = map->bytes / 4 - *at;
	if (cells > left || address > left - cells || left <= cells + address + 1)
		return NULL;
	entry = map->value + 4 * (size_t)(*at + address + cells);
	parent = weir_dt_by_phandle_(dt, weir_be32_(entry));
	if (!parent || !weir_dt_u32_(dt, parent, "#interrupt-cells", &parent_cells))
		return NULL;
	weir_dt_u32_(dt, parent, "#address-cells", &parent_address);
	left -= address + cells + 1;
	if (parent_cells > left || parent_address > left - parent_cells ||
	    parent_cells + parent_address > WEIR_DT_MAX_IRQ_CELLS)
		return NULL;
	*at += address + cells + 1 + parent_address + parent_cells;
	return parent;
}
