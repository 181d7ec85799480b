// SPDX-License-Identifier: MIT
/*
 * Prints the groups of the functions below a QEMU's host bridge, by both sets of rules.
 *
 * usage: groups [--dump FILE] MACHINE [QEMU ARGUMENT]...
 *
 * Into FILE goes their configuration space, as `lspci -xxxx` prints it: with the bus numbers that the
 * library gave, and ACS switched on where it can be. As far as QEMU's models have something in it, for
 * each word is asked of QEMU by itself.
 *
 * A line a function: its path from the root bus ("/02.0/00.0"), the key of its group by
 * the rules of Linux 6.12, of the same with device trees, and by the library's own, and
 * why the last is one, a column for each cause. Who is behind no IOMMU has the group "none".
 */
#include <stdio.h>
#include <string.h>

#include "weir/qtest.h"
#include "weir/weir.h"

static int fail(const char *what, int err)
{
	fprintf(stderr, "groups: %s: %s\n", what, weir_strerror(err));
	return 1;
}

static void print_path(const struct weir_device *dev)
{
	struct weir_pci_info info;

	if (weir_pci_info_get(dev, &info))
		return;
	print_path(weir_device_parent(dev));
	printf("/%02x.%u", WEIR_PCI_RID_DEVICE(info.rid), WEIR_PCI_RID_FUNCTION(info.rid));
}

static void print(struct weir_machine *m)
{
	struct weir_pci_group groups[WEIR_PCI_RULES];
	struct weir_device *dev;
	struct weir_pci_id id;

	for (dev = weir_device_first(m); dev; dev = weir_device_next(dev)) {
		if (weir_pci_group_get(dev, WEIR_PCI_RULES_WEIR, &groups[WEIR_PCI_RULES_WEIR]))
			continue;
		for (unsigned int i = 0; i < WEIR_PCI_RULES; i++)
			weir_pci_group_get(dev, (enum weir_pci_rules)i, &groups[i]);
		for (unsigned int i = 0; weir_pci_iommu_id(dev, 0, &id) && i < WEIR_PCI_RULES; i++)
			groups[i].key = "none";
		print_path(dev);
		printf("\t%s\t%s\t%s\t", groups[WEIR_PCI_RULES_LINUX_6_12].key,
		       groups[WEIR_PCI_RULES_LINUX_6_12_DT].key, groups[WEIR_PCI_RULES_WEIR].key);
		for (const char *at = groups[WEIR_PCI_RULES_WEIR].why; *at; at++)
			putchar(*at == '\n' ? '\t' : *at);
		putchar('\n');
	}
}

static int dump(struct weir_machine *m, const char *path)
{
	FILE *f = fopen(path, "w");
	struct weir_device *dev;
	struct weir_pci_info info;

	for (dev = weir_device_first(m); f && dev; dev = weir_device_next(dev)) {
		unsigned int bytes = weir_pci_cap(dev, 0x10, 0) > 0 ? 0x300 : 0x100;

		if (weir_pci_info_get(dev, &info))
			continue;
		fprintf(f, "%s %s\n", weir_device_name(dev) + sizeof("0000:") - 1, weir_pci_kind_name(info.kind));
		for (unsigned int at = 0; at < bytes; at += 4) {
			uint32_t four = weir_pci_read(dev, at, 4);

			if (at % 16 == 0)
				fprintf(f, "%s%02x:", at ? "\n" : "", at);
			fprintf(f, " %02x %02x %02x %02x", four & 0xff, four >> 8 & 0xff, four >> 16 & 0xff,
				four >> 24);
		}
		fprintf(f, "\n\n");
	}
	if (f && !fclose(f))
		return 0;
	perror(path);
	return 1;
}

/* What QEMU's machine has besides the host bridge works without drivers. */
static void settle_firmware(struct weir_machine *m)
{
	struct weir_fwnode *node;

	for (node = weir_fwnode_root(m); node; node = weir_fwnode_next(node))
		if (strncmp(weir_fwnode_name(node), "pcie@", 5) != 0)
			weir_fwnode_set_initialized(node, true, false);
}

static int run(struct weir_machine *m, const struct weir_qtest *qtest, const char *path)
{
	const void *dtb;
	size_t bytes;
	int err = weir_qtest_dtb(qtest, &dtb, &bytes);

	if (!err)
		err = weir_firmware_load_dt(m, dtb, bytes);
	if (err)
		return fail("the device tree", err);
	settle_firmware(m);
	err = weir_firmware_populate(m);
	if (!err)
		err = weir_driver_register(m, &weir_pci_ecam_driver);
	if (!err)
		err = weir_settle(m);
	if (err)
		return fail("bring-up", err);
	print(m);
	return path ? dump(m, path) : 0;
}

int main(int argc, char **argv)
{
	struct weir_qtest_options options = { .arch = "aarch64" };
	char error[WEIR_QTEST_ERROR_BYTES];
	struct weir_qtest *qtest;
	struct weir_machine *m;
	int err, status, first = argc > 2 && !strcmp(argv[1], "--dump") ? 3 : 1;

	if (argc <= first) {
		fprintf(stderr, "usage: groups [--dump FILE] MACHINE [QEMU ARGUMENT]...\n");
		return 2;
	}
	options.machine = argv[first];
	options.args = (const char *const *)argv + first + 1;
	err = weir_qtest_create(&options, &qtest, error);
	if (err)
		return fail(error, err);
	err = weir_machine_create(weir_qtest_ops(qtest), qtest, &m);
	if (err) {
		weir_qtest_destroy(qtest);
		return fail("the machine", err);
	}
	status = run(m, qtest, first == 3 ? argv[2] : NULL);
	weir_machine_destroy(m);
	weir_qtest_destroy(qtest);
	return status;
}
