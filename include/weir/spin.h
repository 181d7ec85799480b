// SPDX-License-Identifier: MIT
/*
 * Spin locks, and memory, for what must work in any context: mappings, faults, the
 * queues of drivers. On a host without spin locks these are ordinary locks, and
 * then "any context" means any thread.
 */
#ifndef WEIR_SPIN_H
#define WEIR_SPIN_H

#include "weir/machine.h"

#ifdef __cplusplus
extern "C" {
#endif

struct weir_spin {
	const struct weir_host_ops *ops; /* NULL: not initialised */
	void *host;
	struct weir_lock *lock;
};

/**
 * weir_spin_init - make a lock of a rank from WEIR_LOCK_MIRROR on (host.h).
 * Context: thread. Return: 0; WEIR_ENOMEM.
 */
int weir_spin_init(struct weir_spin *spin, struct weir_machine *m, enum weir_lock_rank rank);
/** weir_spin_init_host - the same, of a host alone. Context: thread. Return: 0; WEIR_ENOMEM. */
int weir_spin_init_host(struct weir_spin *spin, const struct weir_host_ops *ops, void *host,
			enum weir_lock_rank rank);
/** weir_spin_fini - fine for one that is all zero. Context: thread. */
void weir_spin_fini(struct weir_spin *spin);

/* Takes the lock, in any context. What it returns is given back to weir_spin_unlock(). */
static inline unsigned long weir_spin_lock(const struct weir_spin *spin)
{
	if (spin->ops->spin_lock)
		return spin->ops->spin_lock(spin->host, spin->lock);
	spin->ops->lock(spin->host, spin->lock);
	return 0;
}

static inline void weir_spin_unlock(const struct weir_spin *spin, unsigned long before)
{
	if (spin->ops->spin_unlock)
		spin->ops->spin_unlock(spin->host, spin->lock, before);
	else
		spin->ops->unlock(spin->host, spin->lock);
}

/**
 * weir_atomic_alloc - zeroed memory without sleeping and without a lock of the library;
 * counted in the machine's statistics. Context: any. Return: NULL when there is none.
 */
void *weir_atomic_alloc(struct weir_machine *m, size_t bytes);
/** weir_atomic_free - give it back, @bytes as then; NULL is fine. Context: any. */
void weir_atomic_free(struct weir_machine *m, void *mem, size_t bytes);

#ifdef __cplusplus
}
#endif
#endif
