// SPDX-License-Identifier: MIT
/*
 * The module index, on small directories written by the tests themselves.
 */
#include "cm.h"

#include <pthread.h>

#include "kdir.h"
#include "kernel/le.h"
#include "weir/err.h"

static void test_modindex_texts(void **state)
{
	struct tree *t = *state;
	struct weir_modindex *index;

	put_index(t->dir, put);
	index = open_index(t->dir);
	assert_int_equal(index->found, 63);
	check_index(index);
	weir_modindex_destroy(index);
}

static void test_modindex_compressed(void **state)
{
	struct tree *t = *state;
	struct weir_modindex *index;

	put_index(t->dir, put_gz);
	index = open_index(t->dir);
	check_index(index);
	weir_modindex_destroy(index);
}

static void expect_lookup(const struct weir_modindex *index, const char *modalias, const char *want)
{
	char got[256] = "";
	uint32_t ids[8];
	size_t n = weir_modindex_lookup(index, modalias, ids, 8), i;

	assert_true(n <= 8);
	for (i = 0; i < n; i++) {
		strcat(got, i ? " " : "");
		strcat(got, module_name(index, ids[i]));
	}
	assert_string_equal(got, want);
}

static void test_modindex_lookup(void **state)
{
	struct tree *t = *state;
	struct weir_modindex *index;
	uint32_t one;

	put_index(t->dir, put);
	index = open_index(t->dir);
	expect_lookup(index, "of:Nethernet@1T(null)Cacme,nic", "acme_nic beta");
	expect_lookup(index, "of:NethernetT(null)Cacme,coreCacme,nic-v2", "acme_nic acme_core");
	expect_lookup(index, "of:NxTspecialCfoo,barCbeta,CeeCother", "beta");
	expect_lookup(index, "of:NethernetT(null)Cacme,nobody", "");
	expect_lookup(index, "of:broken", "");
	expect_lookup(index, "pci:v00008086d00001533sv0000sd0000bc02sc00i00", "igb generic");
	expect_lookup(index, "pci:v00001234d00001533sv0000sd0000bc02sc00i00", "");
	expect_lookup(index, "amba:d00041330", "dma");
	expect_lookup(index, "acpi:PNP0501:", "serial");
	expect_lookup(index, "i2c:tmp102", "tmp102");
	expect_lookup(index, "", "");
	assert_int_equal(weir_modindex_lookup(index, "of:NxT(null)Cacme,nic", &one, 1), 2);
	weir_modindex_destroy(index);
}

/* The smallest module file: an ELF object with the section .modinfo alone. */
static void put_module(const char *path, const char *info, size_t info_bytes)
{
	static const char names[] = "\0.modinfo\0.shstrtab";
	uint8_t file[2048] = { 0 };
	uint32_t info_off = 64, names_off = 64 + (uint32_t)info_bytes;
	uint32_t sections = (names_off + (uint32_t)sizeof(names) + 7) & ~7u;
	uint8_t *sh = file + sections;
	FILE *f;

	assert_true(sections + 192 <= sizeof(file));
	memcpy(file, "\x7f" "ELF\2\1\1", 7);
	file[16] = 1;
	file[18] = 183;
	file[20] = 1;
	weir_put_le32(file + 40, sections);
	file[52] = 64;
	file[58] = 64;
	file[60] = 3;
	file[62] = 2;
	memcpy(file + info_off, info, info_bytes);
	memcpy(file + names_off, names, sizeof(names));
	/* name, type, flags, address, offset, size */
	weir_put_le32(sh + 64, 1);
	weir_put_le32(sh + 68, 1);
	weir_put_le32(sh + 64 + 24, info_off);
	weir_put_le32(sh + 64 + 32, (uint32_t)info_bytes);
	weir_put_le32(sh + 128, 10);
	weir_put_le32(sh + 132, 3);
	weir_put_le32(sh + 128 + 24, names_off);
	weir_put_le32(sh + 128 + 32, sizeof(names));
	f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(file, 1, sections + 192, f), sections + 192);
	assert_int_equal(fclose(f), 0);
}

static const char core_info[] = "license=GPL\0alias=of:N*T*Cacme,core\0alias=of:N*T*Cacme,coreC*\0name=core\0depends=";
static const char nic_info[] = "firmware=acme/nic.bin\0firmware=acme/nic2.bin\0alias=of:N*T*Cacme,nicC*\0"
			       "alias=of:N*T*Cacme,nic\0alias=pci:v00008086d*sv*sd*bc02sc00i*\0"
			       "softdep=pre: core\0depends=core\0name=nic";

/* A directory of two modules as a build leaves it, before depmod. */
static void put_modules(const char *base, char *out_dir)
{
	char drivers[200], path[300];

	make_dir(base, "lib/modules/1.0/kernel/drivers", drivers);
	snprintf(out_dir, 200, "%s/lib/modules/1.0", base);
	put(out_dir, "modules.order", "kernel/drivers/nic.ko\nkernel/drivers/core.ko\n", 45);
	put(out_dir, "modules.builtin", "", 0);
	snprintf(path, sizeof(path), "%s/core.ko", drivers);
	put_module(path, core_info, sizeof(core_info));
	snprintf(path, sizeof(path), "%s/nic.ko", drivers);
	put_module(path, nic_info, sizeof(nic_info));
}

static int collect(void *ctx, const char *value)
{
	strcat(ctx, value);
	strcat(ctx, ";");
	return 0;
}

static void check_modules(const struct weir_modindex *index)
{
	uint32_t nic = weir_modindex_module(index, "nic");
	char values[256] = "";

	expect_lookup(index, "of:Nx@1T(null)Cacme,core", "core");
	expect_lookup(index, "of:Nx@1T(null)Cacme,nic", "nic");
	expect_lookup(index, "pci:v00008086d1sv2sd3bc02sc00i00", "nic");
	assert_int_equal(weir_modindex_modinfo(index, nic, "firmware", collect, values), 0);
	assert_string_equal(values, "acme/nic.bin;acme/nic2.bin;");
	assert_int_equal(weir_modindex_modinfo(index, 9999, "firmware", collect, values), WEIR_ENOENT);
}

static void test_modindex_binary_only(void **state)
{
	static const char *const texts[] = { "alias", "dep", "softdep", "builtin" };
	struct tree *t = *state;
	char cmd[300], dir[200], path[300];
	struct weir_modindex *index;
	size_t i;

	/* depmod writes its own; without it there is nothing to read. */
	if (system("PATH=$PATH:/sbin:/usr/sbin depmod --version >/dev/null 2>&1"))
		skip();
	put_modules(t->dir, dir);
	snprintf(cmd, sizeof(cmd), "PATH=$PATH:/sbin:/usr/sbin depmod -b '%s' 1.0 2>/dev/null", t->dir);
	assert_int_equal(system(cmd), 0);
	index = open_index(dir);
	check_modules(index);
	weir_modindex_destroy(index);
	for (i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), "%s/modules.%s", dir, texts[i]);
		assert_int_equal(unlink(path), 0);
	}
	index = open_index(dir);
	assert_true(index->found & WEIR_MODINDEX_ALIAS);
	assert_true(index->found & WEIR_MODINDEX_DEP);
	check_modules(index);
	assert_string_equal(index->modules[weir_modindex_module(index, "nic")].path, "kernel/drivers/nic.ko");
	weir_modindex_destroy(index);
}

static void test_modindex_errors(void **state)
{
	struct tree *t = *state;
	struct weir_errtext et = { "" };
	struct weir_modindex *index = NULL;

	assert_int_equal(weir_modindex_open(t->dir, &et, &index), WEIR_ENOENT);
	assert_non_null(strstr(et.text, t->dir));
	put(t->dir, "modules.alias.xz", "\xfd" "7zXZ\0not really, but long enough for a header", 40);
	assert_int_equal(weir_modindex_open(t->dir, &et, &index), WEIR_EBADMSG);
	assert_non_null(strstr(et.text, "modules.alias.xz: corrupt"));
	put(t->dir, "modules.alias.xz", "plain", 5);
	assert_int_equal(weir_modindex_open(t->dir, &et, &index), WEIR_EBADMSG);
	assert_null(index);
}

struct reader {
	pthread_t thread;
	const struct weir_modindex *index;
	int wrong;
};

static void *read_much(void *arg)
{
	struct reader *r = arg;
	uint32_t ids[8], at;
	int i;

	for (i = 0; i < 20000; i++) {
		at = weir_modindex_compat(r->index, i & 1 ? "acme,nic" : "acme,bus");
		r->wrong += at == WEIR_MODULE_NONE;
		r->wrong += weir_modindex_lookup(r->index, "amba:d00041330", ids, 8) != 1;
	}
	return NULL;
}

static void test_modindex_many_readers(void **state)
{
	struct tree *t = *state;
	struct reader readers[4];
	struct weir_modindex *index;
	int i;

	put_index(t->dir, put);
	index = open_index(t->dir);
	for (i = 0; i < 4; i++) {
		readers[i] = (struct reader){ .index = index };
		assert_int_equal(pthread_create(&readers[i].thread, NULL, read_much, &readers[i]), 0);
	}
	for (i = 0; i < 4; i++) {
		pthread_join(readers[i].thread, NULL);
		assert_int_equal(readers[i].wrong, 0);
	}
	weir_modindex_destroy(index);
}

static void test_modindex_mutations(void **state)
{
	static const char *const names[] = { "modules.dep", "modules.alias", "modules.order", "modules.softdep",
					     "modules.builtin", "modules.builtin.modinfo" };
	static const struct {
		const char *text;
		size_t size;
	} texts[] = {
		{ dep_text, sizeof(dep_text) - 1 }, { alias_text, sizeof(alias_text) - 1 },
		{ order_text, sizeof(order_text) - 1 }, { softdep_text, sizeof(softdep_text) - 1 },
		{ builtin_text, sizeof(builtin_text) - 1 }, { modinfo_text, sizeof(modinfo_text) },
	};
	static const char interesting[] = "\0\n :.*CTN=/-alias";
	struct tree *t = *state;
	uint64_t seed = 88172645463325252ull;
	char copy[2048];
	int i, n;

	put_index(t->dir, put);
	for (i = 0; i < 400; i++) {
		size_t f = (size_t)i % 6;
		struct weir_modindex *index;
		uint32_t ids[4];

		memcpy(copy, texts[f].text, texts[f].size);
		for (n = 0; n < 12; n++) {
			seed ^= seed << 13;
			seed ^= seed >> 7;
			seed ^= seed << 17;
			copy[seed % texts[f].size] = interesting[(seed >> 40) % (sizeof(interesting) - 1)];
		}
		put(t->dir, names[f], copy, texts[f].size);
		index = open_index(t->dir);
		weir_modindex_lookup(index, "of:NxTCacme,nicCbeta,Cee", ids, 4);
		weir_modindex_destroy(index);
		put(t->dir, names[f], texts[f].text, texts[f].size);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_modindex_texts, setup, teardown),
		cmocka_unit_test_setup_teardown(test_modindex_compressed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_modindex_lookup, setup, teardown),
		cmocka_unit_test_setup_teardown(test_modindex_binary_only, setup, teardown),
		cmocka_unit_test_setup_teardown(test_modindex_errors, setup, teardown),
		cmocka_unit_test_setup_teardown(test_modindex_many_readers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_modindex_mutations, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
