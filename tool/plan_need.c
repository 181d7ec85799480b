// SPDX-License-Identifier: MIT
/*
 * What a goal needs: from node to node along what firmware names, nearest first, so
 * that the reason that is told is the shortest. Links that the kernel lets go because
 * they are on a cycle, or does not make (dmas), are followed as well: the driver asks
 * for what they name, and waits by itself.
 */
#include <stdlib.h>
#include <string.h>

#include "core/core.h"
#include "plan.h"
#include "rootname.h"

/* ---- who is who in the two machines ---- */

static struct weir_fwnode *twin(struct weir_machine *m, const struct weir_fwnode *node)
{
	struct weir_fwnode *other;
	char path[1024];

	path_words(node, path, sizeof(path));
	return weir_fwnode_find(m, path, &other) ? NULL : other;
}

static struct weir_device *device_of(struct plan *p, const struct weir_fwnode *node)
{
	const struct weir_fwnode *other = twin(p->r.m, node);

	return other ? weir_fwnode_device(other) : NULL;
}

bool plan_has(const struct weir_fwnode *node, const char *property)
{
	const void *value;

	return !weir_fwnode_property(node, property, &value, NULL);
}

/* The node that is or could be a device, from one of its own upwards. NULL: the root. */
static struct weir_fwnode *owner_of(struct plan *p, struct weir_fwnode *node)
{
	while (node && weir_fwnode_parent(node)) {
		if (weir_fwnode_compatible(node, 0) || device_of(p, node))
			return node;
		node = weir_fwnode_parent(node);
	}
	return NULL;
}

static bool takes(const struct weir_driver_spec *spec, const char *compatible)
{
	for (size_t i = 0; i < spec->compat_count; i++)
		if (!strcmp(spec->compats[i].name, compatible))
			return true;
	return false;
}

/*
 * How well a module's name goes with the bus that a node is on: cores with several
 * front ends export the same compatible strings for each of them (pm77_i2c, pm77_spi).
 */
static int fitness(const struct weir_driver_spec *spec, const struct weir_fwnode *node)
{
	static const char *const buses[] = { "i2c", "spi", "rsb", "spmi", "slimbus", "sdio", "mdio" };
	const struct weir_fwnode *bus = weir_fwnode_parent(node);
	size_t n = strlen(spec->name), len;

	for (size_t i = 0; i < sizeof(buses) / sizeof(buses[0]); i++) {
		len = strlen(buses[i]);
		if (n <= len + 1 || strcmp(spec->name + n - len, buses[i]) ||
		    !strchr("_-", spec->name[n - len - 1]))
			continue;
		return bus && node_is_named(bus, buses[i]) ? 1 : -1;
	}
	return 0;
}

/* Of modules that take the same string, the one that is for this bus. */
static const struct weir_driver_spec *best_of(struct plan *p, const struct weir_fwnode *node,
					      const struct weir_driver_spec *first)
{
	const struct weir_driver_spec *best = first;
	const char *s = NULL;

	for (unsigned int i = 0; (s = weir_fwnode_compatible(node, i)) && !takes(first, s); i++)
		;
	for (size_t j = 0; s && j < p->r.list->driver_count; j++) {
		const struct weir_driver_spec *other = &p->r.list->drivers[j];

		if (other->when != WEIR_WHEN_INITCALL && takes(other, s) &&
		    !run_denied(&p->r, other->name) && fitness(other, node) > fitness(best, node))
			best = other;
	}
	return best;
}

/* The driver that took it when every module was there, or that would. */
static const struct weir_driver_spec *spec_of(struct plan *p, const struct weir_fwnode *node)
{
	const struct weir_device *dev = device_of(p, node);
	const struct weir_driver *drv = dev ? weir_device_driver(dev) : NULL;
	const struct weir_driver_spec *spec = weir_kmodel_spec_of(drv);
	const char *s;

	for (unsigned int i = 0; !spec && (s = weir_fwnode_compatible(node, i)); i++)
		for (size_t j = 0; j < p->r.list->driver_count && !spec; j++)
			if (takes(&p->r.list->drivers[j], s) &&
			    !run_denied(&p->r, p->r.list->drivers[j].name))
				spec = &p->r.list->drivers[j];
	return spec && spec->when != WEIR_WHEN_INITCALL ? best_of(p, node, spec) : spec;
}

/* ---- which links count ---- */

/* A clock controller's inputs may come later: its outputs exist without them. */
static bool is_clock_controller(const struct weir_fwnode *node)
{
	return plan_has(node, "#clock-cells") && !plan_has(node, "#phy-cells") &&
	       (plan_has(node, "#reset-cells") || plan_has(node, "#power-domain-cells") ||
		node_is_named(node, "clock-controller"));
}

static bool same_path(const struct weir_fwnode *a, const struct weir_fwnode *b)
{
	char x[1024], y[1024];

	if (strcmp(weir_fwnode_name(a), weir_fwnode_name(b)))
		return false;
	return !strcmp(path_words(a, x, sizeof(x)), path_words(b, y, sizeof(y)));
}

/* Whether the kernel let this link go for being on a cycle. */
static bool is_relaxed(const struct plan *p, const struct weir_fwnode *consumer,
		       const struct weir_fwnode *supplier)
{
	const struct record *record = &p->r.record;

	for (size_t i = 0; i < record->n; i++) {
		const struct record_event *e = &record->events[i];
		const struct weir_fwnode *a, *b;

		if (e->type != WEIR_EVENT_CYCLE)
			continue;
		a = e->node ? e->node : e->device ? weir_device_fwnode(e->device) : NULL;
		b = e->other_node ? e->other_node : e->other ? weir_device_fwnode(e->other) : NULL;
		if (a && b && same_path(a, consumer) && same_path(b, supplier))
			return true;
	}
	return false;
}

static bool is_above(const struct weir_fwnode *up, const struct weir_fwnode *node)
{
	for (; node; node = weir_fwnode_parent(node))
		if (node == up)
			return true;
	return false;
}

/* @out_soft: the kernel would not wait for it. */
static bool follows(const struct plan *p, const struct plan_need *need,
		    const struct weir_fwlink *link, bool *out_soft)
{
	const struct weir_fwnode *consumer = weir_fwlink_consumer(link);
	const struct weir_fwnode *supplier = weir_fwlink_supplier(link);
	const char *property = weir_fwlink_property(link);
	bool relaxed;

	if (!property || weir_fwlink_flags(link) & WEIR_FWLINK_IGNORE ||
	    !strcmp(property, "remote-endpoint") || !weir_fwnode_available(supplier))
		return false;
	if (!strcmp(property, "iommu-map"))
		return false; /* of those behind the bridge; walk_iommu_map() */
	if (!strcmp(property, "dmas") && need->console)
		return false; /* a console does without */
	relaxed = is_relaxed(p, consumer, supplier);
	if (relaxed && !strcmp(property, "clocks") && is_clock_controller(consumer))
		return false;
	*out_soft = relaxed || consumer != need->node || !strcmp(property, "dmas");
	return true;
}

/* ---- the walk ---- */

static uint32_t find_need(const struct plan *p, const struct weir_fwnode *node)
{
	for (uint32_t i = 0; i < p->nr_needs; i++)
		if (p->needs[i].node == node)
			return i;
	return PLAN_NONE;
}

static int add_supplier(struct plan_need *need, uint32_t supplier, const char *property)
{
	const char **properties;
	uint32_t *more;

	for (size_t i = 0; i < need->nr_suppliers; i++)
		if (need->suppliers[i] == supplier && need->properties[i] == property)
			return 0;
	more = realloc(need->suppliers, (need->nr_suppliers + 1) * sizeof(*more));
	if (!more)
		return WEIR_ENOMEM;
	need->suppliers = more;
	properties = realloc(need->properties, (need->nr_suppliers + 1) * sizeof(*properties));
	if (!properties)
		return WEIR_ENOMEM;
	need->properties = properties;
	properties[need->nr_suppliers] = property;
	more[need->nr_suppliers++] = supplier;
	return 0;
}

static bool is_banned(const struct plan *p, const struct weir_fwnode *user,
		      const struct weir_fwnode *supplier)
{
	for (size_t i = 0; i < p->nr_banned; i++)
		if (p->banned[i].user == user && p->banned[i].supplier == supplier)
			return true;
	return false;
}

static int add_need(struct plan *p, struct weir_fwnode *node, uint32_t user, const char *property,
		    bool soft)
{
	uint32_t at = find_need(p, node);
	struct plan_need *need;

	if (user != PLAN_NONE && is_banned(p, p->needs[user].node, node))
		return 0;
	if (at == PLAN_NONE) {
		at = (uint32_t)p->nr_needs;
		need = plan_grow(&p->needs, &p->nr_needs, sizeof(*need));
		if (!need)
			return WEIR_ENOMEM;
		need->node = node;
		need->user = user;
		need->property = property;
		need->soft = soft || (user != PLAN_NONE && p->needs[user].soft);
		need->spec = spec_of(p, node);
	}
	return user == PLAN_NONE ? 0 : add_supplier(&p->needs[user], at, property);
}

/* Return: 0; WEIR_EEXIST: its links were followed before; WEIR_ENOMEM. */
static int note_walked(struct plan *p, const struct weir_fwnode *node)
{
	const struct weir_fwnode **more;

	for (size_t i = 0; i < p->nr_walked; i++)
		if (p->walked[i] == node)
			return WEIR_EEXIST;
	more = plan_grow(&p->walked, &p->nr_walked, sizeof(*more));
	if (!more)
		return WEIR_ENOMEM;
	*more = node;
	return 0;
}

/*
 * The nodes that a consumer named, up to the owner: the regulator in the PMIC, whose
 * own supply matters then, and not that of its sisters.
 */
static int walk_links(struct plan *p, uint32_t at, struct weir_fwnode *leaf)
{
	int err = 0;

	for (; leaf && !err; leaf = weir_fwnode_parent(leaf)) {
		const struct weir_fwlink *link = weir_fwlink_first(leaf);

		err = note_walked(p, leaf);
		if (err)
			return err == WEIR_EEXIST ? 0 : err;

		for (; link && !err; link = weir_fwlink_next(link)) {
			struct weir_fwnode *to = weir_fwlink_supplier(link), *owner;
			bool soft;

			if (!follows(p, &p->needs[at], link, &soft))
				continue;
			owner = owner_of(p, to);
			/* nobody can need, to come up, what he makes or what made him */
			if (!owner || is_above(owner, p->needs[at].node) ||
			    is_above(p->needs[at].node, owner) ||
			    (weir_fwnode_flags(owner) & WEIR_FWNODE_INITIALIZED))
				continue;
			err = add_need(p, owner, at, weir_fwlink_property(link), soft);
			/* what stands at the named node itself */
			if (!err && to != owner && find_need(p, owner) != PLAN_NONE)
				err = walk_links(p, find_need(p, owner), to);
		}
		if (leaf == p->needs[at].node)
			break;
	}
	return err;
}

/*
 * The IOMMUs of what is behind a PCI host bridge: entries of four cells, the second of
 * which names one (bindings/pci/pci-iommu.txt). It may be a function of that bus.
 */
static int walk_iommu_map(struct plan *p, uint32_t at)
{
	enum plan_what what = p->needs[at].what;
	struct weir_fwnode *iommu;
	const uint8_t *cells;
	size_t bytes;
	int err = 0;

	if ((what != PLAN_NVME && what != PLAN_PCI_SATA && what != PLAN_PCI_USB &&
	     what != PLAN_PCI_VIRTIO) ||
	    weir_fwnode_property(p->needs[at].node, "iommu-map", (const void **)&cells, &bytes))
		return 0;
	for (; bytes >= 16 && !err; bytes -= 16, cells += 16)
		if (!weir_fwnode_by_phandle(p->graph,
					    (uint32_t)cells[4] << 24 | (uint32_t)cells[5] << 16 |
						    (uint32_t)cells[6] << 8 | cells[7], &iommu) &&
		    weir_fwnode_available(iommu))
			err = add_need(p, iommu, at, "iommu-map", true);
	return err;
}

static int walk_need(struct plan *p, uint32_t at)
{
	struct weir_fwnode *up = owner_of(p, weir_fwnode_parent(p->needs[at].node));
	int err = walk_links(p, at, p->needs[at].node);

	if (!err)
		err = walk_iommu_map(p, at);
	return err || !up ? err : add_need(p, up, at, NULL, false);
}

static int walk_all(struct plan *p, uint32_t from)
{
	int err = 0;

	for (uint32_t i = from; i < p->nr_needs && !err; i++)
		err = walk_need(p, i);
	return err;
}

void plan_forget_needs(struct plan *p)
{
	for (size_t i = 0; i < p->nr_needs; i++) {
		free(p->needs[i].suppliers);
		free(p->needs[i].properties);
	}
	free(p->needs);
	free(p->walked);
	p->needs = NULL;
	p->walked = NULL;
	p->nr_needs = p->nr_walked = 0;
}

int plan_ban(struct plan *p, uint32_t at)
{
	for (; p->needs[at].user != PLAN_NONE; at = p->needs[at].user) {
		const struct plan_need *need = &p->needs[at], *user = &p->needs[need->user];
		struct plan_edge *edge;
		bool input = need->property && !strcmp(need->property, "clocks") &&
			     is_clock_controller(user->node);

		if (!input && user->spec)
			continue;
		edge = plan_grow(&p->banned, &p->nr_banned, sizeof(*edge));
		if (!edge)
			return WEIR_ENOMEM;
		*edge = (struct plan_edge){ user->node, need->node };
		return 1;
	}
	return 0;
}

int plan_find_needs(struct plan *p)
{
	int err = 0;

	plan_forget_needs(p);

	for (size_t i = 0; i < p->nr_goals && !err; i++) {
		struct weir_fwnode *node = twin(p->graph, p->goals[i].node);
		uint32_t at;

		if (!node)
			continue;
		err = add_need(p, node, PLAN_NONE, NULL, false);
		at = find_need(p, node);
		if (err)
			break;
		p->needs[at].what = p->goals[i].what;
		p->needs[at].console = p->goals[i].what == PLAN_CONSOLE;
	}
	return err ? err : walk_all(p, 0);
}

int plan_add_missing(struct plan *p, const char *path, const char *user, const char *property)
{
	struct weir_fwnode *node, *for_node;
	uint32_t from = (uint32_t)p->nr_needs, at = 0;
	int err;

	if (weir_fwnode_find(p->graph, path, &node) || find_need(p, node) != PLAN_NONE)
		return WEIR_EEXIST;
	if (user && !weir_fwnode_find(p->graph, user, &for_node) &&
	    find_need(p, for_node) != PLAN_NONE)
		at = find_need(p, for_node);
	err = add_need(p, node, at, property, false);
	return err ? err : walk_all(p, from);
}

/* ---- in words ---- */

const char *plan_role(const char *property)
{
	static const struct {
		const char *property, *role;
	} roles[] = {
		{ "clocks", "clock" }, { "power-domains", "power domain" },
		{ "resets", "reset" }, { "phys", "PHY" }, { "iommus", "IOMMU" },
		{ "iommu-map", "IOMMU" }, { "interrupts", "interrupt controller" },
		{ "interrupts-extended", "interrupt controller" },
		{ "interrupt-map", "interrupt controller" },
		{ "msi-parent", "MSI controller" }, { "dmas", "DMA controller" },
		{ "interconnects", "interconnect" }, { "nvmem-cells", "NVMEM cell" },
		{ "mboxes", "mailbox" }, { "hwlocks", "hardware lock" }, { "pwms", "PWM" },
		{ "backlight", "backlight" }, { "panel", "panel" }, { "extcon", "connector" },
		{ "io-channels", "ADC channel" }, { "remote-endpoint", "display partner" },
	};

	for (size_t i = 0; property && i < sizeof(roles) / sizeof(roles[0]); i++)
		if (!strcmp(roles[i].property, property))
			return roles[i].role;
	if (!property)
		return "bus";
	if (strstr(property, "-supply"))
		return "regulator";
	if (strstr(property, "pinctrl-"))
		return "pin controller";
	return strstr(property, "gpio") ? "GPIO controller" : property;
}

void plan_why(const struct plan *p, uint32_t need, char *buf, size_t bytes)
{
	size_t used = (size_t)snprintf(buf, bytes, "%s", weir_fwnode_name(p->needs[need].node));
	const char *sign = ":";

	if (p->needs[need].user == PLAN_NONE)
		snprintf(buf + used, used < bytes ? bytes - used : 0, ": what is wanted");
	while (p->needs[need].user != PLAN_NONE && used < bytes) {
		const struct plan_need *user = &p->needs[p->needs[need].user];

		used += (size_t)snprintf(buf + used, bytes - used, "%s %s of %s", sign,
					 plan_role(p->needs[need].property),
					 weir_fwnode_name(user->node));
		sign = ",";
		need = p->needs[need].user;
	}
}
