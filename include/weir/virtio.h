// SPDX-License-Identifier: MIT
/*
 * Virtio devices (Virtio 1.2, sections 2, 3 and 4): PCI functions with the modern layout
 * of registers, and "virtio,mmio" devices of version 2. For drivers of such devices:
 *
 *	weir_virtio_open(dev, &v);                      registers mapped
 *	weir_virtio_negotiate(v, wanted, needed, refused, &features);
 *	weir_virtio_irq_request(v, handler, arg);       or poll
 *	weir_virtq_create(v, 0, 64, NULL, &queue);      each queue
 *	weir_virtio_start(v);                           bus mastering on, the device runs
 *	... weir_virtq_add(), weir_virtq_kick(), weir_virtq_get() ...
 *	weir_virtio_stop(v);                            reset, bus mastering off
 *	queue = weir_virtq_destroy(queue);
 *	v = weir_virtio_close(v);
 *
 * Addresses in queues are what the device puts on the bus: physical addresses, or IOVAs
 * when it is behind an IOMMU (WEIR_VIRTIO_ACCESS_PLATFORM must be needed then).
 *
 * A device is not trusted. A queue whose device breaks the rules (it returns what it was
 * not given, or more than fits, or nothing within the time) is put in quarantine: that is
 * logged once with the device's name, in whatever context it was found, and all further calls
 * for it return WEIR_EIO.
 *
 * Nothing here has a lock: calls for one queue are made one at a time, which its driver
 * sees to; those for different queues of a device need no such care.
 */
#ifndef WEIR_VIRTIO_H
#define WEIR_VIRTIO_H

#include "weir/device.h"

#ifdef __cplusplus
extern "C" {
#endif

struct weir_virtio;
struct weir_virtq;

/* Features of all devices (section 6). Bits 0 to 23 are the device type's. */
#define WEIR_VIRTIO_INDIRECT_DESC   (UINT64_C(1) << 28)
#define WEIR_VIRTIO_EVENT_IDX       (UINT64_C(1) << 29)
#define WEIR_VIRTIO_VERSION_1       (UINT64_C(1) << 32)
#define WEIR_VIRTIO_ACCESS_PLATFORM (UINT64_C(1) << 33)

/**
 * weir_virtio_open - take a virtio device: a function of bus "pci", or a device of bus
 * "platform" whose firmware node has registers ("virtio,mmio").
 * @dev: being probed; it answers at its registers afterwards.
 *
 * The device itself is left as it is, so that a driver of another type can let go of it.
 * What is wrong with it is told by weir_dev_fail(). Context: thread.
 * Owner: the caller, until weir_virtio_close().
 * Return: 0; WEIR_ENODEV when there is no virtio device, or an old ("legacy") one;
 * WEIR_EIO when its registers make no sense, or it does not answer; others as weir_mmio_map();
 * WEIR_ENOMEM.
 */
int weir_virtio_open(struct weir_device *dev, struct weir_virtio **out_virtio);

/**
 * weir_virtio_open_mmio - the same for registers at a place, without a device.
 * @name: for messages; copied.
 * @line: its interrupt, for the host's irq_request, or WEIR_VIRTIO_NO_LINE.
 * Context: thread. Return: as weir_virtio_open().
 */
int weir_virtio_open_mmio(struct weir_machine *m, const char *name, uint64_t pa, uint64_t bytes,
			  uint32_t line, struct weir_virtio **out_virtio);
#define WEIR_VIRTIO_NO_LINE UINT32_MAX

/**
 * weir_virtio_close - stop the device when it runs, and give everything back; NULL is
 * fine. Its queues are destroyed already. Context: thread. Return: NULL.
 */
struct weir_virtio *weir_virtio_close(struct weir_virtio *v);

/** weir_virtio_type - the device type (section 5), such as 2: block device. Context: any. */
uint32_t weir_virtio_type(const struct weir_virtio *v);
/** weir_virtio_name - for messages. Context: any. */
const char *weir_virtio_name(const struct weir_virtio *v);
/** weir_virtio_machine - the machine it was opened on. Context: any. */
struct weir_machine *weir_virtio_machine(const struct weir_virtio *v);
/** weir_virtio_log - a line in the host's log, after the device's name. Context: any. */
void weir_virtio_log(const struct weir_virtio *v, enum weir_log_level level, const char *fmt, ...)
#if defined(__GNUC__)
	__attribute__((format(printf, 3, 4)))
#endif
	;

/**
 * weir_virtio_negotiate - reset the device and agree on features (section 3.1.1, up to
 * FEATURES_OK).
 * @wanted: taken when offered. @needed: must be offered. WEIR_VIRTIO_VERSION_1 is
 * always needed, WEIR_VIRTIO_EVENT_IDX always wanted unless in @refused.
 * @refused: not taken, though offered.
 *
 * Context: thread; after weir_virtio_open() or weir_virtio_stop().
 * Return: 0; WEIR_EOPNOTSUPP when a needed one is not offered, or the device does not
 * take the choice; WEIR_EIO when it does not answer; WEIR_ETIMEDOUT when its reset does
 * not end; WEIR_EBUSY when it runs.
 */
int weir_virtio_negotiate(struct weir_virtio *v, uint64_t wanted, uint64_t needed,
			  uint64_t refused, uint64_t *out_features);
/** weir_virtio_features - what was agreed on; 0 before. Context: any. */
uint64_t weir_virtio_features(const struct weir_virtio *v);

/**
 * weir_virtio_config_read - a field of the device's configuration of @width 1, 2, 4 or 8
 * bytes, all of one generation. Context: any.
 * Return: 0; WEIR_EINVAL when it is not there; WEIR_EIO when it changes without end.
 */
int weir_virtio_config_read(const struct weir_virtio *v, uint32_t offset, unsigned int width,
			    uint64_t *out_value);
/** weir_virtio_config_write - likewise; @width 1, 2 or 4. Context: any. Return: 0; WEIR_EINVAL. */
int weir_virtio_config_write(const struct weir_virtio *v, uint32_t offset, unsigned int width,
			     uint32_t value);

/**
 * weir_virtio_irq_request - have a function called when a queue has something used or
 * the configuration changed; one for all of the device. Before its queues are created.
 * @fn: in interrupt context or on a thread, without locks, never at the same time as itself.
 *
 * An MSI-X message of the host, or the line that firmware names. What is called for may
 * be nothing new. Context: thread. Owner: the device, until weir_virtio_close().
 * Return: 0; WEIR_EOPNOTSUPP when there is none, so its queues must be polled; others as
 * the host's msi_request and irq_request.
 */
int weir_virtio_irq_request(struct weir_virtio *v, void (*fn)(void *arg), void *arg);
/**
 * weir_virtio_irq_free - give it back; fine when there is none. The function is not
 * running then, and not called again. Context: thread, not from the function.
 */
void weir_virtio_irq_free(struct weir_virtio *v);

/**
 * weir_virtio_start - let the device do DMA, and run. Context: thread; after the queues
 * were created. Return: 0; WEIR_EIO when it does not take it.
 */
int weir_virtio_start(struct weir_virtio *v);
/**
 * weir_virtio_stop - reset the device, and let it do no DMA. What is in its queues is
 * not returned any more. Fine when it does not run. Context: thread.
 * Return: 0; WEIR_ETIMEDOUT when the reset does not end (see weir_virtio_lost()).
 */
int weir_virtio_stop(struct weir_virtio *v);

/**
 * weir_virtio_lost - whether weir_virtio_stop() failed and left the device able to do DMA:
 * memory that it was told of must not be given back. Context: any.
 */
bool weir_virtio_lost(const struct weir_virtio *v);

/** weir_virtio_failed - whether the device is gone, or says that it needs a reset. Context: any. */
bool weir_virtio_failed(const struct weir_virtio *v);

/* ---- queues ("split virtqueues", section 2.7) ---- */

/* Memory for a queue, or a piece of a request. */
struct weir_virtq_memory {
	void *va;
	uint64_t address; /* for the device */
	size_t bytes;
};
struct weir_virtq_segment {
	uint64_t address;
	uint32_t bytes;
};

/** weir_virtq_max - how large a queue can be; 0: the device has no such queue. Context: thread. */
unsigned int weir_virtq_max(const struct weir_virtio *v, unsigned int index);
/** weir_virtq_bytes - the memory that a queue of @size needs; a multiple of 4 KiB. Context: any. */
size_t weir_virtq_bytes(unsigned int size);

/**
 * weir_virtq_create - set a queue up.
 * @size: descriptors, a power of two; less when the device does not take so many.
 * @memory: zeroed, at a multiple of 4 KiB, of weir_virtq_bytes(@size) at least; the
 *	caller's, until the queue is destroyed. NULL: pages of the host at their physical
 *	addresses, for devices that are behind no IOMMU.
 *
 * Context: thread; between weir_virtio_negotiate() and weir_virtio_start().
 * Owner: the caller, until weir_virtq_destroy().
 * Return: 0; WEIR_ENOENT when the device has no such queue; WEIR_EINVAL for a size or
 * memory that is none; WEIR_EBUSY when the queue runs; WEIR_EIO when the device does not
 * take it; WEIR_EOPNOTSUPP without pages in the host; WEIR_ENOMEM.
 */
int weir_virtq_create(struct weir_virtio *v, unsigned int index, unsigned int size,
		      const struct weir_virtq_memory *memory, struct weir_virtq **out_queue);
/**
 * weir_virtq_destroy - after weir_virtio_stop(); NULL is fine. Pages of a lost device are
 * kept for ever. Context: thread. Return: NULL.
 */
struct weir_virtq *weir_virtq_destroy(struct weir_virtq *queue);
/**
 * weir_virtq_restart - empty a queue and set it up again in the same memory, out of
 * quarantine, after weir_virtio_stop() and weir_virtio_negotiate(). Context: thread.
 * Return: 0; WEIR_EIO.
 */
int weir_virtq_restart(struct weir_virtq *queue);

/** weir_virtq_size - its descriptors; a request takes one for each segment. Context: any. */
unsigned int weir_virtq_size(const struct weir_virtq *queue);
/** weir_virtq_room - how many descriptors are free. Context: any. */
unsigned int weir_virtq_room(const struct weir_virtq *queue);
/** weir_virtq_fault - why it is in quarantine; NULL: it is not. Context: any. */
const char *weir_virtq_fault(const struct weir_virtq *queue);

/**
 * weir_virtq_add - put a request into a queue; the device is told by weir_virtq_kick().
 * @segments: @nr_read for the device to read, then @nr_write for it to write.
 * @token: what weir_virtq_get() gives back; not NULL.
 * Context: any. Return: 0; WEIR_ENOSPC when it is full; WEIR_EINVAL without segments or
 * token, or with empty segments; WEIR_EIO in quarantine.
 */
int weir_virtq_add(struct weir_virtq *queue, const struct weir_virtq_segment *segments,
		   unsigned int nr_read, unsigned int nr_write, void *token);
/**
 * weir_virtq_kick - tell the device of requests, if it wants to be told.
 * Context: any. Return: 0; WEIR_EIO in quarantine.
 */
int weir_virtq_kick(struct weir_virtq *queue);
/**
 * weir_virtq_get - the next request that the device is done with.
 * @out_written: how many bytes it says it wrote, never more than there were; or NULL.
 * Context: any. Return: 0; WEIR_EAGAIN when there is none; WEIR_EIO in quarantine, or
 * put there just now.
 */
int weir_virtq_get(struct weir_virtq *queue, void **out_token, uint32_t *out_written);
/**
 * weir_virtq_wait - until there is something for weir_virtq_get().
 * @ns: at most, by the host's clock; hosts without one, or whose clock stands still, count.
 * Context: any; it does not sleep. Return: 0; WEIR_ETIMEDOUT, and the queue is in
 * quarantine; WEIR_EIO in quarantine, or put there because the device is gone.
 */
int weir_virtq_wait(struct weir_virtq *queue, uint64_t ns);
/**
 * weir_virtq_arm - ask for an interrupt when something is used from now on. Queues are
 * created so. Context: any. Return: 0; 1 when something is there already; WEIR_EIO in
 * quarantine.
 */
int weir_virtq_arm(struct weir_virtq *queue);
/**
 * weir_virtq_arm_next - ask for an interrupt when something is used besides what is there, which
 * is left for then. Context: any. Return: 0; WEIR_EIO in quarantine.
 */
int weir_virtq_arm_next(struct weir_virtq *queue);
/** weir_virtq_disarm - ask for none; some may come all the same. Context: any. */
void weir_virtq_disarm(struct weir_virtq *queue);
/**
 * weir_virtq_drop - take a request back that the device did not return, one after the
 * other, after weir_virtio_stop(). Context: thread. Return: 0; WEIR_ENOENT when there is none.
 */
int weir_virtq_drop(struct weir_virtq *queue, void **out_token);

#ifdef __cplusplus
}
#endif
#endif
