// SPDX-License-Identifier: MIT
/*
 * The fuzzer of the device tree reader: any bytes are loaded as a DTB; if they
 * load, devices are made, a driver is registered for each of the first
 * compatible strings, and the machine is settled and asked for every verdict.
 * Whatever the bytes: no crash, no hang, nothing left behind.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "weir/posix.h"
#include "weir/weir.h"

#define MAX_DRIVERS 32

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

struct drivers {
	struct weir_driver driver[MAX_DRIVERS];
	struct weir_match match[MAX_DRIVERS][2];
	unsigned int n;
};

static const struct weir_iommu_ops iommu_ops = {
	.abi = WEIR_ABI(struct weir_iommu_ops),
};

static bool has(struct weir_device *dev, const char *property)
{
	struct weir_fwnode *node = weir_device_fwnode(dev);
	const void *value;

	return node && weir_fwnode_property(node, property, &value, NULL) == 0;
}

static int probe(struct weir_device *dev)
{
	int err = 0;

	if (has(dev, "ranges"))
		err = weir_fwnode_populate(dev, true);
	if (!err && has(dev, "#iommu-cells"))
		err = weir_iommu_register(dev, &iommu_ops, NULL);
	return err;
}

static void unprobe(struct weir_device *dev)
{
	if (has(dev, "#iommu-cells"))
		weir_iommu_unregister(dev);
	weir_fwnode_depopulate(dev);
}

static const struct weir_driver_ops driver_ops = {
	.abi = WEIR_ABI(struct weir_driver_ops),
	.probe = probe,
	.remove = unprobe,
};

/* A driver for each compatible string, the last ones first. */
static void register_drivers(struct weir_machine *m, struct drivers *drivers)
{
	struct weir_fwnode *node;

	for (node = weir_fwnode_root(m); node; node = weir_fwnode_next(node)) {
		const char *compatible = weir_fwnode_compatible(node, 0);
		struct weir_driver *driver = &drivers->driver[drivers->n];

		if (!compatible || drivers->n == MAX_DRIVERS)
			continue;
		drivers->match[drivers->n][0].key = compatible;
		driver->name = compatible;
		driver->bus = drivers->n % 4 == 3 ? "amba" : "platform";
		driver->match = drivers->match[drivers->n];
		driver->ops = &driver_ops;
		drivers->n++;
	}
	while (drivers->n--)
		weir_driver_register(m, &drivers->driver[drivers->n]);
}

static void ask(struct weir_machine *m)
{
	struct weir_device *dev;
	struct weir_why why;
	char path[64];

	for (dev = weir_device_first(m); dev; dev = weir_device_next(dev)) {
		weir_device_verdict(dev, &why);
		weir_device_root_cause(dev, &why);
		if (why.node)
			weir_fwnode_path(why.node, path, sizeof(path));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct drivers drivers = { .n = 0 };
	struct weir_posix *posix;
	struct weir_machine *m;
	/* A copy of its own, so that reading past its end is seen. */
	void *blob = malloc(bytes ? bytes : 1);

	if (!blob || weir_posix_create(NULL, &posix))
		abort();
	memcpy(blob, data, bytes);
	if (weir_machine_create(weir_posix_ops(posix), posix, &m))
		abort();
	if (weir_firmware_load_dt(m, blob, bytes) == 0) {
		if (weir_firmware_populate(m) == 0) {
			register_drivers(m, &drivers);
			weir_catalogue_complete(m);
			if (weir_settle(m))
				abort();
			ask(m);
			weir_catalogue_seal(m);
			weir_settle(m);
		}
	} else if (!weir_firmware_error(m)[0]) {
		abort(); /* refused without a reason */
	}
	weir_machine_destroy(m);
	weir_posix_destroy(posix);
	free(blob);
	return 0;
}
