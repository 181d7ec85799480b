// SPDX-License-Identifier: MIT
/* The shell's dma and ping: work for the drivers of clients (examples/drivers/client.h). */
#include <string.h>

#include "client.h"
#include "shell_qemu.h"

#define PINGS 3u

/* Names of tests, "a, b". */
static void test_names(const struct weir_client_ops *ops, char *buf, size_t bytes)
{
	buf[0] = '\0';
	for (const struct weir_client_test *t = ops->tests; t && t->name; t++)
		snprintf(buf + strlen(buf), bytes - strlen(buf), "%s%s", t == ops->tests ? "" : ", ",
			 t->name);
}

static const struct weir_client_test *find_test(const struct weir_client_ops *ops,
						const char *name)
{
	const struct weir_client_test *t;

	for (t = ops->tests; t && t->name; t++)
		if (!strcmp(t->name, name))
			return t;
	return NULL;
}

int shell_dma(struct shell *sh, int argc, char **argv, json_t **out_result)
{
	char report[WEIR_CLIENT_REPORT_BYTES] = "", names[300];
	const struct weir_client_ops *ops;
	const struct weir_client_test *test;
	struct weir_device *dev;
	int status, err;

	if (argc < 1 || argc > 2)
		return shell_usage(sh, "dma");
	status = shell_device(sh, argv[0], &dev);
	if (status)
		return status;
	ops = weir_client_of(dev);
	if (!ops || !ops->dma_test || !ops->tests)
		return shell_fail(sh, EXIT_FINDING, "%s: %s", argv[0],
				  weir_device_driver(dev) ? "its driver has no tests" : "it has no driver");
	test = argc == 2 ? find_test(ops, argv[1]) : ops->tests;
	if (!test) {
		test_names(ops, names, sizeof(names));
		return shell_fail(sh, EXIT_USAGE, "%s: no test '%s'; there are %s", argv[0], argv[1],
				  names);
	}
	err = ops->dma_test(dev, test->name, report, sizeof(report));
	if (err)
		return shell_fail(sh, EXIT_FINDING, "%s: %s: %s (%s)", argv[0], test->name, report,
				  weir_strerror(err));
	*out_result = json_pack("{s:s, s:s, s:s}", "device", weir_device_name(dev), "test",
				test->name, "report", report);
	return EXIT_OK;
}

/* ---- ping ---- */

static struct weir_device *first_card(struct weir_machine *m)
{
	struct weir_device *dev;

	for (dev = weir_device_first(m); dev; dev = weir_device_next(dev)) {
		const struct weir_client_ops *ops = weir_client_of(dev);

		if (ops && ops->ping)
			return dev;
	}
	return NULL;
}

static int find_card(struct shell *sh, const char *name, struct weir_device **out_dev)
{
	struct weir_device *dev = NULL;
	const struct weir_client_ops *ops;
	int status = name ? shell_device(sh, name, &dev) : EXIT_OK;

	if (status)
		return status;
	if (!name)
		dev = first_card(sh->run.m);
	if (!dev)
		return shell_fail(sh, EXIT_FINDING, "no network card has its driver");
	ops = weir_client_of(dev);
	if (!ops || !ops->ping)
		return shell_fail(sh, EXIT_FINDING, "%s: %s", weir_device_name(dev),
				  weir_device_driver(dev) ? "it is no network card" : "it has no driver");
	*out_dev = dev;
	return EXIT_OK;
}

int shell_ping(struct shell *sh, int argc, char **argv, json_t **out_result)
{
	struct weir_client_ping ping = { 0 };
	struct weir_device *dev = NULL;
	int status, err;

	if (argc > 1)
		return shell_usage(sh, "ping");
	status = find_card(sh, argc ? argv[0] : NULL, &dev);
	if (status)
		return status;
	err = weir_client_of(dev)->ping(dev, WEIR_CLIENT_GATEWAY, PINGS, &ping);
	if (err)
		return shell_fail(sh, EXIT_FINDING, "%s: %u of %u answered: %s",
				  weir_device_name(dev), ping.received, ping.sent,
				  weir_strerror(err));
	*out_result = json_pack("{s:s, s:s, s:I, s:I, s:I}", "device", weir_device_name(dev),
				"address", "10.0.2.2", "sent", (json_int_t)ping.sent, "received",
				(json_int_t)ping.received, "mean_us",
				(json_int_t)(ping.sum_ns / 1000u / ping.received));
	return EXIT_OK;
}

/* ---- completion ---- */

/* Of all devices: which one is meant is another word. */
json_t *shell_tests(struct shell *sh)
{
	json_t *seen = json_object(), *names = json_array(), *value;
	struct weir_device *dev;
	const char *name;

	for (dev = weir_device_first(sh->run.m); dev; dev = weir_device_next(dev)) {
		const struct weir_client_ops *ops = weir_client_of(dev);

		for (const struct weir_client_test *t = ops ? ops->tests : NULL; t && t->name; t++)
			json_object_set_new(seen, t->name, json_true());
	}
	json_object_foreach(seen, name, value)
		json_array_append_new(names, json_string(name));
	json_decref(seen);
	return names;
}
