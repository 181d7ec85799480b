// SPDX-License-Identifier: MIT
/*
 * What the DMA calls know of a device and of a machine, and its life.
 *
 * A device behind an IOMMU gets its state before its probe, so that how it does DMA is
 * settled then; any other one with its driver's first call. It goes when the driver is
 * gone. Published with one atomic store, constant or the driver's own affair after that.
 */
#include "dma/priv.h"

static const struct weir_dma_options default_options = {
	.flush_ranges = 256,
	.flush_ns = 10 * 1000 * 1000,
	.bounce_bytes = 4 << 20,
};

/* ---- the machine's ---- */

/* The machine's state, made when missing. NULL without memory. Any context. */
struct weir_dma_machine *weir_dma_machine_(struct weir_machine *m)
{
	struct weir_dma_machine *of_m = atomic_load(&m->dma), *other = NULL;

	if (of_m)
		return of_m;
	of_m = weir_atomic_alloc(m, sizeof(*of_m));
	if (!of_m)
		return NULL;
	of_m->options = default_options;
	if (atomic_compare_exchange_strong(&m->dma, &other, of_m))
		return of_m;
	weir_atomic_free(m, of_m, sizeof(*of_m));
	return other;
}

static void free_machine(struct weir_machine *m)
{
	struct weir_dma_machine *of_m = atomic_load(&m->dma);

	if (!of_m)
		return;
	weir_dma_kept_free_(m, of_m);
	weir_dma_bounce_destroy_(m, atomic_load(&of_m->bounce));
	weir_atomic_free(m, of_m, sizeof(*of_m));
}

void weir_dma_options_get(struct weir_machine *m, struct weir_dma_options *out_options)
{
	const struct weir_dma_machine *of_m = atomic_load(&m->dma);

	*out_options = of_m ? of_m->options : default_options;
}

int weir_dma_options_set(struct weir_machine *m, const struct weir_dma_options *options)
{
	struct weir_dma_machine *of_m;

	if (!options->flush_ranges || !options->flush_ns || !options->bounce_bytes)
		return WEIR_EINVAL;
	of_m = m->parts.dma ? weir_dma_machine_(m) : NULL;
	if (!of_m)
		return m->parts.dma ? WEIR_ENOMEM : WEIR_EOPNOTSUPP;
	if (atomic_load(&of_m->used))
		return WEIR_EBUSY;
	of_m->options = *options;
	of_m->flush_open = weir_dma_flush_open_;
	of_m->tracking = &weir_dma_tracking_;
	return 0;
}

/* ---- a device's ---- */

static bool is_coherent(const struct weir_device *dev, const struct weir_dma_options *options)
{
	const struct weir_fwnode *node = NULL;
	int said;

	for (; dev && !node; dev = dev->parent)
		node = dev->fwnode;
	if (!node)
		return true;
	said = weir_firmware_dma_coherent(node);
	if (said >= 0)
		return said;
	/* a kind of firmware that never tells: then it is what other systems take for granted */
	return !node->ops->dma_coherent || options->coherent;
}

static void destroy(struct weir_dma *dma)
{
	if (dma->mirror)
		dma->m->late->mirroring->destroy(dma->mirror);
	weir_dma_windows_free_(dma);
	weir_spin_fini(&dma->spin);
	weir_atomic_free(dma->m, dma, sizeof(*dma));
}

static int create(struct weir_device *dev, struct weir_dma **out_dma)
{
	struct weir_machine *m = dev->m;
	struct weir_dma_machine *of_m = weir_dma_machine_(m);
	struct weir_dma *dma = of_m ? weir_atomic_alloc(m, sizeof(*dma)) : NULL;
	int err;

	if (!dma)
		return WEIR_ENOMEM;
	atomic_store(&of_m->used, true);
	dma->dev = dev;
	dma->m = m;
	dma->of_m = of_m;
	dma->coherent = is_coherent(dev, &of_m->options);
	dma->refused = !dma->coherent && !m->ops->cache_sync;
	dma->lazy = of_m->options.lazy;
	dma->debug = of_m->options.debug;
	dma->user = WEIR_IOVA_NOBODY;
	dma->mask = dma->coherent_mask = WEIR_DMA_MASK(32);
	dma->max_segment_bytes = UINT64_MAX;
	dma->boundary_mask = UINT64_MAX;
	weir_list_init(&dma->pages);
	err = weir_spin_init(&dma->spin, m, WEIR_LOCK_IOVA);
	if (!err)
		err = weir_dma_windows_read_(dma);
	if (err) {
		destroy(dma);
		return err;
	}
	*out_dma = dma;
	return 0;
}

static int refuse(struct weir_dma *dma)
{
	if (!atomic_exchange(&dma->refusal_said, true))
		weir_logf_(dma->m, WEIR_LOG_ERR, "dma: %s: it does not see the CPU's caches, and "
			   "the host lacks the call 'cache_sync': refused", dma->dev->name);
	return WEIR_EOPNOTSUPP;
}

/* The first call of a driver without IOMMU. Two may come at once. */
static int make(struct weir_device *dev, struct weir_dma **out_dma)
{
	struct weir_dma *dma, *other = NULL;
	int err;

	if (!dev->m->parts.dma)
		return WEIR_EOPNOTSUPP;
	if (!dev->reg || !dev->dma_direct)
		return WEIR_ENODEV;
	err = create(dev, &dma);
	if (err)
		return err;
	if (!atomic_compare_exchange_strong(&dev->dma, &other, dma)) {
		destroy(dma);
		dma = other;
	}
	*out_dma = dma;
	return 0;
}

int weir_dma_get_(struct weir_device *dev, struct weir_dma **out_dma)
{
	struct weir_dma *dma = atomic_load_explicit(&dev->dma, memory_order_acquire);

	if (!dma) {
		int err = make(dev, &dma);

		if (err)
			return err;
	}
	if (dma->refused)
		return refuse(dma);
	*out_dma = dma;
	return 0;
}

uint64_t weir_dma_live_(const struct weir_dma *dma)
{
	uint64_t n = atomic_load_explicit(&dma->nr_mappings, memory_order_relaxed);

	return dma->user == WEIR_IOVA_NOBODY ? n : n + weir_iova_live_(&dma->space->iova, dma->user);
}

static void set_plain(struct weir_dma *dma)
{
	uint64_t limit = dma->mask < dma->bus_max ? dma->mask : dma->bus_max;

	if (dma->of_m->options.iova_32_first && limit > UINT32_MAX)
		limit = UINT32_MAX;
	dma->quick_limit = limit;
	dma->plain = dma->space && !dma->refused && dma->coherent && !dma->untrusted &&
		     !dma->debug && dma->user != WEIR_IOVA_NOBODY;
}

static int enter_space(struct weir_dma *dma)
{
	int err = weir_dma_space_get_(dma, &dma->space);

	if (!err && dma->lazy)
		err = dma->of_m->flush_open(dma->space, &dma->of_m->options);
	if (err) {
		if (dma->space)
			weir_dma_space_put_(dma->space);
		return err;
	}
	weir_dma_space_count_(dma, true);
	set_plain(dma);
	return 0;
}

static int begin(struct weir_device *dev)
{
	const struct weir_domain *domain = dev->master ? weir_group_domain(dev->master->group)
						       : NULL;
	struct weir_dma *dma;
	bool mirrored;
	int err;

	dev->dma_direct = !domain || domain->type != WEIR_DOMAIN_DMA;
	mirrored = dev->untranslated && weir_iommu_late_of_(dev) == WEIR_IOMMU_ADOPT_MAPPED;
	if (dev->dma_direct && !mirrored)
		return 0;
	err = create(dev, &dma);
	if (err)
		return err;
	err = mirrored ? dev->m->late->mirroring->create(dev->m, &dma->mirror) : enter_space(dma);
	if (err) {
		destroy(dma);
		return err;
	}
	atomic_store(&dev->dma, dma);
	return 0;
}

/* Without debug it is known how much is left, not what: it goes with the whole space. */
static void say_left(const struct weir_dma *dma)
{
	uint64_t n = weir_dma_live_(dma);

	if (!n)
		return;
	weir_logf_(dma->m, WEIR_LOG_ERR, "dma: %s: its driver left %llu mapping(s)%s",
		   dma->dev->name, (unsigned long long)n,
		   dma->space && dma->space->users > 1 ?
		   ", in reach until the others of its group are unbound" : "");
}

static void end(struct weir_device *dev)
{
	struct weir_dma *dma = atomic_load(&dev->dma);

	if (!dma)
		return;
	weir_dma_pages_drop_(dma);
	if (dma->debug)
		dma->of_m->tracking->drop(dma);
	say_left(dma);
	atomic_store(&dev->dma, NULL);
	if (dma->space) {
		weir_dma_space_count_(dma, false);
		weir_dma_space_put_(dma->space);
	}
	destroy(dma);
}

/* ---- what a driver says of its device ---- */

static bool is_low_bits(uint64_t mask)
{
	return !(mask & (mask + 1));
}

static int set_masks(struct weir_device *dev, uint64_t mask, bool mapped)
{
	struct weir_dma *dma;
	int err;

	if (!is_low_bits(mask) || mask < WEIR_DMA_MASK(12))
		return WEIR_EINVAL;
	err = weir_dma_get_(dev, &dma);
	if (err)
		return err;
	dma->coherent_mask = mask;
	if (mapped)
		dma->mask = mask;
	set_plain(dma);
	return 0;
}

int weir_dma_mask_set(struct weir_device *dev, uint64_t mask)
{
	return set_masks(dev, mask, true);
}

int weir_dma_coherent_mask_set(struct weir_device *dev, uint64_t mask)
{
	return set_masks(dev, mask, false);
}

uint64_t weir_dma_mask_get(struct weir_device *dev)
{
	const struct weir_dma *dma = atomic_load(&dev->dma);

	return dma ? dma->mask : WEIR_DMA_MASK(32);
}

int weir_dma_limits_set(struct weir_device *dev, const struct weir_dma_limits *limits)
{
	uint64_t bytes = limits->max_segment_bytes ? limits->max_segment_bytes : UINT64_MAX;
	uint64_t boundary = limits->boundary_mask ? limits->boundary_mask : UINT64_MAX;
	struct weir_dma *dma;
	int err;

	if (bytes < WEIR_DMA_PAGE_BYTES || boundary < WEIR_DMA_PAGE_BYTES - 1 ||
	    !is_low_bits(boundary))
		return WEIR_EINVAL;
	err = weir_dma_get_(dev, &dma);
	if (err)
		return err;
	/* cut at pages, so that what follows a cut is aligned as before */
	dma->max_segment_bytes = bytes == UINT64_MAX ? bytes : bytes & ~(WEIR_DMA_PAGE_BYTES - 1ull);
	dma->boundary_mask = boundary;
	return 0;
}

bool weir_dma_is_coherent(struct weir_device *dev)
{
	struct weir_dma_options options;

	weir_dma_options_get(dev->m, &options);
	return is_coherent(dev, &options);
}

int weir_dma_set_untrusted(struct weir_device *dev, bool on)
{
	struct weir_dma *dma;
	int err = weir_dma_get_(dev, &dma);

	if (err)
		return err;
	if (weir_dma_live_(dma))
		return WEIR_EBUSY;
	dma->untrusted = on;
	if (on)
		dma->lazy = false;
	set_plain(dma);
	return 0;
}

int weir_dma_set_lazy(struct weir_device *dev, bool on)
{
	struct weir_dma *dma;
	int err = weir_dma_get_(dev, &dma);

	if (err)
		return err;
	if (weir_dma_live_(dma))
		return WEIR_EBUSY;
	if (dma->untrusted && on)
		return WEIR_EPERM;
	if (on && dma->space) {
		weir_lock_(dma->m);
		err = weir_dma_flush_open_(dma->space, &dma->of_m->options);
		weir_unlock_(dma->m);
	}
	if (!err)
		dma->lazy = on;
	return err;
}

bool weir_dma_is_translated(struct weir_device *dev)
{
	const struct weir_dma *dma = atomic_load(&dev->dma);

	return dma && dma->space;
}

/* Addresses are aligned to their number rounded up to a power of two, and 0 is none of them. */
static uint64_t max_translated(const struct weir_dma *dma)
{
	uint64_t last = dma->mask < dma->bus_max ? dma->mask : dma->bus_max, bytes;

	if (last > atomic_load(&dma->space->iova_max))
		last = atomic_load(&dma->space->iova_max);
	for (bytes = UINT64_C(1) << 63; bytes && (bytes > last || bytes - 1 > last - bytes);
	     bytes >>= 1)
		;
	return bytes > dma->space->page_bytes ? bytes - dma->space->page_bytes : 0;
}

uint64_t weir_dma_max_map_bytes(struct weir_device *dev)
{
	const struct weir_dma *dma = atomic_load(&dev->dma);
	struct weir_dma_options options;

	weir_dma_options_get(dev->m, &options);
	if (dma && dma->space && !dma->untrusted)
		return max_translated(dma);
	/* a copy may start anywhere in its first page */
	return options.bounce_bytes > WEIR_DMA_PAGE_BYTES ?
	       options.bounce_bytes - WEIR_DMA_PAGE_BYTES : options.bounce_bytes;
}

void weir_dma_stats_get(struct weir_device *dev, struct weir_dma_stats *out_stats)
{
	struct weir_dma *dma = atomic_load(&dev->dma);

	*out_stats = (struct weir_dma_stats){ 0 };
	if (!dma)
		return;
	out_stats->mappings = weir_dma_live_(dma);
	out_stats->bounced = atomic_load(&dma->nr_bounced);
	out_stats->retired = atomic_load(&dma->retired);
	if (dma->space && dma->space->flush.timer)
		out_stats->flushes = atomic_load(&dma->space->flush.nr_flushes);
}

const struct weir_part_dma weir_part_dma = {
	.begin = begin,
	.end = end,
	.free = free_machine,
};
