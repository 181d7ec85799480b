// SPDX-License-Identifier: MIT
/*
 * Firmware files that are not there when a driver is probed. Rules, all of Linux:
 *
 *  - request_firmware() returns an error at once when no directory that the loader
 *    searches has the file (Documentation/driver-api/firmware/request_firmware.rst,
 *    fw_search_path.rst), and a probe that fails with anything but -EPROBE_DEFER is
 *    not tried again (driver-api/driver-model/driver.rst): for good.
 *  - request_firmware_nowait(), and what remote processors use, ask in the background:
 *    the probe succeeds, and what needs the firmware stays off.
 *  - firmware_request_nowarn() and request_firmware_direct() are for files that are
 *    optional.
 *
 * Which of them a driver calls is in the import table of its module. Which file: the
 * device's `firmware-name`; else the module's own list ("firmware=" of modinfo), which
 * names the files of every device that it drives: the device's is missing for sure
 * only when none of them is there. Even then it may be another device of that module
 * that asks, so the list alone makes no probe fail here; it is said that it may.
 */
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/core.h"

#include "weir.h"

void firmware_log_init(struct firmware_log *log)
{
	*log = (struct firmware_log){ 0 };
	pthread_mutex_init(&log->lock, NULL);
}

void firmware_log_fini(struct firmware_log *log)
{
	for (size_t i = 0; i < log->n; i++)
		free(log->items[i].file);
	free(log->items);
	pthread_mutex_destroy(&log->lock);
}

static int by_weight(const void *a, const void *b)
{
	const struct firmware_miss *p = a, *q = b;
	uint32_t x = p->device->seq, y = q->device->seq;

	if (p->effect != q->effect)
		return p->effect < q->effect ? -1 : 1;
	return x < y ? -1 : x > y;
}

void firmware_log_sort(struct firmware_log *log)
{
	if (log->n)
		qsort(log->items, log->n, sizeof(*log->items), by_weight);
}

/* ---- files ---- */

static bool in_directory(const char *dir, const char *name)
{
	static const char *const ends[] = { "", ".zst", ".xz" };
	char path[4096];
	struct stat st;

	for (size_t i = 0; i < 3; i++) {
		int n = snprintf(path, sizeof(path), "%s/%s%s", dir, name, ends[i]);

		if (n > 0 && (size_t)n < sizeof(path) && !stat(path, &st) && S_ISREG(st.st_mode))
			return true;
	}
	return false;
}

/* Of the root file system nothing is known unless --firmware says it: all is there. */
static bool is_there(const struct run *r, const char *name)
{
	if (r->o->extra_firmware &&
	    weir_strtable_find(r->o->extra_firmware, name, strlen(name)) != WEIR_STRTABLE_NONE)
		return true;
	if (weir_initramfs_user_firmware(r->initramfs->user, name, r->initramfs->packed_firmware))
		return true;
	/* the lists of modules may have patterns, which only a directory could answer */
	return r->root_there && (!r->o->firmware || strpbrk(name, "*?[") ||
				 in_directory(r->o->firmware, name));
}

/* ---- what a driver asks for ---- */

struct wants {
	const char *missing; /* the first that is not there */
	size_t n, there;
};

static void want(const struct run *r, const char *name, struct wants *w)
{
	bool there = is_there(r, name);

	w->n++;
	w->there += there;
	if (!there && !w->missing)
		w->missing = name;
}

/* The strings of `firmware-name`; a value that is none names nothing. */
static void named_files(const struct run *r, struct weir_device *dev, struct wants *w)
{
	const void *value;
	const char *s;
	size_t bytes;

	if (!weir_device_fwnode(dev) ||
	    weir_fwnode_property(weir_device_fwnode(dev), "firmware-name", &value, &bytes) || !bytes)
		return;
	s = value;
	if (s[bytes - 1])
		return;
	for (const char *end = s + bytes; s < end; s += strlen(s) + 1)
		if (*s)
			want(r, s, w);
}

/* What the module says of itself. Return: whether that could be read. */
static bool module_info(const struct run *r, const char *name, struct weir_bytes *out_info)
{
	const struct weir_modindex *index = r->kernel ? r->kernel->index : NULL;
	uint32_t id = index ? weir_modindex_module(index, name) : WEIR_MODULE_NONE;
	char path[4096];
	int n;

	if (id == WEIR_MODULE_NONE || !index->modules[id].path)
		return false;
	n = snprintf(path, sizeof(path), "%s%s%s", index->modules[id].path[0] == '/' ? "" : index->dir,
		     index->modules[id].path[0] == '/' ? "" : "/", index->modules[id].path);
	return n > 0 && (size_t)n < sizeof(path) && !weir_ko_info_file(path, out_info);
}

static bool imports(const struct weir_bytes *info, const char *start)
{
	const char *name;
	size_t pos = 0;

	while ((name = weir_ko_info_next(info, "import", &pos)))
		if (!strncmp(name, start, strlen(start)))
			return true;
	return false;
}

static enum firmware_effect effect_of(const struct weir_bytes *info)
{
	const char *name;
	size_t pos = 0;

	if (imports(info, "rproc_add") || imports(info, "devm_rproc_add") ||
	    imports(info, "request_firmware_nowait") || imports(info, "firmware_request_nowait"))
		return FIRMWARE_OFFLINE;
	while ((name = weir_ko_info_next(info, "import", &pos)))
		if (!strcmp(name, "request_firmware") || strstr(name, "into_buf") ||
		    !strcmp(name, "firmware_request_platform"))
			return FIRMWARE_FAILS;
	return imports(info, "") ? FIRMWARE_WITHOUT : FIRMWARE_UNKNOWN;
}

/* ---- the answer to a probe ---- */

static void note(struct run *r, const struct firmware_miss *miss, const char *file)
{
	struct firmware_log *log = &r->firmware;
	struct firmware_miss *more;

	pthread_mutex_lock(&log->lock);
	for (size_t i = 0; i < log->n; i++)
		if (log->items[i].device == miss->device)
			goto out; /* tried again */
	more = weir_array_grow(log->items, log->n, &log->room, sizeof(*more));
	if (!more) {
		log->failed = true;
		goto out;
	}
	log->items = more;
	log->items[log->n] = *miss;
	log->items[log->n].file = strdup(file);
	log->failed = log->failed || !log->items[log->n].file;
	log->n += log->items[log->n].file != NULL;
out:
	pthread_mutex_unlock(&log->lock);
}

int firmware_allow(void *context, struct weir_device *dev, const struct weir_driver_spec *spec)
{
	struct run *r = context;
	struct wants named = { 0 }, listed = { 0 };
	struct weir_bytes info = { 0 };
	struct firmware_miss miss = { .device = dev, .driver = spec->name };
	const char *file;
	size_t pos = 0;
	bool module = spec->when == WEIR_WHEN_MODULE && module_info(r, spec->name, &info);
	int err = 0;

	named_files(r, dev, &named);
	while (module && !named.n && (file = weir_ko_info_next(&info, "firmware", &pos)))
		want(r, file, &listed);
	file = named.n ? named.missing : !listed.there ? listed.missing : NULL;
	if (file) {
		miss.named = named.n != 0;
		miss.others = named.n ? 0 : listed.n - 1;
		miss.at_root = r->root_there;
		miss.effect = module ? effect_of(&info) : FIRMWARE_UNKNOWN;
		if (miss.effect == FIRMWARE_FAILS && !miss.named)
			miss.effect = FIRMWARE_MAY_FAIL;
		note(r, &miss, file);
		if (miss.effect == FIRMWARE_FAILS)
			err = weir_dev_fail(dev, WEIR_ENOENT, "firmware %s is not there", file);
	}
	weir_bytes_fini(&info);
	return err;
}

/* ---- words ---- */

const char *firmware_effect_name(enum firmware_effect effect)
{
	static const char *const names[] = { "fails", "offline", "may-fail", "without", "unknown" };

	return names[effect];
}

void firmware_words(const struct firmware_miss *miss, char *buf, size_t bytes)
{
	static const char *const effects[] = {
		"its probe fails, and is not tried again (request_firmware)",
		"it is bound, and stays off for good (asked for in the background)",
		"not modelled: its module asks so that a probe fails (request_firmware), "
		"but perhaps for another device, or later",
		"optional: it goes on without",
		"how its driver asks for it is not known; taken as if it goes on without",
	};
	char more[60] = "";

	if (miss->others)
		snprintf(more, sizeof(more), " (nor any of %zu others that %s may want)", miss->others,
			 "it");
	snprintf(buf, bytes, "%s (%s): no firmware %s%s in the %s: %s", weir_device_name(miss->device),
		 miss->driver, miss->file, more, miss->at_root ? "root file system" : "initramfs",
		 effects[miss->effect]);
}
