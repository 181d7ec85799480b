// SPDX-License-Identifier: MIT
/*
 * The dice of the hardware models: a number that a seed decides, whatever else goes on.
 * The one who owns the structure is the one who throws.
 */
#ifndef WEIR_SIM_HW_RNG_H
#define WEIR_SIM_HW_RNG_H

#include <stdbool.h>
#include <stdint.h>

struct hwrng {
	uint64_t state;
};

static inline void hwrng_init(struct hwrng *rng, uint64_t seed)
{
	rng->state = seed * 0x9e3779b97f4a7c15ull + 0x2545f4914f6cdd1dull;
	if (!rng->state)
		rng->state = 1;
}

/* xorshift64*, Vigna 2016 */
static inline uint32_t hwrng_next(struct hwrng *rng)
{
	rng->state ^= rng->state >> 12;
	rng->state ^= rng->state << 25;
	rng->state ^= rng->state >> 27;
	return (uint32_t)((rng->state * 0x2545f4914f6cdd1dull) >> 32);
}

/* From now on it shows the lowest number: nothing is left to chance. */
static inline void hwrng_still(struct hwrng *rng)
{
	rng->state = 0;
}

static inline bool hwrng_is_still(const struct hwrng *rng)
{
	return !rng->state;
}

/* Below @n, which is not 0. */
static inline uint32_t hwrng_below(struct hwrng *rng, uint32_t n)
{
	return (uint32_t)(((uint64_t)hwrng_next(rng) * n) >> 32);
}

/* True @n times in 256. */
static inline bool hwrng_chance(struct hwrng *rng, unsigned int n)
{
	return (hwrng_next(rng) & 0xff) < n;
}

#endif
