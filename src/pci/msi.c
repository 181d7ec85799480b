// SPDX-License-Identifier: MIT
/*
 * Message-signalled interrupts (PCI Local Bus Specification 3.0, 6.8): MSI-X with its
 * table in a function's registers, or one message of MSI. Belongs to the function's
 * driver, which calls from one thread at a time.
 */
#include "pci/priv.h"
#include "pci/regs.h"

#define ENTRY_ADDRESS    0u
#define ENTRY_ADDRESS_HI 4u
#define ENTRY_DATA       8u
#define ENTRY_CONTROL    12u
#define ENTRY_MASKED     1u

static unsigned int table_entries(const struct fn *f)
{
	return (rd(f, f->msix + PCI_MSIX_FLAGS, 2) & PCI_MSIX_SIZE) + 1;
}

unsigned int weir_pci_msi_count(const struct weir_device *dev)
{
	const struct fn *f = weir_pci_fn_(dev);

	if (!f)
		return 0;
	return f->msix ? table_entries(f) : f->msi ? 1 : 0;
}

/* The table is where the function says; it must be inside what it has. */
static int map_table(struct fn *f, unsigned int entries)
{
	uint32_t where = rd(f, f->msix + PCI_MSIX_TABLE, 4);
	struct weir_pci_bar bar;
	uint64_t offset = where & ~7u, bytes = (uint64_t)entries * PCI_MSIX_ENTRY_BYTES;

	if (weir_pci_bar_get(f->dev, where & 7, &bar) || bar.space == WEIR_PCI_IO ||
	    bar.cpu == WEIR_PCI_NO_CPU_ADDRESS || offset > bar.bytes ||
	    bytes > bar.bytes - offset)
		return WEIR_ENXIO;
	return weir_mmio_map(f->pci->m, bar.cpu + offset, bytes, &f->msix_table);
}

static void write_entry(const struct fn *f, unsigned int i, const struct weir_msi *message)
{
	const struct weir_mmio *table = &f->msix_table;
	uint64_t at = (uint64_t)i * PCI_MSIX_ENTRY_BYTES;

	weir_mmio_write32(table, at + ENTRY_CONTROL, ENTRY_MASKED);
	if (!message)
		return;
	weir_mmio_write32(table, at + ENTRY_ADDRESS, (uint32_t)message->pa);
	weir_mmio_write32(table, at + ENTRY_ADDRESS_HI, (uint32_t)(message->pa >> 32));
	weir_mmio_write32(table, at + ENTRY_DATA, message->data);
	weir_mmio_write32(table, at + ENTRY_CONTROL, 0);
}

static int enable_msix(struct fn *f, unsigned int n, const struct weir_msi *messages)
{
	unsigned int entries = table_entries(f);
	uint32_t flags = rd(f, f->msix + PCI_MSIX_FLAGS, 2);
	int err;

	if (n > entries)
		return WEIR_EINVAL;
	err = map_table(f, entries);
	if (err)
		return err;
	/* On, with everything masked, so that no entry is used half written. */
	wr(f, f->msix + PCI_MSIX_FLAGS, 2, flags | PCI_MSIX_ENABLE | PCI_MSIX_MASK_ALL);
	for (unsigned int i = 0; i < entries; i++)
		write_entry(f, i, i < n ? &messages[i] : NULL);
	wr(f, f->msix + PCI_MSIX_FLAGS, 2, (flags | PCI_MSIX_ENABLE) & ~PCI_MSIX_MASK_ALL);
	f->nr_msix = n;
	return 0;
}

static int write_msi(const struct fn *f, const struct weir_msi *message)
{
	bool wide = rd(f, f->msi + PCI_MSI_FLAGS, 2) & PCI_MSI_64;
	unsigned int at = f->msi + PCI_MSI_ADDRESS;

	if (message->data > 0xffff || (!wide && message->pa >> 32))
		return WEIR_EINVAL;
	wr(f, at, 4, (uint32_t)message->pa);
	if (wide)
		wr(f, at + 4, 4, (uint32_t)(message->pa >> 32));
	wr(f, at + (wide ? 8 : 4), 2, message->data);
	return 0;
}

static void set_msi(const struct fn *f, bool on)
{
	uint32_t flags = rd(f, f->msi + PCI_MSI_FLAGS, 2) & ~(PCI_MSI_ENABLE | PCI_MSI_MULTI);

	wr(f, f->msi + PCI_MSI_FLAGS, 2, flags | (on ? PCI_MSI_ENABLE : 0));
}

int weir_pci_msi_enable(struct weir_device *dev, unsigned int n, const struct weir_msi *messages)
{
	struct fn *f = weir_pci_fn_(dev);
	int err = 0;

	if (!f || !n || n > weir_pci_msi_count(dev))
		return WEIR_EINVAL;
	if (f->msi_on)
		return WEIR_EBUSY;
	if (f->msix) {
		err = enable_msix(f, n, messages);
	} else {
		set_msi(f, false);
		err = write_msi(f, messages);
		if (!err)
			set_msi(f, true);
	}
	f->msi_on = !err;
	return err;
}

void weir_pci_msi_disable(struct weir_device *dev)
{
	struct fn *f = weir_pci_fn_(dev);

	if (!f || !f->msi_on)
		return;
	if (f->msix) {
		wr(f, f->msix + PCI_MSIX_FLAGS, 2,
		   rd(f, f->msix + PCI_MSIX_FLAGS, 2) & ~PCI_MSIX_ENABLE);
		weir_mmio_unmap(&f->msix_table);
		f->nr_msix = 0;
	} else {
		set_msi(f, false);
	}
	f->msi_on = false;
}

int weir_pci_msi_set(struct weir_device *dev, unsigned int index, const struct weir_msi *message)
{
	struct fn *f = weir_pci_fn_(dev);
	int err;

	if (!f || !f->msi_on || index >= (f->msix ? f->nr_msix : 1))
		return WEIR_EINVAL;
	if (f->msix) {
		write_entry(f, index, message);
		return 0;
	}
	set_msi(f, false);
	err = write_msi(f, message);
	set_msi(f, true);
	return err;
}
