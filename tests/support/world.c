// SPDX-License-Identifier: MIT
/* See world.h. */
#include "world.h"

#include <stdio.h>
#include <string.h>

/* ---- journal and plans ---- */

void world_note(struct world *w, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (w->quiet)
		return;
	pthread_mutex_lock(&w->mutex);
	if (w->journal_bytes && w->journal_bytes + 2 < sizeof(w->journal)) {
		memcpy(w->journal + w->journal_bytes, "; ", 2);
		w->journal_bytes += 2;
	}
	va_start(ap, fmt);
	n = vsnprintf(w->journal + w->journal_bytes, sizeof(w->journal) - w->journal_bytes, fmt, ap);
	va_end(ap);
	w->journal_bytes += (size_t)n;
	if (w->journal_bytes >= sizeof(w->journal))
		w->journal_bytes = sizeof(w->journal) - 1;
	pthread_mutex_unlock(&w->mutex);
}

void world_assert_journal_(struct world *w, const char *text, const char *file, int line)
{
	char was[sizeof(w->journal)];

	pthread_mutex_lock(&w->mutex);
	memcpy(was, w->journal, w->journal_bytes);
	was[w->journal_bytes] = '\0';
	w->journal_bytes = 0;
	pthread_mutex_unlock(&w->mutex);
	_assert_string_equal(was, text, file, line);
}

void world_plan(struct world *w, const char *call, const char *device, int err,
		unsigned int times)
{
	for (unsigned int i = 0; i < WORLD_PLANS; i++) {
		if (w->plans[i].call)
			continue;
		w->plans[i] = (struct world_plan){ call, device, err, times };
		return;
	}
	fail_msg("too many plans");
}

static int planned(struct world *w, const char *call, const char *device)
{
	int err = 0;

	pthread_mutex_lock(&w->mutex);
	for (unsigned int i = 0; i < WORLD_PLANS && !err; i++) {
		struct world_plan *plan = &w->plans[i];

		if (!plan->call || strcmp(plan->call, call) || strcmp(plan->device, device))
			continue;
		err = plan->err;
		if (plan->times && !--plan->times)
			plan->call = NULL;
	}
	pthread_mutex_unlock(&w->mutex);
	return err;
}

/* ---- the drivers ---- */

static struct world *world_of(struct weir_device *dev)
{
	return weir_device_driver(dev)->context;
}

static int call(struct weir_device *dev, const char *what)
{
	struct world *w = world_of(dev);

	world_note(w, "%s %s", what, weir_device_name(dev));
	if (w->on_call)
		w->on_call(w, what, dev);
	return planned(w, what, weir_device_name(dev));
}

static int on_probe(struct weir_device *dev)
{
	struct world *w = world_of(dev);
	int err = call(dev, "probe");

	return err || !w->on_probe ? err : w->on_probe(w, dev);
}

static void on_remove(struct weir_device *dev)
{
	call(dev, "remove");
}

static void on_sync_state(struct weir_device *dev)
{
	call(dev, "sync_state");
}

static void on_supplier_arrived(struct weir_device *dev, struct weir_device *supplier)
{
	struct world *w = world_of(dev);

	world_note(w, "arrived %s for %s", weir_device_name(supplier), weir_device_name(dev));
	if (w->on_call)
		w->on_call(w, "arrived", dev);
}

static int on_suspend(struct weir_device *dev)
{
	return call(dev, "suspend");
}

static int on_resume(struct weir_device *dev)
{
	return call(dev, "resume");
}

static void on_shutdown(struct weir_device *dev)
{
	call(dev, "shutdown");
}

static int on_runtime_suspend(struct weir_device *dev)
{
	return call(dev, "sleep");
}

static int on_runtime_resume(struct weir_device *dev)
{
	return call(dev, "wake");
}

static const struct weir_driver_ops driver_ops = {
	.abi = WEIR_ABI(struct weir_driver_ops),
	.probe = on_probe,
	.remove = on_remove,
	.sync_state = on_sync_state,
	.supplier_arrived = on_supplier_arrived,
	.suspend = on_suspend,
	.resume = on_resume,
	.shutdown = on_shutdown,
	.runtime_suspend = on_runtime_suspend,
	.runtime_resume = on_runtime_resume,
};

struct world_driver *world_driver(struct world *w, const char *name, const char *key,
				  const char *key2, const char *key3)
{
	struct world_driver *d = &w->drivers[w->nr_drivers++];

	assert_true(w->nr_drivers <= WORLD_DRIVERS);
	d->ops = driver_ops;
	if (!w->sync_state)
		d->ops.sync_state = NULL;
	d->match[0].key = key;
	d->match[1].key = key2;
	d->match[2].key = key3;
	d->drv = (struct weir_driver){
		.name = name, .bus = "test", .match = d->match, .ops = &d->ops, .context = w,
	};
	return d;
}

struct world_driver *world_driver_add(struct world *w, const char *name, const char *key)
{
	struct world_driver *d = world_driver(w, name, key, NULL, NULL);

	assert_int_equal(weir_driver_register(w->m, &d->drv), 0);
	return d;
}

void world_driver_del(struct world *w, struct world_driver *d)
{
	assert_int_equal(weir_driver_unregister(w->m, &d->drv), 0);
}

/* ---- devices and links ---- */

int world_try_device(struct world *w, const char *name, struct weir_device *parent,
		     const char *compatible, struct weir_device **out_dev)
{
	struct weir_fwnode *node;
	struct weir_device *dev;
	int err = weir_fwnode_create(w->m, NULL, name, compatible, &node);

	if (err)
		return err;
	err = weir_device_create(w->bus, name, parent, node, &dev);
	if (err)
		return err;
	err = weir_device_add(dev);
	weir_device_unref(dev);
	if (!err && out_dev)
		*out_dev = dev;
	return err;
}

struct weir_device *world_device(struct world *w, const char *name, struct weir_device *parent,
				 const char *compatible)
{
	struct weir_device *dev = NULL;

	assert_int_equal(world_try_device(w, name, parent, compatible, &dev), 0);
	return dev;
}

struct weir_device *world_find(struct world *w, const char *name)
{
	struct weir_device *dev;

	if (weir_device_find(w->bus, name, &dev))
		fail_msg("no device %s", name);
	return dev;
}

struct weir_link *world_link(struct world *w, const char *consumer, const char *supplier)
{
	struct weir_link *link;

	if (weir_link_find(world_find(w, consumer), world_find(w, supplier), &link))
		return NULL;
	return link;
}

/* ---- life ---- */

int world_try_open(struct world *w, struct testhost *host, const struct weir_policy_ops *policy)
{
	struct weir_posix *posix = w->posix;
	int err;

	memset(w, 0, sizeof(*w));
	pthread_mutex_init(&w->mutex, NULL);
	w->posix = posix;
	w->host = host;
	err = weir_machine_create_policy(testhost_ops(host), host, policy, NULL, &w->m);
	if (err) {
		w->m = NULL;
		return err;
	}
	return weir_bus_create(w->m, "test", NULL, &w->bus);
}

void world_open(struct world *w, const struct weir_policy_ops *policy)
{
	w->posix = NULL;
	assert_int_equal(world_try_open(w, testhost_create(NULL, NULL), policy), 0);
}

void world_open_threads(struct world *w, const struct weir_policy_ops *policy,
			unsigned int threads)
{
	struct weir_posix_options options = { .threads = threads };

	assert_int_equal(weir_posix_create(&options, &w->posix), 0);
	assert_int_equal(world_try_open(w, testhost_create(weir_posix_ops(w->posix), w->posix),
					policy), 0);
}

void world_close(struct world *w)
{
	weir_machine_destroy(w->m);
	w->host = testhost_destroy(w->host);
	w->posix = weir_posix_destroy(w->posix);
	pthread_mutex_destroy(&w->mutex);
}
