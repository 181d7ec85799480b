// SPDX-License-Identifier: MIT
/*
 * Files as bytes, and what they are wrapped in: gzip, xz, lzma, zstd, lz4, bzip2, the
 * EFI zboot wrapper, ARM zImage, x86 bzImage, U-Boot's old uImage header. A
 * struct weir_bytes is owned by its holder, who calls weir_bytes_fini(); it has
 * no lock and is read-only once filled.
 */
#ifndef WEIR_SIM_KERNEL_UNPACK_H
#define WEIR_SIM_KERNEL_UNPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "errtext.h"

/* What comes out of a wrapper may not be larger than this. */
#define WEIR_UNPACK_MAX_BYTES ((size_t)512 << 20)

/* data always has one zero byte behind it, not counted in size. */
struct weir_bytes {
	uint8_t *data;
	size_t size;
};

/* What an image was wrapped in, outermost first, such as "EFI zboot, gzip". */
struct weir_unpack_info {
	char layers[128];
	bool arm_zimage;
	bool x86_bzimage;
};

/**
 * weir_bytes_read - read a whole file.
 * @path: a regular file.
 * @et: gets "PATH: what is wrong"; may be NULL.
 * Owner: *@out_bytes is the caller's.
 * Return: 0; WEIR_ENOENT: there is no such file; WEIR_EIO: it cannot be read
 * (or is no regular file); WEIR_E2BIG: over WEIR_UNPACK_MAX_BYTES; WEIR_ENOMEM.
 */
int weir_bytes_read(const char *path, struct weir_errtext *et, struct weir_bytes *out_bytes);

/** Frees the bytes; NULL data is fine; the struct is empty afterwards. */
void weir_bytes_fini(struct weir_bytes *bytes);

/** Return: the compression's name ("gzip", "xz", ...) that @data starts with, or NULL. */
const char *weir_unpack_compression(const uint8_t *data, size_t size);

/**
 * weir_unpack_stream - undo one compression.
 * @data: starts with the compression's magic; what follows the stream is ignored.
 * Owner: *@out_bytes is the caller's.
 * Return: 0; WEIR_ENOEXEC: no known compression; WEIR_EBADMSG: corrupt or cut
 * short; WEIR_E2BIG: more than WEIR_UNPACK_MAX_BYTES; WEIR_ENOMEM.
 */
int weir_unpack_stream(const uint8_t *data, size_t size, struct weir_errtext *et,
		       struct weir_bytes *out_bytes);

/** weir_unpack_zlib - the same for deflated data with or without zlib's header, which has no magic. */
int weir_unpack_zlib(const uint8_t *data, size_t size, struct weir_errtext *et,
		     struct weir_bytes *out_bytes);

/**
 * weir_unpack_part - the same, for streams that others follow.
 * @out_used: how many bytes of @data the stream takes.
 */
int weir_unpack_part(const uint8_t *data, size_t size, struct weir_errtext *et,
		     struct weir_bytes *out_bytes, size_t *out_used);

/**
 * weir_unpack_head - the first bytes of what is in a stream.
 * Return: how many there are, at most @bytes; 0 also for what does not unpack.
 */
size_t weir_unpack_head(const uint8_t *data, size_t size, void *head, size_t bytes);

/**
 * weir_unpack - take off every wrapper of a kernel image.
 * @bytes: replaced by what was inside; untouched on failure.
 * @out_info: what was taken off.
 * Return: 0, also when there was nothing to take off; WEIR_EBADMSG: a wrapper
 * is recognised but corrupt, @et says which and at what offset; WEIR_E2BIG;
 * WEIR_ENOMEM.
 */
int weir_unpack(struct weir_bytes *bytes, struct weir_errtext *et,
		struct weir_unpack_info *out_info);

#endif
