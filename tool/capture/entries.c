// SPDX-License-Identifier: MIT
/* The pieces of a capture, within limits. */
#include "capture.h"

#include <stdlib.h>
#include <string.h>

static int grow(struct capture *c)
{
	size_t room = c->room ? 2 * c->room : 256;
	struct capture_entry *more;

	if (c->n < c->room)
		return 0;
	more = realloc(c->entries, room * sizeof(*more));
	if (!more)
		return WEIR_ENOMEM;
	c->entries = more;
	c->room = room;
	return 0;
}

int capture_add(struct capture *c, const char *name, const void *data, size_t bytes)
{
	struct capture_entry e = { .bytes = bytes };

	if (c->n == CAPTURE_MAX_ENTRIES || bytes > CAPTURE_MAX_BYTES - c->bytes)
		return WEIR_E2BIG;
	e.name = strdup(name);
	e.data = malloc(bytes + 1);
	if (!e.name || !e.data || grow(c)) {
		free(e.name);
		free(e.data);
		return WEIR_ENOMEM;
	}
	if (bytes)
		memcpy(e.data, data, bytes);
	e.data[bytes] = '\0';
	c->entries[c->n++] = e;
	c->bytes += bytes;
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct capture_entry *)a)->name, ((const struct capture_entry *)b)->name);
}

void capture_sort(struct capture *c)
{
	if (c->n)
		qsort(c->entries, c->n, sizeof(*c->entries), by_name);
}

const struct capture_entry *capture_find(const struct capture *c, const char *name)
{
	const struct capture_entry key = { .name = (char *)(uintptr_t)name };

	return c->n ? bsearch(&key, c->entries, c->n, sizeof(key), by_name) : NULL;
}

void capture_free(struct capture *c)
{
	for (size_t i = 0; i < c->n; i++) {
		free(c->entries[i].name);
		free(c->entries[i].data);
	}
	free(c->entries);
	*c = (struct capture){ 0 };
}
