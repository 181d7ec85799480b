// SPDX-License-Identifier: MIT
/*
 * Two guests behind the hostile SMMUv3, by stage 2: each master reaches its guest's memory and
 * nothing else, while others fire at everything all the time.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hw/host.h"
#include "static_smmu.h"

#define SMMU 0x09050000u
#define RAM  (64u << 20)
#define MIB  (UINT64_C(1) << 20)

#define CHECK(what) ((what) ? (void)0 : fail(#what, __LINE__))

static void fail(const char *what, int line)
{
	fprintf(stderr, "static-smmu: line %d: not so: %s\n", line, what);
	exit(1);
}

/* What a master writes at an IOVA is found at @pa. */
static bool reaches(struct hwhost *h, uint32_t stream, uint64_t iova, uint64_t pa)
{
	uint8_t sent[64], found[64];

	for (unsigned int i = 0; i < sizeof(sent); i++)
		sent[i] = (uint8_t)(stream * 7 + (iova >> 12) + i);
	if (smmu3_dma(h->smmus[0].smmu, stream, iova, sent, sizeof(sent), SMMU3_WRITE | SMMU3_QUIET) !=
	    SMMU3_LANDED)
		return false;
	CHECK(hwram_read(h->ram, true, pa, found, sizeof(found)));
	return !memcmp(sent, found, sizeof(sent));
}

static void run(uint64_t seed)
{
	static const uint32_t first_streams[] = { 5, 6 }, second_streams[] = { 9 };
	struct hwhost *h = hwhost_create(RAM, seed);
	struct smmu3_config model;
	struct static_smmu s;
	uint64_t pa;
	void *va;

	smmu3_config_usual(&model);
	model.seed = seed;
	hwhost_smmu(h, SMMU, &model, 74);
	CHECK(hwram_alloc(h->ram, 8 * MIB, 2 * MIB, &va, &pa));

	const struct static_window first[] = { { 0x40000000, pa, 4 * MIB, WEIR_MAP_READ | WEIR_MAP_WRITE } };
	const struct static_window second[] = {
		{ 0x40000000, pa + 4 * MIB, 2 * MIB, WEIR_MAP_READ | WEIR_MAP_WRITE },
		{ 0x80000000, pa + 6 * MIB, 64 << 10, WEIR_MAP_READ },
	};
	const struct static_guest guests[] = {
		{ 1, first_streams, 2, first, 1 }, { 2, second_streams, 1, second, 2 },
	};
	const struct static_board board = {
		.smmu_pa = SMMU, .stage = WEIR_TABLE_ARM_S2, .guests = guests, .nr_guests = 2,
	};

	CHECK(!static_smmu_start(hwhost_ops(h), h, &board, NULL, &s));
	CHECK(reaches(h, 5, 0x40001000, pa + 0x1000));
	CHECK(reaches(h, 6, 0x403ff000, pa + 4 * MIB - 0x1000));
	CHECK(reaches(h, 9, 0x40001000, pa + 4 * MIB + 0x1000));
	CHECK(!reaches(h, 9, 0x80000000, pa + 6 * MIB)); /* to be read only */
	CHECK(!reaches(h, 5, 0x40400000, pa + 4 * MIB)); /* the other guest's memory */
	CHECK(!reaches(h, 5, pa, pa));
	CHECK(!reaches(h, 7, 0x40001000, pa + 0x1000)); /* a master that is nobody's */
	CHECK(!static_smmu_revoke(&s, 0, 0x40200000, 2 * MIB));
	CHECK(!reaches(h, 6, 0x403ff000, pa + 4 * MIB - 0x1000));
	CHECK(reaches(h, 5, 0x40001000, pa + 0x1000));
	static_smmu_stop(&s);
	CHECK(!reaches(h, 5, 0x40001000, pa + 0x1000));
	if (smmu3_findings(h->smmus[0].smmu, SMMU3_FINDINGS))
		fail(smmu3_first_finding(h->smmus[0].smmu), __LINE__);
	CHECK(hwram_free(h->ram, pa, 8 * MIB));
	hwhost_destroy(h);
}

int main(void)
{
	for (uint64_t seed = 1; seed <= 20; seed++)
		run(seed);
	puts("static-smmu: two guests by stage 2, 20 seeds: each reaches its own memory alone");
	return 0;
}
