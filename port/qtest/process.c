// SPDX-License-Identifier: MIT
/*
 * QEMU as a process that ends with this one, whatever way this one ends.
 *
 * Between the two stands a guard: a child of ours, QEMU's parent, that does
 * nothing but read from the leash. The leash is closed when we end, also by
 * SIGKILL; then the guard kills QEMU and goes. Should the guard itself be killed,
 * QEMU is killed by its parent's death. QEMU gets all its files as descriptors, so
 * there is none to be left behind.
 *
 * After the fork only functions are called that are safe there in a program with
 * threads.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "priv.h"

/* Higher than all descriptors that QEMU is given, lower than what an open would find free. */
#define FD_ABOVE 16

char *process_find(const char *name)
{
	const char *path = getenv("PATH");
	const char *end;

	for (; path && *path; path = *end ? end + 1 : end) {
		char *file;

		end = strchrnul(path, ':');
		if (asprintf(&file, "%.*s/%s", (int)(end - path), path, name) < 0)
			return NULL;
		if (!access(file, X_OK))
			return file;
		free(file);
	}
	return NULL;
}

int process_memory_file(const char *name, size_t bytes)
{
	int fd = memfd_create(name, MFD_CLOEXEC);

	if (fd >= 0 && ftruncate(fd, (off_t)bytes)) {
		close(fd);
		return -1;
	}
	return fd;
}

/* ---- in the children ---- */

static void close_from(int first)
{
#ifdef SYS_close_range
	if (!syscall(SYS_close_range, (unsigned int)first, ~0u, 0u))
		return;
#endif
	for (int fd = first; fd < 65536; fd++)
		close(fd);
}

/* fds[i] becomes descriptor i; those that are -1 stay closed. All others are closed. */
static int arrange(int *fds, int n)
{
	for (int i = 0; i < n; i++) {
		if (fds[i] < 0)
			continue;
		fds[i] = fcntl(fds[i], F_DUPFD, FD_ABOVE);
		if (fds[i] < 0)
			return -1;
	}
	for (int i = 0; i < n; i++) {
		if (fds[i] < 0)
			close(i);
		else if (dup2(fds[i], i) < 0)
			return -1;
	}
	close_from(n);
	return 0;
}

static void complain(const char *what)
{
	const char *why = strerrordesc_np(errno);

	if (write(STDERR_FILENO, what, strlen(what)) < 0 ||
	    (why && write(STDERR_FILENO, why, strlen(why)) < 0))
		return;
	if (write(STDERR_FILENO, "\n", 1) < 0)
		return;
}

static void run_qemu(pid_t guard, char *const argv[])
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != guard)
		_exit(1);
	execv(argv[0], argv);
	complain("cannot be executed: ");
	_exit(127);
}

/* fds: 0 to 6 for QEMU, and the leash's other end. */
static void run_guard(int *fds, int leash, char *const argv[])
{
	enum { FD_LEASH = FD_BIOS + 1, NR_FDS };
	int all[NR_FDS];
	pid_t qemu;
	char c;

	setsid(); /* signals of the terminal are not for QEMU: we decide */
	for (int i = 0; i < FD_LEASH; i++)
		all[i] = fds[i];
	all[FD_LEASH] = leash;
	if (arrange(all, NR_FDS))
		_exit(1);
	fcntl(FD_LEASH, F_SETFD, FD_CLOEXEC);
	qemu = fork();
	if (qemu == 0)
		run_qemu(getppid(), argv);
	for (int i = 0; i < FD_LEASH; i++)
		close(i);
	if (qemu > 0) {
		while (read(FD_LEASH, &c, 1) < 0 && errno == EINTR)
			;
		kill(qemu, SIGKILL);
		while (waitpid(qemu, NULL, 0) < 0 && errno == EINTR)
			;
	}
	_exit(0);
}

/* ---- in ours ---- */

int process_connect(struct process *p)
{
	struct pollfd qmp = { .fd = p->qmp_fd }; /* not there yet: -1 */
	socklen_t bytes = sizeof(struct sockaddr_un);
	struct sockaddr_un name;
	int fd;

	/* without QEMU connecting works all the same: we hold the socket that listens, too */
	if (poll(&qmp, 1, 0) > 0)
		return WEIR_EIO;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return WEIR_EIO;
	if (getsockname(p->listen_fd, (struct sockaddr *)&name, &bytes) ||
	    connect(fd, (struct sockaddr *)&name, bytes)) {
		close(fd);
		return WEIR_EIO;
	}
	if (p->qtest_fd >= 0)
		close(p->qtest_fd);
	p->qtest_fd = fd;
	return 0;
}

/* A socket that listens, by a name that is no file: the kernel chooses it (unix(7), autobind). */
static int listen_somewhere(void)
{
	const struct sockaddr_un name = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && (bind(fd, (const struct sockaddr *)&name, sizeof(name.sun_family)) ||
			listen(fd, 1))) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* Both ends. Where others can come later, QEMU's listens. Return: 0; -1. */
static int open_qtest(struct process *p, bool inherited, int qtest[2])
{
	if (!inherited)
		return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, qtest);
	p->listen_fd = listen_somewhere();
	if (p->listen_fd < 0)
		return -1;
	qtest[1] = fcntl(p->listen_fd, F_DUPFD_CLOEXEC, 0);
	if (qtest[1] < 0 || process_connect(p)) {
		close(qtest[1]);
		close(p->listen_fd);
		p->listen_fd = -1;
		return -1;
	}
	qtest[0] = p->qtest_fd;
	return 0;
}

int process_start(struct process *p, char *const argv[], int bios_fd, bool inherited)
{
	int leash[2], qtest[2], qmp[2], null, err = WEIR_EAGAIN;

	if (pipe2(leash, O_CLOEXEC))
		return err;
	if (open_qtest(p, inherited, qtest))
		goto close_leash;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, qmp))
		goto close_qtest;
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0)
		goto close_qmp;
	p->guard = fork();
	if (p->guard == 0) {
		int fds[] = { null, p->log_fd, p->log_fd, qtest[1], qmp[1], p->ram_fd, bios_fd };

		run_guard(fds, leash[0], argv);
	}
	close(null);
	if (p->guard < 0) {
		p->guard = 0;
		goto close_qmp;
	}
	close(leash[0]);
	close(qtest[1]);
	close(qmp[1]);
	p->leash = leash[1];
	p->qtest_fd = qtest[0];
	p->qmp_fd = qmp[0];
	return 0;

close_qmp:
	close(qmp[0]);
	close(qmp[1]);
close_qtest:
	close(qtest[0]);
	close(qtest[1]);
	p->qtest_fd = -1;
close_leash:
	close(leash[0]);
	close(leash[1]);
	return err;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void process_end(struct process *p)
{
	close_fd(&p->leash);
	if (p->guard)
		while (waitpid(p->guard, NULL, 0) < 0 && errno == EINTR)
			;
	p->guard = 0;
	close_fd(&p->qtest_fd);
	close_fd(&p->listen_fd);
	close_fd(&p->qmp_fd);
	close_fd(&p->ram_fd);
	close_fd(&p->log_fd);
}

/* QEMU's errors begin with its name; some have hints behind them. */
void process_last_words(const struct process *p, char *buf, size_t bytes)
{
	char text[2048], *line, *next;
	off_t end = lseek(p->log_fd, 0, SEEK_END);
	off_t from = end > (off_t)sizeof(text) - 1 ? end - (off_t)sizeof(text) + 1 : 0;
	ssize_t n = end < 0 ? -1 : pread(p->log_fd, text, sizeof(text) - 1, from);

	buf[0] = '\0';
	if (n <= 0)
		return;
	text[n] = '\0';
	for (line = strtok_r(text, "\r\n", &next); line; line = strtok_r(NULL, "\r\n", &next))
		if (!buf[0] || strstr(line, "qemu-system-"))
			snprintf(buf, bytes, "%s", line);
}
