// SPDX-License-Identifier: MIT
/*
 * What decides the exit status: by itself, whether anything waits or failed; with
 * --require, --baseline, --root and --for, only what they ask.
 */
#include <string.h>

#include "weir.h"

static int check_required(struct run *r)
{
	int status = EXIT_OK;

	for (size_t i = 0; i < r->o->require.n; i++) {
		struct weir_device *dev;
		struct weir_fwnode *node;

		if (find_device(r, r->o->require.item[i], &dev, &node))
			return EXIT_USAGE;
		if (dev && weir_device_status_get(dev) == WEIR_DEVICE_BOUND)
			continue;
		fprintf(stderr, "weir: required, and not up: %s\n", r->o->require.item[i]);
		status = EXIT_FINDING;
	}
	return status;
}

static const char *verdict_now(json_t *now, const char *path)
{
	const char *v = json_string_value(json_object_get(now, path));

	return v ? v : "no device";
}

static int compare(json_t *then, json_t *now)
{
	int status = EXIT_OK;
	size_t i;
	json_t *dev;

	json_array_foreach(json_object_get(then, "devices"), i, dev) {
		const char *path = json_string_value(json_object_get(dev, "path"));
		const char *verdict = json_string_value(json_object_get(dev, "verdict"));

		if (!path || !verdict || strcmp(verdict, "bound") ||
		    !strcmp(verdict_now(now, path), "bound"))
			continue;
		fprintf(stderr, "weir: was up in the baseline, now %s: %s\n",
			verdict_now(now, path), path);
		status = EXIT_FINDING;
	}
	return status;
}

static int check_baseline(struct run *r)
{
	json_error_t e;
	json_t *then = json_load_file(r->o->baseline, 0, &e), *now;
	int status;

	if (!then)
		return complain("%s:%d: %s", r->o->baseline, e.line, e.text);
	if (!json_is_array(json_object_get(then, "devices"))) {
		json_decref(then);
		return complain("%s: not made by weir boot --json: no \"devices\"",
				r->o->baseline);
	}
	now = json_of_verdicts(r);
	status = compare(then, now);
	json_decref(now);
	json_decref(then);
	return status;
}

int judge(struct run *r, const struct causes *c, const struct alone *a)
{
	int required = r->o->require.n ? check_required(r) : EXIT_OK;
	int baseline = r->o->baseline ? check_baseline(r) : EXIT_OK;

	if (required == EXIT_USAGE || baseline == EXIT_USAGE)
		return EXIT_USAGE;
	if (r->o->require.n || r->o->baseline || a->verdict != ALONE_NONE)
		return required || baseline || a->verdict > ALONE_YES ? EXIT_FINDING : EXIT_OK;
	return c->waiting || c->failed ? EXIT_FINDING : EXIT_OK;
}
