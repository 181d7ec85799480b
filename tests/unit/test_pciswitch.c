// SPDX-License-Identifier: MIT
/*
 * Room for what is plugged: spare bus numbers and windows below ports, how they are shared
 * when they are scarce, and whole switches that come and go in them.
 */
#include <stdio.h>
#include <string.h>

#include "pciworld.h"
#include "seed.h"

/* A root port to plug into. Return: its number in the model. */
static int slot(struct pci *p, unsigned int device)
{
	int rp = pcimodel_acs(&p->model, PCIMODEL_ROOT, device, 0, MODEL_ROOT_PORT, MODEL_ACS);

	pcimodel_hotplug(&p->model, rp);
	return rp;
}

static void set_absent(struct pci *p, unsigned int from, bool absent)
{
	for (unsigned int i = from; i < p->model.n; i++)
		p->model.fns[i].absent = absent;
}

/* A switch with @ports slots. Return: the number of its first port, the others follow. */
static int build_switch(struct pci *p, int above, unsigned int ports)
{
	int up = pcimodel_pcie(&p->model, above, 0, 0, MODEL_UPSTREAM);

	for (unsigned int i = 0; i < ports; i++) {
		int dn = pcimodel_acs(&p->model, up, i, 0, MODEL_DOWNSTREAM, MODEL_ACS);

		pcimodel_hotplug(&p->model, dn);
	}
	return up + 1;
}

/* An endpoint with registers of every kind. */
static int build_endpoint(struct pci *p, int above)
{
	int fn = pcimodel_pcie(&p->model, above, 0, 0, MODEL_ENDPOINT);

	pcimodel_bar(&p->model, fn, 0, 0x4000, 0);
	pcimodel_bar(&p->model, fn, 1, 0x20, 1);
	pcimodel_bar(&p->model, fn, 2, 0x100000, 0xc);
	return fn;
}

/* The buses of all bridges are inside those of the bridge above, and each is used once. */
static void check_buses(struct pci *p)
{
	struct weir_pci_info a, b;
	struct weir_device *dev;

	for (dev = weir_device_first(p->w.m); dev; dev = weir_device_next(dev)) {
		if (weir_pci_info_get(dev, &a) || weir_pci_info_get(weir_device_parent(dev), &b))
			continue;
		assert_int_equal(WEIR_PCI_RID_BUS(a.rid), b.secondary);
		if (a.secondary) {
			assert_true(a.secondary > b.secondary && a.secondary <= a.subordinate);
			assert_true(a.subordinate <= b.subordinate);
			assert_buses(dev, a.secondary, a.subordinate);
		}
	}
	for (dev = weir_device_first(p->w.m); dev; dev = weir_device_next(dev)) {
		struct weir_device *other;

		if (weir_pci_info_get(dev, &a) || !a.secondary)
			continue;
		for (other = weir_device_next(dev); other; other = weir_device_next(other))
			if (!weir_pci_info_get(other, &b) && b.secondary &&
			    weir_device_parent(other) == weir_device_parent(dev))
				assert_true(a.subordinate < b.secondary ||
					    b.subordinate < a.secondary);
	}
}

static const char *key_of(struct weir_device *dev)
{
	struct weir_pci_group group;

	assert_int_equal(weir_pci_group_get(dev, WEIR_PCI_RULES_WEIR, &group), 0);
	return group.key;
}

/* ---- numbers ---- */

/* Who cannot be plugged into keeps none; a card in its slot is counted. */
static void test_pciswitch_spare_numbers(void **state)
{
	struct pci *p = *state;

	build_endpoint(p, slot(p, 1));
	pcimodel_pcie(&p->model, PCIMODEL_ROOT, 2, 0, MODEL_ROOT_PORT);
	slot(p, 3);
	pci_add(p);
	assert_buses(pci_at(p, 0, 1, 0), 1, 8);
	assert_buses(pci_at(p, 0, 2, 0), 9, 9);
	assert_buses(pci_at(p, 0, 3, 0), 10, 17);
	assert_no_fault(pci_at(p, 1, 0, 0));
	pci_check_addresses(p);
}

/* What is there comes first; all keep the same of the rest. */
static void test_pciswitch_scarce_numbers(void **state)
{
	struct pci *p = *state;

	for (unsigned int i = 1; i <= 3; i++)
		slot(p, i);
	pcimodel_pcie(&p->model, PCIMODEL_ROOT, 4, 0, MODEL_ROOT_PORT);
	p->host.last_bus = 14;
	pci_add(p);
	assert_buses(pci_at(p, 0, 1, 0), 1, 4);
	assert_buses(pci_at(p, 0, 3, 0), 9, 12);
	assert_buses(pci_at(p, 0, 4, 0), 13, 13);
	pci_del(p);
	p->host.last_bus = 4;
	pci_add(p);
	for (unsigned int i = 1; i <= 4; i++)
		assert_buses(pci_at(p, 0, i, 0), i, i);
	pci_del(p);
	p->host.last_bus = 3; /* not even that */
	pci_add(p);
	assert_buses(pci_at(p, 0, 3, 0), 3, 3);
	assert_fault(pci_at(p, 0, 4, 0), "no bus number is left");
}

/* The slots of a switch have their own, the port above has the sum. */
static void test_pciswitch_nested_numbers(void **state)
{
	struct pci *p = *state;
	int dn = build_switch(p, slot(p, 1), 2);

	build_endpoint(p, dn);
	slot(p, 2);
	pci_add(p);
	assert_buses(pci_at(p, 0, 1, 0), 1, 18);
	assert_buses(pci_at(p, 1, 0, 0), 2, 18);
	assert_buses(pci_at(p, 2, 0, 0), 3, 10);
	assert_buses(pci_at(p, 2, 1, 0), 11, 18);
	assert_buses(pci_at(p, 0, 2, 0), 19, 26);
	assert_string_equal(weir_device_name(pci_at(p, 3, 0, 0)), "0000:03:00.0");
	pci_check_addresses(p);
}

static void test_pciswitch_embedder_chooses(void **state)
{
	struct pci *p = *state;

	slot(p, 1);
	slot(p, 2);
	p->host.reserve.set = true;
	p->host.reserve.buses = 2;
	p->host.reserve.bytes[WEIR_PCI_MEM] = 0x2fffff; /* makes 2 MiB */
	pci_add(p);
	assert_buses(pci_at(p, 0, 1, 0), 1, 3);
	assert_buses(pci_at(p, 0, 2, 0), 4, 6);
	assert_int_equal(weir_pci_read(pci_at(p, 0, 2, 0), 0x22, 2) -
			 weir_pci_read(pci_at(p, 0, 2, 0), 0x20, 2), 0x10);
	assert_int_equal(weir_pci_read(pci_at(p, 0, 2, 0), 0x24, 2), 0xfff1); /* closed */
	assert_int_equal(weir_pci_read(pci_at(p, 0, 2, 0), 0x26, 2), 0x0001);
	pci_del(p);
	p->host.reserve.buses = 0;
	pci_add(p);
	assert_buses(pci_at(p, 0, 2, 0), 2, 2);
	pci_del(p);
	p->host.reserve.buses = 100000; /* all that there are, half each */
	pci_add(p);
	assert_buses(pci_at(p, 0, 1, 0), 1, 127);
	assert_buses(pci_at(p, 0, 2, 0), 128, 254);
}

/* What was left in bridges when they are numbered again does not lead cycles astray. */
static void test_pciswitch_numbers_left(void **state)
{
	struct pci *p = *state;
	int dn = build_switch(p, slot(p, 1), 3);

	for (int i = 0; i < 3; i++)
		build_endpoint(p, dn + i);
	slot(p, 2);
	pci_add(p);
	pci_del(p);
	for (int i = 0; i < 3; i++) { /* each claims what another will get */
		pcimodel_set(&p->model, dn + i, 0x19, 1, 3 + (2 - (unsigned int)i), 0xff);
		pcimodel_set(&p->model, dn + i, 0x1a, 1, 200, 0xff);
	}
	pcimodel_set(&p->model, 8, 0x19, 1, 1, 0xff);
	pci_add(p);
	assert_int_equal(pci_count(p), 9);
	check_buses(p);
	assert_buses(pci_at(p, 2, 2, 0), 19, 26);
	assert_no_fault(pci_at(p, 19, 0, 0));
}

/* ---- whole switches ---- */

/* A switch with two slots, an endpoint in the second. */
static void build_card(struct pci *p, int rp)
{
	build_endpoint(p, build_switch(p, rp, 2) + 1);
}

/* It is as if it had been there, each time. */
static void test_pciswitch_plug(void **state)
{
	struct pci *p = *state;
	char keys[4][40];

	build_card(p, slot(p, 1));
	pci_add(p);
	strcpy(keys[0], key_of(pci_at(p, 1, 0, 0)));
	strcpy(keys[1], key_of(pci_at(p, 2, 0, 0)));
	strcpy(keys[2], key_of(pci_at(p, 2, 1, 0)));
	strcpy(keys[3], key_of(pci_at(p, 11, 0, 0)));
	pci_del(p);
	set_absent(p, 1, true);
	pci_add(p);
	for (unsigned int round = 0; round < 3; round++) {
		struct weir_device *dev;

		set_absent(p, 1, false);
		assert_int_equal(weir_pci_plug(pci_at(p, 0, 1, 0)), 4);
		assert_buses(pci_at(p, 0, 1, 0), 1, 8);
		assert_buses(pci_at(p, 1, 0, 0), 2, 8);
		assert_buses(pci_at(p, 2, 0, 0), 3, 5); /* they share the rest */
		assert_buses(pci_at(p, 2, 1, 0), 6, 8);
		check_buses(p);
		pci_check_addresses(p);
		dev = pci_at(p, 6, 0, 0);
		assert_no_fault(dev);
		assert_int_equal(pci_bar(dev, 0).space, WEIR_PCI_MEM);
		assert_int_equal(pci_bar(dev, 1).space, WEIR_PCI_IO);
		assert_int_equal(pci_bar(dev, 2).space, WEIR_PCI_HIGH);
		/* bridges decode, and pass DMA on when asked to */
		assert_int_equal(weir_pci_read(pci_at(p, 2, 1, 0), 4, 2), 0x403);
		assert_int_equal(weir_pci_master(dev, true), 0);
		assert_true(weir_pci_is_master(pci_at(p, 1, 0, 0)));
		assert_true(weir_pci_is_master(pci_at(p, 0, 1, 0)));
		assert_string_equal(key_of(pci_at(p, 1, 0, 0)), keys[0]);
		assert_string_equal(key_of(pci_at(p, 2, 0, 0)), keys[1]);
		assert_string_equal(key_of(pci_at(p, 2, 1, 0)), keys[2]);
		assert_string_equal(key_of(dev), keys[3]);
		assert_int_equal(weir_pci_unplug(pci_at(p, 0, 1, 0)), 4);
		assert_false(weir_pci_is_master(pci_at(p, 0, 1, 0)));
		set_absent(p, 1, true);
		assert_int_equal(weir_pci_plug(pci_at(p, 0, 1, 0)), 0);
	}
}

/* Into the slots of a plugged switch, as long as there are numbers. */
static void test_pciswitch_plug_below(void **state)
{
	struct pci *p = *state;
	int dn = build_switch(p, slot(p, 1), 1), inner = build_switch(p, dn, 1), last;

	build_switch(p, inner, 1);
	last = inner + 1;
	set_absent(p, 1, true);
	pci_add(p);
	set_absent(p, 1, false);
	set_absent(p, (unsigned int)dn + 1, true);
	assert_int_equal(weir_pci_plug(pci_at(p, 0, 1, 0)), 2);
	assert_buses(pci_at(p, 2, 0, 0), 3, 8);
	p->model.fns[inner - 1].absent = p->model.fns[inner].absent = false;
	assert_int_equal(weir_pci_plug(pci_at(p, 2, 0, 0)), 2);
	assert_buses(pci_at(p, 4, 0, 0), 5, 8);
	set_absent(p, (unsigned int)last, false);
	assert_int_equal(weir_pci_plug(pci_at(p, 4, 0, 0)), 2);
	assert_buses(pci_at(p, 5, 0, 0), 6, 8);
	assert_buses(pci_at(p, 6, 0, 0), 7, 8);
	check_buses(p);
	/* From the outside in, when it goes. */
	assert_int_equal(weir_pci_unplug(pci_at(p, 2, 0, 0)), 4);
	assert_int_equal(weir_pci_unplug(pci_at(p, 0, 1, 0)), 2);
	/* All at once has it too; the last slot keeps what is left. */
	assert_int_equal(weir_pci_plug(pci_at(p, 0, 1, 0)), 6);
	assert_buses(pci_at(p, 6, 0, 0), 7, 8);
	check_buses(p);
}

/* More ports than numbers: those that got none say so, the others work. */
static void test_pciswitch_too_few_numbers(void **state)
{
	struct pci *p = *state;
	int dn = build_switch(p, slot(p, 1), 8);

	build_endpoint(p, dn);
	set_absent(p, 1, true);
	pci_add(p);
	set_absent(p, 1, false);
	assert_int_equal(weir_pci_plug(pci_at(p, 0, 1, 0)), 10);
	for (unsigned int i = 0; i < 8; i++) {
		if (i < 6)
			assert_buses(pci_at(p, 2, i, 0), 3 + i, 3 + i);
		else
			assert_fault(pci_at(p, 2, i, 0), "no bus number is left");
	}
	assert_no_fault(pci_at(p, 3, 0, 0));
	check_buses(p);
	pci_check_addresses(p);
}

/* A port that takes less than its slots would like: they get half, and half of that. */
static void test_pciswitch_scarce_windows(void **state)
{
	struct pci *p = *state;
	int dn = build_switch(p, slot(p, 1), 4);

	for (int i = 0; i < 4; i++)
		build_endpoint(p, dn + i);
	set_absent(p, 1, true);
	p->host.reserve.set = true;
	p->host.reserve.buses = 5;
	p->host.reserve.bytes[WEIR_PCI_MEM] = 8u << 20;
	pci_add(p);
	set_absent(p, 1, false);
	for (int i = 0; i < 4; i++)
		p->model.fns[dn + 4 + i].absent = true;
	assert_int_equal(weir_pci_plug(pci_at(p, 0, 1, 0)), 5);
	for (unsigned int i = 0; i < 4; i++) {
		struct weir_device *port = pci_at(p, 2, i, 0);

		assert_no_fault(port);
		assert_int_equal(weir_pci_read(port, 0x22, 2) - weir_pci_read(port, 0x20, 2), 0x10);
		p->model.fns[(unsigned int)dn + 4 + i].absent = false;
		assert_int_equal(weir_pci_plug(port), 1);
		assert_no_fault(pci_at(p, 3 + i, 0, 0));
		/* no ports, no high space: the former it does without, the latter it has low */
		assert_int_equal(weir_pci_bar_get(pci_at(p, 3 + i, 0, 0), 1,
						  &(struct weir_pci_bar){ 0 }), WEIR_ENOSPC);
		assert_int_equal(pci_bar(pci_at(p, 3 + i, 0, 0), 2).space, WEIR_PCI_MEM);
	}
	pci_check_addresses(p);
}

/* When there is too little, the largest stays without, and says it. */
static void test_pciswitch_no_window(void **state)
{
	struct pci *p = *state;
	int dn = build_switch(p, slot(p, 1), 2);

	pcimodel_bar(&p->model, build_endpoint(p, dn), 4, 16u << 20, 0);
	build_endpoint(p, dn + 1);
	set_absent(p, 1, true);
	pci_add(p);
	set_absent(p, 1, false);
	assert_int_equal(weir_pci_plug(pci_at(p, 0, 1, 0)), 5);
	assert_fault(pci_at(p, 3, 0, 0), "its bridge has no room for the 0x1000000 bytes of BAR 4");
	assert_no_fault(pci_at(p, 6, 0, 0));
	assert_no_fault(pci_at(p, 2, 0, 0));
	pci_check_addresses(p);
}

/* ---- at enumeration ---- */

/* A space that is too small for the room of all ports is shared; devices go before. */
static void test_pciswitch_shrinks(void **state)
{
	struct pci *p = *state;

	p->host.windows[1].bytes = 32u << 20;
	p->host.windows[2].bytes = 1024u << 20;
	for (unsigned int i = 1; i <= 7; i++)
		slot(p, i);
	pcimodel_bar(&p->model, pcimodel_fn(&p->model, PCIMODEL_ROOT, 8, 0), 0, 0x100000, 0);
	pci_add(p);
	assert_no_fault(pci_at(p, 0, 8, 0));
	for (unsigned int i = 1; i <= 7; i++) {
		struct weir_device *port = pci_at(p, 0, i, 0);

		assert_no_fault(port);
		assert_int_equal(weir_pci_read(port, 0x22, 2) - weir_pci_read(port, 0x20, 2), 0x30);
		assert_int_equal(weir_pci_read(port, 0x26, 2) - weir_pci_read(port, 0x24, 2), 0x7f0);
	}
	pci_check_addresses(p);
}

/* What is larger than all of high space goes low, and takes nobody's room where it cannot be. */
static void test_pciswitch_high_to_low(void **state)
{
	struct pci *p = *state;
	int fn = build_endpoint(p, slot(p, 1));

	p->host.windows[2].bytes = 2u << 20;
	pcimodel_bar(&p->model, fn, 4, 16u << 20, 0xc);
	fn = pcimodel_fn(&p->model, PCIMODEL_ROOT, 2, 0);
	pcimodel_bar(&p->model, fn, 0, (uint64_t)1 << 40, 0xc);
	slot(p, 3);
	pci_add(p);
	assert_int_equal(pci_bar(pci_at(p, 1, 0, 0), 2).space, WEIR_PCI_HIGH);
	assert_int_equal(pci_bar(pci_at(p, 1, 0, 0), 4).space, WEIR_PCI_MEM);
	assert_no_fault(pci_at(p, 1, 0, 0));
	assert_fault(pci_at(p, 0, 2, 0), "there is no room for the 0x10000000000 bytes of BAR 0");
	assert_int_equal(weir_pci_read(pci_at(p, 0, 3, 0), 0x22, 2) -
			 weir_pci_read(pci_at(p, 0, 3, 0), 0x20, 2), 0x70);
	pci_check_addresses(p);
}

/* ---- what firmware left ---- */

/* Its ports have numbers and windows: what is plugged gets of these. */
static void test_pciswitch_plug_kept(void **state)
{
	struct pci *p = *state;

	build_card(p, slot(p, 1));
	build_endpoint(p, slot(p, 2));
	set_absent(p, 1, true);
	p->model.fns[5].absent = p->model.fns[6].absent = false;
	pci_add(p);
	pci_del(p);
	p->flags = WEIR_PCI_KEEP;
	pci_add(p);
	assert_buses(pci_at(p, 0, 1, 0), 1, 8);
	for (unsigned int round = 0; round < 2; round++) {
		set_absent(p, 1, false);
		assert_int_equal(weir_pci_plug(pci_at(p, 0, 1, 0)), 4);
		assert_no_fault(pci_at(p, 6, 0, 0));
		assert_int_equal(pci_bar(pci_at(p, 6, 0, 0), 0).space, WEIR_PCI_MEM);
		assert_int_equal(pci_bar(pci_at(p, 6, 0, 0), 1).space, WEIR_PCI_IO);
		assert_int_equal(pci_bar(pci_at(p, 6, 0, 0), 2).space, WEIR_PCI_HIGH);
		assert_int_equal(pci_bar(pci_at(p, 9, 0, 0), 2).space, WEIR_PCI_HIGH);
		check_buses(p);
		pci_check_addresses(p);
		assert_int_equal(weir_pci_unplug(pci_at(p, 0, 1, 0)), 4);
		set_absent(p, 1, true);
		p->model.fns[5].absent = p->model.fns[6].absent = false;
	}
}

/* A port that firmware gave no bus: nothing can be plugged, and nothing elsewhere is taken for it. */
static void test_pciswitch_kept_without_bus(void **state)
{
	struct pci *p = *state;

	slot(p, 1);
	pcimodel_fn(&p->model, PCIMODEL_ROOT, 0, 0);
	p->flags = WEIR_PCI_KEEP;
	pci_add(p);
	assert_int_equal(weir_pci_plug(pci_at(p, 0, 1, 0)), WEIR_ENOSPC);
	assert_int_equal(pci_count(p), 2);
}

/* ---- waiting ---- */

/* Functions that are never ready: the walk asks again for a second in all, not each. */
static void test_pciswitch_never_ready(void **state)
{
	struct pci *p = *state;

	for (unsigned int i = 0; i < 32; i++)
		pcimodel_set(&p->model, pcimodel_fn(&p->model, PCIMODEL_ROOT, i, 0), 0, 4, 0xffff0001, 0);
	slot(p, 1);
	p->model.fns[1].absent = true;
	pci_add(p);
	assert_int_equal(pci_count(p), 1);
	assert_in_range(p->model.reads, 1000, 1200);
	p->model.reads = 0;
	pcimodel_set(&p->model, pcimodel_fn(&p->model, 32, 0, 0), 0, 4, 0xffff0001, 0);
	assert_int_equal(weir_pci_plug(pci_at(p, 0, 1, 0)), 0); /* has a second of its own */
	assert_in_range(p->model.reads, 1000, 1200);
}

/* ---- any tree, any order ---- */

static void grow(struct pci *p, int above, uint64_t *seed, unsigned int depth)
{
	int dn;

	if (p->model.n > 60)
		return;
	if (depth == 3 || seed_next(seed) % 3 == 0) {
		build_endpoint(p, above);
		return;
	}
	dn = build_switch(p, above, 1 + seed_next(seed) % 3);
	for (int i = dn, end = (int)p->model.n; i < end; i++)
		if (seed_next(seed) % 4)
			grow(p, i, seed, depth + 1);
}

static bool is_below(const struct pcimodel *m, int fn, int port)
{
	for (fn = m->fns[fn].parent; fn != PCIMODEL_ROOT; fn = m->fns[fn].parent)
		if (fn == port)
			return true;
	return false;
}

/* Pulls all out of a slot; some of it is put back, or other things. */
static void change(struct pci *p, struct weir_device *port, int fn, uint64_t *seed)
{
	assert_true(weir_pci_unplug(port) >= 0);
	for (int i = 0; i < (int)p->model.n; i++)
		if (is_below(&p->model, i, fn))
			p->model.fns[i].absent = seed_next(seed) % 4 == 0;
	assert_true(weir_pci_plug(port) >= 0);
	assert_int_equal(weir_pci_plug(port), 0);
}

/* One of all slots that were found. */
static void change_any(struct pci *p, uint64_t *seed)
{
	unsigned int n = 0, at;
	struct weir_device *dev;
	struct weir_pci_info info;

	for (dev = weir_device_first(p->w.m); dev; dev = weir_device_next(dev))
		n += !weir_pci_info_get(dev, &info) && info.hotplug && info.secondary;
	if (!n)
		return;
	at = (unsigned int)(seed_next(seed) % n);
	for (dev = weir_device_first(p->w.m); dev; dev = weir_device_next(dev))
		if (!weir_pci_info_get(dev, &info) && info.hotplug && info.secondary && !at--)
			break;
	change(p, dev, info.device, seed);
}

static void test_pciswitch_random(void **state)
{
	struct pci *p = *state;
	uint64_t seed = seed_take();

	for (unsigned int round = 0; round < 60; round++) {
		pcimodel_init(&p->model);
		for (unsigned int i = 1, n = 1 + seed_next(&seed) % 4; i <= n; i++)
			grow(p, slot(p, i), &seed, 0);
		p->host.last_bus = (uint8_t)(15 + seed_next(&seed) % 241);
		p->host.windows[1].bytes = (uint64_t)(8 + seed_next(&seed) % 200) << 20;
		for (unsigned int i = 0; i < p->model.n; i++) {
			p->model.fns[i].absent = seed_next(&seed) % 4 == 0 &&
						 p->model.fns[i].parent != PCIMODEL_ROOT;
			pcimodel_set(&p->model, (int)i, 2, 2, i, 0); /* who it is */
		}
		pci_add(p);
		for (unsigned int n = 0; n < 20; n++) {
			check_buses(p);
			pci_check_addresses(p);
			change_any(p, &seed);
		}
		pci_del(p);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, pci_open, pci_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_pciswitch_spare_numbers),
		TEST(test_pciswitch_scarce_numbers),
		TEST(test_pciswitch_nested_numbers),
		TEST(test_pciswitch_embedder_chooses),
		TEST(test_pciswitch_numbers_left),
		TEST(test_pciswitch_plug),
		TEST(test_pciswitch_plug_below),
		TEST(test_pciswitch_too_few_numbers),
		TEST(test_pciswitch_scarce_windows),
		TEST(test_pciswitch_no_window),
		TEST(test_pciswitch_shrinks),
		TEST(test_pciswitch_high_to_low),
		TEST(test_pciswitch_plug_kept),
		TEST(test_pciswitch_kept_without_bus),
		TEST(test_pciswitch_never_ready),
		TEST(test_pciswitch_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
