// SPDX-License-Identifier: MIT
/* What libfdt wants of <stdlib.h>, for programs without a C library. */
#ifndef WEIR_FREESTANDING_STDLIB_H
#define WEIR_FREESTANDING_STDLIB_H

#include <stddef.h>

/* As in C, but for base 10 and 16 only and without errno: too large gives ULONG_MAX. */
unsigned long strtoul(const char *restrict s, char **restrict end, int base);

#endif
