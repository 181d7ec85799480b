// SPDX-License-Identifier: MIT
/*
 * virtio-iommu (Virtio 1.2, 5.13), in two layers. The module has the drivers that bind
 * to such devices and publish them as IOMMU instances; nothing else of this header is
 * needed then. The hardware layer puts endpoints behind domains by their ids, without
 * devices, groups and drivers: for who has an order of bring-up already.
 *
 *	weir_virtio_open(dev, &v);  or  weir_virtio_open_mmio(m, "iommu", pa, bytes, line, &v);
 *	weir_viommu_create(v, &options, &viommu);       from here on nothing passes
 *	weir_viommu_domain_create(viommu, &domain);
 *	weir_viommu_map(domain, iova, pa, bytes, WEIR_MAP_READ | WEIR_MAP_WRITE);
 *	weir_viommu_sync_map(domain);
 *	weir_viommu_attach(viommu, endpoint, domain);
 *	...
 *	weir_viommu_attach(viommu, endpoint, NULL);
 *	weir_viommu_domain_destroy(domain);
 *	viommu = weir_viommu_destroy(viommu);
 *	v = weir_virtio_close(v);
 *
 * An instance that does not answer within the time is dead: that is logged with its name
 * and the request, and all further calls return WEIR_EIO. Nothing is waited for twice.
 *
 * map, unmap and the syncs work in any context, for any number of callers. All others are
 * made one at a time, from threads.
 */
#ifndef WEIR_VIRTIO_IOMMU_H
#define WEIR_VIRTIO_IOMMU_H

#include "weir/iommu.h"
#include "weir/module.h"
#include "weir/virtio.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Drivers for PCI functions and for "virtio,mmio" devices. */
extern const struct weir_module_entry weir_module_virtio_iommu;

/**
 * weir_virtio_iommu_poll - report the faults that a bound device has recorded, for hosts
 * that have neither interrupts for it nor timers.
 * Context: thread. Return: how many there were.
 */
unsigned int weir_virtio_iommu_poll(struct weir_device *dev);

/* ---- the hardware layer ---- */

struct weir_viommu;
struct weir_viommu_domain;

struct weir_viommu_options {
	/* How long to wait for an answer; 0: 5 s. */
	uint64_t timeout_ns;
	/*
	 * Called for each fault, without locks: in interrupt context, on a thread of the
	 * host's timers, or in weir_viommu_poll(). NULL: faults are dropped.
	 */
	void (*fault)(void *arg, const struct weir_fault *fault);
	void *arg;
	/*
	 * Bypass stays as it was found until weir_viommu_enforce(): devices that run
	 * already are attached before. Takes VIRTIO_IOMMU_F_BYPASS_CONFIG; without that
	 * feature there is no bypass at all.
	 */
	bool keep_bypass;
};

/**
 * weir_viommu_create - make a virtio-iommu ready: features, bypass off, queues, running.
 * @v: opened, of type 23; used by the instance alone from now on.
 * @options: borrowed; NULL: all defaults.
 *
 * Context: thread. Owner: the caller. Return: 0; WEIR_ENODEV for another type;
 * WEIR_EIO when its configuration makes no sense or it does not take something;
 * WEIR_EOPNOTSUPP when it lacks MAP/UNMAP, or the host has no pages; WEIR_ETIMEDOUT;
 * WEIR_ENOMEM. After a failure it is reset.
 */
int weir_viommu_create(struct weir_virtio *v, const struct weir_viommu_options *options,
		       struct weir_viommu **out_viommu);
/**
 * weir_viommu_destroy - bypass off, reset, and give everything back but the virtio
 * device; NULL is fine. All domains are destroyed already. Context: thread. Return: NULL.
 */
struct weir_viommu *weir_viommu_destroy(struct weir_viommu *viommu);

/**
 * weir_viommu_enforce - bypass off, for good; with keep_bypass, once all that runs is attached.
 * Context: thread. Return: 0; WEIR_EIO when the device does not take it.
 */
int weir_viommu_enforce(struct weir_viommu *viommu);

/**
 * weir_viommu_suspend - bypass off and reset: all endpoints are blocked, all mappings
 * gone, also from the books. Fine when it is suspended. Context: thread, no other call
 * under way.
 */
void weir_viommu_suspend(struct weir_viommu *viommu);
/**
 * weir_viommu_resume - have it run again, whatever happened to it meanwhile. Mappings are
 * made and endpoints attached anew by the caller.
 * Context: thread. Return: 0; WEIR_EIO: it is dead; others as weir_virtio_negotiate().
 */
int weir_viommu_resume(struct weir_viommu *viommu);

/** weir_viommu_poll - report the faults recorded so far. Context: any, no locks. Return: how many. */
unsigned int weir_viommu_poll(struct weir_viommu *viommu);

/** weir_viommu_limits_get - page size and addresses. Context: any. */
void weir_viommu_limits_get(const struct weir_viommu *viommu,
			    struct weir_domain_limits *out_limits);

/**
 * weir_viommu_knows - whether there is such an endpoint, as far as the device tells.
 * Context: any. Return: 0; WEIR_ENOENT when it says that there is none.
 */
int weir_viommu_knows(struct weir_viommu *viommu, uint32_t endpoint);

/**
 * weir_viommu_region - the @index-th special region of an endpoint (PROBE).
 * Return: 0; WEIR_ENOENT after the last; WEIR_EIO; WEIR_ENOMEM.
 */
int weir_viommu_region(struct weir_viommu *viommu, uint32_t endpoint, unsigned int index,
		       struct weir_region *out_region);

/**
 * weir_viommu_domain_create - an address space without mappings.
 * Owner: the caller. Return: 0; WEIR_ENOSPC when the device has no more; WEIR_ENOMEM.
 */
int weir_viommu_domain_create(struct weir_viommu *viommu, struct weir_viommu_domain **out_domain);
/**
 * weir_viommu_domain_destroy - with its mappings; NULL is fine. Endpoints are behind
 * something else already, unless the instance is dead. Return: NULL.
 */
struct weir_viommu_domain *weir_viommu_domain_destroy(struct weir_viommu_domain *domain);

/**
 * weir_viommu_attach - put an endpoint behind a domain instead of what it is behind.
 * @domain: NULL: nothing of it passes.
 * Return: 0; WEIR_ENOENT when the device has no such endpoint; WEIR_EIO; WEIR_ENOMEM;
 * others as the device's status says. On failure it is behind what it was behind, or blocked.
 */
int weir_viommu_attach(struct weir_viommu *viommu, uint32_t endpoint,
		       struct weir_viommu_domain *domain);
/**
 * weir_viommu_attach_identity - let everything of an endpoint pass untranslated.
 * Return: as weir_viommu_attach(); WEIR_EOPNOTSUPP when the device cannot (it lacks
 * BYPASS_CONFIG).
 */
int weir_viommu_attach_identity(struct weir_viommu *viommu, uint32_t endpoint);
/** weir_viommu_forget - block an endpoint that goes away, and keep nothing for it. */
void weir_viommu_forget(struct weir_viommu *viommu, uint32_t endpoint);

/**
 * weir_viommu_map - let [iova, iova + bytes) of a domain reach [pa, pa + bytes).
 * @prot: WEIR_MAP_*. It is in force after weir_viommu_sync_map().
 * Context: any. Return: 0; WEIR_EINVAL for what is no multiple of the page size, or
 * without access; WEIR_ERANGE outside the limits; WEIR_EEXIST when a part is mapped;
 * WEIR_EIO; WEIR_ENOMEM.
 */
int weir_viommu_map(struct weir_viommu_domain *domain, uint64_t iova, uint64_t pa, uint64_t bytes,
		    uint32_t prot);
/**
 * weir_viommu_sync_map - wait until the device has made all mappings since the last sync.
 * Context: any. Return: 0; WEIR_EIO when one of them failed; WEIR_ENOMEM when one did for
 * want of memory in the device.
 */
int weir_viommu_sync_map(struct weir_viommu_domain *domain);
/**
 * weir_viommu_unmap - take one mapping away, as it was made.
 * Context: any. Return: 0; WEIR_ENOENT when there is none such; WEIR_EIO.
 */
int weir_viommu_unmap(struct weir_viommu_domain *domain, uint64_t iova, uint64_t bytes);
/**
 * weir_viommu_sync - wait until the device uses nothing any more that was unmapped.
 * Context: any. Return: 0; WEIR_EIO when it did not confirm.
 */
int weir_viommu_sync(struct weir_viommu_domain *domain);

#ifdef __cplusplus
}
#endif
#endif
