// SPDX-License-Identifier: MIT
/*
 * A device that does DMA without being asked: one edu, programmed by a thread of its own
 * past all drivers, fires at memory and at addresses of others as fast as it can, while the
 * IOMMU's driver is loaded, another edu is bound, does its work, changes domains, is unbound
 * and the driver is unloaded, again and again. Nothing of it may land.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "bench.h"

#define GOOD "0000:00:05.0"
#define ROGUE "0000:00:06.0"
#define ROUNDS 12u
#define PAGE 4096u
#define CANARY 0x5a
#define OTHER_IOVA UINT64_C(0x7e0000000000)

#define PCI_COMMAND 4u
#define PCI_COMMAND_MEMORY_MASTER 6u
#define EDU_DMA_FROM 0x80u
#define EDU_DMA_TO 0x88u
#define EDU_DMA_BYTES 0x90u
#define EDU_DMA_GO 0x98u
#define EDU_GO_FROM_DEVICE 3u
#define EDU_BUFFER 0x40000u

#define EDUS \
	"-device", "edu,addr=05.0,dma_mask=0xffffffffffffffff", \
	"-device", "edu,addr=06.0,dma_mask=0xffffffffffffffff"

struct rogue {
	struct bench *b;
	struct edu edu;
	pthread_t thread;
	_Atomic uint64_t aims[4];   /* addresses to fire at; 0: none */
	_Atomic bool master, stop;  /* switches its bus mastering on by itself */
	_Atomic unsigned int fired;
};

/* What the driver of the good one keeps; there is one at a time. */
struct good {
	struct bench *b;
	struct weir_device *dev;
	struct edu edu;
	void *va;
	uint64_t pa, iova;
};

/* ---- the rogue ---- */

static void fire(struct rogue *r, uint64_t address)
{
	const struct weir_mmio *mmio = &r->edu.mmio;

	if (r->master)
		weir_pci_write(r->edu.dev, PCI_COMMAND, 2, PCI_COMMAND_MEMORY_MASTER);
	weir_mmio_write64(mmio, EDU_DMA_FROM, EDU_BUFFER);
	weir_mmio_write64(mmio, EDU_DMA_TO, address);
	weir_mmio_write64(mmio, EDU_DMA_BYTES, 64);
	weir_mmio_write64(mmio, EDU_DMA_GO, EDU_GO_FROM_DEVICE);
	for (int n = 0; n < 1000 && (weir_mmio_read64(mmio, EDU_DMA_GO) & 1); n++)
		;
	r->fired++;
}

/* It lets others at QEMU in between: who holds a lock again and again keeps them away. */
static void *run_rogue(void *arg)
{
	const struct timespec pause = { .tv_nsec = 1000 };
	struct rogue *r = arg;

	for (unsigned int i = 0; !r->stop; i++) {
		if (r->aims[i % 4])
			fire(r, r->aims[i % 4]);
		nanosleep(&pause, NULL);
	}
	return NULL;
}

/* ---- the good one ---- */

static struct good good;

static int good_probe(struct weir_device *dev)
{
	const struct weir_host_ops *ops = weir_qtest_ops(good.b->qtest);
	int err;

	if (strcmp(weir_device_name(dev), GOOD) != 0)
		return WEIR_ENODEV;
	good.dev = dev;
	err = weir_dma_mask_set(dev, WEIR_DMA_MASK(64));
	if (!err)
		err = ops->pages_alloc(good.b->qtest, PAGE, PAGE, &good.va, &good.pa);
	if (err)
		return err;
	err = weir_dma_map_phys(dev, good.pa, PAGE, WEIR_DMA_BIDIRECTIONAL, &good.iova);
	if (err)
		return err;
	edu_open(&good.edu, dev);
	return 0;
}

static void good_remove(struct weir_device *dev)
{
	const struct weir_host_ops *ops = weir_qtest_ops(good.b->qtest);

	edu_close(&good.edu);
	assert_int_equal(weir_dma_unmap(dev, good.iova, PAGE, WEIR_DMA_BIDIRECTIONAL), 0);
	ops->pages_free(good.b->qtest, good.va, good.pa, PAGE);
	good.dev = NULL;
}

static const struct weir_driver_ops good_ops = {
	.abi = WEIR_ABI(struct weir_driver_ops), .probe = good_probe, .remove = good_remove,
};
static const struct weir_match good_match[] = { { .key = "pci:1234:11e8" }, { 0 } };
static const struct weir_driver good_driver = {
	.name = "good", .bus = "pci", .match = good_match, .ops = &good_ops,
};

/* What it reads at @iova comes back 1 KiB further on, and nothing else changes. */
static void work(uint64_t iova, unsigned int round)
{
	uint8_t *va = good.va;

	memset(va, 0, PAGE);
	for (unsigned int i = 0; i < 1024; i++)
		va[i] = (uint8_t)(i * 5 + round);
	edu_dma(good.b, &good.edu, iova, 1024, false, false);
	edu_dma(good.b, &good.edu, iova + 1024, 1024, true, false);
	assert_memory_equal(va, va + 1024, 1024);
	for (unsigned int i = 2048; i < PAGE; i++)
		assert_int_equal(va[i], 0);
}

/* The group does without its usual domain for a while. */
static void replace(struct weir_machine *m, unsigned int round)
{
	struct weir_domain *usual, *other;
	struct weir_group *group;

	assert_int_equal(weir_group_of(good.dev, &group), 0);
	usual = weir_domain_ref(weir_group_domain(group));
	assert_int_equal(weir_domain_type_get(usual), WEIR_DOMAIN_DMA);
	assert_int_equal(weir_domain_create(m, WEIR_DOMAIN_UNMANAGED, &other), 0);
	assert_int_equal(weir_domain_map(other, OTHER_IOVA, good.pa, PAGE,
					 WEIR_MAP_READ | WEIR_MAP_WRITE), 0);
	assert_int_equal(weir_group_attach(group, other), 0);
	work(OTHER_IOVA, round);
	assert_int_equal(weir_group_attach(group, usual), 0);
	work(good.iova, round + 1);
	weir_domain_unref(other);
	weir_domain_unref(usual);
}

/* ---- the test ---- */

static void assert_untouched(const uint8_t *canary)
{
	for (unsigned int i = 0; i < PAGE; i++)
		assert_int_equal(canary[i], CANARY);
}

/* Its group, which it got when the driver looked at it, is behind nothing. */
static void assert_blocked(struct weir_device *dev)
{
	struct weir_group *group;

	assert_int_equal(weir_group_of(dev, &group), 0);
	assert_int_equal(weir_domain_type_get(weir_group_domain(group)), WEIR_DOMAIN_BLOCKED);
}

static void round_of(struct bench *b, struct rogue *r, const uint8_t *canary, unsigned int round)
{
	struct weir_module *module;

	assert_int_equal(weir_module_load(b->m, bench_iommu()->entry, &module), 0);
	assert_int_equal(weir_settle(b->m), 0);
	r->master = true; /* from the first load on, whatever the library says */
	assert_int_equal(weir_driver_register(b->m, &good_driver), 0);
	assert_int_equal(weir_settle(b->m), 0);
	assert_non_null(good.dev);
	assert_true(weir_dma_is_translated(good.dev));
	assert_true(weir_device_group(good.dev) >= 0);
	assert_blocked(r->edu.dev);
	r->aims[2] = good.iova;
	r->aims[3] = OTHER_IOVA;
	for (unsigned int i = 0; i < 4; i++)
		work(good.iova, round + i);
	replace(b->m, round);
	/* where there are no interrupts a timer asks for faults, or we do */
	(void)bench_iommu()->poll(bench_iommu_device(b));
	assert_int_equal(weir_settle(b->m), 0);
	assert_untouched(canary);
	assert_int_equal(weir_driver_unregister(b->m, &good_driver), 0);
	assert_int_equal(weir_module_unload(module, 0), 0);
	assert_untouched(canary);
}

/* Who is said to have faulted. */
struct blame {
	const struct weir_device *iommu;
	unsigned int rogue, others, lost;
};

static void count_blame(void *context, const struct weir_event *event)
{
	struct blame *blame = context;

	if (event->type != WEIR_EVENT_FAULT)
		return;
	if (event->device && !strcmp(weir_device_name(event->device), ROGUE))
		blame->rogue++;
	else if (event->device == blame->iommu) /* faults were lost in the flood, it says */
		blame->lost++;
	else
		blame->others++;
}

static void test_rogue_never_lands(void **state)
{
	const struct weir_host_ops *ops;
	struct blame blame = { 0 };
	struct weir_trace trace = { .fn = count_blame, .context = &blame };
	const char *args[8] = { EDUS };
	struct rogue r = { 0 };
	struct bench b;
	char iommu[64];
	uint64_t pa;
	void *mem;

	(void)state;
	bench_iommu_args("03.0", iommu, args, 4);
	/* the bus does not wait for an IOMMU outside of it: the rogue stays where it is */
	bench_open(&b, "aarch64", bench_iommu()->machine, args);
	ops = weir_qtest_ops(b.qtest);
	assert_int_equal(ops->pages_alloc(b.qtest, PAGE, PAGE, &mem, &pa), 0);
	memset(mem, CANARY, PAGE);
	blame.iommu = bench_iommu_device(&b);
	good.b = r.b = &b;
	r.edu.dev = bench_named(&b, ROGUE);

	/* without an IOMMU's driver, and a bus master, it does land: the test can fail */
	edu_open(&r.edu, r.edu.dev);
	fire(&r, pa);
	assert_int_not_equal(((uint8_t *)mem)[0], CANARY);
	memset(mem, CANARY, PAGE);
	assert_int_equal(weir_pci_master(r.edu.dev, false), 0);
	fire(&r, pa);
	assert_untouched(mem);

	weir_trace_attach(b.m, &trace);
	r.aims[0] = pa;
	r.aims[1] = pa + 2048;
	assert_int_equal(pthread_create(&r.thread, NULL, run_rogue, &r), 0);
	for (unsigned int round = 0; round < ROUNDS || r.fired < 1500; round++)
		round_of(&b, &r, mem, round);
	r.stop = true;
	pthread_join(r.thread, NULL);
	assert_untouched(mem);
	weir_trace_detach(b.m, &trace);
	printf("# %u attempts, %u faults told of the rogue, %u of others, lost %u times\n", r.fired,
	       blame.rogue, blame.others, blame.lost);
	assert_true(blame.rogue > 0);
	assert_int_equal(blame.others, 0);
	weir_pci_write(r.edu.dev, PCI_COMMAND, 2, 2);
	edu_close(&r.edu);
	ops->pages_free(b.qtest, mem, pa, PAGE);
	bench_close(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rogue_never_lands) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
