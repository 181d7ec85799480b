// SPDX-License-Identifier: MIT
/* Groups of PCI functions by both sets of rules, and plugging. */
#include <stdlib.h>
#include <string.h>

#include "pciworld.h"

static const char *key_of(struct weir_device *dev, enum weir_pci_rules rules)
{
	struct weir_pci_group group;

	assert_int_equal(weir_pci_group_get(dev, rules, &group), 0);
	return group.key;
}

static const char *why_of(struct weir_device *dev)
{
	struct weir_pci_group group;

	assert_int_equal(weir_pci_group_get(dev, WEIR_PCI_RULES_WEIR, &group), 0);
	return group.why;
}

/*
 * The groups as text: functions in order of buses, each as a letter for its group, in
 * order of appearance. "a b b" is one alone and two together.
 */
static const char *groups(struct pci *p, enum weir_pci_rules rules, char buf[64])
{
	const char *keys[26];
	struct weir_pci_info info;
	struct weir_device *dev;
	unsigned int n = 0, len = 0;

	for (dev = weir_device_first(p->w.m); dev; dev = weir_device_next(dev)) {
		unsigned int i = 0;

		if (weir_pci_info_get(dev, &info))
			continue;
		while (i < n && strcmp(keys[i], key_of(dev, rules)) != 0)
			i++;
		assert_true(i < 26 && len < 62);
		if (i == n)
			keys[n++] = key_of(dev, rules);
		buf[len++] = (char)('a' + i);
	}
	buf[len] = '\0';
	return buf;
}

static void assert_groups(struct pci *p, const char *own, const char *linux_acs,
			  const char *linux_dt)
{
	char buf[64];

	assert_string_equal(groups(p, WEIR_PCI_RULES_WEIR, buf), own);
	assert_string_equal(groups(p, WEIR_PCI_RULES_LINUX_6_12, buf), linux_acs);
	assert_string_equal(groups(p, WEIR_PCI_RULES_LINUX_6_12_DT, buf), linux_dt);
}

static int port(struct pci *p, unsigned int device, unsigned int function, unsigned int acs)
{
	return pcimodel_acs(&p->model, PCIMODEL_ROOT, device, function, MODEL_ROOT_PORT, acs);
}

static int bare_port(struct pci *p, unsigned int device, unsigned int function)
{
	return pcimodel_pcie(&p->model, PCIMODEL_ROOT, device, function, MODEL_ROOT_PORT);
}

static int endpoint(struct pci *p, int parent, unsigned int device, unsigned int function)
{
	return pcimodel_pcie(&p->model, parent, device, function, MODEL_ENDPOINT);
}

/* ---- ports ---- */

static void test_pcigroup_root_ports(void **state)
{
	struct pci *p = *state;

	endpoint(p, port(p, 1, 0, MODEL_ACS), 0, 0);
	endpoint(p, bare_port(p, 2, 0), 0, 0);
	pci_add(p);
	assert_groups(p, "abcc", "abcc", "aabb");
	assert_int_equal(pcimodel_get(&p->model, 0, 0x106, 2), MODEL_ACS); /* switched on */
	assert_string_equal(key_of(pci_at(p, 1, 0, 0), WEIR_PCI_RULES_WEIR), "pci0000/01.0/00.0");
	assert_string_equal(why_of(pci_at(p, 1, 0, 0)), "it is alone");
	assert_string_equal(key_of(pci_at(p, 2, 0, 0), WEIR_PCI_RULES_WEIR), "pci0000/02.0");
	assert_string_equal(why_of(pci_at(p, 2, 0, 0)),
			    "root port 0000:00:02.0 has no ACS and lets all below it reach each other");
}

/* A root port that has no use for redirection does not have the bits: that is no lack. */
static void test_pcigroup_root_port_with_less(void **state)
{
	struct pci *p = *state;

	endpoint(p, port(p, 1, 0, 0x01), 0, 0);
	endpoint(p, port(p, 2, 0, 0x1c), 0, 0); /* no source validation */
	pci_add(p);
	assert_groups(p, "abcc", "abcd", "aabb");
	assert_string_equal(why_of(pci_at(p, 2, 0, 0)),
			    "root port 0000:00:02.0 lacks ACS SV and lets all below it reach each other");
}

/* A bit that cannot be switched on is missing. */
static void test_pcigroup_stuck_bit(void **state)
{
	struct pci *p = *state;
	int rp = port(p, 1, 0, MODEL_ACS);

	pcimodel_set(&p->model, rp, 0x106, 2, 0, 0x11);
	endpoint(p, rp, 0, 0);
	pci_add(p);
	assert_groups(p, "aa", "aa", "aa");
	assert_non_null(strstr(why_of(pci_at(p, 1, 0, 0)), "has ACS RR CR off and"));
}

/* What a capability has and is off, and what it has not: told apart. */
static void test_pcigroup_isolation(void **state)
{
	struct weir_pci_isolation is;
	struct pci *p = *state;
	int up = pcimodel_pcie(&p->model, port(p, 1, 0, MODEL_ACS), 0, 0, MODEL_UPSTREAM);
	int down = pcimodel_acs(&p->model, up, 0, 0, MODEL_DOWNSTREAM, 0x15);

	pcimodel_set(&p->model, down, 0x106, 2, 0, 0x11); /* RR cannot be switched on */
	endpoint(p, down, 0, 0);
	pci_add(p);
	assert_int_equal(weir_pci_isolation_get(pci_at(p, 3, 0, 0), WEIR_PCI_RULES_WEIR, &is), 0);
	assert_false(is.acs || is.missing || is.causes || is.takes_over);
	assert_int_equal(weir_pci_isolation_get(pci_at(p, 2, 0, 0), WEIR_PCI_RULES_WEIR, &is), 0);
	assert_true(is.acs);
	assert_int_equal(is.can, WEIR_PCI_ACS_SV | WEIR_PCI_ACS_RR | WEIR_PCI_ACS_UF);
	assert_int_equal(is.on, WEIR_PCI_ACS_SV | WEIR_PCI_ACS_UF);
	assert_int_equal(is.missing, WEIR_PCI_ACS_RR | WEIR_PCI_ACS_CR);
	assert_int_equal(is.causes, 1u << WEIR_PCI_CAUSE_SWITCH);
	assert_string_equal(why_of(pci_at(p, 3, 0, 0)), "downstream port 0000:02:00.0 lacks ACS CR, has ACS RR off "
			    "and lets all below its switch reach each other");
	assert_int_equal(weir_pci_isolation_get(pci_at(p, 2, 0, 0), WEIR_PCI_RULES_LINUX_6_12, &is), 0);
	assert_int_equal(is.missing, WEIR_PCI_ACS_RR); /* what it has not Linux does not ask for */
	assert_int_equal(is.causes, 1u << WEIR_PCI_CAUSE_PATH);
	assert_int_equal(weir_pci_isolation_get(p->bridge, WEIR_PCI_RULES_WEIR, &is), WEIR_ENODEV);
	assert_int_equal(weir_pci_isolation_get(pci_at(p, 2, 0, 0), WEIR_PCI_RULES, &is), WEIR_ENODEV);
}

/* A recorded system: ACS is as it was, or as it would be if all that is there were switched on. */
static void test_pcigroup_recorded(void **state)
{
	struct pci *p = *state;
	unsigned long writes;
	int rp = port(p, 1, 0, MODEL_ACS);

	endpoint(p, rp, 0, 0);
	endpoint(p, port(p, 2, 0, MODEL_ACS), 0, 0);
	pci_add(p);
	pci_del(p);
	pcimodel_set(&p->model, rp, 0x106, 2, WEIR_PCI_ACS_SV, 0);
	writes = p->model.writes;
	p->flags = WEIR_PCI_KEEP | WEIR_PCI_READ_ONLY | WEIR_PCI_ACS_KEEP;
	pci_add(p);
	assert_groups(p, "aabc", "aabc", "aabc");
	assert_string_equal(why_of(pci_at(p, 1, 0, 0)), "root port 0000:00:01.0 has ACS RR CR UF off and lets "
			    "all below it reach each other");
	pci_del(p);
	p->flags = WEIR_PCI_KEEP | WEIR_PCI_READ_ONLY;
	pci_add(p);
	assert_groups(p, "abcd", "abcd", "aabc");
	pci_del(p);
	assert_int_equal(p->model.writes, writes);
}

/* What firmware switched on counts with device trees too. */
static void test_pcigroup_firmware_acs(void **state)
{
	struct pci *p = *state;
	int rp = port(p, 1, 0, MODEL_ACS);

	pcimodel_set(&p->model, rp, 0x106, 2, MODEL_ACS, MODEL_ACS);
	endpoint(p, rp, 0, 0);
	pci_add(p);
	assert_groups(p, "ab", "ab", "ab");
}

/* ---- switches ---- */

static void build_switch(struct pci *p, unsigned int acs0, unsigned int acs1)
{
	int up = pcimodel_pcie(&p->model, port(p, 1, 0, MODEL_ACS), 0, 0, MODEL_UPSTREAM);
	int down;

	down = pcimodel_acs(&p->model, up, 0, 0, MODEL_DOWNSTREAM, acs0);
	endpoint(p, down, 0, 0);
	down = pcimodel_acs(&p->model, up, 1, 0, MODEL_DOWNSTREAM, acs1);
	endpoint(p, down, 0, 0);
}

static void test_pcigroup_switch(void **state)
{
	struct pci *p = *state;

	build_switch(p, MODEL_ACS, MODEL_ACS);
	pci_add(p);
	assert_groups(p, "abcdef", "abcdef", "aaaaaa");
}

/* Without ACS in its ports the switch is one; Linux sees two. */
static void test_pcigroup_switch_without_acs(void **state)
{
	struct pci *p = *state;

	build_switch(p, 0, 0);
	pcimodel_set(&p->model, 2, 0x100, 4, 0, 0); /* not even the capability */
	pcimodel_set(&p->model, 4, 0x100, 4, 0, 0);
	pci_add(p);
	assert_groups(p, "abbbbb", "abccdd", "aaaaaa");
	assert_string_equal(why_of(pci_at(p, 3, 0, 0)), "downstream port 0000:02:00.0 has no ACS and "
			    "lets all below its switch reach each other\ndownstream port 0000:02:01.0 "
			    "has no ACS and lets all below its switch reach each other");
}

/*
 * One port lacks it: what is below reaches what is below the other, which is no
 * help to that. ACS is about what leaves a port.
 */
static void test_pcigroup_switch_half(void **state)
{
	struct pci *p = *state;

	build_switch(p, MODEL_ACS, 0x11);
	pcimodel_set(&p->model, 4, 0x104, 2, MODEL_ACS, 0); /* has all, keeps but SV and UF */
	pci_add(p);
	assert_groups(p, "abbbbb", "abcdee", "aaaaaa");
	assert_non_null(strstr(why_of(pci_at(p, 3, 0, 0)),
			       "downstream port 0000:02:01.0 has ACS RR CR off"));
}

/* A downstream port must have all of ACS; Linux takes what is not there for not needed. */
static void test_pcigroup_switch_with_less(void **state)
{
	struct pci *p = *state;

	build_switch(p, MODEL_ACS, 0x11);
	pci_add(p);
	assert_groups(p, "abbbbb", "abcdef", "aaaaaa");
}

/* ---- slots ---- */

static void test_pcigroup_slot(void **state)
{
	struct pci *p = *state;
	int rp = port(p, 1, 0, MODEL_ACS);

	pcimodel_multi(&p->model, endpoint(p, rp, 0, 0));
	endpoint(p, rp, 0, 1);
	rp = port(p, 2, 0, MODEL_ACS);
	pcimodel_multi(&p->model, pcimodel_acs(&p->model, rp, 0, 0, MODEL_ENDPOINT, 0x0c));
	pcimodel_acs(&p->model, rp, 0, 1, MODEL_ENDPOINT, 0x0c);
	pci_add(p);
	assert_groups(p, "abbcde", "abbcde", "aaabbb");
	assert_string_equal(why_of(pci_at(p, 1, 0, 1)),
			    "endpoint 0000:01:00.0 has no ACS and lets the functions of its slot reach "
			    "each other\nendpoint 0000:01:00.1 has no ACS and lets the functions of its "
			    "slot reach each other");
}

/* Mixed: the one without reaches the other; Linux parts them. */
static void test_pcigroup_slot_half(void **state)
{
	struct pci *p = *state;
	int rp = port(p, 1, 0, MODEL_ACS);

	pcimodel_multi(&p->model, pcimodel_acs(&p->model, rp, 0, 0, MODEL_ENDPOINT, 0x0c));
	endpoint(p, rp, 0, 1);
	pcimodel_acs(&p->model, rp, 0, 3, MODEL_ENDPOINT, 0x0c);
	pci_add(p);
	assert_groups(p, "abbb", "abcd", "aaaa");
}

/* Root ports of one slot: with them goes what is below, also below the guarded one. */
static void test_pcigroup_slot_of_ports(void **state)
{
	struct pci *p = *state;
	int rp;

	rp = port(p, 1, 0, MODEL_ACS);
	pcimodel_multi(&p->model, rp);
	endpoint(p, rp, 0, 0);
	endpoint(p, bare_port(p, 1, 1), 0, 0);
	pci_add(p);
	assert_groups(p, "aaaa", "abcc", "aaaa");
}

/* ---- ids that are taken over ---- */

static void test_pcigroup_conventional(void **state)
{
	struct pci *p = *state;
	struct pcimodel *m = &p->model;
	int bridge = pcimodel_pcie(m, port(p, 1, 0, MODEL_ACS), 0, 0, MODEL_PCIE_TO_PCI);
	int second = pcimodel_bridge(m, bridge, 2, 0);

	pcimodel_fn(m, bridge, 3, 0);
	pcimodel_fn(m, second, 4, 0);
	pcimodel_fn(m, PCIMODEL_ROOT, 2, 0);
	pcimodel_fn(m, PCIMODEL_ROOT, 3, 0);
	pci_add(p);
	assert_groups(p, "abbbbcd", "abbbbcd", "aaaaabc");
	assert_string_equal(why_of(pci_at(p, 2, 3, 0)),
			    "bridge to a conventional bus 0000:01:00.0 puts its own requester id in "
			    "place of all below it\nconventional bridge 0000:02:02.0 puts its own "
			    "requester id in place of all below it");
}

/* PCI Express again below a conventional bus: its ports have no say. */
static void test_pcigroup_express_below_conventional(void **state)
{
	struct pci *p = *state;
	struct pcimodel *m = &p->model;
	int bridge = pcimodel_pcie(m, port(p, 1, 0, MODEL_ACS), 0, 0, MODEL_PCIE_TO_PCI);
	int back = pcimodel_pcie(m, bridge, 1, 0, MODEL_PCI_TO_PCIE);
	int up = pcimodel_pcie(m, back, 0, 0, MODEL_UPSTREAM);
	uint16_t rid;

	endpoint(p, pcimodel_acs(m, up, 0, 0, MODEL_DOWNSTREAM, MODEL_ACS), 0, 0);
	pci_add(p);
	assert_groups(p, "abbbbb", "abbbbb", "aaaaaa");
	assert_int_equal(weir_pci_alias(pci_at(p, 5, 0, 0), 1, &rid), 0);
	assert_int_equal(rid, WEIR_PCI_RID(2, 1, 0));
	assert_int_equal(weir_pci_alias(pci_at(p, 5, 0, 0), 2, &rid), 0);
	assert_int_equal(rid, WEIR_PCI_RID(2, 0, 0));
	assert_int_equal(weir_pci_alias(pci_at(p, 5, 0, 0), 3, &rid), WEIR_ENOENT);
}

static void test_pcigroup_segments_differ(void **state)
{
	struct pci *p = *state;
	struct weir_pci *second;
	struct weir_device *dev;

	pcimodel_fn(&p->model, PCIMODEL_ROOT, 1, 0);
	pci_add(p);
	p->host.segment = 0x1a;
	assert_int_equal(weir_pci_add(p->bridge, &p->host, &pcimodel_ops, &p->model, 0, &second), 0);
	assert_int_equal(weir_pci_find(second, WEIR_PCI_RID(0, 1, 0), &dev), 0);
	assert_string_equal(key_of(dev, WEIR_PCI_RULES_WEIR), "pci001a/01.0");
	weir_pci_del(second);
}

/* Root buses of one segment: the same place is another group. */
static void test_pcigroup_root_buses_differ(void **state)
{
	struct pci *p = *state;
	static struct pcimodel second;
	struct weir_pci_host host = p->host;
	struct weir_pci *pci;
	struct weir_device *dev;

	pcimodel_fn(&p->model, PCIMODEL_ROOT, 1, 0);
	p->host.last_bus = 0x3f;
	pci_add(p);
	second.first_bus = 0x40;
	pcimodel_fn(&second, PCIMODEL_ROOT, 1, 0);
	host.first_bus = 0x40;
	assert_int_equal(weir_pci_add(p->bridge, &host, &pcimodel_ops, &second, 0, &pci), 0);
	assert_int_equal(weir_pci_find(pci, WEIR_PCI_RID(0x40, 1, 0), &dev), 0);
	assert_string_equal(key_of(dev, WEIR_PCI_RULES_WEIR), "pci0000:40/01.0");
	assert_string_equal(key_of(pci_at(p, 0, 1, 0), WEIR_PCI_RULES_WEIR), "pci0000/01.0");
	weir_pci_del(pci);
}

/* ---- what is told of a group ---- */

/* Each cause is a line, and in it who and what; more than a few are counted. */
static void test_pcigroup_many_causes(void **state)
{
	struct pci *p = *state;
	int up = pcimodel_pcie(&p->model, port(p, 1, 0, MODEL_ACS), 0, 0, MODEL_UPSTREAM);
	const char *why, *line;
	unsigned int lines = 1;

	for (unsigned int i = 0; i < 12; i++)
		pcimodel_acs(&p->model, up, i, 0, MODEL_DOWNSTREAM, i == 3 ? 0x15 : MODEL_ACS & ~1u);
	pci_add(p);
	why = why_of(pci_at(p, 2, 11, 0));
	for (line = why; (line = strchr(line, '\n')); line++)
		lines++;
	assert_int_equal(lines, 9);
	assert_memory_equal(why, "downstream port 0000:02:00.0 lacks ACS SV and lets all below its "
				 "switch reach each other\n", 87);
	assert_non_null(strstr(why, "\ndownstream port 0000:02:03.0 lacks ACS CR and lets all"));
	assert_string_equal(strrchr(why, '\n'), "\nand 4 more like these");
}

/* By Linux's rules a path is to blame: where on it the first lack is. */
static void test_pcigroup_why_by_linux_rules(void **state)
{
	struct weir_pci_group group;
	struct pci *p = *state;

	build_switch(p, 0, 0);
	pci_add(p);
	assert_int_equal(weir_pci_group_get(pci_at(p, 3, 0, 0), WEIR_PCI_RULES_LINUX_6_12_DT, &group), 0);
	assert_string_equal(group.why, "root port 0000:00:01.0 has ACS SV RR CR UF off and does not keep "
				       "apart what is below");
	assert_int_equal(weir_pci_group_get(pci_at(p, 0, 1, 0), WEIR_PCI_RULES_LINUX_6_12, &group), 0);
	assert_string_equal(group.why, "it is alone");
}

/* A port that was alone tells why it is not any more. */
static void test_pcigroup_why_of_a_group_that_grows(void **state)
{
	static const char lack[] = "root port 0000:00:01.0 has no ACS and lets all below it reach each "
				   "other";
	struct pci *p = *state;
	int rp = bare_port(p, 1, 0), dev;

	pcimodel_hotplug(&p->model, rp);
	dev = endpoint(p, rp, 0, 0);
	p->model.fns[dev].absent = true;
	pci_add(p);
	assert_string_equal(why_of(pci_at(p, 0, 1, 0)), "it is alone");
	p->model.fns[dev].absent = false;
	assert_int_equal(weir_pci_plug(pci_at(p, 0, 1, 0)), 1);
	assert_string_equal(why_of(pci_at(p, 0, 1, 0)), lack);
	assert_string_equal(why_of(pci_at(p, 1, 0, 0)), lack);
	assert_string_equal(key_of(pci_at(p, 1, 0, 0), WEIR_PCI_RULES_WEIR), "pci0000/01.0");
}

/* ---- plugging ---- */

static void test_pcigroup_plug(void **state)
{
	struct pci *p = *state;
	struct weir_pci_bar bar;
	int rp = port(p, 1, 0, MODEL_ACS), dev;

	pcimodel_hotplug(&p->model, rp);
	dev = endpoint(p, rp, 0, 0);
	pcimodel_bar(&p->model, dev, 0, 0x10000, 0);
	p->model.fns[dev].absent = true;
	pci_add(p);
	assert_int_equal(pci_count(p), 1);
	assert_int_equal(weir_pci_plug(pci_at(p, 0, 1, 0)), 0);
	p->model.fns[dev].absent = false;
	assert_int_equal(weir_pci_plug(pci_at(p, 0, 1, 0)), 1);
	assert_groups(p, "ab", "ab", "aa"); /* Linux asks for that of the port too late */
	assert_no_fault(pci_at(p, 1, 0, 0));
	bar = pci_bar(pci_at(p, 1, 0, 0), 0);
	assert_true(bar.pci >= (uint64_t)(weir_pci_read(pci_at(p, 0, 1, 0), 0x20, 2) & 0xfff0) << 16);
	assert_int_equal(weir_pci_unplug(pci_at(p, 0, 1, 0)), 1);
	assert_int_equal(pci_count(p), 1);
	assert_int_equal(weir_pci_unplug(pci_at(p, 0, 1, 0)), 0);
	assert_int_equal(weir_pci_plug(pci_at(p, 0, 1, 0)), 1);
	assert_int_equal(weir_pci_plug(pci_at(p, 1, 0, 0)), WEIR_ENODEV);
	assert_int_equal(weir_pci_unplug(p->bridge), WEIR_ENODEV);
}

/* More than the room that was kept: quarantine, and the next one is fine. */
static void test_pcigroup_plug_too_large(void **state)
{
	struct pci *p = *state;
	int rp = port(p, 1, 0, MODEL_ACS), dev;

	pcimodel_hotplug(&p->model, rp);
	dev = endpoint(p, rp, 0, 0);
	pcimodel_bar(&p->model, dev, 0, 16u << 20, 0);
	p->model.fns[dev].absent = true;
	pci_add(p);
	p->model.fns[dev].absent = false;
	assert_int_equal(weir_pci_plug(pci_at(p, 0, 1, 0)), 1);
	assert_fault(pci_at(p, 1, 0, 0), "its bridge has no room for the 0x1000000 bytes of BAR 0");
	assert_int_equal(weir_pci_unplug(pci_at(p, 0, 1, 0)), 1);
	pcimodel_bar(&p->model, dev, 0, 0x1000, 0);
	assert_int_equal(weir_pci_plug(pci_at(p, 0, 1, 0)), 1);
	assert_no_fault(pci_at(p, 1, 0, 0));
}

/*
 * Two functions of a slot guard themselves and are two groups. A third comes that
 * reaches both: it is that which stays out; the keys of the others do not change.
 */
static void test_pcigroup_plug_never_merges(void **state)
{
	struct pci *p = *state;
	int rp = port(p, 1, 0, MODEL_ACS), third;
	char keys[2][40];

	pcimodel_hotplug(&p->model, rp);
	pcimodel_multi(&p->model, pcimodel_acs(&p->model, rp, 0, 0, MODEL_ENDPOINT, 0x0c));
	pcimodel_acs(&p->model, rp, 0, 1, MODEL_ENDPOINT, 0x0c);
	third = endpoint(p, rp, 0, 2);
	p->model.fns[third].absent = true;
	pci_add(p);
	assert_groups(p, "abc", "abc", "aaa");
	for (unsigned int i = 0; i < 2; i++)
		strcpy(keys[i], key_of(pci_at(p, 1, 0, i), WEIR_PCI_RULES_WEIR));
	p->model.fns[third].absent = false;
	assert_int_equal(weir_pci_plug(pci_at(p, 0, 1, 0)), 1);
	assert_fault(pci_at(p, 1, 0, 2), "it would make one group of pci0000/01.0/00.0 and "
					 "pci0000/01.0/00.1");
	for (unsigned int i = 0; i < 2; i++) {
		assert_string_equal(keys[i], key_of(pci_at(p, 1, 0, i), WEIR_PCI_RULES_WEIR));
		assert_no_fault(pci_at(p, 1, 0, i));
	}
	assert_string_not_equal(keys[0], key_of(pci_at(p, 1, 0, 2), WEIR_PCI_RULES_WEIR));
	assert_string_not_equal(keys[1], key_of(pci_at(p, 1, 0, 2), WEIR_PCI_RULES_WEIR));
	assert_string_equal(why_of(pci_at(p, 1, 0, 2)), "it is alone");
	assert_string_equal(why_of(pci_at(p, 1, 0, 0)), "it is alone");
}

/* Nothing joins two groups in a switch either: its ports decided before anything was there. */
static void test_pcigroup_plug_into_switch(void **state)
{
	struct pci *p = *state;

	build_switch(p, MODEL_ACS, 0);
	pcimodel_set(&p->model, 4, 0x100, 4, 0, 0);
	pcimodel_hotplug(&p->model, 4);
	p->model.fns[5].absent = true;
	pci_add(p);
	assert_groups(p, "abbbb", "abcde", "aaaaa");
	p->model.fns[5].absent = false;
	assert_int_equal(weir_pci_plug(pci_at(p, 2, 1, 0)), 1);
	assert_groups(p, "abbbbb", "abcdee", "aaaaaa");
	assert_no_fault(pci_at(p, 4, 0, 0));
}

struct plugging {
	struct pci *p;
	struct pcimodel model;
};

static void sweep_plug(struct testhost *t, void *arg)
{
	struct plugging *plugging = arg;
	struct weir_device *bridge = NULL, *port_dev;
	struct weir_pci *pci = NULL;
	struct world w;
	int err;

	memset(&w, 0, sizeof(w));
	plugging->model = plugging->p->model;
	err = world_try_open(&w, t, NULL);
	if (!err)
		err = world_try_device(&w, "host", NULL, "host", &bridge);
	if (!err)
		err = weir_pci_add(bridge, &plugging->p->host, &pcimodel_ops, &plugging->model, 0,
				   &pci);
	if (!err) {
		unsigned int n = plugging->model.n;

		for (unsigned int i = 0; i < n; i++)
			plugging->model.fns[i].absent = false;
		assert_int_equal(weir_pci_find(pci, WEIR_PCI_RID(0, 1, 0), &port_dev), 0);
		err = weir_pci_plug(port_dev);
		if (err < 0) /* all or nothing: it can be tried again */
			assert_int_equal(weir_pci_plug(port_dev), 3);
		else
			assert_int_equal(err, 3);
		weir_pci_del(pci);
	}
	if (w.m)
		weir_machine_destroy(w.m);
	assert_int_equal(err < 0, testhost_fault_hit(t));
}

static void test_pcigroup_plug_fault_sweep(void **state)
{
	static struct plugging plugging;
	struct pci *p = *state;
	int rp = port(p, 1, 0, MODEL_ACS);

	pcimodel_hotplug(&p->model, rp);
	for (unsigned int i = 0; i < 3; i++) {
		int dev = endpoint(p, rp, 0, i);

		pcimodel_bar(&p->model, dev, 0, 0x1000, 0);
		pcimodel_multi(&p->model, dev);
		p->model.fns[dev].absent = true;
	}
	plugging.p = p;
	assert_true(testhost_sweep(NULL, NULL, sweep_plug, &plugging) > 30);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, pci_open, pci_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_pcigroup_root_ports),
		TEST(test_pcigroup_root_port_with_less),
		TEST(test_pcigroup_stuck_bit),
		TEST(test_pcigroup_isolation),
		TEST(test_pcigroup_recorded),
		TEST(test_pcigroup_firmware_acs),
		TEST(test_pcigroup_switch),
		TEST(test_pcigroup_switch_without_acs),
		TEST(test_pcigroup_switch_half),
		TEST(test_pcigroup_switch_with_less),
		TEST(test_pcigroup_slot),
		TEST(test_pcigroup_slot_half),
		TEST(test_pcigroup_slot_of_ports),
		TEST(test_pcigroup_conventional),
		TEST(test_pcigroup_express_below_conventional),
		TEST(test_pcigroup_segments_differ),
		TEST(test_pcigroup_root_buses_differ),
		TEST(test_pcigroup_many_causes),
		TEST(test_pcigroup_why_by_linux_rules),
		TEST(test_pcigroup_why_of_a_group_that_grows),
		TEST(test_pcigroup_plug),
		TEST(test_pcigroup_plug_too_large),
		TEST(test_pcigroup_plug_never_merges),
		TEST(test_pcigroup_plug_into_switch),
		TEST(test_pcigroup_plug_fault_sweep),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
