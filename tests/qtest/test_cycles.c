// SPDX-License-Identifier: MIT
/*
 * Modules, loaded and unloaded again and again with DMA in flight: shared objects that
 * are really opened and closed, on QEMU's devices behind an IOMMU.
 *
 * WEIR_CYCLES says how often (1000). After each unload everything that can grow is what
 * it was after the first: memory of the machine and of the process, guest pages, mappings
 * of files, file descriptors, groups, links.
 */
#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"
#include "client.h"

#define DISK_BYTES (16 << 20)

/* What a sanitizer maps for itself grows. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

/* In the order of their devices, behind that of the IOMMU. */
static const struct {
	const char *module, *device;
} clients[] = {
	{ "edu", "0000:00:02.0" }, { "nvme", "0000:00:03.0" },
	{ "virtio-blk", "0000:00:04.0" }, { "e1000e", "0000:00:05.0" },
};

#define N_CLIENTS (sizeof(clients) / sizeof(clients[0]))

struct state {
	struct bench b;
	int disk_fd[2]; /* memory, which QEMU opens by its name here */
	char disk[2][120];
	struct weir_module *iommu, *modules[N_CLIENTS];
	struct weir_device *devices[N_CLIENTS];
};

/*
 * A host whose registers have a gate: who makes the @at-th access stands before it until
 * somebody waits for probes to end. It opens by itself soon, for an access under the
 * machine's lock: nobody else can do anything then.
 */
static struct gate {
	const struct weir_host_ops *inner;
	pthread_mutex_t mutex;
	pthread_cond_t moved;
	unsigned int at, count; /* at: 0 when it is open for all */
	bool reached, open;
} gate = { .mutex = PTHREAD_MUTEX_INITIALIZER, .moved = PTHREAD_COND_INITIALIZER };

static struct timespec in_ms(long ms)
{
	struct timespec time;

	clock_gettime(CLOCK_REALTIME, &time);
	time.tv_nsec += ms * 1000000;
	time.tv_sec += time.tv_nsec / 1000000000;
	time.tv_nsec %= 1000000000;
	return time;
}

static void pass(void)
{
	struct timespec until = in_ms(30);
	int late = 0;

	pthread_mutex_lock(&gate.mutex);
	if (gate.at && ++gate.count == gate.at) {
		gate.reached = true;
		pthread_cond_broadcast(&gate.moved);
		while (!gate.open && !late)
			late = pthread_cond_timedwait(&gate.moved, &gate.mutex, &until);
	}
	pthread_mutex_unlock(&gate.mutex);
}

static uint64_t gated_read(void *host, uintptr_t at, unsigned int width)
{
	pass();
	return gate.inner->mmio_read(host, at, width);
}

static void gated_write(void *host, uintptr_t at, unsigned int width, uint64_t value)
{
	pass();
	gate.inner->mmio_write(host, at, width, value);
}

/* Whoever waits for the probe has decided what becomes of it. */
static void let_in(void)
{
	pthread_mutex_lock(&gate.mutex);
	gate.open = true;
	pthread_cond_broadcast(&gate.moved);
	pthread_mutex_unlock(&gate.mutex);
}

static void gated_wait(void *host)
{
	let_in();
	gate.inner->thread_wait(host);
}

static void gated_lock_wait(void *host, struct weir_lock *lock)
{
	let_in();
	gate.inner->lock_wait(host, lock);
}

static struct weir_host_ops gated_ops;

static const struct weir_host_ops *make_gated_ops(struct weir_qtest *qtest)
{
	gate.inner = weir_qtest_ops(qtest);
	gated_ops = *gate.inner;
	gated_ops.mmio_read = gated_read;
	gated_ops.mmio_write = gated_write;
	gated_ops.thread_wait = gated_wait;
	gated_ops.lock_wait = gated_lock_wait;
	return &gated_ops;
}

static void make_disk(struct state *s, int i)
{
	s->disk_fd[i] = memfd_create("disk", MFD_CLOEXEC);
	assert_true(s->disk_fd[i] >= 0);
	assert_int_equal(ftruncate(s->disk_fd[i], DISK_BYTES), 0);
	snprintf(s->disk[i], sizeof(s->disk[i]), "driver=file,node-name=disk%d,locking=off,"
		 "filename=/proc/%d/fd/%d", i, (int)getpid(), s->disk_fd[i]);
}

static void open_all(struct state *s, unsigned int threads)
{
	const char *args[20] = {
		"-device", "edu,dma_mask=0xffffffffffffffff,addr=02.0",
		"-blockdev", s->disk[0], "-device", "nvme,serial=weir,drive=disk0,addr=03.0",
		"-blockdev", s->disk[1], "-device",
		"virtio-blk-pci,drive=disk1,iommu_platform=on,disable-legacy=on,addr=04.0",
		"-netdev", "user,id=net0", "-device", "e1000e,netdev=net0,addr=05.0",
	};
	struct weir_qtest_options options = {
		.arch = "aarch64", .args = args, .machine = bench_iommu()->machine,
		.posix = { .module_dir = TEST_DRIVER_DIR, .threads = threads },
	};
	char error[WEIR_QTEST_ERROR_BYTES], iommu[64];
	int err;

	memset(s, 0, sizeof(*s));
	bench_iommu_args("01.0", iommu, args, 14);
	make_disk(s, 0);
	make_disk(s, 1);
	err = weir_qtest_create(&options, &s->b.qtest, error);
	if (err == WEIR_ENOENT) {
		fprintf(stderr, "# %s\n", error);
		skip();
	}
	if (err)
		fail_msg("%s", error);
	bench_machine_on(&s->b, threads ? make_gated_ops(s->b.qtest) : weir_qtest_ops(s->b.qtest));
	for (size_t i = 0; i < N_CLIENTS; i++)
		s->devices[i] = bench_named(&s->b, clients[i].device);
}

static void close_all(struct state *s)
{
	bench_close(&s->b);
	close(s->disk_fd[0]);
	close(s->disk_fd[1]);
}

static void load(struct state *s, const char *name, struct weir_module **out_module)
{
	if (weir_module_open(s->b.m, name, out_module))
		fail_msg("module %s cannot be loaded", name);
	assert_int_equal(weir_settle(s->b.m), 0);
}

static void load_clients(struct state *s)
{
	for (size_t i = 0; i < N_CLIENTS; i++)
		if (!s->modules[i])
			load(s, clients[i].module, &s->modules[i]);
}

/* Every client does DMA that nobody waits for. */
static void start(struct state *s)
{
	char report[WEIR_CLIENT_REPORT_BYTES];

	for (size_t i = 0; i < N_CLIENTS; i++) {
		const struct weir_client_ops *ops = weir_client_of(s->devices[i]);

		if (!ops)
			fail_msg("%s is not bound", clients[i].device);
		assert_true(weir_dma_is_translated(s->devices[i]));
		assert_true(weir_pci_is_master(s->devices[i]));
		if (ops->dma_test(s->devices[i], "start", report, sizeof(report)))
			fail_msg("%s", report);
	}
}

/* ---- what there is ---- */

struct account {
	struct weir_machine_stats machine;
	uint64_t page_bytes;
	unsigned int fds, maps;
	long resident_kib;
};

static unsigned int lines_of(const char *path)
{
	FILE *f = fopen(path, "r");
	unsigned int n = 0;
	int c;

	assert_non_null(f);
	while ((c = fgetc(f)) != EOF)
		n += c == '\n';
	fclose(f);
	return n;
}

static unsigned int fd_count(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned int n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static long resident_kib(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	long total, resident;

	assert_non_null(f);
	assert_int_equal(fscanf(f, "%ld %ld", &total, &resident), 2);
	fclose(f);
	return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

static void take_account(struct state *s, struct account *out)
{
	struct weir_qtest_stats qtest;

	weir_machine_stats_get(s->b.m, &out->machine);
	weir_qtest_stats_get(s->b.qtest, &qtest);
	out->page_bytes = qtest.page_bytes;
	out->fds = fd_count();
	out->maps = SANITIZED ? 0 : lines_of("/proc/self/maps");
	out->resident_kib = SANITIZED ? 0 : resident_kib();
}

/*
 * What a table of names takes more or less when it is made anew, which comes with the number of loads
 * so far: as many allocations, and some bytes.
 */
#define TABLE_BYTES 1024u

/* What differs is told by name: a figure alone would not say what leaks. */
static void assert_same(const struct account *a, const struct account *b, unsigned int cycle)
{
	const struct {
		const char *what;
		uint64_t then, now;
	} figures[] = {
		{ "allocations", a->machine.alloc_count, b->machine.alloc_count },
		{ "bytes", 0, b->machine.alloc_bytes > a->machine.alloc_bytes + TABLE_BYTES },
		{ "devices", a->machine.devices, b->machine.devices },
		{ "drivers", a->machine.drivers, b->machine.drivers },
		{ "links", a->machine.links, b->machine.links },
		{ "firmware links", a->machine.fwnode_links, b->machine.fwnode_links },
		{ "bytes of guest pages", a->page_bytes, b->page_bytes },
		{ "file descriptors", a->fds, b->fds },
		{ "mapped files", a->maps, b->maps },
	};

	for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++)
		if (figures[i].then != figures[i].now)
			fail_msg("cycle %u: %s: %llu, then %llu", cycle, figures[i].what,
				 (unsigned long long)figures[i].then,
				 (unsigned long long)figures[i].now);
}

/* Nobody is up, nobody may do DMA, nobody has a group. */
static void assert_down(struct state *s)
{
	struct weir_dma_stats stats;

	for (size_t i = 0; i < N_CLIENTS; i++) {
		assert_int_not_equal(weir_device_status_get(s->devices[i]), WEIR_DEVICE_BOUND);
		assert_false(weir_pci_is_master(s->devices[i]));
		assert_int_equal(weir_device_group(s->devices[i]), WEIR_ENOENT);
		weir_dma_stats_get(s->devices[i], &stats);
		assert_int_equal(stats.mappings, 0);
	}
}

/* ---- cycles ---- */

/* The IOMMU goes from under its masters, which stay loaded. */
static void unload_by_force(struct state *s)
{
	struct weir_device *user, *used;

	for (unsigned int i = 0; i < N_CLIENTS; i++) {
		assert_int_equal(weir_module_user(s->iommu, i, &user, &used), 0);
		assert_ptr_equal(used, bench_iommu_device(&s->b));
	}
	assert_int_equal(weir_module_user(s->iommu, N_CLIENTS, &user, &used), WEIR_ENOENT);
	assert_int_equal(weir_module_unload(s->iommu, 0), WEIR_EBUSY);
	assert_int_equal(weir_module_unload(s->iommu, WEIR_MODULE_FORCE), 0);
}

/* The masters go one after the other, then the IOMMU, which is free then. */
static void unload_one_by_one(struct state *s, unsigned int first)
{
	for (size_t i = 0; i < N_CLIENTS; i++) {
		size_t at = (i + first) % N_CLIENTS;

		assert_int_equal(weir_module_unload(s->modules[at], 0), 0);
		s->modules[at] = NULL;
		assert_false(weir_pci_is_master(s->devices[at]));
	}
	assert_int_equal(weir_module_unload(s->iommu, 0), 0);
}

static unsigned int wanted_cycles(void)
{
	const char *text = getenv("WEIR_CYCLES");
	unsigned long n = text ? strtoul(text, NULL, 10) : 1000;

	return n > 10 ? (unsigned int)n : 10;
}

static void test_cycles_with_dma_in_flight(void **state)
{
	struct account first = { .fds = 0 }, now = { .fds = 0 };
	unsigned int n = wanted_cycles();
	struct state s;
	long warm = 0;

	(void)state;
	open_all(&s, 0);
	for (unsigned int i = 0; i < n; i++) {
		load_clients(&s);
		load(&s, bench_iommu()->module, &s.iommu);
		start(&s);
		if (i % 2)
			unload_one_by_one(&s, i / 2);
		else
			unload_by_force(&s);
		assert_down(&s);
		if (i % 2 == 0) /* the same number of modules in each account */
			for (size_t c = 0; c < N_CLIENTS; c++) {
				assert_int_equal(weir_module_unload(s.modules[c], 0), 0);
				s.modules[c] = NULL;
			}
		take_account(&s, &now);
		if (i == 1)
			first = now;
		else if (i > 1)
			assert_same(&first, &now, i);
		if (i == 9)
			warm = now.resident_kib;
		assert_string_equal(weir_qtest_error(s.b.qtest), "");
	}
	printf("# %u cycles; resident %ld KiB after 10, %ld KiB at the end\n", n, warm,
	       now.resident_kib);
	assert_true(now.resident_kib < warm + 1024);
	close_all(&s);
}

/* ---- unloading while a probe is under way ---- */

/* Starts probes; true when one stands before the gate, false when they end before. */
static bool start_until(struct state *s, unsigned int at)
{
	struct timespec until;
	bool reached;
	int r;

	pthread_mutex_lock(&gate.mutex);
	gate.at = at;
	gate.count = 0;
	gate.reached = gate.open = false;
	pthread_mutex_unlock(&gate.mutex);
	do {
		r = weir_step(s->b.m, 1);
		until = in_ms(1);
		pthread_mutex_lock(&gate.mutex);
		if (!gate.reached)
			pthread_cond_timedwait(&gate.moved, &gate.mutex, &until);
		reached = gate.reached;
		pthread_mutex_unlock(&gate.mutex);
	} while (!reached && r);
	return reached;
}

static void open_gate(void)
{
	pthread_mutex_lock(&gate.mutex);
	gate.open = true;
	gate.at = 0;
	pthread_cond_broadcast(&gate.moved);
	pthread_mutex_unlock(&gate.mutex);
}

/* Another domain, and the usual one again. */
static void replace(struct state *s, struct weir_device *dev)
{
	struct weir_domain *usual, *other;
	struct weir_group *group;

	assert_int_equal(weir_group_of(dev, &group), 0);
	usual = weir_domain_ref(weir_group_domain(group));
	assert_int_equal(weir_domain_create(s->b.m, WEIR_DOMAIN_DMA, &other), 0);
	assert_int_equal(weir_group_attach(group, other), 0);
	assert_int_equal(weir_group_attach(group, usual), 0);
	weir_domain_unref(other);
	weir_domain_unref(usual);
}

/* edu's messages arrive, behind an IOMMU that was reloaded, and after its domain was replaced. */
static void assert_messages(struct state *s)
{
	const struct weir_client_ops *edu = weir_client_of(s->devices[0]);
	char report[WEIR_CLIENT_REPORT_BYTES];

	for (unsigned int i = 0; i < 3; i++) {
		if (edu->dma_test(s->devices[0], "msi", report, sizeof(report)))
			fail_msg("%s", report);
		replace(s, s->devices[0]);
	}
}

/* Everything works, whatever happened before. */
static void assert_works(struct state *s)
{
	char report[WEIR_CLIENT_REPORT_BYTES];

	for (size_t i = 0; i < N_CLIENTS; i++) {
		const struct weir_client_ops *ops = weir_client_of(s->devices[i]);

		if (!ops)
			fail_msg("%s is not bound", clients[i].device);
		if (ops->dma_test(s->devices[i], ops->tests[0].name, report, sizeof(report)))
			fail_msg("%s", report);
	}
	assert_messages(s);
}

/*
 * The IOMMU is unloaded at the first, second, third ... access to registers of the probes
 * that its load starts: its own, then those of the clients behind it.
 */
static void test_cycles_unload_at_each_step_of_a_probe(void **state)
{
	struct account first, now;
	unsigned int at;
	struct state s;

	(void)state;
	open_all(&s, 2);
	load_clients(&s);
	load(&s, bench_iommu()->module, &s.iommu);
	assert_int_equal(weir_module_unload(s.iommu, WEIR_MODULE_FORCE), 0);
	take_account(&s, &first);
	for (at = 1;; at++) {
		bool reached;

		assert_int_equal(weir_module_open(s.b.m, bench_iommu()->module, &s.iommu), 0);
		reached = start_until(&s, at);
		if (!reached)
			open_gate();
		assert_int_equal(weir_module_unload(s.iommu, WEIR_MODULE_FORCE), 0);
		open_gate();
		assert_int_equal(weir_settle(s.b.m), 0);
		assert_down(&s);
		take_account(&s, &now);
		if (first.page_bytes != now.page_bytes || first.maps != now.maps)
			fail_msg("step %u: %llu bytes of pages, then %llu", at,
				 (unsigned long long)first.page_bytes,
				 (unsigned long long)now.page_bytes);
		if (!reached)
			break;
	}
	printf("# unloaded at %u steps\n", at);
	assert_true(at > 200);
	load(&s, bench_iommu()->module, &s.iommu);
	assert_works(&s);
	assert_int_equal(weir_module_unload(s.iommu, WEIR_MODULE_FORCE), 0);
	close_all(&s);
}

/* The same with the client's own module, which waits for the probe that it takes away. */
static unsigned int unload_client_at_each_step(struct state *s, size_t i)
{
	struct account first, now;
	unsigned int at;

	for (at = 1;; at++) {
		struct weir_dma_stats stats;
		bool reached;

		assert_int_equal(weir_module_open(s->b.m, clients[i].module, &s->modules[i]), 0);
		reached = start_until(s, at);
		if (!reached)
			open_gate();
		assert_int_equal(weir_module_unload(s->modules[i], 0), 0);
		open_gate();
		assert_int_equal(weir_settle(s->b.m), 0);
		assert_int_equal(weir_device_status_get(s->devices[i]), WEIR_DEVICE_NO_DRIVER);
		assert_false(weir_pci_is_master(s->devices[i]));
		weir_dma_stats_get(s->devices[i], &stats);
		assert_int_equal(stats.mappings, 0);
		take_account(s, at <= 2 ? &first : &now);
		if (at > 2)
			assert_same(&first, &now, at);
		if (!reached)
			break;
	}
	load(s, clients[i].module, &s->modules[i]);
	return at - 1;
}

static void test_cycles_unload_each_client_at_each_step(void **state)
{
	struct state s;

	(void)state;
	open_all(&s, 2);
	load(&s, bench_iommu()->module, &s.iommu);
	for (size_t i = 0; i < N_CLIENTS; i++) {
		unsigned int steps = unload_client_at_each_step(&s, i);

		printf("# %s unloaded at %u steps\n", clients[i].module, steps);
		assert_true(steps > 10);
	}
	assert_works(&s);
	close_all(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cycles_unload_at_each_step_of_a_probe),
		cmocka_unit_test(test_cycles_unload_each_client_at_each_step),
		cmocka_unit_test(test_cycles_with_dma_in_flight),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
