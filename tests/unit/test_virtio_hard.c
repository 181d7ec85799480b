// SPDX-License-Identifier: MIT
/* Virtio against a model in memory that lies, is stuck or is no virtio device, and a host that fails. */
#include <stdlib.h>

#include "virtiobed.h"

/* ---- devices that do not ---- */

static const struct {
	enum vmodel_mode mode;
	const char *words;
	int err; /* of the wait, or else of the second get */
} lies[] = {
	{ VMODEL_SILENT, "nothing came back of 3 requests", WEIR_ETIMEDOUT },
	{ VMODEL_USED_JUMPS, "it says that", WEIR_EIO },
	{ VMODEL_USED_BACK, "it says that", WEIR_EIO },
	{ VMODEL_ID_TOO_LARGE, "it returns request 8, which it does not have", WEIR_EIO },
	{ VMODEL_ID_TWICE, "it returns request 0, which it does not have", WEIR_EIO },
	{ VMODEL_ID_INSIDE, "which it does not have", WEIR_EIO },
	{ VMODEL_TOO_LONG, "it says it wrote 9 bytes into 8", WEIR_EIO },
	{ VMODEL_GONE, "gone or needs a reset", WEIR_EIO },
	{ VMODEL_NEEDS_RESET, "gone or needs a reset", WEIR_EIO },
};

static void lie(unsigned int i, bool pci, uint64_t refused)
{
	struct bed bed = { 0 };
	void *token;
	int err;

	bed_up(&bed, pci, lies[i].mode);
	bed_start(&bed, 8, refused);
	for (unsigned int n = 0; n < 3; n++)
		assert_int_equal(bed_add(&bed, n, 1), 0);
	assert_int_equal(weir_virtq_kick(bed.q), 0);
	err = weir_virtq_wait(bed.q, 5000000);
	while (!err)
		err = weir_virtq_get(bed.q, &token, NULL);
	assert_int_equal(err, lies[i].err);
	/* It is in quarantine, which was said once, with the name. */
	assert_non_null(weir_virtq_fault(bed.q));
	assert_non_null(strstr(weir_virtq_fault(bed.q), lies[i].words));
	assert_non_null(strstr(bed.model.log, pci ? "0000:00:03.0: queue 0 is in quarantine: "
						  : "vmodel: queue 0 is in quarantine: "));
	bed.model.log[0] = '\0';
	assert_int_equal(bed_add(&bed, 3, 1), WEIR_EIO);
	assert_int_equal(weir_virtq_kick(bed.q), WEIR_EIO);
	assert_int_equal(weir_virtq_get(bed.q, &token, NULL), WEIR_EIO);
	assert_int_equal(weir_virtq_wait(bed.q, 5000000), WEIR_EIO);
	assert_int_equal(weir_virtq_arm(bed.q), WEIR_EIO);
	assert_string_equal(bed.model.log, "");
	if (lies[i].mode == VMODEL_GONE)
		bed.model.mode = VMODEL_HONEST; /* for its reset to end */
	bed_down(&bed);
}

static void test_virtio_lies(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < sizeof(lies) / sizeof(lies[0]); i++)
		for (unsigned int how = 0; how < 4; how++)
			lie(i, how & 1, how & 2 ? EVENT_IDX : 0);
}

/* It returns a request that it was not told of yet, which lies in its memory all the same. */
static void test_virtio_unpublished(void **state)
{
	(void)state;
	for (unsigned int how = 0; how < 4; how++) {
		struct bed bed = { 0 };
		uint32_t *used;
		void *token;

		bed_up(&bed, how & 1, VMODEL_SILENT);
		bed_start(&bed, 8, how & 2 ? EVENT_IDX : 0);
		assert_int_equal(bed_add(&bed, 0, 1), 0);
		assert_int_equal(weir_virtq_kick(bed.q), 0);
		assert_int_equal(bed_add(&bed, 1, 1), 0); /* descriptors 2 and 3 */
		used = (uint32_t *)(void *)vmodel_memory(&bed.model, bed.model.queues[0].device, 12);
		used[1] = 2;
		used[2] = 8;
		used[0] = 1 << 16; /* one is back */
		assert_int_equal(weir_virtq_get(bed.q, &token, NULL), WEIR_EIO);
		assert_non_null(strstr(weir_virtq_fault(bed.q), "it returns request 2, which it does not have"));
		bed_down(&bed);
	}
}

/* What it was not told of does not count among what it can have done. */
static void test_virtio_more_than_published(void **state)
{
	(void)state;
	for (unsigned int how = 0; how < 4; how++) {
		struct bed bed = { 0 };
		uint32_t *used;
		void *token;

		bed_up(&bed, how & 1, VMODEL_SILENT);
		bed_start(&bed, 8, how & 2 ? EVENT_IDX : 0);
		assert_int_equal(bed_add(&bed, 0, 1), 0);
		assert_int_equal(weir_virtq_kick(bed.q), 0);
		assert_int_equal(bed_add(&bed, 1, 1), 0);
		used = (uint32_t *)(void *)vmodel_memory(&bed.model, bed.model.queues[0].device, 12);
		used[1] = 0;
		used[2] = 8;
		used[0] = 2 << 16; /* two are back, of one */
		assert_int_equal(weir_virtq_get(bed.q, &token, NULL), WEIR_EIO);
		assert_non_null(strstr(weir_virtq_fault(bed.q), "that 2 requests are done, and has 1"));
		bed_down(&bed);
	}
}

/* A host whose clock stands still: the wait ends all the same. */
static void test_virtio_still_clock(void **state)
{
	(void)state;
	for (unsigned int pci = 0; pci < 2; pci++) {
		struct bed bed = { 0 };

		bed_up(&bed, pci, VMODEL_SILENT);
		bed_start(&bed, 8, 0);
		assert_int_equal(bed_add(&bed, 0, 1), 0);
		assert_int_equal(weir_virtq_kick(bed.q), 0);
		bed.model.still = true;
		assert_int_equal(weir_virtq_wait(bed.q, 5000000), WEIR_ETIMEDOUT);
		assert_non_null(strstr(weir_virtq_fault(bed.q), "nothing came back of 1 requests"));
		bed_down(&bed);
	}
}

/* Likewise a reset that does not end. */
static void test_virtio_still_reset(void **state)
{
	(void)state;
	for (unsigned int pci = 0; pci < 2; pci++) {
		struct bed bed = { 0 };

		bed_up(&bed, pci, VMODEL_RESET_STUCK);
		assert_int_equal(vmodel_virtio(&bed.model, &bed.v), 0);
		bed.model.still = true;
		assert_int_equal(weir_virtio_negotiate(bed.v, 0, 0, 0, &bed.features),
				 WEIR_ETIMEDOUT);
		bed_down(&bed);
	}
}

/* What a device does to descriptors is not believed. */
static void test_virtio_scribbling(void **state)
{
	struct bed bed = { 0 };
	uint32_t written;
	void *token;

	(void)state;
	bed_up(&bed, true, VMODEL_SCRIBBLES);
	bed_start(&bed, 8, 0);
	for (unsigned int i = 0; i < 100; i++) {
		assert_int_equal(bed_add(&bed, 0, 1 + i % 4), 0);
		assert_int_equal(weir_virtq_kick(bed.q), 0);
		assert_int_equal(weir_virtq_get(bed.q, &token, &written), 0);
		assert_answered(token, 1 + i % 4, written);
		assert_int_equal(weir_virtq_room(bed.q), 8);
	}
	bed_down(&bed);
}

static void test_virtio_setup_fails(void **state)
{
	static const struct {
		enum vmodel_mode mode;
		int negotiate, create, start;
	} cases[] = {
		{ VMODEL_FEATURES_REFUSED, WEIR_EOPNOTSUPP, 0, 0 },
		{ VMODEL_QUEUE_STUCK, 0, WEIR_EIO, 0 },
		{ VMODEL_NO_START, 0, 0, WEIR_EIO },
		{ VMODEL_RESET_STUCK, WEIR_ETIMEDOUT, 0, 0 },
	};
	uint64_t features;

	(void)state;
	for (unsigned int i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
		struct bed bed = { 0 };

		bed_up(&bed, i & 1, cases[i / 2].mode);
		assert_int_equal(vmodel_virtio(&bed.model, &bed.v), 0);
		assert_int_equal(weir_virtio_negotiate(bed.v, 0, 0, 0, &features),
				 cases[i / 2].negotiate);
		if (!cases[i / 2].negotiate)
			assert_int_equal(weir_virtq_create(bed.v, 0, 8, NULL, &bed.q),
					 cases[i / 2].create);
		if (!cases[i / 2].negotiate && !cases[i / 2].create)
			assert_int_equal(weir_virtio_start(bed.v), cases[i / 2].start);
		assert_true(bed.model.log[0]);
		bed.model.mode = VMODEL_HONEST;
		bed_down(&bed);
	}
}

/* A device over MMIO that may still do DMA keeps its memory; a PCI function is cut off. */
static void test_virtio_lost(void **state)
{
	(void)state;
	for (unsigned int pci = 0; pci < 2; pci++) {
		struct bed bed = { 0 };
		uint64_t address;

		bed_up(&bed, pci, VMODEL_HONEST);
		bed_start(&bed, 8, 0);
		address = bed.model.queues[0].desc;
		bed.model.mode = VMODEL_RESET_STUCK;
		assert_int_equal(weir_virtio_stop(bed.v), WEIR_ETIMEDOUT);
		assert_int_equal(weir_virtio_lost(bed.v), !pci);
		bed.q = weir_virtq_destroy(bed.q);
		assert_int_equal(vmodel_memory(&bed.model, address, 1) != NULL, !pci);
		bed.model.mode = VMODEL_HONEST;
		if (!pci) {
			const struct weir_host_ops *ops = testhost_ops(bed.model.host);

			assert_non_null(strstr(bed.model.log, "memory that it may still write is kept"));
			ops->pages_free(bed.model.host, vmodel_memory(&bed.model, address, 1),
					address, 4096);
		}
		bed_down(&bed);
	}
}

/* ---- what is no such device ---- */

/* A bed takes megabytes, and these are inlined many times over: not on the stack. */
static struct bed *new_bed(bool pci)
{
	struct bed *bed = calloc(1, sizeof(*bed));

	assert_non_null(bed);
	bed_up(bed, pci, VMODEL_HONEST);
	return bed;
}

static int open_with(unsigned int offset, unsigned int width, uint32_t value, const char *words)
{
	struct bed *bed = new_bed(true);
	int err;

	/* The capabilities are at 0x40 (common), 0x50 (notify), 0x64 (ISR), 0x74 (device). */
	pcimodel_set(&bed->model.space, bed->model.fn, offset, width, value, 0);
	err = weir_virtio_open(vmodel_device(&bed->model), &bed->v);
	if (words)
		assert_non_null(strstr(bed->model.log, words));
	bed_down(bed);
	free(bed);
	return err;
}

static void test_virtio_pci_capabilities(void **state)
{
	(void)state;
	assert_int_equal(open_with(0x42, 1, 16, NULL), 0);
	assert_int_equal(open_with(0x42, 1, 12, "legacy"), WEIR_ENODEV);
	assert_int_equal(open_with(0x43, 1, 9, "legacy"), WEIR_ENODEV);
	assert_int_equal(open_with(0x44, 1, 6, "legacy"), WEIR_ENODEV);
	assert_int_equal(open_with(0x44, 1, 1, "legacy"), WEIR_ENODEV);
	assert_int_equal(open_with(0x48, 4, 0x7ff0, "legacy"), WEIR_ENODEV);
	assert_int_equal(open_with(0x48, 4, 2, "legacy"), WEIR_ENODEV);
	assert_int_equal(open_with(0x48, 4, 0xfffffff0, "legacy"), WEIR_ENODEV);
	assert_int_equal(open_with(0x4c, 4, 0x37, "legacy"), WEIR_ENODEV);
	assert_int_equal(open_with(0x4c, 4, 0xffffffff, "legacy"), WEIR_ENODEV);
	assert_int_equal(open_with(0x52, 1, 16, "not where it says"), WEIR_EIO);
	assert_int_equal(open_with(0x60, 4, 3, "odd addresses"), WEIR_EIO);
	assert_int_equal(open_with(0x67, 1, 5, "not where it says"), WEIR_EIO);
	assert_int_equal(open_with(0x77, 1, 5, NULL), 0);
}

/* Four bytes for the common part and the device's, two for notifications, any for the ISR (4.1.4). */
static void test_virtio_pci_alignment(void **state)
{
	(void)state;
	assert_int_equal(open_with(0x48, 4, 0x1002, "legacy"), WEIR_ENODEV);
	assert_int_equal(open_with(0x58, 4, 0x3001, "not where it says"), WEIR_EIO);
	assert_int_equal(open_with(0x58, 4, 0x3002, NULL), 0);
	assert_int_equal(open_with(0x6c, 4, 0x3003, NULL), 0);
}

/* Queue 1's notification at one multiple, of two bytes, in a window of so many. */
static int queue_with(uint32_t bytes, uint32_t multiplier)
{
	struct bed *bed = new_bed(true);
	int err;

	pcimodel_set(&bed->model.space, bed->model.fn, 0x5c, 4, bytes, 0);
	pcimodel_set(&bed->model.space, bed->model.fn, 0x60, 4, multiplier, 0);
	assert_int_equal(vmodel_virtio(&bed->model, &bed->v), 0);
	assert_int_equal(weir_virtio_negotiate(bed->v, 0, 0, 0, &bed->features), 0);
	err = weir_virtq_create(bed->v, 1, 8, NULL, &bed->q);
	if (err)
		assert_non_null(strstr(bed->model.log, "queue 1 is notified outside of its registers"));
	bed_down(bed);
	free(bed);
	return err;
}

static void test_virtio_pci_notification(void **state)
{
	(void)state;
	assert_int_equal(queue_with(0x100, 0xfe), 0);
	assert_int_equal(queue_with(0x100, 0x100), WEIR_EIO);
	assert_int_equal(queue_with(0xff, 0xfe), WEIR_EIO); /* half of it */
	assert_int_equal(queue_with(2, 0), 0);              /* all at one place */
	assert_int_equal(queue_with(2, 2), WEIR_EIO);
	assert_int_equal(queue_with(0x100, 0xfffffffe), WEIR_EIO);
}

static int mmio_open_as(uint64_t bytes, uint32_t type, const char *words)
{
	struct bed *bed = new_bed(false);
	int err;

	bed->model.type = type;
	err = weir_virtio_open_mmio(bed->model.m, "place", VMODEL_MMIO, bytes, 7, &bed->v);
	if (words)
		assert_non_null(strstr(bed->model.log, words));
	bed_down(bed);
	free(bed);
	return err;
}

static void test_virtio_mmio_places(void **state)
{
	(void)state;
	assert_int_equal(mmio_open_as(0x200, 42, NULL), 0);
	assert_int_equal(mmio_open_as(0x200, 0, ""), WEIR_ENODEV); /* an empty place, no word of it */
	assert_int_equal(mmio_open_as(0xff, 42, "too few"), WEIR_EIO);
	assert_int_equal(mmio_open_as(0x300, 42, "cannot be reached"), WEIR_EINVAL);
}

/* ---- when calls of the host fail ---- */

static void scenario(struct testhost *t, void *arg)
{
	struct bed *bed = arg;
	uint64_t features;
	unsigned int n = 0;
	void *token;
	int err = vmodel_up(&bed->model, t);

	if (!err)
		err = vmodel_virtio(&bed->model, &bed->v);
	if (!err)
		err = weir_virtio_negotiate(bed->v, 0, 0, 0, &features);
	if (!err)
		err = weir_virtio_irq_request(bed->v, bed_on_irq, &n);
	if (!err)
		err = weir_virtq_create(bed->v, 0, 8, NULL, &bed->q);
	if (!err)
		err = weir_virtio_start(bed->v);
	if (!err) {
		assert_int_equal(bed_add(bed, 0, 1), 0);
		assert_int_equal(weir_virtq_kick(bed->q), 0);
		assert_int_equal(n, 1);
		assert_int_equal(weir_virtq_get(bed->q, &token, NULL), 0);
		assert_answered(token, 1, 8);
		weir_virtio_stop(bed->v);
	}
	assert_int_equal(err != 0, testhost_fault_hit(t));
	bed->q = weir_virtq_destroy(bed->q);
	bed->v = weir_virtio_close(bed->v);
	vmodel_down(&bed->model);
}

static void sweep(bool pci)
{
	struct bed bed = { 0 };
	unsigned long runs;

	vmodel_init(&bed.model, pci);
	bed.va = vmodel_own(&bed.model, &bed.pa);
	runs = testhost_sweep(&bed.model.ops, &bed.model, scenario, &bed);
	assert_true(runs > 5);
}

static void test_virtio_sweep(void **state)
{
	(void)state;
	sweep(false);
	sweep(true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_virtio_lies),
		cmocka_unit_test(test_virtio_unpublished),
		cmocka_unit_test(test_virtio_more_than_published),
		cmocka_unit_test(test_virtio_still_clock),
		cmocka_unit_test(test_virtio_still_reset),
		cmocka_unit_test(test_virtio_scribbling),
		cmocka_unit_test(test_virtio_setup_fails),
		cmocka_unit_test(test_virtio_lost),
		cmocka_unit_test(test_virtio_pci_capabilities),
		cmocka_unit_test(test_virtio_pci_alignment),
		cmocka_unit_test(test_virtio_pci_notification),
		cmocka_unit_test(test_virtio_mmio_places),
		cmocka_unit_test(test_virtio_sweep),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
