// SPDX-License-Identifier: MIT
/*
 * Virtio's private types. Letters at members: (c) constant after weir_virtio_open(),
 * (t) by the driver's thread that sets the device up, (q) one call at a time, which the
 * queue's user sees to.
 */
#ifndef WEIR_VIRTIO_PRIV_H
#define WEIR_VIRTIO_PRIV_H

#include "core/core.h"
#include "weir/mmio.h"
#include "weir/pci.h"
#include "weir/virtio.h"

/* A piece of a window of registers. */
struct vregs {
	const struct weir_mmio *mmio; /* NULL: there is none */
	uint64_t offset, bytes;
};

/* What differs between PCI functions and MMIO. The queue calls are for a selected index. */
struct vtransport {
	uint32_t (*status)(const struct weir_virtio *v);
	void (*set_status)(const struct weir_virtio *v, uint32_t status);
	uint64_t (*features)(const struct weir_virtio *v);
	void (*set_features)(const struct weir_virtio *v, uint64_t features);
	uint32_t (*generation)(const struct weir_virtio *v);
	unsigned int (*queue_max)(const struct weir_virtio *v, unsigned int index);
	/* Tells where a queue is and enables it. Return: 0; WEIR_EBUSY when it is on; WEIR_EIO. */
	int (*queue_set)(const struct weir_virtio *v, struct weir_virtq *queue);
	void (*notify)(const struct weir_virtio *v, const struct weir_virtq *queue);
	/* Return: as weir_virtio_irq_request(). */
	int (*irq_request)(struct weir_virtio *v);
	/* Whether the device can do DMA. */
	int (*master)(const struct weir_virtio *v, bool on);
	void (*close)(struct weir_virtio *v);
};

struct weir_virtio {
	struct weir_machine *m;               /* (c) */
	struct weir_device *dev;              /* (c) NULL: opened by address */
	char *own_name;                       /* (c) of one without device */
	const struct vtransport *transport;   /* (c) NULL: not opened as far */
	uint32_t type;                        /* (c) */
	struct weir_mmio windows[6];          /* (c) PCI: by BAR; MMIO: the first */
	struct vregs common, notify, isr, config; /* (c) */
	uint32_t notify_multiplier;           /* (c) */
	uint32_t line;                        /* (c) MMIO: interrupt, or WEIR_VIRTIO_NO_LINE */
	bool has_msix;                        /* (c) */
	uint64_t features;                    /* (t) */
	bool touched;                         /* (t) was reset, and is to be in the end */
	bool running;                         /* (t) */
	bool lost;                            /* (t) did not end its reset, and may do DMA */
	void (*irq_fn)(void *arg);            /* (t) */
	void *irq_arg;                        /* (t) */
	struct weir_irq *irq;                 /* (t) NULL: polled */
	bool msix_on;                         /* (t) */
};

/* What is known of a descriptor without looking into memory that the device can reach. */
struct vdesc {
	void *token;      /* of the request that begins here; NULL: none does */
	uint32_t writable; /* bytes of that request */
	uint16_t next;    /* free, or of the same request */
	uint16_t count;   /* descriptors of that request */
	uint16_t at;      /* how many requests were added before it */
};

struct weir_virtq {
	struct weir_virtio *v;        /* (c) */
	unsigned int index, size;     /* (c) */
	struct weir_virtq_memory mem; /* (c) */
	bool own_memory;              /* (c) */
	uint64_t notify_at;           /* (c) PCI: offset for notifications */
	uint32_t driver_at, device_at; /* (c) offsets of the two rings in the memory */
	bool event_idx;               /* (c) */
	uint16_t free_head;           /* (q) */
	uint16_t nr_free;             /* (q) */
	uint16_t nr_requests;         /* (q) outstanding */
	uint16_t avail;               /* (q) next index to offer */
	uint16_t published;           /* (q) index as the device sees it */
	uint16_t used;                /* (q) next index to take */
	char fault[96];               /* (q) "" while there is none */
	struct vdesc desc[];          /* (q) */
};

/* pci.c, mmio.c: find the registers. Return: as weir_virtio_open(). */
int weir_virtio_pci_init_(struct weir_virtio *v);
int weir_virtio_mmio_init_(struct weir_virtio *v, uint64_t pa, uint64_t bytes);
/* virtio.c */
int weir_virtio_fail_(const struct weir_virtio *v, int err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void weir_virtio_irq_(struct weir_virtio *v);
/* queue.c */
void weir_virtq_init_(struct weir_virtq *queue);

static inline uint32_t vread(const struct vregs *regs, uint64_t offset, unsigned int width)
{
	return (uint32_t)weir_mmio_read(regs->mmio, regs->offset + offset, width);
}

static inline void vwrite(const struct vregs *regs, uint64_t offset, unsigned int width,
			  uint32_t value)
{
	weir_mmio_write(regs->mmio, regs->offset + offset, width, value);
}

/* 64-bit fields are written in halves (Virtio 1.2, 4.1.3.1). */
static inline void vwrite64(const struct vregs *regs, uint64_t offset, uint64_t value)
{
	vwrite(regs, offset, 4, (uint32_t)value);
	vwrite(regs, offset + 4, 4, (uint32_t)(value >> 32));
}

#endif
