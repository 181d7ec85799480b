// SPDX-License-Identifier: MIT
/* PCI on configuration spaces in memory: walking, addresses, faults, devices. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/core.h"
#include "pcimodel.h"
#include "world.h"

/* A machine, a host bridge's device, and a model to build on. */
struct pci {
	struct world w;
	struct pcimodel model;
	struct weir_pci_host host;
	struct weir_device *bridge;
	struct weir_pci *pci;
	uint32_t flags;
};

static int open_pci(void **state)
{
	struct pci *p = calloc(1, sizeof(*p));

	if (!p)
		return -1;
	world_open(&p->w, NULL);
	pcimodel_init(&p->model);
	p->bridge = world_device(&p->w, "host", NULL, "host");
	p->host = (struct weir_pci_host){
		.last_bus = 255, .nr_windows = 3,
		.windows = {
			{ WEIR_PCI_IO, 0, 0x3eff0000, 0x10000 },
			{ WEIR_PCI_MEM, 0x10000000, 0x10000000, 0x20000000 },
			{ WEIR_PCI_HIGH, 0x8000000000, 0x9000000000, 0x8000000000 },
		},
	};
	*state = p;
	return 0;
}

static int close_pci(void **state)
{
	struct pci *p = *state;

	weir_pci_del(p->pci);
	world_close(&p->w);
	free(p);
	return 0;
}

static int try_add(struct pci *p)
{
	return weir_pci_add(p->bridge, &p->host, &pcimodel_ops, &p->model, p->flags, &p->pci);
}

static void add(struct pci *p)
{
	assert_int_equal(try_add(p), 0);
}

static struct weir_device *at(struct pci *p, unsigned int bus, unsigned int device,
			      unsigned int function)
{
	struct weir_device *dev;

	if (weir_pci_find(p->pci, WEIR_PCI_RID(bus, device, function), &dev))
		fail_msg("nothing at %x:%x.%x", bus, device, function);
	return dev;
}

static unsigned int count(struct pci *p)
{
	struct weir_pci_info info;
	struct weir_device *dev;
	unsigned int n = 0;

	for (dev = weir_device_first(p->w.m); dev; dev = weir_device_next(dev))
		n += !weir_pci_info_get(dev, &info);
	return n;
}

static void assert_fault(struct weir_device *dev, const char *words)
{
	const char *fault = weir_pci_fault(dev);

	if (!fault || !strstr(fault, words))
		fail_msg("%s: \"%s\" does not say \"%s\"", weir_device_name(dev),
			 fault ? fault : "no fault", words);
	assert_string_equal(weir_device_reason(dev), fault);
}

static void assert_no_fault(struct weir_device *dev)
{
	if (weir_pci_fault(dev))
		fail_msg("%s: %s", weir_device_name(dev), weir_pci_fault(dev));
}

static struct weir_pci_bar bar_of(struct weir_device *dev, unsigned int i)
{
	struct weir_pci_bar bar;

	assert_int_equal(weir_pci_bar_get(dev, i, &bar), 0);
	return bar;
}

/* ---- walking ---- */

static void test_pci_empty_bus(void **state)
{
	struct pci *p = *state;

	add(p);
	assert_int_equal(count(p), 0);
	assert_int_equal(p->model.writes, 0);
}

/* Two root ports; a switch with two ports below the second; functions below these. */
static void build_switch(struct pci *p)
{
	struct pcimodel *m = &p->model;
	int rp0 = pcimodel_pcie(m, PCIMODEL_ROOT, 1, 0, MODEL_ROOT_PORT);
	int rp1 = pcimodel_pcie(m, PCIMODEL_ROOT, 2, 0, MODEL_ROOT_PORT);
	int up, dn0, dn1;

	pcimodel_pcie(m, rp0, 0, 0, MODEL_ENDPOINT);
	up = pcimodel_pcie(m, rp1, 0, 0, MODEL_UPSTREAM);
	dn0 = pcimodel_pcie(m, up, 0, 0, MODEL_DOWNSTREAM);
	dn1 = pcimodel_pcie(m, up, 5, 0, MODEL_DOWNSTREAM);
	pcimodel_pcie(m, dn0, 0, 0, MODEL_ENDPOINT);
	pcimodel_pcie(m, dn1, 0, 0, MODEL_ENDPOINT);
}

static void assert_buses(struct weir_device *dev, unsigned int secondary, unsigned int subordinate)
{
	struct weir_pci_info info;

	assert_int_equal(weir_pci_info_get(dev, &info), 0);
	assert_int_equal(info.secondary, secondary);
	assert_int_equal(info.subordinate, subordinate);
	assert_int_equal(weir_pci_read(dev, 0x19, 1), secondary);
	assert_int_equal(weir_pci_read(dev, 0x1a, 1), subordinate);
	assert_int_equal(weir_pci_read(dev, 0x18, 1), WEIR_PCI_RID_BUS(info.rid));
}

static void test_pci_numbers_buses(void **state)
{
	struct pci *p = *state;
	struct weir_pci_info info;

	build_switch(p);
	p->host.segment = 0x2f;
	add(p);
	assert_int_equal(count(p), 8);
	assert_buses(at(p, 0, 1, 0), 1, 1);
	assert_buses(at(p, 0, 2, 0), 2, 5);
	assert_buses(at(p, 2, 0, 0), 3, 5);
	assert_buses(at(p, 3, 0, 0), 4, 4);
	assert_buses(at(p, 3, 5, 0), 5, 5);
	assert_ptr_equal(weir_device_parent(at(p, 5, 0, 0)), at(p, 3, 5, 0));
	assert_ptr_equal(weir_device_parent(at(p, 0, 1, 0)), p->bridge);
	assert_string_equal(weir_device_name(at(p, 3, 5, 0)), "002f:03:05.0");
	assert_int_equal(weir_pci_info_get(at(p, 3, 5, 0), &info), 0);
	assert_int_equal(info.kind, WEIR_PCI_DOWNSTREAM);
	assert_int_equal(weir_pci_info_get(at(p, 5, 0, 0), &info), 0);
	assert_int_equal(info.kind, WEIR_PCI_ENDPOINT);
	assert_int_equal(info.subsystem, 0x4444);
	assert_int_equal(weir_pci_info_get(p->bridge, &info), WEIR_ENODEV);
}

static void test_pci_first_bus(void **state)
{
	struct pci *p = *state;

	build_switch(p);
	p->model.first_bus = 0x40;
	p->host.first_bus = 0x40;
	p->host.last_bus = 0x4f;
	add(p);
	assert_int_equal(count(p), 8);
	assert_buses(at(p, 0x40, 2, 0), 0x42, 0x45);
}

static void test_pci_functions_of_a_slot(void **state)
{
	struct pci *p = *state;
	struct weir_pci_info info;
	int first;

	first = pcimodel_fn(&p->model, PCIMODEL_ROOT, 3, 0);
	pcimodel_fn(&p->model, PCIMODEL_ROOT, 3, 2);
	pcimodel_fn(&p->model, PCIMODEL_ROOT, 3, 7);
	pcimodel_multi(&p->model, first);
	pcimodel_fn(&p->model, PCIMODEL_ROOT, 4, 0);
	pcimodel_fn(&p->model, PCIMODEL_ROOT, 4, 1); /* not to be looked for */
	pcimodel_fn(&p->model, PCIMODEL_ROOT, 5, 1); /* no function 0: nothing is there */
	add(p);
	assert_int_equal(count(p), 4);
	assert_int_equal(weir_pci_info_get(at(p, 0, 3, 7), &info), 0);
	assert_true(info.multifunction);
	assert_int_equal(weir_pci_info_get(at(p, 0, 3, 0), &info), 0);
	assert_true(info.multifunction);
	assert_int_equal(weir_pci_info_get(at(p, 0, 4, 0), &info), 0);
	assert_false(info.multifunction);
}

static void test_pci_no_bus_left(void **state)
{
	struct pci *p = *state;

	build_switch(p);
	p->host.last_bus = 4;
	add(p);
	assert_int_equal(count(p), 7);
	assert_no_fault(at(p, 3, 0, 0));
	assert_no_fault(at(p, 4, 0, 0));
	assert_fault(at(p, 3, 5, 0), "no bus number is left");
}

/* A chain of more bridges than there are buses; nothing recurses, the last has a fault. */
static void test_pci_endless_bridges(void **state)
{
	struct pci *p = *state;
	int bridge = PCIMODEL_ROOT;

	for (unsigned int i = 0; i < 300; i++)
		bridge = pcimodel_bridge(&p->model, bridge, 31, 0);
	add(p);
	assert_int_equal(count(p), 256);
	assert_fault(at(p, 255, 31, 0), "no bus number is left");
	assert_no_fault(at(p, 254, 31, 0));
}

/* ---- keys ---- */

static void test_pci_match_keys(void **state)
{
	static const char *const keys[] = {
		"pci:1111:2222:3333:4444", "pci:1111:2222", "pci:1111:*", "pci:class:088000",
		"pci:class:0880", "pci:class:08",
	};
	struct pci *p = *state;
	struct weir_device *dev;

	pcimodel_fn(&p->model, PCIMODEL_ROOT, 1, 0);
	pcimodel_bridge(&p->model, PCIMODEL_ROOT, 2, 0);
	add(p);
	dev = at(p, 0, 1, 0);
	for (unsigned int i = 0; i < 6; i++)
		assert_string_equal(weir_match_key_(dev, i), keys[i]);
	assert_null(weir_match_key_(dev, 6));
	dev = at(p, 0, 2, 0); /* a bridge has no subsystem in its header */
	assert_string_equal(weir_match_key_(dev, 0), "pci:1111:2222");
	assert_string_equal(weir_match_key_(dev, 2), "pci:class:060400");
	assert_null(weir_match_key_(dev, 5));
}

static int probe_ok(struct weir_device *dev)
{
	return weir_pci_enable(dev);
}

static const struct weir_driver_ops driver_ops = {
	.abi = WEIR_ABI(struct weir_driver_ops),
	.probe = probe_ok,
};
static const struct weir_match driver_match[] = { { .key = "pci:class:08" }, { 0 } };
static const struct weir_driver driver = {
	.name = "drv", .bus = "pci", .match = driver_match, .ops = &driver_ops,
};

/* What is in quarantine is there, is not probed, and does not stop the others. */
static void test_pci_quarantine(void **state)
{
	struct pci *p = *state;
	struct weir_why why;
	int bad;

	bad = pcimodel_fn(&p->model, PCIMODEL_ROOT, 1, 0);
	pcimodel_set(&p->model, bad, 0x0e, 1, 0x7f, 0);
	pcimodel_fn(&p->model, PCIMODEL_ROOT, 2, 0);
	add(p);
	assert_int_equal(weir_driver_register(p->w.m, &driver), 0);
	assert_settles(&p->w);
	assert_int_equal(weir_device_status_get(at(p, 0, 2, 0)), WEIR_DEVICE_BOUND);
	assert_int_equal(weir_device_status_get(at(p, 0, 1, 0)), WEIR_DEVICE_NO_DRIVER);
	assert_fault(at(p, 0, 1, 0), "unknown type 0x7f");
	assert_int_not_equal(weir_device_verdict(at(p, 0, 1, 0), &why), WEIR_VERDICT_BOUND);
	assert_int_equal(weir_driver_unregister(p->w.m, &driver), 0);
}

/* ---- functions that lie ---- */

/* Each alone on the bus, with an honest neighbour. */
static void expect(struct pci *p, int bad, const char *words)
{
	unsigned int device = p->model.fns[bad].devfn >> 3;
	int good = pcimodel_fn(&p->model, PCIMODEL_ROOT, 30, 0);

	pcimodel_bar(&p->model, good, 0, 0x1000, 0);
	add(p);
	assert_fault(at(p, 0, device, 0), words);
	assert_no_fault(at(p, 0, 30, 0));
	assert_int_equal(bar_of(at(p, 0, 30, 0), 0).bytes, 0x1000);
}

static void test_pci_capability_loop(void **state)
{
	struct pci *p = *state;
	int bad = pcimodel_fn(&p->model, PCIMODEL_ROOT, 1, 0);
	unsigned int first = pcimodel_cap(&p->model, bad, 9, 8);
	unsigned int second = pcimodel_cap(&p->model, bad, 9, 8);

	pcimodel_set(&p->model, bad, second + 1, 1, first, 0);
	expect(p, bad, "list of capabilities loops");
	assert_int_equal(weir_pci_cap(at(p, 0, 1, 0), 0x77, 0), WEIR_ENOENT);
	assert_int_equal(weir_pci_cap(at(p, 0, 1, 0), 9, first), second);
	assert_int_equal(weir_pci_cap(at(p, 0, 1, 0), 9, second), first);
}

static void test_pci_capability_in_header(void **state)
{
	struct pci *p = *state;
	int bad = pcimodel_fn(&p->model, PCIMODEL_ROOT, 1, 0);

	pcimodel_cap(&p->model, bad, 9, 8);
	pcimodel_set(&p->model, bad, 0x34, 1, 0x10, 0);
	expect(p, bad, "leads into the header");
}

static void test_pci_capability_all_ones(void **state)
{
	struct pci *p = *state;
	int bad = pcimodel_fn(&p->model, PCIMODEL_ROOT, 1, 0);

	pcimodel_cap(&p->model, bad, 0xff, 8);
	expect(p, bad, "reads as all ones");
}

static void test_pci_extended_loop(void **state)
{
	struct pci *p = *state;
	int bad = pcimodel_pcie(&p->model, PCIMODEL_ROOT, 1, 0, MODEL_ROOT_ENDPOINT);
	unsigned int ext = pcimodel_ext(&p->model, bad, 1, 8);

	pcimodel_set(&p->model, bad, ext, 4, 0x10001u | ext << 20, 0);
	expect(p, bad, "extended capabilities loops");
	assert_int_equal(weir_pci_ext_cap(at(p, 0, 1, 0), 0x77, 0), WEIR_ENOENT);
}

static void test_pci_extended_leads_out(void **state)
{
	struct pci *p = *state;
	int bad = pcimodel_pcie(&p->model, PCIMODEL_ROOT, 1, 0, MODEL_ROOT_ENDPOINT);
	unsigned int ext = pcimodel_ext(&p->model, bad, 1, 8);

	pcimodel_set(&p->model, bad, ext, 4, 0x10001u | 0x40u << 20, 0);
	expect(p, bad, "leads out of its area");
}

/* All ones but for the ids: what a function looks like that fell off its link. */
static void test_pci_all_ones(void **state)
{
	struct pci *p = *state;
	int bad = pcimodel_fn(&p->model, PCIMODEL_ROOT, 1, 0);
	int gone = pcimodel_fn(&p->model, PCIMODEL_ROOT, 2, 0);

	memset(p->model.fns[bad].space + 4, 0xff, 4092);
	memset(p->model.fns[gone].space, 0xff, 4096);
	expect(p, bad, "unknown type 0x7f");
	/* the multi-function bit is set too: the same header, seen once */
	assert_int_equal(count(p), 2);
}

static void test_pci_port_type_and_header(void **state)
{
	struct pci *p = *state;
	int bad = pcimodel_pcie(&p->model, PCIMODEL_ROOT, 1, 0, MODEL_ENDPOINT);

	pcimodel_set(&p->model, bad, 0x42, 2, 2 | MODEL_ROOT_PORT << 4, 0);
	expect(p, bad, "its type of port is 4, its header's 0");
}

static void test_pci_bar_without_size(void **state)
{
	struct pci *p = *state;
	int bad = pcimodel_fn(&p->model, PCIMODEL_ROOT, 1, 0);

	pcimodel_set(&p->model, bad, 0x18, 4, 0, 0xff0ff000);
	expect(p, bad, "BAR 2 has no size");
}

static void test_pci_last_bar_64bit(void **state)
{
	struct pci *p = *state;
	int bad = pcimodel_fn(&p->model, PCIMODEL_ROOT, 1, 0);

	pcimodel_set(&p->model, bad, 0x24, 4, 4, 0xfffff000);
	expect(p, bad, "BAR 5");
}

static void test_pci_absurd_size(void **state)
{
	struct pci *p = *state;
	int bad = pcimodel_fn(&p->model, PCIMODEL_ROOT, 1, 0);

	pcimodel_bar(&p->model, bad, 0, (uint64_t)1 << 62, 0xc);
	expect(p, bad, "no room for the 0x4000000000000000 bytes of BAR 0");
}

static void test_pci_absurd_size_32bit(void **state)
{
	struct pci *p = *state;
	int bad = pcimodel_fn(&p->model, PCIMODEL_ROOT, 1, 0);
	struct weir_pci_bar bar;

	pcimodel_bar(&p->model, bad, 0, 0x80000000u, 0);
	pcimodel_bar(&p->model, bad, 1, 0x1000, 0);
	expect(p, bad, "no room for the 0x80000000 bytes of BAR 0");
	assert_int_equal(weir_pci_bar_get(at(p, 0, 1, 0), 0, &bar), WEIR_ENOSPC);
	assert_int_equal(weir_pci_bar_get(at(p, 0, 1, 0), 2, &bar), WEIR_ENOENT);
}

/* ---- addresses ---- */

static bool inside(uint64_t from, uint64_t bytes, uint64_t base, uint64_t limit)
{
	return from >= base && from + bytes - 1 <= limit;
}

/* What a bridge's registers say it passes on. */
static bool passes(struct weir_device *bridge, const struct weir_pci_bar *bar)
{
	uint64_t mem = (uint64_t)(weir_pci_read(bridge, 0x20, 2) & 0xfff0) << 16;
	uint64_t mem_end = (uint64_t)(weir_pci_read(bridge, 0x22, 2) & 0xfff0) << 16 | 0xfffff;
	uint64_t high = (uint64_t)(weir_pci_read(bridge, 0x24, 2) & 0xfff0) << 16 |
			(uint64_t)weir_pci_read(bridge, 0x28, 4) << 32;
	uint64_t high_end = (uint64_t)(weir_pci_read(bridge, 0x26, 2) & 0xfff0) << 16 |
			    (uint64_t)weir_pci_read(bridge, 0x2c, 4) << 32 | 0xfffff;
	uint64_t io = (uint64_t)(weir_pci_read(bridge, 0x1c, 1) & 0xf0) << 8 |
		      (uint64_t)weir_pci_read(bridge, 0x30, 2) << 16;
	uint64_t io_end = (uint64_t)(weir_pci_read(bridge, 0x1d, 1) & 0xf0) << 8 |
			  (uint64_t)weir_pci_read(bridge, 0x32, 2) << 16 | 0xfff;

	if (bar->space == WEIR_PCI_IO)
		return inside(bar->pci, bar->bytes, io, io_end);
	return inside(bar->pci, bar->bytes, mem, mem_end) ||
	       inside(bar->pci, bar->bytes, high, high_end);
}

/* Every register is aligned, in the windows above it, and overlaps no other. */
static void check_addresses(struct pci *p)
{
	static struct weir_pci_bar bars[4096];
	struct weir_device *dev, *up;
	unsigned int n = 0;

	for (dev = weir_device_first(p->w.m); dev; dev = weir_device_next(dev)) {
		for (unsigned int i = 0; i < 6; i++) {
			struct weir_pci_bar bar;
			struct weir_pci_info info;

			if (weir_pci_bar_get(dev, i, &bar))
				continue;
			assert_int_equal(bar.pci % bar.bytes, 0);
			assert_true(bar.pci != 0);
			assert_true(bar.is_64bit || bar.pci + bar.bytes <= (uint64_t)1 << 32);
			for (up = weir_device_parent(dev); !weir_pci_info_get(up, &info);
			     up = weir_device_parent(up))
				assert_true(passes(up, &bar));
			for (unsigned int j = 0; j < n; j++)
				assert_true((bars[j].space == WEIR_PCI_IO) != (bar.space == WEIR_PCI_IO) ||
					    bar.pci + bar.bytes <= bars[j].pci ||
					    bars[j].pci + bars[j].bytes <= bar.pci);
			assert_true(n < 4096);
			bars[n++] = bar;
		}
	}
}

static void test_pci_spaces(void **state)
{
	struct pci *p = *state;
	struct pcimodel *m = &p->model;
	int port, dev;

	dev = pcimodel_fn(m, PCIMODEL_ROOT, 1, 0);
	pcimodel_bar(m, dev, 0, 0x1000, 0);
	pcimodel_bar(m, dev, 1, 0x20, 1);
	pcimodel_bar(m, dev, 2, 0x100000, 4);
	pcimodel_bar(m, dev, 4, 0x100000, 8);
	port = pcimodel_pcie(m, PCIMODEL_ROOT, 2, 0, MODEL_ROOT_PORT);
	dev = pcimodel_pcie(m, port, 0, 0, MODEL_ENDPOINT);
	pcimodel_bar(m, dev, 0, 0x10000000, 0xc);
	pcimodel_bar(m, dev, 2, 0x4000, 4);
	pcimodel_bar(m, dev, 4, 0x100, 1);
	add(p);
	dev = 0;
	assert_int_equal(bar_of(at(p, 0, 1, 0), 0).space, WEIR_PCI_MEM);
	assert_int_equal(bar_of(at(p, 0, 1, 0), 1).space, WEIR_PCI_IO);
	assert_int_equal(bar_of(at(p, 0, 1, 0), 2).space, WEIR_PCI_HIGH); /* on the root bus */
	assert_int_equal(bar_of(at(p, 0, 1, 0), 4).space, WEIR_PCI_MEM);
	assert_int_equal(bar_of(at(p, 1, 0, 0), 0).space, WEIR_PCI_HIGH);
	assert_int_equal(bar_of(at(p, 1, 0, 0), 2).space, WEIR_PCI_MEM); /* not prefetchable */
	assert_int_equal(bar_of(at(p, 1, 0, 0), 4).space, WEIR_PCI_IO);
	assert_true(bar_of(at(p, 1, 0, 0), 0).cpu == bar_of(at(p, 1, 0, 0), 0).pci + 0x1000000000);
	assert_true(bar_of(at(p, 1, 0, 0), 4).cpu == bar_of(at(p, 1, 0, 0), 4).pci + 0x3eff0000);
	check_addresses(p);
}

/* A bridge without a 64-bit prefetchable window, or a host without a high one: all is low. */
static void test_pci_no_high_space(void **state)
{
	struct pci *p = *state;
	int port = pcimodel_pcie(&p->model, PCIMODEL_ROOT, 2, 0, MODEL_ROOT_PORT), dev;

	pcimodel_set(&p->model, port, 0x24, 4, 0, 0);
	pcimodel_set(&p->model, port, 0x1c, 2, 0, 0);
	dev = pcimodel_pcie(&p->model, port, 0, 0, MODEL_ENDPOINT);
	pcimodel_bar(&p->model, dev, 0, 0x10000, 0xc);
	pcimodel_bar(&p->model, dev, 2, 0x100, 1);
	add(p);
	assert_int_equal(bar_of(at(p, 1, 0, 0), 0).space, WEIR_PCI_MEM);
	/* no window for ports: it does without, and that is no fault */
	assert_int_equal(weir_pci_bar_get(at(p, 1, 0, 0), 2, &(struct weir_pci_bar){ 0 }),
			 WEIR_ENOSPC);
	assert_no_fault(at(p, 1, 0, 0));
	check_addresses(p);
}

/* The room that ports keep gives way before a device does; then the largest go. */
static void test_pci_tight_space(void **state)
{
	struct pci *p = *state;
	struct pcimodel *m = &p->model;

	p->host.windows[1].bytes = 8u << 20;
	for (unsigned int i = 0; i < 6; i++) {
		int port = pcimodel_pcie(m, PCIMODEL_ROOT, 1 + i, 0, MODEL_ROOT_PORT), dev;

		pcimodel_hotplug(m, port);
		dev = pcimodel_pcie(m, port, 0, 0, MODEL_ENDPOINT);
		pcimodel_bar(m, dev, 0, i == 3 ? 4u << 20 : 0x1000, 0);
	}
	add(p);
	check_addresses(p);
	for (unsigned int i = 0; i < 6; i++) {
		if (i == 3)
			assert_fault(at(p, 1 + i, 0, 0), "no room for the 0x400000 bytes");
		else
			assert_no_fault(at(p, 1 + i, 0, 0));
	}
}

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

static void grow(struct pcimodel *m, int parent, uint32_t *seed, unsigned int depth)
{
	unsigned int n = parent != PCIMODEL_ROOT && m->fns[parent].port ? 1 : 1 + next_random(seed) % 4;

	for (unsigned int i = 0; i < n && m->n < 120; i++) {
		int fn;

		if (depth < 4 && next_random(seed) % 2) {
			fn = next_random(seed) % 2 ? pcimodel_bridge(m, parent, i, 0)
						   : pcimodel_pcie(m, parent, i, 0, MODEL_UPSTREAM);
			grow(m, fn, seed, depth + 1);
			continue;
		}
		fn = pcimodel_fn(m, parent, i, 0);
		for (unsigned int b = 0; b < 5; b++) {
			unsigned int kind = next_random(seed) % 4;

			if (kind == 0)
				pcimodel_bar(m, fn, b, (uint64_t)16 << next_random(seed) % 20, 0);
			else if (kind == 1)
				pcimodel_bar(m, fn, b, 4u << next_random(seed) % 6, 1);
			else if (kind == 2)
				pcimodel_bar(m, fn, b++, (uint64_t)16 << next_random(seed) % 24, 0xc);
		}
	}
}

static void test_pci_random_trees(void **state)
{
	struct pci *p = *state;

	for (uint32_t seed = 1; seed <= 60; seed++) {
		uint32_t at_seed = seed;

		pcimodel_init(&p->model);
		grow(&p->model, PCIMODEL_ROOT, &at_seed, 0);
		add(p);
		assert_int_equal(count(p), p->model.n);
		check_addresses(p);
		weir_pci_del(p->pci);
		p->pci = NULL;
	}
}

/* ---- as firmware left it ---- */

static void test_pci_keep(void **state)
{
	struct pci *p = *state;
	uint64_t bar;

	build_switch(p);
	pcimodel_bar(&p->model, 7, 0, 0x2000, 0);
	add(p);
	bar = bar_of(at(p, 5, 0, 0), 0).pci;
	weir_pci_del(p->pci);
	p->pci = NULL;
	p->flags = WEIR_PCI_KEEP;
	add(p);
	assert_int_equal(count(p), 8);
	assert_buses(at(p, 0, 2, 0), 2, 5);
	assert_true(bar_of(at(p, 5, 0, 0), 0).pci == bar);
	assert_int_equal(bar_of(at(p, 5, 0, 0), 0).bytes, 0x2000);
}

static void test_pci_read_only(void **state)
{
	struct pci *p = *state;
	unsigned long writes;

	build_switch(p);
	add(p);
	weir_pci_del(p->pci);
	p->pci = NULL;
	writes = p->model.writes;
	p->flags = WEIR_PCI_KEEP | WEIR_PCI_READ_ONLY;
	add(p);
	assert_int_equal(count(p), 8);
	weir_pci_del(p->pci);
	p->pci = NULL;
	assert_int_equal(p->model.writes, writes);
}

/* Firmware that numbered buses in a circle, or outside of the bridge above. */
static void test_pci_keep_bad_buses(void **state)
{
	struct pci *p = *state;

	build_switch(p);
	add(p);
	weir_pci_del(p->pci);
	p->pci = NULL;
	p->flags = WEIR_PCI_KEEP;
	p->model.fns[3].space[0x19] = 0; /* the switch: back to the root */
	add(p);
	assert_fault(at(p, 2, 0, 0), "its buses 0 to 5 are not below");
	assert_int_equal(count(p), 4);
	weir_pci_del(p->pci);
	p->pci = NULL;
	p->model.fns[3].space[0x19] = 3;
	p->model.fns[3].space[0x1a] = 9; /* more than its port passes on */
	add(p);
	assert_fault(at(p, 2, 0, 0), "its buses 3 to 9 are not below");
}

/* ---- DMA ---- */

static bool is_master(struct pci *p, unsigned int bus, unsigned int device)
{
	return weir_pci_is_master(at(p, bus, device, 0));
}

/* Bridges pass DMA on exactly as long as something below may do it. */
static void test_pci_masters(void **state)
{
	struct pci *p = *state;

	build_switch(p);
	pcimodel_set(&p->model, 1, 0x04, 2, 0x0007, 0x0407); /* firmware left all on */
	pcimodel_set(&p->model, 6, 0x04, 2, 0x0007, 0x0407);
	add(p);
	assert_false(is_master(p, 0, 2) || is_master(p, 4, 0));
	assert_int_equal(weir_pci_master(at(p, 4, 0, 0), true), 0);
	assert_int_equal(weir_pci_master(at(p, 4, 0, 0), true), 0);
	assert_true(is_master(p, 4, 0) && is_master(p, 3, 0) && is_master(p, 2, 0) &&
		    is_master(p, 0, 2));
	assert_false(is_master(p, 3, 5) || is_master(p, 0, 1) || is_master(p, 5, 0));
	assert_int_equal(weir_pci_master(at(p, 5, 0, 0), true), 0);
	assert_int_equal(weir_pci_master(at(p, 4, 0, 0), false), 0);
	assert_false(is_master(p, 4, 0) || is_master(p, 3, 0));
	assert_true(is_master(p, 0, 2) && is_master(p, 3, 5));
	weir_pci_disable(at(p, 5, 0, 0));
	assert_false(is_master(p, 0, 2) || is_master(p, 2, 0) || is_master(p, 5, 0));
	pcimodel_set(&p->model, 2, 0x04, 2, 0, 0x0403); /* one that does not take it */
	assert_int_equal(weir_pci_master(at(p, 1, 0, 0), true), WEIR_EIO);
	assert_false(is_master(p, 0, 1));
	/* deleting takes it away too */
	assert_int_equal(weir_pci_master(at(p, 5, 0, 0), true), 0);
	weir_pci_del(p->pci);
	p->pci = NULL;
	for (unsigned int i = 0; i < p->model.n; i++)
		assert_int_equal(pcimodel_get(&p->model, (int)i, 4, 2) & 4, 0);
}

/* ---- MSIs ---- */

static void test_pci_msi(void **state)
{
	struct pci *p = *state;
	struct weir_msi wide = { .pa = 0x123456789000, .data = 0x4321 };
	struct weir_msi low = { .pa = 0x80001000, .data = 0x10000 };
	int dev = pcimodel_fn(&p->model, PCIMODEL_ROOT, 1, 0), narrow;
	unsigned int cap = pcimodel_cap(&p->model, dev, 5, 14);

	pcimodel_set(&p->model, dev, cap + 2, 2, 0x0086, 0x71); /* 64-bit, 8 messages */
	pcimodel_set(&p->model, dev, cap + 4, 4, 0, 0xfffffffc);
	pcimodel_set(&p->model, dev, cap + 8, 4, 0, 0xffffffff);
	pcimodel_set(&p->model, dev, cap + 12, 2, 0, 0xffff);
	narrow = pcimodel_fn(&p->model, PCIMODEL_ROOT, 2, 0);
	pcimodel_cap(&p->model, narrow, 5, 10);
	add(p);
	assert_int_equal(weir_pci_msi_count(at(p, 0, 1, 0)), 1);
	assert_int_equal(weir_pci_msi_enable(at(p, 0, 1, 0), 2, &wide), WEIR_EINVAL);
	assert_int_equal(weir_pci_msi_enable(at(p, 0, 1, 0), 1, &low), WEIR_EINVAL);
	assert_int_equal(weir_pci_msi_enable(at(p, 0, 1, 0), 1, &wide), 0);
	assert_int_equal(pcimodel_get(&p->model, dev, cap + 2, 2), 0x0087); /* one, on */
	assert_int_equal(pcimodel_get(&p->model, dev, cap + 4, 4), 0x56789000);
	assert_int_equal(pcimodel_get(&p->model, dev, cap + 8, 4), 0x1234);
	assert_int_equal(pcimodel_get(&p->model, dev, cap + 12, 2), 0x4321);
	wide.data = 7;
	assert_int_equal(weir_pci_msi_set(at(p, 0, 1, 0), 0, &wide), 0);
	assert_int_equal(weir_pci_msi_set(at(p, 0, 1, 0), 1, &wide), WEIR_EINVAL);
	assert_int_equal(pcimodel_get(&p->model, dev, cap + 12, 2), 7);
	weir_pci_msi_disable(at(p, 0, 1, 0));
	assert_int_equal(pcimodel_get(&p->model, dev, cap + 2, 2), 0x0086);
	assert_int_equal(weir_pci_msi_enable(at(p, 0, 2, 0), 1, &wide), WEIR_EINVAL);
}

/* A table that is not inside the registers it claims. */
static void test_pci_msix_table_outside(void **state)
{
	struct pci *p = *state;
	struct weir_msi message = { .pa = 0x1000, .data = 1 };
	int dev = pcimodel_fn(&p->model, PCIMODEL_ROOT, 1, 0);
	unsigned int cap = pcimodel_cap(&p->model, dev, 0x11, 12);

	pcimodel_bar(&p->model, dev, 0, 0x1000, 0);
	pcimodel_bar(&p->model, dev, 1, 0x100, 1);
	pcimodel_set(&p->model, dev, cap + 2, 2, 63, 0xc000);
	add(p);
	assert_int_equal(weir_pci_msi_count(at(p, 0, 1, 0)), 64);
	pcimodel_set(&p->model, dev, cap + 4, 4, 0xc08, 0);        /* the end is outside */
	assert_int_equal(weir_pci_msi_enable(at(p, 0, 1, 0), 1, &message), WEIR_ENXIO);
	pcimodel_set(&p->model, dev, cap + 4, 4, 0xfffffff8, 0);
	assert_int_equal(weir_pci_msi_enable(at(p, 0, 1, 0), 1, &message), WEIR_ENXIO);
	pcimodel_set(&p->model, dev, cap + 4, 4, 1, 0);            /* ports */
	assert_int_equal(weir_pci_msi_enable(at(p, 0, 1, 0), 1, &message), WEIR_ENXIO);
	pcimodel_set(&p->model, dev, cap + 4, 4, 7, 0);            /* no such register */
	assert_int_equal(weir_pci_msi_enable(at(p, 0, 1, 0), 1, &message), WEIR_ENXIO);
	pcimodel_set(&p->model, dev, cap + 4, 4, 0, 0);            /* this host has no registers */
	assert_int_equal(weir_pci_msi_enable(at(p, 0, 1, 0), 1, &message), WEIR_EOPNOTSUPP);
	assert_int_equal(pcimodel_get(&p->model, dev, cap + 2, 2), 63);
}

/* ---- arguments, memory ---- */

static void test_pci_bad_arguments(void **state)
{
	struct pci *p = *state;
	struct weir_pci_config_ops old = pcimodel_ops;
	struct weir_pci_host host = p->host;
	struct weir_pci *pci;

	old.abi.version = 0;
	assert_int_equal(weir_pci_add(p->bridge, &host, &old, &p->model, 0, &pci), WEIR_EINVAL);
	assert_int_equal(weir_pci_add(p->bridge, &host, NULL, NULL, 0, &pci), WEIR_EINVAL);
	host.ecam_bytes = 1u << 20;
	assert_int_equal(weir_pci_add(p->bridge, &host, NULL, NULL, 0, &pci), WEIR_EOPNOTSUPP);
	host.first_bus = 9;
	host.last_bus = 8;
	assert_int_equal(weir_pci_add(p->bridge, &host, &pcimodel_ops, &p->model, 0, &pci),
			 WEIR_EINVAL);
	host = p->host;
	host.windows[1].bytes = UINT64_MAX;
	assert_int_equal(weir_pci_add(p->bridge, &host, &pcimodel_ops, &p->model, 0, &pci),
			 WEIR_EINVAL);
	weir_pci_del(NULL);
}

static void test_pci_two_segments(void **state)
{
	struct pci *p = *state;
	struct weir_pci *second, *third;

	build_switch(p);
	add(p);
	p->host.segment = 1;
	assert_int_equal(weir_pci_add(p->bridge, &p->host, &pcimodel_ops, &p->model, 0, &second), 0);
	assert_int_equal(count(p), 16);
	assert_int_equal(weir_pci_add(p->bridge, &p->host, &pcimodel_ops, &p->model, 0, &third),
			 WEIR_EEXIST);
	assert_int_equal(count(p), 16);
	weir_pci_del(second);
	assert_int_equal(count(p), 8);
}

static void sweep(struct testhost *t, void *arg)
{
	static struct pcimodel model;
	struct pci *p = arg;
	struct weir_device *bridge = NULL;
	struct weir_pci *pci = NULL;
	struct world w;
	int err;

	memset(&w, 0, sizeof(w));
	model = p->model;
	err = world_try_open(&w, t, NULL);
	if (!err)
		err = world_try_device(&w, "host", NULL, "host", &bridge);
	if (!err)
		err = weir_pci_add(bridge, &p->host, &pcimodel_ops, &model, 0, &pci);
	if (!err)
		weir_pci_del(pci);
	else
		assert_int_equal(err, WEIR_ENOMEM);
	assert_int_equal(err != 0, testhost_fault_hit(t));
	if (w.m)
		weir_machine_destroy(w.m);
}

/* Every allocation fails once: the error is returned and nothing is left. */
static void test_pci_fault_sweep(void **state)
{
	struct pci *p = *state;

	build_switch(p);
	pcimodel_bar(&p->model, 7, 0, 0x1000, 0);
	assert_true(testhost_sweep(NULL, NULL, sweep, p) > 40);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_pci, close_pci)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_pci_empty_bus),
		TEST(test_pci_numbers_buses),
		TEST(test_pci_first_bus),
		TEST(test_pci_functions_of_a_slot),
		TEST(test_pci_no_bus_left),
		TEST(test_pci_endless_bridges),
		TEST(test_pci_match_keys),
		TEST(test_pci_quarantine),
		TEST(test_pci_capability_loop),
		TEST(test_pci_capability_in_header),
		TEST(test_pci_capability_all_ones),
		TEST(test_pci_extended_loop),
		TEST(test_pci_extended_leads_out),
		TEST(test_pci_all_ones),
		TEST(test_pci_port_type_and_header),
		TEST(test_pci_bar_without_size),
		TEST(test_pci_last_bar_64bit),
		TEST(test_pci_absurd_size),
		TEST(test_pci_absurd_size_32bit),
		TEST(test_pci_spaces),
		TEST(test_pci_no_high_space),
		TEST(test_pci_tight_space),
		TEST(test_pci_random_trees),
		TEST(test_pci_keep),
		TEST(test_pci_read_only),
		TEST(test_pci_keep_bad_buses),
		TEST(test_pci_masters),
		TEST(test_pci_msi),
		TEST(test_pci_msix_table_outside),
		TEST(test_pci_bad_arguments),
		TEST(test_pci_two_segments),
		TEST(test_pci_fault_sweep),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
