// SPDX-License-Identifier: MIT
/*
 * The result of an image scan as bytes, for the cache, so that an image is
 * unpacked and scanned once. Encoding: 32-bit little-endian numbers, strings by
 * length, in the order of the members of struct weir_image. Bytes read back are
 * checked like any foreign input: what does not decode is scanned anew.
 */
#include "image.h"

#include <stdlib.h>
#include <string.h>

#include "cache.h"
#include "le.h"
#include "weir/err.h"

/* To be counted up with every change of the scan or of this encoding. */
#define KIND "image-1"
#define NO_STRING UINT32_MAX

struct writer {
	uint8_t *data;
	size_t size, room;
	bool failed;
};

static void put_bytes(struct writer *w, const void *p, size_t n)
{
	size_t room = w->room ? w->room : 65536;
	uint8_t *more;

	if (w->failed)
		return;
	while (room - w->size < n)
		room *= 2;
	if (room != w->room) {
		more = realloc(w->data, room);
		if (!more) {
			w->failed = true;
			return;
		}
		w->data = more;
		w->room = room;
	}
	memcpy(w->data + w->size, p, n);
	w->size += n;
}

static void put_u32(struct writer *w, size_t v)
{
	uint8_t b[4];

	weir_put_le32(b, (uint32_t)v);
	put_bytes(w, b, 4);
}

static void put_string(struct writer *w, const char *s)
{
	put_u32(w, s ? strlen(s) : NO_STRING);
	if (s)
		put_bytes(w, s, strlen(s) + 1);
}

static void put_driver(struct writer *w, const struct weir_builtin *d)
{
	size_t i;

	put_string(w, d->name);
	put_string(w, d->module);
	put_string(w, d->level);
	put_u32(w, d->order);
	put_u32(w, (size_t)d->bus);
	put_u32(w, d->compat_count);
	for (i = 0; i < d->compat_count; i++) {
		put_string(w, d->compats[i].name);
		put_u32(w, d->compats[i].first_only);
	}
	put_u32(w, d->acpi_count);
	for (i = 0; i < d->acpi_count; i++)
		put_string(w, d->acpi_ids[i]);
}

static void store(const char *path, const struct weir_image *image)
{
	struct writer w = { 0 };
	size_t i;

	put_u32(&w, (size_t)image->arch);
	put_u32(&w, (size_t)image->basis);
	put_string(&w, image->version);
	put_string(&w, image->banner);
	put_string(&w, image->layers);
	put_string(&w, image->why_tables);
	put_u32(&w, image->driver_count);
	for (i = 0; i < image->driver_count; i++)
		put_driver(&w, &image->drivers[i]);
	put_u32(&w, image->early_count);
	for (i = 0; i < image->early_count; i++) {
		put_u32(&w, (size_t)image->early[i].kind);
		put_string(&w, image->early[i].compat);
	}
	if (!w.failed)
		weir_cache_put(KIND, path, w.data, w.size);
	free(w.data);
}

/* Strings that are read stay where they are: the bytes are copied to the arena first. */
struct reader {
	const uint8_t *p, *end;
	bool failed;
};

static uint32_t get_u32(struct reader *r)
{
	uint32_t v;

	if (r->failed || r->end - r->p < 4) {
		r->failed = true;
		return 0;
	}
	v = weir_get_le32(r->p);
	r->p += 4;
	return v;
}

static uint32_t get_below(struct reader *r, uint32_t limit)
{
	uint32_t v = get_u32(r);

	r->failed |= v >= limit;
	return r->failed ? 0 : v;
}

/* A number of elements, each of at least four bytes. */
static size_t get_count(struct reader *r)
{
	return get_below(r, (uint32_t)((r->end - r->p) / 4 + 1));
}

static const char *get_string(struct reader *r, bool needed)
{
	uint32_t len = get_u32(r);
	const char *s = (const char *)r->p;

	if (!r->failed && len == NO_STRING && !needed)
		return NULL;
	if (r->failed || (size_t)(r->end - r->p) <= len || s[len] || strlen(s) != len) {
		r->failed = true;
		return "";
	}
	r->p += len + 1;
	return s;
}

static int get_driver(struct reader *r, struct weir_arena *arena, struct weir_builtin *d)
{
	struct weir_compat *compats;
	const char **ids;
	size_t i;

	d->name = get_string(r, true);
	d->module = get_string(r, false);
	d->level = get_string(r, true);
	r->failed |= d->level[0] < '0' || d->level[0] > '7';
	d->order = get_u32(r);
	d->bus = (enum weir_builtin_bus)get_below(r, WEIR_BUILTIN_OTHER + 1);
	d->compat_count = get_count(r);
	compats = weir_arena_alloc(arena, (d->compat_count + 1) * sizeof(*compats));
	if (!compats)
		return WEIR_ENOMEM;
	for (i = 0; i < d->compat_count; i++) {
		compats[i].name = get_string(r, true);
		compats[i].first_only = get_below(r, 2);
	}
	d->compats = compats;
	d->acpi_count = get_count(r);
	ids = weir_arena_alloc(arena, (d->acpi_count + 1) * sizeof(*ids));
	if (!ids)
		return WEIR_ENOMEM;
	for (i = 0; i < d->acpi_count; i++)
		ids[i] = get_string(r, true);
	d->acpi_ids = ids;
	return 0;
}

static int get_image(struct reader *r, struct weir_image *image)
{
	size_t i;
	int err = 0;

	image->arch = (enum weir_arch)get_below(r, WEIR_ARCH_COUNT);
	image->basis = (enum weir_image_basis)get_below(r, WEIR_IMAGE_TABLES + 1);
	image->version = get_string(r, false);
	image->banner = get_string(r, false);
	image->layers = get_string(r, true);
	image->why_tables = get_string(r, false);
	image->driver_count = get_count(r);
	image->drivers = calloc(image->driver_count + 1, sizeof(*image->drivers));
	if (!image->drivers)
		return WEIR_ENOMEM;
	for (i = 0; !err && !r->failed && i < image->driver_count; i++)
		err = get_driver(r, &image->arena, &image->drivers[i]);
	image->early_count = get_count(r);
	image->early = calloc(image->early_count + 1, sizeof(*image->early));
	if (err || !image->early)
		return WEIR_ENOMEM;
	for (i = 0; !r->failed && i < image->early_count; i++) {
		image->early[i].kind = (enum weir_early_kind)get_below(r, WEIR_EARLY_TIMER + 1);
		image->early[i].compat = get_string(r, true);
	}
	return 0;
}

static struct weir_image *load(const char *path)
{
	struct weir_image *image = NULL;
	struct weir_bytes bytes;
	struct reader r = { 0 };

	if (!weir_cache_get(KIND, path, &bytes))
		return NULL;
	image = calloc(1, sizeof(*image));
	if (image)
		r.p = (const uint8_t *)weir_arena_strndup(&image->arena, (const char *)bytes.data, bytes.size);
	r.end = r.p ? r.p + bytes.size : NULL;
	weir_bytes_fini(&bytes);
	if (!r.p || get_image(&r, image) || r.failed || r.p != r.end) {
		weir_image_destroy(image);
		return NULL;
	}
	return image;
}

int weir_image_open_cached(const char *path, struct weir_errtext *et, struct weir_image **out_image)
{
	struct weir_image *image = load(path);
	int err;

	if (image) {
		*out_image = image;
		return 0;
	}
	err = weir_image_open(path, et, &image);
	if (err)
		return err;
	store(path, image);
	*out_image = image;
	return 0;
}
