// SPDX-License-Identifier: MIT
/* `weir plan`: the modules that an initramfs must have; see plan.h for the steps. */
#include "plan.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static const struct verb_help help = {
	.verb = VERB_PLAN,
	.usage = "plan BOARD.dtb --kernel DIR (--root SPEC | --for DEV | --console | --display)\n"
		 "       weir plan --boards DIR --kernel DIR (--root KIND | --console | --display)",
	.what = "Says which modules must be in an initramfs so that a device comes up: in load\n"
		"order, each with its reason, its dependencies and firmware files. The set is\n"
		"checked by running the bring-up with it alone, and without each of its modules.\n",
	.example = "weir plan rk3399-pinebook-pro.dtb --kernel /lib/modules/6.12.43 --root mmcblk1p2",
	.status = "0 the set is enough, 1 the device cannot come up, 2 bad usage or input\n"
		  "(also a root that can be on several controllers: they are listed).",
};

void *plan_grow(void *array_pointer, size_t *n, size_t bytes)
{
	char *array, *more;

	memcpy(&array, array_pointer, sizeof(array));
	more = realloc(array, (*n + 1) * bytes);
	if (!more)
		return NULL;
	memcpy(array_pointer, &more, sizeof(more));
	memset(more + *n * bytes, 0, bytes);
	return more + (*n)++ * bytes;
}

int plan_note(struct plan *p, const char *fmt, ...)
{
	char **note = plan_grow(&p->notes, &p->nr_notes, sizeof(*note));
	va_list args;
	int n;

	if (!note)
		return WEIR_ENOMEM;
	va_start(args, fmt);
	n = vasprintf(note, fmt, args);
	va_end(args);
	if (n >= 0)
		return 0;
	*note = NULL;
	return WEIR_ENOMEM;
}

/* The tree alone: who names whom is known before there is a device. */
static int make_graph(struct plan *p)
{
	struct weir_posix_options posix = { .log_level = WEIR_LOG_ERR };
	int err;

	p->quiet = fopen("/dev/null", "w");
	if (!p->quiet)
		return WEIR_ENOMEM;
	posix.log = p->quiet;
	err = weir_posix_create(&posix, &p->posix);
	if (!err)
		err = weir_machine_create(weir_posix_ops(p->posix), p->posix, &p->graph);
	if (!err)
		err = weir_firmware_load_dt(p->graph, p->r.dtb.data, p->r.dtb.size);
	if (!err)
		err = weir_kmodel_create(p->graph, p->r.list, NULL, &p->marks);
	return err;
}

/* ---- goals that cannot be reached at all ---- */

static bool is_up(const struct plan_goal *goal)
{
	const struct weir_device *dev = weir_fwnode_device(goal->node);

	return dev && weir_device_status_get(dev) == WEIR_DEVICE_BOUND;
}

static void why_down(struct plan *p, const struct plan_goal *goal, char *buf, size_t bytes)
{
	struct weir_device *dev = weir_fwnode_device(goal->node);
	struct cause c = { 0 };
	char path[300];
	const char *problem;

	path_words(goal->node, path, sizeof(path));
	if (!dev) {
		char why[300];

		problem = node_problem(goal->node, why, sizeof(why));
		snprintf(buf, bytes, "%s is no device: %s", path, problem ? problem : "?");
		return;
	}
	weir_device_root_cause(dev, &c.root);
	c.kind = cause_kind_of(&c.root);
	size_t used = (size_t)snprintf(buf, bytes, "%s does not come up: ", path);
	cause_what(&p->r, &c, buf + used, used < bytes ? bytes - used : 0);
}

/* What never comes up, with all modules, is told, and not planned for. */
static int drop_hopeless(struct plan *p)
{
	size_t kept = 0, n = p->nr_goals;
	char why[700];
	int err = 0;

	for (size_t i = 0; i < n && !err; i++) {
		struct weir_device *dev = weir_fwnode_device(p->goals[i].node);

		if (is_up(&p->goals[i])) {
			p->goals[kept++] = p->goals[i];
			continue;
		}
		if (p->goals[i].what == PLAN_DISPLAY && dev && needs_no_driver(&p->r, dev))
			continue;
		if (p->goals[i].what == PLAN_DISPLAY && !dev) {
			struct weir_fwnode **more = plan_grow(&p->unseen, &p->nr_unseen,
							      sizeof(*more));

			if (!more)
				return WEIR_ENOMEM;
			*more = p->goals[i].node;
			continue;
		}
		why_down(p, &p->goals[i], why, sizeof(why));
		err = plan_note(p, "%s", why);
	}
	p->nr_goals = kept;
	return err;
}

/* ---- making one ---- */

static int make(struct plan *p)
{
	int err = drop_hopeless(p);

	if (err || !p->nr_goals)
		return err;
	err = make_graph(p);
	if (!err)
		err = plan_find_needs(p);
	if (!err)
		err = plan_find_modules(p);
	if (!err)
		err = plan_check(p);
	return err ? err : plan_find_firmware(p);
}

int plan_make(struct plan *p, const struct opts *o, const char *board,
	      const struct kernel_side *shared, char *out_what, size_t bytes)
{
	int status;

	*p = (struct plan){ .o = o };
	status = run_open(&p->r, o, board, shared, out_what, bytes);
	if (status)
		return status;
	status = plan_find_goals(p, out_what, bytes);
	if (!status && make(p)) {
		snprintf(out_what, bytes, "out of memory");
		status = EXIT_USAGE;
	}
	if (status)
		plan_free(p);
	return status;
}

void plan_free(struct plan *p)
{
	plan_forget_needs(p);
	for (size_t i = 0; i < p->nr_modules; i++) {
		for (size_t k = 0; k < p->modules[i].nr_firmware; k++)
			free(p->modules[i].firmware[k]);
		free(p->modules[i].firmware);
		free(p->modules[i].why);
	}
	for (size_t i = 0; i < p->nr_left; i++)
		free(p->left[i].why);
	for (size_t i = 0; i < p->nr_notes; i++)
		free(p->notes[i]);
	for (size_t i = 0; i < p->nr_given_up; i++)
		free(p->given_up[i]);
	free(p->given_up);
	free(p->banned);
	free(p->unseen);
	free(p->modules);
	free(p->left);
	free(p->notes);
	free(p->goals);
	weir_kmodel_detach(p->marks);
	weir_machine_destroy(p->graph);
	weir_kmodel_destroy(p->marks);
	weir_posix_destroy(p->posix);
	if (p->quiet)
		fclose(p->quiet);
	run_close(&p->r);
	*p = (struct plan){ 0 };
}

/* ---- the verb ---- */

static int check_usage(const struct opts *o)
{
	int wanted = !!o->root + !!o->target + o->console + o->display;

	if (o->format && !plan_is_format(o->format))
		return complain("--format %s: not one of list, dracut, initramfs-tools, mkinitcpio, "
				"mkinitfs, android", o->format);
	if (wanted > 1)
		return complain("plan: --root, --for, --console and --display exclude one another: a plan each");
	if (!wanted)
		return complain("plan: one of --root, --for, --console, --display is needed; "
				"see weir plan --help");
	if (!o->kernel && !o->drivers)
		return complain("plan: --kernel is needed: which modules there are");
	if (o->format && o->json)
		return complain("--format and --json exclude each other");
	if (o->boards_dir && o->target)
		return complain("plan: --for names a device of one board; --boards takes a kind "
				"(--root mmc), --console or --display");
	if (o->boards_dir ? o->nr_args != 0 : o->nr_args != 1)
		return complain("plan: one board is needed, or --boards; see weir plan --help");
	return 0;
}

static int say(struct plan *p)
{
	if (p->o->json) {
		json_t *doc = plan_json(p);

		json_dumpf(doc, stdout, JSON_INDENT(1));
		putchar('\n');
		json_decref(doc);
	} else if (p->o->format) {
		char title[400];

		snprintf(title, sizeof(title), "%s, %s", board_model(&p->r), p->target);
		plan_print_format(p->o, p->modules, p->nr_modules, title);
		/* the list goes into a file: what it does not say is said beside it */
		for (size_t i = 0; i < p->nr_notes; i++)
			complain("note: %s", p->notes[i]);
		for (size_t i = 0; i < p->nr_left; i++)
			complain("note: leave out %s: %s", p->left[i].name, p->left[i].why);
		if (!p->reached)
			complain("%s: this is not enough", p->r.board);
	} else {
		plan_print(p);
	}
	return p->reached ? EXIT_OK : EXIT_FINDING;
}

int cmd_plan(int argc, char **argv)
{
	struct opts o;
	struct plan p;
	char what[2000];
	int status = opts_parse(&o, argc, argv, &help);

	if (status || o.help)
		return status;
	status = check_usage(&o);
	if (status)
		return status;
	if (o.boards_dir)
		return plan_boards(&o);
	status = plan_make(&p, &o, o.args[0], NULL, what, sizeof(what));
	if (status)
		return *what ? complain("%s", what) : status;
	status = say(&p);
	plan_free(&p);
	return status;
}
