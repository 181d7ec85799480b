// SPDX-License-Identifier: MIT
/*
 * The life of a virtio-iommu (Virtio 1.2, 5.13.5): what it can do, its memory and queues,
 * bypass off before it runs and before it is reset.
 *
 * A reset detaches all endpoints but leaves bypass as it is (5.13.4.2), so from creation
 * on nothing passes that was not attached, also after destruction.
 */
#include "drivers/virtio-iommu/priv.h"

#include "drivers/virtio-iommu/regs.h"

#define PAGE 4096u
#define MAX_PROBE_BYTES 65536u
#define WANTED (VIOMMU_F_INPUT_RANGE | VIOMMU_F_DOMAIN_RANGE | VIOMMU_F_PROBE | VIOMMU_F_MMIO | \
		VIOMMU_F_BYPASS_CONFIG)

static int complain(const struct weir_viommu *vi, int err, const char *what, uint64_t value)
{
	weir_virtio_log(vi->v, WEIR_LOG_ERR, "%s (0x%llx)", what, (unsigned long long)value);
	return err;
}

/* ---- what it can do ---- */

static int read_ranges(struct weir_viommu *vi, uint64_t *out_first, uint64_t *out_last)
{
	uint64_t first_id = 0, last_id = UINT32_MAX;
	int err = 0;

	*out_first = 0;
	*out_last = UINT64_MAX;
	if (vi->features & VIOMMU_F_INPUT_RANGE) {
		err = weir_virtio_config_read(vi->v, CONFIG_INPUT_START, 8, out_first);
		if (!err)
			err = weir_virtio_config_read(vi->v, CONFIG_INPUT_END, 8, out_last);
	}
	if (!err && vi->features & VIOMMU_F_DOMAIN_RANGE) {
		err = weir_virtio_config_read(vi->v, CONFIG_DOMAIN_START, 4, &first_id);
		if (!err)
			err = weir_virtio_config_read(vi->v, CONFIG_DOMAIN_END, 4, &last_id);
	}
	if (err)
		return err;
	/* One domain for identity, and at least one more. */
	if (first_id >= last_id)
		return complain(vi, WEIR_EIO, "it has too few domains", last_id);
	vi->identity_id = (uint32_t)first_id;
	vi->first_id = (uint32_t)first_id + (vi->features & VIOMMU_F_BYPASS_CONFIG ? 1 : 0);
	vi->last_id = (uint32_t)last_id;
	return 0;
}

static int read_probe_size(struct weir_viommu *vi)
{
	uint64_t bytes = 0;
	int err = 0;

	if (vi->features & VIOMMU_F_PROBE)
		err = weir_virtio_config_read(vi->v, CONFIG_PROBE_SIZE, 4, &bytes);
	if (err)
		return err;
	if (bytes > MAX_PROBE_BYTES)
		return complain(vi, WEIR_EIO, "it has absurdly much to tell of endpoints", bytes);
	vi->probe_bytes = (uint32_t)bytes;
	return 0;
}

/* Return: 0; WEIR_EIO when the configuration makes no sense. */
static int read_config(struct weir_viommu *vi)
{
	uint64_t mask, first, last, page;
	int err = weir_virtio_config_read(vi->v, CONFIG_PAGE_SIZE_MASK, 8, &mask);

	if (!err)
		err = read_ranges(vi, &first, &last);
	if (!err)
		err = read_probe_size(vi);
	if (err)
		return WEIR_EIO;
	page = mask & -mask;
	if (!page)
		return complain(vi, WEIR_EIO, "it has no page size", mask);
	/* Whole pages inside of the range. One of single bytes is not worth the trouble. */
	if (page < PAGE)
		page = PAGE;
	if (first > last || last < page - 1 || first > UINT64_MAX - (page - 1))
		return complain(vi, WEIR_EIO, "its range of addresses is empty", last);
	vi->limits.page_bytes = page;
	vi->limits.iova_min = (first + page - 1) & ~(page - 1);
	vi->limits.iova_max = last == UINT64_MAX ? last : ((last + 1) & ~(page - 1)) - 1;
	if (vi->limits.iova_min > vi->limits.iova_max)
		return complain(vi, WEIR_EIO, "its range of addresses is empty", last);
	return 0;
}

/*
 * Endpoints without a domain are blocked: by this, or, where that is not offered, because
 * VIRTIO_IOMMU_F_BYPASS is not taken.
 */
static int bypass_off(const struct weir_viommu *vi)
{
	uint64_t bypass = 1;

	if (!(vi->features & VIOMMU_F_BYPASS_CONFIG))
		return 0;
	if (weir_virtio_config_write(vi->v, CONFIG_BYPASS, 1, 0) ||
	    weir_virtio_config_read(vi->v, CONFIG_BYPASS, 1, &bypass) || bypass & 1)
		return complain(vi, WEIR_EIO, "its bypass cannot be switched off", bypass);
	return 0;
}

/* ---- memory and queues ---- */

static int make_memory(struct weir_viommu *vi)
{
	const struct weir_host_ops *ops = vi->ops;
	size_t bytes = (size_t)MAX_SLOTS * SLOT_BYTES;
	int err;

	if (!ops->pages_alloc)
		return WEIR_EOPNOTSUPP;
	vi->events_at = bytes;
	bytes += (size_t)MAX_EVENTS * EVENT_STRIDE;
	vi->probe_at = bytes;
	bytes += PROBE_BYTES + vi->probe_bytes + TAIL_BYTES;
	bytes = (bytes + PAGE - 1) & ~(size_t)(PAGE - 1);
	err = ops->pages_alloc(vi->host, bytes, PAGE, &vi->mem.va, &vi->mem.address);
	if (!err)
		vi->mem.bytes = bytes;
	return err;
}

static int make_queues(struct weir_viommu *vi)
{
	int err = weir_virtq_create(vi->v, VIOMMU_QUEUE_REQUEST, 2 * MAX_SLOTS, NULL,
				    &vi->requests);

	if (!err)
		err = weir_virtq_create(vi->v, VIOMMU_QUEUE_EVENT, MAX_EVENTS, NULL, &vi->events);
	if (err)
		return err;
	vi->nr_slots = weir_virtq_size(vi->requests) / 2;
	vi->nr_events = weir_virtq_size(vi->events);
	if (!vi->nr_slots)
		return complain(vi, WEIR_EIO, "its request queue is too small",
				weir_virtq_size(vi->requests));
	return 0;
}

/* ---- life ---- */

static int negotiate(struct weir_viommu *vi, uint64_t *out_features)
{
	return weir_virtio_negotiate(vi->v, WANTED, VIOMMU_F_MAP_UNMAP, 0, out_features);
}

static int start(struct weir_viommu *vi)
{
	int err = vi->enforced ? bypass_off(vi) : 0;

	weir_virtq_disarm(vi->requests); /* answers are waited for */
	if (!err)
		err = weir_viommu_events_fill_(vi);
	if (!err)
		err = weir_virtio_start(vi->v);
	if (err)
		return err;
	err = weir_viommu_events_kick_(vi);
	vi->off = err;
	return err;
}

/* Interrupts and timers that the host has; neither has to be. */
static int make_wakers(struct weir_viommu *vi)
{
	const struct weir_host_ops *ops = vi->ops;
	int err = weir_virtio_irq_request(vi->v, weir_viommu_on_irq_, vi);

	if (err && err != WEIR_EOPNOTSUPP)
		return err;
	vi->has_irq = !err;
	return ops->timer_create
		       ? ops->timer_create(vi->host, weir_viommu_on_timer_, vi, &vi->timer)
		       : 0;
}

static int init(struct weir_viommu *vi)
{
	int err = weir_spin_init(&vi->lock, vi->m, WEIR_LOCK_DEVICE);

	if (err)
		return err;
	vi->ops = vi->lock.ops;
	vi->host = vi->lock.host;
	err = weir_spin_init(&vi->event_lock, vi->m, WEIR_LOCK_DEVICE);
	if (!err)
		err = negotiate(vi, &vi->features);
	if (!err)
		err = read_config(vi);
	if (!err)
		err = make_memory(vi);
	if (!err)
		err = make_wakers(vi);
	if (!err)
		err = make_queues(vi);
	if (!err)
		err = start(vi);
	if (!err && !vi->has_irq)
		weir_viommu_timer_set_(vi);
	return err;
}

int weir_viommu_create(struct weir_virtio *v, const struct weir_viommu_options *options,
		       struct weir_viommu **out_viommu)
{
	struct weir_machine *m = weir_virtio_machine(v);
	struct weir_viommu *vi;
	int err;

	if (weir_virtio_type(v) != VIOMMU_TYPE)
		return WEIR_ENODEV;
	vi = weir_atomic_alloc(m, sizeof(*vi));
	if (!vi)
		return WEIR_ENOMEM;
	vi->m = m;
	vi->v = v;
	vi->off = true;
	if (options)
		vi->options = *options;
	vi->enforced = !vi->options.keep_bypass;
	weir_list_init(&vi->domains);
	weir_list_init(&vi->endpoints);
	err = init(vi);
	if (err) {
		weir_viommu_destroy(vi);
		return err;
	}
	*out_viommu = vi;
	return 0;
}

int weir_viommu_enforce(struct weir_viommu *vi)
{
	int err = vi->enforced ? 0 : bypass_off(vi);

	vi->enforced = vi->enforced || !err;
	return err;
}

/* Blocks all, bypass or not: a reset of QEMU 10.0.2 leaves endpoints attached, against 5.13.4.2. */
static void detach_all(struct weir_viommu *vi)
{
	unsigned long before = weir_spin_lock(&vi->lock);

	weir_viommu_detach_all_(vi);
	weir_spin_unlock(&vi->lock, before);
}

static void stop(struct weir_viommu *vi)
{
	unsigned long before;

	if (!vi->off && vi->enforced)
		bypass_off(vi);
	if (!vi->off)
		detach_all(vi);
	if (vi->event_lock.ops)
		weir_viommu_events_stop_(vi);
	weir_virtio_stop(vi->v);
	if (!vi->lock.ops)
		return;
	before = weir_spin_lock(&vi->lock);
	vi->off = true;
	if (vi->requests)
		weir_viommu_drop_(vi);
	weir_viommu_books_clear_(vi);
	weir_spin_unlock(&vi->lock, before);
}

void weir_viommu_suspend(struct weir_viommu *vi)
{
	if (!vi->off)
		stop(vi);
}

int weir_viommu_resume(struct weir_viommu *vi)
{
	uint64_t features;
	int err;

	if (!vi->off)
		return vi->dead ? WEIR_EIO : 0;
	err = negotiate(vi, &features);
	if (!err && features != vi->features)
		err = complain(vi, WEIR_EIO, "it is another device than before", features);
	if (!err)
		err = weir_virtq_restart(vi->requests);
	if (!err)
		err = weir_virtq_restart(vi->events);
	if (err)
		return err;
	vi->dead = false;
	return start(vi);
}

struct weir_viommu *weir_viommu_destroy(struct weir_viommu *vi)
{
	if (!vi)
		return NULL;
	stop(vi);
	weir_virtio_irq_free(vi->v);
	atomic_store(&vi->closing, true);
	if (vi->timer)
		vi->ops->timer_destroy(vi->host, vi->timer);
	vi->events = weir_virtq_destroy(vi->events);
	vi->requests = weir_virtq_destroy(vi->requests);
	if (vi->mem.bytes && !weir_virtio_lost(vi->v))
		vi->ops->pages_free(vi->host, vi->mem.va, vi->mem.address, vi->mem.bytes);
	weir_spin_fini(&vi->event_lock);
	weir_spin_fini(&vi->lock);
	weir_atomic_free(vi->m, vi, sizeof(*vi));
	return NULL;
}

void weir_viommu_limits_get(const struct weir_viommu *vi, struct weir_domain_limits *out_limits)
{
	*out_limits = vi->limits;
}
