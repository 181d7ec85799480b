// SPDX-License-Identifier: MIT
/* Interrupt lines of the port: intercepted at QEMU's controllers, told to handlers of this process. */
#include "bench.h"

static void count(void *arg)
{
	__atomic_add_fetch((unsigned int *)arg, 1, __ATOMIC_RELAXED);
}

static void await(struct bench *b, const unsigned int *calls, unsigned int want)
{
	for (int n = 0; n < 1000 && __atomic_load_n(calls, __ATOMIC_RELAXED) < want; n++)
		weir_qtest_ops(b->qtest)->delay_ns(b->qtest, 1000000);
	assert_int_equal(*calls, want);
}

/* A handler whose own doing raises its line again is not called for ever. */
struct restless {
	const struct weir_host_ops *ops;
	struct weir_qtest *qtest;
	unsigned int calls;
};

static void raise_again(void *arg)
{
	const uint64_t uart = 0x09000000;
	struct restless *r = arg;

	if (r->calls++ > 5000)
		return;
	r->ops->mmio_write(r->qtest, uart + 0x44, 4, 0x20);
	r->ops->mmio_write(r->qtest, uart, 4, 'x');
	(void)r->ops->mmio_read(r->qtest, uart + 0x40, 4);
}

static void test_port_line_without_end(void **state)
{
	struct restless r = { 0 };
	struct weir_irq *irq;
	struct bench b;

	(void)state;
	bench_start(&b, "aarch64", NULL, NULL);
	r.ops = weir_qtest_ops(b.qtest);
	r.qtest = b.qtest;
	assert_int_equal(r.ops->irq_request(b.qtest, 1, raise_again, &r, &irq), 0);
	r.ops->mmio_write(b.qtest, 0x09000038, 4, 0x20);
	r.ops->mmio_write(b.qtest, 0x09000000, 4, 'x');
	for (int n = 0; n < 1000 && !r.calls; n++)
		r.ops->delay_ns(b.qtest, 1000000);
	assert_in_range(r.calls, 1, 2000);
	r.ops->irq_free(b.qtest, irq);
	bench_close(&b);
}

/* PL011 (ARM DDI 0183): an empty transmitter that may interrupt does so. Line 1 of the GIC. */
static void test_port_line_aarch64(void **state)
{
	const uint64_t uart = 0x09000000;
	const struct weir_host_ops *ops;
	unsigned int calls = 0, others = 0;
	struct weir_irq *irq, *other;
	struct bench b;

	(void)state;
	bench_start(&b, "aarch64", NULL, NULL);
	ops = weir_qtest_ops(b.qtest);
	assert_int_equal(ops->irq_request(b.qtest, 1, count, &calls, &irq), 0);
	assert_int_equal(ops->irq_request(b.qtest, 2, count, &others, &other), 0);
	assert_int_equal(ops->irq_request(b.qtest, 1u << 20, count, &others, &other), WEIR_EINVAL);
	ops->mmio_write(b.qtest, uart + 0x38, 4, 0x20); /* IMSC: transmit */
	for (unsigned int n = 1; n <= 3; n++) {
		ops->mmio_write(b.qtest, uart, 4, 'x');
		await(&b, &calls, n);
		ops->mmio_write(b.qtest, uart + 0x44, 4, 0x20); /* ICR */
		assert_int_equal(ops->mmio_read(b.qtest, uart + 0x40, 4), 0);
	}
	ops->irq_free(b.qtest, irq);
	ops->mmio_write(b.qtest, uart, 4, 'x');
	assert_int_equal(ops->mmio_read(b.qtest, uart + 0x40, 4), 0x20);
	assert_int_equal(weir_qtest_poll(b.qtest), 0);
	assert_int_equal(calls, 3);
	assert_int_equal(others, 0);
	ops->irq_free(b.qtest, other);
	bench_close(&b);
}

/* 16550: the same. Line 10 of the PLIC. */
static void test_port_line_riscv64(void **state)
{
	const uint64_t uart = 0x10000000;
	const struct weir_host_ops *ops;
	unsigned int calls = 0;
	struct weir_irq *irq;
	struct bench b;

	(void)state;
	bench_start(&b, "riscv64", NULL, NULL);
	ops = weir_qtest_ops(b.qtest);
	assert_int_equal(ops->irq_request(b.qtest, 10, count, &calls, &irq), 0);
	ops->mmio_write(b.qtest, uart + 1, 1, 2); /* IER: transmit */
	await(&b, &calls, 1);
	ops->irq_free(b.qtest, irq);
	bench_close(&b);
}

/* The same by ports. Line 4 of the I/O APIC; on a thread of its own. */
static void test_port_line_x86_64(void **state)
{
	static const char *const args[] = { "-serial", "null", NULL };
	struct weir_qtest_options options = { .arch = "x86_64", .args = args, .irq_thread = true };
	char error[WEIR_QTEST_ERROR_BYTES];
	const struct weir_host_ops *ops;
	struct weir_qtest *qtest;
	unsigned int calls = 0;
	struct weir_irq *irq;
	int err;

	(void)state;
	err = weir_qtest_create(&options, &qtest, error);
	if (err == WEIR_ENOENT)
		skip();
	assert_int_equal(err, 0);
	ops = weir_qtest_ops(qtest);
	assert_int_equal(ops->irq_request(qtest, 4, count, &calls, &irq), 0);
	weir_qtest_out(qtest, 0x3f9, 1, 2);
	assert_int_equal(weir_qtest_in(qtest, 0x3f9, 1), 2);
	for (int n = 0; n < 1000 && !__atomic_load_n(&calls, __ATOMIC_ACQUIRE); n++)
		ops->delay_ns(qtest, 1000000);
	ops->irq_free(qtest, irq); /* no handler runs from here on */
	assert_int_equal(calls, 1);
	weir_qtest_destroy(qtest);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_port_line_aarch64),
		cmocka_unit_test(test_port_line_without_end),
		cmocka_unit_test(test_port_line_riscv64),
		cmocka_unit_test(test_port_line_x86_64),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
