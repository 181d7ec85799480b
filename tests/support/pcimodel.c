// SPDX-License-Identifier: MIT
#include "pcimodel.h"

#include <stdlib.h>
#include <string.h>

static bool reaches(const struct pcimodel *model, const struct pcimodel_fn *f, unsigned int bus)
{
	const struct pcimodel_fn *bridge;

	if (f->parent == PCIMODEL_ROOT)
		return bus == model->first_bus;
	bridge = &model->fns[f->parent];
	if (bus == model->first_bus) /* that of a bridge without number is none */
		return false;
	if (bridge->absent || bridge->space[0x19] != bus)
		return false;
	/* Every bridge on the way has the bus in its range, and not as that right below it. */
	for (int at = bridge->parent; at != PCIMODEL_ROOT; at = model->fns[at].parent) {
		bridge = &model->fns[at];
		if (bridge->absent || bus <= bridge->space[0x19] || bus > bridge->space[0x1a])
			return false;
	}
	bridge = &model->fns[f->parent];
	return !bridge->port || f->devfn < 8;
}

static struct pcimodel_fn *route(struct pcimodel *model, uint16_t rid)
{
	for (unsigned int i = 0; i < model->n; i++) {
		struct pcimodel_fn *f = &model->fns[i];

		if (!f->absent && f->devfn == (rid & 0xff) && reaches(model, f, rid >> 8))
			return f;
	}
	return NULL;
}

static uint32_t load(const uint8_t *bytes, unsigned int width)
{
	uint32_t value = 0;

	for (unsigned int i = 0; i < width; i++)
		value |= (uint32_t)bytes[i] << 8 * i;
	return value;
}

static void check(unsigned int offset, unsigned int width)
{
	if ((width != 1 && width != 2 && width != 4) || offset % width || offset + width > 4096)
		abort();
}

static uint32_t model_read(void *ctx, uint16_t rid, unsigned int offset, unsigned int width)
{
	struct pcimodel *model = ctx;
	const struct pcimodel_fn *f = route(model, rid);

	check(offset, width);
	model->reads++;
	return f ? load(f->space + offset, width) : UINT32_MAX >> (32 - 8 * width);
}

static void model_write(void *ctx, uint16_t rid, unsigned int offset, unsigned int width,
			uint32_t value)
{
	struct pcimodel *model = ctx;
	struct pcimodel_fn *f = route(model, rid);

	check(offset, width);
	model->writes++;
	for (unsigned int i = 0; f && i < width; i++) {
		uint8_t byte = (uint8_t)(value >> 8 * i), mask = f->mask[offset + i];

		f->space[offset + i] = (uint8_t)((f->space[offset + i] & ~mask) | (byte & mask));
	}
}

const struct weir_pci_config_ops pcimodel_ops = {
	.abi = WEIR_ABI(struct weir_pci_config_ops),
	.read = model_read,
	.write = model_write,
};

/* ---- building ---- */

void pcimodel_init(struct pcimodel *model)
{
	model->first_bus = 0;
	model->n = 0;
	model->reads = 0;
	model->writes = 0;
}

void pcimodel_set(struct pcimodel *model, int fn, unsigned int offset, unsigned int width,
		  uint32_t value, uint32_t mask)
{
	struct pcimodel_fn *f = &model->fns[fn];

	for (unsigned int i = 0; i < width; i++) {
		f->space[offset + i] = (uint8_t)(value >> 8 * i);
		f->mask[offset + i] = (uint8_t)(mask >> 8 * i);
	}
}

uint32_t pcimodel_get(const struct pcimodel *model, int fn, unsigned int offset, unsigned int width)
{
	return load(model->fns[fn].space + offset, width);
}

int pcimodel_fn(struct pcimodel *model, int parent, unsigned int device, unsigned int function)
{
	struct pcimodel_fn *f = &model->fns[model->n];
	int fn = (int)model->n++;

	if (model->n > PCIMODEL_MAX)
		abort();
	memset(f, 0, sizeof(*f));
	f->parent = parent;
	f->devfn = (uint8_t)(device << 3 | function);
	f->next_cap = 0x40;
	f->next_ext = 0x100;
	pcimodel_set(model, fn, 0x00, 4, 0x22221111, 0);
	pcimodel_set(model, fn, 0x04, 2, 0, 0x0407);
	pcimodel_set(model, fn, 0x08, 4, 0x08800001, 0);
	pcimodel_set(model, fn, 0x2c, 4, 0x44443333, 0);
	return fn;
}

static void make_bridge(struct pcimodel *model, int fn)
{
	model->fns[fn].bridge = true;
	pcimodel_set(model, fn, 0x08, 4, 0x06040000, 0);
	pcimodel_set(model, fn, 0x0e, 1, 1, 0);
	pcimodel_set(model, fn, 0x18, 4, 0, 0x00ffffff);
	pcimodel_set(model, fn, 0x1c, 2, 0x0101, 0xf0f0);
	pcimodel_set(model, fn, 0x20, 4, 0, 0xfff0fff0);
	pcimodel_set(model, fn, 0x24, 4, 0x00010001, 0xfff0fff0);
	pcimodel_set(model, fn, 0x28, 4, 0, 0xffffffff);
	pcimodel_set(model, fn, 0x2c, 4, 0, 0xffffffff);
	pcimodel_set(model, fn, 0x30, 4, 0, 0xffffffff);
}

int pcimodel_bridge(struct pcimodel *model, int parent, unsigned int device, unsigned int function)
{
	int fn = pcimodel_fn(model, parent, device, function);

	make_bridge(model, fn);
	return fn;
}

int pcimodel_pcie(struct pcimodel *model, int parent, unsigned int device, unsigned int function,
		  unsigned int type)
{
	int fn = pcimodel_fn(model, parent, device, function);
	unsigned int at;

	if (type >= MODEL_ROOT_PORT && type <= MODEL_PCI_TO_PCIE)
		make_bridge(model, fn);
	model->fns[fn].port = type == MODEL_ROOT_PORT || type == MODEL_DOWNSTREAM;
	at = pcimodel_cap(model, fn, 0x10, 0x3c);
	pcimodel_set(model, fn, at + 2, 2, 2 | type << 4, 0);
	return fn;
}

int pcimodel_acs(struct pcimodel *model, int parent, unsigned int device, unsigned int function,
		 unsigned int type, unsigned int acs)
{
	int fn = pcimodel_pcie(model, parent, device, function, type);
	unsigned int at = pcimodel_ext(model, fn, 0x0d, 8);

	pcimodel_set(model, fn, at + 4, 2, acs, 0);
	pcimodel_set(model, fn, at + 6, 2, 0, acs);
	return fn;
}

void pcimodel_bar(struct pcimodel *model, int fn, unsigned int index, uint64_t bytes,
		  uint32_t flags)
{
	uint64_t mask = ~(bytes - 1);

	pcimodel_set(model, fn, 0x10 + 4 * index, 4, flags, (uint32_t)mask);
	if (flags & 4)
		pcimodel_set(model, fn, 0x14 + 4 * index, 4, 0, (uint32_t)(mask >> 32));
}

unsigned int pcimodel_cap(struct pcimodel *model, int fn, uint8_t id, unsigned int bytes)
{
	struct pcimodel_fn *f = &model->fns[fn];
	unsigned int at = f->next_cap;

	f->space[at] = id;
	f->space[f->last_cap ? f->last_cap + 1 : 0x34] = (uint8_t)at;
	f->space[0x06] |= 0x10;
	f->last_cap = at;
	f->next_cap = (at + bytes + 3) & ~3u;
	return at;
}

unsigned int pcimodel_ext(struct pcimodel *model, int fn, uint16_t id, unsigned int bytes)
{
	struct pcimodel_fn *f = &model->fns[fn];
	unsigned int at = f->next_ext;
	uint32_t last;

	pcimodel_set(model, fn, at, 4, 0x10000u | id, 0);
	if (f->last_ext) {
		last = load(f->space + f->last_ext, 4);
		pcimodel_set(model, fn, f->last_ext, 4, (last & 0xfffff) | at << 20, 0);
	}
	f->last_ext = at;
	f->next_ext = (at + bytes + 3) & ~3u;
	return at;
}

void pcimodel_hotplug(struct pcimodel *model, int fn)
{
	/* The capability of PCI Express is the first: slot implemented, capable, present. */
	uint32_t flags = pcimodel_get(model, fn, 0x42, 2);

	pcimodel_set(model, fn, 0x42, 2, flags | 0x100, 0);
	pcimodel_set(model, fn, 0x40 + 20, 4, 0x40, 0);
	pcimodel_set(model, fn, 0x40 + 26, 2, 0x40, 0);
}

void pcimodel_multi(struct pcimodel *model, int fn)
{
	model->fns[fn].space[0x0e] |= 0x80;
}
