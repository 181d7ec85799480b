// SPDX-License-Identifier: MIT
/*
 * Configuration space and the lists of capabilities in it. What is read comes from a
 * device and is not believed: lists end, by counting, whatever they say.
 */
#include "pci/priv.h"
#include "pci/regs.h"

#define FIRST_CAP 0x40u
#define FIRST_EXT 0x100u
#define MAX_CAPS ((0x100u - FIRST_CAP) / 4)
#define MAX_EXTS ((0x1000u - FIRST_EXT) / 4)

uint32_t weir_pci_read_(const struct weir_pci *pci, uint16_t rid, unsigned int offset,
			unsigned int width)
{
	return pci->ops->read(pci->ctx, rid, offset, width);
}

void weir_pci_write_(const struct weir_pci *pci, uint16_t rid, unsigned int offset,
		     unsigned int width, uint32_t value)
{
	if (!(pci->flags & WEIR_PCI_READ_ONLY))
		pci->ops->write(pci->ctx, rid, offset, width, value);
}

/* ---- walking: each returns the offset of the next entry, 0 at the end, or a fault ---- */

static unsigned int first_cap(const struct fn *f)
{
	if (!(rd(f, PCI_STATUS, 2) & PCI_STATUS_CAPS))
		return 0;
	return rd(f, PCI_CAPS, 1) & ~3u;
}

/* Return: an offset; 0 at the end; WEIR_EINVAL when it leads out of the area. */
static int next_cap(const struct fn *f, unsigned int at)
{
	unsigned int next = at ? rd(f, at + 1, 1) & ~3u : first_cap(f);

	return next && next < FIRST_CAP ? WEIR_EINVAL : (int)next;
}

static int next_ext(const struct fn *f, unsigned int at)
{
	uint32_t head;

	if (at) {
		unsigned int next = rd(f, at, 4) >> 20 & ~3u;

		return next && next < FIRST_EXT ? WEIR_EINVAL : (int)next;
	}
	head = f->exp ? rd(f, FIRST_EXT, 4) : 0;
	return head && head != UINT32_MAX ? (int)FIRST_EXT : 0;
}

/* ---- once, when a function is found ---- */

static void note_cap(struct fn *f, unsigned int at)
{
	uint16_t *where;

	switch (rd(f, at, 1)) {
	case PCI_CAP_EXP:
		where = &f->exp;
		break;
	case PCI_CAP_MSI:
		where = &f->msi;
		break;
	case PCI_CAP_MSIX:
		where = &f->msix;
		break;
	case 0xff:
		weir_pci_fail_(f, "the capability at 0x%x reads as all ones", at);
		return;
	default:
		return;
	}
	if (!*where)
		*where = (uint16_t)at;
}

static void scan_caps(struct fn *f)
{
	int at = next_cap(f, 0);

	for (unsigned int n = 0; at > 0; n++) {
		if (n == MAX_CAPS) {
			weir_pci_fail_(f, "its list of capabilities loops at 0x%x", at);
			return;
		}
		note_cap(f, (unsigned int)at);
		if (f->fault[0])
			return;
		at = next_cap(f, (unsigned int)at);
	}
	if (at < 0)
		weir_pci_fail_(f, "its list of capabilities leads into the header");
}

static void scan_exts(struct fn *f)
{
	int at = next_ext(f, 0);

	for (unsigned int n = 0; at > 0; n++) {
		if (n == MAX_EXTS) {
			weir_pci_fail_(f, "its list of extended capabilities loops at 0x%x", at);
			return;
		}
		if ((rd(f, (unsigned int)at, 4) & 0xffff) == PCI_EXT_ACS && !f->acs)
			f->acs = (uint16_t)at;
		at = next_ext(f, (unsigned int)at);
	}
	if (at < 0)
		weir_pci_fail_(f, "its list of extended capabilities leads out of its area");
}

void weir_pci_caps_scan_(struct fn *f)
{
	scan_caps(f);
	if (!f->fault[0])
		scan_exts(f);
}

/* ---- for drivers ---- */

uint32_t weir_pci_read(const struct weir_device *dev, unsigned int offset, unsigned int width)
{
	const struct fn *f = weir_pci_fn_(dev);

	return f ? rd(f, offset, width) : UINT32_MAX;
}

void weir_pci_write(const struct weir_device *dev, unsigned int offset, unsigned int width,
		    uint32_t value)
{
	const struct fn *f = weir_pci_fn_(dev);

	if (f)
		wr(f, offset, width, value);
}

int weir_pci_cap(const struct weir_device *dev, uint8_t id, unsigned int after)
{
	const struct fn *f = weir_pci_fn_(dev);
	int at = f ? next_cap(f, after) : 0;

	for (unsigned int n = 0; at > 0 && n < MAX_CAPS; n++) {
		if (rd(f, (unsigned int)at, 1) == id)
			return at;
		at = next_cap(f, (unsigned int)at);
	}
	return WEIR_ENOENT;
}

int weir_pci_ext_cap(const struct weir_device *dev, uint16_t id, unsigned int after)
{
	const struct fn *f = weir_pci_fn_(dev);
	int at = f ? next_ext(f, after) : 0;

	for (unsigned int n = 0; at > 0 && n < MAX_EXTS; n++) {
		if ((rd(f, (unsigned int)at, 4) & 0xffff) == id)
			return at;
		at = next_ext(f, (unsigned int)at);
	}
	return WEIR_ENOENT;
}
