// SPDX-License-Identifier: MIT
/*
 * Masters and their driver: from probe to remove a display scans a buffer out, a codec copies
 * from one half of its buffer to the other, and both read through all of their ports. What has the
 * same compatible string and is behind no IOMMU is only there, as others are; so are what masters provide,
 * and devices below them.
 */
#include <string.h>

#include "board.h"

#define BURST 256u
#define SLACK 400u /* points that a frame may be held back */

static struct eb_master *master_of(const struct weir_device *dev)
{
	return eb_master_at(weir_device_driver(dev)->context, weir_device_fwnode(dev));
}

int eb_master_make(struct eb_master *m, uint64_t seed)
{
	struct hwport ports[EB_PORTS];
	struct hwdisplay_config config;

	for (unsigned int i = 0; i < m->nr_sysmmus; i++)
		ports[i] = m->b->kind->port(m, i);
	config = (struct hwdisplay_config){ .port = ports[0], .burst_bytes = BURST, .slack = SLACK };
	m->seed = seed;
	m->multi = hwmulti_create(ports, m->nr_sysmmus, seed);
	if (m->shows)
		m->display = hwdisplay_create(&config);
	else
		m->codec = hwcodec_create(&ports[0], &ports[m->nr_sysmmus - 1]);
	if (!m->multi || !(m->display || m->codec))
		return WEIR_ENOMEM;
	hwhost_multi(m->b->h, m->multi);
	if (m->display)
		hwhost_display(m->b->h, m->display);
	else
		hwhost_codec(m->b->h, m->codec);
	return 0;
}

void eb_master_free(struct eb_master *m)
{
	m->display = m->display ? hwdisplay_destroy(m->display) : NULL;
	m->codec = m->codec ? hwcodec_destroy(m->codec) : NULL;
	m->multi = m->multi ? hwmulti_destroy(m->multi) : NULL;
}

/* Whether its DMA may reach its buffer. */
static void allow(struct eb_master *m, bool on)
{
	uint8_t who = on ? m->who : 0;
	uint64_t pa;

	if (hwram_pa(m->b->h->ram, m->va, EB_BYTES, &pa))
		hwram_allow(m->b->h->ram, pa, EB_BYTES, who, who);
}

static void start(struct eb_master *m)
{
	struct hwmulti_target target = { .iova = m->iova, .bytes = 64 };

	m->running = true;
	hwram_publish(m->b->h->ram, true); /* it is told by a write to its registers */
	for (target.port = 0; target.port < m->nr_sysmmus; target.port++)
		hwmulti_add(m->multi, &target);
	if (m->display)
		hwdisplay_show(m->display, m->iova, EB_BYTES, m->seed);
	else
		hwcodec_start(m->codec, &(struct hwcodec_job){
			.in = m->iova, .out = m->iova + EB_BYTES / 2, .bytes = EB_BYTES / 2,
			.seed = m->seed });
}

static void stop(struct eb_master *m)
{
	m->running = false;
	hwmulti_stop(m->multi);
	if (m->display)
		hwdisplay_stop(m->display);
	else
		hwcodec_stop(m->codec);
}

static int start_dma(struct weir_device *dev, struct eb_master *m)
{
	int err;

	if (!weir_dma_is_translated(dev))
		eb_wrong(m->b, "%s: it is probed untranslated", m->path);
	/* one that is asked to go waits for this probe, and has its driver as long */
	for (unsigned int i = 0; i < m->nr_sysmmus; i++) {
		const struct eb_sysmmu *s = &m->b->sysmmus[m->sysmmus[i]];
		enum weir_device_status status = weir_device_status_get(eb_device(s->node));

		if (status != WEIR_DEVICE_BOUND && status != WEIR_DEVICE_UNBINDING)
			eb_wrong(m->b, "%s: it is probed, and %s is not bound", m->path, s->path);
	}
	err = weir_dma_alloc(dev, EB_BYTES, WEIR_DMA_SYNCED, &m->va, &m->iova);
	if (err)
		return err;
	hwpattern_fill(m->va, EB_BYTES, m->seed, 0);
	weir_dma_sync_for_device(dev, m->iova, EB_BYTES, WEIR_DMA_BIDIRECTIONAL);
	allow(m, true);
	start(m);
	return 0;
}

static int master_probe(struct weir_device *dev)
{
	struct eb_master *m = master_of(dev);
	int err = eb_plain_ops.probe(dev);

	return err || !m ? err : start_dma(dev, m);
}

static void master_remove(struct weir_device *dev)
{
	struct eb_master *m = master_of(dev);

	eb_plain_ops.remove(dev);
	if (!m)
		return;
	stop(m);
	allow(m, false);
	/* what a dead IOMMU may still reach is not given back */
	if (weir_dma_free(dev, EB_BYTES, m->va, m->iova) && !m->may_fail)
		eb_wrong(m->b, "%s: its buffer cannot be freed", m->path);
	m->va = NULL;
}

static int master_suspend(struct weir_device *dev)
{
	if (master_of(dev))
		stop(master_of(dev));
	return 0;
}

static int master_resume(struct weir_device *dev)
{
	if (master_of(dev))
		start(master_of(dev));
	return 0;
}

static void master_shutdown(struct weir_device *dev)
{
	const struct eb_master *m = master_of(dev);

	if (!m || !m->b->options.no_shutdown)
		(void)master_suspend(dev);
}

const struct weir_driver_ops eb_master_ops = {
	.abi = WEIR_ABI(struct weir_driver_ops),
	.probe = master_probe,
	.remove = master_remove,
	.suspend = master_suspend,
	.resume = master_resume,
	.shutdown = master_shutdown,
};
