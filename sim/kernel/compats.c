// SPDX-License-Identifier: MIT
/* From a tree to a driver list, and from that to a catalogue. No state. */
#include "kernel/compats.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "weir/catalogue.h"

/* ---- compatible strings ---- */

struct set {
	const char **items;
	size_t n, room;
	size_t *slots; /* item + 1 */
	size_t mask;
};

static size_t hash(const char *s)
{
	size_t h = 5381;

	while (*s)
		h = h * 33 + (unsigned char)*s++;
	return h ^ (h >> 15);
}

static int grow(struct set *set)
{
	size_t room = set->room ? set->room * 2 : 256;
	const char **items = realloc(set->items, room * sizeof(*items));
	size_t *slots;

	if (!items)
		return WEIR_ENOMEM;
	set->items = items;
	slots = calloc(room * 2, sizeof(*slots));
	if (!slots)
		return WEIR_ENOMEM;
	free(set->slots);
	set->slots = slots;
	set->room = room;
	set->mask = room * 2 - 1;
	for (size_t i = 0; i < set->n; i++) {
		size_t at = hash(set->items[i]) & set->mask;

		while (set->slots[at])
			at = (at + 1) & set->mask;
		set->slots[at] = i + 1;
	}
	return 0;
}

static int add(struct set *set, const char *s)
{
	size_t at;

	if (set->n == set->room && grow(set))
		return WEIR_ENOMEM;
	for (at = hash(s) & set->mask; set->slots[at]; at = (at + 1) & set->mask)
		if (!strcmp(set->items[set->slots[at] - 1], s))
			return 0;
	set->slots[at] = set->n + 1;
	set->items[set->n++] = s;
	return 0;
}

static bool is_plain(const char *s)
{
	const char *c = s;

	while (*c && !isspace((unsigned char)*c))
		c++;
	return *s && !*c;
}

int weir_tree_compatibles(struct weir_machine *m, const char ***out_compats, size_t *out_count)
{
	struct weir_fwnode *node;
	struct set set = { 0 };
	const char *s;

	for (node = weir_fwnode_root(m); node; node = weir_fwnode_next(node)) {
		for (unsigned int i = 0; (s = weir_fwnode_compatible(node, i)); i++) {
			if (!is_plain(s) || !add(&set, s))
				continue;
			free(set.items);
			free(set.slots);
			return WEIR_ENOMEM;
		}
	}
	free(set.slots);
	*out_compats = set.items;
	*out_count = set.n;
	return 0;
}

/* ---- what early code usually sets up ---- */

/* Root and secondary interrupt controllers (bindings/interrupt-controller). */
static const char *const usual_irq[] = {
	"arm,gic-v3", "arm,gic-400", "arm,cortex-a15-gic", "arm,cortex-a9-gic",
	"arm,cortex-a7-gic", "arm,pl390", "arm,arm11mp-gic", "arm,arm1176jzf-devchip-gic",
	"brcm,bcm2835-armctrl-ic", "brcm,bcm2836-armctrl-ic", "brcm,bcm2836-l1-intc",
	"allwinner,sun7i-a20-sc-nmi", "allwinner,sun6i-a31-sc-nmi", "allwinner,sun9i-a80-nmi",
	"allwinner,sun6i-a31-r-intc", "allwinner,sun50i-h6-r-intc", "fsl,imx7d-gpc",
	"fsl,imx8mq-gpc", "mediatek,mt6577-sysirq", "apple,aic", "apple,aic2",
	"riscv,cpu-intc", "sifive,plic-1.0.0", "riscv,plic0",
};

/* Clocks without registers, and controllers that timers need (bindings/clock). */
static const char *const usual_clocks[] = {
	"fixed-clock", "fixed-factor-clock", "allwinner,sun7i-a20-gmac-clk",
	"rockchip,rk3308-cru", "rockchip,rk3328-cru", "rockchip,rk3368-cru",
	"rockchip,rk3399-cru", "rockchip,rk3399-pmucru", "rockchip,px30-cru",
	"rockchip,px30-pmucru", "rockchip,rk3568-cru", "rockchip,rk3568-pmucru",
	"rockchip,rk3576-cru", "rockchip,rk3588-cru", "nvidia,tegra124-car",
	"nvidia,tegra210-car",
};

static const char *const usual_init[] = { "arm,gic-v3-its", "arm,gic-v2m-frame" };

static int add_early(struct weir_driver_list *list, enum weir_early_kind kind,
		     const char *const *compats, size_t n)
{
	struct weir_early_spec *early = weir_driver_list_new_early_(list);

	if (!early)
		return WEIR_ENOMEM;
	early->kind = kind;
	early->compats = compats;
	early->compat_count = n;
	return 0;
}

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

int weir_driver_list_add_usual_early(struct weir_driver_list *list)
{
	int err = add_early(list, WEIR_EARLY_IRQ, usual_irq, COUNT(usual_irq));

	if (!err)
		err = add_early(list, WEIR_EARLY_CLOCK, usual_clocks, COUNT(usual_clocks));
	if (!err)
		err = add_early(list, WEIR_EARLY_INIT, usual_init, COUNT(usual_init));
	return err;
}

/* ---- the catalogue ---- */

static int add_entry(struct weir_machine *m, const struct weir_driver_spec *spec,
		     enum weir_catalogue_state state)
{
	const char **keys = calloc(spec->compat_count + 1, sizeof(*keys));
	struct weir_catalogue_entry entry = { .name = spec->name, .keys = keys, .state = state };
	int err;

	if (!keys)
		return WEIR_ENOMEM;
	for (size_t i = 0; i < spec->compat_count; i++)
		keys[i] = spec->compats[i].name;
	err = weir_catalogue_add(m, &entry);
	free(keys);
	return err;
}

int weir_catalogue_fill(struct weir_machine *m, const struct weir_driver_list *list,
			bool (*denied)(void *context, const struct weir_driver_spec *spec),
			void *context)
{
	for (size_t i = 0; i < list->driver_count; i++) {
		const struct weir_driver_spec *spec = &list->drivers[i];
		enum weir_catalogue_state state = WEIR_CATALOGUE_LOADABLE;
		int err;

		if (spec->when == WEIR_WHEN_INITCALL)
			state = WEIR_CATALOGUE_BUILTIN;
		else if (denied && denied(context, spec))
			state = WEIR_CATALOGUE_DENIED;
		err = add_entry(m, spec, state);
		if (err)
			return err;
	}
	weir_catalogue_complete(m);
	return 0;
}
