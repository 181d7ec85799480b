// SPDX-License-Identifier: MIT
/*
 * Virtio over MMIO, version 2 (Virtio 1.2, 4.2). The legacy version 1 is refused by name:
 * its devices do not know VIRTIO_F_VERSION_1.
 */
#include "virtio/priv.h"

#include "virtio/regs.h"

static uint32_t mmio_status(const struct weir_virtio *v)
{
	uint32_t status = vread(&v->common, MMIO_STATUS, 4);

	/* All ones is what reads give where nothing answers. */
	return status == UINT32_MAX ? STATUS_GONE : status;
}

static void mmio_set_status(const struct weir_virtio *v, uint32_t status)
{
	vwrite(&v->common, MMIO_STATUS, 4, status);
}

static uint64_t mmio_features(const struct weir_virtio *v)
{
	uint64_t features = 0;

	for (uint32_t i = 0; i < 2; i++) {
		vwrite(&v->common, MMIO_DEVICE_SELECT, 4, i);
		features |= (uint64_t)vread(&v->common, MMIO_DEVICE_FEATURES, 4) << (32 * i);
	}
	return features;
}

static void mmio_set_features(const struct weir_virtio *v, uint64_t features)
{
	for (uint32_t i = 0; i < 2; i++) {
		vwrite(&v->common, MMIO_DRIVER_SELECT, 4, i);
		vwrite(&v->common, MMIO_DRIVER_FEATURES, 4, (uint32_t)(features >> (32 * i)));
	}
}

static uint32_t mmio_generation(const struct weir_virtio *v)
{
	return vread(&v->common, MMIO_GENERATION, 4);
}

static unsigned int mmio_queue_max(const struct weir_virtio *v, unsigned int index)
{
	vwrite(&v->common, MMIO_QUEUE_SELECT, 4, index);
	return vread(&v->common, MMIO_QUEUE_MAX, 4);
}

static int mmio_queue_set(const struct weir_virtio *v, struct weir_virtq *queue)
{
	vwrite(&v->common, MMIO_QUEUE_SELECT, 4, queue->index);
	if (vread(&v->common, MMIO_QUEUE_READY, 4))
		return WEIR_EBUSY;
	vwrite(&v->common, MMIO_QUEUE_SIZE, 4, queue->size);
	vwrite64(&v->common, MMIO_QUEUE_DESC, queue->mem.address);
	vwrite64(&v->common, MMIO_QUEUE_DRIVER, queue->mem.address + queue->driver_at);
	vwrite64(&v->common, MMIO_QUEUE_DEVICE, queue->mem.address + queue->device_at);
	vwrite(&v->common, MMIO_QUEUE_READY, 4, 1);
	if (vread(&v->common, MMIO_QUEUE_READY, 4) != 1)
		return weir_virtio_fail_(v, WEIR_EIO, "queue %u cannot be enabled", queue->index);
	return 0;
}

static void mmio_notify(const struct weir_virtio *v, const struct weir_virtq *queue)
{
	vwrite(&v->common, MMIO_QUEUE_NOTIFY, 4, queue->index);
}

static bool mmio_irq_ack(const struct weir_virtio *v)
{
	uint32_t pending = vread(&v->common, MMIO_INTERRUPT_STATUS, 4);

	if (!pending || pending == UINT32_MAX)
		return false;
	vwrite(&v->common, MMIO_INTERRUPT_ACK, 4, pending);
	return true;
}

static void on_line(void *arg)
{
	struct weir_virtio *v = arg;

	if (mmio_irq_ack(v))
		weir_virtio_irq_(v);
}

static int mmio_irq_request(struct weir_virtio *v)
{
	const struct weir_host_ops *ops = v->m->ops;

	if (v->line == WEIR_VIRTIO_NO_LINE || !ops->irq_request)
		return WEIR_EOPNOTSUPP;
	return ops->irq_request(v->m->host, v->line, on_line, v, &v->irq);
}

/* Nothing can keep such a device from DMA but its reset. */
static int mmio_master(const struct weir_virtio *v, bool on)
{
	(void)v;
	return on ? 0 : WEIR_EOPNOTSUPP;
}

static void mmio_close(struct weir_virtio *v)
{
	(void)v;
}

static const struct vtransport mmio_transport = {
	.status = mmio_status,
	.set_status = mmio_set_status,
	.features = mmio_features,
	.set_features = mmio_set_features,
	.generation = mmio_generation,
	.queue_max = mmio_queue_max,
	.queue_set = mmio_queue_set,
	.notify = mmio_notify,
	.irq_request = mmio_irq_request,
	.master = mmio_master,
	.close = mmio_close,
};

int weir_virtio_mmio_init_(struct weir_virtio *v, uint64_t pa, uint64_t bytes)
{
	uint32_t version;
	int err;

	if (bytes < MMIO_CONFIG)
		return weir_virtio_fail_(v, WEIR_EIO, "its registers are too few");
	err = weir_mmio_map(v->m, pa, bytes, &v->windows[0]);
	if (err)
		return weir_virtio_fail_(v, err, "its registers cannot be reached");
	v->common = (struct vregs){ .mmio = &v->windows[0], .bytes = MMIO_CONFIG };
	v->config = (struct vregs){
		.mmio = &v->windows[0], .offset = MMIO_CONFIG, .bytes = bytes - MMIO_CONFIG,
	};
	if (vread(&v->common, MMIO_MAGIC, 4) != MMIO_MAGIC_VALUE)
		return weir_virtio_fail_(v, WEIR_ENODEV, "it is no virtio device");
	/* An empty slot is nothing to complain of, whatever its version (4.2.2, 4.2.4). */
	v->type = vread(&v->common, MMIO_DEVICE_ID, 4);
	if (!v->type)
		return WEIR_ENODEV;
	version = vread(&v->common, MMIO_VERSION, 4);
	if (version == 1)
		return weir_virtio_fail_(v, WEIR_ENODEV, "it is a legacy virtio device");
	if (version != 2)
		return weir_virtio_fail_(v, WEIR_ENODEV, "its registers are of version %u", version);
	v->transport = &mmio_transport;
	return 0;
}
