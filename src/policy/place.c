// SPDX-License-Identifier: MIT
/*
 * Places of nodes: each comes after its parent and after the suppliers of the links that
 * were put back so far, so that a link to an earlier one closes no circle. For the others
 * two searches go towards each other, a node at a time: what the supplier needs, and what
 * needs the consumer, each as far as places would have to change. They meet exactly when
 * there is a circle; if not, the side that ends first moves as a whole. core/rank.c does
 * the same for devices.
 *
 * Searches have a budget, so that no device tree takes time without end. When it is spent,
 * links to a later node are taken for circles. All under the machine lock, inside one
 * component at a time.
 */
#include "policy/cycle.h"

#include "core/core.h"

/* Beyond, distances that grow with each move could not be told any more. */
#define MAX_PLACE ((int64_t)1 << 60)

/* A side: those reached, of which those before @next have been looked at. */
struct side {
	struct weir_places *p;
	struct weir_fwnode **reached;
	uint32_t next, n;
	uint32_t component;
	int64_t distance;     /* how far it would move */
	uint64_t mine, other; /* stamps of the two sides */
	bool met;
};

static void reach(struct side *s, struct weir_fwnode *node)
{
	if (node->mark == s->mine || s->p->component[node->index] != s->component)
		return;
	if (node->mark == s->other) {
		s->met = true;
		return;
	}
	node->mark = s->mine;
	s->reached[s->n++] = node;
}

/* What is so far ahead that it stays ahead need not move, and leads to nothing. */
static void expand_needed(struct side *s)
{
	struct weir_fwnode *node = s->reached[s->next++];
	const int64_t *place = s->p->place;
	int64_t first = place[node->index] - s->distance;
	struct weir_fwlink *fwlink;

	if (node->parent && place[node->parent->index] >= first)
		reach(s, node->parent);
	weir_list_each(fwlink, &node->suppliers, struct weir_fwlink, c_node) {
		s->p->steps++;
		if ((fwlink->flags & WEIR_CYCLE_KEPT) && place[fwlink->supplier->index] >= first)
			reach(s, fwlink->supplier);
	}
}

static void expand_needing(struct side *s)
{
	struct weir_fwnode *node = s->reached[s->next++], *child;
	const int64_t *place = s->p->place;
	int64_t last = place[node->index] + s->distance;
	struct weir_fwlink *fwlink;

	weir_list_each(fwlink, &node->consumers, struct weir_fwlink, s_node) {
		s->p->steps++;
		if ((fwlink->flags & WEIR_CYCLE_KEPT) && place[fwlink->consumer->index] <= last)
			reach(s, fwlink->consumer);
	}
	for (child = node->first_child; child; child = child->next_sibling) {
		s->p->steps++;
		if (place[child->index] <= last)
			reach(s, child);
	}
}

static bool can_move(const struct side *s, int64_t by)
{
	for (uint32_t i = 0; i < s->n; i++) {
		int64_t place = s->p->place[s->reached[i]->index] + by;

		if (place > MAX_PLACE || place < -MAX_PLACE)
			return false;
	}
	return true;
}

static bool move(struct side *s, int64_t by)
{
	if (!can_move(s, by)) {
		s->p->steps = s->p->budget;
		return false;
	}
	for (uint32_t i = 0; i < s->n; i++)
		s->p->place[s->reached[i]->index] += by;
	s->p->steps += s->n;
	return true;
}

static bool is_spent(struct weir_places *p)
{
	return p->steps >= p->budget;
}

bool weir_places_put_(struct weir_places *p, struct weir_fwnode *consumer,
		      struct weir_fwnode *supplier)
{
	struct weir_machine *m = consumer->m;
	struct side needed = {
		.p = p, .reached = p->needed, .component = p->component[consumer->index],
		.distance = p->place[supplier->index] - p->place[consumer->index] + 1,
		.mine = m->mark + 1, .other = m->mark + 2,
	};
	struct side needing = needed;

	if (needed.distance <= 0)
		return true;
	m->mark += 2;
	needing.reached = p->needing;
	needing.mine = needed.other;
	needing.other = needed.mine;
	reach(&needed, supplier);
	reach(&needing, consumer);
	while (!needed.met && !needing.met && !is_spent(p) && needed.next < needed.n &&
	       needing.next < needing.n) {
		expand_needing(&needing);
		if (!needing.met)
			expand_needed(&needed);
	}
	if (needed.met || needing.met)
		return false;
	if (needed.next == needed.n)
		return move(&needed, -needed.distance);
	return needing.next == needing.n && move(&needing, needing.distance);
}

/* ---- life ---- */

int weir_places_init_(struct weir_places *p, struct weir_machine *m, const uint32_t *component,
		      uint32_t nr, uint64_t budget)
{
	*p = (struct weir_places){ .component = component, .nr = nr, .budget = budget };
	p->place = weir_alloc_(m, nr * sizeof(*p->place));
	p->needed = weir_alloc_(m, nr * sizeof(struct weir_fwnode *));
	p->needing = weir_alloc_(m, nr * sizeof(struct weir_fwnode *));
	if (!p->place || !p->needed || !p->needing) {
		weir_places_fini_(p, m);
		return WEIR_ENOMEM;
	}
	for (uint32_t i = 0; i < nr; i++)
		p->place[i] = i; /* in tree order parents come first */
	return 0;
}

void weir_places_fini_(struct weir_places *p, struct weir_machine *m)
{
	weir_free_(m, p->place, p->nr * sizeof(*p->place));
	weir_free_(m, p->needed, p->nr * sizeof(struct weir_fwnode *));
	weir_free_(m, p->needing, p->nr * sizeof(struct weir_fwnode *));
	*p = (struct weir_places){ 0 };
}
