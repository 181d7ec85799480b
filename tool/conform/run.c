// SPDX-License-Identifier: MIT
/*
 * One job: read the answer and the tree, run the same inputs through the profile
 * linux-6.12, and compare on the way.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conform.h"
#include "kernel/kmodel.h"
#include "kernel/linux/linux.h"
#include "kernel/script.h"
#include "weir/posix.h"

struct run {
	struct conform_check check;
	struct weir_bytes dtb;
	struct weir_driver_list *list;
	struct weir_posix *posix;
	struct weir_kmodel *model;
	struct weir_trace trace;
};

/* ---- what happens is compared as it happens ---- */

static void on_event(void *context, const struct weir_event *event)
{
	struct conform_check *c = context;

	switch (event->type) {
	case WEIR_EVENT_DEVICE_ADD:
		check_event(c, "add", event->device, event->text);
		break;
	case WEIR_EVENT_DEVICE_DEL:
		check_event(c, "del", event->device, event->text);
		break;
	case WEIR_EVENT_SYNC_STATE:
		check_event(c, "sync_state", event->device, event->text);
		break;
	case WEIR_EVENT_CYCLE:
		check_cycle_message(c, event->node, event->other_node);
		break;
	default:
		break;
	}
}

static void on_act(void *context, enum weir_kmodel_act act, struct weir_device *dev,
		   const char *driver)
{
	static const char *const words[] = { "probe", "refuse", "fail", "defer", "remove" };

	check_event(context, words[act], dev, driver);
}

static void on_dump(void *context, const char *label)
{
	check_phase(context, label);
}

/* ---- inputs ---- */

static int read_answer(struct run *r)
{
	struct conform_check *c = &r->check;
	struct weir_bytes text = { 0 };
	char what[512];
	json_error_t e;

	if (conform_read(c->job->result, &text, what, sizeof(what))) {
		check_differs(c, "%s", what);
		return -1;
	}
	c->answer = json_loadb((const char *)text.data, text.size, JSON_ALLOW_NUL, &e);
	weir_bytes_fini(&text);
	if (!c->answer) {
		check_differs(c, "%s: line %d: %s", c->job->result, e.line, e.text);
		return -1;
	}
	if (!json_is_true(json_object_get(c->answer, "complete"))) {
		check_differs(c, "the answer is incomplete: Linux did not get to the end");
		return -1;
	}
	c->events = json_object_get(c->answer, "events");
	c->probe_order = json_object_get(c->answer, "probe_order");
	c->add_order = json_object_get(c->answer, "add_order");
	c->log = json_object_get(c->answer, "log");
	if (json_is_array(c->events) && json_is_array(json_object_get(c->answer, "phases")) &&
	    json_is_array(json_object_get(c->answer, "drivers")) &&
	    json_is_array(json_object_get(c->answer, "script")))
		return 0;
	check_differs(c, "%s: no recorded answer: events, phases, drivers or script missing",
		      c->job->result);
	return -1;
}

static int read_drivers(struct run *r)
{
	struct conform_check *c = &r->check;
	const json_t *lines = json_object_get(c->answer, "drivers");
	struct weir_errtext et = { "" };
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);
	int err;

	if (!f)
		return -1;
	for (size_t i = 0; i < json_array_size(lines); i++) {
		const char *line = json_string_value(json_array_get(lines, i));

		fprintf(f, "%s\n", line ? line : "");
	}
	fclose(f);
	err = weir_driver_list_parse("drivers", text, size, &et, &r->list);
	free(text);
	if (err)
		check_differs(c, "%s", et.text[0] ? et.text : weir_strerror(err));
	return err;
}

static bool has_word(const char *line, const char *word)
{
	size_t n = strlen(word);

	for (const char *at = line; (at = strstr(at, word)); at += n)
		if ((at == line || at[-1] == ' ') && (!at[n] || at[n] == ' '))
			return true;
	return false;
}

static int make_machine(struct run *r, const char *cmdline)
{
	struct conform_check *c = &r->check;
	struct weir_kmodel_options options = {
		.sync_state = has_word(cmdline, "oracle.sync_state=1"),
		.hold_devices = true,
		.observe = on_act,
		.context = c,
	};
	struct weir_linux_args args;
	int err;

	weir_linux_args_init(&args);
	weir_linux_args_parse(&args, cmdline);
	err = weir_posix_create(NULL, &r->posix);
	if (!err)
		err = weir_machine_create_policy(weir_posix_ops(r->posix), r->posix,
						 &weir_policy_linux_6_12, &args, &c->m);
	if (err) {
		check_differs(c, "%s", weir_strerror(err));
		return err;
	}
	err = weir_firmware_load_dt(c->m, r->dtb.data, r->dtb.size);
	if (err) {
		check_differs(c, "%s: %s", c->job->dtb,
			      *weir_firmware_error(c->m) ? weir_firmware_error(c->m)
							 : weir_strerror(err));
		return err;
	}
	r->trace = (struct weir_trace){ .fn = on_event, .context = c };
	weir_trace_attach(c->m, &r->trace);
	err = weir_kmodel_create(c->m, r->list, &options, &r->model);
	if (err)
		check_differs(c, "%s", weir_strerror(err));
	return err;
}

static void run_script(struct run *r)
{
	struct conform_check *c = &r->check;
	const json_t *script = json_object_get(c->answer, "script");
	struct weir_script_ops ops = { .dump = on_dump, .context = c };
	struct weir_errtext et = { "" };

	if (weir_kmodel_boot(r->model)) {
		check_differs(c, "out of memory");
		return;
	}
	for (size_t i = 0; i < json_array_size(script) && !c->differs; i++) {
		const char *line = json_string_value(json_array_get(script, i));

		/* a driver that is not there: Linux's model says so and goes on */
		if (line && weir_script_run(r->model, &ops, line, &et) == WEIR_EINVAL)
			check_differs(c, "script line %zu: %s", i + 1, et.text);
	}
	if (!c->differs)
		check_end(c);
}

static void clean_up(struct run *r)
{
	if (r->check.m && r->trace.fn)
		weir_trace_detach(r->check.m, &r->trace);
	weir_kmodel_detach(r->model);
	weir_machine_destroy(r->check.m);
	weir_kmodel_destroy(r->model);
	weir_driver_list_destroy(r->list);
	weir_posix_destroy(r->posix);
	weir_bytes_fini(&r->dtb);
	json_decref(r->check.answer);
}

void conform_run(struct conform_job *job)
{
	struct run r = { .check = { .job = job } };
	char what[512];

	if (conform_read(job->dtb, &r.dtb, what, sizeof(what)))
		check_differs(&r.check, "%s", what);
	else if (!read_answer(&r) && !read_drivers(&r)) {
		const char *cmdline = json_string_value(json_object_get(r.check.answer, "cmdline"));

		if (!make_machine(&r, cmdline ? cmdline : ""))
			run_script(&r);
	}
	job->equal = !r.check.differs;
	clean_up(&r);
}
