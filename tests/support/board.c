// SPDX-License-Identifier: MIT
/* See board.h. */
#include "board.h"

#include <libfdt.h>
#include <stdio.h>
#include <string.h>

const char *const board_names[BOARD_DEVICES] = { "clk", "iommu", "nic", "gpu", "panel" };

static const char *const compatibles[BOARD_DRIVERS] = { "t,clk", "t,iommu", "t,master" };

static void cells(void *fdt, const char *name, uint32_t a, int64_t b)
{
	fdt32_t value[2] = { cpu_to_fdt32(a), cpu_to_fdt32((uint32_t)b) };

	assert_int_equal(fdt_property(fdt, name, value, b < 0 ? 4 : 8), 0);
}

static void begin(void *fdt, unsigned int which, unsigned int driver)
{
	assert_int_equal(fdt_begin_node(fdt, board_names[which]), 0);
	assert_int_equal(fdt_property_string(fdt, "compatible", compatibles[driver]), 0);
	cells(fdt, "phandle", which + 1, -1);
}

void board_init(struct board *b)
{
	void *fdt = b->blob;

	assert_int_equal(fdt_create(fdt, sizeof(b->blob)), 0);
	assert_int_equal(fdt_finish_reservemap(fdt), 0);
	assert_int_equal(fdt_begin_node(fdt, ""), 0);
	begin(fdt, BOARD_CLK, BOARD_CLK_DRIVER);
	cells(fdt, "#clock-cells", 0, -1);
	assert_int_equal(fdt_end_node(fdt), 0);
	begin(fdt, BOARD_IOMMU, BOARD_IOMMU_DRIVER);
	cells(fdt, "#iommu-cells", 1, -1);
	cells(fdt, "clocks", BOARD_CLK + 1, -1);
	assert_int_equal(fdt_end_node(fdt), 0);
	begin(fdt, BOARD_NIC, BOARD_MASTER_DRIVER);
	cells(fdt, "clocks", BOARD_CLK + 1, -1);
	cells(fdt, "iommus", BOARD_IOMMU + 1, 7);
	assert_int_equal(fdt_end_node(fdt), 0);
	begin(fdt, BOARD_GPU, BOARD_MASTER_DRIVER);
	cells(fdt, "iommus", BOARD_IOMMU + 1, 8);
	assert_int_equal(fdt_end_node(fdt), 0);
	begin(fdt, BOARD_PANEL, BOARD_MASTER_DRIVER);
	cells(fdt, "backlight", BOARD_GPU + 1, -1);
	assert_int_equal(fdt_end_node(fdt), 0);
	assert_int_equal(fdt_end_node(fdt), 0);
	assert_int_equal(fdt_finish(fdt), 0);
	b->blob_bytes = fdt_totalsize(fdt);
}

/* ---- the drivers ---- */

static int iommu_probe(struct weir_device *dev)
{
	return weir_iommu_register(dev, NULL, NULL);
}

static void iommu_remove(struct weir_device *dev)
{
	weir_iommu_unregister(dev);
}

int board_try_load(struct board *b, struct world *w)
{
	static const char *const names[BOARD_DRIVERS] = { "clk-driver", "iommu-driver",
							  "master-driver" };

	for (unsigned int i = 0; i < BOARD_DRIVERS; i++)
		b->drivers[i] = world_driver(w, names[i], compatibles[i], NULL, NULL);
	b->drivers[BOARD_IOMMU_DRIVER]->ops.probe = iommu_probe;
	b->drivers[BOARD_IOMMU_DRIVER]->ops.remove = iommu_remove;
	return weir_firmware_load_dt(w->m, b->blob, b->blob_bytes);
}

int board_try_device(struct world *w, unsigned int which)
{
	struct weir_fwnode *node;
	struct weir_device *dev;
	char path[16];
	int err;

	snprintf(path, sizeof(path), "/%s", board_names[which]);
	err = weir_fwnode_find(w->m, path, &node);
	if (err)
		return err;
	err = weir_device_create(w->bus, board_names[which], NULL, node, &dev);
	if (err)
		return err;
	err = weir_device_add(dev);
	weir_device_unref(dev);
	return err;
}

/* ---- the outcome ---- */

struct text {
	char *buf;
	size_t bytes, len;
};

__attribute__((format(printf, 2, 3)))
static void say(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(t->buf + t->len, t->bytes - t->len, fmt, ap);
	va_end(ap);
	t->len += (size_t)n;
	assert_true(t->len < t->bytes);
}

static struct weir_device *find(struct world *w, unsigned int which)
{
	struct weir_device *dev;

	return weir_device_find(w->bus, board_names[which], &dev) ? NULL : dev;
}

static void say_device(struct text *t, struct world *w, unsigned int which)
{
	struct weir_device *dev = find(w, which);
	struct weir_why why;

	if (!dev)
		return;
	weir_device_root_cause(dev, &why);
	say(t, "%s: %s", board_names[which], weir_verdict_name(weir_device_verdict(dev, NULL)));
	say(t, " by %s (%s)", weir_device_name(why.device), weir_verdict_name(why.verdict));
	if (weir_device_group(dev) >= 0)
		say(t, ", in a group");
	for (unsigned int i = 0; i < BOARD_DEVICES; i++) {
		struct weir_device *other = find(w, i);
		struct weir_link *link;

		if (!other || other == dev)
			continue;
		if (weir_device_group(dev) >= 0 &&
		    weir_device_group(dev) == weir_device_group(other))
			say(t, " with %s", board_names[i]);
		if (!weir_link_find(dev, other, &link))
			say(t, ", %s %s %x %d", weir_link_property(link), board_names[i],
			    weir_link_flags(link), (int)weir_link_state_get(link));
	}
	say(t, "\n");
}

void board_outcome(struct world *w, char *buf, size_t bytes)
{
	struct text t = { buf, bytes, 0 };
	struct weir_machine_stats stats;

	buf[0] = '\0';
	for (unsigned int i = 0; i < BOARD_DEVICES; i++)
		say_device(&t, w, i);
	weir_machine_stats_get(w->m, &stats);
	say(&t, "links %zu, firmware links %zu\n", stats.links, stats.fwnode_links);
}
