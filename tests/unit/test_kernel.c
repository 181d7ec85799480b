// SPDX-License-Identifier: MIT
/*
 * Kernel directories of every shape, and driver lists, on small directories
 * written by the tests themselves.
 */
#include "cm.h"

#include "kdir.h"
#include "kernel/kernel.h"
#include "kimage.h"
#include "weir/err.h"

static const char config_text[] = "# CONFIG_BAR is not set\nCONFIG_MODULES=y\nCONFIG_ARM64=y\n"
				  "CONFIG_CMDLINE=\"console=ttyS0 quiet\"\n";


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

/* A package as it is unpacked: nothing says yet what its modules drive. */
static void test_kernel_before_depmod(void **state)
{
	struct tree *t = *state;
	struct weir_kernel *k;
	char *text = NULL;
	size_t size = 0;
	FILE *f;

	put(t->dir, "modules.order", order_text, sizeof(order_text) - 1);
	k = open_kernel(t->dir);
	f = open_memstream(&text, &size);
	assert_int_equal(weir_kernel_report(f, k), 0);
	fclose(f);
	assert_non_null(strstr(text, "missing: kernel image, modules.alias, modules.dep,"));
	assert_non_null(strstr(text, "hint: no module is known"));
	free(text);
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
		cmocka_unit_test_setup_teardown(test_kernel_flat_directory, setup, teardown),
		cmocka_unit_test_setup_teardown(test_kernel_package, setup, teardown),
		cmocka_unit_test_setup_teardown(test_kernel_image_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(test_kernel_before_depmod, setup, teardown),
		cmocka_unit_test_setup_teardown(test_kernel_errors, setup, teardown),
		cmocka_unit_test_setup_teardown(test_driverlist_from_kernel, setup, teardown),
		cmocka_unit_test(test_driverlist_all),
		cmocka_unit_test(test_driverlist_text),
		cmocka_unit_test(test_driverlist_text_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
