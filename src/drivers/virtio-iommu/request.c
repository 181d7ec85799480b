// SPDX-License-Identifier: MIT
/*
 * Requests: slots in memory that the device reaches, made once, so that mapping needs no
 * memory and works in any context. Answers are taken when the queue is full and at syncs.
 *
 * Only ATTACH, DETACH and PROBE are waited for one by one; what became of MAP and UNMAP is
 * kept for the sync of their domain.
 */
#include "drivers/virtio-iommu/priv.h"

#include "drivers/virtio-iommu/regs.h"

#define DEFAULT_TIMEOUT_NS 5000000000u
#define MAX_LOGGED 32u

static const char *type_name(unsigned int type)
{
	static const char *const names[] = { "?", "ATTACH", "DETACH", "MAP", "UNMAP", "PROBE" };

	return names[type < sizeof(names) / sizeof(names[0]) ? type : 0];
}

static const char *status_name(unsigned int status)
{
	static const char *const names[] = {
		"OK", "IOERR", "UNSUPP", "DEVERR", "INVAL", "RANGE", "NOENT", "FAULT", "NOMEM",
	};

	return status < sizeof(names) / sizeof(names[0]) ? names[status] : "an unknown status";
}

static int status_err(unsigned int status)
{
	switch (status) {
	case STATUS_OK:
		return 0;
	case STATUS_UNSUPP:
		return WEIR_EOPNOTSUPP;
	case STATUS_INVAL:
		return WEIR_EINVAL;
	case STATUS_RANGE:
		return WEIR_ERANGE;
	case STATUS_NOENT:
		return WEIR_ENOENT;
	case STATUS_NOMEM:
		return WEIR_ENOMEM;
	default:
		return WEIR_EIO;
	}
}

/* ---- answers ---- */

static void log_slot(struct weir_viommu *vi, const struct vslot *slot, const char *what)
{
	if (vi->nr_logged >= MAX_LOGGED)
		return;
	vi->nr_logged++;
	if (slot->domain)
		weir_virtio_log(vi->v, WEIR_LOG_ERR, "%s of 0x%llx in domain %u: %s",
				type_name(slot->type), (unsigned long long)slot->iova, slot->id, what);
	else
		weir_virtio_log(vi->v, WEIR_LOG_ERR, "%s of endpoint 0x%x: %s",
				type_name(slot->type), slot->id, what);
}

static void finish(struct weir_viommu *vi, struct vslot *slot, int err)
{
	struct weir_viommu_domain *domain = slot->domain;

	if (domain && slot->type == REQ_MAP) {
		domain->maps_queued--;
		domain->map_err = err ? err : domain->map_err;
	} else if (domain) {
		domain->unmap_err = err ? err : domain->unmap_err;
	}
	if (slot->out_err)
		*slot->out_err = err;
	slot->busy = false;
	vi->nr_busy--;
}

static uint32_t slot_index(const struct weir_viommu *vi, const struct vslot *slot)
{
	return (uint32_t)(slot - vi->slots);
}

/* The status is the last thing that the device writes; without it the request failed, 5.13.6. */
static void answer(struct weir_viommu *vi, struct vslot *slot, uint32_t written)
{
	const volatile uint8_t *mem = vi->mem.va;
	bool probe = slot->type == REQ_PROBE;
	size_t at = probe ? vi->probe_at + PROBE_BYTES + vi->probe_bytes
			  : slot_index(vi, slot) * (size_t)SLOT_BYTES + SLOT_TAIL;
	unsigned int status = written > (probe ? vi->probe_bytes : 0) ? mem[at] : STATUS_IOERR;

	if (status == STATUS_NOENT && slot->type == REQ_MAP && slot->domain->opening) {
		weir_viommu_too_early_(slot->domain, slot->iova);
		status = STATUS_OK;
	}
	/* an endpoint, or a domain, that is not there: the answer that was asked for */
	if (status && !(status == STATUS_NOENT && (probe || slot->type == REQ_UNMAP) && !slot->domain))
		log_slot(vi, slot, written ? status_name(status) : "it was returned unread");
	finish(vi, slot, status_err(status));
}

/* Takes what is there. Return: 0; WEIR_EIO. */
static int reap(struct weir_viommu *vi)
{
	uint32_t written;
	void *token;
	int err;

	while (!(err = weir_virtq_get(vi->requests, &token, &written)))
		answer(vi, token, written);
	return err == WEIR_EAGAIN ? 0 : WEIR_EIO;
}

/* It answers no more: who waits is told, and all are told who ask from now on. */
static int die(struct weir_viommu *vi)
{
	vi->dead = true;
	for (unsigned int i = 0; i < vi->nr_slots; i++) {
		if (!vi->slots[i].busy)
			continue;
		log_slot(vi, &vi->slots[i], "no answer; nothing is asked of this device any more");
		break;
	}
	for (unsigned int i = 0; i < vi->nr_slots; i++)
		if (vi->slots[i].busy)
			finish(vi, &vi->slots[i], WEIR_EIO);
	return WEIR_EIO;
}

/* Tells the device of all requests and waits until @busy or fewer are left. */
static int wait_until(struct weir_viommu *vi, uint32_t busy)
{
	uint64_t ns = vi->options.timeout_ns ? vi->options.timeout_ns : DEFAULT_TIMEOUT_NS;

	if (vi->dead)
		return WEIR_EIO;
	if (vi->nr_busy <= busy)
		return 0;
	if (weir_virtq_kick(vi->requests))
		return die(vi);
	while (vi->nr_busy > busy)
		if (weir_virtq_wait(vi->requests, ns) || reap(vi))
			return die(vi);
	return 0;
}

int weir_viommu_flush_(struct weir_viommu *vi)
{
	return wait_until(vi, 0);
}

/* ---- asking ---- */

/* A free slot; there is one, for room was waited for. */
static struct vslot *take_slot(struct weir_viommu *vi)
{
	struct vslot *slot = vi->slots;

	while (slot->busy)
		slot++;
	slot->busy = true;
	vi->nr_busy++;
	return slot;
}

/* Return: the size of the request. */
static uint32_t encode(uint8_t *p, const struct vrequest *r)
{
	for (unsigned int i = 0; i < SLOT_BYTES; i++)
		p[i] = 0;
	p[0] = r->type;
	put32_(p + REQ_DOMAIN, r->domain_id);
	switch (r->type) {
	case REQ_MAP:
	case REQ_UNMAP:
		if (r->type == REQ_MAP) {
			put64_(p + MAP_PA, r->pa);
			put32_(p + MAP_FLAGS, r->flags);
		}
		put64_(p + MAP_START, r->first);
		put64_(p + MAP_END, r->last);
		return r->type == REQ_MAP ? MAP_BYTES : UNMAP_BYTES;
	default:
		put32_(p + ATTACH_ENDPOINT, r->endpoint);
		put32_(p + ATTACH_FLAGS, r->flags);
		return ATTACH_BYTES;
	}
}

/* PROBE has a place of its own: its answer is long. One at a time. */
static void encode_probe(struct weir_viommu *vi, const struct vrequest *r,
			 struct weir_virtq_segment *segments)
{
	uint8_t *p = (uint8_t *)vi->mem.va + vi->probe_at;

	for (uint32_t i = 0; i < PROBE_BYTES + vi->probe_bytes + TAIL_BYTES; i++)
		p[i] = 0;
	p[0] = REQ_PROBE;
	put32_(p + PROBE_ENDPOINT, r->endpoint);
	segments[0] = (struct weir_virtq_segment){ vi->mem.address + vi->probe_at, PROBE_BYTES };
	segments[1] = (struct weir_virtq_segment){
		vi->mem.address + vi->probe_at + PROBE_BYTES, vi->probe_bytes + TAIL_BYTES,
	};
}

static int submit(struct weir_viommu *vi, const struct vrequest *r, int *out_err)
{
	struct weir_virtq_segment segments[2];
	struct vslot *slot;
	size_t at;
	int err = wait_until(vi, vi->nr_slots - 1);

	if (err)
		return err;
	slot = take_slot(vi);
	at = slot_index(vi, slot) * (size_t)SLOT_BYTES;
	if (r->type == REQ_PROBE) {
		encode_probe(vi, r, segments);
	} else {
		uint32_t bytes = encode((uint8_t *)vi->mem.va + at, r);

		segments[0] = (struct weir_virtq_segment){ vi->mem.address + at, bytes };
		segments[1] = (struct weir_virtq_segment){ vi->mem.address + at + SLOT_TAIL,
							   TAIL_BYTES };
	}
	slot->type = r->type;
	slot->id = r->domain ? r->domain_id : r->endpoint;
	slot->iova = r->first;
	slot->domain = r->domain;
	slot->out_err = out_err;
	if (r->type == REQ_MAP)
		r->domain->maps_queued++;
	err = weir_virtq_add(vi->requests, segments, 1, 1, slot);
	return err ? die(vi) : 0;
}

int weir_viommu_queue_(struct weir_viommu *vi, const struct vrequest *request, int *out_err)
{
	return submit(vi, request, out_err);
}

unsigned int weir_viommu_room_(const struct weir_viommu *vi)
{
	return vi->nr_slots - vi->nr_busy;
}

int weir_viommu_ask_(struct weir_viommu *vi, const struct vrequest *request)
{
	int result = WEIR_EIO;
	int err = submit(vi, request, &result);

	if (!err)
		err = weir_viommu_flush_(vi);
	return err ? err : result;
}

void weir_viommu_drop_(struct weir_viommu *vi)
{
	void *token;

	while (!weir_virtq_drop(vi->requests, &token))
		;
	for (unsigned int i = 0; i < vi->nr_slots; i++)
		if (vi->slots[i].busy)
			finish(vi, &vi->slots[i], WEIR_EIO);
}
