// SPDX-License-Identifier: MIT
/* Scripts: one table of commands. No state. */
#include "kernel/script.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct call {
	struct weir_kmodel *k;
	const struct weir_script_ops *ops;
	const char *arg; /* "" when there is none */
	struct weir_errtext *et;
};

static int no_driver(const struct call *c, int err)
{
	return err ? weir_errtext_set(c->et, err, "no driver or module '%s'", c->arg) : 0;
}

static int do_load(const struct call *c)
{
	return no_driver(c, weir_kmodel_load(c->k, c->arg));
}

static int do_unload(const struct call *c)
{
	return no_driver(c, weir_kmodel_unload(c->k, c->arg));
}

static int do_load_external(const struct call *c)
{
	weir_kmodel_load_external(c->k);
	return 0;
}

static int do_coldplug(const struct call *c)
{
	weir_kmodel_coldplug(c->k, c->ops ? c->ops->filter : NULL,
			     c->ops ? c->ops->context : NULL);
	return 0;
}

static int do_settle(const struct call *c)
{
	weir_kmodel_settle(c->k);
	return 0;
}

static int do_wait(const struct call *c)
{
	unsigned long long ms;
	char *end;

	errno = 0;
	ms = strtoull(c->arg, &end, 0);
	if (!isdigit((unsigned char)*c->arg) || *end || errno)
		return weir_errtext_set(c->et, WEIR_EINVAL, "'%s' is no number of milliseconds",
					c->arg);
	weir_kmodel_wait(c->k, ms);
	return 0;
}

static int do_dump(const struct call *c)
{
	if (c->ops && c->ops->dump)
		c->ops->dump(c->ops->context, c->arg);
	return 0;
}

static int do_mark(const struct call *c)
{
	if (c->ops && c->ops->mark)
		c->ops->mark(c->ops->context, c->arg);
	return 0;
}

static int do_nothing(const struct call *c)
{
	(void)c;
	return 0;
}

static const struct {
	const char *name;
	int (*run)(const struct call *c);
} commands[] = {
	{ "load", do_load },
	{ "modprobe", do_load },
	{ "unload", do_unload },
	{ "rmmod", do_unload },
	{ "load-external", do_load_external },
	{ "coldplug", do_coldplug },
	{ "settle", do_settle },
	{ "wait", do_wait },
	{ "dump", do_dump },
	{ "mark", do_mark },
	{ "log", do_nothing },
};

int weir_script_run(struct weir_kmodel *k, const struct weir_script_ops *ops, const char *line,
		    struct weir_errtext *et)
{
	struct call c = { .k = k, .ops = ops, .et = et };
	char text[512];
	size_t n;

	line += strspn(line, " \t");
	n = strcspn(line, "\r\n");
	while (n && isspace((unsigned char)line[n - 1]))
		n--;
	if (!n || *line == '#')
		return 0;
	if (n >= sizeof(text))
		return weir_errtext_set(et, WEIR_EINVAL, "line longer than %zu bytes", sizeof(text));
	memcpy(text, line, n);
	text[n] = '\0';
	n = strcspn(text, " \t");
	c.arg = text + n + strspn(text + n, " \t");
	text[n] = '\0';
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (!strcmp(commands[i].name, text))
			return commands[i].run(&c);
	return weir_errtext_set(et, WEIR_EINVAL, "unknown command '%s'", text);
}
