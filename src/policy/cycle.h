// SPDX-License-Identifier: MIT
/* Cycles of the whole dependency graph. See cycle.c, and place.c for how they are found. */
#ifndef WEIR_POLICY_CYCLE_H
#define WEIR_POLICY_CYCLE_H

#include <stdbool.h>
#include <stdint.h>

struct weir_fwnode;
struct weir_machine;

/* As weir_part_cycles's. */
int weir_cycles_relax_(struct weir_machine *m);

/*
 * How readily a dependency of that property gives way: the higher the sooner.
 * weir_cycle_rank_(NULL) is the rank of what never does.
 */
unsigned int weir_cycle_rank_(const char *property);

/* ---- place.c ---- */

#define WEIR_CYCLE_KEPT 0x80u /* of a firmware-node link: put back already */

struct weir_places {
	const uint32_t *component; /* by node index */
	int64_t *place;            /* by node index */
	struct weir_fwnode **needed, **needing; /* room for all nodes, each */
	uint32_t nr;
	uint64_t steps, budget;    /* links and nodes that searches have looked at, and may */
};

/*
 * In tree order, with parents alone; @component is borrowed until weir_places_fini_().
 * Return: 0; WEIR_ENOMEM.
 */
int weir_places_init_(struct weir_places *p, struct weir_machine *m, const uint32_t *component,
		      uint32_t nr, uint64_t budget);
void weir_places_fini_(struct weir_places *p, struct weir_machine *m);
/*
 * Makes room for a link between two nodes of one component, which the caller marks
 * WEIR_CYCLE_KEPT then. Return: false when it would close a circle, or when the budget is
 * spent and it may.
 */
bool weir_places_put_(struct weir_places *p, struct weir_fwnode *consumer,
		      struct weir_fwnode *supplier);

#endif
