// SPDX-License-Identifier: MIT
/*
 * What the clients share: quarantine, waiting and texts. Nothing of a C library is
 * used: a module must load where there is none.
 */
#include "common.h"

#define FIRST_PAUSE_NS 1000u
#define LAST_PAUSE_NS  50000u

void client_init(struct client *c, struct weir_device *dev, const char *name)
{
	c->dev = dev;
	c->ops = weir_machine_host(weir_device_machine(dev), &c->host);
	c->name = name;
}

int client_quarantine(struct client *c, const char *what, uint64_t value)
{
	struct client_text text;
	char line[192];

	if (c->fault[0])
		return WEIR_EIO;
	client_text_begin(&text, c->fault, sizeof(c->fault));
	client_text_add(&text, what);
	if (value != CLIENT_NO_VALUE) {
		client_text_add(&text, " (");
		client_text_hex(&text, value);
		client_text_add(&text, ")");
	}
	c->stats.fault = c->fault;
	(void)weir_pci_master(c->dev, false);
	if (!c->ops->log)
		return WEIR_EIO;
	client_text_begin(&text, line, sizeof(line));
	client_text_add(&text, c->name);
	client_text_add(&text, ": ");
	client_text_add(&text, weir_device_name(c->dev));
	client_text_add(&text, ": in quarantine: ");
	client_text_add(&text, c->fault);
	c->ops->log(c->host, WEIR_LOG_ERR, line);
	return WEIR_EIO;
}

/* ---- waiting ---- */

uint64_t client_now(const struct client *c)
{
	return c->ops->time_ns ? c->ops->time_ns(c->host) : 0;
}

void client_barrier(const struct client *c)
{
	if (c->ops->dma_barrier)
		c->ops->dma_barrier(c->host);
	else
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void client_wait_begin(struct client_wait *wait, const struct client *c, uint64_t ns)
{
	wait->c = c;
	wait->begin_ns = wait->last_ns = client_now(c);
	wait->ns = wait->left = ns;
	wait->pause_ns = FIRST_PAUSE_NS;
}

bool client_wait_more(struct client_wait *wait)
{
	const struct client *c = wait->c;
	uint32_t pause = wait->pause_ns;
	uint64_t now = client_now(c);

	if (now != wait->last_ns)
		wait->left = wait->ns;
	wait->last_ns = now;
	if (now - wait->begin_ns >= wait->ns || wait->left < pause)
		return false;
	wait->left -= wait->left < pause ? wait->left : pause;
	if (c->ops->delay_ns)
		c->ops->delay_ns(c->host, pause);
	client_barrier(c);
	if (pause < LAST_PAUSE_NS)
		wait->pause_ns = 2 * pause;
	return true;
}

/* ---- texts ---- */

void client_text_begin(struct client_text *text, char *buffer, size_t bytes)
{
	text->at = buffer;
	text->left = bytes;
	if (bytes)
		buffer[0] = '\0';
}

void client_text_add(struct client_text *text, const char *words)
{
	for (; *words && text->left > 1; words++, text->left--)
		*text->at++ = *words;
	if (text->left)
		*text->at = '\0';
}

static void add_number(struct client_text *text, uint64_t value, unsigned int base)
{
	char digits[24];
	char *at = digits + sizeof(digits) - 1;

	*at = '\0';
	do {
		*--at = "0123456789abcdef"[value % base];
		value /= base;
	} while (value);
	client_text_add(text, at);
}

void client_text_number(struct client_text *text, uint64_t value)
{
	add_number(text, value, 10);
}

void client_text_hex(struct client_text *text, uint64_t value)
{
	client_text_add(text, "0x");
	add_number(text, value, 16);
}

void client_report(const struct client *c, const char *test, int err,
		   const struct weir_client_stats *before, uint64_t began_ns, char *report,
		   size_t bytes)
{
	uint64_t moved = c->stats.bytes - before->bytes, us = (client_now(c) - began_ns) / 1000;
	struct client_text text;

	client_text_begin(&text, report, bytes);
	client_text_add(&text, weir_device_name(c->dev));
	client_text_add(&text, ": ");
	client_text_add(&text, c->name);
	client_text_add(&text, " ");
	client_text_add(&text, test);
	client_text_add(&text, ": ");
	if (err) {
		client_text_add(&text, c->fault[0] ? "in quarantine: " : weir_strerror(err));
		client_text_add(&text, c->fault);
		client_text_add(&text, "; before that ");
	}
	client_text_number(&text, c->stats.transfers - before->transfers);
	client_text_add(&text, " transfers, ");
	client_text_number(&text, moved);
	client_text_add(&text, " bytes");
	if (err || !us || !moved)
		return;
	client_text_add(&text, ", ");
	client_text_number(&text, moved * 1000000 / us >> 20);
	client_text_add(&text, " MiB/s");
}

bool client_text_equal(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}
