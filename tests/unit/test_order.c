// SPDX-License-Identifier: MIT
/* The order alone: what is handed out when, what the answers do, what is refused. */
#include <stdio.h>

#include "cm.h"
#include "core/core.h"
#include "testhost.h"

struct book {
	struct testhost *t;
	struct weir_machine *m;
	struct weir_order *order;
};

static int open_book(void **state)
{
	static struct book b;

	b.t = testhost_create(NULL, NULL);
	assert_int_equal(weir_machine_create(testhost_ops(b.t), b.t, &b.m), 0);
	assert_int_equal(weir_order_create(b.m, &b.order), 0);
	*state = &b;
	return 0;
}

static int close_book(void **state)
{
	struct book *b = *state;

	weir_order_destroy(b->order);
	weir_machine_destroy(b->m);
	testhost_destroy(b->t);
	return 0;
}

static struct weir_device *add(struct book *b, const char *name, bool offer)
{
	struct weir_device *dev;

	assert_int_equal(weir_order_add(b->order, name, &dev), 0);
	if (offer)
		assert_int_equal(weir_order_offer(dev), 0);
	return dev;
}

static void assert_next(struct book *b, struct weir_device *dev)
{
	struct weir_device *next = NULL;

	assert_int_equal(weir_order_next(b->order, &next), dev ? 0 : WEIR_ENOENT);
	assert_ptr_equal(next, dev);
}

static void assert_verdict(struct weir_device *dev, enum weir_verdict verdict)
{
	assert_int_equal(weir_device_verdict(dev, NULL), verdict);
}

static void test_order_suppliers_first(void **state)
{
	struct book *b = *state;
	struct weir_device *nic = add(b, "nic", true), *clk = add(b, "clk", true);
	struct weir_device *pmic = add(b, "pmic", false), *found;
	struct weir_link *link;
	struct weir_why why;

	assert_int_equal(weir_order_need(nic, clk, "clocks", 0), 0);
	assert_int_equal(weir_order_need(clk, pmic, "vdd-supply", 0), 0);
	assert_int_equal(weir_link_find(nic, clk, &link), 0);
	assert_string_equal(weir_link_property(link), "clocks");
	assert_next(b, NULL);
	assert_int_equal(weir_order_may_probe(nic, &why), WEIR_EDEFER);
	assert_ptr_equal(why.device, pmic);
	assert_int_equal(why.verdict, WEIR_VERDICT_UNKNOWN_DRIVER);
	assert_int_equal(weir_order_may_probe(nic, NULL), WEIR_EDEFER);

	assert_int_equal(weir_order_offer(pmic), 0);
	assert_int_equal(weir_order_offer(pmic), WEIR_EEXIST);
	assert_next(b, pmic);
	assert_next(b, NULL); /* the rest waits for the answer */
	assert_int_equal(weir_order_may_probe(pmic, NULL), WEIR_EBUSY);
	assert_int_equal(weir_order_done(clk, 0), WEIR_EINVAL);
	assert_int_equal(weir_order_done(pmic, 0), 0);
	assert_int_equal(weir_order_done(pmic, 0), WEIR_EINVAL);
	assert_int_equal(weir_order_may_probe(nic, NULL), WEIR_EDEFER);
	assert_int_equal(weir_order_may_probe(clk, NULL), 0);
	assert_int_equal(weir_order_done(clk, 0), 0);
	assert_next(b, nic);
	assert_int_equal(weir_order_done(nic, 0), 0);
	assert_verdict(nic, WEIR_VERDICT_BOUND);
	assert_int_equal(weir_order_may_probe(nic, NULL), WEIR_EBUSY);
	assert_int_equal(weir_order_find(b->order, "clk", &found), 0);
	assert_ptr_equal(found, clk);
	assert_int_equal(weir_order_find(b->order, "gpu", &found), WEIR_ENOENT);
}

static void test_order_refusals(void **state)
{
	struct book *b = *state;
	struct weir_device *x = add(b, "x", true), *y = add(b, "y", true), *z = NULL;
	struct weir_order *second;

	assert_int_equal(weir_order_create(b->m, &second), WEIR_EEXIST);
	assert_int_equal(weir_order_add(b->order, "x", &z), WEIR_EEXIST);
	assert_null(z);
	assert_int_equal(weir_order_need(x, x, NULL, 0), WEIR_EINVAL);
	assert_int_equal(weir_order_need(x, y, NULL, WEIR_LINK_STATELESS), WEIR_EINVAL);
	assert_int_equal(weir_order_need(x, y, NULL, 0), 0);
	assert_int_equal(weir_order_need(y, x, NULL, 0), WEIR_ELOOP);
	assert_int_equal(weir_order_removed(x, NULL), WEIR_EINVAL);
	weir_order_destroy(NULL);
}

/* A second book can be begun when the first is closed. */
static void test_order_again(void **state)
{
	struct book *b = *state;

	add(b, "x", true);
	weir_order_destroy(b->order);
	assert_int_equal(weir_order_create(b->m, &b->order), 0);
	assert_next(b, add(b, "x", true));
}

static void test_order_failures(void **state)
{
	struct book *b = *state;
	struct weir_device *bad = add(b, "bad", true), *user = add(b, "user", true);
	struct weir_device *after = add(b, "after", true);
	struct weir_why why;

	assert_int_equal(weir_order_need(user, bad, "clocks", 0), 0);
	assert_int_equal(weir_order_need(after, bad, "bridge", WEIR_LINK_ORDER), 0);
	assert_next(b, bad);
	assert_int_equal(weir_order_done(bad, WEIR_EIO), 0);
	assert_next(b, after); /* it only wanted to come after */
	assert_int_equal(weir_order_done(after, 0), 0);
	assert_int_equal(weir_order_may_probe(user, &why), WEIR_EDEFER);
	assert_ptr_equal(why.device, bad);
	assert_int_equal(why.verdict, WEIR_VERDICT_FAILED);
	assert_int_equal(why.err, WEIR_EIO);
}

static void test_order_not_yet(void **state)
{
	struct book *b = *state;
	struct weir_device *x = add(b, "x", true), *y;

	assert_next(b, x);
	assert_int_equal(weir_order_done(x, WEIR_EDEFER), 0);
	assert_next(b, NULL);
	y = add(b, "y", true);
	assert_next(b, y);
	assert_int_equal(weir_order_done(y, 0), 0);
	assert_next(b, x);
	assert_int_equal(weir_order_done(x, 0), 0);
}

static void test_order_no_driver_ever(void **state)
{
	struct book *b = *state;
	struct weir_device *none = add(b, "none", false), *opt = add(b, "opt", true);
	struct weir_device *after = add(b, "after", true), *needs = add(b, "needs", true);

	assert_int_equal(weir_order_need(opt, none, "leds", WEIR_LINK_OPTIONAL), 0);
	assert_int_equal(weir_order_need(after, none, "bridge", WEIR_LINK_ORDER), 0);
	assert_int_equal(weir_order_need(needs, none, "clocks", 0), 0);
	assert_next(b, NULL);
	weir_order_complete(b->order);
	assert_next(b, opt);
	assert_next(b, after);
	assert_next(b, NULL);
	assert_verdict(none, WEIR_VERDICT_NO_DRIVER);
	assert_int_equal(weir_order_done(opt, 0), 0);
	assert_int_equal(weir_order_done(after, 0), 0);
}

static void test_order_removal_consumers_first(void **state)
{
	struct book *b = *state;
	struct weir_device *sup = add(b, "sup", true), *con = add(b, "con", true), *user = NULL;

	assert_int_equal(weir_order_need(con, sup, NULL, 0), 0);
	assert_next(b, sup);
	assert_int_equal(weir_order_done(sup, 0), 0);
	assert_next(b, con);
	assert_int_equal(weir_order_removed(sup, &user), WEIR_EBUSY); /* being probed */
	assert_ptr_equal(user, con);
	assert_int_equal(weir_order_withdraw(con), WEIR_EBUSY);
	assert_int_equal(weir_order_done(con, 0), 0);
	assert_int_equal(weir_order_removed(sup, NULL), WEIR_EBUSY);
	assert_int_equal(weir_order_withdraw(con), WEIR_EBUSY);
	assert_int_equal(weir_order_removed(con, NULL), 0);
	assert_int_equal(weir_order_removed(sup, NULL), 0);
	assert_next(b, NULL);
	assert_int_equal(weir_order_withdraw(sup), 0);
	assert_int_equal(weir_order_withdraw(sup), WEIR_ENOENT);
	assert_int_equal(weir_order_withdraw(con), 0);
	/* and once more, drivers the other way round */
	assert_int_equal(weir_order_offer(con), 0);
	assert_int_equal(weir_order_offer(sup), 0);
	assert_next(b, sup);
	assert_int_equal(weir_order_done(sup, 0), 0);
	assert_next(b, con);
	assert_int_equal(weir_order_done(con, 0), 0);
}

/* What was handed out but not fetched is no hindrance: it is taken back. */
static void test_order_taken_back(void **state)
{
	struct book *b = *state;
	struct weir_device *sup = add(b, "sup", true), *con = add(b, "con", true);

	assert_int_equal(weir_order_need(con, sup, NULL, 0), 0);
	assert_next(b, sup);
	assert_int_equal(weir_order_done(sup, 0), 0);
	assert_int_equal(weir_settle(b->m), 0); /* con is handed out now */
	assert_int_equal(weir_order_done(con, 0), WEIR_EINVAL);
	assert_int_equal(weir_order_removed(sup, NULL), 0);
	assert_next(b, NULL);
	assert_int_equal(weir_order_may_probe(con, NULL), WEIR_EDEFER);
	assert_int_equal(weir_order_withdraw(sup), 0);
	assert_int_equal(weir_order_offer(sup), 0);
	assert_next(b, sup);
	assert_int_equal(weir_order_done(sup, 0), 0);
	assert_int_equal(weir_settle(b->m), 0);
	assert_int_equal(weir_order_withdraw(con), 0); /* also taken back */
	assert_next(b, NULL);
	assert_int_equal(weir_order_offer(con), 0);
	assert_next(b, con);
	assert_int_equal(weir_order_done(con, 0), 0);
}

/* In any state a device can be forgotten, and all of them at the end. */
static void test_order_deleted(void **state)
{
	struct book *b = *state;
	struct weir_device *sup = add(b, "sup", true), *con = add(b, "con", true);

	assert_int_equal(weir_order_need(con, sup, NULL, 0), 0);
	assert_next(b, sup);
	weir_order_del(sup); /* while it is probed */
	assert_next(b, con); /* has nobody to wait for */
	assert_int_equal(weir_order_done(con, 0), 0);
	weir_order_del(con); /* bound */
	add(b, "never", false);
	assert_next(b, add(b, "probing", true));
	add(b, "out", true);
	assert_int_equal(weir_settle(b->m), 0); /* handed out */
}

/* ---- with calls that fail ---- */

#define RETRY(t, call) \
	do { \
		int err_ = (call); \
		if (err_) { \
			assert_int_equal(err_, WEIR_ENOMEM); \
			assert_true(testhost_fault_hit(t)); \
			assert_int_equal((call), 0); \
		} \
	} while (0)

static void scenario(struct testhost *t, void *arg)
{
	struct weir_device *dev[4], *next;
	struct weir_machine *m;
	struct weir_order *order;
	unsigned int bound = 0;

	(void)arg;
	RETRY(t, weir_machine_create(testhost_ops(t), t, &m));
	RETRY(t, weir_order_create(m, &order));
	for (unsigned int i = 0; i < 4; i++) {
		char name[2] = { (char)('a' + i), '\0' };

		RETRY(t, weir_order_add(order, name, &dev[i]));
		if (i)
			RETRY(t, weir_order_need(dev[i - 1], dev[i], "clocks", 0));
		RETRY(t, weir_order_offer(dev[i]));
	}
	while (!weir_order_next(order, &next)) {
		assert_ptr_equal(next, dev[3 - bound++]);
		assert_int_equal(weir_order_done(next, 0), 0);
	}
	assert_int_equal(bound, 4);
	weir_order_destroy(order);
	weir_machine_destroy(m);
}

static void test_order_faults(void **state)
{
	(void)state;
	assert_in_range(testhost_sweep(NULL, NULL, scenario, NULL), 25, 150);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, open_book, close_book)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_order_suppliers_first),
		TEST(test_order_refusals),
		TEST(test_order_again),
		TEST(test_order_failures),
		TEST(test_order_not_yet),
		TEST(test_order_no_driver_ever),
		TEST(test_order_removal_consumers_first),
		TEST(test_order_taken_back),
		TEST(test_order_deleted),
		cmocka_unit_test(test_order_faults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
