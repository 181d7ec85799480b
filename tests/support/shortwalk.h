// SPDX-License-Identifier: MIT
/*
 * A walk of two-level tables with entries of 32 bits: Arm's short descriptors, from the Arm Architecture
 * Reference Manual for ARMv7-A (DDI 0406C), section B3.5, and the Exynos SysMMU's. Written for tests,
 * sharing nothing with what writes tables.
 */
#ifndef WEIR_SHORTWALK_H
#define WEIR_SHORTWALK_H

#include "armwalk.h"

/*
 * As armwalk(), by which what is found is told: the second level as 3, the first as 2; @memory as a byte
 * of MAIR (0 on Exynos), pages that are made of 16 entries as contiguous.
 */
const char *shortwalk(const struct weir_tables *tables, uint32_t prrr, uint32_t nmrr,
		      armwalk_read_fn *read, void *context, uint64_t iova,
		      struct armwalk *out_walk);

#endif
