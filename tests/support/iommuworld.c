// SPDX-License-Identifier: MIT
#include "iommuworld_priv.h"
#include "treebed.h"

#include <libfdt.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define PAGE 4096u

/* ---- its driver ---- */

static struct im_model *model_of(const struct weir_device *dev)
{
	return &im_current_->models[weir_device_name(dev)[0] - 'a'];
}

static int iommu_probe(struct weir_device *dev)
{
	struct im_model *model = model_of(dev);
	int err;

	model->dev = dev;
	err = weir_iommu_register(dev, &im_ops_, model);
	if (err)
		im_reset_(model);
	return err;
}

static void iommu_remove(struct weir_device *dev)
{
	struct im_model *model = model_of(dev);

	weir_iommu_unregister(dev);
	im_reset_(model);
}

/* ---- the masters' driver ---- */

static unsigned int number_of(const struct weir_device *dev)
{
	return (unsigned int)(weir_device_name(dev)[1] - '0');
}

static int master_probe(struct weir_device *dev)
{
	struct iommu_world *iw = im_current_;
	unsigned int i = number_of(dev);
	const struct im_master *master = &iw->masters[i];
	int err;

	if (!iw->dma_pa)
		return 0;
	if (!weir_device_untranslated(dev)) {
		if (master->at_a < IM_STREAMS)
			im_check_probed_(&iw->models[0], master->at_a);
		if (master->also_a)
			im_check_probed_(&iw->models[0], master->also_a);
		if (master->at_b < IM_STREAMS)
			im_check_probed_(&iw->models[1], master->at_b);
	}
	if (!(atomic_load(&iw->dma_state[i]) & 1))
		atomic_fetch_add(&iw->dma_state[i], 1);
	err = weir_dma_map_phys(dev, iw->dma_pa + i * IM_DMA_STEP, IM_DMA_BYTES,
				WEIR_DMA_BIDIRECTIONAL, &iw->dma_iova[i]);
	if (err && !iw->dma_lost[i])
		atomic_fetch_add(&iw->dma_state[i], 1);
	return err;
}

static void master_remove(struct weir_device *dev)
{
	struct iommu_world *iw = im_current_;
	unsigned int i = number_of(dev);

	/* what is not known to be unmapped stays where it is, as long as its domain */
	if (iw->dma_pa && weir_dma_unmap(dev, iw->dma_iova[i], IM_DMA_BYTES,
					 WEIR_DMA_BIDIRECTIONAL))
		iw->dma_lost[i] = true;
	else if (!iw->dma_lost[i])
		atomic_fetch_add(&iw->dma_state[i], 1);
}

static int probe(struct world *w, struct weir_device *dev)
{
	(void)w;
	return weir_device_name(dev)[0] == 'm' ? master_probe(dev) : iommu_probe(dev);
}

/* ---- the tree ---- */

struct tree {
	unsigned char *blob;
	int bytes;
};

/* phandles: 1 and 2 the IOMMUs, 16 + i the masters, 32 + i and 48 + i their memory */
static void reserved(struct tree *t, const struct im_master *masters, unsigned int n)
{
	tree_begin(t->blob, "reserved-memory", NULL);
	tree_cell(t->blob, "#address-cells", 2);
	tree_cell(t->blob, "#size-cells", 1);
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
			tree_begin(t->blob, name, NULL);
			tree_cell(t->blob, "phandle", (k ? 48 : 32) + i);
			if (!k)
				tree_cells(t->blob, "reg", reg, 3);
			tree_cells(t->blob, "iommu-addresses", iova, 4);
			tree_end(t->blob);
		}
	}
	tree_end(t->blob);
}

static void master(struct tree *t, const struct im_master *m, unsigned int i)
{
	uint32_t behind[6], n = 0, memory[2], k = 0;
	char name[16];

	snprintf(name, sizeof(name), "m%u", i);
	tree_begin(t->blob, name, "t,master");
	tree_cells(t->blob, "dma-coherent", NULL, 0);
	tree_cell(t->blob, "phandle", 16 + i);
	if (m->at_a < IM_STREAMS) {
		behind[n++] = 1;
		behind[n++] = m->at_a;
	}
	if (m->also_a) {
		behind[n++] = 1;
		behind[n++] = m->also_a;
	}
	if (m->at_b < IM_STREAMS) {
		behind[n++] = 2;
		behind[n++] = m->at_b;
	}
	if (n)
		tree_cells(t->blob, "iommus", behind, n);
	if (m->direct_pa)
		memory[k++] = 32 + i;
	if (m->hole_iova)
		memory[k++] = 48 + i;
	if (k)
		tree_cells(t->blob, "memory-region", memory, k);
	tree_end(t->blob);
}

static void make_tree(struct iommu_world *iw, const struct im_master *masters, unsigned int n)
{
	struct tree t = { iw->blob, (int)sizeof(iw->blob) };

	assert_int_equal(fdt_create(t.blob, t.bytes), 0);
	assert_int_equal(fdt_finish_reservemap(t.blob), 0);
	tree_begin(t.blob, "", NULL);
	tree_cell(t.blob, "#address-cells", 2);
	tree_cell(t.blob, "#size-cells", 1);
	for (unsigned int i = 0; i < 2; i++) {
		tree_begin(t.blob, i ? "b" : "a", "t,iommu");
		tree_cell(t.blob, "phandle", i + 1);
		tree_cell(t.blob, "#iommu-cells", 1);
		tree_end(t.blob);
	}
	reserved(&t, masters, n);
	for (unsigned int i = 0; i < n; i++)
		master(&t, &masters[i], i);
	tree_end(t.blob);
	assert_int_equal(fdt_finish(t.blob), 0);
}

/* ---- the machine ---- */

int im_try_add(struct iommu_world *iw, const char *name)
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
	assert_int_equal(im_try_add(iw, name), 0);
}

static void prepare(struct iommu_world *iw, const struct im_master *masters, unsigned int n)
{
	memset(iw, 0, sizeof(*iw));
	im_current_ = iw;
	assert_true(n <= IM_MASTERS);
	memcpy(iw->masters, masters, n * sizeof(*masters));
	iw->nr_masters = n;
	make_tree(iw, masters, n);
}

static void make_drivers(struct iommu_world *iw)
{
	iw->w.quiet = true;
	iw->w.on_probe = probe;
	world_driver(&iw->w, "iommu", "t,iommu", NULL, NULL)->ops.remove = iommu_remove;
	world_driver(&iw->w, "client", "t,master", NULL, NULL)->ops.remove = master_remove;
}

static int try_drivers(struct iommu_world *iw)
{
	int err = weir_firmware_load_dt(iw->w.m, iw->blob, sizeof(iw->blob));

	make_drivers(iw);
	if (!err)
		err = weir_driver_register(iw->w.m, &iw->w.drivers[1].drv);
	return err ? err : weir_driver_register(iw->w.m, &iw->w.drivers[0].drv);
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
	int err = im_try_add(iw, "a");

	if (!err)
		err = im_try_add(iw, "b");
	for (unsigned int i = 0; i < n && !err; i++) {
		snprintf(name, sizeof(name), "m%u", i);
		err = im_try_add(iw, name);
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

int im_try_machine(struct iommu_world *iw, struct testhost *host, const struct im_master *masters,
		   unsigned int n)
{
	int err;

	prepare(iw, masters, n);
	err = world_try_open(&iw->w, host, NULL);
	if (!err)
		make_drivers(iw);
	return err;
}

void im_open_threads(struct iommu_world *iw, const struct im_master *masters, unsigned int n,
		     unsigned int threads)
{
	prepare(iw, masters, n);
	world_open_threads(&iw->w, NULL, threads);
	make_drivers(iw);
	assert_int_equal(weir_firmware_load_dt(iw->w.m, iw->blob, sizeof(iw->blob)), 0);
}

void im_end(struct iommu_world *iw)
{
	for (unsigned int i = 0; i < 2; i++)
		iw->models[i].off = false;
	weir_machine_destroy(iw->w.m);
	pthread_mutex_destroy(&iw->w.mutex);
	assert_int_equal(iw->models[0].parts, 0);
	assert_int_equal(iw->models[1].parts, 0);
	im_current_ = NULL;
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
	im_current_ = NULL;
}

struct weir_group *im_group(struct iommu_world *iw, const char *name)
{
	struct weir_group *group;

	assert_int_equal(weir_group_of(world_find(&iw->w, name), &group), 0);
	return group;
}
