// SPDX-License-Identifier: MIT
/*
 * Endpoint before port: whatever becomes of a port's driver, and in whatever order
 * things arrive, the endpoint below has the same group and ids; and its driver is tried
 * when the port's probe has settled, and not before.
 */
#include <string.h>

#include "kernel/linux/linux.h"
#include "pciworld.h"

/* What becomes of the driver of ports. */
enum fate {
	BINDS,    /* it comes and is fine */
	LATE,     /* a module: may come, and does in the end */
	FAILS,    /* its probe fails for good */
	DEFERS,   /* "not yet", once */
	ABSENT,   /* nothing in the catalogue fits */
	FATES,
};

static const char *const names[] = { "binds", "late", "fails", "defers", "absent" };

#define PORT "0000:00:01.0"
#define ENDPOINT "0000:01:00.0"

static struct world_driver *driver(struct world *w, const char *name, const char *key)
{
	struct world_driver *d = world_driver(w, name, key, NULL, NULL);

	d->drv.bus = "pci";
	return d;
}

static void register_driver(struct world *w, struct world_driver *d)
{
	assert_int_equal(weir_driver_register(w->m, &d->drv), 0);
}

static void build(struct pci *p)
{
	struct pcimodel *m = &p->model;

	pcimodel_pcie(m, pcimodel_acs(m, PCIMODEL_ROOT, 1, 0, MODEL_ROOT_PORT, MODEL_ACS), 0, 0,
		      MODEL_ENDPOINT);
	pcimodel_set(m, 0, 0x02, 2, 0x3333, 0);
}

static void declare(struct world *w, const char *name, const char *key,
		    enum weir_catalogue_state what)
{
	const char *keys[] = { key, NULL };
	const struct weir_catalogue_entry entry = {
		.name = name, .bus = "pci", .keys = keys, .state = what,
	};

	assert_int_equal(weir_catalogue_add(w->m, &entry), 0);
}

/* The port's driver in the catalogue, or not. */
static void declare_all(struct world *w, enum fate fate)
{
	declare(w, "nic", "pci:1111:2222", WEIR_CATALOGUE_LOADABLE);
	if (fate != ABSENT)
		declare(w, "port", "pci:1111:3333", WEIR_CATALOGUE_LOADABLE);
	weir_catalogue_complete(w->m);
}

/* ---- every fate, in every order ---- */

enum { BUSES, PORT_DRIVER, NIC_DRIVER, CATALOGUE, ACTIONS };

static bool settled(struct weir_device *port)
{
	switch (weir_device_verdict(port, NULL)) {
	case WEIR_VERDICT_BOUND:
	case WEIR_VERDICT_FAILED:
	case WEIR_VERDICT_NO_DRIVER:
		return true;
	default:
		return false;
	}
}

/* The one thing that must hold whenever the endpoint's driver is called. */
static int check_order(struct world *w, struct weir_device *dev)
{
	(void)w;
	if (!strcmp(weir_device_name(dev), ENDPOINT) && !settled(weir_device_parent(dev)))
		fail_msg("the endpoint is probed while the port's probe has not settled");
	return 0;
}

static void check_identity(struct pci *p)
{
	struct weir_device *dev = pci_at(p, 1, 0, 0);
	struct weir_pci_group group;
	struct weir_pci_id id;
	uint16_t rid;

	assert_int_equal(weir_pci_group_get(dev, WEIR_PCI_RULES_WEIR, &group), 0);
	assert_string_equal(group.key, "pci0000/01.0/00.0");
	assert_string_equal(group.why, "it is alone");
	assert_int_equal(weir_pci_alias(dev, 0, &rid), 0);
	assert_int_equal(rid, WEIR_PCI_RID(1, 0, 0));
	assert_int_equal(weir_pci_alias(dev, 1, &rid), WEIR_ENOENT);
	assert_int_equal(weir_pci_iommu_id(dev, 0, &id), WEIR_ENOENT);
}

static void act(struct pci *p, unsigned int action, enum fate fate, struct world_driver *port,
		struct world_driver *nic)
{
	switch (action) {
	case BUSES:
		pci_add(p);
		break;
	case PORT_DRIVER:
		if (fate != LATE && fate != ABSENT)
			register_driver(&p->w, port);
		break;
	case NIC_DRIVER:
		register_driver(&p->w, nic);
		break;
	default:
		declare_all(&p->w, fate);
	}
	assert_settles(&p->w);
	if (p->pci)
		check_identity(p);
}

static void play(const unsigned int *order, enum fate fate)
{
	static const char *const journals[] = {
		[BINDS] = "probe " PORT "; probe " ENDPOINT,
		[LATE] = "probe " PORT "; probe " ENDPOINT,
		[FAILS] = "probe " PORT "; probe " ENDPOINT,
		[DEFERS] = "probe " PORT "; probe x; probe " PORT "; probe " ENDPOINT,
		[ABSENT] = "probe " ENDPOINT,
	};
	struct pci *p = pci_create(NULL);
	struct world *w = &p->w;
	struct world_driver *port = driver(w, "port", "pci:1111:3333");
	struct world_driver *nic = driver(w, "nic", "pci:1111:2222");

	assert_int_equal(weir_pci_bus_create(w->m), 0); /* drivers may come first */
	w->on_probe = check_order;
	if (fate == FAILS || fate == DEFERS)
		world_plan(w, "probe", PORT, fate == FAILS ? WEIR_EIO : WEIR_EDEFER, fate == DEFERS);
	build(p);
	for (unsigned int i = 0; i < ACTIONS; i++)
		act(p, order[i], fate, port, nic);
	if (fate == LATE || fate == DEFERS) {
		struct weir_why why;

		assert_int_equal(weir_device_status_get(pci_at(p, 1, 0, 0)), WEIR_DEVICE_NO_DRIVER);
		assert_int_equal(weir_device_root_cause(pci_at(p, 1, 0, 0), &why), 1);
		assert_ptr_equal(why.device, pci_at(p, 0, 1, 0));
		if (fate == LATE)
			assert_int_equal(why.verdict, WEIR_VERDICT_LOADABLE);
	}
	if (fate == LATE)
		register_driver(w, port);
	if (fate == DEFERS) { /* something happens, so it is tried again */
		world_device(w, "x", NULL, "x");
		world_driver_add(w, "x", "x");
	}
	assert_settles(w);
	assert_journal(w, journals[fate]);
	assert_int_equal(weir_device_status_get(pci_at(p, 1, 0, 0)), WEIR_DEVICE_BOUND);
	check_identity(p);
	w->quiet = true;
	pci_destroy(p);
}

static void test_pciorder_every_fate_in_every_order(void **state)
{
	unsigned int n = 0;

	(void)state;
	for (unsigned int a = 0; a < ACTIONS * ACTIONS * ACTIONS * ACTIONS; a++) {
		const unsigned int order[ACTIONS] = { a & 3, a >> 2 & 3, a >> 4 & 3, a >> 6 & 3 };
		unsigned int seen = 0;

		for (unsigned int i = 0; i < ACTIONS; i++)
			seen |= 1u << order[i];
		if (seen != 15)
			continue;
		for (unsigned int fate = 0; fate < FATES; fate++, n++) {
			print_message("%s, order %u%u%u%u\n", names[fate], order[0], order[1], order[2],
				      order[3]);
			play(order, (enum fate)fate);
		}
	}
	assert_int_equal(n, 24 * FATES);
}

/* ---- which link there is ---- */

static struct weir_link *link_of(struct weir_device *consumer, struct weir_device *supplier)
{
	struct weir_link *link;

	return weir_link_find(consumer, supplier, &link) ? NULL : link;
}

static void assert_ordered(struct weir_device *consumer, struct weir_device *supplier)
{
	struct weir_link *link = link_of(consumer, supplier);

	assert_non_null(link);
	assert_int_equal(weir_link_flags(link), WEIR_LINK_MANAGED | WEIR_LINK_ORDER);
	assert_string_equal(weir_link_property(link), "port");
	assert_ptr_equal(weir_link_first(consumer), link);
	assert_null(weir_link_next(link));
}

/* To the nearest port: through a switch from port to port, past bridges. */
static void test_pciorder_nearest_port(void **state)
{
	struct pci *p = *state;
	struct pcimodel *m = &p->model;
	int bridge;

	pci_build_switch(p);
	bridge = pcimodel_pcie(m, pcimodel_pcie(m, PCIMODEL_ROOT, 3, 0, MODEL_ROOT_PORT), 0, 0,
			       MODEL_PCIE_TO_PCI);
	pcimodel_fn(m, bridge, 1, 0);
	pcimodel_fn(m, PCIMODEL_ROOT, 4, 0);
	pci_add(p);
	assert_ordered(pci_at(p, 1, 0, 0), pci_at(p, 0, 1, 0));
	assert_ordered(pci_at(p, 2, 0, 0), pci_at(p, 0, 2, 0));
	assert_ordered(pci_at(p, 3, 5, 0), pci_at(p, 2, 0, 0));
	assert_ordered(pci_at(p, 5, 0, 0), pci_at(p, 3, 5, 0));
	assert_ordered(pci_at(p, 6, 0, 0), pci_at(p, 0, 3, 0));
	assert_ordered(pci_at(p, 7, 1, 0), pci_at(p, 0, 3, 0));
	assert_null(weir_link_first(pci_at(p, 0, 4, 0)));
	assert_null(weir_link_first(pci_at(p, 0, 1, 0)));
}

/* A port in quarantine is never tried: nothing waits for it. */
static void test_pciorder_port_in_quarantine(void **state)
{
	struct pci *p = *state;
	int rp = pcimodel_pcie(&p->model, PCIMODEL_ROOT, 1, 0, MODEL_ROOT_PORT);

	pcimodel_bar(&p->model, rp, 0, (uint64_t)1 << 30, 0); /* more than the window has */
	pcimodel_pcie(&p->model, rp, 0, 0, MODEL_ENDPOINT);
	pci_add(p);
	assert_fault(pci_at(p, 0, 1, 0), "no room");
	assert_null(weir_link_first(pci_at(p, 1, 0, 0)));
	register_driver(&p->w, driver(&p->w, "nic", "pci:1111:2222"));
	assert_settles(&p->w);
	assert_journal(&p->w, "probe " ENDPOINT);
	p->w.quiet = true;
}

/* A plugged endpoint is ordered as well. */
static void test_pciorder_plugged(void **state)
{
	struct pci *p = *state;
	struct world *w = &p->w;

	build(p);
	pcimodel_hotplug(&p->model, 0);
	p->model.fns[1].absent = true;
	pci_add(p);
	register_driver(w, driver(w, "nic", "pci:1111:2222"));
	p->model.fns[1].absent = false;
	assert_int_equal(weir_pci_plug(pci_at(p, 0, 1, 0)), 1);
	assert_settles(w);
	assert_journal(w, ""); /* a driver of ports might come */
	assert_ordered(pci_at(p, 1, 0, 0), pci_at(p, 0, 1, 0));
	register_driver(w, driver(w, "port", "pci:1111:3333"));
	assert_settles(w);
	assert_journal(w, "probe " PORT "; probe " ENDPOINT);
	w->quiet = true;
}

/* ---- what has let go does not hold any more ---- */

/* Its driver goes and comes back: neither the endpoint nor its next probe is held up. */
static void test_pciorder_reload(void **state)
{
	struct pci *p = *state;
	struct world *w = &p->w;
	struct world_driver *port = driver(w, "port", "pci:1111:3333");
	struct world_driver *nic = driver(w, "nic", "pci:1111:2222");

	build(p);
	pci_add(p);
	register_driver(w, port);
	register_driver(w, nic);
	assert_settles(w);
	assert_journal(w, "probe " PORT "; probe " ENDPOINT);
	world_driver_del(w, port);
	assert_settles(w);
	assert_journal(w, "remove " PORT);
	assert_int_equal(weir_device_status_get(pci_at(p, 1, 0, 0)), WEIR_DEVICE_BOUND);
	register_driver(w, port);
	assert_settles(w);
	world_driver_del(w, nic);
	register_driver(w, nic);
	assert_settles(w);
	assert_journal(w, "probe " PORT "; remove " ENDPOINT "; probe " ENDPOINT);
	w->quiet = true;
}

/* The endpoint's own driver goes and comes back, over a port that failed or has none. */
static void test_pciorder_reload_over_settled_port(void **state)
{
	(void)state;
	for (unsigned int failed = 0; failed < 2; failed++) {
		struct pci *p = pci_create(NULL);
		struct world *w = &p->w;
		struct world_driver *nic = driver(w, "nic", "pci:1111:2222");

		build(p);
		pci_add(p);
		if (failed) {
			world_plan(w, "probe", PORT, WEIR_EIO, 0);
			register_driver(w, driver(w, "port", "pci:1111:3333"));
			assert_settles(w);
			assert_journal(w, "probe " PORT);
		}
		declare_all(w, failed ? BINDS : ABSENT);
		world_plan(w, "probe", ENDPOINT, WEIR_EIO, 1); /* its first probe fails */
		register_driver(w, nic);
		assert_settles(w);
		for (unsigned int i = 0; i < 2; i++) {
			world_driver_del(w, nic);
			register_driver(w, nic);
			assert_settles(w);
		}
		assert_journal(w, "probe " ENDPOINT "; probe " ENDPOINT "; remove " ENDPOINT
				  "; probe " ENDPOINT);
		w->quiet = true;
		pci_destroy(p);
	}
}

/* A module of ports comes although the catalogue knew none: the endpoint stays as it is. */
static void test_pciorder_port_after_endpoint(void **state)
{
	struct pci *p = *state;
	struct world *w = &p->w;

	build(p);
	pci_add(p);
	declare_all(w, ABSENT);
	register_driver(w, driver(w, "nic", "pci:1111:2222"));
	assert_settles(w);
	world_plan(w, "probe", PORT, WEIR_EIO, 1);
	register_driver(w, driver(w, "port", "pci:1111:3333"));
	assert_settles(w);
	assert_int_equal(weir_driver_bind(pci_at(p, 0, 1, 0)), 0);
	assert_settles(w);
	assert_journal(w, "probe " ENDPOINT "; probe " PORT "; probe " PORT);
	assert_int_equal(weir_driver_unbind(pci_at(p, 0, 1, 0)), 0);
	assert_settles(w);
	assert_journal(w, "remove " PORT);
	assert_int_equal(weir_device_status_get(pci_at(p, 1, 0, 0)), WEIR_DEVICE_BOUND);
	w->quiet = true;
}

/* Linux has no such link: there the endpoint is tried when its driver comes. */
static void test_pciorder_not_under_linux(void **state)
{
	struct pci *p = pci_create(&weir_policy_linux_6_12);
	struct world *w = &p->w;

	(void)state;
	build(p);
	pci_add(p);
	assert_null(link_of(pci_at(p, 1, 0, 0), pci_at(p, 0, 1, 0)));
	register_driver(w, driver(w, "nic", "pci:1111:2222"));
	assert_settles(w);
	assert_journal(w, "probe " ENDPOINT);
	w->quiet = true;
	pci_destroy(p);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, pci_open, pci_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pciorder_every_fate_in_every_order),
		TEST(test_pciorder_nearest_port),
		TEST(test_pciorder_port_in_quarantine),
		TEST(test_pciorder_plugged),
		TEST(test_pciorder_reload),
		cmocka_unit_test(test_pciorder_reload_over_settled_port),
		TEST(test_pciorder_port_after_endpoint),
		cmocka_unit_test(test_pciorder_not_under_linux),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
