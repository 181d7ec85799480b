// SPDX-License-Identifier: MIT
/*
 * Virtio against a model in memory: both layouts of registers, with and without event
 * indices, and devices that lie.
 */
#include <stdlib.h>
#include <string.h>

#include "virtiomodel.h"

#define EVENT_IDX (1ull << 29)
#define ROOM 64u

struct bed {
	struct vmodel model;
	struct weir_virtio *v;
	struct weir_virtq *q;
	uint8_t *va; /* a page for requests */
	uint64_t pa;
	uint64_t features;
};

static void bed_up(struct bed *bed, bool pci, enum vmodel_mode mode)
{
	vmodel_init(&bed->model, pci);
	bed->model.mode = mode;
	vmodel_open(&bed->model);
	bed->va = vmodel_own(&bed->model, &bed->pa);
}

static void start(struct bed *bed, unsigned int size, uint64_t refused)
{
	assert_int_equal(vmodel_virtio(&bed->model, &bed->v), 0);
	assert_int_equal(weir_virtio_type(bed->v), 42);
	assert_int_equal(weir_virtio_negotiate(bed->v, 0, 0, refused, &bed->features), 0);
	assert_int_equal(weir_virtq_create(bed->v, 0, size, NULL, &bed->q), 0);
	assert_int_equal(weir_virtq_size(bed->q), size);
	assert_int_equal(weir_virtio_start(bed->v), 0);
}

static void bed_down(struct bed *bed)
{
	if (bed->v)
		weir_virtio_stop(bed->v);
	bed->q = weir_virtq_destroy(bed->q);
	bed->v = weir_virtio_close(bed->v);
	vmodel_close(&bed->model);
}

/* A request of slot @i: @nr pieces to read, as many to write, of 8 bytes each. */
static int add(struct bed *bed, unsigned int i, unsigned int nr)
{
	struct weir_virtq_segment segments[8];
	uint8_t *p = bed->va + i * (size_t)ROOM;

	for (unsigned int n = 0; n < 2 * nr; n++)
		segments[n] = (struct weir_virtq_segment){ bed->pa + i * ROOM + 8 * n, 8 };
	memset(p, (int)(0x10 + i), 8 * nr);
	memset(p + 8 * nr, 0, 8 * nr);
	return weir_virtq_add(bed->q, segments, nr, nr, p);
}

static void assert_answered(const uint8_t *p, unsigned int nr, uint32_t written)
{
	assert_int_equal(written, 8 * nr);
	for (unsigned int i = 0; i < 8 * nr; i++)
		assert_int_equal(p[8 * nr + i], (uint8_t)~p[i]);
}

/* ---- devices that behave ---- */

/* So many requests that the indices come round, one to four at a time. */
static void many(struct bed *bed)
{
	unsigned int sent = 0, back = 0;

	while (back < 70000) {
		unsigned int batch = 1 + sent % 4, got = 0;
		uint32_t written;
		void *token;

		for (unsigned int i = 0; i < batch; i++)
			assert_int_equal(add(bed, i, 1), 0);
		sent += batch;
		assert_int_equal(weir_virtq_kick(bed->q), 0);
		while (got < batch) {
			assert_int_equal(weir_virtq_wait(bed->q, 1000000), 0);
			while (!weir_virtq_get(bed->q, &token, &written)) {
				assert_answered(token, 1, written);
				got++;
			}
		}
		back += got;
		assert_int_equal(weir_virtq_room(bed->q), weir_virtq_size(bed->q));
	}
}

static void test_virtio_requests_come_back(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 4; i++) {
		for (enum vmodel_mode mode = VMODEL_HONEST; mode <= VMODEL_LAST_HONEST; mode++) {
			struct bed bed = { 0 };

			bed_up(&bed, i & 1, mode);
			start(&bed, 8, i & 2 ? EVENT_IDX : 0);
			assert_int_equal(bed.features & EVENT_IDX, i & 2 ? 0 : EVENT_IDX);
			many(&bed);
			bed_down(&bed);
		}
	}
}

static void test_virtio_room(void **state)
{
	struct bed bed = { 0 };
	uint32_t written;
	void *token;

	(void)state;
	bed_up(&bed, true, VMODEL_HONEST);
	start(&bed, 8, 0);
	assert_int_equal(add(&bed, 0, 3), 0); /* six descriptors */
	assert_int_equal(weir_virtq_room(bed.q), 2);
	assert_int_equal(add(&bed, 1, 2), WEIR_ENOSPC);
	assert_int_equal(add(&bed, 1, 1), 0);
	assert_int_equal(add(&bed, 2, 1), WEIR_ENOSPC);
	assert_int_equal(weir_virtq_get(bed.q, &token, &written), WEIR_EAGAIN);
	assert_int_equal(bed.model.notified, 0);
	assert_int_equal(weir_virtq_kick(bed.q), 0);
	assert_int_equal(weir_virtq_kick(bed.q), 0); /* nothing new */
	assert_int_equal(bed.model.notified, 1);
	assert_int_equal(weir_virtq_get(bed.q, &token, &written), 0);
	assert_answered(token, 3, written);
	assert_int_equal(weir_virtq_room(bed.q), 6);
	assert_int_equal(weir_virtq_get(bed.q, &token, NULL), 0);
	assert_answered(token, 1, 8);
	assert_int_equal(weir_virtq_get(bed.q, &token, &written), WEIR_EAGAIN);
	bed_down(&bed);
}

static void test_virtio_bad_requests(void **state)
{
	struct weir_virtq_segment segments[2] = { { 0x1000, 8 }, { 0x2000, 0 } };
	struct bed bed = { 0 };
	int token;

	(void)state;
	bed_up(&bed, false, VMODEL_HONEST);
	start(&bed, 8, 0);
	assert_int_equal(weir_virtq_add(bed.q, segments, 1, 0, NULL), WEIR_EINVAL);
	assert_int_equal(weir_virtq_add(bed.q, segments, 0, 0, &token), WEIR_EINVAL);
	assert_int_equal(weir_virtq_add(bed.q, segments, 1, 1, &token), WEIR_EINVAL);
	segments[0].bytes = segments[1].bytes = UINT32_MAX;
	assert_int_equal(weir_virtq_add(bed.q, segments, 0, 2, &token), WEIR_EINVAL);
	assert_int_equal(weir_virtq_room(bed.q), 8);
	bed_down(&bed);
}

static void on_irq(void *arg)
{
	unsigned int *n = arg;

	(*n)++;
}

/* Interrupts: one when asked for, none when not, whichever way they come. */
static void interrupts(bool pci, uint64_t refused)
{
	struct bed bed = { 0 };
	unsigned int n = 0;
	uint64_t features;
	void *token;

	bed_up(&bed, pci, VMODEL_HONEST);
	assert_int_equal(vmodel_virtio(&bed.model, &bed.v), 0);
	assert_int_equal(weir_virtio_negotiate(bed.v, 0, 0, refused, &features), 0);
	assert_int_equal(weir_virtio_irq_request(bed.v, on_irq, &n), 0);
	assert_int_equal(weir_virtq_create(bed.v, 0, 8, NULL, &bed.q), 0);
	assert_int_equal(weir_virtio_start(bed.v), 0);
	for (unsigned int i = 0; i < 20; i++) {
		assert_int_equal(weir_virtq_arm(bed.q), 0);
		assert_int_equal(add(&bed, 0, 1), 0);
		assert_int_equal(weir_virtq_kick(bed.q), 0);
		assert_int_equal(n, i + 1);
		assert_int_equal(weir_virtq_arm(bed.q), 1);
		assert_int_equal(weir_virtq_get(bed.q, &token, NULL), 0);
	}
	weir_virtq_disarm(bed.q);
	for (unsigned int i = 0; i < 20; i++) {
		assert_int_equal(add(&bed, 0, 1), 0);
		assert_int_equal(weir_virtq_kick(bed.q), 0);
		assert_int_equal(weir_virtq_get(bed.q, &token, NULL), 0);
	}
	assert_int_equal(n, 20);
	bed_down(&bed);
}

static void test_virtio_interrupts(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 4; i++)
		interrupts(i & 1, i & 2 ? EVENT_IDX : 0);
}

/* Memory given by the caller at an address of the caller's, as for devices behind IOMMUs. */
static void test_virtio_given_memory(void **state)
{
	struct weir_virtq_memory memory;
	struct bed bed = { 0 };
	uint32_t written;
	uint64_t features;
	void *token;

	(void)state;
	bed_up(&bed, true, VMODEL_HONEST);
	bed.model.offered |= WEIR_VIRTIO_ACCESS_PLATFORM;
	assert_int_equal(vmodel_virtio(&bed.model, &bed.v), 0);
	assert_int_equal(weir_virtio_negotiate(bed.v, 0, WEIR_VIRTIO_ACCESS_PLATFORM, 0, &features), 0);
	memory.bytes = weir_virtq_bytes(16);
	assert_int_equal(bed.model.ops.pages_alloc(&bed.model, memory.bytes, 4096, &memory.va,
						   &memory.address), 0);
	memory.bytes--;
	assert_int_equal(weir_virtq_create(bed.v, 0, 16, &memory, &bed.q), WEIR_EINVAL);
	memory.bytes++;
	assert_int_equal(weir_virtq_create(bed.v, 0, 12, &memory, &bed.q), WEIR_EINVAL);
	assert_int_equal(weir_virtq_create(bed.v, 2, 16, &memory, &bed.q), WEIR_ENOENT);
	assert_int_equal(weir_virtq_create(bed.v, 9, 16, &memory, &bed.q), WEIR_ENOENT);
	assert_int_equal(weir_virtq_create(bed.v, 0, 16, &memory, &bed.q), 0);
	assert_int_equal(weir_virtio_start(bed.v), 0);
	assert_int_equal(add(&bed, 0, 2), 0);
	assert_int_equal(weir_virtq_kick(bed.q), 0);
	assert_int_equal(weir_virtq_get(bed.q, &token, &written), 0);
	assert_answered(token, 2, written);
	assert_int_equal(weir_virtio_stop(bed.v), 0);
	bed.q = weir_virtq_destroy(bed.q);
	bed.model.ops.pages_free(&bed.model, memory.va, memory.address, memory.bytes);
	bed_down(&bed);
}

static void test_virtio_features(void **state)
{
	struct bed bed = { 0 };
	uint64_t features = 1;

	(void)state;
	bed_up(&bed, true, VMODEL_HONEST);
	bed.model.offered |= 0x5;
	assert_int_equal(vmodel_virtio(&bed.model, &bed.v), 0);
	assert_int_equal(bed.model.resets, 0); /* opening resets nothing */
	assert_int_equal(weir_virtio_negotiate(bed.v, 0, 0x8, 0, &features), WEIR_EOPNOTSUPP);
	assert_true(features == 1);
	assert_non_null(strstr(bed.model.log, "0000:00:03.0: it lacks features that are needed (0x8)"));
	assert_int_equal(weir_virtio_negotiate(bed.v, 0xf, 0x1, 0x4, &features), 0);
	assert_true(features == (0x1 | WEIR_VIRTIO_VERSION_1 | WEIR_VIRTIO_EVENT_IDX));
	assert_true(bed.model.accepted == features);
	bed.model.offered &= ~WEIR_VIRTIO_VERSION_1;
	assert_int_equal(weir_virtio_negotiate(bed.v, 0, 0, 0, &features), WEIR_EOPNOTSUPP);
	bed_down(&bed);
}

static void test_virtio_configuration(void **state)
{
	struct bed bed;
	uint64_t value;

	(void)state;
	for (unsigned int pci = 0; pci < 2; pci++) {
		memset(&bed, 0, sizeof(bed));
		bed_up(&bed, pci, VMODEL_HONEST);
		for (unsigned int i = 0; i < VMODEL_CONFIG; i++)
			bed.model.config[i] = (uint8_t)i;
		assert_int_equal(vmodel_virtio(&bed.model, &bed.v), 0);
		assert_int_equal(weir_virtio_config_read(bed.v, 8, 8, &value), 0);
		assert_true(value == 0x0f0e0d0c0b0a0908);
		assert_int_equal(weir_virtio_config_read(bed.v, 5, 1, &value), 0);
		assert_true(value == 5);
		assert_int_equal(weir_virtio_config_read(bed.v, 5, 2, &value), WEIR_EINVAL);
		assert_int_equal(weir_virtio_config_read(bed.v, 4, 3, &value), WEIR_EINVAL);
		assert_int_equal(weir_virtio_config_read(bed.v, 256, 4, &value), WEIR_EINVAL);
		assert_int_equal(weir_virtio_config_read(bed.v, 0xfffffffc, 8, &value), WEIR_EINVAL);
		assert_int_equal(weir_virtio_config_write(bed.v, 6, 2, 0xabcd), 0);
		assert_int_equal(bed.model.config[6], 0xcd);
		assert_int_equal(weir_virtio_config_write(bed.v, 8, 8, 0), WEIR_EINVAL);
		bed.model.mode = VMODEL_RESTLESS;
		assert_int_equal(weir_virtio_config_read(bed.v, 8, 4, &value), WEIR_EIO);
		assert_non_null(strstr(bed.model.log, "does not come to rest"));
		bed.model.mode = VMODEL_HONEST;
		bed_down(&bed);
	}
}

/* Stopped and set up again in the same memory; what was under way comes back by drop. */
static void test_virtio_restart(void **state)
{
	struct bed bed = { 0 };
	uint64_t features;
	uint32_t written;
	void *token;

	(void)state;
	bed_up(&bed, true, VMODEL_SILENT);
	start(&bed, 8, 0);
	assert_int_equal(add(&bed, 0, 1), 0);
	assert_int_equal(add(&bed, 1, 1), 0);
	assert_int_equal(weir_virtq_kick(bed.q), 0);
	assert_int_equal(weir_virtq_wait(bed.q, 1000000), WEIR_ETIMEDOUT);
	assert_int_equal(weir_virtio_negotiate(bed.v, 0, 0, 0, &features), WEIR_EBUSY);
	assert_int_equal(weir_virtio_stop(bed.v), 0);
	assert_false(weir_pci_is_master(vmodel_device(&bed.model)));
	assert_int_equal(weir_virtq_drop(bed.q, &token), 0);
	assert_int_equal(weir_virtq_drop(bed.q, &token), 0);
	assert_int_equal(weir_virtq_drop(bed.q, &token), WEIR_ENOENT);
	bed.model.mode = VMODEL_HONEST;
	assert_int_equal(weir_virtio_negotiate(bed.v, 0, 0, 0, &features), 0);
	assert_int_equal(weir_virtq_restart(bed.q), 0);
	assert_null(weir_virtq_fault(bed.q));
	assert_int_equal(weir_virtio_start(bed.v), 0);
	assert_true(weir_pci_is_master(vmodel_device(&bed.model)));
	assert_int_equal(add(&bed, 0, 1), 0);
	assert_int_equal(weir_virtq_kick(bed.q), 0);
	assert_int_equal(weir_virtq_get(bed.q, &token, &written), 0);
	assert_answered(token, 1, written);
	bed_down(&bed);
}

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
	start(&bed, 8, refused);
	for (unsigned int n = 0; n < 3; n++)
		assert_int_equal(add(&bed, n, 1), 0);
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
	assert_int_equal(add(&bed, 3, 1), WEIR_EIO);
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
		start(&bed, 8, how & 2 ? EVENT_IDX : 0);
		assert_int_equal(add(&bed, 0, 1), 0);
		assert_int_equal(weir_virtq_kick(bed.q), 0);
		assert_int_equal(add(&bed, 1, 1), 0); /* descriptors 2 and 3 */
		used = (uint32_t *)(void *)vmodel_memory(&bed.model, bed.model.queues[0].device, 12);
		used[1] = 2;
		used[2] = 8;
		used[0] = 1 << 16; /* one is back */
		assert_int_equal(weir_virtq_get(bed.q, &token, NULL), WEIR_EIO);
		assert_non_null(strstr(weir_virtq_fault(bed.q), "it returns request 2, which it does not have"));
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
		start(&bed, 8, 0);
		assert_int_equal(add(&bed, 0, 1), 0);
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
	start(&bed, 8, 0);
	for (unsigned int i = 0; i < 100; i++) {
		assert_int_equal(add(&bed, 0, 1 + i % 4), 0);
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
		start(&bed, 8, 0);
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
		err = weir_virtio_irq_request(bed->v, on_irq, &n);
	if (!err)
		err = weir_virtq_create(bed->v, 0, 8, NULL, &bed->q);
	if (!err)
		err = weir_virtio_start(bed->v);
	if (!err) {
		assert_int_equal(add(bed, 0, 1), 0);
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
		cmocka_unit_test(test_virtio_requests_come_back),
		cmocka_unit_test(test_virtio_room),
		cmocka_unit_test(test_virtio_bad_requests),
		cmocka_unit_test(test_virtio_interrupts),
		cmocka_unit_test(test_virtio_given_memory),
		cmocka_unit_test(test_virtio_features),
		cmocka_unit_test(test_virtio_configuration),
		cmocka_unit_test(test_virtio_restart),
		cmocka_unit_test(test_virtio_lies),
		cmocka_unit_test(test_virtio_unpublished),
		cmocka_unit_test(test_virtio_still_clock),
		cmocka_unit_test(test_virtio_still_reset),
		cmocka_unit_test(test_virtio_scribbling),
		cmocka_unit_test(test_virtio_setup_fails),
		cmocka_unit_test(test_virtio_lost),
		cmocka_unit_test(test_virtio_pci_capabilities),
		cmocka_unit_test(test_virtio_pci_alignment),
		cmocka_unit_test(test_virtio_mmio_places),
		cmocka_unit_test(test_virtio_sweep),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
