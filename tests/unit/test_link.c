// SPDX-License-Identifier: MIT
/* Device links: what is accepted, how two merge, how states follow the devices. */
#include <stdio.h>

#include "core/core.h"
#include "plainpolicy.h"
#include "world.h"

static int open_world(void **state)
{
	static struct world w;

	world_open(&w, &plain_policy);
	world_device(&w, "con", NULL, "kc");
	world_device(&w, "sup", NULL, "ks");
	*state = &w;
	return 0;
}

static int close_world(void **state)
{
	world_close(*state);
	return 0;
}

static int add(struct world *w, const char *con, const char *sup, uint32_t flags)
{
	return weir_link_add(world_find(w, con), world_find(w, sup), flags, NULL);
}

static uint32_t flags_of(struct world *w)
{
	return weir_link_flags(world_link(w, "con", "sup"));
}

static void test_link_flags_that_exclude_each_other(void **state)
{
	static const uint32_t bad[] = {
		WEIR_LINK_STATELESS | WEIR_LINK_AUTOREMOVE_CONSUMER,
		WEIR_LINK_STATELESS | WEIR_LINK_AUTOREMOVE_SUPPLIER,
		WEIR_LINK_STATELESS | WEIR_LINK_AUTOPROBE,
		WEIR_LINK_STATELESS | WEIR_LINK_SYNC_STATE_ONLY,
		WEIR_LINK_STATELESS | WEIR_LINK_INFERRED,
		WEIR_LINK_STATELESS | WEIR_LINK_CYCLE,
		WEIR_LINK_STATELESS | WEIR_LINK_ORDER,
		WEIR_LINK_STATELESS | WEIR_LINK_OPTIONAL,
		WEIR_LINK_AUTOPROBE | WEIR_LINK_AUTOREMOVE_CONSUMER,
		WEIR_LINK_AUTOPROBE | WEIR_LINK_AUTOREMOVE_SUPPLIER,
		WEIR_LINK_SYNC_STATE_ONLY | WEIR_LINK_AUTOPROBE,
		WEIR_LINK_SYNC_STATE_ONLY | WEIR_LINK_PM_RUNTIME,
		WEIR_LINK_SYNC_STATE_ONLY | WEIR_LINK_AUTOREMOVE_CONSUMER,
		WEIR_LINK_SYNC_STATE_ONLY | WEIR_LINK_ORDER,
		0x80000000u,
	};
	struct world *w = *state;
	struct weir_machine_stats stats;

	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(add(w, "con", "sup", bad[i]), WEIR_EINVAL);
	assert_int_equal(add(w, "con", "con", 0), WEIR_EINVAL);
	weir_machine_stats_get(w->m, &stats);
	assert_int_equal(stats.links, 0);
	assert_null(world_link(w, "con", "sup"));
}

static void test_link_flags_that_go_together(void **state)
{
	static const uint32_t good[] = {
		0,
		WEIR_LINK_STATELESS,
		WEIR_LINK_STATELESS | WEIR_LINK_PM_RUNTIME,
		WEIR_LINK_AUTOREMOVE_CONSUMER,
		WEIR_LINK_AUTOREMOVE_SUPPLIER | WEIR_LINK_PM_RUNTIME,
		WEIR_LINK_AUTOPROBE | WEIR_LINK_PM_RUNTIME | WEIR_LINK_INFERRED,
		WEIR_LINK_SYNC_STATE_ONLY,
		WEIR_LINK_SYNC_STATE_ONLY | WEIR_LINK_INFERRED | WEIR_LINK_CYCLE,
		WEIR_LINK_ORDER,
		WEIR_LINK_OPTIONAL | WEIR_LINK_AUTOPROBE,
	};
	struct world *w = *state;

	for (unsigned int i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		uint32_t managed = good[i] & WEIR_LINK_STATELESS ? 0 : WEIR_LINK_MANAGED;

		assert_int_equal(add(w, "con", "sup", good[i]), 0);
		assert_int_equal(flags_of(w), good[i] | managed);
		weir_link_del(world_link(w, "con", "sup"));
		assert_null(world_link(w, "con", "sup"));
	}
}

/* { first, then, result }: what asking again does to the flags. */
static void test_link_merge(void **state)
{
	static const uint32_t rule[][3] = {
		/* managed and stateless live side by side */
		{ 0, WEIR_LINK_STATELESS, WEIR_LINK_MANAGED | WEIR_LINK_STATELESS },
		{ WEIR_LINK_STATELESS, 0, WEIR_LINK_MANAGED | WEIR_LINK_STATELESS },
		/* the longer life wins */
		{ WEIR_LINK_AUTOREMOVE_CONSUMER, 0, WEIR_LINK_MANAGED },
		{ WEIR_LINK_AUTOREMOVE_SUPPLIER, 0, WEIR_LINK_MANAGED },
		{ 0, WEIR_LINK_AUTOREMOVE_CONSUMER, WEIR_LINK_MANAGED },
		{ WEIR_LINK_AUTOREMOVE_CONSUMER, WEIR_LINK_AUTOREMOVE_SUPPLIER,
		  WEIR_LINK_MANAGED | WEIR_LINK_AUTOREMOVE_SUPPLIER },
		{ WEIR_LINK_AUTOREMOVE_SUPPLIER, WEIR_LINK_AUTOREMOVE_CONSUMER,
		  WEIR_LINK_MANAGED | WEIR_LINK_AUTOREMOVE_SUPPLIER },
		/* runtime power is kept */
		{ 0, WEIR_LINK_PM_RUNTIME, WEIR_LINK_MANAGED | WEIR_LINK_PM_RUNTIME },
		{ WEIR_LINK_PM_RUNTIME, 0, WEIR_LINK_MANAGED | WEIR_LINK_PM_RUNTIME },
		/* a supplier that is needed is more than one that has to be tried first */
		{ 0, WEIR_LINK_ORDER, WEIR_LINK_MANAGED },
		{ WEIR_LINK_ORDER, 0, WEIR_LINK_MANAGED },
		{ WEIR_LINK_ORDER, WEIR_LINK_ORDER, WEIR_LINK_MANAGED | WEIR_LINK_ORDER },
		{ WEIR_LINK_SYNC_STATE_ONLY, WEIR_LINK_ORDER, WEIR_LINK_MANAGED | WEIR_LINK_ORDER },
		{ WEIR_LINK_ORDER, WEIR_LINK_SYNC_STATE_ONLY, WEIR_LINK_MANAGED | WEIR_LINK_ORDER },
		{ WEIR_LINK_STATELESS, WEIR_LINK_ORDER,
		  WEIR_LINK_MANAGED | WEIR_LINK_STATELESS | WEIR_LINK_ORDER },
		/* what someone asked for is not inferred any more */
		{ WEIR_LINK_INFERRED, 0, WEIR_LINK_MANAGED },
		{ 0, WEIR_LINK_INFERRED, WEIR_LINK_MANAGED },
		{ WEIR_LINK_INFERRED, WEIR_LINK_INFERRED, WEIR_LINK_MANAGED | WEIR_LINK_INFERRED },
		/* a link that blocks is more than one that does not */
		{ WEIR_LINK_SYNC_STATE_ONLY, 0, WEIR_LINK_MANAGED },
		{ 0, WEIR_LINK_SYNC_STATE_ONLY, WEIR_LINK_MANAGED },
	};
	struct world *w = *state;

	for (unsigned int i = 0; i < sizeof(rule) / sizeof(rule[0]); i++) {
		struct weir_link *first, *then;

		assert_int_equal(weir_link_add(world_find(w, "con"), world_find(w, "sup"),
					       rule[i][0], &first), 0);
		assert_int_equal(weir_link_add(world_find(w, "con"), world_find(w, "sup"),
					       rule[i][1], &then), 0);
		assert_ptr_equal(first, then);
		if (flags_of(w) != rule[i][2])
			fail_msg("rule %u: flags %x", i, flags_of(w));
		while (world_link(w, "con", "sup"))
			weir_link_del(world_link(w, "con", "sup"));
	}
}

static void test_link_stateless_is_counted(void **state)
{
	struct world *w = *state;

	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(add(w, "con", "sup", WEIR_LINK_STATELESS), 0);
	weir_link_del(world_link(w, "con", "sup"));
	weir_link_del(world_link(w, "con", "sup"));
	assert_non_null(world_link(w, "con", "sup"));
	assert_int_equal(weir_link_state_get(world_link(w, "con", "sup")), WEIR_LINK_NONE);
	weir_link_del(world_link(w, "con", "sup"));
	assert_null(world_link(w, "con", "sup"));
}

static void test_link_stateless_counts_have_an_end(void **state)
{
	struct world *w = *state;
	unsigned int n = 0;
	int err;

	while (!(err = add(w, "con", "sup", WEIR_LINK_STATELESS)))
		n++;
	assert_int_equal(err, WEIR_EOVERFLOW);
	assert_int_equal(n, 32767);
	assert_int_equal(add(w, "con", "sup", 0), 0); /* a managed one is not counted */
	while (n--) {
		assert_non_null(world_link(w, "con", "sup"));
		weir_link_del(world_link(w, "con", "sup"));
	}
	assert_null(world_link(w, "con", "sup"));
}

#define MANY 40u

static void assert_order(struct world *w, struct weir_link *const *expected, unsigned int n)
{
	struct weir_link *link;
	unsigned int seen = 0;
	uint32_t at = 0;

	while ((link = weir_link_each_(w->m, &at))) {
		assert_true(seen < n);
		assert_ptr_equal(link, expected[seen++]);
	}
	assert_int_equal(seen, n);
}

/* Whatever was deleted in between, and however often the room of what is gone was used again. */
static void test_link_order_of_creation_is_kept(void **state)
{
	struct world *w = *state;
	struct weir_device *sup = world_find(w, "sup"), *con[MANY];
	struct weir_link *links[MANY];
	unsigned int n = 0, kept;
	char name[16];

	for (unsigned int i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "c%u", i);
		con[i] = world_device(w, name, NULL, "kc");
	}
	for (unsigned int round = 0; round < 12; round++) {
		for (unsigned int i = 0; i < MANY; i++) {
			struct weir_link *link;

			if (!weir_link_find(con[(i * 7 + round) % MANY], sup, &link))
				continue;
			assert_int_equal(weir_link_add(con[(i * 7 + round) % MANY], sup, 0,
						       &links[n++]), 0);
		}
		assert_order(w, links, MANY);
		for (unsigned int i = kept = 0; i < MANY; i++)
			if ((i + round) % (round % 5 + 2) == 0)
				links[kept++] = links[i];
			else
				weir_link_del(links[i]);
		n = kept;
		assert_order(w, links, n);
	}
	assert_true(w->m->max_links < 4 * MANY);
}

static void test_link_refusals(void **state)
{
	struct world *w = *state;
	struct weir_device *loose, *con = world_find(w, "con");

	assert_int_equal(weir_device_create(w->bus, "loose", NULL, NULL, &loose), 0);
	assert_int_equal(weir_link_add(con, loose, 0, NULL), WEIR_ENODEV);
	assert_int_equal(weir_link_add(loose, con, 0, NULL), WEIR_ENODEV);
	assert_int_equal(weir_device_add(loose), 0);
	weir_device_del(loose);
	assert_int_equal(weir_link_add(con, loose, 0, NULL), WEIR_ENODEV);
	assert_int_equal(weir_link_add(loose, con, 0, NULL), WEIR_ENODEV);
	weir_device_unref(loose);

	world_driver_add(w, "dc", "kc");
	assert_settles(w);
	assert_int_equal(add(w, "con", "sup", WEIR_LINK_SYNC_STATE_ONLY), WEIR_EINVAL);
}

/* Round or the other way round, over links and over parents: the last edge is refused. */
static void test_link_loops(void **state)
{
	struct world *w = *state;
	struct weir_device *top = world_device(w, "top", NULL, NULL);
	struct weir_device *mid = world_device(w, "mid", top, NULL);

	world_device(w, "low", mid, NULL);
	assert_int_equal(add(w, "con", "sup", 0), 0);
	assert_int_equal(add(w, "sup", "con", 0), WEIR_ELOOP);
	assert_int_equal(add(w, "sup", "con", WEIR_LINK_STATELESS), WEIR_ELOOP);
	assert_int_equal(add(w, "sup", "con", WEIR_LINK_SYNC_STATE_ONLY), 0);

	assert_int_equal(add(w, "top", "low", 0), WEIR_ELOOP);
	assert_int_equal(add(w, "low", "top", 0), 0);
	/* low needs con: then con must not need what low hangs below, nor what needs that */
	assert_int_equal(add(w, "top", "con", 0), 0);
	assert_int_equal(add(w, "sup", "low", 0), WEIR_ELOOP);
	assert_int_equal(add(w, "con", "mid", 0), WEIR_ELOOP);
	assert_int_equal(add(w, "sup", "low", WEIR_LINK_SYNC_STATE_ONLY), 0);
}

/* A link that only delays sync_state may close a loop; making it block is refused then. */
static void test_link_loop_by_merging(void **state)
{
	struct world *w = *state;

	assert_int_equal(add(w, "con", "sup", 0), 0);
	assert_int_equal(add(w, "sup", "con", WEIR_LINK_SYNC_STATE_ONLY), 0);
	assert_int_equal(add(w, "sup", "con", 0), WEIR_ELOOP);
	assert_int_equal(weir_link_flags(world_link(w, "sup", "con")),
			 WEIR_LINK_SYNC_STATE_ONLY | WEIR_LINK_MANAGED);
	assert_int_equal(world_find(w, "sup")->nr_blocking, 0);
}

/* In a chain of any length the search finds the loop from either end. */
static void test_link_loop_in_a_long_chain(void **state)
{
	struct world *w = *state;
	char name[16], prev[16];

	for (unsigned int i = 0; i < 2000; i++) {
		snprintf(name, sizeof(name), "n%u", i);
		snprintf(prev, sizeof(prev), "n%u", i - 1);
		world_device(w, name, NULL, NULL);
		if (i)
			assert_int_equal(add(w, name, prev, 0), 0);
	}
	assert_int_equal(add(w, "n0", "n1999", 0), WEIR_ELOOP);
	assert_int_equal(add(w, "n1000", "n1999", 0), WEIR_ELOOP);
	assert_int_equal(add(w, "n1999", "n0", 0), 0);
}

/* ---- states ---- */

#define assert_state(w, what) \
	assert_int_equal(weir_link_state_get(world_link(w, "con", "sup")), what)

static int look_while_probing(struct world *w, struct weir_device *dev)
{
	const char *name = weir_device_name(dev);
	struct weir_link *link = world_link(w, "con", "sup");

	if (link)
		world_note(w, "state %d in %s", (int)weir_link_state_get(link), name);
	return 0;
}

static void test_link_states_through_a_life(void **state)
{
	struct world *w = *state;
	struct world_driver *ds, *dc = world_driver_add(w, "dc", "kc");

	w->on_probe = look_while_probing;
	assert_int_equal(add(w, "con", "sup", 0), 0);
	assert_state(w, WEIR_LINK_DORMANT);
	assert_settles(w);
	assert_journal(w, ""); /* con may not */
	ds = world_driver_add(w, "ds", "ks");
	assert_settles(w);
	assert_journal(w, "probe sup; state 1 in sup; probe con; state 3 in con");
	assert_state(w, WEIR_LINK_ACTIVE);
	world_driver_del(w, dc);
	assert_state(w, WEIR_LINK_AVAILABLE);
	assert_int_equal(weir_driver_register(w->m, &dc->drv), 0);
	assert_settles(w);
	assert_state(w, WEIR_LINK_ACTIVE);
	assert_journal(w, "remove con; probe con; state 3 in con");
	world_driver_del(w, ds);
	assert_journal(w, "remove con; remove sup");
	assert_state(w, WEIR_LINK_DORMANT);
	assert_status(w, "con", WEIR_DEVICE_NO_DRIVER);
	assert_int_equal(world_find(w, "con")->nr_blocking, 1);
}

static void test_link_state_after_a_failed_probe(void **state)
{
	struct world *w = *state;

	assert_int_equal(add(w, "con", "sup", 0), 0);
	world_plan(w, "probe", "con", WEIR_EIO, 1);
	world_driver_add(w, "ds", "ks");
	world_driver_add(w, "dc", "kc");
	assert_settles(w);
	assert_state(w, WEIR_LINK_AVAILABLE);
	world_plan(w, "probe", "sup", WEIR_EIO, 1);
	assert_int_equal(weir_driver_unbind(world_find(w, "sup")), 0);
	assert_state(w, WEIR_LINK_DORMANT);
}

/* First states, from what the two are at the moment: { sup bound, con bound, state }. */
static void test_link_first_state(void **state)
{
	static const struct { bool sup, con; enum weir_link_state state; } rule[] = {
		{ false, false, WEIR_LINK_DORMANT },
		{ true, false, WEIR_LINK_AVAILABLE },
		{ true, true, WEIR_LINK_ACTIVE },
		{ false, true, WEIR_LINK_DORMANT },
	};
	struct world *w = *state;
	struct world_driver *ds = world_driver(w, "ds", "ks", NULL, NULL);
	struct world_driver *dc = world_driver(w, "dc", "kc", NULL, NULL);

	for (unsigned int i = 0; i < 4; i++) {
		if (rule[i].sup)
			assert_int_equal(weir_driver_register(w->m, &ds->drv), 0);
		if (rule[i].con)
			assert_int_equal(weir_driver_register(w->m, &dc->drv), 0);
		assert_settles(w);
		assert_int_equal(add(w, "con", "sup", 0), 0);
		assert_state(w, rule[i].state);
		weir_link_del(world_link(w, "con", "sup"));
		if (rule[i].sup)
			world_driver_del(w, ds);
		if (rule[i].con)
			world_driver_del(w, dc);
	}
}

/* A link made in the consumer's own probe, as drivers do that find their supplier themselves. */
static int link_in_probe(struct world *w, struct weir_device *dev)
{
	if (weir_device_name(dev)[0] == 'c') {
		assert_int_equal(weir_link_add(dev, world_find(w, "sup"),
					       WEIR_LINK_AUTOREMOVE_CONSUMER, NULL), 0);
		assert_state(w, WEIR_LINK_CONSUMER_PROBE);
	}
	return 0;
}

static void test_link_autoremove_consumer(void **state)
{
	struct world *w = *state;
	struct world_driver *dc;

	w->on_probe = link_in_probe;
	world_driver_add(w, "ds", "ks");
	assert_settles(w);
	dc = world_driver_add(w, "dc", "kc");
	assert_settles(w);
	assert_state(w, WEIR_LINK_ACTIVE);
	world_driver_del(w, dc);
	assert_null(world_link(w, "con", "sup"));
	assert_status(w, "sup", WEIR_DEVICE_BOUND);
}

static void test_link_autoremove_consumer_after_a_failed_probe(void **state)
{
	struct world *w = *state;

	world_driver_add(w, "ds", "ks");
	assert_settles(w);
	assert_int_equal(add(w, "con", "sup", WEIR_LINK_AUTOREMOVE_CONSUMER), 0);
	world_plan(w, "probe", "con", WEIR_EIO, 1);
	world_driver_add(w, "dc", "kc");
	assert_settles(w);
	assert_null(world_link(w, "con", "sup"));
}

static void test_link_autoremove_supplier(void **state)
{
	struct world *w = *state;
	struct world_driver *ds = world_driver_add(w, "ds", "ks");
	struct world_driver *dc = world_driver_add(w, "dc", "kc");

	assert_int_equal(add(w, "con", "sup", WEIR_LINK_AUTOREMOVE_SUPPLIER), 0);
	assert_settles(w);
	world_driver_del(w, dc);
	assert_state(w, WEIR_LINK_AVAILABLE);
	assert_int_equal(weir_driver_register(w->m, &dc->drv), 0);
	assert_settles(w);
	world_driver_del(w, ds);
	assert_null(world_link(w, "con", "sup"));
	assert_status(w, "con", WEIR_DEVICE_NO_DRIVER);
	assert_journal(w, "probe sup; probe con; remove con; probe con; remove con; remove sup");
}

static void test_link_stateless_holds_nothing_back(void **state)
{
	struct world *w = *state;
	struct world_driver *ds;

	assert_int_equal(add(w, "con", "sup", WEIR_LINK_STATELESS), 0);
	world_driver_add(w, "dc", "kc");
	assert_settles(w);
	ds = world_driver_add(w, "ds", "ks");
	assert_settles(w);
	world_driver_del(w, ds);
	assert_journal(w, "probe con; probe sup; remove sup");
	assert_state(w, WEIR_LINK_NONE);
}

static void test_link_sync_state_only(void **state)
{
	struct world *w = *state;
	struct world_driver *ds;

	w->sync_state = true;
	ds = world_driver_add(w, "ds", "ks");
	w->sync_state = false;
	assert_int_equal(add(w, "con", "sup", WEIR_LINK_SYNC_STATE_ONLY), 0);
	assert_settles(w);
	assert_journal(w, "probe sup");
	world_driver_add(w, "dc", "kc");
	assert_settles(w);
	assert_journal(w, "probe con; sync_state sup");
	assert_null(world_link(w, "con", "sup")); /* it has served */
	world_driver_del(w, ds);
	assert_journal(w, "remove sup");
}

/* Relaxing lets the consumer go, and only what may be relaxed. */
static void test_link_relax(void **state)
{
	struct world *w = *state;
	struct weir_link *link;

	assert_int_equal(add(w, "con", "sup", 0), 0);
	link = world_link(w, "con", "sup");
	weir_lock_(w->m);
	weir_link_relax_(link);
	weir_unlock_(w->m);
	assert_int_equal(weir_link_flags(link), WEIR_LINK_MANAGED);
	assert_int_equal(world_find(w, "con")->nr_blocking, 1);
	weir_link_del(link);

	assert_int_equal(add(w, "con", "sup", WEIR_LINK_INFERRED | WEIR_LINK_AUTOPROBE), 0);
	link = world_link(w, "con", "sup");
	weir_lock_(w->m);
	weir_link_relax_(link);
	weir_unlock_(w->m);
	assert_int_equal(weir_link_flags(link), WEIR_LINK_MANAGED | WEIR_LINK_INFERRED |
						WEIR_LINK_SYNC_STATE_ONLY);
	assert_int_equal(world_find(w, "con")->nr_blocking, 0);
	world_driver_add(w, "dc", "kc");
	assert_settles(w);
	assert_status(w, "con", WEIR_DEVICE_BOUND);
}

/* The lists of both ends, oldest first, and what deleting a device takes with it. */
/* Past waiting, nothing that its supplier does touches the consumer of an order link. */
static void test_link_order_lets_go_for_good(void **state)
{
	struct world *w = *state;
	struct world_driver *sup;
	struct weir_link *link;

	assert_int_equal(add(w, "con", "sup", WEIR_LINK_ORDER), 0);
	sup = world_driver_add(w, "sup", "ks");
	world_driver_add(w, "con", "kc");
	assert_settles(w);
	assert_journal(w, "probe sup; probe con");
	link = world_link(w, "con", "sup");
	assert_int_equal(weir_link_state_get(link), WEIR_LINK_ACTIVE);
	world_driver_del(w, sup);
	assert_journal(w, "remove sup");
	assert_int_equal(weir_link_state_get(link), WEIR_LINK_ACTIVE);
	world_plan(w, "probe", "sup", WEIR_EIO, 0);
	assert_int_equal(weir_driver_register(w->m, &sup->drv), 0);
	assert_settles(w);
	assert_journal(w, "probe sup");
	assert_int_equal(weir_link_state_get(link), WEIR_LINK_ACTIVE);
	assert_status(w, "con", WEIR_DEVICE_BOUND);
}

/* ---- sync_state ---- */

static void probing_done(struct world *w, bool forced)
{
	weir_lock_(w->m);
	weir_sync_probing_done_(w->m, forced);
	weir_unlock_(w->m);
}

static void test_link_sync_state_once(void **state)
{
	struct world *w = *state;

	w->sync_state = true;
	assert_int_equal(add(w, "con", "sup", 0), 0);
	world_driver_add(w, "sup", "ks");
	assert_settles(w);
	assert_journal(w, "probe sup");
	probing_done(w, false); /* who is missing is told of, and that is all */
	assert_journal(w, "");
	w->sync_state = false;
	world_driver_add(w, "con", "kc");
	assert_settles(w);
	assert_journal(w, "probe con; sync_state sup");
	world_device(w, "con2", NULL, "kc");
	assert_int_equal(add(w, "con2", "sup", 0), 0);
	assert_settles(w);
	probing_done(w, true);
	assert_journal(w, "probe con2");
}

static void test_link_sync_state_stateless(void **state)
{
	struct world *w = *state;

	w->sync_state = true;
	assert_int_equal(add(w, "con", "sup", WEIR_LINK_STATELESS), 0);
	world_driver_add(w, "sup", "ks");
	assert_settles(w);
	assert_journal(w, "probe sup; sync_state sup");
}

static void pause_sync(struct world *w, bool on)
{
	weir_lock_(w->m);
	if (on)
		weir_sync_pause_(w->m);
	else
		weir_sync_resume_(w->m);
	weir_unlock_(w->m);
}

static void test_link_sync_state_paused(void **state)
{
	struct world *w = *state;

	w->sync_state = true;
	assert_int_equal(add(w, "con", "sup", 0), 0);
	pause_sync(w, true);
	world_driver_add(w, "sup", "ks");
	assert_settles(w);
	pause_sync(w, false);
	assert_journal(w, "probe sup"); /* parked, and not all are there */
	pause_sync(w, true);
	w->sync_state = false;
	world_driver_add(w, "con", "kc");
	assert_settles(w);
	assert_journal(w, "probe con");
	pause_sync(w, false);
	assert_journal(w, "sync_state sup");
}

static void test_link_lists(void **state)
{
	struct world *w = *state;
	struct weir_link *link;

	world_device(w, "con2", NULL, NULL);
	world_device(w, "sup2", NULL, NULL);
	assert_int_equal(add(w, "con", "sup", 0), 0);
	assert_int_equal(add(w, "con", "sup2", 0), 0);
	assert_int_equal(add(w, "con2", "sup", 0), 0);
	link = weir_link_first(world_find(w, "con"));
	assert_ptr_equal(weir_link_supplier(link), world_find(w, "sup"));
	assert_null(weir_link_property(link));
	assert_ptr_equal(weir_link_supplier(weir_link_next(link)), world_find(w, "sup2"));
	assert_null(weir_link_next(weir_link_next(link)));
	link = weir_link_first_consumer(world_find(w, "sup"));
	assert_ptr_equal(weir_link_consumer(link), world_find(w, "con"));
	assert_ptr_equal(weir_link_consumer(weir_link_next_consumer(link)), world_find(w, "con2"));
	assert_null(weir_link_next_consumer(weir_link_next_consumer(link)));
	weir_device_del(world_find(w, "con"));
	assert_null(world_link(w, "con2", "sup2"));
	link = weir_link_first_consumer(world_find(w, "sup"));
	assert_ptr_equal(weir_link_consumer(link), world_find(w, "con2"));
	assert_null(weir_link_next_consumer(link));
	weir_device_del(world_find(w, "sup"));
	assert_null(weir_link_first(world_find(w, "con2")));
	assert_int_equal(world_find(w, "con2")->nr_blocking, 0);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, open_world, close_world)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_link_flags_that_exclude_each_other),
		TEST(test_link_flags_that_go_together),
		TEST(test_link_merge),
		TEST(test_link_stateless_is_counted),
		TEST(test_link_stateless_counts_have_an_end),
		TEST(test_link_order_of_creation_is_kept),
		TEST(test_link_refusals),
		TEST(test_link_loops),
		TEST(test_link_loop_by_merging),
		TEST(test_link_loop_in_a_long_chain),
		TEST(test_link_states_through_a_life),
		TEST(test_link_state_after_a_failed_probe),
		TEST(test_link_first_state),
		TEST(test_link_autoremove_consumer),
		TEST(test_link_autoremove_consumer_after_a_failed_probe),
		TEST(test_link_autoremove_supplier),
		TEST(test_link_stateless_holds_nothing_back),
		TEST(test_link_sync_state_only),
		TEST(test_link_relax),
		TEST(test_link_order_lets_go_for_good),
		TEST(test_link_sync_state_once),
		TEST(test_link_sync_state_stateless),
		TEST(test_link_sync_state_paused),
		TEST(test_link_lists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
