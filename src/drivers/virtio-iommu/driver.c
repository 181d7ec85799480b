// SPDX-License-Identifier: MIT
/*
 * The drivers that bind to virtio-iommu devices, and the IOMMU instance that each
 * publishes as the last step of its probe.
 */
#include "drivers/virtio-iommu/priv.h"

#include "drivers/virtio-iommu/regs.h"
#include "weir/firmware.h"
#include "weir/pci.h"

/* Lives from probe to remove; the device's data. */
struct bound {
	struct weir_device *dev;
	struct weir_virtio *v;
	struct weir_viommu *vi;
};

/* ---- the instance ---- */

static int op_translate_ids(void *instance, struct weir_device *dev, const uint32_t *cells,
			    unsigned int n, uint32_t *out_stream)
{
	const struct bound *b = instance;

	(void)dev;
	if (n != 1 || weir_viommu_knows(b->vi, cells[0]))
		return WEIR_EINVAL;
	*out_stream = cells[0];
	return 0;
}

static void op_limits(void *instance, struct weir_domain_limits *out_limits)
{
	weir_viommu_limits_get(((const struct bound *)instance)->vi, out_limits);
}

static int op_regions(void *instance, uint32_t stream, unsigned int index,
		      struct weir_region *out_region)
{
	return weir_viommu_region(((const struct bound *)instance)->vi, stream, index, out_region);
}

static int op_part_create(void *instance, struct weir_domain *domain, void **out_part)
{
	struct weir_viommu_domain *part;
	int err = weir_viommu_domain_create(((const struct bound *)instance)->vi, &part);

	(void)domain;
	if (!err)
		*out_part = part;
	return err;
}

static void op_part_destroy(void *instance, void *part)
{
	(void)instance;
	weir_viommu_domain_destroy(part);
}

static int op_attach(void *instance, uint32_t stream, enum weir_domain_type type, void *part)
{
	struct weir_viommu *vi = ((const struct bound *)instance)->vi;

	if (type == WEIR_DOMAIN_IDENTITY)
		return weir_viommu_attach_identity(vi, stream);
	if (type != WEIR_DOMAIN_BLOCKED && !part)
		return WEIR_EOPNOTSUPP;
	return weir_viommu_attach(vi, stream, type == WEIR_DOMAIN_BLOCKED ? NULL : part);
}

static int op_enforce(void *instance)
{
	return weir_viommu_enforce(((const struct bound *)instance)->vi);
}

static void op_forget(void *instance, uint32_t stream)
{
	weir_viommu_forget(((const struct bound *)instance)->vi, stream);
}

static int op_map(void *instance, void *part, uint64_t iova, uint64_t pa, uint64_t bytes,
		  uint32_t prot)
{
	(void)instance;
	return weir_viommu_map(part, iova, pa, bytes, prot);
}

static int op_sync_map(void *instance, void *part)
{
	(void)instance;
	return weir_viommu_sync_map(part);
}

static int op_unmap(void *instance, void *part, uint64_t iova, uint64_t bytes)
{
	(void)instance;
	return weir_viommu_unmap(part, iova, bytes);
}

static int op_sync(void *instance, void *part)
{
	(void)instance;
	return weir_viommu_sync(part);
}

static const struct weir_iommu_ops instance_ops = {
	.abi = WEIR_ABI(struct weir_iommu_ops),
	.translate_ids = op_translate_ids,
	.limits = op_limits,
	.regions = op_regions,
	.part_create = op_part_create,
	.part_destroy = op_part_destroy,
	.attach = op_attach,
	.enforce = op_enforce,
	.forget = op_forget,
	.map = op_map,
	.sync_map = op_sync_map,
	.unmap = op_unmap,
	.sync = op_sync,
};

/* ---- the drivers ---- */

static void on_fault(void *arg, const struct weir_fault *fault)
{
	weir_iommu_fault(((const struct bound *)arg)->dev, fault);
}

static void close_all(struct bound *b)
{
	b->vi = weir_viommu_destroy(b->vi);
	b->v = weir_virtio_close(b->v);
}

static int viommu_probe(struct weir_device *dev)
{
	struct weir_viommu_options options = { .fault = on_fault, .keep_bypass = true };
	struct bound *b;
	void *mem;
	int err = weir_devm_alloc(dev, sizeof(*b), &mem);

	if (err)
		return err;
	b = mem;
	b->dev = dev;
	options.arg = b;
	err = weir_virtio_open(dev, &b->v);
	if (err)
		return err;
	/* "virtio,mmio" devices can be of any type. */
	if (weir_virtio_type(b->v) != VIOMMU_TYPE)
		err = WEIR_ENODEV;
	else
		err = weir_viommu_create(b->v, &options, &b->vi);
	if (err)
		goto close;
	weir_device_set_data(dev, b);
	err = weir_iommu_register(dev, &instance_ops, b);
	if (!err)
		return 0;
	weir_dev_fail(dev, err, "it cannot be published as an IOMMU");
close:
	close_all(b);
	return err;
}

static void viommu_remove(struct weir_device *dev)
{
	weir_iommu_unregister(dev);
	close_all(weir_device_data(dev));
}

/* What it knew is gone with its reset: the core attaches and maps anew when it is back. */
static int viommu_suspend(struct weir_device *dev)
{
	int err = weir_iommu_power(dev, false);

	if (err)
		return err;
	weir_viommu_suspend(((struct bound *)weir_device_data(dev))->vi);
	return 0;
}

/* Half awake it would go on with what the books call off: then it sleeps again. */
static int viommu_resume(struct weir_device *dev)
{
	struct weir_viommu *vi = ((struct bound *)weir_device_data(dev))->vi;
	int err = weir_viommu_resume(vi);

	if (err)
		return err;
	err = weir_iommu_power(dev, true);
	if (err)
		weir_viommu_suspend(vi);
	return err;
}

static void viommu_shutdown(struct weir_device *dev)
{
	(void)viommu_suspend(dev);
}

unsigned int weir_virtio_iommu_poll(struct weir_device *dev)
{
	const struct bound *b = weir_device_data(dev);

	return b ? weir_viommu_poll(b->vi) : 0;
}

static const struct weir_driver_ops driver_ops = {
	.abi = WEIR_ABI(struct weir_driver_ops),
	.probe = viommu_probe,
	.remove = viommu_remove,
	.sync_state = weir_iommu_consumers_up,
	.suspend = viommu_suspend,
	.resume = viommu_resume,
	.shutdown = viommu_shutdown,
};

static const struct weir_match pci_match[] = { { .key = "pci:1af4:1057" }, { 0 } };
static const struct weir_match mmio_match[] = { { .key = "virtio,mmio" }, { 0 } };

static const struct weir_driver pci_driver = {
	.name = "virtio-iommu-pci",
	.bus = "pci",
	.match = pci_match,
	.ops = &driver_ops,
};
static const struct weir_driver mmio_driver = {
	.name = "virtio-iommu-mmio",
	.bus = "platform",
	.match = mmio_match,
	.ops = &driver_ops,
};
static const struct weir_driver *const drivers[] = { &pci_driver, &mmio_driver, NULL };

/* It may be loaded before there is firmware or a host bridge. */
static int module_init(struct weir_machine *m, struct weir_module *module)
{
	int err = weir_pci_bus_create(m);

	(void)module;
	return err ? err : weir_firmware_buses(m);
}

const struct weir_module_entry weir_module_virtio_iommu = {
	.abi = WEIR_ABI(struct weir_module_entry),
	.name = "virtio-iommu",
	.drivers = drivers,
	.init = module_init,
};
