// SPDX-License-Identifier: MIT
/*
 * Fuzz the PCI walker: what configuration space answers is the input.
 *
 * The input is records of 4 bytes: what to do (a function more, or a byte of the last
 * one's space and mask ...), and its arguments. Walking, plugging, reading all that can be
 * read, switching on and off, and deleting must end, touch nothing outside, and leave
 * nothing; registers that were given addresses do not overlap; who has a fault offers no
 * keys; each function has a group, and what is plugged does not change those of others.
 */
#include <stdlib.h>
#include <string.h>

#include "core/core.h"
#include "pcimodel.h"
#include "weir/posix.h"
#include "weir/weir.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

#define MAX_FNS  24u
#define MAX_READS 3000000u
#define MAX_BARS (MAX_FNS * 6)

struct bed {
	struct pcimodel model;
	struct weir_pci_host host;
	struct weir_host_ops ops;
	int fickle, dies;         /* functions, or -1 */
	unsigned long dies_after; /* reads */
	struct weir_machine *m;
	struct weir_device *bridge;
	struct weir_pci *pci;
	uint32_t flags;
};

/* ---- configuration space ---- */

static uint32_t bed_read(void *ctx, uint16_t rid, unsigned int offset, unsigned int width)
{
	struct bed *bed = ctx;
	struct pcimodel *model = &bed->model;

	if (model->reads > MAX_READS)
		abort(); /* work has to be bounded by what there is */
	if (bed->dies >= 0 && model->reads >= bed->dies_after)
		model->fns[bed->dies].absent = true;
	if (bed->fickle >= 0)
		model->fns[bed->fickle].space[model->reads % 4096] ^= (uint8_t)model->reads;
	return pcimodel_ops.read(model, rid, offset, width);
}

static void bed_write(void *ctx, uint16_t rid, unsigned int offset, unsigned int width,
		      uint32_t value)
{
	struct bed *bed = ctx;

	pcimodel_ops.write(&bed->model, rid, offset, width, value);
}

static const struct weir_pci_config_ops bed_ops = {
	.abi = WEIR_ABI(struct weir_pci_config_ops),
	.read = bed_read,
	.write = bed_write,
};

static int parent_of(const struct pcimodel *model, uint8_t number)
{
	return (int)(number % (model->n + 1)) - 1;
}

static void special(struct bed *bed, int last, const uint8_t *r)
{
	struct pcimodel_fn *f = &bed->model.fns[last];

	switch (r[0] & 15) {
	case 0:
		memset(f->space, r[1], sizeof(f->space));
		break;
	case 1:
		memset(f->mask, r[1], sizeof(f->mask));
		break;
	case 2:
		bed->fickle = last;
		break;
	case 3:
		bed->dies = last;
		bed->dies_after = (unsigned long)r[1] << 8 | r[2];
		break;
	case 4: /* ACS, of a port or function that has the capability of PCI Express */
		if (!f->last_ext)
			pcimodel_ext(&bed->model, last, 0x0d, 8);
		pcimodel_set(&bed->model, last, 0x104, 2, r[1], 0);
		pcimodel_set(&bed->model, last, 0x106, 2, 0, r[2]);
		break;
	default:
		pcimodel_multi(&bed->model, last);
	}
}

static void build(struct bed *bed, const uint8_t *data, size_t bytes)
{
	struct pcimodel *model = &bed->model;
	int last = -1;

	pcimodel_init(model);
	bed->fickle = bed->dies = -1;
	for (size_t i = 0; i + 4 <= bytes; i += 4) {
		const uint8_t *r = data + i;
		unsigned int what = r[0] >> 4, offset = (unsigned int)(r[1] | (r[0] & 0xf) << 8);

		if (what == 0 && model->n < MAX_FNS)
			last = pcimodel_pcie(model, parent_of(model, r[1]), r[2] >> 3, r[2] & 7,
					     r[3] & 15);
		else if (what == 1 && model->n < MAX_FNS)
			last = pcimodel_bridge(model, parent_of(model, r[1]), r[2] >> 3, r[2] & 7);
		else if (last < 0)
			continue;
		else if (what == 2)
			pcimodel_bar(model, last, r[1] % 6, (uint64_t)16 << r[2] % 60,
				     r[1] % 6 == 5 ? r[3] & 9 : r[3] & 13);
		else if (what == 3)
			pcimodel_hotplug(model, last);
		else if (what == 4)
			model->fns[last].absent = true;
		else if (what == 5)
			special(bed, last, r);
		else if (what > 5) {
			model->fns[last].space[offset] = r[2];
			model->fns[last].mask[offset] = r[3];
		}
	}
}

/* ---- what must hold ---- */

static void check(bool holds)
{
	if (!holds)
		abort();
}

static bool overlap(const struct weir_pci_bar *a, const struct weir_pci_bar *b)
{
	return (a->space == WEIR_PCI_IO) == (b->space == WEIR_PCI_IO) &&
	       a->pci < b->pci + b->bytes && b->pci < a->pci + a->bytes;
}

/* Addresses that the library gave: inside the host's windows, and each once. */
static void check_bars(const struct bed *bed)
{
	struct weir_pci_bar bars[MAX_BARS];
	struct weir_device *dev;
	unsigned int n = 0;

	if (bed->flags & WEIR_PCI_KEEP)
		return;
	for (dev = weir_device_first(bed->m); dev; dev = weir_device_next(dev)) {
		for (unsigned int i = 0; i < 6; i++) {
			bool inside = false;

			if (weir_pci_bar_get(dev, i, &bars[n]))
				continue;
			for (unsigned int w = 0; w < bed->host.nr_windows; w++) {
				const struct weir_pci_window *window = &bed->host.windows[w];

				inside |= bars[n].pci >= window->pci && bars[n].bytes <= window->bytes &&
					  bars[n].pci - window->pci <= window->bytes - bars[n].bytes;
			}
			check(inside);
			for (unsigned int other = 0; other < n; other++)
				check(!overlap(&bars[n], &bars[other]));
			check(++n < MAX_BARS);
		}
	}
}

static void check_group(const struct weir_device *dev)
{
	struct weir_pci_isolation isolation;
	struct weir_pci_group group;

	for (unsigned int rules = 0; rules < WEIR_PCI_RULES; rules++) {
		check(!weir_pci_group_get(dev, (enum weir_pci_rules)rules, &group));
		check(group.key && !strncmp(group.key, "pci0000", 7) && group.why && group.why[0]);
		check(!weir_pci_isolation_get(dev, (enum weir_pci_rules)rules, &isolation));
		check(isolation.acs || !isolation.can);
	}
}

/* Every call that a driver or an IOMMU makes, on each function. */
static void use(struct bed *bed)
{
	const struct weir_msi message = { .pa = 0x1000, .data = 1 };
	struct weir_device *dev;

	check_bars(bed);
	for (dev = weir_device_first(bed->m); dev; dev = weir_device_next(dev)) {
		struct weir_pci_info info;
		struct weir_pci_id id;
		uint16_t rid;

		if (weir_pci_info_get(dev, &info))
			continue;
		check_group(dev);
		check(!weir_pci_fault(dev) == !!weir_match_key_(dev, 0));
		for (unsigned int i = 0; !weir_pci_alias(dev, i, &rid); i++)
			check(i < MAX_FNS);
		check(weir_pci_iommu_id(dev, 0, &id) == WEIR_ENOENT);
		weir_pci_cap(dev, 0x77, 0);
		weir_pci_ext_cap(dev, 0x77, 0);
		if (weir_pci_fault(dev))
			continue; /* no driver ever gets it */
		weir_pci_enable(dev);
		weir_pci_master(dev, true);
		weir_pci_msi_enable(dev, 1, &message);
		weir_pci_msi_set(dev, 0, &message);
		weir_pci_msi_disable(dev);
		weir_pci_reset(dev);
		weir_pci_disable(dev);
	}
}

/* Calls it for those that are there now, and still are when it is their turn. */
static void each_function(struct bed *bed, int (*call)(struct weir_device *dev))
{
	uint16_t rids[MAX_FNS];
	struct weir_pci_info info;
	struct weir_device *dev;
	unsigned int n = 0;

	for (dev = weir_device_first(bed->m); dev; dev = weir_device_next(dev)) {
		if (weir_pci_info_get(dev, &info))
			continue;
		check(n < MAX_FNS);
		rids[n++] = info.rid;
	}
	for (unsigned int i = 0; i < n; i++)
		if (!weir_pci_find(bed->pci, rids[i], &dev))
			call(dev);
}

/* What was not there comes, below each bridge that was found; then all goes again. */
static void plug(struct bed *bed)
{
	struct { struct weir_device *dev; const char *key; } was[MAX_FNS + 1];
	struct weir_pci_group group;
	struct weir_device *dev;
	unsigned int n = 0;

	for (dev = weir_device_first(bed->m); dev; dev = weir_device_next(dev)) {
		if (weir_pci_group_get(dev, WEIR_PCI_RULES_WEIR, &group))
			continue;
		check(n <= MAX_FNS);
		was[n].dev = dev;
		was[n++].key = group.key;
	}
	for (unsigned int i = 0; i < bed->model.n; i++)
		if ((int)i != bed->dies)
			bed->model.fns[i].absent = false;
	each_function(bed, weir_pci_plug);
	for (unsigned int i = 0; i < n; i++) {
		check(!weir_pci_group_get(was[i].dev, WEIR_PCI_RULES_WEIR, &group));
		check(group.key == was[i].key);
	}
	use(bed);
	each_function(bed, weir_pci_unplug);
}

/* ---- one input ---- */

static void no_delay(void *host, uint32_t ns)
{
	(void)host;
	(void)ns;
}

static void run(struct bed *bed)
{
	struct weir_machine_stats stats;

	if (!weir_pci_add(bed->bridge, &bed->host, &bed_ops, bed, bed->flags, &bed->pci)) {
		use(bed);
		if (!(bed->flags & WEIR_PCI_READ_ONLY))
			plug(bed);
		weir_pci_del(bed->pci);
	}
	weir_machine_stats_get(bed->m, &stats);
	check(stats.devices == 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	static const uint32_t flags[] = { 0, WEIR_PCI_KEEP, WEIR_PCI_KEEP | WEIR_PCI_READ_ONLY,
					  WEIR_PCI_KEEP | WEIR_PCI_READ_ONLY | WEIR_PCI_ACS_KEEP };
	static struct bed bed;
	struct weir_posix *posix;
	struct weir_bus *bus;

	if (bytes > 8192)
		return 0;
	bed.host = (struct weir_pci_host){
		.last_bus = 15, .nr_windows = 3,
		.windows = {
			{ WEIR_PCI_IO, 0, 0x3eff0000, 0x10000 },
			{ WEIR_PCI_MEM, 0x10000000, 0x10000000, 0x20000000 },
			{ WEIR_PCI_HIGH, 0x8000000000, 0x8000000000, 0x8000000000 },
		},
	};
	check(!weir_posix_create(NULL, &posix));
	bed.ops = *weir_posix_ops(posix);
	bed.ops.delay_ns = no_delay;
	check(!weir_machine_create(&bed.ops, posix, &bed.m));
	check(!weir_bus_create(bed.m, "root", NULL, &bus));
	check(!weir_device_create(bus, "host", NULL, NULL, &bed.bridge));
	check(!weir_device_add(bed.bridge));
	for (unsigned int i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		bed.flags = flags[i];
		build(&bed, data, bytes);
		run(&bed);
	}
	weir_device_unref(bed.bridge);
	weir_machine_destroy(bed.m); /* aborts when anything is left */
	weir_posix_destroy(posix);
	return 0;
}
