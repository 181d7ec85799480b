// SPDX-License-Identifier: MIT
/* The host around the device: pages, registers, time, interrupts; and how it is found. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "virtiomodel_priv.h"

static uint64_t base_of(const struct vmodel *model)
{
	return model->pci ? pcimodel_get(&model->space, model->fn, 0x10, 4) & ~15u : VMODEL_MMIO;
}

static int host_mmio_map(void *host, uint64_t pa, uint64_t bytes, uintptr_t *out_at)
{
	struct vmodel *model = host;
	uint64_t room = model->pci ? BAR_BYTES : 0x200;

	if (pa < base_of(model) || pa - base_of(model) >= room ||
	    bytes > room - (pa - base_of(model)))
		return WEIR_EINVAL;
	*out_at = (uintptr_t)pa;
	return 0;
}

static void host_mmio_unmap(void *host, uintptr_t at, uint64_t bytes)
{
	(void)host;
	(void)at;
	(void)bytes;
}

static uint64_t host_mmio_read(void *host, uintptr_t at, unsigned int width)
{
	struct vmodel *model = host;

	return vmodel_read_(model, at - base_of(model), width);
}

static void host_mmio_write(void *host, uintptr_t at, unsigned int width, uint64_t value)
{
	struct vmodel *model = host;

	vmodel_write_(model, at - base_of(model), width, value);
}

static int host_pages_alloc(void *host, size_t bytes, size_t align_bytes, void **out_va,
			    uint64_t *out_pa)
{
	struct vmodel *model = host;

	for (unsigned int i = 0; i < VMODEL_BLOCKS; i++) {
		if (model->blocks[i].va)
			continue;
		model->blocks[i].va = aligned_alloc(align_bytes, bytes);
		if (!model->blocks[i].va)
			return WEIR_ENOMEM;
		memset(model->blocks[i].va, 0, bytes);
		model->blocks[i].bytes = bytes;
		model->blocks[i].pa = model->next_pa;
		model->next_pa += (bytes + 0xffff) & ~0xffffull; /* with a gap behind it */
		*out_va = model->blocks[i].va;
		*out_pa = model->blocks[i].pa;
		return 0;
	}
	return WEIR_ENOMEM;
}

static void host_pages_free(void *host, void *va, uint64_t pa, size_t bytes)
{
	struct vmodel *model = host;

	for (unsigned int i = 0; i < VMODEL_BLOCKS; i++) {
		if (model->blocks[i].va != va)
			continue;
		assert_true(model->blocks[i].pa == pa && model->blocks[i].bytes == bytes);
		free(va);
		model->blocks[i].va = NULL;
		return;
	}
	fail_msg("pages are freed that were not given out");
}

static uint64_t host_time_ns(void *host)
{
	struct vmodel *model = host;

	return model->still ? model->clock : (model->clock += 1000);
}

static int host_irq_request(void *host, uint32_t line, void (*fn)(void *arg), void *arg,
			    struct weir_irq **out_irq)
{
	struct vmodel *model = host;

	(void)line;
	model->irq = fn;
	model->irq_arg = arg;
	*out_irq = (struct weir_irq *)model;
	return 0;
}

static int host_msi_request(void *host, unsigned int n, void (*fn)(void *arg, unsigned int i),
			    void *arg, struct weir_msi *out_messages, struct weir_irq **out_irq)
{
	struct vmodel *model = host;

	(void)n;
	model->msi = fn;
	model->irq_arg = arg;
	out_messages[0] = (struct weir_msi){ .pa = 0xfee00000, .data = 1 };
	*out_irq = (struct weir_irq *)model;
	return 0;
}

static void host_irq_free(void *host, struct weir_irq *irq)
{
	struct vmodel *model = host;

	(void)irq;
	model->irq = NULL;
	model->msi = NULL;
}

static void host_log(void *host, enum weir_log_level level, const char *line)
{
	struct vmodel *model = host;
	size_t n = strlen(model->log);

	(void)level;
	snprintf(model->log + n, sizeof(model->log) - n, "%s\n", line);
}

/* ---- life ---- */

static bool turn_around(struct vmodel *model, struct vmodel_request *r)
{
	(void)model;
	for (uint32_t i = 0; i < r->out_bytes && i < r->in_bytes && i < sizeof(r->out); i++)
		r->out[r->written++] = (uint8_t)~r->in[i];
	return true;
}

static void add_cap(struct vmodel *model, unsigned int type, uint32_t offset, uint32_t bytes)
{
	unsigned int cap_bytes = type == 2 ? 20 : 16;
	unsigned int cap = pcimodel_cap(&model->space, model->fn, 0x09, (uint8_t)cap_bytes);

	pcimodel_set(&model->space, model->fn, cap + 2, 1, cap_bytes, 0);
	pcimodel_set(&model->space, model->fn, cap + 3, 1, type, 0);
	pcimodel_set(&model->space, model->fn, cap + 4, 1, 0, 0);
	pcimodel_set(&model->space, model->fn, cap + 8, 4, offset, 0);
	pcimodel_set(&model->space, model->fn, cap + 12, 4, bytes, 0);
	if (type == 2)
		pcimodel_set(&model->space, model->fn, cap + 16, 4, NOTIFY_MULTIPLIER, 0);
}

static void make_function(struct vmodel *model)
{
	unsigned int cap;

	pcimodel_init(&model->space);
	model->fn = pcimodel_fn(&model->space, PCIMODEL_ROOT, 3, 0);
	pcimodel_bar(&model->space, model->fn, 0, BAR_BYTES, 0);
	add_cap(model, 1, BAR_COMMON, 0x38);
	add_cap(model, 2, BAR_NOTIFY, 0x100);
	add_cap(model, 3, BAR_ISR, 4);
	add_cap(model, 4, BAR_CONFIG, VMODEL_CONFIG);
	cap = pcimodel_cap(&model->space, model->fn, 0x11, 12);
	pcimodel_set(&model->space, model->fn, cap + 2, 2, 1, 0xc000);
	pcimodel_set(&model->space, model->fn, cap + 4, 4, BAR_MSIX, 0);
	pcimodel_set(&model->space, model->fn, cap + 8, 4, BAR_MSIX + 0x800, 0);
}

void vmodel_init(struct vmodel *model, bool pci)
{
	memset(model, 0, sizeof(*model));
	model->ops = testhost_plain_ops;
	model->ops.mmio_map = host_mmio_map;
	model->ops.mmio_unmap = host_mmio_unmap;
	model->ops.mmio_read = host_mmio_read;
	model->ops.mmio_write = host_mmio_write;
	model->ops.pages_alloc = host_pages_alloc;
	model->ops.pages_free = host_pages_free;
	model->ops.time_ns = host_time_ns;
	model->ops.irq_request = host_irq_request;
	model->ops.msi_request = host_msi_request;
	model->ops.irq_free = host_irq_free;
	model->ops.log = host_log;
	model->pci = pci;
	model->type = 42;
	model->offered = F_VERSION_1 | F_EVENT_IDX;
	model->serve = turn_around;
	model->next_pa = 0x4000000000;
	for (unsigned int i = 0; i < VMODEL_QUEUES - 1; i++)
		model->queues[i].max = 256;
	if (pci)
		make_function(model);
}

int vmodel_up(struct vmodel *model, struct testhost *host)
{
	static const struct weir_pci_host bridge = {
		.last_bus = 255, .nr_windows = 1,
		.windows = { { WEIR_PCI_MEM, 0x10000000, 0x10000000, 0x20000000 } },
	};
	int err;

	vmodel_reset_(model);
	model->resets = model->notified = model->interrupts = 0;
	model->log[0] = '\0';
	err = weir_machine_create(testhost_ops(host), host, &model->m);
	if (!err)
		err = weir_bus_create(model->m, "platform", NULL, &model->platform);
	if (!err && model->pci) {
		pcimodel_set(&model->space, model->fn, 0, 4, 0x10401af4 + (model->type << 16), 0);
		err = weir_device_create(model->platform, "host", NULL, NULL, &model->bridge);
		if (!err)
			err = weir_device_add(model->bridge);
		if (!err)
			err = weir_pci_add(model->bridge, &bridge, &pcimodel_ops, &model->space, 0,
					   &model->buses);
	}
	return err;
}

void vmodel_down(struct vmodel *model)
{
	weir_pci_del(model->buses);
	model->buses = NULL;
	model->bridge = weir_device_unref(model->bridge);
	weir_machine_destroy(model->m);
	model->m = NULL;
	for (unsigned int i = 0; i < VMODEL_BLOCKS; i++)
		assert_null(model->blocks[i].va);
	assert_int_equal(model->refused_dma, 0);
}

void vmodel_open(struct vmodel *model)
{
	model->host = testhost_create(&model->ops, model);
	assert_int_equal(vmodel_up(model, model->host), 0);
}

void vmodel_close(struct vmodel *model)
{
	vmodel_down(model);
	model->host = testhost_destroy(model->host);
}

struct weir_device *vmodel_device(struct vmodel *model)
{
	struct weir_device *dev;

	assert_int_equal(weir_pci_find(model->buses, WEIR_PCI_RID(0, 3, 0), &dev), 0);
	return dev;
}

int vmodel_virtio(struct vmodel *model, struct weir_virtio **out_virtio)
{
	return model->pci ? weir_virtio_open(vmodel_device(model), out_virtio)
			  : weir_virtio_open_mmio(model->m, "vmodel", VMODEL_MMIO, 0x200, 7, out_virtio);
}
