// SPDX-License-Identifier: MIT
/* PCI on QEMU's bridges and devices: walking, addresses, ids, MSIs, plugging. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

#define TREE_ARGS \
	"-blockdev", "null-co,node-name=disk0,size=1048576", \
	"-blockdev", "null-co,node-name=disk1,size=1048576", \
	"-device", "pcie-root-port,id=rp0,chassis=1,addr=02.0,multifunction=on", \
	"-device", "pcie-root-port,id=rp1,chassis=2,addr=02.1", \
	"-device", "nvme,bus=rp0,serial=w,drive=disk0", \
	"-device", "x3130-upstream,id=up,bus=rp1", \
	"-device", "xio3130-downstream,id=dn0,bus=up,chassis=3,addr=00.0", \
	"-device", "xio3130-downstream,id=dn1,bus=up,chassis=4,addr=01.0", \
	"-device", "e1000e,bus=dn0", \
	"-device", "virtio-blk-pci,bus=dn1,drive=disk1,disable-legacy=on", \
	"-device", "pcie-root-port,id=rp2,chassis=5,addr=03.0", \
	"-device", "pcie-pci-bridge,id=conv,bus=rp2", \
	"-device", "edu,bus=conv,addr=01.0", \
	"-device", "pci-bridge,id=conv2,bus=conv,chassis_nr=6,addr=02.0", \
	"-device", "edu,bus=conv2,addr=03.0", \
	"-device", "pcie-root-port,id=rp3,chassis=7,addr=04.0", \
	"-device", "virtio-rng-pci,bus=rp3,addr=00.0,multifunction=on", \
	"-device", "virtio-rng-pci,bus=rp3,addr=00.1"

static const char *const tree[] = { TREE_ARGS, NULL };

/* Ranges that a function or a bridge's window has on the bus. */
struct range {
	uint64_t from, to;
	const struct weir_device *dev;
};

static unsigned int collect(struct bench *b, struct range *ranges, unsigned int max)
{
	struct weir_device *dev;
	struct weir_pci_bar bar;
	unsigned int n = 0;

	for (dev = weir_device_first(b->m); dev; dev = weir_device_next(dev)) {
		for (unsigned int i = 0; i < 6; i++) {
			if (weir_pci_bar_get(dev, i, &bar) || bar.space == WEIR_PCI_IO)
				continue;
			assert_true(n < max);
			assert_int_equal(bar.pci % bar.bytes, 0);
			ranges[n++] = (struct range){ bar.pci, bar.pci + bar.bytes - 1, dev };
		}
	}
	return n;
}

/* The register's own opinion of its address is what we think it is. */
static void check_bars(struct bench *b)
{
	struct weir_device *dev;
	struct weir_pci_bar bar;

	for (dev = weir_device_first(b->m); dev; dev = weir_device_next(dev)) {
		for (unsigned int i = 0; i < 6; i++) {
			uint64_t value;

			if (weir_pci_bar_get(dev, i, &bar))
				continue;
			value = weir_pci_read(dev, 0x10 + 4 * i, 4) &
				(bar.space == WEIR_PCI_IO ? ~3u : ~15u);
			if (bar.is_64bit)
				value |= (uint64_t)weir_pci_read(dev, 0x14 + 4 * i, 4) << 32;
			assert_true(value == bar.pci);
		}
	}
}

/* A device's registers are inside the windows of all bridges above it. */
static void check_windows(const struct weir_device *dev, const struct weir_pci_bar *bar)
{
	const struct weir_device *up;
	struct weir_pci_info info;

	for (up = weir_device_parent(dev); up && !weir_pci_info_get(up, &info);
	     up = weir_device_parent(up)) {
		uint64_t mem = (uint64_t)(weir_pci_read(up, 0x20, 2) & 0xfff0) << 16;
		uint64_t mem_end = (uint64_t)(weir_pci_read(up, 0x22, 2) & 0xfff0) << 16 | 0xfffff;
		uint64_t high = (uint64_t)(weir_pci_read(up, 0x24, 2) & 0xfff0) << 16 |
				(uint64_t)weir_pci_read(up, 0x28, 4) << 32;
		uint64_t high_end = (uint64_t)(weir_pci_read(up, 0x26, 2) & 0xfff0) << 16 |
				    (uint64_t)weir_pci_read(up, 0x2c, 4) << 32 | 0xfffff;
		uint64_t end = bar->pci + bar->bytes - 1;

		assert_true((bar->pci >= mem && end <= mem_end) ||
			    (bar->pci >= high && end <= high_end));
	}
}

static void check_addresses(struct bench *b)
{
	static struct range ranges[64];
	unsigned int n = collect(b, ranges, 64);
	struct weir_device *dev;
	struct weir_pci_bar bar;

	assert_true(n > 10);
	for (unsigned int i = 0; i < n; i++)
		for (unsigned int j = i + 1; j < n; j++)
			assert_true(ranges[i].to < ranges[j].from || ranges[j].to < ranges[i].from);
	for (dev = weir_device_first(b->m); dev; dev = weir_device_next(dev))
		for (unsigned int i = 0; i < 6; i++)
			if (!weir_pci_bar_get(dev, i, &bar) && bar.space != WEIR_PCI_IO)
				check_windows(dev, &bar);
	check_bars(b);
}

static void no_faults(struct bench *b)
{
	struct weir_device *dev;

	for (dev = weir_device_first(b->m); dev; dev = weir_device_next(dev))
		if (weir_pci_fault(dev))
			fail_msg("%s: %s", weir_device_name(dev), weir_pci_fault(dev));
}

static void walk(const char *arch)
{
	struct weir_pci_info info;
	struct bench b;
	struct edu edu;

	bench_open(&b, arch, NULL, tree);
	no_faults(&b);
	assert_int_equal(bench_count(&b, 0x1b36, 0x000c), 4); /* root ports */
	assert_int_equal(bench_count(&b, 0x1b36, 0x0010), 1); /* nvme */
	assert_int_equal(bench_count(&b, 0x104c, 0x8232), 1); /* switch, up */
	assert_int_equal(bench_count(&b, 0x104c, 0x8233), 2); /* switch, down */
	assert_int_equal(bench_count(&b, 0x8086, 0x10d3), 1); /* e1000e */
	assert_int_equal(bench_count(&b, 0x1af4, 0x1042), 1); /* virtio-blk */
	assert_int_equal(bench_count(&b, 0x1af4, 0x1044), 2); /* virtio-rng */
	assert_int_equal(bench_count(&b, 0x1b36, 0x000e), 1); /* pcie-pci-bridge */
	assert_int_equal(bench_count(&b, 0x1b36, 0x0001), 1); /* pci-bridge */
	assert_int_equal(bench_count(&b, 0x1234, 0x11e8), 2); /* edu */
	check_addresses(&b);
	assert_int_equal(weir_pci_info_get(bench_pci(&b, 0x8086, 0x10d3), &info), 0);
	assert_int_equal(info.kind, WEIR_PCI_ENDPOINT);
	assert_int_equal(info.class_code, 0x020000);
	/* The registers answer where they were put, below four bridges too. */
	edu_open(&edu, bench_named(&b, "0000:1d:03.0"));
	edu_close(&edu);
	edu_open(&edu, bench_named(&b, "0000:1c:01.0"));
	edu_close(&edu);
	bench_close(&b);
}

static void test_pci_walk_aarch64(void **state)
{
	(void)state;
	walk("aarch64");
}

static void test_pci_walk_x86_64(void **state)
{
	(void)state;
	walk("x86_64");
}

static void test_pci_walk_riscv64(void **state)
{
	(void)state;
	walk("riscv64");
}

/* ---- requester ids ---- */

static void assert_alias(struct weir_device *dev, unsigned int index, uint16_t want)
{
	uint16_t rid;

	assert_int_equal(weir_pci_alias(dev, index, &rid), 0);
	assert_int_equal(rid, want);
}

static void test_pci_aliases(void **state)
{
	struct weir_device *dev;
	struct bench b;
	uint16_t rid;

	(void)state;
	bench_open(&b, "aarch64", NULL, tree);
	dev = bench_named(&b, "0000:1d:03.0");
	assert_alias(dev, 0, WEIR_PCI_RID(0x1d, 3, 0));
	assert_alias(dev, 1, WEIR_PCI_RID(0x1c, 2, 0));
	assert_alias(dev, 2, WEIR_PCI_RID(0x1c, 0, 0));
	assert_int_equal(weir_pci_alias(dev, 3, &rid), WEIR_ENOENT);
	dev = bench_pci(&b, 0x8086, 0x10d3);
	assert_alias(dev, 0, WEIR_PCI_RID(0x0b, 0, 0));
	assert_int_equal(weir_pci_alias(dev, 1, &rid), WEIR_ENOENT);
	bench_close(&b);
}

static void assert_id(struct weir_device *dev, unsigned int index, const char *node, uint32_t want)
{
	struct weir_pci_id id;

	assert_int_equal(weir_pci_iommu_id(dev, index, &id), 0);
	assert_non_null(strstr(weir_fwnode_name(id.target), node));
	assert_int_equal(id.id, want);
}

static void test_pci_ids_smmuv3(void **state)
{
	struct weir_device *dev;
	struct weir_pci_id id;
	struct bench b;

	(void)state;
	bench_open(&b, "aarch64", "virt,iommu=smmuv3,gic-version=3", tree);
	dev = bench_named(&b, "0000:1d:03.0");
	assert_id(dev, 0, "smmuv3@", WEIR_PCI_RID(0x1d, 3, 0));
	assert_id(dev, 1, "smmuv3@", WEIR_PCI_RID(0x1c, 2, 0));
	assert_id(dev, 2, "smmuv3@", WEIR_PCI_RID(0x1c, 0, 0));
	assert_int_equal(weir_pci_iommu_id(dev, 3, &id), WEIR_ENOENT);
	dev = bench_named(&b, "0000:00:02.0");
	assert_id(dev, 0, "smmuv3@", WEIR_PCI_RID(0, 2, 0));
	assert_int_equal(weir_pci_msi_id(dev, &id), 0);
	assert_non_null(strstr(weir_fwnode_name(id.target), "its@"));
	assert_int_equal(id.id, WEIR_PCI_RID(0, 2, 0));
	bench_close(&b);
}

/* The IOMMU is a function itself: it has a node, is mapped to none, others are to it. */
static void test_pci_ids_virtio_iommu(void **state)
{
	static const char *const args[] = {
		"-device", "virtio-iommu-pci,addr=01.0", TREE_ARGS, NULL
	};
	struct weir_device *iommu;
	struct weir_pci_id id;
	struct bench b;

	(void)state;
	bench_open(&b, "aarch64", NULL, args);
	iommu = bench_pci(&b, 0x1af4, 0x1057);
	assert_non_null(weir_device_fwnode(iommu));
	assert_ptr_equal(weir_fwnode_device(weir_device_fwnode(iommu)), iommu);
	assert_int_equal(weir_pci_iommu_id(iommu, 0, &id), WEIR_ENOENT);
	assert_int_equal(weir_pci_iommu_id(bench_pci(&b, 0x8086, 0x10d3), 0, &id), 0);
	assert_ptr_equal(weir_fwnode_device(id.target), iommu);
	assert_int_equal(id.id, WEIR_PCI_RID(0x0b, 0, 0));
	bench_close(&b);
}

/* ---- interrupts ---- */

struct counter {
	unsigned int calls, last;
};

static void count(void *arg, unsigned int i)
{
	struct counter *c = arg;

	__atomic_fetch_add(&c->calls, 1, __ATOMIC_SEQ_CST);
	c->last = i;
}

static void await(struct bench *b, const struct counter *c, unsigned int calls)
{
	for (int n = 0; n < 5000 && __atomic_load_n(&c->calls, __ATOMIC_SEQ_CST) < calls; n++)
		testhost_ops(b->host)->delay_ns(b->host, 100000);
	assert_int_equal(c->calls, calls);
}

/* MSI: edu raises one at the end of a transfer. */
static void test_pci_msi_arrives(void **state)
{
	static const char *const args[] = {
		"-device", "pcie-root-port,id=rp0,chassis=1", "-device",
		"edu,dma_mask=0xffffffffffffffff", NULL
	};
	const struct weir_host_ops *ops;
	struct counter counter = { 0 };
	struct weir_msi message;
	struct weir_irq *irq;
	struct bench b;
	struct edu edu;
	void *mem;
	uint64_t pa;

	(void)state;
	bench_open(&b, "aarch64", NULL, args);
	ops = testhost_ops(b.host);
	edu_open(&edu, bench_pci(&b, 0x1234, 0x11e8));
	assert_int_equal(weir_pci_msi_count(edu.dev), 1);
	assert_int_equal(ops->pages_alloc(b.host, 4096, 4096, &mem, &pa), 0);
	assert_int_equal(ops->msi_request(b.host, 1, count, &counter, &message, &irq), 0);
	assert_int_equal(weir_pci_msi_enable(edu.dev, 1, &message), 0);
	assert_int_equal(weir_pci_msi_enable(edu.dev, 1, &message), WEIR_EBUSY);
	for (unsigned int n = 1; n <= 5; n++) {
		edu_dma(&b, &edu, pa, 64, true, true);
		await(&b, &counter, n);
	}
	weir_pci_msi_disable(edu.dev);
	ops->irq_free(b.host, irq);
	ops->pages_free(b.host, mem, pa, 4096);
	edu_close(&edu);
	bench_close(&b);
}

/*
 * MSI-X: e1000e is told to raise its "other" cause, routed to a vector of our choice
 * (Intel 82574 datasheet: ICS 0xc8, IMS 0xd0, IVAR 0xe4, CTRL_EXT 0x18).
 */
static void test_pci_msix_arrives(void **state)
{
	static const char *const args[] = { "-device", "e1000e", NULL };
	const struct weir_host_ops *ops;
	struct counter counter = { 0 };
	struct weir_msi messages[3];
	struct weir_mmio mmio;
	struct weir_device *dev;
	struct weir_irq *irq;
	struct bench b;

	(void)state;
	bench_open(&b, "aarch64", NULL, args);
	ops = testhost_ops(b.host);
	dev = bench_pci(&b, 0x8086, 0x10d3);
	assert_int_equal(weir_pci_msi_count(dev), 5);
	assert_int_equal(weir_pci_enable(dev), 0);
	assert_int_equal(weir_pci_master(dev, true), 0);
	assert_int_equal(weir_pci_bar_map(dev, 0, &mmio), 0);
	assert_int_equal(ops->msi_request(b.host, 3, count, &counter, messages, &irq), 0);
	assert_int_equal(weir_pci_msi_enable(dev, 6, messages), WEIR_EINVAL);
	assert_int_equal(weir_pci_msi_enable(dev, 3, messages), 0);
	weir_mmio_write32(&mmio, 0x18, 0x80000000u);        /* PBA: clear on MSI-X */
	weir_mmio_write32(&mmio, 0xe4, 0x8u << 16 | 2u << 16); /* other causes: vector 2 */
	weir_mmio_write32(&mmio, 0xd0, 0x01000000);         /* enable the cause "other" */
	weir_mmio_write32(&mmio, 0xd0, 0x01000004);
	weir_mmio_write32(&mmio, 0xc8, 0x01000004);
	await(&b, &counter, 1);
	assert_int_equal(counter.last, 2);
	weir_pci_msi_disable(dev);
	ops->irq_free(b.host, irq);
	weir_mmio_unmap(&mmio);
	weir_pci_disable(dev);
	bench_close(&b);
}

/* ---- reset ---- */

static void test_pci_reset(void **state)
{
	static const char *const args[] = {
		"-blockdev", "null-co,node-name=disk0,size=1048576",
		"-device", "nvme,serial=w,drive=disk0", "-device", "edu", NULL
	};
	struct weir_device *dev;
	struct weir_mmio mmio;
	uint32_t version;
	struct bench b;

	(void)state;
	bench_open(&b, "aarch64", NULL, args);
	assert_int_equal(weir_pci_reset(bench_pci(&b, 0x1234, 0x11e8)), WEIR_EOPNOTSUPP);
	dev = bench_pci(&b, 0x1b36, 0x0010);
	assert_int_equal(weir_pci_enable(dev), 0);
	assert_int_equal(weir_pci_master(dev, true), 0);
	assert_int_equal(weir_pci_bar_map(dev, 0, &mmio), 0);
	version = weir_mmio_read32(&mmio, 8);
	assert_int_equal(version >> 16, 1);
	weir_pci_write(dev, 0x0c, 1, 0x10); /* cache line size: reset clears it */
	assert_int_equal(weir_pci_read(dev, 0x0c, 1), 0x10);
	assert_int_equal(weir_pci_reset(dev), 0);
	assert_int_equal(weir_pci_read(dev, 0x0c, 1), 0);
	assert_false(weir_pci_is_master(dev));
	assert_int_equal(weir_mmio_read32(&mmio, 8), version); /* where it was */
	weir_mmio_unmap(&mmio);
	bench_close(&b);
}

/* ---- plugging ---- */

static void qmp(struct bench *b, const char *command)
{
	char *reply = NULL;

	if (weir_qtest_qmp(b->qtest, command, &reply))
		fail_msg("%s: %s", command, reply ? reply : "no answer");
	free(reply);
}

static void test_pci_plug_and_unplug(void **state)
{
	static const char *const args[] = {
		"-device", "pcie-root-port,id=rp0,chassis=1,addr=02.0",
		"-device", "pcie-root-port,id=rp1,chassis=2,addr=03.0", NULL
	};
	static const char *const gone[] = { "DEVICE_DELETED", "\"device\": \"plugged\"" };
	struct weir_device *port;
	struct bench b;

	(void)state;
	bench_open(&b, "aarch64", NULL, args);
	port = bench_named(&b, "0000:00:02.0");
	assert_int_equal(weir_pci_plug(port), 0);
	for (int round = 0; round < 3; round++) {
		struct edu edu;

		qmp(&b, "{\"execute\": \"device_add\", \"arguments\": {\"driver\": \"edu\","
			" \"id\": \"plugged\", \"bus\": \"rp0\", \"dma_mask\": 18446744073709551615}}");
		assert_int_equal(weir_pci_plug(port), 1);
		assert_int_equal(weir_pci_plug(port), 0);
		edu_open(&edu, bench_named(&b, "0000:01:00.0"));
		assert_ptr_equal(weir_device_parent(edu.dev), port);
		edu_close(&edu);
		qmp(&b, "{\"execute\": \"device_del\", \"arguments\": {\"id\": \"plugged\"}}");
		assert_int_equal(weir_pci_unplug(port), 1);
		assert_int_equal(weir_qtest_qmp_event(b.qtest, gone), 0);
		assert_int_equal(bench_count(&b, 0x1234, 0x11e8), 0);
	}
	no_faults(&b);
	bench_close(&b);
}

/* The upper half of each, for the lower one is the first host bridge's. */
static void take_upper_halves(struct weir_pci_host *host)
{
	for (unsigned int i = 0; i < host->nr_windows; i++) {
		struct weir_pci_window *w = &host->windows[i];

		w->bytes /= 2;
		w->pci += w->bytes;
		if (w->cpu != WEIR_PCI_NO_CPU_ADDRESS)
			w->cpu += w->bytes;
	}
}

/* A second root bus of the segment, which a device tree does not show: known by its number. */
static void test_pci_two_root_buses(void **state)
{
	static const char *const args[] = {
		"-device", "pcie-root-port,id=rp0,chassis=1,addr=02.0",
		"-device", "e1000e,bus=rp0",
		"-device", "pxb-pcie,id=pxb,bus_nr=64,addr=03.0",
		"-device", "pcie-root-port,id=rp1,bus=pxb,chassis=2,addr=02.0",
		"-device", "edu,bus=rp1,dma_mask=0xffffffffffffffff", NULL
	};
	struct weir_device *dev;
	struct weir_pci_host host;
	struct weir_pci_id id;
	struct weir_pci *pci;
	struct bench b;
	struct edu edu;

	(void)state;
	bench_open(&b, "aarch64", "virt,gic-version=3,iommu=smmuv3", args);
	assert_int_equal(weir_firmware_pci_host(weir_device_fwnode(b.bridge), &host), 0);
	assert_int_equal(bench_count(&b, 0x1234, 0x11e8), 0); /* the first does not see it */
	host.first_bus = 64;
	host.ecam_pa += 64u << 20;
	host.ecam_bytes -= 64u << 20;
	take_upper_halves(&host);
	assert_int_equal(weir_pci_add(b.bridge, &host, NULL, NULL, 0, &pci), 0);
	assert_int_equal(weir_pci_find(pci, WEIR_PCI_RID(65, 0, 0), &dev), 0);
	assert_string_equal(weir_device_name(dev), "0000:41:00.0");
	assert_string_equal(bench_group(dev, WEIR_PCI_RULES_WEIR), "pci0000:40/02.0/00.0");
	assert_string_equal(bench_group(bench_named(&b, "0000:01:00.0"), WEIR_PCI_RULES_WEIR),
			    "pci0000/02.0/00.0");
	assert_int_equal(weir_pci_iommu_id(dev, 0, &id), 0);
	assert_int_equal(id.id, 0x4100);
	assert_int_equal(weir_pci_msi_id(dev, &id), 0);
	assert_int_equal(id.id, 0x4100);
	edu_open(&edu, dev); /* it answers at its registers */
	edu_close(&edu);
	weir_pci_del(pci);
	no_faults(&b);
	bench_close(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pci_walk_aarch64),
		cmocka_unit_test(test_pci_walk_x86_64),
		cmocka_unit_test(test_pci_walk_riscv64),
		cmocka_unit_test(test_pci_aliases),
		cmocka_unit_test(test_pci_ids_smmuv3),
		cmocka_unit_test(test_pci_ids_virtio_iommu),
		cmocka_unit_test(test_pci_msi_arrives),
		cmocka_unit_test(test_pci_msix_arrives),
		cmocka_unit_test(test_pci_reset),
		cmocka_unit_test(test_pci_plug_and_unplug),
		cmocka_unit_test(test_pci_two_root_buses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
