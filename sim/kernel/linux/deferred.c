// SPDX-License-Identifier: MIT
/*
 * Deferral as Linux 6.12 does it: a list of devices that wait, a list of devices
 * to try now, a worker, and a timer. Every bind moves all that wait to the list of
 * the worker. Linux-semantics section 8.
 */
#include "core/text.h"
#include "kernel/linux/state.h"

void linux_defer(struct weir_device *dev)
{
	if (dev->can_match && weir_list_empty(&dev->wait_node))
		weir_list_add_tail(&linux_state(dev->m)->pending, &dev->wait_node);
}

void linux_forget(struct weir_device *dev)
{
	weir_list_del(&dev->wait_node);
}

void linux_trigger(struct weir_machine *m)
{
	struct linux_state *s = linux_state(m);

	if (s->enabled)
		weir_list_splice_tail(&s->active, &s->pending);
}

void linux_work(struct weir_machine *m)
{
	struct linux_state *s = linux_state(m);
	struct weir_device *dev = weir_list_first(&s->active, struct weir_device, wait_node);

	if (!dev)
		return;
	weir_list_del(&dev->wait_node);
	weir_device_set_reason_(dev, NULL);
	dev->refs++;
	weir_attach_device_(dev);
	weir_device_unref_(dev);
}

static void settle(struct weir_machine *m)
{
	while (!weir_list_empty(&linux_state(m)->active))
		linux_work(m);
}

/* ---- declared ends ---- */

/* Links to suppliers that no driver has ever matched stop blocking. */
static void drivers_done(struct weir_machine *m)
{
	struct weir_event e = { .type = WEIR_EVENT_NO_MORE_DRIVERS };
	struct weir_link *link;
	uint32_t at = 0;

	linux_state(m)->drivers_done = true;
	m->cause = weir_event_(m, &e);
	while ((link = weir_link_each_(m, &at)))
		if (!link->supplier->can_match)
			weir_link_relax_(link);
}

static void probing_done(struct weir_machine *m)
{
	weir_sync_probing_done_(m, linux_state(m)->args.sync_state_timeout);
}

/* ---- the timer ---- */

void linux_timer_restart(struct weir_machine *m)
{
	struct linux_state *s = linux_state(m);

	if (s->timer_on)
		s->timer_end_ns = s->now_ns + (uint64_t)s->timeout * 1000000000u;
}

static void expire(struct weir_machine *m)
{
	struct linux_state *s = linux_state(m);
	struct weir_event e = { .type = WEIR_EVENT_TIMEOUT };
	struct weir_device *dev;

	s->timer_on = false;
	m->cause = weir_event_(m, &e);
	drivers_done(m);
	s->timeout = 0;
	linux_trigger(m);
	settle(m);
	weir_list_each(dev, &s->pending, struct weir_device, wait_node)
		weir_logf_(m, WEIR_LOG_INFO, "%s %s: deferred probe pending: %s", dev->bus->name,
			   dev->name, dev->reason ? dev->reason : "(reason unknown)");
	probing_done(m);
	m->cause = 0;
}

/* Fires when its time has come, or came while probes took theirs. */
static void check_timer(struct weir_machine *m)
{
	struct linux_state *s = linux_state(m);

	if (s->timer_on && s->timer_end_ns <= s->now_ns)
		expire(m);
}

void weir_linux_settle(struct weir_machine *m)
{
	weir_lock_(m);
	settle(m);
	check_timer(m);
	weir_unlock_(m);
}

void weir_linux_advance(struct weir_machine *m, uint64_t ms)
{
	struct linux_state *s = linux_state(m);
	uint64_t end = s->now_ns + ms * 1000000u;

	weir_lock_(m);
	if (s->timer_on && s->timer_end_ns <= end) {
		if (s->timer_end_ns > s->now_ns)
			s->now_ns = s->timer_end_ns;
		check_timer(m);
	}
	if (end > s->now_ns)
		s->now_ns = end;
	weir_unlock_(m);
}

void weir_linux_elapse(struct weir_machine *m, uint64_t ns)
{
	weir_lock_(m);
	linux_state(m)->now_ns += ns;
	weir_unlock_(m);
}

uint64_t weir_linux_now_ns(const struct weir_machine *m)
{
	return linux_state(m)->now_ns;
}

bool weir_linux_is_deferred(const struct weir_device *dev)
{
	return !weir_list_empty(&dev->wait_node);
}

/* ---- stations of a boot ---- */

void weir_linux_populate_begin(struct weir_machine *m)
{
	weir_lock_(m);
	weir_sync_pause_(m);
	weir_unlock_(m);
}

void weir_linux_populate_end(struct weir_machine *m)
{
	weir_lock_(m);
	weir_sync_resume_(m);
	weir_unlock_(m);
}

void weir_linux_initcalls_end(struct weir_machine *m)
{
	struct linux_state *s = linux_state(m);

	weir_lock_(m);
	weir_sync_resume_(m);
	s->enabled = true;
	linux_trigger(m);
	settle(m);
	s->initcalls_done = true;
	if (s->args.no_modules)
		drivers_done(m);
	linux_trigger(m);
	settle(m);
	if (s->timeout > 0) {
		s->timer_on = true;
		s->timer_end_ns = s->now_ns + (uint64_t)s->timeout * 1000000000u;
	}
	if (s->args.no_modules)
		probing_done(m);
	weir_unlock_(m);
}
