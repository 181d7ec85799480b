// SPDX-License-Identifier: MIT
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weir/arm_smmu_v3.h"
#include "weir/virtio_iommu.h"

/* q35: the configuration space is switched on through the ports (MCH, PCIEXBAR). */
#define Q35_ECAM 0xb0000000u

static void start(struct bench *b, const char *arch, const char *machine, const char *const *args,
		  bool inherited)
{
	struct weir_qtest_options options = {
		.arch = arch, .machine = machine, .args = args, .inherited = inherited,
	};
	char error[WEIR_QTEST_ERROR_BYTES];
	int err;

	memset(b, 0, sizeof(*b));
	if (getenv("WEIR_TEST_LOG")) {
		options.posix.log = stderr;
		options.posix.log_level = WEIR_LOG_DEBUG;
	}
	err = weir_qtest_create(&options, &b->qtest, error);
	if (err == WEIR_ENOENT) {
		fprintf(stderr, "# %s\n", error);
		skip();
	}
	if (err)
		fail_msg("%s", error);
}

void bench_start(struct bench *b, const char *arch, const char *machine, const char *const *args)
{
	start(b, arch, machine, args, false);
}

void bench_start_inherited(struct bench *b, const char *arch, const char *machine,
			   const char *const *args)
{
	start(b, arch, machine, args, true);
}

/* ---- IOMMUs ---- */

static const struct bench_iommu iommus[] = {
	{ .module = "virtio-iommu", .entry = &weir_module_virtio_iommu,
	  .model = "virtio-iommu-pci", .poll = weir_virtio_iommu_poll },
	{ .module = "arm-smmu-v3", .entry = &weir_module_arm_smmu_v3, .machine = "virt,iommu=smmuv3",
	  .node = "smmuv3@", .poll = weir_arm_smmu_v3_poll },
};

const struct bench_iommu *bench_iommu(void)
{
	const char *name = getenv("WEIR_TEST_IOMMU");

	return name && !strcmp(name, "smmuv3") ? &iommus[1] : &iommus[0];
}

unsigned int bench_iommu_args(const char *addr, char text[64], const char **args, unsigned int n)
{
	if (!bench_iommu()->model)
		return n;
	snprintf(text, 64, "%s,addr=%s", bench_iommu()->model, addr);
	args[n++] = "-device";
	args[n++] = text;
	return n;
}

struct weir_device *bench_iommu_device(struct bench *b)
{
	struct weir_device *dev;
	struct weir_bus *bus;

	if (!bench_iommu()->node)
		return bench_pci(b, 0x1af4, 0x1057);
	assert_int_equal(weir_bus_find(b->m, "platform", &bus), 0);
	assert_int_equal(weir_device_find(bus, "9050000.smmuv3", &dev), 0);
	return dev;
}

void bench_open_behind(struct bench *b, const char *arch, const char *const *args,
		       struct weir_module **out_module)
{
	const struct bench_iommu *iommu = bench_iommu();

	bench_start(b, arch, iommu->machine, args);
	bench_empty(b, weir_qtest_ops(b->qtest));
	if (iommu->node)
		b->iommu = iommu;
	else
		bench_machine(b);
	assert_int_equal(weir_module_load(b->m, iommu->entry, out_module), 0);
	if (iommu->node)
		bench_machine(b);
}

/* ---- the machine ---- */

static bool begins(const char *name, const char *with)
{
	return strncmp(name, with, strlen(with)) == 0;
}

/* What QEMU's machine has besides the host bridge works without drivers. */
static void settle_firmware(struct bench *b)
{
	struct weir_fwnode *node;

	for (node = weir_fwnode_root(b->m); node; node = weir_fwnode_next(node)) {
		const char *name = weir_fwnode_name(node);

		if (!begins(name, "pcie@") && !begins(name, "pci@") &&
		    !(b->iommu && begins(name, b->iommu->node)))
			weir_fwnode_set_initialized(node, true, false);
	}
}

static void add_by_dt(struct bench *b)
{
	struct weir_device *dev;
	const void *dtb;
	size_t bytes;

	if (b->dtb) {
		dtb = b->dtb;
		bytes = b->dtb_bytes;
	} else {
		assert_int_equal(weir_qtest_dtb(b->qtest, &dtb, &bytes), 0);
	}
	assert_int_equal(weir_firmware_load_dt(b->m, dtb, bytes), 0);
	settle_firmware(b);
	assert_int_equal(weir_firmware_populate(b->m), 0);
	assert_int_equal(weir_driver_register(b->m, &weir_pci_ecam_driver), 0);
	assert_int_equal(weir_settle(b->m), 0);
	for (dev = weir_device_first(b->m); dev; dev = weir_device_next(dev))
		if (weir_device_driver(dev) == &weir_pci_ecam_driver)
			b->bridge = dev;
	assert_non_null(b->bridge);
}

static void add_q35(struct bench *b)
{
	const struct weir_pci_host host = {
		.last_bus = 255, .ecam_pa = Q35_ECAM, .ecam_bytes = 256u << 20,
		.nr_windows = 3,
		.windows = {
			{ WEIR_PCI_IO, 0xc000, WEIR_PCI_NO_CPU_ADDRESS, 0x4000 },
			{ WEIR_PCI_MEM, 0xc0000000, 0xc0000000, 0x3e000000 },
			{ WEIR_PCI_HIGH, 0x8000000000, 0x8000000000, 0x1000000000 },
		},
	};
	struct weir_bus *bus;

	weir_qtest_out(b->qtest, 0xcf8, 4, 0x80000060);
	weir_qtest_out(b->qtest, 0xcfc, 4, Q35_ECAM | 1);
	assert_int_equal(weir_bus_create(b->m, "platform", NULL, &bus), 0);
	assert_int_equal(weir_device_create(bus, "q35", NULL, NULL, &b->bridge), 0);
	assert_int_equal(weir_device_add(b->bridge), 0);
	assert_int_equal(weir_pci_add(b->bridge, &host, NULL, NULL, 0, &b->pci), 0);
	assert_int_equal(weir_settle(b->m), 0);
}

void bench_empty(struct bench *b, const struct weir_host_ops *ops)
{
	b->host = testhost_create(ops, b->qtest);
	assert_int_equal(weir_machine_create(testhost_ops(b->host), b->host, &b->m), 0);
}

void bench_machine_on(struct bench *b, const struct weir_host_ops *ops)
{
	const void *dtb;
	size_t bytes;

	if (!b->m)
		bench_empty(b, ops);
	if (weir_qtest_dtb(b->qtest, &dtb, &bytes))
		add_q35(b);
	else
		add_by_dt(b);
}

void bench_machine(struct bench *b)
{
	bench_machine_on(b, weir_qtest_ops(b->qtest));
}

void bench_open(struct bench *b, const char *arch, const char *machine, const char *const *args)
{
	bench_start(b, arch, machine, args);
	bench_machine(b);
}

void bench_close(struct bench *b)
{
	if (b->pci) {
		weir_pci_del(b->pci);
		weir_device_del(b->bridge);
		weir_device_unref(b->bridge);
	}
	weir_machine_destroy(b->m); /* NULL is fine */
	assert_string_equal(weir_qtest_error(b->qtest), "");
	if (b->host)
		testhost_destroy(b->host);
	b->qtest = weir_qtest_destroy(b->qtest);
}

/* ---- finding ---- */

static struct weir_device *next_pci(struct weir_device *dev, uint16_t vendor, uint16_t device)
{
	struct weir_pci_info info;

	for (; dev; dev = weir_device_next(dev))
		if (!weir_pci_info_get(dev, &info) && info.vendor == vendor &&
		    info.device == device)
			return dev;
	return NULL;
}

unsigned int bench_count(struct bench *b, uint16_t vendor, uint16_t device)
{
	struct weir_device *dev = next_pci(weir_device_first(b->m), vendor, device);
	unsigned int n = 0;

	for (; dev; dev = next_pci(weir_device_next(dev), vendor, device))
		n++;
	return n;
}

struct weir_device *bench_pci(struct bench *b, uint16_t vendor, uint16_t device)
{
	assert_int_equal(bench_count(b, vendor, device), 1);
	return next_pci(weir_device_first(b->m), vendor, device);
}

struct weir_device *bench_named(struct bench *b, const char *name)
{
	struct weir_device *dev;
	struct weir_bus *bus;

	assert_int_equal(weir_bus_find(b->m, "pci", &bus), 0);
	if (weir_device_find(bus, name, &dev))
		fail_msg("no device %s", name);
	return dev;
}

const char *bench_group(struct weir_device *dev, enum weir_pci_rules rules)
{
	struct weir_pci_group group;

	assert_int_equal(weir_pci_group_get(dev, rules, &group), 0);
	return group.key;
}

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

/* Ports are left out: where the CPU finds them is no table's to say. */
static void say_bars(FILE *out, const struct weir_device *dev)
{
	struct weir_pci_bar bar;

	for (unsigned int i = 0; i < 6; i++)
		if (!weir_pci_bar_get(dev, i, &bar) && bar.space != WEIR_PCI_IO)
			fprintf(out, "  registers %u: 0x%llx is 0x%llx+0x%llx\n", i,
				(unsigned long long)bar.pci, (unsigned long long)bar.cpu,
				(unsigned long long)bar.bytes);
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
	say_bars(out, dev);
}

char *bench_describe(struct weir_machine *m, unsigned int *out_functions)
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

/* ---- edu (QEMU, docs/specs/edu) ---- */

#define EDU_IDENTITY  0x00u
#define EDU_ACK       0x64u
#define EDU_DMA_FROM  0x80u
#define EDU_DMA_TO    0x88u
#define EDU_DMA_BYTES 0x90u
#define EDU_DMA_GO    0x98u
#define   EDU_GO             0x1u
#define   EDU_GO_FROM_DEVICE 0x2u
#define   EDU_GO_INTERRUPT   0x4u
#define EDU_BUFFER    0x40000u

void edu_open(struct edu *edu, struct weir_device *dev)
{
	edu->dev = dev;
	assert_int_equal(weir_pci_enable(dev), 0);
	assert_int_equal(weir_pci_bar_map(dev, 0, &edu->mmio), 0);
	assert_int_equal(weir_mmio_read32(&edu->mmio, EDU_IDENTITY) & 0xff, 0xed);
	assert_int_equal(weir_pci_master(dev, true), 0);
}

void edu_close(struct edu *edu)
{
	weir_pci_disable(edu->dev);
	weir_mmio_unmap(&edu->mmio);
}

void edu_dma(struct bench *b, const struct edu *edu, uint64_t address, unsigned int bytes,
	     bool from_device, bool interrupt)
{
	const struct weir_host_ops *ops = weir_qtest_ops(b->qtest);
	uint64_t go = EDU_GO | (from_device ? EDU_GO_FROM_DEVICE : 0) |
		      (interrupt ? EDU_GO_INTERRUPT : 0);

	weir_mmio_write64(&edu->mmio, EDU_DMA_FROM, from_device ? EDU_BUFFER : address);
	weir_mmio_write64(&edu->mmio, EDU_DMA_TO, from_device ? address : EDU_BUFFER);
	weir_mmio_write64(&edu->mmio, EDU_DMA_BYTES, bytes);
	weir_mmio_write64(&edu->mmio, EDU_DMA_GO, go);
	for (int n = 0; n < 10000; n++) {
		if (!(weir_mmio_read64(&edu->mmio, EDU_DMA_GO) & EDU_GO)) {
			if (interrupt)
				weir_mmio_write32(&edu->mmio, EDU_ACK, 0x100);
			return;
		}
		ops->delay_ns(b->qtest, 100000);
	}
	fail_msg("the transfer does not end");
}
