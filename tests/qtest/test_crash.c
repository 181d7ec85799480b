// SPDX-License-Identifier: MIT
/*
 * A process is killed in the middle of DMA, and another one takes over the QEMU that it used, as a
 * kernel does that comes after one that crashed: the SMMU translates, with tables in memory
 * of the dead; edu, nvme and e1000e are bus masters with addresses of buffers that nobody owns any
 * more. The second process has a part of RAM of its own. Two edus are fired throughout, past all
 * drivers, at the dead's mappings, at physical memory and at the new mappings; they switch their
 * bus mastering on by themselves. QEMU's SMMU has no GBPA, so it must stay on, all the time.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "clients.h"
#include "e1000e/e1000e.h"
#include "nvme/nvme.h"
#include "weir/arm_smmu_v3.h"

#define ROUNDS 3u
#define PAGE 4096u
#define HALF (64u << 20)
#define CANARY 0x5a
#define DEAD 0xa5
#define ECAM UINT64_C(0x4010000000)
#define SMMU UINT64_C(0x9050000)
#define SMMU_CR0 0x20u
#define SMMU_GBPA 0x44u /* from QEMU 8.0 on */
#define SMMU_STRTAB_BASE 0x80u
#define SMMU_STRTAB_CFG 0x88u

#define EDU_DMA_FROM 0x80u
#define EDU_DMA_TO 0x88u
#define EDU_DMA_BYTES 0x90u
#define EDU_DMA_GO 0x98u
#define EDU_GO_FROM_DEVICE 3u
#define EDU_BUFFER 0x40000u

/* What the first process tells before it is killed. */
struct last_words {
	uint64_t iova, pa; /* its edu's mapping */
};

#define ARGS \
	"-device", "nvme,serial=weir,drive=disk0,addr=04.0", \
	"-device", "edu,addr=05.0,dma_mask=0xffffffffffffffff", \
	"-device", "edu,addr=06.0,dma_mask=0xffffffffffffffff", \
	"-netdev", "user,id=net0,restrict=on", "-device", "e1000e,netdev=net0,addr=07.0"

static const struct bench_iommu smmu = {
	.module = "arm-smmu-v3", .entry = &weir_module_arm_smmu_v3, .machine = "virt,iommu=smmuv3",
	.node = "smmuv3@", .poll = weir_arm_smmu_v3_poll,
};

/* ---- the driver of edu 05.0, in both processes ---- */

static struct good {
	struct bench *b;
	struct weir_device *dev; /* while bound */
	struct edu edu;
	void *va;
	uint64_t pa, iova;
} good;

static int good_probe(struct weir_device *dev)
{
	const struct weir_host_ops *ops = weir_qtest_ops(good.b->qtest);
	int err = strcmp(weir_device_name(dev), "0000:00:05.0") ? WEIR_ENODEV : 0;

	if (!err)
		err = weir_dma_mask_set(dev, WEIR_DMA_MASK(64));
	if (!err)
		err = ops->pages_alloc(good.b->qtest, PAGE, PAGE, &good.va, &good.pa);
	if (!err)
		err = weir_dma_map_phys(dev, good.pa, PAGE, WEIR_DMA_BIDIRECTIONAL, &good.iova);
	if (err)
		return err;
	edu_open(&good.edu, dev);
	good.dev = dev;
	return 0;
}

static void good_remove(struct weir_device *dev)
{
	edu_close(&good.edu);
	if (good.iova)
		assert_int_equal(weir_dma_unmap(dev, good.iova, PAGE, WEIR_DMA_BIDIRECTIONAL), 0);
	weir_qtest_ops(good.b->qtest)->pages_free(good.b->qtest, good.va, good.pa, PAGE);
	good.dev = NULL;
}

static const struct weir_driver_ops good_ops = {
	.abi = WEIR_ABI(struct weir_driver_ops), .probe = good_probe, .remove = good_remove,
};
static const struct weir_match good_match[] = { { .key = "pci:1234:11e8" }, { 0 } };
static const struct weir_driver good_driver = {
	.name = "good", .bus = "pci", .match = good_match, .ops = &good_ops,
};

static void work(unsigned int n)
{
	uint8_t *va = good.va;

	memset(va, 0, PAGE);
	for (unsigned int i = 0; i < 1024; i++)
		va[i] = (uint8_t)(i * 5 + n);
	edu_dma(good.b, &good.edu, good.iova, 1024, false, false);
	edu_dma(good.b, &good.edu, good.iova + 1024, 1024, true, false);
	assert_memory_equal(va, va + 1024, 1024);
}

static struct weir_module *open_machine(struct bench *b)
{
	struct weir_module *module;

	good.b = b;
	bench_empty(b, weir_qtest_ops(b->qtest));
	b->iommu = &smmu;
	assert_int_equal(weir_module_load(b->m, &weir_module_arm_smmu_v3, &module), 0);
	bench_machine(b);
	return module;
}

/* ---- the first process ---- */

static void client(struct bench *b, const char *name, const char *test)
{
	struct weir_device *dev = bench_named(b, name);
	const struct weir_client_ops *ops = weir_client_of(dev);
	char report[WEIR_CLIENT_REPORT_BYTES];

	assert_non_null(ops);
	assert_int_equal(ops->dma_test(dev, test, report, sizeof(report)), 0);
}

/* Works until it is killed. */
static void live(struct bench *b, int tell)
{
	struct last_words words;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	weir_qtest_pages_within(b->qtest, 0, HALF);
	(void)open_machine(b);
	assert_int_equal(weir_driver_register(b->m, &good_driver), 0);
	assert_int_equal(weir_driver_register(b->m, &weir_nvme_driver), 0);
	assert_int_equal(weir_driver_register(b->m, &weir_e1000e_driver), 0);
	assert_int_equal(weir_settle(b->m), 0);
	assert_non_null(good.dev);
	for (unsigned int n = 0;; n++) {
		client(b, "0000:00:04.0", "quick");
		work(n);
		client(b, "0000:00:04.0", "start"); /* and leaves it in flight */
		client(b, "0000:00:07.0", "start");
		words = (struct last_words){ good.iova, good.pa };
		if (write(tell, &words, sizeof(words)) != (ssize_t)sizeof(words))
			_exit(1);
	}
}

/* Return: when it is dead. @times: it has told so often before. */
static void live_and_die(struct bench *b, unsigned int times, struct last_words *out_words)
{
	int tell[2], status;
	pid_t child;

	assert_int_equal(pipe(tell), 0);
	fflush(NULL);
	child = fork();
	if (!child) {
		close(tell[0]);
		live(b, tell[1]);
	}
	close(tell[1]);
	assert_true(child > 0);
	for (unsigned int i = 0; i < times; i++)
		assert_int_equal(read(tell[0], out_words, sizeof(*out_words)), sizeof(*out_words));
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	close(tell[0]);
}

/* ---- two edus that fire ---- */

struct rogue {
	const struct weir_host_ops *ops;
	struct weir_qtest *qtest;
	pthread_t thread;
	_Atomic uint64_t aims[2][4]; /* of edu 05.0, and 06.0; 0: none */
	_Atomic bool stop;
	_Atomic unsigned int rounds;
	_Atomic bool was_bypass;     /* SMMUEN was seen as 0, and nothing aborted then */
};

static void fire(struct rogue *r, unsigned int device, uint64_t address)
{
	uint64_t config = ECAM + ((uint64_t)device << 15), bar;

	bar = r->ops->mmio_read(r->qtest, config + 0x10, 4) & ~UINT64_C(15);
	r->ops->mmio_write(r->qtest, config + 4, 2, 6);
	r->ops->mmio_write(r->qtest, bar + EDU_DMA_FROM, 8, EDU_BUFFER);
	r->ops->mmio_write(r->qtest, bar + EDU_DMA_TO, 8, address);
	r->ops->mmio_write(r->qtest, bar + EDU_DMA_BYTES, 8, 64);
	r->ops->mmio_write(r->qtest, bar + EDU_DMA_GO, 8, EDU_GO_FROM_DEVICE);
	for (int n = 0; n < 2000 && (r->ops->mmio_read(r->qtest, bar + EDU_DMA_GO, 8) & 1); n++)
		;
}

static bool is_on(const struct rogue *r)
{
	return r->ops->mmio_read(r->qtest, SMMU + SMMU_CR0, 4) & 1;
}

/* Off, and it does not abort (6.3.15); not on again meanwhile. */
static bool is_bypass(const struct rogue *r)
{
	return !is_on(r) && !(r->ops->mmio_read(r->qtest, SMMU + SMMU_GBPA, 4) & 1 << 20) && !is_on(r);
}

static void *run_rogue(void *arg)
{
	const struct timespec pause = { .tv_nsec = 1000 };
	struct rogue *r = arg;

	for (unsigned int i = 0; !r->stop; i++) {
		for (unsigned int e = 0; e < 2; e++)
			if (r->aims[e][i % 4])
				fire(r, 5 + e, r->aims[e][i % 4]);
		if (is_bypass(r))
			r->was_bypass = true;
		r->rounds++;
		nanosleep(&pause, NULL);
	}
	return NULL;
}

/* Each aim was fired at @n times more. */
static void let_fire(struct rogue *r, unsigned int n)
{
	const struct timespec pause = { .tv_nsec = 100000 };

	for (unsigned int until = r->rounds + 4 * n + 4; r->rounds < until;)
		nanosleep(&pause, NULL);
}

/* ---- the second one ---- */

struct heir {
	struct bench b;
	struct rogue r;
	struct last_words words;
	uint8_t *ram, *copy;     /* the dead's half, as it was from some moment on */
	uint64_t ram_pa;
	uint64_t table_pa;       /* the stream table in use, which is in it */
	size_t table_bytes;
	uint8_t *canary;
	uint64_t canary_pa;
};

static void assert_canary(const struct heir *h)
{
	for (unsigned int i = 0; i < PAGE; i++)
		assert_int_equal(h->canary[i], CANARY);
}

/*
 * Of the dead's memory only the stream table may change, where it is the one in use: without GBPA.ABORT
 * there can be no other.
 */
static void assert_untouched(const struct heir *h)
{
	bool theirs = h->table_pa < h->ram_pa + HALF;
	size_t at = theirs ? h->table_pa - h->ram_pa : 0, end = theirs ? at + h->table_bytes : 0;

	assert_in_range(end, 0, HALF);
	assert_memory_equal(h->ram, h->copy, at);
	assert_memory_equal(h->ram + end, h->copy + end, HALF - end);
	assert_canary(h);
	assert_false(h->r.was_bypass);
}

/* The dead's mapping is in force: what is fired there lands, so the test can fail. */
static void assert_translates_still(struct heir *h)
{
	uint8_t *at = h->ram + (h->words.pa - h->ram_pa);

	memset(at, DEAD, PAGE);
	for (unsigned int n = 0; n < 1000 && at[128] == DEAD; n++) /* after what it does already */
		fire(&h->r, 5, h->words.iova + 128);
	assert_int_not_equal(at[128], DEAD);
	memset(at, DEAD, PAGE);
	fire(&h->r, 6, h->words.iova + 128); /* that was never attached */
	assert_int_equal(at[128], DEAD);
}

static void start_rogue(struct heir *h)
{
	struct rogue *r = &h->r;

	for (unsigned int e = 0; e < 2; e++) {
		r->aims[e][0] = h->words.iova;
		r->aims[e][1] = h->canary_pa;
		r->aims[e][2] = h->words.pa;
		r->aims[e][3] = h->canary_pa + 2048;
	}
	assert_int_equal(pthread_create(&r->thread, NULL, run_rogue, r), 0);
	let_fire(r, 5);
	assert_canary(h);
}

/*
 * What nvme had read before is in QEMU's hands, with addresses that were translated then: it
 * ends now. What comes later is translated later.
 */
static void drain(struct heir *h)
{
	assert_int_equal(weir_qtest_qmp(h->b.qtest, "{\"execute\": \"stop\"}", NULL), 0);
	assert_int_equal(weir_qtest_qmp(h->b.qtest, "{\"execute\": \"cont\"}", NULL), 0);
}

static void remember(struct heir *h)
{
	const struct weir_host_ops *ops = h->r.ops;
	uint32_t cfg = (uint32_t)ops->mmio_read(h->b.qtest, SMMU + SMMU_STRTAB_CFG, 4);

	assert_int_equal(cfg >> 16, 1); /* two levels */
	h->table_pa = ops->mmio_read(h->b.qtest, SMMU + SMMU_STRTAB_BASE, 8) & 0xfffffffffffc0;
	h->table_bytes = (size_t)8 << ((cfg & 63) - (cfg >> 6 & 31));
	memcpy(h->copy, h->ram, HALF);
}

/* Its own mapping works; taken away, it does not land any more, by its own device either. */
static void use_and_unmap(struct heir *h)
{
	uint64_t iova;
	uint8_t *va;

	for (unsigned int e = 0; e < 4; e++)
		h->r.aims[0][e] = 0; /* its registers are the driver's now */
	let_fire(&h->r, 1);
	assert_int_equal(weir_driver_register(h->b.m, &good_driver), 0);
	assert_int_equal(weir_settle(h->b.m), 0);
	assert_non_null(good.dev);
	assert_true(weir_dma_is_translated(good.dev));
	h->r.aims[1][3] = good.iova;
	for (unsigned int n = 0; n < 5; n++)
		work(n);
	va = good.va;
	iova = good.iova;
	good.iova = 0;
	assert_int_equal(weir_dma_unmap(good.dev, iova, PAGE, WEIR_DMA_BIDIRECTIONAL), 0);
	memset(va, CANARY, PAGE);
	for (unsigned int n = 0; n < 20; n++)
		edu_dma(&h->b, &good.edu, iova + n * 64, 64, true, false);
	let_fire(&h->r, 5);
	assert_memory_equal(va, h->canary, PAGE);
	assert_int_equal(weir_driver_unregister(h->b.m, &good_driver), 0);
}

static void take_over(struct heir *h)
{
	struct weir_module *module = open_machine(&h->b);

	struct weir_device *dev;
	struct weir_bus *bus;

	assert_int_equal(weir_bus_find(h->b.m, "platform", &bus), 0);
	assert_int_equal(weir_device_find(bus, "9050000.smmuv3", &dev), 0);
	assert_int_equal(weir_device_status_get(dev), WEIR_DEVICE_BOUND);
	drain(h);
	remember(h);
	let_fire(&h->r, 20);
	assert_untouched(h);
	use_and_unmap(h);
	assert_untouched(h);
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(weir_module_unload(module, WEIR_MODULE_FORCE), 0);
		let_fire(&h->r, 20);
		assert_untouched(h);
		assert_int_equal(weir_module_load(h->b.m, &weir_module_arm_smmu_v3, &module), 0);
		assert_int_equal(weir_settle(h->b.m), 0);
		let_fire(&h->r, 10);
		assert_untouched(h);
	}
}

/* With a disk that is memory of this process. Return: its descriptor. */
static int start(struct bench *b)
{
	int fd = memfd_create("disk", MFD_CLOEXEC);
	char disk[128];
	const char *const args[] = { "-blockdev", disk, ARGS, NULL };

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, 64 << 20), 0);
	snprintf(disk, sizeof(disk), "driver=file,node-name=disk0,locking=off,filename=/proc/%d/fd/%d",
		 (int)getpid(), fd);
	bench_start_inherited(b, "aarch64", smmu.machine, args);
	return fd;
}

static void crash(unsigned int round)
{
	char error[WEIR_QTEST_ERROR_BYTES];
	int disk;
	size_t bytes;
	struct heir h;
	void *mem;

	memset(&h, 0, sizeof(h));
	memset(&good, 0, sizeof(good));
	disk = start(&h.b);
	live_and_die(&h.b, 1 + round, &h.words);
	if (weir_qtest_inherit(h.b.qtest, error))
		fail_msg("%s", error);
	weir_qtest_pages_within(h.b.qtest, HALF, HALF);
	memset(&good, 0, sizeof(good));
	h.r.ops = weir_qtest_ops(h.b.qtest);
	h.r.qtest = h.b.qtest;
	h.ram = weir_qtest_ram(h.b.qtest, &h.ram_pa, &bytes);
	assert_int_equal(bytes, 2 * HALF);
	h.copy = malloc(HALF);
	assert_non_null(h.copy);
	assert_int_equal(h.r.ops->pages_alloc(h.b.qtest, PAGE, PAGE, &mem, &h.canary_pa), 0);
	h.canary = mem;
	memset(h.canary, CANARY, PAGE);
	assert_translates_still(&h);
	start_rogue(&h);
	take_over(&h);
	h.r.stop = true;
	pthread_join(h.r.thread, NULL);
	printf("# killed after %u rounds, fired at %u times\n", 1 + round, h.r.rounds);
	h.r.ops->pages_free(h.b.qtest, mem, h.canary_pa, PAGE);
	bench_close(&h.b);
	close(disk);
	free(h.copy);
}

static void test_crash_taken_over(void **state)
{
	(void)state;
	for (unsigned int round = 0; round < ROUNDS; round++)
		crash(round);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_crash_taken_over) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
