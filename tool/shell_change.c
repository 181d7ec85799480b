// SPDX-License-Identifier: MIT
/* The shell's commands that change devices: bind, unbind, plug, unplug, suspend, resume. */
#include <stdlib.h>
#include <string.h>

#include "shell_qemu.h"

static int one_device(struct shell *sh, const char *command, int argc, char **argv,
		      struct weir_device **out_dev)
{
	return argc == 1 ? shell_device(sh, argv[0], out_dev) : shell_usage(sh, command);
}

int shell_bind(struct shell *sh, int argc, char **argv, json_t **out_result)
{
	struct weir_device *dev;
	int status = one_device(sh, "bind", argc, argv, &dev), err;

	(void)out_result;
	if (status)
		return status;
	err = weir_driver_bind(dev);
	if (err == WEIR_EBUSY)
		return EXIT_OK;
	if (err)
		return shell_fail(sh, EXIT_FINDING, "%s: no loaded driver fits it", argv[0]);
	err = shell_settle(sh);
	if (err)
		return shell_fail(sh, EXIT_FINDING, "%s", weir_strerror(err));
	if (weir_device_status_get(dev) == WEIR_DEVICE_BOUND)
		return EXIT_OK;
	return shell_fail(sh, EXIT_FINDING, "%s is not bound: %s; `why` tells more", argv[0],
			  weir_verdict_name(weir_device_verdict(dev, NULL)));
}

int shell_unbind(struct shell *sh, int argc, char **argv, json_t **out_result)
{
	struct weir_device *dev;
	int status = one_device(sh, "unbind", argc, argv, &dev);

	(void)out_result;
	if (status)
		return status;
	if (weir_driver_unbind(dev))
		return shell_fail(sh, EXIT_FINDING, "%s has no driver", argv[0]);
	shell_settle(sh);
	return EXIT_OK;
}

/* ---- plugging ---- */

static bool is_free_port(const struct weir_device *dev)
{
	struct weir_pci_info info;
	struct weir_device *other;

	if (weir_pci_info_get(dev, &info) || !info.hotplug)
		return false;
	for (other = weir_device_first(weir_device_machine(dev)); other;
	     other = weir_device_next(other))
		if (weir_device_parent(other) == dev)
			return false;
	return true;
}

/* QEMU's ports are numbered as they were asked for, and so are the devices. */
static int port_index(struct shell *sh, const struct weir_device *port)
{
	struct weir_pci_info info;
	struct weir_device *dev;
	int n = 0;

	for (dev = weir_device_first(sh->run.m); dev && dev != port; dev = weir_device_next(dev))
		n += !weir_pci_info_get(dev, &info) && info.hotplug;
	return n;
}

static int find_port(struct shell *sh, const char *name, struct weir_device **out_port)
{
	struct weir_device *dev;
	int status;

	if (name) {
		status = shell_device(sh, name, &dev);
		if (status)
			return status;
		if (!is_free_port(dev))
			return shell_fail(sh, EXIT_FINDING, "%s is not a port that is free", name);
		*out_port = dev;
		return 0;
	}
	for (dev = weir_device_first(sh->run.m); dev && !is_free_port(dev);
	     dev = weir_device_next(dev))
		;
	if (!dev)
		return shell_fail(sh, EXIT_FINDING, "no port is free; the machine gets one by dev=port");
	*out_port = dev;
	return 0;
}

static int qmp(struct shell *sh, const char *command)
{
	char *reply = NULL;
	json_t *doc;
	const char *text = NULL;
	int err = weir_qtest_qmp(sh->qemu->qtest, command, &reply), status = EXIT_OK;

	doc = reply ? json_loads(reply, 0, NULL) : NULL;
	if (err && json_unpack(doc, "{s:{s:s}}", "error", "desc", &text))
		text = weir_strerror(err);
	if (err)
		status = shell_fail(sh, EXIT_FINDING, "QEMU: %s", text);
	json_decref(doc);
	free(reply);
	return status;
}

/* "edu,dma_mask=1" is the driver and its property. */
static int plug_into(struct shell *sh, const char *model, struct weir_device *port,
		     struct plugged *p)
{
	const char *driver = qemu_model(model), *comma = strchr(driver, ',');
	char command[400];

	snprintf(command, sizeof(command), "{\"execute\": \"device_add\", \"arguments\": "
		 "{\"driver\": \"%.*s\", \"id\": \"%s\", \"bus\": \"port%d\"%s}}",
		 comma ? (int)(comma - driver) : (int)strlen(driver), driver, p->id,
		 port_index(sh, port), strcmp(model, "edu") ? "" :
		 ", \"dma_mask\": 18446744073709551615");
	return qmp(sh, command);
}

static struct weir_device *child_of(struct weir_device *port)
{
	struct weir_device *dev;

	for (dev = weir_device_first(weir_device_machine(port)); dev; dev = weir_device_next(dev))
		if (weir_device_parent(dev) == port)
			return dev;
	return NULL;
}

static bool can_plug(const char *model)
{
	for (size_t i = 0; shell_models[i]; i++)
		if (!strcmp(shell_models[i], model))
			return true;
	return false;
}

static int pull(struct shell *sh, struct plugged *p, struct weir_device *port)
{
	const char *gone[2] = { "DEVICE_DELETED", p->id };
	char command[100];
	int status, err;

	snprintf(command, sizeof(command),
		 "{\"execute\": \"device_del\", \"arguments\": {\"id\": \"%s\"}}", p->id);
	status = qmp(sh, command);
	if (status)
		return status;
	weir_pci_unplug(port);
	err = weir_qtest_qmp_event(sh->qemu->qtest, gone);
	shell_settle(sh);
	return err ? shell_fail(sh, EXIT_FINDING, "QEMU does not let go of it: %s",
				weir_strerror(err)) : EXIT_OK;
}

int shell_plug(struct shell *sh, int argc, char **argv, json_t **out_result)
{
	struct weir_device *port = NULL, *dev;
	struct plugged *p;
	int status;

	if (argc < 1 || argc > 2)
		return shell_usage(sh, "plug");
	if (!sh->qemu)
		return shell_fail(sh, EXIT_USAGE, "nothing can be plugged into a board's tree");
	if (!can_plug(argv[0]))
		return shell_fail(sh, EXIT_USAGE, "%s: not one of edu, e1000e", argv[0]);
	status = find_port(sh, argv[1], &port);
	if (status)
		return status;
	p = calloc(1, sizeof(*p));
	if (!p)
		return shell_fail(sh, EXIT_FINDING, "out of memory");
	snprintf(p->id, sizeof(p->id), "plug%u", sh->qemu->nr_plugged++);
	status = plug_into(sh, argv[0], port, p);
	if (!status && weir_pci_plug(port) < 1) {
		status = shell_fail(sh, EXIT_FINDING, "nothing is found in the port");
		(void)pull(sh, p, port); /* QEMU would keep it there, unseen */
	}
	if (status) {
		free(p);
		return status;
	}
	dev = child_of(port);
	snprintf(p->name, sizeof(p->name), "%s", dev ? weir_device_name(dev) : "");
	p->next = sh->qemu->plugged;
	sh->qemu->plugged = p;
	*out_result = json_pack("{s:s}", "device", p->name);
	shell_settle(sh);
	return EXIT_OK;
}

int shell_unplug(struct shell *sh, int argc, char **argv, json_t **out_result)
{
	struct weir_device *dev;
	struct plugged **at;
	int status = one_device(sh, "unplug", argc, argv, &dev);

	(void)out_result;
	if (status)
		return status;
	for (at = sh->qemu ? &sh->qemu->plugged : NULL; at && *at; at = &(*at)->next) {
		struct plugged *p = *at;

		if (strcmp(p->name, weir_device_name(dev)))
			continue;
		status = pull(sh, p, weir_device_parent(dev));
		if (!status) {
			*at = p->next;
			free(p);
		}
		return status;
	}
	return shell_fail(sh, EXIT_FINDING, "%s was not plugged", argv[0]);
}

/* ---- power ---- */

int shell_suspend(struct shell *sh, int argc, char **argv, json_t **out_result)
{
	int err;

	(void)argv;
	(void)out_result;
	if (argc)
		return shell_usage(sh, "suspend");
	err = weir_pm_suspend(sh->run.m);
	if (err == WEIR_EBUSY)
		return shell_fail(sh, EXIT_FINDING, "the machine is suspended");
	return err ? shell_fail(sh, EXIT_FINDING, "a driver refuses: %s", weir_strerror(err))
		   : EXIT_OK;
}

int shell_resume(struct shell *sh, int argc, char **argv, json_t **out_result)
{
	int err;

	(void)argv;
	(void)out_result;
	if (argc)
		return shell_usage(sh, "resume");
	err = weir_pm_resume(sh->run.m);
	if (err == WEIR_EINVAL)
		return shell_fail(sh, EXIT_FINDING, "the machine is not suspended");
	shell_settle(sh);
	return err ? shell_fail(sh, EXIT_FINDING, "a driver fails: %s", weir_strerror(err))
		   : EXIT_OK;
}
