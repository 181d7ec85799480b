// SPDX-License-Identifier: MIT
/*
 * The tree of ranges.h. Full nodes are split on the way down, sparse ones are merged
 * with a neighbour, empty ones freed. A key of an inner node is a lower bound for its
 * child, the first one's is never looked at. Entries that a node has not are as if they were the
 * highest and nothing fitted below them, so a search need not know how many there are.
 */
#include "dma/ranges.h"

#include "weir/spin.h"

#define FAN WEIR_RANGES_FAN
#define MAX_HEIGHT 24u /* each level but the root came from splits: over FAN/2 to that power */
#define RESERVED (UINT64_C(1) << 63) /* in a count of pages */
#define NO_KEY UINT64_MAX
#define CACHE_LINE 64u

_Static_assert(FAN == 16, "slot_of() and place_below() know it");

struct weir_ranges_node {
	uint64_t key[FAN]; /* leaf: first page; inner: no page of the child is lower; or NO_KEY */
	uint64_t fit[FAN]; /* leaf: what fits below the range; inner: the most in the child; or 0 */
	uint64_t value[FAN]; /* leaf: its pages, and RESERVED; inner: the child */
	struct weir_ranges_node *prev, *next; /* of leaves */
	unsigned int n;
};

/* From the root, at height - 1, to a leaf, at 0. */
struct path {
	struct {
		struct weir_ranges_node *node;
		unsigned int i;
	} at[MAX_HEIGHT];
};

static struct weir_ranges_node *node_create(struct weir_machine *m)
{
	struct weir_ranges_node *node = weir_atomic_alloc(m, sizeof(*node));

	for (unsigned int i = 0; node && i < FAN; i++)
		node->key[i] = NO_KEY;
	return node;
}

static void node_destroy(struct weir_machine *m, struct weir_ranges_node *node)
{
	weir_atomic_free(m, node, sizeof(*node));
}

/* ---- what fits ---- */

/*
 * The most pages that can lie, aligned to their number rounded up to a power of two, in
 * [from, end). Fewer pages fit then, too: their alignment is not larger.
 */
static uint64_t fit_of(uint64_t from, uint64_t end)
{
	unsigned int lg2;

	if (from == end)
		return 0;
	/* more than half of an aligned block of this size, or of a quarter of it at the least */
	for (lg2 = 64 - (unsigned int)__builtin_clzll(end - from); lg2; lg2--) {
		uint64_t align = UINT64_C(1) << lg2;
		uint64_t first = (from + (align - 1)) & ~(align - 1);

		if (first < end && end - first > align / 2)
			return end - first < align ? end - first : align;
	}
	return 1;
}

/* The highest place in [from, end). */
static bool place_in(uint64_t from, uint64_t end, uint64_t pages, uint64_t *out_first)
{
	uint64_t align = pages > 1 ? UINT64_C(1) << (64 - __builtin_clzll(pages - 1)) : 1, first;

	if (end < from || end - from < pages)
		return false;
	first = (end - pages) & ~(align - 1);
	if (first < from)
		return false;
	*out_first = first;
	return true;
}

static struct weir_ranges_node *child_of(const struct weir_ranges_node *node, unsigned int i)
{
	return (struct weir_ranges_node *)(uintptr_t)node->value[i];
}

static void set_child(struct weir_ranges_node *node, unsigned int i,
		      struct weir_ranges_node *child)
{
	node->value[i] = (uintptr_t)child;
}

static uint64_t end_of(const struct weir_ranges_node *leaf, unsigned int i)
{
	return leaf->key[i] + (leaf->value[i] & ~RESERVED);
}

/* Where the gap below a range begins. */
static uint64_t gap_of(const struct weir_ranges *ranges, const struct weir_ranges_node *leaf,
		       unsigned int i)
{
	if (i)
		return end_of(leaf, i - 1);
	return leaf->prev ? end_of(leaf->prev, leaf->prev->n - 1) : ranges->min;
}

static uint64_t best_of(const struct weir_ranges_node *node)
{
	const uint64_t *fit = node->fit;
	uint64_t a = 0, b = 0;

	for (unsigned int i = 0; i < FAN; i += 4) {
		a = fit[i] > a ? fit[i] : a;
		b = fit[i + 1] > b ? fit[i + 1] : b;
		a = fit[i + 2] > a ? fit[i + 2] : a;
		b = fit[i + 3] > b ? fit[i + 3] : b;
	}
	return a > b ? a : b;
}

/* Brings up that what fits at some entries of the path's node at @level went from @was to @is at most. */
static void bring_up(struct weir_ranges *ranges, struct path *path, unsigned int level,
		     uint64_t was, uint64_t is)
{
	for (; level + 1 < ranges->height; level++) {
		uint64_t *fit = &path->at[level + 1].node->fit[path->at[level + 1].i], best = *fit;

		if (is < best && was < best)
			return;
		if (is < best)
			is = best_of(path->at[level].node);
		if (is == best)
			return;
		*fit = is;
		was = best;
	}
}

/* ---- walking ---- */

/* The last entry with a key of at most @page, or the first. Without branches: they would be guesses. */
static inline unsigned int slot_of(const struct weir_ranges_node *node, uint64_t page)
{
	const uint64_t *key = node->key;
	unsigned int i = 4 * ((key[4] <= page) + (key[8] <= page) + (key[12] <= page));

	return i + (key[i + 1] <= page) + (key[i + 2] <= page) + (key[i + 3] <= page);
}

/* All of a leaf is soon looked at: its lines come at the same time, not one after the other. */
static inline void fetch(const struct weir_ranges_node *node)
{
	for (unsigned int at = 0; at < sizeof(*node); at += CACHE_LINE)
		__builtin_prefetch((const char *)node + at);
}

static void walk(const struct weir_ranges *ranges, uint64_t page, struct path *path)
{
	struct weir_ranges_node *node = ranges->root;

	for (unsigned int level = ranges->height; level--;) {
		path->at[level].node = node;
		path->at[level].i = slot_of(node, page);
		if (level) {
			node = child_of(node, path->at[level].i);
			if (level == 1)
				fetch(node);
		}
	}
}

/* The gap below the first range of a leaf changed with the leaf before it. */
static void refit_first(struct weir_ranges *ranges, struct weir_ranges_node *leaf)
{
	struct path path;
	uint64_t was;

	if (!leaf)
		return;
	walk(ranges, leaf->key[0], &path);
	was = leaf->fit[0];
	leaf->fit[0] = fit_of(gap_of(ranges, leaf, 0), leaf->key[0]);
	bring_up(ranges, &path, 0, was, leaf->fit[0]);
}

/* ---- places ---- */

/* The last entry where so many fit; there is one. Without branches, as above. */
static inline unsigned int last_fit(const struct weir_ranges_node *node, uint64_t pages)
{
	const uint64_t *fit = node->fit;
	unsigned int less = 0;

	for (unsigned int i = 0; i < FAN; i += 8) {
		less = 2 * less + (fit[i] < pages);
		less = 2 * less + (fit[i + 1] < pages);
		less = 2 * less + (fit[i + 2] < pages);
		less = 2 * less + (fit[i + 3] < pages);
		less = 2 * less + (fit[i + 4] < pages);
		less = 2 * less + (fit[i + 5] < pages);
		less = 2 * less + (fit[i + 6] < pages);
		less = 2 * less + (fit[i + 7] < pages);
	}
	return FAN - 1 - (unsigned int)__builtin_ctz(~less);
}

/* The highest place in the subtree that the path has at @level, which has one; path to it. */
static bool place_below(const struct weir_ranges *ranges, struct path *path, unsigned int level,
			uint64_t pages, uint64_t *out_first)
{
	const struct weir_ranges_node *node;
	unsigned int i;

	for (;; level--) {
		node = path->at[level].node;
		i = last_fit(node, pages);
		path->at[level].i = i;
		if (!level)
			break;
		path->at[level - 1].node = child_of(node, i);
		if (level == 1)
			fetch(path->at[level - 1].node);
	}
	return place_in(gap_of(ranges, node, i), node->key[i], pages, out_first);
}

/*
 * The place, and the path to the entry above it; to the end of a leaf where that entry
 * is in the next one.
 */
static bool find_place(const struct weir_ranges *ranges, uint64_t pages, uint64_t limit,
		       struct path *path, uint64_t *out_first)
{
	const struct weir_ranges_node *leaf;
	unsigned int i;

	if (limit < ranges->min)
		return false;
	if (limit >= ranges->max) {
		path->at[ranges->height - 1].node = ranges->root;
		return best_of(ranges->root) >= pages &&
		       place_below(ranges, path, ranges->height - 1, pages, out_first);
	}
	/* the gap that the limit may cut lies below the first range above the limit */
	walk(ranges, limit, path);
	leaf = path->at[0].node;
	i = leaf->key[path->at[0].i] <= limit ? path->at[0].i + 1 : path->at[0].i;
	path->at[0].i = i;
	if (i == leaf->n) {
		leaf = leaf->next;
		i = 0;
	}
	if (place_in(gap_of(ranges, leaf, i),
		     limit + 1 < leaf->key[i] ? limit + 1 : leaf->key[i], pages, out_first))
		return true;
	/* then the gaps to the left of the path, highest first */
	for (unsigned int level = 0; level < ranges->height; level++) {
		const struct weir_ranges_node *node = path->at[level].node;

		for (i = path->at[level].i; i--;) {
			if (node->fit[i] < pages)
				continue;
			path->at[level].i = i;
			if (!level)
				return place_in(gap_of(ranges, node, i), node->key[i], pages,
						out_first);
			path->at[level - 1].node = child_of(node, i);
			return place_below(ranges, path, level - 1, pages, out_first);
		}
	}
	return false;
}

bool weir_ranges_place_(const struct weir_ranges *ranges, uint64_t pages, uint64_t limit,
			uint64_t *out_first)
{
	struct path path;

	return find_place(ranges, pages, limit, &path, out_first);
}

bool weir_ranges_next_(const struct weir_ranges *ranges, uint64_t page,
		       struct weir_range *out_range)
{
	const struct weir_ranges_node *leaf;
	struct path path;
	unsigned int i;

	walk(ranges, page, &path);
	leaf = path.at[0].node;
	i = path.at[0].i;
	if (leaf->key[i] > page && leaf->prev && end_of(leaf->prev, leaf->prev->n - 1) > page) {
		/* it begins below the bound between the two leaves, and ends above */
		leaf = leaf->prev;
		i = leaf->n - 1;
	} else if (end_of(leaf, i) <= page && ++i == leaf->n) {
		leaf = leaf->next;
		i = 0;
	}
	if (!leaf || leaf->key[i] > ranges->max)
		return false;
	*out_range = (struct weir_range){ leaf->key[i], end_of(leaf, i) - 1,
					  leaf->value[i] & RESERVED };
	return true;
}

/* ---- nodes ---- */

/* Makes room for an entry at @i. */
static void open_entry(struct weir_ranges_node *node, unsigned int i)
{
	for (unsigned int k = node->n++; k > i; k--) {
		node->key[k] = node->key[k - 1];
		node->fit[k] = node->fit[k - 1];
		node->value[k] = node->value[k - 1];
	}
}

static void close_entry(struct weir_ranges_node *node, unsigned int i)
{
	for (node->n--; i < node->n; i++) {
		node->key[i] = node->key[i + 1];
		node->fit[i] = node->fit[i + 1];
		node->value[i] = node->value[i + 1];
	}
	node->key[i] = NO_KEY;
	node->fit[i] = 0;
}

/* Appends the entries of @from, from @first on. */
static void append(struct weir_ranges_node *node, const struct weir_ranges_node *from,
		   unsigned int first)
{
	for (unsigned int i = first; i < from->n; i++, node->n++) {
		node->key[node->n] = from->key[i];
		node->fit[node->n] = from->fit[i];
		node->value[node->n] = from->value[i];
	}
}

static void unlink_leaf(struct weir_ranges_node *leaf)
{
	if (leaf->prev)
		leaf->prev->next = leaf->next;
	if (leaf->next)
		leaf->next->prev = leaf->prev;
}

/* Splits child @i of @up, which has room for one more. */
static int split(struct weir_ranges *ranges, struct weir_ranges_node *up, unsigned int i, bool leaf)
{
	struct weir_ranges_node *low = child_of(up, i), *high = node_create(ranges->m);

	if (!high)
		return WEIR_ENOMEM;
	append(high, low, FAN / 2);
	while (low->n > FAN / 2) {
		low->key[--low->n] = NO_KEY;
		low->fit[low->n] = 0;
	}
	if (leaf) {
		high->prev = low;
		high->next = low->next;
		if (high->next)
			high->next->prev = high;
		low->next = high;
	}
	open_entry(up, i + 1);
	set_child(up, i + 1, high);
	up->key[i + 1] = high->key[0];
	up->fit[i + 1] = best_of(high);
	up->fit[i] = best_of(low);
	return 0;
}

/* Splits the full nodes on the way to @page. A split of some of them does no harm. */
static int make_room(struct weir_ranges *ranges, uint64_t page)
{
	struct weir_ranges_node *node = ranges->root;

	if (node->n == FAN) {
		struct weir_ranges_node *root = node_create(ranges->m);

		if (!root)
			return WEIR_ENOMEM;
		root->n = 1;
		root->key[0] = node->key[0];
		root->fit[0] = best_of(node);
		set_child(root, 0, node);
		ranges->root = node = root;
		ranges->height++;
	}
	for (unsigned int level = ranges->height - 1; level; level--) {
		unsigned int i = slot_of(node, page);

		if (child_of(node, i)->n == FAN) {
			int err = split(ranges, node, i, level == 1);

			if (err)
				return err;
			i = slot_of(node, page);
		}
		node = child_of(node, i);
	}
	return 0;
}

/* Puts child @i + 1 of @up into child @i. */
static void merge(struct weir_ranges *ranges, struct weir_ranges_node *up, unsigned int i, bool leaf)
{
	struct weir_ranges_node *low = child_of(up, i), *high = child_of(up, i + 1);

	if (leaf)
		unlink_leaf(high);
	else
		high->key[0] = up->key[i + 1]; /* becomes one that is looked at */
	append(low, high, 0);
	if (up->fit[i] < up->fit[i + 1])
		up->fit[i] = up->fit[i + 1];
	close_entry(up, i + 1);
	node_destroy(ranges->m, high);
}

/* The nodes of a path lost entries: the empty and the sparse go. What they hold is brought up. */
static void thin(struct weir_ranges *ranges, struct path *path)
{
	struct weir_ranges_node *root = ranges->root;

	for (unsigned int level = 0; level + 1 < ranges->height; level++) {
		struct weir_ranges_node *node = path->at[level].node, *up = path->at[level + 1].node;
		unsigned int i = path->at[level + 1].i;
		uint64_t was = up->fit[i];

		if (!node->n) {
			if (!level)
				unlink_leaf(node);
			close_entry(up, i);
			node_destroy(ranges->m, node);
			bring_up(ranges, path, level + 1, was, 0);
		} else if (node->n > FAN / 4) {
			break;
		} else if (i + 1 < up->n && node->n + child_of(up, i + 1)->n <= FAN * 3 / 4) {
			merge(ranges, up, i, !level);
		} else if (i && node->n + child_of(up, i - 1)->n <= FAN * 3 / 4) {
			merge(ranges, up, i - 1, !level);
		} else {
			break;
		}
	}
	while (ranges->height > 1 && root->n == 1) {
		ranges->root = child_of(root, 0);
		ranges->height--;
		node_destroy(ranges->m, root);
		root = ranges->root;
	}
}

/* ---- calls ---- */

int weir_ranges_init_(struct weir_ranges *ranges, struct weir_machine *m, uint64_t min,
		      uint64_t max)
{
	struct weir_ranges_node *root = node_create(m);

	if (!root)
		return WEIR_ENOMEM;
	*ranges = (struct weir_ranges){ .m = m, .root = root, .height = 1, .min = min, .max = max };
	root->n = 1;
	root->key[0] = max + 1;
	root->value[0] = 1 | RESERVED;
	root->fit[0] = fit_of(min, max + 1);
	return 0;
}

void weir_ranges_fini_(struct weir_ranges *ranges)
{
	struct path path;
	unsigned int level = ranges->height - 1;

	if (!ranges->root)
		return;
	path.at[level].node = ranges->root;
	path.at[level].i = 0;
	while (level < ranges->height) {
		struct weir_ranges_node *node = path.at[level].node;

		if (level && path.at[level].i < node->n) {
			path.at[level - 1].node = child_of(node, path.at[level].i++);
			path.at[--level].i = 0;
			continue;
		}
		node_destroy(ranges->m, node);
		level++;
	}
	*ranges = (struct weir_ranges){ 0 };
}

/* A new entry at the path's place in a leaf that has room. */
static void insert(struct weir_ranges *ranges, struct path *path, const struct weir_range *range)
{
	struct weir_ranges_node *leaf = path->at[0].node;
	unsigned int i = path->at[0].i;
	uint64_t was = i < leaf->n ? leaf->fit[i] : 0, is;

	open_entry(leaf, i);
	leaf->key[i] = range->first;
	leaf->value[i] = (range->last - range->first + 1) | (range->reserved ? RESERVED : 0);
	ranges->n++;
	/* it cut the gap below the next range in two */
	is = leaf->fit[i] = fit_of(gap_of(ranges, leaf, i), range->first);
	if (i + 1 < leaf->n) {
		leaf->fit[i + 1] = fit_of(range->last + 1, leaf->key[i + 1]);
		is = leaf->fit[i + 1] > is ? leaf->fit[i + 1] : is;
	}
	bring_up(ranges, path, 0, was, is);
	if (i + 1 == leaf->n)
		refit_first(ranges, leaf->next);
}

int weir_ranges_add_(struct weir_ranges *ranges, const struct weir_range *range)
{
	struct path path;

	walk(ranges, range->first, &path);
	if (path.at[0].node->n == FAN) {
		int err = make_room(ranges, range->first);

		if (err)
			return err;
		walk(ranges, range->first, &path);
	}
	if (path.at[0].node->key[path.at[0].i] <= range->first)
		path.at[0].i++;
	insert(ranges, &path, range);
	return 0;
}

int weir_ranges_alloc_(struct weir_ranges *ranges, uint64_t pages, uint64_t limit,
		       uint64_t *out_first)
{
	struct weir_range range = { 0 };
	struct path path;
	int err = 0;

	if (!find_place(ranges, pages, limit, &path, &range.first))
		return WEIR_ENOSPC;
	range.last = range.first + (pages - 1);
	/* below the first entry of a leaf may already be the next leaf's part */
	if (path.at[0].i && path.at[0].node->n < FAN)
		insert(ranges, &path, &range);
	else
		err = weir_ranges_add_(ranges, &range);
	if (!err)
		*out_first = range.first;
	return err;
}

/* The gap below the first range above @page grew at its lower end. */
static void refit_above(struct weir_ranges *ranges, uint64_t page)
{
	struct weir_ranges_node *leaf;
	struct path path;
	unsigned int i;
	uint64_t was;

	walk(ranges, page, &path);
	leaf = path.at[0].node;
	i = leaf->key[path.at[0].i] <= page ? path.at[0].i + 1 : path.at[0].i;
	if (i == leaf->n) {
		refit_first(ranges, leaf->next);
		return;
	}
	was = leaf->fit[i];
	leaf->fit[i] = fit_of(gap_of(ranges, leaf, i), leaf->key[i]);
	bring_up(ranges, &path, 0, was, leaf->fit[i]);
}

/* Takes out the path's entry. */
static void delete(struct weir_ranges *ranges, struct path *path)
{
	struct weir_ranges_node *leaf = path->at[0].node;
	unsigned int i = path->at[0].i;
	uint64_t first = leaf->key[i], was = leaf->fit[i];
	bool last;

	close_entry(leaf, i);
	ranges->n--;
	last = i == leaf->n;
	if (!last) {
		was = leaf->fit[i] > was ? leaf->fit[i] : was;
		leaf->fit[i] = fit_of(gap_of(ranges, leaf, i), leaf->key[i]);
	}
	if (leaf->n)
		bring_up(ranges, path, 0, was, leaf->fit[i]);
	if (leaf->n <= FAN / 4)
		thin(ranges, path);
	if (last)
		refit_above(ranges, first);
}

bool weir_ranges_free_(struct weir_ranges *ranges, uint64_t first, uint64_t pages)
{
	const struct weir_ranges_node *leaf;
	struct path path;

	walk(ranges, first, &path);
	leaf = path.at[0].node;
	/* not what is reserved: its number of pages is another one */
	if (leaf->key[path.at[0].i] != first || leaf->value[path.at[0].i] != pages)
		return false;
	delete(ranges, &path);
	return true;
}
