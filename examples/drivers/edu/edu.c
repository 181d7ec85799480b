// SPDX-License-Identifier: MIT
/*
 * The client of QEMU's edu device: registers, transfers, and its life. The device does
 * one transfer at a time, between its own memory and the machine's; it cannot be told to
 * stop, so removal takes bus mastering away first and then waits.
 */
#include "edu/edu.h"

#include "edu/regs.h"
#include "weir/iommu.h"

#define WAIT_NS UINT64_C(5000000000)

/* ---- transfers ---- */

/* Return: 0; WEIR_EBUSY; WEIR_EIO when there is no device any more. */
static int is_free(struct edu_client *edu)
{
	uint64_t command = weir_mmio_read64(&edu->mmio, EDU_DMA_COMMAND);

	if (command == UINT64_MAX)
		return WEIR_EIO;
	return command & EDU_DMA_START ? WEIR_EBUSY : 0;
}

int edu_wait(struct edu_client *edu)
{
	struct client_wait wait;
	int err = is_free(edu);

	client_wait_begin(&wait, &edu->c, WAIT_NS);
	while (err == WEIR_EBUSY) {
		if (!client_wait_more(&wait))
			return WEIR_ETIMEDOUT;
		err = is_free(edu);
	}
	client_barrier(&edu->c);
	return err;
}

int edu_start(struct edu_client *edu, uint64_t iova, uint32_t bytes, bool from_device, bool irq)
{
	uint64_t command = EDU_DMA_START | (from_device ? EDU_DMA_FROM_DEVICE : 0) |
			   (irq ? EDU_DMA_IRQ : 0);
	int err;

	if (edu->c.fault[0])
		return WEIR_EIO;
	err = is_free(edu);
	if (err == WEIR_EIO)
		return client_quarantine(&edu->c, "it does not answer", CLIENT_NO_VALUE);
	if (err)
		return err;
	weir_mmio_write64(&edu->mmio, EDU_DMA_FROM, from_device ? EDU_BUFFER : iova);
	weir_mmio_write64(&edu->mmio, EDU_DMA_TO, from_device ? iova : EDU_BUFFER);
	weir_mmio_write64(&edu->mmio, EDU_DMA_BYTES, bytes);
	client_barrier(&edu->c);
	weir_mmio_write64(&edu->mmio, EDU_DMA_COMMAND, command);
	return 0;
}

int edu_transfer(struct edu_client *edu, uint64_t iova, uint32_t bytes, bool from_device, bool irq)
{
	int err = edu_start(edu, iova, bytes, from_device, irq);

	if (!err)
		err = edu_wait(edu);
	if (err == WEIR_ETIMEDOUT)
		err = client_quarantine(&edu->c, "a transfer does not end", bytes);
	if (err == WEIR_EIO)
		err = client_quarantine(&edu->c, "it does not answer", CLIENT_NO_VALUE);
	return err;
}

/* ---- interrupts ---- */

static void on_message(void *arg, unsigned int i)
{
	struct edu_client *edu = arg;
	uint32_t status = weir_mmio_read32(&edu->mmio, EDU_IRQ_STATUS);

	(void)i;
	if (!status)
		return;
	weir_mmio_write32(&edu->mmio, EDU_IRQ_ACK, status);
	atomic_fetch_add(&edu->nr_irqs, 1);
}

/* Messages are DMA, and pass the IOMMU as such: where they go is mapped. */
static int setup_irq(struct edu_client *edu)
{
	struct weir_device *dev = edu->c.dev;
	struct weir_msi message;
	int err;

	if (!edu->c.ops->msi_request || !weir_pci_msi_count(dev))
		return 0;
	err = edu->c.ops->msi_request(edu->c.host, 1, on_message, edu, &message, &edu->irq);
	if (err)
		return err;
	err = weir_msi_map(dev, &message, &message);
	if (err)
		goto err_irq;
	err = weir_pci_msi_enable(dev, 1, &message);
	if (err)
		goto err_irq;
	return 0;

err_irq:
	edu->c.ops->irq_free(edu->c.host, edu->irq);
	edu->irq = NULL;
	return err;
}

static void end_irq(struct edu_client *edu)
{
	if (!edu->irq)
		return;
	weir_pci_msi_disable(edu->c.dev);
	edu->c.ops->irq_free(edu->c.host, edu->irq);
	edu->irq = NULL;
}

/* ---- life ---- */

/* Whether this is the device it says it is, and answers. */
static int check_device(struct edu_client *edu)
{
	struct weir_device *dev = edu->c.dev;
	uint32_t identity = weir_mmio_read32(&edu->mmio, EDU_IDENTITY), alive;
	int err;

	if (edu->mmio.bytes < EDU_REGISTERS_BYTES ||
	    (identity & EDU_IDENTITY_MASK) != EDU_IDENTITY_VALUE)
		return weir_dev_fail(dev, WEIR_ENODEV, "edu: it identifies itself as %x", identity);
	weir_mmio_write32(&edu->mmio, EDU_LIVENESS, 0x12345678);
	alive = weir_mmio_read32(&edu->mmio, EDU_LIVENESS);
	if (alive != (uint32_t)~0x12345678u)
		return weir_dev_fail(dev, WEIR_EIO, "edu: it does not answer rightly (%x)", alive);
	/* a transfer that somebody started before us ends, or goes nowhere */
	err = edu_wait(edu);
	return err ? weir_dev_fail(dev, err, "edu: a transfer does not end") : 0;
}

static int setup_memory(struct edu_client *edu)
{
	int err = client_buffer_init(&edu->out, &edu->c, 1, 1);

	if (err)
		return err;
	err = client_buffer_init(&edu->in, &edu->c, 1, 2);
	if (err)
		goto err_out;
	err = client_buffer_map(&edu->out, WEIR_DMA_TO_DEVICE);
	if (err)
		goto err_in;
	err = client_buffer_map(&edu->in, WEIR_DMA_FROM_DEVICE);
	if (err)
		goto err_in;
	return 0;

err_in:
	client_buffer_fini(&edu->in);
err_out:
	client_buffer_fini(&edu->out);
	return err;
}

static int edu_probe(struct weir_device *dev)
{
	struct edu_client *edu;
	int err = weir_devm_alloc(dev, sizeof(*edu), (void **)&edu);

	if (err)
		return err;
	err = weir_pci_enable(dev);
	if (err)
		return err;
	err = weir_pci_bar_map(dev, 0, &edu->mmio);
	if (err)
		goto err_disable;
	client_init(&edu->c, dev, "edu");
	err = check_device(edu);
	if (err)
		goto err_mmio;
	/* How many address bits it drives is a property of QEMU's (dma_mask), which it does not tell. */
	err = weir_dma_mask_set(dev, WEIR_DMA_MASK(64));
	if (err)
		goto err_mmio;
	err = setup_memory(edu);
	if (err)
		goto err_mmio;
	err = setup_irq(edu);
	if (err)
		goto err_memory;
	err = weir_pci_master(dev, true);
	if (err)
		goto err_irq;
	weir_device_set_data(dev, edu);
	return 0;

err_irq:
	end_irq(edu);
err_memory:
	client_buffer_fini(&edu->in);
	client_buffer_fini(&edu->out);
err_mmio:
	weir_mmio_unmap(&edu->mmio);
err_disable:
	weir_pci_disable(dev);
	return err;
}

static void edu_remove(struct weir_device *dev)
{
	struct edu_client *edu = weir_device_data(dev);

	(void)weir_pci_master(dev, false);
	/* if it never ends, it goes nowhere: it is no bus master */
	(void)edu_wait(edu);
	end_irq(edu);
	client_buffer_fini(&edu->in);
	client_buffer_fini(&edu->out);
	weir_mmio_unmap(&edu->mmio);
	weir_pci_disable(dev);
	weir_device_set_data(dev, NULL);
}

static const struct weir_match edu_match[] = {
	{ EDU_VENDOR_DEVICE, NULL },
	{ NULL, NULL },
};

static const struct weir_driver_ops edu_driver_ops = {
	.abi = WEIR_ABI(struct weir_driver_ops),
	.probe = edu_probe,
	.remove = edu_remove,
};

const struct weir_driver weir_edu_driver = {
	.name = "edu",
	.bus = "pci",
	.match = edu_match,
	.ops = &edu_driver_ops,
	.flags = WEIR_CLIENT_DRIVER,
	.context = (void *)&weir_edu_ops,
};
