// SPDX-License-Identifier: MIT
/*
 * The SMMUv3 driver's hardware layer on the hostile model: what it refuses, what it does when
 * the hardware misbehaves, and that nothing it does is ever a finding, whatever the seed. Tables
 * are made here.
 */
#include <stdio.h>
#include <string.h>

#include "cm.h"
#include "hw/host.h"
#include "testhost.h"
#include "weir/arm_smmu_v3.h"

#define BASE 0x09050000ull
#define LINE 74u
#define SID 5u
#define OTHER 0x421u
#define IOVA 0x7f0000000000ull
#define NR_TOLD 64u

struct bed {
	struct hwhost *h;
	struct smmu3 *s;
	struct testhost *t;
	struct weir_host_ops ops;      /* of t; a test may take calls out */
	struct weir_smmu_v3_config config;
	struct weir_smmu_v3 *smmu;
	struct weir_fault faults[NR_TOLD];
	unsigned int nr_faults;
	const char *told;              /* the first thing it said of itself */
	unsigned int nr_told;
};

static void on_fault(void *arg, const struct weir_fault *fault)
{
	struct bed *bed = arg;

	if (fault->what) {
		if (!bed->nr_told++)
			bed->told = fault->what;
		return;
	}
	if (bed->nr_faults < NR_TOLD)
		bed->faults[bed->nr_faults] = *fault;
	bed->nr_faults++;
}

static void bed_init(struct bed *bed, const struct smmu3_config *config)
{
	memset(bed, 0, sizeof(*bed));
	bed->h = hwhost_create(4 << 20, config->seed);
	bed->s = hwhost_smmu(bed->h, BASE, config, LINE);
	bed->t = testhost_create(hwhost_ops(bed->h), bed->h);
	bed->h->around_irq = testhost_interrupt;
	bed->ops = *testhost_ops(bed->t);
	bed->config = (struct weir_smmu_v3_config){
		.name = "smmu", .base_pa = BASE, .nr_lines = 2, .lines = { LINE, LINE + 2 },
		.timeout_ns = 10000000, .stream_bits = 11,
		.fault = on_fault, .arg = bed,
	};
	smmu3_master(bed->s, SID, 1);
	smmu3_master(bed->s, OTHER, 2);
}

static int bed_create(struct bed *bed)
{
	return weir_smmu_v3_create(&bed->ops, bed->t, &bed->config, &bed->smmu);
}

static void bed_open(struct bed *bed, uint64_t seed)
{
	struct smmu3_config config;

	smmu3_config_usual(&config);
	config.seed = seed;
	bed_init(bed, &config);
	assert_int_equal(bed_create(bed), 0);
}

static void no_findings(struct bed *bed)
{
	if (smmu3_findings(bed->s, SMMU3_FINDINGS))
		fail_msg("%s", smmu3_first_finding(bed->s));
}

static void bed_close(struct bed *bed)
{
	bed->smmu = weir_smmu_v3_destroy(bed->smmu);
	no_findings(bed);
	testhost_destroy(bed->t);
	hwhost_destroy(bed->h);
}

/* ---- tables: 4 KiB pages, stage 1 of 48 bits or stage 2 of 40 (Arm DDI 0487, D8.3) ---- */

struct table {
	struct bed *bed;
	bool stage2;
	uint64_t pages[24];
	unsigned int used;
	struct weir_tables tables;
};

static uint64_t *at_pa(struct bed *bed, uint64_t pa)
{
	return hwram_va(bed->h->ram, pa, 8);
}

static void seen(struct table *table, uint64_t *entry)
{
	uint64_t pa;

	assert_true(hwram_pa(table->bed->h->ram, entry, 8, &pa));
	if (table->tables.coherent)
		table->bed->ops.dma_barrier(table->bed->t);
	else
		table->bed->ops.cache_sync(table->bed->t, pa, 8, WEIR_CACHE_CLEAN);
}

static uint64_t new_page(struct table *table)
{
	void *va;
	uint64_t pa;

	assert_true(table->used < 24);
	assert_int_equal(table->bed->ops.pages_alloc(table->bed->t, 4096, 4096, &va, &pa), 0);
	table->pages[table->used++] = pa;
	return pa;
}

static void table_init(struct table *table, struct bed *bed, bool stage2)
{
	struct weir_table_config config;

	weir_smmu_v3_tables_get(bed->smmu, &config);
	*table = (struct table){ .bed = bed, .stage2 = stage2 };
	table->tables = (struct weir_tables){
		.format = stage2 ? WEIR_TABLE_ARM_S2 : WEIR_TABLE_ARM_S1,
		.granule_lg2 = 12, .iova_bits = stage2 ? 39 : 48, .pa_bits = 40,
		.levels = stage2 ? 3 : 4, .coherent = config.coherent,
	};
	table->tables.root_pa = new_page(table);
}

static void table_fini(struct table *table)
{
	for (unsigned int i = 0; i < table->used; i++)
		table->bed->ops.pages_free(table->bed->t, at_pa(table->bed, table->pages[i]),
					   table->pages[i], 4096);
}

static void table_set(struct table *table, uint64_t iova, uint64_t pa)
{
	uint64_t at = table->tables.root_pa, *entry;

	if (table->stage2)
		iova &= (1ull << 39) - 1;
	for (unsigned int shift = table->stage2 ? 30 : 39; shift > 12; shift -= 9) {
		entry = at_pa(table->bed, at) + (iova >> shift & 511);
		if (!*entry) {
			*entry = new_page(table) | 3;
			seen(table, entry);
		}
		at = *entry & 0xfffffffff000ull;
	}
	entry = at_pa(table->bed, at) + (iova >> 12 & 511);
	*entry = !pa ? 0 : table->stage2 ? pa | 0x7ff : pa | 0xf47;
	seen(table, entry);
}

static uint64_t in(const struct table *table, uint64_t iova)
{
	return table->stage2 ? iova & ((1ull << 39) - 1) : iova;
}

/* A page that DMA of masters @who may reach. */
static uint64_t buffer(struct bed *bed, uint8_t who)
{
	uint64_t pa;
	void *va;

	assert_int_equal(bed->ops.pages_alloc(bed->t, 4096, 4096, &va, &pa), 0);
	hwram_allow(bed->h->ram, pa, 4096, who, who);
	return pa;
}

static void buffer_free(struct bed *bed, uint64_t pa)
{
	hwram_allow(bed->h->ram, pa, 4096, 0, 0);
	bed->ops.pages_free(bed->t, at_pa(bed, pa), pa, 4096);
}

static enum smmu3_outcome touch(struct bed *bed, uint32_t sid, uint64_t iova)
{
	uint64_t data = 1;

	return smmu3_dma(bed->s, sid, iova, &data, 8, SMMU3_WRITE);
}

static struct weir_smmu_v3_domain *domain_of(struct bed *bed, const struct table *table)
{
	struct weir_smmu_v3_domain *domain;

	assert_int_equal(weir_smmu_v3_domain_create(bed->smmu, &table->tables, 0, &domain), 0);
	return domain;
}

/* ---- a whole story ---- */

static void unmap(struct table *table, struct weir_smmu_v3_domain *domain, uint64_t iova)
{
	const struct weir_invalidation what = {
		.iova = in(table, iova), .bytes = 4096, .page_bytes = 4096,
	};

	table_set(table, iova, 0);
	assert_int_equal(weir_smmu_v3_invalidate(domain, &what), 0);
	assert_int_equal(weir_smmu_v3_sync(domain), 0);
}

/* Attached, used, unmapped, replaced, blocked; rogues fire throughout. */
static void story(const struct smmu3_config *config, bool stage2)
{
	struct weir_smmu_v3_domain *one, *two;
	struct table first, second;
	struct bed bed;
	uint64_t a, b;

	bed_init(&bed, config);
	assert_int_equal(bed_create(&bed), 0);
	a = buffer(&bed, 1);
	b = buffer(&bed, 1);
	smmu3_rogue(bed.s, OTHER, a, SMMU3_WRITE);
	smmu3_rogue(bed.s, SID, in(&(struct table){ .stage2 = stage2 }, IOVA), SMMU3_WRITE);
	table_init(&first, &bed, stage2);
	table_init(&second, &bed, stage2);
	table_set(&first, IOVA, a);
	table_set(&second, IOVA, b);
	one = domain_of(&bed, &first);
	two = domain_of(&bed, &second);
	assert_int_equal(touch(&bed, SID, in(&first, IOVA)), SMMU3_ABORTED);
	for (unsigned int i = 0; i < 4; i++) {
		assert_int_equal(weir_smmu_v3_attach(bed.smmu, SID, one), 0);
		assert_int_equal(touch(&bed, SID, in(&first, IOVA)), SMMU3_LANDED);
		assert_int_equal(touch(&bed, SID, in(&first, IOVA) + 4096), SMMU3_ABORTED);
		unmap(&first, one, IOVA);
		hwram_allow(bed.h->ram, a, 4096, 0, 0);
		hwhost_points(bed.h, 50);
		assert_int_equal(touch(&bed, SID, in(&first, IOVA)), SMMU3_ABORTED);
		assert_int_equal(weir_smmu_v3_attach(bed.smmu, SID, two), 0);
		assert_int_equal(touch(&bed, SID, in(&first, IOVA)), SMMU3_LANDED);
		hwram_allow(bed.h->ram, a, 4096, 1, 1);
		table_set(&first, IOVA, a);
	}
	assert_int_equal(weir_smmu_v3_attach(bed.smmu, SID, NULL), 0);
	/* an access under way may still land, until the domain is gone */
	one = weir_smmu_v3_domain_destroy(one);
	two = weir_smmu_v3_domain_destroy(two);
	table_fini(&first);
	table_fini(&second);
	buffer_free(&bed, a);
	buffer_free(&bed, b);
	hwhost_points(bed.h, 200);
	assert_int_equal(touch(&bed, SID, IOVA), SMMU3_ABORTED);
	weir_smmu_v3_poll(bed.smmu);
	assert_true(bed.nr_faults > 0);
	bed_close(&bed);
}

#define SEEDS 40u

static void test_smmuv3_stage1(void **state)
{
	struct smmu3_config config;

	(void)state;
	for (unsigned int seed = 1; seed <= SEEDS; seed++) {
		smmu3_config_usual(&config);
		config.seed = seed;
		config.cfgi_ste_keeps_cds = seed % 2;
		story(&config, false);
	}
}

static void test_smmuv3_stage2(void **state)
{
	struct smmu3_config config;

	(void)state;
	for (unsigned int seed = 1; seed <= SEEDS; seed++) {
		smmu3_config_usual(&config);
		config.seed = seed;
		story(&config, true);
	}
}

/* Neither the SMMU nor masters see the CPU's caches; no ranges, linear tables. */
static void test_smmuv3_not_coherent(void **state)
{
	struct smmu3_config config;

	(void)state;
	for (unsigned int seed = 1; seed <= SEEDS; seed++) {
		smmu3_config_usual(&config);
		config.seed = seed;
		config.idr[0] &= ~SMMU3_IDR0_COHACC;
		config.idr[0] &= ~(3u << 27);
		config.idr[3] &= ~SMMU3_IDR3_RIL;
		config.masters_incoherent = true;
		story(&config, seed % 2);
	}
}

/* ---- what is refused ---- */

#define ST_LEVELS (3u << 27)

/* Registers that say this are refused, with these words in the log. */
static void refused(unsigned int idr, uint32_t clear, uint32_t set, int err, const char *words)
{
	struct smmu3_config config;
	struct bed bed;
	const char *log;

	smmu3_config_usual(&config);
	config.seed = 1;
	config.idr[idr] = (config.idr[idr] & ~clear) | set;
	bed_init(&bed, &config);
	assert_int_equal(bed_create(&bed), err);
	log = hwhost_log_take(bed.h);
	if (!strstr(log, words) || !strstr(log, "smmu: "))
		fail_msg("\"%s\" is not in \"%s\"", words, log);
	bed_close(&bed);
}

static void test_smmuv3_refuses_registers(void **state)
{
	(void)state;
	refused(0, 3, 0, WEIR_EIO, "S1P, S2P");
	refused(0, 3u << 2, 1u << 2, WEIR_EOPNOTSUPP, "TTF");
	refused(0, 3u << 2, 0, WEIR_EOPNOTSUPP, "TTF");
	refused(0, 3u << 21, 1u << 21, WEIR_EOPNOTSUPP, "TTENDIAN");
	refused(0, 3u << 21, 3u << 21, WEIR_EOPNOTSUPP, "TTENDIAN");
	refused(0, ST_LEVELS, 2u << 27, WEIR_EIO, "ST_LEVEL");
	refused(0, 3u << 24, 2u << 24, WEIR_EOPNOTSUPP, "STALL_MODEL");
	refused(0, 3u << 24, 3u << 24, WEIR_EIO, "STALL_MODEL");
	refused(0, SMMU3_IDR0_S2P, SMMU3_IDR0_VMID16, WEIR_EIO, "VMID16");
	refused(1, 0x3f, 33, WEIR_EIO, "SIDSIZE");
	refused(1, 0x1fu << 21, 20u << 21, WEIR_EIO, "CMDQS");
	refused(1, 0x1fu << 21, 0, WEIR_EIO, "CMDQS");
	refused(1, 0x1fu << 16, 31u << 16, WEIR_EIO, "EVENTQS");
	refused(1, 0, 1u << 29, WEIR_EOPNOTSUPP, "fixed places");
	refused(1, 0, 1u << 30, WEIR_EOPNOTSUPP, "fixed places");
	refused(3, 0, 3u << 11, WEIR_EIO, "BBML");
	refused(5, 7, 7, WEIR_EIO, "OAS");
	refused(5, 7u << 4, 0, WEIR_EIO, "page size");
	refused(5, 3u << 10, 2u << 10, WEIR_EIO, "VAX");
}

static void test_smmuv3_refuses_nothing_there(void **state)
{
	struct smmu3_config config;
	struct bed bed;

	(void)state;
	smmu3_config_usual(&config);
	bed_init(&bed, &config);
	smmu3_misbehave(bed.s, SMMU3_DEAD, 1);
	assert_int_equal(bed_create(&bed), WEIR_ENODEV);
	bed_close(&bed);
}

static void test_smmuv3_refuses_without_cache_sync(void **state)
{
	struct smmu3_config config;
	struct bed bed;

	(void)state;
	smmu3_config_usual(&config);
	config.idr[0] &= ~SMMU3_IDR0_COHACC;
	bed_init(&bed, &config);
	bed.ops.cache_sync = NULL;
	assert_int_equal(bed_create(&bed), WEIR_EOPNOTSUPP);
	assert_non_null(strstr(hwhost_log_take(bed.h), "cache_sync"));
	bed.ops.pages_alloc = NULL;
	assert_int_equal(bed_create(&bed), WEIR_EOPNOTSUPP);
	assert_non_null(strstr(hwhost_log_take(bed.h), "no pages"));
	bed_close(&bed);
}

/* Every call of the host that can fail does, once. */
static void test_smmuv3_every_call_fails(void **state)
{
	struct smmu3_config config;
	struct bed bed;
	unsigned long n = 0;
	bool hit = true;

	(void)state;
	smmu3_config_usual(&config);
	bed_init(&bed, &config);
	while (hit) {
		testhost_fail_at(bed.t, ++n);
		if (!bed_create(&bed)) {
			struct weir_smmu_v3_domain *domain = NULL;
			struct table table;

			hit = testhost_fault_hit(bed.t);
			testhost_fail_at(bed.t, 0);
			table_init(&table, &bed, false);
			for (unsigned long i = 1; !domain; i++) {
				testhost_fail_at(bed.t, i);
				(void)weir_smmu_v3_domain_create(bed.smmu, &table.tables, 0, &domain);
			}
			for (unsigned long i = 1;; i++) {
				int err;

				testhost_fail_at(bed.t, i);
				err = weir_smmu_v3_attach(bed.smmu, SID, domain);
				if (!err)
					break;
				assert_int_equal(err, WEIR_ENOMEM);
				assert_int_equal(touch(&bed, SID, IOVA), SMMU3_ABORTED);
			}
			testhost_fail_at(bed.t, 0);
			assert_int_equal(weir_smmu_v3_attach(bed.smmu, SID, NULL), 0);
			weir_smmu_v3_domain_destroy(domain);
			table_fini(&table);
			bed.smmu = weir_smmu_v3_destroy(bed.smmu);
		}
		testhost_fail_at(bed.t, 0);
		testhost_check_empty(bed.t);
		assert_in_range(n, 1, 100);
	}
	assert_true(n > 5);
	bed_close(&bed);
}

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

static void test_smmuv3_command_queue_stuck(void **state)
{
	(void)state;
	misbehaves(SMMU3_CMDQ_STUCK, "does not advance");
	misbehaves(SMMU3_SYNC_STUCK, "does not advance");
}

static void test_smmuv3_command_index_wild(void **state)
{
	(void)state;
	misbehaves(SMMU3_CMDQ_WILD, "makes no sense");
	misbehaves(SMMU3_DEAD, "makes no sense");
}

/* Commands that are late are waited for; events and errors that are nonsense do no harm. */
static void test_smmuv3_goes_on(void **state)
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
static void test_smmuv3_power_loss(void **state)
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
	struct weir_smmu_v3_domain *domain, *old_domain;
	struct weir_smmu_v3 *crashed;
	struct smmu3_config config;
	struct table table, left;
	struct bed bed;
	uint64_t a;

	smmu3_config_usual(&config);
	config.seed = seed;
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
	assert_int_equal(weir_smmu_v3_attach(bed.smmu, SID, NULL), 0);
	weir_smmu_v3_domain_destroy(domain);
	bed.smmu = weir_smmu_v3_destroy(bed.smmu);
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

static void test_smmuv3_taken_over(void **state)
{
	(void)state;
	for (unsigned int seed = 1; seed <= 20; seed++)
		taken_over(seed, seed % 2);
}

/* Two of them, each with its own streams, coming and going by themselves. */
static void test_smmuv3_two_instances(void **state)
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_smmuv3_stage1),
		cmocka_unit_test(test_smmuv3_stage2),
		cmocka_unit_test(test_smmuv3_not_coherent),
		cmocka_unit_test(test_smmuv3_refuses_registers),
		cmocka_unit_test(test_smmuv3_refuses_nothing_there),
		cmocka_unit_test(test_smmuv3_refuses_without_cache_sync),
		cmocka_unit_test(test_smmuv3_every_call_fails),
		cmocka_unit_test(test_smmuv3_command_queue_stuck),
		cmocka_unit_test(test_smmuv3_command_index_wild),
		cmocka_unit_test(test_smmuv3_goes_on),
		cmocka_unit_test(test_smmuv3_power_loss),
		cmocka_unit_test(test_smmuv3_taken_over),
		cmocka_unit_test(test_smmuv3_two_instances),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
