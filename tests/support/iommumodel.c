// SPDX-License-Identifier: MIT
/* The modelled IOMMUs of iommuworld.h: their calls, their power, and what an access reaches. */
#include "iommuworld_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE 4096u

struct iommu_world *im_current_;

/* ---- the model; it has one lock, as hardware does one thing at a time ---- */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static int fault(void)
{
	unsigned int *n = &im_current_->fail_in;

	if (*n == 0)
		return 0;
	if (*n > 1) {
		--*n;
		return 0;
	}
	if (!im_current_->stay_broken)
		*n = 0;
	im_current_->failed = true;
	return WEIR_EIO;
}

/* On any thread: what cmocka has cannot be used there. */
#define check(cond) ((cond) ? (void)0 : broken(#cond, __LINE__))

static void broken(const char *what, int line)
{
	fprintf(stderr, "# iommumodel.c:%d: not so: %s\n", line, what);
	abort();
}

static int do_enforce(void *instance)
{
	struct im_model *m = instance;

	if (fault())
		return WEIR_EIO;
	m->enforced = true;
	return 0;
}

static int do_part_create(void *instance, struct weir_domain *domain, void **out_part)
{
	struct im_model *m = instance;

	(void)domain;
	if (fault())
		return WEIR_EIO;
	*out_part = calloc(1, sizeof(struct im_part));
	check(*out_part);
	m->parts++;
	for (unsigned int i = 0; i < 2 * IM_STREAMS; i++) {
		if (m->all[i])
			continue;
		m->all[i] = *out_part;
		return 0;
	}
	check(!"too many parts");
	return 0;
}

static void do_part_destroy(void *instance, void *part)
{
	struct im_model *m = instance;

	for (unsigned int i = 0; i < IM_STREAMS && !im_current_->stay_broken; i++)
		check(m->streams[i].part != part || m->streams[i].failed);
	for (unsigned int i = 0; i < 2 * IM_STREAMS; i++)
		if (m->all[i] == part)
			m->all[i] = NULL;
	m->parts--;
	free(part);
}

static bool maps(const struct im_part *part, uint64_t iova, uint64_t *out_pa)
{
	for (unsigned int i = 0; i < part->n; i++) {
		if (iova - part->maps[i].iova >= part->maps[i].bytes)
			continue;
		*out_pa = part->maps[i].pa + (iova - part->maps[i].iova);
		return true;
	}
	return false;
}

static int do_attach(void *instance, uint32_t stream, enum weir_domain_type type, void *part)
{
	struct im_model *m = instance;
	uint64_t pa;

	check(!(m->off));
	check(stream < IM_STREAMS);
	m->attaches++;
	m->streams[stream].failed = fault();
	if (m->streams[stream].failed && m->fail_blocks)
		m->streams[stream] = (struct im_stream){ true, WEIR_DOMAIN_BLOCKED, NULL, true };
	if (m->streams[stream].failed)
		return WEIR_EIO;
	if (m->watch_iova && type == WEIR_DOMAIN_DMA && !maps(part, m->watch_iova, &pa))
		m->watch_missed = true;
	m->identity_seen = m->identity_seen || type == WEIR_DOMAIN_IDENTITY;
	m->streams[stream] = (struct im_stream){ true, type, part, false };
	return 0;
}

static void do_forget(void *instance, uint32_t stream)
{
	struct im_model *m = instance;

	check(!(m->off));
	m->forgotten++;
	m->streams[stream].known = false;
}

static int do_map(void *instance, void *driver, uint64_t iova, uint64_t pa, uint64_t bytes,
	       uint32_t prot)
{
	struct im_model *m = instance;
	struct im_part *part = driver;
	uint64_t was;

	check(!(m->off));
	m->maps++;
	if (fault())
		return WEIR_EIO;
	for (uint64_t at = 0; at < bytes; at += PAGE)
		check(!(maps(part, iova + at, &was)));
	check(part->n < IM_MAPS);
	part->maps[part->n].iova = iova;
	part->maps[part->n].pa = pa;
	part->maps[part->n].prot = prot;
	part->maps[part->n++].bytes = bytes;
	return 0;
}

static int do_unmap(void *instance, void *driver, uint64_t iova, uint64_t bytes)
{
	struct im_model *m = instance;
	struct im_part *part = driver;

	check(!(m->off));
	m->unmaps++;
	if (fault())
		return WEIR_EIO;
	for (unsigned int i = 0; i < part->n; i++) {
		if (part->maps[i].iova != iova)
			continue;
		check(part->maps[i].bytes == bytes);
		part->maps[i] = part->maps[--part->n];
		return 0;
	}
	/* a sync that fails has the library unmap it again */
	if (im_current_->failed)
		return 0;
	check(!"unmap of what is not mapped");
	return WEIR_EINVAL;
}

static int do_sync(void *instance, void *part)
{
	struct im_model *m = instance;

	(void)part;
	check(!(m->off));
	m->syncs++;
	return fault();
}

static int do_regions(void *instance, uint32_t stream, unsigned int index,
		   struct weir_region *out_region)
{
	struct im_model *m = instance;

	(void)stream;
	if (fault())
		return WEIR_EIO;
	if (m->endless) {
		*out_region = (struct weir_region){ WEIR_REGION_RESERVED, 0x100000 + 0x2000ull * index,
						    0x100fff + 0x2000ull * index, 0 };
		return 0;
	}
	if (index >= 4 || !m->regions[index].last)
		return WEIR_ENOENT;
	*out_region = m->regions[index];
	return 0;
}

/* ---- its calls ---- */

static int part_create(void *instance, struct weir_domain *domain, void **out_part)
{
	int err;

	pthread_mutex_lock(&mutex);
	err = do_part_create(instance, domain, out_part);
	pthread_mutex_unlock(&mutex);
	return err;
}

static void part_destroy(void *instance, void *part)
{
	pthread_mutex_lock(&mutex);
	do_part_destroy(instance, part);
	pthread_mutex_unlock(&mutex);
}

static int attach(void *instance, uint32_t stream, enum weir_domain_type type, void *part)
{
	int err;

	if (im_current_->on_attach)
		im_current_->on_attach(instance, stream, type);
	pthread_mutex_lock(&mutex);
	err = do_attach(instance, stream, type, part);
	pthread_mutex_unlock(&mutex);
	return err;
}

static void forget(void *instance, uint32_t stream)
{
	pthread_mutex_lock(&mutex);
	do_forget(instance, stream);
	pthread_mutex_unlock(&mutex);
}

static int map(void *instance, void *part, uint64_t iova, uint64_t pa, uint64_t bytes,
	       uint32_t prot)
{
	int err;

	pthread_mutex_lock(&mutex);
	err = do_map(instance, part, iova, pa, bytes, prot);
	pthread_mutex_unlock(&mutex);
	return err;
}

static int unmap(void *instance, void *part, uint64_t iova, uint64_t bytes)
{
	int err;

	pthread_mutex_lock(&mutex);
	err = do_unmap(instance, part, iova, bytes);
	pthread_mutex_unlock(&mutex);
	return err;
}

static int sync(void *instance, void *part)
{
	int err;

	pthread_mutex_lock(&mutex);
	err = do_sync(instance, part);
	pthread_mutex_unlock(&mutex);
	return err;
}

static int regions(void *instance, uint32_t stream, unsigned int index,
		   struct weir_region *out_region)
{
	int err;

	pthread_mutex_lock(&mutex);
	err = do_regions(instance, stream, index, out_region);
	pthread_mutex_unlock(&mutex);
	return err;
}

static int enforce(void *instance)
{
	int err;

	pthread_mutex_lock(&mutex);
	err = do_enforce(instance);
	pthread_mutex_unlock(&mutex);
	return err;
}

static int translate_ids(void *instance, struct weir_device *dev, const uint32_t *cells,
			 unsigned int n, uint32_t *out_stream)
{
	(void)instance;
	(void)dev;
	check(n == 1);
	*out_stream = cells[0];
	return im_current_->reject ? WEIR_EINVAL : 0;
}

const struct weir_iommu_ops im_ops_ = {
	.abi = WEIR_ABI(struct weir_iommu_ops),
	.translate_ids = translate_ids,
	.enforce = enforce,
	.regions = regions,
	.part_create = part_create,
	.part_destroy = part_destroy,
	.attach = attach,
	.forget = forget,
	.map = map,
	.sync_map = sync,
	.unmap = unmap,
	.sync = sync,
};

/* ---- what the test sees and does ---- */

static uint64_t reach(const struct iommu_world *iw, unsigned int model, uint32_t stream, uint64_t iova)
{
	const struct im_model *m = &iw->models[model];
	const struct im_stream *s = &m->streams[stream];
	uint64_t pa;

	if (m->off || !s->known || s->type == WEIR_DOMAIN_BLOCKED)
		return IM_NOTHING;
	if (s->type == WEIR_DOMAIN_IDENTITY)
		return iova;
	return maps(s->part, iova, &pa) ? pa : IM_NOTHING;
}

uint64_t im_reach(const struct iommu_world *iw, unsigned int model, uint32_t stream, uint64_t iova)
{
	uint64_t pa;

	pthread_mutex_lock(&mutex);
	pa = reach(iw, model, stream, iova);
	pthread_mutex_unlock(&mutex);
	return pa;
}

static bool stream_reaches(const struct im_stream *s, uint64_t pa)
{
	if (!s->known || s->type == WEIR_DOMAIN_BLOCKED)
		return false;
	if (s->type == WEIR_DOMAIN_IDENTITY)
		return true;
	for (unsigned int i = 0; i < s->part->n; i++)
		if (pa - s->part->maps[i].pa < s->part->maps[i].bytes)
			return true;
	return false;
}

bool im_any_reaches(const struct iommu_world *iw, uint64_t pa)
{
	bool does = false;

	pthread_mutex_lock(&mutex);
	for (unsigned int model = 0; model < 2; model++)
		for (uint32_t i = 0; i < IM_STREAMS && !iw->models[model].off; i++)
			does = does || stream_reaches(&iw->models[model].streams[i], pa);
	pthread_mutex_unlock(&mutex);
	return does;
}

void im_reset_(struct im_model *m)
{
	pthread_mutex_lock(&mutex);
	memset(m->streams, 0, sizeof(m->streams));
	m->enforced = false;
	pthread_mutex_unlock(&mutex);
}

void im_check_probed_(const struct im_model *m, uint32_t stream)
{
	pthread_mutex_lock(&mutex);
	check(m->streams[stream].known);
	check(m->streams[stream].type != WEIR_DOMAIN_BLOCKED);
	pthread_mutex_unlock(&mutex);
}

void im_power_off(struct iommu_world *iw, unsigned int model)
{
	struct im_model *m = &iw->models[model];

	assert_int_equal(weir_iommu_power(m->dev, false), 0);
	pthread_mutex_lock(&mutex);
	m->off = true;
	for (unsigned int i = 0; i < 2 * IM_STREAMS; i++)
		if (m->all[i])
			m->all[i]->n = 0;
	memset(m->streams, 0, sizeof(m->streams));
	pthread_mutex_unlock(&mutex);
}

int im_power_on(struct iommu_world *iw, unsigned int model)
{
	struct im_model *m = &iw->models[model];
	int err;

	pthread_mutex_lock(&mutex);
	m->off = false;
	pthread_mutex_unlock(&mutex);
	err = weir_iommu_power(m->dev, true);
	pthread_mutex_lock(&mutex);
	m->off = err != 0;
	pthread_mutex_unlock(&mutex);
	return err;
}
