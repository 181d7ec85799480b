// SPDX-License-Identifier: MIT
/*
 * Firmware-node links: "this node needs that node", kept until it can be said of
 * devices. At most one for an ordered pair; new ones go to the head of both lists,
 * so a node's list begins with what was found last.
 */
#include "core/core.h"

static bool blocks(uint32_t flags)
{
	return !(flags & (WEIR_FWLINK_CYCLE | WEIR_FWLINK_IGNORE));
}

static void count(struct weir_fwnode *node, bool was, bool is)
{
	struct weir_machine *m = node->m;

	if (was == is)
		return;
	if (is) {
		node->nr_blocking++;
		return;
	}
	node->nr_blocking--;
	if (!node->nr_blocking && node->owner && m->policy->unblocked)
		m->policy->unblocked(node->owner);
}

void weir_fwlink_set_(struct weir_fwlink *fwlink, uint32_t flags)
{
	bool was = blocks(fwlink->flags);

	fwlink->flags = flags;
	count(fwlink->consumer, was, blocks(flags));
}

/* The consumer's list is the short one: many may need one node, none needs many. */
struct weir_fwlink *weir_fwlink_find_(struct weir_fwnode *consumer, struct weir_fwnode *supplier)
{
	struct weir_fwlink *fwlink;

	weir_list_each(fwlink, &consumer->suppliers, struct weir_fwlink, c_node)
		if (fwlink->supplier == supplier)
			return fwlink;
	return NULL;
}

static void put(struct weir_fwlink *fwlink, struct weir_fwnode *consumer,
		struct weir_fwnode *supplier, uint32_t flags, const char *property)
{
	*fwlink = (struct weir_fwlink){ .consumer = consumer, .supplier = supplier,
					.property = property, .flags = flags };
	weir_list_add_head(&supplier->consumers, &fwlink->s_node);
	weir_list_add_head(&consumer->suppliers, &fwlink->c_node);
	if (consumer->m->stats.devices)
		supplier->flags |= WEIR_FWNODE_SOUGHT_;
	consumer->m->stats.fwnode_links++;
	count(consumer, false, blocks(flags));
}

int weir_fwlink_add_(struct weir_fwnode *consumer, struct weir_fwnode *supplier, uint32_t flags,
		     const char *property)
{
	struct weir_machine *m = consumer->m;
	struct weir_fwlink *fwlink = weir_fwlink_find_(consumer, supplier);

	if (fwlink) {
		weir_fwlink_set_(fwlink, fwlink->flags | flags);
		return 0;
	}
	fwlink = weir_slab_alloc_(m, &m->link_slab);
	if (!fwlink)
		return WEIR_ENOMEM;
	put(fwlink, consumer, supplier, flags, property);
	return 0;
}

void weir_fwlink_make_(void *object, struct weir_fwnode *consumer, struct weir_fwnode *supplier,
		       uint32_t flags, const char *property)
{
	struct weir_machine *m = consumer->m;
	struct weir_fwlink *fwlink = weir_fwlink_find_(consumer, supplier);

	if (fwlink) {
		weir_fwlink_set_(fwlink, fwlink->flags | flags);
		weir_slab_free_(m, &m->link_slab, object);
		return;
	}
	put(object, consumer, supplier, flags, property);
}

/*
 * A link whose consumer nobody needs, or whose supplier needs nothing, is on no cycle;
 * the rank of that end is free to change. Return: whether it is so.
 */
static bool rank_end(struct weir_fwnode *consumer, struct weir_fwnode *supplier)
{
	if (!consumer->first_child && weir_list_empty(&consumer->consumers)) {
		if (consumer->rank <= supplier->rank)
			consumer->rank = supplier->rank + 1;
		return true;
	}
	if (!supplier->parent && weir_list_empty(&supplier->suppliers)) {
		if (supplier->rank >= consumer->rank)
			supplier->rank = consumer->rank - 1;
		return true;
	}
	return false;
}

int weir_fwlink_name_(struct weir_fwnode *consumer, struct weir_fwnode *supplier, uint32_t flags,
		      const char *property)
{
	struct weir_machine *m = consumer->m;
	int err = 0;

	if (!rank_end(consumer, supplier) && m->policy->firmware_changed)
		err = m->policy->firmware_changed(m);
	return err ? err : weir_fwlink_add_(consumer, supplier, flags, property);
}

int weir_fwlink_add(struct weir_fwnode *consumer, struct weir_fwnode *supplier, uint32_t flags,
		    const char *property)
{
	struct weir_machine *m = consumer->m;
	int err;

	if (supplier->m != m)
		return WEIR_EINVAL;
	weir_lock_(m);
	err = weir_fwlink_name_(consumer, supplier, flags, property);
	weir_unlock_(m);
	return err;
}

void weir_fwlink_drop_(struct weir_fwlink *fwlink)
{
	struct weir_machine *m = fwlink->consumer->m;

	weir_list_del(&fwlink->s_node);
	weir_list_del(&fwlink->c_node);
	m->stats.fwnode_links--;
	count(fwlink->consumer, blocks(fwlink->flags), false);
	if (m->keep_fwlinks)
		weir_list_add_tail(&m->kept_fwlinks, &fwlink->c_node);
	else
		weir_slab_free_(m, &m->link_slab, fwlink);
}

void weir_fwlinks_keep_(struct weir_machine *m)
{
	m->keep_fwlinks = true;
}

void weir_fwlinks_forget_(struct weir_machine *m)
{
	m->keep_fwlinks = false;
	while (!weir_list_empty(&m->kept_fwlinks)) {
		struct weir_fwlink *fwlink = weir_container_of(m->kept_fwlinks.next,
							       struct weir_fwlink, c_node);

		weir_list_del(&fwlink->c_node);
		weir_slab_free_(m, &m->link_slab, fwlink);
	}
}

/* Last dropped first, each to the head of its lists: so they stand there as before. */
void weir_fwlinks_restore_(struct weir_machine *m)
{
	m->keep_fwlinks = false;
	while (!weir_list_empty(&m->kept_fwlinks)) {
		struct weir_fwlink *fwlink = weir_container_of(m->kept_fwlinks.prev,
							       struct weir_fwlink, c_node);

		weir_list_del(&fwlink->c_node);
		weir_list_add_head(&fwlink->supplier->consumers, &fwlink->s_node);
		weir_list_add_head(&fwlink->consumer->suppliers, &fwlink->c_node);
		m->stats.fwnode_links++;
		count(fwlink->consumer, false, blocks(fwlink->flags));
	}
}

void weir_fwlinks_drop_suppliers_(struct weir_fwnode *node)
{
	while (!weir_list_empty(&node->suppliers))
		weir_fwlink_drop_(weir_container_of(node->suppliers.next, struct weir_fwlink,
						    c_node));
}

/* A link that the new supplier has already only gains the flags and keeps its place. */
void weir_fwlinks_move_consumers_(struct weir_fwnode *from, struct weir_fwnode *to)
{
	struct weir_fwlink *fwlink, *tmp;

	to->flags |= from->flags & WEIR_FWNODE_SOUGHT_;
	weir_list_each_safe(fwlink, tmp, &from->consumers, struct weir_fwlink, s_node) {
		struct weir_fwlink *there = weir_fwlink_find_(fwlink->consumer, to);

		if (there) {
			there->property = weir_property_of_two_(there->property, fwlink->property);
			weir_fwlink_set_(there, there->flags | fwlink->flags);
			weir_fwlink_drop_(fwlink);
			continue;
		}
		weir_list_del(&fwlink->s_node);
		weir_list_del(&fwlink->c_node);
		fwlink->supplier = to;
		weir_list_add_head(&to->consumers, &fwlink->s_node);
		weir_list_add_head(&fwlink->consumer->suppliers, &fwlink->c_node);
	}
}

struct weir_fwlink *weir_fwlink_first(const struct weir_fwnode *consumer)
{
	return weir_list_first(&consumer->suppliers, struct weir_fwlink, c_node);
}

struct weir_fwlink *weir_fwlink_next(const struct weir_fwlink *link)
{
	return weir_list_after(link, &link->consumer->suppliers, struct weir_fwlink, c_node);
}

struct weir_fwnode *weir_fwlink_supplier(const struct weir_fwlink *link)
{
	return link->supplier;
}

struct weir_fwnode *weir_fwlink_consumer(const struct weir_fwlink *link)
{
	return link->consumer;
}

uint32_t weir_fwlink_flags(const struct weir_fwlink *link)
{
	return link->flags;
}

const char *weir_fwlink_property(const struct weir_fwlink *link)
{
	return link->property;
}
