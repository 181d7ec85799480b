// SPDX-License-Identifier: MIT
/*
 * The hostile SMMUv3 itself: registers and queues. Each thing that it holds against a
 * driver is shown twice: a sequence that is wrong is caught, with some seed, and the one that is
 * right passes with all. Sections are those of Arm IHI 0070.
 */
#include <stdio.h>

#include "smmurig.h"

#define SEEDS 40u

/* ---- registers ---- */

static void test_smmuv3_model_acknowledges(void **state)
{
	struct smmu3_config config;
	unsigned int late = 0;
	struct rig r;

	(void)state;
	smmu3_config_usual(&config);
	for (config.seed = 1; config.seed <= SEEDS; config.seed++) {
		rig_init(&r, &config);
		assert_int_equal(rig_read(&r, 0x00), config.idr[0]);
		assert_int_equal(rig_read(&r, 0x14), config.idr[5]);
		rig_write64(&r, 0x90, r.cmdq_pa | 6);
		rig_write(&r, 0x20, 8);
		late += rig_read(&r, 0x24) == 0;
		assert_true(rig_poll(&r, 0x24, 8, 8));
		rig_close(&r);
	}
	assert_true(late > 0 && late < SEEDS);
}

static bool base_while_enabled(uint64_t seed, bool wrong)
{
	struct rig r;

	rig_open(&r, seed);
	if (!wrong)
		rig_cr0(&r, 0xc);
	rig_write64(&r, 0x80, r.ste_pa);
	rig_write(&r, 0x88, 6);
	return rig_close_with(&r, SMMU3_BAD_REGISTER);
}

static bool cr0_twice(uint64_t seed, bool wrong)
{
	struct smmu3_config config;
	struct rig r;

	smmu3_config_usual(&config);
	config.seed = seed;
	rig_init(&r, &config);
	rig_write64(&r, 0x90, r.cmdq_pa | 6);
	rig_write(&r, 0x20, 8);
	if (!wrong)
		assert_true(rig_poll(&r, 0x24, 8, 8));
	rig_write(&r, 0x20, 0);
	return rig_close_with(&r, SMMU3_BAD_REGISTER);
}

static bool gerrorn_without_error(uint64_t seed, bool wrong)
{
	struct rig r;

	rig_open(&r, seed);
	rig_write(&r, 0x64, wrong ? 4 : rig_read(&r, 0x60));
	return rig_close_with(&r, SMMU3_BAD_REGISTER);
}

static bool gbpa_without_update(uint64_t seed, bool wrong)
{
	struct smmu3_config config;
	struct rig r;

	smmu3_config_usual(&config);
	config.seed = seed;
	rig_init(&r, &config);
	rig_write(&r, 0x44, wrong ? 1u << 20 : 1u << 20 | 1u << 31);
	assert_true(rig_poll(&r, 0x44, 1u << 31, 0));
	assert_int_equal(rig_read(&r, 0x44), wrong ? 0 : 1u << 20);
	return rig_close_with(&r, SMMU3_BAD_REGISTER);
}

static bool event_registers_of_page_0(uint64_t seed, bool wrong)
{
	struct rig r;

	rig_open(&r, seed);
	rig_write(&r, wrong ? 0xac : 0x100ac, 0);
	return rig_close_with(&r, SMMU3_BAD_REGISTER);
}

/* IDR1.CMDQS is 8. */
static bool queue_larger_than_there_is(uint64_t seed, bool wrong)
{
	struct smmu3_config config;
	struct rig r;

	smmu3_config_usual(&config);
	config.seed = seed;
	rig_init(&r, &config);
	rig_write64(&r, 0x90, r.cmdq_pa | (wrong ? 9 : 8));
	return rig_close_with(&r, SMMU3_BAD_REGISTER);
}

static void test_smmuv3_model_register_rules(void **state)
{
	(void)state;
	rig_both_ways(base_while_enabled, SEEDS);
	rig_both_ways(cr0_twice, SEEDS);
	rig_both_ways(gerrorn_without_error, SEEDS);
	rig_both_ways(gbpa_without_update, SEEDS);
	rig_both_ways(event_registers_of_page_0, SEEDS);
	rig_both_ways(queue_larger_than_there_is, SEEDS);
}

/* SMMUEN is 0: GBPA decides (6.3.14). Without ABORT, DMA lands where the test did not allow it. */
static bool bypass_before_enable(uint64_t seed, bool wrong)
{
	struct smmu3_config config;
	struct rig r;

	smmu3_config_usual(&config);
	config.seed = seed;
	rig_init(&r, &config);
	if (!wrong)
		rig_gbpa(&r, true);
	smmu3_rogue(r.s, RIG_SID, r.cmdq_pa, SMMU3_WRITE);
	hwhost_points(r.h, 50);
	return rig_close_with(&r, SMMU3_STRAY);
}

static bool disable_without_abort(uint64_t seed, bool wrong)
{
	struct rig r;

	rig_open(&r, seed);
	smmu3_rogue(r.s, RIG_SID, r.cmdq_pa, SMMU3_READ);
	if (wrong)
		rig_gbpa(&r, false);
	rig_cr0(&r, 0xc);
	hwhost_points(r.h, 20);
	return rig_close_with(&r, SMMU3_STRAY);
}

/* After reset caches hold anything until they are invalidated (3.11). */
static bool enable_uninitialised(uint64_t seed, bool wrong)
{
	struct smmu3_config config;
	struct rig r;

	smmu3_config_usual(&config);
	config.seed = seed;
	rig_init(&r, &config);
	rig_gbpa(&r, true);
	rig_queues(&r);
	if (!wrong)
		rig_invalidate_all(&r);
	rig_cr0(&r, 0xd);
	smmu3_rogue(r.s, RIG_SID, 0, SMMU3_READ | SMMU3_QUIET);
	hwhost_points(r.h, 20);
	return rig_close_with(&r, SMMU3_UNINITIALISED);
}

static bool enable_tlb_uninitialised(uint64_t seed, bool wrong)
{
	struct smmu3_config config;
	struct rig_s1 s1;
	struct rig r;

	smmu3_config_usual(&config);
	config.seed = seed;
	rig_init(&r, &config);
	rig_queues(&r);
	rig_command(&r, 0x04, 0x1f);
	if (!wrong)
		rig_command(&r, 0x30, 0);
	assert_true(rig_sync(&r));
	rig_cr0(&r, 0xd);
	rig_attach_s1(&r, RIG_SID, 1, &s1);
	smmu3_rogue(r.s, RIG_SID, 0, SMMU3_READ | SMMU3_QUIET);
	hwhost_points(r.h, 20);
	return rig_close_with(&r, SMMU3_UNINITIALISED);
}

static void test_smmuv3_model_enable_and_disable(void **state)
{
	(void)state;
	rig_both_ways(bypass_before_enable, SEEDS);
	rig_both_ways(disable_without_abort, SEEDS);
	rig_both_ways(enable_uninitialised, SEEDS);
	rig_both_ways(enable_tlb_uninitialised, SEEDS);
}

static bool touched_without_power(uint64_t seed, bool wrong)
{
	struct rig r;

	rig_open(&r, seed);
	if (wrong) {
		smmu3_power(r.s, false);
		assert_int_equal(rig_read(&r, 0x20), 0xffffffff);
	}
	rig_write(&r, 0x50, 0);
	return rig_close_with(&r, SMMU3_OFF);
}

/* All is lost with power: registers, and what was invalidated. */
static bool power_back(uint64_t seed, bool wrong)
{
	struct rig r;

	rig_open(&r, seed);
	smmu3_power(r.s, false);
	assert_int_equal(rig_touch(&r, RIG_SID, 0x1000, true), SMMU3_ABORTED);
	smmu3_power(r.s, true);
	assert_int_equal(rig_read(&r, 0x20), 0);
	rig_gbpa(&r, true);
	rig_queues(&r);
	if (!wrong)
		rig_invalidate_all(&r);
	rig_cr0(&r, 0xd);
	rig_touch(&r, RIG_SID, 0x1000, true);
	/* What nobody invalidated lets everything pass: the access strayed, too. */
	return smmu3_findings(r.s, SMMU3_UNINITIALISED) ? smmu3_findings_take(r.s) && (rig_close(&r), true)
							: (rig_close(&r), false);
}

static void test_smmuv3_model_power(void **state)
{
	(void)state;
	rig_both_ways(touched_without_power, 4);
	rig_both_ways(power_back, SEEDS);
}

/* ---- command queue ---- */

static void test_smmuv3_model_command_error(void **state)
{
	uint32_t gerror;
	struct rig r;

	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		rig_open(&r, seed);
		rig_command(&r, 0xff, 0);
		assert_false(rig_sync(&r));
		gerror = rig_read(&r, 0x60);
		assert_int_equal(gerror & 1, 1);
		assert_int_equal(rig_read(&r, 0x9c) >> 24, 1);
		/* What stopped it is replaced and acknowledged: it goes on (7.1). */
		r.cmdq[2 * ((r.prod + 126) % RIG_ENTRIES)] = 0x46;
		rig_barrier(&r);
		rig_write(&r, 0x64, gerror);
		assert_true(rig_poll(&r, 0x9c, 0xfffff, r.prod));
		assert_int_equal(rig_close_with(&r, SMMU3_BAD_COMMAND), 1);
	}
}

/* The queue's memory cannot be read: CERROR_ABT. */
static void test_smmuv3_model_command_abort(void **state)
{
	struct smmu3_config config;
	struct rig r;

	(void)state;
	smmu3_config_usual(&config);
	rig_init(&r, &config);
	rig_write64(&r, 0x90, 0x40000000000 | 6);
	rig_cr0(&r, 0x8);
	rig_write(&r, 0x98, 1);
	assert_true(rig_poll(&r, 0x60, 1, 1));
	assert_int_equal(rig_read(&r, 0x9c) >> 24, 2);
	rig_close(&r);
}

static bool overrun(uint64_t seed, bool wrong)
{
	struct rig r;

	rig_open(&r, seed);
	smmu3_misbehave(r.s, SMMU3_CMDQ_STUCK, 1);
	for (unsigned int i = 0; i < RIG_ENTRIES + wrong; i++)
		rig_command(&r, 0x46, 0);
	return rig_close_with(&r, SMMU3_BAD_COMMAND);
}

static bool index_outside(uint64_t seed, bool wrong)
{
	struct rig r;

	rig_open(&r, seed);
	rig_write(&r, 0x98, r.prod | (wrong ? 0x100 : 0));
	return rig_close_with(&r, SMMU3_BAD_REGISTER);
}

static bool reserved_bits(uint64_t seed, bool wrong)
{
	struct rig r;

	rig_open(&r, seed);
	rig_command(&r, 0x30 | (wrong ? 1ull << 40 : 0), 0);
	rig_sync(&r);
	return rig_close_with(&r, SMMU3_BAD_COMMAND);
}

/* The command is stored after PROD is written: what was there before is taken for it. */
static bool prod_before_command(uint64_t seed, bool wrong)
{
	struct rig r;
	uint32_t i;

	rig_open(&r, seed);
	i = r.prod;
	r.prod++;
	if (wrong)
		rig_write(&r, 0x98, r.prod);
	hwhost_points(r.h, 8);
	r.cmdq[2 * i] = 0x30;
	r.cmdq[2 * i + 1] = 0;
	rig_barrier(&r);
	if (!wrong)
		rig_write(&r, 0x98, r.prod);
	rig_sync(&r);
	return rig_close_with(&r, SMMU3_BAD_COMMAND);
}

static void test_smmuv3_model_command_rules(void **state)
{
	(void)state;
	rig_both_ways(overrun, 4);
	rig_both_ways(index_outside, 4);
	rig_both_ways(reserved_bits, 4);
	rig_both_ways(prod_before_command, SEEDS);
}

/* CMD_SYNC tells by interrupt, too. */
static void count(void *arg)
{
	(*(unsigned int *)arg)++;
}

static void test_smmuv3_model_interrupts(void **state)
{
	unsigned int events = 0, syncs = 0, errors = 0;
	struct weir_irq *irqs[3];
	struct rig r;

	(void)state;
	rig_open(&r, 7);
	assert_int_equal(r.ops->irq_request(r.h, RIG_LINE, count, &events, &irqs[0]), 0);
	assert_int_equal(r.ops->irq_request(r.h, RIG_LINE + 1, count, &syncs, &irqs[1]), 0);
	assert_int_equal(r.ops->irq_request(r.h, RIG_LINE + 2, count, &errors, &irqs[2]), 0);
	rig_command(&r, 0x46 | 1 << 12, 0);
	hwhost_points(r.h, 50);
	assert_int_equal(syncs, 1);
	rig_touch(&r, RIG_SID, 0x1000, true);
	hwhost_points(r.h, 50);
	assert_int_equal(events, 1);
	smmu3_misbehave(r.s, SMMU3_IRQ_LOST, 1);
	rig_command(&r, 0x46 | 1 << 12, 0);
	hwhost_points(r.h, 50);
	assert_int_equal(syncs, 1);
	smmu3_misbehave(r.s, SMMU3_IRQ_LOST, 0);
	smmu3_misbehave(r.s, SMMU3_GERROR_STORM, 3);
	for (unsigned int i = 0; i < 5; i++) {
		hwhost_points(r.h, 50);
		rig_write(&r, 0x64, rig_read(&r, 0x60));
	}
	assert_int_equal(errors, 3);
	for (unsigned int i = 0; i < 3; i++)
		r.ops->irq_free(r.h, irqs[i]);
	rig_close(&r);
}

/* ---- event queue ---- */

static void wait_event(struct rig *r, uint32_t prod)
{
	assert_true(rig_poll(r, 0x100a8, 0x7fffffff, prod));
}

/* V is 0: C_BAD_STE; beyond the table: C_BAD_STREAMID; no page: F_TRANSLATION with all its fields. */
static void test_smmuv3_model_event_records(void **state)
{
	struct rig_s1 s1;
	struct rig r;

	(void)state;
	rig_open(&r, 3);
	assert_int_equal(rig_touch(&r, RIG_SID, 0x1234, true), SMMU3_ABORTED);
	wait_event(&r, 1);
	assert_true(r.evtq[0] == (0x04 | (uint64_t)RIG_SID << 32));
	assert_int_equal(rig_touch(&r, 0x1000, 0x1234, true), SMMU3_ABORTED);
	wait_event(&r, 2);
	assert_true(r.evtq[4] == (0x02 | 0x1000ull << 32));
	rig_attach_s1(&r, RIG_SID, 9, &s1);
	assert_int_equal(rig_touch(&r, RIG_SID, 0x1234, true), SMMU3_ABORTED);
	wait_event(&r, 3);
	assert_true(r.evtq[8] == (0x10 | (uint64_t)RIG_SID << 32));
	assert_true(r.evtq[9] == 2ull << 40);
	assert_true(r.evtq[10] == 0x1234);
	/* A page that may only be read: F_PERMISSION, of a write; a read lands. */
	rig_set(&r, s1.root, 0, 0x5000, 3, S1_PAGE(rig_buffer(&r, 4096)) | 1 << 7);
	assert_int_equal(rig_touch(&r, RIG_SID, 0x5008, true), SMMU3_ABORTED);
	assert_int_equal(rig_touch(&r, RIG_SID, 0x5008, false), SMMU3_LANDED);
	wait_event(&r, 4);
	assert_true(r.evtq[12] == (0x13 | (uint64_t)RIG_SID << 32));
	/* No access flag: F_ACCESS, of a read. Too large an address: F_ADDR_SIZE. */
	rig_set(&r, s1.root, 0, 0x6000, 3, S1_PAGE(rig_buffer(&r, 4096)) & ~0x400ull);
	rig_set(&r, s1.root, 0, 0x7000, 3, S1_PAGE(0) | 1ull << 50);
	assert_int_equal(rig_touch(&r, RIG_SID, 0x6000, false), SMMU3_ABORTED);
	assert_int_equal(rig_touch(&r, RIG_SID, 0x7000, false), SMMU3_ABORTED);
	wait_event(&r, 6);
	assert_true(r.evtq[16] == (0x12 | (uint64_t)RIG_SID << 32));
	assert_true(r.evtq[17] == (2ull << 40 | 1ull << 35));
	assert_true(r.evtq[20] == (0x11 | (uint64_t)RIG_SID << 32));
	rig_close(&r);
}

/* More events than there is room: OVFLG, until it is acknowledged (7.4). */
static void test_smmuv3_model_event_overflow(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r, 5);
	for (unsigned int i = 0; i < RIG_EVENTS + 3; i++) {
		rig_touch(&r, RIG_SID, 0x1000, true);
		hwhost_points(r.h, 10);
	}
	assert_int_equal(rig_read(&r, 0x100a8), RIG_EVENTS | 1u << 31);
	rig_write(&r, 0x100ac, RIG_EVENTS | 1u << 31);
	rig_touch(&r, RIG_SID, 0x1000, true);
	wait_event(&r, RIG_EVENTS + 1);
	rig_close(&r);
}

/* ---- on request ---- */

static void test_smmuv3_model_mischief(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r, 11);
	smmu3_misbehave(r.s, SMMU3_CMDQ_STUCK, 1);
	assert_false(rig_sync(&r));
	smmu3_misbehave(r.s, SMMU3_CMDQ_STUCK, 0);
	assert_true(rig_sync(&r));
	smmu3_misbehave(r.s, SMMU3_SYNC_STUCK, 1);
	assert_false(rig_sync(&r));
	smmu3_misbehave(r.s, SMMU3_SYNC_STUCK, 0);
	smmu3_misbehave(r.s, SMMU3_SYNC_LATE, 200);
	assert_true(rig_sync(&r));
	smmu3_misbehave(r.s, SMMU3_SYNC_LATE, 0);
	smmu3_misbehave(r.s, SMMU3_CMDQ_WILD, 1);
	assert_int_equal(rig_read(&r, 0x9c), 0xfffff);
	smmu3_misbehave(r.s, SMMU3_CMDQ_WILD, 0);
	smmu3_misbehave(r.s, SMMU3_EVENTQ_WILD, 1);
	assert_int_equal(rig_read(&r, 0x100a8), 0xfffff);
	smmu3_misbehave(r.s, SMMU3_EVENTQ_WILD, 0);
	smmu3_misbehave(r.s, SMMU3_EVENT_UNKNOWN, 2);
	wait_event(&r, 2);
	assert_int_equal(r.evtq[0] & 0xff, 0xee);
	smmu3_misbehave(r.s, SMMU3_ACK_STUCK, 1);
	rig_write(&r, 0x20, 0xc);
	assert_false(rig_poll(&r, 0x24, 1, 0));
	smmu3_misbehave(r.s, SMMU3_ACK_STUCK, 0);
	assert_true(rig_poll(&r, 0x24, 1, 0));
	smmu3_misbehave(r.s, SMMU3_GBPA_STUCK, 1);
	rig_write(&r, 0x44, 1u << 31);
	assert_false(rig_poll(&r, 0x44, 1u << 31, 0));
	smmu3_misbehave(r.s, SMMU3_DEAD, 1);
	assert_int_equal(rig_read(&r, 0x9c), 0xffffffff);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_smmuv3_model_acknowledges),
		cmocka_unit_test(test_smmuv3_model_register_rules),
		cmocka_unit_test(test_smmuv3_model_enable_and_disable),
		cmocka_unit_test(test_smmuv3_model_power),
		cmocka_unit_test(test_smmuv3_model_command_error),
		cmocka_unit_test(test_smmuv3_model_command_abort),
		cmocka_unit_test(test_smmuv3_model_command_rules),
		cmocka_unit_test(test_smmuv3_model_interrupts),
		cmocka_unit_test(test_smmuv3_model_event_records),
		cmocka_unit_test(test_smmuv3_model_event_overflow),
		cmocka_unit_test(test_smmuv3_model_mischief),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
