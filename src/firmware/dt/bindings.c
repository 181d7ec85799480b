// SPDX-License-Identifier: MIT
/*
 * Which properties of a device tree name suppliers: one table, tried row by row.
 *
 * The property names and their argument counts are those of the device tree
 * bindings (dt-schema and the kernel's Documentation/devicetree/bindings); which
 * of them count, in which order, and what ends a list follows what Linux 6.12 was
 * observed to do. Holes end a list only under WEIR_RULE_HOLE_ENDS_LIST.
 */
#include "firmware/dt/dt.h"

#include "core/text.h"

enum row_kind {
	ROW_CELLS,      /* phandles with arguments; a missing count is 0 */
	ROW_CELLS_HARD, /* phandles with arguments; a missing count ends the list */
	ROW_LIST,       /* plain phandles */
	ROW_GPIOS,      /* ROW_CELLS_HARD, unless the node is a gpio hog */
	ROW_IOMMU_MAP,
	ROW_ENDPOINT,
	ROW_INTERRUPTS,
	ROW_INTERRUPT_MAP,
	ROW_MMU_MASTERS,
};

struct row {
	const char *name;      /* exact, or what a name ends in when @suffix */
	const char *count;     /* the provider's property with the number of arguments */
	enum row_kind kind;
	bool suffix;
	bool optional;         /* only under WEIR_RULE_OPTIONAL_BINDINGS */
	uint32_t fwlink_flags;
};

static const struct row rows[] = {
	{ .name = "clocks", .count = "#clock-cells" },
	{ .name = "interconnects", .count = "#interconnect-cells" },
	{ .name = "iommus", .count = "#iommu-cells", .optional = true },
	{ .name = "iommu-map", .kind = ROW_IOMMU_MAP, .optional = true },
	{ .name = "mmu-masters", .count = "#stream-id-cells", .kind = ROW_MMU_MASTERS, .optional = true },
	{ .name = "mboxes", .count = "#mbox-cells" },
	{ .name = "io-channels", .count = "#io-channel-cells" },
	{ .name = "io-backends", .count = "#io-backend-cells" },
	{ .name = "dmas", .count = "#dma-cells", .optional = true },
	{ .name = "power-domains", .count = "#power-domain-cells" },
	{ .name = "hwlocks", .count = "#hwlock-cells" },
	{ .name = "extcon", .kind = ROW_LIST },
	{ .name = "nvmem-cells", .count = "#nvmem-cell-cells" },
	{ .name = "phys", .count = "#phy-cells" },
	{ .name = "wakeup-parent", .kind = ROW_LIST },
	{ .name = "pinctrl-0", .kind = ROW_LIST },
	{ .name = "pinctrl-1", .kind = ROW_LIST },
	{ .name = "pinctrl-2", .kind = ROW_LIST },
	{ .name = "pinctrl-3", .kind = ROW_LIST },
	{ .name = "pinctrl-4", .kind = ROW_LIST },
	{ .name = "pinctrl-5", .kind = ROW_LIST },
	{ .name = "pinctrl-6", .kind = ROW_LIST },
	{ .name = "pinctrl-7", .kind = ROW_LIST },
	{ .name = "pinctrl-8", .kind = ROW_LIST },
	{ .name = "remote-endpoint", .kind = ROW_ENDPOINT },
	{ .name = "pwms", .count = "#pwm-cells" },
	{ .name = "resets", .count = "#reset-cells" },
	{ .name = "leds", .kind = ROW_LIST },
	{ .name = "backlight", .kind = ROW_LIST },
	{ .name = "panel", .kind = ROW_LIST },
	{ .name = "msi-parent", .count = "#msi-cells" },
	{ .name = "pses", .count = "#pse-cells" },
	{ .name = "power-supplies", .kind = ROW_LIST },
	{ .name = "gpio", .count = "#gpio-cells", .kind = ROW_GPIOS },
	{ .name = "gpios", .count = "#gpio-cells", .kind = ROW_GPIOS },
	{ .name = "interrupts", .kind = ROW_INTERRUPTS },
	{ .name = "interrupts-extended", .kind = ROW_INTERRUPTS },
	{ .name = "interrupt-map", .kind = ROW_INTERRUPT_MAP },
	{ .name = "access-controllers", .count = "#access-controller-cells" },
	{ .name = "-supply", .kind = ROW_LIST, .suffix = true },
	{ .name = "-gpio", .count = "#gpio-cells", .kind = ROW_CELLS_HARD, .suffix = true },
	{ .name = "-gpios", .count = "#gpio-cells", .kind = ROW_CELLS_HARD, .suffix = true },
	{ .name = "post-init-providers", .kind = ROW_LIST, .fwlink_flags = WEIR_FWLINK_IGNORE },
};

#define N_ROWS (sizeof(rows) / sizeof(rows[0]))

static bool ends_in(const char *s, size_t len, const char *suffix)
{
	size_t n = weir_strlen_(suffix);

	return len > n && weir_streq_(s + len - n, suffix);
}

static bool row_takes(const struct row *row, const char *property, size_t len)
{
	if (!row->suffix)
		return row->name[0] == property[0] && weir_streq_(row->name, property);
	if (!ends_in(property, len, row->name))
		return false;
	/* a count of gpios, not gpios */
	return !(len >= 9 && weir_streq_(property + len - 9, ",nr-gpios"));
}

/*
 * No two rows take the same name, so the first that takes a property is the one
 * that can find anything in it.
 */
uint16_t weir_dt_row_of_(const char *property)
{
	size_t len = weir_strlen_(property);

	for (uint16_t i = 0; i < N_ROWS; i++)
		if (row_takes(&rows[i], property, len))
			return (uint16_t)(i + 1);
	return 0;
}

enum weir_dt_ref weir_dt_ref_of_(const char *property, const char **out_count)
{
	uint16_t row = weir_dt_row_of_(property);

	if (!row)
		return WEIR_DT_REF_NONE;
	switch (rows[row - 1].kind) {
	case ROW_LIST:
	case ROW_ENDPOINT:
		return WEIR_DT_REF_PLAIN;
	case ROW_CELLS:
	case ROW_CELLS_HARD:
	case ROW_GPIOS:
	case ROW_MMU_MASTERS:
		*out_count = rows[row - 1].count;
		return WEIR_DT_REF_ARGS;
	default:
		return WEIR_DT_REF_NONE;
	}
}

/* ---- recording ---- */

struct parse {
	struct weir_dt *dt;
	struct weir_dt_node *node;
	const struct weir_dt_prop *prop;
	const struct row *row;
	uint32_t rules;
	bool had_interrupts;
};

/*
 * A supplier that is disabled, or below something disabled, will never come. What
 * is above a device does not matter: the device is there.
 */
static bool can_come(const struct weir_fwnode *sup)
{
	for (; sup && !sup->owner; sup = sup->parent)
		if (sup->flags & WEIR_FWNODE_DISABLED)
			return false;
	return true;
}

static int record(const struct parse *p, struct weir_dt_node *con, struct weir_dt_node *sup)
{
	if (!can_come(&sup->fw))
		return 0;
	return weir_fwlink_add_(&con->fw, &sup->fw, p->row->fwlink_flags, p->prop->name);
}

/* ---- the kinds of rows ---- */

static int parse_list(const struct parse *p)
{
	struct weir_dt_cells cells = {
		.dt = p->dt,
		.at = p->prop->value,
		.end = p->prop->value + (p->prop->bytes & ~3u),
		.count_name = p->row->kind == ROW_LIST ? NULL : p->row->count,
		.count_required = p->row->kind != ROW_CELLS,
	};

	for (;;) {
		struct weir_dt_node *sup;
		const uint8_t *args;
		uint32_t nr_args;
		int err = 0;

		switch (weir_dt_cells_next_(&cells, &sup, &args, &nr_args)) {
		case WEIR_DT_NODE:
			err = record(p, p->node, sup);
			break;
		case WEIR_DT_HOLE:
			if (p->rules & WEIR_RULE_HOLE_ENDS_LIST)
				return 0;
			break;
		case WEIR_DT_END:
			return 0;
		}
		if (err)
			return err;
	}
}

static bool is_below(const struct weir_dt_node *node, const struct weir_dt_node *top)
{
	while (node && node != top)
		node = weir_dt_parent_(node);
	return node;
}

/*
 * Entries of four cells: rid base, phandle, iommu base, length. A host bridge does not
 * need an IOMMU that is found through it, although Linux has it so.
 */
static int parse_iommu_map(const struct parse *p)
{
	for (uint32_t at = 4; at + 4 <= p->prop->bytes; at += 16) {
		struct weir_dt_node *sup =
			weir_dt_by_phandle_(p->dt, weir_be32_(p->prop->value + at));
		int err;

		if (!sup && (p->rules & WEIR_RULE_HOLE_ENDS_LIST))
			return 0;
		if (!sup || (!(p->rules & WEIR_RULE_HOLE_ENDS_LIST) && is_below(sup, p->node)))
			continue;
		err = record(p, p->node, sup);
		if (err)
			return err;
	}
	return 0;
}

/* The device of an endpoint: above its port, or above the node that holds the ports. */
static struct weir_dt_node *endpoint_device(struct weir_dt_node *endpoint)
{
	struct weir_dt_node *port = weir_dt_parent_(endpoint);
	struct weir_dt_node *above = port ? weir_dt_parent_(port) : NULL;

	if (above && (weir_dt_named_(above, "ports") || weir_dt_named_(above, "in-ports") ||
		      weir_dt_named_(above, "out-ports")))
		return weir_dt_parent_(above);
	return above;
}

static int parse_endpoint(const struct parse *p)
{
	struct weir_dt_node *remote, *con, *sup;
	char path[120];

	if (p->prop->bytes < 4)
		return 0;
	remote = weir_dt_by_phandle_(p->dt, weir_be32_(p->prop->value));
	sup = remote ? endpoint_device(remote) : NULL;
	if (!sup)
		return 0;
	con = endpoint_device(p->node);
	if (!con) {
		weir_logf_(p->dt->m, WEIR_LOG_WARN,
			   "broken tree: %s: remote-endpoint in a node that is below no device",
			   weir_dt_path_(p->node, path, sizeof(path)));
		return 0;
	}
	return record(p, con, sup);
}

/*
 * Both properties have the same answer: the second time there would be nothing new.
 * Far more than any hardware has; each may go through long maps.
 */
#define MAX_INTERRUPTS 4096

static int parse_interrupts(struct parse *p)
{
	struct weir_dt_irq irq;
	struct weir_dt_node *sup;
	char path[120];

	if (p->had_interrupts)
		return 0;
	p->had_interrupts = true;
	weir_dt_irq_init_(&irq, p->dt, p->node);
	for (unsigned int n = 0; (sup = weir_dt_irq_next_(&irq)); n++) {
		int err;

		if (n == MAX_INTERRUPTS) {
			weir_logf_(p->dt->m, WEIR_LOG_WARN,
				   "broken tree: %s: only the first %u interrupts are looked at",
				   weir_dt_path_(p->node, path, sizeof(path)), MAX_INTERRUPTS);
			return 0;
		}
		err = record(p, p->node, sup);
		if (err)
			return err;
	}
	return 0;
}

static int parse_interrupt_map(const struct parse *p)
{
	struct weir_dt_node *sup;
	uint32_t at = 0;

	while ((sup = weir_dt_irq_map_next_(p->dt, p->node, &at))) {
		int err = record(p, p->node, sup);

		if (err)
			return err;
	}
	return 0;
}

/* The SMMU says who needs it; Linux's driver core does not know the property. */
static int parse_mmu_masters(const struct parse *p)
{
	struct weir_dt_node *con;
	const uint8_t *at = NULL;

	if (p->rules & WEIR_RULE_HOLE_ENDS_LIST)
		return 0;
	while ((con = weir_dt_masters_next_(p->dt, p->node, &at))) {
		int err = is_below(p->node, con) ? 0 : record(p, con, p->node);

		if (err)
			return err;
	}
	return 0;
}

static int parse_row(struct parse *p)
{
	switch (p->row->kind) {
	case ROW_CELLS:
	case ROW_CELLS_HARD:
	case ROW_LIST:
		return parse_list(p);
	case ROW_GPIOS:
		return weir_dt_prop_(p->dt, p->node, "gpio-hog") ? 0 : parse_list(p);
	case ROW_IOMMU_MAP:
		return parse_iommu_map(p);
	case ROW_ENDPOINT:
		return parse_endpoint(p);
	case ROW_INTERRUPTS:
		return parse_interrupts(p);
	case ROW_INTERRUPT_MAP:
		return parse_interrupt_map(p);
	case ROW_MMU_MASTERS:
		return parse_mmu_masters(p);
	}
	return 0;
}

/* Of two properties of one name the first counts, as when it is asked for by name. */
static bool is_repeated(const struct weir_dt_prop *first, const struct weir_dt_prop *prop)
{
	for (; first < prop; first++)
		if (first->row == prop->row && weir_streq_(first->name, prop->name))
			return true;
	return false;
}

int weir_dt_parse_(struct weir_fwnode *fw)
{
	struct weir_machine *m = fw->m;
	struct parse p = {
		.dt = m->dt,
		.node = weir_dt_node_(fw),
		.rules = m->policy->firmware_rules ? m->policy->firmware_rules(m) : 0,
	};

	weir_dt_say_findings_(p.dt, p.node);
	for (uint32_t i = 0; i < p.node->nr_props; i++) {
		int err;

		p.prop = &p.dt->props[p.node->first_prop + i];
		if (!p.prop->row || is_repeated(p.prop - i, p.prop))
			continue;
		p.row = &rows[p.prop->row - 1];
		if (p.row->optional && !(p.rules & WEIR_RULE_OPTIONAL_BINDINGS))
			continue;
		err = parse_row(&p);
		if (err)
			return err;
	}
	return 0;
}
