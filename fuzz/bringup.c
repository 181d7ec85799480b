// SPDX-License-Identifier: MIT
/* See bringup.h. One machine at a time, used by one thread. */
#include "bringup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/kmodel.h"
#include "kernel/linux/linux.h"
#include "kernel/script.h"
#include "kernel/strtable.h"

#define MAX_DRIVERS 4096u

struct run {
	const struct bringup *b;
	struct weir_machine *m;
	struct weir_kmodel *model;
	struct weir_driver_list *own_list;
	const struct weir_driver_list *list;
	struct weir_trace trace;
	size_t live, events;
	size_t max_events;
};

_Noreturn void bringup_die(const char *what, const char *file, int line)
{
	fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
	abort();
}

/* ---- the host: what it gives out is counted, what it is told is looked at ---- */

struct weir_lock {
	bool held;
};

static void *host_alloc(void *host, size_t bytes)
{
	struct run *r = host;

	r->live++;
	return calloc(1, bytes);
}

static void host_free(void *host, void *mem, size_t bytes)
{
	struct run *r = host;

	(void)bytes;
	r->live--;
	free(mem);
}

static struct weir_lock *host_lock_create(void *host, unsigned int rank)
{
	(void)rank;
	return host_alloc(host, sizeof(struct weir_lock));
}

static void host_lock_destroy(void *host, struct weir_lock *lock)
{
	host_free(host, lock, sizeof(*lock));
}

static void host_lock(void *host, struct weir_lock *lock)
{
	(void)host;
	BRINGUP_CHECK(!lock->held);
	lock->held = true;
}

static void host_unlock(void *host, struct weir_lock *lock)
{
	(void)host;
	BRINGUP_CHECK(lock->held);
	lock->held = false;
}

static void host_assert_failed(void *host, const char *what, const char *file, int line)
{
	(void)host;
	bringup_die(what, file, line);
}

/* One line, and no terminal is steered by what is in a tree. */
static void host_log(void *host, enum weir_log_level level, const char *line)
{
	(void)host;
	(void)level;
	for (; *line; line++)
		BRINGUP_CHECK((unsigned char)*line >= ' ' && *line != 127);
}

static const struct weir_host_ops host_ops = {
	.abi = WEIR_ABI(struct weir_host_ops),
	.alloc = host_alloc,
	.free = host_free,
	.lock_create = host_lock_create,
	.lock_destroy = host_lock_destroy,
	.lock = host_lock,
	.unlock = host_unlock,
	.assert_failed = host_assert_failed,
	.log = host_log,
};

/* ---- the drivers ---- */

/* Each compatible string of the tree once. Borrowed from the tree. */
static size_t collect_compats(struct weir_machine *m, const char **out)
{
	struct weir_strtable seen = { 0 };
	struct weir_fwnode *node;
	size_t n = 0;

	for (node = weir_fwnode_root(m); node; node = weir_fwnode_next(node)) {
		const char *text;

		for (unsigned int i = 0; (text = weir_fwnode_compatible(node, i)); i++) {
			size_t len = strlen(text);
			uint32_t id;

			if (n == MAX_DRIVERS)
				break;
			if (weir_strtable_find(&seen, text, len) != WEIR_STRTABLE_NONE)
				continue;
			BRINGUP_CHECK(!weir_strtable_add(&seen, text, len, &id));
			out[n++] = text;
		}
	}
	weir_strtable_fini(&seen);
	return n;
}

static void make_list(struct run *r)
{
	static const char *compats[MAX_DRIVERS];
	static bool external[MAX_DRIVERS];
	size_t n;

	r->list = r->b->list;
	if (r->list)
		return;
	n = collect_compats(r->m, compats);
	for (size_t i = 0; i < n; i++)
		external[i] = r->b->external >> (i % 32) & 1;
	BRINGUP_CHECK(!weir_driver_list_build_all(compats, external, n, &r->own_list));
	r->list = r->own_list;
}

/* ---- what must hold ---- */

/*
 * Every bring-up ends: what happens is bounded by what there is. A bind may have
 * every waiting device tried again, and that for each line of the script.
 */
static void on_event(void *context, const struct weir_event *event)
{
	struct run *r = context;

	(void)event;
	BRINGUP_CHECK(++r->events <= r->max_events);
}

static void bound_events(struct run *r)
{
	size_t nodes = 1, cells = 0;
	struct weir_fwnode *node;

	for (node = weir_fwnode_root(r->m); node; node = weir_fwnode_next(node)) {
		nodes++;
		cells += weir_fwnode_compatible(node, 0) != NULL;
	}
	r->max_events = 10000 + 100 * nodes + 200 * (cells + 1) * (nodes + 1);
}

static void check_device(struct run *r, struct weir_device *dev, size_t nr_devices)
{
	bool bound = weir_device_status_get(dev) == WEIR_DEVICE_BOUND;
	struct weir_why why, root;
	enum weir_verdict v = weir_device_verdict(dev, &why);
	char path[200];

	BRINGUP_CHECK((unsigned int)v < WEIR_VERDICT_COUNT_);
	BRINGUP_CHECK(v == why.verdict && why.device == dev);
	BRINGUP_CHECK((v == WEIR_VERDICT_BOUND) == bound);
	BRINGUP_CHECK(v == weir_device_verdict(dev, NULL));
	BRINGUP_CHECK(weir_device_root_cause(dev, &root) <= nr_devices);
	BRINGUP_CHECK(root.device && (unsigned int)root.verdict < WEIR_VERDICT_COUNT_);
	BRINGUP_CHECK(bound || root.verdict != WEIR_VERDICT_BOUND);
	if (root.node)
		weir_fwnode_path(root.node, path, sizeof(path));
	/* settled, so nothing can be ready any more */
	if (r->b->policy != &weir_policy_linux_6_12)
		BRINGUP_CHECK(v != WEIR_VERDICT_READY);
}

static void check_all(struct run *r)
{
	struct weir_machine_stats stats;
	struct weir_device *dev;
	size_t n = 0;

	weir_machine_stats_get(r->m, &stats);
	for (dev = weir_device_first(r->m); dev; dev = weir_device_next(dev), n++)
		check_device(r, dev, stats.devices);
	BRINGUP_CHECK(n == stats.devices);
}

/* ---- the run ---- */

/* $N stands for the name of a driver of the list. */
static void run_line(struct run *r, const char *line)
{
	struct weir_errtext et = { "" };
	const char *dollar = strchr(line, '$');
	char text[600];
	int err;

	if (dollar && !r->list->driver_count)
		return;
	if (dollar) {
		size_t i = strtoul(dollar + 1, NULL, 10) % r->list->driver_count;

		snprintf(text, sizeof(text), "%.*s%.500s", (int)(dollar - line), line,
			 r->list->drivers[i].name);
		line = text;
	}
	err = weir_script_run(r->model, NULL, line, &et);
	BRINGUP_CHECK(!err || et.text[0]); /* nothing is refused without a reason */
	check_all(r);
}

static void bring_up(struct run *r)
{
	struct weir_kmodel_options options = {
		.sync_state = r->b->sync_state,
		.hold_devices = r->b->external & 1,
	};

	make_list(r);
	bound_events(r);
	r->trace = (struct weir_trace){ .fn = on_event, .context = r };
	weir_trace_attach(r->m, &r->trace);
	BRINGUP_CHECK(!weir_kmodel_create(r->m, r->list, &options, &r->model));
	BRINGUP_CHECK(!weir_kmodel_boot(r->model));
	check_all(r);
	for (const char *const *line = r->b->script; line && *line; line++)
		run_line(r, *line);
}

int bringup_run(const struct bringup *b, const void *blob, size_t bytes)
{
	struct run r = { .b = b };
	struct weir_linux_args args;
	int err;

	weir_linux_args_init(&args);
	weir_linux_args_parse(&args, b->cmdline ? b->cmdline : "");
	BRINGUP_CHECK(!weir_machine_create_policy(
		&host_ops, &r, b->policy,
		b->policy == &weir_policy_linux_6_12 ? &args : NULL, &r.m));
	err = weir_firmware_load_dt(r.m, blob, bytes);
	if (err) {
		struct weir_machine_stats stats;

		/* refused with a reason that names a place, and without a trace */
		BRINGUP_CHECK(err == WEIR_EBADMSG);
		BRINGUP_CHECK(strstr(weir_firmware_error(r.m), "offset"));
		BRINGUP_CHECK(!weir_fwnode_root(r.m));
		weir_machine_stats_get(r.m, &stats);
		BRINGUP_CHECK(!stats.fwnodes && !stats.fwnode_links);
	} else {
		bring_up(&r);
	}
	if (r.model)
		weir_trace_detach(r.m, &r.trace);
	weir_kmodel_detach(r.model);
	weir_machine_destroy(r.m);
	weir_kmodel_destroy(r.model);
	weir_driver_list_destroy(r.own_list);
	BRINGUP_CHECK(!r.live);
	return err;
}
