// SPDX-License-Identifier: MIT
/*
 * A host whose calls fail, on QEMU: a machine comes up by its device tree, its PCI functions
 * are found, the IOMMU's driver is loaded, edu and nvme are bound behind it and do DMA whose data are
 * compared, all of it goes again - with one call of the host failing, at places drawn all over
 * the run. Each time the error is a proper one, nothing is left, and the same with a host that
 * works succeeds on the same QEMU.
 *
 * WEIR_SEED=N draws the same places again; WEIR_POINTS says how many (200).
 */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench.h"
#include "edu/edu.h"
#include "nvme/nvme.h"
#include "seed.h"

#define DISK_BYTES (4 << 20)

static const struct {
	const struct weir_driver *drv;
	const char *device;
} clients[] = {
	{ &weir_edu_driver, "0000:00:05.0" }, { &weir_nvme_driver, "0000:00:06.0" },
};

#define N_CLIENTS (sizeof(clients) / sizeof(clients[0]))

struct sweep {
	struct weir_qtest *qtest;
	int disk_fd;
	unsigned long in_machine, in_iommu, in_clients, unnoticed; /* where the failed call was felt */
};

/* ---- the steps; each returns what failed ---- */

static struct weir_device *find(struct weir_machine *m, const char *name)
{
	struct weir_device *dev;
	struct weir_bus *bus;

	return weir_bus_find(m, name[4] == ':' ? "pci" : "platform", &bus) ||
		       weir_device_find(bus, name, &dev) ? NULL : dev;
}

static const char *iommu_name(void)
{
	return bench_iommu()->node ? "9050000.smmuv3" : "0000:00:03.0";
}

static int try_machine(struct testhost *host, struct weir_qtest *qtest, struct weir_machine **out_m)
{
	struct weir_fwnode *node;
	struct weir_machine *m;
	const void *dtb;
	size_t bytes;
	int err;

	assert_int_equal(weir_qtest_dtb(qtest, &dtb, &bytes), 0);
	err = weir_machine_create(testhost_ops(host), host, &m);
	if (err)
		return err;
	*out_m = m; /* from now on whoever called destroys it */
	err = weir_firmware_load_dt(m, dtb, bytes);
	if (err)
		return err;
	/* What QEMU's machine has besides the host bridge works without drivers. */
	for (node = weir_fwnode_root(m); node; node = weir_fwnode_next(node))
		if (strncmp(weir_fwnode_name(node), "pcie@", 5) != 0)
			weir_fwnode_set_initialized(node, true, false);
	err = weir_firmware_populate(m);
	if (!err) /* drivers of functions are registered also when no bridge comes up */
		err = weir_pci_bus_create(m);
	if (!err)
		err = weir_driver_register(m, &weir_pci_ecam_driver);
	if (!err)
		err = weir_settle(m);
	/* A host bridge that failed leaves no function, and maybe no bus for them either. */
	return err || find(m, iommu_name()) ? err : WEIR_ENODEV;
}

/*
 * Of a device that is not bound, why; that must be told by a verdict. A function that is not
 * there was not added, for lack of memory, and its host bridge goes on without it.
 */
static int bound(struct weir_machine *m, const char *name)
{
	struct weir_device *dev = find(m, name);
	struct weir_why why;
	enum weir_verdict verdict;

	if (!dev)
		return WEIR_ENODEV;
	if (weir_device_status_get(dev) == WEIR_DEVICE_BOUND)
		return 0;
	assert_false(weir_pci_is_master(dev));
	weir_device_root_cause(dev, &why);
	verdict = why.verdict;
	if (verdict == WEIR_VERDICT_FAILED)
		return why.err;
	assert_in_range(verdict, WEIR_VERDICT_NO_DRIVER, WEIR_VERDICT_REMOVED);
	return WEIR_EDEFER;
}

static int try_client(struct weir_machine *m, size_t i)
{
	char report[WEIR_CLIENT_REPORT_BYTES] = "";
	struct weir_device *dev = find(m, clients[i].device);
	const struct weir_client_ops *ops;
	int err = bound(m, clients[i].device);

	if (err)
		return err;
	ops = weir_client_of(dev);
	assert_non_null(ops);
	assert_true(weir_dma_is_translated(dev));
	assert_true(weir_pci_is_master(dev));
	err = ops->dma_test(dev, ops->tests[0].name, report, sizeof(report));
	assert_non_null(strstr(report, weir_device_name(dev)));
	return err;
}

static int try_clients(struct weir_machine *m)
{
	int err = 0, first = 0;

	for (size_t i = 0; i < N_CLIENTS && !first; i++)
		first = weir_driver_register(m, clients[i].drv);
	if (!first)
		first = weir_settle(m);
	for (size_t i = 0; i < N_CLIENTS && !first; i++) {
		err = try_client(m, i);
		first = first ? first : err;
	}
	/* Their removal cannot fail, and asks nobody else's leave. */
	for (size_t i = N_CLIENTS; i--; ) {
		struct weir_device *dev = find(m, clients[i].device);
		struct weir_dma_stats stats;

		err = weir_driver_unregister(m, clients[i].drv);
		assert_true(!err || (first && err == WEIR_ENOENT));
		if (!dev)
			continue;
		assert_false(weir_pci_is_master(dev));
		weir_dma_stats_get(dev, &stats);
		assert_int_equal(stats.mappings, 0);
	}
	return first;
}

/*
 * What a machine keeps for hardware goes with it, so that has no power then
 * (weir_machine_pages_keep()): an SMMUv3 is off after reset.
 */
static void power_off(struct weir_qtest *qtest)
{
	if (bench_iommu()->node)
		weir_qtest_ops(qtest)->mmio_write(qtest, 0x9050020, 4, 0);
}

/* All of it. Return: the first error. */
static int run(struct sweep *s, struct testhost *host, unsigned long **felt)
{
	struct weir_module *iommu;
	struct weir_machine *m = NULL;
	int err;

	*felt = &s->in_machine;
	err = try_machine(host, s->qtest, &m);
	if (err)
		goto destroy;
	*felt = &s->in_iommu;
	err = weir_module_load(m, bench_iommu()->entry, &iommu);
	if (err)
		goto destroy;
	err = weir_settle(m);
	if (!err)
		err = bound(m, iommu_name());
	if (!err) {
		*felt = &s->in_clients;
		err = try_clients(m);
	}
	assert_int_equal(weir_module_unload(iommu, 0), 0);
	for (size_t i = 0; i < N_CLIENTS; i++)
		if (find(m, clients[i].device))
			assert_int_equal(weir_device_group(find(m, clients[i].device)), WEIR_ENOENT);
destroy:
	power_off(s->qtest);
	weir_machine_destroy(m);
	return err;
}

/* ---- one run, with a host that works or not ---- */

/* Return: how many calls were made that can fail. */
static unsigned long run_with(struct sweep *s, unsigned long fail_at)
{
	struct testhost *host = testhost_create(weir_qtest_ops(s->qtest), s->qtest);
	struct testhost_counts counts;
	unsigned long *felt;
	int err;

	testhost_fail_at(host, fail_at);
	err = run(s, host, &felt);
	testhost_counts_get(host, &counts);
	if (counts.faults || counts.blocks || counts.locks || !testhost_fault_hit(host) == !!fail_at)
		fprintf(stderr, "# call %lu of the host failed: %s\n", fail_at, weir_errname(err));
	if (!fail_at) {
		assert_int_equal(err, 0);
	} else {
		assert_true(testhost_fault_hit(host));
		++*(err ? felt : &s->unnoticed);
		if (err != WEIR_ENOMEM && err != WEIR_ENODEV && err != WEIR_EDEFER && err)
			fail_msg("call %lu of the host failed: %s", fail_at, weir_errname(err));
	}
	testhost_destroy(host);
	assert_string_equal(weir_qtest_error(s->qtest), "");
	return counts.calls;
}

static void open_qemu(struct sweep *s)
{
	char disk[120], iommu[64];
	const char *args[12] = {
		"-device", "edu,addr=05.0,dma_mask=0xffffffffffffffff",
		"-blockdev", disk, "-device", "nvme,serial=weir,drive=disk0,addr=06.0",
	};
	struct bench b;

	memset(s, 0, sizeof(*s));
	s->disk_fd = memfd_create("disk", MFD_CLOEXEC);
	assert_true(s->disk_fd >= 0);
	assert_int_equal(ftruncate(s->disk_fd, DISK_BYTES), 0);
	snprintf(disk, sizeof(disk), "driver=file,node-name=disk0,locking=off,"
		 "filename=/proc/%d/fd/%d", (int)getpid(), s->disk_fd);
	bench_iommu_args("03.0", iommu, args, 6);
	bench_start(&b, "aarch64", bench_iommu()->machine, args);
	s->qtest = b.qtest;
}

static void test_sweep_all_of_it(void **state)
{
	const char *text = getenv("WEIR_POINTS");
	unsigned long points = text ? strtoul(text, NULL, 10) : 200, calls;
	uint64_t seed = seed_take();
	struct weir_qtest_stats stats;
	struct sweep s;
	uint64_t pages;

	(void)state;
	open_qemu(&s);
	calls = run_with(&s, 0);
	assert_int_equal(run_with(&s, 0), calls); /* what fails can be counted on */
	weir_qtest_stats_get(s.qtest, &stats);
	pages = stats.page_bytes;
	if (points > calls)
		points = calls;
	for (unsigned long i = 0; i < points; i++) {
		unsigned long first = calls * i / points, end = calls * (i + 1) / points;

		run_with(&s, first + 1 + seed_next(&seed) % (end - first));
		run_with(&s, 0);
		weir_qtest_stats_get(s.qtest, &stats);
		assert_int_equal(stats.page_bytes, pages);
	}
	printf("# %lu of %lu calls failed: %lu felt by the machine, %lu by the IOMMU, %lu by its "
	       "users, %lu made good\n", points, calls, s.in_machine, s.in_iommu, s.in_clients,
	       s.unnoticed);
	assert_true(s.in_machine && s.in_iommu && s.in_clients);
	s.qtest = weir_qtest_destroy(s.qtest);
	close(s.disk_fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_sweep_all_of_it) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
