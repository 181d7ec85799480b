// SPDX-License-Identifier: MIT
/*
 * Endpoints: what they are behind, and what is special for them.
 *
 * ATTACH replaces; an endpoint that is detached is blocked, for bypass is off. A domain
 * exists only while an endpoint is attached to it (5.13.6.1), so what is in its books comes
 * after the ATTACH of its first endpoint: in one notification, as much as the queue holds.
 * An access in between fails, it never passes untranslated; a device that does what it was
 * notified of in one go shows no such moment.
 */
#include "drivers/virtio-iommu/priv.h"

#include "drivers/virtio-iommu/regs.h"

#define BATCH 64u /* MAPs sent without letting go of the lock */

/* ---- the books ---- */

static struct vendpoint *find(const struct weir_viommu *vi, uint32_t id)
{
	struct vendpoint *endpoint;

	weir_list_each(endpoint, &vi->endpoints, struct vendpoint, node)
		if (endpoint->id == id)
			return endpoint;
	return NULL;
}

static struct vendpoint *get(struct weir_viommu *vi, uint32_t id)
{
	struct vendpoint *endpoint = find(vi, id);

	if (endpoint)
		return endpoint;
	endpoint = weir_atomic_alloc(vi->m, sizeof(*endpoint));
	if (endpoint) {
		endpoint->id = id;
		weir_list_add_tail(&vi->endpoints, &endpoint->node);
	}
	return endpoint;
}

static void put(struct weir_viommu *vi, struct vendpoint *endpoint)
{
	weir_list_del(&endpoint->node);
	weir_atomic_free(vi->m, endpoint->regions,
			 endpoint->nr_regions * sizeof(*endpoint->regions));
	weir_atomic_free(vi->m, endpoint, sizeof(*endpoint));
}

/* The endpoint is not behind its domain any more; with the last one the device drops the domain. */
static void left(struct vendpoint *endpoint)
{
	struct weir_viommu_domain *domain = endpoint->domain;

	endpoint->domain = NULL;
	endpoint->identity = false;
	if (domain && --domain->nr_endpoints == 0)
		weir_viommu_unsend_(domain);
}

void weir_viommu_books_clear_(struct weir_viommu *vi)
{
	struct weir_viommu_domain *domain;
	struct vendpoint *endpoint, *tmp;

	weir_list_each_safe(endpoint, tmp, &vi->endpoints, struct vendpoint, node)
		put(vi, endpoint);
	weir_list_each(domain, &vi->domains, struct weir_viommu_domain, node) {
		weir_viommu_domain_empty_(domain);
		domain->nr_endpoints = 0;
		domain->known = false;
		domain->map_err = domain->unmap_err = 0;
	}
}

/* ---- requests ---- */

static int send_detach(struct weir_viommu *vi, struct vendpoint *endpoint)
{
	const struct vrequest request = {
		.type = REQ_DETACH,
		.domain_id = endpoint->identity ? vi->identity_id : endpoint->domain->id,
		.endpoint = endpoint->id,
	};
	int err = weir_viommu_flush_(vi);

	if (!err)
		err = weir_viommu_ask_(vi, &request);
	if (!err)
		left(endpoint);
	return err;
}

/*
 * A driver that died may have left a domain of that number, where a reset takes none away (QEMU 10.0.2):
 * nothing is mapped in it when its first endpoint comes.
 */
static int clear_left(struct weir_viommu_domain *domain, uint32_t endpoint)
{
	struct weir_viommu *vi = domain->vi;
	const struct vrequest request = {
		.type = REQ_UNMAP,
		.domain_id = domain->id,
		.endpoint = endpoint, /* for messages */
		.first = vi->limits.iova_min,
		.last = vi->limits.iova_max,
	};

	if (!domain->known)
		(void)weir_viommu_ask_(vi, &request); /* WEIR_ENOENT, as a rule */
	domain->known = true;
	return vi->dead ? WEIR_EIO : 0;
}

/* An ATTACH and, for the first endpoint of a domain, what is in its books. */
static int ask_attach(struct weir_viommu *vi, const struct vrequest *request,
		      struct weir_viommu_domain *domain)
{
	int result = WEIR_EIO, err, map_err = 0;
	unsigned int room;

	if (!domain || domain->nr_endpoints)
		return weir_viommu_ask_(vi, request);
	err = clear_left(domain, request->endpoint);
	if (!err)
		err = weir_viommu_queue_(vi, request, &result);
	if (err)
		return err;
	domain->opening = true;
	room = weir_viommu_room_(vi);
	if (room)
		map_err = weir_viommu_send_some_(domain, room);
	err = weir_viommu_flush_(vi);
	domain->opening = false;
	if (!err)
		err = result;
	if (err) { /* there was no domain to map in */
		weir_viommu_unsend_(domain);
		domain->map_err = 0;
	}
	return !err && map_err < 0 ? map_err : err;
}

/* @domain: NULL: identity. */
static int send_attach(struct weir_viommu *vi, struct vendpoint *endpoint,
		       struct weir_viommu_domain *domain)
{
	const struct vrequest request = {
		.type = REQ_ATTACH,
		.domain_id = domain ? domain->id : vi->identity_id,
		.endpoint = endpoint->id,
		.flags = domain ? 0 : ATTACH_BYPASS,
	};
	int err = weir_viommu_flush_(vi);

	if (!err)
		err = ask_attach(vi, &request, domain);
	/* A device need not be able to replace, 5.13.6.1.2; then it is blocked in between. */
	if (err == WEIR_EOPNOTSUPP && (endpoint->domain || endpoint->identity)) {
		err = send_detach(vi, endpoint);
		if (!err)
			err = weir_viommu_ask_(vi, &request);
	}
	if (err)
		return err;
	left(endpoint);
	endpoint->domain = domain;
	endpoint->identity = !domain;
	if (domain)
		domain->nr_endpoints++;
	return 0;
}

static int block(struct weir_viommu *vi, uint32_t id)
{
	struct vendpoint *endpoint = find(vi, id);

	if (vi->dead)
		return WEIR_EIO;
	if (!endpoint || (!endpoint->domain && !endpoint->identity))
		return 0;
	return send_detach(vi, endpoint);
}

void weir_viommu_detach_all_(struct weir_viommu *vi)
{
	struct vendpoint *endpoint;

	weir_list_each(endpoint, &vi->endpoints, struct vendpoint, node)
		if (!vi->dead && (endpoint->domain || endpoint->identity))
			(void)send_detach(vi, endpoint); /* what cannot is left to the reset */
}

/* Sends what is in the books, letting others in between. */
static int fill(struct weir_viommu *vi, struct weir_viommu_domain *domain)
{
	int r, err;

	do {
		unsigned long before = weir_spin_lock(&vi->lock);

		r = weir_viommu_send_some_(domain, BATCH);
		err = r < 0 ? r : weir_viommu_sync_map_(domain);
		weir_spin_unlock(&vi->lock, before);
	} while (!err && r > 0);
	return err;
}

static int attach(struct weir_viommu *vi, uint32_t id, struct weir_viommu_domain *domain)
{
	struct vendpoint *endpoint = vi->dead ? NULL : get(vi, id);

	if (vi->dead || !endpoint)
		return vi->dead ? WEIR_EIO : WEIR_ENOMEM;
	if (endpoint->domain == domain && endpoint->identity == !domain)
		return 0;
	return send_attach(vi, endpoint, domain);
}

int weir_viommu_attach(struct weir_viommu *vi, uint32_t id, struct weir_viommu_domain *domain)
{
	unsigned long before = weir_spin_lock(&vi->lock);
	int err = domain ? attach(vi, id, domain) : block(vi, id);

	weir_spin_unlock(&vi->lock, before);
	if (err || !domain)
		return err;
	err = fill(vi, domain);
	if (!err)
		return 0;
	before = weir_spin_lock(&vi->lock);
	block(vi, id);
	weir_spin_unlock(&vi->lock, before);
	return err;
}

int weir_viommu_attach_identity(struct weir_viommu *vi, uint32_t id)
{
	unsigned long before;
	int err;

	if (!(vi->features & VIOMMU_F_BYPASS_CONFIG))
		return WEIR_EOPNOTSUPP;
	before = weir_spin_lock(&vi->lock);
	err = attach(vi, id, NULL);
	weir_spin_unlock(&vi->lock, before);
	return err;
}

void weir_viommu_forget(struct weir_viommu *vi, uint32_t id)
{
	unsigned long before = weir_spin_lock(&vi->lock);
	struct vendpoint *endpoint = find(vi, id);

	if (endpoint) {
		if (!vi->off && block(vi, id)) /* also when the device has forgotten it already */
			left(endpoint);
		put(vi, endpoint);
	}
	weir_spin_unlock(&vi->lock, before);
}

/* ---- PROBE ---- */

static int keep_regions(struct weir_viommu *vi, struct vendpoint *endpoint)
{
	const volatile uint8_t *data =
		(const volatile uint8_t *)vi->mem.va + vi->probe_at + PROBE_BYTES;
	int n = weir_viommu_regions_(data, vi->probe_bytes, NULL, 0), again;
	struct weir_region *regions = NULL;

	if (n > 0) {
		regions = weir_atomic_alloc(vi->m, (size_t)n * sizeof(*regions));
		if (!regions)
			return WEIR_ENOMEM;
		again = weir_viommu_regions_(data, vi->probe_bytes, regions, (uint32_t)n);
		if (again != n) {
			weir_atomic_free(vi->m, regions, (size_t)n * sizeof(*regions));
			n = WEIR_EIO;
		}
	}
	if (n < 0) {
		weir_virtio_log(vi->v, WEIR_LOG_ERR, "what it tells of endpoint 0x%x is damaged",
				endpoint->id);
		return n;
	}
	endpoint->regions = regions;
	endpoint->nr_regions = (uint32_t)n;
	return 0;
}

/* Asks once. Return: 0; WEIR_ENOENT there is no such endpoint; WEIR_EIO; WEIR_ENOMEM. */
static int probe(struct weir_viommu *vi, uint32_t id, struct vendpoint **out_endpoint)
{
	const struct vrequest request = { .type = REQ_PROBE, .endpoint = id };
	struct vendpoint *endpoint = get(vi, id);
	int err = 0;

	if (!endpoint)
		return WEIR_ENOMEM;
	if (!endpoint->probed && vi->probe_bytes) {
		err = weir_viommu_flush_(vi);
		if (!err)
			err = weir_viommu_ask_(vi, &request);
		if (!err)
			err = keep_regions(vi, endpoint);
	}
	if (err && !endpoint->domain && !endpoint->identity)
		put(vi, endpoint);
	if (err)
		return err == WEIR_ENOENT || err == WEIR_ENOMEM ? err : WEIR_EIO;
	endpoint->probed = true;
	*out_endpoint = endpoint;
	return 0;
}

int weir_viommu_region(struct weir_viommu *vi, uint32_t id, unsigned int index,
		       struct weir_region *out_region)
{
	unsigned long before = weir_spin_lock(&vi->lock);
	struct vendpoint *endpoint;
	int err = vi->off ? WEIR_EIO : probe(vi, id, &endpoint);

	if (err == WEIR_ENOENT)
		err = WEIR_EIO;
	else if (!err && index >= endpoint->nr_regions)
		err = WEIR_ENOENT;
	else if (!err)
		*out_region = endpoint->regions[index];
	weir_spin_unlock(&vi->lock, before);
	return err;
}

int weir_viommu_knows(struct weir_viommu *vi, uint32_t id)
{
	unsigned long before = weir_spin_lock(&vi->lock);
	struct vendpoint *endpoint;
	int err = vi->off || vi->dead ? 0 : probe(vi, id, &endpoint);

	weir_spin_unlock(&vi->lock, before);
	return err == WEIR_ENOENT ? err : 0;
}
