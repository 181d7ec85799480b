// SPDX-License-Identifier: MIT
/*
 * A shell's machine on the device models of a QEMU: QEMU is started, its device tree
 * read, its PCI bus walked; the modules of the directory are what can be loaded.
 *
 * Lines of log go into the record, between the events: a driver says what it does in
 * the order in which it does it. Everything happens on one thread.
 */
#include <libfdt.h>
#include <stdlib.h>
#include <string.h>

#include "shell_qemu.h"

/* ---- the log ---- */

/* "weir: info: TEXT" is kept as TEXT. */
static void keep_line(struct shell *sh)
{
	char *line = sh->qemu->line, *text = strstr(line, ": ");

	text = text ? strstr(text + 2, ": ") : NULL;
	record_log(&sh->run.record, text ? text + 2 : line);
	line[0] = '\0';
}

static ssize_t on_log(void *context, const char *buf, size_t bytes)
{
	struct shell *sh = context;
	size_t n = strlen(sh->qemu->line);

	for (size_t i = 0; i < bytes; i++) {
		if (buf[i] == '\n') {
			keep_line(sh);
			n = 0;
		} else if (n + 1 < sizeof(sh->qemu->line)) {
			sh->qemu->line[n++] = buf[i];
			sh->qemu->line[n] = '\0';
		}
	}
	return (ssize_t)bytes;
}

static int open_log(struct shell *sh)
{
	sh->qemu->log = fopencookie(sh, "w", (cookie_io_functions_t){ .write = on_log });
	if (!sh->qemu->log)
		return complain("out of memory");
	setvbuf(sh->qemu->log, NULL, _IOLBF, 1024);
	return 0;
}

/* ---- the machine ---- */

static bool is_pci(const struct weir_fwnode *node)
{
	for (; node; node = weir_fwnode_parent(node))
		if (!strncmp(weir_fwnode_name(node), "pcie@", 5) ||
		    !strncmp(weir_fwnode_name(node), "pci@", 4))
			return true;
	return false;
}

/* Whether a place for a virtio device has one (virtio 1.2, 4.2.2: DeviceID is not 0). */
static bool is_taken(struct weir_qtest *qtest, const void *tree, int node)
{
	int bytes;
	const fdt64_t *reg = fdt_getprop(tree, node, "reg", &bytes);

	return reg && bytes >= 16 &&
	       weir_qtest_ops(qtest)->mmio_read(qtest, (uintptr_t)fdt64_ld(reg) + 8, 4) != 0;
}

/* QEMU describes 32 places for virtio devices, whether they are taken or not. */
static int disable_empty(struct weir_qtest *qtest, void *tree)
{
	int node = -1, err = 0;

	while (!err && (node = fdt_node_offset_by_compatible(tree, node, "virtio,mmio")) >= 0)
		if (!is_taken(qtest, tree, node))
			err = fdt_setprop_string(tree, node, "status", "disabled");
	return err ? WEIR_EINVAL : 0;
}

static int load_tree(struct shell *sh)
{
	const void *dtb;
	size_t bytes, room;
	void *tree; /* kept as long as the machine */
	int err = weir_qtest_dtb(sh->qemu->qtest, &dtb, &bytes);

	if (err)
		return err;
	room = bytes + 8192; /* for what is disabled */
	tree = sh->qemu->tree = malloc(room);
	if (!tree)
		return WEIR_ENOMEM;
	err = fdt_open_into(dtb, tree, (int)room) ? WEIR_EINVAL
						   : disable_empty(sh->qemu->qtest, tree);
	if (!err)
		err = weir_firmware_load_dt(sh->run.m, tree, room);
	return err;
}

/* An IOMMU outside of PCI. */
static bool is_iommu(const struct weir_fwnode *node)
{
	const char *compatible = weir_fwnode_compatible(node, 0);

	return compatible && !strcmp(compatible, "arm,smmu-v3");
}

/* What QEMU's machine has besides PCI and IOMMU works without drivers. */
static int load_firmware(struct shell *sh)
{
	struct weir_machine *m = sh->run.m;
	struct weir_fwnode *node;
	int err = load_tree(sh);

	for (node = err ? NULL : weir_fwnode_root(m); node; node = weir_fwnode_next(node))
		if (!is_pci(node) && !is_iommu(node))
			weir_fwnode_set_initialized(node, true, false);
	return err;
}

static int make_machine(struct shell *sh)
{
	struct weir_qtest *qtest = sh->qemu->qtest;
	int err = weir_machine_create(weir_qtest_ops(qtest), qtest, &sh->run.m);

	if (err)
		return err;
	record_attach(&sh->run.record, sh->run.m);
	err = load_firmware(sh);
	if (!err)
		err = weir_posix_declare_modules(weir_qtest_posix(qtest), sh->run.m);
	if (!err)
		err = weir_firmware_populate(sh->run.m);
	if (!err) /* its drivers may come before the host bridge is up */
		err = weir_pci_bus_create(sh->run.m);
	if (!err)
		err = weir_driver_register(sh->run.m, &weir_pci_ecam_driver);
	if (!err)
		weir_catalogue_complete(sh->run.m);
	return err ? err : weir_settle(sh->run.m);
}

int shell_qemu_open(struct shell *sh, const char *text)
{
	char error[WEIR_QTEST_ERROR_BYTES];
	struct qemu_machine *machine;
	int err;

	sh->qemu = calloc(1, sizeof(*sh->qemu));
	if (!sh->qemu)
		return complain("out of memory");
	machine = &sh->qemu->machine;
	err = qemu_machine_parse(text, machine);
	if (!err)
		err = open_log(sh);
	if (err)
		return err;
	machine->options.posix = (struct weir_posix_options){
		.log = sh->qemu->log, .log_level = WEIR_LOG_INFO, .module_dir = sh->modules,
	};
	err = weir_qtest_create(&machine->options, &sh->qemu->qtest, error);
	if (err)
		return complain("qemu: %s", error);
	err = make_machine(sh);
	return err ? complain("qemu: %s", weir_strerror(err)) : 0;
}

void shell_qemu_close(struct shell *sh)
{
	struct shell_qemu *qemu = sh->qemu;

	if (!qemu)
		return;
	record_detach(&sh->run.record);
	weir_machine_destroy(sh->run.m);
	if (qemu->qtest && *weir_qtest_error(qemu->qtest))
		complain("qemu: %s", weir_qtest_error(qemu->qtest));
	weir_qtest_destroy(qemu->qtest);
	if (qemu->log)
		fclose(qemu->log);
	while (qemu->plugged) {
		struct plugged *p = qemu->plugged;

		qemu->plugged = p->next;
		free(p);
	}
	qemu_machine_fini(&qemu->machine);
	free(qemu->tree);
	free(qemu);
}

int shell_qemu_settle(struct shell *sh)
{
	int err = weir_settle(sh->run.m);

	weir_qtest_poll(sh->qemu->qtest);
	return err;
}
