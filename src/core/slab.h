// SPDX-License-Identifier: MIT
/*
 * Memory for the many small objects of a machine: links, devices, nodes. Taken from
 * the host in growing pieces and handed out again most recently freed first, so that
 * objects that are used together lie together, and on cache lines of their own. The
 * pieces go back to the host with the machine. Locked by the machine.
 *
 * Built with AddressSanitizer each object is an allocation of its own.
 */
#ifndef WEIR_CORE_SLAB_H
#define WEIR_CORE_SLAB_H

#include <stddef.h>

struct weir_machine;
struct weir_slab_piece;

struct weir_slab {
	size_t object_bytes;            /* (c) of one object, rounded up */
	void *free;                     /* (m) freed objects, each begins with the next */
	unsigned char *at, *end;        /* (m) what was never handed out of the newest piece */
	struct weir_slab_piece *pieces; /* (m) newest first */
};

/* For objects of @bytes. */
void weir_slab_init_(struct weir_slab *slab, size_t bytes);
/* All objects were freed before. */
void weir_slab_fini_(struct weir_machine *m, struct weir_slab *slab);
/* Return: a zeroed object; NULL without memory. */
void *weir_slab_alloc_(struct weir_machine *m, struct weir_slab *slab);
void weir_slab_free_(struct weir_machine *m, struct weir_slab *slab, void *object);

#endif
