// SPDX-License-Identifier: MIT
/*
 * Plugging: what is found later gets ids, access control and a group like what was there
 * from the start, in any number of functions; what would join groups that were apart stays
 * out, with all that comes with it, and says so.
 */
#include <string.h>

#include "pciworld.h"

static const char *key_of(struct weir_device *dev)
{
	struct weir_pci_group group;

	assert_int_equal(weir_pci_group_get(dev, WEIR_PCI_RULES_WEIR, &group), 0);
	return group.key;
}

/* A root port 01.0 to plug into, number 0 of the model. */
static int slot(struct pci *p)
{
	int rp = pcimodel_acs(&p->model, PCIMODEL_ROOT, 1, 0, MODEL_ROOT_PORT, MODEL_ACS);

	pcimodel_hotplug(&p->model, rp);
	return rp;
}

/* All below it come or go. */
static void set_absent(struct pci *p, unsigned int from, bool absent)
{
	for (unsigned int i = from; i < p->model.n; i++)
		p->model.fns[i].absent = absent;
}

static int plug(struct pci *p)
{
	return weir_pci_plug(pci_at(p, 0, 1, 0));
}

/* The same card, there from the start and plugged: the same groups and ids. */
static void test_pciplug_as_if_it_had_been_there(void **state)
{
	char keys[2][4][40] = { 0 };

	(void)state;
	for (unsigned int late = 0; late < 2; late++) {
		struct pci *p = pci_create(NULL);
		struct pcimodel *m = &p->model;
		int rp = slot(p);

		pcimodel_multi(m, pcimodel_acs(m, rp, 0, 0, MODEL_ENDPOINT, 0x0c));
		for (unsigned int i = 1; i < 4; i++)
			pcimodel_acs(m, rp, 0, i, MODEL_ENDPOINT, 0x0c);
		set_absent(p, 1, late);
		pci_add(p);
		set_absent(p, 1, false);
		assert_int_equal(plug(p), late ? 4 : 0);
		for (unsigned int i = 0; i < 4; i++) {
			struct weir_device *dev = pci_at(p, 1, 0, i);
			uint16_t rid;

			assert_no_fault(dev);
			strcpy(keys[late][i], key_of(dev));
			assert_int_equal(weir_pci_read(dev, 0x106, 2), 0x0c); /* ACS is on */
			assert_false(weir_pci_is_master(dev));
			assert_int_equal(weir_pci_alias(dev, 0, &rid), 0);
			assert_int_equal(rid, WEIR_PCI_RID(1, 0, i));
			assert_int_equal(weir_pci_alias(dev, 1, &rid), WEIR_ENOENT);
		}
		pci_destroy(p);
	}
	assert_memory_equal(keys[0], keys[1], sizeof(keys[0]));
}

/* Functions without ACS are one group, which is not that of the port. */
static void test_pciplug_one_group(void **state)
{
	struct pci *p = *state;
	int rp = slot(p);

	pcimodel_multi(&p->model, pcimodel_pcie(&p->model, rp, 0, 0, MODEL_ENDPOINT));
	pcimodel_pcie(&p->model, rp, 0, 5, MODEL_ENDPOINT);
	set_absent(p, 1, true);
	pci_add(p);
	set_absent(p, 1, false);
	assert_int_equal(plug(p), 2);
	assert_string_equal(key_of(pci_at(p, 1, 0, 0)), "pci0000/01.0/00.0");
	assert_string_equal(key_of(pci_at(p, 1, 0, 5)), "pci0000/01.0/00.0");
	assert_string_equal(key_of(pci_at(p, 0, 1, 0)), "pci0000/01.0");
	assert_no_fault(pci_at(p, 1, 0, 5));
}

/* Several come at once, of which one reaches all: none of them is let in. */
static void test_pciplug_all_that_come_with_it(void **state)
{
	static const char words[] = "it would make one group of pci0000/01.0/00.0 and pci0000/01.0/00.1";
	struct pci *p = *state;
	struct pcimodel *m = &p->model;
	int rp = slot(p);
	char keys[2][40];

	pcimodel_multi(m, pcimodel_acs(m, rp, 0, 0, MODEL_ENDPOINT, 0x0c));
	pcimodel_acs(m, rp, 0, 1, MODEL_ENDPOINT, 0x0c);
	pcimodel_acs(m, rp, 0, 2, MODEL_ENDPOINT, 0x0c);
	pcimodel_pcie(m, rp, 0, 3, MODEL_ENDPOINT); /* has no ACS */
	set_absent(p, 3, true);
	pci_add(p);
	for (unsigned int i = 0; i < 2; i++)
		strcpy(keys[i], key_of(pci_at(p, 1, 0, i)));
	set_absent(p, 3, false);
	assert_int_equal(plug(p), 2);
	for (unsigned int i = 2; i < 4; i++) {
		assert_fault(pci_at(p, 1, 0, i), words);
		assert_false(weir_pci_is_master(pci_at(p, 1, 0, i)));
	}
	assert_string_not_equal(key_of(pci_at(p, 1, 0, 2)), key_of(pci_at(p, 1, 0, 3)));
	for (unsigned int i = 0; i < 2; i++) {
		assert_string_equal(key_of(pci_at(p, 1, 0, i)), keys[i]);
		assert_no_fault(pci_at(p, 1, 0, i));
	}
	assert_int_equal(plug(p), 0); /* nothing new, nothing changes */
	assert_string_equal(key_of(pci_at(p, 1, 0, 0)), keys[0]);
}

/* When all has gone, the same card is what it always was. */
static void test_pciplug_again(void **state)
{
	struct pci *p = *state;
	struct pcimodel *m = &p->model;
	int rp = slot(p);

	pcimodel_multi(m, pcimodel_acs(m, rp, 0, 0, MODEL_ENDPOINT, 0x0c));
	pcimodel_acs(m, rp, 0, 1, MODEL_ENDPOINT, 0x0c);
	pcimodel_pcie(m, rp, 0, 2, MODEL_ENDPOINT);
	set_absent(p, 3, true);
	pci_add(p);
	set_absent(p, 3, false);
	assert_int_equal(plug(p), 1);
	assert_fault(pci_at(p, 1, 0, 2), "it would make one group of");
	for (unsigned int n = 0; n < 3; n++) {
		assert_int_equal(weir_pci_unplug(pci_at(p, 0, 1, 0)), 3);
		assert_int_equal(plug(p), 3);
		for (unsigned int i = 0; i < 3; i++) {
			assert_no_fault(pci_at(p, 1, 0, i));
			assert_string_equal(key_of(pci_at(p, 1, 0, i)), "pci0000/01.0/00.0");
		}
	}
}

/* A card with a bridge on it, where no bus is kept for what is below. */
static void test_pciplug_bridge(void **state)
{
	struct pci *p = *state;
	struct pcimodel *m = &p->model;
	int bridge = pcimodel_pcie(m, slot(p), 0, 0, MODEL_PCIE_TO_PCI);

	pcimodel_fn(m, bridge, 1, 0);
	set_absent(p, 1, true);
	p->host.reserve.set = true;
	pci_add(p);
	set_absent(p, 1, false);
	assert_int_equal(plug(p), 1);
	assert_fault(pci_at(p, 1, 0, 0), "no bus number is left for what is below it");
	assert_int_equal(weir_pci_unplug(pci_at(p, 0, 1, 0)), 1);
}

/* A function that lies when it is plugged is put aside; the one beside it is not. */
static void test_pciplug_liar(void **state)
{
	struct pci *p = *state;
	struct pcimodel *m = &p->model;
	int rp = slot(p), liar;

	pcimodel_multi(m, pcimodel_pcie(m, rp, 0, 0, MODEL_ENDPOINT));
	liar = pcimodel_pcie(m, rp, 0, 1, MODEL_ENDPOINT);
	pcimodel_set(m, liar, 0x41, 1, 0x40, 0); /* its capability leads to itself */
	set_absent(p, 1, true);
	pci_add(p);
	set_absent(p, 1, false);
	assert_int_equal(plug(p), 2);
	assert_fault(pci_at(p, 1, 0, 1), "its list of capabilities loops at 0x40");
	assert_no_fault(pci_at(p, 1, 0, 0));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, pci_open, pci_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pciplug_as_if_it_had_been_there),
		TEST(test_pciplug_one_group),
		TEST(test_pciplug_all_that_come_with_it),
		TEST(test_pciplug_again),
		TEST(test_pciplug_bridge),
		TEST(test_pciplug_liar),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
