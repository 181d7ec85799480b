// SPDX-License-Identifier: MIT
/*
 * `weir race --add`: a device is added by the probe of another one's driver, while its own
 * driver comes on another thread. Linux let a driver at a device that was on its bus and not yet
 * complete. Such a device, once bound, is never asked for who waits for the nodes below it (pin
 * configurations, cells, regulators): that is done when a device that owns its node is bound, and it
 * does not own it yet. They wait for nodes that never become devices.
 *
 * The board is started without modules. Then one thread loads all of them but the device's
 * driver, another one loads that.
 */
#include <stdlib.h>
#include <string.h>

#include "core/core.h"
#include "race_run.h"

/* ---- a run ---- */

static bool is_below(const struct weir_fwnode *node, const struct weir_fwnode *top)
{
	for (node = weir_fwnode_parent(node); node; node = weir_fwnode_parent(node))
		if (node == top)
			return true;
	return false;
}

/*
 * What holds a device back: a node that is no device, and @top's is the nearest one above it; or NULL.
 * With another one between, it is that which is waited for.
 */
static struct weir_fwlink *wait_below(const struct weir_device *dev, const struct weir_fwnode *top)
{
	struct weir_fwlink *fwlink;

	if (!dev->fwnode || dev->status == WEIR_DEVICE_BOUND || !dev->fwnode->nr_blocking)
		return NULL;
	weir_list_each(fwlink, &dev->fwnode->suppliers, struct weir_fwlink, c_node)
		if (!(fwlink->flags & (WEIR_FWLINK_CYCLE | WEIR_FWLINK_IGNORE)) &&
		    !fwlink->supplier->owner && weir_fwnode_owner_above_(fwlink->supplier) == top)
			return fwlink;
	return NULL;
}

uint64_t race_add_state(const struct race *r)
{
	const struct weir_device *dev;
	struct weir_fwnode *top;
	uint64_t n = 1;

	if (weir_fwnode_find(r->m, r->unit->master, &top))
		return 0;
	weir_list_each(dev, &r->m->devices, struct weir_device, all_node)
		n += wait_below(dev, top) != NULL;
	return n * 2 + (top->owner != NULL);
}

/* Runs on the thread that adds the device. */
void race_add_visible(void *context, struct weir_device *dev)
{
	struct race *r = context;
	char path[256];

	if (strcmp(race_path(dev, path, sizeof(path)), r->unit->master))
		return;
	race_note(r, RACE_VISIBLE, path);
	race_point(r, path, 3);
}

static void come(void *arg)
{
	struct race *r = arg;

	for (size_t i = r->unit->nr_iommu_drivers; i < r->unit->nr_drivers; i++) {
		race_note(r, RACE_INSERT, r->unit->drivers[i]);
		(void)weir_kmodel_insert(r->model, r->unit->drivers[i]);
	}
	if (!r->base->assumed)
		race_note(r, RACE_REST, "");
	weir_kmodel_settle(r->model);
	weir_kmodel_coldplug(r->model, race_may_load, r);
}

static void insert_own(void *arg)
{
	struct race *r = arg;

	for (size_t i = 0; i < r->unit->nr_iommu_drivers; i++) {
		race_note(r, RACE_INSERT, r->unit->drivers[i]);
		(void)weir_kmodel_insert(r->model, r->unit->drivers[i]);
	}
	weir_kmodel_settle(r->model);
}

int race_add_tasks(struct race *r)
{
	int task = race_sched_task(r->sched, come, r, NULL);

	if (task >= 0)
		task = race_sched_task(r->sched, insert_own, r, NULL);
	return task < 0 ? task : 0;
}

void race_add_conclude(struct race *r)
{
	const struct weir_linux_args *a = &r->base->o->linux_args;
	struct race_result *result = r->result;
	struct weir_device *dev;
	struct weir_fwnode *top;

	weir_kmodel_settle(r->model);
	weir_kmodel_coldplug(r->model, race_may_load, r);
	if (a->deferred_probe_timeout > 0)
		weir_kmodel_wait(r->model, (uint64_t)a->deferred_probe_timeout * 1000 + 1);
	if (weir_fwnode_find(r->m, r->unit->master, &top) || !top->owner ||
	    top->owner->status != WEIR_DEVICE_BOUND)
		return;
	weir_list_each(dev, &r->m->devices, struct weir_device, all_node) {
		struct weir_fwlink *fwlink = wait_below(dev, top);

		if (!fwlink)
			continue;
		race_harm(r, RACE_LEFT);
		if (result->nr_waits < RACE_WAITS) {
			struct race_wait *w = &result->waits[result->nr_waits];

			race_path(dev, w->device, sizeof(w->device));
			weir_fwnode_path(fwlink->supplier, w->node, sizeof(w->node));
		}
		result->nr_waits++;
	}
}

/* ---- which devices ---- */

/* A board without modules: what is on it was there before any could come. */
struct early {
	struct weir_machine *m;
	struct weir_kmodel *model;
};

static void early_close(struct early *e)
{
	weir_kmodel_detach(e->model);
	weir_machine_destroy(e->m);
	weir_kmodel_destroy(e->model);
}

static int early_open(struct run *base, struct race_sched *sched, struct early *out_early)
{
	enum weir_driver_when *saved = calloc(base->list->driver_count, sizeof(*saved));
	struct early e = { NULL, NULL };
	int err = saved ? 0 : WEIR_ENOMEM;

	/* without a kernel all drivers count as modules here */
	for (size_t i = 0; saved && i < base->list->driver_count; i++) {
		saved[i] = base->list->drivers[i].when;
		if (base->assumed)
			base->list->drivers[i].when = WEIR_WHEN_EXTERNAL;
	}
	if (!err)
		err = weir_machine_create_policy(race_sched_host_plain(), sched, &weir_policy_linux_6_12,
						 &base->o->linux_args, &e.m);
	if (!err)
		err = weir_firmware_load_dt(e.m, base->dtb.data, base->dtb.size);
	if (!err)
		err = weir_kmodel_create(e.m, base->list, NULL, &e.model);
	if (!err)
		err = weir_kmodel_boot(e.model);
	for (size_t i = 0; saved && i < base->list->driver_count; i++)
		base->list->drivers[i].when = saved[i];
	free(saved);
	if (err)
		early_close(&e);
	else
		*out_early = e;
	return err;
}

/*
 * Whether another node needs one below this that is no device, by the links made so far. @top_there: its
 * node in the base run.
 */
static bool is_needed_below(const struct run *base, struct weir_fwnode *top,
			    const struct weir_fwnode *top_there)
{
	struct weir_fwnode *node;
	char path[256];

	for (node = weir_fwnode_next_below_(top, top, true); node;
	     node = weir_fwnode_next_below_(node, top, true)) {
		struct weir_fwlink *fwlink;
		struct weir_fwnode *same;

		weir_fwnode_path(node, path, sizeof(path));
		if (weir_fwnode_find(base->m, path, &same) || weir_fwnode_device(same) ||
		    weir_fwnode_owner_above_(same) != top_there)
			continue;
		weir_list_each(fwlink, &node->consumers, struct weir_fwlink, s_node)
			if (fwlink->consumer != top && !is_below(fwlink->consumer, top))
				return true;
	}
	return false;
}

static void add_driver(struct race_unit *u, const char *name)
{
	for (size_t i = 0; i < u->nr_drivers; i++)
		if (!strcmp(u->drivers[i], name))
			return;
	if (u->nr_drivers < RACE_DRIVERS)
		u->drivers[u->nr_drivers++] = name;
}

/* Those of a node that come late. */
static void add_late_drivers(const struct run *base, struct race_unit *u, const struct weir_fwnode *node)
{
	for (size_t i = 0; i < base->list->driver_count; i++) {
		const struct weir_driver_spec *spec = &base->list->drivers[i];

		if ((base->assumed || spec->when == WEIR_WHEN_MODULE) && !run_denied(base, spec->name) &&
		    weir_kmodel_takes(spec, node, false))
			add_driver(u, spec->name);
	}
}

/* Return: whether the node is one, which is then in *@out_unit. */
static bool fill(const struct run *base, const struct early *early, struct weir_fwnode *node,
		 struct race_unit *out_unit)
{
	struct weir_device *dev = weir_fwnode_device(node);
	struct weir_device *maker = dev ? weir_device_parent(dev) : NULL;
	struct race_unit u = { .add = true };
	struct weir_fwnode *same;

	if (!maker || !weir_device_fwnode(maker) || weir_device_status_get(dev) != WEIR_DEVICE_BOUND)
		return false;
	weir_fwnode_path(node, u.master, sizeof(u.master));
	weir_fwnode_path(weir_device_fwnode(maker), u.maker, sizeof(u.maker));
	if (weir_fwnode_find(early->m, u.master, &same) || weir_fwnode_device(same) ||
	    !is_needed_below(base, same, node))
		return false;
	add_late_drivers(base, &u, node);
	u.nr_iommu_drivers = u.nr_drivers;
	if (base->assumed)
		add_late_drivers(base, &u, weir_device_fwnode(maker));
	*out_unit = u;
	return u.nr_iommu_drivers > 0;
}

int race_add_units(struct run *base, const char *only, struct race_sched *sched,
		   struct race_unit **out_units, size_t *out_n)
{
	struct weir_fwnode *node, *wanted = NULL;
	struct race_unit *units = NULL, *more;
	struct weir_device *dev = NULL;
	struct early early;
	size_t n = 0;
	int status;

	status = only ? find_device(base, only, &dev, &wanted) : 0;
	if (status)
		return status;
	if (dev)
		wanted = weir_device_fwnode(dev);
	if (early_open(base, sched, &early))
		return complain("out of memory");
	for (node = weir_fwnode_root(base->m); node; node = weir_fwnode_next(node)) {
		if (wanted && node != wanted)
			continue;
		more = realloc(units, (n + 1) * sizeof(*units));
		if (!more) {
			free(units);
			early_close(&early);
			return complain("out of memory");
		}
		units = more;
		n += fill(base, &early, node, &units[n]);
	}
	early_close(&early);
	*out_units = units;
	*out_n = n;
	return 0;
}
