// SPDX-License-Identifier: MIT
/* Strings without a C library: the few calls that the library needs. */
#ifndef WEIR_CORE_TEXT_H
#define WEIR_CORE_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

size_t weir_strlen_(const char *s);
bool weir_streq_(const char *a, const char *b);
/* Whether @s begins with the @n bytes at @prefix and has nothing after them. */
bool weir_streq_n_(const char *s, const char *prefix, size_t n);
void weir_memcpy_(void *to, const void *from, size_t bytes);
bool weir_memeq_(const void *a, const void *b, size_t bytes);
uint32_t weir_hash_bytes_(const void *data, size_t bytes);

/*
 * Formats like vsnprintf, of %s %d %u %x %lu %lx %llu %llx %zu %c %%: always ends
 * the text when @bytes is not 0. Return: the length it would have had.
 */
size_t weir_vformat_(char *buf, size_t bytes, const char *fmt, va_list args);
size_t weir_format_(char *buf, size_t bytes, const char *fmt, ...)
#if defined(__GNUC__)
	__attribute__((format(printf, 3, 4)))
#endif
	;

#endif
