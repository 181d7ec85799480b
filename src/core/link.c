// SPDX-License-Identifier: MIT
/*
 * Device links as objects: made, merged, relaxed, dropped. How they change when
 * devices are bound and unbound is in link_state.c.
 *
 * A link is in the lists of both its devices and holds a reference to each. Its
 * state and flags change only in weir_link_set_, which keeps the count of what
 * holds the consumer back.
 */
#include "core/core.h"

#define AUTOREMOVE (WEIR_LINK_AUTOREMOVE_CONSUMER | WEIR_LINK_AUTOREMOVE_SUPPLIER)
#define MARKERS (WEIR_LINK_INFERRED | WEIR_LINK_CYCLE | WEIR_LINK_MANAGED | WEIR_LINK_OPTIONAL)
#define ALL_FLAGS (MARKERS | AUTOREMOVE | WEIR_LINK_STATELESS | WEIR_LINK_PM_RUNTIME | \
		   WEIR_LINK_AUTOPROBE | WEIR_LINK_SYNC_STATE_ONLY | WEIR_LINK_ORDER)

static bool sync_only(uint32_t flags)
{
	return (flags & ~(uint32_t)(WEIR_LINK_INFERRED | WEIR_LINK_CYCLE | WEIR_LINK_OPTIONAL)) ==
	       (WEIR_LINK_SYNC_STATE_ONLY | WEIR_LINK_MANAGED);
}

bool weir_link_sync_only_(const struct weir_link *link)
{
	return sync_only(link->flags);
}

static bool blocks(uint32_t flags, enum weir_link_state state)
{
	return (flags & WEIR_LINK_MANAGED) && !(flags & WEIR_LINK_SYNC_STATE_ONLY) &&
	       (state == WEIR_LINK_DORMANT || state == WEIR_LINK_SUPPLIER_UNBIND);
}

void weir_link_set_(struct weir_link *link, uint32_t flags, enum weir_link_state state)
{
	struct weir_device *con = link->consumer;
	bool blocking = blocks(flags, state);

	if (link->state != state)
		weir_event_link_(WEIR_EVENT_LINK_STATE, link, state);
	link->flags = flags & ALL_FLAGS;
	link->state = state & 7u;
	if (blocking == link->blocking)
		return;
	link->blocking = blocking;
	if (blocking) {
		con->nr_blocking++;
		return;
	}
	con->nr_blocking--;
	if (!con->nr_blocking && con->m->policy->unblocked)
		con->m->policy->unblocked(con);
}

struct weir_link *weir_link_find_(struct weir_device *consumer, struct weir_device *supplier)
{
	struct weir_link *link;

	weir_list_each(link, &consumer->suppliers, struct weir_link, c_node)
		if (link->supplier == supplier)
			return link;
	return NULL;
}

/* ---- making ---- */

static int check_flags(uint32_t flags)
{
	uint32_t managed_kind = AUTOREMOVE | WEIR_LINK_AUTOPROBE | WEIR_LINK_SYNC_STATE_ONLY |
				WEIR_LINK_INFERRED | WEIR_LINK_CYCLE | WEIR_LINK_ORDER |
				WEIR_LINK_OPTIONAL;

	if (flags & ~(uint32_t)ALL_FLAGS)
		return WEIR_EINVAL;
	if ((flags & WEIR_LINK_STATELESS) && (flags & managed_kind))
		return WEIR_EINVAL;
	if ((flags & WEIR_LINK_AUTOPROBE) && (flags & AUTOREMOVE))
		return WEIR_EINVAL;
	if ((flags & WEIR_LINK_SYNC_STATE_ONLY) &&
	    (flags & ~(uint32_t)(MARKERS | WEIR_LINK_SYNC_STATE_ONLY)))
		return WEIR_EINVAL;
	return 0;
}

/* Without a lock step between the two, the state follows from theirs. */
static enum weir_link_state first_state(const struct weir_device *con,
					const struct weir_device *sup, uint32_t flags)
{
	if (flags & WEIR_LINK_STATELESS)
		return WEIR_LINK_NONE;
	switch (sup->status) {
	case WEIR_DEVICE_PROBING:
		return con->status == WEIR_DEVICE_PROBING ? WEIR_LINK_CONSUMER_PROBE
							  : WEIR_LINK_DORMANT;
	case WEIR_DEVICE_BOUND:
		if (con->status == WEIR_DEVICE_PROBING)
			return WEIR_LINK_CONSUMER_PROBE;
		return con->status == WEIR_DEVICE_BOUND ? WEIR_LINK_ACTIVE : WEIR_LINK_AVAILABLE;
	case WEIR_DEVICE_UNBINDING:
		return WEIR_LINK_SUPPLIER_UNBIND;
	default:
		return WEIR_LINK_DORMANT;
	}
}

/*
 * Of several properties that ask for the same thing one is told: not the first that
 * came, which depends on who was bound when, but the first in the alphabet.
 */
const char *weir_property_of_two_(const char *a, const char *b)
{
	size_t i = 0;

	if (!a || !b)
		return a ? a : b;
	while (a[i] && a[i] == b[i])
		i++;
	return (unsigned char)a[i] <= (unsigned char)b[i] ? a : b;
}

/* Whether the supplier must be bound: with an order link it is enough that it was tried. */
static bool needs_bound(uint32_t flags)
{
	return (flags & WEIR_LINK_MANAGED) &&
	       !(flags & (WEIR_LINK_ORDER | WEIR_LINK_SYNC_STATE_ONLY));
}

/* A probe asks for a supplier that leaves at this moment, on another thread. */
static void strand(struct weir_link *link)
{
	struct weir_device *con = link->consumer;

	if (link->blocking && link->state == WEIR_LINK_SUPPLIER_UNBIND &&
	    !(link->flags & WEIR_LINK_ORDER) && con->status == WEIR_DEVICE_PROBING)
		con->lost_supplier = true;
}

static struct weir_link *merge(struct weir_link *link, uint32_t flags, const char *property)
{
	uint32_t now = link->flags;
	enum weir_link_state state = link->state;
	bool was_blocking;

	link->property = weir_property_of_two_(link->property, property);
	if (!(flags & WEIR_LINK_INFERRED))
		now &= ~(uint32_t)WEIR_LINK_INFERRED;
	now |= flags & WEIR_LINK_PM_RUNTIME;
	if (needs_bound(flags))
		now &= ~(uint32_t)WEIR_LINK_ORDER;
	else if (!needs_bound(now))
		now |= flags & WEIR_LINK_ORDER;
	if (flags & WEIR_LINK_STATELESS) {
		now |= WEIR_LINK_STATELESS;
		link->refs++;
	} else {
		/* it lives as long as the longer of the two */
		if (!(flags & AUTOREMOVE))
			now &= ~(uint32_t)AUTOREMOVE;
		else if ((flags & WEIR_LINK_AUTOREMOVE_SUPPLIER) &&
			 (now & WEIR_LINK_AUTOREMOVE_CONSUMER))
			now = (now & ~(uint32_t)AUTOREMOVE) | WEIR_LINK_AUTOREMOVE_SUPPLIER;
		if (!(now & WEIR_LINK_MANAGED) || (link->flags & ~now & WEIR_LINK_ORDER)) {
			now |= WEIR_LINK_MANAGED;
			state = first_state(link->consumer, link->supplier, 0);
		}
		if ((now & WEIR_LINK_SYNC_STATE_ONLY) && !(flags & WEIR_LINK_SYNC_STATE_ONLY))
			now &= ~(uint32_t)WEIR_LINK_SYNC_STATE_ONLY;
	}
	was_blocking = link->blocking;
	weir_link_set_(link, now, state);
	strand(link);
	weir_rpm_link_made_(link);
	if (!was_blocking && link->consumer->m->policy->link_added)
		link->consumer->m->policy->link_added(link);
	return link;
}

/* Holes are squeezed out when they are more than half of the array, otherwise it grows. */
static int make_room(struct weir_machine *m)
{
	uint32_t n = 0;

	if (m->nr_links < m->max_links)
		return 0;
	if (m->stats.links >= m->max_links / 2)
		return weir_grow_(m, (void **)&m->links, &m->max_links, m->nr_links,
				  sizeof(struct weir_link *));
	for (uint32_t i = 0; i < m->nr_links; i++) {
		if (!m->links[i])
			continue;
		m->links[i]->index = n;
		m->links[n++] = m->links[i];
	}
	m->nr_links = n;
	return 0;
}

struct weir_link *weir_link_each_(const struct weir_machine *m, uint32_t *at)
{
	while (*at < m->nr_links) {
		struct weir_link *link = m->links[(*at)++];

		if (link)
			return link;
	}
	return NULL;
}

static int make(struct weir_device *con, struct weir_device *sup, uint32_t flags,
		const char *property, struct weir_link **out_link)
{
	struct weir_machine *m = con->m;
	struct weir_link *link = make_room(m) ? NULL : weir_slab_alloc_(m, &m->link_slab);

	if (!link)
		return WEIR_ENOMEM;
	link->consumer = con;
	link->supplier = sup;
	link->property = property;
	link->refs = 1;
	con->refs++;
	sup->refs++;
	weir_list_add_tail(&sup->consumers, &link->s_node);
	weir_list_add_tail(&con->suppliers, &link->c_node);
	link->index = m->nr_links;
	m->links[m->nr_links++] = link;
	m->stats.links++;
	weir_event_link_(WEIR_EVENT_LINK_ADD, link, flags);
	weir_link_set_(link, flags, first_state(con, sup, flags));
	strand(link);
	weir_rpm_link_made_(link);
	if (m->policy->link_added)
		m->policy->link_added(link);
	*out_link = link;
	return 0;
}

int weir_link_add_(struct weir_device *con, struct weir_device *sup, uint32_t flags,
		   const char *property, struct weir_link **out_link)
{
	struct weir_link *link;
	int err = check_flags(flags);

	if (!err && con == sup)
		err = WEIR_EINVAL;
	if (err)
		return err;
	if (!sup->added || con->m != sup->m)
		return WEIR_ENODEV;
	if (!(flags & WEIR_LINK_STATELESS))
		flags |= WEIR_LINK_MANAGED;
	if (flags & WEIR_LINK_SYNC_STATE_ONLY) {
		if (con->status != WEIR_DEVICE_NO_DRIVER && con->status != WEIR_DEVICE_PROBING)
			return WEIR_EINVAL;
	} else {
		err = weir_rank_below_(sup, con);
		if (err)
			return err;
	}
	link = weir_link_find_(con, sup);
	if (link && (flags & WEIR_LINK_STATELESS) && link->refs == WEIR_LINK_REFS_)
		return WEIR_EOVERFLOW;
	if (link) {
		*out_link = merge(link, flags, property);
		return 0;
	}
	return make(con, sup, flags, property, out_link);
}

int weir_link_add(struct weir_device *consumer, struct weir_device *supplier, uint32_t flags,
		  struct weir_link **out_link)
{
	struct weir_machine *m = consumer->m;
	struct weir_link *link;
	int err;

	weir_lock_(m);
	if (!consumer->added || consumer->dead || supplier->dead)
		err = WEIR_ENODEV;
	else
		err = weir_link_add_(consumer, supplier, flags, NULL, &link);
	weir_rpm_run_(m);
	weir_unlock_(m);
	if (!err && out_link)
		*out_link = link;
	return err;
}

/* ---- changing and dropping ---- */

void weir_link_relax_(struct weir_link *link)
{
	if (!(link->flags & (WEIR_LINK_INFERRED | WEIR_LINK_OPTIONAL)) || sync_only(link->flags))
		return;
	weir_rpm_link_gone_(link);
	weir_event_link_(WEIR_EVENT_LINK_RELAXED, link, link->flags);
	weir_link_set_(link, WEIR_LINK_MANAGED | WEIR_LINK_SYNC_STATE_ONLY | WEIR_LINK_INFERRED |
				     (link->flags & WEIR_LINK_OPTIONAL), link->state);
}

void *weir_link_take_out_(struct weir_link *link)
{
	struct weir_machine *m = link->consumer->m;
	struct weir_device *con = link->consumer;

	weir_rpm_link_gone_(link);
	weir_event_link_(WEIR_EVENT_LINK_DEL, link, link->flags);
	if (link->blocking) {
		link->blocking = false;
		if (!--con->nr_blocking && m->policy->unblocked)
			m->policy->unblocked(con);
	}
	if (link->supplier->consumer_at == &link->s_node)
		link->supplier->consumer_at = link->s_node.next;
	weir_list_del(&link->s_node);
	weir_list_del(&link->c_node);
	m->links[link->index] = NULL;
	m->stats.links--;
	weir_device_unref_(link->supplier);
	weir_device_unref_(con);
	return link;
}

void weir_link_drop_(struct weir_link *link)
{
	struct weir_machine *m = link->consumer->m;

	weir_slab_free_(m, &m->link_slab, weir_link_take_out_(link));
}

void weir_link_del(struct weir_link *link)
{
	struct weir_machine *m = link->consumer->m;

	weir_lock_(m);
	if (--link->refs == 0)
		weir_link_drop_(link);
	weir_rpm_run_(m);
	weir_unlock_(m);
}

/* ---- plain accessors ---- */

int weir_link_find(struct weir_device *consumer, struct weir_device *supplier,
		   struct weir_link **out_link)
{
	struct weir_link *link;

	weir_lock_(consumer->m);
	link = weir_link_find_(consumer, supplier);
	weir_unlock_(consumer->m);
	if (!link)
		return WEIR_ENOENT;
	*out_link = link;
	return 0;
}

uint32_t weir_link_flags(const struct weir_link *link)
{
	return link->flags;
}

enum weir_link_state weir_link_state_get(const struct weir_link *link)
{
	return link->state;
}

struct weir_device *weir_link_consumer(const struct weir_link *link)
{
	return link->consumer;
}

struct weir_device *weir_link_supplier(const struct weir_link *link)
{
	return link->supplier;
}

const char *weir_link_property(const struct weir_link *link)
{
	return link->property;
}

struct weir_link *weir_link_first(const struct weir_device *consumer)
{
	return weir_list_first(&consumer->suppliers, struct weir_link, c_node);
}

struct weir_link *weir_link_next(const struct weir_link *link)
{
	return weir_list_after(link, &link->consumer->suppliers, struct weir_link, c_node);
}

struct weir_link *weir_link_first_consumer(const struct weir_device *supplier)
{
	return weir_list_first(&supplier->consumers, struct weir_link, s_node);
}

struct weir_link *weir_link_next_consumer(const struct weir_link *link)
{
	return weir_list_after(link, &link->supplier->consumers, struct weir_link, s_node);
}
