// SPDX-License-Identifier: MIT
/* Logs of booting boards: what stands around the lines, and what they say. */
#include "cm.h"

#include <stdlib.h>
#include <string.h>

#include "kernel/bootlog.h"

static struct weir_bootlog *read_log(const char *text)
{
	struct weir_bootlog *log = NULL;

	assert_int_equal(weir_bootlog_read(text, strlen(text), &log), 0);
	return log;
}

/* The same message in every dress. */
static void test_bootlog_heads(void **state)
{
	static const struct {
		const char *line;
		double time;
	} dresses[] = {
		{ "platform 10.gpu: deferred probe pending: wait", WEIR_BOOTLOG_NEVER },
		{ "[   12.500000] platform 10.gpu: deferred probe pending: wait\r", 12.5 },
		{ "<4>[   12.500000] platform 10.gpu: deferred probe pending: wait", 12.5 },
		{ "[   12.500000][    T1] platform 10.gpu: deferred probe pending: wait", 12.5 },
		{ "[   12.500000] [T100] platform 10.gpu: deferred probe pending: wait", 12.5 },
		{ "\033[32m[   12.500000] \033[0m\033[33mplatform 10.gpu\033[0m: "
		  "\033[1;31mdeferred probe pending: wait\033[0m", 12.5 },
		{ "Nov 21 10:00:00 board kernel: [   12.500000] platform 10.gpu: deferred probe pending: wait",
		  12.5 },
		{ "Nov 21 10:00:00 board kernel: platform 10.gpu: deferred probe pending: wait",
		  WEIR_BOOTLOG_NEVER },
		{ "2026-11-21T10:00:00.123456+00:00 board kernel: platform 10.gpu: deferred probe pending: wait",
		  WEIR_BOOTLOG_NEVER },
		{ "[2026-11-21 10:00:00] [   12.500000] platform 10.gpu: deferred probe pending: wait", 12.5 },
		{ "[   12.500000,3] platform 10.gpu: deferred probe pending: wait \t", 12.5 },
		{ "10.gpu\tplatform: wait", WEIR_BOOTLOG_NEVER },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(dresses) / sizeof(dresses[0]); i++) {
		struct weir_bootlog *log = read_log(dresses[i].line);
		const struct weir_bootlog_device *d = weir_bootlog_device(log, "10.gpu");

		if (!d || d->state != WEIR_BOOTLOG_DEFERRED || !d->reason || strcmp(d->reason, "wait"))
			fail_msg("'%s': %s", dresses[i].line, d && d->reason ? d->reason : "nothing");
		assert_true(d->at == dresses[i].time);
		weir_bootlog_destroy(log);
	}
}

static void test_bootlog_probes(void **state)
{
	struct weir_bootlog *log = read_log(
		"[ 1.000000] probe of a returned 0 after 1500 usecs\n"
		"[ 1.100000] probe of b returned -517 after 20 usecs\n"
		"[ 1.200000] probe of c returned 517 after 30 usecs\n"
		"[ 1.300000] probe of d returned -19 after 40 usecs\n"
		"[ 1.400000] probe of e returned 110 after 50 usecs\n"
		"[ 2.500000] probe of b returned 0 after 10 usecs\n"
		"[ 2.600000] f: probe of g failed with error -22\n"
		"[ 2.700000] drv h: probe with driver drv failed with error -2\n"
		"[ 2.800000] bus: 'platform': really_probe: bound device i to driver drv\n"
		"[ 2.900000] probe of a c returned 0 after 1 usecs\n"
		"[ 2.950000] probe of 10.k with driver k-drv returned -517 after 2 usecs\n"
		"[ 3.000000] probe of j returned\n");
	const struct weir_bootlog_device *b = weir_bootlog_device(log, "b");

	(void)state;
	assert_int_equal(weir_bootlog_device(log, "a")->state, WEIR_BOOTLOG_BOUND);
	assert_int_equal(weir_bootlog_device(log, "a")->probe_us, 1500);
	assert_int_equal(b->state, WEIR_BOOTLOG_BOUND);
	assert_int_equal(b->probes, 2);
	assert_int_equal(b->probe_us, 20);
	assert_true(b->deferred_at == 1.1 && b->at == 2.5);
	assert_int_equal(weir_bootlog_device(log, "c")->state, WEIR_BOOTLOG_DEFERRED);
	assert_int_equal(weir_bootlog_device(log, "d")->state, WEIR_BOOTLOG_REFUSED);
	assert_int_equal(weir_bootlog_device(log, "e")->state, WEIR_BOOTLOG_FAILED);
	assert_int_equal(weir_bootlog_device(log, "e")->error, 110);
	assert_int_equal(weir_bootlog_device(log, "g")->error, 22);
	assert_int_equal(weir_bootlog_device(log, "h")->error, 2);
	assert_string_equal(weir_bootlog_device(log, "i")->driver, "drv");
	assert_int_equal(weir_bootlog_device(log, "10.k")->state, WEIR_BOOTLOG_DEFERRED);
	assert_string_equal(weir_bootlog_device(log, "10.k")->driver, "k-drv");
	assert_null(weir_bootlog_device(log, "j"));
	assert_true(log->end == 3.0);
	assert_int_equal(log->timed, 12);
	weir_bootlog_destroy(log);
}

static void test_bootlog_rest(void **state)
{
	struct weir_bootlog *log = read_log(
		"[    0.000000] Linux version 6.12.0-x (a@b) #1\n"
		"[    0.000000] Machine model: Acme Board\n"
		"[    0.000000] Kernel command line: console=ttyS0 deferred_probe_timeout=30\n"
		"[    0.100000] /soc/a: Fixed dependency cycle(s) with /soc/b\n"
		"[    0.100001] /soc/a: Fixed dependency cycle(s) with /soc/b\n"
		"[    0.110000] /soc/b: Fixed dependency cycle(s) with /soc/a\n"
		"[    3.000000] clk clock@1: sync_state() pending due to 20.usb\n"
		"[    4.000000] wifi 30.wifi: Direct firmware load for acme/wifi.bin failed with error -2\n"
		"[    5.000000] Run /init as init process\n"
		"[   11.000000] usb 20.usb: deferred probe timeout, ignoring dependency\n"
		"[   12.000000] platform 20.usb: deferred probe pending: (reason unknown)\n"
		"Gave up waiting for root file system device.  Common problems:\n"
		"[   45.000000] tru");

	(void)state;
	assert_string_equal(log->version, "6.12.0-x");
	assert_string_equal(log->model, "Acme Board");
	assert_non_null(strstr(log->cmdline, "deferred_probe_timeout=30"));
	assert_int_equal(log->cycles.n, 2);
	assert_string_equal(log->cycles.items[1].b, "/soc/a");
	assert_int_equal(log->sync_state.n, 1);
	assert_string_equal(log->sync_state.items[0].a, "clock@1");
	assert_string_equal(log->firmware.items[0].b, "acme/wifi.bin");
	assert_true(log->init_at == 5.0 && log->timeout_at == 11.0);
	assert_non_null(log->gave_up);
	assert_null(weir_bootlog_device(log, "20.usb")->reason);
	assert_int_equal(weir_bootlog_device(log, "20.usb")->state, WEIR_BOOTLOG_DEFERRED);
	weir_bootlog_destroy(log);
}

/* What is said of IOMMUs: each message once, with its numbers. */
static void test_bootlog_iommu(void **state)
{
	static const struct weir_bootlog_note want[] = {
		{ WEIR_NOTE_LATE, "10.decon", 0, 0, false, 0, 2 },
		{ WEIR_NOTE_NO_GROUP, "0000:9c:00.0", 11, 0, false, 22, 1 },
		{ WEIR_NOTE_GIVEN_UP, "20.gpu", 0, 0, false, 0, 1 },
		{ WEIR_NOTE_UNKNOWN_ID, "5.iommu", 0x429, 0, false, 0, 2 },
		{ WEIR_NOTE_FAULT, "5.iommu", 0x121, 0xfc401000, true, 0, 1 },
		{ WEIR_NOTE_FAULT, "9.iommu", 8, 0x1000, true, 0, 1 },
		{ WEIR_NOTE_FAULT, "9.iommu", 0x17, 0x2000, true, 0, 1 },
		{ WEIR_NOTE_NO_DIRECT, "5.iommu", 0, 0, false, 0, 1 },
		{ WEIR_NOTE_NO_DMA, "30.usb", 0, 0, false, 0, 1 },
	};
	struct weir_bootlog *log = read_log(
		"[ 0.100000] iommu: Default domain type: Translated (set via kernel command line)\n"
		"[ 1.000000] platform 10.decon: Adding to iommu group 3\n"
		"[ 1.100000] decon 10.decon: late IOMMU probe at driver bind, something fishy here!\n"
		"[ 1.100001] decon 10.decon: late IOMMU probe at driver bind, something fishy here!\n"
		"[ 1.200000] nvme 0000:9c:00.0: Failed to add to iommu group 11: -22\n"
		"[ 1.300000] gpu 20.gpu: deferred probe timeout, ignoring dependency\n"
		"[ 1.400000] arm-smmu 5.iommu: Blocked unknown Stream ID 0x429; boot with \"x\"\n"
		"[ 1.400001] arm-smmu 5.iommu: Blocked unknown Stream ID 0x429; boot with \"x\"\n"
		"[ 1.500000] arm-smmu 5.iommu: Unhandled context fault: fsr=0x402, iova=0xfc401000, "
		"fsynr=0x60003, cbfrsynra=0x121, cb=38\n"
		"[ 1.600000] arm-smmu-v3 9.iommu: event 0x10 received:\n"
		"[ 1.600001] arm-smmu-v3 9.iommu: \t0x0000000800000010\n"
		"[ 1.600002] arm-smmu-v3 9.iommu: \t0x0000020000000000\n"
		"[ 1.600003] arm-smmu-v3 9.iommu: \t0x0000000000001000\n"
		"[ 1.600004] arm-smmu-v3 9.iommu: \t0x0000000000000000\n"
		"[ 1.700000] arm-smmu-v3 9.iommu: event: F_TRANSLATION client: (unassigned sid) sid: 0x17 "
		"ssid: 0x0 iova: 0x2000 ipa: 0x0\n"
		"[ 1.800000] arm-smmu 5.iommu: IOMMU driver was not able to establish FW requested direct mapping.\n"
		"[ 1.900000] Failed to set up IOMMU for device 30.usb; retaining platform DMA ops\n"
		"[ 2.000000] arm-smmu 5.iommu: Unhandled context fault: none of it\n"
		"[ 2.100000] platform 11.decon: Adding to iommu group 4\n"
		"[ 2.200000] platform 11.decon: Removing from iommu group 4\n");

	(void)state;
	assert_string_equal(log->domain_type, "Translated");
	assert_int_equal(weir_bootlog_device(log, "10.decon")->group, 3);
	assert_int_equal(weir_bootlog_device(log, "11.decon")->group, -1);
	assert_int_equal(log->note_count, sizeof(want) / sizeof(want[0]));
	for (size_t i = 0; i < log->note_count; i++) {
		const struct weir_bootlog_note *a = &log->notes[i], *b = &want[i];

		assert_string_equal(a->device, b->device);
		assert_true(a->kind == b->kind && a->id == b->id && a->address == b->address &&
			    a->has_address == b->has_address && a->error == b->error && a->times == b->times);
	}
	weir_bootlog_destroy(log);
}

/* devices_deferred: a name, a tab, the driver and the reason; or nothing more. */
static void test_bootlog_devices_deferred(void **state)
{
	struct weir_bootlog *log = read_log(
		"3d00000.gpu\tplatform: wait for supplier /soc@0/clock@1\n"
		"sound\tsnd-card: WSA Playback: codec dai not found\n"
		"9030000.pl061\t\n"
		"no such line\tat all\n");

	(void)state;
	assert_string_equal(weir_bootlog_device(log, "3d00000.gpu")->reason, "wait for supplier /soc@0/clock@1");
	assert_non_null(strstr(weir_bootlog_device(log, "sound")->reason, "codec dai not found"));
	assert_null(weir_bootlog_device(log, "no"));
	weir_bootlog_destroy(log);
}

/* Bytes of any kind, and lines without end. */
static void test_bootlog_noise(void **state)
{
	size_t size = 100000;
	char *noise = malloc(size);
	struct weir_bootlog *log = NULL;
	uint32_t v = 1;

	(void)state;
	assert_non_null(noise);
	for (size_t i = 0; i < size; i++) {
		v = v * 1664525u + 1013904223u;
		noise[i] = (char)(v >> 24);
	}
	assert_int_equal(weir_bootlog_read(noise, size, &log), 0);
	weir_bootlog_destroy(log);
	memset(noise, '[', size);
	assert_int_equal(weir_bootlog_read(noise, size, &log), 0);
	assert_int_equal(log->lines, 1);
	assert_int_equal(log->device_count, 0);
	weir_bootlog_destroy(log);
	assert_int_equal(weir_bootlog_read(noise, 0, &log), 0);
	weir_bootlog_destroy(log);
	free(noise);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bootlog_heads),
		cmocka_unit_test(test_bootlog_probes),
		cmocka_unit_test(test_bootlog_rest),
		cmocka_unit_test(test_bootlog_iommu),
		cmocka_unit_test(test_bootlog_devices_deferred),
		cmocka_unit_test(test_bootlog_noise),
	};

	return cmocka_run_group_tests_name("bootlog", tests, NULL, NULL);
}
