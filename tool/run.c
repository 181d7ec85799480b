// SPDX-License-Identifier: MIT
/*
 * A run: a board's tree, a kernel's drivers, a machine, and what happens. Owned by
 * its verb; many runs may share a kernel and go on in parallel threads.
 */
#include "run.h"
#include "weir.h"

#include <stdlib.h>
#include <string.h>

#include "kernel/byname.h"
#include "kernel/compats.h"
#include "kernel/script.h"

/* ---- the tree ---- */

static int read_tree(struct run *r, char *out_what, size_t bytes)
{
	int err = board_read(r->o, r->board, &r->dtb, &r->cmdline, out_what, bytes);

	if (!err)
		err = overlays_apply(&r->o->overlays, r->board, &r->dtb, out_what, bytes);
	if (!err)
		tree_clean(r->dtb.data, r->dtb.size);
	return err;
}

/* A capture's command line holds, unless another one is given. */
static void take_cmdline(struct run *r)
{
	if (!r->cmdline || r->o->cmdline || r->o->linux_args_given)
		return;
	r->own = *r->o;
	r->own.cmdline = r->cmdline;
	weir_linux_args_parse(&r->own.linux_args, r->cmdline);
	r->o = &r->own;
}

/* What of it matters here. */
static void tell_cmdline(const struct run *r)
{
	static const char *const keys[] = {
		"fw_devlink", "deferred_probe_timeout=", "module_blacklist=", "modprobe.blacklist=",
	};
	const char *at = r->o == &r->own ? r->cmdline : "";
	bool any = false;

	while (*at) {
		size_t n = strcspn(at, " \t");

		for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
			if (strncmp(at, keys[i], strlen(keys[i])))
				continue;
			if (!any)
				fprintf(stderr, "weir: note: %s: its own command line holds (--cmdline for "
					"another):", r->board);
			fprintf(stderr, " %.*s", (int)n, at);
			any = true;
			break;
		}
		at += n;
		at += strspn(at, " \t");
	}
	if (any)
		fputc('\n', stderr);
}

/* ---- the kernel ---- */

static int kernel_open(const struct opts *o, struct kernel_side *side, char *out_what,
		       size_t what_bytes)
{
	const char *paths[MAX_LIST + 1] = { o->kernel };
	struct weir_errtext et = { "" };
	int err;

	if (!o->kernel)
		return 0;
	for (size_t i = 0; i < o->more_kernels.n; i++)
		paths[i + 1] = o->more_kernels.item[i];
	err = weir_kernel_open_all(paths, o->more_kernels.n + 1, o->image, &et, &side->kernel);
	if (!err && side->kernel->index)
		err = weir_modscan_create(side->kernel->index, &side->scan);
	return err ? complain_in(out_what, what_bytes, "%s", *et.text ? et.text : weir_strerror(err)) : 0;
}

/* A module that is not there cannot be loaded anyway; most likely its name is misspelt. */
static void tell_unknown_denied(const struct opts *o, const struct weir_kernel *kernel)
{
	char name[256];

	for (size_t i = 0; i < o->deny.n && !o->drivers && !o->drivers_text; i++) {
		snprintf(name, sizeof(name), "%s", o->deny.item[i]);
		for (char *p = name; *p; p++)
			*p = *p == '-' ? '_' : *p;
		if (!kernel || !kernel->index)
			complain("note: --deny %s: no module is known %s, so nothing is denied", o->deny.item[i],
				 kernel ? "of this kernel" : "without --kernel or --drivers");
		else if (weir_modindex_module(kernel->index, name) == WEIR_MODULE_NONE)
			complain("note: --deny %s: there is no such module in this kernel", o->deny.item[i]);
	}
}

int kernel_side_open(const struct opts *o, struct kernel_side *out_side, char *out_what,
		     size_t what_bytes)
{
	struct kernel_side side = { 0 };
	struct waiting waiting;
	int err;

	waiting_begin(&waiting, "reading the kernel; what is learned of it is kept for the next time");
	err = kernel_open(o, &side, out_what, what_bytes);
	waiting_end(&waiting);
	if (!err)
		tell_unknown_denied(o, side.kernel);
	if (!err)
		err = initramfs_open(o, &side, &side.initramfs, out_what, what_bytes);
	if (err)
		kernel_side_close(&side);
	*out_side = side;
	return err;
}

void kernel_side_close(struct kernel_side *side)
{
	initramfs_close(side->initramfs);
	weir_modscan_destroy(side->scan);
	weir_kernel_destroy(side->kernel);
	*side = (struct kernel_side){ 0 };
}

static int parse_drivers(struct run *r, const char *name, const char *text, size_t size,
			 char *out_what, size_t bytes)
{
	struct weir_errtext et = { "" };
	int err = weir_driver_list_parse(name, text, size, &et, &r->list);

	return err ? complain_in(out_what, bytes, "%s", *et.text ? et.text : weir_strerror(err)) : 0;
}

static int drivers_from_file(struct run *r, char *out_what, size_t bytes)
{
	struct weir_bytes text = { 0 };
	int err = read_plain(r->o->drivers, &text, out_what, bytes);

	if (err)
		return err;
	err = parse_drivers(r, r->o->drivers, (const char *)text.data, text.size, out_what, bytes);
	weir_bytes_fini(&text);
	for (size_t i = 0; !err && i < r->list->driver_count; i++)
		if (!r->list->drivers[i].compat_count)
			err = complain_in(out_what, bytes, "%s: no driver list: no compatible behind '%s'",
					  r->o->drivers, r->list->drivers[i].name);
	return err;
}

static int make_list(struct run *r, char *out_what, size_t bytes)
{
	bool all = !r->kernel || !strcmp(r->o->scenario, "all");
	const char **compats;
	size_t n;
	int err;

	if (r->o->drivers_text)
		return parse_drivers(r, "drivers", r->o->drivers_text, strlen(r->o->drivers_text),
				     out_what, bytes);
	if (r->o->drivers)
		return drivers_from_file(r, out_what, bytes);
	err = weir_tree_compatibles(r->m, &compats, &n);
	if (err)
		return complain_in(out_what, bytes, "out of memory");
	r->assumed = all;
	err = all ? weir_driver_list_build_all(compats, NULL, n, &r->list)
		  : weir_kernel_driver_list(r->kernel, compats, n, &r->list);
	if (!err && all && r->kernel && r->kernel->image)
		err = weir_driver_list_add_early(r->list, r->kernel->image, compats, n);
	else if (!err && (all || !r->kernel->image))
		err = weir_driver_list_add_usual_early(r->list);
	if (!err && !all && r->side.scan)
		err = weir_modscan_extend(r->side.scan, compats, n, r->list);
	if (err >= 0 && !all)
		err = weir_driver_list_add_by_name(r->list, r->kernel->index, compats, n);
	if (!err && !all && r->kernel->config.size)
		err = weir_driver_list_add_by_setting(
			r->list, (const char *)r->kernel->config.data, compats, n);
	free(compats);
	return err < 0 ? complain_in(out_what, bytes, "out of memory") : 0;
}

/* ---- modules that may be loaded ---- */

/* "-" and "_" are the same in names of modules. */
static bool same_module(const char *a, const char *b)
{
	while (*a && (*a == *b || (strchr("-_", *a) && *b && strchr("-_", *b)))) {
		a++;
		b++;
	}
	return *a == *b;
}

/* module_blacklist= of the kernel, modprobe.blacklist= of libkmod: names with commas. */
static bool cmdline_denies(const char *cmdline, const char *module)
{
	static const char *const keys[] = { "module_blacklist=", "modprobe.blacklist=" };
	const char *at;

	for (size_t i = 0; i < 2; i++)
		for (at = cmdline; (at = strstr(at, keys[i]));) {
			bool starts = at == cmdline || at[-1] == ' ';

			for (at += strlen(keys[i]); starts && *at && *at != ' ';) {
				size_t n = strcspn(at, ", ");
				char name[128];

				snprintf(name, sizeof(name), "%.*s", (int)n, at);
				if (same_module(name, module))
					return true;
				at += n;
				at += *at == ',';
			}
		}
	return false;
}

bool run_denied(const struct run *r, const char *module)
{
	if (r->o->cmdline && cmdline_denies(r->o->cmdline, module))
		return true;
	for (size_t i = 0; i < r->o->deny.n; i++)
		if (same_module(r->o->deny.item[i], module))
			return true;
	return false;
}

static bool spec_denied(void *context, const struct weir_driver_spec *spec)
{
	return run_denied(context, spec->name);
}

static bool stage_root(void *context, const struct weir_driver_spec *spec)
{
	return !run_denied(context, spec->name);
}

/* Of a list of drivers: a name that is none of it. */
static void tell_unknown_drivers(const struct run *r)
{
	for (size_t i = 0; i < r->o->deny.n; i++) {
		size_t at = 0;

		while (at < r->list->driver_count &&
		       !same_module(r->o->deny.item[i], r->list->drivers[at].name))
			at++;
		if (at == r->list->driver_count)
			complain("note: --deny %s: there is no such driver in %s", r->o->deny.item[i], r->o->drivers);
	}
}

/* ---- what happens ---- */

static int run_script(struct run *r, const char *path, char *out_what, size_t bytes)
{
	struct weir_script_ops ops = { .filter = stage_root, .context = r };
	struct weir_errtext et = { "" };
	struct weir_bytes text = { 0 };
	unsigned int line_number = 0;
	char *at, *line;
	int err = read_plain(path, &text, out_what, bytes);

	if (err)
		return err;
	for (at = (char *)text.data; !err && (line = strsep(&at, "\n"));) {
		line_number++;
		if (weir_script_run(r->model, &ops, line, &et))
			err = complain_in(out_what, bytes, "%s:%u: %s", path, line_number, et.text);
	}
	weir_bytes_fini(&text);
	return err;
}

/* To the end: until the timer has fired, when there is one. */
static void let_time_pass(struct run *r)
{
	const struct weir_linux_args *a = &r->o->linux_args;
	uint64_t now;

	if (r->o->profile != PROFILE_LINUX)
		return;
	now = weir_linux_now_ns(r->m) / 1000000;
	if (r->o->until_s >= 0) {
		uint64_t end = (uint64_t)(r->o->until_s * 1000);

		weir_kmodel_wait(r->model, end > now ? end - now : 0);
	} else if (a->deferred_probe_timeout > 0) {
		weir_kmodel_wait(r->model, (uint64_t)a->deferred_probe_timeout * 1000 + 1);
	}
}

static int happen(struct run *r, char *out_what, size_t bytes)
{
	bool modules = !strcmp(r->o->scenario, "boot");
	int err = 0;

	if (weir_kmodel_boot(r->model))
		return complain_in(out_what, bytes, "out of memory");
	if (r->o->load.n) {
		for (size_t i = 0; !err && i < r->o->load.n; i++)
			err = run_script(r, r->o->load.item[i], out_what, bytes);
	} else if (modules) {
		if (r->initramfs) {
			initramfs_stage(r);
			if (!r->o->alone)
				weir_kmodel_wait(r->model, r->o->root_ms);
		}
		r->root_there = !r->o->alone;
		if (!r->o->alone)
			weir_kmodel_coldplug(r->model, stage_root, r);
	}
	if (!err)
		let_time_pass(r);
	/* udev is still there for devices that came late */
	if (!err && modules && !r->o->load.n && r->o->until_s < 0) {
		if (r->o->alone)
			initramfs_stage(r);
		else
			weir_kmodel_coldplug(r->model, stage_root, r);
	}
	return err;
}

/* ---- opening and closing ---- */

static int make_machine(struct run *r, char *out_what, size_t bytes)
{
	const struct opts *o = r->o;
	struct weir_posix_options posix = { .threads = o->threads, .log_level = WEIR_LOG_WARN };
	bool lin = o->profile == PROFILE_LINUX;
	int err = 0;

	r->log = open_memstream(&r->log_text, &r->log_bytes);
	if (!r->log)
		return complain_in(out_what, bytes, "out of memory");
	posix.log = r->log;
	err = weir_posix_create(&posix, &r->posix);
	if (!err)
		err = weir_machine_create_policy(weir_posix_ops(r->posix), r->posix,
						 lin ? &weir_policy_linux_6_12 : NULL,
						 &o->linux_args, &r->m);
	if (err)
		return complain_in(out_what, bytes, "%s", weir_strerror(err));
	err = weir_firmware_load_dt(r->m, r->dtb.data, r->dtb.size);
	if (err)
		return complain_in(out_what, bytes, "%s: %s", r->board,
				   *weir_firmware_error(r->m) ? weir_firmware_error(r->m)
						      : weir_strerror(err));
	return 0;
}

static int make_model(struct run *r, char *out_what, size_t bytes)
{
	struct weir_kmodel_options options = {
		.probe_ns = r->o->probe_ns, .sync_state = true, .context = r,
		.allow = r->initramfs && r->initramfs->image ? firmware_allow : NULL,
	};
	int err;

	for (size_t i = 0; i < r->list->driver_count; i++)
		if (r->list->drivers[i].when == WEIR_WHEN_INITCALL)
			r->nr_builtin++;
		else
			r->nr_modules++;
	record_attach(&r->record, r->m);
	if (r->o->profile == PROFILE_WEIR)
		release_plain_nodes(r);
	err = weir_kmodel_create(r->m, r->list, &options, &r->model);
	if (!err)
		err = weir_catalogue_fill(r->m, r->list, spec_denied, r);
	return err ? complain_in(out_what, bytes, "%s", weir_strerror(err)) : 0;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/*
 * What the library had to say, once each, without "weir: warning: ". Worker threads
 * say it in any order, so it is sorted then.
 */
static int collect_findings(struct run *r)
{
	char *at, *line;

	if (fflush(r->log))
		return WEIR_ENOMEM;
	r->findings = calloc(r->log_bytes / 2 + 1, sizeof(*r->findings));
	if (!r->findings)
		return WEIR_ENOMEM;
	for (at = r->log_text; (line = strsep(&at, "\n"));) {
		char *level = strstr(line, ": "), *text = level ? strstr(level + 2, ": ") : NULL;
		bool known = !text;

		for (size_t i = 0; !known && i < r->nr_findings; i++)
			known = !strcmp(r->findings[i], text + 2);
		if (!known)
			r->findings[r->nr_findings++] = text + 2;
	}
	if (r->o->threads && r->nr_findings)
		qsort(r->findings, r->nr_findings, sizeof(*r->findings), by_text);
	return 0;
}

static void note_timeout(struct run *r)
{
	for (size_t i = 0; i < r->record.n; i++)
		if (r->record.events[i].type == WEIR_EVENT_TIMEOUT)
			r->timeout_event = r->record.events[i].id;
}

int run_open(struct run *r, const struct opts *o, const char *board,
	     const struct kernel_side *shared, char *out_what, size_t what_bytes)
{
	int err;

	*r = (struct run){ .o = o, .board = board };
	firmware_log_init(&r->firmware);
	err = read_tree(r, out_what, what_bytes);
	if (!err) {
		take_cmdline(r);
		o = r->o;
	}
	if (!err && shared) {
		r->side = *shared;
	} else if (!err) {
		err = kernel_side_open(o, &r->side, out_what, what_bytes);
		r->own_kernel = true;
	}
	r->kernel = r->side.kernel;
	r->initramfs = r->side.initramfs;
	if (!err)
		err = make_machine(r, out_what, what_bytes);
	if (!err)
		err = make_list(r, out_what, what_bytes);
	if (!err && !shared && o->drivers)
		tell_unknown_drivers(r);
	if (!err && initramfs_add_softdeps(r))
		err = complain_in(out_what, what_bytes, "out of memory");
	if (!err)
		err = make_model(r, out_what, what_bytes);
	if (!err)
		err = happen(r, out_what, what_bytes);
	firmware_log_sort(&r->firmware);
	if (!err && (r->record.failed || r->firmware.failed || collect_findings(r)))
		err = complain_in(out_what, what_bytes, "out of memory");
	if (err) {
		run_close(r);
		return err;
	}
	note_timeout(r);
	tell_cmdline(r);
	return 0;
}

void run_close(struct run *r)
{
	record_detach(&r->record);
	weir_kmodel_detach(r->model);
	weir_machine_destroy(r->m);
	weir_kmodel_destroy(r->model);
	weir_driver_list_destroy(r->list);
	weir_posix_destroy(r->posix);
	if (r->log)
		fclose(r->log);
	free(r->log_text);
	free(r->findings);
	if (r->own_kernel)
		kernel_side_close(&r->side);
	weir_bytes_fini(&r->dtb);
	free(r->cmdline);
	firmware_log_fini(&r->firmware);
	*r = (struct run){ 0 };
}
