// SPDX-License-Identifier: MIT
/*
 * The client of virtio's block device: its life. Behind an IOMMU the device must say that
 * it uses addresses of its bus (WEIR_VIRTIO_ACCESS_PLATFORM); elsewhere it may.
 */
#include "virtio-blk/virtio_blk.h"

/* Features, capacity, and how much a request can have. */
static int negotiate(struct vblk_client *vblk)
{
	struct weir_device *dev = vblk->c.dev;
	uint64_t needed = weir_dma_is_translated(dev) ? WEIR_VIRTIO_ACCESS_PLATFORM : 0;
	uint64_t features, value;
	int err = weir_virtio_negotiate(vblk->v, VBLK_F_SEG_MAX | VBLK_F_RO |
					WEIR_VIRTIO_ACCESS_PLATFORM, needed, 0, &features);

	if (err)
		return weir_dev_fail(dev, err, "virtio-blk: its features do not do");
	vblk->read_only = features & VBLK_F_RO;
	err = weir_virtio_config_read(vblk->v, VBLK_CAPACITY, 8, &value);
	if (err)
		return weir_dev_fail(dev, err, "virtio-blk: its capacity cannot be read");
	if (value > UINT64_MAX / VBLK_SECTOR)
		return weir_dev_fail(dev, WEIR_EIO, "virtio-blk: 0x%llx sectors",
				     (unsigned long long)value);
	vblk->nr_sectors = value;
	vblk->max_pages = 1; /* without VBLK_F_SEG_MAX, 5.2.5 */
	if (!(features & VBLK_F_SEG_MAX))
		return 0;
	err = weir_virtio_config_read(vblk->v, VBLK_SEG_MAX, 4, &value);
	if (err)
		return weir_dev_fail(dev, err, "virtio-blk: its segments cannot be read");
	if (value > 1)
		vblk->max_pages = value < VBLK_MAX_PAGES ? (uint32_t)value : VBLK_MAX_PAGES;
	return 0;
}

static int setup_queue(struct vblk_client *vblk)
{
	struct weir_device *dev = vblk->c.dev;
	unsigned int size = weir_virtq_max(vblk->v, 0);
	int err;

	if (size > VBLK_QUEUE)
		size = VBLK_QUEUE;
	if (size < 4)
		return weir_dev_fail(dev, WEIR_EIO, "virtio-blk: a queue of %u", size);
	if (vblk->max_pages > size - 2)
		vblk->max_pages = size - 2;
	vblk->memory.bytes = weir_virtq_bytes(size);
	err = weir_dma_alloc(dev, vblk->memory.bytes, 0, &vblk->memory.va, &vblk->memory.address);
	if (err)
		return err;
	err = weir_virtq_create(vblk->v, 0, size, &vblk->memory, &vblk->queue);
	if (err)
		goto err_memory;
	err = weir_dma_alloc(dev, VBLK_REQUESTS * sizeof(struct vblk_slot), 0, &vblk->slots,
			     &vblk->slots_iova);
	if (err)
		goto err_queue;
	for (unsigned int i = 0; i < VBLK_REQUESTS; i++) {
		vblk->requests[i].slot = (struct vblk_slot *)vblk->slots + i;
		vblk->requests[i].slot_iova = vblk->slots_iova + i * sizeof(struct vblk_slot);
	}
	return 0;

err_queue:
	vblk->queue = weir_virtq_destroy(vblk->queue);
err_memory:
	(void)weir_dma_free(dev, vblk->memory.bytes, vblk->memory.va, vblk->memory.address);
	return err;
}

static void free_queue(struct vblk_client *vblk)
{
	struct weir_device *dev = vblk->c.dev;

	vblk->queue = weir_virtq_destroy(vblk->queue);
	(void)weir_dma_free(dev, VBLK_REQUESTS * sizeof(struct vblk_slot), vblk->slots,
			    vblk->slots_iova);
	(void)weir_dma_free(dev, vblk->memory.bytes, vblk->memory.va, vblk->memory.address);
}

static int vblk_probe(struct weir_device *dev)
{
	struct vblk_client *vblk;
	int err = weir_devm_alloc(dev, sizeof(*vblk), (void **)&vblk);

	if (err)
		return err;
	client_init(&vblk->c, dev, "virtio-blk");
	err = weir_virtio_open(dev, &vblk->v);
	if (err)
		return err;
	err = WEIR_ENODEV;
	if (weir_virtio_type(vblk->v) != VBLK_TYPE)
		goto err_close;
	err = weir_dma_mask_set(dev, WEIR_DMA_MASK(64));
	if (err)
		goto err_close;
	err = negotiate(vblk);
	if (err)
		goto err_close;
	err = setup_queue(vblk);
	if (err)
		goto err_close;
	err = weir_virtio_start(vblk->v);
	if (err)
		goto err_queue;
	weir_device_set_data(dev, vblk);
	return 0;

err_queue:
	(void)weir_virtio_stop(vblk->v);
	free_queue(vblk);
err_close:
	vblk->v = weir_virtio_close(vblk->v);
	return err;
}

static void vblk_remove(struct weir_device *dev)
{
	struct vblk_client *vblk = weir_device_data(dev);

	/* bus mastering is off then, whether or not it took the reset */
	(void)weir_virtio_stop(vblk->v);
	client_buffer_fini(&vblk->flight);
	free_queue(vblk);
	vblk->v = weir_virtio_close(vblk->v);
	weir_device_set_data(dev, NULL);
}

static const struct weir_match vblk_match[] = {
	{ VBLK_KEY, NULL },
	{ VBLK_TRANSITIONAL_KEY, NULL },
	{ NULL, NULL },
};

static const struct weir_driver_ops vblk_driver_ops = {
	.abi = WEIR_ABI(struct weir_driver_ops),
	.probe = vblk_probe,
	.remove = vblk_remove,
};

const struct weir_driver weir_virtio_blk_driver = {
	.name = "virtio-blk",
	.bus = "pci",
	.match = vblk_match,
	.ops = &vblk_driver_ops,
	.flags = WEIR_CLIENT_DRIVER,
	.context = (void *)&weir_virtio_blk_ops,
};
