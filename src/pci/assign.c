// SPDX-License-Identifier: MIT
/*
 * Addresses. For each space: from the leaves up, how large and how aligned the window
 * of each bridge must be; then from the host bridge down, where it is. On each bus
 * what is aligned most comes first, so nothing is lost between. When it does not fit,
 * first the room kept for what may be plugged goes, then the largest registers, whose
 * function is put into quarantine; the others stay.
 */
#include "pci/priv.h"
#include "pci/regs.h"

#define MEM_GRAIN_LG2 20u         /* of windows of bridges */
#define IO_GRAIN_LG2  12u
#define PLUG_BYTES ((uint64_t)2 << 20) /* kept below a port for what may be plugged */
#define FULL UINT64_MAX

static const struct weir_pci_window *host_window(const struct weir_pci *pci,
						 enum weir_pci_space space)
{
	const struct weir_pci_window *best = NULL;

	for (unsigned int i = 0; i < pci->host.nr_windows; i++) {
		const struct weir_pci_window *w = &pci->host.windows[i];

		if (w->space == space && (!best || w->bytes > best->bytes))
			best = w;
	}
	return best;
}

/* Whether there are windows for a space all the way up. */
static bool reaches(const struct fn *f, enum weir_pci_space space)
{
	const struct fn *bridge;

	for (bridge = f->parent; bridge; bridge = bridge->parent)
		if (!bridge->windows[space].there)
			return false;
	return host_window(f->pci, space);
}

enum weir_pci_space weir_pci_bar_space_(const struct fn *f, const struct bar *bar)
{
	if (bar->io)
		return WEIR_PCI_IO;
	if (bar->is_64bit && (bar->prefetchable || !f->parent) && reaches(f, WEIR_PCI_HIGH))
		return WEIR_PCI_HIGH;
	return WEIR_PCI_MEM;
}

static uint64_t grain(enum weir_pci_space space)
{
	return (uint64_t)1 << (space == WEIR_PCI_IO ? IO_GRAIN_LG2 : MEM_GRAIN_LG2);
}

static uint64_t align_up(uint64_t x, uint64_t align)
{
	return x > FULL - align ? FULL : (x + align - 1) & ~(align - 1);
}

/* Takes @bytes behind @at. Return: where they begin; FULL when there is no such place. */
static uint64_t take(uint64_t *at, uint64_t bytes, uint64_t align)
{
	uint64_t begin = align_up(*at, align);

	*at = begin == FULL || bytes > FULL - 1 - begin ? FULL : begin + bytes;
	return *at == FULL ? FULL : begin;
}

static bool wants(const struct fn *f, const struct bar *bar, enum weir_pci_space space)
{
	if (!bar->bytes || bar->refused || bar->assigned || f->fault[0] ||
	    weir_pci_bar_space_(f, bar) != space)
		return false;
	return space != WEIR_PCI_IO || reaches(f, space); /* everything can do without ports */
}

/* A pass over one bus: everything of one alignment. With @give addresses are given. */
static uint64_t place(struct fn *f, enum weir_pci_space space, uint64_t align, uint64_t *at,
		      bool give)
{
	struct window *w = &f->windows[space];
	uint64_t begin;

	for (unsigned int i = 0; i < MAX_BARS; i++) {
		struct bar *bar = &f->bars[i];

		if (bar->bytes != align || !wants(f, bar, space))
			continue;
		begin = take(at, bar->bytes, align);
		if (give) {
			bar->pci = begin;
			bar->space = space;
		}
	}
	if (f->fresh && f->bridge && w->bytes && w->align == align) {
		begin = take(at, w->bytes, align);
		if (give)
			w->base = begin;
	}
	return *at;
}

/*
 * Lays out one bus from @begin on. Return: its end, FULL when there is none; the largest
 * alignment that was met is in @out_align.
 */
static uint64_t lay_out(struct weir_list *fns, enum weir_pci_space space, uint64_t begin, bool give,
			uint64_t *out_align)
{
	uint64_t at = begin, largest = 1;

	for (unsigned int lg2 = 63; lg2 >= 2; lg2--) {
		uint64_t align = (uint64_t)1 << lg2, before = at;
		struct fn *f;

		weir_list_each(f, fns, struct fn, sibling)
			place(f, space, align, &at, give);
		if (at != before && largest == 1)
			largest = align;
		if (at == FULL)
			break;
	}
	*out_align = largest;
	return at;
}

/* The window that one bridge needs, those below being known. */
static void need(struct fn *bridge, enum weir_pci_space space)
{
	struct weir_pci *pci = bridge->pci;
	struct window *w = &bridge->windows[space];
	uint64_t end;

	end = lay_out(&bridge->children, space, 0, false, &w->align);
	if (w->align < grain(space))
		w->align = grain(space);
	if (bridge->hotplug && space != WEIR_PCI_IO && !pci->no_reserve[space] && w->there &&
	    (space == WEIR_PCI_MEM || reaches(bridge, space)) && end < PLUG_BYTES)
		end = PLUG_BYTES;
	w->bytes = align_up(end, grain(space));
	if (w->bytes == FULL) /* more than there can be: too much for any host window too */
		w->bytes = FULL & ~(grain(space) - 1);
	if (!w->there)
		w->bytes = 0;
}

/* Children before their parents: the reverse of the tree's order. */
static struct fn *previous(struct weir_pci *pci, struct fn *f)
{
	struct weir_list *head = weir_pci_children_(pci, f->parent), *at = f->sibling.prev;

	if (at == head)
		return f->parent;
	f = weir_container_of(at, struct fn, sibling);
	while (!weir_list_empty(&f->children))
		f = weir_container_of(f->children.prev, struct fn, sibling);
	return f;
}

static struct fn *last(struct weir_pci *pci)
{
	struct weir_list *head = &pci->fns;
	struct fn *f = NULL;

	while (!weir_list_empty(head)) {
		f = weir_container_of(head->prev, struct fn, sibling);
		head = &f->children;
	}
	return f;
}

static uint64_t need_all(struct weir_pci *pci, enum weir_pci_space space, uint64_t begin)
{
	uint64_t align;

	for (struct fn *f = last(pci); f; f = previous(pci, f))
		if (f->bridge)
			need(f, space);
	return lay_out(&pci->fns, space, begin, false, &align);
}

/* The largest registers of a space give way. False: there are none. */
static bool refuse_largest(struct weir_pci *pci, enum weir_pci_space space)
{
	struct fn *f, *at = NULL;
	unsigned int index = 0;

	for (f = weir_pci_next_(pci, NULL); f; f = weir_pci_next_(pci, f)) {
		for (unsigned int i = 0; i < MAX_BARS; i++) {
			if (!wants(f, &f->bars[i], space) ||
			    (at && f->bars[i].bytes <= at->bars[index].bytes))
				continue;
			at = f;
			index = i;
		}
	}
	if (!at)
		return false;
	at->bars[index].refused = true;
	if (space != WEIR_PCI_IO)
		weir_pci_fail_(at, "there is no room for the 0x%llx bytes of BAR %u",
			       (unsigned long long)at->bars[index].bytes, index);
	return true;
}

/* Writes what was laid out for one function. */
static void commit(struct fn *f, enum weir_pci_space space)
{
	for (unsigned int i = 0; i < MAX_BARS; i++) {
		struct bar *bar = &f->bars[i];

		if (!wants(f, bar, space))
			continue;
		weir_pci_bar_write_(f, i);
		bar->assigned = true;
	}
	if (f->bridge)
		weir_pci_window_write_(f, space);
}

static void assign(struct weir_pci *pci, enum weir_pci_space space)
{
	const struct weir_pci_window *w = host_window(pci, space);
	uint64_t begin = w ? w->pci : 0, end = w ? w->pci + (w->bytes - 1) : 0, align;
	struct fn *f;

	if (w && !begin) /* an address of 0 means none */
		begin = grain(space);
	while (need_all(pci, space, begin) - 1 > end || !w) {
		if (!pci->no_reserve[space])
			pci->no_reserve[space] = true;
		else if (!refuse_largest(pci, space))
			break;
	}
	lay_out(&pci->fns, space, begin, true, &align);
	for (f = weir_pci_next_(pci, NULL); f; f = weir_pci_next_(pci, f))
		if (f->bridge && f->windows[space].bytes)
			lay_out(&f->children, space, f->windows[space].base, true, &align);
	for (f = weir_pci_next_(pci, NULL); f; f = weir_pci_next_(pci, f))
		commit(f, space);
}

void weir_pci_assign_(struct weir_pci *pci)
{
	struct fn *f;

	if (pci->flags & WEIR_PCI_KEEP)
		return;
	for (unsigned int space = 0; space < WEIR_PCI_SPACES; space++)
		assign(pci, (enum weir_pci_space)space);
	/* Bridges pass accesses on; what is below decides for itself. */
	for (f = weir_pci_next_(pci, NULL); f; f = weir_pci_next_(pci, f))
		if (f->bridge)
			wr(f, PCI_COMMAND, 2,
			   PCI_COMMAND_IO | PCI_COMMAND_MEM | PCI_COMMAND_INTX_OFF);
}

/* ---- plugging ---- */

/* The end of what has addresses on the bus of a bridge. */
static uint64_t used_end(struct fn *bridge, enum weir_pci_space space)
{
	uint64_t end = bridge->windows[space].base;
	struct fn *f;

	weir_list_each(f, &bridge->children, struct fn, sibling) {
		const struct window *w = &f->windows[space];

		for (unsigned int i = 0; i < MAX_BARS; i++) {
			const struct bar *bar = &f->bars[i];

			if (bar->assigned && bar->space == space && bar->pci + bar->bytes > end)
				end = bar->pci + bar->bytes;
		}
		if (!f->fresh && w->bytes && w->base + w->bytes > end)
			end = w->base + w->bytes;
	}
	return end;
}

static struct fn *largest_below(struct fn *bridge, enum weir_pci_space space, unsigned int *out_i)
{
	struct fn *f, *at = NULL;

	weir_list_each(f, &bridge->children, struct fn, sibling) {
		for (unsigned int i = 0; i < MAX_BARS; i++) {
			if (!wants(f, &f->bars[i], space) ||
			    (at && f->bars[i].bytes <= at->bars[*out_i].bytes))
				continue;
			at = f;
			*out_i = i;
		}
	}
	return at;
}

static void assign_below(struct fn *bridge, enum weir_pci_space space)
{
	const struct window *w = &bridge->windows[space];
	uint64_t align;
	struct fn *f;

	for (;;) {
		uint64_t begin = used_end(bridge, space);
		uint64_t end = lay_out(&bridge->children, space, begin, true, &align);
		unsigned int i = 0;

		if (end == begin || (w->bytes && end - w->base <= w->bytes))
			break;
		f = largest_below(bridge, space, &i);
		if (!f)
			break;
		f->bars[i].refused = true;
		if (space != WEIR_PCI_IO)
			weir_pci_fail_(f, "its bridge has no room for the 0x%llx bytes of BAR %u",
				       (unsigned long long)f->bars[i].bytes, i);
	}
	weir_list_each(f, &bridge->children, struct fn, sibling)
		if (f->fresh)
			commit(f, space);
}

void weir_pci_assign_below_(struct fn *bridge)
{
	if (bridge->pci->flags & WEIR_PCI_KEEP)
		return;
	for (unsigned int space = 0; space < WEIR_PCI_SPACES; space++)
		assign_below(bridge, (enum weir_pci_space)space);
}
