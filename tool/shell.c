// SPDX-License-Identifier: MIT
/*
 * `weir shell`: a machine and commands, from a terminal, a script or the command line.
 *
 * A script stops at the first command that fails, and ends with its status; with -k it
 * goes on, and ends with the worst. A terminal's user sees what fails: the status is
 * that of the last command.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shell.h"

static const struct verb_help help = {
	.verb = VERB_SHELL,
	.usage = "shell MACHINE [-c COMMANDS | --script FILE] [options]",
	.what = "A machine, and commands for it: modules are loaded and unloaded, devices bound,\n"
		"plugged and suspended, DMA is done, and each answer says what happened. `help` in it\n"
		"lists the commands. MACHINE is one of\n"
		"  BOARD.dtb              a board; its drivers are modelled, as in weir boot\n"
		"  qemu:virt[,KEY=VALUE]  the device models of a QEMU, driven by real modules:\n"
		"    iommu=virtio|smmuv3  an IOMMU; everything else is behind it\n"
		"    dev=MODEL            e1000e, virtio-blk, nvme, edu, port (a slot for plug); may\n"
		"                         be given again for more\n"
		"    ram=MIB              the size of memory (128)\n"
		"    pcap=FILE            what passes the network devices, for tcpdump or Wireshark\n"
		"    arch=riscv64         instead of aarch64\n"
		"    arg=WORD             one more argument for QEMU; a comma in it is written ,,\n",
	.example = "weir shell qemu:virt,iommu=virtio,dev=e1000e,dev=virtio-blk",
	.status = "0 all commands went well, 1 one did not, 2 bad usage or input.",
};

static bool is_blank(const char *line)
{
	line += strspn(line, " \t");
	return !*line || *line == '#';
}

/* Return: the worse of two. */
static int worse(int a, int b)
{
	return a > b ? a : b;
}

static int run_file(struct shell *sh, FILE *file, bool terminal)
{
	struct shell_lines *lines = shell_lines_open(sh, file);
	const char *line;
	int status = EXIT_OK;

	if (!lines)
		return complain("out of memory");
	while (!sh->quit && (line = shell_lines_next(lines))) {
		int one;

		if (is_blank(line))
			continue;
		one = shell_run_line(sh, line);
		status = terminal ? one : worse(status, one);
		if (one && !terminal && !sh->o.keep_going)
			break;
	}
	shell_lines_close(lines);
	return status;
}

static int run_script(struct shell *sh, const char *path)
{
	FILE *file = fopen(path, "r");
	int status;

	if (!file)
		return complain("%s: %s", path, strerror(errno));
	status = run_file(sh, file, false);
	if (ferror(file))
		status = complain("%s: %s", path, strerror(errno));
	fclose(file);
	return status;
}

static int run_all(struct shell *sh)
{
	bool terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
	int status = EXIT_OK;

	if (!sh->o.commands.n && !sh->o.script)
		return run_file(sh, stdin, terminal);
	if (sh->o.script)
		status = run_script(sh, sh->o.script);
	for (size_t i = 0; i < sh->o.commands.n && !sh->quit; i++) {
		if (status && !sh->o.keep_going)
			break;
		status = worse(status, shell_run_line(sh, sh->o.commands.item[i]));
	}
	return status;
}

int cmd_shell(int argc, char **argv)
{
	struct shell sh = { 0 };
	int status = opts_parse(&sh.o, argc, argv, &help);

	if (status || sh.o.help)
		return status;
	if (sh.o.nr_args != 1)
		return complain("shell: one machine is needed; see weir shell --help");
	status = shell_machine_open(&sh, sh.o.args[0]);
	if (!status)
		status = run_all(&sh);
	shell_machine_close(&sh);
	return status;
}
