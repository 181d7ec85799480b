// SPDX-License-Identifier: MIT
/*
 * The policy table of linux-6.12, and the decisions that are short.
 */
#include "kernel/linux/state.h"

#include <stdlib.h>
#include <string.h>

#define PERMISSIVE (WEIR_LINK_INFERRED | WEIR_LINK_SYNC_STATE_ONLY)

/* ---- options ---- */

void weir_linux_args_init(struct weir_linux_args *out_args)
{
	*out_args = (struct weir_linux_args){
		.fw_devlink = WEIR_FW_DEVLINK_RPM,
		.deferred_probe_timeout = 10,
	};
}

/* The kernel's way of reading a boolean: y, 1, on, t and their opposites. */
static void set_bool(bool *out, const char *v, size_t n)
{
	if (n && (strchr("yYtT1", *v) || (n > 1 && (*v == 'o' || *v == 'O') &&
					  (v[1] == 'n' || v[1] == 'N'))))
		*out = true;
	else if (n && (strchr("nNfF0", *v) || (n > 1 && (*v == 'o' || *v == 'O') &&
					       (v[1] == 'f' || v[1] == 'F'))))
		*out = false;
}

static void set_mode(struct weir_linux_args *args, const char *v, size_t n)
{
	static const char *const names[] = { "off", "permissive", "on", "rpm" };

	for (int i = 0; i < 4; i++)
		if (strlen(names[i]) == n && !strncmp(names[i], v, n))
			args->fw_devlink = (enum weir_linux_fw_devlink)i;
}

static void set_option(struct weir_linux_args *args, const char *key, size_t key_len,
		       const char *v, size_t n)
{
	char number[24], *end;
	long seconds;

	if (key_len == 10 && !strncmp(key, "fw_devlink", 10))
		set_mode(args, v, n);
	else if (key_len == 17 && !strncmp(key, "fw_devlink.strict", 17))
		set_bool(&args->fw_devlink_strict, v, n);
	else if (key_len == 21 && !strncmp(key, "fw_devlink.sync_state", 21)) {
		if (n == 6 && !strncmp(v, "strict", 6))
			args->sync_state_timeout = false;
		else if (n == 7 && !strncmp(v, "timeout", 7))
			args->sync_state_timeout = true;
	} else if (key_len == 22 && !strncmp(key, "deferred_probe_timeout", 22) && n &&
		   n < sizeof(number)) {
		memcpy(number, v, n);
		number[n] = '\0';
		seconds = strtol(number, &end, 10);
		if (!*end)
			args->deferred_probe_timeout = (int)seconds;
	}
}

void weir_linux_args_parse(struct weir_linux_args *args, const char *cmdline)
{
	while (*cmdline) {
		size_t word = strcspn(cmdline, " \t\n");
		const char *eq = memchr(cmdline, '=', word);

		if (eq)
			set_option(args, cmdline, (size_t)(eq - cmdline), eq + 1,
				   word - (size_t)(eq + 1 - cmdline));
		cmdline += word;
		cmdline += strspn(cmdline, " \t\n");
	}
}

/* ---- life ---- */

static int init(struct weir_machine *m, const void *args)
{
	struct linux_state *s = weir_alloc_(m, sizeof(*s));

	if (!s)
		return WEIR_ENOMEM;
	if (args)
		s->args = *(const struct weir_linux_args *)args;
	else
		weir_linux_args_init(&s->args);
	s->timeout = s->args.deferred_probe_timeout;
	weir_list_init(&s->pending);
	weir_list_init(&s->active);
	weir_policy_set_state(m, s);
	m->sync_pause = 1; /* until late initcall */
	return 0;
}

static void fini(struct weir_machine *m)
{
	linux_cycle_fini(m);
	weir_free_(m, linux_state(m), sizeof(struct linux_state));
}

/* ---- links ---- */

static void device_visible(struct weir_device *dev)
{
	const struct weir_linux_args *a = &linux_state(dev->m)->args;
	struct weir_machine *m = dev->m;
	uint32_t cause = m->cause;

	if (!a->visible)
		return;
	weir_unlock_(m);
	a->visible(a->context, dev);
	weir_lock_(m);
	m->cause = cause;
}

static uint32_t firmware_rules(struct weir_machine *m)
{
	const struct weir_linux_args *a = &linux_state(m)->args;
	uint32_t rules = WEIR_RULE_HOLE_ENDS_LIST;

	if (a->fw_devlink_strict && a->fw_devlink != WEIR_FW_DEVLINK_PERMISSIVE)
		rules |= WEIR_RULE_OPTIONAL_BINDINGS;
	return rules;
}

/* Consumers first, then suppliers; the subtree is parsed before both. */
static int link_device(struct weir_device *dev)
{
	int err;

	if (linux_state(dev->m)->args.fw_devlink == WEIR_FW_DEVLINK_OFF)
		return 0;
	err = weir_fwnode_parse_tree_(dev->fwnode);
	if (!err)
		err = weir_fw_link_consumers_(dev);
	if (!err)
		err = weir_fw_link_suppliers_(dev);
	return err;
}

static uint32_t link_flags(const struct weir_fwlink *fwlink, struct weir_device *consumer,
			   bool proxy)
{
	if (proxy)
		return PERMISSIVE;
	if (fwlink->flags & WEIR_FWLINK_CYCLE)
		return PERMISSIVE | WEIR_LINK_CYCLE;
	switch (linux_state(consumer->m)->args.fw_devlink) {
	case WEIR_FW_DEVLINK_ON:
		return WEIR_LINK_INFERRED | WEIR_LINK_AUTOPROBE;
	case WEIR_FW_DEVLINK_RPM:
		return WEIR_LINK_INFERRED | WEIR_LINK_AUTOPROBE | WEIR_LINK_PM_RUNTIME;
	default:
		return PERMISSIVE;
	}
}

/* ---- when things are tried ---- */

static void relax_consumers(struct weir_device *dev)
{
	struct weir_link *link;

	weir_list_each(link, &dev->consumers, struct weir_link, s_node)
		weir_link_relax_(link);
}

static void device_ready(struct weir_device *dev)
{
	weir_attach_device_(dev);
	if (dev->fwnode && linux_state(dev->m)->drivers_done && !dev->can_match)
		relax_consumers(dev);
}

/*
 * Every device of the bus that fits, in order of addition; also those that come
 * while the walk is under way.
 */
static void driver_ready(struct weir_machine *m, const struct weir_driver *drv)
{
	struct weir_reg *reg = weir_reg_find_(m, drv);
	struct weir_device *dev;
	uint32_t after = 0;

	reg->users++;
	while ((dev = weir_match_next_device_(reg, after))) {
		after = dev->seq;
		weir_attach_one_(dev, reg);
	}
	weir_reg_put_(reg);
	linux_timer_restart(m);
}

/* ---- who is woken ---- */

static void supplier_ready(struct weir_link *link)
{
	if (link->flags & WEIR_LINK_AUTOPROBE)
		linux_defer(link->consumer);
}

static void bound(struct weir_device *dev)
{
	if (!weir_list_empty(&dev->wait_node)) {
		weir_list_del(&dev->wait_node);
		weir_device_set_reason_(dev, NULL);
	}
	linux_trigger(dev->m);
}

static void deferred(struct weir_device *dev, bool positive)
{
	(void)positive;
	linux_defer(dev);
}

static void failed(struct weir_device *dev, int err)
{
	(void)dev;
	(void)err;
}

/* One retry for each unit of budget. */
static int step(struct weir_machine *m, unsigned int budget)
{
	struct linux_state *s = linux_state(m);

	while (budget-- && !weir_list_empty(&s->active))
		linux_work(m);
	return !weir_list_empty(&s->active);
}

/*
 * A function's group is known by topology; Linux asks for ACS when the first function is
 * probed, which with device trees is late. Platform devices are each a group of their
 * own, made when their driver is tried.
 */
static unsigned int group_rules(struct weir_machine *m, bool *out_by_ids)
{
	*out_by_ids = false;
	return weir_fwnode_root(m) ? WEIR_PCI_RULES_LINUX_6_12_DT : WEIR_PCI_RULES_LINUX_6_12;
}

const struct weir_policy_ops weir_policy_linux_6_12 = {
	.abi = WEIR_ABI(struct weir_policy_ops),
	.name = "linux-6.12",
	.init = init,
	.fini = fini,
	.firmware_rules = firmware_rules,
	.device_visible = device_visible,
	.link_device = link_device,
	.link_flags = link_flags,
	.check_cycle = linux_check_cycle,
	.device_ready = device_ready,
	.driver_ready = driver_ready,
	.may_probe = linux_may_probe,
	.group_rules = group_rules,
	.dma_configure = linux_dma_configure,
	.supplier_ready = supplier_ready,
	.bound = bound,
	.deferred = deferred,
	.failed = failed,
	.deleted = linux_forget,
	.step = step,
};
