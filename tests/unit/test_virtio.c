// SPDX-License-Identifier: MIT
/* Virtio against a model in memory that behaves: both layouts of registers, with and without event indices. */
#include "virtiobed.h"

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
			assert_int_equal(bed_add(bed, i, 1), 0);
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
			bed_start(&bed, 8, i & 2 ? EVENT_IDX : 0);
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
	bed_start(&bed, 8, 0);
	assert_int_equal(bed_add(&bed, 0, 3), 0); /* six descriptors */
	assert_int_equal(weir_virtq_room(bed.q), 2);
	assert_int_equal(bed_add(&bed, 1, 2), WEIR_ENOSPC);
	assert_int_equal(bed_add(&bed, 1, 1), 0);
	assert_int_equal(bed_add(&bed, 2, 1), WEIR_ENOSPC);
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
	bed_start(&bed, 8, 0);
	assert_int_equal(weir_virtq_add(bed.q, segments, 1, 0, NULL), WEIR_EINVAL);
	assert_int_equal(weir_virtq_add(bed.q, segments, 0, 0, &token), WEIR_EINVAL);
	assert_int_equal(weir_virtq_add(bed.q, segments, 1, 1, &token), WEIR_EINVAL);
	segments[0].bytes = segments[1].bytes = UINT32_MAX;
	assert_int_equal(weir_virtq_add(bed.q, segments, 0, 2, &token), WEIR_EINVAL);
	assert_int_equal(weir_virtq_room(bed.q), 8);
	bed_down(&bed);
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
	assert_int_equal(weir_virtio_irq_request(bed.v, bed_on_irq, &n), 0);
	assert_int_equal(weir_virtq_create(bed.v, 0, 8, NULL, &bed.q), 0);
	assert_int_equal(weir_virtio_start(bed.v), 0);
	for (unsigned int i = 0; i < 20; i++) {
		assert_int_equal(weir_virtq_arm(bed.q), 0);
		assert_int_equal(bed_add(&bed, 0, 1), 0);
		assert_int_equal(weir_virtq_kick(bed.q), 0);
		assert_int_equal(n, i + 1);
		assert_int_equal(pci ? 0 : bed.model.isr, 0); /* acknowledged */
		assert_int_equal(weir_virtq_arm(bed.q), 1);
		assert_int_equal(weir_virtq_get(bed.q, &token, NULL), 0);
	}
	weir_virtq_disarm(bed.q);
	for (unsigned int i = 0; i < 20; i++) {
		assert_int_equal(bed_add(&bed, 0, 1), 0);
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

/* A line that others have too: an interrupt that is not the device's is nobody's business here. */
static void test_virtio_shared_line(void **state)
{
	struct bed bed = { 0 };
	unsigned int n = 0;

	(void)state;
	bed_up(&bed, false, VMODEL_HONEST);
	bed_start(&bed, 8, 0);
	assert_int_equal(weir_virtio_irq_request(bed.v, bed_on_irq, &n), 0);
	bed.model.irq(bed.model.irq_arg);
	assert_int_equal(n, 0);
	bed.model.isr = 2; /* its configuration has changed */
	bed.model.irq(bed.model.irq_arg);
	assert_int_equal(n, 1);
	assert_int_equal(bed.model.isr, 0);
	bed.model.mode = VMODEL_GONE;
	bed.model.notified = 1;
	bed.model.irq(bed.model.irq_arg);
	assert_int_equal(n, 1);
	bed.model.mode = VMODEL_HONEST; /* for its reset to end */
	bed_down(&bed);
}

/* One that was not reset since: its memory is still another's. */
static void test_virtio_queue_is_on(void **state)
{
	(void)state;
	for (unsigned int pci = 0; pci < 2; pci++) {
		struct weir_virtq *second = NULL;
		struct bed bed = { 0 };
		uint64_t address;

		bed_up(&bed, pci, VMODEL_HONEST);
		assert_int_equal(vmodel_virtio(&bed.model, &bed.v), 0);
		assert_int_equal(weir_virtio_negotiate(bed.v, 0, 0, 0, &bed.features), 0);
		assert_int_equal(weir_virtq_create(bed.v, 0, 8, NULL, &bed.q), 0);
		address = bed.model.queues[0].desc;
		assert_int_equal(weir_virtq_create(bed.v, 0, 8, NULL, &second), WEIR_EBUSY);
		assert_null(second);
		assert_int_equal(weir_virtq_restart(bed.q), WEIR_EIO);
		assert_true(bed.model.queues[0].desc == address);
		bed_down(&bed);
	}
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
	assert_int_equal(bed_add(&bed, 0, 2), 0);
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
	bed_start(&bed, 8, 0);
	assert_int_equal(bed_add(&bed, 0, 1), 0);
	assert_int_equal(bed_add(&bed, 1, 1), 0);
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
	assert_int_equal(bed_add(&bed, 0, 1), 0);
	assert_int_equal(weir_virtq_kick(bed.q), 0);
	assert_int_equal(weir_virtq_get(bed.q, &token, &written), 0);
	assert_answered(token, 1, written);
	bed_down(&bed);
}

/* ---- the device says when it wants to be told ---- */

static void say(struct bed *bed, uint64_t offset, uint16_t value)
{
	uint8_t *at = vmodel_memory(&bed->model, bed->model.queues[0].device + offset, 2);

	assert_non_null(at);
	at[0] = (uint8_t)value;
	at[1] = (uint8_t)(value >> 8);
}

/* @n requests more, published at once. */
static void offer(struct bed *bed, unsigned int n, unsigned int notified)
{
	for (unsigned int i = 0; i < n; i++)
		assert_int_equal(bed_add(bed, i, 1), 0);
	assert_int_equal(weir_virtq_kick(bed->q), 0);
	assert_int_equal(bed->model.notified, notified);
}

/* It takes nothing, so that only the test says until when (Virtio 1.2, 2.7.10). */
static void notices_by_index(bool pci)
{
	const uint64_t avail_event = 4 + 8 * 64;
	struct bed bed = { 0 };

	bed_up(&bed, pci, VMODEL_SILENT);
	bed_start(&bed, 64, 0);
	offer(&bed, 1, 1); /* the one of index 0, as it was made */
	offer(&bed, 1, 1);
	offer(&bed, 3, 1);
	say(&bed, avail_event, 6);
	offer(&bed, 1, 1); /* index 5 */
	offer(&bed, 1, 2); /* index 6 */
	say(&bed, avail_event, 9);
	offer(&bed, 4, 3); /* 7 to 10 */
	say(&bed, avail_event, 10);
	offer(&bed, 2, 3);
	say(&bed, avail_event, 14);
	offer(&bed, 2, 4); /* 13 and 14: the last of them */
	bed_down(&bed);
}

static void notices_by_flag(bool pci)
{
	struct bed bed = { 0 };

	bed_up(&bed, pci, VMODEL_SILENT);
	bed_start(&bed, 64, EVENT_IDX);
	offer(&bed, 1, 1);
	offer(&bed, 2, 2);
	say(&bed, 0, 1);
	offer(&bed, 1, 2);
	say(&bed, 0, 0);
	offer(&bed, 1, 3);
	bed_down(&bed);
}

static void test_virtio_notices(void **state)
{
	(void)state;
	for (unsigned int pci = 0; pci < 2; pci++) {
		notices_by_index(pci);
		notices_by_flag(pci);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_virtio_requests_come_back),
		cmocka_unit_test(test_virtio_room),
		cmocka_unit_test(test_virtio_bad_requests),
		cmocka_unit_test(test_virtio_interrupts),
		cmocka_unit_test(test_virtio_shared_line),
		cmocka_unit_test(test_virtio_queue_is_on),
		cmocka_unit_test(test_virtio_notices),
		cmocka_unit_test(test_virtio_given_memory),
		cmocka_unit_test(test_virtio_features),
		cmocka_unit_test(test_virtio_configuration),
		cmocka_unit_test(test_virtio_restart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
