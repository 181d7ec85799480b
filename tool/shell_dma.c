// SPDX-License-Identifier: MIT
/* The shell's dma and ping: work for the drivers of clients. */
#include "shell.h"

int shell_dma(struct shell *sh, int argc, char **argv, json_t **out_result)
{
	struct weir_device *dev;
	int status;

	(void)out_result;
	if (argc != 2)
		return shell_usage(sh, "dma");
	status = shell_device(sh, argv[0], &dev);
	return status ? status : shell_fail(sh, EXIT_FINDING, "%s: its driver has no test", argv[0]);
}

int shell_ping(struct shell *sh, int argc, char **argv, json_t **out_result)
{
	(void)argv;
	(void)out_result;
	if (argc > 1)
		return shell_usage(sh, "ping");
	return shell_fail(sh, EXIT_FINDING, "no device can ping");
}

json_t *shell_tests(void)
{
	return json_array();
}
