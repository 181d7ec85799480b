// SPDX-License-Identifier: MIT
/* The port itself: how QEMU starts and ends, what is left, memory, firmware's files. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

static void sleep_ms(long ms)
{
	const struct timespec time = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	nanosleep(&time, NULL);
}

/* The child of a process, from /proc; 0: it has none. */
static pid_t child_of(pid_t parent)
{
	char path[64], text[400];
	struct dirent *entry;
	DIR *proc = opendir("/proc");
	pid_t found = 0;

	assert_non_null(proc);
	while (!found && (entry = readdir(proc))) {
		pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10), ppid = 0;
		const char *after;
		FILE *file;
		size_t n;

		snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
		file = pid > 0 ? fopen(path, "r") : NULL;
		if (!file)
			continue;
		n = fread(text, 1, sizeof(text) - 1, file);
		text[n] = '\0';
		fclose(file);
		after = strrchr(text, ')'); /* PID (NAME) STATE PPID */
		if (after && sscanf(after + 1, " %*c %d", &ppid) == 1 && ppid == parent)
			found = pid;
	}
	closedir(proc);
	return found;
}

/* A zombie that nobody has waited for counts as gone: its memory and files are. */
static bool is_gone(pid_t pid)
{
	char path[64], text[400];
	const char *after;
	FILE *file;
	size_t n;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	file = fopen(path, "r");
	if (!file)
		return true;
	n = fread(text, 1, sizeof(text) - 1, file);
	text[n] = '\0';
	fclose(file);
	after = strrchr(text, ')');
	return after && after[2] == 'Z';
}

static void assert_goes(pid_t pid)
{
	assert_true(pid > 0);
	for (int n = 0; n < 500 && !is_gone(pid); n++)
		sleep_ms(10);
	assert_true(is_gone(pid));
}

static unsigned int entries_of(const char *path)
{
	DIR *dir = opendir(path);
	unsigned int n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

/* The guard runs before QEMU does. */
static pid_t qemu_of(pid_t guard)
{
	pid_t pid = 0;

	for (int n = 0; n < 500 && !pid; n++) {
		pid = child_of(guard);
		if (!pid)
			sleep_ms(10);
	}
	return pid;
}

/* ---- ends ---- */

static void test_port_leaves_nothing(void **state)
{
	char dir[] = "/tmp/weir-test-XXXXXX";
	unsigned int fds, shm;
	struct bench b;
	pid_t guard, qemu;

	(void)state;
	assert_non_null(mkdtemp(dir));
	setenv("TMPDIR", dir, 1);
	bench_start(&b, "aarch64", NULL, NULL); /* skips when there is none */
	bench_close(&b);
	fds = entries_of("/proc/self/fd");
	shm = entries_of("/dev/shm");
	for (int n = 0; n < 5; n++) {
		bench_start(&b, "aarch64", NULL, NULL);
		guard = weir_qtest_pid(b.qtest);
		qemu = qemu_of(guard);
		assert_true(qemu > 0);
		b.qtest = weir_qtest_destroy(b.qtest);
		assert_true(is_gone(qemu));
		assert_true(is_gone(guard));
	}
	assert_int_equal(entries_of("/proc/self/fd"), fds);
	assert_int_equal(entries_of("/dev/shm"), shm);
	unsetenv("TMPDIR");
	assert_int_equal(rmdir(dir), 0); /* which fails when anything is in it */
}

/* A process with a QEMU, which tells its pids and waits. */
static pid_t start_program(pid_t *out_guard, pid_t *out_qemu)
{
	struct weir_qtest_options options = { .arch = "aarch64" };
	char error[WEIR_QTEST_ERROR_BYTES];
	struct weir_qtest *qtest;
	int channel[2];
	pid_t pid, pids[2] = { 0 };

	assert_int_equal(pipe(channel), 0);
	pid = fork();
	if (!pid) {
		if (weir_qtest_create(&options, &qtest, error))
			_exit(1);
		pids[0] = weir_qtest_pid(qtest);
		pids[1] = qemu_of(pids[0]);
		if (write(channel[1], pids, sizeof(pids)) != sizeof(pids))
			_exit(1);
		for (;;)
			pause();
	}
	close(channel[1]);
	if (read(channel[0], pids, sizeof(pids)) != sizeof(pids))
		memset(pids, 0, sizeof(pids));
	close(channel[0]);
	*out_guard = pids[0];
	*out_qemu = pids[1];
	return pid;
}

static void dies_with(int signal)
{
	pid_t guard, qemu, pid;
	struct bench b;

	bench_start(&b, "aarch64", NULL, NULL); /* skips; and one more that must not matter */
	pid = start_program(&guard, &qemu);
	assert_true(qemu > 0);
	assert_false(is_gone(qemu));
	kill(pid, signal);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_goes(qemu);
	assert_goes(guard);
	assert_false(is_gone(weir_qtest_pid(b.qtest)));
	bench_close(&b);
}

static void test_port_dies_when_killed(void **state)
{
	(void)state;
	dies_with(SIGKILL);
}

static void test_port_dies_when_interrupted(void **state)
{
	(void)state;
	dies_with(SIGINT);
}

/* ---- failures ---- */

/* Reads of a machine that is gone are all ones, and the reason is there. */
static void test_port_qemu_killed(void **state)
{
	const struct weir_host_ops *ops;
	struct bench b;

	(void)state;
	bench_start(&b, "aarch64", NULL, NULL);
	ops = weir_qtest_ops(b.qtest);
	assert_true(ops->mmio_read(b.qtest, 0x4010000000, 4) != UINT64_MAX);
	kill(qemu_of(weir_qtest_pid(b.qtest)), SIGKILL);
	ops->mmio_write(b.qtest, 0x4010000004, 2, 0);
	assert_true(ops->mmio_read(b.qtest, 0x4010000000, 4) == UINT64_MAX);
	assert_non_null(strstr(weir_qtest_error(b.qtest), "QEMU has ended"));
	assert_int_equal(weir_qtest_qmp(b.qtest, "{\"execute\": \"query-status\"}", NULL), WEIR_EIO);
	weir_qtest_destroy(b.qtest);
}

/* Should the guard be killed, QEMU goes too. */
static void test_port_guard_killed(void **state)
{
	struct bench b;
	pid_t qemu;

	(void)state;
	bench_start(&b, "aarch64", NULL, NULL);
	qemu = qemu_of(weir_qtest_pid(b.qtest));
	kill(weir_qtest_pid(b.qtest), SIGKILL);
	assert_goes(qemu);
	weir_qtest_destroy(b.qtest);
}

static void test_port_qemu_hangs(void **state)
{
	/* so long that a QEMU on a busy machine is not late when it starts */
	struct weir_qtest_options options = { .arch = "aarch64", .timeout_ms = 6000 };
	char error[WEIR_QTEST_ERROR_BYTES];
	struct weir_qtest *qtest;
	pid_t qemu;
	int err;

	(void)state;
	err = weir_qtest_create(&options, &qtest, error);
	if (err == WEIR_ENOENT)
		skip();
	assert_int_equal(err, 0);
	qemu = qemu_of(weir_qtest_pid(qtest));
	kill(qemu, SIGSTOP);
	assert_true(weir_qtest_ops(qtest)->mmio_read(qtest, 0x4010000000, 4) == UINT64_MAX);
	assert_string_equal(weir_qtest_error(qtest),
			    "QEMU's qtest server did not answer within 6000 ms");
	weir_qtest_destroy(qtest);
	assert_true(is_gone(qemu));
}

static void assert_fails(const struct weir_qtest_options *options, int want, const char *words)
{
	char error[WEIR_QTEST_ERROR_BYTES];
	struct weir_qtest *qtest = NULL;
	int err = weir_qtest_create(options, &qtest, error);

	if (!err)
		weir_qtest_destroy(qtest);
	assert_int_equal(err, want);
	if (!strstr(error, words))
		fail_msg("\"%s\" does not say \"%s\"", error, words);
}

static void test_port_bad_options(void **state)
{
	static const char *const nonsense[] = { "-device", "no-such-device", NULL };
	struct weir_qtest_options options = { .arch = "m68k" };
	struct bench b;

	(void)state;
	assert_fails(&options, WEIR_EINVAL, "unknown architecture");
	options.arch = NULL;
	assert_fails(&options, WEIR_EINVAL, "unknown architecture");
	options.arch = "aarch64";
	options.ram_bytes = 4096;
	assert_fails(&options, WEIR_EINVAL, "MiB");
	options.arch = "x86_64"; /* beyond, RAM is in two pieces */
	options.ram_bytes = (size_t)3 << 30;
	assert_fails(&options, WEIR_EINVAL, "2048 MiB");
	options.arch = "aarch64";
	options.ram_bytes = 0;
	bench_start(&b, "aarch64", NULL, NULL);
	bench_close(&b);
	options.machine = "no-such-machine";
	assert_fails(&options, WEIR_EIO, "unsupported machine type");
	options.machine = NULL;
	options.args = nonsense;
	assert_fails(&options, WEIR_EIO, "no-such-device");
}

/* A program that is called like QEMU and does what @script says. */
static void with_program(const char *script, unsigned int timeout_ms, int want, const char *words)
{
	struct weir_qtest_options options = { .arch = "aarch64", .timeout_ms = timeout_ms };
	char dir[] = "/tmp/weir-test-XXXXXX", file[64];
	char *path = strdup(getenv("PATH"));
	FILE *out;

	assert_non_null(mkdtemp(dir));
	snprintf(file, sizeof(file), "%s/qemu-system-aarch64", dir);
	if (script) {
		out = fopen(file, "w");
		assert_non_null(out);
		fprintf(out, "#!/bin/sh\n%s\n", script);
		fclose(out);
		assert_int_equal(chmod(file, 0755), 0);
	}
	setenv("PATH", dir, 1);
	assert_fails(&options, want, words);
	setenv("PATH", path, 1);
	free(path);
	unlink(file);
	assert_int_equal(rmdir(dir), 0);
}

static void test_port_not_qemu(void **state)
{
	(void)state;
	with_program(NULL, 0, WEIR_ENOENT, "package qemu-system-arm");
	with_program("exit 1", 0, WEIR_EIO, "QEMU has ended");
	with_program("echo 'qemu-system-x: out of luck'; exit 1", 0, WEIR_EIO, "out of luck");
	with_program("echo hello >&4; read x", 0, WEIR_EIO, "no greeting");
	with_program("while :; do read x; done", 200, WEIR_ETIMEDOUT, "did not answer within 200 ms");
	with_program("echo '{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 9, \"minor\": 1, "
		     "\"major\": 7}}}}' >&4; read x",
		     0, WEIR_EOPNOTSUPP, "QEMU 7.1.9 is too old");
	with_program("echo '{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 0, \"minor\": 0, "
		     "\"major\": 9}}}}' >&4; echo '{\"return\": {}}' >&4; echo FAIL >&3; read x <&3; "
		     "read x <&3",
		     0, WEIR_EIO, "answers \"FAIL\"");
}

/* ---- memory and writes ---- */

static void test_port_pages(void **state)
{
	const struct weir_host_ops *ops;
	uint64_t pa[4], ram_pa;
	size_t ram_bytes;
	void *va[4], *same;
	struct bench b;

	(void)state;
	bench_start(&b, "aarch64", NULL, NULL);
	ops = weir_qtest_ops(b.qtest);
	assert_non_null(weir_qtest_ram(b.qtest, &ram_pa, &ram_bytes));
	assert_int_equal(ops->pages_alloc(b.qtest, 4096, 4096, &va[0], &pa[0]), 0);
	assert_int_equal(ops->pages_alloc(b.qtest, 65536, 1u << 20, &va[1], &pa[1]), 0);
	assert_int_equal(pa[1] % (1u << 20), 0);
	assert_int_equal(ops->pages_alloc(b.qtest, ram_bytes, 4096, &va[2], &pa[2]), WEIR_ENOMEM);
	memset(va[0], 0x5a, 4096);
	/* what QEMU reads at the physical address is what is here */
	assert_int_equal(ops->mmio_read(b.qtest, (uintptr_t)pa[0], 4), 0x5a5a5a5a);
	assert_int_equal(weir_qtest_va(b.qtest, pa[0], 4096, &same), 0);
	assert_ptr_equal(same, va[0]);
	assert_int_equal(weir_qtest_va(b.qtest, ram_pa + ram_bytes - 1, 2, &same), WEIR_EFAULT);
	assert_int_equal(weir_qtest_va(b.qtest, ram_pa - 1, 1, &same), WEIR_EFAULT);
	ops->pages_free(b.qtest, va[0], pa[0], 4096);
	assert_int_equal(ops->pages_alloc(b.qtest, 4096, 4096, &va[3], &pa[3]), 0);
	assert_int_equal(pa[3], pa[0]);
	assert_int_equal(*(unsigned char *)va[3], 0); /* zeroed again */
	ops->pages_free(b.qtest, va[3], pa[3], 4096);
	ops->pages_free(b.qtest, va[1], pa[1], 65536);
	bench_close(&b);
}

/* Places that are none, and a host that has no page left for the words of messages. */
static void test_port_no_pages(void **state)
{
	const struct weir_host_ops *ops;
	struct weir_msi message;
	uint64_t pa, ram_pa;
	struct weir_irq *irq;
	size_t ram_bytes;
	uintptr_t at;
	struct bench b;
	void *va;

	(void)state;
	bench_start(&b, "aarch64", NULL, NULL);
	ops = weir_qtest_ops(b.qtest);
	(void)weir_qtest_ram(b.qtest, &ram_pa, &ram_bytes);
	assert_int_equal(ops->mmio_map(b.qtest, UINT64_MAX - 0xfff, 0x2000, &at), WEIR_EINVAL);
	assert_int_equal(ops->mmio_map(b.qtest, 0x1000, 0, &at), WEIR_EINVAL);
	/* alignment is that of the address, which RAM's begin need not have */
	assert_int_equal(ops->pages_alloc(b.qtest, 4096, (size_t)4 << 30, &va, &pa), WEIR_ENOMEM);
	weir_qtest_pages_within(b.qtest, ram_bytes - 4096, (size_t)1 << 40);
	assert_int_equal(ops->pages_alloc(b.qtest, 4096, 4096, &va, &pa), 0);
	assert_int_equal(pa, ram_pa + ram_bytes - 4096);
	assert_int_equal(ops->msi_request(b.qtest, 1, NULL, NULL, &message, &irq), WEIR_ENOMEM);
	ops->pages_free(b.qtest, va, pa, 4096);
	bench_close(&b);
}

/* Far more writes than answers fit into a socket, all of them done, in order, by the next read. */
static void test_port_posted_writes(void **state)
{
	const struct weir_host_ops *ops;
	struct weir_qtest_stats before, after;
	uint32_t *words;
	struct bench b;
	uint64_t pa;
	void *va;

	(void)state;
	bench_start(&b, "aarch64", NULL, NULL);
	ops = weir_qtest_ops(b.qtest);
	assert_int_equal(ops->pages_alloc(b.qtest, 65536, 4096, &va, &pa), 0);
	words = va;
	weir_qtest_stats_get(b.qtest, &before);
	for (unsigned int i = 0; i < 16384; i++)
		ops->mmio_write(b.qtest, (uintptr_t)pa + 4 * (uintptr_t)i, 4, i ^ 0x5a5a0000u);
	assert_int_equal(ops->mmio_read(b.qtest, (uintptr_t)pa + 65532, 2), 16383);
	weir_qtest_stats_get(b.qtest, &after);
	assert_int_equal(after.posted - before.posted, 16384);
	assert_int_equal(after.round_trips - before.round_trips, 1);
	for (unsigned int i = 0; i < 16384; i++)
		assert_int_equal(words[i], i ^ 0x5a5a0000u);
	for (unsigned int width = 1; width <= 8; width *= 2) {
		memset(va, 0, 16);
		ops->mmio_write(b.qtest, (uintptr_t)pa, width, 0x8877665544332211u);
		assert_true(ops->mmio_read(b.qtest, (uintptr_t)pa, 8) ==
			    (0x8877665544332211u & (UINT64_MAX >> (64 - 8 * width))));
	}
	ops->pages_free(b.qtest, va, pa, 65536);
	bench_close(&b);
}

/* ---- firmware's files ---- */

static void reads_files(const char *arch)
{
	struct bench b;
	size_t bytes;
	void *data;

	bench_start(&b, arch, NULL, NULL);
	if (!strcmp(arch, "x86_64")) { /* MCFG is there when its window is: MCH, PCIEXBAR */
		weir_qtest_out(b.qtest, 0xcf8, 4, 0x80000060);
		weir_qtest_out(b.qtest, 0xcfc, 4, 0xb0000001);
	}
	assert_int_equal(weir_qtest_firmware_file(b.qtest, "etc/acpi/rsdp", &data, &bytes), 0);
	assert_true(bytes >= 20);
	assert_memory_equal(data, "RSD PTR ", 8);
	free(data);
	assert_int_equal(weir_qtest_firmware_file(b.qtest, "etc/acpi/tables", &data, &bytes), 0);
	assert_non_null(memmem(data, bytes, "MCFG", 4));
	free(data);
	assert_int_equal(weir_qtest_firmware_file(b.qtest, "etc/table-loader", &data, &bytes), 0);
	free(data);
	assert_int_equal(weir_qtest_firmware_file(b.qtest, "no/such/file", &data, &bytes),
			 WEIR_ENOENT);
	bench_close(&b);
}

static void test_port_files_aarch64(void **state)
{
	(void)state;
	reads_files("aarch64");
}

static void test_port_files_x86_64(void **state)
{
	(void)state;
	reads_files("x86_64");
}

static void test_port_qmp(void **state)
{
	char *reply = NULL;
	struct bench b;

	(void)state;
	bench_start(&b, "aarch64", NULL, NULL);
	assert_true(weir_qtest_version(b.qtest) >= 70200);
	assert_int_equal(weir_qtest_qmp(b.qtest, "{\"execute\": \"query-status\"}", &reply), 0);
	assert_non_null(strstr(reply, "\"running\": true"));
	free(reply);
	assert_int_equal(weir_qtest_qmp(b.qtest, "{\"execute\": \"return\"}", &reply), WEIR_EINVAL);
	assert_non_null(strstr(reply, "CommandNotFound"));
	free(reply);
	bench_close(&b);
}

/* A process that is killed leaves registers and RAM; another part of RAM is the heir's. */
static void test_port_inherited(void **state)
{
	static const char *const args[] = { NULL };
	const struct weir_host_ops *ops;
	char error[WEIR_QTEST_ERROR_BYTES];
	uint64_t pa, ram_pa;
	size_t bytes;
	struct bench b;
	pid_t child;
	void *va;

	(void)state;
	bench_start(&b, "aarch64", NULL, args);
	assert_int_equal(weir_qtest_inherit(b.qtest, error), WEIR_EINVAL);
	assert_string_equal(error, "it was not made to be inherited");
	bench_close(&b);
	bench_start_inherited(&b, "aarch64", NULL, args);
	ops = weir_qtest_ops(b.qtest);
	(void)weir_qtest_ram(b.qtest, &ram_pa, &bytes);
	fflush(NULL);
	child = fork();
	if (!child) {
		weir_qtest_pages_within(b.qtest, 0, 4096);
		if (!ops->pages_alloc(b.qtest, 4096, 4096, &va, &pa))
			memcpy(va, "left", 5);
		ops->mmio_write(b.qtest, 0x9010004, 4, 54321); /* RTCMR of the clock, a PL031 */
		(void)ops->mmio_read(b.qtest, 0x9010004, 4);
		kill(getpid(), SIGKILL);
	}
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_int_equal(weir_qtest_inherit(b.qtest, error), 0);
	assert_int_equal(ops->mmio_read(b.qtest, 0x9010004, 4), 54321);
	weir_qtest_pages_within(b.qtest, 4096, 4096);
	assert_int_equal(ops->pages_alloc(b.qtest, 4096, 4096, &va, &pa), 0);
	assert_int_equal(pa, ram_pa + 4096);
	assert_int_equal(ops->pages_alloc(b.qtest, 4096, 4096, &va, &pa), WEIR_ENOMEM);
	ops->pages_free(b.qtest, va, ram_pa + 4096, 4096);
	assert_int_equal(weir_qtest_va(b.qtest, ram_pa, 5, &va), 0);
	assert_string_equal(va, "left");
	bench_close(&b);
}

/* Nothing to inherit: the host is as broken as any whose QEMU has ended. */
static void test_port_inherits_nothing(void **state)
{
	static const char *const args[] = { NULL };
	char error[WEIR_QTEST_ERROR_BYTES];
	const struct weir_host_ops *ops;
	struct bench b;
	pid_t qemu;

	(void)state;
	bench_start_inherited(&b, "aarch64", NULL, args);
	ops = weir_qtest_ops(b.qtest);
	qemu = qemu_of(weir_qtest_pid(b.qtest));
	kill(qemu, SIGKILL);
	assert_goes(qemu);
	assert_int_equal(weir_qtest_inherit(b.qtest, error), WEIR_EIO);
	assert_true(error[0]);
	assert_true(ops->mmio_read(b.qtest, 0x9010004, 4) == UINT64_MAX);
	ops->mmio_write(b.qtest, 0x9010004, 4, 1);
	assert_string_equal(weir_qtest_error(b.qtest), error);
	weir_qtest_destroy(b.qtest);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_port_leaves_nothing),
		cmocka_unit_test(test_port_dies_when_killed),
		cmocka_unit_test(test_port_dies_when_interrupted),
		cmocka_unit_test(test_port_qemu_killed),
		cmocka_unit_test(test_port_guard_killed),
		cmocka_unit_test(test_port_qemu_hangs),
		cmocka_unit_test(test_port_bad_options),
		cmocka_unit_test(test_port_not_qemu),
		cmocka_unit_test(test_port_pages),
		cmocka_unit_test(test_port_no_pages),
		cmocka_unit_test(test_port_posted_writes),
		cmocka_unit_test(test_port_files_aarch64),
		cmocka_unit_test(test_port_files_x86_64),
		cmocka_unit_test(test_port_qmp),
		cmocka_unit_test(test_port_inherited),
		cmocka_unit_test(test_port_inherits_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
