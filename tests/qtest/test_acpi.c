// SPDX-License-Identifier: MIT
/*
 * The same QEMU by device tree and by ACPI: for every PCI function the same ids at the
 * same IOMMUs and MSI controllers, the same groups, the same links. On the topologies of
 * tests/groups/topologies.txt, with an SMMUv3 and with a virtio-iommu.
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

/* ---- a machine in words ---- */

struct text {
	FILE *file;
	char *text;
	size_t bytes;
};

/* Who it is, whatever firmware calls it: a PCI function, or what has registers there. */
static void say_device(FILE *out, const struct weir_device *dev, const struct weir_fwnode *node)
{
	struct weir_pci_info info;
	uint64_t pa, bytes;

	if (dev && !weir_pci_info_get(dev, &info))
		fprintf(out, "%s", weir_device_name(dev));
	else if (node && !weir_firmware_registers(node, 0, &pa, &bytes))
		fprintf(out, "registers 0x%llx+0x%llx", (unsigned long long)pa,
			(unsigned long long)bytes);
	else
		fprintf(out, "the bridge");
}

static void say_id(FILE *out, const char *what, const struct weir_pci_id *id)
{
	fprintf(out, "  %s 0x%04x is 0x%04x at ", what, id->rid, id->id);
	say_device(out, weir_fwnode_device(id->target), id->target);
	fprintf(out, "\n");
}

static void say_links(FILE *out, struct weir_device *dev)
{
	struct weir_link *link;

	for (link = weir_link_first(dev); link; link = weir_link_next(link)) {
		struct weir_device *supplier = weir_link_supplier(link);

		fprintf(out, "  needs ");
		say_device(out, supplier, weir_device_fwnode(supplier));
		fprintf(out, " flags 0x%x state %d\n", weir_link_flags(link),
			weir_link_state_get(link));
	}
}

static void say_function(FILE *out, struct weir_device *dev)
{
	struct weir_pci_group group;
	struct weir_pci_id id;
	struct weir_why why;
	int err;

	fprintf(out, "%s group %d %s%s\n", weir_device_name(dev), weir_device_group(dev),
		weir_verdict_name(weir_device_verdict(dev, &why)),
		weir_device_fwnode(dev) ? " has a node" : "");
	for (unsigned int i = 0; !(err = weir_pci_iommu_id(dev, i, &id)); i++)
		say_id(out, "iommu", &id);
	fprintf(out, "  end of ids %d\n", err);
	err = weir_pci_msi_id(dev, &id);
	if (err)
		fprintf(out, "  no msi %d\n", err);
	else
		say_id(out, "msi", &id);
	for (int rules = 0; rules < WEIR_PCI_RULES; rules++) {
		assert_int_equal(weir_pci_group_get(dev, (enum weir_pci_rules)rules, &group), 0);
		fprintf(out, "  %s: %s\n", group.key, group.why);
	}
	say_links(out, dev);
}

/* All functions, and what the host bridge needs. */
static char *describe(struct weir_machine *m, unsigned int *out_functions)
{
	struct text t = { 0 };
	struct weir_device *dev;
	struct weir_pci_info info;

	*out_functions = 0;
	t.file = open_memstream(&t.text, &t.bytes);
	assert_non_null(t.file);
	for (dev = weir_device_first(m); dev; dev = weir_device_next(dev)) {
		if (!weir_pci_info_get(dev, &info)) {
			say_function(t.file, dev);
			++*out_functions;
		} else if (weir_device_driver(dev) == &weir_pci_ecam_driver) {
			fprintf(t.file, "the bridge\n");
			say_links(t.file, dev);
		}
	}
	fclose(t.file);
	return t.text;
}

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
	text = describe(b->m, out_functions);
	for (node = weir_fwnode_root(b->m); node; node = weir_fwnode_next(node))
		if (!weir_firmware_pci_host(node, out_host))
			break;
	assert_non_null(node);
	finish(b);
	return text;
}

/* Of the bridge, the windows are given: the namespace would tell them. */
static char *by_acpi(struct bench *b, const struct weir_pci_host *by_dt,
		     unsigned int *out_functions)
{
	struct weir_pci_host host = *by_dt, read;
	struct weir_acpi acpi = { .hosts = &host, .nr_hosts = 1 };
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
	bring_up(b);
	text = describe(b->m, out_functions);
	finish(b);
	return text;
}

static void compare(const char *name, const char *machine, const char *const *args)
{
	unsigned int functions[2];
	struct weir_pci_host host;
	char *texts[2];
	struct bench b;

	memset(&host, 0, sizeof(host));
	bench_start(&b, "aarch64", machine, args);
	texts[0] = by_device_tree(&b, &host, &functions[0]);
	texts[1] = by_acpi(&b, &host, &functions[1]);
	assert_true(functions[0] > 1);
	if (strcmp(texts[0], texts[1]) != 0)
		fail_msg("%s on %s differs; by device tree:\n%s\nby ACPI:\n%s", name, machine,
			 texts[0], texts[1]);
	if (getenv("WEIR_TEST_LOG"))
		fprintf(stderr, "# %s on %s: %u functions\n%s", name, machine, functions[0],
			texts[0]);
	free(texts[0]);
	free(texts[1]);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_acpi_smmuv3),
		cmocka_unit_test(test_acpi_virtio_iommu),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
