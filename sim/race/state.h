// SPDX-License-Identifier: MIT
/* What a machine's future depends on, as a number. */
#ifndef WEIR_SIM_RACE_STATE_H
#define WEIR_SIM_RACE_STATE_H

#include "weir/weir.h"

/* Mixes a number into another: order counts. */
static inline uint64_t race_mix(uint64_t hash, uint64_t value)
{
	hash ^= value + 0x9e3779b97f4a7c15u + (hash << 6) + (hash >> 2);
	hash *= 0xff51afd7ed558ccdu;
	return hash ^ hash >> 33;
}

/*
 * Devices, what they are bound to, who waits behind whom in the lists of the policy, which
 * links hold what back, which IOMMUs are published: two machines that were made alike and differ in
 * none of these go on alike. Context: no other thread is in the library.
 */
uint64_t race_state(const struct weir_machine *m);

#endif
