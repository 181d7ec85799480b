// SPDX-License-Identifier: MIT
/* Cycles of the whole dependency graph. See cycle.c. */
#ifndef WEIR_POLICY_CYCLE_H
#define WEIR_POLICY_CYCLE_H

struct weir_machine;

/* Marks the firmware-node links that give way. Return: 0; WEIR_ENOMEM. */
int weir_cycles_relax_(struct weir_machine *m);

/*
 * How readily a dependency of that property gives way: the higher the sooner.
 * weir_cycle_rank_(NULL) is the rank of what never does.
 */
unsigned int weir_cycle_rank_(const char *property);

#endif
