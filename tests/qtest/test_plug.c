// SPDX-License-Identifier: MIT
/*
 * Cards with bridges on QEMU's models, plugged and pulled behind an IOMMU while the machine
 * runs: switches with devices on them, which do DMA as soon as they are there.
 *
 * QEMU's switches take no ports while it runs. So one is there from the start in a slot
 * without power, and is found when the slot is switched on; another one is in a slot that has no
 * power controller, is reset, forgotten and found again and again; and a bridge to a
 * conventional bus, which takes devices, comes and goes with one. QEMU 7.2's IOMMUs keep
 * pointers to buses that have gone, and follow them when they look for a bus: where one goes, it is
 * the last that happens.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "edu/edu.h"

#define EDU "edu,dma_mask=0xffffffffffffffff"
#define ECAM UINT64_C(0x4010000000) /* of QEMU's machine virt */
#define ROUNDS 3

static struct plug {
	struct bench b;
	struct weir_module *iommu;
	unsigned int members; /* of groups, before anything was plugged */
} plug;

static void qmp(const char *command)
{
	char *reply = NULL;

	if (weir_qtest_qmp(plug.b.qtest, command, &reply))
		fail_msg("%s: %s", command, reply ? reply : "no answer");
	free(reply);
}

static void await_deleted(const char *id)
{
	char words[40];
	const char *const event[2] = { "DEVICE_DELETED", words };

	snprintf(words, sizeof(words), "\"device\": \"%s\"", id);
	assert_int_equal(weir_qtest_qmp_event(plug.b.qtest, event), 0);
}

/* ---- the machine ---- */

static unsigned int nr_members(void)
{
	struct weir_device *dev;
	unsigned int n = 0;

	for (dev = weir_device_first(plug.b.m); dev; dev = weir_device_next(dev))
		n += weir_device_group(dev) >= 0;
	return n;
}

/* Functions above the ports that are plugged into: ECAM alone, before the library comes. */
static uint32_t config_read(uint16_t rid, unsigned int offset, unsigned int width)
{
	return (uint32_t)weir_qtest_ops(plug.b.qtest)->mmio_read(plug.b.qtest,
								  ECAM + ((uint64_t)rid << 12) + offset,
								  width);
}

static void config_write(uint16_t rid, unsigned int offset, unsigned int width, uint32_t value)
{
	weir_qtest_ops(plug.b.qtest)->mmio_write(plug.b.qtest, ECAM + ((uint64_t)rid << 12) + offset,
						 width, value);
}

/*
 * Power is off, its indicator on: with that off as well QEMU takes the device out of the slot
 * (Slot Control; PCI Express Base Specification 5.0, 7.5.3.10).
 */
static void power_slot_off(uint16_t port)
{
	unsigned int cap = config_read(port, 0x34, 1);

	while (config_read(port, cap, 1) != 0x10)
		cap = config_read(port, cap + 1, 1);
	config_write(port, cap + 24, 2, (config_read(port, cap + 24, 2) & ~0x300u) | 0x500);
}

static void open_plug(const char *const *tree, uint16_t off)
{
	const struct bench_iommu *iommu = bench_iommu();
	const char *args[40];
	char text[64];
	unsigned int n = 0;

	memset(&plug, 0, sizeof(plug));
	for (; tree[n]; n++)
		args[n] = tree[n];
	args[bench_iommu_args("01.0", text, args, n)] = NULL;
	bench_start(&plug.b, "aarch64", iommu->machine, args);
	if (off)
		power_slot_off(off);
	bench_empty(&plug.b, weir_qtest_ops(plug.b.qtest));
	if (iommu->node)
		plug.b.iommu = iommu;
	else
		bench_machine(&plug.b);
	assert_int_equal(weir_module_load(plug.b.m, iommu->entry, &plug.iommu), 0);
	if (iommu->node)
		bench_machine(&plug.b);
	weir_catalogue_seal(plug.b.m); /* the ports have no driver, and nobody waits for one */
	assert_int_equal(weir_driver_register(plug.b.m, &weir_edu_driver), 0);
	assert_int_equal(weir_settle(plug.b.m), 0);
	plug.members = nr_members();
}

static void close_plug(void)
{
	assert_int_equal(weir_driver_unregister(plug.b.m, &weir_edu_driver), 0);
	assert_int_equal(weir_module_unload(plug.iommu, WEIR_MODULE_FORCE), 0);
	bench_close(&plug.b);
}

static int plug_into(const char *port)
{
	int n = weir_pci_plug(bench_named(&plug.b, port));

	assert_int_equal(weir_settle(plug.b.m), 0);
	return n;
}

static int pull(const char *port)
{
	return weir_pci_unplug(bench_named(&plug.b, port));
}

/* It is behind the IOMMU, and data go both ways. */
static void works(const char *name)
{
	struct weir_device *dev = bench_named(&plug.b, name);
	char report[WEIR_CLIENT_REPORT_BYTES] = "";

	if (weir_device_status_get(dev) != WEIR_DEVICE_BOUND) {
		struct weir_why why;

		weir_device_root_cause(dev, &why);
		fail_msg("%s is not bound: verdict %d of %s, %s", name, (int)why.verdict,
			 weir_device_name(why.device), weir_errname(why.err));
	}
	assert_true(weir_dma_is_translated(dev));
	if (weir_edu_ops.dma_test(dev, weir_edu_ops.tests[0].name, report, sizeof(report)))
		fail_msg("%s %s", report, weir_qtest_error(plug.b.qtest));
}

static void in_group(const char *name, const char *key)
{
	assert_string_equal(bench_group(bench_named(&plug.b, name), WEIR_PCI_RULES_WEIR), key);
}

/* ---- switches ---- */

#define SWITCH(n, port) \
	"-device", "x3130-upstream,id=up" #n ",bus=" port, \
	"-device", "xio3130-downstream,id=dn" #n "0,bus=up" #n ",chassis=1" #n ",addr=00.0", \
	"-device", "xio3130-downstream,id=dn" #n "1,bus=up" #n ",chassis=2" #n ",addr=01.0", \
	"-device", EDU ",id=edu" #n ",bus=dn" #n "0"

/* The whole of it comes when its slot gets power, and goes. */
static void test_plug_switch(void **state)
{
	static const char *const tree[] = {
		"-device", "pcie-root-port,id=rp0,chassis=1,addr=02.0", SWITCH(0, "rp0"), NULL
	};

	(void)state;
	open_plug(tree, WEIR_PCI_RID(0, 2, 0));
	assert_int_equal(bench_count(&plug.b, 0x104c, 0x8232), 0);
	assert_int_equal(plug_into("0000:00:02.0"), 4);
	works("0000:03:00.0");
	in_group("0000:00:02.0", "pci0000/02.0");
	in_group("0000:03:00.0", "pci0000/02.0/00.0"); /* QEMU's switches have no ACS */
	in_group("0000:02:01.0", "pci0000/02.0/00.0");
	assert_int_equal(plug_into("0000:00:02.0"), 0);

	assert_int_equal(pull("0000:00:02.0"), 4);
	await_deleted("up0");
	assert_int_equal(nr_members(), plug.members);
	assert_int_equal(plug_into("0000:00:02.0"), 0);
	close_plug();
}

/* A hot reset of what is below a port: it is as if it had just been put in. */
static void reset_below(const char *port)
{
	struct weir_device *dev = bench_named(&plug.b, port);

	weir_pci_write(dev, 0x3e, 2, 0x40); /* Bridge Control */
	weir_pci_write(dev, 0x3e, 2, 0);
}

static void plug_edu(const char *bus, unsigned int addr)
{
	char command[200];

	snprintf(command, sizeof(command), "{\"execute\": \"device_add\", \"arguments\": {\"driver\": \"edu\","
		 " \"id\": \"second\", \"bus\": \"%s\", \"addr\": \"%u\", \"dma_mask\": 18446744073709551615}}", bus, addr);
	qmp(command);
}

/*
 * Its other slot takes a device too: a member of the first one's group, for there is no ACS.
 * While that is claimed no driver gets the newcomer, and the group stays one, and the claimer's.
 */
static void second_in_claimed_group(void)
{
	struct weir_group *group;

	assert_int_equal(weir_driver_unregister(plug.b.m, &weir_edu_driver), 0);
	assert_int_equal(weir_group_of(bench_named(&plug.b, "0000:03:00.0"), &group), 0);
	assert_int_equal(weir_group_claim(group, &plug), 0);
	plug_edu("dn01", 0);
	assert_int_equal(plug_into("0000:02:01.0"), 1);
	in_group("0000:0b:00.0", "pci0000/02.0/00.0");
	assert_int_equal(weir_driver_register(plug.b.m, &weir_edu_driver), 0);
	assert_int_equal(weir_settle(plug.b.m), 0);
	assert_int_not_equal(weir_device_status_get(bench_named(&plug.b, "0000:0b:00.0")),
			     WEIR_DEVICE_BOUND);
	assert_int_not_equal(weir_device_status_get(bench_named(&plug.b, "0000:03:00.0")),
			     WEIR_DEVICE_BOUND);
	assert_int_equal(weir_group_release(group, &plug), 0);
	assert_int_equal(weir_driver_unregister(plug.b.m, &weir_edu_driver), 0); /* once more */
	assert_int_equal(weir_driver_register(plug.b.m, &weir_edu_driver), 0);
	assert_int_equal(weir_settle(plug.b.m), 0);
}

static void test_plug_switch_again(void **state)
{
	static const char *const tree[] = {
		"-device", "pcie-root-port,id=rp0,chassis=1,addr=02.0,power_controller_present=off",
		SWITCH(0, "rp0"),
		"-device", "pcie-root-port,id=rp1,chassis=2,addr=03.0", "-device", EDU ",bus=rp1", NULL
	};

	(void)state;
	open_plug(tree, 0);
	works("0000:03:00.0");
	for (int round = 0; round < ROUNDS; round++) {
		assert_int_equal(pull("0000:00:02.0"), 4);
		reset_below("0000:00:02.0");
		assert_int_equal(plug_into("0000:00:02.0"), 4);
		works("0000:03:00.0");
		second_in_claimed_group();
		works("0000:0b:00.0");
		works("0000:03:00.0");
		assert_int_equal(pull("0000:02:01.0"), 1);
		await_deleted("second");
		assert_int_equal(nr_members(), plug.members);
	}
	close_plug();
}

/* ---- a bridge to a conventional bus ---- */

static void test_plug_bridge(void **state)
{
	static const char *const tree[] = {
		"-device", "pcie-root-port,id=rp0,chassis=1,addr=02.0",
		"-device", "pcie-root-port,id=rp1,chassis=2,addr=03.0", NULL
	};
	struct weir_pci_id id;

	(void)state;
	open_plug(tree, 0);
	qmp("{\"execute\": \"device_add\", \"arguments\": {\"driver\": \"pcie-pci-bridge\","
	    " \"id\": \"card\", \"bus\": \"rp1\"}}");
	plug_edu("card", 1);
	assert_int_equal(plug_into("0000:00:03.0"), 2);
	/* the bridge puts in an id of its own: all below are one group with it */
	assert_int_equal(weir_pci_iommu_id(bench_named(&plug.b, "0000:0a:01.0"), 1, &id), 0);
	assert_int_equal(id.id, WEIR_PCI_RID(0x0a, 0, 0));
	in_group("0000:0a:01.0", "pci0000/03.0/00.0");
	in_group("0000:09:00.0", "pci0000/03.0/00.0");
	if (bench_iommu()->node)
		works("0000:0a:01.0");
	else /* QEMU's virtio-iommu knows that id alone, and says so of the function's own */
		assert_int_equal(weir_device_verdict(bench_named(&plug.b, "0000:0a:01.0"), NULL),
				 WEIR_VERDICT_IDS_REJECTED);
	assert_int_equal(pull("0000:00:03.0"), 2);
	await_deleted("card");
	assert_int_equal(nr_members(), plug.members);
	close_plug();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plug_switch),
		cmocka_unit_test(test_plug_switch_again),
		cmocka_unit_test(test_plug_bridge),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
