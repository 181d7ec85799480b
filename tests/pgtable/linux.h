// SPDX-License-Identifier: MIT
/* Linux's tables, as compare.c sees them. */
#ifndef PGTABLE_LINUX_H
#define PGTABLE_LINUX_H

#include <stdbool.h>
#include <stdint.h>

/* Bits of @prot: IOMMU_READ and so on. */
#define LINUX_READ 1u
#define LINUX_WRITE 2u
#define LINUX_CACHE 4u
#define LINUX_NOEXEC 8u
#define LINUX_MMIO 16u

struct linux_table;

struct linux_table *linux_create(bool stage2, unsigned int granule_lg2, unsigned int iova_bits,
				 unsigned int pa_bits);
/* With entries of 32 bits; @out_prrr, @out_nmrr: what its memory types refer to. */
struct linux_table *linux_create_short(uint32_t *out_prrr, uint32_t *out_nmrr);
void linux_destroy(struct linux_table *lt);
unsigned long linux_sizes(const struct linux_table *lt);
const uint32_t *linux_root_short(const struct linux_table *lt);
const uint64_t *linux_root(const struct linux_table *lt, unsigned int *out_levels);
/* 0 or a negative errno. */
int linux_map(struct linux_table *lt, uint64_t iova, uint64_t pa, uint64_t bytes, unsigned int prot);
int linux_unmap(struct linux_table *lt, uint64_t iova, uint64_t bytes);
uint64_t linux_translate(struct linux_table *lt, uint64_t iova);

#endif
