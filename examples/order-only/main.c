// SPDX-License-Identifier: MIT
/*
 * The driver model used alone. This program owns its devices and drivers; Weir
 * answers "may this be probed now?" and is told what was bound, failed or removed.
 *
 * A small board: the network card needs a clock and an IOMMU, both need the power
 * controller; the display comes after the panel bridge, whether that works or not.
 * The drivers arrive in the worst order. Exit status 0 when all went as it should.
 */
#include <stdio.h>
#include <string.h>

#include "weir/machine.h"
#include "weir/order.h"
#include "weir/posix.h"
#include "weir/verdict.h"

/* ---- the program's own devices and drivers ---- */

struct thing {
	const char *name;
	int (*start)(void); /* NULL: there is no driver for it */
	struct weir_device *dev;
};

static int works(void)
{
	return 0;
}

static int is_broken(void)
{
	return WEIR_EIO;
}

enum { NIC, DISPLAY, BRIDGE, IOMMU, CLOCK, POWER, AUDIO, CODEC, N_THINGS };

static struct thing things[N_THINGS] = {
	[NIC] = { "nic", works, NULL },
	[DISPLAY] = { "display", works, NULL },
	[BRIDGE] = { "bridge", is_broken, NULL },
	[IOMMU] = { "iommu", works, NULL },
	[CLOCK] = { "clock", works, NULL },
	[POWER] = { "power", works, NULL },
	[AUDIO] = { "audio", works, NULL },
	[CODEC] = { "codec", NULL, NULL },
};

static const struct {
	int consumer, supplier;
	const char *property;
	uint32_t flags;
} needs[] = {
	{ NIC, CLOCK, "clocks", 0 },
	{ NIC, IOMMU, "iommus", 0 },
	{ IOMMU, CLOCK, "clocks", 0 },
	{ CLOCK, POWER, "power-domains", 0 },
	{ DISPLAY, CLOCK, "clocks", 0 },
	{ DISPLAY, BRIDGE, "bridge", WEIR_LINK_ORDER },
	{ AUDIO, CODEC, "codec", 0 },
};

static int describe(struct weir_order *order)
{
	int err = 0;

	for (unsigned int i = 0; !err && i < N_THINGS; i++)
		err = weir_order_add(order, things[i].name, &things[i].dev);
	for (unsigned int i = 0; !err && i < sizeof(needs) / sizeof(needs[0]); i++)
		err = weir_order_need(things[needs[i].consumer].dev, things[needs[i].supplier].dev,
				      needs[i].property, needs[i].flags);
	return err;
}

/* ---- the main loop of such a program ---- */

static struct thing *thing_of(const struct weir_device *dev)
{
	unsigned int i = 0;

	while (things[i].dev != dev)
		i++;
	return &things[i];
}

static void probe_what_may(struct weir_order *order)
{
	struct weir_device *dev;

	while (!weir_order_next(order, &dev)) {
		int err = thing_of(dev)->start();

		printf("  start %s: %s\n", weir_device_name(dev), weir_strerror(err));
		weir_order_done(dev, err);
	}
}

static int bring_up(struct weir_order *order)
{
	int err = describe(order);

	for (unsigned int i = 0; !err && i < N_THINGS; i++) {
		if (!things[i].start)
			continue;
		printf("driver for %s arrives\n", things[i].name);
		err = weir_order_offer(things[i].dev);
		probe_what_may(order);
	}
	weir_order_complete(order);
	probe_what_may(order);
	return err;
}

static void take_down(struct weir_device *dev)
{
	struct weir_device *user;

	while (weir_order_removed(dev, &user) == WEIR_EBUSY)
		take_down(user);
	printf("  stop %s\n", weir_device_name(dev));
}

static int check(unsigned int i, enum weir_verdict expected)
{
	struct weir_why why;

	weir_device_root_cause(things[i].dev, &why);
	printf("%s: %s, because of %s: %s\n", things[i].name,
	       weir_verdict_name(weir_device_verdict(things[i].dev, NULL)),
	       weir_device_name(why.device), weir_verdict_name(why.verdict));
	return weir_device_verdict(things[i].dev, NULL) == expected ? 0 : 1;
}

int main(void)
{
	struct weir_posix *posix;
	struct weir_machine *m;
	struct weir_order *order;
	int wrong;

	if (weir_posix_create(NULL, &posix))
		return 1;
	if (weir_machine_create(weir_posix_ops(posix), posix, &m))
		return 1;
	if (weir_order_create(m, &order))
		return 1;
	wrong = bring_up(order) != 0;
	wrong += check(NIC, WEIR_VERDICT_BOUND);
	wrong += check(DISPLAY, WEIR_VERDICT_BOUND);
	wrong += check(BRIDGE, WEIR_VERDICT_FAILED);
	wrong += check(AUDIO, WEIR_VERDICT_WAITS_SUPPLIER);
	wrong += check(CODEC, WEIR_VERDICT_NO_DRIVER);
	printf("the clock goes away\n");
	take_down(things[CLOCK].dev);
	wrong += weir_device_status_get(things[NIC].dev) != WEIR_DEVICE_NO_DRIVER;
	wrong += weir_device_status_get(things[POWER].dev) != WEIR_DEVICE_BOUND;
	weir_order_destroy(order);
	weir_machine_destroy(m);
	weir_posix_destroy(posix);
	return wrong;
}
