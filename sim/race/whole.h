// SPDX-License-Identifier: MIT
/*
 * The whole of what a run can go by, as a number: all memory that the library has from its host, and the
 * stacks and registers of all tasks. Two runs in which it is the same go on alike, so a search that was
 * there need not go on from there again (search.h): it is complete, whatever the code does in its steps.
 *
 * For processors with addresses of 64 bits. The number knows nothing of what the memory means, so what lies
 * elsewhere after the same work makes two states of one: memory is given out so that this is rare.
 */
#ifndef WEIR_SIM_RACE_WHOLE_H
#define WEIR_SIM_RACE_WHOLE_H

#include "race/sched.h"

struct race_whole;

/* NULL without memory. */
struct race_whole *race_whole_create(void);
void race_whole_destroy(struct race_whole *w);
/* A run begins: nothing is allocated. */
void race_whole_begin(struct race_whole *w);
/* For race_sched_memory(). */
const struct race_memory *race_whole_memory(struct race_whole *w);
/*
 * Of @bytes at @at, which was allocated before tasks ran, it says nothing, until the run ends: nothing
 * may go by that. Multiples of 8. Return: false when there is no room, or it was not.
 */
bool race_whole_without(struct race_whole *w, const void *at, size_t bytes);
uint64_t race_whole_state(const struct race_whole *w, const struct race_sched *s);

/* More of a state. */
uint64_t race_hash(uint64_t hash, const void *at, size_t bytes);

#endif
