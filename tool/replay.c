// SPDX-License-Identifier: MIT
/*
 * `weir replay`: the inputs of a recorded run, run again, perhaps with other threads;
 * every device must get the verdict that was recorded.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "weir.h"

static const struct verb_help help = {
	.verb = VERB_REPLAY,
	.usage = "replay EVENTS [--threads N] [--profile P]",
	.what = "Runs what a log of weir boot --events names again: same tree, same drivers with\n"
		"the outcomes of their probes, same options; then compares every verdict.\n",
	.example = "weir boot x.dtb --profile weir --events x.log && weir replay x.log --threads 8",
	.status = "0 all verdicts are the same, 1 some are not, 2 bad usage or input.",
};

struct log {
	json_t *header, *verdicts;
};

static int read_log(const char *path, struct log *out_log)
{
	struct log log = { 0 };
	FILE *f = fopen(path, "r");
	unsigned int number = 0;
	size_t room = 0;
	char *line = NULL;
	int status = 0;

	if (!f)
		return complain("%s: %s", path, strerror(errno));
	while (!status && getline(&line, &room, f) > 0) {
		json_error_t e;
		json_t *object = json_loads(line, 0, &e);

		number++;
		if (!object)
			status = complain("%s:%u: %s", path, number, e.text);
		else if (number == 1 && json_object_get(object, "weir"))
			log.header = json_incref(object);
		else if (json_object_get(object, "verdicts") && !log.verdicts)
			log.verdicts = json_incref(json_object_get(object, "verdicts"));
		json_decref(object);
	}
	free(line);
	fclose(f);
	if (!status && (!log.header || !json_is_object(log.verdicts)))
		status = complain("%s: not a whole log of weir boot --events: %s missing", path,
				  log.header ? "the verdicts at its end are"
					     : "the header in line 1 is");
	if (status) {
		json_decref(log.header);
		json_decref(log.verdicts);
		return status;
	}
	*out_log = log;
	return 0;
}

static void take_list(struct list *l, const json_t *array)
{
	for (size_t i = 0; i < json_array_size(array) && l->n < MAX_LIST; i++) {
		const char *s = json_string_value(json_array_get(array, i));

		if (s)
			l->item[l->n++] = s;
	}
}

static int take_header(struct opts *o, const json_t *h, const char *path)
{
	const json_t *lin = json_object_get(h, "linux");
	const char *profile = json_string_value(json_object_get(h, "profile"));
	const char *scenario = json_string_value(json_object_get(h, "scenario"));

	if (json_integer_value(json_object_get(h, "version")) != 1)
		return complain("%s:1: a log of another version than 1", path);
	o->args[0] = json_string_value(json_object_get(h, "board"));
	o->drivers_text = json_string_value(json_object_get(h, "drivers"));
	if (!o->args[0] || !o->drivers_text || !profile || !scenario || !json_is_object(lin))
		return complain("%s:1: header without board, drivers, profile, scenario or linux",
				path);
	if (json_integer_value(json_object_get(lin, "fw_devlink")) < 0 ||
	    json_integer_value(json_object_get(lin, "fw_devlink")) > 3 ||
	    json_integer_value(json_object_get(h, "probe_ns")) < 0 ||
	    json_integer_value(json_object_get(h, "root_ms")) < 0)
		return complain("%s:1: fw_devlink, probe_ns or root_ms out of range", path);
	if (!o->profile_given)
		o->profile = strcmp(profile, "weir") ? PROFILE_LINUX : PROFILE_WEIR;
	o->scenario = scenario;
	o->initramfs = json_string_value(json_object_get(h, "initramfs"));
	o->probe_ns = (uint64_t)json_integer_value(json_object_get(h, "probe_ns"));
	o->root_ms = (uint64_t)json_integer_value(json_object_get(h, "root_ms"));
	o->until_s = json_number_value(json_object_get(h, "until"));
	o->linux_args = (struct weir_linux_args){
		.fw_devlink = (enum weir_linux_fw_devlink)json_integer_value(
			json_object_get(lin, "fw_devlink")),
		.fw_devlink_strict = json_is_true(json_object_get(lin, "strict")),
		.sync_state_timeout = json_is_true(json_object_get(lin, "sync_state_timeout")),
		.deferred_probe_timeout = (int)json_integer_value(json_object_get(lin, "timeout")),
	};
	take_list(&o->overlays, json_object_get(h, "overlays"));
	take_list(&o->load, json_object_get(h, "load"));
	take_list(&o->more_initramfs, json_object_get(h, "more_initramfs"));
	take_list(&o->deny, json_object_get(h, "deny"));
	return 0;
}

/* The same verdicts can only be asked of the same inputs. */
static int check_inputs(const json_t *header, const char *log)
{
	const char *path;
	json_t *was;

	json_object_foreach(json_object_get(header, "inputs"), path, was) {
		char is[64];
		int status = input_identity(path, is, sizeof(is));

		if (status)
			return status;
		if (!json_string_value(was) || strcmp(json_string_value(was), is))
			return complain("%s: is not what %s was recorded with: %s, was %s", path,
					log, is, json_string_value(was) ? json_string_value(was)
									: "?");
	}
	return 0;
}

/* Devices whose verdict is not what it was; null: there was none, or is none. */
static json_t *compare(const json_t *then, json_t *now)
{
	json_t *differ = json_array();
	const char *path;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)then, path, value) {
		const char *is = json_string_value(json_object_get(now, path));

		if (is && json_string_value(value) && !strcmp(is, json_string_value(value)))
			continue;
		json_array_append_new(differ, json_pack("{s:s, s:s?, s:s?}", "device", path, "was",
							json_string_value(value), "is", is));
	}
	json_object_foreach(now, path, value) {
		if (json_object_get(then, path))
			continue;
		json_array_append_new(differ, json_pack("{s:s, s:n, s:s?}", "device", path, "was",
							"is", json_string_value(value)));
	}
	return differ;
}

static void print_text(const struct log *log, const json_t *differ, const char *profile,
		       unsigned int threads)
{
	const json_t *d;
	size_t i;

	json_array_foreach(differ, i, d) {
		const char *was = json_string_value(json_object_get(d, "was"));
		const char *is = json_string_value(json_object_get(d, "is"));

		printf("%s: was %s, is %s\n", json_string_value(json_object_get(d, "device")),
		       was ? was : "no device", is ? is : "no device");
	}
	printf("%zu verdicts, %zu differ (profile %s, %u threads)\n",
	       json_object_size(log->verdicts), json_array_size(differ), profile, threads);
}

static int replay(const struct opts *o, const struct log *log, const char *path)
{
	const char *profile;
	struct run r;
	json_t *now, *differ, *doc;
	char what[600];
	int status;

	if (run_open(&r, o, o->args[0], NULL, what, sizeof(what)))
		return complain("%s", what);
	now = json_of_verdicts(&r);
	differ = compare(log->verdicts, now);
	profile = weir_machine_policy_name(r.m);
	status = json_array_size(differ) ? EXIT_FINDING : EXIT_OK;
	if (o->json) {
		doc = json_pack("{s:i, s:s, s:s, s:i, s:i, s:O}", "version", 1, "log", path,
				"profile", profile, "threads", (int)o->threads, "verdicts",
				(int)json_object_size(log->verdicts), "differ", differ);
		json_dumpf(doc, stdout, JSON_INDENT(1));
		putchar('\n');
		json_decref(doc);
	} else {
		print_text(log, differ, profile, o->threads);
	}
	json_decref(differ);
	json_decref(now);
	run_close(&r);
	return status;
}

int cmd_replay(int argc, char **argv)
{
	struct log log = { 0 };
	struct opts o;
	const char *path;
	int status = opts_parse(&o, argc, argv, &help);

	if (status || o.help)
		return status;
	if (o.nr_args != 1)
		return complain("replay: one event log is needed; see weir replay --help");
	path = o.args[0];
	status = read_log(path, &log);
	if (status)
		return status;
	status = take_header(&o, log.header, path);
	if (!status)
		status = check_inputs(log.header, path);
	if (!status)
		status = replay(&o, &log, path);
	json_decref(log.header);
	json_decref(log.verdicts);
	return status;
}
