// SPDX-License-Identifier: MIT
/*
 * Broken input: the trees of tests/cases/broken, on which Linux hangs, crashes or
 * reads past a property, load, come up and are told of by node and property; a
 * blob that is cut or damaged anywhere is refused with an offset; trees made to be
 * expensive come to an end, and what was cut short is told.
 */
#include "casetree.h"

#include "kernel/linux/linux.h"
#include "testhost.h"

static char log_text[65536];
static size_t log_bytes;

static void keep_log(void *host, enum weir_log_level level, const char *line)
{
	(void)host;
	if (level > WEIR_LOG_WARN || log_bytes + strlen(line) + 2 > sizeof(log_text))
		return;
	log_bytes += (size_t)sprintf(log_text + log_bytes, "%s\n", line);
}

/* Brings a tree up under a policy; log_text has the warnings. */
static int bring_up(const struct casetree *t, const struct weir_policy_ops *policy)
{
	struct weir_host_ops ops = testhost_plain_ops;
	struct weir_driver_list *list = casetree_drivers(t);
	struct testhost *host;
	struct weir_machine *m;
	struct weir_kmodel *k;
	int err;

	ops.log = keep_log;
	log_bytes = 0;
	log_text[0] = '\0';
	host = testhost_create(&ops, NULL);
	assert_int_equal(weir_machine_create_policy(testhost_ops(host), host, policy, NULL, &m), 0);
	err = weir_firmware_load_dt(m, t->blob, t->bytes);
	if (!err) {
		assert_int_equal(weir_kmodel_create(m, list, NULL, &k), 0);
		assert_int_equal(casetree_run(k, list), 0);
		weir_kmodel_detach(k);
	}
	weir_machine_destroy(m);
	if (!err)
		weir_kmodel_destroy(k);
	testhost_destroy(host);
	weir_driver_list_destroy(list);
	return err;
}

static void test_broken_findings(void **state)
{
	static const char *const findings[][2] = {
		{ "endpoint-at-root",
		  "broken tree: /endpoint: remote-endpoint in a node that is below no device\n" },
		{ "interrupt-cells-too-many",
		  "broken tree: /intc: #interrupt-cells is more than any interrupt can have\n" },
		{ "interrupt-parent-child",
		  "broken tree: /c: interrupt-parent goes round in a circle\n" },
		{ "interrupt-parent-loop",
		  "broken tree: /c: interrupt-parent goes round in a circle\n" },
		{ "short-interrupt-map-mask",
		  "broken tree: /nexus: interrupt-map-mask is shorter than an entry's first part\n" },
		{ "short-reg", "broken tree: /d@1: reg is shorter than one address\n" },
	};
	const size_t n = sizeof(findings) / sizeof(findings[0]);
	struct casetree trees[20];

	(void)state;
	/* each tree there has its finding here */
	assert_int_equal(casetree_all(TEST_CASES_DIR "/broken", trees, 20), n);
	for (size_t i = 0; i < n; i++) {
		assert_string_equal(trees[i].name, findings[i][0]);
		assert_int_equal(bring_up(&trees[i], NULL), 0);
		assert_string_equal(log_text, findings[i][1]);
		assert_int_equal(bring_up(&trees[i], &weir_policy_linux_6_12), 0);
		assert_string_equal(log_text, findings[i][1]);
		free(trees[i].blob);
	}
}

/* No other tree of the cases is taken for broken, but the one that has too many cells. */
static void test_broken_only_what_is(void **state)
{
	static struct casetree trees[CASETREE_MAX];
	size_t n = casetree_all(TEST_CASES_DIR, trees, CASETREE_MAX);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(bring_up(&trees[i], NULL), 0);
		if (strcmp(trees[i].name, "many-cells") && strstr(log_text, "broken tree"))
			fail_msg("%s: %s", trees[i].name, log_text);
		free(trees[i].blob);
	}
}

/* ---- blobs ---- */

static int load(const void *blob, size_t bytes, char *out_what)
{
	struct testhost *host = testhost_create(NULL, NULL);
	struct weir_machine *m;
	/* a copy of its own, so that reading past its end is seen */
	void *copy = malloc(bytes ? bytes : 1);
	int err;

	assert_non_null(copy);
	memcpy(copy, blob, bytes);
	assert_int_equal(weir_machine_create(testhost_ops(host), host, &m), 0);
	err = weir_firmware_load_dt(m, copy, bytes);
	strcpy(out_what, weir_firmware_error(m));
	weir_machine_destroy(m);
	testhost_destroy(host);
	free(copy);
	return err;
}

static void test_broken_blob_cut_anywhere(void **state)
{
	struct casetree t = { .name = "interrupt-nexus" };
	char what[200];

	(void)state;
	casetree_compile(TEST_CASES_DIR, &t);
	assert_int_equal(load(t.blob, t.bytes, what), 0);
	for (size_t bytes = 0; bytes < t.bytes; bytes++) {
		assert_int_equal(load(t.blob, bytes, what), WEIR_EBADMSG);
		assert_non_null(strstr(what, "byte offset"));
	}
	free(t.blob);
}

/* Each word of the blob set to numbers that overflow: loaded, or refused with a place. */
static void test_broken_blob_word_by_word(void **state)
{
	static const uint32_t words[] = { 0, 1, 2, 3, 9, 0x7fffffff, 0x80000000, 0xfffffff0,
					  0xfffffffc, 0xffffffff };
	struct casetree t = { .name = "interrupt-nexus" };
	size_t refused = 0;
	char what[200];

	(void)state;
	casetree_compile(TEST_CASES_DIR, &t);
	for (size_t at = 0; at + 4 <= t.bytes; at += 4) {
		fdt32_t *word = (void *)((char *)t.blob + at), was = *word;

		for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
			*word = cpu_to_fdt32(words[i]);
			if (!load(t.blob, t.bytes, what))
				continue;
			assert_non_null(strstr(what, "byte offset"));
			refused++;
		}
		*word = was;
	}
	assert_true(refused > 300);
	free(t.blob);
}

/* ---- trees that are made to be expensive ---- */

static void fdt_begin(void *fdt, const char *name, const char *compatible, uint32_t phandle)
{
	assert_int_equal(fdt_begin_node(fdt, name), 0);
	assert_int_equal(fdt_property_string(fdt, "compatible", compatible), 0);
	assert_int_equal(fdt_property_u32(fdt, "phandle", phandle), 0);
}

static void fdt_start(struct casetree *t)
{
	t->bytes = 256 * 1024;
	t->blob = malloc(t->bytes);
	assert_non_null(t->blob);
	assert_int_equal(fdt_create(t->blob, (int)t->bytes), 0);
	assert_int_equal(fdt_finish_reservemap(t->blob), 0);
	assert_int_equal(fdt_begin_node(t->blob, ""), 0);
}

static void fdt_stop(struct casetree *t)
{
	assert_int_equal(fdt_end_node(t->blob), 0);
	assert_int_equal(fdt_finish(t->blob), 0);
	t->bytes = fdt_totalsize(t->blob);
}

/* Said once, by name. */
static void assert_gave_up(void)
{
	assert_int_equal(strncmp(log_text, "broken tree: /n", 15), 0);
	assert_string_equal(strchr(log_text + 13, ':'), ": on more cycles than can be followed; "
							"all links on them are relaxed\n");
}

/* Every node needs every other: more paths than can be followed. */
static void test_broken_all_need_all(void **state)
{
	enum { NODES = 40 };
	fdt32_t clocks[NODES];
	struct casetree t = { .name = "all" };
	char name[16];

	(void)state;
	for (unsigned int i = 0; i < NODES; i++)
		clocks[i] = cpu_to_fdt32(i + 1);
	fdt_start(&t);
	for (unsigned int i = 0; i < NODES; i++) {
		snprintf(name, sizeof(name), "n%u", i);
		fdt_begin(t.blob, name, "t,n", i + 1);
		assert_int_equal(fdt_property(t.blob, "clocks", clocks, sizeof(clocks)), 0);
		assert_int_equal(fdt_end_node(t.blob), 0);
	}
	fdt_stop(&t);
	assert_int_equal(bring_up(&t, NULL), 0);
	assert_string_equal(log_text, "");
	assert_int_equal(bring_up(&t, &weir_policy_linux_6_12), 0);
	assert_gave_up();
	free(t.blob);
}

/* A ring that is longer than the search may be deep. */
static void test_broken_long_ring(void **state)
{
	enum { NODES = 1500 };
	struct casetree t = { .name = "ring" };
	char name[16];

	(void)state;
	fdt_start(&t);
	for (unsigned int i = 0; i < NODES; i++) {
		snprintf(name, sizeof(name), "n%u", i);
		fdt_begin(t.blob, name, "t,n", i + 1);
		assert_int_equal(fdt_property_u32(t.blob, "clocks", (i + 1) % NODES + 1), 0);
		assert_int_equal(fdt_end_node(t.blob), 0);
	}
	fdt_stop(&t);
	assert_int_equal(bring_up(&t, NULL), 0);
	assert_string_equal(log_text, "");
	assert_int_equal(bring_up(&t, &weir_policy_linux_6_12), 0);
	assert_gave_up();
	free(t.blob);
}

/* Thousands of interrupts, of properties of one name and of compatible strings. */
static void test_broken_many_of_all(void **state)
{
	enum { INTERRUPTS = 6000, STRINGS = 5000 };
	static fdt32_t interrupts[INTERRUPTS];
	static char strings[2 * STRINGS];
	struct casetree t = { .name = "many" };

	(void)state;
	for (unsigned int i = 0; i < STRINGS; i++)
		strings[2 * i] = (char)('a' + i % 26);
	fdt_start(&t);
	fdt_begin(t.blob, "intc", "t,intc", 1);
	assert_int_equal(fdt_property_u32(t.blob, "#interrupt-cells", 1), 0);
	assert_int_equal(fdt_property(t.blob, "interrupt-controller", NULL, 0), 0);
	assert_int_equal(fdt_end_node(t.blob), 0);
	assert_int_equal(fdt_begin_node(t.blob, "c"), 0);
	assert_int_equal(fdt_property(t.blob, "compatible", strings, sizeof(strings)), 0);
	assert_int_equal(fdt_property(t.blob, "interrupts", interrupts, sizeof(interrupts)), 0);
	for (unsigned int i = 0; i < 1000; i++)
		assert_int_equal(fdt_property(t.blob, "interrupts", NULL, 0), 0);
	assert_int_equal(fdt_property_u32(t.blob, "interrupt-parent", 1), 0);
	assert_int_equal(fdt_end_node(t.blob), 0);
	fdt_stop(&t);
	assert_int_equal(bring_up(&t, NULL), 0);
	assert_string_equal(log_text,
			    "broken tree: /c: only the first 4096 interrupts are looked at\n");
	free(t.blob);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_broken_findings),
		cmocka_unit_test(test_broken_only_what_is),
		cmocka_unit_test(test_broken_blob_cut_anywhere),
		cmocka_unit_test(test_broken_blob_word_by_word),
		cmocka_unit_test(test_broken_all_need_all),
		cmocka_unit_test(test_broken_long_ring),
		cmocka_unit_test(test_broken_many_of_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
