// SPDX-License-Identifier: MIT
/*
 * A socket to QEMU on which lines go both ways. Every wait ends at a deadline. A
 * channel that failed stays broken, with the first reason. Locked by its owner.
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "priv.h"

#define MAX_LINE_BYTES ((size_t)256 << 20)

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int channel_init(struct channel *c, int fd, const char *name, unsigned int timeout_ms,
		 const struct process *process)
{
	*c = (struct channel){
		.fd = fd, .name = name, .timeout_ms = timeout_ms, .process = process,
		.in_max = 4096,
	};
	c->in = malloc(c->in_max);
	return c->in ? 0 : WEIR_ENOMEM;
}

void channel_fini(struct channel *c)
{
	free(c->in);
	c->in = NULL;
}

int channel_break(struct channel *c, int err, const char *fmt, ...)
{
	va_list args;

	if (c->broken)
		return err;
	c->broken = true;
	va_start(args, fmt);
	vsnprintf(c->error, sizeof(c->error), fmt, args);
	va_end(args);
	return err;
}

static int ended(struct channel *c)
{
	char words[160];

	process_last_words(c->process, words, sizeof(words));
	return channel_break(c, WEIR_EIO, "QEMU has ended%s%s", words[0] ? ": " : "", words);
}

/*
 * Return: 1 ready; 0 not, and the time is over or was none; negative. A socket that others may listen at
 * stays open without QEMU: then it shows at QMP's that it has ended.
 */
static int await(struct channel *c, short events, int64_t deadline)
{
	struct pollfd p[2] = { { .fd = c->fd, .events = events }, { .fd = c->process->qmp_fd } };

	for (;;) {
		int64_t left = deadline - now_ms();
		int n = poll(p, 2, left <= 0 ? 0 : left < INT_MAX ? (int)left : INT_MAX);

		if (n > 0)
			return p[0].revents ? 1 : ended(c);
		if (n == 0 && left <= 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return channel_break(c, WEIR_EIO, "poll: %s", strerror(errno));
	}
}

static int timed_out(struct channel *c)
{
	return channel_break(c, WEIR_ETIMEDOUT, "QEMU's %s did not answer within %u ms", c->name,
			     c->timeout_ms);
}

int channel_send(struct channel *c, const char *text, size_t bytes)
{
	int64_t deadline = now_ms() + c->timeout_ms;

	while (bytes && !c->broken) {
		ssize_t n = send(c->fd, text, bytes, MSG_NOSIGNAL | MSG_DONTWAIT);
		int ready;

		if (n >= 0) {
			text += n;
			bytes -= (size_t)n;
			continue;
		}
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return ended(c);
		ready = await(c, POLLOUT, deadline);
		if (ready < 0)
			return ready;
		if (!ready)
			return timed_out(c);
	}
	return c->broken ? WEIR_EIO : 0;
}

/* More room behind what is there. */
static int make_room(struct channel *c)
{
	char *bigger;

	if (c->in_at) {
		memmove(c->in, c->in + c->in_at, c->in_bytes - c->in_at);
		c->in_bytes -= c->in_at;
		c->in_at = 0;
	}
	if (c->in_bytes < c->in_max)
		return 0;
	if (c->in_max >= MAX_LINE_BYTES)
		return channel_break(c, WEIR_EIO, "QEMU's %s sends a line without end", c->name);
	bigger = realloc(c->in, c->in_max * 2);
	if (!bigger)
		return channel_break(c, WEIR_ENOMEM, "out of memory");
	c->in = bigger;
	c->in_max *= 2;
	return 0;
}

/* Return: 1 something came; 0 nothing within the time; negative. */
static int receive(struct channel *c, int64_t deadline)
{
	int err = make_room(c);

	while (!err) {
		ssize_t n = recv(c->fd, c->in + c->in_bytes, c->in_max - c->in_bytes,
				 MSG_DONTWAIT);
		int ready;

		if (n > 0) {
			c->in_bytes += (size_t)n;
			return 1;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0 || errno != EAGAIN)
			return ended(c);
		if (!deadline)
			return 0;
		ready = await(c, POLLIN, deadline);
		if (ready <= 0)
			return ready;
	}
	return err;
}

int channel_line(struct channel *c, bool wait, char **out_line)
{
	int64_t deadline = wait ? now_ms() + c->timeout_ms : 0;
	size_t seen = c->in_at;

	while (!c->broken) {
		char *end = memchr(c->in + seen, '\n', c->in_bytes - seen);
		size_t skipped;
		int n;

		if (end) {
			*out_line = c->in + c->in_at;
			c->in_at = (size_t)(end + 1 - c->in);
			*end = '\0';
			if (end > *out_line && end[-1] == '\r')
				end[-1] = '\0';
			return 1;
		}
		skipped = c->in_bytes - c->in_at;
		n = receive(c, deadline);
		if (n < 0)
			return n;
		if (!n)
			return wait ? timed_out(c) : 0;
		seen = c->in_at + skipped;
	}
	return WEIR_EIO;
}
