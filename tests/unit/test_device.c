// SPDX-License-Identifier: MIT
/* Devices: their life, names, parents, order; the machine that holds them; events. */
#include <stdio.h>
#include <string.h>

#include "core/core.h"
#include "plainpolicy.h"
#include "world.h"

static int open_world(void **state)
{
	static struct world w;

	world_open(&w, &plain_policy);
	*state = &w;
	return 0;
}

static int close_world(void **state)
{
	world_close(*state);
	return 0;
}

static void test_device_life(void **state)
{
	struct world *w = *state;
	struct weir_machine_stats stats;
	struct weir_device *dev, *found;

	assert_int_equal(weir_device_create(w->bus, "a", NULL, NULL, &dev), 0);
	assert_int_equal(weir_device_find(w->bus, "a", &found), WEIR_ENOENT);
	assert_int_equal(weir_device_add(dev), 0);
	assert_int_equal(weir_device_add(dev), WEIR_EINVAL);
	assert_int_equal(weir_device_find(w->bus, "a", &found), 0);
	assert_ptr_equal(found, dev);
	assert_string_equal(weir_device_name(dev), "a");
	assert_ptr_equal(weir_device_bus(dev), w->bus);
	assert_ptr_equal(weir_device_machine(dev), w->m);
	weir_machine_stats_get(w->m, &stats);
	assert_int_equal(stats.devices, 1);
	weir_device_del(dev);
	weir_device_del(dev);
	assert_int_equal(weir_device_find(w->bus, "a", &found), WEIR_ENOENT);
	assert_int_equal(weir_device_add(dev), WEIR_EINVAL);
	assert_string_equal(weir_device_name(dev), "a"); /* our reference */
	assert_null(weir_device_unref(dev));
	assert_null(weir_device_unref(NULL));
	weir_machine_stats_get(w->m, &stats);
	assert_int_equal(stats.devices, 0);
}

static void test_device_names_are_unique(void **state)
{
	struct world *w = *state;
	struct weir_device *dev;

	world_device(w, "a", NULL, NULL);
	assert_int_equal(weir_device_create(w->bus, "a", NULL, NULL, &dev), 0);
	assert_int_equal(weir_device_add(dev), WEIR_EEXIST);
	weir_device_del(world_find(w, "a"));
	assert_int_equal(weir_device_add(dev), 0);
	weir_device_unref(dev);
}

/* The first device of a node owns it; a second one does not take it over. */
static void test_device_owns_its_node(void **state)
{
	struct world *w = *state;
	struct weir_device *first = world_device(w, "first", NULL, "k"), *second;
	struct weir_fwnode *node = weir_device_fwnode(first);

	assert_ptr_equal(weir_fwnode_device(node), first);
	assert_int_equal(weir_device_create(w->bus, "second", NULL, node, &second), 0);
	assert_int_equal(weir_device_add(second), 0);
	weir_device_unref(second);
	assert_ptr_equal(weir_fwnode_device(node), first);
	weir_device_del(second);
	assert_ptr_equal(weir_fwnode_device(node), first);
	weir_device_del(first);
	assert_null(weir_fwnode_device(node));
}

static void test_device_order_of_addition(void **state)
{
	struct world *w = *state;
	struct weir_device *a = world_device(w, "a", NULL, NULL);
	struct weir_device *b = world_device(w, "b", NULL, NULL);
	struct weir_device *c = world_device(w, "c", NULL, NULL);

	assert_ptr_equal(weir_device_first(w->m), a);
	assert_ptr_equal(weir_device_next(a), b);
	assert_ptr_equal(weir_device_next(b), c);
	assert_null(weir_device_next(c));
	weir_device_del(b);
	assert_ptr_equal(weir_device_next(a), c);
}

static void test_device_del_takes_children_and_driver(void **state)
{
	struct world *w = *state;
	struct weir_device *a, *b, *c;

	world_driver_add(w, "drv", "k");
	a = world_device(w, "a", NULL, "k");
	b = world_device(w, "b", a, "k");
	c = world_device(w, "c", b, "k");
	world_device(w, "d", a, "k");
	assert_settles(w);
	assert_journal(w, "probe a; probe b; probe c; probe d");
	assert_ptr_equal(weir_device_parent(c), b);
	weir_device_ref(c);
	weir_device_del(a);
	assert_journal(w, "remove d; remove c; remove b; remove a");
	assert_null(weir_device_first(w->m));
	assert_string_equal(weir_device_name(weir_device_parent(c)), "b"); /* c holds it */
	weir_device_unref(c);
}

/* A probe that makes children and deletes them again, as a bus driver does. */
static int make_child(struct world *w, struct weir_device *dev)
{
	if (weir_device_name(dev)[0] == 'p')
		world_device(w, "child", dev, "k");
	return 0;
}

static void test_device_children_made_in_a_probe(void **state)
{
	struct world *w = *state;
	struct weir_device *p;

	w->on_probe = make_child;
	world_driver_add(w, "drv", "k");
	p = world_device(w, "p", NULL, "k");
	assert_settles(w);
	assert_journal(w, "probe p; probe child");
	weir_device_del(p);
	assert_journal(w, "remove child; remove p");
}

static void test_device_data_goes_with_the_driver(void **state)
{
	struct world *w = *state;
	struct weir_device *a;
	struct world_driver *d = world_driver_add(w, "drv", "k");

	a = world_device(w, "a", NULL, "k");
	assert_settles(w);
	weir_device_set_data(a, w);
	assert_ptr_equal(weir_device_data(a), w);
	world_driver_del(w, d);
	assert_null(weir_device_data(a));
	assert_journal(w, "probe a; remove a");
}

/* ---- the machine ---- */

static const struct weir_host_ops *missing(struct weir_host_ops *ops, int which)
{
	*ops = testhost_plain_ops;
	switch (which) {
	case 0: ops->alloc = NULL; break;
	case 1: ops->free = NULL; break;
	case 2: ops->lock_create = NULL; break;
	case 3: ops->lock_destroy = NULL; break;
	case 4: ops->lock = NULL; break;
	case 5: ops->unlock = NULL; break;
	case 6: ops->assert_failed = NULL; break;
	case 7: ops->abi.version = 99; break;
	case 8: ops->abi.size -= 8; break;
	default: return NULL;
	}
	return ops;
}

static char logged[100];

static void keep_log(void *host, enum weir_log_level level, const char *line)
{
	(void)host;
	(void)level;
	snprintf(logged, sizeof(logged), "%s", line);
}

static void test_machine_checks_its_host(void **state)
{
	static const char *const names[] = {
		"alloc", "free", "lock_create", "lock_destroy", "lock", "unlock", "assert_failed",
	};
	struct weir_host_ops ops;
	struct weir_machine *m = NULL;

	(void)state;
	for (int i = 0; missing(&ops, i); i++) {
		char quoted[32];

		ops.log = keep_log;
		logged[0] = '\0';
		assert_int_equal(weir_machine_create_policy(&ops, NULL, &plain_policy, NULL, &m),
				 WEIR_EINVAL);
		assert_null(m);
		if (i > 6)
			continue;
		snprintf(quoted, sizeof(quoted), "'%s'", names[i]);
		assert_non_null(strstr(logged, quoted));
	}
}

static void nothing(void) {}

/* Each call of a group alone is half a group. */
static void test_machine_checks_groups_of_calls(void **state)
{
	static const struct {
		size_t at;
		const char *missing;
	} halves[] = {
		{ offsetof(struct weir_host_ops, thread_run), "thread_wait" },
		{ offsetof(struct weir_host_ops, lock_wait), "lock_wake" },
		{ offsetof(struct weir_host_ops, lock_wake), "lock_wait" },
		{ offsetof(struct weir_host_ops, module_close), "module_open" },
		{ offsetof(struct weir_host_ops, pages_alloc), "pages_free" },
		{ offsetof(struct weir_host_ops, pages_free), "pages_alloc" },
		{ offsetof(struct weir_host_ops, pages_alloc_atomic), "pages_alloc" },
		{ offsetof(struct weir_host_ops, mmio_map), "mmio_unmap" },
		{ offsetof(struct weir_host_ops, mmio_unmap), "mmio_map" },
		{ offsetof(struct weir_host_ops, mmio_read), "mmio_map" },
		{ offsetof(struct weir_host_ops, mmio_write), "mmio_map" },
		{ offsetof(struct weir_host_ops, irq_request), "irq_free" },
		{ offsetof(struct weir_host_ops, msi_request), "irq_free" },
		{ offsetof(struct weir_host_ops, irq_free), "irq_request" },
	};
	struct weir_host_ops anonymous = testhost_plain_ops;
	struct weir_machine *m = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(halves) / sizeof(halves[0]); i++) {
		struct weir_host_ops ops = testhost_plain_ops;
		void (*call)(void) = nothing;
		char quoted[32];

		ops.log = keep_log;
		ops.thread_run = NULL;
		ops.thread_wait = NULL;
		ops.thread_self = NULL;
		ops.lock_wait = NULL;
		ops.lock_wake = NULL;
		logged[0] = '\0';
		memcpy((char *)&ops + halves[i].at, &call, sizeof(call));
		assert_int_equal(weir_machine_create_policy(&ops, NULL, &plain_policy, NULL, &m),
				 WEIR_EINVAL);
		assert_null(m);
		snprintf(quoted, sizeof(quoted), "'%s'", halves[i].missing);
		assert_non_null(strstr(logged, quoted));
	}
	anonymous.log = keep_log;
	anonymous.thread_self = NULL;
	assert_int_equal(weir_machine_create_policy(&anonymous, NULL, &plain_policy, NULL, &m),
			 WEIR_EINVAL);
	assert_non_null(strstr(logged, "'thread_self'"));
}

static void test_machine_policy(void **state)
{
	struct world *w = *state;
	struct weir_policy_ops old = plain_policy;
	struct weir_machine *m;

	assert_string_equal(weir_machine_policy_name(w->m), "plain");
	old.abi.version = 0;
	assert_int_equal(weir_machine_create_policy(&testhost_plain_ops, NULL, &old, NULL, &m),
			 WEIR_EINVAL);
	weir_machine_destroy(NULL);
}

/* ---- events ---- */

struct events {
	struct weir_trace trace;
	char text[600];
	unsigned int n;
	uint32_t last_id;
};

static void keep_event(void *context, const struct weir_event *e)
{
	struct events *events = context;
	size_t at = strlen(events->text);

	assert_true(e->id > events->last_id);
	assert_true(e->cause < e->id);
	events->last_id = e->id;
	events->n++;
	snprintf(events->text + at, sizeof(events->text) - at, "%s%u<%u %s %s", at ? "; " : "",
		 e->id, e->cause, weir_event_name(e->type),
		 e->device ? weir_device_name(e->device) : e->text);
}

/* Each event names the one that made it happen: a bind is due to its probe, a retry to that bind. */
static void test_events_have_causes(void **state)
{
	struct world *w = *state;
	struct events events = { .trace = { .fn = keep_event } };
	struct weir_device *a, *b;

	events.trace.context = &events;
	weir_trace_attach(w->m, &events.trace);
	a = world_device(w, "a", NULL, "k");
	b = world_device(w, "b", NULL, "k");
	assert_int_equal(weir_link_add(a, b, 0, NULL), 0);
	world_driver_add(w, "drv", "k");
	assert_settles(w);
	weir_trace_note(w->m, "done");
	weir_trace_detach(w->m, &events.trace);
	weir_device_del(a);
	assert_string_equal(events.text,
			    "1<0 device-add a; 2<0 device-add b; 3<0 link-add a; 4<0 link-state a; "
			    "5<0 driver-add drv; 6<0 deferred a; 7<0 probe b; 8<7 link-state a; "
			    "9<7 bound b; 10<0 link-state a; 11<0 probe a; 12<11 link-state a; "
			    "13<11 bound a; 14<0 note done");
}

static void test_events_names(void **state)
{
	(void)state;
	for (int i = 0; i < WEIR_EVENT_COUNT_; i++) {
		assert_non_null(weir_event_name((enum weir_event_type)i));
		for (int j = 0; j < i; j++)
			assert_string_not_equal(weir_event_name((enum weir_event_type)i),
						weir_event_name((enum weir_event_type)j));
	}
	assert_string_equal(weir_event_name(WEIR_EVENT_COUNT_), "?");
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, open_world, close_world)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_device_life),
		TEST(test_device_names_are_unique),
		TEST(test_device_owns_its_node),
		TEST(test_device_order_of_addition),
		TEST(test_device_del_takes_children_and_driver),
		TEST(test_device_children_made_in_a_probe),
		TEST(test_device_data_goes_with_the_driver),
		TEST(test_machine_checks_its_host),
		TEST(test_machine_checks_groups_of_calls),
		TEST(test_machine_policy),
		TEST(test_events_have_causes),
		TEST(test_events_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
