// SPDX-License-Identifier: MIT
/*
 * The hardware layer of the driver for SMMUs of versions 1 and 2, on the hostile model: what it refuses,
 * what it does when the hardware misbehaves, what firmware's streams see, and that nothing it does is ever
 * a finding, whatever the seed.
 */
#include <pthread.h>

#include "smmuv2bed.h"

#define SEEDS 30u

/* ---- a whole story ---- */

static void rounds(struct bed *bed, struct weir_table *table, struct weir_smmu_v2_domain *one,
		   struct weir_smmu_v2_domain *two, uint64_t a)
{
	for (unsigned int i = 0; i < 4; i++) {
		assert_int_equal(weir_smmu_v2_attach(bed->smmu, SID, one), 0);
		assert_int_equal(touch(bed, SID, IOVA), SMMU2_LANDED);
		assert_int_equal(touch(bed, SID, IOVA + 4096), SMMU2_ABORTED);
		unmap(table, one, IOVA);
		hwram_allow(bed->h->ram, a, 4096, 0, 0);
		hwhost_points(bed->h, 50);
		assert_int_equal(touch(bed, SID, IOVA), SMMU2_ABORTED);
		assert_int_equal(weir_smmu_v2_attach(bed->smmu, SID, two), 0);
		assert_int_equal(touch(bed, SID, IOVA), SMMU2_LANDED);
		hwram_allow(bed->h->ram, a, 4096, 1, 1);
		map(table, IOVA, a);
	}
}

/* Attached, used, unmapped, replaced, blocked; rogues fire throughout. */
static void story(const struct smmu2_config *config, enum weir_table_format format)
{
	struct weir_smmu_v2_domain *one, *two;
	struct weir_table *first, *second;
	struct bed bed;
	uint64_t a, b;

	bed_init(&bed, config);
	assert_int_equal(bed_create(&bed), 0);
	a = buffer(&bed, 1);
	b = buffer(&bed, 1);
	smmu2_rogue(bed.s, OTHER, a, SMMU2_WRITE);
	smmu2_rogue(bed.s, SID, IOVA, SMMU2_WRITE);
	first = make_table(&bed, format);
	second = make_table(&bed, format);
	map(first, IOVA, a);
	map(second, IOVA, b);
	one = domain_of(&bed, first);
	two = domain_of(&bed, second);
	assert_int_equal(touch(&bed, SID, IOVA), SMMU2_ABORTED);
	rounds(&bed, first, one, two, a);
	assert_int_equal(weir_smmu_v2_attach(bed.smmu, SID, NULL), 0);
	one = weir_smmu_v2_domain_destroy(one);
	two = weir_smmu_v2_domain_destroy(two);
	weir_table_destroy(first);
	weir_table_destroy(second);
	buffer_free(&bed, a);
	buffer_free(&bed, b);
	hwhost_points(bed.h, 200);
	assert_int_equal(touch(&bed, SID, IOVA), SMMU2_ABORTED);
	hwhost_points(bed.h, 1);
	assert_true(bed.nr_faults > 0);
	weir_smmu_v2_forget(bed.smmu, SID);
	assert_int_equal(touch(&bed, SID, IOVA), SMMU2_ABORTED);
	bed_close(&bed);
}

static void test_smmuv2_stage1(void **state)
{
	struct smmu2_config config;

	(void)state;
	for (unsigned int seed = 1; seed <= SEEDS; seed++) {
		smmu2_config_usual(&config);
		config.seed = seed;
		config.mmu500 = seed % 2;
		if (seed % 3 == 0)
			config.idr0 |= SMMU2_IDR0_EXIDS;
		story(&config, WEIR_TABLE_ARM_S1);
	}
}

static void test_smmuv2_stage2(void **state)
{
	struct smmu2_config config;

	(void)state;
	for (unsigned int seed = 1; seed <= SEEDS; seed++) {
		smmu2_config_usual(&config);
		config.seed = seed;
		if (seed % 2)
			config.idr2 &= ~SMMU2_IDR2_VMID16;
		if (seed % 3 == 0) /* MMU-400's kind: stage 2 alone */
			config.idr0 &= ~(SMMU2_IDR0_S1TS | SMMU2_IDR0_NTS);
		story(&config, WEIR_TABLE_ARM_S2);
	}
}

/* Neither the SMMU nor masters see the CPU's caches; pages of 64 KiB of registers. */
static void test_smmuv2_not_coherent(void **state)
{
	struct smmu2_config config;

	(void)state;
	for (unsigned int seed = 1; seed <= SEEDS; seed++) {
		smmu2_config_usual(&config);
		config.seed = seed;
		config.idr0 &= ~SMMU2_IDR0_CTTW;
		config.idr1 = SMMU2_IDR1(4, 1, 3, 1);
		config.masters_incoherent = true;
		story(&config, seed % 2 ? WEIR_TABLE_ARM_S2 : WEIR_TABLE_ARM_S1);
	}
}

/* Version 1: AArch32's long descriptors, no invalidation by IPA, interrupts by an index. */
static void test_smmuv2_version1(void **state)
{
	struct smmu2_config config;

	(void)state;
	for (unsigned int seed = 1; seed <= SEEDS; seed++) {
		smmu2_config_usual(&config);
		config.seed = seed;
		config.version = 1;
		config.idr0 |= SMMU2_IDR0_IRPT(2);
		config.idr2 = SMMU2_IDR2(SMMU2_40, SMMU2_40, 0);
		story(&config, seed % 2 ? WEIR_TABLE_ARM_S2 : WEIR_TABLE_ARM_S1);
	}
}

/* Short descriptors of VMSAv7, with either version. */
static void test_smmuv2_short(void **state)
{
	struct smmu2_config config;

	(void)state;
	for (unsigned int seed = 1; seed <= SEEDS; seed++) {
		smmu2_config_usual(&config);
		config.seed = seed;
		if (seed % 2) {
			config.version = 1;
			config.idr2 = SMMU2_IDR2(SMMU2_40, SMMU2_40, 0);
		}
		if (seed % 3 == 0)
			config.idr0 &= ~SMMU2_IDR0_CTTW;
		story(&config, WEIR_TABLE_ARM_SHORT);
	}
}

/* No stream matching: each id has its register. */
static void test_smmuv2_indexing(void **state)
{
	struct weir_smmu_v2_domain *domain;
	struct smmu2_config config;
	struct weir_table *table;
	struct bed bed;
	uint64_t a;

	(void)state;
	smmu2_config_usual(&config);
	config.idr0 = (config.idr0 & ~(SMMU2_IDR0_SMS | 0xfeff)) | SMMU2_IDR0_SIDB(6) | SMMU2_IDR0_CTTW;
	bed_init(&bed, &config);
	assert_int_equal(bed_create(&bed), 0);
	a = buffer(&bed, 1);
	table = make_table(&bed, WEIR_TABLE_ARM_S1);
	map(table, IOVA, a);
	domain = domain_of(&bed, table);
	assert_int_equal(weir_smmu_v2_attach(bed.smmu, SID, domain), 0);
	assert_int_equal(touch(&bed, SID, IOVA), SMMU2_LANDED);
	assert_int_equal(touch(&bed, SID + 1, IOVA), SMMU2_ABORTED);
	assert_int_equal(weir_smmu_v2_attach(bed.smmu, 64, domain), WEIR_ERANGE);
	assert_int_equal(weir_smmu_v2_attach(bed.smmu, WEIR_SMMU_V2_STREAM(4, 1), domain), WEIR_ERANGE);
	assert_int_equal(weir_smmu_v2_attach(bed.smmu, SID, NULL), 0);
	assert_int_equal(touch(&bed, SID, IOVA), SMMU2_ABORTED);
	weir_smmu_v2_domain_destroy(domain);
	weir_table_destroy(table);
	buffer_free(&bed, a);
	bed_close(&bed);
}

/* ---- streams ---- */

static void test_smmuv2_masks(void **state)
{
	const uint32_t group = WEIR_SMMU_V2_STREAM(0x800, 0x3);
	struct weir_smmu_v2_domain *domain;
	struct weir_table *table;
	struct bed bed;
	uint64_t a;

	(void)state;
	bed_open(&bed, 2);
	a = buffer(&bed, 1);
	table = make_table(&bed, WEIR_TABLE_ARM_S1);
	map(table, IOVA, a);
	domain = domain_of(&bed, table);
	assert_int_equal(weir_smmu_v2_attach(bed.smmu, group, domain), 0);
	for (uint32_t id = 0x800; id < 0x804; id++)
		assert_int_equal(touch(&bed, id, IOVA), SMMU2_LANDED);
	assert_int_equal(touch(&bed, 0x804, IOVA), SMMU2_ABORTED);
	/* ids of it for another stream: a conflict, refused by name */
	assert_int_equal(weir_smmu_v2_attach(bed.smmu, 0x802, domain), WEIR_EEXIST);
	assert_non_null(strstr(hwhost_log_take(bed.h), "are another one's (0x802)"));
	assert_int_equal(weir_smmu_v2_attach(bed.smmu, WEIR_SMMU_V2_STREAM(0x801, 0x10), domain),
			 WEIR_EEXIST);
	assert_int_equal(weir_smmu_v2_attach(bed.smmu, WEIR_SMMU_V2_STREAM(0x801, 0x1), domain),
			 WEIR_ERANGE);
	assert_int_equal(weir_smmu_v2_attach(bed.smmu, 0x8000, domain), WEIR_ERANGE);
	/* its faults are the stream's, whichever id it was */
	hwhost_points(bed.h, 1);
	bed.nr_faults = 0;
	assert_int_equal(touch(&bed, 0x803, IOVA + 8192), SMMU2_ABORTED);
	hwhost_points(bed.h, 2);
	assert_true(bed.nr_faults > 0);
	assert_int_equal(bed.faults[0].stream, group);
	assert_int_equal(bed.faults[0].reason, WEIR_FAULT_UNMAPPED);
	assert_true(bed.faults[0].iova == IOVA + 8192 && bed.faults[0].flags == WEIR_FAULT_WRITE);
	assert_int_equal(weir_smmu_v2_attach(bed.smmu, group, NULL), 0);
	weir_smmu_v2_domain_destroy(domain);
	weir_table_destroy(table);
	buffer_free(&bed, a);
	bed_close(&bed);
}

/* As many streams and banks as there are, and one more of each: an error that says what is lacking. */
static void test_smmuv2_used_up(void **state)
{
	struct weir_smmu_v2_domain *domains[8], *more;
	struct weir_table *table;
	struct weir_tables tables;
	struct bed bed;

	(void)state;
	bed_open(&bed, 3);
	table = make_table(&bed, WEIR_TABLE_ARM_S1);
	weir_table_describe(table, &tables);
	for (unsigned int i = 0; i < 8; i++)
		domains[i] = domain_of(&bed, table);
	assert_int_equal(weir_smmu_v2_domain_create(bed.smmu, &tables, 0, &more), WEIR_ENOSPC);
	assert_non_null(strstr(hwhost_log_take(bed.h), "smmu: no context bank is left (0x8)"));
	for (uint32_t id = 0; id < 32; id++)
		assert_int_equal(weir_smmu_v2_attach(bed.smmu, 0x100 + id, domains[id % 8]), 0);
	assert_int_equal(weir_smmu_v2_attach(bed.smmu, SID, domains[0]), WEIR_ENOSPC);
	assert_non_null(strstr(hwhost_log_take(bed.h), "no stream match register is left for a stream (0x5)"));
	assert_int_equal(weir_smmu_v2_attach(bed.smmu, SID, NULL), 0);
	weir_smmu_v2_forget(bed.smmu, 0x100);
	assert_int_equal(weir_smmu_v2_attach(bed.smmu, SID, domains[0]), 0);
	weir_smmu_v2_suspend(bed.smmu);
	for (unsigned int i = 0; i < 8; i++)
		weir_smmu_v2_domain_destroy(domains[i]);
	weir_table_destroy(table);
	bed_close(&bed);
}

/* The id of tables is the caller's: it must fit, and be nobody else's. */
static void test_smmuv2_own_ids(void **state)
{
	struct weir_smmu_v2_domain *one, *two;
	struct weir_tables tables;
	struct weir_table *table;
	struct bed bed;

	(void)state;
	bed_open(&bed, 4);
	table = make_table(&bed, WEIR_TABLE_ARM_S2);
	weir_table_describe(table, &tables);
	tables.id = 7;
	assert_int_equal(weir_smmu_v2_domain_create(bed.smmu, &tables, WEIR_SMMU_V2_OWN_ID, &one), 0);
	assert_int_equal(weir_smmu_v2_domain_create(bed.smmu, &tables, WEIR_SMMU_V2_OWN_ID, &two),
			 WEIR_EEXIST);
	tables.id = 0;
	assert_int_equal(weir_smmu_v2_domain_create(bed.smmu, &tables, WEIR_SMMU_V2_OWN_ID, &two),
			 WEIR_EINVAL);
	tables.id = 0x10000;
	assert_int_equal(weir_smmu_v2_domain_create(bed.smmu, &tables, WEIR_SMMU_V2_OWN_ID, &two),
			 WEIR_EINVAL);
	tables.format = WEIR_TABLE_VTD_FIRST;
	assert_int_equal(weir_smmu_v2_domain_create(bed.smmu, &tables, 0, &two), WEIR_EOPNOTSUPP);
	weir_smmu_v2_domain_destroy(one);
	weir_table_destroy(table);
	bed_close(&bed);
}

/* ---- several at a time ---- */

#define WORKERS 3u
#define TURNS 60u

struct shared {
	struct bed bed;
	struct weir_table *table;
	struct weir_smmu_v2_domain *domain;
	pthread_mutex_t release;
};
struct worker {
	struct shared *shared;
	pthread_t thread;
	uint64_t iova, pa;
	unsigned int wrong;
};

/* Whether its page is reached; not while it is not its own any more. */
static bool reaches(struct worker *w)
{
	struct hwhost *h = w->shared->bed.h;
	uint64_t pa;
	bool yes;

	pthread_mutex_lock(&h->mutex);
	yes = smmu2_translate(w->shared->bed.s, SID, w->iova, SMMU2_READ, &pa) == SMMU2_LANDED &&
	      pa == w->pa;
	pthread_mutex_unlock(&h->mutex);
	return yes;
}

/* Maps, unmaps, and has it dropped: by its address, or with all that the domain has. */
static void *work(void *arg)
{
	struct worker *w = arg;
	struct shared *shared = w->shared;

	for (unsigned int i = 0; i < TURNS; i++) {
		struct weir_table_gather gather = { .unlink = true };
		struct weir_invalidation all = { .iova = w->iova, .bytes = 1 << 20 };

		w->wrong += weir_table_map(shared->table, w->iova, w->pa, 4096, WEIR_MAP_READ) != 0;
		w->wrong += !reaches(w);
		w->wrong += weir_table_unmap(shared->table, w->iova, 4096, &gather) != 0;
		w->wrong += weir_smmu_v2_invalidate(shared->domain, i & 1 ? &all : &gather.what) != 0;
		if (gather.what.tables && i & 1)
			w->wrong += weir_smmu_v2_invalidate(shared->domain, &gather.what) != 0;
		w->wrong += weir_smmu_v2_sync(shared->domain) != 0;
		w->wrong += reaches(w);
		pthread_mutex_lock(&shared->release);
		weir_table_release(shared->table, &gather);
		pthread_mutex_unlock(&shared->release);
		(void)weir_smmu_v2_poll(shared->bed.smmu);
	}
	return NULL;
}

static void together(enum weir_table_format format, uint64_t seed)
{
	struct worker workers[WORKERS];
	struct shared shared;

	bed_open(&shared.bed, seed);
	pthread_mutex_init(&shared.release, NULL);
	shared.table = make_table(&shared.bed, format);
	shared.domain = domain_of(&shared.bed, shared.table);
	assert_int_equal(weir_smmu_v2_attach(shared.bed.smmu, SID, shared.domain), 0);
	for (unsigned int i = 0; i < WORKERS; i++)
		workers[i] = (struct worker){ .shared = &shared, .iova = IOVA + i * 0x200000ull,
					      .pa = buffer(&shared.bed, 1) };
	for (unsigned int i = 0; i < WORKERS; i++)
		assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
	for (unsigned int i = 0; i < WORKERS; i++) {
		pthread_join(workers[i].thread, NULL);
		assert_int_equal(workers[i].wrong, 0);
	}
	assert_int_equal(weir_smmu_v2_attach(shared.bed.smmu, SID, NULL), 0);
	weir_smmu_v2_domain_destroy(shared.domain);
	weir_table_destroy(shared.table);
	for (unsigned int i = 0; i < WORKERS; i++)
		buffer_free(&shared.bed, workers[i].pa);
	pthread_mutex_destroy(&shared.release);
	bed_close(&shared.bed);
}

static void test_smmuv2_together(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 3; seed++) {
		together(WEIR_TABLE_ARM_S1, seed);
		together(WEIR_TABLE_ARM_S2, seed);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_smmuv2_stage1),
		cmocka_unit_test(test_smmuv2_stage2),
		cmocka_unit_test(test_smmuv2_not_coherent),
		cmocka_unit_test(test_smmuv2_version1),
		cmocka_unit_test(test_smmuv2_short),
		cmocka_unit_test(test_smmuv2_indexing),
		cmocka_unit_test(test_smmuv2_masks),
		cmocka_unit_test(test_smmuv2_used_up),
		cmocka_unit_test(test_smmuv2_own_ids),
		cmocka_unit_test(test_smmuv2_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
