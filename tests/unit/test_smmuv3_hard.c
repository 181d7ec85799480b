// SPDX-License-Identifier: MIT
/*
 * The hardware layer of the SMMUv3 driver on the hostile model, when the hardware misbehaves, loses its
 * power, runs already, or is there twice.
 */
#include "smmuv3bed.h"

/* ---- hardware that misbehaves ---- */

/* In quarantine: everything fails at once, it can be taken away, and works again after a reset. */
static void quarantined(struct bed *bed, struct weir_smmu_v3_domain *domain, const char *words)
{
	const struct weir_invalidation what = { .iova = IOVA, .bytes = 4096 };

	assert_true(bed->nr_told >= 1);
	if (!strstr(bed->told, words))
		fail_msg("\"%s\" is not in \"%s\"", words, bed->told);
	assert_int_equal(weir_smmu_v3_invalidate(domain, &what), WEIR_EIO);
	assert_int_equal(weir_smmu_v3_sync(domain), WEIR_EIO);
	assert_int_equal(weir_smmu_v3_attach(bed->smmu, OTHER, domain), WEIR_EIO);
	assert_int_equal(weir_smmu_v3_attach(bed->smmu, SID, NULL), WEIR_EIO);
}

static void misbehaves(enum smmu3_mischief what, const char *words)
{
	struct weir_smmu_v3_domain *domain;
	struct table table;
	struct bed bed;
	uint64_t a;

	bed_open(&bed, 3);
	a = buffer(&bed, 1);
	table_init(&table, &bed, false);
	table_set(&table, IOVA, a);
	domain = domain_of(&bed, &table);
	assert_int_equal(weir_smmu_v3_attach(bed.smmu, SID, domain), 0);
	smmu3_misbehave(bed.s, what, 1000000);
	assert_int_equal(weir_smmu_v3_attach(bed.smmu, OTHER, domain), WEIR_EIO);
	assert_int_equal(touch(&bed, OTHER, IOVA), SMMU3_ABORTED);
	quarantined(&bed, domain, words);
	smmu3_misbehave(bed.s, what, 0);
	weir_smmu_v3_suspend(bed.smmu);
	assert_int_equal(touch(&bed, SID, IOVA), SMMU3_ABORTED);
	assert_int_equal(weir_smmu_v3_resume(bed.smmu), 0);
	assert_int_equal(touch(&bed, SID, IOVA), SMMU3_ABORTED);
	assert_int_equal(weir_smmu_v3_attach(bed.smmu, SID, domain), 0);
	assert_int_equal(touch(&bed, SID, IOVA), SMMU3_LANDED);
	assert_int_equal(weir_smmu_v3_attach(bed.smmu, SID, NULL), 0);
	weir_smmu_v3_domain_destroy(domain);
	table_fini(&table);
	buffer_free(&bed, a);
	bed_close(&bed);
}

static void test_smmuv3_hard_command_queue_stuck(void **state)
{
	(void)state;
	misbehaves(SMMU3_CMDQ_STUCK, "does not advance");
	misbehaves(SMMU3_SYNC_STUCK, "does not advance");
}

static void test_smmuv3_hard_command_index_wild(void **state)
{
	(void)state;
	misbehaves(SMMU3_CMDQ_WILD, "makes no sense");
	misbehaves(SMMU3_DEAD, "makes no sense");
}

/* Commands fail that every SMMU has, also those that stand for what failed. */
static void test_smmuv3_hard_no_command_works(void **state)
{
	(void)state;
	misbehaves(SMMU3_COMMAND_FAILS, "was");
}

static void one_fails(struct bed *bed)
{
	smmu3_misbehave(bed->s, SMMU3_COMMAND_FAILS, 1);
}

/*
 * A command that fails, whichever, is made up for before anybody goes on: what was unmapped, detached
 * or replaced is not reached any more. Rogues fire throughout.
 */
static void commands_fail(unsigned int seed, bool coherent)
{
	const struct weir_invalidation many = { .iova = 0x200000, .bytes = 16 * 4096, .page_bytes = 4096 };
	struct weir_smmu_v3_domain *one, *two;
	struct table first, second;
	struct smmu3_config config;
	struct bed bed;
	uint64_t a, b;

	smmu3_config_usual(&config);
	config.seed = seed;
	if (!coherent)
		config.idr[0] &= ~SMMU3_IDR0_COHACC;
	if (seed % 3 == 0) { /* the queue is full again and again */
		config.idr[1] = SMMU3_IDR1(16, 0, 7, 3);
		config.idr[3] &= ~SMMU3_IDR3_RIL;
	}
	bed_init(&bed, &config);
	assert_int_equal(bed_create(&bed), 0);
	a = buffer(&bed, 1);
	b = buffer(&bed, 1);
	table_init(&first, &bed, seed % 2);
	table_init(&second, &bed, seed % 2);
	table_set(&second, IOVA, b);
	one = domain_of(&bed, &first);
	two = domain_of(&bed, &second);
	smmu3_rogue(bed.s, SID, in(&first, IOVA), SMMU3_WRITE);
	for (unsigned int i = 0; i < 12; i++) {
		hwram_allow(bed.h->ram, a, 4096, 1, 1);
		hwram_allow(bed.h->ram, b, 4096, 1, 1);
		table_set(&first, IOVA, a);
		one_fails(&bed);
		assert_int_equal(weir_smmu_v3_attach(bed.smmu, SID, one), 0);
		assert_int_equal(touch(&bed, SID, in(&first, IOVA)), SMMU3_LANDED);
		one_fails(&bed);
		assert_int_equal(weir_smmu_v3_invalidate(one, &many), 0);
		unmap(&first, one, IOVA);
		hwram_allow(bed.h->ram, a, 4096, 0, 0);
		hwhost_points(bed.h, 20);
		assert_int_equal(touch(&bed, SID, in(&first, IOVA)), SMMU3_ABORTED);
		one_fails(&bed);
		assert_int_equal(weir_smmu_v3_attach(bed.smmu, SID, two), 0);
		assert_int_equal(touch(&bed, SID, in(&first, IOVA)), SMMU3_LANDED);
		one_fails(&bed);
		assert_int_equal(weir_smmu_v3_attach(bed.smmu, SID, NULL), 0);
		one_fails(&bed);
		two = weir_smmu_v3_domain_destroy(two);
		hwram_allow(bed.h->ram, b, 4096, 0, 0);
		hwhost_points(bed.h, 20);
		assert_int_equal(touch(&bed, SID, in(&first, IOVA)), SMMU3_ABORTED);
		two = domain_of(&bed, &second);
	}
	assert_true(bed.nr_left_out > 0);
	smmu3_misbehave(bed.s, SMMU3_COMMAND_FAILS, 0);
	weir_smmu_v3_domain_destroy(one);
	weir_smmu_v3_domain_destroy(two);
	table_fini(&first);
	table_fini(&second);
	buffer_free(&bed, a);
	buffer_free(&bed, b);
	bed_close(&bed);
}

static void test_smmuv3_hard_commands_fail(void **state)
{
	(void)state;
	for (unsigned int seed = 1; seed <= 40; seed++)
		commands_fail(seed, seed % 4);
}

/* It says that it has given up (12.3): so does the driver, until a reset. */
static void test_smmuv3_hard_service_failure(void **state)
{
	struct weir_smmu_v3_domain *domain;
	struct table table;
	struct bed bed;

	(void)state;
	bed_open(&bed, 5);
	table_init(&table, &bed, false);
	domain = domain_of(&bed, &table);
	smmu3_misbehave(bed.s, SMMU3_GERROR_SFM, 1);
	hwhost_points(bed.h, 100);
	weir_smmu_v3_poll(bed.smmu);
	quarantined(&bed, domain, "service failure mode");
	smmu3_misbehave(bed.s, SMMU3_GERROR_SFM, 0);
	weir_smmu_v3_suspend(bed.smmu);
	assert_int_equal(weir_smmu_v3_resume(bed.smmu), 0);
	assert_int_equal(weir_smmu_v3_attach(bed.smmu, SID, domain), 0);
	assert_int_equal(weir_smmu_v3_attach(bed.smmu, SID, NULL), 0);
	weir_smmu_v3_domain_destroy(domain);
	table_fini(&table);
	bed_close(&bed);
}

/* What is asked for is not confirmed: there is no instance, and why is said. */
static void test_smmuv3_hard_confirms_nothing(void **state)
{
	struct smmu3_config config;
	struct bed bed;

	(void)state;
	smmu3_config_usual(&config);
	config.seed = 4;
	bed_init(&bed, &config);
	smmu3_misbehave(bed.s, SMMU3_ACK_STUCK, 1);
	assert_int_equal(bed_create(&bed), WEIR_ETIMEDOUT);
	assert_non_null(strstr(hwhost_log_take(bed.h), "smmu: it does not"));
	smmu3_misbehave(bed.s, SMMU3_ACK_STUCK, 0);
	smmu3_misbehave(bed.s, SMMU3_GBPA_STUCK, 1);
	assert_int_equal(bed_create(&bed), WEIR_EIO);
	assert_non_null(strstr(hwhost_log_take(bed.h), "smmu: it does not take GBPA"));
	smmu3_misbehave(bed.s, SMMU3_GBPA_STUCK, 0);
	hwhost_points(bed.h, 20);
	assert_int_equal(bed_create(&bed), 0);
	bed_close(&bed);
}

/* Commands that are late are waited for; events and errors that are nonsense do no harm. */
static void test_smmuv3_hard_goes_on(void **state)
{
	static const enum smmu3_mischief kinds[] = {
		SMMU3_SYNC_LATE, SMMU3_EVENTQ_WILD, SMMU3_EVENT_UNKNOWN, SMMU3_GERROR_STORM, SMMU3_IRQ_LOST,
	};
	struct weir_smmu_v3_domain *domain;
	struct table table;
	struct bed bed;
	uint64_t a;

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		bed_open(&bed, i + 1);
		a = buffer(&bed, 1);
		table_init(&table, &bed, false);
		domain = domain_of(&bed, &table);
		smmu3_misbehave(bed.s, kinds[i], 20);
		for (unsigned int n = 0; n < 5; n++) {
			table_set(&table, IOVA, a);
			assert_int_equal(weir_smmu_v3_attach(bed.smmu, SID, domain), 0);
			assert_int_equal(touch(&bed, SID, IOVA), SMMU3_LANDED);
			unmap(&table, domain, IOVA);
			assert_int_equal(touch(&bed, SID, IOVA), SMMU3_ABORTED);
			hwhost_points(bed.h, 100);
			weir_smmu_v3_poll(bed.smmu);
			assert_int_equal(weir_smmu_v3_attach(bed.smmu, SID, NULL), 0);
		}
		if (kinds[i] == SMMU3_EVENTQ_WILD)
			assert_int_equal(bed.nr_told, 1);
		else if (kinds[i] != SMMU3_GERROR_STORM)
			assert_true(bed.nr_faults > 0);
		weir_smmu_v3_domain_destroy(domain);
		table_fini(&table);
		buffer_free(&bed, a);
		bed_close(&bed);
	}
}

/* Power is lost with all registers; what was attached is attached again by the caller. */
static void test_smmuv3_hard_power_loss(void **state)
{
	struct weir_smmu_v3_domain *domain;
	struct table table;
	struct bed bed;
	uint64_t a;

	(void)state;
	for (unsigned int seed = 1; seed <= 10; seed++) {
		bed_open(&bed, seed);
		a = buffer(&bed, 1);
		table_init(&table, &bed, seed % 2);
		table_set(&table, IOVA, a);
		domain = domain_of(&bed, &table);
		for (unsigned int i = 0; i < 5; i++) {
			assert_int_equal(weir_smmu_v3_attach(bed.smmu, SID, domain), 0);
			assert_int_equal(touch(&bed, SID, in(&table, IOVA)), SMMU3_LANDED);
			weir_smmu_v3_suspend(bed.smmu);
			assert_int_equal(touch(&bed, SID, in(&table, IOVA)), SMMU3_ABORTED);
			smmu3_power(bed.s, false);
			smmu3_power(bed.s, true);
			assert_int_equal(weir_smmu_v3_resume(bed.smmu), 0);
			assert_int_equal(touch(&bed, SID, in(&table, IOVA)), SMMU3_ABORTED);
		}
		weir_smmu_v3_domain_destroy(domain);
		table_fini(&table);
		buffer_free(&bed, a);
		bed_close(&bed);
	}
}

/*
 * A kernel crashed and left its SMMU on: it goes on until the next one has attached what runs,
 * and enforces; rogues fire throughout.
 */
static void taken_over(unsigned int seed, bool keep)
{
	bool in_place = keep && seed & 2; /* without GBPA its table is used on */
	struct weir_smmu_v3_domain *domain, *old_domain;
	struct weir_smmu_v3 *crashed;
	struct smmu3_config config;
	struct table table, left;
	struct bed bed;
	uint64_t a;

	smmu3_config_usual(&config);
	config.seed = seed;
	config.no_abort = in_place;
	if (seed & 4)
		config.idr[0] &= ~SMMU3_IDR0_COHACC;
	bed_init(&bed, &config);
	/* of memory that nobody counts: what it had stays where it is */
	assert_int_equal(weir_smmu_v3_create(hwhost_ops(bed.h), bed.h, &bed.config, &crashed), 0);
	bed.smmu = crashed;
	a = buffer(&bed, 1);
	smmu3_rogue(bed.s, OTHER, a, SMMU3_WRITE);
	table_init(&left, &bed, false);
	table_set(&left, IOVA, a);
	old_domain = domain_of(&bed, &left);
	assert_int_equal(weir_smmu_v3_attach(bed.smmu, SID, old_domain), 0);
	assert_int_equal(weir_smmu_v3_attach(bed.smmu, OTHER, old_domain), 0);
	assert_int_equal(weir_smmu_v3_attach(bed.smmu, SID + 1, old_domain), 0);
	bed.config.keep = keep;
	bed.config.nr_lines = 0;
	assert_int_equal(bed_create(&bed), 0);
	assert_int_equal(touch(&bed, SID, IOVA), keep ? SMMU3_LANDED : SMMU3_ABORTED);
	table_init(&table, &bed, false);
	table_set(&table, IOVA + 4096, a);
	domain = domain_of(&bed, &table);
	assert_int_equal(weir_smmu_v3_attach(bed.smmu, SID, domain), 0);
	assert_int_equal(weir_smmu_v3_enforce(bed.smmu), 0);
	assert_int_equal(touch(&bed, SID, IOVA), SMMU3_ABORTED);
	assert_int_equal(touch(&bed, SID, IOVA + 4096), SMMU3_LANDED);
	assert_int_equal(touch(&bed, OTHER, a), SMMU3_ABORTED);
	assert_int_equal(touch(&bed, OTHER, IOVA), SMMU3_ABORTED);
	assert_int_equal(touch(&bed, SID + 1, IOVA), SMMU3_ABORTED);
	assert_int_equal(weir_smmu_v3_attach(bed.smmu, SID, NULL), 0);
	weir_smmu_v3_domain_destroy(domain);
	bed.smmu = weir_smmu_v3_destroy(bed.smmu);
	hwhost_points(bed.h, 20);
	no_findings(&bed);
	/* only its memory: it cannot know what became of the hardware */
	smmu3_rogues_stop(bed.s);
	weir_smmu_v3_suspend(crashed);
	weir_smmu_v3_domain_destroy(old_domain);
	weir_smmu_v3_destroy(crashed);
	smmu3_findings_take(bed.s);
	table_fini(&left);
	table_fini(&table);
	buffer_free(&bed, a);
	bed_close(&bed);
}

static void test_smmuv3_hard_taken_over(void **state)
{
	(void)state;
	for (unsigned int seed = 1; seed <= 20; seed++)
		taken_over(seed, seed % 2);
}

/* Two of them, each with its own streams, coming and going by themselves. */
static void test_smmuv3_hard_two_instances(void **state)
{
	struct weir_smmu_v3_config other;
	struct weir_smmu_v3_domain *one, *two;
	struct smmu3_config config;
	struct weir_smmu_v3 *second;
	struct table table;
	struct smmu3 *s2;
	struct bed bed;
	uint64_t a, data = 1;

	(void)state;
	smmu3_config_usual(&config);
	config.seed = 9;
	bed_init(&bed, &config);
	s2 = hwhost_smmu(bed.h, BASE + 0x100000, &config, LINE + 10);
	smmu3_master(s2, SID, 1);
	assert_int_equal(bed_create(&bed), 0);
	a = buffer(&bed, 1);
	table_init(&table, &bed, false);
	table_set(&table, IOVA, a);
	one = domain_of(&bed, &table);
	assert_int_equal(weir_smmu_v3_attach(bed.smmu, SID, one), 0);
	other = bed.config;
	other.base_pa = BASE + 0x100000;
	other.lines[0] = LINE + 10;
	other.lines[1] = LINE + 12;
	for (unsigned int i = 0; i < 5; i++) {
		assert_int_equal(weir_smmu_v3_create(&bed.ops, bed.t, &other, &second), 0);
		/* the same tables, at both */
		assert_int_equal(weir_smmu_v3_domain_create(second, &table.tables, 0, &two), 0);
		assert_int_equal(smmu3_dma(s2, SID, IOVA, &data, 8, SMMU3_WRITE), SMMU3_ABORTED);
		assert_int_equal(weir_smmu_v3_attach(second, SID, two), 0);
		assert_int_equal(smmu3_dma(s2, SID, IOVA, &data, 8, SMMU3_WRITE), SMMU3_LANDED);
		assert_int_equal(weir_smmu_v3_attach(second, SID, NULL), 0);
		weir_smmu_v3_domain_destroy(two);
		weir_smmu_v3_destroy(second);
		assert_int_equal(smmu3_dma(s2, SID, IOVA, &data, 8, SMMU3_WRITE), SMMU3_ABORTED);
		assert_int_equal(touch(&bed, SID, IOVA), SMMU3_LANDED);
	}
	if (smmu3_findings(s2, SMMU3_FINDINGS))
		fail_msg("%s", smmu3_first_finding(s2));
	assert_int_equal(weir_smmu_v3_attach(bed.smmu, SID, NULL), 0);
	weir_smmu_v3_domain_destroy(one);
	table_fini(&table);
	buffer_free(&bed, a);
	bed_close(&bed);
}

/* More domains than a page has descriptors, each with one of its own; ids as wide as there are. */
static void test_smmuv3_hard_many_domains(void **state)
{
	struct weir_smmu_v3_domain *domains[130], *other;
	struct testhost_counts before, after;
	struct smmu3_config config;
	struct table s1, s2;
	struct bed bed;
	uint64_t a;

	(void)state;
	smmu3_config_usual(&config);
	config.idr[0] &= ~SMMU3_IDR0_VMID16;
	bed_init(&bed, &config);
	assert_int_equal(bed_create(&bed), 0);
	a = buffer(&bed, 1);
	table_init(&s1, &bed, false);
	table_init(&s2, &bed, true);
	table_set(&s1, IOVA, a);
	table_set(&s2, IOVA, a);
	for (unsigned int round = 0; round < 3; round++) {
		for (unsigned int i = 0; i < 130; i++)
			domains[i] = domain_of(&bed, i % 2 && i > 127 ? &s2 : &s1);
		for (unsigned int i = 60; i < 130; i++) {
			assert_int_equal(weir_smmu_v3_attach(bed.smmu, SID, domains[i]), 0);
			assert_int_equal(touch(&bed, SID, in(i == 129 ? &s2 : &s1, IOVA)), SMMU3_LANDED);
		}
		s1.tables.id = 0xffff - 3; /* it is in use */
		assert_int_equal(weir_smmu_v3_domain_create(bed.smmu, &s1.tables, WEIR_SMMU_V3_OWN_ID, &other),
				 WEIR_EEXIST);
		s2.tables.id = 0x100;
		assert_int_equal(weir_smmu_v3_domain_create(bed.smmu, &s2.tables, WEIR_SMMU_V3_OWN_ID, &other),
				 WEIR_EINVAL);
		assert_int_equal(weir_smmu_v3_attach(bed.smmu, SID, NULL), 0);
		for (unsigned int i = 0; i < 130; i++)
			weir_smmu_v3_domain_destroy(domains[(i * 7 + 3) % 130]);
		testhost_counts_get(bed.t, &after);
		if (!round)
			before = after;
		assert_int_equal(after.page_bytes, before.page_bytes);
	}
	table_fini(&s1);
	table_fini(&s2);
	buffer_free(&bed, a);
	bed_close(&bed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_smmuv3_hard_command_queue_stuck),
		cmocka_unit_test(test_smmuv3_hard_command_index_wild),
		cmocka_unit_test(test_smmuv3_hard_no_command_works),
		cmocka_unit_test(test_smmuv3_hard_commands_fail),
		cmocka_unit_test(test_smmuv3_hard_service_failure),
		cmocka_unit_test(test_smmuv3_hard_confirms_nothing),
		cmocka_unit_test(test_smmuv3_hard_goes_on),
		cmocka_unit_test(test_smmuv3_hard_power_loss),
		cmocka_unit_test(test_smmuv3_hard_taken_over),
		cmocka_unit_test(test_smmuv3_hard_two_instances),
		cmocka_unit_test(test_smmuv3_hard_many_domains),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
