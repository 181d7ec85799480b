// SPDX-License-Identifier: MIT
/*
 * Which devices are one group, by their ids alone: each case is a few masters, added in
 * every order; the groups and their keys must be the same in all of them, without any
 * driver, and nothing is left when they are gone.
 */
#include <libfdt.h>
#include <stdio.h>
#include <string.h>

#include "world.h"

#define MAX_MASTERS 5u
#define MAX_CELLS 6u

struct identity_case {
	const char *name;
	const char *iommu;     /* compatible */
	uint32_t cells, mask;  /* #iommu-cells, stream-match-mask (0: none) */
	struct {
		unsigned int n;
		uint32_t cell[MAX_CELLS]; /* of "iommus", without the phandle (1) */
	} masters[MAX_MASTERS];
	const char *groups;    /* masters a, b, c ... and the keys of their groups */
};

static const struct identity_case cases[] = {
	{ "each its own", "arm,smmu-v3", 1, 0,
	  { { 1, { 1 } }, { 1, { 2 } }, { 1, { 3 } } },
	  "a=/iommu:0x1 b=/iommu:0x2 c=/iommu:0x3" },
	{ "the same id", "arm,smmu-v3", 1, 0,
	  { { 1, { 7 } }, { 1, { 2 } }, { 1, { 7 } } },
	  "a=/iommu:0x7 b=/iommu:0x2 c=/iommu:0x7" },
	{ "one with the ids of two", "virtio,mmio", 1, 0,
	  { { 1, { 5 } }, { 2, { 5, 9 } }, { 1, { 9 } }, { 1, { 1 } } },
	  "a=/iommu:0x5 b=/iommu:0x5 c=/iommu:0x5 d=/iommu:0x1" },
	{ "a chain", "riscv,iommu", 1, 0,
	  { { 2, { 8, 7 } }, { 2, { 7, 6 } }, { 2, { 6, 5 } }, { 2, { 5, 4 } }, { 1, { 3 } } },
	  "a=/iommu:0x4 b=/iommu:0x4 c=/iommu:0x4 d=/iommu:0x4 e=/iommu:0x3" },
	{ "no cells: one master or all are one", "samsung,exynos-sysmmu", 0, 0,
	  { { 0 }, { 0 } },
	  "a=/iommu:0x0 b=/iommu:0x0" },
	{ "masks of masters", "arm,mmu-500", 2, 0,
	  { { 2, { 0x100, 0x0f } }, { 2, { 0x108, 0 } }, { 2, { 0x110, 0 } } },
	  "a=/iommu:0x100/0xf b=/iommu:0x100/0xf c=/iommu:0x110" },
	{ "masks that overlap each other", "arm,mmu-500", 2, 0,
	  { { 2, { 0x10, 0x03 } }, { 2, { 0x12, 0x0c } }, { 2, { 0x20, 0x03 } } },
	  "a=/iommu:0x10/0x3 b=/iommu:0x10/0x3 c=/iommu:0x20/0x3" },
	{ "the mask of the SMMU", "arm,mmu-500", 1, 0x7f80,
	  { { 1, { 0x0011 } }, { 1, { 0x0811 } }, { 1, { 0x0812 } } },
	  "a=/iommu:0x11/0x7f80 b=/iommu:0x11/0x7f80 c=/iommu:0x12/0x7f80" },
	{ "the mask of a Tegra's SMMU", "nvidia,smmu-500", 1, 0x7f80,
	  { { 1, { 0x0011 } }, { 1, { 0x0811 } }, { 1, { 0x0812 } } },
	  "a=/iommu:0x11/0x7f80 b=/iommu:0x11/0x7f80 c=/iommu:0x12/0x7f80" },
	{ "cells of others are no masks", "vendor,iommu", 2, 0,
	  { { 2, { 1, 0xff } }, { 2, { 2, 0xff } }, { 2, { 1, 0xff } } },
	  "a=/iommu:0xff00000001 b=/iommu:0xff00000002 c=/iommu:0xff00000001" },
};

static _Alignas(8) unsigned char blob[4096];

static unsigned int count_masters(const struct identity_case *c)
{
	unsigned int n = 0;

	while (n < MAX_MASTERS && (c->masters[n].n || (!c->cells && n < 2)))
		n++;
	return n;
}

static void put_master(const struct identity_case *c, unsigned int i)
{
	fdt32_t behind[2 * MAX_CELLS];
	unsigned int n = 0, at = 0;
	char name[2] = { (char)('a' + i), 0 };

	do {
		behind[n++] = cpu_to_fdt32(1);
		for (unsigned int k = 0; k < c->cells; k++)
			behind[n++] = cpu_to_fdt32(c->masters[i].cell[at++]);
	} while (at < c->masters[i].n);
	assert_int_equal(fdt_begin_node(blob, name), 0);
	assert_int_equal(fdt_property_string(blob, "compatible", "t,master"), 0);
	assert_int_equal(fdt_property(blob, "iommus", behind, (int)(n * 4)), 0);
	assert_int_equal(fdt_end_node(blob), 0);
}

static void make_blob(const struct identity_case *c)
{
	assert_int_equal(fdt_create(blob, sizeof(blob)), 0);
	assert_int_equal(fdt_finish_reservemap(blob), 0);
	assert_int_equal(fdt_begin_node(blob, ""), 0);
	assert_int_equal(fdt_begin_node(blob, "iommu"), 0);
	assert_int_equal(fdt_property_string(blob, "compatible", c->iommu), 0);
	assert_int_equal(fdt_property_u32(blob, "phandle", 1), 0);
	assert_int_equal(fdt_property_u32(blob, "#iommu-cells", c->cells), 0);
	if (c->mask)
		assert_int_equal(fdt_property_u32(blob, "stream-match-mask", c->mask), 0);
	assert_int_equal(fdt_end_node(blob), 0);
	for (unsigned int i = 0; i < count_masters(c); i++)
		put_master(c, i);
	assert_int_equal(fdt_end_node(blob), 0);
	assert_int_equal(fdt_finish(blob), 0);
}

static void add(struct world *w, unsigned int i)
{
	char path[3] = { '/', (char)('a' + i), 0 };
	struct weir_fwnode *fw;
	struct weir_device *dev;

	assert_int_equal(weir_fwnode_find(w->m, path, &fw), 0);
	assert_int_equal(weir_device_create(w->bus, path + 1, NULL, fw, &dev), 0);
	assert_int_equal(weir_device_add(dev), 0);
	weir_device_unref(dev);
}

static void check(struct world *w, const struct identity_case *c, const unsigned int *order,
		  unsigned int n)
{
	char is[400];
	size_t at = 0;

	for (unsigned int i = 0; i < n; i++) {
		char name[2] = { (char)('a' + i), 0 };
		const char *key = weir_device_group_key(world_find(w, name));

		at += (size_t)snprintf(is + at, sizeof(is) - at, "%s%s=%s", i ? " " : "", name,
				       key ? key : "-");
	}
	if (strcmp(is, c->groups))
		fail_msg("%s, added as %u %u %u %u %u: %s, not %s", c->name, order[0], order[1],
			 order[2], order[3], order[4], is, c->groups);
}

static void try_order(const struct identity_case *c, const unsigned int *order, unsigned int n)
{
	struct world w;

	world_open(&w, NULL);
	w.quiet = true;
	assert_int_equal(weir_firmware_load_dt(w.m, blob, sizeof(blob)), 0);
	for (unsigned int i = 0; i < n; i++)
		add(&w, order[i]);
	check(&w, c, order, n);
	world_close(&w);
}

static unsigned int permute(const struct identity_case *c, unsigned int *order, unsigned int k,
			    unsigned int n)
{
	unsigned int tried = 0;

	if (k == n) {
		try_order(c, order, n);
		return 1;
	}
	for (unsigned int i = k; i < n; i++) {
		unsigned int tmp = order[k];

		order[k] = order[i];
		order[i] = tmp;
		tried += permute(c, order, k + 1, n);
		order[i] = order[k];
		order[k] = tmp;
	}
	return tried;
}

static void test_identity_is_the_same_in_every_order(void **state)
{
	unsigned int tried = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		unsigned int order[MAX_MASTERS] = { 0, 1, 2, 3, 4 };

		make_blob(&cases[i]);
		tried += permute(&cases[i], order, 0, count_masters(&cases[i]));
	}
	assert_int_equal(tried, 6 + 6 + 24 + 120 + 2 + 6 + 6 + 6 + 6 + 6);
}

/* A device without memory for its identity is not added; tried again, it is. */
static void sweep(struct testhost *t, void *arg)
{
	const struct identity_case *c = arg;
	struct weir_device *dev;
	struct weir_fwnode *fw;
	struct world w;

	w.posix = NULL;
	if (world_try_open(&w, t, NULL) || weir_firmware_load_dt(w.m, blob, sizeof(blob)))
		goto out;
	for (unsigned int i = 0; i < count_masters(c); i++) {
		char path[3] = { '/', (char)('a' + i), 0 };

		if (weir_fwnode_find(w.m, path, &fw) ||
		    weir_device_create(w.bus, path + 1, NULL, fw, &dev))
			goto out;
		if (weir_device_add(dev)) {
			assert_null(weir_device_group_key(dev));
			assert_int_equal(weir_device_add(dev), 0);
		}
		assert_non_null(weir_device_group_key(dev));
		weir_device_unref(dev);
	}
out:
	weir_machine_destroy(w.m);
}

static void test_identity_survives_failures(void **state)
{
	(void)state;
	make_blob(&cases[3]);
	assert_true(testhost_sweep(NULL, NULL, sweep, (void *)(uintptr_t)&cases[3]) > 20);
}

static const char *key_of(struct world *w, const char *name)
{
	return weir_device_group_key(world_find(w, name));
}

static void del(struct world *w, const char *name)
{
	weir_device_del(world_find(w, name));
}

static const struct identity_case two_ids = {
	"two ids", "arm,smmu-v3", 1, 0, { { 2, { 1, 2 } }, { 1, { 2 } }, { 1, { 1 } } }, NULL,
};

/* A key is that of devices that are there: others may come by it when they are gone. */
static void test_identity_names_no_device_that_is_gone(void **state)
{
	struct world w;

	(void)state;
	make_blob(&two_ids);
	world_open(&w, NULL);
	w.quiet = true;
	assert_int_equal(weir_firmware_load_dt(w.m, blob, sizeof(blob)), 0);
	add(&w, 0);
	add(&w, 1);
	assert_string_equal(key_of(&w, "b"), "/iommu:0x1");
	del(&w, "a");
	assert_string_equal(key_of(&w, "b"), "/iommu:0x2");
	add(&w, 2);
	assert_string_equal(key_of(&w, "c"), "/iommu:0x1");
	add(&w, 0); /* and one again */
	assert_string_equal(key_of(&w, "b"), "/iommu:0x1");
	assert_string_equal(key_of(&w, "c"), "/iommu:0x1");
	del(&w, "c");
	del(&w, "b");
	assert_string_equal(key_of(&w, "a"), "/iommu:0x1");
	world_close(&w);
}

/* Two IOMMUs whose paths differ behind their first 140 characters. */
static void make_long_blob(void)
{
	assert_int_equal(fdt_create(blob, sizeof(blob)), 0);
	assert_int_equal(fdt_finish_reservemap(blob), 0);
	assert_int_equal(fdt_begin_node(blob, ""), 0);
	for (int i = 0; i < 5; i++)
		assert_int_equal(fdt_begin_node(blob, "a-bus-in-a-bus-in-a-bus-in-a-bus"), 0);
	for (uint32_t i = 1; i <= 2; i++) {
		assert_int_equal(fdt_begin_node(blob, i == 1 ? "one" : "two"), 0);
		assert_int_equal(fdt_property_u32(blob, "phandle", i), 0);
		assert_int_equal(fdt_property_u32(blob, "#iommu-cells", 0), 0);
		assert_int_equal(fdt_end_node(blob), 0);
	}
	for (int i = 0; i < 5; i++)
		assert_int_equal(fdt_end_node(blob), 0);
	for (uint32_t i = 1; i <= 2; i++) {
		assert_int_equal(fdt_begin_node(blob, i == 1 ? "a" : "b"), 0);
		assert_int_equal(fdt_property_string(blob, "compatible", "t,master"), 0);
		assert_int_equal(fdt_property_u32(blob, "iommus", i), 0);
		assert_int_equal(fdt_end_node(blob), 0);
	}
	assert_int_equal(fdt_end_node(blob), 0);
	assert_int_equal(fdt_finish(blob), 0);
}

static void test_identity_of_long_paths(void **state)
{
	struct world w;

	(void)state;
	make_long_blob();
	world_open(&w, NULL);
	w.quiet = true;
	assert_int_equal(weir_firmware_load_dt(w.m, blob, sizeof(blob)), 0);
	add(&w, 0);
	add(&w, 1);
	assert_non_null(strstr(key_of(&w, "a"), "/one:0x0"));
	assert_non_null(strstr(key_of(&w, "b"), "/two:0x0"));
	world_close(&w);
}

/* ---- groups that are in use ---- */

static int attach(void *instance, uint32_t stream, enum weir_domain_type type, void *part)
{
	(void)instance;
	(void)stream;
	(void)type;
	(void)part;
	return 0;
}

static const struct weir_iommu_ops model_ops = {
	.abi = WEIR_ABI(struct weir_iommu_ops), .attach = attach,
};

static int iommu_probe(struct weir_device *dev)
{
	return weir_iommu_register(dev, &model_ops, NULL);
}

static const struct identity_case apart = {
	"apart", "arm,smmu-v3", 1, 0, { { 1, { 1 } }, { 1, { 2 } }, { 2, { 1, 2 } } }, NULL,
};

/* The IOMMU is there, and masters find a driver. */
static void open_in_use(struct world *w)
{
	struct weir_device *dev;
	struct weir_fwnode *fw;
	struct world_driver *d;

	world_open(w, NULL);
	w->quiet = true;
	assert_int_equal(weir_firmware_load_dt(w->m, blob, sizeof(blob)), 0);
	d = world_driver(w, "iommu", apart.iommu, NULL, NULL);
	d->ops.probe = iommu_probe;
	d->ops.remove = weir_iommu_unregister;
	assert_int_equal(weir_driver_register(w->m, &d->drv), 0);
	assert_int_equal(weir_fwnode_find(w->m, "/iommu", &fw), 0);
	assert_int_equal(weir_device_create(w->bus, "iommu", NULL, fw, &dev), 0);
	assert_int_equal(weir_device_add(dev), 0);
	weir_device_unref(dev);
	world_driver_add(w, "master", "t,master");
}

/* One that would make a group of two which have masters is kept out, and they stay what they are. */
static void test_identity_never_merges_groups_in_use(void **state)
{
	struct weir_group *a, *b;
	struct world w;

	(void)state;
	make_blob(&apart);
	open_in_use(&w);
	add(&w, 0);
	add(&w, 1);
	assert_settles(&w);
	assert_int_equal(weir_group_of(world_find(&w, "a"), &a), 0);
	assert_int_equal(weir_group_of(world_find(&w, "b"), &b), 0);
	assert_ptr_not_equal(a, b);
	add(&w, 2);
	assert_settles(&w);
	assert_null(weir_device_group_key(world_find(&w, "c")));
	assert_status(&w, "c", WEIR_DEVICE_NO_DRIVER);
	assert_int_equal(weir_device_verdict(world_find(&w, "c"), NULL), WEIR_VERDICT_FAILED);
	assert_string_equal(weir_device_group_key(world_find(&w, "a")), "/iommu:0x1");
	assert_string_equal(weir_device_group_key(world_find(&w, "b")), "/iommu:0x2");
	assert_status(&w, "a", WEIR_DEVICE_BOUND);
	world_close(&w);
}

/* One that held others together goes: they part at once, or when the last of them is out of use. */
static void test_identity_parts_again(void **state)
{
	struct weir_group *a, *b;
	struct world w;

	(void)state;
	make_blob(&apart);
	for (unsigned int used = 0; used < 2; used++) {
		if (used) {
			open_in_use(&w);
		} else {
			world_open(&w, NULL);
			assert_int_equal(weir_firmware_load_dt(w.m, blob, sizeof(blob)), 0);
		}
		for (unsigned int i = 3; i--; )
			add(&w, i);
		assert_settles(&w);
		assert_string_equal(weir_device_group_key(world_find(&w, "b")), "/iommu:0x1");
		weir_device_del(world_find(&w, "c"));
		if (used) { /* attached as one: so it stays meanwhile */
			assert_int_equal(weir_group_of(world_find(&w, "a"), &a), 0);
			assert_int_equal(weir_group_of(world_find(&w, "b"), &b), 0);
			assert_ptr_equal(a, b);
			assert_string_equal(weir_device_group_key(world_find(&w, "b")), "/iommu:0x1");
			weir_device_del(world_find(&w, "iommu"));
		}
		assert_string_equal(weir_device_group_key(world_find(&w, "a")), "/iommu:0x1");
		assert_string_equal(weir_device_group_key(world_find(&w, "b")), "/iommu:0x2");
		add(&w, 2);
		assert_string_equal(weir_device_group_key(world_find(&w, "b")), "/iommu:0x1");
		world_close(&w);
	}
}

static const struct identity_case bridge = {
	"bridge", "arm,smmu-v3", 1, 0,
	{ { 1, { 3 } }, { 1, { 4 } }, { 1, { 1 } }, { 1, { 2 } }, { 4, { 3, 4, 1, 2 } } }, NULL,
};

/* ... and so do those which have none: what is not let in joins nobody. */
static void test_identity_kept_out_joins_nobody(void **state)
{
	struct world w;

	(void)state;
	make_blob(&bridge);
	open_in_use(&w);
	add(&w, 2);
	add(&w, 3);
	assert_settles(&w);
	assert_int_equal(weir_driver_unregister(w.m, &w.drivers[1].drv), 0);
	add(&w, 0);
	add(&w, 1);
	add(&w, 4);
	assert_null(key_of(&w, "e"));
	assert_string_equal(key_of(&w, "a"), "/iommu:0x3");
	assert_string_equal(key_of(&w, "b"), "/iommu:0x4");
	world_close(&w);
}

/* What firmware tells apart and the instance does not. */
static int low_bits(void *instance, struct weir_device *dev, const uint32_t *cells, unsigned int n,
		    uint32_t *out_stream)
{
	(void)instance;
	(void)dev;
	(void)n;
	*out_stream = cells[0] & 0xf;
	return 0;
}

static const struct weir_iommu_ops low_ops = {
	.abi = WEIR_ABI(struct weir_iommu_ops), .attach = attach, .translate_ids = low_bits,
};

static int low_probe(struct weir_device *dev)
{
	return weir_iommu_register(dev, &low_ops, NULL);
}

static const struct identity_case low = {
	"low", "arm,smmu-v3", 1, 0, { { 1, { 0x11 } }, { 2, { 0x12, 0x21 } }, { 1, { 0x13 } } }, NULL,
};

/* Two groups would share a stream, and with it whatever the last of them is put behind. */
static void test_identity_one_stream_is_of_one_group(void **state)
{
	struct world w;

	(void)state;
	make_blob(&low);
	open_in_use(&w);
	w.drivers[0].ops.probe = low_probe;
	for (unsigned int i = 0; i < 3; i++)
		add(&w, i);
	assert_settles(&w);
	assert_status(&w, "a", WEIR_DEVICE_BOUND);
	assert_status(&w, "c", WEIR_DEVICE_BOUND);
	assert_int_equal(weir_device_verdict(world_find(&w, "b"), NULL), WEIR_VERDICT_FAILED);
	assert_int_equal(weir_device_group(world_find(&w, "b")), WEIR_ENOENT);
	world_close(&w);
}

/* One master "a" with these cells as its "iommus". */
static void make_words(const uint32_t *cells, unsigned int n)
{
	fdt32_t be[4];

	for (unsigned int i = 0; i < n; i++)
		be[i] = cpu_to_fdt32(cells[i]);
	assert_int_equal(fdt_create(blob, sizeof(blob)), 0);
	assert_int_equal(fdt_finish_reservemap(blob), 0);
	assert_int_equal(fdt_begin_node(blob, ""), 0);
	assert_int_equal(fdt_begin_node(blob, "iommu"), 0);
	assert_int_equal(fdt_property_string(blob, "compatible", apart.iommu), 0);
	assert_int_equal(fdt_property_u32(blob, "phandle", 1), 0);
	assert_int_equal(fdt_property_u32(blob, "#iommu-cells", 1), 0);
	assert_int_equal(fdt_end_node(blob), 0);
	assert_int_equal(fdt_begin_node(blob, "a"), 0);
	assert_int_equal(fdt_property_string(blob, "compatible", "t,master"), 0);
	assert_int_equal(fdt_property(blob, "iommus", be, (int)n * 4), 0);
	assert_int_equal(fdt_end_node(blob), 0);
	assert_int_equal(fdt_end_node(blob), 0);
	assert_int_equal(fdt_finish(blob), 0);
}

/* Words that are damaged are not taken for "behind no IOMMU": the device would do DMA untranslated. */
static void test_identity_of_damaged_words(void **state)
{
	static const struct {
		uint32_t cells[4];
		unsigned int n;
		const char *key; /* NULL: refused */
	} words[] = {
		{ { 9, 5 }, 2, NULL },              /* a phandle of nobody */
		{ { 1 }, 1, NULL },                 /* an id is missing */
		{ { 1, 5, 9, 6 }, 4, NULL },        /* the second one is damaged */
		{ { 1, 5, 1 }, 3, NULL },
		{ { 0, 1, 5 }, 3, "/iommu:0x5" },   /* an empty entry is none */
		{ { 1, 5, 0 }, 3, "/iommu:0x5" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		struct world w;

		make_words(words[i].cells, words[i].n);
		open_in_use(&w);
		add(&w, 0);
		assert_settles(&w);
		if (words[i].key) {
			assert_status(&w, "a", WEIR_DEVICE_BOUND);
			assert_string_equal(key_of(&w, "a"), words[i].key);
			assert_true(weir_device_group(world_find(&w, "a")) >= 0);
		} else {
			assert_status(&w, "a", WEIR_DEVICE_NO_DRIVER);
			assert_int_equal(weir_device_verdict(world_find(&w, "a"), NULL),
					 WEIR_VERDICT_IDS_REJECTED);
		}
		world_close(&w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_identity_is_the_same_in_every_order),
		cmocka_unit_test(test_identity_survives_failures),
		cmocka_unit_test(test_identity_names_no_device_that_is_gone),
		cmocka_unit_test(test_identity_of_long_paths),
		cmocka_unit_test(test_identity_never_merges_groups_in_use),
		cmocka_unit_test(test_identity_parts_again),
		cmocka_unit_test(test_identity_kept_out_joins_nobody),
		cmocka_unit_test(test_identity_one_stream_is_of_one_group),
		cmocka_unit_test(test_identity_of_damaged_words),
	};

	return cmocka_run_group_tests_name("identity", tests, NULL, NULL);
}
