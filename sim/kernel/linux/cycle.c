// SPDX-License-Identifier: MIT
/*
 * Cycles as Linux 6.12 finds and relaxes them: at every attempt to make a link,
 * by a search from the supplier for the consumer. Linux-semantics section 6.1.
 *
 * The search itself follows every path. So that this stays affordable, a plain
 * reachability search goes first, and the full one stays among the nodes from which
 * the consumer can be reached; the outcome is the same.
 */
#include "kernel/linux/state.h"

#define VISITED 0x20u

struct linux_edge {
	struct weir_fwnode *from, *to;
};

struct search {
	struct weir_machine *m;
	struct linux_state *s;
	struct weir_fwnode *target;
	bool target_idle;   /* the consumer has a device, which has no driver */
	bool record;        /* note the edges */
	uint32_t n, nr_edges;
	uint64_t seen;      /* stamp: met in the plain search */
	uint64_t leads;     /* stamp: the target can be reached from it */
};

/* A device that is bound does not wait for one that is not. */
static bool is_cut(const struct search *q, const struct weir_fwnode *node)
{
	return q->target_idle && node->owner && node->owner->status == WEIR_DEVICE_BOUND;
}

/* The node of the device that @node hangs below. */
static struct weir_fwnode *parent_node(struct weir_fwnode *node)
{
	struct weir_fwnode *above;

	if (node->owner)
		return node->owner->parent ? node->owner->parent->fwnode : NULL;
	above = weir_fwnode_owner_above_(node);
	return above ? above->owner->fwnode : NULL;
}

static bool follows(const struct weir_link *link)
{
	return !weir_link_sync_only_(link) || (link->flags & WEIR_LINK_CYCLE);
}

/* ---- plain search ---- */

static void visit(struct search *q, struct weir_fwnode *from, struct weir_fwnode *to)
{
	if (!to)
		return;
	if (q->record) {
		if (weir_grow_(q->m, (void **)&q->s->edges, &q->s->edges_max, q->nr_edges,
			       sizeof(*q->s->edges))) {
			q->s->out_of_memory = true;
			return;
		}
		q->s->edges[q->nr_edges++] = (struct linux_edge){ from, to };
	}
	if (to->mark == q->seen)
		return;
	to->mark = q->seen;
	if (weir_grow_(q->m, (void **)&q->s->stack, &q->s->stack_max, q->n,
		       sizeof(*q->s->stack)))
		q->s->out_of_memory = true;
	else
		q->s->stack[q->n++] = to;
}

static void expand(struct search *q, struct weir_fwnode *node)
{
	struct weir_fwlink *fwlink;
	struct weir_link *link;

	weir_list_each(fwlink, &node->suppliers, struct weir_fwlink, c_node)
		if (!(fwlink->flags & WEIR_FWLINK_IGNORE))
			visit(q, node, fwlink->supplier);
	visit(q, node, parent_node(node));
	if (!node->owner)
		return;
	weir_list_each(link, &node->owner->suppliers, struct weir_link, c_node)
		if (follows(link))
			visit(q, node, link->supplier->fwnode);
}

static bool reaches(struct search *q, struct weir_fwnode *start, bool record)
{
	bool found = false;

	q->seen = ++q->m->mark;
	q->record = record;
	q->n = 0;
	q->nr_edges = 0;
	start->mark = q->seen;
	if (weir_grow_(q->m, (void **)&q->s->stack, &q->s->stack_max, 0, sizeof(*q->s->stack)))
		return false;
	q->s->stack[q->n++] = start;
	while (q->n) {
		struct weir_fwnode *node = q->s->stack[--q->n];

		if (node == q->target) {
			found = true;
			if (!record)
				return true;
			continue;
		}
		if (!is_cut(q, node))
			expand(q, node);
	}
	return found;
}

/* Stamps every node from which the target can be reached. */
static void mark_leading(struct search *q)
{
	bool more = true;

	q->leads = ++q->m->mark;
	q->target->mark = q->leads;
	while (more) {
		more = false;
		for (uint32_t i = q->nr_edges; i-- > 0;) {
			struct linux_edge *e = &q->s->edges[i];

			if (e->to->mark != q->leads || e->from->mark == q->leads)
				continue;
			e->from->mark = q->leads;
			more = true;
		}
	}
}

/* ---- the search that relaxes ---- */

static bool relax(struct search *q, struct weir_fwnode *node);

static bool relax_links(struct search *q, struct weir_device *dev)
{
	struct weir_link *link;
	bool found = false;

	weir_list_each(link, &dev->suppliers, struct weir_link, c_node) {
		if (!follows(link) || !relax(q, link->supplier->fwnode))
			continue;
		weir_link_relax_(link);
		weir_link_set_(link, link->flags | WEIR_LINK_CYCLE, link->state);
		found = true;
	}
	return found;
}

/* Depth is that of the longest path among nodes that lead to the target. */
static bool relax(struct search *q, struct weir_fwnode *node)
{
	struct weir_fwlink *fwlink;
	bool found = false;

	if (!node || (node->flags & VISITED))
		return false;
	if (node == q->target)
		return true;
	if (node->mark != q->leads || is_cut(q, node))
		return false;
	node->flags |= VISITED;
	weir_list_each(fwlink, &node->suppliers, struct weir_fwlink, c_node) {
		if ((fwlink->flags & WEIR_FWLINK_IGNORE) || !relax(q, fwlink->supplier))
			continue;
		weir_fwlink_set_(fwlink, fwlink->flags | WEIR_FWLINK_CYCLE);
		found = true;
	}
	if (relax(q, parent_node(node)))
		found = true;
	if (node->owner && relax_links(q, node->owner))
		found = true;
	node->flags &= ~VISITED;
	return found;
}

void linux_check_cycle(struct weir_fwlink *fwlink, struct weir_fwnode *supplier)
{
	struct weir_machine *m = supplier->m;
	struct weir_device *con = fwlink->consumer->owner;
	struct search q = {
		.m = m,
		.s = linux_state(m),
		.target = fwlink->consumer,
		.target_idle = con && con->status == WEIR_DEVICE_NO_DRIVER,
	};
	struct weir_event e = {
		.type = WEIR_EVENT_CYCLE, .node = fwlink->consumer, .other_node = supplier,
	};

	if (!reaches(&q, supplier, false))
		return;
	reaches(&q, supplier, true);
	mark_leading(&q);
	if (!relax(&q, supplier))
		return;
	weir_fwlink_set_(fwlink, fwlink->flags | WEIR_FWLINK_CYCLE);
	weir_event_(m, &e);
}

void linux_cycle_fini(struct weir_machine *m)
{
	struct linux_state *s = linux_state(m);

	weir_free_(m, s->stack, s->stack_max * sizeof(*s->stack));
	weir_free_(m, s->edges, s->edges_max * sizeof(*s->edges));
}
