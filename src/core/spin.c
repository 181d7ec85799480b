// SPDX-License-Identifier: MIT
/*
 * Spin locks and memory for any context. The counters are atomic, for the machine's
 * lock cannot be taken there.
 */
#include "weir/spin.h"

#include "core/core.h"

int weir_spin_init(struct weir_spin *spin, struct weir_machine *m, enum weir_lock_rank rank)
{
	struct weir_lock *lock = m->ops->spin_create ? m->ops->spin_create(m->host, rank)
						     : m->ops->lock_create(m->host, rank);

	if (!lock)
		return WEIR_ENOMEM;
	*spin = (struct weir_spin){ .ops = m->ops, .host = m->host, .lock = lock };
	return 0;
}

void weir_spin_fini(struct weir_spin *spin)
{
	if (!spin->ops)
		return;
	if (spin->ops->spin_destroy)
		spin->ops->spin_destroy(spin->host, spin->lock);
	else
		spin->ops->lock_destroy(spin->host, spin->lock);
	spin->ops = NULL;
}

void *weir_atomic_alloc(struct weir_machine *m, size_t bytes)
{
	void *mem = m->ops->alloc_atomic ? m->ops->alloc_atomic(m->host, bytes)
					 : m->ops->alloc(m->host, bytes);

	if (!mem)
		return NULL;
	atomic_fetch_add_explicit(&m->atomic_bytes, bytes, memory_order_relaxed);
	atomic_fetch_add_explicit(&m->atomic_count, 1, memory_order_relaxed);
	return mem;
}

void weir_atomic_free(struct weir_machine *m, void *mem, size_t bytes)
{
	if (!mem)
		return;
	atomic_fetch_sub_explicit(&m->atomic_bytes, bytes, memory_order_relaxed);
	atomic_fetch_sub_explicit(&m->atomic_count, 1, memory_order_relaxed);
	m->ops->free(m->host, mem, bytes);
}
