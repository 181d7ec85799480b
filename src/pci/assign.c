// SPDX-License-Identifier: MIT
/*
 * Addresses. For each space: from the leaves up, how large and how aligned the window
 * of each bridge must be; then from the host bridge down, where it is. On each bus
 * what is aligned most comes first, so nothing is lost between. A port into which devices
 * can be plugged gets room for that. When it does not fit, first that room becomes less,
 * half by half, the same for all ports; then the largest registers go: from high space to
 * low, and there their function is put into quarantine; the others stay.
 *
 * What is plugged is laid out the same way inside the window that its port has: the ports
 * of a switch share it.
 */
#include "pci/priv.h"
#include "pci/regs.h"

#define MEM_GRAIN_LG2 20u         /* of windows of bridges */
#define IO_GRAIN_LG2  12u
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

/* Which space a set of registers should be in. */
static enum weir_pci_space space_of(const struct fn *f, const struct bar *bar)
{
	if (bar->io)
		return WEIR_PCI_IO;
	if (bar->is_64bit && !bar->low && (bar->prefetchable || !f->parent) &&
	    reaches(f, WEIR_PCI_HIGH))
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
	    space_of(f, bar) != space)
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
	uint64_t end, reserve = bridge->pci->reserve[space];
	struct window *w = &bridge->windows[space];

	end = lay_out(&bridge->children, space, 0, false, &w->align);
	if (w->align < grain(space))
		w->align = grain(space);
	if (bridge->hotplug && end < reserve && w->there && reaches(bridge, space)) {
		end = reserve;
		w->align = w->align < reserve ? reserve : w->align;
	}
	w->bytes = align_up(end, grain(space));
	if (w->bytes == FULL) /* more than there can be: too much for any host window too */
		w->bytes = FULL & ~(grain(space) - 1);
	if (!w->there)
		w->bytes = 0;
}

/* All that are new; those of a bridge that stays as it is are not asked. */
static void need_all(struct weir_pci *pci, enum weir_pci_space space)
{
	struct fn *f;

	for (f = weir_pci_previous_(pci, NULL); f; f = weir_pci_previous_(pci, f))
		if (f->fresh && f->bridge)
			need(f, space);
}

static void ask_reserve(struct weir_pci *pci, enum weir_pci_space space)
{
	uint64_t want = pci->host.reserve.bytes[space], bytes = grain(space);

	while (bytes <= want / 2)
		bytes *= 2;
	pci->reserve[space] = bytes <= want ? bytes : 0;
}

/* The ports get less. False: they had nothing. */
static bool shrink_reserve(struct weir_pci *pci, enum weir_pci_space space)
{
	uint64_t *bytes = &pci->reserve[space];

	if (!*bytes)
		return false;
	*bytes = *bytes / 2 < grain(space) ? 0 : *bytes / 2;
	return true;
}

/* Registers give way: from high space there is a second try. */
static void refuse(struct fn *f, unsigned int i, enum weir_pci_space space)
{
	struct bar *bar = &f->bars[i];

	if (space == WEIR_PCI_HIGH) {
		bar->low = true;
		return;
	}
	bar->refused = true;
	if (space == WEIR_PCI_MEM)
		weir_pci_fail_(f, "%s no room for the 0x%llx bytes of BAR %u",
			       f->plugged ? "its bridge has" : "there is",
			       (unsigned long long)bar->bytes, i);
}

/* The largest registers of a space give way. False: there are none. */
static bool refuse_largest(struct weir_pci *pci, enum weir_pci_space space)
{
	struct fn *f, *at = NULL;
	unsigned int index = 0;

	for (f = weir_pci_next_(pci, NULL); f; f = weir_pci_next_(pci, f)) {
		for (unsigned int i = 0; f->fresh && i < MAX_BARS; i++) {
			if (!wants(f, &f->bars[i], space) ||
			    (at && f->bars[i].bytes <= at->bars[index].bytes))
				continue;
			at = f;
			index = i;
		}
	}
	if (at)
		refuse(at, index, space);
	return at;
}

/* What is larger than all there is does not take from others first. */
static void refuse_absurd(struct weir_pci *pci, enum weir_pci_space space, uint64_t bytes)
{
	struct fn *f;

	for (f = weir_pci_next_(pci, NULL); f; f = weir_pci_next_(pci, f))
		for (unsigned int i = 0; f->fresh && i < MAX_BARS; i++)
			if (f->bars[i].bytes > bytes && wants(f, &f->bars[i], space))
				refuse(f, i, space);
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

/*
 * Lays out what is new on a bus and below: there is room from @begin to @last, none when
 * that is before @begin.
 */
static void assign(struct weir_pci *pci, struct fn *bridge, enum weir_pci_space space,
		   uint64_t begin, uint64_t last)
{
	struct weir_list *bus = weir_pci_children_(pci, bridge);
	uint64_t align, end;
	struct fn *f;

	refuse_absurd(pci, space, begin <= last ? last - begin + 1 : 0);
	ask_reserve(pci, space);
	for (;;) {
		need_all(pci, space);
		end = lay_out(bus, space, begin, false, &align);
		if (end == begin || (begin <= last && end - 1 <= last))
			break;
		if (!shrink_reserve(pci, space) && !refuse_largest(pci, space))
			break;
	}
	lay_out(bus, space, begin, true, &align);
	for (f = weir_pci_next_(pci, NULL); f; f = weir_pci_next_(pci, f))
		if (f->fresh && f->bridge && f->windows[space].bytes)
			lay_out(&f->children, space, f->windows[space].base, true, &align);
	for (f = weir_pci_next_(pci, NULL); f; f = weir_pci_next_(pci, f))
		if (f->fresh)
			commit(f, space);
}

/* High space before low, where what does not fit there goes. */
static const enum weir_pci_space order[WEIR_PCI_SPACES] = {
	WEIR_PCI_IO, WEIR_PCI_HIGH, WEIR_PCI_MEM,
};

/* Bridges pass accesses on; what is below decides for itself. */
static void open_bridges(struct weir_pci *pci)
{
	struct fn *f;

	for (f = weir_pci_next_(pci, NULL); f; f = weir_pci_next_(pci, f))
		if (f->fresh && f->bridge)
			wr(f, PCI_COMMAND, 2,
			   PCI_COMMAND_IO | PCI_COMMAND_MEM | PCI_COMMAND_INTX_OFF);
}

void weir_pci_assign_(struct weir_pci *pci)
{
	if (pci->flags & WEIR_PCI_KEEP)
		return;
	for (unsigned int i = 0; i < WEIR_PCI_SPACES; i++) {
		const struct weir_pci_window *w = host_window(pci, order[i]);
		uint64_t begin = w ? w->pci : 1;

		if (!begin) /* an address of 0 means none */
			begin = grain(order[i]);
		assign(pci, NULL, order[i], begin, w ? w->pci + (w->bytes - 1) : 0);
	}
	open_bridges(pci);
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

void weir_pci_assign_below_(struct fn *bridge)
{
	for (unsigned int i = 0; i < WEIR_PCI_SPACES; i++) {
		const struct window *w = &bridge->windows[order[i]];

		assign(bridge->pci, bridge, order[i], w->bytes ? used_end(bridge, order[i]) : 1,
		       w->bytes ? w->base + (w->bytes - 1) : 0);
	}
	open_bridges(bridge->pci);
}
