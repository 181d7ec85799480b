// SPDX-License-Identifier: MIT
#include "iommuworld.h"

#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE 4096u

static struct iommu_world *current; /* of the test: drivers find their model here */

/* ---- the model; it has one lock, as hardware does one thing at a time ---- */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static int fault(void)
{
	unsigned int *n = &current->fail_in;

	if (*n == 0 || (*n == 1 && current->stay_broken))
		return *n ? WEIR_EIO : 0;
	return --*n == 0 ? WEIR_EIO : 0;
}

/* On any thread: what cmocka has cannot be used there. */
#define check(cond) ((cond) ? (void)0 : broken(#cond, __LINE__))

static void broken(const char *what, int line)
{
	fprintf(stderr, "# iommuworld.c:%d: not so: %s\n", line, what);
	abort();
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

	for (unsigned int i = 0; i < IM_STREAMS && !current->stay_broken; i++)
		check(m->streams[i].part != part);
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
	if (fault())
		return WEIR_EIO;
	if (m->watch_iova && type == WEIR_DOMAIN_DMA && !maps(part, m->watch_iova, &pa))
		m->watch_missed = true;
	m->identity_seen = m->identity_seen || type == WEIR_DOMAIN_IDENTITY;
	m->streams[stream] = (struct im_stream){ true, type, part };
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

static const struct weir_iommu_ops model_ops = {
	.abi = WEIR_ABI(struct weir_iommu_ops),
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

/* ---- its driver ---- */

static struct im_model *model_of(const struct weir_device *dev)
{
	return &current->models[weir_device_name(dev)[0] - 'a'];
}

static int probe(struct world *w, struct weir_device *dev)
{
	(void)w;
	if (weir_device_name(dev)[0] == 'm')
		return 0;
	model_of(dev)->dev = dev;
	return weir_iommu_register(dev, &model_ops, model_of(dev));
}

static void iommu_remove(struct weir_device *dev)
{
	weir_iommu_unregister(dev);
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

/* ---- the tree ---- */

struct tree {
	unsigned char *blob;
	int bytes;
};

static void cells(struct tree *t, const char *name, const uint32_t *v, unsigned int n)
{
	fdt32_t be[8];

	for (unsigned int i = 0; i < n; i++)
		be[i] = cpu_to_fdt32(v[i]);
	assert_int_equal(fdt_property(t->blob, name, be, (int)n * 4), 0);
}

static void cell(struct tree *t, const char *name, uint32_t v)
{
	cells(t, name, &v, 1);
}

static void begin(struct tree *t, const char *name, const char *compatible)
{
	assert_int_equal(fdt_begin_node(t->blob, name), 0);
	if (compatible)
		assert_int_equal(fdt_property_string(t->blob, "compatible", compatible), 0);
}

static void end(struct tree *t)
{
	assert_int_equal(fdt_end_node(t->blob), 0);
}

/* phandles: 1 and 2 the IOMMUs, 16 + i the masters, 32 + i and 48 + i their memory */
static void reserved(struct tree *t, const struct im_master *masters, unsigned int n)
{
	begin(t, "reserved-memory", NULL);
	cell(t, "#address-cells", 2);
	cell(t, "#size-cells", 1);
	assert_int_equal(fdt_property(t->blob, "ranges", NULL, 0), 0);
	for (unsigned int i = 0; i < n; i++) {
		uint64_t at[2] = { masters[i].direct_pa, masters[i].hole_iova };

		for (unsigned int k = 0; k < 2; k++) {
			const uint32_t reg[] = { (uint32_t)(at[k] >> 32), (uint32_t)at[k], PAGE };
			const uint32_t iova[] = { 16 + i, reg[0], reg[1], PAGE };
			char name[32];

			if (!at[k])
				continue;
			snprintf(name, sizeof(name), "%s%u@%llx", k ? "hole" : "fb", i,
				 (unsigned long long)at[k]);
			begin(t, name, NULL);
			cell(t, "phandle", (k ? 48 : 32) + i);
			if (!k)
				cells(t, "reg", reg, 3);
			cells(t, "iommu-addresses", iova, 4);
			end(t);
		}
	}
	end(t);
}

static void master(struct tree *t, const struct im_master *m, unsigned int i)
{
	uint32_t behind[4], n = 0, memory[2], k = 0;
	char name[16];

	snprintf(name, sizeof(name), "m%u", i);
	begin(t, name, "t,master");
	cell(t, "phandle", 16 + i);
	if (m->at_a < IM_STREAMS) {
		behind[n++] = 1;
		behind[n++] = m->at_a;
	}
	if (m->at_b < IM_STREAMS) {
		behind[n++] = 2;
		behind[n++] = m->at_b;
	}
	if (n)
		cells(t, "iommus", behind, n);
	if (m->direct_pa)
		memory[k++] = 32 + i;
	if (m->hole_iova)
		memory[k++] = 48 + i;
	if (k)
		cells(t, "memory-region", memory, k);
	end(t);
}

static void make_tree(struct iommu_world *iw, const struct im_master *masters, unsigned int n)
{
	struct tree t = { iw->blob, (int)sizeof(iw->blob) };

	assert_int_equal(fdt_create(t.blob, t.bytes), 0);
	assert_int_equal(fdt_finish_reservemap(t.blob), 0);
	begin(&t, "", NULL);
	cell(&t, "#address-cells", 2);
	cell(&t, "#size-cells", 1);
	for (unsigned int i = 0; i < 2; i++) {
		begin(&t, i ? "b" : "a", "t,iommu");
		cell(&t, "phandle", i + 1);
		cell(&t, "#iommu-cells", 1);
		end(&t);
	}
	reserved(&t, masters, n);
	for (unsigned int i = 0; i < n; i++)
		master(&t, &masters[i], i);
	end(&t);
	assert_int_equal(fdt_finish(t.blob), 0);
}

/* ---- the machine ---- */

static int try_add(struct iommu_world *iw, const char *name)
{
	struct weir_fwnode *fw;
	struct weir_device *dev;
	char path[32];
	int err;

	snprintf(path, sizeof(path), "/%s", name);
	assert_int_equal(weir_fwnode_find(iw->w.m, path, &fw), 0);
	err = weir_device_create(iw->w.bus, name, NULL, fw, &dev);
	if (err)
		return err;
	err = weir_device_add(dev);
	weir_device_unref(dev);
	return err;
}

void im_add(struct iommu_world *iw, const char *name)
{
	assert_int_equal(try_add(iw, name), 0);
}

static void prepare(struct iommu_world *iw, const struct im_master *masters, unsigned int n)
{
	memset(iw, 0, sizeof(*iw));
	current = iw;
	make_tree(iw, masters, n);
}

static int try_drivers(struct iommu_world *iw)
{
	struct world_driver *iommus, *clients;
	int err;

	iw->w.quiet = true;
	iw->w.on_probe = probe;
	err = weir_firmware_load_dt(iw->w.m, iw->blob, sizeof(iw->blob));
	if (err)
		return err;
	iommus = world_driver(&iw->w, "iommu", "t,iommu", NULL, NULL);
	iommus->ops.remove = iommu_remove;
	clients = world_driver(&iw->w, "client", "t,master", NULL, NULL);
	err = weir_driver_register(iw->w.m, &clients->drv);
	return err ? err : weir_driver_register(iw->w.m, &iommus->drv);
}

void im_open_tree(struct iommu_world *iw, const struct im_master *masters, unsigned int n)
{
	prepare(iw, masters, n);
	world_open(&iw->w, NULL);
	assert_int_equal(try_drivers(iw), 0);
}

static int try_devices(struct iommu_world *iw, unsigned int n)
{
	struct weir_device *dev;
	char name[16];
	int err = try_add(iw, "a");

	if (!err)
		err = try_add(iw, "b");
	for (unsigned int i = 0; i < n && !err; i++) {
		snprintf(name, sizeof(name), "m%u", i);
		err = try_add(iw, name);
	}
	if (!err)
		err = weir_settle(iw->w.m);
	for (unsigned int i = 0; i < n && !err; i++) {
		snprintf(name, sizeof(name), "m%u", i);
		err = weir_device_find(iw->w.bus, name, &dev);
		if (!err && weir_device_status_get(dev) != WEIR_DEVICE_BOUND)
			err = WEIR_EDEFER;
	}
	return err;
}

void im_open(struct iommu_world *iw, const struct im_master *masters, unsigned int n)
{
	im_open_tree(iw, masters, n);
	assert_int_equal(try_devices(iw, n), 0);
}

int im_try_open(struct iommu_world *iw, struct testhost *host, const struct im_master *masters,
		unsigned int n)
{
	int err;

	prepare(iw, masters, n);
	err = world_try_open(&iw->w, host, NULL);
	if (!err)
		err = try_drivers(iw);
	return err ? err : try_devices(iw, n);
}

void im_end(struct iommu_world *iw)
{
	for (unsigned int i = 0; i < 2; i++)
		iw->models[i].off = false;
	weir_machine_destroy(iw->w.m);
	pthread_mutex_destroy(&iw->w.mutex);
	assert_int_equal(iw->models[0].parts, 0);
	assert_int_equal(iw->models[1].parts, 0);
	current = NULL;
}

void im_close(struct iommu_world *iw)
{
	iw->fail_in = 0;
	iw->stay_broken = false;
	for (unsigned int i = 0; i < 2; i++)
		iw->models[i].off = false;
	world_close(&iw->w);
	assert_int_equal(iw->models[0].parts, 0);
	assert_int_equal(iw->models[1].parts, 0);
	current = NULL;
}

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

struct weir_group *im_group(struct iommu_world *iw, const char *name)
{
	struct weir_group *group;

	assert_int_equal(weir_group_of(world_find(&iw->w, name), &group), 0);
	return group;
}
