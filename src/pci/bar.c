// SPDX-License-Identifier: MIT
/*
 * Base address registers and windows of bridges: what they want, and what they are
 * given. A register is sized by writing ones and reading what sticks, with the
 * function's decoders off (PCI Local Bus Specification 3.0, 6.2.5.1).
 */
#include "pci/priv.h"
#include "pci/regs.h"

/* ---- base address registers ---- */

static uint64_t read_bar(const struct fn *f, unsigned int i, bool is_64bit)
{
	uint64_t value = rd(f, PCI_BAR + 4 * i, 4);

	if (is_64bit)
		value |= (uint64_t)rd(f, PCI_BAR + 4 * i + 4, 4) << 32;
	return value;
}

static void write_bar(const struct fn *f, unsigned int i, bool is_64bit, uint64_t value)
{
	wr(f, PCI_BAR + 4 * i, 4, (uint32_t)value);
	if (is_64bit)
		wr(f, PCI_BAR + 4 * i + 4, 4, (uint32_t)(value >> 32));
}

void weir_pci_bar_write_(const struct fn *f, unsigned int i)
{
	write_bar(f, i, f->bars[i].is_64bit, f->bars[i].pci);
}

/* The bits that stick are those above the size; ports may lack the upper 16. */
static bool size_of(const struct bar *bar, uint64_t sticks, uint64_t *out_bytes)
{
	uint64_t address = sticks & (bar->io ? ~(uint64_t)3 : ~(uint64_t)15);

	if (bar->io && !(address >> 16 & 0xffff))
		address |= 0xffff0000u;
	if (!bar->is_64bit)
		address |= 0xffffffff00000000u;
	*out_bytes = ~address + 1;
	return *out_bytes && !(*out_bytes & (*out_bytes - 1));
}

/* Its address is where firmware put it. */
static void keep_bar(const struct fn *f, struct bar *bar, uint64_t pci)
{
	const struct window *high = f->parent ? &f->parent->windows[WEIR_PCI_HIGH] : NULL;

	bar->pci = pci;
	bar->assigned = pci != 0;
	if (bar->io)
		bar->space = WEIR_PCI_IO;
	else if (pci >> 32 || (high && pci >= high->base && pci - high->base < high->bytes))
		bar->space = WEIR_PCI_HIGH;
	else
		bar->space = WEIR_PCI_MEM;
}

/* Return: how many registers it takes. */
static unsigned int scan_bar(struct fn *f, unsigned int i, unsigned int n)
{
	struct bar *bar = &f->bars[i];
	uint64_t was, sticks, bytes;

	was = rd(f, PCI_BAR + 4 * i, 4);
	bar->io = was & PCI_BAR_IO;
	bar->is_64bit = !bar->io && (was & PCI_BAR_TYPE) == PCI_BAR_TYPE_64;
	bar->prefetchable = !bar->io && (was & PCI_BAR_PREFETCH);
	if (bar->is_64bit && i + 1 == n) {
		weir_pci_fail_(f, "its last register (BAR %u) says that another follows", i);
		return 1;
	}
	was = read_bar(f, i, bar->is_64bit);
	if (f->pci->flags & WEIR_PCI_READ_ONLY)
		return bar->is_64bit ? 2 : 1;
	write_bar(f, i, bar->is_64bit, bar->is_64bit ? UINT64_MAX : UINT32_MAX);
	sticks = read_bar(f, i, bar->is_64bit);
	write_bar(f, i, bar->is_64bit, was);
	if (!(sticks & (bar->io ? ~(uint64_t)3 : ~(uint64_t)15)))
		return bar->is_64bit ? 2 : 1; /* not there */
	if (!size_of(bar, sticks, &bytes)) {
		weir_pci_fail_(f, "BAR %u has no size: 0x%llx sticks", i,
			       (unsigned long long)sticks);
		return bar->is_64bit ? 2 : 1;
	}
	bar->bytes = bytes;
	if (weir_pci_kept_(f))
		keep_bar(f, bar, was & (bar->io ? ~(uint64_t)3 : ~(uint64_t)15));
	return bar->is_64bit ? 2 : 1;
}

void weir_pci_bars_scan_(struct fn *f)
{
	unsigned int n = f->header ? 2 : MAX_BARS;
	uint32_t command = rd(f, PCI_COMMAND, 2);

	wr(f, PCI_COMMAND, 2, command & ~(PCI_COMMAND_IO | PCI_COMMAND_MEM));
	for (unsigned int i = 0; i < n && !f->fault[0];)
		i += scan_bar(f, i, n);
	wr(f, PCI_COMMAND, 2, command);
}

/* ---- windows of bridges ---- */

/* Whether a pair of registers keeps what is written: those of a missing window are 0. */
static bool sticks(const struct fn *f, unsigned int offset, unsigned int width, uint32_t ones)
{
	uint32_t was = rd(f, offset, width), now;

	wr(f, offset, width, ones);
	now = rd(f, offset, width);
	wr(f, offset, width, was);
	return now & ones;
}

/* One whose base is above its limit is closed; it is not opened. */
static void keep_window(struct fn *f, enum weir_pci_space space, uint64_t base, uint64_t limit)
{
	if (limit > base)
		f->windows[space] = (struct window){ base, limit - base + 1, 0, true };
}

static void keep_windows(struct fn *f)
{
	uint64_t base, limit;

	base = (uint64_t)(rd(f, PCI_MEM_BASE, 2) & 0xfff0) << 16;
	limit = (uint64_t)(rd(f, PCI_MEM_LIMIT, 2) & 0xfff0) << 16 | 0xfffff;
	keep_window(f, WEIR_PCI_MEM, base, limit);
	base = (uint64_t)(rd(f, PCI_PREF_BASE, 2) & 0xfff0) << 16 |
	       (uint64_t)rd(f, PCI_PREF_BASE_HI, 4) << 32;
	limit = (uint64_t)(rd(f, PCI_PREF_LIMIT, 2) & 0xfff0) << 16 | 0xfffff |
		(uint64_t)rd(f, PCI_PREF_LIMIT_HI, 4) << 32;
	if (base) /* registers that are not there read as 0 */
		keep_window(f, WEIR_PCI_HIGH, base, limit);
	base = (uint64_t)(rd(f, PCI_IO_BASE, 1) & 0xf0) << 8 |
	       (uint64_t)rd(f, PCI_IO_HI, 2) << 16;
	limit = (uint64_t)(rd(f, PCI_IO_LIMIT, 1) & 0xf0) << 8 | 0xfff |
		(uint64_t)rd(f, PCI_IO_HI + 2, 2) << 16;
	if (base)
		keep_window(f, WEIR_PCI_IO, base, limit);
}

void weir_pci_windows_scan_(struct fn *f)
{
	if (weir_pci_kept_(f)) {
		keep_windows(f);
		return;
	}
	f->windows[WEIR_PCI_MEM].there = true;
	f->windows[WEIR_PCI_IO].there = sticks(f, PCI_IO_BASE, 1, 0xf0);
	f->windows[WEIR_PCI_HIGH].there =
		sticks(f, PCI_PREF_BASE, 2, 0xfff0) &&
		(rd(f, PCI_PREF_BASE, 2) & PCI_PREF_TYPE) == PCI_PREF_TYPE_64;
	for (unsigned int i = 0; i < WEIR_PCI_SPACES; i++)
		weir_pci_window_write_(f, (enum weir_pci_space)i);
}

/* A window whose base is above its limit is closed. */
void weir_pci_window_write_(const struct fn *f, enum weir_pci_space space)
{
	const struct window *w = &f->windows[space];
	uint64_t base = w->bytes ? w->base : 0xfffffff0fff00000u;
	uint64_t limit = w->bytes ? w->base + w->bytes - 1 : 0;

	switch (space) {
	case WEIR_PCI_IO:
		base = w->bytes ? base : 0xf000;
		wr(f, PCI_IO_BASE, 1, (uint32_t)(base >> 8 & 0xf0));
		wr(f, PCI_IO_LIMIT, 1, (uint32_t)(limit >> 8 & 0xf0));
		wr(f, PCI_IO_HI, 4, (uint32_t)(base >> 16 | (limit >> 16) << 16));
		break;
	case WEIR_PCI_MEM:
		wr(f, PCI_MEM_BASE, 2, (uint32_t)(base >> 16 & 0xfff0));
		wr(f, PCI_MEM_LIMIT, 2, (uint32_t)(limit >> 16 & 0xfff0));
		break;
	default:
		wr(f, PCI_PREF_BASE, 2, (uint32_t)(base >> 16 & 0xfff0));
		wr(f, PCI_PREF_LIMIT, 2, (uint32_t)(limit >> 16 & 0xfff0));
		wr(f, PCI_PREF_BASE_HI, 4, (uint32_t)(base >> 32));
		wr(f, PCI_PREF_LIMIT_HI, 4, (uint32_t)(limit >> 32));
	}
}
