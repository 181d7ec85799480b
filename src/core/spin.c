// SPDX-License-Identifier: MIT
/*
 * Spin locks and memory for any context. The counters are atomic, for the machine's
 * lock cannot be taken there.
 */
#include "weir/spin.h"

#include "core/core.h"

int weir_spin_init_host(struct weir_spin *spin, const struct weir_host_ops *ops, void *host,
			enum weir_lock_rank rank)
{
	struct weir_lock *lock = ops->spin_create ? ops->spin_create(host, rank)
						  : ops->lock_create(host, rank);

	if (!lock)
		return WEIR_ENOMEM;
	*spin = (struct weir_spin){ .ops = ops, .host = host, .lock = lock };
	return 0;
}

int weir_spin_init(struct weir_spin *spin, struct weir_machine *m, enum weir_lock_rank rank)
{
	return weir_spin_init_host(spin, m->ops, m->host, rank);
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
