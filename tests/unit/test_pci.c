// SPDX-License-Identifier: MIT
/* PCI on configuration spaces in memory: walking, faults, devices. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/core.h"
#include "pciworld.h"

/* ---- walking ---- */

static void test_pci_empty_bus(void **state)
{
	struct pci *p = *state;

	pci_add(p);
	assert_int_equal(pci_count(p), 0);
	assert_int_equal(p->model.writes, 0);
}

static void test_pci_numbers_buses(void **state)
{
	struct pci *p = *state;
	struct weir_pci_info info;

	pci_build_switch(p);
	p->host.segment = 0x2f;
	pci_add(p);
	assert_int_equal(pci_count(p), 8);
	assert_buses(pci_at(p, 0, 1, 0), 1, 1);
	assert_buses(pci_at(p, 0, 2, 0), 2, 5);
	assert_buses(pci_at(p, 2, 0, 0), 3, 5);
	assert_buses(pci_at(p, 3, 0, 0), 4, 4);
	assert_buses(pci_at(p, 3, 5, 0), 5, 5);
	assert_ptr_equal(weir_device_parent(pci_at(p, 5, 0, 0)), pci_at(p, 3, 5, 0));
	assert_ptr_equal(weir_device_parent(pci_at(p, 0, 1, 0)), p->bridge);
	assert_string_equal(weir_device_name(pci_at(p, 3, 5, 0)), "002f:03:05.0");
	assert_int_equal(weir_pci_info_get(pci_at(p, 3, 5, 0), &info), 0);
	assert_int_equal(info.kind, WEIR_PCI_DOWNSTREAM);
	assert_int_equal(weir_pci_info_get(pci_at(p, 5, 0, 0), &info), 0);
	assert_int_equal(info.kind, WEIR_PCI_ENDPOINT);
	assert_int_equal(info.subsystem, 0x4444);
	assert_int_equal(weir_pci_info_get(p->bridge, &info), WEIR_ENODEV);
}

static void test_pci_first_bus(void **state)
{
	struct pci *p = *state;

	pci_build_switch(p);
	p->model.first_bus = 0x40;
	p->host.first_bus = 0x40;
	p->host.last_bus = 0x4f;
	pci_add(p);
	assert_int_equal(pci_count(p), 8);
	assert_buses(pci_at(p, 0x40, 2, 0), 0x42, 0x45);
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
	pci_add(p);
	assert_int_equal(pci_count(p), 4);
	assert_int_equal(weir_pci_info_get(pci_at(p, 0, 3, 7), &info), 0);
	assert_true(info.multifunction);
	assert_int_equal(weir_pci_info_get(pci_at(p, 0, 3, 0), &info), 0);
	assert_true(info.multifunction);
	assert_int_equal(weir_pci_info_get(pci_at(p, 0, 4, 0), &info), 0);
	assert_false(info.multifunction);
}

/* Not every device below a port looks at the number it is asked by: one is all there is. */
static void test_pci_one_device_behind_a_port(void **state)
{
	struct pci *p = *state;
	struct pcimodel *m = &p->model;
	int root, down;

	pci_build_switch(p);
	root = 0;
	down = 4;
	m->fns[root].port = m->fns[down].port = false;
	pcimodel_pcie(m, root, 1, 0, MODEL_ENDPOINT);
	pcimodel_pcie(m, root, 31, 0, MODEL_ENDPOINT);
	pcimodel_pcie(m, down, 1, 0, MODEL_ENDPOINT);
	pci_add(p);
	assert_int_equal(pci_count(p), 8);
	pci_at(p, 1, 0, 0);
	pci_at(p, 3, 5, 0); /* but any on the bus inside a switch */
	pci_at(p, 4, 0, 0);
}

static void test_pci_no_bus_left(void **state)
{
	struct pci *p = *state;

	pci_build_switch(p);
	p->host.last_bus = 4;
	pci_add(p);
	assert_int_equal(pci_count(p), 7);
	assert_no_fault(pci_at(p, 3, 0, 0));
	assert_no_fault(pci_at(p, 4, 0, 0));
	assert_fault(pci_at(p, 3, 5, 0), "no bus number is left");
}

/* A chain of more bridges than there are buses; nothing recurses, the last has a fault. */
static void test_pci_endless_bridges(void **state)
{
	struct pci *p = *state;
	int bridge = PCIMODEL_ROOT;

	for (unsigned int i = 0; i < 300; i++)
		bridge = pcimodel_bridge(&p->model, bridge, 31, 0);
	pci_add(p);
	assert_int_equal(pci_count(p), 256);
	assert_fault(pci_at(p, 255, 31, 0), "no bus number is left");
	assert_no_fault(pci_at(p, 254, 31, 0));
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
	pci_add(p);
	dev = pci_at(p, 0, 1, 0);
	for (unsigned int i = 0; i < 6; i++)
		assert_string_equal(weir_match_key_(dev, i), keys[i]);
	assert_null(weir_match_key_(dev, 6));
	dev = pci_at(p, 0, 2, 0); /* a bridge has no subsystem in its header */
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
	pci_add(p);
	assert_int_equal(weir_driver_register(p->w.m, &driver), 0);
	assert_settles(&p->w);
	assert_int_equal(weir_device_status_get(pci_at(p, 0, 2, 0)), WEIR_DEVICE_BOUND);
	assert_int_equal(weir_device_status_get(pci_at(p, 0, 1, 0)), WEIR_DEVICE_NO_DRIVER);
	assert_fault(pci_at(p, 0, 1, 0), "unknown type 0x7f");
	assert_int_not_equal(weir_device_verdict(pci_at(p, 0, 1, 0), &why), WEIR_VERDICT_BOUND);
	assert_int_equal(weir_driver_unregister(p->w.m, &driver), 0);
}

/* ---- functions that lie ---- */

/* Each alone on the bus, with an honest neighbour. */
static void expect(struct pci *p, int bad, const char *words)
{
	unsigned int device = p->model.fns[bad].devfn >> 3;
	int good = pcimodel_fn(&p->model, PCIMODEL_ROOT, 30, 0);

	pcimodel_bar(&p->model, good, 0, 0x1000, 0);
	pci_add(p);
	assert_fault(pci_at(p, 0, device, 0), words);
	assert_no_fault(pci_at(p, 0, 30, 0));
	assert_int_equal(pci_bar(pci_at(p, 0, 30, 0), 0).bytes, 0x1000);
}

static void test_pci_capability_loop(void **state)
{
	struct pci *p = *state;
	int bad = pcimodel_fn(&p->model, PCIMODEL_ROOT, 1, 0);
	unsigned int first = pcimodel_cap(&p->model, bad, 9, 8);
	unsigned int second = pcimodel_cap(&p->model, bad, 9, 8);

	pcimodel_set(&p->model, bad, second + 1, 1, first, 0);
	expect(p, bad, "list of capabilities loops");
	assert_int_equal(weir_pci_cap(pci_at(p, 0, 1, 0), 0x77, 0), WEIR_ENOENT);
	assert_int_equal(weir_pci_cap(pci_at(p, 0, 1, 0), 9, first), second);
	assert_int_equal(weir_pci_cap(pci_at(p, 0, 1, 0), 9, second), first);
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
	assert_int_equal(weir_pci_ext_cap(pci_at(p, 0, 1, 0), 0x77, 0), WEIR_ENOENT);
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
	assert_int_equal(pci_count(p), 2);
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
	assert_int_equal(weir_pci_bar_get(pci_at(p, 0, 1, 0), 0, &bar), WEIR_ENOSPC);
	assert_int_equal(weir_pci_bar_get(pci_at(p, 0, 1, 0), 2, &bar), WEIR_ENOENT);
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

	pci_build_switch(p);
	pci_add(p);
	p->host.segment = 1;
	assert_int_equal(weir_pci_add(p->bridge, &p->host, &pcimodel_ops, &p->model, 0, &second), 0);
	assert_int_equal(pci_count(p), 16);
	assert_int_equal(weir_pci_add(p->bridge, &p->host, &pcimodel_ops, &p->model, 0, &third),
			 WEIR_EEXIST);
	assert_int_equal(pci_count(p), 16);
	weir_pci_del(second);
	assert_int_equal(pci_count(p), 8);
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

	pci_build_switch(p);
	pcimodel_bar(&p->model, 7, 0, 0x1000, 0);
	assert_true(testhost_sweep(NULL, NULL, sweep, p) > 40);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, pci_open, pci_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_pci_empty_bus),
		TEST(test_pci_numbers_buses),
		TEST(test_pci_first_bus),
		TEST(test_pci_functions_of_a_slot),
		TEST(test_pci_one_device_behind_a_port),
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
		TEST(test_pci_bad_arguments),
		TEST(test_pci_two_segments),
		TEST(test_pci_fault_sweep),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
