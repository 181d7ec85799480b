// SPDX-License-Identifier: MIT
/*
 * The display pipeline: from panels, or connectors where there is no panel, along the
 * graph of ports and endpoints (bindings/graph.txt) to bridges, hosts and the devices
 * that scan out; and the device that gathers them. Such a driver comes up only when
 * all its parts did, so all of them are wanted.
 */
#include <string.h>

#include "core/core.h"
#include "plan.h"
#include "rootname.h"

/* Where the graph goes on to what is no display: sound, and plugs of USB. */
static bool is_outside(const struct weir_fwnode *node)
{
	const char *s = weir_fwnode_compatible(node, 0);

	return node_is_named(node, "usb dwc3 sound codec audio-codec i2s typec connector "
				   "audio-controller usb-c-mux typec-mux") ||
	       (s && (strstr(s, "usb-c-connector") || strstr(s, "-usb") ||
		      strstr(s, "camera") || strstr(s, "csi")));
}

static bool is_sink(const struct weir_fwnode *node, bool panels)
{
	const char *s;

	for (unsigned int i = 0; (s = weir_fwnode_compatible(node, i)); i++)
		if (panels ? strstr(s, "panel") != NULL
			   : !strcmp(s, "hdmi-connector") || !strcmp(s, "dp-connector") ||
				     !strcmp(s, "vga-connector"))
			return true;
	return panels && node_is_named(node, "panel edp-panel lvds-panel display-panel");
}

static struct weir_fwnode *by_cell(struct plan *p, const uint8_t *cell)
{
	uint32_t handle = (uint32_t)cell[0] << 24 | (uint32_t)cell[1] << 16 |
			  (uint32_t)cell[2] << 8 | cell[3];
	struct weir_fwnode *node;

	return weir_fwnode_by_phandle(p->r.m, handle, &node) ? NULL : node;
}

static struct weir_fwnode *device_node(struct weir_fwnode *node)
{
	while (node && !weir_fwnode_compatible(node, 0))
		node = weir_fwnode_parent(node);
	return node && weir_fwnode_parent(node) ? node : NULL;
}

/* @node: of a device, or below it. Adds the other ends of its endpoints. */
static int follow_ports(struct plan *p, struct weir_fwnode *node)
{
	struct weir_fwnode *child, *other;
	const void *value;
	size_t bytes;
	int err = 0;

	if (!weir_fwnode_property(node, "remote-endpoint", &value, &bytes) && bytes == 4) {
		other = by_cell(p, value);
		for (struct weir_fwnode *up = other; up; up = weir_fwnode_parent(up))
			if (!weir_fwnode_available(up))
				return 0;
		other = other ? device_node(other) : NULL;
		if (other && !is_outside(other))
			err = plan_add_goal(p, other, PLAN_DISPLAY);
	}
	for (child = weir_fwnode_first_child(node); child && !err;
	     child = weir_fwnode_next_sibling(child))
		if (node_is_named(child, "port ports endpoint"))
			err = follow_ports(p, child);
	return err;
}

/* Whether a list of phandles leads to a goal, or below one. */
static bool names_goal(struct plan *p, const struct weir_fwnode *node, const char *property)
{
	const uint8_t *value;
	size_t bytes;

	if (weir_fwnode_property(node, property, (const void **)&value, &bytes))
		return false;
	for (; bytes >= 4; bytes -= 4, value += 4) {
		struct weir_fwnode *other = by_cell(p, value);

		other = other ? device_node(other) : NULL;
		for (size_t i = 0; other && i < p->nr_goals; i++)
			if (p->goals[i].node == other)
				return true;
	}
	return false;
}

/* Devices without registers that gather the parts, by their lists of phandles. */
static int add_gatherers(struct plan *p)
{
	static const char *const lists[] = { "ports", "allwinner,pipelines" };
	struct weir_fwnode *node;
	int err = 0;

	for (node = weir_fwnode_root(p->r.m); node && !err; node = weir_fwnode_next(node))
		for (size_t i = 0; i < 2 && !err; i++)
			if (weir_fwnode_available(node) && names_goal(p, node, lists[i]))
				err = plan_add_goal(p, node, PLAN_DISPLAY);
	return err;
}

static int add_sinks(struct plan *p, bool panels)
{
	struct weir_fwnode *node;
	int err = 0;

	for (node = weir_fwnode_root(p->r.m); node && !err; node = weir_fwnode_next(node))
		if (is_sink(node, panels) && weir_fwnode_available(node) &&
		    (!weir_fwnode_parent(node) || weir_fwnode_available(weir_fwnode_parent(node))))
			err = plan_add_goal(p, node, PLAN_DISPLAY);
	return err;
}

int plan_find_display(struct plan *p)
{
	int err = add_sinks(p, true);

	if (!err && !p->nr_goals)
		err = add_sinks(p, false);
	for (size_t i = 0; i < p->nr_goals && !err; i++) {
		struct weir_fwnode *host = weir_fwnode_parent(p->goals[i].node);

		err = follow_ports(p, p->goals[i].node);
		/* a panel on its DSI host has that as its bus, and may have no port */
		if (!err && node_is_named(host, "dsi mipi-dsi mipi"))
			err = plan_add_goal(p, host, PLAN_DISPLAY);
	}
	if (!err)
		err = add_gatherers(p);
	return err ? err : p->nr_goals ? 0 : WEIR_ENOENT;
}
