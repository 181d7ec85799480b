// SPDX-License-Identifier: MIT
/*
 * mmu-masters, which lists an SMMU's masters in its own node: the same ids, links and groups as by
 * iommus; both at once, and lists that are damaged.
 */
#include <libfdt.h>
#include <string.h>

#include "world.h"

enum { SMMU = 1, OTHER, A, B, HOST, NOWHERE = 99 };

static _Alignas(8) unsigned char blob[4096];
static char log_text[2048];

static void keep_log(void *host, enum weir_log_level level, const char *line)
{
	size_t at = strlen(log_text);

	(void)host;
	if (level <= WEIR_LOG_WARN)
		snprintf(log_text + at, sizeof(log_text) - at, "%s\n", line);
}

struct cells {
	unsigned int n;
	uint32_t v[12];
};

static void put(const char *name, const struct cells *c)
{
	fdt32_t be[12];

	for (unsigned int i = 0; i < c->n; i++)
		be[i] = cpu_to_fdt32(c->v[i]);
	assert_int_equal(fdt_property(blob, name, be, (int)(c->n * 4)), 0);
}

static void node(const char *name, uint32_t phandle, const char *what, const struct cells *c,
		 uint32_t ids)
{
	assert_int_equal(fdt_begin_node(blob, name), 0);
	assert_int_equal(fdt_property_string(blob, "compatible", "arm,mmu-500"), 0);
	assert_int_equal(fdt_property_u32(blob, "phandle", phandle), 0);
	if (ids)
		assert_int_equal(fdt_property_u32(blob, "#stream-id-cells", ids), 0);
	if (c && c->n)
		put(what, c);
	if (!strcmp(name, "smmu") || !strcmp(name, "other"))
		assert_int_equal(fdt_property_u32(blob, "#iommu-cells", 1), 0);
	assert_int_equal(fdt_end_node(blob), 0);
}

struct tree {
	struct cells smmu, other;  /* mmu-masters */
	struct cells a, b;         /* iommus */
	uint32_t a_ids, b_ids;     /* #stream-id-cells; 0: none */
	struct cells map;          /* iommu-map of the host bridge */
};

static void make(const struct tree *t)
{
	assert_int_equal(fdt_create(blob, sizeof(blob)), 0);
	assert_int_equal(fdt_finish_reservemap(blob), 0);
	assert_int_equal(fdt_begin_node(blob, ""), 0);
	node("a", A, "iommus", &t->a, t->a_ids);
	node("b", B, "iommus", &t->b, t->b_ids);
	node("smmu", SMMU, "mmu-masters", &t->smmu, 0);
	node("other", OTHER, "mmu-masters", &t->other, 0);
	node("host", HOST, "iommu-map", &t->map, 1);
	assert_int_equal(fdt_end_node(blob), 0);
	assert_int_equal(fdt_finish(blob), 0);
}

static struct weir_fwnode *find(struct world *w, const char *path)
{
	struct weir_fwnode *fw;

	assert_int_equal(weir_fwnode_find(w->m, path, &fw), 0);
	return fw;
}

static void add(struct world *w, const char *name)
{
	char path[16] = "/";
	struct weir_device *dev;

	strcat(path, name);
	assert_int_equal(weir_device_create(w->bus, name, NULL, find(w, path), &dev), 0);
	assert_int_equal(weir_device_add(dev), 0);
	weir_device_unref(dev);
}

static void open_tree(struct world *w, const struct tree *t)
{
	static struct weir_host_ops ops;

	make(t);
	ops = testhost_plain_ops;
	ops.log = keep_log;
	log_text[0] = '\0';
	w->posix = NULL;
	assert_int_equal(world_try_open(w, testhost_create(&ops, NULL), NULL), 0);
	w->quiet = true;
	assert_int_equal(weir_firmware_load_dt(w->m, blob, sizeof(blob)), 0);
}

/* What the library makes of a tree, as text. */
static void describe(struct world *w, char *text, size_t bytes)
{
	static const char *const names[] = { "smmu", "other", "a", "b" };
	size_t at = 0;

	for (unsigned int i = 0; i < 4; i++)
		add(w, names[i]);
	for (unsigned int i = 2; i < 4; i++) {
		char path[16] = "/";
		struct weir_fwspec spec;
		int err = 0;

		strcat(path, names[i]);
		at += (size_t)snprintf(text + at, bytes - at, "%s:", names[i]);
		for (unsigned int k = 0; !err; k++) {
			err = weir_firmware_spec(find(w, path), k, &spec);
			if (!err)
				at += (size_t)snprintf(text + at, bytes - at, " %s/%u.%x",
						       weir_fwnode_name(spec.target), spec.nr_cells,
						       spec.cells[0]);
		}
		at += (size_t)snprintf(text + at, bytes - at, " %d %s %d %d; ", err,
				       weir_device_group_key(world_find(w, names[i])),
				       world_link(w, names[i], "smmu") != NULL,
				       world_link(w, names[i], "other") != NULL);
	}
}

static void test_mmumasters_as_iommus(void **state)
{
	const struct tree legacy = {
		.smmu = { 5, { A, 0x10, 0x11, B, 0x20 } }, .other = { 3, { A, 0x7, 0x8 } },
		.a_ids = 2, .b_ids = 1,
	}, today = {
		.a = { 8, { SMMU, 0x10, SMMU, 0x11, OTHER, 0x7, OTHER, 0x8 } }, .b = { 2, { SMMU, 0x20 } },
	};
	char is[400], want[400];
	struct world w;

	(void)state;
	open_tree(&w, &legacy);
	describe(&w, is, sizeof(is));
	world_close(&w);
	open_tree(&w, &today);
	describe(&w, want, sizeof(want));
	world_close(&w);
	assert_string_equal(is, want);
	assert_non_null(strstr(is, "a: smmu/1.10 smmu/1.11 other/1.7 other/1.8 -2 "));
	assert_non_null(strstr(is, " 1 1; b: smmu/1.20 -2 "));
}

/* A node that says it both ways has no ids; others of the list have theirs. */
static void test_mmumasters_conflict(void **state)
{
	const struct tree both = {
		.smmu = { 5, { A, 0x10, 0x11, B, 0x20 } }, .a = { 2, { SMMU, 0x10 } },
		.a_ids = 2, .b_ids = 1,
	};
	struct weir_fwspec spec;
	struct world w;

	(void)state;
	open_tree(&w, &both);
	assert_int_equal(weir_firmware_spec(find(&w, "/a"), 0, &spec), WEIR_EINVAL);
	assert_int_equal(weir_firmware_spec(find(&w, "/b"), 0, &spec), 0);
	assert_int_equal(spec.cells[0], 0x20);
	add(&w, "smmu");
	assert_non_null(strstr(log_text, "/smmu: mmu-masters lists a node that has iommus"));
	world_close(&w);
}

/* What a PCI host bridge has below it has its requester ids. */
static void test_mmumasters_pci(void **state)
{
	struct tree t = { .smmu = { 2, { HOST, 0 } } };
	struct weir_fwnode *target;
	struct world w;
	uint32_t id;

	(void)state;
	open_tree(&w, &t);
	assert_int_equal(weir_firmware_map_id(find(&w, "/host"), WEIR_FWMAP_IOMMU, 0x108, &target, &id), 0);
	assert_ptr_equal(target, find(&w, "/smmu"));
	assert_int_equal(id, 0x108);
	world_close(&w);
	t.map = (struct cells){ 4, { 0, SMMU, 0, 0x10000 } };
	open_tree(&w, &t);
	assert_int_equal(weir_firmware_map_id(find(&w, "/host"), WEIR_FWMAP_IOMMU, 0x108, &target, &id),
			 WEIR_EINVAL);
	world_close(&w);
}

/* A list is read up to where it is damaged; what is wrong is said. Holes are none. */
static void test_mmumasters_damaged(void **state)
{
	static const struct {
		struct tree tree;
		const char *says; /* NULL: nothing */
		int a, b;         /* what their first id is; or an error */
	} cases[] = {
		{ { .smmu = { 6, { 0, A, 1, 2, B, 3 } }, .a_ids = 2, .b_ids = 1 }, NULL, 1, 3 },
		{ { .smmu = { 4, { A, 1, B, 2 } }, .a_ids = 1 }, "/smmu: mmu-masters cannot be read", 1,
		  WEIR_ENOENT },
		{ { .smmu = { 4, { NOWHERE, 1, B, 2 } }, .b_ids = 1 }, "/smmu: mmu-masters cannot be read",
		  WEIR_ENOENT, WEIR_ENOENT },
		{ { .smmu = { 4, { A, 1, B, 2 } }, .a_ids = 1, .b_ids = 2 },
		  "/smmu: mmu-masters cannot be read", 1, WEIR_ENOENT },
	};
	struct weir_fwspec spec;
	struct world w;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int err;

		open_tree(&w, &cases[i].tree);
		err = weir_firmware_spec(find(&w, "/a"), 0, &spec);
		assert_int_equal(err ? err : (int)spec.cells[0], cases[i].a);
		err = weir_firmware_spec(find(&w, "/b"), 0, &spec);
		assert_int_equal(err ? err : (int)spec.cells[0], cases[i].b);
		add(&w, "smmu");
		if (cases[i].says)
			assert_non_null(strstr(log_text, cases[i].says));
		else
			assert_null(strstr(log_text, "mmu-masters"));
		world_close(&w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mmumasters_as_iommus),
		cmocka_unit_test(test_mmumasters_conflict),
		cmocka_unit_test(test_mmumasters_pci),
		cmocka_unit_test(test_mmumasters_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
