// SPDX-License-Identifier: MIT
/*
 * What libfdt and the compiler want of <string.h>, for programs without a C
 * library. The functions are in string.c; the library itself does not call them.
 */
#ifndef WEIR_FREESTANDING_STRING_H
#define WEIR_FREESTANDING_STRING_H

#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t bytes);
void *memmove(void *to, const void *from, size_t bytes);
void *memset(void *mem, int byte, size_t bytes);
int memcmp(const void *a, const void *b, size_t bytes);
void *memchr(const void *mem, int byte, size_t bytes);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);
int strcmp(const char *a, const char *b);
char *strchr(const char *s, int c);
char *strrchr(const char *s, int c);

#endif
