// SPDX-License-Identifier: MIT
/*
 * The qtest protocol (QEMU, docs/devel/qtest): a line asks, a line answers, in
 * order. A posted write is sent at once and its answer left in the socket; the next
 * command that waits reads all of them first. Lines about interrupts come in
 * between, at any place, and are kept until they are taken.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "priv.h"

/*
 * QEMU stops reading when it cannot write. A socket counts each small answer as
 * some 800 bytes of its 200 KiB: this many never fill it.
 */
#define MAX_POSTED 128u

static int wire_init(struct wire *w, const struct process *p, unsigned int timeout_ms)
{
	int err = channel_init(&w->channel, p->qtest_fd, "qtest server", timeout_ms, p);

	/* also of a channel that failed: what is asked of it finds it broken */
	pthread_mutex_init(&w->mutex, NULL);
	return err;
}

void wire_fini(struct wire *w)
{
	if (!w->channel.name)
		return;
	channel_fini(&w->channel);
	pthread_mutex_destroy(&w->mutex);
}

/* "IRQ raise 74" or "IRQ lower 74" */
static void note_line(struct wire *w, const char *line)
{
	bool up = !strncmp(line, "IRQ raise ", 10);
	unsigned long n;

	if (!up && strncmp(line, "IRQ lower ", 10) != 0)
		return;
	n = strtoul(line + 10, NULL, 10);
	if (n >= WIRE_MAX_LINES)
		return;
	if (up && !w->level[n] && !w->risen[n]) {
		w->risen[n] = 1;
		w->nr_risen++;
	}
	w->level[n] = up;
}

/* The next answer; lines about interrupts are noted. Return: 1; 0; negative. */
static int next_answer(struct wire *w, bool wait, char **out_line)
{
	for (;;) {
		int n = channel_line(&w->channel, wait, out_line);

		if (n <= 0)
			return n;
		if (strncmp(*out_line, "IRQ ", 4) != 0)
			return 1;
		note_line(w, *out_line);
	}
}

static int refused(struct wire *w, const char *line)
{
	return channel_break(&w->channel, WEIR_EIO, "QEMU's qtest server answers \"%s\"", line);
}

/* Reads answers of posted writes: all, or those that are there. */
static int collect(struct wire *w, bool all)
{
	char *line;

	while (w->posted) {
		int n = next_answer(w, all, &line);

		if (n <= 0)
			return n;
		w->posted--;
		if (strncmp(line, "OK", 2) != 0)
			return refused(w, line);
	}
	return 0;
}

static int send_format(struct wire *w, const char *fmt, va_list args)
{
	char line[160];
	int n = vsnprintf(line, sizeof(line) - 1, fmt, args);

	if (n < 0 || n >= (int)sizeof(line) - 1)
		return WEIR_EINVAL;
	line[n++] = '\n';
	return channel_send(&w->channel, line, (size_t)n);
}

int wire_ask(struct wire *w, uint64_t *out_value, const char *fmt, ...)
{
	va_list args;
	char *line;
	int err;

	pthread_mutex_lock(&w->mutex);
	va_start(args, fmt);
	err = send_format(w, fmt, args);
	va_end(args);
	if (!err)
		err = collect(w, true);
	if (!err) {
		err = next_answer(w, true, &line);
		if (err > 0)
			err = strncmp(line, "OK", 2) ? refused(w, line) : 0;
		if (!err && out_value)
			*out_value = strtoull(line + 2, NULL, 0);
	}
	w->round_trips++;
	pthread_mutex_unlock(&w->mutex);
	return err;
}

void wire_post(struct wire *w, const char *fmt, ...)
{
	va_list args;
	int err = 0;

	pthread_mutex_lock(&w->mutex);
	if (w->posted >= (w->waits ? 1 : MAX_POSTED))
		err = collect(w, true);
	if (!err) {
		va_start(args, fmt);
		err = send_format(w, fmt, args);
		va_end(args);
	}
	if (!err) {
		w->posted++;
		w->all_posted++;
	}
	pthread_mutex_unlock(&w->mutex);
}

/* With answers outstanding a line about an interrupt may be behind them. */
int wire_take_risen(struct wire *w, bool look)
{
	int taken = -1;
	char *line;

	pthread_mutex_lock(&w->mutex);
	if (look && !collect(w, false) && !w->posted && next_answer(w, false, &line) > 0)
		refused(w, line);
	for (unsigned int i = 0; w->nr_risen && i < WIRE_MAX_LINES; i++) {
		if (!w->risen[i])
			continue;
		w->risen[i] = 0;
		w->nr_risen--;
		taken = (int)i;
		break;
	}
	pthread_mutex_unlock(&w->mutex);
	return taken;
}

/* ---- of a host ---- */

static int wire_greet(struct weir_qtest *qtest)
{
	qtest->wire.waits = qtest->process.listen_fd >= 0;
	/* its answer comes after the reset, which fills RAM */
	return wire_ask(&qtest->wire, NULL, "endianness");
}

int wire_open(struct weir_qtest *qtest)
{
	int err = wire_init(&qtest->wire, &qtest->process, qtest->timeout_ms);

	return err ? err : wire_greet(qtest);
}

int weir_qtest_inherit(struct weir_qtest *qtest, char out_error[WEIR_QTEST_ERROR_BYTES])
{
	struct wire *w = &qtest->wire;
	int err, connected;

	if (qtest->process.listen_fd < 0) {
		snprintf(out_error, WEIR_QTEST_ERROR_BYTES, "it was not made to be inherited");
		return WEIR_EINVAL;
	}
	wire_fini(w);
	memset(w, 0, sizeof(*w));
	connected = process_connect(&qtest->process);
	err = wire_init(w, &qtest->process, qtest->timeout_ms);
	if (err)
		channel_break(&w->channel, err, "out of memory");
	else if (connected)
		err = channel_break(&w->channel, connected, "QEMU's qtest server is not there");
	else
		err = wire_greet(qtest);
	if (err)
		snprintf(out_error, WEIR_QTEST_ERROR_BYTES, "%s", w->channel.error);
	return err;
}
