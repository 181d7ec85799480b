// SPDX-License-Identifier: MIT
/*
 * Reading files and undoing one compression at a time, each with its own
 * library. All decoders append to a growing buffer and stop at the end of the
 * stream, as kernels have other data behind it. Life cycle and ownership are in
 * unpack.h; no state, no lock. Formats: RFC 1952 (gzip), the .xz file format
 * 1.1.0, RFC 8878 (zstd), lz4_Frame_format.md "Legacy frame", bzip2 1.0.8's manual.
 * Each decoder says how much of its input was the stream.
 */
#include "unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bzlib.h>
#include <lz4.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include "le.h"
#include "weir/err.h"

#define LZ4_BLOCK_BYTES ((size_t)8 << 20)
#define XZ_MEMORY_BYTES ((uint64_t)1 << 30)

/* A buffer that decoders write to; one byte more than room is allocated. */
struct sink {
	uint8_t *data;
	size_t size, room, max;
};

static int sink_room(struct sink *s, size_t want)
{
	size_t room = s->room ? s->room : (size_t)256 * 1024;
	uint8_t *p;

	if (s->room - s->size >= want)
		return 0;
	if (want > s->max - s->size)
		return WEIR_E2BIG;
	while (room - s->size < want)
		room *= 2;
	if (room > s->max)
		room = s->max;
	p = realloc(s->data, room + 1);
	if (!p)
		return WEIR_ENOMEM;
	s->data = p;
	s->room = room;
	return 0;
}

static int sink_grow(struct sink *s)
{
	size_t left = s->max - s->size;

	if (s->size < s->room)
		return 0;
	if (s->room > left) /* all that there may be, or one too many */
		return sink_room(s, left ? left : 1);
	return sink_room(s, s->room ? s->room : 1);
}

/* @window: of zlib's inflateInit2(), which says what is around the data. */
static int inflate_all(const uint8_t *data, size_t size, int window, struct sink *out,
		       size_t *out_used)
{
	z_stream z = { .next_in = (uint8_t *)(uintptr_t)data };
	size_t in_left = size;
	int err = 0, z_ret = Z_OK;

	if (inflateInit2(&z, window) != Z_OK)
		return WEIR_ENOMEM;
	while (z_ret != Z_STREAM_END) {
		size_t in_step = in_left < (1u << 30) ? in_left : (1u << 30);
		size_t out_step;

		err = sink_grow(out);
		if (err)
			break;
		out_step = out->room - out->size;
		z.avail_in = (uInt)in_step;
		z.next_out = out->data + out->size;
		z.avail_out = (uInt)out_step;
		z_ret = inflate(&z, Z_NO_FLUSH);
		in_left -= in_step - z.avail_in;
		out->size += out_step - z.avail_out;
		if (z_ret == Z_MEM_ERROR)
			err = WEIR_ENOMEM;
		else if (z_ret != Z_OK && z_ret != Z_STREAM_END)
			err = WEIR_EBADMSG;
		else if (z_ret == Z_OK && z.avail_out && !in_left)
			err = WEIR_EBADMSG;
		if (err)
			break;
	}
	inflateEnd(&z);
	*out_used = size - in_left;
	return err;
}

static int unpack_lzma(const uint8_t *data, size_t size, bool alone, struct sink *out,
		       size_t *out_used)
{
	lzma_stream lz = LZMA_STREAM_INIT;
	lzma_ret ret = LZMA_OK;
	int err = 0;

	if (alone)
		ret = lzma_alone_decoder(&lz, XZ_MEMORY_BYTES);
	else
		ret = lzma_stream_decoder(&lz, XZ_MEMORY_BYTES, 0);
	if (ret != LZMA_OK)
		return WEIR_ENOMEM;
	lz.next_in = data;
	lz.avail_in = size;
	while (ret != LZMA_STREAM_END) {
		size_t out_step;

		err = sink_grow(out);
		if (err)
			break;
		out_step = out->room - out->size;
		lz.next_out = out->data + out->size;
		lz.avail_out = out_step;
		ret = lzma_code(&lz, LZMA_RUN);
		out->size += out_step - lz.avail_out;
		if (ret == LZMA_MEM_ERROR || ret == LZMA_MEMLIMIT_ERROR)
			err = WEIR_ENOMEM;
		else if (ret != LZMA_OK && ret != LZMA_STREAM_END)
			err = WEIR_EBADMSG;
		else if (ret == LZMA_OK && lz.avail_out && !lz.avail_in)
			err = WEIR_EBADMSG;
		if (err)
			break;
	}
	*out_used = size - lz.avail_in;
	lzma_end(&lz);
	return err;
}

static int unpack_zstd(const uint8_t *data, size_t size, struct sink *out, size_t *out_used)
{
	ZSTD_inBuffer in = { .src = data, .size = size };
	ZSTD_DStream *ds = ZSTD_createDStream();
	size_t left = 1;
	int err = 0;

	if (!ds)
		return WEIR_ENOMEM;
	ZSTD_DCtx_setParameter(ds, ZSTD_d_windowLogMax, 30);
	while (left) {
		ZSTD_outBuffer to;
		size_t was_in = in.pos;

		err = sink_grow(out);
		if (err)
			break;
		to = (ZSTD_outBuffer){ .dst = out->data + out->size, .size = out->room - out->size };
		left = ZSTD_decompressStream(ds, &to, &in);
		out->size += to.pos;
		if (ZSTD_isError(left) || (left && !to.pos && in.pos == was_in)) {
			err = WEIR_EBADMSG;
			break;
		}
	}
	ZSTD_freeDStream(ds);
	*out_used = in.pos;
	return err;
}

static int unpack_bzip2(const uint8_t *data, size_t size, struct sink *out, size_t *out_used)
{
	bz_stream bz = { .next_in = (char *)(uintptr_t)data };
	size_t in_left = size;
	int err = 0, ret = BZ_OK;

	if (BZ2_bzDecompressInit(&bz, 0, 0) != BZ_OK)
		return WEIR_ENOMEM;
	while (ret != BZ_STREAM_END) {
		unsigned int in_step = in_left < (1u << 30) ? (unsigned int)in_left : 1u << 30;
		unsigned int out_step;

		err = sink_grow(out);
		if (err)
			break;
		out_step = out->room - out->size < (1u << 30) ? (unsigned int)(out->room - out->size)
							      : 1u << 30;
		bz.avail_in = in_step;
		bz.next_out = (char *)out->data + out->size;
		bz.avail_out = out_step;
		ret = BZ2_bzDecompress(&bz);
		in_left -= in_step - bz.avail_in;
		out->size += out_step - bz.avail_out;
		if (ret == BZ_MEM_ERROR)
			err = WEIR_ENOMEM;
		else if ((ret != BZ_OK && ret != BZ_STREAM_END) ||
			 (ret == BZ_OK && bz.avail_out && !in_left))
			err = WEIR_EBADMSG;
		if (err)
			break;
	}
	BZ2_bzDecompressEnd(&bz);
	*out_used = size - in_left;
	return err;
}

/*
 * Legacy frames have no end mark: the stream ends with the data, at the word
 * with its unpacked size that kernel builds append, or at an empty block, which is
 * the padding between the archives of an initramfs.
 */
static int unpack_lz4(const uint8_t *data, size_t size, struct sink *out, size_t *out_used)
{
	size_t pos = 4;
	bool any = false;

	while (size - pos >= 4) {
		size_t block = weir_get_le32(data + pos);
		int got, err;

		if (any && !block)
			break;
		pos += 4;
		if (any && block == out->size)
			break;
		if (block == 0x184c2102)
			continue;
		if (!block || block > size - pos || block > LZ4_MAX_INPUT_SIZE)
			return WEIR_EBADMSG;
		err = sink_room(out, LZ4_BLOCK_BYTES);
		if (err)
			return err;
		got = LZ4_decompress_safe((const char *)data + pos, (char *)out->data + out->size,
					  (int)block, (int)LZ4_BLOCK_BYTES);
		if (got < 0)
			return WEIR_EBADMSG;
		out->size += (size_t)got;
		pos += block;
		any = true;
	}
	*out_used = pos;
	return any ? 0 : WEIR_EBADMSG;
}

const char *weir_unpack_compression(const uint8_t *data, size_t size)
{
	if (size >= 18 && !memcmp(data, "\x1f\x8b\x08", 3))
		return "gzip";
	if (size >= 24 && !memcmp(data, "\xfd" "7zXZ\0", 6))
		return "xz";
	if (size >= 8 && !memcmp(data, "\x28\xb5\x2f\xfd", 4))
		return "zstd";
	if (size >= 9 && !memcmp(data, "\x02\x21\x4c\x18", 4))
		return "lz4";
	if (size >= 14 && !memcmp(data, "BZh", 3) && data[3] >= '1' && data[3] <= '9')
		return "bzip2";
	/* lzma-alone has no magic: the usual properties byte and a dictionary
	 * size of a power of two with a zero low half. */
	if (size >= 18 && data[0] == 0x5d && !data[1] && !data[2] &&
	    (data[4] <= 0x08 && (data[3] | data[4])) &&
	    (!memcmp(data + 5, "\xff\xff\xff\xff\xff\xff\xff\xff", 8) ||
	     weir_get_le64(data + 5) <= WEIR_UNPACK_MAX_BYTES))
		return "lzma";
	return NULL;
}

int weir_unpack_stream(const uint8_t *data, size_t size, struct weir_errtext *et,
		       struct weir_bytes *out_bytes)
{
	size_t used;

	return weir_unpack_part(data, size, et, out_bytes, &used);
}

static int unpack_kind(const char *kind, const uint8_t *data, size_t size, struct sink *out,
		       size_t *out_used)
{
	if (!strcmp(kind, "gzip"))
		return inflate_all(data, size, 15 + 16, out, out_used);
	if (!strcmp(kind, "zstd"))
		return unpack_zstd(data, size, out, out_used);
	if (!strcmp(kind, "lz4"))
		return unpack_lz4(data, size, out, out_used);
	if (!strcmp(kind, "bzip2"))
		return unpack_bzip2(data, size, out, out_used);
	return unpack_lzma(data, size, !strcmp(kind, "lzma"), out, out_used);
}

int weir_unpack_part(const uint8_t *data, size_t size, struct weir_errtext *et,
		     struct weir_bytes *out_bytes, size_t *out_used)
{
	const char *kind = weir_unpack_compression(data, size);
	struct sink out = { .max = WEIR_UNPACK_MAX_BYTES };
	size_t used = 0;
	int err;

	if (!kind)
		return weir_errtext_set(et, WEIR_ENOEXEC, "no known compression");
	/* Kernels shrink to about a quarter; one allocation usually does. */
	err = sink_room(&out, size < WEIR_UNPACK_MAX_BYTES / 8 ? size * 5 + 4096 : size);
	if (!err)
		err = unpack_kind(kind, data, size, &out, &used);
	if (err) {
		free(out.data);
		if (err == WEIR_EBADMSG)
			return weir_errtext_set(et, err, "corrupt or truncated %s data", kind);
		if (err == WEIR_E2BIG)
			return weir_errtext_set(et, err, "%s data unpacks to more than %zu bytes", kind,
						WEIR_UNPACK_MAX_BYTES);
		return weir_errtext_set(et, err, "no memory to unpack %s data", kind);
	}
	out.data[out.size] = 0;
	*out_bytes = (struct weir_bytes){ .data = out.data, .size = out.size };
	*out_used = used;
	return 0;
}

int weir_unpack_zlib(const uint8_t *data, size_t size, struct weir_errtext *et,
		     struct weir_bytes *out_bytes)
{
	/* RFC 1950, 2.2: the method, and both bytes a multiple of 31 */
	bool headed = size > 1 && (data[0] & 0xf) == 8 && !((data[0] * 256u + data[1]) % 31);
	struct sink out = { .max = WEIR_UNPACK_MAX_BYTES };
	size_t used;
	int err = sink_room(&out, 4096);

	if (!err)
		err = inflate_all(data, size, headed ? 15 : -15, &out, &used);
	if (err) {
		free(out.data);
		return weir_errtext_set(et, err, err == WEIR_EBADMSG ? "corrupt or truncated zlib data" :
					err == WEIR_E2BIG ? "zlib data unpacks to too much" :
					"no memory to unpack zlib data");
	}
	out.data[out.size] = 0;
	*out_bytes = (struct weir_bytes){ .data = out.data, .size = out.size };
	return 0;
}

size_t weir_unpack_head(const uint8_t *data, size_t size, void *head, size_t bytes)
{
	const char *kind = weir_unpack_compression(data, size);
	/* an lz4 block comes as a whole */
	struct sink out = { .max = LZ4_BLOCK_BYTES };
	size_t used, got = 0;
	int err;

	if (!kind)
		return 0;
	if (strcmp(kind, "lz4"))
		out.max = bytes;
	err = unpack_kind(kind, data, size, &out, &used);
	if (!err || err == WEIR_E2BIG) {
		got = out.size < bytes ? out.size : bytes;
		memcpy(head, out.data, got);
	}
	free(out.data);
	return got;
}

static int read_all(int fd, uint8_t *data, size_t size, size_t *out_got)
{
	size_t got = 0;

	while (got < size) {
		ssize_t n = read(fd, data + got, size - got);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return WEIR_EIO;
		if (!n)
			break;
		got += (size_t)n;
	}
	*out_got = got;
	return 0;
}

int weir_bytes_read(const char *path, struct weir_errtext *et, struct weir_bytes *out_bytes)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	uint8_t *data = NULL;
	struct stat st;
	size_t got = 0;
	int err;

	if (fd < 0) {
		err = errno == ENOENT || errno == ENOTDIR ? WEIR_ENOENT : WEIR_EIO;
		return weir_errtext_set(et, err, "%s: %s", path, strerror(errno));
	}
	if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		err = weir_errtext_set(et, WEIR_EIO, "%s: not a regular file", path);
		goto err_close;
	}
	if (st.st_size < 0 || (uint64_t)st.st_size > WEIR_UNPACK_MAX_BYTES) {
		err = weir_errtext_set(et, WEIR_E2BIG, "%s: too large (%lld bytes)", path,
				       (long long)st.st_size);
		goto err_close;
	}
	data = malloc((size_t)st.st_size + 1);
	if (!data) {
		err = weir_errtext_set(et, WEIR_ENOMEM, "%s: no memory", path);
		goto err_close;
	}
	err = read_all(fd, data, (size_t)st.st_size, &got);
	if (err) {
		weir_errtext_set(et, err, "%s: %s", path, strerror(errno));
		goto err_free;
	}
	close(fd);
	data[got] = 0;
	*out_bytes = (struct weir_bytes){ .data = data, .size = got };
	return 0;

err_free:
	free(data);
err_close:
	close(fd);
	return err;
}

void weir_bytes_fini(struct weir_bytes *bytes)
{
	free(bytes->data);
	*bytes = (struct weir_bytes){ 0 };
}
