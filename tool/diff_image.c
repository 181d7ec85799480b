// SPDX-License-Identifier: MIT
/*
 * `weir diff` of initramfs images: what comes up from each alone, and what is in it. A
 * device counts as up from the initramfs as `weir boot` counts it: not when it is tried
 * only because a timer let it go without a supplier whose module is not in there.
 */
#include <stdlib.h>
#include <string.h>

#include "diff.h"

/* ---- lists of names ---- */

int diff_list_add(struct diff_list *l, const char *name, size_t len)
{
	if (l->n == l->room) {
		size_t room = l->room ? 2 * l->room : 64;
		char **more = realloc(l->item, room * sizeof(*more));

		if (!more)
			return WEIR_ENOMEM;
		l->item = more;
		l->room = room;
	}
	l->item[l->n] = strndup(name, len);
	if (!l->item[l->n])
		return WEIR_ENOMEM;
	l->n++;
	return 0;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void diff_list_sort(struct diff_list *l)
{
	size_t n = 0;

	if (l->n)
		qsort(l->item, l->n, sizeof(*l->item), by_text);
	for (size_t i = 0; i < l->n; i++) {
		if (n && !strcmp(l->item[n - 1], l->item[i]))
			free(l->item[i]);
		else
			l->item[n++] = l->item[i];
	}
	l->n = n;
}

void diff_list_free(struct diff_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->item[i]);
	free(l->item);
	*l = (struct diff_list){ 0 };
}

const char *diff_list_only(const struct diff_list *l, const struct diff_list *other, size_t *at)
{
	while (*at < l->n) {
		char *const *item = &l->item[(*at)++];

		if (!other->n || !bsearch(item, other->item, other->n, sizeof(*item), by_text))
			return *item;
	}
	return NULL;
}

/* ---- what is in an image ---- */

/* The part of a path behind the directory that the kernel looks for firmware in; or NULL. */
static const char *firmware_of(const char *path)
{
	const char *at = !strncmp(path, "usr/", 4) ? path + 4 : path;

	return !strncmp(at, "lib/firmware/", 13) ? at + 13 : NULL;
}

static int take_lists(struct diff_side *side, const struct initramfs *in)
{
	const struct weir_initramfs_user *user = in->user;
	const struct weir_strtable *names = &in->names;
	int err = 0;

	for (size_t i = 0; user && i < user->module_count && !err; i++)
		err = diff_list_add(&side->modules, user->modules[i].name, strlen(user->modules[i].name));
	for (size_t i = 0; in->text && i < names->count && !err; i++)
		err = diff_list_add(&side->modules, names->entries[i].s, names->entries[i].len);
	for (size_t i = 0; in->image && i < in->image->file_count && !err; i++) {
		const struct weir_initramfs_file *f = &in->image->files[i];
		const char *name = f->type == WEIR_INITRAMFS_DIR ? NULL : firmware_of(f->path);

		if (name)
			err = diff_list_add(&side->more, name, strlen(name));
	}
	diff_list_sort(&side->modules);
	diff_list_sort(&side->more);
	return err;
}

/* ---- what comes up from it ---- */

static struct weir_device *twin_of(const struct run *r, const char *path)
{
	struct weir_fwnode *node;
	struct weir_device *dev;

	if (*path == '/')
		return weir_fwnode_find(r->m, path, &node) ? NULL : weir_fwnode_device(node);
	for (dev = weir_device_first(r->m); dev; dev = weir_device_next(dev))
		if (!strcmp(weir_device_name(dev), path))
			return dev;
	return NULL;
}

static bool is_up(const struct weir_device *dev)
{
	return dev && weir_device_status_get(dev) == WEIR_DEVICE_BOUND;
}

/*
 * @timely: with the timeout as it is; @patient: without one. What is up only in the first
 * was let go by the timer: that counts where no module could bring what it waits for.
 */
static int take_stage(struct diff_device *d, const struct run *timely, const struct run *patient)
{
	struct weir_device *dev = twin_of(patient, d->path);

	if (d->verdict != WEIR_VERDICT_BOUND)
		d->stage = DIFF_NEVER;
	else if (is_up(dev) ||
		 (is_up(twin_of(timely, d->path)) && !(dev && alone_could_come(dev))))
		d->stage = DIFF_FROM_INITRAMFS;
	else
		d->stage = DIFF_WITH_ROOT;
	return d->stage == DIFF_WITH_ROOT ? alone_cause_of(patient, dev, &d->lack) : 0;
}

int diff_side_stages(struct diff_side *side, struct run *r)
{
	struct opts with = *r->o, without;
	struct run timely, patient;
	char what[600];
	int status = 0;

	side->initramfs = true;
	if (take_lists(side, r->initramfs))
		return complain("out of memory");
	with.alone = true;
	without = with;
	without.linux_args.deferred_probe_timeout = -1;
	if (run_open(&timely, &with, r->board, &r->side, what, sizeof(what)))
		return complain("%s", what);
	if (run_open(&patient, &without, r->board, &r->side, what, sizeof(what))) {
		run_close(&timely);
		return complain("%s", what);
	}
	for (size_t i = 0; i < side->n && !status; i++)
		status = take_stage(&side->devices[i], &timely, &patient);
	run_close(&patient);
	run_close(&timely);
	return status;
}
