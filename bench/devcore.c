// SPDX-License-Identifier: MIT
/*
 * N made-up devices with dependencies: what it costs to add them all until all are
 * bound, and to take them down. Names and shapes are those of the benchmark of Linux's
 * driver core that README.md compares with; time is the thread's CPU time.
 *
 * modes:   plain   the driver looks for its suppliers and waits for the first missing one
 *          fwlink  firmware names suppliers
 *          dlink   explicit links, devices and links first, the driver last
 * shapes:  ready   4 random suppliers each, which are there already
 *          chain   device i needs i + 1, added in that order: the worst
 *          level   5 layers, 4 suppliers each in the layer below, random order
 *          dag     4 random suppliers each among all earlier ones, random order
 *          late    everybody needs the last device
 * drivers: one that takes all; _ndrv: one for each device, registered first, _ndrv_late:
 *          registered last. _eager: after each device, all that can be probed is.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "weir/posix.h"
#include "weir/weir.h"

#define MAX_SUPPLIERS 4u

enum mode { PLAIN, FWLINK, DLINK };
enum shape { READY, CHAIN, LEVEL, DAG, LATE };
enum how { ONE_DRIVER, N_DRIVERS, N_DRIVERS_LATE, EAGER };

static const char *const mode_names[] = { "plain", "fwlink", "dlink" };
static const char *const shape_names[] = { "ready", "chain", "level", "dag", "late" };
static const char *const how_names[] = { "", "_ndrv", "_ndrv_late", "_eager" };

struct node {
	struct weir_fwnode *fw;
	struct weir_device *dev;
	struct weir_driver drv; /* its own, with N drivers */
	uint32_t nr_suppliers;
	uint32_t suppliers[MAX_SUPPLIERS];
	char name[16];
};

struct bench {
	enum mode mode;
	enum shape shape;
	enum how how;
	uint32_t n;
	char name[64];
	struct node *nodes;
	uint32_t *order;
	struct weir_posix *posix;
	struct weir_machine *m;
	struct weir_bus *bus;
	struct weir_driver drv;
	uint64_t probes;
	struct bench_series nodes_time, drivers_time, total, teardown;
};

/* ---- the graph ---- */

static uint64_t next_random(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u; /* Knuth, MMIX */
	return *state >> 33;
}

static void random_suppliers(struct node *node, uint32_t below, uint64_t *state)
{
	while (node->nr_suppliers < MAX_SUPPLIERS && node->nr_suppliers < below) {
		uint32_t pick = (uint32_t)(next_random(state) % below), i;

		for (i = 0; i < node->nr_suppliers && node->suppliers[i] != pick; i++)
			;
		if (i == node->nr_suppliers)
			node->suppliers[node->nr_suppliers++] = pick;
	}
}

static void shuffle(uint32_t *order, uint32_t n)
{
	uint64_t state = 77;

	for (uint32_t i = n; i-- > 1;) {
		uint32_t j = (uint32_t)(next_random(&state) % (i + 1)), tmp = order[i];

		order[i] = order[j];
		order[j] = tmp;
	}
}

static void choose_suppliers(struct bench *b, uint32_t i, uint64_t *state)
{
	struct node *node = &b->nodes[i];
	uint32_t layer = b->n / 5;

	switch (b->shape) {
	case READY:
	case DAG:
		random_suppliers(node, i, state);
		break;
	case CHAIN:
		if (i + 1 < b->n)
			node->suppliers[node->nr_suppliers++] = i + 1;
		break;
	case LEVEL:
		if (i < layer)
			break;
		for (uint32_t k = 0; k < MAX_SUPPLIERS; k++)
			node->suppliers[node->nr_suppliers++] =
				(i / layer - 1) * layer +
				(uint32_t)(next_random(state) % (layer / 4)) * 4 + k;
		break;
	case LATE:
		if (i + 1 < b->n)
			node->suppliers[node->nr_suppliers++] = b->n - 1;
		break;
	}
}

static void build(struct bench *b)
{
	uint64_t state = 12345 + b->n;

	memset(b->nodes, 0, b->n * sizeof(*b->nodes));
	for (uint32_t i = 0; i < b->n; i++) {
		snprintf(b->nodes[i].name, sizeof(b->nodes[i].name), "pn%u", i);
		b->order[i] = i;
		choose_suppliers(b, i, &state);
	}
	if (b->shape == LEVEL || b->shape == DAG)
		shuffle(b->order, b->n);
}

/* ---- the machine ---- */

static int probe_plain(struct weir_device *dev);

static const struct weir_driver_ops plain_ops = {
	.abi = WEIR_ABI(struct weir_driver_ops), .probe = probe_plain,
};
static const struct weir_driver_ops link_ops = { .abi = WEIR_ABI(struct weir_driver_ops) };
static const struct weir_match match[] = { { "bench,node", NULL }, { NULL, NULL } };
static const struct weir_bus_ops by_compatible = { .abi = WEIR_ABI(struct weir_bus_ops) };
static const struct weir_bus_ops by_name = {
	.abi = WEIR_ABI(struct weir_bus_ops), .match_name = true,
};

static void check(int err, const char *what)
{
	if (!err)
		return;
	fprintf(stderr, "bench: %s: %s\n", what, weir_strerror(err));
	exit(1);
}

static bool has_own_driver(const struct bench *b)
{
	return b->how == N_DRIVERS || b->how == N_DRIVERS_LATE;
}

/* What a driver does that finds a supplier missing: it says which. */
static int probe_plain(struct weir_device *dev)
{
	struct bench *b = weir_device_driver(dev)->context;
	struct node *node = &b->nodes[strtoul(weir_device_name(dev) + 2, NULL, 10)];

	b->probes++;
	for (uint32_t k = 0; k < node->nr_suppliers; k++) {
		struct node *sup = &b->nodes[node->suppliers[k]];

		if (!sup->dev || weir_device_status_get(sup->dev) != WEIR_DEVICE_BOUND)
			return weir_dev_wait_for(dev, sup->fw, "bench");
	}
	return 0;
}

static void make_nodes(struct bench *b)
{
	const char *compatible = has_own_driver(b) ? NULL : "bench,node";

	for (uint32_t i = 0; i < b->n; i++)
		check(weir_fwnode_create(b->m, NULL, b->nodes[i].name, compatible,
					 &b->nodes[i].fw), "weir_fwnode_create");
}

static void name_suppliers(struct bench *b)
{
	for (uint32_t i = 0; b->mode == FWLINK && i < b->n; i++)
		for (uint32_t k = 0; k < b->nodes[i].nr_suppliers; k++)
			check(weir_fwlink_add(b->nodes[i].fw,
					      b->nodes[b->nodes[i].suppliers[k]].fw, 0, "bench"),
			      "weir_fwlink_add");
}

static void add_devices(struct bench *b)
{
	for (uint32_t i = 0; i < b->n; i++) {
		struct node *node = &b->nodes[b->order[i]];

		check(weir_device_create(b->bus, node->name, NULL, node->fw, &node->dev),
		      "weir_device_create");
		check(weir_device_add(node->dev), "weir_device_add");
		if (b->how == EAGER)
			check(weir_settle(b->m), "weir_settle");
	}
}

static void add_links(struct bench *b)
{
	for (uint32_t i = b->n; b->mode == DLINK && i-- > 0;) {
		struct node *node = &b->nodes[b->order[i]];

		for (uint32_t k = 0; k < node->nr_suppliers; k++)
			check(weir_link_add(node->dev, b->nodes[node->suppliers[k]].dev,
					    WEIR_LINK_AUTOPROBE, NULL), "weir_link_add");
	}
}

static void register_drivers(struct bench *b)
{
	struct weir_driver drv = {
		.name = "bench", .bus = "bench", .match = match, .context = b,
		.ops = b->mode == PLAIN ? &plain_ops : &link_ops,
	};

	b->drv = drv;
	if (!has_own_driver(b))
		check(weir_driver_register(b->m, &b->drv), "weir_driver_register");
	for (uint32_t i = 0; has_own_driver(b) && i < b->n; i++) {
		b->nodes[i].drv = drv;
		b->nodes[i].drv.name = b->nodes[i].name;
		b->nodes[i].drv.match = NULL;
		check(weir_driver_register(b->m, &b->nodes[i].drv), "weir_driver_register");
	}
}

static void unregister_drivers(struct bench *b)
{
	if (!has_own_driver(b))
		check(weir_driver_unregister(b->m, &b->drv), "weir_driver_unregister");
	for (uint32_t i = 0; has_own_driver(b) && i < b->n; i++)
		check(weir_driver_unregister(b->m, &b->nodes[i].drv), "weir_driver_unregister");
}

static void expect_all_bound(const struct bench *b)
{
	for (uint32_t i = 0; i < b->n; i++) {
		if (weir_device_status_get(b->nodes[i].dev) == WEIR_DEVICE_BOUND)
			continue;
		fprintf(stderr, "bench: %s: %s is not bound\n", b->name, b->nodes[i].name);
		exit(1);
	}
}

/* ---- running ---- */

/* What the machine holds at each station. */
struct held {
	struct weir_machine_stats nodes, named, bound;
};

static void bring_up(struct bench *b, struct held *out_held)
{
	bool late = b->mode == DLINK || b->how == N_DRIVERS_LATE;

	bench_begin(&b->drivers_time);
	if (!late)
		register_drivers(b);
	bench_end(&b->drivers_time);
	bench_begin(&b->nodes_time);
	make_nodes(b);
	bench_end(&b->nodes_time);
	weir_machine_stats_get(b->m, &out_held->nodes);
	bench_begin(&b->total);
	name_suppliers(b);
	weir_machine_stats_get(b->m, &out_held->named);
	add_devices(b);
	add_links(b);
	if (late)
		register_drivers(b);
	check(weir_settle(b->m), "weir_settle");
	bench_end(&b->total);
	expect_all_bound(b);
	weir_machine_stats_get(b->m, &out_held->bound);
}

static void run_once(struct bench *b, struct held *out_held)
{
	build(b);
	b->probes = 0;
	check(weir_machine_create(weir_posix_ops(b->posix), b->posix, &b->m), "machine");
	check(weir_bus_create(b->m, "bench", has_own_driver(b) ? &by_name : &by_compatible,
			      &b->bus), "bus");
	bring_up(b, out_held);
	bench_begin(&b->teardown);
	for (uint32_t i = b->n; i-- > 0;) {
		weir_device_del(b->nodes[i].dev);
		weir_device_unref(b->nodes[i].dev);
	}
	unregister_drivers(b);
	bench_end(&b->teardown);
	weir_machine_destroy(b->m);
}

static void run(enum mode mode, enum shape shape, enum how how, uint32_t n, struct held *out_held)
{
	struct bench b = { .mode = mode, .shape = shape, .how = how, .n = n };
	unsigned int reps = n > 20000 ? 5 : 7;

	snprintf(b.name, sizeof(b.name), "devcore.%s.%s%s.n%u", mode_names[mode],
		 shape_names[shape], how_names[how], n);
	if (!bench_wanted(b.name))
		return;
	b.nodes = calloc(n, sizeof(*b.nodes));
	b.order = calloc(n, sizeof(*b.order));
	if (!b.nodes || !b.order)
		exit(1);
	check(weir_posix_create(NULL, &b.posix), "posix");
	while (reps--)
		run_once(&b, out_held);
	bench_report_ms(&b.total, "%s.total", b.name);
	if (mode == PLAIN)
		bench_value("count", (double)b.probes, "%s.probe_calls", b.name);
	if (how == N_DRIVERS)
		bench_report_ms(&b.drivers_time, "%s.register_drivers", b.name);
	if (shape == READY)
		bench_report_ms(&b.teardown, "%s.teardown", b.name);
	if (mode == FWLINK && shape == READY)
		bench_report_ms(&b.nodes_time, "%s.nodes", b.name);
	weir_posix_destroy(b.posix);
	free(b.nodes);
	free(b.order);
}

/* From a machine without links and the same with; per thing, in bytes taken from the host. */
static void report_memory(const struct held *alone, const struct held *linked, uint32_t n)
{
	size_t device = alone->bound.alloc_bytes - alone->nodes.alloc_bytes;
	size_t links = linked->bound.alloc_bytes - linked->nodes.alloc_bytes - device;
	size_t names = linked->named.alloc_bytes - linked->nodes.alloc_bytes;

	if (!alone->bound.devices || !linked->bound.links)
		return;
	bench_value("bytes", (double)alone->nodes.alloc_bytes / n, "devcore.memory.n%u.node", n);
	bench_value("bytes", (double)device / n, "devcore.memory.n%u.device", n);
	bench_value("bytes", (double)links / (double)linked->bound.links,
		    "devcore.memory.n%u.link", n);
	bench_value("bytes", (double)names / (double)linked->named.fwnode_links,
		    "devcore.memory.n%u.fwnode_link", n);
}

void bench_devcore(void)
{
	static const uint32_t sizes[] = { 1000, 2000, 5000, 10000, 20000, 100000 };
	static const uint32_t small[] = { 20, 40, 80, 160, 320, 640 };
	static const struct {
		enum mode mode;
		enum shape shape;
		enum how how;
	} cases[] = {
		{ PLAIN, READY, ONE_DRIVER }, { FWLINK, READY, ONE_DRIVER },
		{ PLAIN, READY, N_DRIVERS }, { PLAIN, READY, N_DRIVERS_LATE },
		{ PLAIN, LEVEL, ONE_DRIVER }, { FWLINK, LEVEL, ONE_DRIVER },
		{ PLAIN, DAG, ONE_DRIVER }, { FWLINK, DAG, ONE_DRIVER },
		{ PLAIN, CHAIN, ONE_DRIVER }, { DLINK, CHAIN, ONE_DRIVER },
		{ FWLINK, CHAIN, ONE_DRIVER }, { FWLINK, LATE, ONE_DRIVER },
		{ PLAIN, DAG, EAGER }, { PLAIN, CHAIN, EAGER }, { FWLINK, DAG, EAGER },
	};
	struct held held[6][2] = { 0 }, other;

	for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++)
		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
			run(cases[c].mode, cases[c].shape, cases[c].how, sizes[i],
			    c < 2 ? &held[i][c] : &other);
	for (size_t i = 0; i < sizeof(small) / sizeof(small[0]); i++)
		run(FWLINK, DAG, ONE_DRIVER, small[i], &other);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		report_memory(&held[i][0], &held[i][1], sizes[i]);
}
