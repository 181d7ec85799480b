// SPDX-License-Identifier: MIT
/*
 * `weir timeline` and `weir graph`: a bring-up shown, in the format that is asked for or
 * that the output's name ends in.
 */
#include "report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct show {
	const struct report *p;
	struct weir_device *only; /* of graph; NULL: all */
	const char *output;       /* for messages */
};

struct format {
	const char *name, *ending;
	int (*write)(const struct show *s, FILE *f);
};

static int write_html(const struct show *s, FILE *f)
{
	return report_html(s->p, f);
}

static int write_json(const struct show *s, FILE *f)
{
	json_t *doc = report_json(s->p);
	int failed = !doc || json_dumpf(doc, f, JSON_INDENT(1));

	fputc('\n', f);
	json_decref(doc);
	return failed ? WEIR_EIO : 0;
}

static int write_timeline_svg(const struct show *s, FILE *f)
{
	return timeline_svg(s->p, f);
}

static int write_trace(const struct show *s, FILE *f)
{
	return timeline_trace(s->p, f);
}

static int write_dot(const struct show *s, FILE *f)
{
	return graph_dot(s->p, s->only, f);
}

/* What Graphviz makes of a file goes to @f. */
static int lay_out(const char *file, FILE *f)
{
	char command[80], buf[4096];
	int status;
	FILE *svg;
	size_t n;

	snprintf(command, sizeof(command), "dot -Tsvg %s", file);
	svg = popen(command, "r");
	if (!svg)
		return WEIR_EIO;
	while ((n = fread(buf, 1, sizeof(buf), svg)))
		fwrite(buf, 1, n, f);
	status = pclose(svg);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		return complain("--format svg: Graphviz' program dot is not there (package "
				"graphviz); --format dot needs none");
	return status ? WEIR_EIO : 0;
}

/* Graphviz lays it out, from a file of its own. */
static int write_graph_svg(const struct show *s, FILE *f)
{
	char name[] = "/tmp/weir-graph-XXXXXX";
	int fd = mkstemp(name), err;
	FILE *dot = fd < 0 ? NULL : fdopen(fd, "w");

	if (!dot) {
		if (fd >= 0)
			close(fd);
		return WEIR_EIO;
	}
	err = graph_dot(s->p, s->only, dot);
	if (fclose(dot) && !err)
		err = WEIR_EIO;
	if (!err)
		err = lay_out(name, f);
	unlink(name);
	return err;
}

static const struct format timeline_formats[] = {
	{ "svg", ".svg", write_timeline_svg }, { "html", ".html", write_html },
	{ "trace", ".trace.json", write_trace }, { "json", ".json", write_json }, { 0 },
};
static const struct format graph_formats[] = {
	{ "dot", ".dot", write_dot }, { "svg", ".svg", write_graph_svg },
	{ "html", ".html", write_html }, { "json", ".json", write_json }, { 0 },
};

static bool ends_in(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);

	return n >= m && !strcmp(text + n - m, end);
}

/* Return: NULL after a message. */
static const struct format *choose(const struct opts *o, const struct format *formats)
{
	const char *name = o->json ? "json" : o->format;

	for (const struct format *f = formats; f->name; f++)
		if (name ? !strcmp(name, f->name) : o->output && ends_in(o->output, f->ending))
			return f;
	if (!name)
		return formats; /* the first one */
	complain("--format %s: not one of %s, %s, %s, %s", name, formats[0].name, formats[1].name,
		 formats[2].name, formats[3].name);
	return NULL;
}

/* Written beside and renamed: a report that could not be finished is none. */
static int write_out(const struct show *s, const struct format *format)
{
	FILE *f = s->output ? fopen(s->output, "w") : stdout;
	int err;

	if (!f)
		return complain("%s: %s", s->output, strerror(errno));
	err = format->write(s, f);
	if ((s->output ? fclose(f) : fflush(f)) && !err)
		err = WEIR_EIO;
	if (err < 0)
		return complain("%s: %s", s->output ? s->output : "standard output",
				weir_strerror(err));
	return err;
}

static int show(int argc, char **argv, const struct verb_help *help, const struct format *formats,
		int max_args)
{
	const struct format *format;
	struct weir_bootlog *log = NULL;
	struct show s = { 0 };
	struct report p;
	struct opts o;
	struct run r;
	char what[600];
	int status = opts_parse(&o, argc, argv, help);

	if (status || o.help)
		return status;
	format = choose(&o, formats);
	if (!format)
		return EXIT_USAGE;
	if (!o.nr_args || o.nr_args > max_args)
		return complain("%s: one board is needed; see weir %s --help", argv[0], argv[0]);
	status = o.log ? log_open(&o, &log) : log_of_capture(&o, &log);
	if (status)
		return status;
	if (run_open(&r, &o, o.args[0], NULL, what, sizeof(what))) {
		weir_bootlog_destroy(log);
		return complain("%s", what);
	}
	s.p = &p;
	s.output = o.output;
	if (o.nr_args == 2) {
		struct weir_fwnode *node;

		status = find_device(&r, o.args[1], &s.only, &node);
		if (!status && !s.only)
			status = complain("%s is no device; see weir explain", o.args[1]);
	}
	if (!status && report_open(&p, &r, log))
		status = complain("out of memory");
	else if (!status) {
		p.log_path = o.log ? o.log : o.args[0];
		status = write_out(&s, format);
		report_close(&p);
	}
	run_close(&r);
	weir_bootlog_destroy(log);
	if (!status && !o.output && !o.format && isatty(STDOUT_FILENO))
		complain("note: that was %s; -o report.html writes the report that is searched and clicked "
			 "through", format->name);
	return status;
}

int cmd_timeline(int argc, char **argv)
{
	static const struct verb_help help = {
		.verb = VERB_TIMELINE,
		.usage = "timeline BOARD.dtb [--kernel DIR] [--output FILE] [options]",
		.what = "Shows when each device of a board comes up, waits or fails, in virtual time:\n"
			"a drawing (svg), a trace for Perfetto or chrome://tracing (trace), or a report to\n"
			"search and click through (html), in one file that needs no network. With the\n"
			"board's own log, also when it did so there, and with what slack.\n",
		.example = "weir timeline librem5.dtb --kernel /lib/modules/6.12.43 -o librem5.html",
		.status = "0 it was written, 2 bad usage or input.",
	};

	return show(argc, argv, &help, timeline_formats, 1);
}

int cmd_graph(int argc, char **argv)
{
	static const struct verb_help help = {
		.verb = VERB_GRAPH,
		.usage = "graph BOARD.dtb [DEV] [--kernel DIR] [--output FILE] [options]",
		.what = "Shows which device needs which: of the whole board, or of DEV with all that it\n"
			"needs in the end and what needs it. As Graphviz's language (dot), laid out by\n"
			"Graphviz (svg), or as the report of weir timeline (html).\n",
		.example = "weir graph librem5.dtb 30a20000.i2c -o i2c.svg",
		.status = "0 it was written, 2 bad usage or input.",
	};

	return show(argc, argv, &help, graph_formats, 2);
}
