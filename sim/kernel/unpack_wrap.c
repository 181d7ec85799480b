// SPDX-License-Identifier: MIT
/*
 * What kernel images are wrapped in besides a plain compression, taken off one
 * after the other until something is left that is no wrapper. Sources of the
 * formats: Documentation/arch/x86/boot.rst (setup header, payload_offset),
 * the zImage header (magic 0x016f2818 at 0x24; Russell King, "Booting ARM
 * Linux"), the EFI zboot header ("zimg" at 4, payload offset and size at 8 and
 * 12, compression type at 24), U-Boot's image.h header of 64 bytes. Nothing is
 * kept; no lock.
 */
#include "unpack.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "le.h"
#include "weir/err.h"

#define MAX_LAYERS 8
#define UIMAGE_HEADER_BYTES 64

/* Where the next layer is inside the present one. */
struct payload {
	const char *name;
	size_t off, size;
};

static void note_layer(struct weir_unpack_info *info, const char *name)
{
	size_t len = strlen(info->layers);

	snprintf(info->layers + len, sizeof(info->layers) - len, "%s%s", len ? ", " : "", name);
}

static int find_zboot(const struct weir_bytes *b, struct weir_errtext *et, struct payload *out)
{
	uint64_t off, size;
	char kind[9] = "";

	if (b->size < 64 || memcmp(b->data, "MZ", 2) || memcmp(b->data + 4, "zimg", 4))
		return 0;
	off = weir_get_le32(b->data + 8);
	size = weir_get_le32(b->data + 12);
	memcpy(kind, b->data + 24, 8);
	if (off < 64 || off >= b->size || size > b->size - off)
		return weir_errtext_set(et, WEIR_EBADMSG,
					"EFI zboot header: payload at 0x%llx, 0x%llx bytes, is outside the file "
					"of 0x%zx bytes (header offset 8)",
					(unsigned long long)off, (unsigned long long)size, b->size);
	if (!weir_unpack_compression(b->data + off, (size_t)size))
		return weir_errtext_set(et, WEIR_EBADMSG,
					"EFI zboot payload at 0x%llx: unknown compression '%s'",
					(unsigned long long)off, kind);
	*out = (struct payload){ "EFI zboot", (size_t)off, (size_t)size };
	return 1;
}

static int find_bzimage(const struct weir_bytes *b, struct weir_errtext *et, struct payload *out)
{
	uint64_t off, size, setup;

	if (b->size < 0x250 || memcmp(b->data + 0x202, "HdrS", 4) ||
	    weir_get_le16(b->data + 0x1fe) != 0xaa55)
		return 0;
	if (weir_get_le16(b->data + 0x206) < 0x208)
		return weir_errtext_set(et, WEIR_EBADMSG,
					"x86 boot protocol 0x%x is older than 2.08: no payload offset",
					weir_get_le16(b->data + 0x206));
	setup = b->data[0x1f1] ? b->data[0x1f1] : 4;
	off = (setup + 1) * 512 + weir_get_le32(b->data + 0x248);
	size = weir_get_le32(b->data + 0x24c);
	if (off >= b->size || size > b->size - off)
		return weir_errtext_set(et, WEIR_EBADMSG,
					"x86 setup header: payload at 0x%llx, 0x%llx bytes, is outside the file "
					"of 0x%zx bytes (header offset 0x248)",
					(unsigned long long)off, (unsigned long long)size, b->size);
	*out = (struct payload){ "x86 bzImage", (size_t)off, (size_t)size };
	return 1;
}

static bool is_zimage(const struct weir_bytes *b)
{
	return b->size >= 0x30 && weir_get_le32(b->data + 0x24) == 0x016f2818;
}

/*
 * The header of a zImage does not say where the payload is, so every place that
 * looks like a compressed stream is tried; their checksums tell which one is.
 * Where there is no checksum (lz4, lzma) the size must be found as a word behind it.
 */
static int unpack_zimage(const struct weir_bytes *b, struct weir_errtext *et,
			 struct weir_unpack_info *info, struct weir_bytes *out)
{
	static const char first[] = "\x1f\xfd\x28\x02\x5d";
	struct weir_bytes inner;
	size_t off;

	for (off = 0x30; off + 18 < b->size; off++) {
		const char *kind;
		uint8_t word[4];
		int err;

		if (!memchr(first, b->data[off], sizeof(first) - 1))
			continue;
		kind = weir_unpack_compression(b->data + off, b->size - off);
		if (!kind)
			continue;
		err = weir_unpack_stream(b->data + off, b->size - off, NULL, &inner);
		if (err == WEIR_ENOMEM)
			return weir_errtext_set(et, err, "no memory to unpack the zImage");
		if (err)
			continue;
		weir_put_le32(word, (uint32_t)inner.size);
		if ((!strcmp(kind, "lz4") || !strcmp(kind, "lzma")) &&
		    !memmem(b->data + off, b->size - off, word, 4)) {
			weir_bytes_fini(&inner);
			continue;
		}
		note_layer(info, "ARM zImage");
		note_layer(info, kind);
		*out = inner;
		return 0;
	}
	return weir_errtext_set(et, WEIR_EBADMSG,
				"ARM zImage without a compressed kernel that can be unpacked");
}

static int unpack_uimage(const struct weir_bytes *b, struct weir_errtext *et,
			 struct weir_bytes *out)
{
	size_t size = b->size - UIMAGE_HEADER_BYTES;
	uint8_t *data = malloc(size + 1);

	if (!data)
		return weir_errtext_set(et, WEIR_ENOMEM, "no memory to unpack the uImage");
	memcpy(data, b->data + UIMAGE_HEADER_BYTES, size);
	data[size] = 0;
	*out = (struct weir_bytes){ data, size };
	return 0;
}

/* The payload of a wrapper whose header says where it is, or the whole file. */
static int unpack_payload(const struct weir_bytes *b, const struct payload *p,
			  struct weir_errtext *et, struct weir_unpack_info *info,
			  struct weir_bytes *out)
{
	const char *kind = weir_unpack_compression(b->data + p->off, p->size);
	char where[64];
	int err;

	if (p->name)
		note_layer(info, p->name);
	if (!kind && !p->name)
		return 0;
	if (!kind)
		return weir_errtext_set(et, WEIR_EBADMSG, "%s payload at 0x%zx: unknown compression",
					p->name, p->off);
	err = weir_unpack_stream(b->data + p->off, p->size, et, out);
	if (err) {
		snprintf(where, sizeof(where), "%s at offset 0x%zx", p->name ? p->name : "file", p->off);
		weir_errtext_prefix(et, where);
		return err;
	}
	note_layer(info, kind);
	return 1;
}

/* One layer off: 1 and *out_bytes, 0 when there is none, or an error. */
static int unpack_layer(const struct weir_bytes *b, struct weir_errtext *et,
			struct weir_unpack_info *info, struct weir_bytes *out_bytes)
{
	struct payload p = { .size = b->size };
	int err;

	if (is_zimage(b)) {
		info->arm_zimage = true;
		err = unpack_zimage(b, et, info, out_bytes);
		return err ? err : 1;
	}
	if (b->size > UIMAGE_HEADER_BYTES && weir_get_be32(b->data) == 0x27051956) {
		note_layer(info, "uImage");
		err = unpack_uimage(b, et, out_bytes);
		return err ? err : 1;
	}
	err = find_zboot(b, et, &p);
	if (!err) {
		err = find_bzimage(b, et, &p);
		info->x86_bzimage |= err > 0;
	}
	return err < 0 ? err : unpack_payload(b, &p, et, info, out_bytes);
}

int weir_unpack(struct weir_bytes *bytes, struct weir_errtext *et,
		struct weir_unpack_info *out_info)
{
	struct weir_unpack_info info = { 0 };
	struct weir_bytes cur = *bytes, next;
	int layer, got = 0;

	for (layer = 0; layer < MAX_LAYERS; layer++) {
		got = unpack_layer(&cur, et, &info, &next);
		if (got <= 0)
			break;
		if (cur.data != bytes->data)
			weir_bytes_fini(&cur);
		cur = next;
	}
	if (layer == MAX_LAYERS)
		got = weir_errtext_set(et, WEIR_EBADMSG, "more than %d wrappers in each other", MAX_LAYERS);
	if (got < 0) {
		if (cur.data != bytes->data)
			weir_bytes_fini(&cur);
		return got;
	}
	if (cur.data != bytes->data)
		weir_bytes_fini(bytes);
	*bytes = cur;
	*out_info = info;
	return 0;
}
