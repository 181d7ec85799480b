// SPDX-License-Identifier: MIT
/* The client of NVM Express: its life. */
#include "nvme/nvme.h"

static int setup_memory(struct nvme_client *nvme)
{
	struct weir_device *dev = nvme->c.dev;
	int err = weir_dma_alloc(dev, NVME_ID_BYTES, 0, &nvme->identify, &nvme->identify_iova);

	if (err)
		return err;
	err = weir_dma_alloc(dev, NVME_DEPTH * CLIENT_PAGE, 0, &nvme->lists, &nvme->lists_iova);
	if (err)
		goto err_identify;
	err = nvme_queue_init(nvme, &nvme->admin, 0);
	if (err)
		goto err_lists;
	err = nvme_queue_init(nvme, &nvme->io, 1);
	if (err)
		goto err_admin;
	for (unsigned int i = 0; i < NVME_DEPTH; i++) {
		nvme->io.requests[i].list = (uint64_t *)nvme->lists + i * NVME_LIST_ENTRIES;
		nvme->io.requests[i].list_iova = nvme->lists_iova + i * CLIENT_PAGE;
	}
	return 0;

err_admin:
	nvme_queue_fini(nvme, &nvme->admin);
err_lists:
	(void)weir_dma_free(dev, NVME_DEPTH * CLIENT_PAGE, nvme->lists, nvme->lists_iova);
err_identify:
	(void)weir_dma_free(dev, NVME_ID_BYTES, nvme->identify, nvme->identify_iova);
	return err;
}

static void free_memory(struct nvme_client *nvme)
{
	struct weir_device *dev = nvme->c.dev;

	nvme_queue_fini(nvme, &nvme->io);
	nvme_queue_fini(nvme, &nvme->admin);
	(void)weir_dma_free(dev, NVME_DEPTH * CLIENT_PAGE, nvme->lists, nvme->lists_iova);
	(void)weir_dma_free(dev, NVME_ID_BYTES, nvme->identify, nvme->identify_iova);
}

static int nvme_probe(struct weir_device *dev)
{
	struct nvme_client *nvme;
	int err = weir_devm_alloc(dev, sizeof(*nvme), (void **)&nvme);

	if (err)
		return err;
	err = weir_pci_enable(dev);
	if (err)
		return err;
	err = weir_pci_bar_map(dev, 0, &nvme->mmio);
	if (err)
		goto err_disable;
	client_init(&nvme->c, dev, "nvme");
	if (nvme->mmio.bytes < 2 * NVME_DOORBELLS) {
		err = weir_dev_fail(dev, WEIR_EIO, "nvme: only 0x%llx bytes of registers",
				    (unsigned long long)nvme->mmio.bytes);
		goto err_mmio;
	}
	err = weir_dma_mask_set(dev, WEIR_DMA_MASK(64));
	if (err)
		goto err_mmio;
	err = setup_memory(nvme);
	if (err)
		goto err_mmio;
	err = nvme_controller_start(nvme);
	if (err)
		goto err_memory;
	weir_device_set_data(dev, nvme);
	return 0;

err_memory:
	free_memory(nvme);
err_mmio:
	weir_mmio_unmap(&nvme->mmio);
err_disable:
	weir_pci_disable(dev);
	return err;
}

static void nvme_remove(struct weir_device *dev)
{
	struct nvme_client *nvme = weir_device_data(dev);

	nvme_controller_stop(nvme);
	client_buffer_fini(&nvme->flight);
	free_memory(nvme);
	weir_mmio_unmap(&nvme->mmio);
	weir_pci_disable(dev);
	weir_device_set_data(dev, NULL);
}

static const struct weir_match nvme_match[] = {
	{ NVME_CLASS, NULL },
	{ NULL, NULL },
};

static const struct weir_driver_ops nvme_driver_ops = {
	.abi = WEIR_ABI(struct weir_driver_ops),
	.probe = nvme_probe,
	.remove = nvme_remove,
};

const struct weir_driver weir_nvme_driver = {
	.name = "nvme",
	.bus = "pci",
	.match = nvme_match,
	.ops = &nvme_driver_ops,
	.flags = WEIR_CLIENT_DRIVER,
	.context = (void *)&weir_nvme_ops,
};
