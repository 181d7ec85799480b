// SPDX-License-Identifier: MIT
/*
 * Two IOMMUs with different drivers below one PCI hierarchy: QEMU's SMMUv3 for the first root bus,
 * a virtio-iommu over MMIO for the second one (pxb-pcie), an edu behind each. QEMU's device tree
 * knows one host bridge and no such virtio-iommu; here it gets two, and the map. Each driver is
 * loaded and unloaded while the other one's device works.
 */
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "weir/arm_smmu_v3.h"
#include "weir/virtio_iommu.h"

#define ROUNDS 3u
#define PAGE 4096u
#define NR 2u
#define HALF_BUSES 128u
#define ECAM UINT64_C(0x4010000000)
#define WINDOW_2 0x27000000u
#define TRANSPORTS 0x0a000000u /* of virtio, 0x200 bytes each */
#define NR_TRANSPORTS 32u
#define VIRTIO_ID 0x008u
#define VIRTIO_IOMMU 23u

struct client {
	const char *name;
	struct weir_device *dev; /* while bound */
	struct edu edu;
	uint8_t *va;
	uint64_t pa, iova;
};

static struct two {
	struct bench b;
	struct client clients[NR]; /* behind the SMMUv3, the virtio-iommu */
	struct weir_module *modules[NR];
	unsigned char *dtb;
} two;

static const struct weir_module_entry *const entries[NR] = {
	&weir_module_arm_smmu_v3, &weir_module_virtio_iommu,
};

/* ---- the tree ---- */

static void cells(int node, const char *name, const uint32_t *v, unsigned int n)
{
	fdt32_t be[8];

	for (unsigned int i = 0; i < n; i++)
		be[i] = cpu_to_fdt32(v[i]);
	assert_int_equal(fdt_setprop(two.dtb, node, name, be, (int)n * 4), 0);
}

static int find(const char *path)
{
	int node = fdt_path_offset(two.dtb, path);

	assert_true(node >= 0);
	return node;
}

/* The virtio-iommu is at one of the machine's transports. */
static void make_iommu(uint32_t phandle)
{
	const struct weir_host_ops *ops = weir_qtest_ops(two.b.qtest);
	uint32_t at = 0;
	char path[40];

	for (uint32_t i = 0; i < NR_TRANSPORTS && !at; i++)
		if (ops->mmio_read(two.b.qtest, TRANSPORTS + i * 0x200 + VIRTIO_ID, 4) == VIRTIO_IOMMU)
			at = TRANSPORTS + i * 0x200;
	assert_true(at);
	snprintf(path, sizeof(path), "/virtio_mmio@%x", at);
	cells(find(path), "#iommu-cells", (const uint32_t[]){ 1 }, 1);
	cells(find(path), "phandle", &phandle, 1);
}

/* The first bridge gives half of its buses, and of its 32-bit window, to the second one. */
static void make_bridges(uint32_t phandle)
{
	const uint32_t high = (uint32_t)(ECAM >> 32), low = (uint32_t)ECAM;
	const uint32_t half = HALF_BUSES << 20;
	const char *first = "/pcie@10000000";
	int node;

	cells(find(first), "reg", (const uint32_t[]){ high, low, 0, half }, 4);
	cells(find(first), "bus-range", (const uint32_t[]){ 0, HALF_BUSES - 1 }, 2);
	cells(find(first), "ranges", (const uint32_t[]){ 0x2000000, 0, 0x10000000, 0, 0x10000000, 0,
							 WINDOW_2 - 0x10000000 }, 7);
	node = fdt_add_subnode(two.dtb, 0, "pcie@27000000");
	assert_true(node >= 0);
	assert_int_equal(fdt_setprop_string(two.dtb, node, "compatible", "pci-host-ecam-generic"), 0);
	assert_int_equal(fdt_setprop_string(two.dtb, node, "device_type", "pci"), 0);
	cells(node, "#address-cells", (const uint32_t[]){ 3 }, 1);
	cells(node, "#size-cells", (const uint32_t[]){ 2 }, 1);
	cells(node, "linux,pci-domain", (const uint32_t[]){ 1 }, 1);
	cells(node, "dma-coherent", NULL, 0);
	cells(node, "reg", (const uint32_t[]){ high, low + half, 0, half }, 4);
	cells(node, "bus-range", (const uint32_t[]){ HALF_BUSES, 255 }, 2);
	cells(node, "ranges", (const uint32_t[]){ 0x2000000, 0, WINDOW_2, 0, WINDOW_2, 0, 0x17ff0000 }, 7);
	cells(node, "iommu-map", (const uint32_t[]){ HALF_BUSES << 8, phandle, HALF_BUSES << 8,
						     HALF_BUSES << 8 }, 4);
}

static void make_tree(void)
{
	const void *blob;
	size_t bytes;

	assert_int_equal(weir_qtest_dtb(two.b.qtest, &blob, &bytes), 0);
	two.dtb = malloc(bytes + 4096);
	assert_non_null(two.dtb);
	assert_int_equal(fdt_open_into(blob, two.dtb, (int)bytes + 4096), 0);
	make_iommu(0x7001);
	make_bridges(0x7001);
	two.b.dtb = two.dtb;
	two.b.dtb_bytes = fdt_totalsize(two.dtb);
}

/* ---- the driver of both edus ---- */

static struct client *client_of(const struct weir_device *dev)
{
	return &two.clients[strcmp(weir_device_name(dev), two.clients[0].name) != 0];
}

static int edu_probe(struct weir_device *dev)
{
	struct client *c = client_of(dev);
	int err = weir_dma_mask_set(dev, WEIR_DMA_MASK(64));

	if (!err)
		err = weir_dma_map_phys(dev, c->pa, PAGE, WEIR_DMA_BIDIRECTIONAL, &c->iova);
	if (err)
		return err;
	edu_open(&c->edu, dev);
	c->dev = dev;
	return 0;
}

static void edu_remove(struct weir_device *dev)
{
	struct client *c = client_of(dev);

	edu_close(&c->edu);
	assert_int_equal(weir_dma_unmap(dev, c->iova, PAGE, WEIR_DMA_BIDIRECTIONAL), 0);
	c->dev = NULL;
}

static const struct weir_driver_ops edu_ops = {
	.abi = WEIR_ABI(struct weir_driver_ops), .probe = edu_probe, .remove = edu_remove,
};
static const struct weir_match edu_match[] = { { .key = "pci:1234:11e8" }, { 0 } };
static const struct weir_driver edu_driver = {
	.name = "edu", .bus = "pci", .match = edu_match, .ops = &edu_ops,
};

/* What it reads comes back 1 KiB further on, at an address that is no memory. */
static void work(struct client *c, unsigned int n)
{
	assert_non_null(c->dev);
	assert_true(weir_dma_is_translated(c->dev));
	assert_true(c->iova > UINT64_C(0x100000000));
	memset(c->va, 0, PAGE);
	for (unsigned int i = 0; i < 1024; i++)
		c->va[i] = (uint8_t)(i * 7 + n);
	edu_dma(&two.b, &c->edu, c->iova, 1024, false, false);
	edu_dma(&two.b, &c->edu, c->iova + 1024, 1024, true, false);
	assert_memory_equal(c->va, c->va + 1024, 1024);
}

/* ---- the test ---- */

static void load(unsigned int i)
{
	assert_int_equal(weir_module_load(two.b.m, entries[i], &two.modules[i]), 0);
	assert_int_equal(weir_settle(two.b.m), 0);
}

/* One goes by force, and comes again; the other one's device never stops. */
static void reload(unsigned int i, unsigned int n)
{
	struct client *mine = &two.clients[i], *other = &two.clients[!i];

	assert_int_equal(weir_module_unload(two.modules[i], 0), WEIR_EBUSY);
	assert_int_equal(weir_module_unload(two.modules[i], WEIR_MODULE_FORCE), 0);
	assert_null(mine->dev);
	for (unsigned int k = 0; k < 3; k++)
		work(other, n + k);
	load(i);
	work(mine, n);
	work(other, n + 3);
}

static void open_two(void)
{
	static const char *const args[] = {
		"-global", "virtio-mmio.force-legacy=false",
		"-device", "edu,addr=05.0,dma_mask=0xffffffffffffffff",
		"-device", "pxb-pcie,bus_nr=128,id=pxb,bus=pcie.0",
		"-device", "pcie-root-port,bus=pxb,id=rp,chassis=1",
		"-device", "edu,bus=rp,dma_mask=0xffffffffffffffff",
		"-device", "virtio-iommu-device,primary-bus=pxb", NULL,
	};
	void *mem;

	memset(&two, 0, sizeof(two));
	two.clients[0].name = "0000:00:05.0";
	two.clients[1].name = "0001:81:00.0";
	bench_start(&two.b, "aarch64", "virt,iommu=smmuv3", args);
	for (unsigned int i = 0; i < NR; i++) {
		struct client *c = &two.clients[i];

		assert_int_equal(weir_qtest_ops(two.b.qtest)->pages_alloc(two.b.qtest, PAGE, PAGE, &mem,
									  &c->pa), 0);
		c->va = mem;
	}
	make_tree();
	bench_machine(&two.b);
}

static void close_two(void)
{
	assert_int_equal(weir_driver_unregister(two.b.m, &edu_driver), 0);
	for (unsigned int i = 0; i < NR; i++) {
		assert_int_equal(weir_module_unload(two.modules[i], 0), 0);
		weir_qtest_ops(two.b.qtest)->pages_free(two.b.qtest, two.clients[i].va,
							two.clients[i].pa, PAGE);
	}
	bench_close(&two.b);
	free(two.dtb);
}

static void test_two_drivers(void **state)
{
	char keys[NR][64];

	(void)state;
	open_two();
	assert_int_equal(weir_driver_register(two.b.m, &edu_driver), 0);
	assert_int_equal(weir_settle(two.b.m), 0);
	weir_catalogue_seal(two.b.m); /* no driver of the root port will come */
	for (unsigned int i = 0; i < NR; i++) { /* each waits for its own */
		assert_int_equal(weir_settle(two.b.m), 0);
		assert_null(two.clients[i].dev);
		load(i);
		work(&two.clients[i], i);
		snprintf(keys[i], sizeof(keys[i]), "%s", weir_device_group_key(two.clients[i].dev));
	}
	assert_string_not_equal(keys[0], keys[1]);
	for (unsigned int round = 0; round < ROUNDS; round++)
		for (unsigned int i = 0; i < NR; i++)
			reload(i, 8 * round + 4 * i);
	close_two();
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_two_drivers) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
