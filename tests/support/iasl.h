// SPDX-License-Identifier: MIT
/*
 * The decoder of ACPI's reference implementation (iasl -d), as a judge of the library's:
 * its fields are compared with what the library has in memory.
 */
#ifndef WEIR_TESTS_IASL_H
#define WEIR_TESTS_IASL_H

#include <stdbool.h>
#include <stddef.h>

struct weir_machine;

/* Whether there is an iasl on PATH. */
bool iasl_is_there(void);

/*
 * Compares a table's decode with that of a machine that has loaded the table. Of nodes
 * of a type that this iasl does not know only the head is compared.
 */
struct iasl_count {
	unsigned int nodes, maps, fields;
};
void iasl_compare_iort(const struct weir_machine *m, const void *table, size_t bytes,
		       struct iasl_count *out_count);
void iasl_compare_mcfg(const struct weir_machine *m, const void *table, size_t bytes,
		       struct iasl_count *out_count);

#endif
