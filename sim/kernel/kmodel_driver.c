// SPDX-License-Identifier: MIT
/*
 * What a modelled driver does when it is probed and removed.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/core.h"
#include "firmware/dt/dt.h"
#include "kernel/kmodel_priv.h"
#include "kernel/linux/linux.h"

void kmodel_complain(struct weir_kmodel *k, const char *fmt, ...)
{
	char line[300];
	va_list args;

	if (!k->options.complain)
		return;
	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	k->options.complain(k->options.context, line);
}

/* ---- faults ---- */

int kmodel_collect_faults(struct weir_kmodel *k)
{
	size_t n = 0;

	for (size_t i = 0; i < k->list->fault_count; i++)
		n += k->list->faults[i].path_count;
	k->faults = calloc(n + 1, sizeof(*k->faults));
	if (!k->faults)
		return WEIR_ENOMEM;
	for (size_t i = 0; i < k->list->fault_count; i++) {
		const struct weir_fault_spec *spec = &k->list->faults[i];

		for (size_t j = 0; j < spec->path_count; j++) {
			struct weir_fwnode *node;

			if (spec->paths[j][0] != '/' || weir_fwnode_find(k->m, spec->paths[j], &node))
				continue;
			k->faults[k->nr_faults++] =
				(struct kfault){ node, spec->defer_times ? spec->defer_times : -1 };
		}
	}
	return 0;
}

static struct kfault *find_fault(struct weir_kmodel *k, const struct weir_fwnode *node)
{
	for (size_t i = 0; i < k->nr_faults; i++)
		if (k->faults[i].node == node)
			return &k->faults[i];
	return NULL;
}

/* ---- probe and remove ---- */

static struct kdriver *driver_of(struct weir_device *dev)
{
	return weir_device_driver(dev)->context;
}

static void observe(struct kdriver *d, enum weir_kmodel_act act, struct weir_device *dev)
{
	const struct weir_kmodel_options *o = &d->model->options;

	if (o->observe)
		o->observe(o->context, act, dev, d->spec->name);
}

static bool refuses(struct weir_device *dev)
{
	const struct weir_match *match = weir_driver_match_entry(dev, weir_device_driver(dev));
	const struct weir_compat *compat = match ? match->data : NULL;

	return compat && compat->first_only &&
	       strcmp(weir_fwnode_compatible(weir_device_fwnode(dev), 0), compat->name);
}

static bool has_children_to_make(const struct weir_fwnode *node)
{
	const struct weir_fwnode *child;

	if (weir_fwnode_flags(node) & WEIR_FWNODE_POPULATED_BUS)
		return false;
	for (child = weir_fwnode_first_child(node); child; child = weir_fwnode_next_sibling(child))
		if (weir_fwnode_available(child) && weir_dt_node_(child)->has_compatible)
			return true;
	return false;
}

static int offer_services(struct weir_device *dev)
{
	struct weir_fwnode *node = weir_device_fwnode(dev);
	const void *value;
	int err = 0;

	if (has_children_to_make(node)) {
		weir_device_set_data(dev, dev); /* remembers to take them back */
		err = weir_fwnode_populate(dev, false);
	}
	if (!err && !weir_fwnode_property(node, "#iommu-cells", &value, NULL))
		err = weir_iommu_register(dev, NULL, NULL);
	/* an IOMMU that is itself behind one is not registered, and works all the same */
	return err == WEIR_EEXIST ? 0 : err;
}

static int probe(struct weir_device *dev)
{
	struct kdriver *d = driver_of(dev);
	const struct weir_kmodel_options *o = &d->model->options;
	struct kfault *fault;
	int err;

	if (refuses(dev)) {
		observe(d, WEIR_ACT_REFUSE, dev);
		return WEIR_ENODEV;
	}
	fault = find_fault(d->model, weir_device_fwnode(dev));
	if (fault && fault->left < 0) {
		observe(d, WEIR_ACT_FAIL, dev);
		return WEIR_EIO;
	}
	if (fault && fault->left > 0) {
		fault->left--;
		observe(d, WEIR_ACT_DEFER, dev);
		return weir_dev_fail(dev, WEIR_EDEFER, "not yet");
	}
	err = o->allow ? o->allow(o->context, dev, d->spec) : 0;
	if (err) {
		observe(d, WEIR_ACT_FAIL, dev);
		return err;
	}
	if (o->probe_ns && weir_kmodel_is_linux_(d->model))
		weir_linux_elapse(d->model->m, o->probe_ns);
	observe(d, WEIR_ACT_PROBE, dev);
	if (o->step)
		o->step(o->context, dev, false);
	err = offer_services(dev);
	if (!err && o->step)
		o->step(o->context, dev, true);
	return err;
}

static void remove_device(struct weir_device *dev)
{
	observe(driver_of(dev), WEIR_ACT_REMOVE, dev);
	weir_iommu_unregister(dev);
	if (weir_device_data(dev))
		weir_fwnode_depopulate(dev);
}

static void sync_state(struct weir_device *dev)
{
	(void)dev; /* that it was called is in the event stream */
}

static const struct weir_driver_ops plain_ops = {
	.abi = WEIR_ABI(struct weir_driver_ops),
	.probe = probe,
	.remove = remove_device,
};

static const struct weir_driver_ops sync_ops = {
	.abi = WEIR_ABI(struct weir_driver_ops),
	.probe = probe,
	.remove = remove_device,
	.sync_state = sync_state,
};

const struct weir_driver_ops *kmodel_driver_ops(bool with_sync_state)
{
	return with_sync_state ? &sync_ops : &plain_ops;
}
