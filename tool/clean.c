// SPDX-License-Identifier: MIT
/*
 * Text from outside, made fit for terminals and JSON: bytes that are no UTF-8 and control
 * characters become "?", so that nothing that a device tree, a capture or a log says can
 * move a cursor or make a document unreadable. In place: no size changes. No state.
 */
#include <libfdt.h>
#include <stdlib.h>
#include <string.h>

#include "weir.h"

/* Bytes of the character at @s, of at most @n; 0: it is none, or a control character. */
static size_t character(const unsigned char *s, size_t n)
{
	unsigned long c = s[0], least;
	size_t len;

	if (c < 0x80)
		return c >= 0x20 && c != 0x7f;
	len = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
	least = len == 4 ? 0x10000 : len == 3 ? 0x800 : 0xa0; /* U+0080 to U+009F are controls */
	if (c < 0xc2 || c > 0xf4 || n < len)
		return 0;
	c &= 0xffu >> (len + 1);
	for (size_t i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	return c < least || c > 0x10ffff || (c >= 0xd800 && c < 0xe000) ? 0 : len;
}

void text_clean(char *text, size_t bytes, const char *keep)
{
	for (size_t i = 0, len; i < bytes; i += len) {
		len = character((unsigned char *)text + i, bytes - i);
		if (len)
			continue;
		if (text[i] && !strchr(keep, text[i]))
			text[i] = '?';
		len = 1;
	}
}

json_t *json_text(const char *text)
{
	char *copy;
	json_t *value;

	if (!text)
		return json_null();
	copy = strdup(text);
	if (!copy)
		return NULL;
	text_clean(copy, strlen(copy), "");
	value = json_string(copy);
	free(copy);
	return value;
}

/* ---- device trees ---- */

static bool ends_with(const char *name, const char *end)
{
	size_t n = strlen(name), m = strlen(end);

	return n >= m && !strcmp(name + n - m, end);
}

/* Properties that are strings, by the specification and by use. */
static bool is_text(const char *node, const char *name)
{
	static const char *const names[] = { "compatible", "model", "status", "device_type", "label", "name",
					     "bootargs", "stdout-path", "firmware-name", "method" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(name, names[i]))
			return true;
	return ends_with(name, "-names") || !strcmp(node, "aliases") || !strcmp(node, "__symbols__");
}

static void clean_node(void *blob, int node)
{
	int len, prop;
	const char *at = fdt_get_name(blob, node, &len);
	char name[64];

	if (!at)
		return;
	snprintf(name, sizeof(name), "%s", at);
	text_clean((char *)(uintptr_t)at, (size_t)len, "");
	fdt_for_each_property_offset(prop, blob, node) {
		const char *key;
		const void *value = fdt_getprop_by_offset(blob, prop, &key, &len);

		if (value && len > 0 && is_text(name, key))
			text_clean((char *)(uintptr_t)value, (size_t)len, "");
	}
}

void tree_clean(void *blob, size_t bytes)
{
	int depth = 0;

	/* what is damaged is refused in words of the library's own */
	if (weir_dt_check(blob, bytes))
		return;
	for (int node = 0; node >= 0 && depth >= 0; node = fdt_next_node(blob, node, &depth))
		clean_node(blob, node);
	text_clean((char *)blob + fdt_off_dt_strings(blob), fdt_size_dt_strings(blob), "");
}
