// SPDX-License-Identifier: MIT
/* The shortest way through everything: QEMU starts, its buses are walked, edu's DMA lands. */
#include <string.h>

#include "clients.h"
#include "edu/edu.h"

static const char *const args[] = { "-device", "edu,dma_mask=0xffffffffffffffff", NULL };

/* What goes to the device comes back elsewhere, and nothing beside it changes. */
static void round_trip(struct bench *b, struct edu *edu)
{
	const struct weir_host_ops *ops = weir_qtest_ops(b->qtest);
	uint8_t *va;
	void *mem;
	uint64_t pa;

	assert_int_equal(ops->pages_alloc(b->qtest, 8192, 4096, &mem, &pa), 0);
	va = mem;
	for (unsigned int i = 0; i < 4095; i++)
		va[i] = (uint8_t)(i * 7 + 3);
	edu_dma(b, edu, pa, 4095, false, false);
	edu_dma(b, edu, pa + 4096, 4095, true, false);
	assert_memory_equal(va, va + 4096, 4095);
	assert_int_equal(va[8191], 0);
	ops->pages_free(b->qtest, mem, pa, 8192);
}

static void lands(const char *arch)
{
	struct bench b;
	struct edu edu;

	bench_open(&b, arch, NULL, args);
	edu_open(&edu, bench_pci(&b, 0x1234, 0x11e8));
	round_trip(&b, &edu);
	edu_close(&edu);
	bench_close(&b);
}

static void test_edu_dma_lands_aarch64(void **state)
{
	(void)state;
	lands("aarch64");
}

static void test_edu_dma_lands_x86_64(void **state)
{
	(void)state;
	lands("x86_64");
}

static void test_edu_dma_lands_riscv64(void **state)
{
	(void)state;
	lands("riscv64");
}

/* Bus mastering is off until it is asked for, and off again after. */
static void test_edu_dma_needs_bus_mastering(void **state)
{
	const struct weir_host_ops *ops;
	struct weir_device *dev;
	struct bench b;
	struct edu edu;
	uint8_t *va;
	void *mem;
	uint64_t pa;

	(void)state;
	bench_open(&b, "aarch64", NULL, args);
	dev = bench_pci(&b, 0x1234, 0x11e8);
	assert_false(weir_pci_is_master(dev));
	edu_open(&edu, dev);
	assert_true(weir_pci_is_master(dev));
	ops = weir_qtest_ops(b.qtest);
	assert_int_equal(ops->pages_alloc(b.qtest, 4096, 4096, &mem, &pa), 0);
	va = mem;
	memset(va, 0xaa, 64);
	edu_dma(&b, &edu, pa, 64, false, false);
	assert_int_equal(weir_pci_master(dev, false), 0);
	assert_false(weir_pci_is_master(dev));
	edu_dma(&b, &edu, pa + 64, 64, true, false);
	assert_int_equal(va[64], 0);
	assert_int_equal(weir_pci_master(dev, true), 0);
	edu_dma(&b, &edu, pa + 64, 64, true, false);
	assert_memory_equal(va, va + 64, 64);
	ops->pages_free(b.qtest, mem, pa, 4096);
	edu_close(&edu);
	assert_false(weir_pci_is_master(dev));
	bench_close(&b);
}

/* ---- the client ---- */

static const struct clients_what what = {
	.drv = &weir_edu_driver, .vendor = 0x1234, .device = 0x11e8, .args = args,
};

static void all_tests(const char *arch, bool iommu)
{
	struct edu_client *edu;
	struct clients cl;

	clients_open(&cl, &what, arch, iommu);
	edu = weir_device_data(cl.dev);
	clients_buffer(&cl, &edu->out);
	clients_buffer(&cl, &edu->in);
	clients_pass(&cl, "quick");
	clients_pass(&cl, "msi");
	clients_pass(&cl, "long");
	clients_refuse(&cl, "nonsense", WEIR_ENOENT, "nonsense");
	clients_close(&cl);
}

static void test_edu_client_direct(void **state)
{
	(void)state;
	all_tests("aarch64", false);
	all_tests("x86_64", false);
	all_tests("riscv64", false);
}

static void test_edu_client_translated(void **state)
{
	(void)state;
	all_tests("aarch64", true);
}

/* Taken away in the middle of a transfer, and back again. */
static void test_edu_client_reload(void **state)
{
	(void)state;
	clients_check_reload(&what);
}

static void test_edu_client_gone(void **state)
{
	(void)state;
	clients_check_gone(&what);
}

static void test_edu_client_sweep(void **state)
{
	(void)state;
	clients_check_sweep(&what, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_edu_dma_lands_aarch64),
		cmocka_unit_test(test_edu_dma_lands_x86_64),
		cmocka_unit_test(test_edu_dma_lands_riscv64),
		cmocka_unit_test(test_edu_dma_needs_bus_mastering),
		cmocka_unit_test(test_edu_client_direct),
		cmocka_unit_test(test_edu_client_translated),
		cmocka_unit_test(test_edu_client_reload),
		cmocka_unit_test(test_edu_client_gone),
		cmocka_unit_test(test_edu_client_sweep),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
