// SPDX-License-Identifier: MIT
/*
 * The virtio-iommu driver's private types. Letters at members: (c) constant after
 * weir_viommu_create(), (r) the lock of requests, (e) the lock of events, (t) one thread
 * at a time: creation, suspend, resume, destruction.
 *
 * Of the library this uses what is public, and the trees and lists, which stand alone: as
 * a module it is linked without the rest.
 *
 * The lock of requests covers the books and the request queue, also while an answer is
 * waited for, which has an end. Neither lock is taken under the other.
 */
#ifndef WEIR_VIRTIO_IOMMU_PRIV_H
#define WEIR_VIRTIO_IOMMU_PRIV_H

#include <stdatomic.h>

#include "core/list.h"
#include "core/tree.h"
#include "weir/spin.h"
#include "weir/virtio_iommu.h"

#define MAX_SLOTS  128u
#define SLOT_BYTES 64u /* a request, and its status */
#define SLOT_TAIL  48u
#define MAX_EVENTS 64u
#define EVENT_STRIDE 32u

/* A request on its way. */
struct vslot {
	bool busy;
	uint8_t type;                      /* REQ_* */
	uint32_t id;                       /* domain, or endpoint, for messages */
	uint64_t iova;                     /* for messages */
	struct weir_viommu_domain *domain; /* of MAP and UNMAP: whose sync is told of a failure */
	int *out_err;                      /* of others: who waits */
};

struct vmapping {
	struct weir_tree_node node;
	uint64_t iova, pa, bytes;
	uint32_t prot;
	bool sent;                         /* the device was told */
};

struct weir_viommu_domain {
	struct weir_viommu *vi;            /* (c) */
	struct weir_list node;             /* (r) in vi->domains, by id */
	uint32_t id;                       /* (c) */
	uint32_t nr_endpoints;             /* (r) attached: with none the device has no such domain */
	struct weir_tree mappings;         /* (r) struct vmapping by iova */
	uint32_t maps_queued;              /* (r) MAP requests not answered yet */
	int map_err, unmap_err;            /* (r) of requests answered since the last sync */
	bool opening;                      /* (r) its first ATTACH is on its way, with MAPs behind it */
	bool known;                        /* (r) the device had it since the last reset */
};

struct vendpoint {
	struct weir_list node;             /* (r) in vi->endpoints */
	uint32_t id;                       /* (c) */
	bool identity;                     /* (r) */
	struct weir_viommu_domain *domain; /* (r) NULL: blocked, or identity */
	bool probed;                       /* (r) */
	uint32_t nr_regions;               /* (r) */
	struct weir_region *regions;       /* (r) */
};

struct weir_viommu {
	struct weir_machine *m;            /* (c) */
	const struct weir_host_ops *ops;   /* (c) */
	void *host;                        /* (c) */
	struct weir_virtio *v;             /* (c) */
	struct weir_viommu_options options; /* (c) */
	uint64_t features;                 /* (c) */
	struct weir_domain_limits limits;  /* (c) */
	uint32_t first_id, last_id;        /* (c) of domains */
	uint32_t identity_id;              /* (c) of the bypass domain, where there can be one */
	uint32_t probe_bytes;              /* (c) 0: no PROBE */
	struct weir_virtq_memory mem;      /* (c) requests, PROBE's answer, events */
	size_t probe_at, events_at;        /* (c) offsets in it */
	struct weir_virtq *requests;       /* (r) */
	struct weir_virtq *events;         /* (e) */
	unsigned int nr_slots, nr_events;  /* (c) */
	struct weir_spin lock;             /* (c) */
	struct weir_spin event_lock;       /* (c) */
	struct vslot slots[MAX_SLOTS];     /* (r) */
	uint32_t nr_busy;                  /* (r) */
	uint32_t nr_logged;                /* (r) failed requests that were logged */
	struct weir_list domains;          /* (r) */
	struct weir_list endpoints;        /* (r) */
	bool dead;                         /* (r) */
	bool listening;                    /* (e) the event queue runs */
	bool enforced;                     /* (t) bypass is off, and put off again after a reset */
	bool off;                          /* (t) suspended, or not yet running */
	struct weir_timer *timer;          /* (c) polls the events; or NULL */
	bool has_irq;                      /* (t) */
	_Atomic bool closing;              /* the timer is not set any more */
};

/* ---- memory formats ---- */

static inline void put32_(uint8_t *p, uint32_t x)
{
	for (unsigned int i = 0; i < 4; i++)
		p[i] = (uint8_t)(x >> (8 * i));
}

static inline void put64_(uint8_t *p, uint64_t x)
{
	put32_(p, (uint32_t)x);
	put32_(p + 4, (uint32_t)(x >> 32));
}

static inline uint32_t get32_(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline uint64_t get64_(const uint8_t *p)
{
	return get32_(p) | (uint64_t)get32_(p + 4) << 32;
}

/* ---- request.c, lock of requests held ---- */

/* What is asked; fields that a type does not have are ignored. */
struct vrequest {
	uint8_t type;
	uint32_t domain_id, endpoint, flags;
	uint64_t first, last, pa;
	struct weir_viommu_domain *domain; /* of MAP and UNMAP */
};
/*
 * Puts a request into the queue; waits for room. @out_err: NULL, or what becomes what the
 * answer says once all are flushed. Return: 0; WEIR_EIO.
 */
int weir_viommu_queue_(struct weir_viommu *vi, const struct vrequest *request, int *out_err);
/* How many requests more can be put into the queue without waiting. */
unsigned int weir_viommu_room_(const struct weir_viommu *vi);
/* Waits until all requests are answered. Return: 0; WEIR_EIO. */
int weir_viommu_flush_(struct weir_viommu *vi);
/* Asks and waits. Return: as the answer says. */
int weir_viommu_ask_(struct weir_viommu *vi, const struct vrequest *request);
/* Forgets the requests that were never answered, after a reset. */
void weir_viommu_drop_(struct weir_viommu *vi);

/* ---- decode.c ---- */

/*
 * Reads the properties that PROBE returned. @bytes of @data, each read once.
 * @out_regions: NULL: only count. Return: how many regions; WEIR_EIO when they are damaged.
 */
int weir_viommu_regions_(const volatile uint8_t *data, uint32_t bytes,
			 struct weir_region *out_regions, uint32_t max);
/* Return: false when the report has to be ignored. */
bool weir_viommu_event_(const uint8_t *data, uint32_t bytes, struct weir_fault *out_fault);

/* ---- event.c ---- */

/* Puts all buffers into the queue, before the device runs. Return: 0; WEIR_EIO. */
int weir_viommu_events_fill_(struct weir_viommu *vi);
/* Tells the device of them, when it runs. Return: 0; WEIR_EIO. */
int weir_viommu_events_kick_(struct weir_viommu *vi);
/* When it returns nobody uses the queue any more. */
void weir_viommu_events_stop_(struct weir_viommu *vi);
void weir_viommu_on_irq_(void *viommu);
void weir_viommu_on_timer_(void *viommu);
void weir_viommu_timer_set_(struct weir_viommu *vi);

/* ---- map.c, lock of requests held ---- */

void weir_viommu_domain_empty_(struct weir_viommu_domain *domain);
/*
 * Sends up to @max mappings that are in the books only.
 * Return: 1 there are more; 0 that was all; WEIR_EIO.
 */
int weir_viommu_send_some_(struct weir_viommu_domain *domain, unsigned int max);
/* A MAP found no domain: it was done before the ATTACH. It is in the books only again. */
void weir_viommu_too_early_(struct weir_viommu_domain *domain, uint64_t iova);
/* The device has dropped the domain. */
void weir_viommu_unsend_(struct weir_viommu_domain *domain);
/* Return: as weir_viommu_sync_map(). */
int weir_viommu_sync_map_(struct weir_viommu_domain *domain);

/* ---- attach.c, lock of requests held ---- */

/* Before a reset, while the device answers: no endpoint is attached. */
void weir_viommu_detach_all_(struct weir_viommu *vi);
/* After a reset: no endpoint is attached, no domain has mappings. */
void weir_viommu_books_clear_(struct weir_viommu *vi);

#endif
