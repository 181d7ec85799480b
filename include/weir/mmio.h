// SPDX-License-Identifier: MIT
/*
 * Device registers. A struct weir_mmio is a window of them, made accessible by the
 * host; every access is one access of exactly its width, in program order, posted
 * writes as the host's mmio_write says (host.h).
 *
 * An access outside the window is a mistake of the caller: the host is told, reads
 * give all ones and writes are dropped.
 */
#ifndef WEIR_MMIO_H
#define WEIR_MMIO_H

#include "weir/machine.h"

#ifdef __cplusplus
extern "C" {
#endif

struct weir_mmio {
	const struct weir_host_ops *ops; /* NULL: not mapped */
	void *host;
	uintptr_t at;
	uint64_t bytes;
};

/**
 * weir_mmio_map - make registers accessible.
 * @pa: where they are, as the CPU sees it.
 * @bytes: how far they go; not 0.
 *
 * Context: thread. Owner: the caller, until weir_mmio_unmap().
 * Return: 0; WEIR_EINVAL when there is nothing, or it goes past the end of the
 * address space; WEIR_EOPNOTSUPP when the host has no such calls; WEIR_ENOMEM.
 */
int weir_mmio_map(struct weir_machine *m, uint64_t pa, uint64_t bytes, struct weir_mmio *out_mmio);

/**
 * weir_mmio_unmap - give the window back; fine for one that is not mapped.
 * Context: thread.
 */
void weir_mmio_unmap(struct weir_mmio *mmio);

/** weir_mmio_read - one read of @width bytes (1, 2, 4 or 8). Context: any. */
uint64_t weir_mmio_read(const struct weir_mmio *mmio, uint64_t offset, unsigned int width);
/** weir_mmio_write - one write of @width bytes (1, 2, 4 or 8). Context: any. */
void weir_mmio_write(const struct weir_mmio *mmio, uint64_t offset, unsigned int width,
		     uint64_t value);

static inline uint8_t weir_mmio_read8(const struct weir_mmio *mmio, uint64_t offset)
{
	return (uint8_t)weir_mmio_read(mmio, offset, 1);
}

static inline uint16_t weir_mmio_read16(const struct weir_mmio *mmio, uint64_t offset)
{
	return (uint16_t)weir_mmio_read(mmio, offset, 2);
}

static inline uint32_t weir_mmio_read32(const struct weir_mmio *mmio, uint64_t offset)
{
	return (uint32_t)weir_mmio_read(mmio, offset, 4);
}

static inline uint64_t weir_mmio_read64(const struct weir_mmio *mmio, uint64_t offset)
{
	return weir_mmio_read(mmio, offset, 8);
}

static inline void weir_mmio_write8(const struct weir_mmio *mmio, uint64_t offset, uint8_t value)
{
	weir_mmio_write(mmio, offset, 1, value);
}

static inline void weir_mmio_write16(const struct weir_mmio *mmio, uint64_t offset, uint16_t value)
{
	weir_mmio_write(mmio, offset, 2, value);
}

static inline void weir_mmio_write32(const struct weir_mmio *mmio, uint64_t offset, uint32_t value)
{
	weir_mmio_write(mmio, offset, 4, value);
}

static inline void weir_mmio_write64(const struct weir_mmio *mmio, uint64_t offset, uint64_t value)
{
	weir_mmio_write(mmio, offset, 8, value);
}

#ifdef __cplusplus
}
#endif
#endif
