// SPDX-License-Identifier: MIT
/*
 * The client of NVM Express on QEMU's model. Its status says nothing: what is compared is
 * data, at the last with the disk itself, which is memory of this process.
 */
#include <stdio.h>

#include "clients.h"
#include "nvme/nvme.h"
#include "weir/iommu.h"

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
	clients_pass(&cl, "speed");
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

static void test_nvme_translated(void **state)
{
	(void)state;
	all_tests("aarch64", true);
}

/* ---- the disk itself ---- */

static int transfer(struct client *c, const struct client_buffer *b, uint32_t first, uint32_t nr,
		    uint64_t at, bool write)
{
	return nvme_transfer(weir_device_data(c->dev), b, first, nr, at * (CLIENT_PAGE / 512), write);
}

/* All that the device has addresses of. */
static void check_addresses(struct clients *cl, struct nvme_client *nvme)
{
	assert_int_equal(weir_mmio_read64(&nvme->mmio, NVME_ASQ), nvme->admin.sq_iova);
	assert_int_equal(weir_mmio_read64(&nvme->mmio, NVME_ACQ), nvme->admin.cq_iova);
	clients_iova(cl, nvme->admin.sq_iova, clients_pa(cl, nvme->admin.sq));
	clients_iova(cl, nvme->io.cq_iova, clients_pa(cl, nvme->io.cq));
	clients_iova(cl, nvme->lists_iova, clients_pa(cl, nvme->lists));
}

static void check_disk(bool iommu)
{
	struct nvme_client *nvme;
	struct clients cl;

	clients_open(&cl, &what, "aarch64", iommu);
	nvme = weir_device_data(cl.dev);
	check_addresses(&cl, nvme);
	clients_disk(&cl, &nvme->c, transfer);
	clients_close(&cl);
}

static void test_nvme_disk(void **state)
{
	(void)state;
	if (!bench_iommu()->machine)
		check_disk(false);
	check_disk(true);
}

/* ---- after unmap ---- */

static bool on_fault(void *context, struct weir_domain *domain, const struct weir_fault *fault)
{
	_Atomic unsigned int *nr_faults = context;

	(void)domain;
	*nr_faults += fault->reason == WEIR_FAULT_UNMAPPED;
	return true;
}

static struct weir_domain *domain_of(struct weir_device *dev)
{
	struct weir_group *group;

	assert_int_equal(weir_group_of(dev, &group), 0);
	return weir_group_domain(group);
}

static void wait_fault(struct clients *cl, const _Atomic unsigned int *nr_faults)
{
	const struct weir_host_ops *ops = weir_qtest_ops(cl->b.qtest);

	for (int n = 0; n < 20000 && !*nr_faults; n++)
		ops->delay_ns(cl->b.qtest, 50000);
	assert_true(*nr_faults > 0);
}

/* Commands with addresses that were unmapped: whatever the device says of them, nothing lands. */
static void test_nvme_nothing_lands_after_unmap(void **state)
{
	struct nvme_client *nvme;
	struct client_buffer b;
	struct clients cl;
	_Atomic unsigned int nr_faults = 0;
	uint64_t sum;

	(void)state;
	clients_open(&cl, &what, "aarch64", true);
	clients_pass(&cl, "small");
	nvme = weir_device_data(cl.dev);
	weir_domain_fault_handler_set(domain_of(cl.dev), on_fault, &nr_faults);
	assert_int_equal(client_buffer_init(&b, &nvme->c, 16, 7), 0);
	client_buffer_fill(&b, 8);
	sum = client_buffer_sum(&b, 16 * CLIENT_PAGE);
	assert_int_equal(client_buffer_map(&b, WEIR_DMA_BIDIRECTIONAL), 0);
	assert_int_equal(transfer(&nvme->c, &b, 0, 16, 0, true), 0);
	assert_int_equal(client_buffer_unmap(&b), 0);
	client_buffer_fill(&b, 9);
	assert_true(client_buffer_sum(&b, 16 * CLIENT_PAGE) != sum);
	sum = client_buffer_sum(&b, 16 * CLIENT_PAGE);
	printf("# a read of unmapped pages: %s\n",
	       weir_strerror(transfer(&nvme->c, &b, 0, 16, 0, false)));
	assert_int_equal(client_buffer_sum(&b, 16 * CLIENT_PAGE), sum);
	assert_true(client_buffer_intact(&b));
	wait_fault(&cl, &nr_faults);
	weir_domain_fault_handler_set(domain_of(cl.dev), NULL, NULL);
	clients_pass(&cl, "small");
	client_buffer_fini(&b);
	clients_close(&cl);
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
	(void)state;
	clients_check_reload(&what);
}

static void test_nvme_gone(void **state)
{
	(void)state;
	clients_check_gone(&what);
}

static void test_nvme_sweep(void **state)
{
	(void)state;
	clients_check_sweep(&what, "small");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nvme_direct),
		cmocka_unit_test(test_nvme_translated),
		cmocka_unit_test(test_nvme_disk),
		cmocka_unit_test(test_nvme_nothing_lands_after_unmap),
		cmocka_unit_test(test_nvme_lies_are_caught),
		cmocka_unit_test(test_nvme_reload),
		cmocka_unit_test(test_nvme_gone),
		cmocka_unit_test(test_nvme_sweep),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
