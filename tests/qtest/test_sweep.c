// SPDX-License-Identifier: MIT
/*
 * A host whose calls fail, on QEMU: a machine comes up by its device tree, its PCI functions
 * are found, the IOMMU's driver is loaded, devices are bound behind it and do DMA whose data are
 * compared, all of it goes again - with one call of the host failing, at places drawn all over
 * the run. Each time the error is a proper one, nothing is left, and the same with a host that
 * works succeeds on the same QEMU. Five stories share the places: edu and nvme; virtio-blk and
 * e1000e; an IOMMU that comes late and adopts; one that is unloaded by force under DMA, and
 * comes back; a device that is pulled and plugged.
 *
 * WEIR_SEED=N draws the same places again; WEIR_POINTS says how many (200).
 */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench.h"
#include "e1000e/e1000e.h"
#include "edu/edu.h"
#include "nvme/nvme.h"
#include "seed.h"
#include "virtio-blk/virtio_blk.h"

#define DISK_BYTES (4 << 20)

#define N_CLIENTS 2u
#define EDU "edu,dma_mask=0xffffffffffffffff"

struct sweep;

/* What is done, and with which devices. */
struct story {
	const char *name;
	/* Return: the first error. @felt: where it was. */
	int (*tell)(struct sweep *s, struct weir_machine *m, unsigned long **felt);
	struct {
		const struct weir_driver *drv;
		const char *device;
	} clients[N_CLIENTS];
	unsigned int share; /* of the places, in tenths */
	const char *args[8]; /* QEMU's */
};

struct sweep {
	const struct story *story;
	struct weir_qtest *qtest;
	int disk_fd;
	unsigned long in_machine, in_iommu, in_clients, unnoticed; /* where the failed call was felt */
};

/* ---- the steps; each returns what failed ---- */

static struct weir_device *find(struct weir_machine *m, const char *name)
{
	struct weir_device *dev;
	struct weir_bus *bus;

	if (!name)
		return NULL;
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

/* @test: NULL for the usual one. */
static int try_client(const struct sweep *s, struct weir_machine *m, size_t i, bool translated,
		      const char *test)
{
	char report[WEIR_CLIENT_REPORT_BYTES] = "";
	const char *name = s->story->clients[i].device;
	struct weir_device *dev = find(m, name);
	const struct weir_client_ops *ops;
	int err = bound(m, name);

	if (err)
		return err;
	ops = weir_client_of(dev);
	assert_non_null(ops);
	assert_int_equal(weir_dma_is_translated(dev), translated);
	assert_true(weir_pci_is_master(dev));
	err = ops->dma_test(dev, test ? test : ops->tests[0].name, report, sizeof(report));
	assert_non_null(strstr(report, weir_device_name(dev)));
	return err;
}

static int try_all(const struct sweep *s, struct weir_machine *m, bool translated, const char *test)
{
	int err = 0;

	for (size_t i = 0; i < N_CLIENTS && !err && s->story->clients[i].drv; i++)
		err = try_client(s, m, i, translated, test);
	return err;
}

static int register_all(const struct sweep *s, struct weir_machine *m)
{
	int err = 0;

	for (size_t i = 0; i < N_CLIENTS && !err && s->story->clients[i].drv; i++)
		err = weir_driver_register(m, s->story->clients[i].drv);
	return err ? err : weir_settle(m);
}

/* Their removal cannot fail, and asks nobody else's leave. @failed: not all may be there. */
static void unregister_all(const struct sweep *s, struct weir_machine *m, bool failed)
{
	for (size_t i = N_CLIENTS; i--; ) {
		struct weir_device *dev = find(m, s->story->clients[i].device);
		struct weir_dma_stats stats;
		int err;

		if (!s->story->clients[i].drv)
			continue;
		err = weir_driver_unregister(m, s->story->clients[i].drv);
		assert_true(!err || (failed && err == WEIR_ENOENT));
		if (!dev)
			continue;
		assert_false(weir_pci_is_master(dev));
		weir_dma_stats_get(dev, &stats);
		assert_int_equal(stats.mappings, 0);
	}
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

/* ---- the stories ---- */

static int load(struct weir_machine *m, struct weir_module **out_iommu)
{
	int err = weir_module_load(m, bench_iommu()->entry, out_iommu);

	if (err)
		return err;
	err = weir_settle(m);
	return err ? err : bound(m, iommu_name());
}

/* There may be none: it was not loaded. */
static void unload(const struct sweep *s, struct weir_machine *m, struct weir_module *iommu)
{
	if (iommu)
		assert_int_equal(weir_module_unload(iommu, 0), 0);
	for (size_t i = 0; i < N_CLIENTS; i++)
		if (find(m, s->story->clients[i].device))
			assert_int_equal(weir_device_group(find(m, s->story->clients[i].device)),
					 WEIR_ENOENT);
}

static int tell_plain(struct sweep *s, struct weir_machine *m, unsigned long **felt)
{
	struct weir_module *iommu = NULL;
	int err;

	*felt = &s->in_iommu;
	err = load(m, &iommu);
	if (!err) {
		*felt = &s->in_clients;
		err = register_all(s, m);
		if (!err)
			err = try_all(s, m, true, NULL);
		unregister_all(s, m, err);
	}
	unload(s, m, iommu);
	return err;
}

/* Clients are let go without; it comes while they have their drivers, which go on as they were. */
static int tell_late(struct sweep *s, struct weir_machine *m, unsigned long **felt)
{
	const struct weir_iommu_rules rules = { WEIR_IOMMU_OPTIONAL, WEIR_IOMMU_ADOPT };
	struct weir_module *iommu = NULL;
	int err, after;

	weir_iommu_rules_set(m, &rules);
	weir_catalogue_seal(m);
	*felt = &s->in_clients;
	err = register_all(s, m);
	if (!err)
		err = try_all(s, m, false, NULL);
	if (!err) {
		*felt = &s->in_iommu;
		err = load(m, &iommu);
		/*
		 * Who cannot be adopted is blocked, which the log says: its transfers do not land. So it is
		 * behind an IOMMU whose probe fails when it is on already.
		 */
		after = try_all(s, m, false, NULL);
		if (!err)
			err = after ? WEIR_ENOMEM : 0;
	}
	unregister_all(s, m, err);
	if (!err) {
		*felt = &s->in_clients;
		err = register_all(s, m);
		if (!err)
			err = try_all(s, m, true, NULL);
		unregister_all(s, m, err);
	}
	unload(s, m, iommu);
	return err;
}

/* It goes by force with DMA in flight, and its consumers before it; all come back. */
static int tell_forced(struct sweep *s, struct weir_machine *m, unsigned long **felt)
{
	struct weir_module *iommu = NULL;
	int err;

	*felt = &s->in_iommu;
	err = load(m, &iommu);
	if (!err) {
		*felt = &s->in_clients;
		err = register_all(s, m);
		if (!err)
			err = try_all(s, m, true, "start");
	}
	if (!err) {
		assert_int_equal(weir_module_unload(iommu, WEIR_MODULE_FORCE), 0);
		iommu = NULL;
		for (size_t i = 0; i < N_CLIENTS; i++)
			assert_false(weir_pci_is_master(find(m, s->story->clients[i].device)));
		*felt = &s->in_iommu;
		err = load(m, &iommu);
	}
	if (!err) {
		*felt = &s->in_clients;
		err = try_all(s, m, true, NULL);
	}
	unregister_all(s, m, err);
	unload(s, m, iommu);
	return err;
}

#define PORT "0000:00:05.0"

/* A device is pulled with its driver bound, and plugged: it has its slot, group and DMA again. */
static int tell_plug(struct sweep *s, struct weir_machine *m, unsigned long **felt)
{
	struct weir_device *port = find(m, PORT);
	struct weir_module *iommu = NULL;
	int err;

	if (!port)
		return WEIR_ENODEV;
	weir_catalogue_seal(m); /* ports need no driver */
	*felt = &s->in_iommu;
	err = load(m, &iommu);
	if (!err) {
		*felt = &s->in_clients;
		err = register_all(s, m);
		if (!err)
			err = try_all(s, m, true, "start");
		for (int round = 0; round < 2 && !err; round++) {
			assert_int_equal(weir_pci_unplug(port), 1);
			assert_null(find(m, s->story->clients[0].device));
			err = weir_pci_plug(port);
			if (err >= 0)
				err = weir_settle(m);
			if (!err)
				err = try_all(s, m, true, NULL);
		}
		unregister_all(s, m, err);
	}
	unload(s, m, iommu);
	return err;
}

#define DISK0 "0000:00:06.0"

static const struct story stories[] = {
	{ "edu, nvme", tell_plain,
	  { { &weir_edu_driver, "0000:00:05.0" }, { &weir_nvme_driver, DISK0 } }, 4,
	  { "-device", EDU ",addr=05.0", "-device", "nvme,serial=weir,drive=disk0,addr=06.0" } },
	{ "virtio-blk, e1000e", tell_plain,
	  { { &weir_e1000e_driver, "0000:00:05.0" }, { &weir_virtio_blk_driver, DISK0 } }, 2,
	  { "-netdev", "user,id=net0", "-device", "e1000e,netdev=net0,addr=05.0", "-device",
	    "virtio-blk-pci,drive=disk0,iommu_platform=on,disable-legacy=on,addr=06.0" } },
	{ "late", tell_late,
	  { { &weir_edu_driver, "0000:00:05.0" }, { &weir_nvme_driver, DISK0 } }, 2,
	  { "-device", EDU ",addr=05.0", "-device", "nvme,serial=weir,drive=disk0,addr=06.0" } },
	{ "forced", tell_forced,
	  { { &weir_edu_driver, "0000:00:05.0" }, { &weir_nvme_driver, DISK0 } }, 1,
	  { "-device", EDU ",addr=05.0", "-device", "nvme,serial=weir,drive=disk0,addr=06.0" } },
	{ "plug", tell_plug, { { &weir_edu_driver, "0000:01:00.0" } }, 1,
	  { "-device", "pcie-root-port,id=rp0,chassis=1,addr=05.0,power_controller_present=off",
	    "-device", EDU ",bus=rp0" } },
};

/* An IOMMU that had a driver lets nothing through any more; a late one finds it as firmware left it. */
static void reset(struct weir_qtest *qtest)
{
	static const char *const done[2] = { "\"RESET\"", NULL };

	assert_int_equal(weir_qtest_qmp(qtest, "{\"execute\": \"system_reset\"}", NULL), 0);
	assert_int_equal(weir_qtest_qmp_event(qtest, done), 0);
}

/* All of it. Return: the first error. */
static int run(struct sweep *s, struct testhost *host, unsigned long **felt)
{
	struct weir_machine *m = NULL;
	int err;

	if (s->story->tell == tell_late)
		reset(s->qtest);
	*felt = &s->in_machine;
	err = try_machine(host, s->qtest, &m);
	if (!err)
		err = s->story->tell(s, m, felt);
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
	if (counts.faults || counts.blocks || counts.locks)
		fprintf(stderr, "# call %lu of the host failed: %s\n", fail_at, weir_errname(err));
	if (!fail_at) {
		assert_int_equal(err, 0);
	} else {
		assert_true(testhost_fault_hit(host) || !err); /* the last ones of a run may not come */
		++*(err ? felt : &s->unnoticed);
		if (err != WEIR_ENOMEM && err != WEIR_ENODEV && err != WEIR_EDEFER && err)
			fail_msg("call %lu of the host failed: %s", fail_at, weir_errname(err));
	}
	testhost_destroy(host);
	assert_string_equal(weir_qtest_error(s->qtest), "");
	return counts.calls;
}

static void open_qemu(struct sweep *s, const struct story *story)
{
	char disk[120], iommu[64];
	const char *args[16] = { "-blockdev", disk };
	unsigned int n = 2;
	struct bench b;

	memset(s, 0, sizeof(*s));
	s->story = story;
	s->disk_fd = memfd_create("disk", MFD_CLOEXEC);
	assert_true(s->disk_fd >= 0);
	assert_int_equal(ftruncate(s->disk_fd, DISK_BYTES), 0);
	snprintf(disk, sizeof(disk), "driver=file,node-name=disk0,locking=off,"
		 "filename=/proc/%d/fd/%d", (int)getpid(), s->disk_fd);
	for (unsigned int i = 0; i < 8 && story->args[i]; i++)
		args[n++] = story->args[i];
	bench_iommu_args("03.0", iommu, args, n);
	bench_start(&b, "aarch64", bench_iommu()->machine, args);
	s->qtest = b.qtest;
}

/* One story, with calls failing at that many places. */
static void sweep(const struct story *story, unsigned long points, uint64_t *seed)
{
	struct weir_qtest_stats stats;
	unsigned long calls, again;
	struct sweep s;
	uint64_t pages;

	open_qemu(&s, story);
	calls = run_with(&s, 0);
	again = run_with(&s, 0);
	calls = again < calls ? again : calls;
	weir_qtest_stats_get(s.qtest, &stats);
	pages = stats.page_bytes;
	if (points > calls)
		points = calls;
	for (unsigned long i = 0; i < points; i++) {
		unsigned long first = calls * i / points, end = calls * (i + 1) / points;

		run_with(&s, first + 1 + seed_next(seed) % (end - first));
		run_with(&s, 0);
		weir_qtest_stats_get(s.qtest, &stats);
		assert_int_equal(stats.page_bytes, pages);
	}
	printf("# %s: %lu of %lu calls failed: %lu felt by the machine, %lu by the IOMMU, %lu by its "
	       "users, %lu made good\n", story->name, points, calls, s.in_machine, s.in_iommu,
	       s.in_clients, s.unnoticed);
	assert_true(points < 10 || s.in_machine + s.in_iommu + s.in_clients);
	s.qtest = weir_qtest_destroy(s.qtest);
	close(s.disk_fd);
}

static void test_sweep_all_stories(void **state)
{
	const char *text = getenv("WEIR_POINTS");
	unsigned long points = text ? strtoul(text, NULL, 10) : 200;
	uint64_t seed = seed_take();

	(void)state;
	for (size_t i = 0; i < sizeof(stories) / sizeof(stories[0]); i++)
		sweep(&stories[i], points * stories[i].share / 10, &seed);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_sweep_all_stories) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
