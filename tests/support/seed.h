// SPDX-License-Identifier: MIT
/* Randomised tests: a new seed each run, printed; WEIR_SEED=N runs one again. */
#ifndef WEIR_TESTS_SEED_H
#define WEIR_TESTS_SEED_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static inline uint64_t seed_take(void)
{
	const char *given = getenv("WEIR_SEED");
	struct timespec t;
	uint64_t seed;

	clock_gettime(CLOCK_REALTIME, &t);
	seed = given ? strtoull(given, NULL, 0) : (uint64_t)t.tv_sec << 20 ^ (uint64_t)t.tv_nsec;
	printf("# WEIR_SEED=%llu\n", (unsigned long long)seed);
	return seed;
}

/* splitmix64 (Steele, Lea and Flood, 2014) */
static inline uint64_t seed_next(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

#endif
