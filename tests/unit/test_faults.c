// SPDX-License-Identifier: MIT
/*
 * What IOMMUs refuse: whose it was, who is asked, what is logged, and what a flood costs,
 * with a clock and without.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "iommu/priv.h"
#include "iommuworld.h"

static const struct im_master two[] = { { .at_a = 1, .at_b = IM_STREAMS },
					{ .at_a = 2, .at_b = 2 } };

/* What was logged and traced. */
static struct {
	unsigned int lines, events;
	char last[256];
	char device[32], text[128];
	int64_t value;
	uint64_t counted; /* faults that the lines speak of */
} seen;
static uint64_t now_ns; /* of the clock that tests turn */

static void log_line(void *host, enum weir_log_level level, const char *line)
{
	const char *more = strstr(line, " more DMA faults");

	(void)host;
	(void)level;
	if (!strstr(line, "DMA") && !strstr(line, "overflowed"))
		return;
	seen.lines++;
	snprintf(seen.last, sizeof(seen.last), "%s", line);
	while (more && more[-1] != ' ')
		more--;
	seen.counted += more ? strtoull(more, NULL, 10) : 1;
}

static uint64_t clock_ns(void *host)
{
	(void)host;
	return now_ns;
}

static void on_event(void *context, const struct weir_event *event)
{
	(void)context;
	if (event->type != WEIR_EVENT_FAULT)
		return;
	seen.events++;
	snprintf(seen.device, sizeof(seen.device), "%s", weir_device_name(event->device));
	snprintf(seen.text, sizeof(seen.text), "%s", event->text);
	seen.value = event->value;
}

static struct weir_trace trace = { .fn = on_event };

/* The world's host gets a log and, if wanted, a clock: its table is the machine's. */
static void listen(struct iommu_world *iw, bool with_clock)
{
	struct weir_host_ops *ops =
		(struct weir_host_ops *)(uintptr_t)testhost_ops(iw->w.host);

	memset(&seen, 0, sizeof(seen));
	now_ns = 1;
	ops->log = log_line;
	ops->time_ns = with_clock ? clock_ns : NULL;
	weir_trace_attach(iw->w.m, &trace);
}

static void refuse(struct iommu_world *iw, uint32_t stream, uint64_t iova)
{
	const struct weir_fault f = {
		.reason = WEIR_FAULT_UNMAPPED, .flags = WEIR_FAULT_WRITE, .stream = stream,
		.iova = iova, .record = 0x10,
	};

	testhost_interrupt(true);
	weir_iommu_fault(iw->models[0].dev, &f);
	testhost_interrupt(false);
}

static void step(struct iommu_world *iw)
{
	assert_int_equal(weir_step(iw->w.m, 1), 0);
}

/* ---- tests ---- */

static void test_faults_name_device_and_driver(void **state)
{
	struct iommu_world iw;

	(void)state;
	im_open(&iw, two, 2);
	listen(&iw, false);
	refuse(&iw, 2, 0xabc000);
	assert_int_equal(seen.lines, 0); /* not where the interrupt is */
	step(&iw);
	assert_int_equal(seen.lines, 1);
	assert_string_equal(seen.last, "m1: DMA write refused: not mapped: IOVA 0xabc000, stream 0x2 "
				       "at a, driver client, record 0x10");
	assert_int_equal(seen.events, 1);
	assert_string_equal(seen.device, "m1");
	assert_string_equal(seen.text, "write refused: not mapped");
	assert_int_equal(seen.value, 0xabc000);
	step(&iw);
	assert_int_equal(seen.lines, 1);
	im_close(&iw);
}

static void test_faults_of_nobody(void **state)
{
	const struct weir_fault f = { .reason = WEIR_FAULT_BLOCKED,
				      .flags = WEIR_FAULT_NO_STREAM | WEIR_FAULT_NO_IOVA };
	const struct weir_fault odd = { .reason = (enum weir_fault_reason)99, .stream = 7 };
	struct iommu_world iw;

	(void)state;
	im_open(&iw, two, 2);
	listen(&iw, false);
	refuse(&iw, 5, 0x1000);
	step(&iw);
	assert_string_equal(seen.last, "a: DMA write refused: not mapped: IOVA 0x1000, stream 0x5, "
				       "which nobody has at a, driver none, record 0x10");
	weir_iommu_fault(iw.models[1].dev, &f);
	step(&iw);
	assert_string_equal(seen.device, "b");
	assert_string_equal(seen.last, "b: DMA access refused: the device is blocked: IOVA an unknown "
				       "address, unknown stream at b, driver none, record 0x0");
	weir_iommu_fault(iw.models[1].dev, &odd); /* a reason that does not exist */
	step(&iw);
	assert_string_equal(seen.text, "access refused");
	weir_iommu_fault(world_find(&iw.w, "m0"), &f); /* no IOMMU at all */
	step(&iw);
	assert_int_equal(seen.lines, 3);
	im_close(&iw);
}

/* What an instance tells of itself is no access, however often it comes. */
static void test_faults_of_the_instance_itself(void **state)
{
	const struct weir_fault f = { .flags = WEIR_FAULT_NO_STREAM | WEIR_FAULT_NO_IOVA,
				      .record = 5, .what = "the event queue overflowed" };
	const struct weir_fault no_iova = { .reason = WEIR_FAULT_PERMISSION, .stream = 2,
					    .flags = WEIR_FAULT_NO_IOVA | WEIR_FAULT_READ };
	struct iommu_world iw;

	(void)state;
	im_open(&iw, two, 2);
	listen(&iw, true);
	for (unsigned int i = 0; i < 30; i++)
		weir_iommu_fault(iw.models[1].dev, &f);
	step(&iw);
	assert_int_equal(seen.lines, 9);
	assert_string_equal(seen.last, "b: 22 more faults at b, the last: the event queue overflowed (0x5)");
	for (unsigned int i = 0; i < 30; i++)
		weir_iommu_fault(iw.models[0].dev, &no_iova);
	step(&iw);
	assert_string_equal(seen.last, "m1: 22 more DMA faults at a, the last: read of an unknown address "
				       "refused: not permitted");
	im_close(&iw);
}

/* A million: what is logged is bounded, none is lost in the count, each costs little. */
static void flood(bool with_clock)
{
	struct iommu_world iw;
	struct timespec t0, t1;
	unsigned int lines;

	im_open(&iw, two, 2);
	listen(&iw, with_clock);
	clock_gettime(CLOCK_MONOTONIC, &t0);
	for (unsigned int i = 0; i < 1000000; i++) {
		refuse(&iw, 1 + i % 7, i * 4096ull); /* five streams of them are nobody's */
		if (i % 1000 == 0)
			step(&iw);
		now_ns += 1000;
	}
	clock_gettime(CLOCK_MONOTONIC, &t1);
	print_message("%s clock: %u lines, %.0f ns a fault\n", with_clock ? "with" : "without",
		      seen.lines, ((double)(t1.tv_sec - t0.tv_sec) * 1e9 +
				   (double)(t1.tv_nsec - t0.tv_nsec)) / 1e6);
	assert_in_range(seen.lines, 3 * 8, 3 * (8 + 20));
	step(&iw);
	now_ns += 2000000000u;
	for (unsigned int i = 0; i < 100; i++)
		step(&iw);
	assert_int_equal(seen.counted, 1000000);
	lines = seen.lines;
	refuse(&iw, 1, 0x77000); /* it was calm: told one by one again */
	step(&iw);
	assert_int_equal(seen.lines, lines + 1);
	assert_non_null(strstr(seen.last, "0x77000"));
	im_close(&iw);
}

static void test_faults_flood_with_clock(void **state)
{
	(void)state;
	flood(true);
}

static void test_faults_flood_without_clock(void **state)
{
	(void)state;
	flood(false);
}

/* ---- handlers ---- */

static struct weir_machine *machine;

struct handled {
	struct weir_domain *domain;
	unsigned int calls;
	uint64_t iova;
	bool takes;
};

static bool handler(void *context, struct weir_domain *domain, const struct weir_fault *fault)
{
	struct handled *h = context;

	assert_ptr_equal(domain, h->domain);
	h->calls++;
	h->iova = fault->iova;
	testhost_interrupt(false); /* as if it had been a thread's */
	/* no lock is held: the library may be called */
	weir_iommu_faults_report(machine);
	return h->takes;
}

static void test_faults_handler_of_the_domain(void **state)
{
	struct iommu_world iw;
	struct handled h = { .takes = true };
	struct weir_domain *other;

	(void)state;
	im_open(&iw, two, 2);
	listen(&iw, false);
	machine = iw.w.m;
	h.domain = weir_group_domain(im_group(&iw, "m0"));
	weir_domain_fault_handler_set(h.domain, handler, &h);
	refuse(&iw, 1, 0x5000);
	assert_int_equal(h.calls, 1);
	assert_int_equal(h.iova, 0x5000);
	step(&iw);
	assert_int_equal(seen.lines, 0); /* it took care */
	h.takes = false;
	refuse(&iw, 1, 0x6000);
	step(&iw);
	assert_int_equal(h.calls, 2);
	assert_int_equal(seen.lines, 1);
	refuse(&iw, 2, 0x6000); /* of another domain */
	assert_int_equal(h.calls, 2);
	/* a domain in its place: nobody asks the old one any more */
	assert_int_equal(weir_domain_create(iw.w.m, WEIR_DOMAIN_UNMANAGED, &other), 0);
	assert_int_equal(weir_group_attach(im_group(&iw, "m0"), other), 0);
	refuse(&iw, 1, 0x7000);
	assert_int_equal(h.calls, 2);
	h.domain = other;
	weir_domain_fault_handler_set(other, handler, &h);
	refuse(&iw, 1, 0x8000);
	assert_int_equal(h.calls, 3);
	weir_domain_fault_handler_set(other, NULL, NULL);
	refuse(&iw, 1, 0x9000);
	assert_int_equal(h.calls, 3);
	weir_domain_unref(other);
	im_close(&iw);
}

/* A device that goes has its faults told before, and nobody's afterwards. */
static void test_faults_of_a_device_that_goes(void **state)
{
	struct iommu_world iw;

	(void)state;
	im_open(&iw, two, 2);
	listen(&iw, false);
	for (unsigned int i = 0; i < 100; i++)
		refuse(&iw, 2, 0x1000);
	weir_device_del(world_find(&iw.w, "m1"));
	assert_int_equal(seen.counted, 100);
	assert_string_equal(seen.device, "m1");
	refuse(&iw, 2, 0x1000);
	step(&iw);
	assert_string_equal(seen.device, "a");
	for (unsigned int i = 0; i < 20; i++)
		refuse(&iw, 1, 0x1000);
	/* and so does an IOMMU that goes */
	assert_int_equal(weir_driver_unregister(iw.w.m, &iw.w.drivers[0].drv), 0);
	assert_int_equal(seen.counted, 121);
	refuse(&iw, 1, 0x1000);
	step(&iw);
	assert_int_equal(seen.counted, 121);
	im_close(&iw);
}

/* ---- threads ---- */

struct shooter {
	pthread_t thread;
	struct iommu_world *iw;
	_Atomic bool *stop;
	uint64_t shots;
};

static void *shoot(void *arg)
{
	struct shooter *s = arg;

	while (!atomic_load(s->stop)) {
		refuse(s->iw, 1, 0x1000);
		refuse(s->iw, 2, 0x2000);
		s->shots += 2;
	}
	return NULL;
}

static _Atomic unsigned int quick_calls;

static bool quick_handler(void *context, struct weir_domain *domain,
			  const struct weir_fault *fault)
{
	(void)context;
	(void)domain;
	(void)fault;
	atomic_fetch_add(&quick_calls, 1);
	return false;
}

/* Faults come while domains are replaced and handlers change; every fault is counted. */
static void test_faults_threads(void **state)
{
	struct iommu_world iw;
	struct shooter s[2];
	_Atomic bool stop = false;
	uint64_t shots = 0;

	(void)state;
	im_open(&iw, two, 2);
	listen(&iw, false);
	for (unsigned int i = 0; i < 2; i++) {
		s[i] = (struct shooter){ .iw = &iw, .stop = &stop };
		assert_int_equal(pthread_create(&s[i].thread, NULL, shoot, &s[i]), 0);
	}
	for (unsigned int i = 0; i < 300 || atomic_load(&quick_calls) < 100; i++) {
		struct weir_domain *d;

		assert_int_equal(weir_domain_create(iw.w.m, WEIR_DOMAIN_UNMANAGED, &d), 0);
		weir_domain_fault_handler_set(d, quick_handler, NULL);
		assert_int_equal(weir_group_attach(im_group(&iw, "m0"), d), 0);
		weir_domain_unref(d); /* the next attach drops it, faults or not */
		step(&iw);
	}
	atomic_store(&stop, true);
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(pthread_join(s[i].thread, NULL), 0);
		shots += s[i].shots;
	}
	for (unsigned int i = 0; i < 100; i++)
		step(&iw);
	assert_int_equal(seen.counted, shots);
	assert_true(atomic_load(&quick_calls) > 0);
	im_close(&iw);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_faults_name_device_and_driver),
		cmocka_unit_test(test_faults_of_nobody),
		cmocka_unit_test(test_faults_of_the_instance_itself),
		cmocka_unit_test(test_faults_flood_with_clock),
		cmocka_unit_test(test_faults_flood_without_clock),
		cmocka_unit_test(test_faults_handler_of_the_domain),
		cmocka_unit_test(test_faults_of_a_device_that_goes),
		cmocka_unit_test(test_faults_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
