// SPDX-License-Identifier: MIT
/*
 * The client of virtio's block device on QEMU's model, which uses addresses of its bus.
 * Its data are compared with the disk itself, which is memory of this process.
 */
#include "clients.h"
#include "virtio-blk/virtio_blk.h"
#include "weir/virtio_iommu.h"

#define DISK_BYTES (64u << 20)

static const char *const args[] = {
	"-device", "virtio-blk-pci,drive=disk0,iommu_platform=on,disable-legacy=on,addr=06.0", NULL,
};

static const struct clients_what what = {
	.drv = &weir_virtio_blk_driver, .vendor = 0x1af4, .device = 0x1042, .args = args,
	.disk_bytes = DISK_BYTES,
};

static void all_tests(const char *arch, bool iommu)
{
	struct vblk_client *vblk;
	struct clients cl;

	clients_open(&cl, &what, arch, iommu);
	vblk = weir_device_data(cl.dev);
	assert_true(weir_virtio_features(vblk->v) & WEIR_VIRTIO_ACCESS_PLATFORM);
	clients_pass(&cl, "quick");
	clients_pass(&cl, "long");
	clients_pass(&cl, "speed");
	clients_refuse(&cl, "nonsense", WEIR_ENOENT, "nonsense");
	clients_close(&cl);
}

static void test_virtio_blk_direct(void **state)
{
	(void)state;
	all_tests("aarch64", false);
	all_tests("x86_64", false);
	all_tests("riscv64", false);
}

static void test_virtio_blk_translated(void **state)
{
	(void)state;
	all_tests("aarch64", true);
}

/* ---- the disk itself ---- */

static int transfer(struct client *c, const struct client_buffer *b, uint32_t first, uint32_t nr,
		    uint64_t at, bool write)
{
	return vblk_transfer(weir_device_data(c->dev), b, first, nr,
			     at * (CLIENT_PAGE / VBLK_SECTOR), write);
}

static void check_disk(bool iommu)
{
	struct vblk_client *vblk;
	struct clients cl;

	clients_open(&cl, &what, "aarch64", iommu);
	vblk = weir_device_data(cl.dev);
	clients_iova(&cl, vblk->memory.address, clients_pa(&cl, vblk->memory.va));
	clients_iova(&cl, vblk->slots_iova, clients_pa(&cl, vblk->slots));
	clients_disk(&cl, &vblk->c, transfer);
	clients_close(&cl);
}

static void test_virtio_blk_disk(void **state)
{
	(void)state;
	if (!bench_iommu()->machine)
		check_disk(false);
	check_disk(true);
}

/* A device that takes addresses for physical ones will do where that is right. */
static void test_virtio_blk_without_platform(void **state)
{
	static const char *const plain[] = {
		"-device", "virtio-blk-pci,drive=disk0,disable-legacy=on,addr=06.0", NULL,
	};
	struct clients_what other = what;
	struct clients cl;

	(void)state;
	other.args = plain;
	clients_open(&cl, &other, "aarch64", false);
	clients_pass(&cl, "quick");
	clients_close(&cl);
}

/* Behind an IOMMU it is refused. */
static void test_virtio_blk_platform_is_needed(void **state)
{
	static const char *const plain[] = {
		"-device", "virtio-iommu-pci,addr=03.0", "-blockdev", "null-co,node-name=disk0",
		"-device", "virtio-blk-pci,drive=disk0,disable-legacy=on,addr=06.0", NULL,
	};
	struct weir_module *iommu;
	struct weir_device *dev;
	struct bench b;

	(void)state;
	bench_open(&b, "aarch64", NULL, plain);
	dev = bench_pci(&b, what.vendor, what.device);
	assert_int_equal(weir_module_load(b.m, &weir_module_virtio_iommu, &iommu), 0);
	assert_int_equal(weir_driver_register(b.m, &weir_virtio_blk_driver), 0);
	assert_int_equal(weir_settle(b.m), 0);
	assert_null(weir_device_driver(dev));
	assert_false(weir_pci_is_master(dev));
	assert_int_equal(weir_driver_unregister(b.m, &weir_virtio_blk_driver), 0);
	assert_int_equal(weir_module_unload(iommu, 0), 0);
	bench_close(&b);
}

/* ---- devices that lie ---- */

/* Where the used ring is, which this module's memory ends with (Virtio 1.2, 2.7). */
static void forge_used(struct vblk_client *vblk, uint32_t id, uint32_t bytes)
{
	unsigned int size = weir_virtq_size(vblk->queue);
	uint32_t at = (16u * size + 4 + 2 * size + 2 + 63) & ~63u; /* index, then entries */
	uint8_t *used = (uint8_t *)vblk->memory.va + at;
	uint16_t *index = (uint16_t *)(void *)(used + 2);
	uint32_t *entry = (uint32_t *)(void *)(used + 4 + 8u * (*index % size));

	assert_true(*index != 0); /* it is where it is thought to be: something was used */
	entry[0] = id;
	entry[1] = bytes;
	++*index;
}

static void check_lie(uint32_t id, uint32_t bytes, uint8_t status, const char *words)
{
	struct weir_client_stats stats;
	struct vblk_client *vblk;
	struct clients cl;

	clients_open(&cl, &what, "aarch64", false);
	clients_pass(&cl, "quick");
	assert_int_equal(weir_pci_master(cl.dev, false), 0);
	vblk = weir_device_data(cl.dev);
	clients_refuse(&cl, "start", 0, "start");
	vblk->requests[0].slot->status = status;
	forge_used(vblk, id, bytes);
	clients_refuse(&cl, "quick", WEIR_EIO, words);
	cl.ops->stats(cl.dev, &stats);
	assert_non_null(stats.fault);
	assert_false(weir_pci_is_master(cl.dev));
	clients_refuse(&cl, "start", WEIR_EIO, words);
	clients_unbind(&cl);
	clients_bind(&cl);
	clients_pass(&cl, "quick");
	clients_close(&cl);
}

static void test_virtio_blk_lies_are_caught(void **state)
{
	(void)state;
	check_lie(0xffff, 1, 0, "it returns request 65535");
	check_lie(0, 0x7fffffff, 0, "it says it wrote 2147483647 bytes");
	check_lie(0, VBLK_MAX_PAGES * CLIENT_PAGE + 1, 0xff, "a request has no status (0xff)");
	check_lie(0, 100, VBLK_OK, "a request without all its data (0x64)");
}

/* ---- coming and going ---- */

static void test_virtio_blk_reload(void **state)
{
	(void)state;
	clients_check_reload(&what);
}

static void test_virtio_blk_gone(void **state)
{
	(void)state;
	clients_check_gone(&what);
}

static void test_virtio_blk_sweep(void **state)
{
	(void)state;
	clients_check_sweep(&what, "small");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_virtio_blk_direct),
		cmocka_unit_test(test_virtio_blk_translated),
		cmocka_unit_test(test_virtio_blk_disk),
		cmocka_unit_test(test_virtio_blk_without_platform),
		cmocka_unit_test(test_virtio_blk_platform_is_needed),
		cmocka_unit_test(test_virtio_blk_lies_are_caught),
		cmocka_unit_test(test_virtio_blk_reload),
		cmocka_unit_test(test_virtio_blk_gone),
		cmocka_unit_test(test_virtio_blk_sweep),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
