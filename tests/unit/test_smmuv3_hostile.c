// SPDX-License-Identifier: MIT
/*
 * The SMMUv3 driver's hardware layer and translation tables on the hostile model: streams that
 * change their domains, pages that come and go, tables that are unlinked, power that goes; with
 * rogue masters at every point, and a seed for each run. See smmuworld.h. What the driver
 * refuses, and hardware that fails, are in test_smmuv3.c and test_smmuv3_hard.c.
 */
#include <stdlib.h>

#include "smmuworld.h"

#define SEEDS 12u /* runs of each test; WEIR_SEEDS=N: so many */
#define STEPS 60u

static uint64_t seeds(void)
{
	const char *given = getenv("WEIR_SEEDS");

	return given ? strtoull(given, NULL, 0) : SEEDS;
}

static void open_driver(struct sw *w)
{
	sw_machine(w);
	assert_int_equal(sw_try_create(w), 0);
	sw_rogues(w);
}

static void open_domains(struct sw *w)
{
	bool s1 = w->config.idr[0] & SMMU3_IDR0_S1P, s2 = w->config.idr[0] & SMMU3_IDR0_S2P;

	for (unsigned int i = 0; i < SW_DOMAINS; i++)
		sw_domain_open(w, &w->domains[i],
			       s2 && (i == 1 || !s1) ? WEIR_TABLE_ARM_S2 : WEIR_TABLE_ARM_S1);
}

static void close_all(struct sw *w)
{
	for (unsigned int i = 0; i < SW_STREAMS; i++)
		sw_attach(w, i, -1);
	for (unsigned int i = 0; i < SW_DOMAINS; i++)
		sw_domain_close(w, &w->domains[i]);
	w->smmu = weir_smmu_v3_destroy(w->smmu);
}

/* Several slots with one invalidation. */
static void unmap_many(struct sw *w, struct sw_domain *d, struct hwrng *rng)
{
	struct weir_table_gather gather = { .unlink = hwrng_chance(rng, 128) };
	bool taken[SW_SLOTS] = { false };

	for (unsigned int i = 0; i < SW_SLOTS; i++)
		if (d->slots[i].pa && hwrng_chance(rng, 128)) {
			taken[i] = true;
			sw_unmap_begin(d, i, &gather);
		}
	sw_flush(d, &gather);
	for (unsigned int i = 0; i < SW_SLOTS; i++)
		if (taken[i])
			sw_unmapped(w, d, i);
}

static void trim(struct sw_domain *d)
{
	struct weir_table_gather gather = { 0 };

	weir_table_trim(d->table, d->iova_base, 1ull << 39, &gather);
	sw_flush(d, &gather);
}

static void step(struct sw *w, struct hwrng *rng)
{
	struct sw_domain *d = &w->domains[hwrng_below(rng, SW_DOMAINS)];
	unsigned int slot = hwrng_below(rng, SW_SLOTS);

	switch (hwrng_below(rng, 12)) {
	case 0: case 1: case 2:
		sw_attach(w, hwrng_below(rng, SW_STREAMS), (int)hwrng_below(rng, SW_DOMAINS + 1) - 1);
		break;
	case 3:
		hwhost_points(w->hw, 5);
		weir_smmu_v3_poll(w->smmu);
		break;
	case 4:
		unmap_many(w, d, rng);
		break;
	case 5:
		trim(d);
		break;
	case 6:
		if (d->slots[slot].pa)
			sw_cut(w, d, slot);
		break;
	default:
		if (d->slots[slot].pa)
			sw_unmap(w, d, slot, hwrng_chance(rng, 128));
		else
			sw_map(w, d, slot);
	}
	sw_aim(w, rng);
}

/* What was recorded was told, each of it once, but what came while the queue was full. */
static void check_faults(struct sw *w)
{
	smmu3_rogues_stop(w->model);
	for (unsigned int i = 0; i < 20; i++) {
		hwhost_points(w->hw, 5);
		weir_smmu_v3_poll(w->smmu);
	}
	assert_true(w->faults > 0 && !w->strange);
	assert_int_equal(w->faults, smmu3_stats_get(w->model)->events);
	sw_rogues(w);
}

static void random_life(struct sw *w)
{
	struct hwrng rng;

	hwrng_init(&rng, w->config.seed);
	open_driver(w);
	open_domains(w);
	for (unsigned int i = 0; i < STEPS; i++) {
		step(w, &rng);
		sw_verify(w);
	}
	check_faults(w);
	close_all(w);
	sw_close(w);
}

static void test_smmuv3_hostile_coherent(void **state)
{
	struct sw w;

	(void)state;
	for (uint64_t seed = 1; seed <= seeds(); seed++) {
		sw_init(&w, seed);
		random_life(&w);
	}
}

static void test_smmuv3_hostile_noncoherent(void **state)
{
	struct sw w;

	(void)state;
	for (uint64_t seed = 1; seed <= seeds(); seed++) {
		sw_init(&w, seed);
		w.config.idr[0] &= ~SMMU3_IDR0_COHACC;
		w.config.masters_incoherent = true;
		random_life(&w);
	}
}

/* Without ranges; one stage; few streams; GBPA that cannot abort; small queues. */
static void test_smmuv3_hostile_features(void **state)
{
	struct sw w;

	(void)state;
	for (uint64_t seed = 1; seed <= seeds(); seed++) {
		sw_init(&w, seed);
		switch (seed % 6) {
		case 0: w.config.idr[3] = 0; break;
		case 1: w.config.idr[0] &= ~(SMMU3_IDR0_S2P | SMMU3_IDR0_VMID16); break;
		case 2: w.config.idr[0] &= ~SMMU3_IDR0_S1P; break;
		case 3: w.config.no_abort = true; break;
		case 4: w.config.idr[1] = SMMU3_IDR1(16, 0, 1, 3); break;
		default: w.config.idr[0] &= ~(SMMU3_IDR0_ST2L | SMMU3_IDR0_ASID16 | SMMU3_IDR0_VMID16);
			w.config.idr[1] = SMMU3_IDR1(14, 0, 7, 8);
		}
		random_life(&w);
	}
}

/* Blocks that become tables while they are used, as far as the walker stands it. */
static void test_smmuv3_hostile_bbm(void **state)
{
	struct sw w;

	(void)state;
	for (uint64_t seed = 1; seed <= seeds(); seed++) {
		sw_init(&w, seed);
		w.config.idr[3] |= SMMU3_IDR3_BBML(1 + seed % 2);
		random_life(&w);
	}
}

/* Pages of 16 and 64 KiB. */
static void test_smmuv3_hostile_granules(void **state)
{
	struct sw w;

	(void)state;
	for (uint64_t seed = 1; seed <= seeds(); seed++) {
		sw_init(&w, seed);
		w.granule_lg2 = seed & 1 ? 14 : 16;
		if (seed % 4 == 3)
			w.config.idr[0] &= ~SMMU3_IDR0_COHACC;
		random_life(&w);
	}
}

static void init_long(struct sw *w, uint64_t seed)
{
	sw_init(w, seed);
	w->is_long = true;
	w->granule_lg2 = seed & 1 ? 12 : 14;
	w->config.idr[5] = SMMU3_OAS_52 | SMMU3_IDR5_4K | SMMU3_IDR5_16K | SMMU3_IDR5_DS |
			   SMMU3_IDR5_VA52;
}

/* Memory and addresses of 52 bits, with small pages: a level -1, tables side by side, other descriptors. */
static void test_smmuv3_hostile_long_addresses(void **state)
{
	struct sw w;

	(void)state;
	for (uint64_t seed = 1; seed <= seeds(); seed++) {
		init_long(&w, seed);
		if (seed % 4 > 1)
			w.config.idr[0] &= ~SMMU3_IDR0_COHACC;
		w.config.idr[3] |= SMMU3_IDR3_BBML(seed % 3);
		random_life(&w);
	}
}

/* Their blocks of 512 and 64 GiB, of which nothing is left when they are gone. */
static void test_smmuv3_hostile_largest_blocks(void **state)
{
	struct sw w;

	(void)state;
	for (uint64_t seed = 1; seed <= seeds(); seed++) {
		struct weir_table_gather gather = { .unlink = true };
		struct sw_domain *d = &w.domains[seed % 3];
		uint64_t bytes, pa, got;

		init_long(&w, seed);
		open_driver(&w);
		open_domains(&w);
		bytes = 1ull << (w.granule_lg2 == 12 ? 39 : 36);
		pa = w.hw->ram->base + SW_PLACES;
		sw_attach(&w, 1, (int)(seed % 3));
		assert_int_equal(weir_table_map(d->table, SW_LONG, pa & ~(bytes - 1), bytes, WEIR_MAP_READ), 0);
		hwram_allow(w.hw->ram, pa, 0x1000, 2, 0);
		smmu3_rogue_aim(w.model, 1, SW_LONG + (pa & (bytes - 1)));
		assert_int_equal(smmu3_translate(w.model, sw_sid(1), SW_LONG + (pa & (bytes - 1)),
						 SMMU3_READ, &got), SMMU3_LANDED);
		assert_true(got == pa);
		assert_int_equal(weir_table_unmap(d->table, SW_LONG, bytes, &gather), 0);
		sw_flush(d, &gather);
		hwram_allow(w.hw->ram, pa, 0x1000, 0, 0);
		hwhost_points(w.hw, 20);
		assert_int_equal(smmu3_translate(w.model, sw_sid(1), SW_LONG + (pa & (bytes - 1)),
						 SMMU3_READ, &got), SMMU3_ABORTED);
		close_all(&w);
		sw_close(&w);
	}
}

/* Domains go and come while others stay: their ids are used again. */
static void test_smmuv3_hostile_ids(void **state)
{
	struct hwrng rng;
	struct sw w;

	(void)state;
	for (uint64_t seed = 1; seed <= seeds(); seed++) {
		sw_init(&w, seed);
		hwrng_init(&rng, seed);
		open_driver(&w);
		open_domains(&w);
		for (unsigned int i = 0; i < 12; i++) {
			struct sw_domain *d = &w.domains[i % SW_DOMAINS];
			enum weir_table_format format = d->tables.format;

			for (unsigned int slot = 0; slot < SW_SLOTS; slot += 2)
				sw_map(&w, d, slot);
			sw_attach(&w, i % SW_STREAMS, (int)(i % SW_DOMAINS));
			sw_aim(&w, &rng);
			sw_verify(&w);
			for (unsigned int s = 0; s < SW_STREAMS; s++)
				if (w.behind[s] == (int)(i % SW_DOMAINS))
					sw_attach(&w, s, -1);
			sw_domain_close(&w, d);
			sw_domain_open(&w, d, format);
			hwhost_points(w.hw, 10);
		}
		close_all(&w);
		sw_close(&w);
	}
}

/* Power goes, with everything that the SMMU knew. */
static void test_smmuv3_hostile_power(void **state)
{
	struct hwrng rng;
	struct sw w;

	(void)state;
	for (uint64_t seed = 1; seed <= seeds(); seed++) {
		sw_init(&w, seed);
		w.config.gbpa = 1u << 20; /* what has no power, and what comes up, lets nothing pass */
		hwrng_init(&rng, seed);
		open_driver(&w);
		open_domains(&w);
		for (unsigned int round = 0; round < 4; round++) {
			int behind[SW_STREAMS];

			for (unsigned int i = 0; i < 10; i++)
				step(&w, &rng);
			sw_verify(&w);
			weir_smmu_v3_suspend(w.smmu);
			smmu3_power(w.model, false);
			hwhost_points(w.hw, 10);
			smmu3_power(w.model, true);
			assert_int_equal(weir_smmu_v3_resume(w.smmu), 0);
			memcpy(behind, w.behind, sizeof(behind));
			for (unsigned int i = 0; i < SW_STREAMS; i++) {
				w.behind[i] = -1;
				sw_attach(&w, i, behind[i]);
			}
			sw_verify(&w);
		}
		close_all(&w);
		sw_close(&w);
	}
}

/* Loaded and unloaded, the rogue masters go on all the time. */
static void test_smmuv3_hostile_cycles(void **state)
{
	struct sw w;

	(void)state;
	for (uint64_t seed = 1; seed <= seeds(); seed++) {
		sw_init(&w, seed);
		w.config.no_abort = seed & 1;
		open_driver(&w);
		for (unsigned int round = 0; round < 4; round++) {
			if (round)
				assert_int_equal(sw_try_create(&w), 0);
			open_domains(&w);
			sw_map(&w, &w.domains[0], 0);
			sw_attach(&w, 1, 0);
			sw_verify(&w);
			close_all(&w);
			hwhost_points(w.hw, 30);
			sw_check(&w);
		}
		sw_close(&w);
	}
}

/* Identity, and back. */
static void test_smmuv3_hostile_identity(void **state)
{
	uint64_t pa;
	struct sw w;

	(void)state;
	for (uint64_t seed = 1; seed <= seeds(); seed++) {
		sw_init(&w, seed);
		open_driver(&w);
		open_domains(&w);
		smmu3_rogues_stop(w.model);
		for (unsigned int i = 0; i < 6; i++) {
			sw_map(&w, &w.domains[i % 3], 0);
			sw_attach(&w, 0, (int)(i % 3));
			sw_verify(&w);
			assert_int_equal(weir_smmu_v3_attach_identity(w.smmu, sw_sid(0)), 0);
			assert_int_equal(smmu3_translate(w.model, sw_sid(0), 0x1000, SMMU3_READ, &pa),
					 SMMU3_LANDED);
			assert_true(pa == 0x1000);
			sw_attach(&w, 0, -1);
			sw_unmap(&w, &w.domains[i % 3], 0, true);
			sw_verify(&w);
		}
		close_all(&w);
		sw_close(&w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_smmuv3_hostile_coherent),
		cmocka_unit_test(test_smmuv3_hostile_noncoherent),
		cmocka_unit_test(test_smmuv3_hostile_features),
		cmocka_unit_test(test_smmuv3_hostile_bbm),
		cmocka_unit_test(test_smmuv3_hostile_granules),
		cmocka_unit_test(test_smmuv3_hostile_long_addresses),
		cmocka_unit_test(test_smmuv3_hostile_largest_blocks),
		cmocka_unit_test(test_smmuv3_hostile_ids),
		cmocka_unit_test(test_smmuv3_hostile_power),
		cmocka_unit_test(test_smmuv3_hostile_cycles),
		cmocka_unit_test(test_smmuv3_hostile_identity),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
