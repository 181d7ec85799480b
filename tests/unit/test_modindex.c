// SPDX-License-Identifier: MIT
/*
 * The module index, kernel directories and driver lists, on small directories
 * written by the tests themselves.
 */
#include "cm.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "kernel/kernel.h"
#include "kimage.h"
#include "weir/err.h"

static const char dep_text[] =
	"kernel/drivers/a/acme-bus.ko.xz:\n"
	"kernel/drivers/a/acme-core.ko.xz: kernel/drivers/a/acme-bus.ko.xz\n"
	"kernel/drivers/a/acme-nic.ko: kernel/drivers/a/acme-core.ko.xz kernel/drivers/a/acme-bus.ko.xz\n"
	"kernel/drivers/b/beta.ko.zst:\n"
	"kernel/drivers/b/dma.ko:\n";

static const char alias_text[] =
	"# Aliases extracted from modules themselves.\n"
	"alias of:N*T*Cacme,nicC* acme_nic\n"
	"alias of:N*T*Cacme,nic acme_nic\n"
	"alias of:N*T*Cacme,nic-v2C* acme_nic\n"
	"alias of:N*T*Cacme,nic-v2 acme_nic\n"
	"alias of:N*T*Cacme,bus acme_bus\n"
	"alias of:N*Tspecial*Cbeta,Cee beta\n"
	"alias of:N*T*Cacme,nic beta\n"
	"alias of:N*T*Cacme,core acme_core\n"
	"alias of:N*T*Clate,one unranked\n"
	"alias pci:v00008086d00001533sv*sd*bc*sc*i* igb\n"
	"alias pci:v00008086d*sv*sd*bc02sc00i* generic\n"
	"alias amba:d???41330 dma\n"
	"alias acpi*:PNP0501:* serial\n"
	"alias usb:v1234p* gadget\n"
	"alias i2c:tmp102 tmp102\n"
	"alias broken line with too many words\n"
	"alias\n";

static const char order_text[] =
	"kernel/drivers/b/dma.ko\n"
	"kernel/drivers/a/acme-core.ko\n"
	"kernel/drivers/a/acme-nic.ko\n"
	"kernel/drivers/b/beta.ko\n"
	"kernel/drivers/a/acme-bus.ko\n";

static const char softdep_text[] =
	"softdep acme-nic pre: beta crypto-crc32c post: dma\n"
	"softdep other nothing\n"
	"softdep\n";

static const char builtin_text[] = "kernel/fs/ext4/ext4-core.ko\nkernel/drivers/clk/clk.ko\n";

static const char modinfo_text[] =
	"ext4_core.license=GPL\0"
	"ext4_core.softdep=pre: crc32c\0"
	"clk.alias=of:N*T*Cacme,clkC*\0"
	"nonsense\0"
	"clk.firmware=acme/clk.bin";

static const char config_text[] = "# CONFIG_BAR is not set\nCONFIG_MODULES=y\nCONFIG_ARM64=y\n"
				  "CONFIG_CMDLINE=\"console=ttyS0 quiet\"\n";

struct tree {
	char dir[64];
};

static void put(const char *dir, const char *name, const void *data, size_t size)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, size, f), size);
	assert_int_equal(fclose(f), 0);
}

static void put_gz(const char *dir, const char *name, const void *data, size_t size)
{
	char path[256];
	gzFile f;

	snprintf(path, sizeof(path), "%s/%s.gz", dir, name);
	f = gzopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(gzwrite(f, data, (unsigned int)size), (int)size);
	assert_int_equal(gzclose(f), Z_OK);
}

static void make_dir(const char *base, const char *name, char *out)
{
	char cmd[300];

	snprintf(out, 200, "%s/%s", base, name);
	snprintf(cmd, sizeof(cmd), "mkdir -p '%s'", out);
	assert_int_equal(system(cmd), 0);
}

static void put_index(const char *dir, void (*how)(const char *, const char *, const void *, size_t))
{
	how(dir, "modules.dep", dep_text, sizeof(dep_text) - 1);
	how(dir, "modules.alias", alias_text, sizeof(alias_text) - 1);
	how(dir, "modules.order", order_text, sizeof(order_text) - 1);
	how(dir, "modules.softdep", softdep_text, sizeof(softdep_text) - 1);
	how(dir, "modules.builtin", builtin_text, sizeof(builtin_text) - 1);
	how(dir, "modules.builtin.modinfo", modinfo_text, sizeof(modinfo_text));
}

static int setup(void **state)
{
	struct tree *t = calloc(1, sizeof(*t));

	strcpy(t->dir, "/tmp/weir-test-XXXXXX");
	if (!mkdtemp(t->dir))
		return -1;
	setenv("XDG_CACHE_HOME", t->dir, 1);
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	struct tree *t = *state;
	char cmd[128];

	snprintf(cmd, sizeof(cmd), "rm -r '%s'", t->dir);
	free(t);
	return system(cmd);
}

static struct weir_modindex *open_index(const char *dir)
{
	struct weir_errtext et = { "" };
	struct weir_modindex *index = NULL;

	if (weir_modindex_open(dir, &et, &index))
		fail_msg("%s", et.text);
	return index;
}

static const char *module_name(const struct weir_modindex *index, uint32_t id)
{
	assert_true(id < index->module_count);
	return index->modules[id].name;
}

static void check_index(const struct weir_modindex *index)
{
	const struct weir_index_module *m;
	uint32_t at;

	at = weir_modindex_compat(index, "acme,nic");
	assert_string_equal(module_name(index, index->of_aliases[at].module), "acme_nic");
	at = index->of_aliases[at].next_of_compat;
	assert_string_equal(module_name(index, index->of_aliases[at].module), "beta");
	assert_int_equal(index->of_aliases[at].next_of_compat, WEIR_MODULE_NONE);
	assert_int_equal(weir_modindex_compat(index, "acme,nicC*"), WEIR_MODULE_NONE);
	assert_int_equal(weir_modindex_compat(index, "acme,ni"), WEIR_MODULE_NONE);
	assert_int_equal(weir_modindex_compat(index, ""), WEIR_MODULE_NONE);

	m = &index->modules[weir_modindex_module(index, "acme-nic")];
	assert_string_equal(m->path, "kernel/drivers/a/acme-nic.ko");
	assert_int_equal(m->order, 2);
	assert_int_equal(m->dep_count, 2);
	assert_string_equal(module_name(index, m->deps[0]), "acme_core");
	assert_string_equal(module_name(index, m->deps[1]), "acme_bus");
	assert_int_equal(m->soft_pre_count, 2);
	assert_string_equal(m->soft_pre[1], "crypto_crc32c");
	assert_int_equal(m->soft_post_count, 1);
	at = m->first_of;
	assert_string_equal(weir_modindex_compat_name(index, index->of_aliases[at].compat), "acme,nic");
	at = index->of_aliases[at].next_of_module;
	assert_string_equal(weir_modindex_compat_name(index, index->of_aliases[at].compat), "acme,nic-v2");
	assert_int_equal(index->of_aliases[at].next_of_module, WEIR_MODULE_NONE);

	assert_true(index->modules[weir_modindex_module(index, "ext4-core")].builtin);
	assert_false(m->builtin);
	assert_int_equal(index->builtin_info_count, 4);
	assert_string_equal(index->builtin_info[3].key, "firmware");
	assert_string_equal(index->builtin_info[3].value, "acme/clk.bin");
	at = weir_modindex_compat(index, "acme,clk");
	assert_true(index->modules[index->of_aliases[at].module].builtin);
	assert_int_equal(weir_modindex_module(index, "no-such"), WEIR_MODULE_NONE);
}

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
	uint32_t sections = kimage_align(names_off + sizeof(names), 8);
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
		put_index(t->dir, put);
		put(t->dir, names[f], copy, texts[f].size);
		index = open_index(t->dir);
		weir_modindex_lookup(index, "of:NxTCacme,nicCbeta,Cee", ids, 4);
		weir_modindex_destroy(index);
	}
}

/* ---- kernel directories ---- */

static int fail_kernel(const char *dir, const char *image, const char *words)
{
	struct weir_errtext et = { "" };
	struct weir_kernel *k = NULL;
	int err = weir_kernel_open(dir, image, &et, &k);

	if (!err)
		weir_kernel_destroy(k);
	if (!strstr(et.text, words))
		fail_msg("'%s' is not in '%s'", words, et.text);
	return err;
}

static struct weir_kernel *open_kernel(const char *dir)
{
	struct weir_errtext et = { "" };
	struct weir_kernel *k = NULL;

	if (weir_kernel_open(dir, NULL, &et, &k))
		fail_msg("%s", et.text);
	return k;
}

static void put_image(const char *dir, const char *name)
{
	struct kimage k;

	kimage_init(&k, WEIR_ARCH_ARM64, 0);
	put(dir, name, k.data, k.size);
	kimage_fini(&k);
}

static void test_kernel_flat_directory(void **state)
{
	struct tree *t = *state;
	struct weir_kernel *k;
	char value[64], *text = NULL;
	size_t size = 0;
	FILE *f;

	put_index(t->dir, put_gz);
	put_image(t->dir, "vmlinuz-6.12.99-test");
	put_gz(t->dir, "config-6.12.99-test", config_text, sizeof(config_text) - 1);
	k = open_kernel(t->dir);
	assert_string_equal(k->version, "6.12.99-test");
	assert_int_equal(k->arch, WEIR_ARCH_ARM64);
	check_index(k->index);
	assert_int_equal(k->image->driver_count, 7);
	assert_int_equal(weir_kernel_config(k, "CONFIG_CMDLINE", value, sizeof(value)), 0);
	assert_string_equal(value, "console=ttyS0 quiet");
	assert_int_equal(weir_kernel_config(k, "CONFIG_MODULES", value, sizeof(value)), 0);
	assert_string_equal(value, "y");
	assert_int_equal(weir_kernel_config(k, "CONFIG_MODULE", value, sizeof(value)), WEIR_ENOENT);
	assert_int_equal(weir_kernel_config(k, "CONFIG_BAR", value, sizeof(value)), WEIR_ENOENT);
	f = open_memstream(&text, &size);
	assert_int_equal(weir_kernel_report(f, k), 0);
	fclose(f);
	assert_null(strstr(text, "missing"));
	assert_non_null(strstr(text, "7 built-in drivers"));
	free(text);
	weir_kernel_destroy(k);
}

static void test_kernel_package(void **state)
{
	struct tree *t = *state;
	char boot[200], modules[200], second[200];
	struct weir_kernel *k;

	make_dir(t->dir, "boot", boot);
	make_dir(t->dir, "usr/lib/modules/6.12.99-test", modules);
	put_index(modules, put);
	put_image(boot, "vmlinuz-6.12.99-test");
	put_image(boot, "vmlinuz-6.1.0-other");
	put(boot, "config-6.12.99-test", config_text, sizeof(config_text) - 1);
	k = open_kernel(t->dir);
	assert_string_equal(strrchr(k->image_path, '/'), "/vmlinuz-6.12.99-test");
	assert_true(k->has[WEIR_KERNEL_CONFIG]);
	weir_kernel_destroy(k);
	k = open_kernel(modules);
	assert_string_equal(strrchr(k->image_path, '/'), "/vmlinuz-6.12.99-test");
	weir_kernel_destroy(k);
	make_dir(t->dir, "usr/lib/modules/6.13.0", second);
	put_index(second, put);
	assert_int_equal(fail_kernel(t->dir, NULL, "2 kernels (6.12.99-test, 6.13.0)"), WEIR_EINVAL);
	k = open_kernel(second);
	assert_string_equal(k->version, "6.13.0");
	assert_null(k->image);
	weir_kernel_destroy(k);
}

static void test_kernel_image_alone(void **state)
{
	struct tree *t = *state;
	struct weir_kernel *k;
	char path[100];

	put_image(t->dir, "Image");
	snprintf(path, sizeof(path), "%s/Image", t->dir);
	k = open_kernel(path);
	assert_string_equal(k->version, "6.12.99-test");
	assert_null(k->index);
	weir_kernel_destroy(k);
	k = open_kernel(t->dir);
	assert_non_null(k->image);
	assert_false(k->has[WEIR_KERNEL_ALIAS]);
	weir_kernel_destroy(k);
}

static void test_kernel_errors(void **state)
{
	struct tree *t = *state;
	char want[256];

	snprintf(want, sizeof(want),
		 "%s: no modules.alias, modules.dep or kernel image found: not a kernel directory", t->dir);
	assert_int_equal(fail_kernel(t->dir, NULL, want), WEIR_ENOENT);
	assert_int_equal(fail_kernel("/no/such/place", NULL, "/no/such/place: No such file"), WEIR_ENOENT);
	put(t->dir, "vmlinuz-1", "no kernel", 9);
	assert_int_equal(fail_kernel(t->dir, NULL, "vmlinuz-1: not a kernel image"), WEIR_ENOEXEC);
	put_image(t->dir, "vmlinuz-2");
	assert_int_equal(fail_kernel(t->dir, NULL, "2 kernel images (vmlinuz-1, vmlinuz-2)"), WEIR_EINVAL);
	assert_int_equal(fail_kernel(t->dir, "/no/image", "/no/image: No such file"), WEIR_ENOENT);
}

/* ---- driver lists ---- */

static char *text_of(const struct weir_driver_list *list)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	assert_int_equal(weir_driver_list_write(f, list), 0);
	fclose(f);
	return text;
}

static void expect_list(struct weir_driver_list *list, const char *want)
{
	char *text = text_of(list);

	assert_string_equal(text, want);
	free(text);
	weir_driver_list_destroy(list);
}

static void test_driverlist_from_kernel(void **state)
{
	static const char *const compats[] = {
		"simple-bus", "acme,nic", "arm,gic-400", "acme,bus", "", "with blank", "late,one",
		"acme,beta", "arm,pl330", "acme,rtc", "acme,core", "fixed-clock", "acme,clk",
	};
	struct tree *t = *state;
	struct weir_driver_list *list;
	struct weir_kernel *k;

	put_index(t->dir, put);
	put_image(t->dir, "vmlinuz-6.12.99-test");
	k = open_kernel(t->dir);
	assert_int_equal(weir_kernel_driver_list(k, compats, sizeof(compats) / sizeof(compats[0]), &list), 0);
	assert_int_equal(list->drivers[0].basis, WEIR_BASIS_IMAGE);
	assert_int_equal(list->drivers[2].basis, WEIR_BASIS_INDEX);
	expect_list(list,
		    "!irq arm,gic-400\n"
		    "!early fixed-clock\n"
		    "!init acme,rtc\n"
		    "be_ta_x@2 acme,beta\n"
		    "simple-pm-bus@6 ^simple-bus\n"
		    "dma@m arm,pl330\n"
		    "acme_core@m:acme_bus acme,core\n"
		    "acme_nic@m:beta,acme_bus,acme_core acme,nic\n"
		    "beta@m acme,nic\n"
		    "acme_bus@m acme,bus\n"
		    "unranked@m late,one\n");
	weir_kernel_destroy(k);
}

static void test_driverlist_all(void **state)
{
	static const char *const compats[] = { "a,b", "c/d", "bad one", "arm,gic-400" };
	static const bool external[] = { false, true, false, false };
	struct weir_driver_list *list;
	struct weir_image *image;
	struct kimage k;

	(void)state;
	kimage_init(&k, WEIR_ARCH_ARM64, 0);
	assert_int_equal(weir_image_scan(k.data, k.size, NULL, &image), 0);
	assert_int_equal(weir_driver_list_build_all(compats, external, 4, &list), 0);
	assert_int_equal(weir_driver_list_add_early(list, image, compats, 4), 0);
	expect_list(list, "!irq arm,gic-400\na,b a,b\nc!d@x c/d\narm,gic-400 arm,gic-400\n");
	weir_image_destroy(image);
	kimage_fini(&k);
}

static void test_driverlist_text(void **state)
{
	static const char text[] =
		"!fail /soc/a /soc/b\n"
		"!defer2 /soc/c\n"
		"!irq arm,gic-400\n"
		"!early fixed-clock other\n"
		"!init x,y\n"
		"one@3s a,b ^c,d\n"
		"two@m:one,three e,f\n"
		"three@x g,h\n";
	struct weir_driver_list *list;

	(void)state;
	assert_int_equal(weir_driver_list_parse("t", text, sizeof(text) - 1, NULL, &list), 0);
	assert_int_equal(list->drivers[0].level, 7);
	assert_int_equal(list->drivers[1].dep_count, 2);
	assert_true(list->drivers[0].compats[1].first_only);
	assert_int_equal(list->faults[1].defer_times, 2);
	expect_list(list, text);
	assert_int_equal(weir_driver_list_parse("t", "# c\n\n  four  a,b \n", 18, NULL, &list), 0);
	expect_list(list, "four@6 a,b\n");
}

static void test_driverlist_text_errors(void **state)
{
	static const struct {
		const char *text, *words;
	} bad[] = {
		{ "ok a\nname@9 a,b\n", "list:2: no initcall level, m or x: '9'" },
		{ "@6 a,b\n", "list:1: a driver without a name" },
		{ "\n\n!maybe x\n", "list:3: neither" },
		{ "!defer x\n", "list:1: neither" },
		{ "!defer0 x\n", "list:1: neither" },
		{ "!defer99999999999999999999 x\n", "list:1: neither" },
		{ "name ^\n", "list:1: an empty compatible" },
		{ "name@6ss a\n", "list:1: no initcall level" },
	};
	struct weir_errtext et;
	struct weir_driver_list *list = NULL;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(weir_driver_list_parse("list", bad[i].text, strlen(bad[i].text), &et, &list),
				 WEIR_EINVAL);
		if (!strstr(et.text, bad[i].words))
			fail_msg("'%s' is not in '%s'", bad[i].words, et.text);
	}
	assert_int_equal(weir_driver_list_parse("list", "a\0b", 3, &et, &list), WEIR_EINVAL);
	assert_non_null(strstr(et.text, "offset 0x1"));
	assert_null(list);
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
		cmocka_unit_test_setup_teardown(test_kernel_flat_directory, setup, teardown),
		cmocka_unit_test_setup_teardown(test_kernel_package, setup, teardown),
		cmocka_unit_test_setup_teardown(test_kernel_image_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(test_kernel_errors, setup, teardown),
		cmocka_unit_test_setup_teardown(test_driverlist_from_kernel, setup, teardown),
		cmocka_unit_test(test_driverlist_all),
		cmocka_unit_test(test_driverlist_text),
		cmocka_unit_test(test_driverlist_text_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
