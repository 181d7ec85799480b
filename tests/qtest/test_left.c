// SPDX-License-Identifier: MIT
/*
 * What firmware left running, on QEMU's models: an edu that stands for a display reads and writes
 * its memory without pause, on a thread of its own, while the IOMMU's driver is loaded, unloaded
 * and loaded again, without a driver of its own. Another edu fires at that memory. The
 * device tree is QEMU's, with the memory and the device's node put in.
 *
 * Behind the SMMUv3 nothing is lost. A virtio-iommu does nothing without its driver: the device is
 * blocked while that is away, and goes on when it is back.
 */
#include <libfdt.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "bench.h"

#define ROUNDS 5u
#define PAGE 4096u
#define BYTES (4 * PAGE)
#define CANARY 0x5a

static struct left {
	struct bench b;
	struct edu display, rogue;
	uint8_t *va;             /* the display's memory */
	uint64_t pa;
	unsigned char *dtb;
	pthread_t thread;
	_Atomic bool stop;
	_Atomic unsigned int shown, lost, fired;
	_Atomic bool fires;
} left;

/* ---- the tree ---- */

static void cells(int node, const char *name, const uint32_t *v, unsigned int n)
{
	fdt32_t be[8];

	for (unsigned int i = 0; i < n; i++)
		be[i] = cpu_to_fdt32(v[i]);
	assert_int_equal(fdt_setprop(left.dtb, node, name, be, (int)n * 4), 0);
}

static int add_node(int parent, const char *name)
{
	int node = fdt_add_subnode(left.dtb, parent, name);

	assert_true(node >= 0);
	return node;
}

/* The display is 00:05.0. */
static void make_tree(void)
{
	const uint32_t display = 0x7001, memory = 0x7002;
	uint32_t high = (uint32_t)(left.pa >> 32), low = (uint32_t)left.pa;
	const void *blob;
	size_t bytes;
	int node;

	assert_int_equal(weir_qtest_dtb(left.b.qtest, &blob, &bytes), 0);
	left.dtb = malloc(bytes + 4096);
	assert_non_null(left.dtb);
	assert_int_equal(fdt_open_into(blob, left.dtb, (int)bytes + 4096), 0);
	node = add_node(0, "reserved-memory");
	cells(node, "#address-cells", (const uint32_t[]){ 2 }, 1);
	cells(node, "#size-cells", (const uint32_t[]){ 2 }, 1);
	cells(node, "ranges", NULL, 0);
	node = add_node(node, "framebuffer");
	cells(node, "phandle", &memory, 1);
	cells(node, "reg", (const uint32_t[]){ high, low, 0, BYTES }, 4);
	cells(node, "iommu-addresses", (const uint32_t[]){ display, 0x02000000, high, low, 0, BYTES }, 6);
	node = fdt_node_offset_by_compatible(left.dtb, -1, "pci-host-ecam-generic");
	assert_true(node >= 0);
	node = add_node(node, "display@5,0");
	cells(node, "reg", (const uint32_t[]){ 5 << 11, 0, 0, 0, 0 }, 5);
	cells(node, "phandle", &display, 1);
	cells(node, "memory-region", &memory, 1);
	left.b.dtb = left.dtb;
	left.b.dtb_bytes = fdt_totalsize(left.dtb);
}

/* ---- the display, and the rogue ---- */

/* What it reads from one page comes back in another one. */
static bool shows(unsigned int n)
{
	uint8_t *from = left.va + (n & 1 ? 0 : 3 * PAGE), *to = left.va + PAGE;

	for (unsigned int i = 0; i < 256; i++)
		from[i] = (uint8_t)(i * 3 + n);
	memset(to, 0, 256);
	edu_dma(&left.b, &left.display, left.pa + (uint64_t)(from - left.va), 256, false, false);
	edu_dma(&left.b, &left.display, left.pa + PAGE, 256, true, false);
	return !memcmp(from, to, 256);
}

static void *run(void *arg)
{
	const struct timespec pause = { .tv_nsec = 1000 };

	(void)arg;
	for (unsigned int n = 0; !left.stop; n++) {
		if (shows(n))
			left.shown++;
		else
			left.lost++;
		if (left.fires) {
			edu_dma(&left.b, &left.rogue, left.pa + 2 * PAGE, 64, true, false);
			left.fired++;
		}
		nanosleep(&pause, NULL);
	}
	return NULL;
}

static void more(const _Atomic unsigned int *count, unsigned int n)
{
	const struct timespec pause = { .tv_nsec = 100000 };

	for (unsigned int until = *count + n, i = 0; *count < until; assert_true(i++ < 300000))
		nanosleep(&pause, NULL);
}

static void assert_canary(void)
{
	for (unsigned int i = 0; i < PAGE; i++)
		assert_int_equal(left.va[2 * PAGE + i], CANARY);
}

/* ---- the test ---- */

static void open_left(void)
{
	const char *args[8] = {
		"-device", "edu,addr=05.0,dma_mask=0xffffffffffffffff",
		"-device", "edu,addr=06.0,dma_mask=0xffffffffffffffff",
	};
	char iommu[64];
	void *mem;

	memset(&left, 0, sizeof(left));
	bench_iommu_args("03.0", iommu, args, 4);
	bench_start(&left.b, "aarch64", bench_iommu()->machine, args);
	assert_int_equal(weir_qtest_ops(left.b.qtest)->pages_alloc(left.b.qtest, BYTES, PAGE, &mem,
								   &left.pa), 0);
	left.va = mem;
	make_tree();
	bench_machine(&left.b);
	edu_open(&left.display, bench_named(&left.b, "0000:00:05.0"));
	edu_open(&left.rogue, bench_named(&left.b, "0000:00:06.0"));
	assert_true(shows(1));
	/* the rogue's lands, too: the test can fail */
	memset(left.va + 2 * PAGE, CANARY, PAGE);
	edu_dma(&left.b, &left.rogue, left.pa + 2 * PAGE, 64, true, false);
	assert_int_not_equal(left.va[2 * PAGE], CANARY);
	memset(left.va + 2 * PAGE, CANARY, PAGE);
}

static struct weir_module *load(void)
{
	struct weir_module *module;

	assert_int_equal(weir_module_load(left.b.m, bench_iommu()->entry, &module), 0);
	assert_int_equal(weir_settle(left.b.m), 0);
	return module;
}

static void close_left(void)
{
	left.stop = true;
	pthread_join(left.thread, NULL);
	edu_close(&left.display);
	edu_close(&left.rogue);
	weir_qtest_ops(left.b.qtest)->pages_free(left.b.qtest, left.va, left.pa, BYTES);
	bench_close(&left.b);
	free(left.dtb);
}

static void test_left_across_unload(void **state)
{
	bool keeps = bench_iommu()->machine; /* the SMMUv3 */
	struct weir_module *module;
	unsigned int lost;

	(void)state;
	open_left();
	assert_int_equal(pthread_create(&left.thread, NULL, run, NULL), 0);
	more(&left.shown, 5);
	module = load();
	left.fires = true;
	for (unsigned int round = 0; round < ROUNDS; round++) {
		lost = left.lost;
		more(&left.shown, 10);
		assert_true(keeps ? left.lost == 0 : left.lost <= lost + 1);
		assert_int_equal(weir_module_unload(module, WEIR_MODULE_FORCE), 0);
		more(keeps ? &left.shown : &left.lost, 10);
		more(&left.fired, 5);
		module = load();
	}
	more(&left.shown, 10);
	more(&left.fired, 5);
	assert_canary();
	if (keeps)
		assert_int_equal(left.lost, 0);
	printf("# shown %u times, lost %u; %u attempts of the rogue\n", left.shown, left.lost,
	       left.fired);
	close_left();
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_left_across_unload) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
