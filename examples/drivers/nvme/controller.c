// SPDX-License-Identifier: MIT
/*
 * The controller: reset, queues, what it is (NVMe Base Specification 1.4, 7.6 and 3.1).
 * All that it tells is checked here, once.
 */
#include "nvme/nvme.h"

static const uint8_t *answer(const struct nvme_client *nvme)
{
	return nvme->identify;
}

static uint64_t get_le(const uint8_t *at, unsigned int bytes)
{
	uint64_t value = 0;

	for (unsigned int i = 0; i < bytes; i++)
		value |= (uint64_t)at[i] << 8 * i;
	return value;
}

static int wait_ready(struct nvme_client *nvme, uint32_t ready)
{
	struct client_wait wait;
	uint32_t status = weir_mmio_read32(&nvme->mmio, NVME_CSTS);

	client_wait_begin(&wait, &nvme->c, nvme->ready_ns);
	while ((status & NVME_CSTS_RDY) != ready) {
		if (status == UINT32_MAX || (ready && (status & NVME_CSTS_CFS)))
			return WEIR_EIO;
		if (!client_wait_more(&wait))
			return WEIR_ETIMEDOUT;
		status = weir_mmio_read32(&nvme->mmio, NVME_CSTS);
	}
	return status == UINT32_MAX ? WEIR_EIO : 0;
}

static int disable(struct nvme_client *nvme)
{
	uint32_t cc = weir_mmio_read32(&nvme->mmio, NVME_CC);

	if (cc & NVME_CC_EN)
		weir_mmio_write32(&nvme->mmio, NVME_CC, cc & ~NVME_CC_EN);
	return wait_ready(nvme, 0);
}

static int enable(struct nvme_client *nvme)
{
	const struct weir_mmio *mmio = &nvme->mmio;

	weir_mmio_write32(mmio, NVME_AQA, (NVME_DEPTH - 1) << 16 | (NVME_DEPTH - 1));
	weir_mmio_write64(mmio, NVME_ASQ, nvme->admin.sq_iova);
	weir_mmio_write64(mmio, NVME_ACQ, nvme->admin.cq_iova);
	weir_mmio_write32(mmio, NVME_CC, NVME_CC_EN | NVME_CC_IOSQES | NVME_CC_IOCQES);
	return wait_ready(nvme, NVME_CSTS_RDY);
}

static int check_cap(struct nvme_client *nvme)
{
	struct weir_device *dev = nvme->c.dev;

	nvme->cap = weir_mmio_read64(&nvme->mmio, NVME_CAP);
	if (nvme->cap == UINT64_MAX)
		return weir_dev_fail(dev, WEIR_EIO, "nvme: it does not answer");
	/* both queues' doorbells, and pages of 4 KiB */
	if (nvme->mmio.bytes < NVME_DOORBELLS + 4 * (4ull << NVME_CAP_DSTRD(nvme->cap)))
		return weir_dev_fail(dev, WEIR_EIO, "nvme: its registers end before its doorbells");
	if (!(nvme->cap & NVME_CAP_CSS_NVM) || NVME_CAP_MPSMIN(nvme->cap) != 0 ||
	    NVME_CAP_MQES(nvme->cap) < NVME_DEPTH)
		return weir_dev_fail(dev, WEIR_EOPNOTSUPP, "nvme: capabilities 0x%llx",
				     (unsigned long long)nvme->cap);
	nvme->ready_ns = NVME_CAP_TO_NS(nvme->cap) + UINT64_C(1000000000);
	return 0;
}

static int identify(struct nvme_client *nvme, uint32_t what, uint32_t nsid)
{
	const struct nvme_command command = {
		.opcode = NVME_IDENTIFY, .nsid = nsid, .prp1 = nvme->identify_iova, .cdw10 = what,
	};

	return nvme_execute(nvme, &nvme->admin, &command);
}

static int read_namespace(struct nvme_client *nvme)
{
	struct weir_device *dev = nvme->c.dev;
	uint32_t format;
	int err = identify(nvme, NVME_CNS_NAMESPACE, nvme->nsid);

	if (err)
		return weir_dev_fail(dev, err, "nvme: identify namespace %u", nvme->nsid);
	nvme->nr_blocks = get_le(answer(nvme) + NVME_NS_NSZE, 8);
	format = (uint32_t)get_le(answer(nvme) + NVME_NS_LBAF +
				  4 * (answer(nvme)[NVME_NS_FLBAS] & 0xf), 4);
	if (NVME_LBAF_LBADS(format) < 9 || NVME_LBAF_LBADS(format) > 12 || NVME_LBAF_MS(format))
		return weir_dev_fail(dev, WEIR_EOPNOTSUPP, "nvme: blocks of format 0x%x", format);
	nvme->block_bytes = 1u << NVME_LBAF_LBADS(format);
	if (!nvme->nr_blocks || nvme->nr_blocks > UINT64_MAX / nvme->block_bytes)
		return weir_dev_fail(dev, WEIR_EIO, "nvme: namespace %u of 0x%llx blocks",
				     nvme->nsid, (unsigned long long)nvme->nr_blocks);
	return 0;
}

/* The first active namespace, and how much a command can move. */
static int read_identity(struct nvme_client *nvme)
{
	struct weir_device *dev = nvme->c.dev;
	unsigned int mdts;
	int err = identify(nvme, NVME_CNS_CONTROLLER, 0);

	if (err)
		return weir_dev_fail(dev, err, "nvme: identify controller");
	mdts = answer(nvme)[NVME_ID_MDTS];
	nvme->max_bytes = NVME_MAX_COMMAND_BYTES;
	if (mdts && mdts < 8)
		nvme->max_bytes = CLIENT_PAGE << mdts;
	err = identify(nvme, NVME_CNS_ACTIVE, 0);
	if (err)
		return weir_dev_fail(dev, err, "nvme: list of namespaces");
	nvme->nsid = (uint32_t)get_le(answer(nvme), 4);
	if (!nvme->nsid)
		return weir_dev_fail(dev, WEIR_ENODEV, "nvme: it has no namespace");
	return read_namespace(nvme);
}

static int create_io_queues(struct nvme_client *nvme)
{
	const uint32_t size = (NVME_DEPTH - 1) << 16;
	const struct nvme_command cq = {
		.opcode = NVME_CREATE_CQ, .prp1 = nvme->io.cq_iova,
		.cdw10 = size | nvme->io.id, .cdw11 = NVME_CONTIGUOUS,
	};
	const struct nvme_command sq = {
		.opcode = NVME_CREATE_SQ, .prp1 = nvme->io.sq_iova,
		.cdw10 = size | nvme->io.id,
		.cdw11 = (uint32_t)nvme->io.id << 16 | NVME_CONTIGUOUS,
	};
	int err = nvme_execute(nvme, &nvme->admin, &cq);

	if (!err)
		err = nvme_execute(nvme, &nvme->admin, &sq);
	return err ? weir_dev_fail(nvme->c.dev, err, "nvme: making queues") : 0;
}

int nvme_controller_start(struct nvme_client *nvme)
{
	struct weir_device *dev = nvme->c.dev;
	int err = check_cap(nvme);

	if (err)
		return err;
	/* bus mastering is off: what it did before goes nowhere until it is reset */
	err = disable(nvme);
	if (err)
		return weir_dev_fail(dev, err, "nvme: it cannot be reset");
	err = weir_pci_master(dev, true);
	if (err)
		return err;
	err = enable(nvme);
	if (err) {
		err = weir_dev_fail(dev, err, "nvme: it does not become ready");
		goto err_stop;
	}
	err = read_identity(nvme);
	if (err)
		goto err_stop;
	err = create_io_queues(nvme);
	if (err)
		goto err_stop;
	return 0;

err_stop:
	(void)disable(nvme);
	(void)weir_pci_master(dev, false);
	return err;
}

/* 7.6.2: queues are deleted, then it is told, then it says that it has finished. */
static int shut_down(struct nvme_client *nvme)
{
	const struct nvme_command sq = { .opcode = NVME_DELETE_SQ, .cdw10 = nvme->io.id };
	const struct nvme_command cq = { .opcode = NVME_DELETE_CQ, .cdw10 = nvme->io.id };
	struct client_wait wait;
	uint32_t cc, status;
	int err = nvme_drain(nvme, &nvme->io);

	if (!err)
		err = nvme_execute(nvme, &nvme->admin, &sq);
	if (!err)
		err = nvme_execute(nvme, &nvme->admin, &cq);
	if (err)
		return err;
	cc = weir_mmio_read32(&nvme->mmio, NVME_CC);
	weir_mmio_write32(&nvme->mmio, NVME_CC, cc | NVME_CC_SHN_NORMAL);
	client_wait_begin(&wait, &nvme->c, nvme->ready_ns);
	for (;;) {
		status = weir_mmio_read32(&nvme->mmio, NVME_CSTS);
		if (status == UINT32_MAX) /* gone: nothing to wait for */
			return WEIR_EIO;
		if (NVME_CSTS_SHST(status) == NVME_SHST_COMPLETE)
			return 0;
		if (!client_wait_more(&wait))
			return WEIR_ETIMEDOUT;
	}
}

void nvme_controller_stop(struct nvme_client *nvme)
{
	(void)shut_down(nvme);
	(void)disable(nvme);
	(void)weir_pci_master(nvme->c.dev, false);
}
