// SPDX-License-Identifier: MIT
/*
 * A driver of the library for IOMMUs with somebody who looks on: between its probe and the core, and between
 * the core and its instances (the program is linked with its own weir_iommu_register). An instance
 * is ready from when its probe has returned until it is taken back. Nobody but its own probe
 * may call it before; from when it is published on others may, for a master that firmware left running.
 *
 * One at a time, for the program: what is wrapped has no context. Its threads take turns.
 */
#include <stdlib.h>
#include <string.h>

#include "board.h"
#include "race/state.h"

enum stage { STAGE_AWAY, STAGE_PROBED, STAGE_PUBLISHED, STAGE_READY };

struct watched {
	struct eb_watch *w;
	const struct eb_sysmmu *s;
	enum stage stage;
	int task;                        /* that probes it */
	const struct weir_iommu_ops *ops; /* the driver's, of its instance */
	void *instance;
	struct weir_iommu_ops mine;
};

struct eb_watch {
	struct eb_board *b;
	struct weir_module_entry entry;
	struct weir_driver driver;
	struct weir_driver_ops driver_ops;
	const struct weir_driver *drivers[2];
	const struct weir_driver_ops *real;
	struct watched watched[EB_SYSMMUS];
};

static struct eb_watch *watch;

int __real_weir_iommu_register(struct weir_device *dev, const struct weir_iommu_ops *ops,
			       void *instance);
void __real_weir_iommu_unregister(struct weir_device *dev);
int __wrap_weir_iommu_register(struct weir_device *dev, const struct weir_iommu_ops *ops,
			       void *instance);
void __wrap_weir_iommu_unregister(struct weir_device *dev);

static struct watched *watched_at(const struct weir_device *dev)
{
	for (unsigned int i = 0; watch && i < watch->b->nr_sysmmus; i++)
		if (watch->b->sysmmus[i].node == weir_device_fwnode(dev))
			return &watch->watched[i];
	return NULL;
}

static int self(void)
{
	return race_sched_self(watch->b->options.turns);
}

/* Somebody calls the instance. */
static struct watched *called(void *instance, const char *what)
{
	struct watched *d = instance;
	bool fine = d->stage == STAGE_READY || d->task == self() ||
		    (d->stage == STAGE_PUBLISHED && watch->b->left_on);

	if (!fine)
		eb_wrong(watch->b, "%s: its %s is called while it is %s", d->s->path, what,
			 d->stage == STAGE_AWAY ? "gone" : "not ready");
	return d;
}

/* ---- its instances ---- */

static int op_translate_ids(void *instance, struct weir_device *dev, const uint32_t *cells,
			    unsigned int n, uint32_t *out_stream)
{
	struct watched *d = called(instance, "translate_ids");

	return d->ops->translate_ids(d->instance, dev, cells, n, out_stream);
}

static void op_limits(void *instance, struct weir_domain_limits *out_limits)
{
	struct watched *d = called(instance, "limits");

	d->ops->limits(d->instance, out_limits);
}

static int op_part_create(void *instance, struct weir_domain *domain, void **out_part)
{
	struct watched *d = called(instance, "part_create");

	return d->ops->part_create(d->instance, domain, out_part);
}

static void op_part_destroy(void *instance, void *part)
{
	struct watched *d = called(instance, "part_destroy");

	d->ops->part_destroy(d->instance, part);
}

static void op_tables(void *instance, struct weir_table_config *out_config)
{
	struct watched *d = called(instance, "tables");

	d->ops->tables(d->instance, out_config);
}

static int op_walks(void *instance, const struct weir_tables *tables)
{
	struct watched *d = called(instance, "walks");

	return d->ops->walks(d->instance, tables);
}

static int op_invalidate(void *instance, void *part, const struct weir_invalidation *what)
{
	struct watched *d = called(instance, "invalidate");

	return d->ops->invalidate(d->instance, part, what);
}

static int op_attach(void *instance, uint32_t stream, enum weir_domain_type type, void *part)
{
	struct watched *d = called(instance, "attach");

	return d->ops->attach(d->instance, stream, type, part);
}

static int op_enforce(void *instance)
{
	struct watched *d = called(instance, "enforce");

	return d->ops->enforce(d->instance);
}

static int op_keep(void *instance, uint32_t stream, void *part)
{
	struct watched *d = called(instance, "keep");

	return d->ops->keep(d->instance, stream, part);
}

static void op_forget(void *instance, uint32_t stream)
{
	struct watched *d = called(instance, "forget");

	d->ops->forget(d->instance, stream);
}

static int op_sync(void *instance, void *part)
{
	struct watched *d = called(instance, "sync");

	return d->ops->sync(d->instance, part);
}

int __wrap_weir_iommu_register(struct weir_device *dev, const struct weir_iommu_ops *ops,
			       void *instance)
{
	struct watched *d = watched_at(dev);

	if (!d)
		return __real_weir_iommu_register(dev, ops, instance);
	d->ops = ops;
	d->instance = instance;
	d->mine = (struct weir_iommu_ops){
		.abi = ops->abi, .translate_ids = op_translate_ids, .limits = op_limits,
		.part_create = op_part_create, .part_destroy = op_part_destroy,
		.tables = op_tables, .walks = op_walks, .invalidate = op_invalidate,
		.attach = op_attach, .enforce = op_enforce, .keep = op_keep,
		.forget = ops->forget ? op_forget : NULL, .sync = ops->sync ? op_sync : NULL,
	};
	d->stage = STAGE_PUBLISHED;
	return __real_weir_iommu_register(dev, &d->mine, d);
}

void __wrap_weir_iommu_unregister(struct weir_device *dev)
{
	struct watched *d = watched_at(dev);

	__real_weir_iommu_unregister(dev);
	if (d)
		d->stage = STAGE_AWAY;
}

/* ---- its driver ---- */

/* Where every order is run the points of the probe and the core, before and after, are enough. */
static void point(void)
{
	if (!watch->b->options.whole)
		race_models_point(&watch->b->turns);
}

static int watched_probe(struct weir_device *dev)
{
	struct watched *d = watched_at(dev);
	int err;

	if (d->stage != STAGE_AWAY)
		eb_wrong(watch->b, "%s: it is probed again", d->s->path);
	d->stage = STAGE_PROBED;
	d->task = self();
	point();
	err = watch->real->probe(dev);
	point();
	d->stage = err ? STAGE_AWAY : STAGE_READY;
	return err;
}

int eb_watch_probing(void)
{
	for (unsigned int i = 0; watch && watch->b && i < watch->b->nr_sysmmus; i++)
		if (watch->watched[i].task == self() && (watch->watched[i].stage == STAGE_PROBED ||
							 watch->watched[i].stage == STAGE_PUBLISHED))
			return (int)i;
	return -1;
}

bool eb_watch_is_alone(void *w, uintptr_t at)
{
	struct eb_watch *mine = w;

	for (unsigned int i = 0; i < mine->b->nr_sysmmus; i++) {
		const struct watched *d = &mine->watched[i];

		if (at < d->s->pa || at - d->s->pa >= d->s->bytes)
			continue;
		if (d->stage == STAGE_PROBED && d->task != self())
			eb_wrong(mine->b, "%s: its registers are touched beside its probe", d->s->path);
		return d->stage == STAGE_PROBED;
	}
	return false;
}

uint64_t eb_watch_state(const struct eb_watch *w)
{
	uint64_t hash = 0;

	for (unsigned int i = 0; i < w->b->nr_sysmmus; i++) {
		hash = race_mix(hash, (uint64_t)w->watched[i].stage << 8 |
				      (unsigned int)(w->watched[i].task + 2));
		hash = race_mix(hash, (uintptr_t)w->watched[i].instance);
	}
	return hash;
}

struct eb_watch *eb_watch_create(const struct eb_kind *kind)
{
	struct eb_watch *w = calloc(1, sizeof(*w));

	if (!w)
		abort();
	w->entry = *kind->module;
	w->driver = *w->entry.drivers[0];
	w->real = w->driver.ops;
	w->driver_ops = *w->real;
	w->driver_ops.probe = watched_probe;
	w->driver.ops = &w->driver_ops;
	w->drivers[0] = &w->driver;
	w->entry.drivers = w->drivers;
	watch = w;
	return w;
}

void eb_watch_destroy(struct eb_watch *w)
{
	watch = NULL;
	free(w);
}

const struct weir_module_entry *eb_watch_module(struct eb_watch *w)
{
	return &w->entry;
}

void eb_watch_begin(struct eb_watch *w, struct eb_board *b)
{
	w->b = b;
	memset(w->watched, 0, sizeof(w->watched));
	for (unsigned int i = 0; i < b->nr_sysmmus; i++)
		w->watched[i] = (struct watched){ .w = w, .s = &b->sysmmus[i], .task = -2 };
}
