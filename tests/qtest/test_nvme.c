// SPDX-License-Identifier: MIT
/*
 * The client of NVM Express on QEMU's model. Its status says nothing: what is compared is
 * data, at the last with the disk itself, which is memory of this process.
 */
#include <string.h>
#include <unistd.h>

#include "clients.h"
#include "nvme/nvme.h"

#define DISK_BYTES (64u << 20)

static const char *const args[] = { "-device", "nvme,serial=weir,drive=disk0,addr=04.0", NULL };

static const struct clients_what what = {
	.drv = &weir_nvme_driver, .vendor = 0x1b36, .device = 0x0010, .args = args,
	.disk_bytes = DISK_BYTES,
};

static void all_tests(const char *arch, bool iommu)
{
	struct clients cl;

	clients_open(&cl, &what, arch, iommu);
	clients_pass(&cl, "quick");
	clients_pass(&cl, "long");
	clients_refuse(&cl, "nonsense", WEIR_ENOENT, "nonsense");
	clients_close(&cl);
}

static void test_nvme_direct(void **state)
{
	(void)state;
	all_tests("aarch64", false);
	all_tests("x86_64", false);
	all_tests("riscv64", false);
}

/* ---- the disk itself ---- */

static void copy_page(struct clients *cl, struct client_buffer *b, uint32_t i, off_t at)
{
	uint8_t page[CLIENT_PAGE];

	assert_int_equal(pread(cl->disk_fd, page, sizeof(page), at), sizeof(page));
	assert_memory_equal(page, b->pages[i].va, sizeof(page));
}

/* What was written is on the disk, block by block; what the disk has is read. */
static void check_disk(bool iommu)
{
	struct nvme_client *nvme;
	struct client_buffer b;
	struct clients cl;
	uint64_t seed = 5;

	clients_open(&cl, &what, "aarch64", iommu);
	nvme = weir_device_data(cl.dev);
	assert_int_equal(client_buffer_init(&b, &nvme->c, 256, 77), 0);
	client_buffer_fill(&b, 88);
	assert_int_equal(client_buffer_map(&b, WEIR_DMA_BIDIRECTIONAL), 0);
	assert_int_equal(nvme_transfer(nvme, &b, 0, 256, 24, true), 0);
	for (uint32_t i = 0; i < 256; i++)
		copy_page(&cl, &b, i, 24 * 512 + (off_t)i * CLIENT_PAGE);
	for (uint32_t i = 0; i < 200; i++) {
		uint64_t words[CLIENT_PAGE / 8];

		for (size_t j = 0; j < CLIENT_PAGE / 8; j++)
			words[j] = client_random(&seed);
		assert_int_equal(pwrite(cl.disk_fd, words, sizeof(words), (off_t)i * CLIENT_PAGE),
				 sizeof(words));
	}
	assert_int_equal(nvme_transfer(nvme, &b, 3, 200, 0, false), 0);
	for (uint32_t i = 0; i < 200; i++)
		copy_page(&cl, &b, i + 3, (off_t)i * CLIENT_PAGE);
	assert_true(client_buffer_intact(&b));
	assert_int_equal(nvme_transfer(nvme, &b, 0, 1, DISK_BYTES / 512 - 7, true), WEIR_ERANGE);
	client_buffer_fini(&b);
	clients_close(&cl);
}

static void test_nvme_disk_direct(void **state)
{
	(void)state;
	check_disk(false);
}

/* ---- devices that lie ---- */

/* A completion that the device did not write, before the one that it will write. */
static void forge(struct clients *cl, uint16_t id, uint16_t sq_id, uint16_t sq_head)
{
	struct nvme_client *nvme = weir_device_data(cl->dev);
	struct nvme_queue *queue = &nvme->io;

	assert_int_equal(weir_pci_master(cl->dev, false), 0);
	queue->cq[queue->head] = (struct nvme_completion){
		.id = id, .sq_id = sq_id, .sq_head = sq_head, .status = queue->phase,
	};
}

static void check_lie(uint16_t id, uint16_t sq_id, uint16_t sq_head, const char *words)
{
	struct weir_client_stats stats;
	struct clients cl;

	clients_open(&cl, &what, "aarch64", false);
	clients_pass(&cl, "quick");
	forge(&cl, id, sq_id, sq_head);
	clients_refuse(&cl, "quick", WEIR_EIO, words);
	cl.ops->stats(cl.dev, &stats);
	assert_non_null(stats.fault);
	assert_false(weir_pci_is_master(cl.dev));
	clients_refuse(&cl, "quick", WEIR_EIO, words); /* and stays so */
	clients_unbind(&cl);
	clients_bind(&cl); /* until it is bound again */
	clients_pass(&cl, "quick");
	clients_close(&cl);
}

static void test_nvme_lies_are_caught(void **state)
{
	(void)state;
	check_lie(0xffff, 1, 0, "a completion of no command (0xffff)");
	check_lie(NVME_DEPTH - 1, 1, 0, "a completion of no command (0xf)");
	check_lie(0, 7, 0, "a completion of another queue (0x7)");
	check_lie(0, 1, NVME_DEPTH, "a head beyond the queue (0x10)");
}

/* ---- coming and going ---- */

static void test_nvme_reload(void **state)
{
	struct clients cl;

	(void)state;
	clients_open(&cl, &what, "aarch64", false);
	clients_reload(&cl, 20, "start");
	clients_pass(&cl, "quick");
	clients_close(&cl);
}

static void test_nvme_sweep(void **state)
{
	struct clients cl;

	(void)state;
	clients_open(&cl, &what, "aarch64", false);
	assert_true(clients_sweep(&cl) > 5);
	clients_pass(&cl, "quick");
	clients_close(&cl);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nvme_direct),
		cmocka_unit_test(test_nvme_disk_direct),
		cmocka_unit_test(test_nvme_lies_are_caught),
		cmocka_unit_test(test_nvme_reload),
		cmocka_unit_test(test_nvme_sweep),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
