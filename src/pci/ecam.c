// SPDX-License-Identifier: MIT
/*
 * Host bridges whose configuration space is memory (ECAM: PCI Express Base
 * Specification 5.0, 7.2.2), and the driver of those that firmware describes.
 */
#include "pci/priv.h"

/* 4 KiB a function, 1 MiB a bus, beginning with the first bus. */
static uint64_t place_of(const struct weir_pci *pci, uint16_t rid, unsigned int offset)
{
	return ((uint64_t)(rid - (pci->host.first_bus << 8)) << 12) + offset;
}

static bool is_there(const struct weir_pci *pci, uint16_t rid, unsigned int offset)
{
	return rid >> 8 >= pci->host.first_bus && offset < 4096 &&
	       place_of(pci, rid, offset) + 4096 <= pci->ecam.bytes + offset;
}

static uint32_t ecam_read(void *ctx, uint16_t rid, unsigned int offset, unsigned int width)
{
	const struct weir_pci *pci = ctx;

	if (!is_there(pci, rid, offset))
		return UINT32_MAX;
	return (uint32_t)weir_mmio_read(&pci->ecam, place_of(pci, rid, offset), width);
}

static void ecam_write(void *ctx, uint16_t rid, unsigned int offset, unsigned int width,
		       uint32_t value)
{
	const struct weir_pci *pci = ctx;

	if (is_there(pci, rid, offset))
		weir_mmio_write(&pci->ecam, place_of(pci, rid, offset), width, value);
}

const struct weir_pci_config_ops weir_pci_ecam_ops_ = {
	.abi = WEIR_ABI(struct weir_pci_config_ops),
	.read = ecam_read,
	.write = ecam_write,
};

/* ---- the driver ---- */

static int ecam_probe(struct weir_device *dev)
{
	struct weir_pci_host host;
	struct weir_pci *pci;
	int err = weir_firmware_pci_host(dev->fwnode, &host);

	if (err)
		return weir_dev_fail(dev, err, "firmware does not describe its host bridge");
	err = weir_pci_add(dev, &host, NULL, NULL, 0, &pci);
	if (err)
		return weir_dev_fail(dev, err, "its buses cannot be walked");
	weir_device_set_data(dev, pci);
	return 0;
}

static void ecam_remove(struct weir_device *dev)
{
	weir_pci_del(weir_device_data(dev));
}

static const struct weir_driver_ops ecam_ops = {
	.abi = WEIR_ABI(struct weir_driver_ops),
	.probe = ecam_probe,
	.remove = ecam_remove,
};

static const struct weir_match ecam_match[] = {
	{ .key = "pci-host-ecam-generic" },
	{ .key = "acpi:PNP0A08" }, /* PCI Firmware Specification 3.2, 4.1.4: of host bridges */
	{ 0 },
};

const struct weir_driver weir_pci_ecam_driver = {
	.name = "pci-ecam",
	.bus = "platform",
	.match = ecam_match,
	.ops = &ecam_ops,
};
