// SPDX-License-Identifier: MIT
/* Strings and formatting without a C library. No state. */
#include "core/text.h"

size_t weir_strlen_(const char *s)
{
	size_t n = 0;

	while (s[n])
		n++;
	return n;
}

bool weir_streq_(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

bool weir_streq_n_(const char *s, const char *prefix, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (s[i] != prefix[i] || !s[i])
			return false;
	return !s[n];
}

void weir_memcpy_(void *to, const void *from, size_t bytes)
{
	char *t = to;
	const char *f = from;

	for (size_t i = 0; i < bytes; i++)
		t[i] = f[i];
}

bool weir_memeq_(const void *a, const void *b, size_t bytes)
{
	const unsigned char *x = a, *y = b;

	for (size_t i = 0; i < bytes; i++)
		if (x[i] != y[i])
			return false;
	return true;
}

/* FNV-1a, 32 bit (draft-eastlake-fnv), with a final mix for power-of-two tables. */
uint32_t weir_hash_bytes_(const void *data, size_t bytes)
{
	const unsigned char *p = data;
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < bytes; i++)
		h = (h ^ p[i]) * 16777619u;
	return h ^ (h >> 15);
}

struct out {
	char *buf;
	size_t bytes;
	size_t len;
};

static void put(struct out *o, char c)
{
	if (o->len + 1 < o->bytes)
		o->buf[o->len] = c;
	o->len++;
}

static void put_number(struct out *o, uint64_t v, unsigned int base, unsigned int width, char pad)
{
	char digits[24];
	unsigned int n = 0;

	do {
		digits[n++] = "0123456789abcdef"[v % base];
		v /= base;
	} while (v);
	while (width-- > n && width < 24)
		put(o, pad);
	while (n)
		put(o, digits[--n]);
}

static void put_string(struct out *o, const char *s)
{
	for (s = s ? s : "(null)"; *s; s++)
		put(o, *s);
}

/* One integer conversion; @longs counts the l's (z counts as one). */
static void put_integer(struct out *o, char conv, unsigned int longs, unsigned int width, char pad,
			va_list *args)
{
	uint64_t v;

	if (conv == 'd') {
		int64_t s = longs > 1 ? va_arg(*args, long long) :
			    longs     ? va_arg(*args, long) :
					va_arg(*args, int);

		if (s < 0)
			put(o, '-');
		v = s < 0 ? 0 - (uint64_t)s : (uint64_t)s;
	} else {
		v = longs > 1 ? va_arg(*args, unsigned long long) :
		    longs     ? va_arg(*args, unsigned long) :
				va_arg(*args, unsigned int);
	}
	put_number(o, v, conv == 'x' ? 16 : 10, width, pad);
}

/* va_list may be an array type: it travels inside a struct to be passed on by address. */
struct arglist {
	va_list list;
};

static const char *put_conversion(struct out *o, const char *fmt, struct arglist *args)
{
	unsigned int longs = 0, width = 0;
	char pad = ' ';

	if (*fmt == '0')
		pad = *fmt++;
	while (*fmt >= '0' && *fmt <= '9')
		width = width * 10 + (unsigned int)(*fmt++ - '0');
	while (*fmt == 'l' || *fmt == 'z') {
		longs++;
		fmt++;
	}
	switch (*fmt) {
	case 's':
		put_string(o, va_arg(args->list, const char *));
		break;
	case 'c':
		put(o, (char)va_arg(args->list, int));
		break;
	case 'd':
	case 'u':
	case 'x':
		put_integer(o, *fmt, longs, width, pad, &args->list);
		break;
	case '\0':
		return fmt;
	default:
		put(o, *fmt);
		break;
	}
	return fmt + 1;
}

size_t weir_vformat_(char *buf, size_t bytes, const char *fmt, va_list args)
{
	struct out o = { buf, bytes, 0 };
	struct arglist a;

	va_copy(a.list, args);
	while (*fmt) {
		if (*fmt == '%')
			fmt = put_conversion(&o, fmt + 1, &a);
		else
			put(&o, *fmt++);
	}
	va_end(a.list);
	if (bytes)
		buf[o.len < bytes ? o.len : bytes - 1] = '\0';
	return o.len;
}

size_t weir_format_(char *buf, size_t bytes, const char *fmt, ...)
{
	va_list args;
	size_t len;

	va_start(args, fmt);
	len = weir_vformat_(buf, bytes, fmt, args);
	va_end(args);
	return len;
}
