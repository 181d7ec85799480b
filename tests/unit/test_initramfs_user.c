// SPDX-License-Identifier: MIT
/*
 * What the user space of an initramfs does with modules, by lists, modprobe.d and module
 * indexes of images that are made here.
 */
#include "initramfsimage.h"

#include "kernel/initramfs_user.h"

static void put_tree(struct image *im)
{
	static const char *const dirs[] = {
		"usr", "usr/lib", "usr/lib/modules", "usr/lib/modules/6.12.0", "usr/lib/modules/6.12.0/kernel",
		"usr/lib/firmware", "usr/lib/firmware/updates", "usr/lib/firmware/6.12.0", "etc",
		"etc/modprobe.d", "etc/modules-load.d", "etc/cmdline.d", "conf", "usr/lib/modprobe.d",
		"usr/bin",
	};

	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		dir(im, dirs[i]);
	entry(im, "lib", LINK_MODE, "usr/lib");
	entry(im, "usr/lib/modules/6.12.0/kernel/acme-nic.ko.xz", FILE_MODE, "nic");
	entry(im, "usr/lib/modules/6.12.0/kernel/disk.ko", FILE_MODE, "disk");
	entry(im, "usr/lib/modules/6.12.0/kernel/lonely.ko.zst", FILE_MODE, "lonely");
	entry(im, "usr/lib/modules/6.12.0/kernel/no_module", FILE_MODE, "");
	entry(im, "usr/lib/modules/6.12.0/modules.dep", FILE_MODE, "kernel/acme-nic.ko.xz: kernel/disk.ko\n"
								   "kernel/disk.ko:\n");
}

static void put_lists(struct image *im)
{
	entry(im, "usr/lib/modules/6.12.0/modules.alias", FILE_MODE, "");
	entry(im, "etc/modprobe.d/a.conf", FILE_MODE,
	      "# blacklist nobody\nblacklist acme-nic\noptions disk a=1 \\\n b=2\n"
	      "install evil /bin/false\ninstall good modprobe good\n"
	      "softdep disk pre: clk-a clk_b post: late\n");
	entry(im, "usr/lib/modprobe.d/a.conf", FILE_MODE, "blacklist hidden\n");
	entry(im, "usr/lib/modprobe.d/b.conf", FILE_MODE, "blacklist second\n");
	entry(im, "usr/lib/modprobe.d/c.off", FILE_MODE, "blacklist off\n");
	entry(im, "conf/modules", FILE_MODE, "# a list\n disk speed=3\n\nunix\n");
	entry(im, "etc/modules-load.d/x.conf", FILE_MODE, "; rem\nloop\n");
	entry(im, "etc/cmdline.d/20-force.conf", FILE_MODE, "quiet rd.driver.pre=one,two-x root=/dev/x\n");
	entry(im, "config", FILE_MODE, "EARLYMODULES=\"\"\nMODULES=\"mk-a mk_b\"\nHOOKS=\"udev\"\n");
	entry(im, "usr/lib/firmware/a.bin", FILE_MODE, "");
	entry(im, "usr/lib/firmware/updates/b.bin", FILE_MODE, "");
	entry(im, "usr/lib/firmware/6.12.0/c.bin.xz", FILE_MODE, "");
	entry(im, "usr/bin/udevadm", FILE_MODE, "");
	trailer(im);
}

static struct weir_initramfs_user *use(const struct weir_initramfs *image, const char *version)
{
	struct weir_initramfs_user *user = NULL;
	struct weir_errtext et = { "" };

	if (weir_initramfs_user_create(image, version, &et, &user))
		fail_msg("%s", et.text);
	return user;
}

static void test_initramfs_user_modules(void **state)
{
	struct image *im = fresh();
	struct weir_initramfs_user *user;
	struct weir_initramfs *image;

	(void)state;
	put_tree(im);
	put_lists(im);
	image = read_image(im);
	user = use(image, "6.12.0");
	assert_string_equal(user->version, "6.12.0");
	assert_int_equal(user->module_count, 3);
	assert_true(weir_initramfs_user_module(user, "acme-nic")->indexed);
	assert_true(weir_initramfs_user_module(user, "acme_nic")->blacklisted);
	assert_false(weir_initramfs_user_module(user, "lonely")->indexed);
	assert_null(weir_initramfs_user_module(user, "no_module"));
	assert_true(user->has_alias);
	assert_string_equal(user->coldplug, "udevadm");
	assert_true(weir_initramfs_user_denies(user, "evil"));
	assert_true(weir_initramfs_user_denies(user, "second"));
	assert_false(weir_initramfs_user_denies(user, "good"));
	assert_false(weir_initramfs_user_denies(user, "hidden"));
	assert_false(weir_initramfs_user_denies(user, "off"));
	assert_false(weir_initramfs_user_denies(user, "nobody"));
	assert_int_equal(user->options, 1);
	assert_int_equal(user->softdep_count, 2);
	assert_string_equal(user->softdeps[0].pre, "clk_a");
	assert_true(weir_initramfs_user_firmware(user, "a.bin", false));
	assert_true(weir_initramfs_user_firmware(user, "b.bin", false));
	assert_false(weir_initramfs_user_firmware(user, "c.bin", false));
	assert_true(weir_initramfs_user_firmware(user, "c.bin", true));
	assert_false(weir_initramfs_user_firmware(user, "d.bin", true));
	assert_true(weir_initramfs_user_firmware(user, "?.b*n", false));
	assert_false(weir_initramfs_user_firmware(user, "?.b*x", false));
	weir_initramfs_user_destroy(user);
	weir_initramfs_destroy(image);
	free(im);
}

static void test_initramfs_user_lists(void **state)
{
	static const struct {
		const char *name;
		bool before, heeds;
	} loads[] = {
		{ "one", true, false }, { "two_x", true, false }, { "loop", true, true },
		{ "disk", false, false }, { "unix", false, false }, { "mk_a", false, true },
		{ "mk_b", false, true },
	};
	struct image *im = fresh();
	struct weir_initramfs_user *user;
	struct weir_initramfs *image;

	(void)state;
	put_tree(im);
	put_lists(im);
	image = read_image(im);
	user = use(image, NULL);
	assert_int_equal(user->load_count, sizeof(loads) / sizeof(loads[0]));
	for (size_t i = 0; i < user->load_count; i++) {
		assert_string_equal(user->loads[i].name, loads[i].name);
		assert_int_equal(user->loads[i].before_coldplug, loads[i].before);
		assert_int_equal(user->loads[i].heeds_blacklist, loads[i].heeds);
	}
	weir_initramfs_user_destroy(user);
	weir_initramfs_destroy(image);
	free(im);
}

static void test_initramfs_user_version(void **state)
{
	struct weir_initramfs_user *user = NULL;
	struct weir_errtext et = { "" };
	struct image *im = fresh();
	struct weir_initramfs *image;

	(void)state;
	put_tree(im);
	dir(im, "usr/lib/modules/6.11.0");
	trailer(im);
	image = read_image(im);
	assert_int_equal(weir_initramfs_user_create(image, "6.12.1", &et, &user), WEIR_EINVAL);
	assert_non_null(strstr(et.text, "modules of 6.12.0, and the kernel is 6.12.1"));
	weir_initramfs_user_destroy(use(image, NULL)); /* an empty directory is no second kernel */
	weir_initramfs_destroy(image);
	im->size = 0;
	put_tree(im);
	dir(im, "usr/lib/modules/6.11.0");
	entry(im, "usr/lib/modules/6.11.0/a.ko", FILE_MODE, "");
	trailer(im);
	image = read_image(im);
	assert_int_equal(weir_initramfs_user_create(image, NULL, &et, &user), WEIR_EINVAL);
	assert_non_null(strstr(et.text, "several kernels (6.12.0, 6.11.0)"));
	user = use(image, "6.11.0");
	assert_int_equal(user->module_count, 1);
	weir_initramfs_user_destroy(user);
	weir_initramfs_destroy(image);
	im->size = 0;
	entry(im, "init", FILE_MODE, "");
	trailer(im);
	image = read_image(im);
	user = use(image, "6.12.0");
	assert_null(user->version);
	assert_null(user->coldplug);
	assert_int_equal(user->module_count, 0);
	weir_initramfs_user_destroy(user);
	weir_initramfs_destroy(image);
	free(im);
}

/* Android's ramdisks have no directory of a version; the modules say it. */
static void test_initramfs_user_flat(void **state)
{
	struct weir_initramfs_user *user = NULL;
	struct weir_errtext et = { "" };
	struct image *im = fresh();
	struct weir_initramfs *image;

	(void)state;
	dir(im, "lib");
	dir(im, "lib/modules");
	entry(im, "lib/modules/a.ko", FILE_MODE, "xxvermagic=6.12.5-android SMP preempt");
	entry(im, "lib/modules/b.ko", FILE_MODE, "");
	entry(im, "lib/modules/modules.load", FILE_MODE, "b.ko\na.ko\n");
	entry(im, "lib/modules/modules.dep", FILE_MODE, "/lib/modules/a.ko: /lib/modules/b.ko\n");
	trailer(im);
	image = read_image(im);
	user = use(image, "6.12.5-android");
	assert_int_equal(user->module_count, 2);
	assert_int_equal(user->load_count, 2);
	assert_string_equal(user->loads[0].name, "b");
	assert_true(weir_initramfs_user_module(user, "a")->indexed);
	weir_initramfs_user_destroy(user);
	assert_int_equal(weir_initramfs_user_create(image, "6.12.6", &et, &user), WEIR_EINVAL);
	assert_non_null(strstr(et.text, "modules of 6.12.5-android"));
	weir_initramfs_destroy(image);
	free(im);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_initramfs_user_modules),
		cmocka_unit_test(test_initramfs_user_lists),
		cmocka_unit_test(test_initramfs_user_version),
		cmocka_unit_test(test_initramfs_user_flat),
	};

	return cmocka_run_group_tests_name("initramfs_user", tests, NULL, NULL);
}
