// SPDX-License-Identifier: MIT
/* PCI on configuration spaces in memory: addresses, DMA, MSIs, what firmware left. */
#include <stdlib.h>
#include <string.h>

#include "pciworld.h"

/* ---- addresses ---- */

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
	pci_add(p);
	dev = 0;
	assert_int_equal(pci_bar(pci_at(p, 0, 1, 0), 0).space, WEIR_PCI_MEM);
	assert_int_equal(pci_bar(pci_at(p, 0, 1, 0), 1).space, WEIR_PCI_IO);
	assert_int_equal(pci_bar(pci_at(p, 0, 1, 0), 2).space, WEIR_PCI_HIGH); /* on the root bus */
	assert_int_equal(pci_bar(pci_at(p, 0, 1, 0), 4).space, WEIR_PCI_MEM);
	assert_int_equal(pci_bar(pci_at(p, 1, 0, 0), 0).space, WEIR_PCI_HIGH);
	assert_int_equal(pci_bar(pci_at(p, 1, 0, 0), 2).space, WEIR_PCI_MEM); /* not prefetchable */
	assert_int_equal(pci_bar(pci_at(p, 1, 0, 0), 4).space, WEIR_PCI_IO);
	assert_true(pci_bar(pci_at(p, 1, 0, 0), 0).cpu == pci_bar(pci_at(p, 1, 0, 0), 0).pci + 0x1000000000);
	assert_true(pci_bar(pci_at(p, 1, 0, 0), 4).cpu == pci_bar(pci_at(p, 1, 0, 0), 4).pci + 0x3eff0000);
	pci_check_addresses(p);
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
	pci_add(p);
	assert_int_equal(pci_bar(pci_at(p, 1, 0, 0), 0).space, WEIR_PCI_MEM);
	/* no window for ports: it does without, and that is no fault */
	assert_int_equal(weir_pci_bar_get(pci_at(p, 1, 0, 0), 2, &(struct weir_pci_bar){ 0 }),
			 WEIR_ENOSPC);
	assert_no_fault(pci_at(p, 1, 0, 0));
	pci_check_addresses(p);
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
	pci_add(p);
	pci_check_addresses(p);
	for (unsigned int i = 0; i < 6; i++) {
		if (i == 3)
			assert_fault(pci_at(p, 1 + 8 * i, 0, 0), "no room for the 0x400000 bytes");
		else
			assert_no_fault(pci_at(p, 1 + 8 * i, 0, 0));
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
		pci_add(p);
		assert_int_equal(pci_count(p), p->model.n);
		pci_check_addresses(p);
		pci_del(p);
	}
}

/* ---- as firmware left it ---- */

static void test_pci_keep(void **state)
{
	struct pci *p = *state;
	uint64_t bar;

	pci_build_switch(p);
	pcimodel_bar(&p->model, 7, 0, 0x2000, 0);
	pci_add(p);
	bar = pci_bar(pci_at(p, 5, 0, 0), 0).pci;
	pci_del(p);
	p->flags = WEIR_PCI_KEEP;
	pci_add(p);
	assert_int_equal(pci_count(p), 8);
	assert_buses(pci_at(p, 0, 2, 0), 2, 5);
	assert_true(pci_bar(pci_at(p, 5, 0, 0), 0).pci == bar);
	assert_int_equal(pci_bar(pci_at(p, 5, 0, 0), 0).bytes, 0x2000);
}

static void test_pci_read_only(void **state)
{
	struct pci *p = *state;
	unsigned long writes;

	pci_build_switch(p);
	pci_add(p);
	pci_del(p);
	writes = p->model.writes;
	p->flags = WEIR_PCI_KEEP | WEIR_PCI_READ_ONLY;
	pci_add(p);
	assert_int_equal(pci_count(p), 8);
	pci_del(p);
	assert_int_equal(p->model.writes, writes);
}

/* Firmware that numbered buses in a circle, or outside of the bridge above. */
static void test_pci_keep_bad_buses(void **state)
{
	struct pci *p = *state;

	pci_build_switch(p);
	pci_add(p);
	pci_del(p);
	p->flags = WEIR_PCI_KEEP;
	p->model.fns[3].space[0x19] = 0; /* the switch: back to the root */
	pci_add(p);
	assert_fault(pci_at(p, 2, 0, 0), "its buses 0 to 5 are not below");
	assert_int_equal(pci_count(p), 4);
	pci_del(p);
	p->model.fns[3].space[0x19] = 3;
	p->model.fns[3].space[0x1a] = 9; /* more than its port passes on */
	pci_add(p);
	assert_fault(pci_at(p, 2, 0, 0), "its buses 3 to 9 are not below");
}

/* ---- DMA ---- */

static bool is_master(struct pci *p, unsigned int bus, unsigned int device)
{
	return weir_pci_is_master(pci_at(p, bus, device, 0));
}

/* Bridges pass DMA on exactly as long as something below may do it. */
static void test_pci_masters(void **state)
{
	struct pci *p = *state;

	pci_build_switch(p);
	pcimodel_set(&p->model, 1, 0x04, 2, 0x0007, 0x0407); /* firmware left all on */
	pcimodel_set(&p->model, 6, 0x04, 2, 0x0007, 0x0407);
	pci_add(p);
	assert_false(is_master(p, 0, 2) || is_master(p, 4, 0));
	assert_int_equal(weir_pci_master(pci_at(p, 4, 0, 0), true), 0);
	assert_int_equal(weir_pci_master(pci_at(p, 4, 0, 0), true), 0);
	assert_true(is_master(p, 4, 0) && is_master(p, 3, 0) && is_master(p, 2, 0) &&
		    is_master(p, 0, 2));
	assert_false(is_master(p, 3, 5) || is_master(p, 0, 1) || is_master(p, 5, 0));
	assert_int_equal(weir_pci_master(pci_at(p, 5, 0, 0), true), 0);
	assert_int_equal(weir_pci_master(pci_at(p, 4, 0, 0), false), 0);
	assert_false(is_master(p, 4, 0) || is_master(p, 3, 0));
	assert_true(is_master(p, 0, 2) && is_master(p, 3, 5));
	weir_pci_disable(pci_at(p, 5, 0, 0));
	assert_false(is_master(p, 0, 2) || is_master(p, 2, 0) || is_master(p, 5, 0));
	pcimodel_set(&p->model, 2, 0x04, 2, 0, 0x0403); /* one that does not take it */
	assert_int_equal(weir_pci_master(pci_at(p, 1, 0, 0), true), WEIR_EIO);
	assert_false(is_master(p, 0, 1));
	/* deleting takes it away too */
	assert_int_equal(weir_pci_master(pci_at(p, 5, 0, 0), true), 0);
	pci_del(p);
	for (unsigned int i = 0; i < p->model.n; i++)
		assert_int_equal(pcimodel_get(&p->model, (int)i, 4, 2) & 4, 0);
}

static int probe_err;

static int probe_master(struct weir_device *dev)
{
	assert_int_equal(weir_pci_master(dev, true), 0);
	return probe_err;
}

/* A driver that goes, or fails, without switching DMA off. */
static void test_pci_master_ends_with_driver(void **state)
{
	static const struct weir_driver_ops ops = {
		.abi = WEIR_ABI(struct weir_driver_ops), .probe = probe_master,
	};
	static const struct weir_match match[] = { { .key = "pci:1111:2222" }, { 0 } };
	static const struct weir_driver forgetful = {
		.name = "forgetful", .bus = "pci", .match = match, .ops = &ops,
	};
	struct pci *p = *state;

	pcimodel_fn(&p->model, PCIMODEL_ROOT, 1, 0);
	pci_add(p);
	for (int round = 0; round < 2; round++) {
		probe_err = round ? WEIR_EIO : 0;
		assert_int_equal(weir_driver_register(p->w.m, &forgetful), 0);
		assert_settles(&p->w);
		assert_int_equal(is_master(p, 0, 1), !round);
		assert_int_equal(weir_driver_unregister(p->w.m, &forgetful), 0);
		assert_false(is_master(p, 0, 1));
	}
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
	pci_add(p);
	assert_int_equal(weir_pci_msi_count(pci_at(p, 0, 1, 0)), 1);
	assert_int_equal(weir_pci_msi_enable(pci_at(p, 0, 1, 0), 2, &wide), WEIR_EINVAL);
	assert_int_equal(weir_pci_msi_enable(pci_at(p, 0, 1, 0), 1, &low), WEIR_EINVAL);
	assert_int_equal(weir_pci_msi_enable(pci_at(p, 0, 1, 0), 1, &wide), 0);
	assert_int_equal(pcimodel_get(&p->model, dev, cap + 2, 2), 0x0087); /* one, on */
	assert_int_equal(pcimodel_get(&p->model, dev, cap + 4, 4), 0x56789000);
	assert_int_equal(pcimodel_get(&p->model, dev, cap + 8, 4), 0x1234);
	assert_int_equal(pcimodel_get(&p->model, dev, cap + 12, 2), 0x4321);
	wide.data = 7;
	assert_int_equal(weir_pci_msi_set(pci_at(p, 0, 1, 0), 0, &wide), 0);
	assert_int_equal(weir_pci_msi_set(pci_at(p, 0, 1, 0), 1, &wide), WEIR_EINVAL);
	assert_int_equal(pcimodel_get(&p->model, dev, cap + 12, 2), 7);
	weir_pci_msi_disable(pci_at(p, 0, 1, 0));
	assert_int_equal(pcimodel_get(&p->model, dev, cap + 2, 2), 0x0086);
	assert_int_equal(weir_pci_msi_enable(pci_at(p, 0, 2, 0), 1, &wide), WEIR_EINVAL);
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
	pci_add(p);
	assert_int_equal(weir_pci_msi_count(pci_at(p, 0, 1, 0)), 64);
	pcimodel_set(&p->model, dev, cap + 4, 4, 0xc08, 0);        /* the end is outside */
	assert_int_equal(weir_pci_msi_enable(pci_at(p, 0, 1, 0), 1, &message), WEIR_ENXIO);
	pcimodel_set(&p->model, dev, cap + 4, 4, 0xfffffff8, 0);
	assert_int_equal(weir_pci_msi_enable(pci_at(p, 0, 1, 0), 1, &message), WEIR_ENXIO);
	pcimodel_set(&p->model, dev, cap + 4, 4, 1, 0);            /* ports */
	assert_int_equal(weir_pci_msi_enable(pci_at(p, 0, 1, 0), 1, &message), WEIR_ENXIO);
	pcimodel_set(&p->model, dev, cap + 4, 4, 7, 0);            /* no such register */
	assert_int_equal(weir_pci_msi_enable(pci_at(p, 0, 1, 0), 1, &message), WEIR_ENXIO);
	pcimodel_set(&p->model, dev, cap + 4, 4, 0, 0);            /* this host has no registers */
	assert_int_equal(weir_pci_msi_enable(pci_at(p, 0, 1, 0), 1, &message), WEIR_EOPNOTSUPP);
	assert_int_equal(pcimodel_get(&p->model, dev, cap + 2, 2), 63);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, pci_open, pci_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_pci_spaces),
		TEST(test_pci_no_high_space),
		TEST(test_pci_tight_space),
		TEST(test_pci_random_trees),
		TEST(test_pci_keep),
		TEST(test_pci_read_only),
		TEST(test_pci_keep_bad_buses),
		TEST(test_pci_masters),
		TEST(test_pci_master_ends_with_driver),
		TEST(test_pci_msi),
		TEST(test_pci_msix_table_outside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
