// SPDX-License-Identifier: MIT
/*
 * The driver of everything on a board but System MMUs and their masters. A node with #clock-cells
 * provides clocks, one with #power-domain-cells is a power domain that sleeps when nobody needs it; the
 * others are only there.
 */
#include <string.h>

#include "board.h"

static struct eb_board *board_of(const struct weir_device *dev)
{
	return weir_device_driver(dev)->context;
}

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static bool has(const struct weir_fwnode *node, const char *name)
{
	const void *value;

	return !weir_fwnode_property(node, name, &value, NULL);
}

static uint32_t cells_of(const struct weir_fwnode *node, const char *name)
{
	const void *value;
	size_t bytes;

	return !weir_fwnode_property(node, name, &value, &bytes) && bytes == 4 ? be32(value) : 0;
}

/* ---- what a System MMU needs, read from the tree by itself ---- */

/* A driver here switches it; what is somebody else's is on. */
static bool is_ours(const struct eb_board *b, const struct weir_fwnode *provider)
{
	char path[EB_PATH];

	weir_fwnode_path(provider, path, sizeof(path));
	for (unsigned int i = 0; i < b->options.nr_early; i++)
		if (!strcmp(b->options.early[i], path))
			return false;
	return weir_fwnode_available(provider) && weir_fwnode_compatible(provider, 0);
}

static void take_specifier(struct eb_sysmmu *s, bool clock, struct weir_fwnode *provider,
			   const uint8_t *cells, uint32_t n)
{
	struct eb_clock *c;

	if (!clock) {
		s->domain = provider;
		return;
	}
	if (s->nr_clocks == EB_CLOCKS || n > 4)
		return;
	c = &s->clocks[s->nr_clocks++];
	c->provider = provider;
	c->n = n;
	for (uint32_t i = 0; i < n; i++)
		c->cells[i] = be32(cells + 4 * i);
}

static void read_list(struct eb_board *b, struct eb_sysmmu *s, const char *name, const char *count)
{
	struct weir_fwnode *provider;
	const void *value;
	size_t bytes;

	if (weir_fwnode_property(s->node, name, &value, &bytes))
		return;
	for (size_t at = 0; at + 4 <= bytes;) {
		const uint8_t *p = (const uint8_t *)value + at;
		uint32_t n;

		if (weir_fwnode_by_phandle(b->m, be32(p), &provider))
			return;
		n = cells_of(provider, count);
		if (n > 16 || at + 4 + 4 * (size_t)n > bytes)
			return;
		if (is_ours(b, provider))
			take_specifier(s, count[1] == 'c', provider, p + 4, n);
		at += 4 + 4 * (size_t)n;
	}
}

void eb_suppliers_find(struct eb_board *b, struct eb_sysmmu *s)
{
	read_list(b, s, "clocks", "#clock-cells");
	read_list(b, s, "power-domains", "#power-domain-cells");
}

/* ---- clocks ---- */

static void clock_update(const struct eb_board *b, struct eb_sysmmu *s)
{
	bool on = true;

	for (unsigned int i = 0; i < s->nr_clocks; i++)
		on = on && (s->clocks[i].enabled || s->clocks[i].left_on);
	b->kind->clock(s->model, on);
}

/* The provider's node is the device that was published for. */
static int switch_clocks(struct weir_device *dev, const uint32_t *cells, unsigned int n, bool on)
{
	struct eb_board *b = board_of(dev);
	int err = 0;

	for (unsigned int i = 0; i < b->nr_sysmmus; i++) {
		struct eb_sysmmu *s = &b->sysmmus[i];

		for (unsigned int j = 0; j < s->nr_clocks; j++) {
			struct eb_clock *c = &s->clocks[j];

			if (c->provider != weir_device_fwnode(dev) || c->n != n ||
			    memcmp(c->cells, cells, n * sizeof(*cells)))
				continue;
			if (on && s->fail_clocks) {
				err = s->fail_clocks;
				continue;
			}
			if (!on && !c->enabled) {
				eb_wrong(b, "%s: a clock is disabled that does not run", s->path);
				continue;
			}
			c->enabled += on ? 1u : -1u;
			c->left_on = c->left_on && (on || c->enabled);
			clock_update(b, s);
		}
	}
	return err;
}

/* Others may go on before clocks and power change. */
static void point(struct weir_device *dev)
{
	struct eb_board *b = board_of(dev);

	if (b->options.turns)
		race_models_point(&b->turns);
}

static int clock_enable(void *provider, const uint32_t *cells, unsigned int n)
{
	point(provider);
	return switch_clocks(provider, cells, n, true);
}

static void clock_disable(void *provider, const uint32_t *cells, unsigned int n)
{
	point(provider);
	(void)switch_clocks(provider, cells, n, false);
}

static const struct weir_clock_ops clock_ops = {
	.abi = WEIR_ABI(struct weir_clock_ops),
	.enable = clock_enable,
	.disable = clock_disable,
};

/* ---- power ---- */

void eb_power_update(struct eb_board *b, const struct weir_fwnode *domain, bool on)
{
	for (unsigned int i = 0; i < b->nr_sysmmus; i++)
		if (b->sysmmus[i].domain == domain) {
			b->sysmmus[i].asleep = !on;
			b->kind->power(b->sysmmus[i].model, on);
		}
}

static int domain_suspend(struct weir_device *dev)
{
	point(dev);
	if (has(weir_device_fwnode(dev), "#power-domain-cells"))
		eb_power_update(board_of(dev), weir_device_fwnode(dev), false);
	return 0;
}

static int domain_resume(struct weir_device *dev)
{
	point(dev);
	if (board_of(dev)->broken == weir_device_fwnode(dev))
		return WEIR_EIO;
	if (has(weir_device_fwnode(dev), "#power-domain-cells"))
		eb_power_update(board_of(dev), weir_device_fwnode(dev), true);
	return 0;
}

/* ---- the driver ---- */

static bool has_children_to_make(const struct weir_fwnode *node)
{
	const struct weir_fwnode *child;

	if (weir_fwnode_flags(node) & WEIR_FWNODE_POPULATED_BUS)
		return false;
	for (child = weir_fwnode_first_child(node); child; child = weir_fwnode_next_sibling(child))
		if (weir_fwnode_available(child) && weir_fwnode_compatible(child, 0))
			return true;
	return false;
}

static int plain_probe(struct weir_device *dev)
{
	struct weir_fwnode *node = weir_device_fwnode(dev);
	struct eb_board *b = board_of(dev);
	int err = 0;

	if (b->broken == node)
		return weir_dev_fail(dev, WEIR_EIO, "it does not work");
	if (has(node, "#clock-cells"))
		err = weir_clocks_publish(dev, &clock_ops, dev);
	if (!err && has(node, "#power-domain-cells"))
		domain_resume(dev);
	if (!err && has_children_to_make(node)) {
		weir_device_set_data(dev, dev);
		err = weir_fwnode_populate(dev, false);
	}
	return err;
}

static void plain_remove(struct weir_device *dev)
{
	if (weir_device_data(dev))
		weir_fwnode_depopulate(dev);
}

/* Who needs the domain had its chance: from now on it sleeps with them. */
static void plain_sync_state(struct weir_device *dev)
{
	if (has(weir_device_fwnode(dev), "#power-domain-cells"))
		weir_pm_runtime_enable(dev);
}

const struct weir_driver_ops eb_plain_ops = {
	.abi = WEIR_ABI(struct weir_driver_ops),
	.probe = plain_probe,
	.remove = plain_remove,
	.sync_state = plain_sync_state,
	.suspend = domain_suspend,
	.resume = domain_resume,
	.runtime_suspend = domain_suspend,
	.runtime_resume = domain_resume,
};
