// SPDX-License-Identifier: MIT
/*
 * The POSIX host and the checking host: what the library relies on, and that
 * each kind of fault is seen.
 */
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cm.h"
#include "testhost.h"
#include "weir/posix.h"
#include "weir/weir.h"

/* ---- the POSIX host ---- */

static struct weir_posix *posix_with(const struct weir_posix_options *options)
{
	struct weir_posix *posix;

	assert_int_equal(weir_posix_create(options, &posix), 0);
	return posix;
}

static void test_posix_memory_is_zeroed(void **state)
{
	struct weir_posix *posix = posix_with(NULL);
	const struct weir_host_ops *ops = weir_posix_ops(posix);
	unsigned char *mem;
	int round, i;

	(void)state;
	for (round = 0; round < 2; round++) {
		mem = ops->alloc(posix, 300);
		assert_non_null(mem);
		for (i = 0; i < 300; i++)
			assert_int_equal(mem[i], 0);
		memset(mem, 0xff, 300);
		ops->free(posix, mem, 300);
	}
	weir_posix_destroy(posix);
}

static void test_posix_optional_calls_are_absent(void **state)
{
	struct weir_posix *posix = posix_with(NULL);
	const struct weir_host_ops *ops = weir_posix_ops(posix);

	(void)state;
	assert_int_equal(ops->abi.size, sizeof(*ops));
	assert_int_equal(ops->abi.version, WEIR_ABI_VERSION);
	assert_null(ops->log);
	assert_null(ops->thread_run);
	assert_null(ops->thread_wait);
	assert_null(ops->module_open);
	weir_posix_destroy(posix);
	assert_null(weir_posix_destroy(NULL));
}

/* ---- timers ---- */

struct ticker {
	const struct weir_host_ops *ops;
	struct weir_posix *posix;
	struct weir_timer *timer;
	_Atomic unsigned int ticks;
	unsigned int again; /* it sets itself so many times */
	_Atomic bool inside;
};

static void tick(void *arg)
{
	struct ticker *t = arg;

	t->inside = true;
	t->ticks++;
	if (t->ticks <= t->again)
		t->ops->timer_set(t->posix, t->timer, 1000);
	t->inside = false;
}

static void wait_for_ticks(struct ticker *t, unsigned int n)
{
	uint64_t end = t->ops->time_ns(t->posix) + 5000000000u;

	while (t->ticks < n && t->ops->time_ns(t->posix) < end)
		usleep(100);
	assert_int_equal(t->ticks, n);
}

/* No time is so long that it is over at once. */
static void test_posix_timer_never(void **state)
{
	struct weir_posix *posix = posix_with(NULL);
	const struct weir_host_ops *ops = weir_posix_ops(posix);
	struct ticker never = { .ops = ops, .posix = posix }, now = never;

	(void)state;
	assert_int_equal(ops->timer_create(posix, tick, &never, &never.timer), 0);
	assert_int_equal(ops->timer_create(posix, tick, &now, &now.timer), 0);
	ops->timer_set(posix, never.timer, UINT64_MAX);
	ops->timer_set(posix, now.timer, 0); /* the first due goes first */
	wait_for_ticks(&now, 1);
	ops->timer_destroy(posix, never.timer);
	assert_int_equal(never.ticks, 0);
	ops->timer_destroy(posix, now.timer);
	weir_posix_destroy(posix);
}

static void test_posix_timers_run_out(void **state)
{
	struct weir_posix *posix = posix_with(NULL);
	const struct weir_host_ops *ops = weir_posix_ops(posix);
	struct ticker a = { .ops = ops, .posix = posix, .again = 9 };
	struct ticker b = { .ops = ops, .posix = posix };
	uint64_t start;

	(void)state;
	assert_int_equal(ops->timer_create(posix, tick, &a, &a.timer), 0);
	assert_int_equal(ops->timer_create(posix, tick, &b, &b.timer), 0);
	ops->timer_set(posix, b.timer, 3600 * UINT64_C(1000000000));
	ops->timer_set(posix, a.timer, 0);
	wait_for_ticks(&a, 10);
	assert_int_equal(b.ticks, 0);
	/* the last word counts, and none comes too early */
	start = ops->time_ns(posix);
	ops->timer_set(posix, b.timer, 20000000);
	wait_for_ticks(&b, 1);
	assert_true(ops->time_ns(posix) - start >= 20000000);
	/* it is not running, and does not run again */
	a.again = UINT_MAX;
	ops->timer_set(posix, a.timer, 0);
	wait_for_ticks(&b, 1);
	ops->timer_destroy(posix, a.timer);
	assert_false(a.inside);
	ops->timer_destroy(posix, b.timer);
	weir_posix_destroy(posix);
}

static void test_posix_time_is_monotonic(void **state)
{
	struct weir_posix *posix = posix_with(NULL);
	const struct weir_host_ops *ops = weir_posix_ops(posix);
	uint64_t before = ops->time_ns(posix), after;
	int i;

	(void)state;
	for (i = 0; i < 1000; i++) {
		after = ops->time_ns(posix);
		assert_true(after >= before);
		before = after;
	}
	weir_posix_destroy(posix);
}

static void test_posix_log_obeys_its_level(void **state)
{
	char *text;
	size_t bytes;
	FILE *log = open_memstream(&text, &bytes);
	struct weir_posix *posix = posix_with(&(struct weir_posix_options){
		.log = log, .log_level = WEIR_LOG_WARN });
	const struct weir_host_ops *ops = weir_posix_ops(posix);

	(void)state;
	ops->log(posix, WEIR_LOG_ERR, "one");
	ops->log(posix, WEIR_LOG_WARN, "two");
	ops->log(posix, WEIR_LOG_INFO, "three");
	weir_posix_destroy(posix);
	fclose(log);
	assert_string_equal(text, "weir: error: one\nweir: warning: two\n");
	free(text);
}

struct job_count {
	pthread_mutex_t mutex;
	unsigned int done;
	pthread_t last;
};

static void count_job(void *arg)
{
	struct job_count *count = arg;

	pthread_mutex_lock(&count->mutex);
	count->done++;
	count->last = pthread_self();
	pthread_mutex_unlock(&count->mutex);
}

static unsigned int jobs_done(struct job_count *count)
{
	unsigned int done;

	pthread_mutex_lock(&count->mutex);
	done = count->done;
	pthread_mutex_unlock(&count->mutex);
	return done;
}

static void test_posix_threads_run_everything_once(void **state)
{
	struct weir_posix *posix = posix_with(&(struct weir_posix_options){ .threads = 3 });
	const struct weir_host_ops *ops = weir_posix_ops(posix);
	struct job_count count = { .mutex = PTHREAD_MUTEX_INITIALIZER };
	unsigned int given = 0;

	(void)state;
	while (given < 1000) {
		int err = ops->thread_run(posix, count_job, &count);

		if (err) {
			assert_int_equal(err, WEIR_EAGAIN);
			ops->thread_wait(posix);
		} else {
			given++;
		}
	}
	while (jobs_done(&count) < given)
		ops->thread_wait(posix);
	assert_int_equal(jobs_done(&count), 1000);
	assert_false(pthread_equal(count.last, pthread_self()));
	/* Nothing queued or running: the wait does not hang. */
	ops->thread_wait(posix);
	ops->thread_wait(posix);
	weir_posix_destroy(posix);
}

static void hold_job(void *arg)
{
	pthread_mutex_t *gate = arg;

	pthread_mutex_lock(gate);
	pthread_mutex_unlock(gate);
}

static void test_posix_full_queue_is_refused(void **state)
{
	struct weir_posix *posix = posix_with(&(struct weir_posix_options){ .threads = 1 });
	const struct weir_host_ops *ops = weir_posix_ops(posix);
	pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
	unsigned int given = 0;

	(void)state;
	pthread_mutex_lock(&gate);
	while (given < 1000 && ops->thread_run(posix, hold_job, &gate) == 0)
		given++;
	assert_in_range(given, 1, 999);
	pthread_mutex_unlock(&gate);
	/* Destroying runs what was queued. */
	weir_posix_destroy(posix);
}

static void test_posix_modules(void **state)
{
	struct weir_posix *posix = posix_with(&(struct weir_posix_options){
		.module_dir = TEST_MODULE_DIR });
	const struct weir_host_ops *ops = weir_posix_ops(posix);
	const struct weir_module_entry *entry = NULL;
	void *image = NULL;

	(void)state;
	assert_int_equal(ops->module_open(posix, "absent", &image, &entry), WEIR_ENOENT);
	assert_int_equal(ops->module_open(posix, "noentry", &image, &entry), WEIR_ENOEXEC);
	assert_int_equal(ops->module_open(posix, "../tests/good", &image, &entry), WEIR_EINVAL);
	assert_int_equal(ops->module_open(posix, "", &image, &entry), WEIR_EINVAL);
	assert_null(image);
	assert_null(entry);
	assert_int_equal(ops->module_open(posix, "good", &image, &entry), 0);
	assert_string_equal(entry->name, "good");
	assert_int_equal(entry->abi.version, WEIR_ABI_VERSION);
	ops->module_close(posix, image);
	weir_posix_destroy(posix);
}

/* What is wrong with a module is logged in one line that names it. */
static void test_posix_module_errors(void **state)
{
	static const struct {
		const char *name;
		int err;
		const char *words[2];
	} cases[] = {
		{ "absent", WEIR_ENOENT, { "module absent", "no absent.so in /nowhere:" } },
		{ "noentry", WEIR_ENOEXEC, { "noentry.so", "no weir_module_entry" } },
		{ "lacking", WEIR_ENOEXEC, { "lacking.so", "weir_nobody_has_this" } },
		{ "a/b", WEIR_EINVAL, { "'a/b'", "no name" } },
	};
	char *text = NULL;
	size_t bytes;
	FILE *log = open_memstream(&text, &bytes);
	struct weir_posix *posix = posix_with(&(struct weir_posix_options){
		.module_dir = "/nowhere:" TEST_MODULE_DIR, .log = log });
	const struct weir_host_ops *ops = weir_posix_ops(posix);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct weir_module_entry *entry;
		void *image;

		rewind(log);
		assert_int_equal(ops->module_open(posix, cases[i].name, &image, &entry),
				 cases[i].err);
		fputc('\0', log);
		fflush(log);
		assert_non_null(strstr(text, cases[i].words[0]));
		assert_non_null(strstr(text, cases[i].words[1]));
		assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
	}
	weir_posix_destroy(posix);
	fclose(log);
	free(text);
}

static void note_module(void *context, const char *name, const struct weir_module_entry *entry)
{
	char *text = context;
	size_t at = strlen(text);

	snprintf(text + at, 200 - at, "%s%s ", name, entry ? "" : "?");
}

static void test_posix_modules_are_listed(void **state)
{
	/* One directory twice, and one that is not there. */
	struct weir_posix *posix = posix_with(&(struct weir_posix_options){
		.module_dir = TEST_MODULE_DIR ":" TEST_MODULE_DIR ":/nowhere" });
	char text[200] = "";

	(void)state;
	assert_int_equal(weir_posix_modules(posix, note_module, text), 0);
	assert_string_equal(text, "good lacking? liar noentry? oldabi? twokeys ");
	weir_posix_destroy(posix);
	posix = posix_with(NULL);
	assert_int_equal(weir_posix_modules(posix, note_module, NULL), 0);
	weir_posix_destroy(posix);
}

static void test_posix_modules_are_declared(void **state)
{
	struct weir_posix *posix = posix_with(&(struct weir_posix_options){
		.module_dir = TEST_MODULE_DIR });
	static const struct {
		const char *key;
		enum weir_verdict verdict;
	} cases[] = {
		{ "acme,one", WEIR_VERDICT_LOADABLE }, { "acme,two", WEIR_VERDICT_LOADABLE },
		{ "acme,three", WEIR_VERDICT_NO_DRIVER },
	};
	struct weir_fwnode *node;
	struct weir_device *dev;
	struct weir_machine *m;
	struct weir_bus *bus;
	struct weir_why why;

	(void)state;
	assert_int_equal(weir_machine_create(weir_posix_ops(posix), posix, &m), 0);
	assert_int_equal(weir_bus_create(m, "test", NULL, &bus), 0);
	assert_int_equal(weir_posix_declare_modules(posix, m), 0);
	weir_catalogue_complete(m);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(weir_fwnode_create(m, NULL, cases[i].key, cases[i].key, &node), 0);
		assert_int_equal(weir_device_create(bus, cases[i].key, NULL, node, &dev), 0);
		assert_int_equal(weir_device_add(dev), 0);
		assert_int_equal(weir_device_verdict(dev, &why), cases[i].verdict);
		if (cases[i].verdict == WEIR_VERDICT_LOADABLE)
			assert_string_equal(why.driver, "twokeys");
		weir_device_unref(dev);
	}
	weir_machine_destroy(m);
	weir_posix_destroy(posix);
}

/* ---- the checking host: each fault is seen, and nothing else ---- */

/* How many faults were seen since the last question. */
#define FAULTS(t) testhost_forget_faults(t)

static void test_testhost_clean_use(void **state)
{
	struct testhost *t = testhost_create(NULL, NULL);
	const struct weir_host_ops *ops = testhost_ops(t);
	struct weir_lock *low = ops->lock_create(t, 1), *high = ops->lock_create(t, 2);
	struct testhost_counts counts;
	void *mem = ops->alloc(t, 10);

	(void)state;
	memset(mem, 1, 10);
	ops->lock(t, low);
	ops->lock(t, high);
	ops->unlock(t, low); /* out of order is no inversion */
	ops->unlock(t, high);
	testhost_counts_get(t, &counts);
	assert_int_equal(counts.blocks, 1);
	assert_int_equal(counts.bytes, 10);
	assert_int_equal(counts.locks, 2);
	assert_int_equal(counts.calls, 3);
	testhost_check(t);
	ops->lock_destroy(t, low);
	ops->lock_destroy(t, high);
	ops->free(t, mem, 10);
	testhost_check_empty(t);
	assert_null(ops->log);
	assert_null(ops->thread_run);
	assert_null(testhost_destroy(t));
}

static void test_testhost_sees_memory_faults(void **state)
{
	struct testhost *t = testhost_create(NULL, NULL);
	const struct weir_host_ops *ops = testhost_ops(t);
	unsigned char *mem = ops->alloc(t, 10);

	(void)state;
	ops->free(t, mem, 11); /* another size */
	assert_int_equal(FAULTS(t), 1);

	mem = ops->alloc(t, 10);
	mem[10] ^= 1; /* past the end */
	ops->free(t, mem, 10);
	assert_int_equal(FAULTS(t), 1);

	mem = ops->alloc(t, 10);
	mem[-1] ^= 1; /* before the front */
	ops->free(t, mem, 10);
	assert_int_equal(FAULTS(t), 1);
	mem[-1] ^= 1;
	ops->free(t, mem, 10);
	assert_int_equal(FAULTS(t), 0);

	ops->free(t, NULL, 10);
	assert_int_equal(FAULTS(t), 1);
	testhost_destroy(t);
}

static void test_testhost_sees_lock_faults(void **state)
{
	struct testhost *t = testhost_create(NULL, NULL);
	const struct weir_host_ops *ops = testhost_ops(t);
	struct weir_lock *low = ops->lock_create(t, 1), *high = ops->lock_create(t, 2);

	(void)state;
	ops->lock(t, high);
	ops->lock(t, low); /* falling rank */
	assert_int_equal(FAULTS(t), 1);
	ops->unlock(t, low);
	ops->unlock(t, high);
	ops->unlock(t, high); /* not held */
	assert_int_equal(FAULTS(t), 1);
	ops->lock_destroy(t, low);
	ops->lock_destroy(t, high);
	testhost_destroy(t);
}

static void assert_something(const struct weir_host_ops *ops, void *host)
{
	ops->assert_failed(host, "a rule", __FILE__, __LINE__);
}

static void test_testhost_sees_sleep_in_interrupt_context(void **state)
{
	struct testhost *t = testhost_create(NULL, NULL);
	const struct weir_host_ops *ops = testhost_ops(t);
	struct weir_lock *lock = ops->lock_create(t, 1);
	void *mem;

	(void)state;
	testhost_interrupt(true);
	mem = ops->alloc(t, 8);
	assert_int_equal(FAULTS(t), 1);
	ops->lock(t, lock);
	assert_int_equal(FAULTS(t), 1);
	testhost_interrupt(false);
	ops->unlock(t, lock);
	ops->free(t, mem, 8);
	ops->lock_destroy(t, lock);
	assert_int_equal(FAULTS(t), 0);
	testhost_destroy(t);
}

static void test_testhost_counts_assertions(void **state)
{
	struct testhost *t = testhost_create(NULL, NULL);

	(void)state;
	assert_something(testhost_ops(t), t);
	assert_int_equal(FAULTS(t), 1);
	testhost_expect_asserts(t);
	assert_something(testhost_ops(t), t);
	assert_int_equal(testhost_take_asserts(t), 1);
	assert_int_equal(FAULTS(t), 0);
	testhost_destroy(t);
}

static void test_testhost_fails_the_nth_call(void **state)
{
	struct testhost *t = testhost_create(NULL, NULL);
	const struct weir_host_ops *ops = testhost_ops(t);
	struct weir_lock *lock;
	void *mem;

	(void)state;
	testhost_fail_at(t, 2);
	mem = ops->alloc(t, 1);
	assert_non_null(mem);
	assert_false(testhost_fault_hit(t));
	assert_null(ops->lock_create(t, 1));
	assert_true(testhost_fault_hit(t));
	lock = ops->lock_create(t, 1); /* once */
	assert_non_null(lock);
	ops->lock_destroy(t, lock);
	ops->free(t, mem, 1);
	testhost_destroy(t);
}

/* Three calls that can fail, undone in any case. */
static void three_calls(struct testhost *t, void *arg)
{
	const struct weir_host_ops *ops = testhost_ops(t);
	struct weir_lock *lock = NULL;
	void *first, *second = NULL;

	(*(int *)arg)++;
	first = ops->alloc(t, 8);
	if (first)
		second = ops->alloc(t, 16);
	if (second)
		lock = ops->lock_create(t, 1);
	assert_int_equal(testhost_fault_hit(t), lock == NULL);
	if (lock)
		ops->lock_destroy(t, lock);
	if (second)
		ops->free(t, second, 16);
	if (first)
		ops->free(t, first, 8);
}

static void test_testhost_sweep(void **state)
{
	int runs = 0;

	(void)state;
	assert_int_equal(testhost_sweep(NULL, NULL, three_calls, &runs), 3);
	assert_int_equal(runs, 4);
}

static void test_testhost_on_posix(void **state)
{
	struct weir_posix *posix = posix_with(&(struct weir_posix_options){ .threads = 2 });
	struct testhost *t = testhost_create(weir_posix_ops(posix), posix);
	const struct weir_host_ops *ops = testhost_ops(t);
	struct job_count count = { .mutex = PTHREAD_MUTEX_INITIALIZER };
	struct weir_lock *lock;

	(void)state;
	assert_int_equal(ops->thread_run(t, count_job, &count), 0);
	while (!jobs_done(&count))
		ops->thread_wait(t);
	testhost_fail_at(t, 1);
	assert_int_equal(ops->thread_run(t, count_job, &count), WEIR_EAGAIN);
	assert_true(ops->time_ns(t) > 0);
	lock = ops->lock_create(t, 1);
	ops->lock(t, lock);
	ops->thread_wait(t); /* under a lock */
	assert_int_equal(FAULTS(t), 1);
	ops->unlock(t, lock);
	ops->lock_destroy(t, lock);
	testhost_destroy(t);
	weir_posix_destroy(posix);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_posix_memory_is_zeroed),
		cmocka_unit_test(test_posix_optional_calls_are_absent),
		cmocka_unit_test(test_posix_time_is_monotonic),
		cmocka_unit_test(test_posix_timer_never),
		cmocka_unit_test(test_posix_timers_run_out),
		cmocka_unit_test(test_posix_log_obeys_its_level),
		cmocka_unit_test(test_posix_threads_run_everything_once),
		cmocka_unit_test(test_posix_full_queue_is_refused),
		cmocka_unit_test(test_posix_modules),
		cmocka_unit_test(test_posix_module_errors),
		cmocka_unit_test(test_posix_modules_are_listed),
		cmocka_unit_test(test_posix_modules_are_declared),
		cmocka_unit_test(test_testhost_clean_use),
		cmocka_unit_test(test_testhost_sees_memory_faults),
		cmocka_unit_test(test_testhost_sees_lock_faults),
		cmocka_unit_test(test_testhost_sees_sleep_in_interrupt_context),
		cmocka_unit_test(test_testhost_counts_assertions),
		cmocka_unit_test(test_testhost_fails_the_nth_call),
		cmocka_unit_test(test_testhost_sweep),
		cmocka_unit_test(test_testhost_on_posix),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
