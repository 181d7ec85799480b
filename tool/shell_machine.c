// SPDX-License-Identifier: MIT
/*
 * The machine of a shell: a board's tree with modelled drivers, which is a run like
 * those of the other verbs, or a QEMU (shell_qemu.c). Both end up in a struct run.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shell_qemu.h"

/* A directory by its way from that of this program; NULL: it is not there. */
static char *beside_program(const char *way)
{
	char path[1024], *dir, *real;
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	if (n <= 0)
		return NULL;
	path[n] = '\0';
	*strrchr(path, '/') = '\0';
	dir = malloc(strlen(path) + strlen(way) + 2);
	if (!dir)
		return NULL;
	sprintf(dir, "%s/%s", path, way);
	real = realpath(dir, NULL);
	free(dir);
	return real;
}

/* The modules that were built with this program, else those that were installed with it. */
static char *own_modules(void)
{
	char *dir = beside_program("modules");

	if (!dir)
		dir = beside_program(WEIR_MODULE_WAY);
	return dir ? dir : strdup(WEIR_MODULE_DIR);
}

static int find_modules(struct shell *sh)
{
	const char *variable = getenv("WEIR_MODULES");

	sh->modules = sh->o.modules ? sh->o.modules : variable && *variable ? variable : NULL;
	if (sh->modules)
		return 0;
	sh->modules = sh->modules_text = own_modules();
	return sh->modules ? 0 : complain("out of memory");
}

/* Nothing is loaded at first: that is what the commands are for. */
static int open_board(struct shell *sh, const char *board)
{
	char what[600];

	if (sh->o.modules)
		return complain("--modules: the drivers of a board are modelled; it is for qemu:");
	if (!sh->o.profile_given)
		sh->o.profile = PROFILE_WEIR;
	sh->o.scenario = "builtin";
	if (run_open(&sh->run, &sh->o, board, NULL, what, sizeof(what)))
		return complain("%s", what);
	sh->events_told = sh->run.record.n;
	return 0;
}

/* Options that say which drivers a modelled kernel has. */
static const char *board_option(const struct opts *o)
{
	return o->kernel ? "kernel" : o->drivers ? "drivers" : o->overlays.n ? "overlay" :
	       o->deny.n ? "deny" : o->cmdline ? "cmdline" : o->profile_given ? "profile" : NULL;
}

int shell_machine_open(struct shell *sh, const char *machine)
{
	static const char qemu[] = "qemu:";
	int err;

	if (strncmp(machine, qemu, strlen(qemu)))
		return open_board(sh, machine);
	if (board_option(&sh->o))
		return complain("--%s: the modules of a QEMU machine are real; it is for a board",
				board_option(&sh->o));
	err = find_modules(sh);
	if (err)
		return err;
	sh->o.profile = PROFILE_WEIR;
	sh->run.o = &sh->o;
	sh->run.board = machine;
	sh->run.modules = sh->modules;
	err = shell_qemu_open(sh, machine + strlen(qemu));
	sh->events_told = sh->run.record.n;
	return err;
}

void shell_machine_close(struct shell *sh)
{
	if (sh->modules)
		shell_qemu_close(sh);
	else
		run_close(&sh->run);
	free(sh->modules_text);
}

int shell_device(struct shell *sh, const char *name, struct weir_device **out_dev)
{
	struct weir_fwnode *node = NULL;
	struct weir_device *dev = NULL;
	char why[300];

	sh->complained = find_device(&sh->run, name, &dev, &node);
	if (sh->complained)
		return shell_fail(sh, EXIT_USAGE, "no device '%s'", name);
	if (!dev)
		return shell_fail(sh, EXIT_FINDING, "%s is no device: %s", name,
				  node_problem(node, why, sizeof(why)));
	*out_dev = dev;
	return 0;
}

int shell_settle(struct shell *sh)
{
	if (sh->qemu)
		return shell_qemu_settle(sh);
	weir_kmodel_settle(sh->run.model);
	return 0;
}
