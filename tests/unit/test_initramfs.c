// SPDX-License-Identifier: MIT
/*
 * Initramfs images: archives made here by hand, byte for byte as the format says,
 * packed and not, whole and damaged.
 */
#include "initramfsimage.h"

#include <bzlib.h>
#include <lz4.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include "kernel/le.h"

static void test_initramfs_files_and_links(void **state)
{
	struct image *im = fresh();
	struct weir_initramfs *image;
	char real[100];

	(void)state;
	dir(im, ".");
	entry(im, "./init", FILE_MODE | 0111, "#!/bin/sh");
	dir(im, "usr");
	dir(im, "usr/lib");
	entry(im, "lib", LINK_MODE, "usr/lib");
	dir(im, "lib/firmware"); /* through the link */
	entry(im, "/lib/firmware/a.bin", FILE_MODE, "A");
	entry(im, "usr/lib/firmware/b.bin", LINK_MODE, "../firmware/a.bin");
	entry(im, "usr/lib/up", LINK_MODE, "/../../lib");
	entry(im, "loop", LINK_MODE, "loop/x");
	entry(im, "dangling", LINK_MODE, "nowhere");
	entry(im, "no/directory", FILE_MODE, "lost");
	entry(im, "no/other", FILE_MODE, "lost");
	entry(im, "dev/null", 020666, "");
	trailer(im);
	image = read_image(im);
	assert_int_equal(image->part_count, 1);
	assert_null(image->parts[0].packing);
	has(image, "init", "#!/bin/sh");
	has(image, "usr/lib/firmware/a.bin", "A");
	has(image, "lib/firmware/b.bin", "A");
	has(image, "/lib/up/up/firmware//./b.bin", "A");
	has(image, "lib/../../../init", "#!/bin/sh");
	assert_null(weir_initramfs_find(image, "loop"));
	assert_null(weir_initramfs_find(image, "dangling"));
	assert_string_equal(weir_initramfs_real(image, "lib/modules", real, sizeof(real)), "usr/lib/modules");
	assert_null(weir_initramfs_real(image, "loop", real, sizeof(real)));
	assert_int_equal(image->lost, 2);
	assert_string_equal(image->first_lost, "no/directory");
	assert_non_null(weir_initramfs_find(image, "dev/null"));
	weir_initramfs_destroy(image);
	free(im);
}

static void test_initramfs_later_wins(void **state)
{
	struct image *im = fresh();
	struct weir_initramfs *image;

	(void)state;
	dir(im, "etc");
	entry(im, "etc/a", FILE_MODE, "first");
	trailer(im);
	pad(im, 512);
	entry(im, "etc/a", FILE_MODE, "second");
	entry(im, "etc", FILE_MODE, "a directory stays");
	entry(im, "etc/b", FILE_MODE, "b");
	trailer(im);
	image = read_image(im);
	has(image, "etc/a", "second");
	has(image, "etc/b", "b");
	weir_initramfs_destroy(image);
	free(im);
}

static void test_initramfs_hard_links(void **state)
{
	struct image *im = fresh();
	struct weir_initramfs *image;

	(void)state;
	entry_full(im, "070701", "one", FILE_MODE, "", 0, 7, 3, 0);
	entry_full(im, "070701", "two", FILE_MODE, "", 0, 7, 3, 0);
	entry_full(im, "070701", "two", FILE_MODE, "", 0, 7, 3, 0); /* again */
	entry_full(im, "070701", "three", FILE_MODE, "data", 4, 7, 3, 0);
	entry_full(im, "070701", "other", FILE_MODE, "", 0, 8, 3, 0);
	trailer(im);
	entry_full(im, "070701", "next", FILE_MODE, "", 0, 7, 3, 0); /* of another archive */
	trailer(im);
	image = read_image(im);
	has(image, "one", "data");
	has(image, "two", "data");
	has(image, "three", "data");
	has(image, "other", "");
	has(image, "next", "");
	weir_initramfs_destroy(image);
	free(im);
}

/* ---- packing ---- */

static void pack_gzip(struct image *to, const struct image *from)
{
	z_stream z = { .next_in = (uint8_t *)(uintptr_t)from->data, .avail_in = (uInt)from->size };

	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
	z.next_out = to->data + to->size;
	z.avail_out = (uInt)(sizeof(to->data) - to->size);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	to->size += z.total_out;
	deflateEnd(&z);
}

static void pack_xz(struct image *to, const struct image *from)
{
	assert_int_equal(lzma_easy_buffer_encode(6, LZMA_CHECK_CRC32, NULL, from->data, from->size, to->data,
						 &to->size, sizeof(to->data)), LZMA_OK);
}

static void pack_lzma(struct image *to, const struct image *from)
{
	lzma_stream lz = LZMA_STREAM_INIT;
	lzma_options_lzma options;

	lzma_lzma_preset(&options, 6);
	assert_int_equal(lzma_alone_encoder(&lz, &options), LZMA_OK);
	lz.next_in = from->data;
	lz.avail_in = from->size;
	lz.next_out = to->data + to->size;
	lz.avail_out = sizeof(to->data) - to->size;
	assert_int_equal(lzma_code(&lz, LZMA_FINISH), LZMA_STREAM_END);
	to->size += lz.total_out;
	lzma_end(&lz);
}

static void pack_zstd(struct image *to, const struct image *from)
{
	size_t n = ZSTD_compress(to->data + to->size, sizeof(to->data) - to->size, from->data, from->size, 3);

	assert_false(ZSTD_isError(n));
	to->size += n;
}

static void pack_lz4(struct image *to, const struct image *from)
{
	int n = LZ4_compress_default((const char *)from->data, (char *)to->data + to->size + 8,
				     (int)from->size, (int)(sizeof(to->data) - to->size - 8));

	assert_true(n > 0);
	weir_put_le32(to->data + to->size, 0x184c2102);
	weir_put_le32(to->data + to->size + 4, (uint32_t)n);
	to->size += 8 + (size_t)n;
}

static void pack_bzip2(struct image *to, const struct image *from)
{
	unsigned int n = (unsigned int)(sizeof(to->data) - to->size);

	assert_int_equal(BZ2_bzBuffToBuffCompress((char *)to->data + to->size, &n,
						  (char *)(uintptr_t)from->data,
						  (unsigned int)from->size, 9, 0, 0), BZ_OK);
	to->size += n;
}

static const struct {
	const char *name;
	void (*pack)(struct image *to, const struct image *from);
} packings[] = {
	{ "gzip", pack_gzip }, { "xz", pack_xz },   { "lzma", pack_lzma },
	{ "zstd", pack_zstd }, { "lz4", pack_lz4 }, { "bzip2", pack_bzip2 },
};

#define PACKINGS (sizeof(packings) / sizeof(packings[0]))

static void first_archive(struct image *im)
{
	dir(im, "kernel");
	entry(im, "kernel/microcode", FILE_MODE, "code");
	trailer(im);
}

static void main_archive(struct image *im)
{
	entry(im, "init", FILE_MODE, "init");
	dir(im, "lib");
	for (unsigned int i = 0; i < 200; i++) {
		char name[40];

		snprintf(name, sizeof(name), "lib/file%u", i);
		entry(im, name, FILE_MODE, name);
	}
	trailer(im);
}

/* A plain one first, one that is packed, zeroes, and another: all three are there. */
static void test_initramfs_packed(void **state)
{
	for (size_t i = 0; i < PACKINGS; i++) {
		struct image *inner = fresh(), *more = fresh(), *im = fresh();
		struct weir_initramfs *image;

		main_archive(inner);
		entry(more, "last", FILE_MODE, packings[i].name);
		trailer(more);
		first_archive(im);
		pad(im, 512);
		packings[i].pack(im, inner);
		pad(im, 4);
		raw(im, "\0\0\0\0\0\0\0\0", 8);
		packings[i].pack(im, more);
		image = read_image(im);
		assert_int_equal(image->part_count, 3);
		assert_string_equal(image->parts[1].packing, packings[i].name);
		assert_int_equal(image->parts[1].offset, 512);
		assert_int_equal(image->parts[1].files, 202);
		has(image, "kernel/microcode", "code");
		has(image, "lib/file199", "lib/file199");
		has(image, "last", packings[i].name);
		weir_initramfs_destroy(image);
		free(inner);
		free(more);
		free(im);
	}
	(void)state;
}

static void test_initramfs_packed_is_told(void **state)
{
	struct image *inner = fresh(), *text = fresh(), *im = fresh();

	(void)state;
	main_archive(inner);
	raw(text, "just\nnames\nof modules\n", 22);
	assert_true(weir_initramfs_is_image(inner->data, inner->size));
	assert_false(weir_initramfs_is_image(text->data, text->size));
	assert_false(weir_initramfs_is_image(text->data, 0));
	for (size_t i = 0; i < PACKINGS; i++) {
		im->size = 0;
		packings[i].pack(im, inner);
		assert_true(weir_initramfs_is_image(im->data, im->size));
		im->size = 0;
		packings[i].pack(im, text);
		assert_false(weir_initramfs_is_image(im->data, im->size));
	}
	free(inner);
	free(text);
	free(im);
}

/* ---- damage ---- */

static void test_initramfs_damage(void **state)
{
	struct image *im = fresh();
	size_t at;

	(void)state;
	refused(im, WEIR_EBADMSG, "no archive");
	entry(im, "a", FILE_MODE, "x");
	trailer(im);
	im->data[5] = '7';
	refused(im, WEIR_EBADMSG, "-H newc");
	im->data[5] = '3';
	refused(im, WEIR_EBADMSG, "no cpio magic at offset 0");
	im->data[5] = '1';
	im->data[20] = 'x';
	refused(im, WEIR_EBADMSG, "no hexadecimal");
	im->size = 0;
	entry_full(im, "070702", "sum", FILE_MODE, "abc", 3, 1, 1, 'a' + 'b' + 'c');
	at = im->size;
	entry_full(im, "070702", "bad/sum", FILE_MODE, "abc", 3, 1, 1, 1);
	trailer(im);
	refused(im, WEIR_EBADMSG, "wrong checksum");
	refused(im, WEIR_EBADMSG, ": bad/sum");
	assert_true(at > 0);
	im->size = 0;
	entry(im, "first", FILE_MODE, "x");
	refused(im, WEIR_EBADMSG, "TRAILER");
	at = im->size;
	entry(im, "second", FILE_MODE, "contents");
	im->size -= 4;
	refused(im, WEIR_EBADMSG, "within a file");
	im->size = at + 115;
	refused(im, WEIR_EBADMSG, "within a name");
	im->size = at + 50;
	refused(im, WEIR_EBADMSG, "cut short");
	free(im);
}

/* Sizes and names that lie. */
static void test_initramfs_lies(void **state)
{
	struct image *im = fresh();
	char name[5000];

	(void)state;
	entry(im, "a", FILE_MODE, "x");
	trailer(im);
	memcpy(im->data + 6 + 6 * 8, "ffffffff", 8);
	refused(im, WEIR_EBADMSG, "within a file at offset 0: a");
	memcpy(im->data + 6 + 11 * 8, "ffffffff", 8);
	refused(im, WEIR_EBADMSG, "a name of no or of over 4096 bytes");
	memcpy(im->data + 6 + 11 * 8, "00000000", 8);
	refused(im, WEIR_EBADMSG, "a name of no");
	memcpy(im->data + 6 + 11 * 8, "00000001", 8);
	refused(im, WEIR_EBADMSG, "a name without end");
	im->size = 0;
	memset(name, 'n', sizeof(name));
	name[4090] = 0;
	entry(im, name, FILE_MODE, "long, and there all the same");
	entry(im, "link", LINK_MODE, name);
	trailer(im);
	weir_initramfs_destroy(read_image(im));
	im->size = 0;
	name[4090] = 'n';
	name[4999] = 0;
	entry(im, "link", LINK_MODE, name);
	trailer(im);
	refused(im, WEIR_EBADMSG, "a link of over 4096 bytes");
	free(im);
}

static void test_initramfs_damage_when_packed(void **state)
{
	for (size_t i = 0; i < PACKINGS; i++) {
		struct image *inner = fresh(), *im = fresh();
		char words[100];

		entry(inner, "a", FILE_MODE, "x");
		inner->data[5] = '9';
		first_archive(im);
		pad(im, 4);
		snprintf(words, sizeof(words), "no cpio magic, 0 bytes into the %s data at offset %zu",
			 packings[i].name, im->size);
		packings[i].pack(im, inner);
		refused(im, WEIR_EBADMSG, words);
		im->size = 0;
		inner->size = 0;
		entry(inner, "a", FILE_MODE, "x");
		trailer(inner);
		raw(inner, "junk", 4);
		packings[i].pack(im, inner);
		refused(im, WEIR_EBADMSG, "something else than archives");
		im->size = 0;
		inner->size = 0;
		main_archive(inner);
		packings[i].pack(im, inner);
		im->size -= im->size / 2;
		refused(im, WEIR_EBADMSG, packings[i].name);
		free(inner);
		free(im);
	}
	(void)state;
}

static void test_initramfs_other_kinds(void **state)
{
	struct image *im = fresh();

	(void)state;
	first_archive(im);
	raw(im, "junk", 4);
	refused(im, WEIR_EBADMSG, "neither an archive");
	im->size = 0;
	raw(im, "hsqs and more", 13);
	refused(im, WEIR_EBADMSG, "squashfs");
	assert_true(weir_initramfs_is_image(im->data, im->size));
	im->size = 0;
	raw(im, "\x04\x22\x4d\x18 and more", 13);
	refused(im, WEIR_EBADMSG, "lz4 -l");
	im->size = 0;
	raw(im, "\x89LZO", 4);
	refused(im, WEIR_EBADMSG, "lzo");
	im->size = 0;
	raw(im, "\0\0", 2);
	entry(im, "a", FILE_MODE, "at an odd place");
	trailer(im);
	refused(im, WEIR_EBADMSG, "multiple of 4");
	free(im);
}

/* Behind U-Boot's header. */
static void test_initramfs_uimage(void **state)
{
	struct image *im = fresh();
	struct weir_initramfs *image;

	(void)state;
	raw(im, "\x27\x05\x19\x56", 4);
	while (im->size < 64)
		raw(im, "h", 1);
	main_archive(im);
	assert_true(weir_initramfs_is_image(im->data, im->size));
	image = read_image(im);
	has(image, "init", "init");
	assert_int_equal(image->parts[0].offset, 64);
	weir_initramfs_destroy(image);
	free(im);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_initramfs_files_and_links),
		cmocka_unit_test(test_initramfs_later_wins),
		cmocka_unit_test(test_initramfs_hard_links),
		cmocka_unit_test(test_initramfs_packed),
		cmocka_unit_test(test_initramfs_packed_is_told),
		cmocka_unit_test(test_initramfs_damage),
		cmocka_unit_test(test_initramfs_lies),
		cmocka_unit_test(test_initramfs_damage_when_packed),
		cmocka_unit_test(test_initramfs_other_kinds),
		cmocka_unit_test(test_initramfs_uimage),
	};

	return cmocka_run_group_tests_name("initramfs", tests, NULL, NULL);
}
