// SPDX-License-Identifier: MIT
/*
 * The fault sweep of the tool's path: trees of tests/cases are loaded and brought up
 * with modelled drivers, under both policies, with the first, second, third ... call
 * of the host failing. Each time there is a proper error, or the device that
 * suffered says so; nothing is left; and the same again succeeds with the result
 * that it has without a fault.
 */
#include "casetree.h"

#include "kernel/linux/linux.h"
#include "testhost.h"

struct job {
	struct casetree tree;
	struct weir_driver_list *list;
	const struct weir_policy_ops *policy;
	char *expected;
};

/* One bring-up. */
struct attempt {
	struct weir_machine *m;
	struct weir_kmodel *k;
	struct weir_trace trace;
	bool told; /* that something had no memory */
	char *outcome;
};

static void on_complaint(void *context, const char *line)
{
	bool *told = context;

	if (strstr(line, weir_strerror(WEIR_ENOMEM)))
		*told = true;
}

static void on_event(void *context, const struct weir_event *event)
{
	struct attempt *a = context;

	if (event->type == WEIR_EVENT_PROBE_FAILED && (int)event->value == WEIR_ENOMEM)
		a->told = true;
}

static int try_bring_up(struct attempt *a, struct testhost *t, const struct job *job)
{
	struct weir_kmodel_options options = { .complain = on_complaint, .context = &a->told };
	int err;

	err = weir_machine_create_policy(testhost_ops(t), t, job->policy, NULL, &a->m);
	if (err)
		return err;
	err = weir_firmware_load_dt(a->m, job->tree.blob, job->tree.bytes);
	if (err) {
		/* the failed call left no trace: it can be done again */
		assert_null(weir_fwnode_root(a->m));
		assert_int_equal(weir_firmware_load_dt(a->m, job->tree.blob, job->tree.bytes), 0);
		return err;
	}
	err = weir_kmodel_create(a->m, job->list, &options, &a->k);
	if (err)
		return err;
	a->trace = (struct weir_trace){ .fn = on_event, .context = a };
	weir_trace_attach(a->m, &a->trace);
	err = casetree_run(a->k, job->list);
	a->outcome = casetree_outcome(a->m);
	weir_trace_detach(a->m, &a->trace);
	return err;
}

/* Return: 0 as expected; 1 otherwise, but told; WEIR_ENOMEM. */
static int bring_up(struct testhost *t, const struct job *job)
{
	struct testhost_counts counts;
	struct attempt a = { .m = NULL };
	int r = try_bring_up(&a, t, job);

	weir_kmodel_detach(a.k);
	weir_machine_destroy(a.m);
	weir_kmodel_destroy(a.k);
	testhost_counts_get(t, &counts);
	assert_int_equal(counts.blocks, 0);
	assert_int_equal(counts.locks, 0);
	if (!r && strcmp(a.outcome, job->expected)) {
		if (!a.told)
			fail_msg("%s: silently another result: %s", job->tree.name, a.outcome);
		r = 1;
	}
	free(a.outcome);
	return r;
}

static void scenario(struct testhost *t, void *arg)
{
	const struct job *job = arg;
	int r = bring_up(t, job);

	if (r) {
		assert_true(r == 1 || r == WEIR_ENOMEM);
		assert_true(testhost_fault_hit(t));
	}
	assert_int_equal(testhost_fault_hit(t) ? bring_up(t, job) : 0, 0);
}

static char *without_fault(const struct job *job)
{
	struct testhost *t = testhost_create(NULL, NULL);
	struct attempt a = { .m = NULL };

	assert_int_equal(try_bring_up(&a, t, job), 0);
	weir_kmodel_detach(a.k);
	weir_machine_destroy(a.m);
	weir_kmodel_destroy(a.k);
	testhost_destroy(t);
	return a.outcome;
}

static void sweep_all(const struct weir_policy_ops *policy)
{
	static struct casetree trees[CASETREE_MAX];
	size_t n = casetree_all(TEST_CASES_DIR, trees, CASETREE_MAX);

	for (size_t i = 0; i < n; i++) {
		struct job job = { .tree = trees[i], .policy = policy };

		job.list = casetree_drivers(&trees[i]);
		job.expected = without_fault(&job);
		assert_in_range(testhost_sweep(NULL, NULL, scenario, &job), 20, 5000);
		free(job.expected);
		weir_driver_list_destroy(job.list);
		free(trees[i].blob);
	}
}

static void test_fault_dt_weir(void **state)
{
	(void)state;
	sweep_all(NULL);
}

static void test_fault_dt_linux_6_12(void **state)
{
	(void)state;
	sweep_all(&weir_policy_linux_6_12);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fault_dt_weir),
		cmocka_unit_test(test_fault_dt_linux_6_12),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
