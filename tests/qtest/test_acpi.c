// SPDX-License-Identifier: MIT
/*
 * The same QEMU by device tree and by ACPI: for every PCI function the same ids at the
 * same IOMMUs and MSI controllers, the same groups, the same links, the same registers. On
 * the topologies of tests/groups/topologies.txt, with an SMMUv3 and with a virtio-iommu.
 *
 * The walk by device tree comes first: it numbers the buses, and QEMU's tables tell of the
 * buses as they are when the tables are first read.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

#define MAX_ARGS 120
#define MAX_DISKS 4

/* ---- drivers: IOMMUs that only take part in the order, everything else binds ---- */

static int iommu_probe(struct weir_device *dev)
{
	return weir_iommu_register(dev, NULL, NULL);
}

static void iommu_remove(struct weir_device *dev)
{
	weir_iommu_unregister(dev);
}

static const struct weir_driver_ops iommu_ops = {
	.abi = WEIR_ABI(struct weir_driver_ops), .probe = iommu_probe, .remove = iommu_remove,
};
static const struct weir_driver_ops plain_ops = { .abi = WEIR_ABI(struct weir_driver_ops) };

static const struct weir_match smmu_match[] = {
	{ .key = "arm,smmu-v3" }, { .key = "acpi:arm-smmu-v3" }, { 0 },
};
static const struct weir_match virtio_iommu_match[] = { { .key = "pci:1af4:1057" }, { 0 } };
static const struct weir_match plain_match[] = {
	{ .key = "pci:class:00" }, { .key = "pci:class:01" }, { .key = "pci:class:02" },
	{ .key = "pci:class:06" }, { .key = "pci:class:ff" }, { 0 },
};

static const struct weir_driver smmu = {
	.name = "smmu", .bus = "platform", .match = smmu_match, .ops = &iommu_ops,
};
static const struct weir_driver virtio_iommu = {
	.name = "virtio-iommu", .bus = "pci", .match = virtio_iommu_match, .ops = &iommu_ops,
};
static const struct weir_driver plain = {
	.name = "plain", .bus = "pci", .match = plain_match, .ops = &plain_ops,
};

/* ---- two ways to bring it up ---- */

static void start(struct bench *b)
{
	b->host = testhost_create(weir_qtest_ops(b->qtest), b->qtest);
	assert_int_equal(weir_machine_create(testhost_ops(b->host), b->host, &b->m), 0);
}

/* Access control as QEMU's ports have it at first: off (PCI Express 5.0, 7.7.8.3). */
static void forget_acs(struct weir_machine *m)
{
	struct weir_device *dev;

	for (dev = weir_device_first(m); dev; dev = weir_device_next(dev)) {
		struct weir_pci_info info;
		int acs = weir_pci_info_get(dev, &info) ? 0 : weir_pci_ext_cap(dev, 0xd, 0);

		if (acs > 0)
			weir_pci_write(dev, (unsigned int)acs + 6, 2, 0);
	}
}

static void finish(struct bench *b)
{
	forget_acs(b->m);
	weir_machine_destroy(b->m);
	testhost_destroy(b->host);
	b->m = NULL;
	b->host = NULL;
}

static void bring_up(struct bench *b)
{
	struct weir_bus *bus;

	assert_int_equal(weir_firmware_populate(b->m), 0);
	assert_int_equal(weir_driver_register(b->m, &smmu), 0);
	assert_int_equal(weir_driver_register(b->m, &weir_pci_ecam_driver), 0);
	assert_int_equal(weir_settle(b->m), 0);
	assert_int_equal(weir_bus_find(b->m, "pci", &bus), 0);
	assert_int_equal(weir_driver_register(b->m, &virtio_iommu), 0);
	assert_int_equal(weir_driver_register(b->m, &plain), 0);
	assert_int_equal(weir_settle(b->m), 0);
}

/* What is neither host bridge nor IOMMU works without drivers. */
static void settle_others(struct weir_machine *m)
{
	struct weir_fwnode *node;

	for (node = weir_fwnode_root(m); node; node = weir_fwnode_next(node)) {
		const char *name = weir_fwnode_name(node);

		if (strncmp(name, "pcie@", 5) != 0 && strncmp(name, "smmuv3@", 7) != 0 &&
		    strncmp(name, "virtio_iommu@", 13) != 0)
			weir_fwnode_set_initialized(node, true, false);
	}
}

static char *by_device_tree(struct bench *b, struct weir_pci_host *out_host,
			    unsigned int *out_functions)
{
	struct weir_fwnode *node;
	const void *dtb;
	size_t bytes;
	char *text;

	start(b);
	assert_int_equal(weir_qtest_dtb(b->qtest, &dtb, &bytes), 0);
	assert_int_equal(weir_firmware_load_dt(b->m, dtb, bytes), 0);
	settle_others(b->m);
	bring_up(b);
	text = bench_describe(b->m, out_functions);
	for (node = weir_fwnode_root(b->m); node; node = weir_fwnode_next(node))
		if (!weir_firmware_pci_host(node, out_host))
			break;
	assert_non_null(node);
	finish(b);
	return text;
}

/*
 * Of the bridge, the windows are given: the namespace would tell them. Without, all
 * registers and buses are kept as they are since the walk by device tree.
 */
static char *by_acpi(struct bench *b, const struct weir_pci_host *by_dt, bool give,
		     unsigned int *out_functions)
{
	struct weir_pci_host host = *by_dt, read;
	struct weir_acpi acpi = { .hosts = give ? &host : NULL, .nr_hosts = 1 };
	struct weir_fwnode *node;
	char *text;

	host.ecam_pa = 0;
	host.ecam_bytes = 0;
	start(b);
	assert_int_equal(weir_qtest_acpi(b->qtest, &acpi.rsdp_pa), 0);
	if (weir_firmware_load_acpi(b->m, &acpi))
		fail_msg("%s", weir_firmware_error(b->m));
	assert_int_equal(weir_fwnode_find(b->m, "/pci0000:00", &node), 0);
	assert_int_equal(weir_firmware_pci_host(node, &read), 0);
	assert_true(read.ecam_pa == by_dt->ecam_pa && read.ecam_bytes == by_dt->ecam_bytes);
	assert_int_equal(read.flags, give ? 0 : WEIR_PCI_KEEP);
	bring_up(b);
	text = bench_describe(b->m, out_functions);
	finish(b);
	return text;
}

static void compare(const char *name, const char *machine, const char *const *args)
{
	static const char *const ways[] = { "device tree", "ACPI, kept", "ACPI" };
	unsigned int functions[3];
	struct weir_pci_host host;
	char *texts[3];
	struct bench b;

	memset(&host, 0, sizeof(host));
	bench_start(&b, "aarch64", machine, args);
	texts[0] = by_device_tree(&b, &host, &functions[0]);
	texts[1] = by_acpi(&b, &host, false, &functions[1]);
	texts[2] = by_acpi(&b, &host, true, &functions[2]);
	assert_true(functions[0] > 1);
	for (int i = 1; i < 3; i++)
		if (strcmp(texts[0], texts[i]) != 0)
			fail_msg("%s on %s differs; by device tree:\n%s\nby %s:\n%s", name,
				 machine, texts[0], ways[i], texts[i]);
	if (getenv("WEIR_TEST_LOG"))
		fprintf(stderr, "# %s on %s: %u functions\n%s", name, machine, functions[0],
			texts[0]);
	for (int i = 0; i < 3; i++)
		free(texts[i]);
	bench_close(&b);
}

/* ---- topologies ---- */

struct args {
	const char *list[MAX_ARGS];
	unsigned int n;
	char texts[8192];
	size_t used;
};

static void add_arg(struct args *a, const char *fmt, const char *text)
{
	int n = snprintf(a->texts + a->used, sizeof(a->texts) - a->used, fmt, text);

	assert_true(a->n + 1 < MAX_ARGS && n >= 0 && a->used + (size_t)n < sizeof(a->texts));
	a->list[a->n++] = a->texts + a->used;
	a->list[a->n] = NULL;
	a->used += (size_t)n + 1;
}

/* Words of a line; "@BLK0" is the disk of that name. */
static void add_words(struct args *a, char *line)
{
	char *save = NULL, *at;

	for (char *word = strtok_r(line, " \n", &save); word; word = strtok_r(NULL, " \n", &save)) {
		at = strchr(word, '@');
		if (at)
			memmove(at, at + 1, strlen(at));
		add_arg(a, "%s", word);
	}
}

static void add_disks(struct args *a)
{
	static const char *const disks[MAX_DISKS] = { "BLK0", "BLK1", "BLK2", "BLK3" };

	for (unsigned int i = 0; i < MAX_DISKS; i++) {
		add_arg(a, "%s", "-blockdev");
		add_arg(a, "null-co,node-name=%s,size=1048576", disks[i]);
	}
}

/* The lines NAME ARGUMENTS of topologies.txt, each with one IOMMU. */
static void all_topologies(const char *machine, const char *iommu)
{
	FILE *file = fopen(TEST_TOPOLOGIES, "r");
	char line[4096], name[64];
	unsigned int n = 0;
	int skip;

	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		struct args a = { .n = 0 };

		if (line[0] == '#' || sscanf(line, "%63s %n", name, &skip) != 1)
			continue;
		add_disks(&a);
		if (iommu) {
			add_arg(&a, "%s", "-device");
			add_arg(&a, "%s", iommu);
		}
		add_words(&a, line + skip);
		compare(name, machine, a.list);
		n++;
	}
	fclose(file);
	print_message("# %u topologies are the same\n", n);
	assert_true(n >= 20);
}

static void test_acpi_smmuv3(void **state)
{
	(void)state;
	all_topologies("virt,iommu=smmuv3,gic-version=3", NULL);
}

static void test_acpi_virtio_iommu(void **state)
{
	(void)state;
	all_topologies("virt,gic-version=3", "virtio-iommu-pci,addr=01.0");
}

/* ---- q35: no device tree, so an account of the bridge made by code ---- */

/* The configuration space is switched on through the ports (MCH, PCIEXBAR). */
#define Q35_ECAM 0xb0000000u

static void open_q35_config(struct bench *b)
{
	weir_qtest_out(b->qtest, 0xcf8, 4, 0x80000060);
	weir_qtest_out(b->qtest, 0xcfc, 4, Q35_ECAM | 1);
}

static const struct weir_pci_host q35 = {
	.last_bus = 255, .nr_windows = 3,
	.windows = {
		{ WEIR_PCI_IO, 0xc000, WEIR_PCI_NO_CPU_ADDRESS, 0x4000 },
		{ WEIR_PCI_MEM, 0xc0000000, 0xc0000000, 0x3e000000 },
		{ WEIR_PCI_HIGH, 0x8000000000, 0x8000000000, 0x1000000000 },
	},
};

/* Numbers the buses, so that tables tell of them; the groups are those of devices alone. */
static unsigned int walk_by_code(struct bench *b, char *keys[], unsigned int max)
{
	struct weir_pci_host host = q35;
	struct weir_device *dev, *bridge;
	struct weir_pci_group group;
	struct weir_pci *pci;
	struct weir_bus *bus;
	unsigned int n = 0;

	host.ecam_pa = Q35_ECAM;
	host.ecam_bytes = 256u << 20;
	start(b);
	assert_int_equal(weir_bus_create(b->m, "platform", NULL, &bus), 0);
	assert_int_equal(weir_device_create(bus, "q35", NULL, NULL, &bridge), 0);
	assert_int_equal(weir_device_add(bridge), 0);
	assert_int_equal(weir_pci_add(bridge, &host, NULL, NULL, 0, &pci), 0);
	for (dev = weir_device_first(b->m); dev; dev = weir_device_next(dev)) {
		if (weir_pci_group_get(dev, WEIR_PCI_RULES_WEIR, &group))
			continue;
		assert_true(n < max);
		assert_true(asprintf(&keys[n++], "%s %s", weir_device_name(dev), group.key) > 0);
	}
	forget_acs(b->m);
	weir_pci_del(pci);
	weir_device_del(bridge);
	weir_device_unref(bridge);
	finish(b);
	return n;
}

#define MAX_Q35 32

static void compare_q35(const char *const *args)
{
	char *keys[MAX_Q35], *own;
	struct weir_acpi acpi = { .hosts = &q35, .nr_hosts = 1 };
	struct weir_pci_group group;
	struct weir_device *dev, *iommu;
	struct weir_pci_info info;
	unsigned int n, i = 0, behind = 0;
	struct weir_pci_id id;
	struct bench b;

	bench_start(&b, "x86_64", "q35", args);
	open_q35_config(&b);
	n = walk_by_code(&b, keys, MAX_Q35);
	start(&b);
	assert_int_equal(weir_qtest_acpi(b.qtest, &acpi.rsdp_pa), 0);
	if (weir_firmware_load_acpi(b.m, &acpi))
		fail_msg("%s", weir_firmware_error(b.m));
	bring_up(&b);
	iommu = bench_pci(&b, 0x1af4, 0x1057);
	assert_non_null(weir_device_fwnode(iommu));
	for (dev = weir_device_first(b.m); dev; dev = weir_device_next(dev)) {
		if (weir_pci_info_get(dev, &info))
			continue;
		assert_int_equal(weir_pci_group_get(dev, WEIR_PCI_RULES_WEIR, &group), 0);
		assert_true(asprintf(&own, "%s %s", weir_device_name(dev), group.key) > 0);
		assert_true(i < n);
		assert_string_equal(own, keys[i++]);
		free(own);
		if (dev == iommu) {
			assert_int_equal(weir_pci_iommu_id(dev, 0, &id), WEIR_ENOENT);
			continue;
		}
		/* QEMU's virtio-iommu knows endpoints by their requester ids. */
		assert_int_equal(weir_pci_iommu_id(dev, 0, &id), 0);
		assert_int_equal(id.id, id.rid);
		assert_int_equal(id.rid, info.rid);
		assert_ptr_equal(weir_fwnode_device(id.target), iommu);
		assert_int_equal(weir_pci_msi_id(dev, &id), WEIR_ENOENT);
		behind++;
	}
	assert_int_equal(i, n);
	assert_true(behind >= 3);
	while (n--)
		free(keys[n]);
	finish(&b);
	bench_close(&b);
}

static void test_acpi_virtio_iommu_q35(void **state)
{
	static const char *const ports[] = {
		"-device", "virtio-iommu-pci,addr=01.0", "-device",
		"pcie-root-port,id=p0,chassis=1,addr=02.0", "-device", "e1000e,bus=p0", "-device",
		"edu,addr=03.0", NULL,
	};
	static const char *const conventional[] = {
		"-device", "virtio-iommu-pci,addr=01.0", "-device",
		"pcie-root-port,id=p0,chassis=1,addr=02.0", "-device", "pcie-pci-bridge,id=c,bus=p0",
		"-device", "edu,bus=c,addr=01.0", "-device", "edu,bus=c,addr=02.0", NULL,
	};

	(void)state;
	compare_q35(ports);
	compare_q35(conventional);
}

/* ---- several host bridges in a segment: ranges that meet, and overlap by one id ---- */

/* Of a segment's buses, as AML would tell: @first to the bus before the next. */
static void add_host(struct weir_pci_host *hosts, unsigned int *n, const struct weir_pci_host *all,
		     unsigned int first, unsigned int last)
{
	hosts[*n] = *all;
	hosts[*n].first_bus = (uint8_t)first;
	hosts[*n].last_bus = (uint8_t)last;
	/* Windows are shared out in equal parts, for nothing collides then. */
	for (unsigned int i = 0; i < all->nr_windows; i++) {
		hosts[*n].windows[i].bytes /= 4;
		hosts[*n].windows[i].pci += *n * hosts[*n].windows[i].bytes;
		if (all->windows[i].cpu != WEIR_PCI_NO_CPU_ADDRESS)
			hosts[*n].windows[i].cpu += *n * hosts[*n].windows[i].bytes;
	}
	++*n;
}

/* Firmware's work: bridges get their bus numbers before the tables are read. */
static void number_buses(struct bench *b, const struct weir_pci_host *hosts, unsigned int n,
			 uint64_t ecam_pa)
{
	struct weir_device *bridge;
	struct weir_pci_host host;
	struct weir_pci *pci;
	struct weir_bus *bus;
	char name[16];

	start(b);
	assert_int_equal(weir_bus_create(b->m, "platform", NULL, &bus), 0);
	for (unsigned int i = 0; i < n; i++) {
		host = hosts[i];
		host.ecam_pa = ecam_pa + ((uint64_t)host.first_bus << 20);
		host.ecam_bytes = (uint64_t)(host.last_bus - host.first_bus + 1) << 20;
		snprintf(name, sizeof(name), "host%u", i);
		assert_int_equal(weir_device_create(bus, name, NULL, NULL, &bridge), 0);
		assert_int_equal(weir_device_add(bridge), 0);
		assert_int_equal(weir_pci_add(bridge, &host, NULL, NULL, 0, &pci), 0);
		weir_pci_del(pci);
		weir_device_del(bridge);
		weir_device_unref(bridge);
	}
	finish(b);
}

static void load_expanders(struct bench *b, const struct weir_pci_host *hosts, unsigned int n)
{
	struct weir_acpi acpi = { .hosts = hosts, .nr_hosts = n };

	start(b);
	assert_int_equal(weir_qtest_acpi(b->qtest, &acpi.rsdp_pa), 0);
	if (weir_firmware_load_acpi(b->m, &acpi))
		fail_msg("%s", weir_firmware_error(b->m));
	bring_up(b);
}

/* The id at the SMMU, or -1 for none; MSIs always get to the ITS. */
static int stream_of(struct bench *b, const char *name)
{
	struct weir_device *dev = bench_named(b, name);
	struct weir_pci_info info;
	struct weir_pci_id id;

	assert_int_equal(weir_pci_info_get(dev, &info), 0);
	assert_int_equal(weir_pci_msi_id(dev, &id), 0);
	assert_int_equal(id.id, info.rid);
	return weir_pci_iommu_id(dev, 0, &id) ? -1 : (int)id.id;
}

/*
 * Bus 0, a root bus 1 that goes around the SMMU, a root bus 3 behind it. QEMU 7.2 writes one
 * id too many for each range: 01:00.0 is in two of them, and is not behind the SMMU, as
 * QEMU was told; 03:00.0 is in two, and is.
 */
static void test_acpi_expanders(void **state)
{
	static const char *const args[] = {
		"-device", "e1000e,addr=02.0",
		"-device", "pxb-pcie,id=x1,bus=pcie.0,bus_nr=1,bypass_iommu=on",
		"-device", "pcie-root-port,id=p1,bus=x1,chassis=1,addr=00.0",
		"-device", "pxb-pcie,id=x2,bus=pcie.0,bus_nr=3",
		"-device", "pcie-root-port,id=p2,bus=x2,chassis=2,addr=00.0", NULL,
	};
	struct weir_pci_host all = { 0 }, hosts[3];
	unsigned int functions, n = 0;
	uint64_t ecam_pa;
	struct bench b;

	(void)state;
	bench_start(&b, "aarch64", "virt,iommu=smmuv3,gic-version=3", args);
	free(by_device_tree(&b, &all, &functions));
	ecam_pa = all.ecam_pa;
	all.ecam_bytes = 0;
	add_host(hosts, &n, &all, 0, 0);
	add_host(hosts, &n, &all, 1, 2);
	add_host(hosts, &n, &all, 3, 4);
	number_buses(&b, hosts, n, ecam_pa);
	load_expanders(&b, hosts, n);
	assert_int_equal(stream_of(&b, "0000:00:02.0"), WEIR_PCI_RID(0, 2, 0));
	assert_int_equal(stream_of(&b, "0000:01:00.0"), -1);
	assert_int_equal(stream_of(&b, "0000:03:00.0"), WEIR_PCI_RID(3, 0, 0));
	finish(&b);
	bench_close(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_acpi_smmuv3),
		cmocka_unit_test(test_acpi_virtio_iommu),
		cmocka_unit_test(test_acpi_virtio_iommu_q35),
		cmocka_unit_test(test_acpi_expanders),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
