// SPDX-License-Identifier: MIT
/*
 * Ranks: a device has a higher rank than its parent and than its suppliers over links
 * that block, so that a link from a higher to a lower rank cannot close a circle, and
 * is made without a search.
 *
 * A device begins with the rank that its firmware node got from what firmware names
 * (policy/cycle.c, fwlink.c). A link against the ranks makes two searches towards each
 * other, a device at a time: what the supplier needs, and what needs the consumer, each
 * as far as ranks would have to change. They meet exactly when there is a circle; if not,
 * the side that ends first moves down or up as a whole. So linking a device that is new
 * costs next to nothing. All under the machine lock.
 */
#include "core/core.h"

/* Ranks beyond are no longer kept: distances could grow with each move. */
#define MAX_RANK ((int64_t)1 << 60)

/* A side: those reached, of which those before @next have been looked at. */
struct side {
	struct weir_machine *m;
	struct weir_device **reached;
	uint32_t next, n, max;
	uint64_t mine, other; /* stamps of the two sides */
	int64_t distance;     /* how far it would move */
	bool met;
	int err;
};

void weir_rank_init_(struct weir_device *dev)
{
	struct weir_device *parent = dev->parent;

	dev->rank = dev->fwnode && !dev->fwnode->owner ? dev->fwnode->rank : 0;
	if (!parent)
		return;
	if (dev->rank <= parent->rank)
		dev->rank = parent->rank + 1;
	weir_list_add_tail(&dev->m->joining, &dev->child_node);
}

static void reach(struct side *s, struct weir_device *dev)
{
	if (dev->mark == s->mine)
		return;
	if (dev->mark == s->other) {
		s->met = true;
		return;
	}
	dev->mark = s->mine;
	if (weir_grow_(s->m, (void **)&s->reached, &s->max, s->n, sizeof(struct weir_device *)))
		s->err = WEIR_ENOMEM;
	else
		s->reached[s->n++] = dev;
}

/* What is so far below that it stays below need not move, and leads to nothing. */
static void reach_below(struct side *s, const struct weir_device *from, struct weir_device *dev)
{
	if (s->m->unranked || dev->rank >= from->rank - s->distance)
		reach(s, dev);
}

static void reach_above(struct side *s, const struct weir_device *from, struct weir_device *dev)
{
	if (s->m->unranked || dev->rank <= from->rank + s->distance)
		reach(s, dev);
}

static void expand_needs(struct side *s)
{
	struct weir_device *dev = s->reached[s->next++];
	struct weir_link *link;

	if (dev->parent)
		reach_below(s, dev, dev->parent);
	weir_list_each(link, &dev->suppliers, struct weir_link, c_node)
		if (!weir_link_sync_only_(link))
			reach_below(s, dev, link->supplier);
}

static void expand_needed_by(struct side *s)
{
	struct weir_device *dev = s->reached[s->next++], *child;
	struct weir_link *link;

	weir_list_each(link, &dev->consumers, struct weir_link, s_node)
		if (!weir_link_sync_only_(link))
			reach_above(s, dev, link->consumer);
	weir_list_each(child, &dev->children, struct weir_device, child_node)
		reach_above(s, dev, child);
	weir_list_each(child, &s->m->joining, struct weir_device, child_node)
		if (child->parent == dev)
			reach_above(s, dev, child);
}

static void move(struct side *s, int64_t by)
{
	for (uint32_t i = 0; i < s->n && !s->m->unranked; i++) {
		struct weir_device *dev = s->reached[i];

		dev->rank += by;
		if (dev->rank > MAX_RANK || dev->rank < -MAX_RANK)
			s->m->unranked = true;
	}
}

int weir_rank_below_(struct weir_device *sup, struct weir_device *con)
{
	struct weir_machine *m = sup->m;
	int64_t distance = sup->rank - con->rank + 1;
	struct side up = { .m = m, .distance = distance };
	struct side down = { .m = m, .distance = distance };
	int err = 0;

	if (distance <= 0 && !m->unranked)
		return 0;
	up.mine = down.other = m->mark + 1;
	up.other = down.mine = m->mark + 2;
	m->mark += 2;
	reach(&up, sup);
	reach(&down, con);
	while (!up.met && !down.met && !up.err && !down.err && up.next < up.n && down.next < down.n) {
		expand_needed_by(&down);
		if (!down.met && !down.err)
			expand_needs(&up);
	}
	if (up.met || down.met)
		err = WEIR_ELOOP;
	else if (up.err || down.err)
		err = WEIR_ENOMEM;
	else if (up.next == up.n)
		move(&up, -distance);
	else
		move(&down, distance);
	weir_free_(m, up.reached, up.max * sizeof(struct weir_device *));
	weir_free_(m, down.reached, down.max * sizeof(struct weir_device *));
	return err;
}
