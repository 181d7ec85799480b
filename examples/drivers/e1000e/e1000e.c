// SPDX-License-Identifier: MIT
/*
 * The client of the 82574L: its life. Before a reset the device is told to stop being
 * a master, and waited for (CTRL and STATUS in the datasheet); if it does not, bus mastering is taken
 * away all the same.
 */
#include "e1000e/e1000e.h"

#include "weir/trace.h"

#define RESET_NS  UINT64_C(1000000000)
#define MASTER_NS UINT64_C(10000000)
#define LINK_NS   UINT64_C(10000000000)

/* Until the bits of a register are as they should be. Return: 0; WEIR_ETIMEDOUT; WEIR_EIO. */
static int wait_bits(struct e1000e_client *nic, uint32_t reg, uint32_t mask, uint32_t want,
		     uint64_t ns)
{
	struct client_wait wait;

	client_wait_begin(&wait, &nic->c, ns);
	for (;;) {
		uint32_t value = weir_mmio_read32(&nic->mmio, reg);

		if (value == UINT32_MAX)
			return WEIR_EIO;
		if ((value & mask) == want)
			return 0;
		if (!client_wait_more(&wait))
			return WEIR_ETIMEDOUT;
	}
}

static void quiesce(struct e1000e_client *nic)
{
	const struct weir_mmio *mmio = &nic->mmio;

	weir_mmio_write32(mmio, E1000E_IMC, UINT32_MAX);
	weir_mmio_write32(mmio, E1000E_RCTL, 0);
	weir_mmio_write32(mmio, E1000E_TCTL, 0);
	weir_mmio_write32(mmio, E1000E_CTRL,
			  weir_mmio_read32(mmio, E1000E_CTRL) | E1000E_CTRL_MASTER_DISABLE);
	(void)wait_bits(nic, E1000E_STATUS, E1000E_STATUS_MASTER, 0, MASTER_NS);
	(void)weir_pci_master(nic->c.dev, false);
}

static int reset(struct e1000e_client *nic)
{
	const struct weir_mmio *mmio = &nic->mmio;
	int err;

	quiesce(nic);
	weir_mmio_write32(mmio, E1000E_CTRL,
			  weir_mmio_read32(mmio, E1000E_CTRL) | E1000E_CTRL_RST);
	err = wait_bits(nic, E1000E_CTRL, E1000E_CTRL_RST, 0, RESET_NS);
	if (err)
		return err;
	weir_mmio_write32(mmio, E1000E_IMC, UINT32_MAX);
	(void)weir_mmio_read32(mmio, E1000E_ICR);
	return 0;
}

/* The address that the device loaded from its memory, and no others. */
static int set_address(struct e1000e_client *nic)
{
	const struct weir_mmio *mmio = &nic->mmio;
	uint32_t low = weir_mmio_read32(mmio, E1000E_RAL0);
	uint32_t high = weir_mmio_read32(mmio, E1000E_RAH0);

	for (unsigned int i = 0; i < 4; i++)
		nic->mac[i] = (uint8_t)(low >> 8 * i);
	nic->mac[4] = (uint8_t)high;
	nic->mac[5] = (uint8_t)(high >> 8);
	if (!(high & E1000E_RAH_VALID) || (nic->mac[0] & 1))
		return weir_dev_fail(nic->c.dev, WEIR_EIO, "e1000e: no usable address (%x %x)",
				     high, low);
	for (uint32_t i = 0; i < E1000E_MTA_WORDS; i++)
		weir_mmio_write32(mmio, E1000E_MTA + 4 * i, 0);
	weir_mmio_write32(mmio, E1000E_RFCTL,
			  weir_mmio_read32(mmio, E1000E_RFCTL) & ~E1000E_RFCTL_EXSTEN);
	return 0;
}

static int start(struct e1000e_client *nic)
{
	const struct weir_mmio *mmio = &nic->mmio;
	struct weir_device *dev = nic->c.dev;
	int err = reset(nic);

	if (err)
		return weir_dev_fail(dev, err, "e1000e: it cannot be reset");
	err = set_address(nic);
	if (err)
		return err;
	weir_mmio_write32(mmio, E1000E_CTRL, E1000E_CTRL_FD | E1000E_CTRL_ASDE | E1000E_CTRL_SLU);
	err = wait_bits(nic, E1000E_STATUS, E1000E_STATUS_LU, E1000E_STATUS_LU, LINK_NS);
	if (err)
		return weir_dev_fail(dev, err, "e1000e: the link does not come up");
	err = weir_pci_master(dev, true);
	if (err)
		return err;
	e1000e_rings_start(nic);
	return 0;
}

static void note_link(const struct e1000e_client *nic, const char *words)
{
	char line[80];
	struct client_text text;

	client_text_begin(&text, line, sizeof(line));
	client_text_add(&text, weir_device_name(nic->c.dev));
	client_text_add(&text, ": e1000e: ");
	client_text_add(&text, words);
	weir_trace_note(weir_device_machine(nic->c.dev), line);
}

static int e1000e_probe(struct weir_device *dev)
{
	struct e1000e_client *nic;
	int err = weir_devm_alloc(dev, sizeof(*nic), (void **)&nic);

	if (err)
		return err;
	err = weir_pci_enable(dev);
	if (err)
		return err;
	err = weir_pci_bar_map(dev, 0, &nic->mmio);
	if (err)
		goto err_disable;
	client_init(&nic->c, dev, "e1000e");
	if (nic->mmio.bytes < E1000E_REGISTERS_BYTES) {
		err = weir_dev_fail(dev, WEIR_EIO, "e1000e: only 0x%llx bytes of registers",
				    (unsigned long long)nic->mmio.bytes);
		goto err_mmio;
	}
	err = weir_dma_mask_set(dev, WEIR_DMA_MASK(64));
	if (err)
		goto err_mmio;
	err = e1000e_rings_init(nic);
	if (err)
		goto err_mmio;
	err = start(nic);
	if (err)
		goto err_rings;
	weir_device_set_data(dev, nic);
	note_link(nic, "link up");
	return 0;

err_rings:
	(void)weir_pci_master(dev, false);
	e1000e_rings_fini(nic);
err_mmio:
	weir_mmio_unmap(&nic->mmio);
err_disable:
	weir_pci_disable(dev);
	return err;
}

static void e1000e_remove(struct weir_device *dev)
{
	struct e1000e_client *nic = weir_device_data(dev);

	weir_mmio_write32(&nic->mmio, E1000E_CTRL,
			  weir_mmio_read32(&nic->mmio, E1000E_CTRL) & ~E1000E_CTRL_SLU);
	(void)reset(nic); /* if it is not, it is no bus master all the same */
	note_link(nic, "link down");
	e1000e_rings_fini(nic);
	weir_mmio_unmap(&nic->mmio);
	weir_pci_disable(dev);
	weir_device_set_data(dev, NULL);
}

static const struct weir_match e1000e_match[] = {
	{ E1000E_VENDOR_DEVICE, NULL },
	{ NULL, NULL },
};

static const struct weir_driver_ops e1000e_driver_ops = {
	.abi = WEIR_ABI(struct weir_driver_ops),
	.probe = e1000e_probe,
	.remove = e1000e_remove,
};

const struct weir_driver weir_e1000e_driver = {
	.name = "e1000e",
	.bus = "pci",
	.match = e1000e_match,
	.ops = &e1000e_driver_ops,
	.flags = WEIR_CLIENT_DRIVER,
	.context = (void *)&weir_e1000e_ops,
};
