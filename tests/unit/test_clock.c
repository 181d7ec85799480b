// SPDX-License-Identifier: MIT
/*
 * Clocks of devices: what firmware names is enabled in order, and undone in the opposite one; what
 * nobody publishes, and what is empty on purpose, is nobody's affair.
 */
#include <libfdt.h>
#include <string.h>

#include "treebed.h"
#include "world.h"

struct clocks {
	struct world w;
	int on[4];                /* by number */
	char calls[64];
	int err_at;               /* the clock that cannot be had; 0: none */
	_Alignas(8) unsigned char blob[2048];
};

static int enable(void *provider, const uint32_t *cells, unsigned int n)
{
	struct clocks *c = provider;

	assert_int_equal(n, 2);
	assert_int_equal(cells[1], 7);
	if ((int)cells[0] == c->err_at)
		return WEIR_EIO;
	c->on[cells[0]]++;
	c->calls[strlen(c->calls)] = (char)('0' + cells[0]);
	return 0;
}

static void disable(void *provider, const uint32_t *cells, unsigned int n)
{
	struct clocks *c = provider;

	assert_int_equal(n, 2);
	c->on[cells[0]]--;
	c->calls[strlen(c->calls)] = (char)('a' + cells[0]);
}

static const struct weir_clock_ops ops = {
	.abi = WEIR_ABI(struct weir_clock_ops), .enable = enable, .disable = disable,
};

static int probe(struct world *w, struct weir_device *dev)
{
	struct weir_clock_ops bad = ops;
	int err = 0;

	if (strcmp(weir_device_name(dev), "clock"))
		return 0;
	bad.disable = NULL;
	assert_int_equal(weir_clocks_publish(dev, &bad, w), WEIR_EINVAL);
	bad = ops;
	bad.abi.version++;
	assert_int_equal(weir_clocks_publish(dev, &bad, w), WEIR_EINVAL);
	err = weir_clocks_publish(dev, &ops, w);
	if (!err)
		assert_int_equal(weir_clocks_publish(dev, &ops, w), WEIR_EEXIST);
	return err;
}

/* Nodes: a provider, one that publishes nothing, a consumer of both, one whose specifier is too long. */
static void make_tree(void *fdt, size_t bytes)
{
	static const uint32_t clocks[] = { 1, 1, 7, 0, 2, 1, 2, 7, 1, 3, 7 }, counts[] = { 2, 0, 20 };
	static const uint32_t long_one[21] = { 3 };

	assert_int_equal(fdt_create(fdt, (int)bytes), 0);
	assert_int_equal(fdt_finish_reservemap(fdt), 0);
	assert_int_equal(fdt_begin_node(fdt, ""), 0);
	for (uint32_t i = 0; i < 3; i++) {
		static const char *const names[] = { "clock", "fixed", "huge" };
		const uint32_t phandle = i + 1;

		assert_int_equal(fdt_begin_node(fdt, names[i]), 0);
		assert_int_equal(fdt_property_string(fdt, "compatible", i ? "t,fixed" : "t,clock"), 0);
		tree_cells(fdt, "phandle", &phandle, 1);
		tree_cells(fdt, "#clock-cells", &counts[i], 1);
		assert_int_equal(fdt_end_node(fdt), 0);
	}
	assert_int_equal(fdt_begin_node(fdt, "user"), 0);
	assert_int_equal(fdt_property_string(fdt, "compatible", "t,user"), 0);
	tree_cells(fdt, "clocks", clocks, 11);
	assert_int_equal(fdt_end_node(fdt), 0);
	assert_int_equal(fdt_begin_node(fdt, "long"), 0);
	assert_int_equal(fdt_property_string(fdt, "compatible", "t,user"), 0);
	tree_cells(fdt, "clocks", long_one, 21);
	assert_int_equal(fdt_end_node(fdt), 0);
	assert_int_equal(fdt_end_node(fdt), 0);
	assert_int_equal(fdt_finish(fdt), 0);
}

static int try_open(struct clocks *c, struct testhost *host)
{
	static const char *const names[] = { "clock", "fixed", "huge", "user", "long" };
	int err;

	memset(c, 0, sizeof(*c));
	make_tree(c->blob, sizeof(c->blob));
	err = world_try_open(&c->w, host, NULL);
	c->w.on_probe = probe;
	if (!err)
		err = weir_firmware_load_dt(c->w.m, c->blob, sizeof(c->blob));
	if (!err)
		err = weir_driver_register(c->w.m, &world_driver(&c->w, "all", "t,clock", "t,fixed",
								 "t,user")->drv);
	for (unsigned int i = 0; i < 5 && !err; i++) {
		struct weir_device *dev;
		struct weir_fwnode *fw;
		char path[16] = "/";

		strcat(path, names[i]);
		assert_int_equal(weir_fwnode_find(c->w.m, path, &fw), 0);
		err = weir_device_create(c->w.bus, names[i], NULL, fw, &dev);
		if (err)
			break;
		err = weir_device_add(dev);
		weir_device_unref(dev);
	}
	return err ? err : weir_settle(c->w.m);
}

static void open_clocks(struct clocks *c)
{
	assert_int_equal(try_open(c, testhost_create(NULL, NULL)), 0);
}

static void expect(struct clocks *c, const char *calls)
{
	assert_string_equal(c->calls, calls);
	memset(c->calls, 0, sizeof(c->calls));
}

static void test_clock_enable(void **state)
{
	struct weir_device *user;
	struct clocks c;

	(void)state;
	open_clocks(&c);
	user = world_find(&c.w, "user");
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(weir_clocks_enable(user), 0);
		expect(&c, "123");
		weir_clocks_disable(user);
		expect(&c, "dcb");
	}
	c.err_at = 3;
	assert_int_equal(weir_clocks_enable(user), WEIR_EIO);
	expect(&c, "12cb");
	assert_int_equal(weir_clocks_enable(world_find(&c.w, "long")), WEIR_EINVAL);
	assert_int_equal(weir_clocks_enable(world_find(&c.w, "fixed")), 0); /* needs none */
	expect(&c, "");
	world_close(&c.w);
}

/* What is left running is taken over by the next who asks; unless its provider went, too. */
static void test_clock_left(void **state)
{
	struct weir_device *user;
	struct clocks c;

	(void)state;
	open_clocks(&c);
	user = world_find(&c.w, "user");
	assert_int_equal(weir_clocks_enable(user), 0);
	weir_clocks_leave(user);
	assert_int_equal(weir_clocks_enable(user), 0);
	expect(&c, "123");
	weir_clocks_leave(user);
	assert_int_equal(weir_driver_unbind(world_find(&c.w, "clock")), 0);
	assert_int_equal(weir_driver_bind(world_find(&c.w, "clock")), 0);
	assert_settles(&c.w);
	assert_int_equal(weir_clocks_enable(user), 0);
	expect(&c, "123");
	world_close(&c.w);
}

static void sweep(struct testhost *t, void *arg)
{
	struct clocks *c = arg;
	int err = try_open(c, t);

	if (!err && !testhost_fault_hit(t))
		assert_status(&c->w, "user", WEIR_DEVICE_BOUND);
	weir_machine_destroy(c->w.m);
	pthread_mutex_destroy(&c->w.mutex);
}

static void test_clock_every_call_fails(void **state)
{
	static struct clocks c;

	(void)state;
	assert_true(testhost_sweep(NULL, NULL, sweep, &c) > 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clock_enable),
		cmocka_unit_test(test_clock_left),
		cmocka_unit_test(test_clock_every_call_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
