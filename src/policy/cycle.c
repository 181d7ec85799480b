// SPDX-License-Identifier: MIT
/*
 * Cycles under the policy "weir": settled once on the graph that firmware
 * describes, so that the order of arrival has no say.
 *
 * A node needs its parent and its suppliers. In every strongly connected part of
 * that graph the dependencies are put back one by one, those that matter most
 * first; one that would close a circle gives way. What gave way is irreducible:
 * no part of it could be kept. Components by Tarjan (SIAM J. Computing 1, 1972),
 * without recursion: O(nodes + links), and so is, with a large factor, the most that
 * place.c may do for the links inside components.
 */
#include "policy/cycle.h"

#include "core/core.h"
#include "core/text.h"

/* What searches may cost: what any board needs, and something for each node and link. */
#define STEPS      4000000u
#define STEPS_EACH 64u

/* What a driver can most often start without comes first. */
static const char *const soft_first[] = {
	"remote-endpoint", "extcon", "leds", "power-supplies", "backlight", "panel",
	"wakeup-parent", "nvmem-cells", "interconnects", "io-channels", "dmas", "pinctrl-",
	"phys", "gpio", "pwms", "interrupt", "msi-parent", "mboxes", "resets", "hwlocks",
	"iommu", "access-controllers", "-supply", "power-domains", "clocks",
};

#define N_SOFT (sizeof(soft_first) / sizeof(soft_first[0]))

static bool contains(const char *text, const char *part)
{
	size_t n = weir_strlen_(part), len = weir_strlen_(text);

	for (size_t i = 0; i + n <= len; i++)
		if (weir_memeq_(text + i, part, n))
			return true;
	return false;
}

unsigned int weir_cycle_rank_(const char *property)
{
	if (!property)
		return 0;
	for (unsigned int i = 0; i < N_SOFT; i++)
		if (contains(property, soft_first[i]))
			return (unsigned int)N_SOFT - i + 1;
	return 1;
}

/* A link, and how readily it gives way. */
struct ranked {
	struct weir_fwlink *fwlink;
	unsigned int rank;
};

struct analysis {
	struct weir_machine *m;
	struct weir_fwnode **nodes; /* in tree order */
	uint32_t nr, max;
	uint32_t *component;        /* of each node; 0: none yet */
	uint32_t nr_components;
	struct ranked *links;       /* inside one component */
	uint32_t nr_links, max_links;
};

/* ---- the nodes ---- */

static int add_node(struct analysis *a, struct weir_fwnode *node)
{
	int err = weir_grow_(a->m, (void **)&a->nodes, &a->max, a->nr, sizeof(*a->nodes));

	if (err)
		return err;
	node->index = a->nr;
	a->nodes[a->nr++] = node;
	return 0;
}

static int collect(struct analysis *a)
{
	struct weir_fwnode *tops[2] = { a->m->root, a->m->soft_roots }, *node;
	int err;

	for (int i = 0; i < 2; i++) {
		for (node = tops[i]; node; node = weir_fwnode_next(node)) {
			err = add_node(a, node);
			if (err)
				return err;
		}
	}
	return 0;
}

/* ---- strongly connected components ---- */

/* The state of one node on the way down: what is to be looked at next. */
struct frame {
	struct weir_fwnode *node;
	struct weir_list *next; /* of its suppliers; NULL: parent first */
};

struct tarjan {
	struct frame *frames;
	uint32_t depth;
	struct weir_fwnode **open;
	uint32_t nr_open;
	uint32_t counter;
	int32_t rank;    /* of the node that was left last */
	uint32_t *order; /* of first visit, by node index; 0: not visited */
	uint32_t *low;   /* earliest visited that is reached, by node index */
};

static void enter(struct tarjan *t, struct weir_fwnode *node)
{
	t->order[node->index] = t->low[node->index] = ++t->counter;
	t->open[t->nr_open++] = node;
	t->frames[t->depth++] = (struct frame){ node, NULL };
}

static void meet(struct analysis *a, struct tarjan *t, struct weir_fwnode *from,
		 struct weir_fwnode *to)
{
	if (!t->order[to->index])
		enter(t, to);
	else if (!a->component[to->index] && t->order[to->index] < t->low[from->index])
		t->low[from->index] = t->order[to->index];
}

static void leave(struct analysis *a, struct tarjan *t)
{
	struct weir_fwnode *node = t->frames[--t->depth].node, *member;
	uint32_t low = t->low[node->index];

	if (t->depth && low < t->low[t->frames[t->depth - 1].node->index])
		t->low[t->frames[t->depth - 1].node->index] = low;
	node->rank = ++t->rank;
	if (low != t->order[node->index])
		return;
	a->nr_components++;
	do {
		member = t->open[--t->nr_open];
		a->component[member->index] = a->nr_components;
	} while (member != node);
}

static void advance(struct analysis *a, struct tarjan *t)
{
	struct frame *f = &t->frames[t->depth - 1];
	struct weir_fwnode *node = f->node;
	struct weir_fwlink *fwlink;

	if (!f->next) {
		f->next = node->suppliers.next;
		if (node->parent)
			meet(a, t, node, node->parent);
		return;
	}
	if (f->next == &node->suppliers) {
		leave(a, t);
		return;
	}
	fwlink = weir_container_of(f->next, struct weir_fwlink, c_node);
	f->next = f->next->next;
	if (!(fwlink->flags & (WEIR_FWLINK_IGNORE | WEIR_FWLINK_CYCLE)))
		meet(a, t, node, fwlink->supplier);
}

/* Also ranks the nodes: a node is left after all that it needs. */
static int find_components(struct analysis *a)
{
	struct weir_machine *m = a->m;
	struct tarjan t = { 0 };
	int err = WEIR_ENOMEM;

	t.frames = weir_alloc_(m, a->nr * sizeof(*t.frames));
	t.open = weir_alloc_(m, a->nr * sizeof(struct weir_fwnode *));
	t.order = weir_alloc_(m, a->nr * sizeof(*t.order));
	t.low = weir_alloc_(m, a->nr * sizeof(*t.low));
	weir_free_(m, a->component, a->nr * sizeof(*a->component));
	a->component = weir_alloc_(m, a->nr * sizeof(*a->component));
	if (!t.frames || !t.open || !t.order || !t.low || !a->component)
		goto out;
	for (uint32_t i = 0; i < a->nr; i++) {
		if (!t.order[i])
			enter(&t, a->nodes[i]);
		while (t.depth)
			advance(a, &t);
	}
	err = 0;
out:
	weir_free_(m, t.frames, a->nr * sizeof(*t.frames));
	weir_free_(m, t.open, a->nr * sizeof(struct weir_fwnode *));
	weir_free_(m, t.order, a->nr * sizeof(*t.order));
	weir_free_(m, t.low, a->nr * sizeof(*t.low));
	return err;
}

/* ---- which links give way ---- */

/* What matters most first; then by place in the tree. */
static bool goes_before(const struct ranked *a, const struct ranked *b)
{
	const struct weir_fwlink *x = a->fwlink, *y = b->fwlink;

	if (a->rank != b->rank)
		return a->rank < b->rank;
	if (x->consumer->index != y->consumer->index)
		return x->consumer->index < y->consumer->index;
	return x->supplier->index < y->supplier->index;
}

/* Heap sort: no recursion, no worst case. */
static void sift(struct ranked *v, uint32_t at, uint32_t n)
{
	for (uint32_t child; (child = 2 * at + 1) < n; at = child) {
		struct ranked tmp = v[at];

		if (child + 1 < n && goes_before(&v[child], &v[child + 1]))
			child++;
		if (!goes_before(&v[at], &v[child]))
			return;
		v[at] = v[child];
		v[child] = tmp;
	}
}

static void sort(struct ranked *v, uint32_t n)
{
	for (uint32_t i = n / 2; i-- > 0;)
		sift(v, i, n);
	for (uint32_t end = n; end-- > 1;) {
		struct ranked tmp = v[0];

		v[0] = v[end];
		v[end] = tmp;
		sift(v, 0, end);
	}
}

/* All links whose two ends are in one component. */
static int collect_links(struct analysis *a)
{
	struct weir_fwlink *fwlink;

	for (uint32_t i = 0; i < a->nr; i++) {
		weir_list_each(fwlink, &a->nodes[i]->suppliers, struct weir_fwlink, c_node) {
			if ((fwlink->flags & (WEIR_FWLINK_IGNORE | WEIR_FWLINK_CYCLE)) ||
			    a->component[i] != a->component[fwlink->supplier->index])
				continue;
			if (weir_grow_(a->m, (void **)&a->links, &a->max_links, a->nr_links,
				       sizeof(*a->links)))
				return WEIR_ENOMEM;
			a->links[a->nr_links++] = (struct ranked){
				fwlink, weir_cycle_rank_(fwlink->property),
			};
		}
	}
	return 0;
}

static void give_way(struct weir_fwlink *fwlink)
{
	struct weir_event e = {
		.type = WEIR_EVENT_CYCLE, .node = fwlink->consumer,
		.other_node = fwlink->supplier, .text = fwlink->property,
	};

	weir_fwlink_set_(fwlink, fwlink->flags | WEIR_FWLINK_CYCLE);
	weir_event_(fwlink->consumer->m, &e);
}

static int settle_links(struct analysis *a)
{
	struct weir_places places;
	int err = weir_places_init_(&places, a->m, a->component, a->nr,
				    STEPS + STEPS_EACH * ((uint64_t)a->nr + a->nr_links));

	if (err)
		return err;
	sort(a->links, a->nr_links);
	for (uint32_t i = 0; i < a->nr_links; i++) {
		struct weir_fwlink *fwlink = a->links[i].fwlink;

		if (weir_places_put_(&places, fwlink->consumer, fwlink->supplier))
			fwlink->flags |= WEIR_CYCLE_KEPT;
		else
			give_way(fwlink);
	}
	for (uint32_t i = 0; i < a->nr_links; i++)
		a->links[i].fwlink->flags &= ~WEIR_CYCLE_KEPT;
	if (places.steps >= places.budget)
		weir_logf_(a->m, WEIR_LOG_WARN, "firmware: cycles of %u dependencies are too "
			   "tangled: more give way than have to", a->nr_links);
	weir_places_fini_(&places, a->m);
	return 0;
}

int weir_cycles_relax_(struct weir_machine *m)
{
	struct analysis a = { .m = m };
	int err = collect(&a);

	if (!err && a.nr)
		err = find_components(&a);
	if (!err && a.nr)
		err = collect_links(&a);
	if (!err && a.nr_links)
		err = settle_links(&a);
	if (!err && a.nr_links)
		err = find_components(&a); /* ranks are true without circles only */
	weir_free_(m, a.links, a.max_links * sizeof(*a.links));
	weir_free_(m, a.component, a.nr * sizeof(*a.component));
	weir_free_(m, a.nodes, a.max * sizeof(*a.nodes));
	return err;
}

const struct weir_part_cycles weir_part_cycles = { .relax = weir_cycles_relax_ };
