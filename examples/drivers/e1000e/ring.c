// SPDX-License-Identifier: MIT
/* The two rings: one descriptor a frame, one page a descriptor. */
#include "e1000e/e1000e.h"

#define SEND_NS UINT64_C(2000000000)
#define RING_BYTES (E1000E_RING * 16u)

int e1000e_rings_init(struct e1000e_client *nic)
{
	struct weir_device *dev = nic->c.dev;
	void *va;
	int err = weir_dma_alloc(dev, RING_BYTES, 0, &va, &nic->rx_iova);

	if (err)
		return err;
	nic->rx = va;
	err = weir_dma_alloc(dev, RING_BYTES, 0, &va, &nic->tx_iova);
	if (err)
		goto err_rx;
	nic->tx = va;
	err = client_buffer_init(&nic->rx_pages, &nic->c, E1000E_RING, 3);
	if (err)
		goto err_tx;
	err = client_buffer_init(&nic->tx_pages, &nic->c, E1000E_RING, 4);
	if (err)
		goto err_rx_pages;
	err = client_buffer_map(&nic->rx_pages, WEIR_DMA_FROM_DEVICE);
	if (err)
		goto err_tx_pages;
	return 0;

err_tx_pages:
	client_buffer_fini(&nic->tx_pages);
err_rx_pages:
	client_buffer_fini(&nic->rx_pages);
err_tx:
	(void)weir_dma_free(dev, RING_BYTES, nic->tx, nic->tx_iova);
err_rx:
	(void)weir_dma_free(dev, RING_BYTES, nic->rx, nic->rx_iova);
	return err;
}

static void unmap_sent(struct e1000e_client *nic, uint32_t i)
{
	struct client_page *page = &nic->tx_pages.pages[i];

	if (!nic->tx_bytes[i])
		return;
	if (weir_dma_unmap(nic->c.dev, page->iova, nic->tx_bytes[i], WEIR_DMA_TO_DEVICE) == WEIR_EIO)
		nic->tx_pages.lost = true;
	nic->tx_bytes[i] = 0;
}

void e1000e_rings_fini(struct e1000e_client *nic)
{
	struct weir_device *dev = nic->c.dev;

	for (uint32_t i = 0; i < E1000E_RING; i++)
		unmap_sent(nic, i);
	client_buffer_fini(&nic->tx_pages);
	client_buffer_fini(&nic->rx_pages);
	(void)weir_dma_free(dev, RING_BYTES, nic->tx, nic->tx_iova);
	(void)weir_dma_free(dev, RING_BYTES, nic->rx, nic->rx_iova);
}

static void set_ring(struct e1000e_client *nic, uint32_t at, uint64_t iova, uint32_t control)
{
	const struct weir_mmio *mmio = &nic->mmio;

	weir_mmio_write32(mmio, at, (uint32_t)iova);
	weir_mmio_write32(mmio, at + E1000E_BASE_HIGH, (uint32_t)(iova >> 32));
	weir_mmio_write32(mmio, at + E1000E_LENGTH, RING_BYTES);
	weir_mmio_write32(mmio, at + E1000E_HEAD, 0);
	weir_mmio_write32(mmio, at + E1000E_TAIL, 0);
	weir_mmio_write32(mmio, at + E1000E_CONTROL, control);
}

void e1000e_rings_start(struct e1000e_client *nic)
{
	const struct weir_mmio *mmio = &nic->mmio;

	for (uint32_t i = 0; i < E1000E_RING; i++)
		nic->rx[i] = (struct e1000e_rx_desc){ .address = nic->rx_pages.pages[i].iova };
	set_ring(nic, E1000E_RDBAL, nic->rx_iova, E1000E_CONTROL_THRESHOLDS);
	set_ring(nic, E1000E_TDBAL, nic->tx_iova, E1000E_CONTROL_THRESHOLDS | E1000E_TXDCTL_SET);
	weir_mmio_write32(mmio, E1000E_TIPG, E1000E_TIPG_COPPER);
	weir_mmio_write32(mmio, E1000E_TCTL, E1000E_TCTL_EN | E1000E_TCTL_PSP | E1000E_TCTL_CT |
			  E1000E_TCTL_COLD);
	weir_mmio_write32(mmio, E1000E_RCTL, E1000E_RCTL_EN | E1000E_RCTL_BAM | E1000E_RCTL_SECRC);
	client_barrier(&nic->c);
	/* head equal to tail means empty: one descriptor is never given */
	weir_mmio_write32(mmio, E1000E_RDBAL + E1000E_TAIL, E1000E_RING - 1);
}

/* ---- sending ---- */

static int reap(struct e1000e_client *nic)
{
	uint32_t head;

	if (nic->c.fault[0])
		return WEIR_EIO;
	if (nic->tx_done == nic->tx_next)
		return 0;
	head = weir_mmio_read32(&nic->mmio, E1000E_TDBAL + E1000E_HEAD);
	if (head >= E1000E_RING)
		return client_quarantine(&nic->c, "it sends from beyond the ring", head);
	while (nic->tx_done != nic->tx_next) {
		const volatile struct e1000e_tx_desc *desc = &nic->tx[nic->tx_done];

		if (!(desc->status & E1000E_DONE))
			break;
		nic->c.stats.transfers++;
		nic->c.stats.bytes += nic->tx_bytes[nic->tx_done];
		unmap_sent(nic, nic->tx_done);
		nic->tx_done = (nic->tx_done + 1) % E1000E_RING;
	}
	return 0;
}

int e1000e_flush(struct e1000e_client *nic)
{
	struct client_wait wait;
	int err = reap(nic);

	client_wait_begin(&wait, &nic->c, SEND_NS);
	while (!err && nic->tx_done != nic->tx_next) {
		if (!client_wait_more(&wait))
			return client_quarantine(&nic->c, "a frame is not sent", nic->tx_done);
		err = reap(nic);
	}
	return err;
}

int e1000e_send(struct e1000e_client *nic, uint32_t bytes)
{
	uint32_t i = nic->tx_next;
	struct client_page *page = &nic->tx_pages.pages[i];
	int err = reap(nic);

	if (!err && (i + 1) % E1000E_RING == nic->tx_done)
		err = e1000e_flush(nic);
	if (err)
		return err;
	for (uint32_t j = 0; j < bytes; j++)
		page->va[j] = nic->outgoing[j];
	err = weir_dma_map_phys(nic->c.dev, page->pa, bytes, WEIR_DMA_TO_DEVICE, &page->iova);
	if (err)
		return err;
	nic->tx_bytes[i] = bytes;
	nic->tx[i] = (struct e1000e_tx_desc){
		.address = page->iova, .bytes = (uint16_t)bytes,
		.command = E1000E_TX_EOP | E1000E_TX_FCS | E1000E_TX_REPORT,
	};
	nic->tx_next = (i + 1) % E1000E_RING;
	client_barrier(&nic->c);
	weir_mmio_write32(&nic->mmio, E1000E_TDBAL + E1000E_TAIL, nic->tx_next);
	return 0;
}

int e1000e_late(struct e1000e_client *nic)
{
	if (weir_mmio_read32(&nic->mmio, E1000E_STATUS) == UINT32_MAX)
		return client_quarantine(&nic->c, "it does not answer", CLIENT_NO_VALUE);
	return WEIR_ETIMEDOUT;
}

/* ---- receiving ---- */

/* Gives a descriptor back to the device. */
static void refill(struct e1000e_client *nic, uint32_t i)
{
	uint64_t iova = nic->rx_pages.pages[i].iova;

	/* the one before it becomes the device's, and this one the one that is never given */
	weir_dma_sync_for_device(nic->c.dev, iova, CLIENT_PAGE, WEIR_DMA_FROM_DEVICE);
	nic->rx[i] = (struct e1000e_rx_desc){ .address = iova };
	nic->rx_next = (i + 1) % E1000E_RING;
	client_barrier(&nic->c);
	weir_mmio_write32(&nic->mmio, E1000E_RDBAL + E1000E_TAIL, i);
}

int e1000e_receive(struct e1000e_client *nic, uint32_t *out_bytes)
{
	uint32_t i = nic->rx_next;
	const volatile struct e1000e_rx_desc *desc = &nic->rx[i];
	const struct client_page *page = &nic->rx_pages.pages[i];
	uint32_t bytes;
	uint8_t status, errors;

	if (nic->c.fault[0])
		return WEIR_EIO;
	status = desc->status;
	if (!(status & E1000E_DONE))
		return WEIR_EAGAIN;
	client_barrier(&nic->c);
	bytes = desc->bytes;
	errors = desc->errors;
	if (bytes > E1000E_BUFFER_BYTES)
		return client_quarantine(&nic->c, "a frame longer than its buffer", bytes);
	if (!(status & E1000E_RX_EOP))
		return client_quarantine(&nic->c, "a frame in pieces", bytes);
	weir_dma_sync_for_cpu(nic->c.dev, page->iova, CLIENT_PAGE, WEIR_DMA_FROM_DEVICE);
	for (uint32_t j = 0; j < bytes; j++)
		nic->frame[j] = page->va[j];
	refill(nic, i);
	nic->c.stats.transfers++;
	nic->c.stats.bytes += bytes;
	*out_bytes = errors ? 0 : bytes;
	return 0;
}
