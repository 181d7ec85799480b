// SPDX-License-Identifier: MIT
/*
 * Cycles as Linux 6.12 finds and relaxes them: at every attempt to make a link,
 * by a search from the supplier for the consumer. Linux-semantics section 6.1.
 *
 * The search itself follows every path. So that this stays affordable, a plain
 * reachability search goes first, and the full one stays among the nodes from which
 * the consumer can be reached; the outcome is the same. Paths can still be more than
 * anybody can follow (Linux hangs, or its stack overflows): then all links among
 * those nodes are relaxed, and that is said.
 */
#include "kernel/linux/state.h"

#define VISITED 0x20u

/*
 * What one search may cost, and all of a machine, in nodes entered; and how deep it
 * may go. Over the recorded boards the most expensive search enters 3,981 nodes, the
 * deepest 13 below one another; all of a board together enter 7,441.
 */
#define MAX_STEPS     200000u
#define MAX_ALL_STEPS 2000000u
#define MAX_DEPTH     1000u

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
	uint32_t steps, depth; /* of the search that relaxes */
	bool gave_up;
	int err;
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
			q->err = WEIR_ENOMEM;
			return;
		}
		q->s->edges[q->nr_edges++] = (struct linux_edge){ from, to };
	}
	if (to->mark == q->seen)
		return;
	to->mark = q->seen;
	if (weir_grow_(q->m, (void **)&q->s->stack, &q->s->stack_max, q->n,
		       sizeof(*q->s->stack)))
		q->err = WEIR_ENOMEM;
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
	q->err = weir_grow_(q->m, (void **)&q->s->stack, &q->s->stack_max, 0,
			    sizeof(*q->s->stack));
	if (q->err)
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

/* Whether the search may enter one more node. */
static bool may_go_on(struct search *q)
{
	if (!q->gave_up && q->steps && q->depth < MAX_DEPTH) {
		q->steps--;
		return true;
	}
	q->gave_up = true;
	return false;
}

static bool relax(struct search *q, struct weir_fwnode *node)
{
	struct weir_fwlink *fwlink;
	bool found = false;

	if (!node || (node->flags & VISITED))
		return false;
	if (node == q->target)
		return true;
	if (node->mark != q->leads || is_cut(q, node) || !may_go_on(q))
		return false;
	node->flags |= VISITED;
	q->depth++;
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
	q->depth--;
	return found;
}

/* Every link of a node to another one that leads to the target. */
static void relax_from(struct search *q, struct weir_fwnode *node)
{
	struct weir_fwlink *fwlink;
	struct weir_link *link;

	weir_list_each(fwlink, &node->suppliers, struct weir_fwlink, c_node)
		if (!(fwlink->flags & WEIR_FWLINK_IGNORE) && fwlink->supplier->mark == q->leads)
			weir_fwlink_set_(fwlink, fwlink->flags | WEIR_FWLINK_CYCLE);
	if (!node->owner)
		return;
	weir_list_each(link, &node->owner->suppliers, struct weir_link, c_node) {
		if (!follows(link) || !link->supplier->fwnode ||
		    link->supplier->fwnode->mark != q->leads)
			continue;
		weir_link_relax_(link);
		weir_link_set_(link, link->flags | WEIR_LINK_CYCLE, link->state);
	}
}

/* Instead of following each path. The edges of a node are next to one another. */
static void relax_all(struct search *q)
{
	char path[120];

	for (uint32_t i = 0; i < q->nr_edges; i++) {
		struct weir_fwnode *from = q->s->edges[i].from;

		if (from->mark == q->leads && (!i || q->s->edges[i - 1].from != from))
			relax_from(q, from);
	}
	if (q->s->gave_up)
		return;
	q->s->gave_up = true;
	weir_fwnode_path(q->target, path, sizeof(path));
	weir_logf_(q->m, WEIR_LOG_WARN,
		   "broken tree: %s: on more cycles than can be followed; "
		   "all links on them are relaxed", path);
}

static bool find_and_relax(struct search *q, struct weir_fwnode *supplier)
{
	uint32_t left = MAX_ALL_STEPS - q->s->cycle_steps;
	bool found;

	q->steps = left < MAX_STEPS ? left : MAX_STEPS;
	q->s->cycle_steps += q->steps;
	found = relax(q, supplier);
	q->s->cycle_steps -= q->steps;
	if (q->gave_up)
		relax_all(q);
	return found || q->gave_up;
}

int linux_check_cycle(struct weir_fwlink *fwlink, struct weir_fwnode *supplier)
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

	if (!reaches(&q, supplier, false) || q.err)
		return q.err;
	reaches(&q, supplier, true);
	if (q.err)
		return q.err;
	mark_leading(&q);
	if (!find_and_relax(&q, supplier))
		return 0;
	weir_fwlink_set_(fwlink, fwlink->flags | WEIR_FWLINK_CYCLE);
	weir_event_(m, &e);
	return 0;
}

void linux_cycle_fini(struct weir_machine *m)
{
	struct linux_state *s = linux_state(m);

	weir_free_(m, s->stack, s->stack_max * sizeof(*s->stack));
	weir_free_(m, s->edges, s->edges_max * sizeof(*s->edges));
}
