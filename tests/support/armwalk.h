// SPDX-License-Identifier: MIT
/*
 * A walk of Arm's VMSAv8-64 tables, from the Arm Architecture Reference Manual (DDI 0487), chapter D8:
 * written for tests from the manual alone, and sharing nothing with what writes tables.
 */
#ifndef WEIR_ARMWALK_H
#define WEIR_ARMWALK_H

#include "weir/table.h"

struct armwalk {
	uint64_t pa;         /* of the address itself */
	uint64_t page_bytes; /* of one entry; 0: a fault */
	int level;           /* where the walk ended, 3 is the last */
	bool contiguous;
	bool read, write, execute, af, global;
	bool nt;
	unsigned int sh;     /* the field: 2 outer, 3 inner */
	unsigned int memory; /* stage 1: the byte of @mair; stage 2: MemAttr */
};

typedef uint64_t armwalk_read_fn(void *context, uint64_t pa);

/*
 * 0, with or without a translation; otherwise the tables are wrong: a text says how. @mair: as the
 * walker has it, for stage 1.
 */
const char *armwalk(const struct weir_tables *tables, uint64_t mair, armwalk_read_fn *read,
		    void *context, uint64_t iova, struct armwalk *out_walk);

#endif
