// SPDX-License-Identifier: MIT
/*
 * Work on host threads, and waiting for it. Each piece that runs is in the machine's list,
 * with the number of its thread: whoever asks from inside one is never made to wait for
 * the others, of which one may wait for it, or for itself. Guarded by the machine lock.
 */
#include "core/core.h"

void weir_async_begin_(struct weir_machine *m, struct weir_async *out_async)
{
	out_async->thread = m->ops->thread_self(m->host);
	weir_list_add_tail(&m->async, &out_async->node);
}

void weir_async_end_(struct weir_async *async)
{
	weir_list_del(&async->node);
}

bool weir_async_inside_(const struct weir_machine *m)
{
	struct weir_async *async;
	uint64_t self;

	if (weir_list_empty(&m->async))
		return false;
	self = m->ops->thread_self(m->host);
	weir_list_each(async, &m->async, struct weir_async, node)
		if (async->thread == self)
			return true;
	return false;
}

bool weir_async_wait_(struct weir_machine *m)
{
	if (!m->nr_async || !m->ops->thread_wait || weir_async_inside_(m))
		return false;
	weir_unlock_(m);
	m->ops->thread_wait(m->host);
	weir_lock_(m);
	return true;
}
