// SPDX-License-Identifier: MIT
/*
 * Windows of device registers: the host's accesses, with a bound. A window belongs
 * to who mapped it; it is constant meanwhile and needs no lock.
 */
#include "core/core.h"
#include "weir/mmio.h"

int weir_mmio_map(struct weir_machine *m, uint64_t pa, uint64_t bytes, struct weir_mmio *out_mmio)
{
	struct weir_mmio mmio = { .ops = m->ops, .host = m->host, .bytes = bytes };
	int err;

	if (!m->ops->mmio_map)
		return WEIR_EOPNOTSUPP;
	if (!bytes || pa + (bytes - 1) < pa)
		return WEIR_EINVAL;
	err = m->ops->mmio_map(m->host, pa, bytes, &mmio.at);
	if (!err)
		*out_mmio = mmio;
	return err;
}

void weir_mmio_unmap(struct weir_mmio *mmio)
{
	if (mmio->ops)
		mmio->ops->mmio_unmap(mmio->host, mmio->at, mmio->bytes);
	mmio->ops = NULL;
}

static bool inside(const struct weir_mmio *mmio, uint64_t offset, unsigned int width)
{
	if (offset < mmio->bytes && width <= mmio->bytes - offset)
		return true;
	mmio->ops->assert_failed(mmio->host, "access inside its registers", __FILE__, __LINE__);
	return false;
}

uint64_t weir_mmio_read(const struct weir_mmio *mmio, uint64_t offset, unsigned int width)
{
	if (!inside(mmio, offset, width))
		return UINT64_MAX;
	return mmio->ops->mmio_read(mmio->host, mmio->at + (uintptr_t)offset, width);
}

void weir_mmio_write(const struct weir_mmio *mmio, uint64_t offset, unsigned int width,
		     uint64_t value)
{
	if (inside(mmio, offset, width))
		mmio->ops->mmio_write(mmio->host, mmio->at + (uintptr_t)offset, width, value);
}
