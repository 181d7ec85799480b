// SPDX-License-Identifier: MIT
/*
 * The buses of a dump as devices: a host bridge for each bus that no bridge leads to, whose configuration
 * space is the dump. The library walks and groups them as it does real ones (weir_pci_add()); nothing is
 * written. With a device tree or tables, ids of functions at IOMMUs are those of their host bridge.
 */
#include <stdlib.h>
#include <string.h>

#include "view.h"

/* ---- configuration space ---- */

static uint32_t dump_read(void *ctx, uint16_t rid, unsigned int offset, unsigned int width)
{
	const struct pcihost *host = ctx;
	const struct pcidump_fn *fn = pcidump_find(host->dump, host->segment, rid);
	uint32_t value = 0;

	if (!fn || !pcidump_answers(fn) || offset + width > PCI_SPACE_BYTES)
		return UINT32_MAX;
	for (unsigned int i = width; i--;)
		value = value << 8 | fn->space[offset + i];
	return value;
}

static void dump_write(void *ctx, uint16_t rid, unsigned int offset, unsigned int width, uint32_t value)
{
	(void)ctx;
	(void)rid;
	(void)offset;
	(void)width;
	(void)value;
}

static const struct weir_pci_config_ops dump_ops = {
	.abi = WEIR_ABI(struct weir_pci_config_ops),
	.read = dump_read,
	.write = dump_write,
};

/* ---- host bridges ---- */

struct buses {
	bool there[256], below[256]; /* below: a bridge leads there */
};

static void look(const struct pcidump *dump, uint32_t segment, struct buses *b)
{
	*b = (struct buses){ 0 };
	for (size_t i = 0; i < dump->n; i++) {
		const struct pcidump_fn *fn = &dump->fns[i];

		if (fn->segment != segment || !pcidump_answers(fn))
			continue;
		b->there[fn->rid >> 8] = true;
		if ((fn->space[0x0e] & 0x7f) != 1)
			continue;
		for (unsigned int bus = fn->space[0x19]; bus && bus <= fn->space[0x1a]; bus++)
			b->below[bus] = true;
	}
}

static struct weir_fwnode *node_of(struct weir_machine *m, const struct pcihost *host)
{
	struct weir_pci_host is;
	struct weir_fwnode *node;

	for (node = weir_fwnode_root(m); node; node = weir_fwnode_next(node))
		if (!weir_firmware_pci_host(node, &is) && is.segment == host->segment &&
		    is.first_bus <= host->first_bus && host->first_bus <= is.last_bus)
			return node;
	return NULL;
}

static int note_host(struct pcimachine *pm, const struct pcidump *dump, uint16_t segment, unsigned int bus)
{
	struct pcihost *more = realloc(pm->hosts, (pm->nr_hosts + 1) * sizeof(*more));

	if (!more)
		return WEIR_ENOMEM;
	pm->hosts = more;
	if (pm->nr_hosts && more[pm->nr_hosts - 1].segment == segment)
		more[pm->nr_hosts - 1].last_bus = (uint8_t)(bus - 1);
	more[pm->nr_hosts++] = (struct pcihost){
		.dump = dump, .segment = segment, .first_bus = (uint8_t)bus, .last_bus = 255,
	};
	return 0;
}

/* Of one segment; when bridges lead to every bus, in a circle, from the first one on. */
static int note_hosts(struct pcimachine *pm, const struct pcidump *dump, uint16_t segment)
{
	size_t before = pm->nr_hosts;
	struct buses b;
	int err = 0;

	look(dump, segment, &b);
	for (unsigned int bus = 0; bus < 256 && !err; bus++)
		if (b.there[bus] && !b.below[bus])
			err = note_host(pm, dump, segment, bus);
	for (unsigned int bus = 0; bus < 256 && !err && pm->nr_hosts == before; bus++)
		if (b.there[bus])
			err = note_host(pm, dump, segment, bus);
	return err;
}

static int add_host(struct pcimachine *pm, struct pcihost *host, uint32_t flags)
{
	struct weir_pci_host is = {
		.segment = host->segment, .first_bus = host->first_bus, .last_bus = host->last_bus,
	};
	char name[32];
	int err;

	snprintf(name, sizeof(name), "pci%04x:%02x", host->segment, host->first_bus);
	err = weir_device_create(pm->bus, name, NULL, node_of(pm->m, host), &host->dev);
	if (!err)
		err = weir_device_add(host->dev);
	return err ? err : weir_pci_add(host->dev, &is, &dump_ops, host,
					flags | WEIR_PCI_KEEP | WEIR_PCI_READ_ONLY, &host->pci);
}

/* ---- opening and closing ---- */

static int load(struct pcimachine *pm, const struct pciview_input *in)
{
	struct weir_posix_options options = { .log_level = WEIR_LOG_ERR };
	int err;

	pm->quiet = options.log = fopen("/dev/null", "w");
	if (!pm->quiet)
		return WEIR_EIO;
	err = weir_posix_create(&options, &pm->posix);
	if (!err)
		err = weir_machine_create(weir_posix_ops(pm->posix), pm->posix, &pm->m);
	if (!err && in->dtb)
		err = weir_firmware_load_dt(pm->m, in->dtb->data, in->dtb->size);
	else if (!err && in->tables)
		err = acpi_load(pm->m, in->tables);
	return err ? err : weir_bus_create(pm->m, "host", NULL, &pm->bus);
}

int pcimachine_open(struct pcimachine *pm, const struct pciview_input *in, const struct pcidump *dump,
		    uint32_t flags)
{
	int err;

	*pm = (struct pcimachine){ 0 };
	err = load(pm, in);
	for (size_t i = 0; i < dump->n && !err; i++)
		if ((!i || dump->fns[i].segment != dump->fns[i - 1].segment) && dump->fns[i].segment <= UINT16_MAX)
			err = note_hosts(pm, dump, (uint16_t)dump->fns[i].segment);
	for (size_t i = 0; i < pm->nr_hosts && !err; i++)
		err = add_host(pm, &pm->hosts[i], flags);
	if (err)
		pcimachine_close(pm);
	return err;
}

void pcimachine_close(struct pcimachine *pm)
{
	for (size_t i = pm->nr_hosts; i--;) {
		weir_pci_del(pm->hosts[i].pci);
		if (pm->hosts[i].dev)
			weir_device_del(pm->hosts[i].dev);
		weir_device_unref(pm->hosts[i].dev);
	}
	free(pm->hosts);
	weir_machine_destroy(pm->m);
	weir_posix_destroy(pm->posix);
	if (pm->quiet)
		fclose(pm->quiet);
	*pm = (struct pcimachine){ 0 };
}

struct weir_device *pcimachine_find(const struct pcimachine *pm, uint32_t segment, uint16_t rid)
{
	struct weir_device *dev;

	for (size_t i = 0; i < pm->nr_hosts; i++)
		if (pm->hosts[i].segment == segment && !weir_pci_find(pm->hosts[i].pci, rid, &dev))
			return dev;
	return NULL;
}
