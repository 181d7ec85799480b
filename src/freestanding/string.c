// SPDX-License-Identifier: MIT
/*
 * Memory and string functions for programs without a C library: those that
 * libfdt calls, and those that compilers call by themselves. Not part of the
 * library: a program that has a C library, or functions of its own, leaves this
 * file out. Plain byte loops; there is no state.
 */
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* GCC would see the loop in memcpy and make it a call of memcpy. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("no-tree-loop-distribute-patterns")
#endif

void *memcpy(void *restrict to, const void *restrict from, size_t bytes)
{
	unsigned char *t = to;
	const unsigned char *f = from;

	while (bytes--)
		*t++ = *f++;
	return to;
}

void *memmove(void *to, const void *from, size_t bytes)
{
	unsigned char *t = to;
	const unsigned char *f = from;

	if (t <= f)
		while (bytes--)
			*t++ = *f++;
	else
		while (bytes--)
			t[bytes] = f[bytes];
	return to;
}

void *memset(void *mem, int byte, size_t bytes)
{
	unsigned char *m = mem;

	while (bytes--)
		*m++ = (unsigned char)byte;
	return mem;
}

int memcmp(const void *a, const void *b, size_t bytes)
{
	const unsigned char *x = a, *y = b;

	for (; bytes; bytes--, x++, y++)
		if (*x != *y)
			return *x < *y ? -1 : 1;
	return 0;
}

void *memchr(const void *mem, int byte, size_t bytes)
{
	const unsigned char *m = mem;

	for (; bytes; bytes--, m++)
		if (*m == (unsigned char)byte)
			return (void *)m;
	return NULL;
}

size_t strnlen(const char *s, size_t max)
{
	size_t n = 0;

	while (n < max && s[n])
		n++;
	return n;
}

size_t strlen(const char *s)
{
	const char *end = s;

	while (*end)
		end++;
	return (size_t)(end - s);
}

int strcmp(const char *a, const char *b)
{
	for (; *a && *a == *b; a++)
		b++;
	return (unsigned char)*a - (unsigned char)*b;
}

char *strchr(const char *s, int c)
{
	for (; *s != (char)c; s++)
		if (!*s)
			return NULL;
	return (char *)s;
}

char *strrchr(const char *s, int c)
{
	const char *found = NULL;

	do {
		if (*s == (char)c)
			found = s;
	} while (*s++);
	return (char *)found;
}

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return INT_MAX;
}

unsigned long strtoul(const char *restrict s, char **restrict end, int base)
{
	const char *at = s;
	unsigned long value = 0;

	if (base == 16 && at[0] == '0' && (at[1] == 'x' || at[1] == 'X') &&
	    digit_value(at[2]) < base)
		at += 2;
	for (; digit_value(*at) < base; at++) {
		unsigned long digit = (unsigned long)digit_value(*at);

		if (value > (ULONG_MAX - digit) / (unsigned long)base)
			value = ULONG_MAX;
		else
			value = value * (unsigned long)base + digit;
	}
	if (end)
		*end = (char *)at;
	return value;
}
