// SPDX-License-Identifier: MIT
/*
 * Devices that may or may not go without their IOMMU, and IOMMUs that come late,
 * fail, reject ids or go: what becomes of both, and what the stream was behind. Each
 * case is a script and the state after each of its steps.
 */
#include <libfdt.h>
#include <stdio.h>
#include <string.h>

#include "world.h"

#define STREAM 7u
#define OTHER 8u

static struct model {
	enum weir_domain_type type; /* of the stream */
	bool attached;              /* ever */
	bool other_open;            /* the other stream is behind an identity domain */
	bool reject;
	bool enforced;
	bool open_when_enforced;    /* the stream had something to be behind then */
	bool runs_already;          /* ... and was running when the instance was made */
	unsigned int sleeps;        /* the instance was put to sleep so often */
} model;

static int translate_ids(void *instance, struct weir_device *dev, const uint32_t *cells,
			 unsigned int n, uint32_t *out_stream)
{
	(void)instance;
	(void)dev;
	assert_int_equal(n, 1);
	*out_stream = cells[0];
	return model.reject ? WEIR_EINVAL : 0;
}

static int attach(void *instance, uint32_t stream, enum weir_domain_type type, void *part)
{
	(void)instance;
	(void)part;
	if (stream == OTHER) {
		model.other_open = type == WEIR_DOMAIN_IDENTITY;
		return 0;
	}
	assert_int_equal(stream, STREAM);
	model.type = type;
	model.attached = true;
	return 0;
}

static int enforce(void *instance)
{
	(void)instance;
	model.enforced = true;
	model.open_when_enforced = model.attached && model.type == WEIR_DOMAIN_IDENTITY;
	return 0;
}

static const struct weir_iommu_ops model_ops = {
	.abi = WEIR_ABI(struct weir_iommu_ops),
	.translate_ids = translate_ids,
	.attach = attach,
	.enforce = enforce,
};

static int fail_probe;

static int iommu_probe(struct weir_device *dev)
{
	if (fail_probe)
		return fail_probe;
	model.attached = model.enforced = false;
	model.runs_already = weir_iommu_runs_already(dev);
	return weir_iommu_register(dev, &model_ops, &model);
}

static void iommu_remove(struct weir_device *dev)
{
	weir_iommu_unregister(dev);
	model.attached = false;
}

static int iommu_sleeps(struct weir_device *dev)
{
	(void)dev;
	model.sleeps++;
	return 0;
}

/* ---- the machine ---- */

static _Alignas(8) unsigned char blob[1024];

static void cell(const char *name, uint32_t value)
{
	assert_int_equal(fdt_property_u32(blob, name, value), 0);
}

static void node(const char *name, const char *compatible)
{
	assert_int_equal(fdt_begin_node(blob, name), 0);
	assert_int_equal(fdt_property_string(blob, "compatible", compatible), 0);
}

static void make_blob(void)
{
	const fdt32_t behind[] = { cpu_to_fdt32(1), cpu_to_fdt32(STREAM) };

	assert_int_equal(fdt_create(blob, sizeof(blob)), 0);
	assert_int_equal(fdt_finish_reservemap(blob), 0);
	assert_int_equal(fdt_begin_node(blob, ""), 0);
	node("iommu", "t,iommu");
	cell("phandle", 1);
	cell("#iommu-cells", 1);
	assert_int_equal(fdt_end_node(blob), 0);
	node("nic", "t,nic");
	assert_int_equal(fdt_property(blob, "iommus", behind, sizeof(behind)), 0);
	assert_int_equal(fdt_end_node(blob), 0);
	assert_int_equal(fdt_end_node(blob), 0);
	assert_int_equal(fdt_finish(blob), 0);
}

static void add(struct world *w, const char *name)
{
	struct weir_fwnode *fw;
	struct weir_device *dev;
	char path[16];

	snprintf(path, sizeof(path), "/%s", name);
	assert_int_equal(weir_fwnode_find(w->m, path, &fw), 0);
	assert_int_equal(weir_device_create(w->bus, name, NULL, fw, &dev), 0);
	assert_int_equal(weir_device_add(dev), 0);
	weir_device_unref(dev);
}

static void open_machine(struct world *w, const struct weir_iommu_rules *rules)
{
	struct world_driver *d;

	memset(&model, 0, sizeof(model));
	fail_probe = 0;
	world_open(w, NULL);
	w->quiet = true;
	weir_iommu_rules_set(w->m, rules);
	assert_int_equal(weir_firmware_load_dt(w->m, blob, sizeof(blob)), 0);
	d = world_driver(w, "iommu", "t,iommu", NULL, NULL);
	d->ops.probe = iommu_probe;
	d->ops.remove = iommu_remove;
	d->ops.runtime_suspend = iommu_sleeps;
	world_driver(w, "nic", "t,nic", NULL, NULL);
	add(w, "nic");
	add(w, "iommu");
}

static void open_world(struct world *w, const struct weir_iommu_rules *rules)
{
	make_blob();
	open_machine(w, rules);
}

/* ---- scripts ---- */

static void step(struct world *w, const char *word)
{
	struct world_driver *iommu = &w->drivers[0], *nic = &w->drivers[1];

	if (!strcmp(word, "+iommu"))
		assert_int_equal(weir_driver_register(w->m, &iommu->drv), 0);
	else if (!strcmp(word, "-iommu"))
		assert_int_equal(weir_driver_unregister(w->m, &iommu->drv), 0);
	else if (!strcmp(word, "+nic"))
		assert_int_equal(weir_driver_register(w->m, &nic->drv), 0);
	else if (!strcmp(word, "-nic"))
		assert_int_equal(weir_driver_unregister(w->m, &nic->drv), 0);
	else if (!strcmp(word, "unplug"))
		weir_device_del(world_find(w, "iommu"));
	else if (!strcmp(word, "plug"))
		add(w, "iommu");
	else if (!strcmp(word, "seal"))
		weir_catalogue_seal(w->m);
	else if (!strcmp(word, "fail"))
		fail_probe = WEIR_EIO;
	else if (!strcmp(word, "work"))
		fail_probe = 0;
	else if (!strcmp(word, "reject"))
		model.reject = true;
	else
		fail_msg("no step '%s'", word);
	assert_settles(w);
}

/* "nic:direct iommu:up stream:dma" */
static void describe(struct world *w, char *buf, size_t bytes)
{
	static const char *const types[] = { "blocked", "identity", "dma", "unmanaged" };
	struct weir_device *nic = world_find(w, "nic"), *iommu = NULL;
	bool bound = weir_device_status_get(nic) == WEIR_DEVICE_BOUND;
	const char *state = bound ? "up" : weir_verdict_name(weir_device_verdict(nic, NULL));
	bool there = !weir_device_find(w->bus, "iommu", &iommu);
	bool up = there && weir_device_status_get(iommu) == WEIR_DEVICE_BOUND;

	if (bound && weir_device_untranslated(nic))
		state = "direct";
	snprintf(buf, bytes, "%s %s %s", state, !there ? "gone" : up ? "on" : "off",
		 model.attached ? types[model.type] : "-");
}

struct late_case {
	const char *name;
	enum weir_iommu_need need;
	enum weir_iommu_late late;
	const char *script; /* steps; behind each '=' what the state is then */
};

#define MANDATORY WEIR_IOMMU_MANDATORY
#define OPTIONAL WEIR_IOMMU_OPTIONAL

static const struct late_case cases[] = {
	{ "mandatory waits for what may come", MANDATORY, WEIR_IOMMU_REFUSE,
	  "+nic=waits-supplier off -;+iommu=up on dma;-iommu=waits-supplier off -;"
	  "+iommu=up on dma;-nic=removed on blocked" },
	{ "mandatory never goes without", MANDATORY, WEIR_IOMMU_REFUSE,
	  "+nic=waits-supplier off -;seal=waits-supplier off -" },
	{ "mandatory: the IOMMU failed for good", MANDATORY, WEIR_IOMMU_REBIND,
	  "fail=unknown-driver off -;+nic=waits-supplier off -;+iommu=waits-supplier off -;"
	  "seal=waits-supplier off -" },
	{ "mandatory: ids rejected", MANDATORY, WEIR_IOMMU_REFUSE,
	  "reject=unknown-driver off -;+iommu=unknown-driver on -;+nic=ids-rejected on -" },
	{ "optional waits while it may come", OPTIONAL, WEIR_IOMMU_REFUSE,
	  "+nic=waits-supplier off -;+iommu=up on dma" },
	{ "optional goes without, the late IOMMU is refused", OPTIONAL, WEIR_IOMMU_REFUSE,
	  "+nic=waits-supplier off -;seal=direct off -;+iommu=direct off -;-nic=no-driver on -;"
	  "+nic=up on dma;-iommu=direct off -;+iommu=direct off -" },
	{ "optional goes without, is bound again behind the late IOMMU", OPTIONAL,
	  WEIR_IOMMU_REBIND, "seal=no-driver off -;+nic=direct off -;+iommu=up on dma;"
	  "-iommu=direct off -" },
	{ "optional goes without, is adopted by the late IOMMU", OPTIONAL, WEIR_IOMMU_ADOPT,
	  "seal=no-driver off -;+nic=direct off -;+iommu=up on identity;-nic=no-driver on blocked;"
	  "+nic=up on dma;-iommu=direct off -;+iommu=up on identity" },
	{ "optional goes without, is adopted with what it has mapped", OPTIONAL,
	  WEIR_IOMMU_ADOPT_MAPPED,
	  "seal=no-driver off -;+nic=direct off -;+iommu=up on unmanaged;"
	  "-nic=no-driver on blocked;+nic=up on dma" },
	{ "optional: the IOMMU fails, and comes later", OPTIONAL, WEIR_IOMMU_REBIND,
	  "fail=unknown-driver off -;+iommu=unknown-driver off -;+nic=direct off -;"
	  "-iommu=direct off -;work=direct off -;+iommu=up on dma" },
	{ "an IOMMU is unplugged, and plugged in again", MANDATORY, WEIR_IOMMU_REFUSE,
	  "+nic=waits-supplier off -;+iommu=up on dma;unplug=waits-node gone -;plug=up on dma;"
	  "unplug=waits-node gone -;-nic=removed gone -;plug=removed on -;+nic=up on dma" },
	{ "an IOMMU is plugged in late", OPTIONAL, WEIR_IOMMU_REBIND,
	  "unplug=unknown-driver gone -;+nic=waits-node gone -;+iommu=waits-node gone -;"
	  "plug=up on dma;unplug=waits-node gone -" },
	{ "optional: ids rejected", OPTIONAL, WEIR_IOMMU_REFUSE,
	  "reject=unknown-driver off -;+iommu=unknown-driver on -;+nic=direct on -" },
};

/* That a device goes without its IOMMU is said each time, also why. */
static void on_event(void *context, const struct weir_event *event)
{
	unsigned int *told = context;

	*told += event->type == WEIR_EVENT_UNTRANSLATED;
}

static void run(const struct late_case *c)
{
	char script[512], *rest = script, *part, was[80] = "";
	unsigned int told = 0;
	struct weir_trace trace = { .fn = on_event, .context = &told };
	struct world w;

	snprintf(script, sizeof(script), "%s", c->script);
	open_world(&w, &(struct weir_iommu_rules){ .need = c->need, .late = c->late });
	weir_trace_attach(w.m, &trace);
	while ((part = strtok_r(rest, ";", &rest))) {
		char *want = strchr(part, '='), is[80];

		*want++ = '\0';
		step(&w, part);
		describe(&w, is, sizeof(is));
		if (strcmp(is, want))
			fail_msg("%s: after %s: %s, not %s", c->name, part, is, want);
		if ((told != 0) != (!strncmp(is, "direct", 6) && strncmp(was, "direct", 6)))
			fail_msg("%s: after %s: told %u times of DMA without IOMMU", c->name, part, told);
		told = 0;
		snprintf(was, sizeof(was), "%s", is);
	}
	weir_trace_detach(w.m, &trace);
	if (c->late == WEIR_IOMMU_ADOPT || c->late == WEIR_IOMMU_ADOPT_MAPPED)
		assert_true(model.enforced);
	world_close(&w);
}

static void test_late_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		run(&cases[i]);
}

/* What runs already is attached before the IOMMU stops what is not. */
static void test_late_adoption_leaves_no_gap(void **state)
{
	struct world w;

	(void)state;
	open_world(&w, &(struct weir_iommu_rules){ OPTIONAL, WEIR_IOMMU_ADOPT });
	step(&w, "seal");
	step(&w, "+nic");
	step(&w, "+iommu");
	assert_true(model.enforced && model.open_when_enforced);
	assert_true(model.runs_already);
	/* bound again, it runs behind the IOMMU; gone, nothing runs */
	step(&w, "-nic");
	step(&w, "-iommu");
	step(&w, "+iommu");
	assert_false(model.runs_already);
	world_close(&w);
}

/* What it translates for a device that came first does not end because it may sleep. */
static void test_late_adopted_keeps_it_awake(void **state)
{
	struct world w;

	(void)state;
	open_world(&w, &(struct weir_iommu_rules){ OPTIONAL, WEIR_IOMMU_ADOPT });
	step(&w, "seal");
	step(&w, "+nic");
	step(&w, "+iommu");
	assert_int_equal(model.type, WEIR_DOMAIN_IDENTITY);
	weir_pm_runtime_enable(world_find(&w, "iommu"));
	assert_settles(&w);
	assert_int_equal(model.sleeps, 0);
	step(&w, "-nic");
	assert_settles(&w);
	assert_int_equal(model.sleeps, 1);
	world_close(&w);
}

/* A rule of the device's own goes before the machine's. */
static void test_late_rules_of_one_device(void **state)
{
	const struct weir_iommu_rules own = { OPTIONAL, WEIR_IOMMU_REFUSE };
	struct weir_fwnode *fw;
	struct weir_device *dev;
	struct world w;

	(void)state;
	open_world(&w, &(struct weir_iommu_rules){ MANDATORY, WEIR_IOMMU_REFUSE });
	weir_device_del(world_find(&w, "nic"));
	assert_int_equal(weir_fwnode_find(w.m, "/nic", &fw), 0);
	assert_int_equal(weir_device_create(w.bus, "nic", NULL, fw, &dev), 0);
	weir_device_iommu_rules_set(dev, &own);
	assert_int_equal(weir_device_add(dev), 0);
	weir_device_unref(dev);
	step(&w, "+nic");
	step(&w, "seal");
	assert_true(weir_device_untranslated(world_find(&w, "nic")));
	world_close(&w);
}

/* Two are behind the IOMMU that comes, the first of them also behind one that never does. */
static void make_two_blob(void)
{
	const fdt32_t both[] = { cpu_to_fdt32(1), cpu_to_fdt32(STREAM), cpu_to_fdt32(2),
				 cpu_to_fdt32(STREAM) };
	const fdt32_t one[] = { cpu_to_fdt32(1), cpu_to_fdt32(OTHER) };

	assert_int_equal(fdt_create(blob, sizeof(blob)), 0);
	assert_int_equal(fdt_finish_reservemap(blob), 0);
	assert_int_equal(fdt_begin_node(blob, ""), 0);
	node("iommu", "t,iommu");
	cell("phandle", 1);
	cell("#iommu-cells", 1);
	assert_int_equal(fdt_end_node(blob), 0);
	node("never", "t,never");
	cell("phandle", 2);
	cell("#iommu-cells", 1);
	assert_int_equal(fdt_end_node(blob), 0);
	node("nic", "t,nic");
	assert_int_equal(fdt_property(blob, "iommus", both, sizeof(both)), 0);
	assert_int_equal(fdt_end_node(blob), 0);
	node("nic2", "t,nic");
	assert_int_equal(fdt_property(blob, "iommus", one, sizeof(one)), 0);
	assert_int_equal(fdt_end_node(blob), 0);
	assert_int_equal(fdt_end_node(blob), 0);
	assert_int_equal(fdt_finish(blob), 0);
}

/* One that cannot be adopted yet does not keep the next from it, and is told of. */
static void test_late_adopts_past_one_that_waits(void **state)
{
	struct world w;

	(void)state;
	make_two_blob();
	open_machine(&w, &(struct weir_iommu_rules){ OPTIONAL, WEIR_IOMMU_ADOPT });
	add(&w, "never");
	add(&w, "nic2");
	step(&w, "seal");
	step(&w, "+nic");
	assert_true(weir_device_untranslated(world_find(&w, "nic")));
	assert_true(weir_device_untranslated(world_find(&w, "nic2")));
	step(&w, "+iommu");
	assert_true(model.enforced);
	assert_false(model.attached);
	assert_true(weir_device_untranslated(world_find(&w, "nic")));
	assert_true(model.other_open);
	assert_false(weir_device_untranslated(world_find(&w, "nic2")));
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_late_cases),
		cmocka_unit_test(test_late_adoption_leaves_no_gap),
		cmocka_unit_test(test_late_adopted_keeps_it_awake),
		cmocka_unit_test(test_late_rules_of_one_device),
		cmocka_unit_test(test_late_adopts_past_one_that_waits),
	};

	return cmocka_run_group_tests_name("late", tests, NULL, NULL);
}
