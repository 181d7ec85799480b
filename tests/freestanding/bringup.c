// SPDX-License-Identifier: MIT
/*
 * A small bring-up on a host without operating system: a board whose consumer
 * comes before its suppliers, drivers registered in the worst order. Returns 0
 * when the order, the verdicts and the end are right, else the number of the
 * step that was not.
 */
#include "host.h"
#include "weir/weir.h"

/* The names of the devices in the order of their probes, one letter each. */
struct order {
	char letters[8];
	unsigned int n;
};

static int note(struct weir_device *dev, char letter)
{
	struct order *order = weir_device_driver(dev)->context;

	if (order->n < sizeof(order->letters) - 1)
		order->letters[order->n++] = letter;
	return 0;
}

static int nic_probe(struct weir_device *dev)
{
	return note(dev, 'n');
}

static int clk_probe(struct weir_device *dev)
{
	return note(dev, 'c');
}

static int orphan_probe(struct weir_device *dev)
{
	return note(dev, 'o');
}

static const struct weir_iommu_ops instance_ops = {
	.abi = WEIR_ABI(struct weir_iommu_ops),
};

static int iommu_probe(struct weir_device *dev)
{
	note(dev, 'i');
	return weir_iommu_register(dev, &instance_ops, NULL);
}

static void iommu_remove(struct weir_device *dev)
{
	weir_iommu_unregister(dev);
}

#define OPS(name, ...) \
	static const struct weir_driver_ops name##_ops = { \
		.abi = WEIR_ABI(struct weir_driver_ops), .probe = name##_probe, __VA_ARGS__ \
	}; \
	static const struct weir_match name##_match[] = { { "test," #name, NULL }, { NULL, NULL } }
OPS(nic, .remove = NULL);
OPS(clk, .remove = NULL);
OPS(orphan, .remove = NULL);
OPS(iommu, .remove = iommu_remove);

#define DRIVER(driver, order) \
	{ .name = #driver, .bus = "platform", .match = driver##_match, \
	  .ops = &driver##_ops, .context = order }

/* Finds a device by the path of its node; NULL when there is none. */
static struct weir_device *device_at(struct weir_machine *m, const char *path)
{
	struct weir_fwnode *node;

	return weir_fwnode_find(m, path, &node) ? NULL : weir_fwnode_device(node);
}

static int check_order(const struct order *order)
{
	static const char expected[] = "cin";
	unsigned int i;

	for (i = 0; expected[i]; i++)
		if (order->letters[i] != expected[i])
			return 1;
	return order->letters[i] != '\0';
}

static int run(struct weir_machine *m, const struct weir_driver *drivers, unsigned int n,
	       const struct order *order)
{
	struct weir_device *nic, *orphan;
	struct weir_why why;
	unsigned int i;

	if (weir_firmware_load_dt(m, board, (size_t)(board_end - board)))
		return 11;
	if (weir_firmware_populate(m))
		return 12;
	for (i = 0; i < n; i++)
		if (weir_driver_register(m, &drivers[i]))
			return 13;
	weir_catalogue_complete(m);
	if (weir_settle(m))
		return 14;
	if (check_order(order))
		return 15;
	nic = device_at(m, "/nic@1000");
	if (!nic || weir_device_verdict(nic, NULL) != WEIR_VERDICT_BOUND)
		return 16;
	if (weir_device_group(nic) < 0)
		return 17;
	orphan = device_at(m, "/orphan@2000");
	if (!orphan)
		return 18;
	weir_device_root_cause(orphan, &why);
	if (why.verdict != WEIR_VERDICT_NO_DRIVER ||
	    why.device != device_at(m, "/clock-controller@5000"))
		return 19;
	return 0;
}

int bringup(void)
{
	struct order order = { .n = 0 };
	const struct weir_driver drivers[] = {
		DRIVER(orphan, &order), DRIVER(nic, &order), DRIVER(iommu, &order),
		DRIVER(clk, &order),
	};
	struct weir_machine *m;
	int step;

	if (weir_machine_create(&arena_ops, NULL, &m))
		return 10;
	step = run(m, drivers, sizeof(drivers) / sizeof(drivers[0]), &order);
	weir_machine_destroy(m);
	if (!step && (arena_bytes_used() || arena_locks()))
		step = 20;
	if (!step)
		say("bring-up: clock, IOMMU and consumer in order, nothing left behind");
	return step;
}
