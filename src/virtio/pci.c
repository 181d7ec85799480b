// SPDX-License-Identifier: MIT
/*
 * Virtio over PCI, the modern layout (Virtio 1.2, 4.1): capabilities say in which
 * registers the parts of the interface are. What a function says of itself is checked
 * once, when it is opened; after that only what is inside its registers is touched.
 */
#include "virtio/priv.h"

#include "virtio/regs.h"
#include "weir/iommu.h"

#define MAX_CAPS 64u

/* ---- finding the registers ---- */

static int map_bar(struct weir_virtio *v, unsigned int bar)
{
	if (v->windows[bar].ops)
		return 0;
	return weir_pci_bar_map(v->dev, bar, &v->windows[bar]);
}

/* What a part of the interface has to be like. */
struct part {
	uint64_t min_bytes, align;
};

/* Return: 0, also when the capability is of no use; as weir_mmio_map(). */
static int take_cap(struct weir_virtio *v, unsigned int cap, struct vregs *regs,
		    const struct part *part)
{
	unsigned int bar = weir_pci_read(v->dev, cap + VCAP_BAR, 1);
	uint64_t offset = weir_pci_read(v->dev, cap + VCAP_OFFSET, 4);
	uint64_t bytes = weir_pci_read(v->dev, cap + VCAP_LENGTH, 4);
	struct weir_pci_bar where;
	int err;

	/* A capability with a BAR that does not exist is ignored, 4.1.4.1; the first good one counts. */
	if (regs->mmio || bar > 5 || weir_pci_bar_get(v->dev, bar, &where) ||
	    where.space == WEIR_PCI_IO)
		return 0;
	if ((offset & (part->align - 1)) || bytes < part->min_bytes || offset > where.bytes ||
	    bytes > where.bytes - offset)
		return 0;
	err = map_bar(v, bar);
	if (err)
		return err;
	*regs = (struct vregs){ .mmio = &v->windows[bar], .offset = offset, .bytes = bytes };
	return 0;
}

static int find_registers(struct weir_virtio *v)
{
	/* 4.1.4.3.1, 4.1.4.4.1, 4.1.4.6.1 */
	static const struct part parts[VCAP_TYPES] = {
		[VCAP_COMMON] = { COMMON_BYTES, 4 }, [VCAP_NOTIFY] = { 2, 2 },
		[VCAP_ISR] = { 1, 1 }, [VCAP_DEVICE] = { 1, 4 },
	};
	struct vregs *const regs[VCAP_TYPES] = {
		[VCAP_COMMON] = &v->common, [VCAP_NOTIFY] = &v->notify, [VCAP_ISR] = &v->isr,
		[VCAP_DEVICE] = &v->config,
	};
	int cap = weir_pci_cap(v->dev, PCI_CAP_VENDOR, 0);

	for (unsigned int n = 0; cap > 0 && n < MAX_CAPS; n++) {
		unsigned int at = (unsigned int)cap, type = weir_pci_read(v->dev, at + VCAP_TYPE, 1);
		unsigned int bytes = weir_pci_read(v->dev, at + VCAP_BYTES, 1);
		unsigned int needed = type == VCAP_NOTIFY ? VCAP_MULTIPLIER + 4 : VCAP_MULTIPLIER;
		int err;

		if (type < VCAP_TYPES && regs[type] && bytes >= needed) {
			bool had = regs[type]->mmio != NULL;

			err = take_cap(v, at, regs[type], &parts[type]);
			if (err)
				return weir_virtio_fail_(v, err, "its registers cannot be reached");
			if (type == VCAP_NOTIFY && !had && v->notify.mmio)
				v->notify_multiplier = weir_pci_read(v->dev, at + VCAP_MULTIPLIER, 4);
		}
		cap = weir_pci_cap(v->dev, PCI_CAP_VENDOR, at);
	}
	if (!v->common.mmio)
		return weir_virtio_fail_(v, WEIR_ENODEV, "it is a legacy virtio device");
	if (!v->notify.mmio || !v->isr.mmio)
		return weir_virtio_fail_(v, WEIR_EIO, "its registers are not where it says");
	if (v->notify_multiplier % 2)
		return weir_virtio_fail_(v, WEIR_EIO, "its notifications are at odd addresses");
	return 0;
}

/* ---- registers ---- */

static uint32_t pci_status(const struct weir_virtio *v)
{
	return vread(&v->common, COMMON_STATUS, 1);
}

static void pci_set_status(const struct weir_virtio *v, uint32_t status)
{
	vwrite(&v->common, COMMON_STATUS, 1, status);
}

static uint64_t pci_features(const struct weir_virtio *v)
{
	uint64_t features = 0;

	for (uint32_t i = 0; i < 2; i++) {
		vwrite(&v->common, COMMON_DEVICE_SELECT, 4, i);
		features |= (uint64_t)vread(&v->common, COMMON_DEVICE_FEATURES, 4) << (32 * i);
	}
	return features;
}

static void pci_set_features(const struct weir_virtio *v, uint64_t features)
{
	for (uint32_t i = 0; i < 2; i++) {
		vwrite(&v->common, COMMON_DRIVER_SELECT, 4, i);
		vwrite(&v->common, COMMON_DRIVER_FEATURES, 4, (uint32_t)(features >> (32 * i)));
	}
}

static uint32_t pci_generation(const struct weir_virtio *v)
{
	return vread(&v->common, COMMON_GENERATION, 1);
}

static unsigned int pci_queue_max(const struct weir_virtio *v, unsigned int index)
{
	if (index >= vread(&v->common, COMMON_NUM_QUEUES, 2))
		return 0;
	vwrite(&v->common, COMMON_QUEUE_SELECT, 2, index);
	return vread(&v->common, COMMON_QUEUE_SIZE, 2);
}

static int pci_queue_set(const struct weir_virtio *v, struct weir_virtq *queue)
{
	uint64_t at;

	vwrite(&v->common, COMMON_QUEUE_SELECT, 2, queue->index);
	if (vread(&v->common, COMMON_QUEUE_ENABLE, 2))
		return WEIR_EBUSY;
	at = (uint64_t)vread(&v->common, COMMON_QUEUE_NOTIFY, 2) * v->notify_multiplier;
	if (at > v->notify.bytes - 2)
		return weir_virtio_fail_(v, WEIR_EIO, "queue %u is notified outside of its registers",
					 queue->index);
	queue->notify_at = at;
	vwrite(&v->common, COMMON_QUEUE_SIZE, 2, queue->size);
	vwrite64(&v->common, COMMON_QUEUE_DESC, queue->mem.address);
	vwrite64(&v->common, COMMON_QUEUE_DRIVER, queue->mem.address + queue->driver_at);
	vwrite64(&v->common, COMMON_QUEUE_DEVICE, queue->mem.address + queue->device_at);
	if (v->has_msix) {
		/* A reset has taken the configuration's vector too. */
		vwrite(&v->common, COMMON_CONFIG_VECTOR, 2, v->msix_on ? 0 : NO_VECTOR);
		vwrite(&v->common, COMMON_QUEUE_VECTOR, 2, v->msix_on ? 0 : NO_VECTOR);
		if (v->msix_on && vread(&v->common, COMMON_QUEUE_VECTOR, 2) != 0)
			return weir_virtio_fail_(v, WEIR_EIO, "queue %u gets no interrupt",
						 queue->index);
	}
	vwrite(&v->common, COMMON_QUEUE_ENABLE, 2, 1);
	if (vread(&v->common, COMMON_QUEUE_ENABLE, 2) != 1)
		return weir_virtio_fail_(v, WEIR_EIO, "queue %u cannot be enabled", queue->index);
	return 0;
}

static void pci_notify(const struct weir_virtio *v, const struct weir_virtq *queue)
{
	vwrite(&v->notify, queue->notify_at, 2, queue->index);
}

/* ---- interrupts ---- */

static void on_message(void *arg, unsigned int i)
{
	(void)i;
	weir_virtio_irq_(arg);
}

/* One message for everything, 4.1.5.1.2. Lines of PCI functions are not wired up. */
static int pci_irq_request(struct weir_virtio *v)
{
	const struct weir_host_ops *ops = v->m->ops;
	struct weir_msi message;
	int err;

	if (!v->has_msix || !ops->msi_request)
		return WEIR_EOPNOTSUPP;
	err = ops->msi_request(v->m->host, 1, on_message, v, &message, &v->irq);
	if (err)
		return err;
	/* Behind an IOMMU the doorbell has to be mapped, and may be elsewhere for the device. */
	err = weir_msi_map(v->dev, &message, &message);
	if (!err)
		err = weir_pci_msi_enable(v->dev, 1, &message);
	if (!err) {
		v->msix_on = true;
		vwrite(&v->common, COMMON_CONFIG_VECTOR, 2, 0);
		if (vread(&v->common, COMMON_CONFIG_VECTOR, 2) == 0)
			return 0;
		err = weir_virtio_fail_(v, WEIR_EIO, "it takes no interrupt");
		weir_pci_msi_disable(v->dev);
		v->msix_on = false;
	}
	ops->irq_free(v->m->host, v->irq);
	v->irq = NULL;
	return err;
}

static int pci_master(const struct weir_virtio *v, bool on)
{
	return weir_pci_master(v->dev, on);
}

static void pci_close(struct weir_virtio *v)
{
	weir_pci_disable(v->dev);
}

static const struct vtransport pci_transport = {
	.status = pci_status,
	.set_status = pci_set_status,
	.features = pci_features,
	.set_features = pci_set_features,
	.generation = pci_generation,
	.queue_max = pci_queue_max,
	.queue_set = pci_queue_set,
	.notify = pci_notify,
	.irq_request = pci_irq_request,
	.master = pci_master,
	.close = pci_close,
};

int weir_virtio_pci_init_(struct weir_virtio *v)
{
	struct weir_pci_info info;
	int err;

	err = weir_pci_info_get(v->dev, &info);
	if (err || info.vendor != PCI_VENDOR_VIRTIO || info.device < PCI_DEVICE_FIRST ||
	    info.device > PCI_DEVICE_LAST)
		return weir_virtio_fail_(v, WEIR_ENODEV, "it is no virtio device");
	v->type = info.device >= PCI_DEVICE_MODERN ? info.device - PCI_DEVICE_MODERN
						   : info.subsystem;
	v->has_msix = weir_pci_cap(v->dev, PCI_CAP_MSIX, 0) > 0;
	err = weir_pci_enable(v->dev);
	if (err)
		return weir_virtio_fail_(v, err, "it does not answer at its registers");
	err = find_registers(v);
	if (err) {
		weir_pci_disable(v->dev);
		return err;
	}
	v->transport = &pci_transport;
	return 0;
}
