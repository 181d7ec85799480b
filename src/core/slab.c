// SPDX-License-Identifier: MIT
/* The object memory of slab.h. */
#include "core/slab.h"

#include "core/core.h"

#if defined(__SANITIZE_ADDRESS__)
#define EACH_ALONE 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define EACH_ALONE 1
#endif
#endif
#ifndef EACH_ALONE
#define EACH_ALONE 0
#endif

#define LINE 64u /* bytes of a cache line of most machines; only speed hangs on it */
#define FIRST_PIECE 4096u
/* A piece is handed out zeroed: what was cleared is to be in the near caches still when it is used. */
#define LAST_PIECE ((size_t)256 << 10)

struct weir_slab_piece {
	struct weir_slab_piece *next;
	size_t bytes;
};

void weir_slab_init_(struct weir_slab *slab, size_t bytes)
{
	size_t unit = bytes > 2 * LINE ? LINE : LINE / 2;

	*slab = (struct weir_slab){ .object_bytes = (bytes + unit - 1) / unit * unit };
}

void weir_slab_fini_(struct weir_machine *m, struct weir_slab *slab)
{
	while (slab->pieces) {
		struct weir_slab_piece *piece = slab->pieces;

		slab->pieces = piece->next;
		m->stats.slab_bytes -= piece->bytes;
		m->ops->free(m->host, piece, piece->bytes);
	}
	weir_slab_init_(slab, slab->object_bytes);
}

/* Each piece has twice the bytes of the one before. */
static int add_piece(struct weir_machine *m, struct weir_slab *slab)
{
	size_t bytes = slab->pieces ? slab->pieces->bytes * 2 : FIRST_PIECE;
	struct weir_slab_piece *piece;
	uintptr_t first;

	if (bytes > LAST_PIECE)
		bytes = LAST_PIECE;
	piece = m->ops->alloc(m->host, bytes);
	if (!piece)
		return WEIR_ENOMEM;
	m->stats.slab_bytes += bytes;
	piece->bytes = bytes;
	piece->next = slab->pieces;
	slab->pieces = piece;
	first = ((uintptr_t)(piece + 1) + LINE - 1) / LINE * LINE;
	slab->at = (unsigned char *)piece + (first - (uintptr_t)piece);
	slab->end = (unsigned char *)piece + bytes;
	return 0;
}

static void *take_free(struct weir_slab *slab)
{
	uintptr_t *words = slab->free;

	slab->free = *(void **)slab->free;
	for (size_t i = 0; i < slab->object_bytes / sizeof(*words); i++)
		words[i] = 0;
	return words;
}

static void *take_new(struct weir_machine *m, struct weir_slab *slab)
{
	void *object;

	if ((size_t)(slab->end - slab->at) < slab->object_bytes && add_piece(m, slab))
		return NULL;
	object = slab->at;
	slab->at += slab->object_bytes;
	return object;
}

void *weir_slab_alloc_(struct weir_machine *m, struct weir_slab *slab)
{
	void *object;

	if (EACH_ALONE)
		return weir_alloc_(m, slab->object_bytes);
	object = slab->free ? take_free(slab) : take_new(m, slab);
	if (!object)
		return NULL;
	weir_count_alloc_(m, slab->object_bytes);
	return object;
}

void weir_slab_free_(struct weir_machine *m, struct weir_slab *slab, void *object)
{
	if (EACH_ALONE) {
		weir_free_(m, object, slab->object_bytes);
		return;
	}
	m->stats.alloc_bytes -= slab->object_bytes;
	m->stats.alloc_count--;
	*(void **)object = slab->free;
	slab->free = object;
}
