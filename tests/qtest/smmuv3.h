// SPDX-License-Identifier: MIT
/*
 * The hardware layer of the SMMUv3 driver on QEMU's model, with edu behind it and tables that
 * are made here, by the architecture manual (Arm DDI 0487, D8.3) and by nothing of the library.
 */
#ifndef WEIR_TESTS_SMMUV3_H
#define WEIR_TESTS_SMMUV3_H

#include <pthread.h>

#include "bench.h"
#include "weir/arm_smmu_v3.h"

#define SMMU_BASE 0x9050000u
#define SMMU_MAX_FAULTS 256u
#define SMMU_IOVA UINT64_C(0x7f0000000000)
#define SMMU_FILL 0xa5

struct smmu_bed {
	struct bench b;
	const struct weir_host_ops *ops;
	struct weir_smmu_v3 *smmu;
	struct edu edu, edu2;
	uint32_t stream, stream2;      /* theirs */
	uint8_t *va;                   /* two pages of RAM */
	uint64_t pa;
	pthread_mutex_t mutex;         /* faults may come on a thread of timers */
	struct weir_fault faults[SMMU_MAX_FAULTS];
	unsigned int nr_faults;
	unsigned int nr_told;          /* what it said of itself */
};

/* Everything but the IOMMU. */
void smmu_bed_prepare(struct smmu_bed *bed);
void smmu_bed_clear(struct smmu_bed *bed);
/* How it is made: named, its lines, faults to the bed. */
struct weir_smmu_v3_config smmu_bed_config(struct smmu_bed *bed);
void smmu_bed_open(struct smmu_bed *bed);
void smmu_bed_close(struct smmu_bed *bed);

unsigned int smmu_bed_nr_faults(struct smmu_bed *bed);
/* How many there were; they count from 0 again. */
unsigned int smmu_bed_faults(struct smmu_bed *bed);
/* All faults so far are of edu, of that kind, at @iova and the words behind it. */
void smmu_bed_assert_faults(struct smmu_bed *bed, uint64_t iova, unsigned int bytes,
			    enum weir_fault_reason reason, uint32_t flags);
void smmu_bed_read(struct smmu_bed *bed, uint64_t from, unsigned int bytes);
void smmu_bed_write(struct smmu_bed *bed, uint64_t to, unsigned int bytes);
/* As below, by the other edu. */
bool smmu_bed_lands2(struct smmu_bed *bed, uint64_t iova);
/* edu's buffer is full of a pattern; 64 bytes of it go to @iova. Whether they land in the second page. */
bool smmu_bed_lands(struct smmu_bed *bed, uint64_t iova);

/* Tables of stage 1, 4 KiB pages, 48 bits. */
#define TEST_TABLE_PAGES 16u
struct test_table {
	struct smmu_bed *bed;
	uint8_t *va;
	uint64_t pa;
	unsigned int used;
	struct weir_tables tables;
};
void test_table_init(struct test_table *table, struct smmu_bed *bed);
void test_table_fini(struct test_table *table);
/* One page; @pa: 0: it is taken away. */
void test_table_set(struct test_table *table, uint64_t iova, uint64_t pa, bool writable);

#endif
