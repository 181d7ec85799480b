// SPDX-License-Identifier: MIT
/*
 * Counting zeros, for processors without an instruction for it: compilers call these by
 * themselves (GCC internals manual, "Bit operations"). The results for 0 are undefined.
 */
#include <stdint.h>

int __clzdi2(uint64_t x);
int __ctzdi2(uint64_t x);

int __clzdi2(uint64_t x)
{
	int n = 63;

	for (int step = 32; step; step /= 2) {
		if (!(x >> step))
			continue;
		x >>= step;
		n -= step;
	}
	return n;
}

int __ctzdi2(uint64_t x)
{
	return 63 - __clzdi2(x & -x);
}
