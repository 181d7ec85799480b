// SPDX-License-Identifier: MIT
/*
 * Intrusive doubly linked lists. A head and a free-standing node are the same
 * type, linked to themselves when empty. Locked by whoever owns the head.
 */
#ifndef WEIR_CORE_LIST_H
#define WEIR_CORE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct weir_list {
	struct weir_list *next;
	struct weir_list *prev;
};

static inline void weir_list_init(struct weir_list *l)
{
	l->next = l;
	l->prev = l;
}

static inline bool weir_list_empty(const struct weir_list *l)
{
	return l->next == l;
}

static inline void weir_list_insert_between_(struct weir_list *n, struct weir_list *prev,
					     struct weir_list *next)
{
	n->prev = prev;
	n->next = next;
	prev->next = n;
	next->prev = n;
}

static inline void weir_list_add_head(struct weir_list *head, struct weir_list *n)
{
	weir_list_insert_between_(n, head, head->next);
}

static inline void weir_list_add_tail(struct weir_list *head, struct weir_list *n)
{
	weir_list_insert_between_(n, head->prev, head);
}

/* Takes a node out of its list; safe for a node in none. */
static inline void weir_list_del(struct weir_list *n)
{
	n->prev->next = n->next;
	n->next->prev = n->prev;
	weir_list_init(n);
}

/* Moves everything of @from to the tail of @to. */
static inline void weir_list_splice_tail(struct weir_list *to, struct weir_list *from)
{
	if (weir_list_empty(from))
		return;
	from->next->prev = to->prev;
	to->prev->next = from->next;
	from->prev->next = to;
	to->prev = from->prev;
	weir_list_init(from);
}

#define weir_container_of(ptr, type, member) \
	((type *)(void *)((char *)(ptr) - offsetof(type, member)))

#define weir_list_first(head, type, member) \
	(weir_list_empty(head) ? NULL : weir_container_of((head)->next, type, member))

/* The entry behind @pos, or NULL at the end of the list of @head. */
#define weir_list_after(pos, head, type, member) \
	((pos)->member.next == (head) ? NULL \
				      : weir_container_of((pos)->member.next, type, member))

#define weir_list_each(pos, head, type, member) \
	for (pos = weir_container_of((head)->next, type, member); &pos->member != (head); \
	     pos = weir_container_of(pos->member.next, type, member))

/* The same, when the body may take @pos (only) out of the list. */
#define weir_list_each_safe(pos, tmp, head, type, member) \
	for (pos = weir_container_of((head)->next, type, member), \
	    tmp = weir_container_of(pos->member.next, type, member); \
	     &pos->member != (head); \
	     pos = tmp, tmp = weir_container_of(pos->member.next, type, member))

#endif
