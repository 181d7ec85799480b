// SPDX-License-Identifier: MIT
/*
 * The kernel model: its drivers and when they come. See kmodel.h.
 *
 * For each entry of the list there is a platform driver, and an AMBA driver when
 * the tree has AMBA cells that it takes. Owned by the caller; used by one thread,
 * except for the probes, which may run on the host's.
 */
#include "kernel/kmodel.h"

#include <stdlib.h>
#include <string.h>

#include "core/core.h"
#include "firmware/dt/dt.h"
#include "kernel/kmodel_priv.h"
#include "kernel/linux/linux.h"

bool weir_kmodel_is_linux_(const struct weir_kmodel *k)
{
	return k->m->policy == &weir_policy_linux_6_12;
}

/* ---- what early code did ---- */

static void mark_early(struct weir_kmodel *k, const struct weir_early_spec *early)
{
	struct weir_fwnode *node;

	for (node = weir_fwnode_root(k->m); node; node = weir_fwnode_next(node)) {
		const struct weir_dt_node *dt_node = weir_dt_node_(node);
		bool hit = false;

		for (size_t i = 0; i < early->compat_count && !hit; i++)
			hit = weir_dt_is_compatible_(dt_node, early->compats[i]);
		if (!hit || !weir_fwnode_available(node))
			continue;
		if (early->kind == WEIR_EARLY_IRQ &&
		    !weir_dt_prop_(k->m->dt, dt_node, "interrupt-controller"))
			continue;
		weir_fwnode_set_initialized(node, true, early->kind != WEIR_EARLY_INIT);
	}
}

/* ---- life ---- */

bool weir_kmodel_takes(const struct weir_driver_spec *spec, const struct weir_fwnode *node,
		       bool listed)
{
	const char *text;

	for (unsigned int i = 0; (text = weir_fwnode_compatible(node, i)); i++)
		for (size_t j = 0; j < spec->compat_count; j++)
			if (!(listed && spec->compats[j].unlisted) &&
			    !strcmp(spec->compats[j].name, text))
				return true;
	return false;
}

static bool has_amba_cell(struct weir_kmodel *k, const struct weir_driver_spec *spec)
{
	for (size_t i = 0; i < k->nr_cells; i++)
		if (weir_kmodel_takes(spec, k->cells[i], false))
			return true;
	return false;
}

static int collect_cells(struct weir_kmodel *k)
{
	struct weir_fwnode *node;

	for (node = weir_fwnode_root(k->m); node; node = weir_fwnode_next(node)) {
		struct weir_fwnode **more;

		if (!weir_dt_is_compatible_(weir_dt_node_(node), "arm,primecell"))
			continue;
		more = realloc(k->cells, (k->nr_cells + 1) * sizeof(struct weir_fwnode *));
		if (!more)
			return WEIR_ENOMEM;
		k->cells = more;
		k->cells[k->nr_cells++] = node;
	}
	return 0;
}

static int init_driver(struct weir_kmodel *k, struct kdriver *d,
		       const struct weir_driver_spec *spec)
{
	d->model = k;
	d->spec = spec;
	d->match = calloc(spec->compat_count + 1, sizeof(*d->match));
	if (!d->match)
		return WEIR_ENOMEM;
	for (size_t i = 0; i < spec->compat_count; i++)
		d->match[i] = (struct weir_match){ spec->compats[i].name, &spec->compats[i] };
	d->platform = (struct weir_driver){
		.name = spec->name, .bus = "platform", .match = d->match,
		.ops = kmodel_driver_ops(k->options.sync_state), .context = d,
	};
	d->amba = d->platform;
	d->amba.bus = "amba";
	d->has_amba = has_amba_cell(k, spec);
	return 0;
}

static int make_drivers(struct weir_kmodel *k)
{
	k->drivers = calloc(k->list->driver_count + 1, sizeof(*k->drivers));
	if (!k->drivers)
		return WEIR_ENOMEM;
	for (size_t i = 0; i < k->list->driver_count; i++) {
		int err = init_driver(k, &k->drivers[i], &k->list->drivers[i]);

		if (err)
			return err;
		k->nr_drivers++;
	}
	return kmodel_index_names(k);
}

/* Runs under the machine lock, as all traces do. */
static void hold_device(void *context, const struct weir_event *event)
{
	struct weir_kmodel *k = context;
	struct weir_device **more;

	if (event->type != WEIR_EVENT_DEVICE_ADD || !k->options.hold_devices)
		return;
	more = realloc(k->held, (k->nr_held + 1) * sizeof(struct weir_device *));
	if (!more)
		return;
	k->held = more;
	k->held[k->nr_held++] = event->device;
	event->device->refs++;
}

int weir_kmodel_create(struct weir_machine *m, const struct weir_driver_list *list,
		       const struct weir_kmodel_options *options, struct weir_kmodel **out_model)
{
	struct weir_kmodel *k = calloc(1, sizeof(*k));
	int err;

	if (!k)
		return WEIR_ENOMEM;
	k->m = m;
	k->list = list;
	if (options)
		k->options = *options;
	for (size_t i = 0; i < list->early_count; i++)
		mark_early(k, &list->early[i]);
	err = kmodel_collect_faults(k);
	if (!err)
		err = collect_cells(k);
	if (!err)
		err = make_drivers(k);
	if (!err)
		err = weir_firmware_buses(m);
	k->trace = (struct weir_trace){ .fn = hold_device, .context = k };
	weir_trace_attach(m, &k->trace);
	if (err) {
		weir_kmodel_detach(k);
		weir_kmodel_destroy(k);
		return err;
	}
	*out_model = k;
	return 0;
}

void weir_kmodel_destroy(struct weir_kmodel *k)
{
	if (!k)
		return;
	for (size_t i = 0; i < k->nr_drivers; i++)
		free(k->drivers[i].match);
	free(k->drivers);
	free(k->by_name);
	free(k->cells);
	free(k->held);
	free(k->faults);
	free(k);
}

void weir_kmodel_detach(struct weir_kmodel *k)
{
	if (!k)
		return;
	k->options.observe = NULL;
	k->options.complain = NULL;
	weir_trace_detach(k->m, &k->trace);
	for (size_t i = 0; i < k->nr_held; i++)
		weir_device_unref(k->held[i]);
	k->nr_held = 0;
}

/* ---- registration ---- */

static int register_driver(struct weir_kmodel *k, struct kdriver *d)
{
	int err;

	if (d->loaded)
		return 0;
	err = weir_driver_register(k->m, &d->platform);
	if (!err && d->has_amba) {
		err = weir_driver_register(k->m, &d->amba);
		if (err)
			weir_driver_unregister(k->m, &d->platform);
	}
	if (err)
		kmodel_complain(k, "cannot register %s: %s", d->spec->name, weir_strerror(err));
	d->loaded = !err;
	return err;
}

static void unregister_driver(struct weir_kmodel *k, struct kdriver *d)
{
	if (!d->loaded)
		return;
	if (d->has_amba)
		weir_driver_unregister(k->m, &d->amba);
	weir_driver_unregister(k->m, &d->platform);
	d->loaded = false;
}

void weir_kmodel_settle(struct weir_kmodel *k)
{
	if (weir_kmodel_is_linux_(k))
		weir_linux_settle(k->m);
	else
		weir_settle(k->m);
}

void weir_kmodel_wait(struct weir_kmodel *k, uint64_t ms)
{
	if (weir_kmodel_is_linux_(k))
		weir_linux_advance(k->m, ms);
	weir_kmodel_settle(k);
}

/* ---- boot ---- */

static int run_level(struct weir_kmodel *k, unsigned int level)
{
	for (size_t i = 0; i < k->nr_drivers; i++) {
		struct kdriver *d = &k->drivers[i];
		int err;

		if (d->spec->when != WEIR_WHEN_INITCALL || d->spec->level != level)
			continue;
		err = register_driver(k, d);
		if (err == WEIR_ENOMEM)
			return err;
	}
	return 0;
}

#define LEVEL_POPULATE 7  /* 3s: arch_initcall_sync */
#define LEVEL_LATE     14 /* 7: late_initcall */
#define LEVEL_LAST     15 /* 7s */

int weir_kmodel_boot(struct weir_kmodel *k)
{
	int err = 0;

	for (unsigned int level = 0; level <= LEVEL_LAST && !err; level++) {
		if (level == LEVEL_POPULATE) {
			if (weir_kmodel_is_linux_(k))
				weir_linux_populate_begin(k->m);
			err = weir_firmware_populate(k->m);
		}
		if (level == LEVEL_LATE && weir_kmodel_is_linux_(k))
			weir_linux_initcalls_end(k->m);
		if (level == LEVEL_LAST && weir_kmodel_is_linux_(k))
			weir_linux_populate_end(k->m);
		if (!err)
			err = run_level(k, level);
	}
	weir_kmodel_settle(k);
	return err;
}

/* ---- modules ---- */

static void load(struct weir_kmodel *k, struct kdriver *d, weir_kmodel_filter *filter, void *context)
{
	if (d->loaded || d->loading)
		return;
	d->loading = true;
	for (size_t i = 0; i < d->spec->dep_count; i++) {
		struct kdriver *dep = kmodel_find(k, d->spec->deps[i]);

		if (dep && (!filter || filter(context, dep->spec)))
			load(k, dep, filter, context);
	}
	register_driver(k, d);
	weir_kmodel_settle(k);
	d->loading = false;
}

int weir_kmodel_load(struct weir_kmodel *k, const char *name)
{
	struct kdriver *d = kmodel_find(k, name);

	if (!d)
		return WEIR_ENOENT;
	load(k, d, NULL, NULL);
	return 0;
}

int weir_kmodel_insert(struct weir_kmodel *k, const char *name)
{
	struct kdriver *d = kmodel_find(k, name);

	return d ? register_driver(k, d) : WEIR_ENOENT;
}

int weir_kmodel_load_allowed(struct weir_kmodel *k, const char *name, weir_kmodel_filter *filter,
			     void *context)
{
	struct kdriver *d = kmodel_find(k, name);

	if (!d || (filter && !filter(context, d->spec)))
		return WEIR_ENOENT;
	load(k, d, filter, context);
	return 0;
}

int weir_kmodel_unload(struct weir_kmodel *k, const char *name)
{
	struct kdriver *d = kmodel_find(k, name);

	if (!d)
		return WEIR_ENOENT;
	unregister_driver(k, d);
	weir_kmodel_settle(k);
	return 0;
}

void weir_kmodel_load_external(struct weir_kmodel *k)
{
	for (size_t i = 0; i < k->nr_drivers; i++)
		if (k->drivers[i].spec->when == WEIR_WHEN_EXTERNAL)
			load(k, &k->drivers[i], NULL, NULL);
}

/* The device that was added next after the one numbered @after. */
static struct weir_device *device_after(struct weir_machine *m, uint32_t after)
{
	struct weir_device *dev, *found = NULL;

	weir_lock_(m);
	weir_list_each(dev, &m->devices, struct weir_device, all_node) {
		if (dev->seq <= after)
			continue;
		found = dev;
		break;
	}
	weir_unlock_(m);
	return found;
}

void weir_kmodel_coldplug(struct weir_kmodel *k, weir_kmodel_filter *filter, void *context)
{
	struct weir_device *dev;
	uint32_t after = 0;

	while ((dev = device_after(k->m, after))) {
		struct weir_fwnode *node = dev->fwnode;

		after = dev->seq;
		for (size_t i = 0; i < k->nr_drivers; i++) {
			struct kdriver *d = &k->drivers[i];

			if (d->spec->when != WEIR_WHEN_MODULE || d->loaded ||
			    !weir_kmodel_takes(d->spec, node, true) ||
			    (filter && !filter(context, d->spec)))
				continue;
			load(k, d, filter, context);
		}
	}
}

bool weir_kmodel_loaded(const struct weir_kmodel *k, const struct weir_driver_spec *spec)
{
	return k->drivers[spec - k->list->drivers].loaded;
}

const struct weir_driver_spec *weir_kmodel_spec_of(const struct weir_driver *drv)
{
	return drv ? ((const struct kdriver *)drv->context)->spec : NULL;
}
