// SPDX-License-Identifier: MIT
/*
 * N made-up devices with dependencies: what it costs to add them all until all are
 * bound, and to take them down. Names and shapes are those of the Linux benchmark that
 * docs and bench/README.md compare with; time is the thread's CPU time.
 *
 * modes:  plain   the driver says "not yet" and names what it waits for
 *         fwlink  firmware names suppliers
 *         dlink   explicit links, devices and links first, the driver last
 * shapes: ready   4 random suppliers each, which are there already
 *         chain   device i needs i + 1, added in that order: the worst
 *         level   5 layers, 4 suppliers each in the layer below, random order
 *         dag     4 random suppliers each among all earlier ones, random order
 *         late    everybody needs the last device
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

static const char *const mode_names[] = { "plain", "fwlink", "dlink" };
static const char *const shape_names[] = { "ready", "chain", "level", "dag", "late" };

struct node {
	struct weir_fwnode *fw;
	struct weir_device *dev;
	uint32_t nr_suppliers;
	uint32_t suppliers[MAX_SUPPLIERS];
	char name[16];
};

struct bench {
	enum mode mode;
	uint32_t n;
	struct node *nodes;
	uint32_t *order;
	struct weir_posix *posix;
	struct weir_machine *m;
	struct weir_bus *bus;
	uint64_t probes;
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

static void name_suppliers(struct bench *b, enum shape shape, uint32_t i, uint64_t *state)
{
	struct node *node = &b->nodes[i];
	uint32_t layer = b->n / 5;

	switch (shape) {
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

static void build(struct bench *b, enum shape shape)
{
	uint64_t state = 12345 + b->n;

	memset(b->nodes, 0, b->n * sizeof(*b->nodes));
	for (uint32_t i = 0; i < b->n; i++) {
		snprintf(b->nodes[i].name, sizeof(b->nodes[i].name), "pn%u", i);
		b->order[i] = i;
		name_suppliers(b, shape, i, &state);
	}
	if (shape == LEVEL || shape == DAG)
		shuffle(b->order, b->n);
}

/* ---- the machine ---- */

static int probe_plain(struct weir_device *dev);

static const struct weir_driver_ops plain_ops = {
	.abi = WEIR_ABI(struct weir_driver_ops), .probe = probe_plain,
};
static const struct weir_driver_ops link_ops = { .abi = WEIR_ABI(struct weir_driver_ops) };
static const struct weir_match match[] = { { "bench,node", NULL }, { NULL, NULL } };
static const struct weir_bus_ops bus_ops = { .abi = WEIR_ABI(struct weir_bus_ops) };

static void check(int err, const char *what)
{
	if (!err)
		return;
	fprintf(stderr, "bench: %s: %s\n", what, weir_strerror(err));
	exit(1);
}

/*
 * What a driver does that finds a supplier missing: it says which, and is probed
 * again when that is there.
 */
static int probe_plain(struct weir_device *dev)
{
	struct bench *b = weir_device_driver(dev)->context;
	struct node *node = &b->nodes[strtoul(weir_device_name(dev) + 2, NULL, 10)];

	b->probes++;
	for (uint32_t k = 0; k < node->nr_suppliers; k++) {
		struct node *sup = &b->nodes[node->suppliers[k]];

		if (sup->dev && weir_device_status_get(sup->dev) == WEIR_DEVICE_BOUND)
			continue;
		check(weir_fwlink_add(node->fw, sup->fw, 0, "driver"), "weir_fwlink_add");
		return WEIR_EDEFER;
	}
	return 0;
}

static void make_nodes(struct bench *b)
{
	for (uint32_t i = 0; i < b->n; i++)
		check(weir_fwnode_create(b->m, NULL, b->nodes[i].name, "bench,node",
					 &b->nodes[i].fw), "weir_fwnode_create");
	if (b->mode != FWLINK)
		return;
	for (uint32_t i = 0; i < b->n; i++)
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
	}
}

static void add_links(struct bench *b)
{
	for (uint32_t i = b->n; i-- > 0;) {
		struct node *node = &b->nodes[b->order[i]];

		for (uint32_t k = 0; k < node->nr_suppliers; k++)
			check(weir_link_add(node->dev, b->nodes[node->suppliers[k]].dev,
					    WEIR_LINK_AUTOPROBE, NULL), "weir_link_add");
	}
}

static void expect_all_bound(const struct bench *b, const char *name)
{
	for (uint32_t i = 0; i < b->n; i++) {
		if (weir_device_status_get(b->nodes[i].dev) == WEIR_DEVICE_BOUND)
			continue;
		fprintf(stderr, "bench: %s: %s is not bound\n", name, b->nodes[i].name);
		exit(1);
	}
}

/* One repetition. Nodes and suppliers are named inside the measured time, as a probe of
 * the tree would name them. */
static void run_once(struct bench *b, enum shape shape, const char *name,
		     struct bench_series *total, struct bench_series *teardown)
{
	struct weir_driver drv = {
		.name = "bench", .bus = "bench", .match = match, .context = b,
		.ops = b->mode == PLAIN ? &plain_ops : &link_ops,
	};
	struct weir_machine_stats stats;

	build(b, shape);
	b->probes = 0;
	check(weir_machine_create(weir_posix_ops(b->posix), b->posix, &b->m), "machine");
	check(weir_bus_create(b->m, "bench", &bus_ops, &b->bus), "bus");
	if (b->mode != DLINK)
		check(weir_driver_register(b->m, &drv), "driver");
	bench_begin(total);
	make_nodes(b);
	add_devices(b);
	if (b->mode == DLINK) {
		add_links(b);
		check(weir_driver_register(b->m, &drv), "driver");
	}
	check(weir_settle(b->m), "weir_settle");
	bench_end(total);
	expect_all_bound(b, name);
	weir_machine_stats_get(b->m, &stats);
	bench_begin(teardown);
	for (uint32_t i = b->n; i-- > 0;) {
		weir_device_del(b->nodes[b->order[i]].dev);
		weir_device_unref(b->nodes[b->order[i]].dev);
	}
	bench_end(teardown);
	weir_machine_destroy(b->m);
	if (b->mode == FWLINK && shape == DAG && total->n == 1)
		bench_value("bytes", (double)stats.alloc_bytes / (b->n + stats.links),
			    "%s.bytes_per_device_and_link", name);
}

static void run(enum mode mode, enum shape shape, uint32_t n)
{
	struct bench b = { .mode = mode, .n = n };
	struct bench_series total = { 0 }, teardown = { 0 };
	unsigned int reps = n > 20000 ? 3 : 7;
	char name[64];

	snprintf(name, sizeof(name), "devcore.%s.%s.n%u", mode_names[mode], shape_names[shape], n);
	b.nodes = calloc(n, sizeof(*b.nodes));
	b.order = calloc(n, sizeof(*b.order));
	if (!b.nodes || !b.order)
		exit(1);
	check(weir_posix_create(NULL, &b.posix), "posix");
	while (reps--)
		run_once(&b, shape, name, &total, &teardown);
	bench_report_ms(&total, "%s.total", name);
	if (mode == PLAIN)
		bench_value("count", (double)b.probes, "%s.probe_calls", name);
	if (shape == READY)
		bench_report_ms(&teardown, "%s.teardown", name);
	weir_posix_destroy(b.posix);
	free(b.nodes);
	free(b.order);
}

void bench_devcore(void)
{
	static const uint32_t sizes[] = { 1000, 2000, 5000, 10000, 20000, 100000 };
	static const struct {
		enum mode mode;
		enum shape shape;
	} cases[] = {
		{ PLAIN, READY }, { FWLINK, READY }, { PLAIN, LEVEL }, { FWLINK, LEVEL },
		{ PLAIN, DAG }, { FWLINK, DAG }, { PLAIN, CHAIN }, { FWLINK, CHAIN },
		{ DLINK, CHAIN }, { FWLINK, LATE },
	};

	for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++)
		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
			run(cases[c].mode, cases[c].shape, sizes[i]);
	run(FWLINK, DAG, 640);
	run(FWLINK, DAG, 20);
	run(FWLINK, DAG, 40);
}
