// SPDX-License-Identifier: MIT
/*
 * The scan of kernel images, on small images of our own making: what is found
 * in each architecture's layout, in each wrapper, without symbols, and that
 * damaged input is a named error or a smaller result, never more.
 */
#include "cm.h"

#include <lz4.h>
#include <lzma.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "kernel/cache.h"
#include "kernel/unpack.h"
#include "kimage.h"
#include "weir/err.h"

static char *list_of(const struct weir_image *image)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	assert_non_null(f);
	assert_int_equal(weir_image_write_list(f, image), 0);
	fclose(f);
	return text;
}

static void expect_list(const uint8_t *data, size_t size, enum weir_arch arch, const char *layers)
{
	struct weir_errtext et = { "" };
	struct weir_image *image = NULL;
	char *text;
	int err = weir_image_scan(data, size, &et, &image);

	if (err)
		fail_msg("%d: %s", err, et.text);
	if (image->basis != WEIR_IMAGE_INITCALLS)
		fail_msg("tables only: %s", image->why_tables);
	assert_int_equal(image->arch, arch);
	assert_string_equal(image->layers, layers);
	assert_string_equal(image->version, "6.12.99-test");
	text = list_of(image);
	assert_string_equal(text, kimage_list);
	free(text);
	weir_image_destroy(image);
}

static void expect_error(const uint8_t *data, size_t size, int want, const char *words)
{
	struct weir_errtext et = { "" };
	struct weir_image *image = NULL;
	int err = weir_image_scan(data, size, &et, &image);

	if (!err)
		weir_image_destroy(image);
	assert_int_equal(err, want);
	if (!strstr(et.text, words))
		fail_msg("'%s' is not in '%s'", words, et.text);
}

/* 32-bit ARM kernels have no header: a zImage is what says that it is one. */
static void expect_kernel(enum weir_arch arch, unsigned int flags)
{
	struct kimage k;

	kimage_init(&k, arch, flags);
	expect_list(k.data, k.size, arch, "");
	kimage_fini(&k);
}

static void test_image_arm64(void **state)
{
	(void)state;
	expect_kernel(WEIR_ARCH_ARM64, 0);
}

static void test_image_arm(void **state)
{
	(void)state;
	expect_kernel(WEIR_ARCH_ARM, 0);
}

static void test_image_riscv64(void **state)
{
	(void)state;
	expect_kernel(WEIR_ARCH_RISCV64, 0);
}

static void test_image_x86_64(void **state)
{
	(void)state;
	expect_kernel(WEIR_ARCH_X86_64, 0);
	expect_kernel(WEIR_ARCH_X86_64, KIMAGE_PERCPU);
}

static void test_image_old_symbol_order(void **state)
{
	(void)state;
	expect_kernel(WEIR_ARCH_ARM64, KIMAGE_OLD_ORDER);
	expect_kernel(WEIR_ARCH_ARM, KIMAGE_OLD_ORDER);
	expect_kernel(WEIR_ARCH_X86_64, KIMAGE_OLD_ORDER);
	expect_kernel(WEIR_ARCH_X86_64, KIMAGE_OLD_ORDER | KIMAGE_PERCPU);
}

static void test_image_function_symbols_only(void **state)
{
	(void)state;
	expect_kernel(WEIR_ARCH_ARM, KIMAGE_FUNCTIONS);
	expect_kernel(WEIR_ARCH_RISCV64, KIMAGE_FUNCTIONS);
	expect_kernel(WEIR_ARCH_X86_64, KIMAGE_FUNCTIONS);
}

static void test_image_details(void **state)
{
	struct weir_image *image;
	struct kimage k;

	(void)state;
	kimage_init(&k, WEIR_ARCH_ARM64, 0);
	assert_int_equal(weir_image_scan(k.data, k.size, NULL, &image), 0);
	assert_int_equal(image->driver_count, 7);
	assert_string_equal(image->drivers[1].name, "be_ta_x");
	assert_string_equal(image->drivers[1].module, "beta");
	assert_int_equal(image->drivers[1].order, 1);
	assert_int_equal(image->drivers[1].bus, WEIR_BUILTIN_PLATFORM);
	assert_int_equal(image->drivers[6].bus, WEIR_BUILTIN_AMBA);
	assert_false(image->drivers[2].compats[0].first_only);
	assert_true(image->drivers[2].compats[1].first_only);
	assert_int_equal(image->early[4].kind, WEIR_EARLY_INIT);
	weir_image_destroy(image);
	kimage_fini(&k);
}

static void test_image_without_symbols(void **state)
{
	struct weir_image *image;
	struct kimage k;
	char *text;

	(void)state;
	kimage_init(&k, WEIR_ARCH_ARM64, KIMAGE_NO_SYMS);
	assert_int_equal(weir_image_scan(k.data, k.size, NULL, &image), 0);
	assert_int_equal(image->basis, WEIR_IMAGE_TABLES);
	assert_string_equal(image->why_tables, "no symbol table (kallsyms) found");
	text = list_of(image);
	assert_non_null(strstr(text, "\nacme_alpha@6 acme,alpha acme,alpha-v2\n"));
	assert_non_null(strstr(text, "\n!irq arm,gic-400\n"));
	assert_non_null(strstr(text, "\n!early fixed-clock\n"));
	assert_non_null(strstr(text, "order unknown"));
	free(text);
	weir_image_destroy(image);
	kimage_fini(&k);
}

/* ---- wrappers ---- */

enum pack { PACK_GZIP, PACK_XZ, PACK_LZMA, PACK_ZSTD, PACK_LZ4, PACK_COUNT };

static const char *const pack_names[] = { "gzip", "xz", "lzma", "zstd", "lz4" };

static struct weir_bytes pack(enum pack how, const uint8_t *data, size_t size)
{
	struct weir_bytes out = { .data = malloc(2 * size + 4096) };
	lzma_options_lzma opt;
	lzma_stream lz = LZMA_STREAM_INIT;
	z_stream z = { .next_in = (uint8_t *)(uintptr_t)data, .avail_in = (uInt)size };

	assert_non_null(out.data);
	switch (how) {
	case PACK_GZIP:
		assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, 0), Z_OK);
		z.next_out = out.data;
		z.avail_out = (uInt)(2 * size);
		assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
		out.size = z.total_out;
		deflateEnd(&z);
		break;
	case PACK_XZ:
		assert_int_equal(lzma_easy_buffer_encode(1, LZMA_CHECK_CRC32, NULL, data, size, out.data,
							 &out.size, 2 * size), LZMA_OK);
		break;
	case PACK_LZMA:
		lzma_lzma_preset(&opt, 1);
		assert_int_equal(lzma_alone_encoder(&lz, &opt), LZMA_OK);
		lz.next_in = data;
		lz.avail_in = size;
		lz.next_out = out.data;
		lz.avail_out = 2 * size;
		assert_int_equal(lzma_code(&lz, LZMA_FINISH), LZMA_STREAM_END);
		out.size = lz.total_out;
		lzma_end(&lz);
		break;
	case PACK_ZSTD:
		out.size = ZSTD_compress(out.data, 2 * size, data, size, 3);
		break;
	default:
		memcpy(out.data, "\x02\x21\x4c\x18", 4);
		out.size = (size_t)LZ4_compress_default((const char *)data, (char *)out.data + 8, (int)size,
							(int)(2 * size));
		weir_put_le32(out.data + 4, (uint32_t)out.size);
		out.size += 8;
	}
	/* The size word of kernel builds; gzip has it in the stream already. */
	if (how != PACK_GZIP) {
		weir_put_le32(out.data + out.size, (uint32_t)size);
		out.size += 4;
	}
	return out;
}

/* @head bytes with a header, the payload, some other bytes. */
static struct weir_bytes wrap(const struct weir_bytes *payload, size_t head, size_t tail)
{
	struct weir_bytes out = { .data = calloc(1, head + payload->size + tail),
				  .size = head + payload->size + tail };

	assert_non_null(out.data);
	memcpy(out.data + head, payload->data, payload->size);
	memset(out.data + head + payload->size, 0x77, tail);
	return out;
}

static struct weir_bytes wrap_zboot(const struct weir_bytes *payload, const char *kind)
{
	struct weir_bytes out = wrap(payload, 0x400, 32);

	memcpy(out.data, "MZ\0\0zimg", 8);
	weir_put_le32(out.data + 8, 0x400);
	weir_put_le32(out.data + 12, (uint32_t)payload->size);
	memcpy(out.data + 24, kind, strlen(kind));
	return out;
}

static struct weir_bytes wrap_zimage(const struct weir_bytes *payload)
{
	struct weir_bytes out = wrap(payload, 0x1234, 64);

	weir_put_le32(out.data + 0x24, 0x016f2818);
	/* Something that only looks like a compressed stream. */
	memcpy(out.data + 0x100, "\x1f\x8b\x08\0\0\0\0\0\0\0", 10);
	return out;
}

static struct weir_bytes wrap_bzimage(const struct weir_bytes *payload)
{
	struct weir_bytes out = wrap(payload, 5 * 512 + 0x300, 64);

	out.data[0x1f1] = 4;
	out.data[0x1fe] = 0x55;
	out.data[0x1ff] = 0xaa;
	memcpy(out.data + 0x202, "HdrS\x0f\x02", 6);
	weir_put_le32(out.data + 0x248, 0x300);
	weir_put_le32(out.data + 0x24c, (uint32_t)payload->size);
	return out;
}

static struct weir_bytes wrap_uimage(const struct weir_bytes *payload)
{
	struct weir_bytes out = wrap(payload, 64, 0);

	memcpy(out.data, "\x27\x05\x19\x56", 4);
	return out;
}

static void test_image_every_compression(void **state)
{
	struct weir_bytes packed;
	struct kimage k;
	int how;

	(void)state;
	kimage_init(&k, WEIR_ARCH_ARM64, 0);
	for (how = 0; how < PACK_COUNT; how++) {
		packed = pack((enum pack)how, k.data, k.size);
		expect_list(packed.data, packed.size, WEIR_ARCH_ARM64, pack_names[how]);
		expect_error(packed.data, packed.size / 2, WEIR_EBADMSG, pack_names[how]);
		weir_bytes_fini(&packed);
	}
	kimage_fini(&k);
}

static void test_image_zboot(void **state)
{
	struct weir_bytes packed, file;
	char layers[64];
	struct kimage k;
	int how;

	(void)state;
	kimage_init(&k, WEIR_ARCH_RISCV64, 0);
	for (how = 0; how < PACK_COUNT; how++) {
		packed = pack((enum pack)how, k.data, k.size);
		file = wrap_zboot(&packed, pack_names[how]);
		snprintf(layers, sizeof(layers), "EFI zboot, %s", pack_names[how]);
		expect_list(file.data, file.size, WEIR_ARCH_RISCV64, layers);
		weir_put_le32(file.data + 8, 0xfffffff0);
		expect_error(file.data, file.size, WEIR_EBADMSG, "outside the file");
		weir_put_le32(file.data + 8, 0x80);
		expect_error(file.data, file.size, WEIR_EBADMSG, "unknown compression");
		weir_bytes_fini(&file);
		weir_bytes_fini(&packed);
	}
	kimage_fini(&k);
}

static void test_image_zimage(void **state)
{
	struct weir_bytes packed, file, outer;
	char layers[64];
	struct kimage k;
	int how;

	(void)state;
	kimage_init(&k, WEIR_ARCH_ARM, KIMAGE_FUNCTIONS);
	for (how = 0; how < PACK_COUNT; how++) {
		packed = pack((enum pack)how, k.data, k.size);
		file = wrap_zimage(&packed);
		snprintf(layers, sizeof(layers), "ARM zImage, %s", pack_names[how]);
		expect_list(file.data, file.size, WEIR_ARCH_ARM, layers);
		outer = wrap_uimage(&file);
		snprintf(layers, sizeof(layers), "uImage, ARM zImage, %s", pack_names[how]);
		expect_list(outer.data, outer.size, WEIR_ARCH_ARM, layers);
		expect_error(file.data, 0x1234 + packed.size / 2, WEIR_EBADMSG, "zImage without");
		weir_bytes_fini(&outer);
		weir_bytes_fini(&file);
		weir_bytes_fini(&packed);
	}
	kimage_fini(&k);
}

static void test_image_bzimage(void **state)
{
	struct weir_bytes packed, file;
	char layers[64];
	struct kimage k;
	int how;

	(void)state;
	kimage_init(&k, WEIR_ARCH_X86_64, 0);
	for (how = 0; how < PACK_COUNT; how++) {
		packed = pack((enum pack)how, k.data, k.size);
		file = wrap_bzimage(&packed);
		snprintf(layers, sizeof(layers), "x86 bzImage, %s", pack_names[how]);
		expect_list(file.data, file.size, WEIR_ARCH_X86_64, layers);
		weir_put_le32(file.data + 0x24c, 0x7fffffff);
		expect_error(file.data, file.size, WEIR_EBADMSG, "outside the file");
		file.data[0x206] = 7;
		expect_error(file.data, file.size, WEIR_EBADMSG, "older than 2.08");
		weir_bytes_fini(&file);
		weir_bytes_fini(&packed);
	}
	kimage_fini(&k);
}

static void test_image_not_a_kernel(void **state)
{
	static const char text[] = "This is a text, and no kernel at all.\n";
	struct weir_bytes a, b;
	int i;

	(void)state;
	expect_error((const uint8_t *)text, sizeof(text), WEIR_ENOEXEC, "not a kernel image");
	expect_error(NULL, 0, WEIR_ENOEXEC, "not a kernel image");
	expect_error((const uint8_t *)"\x7f" "ELF", 4, WEIR_ENOEXEC, "ELF file");
	a = pack(PACK_GZIP, (const uint8_t *)text, sizeof(text));
	for (i = 0; i < 9; i++) {
		b = pack(PACK_GZIP, a.data, a.size);
		weir_bytes_fini(&a);
		a = b;
	}
	expect_error(a.data, a.size, WEIR_EBADMSG, "wrappers in each other");
	weir_bytes_fini(&a);
}

/* ---- damaged input ---- */

static uint64_t next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static void mutate(const uint8_t *data, size_t size, int rounds, uint64_t seed)
{
	static const uint8_t special[] = { 0x00, 0xff, 0x7f, 0x80 };
	uint8_t *copy = malloc(size);
	struct weir_image *image;
	int i, n;

	assert_non_null(copy);
	for (i = 0; i < rounds; i++) {
		size_t cut = next_random(&seed) % 8 ? size : next_random(&seed) % size;

		memcpy(copy, data, size);
		for (n = (int)(next_random(&seed) % 24); n >= 0; n--) {
			uint64_t r = next_random(&seed);

			copy[r % size] = r >> 60 & 1 ? special[r >> 61 & 3] : (uint8_t)(r >> 40);
		}
		if (!weir_image_scan(copy, cut, NULL, &image))
			weir_image_destroy(image);
	}
	free(copy);
}

static void test_image_mutations(void **state)
{
	static const struct {
		enum weir_arch arch;
		unsigned int flags;
	} kinds[] = {
		{ WEIR_ARCH_ARM64, 0 },		   { WEIR_ARCH_ARM64, KIMAGE_OLD_ORDER },
		{ WEIR_ARCH_ARM64, KIMAGE_NO_SYMS }, { WEIR_ARCH_ARM, 0 },
		{ WEIR_ARCH_ARM, KIMAGE_FUNCTIONS },   { WEIR_ARCH_RISCV64, 0 },
		{ WEIR_ARCH_X86_64, 0 },		   { WEIR_ARCH_X86_64, KIMAGE_FUNCTIONS },
	};
	struct weir_bytes packed, file;
	struct kimage k;
	size_t i;
	int how;

	(void)state;
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		kimage_init(&k, kinds[i].arch, kinds[i].flags);
		/* The places that matter lie close together: mutate only those, too. */
		mutate(k.data, k.size, 150, 0x1234567 + i);
		mutate(k.data, 0xd000, 150, 0x7654321 + i);
		kimage_fini(&k);
	}
	kimage_init(&k, WEIR_ARCH_ARM, KIMAGE_FUNCTIONS);
	for (how = 0; how < PACK_COUNT; how++) {
		packed = pack((enum pack)how, k.data, k.size);
		mutate(packed.data, packed.size, 40, 99 + (uint64_t)how);
		file = how == PACK_GZIP ? wrap_bzimage(&packed) : how == PACK_XZ ? wrap_zboot(&packed, "xz") :
		       wrap_zimage(&packed);
		mutate(file.data, file.size, 40, 1234 + (uint64_t)how);
		weir_bytes_fini(&file);
		weir_bytes_fini(&packed);
	}
	kimage_fini(&k);
}

/* ---- the cache ---- */

static void write_file(const char *path, const void *data, size_t size)
{
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, size, f), size);
	assert_int_equal(fclose(f), 0);
}

static void expect_cached_list(const char *path)
{
	struct weir_image *image;
	char *text;

	assert_int_equal(weir_image_open_cached(path, NULL, &image), 0);
	text = list_of(image);
	assert_string_equal(text, kimage_list);
	assert_string_equal(image->drivers[1].module, "beta");
	assert_string_equal(image->version, "6.12.99-test");
	free(text);
	weir_image_destroy(image);
}

static void test_image_cache(void **state)
{
	char dir[] = "/tmp/weir-test-XXXXXX", path[64], cmd[128];
	struct weir_bytes got;
	struct kimage k;

	(void)state;
	assert_non_null(mkdtemp(dir));
	setenv("XDG_CACHE_HOME", dir, 1);
	unsetenv("WEIR_NO_CACHE");
	snprintf(path, sizeof(path), "%s/vmlinuz", dir);
	kimage_init(&k, WEIR_ARCH_ARM64, 0);
	write_file(path, k.data, k.size);
	expect_cached_list(path);
	assert_true(weir_cache_get("image-1", path, &got));
	/* An entry is used: one with nothing in it is not a valid image, so scanned anew. */
	weir_cache_put("image-1", path, "abc", 3);
	weir_bytes_fini(&got);
	expect_cached_list(path);
	expect_cached_list(path);
	assert_true(weir_cache_get("image-1", path, &got));
	assert_true(got.size > 3);
	weir_bytes_fini(&got);
	/* Another source: the entry is out of date. */
	write_file(path, k.data, k.size - 16);
	assert_false(weir_cache_get("image-1", path, &got));
	expect_cached_list(path);
	/* Turned off. */
	setenv("WEIR_NO_CACHE", "1", 1);
	assert_false(weir_cache_get("image-1", path, &got));
	expect_cached_list(path);
	unsetenv("WEIR_NO_CACHE");
	/* Unwritable: the name of the directory is a file's. */
	setenv("XDG_CACHE_HOME", path, 1);
	expect_cached_list(path);
	kimage_fini(&k);
	snprintf(cmd, sizeof(cmd), "rm -r '%s'", dir);
	assert_int_equal(system(cmd), 0);
}

static void test_image_cache_damaged(void **state)
{
	char dir[] = "/tmp/weir-test-XXXXXX", path[64], entry[160], cmd[128];
	struct weir_bytes file;
	struct kimage k;
	FILE *p;
	size_t i;

	(void)state;
	assert_non_null(mkdtemp(dir));
	setenv("XDG_CACHE_HOME", dir, 1);
	snprintf(path, sizeof(path), "%s/vmlinuz", dir);
	kimage_init(&k, WEIR_ARCH_ARM64, 0);
	write_file(path, k.data, k.size);
	kimage_fini(&k);
	expect_cached_list(path);
	snprintf(cmd, sizeof(cmd), "ls %s/weir/*", dir);
	p = popen(cmd, "r");
	assert_non_null(p);
	assert_non_null(fgets(entry, sizeof(entry), p));
	pclose(p);
	entry[strcspn(entry, "\n")] = 0;
	assert_int_equal(weir_bytes_read(entry, NULL, &file), 0);
	for (i = 0; i < file.size; i += 1 + file.size / 97) {
		file.data[i] ^= 0x41;
		write_file(entry, file.data, file.size);
		expect_cached_list(path);
		file.data[i] ^= 0x41;
		write_file(entry, file.data, i);
		expect_cached_list(path);
	}
	weir_bytes_fini(&file);
	snprintf(cmd, sizeof(cmd), "rm -r '%s'", dir);
	assert_int_equal(system(cmd), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_image_arm64),
		cmocka_unit_test(test_image_arm),
		cmocka_unit_test(test_image_riscv64),
		cmocka_unit_test(test_image_x86_64),
		cmocka_unit_test(test_image_old_symbol_order),
		cmocka_unit_test(test_image_function_symbols_only),
		cmocka_unit_test(test_image_details),
		cmocka_unit_test(test_image_without_symbols),
		cmocka_unit_test(test_image_every_compression),
		cmocka_unit_test(test_image_zboot),
		cmocka_unit_test(test_image_zimage),
		cmocka_unit_test(test_image_bzimage),
		cmocka_unit_test(test_image_not_a_kernel),
		cmocka_unit_test(test_image_mutations),
		cmocka_unit_test(test_image_cache),
		cmocka_unit_test(test_image_cache_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
