// SPDX-License-Identifier: MIT
/*
 * examples/static-smmu on QEMU's SMMUv3: guests from a constant, with tables of their own, and edu's DMA
 * through them. There is no machine of the library: the test gives edu its addresses by hand.
 *
 * Stage 1 on every QEMU; stage 2 where its SMMUv3 has it, from 8.1 on.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "bench.h"
#include "static_smmu.h"

/* QEMU's "virt": what the board is. */
#define SMMU      0x09050000u
#define ECAM      UINT64_C(0x4010000000)
#define BARS      0x10000000u
#define RAM       UINT64_C(0x40000000)

#define MIB       (UINT64_C(1) << 20)
#define STREAM(slot) ((slot) << 3)
/* The guests' memory is at the start of RAM, and nowhere near that for their masters. */
#define IOVA      UINT64_C(0x7000000000)
#define READ_ONLY UINT64_C(0x7100000000)
#define FILL      0xee

#define MAX_EVENTS 64u

struct bed {
	struct bench b;
	const struct weir_host_ops *ops; /* QEMU's, not checked: for what is the test's own */
	struct static_smmu s;
	uintptr_t edu[8];                /* by slot */
	uint8_t *va;                     /* of the guests' memory */
	pthread_mutex_t mutex;           /* events may come on a thread of timers */
	struct weir_fault events[MAX_EVENTS];
	unsigned int nr_events;
};

static void on_event(void *arg, const struct weir_fault *fault)
{
	struct bed *bed = arg;

	pthread_mutex_lock(&bed->mutex);
	if (bed->nr_events < MAX_EVENTS)
		bed->events[bed->nr_events++] = *fault;
	pthread_mutex_unlock(&bed->mutex);
}

/* QEMU 7.2's SMMU keeps its stream table when it is left: memory that the checking host does not count. */
static int table_alloc(void *arg, size_t bytes, size_t align_bytes, void **out_va, uint64_t *out_pa)
{
	struct bed *bed = arg;

	return bed->ops->pages_alloc(bed->b.qtest, bytes, align_bytes, out_va, out_pa);
}

static void table_free(void *arg, void *va, uint64_t pa, size_t bytes)
{
	struct bed *bed = arg;

	bed->ops->pages_free(bed->b.qtest, va, pa, bytes);
}

/* ---- the board ---- */

static const uint32_t first_streams[] = { STREAM(4), STREAM(5) }, second_streams[] = { STREAM(6) };
static const struct static_window first[] = {
	{ IOVA, RAM, 2 * MIB, WEIR_MAP_READ | WEIR_MAP_WRITE },
};
static const struct static_window second[] = {
	{ IOVA, RAM + 2 * MIB, MIB, WEIR_MAP_READ | WEIR_MAP_WRITE },
	{ READ_ONLY, RAM + 3 * MIB, 64 << 10, WEIR_MAP_READ },
};
static const struct static_guest guests[] = {
	{ 1, first_streams, 2, first, 1 }, { 2, second_streams, 1, second, 2 },
};

#define BOARD(format) { \
	.smmu_pa = SMMU, .nr_lines = 2, .lines = { 74, 77 }, .stage = format, \
	.guests = guests, .nr_guests = 2, .event = on_event, \
	.table_alloc = table_alloc, .table_free = table_free, \
}
static const struct static_board stage1 = BOARD(WEIR_TABLE_ARM_S1);
static const struct static_board stage2 = BOARD(WEIR_TABLE_ARM_S2);

/* ---- edu, by hand ---- */

static void edu_place(struct bed *bed, unsigned int slot)
{
	const struct weir_host_ops *ops = bed->ops;
	uint64_t bar = BARS + slot * MIB;
	void *host = bed->b.qtest;
	uintptr_t function;

	assert_int_equal(ops->mmio_map(host, ECAM + (slot << 15), 4096, &function), 0);
	assert_int_equal(ops->mmio_read(host, function, 4), 0x11e81234);
	ops->mmio_write(host, function + 0x10, 4, bar);
	ops->mmio_write(host, function + 4, 2, 0x6); /* its memory, and bus mastering */
	ops->mmio_unmap(host, function, 4096);
	assert_int_equal(ops->mmio_map(host, bar, MIB, &bed->edu[slot]), 0);
}

/* 64 bytes between @iova and edu's buffer. */
static void transfer(struct bed *bed, unsigned int slot, uint64_t iova, bool from_device)
{
	const struct weir_host_ops *ops = bed->ops;
	uintptr_t edu = bed->edu[slot];
	void *host = bed->b.qtest;

	ops->mmio_write(host, edu + 0x80, 8, from_device ? 0x40000 : iova);
	ops->mmio_write(host, edu + 0x88, 8, from_device ? iova : 0x40000);
	ops->mmio_write(host, edu + 0x90, 8, 64);
	ops->mmio_write(host, edu + 0x98, 8, from_device ? 3 : 1);
	for (unsigned int n = 0; ops->mmio_read(host, edu + 0x98, 8) & 1; n++) {
		assert_true(n < 10000);
		ops->delay_ns(host, 100000);
	}
	if (bed->s.smmu)
		weir_smmu_v3_poll(bed->s.smmu);
}

/* ---- what is seen ---- */

static void bed_open(struct bed *bed, const char *const *more)
{
	static const char edu[] = "edu,dma_mask=0xffffffffffffffff,addr=0%u.0";
	const char *args[16];
	char text[4][64];
	unsigned int n = 0;
	uint64_t pa;
	void *va;

	memset(bed, 0, sizeof(*bed));
	pthread_mutex_init(&bed->mutex, NULL);
	for (unsigned int i = 0; i < 4; i++) {
		snprintf(text[i], sizeof(text[i]), edu, i + 4);
		args[n++] = "-device";
		args[n++] = text[i];
	}
	while (more && *more)
		args[n++] = *more++;
	args[n] = NULL;
	bench_start(&bed->b, "aarch64", "virt,iommu=smmuv3", args);
	bed->ops = weir_qtest_ops(bed->b.qtest);
	bed->b.host = testhost_create(bed->ops, bed->b.qtest);
	for (unsigned int slot = 4; slot < 8; slot++)
		edu_place(bed, slot);
	assert_int_equal(bed->ops->pages_alloc(bed->b.qtest, 4 * MIB, 4 * MIB, &va, &pa), 0);
	assert_int_equal(pa, RAM);
	bed->va = va;
}

static void bed_close(struct bed *bed)
{
	for (unsigned int slot = 4; slot < 8; slot++)
		bed->ops->mmio_unmap(bed->b.qtest, bed->edu[slot], MIB);
	bed->ops->pages_free(bed->b.qtest, bed->va, RAM, 4 * MIB);
	bench_close(&bed->b);
	pthread_mutex_destroy(&bed->mutex);
}

/* What is reported: all of that master, for an address of those 64. Then there is none. */
static void assert_events(struct bed *bed, uint32_t stream, enum weir_fault_reason reason, uint64_t iova)
{
	pthread_mutex_lock(&bed->mutex);
	assert_true(bed->nr_events > 0);
	for (unsigned int i = 0; i < bed->nr_events; i++) {
		assert_null(bed->events[i].what);
		assert_int_equal(bed->events[i].stream, stream);
		assert_int_equal(bed->events[i].reason, reason);
		if (!(bed->events[i].flags & WEIR_FAULT_NO_IOVA))
			assert_true(bed->events[i].iova - iova < 64);
	}
	bed->nr_events = 0;
	pthread_mutex_unlock(&bed->mutex);
}

/* The guests' memory as @slot finds it when it has read 64 bytes at @from and written them to @to. */
static bool lands(struct bed *bed, unsigned int slot, uint64_t from, uint64_t to, uint64_t pa)
{
	uint8_t sent[64], *at = bed->va + (pa - RAM);
	size_t n = 0;

	for (unsigned int i = 0; i < sizeof(sent); i++)
		sent[i] = (uint8_t)(((slot * 16 + i) & 0x3f) | 0x80);
	memset(bed->va, FILL, 4 * MIB);
	/* both guests' first pages have it, each in its own way */
	for (unsigned int i = 0; i < sizeof(sent); i++) {
		bed->va[i] = sent[i];
		bed->va[2 * MIB + i] = (uint8_t)~sent[i];
	}
	transfer(bed, slot, from, false);
	transfer(bed, slot, to, true);
	if (slot == 6)
		for (unsigned int i = 0; i < sizeof(sent); i++)
			sent[i] = (uint8_t)~sent[i];
	for (size_t i = 0; i < 4 * MIB; i++)
		n += bed->va[i] != FILL;
	if (n == 2 * sizeof(sent))
		return false;
	assert_int_equal(n, 3 * sizeof(sent));
	assert_memory_equal(at, sent, sizeof(sent));
	return true;
}

/* A write to @iova changes nothing, and is reported so. */
static void assert_refused(struct bed *bed, unsigned int slot, uint64_t iova,
			   enum weir_fault_reason reason)
{
	memset(bed->va, FILL, 4 * MIB);
	transfer(bed, slot, iova, true);
	for (size_t i = 0; i < 4 * MIB; i++)
		assert_int_equal(bed->va[i], FILL);
	if (bed->s.smmu)
		assert_events(bed, STREAM(slot), reason, iova);
}

static void story(struct bed *bed, const struct static_board *board)
{
	const uint64_t in = IOVA, out = IOVA + 0x81000;

	assert_int_equal(static_smmu_start(testhost_ops(bed->b.host), bed->b.host, board, bed,
					   &bed->s), 0);
	assert_true(lands(bed, 4, in, out, RAM + 0x81000));
	assert_true(lands(bed, 5, in, IOVA + 2 * MIB - 64, RAM + 2 * MIB - 64));
	assert_true(lands(bed, 6, in, out, RAM + 2 * MIB + 0x81000));
	assert_int_equal(bed->nr_events, 0);

	assert_refused(bed, 4, IOVA + 2 * MIB, WEIR_FAULT_UNMAPPED); /* behind its window */
	assert_refused(bed, 6, READ_ONLY, WEIR_FAULT_PERMISSION);
	assert_refused(bed, 5, READ_ONLY, WEIR_FAULT_UNMAPPED);      /* the other guest's */
	assert_refused(bed, 5, RAM, WEIR_FAULT_UNMAPPED);            /* untranslated */
	assert_refused(bed, 7, IOVA, WEIR_FAULT_BLOCKED);            /* nobody's master */

	/* What is taken away is gone, cached as it was; the rest is there. */
	assert_true(lands(bed, 6, in, IOVA + MIB - 64, RAM + 3 * MIB - 64));
	assert_int_equal(static_smmu_revoke(&bed->s, 1, IOVA + 0x80000, MIB - 0x80000), 0);
	assert_refused(bed, 6, IOVA + MIB - 64, WEIR_FAULT_UNMAPPED);
	assert_refused(bed, 6, out, WEIR_FAULT_UNMAPPED);
	assert_true(lands(bed, 6, in, IOVA + 0x7f000, RAM + 2 * MIB + 0x7f000));
	assert_true(lands(bed, 4, in, out, RAM + 0x81000));
	assert_int_equal(bed->nr_events, 0);

	static_smmu_stop(&bed->s);
	for (unsigned int slot = 4; slot < 8; slot++) {
		assert_refused(bed, slot, IOVA, WEIR_FAULT_BLOCKED);
		assert_refused(bed, slot, RAM, WEIR_FAULT_BLOCKED);
	}
}

/* ---- tests ---- */

static void test_static_smmu_stage1(void **state)
{
	struct bed bed;

	(void)state;
	bed_open(&bed, NULL);
	/* QEMU's SMMU starts switched off: the test can see what passes. */
	assert_true(lands(&bed, 7, RAM, RAM + 0x1000, RAM + 0x1000));
	/* The second time it is taken over as it was left. */
	story(&bed, &stage1);
	story(&bed, &stage1);
	bed_close(&bed);
}

static void test_static_smmu_stage2_from_qemu_8_1(void **state)
{
	static const char *const only_stage2[] = { "-global", "arm-smmuv3.stage=2", NULL };
	unsigned int version;
	struct bed bed;

	(void)state;
	bed_open(&bed, NULL);
	version = weir_qtest_version(bed.b.qtest);
	if (version < 80100) {
		/* It is refused, and nothing of it is left. */
		assert_int_equal(static_smmu_start(testhost_ops(bed.b.host), bed.b.host, &stage2,
						   &bed, &bed.s), WEIR_EOPNOTSUPP);
		assert_refused(&bed, 4, IOVA, WEIR_FAULT_BLOCKED);
		bed_close(&bed);
		fprintf(stderr, "# this QEMU's SMMUv3 has no stage 2: 8.1 or newer has\n");
		skip();
	}
	bed_close(&bed);
	/* From 9.2 on it has both without being asked, on a machine of that age. */
	bed_open(&bed, version < 90200 ? only_stage2 : NULL);
	assert_true(lands(&bed, 7, RAM, RAM + 0x1000, RAM + 0x1000));
	story(&bed, &stage2);
	story(&bed, &stage2);
	bed_close(&bed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_static_smmu_stage1),
		cmocka_unit_test(test_static_smmu_stage2_from_qemu_8_1),
	};

	return cmocka_run_group_tests_name("static_smmu", tests, NULL, NULL);
}
