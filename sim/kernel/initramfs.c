// SPDX-License-Identifier: MIT
/*
 * The tree that the archives of an initramfs make; see initramfs.h. Links are
 * followed component by component, at most 40 of them, as in path_resolution(7).
 */
#include "initramfs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "le.h"
#include "weir/err.h"

#define NONE UINT32_MAX
#define MAX_LINKS 40
#define UIMAGE_MAGIC 0x27051956u
#define UIMAGE_BYTES 64

static const struct weir_initramfs_file *file_at(const struct weir_initramfs *image,
						 const char *path, size_t len)
{
	uint32_t id = weir_strtable_find(&image->paths, path, len);

	return id == WEIR_STRTABLE_NONE ? NULL : &image->files[id];
}

/* ---- paths ---- */

/* A path being walked: what is done, and what is still to come. */
struct walk {
	char done[WEIR_INITRAMFS_MAX_PATH + 1];
	char left[2 * WEIR_INITRAMFS_MAX_PATH + 2];
	size_t len;
	unsigned int links;
};

static void walk_up(struct walk *w)
{
	while (w->len && w->done[w->len - 1] != '/')
		w->len--;
	w->len -= w->len != 0;
	w->done[w->len] = '\0';
}

/* What a link says comes in front of what is left. */
static bool walk_link(struct walk *w, const struct weir_initramfs_file *link, const char *rest)
{
	size_t n = strlen(rest);

	if (++w->links > MAX_LINKS || !link->size || n > WEIR_INITRAMFS_MAX_PATH)
		return false;
	memmove(w->left + link->size + 1, rest, n + 1);
	memcpy(w->left, link->data, link->size);
	w->left[link->size] = '/';
	if (link->data[0] == '/') {
		w->len = 0;
		w->done[0] = '\0';
	} else {
		walk_up(w);
	}
	return true;
}

/* @last: whether a link at the end is followed too. */
static bool walk_path(const struct weir_initramfs *image, struct walk *w, bool last)
{
	while (*w->left) {
		char *at = w->left + strspn(w->left, "/"), *rest = at + strcspn(at, "/");
		const struct weir_initramfs_file *f;
		size_t n = (size_t)(rest - at);
		bool more;

		rest += strspn(rest, "/");
		more = *rest != '\0';
		if (n == 2 && at[0] == '.' && at[1] == '.') {
			walk_up(w);
		} else if (n && !(n == 1 && at[0] == '.')) {
			if (w->len + n + 2 > sizeof(w->done))
				return false;
			if (w->len)
				w->done[w->len++] = '/';
			memcpy(w->done + w->len, at, n);
			w->len += n;
			w->done[w->len] = '\0';
			f = file_at(image, w->done, w->len);
			if (f && f->type == WEIR_INITRAMFS_LINK && (more || last)) {
				if (!walk_link(w, f, rest))
					return false;
				continue;
			}
		}
		memmove(w->left, rest, strlen(rest) + 1);
	}
	return true;
}

static bool walk_start(const struct weir_initramfs *image, struct walk *w, const char *path,
		       bool last)
{
	size_t n = strlen(path);

	if (n > WEIR_INITRAMFS_MAX_PATH)
		return false;
	w->done[0] = '\0';
	w->len = 0;
	w->links = 0;
	memcpy(w->left, path, n + 1);
	return walk_path(image, w, last);
}

const struct weir_initramfs_file *weir_initramfs_find(const struct weir_initramfs *image,
						      const char *path)
{
	struct walk w;

	return walk_start(image, &w, path, true) ? file_at(image, w.done, w.len) : NULL;
}

const char *weir_initramfs_real(const struct weir_initramfs *image, const char *path, char *buf,
				size_t bytes)
{
	struct walk w;

	if (!walk_start(image, &w, path, true) || w.len >= bytes)
		return NULL;
	memcpy(buf, w.done, w.len + 1);
	return buf;
}

/* ---- files ---- */

static enum weir_initramfs_type type_of(uint32_t mode)
{
	switch (mode & 0170000u) {
	case 0100000u: return WEIR_INITRAMFS_FILE;
	case 0040000u: return WEIR_INITRAMFS_DIR;
	case 0120000u: return WEIR_INITRAMFS_LINK;
	default: return WEIR_INITRAMFS_OTHER;
	}
}

/* "" is the root; the kernel's own first archive makes /dev and /root. */
static bool has_parent(const struct weir_initramfs *image, const struct walk *w)
{
	const struct weir_initramfs_file *up;
	size_t n = w->len;

	while (n && w->done[n - 1] != '/')
		n--;
	if (!n)
		return true;
	up = file_at(image, w->done, n - 1);
	return up ? up->type == WEIR_INITRAMFS_DIR
		  : (n == 4 && !memcmp(w->done, "dev", 3)) || (n == 5 && !memcmp(w->done, "root", 4));
}

/* The contents of a file with several names come with one of them. */
static int join_names(struct weir_initramfs *image, uint32_t id,
		      const struct weir_initramfs_entry *entry)
{
	struct weir_initramfs_file *f = &image->files[id];
	uint32_t first, at;
	char *key;
	int err;

	f->same_as = NONE;
	if (entry->links < 2 || f->type != WEIR_INITRAMFS_FILE)
		return 0;
	first = weir_strtable_find(&image->inodes, entry->inode, strlen(entry->inode));
	if (first == WEIR_STRTABLE_NONE) {
		/* the number of the name is kept in front of the key */
		key = weir_arena_alloc(&image->arena, strlen(entry->inode) + 1 + sizeof(id));
		if (!key)
			return WEIR_ENOMEM;
		memcpy(key, &id, sizeof(id));
		strcpy(key + sizeof(id), entry->inode);
		err = weir_strtable_add(&image->inodes, key + sizeof(id), strlen(entry->inode), &at);
		return err;
	}
	memcpy(&at, image->inodes.entries[first].s - sizeof(at), sizeof(at));
	if (at == id)
		return 0;
	f->same_as = at;
	if (f->size && image->files[at].type == WEIR_INITRAMFS_FILE) {
		image->files[at].data = f->data;
		image->files[at].size = f->size;
	}
	return 0;
}

static void fill_names(struct weir_initramfs *image)
{
	for (size_t i = 0; i < image->file_count; i++) {
		struct weir_initramfs_file *f = &image->files[i];

		if (f->same_as == NONE || f->size ||
		    image->files[f->same_as].type != WEIR_INITRAMFS_FILE)
			continue;
		f->data = image->files[f->same_as].data;
		f->size = image->files[f->same_as].size;
	}
}

static int lose(struct weir_initramfs *image, const char *name)
{
	if (!image->lost++)
		image->first_lost = weir_arena_strndup(&image->arena, name, strlen(name));
	return image->first_lost ? 0 : WEIR_ENOMEM;
}

int weir_initramfs_add_(struct weir_initramfs *image, const struct weir_initramfs_entry *entry)
{
	struct weir_initramfs_file *more;
	struct walk w;
	char *path;
	uint32_t id;

	if (!walk_start(image, &w, entry->name, false))
		return lose(image, entry->name);
	if (!w.len)
		return 0;
	if (!has_parent(image, &w))
		return lose(image, entry->name);
	id = weir_strtable_find(&image->paths, w.done, w.len);
	if (id == WEIR_STRTABLE_NONE) {
		if (image->file_count == WEIR_INITRAMFS_MAX_FILES)
			return WEIR_E2BIG;
		path = weir_arena_strndup(&image->arena, w.done, w.len);
		more = weir_array_grow(image->files, image->file_count, &image->file_room,
				       sizeof(*more));
		if (!path || !more)
			return WEIR_ENOMEM;
		image->files = more;
		if (weir_strtable_add(&image->paths, path, w.len, &id))
			return WEIR_ENOMEM;
		image->files[image->file_count++] = (struct weir_initramfs_file){ .path = path };
	} else if (image->files[id].type == WEIR_INITRAMFS_DIR &&
		   type_of(entry->mode) != WEIR_INITRAMFS_DIR) {
		return 0; /* a directory with something in it stays */
	}
	image->files[id].type = type_of(entry->mode);
	image->files[id].data = entry->data;
	image->files[id].size = entry->size;
	return join_names(image, id, entry);
}

/* ---- images ---- */

/* What looks like an image and is none that is taken; NULL: it does not. */
static const char *foreign_kind(const uint8_t *data, size_t size)
{
	if (size >= 4 && !memcmp(data, "hsqs", 4))
		return "a squashfs file system: an old initrd, and no initramfs";
	if (size > 1082 && data[1080] == 0x53 && data[1081] == 0xef)
		return "an ext file system: an old initrd, and no initramfs";
	if (size >= 4 && !memcmp(data, "\x89LZO", 4))
		return "lzo data, which is not read here";
	if (size >= 4 && !memcmp(data, "\x04\x22\x4d\x18", 4))
		return "lz4 data of the new kind, which the kernel does not take (lz4 -l)";
	return NULL;
}

static int take_packed(struct weir_initramfs *image, const uint8_t *data, size_t size, size_t at,
		       struct weir_errtext *et, size_t *out_used)
{
	const char *packing = weir_unpack_compression(data + at, size - at);
	struct weir_bytes *more, plain;
	size_t end;
	int err;

	if (!packing) {
		const char *kind = foreign_kind(data + at, size - at);

		return weir_errtext_set(et, WEIR_EBADMSG, "offset %zu: %s", at,
					kind ? kind : "neither an archive nor data of a known compression");
	}
	more = weir_array_grow(image->blobs, image->blob_count, &image->blob_room, sizeof(*more));
	if (!more)
		return WEIR_ENOMEM;
	image->blobs = more;
	err = weir_unpack_part(data + at, size - at, et, &plain, out_used);
	if (err) {
		char where[32];

		snprintf(where, sizeof(where), "offset %zu", at);
		weir_errtext_prefix(et, where);
		return err;
	}
	image->blobs[image->blob_count++] = plain;
	image->total_bytes += plain.size;
	if (image->total_bytes > WEIR_INITRAMFS_MAX_BYTES)
		return weir_errtext_set(et, WEIR_E2BIG, "offset %zu: more than %zu bytes unpacked", at,
					WEIR_INITRAMFS_MAX_BYTES);
	return weir_initramfs_stream_(image, plain.data, plain.size, at, packing, et, &end);
}

static int take_part(struct weir_initramfs *image, const uint8_t *data, size_t size, size_t *pos,
		     struct weir_errtext *et)
{
	struct weir_initramfs_part *part;
	size_t had = image->file_count, at = *pos, used = 0;
	int err;

	part = weir_array_grow(image->parts, image->part_count, &image->part_room, sizeof(*part));
	if (!part)
		return WEIR_ENOMEM;
	image->parts = part;
	part = &image->parts[image->part_count++];
	*part = (struct weir_initramfs_part){ .offset = at };
	if (data[at] == '0') {
		err = weir_initramfs_stream_(image, data + at, size - at, at, NULL, et, &used);
	} else {
		part->packing = weir_unpack_compression(data + at, size - at);
		err = take_packed(image, data, size, at, et, &used);
	}
	image->parts[image->part_count - 1].files = image->file_count - had;
	*pos = at + used;
	return err;
}

bool weir_initramfs_is_image(const uint8_t *data, size_t size)
{
	char head[6];
	size_t n;

	if (size >= 6 && !memcmp(data, "07070", 5))
		return true;
	if ((size >= UIMAGE_BYTES && weir_get_be32(data) == UIMAGE_MAGIC) || (size && !data[0]))
		return true;
	if (!weir_unpack_compression(data, size))
		return foreign_kind(data, size) != NULL;
	n = weir_unpack_head(data, size, head, sizeof(head));
	/* one that does not unpack is told of when it is read */
	return !n || (n == sizeof(head) && !memcmp(head, "07070", 5));
}

int weir_initramfs_read(struct weir_bytes *data, struct weir_errtext *et,
			struct weir_initramfs **out_image)
{
	struct weir_initramfs *image = calloc(1, sizeof(*image));
	size_t pos = 0;
	int err = 0;

	if (image)
		image->blobs = malloc(sizeof(*image->blobs));
	if (!image || !image->blobs) {
		free(image);
		weir_bytes_fini(data);
		return weir_errtext_set(et, WEIR_ENOMEM, "no memory");
	}
	image->blobs[image->blob_count++] = *data;
	image->blob_room = 1;
	*data = (struct weir_bytes){ 0 };
	data = NULL;
	if (image->blobs[0].size >= UIMAGE_BYTES &&
	    weir_get_be32(image->blobs[0].data) == UIMAGE_MAGIC)
		pos = UIMAGE_BYTES;
	while (!err && pos < image->blobs[0].size) {
		if (!image->blobs[0].data[pos])
			pos++;
		else
			err = take_part(image, image->blobs[0].data, image->blobs[0].size, &pos, et);
	}
	if (!err)
		fill_names(image);
	if (!err && !image->part_count)
		err = weir_errtext_set(et, WEIR_EBADMSG, "no archive in it");
	if (err == WEIR_ENOMEM)
		weir_errtext_set(et, err, "no memory");
	weir_strtable_fini(&image->inodes);
	if (err)
		weir_initramfs_destroy(image);
	else
		*out_image = image;
	return err;
}

void weir_initramfs_destroy(struct weir_initramfs *image)
{
	if (!image)
		return;
	for (size_t i = 0; i < image->blob_count; i++)
		weir_bytes_fini(&image->blobs[i]);
	free(image->blobs);
	free(image->files);
	free(image->parts);
	weir_strtable_fini(&image->paths);
	weir_strtable_fini(&image->inodes);
	weir_arena_fini(&image->arena);
	free(image);
}
