// SPDX-License-Identifier: MIT
/*
 * The QEMU machine protocol: JSON, one text a line. QEMU names the kind of a text
 * in one of its outermost members: "return" and "error" answer, "event" comes by
 * itself. Events are kept until somebody waits for them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "priv.h"

#define MAX_EVENTS 256u
#define MIN_VERSION 70200u

/* Behind the string at @at (on its quote), or NULL. */
static const char *skip_string(const char *at)
{
	for (at++; *at && *at != '"'; at++)
		if (*at == '\\' && at[1])
			at++;
	return *at ? at + 1 : NULL;
}

/* Whether the outermost object of @text has a member @name. */
static bool has_member(const char *text, const char *name)
{
	size_t n = strlen(name);
	int depth = 0;
	bool is_name = false;

	for (const char *at = text; at && *at; ) {
		if (*at == '"') {
			if (depth == 1 && is_name && !strncmp(at + 1, name, n) && at[n + 1] == '"')
				return true;
			is_name = false;
			at = skip_string(at);
			continue;
		}
		if (*at == '{' || *at == '[')
			depth++;
		if (*at == '}' || *at == ']')
			depth--;
		if (*at == '{' || *at == ',')
			is_name = true;
		at++;
	}
	return false;
}

static int keep_event(struct qmp *q, const char *line)
{
	char **bigger;

	if (q->nr_events == MAX_EVENTS) {
		free(q->events[0]);
		memmove(q->events, q->events + 1, --q->nr_events * sizeof(*q->events));
	}
	bigger = realloc(q->events, (q->nr_events + 1) * sizeof(*q->events));
	if (!bigger)
		return WEIR_ENOMEM;
	q->events = bigger;
	q->events[q->nr_events] = strdup(line);
	if (!q->events[q->nr_events])
		return WEIR_ENOMEM;
	q->nr_events++;
	return 0;
}

/* The next answer; events before it are kept. */
static int next_answer(struct qmp *q, char **out_line)
{
	for (;;) {
		int n = channel_line(&q->channel, true, out_line);

		if (n < 0)
			return n;
		if (!has_member(*out_line, "event"))
			return 0;
		n = keep_event(q, *out_line);
		if (n)
			return n;
	}
}

static int ask(struct qmp *q, const char *command, char **out_reply)
{
	char *line;
	int err = channel_send(&q->channel, command, strlen(command));

	if (!err)
		err = channel_send(&q->channel, "\n", 1);
	if (!err)
		err = next_answer(q, &line);
	if (err)
		return err;
	if (out_reply) {
		*out_reply = strdup(line);
		if (!*out_reply)
			return WEIR_ENOMEM;
	}
	return has_member(line, "return") ? 0 : WEIR_EINVAL;
}

int qmp_ask(struct qmp *q, const char *command, char **out_reply)
{
	int err;

	pthread_mutex_lock(&q->mutex);
	err = ask(q, command, out_reply);
	pthread_mutex_unlock(&q->mutex);
	return err;
}

static int check_version(struct qmp *q, const char *greeting)
{
	const char *at = strstr(greeting, "\"qemu\"");
	const char *const names[] = { "\"major\":", "\"minor\":", "\"micro\":" };

	for (int i = 0; i < 3; i++) {
		const char *part = at ? strstr(at, names[i]) : NULL;

		if (!part)
			return channel_break(&q->channel, WEIR_EIO, "no greeting of a QEMU: %s",
					     greeting);
		q->version = q->version * 100 +
			     (unsigned int)strtoul(part + strlen(names[i]), NULL, 10);
	}
	if (q->version < MIN_VERSION)
		return channel_break(&q->channel, WEIR_EOPNOTSUPP,
				     "QEMU %u.%u.%u is too old, 7.2 is needed", q->version / 10000,
				     q->version / 100 % 100, q->version % 100);
	return 0;
}

int qmp_init(struct qmp *q, const struct process *p, unsigned int timeout_ms)
{
	char *greeting;
	int err = channel_init(&q->channel, p->qmp_fd, "monitor", timeout_ms, p);

	if (err)
		return err;
	pthread_mutex_init(&q->mutex, NULL);
	err = channel_line(&q->channel, true, &greeting);
	if (err > 0)
		err = check_version(q, greeting);
	if (!err)
		err = ask(q, "{\"execute\": \"qmp_capabilities\"}", NULL);
	return err;
}

void qmp_fini(struct qmp *q)
{
	if (!q->channel.in)
		return;
	for (unsigned int i = 0; i < q->nr_events; i++)
		free(q->events[i]);
	free(q->events);
	channel_fini(&q->channel);
	pthread_mutex_destroy(&q->mutex);
}

void qmp_quit(struct qmp *q)
{
	char *line;

	if (!q->channel.in || q->channel.broken)
		return;
	q->channel.timeout_ms = 2000;
	if (ask(q, "{\"execute\": \"quit\"}", NULL))
		return;
	while (channel_line(&q->channel, true, &line) > 0)
		;
}

/* ---- events ---- */

static bool has_words(const char *event, const char *const words[2])
{
	return strstr(event, words[0]) && (!words[1] || strstr(event, words[1]));
}

static bool take_event(struct qmp *q, const char *const words[2])
{
	for (unsigned int i = 0; i < q->nr_events; i++) {
		if (!has_words(q->events[i], words))
			continue;
		free(q->events[i]);
		q->nr_events--;
		memmove(q->events + i, q->events + i + 1,
			(q->nr_events - i) * sizeof(*q->events));
		return true;
	}
	return false;
}

int weir_qtest_qmp_event(struct weir_qtest *qtest, const char *const words[2])
{
	struct qmp *q = &qtest->qmp;
	int err = 0;

	pthread_mutex_lock(&q->mutex);
	while (!err && !take_event(q, words)) {
		char *line;

		err = channel_line(&q->channel, true, &line);
		if (err > 0)
			err = keep_event(q, line);
	}
	pthread_mutex_unlock(&q->mutex);
	return err;
}
