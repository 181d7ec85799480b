// SPDX-License-Identifier: MIT
/*
 * The hardware layer of the driver for SMMUs of versions 1 and 2, where things go wrong: registers that
 * make no sense, calls of the host that fail, hardware that misbehaves, power that goes; and streams
 * that firmware left running.
 */
#include "smmuv2bed.h"

/* ---- what is refused ---- */

enum idr { IDR0, IDR1, IDR2 };

/* Registers that say this are refused, with these words in the log. */
static void refused(enum idr idr, uint32_t clear, uint32_t set, int err, const char *words)
{
	struct smmu2_config config;
	struct bed bed;
	uint32_t *reg;
	const char *log;

	smmu2_config_usual(&config);
	bed_init(&bed, &config);
	reg = idr == IDR0 ? &config.idr0 : idr == IDR1 ? &config.idr1 : &config.idr2;
	*reg = (*reg & ~clear) | set;
	smmu2_identify(bed.s, &config);
	assert_int_equal(bed_create(&bed), err);
	log = hwhost_log_take(bed.h);
	if (!strstr(log, words) || !strstr(log, "smmu: "))
		fail_msg("\"%s\" is not in \"%s\"", words, log);
	bed_close(&bed);
}

static void test_smmuv2_hard_registers(void **state)
{
	(void)state;
	refused(IDR0, SMMU2_IDR0_S1TS | SMMU2_IDR0_S2TS | SMMU2_IDR0_NTS, 0, WEIR_EIO, "S1TS, S2TS");
	refused(IDR0, SMMU2_IDR0_S2TS, 0, WEIR_EIO, "NTS");
	refused(IDR0, 0, 3u << 24, WEIR_EIO, "PTFS");
	refused(IDR0, 0xff, 0, WEIR_EIO, "NUMSMRG");
	refused(IDR0, 0xff, 0x81, WEIR_EIO, "NUMSMRG");
	refused(IDR0, SMMU2_IDR0_SMS, SMMU2_IDR0_EXIDS, WEIR_EIO, "EXIDS");
	refused(IDR0, SMMU2_IDR0_SMS, 0, WEIR_EIO, "NUMSIDB");
	refused(IDR1, 0xff, 0, WEIR_EIO, "NUMCB");
	refused(IDR1, 0xff, 0xff, WEIR_EIO, "NUMCB");
	refused(IDR1, 0xff, 17, WEIR_EIO, "NUMCB");
	refused(IDR1, 0xff << 16, 9u << 16, WEIR_EIO, "NUMS2CB");
	refused(IDR1, 0, 7u << 28, WEIR_EIO, "do not fit");
	refused(IDR1, 0, 1u << 31, WEIR_EIO, "do not fit");
	refused(IDR2, 0xf, 6, WEIR_EIO, "IAS");
	refused(IDR2, 0xf0, 0xf0, WEIR_EIO, "OAS");
	refused(IDR2, 0xf00, 0x700, WEIR_EIO, "UBS");
}

static void test_smmuv2_hard_no_tables(void **state)
{
	struct smmu2_config config;
	struct bed bed;

	(void)state;
	smmu2_config_usual(&config);
	config.idr0 |= SMMU2_IDR0_NO_A32;
	config.idr2 &= ~(SMMU2_IDR2_4K | SMMU2_IDR2_64K);
	bed_init(&bed, &config);
	assert_int_equal(bed_create(&bed), WEIR_EIO);
	assert_non_null(strstr(hwhost_log_take(bed.h), "it walks no tables"));
	bed_close(&bed);
}

static void test_smmuv2_hard_nothing_there(void **state)
{
	struct smmu2_config config;
	struct bed bed;

	(void)state;
	smmu2_config_usual(&config);
	bed_init(&bed, &config);
	smmu2_misbehave(bed.s, SMMU2_DEAD, 1);
	assert_int_equal(bed_create(&bed), WEIR_ENODEV);
	smmu2_misbehave(bed.s, SMMU2_DEAD, 0);
	bed.config.bytes = 0x1000;
	assert_int_equal(bed_create(&bed), WEIR_EIO);
	assert_non_null(strstr(hwhost_log_take(bed.h), "too few registers (0x1000)"));
	bed.config.bytes = 0x4000;
	assert_int_equal(bed_create(&bed), WEIR_EIO);
	assert_non_null(strstr(hwhost_log_take(bed.h), "do not fit"));
	bed.ops.mmio_map = NULL;
	assert_int_equal(bed_create(&bed), WEIR_EOPNOTSUPP);
	assert_non_null(strstr(hwhost_log_take(bed.h), "no registers"));
	bed_close(&bed);
}

/* A walker that is not coherent, on a host that has no cache calls. */
static void test_smmuv2_hard_without_cache_sync(void **state)
{
	struct smmu2_config config;
	struct bed bed;

	(void)state;
	smmu2_config_usual(&config);
	config.idr0 &= ~SMMU2_IDR0_CTTW;
	bed_init(&bed, &config);
	bed.ops.cache_sync = NULL;
	assert_int_equal(bed_create(&bed), WEIR_EOPNOTSUPP);
	assert_non_null(strstr(hwhost_log_take(bed.h), "it is not coherent, and the host has no cache_sync"));
	bed_close(&bed);
}

/* Every call of the host that can fail does, once. */
static void test_smmuv2_hard_every_call_fails(void **state)
{
	struct smmu2_config config;
	bool hit = true;
	struct bed bed;
	unsigned long n = 0;

	(void)state;
	smmu2_config_usual(&config);
	bed_init(&bed, &config);
	while (hit) {
		testhost_fail_at(bed.t, ++n);
		if (!bed_create(&bed)) {
			struct weir_smmu_v2_domain *domain = NULL;
			struct weir_table *table;
			struct weir_tables tables;

			hit = testhost_fault_hit(bed.t);
			testhost_fail_at(bed.t, 0);
			table = make_table(&bed, WEIR_TABLE_ARM_S1);
			weir_table_describe(table, &tables);
			testhost_fail_at(bed.t, 1);
			assert_int_equal(weir_smmu_v2_domain_create(bed.smmu, &tables, 0, &domain),
					 WEIR_ENOMEM);
			testhost_fail_at(bed.t, 0);
			domain = domain_of(&bed, table);
			assert_int_equal(weir_smmu_v2_attach(bed.smmu, SID, domain), 0);
			assert_int_equal(weir_smmu_v2_attach(bed.smmu, SID, NULL), 0);
			weir_smmu_v2_domain_destroy(domain);
			weir_table_destroy(table);
			bed.smmu = weir_smmu_v2_destroy(bed.smmu);
		}
		testhost_fail_at(bed.t, 0);
		testhost_check_empty(bed.t);
		assert_in_range(n, 1, 100);
	}
	assert_true(n > 8);
	bed_close(&bed);
}

/* ---- hardware that misbehaves ---- */

struct scene {
	struct bed bed;
	struct weir_table *table;
	struct weir_smmu_v2_domain *domain;
	uint64_t a;
};

/* A stream behind a domain with one page. */
static void scene_open(struct scene *scene, uint64_t seed)
{
	bed_open(&scene->bed, seed);
	scene->a = buffer(&scene->bed, 1);
	scene->table = make_table(&scene->bed, WEIR_TABLE_ARM_S1);
	map(scene->table, IOVA, scene->a);
	scene->domain = domain_of(&scene->bed, scene->table);
	assert_int_equal(weir_smmu_v2_attach(scene->bed.smmu, SID, scene->domain), 0);
	assert_int_equal(touch(&scene->bed, SID, IOVA), SMMU2_LANDED);
}

static void scene_close(struct scene *scene)
{
	assert_int_equal(weir_smmu_v2_attach(scene->bed.smmu, SID, NULL), 0);
	scene->domain = weir_smmu_v2_domain_destroy(scene->domain);
	weir_table_destroy(scene->table);
	buffer_free(&scene->bed, scene->a);
	bed_close(&scene->bed);
}

/* In quarantine everything fails at once; after a reset it works again. */
static void quarantined(enum smmu2_mischief what, const char *words)
{
	const struct weir_invalidation all = { .iova = IOVA, .bytes = 4096 };
	struct scene scene;
	struct bed *bed = &scene.bed;

	scene_open(&scene, 3);
	smmu2_misbehave(bed->s, what, 1000000);
	assert_int_equal(weir_smmu_v2_attach(bed->smmu, OTHER, scene.domain), WEIR_EIO);
	assert_true(bed->nr_told == 2);
	if (!strstr(bed->told, words))
		fail_msg("\"%s\" is not in \"%s\"", words, bed->told);
	if (what == SMMU2_SYNC_STUCK) /* what could not be attached is blocked */
		assert_int_equal(touch(bed, OTHER, IOVA), SMMU2_ABORTED);
	assert_int_equal(weir_smmu_v2_invalidate(scene.domain, &all), WEIR_EIO);
	assert_int_equal(weir_smmu_v2_sync(scene.domain), WEIR_EIO);
	assert_int_equal(weir_smmu_v2_attach(bed->smmu, SID, NULL), WEIR_EIO);
	assert_int_equal(weir_smmu_v2_poll(bed->smmu), 0);
	assert_int_equal(weir_smmu_v2_resume(bed->smmu), WEIR_EIO);
	smmu2_misbehave(bed->s, what, 0);
	weir_smmu_v2_suspend(bed->smmu);
	assert_int_equal(touch(bed, SID, IOVA), SMMU2_ABORTED);
	assert_int_equal(weir_smmu_v2_resume(bed->smmu), 0);
	assert_int_equal(touch(bed, SID, IOVA), SMMU2_ABORTED);
	assert_int_equal(touch(bed, OTHER, IOVA), SMMU2_ABORTED);
	assert_int_equal(weir_smmu_v2_attach(bed->smmu, SID, scene.domain), 0);
	assert_int_equal(touch(bed, SID, IOVA), SMMU2_LANDED);
	scene_close(&scene);
}

static void test_smmuv2_hard_sync_stuck(void **state)
{
	(void)state;
	quarantined(SMMU2_SYNC_STUCK, "a sync of its TLB does not end");
}

static void test_smmuv2_hard_dead(void **state)
{
	(void)state;
	quarantined(SMMU2_DEAD, "its registers do not answer");
}

static uint64_t time_stands_still(void *host)
{
	(void)host;
	return 7;
}

/* Stuck from the start: the probe fails, and says why, also by a clock that stands still. */
static void test_smmuv2_hard_stuck_at_first(void **state)
{
	struct smmu2_config config;
	struct bed bed;

	(void)state;
	for (unsigned int still = 0; still < 2; still++) {
		smmu2_config_usual(&config);
		bed_init(&bed, &config);
		if (still)
			bed.ops.time_ns = time_stands_still;
		smmu2_misbehave(bed.s, SMMU2_SYNC_STUCK, 1);
		assert_int_equal(bed_create(&bed), WEIR_EIO);
		assert_non_null(strstr(hwhost_log_take(bed.h), "a sync of its TLB does not end"));
		bed_close(&bed);
	}
}

/* Up, attached, unmapped: what is confirmed holds, whatever was not. Return: whether it lived through. */
static bool dies(unsigned int n)
{
	struct weir_table_gather gather = { .unlink = true };
	struct weir_smmu_v2_domain *domain = NULL;
	struct weir_table *table = NULL;
	struct weir_tables tables;
	struct bed bed;
	struct smmu2_config config;
	uint64_t a;
	bool lived;

	smmu2_config_usual(&config);
	config.seed = n;
	bed_init(&bed, &config);
	a = buffer(&bed, 1);
	smmu2_misbehave(bed.s, SMMU2_DIES, n);
	if (!bed_create(&bed)) {
		table = make_table(&bed, WEIR_TABLE_ARM_S1);
		map(table, IOVA, a);
		weir_table_describe(table, &tables);
		smmu2_rogue(bed.s, SID, IOVA, SMMU2_WRITE);
		if (!weir_smmu_v2_domain_create(bed.smmu, &tables, 0, &domain))
			(void)weir_smmu_v2_attach(bed.smmu, SID, domain);
		assert_int_equal(weir_table_unmap(table, IOVA, 4096, &gather), 0);
		if (domain && !weir_smmu_v2_invalidate(domain, &gather.what) &&
		    !weir_smmu_v2_sync(domain)) {
			hwram_allow(bed.h->ram, a, 4096, 0, 0);
			hwhost_points(bed.h, 50);
		}
		(void)weir_smmu_v2_poll(bed.smmu);
		(void)weir_smmu_v2_attach(bed.smmu, SID, NULL);
		weir_smmu_v2_domain_destroy(domain);
		bed.smmu = weir_smmu_v2_destroy(bed.smmu);
	}
	lived = smmu2_alive(bed.s);
	if (!lived) /* its memory may go when its power is gone */
		smmu2_power(bed.s, false);
	weir_table_destroy(table);
	buffer_free(&bed, a);
	bed_close(&bed);
	return lived;
}

static void test_smmuv2_hard_dies_anywhere(void **state)
{
	unsigned int n = 1;

	(void)state;
	while (!dies(n))
		n++;
	assert_in_range(n, 100, 2000);
}

static void test_smmuv2_hard_late(void **state)
{
	struct scene scene;

	(void)state;
	scene_open(&scene, 5);
	smmu2_misbehave(scene.bed.s, SMMU2_SYNC_LATE, 20);
	for (unsigned int i = 0; i < 10; i++) {
		unmap(scene.table, scene.domain, IOVA);
		assert_int_equal(touch(&scene.bed, SID, IOVA), SMMU2_ABORTED);
		map(scene.table, IOVA, scene.a);
		assert_int_equal(touch(&scene.bed, SID, IOVA), SMMU2_LANDED);
	}
	assert_int_equal(scene.bed.nr_told, 0);
	scene_close(&scene);
}

/* Each kind of fault is told as what it is, and whose. */
static void test_smmuv2_hard_faults(void **state)
{
	struct scene scene;
	struct bed *bed = &scene.bed;
	uint64_t data = 0;

	(void)state;
	scene_open(&scene, 6);
	assert_int_equal(smmu2_dma(bed->s, OTHER, IOVA, &data, 8, SMMU2_READ), SMMU2_ABORTED);
	hwhost_points(bed->h, 2);
	assert_int_equal(bed->nr_faults, 1);
	assert_int_equal(bed->faults[0].reason, WEIR_FAULT_BLOCKED);
	assert_true(bed->faults[0].stream == OTHER && bed->faults[0].iova == IOVA &&
		    bed->faults[0].flags == WEIR_FAULT_READ);
	assert_int_equal(weir_table_map(scene.table, IOVA + 8192, scene.a, 4096, WEIR_MAP_READ), 0);
	assert_int_equal(touch(bed, SID, IOVA + 8192), SMMU2_ABORTED);
	hwhost_points(bed->h, 2);
	assert_int_equal(bed->nr_faults, 2);
	assert_int_equal(bed->faults[1].reason, WEIR_FAULT_PERMISSION);
	assert_true(bed->faults[1].stream == SID && bed->faults[1].flags == WEIR_FAULT_WRITE);
	/* without interrupts they are there when somebody looks */
	smmu2_misbehave(bed->s, SMMU2_IRQ_LOST, 1);
	assert_int_equal(touch(bed, SID, IOVA + 4096), SMMU2_ABORTED);
	hwhost_points(bed->h, 5);
	assert_int_equal(bed->nr_faults, 2);
	assert_int_equal(weir_smmu_v2_poll(bed->smmu), 1);
	assert_int_equal(bed->faults[2].reason, WEIR_FAULT_UNMAPPED);
	smmu2_misbehave(bed->s, SMMU2_IRQ_LOST, 0);
	/* an interrupt for nothing */
	smmu2_misbehave(bed->s, SMMU2_IRQ_SPURIOUS, 50);
	hwhost_points(bed->h, 60);
	assert_int_equal(bed->nr_faults, 3);
	scene_close(&scene);
}

/* A fault that is there again as soon as it is cleared: told some times, and then not without end. */
static void test_smmuv2_hard_storm(void **state)
{
	struct scene scene;
	struct bed *bed = &scene.bed;
	unsigned int told;

	(void)state;
	scene_open(&scene, 7);
	smmu2_misbehave(bed->s, SMMU2_FAULT_STORM, 1000000);
	assert_int_equal(touch(bed, SID, IOVA + 4096), SMMU2_ABORTED);
	for (unsigned int i = 0; i < 500; i++)
		hwhost_irqs(bed->h);
	for (unsigned int i = 0; i < 500; i++)
		hwhost_points(bed->h, 1);
	told = bed->nr_faults;
	/* its interrupt is off between turns of the timer, of which there was one at most */
	assert_in_range(told, 64, 140);
	assert_int_equal(touch(bed, SID, IOVA), SMMU2_LANDED);
	smmu2_misbehave(bed->s, SMMU2_FAULT_STORM, 0);
	hwhost_points(bed->h, 3000); /* 30 ms: it is listened to again */
	bed->nr_faults = 0;
	assert_int_equal(touch(bed, SID, IOVA + 4096), SMMU2_ABORTED);
	hwhost_points(bed->h, 3);
	assert_int_equal(bed->nr_faults, 1);
	scene_close(&scene);
}

/* ---- power ---- */

static void power(bool lost)
{
	struct scene scene;
	struct bed *bed = &scene.bed;

	scene_open(&scene, lost ? 8 : 9);
	for (unsigned int i = 0; i < 5; i++) {
		weir_smmu_v2_suspend(bed->smmu);
		assert_int_equal(touch(bed, SID, IOVA), SMMU2_ABORTED);
		if (lost) {
			smmu2_power(bed->s, false);
			assert_int_equal(weir_smmu_v2_attach(bed->smmu, SID, scene.domain), WEIR_EIO);
			assert_int_equal(weir_smmu_v2_poll(bed->smmu), 0);
			hwhost_points(bed->h, 20);
			smmu2_power(bed->s, true);
		}
		assert_int_equal(weir_smmu_v2_resume(bed->smmu), 0);
		hwhost_points(bed->h, 20);
		assert_int_equal(touch(bed, SID, IOVA), SMMU2_ABORTED);
		assert_int_equal(weir_smmu_v2_attach(bed->smmu, SID, scene.domain), 0);
		assert_int_equal(touch(bed, SID, IOVA), SMMU2_LANDED);
		assert_int_equal(touch(bed, SID, IOVA + 4096), SMMU2_ABORTED);
	}
	scene_close(&scene);
}

static void test_smmuv2_hard_power(void **state)
{
	(void)state;
	power(true);
	power(false);
}

/* Two of them on one host share nothing. */
static void test_smmuv2_hard_two(void **state)
{
	struct weir_smmu_v2 *second;
	struct smmu2_config config;
	struct scene scene;
	struct bed *bed = &scene.bed;
	struct weir_smmu_v2_config other;
	struct smmu2 *s;

	(void)state;
	scene_open(&scene, 10);
	smmu2_config_usual(&config);
	s = smmu2_attach(bed->h, BASE + 0x100000, &config, LINE + 40, true);
	other = bed->config;
	other.base_pa = BASE + 0x100000;
	other.lines = (const uint32_t[]){ LINE + 40, LINE + 40, LINE + 40 };
	other.nr_lines = 3;
	assert_int_equal(weir_smmu_v2_create(&bed->ops, bed->t, &other, &second), 0);
	assert_int_equal(touch(bed, SID, IOVA), SMMU2_LANDED);
	assert_int_equal(smmu2_dma(s, SID, IOVA, &(uint64_t){ 0 }, 8, SMMU2_READ), SMMU2_ABORTED);
	hwhost_points(bed->h, 2);
	assert_int_equal(bed->nr_faults, 1);
	weir_smmu_v2_destroy(second);
	assert_int_equal(touch(bed, SID, IOVA), SMMU2_LANDED);
	assert_int_equal(smmu2_findings(s, SMMU2_FINDINGS), 0);
	scene_close(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_smmuv2_hard_registers),
		cmocka_unit_test(test_smmuv2_hard_no_tables),
		cmocka_unit_test(test_smmuv2_hard_nothing_there),
		cmocka_unit_test(test_smmuv2_hard_without_cache_sync),
		cmocka_unit_test(test_smmuv2_hard_every_call_fails),
		cmocka_unit_test(test_smmuv2_hard_sync_stuck),
		cmocka_unit_test(test_smmuv2_hard_dead),
		cmocka_unit_test(test_smmuv2_hard_stuck_at_first),
		cmocka_unit_test(test_smmuv2_hard_dies_anywhere),
		cmocka_unit_test(test_smmuv2_hard_late),
		cmocka_unit_test(test_smmuv2_hard_faults),
		cmocka_unit_test(test_smmuv2_hard_storm),
		cmocka_unit_test(test_smmuv2_hard_power),
		cmocka_unit_test(test_smmuv2_hard_two),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
